"""A second reader of `VD1:` and `VL1:` codes, written from docs/wire.md alone.

It shares no line with the product and imports none of it, so that where both give the same answer, the answer comes
from the specification. It is literal and simple rather than fast. It needs cbor2, cryptography and rfc8785, no more:

    python tests/oracle/reader.py CODE_FILE BUNDLE_FILE PIN [NOW]

prints the reading as JSON. PIN may be several, separated by commas; NOW is in seconds, by default the clock's.
Section and step numbers in this file are those of docs/wire.md.
"""

import base64
import hashlib
import json
import re
import sys
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import cbor2
import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MAX_TEXT = 4296
MAX_CBOR = 4096
MAX_LIST = 4 * 1024 * 1024
MAX_DEPTH = 8
MAX_INT = 2**53 - 1
SKEW = 60
LIVE_SKEW = 30
WEEK = 7 * 24 * 3600
ES256 = -7
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
INVALID = frozenset(
    {"not_a_code", "malformed", "wrong_type", "key_not_allowed", "bad_signature", "not_yet_valid", "expired", "revoked"}
    | {"suspended", "device_mismatch", "live_too_old", "live_from_future", "wrong_gate", "live_replayed"}
)
CANNOT_TELL = frozenset({"trust_stale", "unknown_issuer", "status_unknown", "status_stale"})


