"""The upload command against a real server that dies under it: what was noted at a gate arrives, and counts once."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from tests.checks.verifier import Desk, purpose_json
from tests.durability.server import Server
from tests.verifier.test_fetching import server as serving
from wallet.audit import AuditEvent
from wallet.checks.models import VerifierDeskRow, VerifierRow
from wallet.checks.online.receipts import LOOKS_A_DAY
from wallet.documents.models import DocumentRow
from wallet.idempotency import IdempotencyRow
from wallet.verifier import Judgement, Verdict
from wallet.verifier.judgement import VerifiedDocument
from wallet.verifier.receipts import BATCH_RECEIPTS, Receipts
from wallet.wiring import Wallet

KEPT = 2 * BATCH_RECEIPTS + 50
pytestmark = pytest.mark.timeout(240)


class GateStore:
    """The store of a gate with the key of its desk, and the command that uploads it.

    No document is checked twice in an hour, and nobody a hundred times: each receipt is a look that its holder sees.
    """

    def __init__(self, folder: Path, desk: Desk, documents: list[str]) -> None:
        self.folder, self.documents, self.receipts = folder, documents, Receipts(folder)
        self.noted = 0
        self.key_file = folder / "key"
        self.key_file.write_text(desk.headers["X-Desk-Key"])

    def note(self, count: int, checked_at: datetime, purpose: str = "boarding") -> None:
        for _ in range(count):
            hour, place = divmod(self.noted, len(self.documents))
            self.noted += 1
            at = checked_at - timedelta(hours=hour)
            document = VerifiedDocument(
                *(self.documents[place], "VN-MAU", {}, "residence", 1, None, at, at, None, (), None, None)
            )
            judged = Judgement(Verdict.VALID, ("ok",), True, (1, 2, 3, 4), document, None, at, 0)
            self.receipts.note(judged, purpose)

    def begin(self, url: str) -> "subprocess.Popen[str]":
        given = ["--store", str(self.folder), "--desk-key-file", str(self.key_file), "--tries", "1", "--url", url]
        command = [sys.executable, "-m", "wallet.verifier", "upload", "--json", *given]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def upload(self, url: str) -> tuple[int, dict[str, Any]]:
        """Run the command to its end; return its exit and what it said."""
        with self.begin(url) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, json.loads(out) if out else {"error": err}


@pytest.fixture
def wallet(server: Server) -> Iterator[Wallet]:
    """The server's own databases, seen from beside it."""
    prepared = server.run("--prepare-only")
    assert prepared.returncode == 0, prepared.stderr
    wallet = Wallet.build(server.settings)
    yield wallet
    wallet.close()


@pytest.fixture
def desk(wallet: Wallet) -> Desk:
    return Desk.open(wallet, None, purpose_json(legal_ground="Luật Hàng không"))  # type: ignore[arg-type]


@pytest.fixture
def gate(wallet: Wallet, desk: Desk, tmp_path: Path) -> GateStore:
    folder = tmp_path / "store"
    folder.mkdir()
    with wallet.db.read() as session:
        of_each = select(func.min(DocumentRow.id)).where(DocumentRow.signed_at.is_not(None))
        documents = list(session.scalars(of_each.group_by(DocumentRow.holder_id)))
    assert LOOKS_A_DAY * len(documents) >= KEPT
    return GateStore(folder, desk, documents)


def events(wallet: Wallet, action: str) -> list[dict[str, Any]]:
    with wallet.db.read() as session:
        return [dict(each) for each in session.scalars(select(AuditEvent.details).where(AuditEvent.action == action))]


def assert_counted_once(wallet: Wallet, checks: int) -> None:
    """Hold what the service has against what the gate noted: each receipt and each check once."""
    assert len(events(wallet, "check.offline")) == checks
    assert sum(each["counts"].get("valid", 0) for each in events(wallet, "verifier_desk.offline_checks")) == checks


def test_a_server_or_a_command_that_is_killed_loses_nothing_and_counts_nothing_twice(
    server: Server, wallet: Wallet, gate: GateStore
) -> None:
    gate.note(KEPT, datetime.now(UTC))
    for seconds, victim in ((0.3, "server"), (0.5, "command"), (0.7, "server"), (0.9, "command")):
        if server.process is None:
            server.start()
        with gate.begin(server.address) as process:
            time.sleep(seconds)
            if victim == "server":
                server.kill()
            else:
                process.kill()
            process.communicate(timeout=60)
    assert server.process is not None
    code, told = gate.upload(server.address)
    assert (code, told["outcome"], gate.receipts.waiting()) == (0, "uploaded", 0), told
    assert_counted_once(wallet, KEPT)


