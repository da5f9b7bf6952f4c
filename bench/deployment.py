"""A deployment of its own, in a temporary directory: keys, a nation, personas, and documents made up in bulk."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, insert, make_url, select, text, update

from bench.phone import device_proof
from wallet.audit import AuditEvent
from wallet.commands.keys import make_missing
from wallet.crypto.keystore import Secret
from wallet.crypto.permutation import permute
from wallet.db import Base
from wallet.demo.nation import seed_nation
from wallet.demo.personas import credentials, persona
from wallet.demo.setup import set_up
from wallet.documents.models import DocumentRow, StatusChange, StatusListRow, StatusSequence
from wallet.idempotency import IdempotencyRow
from wallet.identity.signing_in import SignInOrder
from wallet.identity.tokens import TokenKind
from wallet.requests.models import RequestRow
from wallet.schema import upgrade
from wallet.settings import Settings
from wallet.terms import AccountLevel, Actor, AuthLevel, Status
from wallet.wiring import Wallet

CITIZEN = "an"
FIRST_STATUS_LIST = 1
BATCH = 2000
REVOKED_EVERY = 100
LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One prepared deployment: what its processes are started with."""

    environ: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings.from_environ(self.environ)

    def serving_at(self, port: int) -> "Deployment":
        """Return the same deployment as it is known at another port of this machine."""
        return Deployment({**self.environ, "WALLET_PORT": str(port), "WALLET_ISSUER_URL": f"http://127.0.0.1:{port}"})


def make_template(directory: Path) -> Deployment:
    """Make keys, tables, a nation of one more citizen than its personas, and the personas' accounts, on SQLite."""
    directory.mkdir()
    deployment = Deployment(_environ(directory / "keys", directory))
    make_missing(deployment.settings)
    _prepare(deployment)
    return deployment


def copy_of(template: Deployment, directory: Path) -> Deployment:
    """Return a copy of a SQLite deployment: the same keys, tables of its own."""
    directory.mkdir()
    source = Path(str(make_url(template.environ["WALLET_DATABASE_URL"]).database)).parent
    for file in source.glob("*.db"):
        shutil.copy(file, directory / file.name)
    return Deployment(_environ(Path(template.environ["WALLET_KEYS_DIR"]), directory))


@contextmanager
def on_postgres(template: Deployment, server: str) -> Iterator[Deployment]:
    """Open a deployment with the template's keys in a database of its own, dropped at the end."""
    name = f"viso_bench_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    try:
        deployment = Deployment(template.environ | {"WALLET_DATABASE_URL": url, "WALLET_SOURCES_URL": url})
        _prepare(deployment)
        yield deployment
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        engine.dispose()


def citizen_of(wallet: Wallet) -> Actor:
    """Return the citizen who asks for documents here, in a session of level 2."""
    with wallet.read() as work:
        holder_id = work.holders.find(persona(CITIZEN).number)
        account = work.accounts.of_holder(holder_id or "")
    if account is None:
        raise RuntimeError("the bench's own deployment has no citizen")
    return Actor(account.id, account.holder_id, account_level=AccountLevel.TWO, auth_level=AuthLevel.TWO)


def access_token_of(wallet: Wallet) -> str:
    """Sign the citizen in, with number and password, and return the access token."""
    own = credentials(persona(CITIZEN), wallet.keystore.secret(Secret.DEMO))
    now = wallet.clock.now()
    challenge = wallet.identity.challenges.mint(own.device_id, now).value
    proof = device_proof(own.device_private_key, own.device_id, challenge, wallet.settings.issuer_url, now)
    signed_in = wallet.signing_in.sign_in(SignInOrder(proof, persona(CITIZEN).number, own.password))
    claims = {**signed_in.access_claims(), "sub": signed_in.session.account_id}
    return wallet.identity.tokens.encode(TokenKind.ACCESS, claims)


