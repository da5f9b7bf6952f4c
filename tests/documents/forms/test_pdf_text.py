"""What a person reads on a paper, and copies out of it: every letter, on every kind of document there is."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from tests.documents.forms.papers import documents, example, household, made, pages_of, paper, poppler, run_together
from tests.documents.stated import with_claims
from wallet.documents.forms.page import in_vietnamese_order
from wallet.documents.forms.stated import StatedDocument
from wallet.terms import SAMPLE_MARK
from wallet.utilities.base import Kind

MARK = run_together(SAMPLE_MARK)
MILLIMETRE = 72 / 25.4


def printed(document: StatedDocument) -> Iterator[str]:
    """Yield every text that the layout puts on the paper: labels, headings, values, letter by letter."""
    kind, words = document.kind, document.plugin
    yield kind.title["vi"].upper()
    claims = {claim.name: claim for claim in kind.claims}
    for section in kind.layout.sections:
        for name in section.claims:
            if name not in document.claims:
                continue
            yield words.label(name)["vi"]
            yield from shown(document.claims[name], claims[name].kind)
            if claims[name].kind is Kind.RECORDS:
                parts = {part for record in document.claims[name] for part in record}
                yield from (words.words("parts", f"{name}.{part}")["vi"] for part in parts)


def shown(value: Any, kind: Kind) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from shown(part, Kind.TEXT)
    elif isinstance(value, list):
        for each in value:
            yield from shown(each, Kind.TEXT)
    elif isinstance(value, bool):
        yield "Có" if value else "Không"
    elif kind is not Kind.TIME:  # how a moment is written is told apart, below
        yield in_vietnamese_order(str(value))


@pytest.mark.parametrize("name", documents())
def test_every_letter_comes_back(name: str) -> None:
    document, pages = documents()[name], pages_of(paper(name))
    whole = "".join(pages)
    assert unicodedata.is_normalized("NFC", whole)
    assert "\ufffd" not in whole
    text = run_together(whole).replace(MARK, "")
    missing = [each for each in printed(document) if run_together(each) not in text]
    assert missing == []
    for each in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", document.id, "Đã ký số"):
        assert run_together(each) in text
    assert ("SOCIALISTREPUBLICOFVIETNAM" in text) is document.kind.layout.bilingual


@pytest.mark.parametrize("name", documents())
def test_every_page_says_that_it_is_a_sample_and_which_page_it_is(name: str) -> None:
    pages = pages_of(paper(name))
    for number, text in enumerate(pages, 1):
        assert run_together(text).startswith((f"{number}{MARK}", MARK))
        assert f"Trang {number}/{len(pages)}" in text
        assert documents()[name].id in text


@pytest.mark.parametrize("name", documents())
def test_nothing_leaves_the_margins(name: str) -> None:
    assert outside(paper(name)) == []


def outside(content: bytes) -> list[str]:
    """Return the words that stand beyond the margins of 30 and 20 mm."""
    found = poppler("pdftotext", "-bbox", "-enc", "UTF-8", "-", "-", content=content).decode()
    words = re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>', found)
    assert words
    left, right, bottom = 30 * MILLIMETRE - 1, (210 - 20) * MILLIMETRE + 1, (297 - 8) * MILLIMETRE
    return [
        word for x, _, x_end, y_end, word in words if float(x) < left or float(x_end) > right or float(y_end) > bottom
    ]


def test_household_of_thirty_fills_pages_with_the_head_repeated() -> None:
    document = household(60)
    content = made(document)
    pages = pages_of(content)
    assert len(pages) >= 3
    table = [run_together(page) for page in pages if "Người ở nhờ" in page]
    assert len(table) >= 2
    for page in table:
        assert "Họ,chữđệmvàtên" in page
        assert "Quanhệvớichủhộ" in page
        assert "Bốnsốcuối" in page
        assert MARK in page
    text = run_together("".join(pages)).replace(MARK, "")
    for person in document.claims["household_members"]:
        for part in person.values():
            assert run_together(in_vietnamese_order(part)) in text
    assert outside(content) == []
    assert [f"Trang {number}/{len(pages)}" in page for number, page in enumerate(pages, 1)] == [True] * len(pages)
    assert len(pages_of(made(household(30)))) == 2


HOSTILE = (
    '#panic("x")',
    "$x^2$ *đậm* _nghiêng_ `mã` <nhãn> @ref \\ #{1+1} // không phải chú thích",
    "</w:t><script>alert(1)</script>",
    '") #read("/etc/passwd")',
    "= Tiêu đề",
    "- một / hai ~ ba -- bốn --- năm ...",
    "%%EOF 1 0 obj << /JS (x) >>",
    "\"ngoặc kép\" 'ngoặc đơn'",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_somebody_typed_stands_there_to_the_letter(text: str) -> None:
    content = made(with_claims(example("residence/the whole confirmation with both"), purpose=text, recipient=text))
    assert run_together("".join(pages_of(content))).replace(MARK, "").count(run_together(text)) == 2
    assert outside(content) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("đi 中国", "đi [U+4E2D][U+56FD]"),
        ("Дмитрий", "[U+0414][U+043C][U+0438][U+0442][U+0440][U+0438][U+0439]"),
        ("an\u202etoàn", "an[U+202E]toàn"),
        ("vui 🙂", "vui [U+1F642]"),
        ("a\u200bb\u0000c", "a[U+200B]b[U+0000]c"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("Þórður Ðặng ß Łódź Şahin Dvořák", "Þórður Ðặng ß Łódź Şahin Dvořák"),
    ],
)
def test_letter_without_a_glyph_is_told_by_its_code_point(text: str, told: str) -> None:
    content = made(with_claims(example("residence/the whole confirmation with both"), purpose=text))
    assert run_together(told) in run_together("".join(pages_of(content))).replace(MARK, "")


@pytest.mark.parametrize("text", ["x" * 240, "Ễ" * 120, "0123456789" * 24, "a" * 30 + " " + "b" * 200])
def test_word_longer_than_a_line_is_broken_and_stays_whole(text: str) -> None:
    content = made(with_claims(example("residence/the whole confirmation with both"), purpose=text))
    assert run_together(text) in run_together("".join(pages_of(content))).replace(MARK, "")
    assert outside(content) == []


def test_lines_stay_lines() -> None:
    content = made(with_claims(example("residence/the whole confirmation with both"), purpose="một\nhai\r\nba\tbốn"))
    lines = [line.strip() for page in pages_of(content) for line in page.split("\n")]
    assert {"một", "hai", "ba bốn"} <= set(lines)
