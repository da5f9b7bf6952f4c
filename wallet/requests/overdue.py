"""What was promised and not kept: an apology and a new date, for each request once for each promise.

Source: Decree 63/2024/NĐ-CP, articles 6 and 7 (docs/domain.md, section 4.0). The machine apologises; it never decides.
"""

from dataclasses import dataclass

from wallet.clock import Clock
from wallet.requests.moving import Moving
from wallet.requests.repository import RequestRepository
from wallet.utilities.catalogue import Catalogue

BATCH = 100


@dataclass(frozen=True, slots=True)
class Overdue:
    """Overdue requests, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    moving: Moving
    clock: Clock

    def apologise(self) -> int:
        """Move the dates of a batch of overdue requests; return how many there were."""
        utilities = [plugin.utility for plugin in self.catalogue]  # whose rules are gone, nobody can date anew
        states = sorted({state for utility in utilities for state in utility.lifecycle.states})
        codes = sorted(utility.code for utility in utilities)
        due = self.rows.overdue(self.clock.now(), states, codes, BATCH)
        done = 0
        for request_id in due:
            row = self.rows.get(request_id, lock=True)
            if row is not None:
                done += self.moving.apologise(self.catalogue.get(row.utility), row)
        return done
