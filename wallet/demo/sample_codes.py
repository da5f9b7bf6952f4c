"""Codes to try a verifier with: one for every outcome that a gate can meet, for the sandbox alone.

The documents are those of the personas' stories, and their status entries are real ones. What no story has (a document
of next week, a card in a stranger's hand, a forgery) is signed for the moment by the sandbox's own keys, over the
claims of a persona, or by a key that is thrown away.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Role
from wallet.crypto.signing import LocalSigner, Signer
from wallet.demo.records import Text
from wallet.demo.setup import story_document
from wallet.documents.holding import HeldDocument
from wallet.formats.claims_set import StatusReference, UnverifiedClaimsSet
from wallet.formats.cwt_code import DocumentPayload, encode_document_code, parse_document_code
from wallet.formats.live_code import CardPayload, DeviceKey, GateChallenge, encode_card, encode_live_code
from wallet.verifier.outcomes import Outcome
from wallet.verifier.reasons import OK, POLICY_REFUSED, Verdict, gravest
from wallet.wiring import Wallet

LIVE_LIFE = timedelta(seconds=60)
DOCUMENT_LIFE = timedelta(days=30)
CARD_CLAIMS = ("full_name", "birth_date", "number_last4")
_NO_LIST = 999_999_999
"""A list that no bundle carries: whatever is on it, nobody can tell."""


@dataclass(frozen=True, slots=True)
class SampleCode:
    """One code and what a verifier without demands says of it, shown `times` times to one gate.

    usable_until: a live code is too old after that; None for what lasts.
    """

    key: str
    code: str
    verdict: Verdict
    reasons: tuple[str, ...]
    outcome: Outcome
    title: Text
    times: int = 1
    usable_until: datetime | None = None

    @property
    def accepted(self) -> bool:
        return self.reasons == (OK,)


@dataclass(frozen=True, slots=True)
class SamplePhone:
    """A phone with one card: what it shows, it signs without network. inner: the card. sign: raw ES256 by its key."""

    inner: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)

    def code(self, now: datetime, challenge: GateChallenge | None = None, life: timedelta = LIVE_LIFE) -> str:
        """Return a live code of this moment, for the gate that asked for one."""
        return encode_live_code(self.inner, now, now + life, self.sign, challenge)


@dataclass(frozen=True, slots=True)
class _Forger:
    """Signs with its own key and claims to be another."""

    pretended: Signer
    own: LocalSigner

    @property
    def kid(self) -> str:
        return self.pretended.kid

    @property
    def certificate_der(self) -> bytes:
        return self.pretended.certificate_der

    def sign(self, message: bytes) -> bytes:
        return self.own.sign(message)


def sample_codes(wallet: Wallet, now: datetime) -> list[SampleCode]:
    """Return the codes as they are to be judged now, in the order in which a gate tries them.

    One whose persona is not as its story says (a visitor may revoke and reinstate) is left out; with no persona's
    document to begin with there is none.
    """
    stories = {state: _story(wallet, key, state, now) for key, state in _STORIES}
    expired = stories["expired"]
    if expired is None:
        return []
    return list(_samples(wallet, now, expired[1], {state: found and found[1] for state, found in stories.items()}))


_STORIES = (("han", "expired"), ("dot", "revoked"), ("khoa", "suspended"))


def _story(wallet: Wallet, key: str, state: str, now: datetime) -> tuple[HeldDocument, str] | None:
    """Return a persona's document where it is in this state, and in no other besides."""
    with wallet.read() as work:
        found = story_document(work, key)
    if found is None or found[0].state != state:
        return None
    return found if state == "expired" or now < found[0].expires_at else None


