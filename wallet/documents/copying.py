"""Copies from asking to bytes: looked for, else stored, signed outside any transaction, and its bytes stored.

Of several processes that sign one copy, one stores it and the others take that one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from wallet.documents.copies import HolderKey, OpenedCopy
from wallet.documents.copy_making import CopyMaking, LiveCode
from wallet.documents.forms.offered import Form
from wallet.documents.services import DocumentServices
from wallet.documents.trust import TrustCentre
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.formats.live_code import GateChallenge
from wallet.terms import Actor

Opening = Callable[[], AbstractContextManager[DocumentServices]]


@dataclass(frozen=True, slots=True)
class Copying:
    """Gives out copies. One for a process."""

    working: Opening
    reading: Opening
    making: CopyMaking
    trust: TrustCentre

    def copy(self, document_id: str, form: Form, holder_key: HolderKey, actor: Actor) -> OpenedCopy:
        """Return the copy of a document in this form for this key: the same bytes however often it is asked for.

        Raises what `Copies.reserve` does, ProfileViolated, Unavailable; what was stored until then is completed by
        whoever asks next.
        """
        with self.reading() as work:
            found = work.copies.found(document_id, form, holder_key, actor)
        if found is not None:
            return found
        with self.working() as work:
            (copy_id,) = work.copies.reserve(document_id, form, [holder_key], actor)
        return self.completed(copy_id, actor)

    def completed(self, copy_id: str, actor: Actor) -> OpenedCopy:
        """Return a copy that was reserved, signed now unless it is already. Raises as `copy`."""
        with self.reading() as work:
            kept = work.copies.open(copy_id)
            document = work.copies.stated(kept.document_id, actor)
        if kept.content:
            return kept
        list_id, index = kept.place
        place, card_id = (self.trust.status_uri(list_id), index), bytes.fromhex(kept.id.rpartition("_")[2])
        with self._asking_again(kept.document_id, actor):
            made = self.making.make(kept.form, document, place, kept.holder_key, card_id, kept.view)
        with self.working() as work:
            work.copies.store(copy_id, made)
        with self.reading() as work:
            kept = work.copies.open(copy_id)
        if not kept.content:
            # revoked or suspended while it was signed, or its phone's place was taken away
            raise Conflict("copy_over" if kept.is_over else "form_needs_valid_document")
        return kept

    def read(self, document_id: str, copy_id: str, actor: Actor) -> OpenedCopy:
        """Return one copy of a document by its id. Raises as `copy`, NotFound, Conflict("copy_over")."""
        with self.reading() as work:
            kept = work.copies.kept(document_id, copy_id, actor)
        return kept if kept.content else self.completed(copy_id, actor)

    def live_code(self, document_id: str, view: str, challenge: GateChallenge | None, actor: Actor) -> LiveCode:
        """Return a live code of a document that this service signs itself, for whoever has no phone. Raises as `copy`,
        TooManyAttempts, InvalidInput."""
        with self.working() as work:
            card_id = work.copies.live_card(document_id, view, actor)
        content = self.completed(card_id, actor).content
        with self._asking_again(document_id, actor):
            return self.making.live_code(content, challenge)

    def complete(self, copies: Iterable[tuple[str, Actor]]) -> None:
        """Sign those of these copies that are not signed yet; what ended meanwhile says so to whoever reads it.

        Raises Unavailable("signing_unavailable"): what is stored so far stays stored.
        """
        for copy_id, actor in copies:
            try:
                self.completed(copy_id, actor)
            except (Conflict, NotFound):
                continue

    @contextmanager
    def _asking_again(self, document_id: str, actor: Actor) -> Iterator[None]:
        """Say of what does not verify whether its document or its account was shut meanwhile: no signer failed then."""
        try:
            yield
        except Unavailable:
            with self.reading() as work:
                work.copies.stated(document_id, actor)
            raise
