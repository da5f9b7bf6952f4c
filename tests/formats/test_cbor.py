"""The strict reader and the deterministic writer, rule by rule. Source: RFC 8949; docs/wire.md, "Common rules"."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import Malformed
from wallet.formats import cbor
from wallet.formats.cbor import Tagged

LARGEST = 2**53 - 1

values = st.recursive(
    st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.binary(max_size=40)
    | st.text(st.characters(codec="utf-8"), max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.integers(-LARGEST, LARGEST) | st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(values)
def test_decoding_what_was_encoded_gives_the_same(value: Any) -> None:
    if depth_of(value) > cbor.MAX_DEPTH:
        with pytest.raises(Malformed):
            cbor.encode(value)
        return
    encoded = cbor.encode(value)
    assert cbor.decode(encoded, max_bytes=100_000) == value
    assert cbor2.loads(encoded) == value


@given(st.binary(max_size=60))
def test_random_bytes_are_read_alike_by_another_reader_or_malformed(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except Malformed:
        return
    assert cbor2.loads(data) == value


@pytest.mark.parametrize(
    ("value", "hexadecimal"),
    [  # RFC 8949, appendix A
        (0, "00"), (1, "01"), (10, "0a"), (23, "17"), (24, "1818"), (25, "1819"), (100, "1864"), (1000, "1903e8"),
        (1000000, "1a000f4240"), (1000000000000, "1b000000e8d4a51000"), (-1, "20"), (-10, "29"), (-100, "3863"),
        (-1000, "3903e7"), (False, "f4"), (True, "f5"), (b"", "40"), (bytes.fromhex("01020304"), "4401020304"),
        ("", "60"), ("a", "6161"), ("IETF", "6449455446"), ('"\\', "62225c"), ("\u00fc", "62c3bc"),
        ("\u6c34", "63e6b0b4"), ("\U00010151", "64f0908591"), ([], "80"), ([1, 2, 3], "83010203"),
        ([1, [2, 3], [4, 5]], "8301820203820405"), ({}, "a0"), ({1: 2, 3: 4}, "a201020304"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"), (["a", {"b": "c"}], "826161a161626163"),
        (LARGEST, "1b001fffffffffffff"), (-LARGEST, "3b001ffffffffffffe"),
    ],
)  # fmt: skip
def test_examples_of_the_rfc_hold(value: Any, hexadecimal: str) -> None:
    assert cbor.encode(value).hex() == hexadecimal
    assert cbor.decode(bytes.fromhex(hexadecimal)) == value


def test_keys_are_sorted_bytewise_as_encoded() -> None:
    claims = {-70000: 0, 65535: 0, 7: 0, 4: 0, 1: 0, "a": 0, -1: 0, 24: 0}
    assert list(cbor.decode(cbor.encode(claims))) == [1, 4, 7, 24, 65535, -1, -70000, "a"]


@pytest.mark.parametrize(
    ("hexadecimal", "value"),
    [
        ("a203040102", {3: 4, 1: 2}),  # unsorted
        ("1801", 1), ("190001", 1), ("1a00000001", 1), ("1b0000000000000001", 1), ("3800", -1),  # longer heads
        ("580141", b"A"), ("59000141", b"A"), ("780141", "A"), ("9b000000000000000101", [1]), ("b800", {}),
        ("b9000118010a", {1: 10}),
    ],
)  # fmt: skip
def test_unsorted_keys_and_longer_heads_are_read(hexadecimal: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(hexadecimal)) == value


@pytest.mark.parametrize(
    ("hexadecimal", "why"),
    [
        ("a201020103", "two equal keys"), ("a2616101616102", "two equal text keys"),
        ("a20102180103", "two equal keys, one with a longer head"),
        ("a1a100", "a map as key"), ("a14100", "bytes as key"), ("a18000", "an array as key"),
        ("a1f500", "true as key"),
        ("a1f400", "false as key"), ("a1f600", "null as key"), ("a1f9000000", "a float as key"),
        ("a1c10000", "a tag as key"),
        ("5f4100ff", "indefinite bytes"), ("7f6161ff", "indefinite text"), ("9f00ff", "indefinite array"),
        ("bf0000ff", "indefinite map"), ("ff", "a break alone"), ("81ff", "a break in an array"),
        ("f93c00", "half float"), ("fa3f800000", "single float"), ("fb3ff0000000000000", "double float"),
        ("f97e00", "not a number"), ("81f90000", "a float in an array"),
        ("f6", "null"), ("a101f6", "null in a map"), ("f7", "undefined"), ("81f7", "undefined in an array"),
        ("e0", "simple 0"), ("f3", "simple 19"), ("f820", "simple 32"), ("f814", "false in two bytes"),
        ("f8ff", "simple 255"),
        ("1b0020000000000000", "2^53"), ("1bffffffffffffffff", "2^64 - 1"), ("3b001fffffffffffff", "-2^53"),
        ("3bffffffffffffffff", "-2^64"), ("c24101", "a big number"), ("c100", "a tag"),
        ("d2820102", "tag 18 where none is read"),
        ("d9d9f700", "self-described"), ("61ff", "not UTF-8"), ("62c328", "not UTF-8"),
        ("63eda080", "a surrogate in UTF-8"),
        ("61c3", "half a character"), ("0000", "trailing bytes"), ("a000", "trailing byte"), ("", "nothing"),
        ("18", "half a head"), ("1900", "half a head"), ("1a000000", "half a head"),
        ("1b00000000000000", "half a head"),
        ("41", "bytes missing"), ("6261", "text missing"), ("81", "an item missing"), ("a101", "a value missing"),
        ("a1", "a key missing"),
        ("5bffffffffffffffff", "length 2^64 - 1"), ("9bffffffffffffffff", "array of 2^64 - 1"),
        ("bbffffffffffffffff", "map of 2^64 - 1"),
        ("9a7fffffff", "array of 2^31"), ("1c", "reserved"), ("1d", "reserved"), ("1e", "reserved"), ("3c", "reserved"),
        ("5c", "reserved"), ("7e", "reserved"), ("9d", "reserved"), ("bc", "reserved"), ("dc", "reserved"),
        ("fc", "reserved"),
        ("1f", "indefinite integer"), ("3f", "indefinite integer"), ("df00", "indefinite tag"),
    ],
)  # fmt: skip
def test_what_the_rules_exclude_is_refused(hexadecimal: str, why: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(hexadecimal))


def test_nesting_of_eight_is_read_and_of_nine_refused() -> None:
    assert cbor.decode(b"\x81" * 7 + b"\x80") == [[[[[[[[]]]]]]]]
    with pytest.raises(Malformed):
        cbor.decode(b"\x81" * 8 + b"\x80")
    assert cbor.decode(b"\xa1\x01" * 7 + b"\xa0")
    with pytest.raises(Malformed):
        cbor.decode(b"\xa1\x01" * 8 + b"\xa0")


def test_the_outer_tag_counts_as_one_level() -> None:
    assert cbor.decode(b"\xd2" + b"\x81" * 6 + b"\x80", tag=18)
    with pytest.raises(Malformed):
        cbor.decode(b"\xd2" + b"\x81" * 7 + b"\x80", tag=18)


def test_depth_of_a_hundred_thousand_is_refused_without_recursion() -> None:
    with pytest.raises(Malformed):
        cbor.decode(b"\x81" * 100_000, max_bytes=200_000)


@pytest.mark.parametrize("head", ["d2", "d812", "d90012", "da00000012", "db0000000000000012"])
def test_the_tag_is_read_whatever_its_head(head: str) -> None:
    assert cbor.decode(bytes.fromhex(head + "8101"), tag=18) == [1]


@pytest.mark.parametrize(
    "hexadecimal", ["8101", "d38101", "d83d8101", "d83dd28101", "d2d28101", "d8", "d900", "dc8101", "df8101", "d2", ""]
)
def test_another_tag_or_none_or_two_are_refused(hexadecimal: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(hexadecimal), tag=18)


def test_more_than_the_cap_is_refused() -> None:
    assert cbor.decode(b"\x59\x0f\xfd" + bytes(4093)) == bytes(4093)
    with pytest.raises(Malformed):
        cbor.decode(b"\x59\x0f\xfe" + bytes(4094))


@pytest.mark.parametrize(
    "value", [1.0, None, {1.5: 0}, {b"a": 0}, {True: 0}, 2**53, -(2**53), "\ud800", object(), {"\ud800": 1}, {1, 2}]
)
def test_what_our_reader_would_refuse_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed):
        cbor.encode(value)


def test_nesting_of_eight_is_written_and_of_nine_refused() -> None:
    value: list[Any] = []
    for _ in range(7):
        value = [value]
    assert cbor.decode(cbor.encode(value)) == value
    assert cbor.encode(value[0], tag=18)
    for arguments in (([value], None), (value, 18)):
        with pytest.raises(Malformed):
            cbor.encode(arguments[0], tag=arguments[1])


def test_a_tag_beyond_64_bits_is_not_written() -> None:
    with pytest.raises(Malformed):
        cbor.encode(1, tag=2**64)


DATES = cbor.Wider(frozenset({0, 1004}))
WIDE = cbor.Wider(frozenset({0, 24, 1004}), null=True)


@pytest.mark.parametrize(
    ("hexadecimal", "value"),
    [
        ("c074323032302d31302d30315431333a33303a30325a", Tagged(0, "2020-10-01T13:30:02Z")),
        ("d903ec6a323031392d31302d3230", Tagged(1004, "2019-10-20")),
        ("d81841a0", Tagged(24, b"\xa0")),
        ("f6", None),
        ("83f6f6d81841a0", [None, None, Tagged(24, b"\xa0")]),
        ("a101d90018d81841a0", {1: Tagged(24, Tagged(24, b"\xa0"))}),
    ],
)
def test_a_format_may_have_tags_and_null(hexadecimal: str, value: Any) -> None:
    data = bytes.fromhex(hexadecimal)
    assert cbor.decode(data, wider=WIDE) == value
    assert cbor.encode(cbor.decode(data, wider=WIDE), wider=WIDE) == data


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "f6", "81f6", "d81841a0", "a100d81841a0",  # not allowed to this format
        "c1f6", "c100", "d28101", "d9d9f700", "c24101",  # nor to any
        "a1f600", "a1c06000", "c0", "d903ec", "d903ecff",
    ],
)  # fmt: skip
def test_what_a_format_does_not_name_stays_refused(hexadecimal: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(hexadecimal), wider=DATES)


@pytest.mark.parametrize(
    "hexadecimal", ["f7", "f93c00", "e0", "a1f600", "a1d81841a000", "c16101", "d8189f00ff", "dc00"]
)
def test_the_common_rules_hold_for_the_widest_format(hexadecimal: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(hexadecimal), wider=WIDE)


def test_a_tag_keeps_the_bytes_it_came_in() -> None:
    data = bytes.fromhex("d9001858 01 a0".replace(" ", ""))  # longer heads than needed
    tagged = cbor.decode(data, wider=WIDE)
    assert (tagged, tagged.encoded) == (Tagged(24, b"\xa0"), data)
    assert cbor.encode([tagged], wider=WIDE) == b"\x81" + data
    assert cbor.encode(Tagged(24, b"\xa0"), wider=WIDE).hex() == "d81841a0"


def test_a_tag_counts_as_one_level() -> None:
    assert cbor.decode(b"\xd8\x18" * 7 + b"\x80", wider=WIDE)
    for data in (b"\xd8\x18" * 8 + b"\x80", b"\xd8\x18" * 9 + b"\xa0", b"\xd8\x18" * 50_000):
        with pytest.raises(Malformed):
            cbor.decode(data, max_bytes=200_000, wider=WIDE)


@pytest.mark.parametrize(("value", "wider"), [(None, DATES), (Tagged(24, b""), DATES), (Tagged(24, b""), None)])
def test_what_a_format_does_not_name_is_not_written(value: Any, wider: cbor.Wider | None) -> None:
    with pytest.raises(Malformed):
        cbor.encode(value, wider=wider)
