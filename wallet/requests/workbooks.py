"""An XLSX file read as what it is: a ZIP of XML that a stranger made.

Only the parts that hold cells are inflated, each under a limit that holds whatever the archive states; no document
type, and so no entity, is allowed in any of them; every element counts. A spreadsheet library would build an object of
each style and rule of a file before the first cell could be refused (docs/decisions/0017-spreadsheets.md).

Source: ECMA-376, Office Open XML File Formats, part 1, section 18 (SpreadsheetML), and part 2 (packaging).
"""

import posixpath
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from wallet.requests.serial_days import Clockface, clockface, moment_of
from wallet.requests.spreadsheets import MOST_COLUMNS, MOST_ROWS, Cell, Notice, Sheet, Unreadable, refuse

MOST_ENTRIES = 500
MAX_STATED_BYTES = 32 << 20
"""Of all parts together, as the archive states them; pictures included, which nobody reads."""
MAX_PART_BYTES = 4 << 20
MOST_ELEMENTS = 200_000
"""Of one part."""
MOST_ROW = 1_048_576
MOST_ATTRIBUTES = 64
CHUNK, MAX_TAG_BYTES = 64 << 10, 256 << 10
"""A part is read piece by piece; a tag that does not end is given up before its attributes fill the memory."""
MOST_MERGED = 5000
MOST_MERGING = 300_000
"""Cells and rows that are looked at for all merged areas together; a list with a hundred of them needs a tenth."""

_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})\Z")
_RANGE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})\Z")
_WHOLE = re.compile(r"-?[0-9]{1,15}\Z")
_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_BROKEN = (
    BadZipFile, expat.ExpatError, zlib.error, struct.error, NotImplementedError, EOFError, KeyError, IndexError,
    ValueError, LookupError, OverflowError, RuntimeError,
)  # fmt: skip
"""What zipfile and expat raise about bytes that are not what they claim to be."""

Attributes = Mapping[str, str]


def read_workbook(data: bytes) -> Sheet:
    """Return the rows of the first sheet that is not hidden. Raises InvalidInput."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            return _Workbook(_Package(archive)).sheet()
    except _BROKEN:
        refuse("spreadsheet_damaged")


class _Package:
    """The parts of an archive, inflated under limits."""

    def __init__(self, archive: ZipFile) -> None:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MAX_STATED_BYTES:
            refuse("spreadsheet_too_large")
        if any(entry.flag_bits & 1 for entry in entries):
            refuse("spreadsheet_encrypted")
        self._archive = archive
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) != len(entries):
            refuse("spreadsheet_damaged")  # two parts of one name: whoever reads next may read the other
        if any(name.rpartition("/")[2].lower().startswith("vbaproject") for name in self._entries):
            refuse("spreadsheet_macros")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str, start: Callable[[str, Attributes], None], **more: Any) -> None:
        """Go through a part. start: called with each element's local name. Raises KeyError for a part that is not."""
        _go_through(self._inflated(name), start, **more)

    def _inflated(self, name: str) -> bytes:
        entry = self._entries[name]
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            refuse("spreadsheet_damaged")
        with self._archive.open(entry) as part:
            content = part.read(MAX_PART_BYTES + 1)
            if len(content) > MAX_PART_BYTES:
                refuse("spreadsheet_too_large")
            part.read(1)  # at its end the checksum is compared
        return content


