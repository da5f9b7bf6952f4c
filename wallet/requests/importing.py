"""A spreadsheet of records, checked row by row: what is right is handed back as answers, and nothing is stored.

For every field of a form that is `importable`: its own fields are the columns. What a spreadsheet program has spoilt (a
number without its zeros, a day without its hour) is refused in words and never mended by guessing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from wallet.requests.spreadsheets import XLSX, Cell, Notice, Sheet, Unreadable, check_type, read_csv, refuse
from wallet.requests.workbooks import read_workbook
from wallet.utilities.answering import asked
from wallet.utilities.base import Ask, Field, unmarked
from wallet.utilities.catalogue import LANGUAGES, Plugin

HEADER_WITHIN = 20
"""Rows from the top in which the names of the columns are looked for: many lists begin with a title."""

NOT_IN_A_CELL = frozenset({Ask.FILES, Ask.RECORDS})
YES = frozenset({"x", "co", "dung", "yes", "y", "true", "1", "v"})
NO = frozenset({"khong", "sai", "no", "n", "false", "0"})

_DAY = (
    r"(?:(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"|(?P<d>[0-9]{1,2})[/.-](?P<m>[0-9]{1,2})[/.-](?P<y>[0-9]{4}))"
)
_HOUR = r"(?P<hour>[0-9]{1,2})[:hg](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
_DAY_ALONE = re.compile(_DAY)
_DAY_FIRST = re.compile(rf"{_DAY}(?:T|,? ){_HOUR}(?P<zone>Z|[+-][0-9]{{2}}:[0-9]{{2}})?", re.IGNORECASE)
_HOUR_FIRST = re.compile(rf"{_HOUR},? (?:ngày )?{_DAY}(?P<zone>)", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"-?[0-9](?:[.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
_NEUTRALISED = re.compile(r"'[=+\-@\t\r0-9]")
_MOST_DIGITS_AS_TEXT = 10**6
"""A whole number below this was hardly meant as anything longer: room 301 is room 301."""
_VIETNAM = "+07:00"

CheckRow = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""Raw answers of one record to what is wrong with them: name of a field to code."""

CheckAll = Callable[[Sequence[Mapping[str, Any]]], Mapping[tuple[int, str], str]]
"""Raw answers of all good records to what is wrong with them together: place and name of a field to code."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file. number: as a spreadsheet program shows it. faults: name of a field to code."""

    number: int
    answers: Mapping[str, Any]
    faults: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a file. ignored: columns, as they are headed, that no field is called. missing: required fields that
    have no column."""

    header_row: int
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]
    notices: tuple[Notice, ...]
    rows: tuple[Row, ...]

    @property
    def answers(self) -> tuple[Mapping[str, Any], ...]:
        """The good rows as raw answers, as the form's parser takes them."""
        return tuple(row.answers for row in self.rows if row.ok)


class _WrongCell(Exception):
    """A cell that cannot be taken. code: a text of the catalogue's `fields`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_sheet(data: bytes, media_type: str) -> Sheet:
    """Return the rows of a file. media_type: one of MEDIA_TYPES. Raises InvalidInput for a file that is none."""
    check_type(data, media_type)
    return read_workbook(data) if media_type == XLSX else read_csv(data)


def importable(field: Field) -> tuple[Field, ...]:
    """Return the fields of one record that a cell can hold."""
    return tuple(each for each in field.fields if each.kind not in NOT_IN_A_CELL)


def report(
    sheet: Sheet, field: Field, plugin: Plugin, check_row: CheckRow, check_all: CheckAll | None = None
) -> Report:
    """Return the rows of a sheet, checked. Raises InvalidInput("/file": ...) where the sheet as a whole is no list."""
    place, header = _header(sheet, field, plugin)
    columns = {column: found for column, (found, _shown) in header.items() if found is not None}
    if len({each.name for each in columns.values()}) != len(columns):
        refuse("spreadsheet_column_twice")
    # Of a row that has only its number in front, nothing is meant.
    below = [row for row in sheet.rows[place + 1 :] if any(row[1][c] is not None for c in columns if c < len(row[1]))]
    if not below:
        refuse("spreadsheet_no_rows")
    if len(below) > field.size[1]:
        refuse("spreadsheet_too_many_rows")
    words = _Words(plugin)
    rows = [_row(number, cells, columns, words, check_row) for number, cells in below]
    names = {each.name for each in columns.values()}
    return Report(
        header_row=sheet.rows[place][0],
        columns=tuple(each.name for each in columns.values()),
        ignored=tuple(shown for found, shown in header.values() if found is None),
        missing=tuple(
            each.name for each in importable(field) if each.required and asked(each, {}) and each.name not in names
        ),
        notices=sheet.notices,
        rows=tuple(_together(rows, check_all) if check_all else rows),
    )


def folded(text: str) -> str:
    """Return a heading without case, marks and punctuation: `Họ và tên *` is `ho va ten`."""
    return re.sub(r"[^0-9a-z]+", " ", unmarked(text)).strip()


def _header(sheet: Sheet, field: Field, plugin: Plugin) -> tuple[int, dict[int, tuple[Field | None, str]]]:
    """Return which row names the columns, and column to its field and heading."""
    known = _headings(field, plugin)
    enough = min(2, len(importable(field)))
    for place, (_number, cells) in enumerate(sheet.rows[:HEADER_WITHIN]):
        shown = {column: cell for column, cell in enumerate(cells) if isinstance(cell, str)}
        if sum(folded(cell) in known for cell in shown.values()) >= enough:
            return place, {column: (known.get(folded(cell)), cell[:100]) for column, cell in shown.items()}
    return refuse("spreadsheet_no_header")


def _headings(field: Field, plugin: Plugin) -> dict[str, Field]:
    """Return every heading that a field may have: its code before its words, where two fields would share one."""
    found: dict[str, Field] = {folded(each.name): each for each in importable(field)}
    for language in LANGUAGES:
        for each in importable(field):
            found.setdefault(folded(plugin.words("fields", each.name)[language]), each)
    return found


class _Words:
    """The choices of a form by every name that a person may write for them."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._known: dict[str, dict[str, str]] = {}

    def choice(self, field: Field, text: str) -> str:
        """Return the code of a choice, the text itself where it names none."""
        if field.name not in self._known:
            names = {folded(code): code for code in field.choices}
            for code in field.choices:
                for word in self._plugin.words("choices", f"{field.name}.{code}").values():
                    names.setdefault(folded(word), code)
            self._known[field.name] = names
        return text if text in field.choices else self._known[field.name].get(folded(text), text)


