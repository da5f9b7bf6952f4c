"""From a document and the terms of one copy to its signed bytes: linted, signed, held against our own verifier.

Nothing here reads or writes a database, so a slow signer holds nobody up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wallet.clock import Clock
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.crypto.signing import Signer
from wallet.documents.copy_linting import CopyLinter, faults, seal_faults, write
from wallet.documents.forms import pdf
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.documents.models import DocumentCopyRow
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy
from wallet.errors import Unavailable, WalletError
from wallet.formats.cwt_code import parse_document_code
from wallet.utilities.base import DocumentType
from wallet.verifier.trust import TrustedKey
from wallet.working_days import end_of_day, vietnamese_day


class Times(NamedTuple):
    """From when until when a copy is good."""

    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A copy's bytes, its times, and who signed it, sealed it, and signed the code that is printed in it."""

    content: bytes
    times: Times
    kid: str
    seal_kid: str | None = None
    code_kid: str | None = None


@dataclass(frozen=True, slots=True)
class CopyMaking:
    """Makes copies. One for a process."""

    trust: TrustCentre
    keystore: Keystore
    linter: CopyLinter
    clock: Clock
    entropy: Entropy

    def times(self, form: Form, kind: DocumentType, expires_at: datetime) -> Times:
        """Return the times of a copy that is made now, of a document that ends at `expires_at`.

        Raises Unavailable("signing_unavailable") where the key in force may not sign that: nothing is promised that
        cannot be kept.
        """
        return self._terms(self.keystore.signer(OFFERS[form].role), kind, expires_at)

    def is_good(self, row: DocumentCopyRow, code_kid: str | None) -> bool:
        """Return whether a copy that was signed still counts: its time is not over, no key of it was revoked.

        code_kid: who signed the document's code, as it is now. One that is printed with a code of another key, or
        nobody knows with which, is of the time before the document was issued again.
        """
        if not self.stands(row.kid) or self.clock.now() >= row.expires_at:
            return False
        if row.form != Form.PDF:
            return True
        sealed = any(
            key.record.kid == row.seal_kid and key.record.state != State.REVOKED
            for key in self.keystore.keys(Role.SEAL)
        )
        return sealed and row.code_kid == code_kid and self.stands(code_kid)

    def stands(self, kid: str | None) -> bool:
        """Return whether verifiers take what a key of ours signed in its time."""
        key = self.trust.trust().keys.get((self.trust.issuer_code, kid or ""))
        return key is not None and not key.revoked

    def make(
        self,
        form: Form,
        document: StatedDocument,
        place: tuple[str, int],
        holder_key: Mapping[str, str] | None,
    ) -> MadeCopy:
        """Return one copy. place: address of its status list, and index. Raises ProfileViolated, Unavailable."""
        role = OFFERS[form].role
        code_kid = self._code_kid(document) if form is Form.PDF else None
        signer = self.keystore.signer(role)
        times = self._terms(signer, document.kind, document.expires_at)
        copy = Copy(times.issued_at, times.expires_at, *place, holder_key)
        trust = self.trust.trust()
        self.linter.check(role, document, copy, trust)
        try:
            content = write(role, document, copy, signer, self.entropy)
        except Unavailable:
            raise
        except WalletError as error:
            raise Unavailable("signing_unavailable", reasons=[error.code]) from error
        found = faults(role, content, document, trust, self.clock.now())
        if found:
            raise Unavailable("signing_unavailable", reasons=found)
        if form is not Form.PDF:
            return MadeCopy(content, times, signer.kid)
        seal = self._seal()
        try:
            sealed = pdf.make(
                document,
                copy,
                seal.signer,
                self.entropy,
                content.decode("ascii"),
                chain=seal.chain,
                sealed_at=self.clock.now(),
            )
        except Unavailable:
            raise
        except WalletError as error:
            raise Unavailable("signing_unavailable", reasons=[error.code]) from error
        found = seal_faults(sealed, seal.signer.certificate_der, content)
        if found:
            raise Unavailable("signing_unavailable", reasons=found)
        return MadeCopy(sealed, times, signer.kid, seal.record.kid, code_kid)

    def _code_kid(self, document: StatedDocument) -> str:
        """Return who signed the code that is to be printed: a verifier has to take it. Raises Unavailable."""
        kid = (parse_document_code(document.code).signed.kid or b"").hex()
        if not self.stands(kid):
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        return kid

    def _seal(self) -> Key:
        for key in reversed(self.keystore.keys(Role.SEAL)):
            if key.record.state == State.ACTIVE:
                return key
        raise Unavailable("signing_unavailable")

    def _terms(self, signer: Signer, kind: DocumentType, expires_at: datetime) -> Times:
        key = self.trust.trust().keys.get((self.trust.issuer_code, signer.kid))
        if key is None:
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        times = times_by(key, expires_at, self.clock.now())
        if not key.serves(kind.code) or not key.may_sign(*(int(moment.timestamp()) for moment in times)):
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        return times


def times_by(key: TrustedKey, expires_at: datetime, now: datetime) -> Times:
    """Return the times of a copy: those of one day are alike, so that copies of one batch cannot be told to be.

    It begins with the day in Vietnam, but not before the key may sign nor after now, and ends with the document or
    with the key's certificate.
    """
    midnight = end_of_day(vietnamese_day(now) - timedelta(days=1))
    begin = min(max(midnight, datetime.fromtimestamp(key.not_before, UTC)), now.replace(microsecond=0))
    return Times(begin, min(expires_at, datetime.fromtimestamp(key.certificate_not_after, UTC)))
