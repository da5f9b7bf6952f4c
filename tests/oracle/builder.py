"""Named codes and bundles, hostile ones and unusual good ones, each with the answer docs/wire.md demands.

`make_world(seed, now)` gives the world they are built in; a code is judged with `world.bundle()`, `world.pin` and
`world.now` unless the case says otherwise. Where docs/wire.md can be read in more than one way, the case is in
`open_codes`, not in `hostile_codes`. `well_formed_hostile` gives any number of pseudo-random codes without an answer.
"""

import base64
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .mutations import well_formed_hostile
from .world import (
    ALPHABET,
    DAY,
    HOUR,
    ORDER,
    OTHER_ISSUER,
    URL,
    Pairs,
    Raw,
    World,
    enc,
    head,
    high_s,
    make_world,
    nested,
)

__all__ = [
    "World",
    "hostile_bundles",
    "hostile_codes",
    "hostile_lives",
    "hostile_situations",
    "make_world",
    "open_codes",
    "well_formed_hostile",
]

Case = tuple[str, str, list[str]]
OK = ["ok"]
MALFORMED = ["malformed"]
WRONG_TYPE = ["wrong_type"]
UNKNOWN_ISSUER = ["unknown_issuer"]
NOT_ALLOWED = ["key_not_allowed"]
BAD_SIGNATURE = ["bad_signature"]
STATUS_UNKNOWN = ["status_unknown"]
STATUS_STALE = ["status_stale"]


def hostile_codes(world: World) -> Iterator[Case]:
    """Yield name, document code and reasons, in the order of the steps that the cases are about."""
    yield from _prefix_and_caps(world)
    yield from _envelopes(world)
    yield from _cbor(world)
    yield from _types_and_headers(world)
    yield from _shapes(world)
    yield from _keys(world)
    yield from _signatures(world)
    yield from _times(world)
    yield from _status(world)


# --- Step 1 -----------------------------------------------------------------------------------------


def _prefix_and_caps(world: World) -> Iterator[Case]:
    code = world.code()
    yield "good", code, OK
    yield "good-without-status", world.code(status=None), OK
    yield "empty-text", "", ["not_a_code"]
    yield "prefix-without-colon", "VD1" + code[4:], ["not_a_code"]
    yield "prefix-lower-case", "vd1:" + code[4:], ["not_a_code"]
    yield "prefix-of-another-version", "VD2:" + code[4:], ["not_a_code"]
    yield "prefix-of-a-challenge", "VG1:" + code[4:], ["not_a_code"]
    yield "prefix-of-a-health-certificate", "HC1:" + code[4:], ["not_a_code"]
    yield "prefix-not-first", "X" + code, ["not_a_code"]
    yield "prefix-full-width", "\uff36\uff24\uff11\uff1a" + code[4:], ["not_a_code"]
    yield "a-web-address", "https://vi-so.example/VD1:", ["not_a_code"]
    yield "too-long-and-no-code", "A" * 5000, ["not_a_code"]
    yield "prefix-alone", "VD1:", MALFORMED
    yield "prefix-twice", "VD1:" + code, MALFORMED
    yield "prefix-of-a-live-code", "VL1:" + code[4:], MALFORMED
    yield "text-at-cap", _stored(world, 2861), OK
    yield "text-over-cap", _stored(world, 2862), MALFORMED
    yield "text-far-over-cap", "VD1:" + "A" * 100_000, MALFORMED
    yield "inflated-at-cap", _inflated(world, 4096), OK
    yield "inflated-over-cap", _inflated(world, 4097), MALFORMED
    yield "bomb", world.code(wrap=lambda data: zlib.compress(data + bytes(2_000_000), 9)), MALFORMED


def _stored(world: World, size: int) -> str:
    """Return a good code whose zlib stream, stored and not compressed, has this size."""
    rough = world.message("viso-doc+cwt", {**world.claims(), -5: "x" * 2000})
    padding = 2000 + size - len(zlib.compress(rough, 0))
    return world.code(claims={-5: "x" * padding}, level=0)


def _inflated(world: World, size: int) -> str:
    """Return a good code whose message has this size."""
    padding = 2000 + size - len(world.message("viso-doc+cwt", {**world.claims(), -5: "x" * 2000}))
    return world.code(claims={-5: "x" * padding})


# --- Step 2: Base45, zlib, COSE_Sign1 ---------------------------------------------------------------------


