"""Suspending a document and letting it count again: by an admin or an officer, for a reason, told to the holder.

A suspension is a status of its own that may end (security S-55); a revocation is final: a revoked document is neither
suspended nor reinstated. The board sees either at once, the published list within a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.copy_standing import CopyStanding
from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository
from wallet.errors import AlreadyRevoked, Conflict, NotAllowed, NotFound
from wallet.terms import Actor, StaffRole, Status


class SuspensionReason(StrEnum):
    """Why a document is suspended. `authority_order`: an authority ordered it, so an admin alone suspends and
    reinstates for it."""

    HOLDER_ASKED = "holder_asked"
    DATA_DISPUTED = "data_disputed"
    SUSPECTED_MISUSE = "suspected_misuse"
    AUTHORITY_ORDER = "authority_order"


class ReinstatementReason(StrEnum):
    """Why a suspension ends. `ground_gone`: what it was for is no more; `suspended_in_error`: it never was."""

    GROUND_GONE = "ground_gone"
    SUSPENDED_IN_ERROR = "suspended_in_error"
    HOLDER_ASKED = "holder_asked"


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension that holds."""

    document_id: str
    reason: SuspensionReason
    suspended_at: datetime


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """A suspension that ended."""

    document_id: str
    reason: ReinstatementReason
    reinstated_at: datetime


@dataclass(frozen=True, slots=True)
class Suspending:
    """Suspends and reinstates documents, in one transaction. tell(holder_id, notice, document_id): tells a holder."""

    documents: DocumentRepository
    copies: CopyStanding
    audit: Audit
    clock: Clock
    tell: Callable[[str, str, str], None]

    def suspend(self, document_id: str, reason: SuspensionReason, actor: Actor) -> Suspension:
        """Suspend one document until it is reinstated. Raises NotAllowed, NotFound, AlreadyRevoked, Conflict."""
        _assert_may(actor, by_authority=reason is SuspensionReason.AUTHORITY_ORDER)
        row, now = self._row(document_id), self.clock.now()
        if not self.documents.mark_suspended(row.id, now, str(reason)):
            raise self._refusal(row.id, Conflict("already_suspended"))
        self._set(row, Status.SUSPENDED, now)
        self.audit.record("document.suspended", actor, row.id, reason=str(reason))
        self.tell(row.holder_id, "document_suspended", row.id)
        return Suspension(row.id, reason, now)

    def reinstate(self, document_id: str, reason: ReinstatementReason, actor: Actor) -> Reinstatement:
        """Let a suspended document count again. Raises NotAllowed, NotFound, AlreadyRevoked, Conflict."""
        _assert_may(actor)
        row, now = self._row(document_id), self.clock.now()
        ended = self.documents.mark_reinstated(row.id)
        if ended is None:
            raise self._refusal(row.id, Conflict("not_suspended"))
        _assert_may(actor, by_authority=ended == SuspensionReason.AUTHORITY_ORDER)
        self._set(row, Status.VALID, now)
        self.audit.record("document.reinstated", actor, row.id, reason=str(reason))
        self.tell(row.holder_id, "document_reinstated", row.id)
        return Reinstatement(row.id, reason, now)

    def _row(self, document_id: str) -> DocumentRow:
        row = self.documents.get(document_id)
        if row is None:
            raise NotFound("not_found")
        return row

    def _refusal(self, document_id: str, otherwise: Conflict) -> Conflict:
        return AlreadyRevoked("already_revoked") if self.documents.is_revoked(document_id) else otherwise

    def _set(self, row: DocumentRow, status: Status, now: datetime) -> None:
        self.documents.set_status(row.status_list, row.status_index, status, now)
        self.copies.follow_document(row, now)


def _assert_may(actor: Actor, *, by_authority: bool = False) -> None:
    allowed = {StaffRole.ADMIN} if by_authority else {StaffRole.ADMIN, StaffRole.OFFICER}
    if not allowed & set(actor.roles):
        raise NotAllowed("not_allowed")
