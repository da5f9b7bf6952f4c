"""The empty spreadsheet that a hotel downloads and fills: the columns of an importable field, and how to fill them."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO

from wallet.requests.importing import importable
from wallet.requests.spreadsheets import CSV, neutral
from wallet.texts.catalogue import lookup
from wallet.utilities.base import Ask, Field
from wallet.utilities.catalogue import Plugin

TEXT_FORMAT, DAY_FORMAT, MOMENT_FORMAT = "@", "dd/mm/yyyy", "dd/mm/yyyy hh:mm"
_FORMATS = {Ask.DAY: DAY_FORMAT, Ask.MOMENT: MOMENT_FORMAT, Ask.INT: "0"}
_NARROW, _WIDE = 18, 32
_FIRST_CHOICE = 5
"""Column of the guide in which a field's choices begin."""


def template(field: Field, plugin: Plugin, language: str, media_type: str) -> bytes:
    """Return an empty spreadsheet for a field. media_type: of MEDIA_TYPES. language: `vi` or `en`."""
    return _csv(field, plugin, language) if media_type == CSV else _workbook(field, plugin, language)


def _headings(field: Field, plugin: Plugin, language: str) -> list[str]:
    return [neutral(plugin.words("fields", each.name)[language]) for each in importable(field)]


def _csv(field: Field, plugin: Plugin, language: str) -> bytes:
    """Return a line of headings as programs set to Vietnamese open it: UTF-8 with a mark, parted by semicolons."""
    written = StringIO(newline="")
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerow(_headings(field, plugin, language))
    return written.getvalue().encode("utf-8-sig")


def _workbook(field: Field, plugin: Plugin, language: str) -> bytes:
    """Return a sheet to fill, whose columns keep what is typed as text, and a guide with every choice."""
    # Imported here: it takes a fifth of a second, and only who downloads a template needs it.
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter, quote_sheetname
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    sheet.title = lookup("imports", "sheet", language)
    guide = book.create_sheet(lookup("imports", "guide", language))
    guide.append([lookup("imports", name, language) for name in ("column", "code", "needed", "how", "choices")])
    for number, (each, heading) in enumerate(
        zip(importable(field), _headings(field, plugin, language), strict=True), start=1
    ):
        letter = get_column_letter(number)
        cell = sheet.cell(1, number, heading)
        cell.font = Font(bold=True)
        column = sheet.column_dimensions[letter]
        column.width = _WIDE if each.kind is Ask.TEXT else _NARROW
        column.number_format = _FORMATS.get(each.kind, TEXT_FORMAT)
        choices = _choices(each, plugin, language)
        guide.append([heading, each.name, *_told(each, language), *choices])
        if choices:
            row, last = number + 1, get_column_letter(_FIRST_CHOICE + len(choices) - 1)
            cells = f"${get_column_letter(_FIRST_CHOICE)}${row}:${last}${row}"
            valid = DataValidation("list", f"{quote_sheetname(guide.title)}!{cells}", allow_blank=True)
            valid.add(f"{letter}2:{letter}{field.size[1] + 1}")
            sheet.add_data_validation(valid)
    sheet.freeze_panes = "A2"
    for number in range(1, _FIRST_CHOICE):
        guide.column_dimensions[get_column_letter(number)].width = _WIDE
        guide.cell(1, number).font = Font(bold=True)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def _told(field: Field, language: str) -> Sequence[str]:
    """Return whether a column has to be filled, and how."""
    needed = "no" if not field.required else "yes" if field.only_if is None else "depends"
    kinds = (Ask.DAY, Ask.BIRTH_DATE, Ask.MOMENT, Ask.INT, Ask.BOOL, Ask.CHOICE, Ask.CHOICES)
    how = field.kind.value if field.kind in kinds else "text"
    return lookup("imports", f"needed_{needed}", language), lookup("imports", f"how_{how}", language)


def _choices(field: Field, plugin: Plugin, language: str) -> list[str]:
    if field.kind is Ask.BOOL:
        return [lookup("imports", "true", language), lookup("imports", "false", language)]
    return [neutral(plugin.words("choices", f"{field.name}.{choice}")[language]) for choice in field.choices]
