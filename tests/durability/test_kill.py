"""kill -9 of the whole process group, from outside, under clients that retry: nothing lost, nothing twice (S-75).

KILLS: how often, 3 unless the environment says otherwise.
"""

import json
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import func, select, text

from tests.durability.callers import Caller, Ledger, ask_for_residence, revoke_one
from tests.durability.server import Server
from wallet.audit import AuditEvent
from wallet.documents.high_water import BLOCK
from wallet.documents.models import DocumentRow, StatusChange, StatusListRow
from wallet.idempotency import IdempotencyRow
from wallet.requests.models import RequestRow
from wallet.terms import Status
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("KILL_SEED", "1"))
CITIZENS = ("an", "sau", "doi", "nho", "xa", "dai", "marie", "han")
PATIENCE = 60
pytestmark = pytest.mark.timeout(300 + 30 * KILLS)


@contextmanager
def calling(callers: list[Caller]) -> Iterator[None]:
    """Let citizens ask and staff act, each until what they began is acknowledged."""
    for caller in callers:
        caller.start()
    try:
        yield
    finally:
        for caller in callers:
            caller.ledger.stop.set()
        for caller in callers:
            caller.join(PATIENCE)


def wait_for_acknowledgement(ledger: Ledger, since: float) -> float:
    """Return how long after `since` something was acknowledged again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not ledger.surprises, ledger.surprises
        found = ledger.first_after(since)
        if found is not None:
            return found - since
        time.sleep(0.005)
    raise AssertionError(f"nothing was acknowledged in {PATIENCE} s")


def test_killed_server_loses_nothing_and_does_nothing_twice(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    if not server.urls.is_sqlite:
        server.given["WALLET_WORKERS"] = "2"
    # Sessions outlive a kill; tokens this short make the callers sign in under fire too.
    server.given["WALLET_ACCESS_TOKEN_SECONDS"] = "30"
    assert server.run("--prepare-only").returncode == 0
    before, ledger = counted(server), Ledger()
    callers = [Caller(server, ledger, key, ask_for_residence) for key in CITIZENS]
    callers.append(Caller(server, ledger, "admin1", revoke_one))
    recoveries = kill_under(server, ledger, callers, lambda: bool(ledger.revoked))
    assert not ledger.surprises
    assert ledger.retries >= KILLS
    with capsys.disabled():
        print(summary(server, ledger, recoveries))  # noqa: T201 - a measurement is shown whether it passes or not
    assert_kept(server, ledger, before)


def kill_under(
    server: Server, ledger: Ledger, callers: list[Caller], enough: Callable[[], bool] = lambda: True
) -> list[float]:
    """Kill the server KILLS times while they call, and leave it dead; return the seconds of each recovery.

    enough: whether they have done what the test is about; until then, and a minute long, the last server lives.
    """
    chance, recoveries = random.Random(SEED), []
    server.start()
    with calling(callers):
        wait_for_acknowledgement(ledger, time.monotonic())
        for number in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.8))
            server.kill()
            killed_at = time.monotonic()
            if number % 4 == 3:  # once in a while it dies again while it starts
                server.begin()
                time.sleep(chance.uniform(0.1, 1.5))
                server.kill()
                killed_at = time.monotonic()
            server.start()
            recoveries.append(wait_for_acknowledgement(ledger, killed_at))
        until = time.monotonic() + 60
        while not enough() and time.monotonic() < until:
            time.sleep(0.1)
    server.kill()
    return recoveries


def summary(server: Server, ledger: Ledger, recoveries: list[float]) -> str:
    kind = "sqlite" if server.urls.is_sqlite else "postgresql"
    median, longest = statistics.median(recoveries), max(recoveries)
    return (
        f"\nkill -9, {kind}: {KILLS} kills, {len(ledger.issued)} issued, {len(ledger.revoked)} revoked, "
        f"{ledger.retries} calls cut, {ledger.conflicts} conflicts; "
        f"recovery p50 {median:.2f} s, max {longest:.2f} s"
    )


def counted(server: Server) -> dict[str, int]:
    """Return how much there is of what each document must leave exactly one of."""
    wallet = Wallet.build(server.settings)
    with wallet.db.read() as session:
        issued = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "document.issued")
        revoked = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "document.revoked")
        found = {
            "documents": session.scalar(select(func.count()).select_from(DocumentRow)),
            "requests": session.scalar(select(func.count()).select_from(RequestRow)),
            "indices": session.scalar(select(func.sum(StatusListRow.used))),
            "issued": session.scalar(issued),
            "revoked": session.scalar(revoked),
            "changes": session.scalar(select(func.count()).select_from(StatusChange)),
            "keys": session.scalar(select(func.count()).select_from(IdempotencyRow)),
        }
    wallet.close()
    return {name: int(value or 0) for name, value in found.items()}


def assert_kept(server: Server, ledger: Ledger, before: dict[str, int]) -> None:
    """Hold every promise against the tables, with the server dead."""
    issued, revoked = len(ledger.issued), len(ledger.revoked)
    assert issued > KILLS
    assert revoked > 0
    after = counted(server)
    grown = {name: after[name] - before[name] for name in after}
    # Of each list a start passes over the rest of a block that was begun (wallet/documents/high_water.py).
    starts = 1 + KILLS + KILLS // 4
    assert issued <= grown.pop("indices") <= issued + starts * server.settings.status_shards * (BLOCK - 1)
    # Every call was repeated until it was acknowledged, so the tables hold exactly what was: not one more.
    assert grown == {
        "documents": issued,
        "requests": issued,
        "issued": issued,
        "revoked": revoked,
        "changes": revoked,
        "keys": issued + revoked,
    }
    assert len({request for request, _ in ledger.issued.values()}) == issued
    assert len({document for _, document in ledger.issued.values()}) == issued
    with closing(Wallet.build(server.settings)) as wallet:
        assert_rows_kept(wallet, ledger)


def assert_rows_kept(wallet: Wallet, ledger: Ledger) -> None:
    """Hold each acknowledged answer against what is stored of it."""
    with wallet.read() as work:
        session = work.session
        if wallet.db.is_sqlite:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.execute(text("PRAGMA foreign_key_check")).first() is None
        rows = {row.id: row for row in session.scalars(select(DocumentRow))}
        requests = {row.id: row for row in session.scalars(select(RequestRow))}
        keys = {row.key: row for row in session.scalars(select(IdempotencyRow))}
        answers = {
            key: work.idempotency.opened(keys[key].answer or {}, keys[key].principal, key) for key in ledger.issued
        }
    for key, (request, document) in ledger.issued.items():
        assert requests[request].document_id == document
        assert rows[document].request_id == request
        answer = json.loads(answers[key]["body"])
        assert (answer["id"], answer["document_id"]) == (request, document)
    places = Counter((row.status_list, row.status_index) for row in rows.values())
    assert max(places.values()) == 1
    wallet.board.refresh(force=True)
    for document, revoked_at in ledger.revoked.items():
        row = rows[document]
        assert row.revoked_at is not None, f"an acknowledged revocation of {revoked_at} is gone"
        assert wallet.board.lists[row.status_list].get(row.status_index) is Status.INVALID
    assert_every_code_verifies(wallet, rows)


def assert_every_code_verifies(wallet: Wallet, rows: dict[str, DocumentRow]) -> None:
    now = wallet.clock.now()
    trust = wallet.trust.trust()
    with wallet.read() as work:
        for row in rows.values():
            code = json.loads(work.holders.unseal(row.holder_id, row.id, row.sealed))["code"]
            ends = {"expired": now >= row.expires_at, "revoked": row.revoked_at is not None}
            ends["suspended"] = row.suspended_at is not None and not ends["revoked"]
            wanted = tuple(reason for reason, holds in ends.items() if holds) or ("ok",)
            assert tuple(map(str, judge(code, trust, Policy(), now).reasons)) == wanted, row.id
