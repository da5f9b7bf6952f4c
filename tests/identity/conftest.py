"""Identity with its real parts, on SQLite and, where WALLET_TEST_POSTGRES names one, on PostgreSQL too."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.identity.phones import Phone
from tests.postgres import Server
from tests.support import AUTHORITY, NOON, FixedClock, SeededEntropy
from wallet.audit import Audit, AuditEvent
from wallet.crypto.keystore import Keystore, Secret
from wallet.crypto.making import create_missing
from wallet.db import Base, Database
from wallet.entropy import SystemEntropy
from wallet.identity.accounts import Grant, OpenedAccount
from wallet.identity.passwords import Hasher, Knowledge
from wallet.identity.services import (
    SharedIdentity,
    build_changing_secrets,
    build_identity,
    build_signing_in,
    share_identity,
)
from wallet.identity.sessions import SignedIn
from wallet.identity.signing_in import SignInOrder, StepUpOrder
from wallet.identity.tokens import TokenKind
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import Telling
from wallet.settings import Settings
from wallet.terms import AccountLevel, Actor
from wallet.web import accounts, auth, problems
from wallet.web.context import EXTENSION

PASSWORD = "MatKhau#2026"
PASSCODE = "280517"
SYSTEM = Actor("system")
ISSUER = "https://vi.example.vn"


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    return directory


@pytest.fixture(scope="session")
def keystore(keys_dir: Path) -> Keystore:
    return Keystore.open(keys_dir)


@pytest.fixture(scope="session")
def settings(keys_dir: Path) -> Settings:
    return Settings.from_environ(
        {
            "WALLET_KEYS_DIR": str(keys_dir),
            "WALLET_ISSUER_URL": ISSUER,
            "WALLET_ARGON2_TIME_COST": "1",
            "WALLET_ARGON2_MEMORY_KIB": "8",
        }
    )


@pytest.fixture(scope="session")
def postgres(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as url, closing(Database(url)) as database:
        Base.metadata.create_all(database.engine)
        yield database


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table, empty: to copy it costs a hundredth of making them."""
    path = tmp_path_factory.mktemp("tables") / "wallet.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        Base.metadata.create_all(database.engine)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, sqlite_tables: Path, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        shutil.copy(sqlite_tables, tmp_path / "wallet.db")
        with closing(Database(f"sqlite:///{tmp_path}/wallet.db")) as database:
            yield database
        return
    postgres: Database = request.getfixturevalue("postgres")
    with postgres.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    yield postgres


class CountingHasher(Hasher):
    """Counts what is computed: a test of equal work counts hashes, not milliseconds."""

    checks = 0

    def matches(self, kind: Knowledge, secret: str, kept: str | None) -> bool:
        self.checks += 1
        return super().matches(kind, secret, kept)


