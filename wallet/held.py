"""What the tables hold about one person: told to them row by row, and what is left of it when they go.

Each room says of each of its tables, column by column, what the person is told and what is withheld (keys, hashes,
sealed bytes, who of the staff it was), and whether closing the account deletes the row, blanks some of it or keeps it.
A column that a room does not name is no part of either: a test asks about it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, Table, delete, func, select, update
from sqlalchemy.orm import Session

from wallet.db import Base

DatabaseSession = Session
"""What a room's `held.py` is handed: named here so that none of them names SQLAlchemy."""
MAX_ROWS = 10_000
"""Rows of one table that are told, the newest: an export has a size that can be stated."""

Told = dict[str, Any]
"""One row as its person reads it: JSON values only."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is about."""

    account_id: str
    holder_id: str


@dataclass(frozen=True, slots=True)
class Section:
    """What is held of one kind. code: of the catalogue's section `held`. complete: False where older rows were left
    out, of which there were more than MAX_ROWS."""

    code: str
    rows: list[Told]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class HeldTable:
    """One table of a room, and how its rows belong to a person.

    column: names the person, or a row of `parent`. by_account: whether it is the account's id or the holder's.
    ordered: the column of its time. told, withheld: every column is in one of them. blanked: what closing sets;
    deleted: whether it deletes the row instead.
    """

    model: type[Base]
    column: str
    told: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    by_account: bool = True
    parent: "HeldTable | None" = None
    ordered: str = "id"
    deleted: bool = False
    blanked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        return cast(Table, self.model.__table__)

    def of(self, person: Person) -> ColumnElement[bool]:
        """Return the condition that a row is about this person."""
        column = self.table.c[self.column]
        if self.parent is not None:
            return column.in_(select(self.parent.table.c.id).where(self.parent.of(person)))
        return column == (person.account_id if self.by_account else person.holder_id)


class HeldRoom(Protocol):
    """What each room with something about a person offers."""

    tables: tuple[HeldTable, ...]

    def export(self, person: Person) -> Iterator[Section]:
        """Return what is held, section by section."""
        ...

    def erase(self, person: Person) -> None:
        """Forget what can be forgotten, in the transaction of the account's closing."""
        ...


def rows_of(session: Session, held: HeldTable, person: Person, *more: str, **equal: Any) -> list[Mapping[str, Any]]:
    """Return a person's rows, oldest first; of more than MAX_ROWS the newest and one beyond.

    more: columns beside those that are told. equal: only rows that have these values.
    """
    table = held.table
    same = [table.c[name] == value for name, value in equal.items()]
    statement = select(*(table.c[name] for name in (*held.told, *more))).where(held.of(person), *same)
    statement = statement.order_by(table.c[held.ordered].desc()).limit(MAX_ROWS + 1)
    return [dict(row) for row in reversed(session.execute(statement).mappings().all())]


def section(session: Session, code: str, held: HeldTable, person: Person) -> Section:
    """Return one table as a section."""
    rows = rows_of(session, held, person)
    return Section(code, [told(row, held.told) for row in rows[-MAX_ROWS:]], len(rows) <= MAX_ROWS)


def told(row: Mapping[str, Any], names: Iterable[str]) -> Told:
    """Return the named columns of a row as JSON values; what is absent is left out."""
    return {name: _json(row[name]) for name in names if row[name] is not None}


def count_of(session: Session, held: HeldTable, person: Person, **equal: Any) -> int:
    """Return how many rows a person has."""
    same = [held.table.c[name] == value for name, value in equal.items()]
    return session.scalar(select(func.count()).select_from(held.table).where(held.of(person), *same)) or 0


def change(session: Session, held: HeldTable, person: Person, values: Mapping[str, Any], **equal: Any) -> int:
    """Set columns of those of a person's rows that have these values, and return how many they were."""
    same = [held.table.c[name] == value for name, value in equal.items()]
    result: Any = session.execute(update(held.table).where(held.of(person), *same).values(**values))
    return int(result.rowcount)


def drop(session: Session, held: HeldTable, person: Person, **equal: Any) -> None:
    """Delete those of a person's rows that have these values."""
    same = [held.table.c[name] == value for name, value in equal.items()]
    session.execute(delete(held.table).where(held.of(person), *same))


def forget(session: Session, tables: Iterable[HeldTable], person: Person) -> None:
    """Delete or blank a person's rows, table by table in the order given: children first."""
    session.flush()  # what this transaction added is forgotten with the rest
    for held in tables:
        if held.deleted:
            drop(session, held, person)
        elif held.blanked:
            change(session, held, person, held.blanked)
    session.expire_all()  # objects that were read before would still show it


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        raise TypeError("bytes are never told")
    return value
