"""What a status list says of copies for the time being: suspended with their document, or with an account.

A lock of an account makes what is shown from a phone fail and leaves papers alone: whatever is bound to a key is
suspended, a printed code and a PDF are not (docs/decisions/0027-cards.md). What a copy stands on may change in two
transactions at once: each writes what it finds after it holds the copies, so the last one writes what is so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wallet.clock import Clock
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.repository import CopyRepository, DocumentRepository
from wallet.identity.accounts import Accounts
from wallet.terms import Status


@dataclass(frozen=True, slots=True)
class CopyStanding:
    """Writes the status of copies that are not revoked, in one transaction."""

    documents: DocumentRepository
    copies: CopyRepository
    accounts: Accounts
    clock: Clock

    def follow_lock(self, holder_id: str, device_ids: Sequence[str]) -> None:
        """Write what follows for whatever a holder, or these phones, have to show. The account was just changed."""
        now = self.clock.now()
        self._write(self.copies.bound(holder_id, device_ids, now), now)

    def follow_document(self, row: DocumentRow, now: datetime) -> None:
        """Write what follows for the copies of a document that was just suspended or reinstated."""
        self._write(self.copies.standing_on(row.id, now), now)

    def is_locked(self, row: DocumentCopyRow) -> bool:
        """Return whether a copy is suspended for an account that is locked."""
        return bool(row.holder_key) and self.accounts.is_locked(row.holder_id, row.device_id)

    def _write(self, rows: Iterable[DocumentCopyRow], now: datetime) -> None:
        suspended: dict[str, bool] = {}
        locked: dict[tuple[str, str | None], bool] = {}
        for row in rows:
            if row.document_id not in suspended:
                suspended[row.document_id] = self.documents.is_suspended(row.document_id)
            whose = (row.holder_id, row.device_id)
            if row.holder_key and whose not in locked:
                locked[whose] = self.is_locked(row)
            by_lock = bool(row.holder_key) and locked[whose]
            status = Status.SUSPENDED if by_lock or suspended[row.document_id] else Status.VALID
            self.documents.set_status(row.status_list, row.status_index, status, now, locked=by_lock)
