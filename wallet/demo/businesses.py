"""Enterprises of the invented nation: a few of the personas', and one for every fiftieth household of the others."""

from collections.abc import Iterator
from datetime import date, timedelta

from wallet.demo.cast import BUSINESSES
from wallet.demo.records import Business, Household

_EVERY = 50
_DRAWN = "HK0"
_FIRST_DAY = date(2005, 1, 3)
_DAYS = 7600


def businesses_of(household: Household) -> Iterator[Business]:
    """Yield the enterprises whose representative is of this household: a function of the household alone."""
    numbers = {person.number for person in household.people}
    yield from (business for business in BUSINESSES if business.representative in numbers)
    if not household.id.startswith(_DRAWN):
        return
    index = int(household.id[2:])
    head = next(person for person in household.people if person.number == household.head)
    if index % _EVERY == 0:
        yield Business(
            f"00{index:08d}",
            f"Công ty trách nhiệm hữu hạn Mẫu {head.name.given or head.name.full}",
            household.address.text,
            _FIRST_DAY + timedelta(days=index * 7919 % _DAYS),
            head.number,
        )
