"""Whether the name on a ticket is the name on a card: equal, or not. There is no score, and nothing is nearly equal.

Tickets are written in capitals, without marks, in any order, with words run together, and with a title
(`AN NGUYENVAN MR`), which airlines also run on to the last word (`NGUYEN/VAN ANMR`). A name that was cut is another
one: `NGUYEN AN` is not `Nguyễn Văn An`. Source: docs/domain.md, section 5.2 and section 8 (text rules).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

MAX_WORDS = 12
TITLES = frozenset({"mr", "mrs", "ms", "miss", "mstr", "dr", "chd", "inf"})
Words = tuple[str, ...]
MATCH, DIFFERS = "match", "differs"
_UNDIVIDED = str.maketrans({"đ": "d", "ð": "d", "ƀ": "b"})
"""Letters whose stroke Unicode does not take off. ð is what a capital Đ becomes that was typed as Ð."""
_SYLLABLE = re.compile(r"(?:ngh?|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdghklmnpqrstvx])?[aeiouy]{1,3}(?:ch|ng|nh|[cmnpt])?")
"""A Vietnamese syllable without its marks: none ends in the letters of a title."""


def same_ticket_name(on_ticket: str, name: str) -> bool:
    """Return whether a ticket's name is this one, whatever its case, marks, spaces, order of words and title.

    Neither has to be normalised. Letters must be the same letters: `NGUYEN VAN AN` is not `NGUYEN VAN ANH`. Two names
    that have no letters are never the same. A title that is run on counts as one beside a Vietnamese name alone, of
    which none ends like that: `JOHN ADAMS` is not John Ada.
    """
    held, words = _words(name), _words(on_ticket)
    run_on = len(held) > 1 and all(_SYLLABLE.fullmatch(word) for word in held)
    return any(_same(each, held) for each in _readings(words, run_on=run_on))


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


def _readings(words: Words, *, run_on: bool) -> Iterator[Words]:
    """Yield the words as a name, and without one title before or after them as long as a name is left.

    run_on: and without one at the end of the last word.
    """
    yield words
    if len(words) > 1 and words[-1] in TITLES:
        yield words[:-1]
    if len(words) > 1 and words[0] in TITLES:
        yield words[1:]
    if run_on and words and words[-1] not in TITLES:
        yield from ((*words[:-1], words[-1].removesuffix(each)) for each in TITLES if words[-1].endswith(each))


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
