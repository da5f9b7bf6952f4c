"""Databases of PostgreSQL for tests: one of a test's own, and one that is lent to one test after another.

To make and to drop a database costs ten times what most tests do in it. A `Lender` keeps one, and puts it back to what
it was when a test has ended; what cannot be put back (another table, a closed door) is dropped and made anew.

What a test leaves behind cannot reach the next one: each gets the database under a name of its own, so that whoever
still holds the old address (a thread, a process) finds no database there.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import make_url

PATIENCE = 5.0
"""Seconds that whoever is still connected gets to leave by themselves."""

CATALOGS = (
    "pg_class",
    "pg_attribute",
    "pg_attrdef",
    "pg_constraint",
    "pg_index",
    "pg_trigger",
    "pg_proc",
    "pg_type",
    "pg_enum",
    "pg_namespace",
    "pg_extension",
)
"""What changes when anything but rows does."""

Row = tuple[Any, ...]


def connected(url: str) -> psycopg.Connection:
    """Connect to the database at an address as SQLAlchemy takes it; each statement is a transaction."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def somebody_waits(url: str) -> None:
    """Return once somebody waits for a lock in the database at an address; at once where it is not PostgreSQL's."""
    if not url.startswith("postgresql"):
        return
    waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = %s"
    with closing(connected(url)) as connection:
        until = time.monotonic() + 60
        while connection.execute(waiting, [make_url(url).database]).fetchone() == (0,):
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.005)


class Server:
    """A server of PostgreSQL, whose user may make databases there."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._admin = connected(url)

    def url_of(self, name: str) -> str:
        """Return the address of one of its databases, as SQLAlchemy takes it."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, template: str = "template0") -> str:
        """Make a database and return its name. To template0 nobody can be connected; another may have to be left."""
        name = f"viso_{uuid4().hex}"
        self._admin.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        self._admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Make a database for the length of a block; give its address."""
        name = self.create(template)
        try:
            yield self.url_of(name)
        finally:
            self.drop(name)

    def is_superuser(self) -> bool:
        row = self._admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        return bool(row and row[0])

    def renamed(self, name: str) -> str:
        """Give a database a new name once nobody is connected to it any more, and return it."""
        self._clear(name)
        new = f"viso_{uuid4().hex}"
        self._admin.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(new)))
        return new

    def _clear(self, name: str) -> None:
        connected = "FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        for attempt in range(round(PATIENCE * 1000)):
            row = self._admin.execute(f"SELECT count(*) {connected}", (name,)).fetchone()
            if row == (0,):
                return
            if attempt % 100 == 10:  # they were told to leave; who is still there was forgotten by its test
                self._admin.execute(f"SELECT pg_terminate_backend(pid) {connected}", (name,))
            time.sleep(0.001)
        raise TimeoutError(f"somebody stays connected to {name}")

    def close(self) -> None:
        self._admin.close()


@dataclass(frozen=True)
class Copy:
    """What a database holds: rows by table in COPY's own form, sequences, the state of its catalogs."""

    rows: dict[str, bytes]
    counts: dict[str, int]
    sequences: dict[str, Row]
    catalogs: list[Row]
    xid: int


