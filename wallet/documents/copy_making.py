"""From a document and the terms of one copy to its signed bytes: linted, signed, held against our own verifier.

Nothing here reads or writes a database, so a slow signer holds nobody up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wallet.clock import Clock
from wallet.crypto.certificates import read_certificate
from wallet.crypto.jwk import public_jwk
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.crypto.signing import Signer
from wallet.documents.copy_linting import CopyLinter, faults, seal_faults, write
from wallet.documents.forms import card, pdf, sd_jwt
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.documents.models import DocumentCopyRow
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy
from wallet.errors import Malformed, Unavailable, WalletError
from wallet.formats.cwt_code import parse_document_code
from wallet.formats.live_code import GateChallenge, encode_live_code
from wallet.formats.pades_reading import attached
from wallet.utilities.base import DocumentType
from wallet.verifier import Policy, judge
from wallet.verifier.trust import TrustedKey
from wallet.working_days import end_of_day, vietnamese_day

STEPS = {Form.CARD: timedelta(hours=1), Form.LIVE: timedelta(minutes=10)}
"""To what the beginning of a card is rounded: those that are made within it cannot be told apart by their times."""
LIVE_CARD_LIFE = timedelta(minutes=20)
"""Of a card that this service shows live codes from itself: each step has the next one."""


class Times(NamedTuple):
    """From when until when a copy is good."""

    issued_at: datetime
    expires_at: datetime


class LiveCode(NamedTuple):
    """A live code that this service signed."""

    text: str
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
    """Makes copies. One for a process. card_life: of a card on a phone."""

    trust: TrustCentre
    keystore: Keystore
    linter: CopyLinter
    clock: Clock
    entropy: Entropy
    card_life: timedelta

    def times(self, form: Form, kind: DocumentType, expires_at: datetime) -> Times:
        """Return the times of a copy that is made now, of a document that ends at `expires_at`.

        Raises Unavailable("signing_unavailable") where the key in force may not sign that: nothing is promised that
        cannot be kept.
        """
        return self._terms(form, self.keystore.signer(OFFERS[form].role), kind, expires_at)

    def is_good(self, row: DocumentCopyRow, content: bytes, code_kid: str | None) -> bool:
        """Return whether a copy that was signed still counts: its time is not over, no key of it nor its root was lost,
        and the service is still where it says.

        content: its bytes. code_kid: who signed the document's code, as it is now. One that is printed with a code of
        another key, or nobody knows with which, is of the time before the document was issued again.
        """
        if not self.stands(row.kid) or self.clock.now() >= row.expires_at:
            return False
        if not self._is_of_here(Form(row.form), content):
            return False
        if row.form != Form.PDF:
            return True
        sealed = any(key.record.kid == row.seal_kid and key.lost_at is None for key in self.keystore.keys(Role.SEAL))
        return sealed and row.code_kid == code_kid and self.stands(code_kid)

    def _is_of_here(self, form: Form, content: bytes) -> bool:
        """Return whether a copy whose form says where its issuer is says where this service is now."""
        if form not in (Form.SD_JWT, Form.PDF):
            return True
        try:
            inside = attached(content, OFFERS[Form.SD_JWT].media_type) if form is Form.PDF else content
            return sd_jwt.issuer_url_of(inside) == self.trust.issuer_url
        except Malformed:
            return False

    def stands(self, kid: str | None) -> bool:
        """Return whether verifiers take what a key of ours signed in its time, also those that follow its chain."""
        key = self.trust.trust().keys.get((self.trust.issuer_code, kid or ""))
        return key is not None and not key.revoked and not self.trust.keystore.is_lost(kid)

    def make(
        self,
        form: Form,
        document: StatedDocument,
        place: tuple[str, int],
        holder_key: Mapping[str, str] | None,
        card_id: bytes = b"",
        view: str = "",
    ) -> MadeCopy:
        """Return one copy. place: address of its status list, and index. card_id, view: of a card.

        Raises ProfileViolated, Unavailable.
        """
        role = OFFERS[form].role
        code_kid = self._code_kid(document) if form is Form.PDF else None
        signer = self.keystore.signer(role)
        times = self._terms(form, signer, document.kind, document.expires_at)
        copy = Copy(times.issued_at, times.expires_at, *place, holder_key, card_id, view)
        trust = self.trust.trust()
        self.linter.check(role, document, copy, trust)
        try:
            content = write(role, document, copy, signer, self.entropy)
        except Unavailable:
            raise
        except WalletError as error:
            raise Unavailable("signing_unavailable", reasons=[error.code]) from error
        found = faults(role, content, document, copy, trust, self.clock.now())
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

    def fits(self, form: Form, document: StatedDocument, copy: Copy) -> bool:
        """Return whether a screen can show a card like this one."""
        return card.fits(document, copy, self.keystore.signer(OFFERS[form].role))

    def own_key(self) -> Mapping[str, str]:
        """Return the key that live codes are signed with where there is no phone. Raises Unavailable."""
        public_key = read_certificate(self.keystore.signer(Role.LIVE).certificate_der).public_key
        if public_key is None:
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        return public_jwk(public_key)

    def live_code(self, made: bytes, challenge: GateChallenge | None) -> LiveCode:
        """Return a live code from a card of our own, for a gate that asked for one or for any. Raises Unavailable."""
        now = self.clock.now()
        issued_at = now.replace(microsecond=0)
        expires_at = issued_at + card.LIFE
        text = encode_live_code(made, issued_at, expires_at, self.keystore.signer(Role.LIVE).sign, challenge)
        policy = Policy() if challenge is None else Policy(challenge.gate_id, True, challenge.nonce)
        judgement = judge(text, self.trust.trust(), policy, now)
        if not judgement.accepted:
            raise Unavailable("signing_unavailable", reasons=[str(reason) for reason in judgement.reasons])
        return LiveCode(text, expires_at)

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

    def _terms(self, form: Form, signer: Signer, kind: DocumentType, expires_at: datetime) -> Times:
        key = self.trust.trust().keys.get((self.trust.issuer_code, signer.kid))
        if key is None:
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        now = self.clock.now()
        if form is Form.PDF:
            expires_at = min(expires_at, read_certificate(self._seal().signer.certificate_der).not_after)
        if form in STEPS:
            life = self.card_life if form is Form.CARD else LIVE_CARD_LIFE
            times = card_times(key, expires_at, now, STEPS[form], life)
        else:
            times = times_by(key, expires_at, now)
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


def card_times(key: TrustedKey, expires_at: datetime, now: datetime, step: timedelta, life: timedelta) -> Times:
    """Return the times of a card: those of one step of time are alike, whoever has them made.

    It ends after its life, and not after its document or the key's certificate.
    """
    begin = now - (now - datetime.fromtimestamp(0, UTC)) % step
    begin = min(max(begin, datetime.fromtimestamp(key.not_before, UTC)), now.replace(microsecond=0))
    return Times(begin, min(expires_at, begin + life, datetime.fromtimestamp(key.certificate_not_after, UTC)))