class Refused(Exception):
    """A check that ends with this reason code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class BundleRefused(Exception):
    """A trust bundle that a verifier does not take (section 4)."""


def malformed(detail: str) -> Refused:
    """Return the refusal for bytes that are not what the specification says."""
    return Refused("malformed", detail)


# --- Common rules: CBOR ----------------------------------------------------------------------------


def parse_cbor(data: bytes) -> Any:
    """Return the one untagged CBOR item that `data` is, refusing all that the common rules refuse."""
    value, end = _item(data, 0, 1)
    if end != len(data):
        raise malformed("trailing bytes")
    return value


def parse_tag_18(data: bytes) -> Any:
    """Return the content of the one CBOR item tagged 18 that `data` is; the tag is the first level of nesting."""
    major, number, at = _head(data, 0)
    if (major, number) != (6, 18):
        raise malformed("not tagged 18")
    value, end = _item(data, at, 2)
    if end != len(data):
        raise malformed("trailing bytes")
    return value


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return major type, argument and the place after the head; any head long enough will do, shortest or not."""
    if at >= len(data):
        raise malformed("CBOR ends early")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        if info not in (20, 21):
            raise malformed("a simple value other than false and true, or a float")
        return major, info, at
    if info < 24:
        return major, info, at
    if info > 27:
        raise malformed("indefinite length or reserved head")
    size = 1 << (info - 24)
    if at + size > len(data):
        raise malformed("CBOR ends early")
    return major, int.from_bytes(data[at : at + size], "big"), at + size


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the item at `at` and the place after it. depth: what this item counts for, if it is an array or a map."""
    major, number, at = _head(data, at)
    if major in (0, 1):
        value = number if major == 0 else -1 - number
        if abs(value) > MAX_INT:
            raise malformed("integer beyond 53 bits")
        return value, at
    if major in (2, 3):
        if number > len(data) - at:
            raise malformed("CBOR ends early")
        octets = data[at : at + number]
        if major == 2:
            return octets, at + number
        try:
            return octets.decode("utf-8"), at + number
        except UnicodeDecodeError as error:
            raise malformed("invalid UTF-8") from error
    if major == 6:
        raise malformed("a tag inside")
    if major == 7:
        return number == 21, at
    if depth > MAX_DEPTH:
        raise malformed("nested too deeply")
    if major == 4:
        array = []
        for _ in range(number):
            value, at = _item(data, at, depth + 1)
            array.append(value)
        return array, at
    mapping: dict[int | str, Any] = {}
    for _ in range(number):
        if at < len(data) and data[at] >> 5 not in (0, 1, 3):
            raise malformed("a key neither integer nor text")
        key, at = _item(data, at, depth + 1)
        if key in mapping:
            raise malformed("a key twice")
        mapping[key], at = _item(data, at, depth + 1)
    return mapping, at


# --- Common rules: shapes --------------------------------------------------------------------------


@dataclass(frozen=True)
class Maybe:
    """A key that may be absent from a map."""

    key: int | str


def text(value: Any) -> bool:
    return isinstance(value, str)


def uint(value: Any) -> bool:
    return type(value) is int and value >= 0


def octets(size: int | None = None) -> Any:
    return lambda value: isinstance(value, bytes) and size in (None, len(value))


def exactly(wanted: Any) -> Any:
    return lambda value: type(value) is type(wanted) and value == wanted


def each(shape: Any) -> Any:
    return lambda value: isinstance(value, list) and all(fits(one, shape) for one in value)


def fits(value: Any, shape: Any) -> bool:
    """Say whether a value has a shape: a map of shapes (further members are ignored), or a function that says."""
    if not isinstance(shape, dict):
        return bool(shape(value))
    if not isinstance(value, dict):
        return False
    for key, inner in shape.items():
        name = key.key if isinstance(key, Maybe) else key
        if name not in value:
            if not isinstance(key, Maybe):
                return False
        elif not fits(value[name], inner):
            return False
    return True


def compact_claims(value: Any) -> bool:
    return isinstance(value, dict) and all(uint(key) for key in value)


STATUS = {Maybe("status_list"): {"idx": uint, "uri": text}}
BODY = {1: text, 2: uint, 3: compact_claims, Maybe(4): octets(32)}
ISSUED = {1: text, 6: uint, 4: uint, 7: octets(16), Maybe(65535): STATUS, -70000: BODY}
DOCUMENT = {**ISSUED, Maybe(3): text}
DEVICE = {1: exactly(2), -1: exactly(1), -2: octets(32), -3: octets(32)}
CARD = {**ISSUED, 8: {1: DEVICE}}
LIVE = {6: uint, 4: uint, Maybe(3): text, Maybe(10): octets(8), -70010: octets()}
ISSUER_HEADERS = {1: lambda value: type(value) is int, 4: octets(8)}
DEVICE_HEADERS = {1: lambda value: type(value) is int}


# --- Envelopes: Base45, COSE_Sign1, JWS ------------------------------------------------------------


def unbase45(code: str) -> bytes:
    """Decode Base45. Source: RFC 9285, section 4."""
    if any(character not in ALPHABET for character in code):
        raise malformed("not Base45")
    out = bytearray()
    for start in range(0, len(code), 3):
        digits = [ALPHABET.index(character) for character in code[start : start + 3]]
        number = sum(digit * 45**place for place, digit in enumerate(digits))
        size = len(digits) - 1
        if size == 0 or number >= 256**size:
            raise malformed("not Base45")
        out += number.to_bytes(size, "big")
    return bytes(out)


def inflate(data: bytes, cap: int) -> bytes:
    """Inflate one whole zlib stream of at most `cap` bytes, with nothing after it."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, cap + 1)
    except zlib.error as error:
        raise malformed("not zlib") from error
    if len(out) > cap or not stream.eof or stream.unused_data:
        raise malformed("too large, cut off, or something behind it")
    return out


@dataclass(frozen=True)
class Message:
    """A COSE_Sign1, its signature not looked at yet."""

    protected: bytes
    headers: dict[int | str, Any]
    body: bytes
    payload: dict[int | str, Any]
    signature: bytes


