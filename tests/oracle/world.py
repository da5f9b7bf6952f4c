"""Issuers, keys, lists, bundles and codes built by hand from docs/wire.md, with every field open to change.

It imports nothing of the product. `make_world(seed, now)` gives the same bytes for the same seed and now; private keys
exist in memory only.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
PAIRS = [low + high for high, low in product(ALPHABET, repeat=2)]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ISSUER = "VN-MAU"
OTHER_ISSUER = "VN-KHAC"
URL = "https://vi-so.example/v1/status-lists/"
HOUR = 3600
DAY = 24 * HOUR


# --- Encoding ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Raw:
    """Bytes that stand in CBOR as they are."""

    data: bytes


@dataclass(frozen=True)
class Pairs:
    """A map written in this order, keys that stand twice and all."""

    pairs: tuple[tuple[Any, Any], ...]


def head(major: int, number: int, width: int = 0) -> bytes:
    """Return a CBOR head, the shortest, or one with at least `width` bytes of argument (1, 2, 4 or 8)."""
    if number < 24 and width == 0:
        return bytes([major << 5 | number])
    size = max(width, 1 if number < 256 else 2 if number < 65536 else 4 if number < 2**32 else 8)
    return bytes([major << 5 | 24 + size.bit_length() - 1]) + number.to_bytes(size, "big")


def enc(value: Any, width: int = 0) -> bytes:
    """Encode a value as CBOR: deterministic, or, with a width, with heads longer than needed."""
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value, width) if value >= 0 else head(1, -1 - value, width)
    if isinstance(value, bytes):
        return head(2, len(value), width) + value
    if isinstance(value, str):
        data = value.encode("utf-8")
        return head(3, len(data), width) + data
    if isinstance(value, list):
        return head(4, len(value), width) + b"".join(enc(item, width) for item in value)
    if isinstance(value, Pairs):
        return head(5, len(value.pairs), width) + b"".join(enc(k, width) + enc(v, width) for k, v in value.pairs)
    if isinstance(value, dict):
        pairs = sorted((enc(key, width), enc(item, width)) for key, item in value.items())
        return head(5, len(pairs), width) + b"".join(key + item for key, item in pairs)
    raise TypeError(type(value))


def nested(levels: int, inner: Any = 0) -> Raw:
    """Return a value inside so many arrays."""
    return Raw(b"\x81" * levels + enc(inner))


def base45(data: bytes) -> str:
    """Encode Base45. Source: RFC 9285, section 4."""
    out = []
    for at in range(0, len(data) - 1, 2):
        high, low = divmod(data[at] << 8 | data[at + 1], 2025)
        out.append(PAIRS[low] + ALPHABET[high])
    if len(data) % 2:
        out.append(PAIRS[data[-1]])
    return "".join(out)


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


# --- Keys and signatures --------------------------------------------------------------------------------


@dataclass
class KeyPair:
    """A key, its self-signed certificate, and what the bundle says of it."""

    name: str
    private: ec.EllipticCurvePrivateKey
    der: bytes
    entry: dict[str, Any]
    issuer: str = ISSUER

    @property
    def kid(self) -> bytes:
        return hashlib.sha256(self.der).digest()[:8]

    @property
    def pin(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    def sign(self, message: bytes) -> bytes:
        """Return a raw `r||s`, the same for the same message."""
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self.private.sign(message, algorithm))
        size = (self.private.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def make_key(
    seed: int, name: str, now: int, *, cert_end: int | None = None, curve: Any = None, **entry: Any
) -> KeyPair:
    """Make a key and its certificate from a seed and a name; `entry` is what the bundle shall say of it."""
    curve = curve or ec.SECP256R1()
    secret = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest(), "big") % (ORDER - 1) + 1
    private = ec.derive_private_key(secret, curve)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=400)
    end = datetime.fromtimestamp(cert_end or now + 3000 * DAY, UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    builder = builder.serial_number(secret >> 128 or 1).not_valid_before(start).not_valid_after(end)
    der = builder.sign(private, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)
    return KeyPair(name, private, der, {})


def high_s(signature: bytes) -> bytes:
    """Return the other signature that is just as good: with s replaced by n - s."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (ORDER - s).to_bytes(32, "big")


