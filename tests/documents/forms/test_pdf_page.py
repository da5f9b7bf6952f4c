"""What is put on a paper, word by word, before anything is drawn."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.documents.forms.papers import SEALED_AT, copy_of, documents, example
from tests.documents.stated import with_claims
from wallet.documents.forms.page import (
    BREAKABLE,
    CELL_MM,
    LETTER_MM,
    TABLE_MM,
    WIDEST_TABLE,
    in_vietnamese_order,
    page,
    serial_of,
    shared_width,
)
from wallet.documents.forms.stated import StatedDocument
from wallet.terms import SAMPLE_MARK
from wallet.utilities.base import Layout, Section

CT07 = "residence/the whole confirmation with both tables"


def put(document: StatedDocument, **changes: Any) -> dict[str, Any]:
    return page(document, replace(copy_of(document), **changes), SEALED_AT, str)


def laid_out(document: StatedDocument, **changes: Any) -> StatedDocument:
    layout = replace(document.kind.layout, **changes)
    return replace(document, kind=replace(document.kind, layout=layout))


def claims_put(content: dict[str, Any]) -> int:
    return sum(len(section["rows"]) for section in content["sections"])


# --- The frame ------------------------------------------------------------------------------------------------------


def test_frame_is_that_of_an_administrative_paper() -> None:
    document = example(CT07)
    content = put(document)
    assert content["nation"] == {"vi": "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"}
    assert content["motto"] == {"vi": "Độc lập - Tự do - Hạnh phúc"}
    assert content["mark"] == SAMPLE_MARK
    assert content["number"] == {"vi": f"Số: {document.id[4:14].upper()}/2026/XN-CT07"}
    assert content["day"] == {"vi": "Ngày 20 tháng 11 năm 2026"}
    assert content["body"] == {"lower": {"vi": "Công an cấp xã nơi đăng ký cư trú"}}
    assert content["signatory"] == {"vi": "Trưởng Công an cấp xã"}
    assert content["sealed_by"] == {"vi": "Ký bởi: Ví Số"}
    assert content["sealed_at"] == {"vi": "Ký lúc: 12:30:07, 20/11/2026"}
    assert content["scan_at"] == {"vi": "hoặc mở https://vi.example.vn/scan"}


def test_day_and_year_are_those_of_vietnam() -> None:
    """Midnight in Hà Nội is 17:00 in UTC."""
    late, early = datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
    before, after = (put(replace(example(CT07), issued_at=each)) for each in (late, early))
    assert before["day"]["vi"].endswith("31 tháng 12 năm 2026")
    assert "/2026/" in before["number"]["vi"]
    assert after["day"]["vi"].endswith("01 tháng 01 năm 2027")
    assert "/2027/" in after["number"]["vi"]
    assert (before["day_of_issue"], after["day_of_issue"]) == ("2026-12-31", "2027-01-01")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (datetime(2027, 3, 5, 17, 0, tzinfo=UTC), "Có giá trị đến hết ngày 05/03/2027"),
        (datetime(2027, 3, 5, 16, 59, tzinfo=UTC), "Có giá trị đến 23:59, 05/03/2027"),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), "Có giá trị đến hết ngày 31/12/2026"),
        (datetime(2028, 2, 29, 17, 0, tzinfo=UTC), "Có giá trị đến hết ngày 29/02/2028"),
    ],
)
def test_end_is_told_as_people_say_it(end: datetime, told: str) -> None:
    assert put(example(CT07), expires_at=end)["valid"] == {"vi": told}


def test_bilingual_paper_has_english_in_every_place_and_others_in_none() -> None:
    both, one = put(example("driving_licence")), put(example(CT07))
    names = ("title", "nation", "motto", "number", "day", "signatory", "sealed", "valid", "scan", "about", "sample")
    for name in names:
        assert both[name].keys() == {"vi", "en"}, name
        assert one[name].keys() == {"vi"}, name
    assert all(row["label"].keys() == {"vi", "en"} for section in both["sections"] for row in section["rows"])
    assert both["body"] == {
        "upper": {"vi": "Bộ Công an", "en": "Ministry of Public Security"},
        "lower": {"vi": "Cục Cảnh sát giao thông", "en": "Traffic Police Department"},
    }


def test_desk_that_decided_names_the_paper_and_its_place() -> None:
    document = example("judicial_record_1")
    told = {
        "Công an cấp tỉnh, Thành phố Hà Nội": ("Công an cấp tỉnh, Thành phố Hà Nội", "Hà Nội, ngày 20 tháng 11"),
        "Công an cấp tỉnh, Tỉnh Khánh Hòa": ("Công an cấp tỉnh, Tỉnh Khánh Hòa", "Khánh Hòa, ngày 20 tháng 11"),
        "Công an cấp tỉnh, Thành phố Không Có": ("Công an cấp tỉnh, Thành phố Không Có", "Ngày 20 tháng 11"),
        "Công an cấp tỉnh": ("Công an cấp tỉnh", "Ngày 20 tháng 11"),
    }
    for office, (name, day) in told.items():
        content = put(with_claims(document, office=office))
        assert content["body"] == {"lower": {"vi": name}}
        assert content["day"]["vi"].startswith(day)


def test_paper_without_a_signatory_is_the_issuers() -> None:
    assert put(laid_out(example(CT07), signatory=""))["signatory"] == {"vi": "Ví Số"}


def test_serial_tells_no_order_and_is_in_the_id() -> None:
    assert serial_of("doc_0123456789abcdef0123456789abcdef") == "0123456789"
    assert len({put(each)["number"]["vi"] for each in documents().values()}) >= len(documents()) - 16


# --- The body -------------------------------------------------------------------------------------------------------


def test_only_what_the_layout_names_is_put_there() -> None:
    """The codes of places and the last four digits are for machines; what a layout leaves out stays out."""
    document = example(CT07)
    named = [name for section in document.kind.layout.sections for name in section.claims]
    assert claims_put(put(document)) == sum(name in document.claims for name in named)
    whole = str(put(document)["sections"])
    assert document.claims["permanent_commune_code"] not in whole
    short = laid_out(document, sections=(Section("person", ("full_name",)),))
    assert claims_put(put(short)) == 1
    assert document.claims["number"] not in str(put(short)["sections"])


def test_kind_without_a_layout_shows_every_claim_in_its_order() -> None:
    document = example("driving_licence")
    bare = replace(document, kind=replace(document.kind, layout=Layout()))
    (section,) = put(bare)["sections"]
    assert section["heading"] is None
    expected = [document.plugin.label(name)["vi"] for name in document.kind.names if name in document.claims]
    assert [row["label"]["vi"] for row in section["rows"]] == expected
    assert put(bare)["numbered"] is False


def test_claim_that_is_absent_leaves_no_line() -> None:
    document = example(CT07)
    less = replace(document, claims={name: value for name, value in document.claims.items() if name != "purpose"})
    assert claims_put(put(less)) == claims_put(put(document)) - 1


def test_headings_are_numbered_by_the_page_alone() -> None:
    """A plug-in's own numeral would skip what is empty, or stand on a paper of another order."""
    summary, visit = put(example("health_summary")), put(example("health_visit"))
    for content in (put(example(CT07)), summary, visit):
        assert content["numbered"] is True
    assert summary["sections"][1]["heading"] == {"vi": "Thông tin hành chính"}
    assert visit["sections"][2]["heading"] == {"vi": "Tóm tắt hồ sơ bệnh án"}
    assert put(example("allergy_card"))["numbered"] is False


