"""The file itself: what an archive asks of it (PDF/A-3a), what is attached, the code as a camera finds it on a print.

No validator of PDF/A is to be had from the registries that this project installs from, so the rules that can be read
off the file are held here one by one, with pyHanko's reader and poppler's tools. Source: ISO 19005-3, clause 6.
"""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.documents.forms.papers import (
    SD_JWT,
    documents,
    example,
    household,
    made,
    pages_of,
    paper,
    poppler,
    reader_of,
)
from tests.documents.stated import with_claims
from tests.documents.worn import WEAR, seen, tilted
from tests.oracle import reader as other_reader
from tests.support import SeededEntropy
from wallet.documents.qr_image import QUIET_ZONE, matrix
from wallet.errors import InvalidInput
from wallet.formats.cwt_code import claims_digest
from wallet.terms import SAMPLE_MARK

NAMES = {
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
}
each = pytest.mark.parametrize("name", [name for name in documents() if name.endswith("/longest names")])
"""One paper of each kind of document."""


def objects(file: PdfFileReader) -> Iterator[Any]:
    """Yield every dictionary and stream that the catalogue leads to, each once."""
    reached: set[tuple[int, int]] = set()
    waiting: list[Any] = [file.root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, generic.IndirectObject):
            if (found.idnum, found.generation) in reached:
                continue
            reached.add((found.idnum, found.generation))
            found = found.get_object()
        if isinstance(found, generic.DictionaryObject):
            yield found
            waiting += [found.raw_get(key) for key in found]
        elif isinstance(found, generic.ArrayObject):
            waiting += list(found)


def listed(array: Any) -> list[Any]:
    """Return what an array holds, references followed."""
    return [array[place] for place in range(len(array))]


# --- PDF/A-3a -------------------------------------------------------------------------------------------------------


@each
def test_file_says_what_it_is(name: str) -> None:
    document, content = documents()[name], paper(name)
    file = reader_of(content)
    assert content.startswith(b"%PDF-1.7\n%")
    assert file.input_version == (1, 7)
    assert min(content[10:14]) > 127  # 6.1.2: four bytes that no text has
    assert content.endswith(b"%%EOF\n")
    assert len(file.trailer["/ID"]) == 2
    assert "/Encrypt" not in file.trailer
    metadata = ElementTree.fromstring(file.root["/Metadata"].data.split(b"?>", 1)[1].rsplit(b"<?", 1)[0])
    assert metadata.findtext(".//pdfaid:part", namespaces=NAMES) == "3"
    assert metadata.findtext(".//pdfaid:conformance", namespaces=NAMES) == "A"
    assert metadata.findtext(".//dc:title//rdf:li", namespaces=NAMES) == f"{document.kind.title['vi']} ({SAMPLE_MARK})"
    assert "/Filter" not in file.root["/Metadata"]
    assert file.root["/Lang"] == "vi-VN"


@each
def test_colours_and_fonts_are_inside(name: str) -> None:
    file = reader_of(paper(name))
    (intent,) = listed(file.root["/OutputIntents"])
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].data[36:40] == b"acsp"  # an ICC profile
    fonts = [found for found in objects(file) if found.get("/Type") == "/Font"]
    composite = [font for font in fonts if font["/Subtype"] == "/Type0"]
    assert composite
    for font in composite:
        assert "/ToUnicode" in font
        (descendant,) = listed(font["/DescendantFonts"])
        descriptor = descendant["/FontDescriptor"]
        assert re.fullmatch(r"/[A-Z]{6}\+BeVietnamPro-\w+", descriptor["/FontName"])
        assert any(key in descriptor for key in ("/FontFile2", "/FontFile3"))
    assert {font["/Subtype"] for font in fonts} <= {"/Type0", "/CIDFontType0", "/CIDFontType2"}


@each
def test_file_is_tagged_in_the_order_it_is_read(name: str) -> None:
    file = reader_of(paper(name))
    assert file.root["/MarkInfo"]["/Marked"] == generic.BooleanObject(True)
    kinds = [found["/S"] for found in objects(file) if "/S" in found and "/P" in found]
    assert kinds.count("/H1") == 1
    assert kinds.count("/Document") == 1
    sections = [part for part in documents()[name].kind.layout.sections if part.heading]
    present = [part for part in sections if any(claim in documents()[name].claims for claim in part.claims)]
    assert kinds.count("/H2") == len(present)
    figures = [found for found in objects(file) if found.get("/S") == "/Figure"]
    assert [figure["/Alt"] for figure in figures] == ["Mã QR của giấy tờ này, để kiểm tra bằng ứng dụng Ví Số"]
    pages = [found for found in objects(file) if found.get("/Type") == "/Page"]
    assert all("/StructParents" in page for page in pages)


