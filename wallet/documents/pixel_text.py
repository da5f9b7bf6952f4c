"""The sample mark in pixels, so that a picture carries it without a font.

Letters are five by seven; what stands above them takes four rows, what stands below two.
"""

import unicodedata
from functools import cache

from wallet.terms import SAMPLE_MARK

LETTERS = {
    "A": ("01110", "10001", "10001", "11111", "10001", "10001", "10001"),
    "C": ("01110", "10001", "10000", "10000", "10000", "10001", "01110"),
    "G": ("01110", "10001", "10000", "10111", "10001", "10001", "01111"),
    "H": ("10001", "10001", "10001", "11111", "10001", "10001", "10001"),
    "I": ("01110", "00100", "00100", "00100", "00100", "00100", "01110"),
    "K": ("10001", "10010", "10100", "11000", "10100", "10010", "10001"),
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
    "M": ("10001", "11011", "10101", "10101", "10001", "10001", "10001"),
    "N": ("10001", "11001", "10101", "10011", "10001", "10001", "10001"),
    "O": ("01110", "10001", "10001", "10001", "10001", "10001", "01110"),
    "P": ("11110", "10001", "10001", "11110", "10000", "10000", "10000"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
    "T": ("11111", "00100", "00100", "00100", "00100", "00100", "00100"),
    "U": ("10001", "10001", "10001", "10001", "10001", "10001", "01110"),
    "Y": ("10001", "10001", "01010", "00100", "00100", "00100", "00100"),
    "-": ("00000", "00000", "00000", "01110", "00000", "00000", "00000"),
    " ": ("00000",) * 7,
}
ABOVE = {
    "\u0302": ("00100", "01010"),  # circumflex
    "\u0303": ("01101", "10110"),  # tilde
    "\u0301": ("00010", "00100"),  # acute
}
BELOW = "\u0323"
MARK_HEIGHT = 4 + 7 + 2
MARK_WIDTH = len(SAMPLE_MARK) * 6 - 1


@cache
def mark_rows() -> tuple[tuple[bool, ...], ...]:
    """Return the mark, MARK_HEIGHT rows of MARK_WIDTH pixels."""
    glyphs = [_glyph(letter) for letter in unicodedata.normalize("NFC", SAMPLE_MARK)]
    lines = ["0".join(glyph[row] for glyph in glyphs) for row in range(MARK_HEIGHT)]
    return tuple(tuple(pixel == "1" for pixel in line) for line in lines)


def _glyph(letter: str) -> tuple[str, ...]:
    base, *marks = tuple(unicodedata.normalize("NFD", letter))
    above = [row for mark in reversed(marks) if mark in ABOVE for row in ABOVE[mark]]
    below = ("00000", "00100") if BELOW in marks else ("00000", "00000")
    return (*["00000"] * (4 - len(above)), *above, *LETTERS[base], *below)
