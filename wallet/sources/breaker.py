"""A circuit breaker: who failed again and again is left alone for a while, then asked once to see.

States: `closed` (asked as usual), `open` (not asked), `half_open` (one question is under way; nobody else asks).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from wallet.clock import Clock


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Open(Exception):
    """Not asked. retry_after: whole seconds until a question is let through again, 1 at least."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("open")
        self.retry_after = retry_after


@dataclass(slots=True)
class Breaker:
    """One per partner and process. open_after: failures in a row. rest: how long it stays open."""

    clock: Clock
    open_after: int
    rest: timedelta
    failures: int = 0
    opened_at: datetime | None = None
    _probing: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def state(self) -> BreakerState:
        """What the next question meets."""
        with self._lock:
            if self.opened_at is None:
                return BreakerState.CLOSED
            rested = self.clock.now() >= self.opened_at + self.rest
            return BreakerState.HALF_OPEN if self._probing or rested else BreakerState.OPEN

    @contextmanager
    def guard(self, *answers: type[BaseException]) -> Iterator[None]:
        """Let a question through. Whatever is raised counts as a failure, unless it is one of `answers`.

        Raises Open instead, while the breaker is open or another question is the one that finds out.
        """
        probing = self._enter()
        answered = False
        try:
            yield
            answered = True
        except answers:
            answered = True
            raise
        finally:
            self._leave(answered=answered, probing=probing)

    def _enter(self) -> bool:
        with self._lock:
            if self.opened_at is None:
                return False
            left = self.opened_at + self.rest - self.clock.now()
            if self._probing or left > timedelta():
                raise Open(max(1, -(-left // timedelta(seconds=1))))
            self._probing = True
            return True

    def _leave(self, *, answered: bool, probing: bool) -> None:
        with self._lock:
            if probing:
                self._probing = False
            elif self.opened_at is not None:
                # It opened while this question was under way: the probe decides, not what was asked before.
                return
            if answered:
                self.failures, self.opened_at = 0, None
                return
            self.failures += 1
            if probing or self.failures >= self.open_after:
                self.opened_at = self.clock.now()
