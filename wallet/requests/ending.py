"""What somebody who died had asked for ends: nobody can be given it. What was decided stays as it was.

A death is lifted by nobody (`wallet.identity.locking`), so what has ended for it stays so; nobody is left to be told.
"""

from dataclasses import dataclass

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.held import Person
from wallet.requests.held import RequestsHeld
from wallet.requests.repository import RequestRepository
from wallet.terms import Actor
from wallet.utilities.base import By

DIED = "holder_died"


@dataclass(frozen=True, slots=True)
class Ending:
    """Requests of the dead, in one transaction."""

    rows: RequestRepository
    held: RequestsHeld
    audit: Audit
    clock: Clock

    def end(self, account_id: str, holder_id: str, actor: Actor) -> int:
        """End what is open; return how many there were. A second time there is nothing."""
        ended = self.held.end(Person(account_id, holder_id))
        for request_id in ended:
            row = self.rows.get(request_id, lock=True)
            if row is None:
                continue
            self.rows.log(
                row,
                at=self.clock.now(),
                action=DIED,
                state=row.state,
                party=str(By.SYSTEM),
                officer_id=None,
                reason=None,
                step=None,
                expected_at=None,
                seal_note=lambda _sequence: None,
            )
            self.audit.record("request.ended", actor, request_id, utility=row.utility, reason=DIED)
        return len(ended)