def test_an_answer_that_died_with_its_server_is_asked_for_again(
    server: Server, wallet: Wallet, gate: GateStore
) -> None:
    gate.note(BATCH_RECEIPTS + 1, datetime.now(UTC))
    server.start()
    forwarded: list[int] = []

    def dying(request: BaseHTTPRequestHandler) -> None:
        """Hand a request on; the server has done what it says, and is dead before anybody hears of it."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        names = ("Content-Type", "Idempotency-Key", "X-Desk-Key")
        headers = {name: request.headers[name] for name in names}
        told = httpx.post(f"{server.address}{request.path}", content=body, headers=headers, timeout=120)
        forwarded.append(told.status_code)
        server.kill()
        request.close_connection = True

    with serving(dying) as url:
        code, told = gate.upload(url)
    assert (code, told["error"], forwarded) == (2, "upload", [204])
    assert gate.receipts.waiting() == BATCH_RECEIPTS + 1
    assert len(events(wallet, "check.offline")) == BATCH_RECEIPTS
    server.start()
    assert gate.upload(server.address)[0] == 0
    assert_counted_once(wallet, BATCH_RECEIPTS + 1)


def test_an_answer_that_is_asked_for_after_its_key_is_forgotten_counts_nothing_again(
    server: Server, wallet: Wallet, gate: GateStore
) -> None:
    gate.note(3, datetime.now(UTC))
    server.start()
    batch = gate.receipts.next_batch()
    assert batch is not None
    headers = {"X-Desk-Key": gate.key_file.read_text(), "Idempotency-Key": batch.id}
    sent = httpx.post(f"{server.address}/v1/verifier/receipts", json=dict(batch.body), headers=headers, timeout=120)
    assert sent.status_code == 204, sent.text
    with wallet.work() as work:  # a gate that is switched on again after a weekend
        work.session.execute(delete(IdempotencyRow).where(IdempotencyRow.key == batch.id))
    assert gate.upload(server.address)[0] == 0
    assert_counted_once(wallet, 3)


def test_what_the_server_refuses_for_good_is_set_aside_and_the_rest_arrives(
    server: Server, wallet: Wallet, desk: Desk, gate: GateStore
) -> None:
    now = datetime.now(UTC)
    gate.note(1, now - timedelta(days=31))
    gate.note(1, now, purpose="lounge")
    gate.note(2, now)
    server.start()
    code, told = gate.upload(server.address)
    assert (code, told["receipts"], told["checks"]) == (2, 2, 4)
    assert told["set_aside"] == {"receipts": 2, "checks": 0}
    assert sorted(each.code for each in gate.receipts.refused()) == ["out_of_range", "purpose_not_registered"]
    gate.note(1, now)
    assert gate.upload(server.address)[0] == 0
    assert len(events(wallet, "check.offline")) == 3
    gate.note(1, now)
    for state, outcome in (("suspended", (2, "desk_key_suspended", 1)), ("active", (0, None, 0))):
        with wallet.work() as work:
            row = update(VerifierRow).where(VerifierRow.id == desk.organisation)
            work.session.execute(row.values(state=state))
        code, told = gate.upload(server.address)
        assert (code, told.get("error"), gate.receipts.waiting()) == outcome, "the same key, once it goes on"
    with wallet.work() as work:
        row = update(VerifierDeskRow).where(VerifierDeskRow.id == desk.id)
        work.session.execute(row.values(state="revoked", revoked_at=now))
    gate.note(1, now)
    code, told = gate.upload(server.address)
    assert (code, told["error"]) == (2, "desk_key_refused"), "no batch is at fault: another key makes all of it good"
    assert gate.receipts.waiting() == 1
    other = Desk.open(wallet, None, purpose_json(), of=desk.organisation, gate="G-2")  # type: ignore[arg-type]
    gate.key_file.write_text(other.headers["X-Desk-Key"])
    assert gate.upload(server.address)[0] == 0
    assert len(events(wallet, "check.offline")) == 5
