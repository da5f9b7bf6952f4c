"""Everything that is stored, as text to hold one moment against another: what a refusal must leave as it is."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Table

from wallet.db import Base, Database

COUNTERS = {"audit_events", "used_once", "idempotency_keys", "publications", "guess_counts"}
GUESSING = frozenset({"failures", "passcode_failures", "blocked_until"})


def all_that_is_stored(database: Database, hidden: Collection[str] = GUESSING) -> dict[str, list[str]]:
    """Return the rows of every table but the audit record and counters, sorted. hidden: columns to leave out."""
    found: dict[str, list[str]] = {table.name: [] for table in _tables()}
    with database.read() as session:
        connection = session.connection()
        for name, row in connection.exec_driver_sql(_question(connection.dialect.name, frozenset(hidden))):
            found[name].append(row)
    return {name: sorted(rows) for name, rows in found.items()}


@contextmanager
def nothing_changes(read: Callable[[], dict[str, list[str]]]) -> Iterator[None]:
    """Hold what is stored before and after a block against each other."""
    before = read()
    assert sum(map(len, before.values())) > 20, "an empty state proves nothing"
    yield
    assert read() == before


@cache
def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in COUNTERS]


@cache
def _question(dialect: str, hidden: frozenset[str]) -> str:
    """Return one question for all rows, each as a text that the database makes: a run asks it eight thousand times."""

    def row(columns: list[str]) -> str:
        if dialect == "sqlite":
            return " || ',' || ".join(f'quote("{name}")' for name in columns)
        return "ROW({})::text".format(", ".join(f'"{name}"' for name in columns))

    shown = {table.name: [each.name for each in table.columns if each.name not in hidden] for table in _tables()}
    return " UNION ALL ".join(f"SELECT '{name}', {row(columns)} FROM \"{name}\"" for name, columns in shown.items())
