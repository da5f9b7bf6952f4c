"""`wallet staff`, and the first sign-in of whoever it lets in."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text
from werkzeug.test import TestResponse

from tests.conftest import CHEAP
from tests.phone import b64url, compact_jws
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.audit import AuditEvent
from wallet.clock import SystemClock
from wallet.commands.main import wallet as command
from wallet.db import Database
from wallet.demo.nation import seed_nation
from wallet.demo.personas import persona
from wallet.identity.passwords import Knowledge
from wallet.settings import Settings
from wallet.terms import Actor
from wallet.web.app import create_app
from wallet.wiring import Wallet

Run = Callable[..., Result]
NEWCOMER = "099192000051"
"""An's wife: in the register, without an account."""
AGENCY = ("--agency", "Công an phường mẫu", "--province", "01")
PASSWORD, PASSCODE = "MatKhau#2026", "739105"


class NewPhone:
    """A phone with a key of its own and nothing else."""

    def __init__(self, client: FlaskClient, name: str = "a") -> None:
        self.client = client
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.device_id = f"dev_new_{name}"
        self.issuer = client.application.extensions["wallet"].settings.issuer_url

    @property
    def jwk(self) -> dict[str, str]:
        point = self.key.public_key().public_numbers()
        x, y = (b64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def proof(self, device_id: str = "") -> str:
        device_id = device_id or self.device_id
        answer = self.client.post("/v1/device-challenges", json={"device_id": device_id}).json or {}
        wallet = self.client.application.extensions["wallet"]
        now = int(wallet.clock.now().timestamp())
        claims = {"aud": self.issuer, "challenge": answer["challenge"], "device_id": device_id, "iat": now}
        return compact_jws({"alg": "ES256", "typ": "viso-device-proof+jwt"}, claims, self.key)

    def order(self, token: str, /, **changes: Any) -> dict[str, Any]:
        own = {
            "token": token,
            "device_id": self.device_id,
            "public_key": self.jwk,
            "device_name": "Điện thoại công vụ",
            "proof": self.proof(),
            "password": PASSWORD,
            "passcode": PASSCODE,
        }
        return own | changes

    def enrol(self, token: str, /, **changes: Any) -> TestResponse:
        return self.client.post("/v1/staff-enrolments", json=self.order(token, **changes))

    def sign_in(self, number: str) -> TestResponse:
        order = {"proof": self.proof(), "number": number, "password": PASSWORD}
        return self.client.post("/v1/sessions", json=order)


@pytest.fixture
def live(deployment: Settings) -> Iterator[Wallet]:
    """The wallet with the real clock, which commands run by."""
    wallet = Wallet.build(deployment, clock=SystemClock())
    yield wallet
    wallet.close()


@pytest.fixture
def phone(live: Wallet) -> NewPhone:
    return NewPhone(create_app(live).test_client())


@pytest.fixture
def token(run: Run) -> str:
    """The token of a newcomer who is to be an admin."""
    result = run("staff", "add", "--role", "admin", "--number", NEWCOMER, *AGENCY)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def account_of(wallet: Wallet, number: str) -> tuple[str, str, int, bool] | None:
    with wallet.read() as work:
        holder = work.holders.find(number)
        account = None if holder is None else work.accounts.of_holder(holder)
        if account is None:
            return None
        return (
            account.id,
            str(account.state),
            len(work.accounts.grants(account.id)),
            bool(work.devices.of_account(account.id)),
        )


def test_staff_added_on_the_shell_enrols_a_device_and_signs_in(run: Run, live: Wallet, phone: NewPhone) -> None:
    result = run("staff", "add", "--role", "officer", "--number", NEWCOMER, *AGENCY, "--phone", "0912345678", "--json")
    made = json.loads(result.stdout)
    assert made["enrolment"]["url"].endswith("/v1/staff-enrolments")
    account = account_of(live, NEWCOMER)
    assert account == (made["account_id"], "approved", 0, False)
    answer = phone.enrol(made["enrolment"]["token"], biometric_key=NewPhone(phone.client).jwk)
    assert answer.status_code == 201, answer.text
    assert answer.json == {"account_id": made["account_id"], "device_id": phone.device_id}
    assert account_of(live, NEWCOMER) == (made["account_id"], "active", 1, True)
    session = phone.sign_in(NEWCOMER)
    assert session.status_code == 201, session.text
    headers = {"Authorization": f"Bearer {(session.json or {})['access_token']}"}
    me = phone.client.get("/v1/me", headers=headers).json or {}
    assert (me["roles"], me["account_level"], me["auth_level"]) == (["officer"], 2, 2)
    with live.read() as work:
        contact = work.contacts.find(made["account_id"])
    assert contact is not None
    assert contact.phone == "+84912345678"


def test_a_reviewer_is_added_at_a_second_desk_and_taken_from_one(run: Run, live: Wallet) -> None:
    number = persona("reviewer2").number
    second = ("--number", number, "--agency", "province_police", "--province", "79")
    first = ("--number", number, "--agency", "commune_police", "--province", "01")
    assert "mới" in run("staff", "add", "--role", "reviewer", *second).stderr
    assert "đã có" in run("staff", "add", "--role", "reviewer", *second).stderr
    account = account_of(live, number)
    assert account is not None
    assert account[2] == 2
    assert run("staff", "remove", "--role", "reviewer", *first[:4]).exit_code == 1, "half a desk is none"
    assert run("staff", "remove", "--role", "reviewer", *second[:2], "--agency", "c06", "--province", "79").exit_code
    assert account_of(live, number) == account
    assert run("staff", "remove", "--role", "reviewer", *first).exit_code == 0
    with live.read() as work:
        assert [(each.agency, each.province) for each in work.accounts.grants(account[0])] == [
            ("province_police", "79")
        ]


def test_what_the_shell_did_is_on_record_without_a_name_or_a_number(run: Run, live: Wallet, token: str) -> None:
    account = account_of(live, NEWCOMER)
    assert account is not None
    with live.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.subject == account[0])).all()
    assert {row.action for row in rows} >= {"staff.granted", "staff.enrolment_issued", "account.approved"}
    assert {row.actor for row in rows} == {"system"}
    told = repr([(row.details, row.subject) for row in rows])
    assert NEWCOMER not in told
    assert token not in told


