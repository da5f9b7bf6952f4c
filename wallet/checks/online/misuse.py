"""Reports of misuse: a holder says that a desk should not have looked; an auditor reads it, and closes it.

Source: Law 91/2025/QH15 (the rights to complain and to ask for protection); docs/security.md, S-65.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wallet.audit import Audit, AuditEvent
from wallet.checks.online.consents import account_of, holder_of
from wallet.checks.online.looks import WAYS
from wallet.checks.online.models import MisuseReportRow
from wallet.checks.online.repository import OnlineRepository
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.staff_reads import StaffReads
from wallet.terms import Actor
from wallet.utilities.catalogue import may_learn

REASONS = ("not_there", "not_agreed", "too_much", "wrong_purpose", "other")
"""I was not there; I did not agree; they asked for more than they need; it was for something else; something else."""

OPEN, CLOSED = "open", "closed"
STATES = (OPEN, CLOSED)
MOST_A_DAY = 20
PURPOSE = "misuse_report"


@dataclass(frozen=True, slots=True)
class MisuseReport:
    """A report as an auditor lists it: without whom it is from, and without their words."""

    id: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    desk_id: str
    purpose: str
    reason: str
    accessed_at: datetime
    created_at: datetime
    state: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenedReport:
    """A report with the words of whoever made it, and the entry that it is about."""

    report: MisuseReport
    access_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Misuse:
    """Reports of misuse, in one transaction."""

    rows: OnlineRepository
    holders: Holders
    limits: Limits
    reads: StaffReads
    audit: Audit
    clock: Clock
    entropy: Entropy
    open_to_wards: frozenset[str]

    def report(self, access_id: str, reason: str, text: str, actor: Actor) -> str:
        """Report an entry of the caller's own history, or of their ward's; return the report's id.

        Raises NotFound for any other, Conflict("already_reported"), TooManyAttempts("too_many_attempts").
        """
        holder_id = holder_of(actor)
        entry = self._entry(access_id, holder_id, actor)
        self.limits.count(PURPOSE, account_of(actor), MOST_A_DAY, timedelta(days=1))
        self.holders.hold(holder_id, shared=True)
        details, report_id = entry.details, new_id(self.entropy, "mis")
        values = {
            "id": report_id,
            "access_id": access_id,
            "holder_id": holder_id,
            "account_id": account_of(actor),
            "organisation_id": details["organisation"],
            "organisation_name": details["organisation_name"],
            "desk_id": entry.actor,
            "purpose": details["purpose"],
            "reason": reason,
            "sealed_text": self.holders.seal(holder_id, report_id, text.encode()),
            "accessed_at": entry.at,
            "created_at": self.clock.now(),
            "state": OPEN,
        }
        if not self.rows.add_report(values):
            raise Conflict("already_reported")
        self.audit.record("misuse.reported", actor, report_id, access=access_id, reason=reason)
        # In the file of the organisation: that there was one, and nobody's name.
        system = Actor("system", request_id=actor.request_id)
        self.audit.record("verifier.misuse_reported", system, details["organisation"], report=report_id, reason=reason)
        return report_id

    def reported(self, access_ids: Iterable[str]) -> set[str]:
        """Return those of these entries of a history that were reported."""
        return self.rows.reported(access_ids)

    def queue(self, state: str, limit: int, place: str | None) -> tuple[list[MisuseReport], str | None]:
        """Return one page of the reports in a state, the oldest first, and where the next one starts."""
        rows, following = self.rows.reports(state, limit, place)
        return [_view(row) for row in rows], following

    def open(self, report_id: str, actor: Actor) -> OpenedReport:
        """Return one report with its words; whoever made it sees that it was read.

        Raises NotFound, also once its holder is erased, TooManyAttempts("too_many_reads").
        """
        row = self._load(report_id)
        self.reads.count(actor)
        text = self.holders.unseal(row.holder_id, row.id, row.sealed_text).decode()
        self.audit.record("misuse.read", actor, row.holder_id, purpose=PURPOSE, report=row.id)
        return OpenedReport(_view(row), row.access_id, text)

    def close(self, report_id: str, actor: Actor) -> MisuseReport:
        """Close a report: what follows from it is with the organisation. Raises NotFound, Conflict("report_closed")."""
        self._load(report_id)
        if not self.rows.close_report(report_id, actor.account_id, self.clock.now()):
            raise Conflict("report_closed")
        self.audit.record("misuse.closed", actor, report_id)
        return _view(self._load(report_id))

    def _entry(self, access_id: str, holder_id: str, actor: Actor) -> AuditEvent:
        entry = self.audit.find_about(holder_id, WAYS, "access", access_id)
        if entry is None or not may_learn(actor, entry.details["utility"], self.open_to_wards):
            raise NotFound("not_found")
        return entry

    def _load(self, report_id: str) -> MisuseReportRow:
        row = self.rows.report(report_id)
        if row is None:
            raise NotFound("not_found")
        return row


def _view(row: MisuseReportRow) -> MisuseReport:
    return MisuseReport(**{name: getattr(row, name) for name in MisuseReport.__slots__})
