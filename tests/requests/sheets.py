"""Spreadsheets for tests: made by another program (openpyxl), or by hand where no program would make them."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from wallet.errors import InvalidInput
from wallet.requests.importing import Report, read_sheet, report
from wallet.requests.spreadsheets import XLSX
from wallet.utilities.answering import parse
from wallet.utilities.base import Field
from wallet.utilities.catalogue import Catalogue, Plugin

PLUGIN: Plugin = Catalogue.discover().plugin("lodging_notice")
GUESTS: Field = next(field for field in PLUGIN.utility.form if field.name == "guests")

TYPED = {
    "full_name": "Lê Thị Hoà",
    "document_kind": "number",
    "document_number": "099155000123",
    "birth_date": "20/08/1955",
    "sex": "Nữ",
    "nationality": "Việt Nam",
    "address": "Thôn 3, Xã Bát Tràng",
    "reason": "Du lịch",
    "arrived_at": "20/11/2026 20:30",
    "leaves_on": "23/11/2026",
}
RAW = {
    **TYPED,
    "birth_date": "1955-08-20",
    "sex": "female",
    "arrived_at": "2026-11-20T20:30:00+07:00",
    "leaves_on": "2026-11-23",
}


def check_guest(raw: Mapping[str, Any]) -> dict[str, str]:
    """Check a row by the form's own parser."""
    try:
        parse(GUESTS.fields, raw, prefix="")
    except InvalidInput as error:
        return {pointer.strip("/"): code for pointer, code in error.fields.items()}
    return {}


def typed(**changes: Any) -> list[Any]:
    """Return the cells of a guest as typed, in the order of TYPED."""
    return list({**TYPED, **changes}.values())


def csv_of(*rows: Sequence[str], separator: str = ";", end: str = "\r\n") -> bytes:
    return end.join(separator.join(row) for row in rows).encode()


def xlsx_of(*rows: Sequence[Any], change: Callable[[Worksheet], None] | None = None) -> bytes:
    """Return a workbook as openpyxl writes it. change: what else is done to its sheet."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(list(row))
    for cells in sheet.iter_rows():
        for cell in cells:
            if isinstance(cell.value, str) and not cell.value.startswith("="):
                cell.data_type = "s"
    if change is not None:
        change(sheet)
    return saved(book)


def saved(book: Workbook) -> bytes:
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def imported(data: bytes, media_type: str = XLSX) -> Report:
    return report(read_sheet(data, media_type), GUESTS, PLUGIN, check_guest)


SPREADSHEETML = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


HEADINGS = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'


def parts(changes: Mapping[str, str | bytes | None] | None = None) -> dict[str, str | bytes]:
    """Return the parts of a workbook written by hand, some of them others, or left out."""
    found: dict[str, str | bytes | None] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{MAIN}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEETML}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="Khách" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{SPREADSHEETML}"><si><t>Họ và tên</t></si><si><t>Phòng</t></si></sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{SPREADSHEETML}"><cellXfs><xf numFmtId="0"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": sheet_xml(
            '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        ),
    }
    found |= changes or {}
    return {name: content for name, content in found.items() if content is not None}


def sheet_xml(rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{SPREADSHEETML}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def zipped(contents: Mapping[str, str | bytes], method: int = ZIP_DEFLATED) -> bytes:
    written = BytesIO()
    with ZipFile(written, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return written.getvalue()
