"""The residence register as tables of this deployment."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from sqlalchemy import String, Table, bindparam, select

from wallet.db import Database
from wallet.errors import NotFound
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.models import Citizen, FormerResidence, Household, Residence
from wallet.sources.tables import birth, current_number, only_known, reading, record, require_number

HEAD = "Chủ hộ"
PERMANENT = "permanent"
TEMPORARY = "temporary"

_HISTORY_FROM_AGE = 14
_PLAIN = (
    "permanent_commune", "permanent_commune_code", "permanent_province", "permanent_province_code", "permanent_since",
    "permanent_old_address", "temporary_commune", "temporary_commune_code", "temporary_province",
    "temporary_province_code", "temporary_since", "temporary_until", "current_commune", "current_commune_code",
    "current_province", "current_province_code",
)  # fmt: skip
"""Facts that are columns of the same name."""

# Tables, not mapped classes: rows are all that is wanted, and half the time of a question would go into the mapping.
_citizens = cast(Table, Citizen.__table__)
_residences = cast(Table, Residence.__table__)
_households = cast(Table, Household.__table__)
_former = cast(Table, FormerResidence.__table__)
_head = _citizens.alias("head")

_RESIDENCE = (
    select(
        *_residences.columns,
        _households.c.head_number,
        _households.c.updated_at.label("household_updated_at"),
        _head.c.full_name.label("head_name"),
        _citizens.c.birth_date,
    )
    .join(_households, _households.c.id == _residences.c.household_id)
    .join(_citizens, _citizens.c.number == _residences.c.number)
    .outerjoin(_head, _head.c.number == _households.c.head_number)
    .where(_residences.c.number == current_number())
)
_MEMBERS = (
    select(
        *(_citizens.c[name] for name in ("number", "full_name", "birth_date", "sex", "updated_at")),
        _residences.c.relation,
        _residences.c.updated_at.label("registered_at"),
    )
    .join(_residences, _residences.c.number == _citizens.c.number)
    .where(_residences.c.household_id == bindparam("household_id", type_=String(16)))
)
_EARLIER = select(_former).where(_former.c.number == current_number()).order_by(_former.c.from_day)


class EmbeddedResidence:
    """The residence register (Cơ sở dữ liệu về cư trú)."""

    code = RegisterCode.RESIDENCE

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return where the person is registered and with whom. Facts that are not known are left out.

        household_members names everyone in the household, the person and the head included, the head first.
        residence_history: every registered place since the person turned 14, the oldest first; the one that still
        holds has no to_day.
        as_of: when the household, one of its members or who is named there was last changed.
        number: 12 digits, current or former. Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        require_number(number)
        with reading(self._database, self.code) as connection:
            row = connection.execute(_RESIDENCE, {"number": number}).mappings().one_or_none()
            if row is None:
                raise NotFound("person_unknown")
            members = connection.execute(_MEMBERS, {"household_id": row["household_id"]}).mappings().all()
            earlier = connection.execute(_EARLIER, {"number": number}).mappings().all()
        known: dict[str, Fact | None] = {
            **{name: row[name] for name in _PLAIN},
            "permanent_address": _address(row, "permanent"),
            "temporary_address": _address(row, "temporary"),
            "current_address": _address(row, "current"),
            "household_head_name": row["head_name"],
            "household_head_number": row["head_number"],
            "relation_to_head": row["relation"],
            "household_members": tuple(_member(each) for each in sorted(members, key=_member_order)),
            "residence_history": _history(row, [record(each, _FORMER_NAMES) for each in earlier]) or None,
        }
        days = (day for each in members for day in (each["updated_at"], each["registered_at"]))
        return Facts(self.code, only_known(known), max(row["household_updated_at"], *days))


_FORMER_NAMES = ("from_day", "to_day", "address", "kind")


def _address(row: Mapping[Any, Any], kind: str) -> str | None:
    parts = (row[f"{kind}_line"], row[f"{kind}_commune"], row[f"{kind}_province"])
    return ", ".join(part for part in parts if part) or None


def _history(row: Mapping[Any, Any], places: list[Mapping[str, Fact]]) -> tuple[Mapping[str, Fact], ...]:
    for kind in (PERMANENT, TEMPORARY):
        address, since = _address(row, kind), row[f"{kind}_since"]
        if address and since:
            places.append({"from_day": since, "address": address, "kind": kind})
    begins = _fourteenth_year(row["birth_date"])
    return tuple(
        {**place, "from_day": max(cast(date, place["from_day"]), begins)}
        for place in sorted(places, key=lambda place: cast(date, place["from_day"]))
        if cast(date, place.get("to_day", date.max)) > begins
    )


def _fourteenth_year(born: str) -> date:
    """Return the day somebody turned 14; where only the year is known, the first day of that year."""
    year = int(born[:4]) + _HISTORY_FROM_AGE
    month, day = (int(born[5:7]), int(born[8:])) if len(born) == 10 else (1, 1)
    return date(year, 3, 1) if (month, day) == (2, 29) and year % 4 else date(year, month, day)


def _member_order(row: Mapping[Any, Any]) -> tuple[bool, str, str]:
    return (row["relation"] != HEAD, row["birth_date"], row["number"])


def _member(row: Mapping[Any, Any]) -> Mapping[str, Fact]:
    return {
        "full_name": row["full_name"],
        "birth_date": birth(row["birth_date"]),
        "sex": row["sex"],
        "relation": row["relation"],
        "number_last4": row["number"][-4:],
    }
