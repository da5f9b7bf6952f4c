"""Signed copies that the world fetches: kept in the database and as files, served from memory.

A copy is made again when its content changed or when it grows old; of several processes that try at once, one
stores its copy and the others take it. Verifiers see a sequence that rises by one. While the database is away the last
copy is served until it expires, also by a process that started meanwhile: it finds the copy in its file.

A copy that a clock dated ahead is one that no verifier takes: it bounds the sequence, and otherwise does not count.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import structlog

from wallet.clock import Clock
from wallet.documents.models import PublicationRow
from wallet.documents.repository import PublicationHead, PublicationRepository
from wallet.errors import Unavailable
from wallet.verifier.trust import FUTURE_SECONDS

log = structlog.get_logger("wallet.documents")
Opening = Callable[[], AbstractContextManager[PublicationRepository]]
CLOCKS_DIFFER = timedelta(seconds=5)
"""How far a copy's time may lie ahead before this process's clock counts as set back."""
_SECOND = timedelta(seconds=1)


def dated_ahead(issued_at: datetime, now: datetime) -> bool:
    """Return whether what is dated so is refused by every verifier whose clock is right (docs/wire.md, section 3)."""
    return issued_at > now + timedelta(seconds=FUTURE_SECONDS)


@dataclass(frozen=True)
class Publication:
    """One signed copy. `etag`: changes whenever the bytes do."""

    name: str
    sequence: int
    content_key: str
    token: bytes
    issued_at: datetime
    expires_at: datetime

    @cached_property
    def etag(self) -> str:
        return sha256(self.token).hexdigest()[:32]

    def counts(self, now: datetime) -> bool:
        """Return whether it may be handed out: it is not over, and not dated ahead."""
        return now < self.expires_at and not dated_ahead(self.issued_at, now)


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


class Shelf(Protocol):
    """Where copies survive the database: files (`wallet.documents.published_files`)."""

    def read(self, name: str) -> Publication | None:
        """Return the copy that lies there and verifies."""
        ...

    def put(self, copy: Publication) -> None:
        """Lay a copy there, unless a newer one that is not dated ahead lies there already.

        Never raises: the copy is served all the same.
        """
        ...


class NoShelf:
    """No files."""

    def read(self, name: str) -> Publication | None:
        return None

    def put(self, copy: Publication) -> None:
        pass


class _Making(threading.local):
    """How many copies this thread is making, one for another."""

    depth = 0


@dataclass
class Publisher:
    """Hands out the newest copy of each publication.

    left_to_job: a job of this process makes the copies (`renew`); whoever asks gets what is at hand and waits neither
    for the database nor for a signature, except before the very first copy.
    """

    reading: Opening
    writing: Opening
    clock: Clock
    look_again_after: timedelta
    shelf: Shelf = field(default_factory=NoShelf)
    left_to_job: bool = False
    _held: dict[str, tuple[datetime, Publication]] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _making: _Making = field(default_factory=_Making)

    def at_hand(self, name: str) -> Publication | None:
        """Return the copy in memory, where a job keeps it fresh; None when it has to be looked for."""
        return self._counting(name, self.clock.now()) if self.left_to_job else None

    def kept(self, name: str) -> Publication:
        """Return the last copy, from memory or from its file, until it expires. Raises Unavailable."""
        now = self.clock.now()
        held = self._counting(name, now) or self.shelf.read(name)
        if held is None or not held.counts(now):
            raise Unavailable("dependency_unavailable")
        return held

    def current(self, name: str, draft: Callable[[], Draft]) -> Publication:
        """Return the copy that is in force.

        The database is looked at once in `look_again_after`; when it does not answer, the last copy is served until
        it expires. Raises Unavailable after that.
        """
        now = self.clock.now()
        # What another copy is being made of is looked at anew: a newer bundle never carries an older list.
        part = self._making.depth > 0
        held = None if part else self.at_hand(name) or self._lately(name, now)
        if held is not None:
            return held
        # A lock for each name: the bundle is made of the lists, so one publication asks for another.
        lock = self._lock(name)
        looking = lock.locked() and not part
        if looking and (held := self._counting(name, now)) is not None:
            return held  # another thread is looking; what is held is a moment old
        with lock:
            return self._newest(name, draft, now, part=part)

    def heads(self) -> Mapping[str, PublicationHead]:
        """Return what is stored of each publication, without the copies themselves. Raises Unavailable."""
        with self.reading() as rows:
            return {head.name: head for head in rows.heads()}

    def renew(self, name: str, head: PublicationHead | None, draft: Draft) -> Publication:
        """Make a copy again if its content changed or it grew old, and return the one in force.

        head: as it was stored before the content of the draft was read. Raises Unavailable.
        """
        with self._lock(name):
            now = self.clock.now()
            return self._hold(self._settled(name, head, draft, now), now)

    def standing(self, name: str) -> Publication | None:
        """Return the newest copy that is stored or was handed out and counts, None without one. Raises Unavailable."""
        with self.reading() as rows:
            row = rows.get(name)
        now = self.clock.now()
        found = [None if row is None else _publication(row), self._known(name)]
        return max(
            (copy for copy in found if copy is not None and copy.counts(now)),
            key=lambda copy: copy.issued_at,
            default=None,
        )

    def _lock(self, name: str) -> threading.Lock:
        return self._locks.setdefault(name, threading.Lock())

    def _lately(self, name: str, now: datetime) -> Publication | None:
        """Return what is held, when the database was looked at a moment ago."""
        looked_at, held = self._held.get(name, (None, None))
        if looked_at is None or not timedelta(0) <= now - looked_at < self.look_again_after:
            return None
        return held

    def _counting(self, name: str, now: datetime) -> Publication | None:
        _, held = self._held.get(name, (None, None))
        return held if held is not None and held.counts(now) else None

    def _hold(self, copy: Publication, now: datetime) -> Publication:
        _, held = self._held.get(copy.name, (None, None))
        self._held[copy.name] = (now, copy)
        if held is None or held.token != copy.token:
            self.shelf.put(copy)
        return copy

    def _newest(self, name: str, draft: Callable[[], Draft], now: datetime, *, part: bool) -> Publication:
        held = None if part else self.at_hand(name) or self._lately(name, now)
        if held is not None:
            return held
        try:
            newest = self._looked_up(name, now) if self.left_to_job and not part else None
            newest = newest or self._look(name, draft, now)
        except Unavailable:
            if part:
                raise
            newest = self.kept(name)
        return self._hold(newest, now)

    def _looked_up(self, name: str, now: datetime) -> Publication | None:
        """Return the copy that is stored, None when none counts; an expired one is for the job to renew."""
        with self.reading() as rows:
            row = rows.get(name)
        if row is None or dated_ahead(row.issued_at, now):
            return None
        if now >= row.expires_at:
            raise Unavailable("dependency_unavailable")
        return _publication(row)

    def _look(self, name: str, make: Callable[[], Draft], now: datetime) -> Publication:
        with self.reading() as rows:
            head = rows.head(name)
        # The content is read after the copy that it may replace, never before: of two processes the slower one
        # would else put what it read long ago over what the faster one stored meanwhile.
        self._making.depth += 1
        try:
            draft = make()
        finally:
            self._making.depth -= 1
        return self._settled(name, head, draft, now)

    def _settled(self, name: str, head: PublicationHead | None, draft: Draft, now: datetime) -> Publication:
        """Return the stored copy if it will do, else a new one, or that of a process which was quicker."""
        known = self._known(name)
        went_back = (
            known is not None
            and not dated_ahead(known.issued_at, now)
            and (head is None or head.issued_at < known.issued_at)
        )
        if head is not None and dated_ahead(head.issued_at, now):
            log.warning("published copy is dated ahead", name=name, issued_at=head.issued_at.isoformat())
        elif head is not None and not went_back:
            same = head.content_key == draft.content_key and now - head.issued_at < draft.renew_after
            # Two copies never share a second, and none is made ahead of its time: the change waits for the next one.
            ahead = head.issued_at - now.replace(microsecond=0)
            if same or timedelta(0) <= ahead < CLOCKS_DIFFER:
                return self._stored(head)
        stored = None if head is None else self._stored(head)
        if head is not None and stored is not None and stored.sequence != head.sequence:
            return stored  # another process was quicker
        # A database that was restored is behind what was handed out: the line goes on from the higher sequence.
        found = [copy for copy in (stored, known) if copy is not None]
        before = max(found, key=lambda copy: copy.sequence, default=None)
        # Readers keep the copy with the later time, but take none that is dated ahead: its date binds nobody.
        binding = [copy for copy in found if not dated_ahead(copy.issued_at, now)]
        latest = max(binding, key=lambda copy: copy.issued_at, default=None)
        issued_at = now.replace(microsecond=0)
        if latest is not None:
            if dated_ahead(latest.issued_at + _SECOND, now):
                return latest  # what follows it would be dated ahead itself: the change waits a second
            issued_at = max(issued_at, latest.issued_at + _SECOND)
        sequence = before.sequence + 1 if before else 1
        made = Publication(
            name=name,
            sequence=sequence,
            content_key=draft.content_key,
            token=draft.sign(sequence, before.token if before else None, issued_at),
            issued_at=issued_at,
            expires_at=issued_at + draft.life,
        )
        with self.writing() as rows:
            row = PublicationRow(**{each.name: getattr(made, each.name) for each in fields(made)})
            if rows.replace(row, None if head is None else head.sequence):
                return made
        with self.reading() as rows:
            winner = rows.get(name)
        if winner is None:
            raise Unavailable("dependency_unavailable")
        return _publication(winner)

    def _known(self, name: str) -> Publication | None:
        """Return the last copy this deployment handed out, as far as this process can tell."""
        _, held = self._held.get(name, (None, None))
        return held or self.shelf.read(name)

    def _stored(self, head: PublicationHead) -> Publication:
        """Return the copy that is stored: the one held if it is that, else from the database, where it may be newer."""
        _, held = self._held.get(head.name, (None, None))
        if held is not None and (held.sequence, held.issued_at) == (head.sequence, head.issued_at):
            return held
        with self.reading() as rows:
            row = rows.get(head.name)
        if row is None:
            raise Unavailable("dependency_unavailable")
        return _publication(row)


def _publication(row: PublicationRow) -> Publication:
    return Publication(**{each.name: getattr(row, each.name) for each in fields(Publication)})
