"""The document code `VD1:`: what is written, and every shape that is not read. Source: docs/wire.md, section 1."""

import hashlib
import zlib
from typing import Any

import pytest

from tests.support import NOON
from tests.verifier.world import (
    LIST_URI,
    NAME_AND_TAIL,
    World,
    document_claims,
    document_headers,
    signed,
    wrapped,
)
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import base45, cbor
from wallet.formats.claims_set import StatusReference
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import (
    MAX_PRINTED_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    UnverifiedCode,
    claims_digest,
    encode_document_code,
    fits_on_paper,
    inflate,
    parse_document_code,
)

DELETE = object()


def parse_claims(world: World, claims: Any) -> UnverifiedCode:
    payload = claims if isinstance(claims, bytes) else cbor.encode(claims)
    return parse_document_code(wrapped(signed(payload, world.doc.sign, document_headers(world))))


def test_what_was_written_is_read(world: World) -> None:
    content = parse_document_code(world.document_code(recipient="Trường Mẫu")).content
    assert content.issuer == "VN-MAU"
    assert (content.issued_at, content.expires_at) == (seconds_of(NOON) - 86400, seconds_of(NOON) + 180 * 86400)
    assert content.document_id == bytes(range(16))
    assert content.recipient == "Trường Mẫu"
    assert content.status == StatusReference(9, LIST_URI)
    assert (content.utility, content.utility_version) == ("residence", 1)
    assert content.claims == NAME_AND_TAIL
    assert content.claims_hash == bytes(32)


def test_what_may_be_absent_is_left_out(world: World) -> None:
    code = world.document_code(status=None, claims_hash=None)
    message = inflate(base45.decode(code[4:]), 4096)
    payload = cbor.decode(cbor.decode(message, tag=18)[2])
    assert set(payload) == {1, 4, 6, 7, -70000}
    assert set(payload[-70000]) == {1, 2, 3}
    content = parse_document_code(code).content
    assert (content.status, content.other_status, content.claims_hash, content.recipient) == (None, False, None, None)


def test_the_message_is_written_deterministically(world: World) -> None:
    message = inflate(base45.decode(world.document_code()[4:]), 4096)
    protected, unprotected, payload, signature = cbor.decode(message, tag=18)
    assert cbor.encode([protected, unprotected, payload, signature], tag=18) == message
    assert cbor.encode(cbor.decode(payload)) == payload
    assert cbor.decode(protected) == {1: -7, 4: bytes.fromhex(world.doc.kid), 16: "viso-doc+cwt"}
    assert cbor.encode(cbor.decode(protected)) == protected
    assert (unprotected, len(signature)) == ({}, 64)


def test_text_is_written_in_nfc(world: World) -> None:
    decomposed = "Nguye\u0302\u0303n"
    content = parse_document_code(world.document_code(claims={1: decomposed, 2: [decomposed]})).content
    assert content.claims == {1: "Nguyễn", 2: ["Nguyễn"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"document_id": bytes(15)},
        {"claims_hash": bytes(31)},
        {"claims": {1: 1.5}},
        {"claims": {1: None}},
        {"claims": {1: "x" * 5000}},
    ],
)
def test_what_cannot_be_read_is_not_written(world: World, changes: dict[str, Any]) -> None:
    if changes.get("claims") == {1: "x" * 5000}:
        changes = {"claims": {1: hashlib.shake_256(b"x").hexdigest(2500)}}
    with pytest.raises(Malformed):
        encode_document_code(world.payload(**changes), world.doc)


def test_the_longest_names_stay_on_paper(world: World) -> None:
    longest = "Nguyễn Thị Phương Thảo Hồng Hạnh Tuyết Nhung Quỳnh Như Ngọc Ánh"
    code = world.document_code(
        claims={1: longest, 2: "1234", 3: "Xác nhận thông tin về cư trú"}, recipient="Trường Mẫu giáo"
    )
    assert fits_on_paper(code)
    assert not fits_on_paper("x" * (MAX_PRINTED_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((1,), DELETE), ((1,), 5), ((1,), b"VN"), ((1,), ["VN"]),
        ((6,), DELETE), ((6,), "1"), ((6,), -1), ((6,), True), ((6,), b"\x01"),
        ((4,), DELETE), ((4,), "1"), ((4,), -1), ((4,), False),
        ((7,), DELETE), ((7,), bytes(15)), ((7,), bytes(17)), ((7,), "0" * 16), ((7,), b""),
        ((3,), 5), ((3,), b"x"), ((3,), ["x"]), ((3,), False),
        ((65535,), "x"), ((65535,), []), ((65535,), True),
        ((65535, "status_list"), 5), ((65535, "status_list"), []),
        ((65535, "status_list", "idx"), DELETE), ((65535, "status_list", "idx"), -1),
        ((65535, "status_list", "idx"), "9"),
        ((65535, "status_list", "idx"), True), ((65535, "status_list", "uri"), DELETE),
        ((65535, "status_list", "uri"), 5),
        ((65535, "status_list", "uri"), b"x"),
        ((-70000,), DELETE), ((-70000,), []), ((-70000,), "x"),
        ((-70000, 1), DELETE), ((-70000, 1), 5), ((-70000, 2), DELETE), ((-70000, 2), "1"), ((-70000, 2), -1),
        ((-70000, 2), True),
        ((-70000, 3), DELETE), ((-70000, 3), []), ((-70000, 3), {"a": 1}), ((-70000, 3), {-1: 1}),
        ((-70000, 4), bytes(31)), ((-70000, 4), bytes(33)), ((-70000, 4), "x" * 32), ((-70000, 4), 0),
        ((-70000, 4), False),
    ],
)  # fmt: skip
def test_a_known_claim_missing_or_of_another_type_is_malformed(world: World, path: tuple[Any, ...], value: Any) -> None:
    claims = document_claims(world)
    spoilt = claims
    for key in path[:-1]:
        spoilt = spoilt[key]
    if value is DELETE:
        del spoilt[path[-1]]
    else:
        spoilt[path[-1]] = value
    with pytest.raises(Malformed):
        parse_claims(world, claims)


