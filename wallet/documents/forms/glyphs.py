"""Which letters a font has: read from the font itself.

PDF/A-3a refuses a page with a letter that its font lacks. Names are Vietnamese or Latin, but a purpose is what somebody
typed: a letter without a glyph is told by its code point, so that nothing is lost and nothing is invented.
Source: OpenType 1.9, `cmap`, formats 4 and 12.
"""

import struct
import unicodedata
from collections.abc import Iterator

UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
"""Categories that have no place on a page: control, format, private use, surrogate, unassigned."""


class Glyphs:
    """What a TrueType font can show."""

    def __init__(self, font: bytes) -> None:
        self._held = frozenset(_code_points(font))

    def __contains__(self, letter: str) -> bool:
        return ord(letter) in self._held and unicodedata.category(letter) not in UNSEEN

    def printable(self, text: str) -> str:
        """Return text with each letter that cannot be shown as `[U+4E2D]`. Lines stay apart."""
        return "".join(each if each == "\n" or each in self else f"[U+{ord(each):04X}]" for each in text)


def _code_points(font: bytes) -> Iterator[int]:
    table = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", table, 2)
    for record in range(count):
        (offset,) = struct.unpack_from(">I", table, 8 + 8 * record)
        (form,) = struct.unpack_from(">H", table, offset)
        if form == 4:
            yield from _segments(table, offset)
        elif form == 12:
            (groups,) = struct.unpack_from(">I", table, offset + 12)
            for group in range(groups):
                first, last, _ = struct.unpack_from(">III", table, offset + 16 + 12 * group)
                yield from range(first, last + 1)


def _segments(table: bytes, offset: int) -> Iterator[int]:
    """Yield the code points of a format 4 table that lead to a glyph."""
    (doubled,) = struct.unpack_from(">H", table, offset + 6)
    count, ends = doubled // 2, offset + 14
    starts, deltas, ranges = ends + doubled + 2, ends + 2 * doubled + 2, ends + 3 * doubled + 2
    for segment in range(count):
        at = 2 * segment
        end, start = (struct.unpack_from(">H", table, base + at)[0] for base in (ends, starts))
        delta, shift = (struct.unpack_from(">H", table, base + at)[0] for base in (deltas, ranges))
        for point in range(start, min(end, 0xFFFE) + 1):
            glyph = point
            if shift:
                (glyph,) = struct.unpack_from(">H", table, ranges + at + shift + 2 * (point - start))
                if not glyph:
                    continue
            if (glyph + delta) & 0xFFFF:
                yield point


def _table(font: bytes, wanted: bytes) -> bytes:
    (count,) = struct.unpack_from(">H", font, 4)
    for record in range(count):
        tag, _, offset, length = struct.unpack_from(">4sIII", font, 12 + 16 * record)
        if tag == wanted:
            return font[offset : offset + length]
    raise ValueError(f"a font without {wanted.decode()}")
