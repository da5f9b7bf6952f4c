"""A paper's content to PDF/A-3a, by Typst: our template, one font family, nothing of the machine it runs on.

The same content and day give the same bytes everywhere: no font of the system, no package, no clock. What comes in is
JSON, never a piece of the template. Importing this loads Typst (the extra `[pdf]`); `pdf.py` does so when it is called.
Source: ISO 19005-3, conformance level A.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import typst

from wallet.documents import qr_image
from wallet.documents.forms.glyphs import Glyphs
from wallet.terms import SAMPLE_MARK

STANDARD: Final = "a-3a"
FONTS = "fontpkg_be_vietnam_pro"
CODE_MM = 42.0
"""The least width of the code itself, its quiet zone left out. Source: docs/wire.md, section 6."""

MODULE_MM = 0.5
"""The least width of one module: what a camera at arm's length still tells apart."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file within the file. relationship: `source`, `data`, `alternative` or `supplement` (ISO 32000-2, 7.11.3)."""

    name: str
    content: str
    mime: str
    relationship: str
    description: str


def typeset(
    content: Mapping[str, Any], code: str | None, attachments: Sequence[Attachment], made_at: datetime
) -> bytes:
    """Return the PDF, without a signature.

    content: from `wallet.documents.forms.page`, or `plain`. code: the text of the code that is drawn, None for a paper
    that is no document and has neither code nor seal. made_at: aware; the day of the file's metadata. Raises
    InvalidInput when the code is too large for paper.
    """
    drawing = None
    if code is not None:
        drawing = {
            "svg": qr_image.svg(code, marked=False),
            "modules": len(qr_image.matrix(code)),
            "least": CODE_MM,
            "module": MODULE_MM,
        }
    made: bytes = typst.compile(
        _template("paper"),
        font_paths=_fonts(),
        sys_inputs={
            "mark": _mark(),
            "content": _json(content),
            "code": _json(drawing),
            "attachments": _json([asdict(each) for each in attachments]),
        },
        pdf_standards=[STANDARD],
        timestamp=int(made_at.timestamp()),
    )
    return made


@cache
def glyphs() -> Glyphs:
    """Return what the font can show; its weights and its italics show the same."""
    return Glyphs(files(FONTS).joinpath("files/BeVietnamPro-Regular.ttf").read_bytes())


@cache
def _template(name: str) -> bytes:
    return files(__package__).joinpath(f"templates/{name}.typ").read_bytes()


@cache
def _mark() -> str:
    """Return the sample mark as an SVG of outlines."""
    drawn: bytes = typst.compile(_template("mark"), font_paths=_fonts(), sys_inputs={"mark": SAMPLE_MARK}, format="svg")
    return drawn.decode()


@cache
def _fonts() -> typst.Fonts:
    directory = str(files(FONTS).joinpath("files"))
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[directory])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
