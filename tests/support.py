"""What tests need of the world: a clock that stands still, and chance that repeats itself."""

import hashlib
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
"""A Monday, 12:00 in Vietnam."""


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta | None = None, /, **parts: float) -> datetime:
        """Move on by `step`, or by the parts of one (`advance(seconds=30)`), and return the new time."""
        self._now += timedelta(**parts) if step is None else step
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now


class SeededEntropy:
    """SHA-256 over the seed and a counter: the same bytes in the same order for the same seed."""

    def __init__(self, seed: str | int = 0) -> None:
        self._seed = str(seed).encode()
        self._counter = 0
        self._rest = b""

    def bytes(self, count: int) -> bytes:
        while len(self._rest) < count:
            block = hashlib.sha256(self._seed + b"/" + str(self._counter).encode()).digest()
            self._counter += 1
            self._rest += block
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken
