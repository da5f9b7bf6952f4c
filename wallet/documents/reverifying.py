"""Every document ever issued, verified again: against the profile, its status entry and the record of its issuing; then
every copy of it in another form, as a stranger who is shown one would.

Meant for every night: the first mismatch ends it, for something is then wrong that no further document explains away.
Source: docs/security.md, S-43.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from wallet.clock import Clock
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Role
from wallet.documents.copy_checking import CopyChecking, claims_of
from wallet.documents.forms.offered import Form
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.reissuing import REISSUED
from wallet.documents.services import DocumentServices
from wallet.documents.trust import TrustCentre
from wallet.errors import Malformed, NotFound
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import StatusReference, claims_digest
from wallet.verifier import Policy, judge

Opening = Callable[[], AbstractContextManager[DocumentServices]]
Progress = Callable[[int, int], None]
BATCH = 500
COPIES = 50
"""Copies of one batch: a PDF has a hundred times a code's size."""
ISSUED, COPIED = "document.issued", "document.copied"
ATTEMPTS = 3
STANDING = frozenset({"revoked", "suspended"})
CHANGING = frozenset({"other_status", "other_code", "key_not_allowed"})
"""What may be so because a copy ended just now."""


class Mismatch(NamedTuple):
    """What is wrong with one document, or a copy of it. what: a code, of the section `reverifying` of the texts."""

    document_id: str
    what: str
    copy_id: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found, of documents and of their copies. unsigned: stored and not signed yet. erased: of holders who are
    no longer held. copies: how many were verified in each form."""

    verified: int = 0
    unsigned: int = 0
    erased: int = 0
    mismatch: Mismatch | None = None
    copies: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, Form), 0))

    @property
    def done(self) -> int:
        return self.verified + self.unsigned + self.erased + sum(self.copies.values())


Batch = tuple[Sequence[Any], Callable[[Tally, Any], Tally]]
"""Rows in the order of their ids, and what looks at one of them."""


@dataclass(frozen=True, slots=True)
class Reverifying:
    """Looks at documents in batches, each in a reading of its own: a long look holds nobody up."""

    reading: Opening
    trust: TrustCentre
    clock: Clock

    def run(self, progress: Progress = lambda _done, _total: None) -> Tally:
        """Verify every document, then every copy; stop at the first that does not fit. Raises Unavailable."""
        with self.reading() as work:
            total = work.rows.count() + work.copy_rows.count()
        found = self._through(self._documents, Tally(), lambda done: progress(done, total))
        return self._through(self._copies, found, lambda done: progress(done, total))

    def _through(
        self, take: Callable[[DocumentServices, str], Batch], found: Tally, progress: Callable[[int], None]
    ) -> Tally:
        """Look at batch after batch, each in a reading of its own, until one ends or nothing is left."""
        place = ""
        while found.mismatch is None:
            self.trust.board.refresh(force=True)
            with self.reading() as work:
                rows, look = take(work, place)
                for row in rows:
                    found = look(found, row)
                    if found.mismatch is not None:
                        break
            if not rows:
                break
            place = rows[-1].id
            progress(found.done)
        return found

    def _documents(self, work: DocumentServices, place: str) -> Batch:
        rows = work.rows.after(place, BATCH)
        ids = [row.id for row in rows]
        recorded = work.means.audit.subjects_of(ISSUED, ids)
        again = work.means.audit.subjects_of(REISSUED, ids)
        return rows, lambda found, row: self._look(found, row, recorded, again, work)

    def _copies(self, work: DocumentServices, place: str) -> Batch:
        rows = work.copy_rows.after(place, COPIES)
        recorded = work.means.audit.subjects_of(COPIED, {row.document_id for row in rows})
        return rows, lambda found, row: self._look_at_copy(found, row, recorded, work)

    def _look_at_copy(
        self, found: Tally, row: DocumentCopyRow, recorded: Collection[str], work: DocumentServices
    ) -> Tally:
        if row.signed_at is None:
            return replace(found, unsigned=found.unsigned + 1)
        try:
            what = self._copy_fault(row, work)
        except NotFound:
            return replace(found, erased=found.erased + 1)
        for _ in range(ATTEMPTS):
            if what not in CHANGING:
                break
            self.trust.board.refresh(force=True)
            with self.reading() as anew:  # it may have ended while the batch was being looked at
                now = anew.copy_rows.get(row.id)
                what = what if now is None else self._copy_fault(now, anew)
        what = what or ("" if row.document_id in recorded else "not_recorded")
        if what:
            return replace(found, mismatch=Mismatch(row.document_id, what, row.id))
        return replace(found, copies={**found.copies, row.form: found.copies[row.form] + 1})

    def _copy_fault(self, row: DocumentCopyRow, work: DocumentServices) -> str:
        """Return what is wrong with one signed copy, "" when nothing is. Raises NotFound once its holder was erased."""
        document, holders = work.rows.get(row.document_id), work.identity.holders
        if document is None:
            return "another_document"
        try:
            content = holders.unseal(row.holder_id, row.id, row.sealed)
            claims = claims_of(holders.unseal(document.holder_id, document.id, document.sealed))
        except Malformed:
            return "sealed_unreadable"
        checking = CopyChecking(self.trust, self.trust.keystore)
        locked = work.copy_standing.is_locked(row)
        return checking.fault(row, document, content, claims, self.clock.now(), locked=locked)

    def _look(
        self,
        found: Tally,
        row: DocumentRow,
        recorded: Collection[str],
        again: Collection[str],
        work: DocumentServices,
    ) -> Tally:
        if row.signed_at is None:
            return replace(found, unsigned=found.unsigned + 1)
        try:
            content = json.loads(work.identity.holders.unseal(row.holder_id, row.id, row.sealed))
        except NotFound:
            return replace(found, erased=found.erased + 1)
        except Malformed:
            return replace(found, mismatch=Mismatch(row.id, "sealed_unreadable"))
        what = self._fault(row, content, again=row.id in again)
        if what == "other_status":
            what = self._looked_at_anew(row.id, content, again=row.id in again)
        what = what or ("" if row.id in recorded else "not_recorded")
        if what:
            return replace(found, mismatch=Mismatch(row.id, what))
        return replace(found, verified=found.verified + 1)

    def _fault(self, row: DocumentRow, content: Mapping[str, Any], *, again: bool) -> str:
        """Return what is wrong with one signed document, "" when nothing is. again: another key signed it later."""
        judgement = judge(content["code"], self.trust.trust(), Policy(), self.clock.now())
        read = judgement.document
        if read is None:
            return "" if self._ended_with_its_key(row) else str(judgement.reasons[0])
        if (read.document_id, read.utility, read.utility_version) != (row.id, row.kind, row.kind_version):
            return "another_document"
        begin = row.signed_at if again and row.signed_at is not None else row.issued_at
        if (seconds_of(read.issued_at), seconds_of(read.expires_at)) != (seconds_of(begin), seconds_of(row.expires_at)):
            return "other_times"
        place = StatusReference(row.status_index, self.trust.status_uri(row.status_list))
        if read.status != place:
            return "other_status_entry"
        if read.claims_hash != claims_digest(content["claims"], content["salt"]):
            return "other_claims"
        standing = {reason for reason in judgement.reasons if reason in STANDING}
        return "" if standing == self._expected(row) else "other_status"

    def _looked_at_anew(self, document_id: str, content: Mapping[str, Any], *, again: bool) -> str:
        """Look at row and list as they are now: it may have been revoked while the batch was being looked at."""
        what = "other_status"
        for _ in range(ATTEMPTS):
            with self.reading() as work:
                row = work.rows.get(document_id)
            self.trust.board.refresh(force=True)
            if row is None or what != "other_status":
                break
            what = self._fault(row, content, again=again)
        return what

    def _ended_with_its_key(self, row: DocumentRow) -> bool:
        """Return whether a document that counts no more was signed by a key that is revoked: its code says nothing."""
        over = row.revoked_at is not None or row.expires_at <= self.clock.now()
        keys = self.trust.keystore.keys(Role.DOCUMENT)
        return over and any(key.record.kid == row.kid and key.record.state == State.REVOKED for key in keys)

    def _expected(self, row: DocumentRow) -> set[str]:
        """Return what the row says a verifier has to find; whatever else a verifier says is a fault."""
        if row.revoked_at is not None:
            return {"revoked"}
        return {"suspended"} if row.suspended_at is not None else set()
