"""Jobs: what happens by itself every so often, in threads of the serving process or of `wallet jobs run`.

A job looks in the database for what is due: the rows are the queue, so nothing is lost with a process, and any
number of processes may run the same jobs (docs/decisions/0010-the-outbox-is-the-queue.md). Each job has a thread of
its own: one that waits for a slow receiver does not hold the others up, and one that fails is logged and tried again.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from wallet.errors import Unavailable

log = structlog.get_logger("wallet.jobs")
STOP_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do. every: how long to wait after it was done. woken: also at once when something was queued.

    run: returns whether there is more to do, and is then called again without a wait.
    """

    name: str
    every: timedelta
    run: Callable[[], bool]
    woken: bool = False


class Runner:
    """Runs jobs from `start` to `stop`. Building one starts nothing."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._bells = {job: threading.Event() for job in jobs}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin. A second start does nothing."""
        if self._threads:
            return
        for job, bell in self._bells.items():
            thread = threading.Thread(target=self._repeat, args=(job, bell), name=f"job-{job.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Let the jobs that wait for it look at once: something was queued and is committed."""
        for job, bell in self._bells.items():
            if job.woken:
                bell.set()

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Let what is being done end, and begin nothing more. Return whether all ended within `timeout` seconds."""
        self._stopping.set()
        for bell in self._bells.values():
            bell.set()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, job: Job, bell: threading.Event) -> None:
        while not self._stopping.is_set():
            bell.clear()
            # A bell that rings from here on is heard by the wait below: nothing that was queued is overlooked.
            if not self._more(job) and not self._stopping.is_set():
                bell.wait(job.every.total_seconds())

    def _more(self, job: Job) -> bool:
        try:
            return job.run()
        except Unavailable as error:
            log.warning("job waits", job=job.name, code=error.code)
        except Exception as error:  # whatever it is, the next round and the other jobs go on
            log.error("job failed", job=job.name, exc_info=error)
        return False
