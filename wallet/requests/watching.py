"""The registers watched: what one changes is looked at within the minute, in the documents of whom it concerns.

Each person is a transaction of their own: what is void and what takes its place come to be together. A process begins
with what changed in the last day; that something is looked at twice, by two processes or after a restart, changes
nothing.
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
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue

LOOKS_BACK = timedelta(days=1)
BATCH = 200
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
    """Built once per process. tries: transactions for one act, see `Wallet.tries`."""

    tries: Callable[[], Iterable[AbstractContextManager[WatchWork]]]
    changes: Changes
    catalogue: Catalogue
    clock: Clock
    batch: int = BATCH
    _told: dict[str, Change] = field(default_factory=dict)
    _again: dict[str, Again] = field(default_factory=dict)

    def run(self) -> bool:
        """Look at the next changes of each register that a document depends on; return whether there are more.

        What could not be looked at is looked at again, sooner at first and then less often, and holds up nobody behind
        it.
        """
        now, more = self.clock.now(), False
        for number in [number for number, again in self._again.items() if again.at <= now]:
            self._look(number)
        kinds = [kind for plugin in self.catalogue for kind in plugin.utility.documents]
        for register in sorted({code for kind in kinds for code in kind.void_when}):
            last = self._told.get(register, Change(now - LOOKS_BACK, ""))
            try:
                changes = self.changes.after(register, last, self.batch)
            except Unavailable:
                continue  # the same changes again, when it answers
            for change in changes:
                if len(self._again) >= MOST_AGAIN:
                    return False  # the same changes again, when those that wait are settled
                self._look(change.number)
                self._told[register] = change
            more |= len(changes) == self.batch
        return more

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
