"""What was promised and not kept: by an office, an apology and a new date; by an agency with a sub-task, a reminder.

Each happens once for each promise. A sub-task that is late is the offices' matter: its agency and whoever has the
request in hand are told, the applicant reads it in the timeline and gets no notice but the apology for their own date.
Requests are locked in the order of their ids, so that two processes that look after the same ones wait for one another.
Source: Decree 63/2024/NĐ-CP, articles 6 and 7 (docs/domain.md, section 4.0). The machine apologises; it never decides.
"""

from dataclasses import dataclass

from wallet.clock import Clock
from wallet.identity.contacts import Contacts
from wallet.requests.moving import Moving
from wallet.requests.orders import number_of
from wallet.requests.reach import Reach
from wallet.requests.repository import RequestRepository
from wallet.utilities.catalogue import Catalogue

BATCH = 100


@dataclass(frozen=True, slots=True)
class Overdue:
    """Overdue requests and sub-tasks, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    moving: Moving
    reach: Reach
    contacts: Contacts
    clock: Clock

    def remind(self) -> int:
        """Remind agencies of a batch of sub-tasks that are late; return how many there were."""
        done = 0
        for request_id, code in sorted(self.rows.late_steps(self.clock.now(), self._codes(), BATCH)):
            row = self.rows.get(request_id, lock=True)
            if row is None or not self.moving.remind(self.catalogue.get(row.utility), row, code):
                continue
            done += 1
            for account_id in self.reach.desks_of_step(row, code):
                number = number_of(row.id)
                self.contacts.tell(account_id, "step_overdue", request_id=row.id, number=number, step=code)
        return done

    def apologise(self) -> int:
        """Move the dates of a batch of overdue requests; return how many there were."""
        states = sorted({state for plugin in self.catalogue for state in plugin.utility.lifecycle.states})
        due = self.rows.overdue(self.clock.now(), states, self._codes(), BATCH)
        done = 0
        for request_id in sorted(due):
            row = self.rows.get(request_id, lock=True)
            if row is not None:
                done += self.moving.apologise(self.catalogue.get(row.utility), row)
        return done

    def _codes(self) -> list[str]:
        """Return the utilities whose promises can be looked after: whose rules are gone, nobody can date anew."""
        return sorted(plugin.utility.code for plugin in self.catalogue)