def test_unknown_claims_are_ignored(world: World) -> None:
    claims = document_claims(world) | {99: "x", "text": [1, {2: b""}], -5: True, 2: "subject", 8: "no card"}
    claims[-70000][9] = "later"
    claims[65535]["other"] = 1
    assert parse_claims(world, claims).content.issuer == "VN-MAU"


def test_another_status_mechanism_is_read_as_such(world: World) -> None:
    content = parse_claims(world, document_claims(world) | {65535: {"identifier_list": {"id": b"x"}}}).content
    assert (content.status, content.other_status) == (None, True)


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\x01", b"\x60", b"\xf6", b"\xa1", b"\xd2\xa0", b"\xa0\x00"])
def test_a_payload_that_is_no_map_is_malformed(world: World, payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_claims(world, payload)


def test_every_byte_string_decoded_again_starts_at_depth_zero(world: World) -> None:
    claims = document_claims(world)
    claims[-70000][3] = {1: [[[[[]]]]]}  # three maps and five arrays: eight
    assert parse_claims(world, claims).content.claims == {1: [[[[[]]]]]}
    deeper = document_claims(world)
    deeper[99] = deeper.pop(-70000)
    payload = bytearray(cbor.encode(document_claims(world)))
    payload[0] += 1
    with pytest.raises(Malformed):
        parse_claims(world, bytes(payload) + b"\x18\x63" + b"\x81" * 8 + b"\x80")


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("window", [9, 12, 15])
def test_any_zlib_level_and_window_is_read(world: World, level: int, window: int) -> None:
    message = inflate(base45.decode(world.document_code()[4:]), 4096)
    stream = zlib.compressobj(level, zlib.DEFLATED, window)
    code = "VD1:" + base45.encode(stream.compress(message) + stream.flush())
    assert parse_document_code(code).content.issuer == "VN-MAU"


def test_unsorted_and_over_long_cbor_is_read(world: World) -> None:
    claims = document_claims(world)
    backwards = b"\xb8" + bytes([len(claims)])
    for key in reversed(list(claims)):
        backwards += cbor.encode(key) + cbor.encode(claims[key])
    assert parse_claims(world, backwards).content.document_id == bytes(range(16))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x78",
        b"\x78\xda",
        b"not zlib",
        zlib.compress(b"x")[:-1],
        zlib.compress(b"x") + b"\0",
        zlib.compress(b"x") * 2,
        zlib.compress(b"x")[2:],
    ],
)
def test_what_is_not_one_whole_stream_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        inflate(data, 4096)


def test_a_raw_or_gzip_stream_is_malformed() -> None:
    for window in (-15, 31):
        stream = zlib.compressobj(9, zlib.DEFLATED, window)
        with pytest.raises(Malformed):
            inflate(stream.compress(b"x") + stream.flush(), 4096)


def test_the_cap_on_inflated_bytes_is_exact() -> None:
    assert len(inflate(zlib.compress(bytes(4096)), 4096)) == 4096
    with pytest.raises(Malformed):
        inflate(zlib.compress(bytes(4097)), 4096)


def test_a_bomb_is_refused_after_its_cap() -> None:
    import tracemalloc

    bomb = zlib.compress(bytes(200 * 1024 * 1024), 9)
    tracemalloc.start()
    with pytest.raises(Malformed):
        inflate(bomb, 4096)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1024 * 1024


def test_the_cap_on_text_is_exact() -> None:
    for length in (MAX_TEXT_CHARACTERS, MAX_TEXT_CHARACTERS + 1, 10_000_000):
        with pytest.raises(Malformed):
            parse_document_code("VD1:" + "0" * (length - 4))


def test_a_card_is_no_document(world: World) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_document_code(wrapped(world.inner()))


def test_claims_digest_is_over_the_canonical_form() -> None:
    canonical = '{"claims":{"a":["x"],"b":1,"name":"Nguyễn"},"salt":"AAAA"}'
    assert claims_digest({"name": "Nguyễn", "b": 1, "a": ["x"]}, "AAAA") == hashlib.sha256(canonical.encode()).digest()


def test_claims_digest_depends_on_salt_and_claims() -> None:
    assert claims_digest({"a": 1}, "x") != claims_digest({"a": 1}, "y")
    assert claims_digest({"a": 1}, "x") != claims_digest({"a": 2}, "x")
    assert claims_digest({"a": 1, "b": 2}, "x") == claims_digest({"b": 2, "a": 1}, "x")


@pytest.mark.parametrize(
    "value", [None, 1.5, 1.0, float("nan"), 2**53, {"x": None}, ["x", 0.5], b"x", "\ud800", {1: 2}]
)
def test_what_the_hashed_object_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        claims_digest({"a": value}, "salt")


def test_claims_nested_without_end_are_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Malformed):
        claims_digest({"a": value}, "salt")
