"""Databases that are still empty, once for each kind, and a server of one's own on top of them."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.durability.processes import Workers
from tests.durability.server import Server, Urls

POSTGRES = os.environ.get("WALLET_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Urls]:
    """Where an empty wallet and an empty nation are to be."""
    if request.param == "sqlite":
        yield Urls(*(f"sqlite:///{tmp_path}/var/{name}.db" for name in ("wallet", "nation")))
        return
    if not POSTGRES:
        pytest.skip("WALLET_TEST_POSTGRES is not set: not run on PostgreSQL")
    name = f"viso_{uuid4().hex}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    yield Urls(url, url)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


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
