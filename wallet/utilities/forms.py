"""What a utility asks. What a register holds is never asked: a field says who holds it (`held_by`).

Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Answers = Mapping[str, Any]
"""Field name to what was typed, checked and parsed: a day is a `date`, a moment an aware `datetime`, records are a
tuple of mappings, files a tuple of ids of evidence. Absent means not answered."""


class Ask(StrEnum):
    """What kind of answer a field takes."""

    TEXT = "text"
    LINES = "lines"
    DAY = "day"
    """`YYYY-MM-DD`, of the years 1800 to 2199 like a moment: terms can be counted from it."""
    BIRTH_DATE = "birth_date"
    """`YYYY-MM-DD`, or `YYYY` where only the year is known; kept as a `date` or that text."""
    MOMENT = "moment"
    INT = "int"
    BOOL = "bool"
    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    """A personal identification number: 12 digits, as text."""
    PHONE = "phone"
    EMAIL = "email"
    COMMUNE = "commune"
    """The code of a commune in force, 5 digits."""
    PROVINCE = "province"
    """The code of a province in force, 2 digits."""
    FILES = "files"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Field:
    """One question.

    size: least and most, of characters (TEXT, LINES), of the value (INT), of entries (CHOICES, FILES, RECORDS).
    choices: codes; their words stand in `texts.json` under `choices.<field>.<code>`. fields: of one record.
    only_if: another field of the same form and the values of it for which this one is asked; then it is as required
    as it says, and otherwise it must be absent. held_by: register and fact; where the register states it, it is not
    asked and must not be sent. one_of: register, its fact of records, and the name in them of what may be answered: the
    holder chooses among what the register states. pattern: a regular expression that the whole of a TEXT matches.
    importable: RECORDS may come as a spreadsheet, a row each, with `fields` as columns.
    """

    name: str
    kind: Ask = Ask.TEXT
    required: bool = True
    size: tuple[int, int] = (1, 200)
    choices: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()
    only_if: tuple[str, tuple[Any, ...]] | None = None
    held_by: tuple[str, str] | None = None
    one_of: tuple[str, str, str] | None = None
    pattern: str = ""
    importable: bool = False
