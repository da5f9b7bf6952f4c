"""A database for each test that needs one, of both kinds, and a nation for tests that only read."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.postgres import Server
from wallet.db import Database
from wallet.demo.nation import seed_nation

CITIZENS = 400
SEED = 5


@pytest.fixture
def sources_url(empty_url: str) -> str:
    """The URL of an empty database."""
    return empty_url


@pytest.fixture
def database(sources_url: str) -> Iterator[Database]:
    """An empty database behind the registers."""
    with closing(Database(sources_url)) as database:
        yield database


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def nation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A nation of `CITIZENS` people from `SEED`, made once: for tests that read and change nothing."""
    if request.param == "sqlite":
        with closing(_seeded(f"sqlite:///{tmp_path_factory.mktemp('nation')}/nation.db")) as database:
            yield database
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database() as url, closing(_seeded(url)) as database:
        yield database


def _seeded(url: str) -> Database:
    database = Database(url)
    seed_nation(database, seed=SEED, citizens=CITIZENS)
    return database
