"""Workbooks that strangers send: what is hostile is refused before it costs anything, and in words."""

import tracemalloc
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests.requests.sheets import (
    HEADINGS,
    MAIN,
    PACKAGE,
    RELATIONS,
    SPREADSHEETML,
    parts,
    saved,
    sheet_xml,
    typed,
    xlsx_of,
    zipped,
)
from wallet.errors import InvalidInput
from wallet.requests.spreadsheets import CSV, MAX_BYTES, OLE_MAGIC, XLSX, Cell, Sheet, Unreadable, check_type, read_csv
from wallet.requests.workbooks import MAX_PART_BYTES, MOST_ELEMENTS, read_workbook

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"
MEGABYTE = 1 << 20


def read(data: bytes, media_type: str = XLSX) -> Sheet:
    check_type(data, media_type)
    return read_workbook(data) if media_type == XLSX else read_csv(data)


def refused(data: bytes, media_type: str = XLSX) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(data, media_type)
    assert caught.value.code == "spreadsheet_refused"
    return caught.value.fields["/file"]


def hostile(**changes: str | bytes | None) -> str:
    """Return what a workbook is refused for; `sheet`, `strings` and so on are its parts."""
    names = {
        "sheet": SHEET,
        "strings": STRINGS,
        "styles": STYLES,
        "workbook": "xl/workbook.xml",
        "types": "[Content_Types].xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "root": "_rels/.rels",
    }
    return refused(zipped(parts({names[name]: content for name, content in changes.items()})))


def cells(rows: str, **more: Any) -> tuple[tuple[int, tuple[Cell, ...]], ...]:
    return read(zipped(parts({SHEET: sheet_xml(rows), **more}))).rows


def types_of(kind: str) -> str:
    override = f'<Override PartName="/xl/workbook.xml" ContentType="{kind}"/>'
    return f'<Types xmlns="{PACKAGE}/content-types">{override}</Types>'


def read_or_refused(data: bytes, media_type: str = XLSX) -> str:
    """Return "" for a file that is read, and otherwise the code of the problem; whatever else is raised is a defect."""
    try:
        read(data, media_type)
    except InvalidInput as error:
        return error.code
    return ""


# --- What is read -----------------------------------------------------------------------------------------------------


def test_a_workbook_written_by_hand_is_read() -> None:
    assert read(zipped(parts())).rows == ((1, ("Họ và tên", "Phòng")),)
    assert read(zipped(parts(), ZIP_STORED)).rows == ((1, ("Họ và tên", "Phòng")),)


def test_cells_of_each_type_are_what_they_are() -> None:
    row = (
        '<row r="3"><c r="A3" t="inlineStr"><is><t>một</t></is></c><c r="B3"><v>301</v></c><c r="C3"><v>1.5</v></c>'
        '<c r="D3" t="b"><v>1</v></c><c r="E3" t="e"><v>#REF!</v></c><c r="F3"><f>A1</f><v>7</v></c>'
        '<c r="H3" t="str"><v>hai</v></c><c r="I3"/><c r="J3"><v>9.9E10</v></c>'
        '<c r="K3" t="d"><v>2026-11-20</v></c></row>'
    )
    assert cells(row) == (
        (
            3,
            (
                "một", 301, 1.5, True, Unreadable("cell_error"), Unreadable("cell_formula"), None, "hai", None,
                99_000_000_000, Unreadable("cell_error"),
            ),
        ),
    )  # fmt: skip


def test_how_a_text_is_pronounced_and_painted_is_no_part_of_it() -> None:
    strings = (
        f'<sst xmlns="{SPREADSHEETML}"><si><r><rPr><b/></rPr><t>Họ </t></r><r><t>và tên</t></r>'
        "<rPh><t>ho va ten</t></rPh></si></sst>"
    )
    found = cells('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', **{STRINGS: strings})
    assert found == ((1, ("Họ và tên",)),)


def test_cells_and_rows_without_references_follow_each_other() -> None:
    assert cells("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>") == ((1, (1, 2)), (2, (3,)))


