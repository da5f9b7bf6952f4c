"""A whole wallet for each test, on SQLite and on PostgreSQL, with its real parts.

A template is made once for each database and process: migrated, with the personas' nation, accounts and the open
residence utility. Each test gets a copy. PostgreSQL is used where WALLET_TEST_POSTGRES names a server; elsewhere its
tests are skipped aloud, and where WALLET_REQUIRE_POSTGRES is set the run fails unless it ran as many as SQLite.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, select, text

from tests.phone import CitizenPhone
from tests.support import FixedClock, Mailbox
from wallet.commands.keys import DEMO_PAST
from wallet.crypto.keystore import create_missing
from wallet.db import Base
from wallet.demo.nation import seed_nation
from wallet.demo.setup import set_up
from wallet.entropy import SystemEntropy
from wallet.schema import upgrade
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

POSTGRES = os.environ.get("WALLET_TEST_POSTGRES", "")
ISSUER = "https://vi.example.vn"
CHEAP = {"WALLET_ARGON2_TIME_COST": "1", "WALLET_ARGON2_MEMORY_KIB": "8"}


@dataclass(frozen=True)
class Template:
    """A prepared deployment: its keys and a database to copy."""

    keys_dir: Path
    source: str
    kind: str


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    create_missing(directory, now=FixedClock().now(), entropy=SystemEntropy(), organisation="Test", backdated=DEMO_PAST)
    return directory


def _settings(keys_dir: Path, wallet_url: str, sources_url: str, **more: str) -> Settings:
    return Settings.from_environ(
        {
            "WALLET_KEYS_DIR": str(keys_dir),
            "WALLET_ISSUER_URL": ISSUER,
            "WALLET_DATABASE_URL": wallet_url,
            "WALLET_SOURCES_URL": sources_url,
            "WALLET_STATUS_LIST_BITS_LOG2_SIZE": "12",
            "WALLET_PUBLISH_SECONDS": "1",
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
    _prepare(_settings(keys_dir, *urls))
    for url in urls:
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return Template(keys_dir, str(directory), "sqlite")


@pytest.fixture(scope="session")
def postgres_template(keys_dir: Path) -> Iterator[Template | None]:
    if not POSTGRES:
        yield None
        return
    with _postgres_database() as name:
        url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        _prepare(_settings(keys_dir, url, url))
        yield Template(keys_dir, name, "postgresql")


class _postgres_database:  # noqa: N801 - a context manager that reads as a verb
    def __init__(self, template: str | None = None) -> None:
        self.name = f"viso_{uuid4().hex}"
        self.template = template

    def _run(self, statement: str) -> None:
        server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(statement))
        server.dispose()

    def __enter__(self) -> str:
        self._run(f"CREATE DATABASE {self.name}" + (f" TEMPLATE {self.template}" if self.template else ""))
        return self.name

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a prepared deployment of this test's own, once for each database."""
    if request.param == "sqlite":
        template: Template = request.getfixturevalue("sqlite_template")
        for name in ("wallet", "nation"):
            shutil.copy(f"{template.source}/{name}.db", tmp_path / f"{name}.db")
        yield _settings(template.keys_dir, *(f"sqlite:///{tmp_path}/{name}.db" for name in ("wallet", "nation")))
        return
    if not POSTGRES:
        pytest.skip("WALLET_TEST_POSTGRES is not set: not run on PostgreSQL")
    template = request.getfixturevalue("postgres_template")
    with _postgres_database(template.source) as name:
        url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        yield _settings(template.keys_dir, url, url)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def mailbox() -> Mailbox:
    """What phones got, once somebody called `wallet.delivering.deliver_texts()`: jobs do not run in tests."""
    return Mailbox()


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, mailbox: Mailbox) -> Iterator[Wallet]:
    """A whole wallet. Its clock stands still; chance is the system's; its text messages go to `mailbox`."""
    wallet = Wallet.build(deployment, clock=clock, messages=mailbox)
    yield wallet
    wallet.close()


@pytest.fixture
def client(wallet: Wallet) -> FlaskClient:
    return create_app(wallet).test_client()


@pytest.fixture
def phone_of(wallet: Wallet, client: FlaskClient) -> Callable[..., CitizenPhone]:
    """Make the phone of a persona, signed in with password unless told otherwise."""

    def make(key: str = "an", *, password: bool = True) -> CitizenPhone:
        phone = CitizenPhone(wallet, client, key)
        phone.sign_in(password=password)
        return phone

    return make


COUNTERS = {"audit_events", "used_once", "idempotency_keys", "publications", "guess_counts"}


@pytest.fixture
def state(wallet: Wallet) -> Callable[[], dict[str, list[str]]]:
    """Read everything that is stored, except the audit record and counters: equal before and after a refusal."""

    def read() -> dict[str, list[str]]:
        content = {}
        with wallet.db.read() as session:
            for table in Base.metadata.sorted_tables:
                if table.name not in COUNTERS:
                    hidden = {"failures", "passcode_failures", "blocked_until"}
                    columns = [column for column in table.columns if column.name not in hidden]
                    content[table.name] = sorted(map(repr, session.execute(select(*columns)).all()))
        return content

    return read


_ran: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}
_skipped: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what ran on which database: tests, each once, however many parts it has."""
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
