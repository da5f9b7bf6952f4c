"""Who may have an account of which level, as data. Source: Decree 69/2024/NĐ-CP, article 7; docs/domain.md, 2.2."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from wallet.identity.accounts import HolderKind
from wallet.sources.base import Fact
from wallet.terms import AccountLevel

VIETNAM = "Việt Nam"
OF_AGE = 14
"""From here on people apply for themselves; before, a parent or guardian does (article 10)."""


class Right(StrEnum):
    """Whether somebody may have an account of a level."""

    YES = "yes"
    ON_REQUEST = "on_request"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. from_age, below_age: full years; below_age None for no end."""

    kind: HolderKind
    from_age: int
    below_age: int | None
    level_one: Right
    level_two: Right


TABLE: tuple[Row, ...] = (
    Row(HolderKind.CITIZEN, 14, None, Right.YES, Right.YES),
    Row(HolderKind.CITIZEN, 6, 14, Right.ON_REQUEST, Right.ON_REQUEST),
    Row(HolderKind.CITIZEN, 0, 6, Right.ON_REQUEST, Right.NO),
    Row(HolderKind.FOREIGNER, 6, None, Right.YES, Right.ON_REQUEST),
    Row(HolderKind.FOREIGNER, 0, 6, Right.ON_REQUEST, Right.NO),
)
"""Citizens need a valid identity card, foreigners a permanent or temporary residence card."""


def age_on(birth: date | str, day: date) -> int:
    """Return full years of age, in Vietnam's own day. Born on 29 February: a year older on 1 March.

    birth: a date, `YYYY-MM-DD`, or `YYYY`. Where only the year is known it counts as its last day, so that nobody gets
    a right too early. Negative before the birth.
    """
    if isinstance(birth, str):
        birth = date.fromisoformat(birth) if len(birth) > len("YYYY") else date(int(birth), 12, 31)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def age_of(facts: Mapping[str, Fact], today: date) -> int:
    """Return somebody's age, as the population register knows their birth."""
    born = facts["birth_date"]
    return age_on(born if isinstance(born, date) else str(born), today)


def kind_of(facts: Mapping[str, Fact]) -> HolderKind:
    """Return which rows of the table are about the person whom the population register describes."""
    return HolderKind.CITIZEN if facts.get("nationality") == VIETNAM else HolderKind.FOREIGNER


def right_to(level: AccountLevel, kind: HolderKind, age: int) -> Right:
    """Return what the table says; nobody who is not born yet has a right."""
    for row in TABLE:
        if row.kind is kind and row.from_age <= age and (row.below_age is None or age < row.below_age):
            return row.level_one if level is AccountLevel.ONE else row.level_two
    return Right.NO


def needs_guardian(age: int) -> bool:
    """Return whether a parent or guardian has to apply in this person's place."""
    return age < OF_AGE
