"""The empty spreadsheet that is handed out is one that comes back readable, and runs nothing."""

from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.requests.sheets import GUESTS, PLUGIN, RAW, TYPED, check_guest, imported, saved
from wallet.errors import InvalidInput
from wallet.requests.import_templates import template
from wallet.requests.importing import importable, read_sheet, report
from wallet.requests.spreadsheets import CSV, MEDIA_TYPES, XLSX, neutral, read_csv
from wallet.utilities.base import Ask, Field
from wallet.utilities.catalogue import Plugin


def evil(word: str) -> tuple[Field, Plugin]:
    """Return a field of somebody's plug-in whose words would be a formula."""
    field = Field("rows", Ask.RECORDS, fields=(Field("first", Ask.CHOICE, choices=("a",)), Field("second")))
    words = {"fields": {"first": word, "second": "Hai"}, "choices": {"first.a": word}}
    return field, Plugin(PLUGIN.utility, {"vi": words, "en": words}, "made.up")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_an_empty_template_has_every_column_and_no_row(media_type: str, language: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        imported(template(GUESTS, PLUGIN, language, media_type), media_type)
    assert caught.value.fields == {"/file": "spreadsheet_no_rows"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_template_that_was_filled_is_taken(language: str) -> None:
    book = load_workbook(BytesIO(template(GUESTS, PLUGIN, language, XLSX)))
    sheet = book.worksheets[0]
    names = [field.name for field in importable(GUESTS)]
    for number, name in enumerate(names, start=1):
        if name in TYPED:
            sheet.cell(2, number, TYPED[name])
    found = imported(saved(book))
    assert found.missing == ()
    assert found.ignored == ()
    assert sorted(found.columns) == sorted(names)
    assert found.answers == (RAW,)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_template_as_csv_that_was_filled_is_taken(language: str) -> None:
    names = [field.name for field in importable(GUESTS)]
    line = ";".join(TYPED.get(name, "") for name in names)
    assert imported(template(GUESTS, PLUGIN, language, CSV) + line.encode(), CSV).answers == (RAW,)


def test_columns_keep_what_is_typed_as_text() -> None:
    """A number that is typed into a cell of this format stays what was typed, with its zeros."""
    book = load_workbook(BytesIO(template(GUESTS, PLUGIN, "vi", XLSX)))
    sheet = book.worksheets[0]
    formats = {
        cell.value: sheet.column_dimensions[cell.column_letter].number_format for cell in next(sheet.iter_rows())
    }
    assert formats["Số giấy tờ"] == "@"
    assert formats["Ngày sinh"] == "@"
    assert formats["Đến lúc"] == "dd/mm/yyyy hh:mm"
    assert formats["Ở đến ngày"] == "dd/mm/yyyy"


def test_every_choice_stands_in_the_guide_and_is_offered() -> None:
    book = load_workbook(BytesIO(template(GUESTS, PLUGIN, "vi", XLSX)))
    guide = {row[1]: row for row in book["Hướng dẫn"].iter_rows(min_row=2, values_only=True)}
    for field in importable(GUESTS):
        words = [PLUGIN.words("choices", f"{field.name}.{choice}")["vi"] for choice in field.choices]
        assert [cell for cell in guide[field.name][4:] if cell is not None] == (
            ["có", "không"] if field.kind is Ask.BOOL else words
        )
    offered = {
        str(each.sqref).partition(":")[0]: each.formula1 for each in book.worksheets[0].data_validations.dataValidation
    }
    assert len(offered) == 4
    for at, cells in offered.items():
        name = book.worksheets[0][f"{at[0]}1"].value
        first = cells.rpartition("!")[2].replace("$", "").partition(":")[0]
        assert book["Hướng dẫn"][f"A{first[1:]}"].value == name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_s70_no_cell_that_is_handed_out_is_a_formula(start: str) -> None:
    word = f'{start}HYPERLINK("http://127.0.0.1/";"x")'
    field, plugin = evil(word)
    assert neutral(word) == f"'{word}"
    (_number, cells), *_none = read_csv(template(field, plugin, "vi", CSV)).rows
    assert cells[0] == f"'{word}"
    for sheet in load_workbook(BytesIO(template(field, plugin, "vi", XLSX))).worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type in ("s", "n") for cell in row)
            assert not any(str(cell.value).startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@pytest.mark.parametrize("word", ["Họ và tên", "'", "a=b", "1-2"])
def test_other_words_stand_as_they_are(word: str) -> None:
    assert neutral(word) == word


def test_a_heading_that_was_made_harmless_is_known_again() -> None:
    field, plugin = evil("=Một")
    data: Any = template(field, plugin, "vi", CSV) + b"a;x\r\n"
    found = report(read_sheet(data, CSV), field, plugin, lambda _raw: {})
    assert found.answers == ({"first": "a", "second": "x"},)
    assert check_guest({}) != {}
