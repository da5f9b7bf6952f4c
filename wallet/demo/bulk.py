"""Many rows into one table at once, column by column: SQLAlchemy's own way looks at every row anew, and a nation has a
million of them."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, insert


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, each of which has a value for every column, in one call of the driver."""
    dialect = connection.dialect
    compiled = insert(table).compile(dialect=dialect)
    values: list[Any] = list(zip(*(_bound(column, rows, dialect) for column in table.columns), strict=True))
    if not compiled.positional:
        names = [column.name for column in table.columns]
        values = [dict(zip(names, row, strict=True)) for row in values]
    connection.exec_driver_sql(str(compiled), values)


def _bound(column: Column[Any], rows: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[Any]:
    """Return one column of the rows as the driver takes it."""
    values = list(map(itemgetter(column.name), rows))
    bind = column.type.dialect_impl(dialect).bind_processor(dialect)
    if bind is None:
        return values
    # Days and moments repeat themselves: each is turned once.
    turned = {value: bind(value) for value in set(values)}
    return [turned[value] for value in values]
