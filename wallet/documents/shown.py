"""Whose a code is that a gate was shown: from the id in it to its holder, for whoever has to ask or to tell them.

A document and a card both name themselves by 16 bytes, `doc_` and 32 hex digits as an answer has it. A card's id is its
own, so nobody but this service knows that two of them are of one document.
"""

import json
import re
from dataclasses import dataclass

from wallet.documents.forms.card import unproven
from wallet.documents.forms.offered import SCREENS
from wallet.documents.models import DocumentRow
from wallet.documents.repository import CopyRepository, DocumentRepository
from wallet.documents.revoking import RevocationReason
from wallet.errors import NotFound
from wallet.formats.cwt_code import parse_document_code
from wallet.formats.live_code import parse_live_code
from wallet.identity.accounts import Accounts
from wallet.identity.holders import Holders

_ID = re.compile(r"doc_([0-9a-f]{32})")
COPY_PREFIX = "cpy"


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown, as it is on record. document_id: of the document, also where a card of it was shown.

    view: the purpose that a card is for, "" for a document. locked: whether the account of its holder is, or of whoever
    has the phone that a card is on. superseded: whether a newer document took the document's place.
    """

    holder_id: str
    document_id: str
    utility: str
    kind: str
    is_card: bool
    view: str
    locked: bool
    superseded: bool


@dataclass(frozen=True, slots=True)
class ShownDocuments:
    """Finds documents and cards by what a code says, in one transaction."""

    documents: DocumentRepository
    copies: CopyRepository
    accounts: Accounts
    holders: Holders

    def stated(self, document_id: str) -> frozenset[int]:
        """Return the numbers of the claims that the code of a document, or a card, states; none for one that nobody
        knows, that is not signed, or whose holder is erased. document_id: as `find` takes it.
        """
        row = self.documents.get(document_id)
        card = self.copies.get(document_id.replace("doc_", f"{COPY_PREFIX}_")) if row is None else None
        sealed = row if row is not None else card
        if sealed is None or sealed.signed_at is None or (card is not None and card.form not in SCREENS):
            return frozenset()
        try:
            content = self.holders.unseal(sealed.holder_id, sealed.id, sealed.sealed)
        except NotFound:
            return frozenset()
        if card is None:
            return frozenset(parse_document_code(json.loads(content)["code"]).content.claims)
        return frozenset(parse_live_code(unproven(content, card.issued_at)).content.claims)

    def find(self, document_id: str) -> Shown | None:
        """Return what a code's id belongs to, None for one that nobody knows, or knows no longer.

        document_id: `doc_` and 32 hex digits, of a document or of a card. A card is known for a while after its end:
        what was checked without network is told later.
        """
        found = _ID.fullmatch(document_id)
        if found is None:
            return None
        row = self.documents.get(document_id)
        if row is not None:
            return self._of(row, "", is_card=False, device_id=None)
        card = self.copies.get(f"{COPY_PREFIX}_{found[1]}")
        if card is None or card.form not in SCREENS:
            return None
        row = self.documents.get(card.document_id)
        return None if row is None else self._of(row, card.view, is_card=True, device_id=card.device_id)

    def _of(self, row: DocumentRow, view: str, *, is_card: bool, device_id: str | None) -> Shown:
        return Shown(
            holder_id=row.holder_id,
            document_id=row.id,
            utility=row.utility,
            kind=row.kind,
            is_card=is_card,
            view=view,
            locked=self.accounts.is_locked(row.holder_id, device_id),
            superseded=row.revocation_reason == RevocationReason.SUPERSEDED,
        )
