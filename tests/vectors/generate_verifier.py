"""Makes tests/vectors/verifier/*.json: `python -m tests.vectors.generate_verifier`. The same bytes every time.

Clock, entropy and keys are fixed. The keys come from a seed that stands below: anybody can sign with them, so they may
never be on a trust bundle that anybody relies on. What each case must come to is written here by hand, from
docs/wire.md; the rest of its answer is what `wallet.verifier` says, and is held against the hand-written part.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import NOON, SeededEntropy
from tests.vectors.carried_lists import carried_list_cases, reasons_then
from tests.verifier.world import (
    DAY,
    ISSUER,
    LIST_URI,
    LIVE_HEADERS,
    NAME_AND_TAIL,
    SECOND,
    World,
    card_claims,
    card_headers,
    document_claims,
    document_headers,
    outer_claims,
    signed,
    wrapped,
)
from wallet.crypto import jws
from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import LocalSigner, raw_from_der
from wallet.errors import VerificationFailed
from wallet.formats import base45, cbor
from wallet.formats.claims_set import StatusReference
from wallet.formats.live_code import GateChallenge, encode_gate_challenge
from wallet.formats.trust_bundle import IssuerEntry, bundle_digest, sign_bundle
from wallet.verifier import MemoryReplay, Policy, TrustedBundle, answer_json, judge

FOLDER = Path(__file__).parent / "verifier"
SEED = "vi-so test vectors, worthless keys"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ABOUT = (
    "Made by tests/vectors/generate_verifier.py from docs/wire.md. The keys follow from a published seed: never trust"
    " the pins in this file."
)
NOW = int(NOON.timestamp())
NONCE = bytes(range(8))


def seeded_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return a worthless key: who has this file has it too."""
    number = int.from_bytes(hashlib.sha256(f"{SEED}/{name}".encode()).digest(), "big")
    return ec.derive_private_key(number % (ORDER - 1) + 1, ec.SECP256R1())


def seeded_signer(name: str) -> LocalSigner:
    key = seeded_key(name)
    return LocalSigner(key, self_signed(key, name, NOON - 30 * DAY, NOON + 900 * DAY, SeededEntropy(name)))


class SeededWorld(World):
    """The small country of the tests, the same in every run."""

    def __init__(self) -> None:
        names = ("root", "doc", "card", "live", "status")
        super().__init__(**{name: seeded_signer(name) for name in names}, device=seeded_key("device"))

    def device_sign(self, message: bytes) -> bytes:
        return raw_from_der(self.device.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))


@dataclass(frozen=True)
class Case:
    """One text, looked at once or, with the memory of a gate, several times."""

    name: str
    section: str
    text: str
    reasons: Sequence[str]
    bundle: str = "plain"
    policy: Mapping[str, Any] = field(default_factory=dict)
    times: Sequence[float] = (NOW,)
    then: Sequence[str] | None = None
    """The reasons of the last look, where it differs from the first."""


def policy_of(told: Mapping[str, Any]) -> Policy:
    """Return the policy that a case tells in JSON."""
    members: dict[str, Any] = dict(told)
    if "demanded_nonce" in members:
        members["demanded_nonce"] = bytes.fromhex(members["demanded_nonce"])
    for name in ("recipients", "utilities", "claims"):
        if name in members:
            members[name] = frozenset(members[name])
    return Policy(**members)


def raw(world: World, payload: bytes, headers: Mapping[Any, Any] | bytes | None = None) -> bytes:
    """Return a message by the document key around any payload."""
    return signed(payload, world.doc.sign, document_headers(world) if headers is None else headers)


def document(world: World, claims: Mapping[Any, Any], headers: Mapping[Any, Any] | bytes | None = None) -> str:
    return wrapped(raw(world, cbor.encode(dict(claims)), headers))


def with_member(encoded: bytes, member: bytes) -> bytes:
    """Return a map with one more member, whatever its bytes are."""
    return bytes([encoded[0] + 1]) + encoded[1:] + member


def without(claims: Mapping[Any, Any], *keys: Any) -> dict[Any, Any]:
    return {key: value for key, value in claims.items() if key not in keys}


def deflated(message: bytes, level: int) -> str:
    return "VD1:" + base45.encode(zlib.compress(message, level))


