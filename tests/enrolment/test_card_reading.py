"""The card's QR code: read for a form, never believed."""

from datetime import date

import pytest

from wallet.enrolment.card_reading import parse_card
from wallet.errors import InvalidInput

PLAIN = "099099000123||Nguyễn Văn An|05021999|Nam|Tổ 5, Phường Nghĩa Đô, Hà Nội|15042021"


def test_fields_are_read() -> None:
    card = parse_card(PLAIN + "\n")
    assert (card.number, card.cmnd, card.full_name) == ("099099000123", None, "Nguyễn Văn An")
    assert (card.birth_date, card.sex, card.card_issued) == ("1999-02-05", "Nam", date(2021, 4, 15))
    assert card.permanent_address == "Tổ 5, Phường Nghĩa Đô, Hà Nội"
    assert card.rest == ()


def test_former_number_and_further_fields_are_kept() -> None:
    card = parse_card(PLAIN.replace("||", "|990000123|") + "|Nguyễn Văn Bố||x|")
    assert card.cmnd == "990000123"
    assert card.rest == ("Nguyễn Văn Bố", "", "x", "")


@pytest.mark.parametrize("birth", ["1948", "00001948"])
def test_year_of_birth_alone_stays_a_year(birth: str) -> None:
    assert parse_card(PLAIN.replace("05021999", birth)).birth_date == "1948"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|||||||",
        "099099000123",
        PLAIN.rpartition("|")[0],
        PLAIN.replace("099099000123", "09909900012"),
        PLAIN.replace("099099000123", "0990990001234"),
        PLAIN.replace("099099000123", "٠٩٩٠٩٩٠٠٠١٢٣"),
        PLAIN.replace("||", "|12345678|"),
        PLAIN.replace("Nguyễn Văn An", ""),
        PLAIN.replace("05021999", "31021999"),
        PLAIN.replace("05021999", "5021999"),
        PLAIN.replace("05021999", "19990205x"),
        PLAIN.replace("Nam|", "Male|"),
        PLAIN.replace("15042021", "2021"),
        PLAIN.replace("15042021", "99999999"),
        "HC1:6BF+70790T9WJWG",
    ],
)
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_card(text)
    assert refusal.value.fields == {"/text": "invalid_card_qr"}


def test_name_that_looks_like_anothers_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_card(PLAIN.replace("An", "Аn"))
    assert refusal.value.fields == {"/text": "suspicious_characters"}
