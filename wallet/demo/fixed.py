"""People who are in every nation, whatever its seed: how one is written down, and how a household is made of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from wallet.demo.cards import anniversary, card_on
from wallet.demo.numbers import fixed_number
from wallet.demo.places import address_in, places, registered_at
from wallet.demo.records import HEAD, REFERENCE_DAY, Address, Household, Name, Person, Residence

FIRST_CARDS = date(2021, 6, 1)

Member = tuple[Person, str]
"""A person and the relation to the head."""


def fixed_person(
    serial: int,
    name: tuple[str | None, str | None, str] | Name,
    birth: str,
    sex: str,
    *,
    code: str | None = "001",
    **more: Any,
) -> Person:
    """Return a person without a residence yet.

    serial: below 1000, the last six digits of the number. birth: `YYYY-MM-DD` or `YYYY`. code: of the 63, where the
    birth was registered, None for abroad. more: further fields of Person; a card is added for whoever is old enough.
    """
    year = int(birth[:4])
    birthday = date.fromisoformat(birth) if len(birth) == 10 else date(year, 1, 1)
    fourteen = anniversary(birthday, 14)
    if fourteen <= REFERENCE_DAY and "card_issued" not in more:
        more["card_issued"], more["card_expires"] = card_on(birthday, max(fourteen, FIRST_CARDS), REFERENCE_DAY)
    more.setdefault("number", fixed_number(sex, year, serial))
    return Person(
        name=name if isinstance(name, Name) else Name.of(*name),
        birth=birth,
        sex=sex,
        residence=None,
        birth_registration_code=code,
        birth_registration_place=registered_at(code) if code else None,
        **more,
    )


def place(commune_code: str, line: str | None = None) -> Address:
    """Return an address in the commune with this code."""
    return address_in(places().communes[commune_code], line)


def household(
    index: int,
    address: Address,
    *members: Member,
    since: date = date(2015, 6, 10),
    beside: tuple[Person, ...] = (),
    change: Mapping[str, Callable[[Residence], Residence]] | None = None,
) -> Household:
    """Return the household number `index` of those that are always there.

    members: one of them the head. beside: who is known to the population register only. change: by number, what
    is different about one member's residence.
    """
    people = []
    for person, relation in members:
        birthday = date.fromisoformat(person.birth) if len(person.birth) == 10 else date(int(person.birth), 1, 1)
        residence = Residence(relation, address, max(since, birthday + timedelta(days=20)), address)
        if change and person.number in change:
            residence = change[person.number](residence)
        native = person.native_place or f"{address.commune}, {address.province}"
        people.append(replace(person, residence=residence, native_place=native))
    head = next(person.number for person, relation in members if relation == HEAD)
    return Household(f"HKM{index:09d}", head, address, (*people, *beside))