@pytest.mark.parametrize(
    ("number", "code", "value"),
    [
        (0, "", 46346),
        (14, "", date(2026, 11, 20)),
        (22, "", datetime(2026, 11, 20)),  # noqa: DTZ001 - a spreadsheet knows no zone
        (20, "", 46346),
        (164, "dd/mm/yyyy", date(2026, 11, 20)),
        (164, '[$-42A]dd "tháng" mm', date(2026, 11, 20)),
        (164, "dd/mm/yyyy hh:mm", datetime(2026, 11, 20)),  # noqa: DTZ001 - as above
        (164, "h:mm", 46346),
        (164, "0.00", 46346),
        (164, '0 "ngày"', 46346),
        (164, "[Red]0", 46346),
        (164, "General", 46346),
        (164, "@", 46346),
        (164, "mmm", date(2026, 11, 20)),
    ],
)
def test_a_number_is_a_day_where_its_format_shows_one(number: int, code: str, value: Cell) -> None:
    quoted = code.replace('"', "&quot;")
    formats = f'<numFmts><numFmt numFmtId="{number}" formatCode="{quoted}"/></numFmts>' if code else ""
    styles = (
        f'<styleSheet xmlns="{SPREADSHEETML}">{formats}'
        '<cellStyleXfs><xf numFmtId="14"/><xf numFmtId="14"/></cellStyleXfs>'
        f'<cellXfs><xf numFmtId="0"/><xf numFmtId="{number}"/></cellXfs></styleSheet>'
    )
    assert cells('<row r="1"><c r="A1" s="1"><v>46346</v></c></row>', **{STYLES: styles}) == ((1, (value,)),)


@pytest.mark.parametrize(
    ("serial", "day"),
    [("1", date(1900, 1, 1)), ("59", date(1900, 2, 28)), ("61", date(1900, 3, 1)), ("2958465", date(9999, 12, 31))],
)
def test_days_are_counted_as_spreadsheets_count_them(serial: str, day: date) -> None:
    styles = f'<styleSheet xmlns="{SPREADSHEETML}"><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    assert cells(f'<row r="1"><c r="A1"><v>{serial}</v></c></row>', **{STYLES: styles}) == ((1, (day,)),)


@pytest.mark.parametrize("serial", ["-1", "2958466", "1E300"])
def test_a_day_that_no_calendar_has_is_an_error_of_its_cell(serial: str) -> None:
    styles = f'<styleSheet xmlns="{SPREADSHEETML}"><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    found = cells(f'<row r="1"><c r="A1"><v>{serial}</v></c></row>', **{STYLES: styles})
    assert found == ((1, (Unreadable("cell_error"),)),)


def test_a_workbook_that_counts_from_1904_says_the_same_days() -> None:
    workbook = (
        f'<workbook xmlns="{SPREADSHEETML}" xmlns:r="{RELATIONS}"><workbookPr date1904="1"/>'
        '<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    )
    styles = f'<styleSheet xmlns="{SPREADSHEETML}"><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    found = cells('<row r="1"><c r="A1"><v>44884</v></c></row>', **{STYLES: styles, "xl/workbook.xml": workbook})
    assert found == ((1, (date(2026, 11, 20),)),)


# --- What it is not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "media_type", "code"),
    [
        (b"", CSV, "spreadsheet_empty"),
        (b" \r\n", CSV, "spreadsheet_empty"),
        (b"a;b", XLSX, "spreadsheet_other_type"),
        (zipped(parts()), CSV, "spreadsheet_other_type"),
        (b"a;b", "application/json", "spreadsheet_other_type"),
        (b"%PDF-1.7 a;b", XLSX, "spreadsheet_other_type"),
        (b"a\0b", CSV, "spreadsheet_other_type"),
        ("a;b".encode("utf-16"), CSV, "spreadsheet_encoding"),
        ("Họ;Tên".encode("cp1258", "replace"), CSV, "spreadsheet_encoding"),
        (OLE_MAGIC + bytes(600), XLSX, "spreadsheet_old"),
        (OLE_MAGIC + bytes(600) + "EncryptedPackage".encode("utf-16-le"), XLSX, "spreadsheet_encrypted"),
        (OLE_MAGIC + bytes(600), CSV, "spreadsheet_old"),
        (b"x" * (MAX_BYTES + 1), CSV, "spreadsheet_too_large"),
        (b'a;b\r\n"open', CSV, "spreadsheet_damaged"),
        (b'a;b\r\n"x"y;z', CSV, "spreadsheet_damaged"),
        (b"PK\x03\x04 and no more", XLSX, "spreadsheet_damaged"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), XLSX, "spreadsheet_other_type"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_bytes(data: bytes, media_type: str, code: str) -> None:
    assert refused(data, media_type) == code


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "application/vnd.ms-excel.template.macroEnabled.main+xml",
    ],
)
def test_macros_are_refused_by_what_the_file_says_and_by_what_it_holds(kind: str) -> None:
    assert hostile(types=types_of(kind)) == "spreadsheet_macros"
    for name in ("xl/vbaProject.bin", "xl/VBAPROJECT.BIN", "elsewhere/vbaProjectSignature.bin"):
        assert refused(zipped({**parts(), name: b"\xcc\x61"})) == "spreadsheet_macros"


