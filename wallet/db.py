"""Engine, sessions and the base of every table. SQLAlchemy is known here and above, nowhere below.

SQLite runs in WAL with synchronous=FULL: with NORMAL a power cut loses acknowledged rows. A writing
transaction begins with BEGIN IMMEDIATE, so that it never reads what it can no longer change.
"""

import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlakeyset import select_page
from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Delete,
    Dialect,
    Engine,
    MetaData,
    Select,
    Table,
    Update,
    and_,
    create_engine,
    event,
    false,
    make_url,
    or_,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from wallet.errors import ConfigurationError, Unavailable

BUSY_TIMEOUT_MS = 5000
POOL_TIMEOUT_SECONDS = 5
WRITERS = 8

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of the wallet's own tables."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC on both sides, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise TypeError("a naive datetime has no place in the database")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Queue:
    """Lets so many in at a time, in the order in which they came.

    A lock of `threading` goes to whoever asks at the right moment: under load some would wait for ever.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def enter(self, timeout: float) -> bool:
        """Wait for a place; return whether there was one within `timeout` seconds."""
        turn = threading.Event()
        with self._lock:
            if self._places:
                self._places -= 1
                return True
            self._waiting.append(turn)
        if turn.wait(timeout):
            return True
        with self._lock:
            if turn.is_set():  # it was handed over at the last moment
                return True
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Hand the place to whoever waits longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._places += 1


class Database:
    """One database: its engine, and the two ways into it.

    write() is one transaction that commits when the block ends and rolls back when it raises.
    read() sees committed data and writes nothing; on SQLite it never waits for a writer.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        reader = self.engine.execution_options(
            **({"wallet_read": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        )
        # Without autoflush: rows are written where a repository says so and at the end, many in one statement.
        self._write = sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._read = sessionmaker(reader, expire_on_commit=False, autoflush=False)
        # SQLite lets one writer in and makes the others poll, which is unfair: queue them here instead.
        # On PostgreSQL they leave half of the pool to readers: a writer that needs one before it ends (issuing
        # looks at the status board) would else wait for other writers, and they for it.
        self._writers = _Queue(1 if self.is_sqlite else WRITERS)

    @property
    def is_absent(self) -> bool:
        """Whether it is a file that is not there; whoever opens it makes an empty one."""
        return self.is_sqlite and not Path(self.url.database or "").exists()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open one transaction; it ends with this block. Edges reach it as `Wallet.work()` in `wallet/wiring/`.

        Raises Unavailable when the database does not answer.
        """
        with translated_errors(), self._queue(), self._write.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading only. Raises Unavailable when the database does not answer."""
        with translated_errors(), self._read() as session:
            yield session

    @contextmanager
    def _queue(self) -> Iterator[None]:
        if not self._writers.enter(BUSY_TIMEOUT_MS / 1000):
            raise Unavailable("dependency_unavailable")
        try:
            yield
        finally:
            self._writers.leave()

    def assert_durable(self) -> None:
        """Refuse a database that would lose what it acknowledged. Raises ConfigurationError, Unavailable."""
        with self.read() as session:
            if self.is_sqlite:
                found = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
                if found != {"journal_mode": "wal", "synchronous": 2}:
                    raise ConfigurationError(
                        f"SQLite is not in WAL with synchronous=FULL: {found}", mend="wallet doctor"
                    )
                return
            for name in ("fsync", "synchronous_commit"):
                if session.scalar(text(f"SHOW {name}")) == "off":
                    raise ConfigurationError(f"PostgreSQL runs with {name}=off", mend="wallet doctor")

    def close(self) -> None:
        self.engine.dispose()


def alone(connection: Connection, what: str) -> None:
    """Let one transaction at a time do this, on whatever host; the others wait until it has ended.

    It ends when the database has ended it: what a process had sent before it was killed is carried out after its death.
    On SQLite a transaction that writes is alone anyway, and ends with its process.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})


def table_of(row: type[Base]) -> Table:
    """Return the table behind a class of rows, for statements that run often and need no object."""
    table = row.__table__
    if not isinstance(table, Table):
        raise TypeError("a class of rows stands on one table")
    return table


def insert_into(session: Session, table: type[Base]) -> Any:
    """Return an INSERT that knows ON CONFLICT, which each database spells for itself."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)


def insert_if_absent(session: Session, table: type[Base], values: dict[str, Any]) -> bool:
    """Insert a row unless its key is taken; return whether this call did. A race has exactly one winner."""
    # RETURNING rather than a row count: drivers disagree on the count of an insert that did nothing.
    key = next(iter(table.__table__.primary_key))
    statement = insert_into(session, table).values(values).on_conflict_do_nothing().returning(key)
    return session.execute(statement).first() is not None


def keyset_page(
    session: Session, statement: Select[Any], limit: int, place: str | None
) -> tuple[list[Any], str | None]:
    """Return one page of an ordered select of one entity, and the place where the next one starts (None at the end)."""
    page: Any = select_page(session, statement, per_page=limit, page=place)
    return [row[0] for row in page], page.paging.bookmark_next if page.paging.has_next else None


def on_desks(
    agency: InstrumentedAttribute[str], province: InstrumentedAttribute[str], desks: Collection[tuple[str, str | None]]
) -> ColumnElement[bool]:
    """Return the condition that a row lies on one of these desks.

    desks: an agency each, with a province of it or None for the whole country.
    """
    each = [agency == code if place is None else and_(agency == code, province == place) for code, place in desks]
    return or_(false(), *each)


def rows_changed(session: Session, statement: Update | Delete) -> int:
    """Carry out an UPDATE or DELETE and return how many rows it touched: of many that race, one sees 1."""
    result: Any = session.execute(statement.execution_options(synchronize_session="fetch"))
    return int(result.rowcount)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's failure into Unavailable; its text stays in the chained exception, for the log."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("dependency_unavailable") from error
    except DBAPIError as error:
        if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError"):
            full = "full" in str(error.orig) or "No space" in str(error.orig)
            raise Unavailable("storage_unavailable" if full else "dependency_unavailable") from error
        raise


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,  # a driver's error goes into the log; names and numbers do not
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is erased leaves the file too; most builds of SQLite only mark it as free.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        read_only = connection.get_execution_options().get("wallet_read", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgres_engine(url: str) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=WRITERS,
        max_overflow=WRITERS,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        # A server that is gone is told in a second or two, not in the minutes that TCP waits by itself (S-24).
        connect_args={"connect_timeout": 2, "tcp_user_timeout": 1000, "keepalives_idle": 5, "keepalives_interval": 1},
    )
