"""`wallet utilities enable`, `pilot`, `sandbox`, `schedule` and the rest: two are named, or it waits."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of
from wallet.audit import AuditEvent
from wallet.wiring import Wallet
from wallet.working_days import ZONE

Run = Callable[..., Result]
State = Callable[[], dict[str, list[str]]]


@pytest.fixture
def admins(wallet: Wallet) -> tuple[str, str]:
    return admin_of(wallet).account_id, admin_of(wallet, "admin2").account_id


def call(run: Run, verb: str, *options: str, reason: str = "because of a test") -> Result:
    return run("utilities", verb, "residence", "--reason", reason, *options)


def status(run: Run) -> dict:
    result = run("utilities", "status", "residence", "--json")
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_one_admin_pauses_and_the_command_stands_in_the_record(
    run: Run, wallet: Wallet, admins: tuple[str, str]
) -> None:
    words = ("--text-vi", "Đang sửa dữ liệu", "--text-en", "Being mended")
    result = call(run, "pause", "--by", admins[0], *words)
    assert result.exit_code == 0, result.stderr
    assert "Tạm dừng / Paused" in result.stdout
    found = status(run)
    assert (found["state"], found["changed_by"]) == ("paused", admins[0])
    assert found["pause_text"] == {"vi": words[1], "en": words[3]}
    with wallet.db.read() as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(2)).all()
    assert [(row.action, row.actor) for row in last] == [
        ("utility.by_command", "system"),
        ("utility.paused", admins[0]),
    ]
    assert last[0].details["by"] == admins[0]


def test_widening_waits_unless_a_second_admin_is_named(run: Run, admins: tuple[str, str]) -> None:
    assert call(run, "pause", "--by", admins[0]).exit_code == 0
    waiting = call(run, "enable", "--by", admins[0])
    assert waiting.exit_code == 0
    assert "chờ người thứ hai" in waiting.stderr
    assert "/v1/admin/approvals/apr_" in waiting.stderr
    found = status(run)
    assert (found["state"], found["awaiting"]["after"]["state"]) == ("paused", "open")
    shown = run("utilities", "status", "residence")
    assert found["awaiting"]["id"] in shown.stderr
    again = call(run, "enable", "--by", admins[1], "--second", admins[0])
    assert (again.exit_code, "approval_pending" in again.stderr) == (1, True)
    assert "→ wallet utilities status residence" in again.stderr


def test_two_admins_pilot_open_and_retire(run: Run, wallet: Wallet, admins: tuple[str, str]) -> None:
    both = ("--by", admins[0], "--second", admins[1])
    tester = actor_of(wallet).account_id
    parts = ("--province", "01", "--province", "46", "--percent", "12.5", "--tester", tester)
    assert call(run, "pause", "--by", admins[0]).exit_code == 0
    result = call(run, "pilot", *both, *parts, "--until", "2126-01-01T00:00:00+07:00", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["audience"] == {
        "provinces": ["01", "46"],
        "permille": 125,
        "testers": [tester],
        "until_at": "2125-12-31T17:00:00+00:00",
    }
    assert call(run, "enable", *both).exit_code == 0
    assert status(run)["state"] == "open"
    assert call(run, "retire", *both).exit_code == 0
    rows = json.loads(run("utilities", "list", "--json").stdout)["utilities"]
    assert {row["code"]: row["state"] for row in rows}["residence"] == "retired"
    refused = call(run, "enable", *both)
    assert (refused.exit_code, "transition_not_allowed" in refused.stderr) == (1, True)


def test_two_admins_open_a_sandbox_and_one_takes_it_back(run: Run, wallet: Wallet, admins: tuple[str, str]) -> None:
    tester = actor_of(wallet).account_id
    assert call(run, "off", "--by", admins[0]).exit_code == 0
    assert status(run)["state"] == "off"
    waiting = call(run, "sandbox", "--by", admins[0], "--tester", tester)
    assert (waiting.exit_code, "waits for a second admin" in waiting.stderr) == (0, True)
    assert status(run)["state"] == "off"
    assert call(run, "off", "--by", admins[0]).exit_code == 1  # it is off already
    with wallet.work() as work:
        asked = work.launching.pending()[0]
        work.launching.decide(asked.id, agree=False, actor=admin_of(wallet, "admin2"))
    result = call(run, "sandbox", "--by", admins[0], "--second", admins[1], "--tester", tester, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["audience"] == {"testers": [tester]}
    assert call(run, "off", "--by", admins[1]).exit_code == 0
    found = status(run)
    assert (found["state"], found["audience"], found["changed_by"]) == ("off", {}, admins[1])


def test_a_change_is_scheduled_shown_and_taken_back(run: Run, wallet: Wallet, admins: tuple[str, str]) -> None:
    at = datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=30)
    result = call(run, "schedule", "--by", admins[0], "--to", "paused", "--at", at.isoformat(), "--json")
    assert result.exit_code == 0, result.stderr  # narrowing: one is enough
    planned = json.loads(result.stdout)["schedule"]
    assert [(each["state"], each["at"], each["agreed_by"]) for each in planned] == [
        ("paused", at.astimezone(UTC).isoformat(), "")
    ]
    shown = run("utilities", "status", "residence")
    assert f"{at:%d/%m/%Y} 08:00 → paused  ({planned[0]['id']})" in shown.stdout
    change = ("--by", admins[1], "--change", planned[0]["id"])
    oneself = run("utilities", "unschedule", "residence", *change, "--second", admins[1])
    assert (oneself.exit_code, "has to be somebody else" in oneself.stderr) == (1, True)
    alone = run("utilities", "unschedule", "residence", *change, "--json")
    assert alone.exit_code == 0, alone.stderr  # without the stop everybody is in: that waits for a second admin
    waiting = json.loads(alone.stdout)
    assert (waiting["status"], waiting["takes_back"]) == ("awaiting_approval", planned[0]["id"])
    assert len(status(run)["schedule"]) == 1
    with wallet.work() as work:
        work.launching.decide(waiting["id"], agree=False, actor=admin_of(wallet, "admin1"))
    taken_back = run("utilities", "unschedule", "residence", *change, "--second", admins[0])
    assert taken_back.exit_code == 0, taken_back.stderr
    assert status(run)["schedule"] == []
    again = run("utilities", "unschedule", "residence", *change)
    assert (again.exit_code, "→ wallet utilities status residence" in again.stderr) == (1, True)
    with wallet.db.read() as session:
        told = select(AuditEvent.details).where(AuditEvent.action == "utility.by_command").order_by(AuditEvent.id)
        commands = session.scalars(told).all()
    assert [each["command"] for each in commands] == ["schedule", "unschedule", "unschedule"]


def test_what_is_scheduled_to_let_people_in_waits_for_a_second_admin(run: Run, admins: tuple[str, str]) -> None:
    assert call(run, "pause", "--by", admins[0]).exit_code == 0
    when = ("--to", "pilot", "--province", "01", "--at", "2126-01-01T08:00:00+07:00")
    waiting = call(run, "schedule", "--by", admins[0], *when, "--json")
    assert waiting.exit_code == 1  # a year and more ahead
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    waiting = call(run, "schedule", "--by", admins[0], *when[:-1], soon, "--json")
    assert waiting.exit_code == 0, waiting.stderr
    told = json.loads(waiting.stdout)
    assert (told["status"], told["after"]["state"], told["effective_at"]) == ("awaiting_approval", "pilot", soon)
    assert status(run)["schedule"] == []


SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()
WRONG: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("pause", ("--by", "acc_nobody"), "is no admin", "wallet staff list"),
    ("pause", ("--by", "{citizen}"), "is no admin", "wallet staff list"),
    ("pause", ("--by", "{admin}", "--text-vi", "Dừng"), "both languages", "wallet utilities pause residence"),
    ("enable", ("--by", "{admin}", "--second", "{admin}"), "somebody else", "wallet staff list"),
    ("enable", ("--by", "{admin}"), "already_in_state", "wallet utilities status residence"),
    ("pilot", ("--by", "{admin}"), "pilot_limits_nothing", "wallet utilities pilot --help"),
    ("pilot", ("--by", "{admin}", "--province", "02"), "unknown_province", "wallet utilities pilot --help"),
    ("pilot", ("--by", "{admin}", "--percent", "0.05"), "steps of 0.1", "wallet utilities pilot residence"),
    ("pilot", ("--by", "{admin}", "--percent", "101"), "steps of 0.1", "wallet utilities pilot residence"),
    ("pilot", ("--by", "{admin}", "--from", "2126-01-01T00:00:00"), "offset is missing", "wallet utilities pilot"),
    ("pilot", ("--by", "{admin}", "--until", "soon"), "RFC 3339", "wallet utilities pilot residence"),
    ("off", ("--by", "{citizen}"), "is no admin", "wallet staff list"),
    ("sandbox", ("--by", "{admin}"), "testers_needed", "wallet utilities sandbox --help"),
    ("sandbox", ("--by", "{admin}", "--tester", "acc_nobody"), "unknown_account", "wallet utilities sandbox --help"),
    ("sandbox", ("--by", "{admin}", "--from", "soon"), "RFC 3339", "wallet utilities sandbox residence --tester"),
    (
        "schedule",
        ("--by", "{admin}", "--to", "paused", "--at", "soon"),
        "RFC 3339",
        "wallet utilities schedule residence",
    ),
    (
        "schedule",
        ("--by", "{admin}", "--to", "off", "--at", "2020-01-01T00:00:00Z"),
        "already_past",
        "wallet utilities schedule --help",
    ),
    (
        "schedule",
        ("--by", "{admin}", "--to", "off", "--at", "2999-01-01T00:00:00Z"),
        "too_far_ahead",
        "wallet utilities schedule --help",
    ),
    (
        "schedule",
        ("--by", "{admin}", "--to", "open", "--at", SOON),
        "already_in_state",
        "wallet utilities status residence",
    ),
    (
        "schedule",
        ("--by", "{admin}", "--to", "off", "--percent", "5", "--at", SOON),
        "not_for_state",
        "wallet utilities schedule --help",
    ),
)


@pytest.mark.parametrize(("verb", "options", "why", "mend"), WRONG)
def test_refusal_says_why_and_names_the_next_command(
    run: Run, wallet: Wallet, state: State, verb: str, options: tuple[str, ...], why: str, mend: str
) -> None:
    people = {"admin": admin_of(wallet).account_id, "citizen": actor_of(wallet).account_id}
    before = state()
    result = call(run, verb, *(option.format(**people) for option in options))
    assert (result.exit_code, result.stdout) == (1, "")
    assert why in result.stderr
    assert f"→ {mend}" in result.stderr
    assert state() == before


def test_reason_is_needed_and_unknown_utilities_are_named(run: Run, admins: tuple[str, str]) -> None:
    short = call(run, "enable", "--by", admins[0], reason="x")
    assert (short.exit_code, "3 to 500" in short.stderr) == (1, True)
    unknown = run("utilities", "status", "no_such")
    assert (unknown.exit_code, "→ wallet utilities list" in unknown.stderr) == (1, True)


def test_list_without_a_database_makes_none(run: Run, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tmp_path / "nowhere" / "wallet.db"
    monkeypatch.setenv("WALLET_DATABASE_URL", f"sqlite:///{where}")
    assert run("utilities", "list").exit_code == 0
    assert not where.parent.exists()
    stopped = run("utilities", "status", "residence")
    assert (stopped.exit_code, "→ wallet db upgrade" in stopped.stderr) == (1, True)
