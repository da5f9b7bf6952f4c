"""Copies of a document in other forms: an entry in a status list of its own for each, one for each key of a holder.

A copy is made in two halves, like a document. Here is what happens in transactions: it is stored with its entry before
it is signed (so that whatever was ever signed can be revoked), and its bytes are stored afterwards, unless the document
was revoked meanwhile. A crash between the halves leaves a row that whoever asks next completes: never a second one.
Source: docs/security.md, S-41 and S-42; docs/decisions/0026-copies.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.copy_making import CopyMaking, MadeCopy
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.forms.stated import StatedDocument
from wallet.documents.holding import HeldDocument, Holding
from wallet.documents.models import DocumentCopyRow
from wallet.documents.repository import CopyRepository, DocumentRepository
from wallet.documents.status import Indices
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.identity.compact_jws import thumbprint
from wallet.identity.holders import Holders
from wallet.terms import Actor
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue, Plugin

HolderKey = Mapping[str, str] | None
"""A P-256 public key as its four JWK members; None for a copy that is bound to nobody."""


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """A copy as it is kept. content: its bytes, b"" until it is signed. place: which list, which entry."""

    id: str
    document_id: str
    form: Form
    place: tuple[int, int]
    holder_key: HolderKey
    thumbprint: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies of one transaction. assert_unlocked: refuses a holder whose account is locked or closed."""

    documents: DocumentRepository
    rows: CopyRepository
    holding: Holding
    holders: Holders
    indices: Indices
    making: CopyMaking
    trust: TrustCentre
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy
    assert_unlocked: Callable[[str], None]

    def offered(self, held: HeldDocument) -> tuple[Form, ...]:
        """Return the forms that a document can be had in now."""
        known = self.catalogue.issued(held.kind, held.kind_version) is not None
        return tuple(OFFERS) if known and held.state == "valid" else ()

    def is_sensitive(self, document_id: str, actor: Actor) -> bool:
        """Return whether what a document states is of the strict class. Raises NotFound."""
        return self._kind(self.holding.get(document_id, actor))[1].sensitive

    def found(self, document_id: str, form: Form, holder_key: HolderKey, actor: Actor) -> OpenedCopy | None:
        """Return the signed copy that is in use, None when one has to be made. Raises what `reserve` does."""
        self._assert_copied(self.holding.get(document_id, actor))
        row = self.rows.last(document_id, form, thumbprint_of(holder_key))
        return self._opened(row) if row is not None and self._is_in_use(row) else None

    def reserve(self, document_id: str, form: Form, holder_keys: Sequence[HolderKey], actor: Actor) -> list[str]:
        """Return, for each key, the id of the copy in use, or of a new one that is stored and not signed yet.

        Raises NotFound("not_found" or "form_not_available"); Conflict("form_needs_valid_document", or why the account
        is shut); Unavailable("signing_unavailable") while the document itself is not signed, or nobody may sign this.
        """
        self.holding.get(document_id, actor)
        if actor.holder_id is not None:
            self.holders.hold(actor.holder_id, shared=True)
        self.documents.hold(document_id)
        held = self.holding.get(document_id, actor)  # as it stays until the transaction ends
        self._assert_copied(held)
        return [self._reserved(held, form, key, actor) for key in holder_keys]

    def open(self, copy_id: str) -> OpenedCopy:
        """Return one copy, signed or not. Raises NotFound, also once the holder was erased."""
        row = self.rows.get(copy_id)
        if row is None:
            raise NotFound("not_found")
        return self._opened(row)

    def stated(self, document_id: str, actor: Actor) -> StatedDocument:
        """Return what every form of a document is made of. Raises NotFound, Conflict, Unavailable."""
        held = self.holding.get(document_id, actor)
        self._assert_copied(held)
        content = self.holding.content(document_id, actor)
        plugin, kind = self._kind(held)
        return StatedDocument(
            id=held.id,
            plugin=plugin,
            kind=kind,
            issuer_url=self.trust.issuer_url,
            issuer_code=self.trust.issuer_code,
            issuer_name=self.trust.issuer_name,
            issued_at=held.issued_at,
            expires_at=held.expires_at,
            claims=content.claims,
            salt=content.salt,
            code=content.code,
        )

    def store(self, copy_id: str, made: MadeCopy) -> bool:
        """Store what was signed; False when somebody was quicker or the document was revoked. Raises NotFound."""
        row = self.rows.get(copy_id)
        if row is None:
            raise NotFound("not_found")
        signed = DocumentCopyRow(
            id=copy_id,
            kid=made.kid,
            seal_kid=made.seal_kid,
            issued_at=made.times.issued_at,
            expires_at=made.times.expires_at,
            signed_at=self.clock.now(),
            sealed=self.holders.seal(row.holder_id, copy_id, made.content),
        )
        return self.rows.mark_signed(signed)

    def _reserved(self, held: HeldDocument, form: Form, holder_key: HolderKey, actor: Actor) -> str:
        jkt = thumbprint_of(holder_key)
        last = self.rows.last(held.id, form, jkt)
        if last is not None and (last.signed_at is None or self._is_in_use(last)):
            return last.id
        _, kind = self._kind(held)
        times, place = self.making.times(form, kind, held.expires_at), self.indices.reserve()
        copy_id, holder_id = new_id(self.entropy, "cpy"), str(actor.holder_id)
        row = DocumentCopyRow(
            id=copy_id,
            document_id=held.id,
            holder_id=holder_id,
            form=str(form),
            holder_key=jkt,
            number=1 if last is None else last.number + 1,
            status_list=place.list_id,
            status_index=place.index,
            issued_at=times.issued_at,
            expires_at=times.expires_at,
            sealed=self.holders.seal(holder_id, copy_id, json.dumps(holder_key).encode()),
        )
        self.rows.add(row)
        self.audit.record("document.copied", actor, held.id, form=str(form), copy=copy_id)
        return copy_id

    def _assert_copied(self, held: HeldDocument) -> None:
        """Return if copies of a document may be made and handed out."""
        self.assert_unlocked(self._holder_of(held))
        if held.state == "signing":
            raise Unavailable("signing_unavailable", reasons=[])
        if held.state != "valid":
            raise Conflict("form_needs_valid_document")
        self._kind(held)

    def _holder_of(self, held: HeldDocument) -> str:
        row = self.documents.get(held.id)
        if row is None:
            raise NotFound("not_found")
        return row.holder_id

    def _kind(self, held: HeldDocument) -> tuple[Plugin, DocumentType]:
        found = self.catalogue.issued(held.kind, held.kind_version)
        if found is None:
            raise NotFound("form_not_available")
        return found

    def _is_in_use(self, row: DocumentCopyRow) -> bool:
        return row.signed_at is not None and self.making.is_good(row)

    def _opened(self, row: DocumentCopyRow) -> OpenedCopy:
        content = self.holders.unseal(row.holder_id, row.id, row.sealed)
        signed = row.signed_at is not None
        return OpenedCopy(
            id=row.id,
            document_id=row.document_id,
            form=Form(row.form),
            place=(row.status_list, row.status_index),
            holder_key=None if signed else json.loads(content),
            thumbprint=row.holder_key,
            content=content if signed else b"",
        )


def thumbprint_of(holder_key: HolderKey) -> str:
    """Return by what the table knows a key: its thumbprint (RFC 7638), "" for nobody's."""
    return "" if holder_key is None else thumbprint(holder_key["x"], holder_key["y"])
