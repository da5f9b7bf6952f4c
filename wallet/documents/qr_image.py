"""Draws a code: SVG, PNG, terminal. The only place that knows the QR library.

Alphanumeric mode; level and largest version by the prefix: a code on paper and one on a screen are read under other
conditions (docs/wire.md, sections 1 and 2; ISO/IEC 18004). The mask is fixed: searching for the best one takes most of
the time and is not read more often.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qrcode import constants
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData

from wallet.documents.pixel_text import MARK_WIDTH, mark_rows
from wallet.errors import InvalidInput
from wallet.formats import cwt_code, live_code
from wallet.terms import SAMPLE_MARK

MASK = 3
QUIET_ZONE = 4
"""Modules that stay light on every side."""

PNG_SCALE = 6

Matrix = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How large a code of one prefix may be drawn. level: of error correction, `L`, `M`, `Q` or `H`."""

    level: str
    max_version: int


RULES: Mapping[str, SizeRule] = {
    cwt_code.PREFIX: SizeRule(cwt_code.QR_ERROR_CORRECTION, cwt_code.MAX_QR_VERSION),
    live_code.PREFIX: SizeRule(live_code.QR_ERROR_CORRECTION, live_code.MAX_QR_VERSION),
}
PREFIX_LENGTH = 4
_LEVELS = {letter: getattr(constants, f"ERROR_CORRECT_{letter}") for letter in "LMQH"}


@lru_cache(maxsize=256)
def matrix(text: str) -> Matrix:
    """Return the modules of a code, without quiet zone.

    Raises InvalidInput: `code_too_large` when it needs a version above its rule's, `malformed` for a text that has no
    rule or holds letters that no code has.
    """
    rule = RULES.get(text[:PREFIX_LENGTH])
    if rule is None:
        raise InvalidInput({}, "malformed")
    try:
        data = QRData(text.encode("ascii"), mode=MODE_ALPHA_NUM)
    except ValueError as error:
        raise InvalidInput({}, "malformed") from error
    drawing = QRCode(error_correction=_LEVELS[rule.level], mask_pattern=MASK, border=0)
    drawing.add_data(data, optimize=0)
    try:
        drawing.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        raise InvalidInput({}, "code_too_large") from error
    if drawing.version > rule.max_version:
        raise InvalidInput({}, "code_too_large")
    return tuple(tuple(bool(module) for module in row) for row in drawing.modules)


def svg(text: str, *, marked: bool = True) -> str:
    """Return an SVG of one path, a run of modules a stroke.

    marked: with the sample mark beneath; False only for a page that carries it itself. Without it the drawing is a
    square of the code's modules and its quiet zone.
    """
    modules = matrix(text)
    side = len(modules) + 2 * QUIET_ZONE
    runs = []
    for y, row in enumerate(modules):
        x = 0
        while x < len(row):
            length = next((n for n in range(x, len(row)) if row[n] != row[x]), len(row)) - x
            if row[x]:
                runs.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{length}v1h-{length}z")
            x += length
    mark = (
        f'<text x="{side / 2}" y="{side + 1}" font-family="sans-serif" font-size="2.6" text-anchor="middle" '
        f'textLength="{side - 2 * QUIET_ZONE}" lengthAdjust="spacingAndGlyphs">{SAMPLE_MARK}</text>'
    )
    height = side + 4 * marked
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {height}" '
        f'shape-rendering="crispEdges" role="img" aria-label="{SAMPLE_MARK}">'
        f'<path fill="#fff" d="M0 0h{side}v{height}H0z"/><path d="{"".join(runs)}"/>{mark * marked}</svg>'
    )


def png(text: str, scale: int = PNG_SCALE) -> bytes:
    """Return a PNG of one bit a pixel, `scale` pixels a module, with the sample mark beneath."""
    modules = matrix(text)
    side = (len(modules) + 2 * QUIET_ZONE) * scale
    width = max(side, MARK_WIDTH + 2 * QUIET_ZONE)  # a small code stands in the middle above a mark that is whole
    blank = bytes((width + 7) // 8)
    rows = [blank] * (QUIET_ZONE * scale)
    for modules_row in modules:
        pixels = [False] * ((width - side) // 2 + QUIET_ZONE * scale)
        pixels += [dark for dark in modules_row for _ in range(scale)]
        rows += [_packed(pixels, width)] * scale
    rows += [blank] * (QUIET_ZONE * scale)
    factor = max(1, width // (MARK_WIDTH + 2 * QUIET_ZONE))
    left = (width - MARK_WIDTH * factor) // 2
    for mark_row in mark_rows():
        pixels = [False] * left + [dark for dark in mark_row for _ in range(factor)]
        rows += [_packed(pixels, width)] * factor
    rows += [blank] * (2 * factor)
    return _png(rows, width)


def terminal(text: str) -> str:
    """Return the code in half blocks, two modules a character, dark on light."""
    modules = matrix(text)
    width = len(modules) + 2 * QUIET_ZONE
    blank = (False,) * width
    padded = [blank] * QUIET_ZONE
    padded += [(False,) * QUIET_ZONE + row + (False,) * QUIET_ZONE for row in modules]
    padded += [blank] * (QUIET_ZONE + len(padded) % 2)
    blocks = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    lines = [
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(padded[::2], padded[1::2], strict=True)
    ]
    return "\n".join([*lines, SAMPLE_MARK])


def _packed(pixels: Sequence[bool], width: int) -> bytes:
    """Return a row of pixels, eight a byte, a set bit for dark."""
    bits = "".join("1" if dark else "0" for dark in pixels[:width]).ljust((width + 7) // 8 * 8, "0")
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _png(rows: Sequence[bytes], width: int) -> bytes:
    """Return a PNG of one-bit rows. Source: PNG (ISO/IEC 15948), sections 5 and 11; palette 0 white, 1 black."""
    raw = b"".join(b"\0" + row for row in rows)
    header = struct.pack(">IIBBBBB", width, len(rows), 1, 3, 0, 0, 0)
    text = b"Comment\0\0\0vi\0\0" + SAMPLE_MARK.encode()
    chunks = ((b"IHDR", header), (b"PLTE", b"\xff\xff\xff\0\0\0"), (b"iTXt", text), (b"IDAT", zlib.compress(raw)))
    body = b"".join(_chunk(kind, content) for kind, content in (*chunks, (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