def test_what_a_heading_has_said_is_not_said_again() -> None:
    (visits,) = (
        section
        for section in put(example("health_summary"))["sections"]
        if section["heading"] and "khám bệnh" in section["heading"]["vi"]
    )
    assert [row["label"] for row in visits["rows"]] == [None]
    assert visits["rows"][0]["as"] == "blocks"
    (ct07,) = (section for section in put(example(CT07))["sections"] if section["heading"]["vi"] == "Hộ gia đình")
    assert all(row["label"] for row in ct07["rows"])


def rows_of(document: StatedDocument) -> dict[str, Any]:
    return {row["label"]["vi"]: row for section in put(document)["sections"] for row in section["rows"]}


def test_lists_stand_on_one_line_where_they_fit() -> None:
    licence = example("driving_licence")
    told = {
        ("B",): {"as": "line", "value": "B"},
        ("B", "A1"): {"as": "line", "value": "B, A1"},
        (): {"as": "line", "value": "Không có mục nào được ghi nhận / None on record"},
        ("một hạng có tên rất dài", "một hạng khác"): {"as": "line", "value": "một hạng có tên rất dài, một hạng khác"},
        ("một hạng có tên rất dài", "một hạng khác có tên dài"): {
            "as": "list",
            "items": ["một hạng có tên rất dài", "một hạng khác có tên dài"],
        },
    }
    for classes, row in told.items():
        put_there = rows_of(with_claims(licence, classes=list(classes)))["Hạng"]
        assert {name: value for name, value in put_there.items() if name != "label"} == row


