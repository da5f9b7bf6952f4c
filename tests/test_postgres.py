"""One database is lent to test after test: none may find anything there that another has left."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url, select

from tests.conftest import Template
from tests.phone import CitizenPhone
from tests.postgres import Lender, Server, connected
from wallet.db import Base, Database
from wallet.wiring import Wallet

Content = dict[str, object]


@pytest.fixture
def server(postgres_server: Server) -> Server:
    return postgres_server


@pytest.fixture
def lender(server: Server, postgres_template: Template) -> Iterator[Lender]:
    """A lender of this test's own, of the template that `deployment` is lent from."""
    with closing(Lender(server, name_of(postgres_template))) as lender:
        yield lender


@pytest.fixture
def wanted(server: Server, postgres_template: Template) -> Content:
    content = content_of(postgres_template.wallet_url)
    assert len(content) > 40
    assert sum(bool(rows) for rows in content.values()) > 20, "empty tables prove nothing"
    return content


def name_of(template: Template) -> str:
    return str(make_url(template.wallet_url).database)


def content_of(url: str) -> Content:
    """Return every row of every table, the state of every sequence, and how each table is made."""
    with closing(connected(url)) as connection:
        found: Content = {}
        for table in names(connection, "r"):
            found[table] = sorted(map(repr, connection.execute(SQL("SELECT * FROM {}").format(Identifier(table)))))
        for sequence in names(connection, "S"):
            statement = SQL("SELECT last_value, is_called FROM {}").format(Identifier(sequence))
            found[sequence] = connection.execute(statement).fetchall()
        made = "SELECT attrelid::regclass::text, attname, atttypid, attnotnull FROM pg_attribute WHERE attnum > 0"
        found["(columns)"] = sorted(map(repr, connection.execute(made)))
        return found


def names(connection: psycopg.Connection, kind: str) -> list[str]:
    statement = "SELECT relname FROM pg_class WHERE relkind = %s AND relnamespace = 'public'::regnamespace"
    return [name for (name,) in connection.execute(statement, (kind,))]


def rows_deleted(connection: psycopg.Connection) -> int:
    return sum(
        connection.execute(SQL("DELETE FROM {}").format(Identifier(table))).rowcount > 0
        for table in names(connection, "r")
    )


def rows_changed(connection: psycopg.Connection) -> int:
    """Write into the first text of every row; the numbers of rows stay."""
    text = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND atttypid = ANY(%s)"
    types = [25, 1043]  # text, varchar
    changed = 0
    for table in names(connection, "r"):
        column = connection.execute(text, (table, types)).fetchone()
        if column is not None:
            parts = {"table": Identifier(table), "column": Identifier(column[0])}
            statement = SQL("UPDATE {table} SET {column} = left({column}, 3) || chr(128 + (random() * 99)::int)")
            with suppress(psycopg.errors.IntegrityError, psycopg.errors.DataError):
                changed += connection.execute(statement.format(**parts)).rowcount > 0
    return changed


def sequences_moved(connection: psycopg.Connection) -> int:
    for sequence in names(connection, "S"):
        connection.execute("SELECT nextval(%s::regclass)", (sequence,))
    return 20 * len(names(connection, "S"))


@pytest.mark.parametrize("change", [rows_deleted, rows_changed, sequences_moved])
def test_what_was_changed_is_as_it_was_for_the_next(
    server: Server, lender: Lender, wanted: Content, change: Callable[[psycopg.Connection], int]
) -> None:
    for _ in range(2):
        with lender.lend() as url, closing(connected(url)) as connection:
            assert content_of(url) == wanted
            connection.execute("SET session_replication_role = replica")
            assert change(connection) >= 15
            assert content_of(url) != wanted
    with lender.lend() as url:
        assert content_of(url) == wanted
    assert lender.made == 1, "it was put back, not made anew"


def test_work_that_was_not_finished_is_undone_and_its_door_is_gone(
    server: Server, lender: Lender, wanted: Content
) -> None:
    with lender.lend() as old:
        forgotten = connected(old)
        forgotten.autocommit = False
        forgotten.execute("DELETE FROM documents")
        forgotten.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
    with lender.lend() as url:
        with pytest.raises(psycopg.OperationalError):
            forgotten.commit()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            connected(old)
        assert content_of(url) == wanted
    assert lender.made == 1
    forgotten.close()


REMADE: tuple[LiteralString, ...] = (
    "CREATE TABLE left_behind (id int)",
    "ALTER TABLE accounts ADD left_behind int",
    "ALTER TABLE devices ALTER account_id DROP NOT NULL",
    "CREATE FUNCTION left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "TRUNCATE used_once",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
)


def test_what_cannot_be_put_back_is_made_anew(lender: Lender, wanted: Content, subtests: pytest.Subtests) -> None:
    for made, statement in enumerate(REMADE, start=2):
        with subtests.test(statement):
            with lender.lend() as old, closing(connected(old)) as connection:
                connection.execute(statement)
            with lender.lend() as url:
                assert content_of(url) == wanted
                assert lender.made == made
                with pytest.raises(psycopg.OperationalError, match="does not exist"):
                    connected(old)


def test_database_whose_door_was_closed_is_made_anew(server: Server, lender: Lender, wanted: Content) -> None:
    with lender.lend() as old, closing(connected(server.url_of("postgres"))) as connection:
        name = Identifier(str(make_url(old).database))
        connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
    with lender.lend() as url:
        assert content_of(url) == wanted
        assert lender.made == 2


def test_empty_database_is_empty_again(server: Server) -> None:
    with closing(Lender(server)) as lender:
        for _ in range(3):
            with lender.lend() as url, closing(connected(url)) as connection:
                assert names(connection, "r") == names(connection, "S") == []
                connection.execute("CREATE TABLE left_behind (id serial PRIMARY KEY)")
                connection.execute("CREATE FUNCTION left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert lender.made == 1
        with lender.lend() as url, closing(connected(url)) as connection:
            connection.execute("CREATE SCHEMA left_behind")
        with lender.lend() as url, closing(connected(url)) as connection:
            assert connection.execute("SELECT to_regnamespace('left_behind')").fetchone() == (None,)
        assert lender.made == 2


def test_nobody_shares_it(lender: Lender) -> None:
    with lender.lend(), pytest.raises(AssertionError, match="share"), lender.lend():
        pass


@pytest.mark.parametrize("turn", range(3))
def test_each_test_begins_as_the_template_ends(
    wallet: Wallet, template: Template, phone_of: Callable[..., CitizenPhone], turn: int
) -> None:
    """Each turn leaves a citizen's session, document and audit record behind, and meets none of the turn before."""
    with closing(Database(template.wallet_url)) as source:
        assert rows_of(wallet.db) == rows_of(source)
    phone_of("sau").issue_residence()
    with closing(Database(template.wallet_url)) as source:
        assert rows_of(wallet.db) != rows_of(source)


def rows_of(database: Database) -> dict[str, list[str]]:
    with database.read() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: sorted(map(repr, session.execute(select(table)).all())) for table in tables}