@each
def test_nothing_in_it_acts_or_comes_from_elsewhere(name: str) -> None:
    """6.6, 6.2.9, 6.2.10: no action, no script, no reference to another file, no media."""
    forbidden = {
        "/JavaScript",
        "/JS",
        "/Launch",
        "/OpenAction",
        "/AA",
        "/RichMedia",
        "/Movie",
        "/Sound",
        "/XFA",
        "/Ref",
    }
    kinds = {
        "/JavaScript",
        "/Launch",
        "/URI",
        "/SubmitForm",
        "/ImportData",
        "/GoToR",
        "/GoToE",
        "/Movie",
        "/Sound",
        "/PS",
    }
    for found in objects(reader_of(paper(name))):
        assert not forbidden & set(found)
        assert found.get("/S") not in kinds
        assert found.get("/Subtype") not in kinds
        assert "/LZWDecode" not in str(found.get("/Filter", ""))


def test_table_is_tagged_as_one() -> None:
    file = reader_of(made(household(3)))
    kinds = [found["/S"] for found in objects(file) if "/S" in found and "/P" in found]
    assert kinds.count("/Table") == 2
    assert kinds.count("/TH") == 6 + 5
    assert kinds.count("/THead") == 2


def test_seal_field_is_one_that_an_archive_takes() -> None:
    """6.3: printed, not hidden, and of no size where it has no appearance."""
    (annotation,) = [found for found in objects(reader_of(paper_of_ct07())) if found.get("/Subtype") == "/Widget"]
    assert annotation["/F"] & 0b100
    assert not annotation["/F"] & 0b100011
    assert list(annotation["/Rect"]) == [0, 0, 0, 0]
    assert annotation["/TU"].startswith("Bảo đảm nguồn gốc")


def paper_of_ct07() -> bytes:
    return paper(next(name for name in documents() if name.startswith("residence/the whole confirmation with both")))


def test_poppler_finds_tags_and_no_font_from_elsewhere() -> None:
    content = paper_of_ct07()
    told = poppler("pdfinfo", "-", content=content).decode()
    assert re.search(r"^Tagged: +yes$", told, re.MULTILINE)
    assert re.search(r"^Page size: +595\.\d+ x 841\.\d+ pts \(A4\)$", told, re.MULTILINE)
    assert re.search(r"^JavaScript: +no$", told, re.MULTILINE)
    fonts = poppler("pdffonts", "-", content=content).decode().splitlines()[2:]
    assert fonts
    for line in fonts:
        assert re.fullmatch(r"[A-Z]{6}\+BeVietnamPro-\w+ +CID TrueType +Identity-H +yes yes yes +\d+ +0", line), line


# --- What is attached -----------------------------------------------------------------------------------------------


def attached(content: bytes) -> dict[str, tuple[Any, bytes]]:
    """Return file specification and content of each attachment that the catalogue associates with the file."""
    return {spec["/UF"]: (spec, spec["/EF"]["/F"].data) for spec in listed(reader_of(content).root["/AF"])}


@each
def test_attachments_are_what_was_signed_and_what_was_hashed(name: str) -> None:
    document, found = documents()[name], attached(paper(name))
    assert found.keys() == {"document.sdjwt", "claims.json"}
    spec, content = found["document.sdjwt"]
    assert content == SD_JWT.encode()
    assert spec["/AFRelationship"] == "/Alternative"
    assert spec["/EF"]["/F"]["/Subtype"] == "/application/dc+sd-jwt"
    spec, content = found["claims.json"]
    assert spec["/AFRelationship"] == "/Data"
    assert spec["/EF"]["/F"]["/Subtype"] == "/application/json"
    assert json.loads(content) == {"claims": document.claims, "salt": document.salt}
    message = other_reader.parse_tag_18(other_reader.inflate(other_reader.unbase45(document.code[4:]), 4096))
    hashed = other_reader.parse_cbor(message[2])[-70000][4]
    assert hashlib.sha256(content).digest() == hashed == claims_digest(document.claims, document.salt)
    assert all("/Desc" in spec and "/ModDate" in spec["/EF"]["/F"]["/Params"] for spec, _ in found.values())


