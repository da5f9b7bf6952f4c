"""The registers as tables of this deployment: what a demo and a test read instead of a partner's API.

Each question is one or two selects by key, in a read-only session of the registers' own database.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, String, Table, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from wallet.db import Database
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import Fact, Facts, RegisterCode
from wallet.sources.models import Citizen, FormerNumber, Household, Residence

RETRY_AFTER_SECONDS = 5
HEAD = "Chủ hộ"

_NUMBER = re.compile(r"[0-9]{12}")

# Tables, not mapped classes: rows are all that is wanted, and half the time of a question would go into the mapping.
_citizens = cast(Table, Citizen.__table__)
_aliases = cast(Table, FormerNumber.__table__)
_residences = cast(Table, Residence.__table__)
_households = cast(Table, Household.__table__)
_former = _aliases.alias("former")
_head = _citizens.alias("head")


def _current_number() -> ColumnElement[str]:
    """The number asked for, or the one that replaced it. Former numbers point straight at the current one."""
    asked = bindparam("number", type_=String(12))
    replaced = select(_aliases.c.number).where(_aliases.c.former_number == asked).scalar_subquery()
    return func.coalesce(replaced, asked)


_PERSON = (
    select(*_citizens.columns, _former.c.former_number)
    .outerjoin(_former, _former.c.number == _citizens.c.number)
    .where(_citizens.c.number == _current_number())
    .order_by(_former.c.former_number)
)
_RESIDENCE = (
    select(*_residences.columns, _households.c.head_number, _head.c.full_name.label("head_name"))
    .join(_households, _households.c.id == _residences.c.household_id)
    .outerjoin(_head, _head.c.number == _households.c.head_number)
    .where(_residences.c.number == _current_number())
)
_MEMBERS = (
    select(*(_citizens.c[name] for name in ("number", "full_name", "birth_date", "sex")), _residences.c.relation)
    .join(_residences, _residences.c.number == _citizens.c.number)
    .where(_residences.c.household_id == bindparam("household_id", type_=String(16)))
)


class EmbeddedPopulation:
    """The population register (Cơ sở dữ liệu quốc gia về dân cư)."""

    code = RegisterCode.POPULATION

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return who the person is. Facts that are not known are left out.

        number: 12 digits, current or former. Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        _require_number(number)
        with _reading(self._database) as connection:
            rows = connection.execute(_PERSON, {"number": number}).mappings().all()
        if not rows:
            raise NotFound("person_unknown")
        row = rows[0]
        known: dict[str, Fact | None] = {
            "number": row["number"],
            "former_numbers": tuple(each["former_number"] for each in rows if each["former_number"]) or None,
            "full_name": row["full_name"],
            "family_name": row["family_name"],
            "middle_name": row["middle_name"],
            "given_name": row["given_name"],
            "birth_date": _birth(row["birth_date"]),
            "sex": row["sex"],
            "nationality": row["nationality"],
            "ethnicity": row["ethnicity"],
            "religion": row["religion"],
            "native_place": row["native_place"],
            "birth_registration_place": row["birth_registration_place"],
            "alive": row["state"] == "alive",
            "card_expires": row["card_expires"],
        }
        return Facts(self.code, _only_known(known), row["updated_at"])


class EmbeddedResidence:
    """The residence register (Cơ sở dữ liệu về cư trú)."""

    code = RegisterCode.RESIDENCE

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return where the person is registered and with whom. Facts that are not known are left out.

        household_members names everyone in the household, the person and the head included, the head first.
        number: 12 digits, current or former. Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        _require_number(number)
        with _reading(self._database) as connection:
            row = connection.execute(_RESIDENCE, {"number": number}).mappings().one_or_none()
            if row is None:
                raise NotFound("person_unknown")
            members = connection.execute(_MEMBERS, {"household_id": row["household_id"]}).mappings().all()
        known: dict[str, Fact | None] = {
            "permanent_address": _address(row, "permanent"),
            "permanent_commune": row["permanent_commune"],
            "permanent_commune_code": row["permanent_commune_code"],
            "permanent_province": row["permanent_province"],
            "permanent_province_code": row["permanent_province_code"],
            "permanent_since": row["permanent_since"],
            "temporary_address": _address(row, "temporary"),
            "temporary_commune": row["temporary_commune"],
            "temporary_since": row["temporary_since"],
            "temporary_until": row["temporary_until"],
            "current_address": _address(row, "current"),
            "current_commune": row["current_commune"],
            "current_province": row["current_province"],
            "household_head_name": row["head_name"],
            "household_head_number": row["head_number"],
            "relation_to_head": row["relation"],
            "household_members": tuple(_member(each) for each in sorted(members, key=_member_order)),
        }
        return Facts(self.code, _only_known(known), row["updated_at"])


def _require_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise NotFound("person_unknown")


@contextmanager
def _reading(database: Database) -> Iterator[Connection]:
    try:
        with database.read() as session:
            yield session.connection()
    except (Unavailable, SQLAlchemyError) as error:
        raise Unavailable("source_unavailable", RETRY_AFTER_SECONDS) from error


def _birth(text: str) -> date | str:
    return date.fromisoformat(text) if len(text) == 10 else text


def _address(row: Mapping[Any, Any], kind: str) -> str | None:
    parts = (row[f"{kind}_line"], row[f"{kind}_commune"], row[f"{kind}_province"])
    return ", ".join(part for part in parts if part) or None


def _member_order(row: Mapping[Any, Any]) -> tuple[bool, str, str]:
    return (row["relation"] != HEAD, row["birth_date"], row["number"])


def _member(row: Mapping[Any, Any]) -> Mapping[str, Fact]:
    return {
        "full_name": row["full_name"],
        "birth_date": _birth(row["birth_date"]),
        "sex": row["sex"],
        "relation": row["relation"],
        "number_last4": row["number"][-4:],
    }


def _only_known(facts: Mapping[str, Fact | None]) -> Mapping[str, Fact]:
    return cast(Mapping[str, Fact], {name: value for name, value in facts.items() if value is not None})
