"""COSE_Sign1 as docs/wire.md has it: every way to be something else is refused."""

from typing import Any

import pytest

from tests.verifier.world import World, signed
from wallet.crypto.certificates import read_certificate
from wallet.crypto.cose import UnverifiedSign1, parse_sign1, sign1
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import cbor

TYP = "viso-doc+cwt"
KID = b"8 bytes."
PAYLOAD = cbor.encode({1: "p"})
HEADERS: dict[Any, Any] = {1: -7, 4: KID, 16: TYP}


def verify(world: World, message: bytes) -> UnverifiedSign1:
    parsed = parse_sign1(message, typ=TYP)
    key = read_certificate(world.doc.certificate_der).public_key
    assert key is not None
    parsed.verify(key)
    return parsed


def test_what_was_signed_is_verified(world: World) -> None:
    message = sign1(PAYLOAD, world.doc.sign, typ=TYP, kid=KID)
    assert message[0] == 0xD2
    parsed = verify(world, message)
    assert (parsed.payload, parsed.content, parsed.kid, parsed.alg) == (PAYLOAD, {1: "p"}, KID, -7)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 3000])
def test_payloads_of_every_length_of_head_are_verified(world: World, size: int) -> None:
    payload = cbor.encode({1: bytes(size)})
    assert verify(world, sign1(payload, world.doc.sign, typ=TYP, kid=KID)).payload == payload


def test_the_bytes_that_came_are_what_is_verified(world: World) -> None:
    unsorted = bytes.fromhex("a3") + b"\x10\x6cviso-doc+cwt" + b"\x04\x48" + KID + b"\x01\x38\x06"
    assert verify(world, signed(PAYLOAD, world.doc.sign, unsorted)).kid == KID


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({4: KID, 16: TYP}, "no alg"),
        ({1: "ES256", 4: KID, 16: TYP}, "alg as text"),
        ({1: b"", 4: KID, 16: TYP}, "alg as bytes"),
        ({1: True, 4: KID, 16: TYP}, "alg true"),
        ({1: -7, 16: TYP}, "no kid"),
        ({1: -7, 4: "8 bytes.", 16: TYP}, "kid as text"),
        ({1: -7, 4: b"", 16: TYP}, "kid of no bytes"),
        ({1: -7, 4: bytes(7), 16: TYP}, "kid of 7 bytes"),
        ({1: -7, 4: bytes(9), 16: TYP}, "kid of 9 bytes"),
        ({1: -7, 4: KID}, "no typ"),
        ({1: -7, 4: KID, 16: 61}, "typ as number"),
        ({1: -7, 4: KID, 16: b"viso-doc+cwt"}, "typ as bytes"),
        ({1: -7, 2: [1], 4: KID, 16: TYP}, "critical"),
        ({1: -7, 2: [], 4: KID, 16: TYP}, "critical, empty"),
        ({1: -7, 2: [99], 4: KID, 16: TYP, 99: 1}, "critical, unknown"),
        (b"", "headers of no bytes"),
        (b"\x80", "headers as array"),
        (b"\xa0", "no headers"),
        (b"\xa1\x01\x26\x00", "bytes after the headers"),
        (b"\xa2\x01\x26\x01\x26", "two equal headers"),
        (b"\xbf\x01\x26\xff", "headers of indefinite length"),
    ],
)
def test_headers_that_are_not_ours_are_malformed(world: World, headers: Any, why: str) -> None:
    with pytest.raises(Malformed):
        parse_sign1(signed(PAYLOAD, world.doc.sign, headers), typ=TYP)


@pytest.mark.parametrize(
    "typ", ["viso-card+cwt", "VISO-DOC+CWT", "viso-doc+cwt ", "application/viso-doc+cwt", "", "cwt"]
)
def test_another_typ_is_a_wrong_type(world: World, typ: str) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_sign1(signed(PAYLOAD, world.doc.sign, HEADERS | {16: typ}), typ=TYP)


def test_unknown_headers_are_ignored(world: World) -> None:
    assert verify(world, signed(PAYLOAD, world.doc.sign, HEADERS | {99: "x", "y": [1], -1: b""})).payload == PAYLOAD


