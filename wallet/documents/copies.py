"""Copies of a document in other forms: an entry in a status list of its own for each, one for each key of a holder.

A copy is made in two halves, like a document. Here is what happens in transactions: it is stored with its entry before
it is signed (so that whatever was ever signed can be revoked), and its bytes are stored afterwards, unless the document
was revoked meanwhile. A crash between the halves leaves a row that whoever asks next completes: never a second one.
Source: docs/security.md, S-41 and S-42; docs/decisions/0026-copies.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.copy_making import CopyMaking, MadeCopy, Times
from wallet.documents.copy_revoking import CopyEnd, CopyRevoking
from wallet.documents.forms.offered import SCREENS, WHOLE, Form
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.documents.holding import HeldDocument, Holding
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.repository import CopyRepository, DocumentRepository
from wallet.documents.status import Indices, StatusIndex
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotFound, Unavailable
from wallet.formats.sd_jwt_vc import integrity_of
from wallet.identity.compact_jws import thumbprint
from wallet.identity.devices import Devices
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.terms import Actor
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue, Plugin

BATCHES_A_DAY = 10
"""How often copies of one document are had in batches: each takes index space."""
CARD_BATCHES_A_DAY = 24
"""How often cards of one document are had, each time up to twenty."""
LIVE_CODES_A_DAY = 5_000
"""How many live codes of one document are signed for whoever has no phone: one each thirty seconds is half as many."""
A_DAY = timedelta(days=1)
LONGEST_INDEX = 2**24 - 1
"""An index that takes as much room as any."""

HolderKey = Mapping[str, str] | None
"""A P-256 public key as its four JWK members; None for a copy that is bound to nobody."""


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """A copy as it is kept. content: its bytes, b"" until it is signed. place: which list, which entry.

    is_over: it ended by itself, or counts no longer.
    """

    id: str
    document_id: str
    form: Form
    place: tuple[int, int]
    holder_key: HolderKey
    thumbprint: str
    issued_at: datetime
    expires_at: datetime
    content: bytes
    view: str = ""
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies of one transaction.

    assert_unlocked: refuses a holder whose account is locked or closed; assert_open: such an account. keep_type: keeps
    what a kind says of itself. reserved: what was stored in this transaction and is to be signed once it has committed,
    each with who asked.
    """

    documents: DocumentRepository
    rows: CopyRepository
    holding: Holding
    holders: Holders
    devices: Devices
    limits: Limits
    indices: Indices
    revoking: CopyRevoking
    making: CopyMaking
    trust: TrustCentre
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy
    assert_unlocked: Callable[[str], None]
    assert_open: Callable[[str], None]
    keep_type: Callable[[Plugin, DocumentType], None]
    reserved: list[tuple[str, Actor]]

    def offered(self, held: HeldDocument) -> tuple[Form, ...]:
        """Return the forms that a document can be had in now."""
        known = self.catalogue.issued(held.kind, held.kind_version) is not None
        return WHOLE if known and held.state == "valid" else ()

    def is_sensitive(self, document_id: str, actor: Actor) -> bool:
        """Return whether what a document states is of the strict class. Raises NotFound."""
        return self._kind(self.holding.get(document_id, actor))[1].sensitive

    def found(self, document_id: str, form: Form, holder_key: HolderKey, actor: Actor) -> OpenedCopy | None:
        """Return the signed copy that is in use, None when one has to be made. Raises what `reserve` does."""
        self._assert_copied(self.holding.get(document_id, actor), form)
        row = self.rows.last(document_id, form, thumbprint_of(holder_key))
        return self._opened(row) if row is not None and self._is_in_use(row) else None

    def reserve(self, document_id: str, form: Form, holder_keys: Sequence[HolderKey], actor: Actor) -> list[str]:
        """Return, for each key, the id of the copy in use, or of a new one that is stored and not signed yet.

        Raises NotFound("not_found" or "form_not_available"); Conflict("form_needs_valid_document",
        "form_needs_device" for a key of a phone that speaks for nobody any more, or why the account is shut);
        Unavailable("signing_unavailable") while the document itself is not signed, or nobody may sign this.
        """
        held = self._held(document_id, form, actor, bound=any(key is not None for key in holder_keys))
        kept = [self._kept(held, form, key, actor) for key in holder_keys]
        missing = [key for key, copy_id in zip(holder_keys, kept, strict=True) if copy_id is None]
        made = iter(self._stored(held, form, missing, actor))
        return [copy_id or next(made) for copy_id in kept]

    def reserve_batch(
        self, document_id: str, form: Form, holder_keys: Sequence[HolderKey], actor: Actor
    ) -> list[OpenedCopy]:
        """Store a copy for each of a phone's keys, to be signed once this transaction has committed.

        A key that has one in use keeps it. Raises what `reserve` does; TooManyAttempts.
        """
        self.holding.get(document_id, actor)
        self.limits.count("copies", document_id, BATCHES_A_DAY, A_DAY)
        ids = self.reserve(document_id, form, holder_keys, actor)
        self.reserved.extend((copy_id, actor) for copy_id in ids)
        return [self.open(copy_id) for copy_id in ids]

    def reserve_cards(
        self, document_id: str, view: str, count: int, holder_key: HolderKey, actor: Actor
    ) -> list[OpenedCopy]:
        """Store cards for a phone, to be signed once this transaction has committed. view: for which purpose.

        Raises what `reserve` does, TooManyAttempts, InvalidInput for a purpose that the document has no view for, or
        whose card no screen can show.
        """
        self.holding.get(document_id, actor)
        self.limits.count("cards", document_id, CARD_BATCHES_A_DAY, A_DAY)
        held = self._held(document_id, Form.CARD, actor, bound=True)
        ids = self._stored(held, Form.CARD, [holder_key] * count, actor, view)
        self.reserved.extend((copy_id, actor) for copy_id in ids)
        return [self.open(copy_id) for copy_id in ids]

    def live_card(self, document_id: str, view: str, actor: Actor) -> str:
        """Return the id of the card from which this service shows live codes itself, signed or not; one for some
        minutes. Raises as `reserve_cards`."""
        self.holding.get(document_id, actor)
        self.limits.count("live_codes", document_id, LIVE_CODES_A_DAY, A_DAY)
        held = self._held(document_id, Form.LIVE, actor, bound=False)
        key = self.making.own_key()
        last = self.rows.last(document_id, Form.LIVE, thumbprint_of(key), view)
        times = self.making.times(Form.LIVE, self._kind(held)[1], held.expires_at)
        if last is not None and last.revoked_at is None and last.issued_at == times.issued_at:
            return last.id
        (made,) = self._stored(held, Form.LIVE, [key], actor, view)
        return made

    def kept(self, document_id: str, copy_id: str, actor: Actor) -> OpenedCopy:
        """Return one copy that is bound to a key. Raises NotFound, Conflict("copy_over"), and what `reserve` does."""
        held = self.holding.get(document_id, actor)
        row = self.rows.get(copy_id)
        if row is None or row.document_id != held.id or not row.holder_key:
            raise NotFound("not_found")
        self._assert_copied(held, Form(row.form))
        copy = self._opened(row)
        if copy.is_over:
            raise Conflict("copy_over")
        return copy

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
            integrity=integrity_of(self.trust.kept.served(plugin, kind)),
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
            code_kid=made.code_kid,
            issued_at=made.times.issued_at,
            expires_at=made.times.expires_at,
            signed_at=self.clock.now(),
            sealed=self.holders.seal(row.holder_id, copy_id, made.content),
        )
        return self.rows.mark_signed(signed)

    def _held(self, document_id: str, form: Form, actor: Actor, *, bound: bool) -> HeldDocument:
        """Return a document of which copies may be made, as it stays until the transaction ends."""
        self.holding.get(document_id, actor)
        if actor.holder_id is not None:
            self.holders.hold(actor.holder_id, shared=True)
        self.documents.hold(document_id)
        held = self.holding.get(document_id, actor)
        self._assert_copied(held, form)
        if bound and actor.device_id is not None:
            self.assert_open(actor.account_id)  # a guardian's phone is the guardian's
            try:
                self.devices.hold(actor.device_id)
            except NotFound as error:
                raise Conflict("form_needs_device") from error
        return held

    def _kept(self, held: HeldDocument, form: Form, holder_key: HolderKey, actor: Actor) -> str | None:
        """Return the copy for a key that is in use, or is waiting to be signed; what counts no longer ends here."""
        last = self.rows.last(held.id, form, thumbprint_of(holder_key))
        if last is None or last.revoked_at is not None:
            return None
        if last.signed_at is None or self._is_in_use(last):
            return last.id
        if self.clock.now() < last.expires_at:
            self.revoking.revoke([last], CopyEnd.REPLACED, actor)
        return None

    def _stored(
        self, held: HeldDocument, form: Form, holder_keys: Sequence[HolderKey], actor: Actor, view: str = ""
    ) -> list[str]:
        if not holder_keys:
            return []
        plugin, kind = self._kind(held)
        self.keep_type(plugin, kind)
        times, places = self.making.times(form, kind, held.expires_at), self.indices.reserve_many(len(holder_keys))
        if form in SCREENS:
            self._assert_shown(held, form, holder_keys[0], times, places[0], view, actor)
        return [
            self._store(held, form, key, times, place, actor, view)
            for key, place in zip(holder_keys, places, strict=True)
        ]

    def _assert_shown(
        self,
        held: HeldDocument,
        form: Form,
        key: HolderKey,
        times: Times,
        place: StatusIndex,
        view: str,
        actor: Actor,
    ) -> None:
        """Return if there is such a view, and a screen can show it."""
        document = self.stated(held.id, actor)
        if view and view not in document.kind.views:
            raise InvalidInput({"/view": "unknown_view"})
        copy = Copy(*times, self.trust.status_uri(place.list_id), LONGEST_INDEX, key, bytes(16), view)
        if not self.making.fits(form, document, copy):
            raise InvalidInput({"/view": "card_too_large"})

    def _store(
        self,
        held: HeldDocument,
        form: Form,
        holder_key: HolderKey,
        times: Times,
        place: StatusIndex,
        actor: Actor,
        view: str,
    ) -> str:
        jkt = thumbprint_of(holder_key)
        last = self.rows.last(held.id, form, jkt)
        copy_id, holder_id = new_id(self.entropy, "cpy"), str(actor.holder_id)
        row = DocumentCopyRow(
            id=copy_id,
            document_id=held.id,
            holder_id=holder_id,
            form=str(form),
            holder_key=jkt,
            view=view,
            number=1 if last is None else last.number + 1,
            device_id=None if holder_key is None or form is Form.LIVE else actor.device_id,
            status_list=place.list_id,
            status_index=place.index,
            issued_at=times.issued_at,
            expires_at=times.expires_at,
            sealed=self.holders.seal(holder_id, copy_id, json.dumps(holder_key).encode()),
        )
        self.rows.add(row)
        self.audit.record("document.copied", actor, held.id, form=str(form), copy=copy_id)
        return copy_id

    def _assert_copied(self, held: HeldDocument, form: Form | None = None) -> None:
        """Return if copies of a document may be made and handed out."""
        self.assert_unlocked(self._row(held.id).holder_id)
        if held.state == "signing":
            raise Unavailable("signing_unavailable", reasons=[])
        if held.state != "valid":
            raise Conflict("form_needs_valid_document")
        self._kind(held)
        if form is Form.PDF and not self.making.stands(self._row(held.id).kid):
            # The code that would be printed counts nothing: it is to be signed again first.
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])

    def _row(self, document_id: str) -> DocumentRow:
        row = self.documents.get(document_id)
        if row is None:
            raise NotFound("not_found")
        return row

    def _kind(self, held: HeldDocument) -> tuple[Plugin, DocumentType]:
        found = self.catalogue.issued(held.kind, held.kind_version)
        if found is None:
            raise NotFound("form_not_available")
        return found

    def _is_in_use(self, row: DocumentCopyRow) -> bool:
        if row.signed_at is None or row.revoked_at is not None:
            return False
        content = self.holders.unseal(row.holder_id, row.id, row.sealed)
        return self.making.is_good(row, content, self._row(row.document_id).kid)

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
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            view=row.view,
            content=content if signed else b"",
            is_over=row.revoked_at is not None or (signed and not self._is_in_use(row)),
        )


def thumbprint_of(holder_key: HolderKey) -> str:
    """Return by what the table knows a key: its thumbprint (RFC 7638), "" for nobody's."""
    return "" if holder_key is None else thumbprint(holder_key["x"], holder_key["y"])
