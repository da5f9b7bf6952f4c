"""The registers watched: what one changes is looked at within the minute, in the documents of whom it concerns.

Each person is a transaction of their own: what is void and what takes its place come to be together. A process begins
with what changed in the last day; that something is looked at twice, by two processes or after a restart, changes
nothing. What was committed late is met by reading a little again (`wallet/sources/place.py`).
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from wallet.clock import Clock
from wallet.errors import Unavailable
from wallet.requests.voiding import Voiding
from wallet.sources.changes import Change, Changes
from wallet.sources.place import Place
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue

LOOKS_BACK, OVERLAP = timedelta(days=1), timedelta(minutes=5)
BATCH = 200
ROUND = timedelta(seconds=20)
"""How often the registers are read while there is nothing more to do at once."""
WAIT, LONGEST_WAIT = timedelta(seconds=20), timedelta(minutes=10)
MOST_AGAIN = 10_000
"""So many wait to be looked at again, and no more: then a register or the database is away, and it is waited for."""
WATCH = Actor("system", request_id="register_watch")

log = structlog.get_logger("wallet.requests")


class WatchWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def voiding(self) -> Voiding: ...


@dataclass(frozen=True, slots=True)
class Again:
    """Whose documents are to be looked at again: after how many tries in vain, and not before when."""

    tries: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RegisterWatch:
    """Built once per process. tries: transactions for one act, see `Wallet.tries`. overlap: see `Place`."""

    tries: Callable[[], Iterable[AbstractContextManager[WatchWork]]]
    changes: Changes
    catalogue: Catalogue
    clock: Clock
    overlap: timedelta = OVERLAP
    batch: int = BATCH
    _places: dict[str, Place] = field(default_factory=dict)
    _again: dict[str, Again] = field(default_factory=dict)

    def run(self) -> bool:
        """Look at the next changes of each register that a document depends on; return whether there are more.

        What could not be looked at is looked at again, sooner at first and then less often, and holds up nobody behind
        it.
        """
        now, more = self.clock.now(), False
        for number in [number for number, again in self._again.items() if again.at <= now]:
            self._look(number)
        for register, place in self._due(now):
            if not place.reading:
                place.begin(now)
            try:
                changes = self.changes.after(register, place.last, self.batch)
            except Unavailable:
                continue  # the same changes again, when it answers
            for change in changes:
                if not place.has_met(change):
                    if len(self._again) >= MOST_AGAIN:
                        return False  # the same changes again, when those that wait are settled
                    self._look(change.number)
                place.meet(change)
            if len(changes) == self.batch:
                more = True
            else:
                place.end()
        return more

    def _due(self, now: datetime) -> list[tuple[str, Place]]:
        """Return the registers to read on. While one has much to tell, or is away, the others begin anew at their usual
        pace: they neither wait for its end nor read the same again without a pause.
        """
        kinds = [kind for plugin in self.catalogue for kind in plugin.utility.documents]
        places = [
            (register, self._places.setdefault(register, Place(Change(now - LOOKS_BACK, ""), now, self.overlap)))
            for register in sorted({code for kind in kinds for code in kind.void_when})
        ]
        going = any(place.reading for _, place in places)
        return [each for each in places if each[1].reading or not going or now - each[1].began >= ROUND]

    def _look(self, number: str) -> None:
        left: tuple[Exception, ...] = ()
        try:
            for trying in self.tries():
                with trying as work:
                    left = work.voiding.look_at(number, WATCH).left
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of one person and keeps no other waiting
            left = (error,)
        if not left:
            self._again.pop(number, None)
            return
        tries = self._again[number].tries + 1 if number in self._again else 0
        self._again[number] = Again(tries, self.clock.now() + min(WAIT * (2 ** min(tries, 10) - 1), LONGEST_WAIT))
        for each in left:
            log.warning("change_not_looked_at", code=getattr(each, "code", type(each).__name__), tries=tries + 1)