def _go_through(
    content: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    left = MOST_ELEMENTS

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0 or len(attributes) > MOST_ATTRIBUTES:
            refuse("spreadsheet_too_large")
        start(name.rpartition(" ")[2], attributes)

    def typed(*_declared: Any) -> None:
        refuse("spreadsheet_damaged")  # no program writes one; entities, of the outside or within each other, need it

    parser.StartElementHandler = started
    parser.StartDoctypeDeclHandler = typed
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    for place in range(0, len(content), CHUNK):
        parser.Parse(content[place : place + CHUNK], False)
        if place - parser.CurrentByteIndex > MAX_TAG_BYTES:
            refuse("spreadsheet_too_large")
    parser.Parse(b"", True)


@dataclass(slots=True)
class _Listed:
    name: str
    relation: str
    hidden: bool


class _Workbook:
    """The table of contents: which sheets there are, and what their cells refer to."""

    def __init__(self, package: _Package) -> None:
        self._package = package
        self._check_types()
        roots = self._relations("", "_rels/.rels")
        path = next((target for kind, target in roots.values() if kind.endswith("/officeDocument")), None)
        if path is None:
            refuse("spreadsheet_other_type")
        self._sheets: list[_Listed] = []
        self._from_1904 = False
        package.read(path, self._listed)
        folder, name = posixpath.split(path)
        self._targets = self._relations(folder, posixpath.join(folder, "_rels", f"{name}.rels"))

    def sheet(self) -> Sheet:
        """Return the first visible sheet."""
        seen = [each for each in self._sheets if not each.hidden]
        if not seen:
            refuse("spreadsheet_no_sheet")
        kind, path = self._targets[seen[0].relation]
        if not kind.endswith("/worksheet"):
            refuse("spreadsheet_no_sheet")
        cells = _Cells(self._strings(), self._clockfaces(), self._from_1904)
        self._package.read(path, cells.start, end=cells.end, text=cells.text)
        notices = [Notice("first_sheet", {"name": seen[0].name})] if len(self._sheets) > 1 else []
        return Sheet(cells.finished(), (*notices, *cells.notices()))

    def _check_types(self) -> None:
        if "[Content_Types].xml" not in self._package:
            refuse("spreadsheet_other_type")
        types: list[str] = []
        self._package.read("[Content_Types].xml", lambda _name, given: types.append(given.get("ContentType", "")))
        if any("macroEnabled" in each or "vbaProject" in each for each in types):
            refuse("spreadsheet_macros")
        if _MAIN not in types:
            refuse("spreadsheet_other_type")

    def _relations(self, folder: str, part: str) -> dict[str, tuple[str, str]]:
        """Return id to kind and path of what a part refers to; never of anything outside the archive."""
        found: dict[str, tuple[str, str]] = {}

        def relation(name: str, given: Attributes) -> None:
            if name == "Relationship" and given.get("TargetMode", "Internal") == "Internal":
                path = posixpath.normpath(posixpath.join("/", folder, given["Target"])).lstrip("/")
                found[given["Id"]] = given["Type"], path

        self._package.read(part, relation)
        return found

    def _listed(self, name: str, given: Attributes) -> None:
        if name == "workbookPr":
            self._from_1904 = given.get("date1904", "0") in ("1", "true")
        elif name == "sheet":
            relation = given[next((key for key in given if key.endswith(" id")), " id")]
            self._sheets.append(_Listed(given["name"], relation, given.get("state", "visible") != "visible"))

    def _part(self, kind: str) -> str | None:
        return next((path for each, path in self._targets.values() if each.endswith(kind)), None)

    def _strings(self) -> list[str]:
        path = self._part("/sharedStrings")
        strings = _Strings()
        if path is not None:
            self._package.read(path, strings.start, end=strings.end, text=strings.text)
        return strings.found

    def _clockfaces(self) -> list[Clockface]:
        """Return what each style of a cell shows of a number: a day, a moment, or the number."""
        path = self._part("/styles")
        formats: dict[int, str] = {}
        numbers: list[int] = []
        inside = [""]

        def start(name: str, given: Attributes) -> None:
            if name == "numFmt":
                formats[int(given["numFmtId"])] = given.get("formatCode", "")
            elif name in ("cellXfs", "cellStyleXfs", "dxfs"):
                inside[0] = name
            elif name == "xf" and inside[0] == "cellXfs":
                numbers.append(int(given.get("numFmtId", "0")))

        if path is not None:
            self._package.read(path, start)
        faces = {number: clockface(number, formats.get(number, "")) for number in set(numbers)}
        return [faces[number] for number in numbers]


@dataclass(slots=True)
class _Strings:
    """The table of texts that cells share; how they are to be pronounced is no part of them."""

    found: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _within: bool = False
    _aside: bool = False

    def start(self, name: str, _given: Attributes) -> None:
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._aside = True
        self._within = name == "t"

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append("".join(self._pieces))
        elif name == "rPh":
            self._aside = False
        self._within = False

    def text(self, piece: str) -> None:
        if self._within and not self._aside:
            self._pieces.append(piece)


class _Cells:
    """The cells of one sheet, as they go by."""

    def __init__(self, strings: list[str], faces: list[Clockface], from_1904: bool) -> None:
        self._strings, self._faces, self._from_1904 = strings, faces, from_1904
        self._rows: dict[int, dict[int, Cell]] = {}
        self._merged: list[tuple[int, int, int, int]] = []
        self._hidden: set[int] = set()
        self._row = self._column = 0
        self._kind, self._style, self._formula = "n", 0, False
        self._pieces: list[str] = []
        self._within = ""
        self._aside = False

    def start(self, name: str, given: Attributes) -> None:
        match name:
            case "row":
                number = int(given.get("r", self._row + 1))
                if not self._row < number <= MOST_ROW:
                    refuse("spreadsheet_damaged")
                self._row, self._column = number, 0
                if given.get("hidden", "0") in ("1", "true"):
                    self._hidden.add(number)
            case "c":
                self._column = _column(given["r"], self._row) if "r" in given else self._column + 1
                self._kind, self._style, self._formula = given.get("t", "n"), int(given.get("s", "0")), False
                self._pieces = []
            case "f":
                self._formula = True
            case "rPh":
                self._aside = True
            case "mergeCell":
                found = _RANGE.match(given["ref"])
                if len(self._merged) >= MOST_MERGED:
                    refuse("spreadsheet_too_large")
                if found:
                    self._merged.append((int(found[2]), _letters(found[1]), int(found[4]), _letters(found[3])))
        self._within = name

    def end(self, name: str) -> None:
        if name == "c":
            value = Unreadable("cell_formula") if self._formula else self._value("".join(self._pieces))
            if value is not None:
                self._keep(value)
        elif name == "rPh":
            self._aside = False
        self._within = ""

    def text(self, piece: str) -> None:
        if self._within in ("v", "t") and not self._aside:
            self._pieces.append(piece)

    def _keep(self, value: Cell) -> None:
        if self._column > MOST_COLUMNS:
            refuse("spreadsheet_too_many_columns")
        if self._row not in self._rows and len(self._rows) >= MOST_ROWS:
            refuse("spreadsheet_too_many_rows")
        self._rows.setdefault(self._row, {})[self._column] = value

    def _value(self, text: str) -> Cell:
        match self._kind:
            case "s":
                return self._shared(int(text)) if text else None
            case "inlineStr" | "str":
                return text.strip() or None
            case "b":
                return text.strip() == "1" if text else None
            case "e":
                return Unreadable("cell_error")
            case "n":
                return self._number(text.strip()) if text.strip() else None
            case _:  # "d", a day as ISO 8601, which programs may read and do not write
                return Unreadable("cell_error")

    def _shared(self, place: int) -> Cell:
        if place < 0:
            refuse("spreadsheet_damaged")
        return self._strings[place].strip() or None

    def _number(self, text: str) -> Cell:
        number = int(text) if _WHOLE.match(text) else float(text)
        face = self._faces[self._style] if self._style < len(self._faces) else Clockface.NUMBER
        if face is not Clockface.NUMBER:
            return moment_of(number, face, from_1904=self._from_1904) or Unreadable("cell_error")
        if isinstance(number, float) and number.is_integer() and abs(number) < 10**15:
            return int(number)
        return number if abs(number) < float("inf") else Unreadable("cell_error")

    def finished(self) -> tuple[tuple[int, tuple[Cell, ...]], ...]:
        """Return the rows; a cell that was merged into another has no value of its own."""
        left_over = MOST_MERGING
        for top, left, bottom, right in self._merged:
            left_over -= 1 + len(self._rows)  # what looking for the rows costs
            if left_over < 0:
                refuse("spreadsheet_too_large")
            for number in [each for each in self._rows if top <= each <= bottom]:
                columns = range(left, min(right, MOST_COLUMNS) + 1)
                left_over -= len(columns)
                if left_over < 0:
                    refuse("spreadsheet_too_large")
                for column in columns:
                    if (number, column) != (top, left):
                        self._rows[number][column] = Unreadable("cell_merged")
        return tuple(
            (number, tuple(cells.get(column) for column in range(1, max(cells) + 1)))
            for number, cells in sorted(self._rows.items())
        )

    def notices(self) -> list[Notice]:
        hidden = sorted(self._hidden & set(self._rows))
        found = [Notice("merged_cells", {"n": len(self._merged)})] if self._merged else []
        return [*found, *([Notice("hidden_rows", {"n": len(hidden)})] if hidden else [])]


def _column(reference: str, row: int) -> int:
    found = _CELL.match(reference)
    if found is None or int(found[2]) != row:
        refuse("spreadsheet_damaged")
    return _letters(found[1])


def _letters(letters: str) -> int:
    """Return the number of a column: A is 1, XFD is 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