def test_another_algorithm_is_read_but_never_verified(world: World) -> None:
    message = signed(PAYLOAD, world.doc.sign, HEADERS | {1: -35})
    assert parse_sign1(message, typ=TYP).alg == -35
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify(world, message)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([b"\xa0", {}, PAYLOAD], "three parts"),
        ([b"\xa0", {}, PAYLOAD, b"", b""], "five parts"),
        ([], "no parts"),
        ({1: 2}, "a map"),
        (b"bytes", "bytes"),
        (["text", {}, PAYLOAD, bytes(64)], "headers as text"),
        ([{1: -7}, {}, PAYLOAD, bytes(64)], "headers as map"),
        ([cbor.encode(HEADERS), {4: KID}, PAYLOAD, bytes(64)], "a header unprotected"),
        ([cbor.encode(HEADERS), {99: 1}, PAYLOAD, bytes(64)], "an unknown header unprotected"),
        ([cbor.encode(HEADERS), [], PAYLOAD, bytes(64)], "unprotected as array"),
        ([cbor.encode(HEADERS), b"", PAYLOAD, bytes(64)], "unprotected as bytes"),
        ([cbor.encode(HEADERS), False, PAYLOAD, bytes(64)], "unprotected as false"),
        ([cbor.encode(HEADERS), {}, "p", bytes(64)], "payload as text"),
        ([cbor.encode(HEADERS), {}, PAYLOAD, "x" * 64], "signature as text"),
    ],
)
def test_other_structures_are_malformed(parts: Any, why: str) -> None:
    with pytest.raises(Malformed):
        parse_sign1(cbor.encode(parts, tag=18), typ=TYP)


def test_a_detached_payload_is_malformed() -> None:
    message = b"\xd2\x84" + cbor.encode(cbor.encode(HEADERS)) + b"\xa0\xf6" + cbor.encode(bytes(64))
    with pytest.raises(Malformed):
        parse_sign1(message, typ=TYP)


@pytest.mark.parametrize("tag", [b"", b"\xd8\x3d\xd2", b"\xd8\x3d", b"\xd2\xd2", b"\xd1", b"\xd8\x62"])
def test_tag_18_alone_is_read_and_61_never(world: World, tag: bytes) -> None:
    untagged = sign1(PAYLOAD, world.doc.sign, typ=TYP, kid=KID)[1:]
    with pytest.raises(Malformed):
        parse_sign1(tag + untagged, typ=TYP)


def test_external_data_is_never_assumed(world: World) -> None:
    protected = cbor.encode(HEADERS)
    with_data = b"\x84\x6aSignature1" + cbor.encode(protected) + cbor.encode(b"extra") + cbor.encode(PAYLOAD)
    message = cbor.encode([protected, {}, PAYLOAD, world.doc.sign(with_data)], tag=18)
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify(world, message)


@pytest.mark.parametrize(
    "payload", [b"", b"\x80", b"\x40", b"\x01", b"\xf6", b"\xa0\x00", b"\xa1", b"\xd2\xa0", b"\xbf\xff"]
)
def test_a_payload_that_is_no_map_is_malformed(world: World, payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_sign1(signed(payload, world.doc.sign, HEADERS), typ=TYP)


def test_the_typ_is_looked_at_after_the_cbor_and_before_the_shape(world: World) -> None:
    for headers in ({16: "x"}, {16: "x", 2: [1]}, {16: "x", 1: "ES256"}):
        with pytest.raises(VerificationFailed, match="wrong_type"):
            parse_sign1(signed(PAYLOAD, world.doc.sign, headers), typ=TYP)
    with pytest.raises(Malformed):
        parse_sign1(signed(b"\xf6", world.doc.sign, {16: "x"}), typ=TYP)


def test_the_device_layer_needs_no_kid_and_heeds_none(world: World) -> None:
    message = sign1(PAYLOAD, world.doc.sign, typ=TYP)
    assert parse_sign1(message, typ=TYP, kid_needed=False).kid is None
    with pytest.raises(Malformed):
        parse_sign1(message, typ=TYP)
    message = signed(PAYLOAD, world.doc.sign, {1: -7, 4: "x", 16: TYP})
    assert parse_sign1(message, typ=TYP, kid_needed=False).kid is None
