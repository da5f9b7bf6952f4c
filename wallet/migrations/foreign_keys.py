"""SQLite changes a table by making a new one: meanwhile its foreign keys must not fire."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from wallet.errors import ConfigurationError


@contextmanager
def held_back(connection: Connection) -> Iterator[None]:
    """Suspend foreign keys around a transaction, and look afterwards that every one of them holds.

    Source: SQLite, "Making Other Kinds Of Table Schema Changes" (sqlite.org/lang_altertable.html), steps 1, 10, 12.
    Raises ConfigurationError when a row points at nothing.
    """
    raw = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or raw is None:
        yield
        return
    # Not through the connection: it would begin a transaction first, and inside one the pragma does nothing.
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        dangling = {row[0] for row in raw.execute("PRAGMA foreign_key_check")}
    finally:
        raw.execute("PRAGMA foreign_keys=ON")
    if dangling:
        raise ConfigurationError(f"rows point at nothing: {', '.join(sorted(dangling))}", mend="wallet doctor")
