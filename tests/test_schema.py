"""The migrations make exactly the tables that the models describe, on both databases, up and down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from tests.postgres import somebody_waits
from wallet.db import Base, Database, alone
from wallet.errors import ConfigurationError
from wallet.schema import HEAD, MIGRATIONS, current_version, schema_problem, upgrade
from wallet.sources.models import NationBase


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without a table."""
    with closing(Database(empty_url)) as database:
        yield database


def config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    return config


def test_head_is_the_newest_migration_and_the_only_one() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_an_empty_database_is_told_and_brought_up_once(empty: Database) -> None:
    assert current_version(empty) is None
    assert schema_problem(empty) == "schema_missing"
    assert upgrade(empty) is True
    assert schema_problem(empty) is None
    assert upgrade(empty) is False


def test_of_two_that_bring_it_up_the_second_waits_and_finds_nothing_left(empty: Database, empty_url: str) -> None:
    """The first may be on another host, or dead already, its commit still to come."""
    with closing(Database(empty_url)) as former, ThreadPoolExecutor(1) as threads:
        with former.write() as session:
            alone(session.connection(), "migrations")
            session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
            session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
            second = threads.submit(upgrade, empty)
            somebody_waits(empty_url)
        second.result(60)
    assert schema_problem(empty) is None
    assert inspect(empty.engine).get_table_names() == ["alembic_version"]


def test_migrations_make_what_the_models_describe(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_down_again(empty: Database) -> None:
    upgrade(empty)
    command.downgrade(config(empty), "base")
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}


def test_a_version_that_nobody_knows_is_refused_and_left_alone(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert schema_problem(empty) == "schema_other_version"
    with pytest.raises(ConfigurationError, match="9999"):
        upgrade(empty)
    assert current_version(empty) == "9999"


def test_registers_share_no_table_with_the_wallet() -> None:
    assert not set(NationBase.metadata.tables) & set(Base.metadata.tables)