def test_the_token_is_kept_nowhere(live: Wallet, token: str) -> None:
    with live.db.read() as session:
        tables = session.execute(text("SELECT * FROM staff_enrolments")).all()
    assert len(tables) == 1
    assert token not in repr(tables)
    assert bytes.fromhex(token.removeprefix("vse_")) not in bytes(tables[0].digest)


def test_a_second_role_needs_no_second_device(run: Run, live: Wallet) -> None:
    number = persona("officer1").number
    result = run("staff", "add", "--role", "reviewer", "--number", number, *AGENCY)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "already" not in result.stderr
    account = account_of(live, number)
    assert account is not None
    assert account[1:] == ("active", 2, True)
    again = run("staff", "add", "--role", "reviewer", "--number", number, *AGENCY)
    assert again.exit_code == 0
    assert "held before" in again.stderr
    assert account_of(live, number) == account


def test_staff_are_listed_and_a_role_ends_with_the_next_request(run: Run, live: Wallet) -> None:
    listed = json.loads(run("staff", "list", "--json").stdout)
    assert {"admin", "officer", "approver", "reviewer", "auditor"} == {row["role"] for row in listed}
    assert all(set(row["number_masked"][:-4]) == {"•"} for row in listed)
    number = persona("auditor1").number
    removed = run("staff", "remove", "--role", "auditor", "--number", number)
    assert removed.exit_code == 0, removed.output
    account = account_of(live, number)
    assert account is not None
    assert account[1:] == ("active", 0, True)
    assert "auditor" not in run("staff", "list").stdout
    again = run("staff", "remove", "--role", "auditor", "--number", number)
    assert again.exit_code == 1
    assert "→ wallet staff list" in again.stderr


def test_a_token_is_used_once(phone: NewPhone, token: str, state: Callable[[], Any]) -> None:
    assert phone.enrol(token).status_code == 201
    before = state()
    thief = NewPhone(phone.client, "b")
    assert_refused(thief.enrol(token), 401, "enrolment_invalid")
    assert_refused(phone.enrol(token), 401, "enrolment_invalid")
    assert state() == before


def test_a_token_ends_after_a_quarter_of_an_hour(deployment: Settings, token: str, state: Callable[[], Any]) -> None:
    clock = FixedClock(SystemClock().now() + timedelta(minutes=15, seconds=1))
    late = Wallet.build(deployment, clock=clock)
    before = state()
    phone = NewPhone(create_app(late).test_client())
    assert_refused(phone.enrol(token), 401, "enrolment_invalid")
    assert state() == before
    clock.set(SystemClock().now() + timedelta(minutes=14))
    assert phone.enrol(token).status_code == 201
    late.close()


