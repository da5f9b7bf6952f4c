"""RFC 9285: its own examples, and everything it tells a reader to refuse."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import Malformed
from wallet.formats import base45

EXAMPLES = [  # RFC 9285, sections 4.3 and 4.4
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
]


@pytest.mark.parametrize(("data", "text"), EXAMPLES)
def test_examples_of_the_rfc_hold(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=700))
def test_decoding_what_was_encoded_gives_the_same(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=60))
def test_what_is_decoded_has_no_other_spelling(text: str) -> None:
    try:
        data = base45.decode(text)
    except Malformed:
        return
    assert base45.encode(data) == text


@given(st.text(max_size=60))
def test_any_text_is_decoded_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert base45.encode(base45.decode(text)) == text


def test_nothing_is_nothing() -> None:
    assert base45.encode(b"") == ""
    assert base45.decode("") == b""


def test_last_group_that_fits_is_read() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"


@pytest.mark.parametrize("text", ["GGW", ":::", "::W", "V5", "::", "BB8GGW", "BB8V5"])
def test_group_above_its_bytes_is_refused(text: str) -> None:  # RFC 9285, section 6
    with pytest.raises(Malformed):
        base45.decode(text)


@pytest.mark.parametrize("text", ["A", "BB8B", "BB8BB8B"])
def test_wrong_length_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        base45.decode(text)


@pytest.mark.parametrize(
    "character",
    ["a", "b", "_", "!", "=", ",", "\n", "\t", "\0", "\x7f", "\u00e9", "\uff21", "\u0662", "\ud800", "\U0001f600"],
)
@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_character_outside_the_alphabet_is_refused(character: str, place: int) -> None:
    text = "BB8BB"
    with pytest.raises(Malformed):
        base45.decode(text[:place] + character + text[place + 1 :])


def test_lower_case_is_never_folded() -> None:
    with pytest.raises(Malformed):
        base45.decode("bb8")


def test_no_code_ever_ends_with_a_space() -> None:
    assert not any(base45.encode(bytes([value])).endswith(" ") for value in range(256))
    assert not any(base45.encode(value.to_bytes(2, "big")).endswith(" ") for value in range(65536))