def refused_cbor(world: World) -> Iterator[Case]:
    """What no reader of docs/wire.md may take, each in a member that nobody knows."""
    plain = cbor.encode(document_claims(world))
    members = {
        "null": "f6",
        "undefined": "f7",
        "a half float": "f93c00",
        "a single float": "fa3f800000",
        "a double float": "fb3ff0000000000000",
        "a whole double": "fb4000000000000000",
        "a simple value": "e0",
        "a simple value of two bytes": "f820",
        "false of two bytes": "f814",
        "a lone break": "ff",
        "bytes of indefinite length": "5f4100ff",
        "text of indefinite length": "7f6161ff",
        "an array of indefinite length": "9fff",
        "a map of indefinite length": "bfff",
        "a reserved length": "1c",
        "2^53": "1b0020000000000000",
        "-2^53": "3b001fffffffffffff",
        "2^64 - 1": "1bffffffffffffffff",
        "a bignum": "c249010000000000000000",
        "a tagged time": "c11a00000000",
        "a tagged self-description": "d9d9f700",
        "a tagged COSE message": "d28443a10126a04100414f",
        "a key of bytes": "a1410000",
        "a key that is a boolean": "a1f500",
        "a key that is an array": "a18000",
        "two equal keys": "a201010102",
        "two equal keys, one with a longer head": "a20101180102",
        "two equal keys of text": "a2616101616102",
        "text that is not UTF-8": "61ff",
        "text with a surrogate": "63eda080",
        "overlong text": "62c080",
        "text that breaks off within a letter": "61c3",
        "nesting of nine": "81" * 7 + "8180",
        "an array that promises too much": "9bffffffffffffffff",
        "a map that promises too much": "bb00000000ffffffff",
        "bytes that promise too much": "5bffffffffffffffff",
        "text that promises too much": "7a7fffffff",
        "an array that ends too early": "82",
        "an integer that ends too early": "19",
    }
    for name, value in members.items():
        text = wrapped(raw(world, with_member(plain, bytes.fromhex("1863" + value))))
        yield Case(f"CBOR: {name}", "Common rules", text, ["malformed"])
    yield Case("CBOR: bytes after it", "Common rules", wrapped(raw(world, plain + b"\0")), ["malformed"])
    yield Case("CBOR: nothing", "Common rules", wrapped(raw(world, b"")), ["malformed"])
    yield Case(
        "CBOR: an equal claim", "Common rules", wrapped(raw(world, with_member(plain, b"\x06\x01"))), ["malformed"]
    )
    yield Case("CBOR: an array as payload", "1", wrapped(raw(world, b"\x80")), ["malformed"])
    taken = {
        "2^53 - 1": "1b001fffffffffffff",
        "-(2^53 - 1)": "3b001ffffffffffffe",
        "a longer than needed head": "1b0000000000000001",
        "a longer than needed length": "7800",
        "nesting of eight": "81" * 6 + "80",
        "unsorted keys": "a202000100",
        '1 and "1" as keys': "a20100613100",
        "text that begins with a byte order mark": "64efbbbf61",
        "a boolean": "f5",
    }
    for name, value in taken.items():
        text = wrapped(raw(world, with_member(plain, bytes.fromhex("1863" + value))))
        yield Case(f"CBOR, taken: {name}", "Common rules", text, ["ok"])
    members_backwards = list(document_claims(world).items())[::-1]
    backwards = bytes([0xA0 + len(members_backwards)]) + b"".join(
        cbor.encode(key) + cbor.encode(value) for key, value in members_backwards
    )
    yield Case("CBOR, taken: claims in another order", "Common rules", wrapped(raw(world, backwards)), ["ok"])