def fill(wallet: Wallet, documents: int) -> None:
    """Make up documents until there are this many, with requests, audit rows and used keys; one in 100 is revoked."""
    secret = wallet.keystore.secret(Secret.STATUS_ORDER)
    order = sha256(secret + FIRST_STATUS_LIST.to_bytes(8, "big")).digest()
    with wallet.db.read() as session:
        used = session.scalars(select(StatusListRow.used).where(StatusListRow.id == FIRST_STATUS_LIST)).one()
        counted = select(StatusSequence.changes).where(StatusSequence.status_list == FIRST_STATUS_LIST)
        changes = session.scalars(counted).one()
    now = datetime.now(UTC)
    for begin in range(used, documents, BATCH):
        end = min(begin + BATCH, documents)
        tables = _made_up(range(begin, end), order, wallet.settings.status_list_bits_log2_size, now, changes)
        changes += len(tables[StatusChange])
        with wallet.db.write() as session:
            for table, rows in tables.items():
                if rows:
                    session.execute(insert(table), rows)
            session.execute(update(StatusListRow).where(StatusListRow.id == FIRST_STATUS_LIST).values(used=end))
            numbered = update(StatusSequence).where(StatusSequence.status_list == FIRST_STATUS_LIST)
            session.execute(numbered.values(changes=changes))


def _made_up(
    numbers: range, order: bytes, bits: int, now: datetime, changes: int
) -> dict[type[Base], list[dict[str, object]]]:
    made: dict[type[Base], list[dict[str, object]]] = {
        table: [] for table in (DocumentRow, RequestRow, AuditEvent, IdempotencyRow, StatusChange)
    }
    for number in numbers:
        name = sha256(b"bench-%d" % number).hexdigest()[:32]
        holder, document, request = f"hld_{name}", f"doc_{name}", f"req_{name}"
        at = now - timedelta(seconds=number % 86400)
        common = {"holder_id": holder, "utility": "residence", "rules_version": "1", "sealed": bytes(1200)}
        index = permute(order, number, bits)
        revoked = number % REVOKED_EVERY == 0
        made[DocumentRow].append(
            common
            | {"id": document, "request_id": request, "kind": "residence", "kind_version": 1}
            | {"kid": "0" * 16, "signed_at": at, "issued_at": at, "expires_at": at + LIFE}
            | {"status_list": FIRST_STATUS_LIST, "status_index": index}
            | {"revoked_at": at if revoked else None, "revocation_reason": "data_changed" if revoked else None}
        )
        made[RequestRow].append(
            common
            | {"id": request, "account_id": f"acc_{name}", "utility_version": 1, "capacity": "self", "state": "issued"}
            | {"version": 1, "agency": "police", "province": "", "apologies": 0, "fee": [], "fields_held": 1}
            | {"fields_asked": 0, "created_at": at, "updated_at": at, "submitted_at": at, "document_id": document}
        )
        event = {"at": at, "actor": holder, "subject": document, "request_id": "", "details": {}}
        made[AuditEvent] += [event | {"action": action} for action in ("request.submitted", "document.issued")]
        made[IdempotencyRow].append(
            {"principal": holder, "key": name, "fingerprint": bytes(32), "created_at": at, "answer": {"status": 201}}
        )
        if revoked:
            changes += 1
            made[StatusChange].append(
                {"status_list": FIRST_STATUS_LIST, "sequence": changes, "status_index": index}
                | {"value": int(Status.INVALID), "at": at}
            )
    return made


def _environ(keys: Path, directory: Path) -> dict[str, str]:
    return {
        "WALLET_KEYS_DIR": str(keys),
        "WALLET_DATABASE_URL": f"sqlite:///{directory}/wallet.db",
        "WALLET_SOURCES_URL": f"sqlite:///{directory}/nation.db",
        "WALLET_ISSUER_URL": "http://127.0.0.1:8000",
        "WALLET_LOG_LEVEL": "error",
        # What is made up in bulk stands in one list.
        "WALLET_STATUS_SHARDS": "1",
        "WALLET_PUBLISHED_DIR": str(directory / "published"),
        # The cheapest hash: signing in is not what is measured here.
        "WALLET_ARGON2_TIME_COST": "1",
        "WALLET_ARGON2_MEMORY_KIB": "8",
    }


def _prepare(deployment: Deployment) -> None:
    wallet = Wallet.build(deployment.settings)
    upgrade(wallet.db)
    wallet.prepare()
    seed_nation(wallet.nation, seed=1, citizens=1)
    set_up(wallet)
    wallet.close()
    for url in (wallet.db.url, wallet.nation.url):
        if wallet.db.is_sqlite:
            connection = sqlite3.connect(str(url.database))  # what is still in the log is copied with the file
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()


def with_actor(actor: Actor, number: int) -> Actor:
    """Return the actor in a request of its own."""
    return replace(actor, request_id=f"bench_{number}")


def environment(deployment: Deployment) -> dict[str, str]:
    """Return the environment of a server of this deployment: nobody else's WALLET_ settings."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
    return others | deployment.environ
