"""Databases that are still empty, once for each kind, and a server of one's own on top of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.processes import Workers
from tests.durability.server import Server, Urls
from tests.postgres import Server as PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Urls]:
    """Where an empty wallet and an empty nation are to be."""
    if request.param == "sqlite":
        yield Urls(*(f"sqlite:///{tmp_path}/var/{name}.db" for name in ("wallet", "nation")))
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres.database() as url:
        yield Urls(url, url)


@pytest.fixture
def plain_server(tmp_path: Path) -> Iterator[Server]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    server = Server(tmp_path, Urls(*(f"sqlite:///{tmp_path}/var/{name}.db" for name in ("wallet", "nation"))))
    yield server
    server.kill()


@pytest.fixture
def server(urls: Urls, tmp_path: Path) -> Iterator[Server]:
    """A server that is not prepared and not started; whatever of it runs at the end is killed."""
    server = Server(tmp_path, urls)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Two processes besides this one."""
    workers = Workers()
    yield workers
    workers.close()