def test_poppler_takes_the_attachments_out(tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(paper_of_ct07())
    poppler("pdfdetach", "-saveall", "-o", str(tmp_path), str(file), content=b"")
    assert (tmp_path / "document.sdjwt").read_text() == SD_JWT
    assert json.loads((tmp_path / "claims.json").read_text())["claims"]["full_name"] == "Nguyễn Văn An"


# --- The code on the print ------------------------------------------------------------------------------------------


def rendered(content: bytes, dpi: int) -> list[Image.Image]:
    """Return the last page, where the code is, as a printer puts it on paper."""
    last = str(len(pages_of(content)))
    return [
        Image.open(
            io.BytesIO(poppler("pdftoppm", "-r", str(dpi), "-f", last, "-l", last, "-gray", "-", content=content))
        )
    ]


@pytest.mark.parametrize("dpi", [300, 150])
@each
def test_code_is_read_from_the_print(name: str, dpi: int) -> None:
    document = documents()[name]
    (page,) = rendered(paper(name), dpi)
    (found,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    assert found.text == document.code
    corners = found.position
    width = (corners.top_right.x - corners.top_left.x + 1) / dpi * 25.4
    modules = len(matrix(document.code))
    pixel = 25.4 / dpi
    assert width >= 42 - 2 * pixel
    assert width / modules >= 0.5 - 2 * pixel / modules
    left, top, side = corners.top_left.x, corners.top_left.y, corners.top_right.x - corners.top_left.x
    quiet = int(side / modules * QUIET_ZONE) - 2
    for box in (
        (left - quiet, top - quiet, left + side + quiet, top - 2),
        (left - quiet, top + side + 3, left + side + quiet, top + side + quiet),
        (left - quiet, top - quiet, left - 2, top + side + quiet),
        (left + side + 3, top - quiet, left + side + quiet, top + side + quiet),
    ):
        assert page.crop(box).getextrema() == (255, 255)


PRINT_WEAR = {**WEAR, "tilted": partial(tilted, share=0.15)}
"""The largest of codes: by less than the pictures of an app, whose modules are whole pixels."""


@pytest.mark.parametrize("wear", PRINT_WEAR)
def test_worn_print_is_still_read(wear: str) -> None:
    name = max(documents(), key=lambda each: len(matrix(documents()[each].code)))
    (page,) = rendered(paper(name), 300)
    (found,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    corners, margin = found.position, 30
    box = (
        corners.top_left.x - margin,
        corners.top_left.y - margin,
        corners.bottom_right.x + margin,
        corners.bottom_right.y + margin,
    )
    assert seen(PRINT_WEAR[wear](page.crop(box).convert("L"))) == [documents()[name].code]


def test_code_that_is_too_large_makes_no_paper() -> None:
    with pytest.raises(InvalidInput) as caught:
        made(replace(example("residence_fact"), code="VD1:" + "A" * 967))
    assert caught.value.code == "code_too_large"


# --- The same everywhere --------------------------------------------------------------------------------------------

ELSEWHERE = """
import hashlib, sys
from tests.documents.forms.papers import example, made
sys.stdout.write(hashlib.sha256(made(example("driving_licence"))).hexdigest())
"""


def test_same_document_is_the_same_file_on_another_machine(tmp_path: Path) -> None:
    """Another zone, language and home, no fonts to be found, another hash seed: the same bytes."""
    environ = {"TZ": "America/Caracas", "LANG": "C", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    environ |= {"PYTHONHASHSEED": "7", "TYPST_FONT_PATHS": "/usr/share/fonts", "SOURCE_DATE_EPOCH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=environ,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == hashlib.sha256(made(example("driving_licence"))).hexdigest()


def test_papers_made_at_once_are_those_made_one_by_one() -> None:
    chosen = list(documents().values())[:12]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(made, chosen))
    assert together == [made(document) for document in chosen]


def test_entropy_changes_the_id_and_what_depends_on_it_and_not_a_letter_before() -> None:
    one, other = (made(example("driving_licence"), entropy=SeededEntropy(seed)) for seed in ("a", "b"))
    assert one != other
    first, second = reader_of(one), reader_of(other)
    assert first.trailer["/ID"][0] == second.trailer["/ID"][0]
    assert first.trailer["/ID"][1] != second.trailer["/ID"][1]
    end = one.index(b"%%EOF")
    assert one[:end] == other[:end]


def test_template_fetches_nothing() -> None:
    """No package of Typst, no file: what a page needs is handed in."""
    for name in ("paper", "mark"):
        template = files("wallet.documents.forms").joinpath(f"templates/{name}.typ").read_text(encoding="utf-8")
        assert not re.search(
            r"@(preview|local)|#?(import|include|read|plugin|csv|yaml|toml|xml|eval)\b *[(\"]", template
        )


# --- Without the extra ----------------------------------------------------------------------------------------------

WITHOUT = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Absent())
import wallet.documents.forms.pdf
assert not {"typst", "pyhanko", "asn1crypto", "fontpkg_be_vietnam_pro"} & sys.modules.keys()
from tests.documents.stated import example_document
from tests.support import SeededEntropy
from wallet.documents.forms.stated import Copy
from wallet.errors import Unavailable
document, signer = example_document()
copy = Copy(document.issued_at, document.expires_at, "https://vi.example.vn/v1/status-lists/1", 1)
try:
    wallet.documents.forms.pdf.make(
        document, copy, signer, SeededEntropy(), "a~", chain=(signer.certificate_der,), sealed_at=document.issued_at
    )
except Unavailable as error:
    print(error.code, error.retry_after, error.values["command"])
"""


@pytest.mark.parametrize("package", ["typst", "pyhanko", "fontpkg_be_vietnam_pro"])
def test_without_the_extra_the_form_is_not_installed(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, package],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "form_not_installed 3600 pip install 'vi-so-wallet[pdf]'"


@pytest.mark.parametrize("claims", [{"purpose": 1.5}, {"purpose": None}, {"purpose": 2**53}])
def test_claims_that_cannot_be_hashed_make_no_paper(claims: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="malformed"):
        made(with_claims(example("residence/the whole confirmation with both"), **claims))