def refused_envelopes(world: World) -> Iterator[Case]:
    """Prefix, caps, Base45, zlib and COSE."""
    code = world.document_code()
    good = zlib.decompress(base45.decode(code[4:]))
    payload = cbor.encode(document_claims(world))
    headers = document_headers(world)

    for text in (
        "",
        " ",
        "VD1",
        "vd1:BB8",
        "VD2:BB8",
        "XVD1:BB8",
        "HC1:6BF",
        "\ufeffVD1:BB8",
        "\u00a0VD1:BB8",
        "\ud800",
    ):
        yield Case(f"prefix: {text!a}", "3, step 1", text, ["not_a_code"])
    challenge = encode_gate_challenge(GateChallenge("GATE-1", NONCE))
    yield Case("prefix: a gate's challenge", "3, step 1", challenge, ["not_a_code"])
    yield Case("cap: 4,296 characters", "Common rules", "VD1:" + "0" * 4292, ["malformed"])
    yield Case("cap: 4,297 characters", "Common rules", "VD1:" + "0" * 4293, ["malformed"])
    yield Case("white space around", "1", f" \t\r\n\f\v{code}\n ", ["ok"])
    yield Case("white space within", "1", code[:100] + "\n" + code[100:], ["malformed"])
    yield Case("lower case", "1", code[:4] + code[4:].lower(), ["malformed"])
    for text in ("VD1:", "VL1:", "VD1:A", "VD1:BB8", "VD1::::", "VD1:00::", "VD1:é", "VD1:\U0001f600A", "VL1:BB8"):
        yield Case(f"Base45: {text!a}", "1", text, ["malformed"])

    stream = zlib.compress(good, 9)
    raw_deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    dictionary = zlib.compressobj(9, zlib.DEFLATED, 15, zdict=b"residence")
    streams = {
        "no zlib head": raw_deflate.compress(good) + raw_deflate.flush(),
        "gzip": gzip.compress(good) + gzip.flush(),
        "a preset dictionary": dictionary.compress(good) + dictionary.flush(),
        "another checksum": stream[:-1] + bytes([stream[-1] ^ 1]),
        "no checksum": stream[:-4],
        "an end too early": stream[: len(stream) // 2],
        "a byte after it": stream + b"\0",
        "two streams": stream + stream,
        "a window beyond 32 KiB": b"\x88\x1c" + stream[2:],
        "a head whose check fails": bytes([stream[0], stream[1] ^ 1]) + stream[2:],
        "a block of no kind": b"\x78\x9c\x07\x00\x00\x00\x00\x01",
        "a distance too far back": bytes.fromhex("789c0b0002000000000001"),
        "4,097 bytes": zlib.compress(bytes(4097), 9),
        "a bomb": zlib.compress(bytes(1_000_000), 9),
        "one stored block of another length": b"\x78\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01",
        "an incomplete code": bytes.fromhex("789c05c081080000000020ff2e00000001"),
    }
    for name, data in streams.items():
        yield Case(f"zlib: {name}", "1", "VD1:" + base45.encode(data), ["malformed"])
    for level in (0, 1, 9):
        yield Case(f"zlib, taken: level {level}", "Common rules", deflated(good, level), ["ok"])
    padded = document_claims(world) | {99: bytes(4096 - len(good) - 6)}
    exact = raw(world, cbor.encode(padded))
    exact = raw(world, cbor.encode(padded | {99: bytes(len(padded[99]) + 4096 - len(exact))}))
    yield Case(f"cap, taken: {len(exact)} bytes of CBOR", "Common rules", wrapped(exact), ["ok"])
    over = padded | {99: bytes(len(padded[99]) + 2)}
    yield Case("cap: more bytes of CBOR", "Common rules", wrapped(raw(world, cbor.encode(over)) + b""), ["malformed"])

    messages = {
        "no tag": good[1:],
        "tag 61 around": b"\xd8\x3d" + good,
        "tag 98": b"\xd8\x62" + good[1:],
        "bytes after it": good + b"\0",
        "three parts": b"\xd2\x83" + good[2:-66],
        "five parts": b"\xd2\x85" + good[2:] + b"\x00",
        "something unprotected": cbor.encode([cbor.encode(headers), {1: -7}, payload, bytes(64)], tag=18),
        "no payload": b"\xd2\x84" + cbor.encode(cbor.encode(headers)) + b"\xa0\xf6" + cbor.encode(bytes(64)),
        "headers that are no bytes": cbor.encode([headers, {}, payload, bytes(64)], tag=18),
        "a signature of text": cbor.encode([cbor.encode(headers), {}, payload, "x" * 64], tag=18),
        "a map": cbor.encode({1: 2}, tag=18),
        "nothing": b"",
    }
    for name, message in messages.items():
        yield Case(f"COSE: {name}", "Common rules", wrapped(message), ["malformed"])
    yield Case("COSE, taken: a longer head of the tag", "Common rules", wrapped(b"\xd8\x12" + good[1:]), ["ok"])
    heads: dict[str, tuple[Mapping[Any, Any] | bytes, str]] = {
        "a critical header": (headers | {2: [4]}, "malformed"),
        "no algorithm": (without(headers, 1), "malformed"),
        "an algorithm of text": (headers | {1: "ES256"}, "malformed"),
        "no typ": (without(headers, 16), "malformed"),
        "a typ that is a number": (headers | {16: 61}, "malformed"),
        "no kid": (without(headers, 4), "malformed"),
        "a kid of 7 bytes": (headers | {4: bytes(7)}, "malformed"),
        "a kid of text": (headers | {4: "12345678"}, "malformed"),
        "headers that are an array": (b"\x80", "malformed"),
        "no headers": (b"", "malformed"),
        "the typ of a card": (headers | {16: "viso-card+cwt"}, "wrong_type"),
        "the typ in another case": (headers | {16: "viso-doc+CWT"}, "wrong_type"),
        "another typ and a critical header": (headers | {16: "x", 2: []}, "wrong_type"),
        "EdDSA": (headers | {1: -8}, "key_not_allowed"),
        "ES384": (headers | {1: -35}, "key_not_allowed"),
        "another algorithm of P-256": (headers | {1: -9}, "key_not_allowed"),
        "a kid that nobody has": (headers | {4: bytes(8)}, "unknown_issuer"),
        "a header nobody knows": (headers | {99: "x", "x": 1}, "ok"),
    }
    for name, (head, reason) in heads.items():
        yield Case(f"COSE headers: {name}", "Common rules", wrapped(raw(world, payload, head)), [reason])
    yield Case("a card printed as a document", "3, step 2", wrapped(world.inner()), ["wrong_type"])


def refused_claims(world: World) -> Iterator[Case]:
    """The claims set, member by member."""
    claims = document_claims(world)
    body = claims[-70000]
    malformed: dict[str, dict[Any, Any]] = {
        "no issuer": without(claims, 1),
        "an issuer of bytes": claims | {1: b"VN-MAU"},
        "no iat": without(claims, 6),
        "an iat that is a boolean": claims | {6: True},
        "a negative iat": claims | {6: -1},
        "no exp": without(claims, 4),
        "an exp of text": claims | {4: "1"},
        "an end at the beginning": claims | {4: claims[6]},
        "an id of 15 bytes": claims | {7: bytes(15)},
        "an id of text": claims | {7: "x" * 16},
        "a recipient of bytes": claims | {3: b"x"},
        "a status of text": claims | {65535: "x"},
        "a status list that is no map": claims | {65535: {"status_list": 1}},
        "an index below zero": claims | {65535: {"status_list": {"idx": -1, "uri": LIST_URI}}},
        "an index that is a boolean": claims | {65535: {"status_list": {"idx": True, "uri": LIST_URI}}},
        "no uri": claims | {65535: {"status_list": {"idx": 1}}},
        "no body": without(claims, -70000),
        "a body that is an array": claims | {-70000: [1]},
        "a utility that is a number": claims | {-70000: body | {1: 1}},
        "a version below zero": claims | {-70000: body | {2: -1}},
        "claims in an array": claims | {-70000: body | {3: ["x"]}},
        "a claim by name": claims | {-70000: body | {3: {"full_name": "x"}}},
        "a claim below zero": claims | {-70000: body | {3: {-1: "x"}}},
        "a hash of 31 bytes": claims | {-70000: body | {4: bytes(31)}},
        "a hash of text": claims | {-70000: body | {4: "x" * 32}},
    }
    for name, changed in malformed.items():
        yield Case(f"claims: {name}", "1", document(world, changed), ["malformed"])
    taken = {
        "a claim nobody knows": claims | {99: 1, "x": {"y": [1]}},
        "a member of the body nobody knows": claims | {-70000: body | {9: "x"}},
        "no hash": claims | {-70000: without(body, 4)},
        "no status": without(claims, 65535),
        "no claims": claims | {-70000: body | {3: {}}},
        "a utility the bundle has no type for": claims | {-70000: body | {1: "khac"}},
        "a version the bundle has no type for": claims | {-70000: body | {2: 9}},
        "a claim the bundle has no name for": claims | {-70000: body | {3: {99: b"\x01", 1: "x"}}},
        "values that are not of their kind": claims
        | {-70000: body | {3: {1: 5, 3: "12/5/1990", 4: ["a", 1], 5: 1, 6: "x", 7: True}}},
        "values of every kind": claims
        | {-70000: body | {3: {1: "Đỗ Thị Ánh", 3: -8_000, 4: ["An", "Bình"], 5: False, 6: 1_700_000_000, 7: 3}}},
        "a birth date known by year only": claims | {-70000: body | {3: {3: "1948"}}},
        "a day beyond the calendar": claims | {-70000: body | {3: {3: 2_932_897}}},
        "the last day of the calendar": claims | {-70000: body | {3: {3: 2_932_896}}},
        "the first day of the calendar": claims | {-70000: body | {3: {3: -719_162}}},
        "the day before the calendar": claims | {-70000: body | {3: {3: -719_163}}},
        "an unnamed claim of maps": claims | {-70000: body | {3: {98: {1: b"\xff", "__proto__": [True], "a": {}}}}},
    }
    for name, changed in taken.items():
        yield Case(f"claims, taken: {name}", "3, end; 4", document(world, changed), ["ok"])


def keys_and_dates(world: World) -> Iterator[Case]:
    """Steps 3 to 5."""
    code = world.document_code()
    yield Case("good", "3", code, ["ok"])
    yield Case("an issuer nobody knows", "3, step 3", world.document_code(issuer="VN-XX"), ["unknown_issuer"])
    stranger = world.document_code(signer=seeded_signer("stranger"))
    yield Case("a key nobody knows", "3, step 3", stranger, ["unknown_issuer"])
    other = world.document_code(issuer="VN-KHAC", signer=world.card, status=None)
    yield Case(
        "a card's key signs a document", "3, step 3", world.document_code(signer=world.card), ["key_not_allowed"]
    )
    yield Case("the key of another issuer", "3, step 3", other, ["unknown_issuer"], bundle="two issuers")
    for name in ("revoked key", "other utility", "no utility", "another algorithm", "role card"):
        yield Case(f"bundle: {name}", "3, step 3", code, ["key_not_allowed"], bundle=name)
    yield Case("bundle: a utility by name", "3, step 3", code, ["ok"], bundle="this utility")
    yield Case("bundle: a retired key", "4", code, ["ok"], bundle="retired key")
    first, last, end = NOON - 20 * DAY, NOON + 300 * DAY, NOON + 900 * DAY
    yield Case("issued at the key's first second", "3, step 3", world.document_code(issued_at=first), ["ok"])
    early = world.document_code(issued_at=first - SECOND)
    yield Case("issued before the key's first second", "3, step 3", early, ["key_not_allowed"])
    late = world.document_code(issued_at=last + SECOND, expires_at=last + DAY, status=None)
    yield Case("issued after the key's last second", "3, step 3", late, ["key_not_allowed"])
    yield Case("expires with the certificate", "3, step 3", world.document_code(expires_at=end), ["ok"])
    beyond = world.document_code(expires_at=end + SECOND)
    yield Case("expires after the certificate", "3, step 3", beyond, ["key_not_allowed"])

    payload, headers = cbor.encode(document_claims(world)), document_headers(world)
    signatures: dict[str, Callable[[bytes], bytes]] = {
        "by another key": world.card.sign,
        "of zeros": lambda _: bytes(64),
        "of nothing": lambda _: b"",
        "of 63 bytes": lambda message: world.doc.sign(message)[:63],
        "of 65 bytes": lambda message: world.doc.sign(message) + b"\0",
        "beyond the order": lambda _: b"\xff" * 64,
        "over something else": lambda message: world.doc.sign(message + b"x"),
    }
    for name, sign in signatures.items():
        text = wrapped(signed(payload, sign, headers))
        yield Case(f"a signature {name}", "3, step 4", text, ["bad_signature"])

    def high(message: bytes) -> bytes:
        signature = world.doc.sign(message)
        s = int.from_bytes(signature[32:], "big")
        return signature[:32] + max(s, ORDER - s).to_bytes(32, "big")

    def low(message: bytes) -> bytes:
        signature = world.doc.sign(message)
        s = int.from_bytes(signature[32:], "big")
        return signature[:32] + min(s, ORDER - s).to_bytes(32, "big")

    yield Case("high s", "Common rules", wrapped(signed(payload, high, headers)), ["ok"])
    yield Case("low s", "Common rules", wrapped(signed(payload, low, headers)), ["ok"])

    for ahead, reason in ((60, "ok"), (61, "not_yet_valid")):
        text = world.document_code(issued_at=NOON + ahead * SECOND)
        yield Case(f"issued {ahead} s ahead", "3, step 5", text, [reason])
    for ago, reason in ((59, "ok"), (60, "expired")):
        text = world.document_code(expires_at=NOON - ago * SECOND)
        yield Case(f"ended {ago} s ago", "3, step 5", text, [reason])
    tick = world.document_code(expires_at=NOON - 60 * SECOND)
    yield Case("half a second before the end", "3, step 5", tick, ["ok"], times=[NOW - 0.5])

    end_of_bundle = NOW + 71 * 3600
    yield Case("the bundle's last second", "3, step 3", code, ["ok"], times=[end_of_bundle - 1])
    yield Case("the bundle's end", "3, step 3", code, ["trust_stale"], times=[end_of_bundle])
    foreign = world.document_code(issuer="VN-XX")
    yield Case("stale and foreign", "3", foreign, ["trust_stale", "unknown_issuer"], times=[end_of_bundle])
    old = world.document_code(expires_at=NOON)
    yield Case("stale and expired", "3", old, ["trust_stale", "expired"], times=[end_of_bundle])
    lasting = world.document_code(status=None)
    yield Case("a bundle from the future", "3", lasting, ["trust_stale"], times=[NOW - 3661])


def statuses(world: World) -> Iterator[Case]:
    """Step 6."""
    values = {0: "ok", 1: "revoked", 2: "suspended", 3: "status_unknown"}
    for value, reason in values.items():
        text = world.document_code(status=StatusReference(20 + value, LIST_URI))
        yield Case(f"status {value}", "3, step 6", text, [reason], bundle="listed")
        stale = ["status_stale", "revoked"] if value == 1 else ["status_stale"]
        yield Case(f"status {value} of a stale list", "3, step 6", text, stale, bundle="stale list")
    for bits in (1, 4, 8):
        text = world.document_code(status=StatusReference(21, LIST_URI))
        yield Case(f"a list of {bits} bits", "5", text, ["revoked"], bundle=f"{bits} bits")
        far = world.document_code(status=StatusReference(64, LIST_URI))
        yield Case(f"outside a list of {bits} bits", "5", far, ["status_unknown"], bundle=f"{bits} bits")
    code = world.document_code()
    for name in ("no list", "foreign list", "unreadable list", "list by a document key", "list of another address"):
        yield Case(f"bundle: {name}", "3, step 6", code, ["status_unknown"], bundle=name)
    for index in (64, 2**53 - 1):
        text = world.document_code(status=StatusReference(index, LIST_URI))
        yield Case(f"index {index}", "3, step 6", text, ["status_unknown"])
    other = document(world, document_claims(world) | {65535: {"identifier_list": {"id": b"x"}}})
    yield Case("another mechanism", "3, step 6", other, ["status_unknown"])
    letter = world.document_code(status=StatusReference(9, LIST_URI.upper()))
    yield Case("the address in another case", "3, step 6", letter, ["status_unknown"])
    yield Case("the latest copy counts", "3, step 6", code, ["suspended"], bundle="three copies")
    end = NOW + 72 * 3600
    yield Case("the list's end", "3, step 5", code, ["trust_stale", "status_stale"], times=[end])


def lives(world: World) -> Iterator[Case]:
    """Step 7."""
    code = world.live_code()
    yield Case("live: good", "2", code, ["ok"])
    server = world.inner(signer=world.live, device=_point(world.live))
    by_server = world.live_code(server, sign=world.live.sign)
    yield Case("live: signed by the server", "2", by_server, ["ok"])
    borrowed = world.live_code(world.inner(signer=world.live))
    yield Case("live: a live key for another device", "2", borrowed, ["device_mismatch"])
    yield Case("live: another phone", "3, step 7", world.live_code(sign=world.doc.sign), ["device_mismatch"])
    outer = signed(cbor.encode(outer_claims(world.inner())), world.device_sign, LIVE_HEADERS | {1: -8})
    yield Case("live: another algorithm outside", "3, step 7", wrapped(outer, "VL1:"), ["device_mismatch"])
    locked = world.live_code(world.inner(status=StatusReference(22, LIST_URI)), sign=world.doc.sign)
    both = ["suspended", "device_mismatch"]
    yield Case("live: suspended, and another phone", "3", locked, both, bundle="listed")
    for name, x in (("not on the curve", b"\1" * 32), ("beyond the field", b"\xff" * 32), ("zero", bytes(32))):
        claims = card_claims(world)
        claims[8] = {1: {1: 2, -1: 1, -2: x, -3: world.device_key.y}}
        text = _live(world, claims)
        yield Case(f"live: a device key {name}", "3, step 7", text, ["device_mismatch"])

    end = NOW + 55
    yield Case("live: its last second", "3, step 7", code, ["ok"], times=[end + 30])
    yield Case("live: too old", "3, step 7", code, ["live_too_old"], times=[end + 31])
    yield Case("live: a screenshot after an hour", "3, step 7", code, ["live_too_old"], times=[NOW + 3600])
    yield Case("live: half a second too old", "3, step 7", code, ["live_too_old"], times=[end + 30.5])
    ahead = world.live_code(issued_at=NOON + 30 * SECOND)
    yield Case("live: 30 s ahead", "3, step 7", ahead, ["ok"])
    yield Case("live: 31 s ahead", "3, step 7", ahead, ["live_from_future"], times=[NOW - 1])
    old = world.live_code(world.inner(expires_at=NOON - 60 * SECOND))
    yield Case("live: an old card", "3, step 5", old, ["expired"])

    gated = world.live_code(challenge=GateChallenge("GATE-1", NONCE))
    for name, policy, text, reason in (
        ("this gate", {"gate_id": "GATE-1"}, gated, "ok"),
        ("another gate", {"gate_id": "GATE-2"}, gated, "wrong_gate"),
        ("a gate, and this reader has none", {}, gated, "wrong_gate"),
        ("no gate, and none was demanded", {"gate_id": "GATE-1"}, code, "ok"),
        ("no gate, and it was demanded", {"gate_id": "GATE-1", "gate_demanded": True}, code, "wrong_gate"),
        ("this nonce", {"gate_id": "GATE-1", "demanded_nonce": NONCE.hex()}, gated, "ok"),
        ("another nonce", {"gate_id": "GATE-1", "demanded_nonce": "00" * 8}, gated, "wrong_gate"),
        ("no nonce, and it was demanded", {"gate_id": "GATE-1", "demanded_nonce": "00" * 8}, code, "wrong_gate"),
    ):
        yield Case(f"live: {name}", "3, step 7", text, [reason], policy=policy)
    yield Case("live: twice at one gate", "3, step 7", code, ["ok"], times=[NOW, NOW + 1], then=["live_replayed"])
    forgotten = [NOW, end + 31]
    yield Case("live: twice, and too old by then", "3, step 7", code, ["ok"], times=forgotten, then=["live_too_old"])
    printed = world.document_code()
    yield Case("printed codes are not remembered", "3, step 7", printed, ["ok"], times=[NOW, NOW + 1])

    claims = card_claims(world)
    inner = world.inner()
    shapes: dict[str, str] = {
        "61 seconds": _outer(world, outer_claims(inner) | {4: NOW + 56}),
        "an end at the beginning": _outer(world, outer_claims(inner) | {4: NOW - 5}),
        "no card": _outer(world, without(outer_claims(inner), -70010)),
        "a card that is text": _outer(world, outer_claims(inner) | {-70010: "x"}),
        "a gate that is a number": _outer(world, outer_claims(inner) | {3: 1}),
        "a nonce of 7 bytes": _outer(world, outer_claims(inner) | {10: bytes(7)}),
        "a negative iat": _outer(world, outer_claims(inner) | {6: -1, 4: 50}),
        "a card without cnf": _live(world, without(claims, 8)),
        "a device key on another curve": _live(world, claims | {8: {1: claims[8][1] | {-1: 2}}}),
        "a device key of another kind": _live(world, claims | {8: {1: claims[8][1] | {1: 1}}}),
        "a coordinate of 31 bytes": _live(world, claims | {8: {1: claims[8][1] | {-2: bytes(31)}}}),
        "a compressed point": _live(world, claims | {8: {1: claims[8][1] | {-3: True}}}),
        "a card of 7 days and a second": _live(world, claims | {4: claims[6] + 7 * 86_400 + 1}),
        "zlib": "VL1:" + base45.encode(zlib.compress(base45.decode(code[4:]))),
        "trailing bytes": "VL1:" + base45.encode(base45.decode(code[4:]) + b"\0"),
    }
    for name, text in shapes.items():
        yield Case(f"live: {name}", "2", text, ["malformed"])
    week = _live(world, claims | {4: claims[6] + 7 * 86_400})
    yield Case("live: a card of 7 days", "2", week, ["ok"])
    no_gate_id = _outer(world, outer_claims(inner) | {3: "gate 1"})
    yield Case("live: text that is no gate id", "2", no_gate_id, ["wrong_gate"], policy={"gate_id": "GATE-1"})
    doc_inside = _outer(world, outer_claims(raw(world, cbor.encode(document_claims(world)))))
    yield Case("live: a document inside", "2", doc_inside, ["wrong_type"])
    outer = base45.decode(code.removeprefix("VL1:"))
    yield Case("a live code printed as a document", "3, step 2", wrapped(outer), ["wrong_type"])
    yield Case("live: a card that no phone signed", "3, step 2", wrapped(inner, "VL1:"), ["wrong_type"])
    doc_key = signed(cbor.encode(claims), world.doc.sign, card_headers(world) | {4: bytes.fromhex(world.doc.kid)})
    yield Case("live: a card by a document key", "3, step 3", _outer(world, outer_claims(doc_key)), ["key_not_allowed"])
    forged = signed(cbor.encode(claims), world.doc.sign, card_headers(world))
    yield Case("live: a forged card", "3, step 4", _outer(world, outer_claims(forged)), ["bad_signature"])
    with_recipient = _live(world, claims | {3: 5})
    yield Case("live: a card's claim 3 means nothing", "2", with_recipient, ["ok"])


def policies(world: World) -> Iterator[Case]:
    """Step 8."""
    code = world.document_code()
    named = world.document_code(recipient="Trường Mẫu Giáo")
    decomposed = document(world, document_claims(world) | {3: "Tru\u031bo\u031b\u0300ng Ma\u0302\u0303u Gia\u0301o"})
    for name, text, policy, reason in (
        ("a recipient, and nobody is named", named, {}, "policy_refused"),
        ("another recipient", named, {"recipients": ["Trường Khác"]}, "policy_refused"),
        ("this recipient", named, {"recipients": ["Trường Khác", "Trường Mẫu Giáo"]}, "ok"),
        ("this recipient, spelled in another form", decomposed, {"recipients": ["Trường Mẫu Giáo"]}, "ok"),
        ("no recipient", code, {"recipients": ["Trường Mẫu Giáo"]}, "ok"),
        ("another utility", code, {"utilities": ["health"]}, "policy_refused"),
        ("this utility", code, {"utilities": ["health", "residence"]}, "ok"),
        ("no utility at all", code, {"utilities": []}, "policy_refused"),
        ("these claims", code, {"claims": ["full_name", "number_tail"]}, "ok"),
        ("more claims than wanted", code, {"claims": ["full_name"]}, "policy_refused"),
    ):
        yield Case(f"policy: {name}", "3, step 8", text, [reason], policy=policy)
    unnamed = world.document_code(claims=dict(NAME_AND_TAIL) | {99: "x"})
    wanted = {"claims": ["full_name", "number_tail"]}
    yield Case("policy: a claim without a name", "3, step 8", unnamed, ["policy_refused"], policy=wanted)
    ended = world.document_code(expires_at=NOON - DAY + SECOND, recipient="x")
    yield Case("policy: expired, and for somebody else", "3", ended, ["expired", "policy_refused"])


def bundles(world: World) -> dict[str, str]:
    """Return the bundles that the codes are judged with."""
    names = {"vi": "Cơ quan mẫu", "en": "Sample authority"}

    def with_keys(**changes: Mapping[str, Any]) -> str:
        return world.bundle(issuers=(IssuerEntry(ISSUER, names, world.entries(**changes)),))

    listed = {21: 1, 22: 2, 23: 3}
    hours = timedelta(hours=1)
    stale = {"issued_at": NOON - 80 * hours, "expires_at": NOON}
    unreadable = jws.sign(
        {"sub": LIST_URI, "iat": NOW - 600, "exp": NOW + 600, "ttl": 900, "status_list": {"bits": 2, "lst": "AAAA"}},
        world.status,
        typ="statuslist+jwt",
        header={"kid": world.status.kid},
    )
    found = {
        "plain": world.bundle(),
        "listed": world.bundle(world.status_jwt(listed)),
        "stale list": world.bundle(world.status_jwt(listed, **stale)),
        "two issuers": world.bundle(
            issuers=(
                IssuerEntry(ISSUER, names, world.entries()),
                IssuerEntry("VN-KHAC", {"vi": "Khác", "en": "Other"}, ()),
            )
        ),
        "revoked key": with_keys(doc={"state": "revoked"}),
        "retired key": with_keys(doc={"state": "retired"}),
        "other utility": with_keys(doc={"utilities": ("Residence", "residence*")}),
        "no utility": with_keys(doc={"utilities": ()}),
        "this utility": with_keys(doc={"utilities": ("x", "residence")}),
        "another algorithm": with_keys(doc={"alg": "EdDSA"}),
        "role card": with_keys(doc={"roles": ("card",)}),
        "no list": sign_bundle(world.content(status_lists=()), world.root),
        "foreign list": world.bundle(world.status_jwt(signer=seeded_signer("stranger"))),
        "unreadable list": world.bundle(unreadable, world.status_jwt(issued_at=NOON - 2 * hours), "junk", "a.b.c"),
        "list by a document key": world.bundle(world.status_jwt(signer=world.doc)),
        "list of another address": world.bundle(world.status_jwt(uri=LIST_URI + "/")),
        "three copies": world.bundle(
            world.status_jwt({9: 1}, issued_at=NOON - 2 * hours),
            world.status_jwt({9: 2}),
            world.status_jwt({9: 1}, issued_at=NOON + 61 * SECOND),
        ),
    }
    for bits in (1, 4, 8):
        found[f"{bits} bits"] = world.bundle(world.status_jwt({21: 1}, bits=bits))
    return found


def bundle_cases(world: World) -> Iterator[dict[str, Any]]:
    """Yield what a verifier does with each bundle that is offered. Source: docs/wire.md, section 4."""
    good = world.bundle()
    payload = json.loads(jws.b64url_decode(good.split(".")[1]))
    header = json.loads(jws.b64url_decode(good.split(".")[0]))
    held = good
    issuer, key = payload["issuers"][0], payload["issuers"][0]["keys"][0]

    def case(name: str, token: str, reason: str | None, **more: Any) -> dict[str, Any]:
        return {"name": name, "section": "4", "token": token, "reason": reason, **more}

    def told(changes: Mapping[str, Any], drop: Sequence[str] = (), head: Mapping[str, Any] | None = None) -> str:
        content = without(payload, *drop) | dict(changes)
        return _token(world, header if head is None else head, json.dumps(content, ensure_ascii=False).encode())

    def with_key(**changes: Any) -> str:
        changed = without(key | changes, *[name for name, value in changes.items() if value is None])
        return told({"issuers": [issuer | {"keys": [changed]}]})

    yield case("good", good, None)
    yield case("another pin", good, "key_not_allowed", pins=["00" * 32])
    yield case("the pin in upper case", good, "key_not_allowed", pins=[world.pins[0].upper()])
    yield case("two pins", good, None, pins=["00" * 32, world.pins[0]])
    yield case("no pin", good, "key_not_allowed", pins=[])
    other = SeededWorld()
    other.root = seeded_signer("other root")
    yield case("another root", other.bundle(), "key_not_allowed")
    for name, token in {"nothing": "", "one part": "x", "four parts": good + ".AA", "letters": "é.é.é"}.items():
        yield case(name, token, "malformed")
    head, body, tail = good.split(".")
    yield case("padding", f"{head}=.{body}.{tail}", "malformed")
    yield case("stray bits in the signature", good[:-1] + _stray(good[-1]), "malformed")
    yield case("a changed signature", f"{head}.{body}.{'A' * 86}", "bad_signature")
    yield case("a short signature", f"{head}.{body}.{'A' * 84}", "bad_signature")
    yield case("another payload", f"{head}.{jws.b64url_encode(b'{}').decode()}.{tail}", "bad_signature")
    yield case("another typ", told({}, head=header | {"typ": "JWT"}), "wrong_type")
    yield case("no typ", told({}, head=without(header, "typ")), "malformed")
    yield case("alg none", told({}, head=header | {"alg": "none"}), "key_not_allowed")
    yield case("alg HS256", told({}, head=header | {"alg": "HS256"}), "key_not_allowed")
    yield case("a critical header", told({}, head=header | {"crit": ["x"]}), "malformed")
    yield case("a header nobody knows", told({}, head=header | {"x": None}), None)
    yield case("no x5c", told({}, head=without(header, "x5c")), "malformed")
    yield case("two certificates", told({}, head=header | {"x5c": header["x5c"] * 2}), "malformed")
    yield case("x5c in base64url", told({}, head=header | {"x5c": ["-_-_"]}), "malformed")
    yield case("a root that is no certificate", told({}, head=header | {"x5c": ["AAAA"]}), "key_not_allowed")
    for name in ("iss", "iat", "exp", "next_update", "seq", "issuers", "status_lists", "types"):
        yield case(f"no {name}", told({}, [name]), "malformed")
    for name, value in {
        "iat": 1.5, "exp": "1", "seq": -1, "next_update": True, "iss": 1, "prev": None, "issuers": {}, "types": [1],
        "status_lists": [{"uri": "x"}],
    }.items():  # fmt: skip
        yield case(f"{name}: {value!r}", told({name: value}), "malformed")
    text = json.dumps(payload)
    yield case(
        "an integer as a float", _token(world, header, text.replace('"seq": 5', '"seq": 5.0').encode()), "malformed"
    )
    yield case("an integer beyond 53 bits", told({"seq": 2**53}), "malformed")
    yield case("the largest integer", told({"seq": 2**53 - 1}), None)
    yield case(
        "two equal names",
        _token(world, header, text.replace('"seq": 5', '"seq": 5, "s\\u0065q": 6').encode()),
        "malformed",
    )
    yield case("NaN", _token(world, header, text.replace('"seq": 5', '"seq": 5, "x": NaN').encode()), "malformed")
    yield case("a float nobody knows", told({"x": 1.5}), None)
    second = {
        "pin": "0" * 64,
        "alg": "ML-DSA-65",
        "role": "bundle",
        "not_before": 0,
        "not_after": 1,
        "state": "revoked",
    }
    yield case("second keys, which one signature has no use for", told({"second_keys": [second]}), None)
    yield case("second keys of another type", told({"second_keys": {"pin": 7}}), None)
    yield case("text after it", _token(world, header, text.encode() + b"x"), "malformed")
    yield case("a byte order mark", _token(world, header, b"\xef\xbb\xbf" + text.encode()), "malformed")
    yield case("not UTF-8", _token(world, header, text.encode().replace(b"https", b"\xff\xfe")), "malformed")
    yield case("a lone surrogate", _token(world, header, text.replace("https", "\\ud800").encode()), "malformed")
    yield case("a control character", _token(world, header, text.replace("https", "\t").encode()), "malformed")
    yield case("white space", _token(world, header, b" \r\n\t" + json.dumps(payload, indent=2).encode()), None)
    yield case("an array", _token(world, header, b"[]"), "malformed")
    yield case("times beyond the calendar", told({"exp": 2**53 - 1, "next_update": 2**53 - 1}), None)
    yield case("an issuer twice", told({"issuers": [issuer, issuer]}), "malformed")
    yield case("an issuer without names", told({"issuers": [issuer | {"name": {"vi": "x"}}]}), "malformed")
    yield case("a key twice", told({"issuers": [issuer | {"keys": [key, key]}]}), "malformed")
    for name, changes in {
        "a kid that is not its certificate's": {"kid": "0" * 16},
        "a kid in upper case": {"kid": key["kid"].upper()},
        "no certificate": {"x5c": []},
        "two roles": {"roles": ["doc", "card"]},
        "no role": {"roles": []},
        "a role nobody knows": {"roles": ["root"]},
        "a state nobody knows": {"state": "planned"},
        "an algorithm that is a number": {"alg": 1},
        "no not_before": {"not_before": None},
        "utilities of numbers": {"utilities": [1]},
    }.items():
        yield case(f"key: {name}", with_key(**changes), "malformed")
    yield case("key: no alg", with_key(alg=None), None)
    yield case("key: another algorithm", with_key(alg="ES384"), None)
    yield case("key: a member nobody knows", with_key(x=1.5), None)
    type_ = payload["types"][0]
    yield case(
        "type: a number below zero",
        told({"types": [type_ | {"claims": [type_["claims"][0] | {"n": -1}]}]}),
        "malformed",
    )
    yield case("type: no title", told({"types": [without(type_, "title")]}), "malformed")
    yield case("a list that is no list", told({"status_lists": [{"uri": "x", "token": "junk"}]}), None)
    yield case("issued 60 s ahead", told({"iat": NOW + 60}), None)
    yield case("issued 61 s ahead", told({"iat": NOW + 61}), "not_yet_valid")
    yield case("long past its end", good, None, now=NOW + 30 * 86_400)
    yield case("the same again", good, "seq_not_higher", held=held)
    yield case("an older one", told({"seq": 4}), "seq_not_higher", held=held)
    yield case("the next one", told({"seq": 6, "prev": bundle_digest(held)}), None, held=held)
    yield case("the next one, which follows another", told({"seq": 6, "prev": "x"}), "prev_differs", held=held)
    yield case("the next one, which follows none", told({"seq": 6}), "prev_differs", held=held)
    yield case("one further on", told({"seq": 7}), None, held=held)
    yield from carried_list_cases(world, seeded_signer("next status"))


def _token(world: World, header: Mapping[str, Any], payload: bytes) -> str:
    """Return a JWS by the root with exactly these parts."""
    signing_input = b".".join((jws.b64url_encode(json.dumps(header).encode()), jws.b64url_encode(payload)))
    return b".".join((signing_input, jws.b64url_encode(world.root.sign(signing_input)))).decode()


def _stray(character: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) | 1]