def _samples(wallet: Wallet, now: datetime, of: str, stories: Mapping[str, str | None]) -> Iterator[SampleCode]:
    content = parse_document_code(of).content
    signer = wallet.keystore.signer(Role.DOCUMENT)
    document = partial(_document, wallet, content, now)
    stranger, _ = _stranger(wallet, now)
    phone = _phone(wallet, now, content)
    until = now + LIVE_LIFE
    whole = document(signer)
    yield _sample("valid_document", whole, Outcome.VALID, "Giấy tờ hợp lệ", "A valid document")
    live = phone.code(now)
    yield replace(
        _sample("valid_live", live, Outcome.VALID, "Mã trên màn hình, hợp lệ", "A valid code on a screen"),
        usable_until=until,
    )
    later = document(signer, issued_at=now + timedelta(days=7), expires_at=now + timedelta(days=37))
    title = ("Giấy tờ của tuần sau", "A document of next week")
    yield _sample("not_yet_valid", later, Outcome.NOT_YET_VALID, *title, reasons=("not_yet_valid",))
    title = ("Giấy tờ đã hết hạn", "A document that has expired")
    yield _sample("expired", of, Outcome.EXPIRED, *title, reasons=("expired",))
    if (revoked := stories["revoked"]) is not None:
        title = ("Giấy tờ đã bị thu hồi", "A document that was revoked")
        yield _sample("revoked", revoked, Outcome.REVOKED, *title, reasons=("revoked",))
    if (suspended := stories["suspended"]) is not None:
        title = ("Giấy tờ đang bị tạm khóa", "A document that is suspended")
        yield _sample("suspended", suspended, Outcome.SUSPENDED, *title, reasons=("suspended",))
    forged = document(_Forger(signer, stranger))
    title = ("Giấy tờ giả chữ ký", "A forged signature")
    yield _sample("bad_signature", forged, Outcome.BAD_SIGNATURE, *title, reasons=("bad_signature",))
    old = phone.code(now - timedelta(minutes=5))
    title = ("Ảnh chụp màn hình năm phút trước", "A screenshot of five minutes ago")
    yield _sample("live_too_old", old, Outcome.TOO_OLD, *title, reasons=("live_too_old",))
    again = _phone(wallet, now, content).code(now)
    title = ("Cùng một mã trên màn hình, đưa ra hai lần", "One code on a screen, shown twice")
    yield replace(
        _sample("live_replayed", again, Outcome.ALREADY_SCANNED, *title, reasons=("live_replayed",)),
        times=2,
        usable_until=until,
    )
    elsewhere = document(signer, recipient="Trường Tiểu học Mẫu")
    title = ("Giấy tờ thật, dành cho nơi nhận khác", "A genuine document for somebody else")
    yield _sample("not_accepted", elsewhere, Outcome.NOT_ACCEPTED, *title, reasons=(POLICY_REFUSED,))
    foreign = document(stranger, issuer="XX-LA")
    title = ("Giấy tờ của một cơ quan không quen", "A document of an issuer that nobody knows")
    yield _sample("unknown_issuer", foreign, Outcome.UNKNOWN_ISSUER, *title, reasons=("unknown_issuer",))
    nowhere = StatusReference(0, wallet.trust.address(_NO_LIST))
    unlisted = document(signer, status=nowhere)
    title = ("Giấy tờ mà danh sách trạng thái không có", "A document whose status list is missing")
    yield _sample("cannot_tell", unlisted, Outcome.CANNOT_TELL, *title, reasons=("status_unknown",))
    title = ("Mã QR của một trang web", "The code of some web page")
    yield _sample("not_our_code", "https://example.vn/", Outcome.NOT_OUR_CODE, *title, reasons=("not_a_code",))
    title = ("Mã bị mất một phần", "A code of which a part is missing")
    yield _sample("damaged", whole[: len(whole) * 2 // 3], Outcome.DAMAGED, *title, reasons=("malformed",))


def _sample(key: str, code: str, outcome: Outcome, vi: str, en: str, *, reasons: tuple[str, ...] = (OK,)) -> SampleCode:
    return SampleCode(key, code, gravest(reasons), reasons, outcome, {"vi": vi, "en": en})


def _document(
    wallet: Wallet,
    content: UnverifiedClaimsSet,
    now: datetime,
    signer: Signer,
    *,
    issuer: str | None = None,
    issued_at: datetime | None = None,
    expires_at: datetime | None = None,
    recipient: str | None = None,
    status: StatusReference | None = None,
) -> str:
    """Return a document of the moment with these claims, under an id that names nothing."""
    payload = DocumentPayload(
        issuer=issuer or content.issuer,
        issued_at=issued_at or now,
        expires_at=expires_at or now + DOCUMENT_LIFE,
        document_id=wallet.entropy.bytes(16),
        utility=content.utility,
        utility_version=content.utility_version,
        claims=content.claims,
        claims_hash=content.claims_hash,
        recipient=recipient,
        status=status or content.status,
    )
    return encode_document_code(payload, signer)


def _phone(wallet: Wallet, now: datetime, content: UnverifiedClaimsSet) -> SamplePhone:
    hand, device = _stranger(wallet, now)
    kept = _numbers(wallet, content, CARD_CLAIMS)
    card = CardPayload(
        issuer=content.issuer,
        issued_at=now,
        expires_at=now + timedelta(hours=24),
        document_id=wallet.entropy.bytes(16),
        utility=content.utility,
        utility_version=content.utility_version,
        claims={number: value for number, value in content.claims.items() if number in kept},
        device=device,
        status=content.status,
    )
    return SamplePhone(encode_card(card, wallet.keystore.signer(Role.CARD)), hand.sign)


def _numbers(wallet: Wallet, content: UnverifiedClaimsSet, names: tuple[str, ...]) -> frozenset[int]:
    known = wallet.trust.trust().types[content.utility, content.utility_version]
    return frozenset(number for number, claim in known.claims.items() if claim.name in names)


def _stranger(wallet: Wallet, now: datetime) -> tuple[LocalSigner, DeviceKey]:
    """Return a key that nobody vouches for, made for this once, and its public point."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = self_signed(key, "Khóa mẫu", now - timedelta(days=1), now + timedelta(days=60), wallet.entropy)
    return LocalSigner(key, certificate), DeviceKey.of(key.public_key())
