"""What every invented paper is made of: whose it is, which serial it has, who issues it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from wallet.demo.draw import Draw
from wallet.demo.records import REFERENCE_DAY, Address, Household, Person, age_on
from wallet.sources.models import NationBase

Row = tuple[type[NationBase], Mapping[str, Any]]
"""A table and what one row of it holds."""

DRAWN = "HK0"
_PEOPLE_PER_HOUSEHOLD = 8
_RESERVED_HOUSEHOLDS = 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """One person as the papers see them.

    serial: of their own in the whole nation, however large it is. base: what every row begins with. named: the same
    for a register that keeps a name and a birth date of its own.
    """

    person: Person
    serial: int
    address: Address
    age: int
    born: date
    base: Mapping[str, Any]
    named: Mapping[str, Any]

    @property
    def province(self) -> str:
        """The province without the word for its kind."""
        return bare(self.address.province)


def subjects(household: Household) -> list[Subject]:
    """Return the people of a household, those who died left out."""
    index = int(household.id.removeprefix("HK").removeprefix("M"))
    first = (index + _RESERVED_HOUSEHOLDS * is_drawn(household)) * _PEOPLE_PER_HOUSEHOLD
    return [
        _subject(person, first + position, household.address)
        for position, person in enumerate(household.people)
        if person.died_on is None
    ]


def _subject(person: Person, serial: int, address: Address) -> Subject:
    born = date.fromisoformat(person.birth) if len(person.birth) == 10 else date(int(person.birth), 1, 1)
    base = {"number": person.number, "updated_at": person.updated_at}
    named = base | {"full_name": person.name.full, "birth_date": person.birth}
    return Subject(person, serial, address, age_on(person.birth, REFERENCE_DAY), born, base, named)


def is_drawn(household: Household) -> bool:
    """Tell a household that was drawn from one that is in every nation."""
    return household.id.startswith(DRAWN)


def day_between(draw: Draw, first: date, last: date = REFERENCE_DAY) -> date:
    """Return a day, both bounds included. A bound that is past the other gives the last one."""
    return last - timedelta(days=draw.between(0, max(0, (last - first).days)))


def bare(province: str) -> str:
    """Return the name of a province without `Tỉnh` or `Thành phố`."""
    return province.removeprefix("Tỉnh ").removeprefix("Thành phố ")


def insurance_number(serial: int) -> str:
    """Return a social-insurance number that nobody has: ten digits, 099 first."""
    return f"099{serial % 10**7:07d}"


def unmarked(name: str) -> str:
    """Return a name in capitals without diacritics, as old cards and tickets print it."""
    letters = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).upper()
