"""What the database itself has to promise: durable or refused, whole or not at all, and erased when it is erased."""

import json
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.db import Base, Database
from wallet.documents.models import DocumentRow, StatusListRow
from wallet.errors import ConfigurationError, NotFound, Unavailable
from wallet.idempotency import IdempotencyRow
from wallet.identity.models import Holder
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
State = Callable[[], dict[str, list[str]]]
SYSTEM = Actor("system")


def pragma(database: Database, name: str, *, writing: bool = False) -> Any:
    opened = database.write() if writing else database.read()
    with opened as session:
        return session.scalar(text(f"PRAGMA {name}"))


def test_every_sqlite_connection_is_durable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/wallet.db")
    database.assert_durable()
    for writing in (False, True):
        for _ in range(2):
            assert pragma(database, "journal_mode", writing=writing) == "wal"
            assert pragma(database, "synchronous", writing=writing) == 2
            assert pragma(database, "foreign_keys", writing=writing) == 1
            assert pragma(database, "busy_timeout", writing=writing) == 5000
            assert pragma(database, "secure_delete", writing=writing) == 1
            database.engine.dispose()
    database.close()


@pytest.mark.parametrize("weaker", ["synchronous=NORMAL", "synchronous=OFF", "journal_mode=MEMORY"])
def test_sqlite_that_would_lose_rows_is_refused(tmp_path: Path, weaker: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/wallet.db")

    @event.listens_for(database.engine, "connect")
    def weaken(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute(f"PRAGMA {weaker}")

    with pytest.raises(ConfigurationError) as refused:
        database.assert_durable()
    assert refused.value.mend == "wallet doctor"
    database.close()


def test_wallet_on_a_weak_database_is_not_prepared(wallet: Wallet) -> None:
    weaker = "PRAGMA synchronous=NORMAL" if wallet.db.is_sqlite else "SET SESSION synchronous_commit=off"
    sound, weakened = wallet.db, Database(wallet.settings.database_url)

    @event.listens_for(weakened.engine, "connect")
    def weaken(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(weaker)
        cursor.close()
        if not sound.is_sqlite:
            connection.commit()

    wallet.db = weakened
    with pytest.raises(ConfigurationError):
        wallet.prepare()
    weakened.close()
    wallet.db = sound
    wallet.prepare()


def counters(wallet: Wallet) -> dict[str, int]:
    with wallet.db.read() as session:
        return {
            "used": int(session.scalar(select(func.sum(StatusListRow.used))) or 0),
            "keys": int(session.scalar(select(func.count()).select_from(IdempotencyRow)) or 0),
            "submitted": _events(session, "request.submitted"),
            "issued": _events(session, "document.issued"),
        }


def _events(session: Any, action: str) -> int:
    found = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action)
    return int(session.scalar(found) or 0)


def reads(wallet: Wallet, holder_id: str) -> list[tuple[str, str]]:
    """Return purpose and outcome of each recorded read of a register about one holder."""
    with wallet.db.read() as session:
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "source.read", AuditEvent.subject == holder_id)
        )
        return [(row.details["source"], row.details["outcome"]) for row in rows]


@contextmanager
def failing_inserts(wallet: Wallet, sqlstate: str = "P0001") -> Iterator[None]:
    """Let every insert into the table of documents fail, as late as an issue can fail."""
    if wallet.db.is_sqlite:
        make = ["CREATE TRIGGER fail BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'made to fail'); END"]
        drop = ["DROP TRIGGER fail"]
    else:
        raising = f"BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '{sqlstate}'; END"
        make = [
            f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$",
            "CREATE TRIGGER fail BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION fail()",
        ]
        drop = ["DROP TRIGGER fail ON documents", "DROP FUNCTION fail"]
    _execute(wallet, make)
    yield
    _execute(wallet, drop)


def _execute(wallet: Wallet, statements: list[str]) -> None:
    with wallet.db.write() as session:
        for statement in statements:
            session.execute(text(statement))


def holder_of(wallet: Wallet, phone: CitizenPhone) -> str:
    with wallet.read() as work:
        return str(work.holders.find(phone.persona.number))


