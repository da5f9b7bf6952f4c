"""The live code `VL1:` of a phone screen, and the gate's challenge `VG1:`. Source: docs/wire.md, section 2."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.cose import UnverifiedSign1, parse_sign1, sign1
from wallet.crypto.signing import RAW_SIGNATURE_BYTES, Signer
from wallet.errors import Malformed
from wallet.formats import base45, cbor
from wallet.formats.claims_set import (
    BODY,
    CONFIRMATION,
    CWT_ID,
    DOCUMENT_ID_BYTES,
    EXPIRES_AT,
    ISSUED_AT,
    ISSUER,
    STATUS,
    StatusReference,
    UnverifiedClaimsSet,
    body_of,
    nfc,
    read_claims_set,
    status_claim,
)
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import MAX_TEXT_CHARACTERS

PREFIX = "VL1:"
CHALLENGE_PREFIX = "VG1:"
LIVE_TYP = "viso-live+cwt"
CARD_TYP = "viso-card+cwt"

MAX_SCREEN_CHARACTERS = 854
MAX_QR_VERSION = 16
QR_ERROR_CORRECTION = "L"
"""854 characters are QR version 16 at level L, alphanumeric: the most that a screen may show."""

MAX_LIVE_SECONDS = 60
MAX_CARD_LIFE = timedelta(days=7)
NONCE_BYTES = 8
NONCE_SECONDS = 120

_GATE, _NONCE, _INNER = 3, 10, -70010
_COSE_KEY, _KTY, _CRV, _X, _Y = 1, 1, -1, -2, -3
_EC2, _P256, _COORDINATE_BYTES = 2, 1, 32
_GATE_ID = re.compile(r"[A-Z0-9-]{1,16}")


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """The public key a card is bound to: a point on P-256. Source: RFC 8747, section 3.2; RFC 9053, section 7.1.1."""

    x: bytes
    y: bytes

    @classmethod
    def of(cls, public_key: ec.EllipticCurvePublicKey) -> "DeviceKey":
        numbers = public_key.public_numbers()
        return cls(numbers.x.to_bytes(_COORDINATE_BYTES, "big"), numbers.y.to_bytes(_COORDINATE_BYTES, "big"))


@dataclass(frozen=True, slots=True)
class CardPayload:
    """What the issuer says in the inner layer. claims: by number, already compact. Lives 7 days at most."""

    issuer: str
    issued_at: datetime
    expires_at: datetime
    document_id: bytes
    utility: str
    utility_version: int
    claims: Mapping[int, Any]
    device: DeviceKey
    status: StatusReference | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedLiveCode:
    """A live code as it was read, both layers. Times of the outer layer in seconds; nothing in it is true yet."""

    outer: UnverifiedSign1
    issued_at: int
    expires_at: int
    gate_id: str | None
    nonce: bytes | None
    inner: UnverifiedSign1
    content: UnverifiedClaimsSet
    device: DeviceKey


@dataclass(frozen=True, slots=True)
class GateChallenge:
    """What a gate shows that wants more than a live code. nonce: random, used once, forgotten after 120 s."""

    gate_id: str
    nonce: bytes | None = None


def encode_card(card: CardPayload, signer: Signer) -> bytes:
    """Return the inner COSE_Sign1, signed by a key whose role is `card` or `live`.

    Raises Malformed when it would live longer than 7 days, or when its longest live code would not fit a screen.
    Source: docs/wire.md, section 2.
    """
    if len(card.document_id) != DOCUMENT_ID_BYTES:
        raise Malformed("a card's id has 16 bytes")
    if card.expires_at - card.issued_at > MAX_CARD_LIFE:
        raise Malformed("a card lives 7 days at most")
    device = {_KTY: _EC2, _CRV: _P256, _X: card.device.x, _Y: card.device.y}
    content: dict[int, Any] = {
        ISSUER: nfc(card.issuer),
        ISSUED_AT: seconds_of(card.issued_at),
        EXPIRES_AT: seconds_of(card.expires_at),
        CWT_ID: card.document_id,
        CONFIRMATION: {_COSE_KEY: device},
        BODY: body_of(card.utility, card.utility_version, card.claims, None),
    }
    if card.status is not None:
        content[STATUS] = status_claim(card.status)
    inner = sign1(cbor.encode(content), signer.sign, typ=CARD_TYP, kid=bytes.fromhex(signer.kid))
    if longest_live_code(inner) > MAX_SCREEN_CHARACTERS:
        raise Malformed("a card too large for a screen")
    return inner


def encode_live_code(
    inner: bytes,
    issued_at: datetime,
    expires_at: datetime,
    sign: Callable[[bytes], bytes],
    challenge: GateChallenge | None = None,
) -> str:
    """Return the text of a live code: what a phone does without network.

    inner: the card. sign: the device key's raw ES256 signature. challenge: what a gate asked for, if one did.
    Source: docs/wire.md, section 2.
    """
    iat, exp = seconds_of(issued_at), seconds_of(expires_at)
    if not iat < exp <= iat + MAX_LIVE_SECONDS:
        raise Malformed("a live code lives 60 seconds at most")
    content: dict[int, Any] = {ISSUED_AT: iat, EXPIRES_AT: exp, _INNER: inner}
    if challenge is not None:
        content.update(_challenge_members(challenge))
    return PREFIX + base45.encode(sign1(cbor.encode(content), sign, typ=LIVE_TYP))


def longest_live_code(inner: bytes) -> int:
    """Return how many characters the longest live code around this card has: every optional member, at its longest."""
    longest = GateChallenge("-" * 16, bytes(NONCE_BYTES))
    content = {ISSUED_AT: 2**32, EXPIRES_AT: 2**32, _INNER: inner, **_challenge_members(longest)}
    outer = sign1(cbor.encode(content), lambda _: bytes(RAW_SIGNATURE_BYTES), typ=LIVE_TYP)
    return len(PREFIX) + len(outer) // 2 * 3 + len(outer) % 2 * 2


def parse_live_code(text: str) -> UnverifiedLiveCode:
    """Return the live code that `text` is, without white space around it; steps 1 and 2 of verifying.

    Raises Malformed, or VerificationFailed("wrong_type"). Source: docs/wire.md, sections 2 and 3.
    """
    if len(text) > MAX_TEXT_CHARACTERS or not text.startswith(PREFIX):
        raise Malformed("not a live code")
    outer = parse_sign1(base45.decode(text[len(PREFIX) :]), typ=LIVE_TYP, kid_needed=False)
    payload = outer.content
    issued_at, expires_at, inner_bytes = payload.get(ISSUED_AT), payload.get(EXPIRES_AT), payload.get(_INNER)
    if issued_at.__class__ is not int or expires_at.__class__ is not int or inner_bytes.__class__ is not bytes:
        raise Malformed("a member of the outer layer is missing or of another type")
    if issued_at < 0 or expires_at < 0:
        raise Malformed("a time of the outer layer is of another type")
    gate_id = payload.get(_GATE)
    if gate_id.__class__ is not str and _GATE in payload:
        raise Malformed("the gate is of another type")  # text that is no gate id is another gate's: step 7
    nonce = _read_nonce(payload[_NONCE]) if _NONCE in payload else None
    inner = parse_sign1(inner_bytes, typ=CARD_TYP)
    if not issued_at < expires_at <= issued_at + MAX_LIVE_SECONDS:
        raise Malformed("a live code lives 60 seconds at most")
    content = read_claims_set(inner.content, card=True)
    if content.expires_at - content.issued_at > MAX_CARD_LIFE.total_seconds():
        raise Malformed("a card lives 7 days at most")
    device = _read_device(inner.content.get(CONFIRMATION))
    return UnverifiedLiveCode(outer, issued_at, expires_at, gate_id, nonce, inner, content, device)


def encode_gate_challenge(challenge: GateChallenge) -> str:
    """Return the text that a gate shows: plain CBOR in Base45. Source: docs/wire.md, section 2."""
    return CHALLENGE_PREFIX + base45.encode(cbor.encode(_challenge_members(challenge)))


def parse_gate_challenge(text: str) -> GateChallenge:
    """Return the challenge that `text` is, as a phone reads it; else raise Malformed. Source: docs/wire.md, 2."""
    text = text.strip(" \t\r\n")
    if len(text) > MAX_TEXT_CHARACTERS or not text.startswith(CHALLENGE_PREFIX):
        raise Malformed("not a gate's challenge")
    members = cbor.decode(base45.decode(text[len(CHALLENGE_PREFIX) :]))
    if members.__class__ is not dict or _GATE not in members:
        raise Malformed("not a gate's challenge")
    nonce = _read_nonce(members[_NONCE]) if _NONCE in members else None
    return GateChallenge(_read_gate_id(members[_GATE]), nonce)


def _challenge_members(challenge: GateChallenge) -> dict[int, Any]:
    members: dict[int, Any] = {_GATE: _read_gate_id(challenge.gate_id)}
    if challenge.nonce is not None:
        members[_NONCE] = _read_nonce(challenge.nonce)
    return members


def _read_gate_id(value: Any) -> str:
    if not isinstance(value, str) or not _GATE_ID.fullmatch(value):
        raise Malformed("not a gate id")
    return value


def _read_nonce(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != NONCE_BYTES:
        raise Malformed("not a gate's nonce")
    return value


def _read_device(confirmation: Any) -> DeviceKey:
    """Return the key a card is bound to. Source: RFC 8747, sections 3.1 and 3.2."""
    key = confirmation.get(_COSE_KEY) if isinstance(confirmation, dict) else None
    if not isinstance(key, dict):
        raise Malformed("no device key")
    x, y = key.get(_X), key.get(_Y)
    for member, expected in ((_KTY, _EC2), (_CRV, _P256)):
        if key.get(member).__class__ is not int or key[member] != expected:
            raise Malformed("not a key on P-256")
    if isinstance(x, bytes) and isinstance(y, bytes) and len(x) == len(y) == _COORDINATE_BYTES:
        return DeviceKey(x, y)
    raise Malformed("not a point")
