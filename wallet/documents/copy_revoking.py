"""Copies that end before their document does: with their phone, with the guardianship for which a phone was given them,
with a key that signed them, with the code in them.

Nothing is signed: their entries in the status lists say it. The document stays, and whoever may asks for another copy.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.models import DocumentCopyRow
from wallet.documents.repository import CopyRepository, DocumentRepository
from wallet.terms import Actor, Status

BATCH = 100
"""Copies of one transaction, where a key goes through all that it signed."""


class CopyEnd(StrEnum):
    """Why a copy ended. `replaced`: another took its place, for what it rests on counts no longer; `restored`: the
    published list alone knows of it, for the database was put back to an earlier day."""

    DEVICE_UNBOUND = "device_unbound"
    GUARDIANSHIP_ENDED = "guardianship_ended"
    KEY_REVOKED = "key_revoked"
    REPLACED = "replaced"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class CopyRevoking:
    """Revokes copies, in one transaction. documents: records what becomes of their entries."""

    documents: DocumentRepository
    copies: CopyRepository
    audit: Audit
    clock: Clock

    def of_device(self, device_id: str, actor: Actor) -> int:
        """Revoke every copy that a phone was given, whosever documents they are of; return how many.

        Whoever asks has taken the phone's place away in this transaction: no copy comes to be meanwhile.
        """
        return self.revoke(self.copies.of_device(device_id, self.clock.now()), CopyEnd.DEVICE_UNBOUND, actor)

    def of_ward(self, holder_id: str, device_ids: Collection[str], actor: Actor) -> int:
        """Revoke every copy of a ward's documents that a guardian's phones were given; return how many.

        What is bound to no phone is nobody's in particular: another guardian may have been given the same.
        """
        rows = self.copies.of_holder_on(holder_id, device_ids, self.clock.now())
        return self.revoke(rows, CopyEnd.GUARDIANSHIP_ENDED, actor)

    def signed_by(self, kid: str, after: str, actor: Actor) -> tuple[int, str]:
        """Revoke the next copies that rest on a key; return how many, and the id of the last.

        after: the id of the last one before, "" to begin. One that another transaction has in hand is left to the
        next round.
        """
        rows = self.copies.resting_on(kid, after, self.clock.now(), BATCH)
        return self.revoke(rows, CopyEnd.KEY_REVOKED, actor), rows[-1].id if rows else after

    def revoke(self, rows: Iterable[DocumentCopyRow], why: CopyEnd, actor: Actor) -> int:
        """Revoke these copies; return how many were not before."""
        now = self.clock.now()
        return sum(self._revoke(row, why, now, actor) for row in rows)

    def _revoke(self, row: DocumentCopyRow, why: CopyEnd, now: datetime, actor: Actor) -> bool:
        if not self.copies.mark_revoked(row.id, now):
            return False
        self.documents.set_status(row.status_list, row.status_index, Status.INVALID, now)
        self.audit.record("document.copy_revoked", actor, row.document_id, copy=row.id, reason=str(why))
        return True