def _point(signer: LocalSigner) -> Any:
    from wallet.crypto.certificates import read_certificate
    from wallet.formats.live_code import DeviceKey

    key = read_certificate(signer.certificate_der).public_key
    assert key is not None
    return DeviceKey.of(key)


def _outer(world: World, claims: Mapping[Any, Any]) -> str:
    return wrapped(signed(cbor.encode(dict(claims)), world.device_sign, LIVE_HEADERS), "VL1:")


def _live(world: World, card: Mapping[Any, Any]) -> str:
    return _outer(world, outer_claims(signed(cbor.encode(dict(card)), world.card.sign, card_headers(world))))


PARTS = (refused_envelopes, refused_cbor, refused_claims, keys_and_dates, statuses, lives, policies)


def answered(case: Case, trust: TrustedBundle) -> list[dict[str, Any]]:
    """Return what Python says at each look; the reasons must be those written down for it."""
    from datetime import UTC, datetime

    memory = MemoryReplay()
    answers = []
    for moment in case.times:
        judgement = judge(case.text, trust, policy_of(case.policy), datetime.fromtimestamp(moment, UTC), memory)
        answers.append(answer_json(judgement))
    last = case.reasons if case.then is None else case.then
    assert answers[0]["reasons"] == list(case.reasons), (case.name, answers[0]["reasons"])
    assert answers[-1]["reasons"] == list(last), (case.name, answers[-1]["reasons"])
    return answers


