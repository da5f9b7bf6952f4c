"""What the residence register means: who is head, what contradicts itself, what places were called before.

Source: Residence Law 68/2020/QH14, articles 20, 27 and 28; Resolution 202/2025/QH15 (two levels since 1 July 2025).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from wallet.utilities.base import Capacity, Case, age_on

HEAD = "Chủ hộ"
SPOUSES = frozenset({"Vợ", "Chồng"})
PARENTS = frozenset({"Bố", "Mẹ"})
CHILD = "Con"
ADULT_AGE = 18
"""Source: Civil Code 91/2015/QH13, article 20."""

_OLD_COMMUNES = ("Xã ", "Phường ", "Thị trấn ")
_OLD_DISTRICTS = ("Huyện ", "Quận ", "Thị xã ", "Thành phố ")
_OLD_PROVINCES = ("Tỉnh ", "Thành phố ")


def contradictions(stated: Mapping[str, Any], today: date) -> dict[str, str]:
    """Return claim to reason: what cannot be as it is registered.

    stated: `birth_date`, `permanent_since`, `temporary_since` and `temporary_until`, as far as they are known. A birth
    date of which only the year is known is held against nothing.
    """
    found = {}
    born, since = stated.get("birth_date"), stated.get("permanent_since")
    if isinstance(born, date) and born > today:
        found["birth_date"] = "in_future"
    if isinstance(since, date):
        if since > today:
            found["permanent_since"] = "in_future"
        elif isinstance(born, date) and since < born:
            found["permanent_since"] = "before_birth"
    begins, ends = stated.get("temporary_since"), stated.get("temporary_until")
    if begins is not None and ends is not None and ends < begins:
        found["temporary_until"] = "before_start"
    return found


def beyond_the_law(stated: Mapping[str, Any], years: int) -> dict[str, str]:
    """Return claim to reason: a temporary residence that is registered for longer than `years` at a time.

    Source: Residence Law 68/2020/QH14, article 27(2).
    """
    begins, ends = stated.get("temporary_since"), stated.get("temporary_until")
    if begins is not None and ends is not None and ends > _years_later(begins, years):
        return {"temporary_until": "over_two_years"}
    return {}


def temporary_over(stated: Mapping[str, Any], today: date) -> bool:
    """Return whether a temporary residence has ended. Its last day belongs to it; what has no end has not ended."""
    ends = stated.get("temporary_until")
    return ends is not None and ends < today


def wrong_head(stated: Mapping[str, Any], numbers: frozenset[str]) -> dict[str, str]:
    """Return claim to reason: a household whose head nobody knows, or is somebody else than it says.

    numbers: of the person, former ones too. A head may be a minor or dead: the register says who it is until the family
    has another registered (docs/domain.md, section 8, case 13).
    """
    if not stated.get("household_head_name"):
        return {"household_head_name": "head_unknown"}
    head = stated.get("household_head_number")
    if head and (head in numbers) is not (stated.get("relation_to_head") == HEAD):
        return {"relation_to_head": "head_contradicted"}
    return {}


def is_adult(case: Case) -> bool:
    """Return whether the person is of age; whose birth date is not known is not."""
    born = case.fact("population", "birth_date")
    return born is not None and age_on(born, case.today) >= ADULT_AGE


def sees_household(case: Case) -> bool:
    """Return whether who applies is shown the whole household: adults their own, parents and guardians their ward's."""
    return case.capacity is Capacity.GUARDIAN or is_adult(case)


def old_commune(case: Case) -> str:
    """Return commune, district and province as they were called before 1 July 2025; "" where that is not known.

    Taken from the old address without the house and the lane, which are nobody's business in an answer about a commune.
    """
    parts = [part.strip() for part in case.fact("residence", "permanent_old_address", "").split(",")][-3:]
    kinds = (_OLD_COMMUNES, _OLD_DISTRICTS, _OLD_PROVINCES)
    if len(parts) == 3 and all(part.startswith(kind) for part, kind in zip(parts, kinds, strict=True)):
        return ", ".join(parts)
    return ""


def old_province(case: Case) -> str:
    """Return what the province was called before 1 July 2025, "" where it has the name still or that is not known."""
    name = old_commune(case).rpartition(", ")[2]
    return "" if name == case.fact("residence", "permanent_province") else name


def number_of(case: Case) -> str:
    """Return the number of whom it is about, as the population register has it now."""
    return str(case.fact("population", "number", case.number))


def temporary_place(case: Case) -> str:
    """Return the commune of the temporary residence with its province, as far as both are known; "" for none."""
    commune, province = (case.fact("residence", f"temporary_{name}", "") for name in ("commune", "province"))
    return f"{commune}, {province}" if commune and province else str(commune)


def _years_later(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + years, 3, 1)
    return day.replace(year=day.year + years)
