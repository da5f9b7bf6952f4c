"""The registers as tables of this deployment: what a demo and a test read instead of a partner's API.

Each question is one or two selects by key, in a read-only session of the registers' own database.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Select, String, Table, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from wallet.db import Database
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import Fact, Facts, Register, RegisterCode
from wallet.sources.models import (
    Biometric,
    Business,
    Citizen,
    FormerNumber,
    Household,
    Permit,
    Residence,
    Subscription,
)

RETRY_AFTER_SECONDS = 5
HEAD = "Chủ hộ"

_NUMBER = re.compile(r"[0-9]{12}")
_CMND = re.compile(r"[0-9]{9}")
_ENTERPRISE = re.compile(r"[0-9]{10}(-[0-9]{3})?")

# Tables, not mapped classes: rows are all that is wanted, and half the time of a question would go into the mapping.
_citizens = cast(Table, Citizen.__table__)
_aliases = cast(Table, FormerNumber.__table__)
_residences = cast(Table, Residence.__table__)
_households = cast(Table, Household.__table__)
_subscriptions = cast(Table, Subscription.__table__)
_biometrics = cast(Table, Biometric.__table__)
_permits = cast(Table, Permit.__table__)
_businesses = cast(Table, Business.__table__)
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
_BY_CMND = select(_citizens.c.number).where(_citizens.c.cmnd == bindparam("cmnd", type_=String(9))).limit(2)
_PHONES = select(_subscriptions).where(_subscriptions.c.number == _current_number()).order_by(_subscriptions.c.phone)
_TEMPLATES = select(_biometrics).where(_biometrics.c.number == _current_number())
_PERMIT = select(_permits).where(_permits.c.number == _current_number())
_BUSINESS = select(_businesses).where(_businesses.c.enterprise_code == bindparam("code", type_=String(20)))
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

        number: 12 digits, current or former; or the 9 digits of a former card (CMND) that no two people share.
        Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        by_card = bool(_CMND.fullmatch(number))
        if not by_card:
            _require_number(number)
        with reading(self._database) as connection:
            if by_card:
                known_by = connection.execute(_BY_CMND, {"cmnd": number}).scalars().all()
                number = known_by[0] if len(known_by) == 1 else ""
            rows = connection.execute(_PERSON, {"number": number}).mappings().all()
        if not rows:
            raise NotFound("person_unknown")
        row = rows[0]
        known: dict[str, Fact | None] = {
            "number": row["number"],
            "cmnd": row["cmnd"],
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
            "father_number": row["father_number"],
            "mother_number": row["mother_number"],
            "guardian_number": row["guardian_number"],
            "alive": row["state"] == "alive",
            "died_on": row["died_on"],
            "card_issued": row["card_issued"],
            "card_expires": row["card_expires"],
        }
        return Facts(self.code, only_known(known), row["updated_at"])


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
        with reading(self._database) as connection:
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
        return Facts(self.code, only_known(known), row["updated_at"])


class EmbeddedSubscribers:
    """The operators' registers of subscribers, as one."""

    code = RegisterCode.SUBSCRIBERS

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return the fact `phones`: every mobile number in the person's own name, in E.164.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        rows = rows_of(self._database, _PHONES, number)
        return Facts(self.code, {"phones": tuple(row["phone"] for row in rows)}, max(row["updated_at"] for row in rows))


class EmbeddedBiometrics:
    """The reference templates of the identity database (Cơ sở dữ liệu căn cước)."""

    code = RegisterCode.BIOMETRICS

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return the facts `face` and `finger`, as bytes that the matcher understands.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        row = rows_of(self._database, _TEMPLATES, number)[0]
        return Facts(self.code, {"face": row["face"], "finger": row["finger"]}, row["updated_at"])


class EmbeddedImmigration:
    """The immigration register (Cơ sở dữ liệu về xuất nhập cảnh), of foreigners who reside here."""

    code = RegisterCode.IMMIGRATION
    _NAMES = ("permit_number", "permit_expires", "passport_number", "passport_expires", "biometrics_on_file")

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return passport and residence permit. permit_kind: `permanent` or `temporary`.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        row = rows_of(self._database, _PERMIT, number)[0]
        known: dict[str, Fact] = {name: row[name] for name in self._NAMES}
        return Facts(self.code, known | {"permit_kind": row["kind"]}, row["updated_at"])


class EmbeddedBusinesses:
    """The business register (Cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp)."""

    code = RegisterCode.BUSINESSES
    _NAMES = (
        "enterprise_code",
        "tax_code",
        "name",
        "head_office",
        "founded_on",
        "representative_number",
        "state",
    )

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str) -> Facts:
        """Return what is registered of an enterprise.

        number: the enterprise's code, 10 digits, with `-` and 3 more for a branch. Raises NotFound("person_unknown")
        for none, Unavailable("source_unavailable").
        """
        if not _ENTERPRISE.fullmatch(number):
            raise NotFound("person_unknown")
        with reading(self._database) as connection:
            row = connection.execute(_BUSINESS, {"code": number}).mappings().one_or_none()
        if row is None:
            raise NotFound("person_unknown")
        return Facts(self.code, {name: row[name] for name in self._NAMES}, row["updated_at"])


def embedded_registers(database: Database) -> dict[str, Register]:
    """Return every register that is a table of this deployment."""
    registers: tuple[Register, ...] = (
        EmbeddedPopulation(database),
        EmbeddedResidence(database),
        EmbeddedSubscribers(database),
        EmbeddedBiometrics(database),
        EmbeddedImmigration(database),
        EmbeddedBusinesses(database),
    )
    return {register.code: register for register in registers}


def rows_of(database: Database, statement: Select[Any], number: str) -> Sequence[Mapping[Any, Any]]:
    """Return the rows of one person, one at least. Raises NotFound("person_unknown"), Unavailable."""
    _require_number(number)
    with reading(database) as connection:
        rows = connection.execute(statement, {"number": number}).mappings().all()
    if not rows:
        raise NotFound("person_unknown")
    return rows


def _require_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise NotFound("person_unknown")


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
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


def only_known(facts: Mapping[str, Fact | None]) -> Mapping[str, Fact]:
    return cast(Mapping[str, Fact], {name: value for name, value in facts.items() if value is not None})
