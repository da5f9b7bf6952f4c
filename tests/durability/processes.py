"""The same deployment in two processes of many threads each, all of which begin at the same moment."""

import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

import wallet.db
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

PROCESSES = 2
THREADS = 25
PATIENCE = 60


@dataclass(frozen=True)
class Call:
    """One HTTP call of a race. It is pickled into the process that makes it."""

    path: str
    body: Any
    headers: dict[str, str]
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """What a call was answered."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The problem code; empty when the answer is no problem."""
        return str(self.body["code"]) if self.status >= 400 else ""


class Workers:
    """Processes, two unless told otherwise, that live as long as the tests do: to start one costs more than a race."""

    def __init__(self, count: int = PROCESSES) -> None:
        context = multiprocessing.get_context("spawn")
        self.barrier = context.Barrier(count)
        pipes = [context.Pipe() for _ in range(count)]
        self.pipes = [mine for mine, _ in pipes]
        self.processes = [
            context.Process(target=_serve, args=(self.barrier, theirs), daemon=True) for _, theirs in pipes
        ]
        for process, (_, theirs) in zip(self.processes, pipes, strict=True):
            process.start()
            theirs.close()

    def run(self, work: Callable[..., Any], *arguments: tuple[Any, ...], patience: float = 3 * PATIENCE) -> list[Any]:
        """Run `work(begin, *arguments)`, one tuple of arguments for each process; return what each returned.

        begin: to be called once by each process when it is ready; returns when all are. patience: seconds.
        """
        self.barrier.reset()
        for pipe, given in zip(self.pipes, arguments, strict=True):
            pipe.send((work, given))
        answers = []
        for pipe in self.pipes:
            assert pipe.poll(patience), "a process did not answer"
            answers.append(pipe.recv())
        failures = [failure for _, failure in answers if failure]
        assert not failures, "\n".join(failures)
        return [result for result, _ in answers]

    def race(self, settings: Settings, now: datetime, calls: list[Call]) -> list[Answer]:
        """Make every call at the same moment, spread over the processes; the answers come in the order of the calls."""
        shares = [calls[start::PROCESSES] for start in range(PROCESSES)]
        answers = self.run(_make_calls, *((settings, now, share) for share in shares))
        found: list[Answer | None] = [None] * len(calls)
        for start, share in enumerate(answers):
            found[start::PROCESSES] = share
        return [answer for answer in found if answer is not None]

    def close(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)
            pipe.close()
        for process in self.processes:
            process.join(PATIENCE)


def _serve(barrier: Any, pipe: Any) -> None:
    # Fifty writers wait for each other here: on a busy machine for longer than a citizen would.
    wallet.db.BUSY_TIMEOUT_MS, wallet.db.POOL_TIMEOUT_SECONDS = PATIENCE * 1000, PATIENCE
    while (job := pipe.recv()) is not None:
        work, given = job
        try:
            pipe.send((work(lambda: barrier.wait(PATIENCE), *given), ""))
        except BaseException:  # noqa: BLE001 - the tests read what happened here
            barrier.abort()
            pipe.send((None, traceback.format_exc()))


class RunningClock:
    """A clock that begins at a given moment and runs on as the real one does."""

    def __init__(self, start: datetime) -> None:
        self._start, self._begun = start, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._begun)


def in_threads(
    count: int, begin: Callable[[], None], work: Callable[[int], Any], patience: float = PATIENCE
) -> list[Any]:
    """Run `work(0)` to `work(count - 1)` in threads that all wait until `begin` has returned."""
    gate = threading.Barrier(count + 1)
    results: list[Any] = [None] * count

    def one(place: int) -> None:
        gate.wait(PATIENCE)
        try:
            results[place] = work(place)
        except Exception as error:  # noqa: BLE001 - told to whoever reads the results
            results[place] = error

    threads = [threading.Thread(target=one, args=(place,), daemon=True) for place in range(count)]
    for thread in threads:
        thread.start()
    begin()
    gate.wait(PATIENCE)
    for thread in threads:
        thread.join(patience)
        assert not thread.is_alive(), "a thread hangs"
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise failures[0]
    return results


def _make_calls(begin: Callable[[], None], settings: Settings, now: datetime, calls: list[Call]) -> list[Answer]:
    wallet = Wallet.build(settings, clock=RunningClock(now))
    app = create_app(wallet)
    clients: list[FlaskClient] = [app.test_client() for _ in calls]
    clients[0].get("/health/ready")

    def make(place: int) -> Answer:
        call = calls[place]
        answer = clients[place].open(call.path, method=call.method, json=call.body, headers=call.headers)
        return Answer(answer.status_code, answer.get_json(silent=True), dict(answer.headers))

    try:
        return in_threads(len(calls), begin, make)
    finally:
        wallet.close()
