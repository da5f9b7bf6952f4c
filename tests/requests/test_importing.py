"""Spreadsheets of guests: each row is taken or refused with the reason at its cell; nothing is guessed."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.requests.sheets import GUESTS, PLUGIN, RAW, TYPED, check_guest, csv_of, imported, saved, typed, xlsx_of
from wallet.errors import InvalidInput
from wallet.requests.importing import folded, read_sheet, report
from wallet.requests.spreadsheets import CSV, XLSX, Notice
from wallet.texts.catalogue import catalogue
from wallet.utilities.base import Ask, Field

HEADER = list(TYPED)
COLUMN = {name: place for place, name in enumerate(HEADER)}


def refused(data: bytes, media_type: str = XLSX) -> str:
    with pytest.raises(InvalidInput) as caught:
        imported(data, media_type)
    assert caught.value.code == "spreadsheet_refused"
    assert list(caught.value.fields) == ["/file"]
    return caught.value.fields["/file"]


def one(media_type: str, **changes: Any) -> Any:
    """Return the only row of a file with one guest."""
    data = xlsx_of(HEADER, typed(**changes)) if media_type == XLSX else csv_of(HEADER, typed(**changes))
    (row,) = imported(data, media_type).rows
    return row


# --- What is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", [CSV, XLSX])
def test_a_good_row_comes_back_as_the_form_takes_it(media_type: str) -> None:
    row = one(media_type)
    assert row.ok
    assert row.answers == RAW
    assert row.number == 2


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_of_every_making_is_read(separator: str, end: str, mark: bytes) -> None:
    row = [f'"{cell}"' if "," in cell else cell for cell in typed()]
    found = imported(mark + csv_of(HEADER, row, separator=separator, end=end), CSV)
    assert found.answers == (RAW,)


def test_quoted_cells_hold_separators_quotes_and_lines() -> None:
    row = typed(address='"Số 1; ngõ ""Cụt"",\r\nHà Nội"')
    found = imported(csv_of(HEADER, row, typed()), CSV)
    assert found.rows[0].answers["address"] == 'Số 1; ngõ "Cụt",\r\nHà Nội'
    assert [each.number for each in found.rows] == [2, 3]


def test_a_stated_separator_is_followed() -> None:
    assert imported(b"sep=;\r\n" + csv_of(HEADER, typed()), CSV).rows[0].number == 3


@pytest.mark.parametrize("language", ["vi", "en"])
def test_columns_are_known_by_their_words_in_any_order_and_case(language: str) -> None:
    words = [PLUGIN.words("fields", name)[language].upper() + " *" for name in HEADER]
    found = imported(csv_of(words[::-1], typed()[::-1]), CSV)
    assert found.answers == (RAW,)
    assert imported(csv_of([folded(word) for word in words], typed()), CSV).answers == (RAW,)


def test_titles_above_empty_rows_and_numbers_in_front_are_passed_over() -> None:
    rows = [["DANH SÁCH KHÁCH"], [], ["STT", *HEADER], ["1", *typed()], ["2"], [], ["3", *typed()]]
    for data, media_type in ((csv_of(*rows), CSV), (xlsx_of(*rows), XLSX)):
        found = imported(data, media_type)
        assert found.header_row == 3
        assert [row.number for row in found.rows] == [4, 7]
        assert found.ignored == ("STT",)
        assert found.answers == (RAW, RAW)


def test_unknown_and_missing_columns_are_told() -> None:
    header = [*HEADER[:-1], "Ghi chú", "Điện thoại"]
    found = imported(csv_of(header, [*typed()[:-1], "đến muộn", "0912345678"]), CSV)
    assert found.ignored == ("Ghi chú", "Điện thoại")
    assert found.missing == ("leaves_on",)
    assert found.rows[0].faults == {"leaves_on": "required"}
    assert found.answers == ()


def test_a_column_that_may_be_left_out_is_not_missing() -> None:
    assert imported(csv_of(HEADER, typed()), CSV).missing == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("x", True), ("Có", True), ("yes", True), ("TRUE", True), ("không", False), ("no", False), ("0", False)],
)
def test_yes_and_no_are_written_in_many_ways(text: str, code: bool) -> None:
    found = imported(csv_of(["is_declarant", "reason"], [text, "Du lịch"]), CSV)
    assert found.rows[0].answers["is_declarant"] is code


@pytest.mark.parametrize("text", ["female", "Nữ", "NỮ", "nu", "Female"])
def test_a_choice_is_known_by_code_and_by_words(text: str) -> None:
    assert one(CSV, sex=text).answers["sex"] == "female"


@pytest.mark.parametrize(
    "text",
    ["20/11/2026 20:30", "20/11/2026 20h30", "20:30 20/11/2026", "2026-11-20T20:30:00+07:00", "20-11-2026 20:30"],
)
def test_a_moment_without_a_zone_is_that_of_vietnam(text: str) -> None:
    row = one(CSV, arrived_at=text)
    assert row.ok
    assert row.answers["arrived_at"] == RAW["arrived_at"]


def test_a_moment_with_a_zone_keeps_it() -> None:
    assert one(CSV, arrived_at="2026-11-20T13:30:00Z").answers["arrived_at"] == "2026-11-20T13:30:00Z"


@pytest.mark.parametrize("text", ["23/11/2026", "23-11-2026", "23.11.2026", "2026-11-23"])
def test_a_day_comes_day_first_or_as_iso(text: str) -> None:
    assert one(CSV, leaves_on=text).answers["leaves_on"] == "2026-11-23"


def test_days_of_a_spreadsheet_are_days() -> None:
    row = one(
        XLSX,
        birth_date=date(1955, 8, 20),
        arrived_at=datetime(2026, 11, 20, 20, 30),  # noqa: DTZ001 - a spreadsheet knows no zone
        leaves_on=date(2026, 11, 23),
    )
    assert row.ok
    assert row.answers == RAW


@pytest.mark.parametrize("year", [1948, "1948"])
def test_a_year_of_birth_alone_is_taken(year: Any) -> None:
    row = one(XLSX, birth_date=year)
    assert row.ok
    assert row.answers["birth_date"] == "1948"


def test_a_small_number_is_a_text() -> None:
    found = imported(xlsx_of([*HEADER, "Phòng"], [*typed(), 301]))
    assert found.answers[0]["room"] == "301"


@pytest.mark.parametrize("text", ["=1+1", "+84 Hà Nội", "-", "@SUM(A1)", "'=1+1"])
@pytest.mark.parametrize("media_type", [CSV, XLSX])
def test_what_looks_like_a_formula_and_was_typed_as_text_is_text(media_type: str, text: str) -> None:
    def as_text(sheet: Worksheet) -> None:
        sheet.cell(2, COLUMN["address"] + 1, text).data_type = "s"

    data = csv_of(HEADER, typed(address=text)) if media_type == CSV else xlsx_of(HEADER, typed(), change=as_text)
    (row,) = imported(data, media_type).rows
    assert row.ok
    assert row.answers["address"] == text.removeprefix("'")


# --- What is refused at its cell --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cell", "code"),
    [
        ("document_number", 99155000123, "cell_not_text"),
        ("document_number", 9.9155000123e10, "cell_not_text"),
        ("document_number", 12345678, "cell_not_text"),
        ("document_number", "9.9155E+10", "cell_scientific"),
        ("document_number", "9,9155E+10", "cell_scientific"),
        ("document_number", date(2026, 11, 20), "cell_not_text"),
        ("full_name", True, "cell_not_text"),
        ("full_name", 1.5, "cell_not_text"),
        ("birth_date", "31/02/1955", "no_such_day"),
        ("birth_date", "12/31/1955", "no_such_day"),
        ("birth_date", "20/08/55", "cell_not_a_day"),
        ("birth_date", 20321, "cell_not_a_day"),
        ("leaves_on", "mai", "cell_not_a_day"),
        ("leaves_on", "2026", "cell_not_a_day"),
        ("leaves_on", 46349, "cell_not_a_day"),
        ("leaves_on", "29/02/2026", "no_such_day"),
        ("arrived_at", "20/11/2026", "cell_time_missing"),
        ("arrived_at", date(2026, 11, 20), "cell_time_missing"),
        ("arrived_at", "20/11/2026 25:30", "cell_not_a_moment"),
        ("arrived_at", "20/11/2026 10:30 PM", "cell_not_a_moment"),
        ("arrived_at", "31/11/2026 10:30", "no_such_day"),
        ("arrived_at", 0.5, "cell_not_a_moment"),
        ("sex", "Khác", "not_a_choice"),
        ("full_name", "Hoà\u200b", "not_plain_text"),
    ],
)
def test_a_cell_that_would_have_to_be_guessed_is_refused(name: str, cell: Any, code: str) -> None:
    row = one(XLSX, **{name: cell})
    assert row.faults == {name: code}


def test_a_formula_is_refused_whatever_it_is_worth() -> None:
    row = one(XLSX, full_name='="Lê Thị "&"Hoà"')
    assert row.faults == {"full_name": "cell_formula"}


def test_a_cell_that_shows_an_error_is_refused() -> None:
    def broken(sheet: Worksheet) -> None:
        cell = sheet.cell(2, COLUMN["reason"] + 1, "#REF!")
        cell.data_type = "e"

    assert imported(xlsx_of(HEADER, typed(), change=broken)).rows[0].faults == {"reason": "cell_error"}


def test_merged_cells_are_not_filled_in() -> None:
    def merged(sheet: Worksheet) -> None:
        sheet.merge_cells("I2:I3")

    found = imported(xlsx_of(HEADER, typed(), typed(), change=merged))
    assert found.rows[0].ok
    assert found.rows[1].faults == {"arrived_at": "cell_merged"}
    assert found.notices == (Notice("merged_cells", {"n": 1}),)


def test_every_fault_of_a_row_is_told_at_once_and_the_good_rows_stay_good() -> None:
    bad = typed(document_number=99155000123, leaves_on="mai", sex="?", full_name="")
    found = imported(xlsx_of(HEADER, typed(), bad, typed()))
    assert [row.ok for row in found.rows] == [True, False, True]
    assert found.rows[1].faults == {
        "document_number": "cell_not_text",
        "leaves_on": "cell_not_a_day",
        "sex": "not_a_choice",
        "full_name": "required",
    }
    assert found.answers == (RAW, RAW)


def test_what_is_wrong_only_together_is_told_at_its_row() -> None:
    def twice(rows: Any) -> dict[tuple[int, str], str]:
        numbers = [row["document_number"] for row in rows]
        return {
            (place, "document_number"): "repeated" for place, number in enumerate(numbers) if number in numbers[:place]
        }

    data = csv_of(HEADER, typed(), typed(leaves_on="?"), typed())
    found = report(read_sheet(data, CSV), GUESTS, PLUGIN, check_guest, twice)
    assert [row.faults for row in found.rows] == [
        {},
        {"leaves_on": "cell_not_a_day"},
        {"document_number": "repeated"},
    ]
    assert len(found.answers) == 1


@pytest.mark.parametrize(
    ("kind", "cell", "code"),
    [
        (Ask.NUMBER, "99155000123", "cell_lost_zero"),
        (Ask.NUMBER, 99155000123, "cell_not_text"),
        (Ask.PHONE, "912345678", "cell_lost_zero"),
        (Ask.COMMUNE, "167", "cell_lost_zero"),
        (Ask.PROVINCE, "1", "cell_lost_zero"),
        (Ask.INT, "1.000", "cell_not_a_number"),
        (Ask.INT, 1.5, "cell_not_a_number"),
        (Ask.BOOL, "có lẽ", "cell_not_yes_no"),
        (Ask.BOOL, 2, "cell_not_yes_no"),
    ],
)
def test_other_kinds_of_column_are_not_guessed_either(kind: Ask, cell: Any, code: str) -> None:
    field = Field("guests", Ask.RECORDS, size=(1, 5), fields=(Field("full_name"), Field("room", kind)))
    data = xlsx_of(["full_name", "room"], ["Hoà", cell])
    found = report(read_sheet(data, XLSX), field, PLUGIN, lambda _raw: {})
    assert found.rows[0].faults == {"room": code}


# --- Which sheet, and how much of it ----------------------------------------------------------------------------------


def test_the_first_sheet_that_shows_is_read_and_that_is_told() -> None:
    book = Workbook()
    hidden = book.active
    assert isinstance(hidden, Worksheet)
    hidden.sheet_state = "hidden"
    hidden.append(["khác"])
    shown = book.create_sheet("Khách tháng 11")
    for row in (HEADER, typed()):
        shown.append(row)
    book.create_sheet("Trống")
    found = imported(saved(book))
    assert found.answers == (RAW,)
    assert found.notices == (Notice("first_sheet", {"name": "Khách tháng 11"}),)


def test_hidden_rows_are_read_and_told() -> None:
    def hide(sheet: Worksheet) -> None:
        sheet.row_dimensions[3].hidden = True

    found = imported(xlsx_of(HEADER, typed(), typed(), change=hide))
    assert len(found.answers) == 2
    assert found.notices == (Notice("hidden_rows", {"n": 1}),)


def test_as_many_rows_as_the_field_takes_and_not_one_more() -> None:
    most = GUESTS.size[1]
    assert len(imported(csv_of(HEADER, *[typed()] * most), CSV).answers) == most
    assert refused(csv_of(HEADER, *[typed()] * (most + 1)), CSV) == "spreadsheet_too_many_rows"
    assert refused(xlsx_of(HEADER, *[typed()] * (most + 1))) == "spreadsheet_too_many_rows"


def test_without_headings_or_rows_there_is_nothing_to_read() -> None:
    assert refused(csv_of(typed(), typed()), CSV) == "spreadsheet_no_header"
    assert refused(csv_of(HEADER), CSV) == "spreadsheet_no_rows"
    assert refused(csv_of(HEADER, ["", ""], []), CSV) == "spreadsheet_no_rows"
    assert refused(csv_of(*[["x"]] * 25, HEADER, typed()), CSV) == "spreadsheet_no_header"


def test_two_columns_for_one_field_are_refused() -> None:
    assert refused(csv_of([*HEADER, "Họ và tên"], [*typed(), "Khác"]), CSV) == "spreadsheet_column_twice"


# --- Words ------------------------------------------------------------------------------------------------------------


def test_every_code_of_a_file_and_a_cell_has_words() -> None:
    codes = {
        "spreadsheet_empty", "spreadsheet_too_large", "spreadsheet_too_many_rows", "spreadsheet_too_many_columns",
        "spreadsheet_damaged", "spreadsheet_other_type", "spreadsheet_macros", "spreadsheet_encrypted",
        "spreadsheet_old", "spreadsheet_encoding", "spreadsheet_no_sheet", "spreadsheet_no_header",
        "spreadsheet_column_twice", "spreadsheet_no_rows", "cell_formula", "cell_error", "cell_merged",
        "cell_not_text", "cell_scientific", "cell_lost_zero", "cell_not_a_day", "cell_time_missing",
        "cell_not_a_moment", "cell_not_a_number", "cell_not_yes_no",
    }  # fmt: skip
    for language in ("vi", "en"):
        assert codes <= set(catalogue(language)["fields"])
        assert {"first_sheet", "merged_cells", "hidden_rows"} == set(catalogue(language)["import_notices"])


# --- Properties -------------------------------------------------------------------------------------------------------

NAMES = (
    st.text(st.characters(categories=("L", "M", "N", "P", "Zs")), min_size=1, max_size=40)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


@settings(max_examples=25)
@given(NAMES, st.dates(date(1900, 1, 1), date(2026, 11, 1)), st.integers(0, 24 * 60 - 1))
def test_csv_and_xlsx_of_the_same_say_the_same(name: str, born: date, minute: int) -> None:
    changes = {
        "full_name": name,
        "birth_date": f"{born:%d/%m/%Y}",
        "arrived_at": f"20/11/2026 {minute // 60:02d}:{minute % 60:02d}",
    }

    def as_text(sheet: Worksheet) -> None:
        sheet.cell(2, 1, name).data_type = "s"

    quoted = ['"' + cell.replace('"', '""') + '"' for cell in typed(**changes)]
    (by_csv,) = imported(csv_of(HEADER, quoted), CSV).rows
    (by_xlsx,) = imported(xlsx_of(HEADER, typed(**changes), change=as_text)).rows
    assert by_csv.answers == by_xlsx.answers
    assert by_csv.faults == by_xlsx.faults


@settings(max_examples=25)
@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - a spreadsheet knows no zone
def test_a_moment_of_a_spreadsheet_is_the_one_that_was_typed(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    row = one(XLSX, arrived_at=moment, birth_date=moment.date())
    assert row.answers["arrived_at"] == f"{moment.isoformat()}+07:00"
    assert row.answers["birth_date"] == moment.date().isoformat()
    assert datetime.fromisoformat(row.answers["arrived_at"]).utcoffset() == timedelta(hours=7)
