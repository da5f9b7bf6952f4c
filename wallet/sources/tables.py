"""How an embedded register reads its tables: one or two selects by key, in a read-only session of the registers' own
database."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Select, String, Table, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from wallet.db import Database
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import Fact
from wallet.sources.models import FormerNumber

RETRY_AFTER_SECONDS = 5

_NUMBER = re.compile(r"[0-9]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=date.isoformat)

_aliases = cast(Table, FormerNumber.__table__)


def current_number() -> ColumnElement[str]:
    """The number asked for, or the one that replaced it. Former numbers point straight at the current one."""
    asked = bindparam("number", type_=String(12))
    replaced = select(_aliases.c.number).where(_aliases.c.former_number == asked).scalar_subquery()
    return func.coalesce(replaced, asked)


def rows_of(database: Database, register: str, statement: Select[Any], number: str) -> Sequence[Mapping[Any, Any]]:
    """Return the rows of one person, one at least. Raises NotFound("person_unknown"), Unavailable."""
    require_number(number)
    with reading(database, register) as connection:
        rows = connection.execute(statement, {"number": number}).mappings().all()
    if not rows:
        raise NotFound("person_unknown")
    return rows


def require_number(number: str) -> None:
    """Raise NotFound("person_unknown") unless this can be a person's number: 12 ASCII digits."""
    if not _NUMBER.fullmatch(number):
        raise NotFound("person_unknown")


@contextmanager
def reading(database: Database, register: str) -> Iterator[Connection]:
    """Open a connection that only reads. Raises Unavailable("source_unavailable") for whatever goes wrong in it."""
    try:
        with database.read() as session:
            yield session.connection()
    except (Unavailable, SQLAlchemyError) as error:
        raise Unavailable("source_unavailable", RETRY_AFTER_SECONDS, register=str(register)) from error


def birth(text: str) -> date | str:
    """Return the day of birth, or the text of the year where only that is known."""
    return date.fromisoformat(text) if len(text) == 10 else text


def only_known(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    """Return the facts without those that are None."""
    return cast(dict[str, Fact], {name: value for name, value in facts.items() if value is not None})


def record(row: Mapping[Any, Any], names: Iterable[str]) -> Mapping[str, Fact]:
    """Return these columns of a row as one record, without what is not known."""
    return {name: row[name] for name in names if row[name] is not None}


def packed(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return groups of records as the text of one column. Days become `YYYY-MM-DD`."""
    return _ENCODER.encode(groups)


def unpacked(text: str) -> Mapping[str, tuple[Mapping[str, Fact], ...]]:
    """Return what `packed` made: every text of the shape `YYYY-MM-DD` is a day, lists are tuples."""
    groups = cast(dict[str, list[dict[str, Any]]], json.loads(text))
    return {group: tuple(map(_record, records)) for group, records in groups.items()}


def _record(stored: dict[str, Any]) -> Mapping[str, Fact]:
    return {name: _fact(value) for name, value in stored.items()}


def _fact(value: Any) -> Fact:
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    return cast(Fact, value)
