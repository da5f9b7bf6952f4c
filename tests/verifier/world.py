"""A small country for tests: a root, an issuer with its keys, a status list, and the codes they make.

Everything can be asked for with one thing wrong; keys are made anew for each run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import NOON, SeededEntropy
from wallet.crypto import cose
from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import LocalSigner, raw_from_der
from wallet.formats import base45, cbor
from wallet.formats.claims_set import StatusReference
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import DocumentPayload, encode_document_code
from wallet.formats.live_code import CardPayload, DeviceKey, GateChallenge, encode_card, encode_live_code
from wallet.formats.status_list import StatusListToken, pack, sign_status_jwt
from wallet.formats.trust_bundle import (
    BundleContent,
    ClaimEntry,
    IssuerEntry,
    KeyEntry,
    StatusListEntry,
    TypeEntry,
    pin_of,
    sign_bundle,
)
from wallet.verifier import Trust, TrustedBundle

ISSUER = "VN-MAU"
LIST_URI = "https://vi.example.vn/v1/status-lists/1"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def make_signer(
    name: str, not_before: datetime = NOON - 30 * DAY, not_after: datetime = NOON + 900 * DAY
) -> LocalSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    return LocalSigner(key, self_signed(key, name, not_before, not_after, SeededEntropy(name)))


def key_entry(signer: LocalSigner, role: str, **changes: Any) -> KeyEntry:
    entry = KeyEntry(
        kid=signer.kid,
        x5c=(signer.certificate_der,),
        not_before=NOON - 20 * DAY,
        not_after=NOON + 300 * DAY,
        utilities=("*",),
        roles=(role,),
        state="active",
    )
    return replace(entry, **changes)


RESIDENCE = TypeEntry(
    code="residence",
    version=1,
    title={"vi": "Thông tin cư trú", "en": "Residence information"},
    claims=(
        ClaimEntry(1, "full_name", {"vi": "Họ và tên", "en": "Full name"}, "text"),
        ClaimEntry(2, "number_tail", {"vi": "Bốn số cuối", "en": "Last four digits"}, "text"),
        ClaimEntry(3, "birth_date", {"vi": "Ngày sinh", "en": "Date of birth"}, "day"),
        ClaimEntry(4, "household", {"vi": "Thành viên", "en": "Household"}, "list"),
        ClaimEntry(5, "permanent", {"vi": "Thường trú", "en": "Permanent"}, "bool"),
        ClaimEntry(6, "registered_at", {"vi": "Đăng ký lúc", "en": "Registered at"}, "time"),
        ClaimEntry(7, "members", {"vi": "Số người", "en": "Members"}, "int"),
    ),
)
NAME_AND_TAIL = {1: "Nguyễn Thị Hồng Hạnh", 2: "6789"}


@dataclass
class World:
    """Keys of one run and the defaults of what they sign."""

    root: LocalSigner = field(default_factory=lambda: make_signer("root"))
    doc: LocalSigner = field(default_factory=lambda: make_signer("doc"))
    card: LocalSigner = field(default_factory=lambda: make_signer("card"))
    live: LocalSigner = field(default_factory=lambda: make_signer("live"))
    status: LocalSigner = field(default_factory=lambda: make_signer("status"))
    device: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pins(self) -> list[str]:
        return [pin_of(self.root.certificate_der)]

    @property
    def device_key(self) -> DeviceKey:
        return DeviceKey.of(self.device.public_key())

    def device_sign(self, message: bytes) -> bytes:
        return raw_from_der(self.device.sign(message, ec.ECDSA(_sha256())))

    def entries(self, **changes: Mapping[str, Any]) -> tuple[KeyEntry, ...]:
        roles = {"doc": self.doc, "card": self.card, "live": self.live, "status": self.status}
        return tuple(key_entry(signer, role, **changes.get(role, {})) for role, signer in roles.items())

    def status_token(self, values: Mapping[int, int] | None = None, **changes: Any) -> StatusListToken:
        bits = changes.get("bits", 2)
        entries = [0] * 64
        for index, value in (values or {}).items():
            entries[index] = value
        token = StatusListToken(
            uri=LIST_URI,
            issued_at=NOON - timedelta(minutes=10),
            expires_at=NOON + timedelta(hours=72),
            ttl_seconds=900,
            bits=bits,
            entries=bytes(pack(entries, bits=bits)),
        )
        return replace(token, **changes)

    def status_jwt(self, values: Mapping[int, int] | None = None, **changes: Any) -> str:
        signer = changes.pop("signer", self.status)
        return sign_status_jwt(self.status_token(values, **changes), signer)

    def content(self, *status_tokens: str, **changes: Any) -> BundleContent:
        tokens = status_tokens or (self.status_jwt(),)
        content = BundleContent(
            iss="https://vi.example.vn",
            issued_at=NOON - timedelta(hours=1),
            expires_at=NOON + timedelta(hours=71),
            next_update=NOON + timedelta(hours=23),
            seq=5,
            prev=None,
            issuers=(IssuerEntry(ISSUER, {"vi": "Cơ quan mẫu", "en": "Sample authority"}, self.entries()),),
            status_lists=tuple(StatusListEntry(LIST_URI, token) for token in tokens),
            types=(RESIDENCE,),
        )
        return replace(content, **changes)

    def bundle(self, *status_tokens: str, **changes: Any) -> str:
        return sign_bundle(self.content(*status_tokens, **changes), self.root)

    def trust(self, *status_tokens: str, now: datetime = NOON, **changes: Any) -> TrustedBundle:
        return TrustedBundle.from_jws(self.bundle(*status_tokens, **changes), self.pins, now)

    def trust_with_keys(self, **changes: Mapping[str, Any]) -> Trust:
        """Return trust in which some roles' key entries differ: `trust_with_keys(doc={"state": "revoked"})`."""
        issuer = IssuerEntry(ISSUER, {"vi": "Cơ quan mẫu", "en": "Sample authority"}, self.entries(**changes))
        return self.trust(issuers=(issuer,))

    def payload(self, **changes: Any) -> DocumentPayload:
        payload = DocumentPayload(
            issuer=ISSUER,
            issued_at=NOON - DAY,
            expires_at=NOON + 180 * DAY,
            document_id=bytes(range(16)),
            utility="residence",
            utility_version=1,
            claims=NAME_AND_TAIL,
            claims_hash=bytes(32),
            recipient=None,
            status=StatusReference(9, LIST_URI),
        )
        return replace(payload, **changes)

    def document_code(self, **changes: Any) -> str:
        signer = changes.pop("signer", self.doc)
        return encode_document_code(self.payload(**changes), signer)

    def inner(self, **changes: Any) -> bytes:
        signer = changes.pop("signer", self.card)
        card = CardPayload(
            issuer=ISSUER,
            issued_at=NOON - timedelta(hours=2),
            expires_at=NOON + timedelta(hours=22),
            document_id=bytes(range(16, 32)),
            utility="residence",
            utility_version=1,
            claims=NAME_AND_TAIL,
            device=self.device_key,
            status=StatusReference(10, LIST_URI),
        )
        return encode_card(replace(card, **changes), signer)

    def live_code(
        self,
        inner: bytes | None = None,
        *,
        issued_at: datetime = NOON - timedelta(seconds=5),
        lives: timedelta = timedelta(seconds=60),
        sign: Callable[[bytes], bytes] | None = None,
        challenge: GateChallenge | None = None,
    ) -> str:
        inner = self.inner() if inner is None else inner
        return encode_live_code(inner, issued_at, issued_at + lives, sign or self.device_sign, challenge)


