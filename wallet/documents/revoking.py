"""Revoking: final, by an admin, with a reason; its copies go with a document. The board sees it at once, the published
list within a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository
from wallet.errors import AlreadyRevoked, NotAllowed, NotFound
from wallet.terms import Actor, StaffRole, Status


class RevocationReason(StrEnum):
    """Why a document is revoked. `data_changed`: what it states no longer holds (CT07 after a move); `request_ended`:
    it was the receipt of something that is over; `superseded`: a newer one took its place; `key_revoked`: nobody can
    say any more who signed it; `restored`: the published list alone knows of it, for the database was put back to
    an earlier day."""

    DATA_CHANGED = "data_changed"
    ISSUED_IN_ERROR = "issued_in_error"
    HOLDER_ASKED = "holder_asked"
    HOLDER_DIED = "holder_died"
    FRAUD = "fraud"
    COURT_ORDER = "court_order"
    REQUEST_ENDED = "request_ended"
    SUPERSEDED = "superseded"
    KEY_REVOKED = "key_revoked"
    RESTORED = "restored"


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
        if not self._revoke(row, reason, actor):
            raise AlreadyRevoked("already_revoked")
        return Revocation(document_id, reason, self.clock.now())

    def void(self, document_id: str, reason: RevocationReason, actor: Actor) -> bool:
        """Revoke what the lifecycle of its request, or a register, voids; return whether this call did it.

        A revoked one stays as it is.
        """
        row = self.documents.get(document_id)
        return row is not None and self._revoke(row, reason, actor)

    def replace(self, document_id: str, successor: Callable[[], bool], actor: Actor) -> RevocationReason | None:
        """Revoke a document for another that takes its place; return why it ended, None where it had ended before.

        successor: makes that, in this transaction; returns False where none can be made, and then the document is void
        all the same, for its data have changed. Of any number of calls one alone gets so far as to ask for it.
        """
        now, row = self.clock.now(), self.documents.get(document_id)
        if row is None or not self.documents.mark_revoked(row.id, now, str(RevocationReason.DATA_CHANGED)):
            return None
        reason = RevocationReason.SUPERSEDED if successor() else RevocationReason.DATA_CHANGED
        self.documents.give_reason(row.id, str(reason))
        self._tell_of(row, reason, now, actor)
        return reason

    def revoke_all(self, holder_id: str, reason: RevocationReason, actor: Actor, *, expired_too: bool = True) -> int:
        """Revoke every document of a holder that is not revoked; return how many.

        For the holder, and for the system. Raises NotAllowed("not_allowed").
        """
        if actor.holder_id not in (holder_id, None):
            raise NotAllowed("not_allowed")
        now, rows = self.clock.now(), self.documents.unrevoked(holder_id)
        return sum(self._revoke(row, reason, actor) for row in rows if expired_too or now < row.expires_at)

    def _revoke(self, row: DocumentRow, reason: RevocationReason, actor: Actor) -> bool:
        now = self.clock.now()
        if not self.documents.mark_revoked(row.id, now, str(reason)):
            return False
        self._tell_of(row, reason, now, actor)
        return True

    def _tell_of(self, row: DocumentRow, reason: RevocationReason, now: datetime, actor: Actor) -> None:
        """Set the status of a document and its copies, and put it on record."""
        superseded = reason is RevocationReason.SUPERSEDED
        for list_id, index in self.documents.places(row, now):
            self.documents.set_status(list_id, index, Status.INVALID, now, superseded=superseded)
        self.audit.record("document.revoked", actor, row.id, reason=str(reason))
