"""Where somebody has lived since the age of 14, and what they worked: asked only as far as no register holds it.

Source: forms 12/2024/LLTP and 13/2024/LLTP of Circular 06/2024/TT-BTP (docs/domain.md, section 4.2).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import Ask, Case, Field

ABROAD = "abroad"
START_AGE = 14
DAY = timedelta(days=1)

RESIDENCE_HISTORY = Field(
    "residence_history",
    Ask.RECORDS,
    size=(1, 40),
    held_by=("residence", "residence_history"),
    importable=True,
    fields=(
        Field("from_day", Ask.DAY),
        Field("to_day", Ask.DAY, required=False),
        Field("place", Ask.CHOICE, choices=("vietnam", ABROAD)),
        Field("province", Ask.PROVINCE, only_if=("place", ("vietnam",))),
        Field("address", size=(3, 200)),
    ),
)
OCCUPATIONS = Field(
    "occupations",
    Ask.RECORDS,
    size=(1, 40),
    importable=True,
    fields=(
        Field("from_day", Ask.DAY),
        Field("to_day", Ask.DAY, required=False),
        Field("job", size=(2, 120)),
        Field("workplace", required=False, size=(2, 200)),
    ),
)


def held(case: Case) -> bool:
    """Return whether the residence register knows where the person has lived, so that nobody is asked."""
    return "residence_history" in case.facts.get("residence", {})


def faults(case: Case) -> dict[str, str]:
    """Return path to reason: periods that cannot be, and a history of residence with a hole in it.

    Of what cannot be read nothing is said.
    """
    found = dict(_of_periods("occupations", case))
    if held(case):
        return found
    found |= dict(_of_periods("residence_history", case))
    periods = case.answers.get("residence_history", ())
    if periods and not found and all("from_day" in record for record in periods):
        found |= dict(_of_the_whole(periods, case))
    return found


def several_places(case: Case) -> bool:
    """Return whether the person has lived in more than one province, or abroad: then others have to be asked."""
    if held(case):
        records = case.fact("residence", "residence_history")
        return len({_province(record) for record in records}) > 1
    records = case.answers.get("residence_history", ())
    return len({record.get("province", ABROAD) for record in records}) > 1 or any(
        record.get("place") == ABROAD for record in records
    )


def _of_periods(field: str, case: Case) -> Iterator[tuple[str, str]]:
    for place, record in enumerate(case.answers.get(field, ())):
        begins, ends = record.get("from_day"), record.get("to_day")
        if begins is not None and begins > case.today:
            yield f"{field}/{place}/from_day", "in_future"
        if ends is not None and ends > case.today:
            yield f"{field}/{place}/to_day", "in_future"
        elif ends is not None and begins is not None and ends < begins:
            yield f"{field}/{place}/to_day", "before_start"


def _of_the_whole(periods: Sequence[Mapping[str, Any]], case: Case) -> Iterator[tuple[str, str]]:
    """Yield where a history does not reach from the 14th birthday until now. Entries may come in any order."""
    begin = _fourteenth(case.fact("population", "birth_date"))
    numbered = sorted(enumerate(periods), key=lambda each: each[1]["from_day"])
    first = numbered[0][1]["from_day"]
    if begin is not None and first > begin:
        yield f"residence_history/{numbered[0][0]}/from_day", "not_since_14"
    covered = first - DAY
    for place, record in numbered:
        if record["from_day"] > covered + DAY:
            yield f"residence_history/{place}/from_day", "gap"
        covered = max(covered, record.get("to_day") or case.today)
    if covered < case.today:
        yield "residence_history", "not_until_today"


def _fourteenth(born: date | str | None) -> date | None:
    """Return the 14th birthday; where only the year is known, the last day on which it can have been."""
    if born is None:
        return None
    if isinstance(born, str):
        return date(int(born[:4]) + START_AGE, 12, 31)
    if (born.month, born.day) == (2, 29) and (born.year + START_AGE) % 4:
        return date(born.year + START_AGE, 3, 1)
    return born.replace(year=born.year + START_AGE)


def _province(record: Mapping[str, Any]) -> str:
    """Return the province of an address of the register, which ends with it."""
    return str(record.get("address", "")).rpartition(", ")[2]
