"""What enrolment holds about a person: applications with what was stated, and organisations that they represent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.clock import Clock
from wallet.enrolment.forms import Forms
from wallet.enrolment.models import ApplicationRow, OrganisationRow
from wallet.held import (
    MAX_ROWS,
    DatabaseSession,
    HeldTable,
    Person,
    Section,
    Told,
    change,
    count_of,
    forget,
    rows_of,
    told,
)
from wallet.held import section as section_of

APPLICATIONS = HeldTable(
    ApplicationRow,
    "account_id",
    told=(
        *("id", "kind", "state", "reason", "written_reason", "matching", "agency", "province"),
        *("consent_at", "received_at", "due_at", "decided_at"),
    ),
    withheld=("account_id", "applicant_account_id", "sealed_form", "recorded_by", "decided_by"),  # the form: unsealed
    ordered="received_at",
    blanked={"sealed_form": None, "written_reason": None, "matching": {}},
)
APPLICATIONS_FOR_OTHERS = HeldTable(
    ApplicationRow,
    "applicant_account_id",
    told=("id", "kind", "state", "consent_at", "received_at", "due_at", "decided_at"),
    withheld=tuple({*APPLICATIONS.told, *APPLICATIONS.withheld}),  # what was stated is about the other
    ordered="received_at",
)
ORGANISATIONS = HeldTable(
    OrganisationRow,
    "representative_account_id",
    told=(
        *("id", "enterprise_code", "tax_code", "name", "head_office", "founded_on"),
        *("state", "reason", "received_at", "due_at", "decided_at"),
    ),
    withheld=("representative_account_id", "decided_by"),
    ordered="received_at",
)
OPEN_APPLICATION = ("received", "recorded")
PENDING, ACTIVE = "pending", "active"
ENDED = {"state": "refused", "reason": "account_closed"}


@dataclass(frozen=True, slots=True)
class EnrolmentHeld:
    """The tables of enrolment in one transaction."""

    session: DatabaseSession
    forms: Forms
    clock: Clock
    tables: tuple[HeldTable, ...] = (APPLICATIONS, APPLICATIONS_FOR_OTHERS, ORGANISATIONS)

    def export(self, person: Person) -> Iterator[Section]:
        """Return applications, consents and organisations."""
        rows = rows_of(self.session, APPLICATIONS, person, "sealed_form")
        complete = len(rows) <= MAX_ROWS
        yield Section("applications", [self._told(row) for row in rows[-MAX_ROWS:]], complete)
        yield section_of(self.session, "applications_for_others", APPLICATIONS_FOR_OTHERS, person)
        given = [row for row in rows[-MAX_ROWS:] if row["consent_at"] is not None]
        consents = [{"application_id": row["id"]} | told(row, ("kind", "consent_at")) for row in given]
        yield Section("consents", consents, complete)
        yield section_of(self.session, "organisations", ORGANISATIONS, person)

    def erase(self, person: Person) -> None:
        """End what is open and forget what was stated; an organisation's own data stay the organisation's."""
        ended = ENDED | {"decided_at": self.clock.now()}
        for applications in (APPLICATIONS, APPLICATIONS_FOR_OTHERS):
            for state in OPEN_APPLICATION:
                change(self.session, applications, person, ended, state=state)
        change(self.session, ORGANISATIONS, person, ended, state=PENDING)
        forget(self.session, self.tables, person)

    def unfinished(self, person: Person) -> int:
        """Return how many applications are open, for an account or an organisation."""
        return sum(
            count_of(self.session, applications, person, state=state)
            for applications in (APPLICATIONS, APPLICATIONS_FOR_OTHERS)
            for state in OPEN_APPLICATION
        ) + count_of(self.session, ORGANISATIONS, person, state=PENDING)

    def organisations(self, person: Person) -> int:
        """Return how many organisations have nobody else who acts for them."""
        return count_of(self.session, ORGANISATIONS, person, state=ACTIVE)

    def _told(self, row: Mapping[str, Any]) -> Told:
        stated = told(row, APPLICATIONS.told)
        if row["sealed_form"] is None:
            return stated
        return stated | {"stated": self.forms.open(row["id"], row["sealed_form"])}
