"""Encryption at rest: what is sealed for one row opens there, with that key, whole, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SeededEntropy
from wallet.crypto.sealing import KEY_BYTES, NONCE_BYTES, blind_index, seal, unseal
from wallet.entropy import SystemEntropy
from wallet.errors import Malformed

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(max_size=2000), st.text(max_size=70))
def test_what_is_sealed_opens(plaintext: bytes, row: str) -> None:
    sealed = seal(KEY, plaintext, row, SystemEntropy())
    assert unseal(KEY, sealed, row) == plaintext
    assert len(sealed) == NONCE_BYTES + len(plaintext) + 16


def test_it_opens_with_no_other_key_and_in_no_other_row() -> None:
    sealed = seal(KEY, b"Ng\xc3\xb4 V\xc4\x83n S\xc3\xa1u", "doc_1", SystemEntropy())
    for key, row in ((OTHER, "doc_1"), (KEY, "doc_2"), (KEY, ""), (KEY, "doc_1 "), (bytes(32), "doc_1")):
        with pytest.raises(Malformed):
            unseal(key, sealed, row)


def test_no_bit_may_change() -> None:
    sealed = seal(KEY, b"plain text", "doc_1", SeededEntropy())
    for place in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(Malformed):
            unseal(KEY, bytes(changed), "doc_1")


def test_nothing_may_be_cut_off_or_added() -> None:
    sealed = seal(KEY, b"plain text", "doc_1", SeededEntropy())
    for length in range(len(sealed)):
        with pytest.raises(Malformed):
            unseal(KEY, sealed[:length], "doc_1")
    for other in (sealed + b"\0", b"\0" + sealed, sealed + sealed):
        with pytest.raises(Malformed):
            unseal(KEY, other, "doc_1")


@pytest.mark.parametrize("size", [0, 1, 15, 31, 33])
def test_key_of_another_size_opens_nothing(size: int) -> None:
    with pytest.raises(Malformed):
        unseal(bytes(size), seal(KEY, b"x", "row", SeededEntropy()), "row")


def test_the_same_text_is_never_sealed_alike() -> None:
    entropy = SystemEntropy()
    sealed = {seal(KEY, b"the same", "row", entropy) for _ in range(1000)}
    assert len({each[:NONCE_BYTES] for each in sealed}) == 1000
    assert len({each[NONCE_BYTES:] for each in sealed}) == 1000


def test_sealed_bytes_show_nothing() -> None:
    sealed = seal(KEY, "Nguyễn Văn An".encode() * 10, "row", SystemEntropy())
    assert b"Nguy" not in sealed
    assert KEY not in sealed
    assert len(KEY) == KEY_BYTES


def test_blind_index_depends_on_key_and_value() -> None:
    number = "099090123456"
    index = blind_index(KEY, number)
    assert index == blind_index(KEY, number)
    assert len(index) == 32
    assert number.encode() not in index
    assert len({index, blind_index(OTHER, number), blind_index(KEY, number[:-1] + "7"), blind_index(KEY, "")}) == 4
