"""A document between its two halves: decided and stored, not signed yet.

What is to be signed is kept whole, under the holder's data key, so that whoever comes after a crash signs the very same
bytes for the very same id and status entry, or, where the key in force may not sign for that day any more, the same of
a later date (`dated`): there can be no second live document. Source: docs/security.md, S-41, S-42.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from wallet.documents.models import DocumentRow
from wallet.documents.status import StatusIndex
from wallet.formats.claims_set import UnverifiedClaimsSet
from wallet.formats.cwt_code import DocumentPayload
from wallet.identity.holders import Holders
from wallet.terms import Actor


class OrderedBy(NamedTuple):
    """Who is on record for it, also when somebody else's hands sign it after a crash."""

    account_id: str
    request_id: str
    acting_for: str | None

    def actor(self) -> Actor:
        return Actor(self.account_id, request_id=self.request_id, acting_for=self.acting_for)


@dataclass(frozen=True, slots=True)
class IntendedDocument:
    """Everything about a document but its signature. content: what the key signs (`cwt_code.document_content`).

    supersedes: once signed, it takes the place of older ones of its kind about the same person. renewal, about_index:
    see `DocumentRow`.
    """

    id: str
    holder_id: str
    request_id: str
    utility: str
    kind: str
    kind_version: int
    rules_version: str
    issued_at: datetime
    expires_at: datetime
    place: StatusIndex
    claims: Mapping[str, Any]
    salt: str
    sources: Mapping[str, Mapping[str, str]]
    content: bytes
    supersedes: bool
    ordered_by: OrderedBy
    renewal: int = 0
    about_index: bytes | None = None


def unsigned_row(document: IntendedDocument, holders: Holders) -> DocumentRow:
    """Return the row that stands for it until it is signed."""
    pending = {
        "content": base64.b64encode(document.content).decode(),
        "supersedes": document.supersedes,
        "ordered_by": list(document.ordered_by),
    }
    return DocumentRow(
        id=document.id,
        holder_id=document.holder_id,
        request_id=document.request_id,
        renewal=document.renewal,
        about_index=document.about_index,
        utility=document.utility,
        kind=document.kind,
        kind_version=document.kind_version,
        rules_version=document.rules_version,
        issued_at=document.issued_at,
        expires_at=document.expires_at,
        status_list=document.place.list_id,
        status_index=document.place.index,
        sealed=_sealed(document, holders, {"code": "", "pending": pending}),
    )


def signed_content(document: IntendedDocument, holders: Holders, code: str) -> bytes:
    """Return what the row keeps once it is signed: nothing of how it came to be."""
    return _sealed(document, holders, {"code": code})


def read_unsigned(row: DocumentRow, holders: Holders) -> IntendedDocument:
    """Return what a row stands for. Raises NotFound once the holder was erased, Malformed when a bit is another."""
    whole = json.loads(holders.unseal(row.holder_id, row.id, row.sealed))
    pending = whole["pending"]
    return IntendedDocument(
        id=row.id,
        holder_id=row.holder_id,
        request_id=row.request_id,
        utility=row.utility,
        kind=row.kind,
        kind_version=row.kind_version,
        rules_version=row.rules_version,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        place=StatusIndex(row.status_list, row.status_index),
        claims=whole["claims"],
        salt=whole["salt"],
        sources=whole["sources"],
        content=base64.b64decode(pending["content"]),
        supersedes=pending["supersedes"],
        ordered_by=OrderedBy(*pending["ordered_by"]),
        renewal=row.renewal,
        about_index=row.about_index,
    )


def dated(content: UnverifiedClaimsSet, now: datetime) -> DocumentPayload:
    """Return what a code says, as of now: no key may sign for a day on which it was not there."""
    return DocumentPayload(
        issuer=content.issuer,
        issued_at=now.replace(microsecond=0),
        expires_at=datetime.fromtimestamp(content.expires_at, UTC),
        document_id=content.document_id,
        utility=content.utility,
        utility_version=content.utility_version,
        claims=content.claims,
        claims_hash=content.claims_hash,
        recipient=content.recipient,
        status=content.status,
    )


def _sealed(document: IntendedDocument, holders: Holders, more: Mapping[str, Any]) -> bytes:
    content = {"claims": document.claims, "salt": document.salt, "sources": document.sources, **more}
    plaintext = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return holders.seal(document.holder_id, document.id, plaintext)
