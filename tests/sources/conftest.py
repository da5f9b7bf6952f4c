"""A database for each test that needs one, of both kinds, a nation for tests that only read, and a partner with a real
server."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stamina

from tests.postgres import Server
from tests.sources.partner import Partner, serving, write_file
from tests.support import FixedClock, SeededEntropy
from wallet.db import Database
from wallet.demo.nation import seed_nation
from wallet.sources.http import PartnerRegister
from wallet.sources.partners import read_partners

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


@pytest.fixture
def partner() -> Iterator[Partner]:
    with serving() as partner, stamina.set_testing(True, attempts=5, cap=True):
        yield partner


@pytest.fixture
def register(partner: Partner, clock: FixedClock, tmp_path: Path) -> Iterator[Callable[..., PartnerRegister]]:
    """Makes a register of this partner: of the population, unless a test wants another."""
    made: list[PartnerRegister] = []

    def make(code: str = "population", **stated: Any) -> PartnerRegister:
        path = write_file(tmp_path, **{code: {"url": partner.url, **stated}})
        made.append(PartnerRegister(read_partners(path)[0], clock, SeededEntropy()))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _seeded(url: str) -> Database:
    database = Database(url)
    seed_nation(database, seed=SEED, citizens=CITIZENS)
    return database