def test_a_document_of_another_program_is_refused() -> None:
    word = MAIN.replace("spreadsheetml.sheet", "wordprocessingml.document")
    assert hostile(types=types_of(word)) == "spreadsheet_other_type"
    assert hostile(types=None) == "spreadsheet_other_type"


def test_an_archive_with_a_password_is_refused() -> None:
    data = bytearray(zipped(parts()))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(signature, start + 1)
    assert refused(bytes(data)) == "spreadsheet_encrypted"


# --- Bombs ------------------------------------------------------------------------------------------------------------


def test_what_states_that_it_is_large_is_not_inflated() -> None:
    data = zipped({**parts(), "xl/media/image1.png": bytes(40 * MEGABYTE)})
    assert len(data) < MEGABYTE
    assert refused(data) == "spreadsheet_too_large"


@pytest.mark.parametrize("name", [SHEET, STRINGS, STYLES, "xl/workbook.xml", "[Content_Types].xml"])
def test_a_part_that_grows_is_stopped_where_it_grows(name: str) -> None:
    data = zipped({**parts(), name: b" " * (MAX_PART_BYTES + 1)})
    assert len(data) < MEGABYTE
    tracemalloc.start()
    try:
        assert refused(data) == "spreadsheet_too_large"
        assert tracemalloc.get_traced_memory()[1] < 16 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_part_that_states_less_than_it_holds_is_damaged() -> None:
    data = bytearray(zipped({**parts(), SHEET: sheet_xml(HEADINGS + " " * (20 * MEGABYTE))}))
    directory = data.rfind(b"xl/worksheets/sheet1.xml") - 46
    assert data[directory : directory + 4] == b"PK\x01\x02"
    data[directory + 24 : directory + 28] = (500).to_bytes(4, "little")
    assert refused(bytes(data)) == "spreadsheet_damaged"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