def taken(case: Mapping[str, Any], pins: Sequence[str]) -> str | None:
    """Return for which reason Python refuses a bundle, None when it takes it."""
    from datetime import UTC, datetime

    held = TrustedBundle.kept(case["held"], pins) if "held" in case else None
    try:
        moment = datetime.fromtimestamp(case.get("now", NOW), UTC)
        TrustedBundle.from_jws(case["token"], case.get("pins", pins), moment, held)
    except VerificationFailed as error:
        return error.reason
    return None


def made() -> dict[str, dict[str, Any]]:
    """Return the files by name."""
    world = SeededWorld()
    tokens = bundles(world)
    trusts = {name: TrustedBundle.from_jws(token, world.pins, NOON) for name, token in tokens.items()}
    cases = []
    for case in (case for part in PARTS for case in part(world)):
        told: dict[str, Any] = {"name": case.name, "section": case.section, "text": case.text, "bundle": case.bundle}
        told |= {"policy": dict(case.policy), "times": list(case.times), "answers": answered(case, trusts[case.bundle])}
        cases.append(told)
    offered = list(bundle_cases(world))
    for offer in offered:
        found = taken(offer, world.pins)
        assert found == offer["reason"], (offer["name"], found)
        if "text" in offer:
            assert reasons_then(offer, world.pins, NOW) == offer["reasons"], offer["name"]
    head = {"about": ABOUT, "now": NOW, "pins": world.pins}
    return {"codes.json": {**head, "bundles": tokens, "cases": cases}, "bundles.json": {**head, "cases": offered}}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in made().items():
        (FOLDER / name).write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