def cose_sign1(
    key: KeyPair,
    protected: bytes,
    payload: bytes,
    *,
    unprotected: Any = None,
    signature: bytes | Callable[[bytes], Any] | None = None,
    aad: bytes = b"",
    context: str = "Signature1",
    tag: int | None = 18,
    items: Callable[[list[Any]], Any] | None = None,
    width: int = 0,
) -> bytes:
    """Return a COSE_Sign1 (RFC 9052, section 4). signature: other bytes, or what to make of the right ones."""
    right = signature if isinstance(signature, bytes) else key.sign(enc([context, protected, aad, payload]))
    if callable(signature):
        right = signature(right)
    content: Any = [protected, {} if unprotected is None else unprotected, payload, right]
    if items is not None:
        content = items(content)
    return (b"" if tag is None else head(6, tag, width)) + enc(content, width)


def compact_jws(
    key: KeyPair,
    header: dict[str, Any],
    payload: dict[str, Any] | bytes,
    *,
    signature: Callable[[bytes], bytes] | None = None,
) -> str:
    """Return a compact JWS (RFC 7515)."""
    body = payload if isinstance(payload, bytes) else to_json(payload)
    signed = f"{b64u(to_json(header))}.{b64u(body)}"
    raw = key.sign(signed.encode("ascii"))
    return f"{signed}.{b64u(signature(raw) if signature else raw)}"


def merge(base: dict[Any, Any], changes: dict[Any, Any] | None, drop: tuple[Any, ...] = ()) -> dict[Any, Any]:
    """Return a map with members changed, added and left out."""
    return {key: value for key, value in {**base, **(changes or {})}.items() if key not in drop}


# --- The world ------------------------------------------------------------------------------------------


def pack(values: list[int], bits: int = 2, level: int = 9) -> bytes:
    """Return a status list's `lst`: values packed lowest bits first, then zlib."""
    per_byte = 8 // bits
    padded = values + [0] * (-len(values) % per_byte)
    groups = [padded[at : at + per_byte] for at in range(0, len(padded), per_byte)]
    return zlib.compress(bytes(sum(value << bits * i for i, value in enumerate(group)) for group in groups), level)


