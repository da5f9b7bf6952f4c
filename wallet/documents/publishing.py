"""Signed copies that the world fetches: kept in the database, served from memory, alive while the database is not.

A copy is made again when its content changed or when it grows old; of several processes that try at once, one
stores its copy and the others take it. Verifiers see a sequence that rises by one.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from wallet.clock import Clock
from wallet.documents.models import PublicationRow
from wallet.documents.repository import PublicationRepository
from wallet.errors import Unavailable

Opening = Callable[[], AbstractContextManager[PublicationRepository]]
CLOCKS_DIFFER = timedelta(seconds=5)
"""How far a copy's time may lie ahead before this process's clock counts as set back."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One signed copy. `etag`: changes whenever the bytes do."""

    name: str
    sequence: int
    content_key: str
    token: bytes
    issued_at: datetime
    expires_at: datetime

    @property
    def etag(self) -> str:
        return sha256(self.token).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a copy is to be made of.

    content_key: equal keys mean equal content. sign(sequence, previous, issued_at): returns the signed bytes;
    `previous` is the copy before, None for the first.
    """

    content_key: str
    life: timedelta
    renew_after: timedelta
    sign: Callable[[int, bytes | None, datetime], bytes]


class _Making(threading.local):
    """How many copies this thread is making, one for another."""

    depth = 0


@dataclass
class Publisher:
    """Hands out the newest copy of each publication."""

    reading: Opening
    writing: Opening
    clock: Clock
    look_again_after: timedelta
    _held: dict[str, tuple[datetime, Publication]] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _making: _Making = field(default_factory=_Making)

    def current(self, name: str, draft: Callable[[], Draft]) -> Publication:
        """Return the copy that is in force.

        The database is looked at once in `look_again_after`; when it does not answer, the last copy is served until
        it expires. Raises Unavailable after that.
        """
        now = self.clock.now()
        # What another copy is being made of is looked at anew: a newer bundle never carries an older list.
        part = self._making.depth > 0
        held = None if part else self._lately(name, now)
        if held is not None:
            return held
        # A lock for each name: the bundle is made of the lists, so one publication asks for another.
        lock = self._locks.setdefault(name, threading.Lock())
        looking = lock.locked() and not part
        if looking and (held := self._unexpired(name, now)) is not None:
            return held  # another thread is looking; what is held is a moment old
        with lock:
            return self._newest(name, draft, now, part=part)

    def _lately(self, name: str, now: datetime) -> Publication | None:
        """Return what is held, when the database was looked at a moment ago."""
        looked_at, held = self._held.get(name, (None, None))
        if looked_at is None or not timedelta(0) <= now - looked_at < self.look_again_after:
            return None
        return held

    def _unexpired(self, name: str, now: datetime) -> Publication | None:
        _, held = self._held.get(name, (None, None))
        return held if held is not None and now < held.expires_at else None

    def _newest(self, name: str, draft: Callable[[], Draft], now: datetime, *, part: bool) -> Publication:
        held = None if part else self._lately(name, now)
        if held is not None:
            return held
        try:
            newest = self._look(name, draft, now)
        except Unavailable:
            held = self._unexpired(name, now)
            if held is None or part:
                raise
            newest = held
        self._held[name] = (now, newest)
        return newest

    def _look(self, name: str, make: Callable[[], Draft], now: datetime) -> Publication:
        with self.reading() as rows:
            row = rows.get(name)
            stored = None if row is None else _publication(row)
        # The content is read after the copy that it may replace, never before: of two processes the slower one
        # would else put what it read long ago over what the faster one stored meanwhile.
        self._making.depth += 1
        try:
            draft = make()
        finally:
            self._making.depth -= 1
        if stored is not None:
            same = stored.content_key == draft.content_key and now - stored.issued_at < draft.renew_after
            # Two copies never share a second, and none is made ahead of its time: the change waits for the next one.
            ahead = stored.issued_at - now.replace(microsecond=0)
            if same or timedelta(0) <= ahead < CLOCKS_DIFFER:
                return stored
        sequence, issued_at = 1, now.replace(microsecond=0)
        if stored is not None:
            # Readers keep the copy with the later time: two copies never share a second.
            sequence, issued_at = stored.sequence + 1, max(issued_at, stored.issued_at + timedelta(seconds=1))
        made = Publication(
            name=name,
            sequence=sequence,
            content_key=draft.content_key,
            token=draft.sign(sequence, stored.token if stored else None, issued_at),
            issued_at=issued_at,
            expires_at=issued_at + draft.life,
        )
        with self.writing() as rows:
            row = PublicationRow(**{slot: getattr(made, slot) for slot in Publication.__slots__})
            if rows.replace(row, stored.sequence if stored else None):
                return made
        with self.reading() as rows:
            winner = rows.get(name)
        if winner is None:
            raise Unavailable("dependency_unavailable")
        return _publication(winner)


def _publication(row: PublicationRow) -> Publication:
    return Publication(**{slot: getattr(row, slot) for slot in Publication.__slots__})
