"""The registers watched: what one changes is looked at within the minute, in the documents of whom it concerns.

Each person is a transaction of their own. A process begins with what changed in the last day; that something is looked
at twice, by two processes or after a restart, changes nothing.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from wallet.clock import Clock
from wallet.errors import Unavailable, WalletError
from wallet.requests.voiding import Voiding
from wallet.sources.changes import Change, Changes
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue

LOOKS_BACK = timedelta(days=1)
BATCH = 200
WATCH = Actor("system", request_id="register_watch")

log = structlog.get_logger("wallet.requests")


class WatchWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def voiding(self) -> Voiding: ...


@dataclass(frozen=True, slots=True)
class RegisterWatch:
    """Built once per process. tries: transactions for one act, see `Wallet.tries`."""

    tries: Callable[[], Iterable[AbstractContextManager[WatchWork]]]
    changes: Changes
    catalogue: Catalogue
    clock: Clock
    batch: int = BATCH
    _told: dict[str, Change] = field(default_factory=dict)

    def run(self) -> bool:
        """Look at the next changes of each register that a document depends on; return whether there are more."""
        more = False
        kinds = [kind for plugin in self.catalogue for kind in plugin.utility.documents]
        for register in sorted({code for kind in kinds for code in kind.void_when}):
            last = self._told.get(register, Change(self.clock.now() - LOOKS_BACK, ""))
            try:
                changes = self.changes.after(register, last, self.batch)
                for change in changes:
                    self._look(change)
                    self._told[register] = change
            except Unavailable:
                continue  # the same changes again, when it answers
            more |= len(changes) == self.batch
        return more

    def _look(self, change: Change) -> None:
        try:
            for trying in self.tries():
                with trying as work:
                    work.voiding.look_at(change.number, WATCH)
        except Unavailable:
            raise
        except WalletError as error:
            log.warning("change_not_looked_at", code=error.code)
