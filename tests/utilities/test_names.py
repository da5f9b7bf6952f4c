"""Names: what is refused (S-70), what is stored, and which two are one."""

import unicodedata

import pytest

from wallet.demo.nation import generate
from wallet.errors import InvalidInput
from wallet.utilities.names import clean_name, same_name

LOOK_ALIKES = [
    "Nguyễn Văn Оanh",
    "Ðỗ Mẫu Khóa",
    "Ɖỗ Mẫu Khóa",
    "ðỗ",
    "Nguyễn\u200bVăn An",
    "Nguyễn \u202eVăn An",
    "Nguyễn\u2060 An",
    "\ufeffAn",
    "Аn",
    "Αn",
    "Ａn",
    "阮文安",
    "Nguyễn 1",
    "An\u00a0Bình",
    "An\tBình",
    "An\nBình",
    "=An",
    "@An",
    "An<b>",
    "Ve\u0301\u0301\u0301",
    "\u0301An",
    "ﬁn",
    "ſau",
    "ıt",
    "",
    "   ",
    "-",
    "'",
    "An\u0489",
    "An🙂",
]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_s70_suspicious_characters_are_refused(name: str) -> None:
    for form in ("NFC", "NFD"):
        with pytest.raises(InvalidInput) as refusal:
            clean_name(unicodedata.normalize(form, name), "/somewhere")
        assert refusal.value.fields == {"/somewhere": "suspicious_characters"}


def test_s70_composed_and_decomposed_store_the_same_bytes() -> None:
    for name in ("Đặng Huỳnh Mẫu Diễm Tuyết Ượng Hổ", "H'Linh Byă", "Anne-Marie Dubois-Mẫu", "Ýên"):
        stored = {clean_name(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")}
        assert stored == {unicodedata.normalize("NFC", name)}


def test_every_name_of_a_nation_is_accepted_as_it_is() -> None:
    names = {person.name.full for household in generate(3, 20_000) for person in household.people}
    assert len(names) > 5000
    assert all(clean_name(name) == name for name in names)


def test_spaces_are_single() -> None:
    assert clean_name("  Nguyễn   Mẫu  An ") == "Nguyễn Mẫu An"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nguyễn Mẫu An", "NGUYỄN MẪU AN"),
        ("Nguyễn Mẫu An", "nguyễn  mẫu an"),
        ("Hòa", "Hoà"),
        ("Lê Thị Mẫu Hòa", "LÊ THỊ MẪU HOÀ"),
        ("Thúy", "Thuý"),
        ("Khỏe", "Khoẻ"),
        ("Lũy", "Luỹ"),
        ("Tọa", "Toạ"),
        ("Thủy-Hòa", "Thuỷ-Hoà"),
        ("Hòa", unicodedata.normalize("NFD", "Hoà")),
        ("H'Linh Byă", "H’LINH BYĂ"),
    ],
)
def test_same_name(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hà", "Hạ"),
        ("Hà", "Ha"),
        ("Hòa", "Hoa"),
        ("Hòa", "Hóa"),
        ("Đỗ", "Dỗ"),
        ("Đức", "Dức"),
        ("Tuấn", "Tuân"),
        ("Mẫu An", "An Mẫu"),
        ("Nguyễn Mẫu An", "Nguyễn An"),
        ("Hoàng", "Hòang"),
        ("Thủy", "Thúy"),
        ("Quân", "Quăn"),
    ],
)
def test_another_name(one: str, other: str) -> None:
    assert not same_name(one, other)