def _row(number: int, cells: Sequence[Cell], columns: Mapping[int, Field], words: _Words, check_row: CheckRow) -> Row:
    answers: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for column, field in columns.items():
        cell = cells[column] if column < len(cells) else None
        if cell is None:
            continue
        try:
            answers[field.name] = _raw(field, cell, words)
        except _WrongCell as wrong:
            faults[field.name] = wrong.code
    # A column that could not be read is missing to the form; what is wrong with it was said more exactly.
    return Row(number, answers, {**check_row(answers), **faults})


def _together(rows: Sequence[Row], check_all: CheckAll) -> Iterator[Row]:
    """Yield the rows, with what is wrong only because of the others."""
    good = [place for place, row in enumerate(rows) if row.ok]
    found: dict[int, dict[str, str]] = {}
    for (place, name), code in check_all([rows[each].answers for each in good]).items():
        found.setdefault(good[place], {})[name] = code
    for place, row in enumerate(rows):
        yield Row(row.number, row.answers, found[place]) if place in found else row


def _raw(field: Field, cell: Cell, words: _Words) -> Any:
    """Return a cell as the form's parser takes it. Raises _WrongCell."""
    if isinstance(cell, Unreadable):
        raise _WrongCell(cell.code)
    match field.kind:
        case Ask.DAY:
            return _day(cell)
        case Ask.BIRTH_DATE:
            return _birth_date(cell)
        case Ask.MOMENT:
            return _moment(cell)
        case Ask.INT:
            return _whole_number(cell)
        case Ask.BOOL:
            return _yes_or_no(cell)
        case Ask.CHOICE:
            return words.choice(field, _text(cell))
        case Ask.CHOICES:
            whole = words.choice(field, _text(cell))
            parts = [part.strip() for part in re.split(r"[;\n]", _text(cell)) if part.strip()]
            return [whole] if whole in field.choices else [words.choice(field, part) for part in parts]
        case Ask.NUMBER | Ask.PHONE | Ask.COMMUNE | Ask.PROVINCE:
            return _digits(field, cell)
        case _:
            return _text(cell)


def _text(cell: Cell) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell < _MOST_DIGITS_AS_TEXT:
        return str(cell)
    if not isinstance(cell, str):
        raise _WrongCell("cell_not_text")
    if _SCIENTIFIC.fullmatch(cell):
        raise _WrongCell("cell_scientific")
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def _digits(field: Field, cell: Cell) -> str:
    if not isinstance(cell, str):
        raise _WrongCell("cell_not_text")
    text = "".join(_text(cell).split())
    lengths = {Ask.NUMBER: 12, Ask.COMMUNE: 5, Ask.PROVINCE: 2, Ask.PHONE: 10}
    if text.isdecimal() and lengths[field.kind] - 3 <= len(text) < lengths[field.kind]:
        raise _WrongCell("cell_lost_zero")
    return text


def _day(cell: Cell) -> str:
    if isinstance(cell, date):  # of a moment, the day
        return date(cell.year, cell.month, cell.day).isoformat()
    found = _DAY_ALONE.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        raise _WrongCell("cell_not_a_day")
    return _day_of(found)


def _birth_date(cell: Cell) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool) and 1800 <= cell < 2100:
        return str(cell)
    if isinstance(cell, str) and re.fullmatch(r"[0-9]{4}", cell):
        return cell
    return _day(cell)


def _day_of(found: re.Match[str]) -> str:
    names = (("year", "y"), ("month", "m"), ("day", "d"))
    year, month, day = (int(found[one] or found[other]) for one, other in names)
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise _WrongCell("no_such_day") from error


def _moment(cell: Cell) -> str:
    """Return a moment as RFC 3339; without a zone, it is that of Vietnam."""
    if isinstance(cell, datetime):
        return f"{cell.isoformat(timespec='seconds')}{_VIETNAM}"
    if isinstance(cell, date) or (isinstance(cell, str) and _DAY_ALONE.fullmatch(cell)):
        raise _WrongCell("cell_time_missing")
    text = " ".join(cell.split()) if isinstance(cell, str) else ""
    found = _DAY_FIRST.fullmatch(text) or _HOUR_FIRST.fullmatch(text)
    if found is None:
        raise _WrongCell("cell_not_a_moment")
    try:
        hour = time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    except ValueError as error:
        raise _WrongCell("cell_not_a_moment") from error
    return f"{_day_of(found)}T{hour.isoformat(timespec='seconds')}{(found['zone'] or _VIETNAM).upper()}"


def _whole_number(cell: Cell) -> int:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and re.fullmatch(r"-?[0-9]{1,15}", cell):
        return int(cell)
    raise _WrongCell("cell_not_a_number")


def _yes_or_no(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    word = folded(str(cell)) if isinstance(cell, (str, int)) else ""
    if word not in YES and word not in NO:
        raise _WrongCell("cell_not_yes_no")
    return word in YES