def document_claims(world: World, **changes: Any) -> dict[Any, Any]:
    """Return the claims set of a document as a plain mapping, for tests that spoil it before it is signed."""
    payload = world.payload(**changes)
    return {
        1: payload.issuer,
        6: seconds_of(payload.issued_at),
        4: seconds_of(payload.expires_at),
        7: payload.document_id,
        65535: {"status_list": {"idx": 9, "uri": LIST_URI}},
        -70000: {1: payload.utility, 2: payload.utility_version, 3: dict(payload.claims), 4: payload.claims_hash},
    }


def card_claims(world: World) -> dict[Any, Any]:
    """Return the claims set of a card as a plain mapping."""
    device = world.device_key
    return {
        1: ISSUER,
        6: seconds_of(NOON - timedelta(hours=2)),
        4: seconds_of(NOON + timedelta(hours=22)),
        7: bytes(range(16, 32)),
        8: {1: {1: 2, -1: 1, -2: device.x, -3: device.y}},
        65535: {"status_list": {"idx": 10, "uri": LIST_URI}},
        -70000: {1: "residence", 2: 1, 3: dict(NAME_AND_TAIL)},
    }


def outer_claims(inner: bytes) -> dict[Any, Any]:
    """Return the outer payload of a live code as a plain mapping."""
    return {6: seconds_of(NOON) - 5, 4: seconds_of(NOON) + 55, -70010: inner}


def signed(payload: bytes, sign: Callable[[bytes], bytes], headers: Mapping[Any, Any] | bytes) -> bytes:
    """Return a COSE_Sign1 with exactly these headers, whatever they are."""
    protected = headers if isinstance(headers, bytes) else cbor.encode(dict(headers))
    return cbor.encode([protected, {}, payload, sign(cose.to_be_signed(protected, payload))], tag=18)


def wrapped(message: bytes, prefix: str = "VD1:") -> str:
    """Return the text of a code around these bytes."""
    import zlib

    return prefix + base45.encode(zlib.compress(message, 9) if prefix == "VD1:" else message)


def document_headers(world: World) -> dict[Any, Any]:
    return {1: -7, 4: bytes.fromhex(world.doc.kid), 16: "viso-doc+cwt"}


def card_headers(world: World) -> dict[Any, Any]:
    return {1: -7, 4: bytes.fromhex(world.card.kid), 16: "viso-card+cwt"}


LIVE_HEADERS = {1: -7, 16: "viso-live+cwt"}


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()
