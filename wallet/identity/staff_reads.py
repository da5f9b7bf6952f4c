"""How much one member of staff reads of other people: so many readings in an hour, at all desks together.

Source: docs/security.md, S-65.
"""

from dataclasses import dataclass
from datetime import timedelta

from wallet.audit import Audit
from wallet.errors import TooManyAttempts
from wallet.identity.limits import Limits
from wallet.terms import Actor

WINDOW = timedelta(hours=1)
_SCOPE = "staff-read"


@dataclass(frozen=True, slots=True)
class StaffReads:
    """The readings of staff, in one transaction. most: readings that are let through in an hour."""

    limits: Limits
    audit: Audit
    most: int

    def count(self, actor: Actor) -> None:
        """Count one reading of somebody's data, before anything is told of it.

        One that is refused raises an alarm for the auditor, and stands on record although nothing else of it does.
        Raises TooManyAttempts("too_many_reads").
        """
        try:
            self.limits.count(_SCOPE, actor.account_id, self.most, WINDOW)
        except TooManyAttempts as refusal:
            self.audit.record("alarm.staff_reads", actor, actor.account_id, survives=True, reads=self.most)
            raise TooManyAttempts("too_many_reads", refusal.retry_after, limit=self.most) from refusal
