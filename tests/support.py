"""What tests need of the world: a clock that stands still, chance that repeats itself, phones that get messages."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count

from wallet.crypto.authority import Authority
from wallet.errors import Unavailable
from wallet.sources.base import Ground
from wallet.terms import Actor

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
"""A Monday, 12:00 in Vietnam."""


GROUND = Ground("test", "test", Actor("system", request_id="req_test"))
"""Why a test asks a register."""


AUTHORITY = Authority("Test", "https://vi.example.vn")
"""Whose keys the tests' are."""


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


class RisingEntropy:
    """Bytes that come after all before them: ids sort as they were made, so that a run can be made again to the letter.

    It is for what ids alone are drawn for: nobody is kept from guessing them.
    """

    def __init__(self) -> None:
        self._drawn = count(1)

    def bytes(self, count: int) -> bytes:
        return (next(self._drawn) % 256**count).to_bytes(count)


class Mailbox:
    """Every phone at once: keeps what was sent, in its order. `down`: so many of the next messages are not taken."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.down = 0

    def send(self, phone: str, text: str) -> None:
        if self.down:
            self.down -= 1
            raise Unavailable("dependency_unavailable")
        self.sent.append((phone, text))

    def texts(self, phone: str) -> list[str]:
        """Return what one phone got, oldest first."""
        return [text for to, text in self.sent if to == phone]
