"""What documents hold about a person: every document with what it states, and the copies made of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.documents.models import DocumentCopyRow, DocumentRow
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

DOCUMENTS = HeldTable(
    DocumentRow,
    "holder_id",
    told=(
        *("id", "request_id", "utility", "kind", "kind_version", "rules_version", "issued_at", "expires_at"),
        *("revoked_at", "revocation_reason", "suspended_at", "suspension_reason"),
    ),
    withheld=(
        *("holder_id", "renewal", "about_index", "kid", "signed_at", "status_list", "status_index"),
        "sealed",  # the claims are told unsealed
    ),
    by_account=False,
    ordered="issued_at",
    blanked={"sealed": b"", "about_index": None},
)

COPIES = HeldTable(
    DocumentCopyRow,
    "holder_id",
    told=("id", "document_id", "form", "view", "device_id", "issued_at", "expires_at", "signed_at", "revoked_at"),
    withheld=(
        *("holder_id", "holder_key", "number", "status_list", "status_index", "kid", "seal_kid", "code_kid", "sealed"),
    ),
    by_account=False,
    ordered="issued_at",
    blanked={"sealed": b""},
)


@dataclass(frozen=True, slots=True)
class DocumentsHeld:
    """The table of documents in one transaction."""

    session: DatabaseSession
    holders: Holders
    tables: tuple[HeldTable, ...] = (DOCUMENTS, COPIES)

    def export(self, person: Person) -> Iterator[Section]:
        """Return every document with its claims."""
        rows = rows_of(self.session, DOCUMENTS, person, "sealed")
        documents = [self._told(row, person) for row in rows[-MAX_ROWS:]]
        yield Section("documents", documents, len(rows) <= MAX_ROWS)
        yield section(self.session, "document_copies", COPIES, person)

    def erase(self, person: Person) -> None:
        """Forget what they state. Their ids and status stay: a verifier has to see that they are revoked."""
        forget(self.session, self.tables, person)

    def unrevoked(self, person: Person) -> int:
        """Return how many documents are not revoked."""
        return count_of(self.session, DOCUMENTS, person, revoked_at=None)

    def _told(self, row: Mapping[str, Any], person: Person) -> Told:
        content = json.loads(self.holders.unseal(person.holder_id, row["id"], row["sealed"]))
        return told(row, DOCUMENTS.told) | {"claims": content["claims"]}