BY_ADDRESS = '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE, BY_ADDRESS, "<!DOCTYPE x>"])
@pytest.mark.parametrize("name", [SHEET, STRINGS, STYLES, "xl/workbook.xml", "[Content_Types].xml", "_rels/.rels"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_part_may_have_a_document_type_and_so_no_entity(doctype: str, name: str, encoding: str) -> None:
    content = str(parts()[name]).replace("Họ và tên", "&a;")
    doctype = doctype.replace('<?xml version="1.0"?>', "")
    assert refused(zipped(parts({name: (doctype + content).encode(encoding)}))) == "spreadsheet_damaged"


@pytest.mark.parametrize(
    "sheet",
    [
        sheet_xml("<row>" + "<c/>" * MOST_ELEMENTS + "</row>"),
        sheet_xml("<row/>" * MOST_ELEMENTS),
        sheet_xml("", "<mergeCells>" + '<mergeCell ref="A1:B2"/>' * (MOST_ELEMENTS // 2) + "<x/>" * MOST_ELEMENTS),
        "<a>" * (MOST_ELEMENTS + 1),
    ],
    ids=["cells", "rows", "merged", "nested"],
)
def test_more_elements_than_any_list_needs_are_refused(sheet: str) -> None:
    assert hostile(sheet=sheet) == "spreadsheet_too_large"


def test_an_element_with_thousands_of_attributes_is_refused() -> None:
    loaded = "<c " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>"
    assert hostile(sheet=sheet_xml(f"<row>{loaded}</row>")) == "spreadsheet_too_large"


def test_a_tag_without_an_end_is_given_up_before_it_fills_the_memory() -> None:
    data = zipped(parts({SHEET: "<a " + "".join(f"a{n}='' " for n in range(350_000)) + "/>"}))
    tracemalloc.start()
    try:
        assert refused(data) == "spreadsheet_too_large"
        assert tracemalloc.get_traced_memory()[1] < 24 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", ["[", "&quot;", "\\", "_", "[a", "&quot;["])
def test_a_format_that_opens_and_never_closes_costs_no_more_than_its_length(piece: str) -> None:
    formats = f'<numFmts><numFmt numFmtId="164" formatCode="{piece * 80_000}"/></numFmts>'
    styles = f'<styleSheet xmlns="{SPREADSHEETML}">{formats}<cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>'
    assert read_or_refused(zipped(parts({STYLES: styles}))) in ("", "spreadsheet_refused")


def test_merging_everything_with_everything_is_stopped() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 1000))
    merged = "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 5000 + "</mergeCells>"
    assert hostile(sheet=sheet_xml(rows, merged)) == "spreadsheet_too_large"


def test_a_million_rows_and_ten_thousand_columns_are_refused() -> None:
    rows = "".join(f"<row><c><v>{n}</v></c></row>" for n in range(2001))
    assert hostile(sheet=sheet_xml(rows)) == "spreadsheet_too_many_rows"
    assert refused(b"a\n" * 1_000_000, CSV) == "spreadsheet_too_many_rows"
    columns = "".join("<c><v>1</v></c>" for _ in range(10_000))
    assert hostile(sheet=sheet_xml(f"<row>{columns}</row>")) == "spreadsheet_too_many_columns"
    assert hostile(sheet=sheet_xml('<row r="1"><c r="XFD1"><v>1</v></c></row>')) == "spreadsheet_too_many_columns"
    assert refused(b"a," * 10_000 + b"a", CSV) == "spreadsheet_too_many_columns"
    assert refused(b"a;a\n" + b";" * 1_000_000 + b"\n" + b"a;" * 101 + b"a", CSV) == "spreadsheet_too_many_columns"


def test_one_cell_at_the_far_end_fills_nothing_in_between() -> None:
    tracemalloc.start()
    try:
        found = cells(HEADINGS + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>')
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert found[1:] == ((1048576, (1,)),)


def test_empty_cells_that_are_painted_cost_nothing() -> None:
    painted = "".join(f'<row r="{n}"><c r="A{n}" s="0"/><c r="ZZ{n}" s="0"/></row>' for n in range(2, 5000))
    assert cells(HEADINGS + painted) == ((1, ("Họ và tên", "Phòng")),)


def test_more_parts_than_any_workbook_has_are_refused() -> None:
    assert refused(zipped({**parts(), **{f"xl/media/{n}.png": b"" for n in range(600)}})) == "spreadsheet_too_large"


# --- Damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="0"><c/></row>',
        '<row r="-1"/>',
        '<row r="1048577"/>',
        '<row r="99999999999999999999"/>',
        '<row r="x"/>',
        '<row r="2"/><row r="1"/>',
        '<row r="1"/><row r="1"/>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="AAAA1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c t="s"><v>99</v></c></row>',
        '<row r="1"><c t="s"><v>-1</v></c></row>',
        '<row r="1"><c t="s"><v>x</v></c></row>',
        '<row r="1"><c s="x"><v>1</v></c></row>',
        '<row r="1"><c><v>một</v></c></row>',
        '<row r="1"><c><v>1</v></row>',
    ],
)
def test_a_sheet_that_breaks_its_standard_is_damaged(rows: str) -> None:
    assert hostile(sheet=sheet_xml(rows)) == "spreadsheet_damaged"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-inf"])
def test_what_is_no_number_is_an_error_of_its_cell(text: str) -> None:
    assert cells(f'<row r="1"><c r="A1"><v>{text}</v></c></row>') == ((1, (Unreadable("cell_error"),)),)


@pytest.mark.parametrize(
    "missing",
    [SHEET, STRINGS, STYLES, "xl/workbook.xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"],
)
def test_a_part_that_is_named_and_missing_is_damage(missing: str) -> None:
    assert refused(zipped(parts({missing: None}))) == "spreadsheet_damaged"


def relations(target: str, **more: str) -> str:
    mode = "".join(f' {name}="{value}"' for name, value in more.items())
    return (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="{target}"{mode}/></Relationships>'
    )


@pytest.mark.parametrize("target", ["../../../etc/passwd", "/etc/passwd", "http://127.0.0.1/sheet.xml", ""])
def test_a_sheet_is_never_looked_for_outside_the_archive(target: str) -> None:
    assert hostile(relations=relations(target)) == "spreadsheet_damaged"
    assert hostile(relations=relations(target, TargetMode="External")) == "spreadsheet_damaged"


def test_a_sheet_that_names_no_part_is_damage() -> None:
    book = str(parts()["xl/workbook.xml"]).replace(' r:id="r1"', "")
    assert refused(zipped(parts({"xl/workbook.xml": book}))) == "spreadsheet_damaged"


def test_two_parts_of_one_name_are_damage() -> None:
    written = BytesIO(zipped(parts()))
    with ZipFile(written, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, sheet_xml(""))
    assert refused(written.getvalue()) == "spreadsheet_damaged"


def test_a_way_of_packing_that_no_spreadsheet_uses_is_damage() -> None:
    written = BytesIO(zipped(parts({SHEET: None})))
    with ZipFile(written, "a") as archive:
        archive.writestr(ZipInfo(SHEET), sheet_xml(HEADINGS), ZIP_BZIP2)
    assert refused(written.getvalue()) == "spreadsheet_damaged"


def test_without_a_sheet_that_shows_there_is_none() -> None:
    workbook = str(parts()["xl/workbook.xml"])
    for state in ("hidden", "veryHidden"):
        assert hostile(workbook=workbook.replace("sheetId", f'state="{state}" sheetId')) == "spreadsheet_no_sheet"
    chart = relations("worksheets/sheet1.xml").replace("/worksheet", "/chartsheet")
    assert hostile(relations=chart) == "spreadsheet_no_sheet"


# --- Properties -------------------------------------------------------------------------------------------------------

WHOLE = xlsx_of(["full_name", "room"], ["Lê Thị Hoà", 301], typed())
VALUES = st.one_of(
    st.none(),
    st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="="), max_size=30),
    st.integers(-(10**14), 10**14),
    st.booleans(),
    st.dates(date(1900, 3, 1), date(2100, 1, 1)),
)


@given(st.binary(max_size=2000), st.sampled_from([b"", b"PK\x03\x04", OLE_MAGIC]), st.sampled_from([CSV, XLSX]))
def test_any_bytes_are_read_or_refused_in_words(data: bytes, start: bytes, media_type: str) -> None:
    assert read_or_refused(start + data, media_type) in ("", "spreadsheet_refused")


@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_one_flipped_bit_is_read_or_refused_in_words(bit: int) -> None:
    data = bytearray(WHOLE)
    data[bit // 8] ^= 1 << bit % 8
    assert read_or_refused(bytes(data)) in ("", "spreadsheet_refused")


@given(st.sampled_from([SHEET, STRINGS, STYLES, "xl/workbook.xml", "[Content_Types].xml"]), st.data())
def test_a_damaged_part_in_a_sound_archive_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    content = bytearray(str(parts()[name]).encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    assert read_or_refused(zipped(parts({name: bytes(content)}))) in ("", "spreadsheet_refused")


@settings(max_examples=25)
@given(st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=5))
def test_what_another_program_wrote_is_read_back(rows: list[list[Any]]) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for each in sheet.iter_rows():
        for cell in each:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    expected: Mapping[int, list[Any]] = {
        number: [(cell.strip() or None) if isinstance(cell, str) else cell for cell in row]
        for number, row in enumerate(rows, start=1)
    }
    found = dict(read(saved(book)).rows)
    for number, row in expected.items():
        shown = list(found.get(number, ()))
        assert shown == row[: len(shown)]
        assert not any(cell is not None for cell in row[len(shown) :])


def test_the_packing_of_zip_is_deflate() -> None:
    """What the tests above call a workbook is one that spreadsheet programs write."""
    with ZipFile(BytesIO(WHOLE)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {ZIP_DEFLATED}
