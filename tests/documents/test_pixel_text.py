"""The sample mark in pixels spells the sample mark."""

import unicodedata

from wallet.documents.pixel_text import ABOVE, BELOW, LETTERS, MARK_HEIGHT, MARK_WIDTH, mark_rows
from wallet.terms import SAMPLE_MARK

FIRST_WORD = """
......  .##.#.  ......
......  #.##..  ......
......  ..#...  ......
......  .#.#..  ......
#...#.  .###..  #...#.
##.##.  #...#.  #...#.
#.#.#.  #...#.  #...#.
#.#.#.  #####.  #...#.
#...#.  #...#.  #...#.
#...#.  #...#.  #...#.
#...#.  #...#.  .###..
......  ......  ......
......  ......  ......
"""
"""MẪU as somebody draws it who has not seen the tables: the tilde stands above the circumflex."""


def drawn() -> list[str]:
    return ["".join("#" if dark else "." for dark in row) for row in mark_rows()]


def cells() -> list[tuple[str, ...]]:
    """Return the pixels of each letter, five wide; the sixth column is the gap."""
    rows = [row + "." for row in drawn()]
    return [tuple(row[at : at + 5] for row in rows) for at in range(0, MARK_WIDTH + 1, 6)]


def spelled(cell: tuple[str, ...]) -> str:
    """Read one letter back, from top to bottom, with no help from the text."""

    def pattern(rows: tuple[str, ...]) -> tuple[str, ...]:
        return tuple("".join("#" if pixel == "1" else "." for pixel in row) for row in rows)

    (base,) = [letter for letter, rows in LETTERS.items() if pattern(rows) == cell[4:11]]
    marks = {pattern(rows): mark for mark, rows in ABOVE.items()}
    blank = (".....",) * 2
    lower = "" if cell[2:4] == blank else marks[cell[2:4]]
    upper = "" if cell[0:2] == blank else marks[cell[0:2]]
    below = "" if cell[11:] == blank else BELOW
    return unicodedata.normalize("NFC", base + below + lower + upper)


def test_pixels_spell_the_mark() -> None:
    assert "".join(spelled(cell) for cell in cells()) == SAMPLE_MARK == "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"


def test_first_word_is_as_drawn_by_hand() -> None:
    by_hand = [row.replace("  ", "") for row in FIRST_WORD.strip().splitlines()]
    assert [row[: len(by_hand[0])] for row in drawn()] == by_hand


def test_every_row_is_as_wide_as_it_says() -> None:
    assert len(mark_rows()) == MARK_HEIGHT
    assert {len(row) for row in mark_rows()} == {MARK_WIDTH}


def test_letters_do_not_touch() -> None:
    gaps = [row[at] for row in drawn() for at in range(5, MARK_WIDTH, 6)]
    assert set(gaps) == {"."}


def test_no_two_letters_look_alike() -> None:
    assert len(set(LETTERS.values())) == len(LETTERS)
    assert all(len(rows) == 7 and {len(row) for row in rows} == {5} for rows in LETTERS.values())