class Lender:
    """Lends one database, a copy of a template, to one user at a time. made: how many it had to make so far."""

    def __init__(self, server: Server, template: str = "template0") -> None:
        """Lend copies of `template`, the name of a database to which nobody is connected: an empty one unless told."""
        self._server = server
        self._template = template
        # Without the right to set foreign keys aside every user gets a database that is made for them.
        self._restores = server.is_superuser()
        self._name = ""
        self._copy: Copy | None = None
        self._xid = 0
        self._is_lent = False
        self.made = 0

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Lend the database for the length of a block, as the template has it; give its address."""
        assert not self._is_lent, "two would share one database"
        if not self._name:
            self._make()
        self._is_lent = True
        try:
            yield self._server.url_of(self._name)
        finally:
            self._is_lent = False
            self._take_back()

    def _make(self) -> None:
        self._name = self._server.create(self._template)
        self.made += 1
        if self._restores:
            with closing(connected(self._server.url_of(self._name))) as connection:
                self._copy = _copy_of(connection)
                self._xid = self._copy.xid

    def _take_back(self) -> None:
        try:
            if self._copy is not None:
                self._name = self._server.renamed(self._name)
                with closing(connected(self._server.url_of(self._name))) as connection:
                    if self._restored(connection, self._copy):
                        return
        except psycopg.Error:
            pass  # its door is closed, or what was left in it is no longer what was copied: there is another one
        self._discard()

    def _discard(self) -> None:
        self._server.drop(self._name)
        self._name, self._copy = "", None

    def _restored(self, connection: psycopg.Connection, copy: Copy) -> bool:
        """Put every row and every sequence back; return whether that was enough."""
        if _catalogs(connection, copy.xid) != copy.catalogs:
            # Where there was no table, whatever is there goes; where there were some, a new copy is cheaper.
            return not copy.rows and _is_empty_again(connection, copy)
        changed = [name for name, is_as_it_was in _compared(connection, copy, self._xid) if not is_as_it_was]
        if changed:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")  # order and keys: as they were
                for name in changed:
                    connection.execute(SQL("DELETE FROM {}").format(Identifier(name)))
                    _put(connection, name, copy.rows[name])
                self._xid = _xid(connection)
        for name, (last, is_called) in copy.sequences.items():
            connection.execute("SELECT setval(%s::regclass, %s, %s)", (name, last, is_called))
        return True

    def close(self) -> None:
        if self._name:
            self._discard()


def _copy_of(connection: psycopg.Connection) -> Copy:
    # An id of a transaction from before this one marks what is there now: whatever is younger is somebody else's.
    xid = _xid(connection)
    tables = _names(connection, "r")
    rows = {name: _taken(connection, name) for name in tables}
    counts = {name: _one(connection, SQL("SELECT count(*) FROM {}").format(Identifier(name))) for name in tables}
    sequences = {name: _sequence(connection, name) for name in _names(connection, "S")}
    return Copy(rows, counts, sequences, _catalogs(connection, xid), xid)


def _is_empty_again(connection: psycopg.Connection, copy: Copy) -> bool:
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
    return [count for count, _ in _catalogs(connection, copy.xid)] == [count for count, _ in copy.catalogs]


def _names(connection: psycopg.Connection, kind: str) -> list[str]:
    statement = "SELECT relname FROM pg_class WHERE relkind = %s AND relnamespace = 'public'::regnamespace"
    return [name for (name,) in connection.execute(statement, (kind,))]


def _compared(connection: psycopg.Connection, copy: Copy, xid: int) -> list[tuple[str, bool]]:
    """Tell of each table whether it is as it was: as many rows, and none written after the transaction `xid`."""
    part = "SELECT {}, (SELECT count(*) = {} AND coalesce(min(age(xmin)) >= age({}::text::xid), true) FROM {})"
    parts = [
        SQL(part).format(Literal(name), Literal(count), Literal(str(xid)), Identifier(name))
        for name, count in copy.counts.items()
    ]
    return connection.execute(SQL(" UNION ALL ").join(parts)).fetchall() if parts else []


def _catalogs(connection: psycopg.Connection, xid: int) -> list[Row]:
    """Tell of each catalog how many rows it has, and how many are younger than the transaction `xid`."""
    part = "SELECT count(*), count(*) FILTER (WHERE age(xmin) < age({}::text::xid)) FROM pg_catalog.{}"
    parts = [SQL(part).format(Literal(str(xid)), Identifier(name)) for name in CATALOGS]
    own = SQL("SELECT count(*), 0 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase ") + SQL(
        "WHERE d.datname = current_database()"
    )
    return connection.execute(SQL(" UNION ALL ").join([*parts, own])).fetchall()


def _sequence(connection: psycopg.Connection, name: str) -> Row:
    row = connection.execute(SQL("SELECT last_value, is_called FROM {}").format(Identifier(name))).fetchone()
    assert row is not None
    return tuple(row)


def _taken(connection: psycopg.Connection, name: str) -> bytes:
    statement = SQL("COPY {} TO STDOUT (FORMAT binary)").format(Identifier(name))
    with connection.cursor() as cursor, cursor.copy(statement) as copied:
        return b"".join(bytes(part) for part in copied)


def _put(connection: psycopg.Connection, name: str, rows: bytes) -> None:
    statement = SQL("COPY {} FROM STDIN (FORMAT binary)").format(Identifier(name))
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        copying.write(rows)


def _xid(connection: psycopg.Connection) -> int:
    return int(_one(connection, SQL("SELECT pg_current_xact_id()::xid::text")))


def _one(connection: psycopg.Connection, statement: Any) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]