def test_issue_that_fails_at_the_end_leaves_the_reads_alone(wallet: Wallet, phone_of: Make, state: State) -> None:
    citizen = phone_of("an")
    holder = holder_of(wallet, citizen)
    before, counted, known = state(), counters(wallet), reads(wallet, holder)
    with failing_inserts(wallet), capture_logs() as logs:
        answer = citizen.post("/v1/requests", {"utility": "residence"}, key="fails-at-the-end")
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["unforeseen"]
        assert answer.status_code == 500
        assert answer.json["code"] == "internal_error"
        assert "VD1:" not in answer.text
        assert "made to fail" not in answer.text
    assert state() == before
    assert counters(wallet) == counted
    # The registers were read all the same, and that is remembered.
    remembered = reads(wallet, holder)[len(known) :]
    assert sorted(remembered) == [("population", "answered"), ("residence", "answered")]
    again = citizen.post("/v1/requests", {"utility": "residence"}, key="fails-at-the-end")
    assert again.status_code == 201, "the key of what failed is free"
    assert counters(wallet) == {name: number + 1 for name, number in counted.items()}


@contextmanager
def full_disk(wallet: Wallet) -> Iterator[None]:
    """Leave no room: SQLite may take no further page, PostgreSQL answers what it answers without space."""
    if not wallet.db.is_sqlite:
        with failing_inserts(wallet, sqlstate="53100"):
            yield
        return
    full = True

    def limit(connection: sqlite3.Connection, _record: Any = None, _proxy: Any = None) -> None:
        connection.execute(f"PRAGMA max_page_count={1 if full else 1 << 30}").close()

    event.listen(wallet.db.engine, "checkout", limit)
    yield
    full = False