def parse_message(data: bytes, typ: str, headers: Any, payload: Any) -> Message:
    """Take a COSE_Sign1 apart: CBOR first, then `typ`, then the shapes of headers and payload (step 2)."""
    items = parse_tag_18(data)
    if not isinstance(items, list) or len(items) != 4:
        raise malformed("not a COSE_Sign1")
    protected, unprotected, body, signature = items
    if not all(isinstance(item, bytes) for item in (protected, body, signature)) or unprotected != {}:
        raise malformed("not a COSE_Sign1 with an empty unprotected map and its payload attached")
    message = Message(protected, parse_cbor(protected), body, parse_cbor(body), signature)
    if not isinstance(message.headers, dict) or not isinstance(message.payload, dict):
        raise malformed("headers or payload not a map")
    if not text(message.headers.get(16)):
        raise malformed("no typ")
    if message.headers[16] != typ:
        raise Refused("wrong_type", message.headers[16])
    if 2 in message.headers:
        raise malformed("crit")
    if not fits(message.headers, headers) or not fits(message.payload, payload):
        raise malformed("headers or payload of another shape")
    return message


def check_message(key: ec.EllipticCurvePublicKey, message: Message) -> None:
    """Check the signature of a COSE_Sign1. Source: RFC 9052, section 4.4."""
    check_es256(key, message.signature, cbor2.dumps(["Signature1", message.protected, b"", message.body]))


