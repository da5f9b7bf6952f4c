"""Who looked at what is known about somebody, when and why: kinds of data, never the values.

Source: Law 91/2025/QH15 (the right to know); docs/security.md, S-65; docs/domain.md, section 6.4.
"""

from dataclasses import dataclass
from datetime import datetime

from wallet.audit import Audit, AuditEvent
from wallet.errors import NotAllowed
from wallet.identity.accounts import Accounts
from wallet.profile.repository import CorrectionRepository
from wallet.terms import Actor

READS = ("source.read", "request.read", "correction.read", "application.read", "launch.explained")


@dataclass(frozen=True, slots=True)
class Access:
    """One look. who: `you`, `guardian`, `proxy` (somebody applied on your behalf), `staff` or `system`. agency: of a
    member of staff. data: a register, or the kind of file that was opened. outcome: what a register answered."""

    at: datetime
    who: str
    data: str
    purpose: str
    agency: str | None = None
    procedure: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class AccessHistory:
    """The looks at one person, in one transaction. confidential: utilities of which no guardian learns."""

    audit: Audit
    accounts: Accounts
    corrections: CorrectionRepository
    confidential: frozenset[str]

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[Access], str | None]:
        """Return one page of who looked at the caller, or at the ward they act for, newest first."""
        if actor.holder_id is None:
            raise NotAllowed("not_allowed")
        account_id = actor.acting_for or actor.account_id
        subjects = [actor.holder_id, account_id, *self.corrections.ids_of_holder(actor.holder_id)]
        hidden = self.confidential if actor.acting_for is not None else frozenset()
        rows, following = self.audit.page_about(subjects, READS, limit, place, without=hidden)
        return [self._told(row, account_id) for row in rows], following

    def _told(self, row: AuditEvent, account_id: str) -> Access:
        details = row.details
        who, agency = "system", None
        if details.get("acting_for") == account_id:
            who = "guardian"
        elif row.actor == account_id:
            who = "you"
        elif details.get("proxy"):
            who = "proxy"
        elif row.actor.startswith("acc_"):
            who = "staff"
            agency = details.get("agency") or self._only_agency(row.actor)
        return Access(
            at=row.at,
            who=who,
            data=str(details.get("source") or row.action.partition(".")[0]),
            purpose=str(details.get("purpose", "")),
            agency=agency,
            procedure=details.get("procedure") or details.get("utility"),
            outcome=details.get("outcome"),
        )

    def _only_agency(self, account_id: str) -> str | None:
        """Return the agency of a member of staff, None for one who works for several: for which is not on record."""
        agencies = {grant.agency for grant in self.accounts.grants(account_id)}
        return agencies.pop() if len(agencies) == 1 else None
