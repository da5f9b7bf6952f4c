"""One dialect for all engines of a kind, so that SQLAlchemy compiles a statement once for a process, not for a test.

SQLAlchemy keeps what it compiled beside the engine and by its dialect. Every test has engines of its own, which would
compile the same statements again: more work than most tests are. `install` puts these in place of SQLAlchemy's, in this
process alone; the statements, the databases and the connections are the same as ever.
"""

from typing import Any, ClassVar

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

STATEMENTS = 4000
"""How many compiled statements are kept; the wallet has a few hundred, on two databases."""


class _Shared(Dialect):
    """Made once for each set of options; asks the server about itself once."""

    _made: ClassVar[dict[str, Any]] = {}
    _compiled: ClassVar[Any] = LRUCache(STATEMENTS)
    _is_ready = False

    def __new__(cls, **options: Any) -> Any:
        key = f"{cls.__name__} {sorted(options.items(), key=lambda option: option[0])!r}"
        if key not in cls._made:
            cls._made[key] = super().__new__(cls)
        return cls._made[key]

    def __init__(self, **options: Any) -> None:
        if not hasattr(self, "_options"):
            self._options = options
            super().__init__(**options)

    def initialize(self, connection: Connection) -> None:
        if not self._is_ready:
            super().initialize(connection)
            self._is_ready = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=cls._compiled)


class SharedSqlite(_Shared, SQLiteDialect_pysqlite):
    """SQLite with Python's own driver."""

    supports_statement_cache = True


class SharedPsycopg(_Shared, PGDialect_psycopg):
    """PostgreSQL with psycopg 3."""

    supports_statement_cache = True


def install() -> None:
    """Let every engine that this process makes from now on use these."""
    registry.register("sqlite", __name__, SharedSqlite.__name__)
    registry.register("postgresql.psycopg", __name__, SharedPsycopg.__name__)
