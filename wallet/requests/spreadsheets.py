"""A spreadsheet as rows of cells: what a stranger sends is CSV or XLSX, and neither is trusted.

Nothing is guessed and nothing is calculated: a formula is no value here. XLSX is read in `workbooks.py`.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO
from types import MappingProxyType
from typing import Any, NoReturn

from wallet.errors import InvalidInput

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = (CSV, XLSX)

MAX_BYTES = 2 << 20
MOST_ROWS = 2000
"""Rows with something in them. Of an import, the field's own limit counts, which is lower."""
MOST_COLUMNS = 100

ZIP_MAGIC, OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEPARATORS = (";", ",", "\t")
_STATED_SEPARATOR = re.compile(r"\Asep=([;,\t])(?:\r\n|\r|\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that has no value of its own. code: why, a text of the catalogue's `fields`."""

    code: str


Cell = str | int | float | bool | date | datetime | Unreadable | None
"""A `date` where the cell shows a day, a naive `datetime` where it shows the hour too, by the clock on the wall."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told about a file that is no fault. code: a text of the catalogue's `import_notices`."""

    code: str
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: each row that has anything in it, with its number as a spreadsheet program shows it."""

    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    notices: tuple[Notice, ...] = ()


def refuse(code: str) -> NoReturn:
    """Refuse a whole file. code: a text of the catalogue's `fields`. Raises InvalidInput."""
    raise InvalidInput({"/file": code}, "spreadsheet_refused")


def check_type(data: bytes, media_type: str) -> None:
    """Refuse, by its first bytes, a file that is not of the type that was stated. Raises InvalidInput."""
    if len(data) > MAX_BYTES:
        refuse("spreadsheet_too_large")
    if not data.strip():
        refuse("spreadsheet_empty")
    if data.startswith(OLE_MAGIC):
        # A workbook with a password is an OLE container around the ciphertext; without one, it is of before 2007.
        refuse("spreadsheet_encrypted" if "EncryptedPackage".encode("utf-16-le") in data else "spreadsheet_old")
    if media_type not in MEDIA_TYPES or data.startswith(ZIP_MAGIC) is not (media_type == XLSX):
        refuse("spreadsheet_other_type")


def read_csv(data: bytes) -> Sheet:
    """Return the rows of a CSV file: UTF-8, with or without a mark, parted by `;`, `,` or tabs.

    Raises InvalidInput. Source: RFC 4180; the separators and `sep=` as spreadsheet programs write them.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse("spreadsheet_encoding")
    if "\0" in text:
        refuse("spreadsheet_encoding" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "spreadsheet_other_type")
    stated = _STATED_SEPARATOR.match(text)
    separator = stated[1] if stated else _separator(text)
    rows: list[tuple[int, tuple[Cell, ...]]] = []
    try:
        for number, cells in enumerate(csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True), 1):
            if (stated and number == 1) or not any(cell.strip() for cell in cells):
                continue
            if len(rows) >= MOST_ROWS:
                refuse("spreadsheet_too_many_rows")
            rows.append((number, _trimmed(cells)))
    except csv.Error:
        refuse("spreadsheet_damaged")
    return Sheet(tuple(rows))


def _trimmed(cells: list[str]) -> tuple[Cell, ...]:
    """Return the cells up to the last that holds anything."""
    last = max(place for place, cell in enumerate(cells) if cell.strip())
    if last >= MOST_COLUMNS:
        refuse("spreadsheet_too_many_columns")
    return tuple(cell.strip() or None for cell in cells[: last + 1])


def _separator(text: str) -> str:
    """Return what parts the columns: the separator that stands most often, outside quotes, in the first line."""
    counts = dict.fromkeys(_SEPARATORS, 0)
    for letter in _outside_quotes(text):
        if letter in counts:
            counts[letter] += 1
        elif letter in "\r\n" and any(counts.values()):
            break
    return max(counts, key=lambda separator: counts[separator])


def _outside_quotes(text: str) -> Iterator[str]:
    quoted = False
    for letter in text[:20_000]:
        quoted ^= letter == '"'
        if not quoted:
            yield letter


def neutral(cell: str) -> str:
    """Return a text so that no spreadsheet program takes it for a formula (S-70): an apostrophe stands before it."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
