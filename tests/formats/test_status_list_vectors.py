"""Published encodings of Token Status List at 1, 2, 4 and 8 bits.

Source: draft-ietf-oauth-status-list, commit 2fb61cd (`tests/vectors/status-list/SOURCE.md`); draft-21, section 4 and
its test vectors. Where a million entries are given, every one is compared.
"""

import json
import re
from pathlib import Path

import pytest

from wallet.crypto.jws import b64url_decode
from wallet.formats import cbor
from wallet.formats.status_list import compress, decompress, get_entry, pack, status_list_cbor, status_list_json

FOLDER = Path(__file__).parents[1] / "vectors" / "status-list"
MILLION = 1 << 20

ONE_BIT = dict.fromkeys([0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345], 1)
TWO_BITS = {
    0: 1,
    1993: 2,
    25460: 1,
    159495: 3,
    495669: 1,
    554353: 1,
    645645: 2,
    723232: 1,
    854545: 1,
    934534: 2,
    1000345: 3,
}
FOUR_BITS = {
    0: 1, 1993: 2, 35460: 3, 459495: 4, 595669: 5, 754353: 6, 845645: 7, 923232: 8, 924445: 9, 934534: 10, 1004534: 11,
    1000345: 12, 1030203: 13, 1030204: 14, 1030205: 15,
}  # fmt: skip


def read(name: str) -> tuple[int, bytes]:
    """Return bits and deflated list of one published file."""
    text = (FOLDER / name).read_text()
    if name.endswith("_json.md"):
        value = json.loads(re.sub(r"\n *(?=[^ \"{}])", "", text[text.index("{") :]))
        return value["bits"], b64url_decode(re.sub(r"\s", "", value["lst"]))
    digits = "".join(line.strip() for line in text.splitlines() if re.fullmatch(r"[0-9a-f]+", line.strip()))
    value = cbor.decode(bytes.fromhex(digits), max_bytes=10**6)
    return value["bits"], value["lst"]


@pytest.mark.parametrize(
    ("name", "bits", "entries"),
    [
        ("status_list_encoding_json.md", 1, b"\xb9\xa3"),
        ("status_list_encoding_cbor.md", 1, b"\xb9\xa3"),
        ("status_list_encoding2_json.md", 2, b"\xc9\x44\xf9"),
        ("status_list_encoding2_cbor.md", 2, b"\xc9\x44\xf9"),
    ],
)
def test_short_lists_hold(name: str, bits: int, entries: bytes) -> None:
    assert read(name)[0] == bits
    assert decompress(read(name)[1]) == entries
    assert decompress(status_list_cbor(entries, bits=bits)["lst"]) == entries
    assert decompress(b64url_decode(status_list_json(entries, bits=bits)["lst"])) == entries


@pytest.mark.parametrize(
    ("name", "bits", "expected"),
    [
        ("status_list_encoding1_long_json.md", 1, ONE_BIT),
        ("status_list_encoding1_long_cbor.md", 1, ONE_BIT),
        ("status_list_encoding2_long_json.md", 2, TWO_BITS),
        ("status_list_encoding2_long_cbor.md", 2, TWO_BITS),
        ("status_list_encoding4_json.md", 4, FOUR_BITS),
        ("status_list_encoding4_cbor.md", 4, FOUR_BITS),
    ],
)
def test_long_lists_hold_entry_by_entry(name: str, bits: int, expected: dict[int, int]) -> None:
    found, deflated = read(name)
    entries = decompress(deflated)
    assert found == bits
    assert len(entries) == MILLION * bits // 8
    values = [0] * MILLION
    for index, value in expected.items():
        values[index] = value
        assert get_entry(entries, index, bits=bits) == value
    assert bytes(pack(values, bits=bits)) == entries
    assert decompress(compress(entries)) == entries


def test_the_list_of_eight_bits_holds_every_value_once() -> None:
    (bits, from_json), (_, from_cbor) = read("status_list_encoding8_json.md"), read("status_list_encoding8_cbor.md")
    entries = decompress(from_json)
    assert bits == 8
    assert entries == decompress(from_cbor)
    assert len(entries) == MILLION
    assert sorted(value for value in entries if value) == list(range(1, 256))
    assert (get_entry(entries, 52451, bits=8), get_entry(entries, 19535, bits=8)) == (1, 255)


@pytest.mark.parametrize("name", ["status_list_encoding_cbor", "status_list_encoding2_cbor"])
def test_annotated_and_plain_files_agree(name: str) -> None:
    plain = re.findall(r"^([0-9a-f]{8,})$", (FOLDER / f"{name}.md").read_text(), re.MULTILINE)
    annotated = re.findall(r"^ *([0-9a-f]+) +#", (FOLDER / f"{name}_diag.md").read_text(), re.MULTILINE)
    assert "".join(annotated) == "".join(plain)
