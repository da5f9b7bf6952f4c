"""What was promised and not kept: by an office, an apology and a new date; by an agency with a sub-task, a reminder.

What was held up after its last sub-task is issued once nothing holds it up. Each happens once for each promise.
A sub-task that is late is the offices' matter: its agency and whoever has the request in hand are told, the applicant
reads it in the timeline and gets no notice but the apology for their own date.
What cannot be looked after for a fault of its own stays, and keeps nobody waiting.
Requests are locked in the order of their ids, so that two processes that look after the same ones wait for one another.
Source: Decree 63/2024/NĐ-CP, articles 6 and 7 (docs/domain.md, section 4.0). The machine apologises; it never decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from wallet.clock import Clock
from wallet.identity.contacts import Contacts
from wallet.requests.moving import Moving
from wallet.requests.orders import number_of
from wallet.requests.reach import Reach
from wallet.requests.repository import RequestRepository
from wallet.utilities.catalogue import Catalogue

BATCH = 100
log = structlog.get_logger("wallet.requests")


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
        now = self.clock.now()
        return self._look_after(lambda limit: self.rows.late_steps(now, self._codes(), limit), self._remind)

    def finish(self) -> int:
        """Issue a batch of what waited with every sub-task done, for its utility or its account; return how many."""
        states = {plugin.utility.code: plugin.utility.lifecycle.in_steps for plugin in self.catalogue}
        return self._look_after(lambda limit: [(each,) for each in self.rows.finished(states, limit)], self._finish)

    def apologise(self) -> int:
        """Move the dates of a batch of overdue requests; return how many there were."""
        now = self.clock.now()
        states = sorted({state for plugin in self.catalogue for state in plugin.utility.lifecycle.states})
        return self._look_after(
            lambda limit: [(each,) for each in self.rows.overdue(now, states, self._codes(), limit)], self._apologise
        )

    def _look_after(self, find: Callable[[int], Sequence[tuple[str, ...]]], treat: Callable[..., bool]) -> int:
        """Treat what is due until something was done or nothing is left that was not tried; return how much was done.

        What fails is taken back alone, told and left for the next time: it holds up nothing behind it.
        """
        done, tried = 0, set[tuple[str, ...]]()
        while not done and (found := set(find(BATCH + len(tried))) - tried):
            tried |= found
            for place in sorted(found):
                try:
                    with self.rows.apart():
                        done += treat(*place)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is of one request
                    code = getattr(error, "code", type(error).__name__)
                    log.warning("promise_not_looked_after", request=place[0], code=code)
        return done

    def _remind(self, request_id: str, code: str) -> bool:
        row = self.rows.get(request_id, lock=True)
        if row is None or not self.moving.remind(self.catalogue.get(row.utility), row, code):
            return False
        for account_id in self.reach.desks_of_step(row, code):
            self.contacts.tell(account_id, "step_overdue", request_id=row.id, number=number_of(row.id), step=code)
        return True

    def _finish(self, request_id: str) -> bool:
        row = self.rows.get(request_id, lock=True)
        return row is not None and self.moving.finish(self.catalogue.get(row.utility), row)

    def _apologise(self, request_id: str) -> bool:
        row = self.rows.get(request_id, lock=True)
        return row is not None and self.moving.apologise(self.catalogue.get(row.utility), row)

    def _codes(self) -> list[str]:
        """Return the utilities whose promises can be looked after: whose rules are gone, nobody can date anew."""
        return sorted(plugin.utility.code for plugin in self.catalogue)