def test_full_disk_is_said_and_outlived(wallet: Wallet, clock: FixedClock, phone_of: Make, state: State) -> None:
    citizen = phone_of("an")
    code = citizen.code_of(citizen.issue_residence())
    acknowledged = state()
    with full_disk(wallet):
        answers = [citizen.post("/v1/requests", {"utility": "residence"}) for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert refused, "there was room for everything"
        for answer in refused:
            assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
            assert "Retry-After" in answer.headers
            for driver in ("sqlite", "psycopg", "No space", "full", "INSERT"):
                assert driver not in answer.text
        clock.advance(seconds=1)
        assert citizen.client.post("/v1/checks", json={"code": code}).json["verdict"] == "valid"
    made = [answer.json["document_id"] for answer in answers if answer.status_code == 201]
    now = state()
    assert len(now["documents"]) == len(acknowledged["documents"]) + len(made)
    assert set(acknowledged["documents"]) <= set(now["documents"])
    if wallet.db.is_sqlite:
        assert pragma(wallet.db, "integrity_check") == "ok"
    assert citizen.issue_residence(), "it recovers without a restart"


def every_value(wallet: Wallet) -> bytes:
    """Return all that the tables hold, and on SQLite the bytes of the files themselves."""
    parts = []
    with wallet.db.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                for value in row:
                    parts.append(value if isinstance(value, bytes) else str(value).encode())
                    parts.append(json.dumps(value, default=str).encode())
    if wallet.db.is_sqlite:
        path = Path(str(wallet.db.url.database))
        parts += [file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.is_file()]
    return b"\n".join(parts)


def forms(value: str) -> set[bytes]:
    """Return the bytes that a text may leave behind."""
    found = {value.encode(), value.encode("utf-16-le"), json.dumps(value)[1:-1].encode()}
    return found | {unicodedata.normalize("NFD", value).encode(), value.upper().encode(), value.lower().encode()}


def test_claims_are_nowhere_in_the_clear(wallet: Wallet, phone_of: Make) -> None:
    citizen = phone_of("xa")
    document = citizen.issue_residence()
    whole = citizen.get(f"/v1/documents/{document}").json
    secrets = {citizen.persona.number, citizen.own.password, citizen.own.passcode, whole["salt"], whole["code"]}
    named = ("full_name", "permanent_address", "temporary_address", "household_head_name", "number")
    secrets |= {str(whole["claims"][name]) for name in named}
    assert citizen.persona.name in secrets
    stored = every_value(wallet)
    assert document.encode() in stored, "the search would not find anything"
    for secret in secrets:
        for form in forms(secret):
            if len(form) >= 6:
                assert form not in stored, f"{secret!r} stands in the database"


def test_erased_holder_can_be_read_by_nobody(wallet: Wallet, phone_of: Make) -> None:
    citizen, neighbour = phone_of("an"), phone_of("sau")
    document, other = citizen.issue_residence(), neighbour.issue_residence()
    holder = holder_of(wallet, citizen)
    with wallet.db.read() as session:
        sealed_key = bytes(session.get_one(Holder, holder).sealed_data_key or b"")
        sealed = bytes(session.get_one(DocumentRow, document).sealed)
    assert sealed_key
    with wallet.work() as work:
        account = work.accounts.of_holder(holder)
        assert account is not None
        work.accounts.close(account.id, SYSTEM)
        work.holders.erase(holder)
    restarted = Wallet.build(wallet.settings, clock=wallet.clock)
    with restarted.read() as work:
        assert work.holders.find(citizen.persona.number) is None
        row = work.document_rows.get(document)
        assert row is not None
        assert bytes(row.sealed) == sealed, "the document is there, and says nothing"
        with pytest.raises(NotFound):
            work.holders.unseal(holder, document, sealed)
        with pytest.raises(NotFound):
            work.holders.profile(holder)
    restarted.close()
    assert neighbour.get(f"/v1/documents/{other}").status_code == 200
    if wallet.db.is_sqlite:
        # Not only the row: the pages of the file must not keep what was erased, once the log is folded in.
        with wallet.db.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert sealed_key not in every_value(wallet)


def test_error_of_the_driver_says_no_values(wallet: Wallet) -> None:
    """Such an error goes into the log, and its values are somebody's."""
    seen = "09 Đường Bí Mật"

    def insert_twice() -> None:
        with wallet.db.write() as session:
            values = {"id": "hld_twice", "sealed_profile": seen.encode(), "created_at": wallet.clock.now()}
            session.execute(Holder.__table__.insert().values(**values))
            session.execute(Holder.__table__.insert().values(**values))

    with pytest.raises(IntegrityError) as raised:
        insert_twice()
    assert seen not in str(raised.value)
    assert repr(seen.encode()) not in str(raised.value)
    assert "hidden" in str(raised.value)


def test_keys_that_are_past_their_life_are_free_again(wallet: Wallet, clock: FixedClock, phone_of: Make) -> None:
    citizen = phone_of("an")
    first = citizen.post("/v1/requests", {"utility": "residence"}, key="one-key-for-years").json
    clock.advance(timedelta(hours=23, minutes=59))
    citizen.sign_in()
    assert citizen.post("/v1/requests", {"utility": "residence"}, key="one-key-for-years").json == first
    clock.advance(minutes=2)
    third = citizen.post("/v1/requests", {"utility": "residence"}, key="one-key-for-years")
    assert third.status_code == 201
    assert third.json["document_id"] != first["document_id"]


def test_writers_come_in_the_order_in_which_they_asked(tmp_path: Path) -> None:
    """Whoever writes without a pause never keeps the others out."""
    database = Database(f"sqlite:///{tmp_path}/wallet.db")
    order: list[str] = []

    def write(name: str) -> None:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            order.append(name)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(5)]
    with database.write() as session:
        session.execute(text("SELECT 1"))
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(database._writers._waiting) < number:
                time.sleep(0.001)
    write("again")
    for thread in threads:
        thread.join()
    assert order == ["0", "1", "2", "3", "4", "again"]
    database.close()


def test_writer_that_waits_too_long_is_told(tmp_path: Path) -> None:
    """Another process holds SQLite's one lock: 503, not an error of the driver."""
    database = Database(f"sqlite:///{tmp_path}/wallet.db")
    Base.metadata.create_all(database.engine)
    database.engine.dispose()

    @event.listens_for(database.engine, "connect")
    def hurry(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    holder = sqlite3.connect(tmp_path / "wallet.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refused, database.write() as session:
        session.execute(text("SELECT 1"))
    assert refused.value.code == "dependency_unavailable"
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM documents")) == 0
    holder.execute("ROLLBACK")
    holder.close()
    with database.write() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()