def _envelopes(world: World) -> Iterator[Case]:
    yield "base45-lower-case", world.code(text=str.lower), MALFORMED
    yield "base45-foreign-character", world.code(text=lambda text: text[:9] + "#" + text[10:]), MALFORMED
    yield "base45-line-break-inside", world.code(text=lambda text: text[:9] + "\n" + text[9:]), MALFORMED
    yield "base45-not-ascii", world.code(text=lambda text: text[:9] + "\u0660" + text[10:]), MALFORMED
    yield "base45-one-character-left", world.code(text=lambda text: text[: len(text) // 3 * 3 - 2]), MALFORMED
    yield "base45-triple-too-large", world.code(text=lambda text: "GGW" + text[3:]), MALFORMED
    yield "base45-largest-triple", world.code(text=lambda text: ":::" + text[3:]), MALFORMED
    yield "base45-pair-too-large", world.code(wrap=_of_odd_length, text=_wrapped_pair), MALFORMED
    yield "base45-triple-wraps-around", world.code(text=_wrapped_triple), MALFORMED
    yield "base45-odd-length", world.code(wrap=_of_odd_length), OK

    yield "zlib-missing", world.code(wrap=bytes), MALFORMED
    yield "zlib-raw-deflate", world.code(wrap=lambda data: zlib.compress(data, 9, -15)), MALFORMED
    yield "zlib-gzip", world.code(wrap=lambda data: gzip.compress(data, mtime=0)), MALFORMED
    yield "zlib-byte-behind", world.code(wrap=lambda data: zlib.compress(data) + b"\0"), MALFORMED
    yield "zlib-stream-behind", world.code(wrap=lambda data: zlib.compress(data) + zlib.compress(b"")), MALFORMED
    yield "zlib-cut-off", world.code(wrap=lambda data: zlib.compress(data)[:-1]), MALFORMED
    yield "zlib-without-checksum", world.code(wrap=lambda data: zlib.compress(data)[:-4]), MALFORMED
    yield "zlib-wrong-checksum", world.code(wrap=lambda data: zlib.compress(data)[:-4] + bytes(4)), MALFORMED
    yield "zlib-of-nothing", world.code(wrap=lambda _: zlib.compress(b"")), MALFORMED
    yield "zlib-twice", world.code(wrap=lambda data: zlib.compress(zlib.compress(data))), MALFORMED
    yield "zlib-preset-dictionary", world.code(wrap=_with_dictionary), MALFORMED
    for level in (0, 1, 6):
        yield f"zlib-level-{level}", world.code(level=level), OK
    yield "zlib-small-window", world.code(wrap=lambda data: zlib.compress(data, 9, 9)), OK
    yield "zlib-several-blocks", world.code(wrap=_in_blocks), OK

    yield "cose-untagged", world.code(tag=None), MALFORMED
    yield "cose-tag-17", world.code(tag=17), MALFORMED
    yield "cose-tag-98", world.code(tag=98), MALFORMED
    yield "cose-tag-61", world.code(tag=61), MALFORMED
    yield "cose-tag-61-around-18", world.code(frame=lambda data: head(6, 61) + data), MALFORMED
    yield "cose-tag-18-twice", world.code(frame=lambda data: head(6, 18) + data), MALFORMED
    yield "cose-self-described", world.code(frame=lambda data: head(6, 55799) + data), MALFORMED
    for width in (1, 2, 4, 8):
        bare = world.message("viso-doc+cwt", world.claims(), tag=None)
        yield f"cose-tag-head-{width}", world.code(frame=partial(_instead, head(6, 18, width) + bare)), OK
    yield "cose-byte-behind", world.code(frame=lambda data: data + b"\0"), MALFORMED
    yield "cose-twice", world.code(frame=lambda data: data + data), MALFORMED
    yield "cose-cut-off", world.code(frame=lambda data: data[:-1]), MALFORMED
    yield "cose-tag-alone", world.code(frame=lambda _: b"\xd2"), MALFORMED
    yield "cose-indefinite", world.code(frame=lambda data: b"\xd2\x9f" + data[2:] + b"\xff"), MALFORMED
    yield "cose-three-items", world.code(items=lambda items: items[:3]), MALFORMED
    yield "cose-five-items", world.code(items=lambda items: [*items, b""]), MALFORMED
    yield "cose-empty-array", world.code(items=lambda _: []), MALFORMED
    yield "cose-map", world.code(items=lambda items: dict(enumerate(items))), MALFORMED
    yield "cose-byte-string", world.code(items=enc), MALFORMED
    null = Raw(b"\xf6")
    yield "cose-payload-detached", world.code(items=lambda i: [i[0], i[1], null, i[3]]), MALFORMED
    yield "cose-payload-text", world.code(items=lambda i: [i[0], i[1], "a", i[3]]), MALFORMED
    yield "cose-payload-not-wrapped", world.code(items=lambda i: [i[0], i[1], Raw(i[2]), i[3]]), MALFORMED
    yield "cose-protected-not-wrapped", world.code(items=lambda i: [Raw(i[0]), *i[1:]]), MALFORMED
    yield "cose-signature-text", world.code(items=lambda i: [*i[:3], "a" * 64]), MALFORMED
    yield "cose-unprotected-list", world.code(unprotected=[]), MALFORMED
    yield "cose-unprotected-null", world.code(unprotected=null), MALFORMED
    yield "cose-unprotected-crit", world.code(unprotected={2: [16]}), MALFORMED
    kid = world.keys["doc"].kid
    yield "cose-kid-unprotected", world.code(drop_headers=(4,), unprotected={4: kid}), MALFORMED
    yield "cose-alg-unprotected", world.code(drop_headers=(1,), unprotected={1: -7}), MALFORMED


def _instead(data: bytes, _: bytes) -> bytes:
    return data


def _of_odd_length(data: bytes) -> bytes:
    """Store, in one block or two of five more bytes each, so that the length is odd and the Base45 ends with a pair."""
    parts = [data] if len(data) % 2 == 0 else [data[:9], data[9:]]
    stream = b"\x78\x01"
    for number, part in enumerate(parts, 1):
        size = len(part)
        stream += (
            bytes([number == len(parts)]) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + part
        )
    return stream + zlib.adler32(data).to_bytes(4, "big")


def _wrapped_triple(text: str) -> str:
    """Add 65,536 to the first triple that is small enough: a decoder that cuts to 16 bits would not see it."""
    for at in range(0, len(text) - 2, 3):
        number = sum(ALPHABET.index(text[at + place]) * 45**place for place in range(3)) + 65536
        if number < 45**3:
            wrapped = ALPHABET[number % 45] + ALPHABET[number // 45 % 45] + ALPHABET[number // 2025]
            return text[:at] + wrapped + text[at + 3 :]
    raise ValueError("no small triple")


def _wrapped_pair(text: str) -> str:
    """Add 256 to the last pair: a decoder that cuts to 8 bits would not see it."""
    number = ALPHABET.index(text[-2]) + ALPHABET.index(text[-1]) * 45 + 256
    return text[:-2] + ALPHABET[number % 45] + ALPHABET[number // 45]


def _with_dictionary(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zdict=b"viso-doc+cwt")
    return stream.compress(data) + stream.flush()


def _in_blocks(data: bytes) -> bytes:
    stream = zlib.compressobj(9)
    parts = [stream.compress(data[at : at + 40]) + stream.flush(zlib.Z_FULL_FLUSH) for at in range(0, len(data), 40)]
    return b"".join(parts) + stream.flush()


# --- Step 2: strict CBOR ------------------------------------------------------------------------------------

REFUSED_ITEMS = {
    "float-16": b"\xf9\x3c\x00",
    "float-32": b"\xfa\x3f\x80\x00\x00",
    "float-64": b"\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    "float-nan": b"\xf9\x7e\x00",
    "null": b"\xf6",
    "undefined": b"\xf7",
    "false-in-two-bytes": b"\xf8\x14",
    "break": b"\xff",
    "indefinite-bytes": b"\x5f\x41\x00\xff",
    "indefinite-text": b"\x7f\x61a\xff",
    "indefinite-array": b"\x9f\x00\xff",
    "indefinite-map": b"\xbf\x00\x00\xff",
    "indefinite-empty-array": b"\x9f\xff",
    "integer-2^53": enc(2**53),
    "integer-minus-2^53": enc(-(2**53)),
    "integer-2^64-1": enc(2**64 - 1),
    "integer-minus-2^64": enc(-(2**64)),
    "bignum": b"\xc2\x41\x01",
    "negative-bignum": b"\xc3\x41\x01",
    "tag-0": b"\xc0\x60",
    "tag-1": b"\xc1\x00",
    "tag-18": b"\xd2\x80",
    "tag-24": b"\xd8\x18\x41\x00",
    "tag-61": b"\xd8\x3d\x80",
    "tag-55799": b"\xd9\xd9\xf7\x00",
    "key-twice": b"\xa2\x01\x00\x01\x00",
    "key-twice-text": b"\xa2\x61a\x00\x61a\x00",
    "key-twice-in-two-widths": b"\xa2\x01\x00\x18\x01\x00",
    "key-bytes": b"\xa1\x41\x01\x00",
    "key-true": b"\xa1\xf5\x00",
    "key-null": b"\xa1\xf6\x00",
    "key-float": b"\xa1\xf9\x3c\x00\x00",
    "key-array": b"\xa1\x80\x00",
    "key-map": b"\xa1\xa0\x00",
    "key-tagged": b"\xa1\xc1\x00\x00",
    "key-2^53": b"\xa1" + enc(2**53) + b"\x00",
    "utf-8-lone-continuation": b"\x61\x80",
    "utf-8-cut-off": b"\x61\xe1",
    "utf-8-surrogate": b"\x63\xed\xa0\x80",
    "utf-8-overlong": b"\x62\xc0\x80",
    "utf-8-beyond-unicode": b"\x64\xf4\x90\x80\x80",
    "utf-8-in-key": b"\xa1\x61\xff\x00",
    "reserved-head-28": b"\x1c",
    "reserved-head-29": b"\x5d",
    "reserved-head-30": b"\x9e",
    "reserved-head-31-integer": b"\x1f",
    "endless-array": b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    "endless-map": b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
    "endless-bytes": b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    "endless-text": b"\x7a\xff\xff\xff\xff",
}
ACCEPTED_ITEMS = {
    "integer-2^53-1": enc(2**53 - 1),
    "integer-minus-2^53-1": enc(-(2**53 - 1)),
    "integer-wide": enc(1, 8),
    "negative-wide": enc(-1, 8),
    "bytes-wide": enc(b"\1\2", 8),
    "text-wide": enc("ab", 8),
    "array-wide": enc([1], 8),
    "map-wide": enc({1: 2}, 8),
    "true": b"\xf5",
    "false": b"\xf4",
    "empty-text": b"\x60",
    "empty-bytes": b"\x40",
    "empty-array": b"\x80",
    "empty-map": b"\xa0",
    "text-with-nul": b"\x61\x00",
    "text-beyond-the-first-plane": enc("\U0001f600"),
    "map-unsorted": b"\xa3\x61b\x00\x02\x00\x01\x00",
    "map-integer-and-text-one": b"\xa2\x01\x00\x611\x00",
    "bytes-holding-null": b"\x41\xf6",
}


def _cbor(world: World) -> Iterator[Case]:
    for items, answer in ((REFUSED_ITEMS, MALFORMED), (ACCEPTED_ITEMS, OK)):
        for name, data in items.items():
            item = Raw(data)
            yield f"{name}-in-compact-claim", world.code(values={1: "A", 9: item}), answer
            yield f"{name}-in-unknown-claim", world.code(claims={-99: item}), answer
            yield f"{name}-in-unknown-header", world.code(headers={99: item}), answer
    for width in (1, 2, 4, 8):
        yield f"all-heads-{width}", world.code(width=width), OK
    claims, kid = world.claims(), world.keys["doc"].kid
    backwards = Pairs(tuple(reversed(claims.items())))
    yield "payload-unsorted", world.code(payload=backwards), OK
    header = Pairs(((16, "viso-doc+cwt"), (4, kid), (1, -7)))
    yield "headers-unsorted", world.code(protected=enc(header)), OK
    body = Pairs(tuple(reversed(world.body().items())))
    yield "body-unsorted", world.code(body=body), OK
    yield "payload-key-twice", world.code(payload=Pairs((*claims.items(), (6, world.now)))), MALFORMED
    yield "payload-key-twice-same", world.code(payload=Pairs((*claims.items(), (1, "VN-MAU")))), MALFORMED
    wide_key = Raw(head(0, 1, 1))
    yield "payload-key-twice-wide", world.code(payload=Pairs((*claims.items(), (wide_key, "VN-MAU")))), MALFORMED
    yield "headers-key-twice", world.code(protected=enc(Pairs((*header.pairs, (4, kid))))), MALFORMED
    yield "payload-empty", world.code(payload=b""), MALFORMED
    yield "payload-array", world.code(payload=[1]), MALFORMED
    yield "payload-byte-behind", world.code(payload=enc(claims) + b"\0"), MALFORMED
    yield "payload-cut-off", world.code(payload=enc(claims)[:-1]), MALFORMED
    yield "payload-indefinite", world.code(payload=b"\xbf" + enc(claims)[1:] + b"\xff"), MALFORMED
    yield "payload-tagged-61", world.code(payload=head(6, 61) + enc(claims)), MALFORMED
    yield "headers-empty-string", world.code(protected=b""), MALFORMED
    yield "headers-empty-map", world.code(protected=b"\xa0"), MALFORMED
    yield "headers-array", world.code(protected=b"\x80"), MALFORMED
    yield "headers-byte-behind", world.code(protected=enc(header) + b"\0"), MALFORMED
    # the payload is level 1, its claim -70000 level 2, the compact claims level 3
    yield "depth-8-in-compact-claim", world.code(values={9: nested(5)}), OK
    yield "depth-9-in-compact-claim", world.code(values={9: nested(6)}), MALFORMED
    yield "depth-8-in-unknown-claim", world.code(claims={-99: nested(7)}), OK
    yield "depth-9-in-unknown-claim", world.code(claims={-99: nested(8)}), MALFORMED
    yield "depth-8-of-maps", world.code(claims={-99: {1: {1: {1: {1: {1: {1: {1: 1}}}}}}}}), OK
    yield "depth-9-of-maps", world.code(claims={-99: {1: {1: {1: {1: {1: {1: {1: {}}}}}}}}}), MALFORMED
    yield "depth-8-in-unknown-header", world.code(headers={99: nested(7)}), OK
    yield "depth-9-in-unknown-header", world.code(headers={99: nested(8)}), MALFORMED
    yield "depth-1000", world.code(claims={-99: nested(1000)}), MALFORMED
    yield "depth-3000", world.code(payload=b"\x81" * 3000 + b"\x00"), MALFORMED


# --- Step 2: typ, headers, shape --------------------------------------------------------------------------------


def _types_and_headers(world: World) -> Iterator[Case]:
    for name, typ in (
        ("of-a-card", "viso-card+cwt"),
        ("of-a-live-token", "viso-live+cwt"),
        ("of-a-status-list", "application/statuslist+cwt"),
        ("upper-case", "VISO-DOC+CWT"),
        ("as-media-type", "application/viso-doc+cwt"),
        ("space-behind", "viso-doc+cwt "),
        ("empty", ""),
    ):
        yield f"typ-{name}", world.code(typ=typ), WRONG_TYPE
    yield "typ-wrong-and-claims-missing", world.code(typ="viso-card+cwt", payload={}), WRONG_TYPE
    yield "typ-wrong-and-signature-wrong", world.code(typ="viso-card+cwt", signature=bytes(64)), WRONG_TYPE
    yield "typ-wrong-and-signer-unknown", world.code(typ="viso-card+cwt", key="stranger"), WRONG_TYPE
    yield "typ-missing", world.code(drop_headers=(16,)), MALFORMED
    yield "typ-number", world.code(typ=61), MALFORMED
    yield "typ-bytes", world.code(typ=b"viso-doc+cwt"), MALFORMED
    yield "alg-missing", world.code(drop_headers=(1,)), MALFORMED
    yield "alg-text", world.code(alg="ES256"), MALFORMED
    yield "alg-bytes", world.code(alg=b"\x26"), MALFORMED
    yield "alg-true", world.code(alg=True), MALFORMED
    yield "kid-missing", world.code(drop_headers=(4,)), MALFORMED
    yield "kid-text", world.code(kid=world.keys["doc"].kid.hex()), MALFORMED
    yield "kid-number", world.code(kid=1), MALFORMED
    yield "kid-list", world.code(kid=[world.keys["doc"].kid]), MALFORMED
    yield "crit-empty", world.code(headers={2: []}), MALFORMED
    yield "crit-known", world.code(headers={2: [16]}), MALFORMED
    yield "crit-unknown", world.code(headers={2: [99], 99: 1}), MALFORMED
    yield "crit-number", world.code(headers={2: 1}), MALFORMED
    yield "headers-unknown", world.code(headers={3: 61, 33: [b"a"], -65537: {1: 2}, "x": "y"}), OK


def _shapes(world: World) -> Iterator[Case]:
    for label in (1, 4, 6, 7, -70000):
        yield f"claim-{label}-missing", world.code(drop=(label,)), MALFORMED
    for label in (1, 2, 3):
        yield f"body-{label}-missing", world.code(drop_body=(label,)), MALFORMED
    yield "body-4-missing", world.code(drop_body=(4,)), OK
    wrong: tuple[Any, ...]
    for label, wrong in (
        (1, (1, b"VN-MAU", ["VN-MAU"], True)),
        (6, ("1", -1, True, [1], b"\1")),
        (4, ("9", -1, True, {}, b"\1")),
        (7, ("a" * 16, b"", b"1" * 15, b"1" * 17, 1)),
        (3, (1, b"A", ["A"], False)),
        (65535, (1, "x", [], True)),
        (-70000, (1, "x", [1, 2, 3], b"\xa0", {})),
    ):
        for number, value in enumerate(wrong):
            yield f"claim-{label}-wrong-{number}", world.code(claims={label: value}), MALFORMED
    for label, wrong in (
        (1, (1, b"residence", ["residence"])),
        (2, ("1", -1, True, [1])),
        (3, ([], "x", 1, b"\xa0")),
        (4, (b"", b"1" * 31, b"1" * 33, "1" * 32, 1)),
    ):
        for number, value in enumerate(wrong):
            yield f"body-{label}-wrong-{number}", world.code(body={label: value}), MALFORMED
    uri = URL + "main"
    for number, value in enumerate(
        (
            "x",
            [],
            {},
            {"idx": 0},
            {"uri": uri},
            {"idx": "0", "uri": uri},
            {"idx": -1, "uri": uri},
            {"idx": False, "uri": uri},
            {"idx": 0, "uri": 1},
            {"idx": 0, "uri": uri.encode()},
            {"idx": 0, "uri": [uri]},
        )
    ):
        yield f"status-wrong-{number}", world.code(claims={65535: {"status_list": value}}), MALFORMED
    yield "times-equal", world.code(claims={4: world.now - HOUR}), MALFORMED
    yield "times-swapped", world.code(claims={4: world.now - 2 * HOUR}), MALFORMED
    yield "claims-unknown", world.code(claims={2: "a subject", 5: "x", 8: 1, "x": {"y": [1]}, -99: True}), OK
    yield "body-unknown", world.code(body={5: "x", "y": 1, -1: []}), OK
    yield "compact-claims-none", world.code(body={3: {}}), OK
    yield "compact-claim-not-in-table", world.code(values={1: "A", 99: "x", 2**53 - 1: 1}), OK
    yield "compact-claims-nested", world.code(values={99: {"a": [1, {2: b"\0"}]}, 98: -1, 97: b"x"}), OK
    yield "type-not-in-table", world.code(body={1: "study", 2: 3}), OK
    yield "version-not-in-table", world.code(body={2: 99}), OK
    entry = {"idx": 0, "uri": uri, "x": 1}
    yield "status-unknown-members", world.code(claims={65535: {"status_list": entry, "other": {}}}), OK
    yield "document-id-of-zeros", world.code(claims={7: bytes(16)}), OK


# --- Steps 3 and 4 --------------------------------------------------------------------------------------------


def _keys(world: World) -> Iterator[Case]:
    now, keys = world.now, world.keys
    yield "issuer-not-in-bundle", world.code(claims={1: "VN-KHONG-CO"}), UNKNOWN_ISSUER
    yield "issuer-lower-case", world.code(claims={1: "vn-mau"}), UNKNOWN_ISSUER
    yield "issuer-empty", world.code(claims={1: ""}), UNKNOWN_ISSUER
    yield "issuer-of-another-key", world.code(claims={1: OTHER_ISSUER}), UNKNOWN_ISSUER
    yield "key-of-another-issuer", world.code(key="doc_of_other"), UNKNOWN_ISSUER
    yield "key-not-in-bundle", world.code(key="stranger"), UNKNOWN_ISSUER
    yield "kid-of-zeros", world.code(kid=bytes(8)), UNKNOWN_ISSUER
    yield "kid-reversed", world.code(kid=keys["doc"].kid[::-1]), UNKNOWN_ISSUER
    yield "key-unknown-and-expired", world.code(key="stranger", claims={4: now - DAY, 6: now - 2 * DAY}), UNKNOWN_ISSUER
    for role in ("card", "live", "status", "sdjwt", "mdoc"):
        yield f"key-role-{role}", world.code(key=role), NOT_ALLOWED
    yield "key-role-card-and-signature-wrong", world.code(key="card", signature=bytes(64)), NOT_ALLOWED
    yield "key-for-another-utility", world.code(key="doc_study"), NOT_ALLOWED
    yield "key-for-no-utility", world.code(key="doc_no_utility"), NOT_ALLOWED
    yield "key-utility-upper-case", world.code(key="doc_residence", body={1: "Residence"}), NOT_ALLOWED
    yield "key-utility-star", world.code(key="doc_study", body={1: "*"}), NOT_ALLOWED
    yield "key-for-this-utility", world.code(key="doc_residence"), OK
    yield "key-for-the-second-utility", world.code(key="doc_residence", body={1: "study"}), OK
    yield "key-revoked", world.code(key="doc_revoked"), NOT_ALLOWED
    yield "key-published", world.code(key="doc_published"), OK
    yield "key-retired", world.code(key="doc_retired"), OK
    yield "key-without-alg", world.code(key="doc_without_alg"), OK
    for name, iat, answer in (
        ("at-not-before", now - 2 * HOUR, OK),
        ("before-not-before", now - 2 * HOUR - 1, NOT_ALLOWED),
        ("at-not-after", now - HOUR, OK),
        ("after-not-after", now - HOUR + 1, NOT_ALLOWED),
    ):
        yield f"iat-{name}", world.code(key="doc_window", claims={6: iat}), answer
    end = now + 10 * DAY
    yield "exp-at-end-of-certificate", world.code(key="doc_cert_end", claims={4: end}), OK
    yield "exp-after-end-of-certificate", world.code(key="doc_cert_end", claims={4: end + 1}), NOT_ALLOWED
    last = 2**53 - 1
    yield "exp-last-integer", world.code(claims={4: last}), NOT_ALLOWED
    yield "iat-and-exp-last-integers", world.code(claims={6: last - 1, 4: last}), NOT_ALLOWED
    yield "iat-zero", world.code(claims={6: 0}), NOT_ALLOWED
    for alg in (-8, -35, -36, -37, -47, -257, 5, 0):
        yield f"alg-{alg}", world.code(alg=alg), NOT_ALLOWED
    yield "key-of-another-algorithm", world.code(key="doc_es384"), NOT_ALLOWED
    other = {1: OTHER_ISSUER}
    yield "other-issuer", world.code(key="doc_of_other", claims=other, status=None), OK
    yield "other-issuer-own-list", world.code(key="doc_of_other", claims=other, status=("other-issuer", 0)), OK
    yield "other-issuer-foreign-list", world.code(key="doc_of_other", claims=other), STATUS_UNKNOWN


def _signatures(world: World) -> Iterator[Case]:
    now, kid = world.now, world.keys["doc"].kid
    zeros, order = bytes(32), ORDER.to_bytes(32, "big")
    yield "signature-high-or-low-s", world.code(signature=high_s), OK
    yield "signature-by-a-stranger", world.code(key="stranger", kid=kid), BAD_SIGNATURE
    yield "signature-by-another-key", world.code(key="doc_retired", kid=kid), BAD_SIGNATURE
    yield "signature-first-bit", world.code(signature=lambda s: bytes([s[0] ^ 128]) + s[1:]), BAD_SIGNATURE
    yield "signature-last-bit", world.code(signature=lambda s: s[:-1] + bytes([s[-1] ^ 1])), BAD_SIGNATURE
    yield "signature-of-zeros", world.code(signature=bytes(64)), BAD_SIGNATURE
    yield "signature-of-ones", world.code(signature=b"\xff" * 64), BAD_SIGNATURE
    yield "signature-r-zero", world.code(signature=lambda s: zeros + s[32:]), BAD_SIGNATURE
    yield "signature-s-zero", world.code(signature=lambda s: s[:32] + zeros), BAD_SIGNATURE
    yield "signature-s-order", world.code(signature=lambda s: s[:32] + order), BAD_SIGNATURE
    yield "signature-r-order", world.code(signature=lambda s: order + s[32:]), BAD_SIGNATURE
    yield "signature-one-one", world.code(signature=(zeros[:31] + b"\1") * 2), BAD_SIGNATURE
    yield "signature-r-and-s-swapped", world.code(signature=lambda s: s[32:] + s[:32]), BAD_SIGNATURE
    yield "signature-little-endian", world.code(signature=lambda s: s[31::-1] + s[:31:-1]), BAD_SIGNATURE
    yield "signature-with-external-aad", world.code(aad=b"x"), BAD_SIGNATURE
    yield "signature-of-another-context", world.code(context="Signature"), BAD_SIGNATURE
    longer = enc({**world.claims(), 4: now + 200 * DAY})
    yield "payload-changed", world.code(items=lambda i: [i[0], i[1], longer, i[3]]), BAD_SIGNATURE
    rewritten = enc(world.claims(), 8)
    yield "payload-rewritten", world.code(items=lambda i: [i[0], i[1], rewritten, i[3]]), BAD_SIGNATURE
    headers = enc({1: -7, 4: kid, 16: "viso-doc+cwt", 99: 1})
    yield "headers-changed", world.code(items=lambda i: [headers, *i[1:]]), BAD_SIGNATURE
    expired = {6: now - 2 * DAY, 4: now - DAY}
    yield "signature-wrong-and-expired", world.code(signature=bytes(64), claims=expired), BAD_SIGNATURE
    yield "signature-wrong-and-revoked", world.code(signature=bytes(64), status=("main", 1)), BAD_SIGNATURE


# --- Steps 5 and 6 ----------------------------------------------------------------------------------------------


def _times(world: World) -> Iterator[Case]:
    now = world.now
    yield "iat-at-skew", world.code(claims={6: now + 60}), OK
    yield "iat-beyond-skew", world.code(claims={6: now + 61}), ["not_yet_valid"]
    yield "exp-within-skew", world.code(claims={4: now - 59}), OK
    yield "exp-at-skew", world.code(claims={4: now - 60}), ["expired"]
    yield "expired-long-ago", world.code(claims={6: now - 20 * DAY, 4: now - 10 * DAY}), ["expired"]
    yield "iat-far-ahead", world.code(claims={6: now + 9 * DAY}), ["not_yet_valid"]
    yield "expired-and-revoked", world.code(claims={4: now - 60}, status=("main", 1)), ["expired", "revoked"]
    early = world.code(claims={6: now + 61}, status=("main", 2))
    yield "early-and-suspended", early, ["not_yet_valid", "suspended"]
    lost = world.code(claims={4: now - 60}, status=("nowhere", 0))
    yield "expired-and-status-unknown", lost, ["expired", "status_unknown"]
    yield "expired-and-status-stale", world.code(claims={4: now - 60}, status=("stale", 0)), ["expired", "status_stale"]


STATUS_CASES: tuple[tuple[str, int, list[str]], ...] = (
    ("main", 0, OK),
    ("main", 1, ["revoked"]),
    ("main", 2, ["suspended"]),
    ("main", 3, STATUS_UNKNOWN),
    ("main", 4, STATUS_UNKNOWN),
    ("main", 2**32, STATUS_UNKNOWN),
    ("main", 2**53 - 1, STATUS_UNKNOWN),
    ("bits-1", 0, OK),
    ("bits-1", 1, ["revoked"]),
    ("bits-1", 9, ["revoked"]),
    ("bits-1", 15, OK),
    ("bits-1", 16, STATUS_UNKNOWN),
    ("bits-4", 1, ["revoked"]),
    ("bits-4", 2, ["suspended"]),
    ("bits-4", 4, STATUS_UNKNOWN),
    ("bits-8", 0, OK),
    ("bits-8", 1, ["revoked"]),
    ("bits-8", 2, ["suspended"]),
    ("bits-8", 4, STATUS_UNKNOWN),
    ("bits-8", 5, STATUS_UNKNOWN),
    ("level-0", 1, ["revoked"]),
    ("large", 0, OK),
    ("large", 999_999, ["revoked"]),
    ("large", 1_000_000, STATUS_UNKNOWN),
    ("at-cap", 16_777_215, OK),
    ("at-cap", 16_777_216, STATUS_UNKNOWN),
    ("over-cap", 0, STATUS_UNKNOWN),
    ("empty", 0, STATUS_UNKNOWN),
    ("stale", 0, STATUS_STALE),
    ("stale", 2, STATUS_STALE),
    ("stale-now", 0, STATUS_STALE),
    ("fresh-for-a-second", 0, OK),
    ("iat-plus-60", 0, OK),
    ("iat-plus-61", 0, STATUS_UNKNOWN),
    ("retired-key", 0, OK),
    ("revoked-key", 0, STATUS_UNKNOWN),
    ("ended-key", 0, STATUS_UNKNOWN),
    ("doc-key", 0, STATUS_UNKNOWN),
    ("stranger-key", 0, STATUS_UNKNOWN),
    ("other-issuer", 0, STATUS_UNKNOWN),
    ("forged", 0, STATUS_UNKNOWN),
    ("forged", 1, STATUS_UNKNOWN),
    ("high-s", 1, ["revoked"]),
    ("wrong-typ", 0, STATUS_UNKNOWN),
    ("long-typ", 0, STATUS_UNKNOWN),
    ("no-typ", 0, STATUS_UNKNOWN),
    ("no-kid", 0, STATUS_UNKNOWN),
    ("crit", 0, STATUS_UNKNOWN),
    ("alg-none", 0, STATUS_UNKNOWN),
    ("unknown-members", 0, OK),
    ("unknown-members", 1, ["revoked"]),
    ("not-zlib", 0, STATUS_UNKNOWN),
    ("cut-zlib", 0, STATUS_UNKNOWN),
    ("not-base64url", 0, STATUS_UNKNOWN),
    ("bits-3", 0, STATUS_UNKNOWN),
    ("no-lst", 0, STATUS_UNKNOWN),
    ("revoked-since", 0, ["revoked"]),
    ("resumed-since", 0, OK),
    ("forged-newer", 0, OK),
    ("broken-newer", 0, STATUS_UNKNOWN),
    ("stale-newer", 0, STATUS_STALE),
    ("nowhere", 0, STATUS_UNKNOWN),
    ("MAIN", 0, STATUS_UNKNOWN),
    ("main/", 0, STATUS_UNKNOWN),
    ("main ", 0, STATUS_UNKNOWN),
    ("name-not-sub", 0, STATUS_UNKNOWN),
    ("not-a-token", 0, STATUS_UNKNOWN),
)


def _status(world: World) -> Iterator[Case]:
    for name, index, answer in STATUS_CASES:
        yield f"status-{name}-{index}", world.code(status=(name, index)), answer
    other = {"identifier_list": {"id": b"\1", "uri": URL + "main"}}
    yield "status-by-another-mechanism", world.code(claims={65535: other}), STATUS_UNKNOWN
    yield "status-uri-empty", world.code(claims={65535: {"status_list": {"idx": 0, "uri": ""}}}), STATUS_UNKNOWN


# --- Where docs/wire.md leaves room --------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenCase:
    """A code whose answer depends on the reading; answers: what a careful reader may say, this oracle's own first."""

    name: str
    code: str
    answers: tuple[list[str], ...]


def open_codes(world: World) -> Iterator[OpenCase]:
    """Yield the codes for which docs/wire.md does not settle one answer."""
    kid = world.keys["doc"].kid
    refused_or_not = (MALFORMED, OK)
    yield OpenCase("text-not-nfc", world.code(values={1: "Nguye\u0302\u0303n"}), (OK, MALFORMED))
    for name, data in (("0", b"\xe0"), ("19", b"\xf3"), ("32", b"\xf8\x20"), ("255", b"\xf8\xff")):
        yield OpenCase(f"simple-value-{name}", world.code(claims={-99: Raw(data)}), refused_or_not)
    yield OpenCase("unprotected-unknown", world.code(unprotected={99: 1}), refused_or_not)
    yield OpenCase("unprotected-kid-again", world.code(unprotected={4: kid}), refused_or_not)
    yield OpenCase("kid-of-7-bytes", world.code(kid=kid[:7]), (MALFORMED, UNKNOWN_ISSUER))
    yield OpenCase("kid-of-9-bytes", world.code(kid=kid + b"\0"), (MALFORMED, UNKNOWN_ISSUER))
    yield OpenCase("kid-empty", world.code(kid=b""), (MALFORMED, UNKNOWN_ISSUER))
    for size in (0, 63, 65, 96):
        wrong = world.code(signature=lambda right, size=size: (right + bytes(32))[:size])
        yield OpenCase(f"signature-of-{size}-bytes", wrong, (BAD_SIGNATURE, MALFORMED))
    yield OpenCase("typ-wrong-and-crit", world.code(typ="viso-card+cwt", headers={2: [99]}), (WRONG_TYPE, MALFORMED))
    yield OpenCase("typ-wrong-and-alg-missing", world.code(typ="x", drop_headers=(1,)), (WRONG_TYPE, MALFORMED))
    null = Raw(b"\xf6")
    yield OpenCase("typ-wrong-and-null", world.code(typ="x", claims={-99: null}), (MALFORMED, WRONG_TYPE))
    yield OpenCase("compact-claim-text-key", world.code(values={1: "A", "x": 1}), refused_or_not)
    yield OpenCase("compact-claim-negative-key", world.code(values={1: "A", -1: 1}), refused_or_not)
    yield OpenCase("compact-claim-of-another-kind", world.code(values={1: [1], 7: "x", 4: b"x"}), (OK, MALFORMED))
    yield OpenCase("status-empty-map", world.code(claims={65535: {}}), (STATUS_UNKNOWN, MALFORMED))
    both = ["status_stale", "revoked"]
    yield OpenCase("stale-and-revoked", world.code(status=("stale", 1)), (both, ["revoked"]))
    also = ["status_stale", "status_unknown"]
    yield OpenCase("stale-and-never-written", world.code(status=("stale", 3)), (STATUS_STALE, also, STATUS_UNKNOWN))
    yield OpenCase("stale-and-out-of-range", world.code(status=("stale", 99)), (STATUS_STALE, also, STATUS_UNKNOWN))
    yield OpenCase("list-without-exp", world.code(status=("no-exp", 0)), (STATUS_UNKNOWN, OK, STATUS_STALE))
    yield OpenCase("list-without-ttl", world.code(status=("no-ttl", 0)), (STATUS_UNKNOWN, OK))
    yield OpenCase("list-bytes-behind", world.code(status=("behind-zlib", 0)), (STATUS_UNKNOWN, OK))
    yield OpenCase("list-beyond-certificate", world.code(status=("beyond-certificate", 0)), (STATUS_UNKNOWN, OK))
    yield OpenCase("list-entry-named-otherwise", world.code(status=("sub-not-name", 0)), (OK, STATUS_UNKNOWN))
    named = (["policy_refused"], OK, ["ok", "policy_refused"])
    yield OpenCase("recipient-and-nameless-verifier", world.code(claims={3: "Trường Mẫu"}), named)
    yield OpenCase("white-space-around", f" \r\n{world.code()}\t\n", (OK, ["not_a_code"]))


# --- Other bundles, other moments ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Situation:
    """A code, a bundle and a moment, with the reasons."""

    name: str
    code: str
    bundle: str
    now: int
    reasons: list[str]


def hostile_situations(world: World) -> Iterator[Situation]:
    """Yield what depends on the bundle or on the moment."""
    now, bundle = world.now, world.bundle()
    end = now + 70 * HOUR
    stateless = world.code(status=None)
    yield Situation("bundle-to-be-renewed", stateless, bundle, now + 30 * HOUR, OK)
    yield Situation("bundle-last-second", stateless, bundle, end - 1, OK)
    yield Situation("bundle-stale", stateless, bundle, end, ["trust_stale"])
    yield Situation("bundle-long-stale", stateless, bundle, end + 90 * DAY, ["trust_stale"])
    later = end + 10
    yield Situation("bundle-and-list-stale", world.code(), bundle, later, ["trust_stale", "status_stale"])
    revoked = world.bundle(claims={"exp": now})
    yield Situation("stale-and-revoked", world.code(status=("main", 1)), revoked, now, ["trust_stale", "revoked"])
    yield Situation("stale-and-suspended", world.code(status=("main", 2)), revoked, now, ["trust_stale", "suspended"])
    unknown = ["trust_stale", "unknown_issuer"]
    yield Situation("stale-and-unknown", world.code(key="stranger"), bundle, later, unknown)
    not_allowed = ["trust_stale", "key_not_allowed"]
    yield Situation("stale-and-not-allowed", world.code(key="card"), bundle, later, not_allowed)
    forged = ["trust_stale", "bad_signature"]
    yield Situation("stale-and-forged", world.code(signature=bytes(64)), bundle, later, forged)
    yield Situation("stale-and-malformed", "VD1:A", bundle, later, MALFORMED)
    yield Situation("stale-and-wrong-type", world.code(typ="x"), bundle, later, WRONG_TYPE)
    gone = world.bundle(leave_out=("doc",))
    yield Situation("key-no-longer-listed", world.code(), gone, now, UNKNOWN_ISSUER)
    withdrawn = world.bundle(keys={"doc": {"state": "revoked"}})
    yield Situation("key-revoked-since", world.code(), withdrawn, now, NOT_ALLOWED)
    silent = world.bundle(keys={"status": {"state": "revoked"}})
    yield Situation("status-key-revoked-since", world.code(), silent, now, STATUS_UNKNOWN)
    no_lists = world.bundle(claims={"status_lists": []})
    yield Situation("no-lists", world.code(), no_lists, now, STATUS_UNKNOWN)
    endless = world.bundle(claims={"exp": 2**53 - 1, "next_update": 2**53 - 1}, keys={"doc": {"not_after": 2**53 - 1}})
    yield Situation("bundle-without-end", world.code(), endless, now, OK)
    yield Situation("no-lists-needed", stateless, no_lists, now, OK)
    yield Situation("no-issuers", world.code(), world.bundle(claims={"issuers": []}), now, UNKNOWN_ISSUER)
    yield Situation("no-types", world.code(), world.bundle(claims={"types": []}), now, OK)
    for state in ("published", "active", "retired"):
        told = world.bundle(keys={"doc": {"state": state}})
        yield Situation(f"state-{state}", world.code(), told, now, OK)


def hostile_bundles(world: World) -> Iterator[tuple[str, str, bool]]:
    """Yield name, bundle, and whether a verifier that has `world.pin` and holds none yet takes it at `world.now`."""
    now = world.now
    yield "good", world.bundle(), True
    yield "first", world.bundle(drop=("prev",), claims={"seq": 1}), True
    yield "stale", world.bundle(claims={"exp": now - DAY}), True
    yield "iat-at-skew", world.bundle(claims={"iat": now + 60}), True
    yield "iat-beyond-skew", world.bundle(claims={"iat": now + 61}), False
    yield "another-root", world.bundle(key="stranger"), False
    yield "x5c-missing", world.bundle(drop_header=("x5c",)), False
    yield "x5c-empty", world.bundle(header={"x5c": []}), False
    root = _x5c(world, "root")
    yield "pinned-root-but-another-signer", world.bundle(key="stranger", header={"x5c": root}), False
    behind = [*_x5c(world, "stranger"), *root]
    yield "pinned-root-not-first", world.bundle(key="stranger", header={"x5c": behind}), False
    yield "signature-high-or-low-s", world.bundle(signature=high_s), True
    yield "signature-flipped", world.bundle(signature=lambda s: s[:-1] + bytes([s[-1] ^ 1])), False
    yield "signature-empty", world.bundle(signature=lambda _: b""), False
    yield "signature-of-zeros", world.bundle(signature=lambda _: bytes(64)), False
    yield "typ-missing", world.bundle(drop_header=("typ",)), False
    yield "typ-of-a-list", world.bundle(header={"typ": "statuslist+jwt"}), False
    yield "typ-upper-case", world.bundle(header={"typ": "VISO-BUNDLE+JWT"}), False
    yield "typ-as-media-type", world.bundle(header={"typ": "application/viso-bundle+jwt"}), False
    yield "alg-none", world.bundle(header={"alg": "none"}), False
    yield "alg-missing", world.bundle(drop_header=("alg",)), False
    yield "alg-hs256", world.bundle(header={"alg": "HS256"}), False
    yield "alg-es384", world.bundle(header={"alg": "ES384"}), False
    yield "crit", world.bundle(header={"crit": ["exp"]}), False
    yield "header-unknown", world.bundle(header={"jku": "https://x.example", "n": 1.5}), True
    yield "members-unknown", world.bundle(claims={"x": {"y": None}, "z": 1.5}), True
    for member in ("iss", "iat", "exp", "next_update", "seq", "issuers", "status_lists", "types"):
        yield f"{member}-missing", world.bundle(drop=(member,)), False
        yield f"{member}-wrong", world.bundle(claims={member: {"x": 1}}), False
    for member in ("kid", "x5c", "not_before", "not_after", "utilities", "roles", "state"):
        yield f"key-{member}-wrong", world.bundle(keys={"doc": {member: {"x": 1}}}), False
    yield "prev-wrong", world.bundle(claims={"prev": 1}), False
    yield "iat-text", world.bundle(claims={"iat": str(now)}), False
    yield "iat-true", world.bundle(claims={"iat": True}), False
    yield "iat-fraction", world.bundle(claims={"iat": now + 0.5}), False
    kid = world.keys["doc"].kid.hex()
    yield "kid-upper-case", world.bundle(keys={"doc": {"kid": kid.upper()}}), False
    yield "kid-longer", world.bundle(keys={"doc": {"kid": kid + "00"}}), False
    yield "kid-of-another-key", world.bundle(keys={"doc": {"kid": world.keys["card"].kid.hex()}}), False
    yield "certificate-of-another-key", world.bundle(keys={"doc": {"x5c": _x5c(world, "stranger")}}), False
    yield "certificate-missing", world.bundle(keys={"doc": {"x5c": []}}), False
    yield "certificate-not-base64", world.bundle(keys={"doc": {"x5c": ["*"]}}), False
    longer = {"doc": {"x5c": [*_x5c(world, "doc"), *_x5c(world, "root")]}}
    yield "certificate-chain", world.bundle(keys=longer), True
    yield "payload-not-json", world.bundle(payload=b"\xa0"), False
    yield "payload-list", world.bundle(payload=b"[]"), False
    yield "payload-empty", world.bundle(payload=b""), False
    yield "payload-nested", world.bundle(payload=b"[" * 100_000), False
    good = world.bundle()
    yield "padded", good + "=", False
    yield "two-parts", good.rpartition(".")[0], False
    yield "four-parts", good + ".", False
    yield "empty", "", False
    yield "not-ascii", "\u0660" + good, False


def _x5c(world: World, name: str) -> list[str]:
    return [base64.b64encode(world.keys[name].der).decode("ascii")]


# --- Live codes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LiveCase:
    """A live code, what the reader's gate is and has demanded, and the answers: this oracle's own first."""

    name: str
    code: str
    answers: tuple[list[str], ...]
    gate_id: str | None = None
    demanded: bool = False
    nonce: bytes | None = None


def hostile_lives(world: World) -> Iterator[LiveCase]:
    """Yield live codes, each for a gate that has seen nothing yet; with several answers docs/wire.md leaves room."""
    yield from _live_envelopes(world)
    yield from _live_cards(world)
    yield from _live_devices(world)
    yield from _live_gates(world)


def _live_envelopes(world: World) -> Iterator[LiveCase]:
    def case(name: str, answer: list[str], **changes: Any) -> LiveCase:
        return LiveCase(name, world.live(**changes), (answer,))

    yield case("good", OK)
    yield case("prefix-of-a-document", MALFORMED, prefix="VD1:")
    yield case("prefix-lower-case", ["not_a_code"], prefix="vl1:")
    yield case("compressed", MALFORMED, frame=zlib.compress)
    yield case("outer-untagged", MALFORMED, tag=None)
    yield case("outer-byte-behind", MALFORMED, frame=lambda data: data + b"\0")
    yield case("outer-wide", OK, width=8)
    yield case("outer-typ-of-a-card", WRONG_TYPE, typ="viso-card+cwt")
    yield case("outer-typ-of-a-document", WRONG_TYPE, typ="viso-doc+cwt")
    yield case("outer-typ-missing", MALFORMED, drop_headers=(4, 16))
    yield case("outer-alg-missing", MALFORMED, drop_headers=(1, 4))
    yield case("outer-crit", MALFORMED, headers={2: [99]})
    yield case("outer-kid-ignored", OK, headers={99: 1}, drop_headers=())
    for label in (6, 4, -70010):
        yield case(f"outer-{label}-missing", MALFORMED, drop=(label,))
    wrong = ((6, "1"), (4, True), (3, 1), (10, "12345678"), (10, b"1" * 7), (10, b"1" * 9), (-70010, "x"))
    for number, (label, value) in enumerate(wrong):
        yield case(f"outer-wrong-{number}", MALFORMED, claims={label: value})
    yield case("outer-null", MALFORMED, claims={-99: Raw(b"\xf6")})
    yield case("outer-unknown", OK, claims={-99: [1], "x": "y", 1: 5})
    now = world.now
    yield case("outer-60-seconds", OK, claims={6: now - 5, 4: now + 55})
    yield case("outer-61-seconds", MALFORMED, claims={6: now - 5, 4: now + 56})
    yield case("outer-times-equal", MALFORMED, claims={6: now, 4: now})
    yield case("outer-times-swapped", MALFORMED, claims={6: now, 4: now - 1})
    yield case("inner-empty", MALFORMED, inner=b"")
    yield case("inner-untagged", MALFORMED, inner=world.card(tag=None))
    yield case("inner-byte-behind", MALFORMED, inner=world.card() + b"\0")
    yield case("inner-not-wrapped", MALFORMED, inner=Raw(world.card()))
    yield case("inner-a-document", WRONG_TYPE, inner=world.message("viso-doc+cwt", world.claims()))
    yield case("inner-a-live-token", WRONG_TYPE, inner=world.card(typ="viso-live+cwt"))


def _live_cards(world: World) -> Iterator[LiveCase]:
    now = world.now

    def case(name: str, answer: list[str], **changes: Any) -> LiveCase:
        return LiveCase(f"card-{name}", world.live(inner=world.card(**changes)), (answer,))

    issued = now - HOUR
    yield case("of-7-days", OK, claims={4: issued + 7 * DAY})
    yield case("of-more-than-7-days", MALFORMED, claims={4: issued + 7 * DAY + 1})
    yield case("times-equal", MALFORMED, claims={4: issued})
    for label in (1, 4, 6, 7, 8, -70000):
        yield case(f"{label}-missing", MALFORMED, drop=(label,))
    key = world.device()
    for number, value in enumerate(({}, {1: {}}, {1: b"x"}, [], {2: key}, {"1": key})):
        yield case(f"device-wrong-{number}", MALFORMED, claims={8: value})
    changes: tuple[dict[int, Any], ...]
    changes = ({1: 1}, {1: "EC2"}, {-1: 2}, {-2: b"1" * 31}, {-2: "1" * 32}, {-3: True}, {-3: b""}, {1: True})
    for number, change in enumerate(changes):
        yield case(f"device-key-wrong-{number}", MALFORMED, device={**key, **change})
    for label in (1, -1, -2, -3):
        yield case(f"device-key-without-{label}", MALFORMED, device={k: v for k, v in key.items() if k != label})
    yield case("device-key-unknown-members", OK, device={**key, 3: -7, "x": 1})
    deep = {-70000: {1: "residence", 2: 1, 3: {1: nested(5)}}}
    yield case("depth-8", OK, claims=deep)
    deeper = {-70000: {1: "residence", 2: 1, 3: {1: nested(6)}}}
    yield case("depth-9", MALFORMED, claims=deeper)
    yield case("crit", MALFORMED, headers={2: [99]})
    yield case("kid-missing", MALFORMED, drop_headers=(4,))
    yield case("key-not-in-bundle", UNKNOWN_ISSUER, key="stranger")
    for role in ("doc", "status", "sdjwt", "mdoc"):
        yield case(f"key-role-{role}", NOT_ALLOWED, key=role)
    yield case("alg-another", NOT_ALLOWED, alg=-8)
    yield case("signature-wrong", BAD_SIGNATURE, signature=bytes(64))
    yield case("signature-high-or-low-s", OK, signature=high_s)
    yield case("expired", ["expired"], claims={6: now - DAY, 4: now - 60})
    yield case("early", ["not_yet_valid"], claims={6: now + 61})
    yield case("revoked", ["revoked"], status=("main", 1))
    yield case("suspended", ["suspended"], status=("main", 2))
    yield case("status-unknown", STATUS_UNKNOWN, status=("nowhere", 0))
    yield case("status-stale", STATUS_STALE, status=("stale", 0))
    yield case("without-status", OK, status=None)


def _live_devices(world: World) -> Iterator[LiveCase]:
    now, mismatch = world.now, ["device_mismatch"]
    yield LiveCase("another-device", world.live(device_key="other_device"), (mismatch,))
    yield LiveCase("device-signature-of-zeros", world.live(signature=bytes(64)), (mismatch,))
    yield LiveCase("device-signature-high-or-low-s", world.live(signature=high_s), (OK,))
    yield LiveCase("device-signature-empty", world.live(signature=b""), (mismatch, MALFORMED))
    expired = world.card(claims={6: now - DAY, 4: now - 60})
    both = ["expired", "device_mismatch"]
    yield LiveCase("another-device-and-expired", world.live(inner=expired, device_key="other_device"), (both,))
    lost = world.card(status=("nowhere", 0))
    both = ["status_unknown", "device_mismatch"]
    yield LiveCase("another-device-and-status", world.live(inner=lost, device_key="other_device"), (both,))
    old = {6: now - 120, 4: now - 60}
    yield LiveCase("another-device-and-old", world.live(claims=old, device_key="other_device"), (mismatch,))
    yield LiveCase("device-of-another-algorithm", world.live(alg=-8), (mismatch, NOT_ALLOWED, MALFORMED))
    off_curve = world.card(device={**world.device(), -3: bytes(31) + b"\1"})
    yield LiveCase("device-key-off-the-curve", world.live(inner=off_curve), (mismatch, MALFORMED))
    own = world.card(key="live", device=world.device("live"))
    yield LiveCase("server", world.live(inner=own, device_key="live"), (OK,))
    yield LiveCase("server-signed-by-a-device", world.live(inner=own), (mismatch,))
    borrowed = world.card(key="live")
    yield LiveCase("server-key-for-a-device", world.live(inner=borrowed), (mismatch,))
    yield LiveCase("server-key-for-a-device-server-signed", world.live(inner=borrowed, device_key="live"), (mismatch,))
    for name, times, answer in (
        ("within-skew-after", {6: now - 90, 4: now - 30}, OK),
        ("too-old", {6: now - 91, 4: now - 31}, ["live_too_old"]),
        ("within-skew-before", {6: now + 30, 4: now + 90}, OK),
        ("from-the-future", {6: now + 31, 4: now + 91}, ["live_from_future"]),
        ("last-integer", {6: 2**53 - 61, 4: 2**53 - 1}, ["live_from_future"]),
        ("time-zero", {6: 0, 4: 60}, ["live_too_old"]),
    ):
        yield LiveCase(f"live-{name}", world.live(claims=times), (answer,))


def _live_gates(world: World) -> Iterator[LiveCase]:
    gate, nonce, wrong = "CUA-01", b"12345678", ["wrong_gate"]
    plain, named = world.live(), world.live(claims={3: gate})
    full, other = world.live(claims={3: gate, 10: nonce}), world.live(claims={3: "CUA-02"})
    yield LiveCase("no-gate-named", plain, (OK,), gate)
    yield LiveCase("gate-named", named, (OK,), gate)
    yield LiveCase("gate-named-and-reader-has-none", named, (wrong,))
    yield LiveCase("another-gate-named", other, (wrong,), gate)
    yield LiveCase("gate-demanded", named, (OK,), gate, True)
    yield LiveCase("gate-demanded-and-missing", plain, (wrong,), gate, True)
    yield LiveCase("gate-demanded-and-another", other, (wrong,), gate, True)
    yield LiveCase("nonce-demanded", full, (OK,), gate, True, nonce)
    yield LiveCase("nonce-demanded-and-missing", named, (wrong,), gate, True, nonce)
    yield LiveCase("nonce-demanded-and-another", full, (wrong,), gate, True, b"87654321")
    yield LiveCase("nonce-not-demanded", full, (OK,), gate)
    yield LiveCase("nonce-alone-not-demanded", world.live(claims={10: nonce}), (OK,), gate)
    yield LiveCase("gate-in-lower-case", world.live(claims={3: "cua-01"}), (wrong, MALFORMED), gate)
    yield LiveCase("gate-too-long", world.live(claims={3: "A" * 17}), (wrong, MALFORMED), gate)
    yield LiveCase("gate-empty", world.live(claims={3: ""}), (wrong, MALFORMED), gate)
    old = {3: "CUA-02", 6: world.now - 120, 4: world.now - 60}
    yield LiveCase("too-old-and-another-gate", world.live(claims=old), (["live_too_old", "wrong_gate"],), gate)
    lost = world.live(inner=world.card(status=("nowhere", 0)), claims={3: "CUA-02"})
    yield LiveCase("status-and-another-gate", lost, (["status_unknown", "wrong_gate"],), gate)
