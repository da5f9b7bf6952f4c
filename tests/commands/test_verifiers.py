"""`wallet verifiers` and `wallet demo desks`: who checks, from the server's shell; nobody is let in by one alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import func, select

from tests.checks.gates import purpose
from wallet.audit import AuditEvent
from wallet.checks.models import VerifierDeskRow, VerifierRow
from wallet.clock import SystemClock
from wallet.demo.gates import GATES
from wallet.errors import NotAuthenticated
from wallet.settings import Settings
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

Run = Callable[..., Result]
NAMES = ("--name-vi", "Khách sạn Sông Hồng", "--name-en", "Red River Hotel", "--ground", "Luật Cư trú 68/2020/QH14")
APPROVER = Actor("acc_approver", roles=frozenset({StaffRole.APPROVER}))


@pytest.fixture
def live(deployment: Settings) -> Iterator[Wallet]:
    wallet = Wallet.build(deployment, clock=SystemClock())
    yield wallet
    wallet.close()


@pytest.fixture
def hotel(run: Run, live: Wallet) -> str:
    """A hotel that the shell asked for and an approver let in."""
    result = run("verifiers", "add", "--template", "hotel", *NAMES, "--json")
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["state"] == "awaiting_approval"
    with live.work() as work:
        work.verifiers.decide(made["id"], made["approval"], agree=True, actor=APPROVER)
    return str(made["id"])


def rows(live: Wallet) -> tuple[int, int]:
    with live.db.read() as session:
        tables = (VerifierRow, VerifierDeskRow)
        one, other = (session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    return one, other


def test_what_the_shell_asks_for_waits_for_a_second_person(run: Run, live: Wallet) -> None:
    result = run("verifiers", "add", "--template", "hotel", *NAMES)
    assert result.exit_code == 0, result.output
    assert "/decision" in result.stderr
    newest = json.loads(run("verifiers", "list", "--json").stdout)[0]
    assert (newest["state"], newest["purposes"], newest["desks"]) == ("awaiting_approval", [], [])
    assert newest["awaiting"] in result.stderr
    refused = run("verifiers", "desk", newest["id"], "--name", "Lễ tân", "--gate", "KS-1", "--purpose", "stay")
    assert refused.exit_code == 1
    assert "verifier_not_active" in refused.stderr
    with live.db.read() as session:
        actor = session.scalar(select(AuditEvent.actor).where(AuditEvent.subject == newest["id"]))
    assert actor == "system"


def test_a_desk_gets_a_key_that_works_until_it_is_revoked(run: Run, live: Wallet, hotel: str) -> None:
    made = run("verifiers", "desk", hotel, "--name", "Lễ tân", "--gate", "KS-1", "--purpose", "stay")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    with live.read() as work:
        desk = work.verifier_desks.authenticate(key)
    assert (desk.gate_id, list(desk.purposes)) == ("KS-1", ["stay"])
    assert key not in run("verifiers", "list").output + run("verifiers", "list", "--json").output
    wrong = run("verifiers", "revoke", key)
    assert (wrong.exit_code, "→ wallet verifiers list" in wrong.stderr) == (1, True)
    assert key.rpartition("_")[2] not in wrong.output
    assert run("verifiers", "revoke", desk.desk_id).exit_code == 0
    with live.read() as work, pytest.raises(NotAuthenticated):
        work.verifier_desks.authenticate(key)


def test_an_organisation_is_ended_with_its_desks(run: Run, live: Wallet, hotel: str) -> None:
    made = run("verifiers", "desk", hotel, "--name", "Lễ tân", "--gate", "KS-1", "--purpose", "stay", "--json")
    assert run("verifiers", "revoke", hotel, "--reason", "by_request").exit_code == 0
    with live.read() as work, pytest.raises(NotAuthenticated):
        work.verifier_desks.authenticate(json.loads(made.stdout)["key"])


def test_every_refusal_ends_with_the_next_command(run: Run, live: Wallet, hotel: str, tmp_path: Path) -> None:
    text, bad = tmp_path / "text.json", tmp_path / "bad.json"
    text.write_text("no json", encoding="utf-8")
    bad.write_text(json.dumps([purpose(claims={"passport": ["x"]})]), encoding="utf-8")
    desk = ("verifiers", "desk", hotel, "--name", "Lễ tân", "--purpose", "stay")
    refused: list[tuple[tuple[str, ...], str]] = [
        (("verifiers", "add", *NAMES), "/purposes: required"),
        (("verifiers", "add", *NAMES, "--template", "employer"), "/purposes/0/strict_ground: required"),
        (("verifiers", "add", *NAMES, "--template", "hotel", "--enterprise-code", "x"), "/enterprise_code"),
        (("verifiers", "add", *NAMES, "--purposes", str(text)), "JSON"),
        (("verifiers", "add", *NAMES, "--purposes", str(bad)), "/purposes/0/claims/passport: no_such_document"),
        ((*desk, "--gate", "ks 1"), "--gate"),
        ((*desk, "--gate", "KS-1", "--purpose", "boarding"), "/purposes/1: no_such_purpose"),
        (("verifiers", "desk", "vrf_0", "--name", "a", "--gate", "A", "--purpose", "stay"), "not_found"),
        (("verifiers", "revoke", "vsd_0"), "not_found"),
        (("verifiers", "revoke", "vrf_0"), "not_found"),
    ]
    before = rows(live)
    for arguments, told in refused:
        result = run(*arguments)
        assert result.exit_code == 1, arguments
        assert told in result.stderr, result.stderr
        assert "\n  → wallet verifiers " in result.stderr
    assert rows(live) == before


def test_purposes_come_from_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "purposes.json"
    file.write_text(json.dumps([purpose()]), encoding="utf-8")
    assert run("verifiers", "add", *NAMES, "--purposes", str(file)).exit_code == 0


def test_the_desks_of_the_demo_are_told_again_and_again(run: Run, live: Wallet) -> None:
    told: list[dict[str, Any]] = json.loads(run("demo", "desks", "--json").stdout)
    assert [row["key"] for row in told] == [gate.key for gate in GATES]
    with live.read() as work:
        for row in told:
            desk = work.verifier_desks.authenticate(row["desk_key"])
            assert (desk.desk_id, desk.gate_id, desk.test) == (row["desk_id"], row["gate_id"], True)
            assert sorted(desk.purposes) == sorted(row["purposes"])
    one = run("demo", "desks", "hotel").stdout
    assert told[2]["desk_key"] in one
    assert told[0]["desk_key"] not in one


def test_there_are_no_sample_desks_in_production_or_of_another_name(run: Run) -> None:
    assert "→ wallet demo desks" in run("demo", "desks", "bakery").stderr
    real = run("demo", "desks", WALLET_MODE="production")
    assert (real.exit_code, "vsd_" in real.output) == (1, False)
