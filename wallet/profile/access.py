"""Who looked at what is known about somebody, when and why: kinds of data, never the values.

Staff who opened a file, registers that were read, and desks of verifiers that checked a document, online or not.

Source: Law 91/2025/QH15 (the right to know); docs/security.md, S-65; docs/domain.md, section 6.4.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from wallet.audit import Audit, AuditEvent
from wallet.checks.online.looks import WAYS, Way
from wallet.checks.online.misuse import Misuse
from wallet.enrolment.organisations import Organisations
from wallet.errors import NotAllowed
from wallet.identity.accounts import Accounts
from wallet.profile.repository import CorrectionRepository
from wallet.sources.base import OWN_PROCEDURES
from wallet.terms import Actor
from wallet.utilities.catalogue import only_for

READS = (
    *("source.read", "request.read", "correction.read", "application.read", "launch.explained", "misuse.read"),
    *WAYS,
)


@dataclass(frozen=True, slots=True)
class Access:
    """One look. who: `you`, `guardian`, `proxy` (somebody applied on your behalf), `staff`, `verifier` or `system`.

    agency: of a member of staff. acted_for: the organisation for which the person themselves asked, by its name of
    today. data: a register, the kind of file that was opened, or the utility whose document a desk checked. outcome:
    what a register answered, or the verdict of a check. The rest is of a verifier's look alone: by its id it can be
    reported, fields names what was told without values, and looked_at is when a check was made that had no network.
    """

    at: datetime
    who: str
    data: str
    purpose: str
    agency: str | None = None
    procedure: str | None = None
    outcome: str | None = None
    id: str | None = None
    organisation_id: str | None = None
    organisation_name: Mapping[str, str] | None = None
    desk_name: str | None = None
    purpose_name: Mapping[str, str] | None = None
    fields: tuple[str, ...] | None = None
    way: str | None = None
    online: bool | None = None
    looked_at: datetime | None = None
    reported: bool | None = None
    acted_for_id: str | None = None
    acted_for_name: str | None = None


@dataclass(frozen=True, slots=True)
class AccessHistory:
    """The looks at one person, in one transaction. open_to_wards: the utilities of which a guardian learns."""

    audit: Audit
    accounts: Accounts
    corrections: CorrectionRepository
    misuse: Misuse
    organisations: Organisations
    open_to_wards: frozenset[str]

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[Access], str | None]:
        """Return one page of who looked at the caller, or at the ward they act for, newest first."""
        if actor.holder_id is None:
            raise NotAllowed("not_allowed")
        account_id = actor.acting_for or actor.account_id
        subjects = [actor.holder_id, account_id, *self.corrections.ids_of_holder(actor.holder_id)]
        only = only_for(actor, self.open_to_wards | OWN_PROCEDURES)
        rows, following = self.audit.page_about(subjects, READS, limit, place, only=only)
        reported = self.misuse.reported(row.details["access"] for row in rows if row.action in WAYS)
        own = {row.details.get("organisation", "") for row in rows if row.action == "source.read"} - {""}
        names = self.organisations.names(own)
        told = [
            _told_of_desk(row, reported) if row.action in WAYS else self._told(row, account_id, names) for row in rows
        ]
        return told, following

    def _told(self, row: AuditEvent, account_id: str, names: Mapping[str, str]) -> Access:
        details = row.details
        acted_for = names.get(details.get("organisation", ""))
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
            acted_for_id=None if acted_for is None else details["organisation"],
            acted_for_name=acted_for,
        )

    def _only_agency(self, account_id: str) -> str | None:
        """Return the agency of a member of staff, None for one who works for several: for which is not on record."""
        agencies = {grant.agency for grant in self.accounts.grants(account_id)}
        return agencies.pop() if len(agencies) == 1 else None


def _told_of_desk(row: AuditEvent, reported: Collection[str]) -> Access:
    details = row.details
    looked_at = details.get("looked_at")
    return Access(
        at=row.at,
        who="verifier",
        data=details["utility"],
        purpose=details["purpose"],
        outcome=details["verdict"],
        id=details["access"],
        organisation_id=details["organisation"],
        organisation_name=details["organisation_name"],
        desk_name=details["desk_name"],
        purpose_name=details["purpose_name"],
        fields=tuple(details["data"]),
        way=row.action.removeprefix("check."),
        online=row.action != Way.OFFLINE,
        looked_at=None if looked_at is None else datetime.fromisoformat(looked_at),
        reported=details["access"] in reported,
    )
