"""Names as people type them, and when two of them are the same name.

A name is stored composed (NFC) with single spaces. Letters of other scripts, invisible characters and letters that
only look like ours are refused, so that nobody is registered under a name that reads as somebody else's (S-70).
Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

import re
import unicodedata

from wallet.errors import InvalidInput

_BLOCKS = (
    ("A", "Z"), ("a", "z"), ("À", "Ö"), ("Ø", "ö"), ("ø", "ž"), ("ƀ", "ƀ"), ("Ƀ", "Ƀ"), ("Ơ", "ơ"), ("Ư", "ư"),
    ("Ș", "ț"), ("Ḁ", "ỹ"),
)  # fmt: skip
_LOOK_ALIKES = frozenset("ÐðıĸŉŊŋßẞẚẛẜẝẟ")
"""Inside the blocks, and still not letters of a name here: Ð and ð pass for Đ and đ."""

_MARKS = frozenset("\u0306\u030c\u0301\u0300\u0303\u0309\u0323")
"""What may stand by itself after a letter: languages such as Ê Đê write letters that Unicode has not composed."""

_BETWEEN = frozenset(" '’-.")
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_OPEN_PAIR = re.compile(
    rf"(o)([{_TONES}])([ae])(?![^\W\d_]|[\u0300-\u036f])|(u)([{_TONES}])(y)(?![^\W\d_]|[\u0300-\u036f])"
)


def clean_name(text: str, pointer: str = "/full_name") -> str:
    """Return a name in the form in which it is stored. Raises InvalidInput(pointer: "suspicious_characters").

    Source: docs/security.md, S-70.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    name = re.sub(" {2,}", " ", name)
    former = " "
    for letter in name:
        follows_letter = former not in _BETWEEN and former not in _MARKS
        if not (_is_letter(letter) or letter in _BETWEEN or (letter in _MARKS and follows_letter)):
            raise InvalidInput({pointer: "suspicious_characters"})
        former = letter
    if not any(map(_is_letter, name)):
        raise InvalidInput({pointer: "suspicious_characters"})
    return name


def same_name(one: str, other: str) -> bool:
    """Return whether two names are one: whatever the case, the spaces and where an open syllable bears its tone.

    `Hoà` and `Hòa` are the same; `Hà` and `Hạ`, or `Hoa` and `Hòa`, never are.
    """
    return _key(one) == _key(other)


def unmarked(text: str) -> str:
    """Return a name as registers without Vietnamese letters keep it: small letters, no marks, single spaces.

    `Đỗ  Thị HOÀ` is `do thi hoa`. Source: docs/domain.md, section 8 (text rules).
    """
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d").replace("’", "'"))
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _key(text: str) -> str:
    plain = " ".join(text.casefold().replace("’", "'").split())
    moved = _OPEN_PAIR.sub(_tone_last, unicodedata.normalize("NFD", plain))
    return unicodedata.normalize("NFC", moved)


def _tone_last(found: re.Match[str]) -> str:
    first, tone, last = (part for part in found.groups() if part)
    return first + last + tone


def _is_letter(letter: str) -> bool:
    return letter.isalpha() and letter not in _LOOK_ALIKES and any(low <= letter <= high for low, high in _BLOCKS)