def check_es256(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> None:
    """Check a raw `r||s`, whether s is high or low."""
    if len(signature) != 64:
        raise Refused("bad_signature", "not 64 bytes")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Refused("bad_signature") from error


def unbase64url(encoded: str) -> bytes:
    """Decode base64url without padding."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", encoded, re.ASCII) or len(encoded) % 4 == 1:
        raise malformed("not base64url")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def parse_json(data: bytes) -> Any:
    """Parse JSON, refusing a member that stands twice."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise malformed("a member twice")
        return dict(pairs)

    def constant(name: str) -> Any:
        raise malformed(name)

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=members, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise malformed("not JSON") from error


@dataclass(frozen=True)
class Jws:
    """A compact JWS, its signature not looked at yet."""

    header: dict[str, Any]
    payload: Any
    signed: bytes
    signature: bytes


@lru_cache(maxsize=256)
def split_jws(token: str) -> Jws:
    """Take a compact JWS apart. Nothing it returns may be changed: the same lists are read for every code."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise malformed("not a compact JWS")
    header, payload, signature = (unbase64url(part) for part in parts)
    return Jws(parse_json(header), parse_json(payload), f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def parse_jws(token: str, typ: str, header: Any) -> Jws:
    """Take a compact JWS with this `typ` and this shape of header apart."""
    jws = split_jws(token)
    if not fits(jws.header, {"alg": exactly("ES256"), "typ": text, **header}) or "crit" in jws.header:
        raise malformed("header")
    if jws.header["typ"] != typ:
        raise Refused("wrong_type", jws.header["typ"])
    return jws


def p256_key(der: bytes) -> ec.EllipticCurvePublicKey | None:
    """Return the P-256 key of a certificate, or None when it holds another."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1) else None


def unbase64(encoded: str) -> bytes:
    """Decode the base64 of an `x5c` member (RFC 7515, section 4.1.6)."""
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise malformed("not base64") from error


# --- Section 4: trust bundle -----------------------------------------------------------------------

TITLE = {"vi": text, "en": text}
ROLES = ("doc", "card", "live", "status", "sdjwt", "mdoc")
KEY = {
    "kid": lambda value: text(value) and re.fullmatch(r"[0-9a-f]{16}", value, re.ASCII),
    "x5c": lambda value: each(text)(value) and value,
    Maybe("alg"): text,
    "not_before": uint,
    "not_after": uint,
    "utilities": each(text),
    "roles": lambda value: each(text)(value) and len(value) == 1,
    "state": text,
}
BUNDLE = {
    "iss": text,
    "iat": uint,
    "exp": uint,
    "next_update": uint,
    "seq": uint,
    Maybe("prev"): text,
    "issuers": each({"code": text, "name": TITLE, "keys": each(KEY)}),
    "status_lists": each({"uri": text, "token": text}),
    "types": each(
        {
            "code": text,
            "version": uint,
            "title": TITLE,
            "claims": each({"n": uint, "name": text, "label": TITLE, "kind": text}),
        }
    ),
}


@dataclass(frozen=True)
class Key:
    """One key of one issuer, as the bundle vouches for it."""

    entry: dict[str, Any]
    der: bytes

    @property
    def public(self) -> ec.EllipticCurvePublicKey | None:
        return p256_key(self.der)

    def may_sign(self, roles: tuple[str, ...], iat: int, exp: int | None) -> bool:
        """Say whether role, state, dates and algorithm let this key sign something of these times (step 3)."""
        entry = self.entry
        if entry["roles"][0] not in roles or entry["state"] == "revoked" or entry.get("alg", "ES256") != "ES256":
            return False
        if not entry["not_before"] <= iat <= entry["not_after"] or self.public is None:
            return False
        not_after = x509.load_der_x509_certificate(self.der).not_valid_after_utc.timestamp()
        return exp is None or exp <= not_after


@dataclass(frozen=True)
class Bundle:
    """A trust bundle whose pin, signature and kids fit."""

    token: str
    claims: dict[str, Any]
    keys: dict[str, list[Key]]

    def key(self, issuer: str, kid: str) -> Key | None:
        return next((key for key in self.keys.get(issuer, []) if key.entry["kid"] == kid), None)


def open_bundle(token: str, pins: Iterable[str], now: int) -> Bundle:
    """Open a trust bundle. Raises BundleRefused unless pin, signature, shape, `iat` and every `kid` fit."""
    token = token.strip()
    try:
        jws = parse_jws(token, "viso-bundle+jwt", {"x5c": lambda value: each(text)(value) and value})
        root = unbase64(jws.header["x5c"][0])
        if hashlib.sha256(root).hexdigest() not in list(pins):
            raise BundleRefused("not pinned")
        public = p256_key(root)
        if public is None:
            raise BundleRefused("no P-256 key in the root")
        check_es256(public, jws.signature, jws.signed)
        if not fits(jws.payload, BUNDLE):
            raise BundleRefused("of another shape")
        if jws.payload["iat"] > now + SKEW:
            raise BundleRefused("from the future")
        keys: dict[str, list[Key]] = {}
        for issuer in jws.payload["issuers"]:
            for entry in issuer["keys"]:
                key = Key(entry, unbase64(entry["x5c"][0]))
                if hashlib.sha256(key.der).digest()[:8].hex() != entry["kid"]:
                    raise BundleRefused("a kid that is not its certificate's")
                keys.setdefault(issuer["code"], []).append(key)
    except Refused as refusal:
        raise BundleRefused(str(refusal)) from refusal
    return Bundle(token, jws.payload, keys)


def newer_bundle(held: Bundle | None, token: str, pins: Iterable[str], now: int) -> Bundle | None:
    """Return the bundle to hold from now on: the new one if it may replace what is held, else what is held."""
    try:
        new = open_bundle(token, pins, now)
    except BundleRefused:
        return held
    if held is None:
        return new
    step = new.claims["seq"] - held.claims["seq"]
    digest = hashlib.sha256(held.token.encode("ascii")).digest()
    prev = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return held if step < 1 or (step == 1 and new.claims.get("prev") != prev) else new


# --- Section 5: status lists -----------------------------------------------------------------------


@dataclass(frozen=True)
class StatusList:
    """One status list that counts for an issuer, its entries not inflated yet."""

    iat: int
    exp: int | None
    bits: int | None
    packed: bytes | None

    def value(self, index: int) -> int:
        """Return an entry, lowest bits first. Raises Refused when there is none."""
        if self.bits not in (1, 2, 4, 8) or self.packed is None or self.exp is None:
            raise malformed("status list")
        entries = inflate(self.packed, MAX_LIST)
        byte, shift = divmod(index * self.bits, 8)
        if byte >= len(entries):
            raise malformed("index out of range")
        return entries[byte] >> shift & (1 << self.bits) - 1


def open_status_list(copy: str | bytes, uri: str, issuer: str, bundle: Bundle, now: int) -> StatusList:
    """Open a copy of the list with this `sub`: text is a JWT, bytes a CWT. Raises Refused when it does not count."""
    names: tuple[int | str, ...]
    inner: int | str
    if isinstance(copy, str):
        jws = parse_jws(copy, "statuslist+jwt", {"kid": KEY["kid"]})
        kid, claims = jws.header["kid"], jws.payload
        names, inner, packing = ("sub", "iat", "exp", "ttl"), "status_list", text
    else:
        message = parse_message(copy, "application/statuslist+cwt", ISSUER_HEADERS, {})
        if message.headers[1] != ES256:
            raise malformed("algorithm")
        kid, claims = message.headers[4].hex(), message.payload
        names, inner, packing = (2, 6, 4, 65534), 65533, octets()
    sub, issued, expires, ttl = names
    if not fits(claims, {sub: text, issued: uint}) or claims[sub] != uri:
        raise malformed("not this list")
    iat = claims[issued]
    exp = claims[expires] if uint(claims.get(expires)) else None
    key = bundle.key(issuer, kid)
    if key is None or not key.may_sign(("status",), iat, exp) or key.public is None or iat > now + SKEW:
        raise Refused("key_not_allowed", "status list")
    if isinstance(copy, str):
        check_es256(key.public, jws.signature, jws.signed)
    else:
        check_message(key.public, message)
    packed: bytes | None = None
    bits: int | None = None
    if fits(claims, {ttl: uint, inner: {"bits": uint, "lst": packing}}):
        bits, lst = claims[inner]["bits"], claims[inner]["lst"]
        try:
            packed = unbase64url(lst) if isinstance(lst, str) else lst
        except Refused:
            packed = None
    return StatusList(iat, exp, bits, packed)


def latest_list(uri: str, issuer: str, bundle: Bundle, fetched: Iterable[str | bytes], now: int) -> StatusList | None:
    """Return, of all copies that count, the one with the latest `iat`."""
    latest = None
    for copy in [entry["token"] for entry in bundle.claims["status_lists"]] + list(fetched):
        try:
            found = open_status_list(copy, uri, issuer, bundle, now)
        except Refused:
            continue
        if latest is None or found.iat > latest.iat:
            latest = found
    return latest


# --- Section 3: what a verifier does ---------------------------------------------------------------


@dataclass
class Gate:
    """What the reader at a gate knows: its id, what its challenge demanded, and what it has seen (step 7)."""

    id: str | None = None
    demanded: bool = False
    nonce: bytes | None = None
    seen: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """What this verifier demands itself (step 8). None: no demand, save that a named recipient is someone else."""

    name: str | None = None
    utilities: frozenset[str] | None = None
    claims: frozenset[int] | None = None


@dataclass
class Reading:
    """The answer. claims: number to value, like document_id only shown once step 4 has passed."""

    verdict: str = "cannot_tell"
    reasons: list[str] = field(default_factory=list)
    accepted: bool = False
    claims: dict[int, Any] | None = None
    document_id: str | None = None
    status_value: int | None = None
    issuer: str | None = None
    utility: str | None = None
    recipient: str | None = None
    claims_hash: str | None = None
    shown_by: str | None = None
    bundle_age: int | None = None
    list_age: int | None = None

    def conclude(self) -> None:
        """Set the verdict, which is the gravest of the reasons, and `accepted`."""
        found = set(self.reasons)
        self.verdict = "invalid" if found & INVALID else "cannot_tell" if found & CANNOT_TELL else "valid"
        self.reasons = self.reasons or ["ok"]
        self.accepted = self.reasons == ["ok"]


def read(
    code: str,
    bundle_jws: str,
    pins: list[str],
    now: int,
    *,
    gate: Gate | None = None,
    policy: Policy | None = None,
    fetched: Iterable[str | bytes] = (),
) -> Reading:
    """Read one code at `now`. Raises BundleRefused when the bundle is none to work with, and nothing else."""
    return judge(code, open_bundle(bundle_jws, pins, now), now, gate=gate, policy=policy, fetched=fetched)


def judge(
    code: str,
    bundle: Bundle,
    now: int,
    *,
    gate: Gate | None = None,
    policy: Policy | None = None,
    fetched: Iterable[str | bytes] = (),
) -> Reading:
    """Do steps 1 to 8 with a bundle already opened."""
    reading = Reading(bundle_age=now - bundle.claims["iat"])
    try:
        _steps(reading, code, bundle, now, gate or Gate(), policy or Policy(), fetched)
    except Refused as refusal:
        reading.reasons.append(refusal.reason)
    reading.conclude()
    return reading


def _steps(
    reading: Reading,
    code: str,
    bundle: Bundle,
    now: int,
    gate: Gate,
    policy: Policy,
    fetched: Iterable[str | bytes],
) -> None:
    """Go through the steps; a Refused ends the check."""
    # 1: prefix and caps
    code = code.strip(" \t\r\n")
    prefix, rest = code[:4], code[4:]
    if prefix not in ("VD1:", "VL1:"):
        raise Refused("not_a_code")
    if len(code) > MAX_TEXT:
        raise malformed("too long")

    # 2: Base45, inflate within cap, strict CBOR, typ, shape
    live = None
    if prefix == "VD1:":
        message = parse_message(inflate(unbase45(rest), MAX_CBOR), "viso-doc+cwt", ISSUER_HEADERS, DOCUMENT)
    else:
        outer = unbase45(rest)
        if len(outer) > MAX_CBOR:
            raise malformed("too large")
        live = parse_message(outer, "viso-live+cwt", DEVICE_HEADERS, LIVE)
        message = parse_message(live.payload[-70010], "viso-card+cwt", ISSUER_HEADERS, CARD)
        if not live.payload[6] < live.payload[4] <= live.payload[6] + 60:
            raise malformed("times of the live token")
        if message.payload[4] - message.payload[6] > WEEK:
            raise malformed("a card of more than seven days")
    payload, body = message.payload, message.payload[-70000]
    iat, exp = payload[6], payload[4]
    if not iat < exp:
        raise malformed("expires before it was issued")

    # 3: the signer's key is on the trust bundle, for this issuer, this utility, and this moment
    if now >= bundle.claims["exp"]:
        reading.reasons.append("trust_stale")
    key = bundle.key(payload[1], message.headers[4].hex())
    if key is None:
        raise Refused("unknown_issuer")
    if not key.may_sign(("doc",) if live is None else ("card", "live"), iat, exp) or message.headers[1] != ES256:
        raise Refused("key_not_allowed")
    if body[1] not in key.entry["utilities"] and "*" not in key.entry["utilities"]:
        raise Refused("key_not_allowed", body[1])

    # 4: signature of document or card
    public = key.public
    assert public is not None  # may_sign() has looked
    check_message(public, message)
    reading.issuer, reading.utility, reading.claims = payload[1], body[1], body[3]
    reading.document_id = payload[7].hex()
    reading.recipient = payload.get(3) if live is None else None
    reading.claims_hash = body[4].hex() if 4 in body else None

    # 5: not before / expired
    if iat > now + SKEW:
        reading.reasons.append("not_yet_valid")
    if now >= exp + SKEW:
        reading.reasons.append("expired")

    # 6: status list: present, fresh, signed, index in range, value
    if 65535 in payload:
        _status(reading, payload, bundle, fetched, now)

    # 7: device signature, age, gate id and nonce, not seen before at this gate
    if live is not None:
        _live(reading, live, payload[8][1], key, gate, now)

    # 8: the verifier's own policy
    unwanted_utility = policy.utilities is not None and body[1] not in policy.utilities
    unwanted_claim = policy.claims is not None and not policy.claims >= set(body[3])
    someone_else = reading.recipient is not None and reading.recipient != policy.name
    if unwanted_utility or unwanted_claim or someone_else:
        reading.reasons.append("policy_refused")


def _status(
    reading: Reading, payload: dict[int | str, Any], bundle: Bundle, fetched: Iterable[str | bytes], now: int
) -> None:
    """Do step 6."""
    reference = payload[65535].get("status_list")
    found = None
    if reference is not None:
        found = latest_list(reference["uri"], payload[1], bundle, fetched, now)
    if found is None:
        reading.reasons.append("status_unknown")
        return
    reading.list_age = now - found.iat
    stale = found.exp is not None and now >= found.exp
    try:
        reading.status_value = found.value(reference["idx"])
    except Refused:
        reading.status_value = None
    if stale:
        reading.reasons.append("status_stale")
    if reading.status_value == 1:
        reading.reasons.append("revoked")
    elif not stale and reading.status_value == 2:
        reading.reasons.append("suspended")
    elif not stale and reading.status_value != 0:
        reading.reasons.append("status_unknown")


def _live(reading: Reading, live: Message, device: dict[int | str, Any], key: Key, gate: Gate, now: int) -> None:
    """Do step 7."""
    x, y = int.from_bytes(device[-2], "big"), int.from_bytes(device[-3], "big")
    by_server = key.entry["roles"] == ["live"]
    public = key.public
    if by_server and (public is None or (x, y) != (public.public_numbers().x, public.public_numbers().y)):
        raise Refused("device_mismatch", "not the server's own key")
    try:
        if live.headers[1] != ES256:
            raise Refused("device_mismatch", "algorithm")
        check_message(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key(), live)
    except (Refused, ValueError) as error:
        raise Refused("device_mismatch") from error
    reading.shown_by = "server" if by_server else "device"

    iat, exp, gate_id, nonce = live.payload[6], live.payload[4], live.payload.get(3), live.payload.get(10)
    if now > exp + LIVE_SKEW:
        reading.reasons.append("live_too_old")
    if iat > now + LIVE_SKEW:
        reading.reasons.append("live_from_future")
    another_gate = gate_id is not None and gate_id != gate.id
    not_as_demanded = gate.demanded and gate_id != gate.id
    if another_gate or not_as_demanded or (gate.nonce is not None and nonce != gate.nonce):
        reading.reasons.append("wrong_gate")
    if INVALID & set(reading.reasons):
        return
    for digest, until in list(gate.seen.items()):
        if now > until:
            del gate.seen[digest]
    digest = hashlib.sha256(live.body).digest()
    if digest in gate.seen:
        reading.reasons.append("live_replayed")
    gate.seen[digest] = exp + LIVE_SKEW


def hash_matches(reading: Reading, full: dict[str, Any]) -> bool:
    """Say whether a full document `{"claims": ..., "salt": ...}` is the one a paper code's hash names (section 1)."""
    hashed = rfc8785.dumps({"claims": full["claims"], "salt": full["salt"]})
    return reading.claims_hash == hashlib.sha256(hashed).hexdigest()


def _printable(value: Any) -> Any:
    """Make a reading fit for JSON: byte strings as hex, keys as text."""
    if isinstance(value, dict):
        return {str(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else value


def main(arguments: list[str]) -> int:
    """Read a code and a bundle from files and print the reading."""
    if len(arguments) not in (3, 4):
        sys.stderr.write(__doc__)
        return 2
    with open(arguments[0], encoding="utf-8", errors="replace", newline="") as file:
        code = file.read()
    with open(arguments[1], encoding="utf-8", errors="replace") as file:
        bundle = file.read()
    now = int(arguments[3]) if len(arguments) == 4 else int(time.time())
    try:
        answer = _printable(asdict(read(code, bundle, arguments[2].split(","), now)))
    except BundleRefused as refusal:
        answer = {"error": "bundle_refused", "detail": str(refusal)}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