@dataclass
class World:
    """Issuers with keys of every kind, lists of every kind, and the bundle that holds them."""

    seed: int
    now: int
    keys: dict[str, KeyPair] = field(default_factory=dict)
    lists: list[dict[str, str]] = field(default_factory=list)

    @property
    def pin(self) -> str:
        return self.keys["root"].pin

    @cached_property
    def claims_hash(self) -> bytes:
        """The hash that the default code carries."""
        return hashlib.sha256(rfc8785.dumps(self.full_document())).digest()

    def document_id(self, label: str = "document") -> bytes:
        return hashlib.sha256(f"{self.seed}/{label}".encode()).digest()[:16]

    def full_document(self) -> dict[str, Any]:
        """Return the object that the default code's hash names (section 1)."""
        claims: dict[str, Any] = {
            "full_name": "Nguyễn Văn An",
            "number": "012345674321",
            "purpose": "Nộp hồ sơ nhập học",
        }
        claims |= {"resident_since": "1950-01-01", "birth_date": "1948", "members": ["A", "B"], "permanent": True}
        return {"claims": claims, "salt": b64u(self.document_id("salt"))}

    def body(self, values: dict[Any, Any] | None = None) -> dict[Any, Any]:
        """Return the private claim -70000 of a document."""
        default = {1: "Nguyễn Văn An", 2: "4321", 3: "Nộp hồ sơ nhập học", 4: -7305, 5: "1948", 6: ["A", "B"], 7: True}
        return {1: "residence", 2: 1, 3: default if values is None else values, 4: self.claims_hash}

    def claims(self, list_name: str | None = "main", index: Any = 0) -> dict[Any, Any]:
        """Return the claims of a document; list_name: its status list, None for a document without."""
        claims = {
            1: ISSUER,
            6: self.now - HOUR,
            4: self.now + 180 * DAY,
            7: self.document_id(),
            65535: {"status_list": {"idx": index, "uri": URL + str(list_name)}},
            -70000: self.body(),
        }
        return merge(claims, None, () if list_name else (65535,))

    def message(
        self,
        typ: Any,
        claims: dict[Any, Any],
        *,
        key: str | KeyPair = "doc",
        kid: Any = None,
        alg: Any = -7,
        headers: dict[Any, Any] | None = None,
        drop_headers: tuple[Any, ...] = (),
        protected: bytes | None = None,
        payload: Any = None,
        width: int = 0,
        **cose: Any,
    ) -> bytes:
        """Return a COSE_Sign1 by a key. protected, payload: bytes (for payload also a value) instead of the usual."""
        pair = self.keys[key] if isinstance(key, str) else key
        header = merge({1: alg, 4: pair.kid if kid is None else kid, 16: typ}, headers, drop_headers)
        head_bytes = enc(header, width) if protected is None else protected
        body = payload if isinstance(payload, bytes) else enc(claims if payload is None else payload, width)
        return cose_sign1(pair, head_bytes, body, width=width, **cose)

    def code(
        self,
        *,
        claims: dict[Any, Any] | None = None,
        drop: tuple[Any, ...] = (),
        body: Any = None,
        drop_body: tuple[Any, ...] = (),
        values: dict[Any, Any] | None = None,
        status: tuple[str, Any] | None = ("main", 0),
        typ: Any = "viso-doc+cwt",
        prefix: str = "VD1:",
        level: int = 9,
        frame: Callable[[bytes], bytes] | None = None,
        wrap: Callable[[bytes], bytes] | None = None,
        text: Callable[[str], str] | None = None,
        **message: Any,
    ) -> str:
        """Return a document code.

        claims, drop, body, drop_body: changes to the payload and to its claim -70000. values: the compact claims.
        status: list name and index, or None. frame: what to make of the message; wrap: what to do instead of zlib;
        text: what to make of the Base45. Further overrides are those of `message` and `cose_sign1`.
        """
        content = self.claims(*(status or (None,)))
        if isinstance(body, dict) or body is None:
            content[-70000] = merge(self.body(values), body, drop_body)
        else:
            content[-70000] = body
        data = self.message(typ, merge(content, claims, drop), **message)
        data = frame(data) if frame else data
        data = wrap(data) if wrap else zlib.compress(data, level)
        return prefix + (text(base45(data)) if text else base45(data))

    def device(self, key: str = "device") -> dict[Any, Any]:
        """Return the COSE_Key of a device."""
        numbers = self.keys[key].private.public_key().public_numbers()
        return {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def card(
        self,
        *,
        claims: dict[Any, Any] | None = None,
        drop: tuple[Any, ...] = (),
        device: Any = None,
        status: tuple[str, Any] | None = ("main", 0),
        key: str = "card",
        typ: Any = "viso-card+cwt",
        **message: Any,
    ) -> bytes:
        """Return the inner token of a live code: a card for a device key."""
        content = self.claims(*(status or (None,)))
        content[-70000] = {1: "residence", 2: 1, 3: {1: "Nguyễn Văn An", 2: "4321"}}
        content.update({4: self.now + 23 * HOUR, 7: self.document_id("card"), 8: {1: device or self.device()}})
        return self.message(typ, merge(content, claims, drop), key=key, **message)

    def live(
        self,
        *,
        inner: Any = None,
        claims: dict[Any, Any] | None = None,
        drop: tuple[Any, ...] = (),
        device_key: str = "device",
        typ: Any = "viso-live+cwt",
        prefix: str = "VL1:",
        frame: Callable[[bytes], bytes] | None = None,
        text: Callable[[str], str] | None = None,
        **message: Any,
    ) -> str:
        """Return a live code; inner: another card."""
        content = {6: self.now - 5, 4: self.now + 55, -70010: self.card() if inner is None else inner}
        message.setdefault("drop_headers", (4,))
        data = self.message(typ, merge(content, claims, drop), key=device_key, **message)
        data = frame(data) if frame else data
        return prefix + (text(base45(data)) if text else base45(data))

    def status_list(
        self,
        name: str = "main",
        *,
        values: list[int] | None = None,
        bits: Any = 2,
        lst: bytes | str | None = None,
        key: str = "status",
        cwt: bool = False,
        header: dict[Any, Any] | None = None,
        drop_header: tuple[Any, ...] = (),
        claims: dict[Any, Any] | None = None,
        drop: tuple[Any, ...] = (),
        **signing: Any,
    ) -> Any:
        """Return a status list as a JWT (text) or as a CWT (bytes); by default entries 0 to 3 hold their own number."""
        packed = pack([0, 1, 2, 3] if values is None else values, bits) if lst is None else lst
        pair, iat, exp = self.keys[key], self.now - 600, self.now + 2 * DAY
        if cwt:
            content = {2: URL + name, 6: iat, 4: exp, 65534: 900, 65533: {"bits": bits, "lst": packed}}
            protected = merge({1: -7, 4: pair.kid, 16: "application/statuslist+cwt"}, header, drop_header)
            return cose_sign1(pair, enc(protected), enc(merge(content, claims, drop)), **signing)
        entries = {"bits": bits, "lst": packed if isinstance(packed, str) else b64u(packed)}
        payload = {"sub": URL + name, "iat": iat, "exp": exp, "ttl": 900, "status_list": entries}
        top = merge({"alg": "ES256", "typ": "statuslist+jwt", "kid": pair.kid.hex()}, header, drop_header)
        return compact_jws(pair, top, merge(payload, claims, drop), **signing)

    def bundle(
        self,
        *,
        claims: dict[Any, Any] | None = None,
        drop: tuple[Any, ...] = (),
        keys: dict[str, dict[str, Any]] | None = None,
        leave_out: tuple[str, ...] = (),
        header: dict[str, Any] | None = None,
        drop_header: tuple[Any, ...] = (),
        key: str = "root",
        payload: bytes | None = None,
        **signing: Any,
    ) -> str:
        """Return the trust bundle; keys: changes to single entries, by the key's name; leave_out: keys not in it."""
        issuers = []
        for code in (ISSUER, OTHER_ISSUER):
            entries = [
                merge(pair.entry, (keys or {}).get(pair.name))
                for pair in self.keys.values()
                if pair.issuer == code and pair.entry and pair.name not in leave_out
            ]
            issuers.append({"code": code, "name": {"vi": "Cơ quan mẫu", "en": "Sample authority"}, "keys": entries})
        content = {
            "iss": "https://vi-so.example",
            "iat": self.now - 2 * HOUR,
            "exp": self.now + 70 * HOUR,
            "next_update": self.now + 22 * HOUR,
            "seq": 7,
            "prev": b64u(hashlib.sha256(b"the one before").digest()),
            "issuers": issuers,
            "status_lists": self.lists,
            "types": [RESIDENCE],
        }
        pair = self.keys[key]
        top = {"alg": "ES256", "typ": "viso-bundle+jwt", "x5c": [base64.b64encode(pair.der).decode("ascii")]}
        body = merge(content, claims, drop) if payload is None else payload
        return compact_jws(pair, merge(top, header, drop_header), body, **signing)


RESIDENCE = {
    "code": "residence",
    "version": 1,
    "title": {"vi": "Thông tin cư trú", "en": "Residence information"},
    "claims": [
        {"n": number, "name": name, "label": {"vi": name, "en": name}, "kind": kind}
        for number, name, kind in (
            (1, "full_name", "text"),
            (2, "number_tail", "text"),
            (3, "purpose", "text"),
            (4, "resident_since", "day"),
            (5, "birth_date", "day"),
            (6, "members", "list"),
            (7, "permanent", "bool"),
        )
    ],
}


def make_world(seed: int, now: int) -> World:
    """Make a world: the same seed and now give the same bytes."""
    world = World(seed, now)

    def add(name: str, role: str | None, issuer: str = ISSUER, **changes: Any) -> None:
        cert = {option: changes.pop(option) for option in ("cert_end", "curve") if option in changes}
        pair = make_key(seed, name, now, **cert)
        pair.issuer = issuer
        if role is not None:
            pair.entry = {
                "kid": pair.kid.hex(),
                "x5c": [base64.b64encode(pair.der).decode("ascii")],
                "alg": "ES256",
                "not_before": now - 30 * DAY,
                "not_after": now + 300 * DAY,
                "utilities": ["*"],
                "roles": [role],
                "state": "active",
                **changes,
            }
        world.keys[name] = pair

    for outside in ("root", "stranger", "device", "other_device"):
        add(outside, None)
    for role in ("doc", "card", "live", "status", "sdjwt", "mdoc"):
        add(role, role)
    add("doc_published", "doc", state="published")
    add("doc_retired", "doc", state="retired")
    add("doc_revoked", "doc", state="revoked")
    add("doc_residence", "doc", utilities=["study", "residence"])
    add("doc_study", "doc", utilities=["study"])
    add("doc_no_utility", "doc", utilities=[])
    add("doc_without_alg", "doc")
    del world.keys["doc_without_alg"].entry["alg"]
    add("doc_es384", "doc", alg="ES384", curve=ec.SECP384R1())
    add("doc_window", "doc", not_before=now - 2 * HOUR, not_after=now - HOUR)
    add("doc_cert_end", "doc", cert_end=now + 10 * DAY)
    add("status_revoked", "status", state="revoked")
    add("status_retired", "status", state="retired")
    add("status_window", "status", not_after=now - HOUR)
    add("status_cert_end", "status", cert_end=now + DAY)
    add("doc_of_other", "doc", OTHER_ISSUER)
    add("status_of_other", "status", OTHER_ISSUER)
    world.lists = [{"uri": URL + name, "token": token} for name, token in _lists(world)]
    return world


def _lists(world: World) -> Iterator[tuple[str, str]]:
    """Yield the lists of a world with the names that codes refer to."""
    now = world.now

    def make(name: str, **changes: Any) -> tuple[str, str]:
        return name, world.status_list(name, **changes)

    yield make("main")
    yield make("bits-1", bits=1, values=[0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    yield make("bits-4", bits=4, values=[0, 1, 2, 3, 15])
    yield make("bits-8", bits=8, values=[0, 1, 2, 3, 255])
    yield make("level-0", lst=pack([0, 1, 2, 3], 2, 0))
    yield make("large", values=[0] * 999_999 + [1])
    yield make("at-cap", lst=zlib.compress(bytes(4 * 1024 * 1024), 9))
    yield make("over-cap", lst=zlib.compress(bytes(4 * 1024 * 1024 + 1), 9))
    yield make("stale", claims={"iat": now - 4 * DAY, "exp": now - DAY})
    yield make("stale-now", claims={"exp": now})
    yield make("fresh-for-a-second", claims={"exp": now + 1})
    yield make("iat-plus-60", claims={"iat": now + 60})
    yield make("iat-plus-61", claims={"iat": now + 61})
    yield make("retired-key", key="status_retired")
    yield make("revoked-key", key="status_revoked")
    yield make("ended-key", key="status_window")
    yield make("doc-key", key="doc")
    yield make("stranger-key", key="stranger")
    yield make("other-issuer", key="status_of_other")
    yield make("forged", signature=lambda right: right[:-1] + bytes([right[-1] ^ 1]))
    yield make("high-s", signature=high_s)
    yield make("wrong-typ", header={"typ": "JWT"})
    yield make("long-typ", header={"typ": "application/statuslist+jwt"})
    yield make("no-typ", drop_header=("typ",))
    yield make("no-kid", drop_header=("kid",))
    yield make("crit", header={"crit": ["exp"]})
    yield make("alg-none", header={"alg": "none"})
    yield make("unknown-members", header={"jku": "https://x.example"}, claims={"aud": 1.5, "x": None})
    yield make("not-zlib", lst=b"not zlib at all")
    yield make("behind-zlib", lst=pack([0, 1, 2, 3]) + b"\0")
    yield make("cut-zlib", lst=pack([0, 1, 2, 3])[:-2])
    yield make("not-base64url", lst="*" * 12)
    yield make("bits-3", bits=3, lst=pack([0, 1, 2, 3]))
    yield make("no-lst", claims={"status_list": {"bits": 2}})
    yield make("empty", lst=zlib.compress(b""))
    newer, older = {"iat": now - 100}, {"iat": now - 200}
    yield make("revoked-since", claims=older, values=[0])
    yield make("revoked-since", claims=newer, values=[1])
    yield make("resumed-since", claims=newer, values=[0])
    yield make("resumed-since", claims=older, values=[2])
    yield make("forged-newer", claims=older, values=[0])
    yield make("forged-newer", claims=newer, values=[1], signature=lambda right: right[::-1])
    yield make("broken-newer", claims=older, values=[0])
    yield make("broken-newer", claims=newer, lst=b"not zlib")
    yield make("stale-newer", claims=older, values=[0])
    yield make("stale-newer", claims={**newer, "exp": now - 50}, values=[0])
    yield make("no-exp", drop=("exp",))
    yield make("no-ttl", drop=("ttl",))
    yield make("beyond-certificate", key="status_cert_end")
    yield "name-not-sub", world.status_list("sub-not-name")
    yield "not-a-token", "not a token"
