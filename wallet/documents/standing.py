"""Documents that stand, for the rooms above: what they are and state, and what keeps one from being relied on."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository, TypeRepository
from wallet.errors import NotFound
from wallet.identity.holders import Holders


@dataclass(frozen=True, slots=True)
class StandingDocument:
    """A document that is not revoked. about_index: fingerprint of the number it is about, None where nobody kept it.

    renewal: how often the document of this request was made anew.
    """

    id: str
    holder_id: str
    request_id: str
    renewal: int
    about_index: bytes | None
    utility: str
    kind: str
    kind_version: int
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document states, opened: its claims as JSON has them, and where each comes from."""

    claims: Mapping[str, Any]
    sources: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """The documents of one transaction, for whoever looks after them: no caller's own right is asked about here."""

    documents: DocumentRepository
    types: TypeRepository
    holders: Holders

    def of_holder(self, holder_id: str) -> list[StandingDocument]:
        """Return what a holder has that is not revoked, in the order of the places in the status lists."""
        return _told(self.documents.unrevoked(holder_id))

    def about(self, about_index: bytes) -> list[StandingDocument]:
        """Return what others have about one person that is not revoked, in the same order."""
        return _told(self.documents.unrevoked_about(about_index))

    def keep_about(self, document_id: str, about_index: bytes) -> None:
        """Keep whom a document is about, so that from now on it is found by that."""
        row = self.documents.get(document_id)
        if row is not None:
            row.about_index = about_index

    def stated(self, document_id: str, holder_id: str) -> Stated:
        """Open a document of a holder. Raises NotFound, also once the holder is erased."""
        row = self.documents.get(document_id)
        if row is None or row.holder_id != holder_id:
            raise NotFound("not_found")
        whole = json.loads(self.holders.unseal(holder_id, row.id, row.sealed))
        return Stated(whole["claims"], whole.get("sources", {}))

    def declared(self, document: StandingDocument) -> frozenset[str]:
        """Return the claims, but for records, that the version of a document declared; none where it is not kept."""
        return self.types.claims(document.kind, document.kind_version)

    def faults(self, document_id: str, holder_id: str, now: datetime) -> set[str]:
        """Return what keeps a document from being relied on.

        `revoked`, also where there is none, `suspended`, `not_yet_valid` as long as nobody has signed it, `expired`.
        The rows themselves are asked: they are what status lists are made of.
        """
        row = self.documents.of_holder(document_id, holder_id)
        if row is None or row.revoked_at is not None:
            return {"revoked"}
        faults = {
            "suspended": row.suspended_at is not None,
            "not_yet_valid": row.signed_at is None,
            "expired": row.expires_at <= now,
        }
        return {fault for fault, is_so in faults.items() if is_so}


def _told(rows: Iterable[DocumentRow]) -> list[StandingDocument]:
    return [
        StandingDocument(
            id=row.id,
            holder_id=row.holder_id,
            request_id=row.request_id,
            renewal=row.renewal,
            about_index=row.about_index,
            utility=row.utility,
            kind=row.kind,
            kind_version=row.kind_version,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
        )
        for row in rows
    ]
