"""Revoking: final, by an admin, with a reason. The board sees it at once, the published list within a minute."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.repository import DocumentRepository
from wallet.errors import AlreadyRevoked, NotAllowed, NotFound
from wallet.terms import Actor, StaffRole, Status


class RevocationReason(StrEnum):
    """Why a document is revoked. `data_changed`: what it states no longer holds (CT07 after a move)."""

    DATA_CHANGED = "data_changed"
    ISSUED_IN_ERROR = "issued_in_error"
    HOLDER_ASKED = "holder_asked"
    HOLDER_DIED = "holder_died"
    FRAUD = "fraud"
    COURT_ORDER = "court_order"


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation that holds."""

    document_id: str
    reason: RevocationReason
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class Revoking:
    """Revokes documents, in one transaction."""

    documents: DocumentRepository
    audit: Audit
    clock: Clock

    def revoke(self, document_id: str, reason: RevocationReason, actor: Actor) -> Revocation:
        """Revoke one document for good. Raises NotAllowed, NotFound, AlreadyRevoked."""
        if StaffRole.ADMIN not in actor.roles:
            raise NotAllowed("not_allowed")
        row = self.documents.get(document_id)
        if row is None:
            raise NotFound("not_found")
        now = self.clock.now()
        if not self.documents.mark_revoked(document_id, now, str(reason)):
            raise AlreadyRevoked("already_revoked")
        self.documents.set_status(row.status_list, row.status_index, Status.INVALID, now)
        self.audit.record("document.revoked", actor, document_id, reason=str(reason))
        return Revocation(document_id, reason, now)
