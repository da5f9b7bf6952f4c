"""The status of documents: indices that tell nothing, and a board that always knows who is revoked.

Source: Token Status List, draft-ietf-oauth-status-list-21; docs/wire.md, section 5.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from wallet.clock import Clock
from wallet.crypto.permutation import permute
from wallet.documents.repository import DocumentRepository, StatusRepository
from wallet.errors import Unavailable
from wallet.terms import Status

log = structlog.get_logger("wallet.documents")
BITS = 2
REFRESH_AFTER = timedelta(milliseconds=500)
SPREAD = 4
"""Over how many lists the copies of one batch are spread at most."""


def lists_address(issuer_url: str) -> str:
    """Return the address of a service's lists, without the number that comes after it."""
    return f"{issuer_url}/v1/status-lists/"


@dataclass(frozen=True, slots=True)
class StatusIndex:
    """The place of one document: which list, which entry."""

    list_id: int
    index: int


def _first(_below: int) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Indices:
    """Gives out indices, in the transaction of the document that gets one.

    An index is a keyed permutation of a counter: constant cost at any size, never the same twice, and its order
    says nothing about the order of issuance.
    pass_over(list_id, used, bits_log2_size): remembers outside the database how far a list is drawn, before anybody
    gets what was drawn (`wallet.documents.high_water`).
    shards: how many lists are drawn from in parallel, so that parallel issuers do not wait for one another and one
    list's counter says little. chance: returns a number below the one it is given.
    address: of the service's lists, their number comes after it. A list keeps the name it was opened under, so of those
    that were opened at another address nothing is drawn: what is issued would send its readers there. They are drawn
    from again where the service goes back.
    """

    rows: DocumentRepository
    secret: bytes
    bits_log2_size: int
    clock: Clock
    address: str
    pass_over: Callable[[int, int, int], None]
    shards: int = 1
    chance: Callable[[int], int] = _first

    def reserve(self) -> StatusIndex:
        """Return an index that no other document has or will have. Raises Unavailable when the lists are full."""
        return self._draw(1, self._turn())[0]

    def reserve_many(self, count: int) -> list[StatusIndex]:
        """Return as many indices, for copies of one document that must not be linked; in no order.

        They are spread over a few lists, half of the shards at most: the others stay free for other issuers. One
        statement for each list, whatever the count. Raises Unavailable when the lists are full.
        """
        lists = max(1, min(SPREAD, self.shards // 2, count))
        share, turn = -(-count // lists), self._turn()
        found: list[StatusIndex] = []
        while len(found) < count:
            found += self._draw(min(share, count - len(found)), turn)
            turn = (turn + self.shards - 1) % self.shards
        return found

    def open_shards(self) -> None:
        """See to it that every shard has a list that is not half used; the first one of a deployment too."""
        for shard in sorted(set(range(self.shards)) - self.rows.shards_half_free(self.address)):
            self._open(shard)

    def _turn(self) -> int:
        return self.chance(self.shards) if self.shards > 1 else 0

    def _draw(self, asked: int, turn: int) -> list[StatusIndex]:
        drawn = self.rows.draw(asked, turn, self.shards, self.address)
        if drawn is None:
            raise Unavailable("status_lists_full", retry_after=5)
        if drawn.passed_middle(asked) and drawn.shard < self.shards:
            # The next list exists, and is on every verifier's bundle, long before it is needed. A transaction that
            # rolls back gives its numbers back, so exactly one that commits passes the middle.
            self._open(drawn.shard)
        self.pass_over(drawn.list_id, drawn.used, drawn.bits_log2_size)
        key = sha256(self.secret + drawn.list_id.to_bytes(8, "big")).digest()
        return [
            StatusIndex(drawn.list_id, permute(key, number, drawn.bits_log2_size)) for number in drawn.numbers(asked)
        ]

    def _open(self, shard: int) -> None:
        opened = False
        while not opened:  # another shard may take the number at the same moment
            list_id = self.rows.last_list() + 1
            uri = f"{self.address}{list_id}"
            opened = self.rows.open_list(list_id, self.bits_log2_size, self.clock.now(), uri, shard)


@dataclass(slots=True)
class BoardList:
    """One list as the board holds it: entries packed lowest bits first. over: no bundle carries it any more.

    superseded, locked: one bit for each entry, empty until there is one. They never leave the process: lists say
    `invalid` and `suspended`.
    """

    bits_log2_size: int
    entries: bytearray
    changes: int = 0
    uri: str = ""
    over: bool = False
    superseded: bytearray = field(default_factory=bytearray)
    locked: bytearray = field(default_factory=bytearray)

    def set(self, index: int, value: int) -> None:
        place, shift = divmod(index * BITS, 8)
        self.entries[place] = self.entries[place] & ~(3 << shift) & 0xFF | value << shift

    def get(self, index: int) -> Status:
        place, shift = divmod(index * BITS, 8)
        return Status(self.entries[place] >> shift & 3)

    def supersede(self, index: int) -> None:
        """Remember that a newer document took the place of this entry's."""
        if not self.superseded:
            self.superseded = bytearray((1 << self.bits_log2_size) // 8)
        self.superseded[index >> 3] |= 1 << (index & 7)

    def mark_locked(self, index: int, locked: bool) -> None:
        """Remember whether this entry is suspended for an account that is locked."""
        if not self.locked:
            if not locked:
                return
            self.locked = bytearray((1 << self.bits_log2_size) // 8)
        bit = 1 << (index & 7)
        self.locked[index >> 3] = self.locked[index >> 3] | bit if locked else self.locked[index >> 3] & ~bit

    def is_locked(self, index: int) -> bool:
        return bool(self.locked) and bool(self.locked[index >> 3] >> (index & 7) & 1)

    def is_superseded(self, index: int) -> bool:
        return bool(self.superseded) and bool(self.superseded[index >> 3] >> (index & 7) & 1)


@dataclass
class StatusBoard:
    """Every status, in memory, at most half a second old; checks read it without a query of their own.

    Only what changed is read: one small query every half second, whatever the number of documents.
    """

    reading: Callable[[], AbstractContextManager[StatusRepository]]
    clock: Clock
    lists: dict[int, BoardList] = field(default_factory=dict)
    refreshed_at: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, *, force: bool = False) -> datetime:
        """Bring the board up to date and return the moment of which it speaks.

        A database that does not answer leaves the board as it is, and its age says so. force: what is returned was
        read during this call. Raises Unavailable when it cannot be, or when the board was never filled.
        """
        now = self.clock.now()
        held = self.refreshed_at
        if not force and held is not None and timedelta(0) <= now - held < REFRESH_AFTER:
            return held
        if not self._lock.acquire(blocking=held is None or force):
            return held or now
        try:
            self._read(now)
        except Unavailable:
            if held is None or force:
                raise
        finally:
            self._lock.release()
        return self.refreshed_at or now

    def _read(self, now: datetime) -> None:
        with self.reading() as rows:
            for list_id, bits_log2_size, changes, uri, over in rows.lists():
                held = self.lists.get(list_id)
                if held is None:
                    held = BoardList(bits_log2_size, bytearray((1 << bits_log2_size) * BITS // 8), uri=uri)
                if changes < held.changes:  # the database went back: it is read again, and nothing final is forgotten
                    log.error("database went back", status_list=list_id, held=held.changes, stored=changes)
                    held.changes = 0
                for sequence, index, value, superseded, locked in (
                    rows.changes_since(list_id, held.changes) if changes > held.changes else ()
                ):
                    if superseded:  # before it is invalid: nobody reads the one without the other
                        held.supersede(index)
                    held.mark_locked(index, locked)
                    if held.get(index) is not Status.INVALID:
                        held.set(index, value)
                    held.changes = sequence
                held.over = over
                self.lists[list_id] = held
        self.refreshed_at = now
