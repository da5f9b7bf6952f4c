"""What a holder has: their documents, as stored, opened for them alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wallet.clock import Clock
from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository
from wallet.documents.revoking import RevocationReason
from wallet.errors import NotFound, Unavailable
from wallet.identity.holders import Holders
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue, may_learn, only_for

STATES = ("signing", "valid", "suspended", "expired", "revoked", "superseded")
"""What a holder may see of a document; each has a word in the texts."""


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document as its holder sees it.

    state: `signing` (decided, not signed yet), `valid`, `suspended`, `expired`, `revoked`, or `superseded`: revoked
    because a newer one took its place.
    """

    id: str
    request_id: str
    utility: str
    kind: str
    kind_version: int
    rules_version: str
    state: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revocation_reason: str | None
    suspended_at: datetime | None
    suspension_reason: str | None


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """What was sealed: every claim and where it comes from, the salt of their hash, the code ("" until signed)."""

    claims: Mapping[str, Any]
    salt: str
    code: str
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """Reads a holder's documents. What belongs to another does not exist, nor to a guardian what is confidential."""

    documents: DocumentRepository
    holders: Holders
    catalogue: Catalogue
    clock: Clock

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[HeldDocument], str | None]:
        """Return one page, newest first, and where the next one starts."""
        only = only_for(actor, self.catalogue.open_to_wards)
        rows, following = self.documents.page_of_holder(_holder(actor), limit, place, only=only)
        now = self.clock.now()
        return [_held(row, now) for row in rows], following

    def get(self, document_id: str, actor: Actor) -> HeldDocument:
        """Return one document. Raises NotFound."""
        return _held(self._row(document_id, actor), self.clock.now())

    def content(self, document_id: str, actor: Actor) -> DocumentContent:
        """Open one document. Raises NotFound, also once the holder was erased; Malformed when a bit is another."""
        row = self._row(document_id, actor)
        whole = json.loads(self.holders.unseal(row.holder_id, row.id, row.sealed))
        whole.pop("pending", None)
        return DocumentContent(**whole)

    def code(self, document_id: str, actor: Actor) -> str:
        """Return the `VD1:` text. Raises NotFound; Unavailable("signing_unavailable") while it is not signed yet."""
        code = self.content(document_id, actor).code
        if not code:
            raise Unavailable("signing_unavailable", reasons=[])
        return code

    def _row(self, document_id: str, actor: Actor) -> DocumentRow:
        row = self.documents.of_holder(document_id, _holder(actor))
        if row is None or not may_learn(actor, row.utility, self.catalogue.open_to_wards):
            raise NotFound("not_found")
        return row


def _holder(actor: Actor) -> str:
    if actor.holder_id is None:
        raise NotFound("not_found")
    return actor.holder_id


def _held(row: DocumentRow, now: datetime) -> HeldDocument:
    return HeldDocument(
        id=row.id,
        request_id=row.request_id,
        utility=row.utility,
        kind=row.kind,
        kind_version=row.kind_version,
        rules_version=row.rules_version,
        state=_state(row, now),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revocation_reason=row.revocation_reason,
        suspended_at=row.suspended_at,
        suspension_reason=row.suspension_reason,
    )


def _state(row: DocumentRow, now: datetime) -> str:
    """Return the one state that says most: what is final comes first."""
    if row.revoked_at is not None:
        return "superseded" if row.revocation_reason == RevocationReason.SUPERSEDED else "revoked"
    if now >= row.expires_at:
        return "expired"
    if row.suspended_at is not None:
        return "suspended"
    return "valid" if row.signed_at is not None else "signing"
