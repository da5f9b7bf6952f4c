"""The job of launching: what was scheduled is written down, and what nobody agreed to in time is closed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from wallet.clock import Clock
from wallet.launching.changing import Launching
from wallet.launching.repository import LaunchingRepository


class LaunchWork(Protocol):
    """The services of one transaction that the job needs."""

    @property
    def launching(self) -> Launching: ...

    @property
    def launch_rows(self) -> LaunchingRepository: ...


@dataclass(frozen=True, slots=True)
class LaunchJob:
    """Looks without a transaction that writes, and opens one only where something is due."""

    work: Callable[[], AbstractContextManager[LaunchWork]]
    read: Callable[[], AbstractContextManager[LaunchWork]]
    clock: Clock

    def run(self) -> bool:
        """Write down what is due. Return False: nothing is left for another round at once."""
        now = self.clock.now()
        with self.read() as work:
            idle = not work.launch_rows.due(now) and not work.launch_rows.expired(now)
        if not idle:
            with self.work() as work:
                work.launching.apply_due()
        return False
