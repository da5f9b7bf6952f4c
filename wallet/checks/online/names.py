"""Whether the name on a ticket is the name on a card: equal, or not. There is no score, and nothing is nearly equal.

Tickets are written in capitals, without marks, in any order, with words run together, and with a title
(`AN NGUYENVAN MR`). Source: docs/domain.md, section 5.2 and section 8 (text rules).
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator

MAX_WORDS = 12
TITLES = frozenset({"mr", "mrs", "ms", "mstr"})
Words = tuple[str, ...]
MATCH, DIFFERS = "match", "differs"
_UNDIVIDED = str.maketrans({"đ": "d", "ð": "d", "ƀ": "b"})
"""Letters whose stroke Unicode does not take off. ð is what a capital Đ becomes that was typed as Ð."""


def same_ticket_name(on_ticket: str, name: str) -> bool:
    """Return whether a ticket's name is this one, whatever its case, marks, spaces, order of words and title.

    Neither has to be normalised. Letters must be the same letters: `NGUYEN VAN AN` is not `NGUYEN VAN ANH`. Two names
    that have no letters are never the same.
    """
    held = _words(name)
    return any(_same(each, held) for each in _readings(_words(on_ticket)))


def same_birth_date(on_ticket: str, birth_date: str) -> bool:
    """Return whether a ticket's day is this one; both `YYYY-MM-DD`, or `YYYY` where only the year is known.

    Where a register knows the year alone, any day of it matches; a ticket that states a year alone matches no day.
    """
    return on_ticket == birth_date or (len(birth_date) == 4 and on_ticket[:5] == f"{birth_date}-")


def told(same: bool) -> str:
    """Return the word of an answer for it."""
    return MATCH if same else DIFFERS


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a name in small letters without marks; whatever is neither letter nor mark separates, except
    an apostrophe, which tickets leave out (`H'Linh` is `HLINH`)."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).casefold())
    letters = "".join(
        letter if letter.isalpha() else " "
        for letter in decomposed.translate(_UNDIVIDED)
        if not unicodedata.combining(letter) and letter not in "'’ʼ"
    )
    return tuple(letters.split())


def _readings(words: Words) -> Iterator[Words]:
    """Yield the words as a name, and without a title before or after them as long as a name is left."""
    yield words
    if len(words) > 1 and words[-1] in TITLES:
        yield words[:-1]
    if len(words) > 1 and words[0] in TITLES:
        yield words[1:]


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether some order of the one, run together, is some order of the other run together."""
    if not one or not other or Counter("".join(one)) != Counter("".join(other)):
        return False
    if sorted(one) == sorted(other):
        return True
    if len(one) > MAX_WORDS or len(other) > MAX_WORDS:
        return "".join(one) == "".join(other)
    return _joins("", tuple(sorted(one)), tuple(sorted(other)), set())


def _joins(ahead: str, behind: Words, other: Words, tried: set[tuple[str, Words, Words]]) -> bool:
    """Return whether `behind` can go on with `ahead`, the letters by which the other side leads, until both end.

    tried: states that lead nowhere; words that are alike are one choice, so their number stays small.
    """
    if not behind and not other:
        return not ahead
    state = (ahead, behind, other)
    if state in tried:
        return False
    tried.add(state)
    for place, word in enumerate(behind):
        if place and behind[place - 1] == word:
            continue
        rest = (*behind[:place], *behind[place + 1 :])
        if ahead.startswith(word):
            if _joins(ahead[len(word) :], rest, other, tried):
                return True
        elif word.startswith(ahead) and _joins(word[len(ahead) :], other, rest, tried):
            return True
    return False