def test_moments_and_days_are_vietnamese() -> None:
    receipt = rows_of(example("lodging_receipt/a mother"))
    assert receipt["Thông báo lúc"]["value"] == "20:45, 20/11/2026"
    ct07 = rows_of(example(CT07))
    assert ct07["Ngày, tháng, năm sinh"]["value"] == "12/05/1990"
    assert ct07["Thành viên hộ gia đình"]["rows"][0][1] == "12/05/1990"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-05", "05/03/2026"),
        ("1948", "1948"),
        ("2026-03-05T22:15", "22:15, 05/03/2026"),
        ("2026-03-05T22:15:09", "22:15, 05/03/2026"),
        ("2026-03-05T22:15:00Z", "05:15, 06/03/2026"),
        ("45/2012/HS-ST", "45/2012/HS-ST"),
        ("12-2026-03-05", "12-2026-03-05"),
        ("2026-03-055", "2026-03-055"),
        ("2026-03-05 ", "2026-03-05 "),
        ("", ""),
    ],
)
def test_days_are_turned_and_nothing_else(text: str, told: str) -> None:
    assert in_vietnamese_order(text) == told


def test_records_that_fit_are_a_table_and_others_stand_below_one_another() -> None:
    record = example("judicial_record_2/No. 2, the whole record")
    rows = rows_of(record)
    assert rows["Án tích"]["as"] == "blocks"
    assert [part["value"] for part in rows["Án tích"]["blocks"][0]][:2] == ["45/2012/HS-ST", "14/06/2012"]
    assert rows_of(example(CT07))["Thành viên hộ gia đình"]["as"] == "table"


def test_column_that_no_record_fills_is_left_out() -> None:
    document = example(CT07)
    places = [
        {name: value for name, value in each.items() if name != "to_day"} for each in document.claims["earlier_places"]
    ]
    table = rows_of(with_claims(document, earlier_places=places))["Quá trình cư trú trước đây"]
    assert [words["vi"] for words in table["columns"]] == ["Từ ngày", "Hình thức cư trú", "Địa chỉ"]


def test_empty_records_are_said_to_be_empty() -> None:
    """A group that was asked for and of which nothing is on record is not left out."""
    row = rows_of(with_claims(example(CT07), household_members=[]))["Thành viên hộ gia đình"]
    assert row["value"] == "Không có mục nào được ghi nhận"


@pytest.mark.parametrize("seed", range(60))
def test_columns_share_the_width_and_hold_their_longest_word(seed: int) -> None:
    rng = random.Random(seed)

    def text() -> str:
        return "".join(rng.choice("aaabễ \n") for _ in range(rng.randrange(40)))

    heads = [text() for _ in range(rng.randrange(1, 8))]
    cells = [[text() for _ in range(4)] for _ in heads]
    widths = shared_width(heads, cells)
    if not widths:
        return
    assert len(widths) == len(heads) <= WIDEST_TABLE
    assert sum(widths) <= TABLE_MM + 0.1
    for head, column, width in zip(heads, cells, widths, strict=True):
        longest = max((len(word) for text in (head, *column) for word in text.split()), default=0)
        assert width >= min(longest, BREAKABLE) * LETTER_MM + CELL_MM - 0.01


def test_seven_columns_are_no_table() -> None:
    assert shared_width(["a"] * WIDEST_TABLE, [["b"]] * WIDEST_TABLE)
    assert shared_width(["a"] * (WIDEST_TABLE + 1), [["b"]] * (WIDEST_TABLE + 1)) == []
    assert shared_width(["a" * 20] * 4, [["b"]] * 4) == []
