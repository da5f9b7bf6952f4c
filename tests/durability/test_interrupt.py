"""`wallet run` killed while it prepares, at any moment, and called again: the same deployment as without the kill."""

import os
import random
import socket
import time

import pytest
from sqlalchemy import func, select

from tests.durability.callers import Caller, Ledger, ask_for_residence
from tests.durability.server import Server, Urls
from wallet.crypto.keystore import REQUIRED, Keystore, Secret
from wallet.db import Base
from wallet.demo.personas import PERSONAS
from wallet.demo.setup import is_set_up
from wallet.launching.states import LaunchState
from wallet.schema import schema_problem
from wallet.sources.models import Citizen
from wallet.terms import Status
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

CITIZENS = ("--citizens", "3000")  # enough for several chunks
ROUNDS = max(2, int(os.environ.get("KILLS", "3")) // 2)
SEED = 1
pytestmark = pytest.mark.timeout(300)
VARIES = {"audit_events", "guess_counts"}
"""Survivors of a killed transaction are not there, counts whose time is over are dropped; everything else is."""


def sizes(wallet: Wallet) -> dict[str, int]:
    with wallet.db.read() as session:
        found = {
            table.name: int(session.scalar(select(func.count()).select_from(table)) or 0)
            for table in Base.metadata.sorted_tables
            if table.name not in VARIES
        }
    with wallet.nation.read() as session:
        return found | {"citizens": int(session.scalar(select(func.count()).select_from(Citizen)) or 0)}


def story(wallet: Wallet) -> dict[str, object]:
    """Return what each persona has: account, device, documents and what their codes are judged to be."""
    now, found = wallet.clock.now(), {}
    wallet.board.refresh(force=True)
    with wallet.read() as work:
        for persona in PERSONAS:
            holder = work.holders.find(persona.number)
            assert holder is not None, persona.key
            account = work.accounts.of_holder(holder)
            assert account is not None, persona.key
            device = work.devices.of_account(account.id)
            documents = []
            for row in work.document_rows.page_of_holder(holder, 10, None)[0]:
                content = work.holders.unseal(holder, row.id, row.sealed).decode()
                code = content.split('"code":"', 1)[1].split('"', 1)[0]
                status = wallet.board.lists[row.status_list].get(row.status_index)
                reasons = judge(code, wallet.trust.trust(), Policy(), now).reasons
                documents.append((status is Status.VALID, row.revoked_at is None, tuple(map(str, reasons))))
            found[persona.key] = (str(account.state), int(account.level), device is not None, documents)
        found["residence"] = work.rollout.launch("residence").state
    return found


def assert_whole(server: Server) -> tuple[dict[str, int], dict[str, object]]:
    keystore = Keystore.open(server.settings.keys_dir)
    assert all(len(keystore.keys(role)) == 1 for role in REQUIRED)
    assert all(len(keystore.secret(name)) == 32 for name in Secret)
    wallet = Wallet.build(server.settings)
    wallet.db.assert_durable()
    assert schema_problem(wallet.db) is None
    assert is_set_up(wallet)
    made = sizes(wallet), story(wallet)
    assert made[1]["residence"] is LaunchState.OPEN
    wallet.close()
    return made


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, object], float]:
    """What one call makes that nobody disturbs, and how long it takes."""
    directory = tmp_path_factory.mktemp("uninterrupted")
    urls = Urls(*(f"sqlite:///{directory}/var/{name}.db" for name in ("wallet", "nation")))
    server = Server(directory, urls)
    started = time.monotonic()
    done = server.run("--prepare-only", *CITIZENS)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    return *assert_whole(server), seconds


def test_killed_preparation_is_finished_by_the_next(
    server: Server, uninterrupted: tuple[dict[str, int], dict[str, object], float]
) -> None:
    sizes_wanted, story_wanted, seconds = uninterrupted
    chance = random.Random(SEED)
    for _ in range(ROUNDS):
        # The beginning is imports: what is worth interrupting comes after them.
        process = server.begin("--prepare-only", *CITIZENS)
        time.sleep(seconds * chance.uniform(0.3, 1.0))
        assert process.poll() in (None, 0), server.log
        server.kill()
    done = server.run("--prepare-only", *CITIZENS)
    assert done.returncode == 0, done.stderr
    made = assert_whole(server)
    assert made == (sizes_wanted, story_wanted)
    again = server.run("--prepare-only", *CITIZENS)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert assert_whole(server) == made


@pytest.mark.parametrize("marker", ["keyring.json", "status-order.secret", "wallet.db-wal", "nation.db-wal"])
def test_kill_right_after_a_file_appears(
    plain_server: Server, marker: str, uninterrupted: tuple[dict[str, int], dict[str, object], float]
) -> None:
    """The moments at which something is half made, aimed at."""
    server = plain_server
    process = server.begin("--prepare-only", *CITIZENS)
    while process.poll() is None and not any(server.directory.rglob(marker)):
        time.sleep(0.0005)
    server.kill()
    done = server.run("--prepare-only", *CITIZENS)
    assert done.returncode == 0, done.stderr
    assert assert_whole(server) == uninterrupted[:2]


def test_two_preparations_at_once_do_not_break_each_other(plain_server: Server) -> None:
    """Two terminals, one command: each ends well or says in words what holds it up, and the next call finishes."""
    server = plain_server
    twin = Server(server.directory, server.urls)
    twin.given = server.given
    begun = [each.begin("--prepare-only", *CITIZENS) for each in (server, twin)]
    for process in begun:
        process.wait(120)
    assert "Traceback" not in server.log, server.log
    done = server.run("--prepare-only", *CITIZENS)
    assert done.returncode == 0, done.stderr
    assert_whole(server)


def test_second_preparation_keeps_the_nation_that_is_there(plain_server: Server) -> None:
    server = plain_server
    assert server.run("--prepare-only", "--citizens", "100").returncode == 0
    before = assert_whole(server)
    other = server.run("--prepare-only", "--citizens", "200")
    assert other.returncode == 0, other.stderr
    assert "keeping the nation" in other.stderr
    assert assert_whole(server) == before


def test_restart_leaves_a_new_document_of_a_persona_alone(plain_server: Server) -> None:
    """Whose former document was revoked may ask for another; preparing again must not revoke that one."""
    server = plain_server
    assert server.run("--prepare-only").returncode == 0
    server.start()
    ledger = Ledger()
    caller = Caller(server, ledger, "dot", ask_for_residence)
    ask_for_residence(caller)
    caller.http.close()
    server.kill()
    before = assert_whole(server)
    assert server.run("--prepare-only").returncode == 0
    assert assert_whole(server) == before


def test_port_in_use_ends_with_the_next_command(plain_server: Server) -> None:
    server = plain_server
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        refused = server.run()
    assert refused.returncode == 1
    assert f"port {server.port} is in use" in refused.stderr
    assert f"make run PORT={server.port + 1}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (server.directory / "keys").exists(), "it was refused before anything was made"
