"""A whole wallet for each test, on SQLite and on PostgreSQL, with its real parts.

A template is made once for each database and process: migrated, with the personas' nation, accounts and the open
residence utility. Each test gets a copy: of the files, or a database that is put back to it (`tests/postgres.py`). The
Flask application is made once for each process and serves the wallet of the test that runs.

PostgreSQL is used where WALLET_TEST_POSTGRES names a server; elsewhere its tests are skipped aloud, and where
WALLET_REQUIRE_POSTGRES is set the run fails unless it ran as many as SQLite.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import hypothesis
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url

from tests import dialects
from tests.phone import CitizenPhone
from tests.postgres import Lender, Server
from tests.stored import all_that_is_stored
from tests.support import AUTHORITY, FixedClock, Mailbox
from wallet.commands.keys import DEMO_PAST
from wallet.crypto.making import create_missing
from wallet.demo.nation import seed_nation
from wallet.demo.setup import set_up
from wallet.entropy import SystemEntropy
from wallet.schema import upgrade
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.web.app import create_app, serve
from wallet.wiring import Wallet

dialects.install()
POSTGRES = os.environ.get("WALLET_TEST_POSTGRES", "")
ISSUER = "https://vi.example.vn"
CHEAP = {"WALLET_ARGON2_TIME_COST": "1", "WALLET_ARGON2_MEMORY_KIB": "8"}


@dataclass(frozen=True)
class Template:
    """A prepared deployment: its keys and its databases, to be copied."""

    keys_dir: Path
    wallet_url: str
    nation_url: str


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    create_missing(directory, now=FixedClock().now(), entropy=SystemEntropy(), authority=AUTHORITY, backdated=DEMO_PAST)
    return directory


def _settings(keys_dir: Path, published_dir: Path, wallet_url: str, sources_url: str, **more: str) -> Settings:
    return Settings.from_environ(
        {
            "WALLET_KEYS_DIR": str(keys_dir),
            "WALLET_ISSUER_URL": ISSUER,
            "WALLET_DATABASE_URL": wallet_url,
            "WALLET_SOURCES_URL": sources_url,
            "WALLET_STATUS_LIST_BITS_LOG2_SIZE": "12",
            "WALLET_STATUS_SHARDS": "1",  # most tests speak of list 1; those of shards open more
            "WALLET_PUBLISH_SECONDS": "1",
            "WALLET_PUBLISHED_DIR": str(published_dir),
            **CHEAP,
            **more,
        }
    )


def _prepare(settings: Settings) -> None:
    clock = FixedClock()
    wallet = Wallet.build(settings, clock=clock)
    upgrade(wallet.db)
    wallet.prepare()
    seed_nation(wallet.nation, seed=1, citizens=1)
    set_up(wallet)
    wallet.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, keys_dir: Path) -> Template:
    directory = tmp_path_factory.mktemp("template")
    urls = [f"sqlite:///{directory}/{name}.db" for name in ("wallet", "nation")]
    _prepare(_settings(keys_dir, directory / "published", *urls))
    for url in urls:
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return Template(keys_dir, *urls)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of PostgreSQL; its tests are skipped where there is none."""
    if not POSTGRES:
        pytest.skip("WALLET_TEST_POSTGRES is not set: not run on PostgreSQL")
    with closing(Server(POSTGRES)) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(
    postgres_server: Server, keys_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    with postgres_server.database() as url:
        _prepare(_settings(keys_dir, tmp_path_factory.mktemp("published"), url, url))
        yield Template(keys_dir, url, url)


@pytest.fixture(scope="session")
def prepared_database(postgres_server: Server, postgres_template: Template) -> Iterator[Lender]:
    with closing(Lender(postgres_server, str(make_url(postgres_template.wallet_url).database))) as lender:
        yield lender


@pytest.fixture(scope="session")
def empty_database(postgres_server: Server) -> Iterator[Lender]:
    with closing(Lender(postgres_server)) as lender:
        yield lender


@pytest.fixture(params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest) -> Template:
    """What this test's deployment is a copy of: once for each database."""
    found: Template = request.getfixturevalue("sqlite_template" if request.param == "sqlite" else "postgres_template")
    return found


@pytest.fixture
def deployment(template: Template, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The settings of a prepared deployment of this test's own, once for each database."""
    if template.wallet_url.startswith("sqlite"):
        urls = []
        for url in (template.wallet_url, template.nation_url):
            path = Path(str(make_url(url).database))
            shutil.copy(path, tmp_path / path.name)
            urls.append(f"sqlite:///{tmp_path}/{path.name}")
        yield _settings(template.keys_dir, tmp_path / "published", *urls)
        return
    lender: Lender = request.getfixturevalue("prepared_database")
    with lender.lend() as url:
        yield _settings(template.keys_dir, tmp_path / "published", url, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database without a table is, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    lender: Lender = request.getfixturevalue("empty_database")
    with lender.lend() as url:
        yield url


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """A command that ran in this process before has set the logs up, and for a terminal that is gone."""
    structlog.reset_defaults()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def mailbox() -> Mailbox:
    """What phones got, once somebody called `wallet.delivering.deliver_texts()`: jobs do not run in tests."""
    return Mailbox()


@pytest.fixture(scope="session")
def built_in() -> Catalogue:
    """The utilities that are installed: to look for them and to judge them costs as much as a short test."""
    return Catalogue.discover()


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, mailbox: Mailbox, built_in: Catalogue) -> Iterator[Wallet]:
    """A whole wallet. Its clock stands still; chance is the system's; its text messages go to `mailbox`."""
    wallet = Wallet.build(deployment, clock=clock, messages=mailbox, catalogue=built_in.anew())
    yield wallet
    wallet.close()


@pytest.fixture(scope="session")
def application() -> Callable[[Wallet], Flask]:
    """Return the one application of this process, as it serves the given wallet and no other any more."""
    made: list[Flask] = []

    def serving(wallet: Wallet) -> Flask:
        if made:
            serve(made[0], wallet)
        else:
            made.append(create_app(wallet))
        return made[0]

    return serving


@pytest.fixture
def client(wallet: Wallet, application: Callable[[Wallet], Flask]) -> FlaskClient:
    return application(wallet).test_client()


@pytest.fixture
def phone_of(wallet: Wallet, client: FlaskClient) -> Callable[..., CitizenPhone]:
    """Make the phone of a persona, signed in with password unless told otherwise."""

    def make(key: str = "an", *, password: bool = True) -> CitizenPhone:
        phone = CitizenPhone(wallet, client, key)
        phone.sign_in(password=password)
        return phone

    return make


@pytest.fixture
def state(wallet: Wallet) -> Callable[[], dict[str, list[str]]]:
    """Read everything that is stored, except the audit record and counters: equal before and after a refusal."""
    return partial(all_that_is_stored, wallet.db)


LONGEST = (
    "tests/web/test_schemathesis.py",
    "tests/durability/",
    "tests/conformance/",
    "tests/browser/",
    "tests/utilities/test_third_party.py",
    "tests/test_wheel.py",
)
"""What takes a minute in a single test, or processes and a browser of its own: first, so that no worker is left with it
at the end while the others are done."""


def pytest_configure() -> None:
    """Let no example of Hypothesis fail for its time: a machine that is busy is no defect of what is tested."""
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("wallet", hypothesis.settings(), deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("wallet")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, in the order of the list; all else stays in the order that it has."""

    def place(item: pytest.Item) -> int:
        return next((n for n, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))

    items.sort(key=place)


_ran: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}
_skipped: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what ran on which database: tests, each once, however many parts it has. Name what failed at once.

    A run that is cut off at its limit has no summary.
    """
    if report.failed and not os.environ.get("PYTEST_XDIST_WORKER"):
        print(f"\n✗ {report.nodeid}", file=sys.__stderr__, flush=True)
    for kind in ("sqlite", "postgresql"):
        if f"[{kind}" in report.nodeid or f"-{kind}" in report.nodeid:
            if report.when == "call" and report.passed:
                _ran[kind].add(report.nodeid)
            if report.skipped:
                _skipped[kind].add(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on each database, aloud when one was left out."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    terminalreporter.write_line(
        f"databases: sqlite {len(_ran['sqlite'])} passed, postgresql {len(_ran['postgresql'])} passed"
    )
    if _skipped["postgresql"]:
        terminalreporter.write_line(
            f"SKIPPED ALOUD: {len(_skipped['postgresql'])} tests on PostgreSQL; set WALLET_TEST_POSTGRES to run them",
            yellow=True,
        )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where PostgreSQL is required and ran fewer tests than SQLite."""
    required = os.environ.get("WALLET_REQUIRE_POSTGRES") and not os.environ.get("PYTEST_XDIST_WORKER")
    if required and exitstatus == 0 and len(_ran["postgresql"]) < len(_ran["sqlite"]):
        session.exitstatus = 1