def test_a_role_counts_only_once_its_holder_is_enrolled(
    run: Run, live: Wallet, phone: NewPhone, token: str, state: Callable[[], Any]
) -> None:
    """Whoever has the appointee's phone number activates a citizen's account and no more."""
    listed = {row["account_id"]: row for row in json.loads(run("staff", "list", "--json").stdout)}
    account = account_of(live, NEWCOMER)
    assert account is not None
    assert (listed[account[0]]["role"], listed[account[0]]["in_force"]) == ("admin", False)
    assert all(row["in_force"] for row in listed.values() if row["account_id"] != account[0])
    thief = NewPhone(phone.client, "thief")
    kept = [live.identity.hasher.hash(kind, text) for kind, text in zip(Knowledge, (PASSWORD, PASSCODE), strict=False)]
    with live.work() as work:
        actor = Actor(account[0])
        work.accounts.activate(account[0], password_hash=kept[0], passcode_hash=kept[1], actor=actor)
        work.devices.bind(account[0], thief.device_id, thief.jwk, "a", actor, bound_by="otp")
    session = thief.sign_in(NEWCOMER).json or {}
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    assert "roles" not in (phone.client.get("/v1/me", headers=headers).json or {"roles": "no answer"})
    before = state()
    assert_refused(phone.client.get("/v1/admin/approvals", headers=headers), 403, "not_allowed")
    assert_refused(phone.enrol(token), 409, "account_not_approved")
    assert state() == before
    assert account_of(live, NEWCOMER) == (account[0], "active", 0, True)


def test_another_role_puts_no_waiting_role_in_force(run: Run, live: Wallet, phone: NewPhone, token: str) -> None:
    account = account_of(live, NEWCOMER)
    assert account is not None
    with live.work() as work:
        work.accounts.activate(account[0], password_hash="x", passcode_hash="x", actor=Actor(account[0]))
    assert run("staff", "add", "--role", "auditor", "--number", NEWCOMER, *AGENCY).stdout == ""
    with live.read() as work:
        assert [str(grant.role) for grant in work.accounts.grants(account[0])] == ["auditor"]


def test_every_role_of_a_newcomer_counts_with_the_enrolment(
    run: Run, live: Wallet, phone: NewPhone, token: str
) -> None:
    second = run("staff", "add", "--role", "officer", "--number", NEWCOMER, *AGENCY).stdout.strip()
    assert phone.enrol(second).status_code == 201
    account = account_of(live, NEWCOMER)
    assert account is not None
    assert account[1:] == ("active", 2, True)


def test_a_new_token_makes_the_one_before_void(run: Run, phone: NewPhone, token: str) -> None:
    second = run("staff", "add", "--role", "admin", "--number", NEWCOMER, *AGENCY).stdout.strip()
    assert second != token
    assert_refused(phone.enrol(token), 401, "enrolment_invalid")
    assert phone.enrol(second).status_code == 201


def test_a_dismissed_newcomers_token_is_void(run: Run, phone: NewPhone, token: str) -> None:
    assert run("staff", "remove", "--role", "admin", "--number", NEWCOMER).exit_code == 0
    assert_refused(phone.enrol(token), 401, "enrolment_invalid")


def test_refusals_use_nothing_up(phone: NewPhone, token: str, state: Callable[[], Any]) -> None:
    other = NewPhone(phone.client, "b")
    before = state()
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"proof": other.proof()}, 401, "invalid_device_proof"),  # another device's
        ({"proof": other.proof(phone.device_id)}, 401, "invalid_device_proof"),  # another key's
        ({"public_key": other.jwk}, 401, "invalid_device_proof"),
        ({"device_id": other.device_id}, 401, "invalid_device_proof"),
        ({"biometric_key": {**phone.jwk, "y": phone.jwk["x"]}}, 422, "invalid_input"),
        ({"biometric_key": phone.jwk}, 422, "invalid_input"),  # one key cannot be two factors
        ({"device_name": "Máy\u202e công vụ"}, 422, "invalid_input"),
        ({"device_name": "Máy\ncông vụ"}, 422, "invalid_input"),
        ({"password": "matkhau"}, 422, "weak_password"),
        ({"passcode": "123456"}, 422, "weak_passcode"),
        ({"passcode": "080392"}, 422, "weak_passcode"),  # her birthday
        ({"token": "vse_" + "0" * 32}, 401, "enrolment_invalid"),
        ({"token": "vse_0"}, 422, "invalid_input"),
    ]
    for changes, status, code in cases:
        assert_refused(phone.enrol(token, **changes), status, code)
        assert state() == before, changes
    assert phone.enrol(token).status_code == 201


def test_a_challenge_is_used_once(phone: NewPhone, run: Run, token: str) -> None:
    order = phone.order(token)
    assert phone.client.post("/v1/staff-enrolments", json=order).status_code == 201
    signing_in = {"proof": order["proof"], "number": NEWCOMER, "password": PASSWORD}
    assert_refused(phone.client.post("/v1/sessions", json=signing_in), 401, "invalid_device_proof")


def test_a_device_that_is_taken_is_refused(phone: NewPhone, token: str, live: Wallet, run: Run) -> None:
    husband = "099084000060"
    other = run("staff", "add", "--role", "auditor", "--number", husband, *AGENCY).stdout.strip()
    assert phone.enrol(other).status_code == 201
    assert_refused(phone.enrol(token), 409, "device_taken")
    account = account_of(live, NEWCOMER)
    assert account is not None
    assert account[1:] == ("approved", 0, False)
    assert NewPhone(phone.client, "b").enrol(token).status_code == 201


