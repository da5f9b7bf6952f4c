"""Money for what nobody can answer any more is owed back: its utility is retired, and its plug-in was taken away.

A plug-in that is missing alone may have been left out for a fault and be there again tomorrow, with all that was paid
for; that it is retired was decided by two people, for good. What waits for one that is missing is counted, so that
somebody installs it again or retires it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from wallet.payments.paying import Paying
from wallet.requests.moving import SYSTEM
from wallet.requests.repository import RequestRepository
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.lifecycles import ALL, DRAFT

BATCH, PAGE = 100, 1000


@dataclass(frozen=True, slots=True)
class Returning:
    """Fees that are owed back, in one transaction. launched, retired: codes of utilities that ever were, that are."""

    rows: RequestRepository
    catalogue: Catalogue
    paying: Paying
    launched: Callable[[], Collection[str]]
    retired: Callable[[], Collection[str]]

    def mark(self) -> int:
        """Mark the fees of a batch of requests, and tell whoever paid; return how many requests there were."""
        gone = sorted(code for code in self.retired() if self.catalogue.find(code) is None)
        if not gone:
            return 0
        done = 0
        for request_id in self._paid(gone):
            if self.rows.get(request_id, lock=True) is not None:
                done += self.paying.owe_back(request_id, SYSTEM)
        return done

    def _paid(self, gone: Collection[str]) -> list[str]:
        """Return a batch of ids of unanswered requests for these utilities whose fee was paid, the first ones."""
        final, after = self._final(), ""
        while page := self.rows.unanswered(gone, final, after, PAGE):
            if paid := self.paying.paid_among(page):
                return sorted(paid)[:BATCH]
            after = page[-1]
        return []

    def waiting(self) -> dict[str, int]:
        """Return how many requests wait for a utility that is neither there nor retired, by its code.

        Where every utility is there, that costs one look at a table of as many rows as there are utilities.
        """
        missing = {code for code in self.launched() if self.catalogue.find(code) is None}
        waits = sorted(missing - set(self.retired())) if missing else []
        over = [DRAFT, *self._final()]
        counts = {code: self.rows.count_open(code, over) for code in waits}
        return {code: count for code, count in counts.items() if count}

    def _final(self) -> list[str]:
        lifecycles = (*ALL, *(plugin.utility.lifecycle for plugin in self.catalogue))
        return sorted({state for lifecycle in lifecycles for state in lifecycle.final})
