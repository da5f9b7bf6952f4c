"""A database for each test that needs one: a SQLite file, and PostgreSQL when WALLET_TEST_POSTGRES is set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from wallet.db import Database
from wallet.demo.nation import seed_nation

CITIZENS = 400
SEED = 5

POSTGRES = os.environ.get("WALLET_TEST_POSTGRES", "")


KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def sources_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, which is dropped afterwards."""
    with _empty(request.param, tmp_path) as url:
        yield url


@contextmanager
def _empty(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/nation.db"
        return
    if not POSTGRES:
        pytest.skip("WALLET_TEST_POSTGRES is not set: not run on PostgreSQL")
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    name = f"wallet_nation_{uuid4().hex}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@pytest.fixture
def database(sources_url: str) -> Iterator[Database]:
    """An empty database behind the registers."""
    database = Database(sources_url)
    yield database
    database.close()


@pytest.fixture(scope="package", params=KINDS)
def nation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A nation of `CITIZENS` people from `SEED`, made once: for tests that read and change nothing."""
    with _empty(request.param, tmp_path_factory.mktemp("nation")) as url:
        database = Database(url)
        seed_nation(database, seed=SEED, citizens=CITIZENS)
        yield database
        database.close()
