"""The version of the database's tables: brought up by alembic, told in one query."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wallet.db import Database, translated_errors
from wallet.errors import ConfigurationError

HEAD = "0027"
"""The newest migration. A test holds it against the migrations themselves; asking alembic costs half a second."""

MIGRATIONS = Path(__file__).with_name("migrations")


def current_version(database: Database) -> str | None:
    """Return the version of the tables, None when there are none. Raises Unavailable."""
    with translated_errors(), database.engine.connect() as connection:
        if not connection.dialect.has_table(connection, "alembic_version"):
            return None
        version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version


def schema_problem(database: Database) -> str | None:
    """Return what is wrong with the tables as a code, None when nothing is. Raises Unavailable."""
    version = current_version(database)
    if version == HEAD:
        return None
    return "schema_missing" if version is None else "schema_other_version"


def upgrade(database: Database, on_step: Callable[[str], None] = lambda _: None) -> bool:
    """Bring the tables to HEAD; return whether anything had to be done. Raises ConfigurationError, Unavailable."""
    version = current_version(database)
    if version == HEAD:
        return False
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    on_step(f"{version or 'empty'} → {HEAD}")
    try:
        with translated_errors():
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the database is at a version this code does not know: {version}", mend="wallet doctor"
        ) from error
    except DBAPIError as error:
        raise ConfigurationError(f"the migration failed: {error.orig}", mend="wallet doctor") from error
    return True
