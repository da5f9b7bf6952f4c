"""What the profile holds about a person: corrections with what was stated, and the fingerprints of their evidence."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.held import (
    MAX_ROWS,
    DatabaseSession,
    HeldTable,
    Person,
    Section,
    Told,
    count_of,
    forget,
    rows_of,
    section,
    told,
)
from wallet.identity.holders import Holders
from wallet.profile.corrections import OPEN
from wallet.profile.models import CorrectionRow, EvidenceRow

CORRECTIONS = HeldTable(
    CorrectionRow,
    "holder_id",
    told=(
        *("id", "register", "fact", "owner", "province", "state"),
        *("created_at", "receipt_due_at", "due_at", "decided_at"),
    ),
    withheld=("holder_id", "account_id", "sealed_statement", "sealed_answer", "decided_by"),  # both are told unsealed
    by_account=False,
    ordered="created_at",
    deleted=True,
)
EVIDENCE = HeldTable(
    EvidenceRow,
    "correction_id",
    told=("id", "correction_id", "position", "media_type", "size", "sha256"),
    withheld=("sealed_content",),
    parent=CORRECTIONS,
    deleted=True,
)


@dataclass(frozen=True, slots=True)
class ProfileHeld:
    """The tables of the profile in one transaction."""

    session: DatabaseSession
    holders: Holders
    tables: tuple[HeldTable, ...] = (EVIDENCE, CORRECTIONS)

    def export(self, person: Person) -> Iterator[Section]:
        """Return corrections, and of each file of evidence its SHA-256: the file itself is there to be fetched."""
        rows = rows_of(self.session, CORRECTIONS, person, "sealed_statement", "sealed_answer")
        corrections = [self._correction(row, person) for row in rows[-MAX_ROWS:]]
        yield Section("corrections", corrections, len(rows) <= MAX_ROWS)
        yield section(self.session, "correction_evidence", EVIDENCE, person)

    def erase(self, person: Person) -> None:
        """Forget them all; one that is open ends with that."""
        forget(self.session, self.tables, person)

    def unfinished(self, person: Person) -> int:
        """Return how many corrections are not decided."""
        return sum(count_of(self.session, CORRECTIONS, person, state=str(state)) for state in OPEN)

    def _correction(self, row: Mapping[str, Any], person: Person) -> Told:
        stated = json.loads(self.holders.unseal(person.holder_id, row["id"], row["sealed_statement"]))
        if row["sealed_answer"] is not None:
            answer = self.holders.unseal(person.holder_id, f"{row['id']}.answer", row["sealed_answer"])
            stated["answer"] = answer.decode()
        return told(row, CORRECTIONS.told) | stated
