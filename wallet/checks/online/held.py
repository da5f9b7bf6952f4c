"""What checks hold about a person: what they were asked for, consented to, presented and reported.

That a desk looked at them is on the audit record, which an export tells as their history.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.checks.online.models import ConsentRow, MisuseReportRow, PresentationRow, ShareRow
from wallet.held import MAX_ROWS, DatabaseSession, HeldTable, Person, Section, Told, forget, rows_of, section, told
from wallet.identity.holders import Holders

SHARES = HeldTable(
    ShareRow,
    "holder_id",
    told=(
        *("id", "document_id", "utility", "kind", "organisation_id", "organisation_name", "desk_name"),
        *("purpose", "purpose_name", "legal_ground", "required", "optional", "state"),
        *("asked_at", "answer_until", "decided_at", "readable_until", "consent_id"),
    ),
    withheld=("holder_id", "account_id", "desk_id"),
    by_account=False,
    ordered="asked_at",
    deleted=True,
)
CONSENTS = HeldTable(
    ConsentRow,
    "holder_id",
    told=(
        *("id", "organisation_id", "organisation_name", "purpose", "purpose_name", "legal_ground"),
        *("utility", "kind", "fields", "text_version", "remembered", "given_at", "expires_at", "withdrawn_at"),
    ),
    withheld=("holder_id", "account_id"),
    by_account=False,
    ordered="given_at",
    deleted=True,
)
PRESENTATIONS = HeldTable(
    PresentationRow,
    "holder_id",
    told=(
        *("id", "document_id", "utility", "kind", "organisation_id", "organisation_name", "purpose", "purpose_name"),
        *("consent_id", "created_at", "expires_at", "withdrawn_at", "used_at"),
    ),
    withheld=("holder_id", "account_id", "used_by"),
    by_account=False,
    ordered="created_at",
    deleted=True,
)
REPORTS = HeldTable(
    MisuseReportRow,
    "holder_id",
    told=(
        *("id", "access_id", "organisation_id", "organisation_name", "purpose", "reason"),
        *("accessed_at", "created_at", "state", "closed_at"),
    ),
    withheld=("holder_id", "account_id", "desk_id", "sealed_text", "closed_by"),  # the text is told unsealed
    by_account=False,
    ordered="created_at",
    deleted=True,
)


@dataclass(frozen=True, slots=True)
class ChecksHeld:
    """The tables of checks in one transaction."""

    session: DatabaseSession
    holders: Holders
    tables: tuple[HeldTable, ...] = (SHARES, PRESENTATIONS, CONSENTS, REPORTS)

    def export(self, person: Person) -> Iterator[Section]:
        """Return shares, consents, presentations and reports, these with their words."""
        yield section(self.session, "shares", SHARES, person)
        yield section(self.session, "share_consents", CONSENTS, person)
        yield section(self.session, "presentations", PRESENTATIONS, person)
        rows = rows_of(self.session, REPORTS, person, "sealed_text")
        reports = [self._report(row, person) for row in rows[-MAX_ROWS:]]
        yield Section("misuse_reports", reports, len(rows) <= MAX_ROWS)

    def erase(self, person: Person) -> None:
        """Forget them all: what was agreed to ends with that, and what was presented cannot be used."""
        forget(self.session, self.tables, person)

    def _report(self, row: Mapping[str, Any], person: Person) -> Told:
        text = self.holders.unseal(person.holder_id, row["id"], row["sealed_text"]).decode()
        return told(row, REPORTS.told) | {"text": text}