def test_of_many_at_once_one_device_wins(deployment: Settings, token: str) -> None:
    """Two processes' worth of wallets; every device has a right proof and the same token."""
    wallets = [Wallet.build(deployment, clock=SystemClock()) for _ in range(2)]
    phones = [NewPhone(create_app(wallets[place % 2]).test_client(), str(place)) for place in range(12)]
    orders = [phone.order(token) for phone in phones]

    def use(place: int) -> int:
        while True:
            status = phones[place].client.post("/v1/staff-enrolments", json=orders[place]).status_code
            if status != 503:  # the one hash at a time was another's: nothing was used
                return status
            time.sleep(0.01)

    with ThreadPoolExecutor(len(phones)) as pool:
        statuses = list(pool.map(use, range(len(phones))))
    assert sorted(statuses) == [201] + [401] * (len(phones) - 1)
    account = account_of(wallets[0], NEWCOMER)
    assert account is not None
    assert account[1:] == ("active", 1, True)
    for wallet in wallets:
        wallet.close()


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("add", "--role", "admin", "--number", "1", *AGENCY), "wallet staff add"),
        (("add", "--role", "admin", "--number", "099999999999", *AGENCY), "wallet staff add"),
        (("add", "--role", "admin", "--number", NEWCOMER, "--agency", " ", "--province", "01"), "wallet staff add"),
        (("add", "--role", "admin", "--number", NEWCOMER, "--agency", "A", "--province", "Hà Nội"), "wallet staff add"),
        (("add", "--role", "admin", "--number", NEWCOMER, *AGENCY, "--phone", "12"), "wallet staff add"),
        (("add", "--role", "admin", "--number", persona("khuat").number, *AGENCY), "wallet staff list"),
        (("add", "--role", "admin", "--number", persona("khoa").number, *AGENCY), "wallet staff list"),
        (("add", "--role", "admin", "--number", persona("binh").number, *AGENCY), "wallet staff list"),
        (("remove", "--role", "admin", "--number", persona("an").number), "wallet staff list"),
        (("remove", "--role", "admin", "--number", NEWCOMER), "wallet staff list"),
    ],
)
def test_every_refusal_names_the_next_command_and_changes_nothing(
    run: Run, arguments: tuple[str, ...], mend: str, state: Callable[[], Any]
) -> None:
    before = state()
    result = run("staff", *arguments)
    assert result.exit_code == 1
    assert f"→ {mend}" in result.stderr
    assert result.stdout == ""
    assert state() == before


@pytest.fixture
def bare(empty_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a production deployment of which nothing exists but the population register."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("5a" * 32)
    environ = {
        "WALLET_MODE": "production",
        "WALLET_KEYS_DIR": str(tmp_path / "keys"),
        "WALLET_KEYS_PASSPHRASE_FILE": str(passphrase),
        "WALLET_ISSUER_URL": "https://vi.example.vn",
        "WALLET_SOURCES_URL": f"sqlite:///{tmp_path}/register.db",
        "WALLET_DATABASE_URL": empty_url,
        **CHEAP,
    }
    register = Database(environ["WALLET_SOURCES_URL"])
    seed_nation(register, seed=1, citizens=1)
    register.close()
    return environ


def test_production_goes_from_an_empty_database_to_a_signed_in_admin(
    bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bare.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(command, arguments)

    refused = call("staff", "add", "--role", "admin", "--number", NEWCOMER, *AGENCY)
    assert (refused.exit_code, "→ wallet keys new" in refused.stderr) == (1, True)
    assert call("keys", "new").exit_code == 0
    refused = call("staff", "add", "--role", "admin", "--number", NEWCOMER, *AGENCY)
    assert (refused.exit_code, "→ wallet db upgrade" in refused.stderr) == (1, True)
    assert call("db", "upgrade").exit_code == 0
    assert "→ wallet staff add" in call("staff", "list").stderr
    added = call("staff", "add", "--role", "admin", "--number", NEWCOMER, *AGENCY)
    assert added.exit_code == 0, added.output
    wallet = Wallet.build(Settings.from_environ(bare))
    phone = NewPhone(create_app(wallet).test_client())
    assert phone.enrol(added.stdout.strip()).status_code == 201
    session = phone.sign_in(NEWCOMER)
    assert session.status_code == 201
    headers = {"Authorization": f"Bearer {(session.json or {})['access_token']}"}
    launch = phone.client.get("/v1/admin/utilities/residence", headers=headers)
    assert (launch.status_code, (launch.json or {})["state"]) == (200, "off")
    assert json.loads(call("staff", "list", "--json").stdout)[0]["state"] == "active"
    wallet.close()
    create_engine(bare["WALLET_DATABASE_URL"]).dispose()