class SharedEntropy(SeededEntropy):
    """The same bytes, also when threads ask for them."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._lock = threading.Lock()

    def bytes(self, count: int) -> bytes:
        with self._lock:
            return super().bytes(count)


@dataclass
class World:
    """What `wallet.wiring.Wallet` is to identity, and nothing else of it."""

    db: Database
    settings: Settings
    keystore: Keystore
    clock: FixedClock = field(default_factory=FixedClock)
    entropy: SharedEntropy = field(default_factory=lambda: SharedEntropy("identity"))
    hasher_class: Callable[..., Hasher] = CountingHasher

    def __post_init__(self) -> None:
        self.identity = self.share()
        self.signing_in = build_signing_in(self.work, self.read, self.clock, self.settings, self.identity)
        self.changing_secrets = build_changing_secrets(self.work, self.read, self.identity)

    def share(self, pepper: bytes | None = None) -> SharedIdentity:
        hasher = self.hasher_class(
            pepper or self.keystore.secret(Secret.PEPPER),
            self.entropy,
            time_cost=self.settings.argon2_time_cost,
            memory_kib=self.settings.argon2_memory_kib,
        )
        return replace(share_identity(self.settings, self.entropy, self.keystore), hasher=hasher)

    def restarted(self, **changes: Any) -> "World":
        """The same database and clock in another process."""
        return replace(self, **changes)

    @property
    def hashes(self) -> int:
        return int(self.identity.hasher.checks)  # type: ignore[attr-defined]

    @contextmanager
    def work(self) -> Iterator[Any]:
        with self.db.write() as session:
            yield self._services(session)

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self.db.read() as session:
            yield self._services(session)

    def _services(self, session: Any) -> Any:
        audit = Audit(session, self.clock)
        telling = Telling(MessageRepository(session), self.clock, self.entropy, self.keystore.secret(Secret.MESSAGES))
        built = build_identity(
            session,
            audit,
            self.clock,
            self.entropy,
            self.keystore,
            self.settings,
            self.identity,
            telling,
            lambda _device_id, _actor: None,  # this room has no documents that would end with a device
            lambda _holder_id, _device_ids: None,  # nor any that a lock would suspend
            lambda _holder_id, _device_ids, _actor: None,  # or the end of a guardianship
        )
        services = {each.name: getattr(built, each.name) for each in fields(built)}
        return SimpleNamespace(session=session, audit=audit, **services)

    def snapshot(self, *, counters: bool = True) -> dict[str, list[str]]:
        """Everything that is stored, without the audit record and the counts of strangers; `counters=False` leaves
        those of a device out too."""
        content = {}
        with self.db.read() as session:
            for table in Base.metadata.sorted_tables:
                if table.name in ("audit_events", "guess_counts") or (not counters and table.name == "used_once"):
                    continue
                hidden = {"failures", "passcode_failures", "blocked_until"} if not counters else set()
                columns = [column for column in table.columns if column.name not in hidden]
                content[table.name] = sorted(map(repr, session.execute(select(*columns)).all()))
        return content

    def events(self, action: str) -> int:
        with self.db.read() as session:
            return int(
                session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action)) or 0
            )

    def open(self, phone: Phone, number: str = "001190000123", **options: Any) -> OpenedAccount:
        order: dict[str, Any] = {
            "facts": {
                "number": number,
                "full_name": "Nguyễn Thị Mẫu",
                "birth_date": date(1990, 5, 28),
                "sex": "female",
            },
            "password": PASSWORD,
            "passcode": PASSCODE,
            "device_id": phone.device_id,
            "public_key": phone.jwk,
            "device_name": "Điện thoại mẫu",
            "actor": SYSTEM,
        }
        with self.work() as work:
            return work.accounts.open(**(order | options))  # type: ignore[no-any-return]


@pytest.fixture
def world(database: Database, settings: Settings, keystore: Keystore) -> World:
    return World(database, settings, keystore)


@dataclass
class Citizen:
    """An account with its phone, and what can be done with them."""

    world: World
    phone: Phone
    account: OpenedAccount
    number: str

    def sign_in(self, password: str = PASSWORD, number: str | None = None, **options: Any) -> SignedIn:
        order = SignInOrder(self.phone.proof(), number or self.number, password, **options)
        return self.world.signing_in.sign_in(order)

    def sign_in_with_device(self, **options: Any) -> SignedIn:
        return self.world.signing_in.sign_in(SignInOrder(self.phone.proof(), **options))

    def step_up(self, signed_in: SignedIn, passcode: str = PASSCODE, proof: str = "") -> SignedIn:
        order = StepUpOrder(proof or self.phone.proof(), passcode)
        return self.world.signing_in.step_up(self.actor(signed_in), order)

    def access_token(self, signed_in: SignedIn) -> str:
        claims = {"sub": self.account.account_id, **signed_in.access_claims()}
        return self.world.identity.tokens.encode(TokenKind.ACCESS, claims)

    def refresh_token(self, signed_in: SignedIn) -> str:
        claims = {"sub": self.account.account_id, **signed_in.refresh_claims()}
        return self.world.identity.tokens.encode(TokenKind.REFRESH, claims)

    def refresh(self, token: str, proof: str | None = None) -> SignedIn:
        url = f"{ISSUER}/v1/sessions/refresh"
        return self.world.signing_in.refresh(token, proof or self.phone.dpop(), method="POST", url=url)

    def actor(self, signed_in: SignedIn) -> Actor:
        return Actor(
            self.account.account_id,
            self.account.holder_id,
            signed_in.session.id,
            self.phone.device_id,
            signed_in.session.account_level,
            signed_in.session.auth_level,
        )


@pytest.fixture
def make_citizen(world: World) -> Callable[..., Citizen]:
    def make(
        number: str = "001190000123", level: AccountLevel = AccountLevel.TWO, grants: tuple[Grant, ...] = ()
    ) -> Citizen:
        phone = Phone(world, f"dev_{sha256(number.encode()).hexdigest()[:32]}")
        return Citizen(world, phone, world.open(phone, number, level=level, grants=grants), number)

    return make


@pytest.fixture
def citizen(make_citizen: Callable[..., Citizen]) -> Citizen:
    return make_citizen()


@pytest.fixture
def app(world: World) -> Flask:
    app = Flask("tests.identity")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions[EXTENSION] = world
    auth.install(app)
    app.register_blueprint(accounts.routes)
    problems.register(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
