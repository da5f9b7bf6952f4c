"""S-01 to S-06, S-08, S-13, S-14 and S-74 over HTTP (docs/security.md, sections 2.1 and 2.12)."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_sessions import SYSTEM, account_id, told
from wallet.crypto.keystore import Secret
from wallet.identity.accounts import LockGround
from wallet.identity.strangers import PER_BLOCK, WINDOW
from wallet.settings import Settings
from wallet.web.addresses import UNKNOWN, block_of
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
WRONG = "Sai#Mat2026khau"
STEP_UP = "/v1/sessions/current/step-up"


@pytest.fixture
def an(wallet: Wallet, client: FlaskClient) -> CitizenPhone:
    """A bound phone that has not signed in."""
    return CitizenPhone(wallet, client, "an")


@pytest.fixture
def stranger(wallet: Wallet, client: FlaskClient) -> CitizenPhone:
    """A phone with a key that is bound to nobody."""
    phone = CitizenPhone(wallet, client, "sau")
    phone.own = replace(phone.own, device_id="dev_" + "f" * 32)
    return phone


def attempt(
    phone: CitizenPhone, number: str = "", password: str = "", address: str = "", **headers: str
) -> TestResponse:
    body = {
        "proof": phone.proof(),
        "number": number or phone.persona.number,
        "password": password or phone.own.password,
    }
    environ = {"REMOTE_ADDR": address} if address else {}
    return phone.client.post("/v1/sessions", json=body, headers=headers, environ_overrides=environ)


def plain(response: TestResponse) -> dict[str, Any]:
    """Return a body without what differs by design: the trace id."""
    return {name: value for name, value in (response.json or {}).items() if name != "request_id"}


@pytest.fixture
def statements(wallet: Wallet) -> Iterator[list[str]]:
    """Read the statements that reach the database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(wallet.db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(wallet.db.engine, "before_cursor_execute", note)


def test_s01_unbound_device_is_refused_and_no_password_is_evaluated(
    an: CitizenPhone, stranger: CitizenPhone, hashes: Callable[[], int], unchanged: Unchanged
) -> None:
    with unchanged():
        for password in (an.own.password, WRONG):
            assert_refused(attempt(stranger, an.persona.number, password), 403, "device_not_bound")
    assert hashes() == 0


def test_s02_every_refusal_looks_the_same_and_costs_the_same(
    an: CitizenPhone,
    stranger: CitizenPhone,
    phone_of: Make,
    hashes: Callable[[], int],
    unchanged: Unchanged,
    statements: list[str],
) -> None:
    locked, closed = phone_of("sau"), phone_of("binh")
    with an.wallet.work() as work:
        work.accounts.lock(account_id(locked), LockGround.TERMS_BROKEN, SYSTEM)
        work.accounts.close(account_id(closed), SYSTEM)
    counted = hashes()
    with unchanged():
        unbound, costs = [], []
        for number in (an.persona.number, "099999999999"):
            for password in (an.own.password, WRONG):
                statements.clear()
                unbound.append(plain(assert_answer(attempt(stranger, number, password), 403)))
                costs.append(len(statements))
        assert all(each == unbound[0] for each in unbound)
        assert (unbound[0]["code"], hashes()) == ("device_not_bound", counted)
        bound = []
        for phone, number, password in (
            (an, "", WRONG),
            (an, "099999999999", an.own.password),
            (an, locked.persona.number, WRONG),
            (locked, "", locked.own.password),
            (closed, "", closed.own.password),
        ):
            before = hashes()
            bound.append(plain(assert_answer(attempt(phone, number, password), 401)))
            assert hashes() == before + 1
        assert all(each == bound[0] for each in bound)
        assert bound[0]["code"] == "invalid_credentials"
    assert len(set(costs)) == 1


def assert_answer(response: TestResponse, status: int) -> TestResponse:
    assert response.status_code == status, response.text
    return response


def test_s03_sixth_try_waits_even_if_right_and_after_a_restart(
    an: CitizenPhone, clock: FixedClock, unchanged: Unchanged
) -> None:
    with unchanged():
        for _ in range(5):
            assert_refused(attempt(an, password=WRONG), 401, "invalid_credentials")
        response = attempt(an)
        assert_refused(response, 429, "too_many_attempts")
        assert response.headers["Retry-After"] == "300"
        restarted = Wallet.build(an.wallet.settings, clock=clock)
        again = CitizenPhone(restarted, create_app(restarted).test_client(), "an")
        assert_refused(attempt(again), 429, "too_many_attempts")
        restarted.close()
    clock.advance(minutes=5)
    an.sign_in()


def test_s04_ten_failures_suspend_the_device_and_the_holder_is_told(
    an: CitizenPhone, clock: FixedClock, events: Events
) -> None:
    an.sign_in()
    for _ in range(2):
        for _ in range(5):
            assert_refused(attempt(an, password=WRONG), 401, "invalid_credentials")
        clock.advance(minutes=5)
    for proven in (attempt(an), an.try_sign_in(password=False)):
        assert_refused(proven, 403, "rebinding_required")
    assert_refused(an.get("/v1/me"), 401, "session_ended")
    assert len(events("device.suspended")) == 1
    assert told(an).count("device_suspended") == 1
    with an.wallet.work() as work:
        work.devices.restore(an.own.device_id, SYSTEM)
    an.sign_in()


def number(index: int) -> str:
    return f"099{index:09d}"


def test_s05_one_block_of_addresses_is_cut_off_by_try_twenty(
    an: CitizenPhone, stranger: CitizenPhone, hashes: Callable[[], int], clock: FixedClock, statements: list[str]
) -> None:
    answers = [attempt(stranger, number(i), WRONG, f"203.0.113.{i % 250}").status_code for i in range(1000)]
    assert answers == [403] * PER_BLOCK + [429] * (1000 - PER_BLOCK)
    assert PER_BLOCK < 20
    assert hashes() == 0
    statements.clear()
    refused = attempt(stranger, number(1), WRONG, "203.0.113.9")
    assert int(refused.headers["Retry-After"]) == WINDOW.total_seconds()
    assert not any(statement.lstrip().startswith(("INSERT", "UPDATE")) for statement in statements)
    # Another block, and the owner in this one, are as before.
    assert attempt(stranger, number(1), WRONG, "203.0.114.9").status_code == 403
    assert attempt(an, address="203.0.113.9").status_code == 201
    clock.advance(WINDOW)
    assert attempt(stranger, number(1), WRONG, "203.0.113.9").status_code == 403


def test_s05_spraying_from_everywhere_raises_one_alarm_and_slows_strangers_alone(
    an: CitizenPhone, stranger: CitizenPhone, clock: FixedClock, events: Events
) -> None:
    limit = an.wallet.settings.spraying_tries
    answers = [attempt(stranger, number(i), WRONG, f"10.0.{i % 200}.1").status_code for i in range(1000)]
    assert answers == [403] * limit + [429] * (1000 - limit)
    assert [event["tries"] for event in events("alarm.spraying")] == [limit]
    assert attempt(stranger, number(1), WRONG, "192.0.2.1").status_code == 429
    assert attempt(an, address="10.0.7.1").status_code == 201
    clock.advance(WINDOW)
    assert attempt(stranger, number(1), WRONG, "192.0.2.1").status_code == 403


def test_s05_new_device_that_tries_other_numbers_is_slowed_an_old_one_is_not(
    an: CitizenPhone, stranger: CitizenPhone, clock: FixedClock, unchanged: Unchanged
) -> None:
    def exhaust() -> None:
        for index in range(PER_BLOCK):
            attempt(stranger, number(index), WRONG, "203.0.113.1")

    exhaust()
    with unchanged():
        assert_refused(attempt(an, number(1), WRONG, "203.0.113.1"), 429, "too_many_attempts")
        assert_refused(attempt(an, "", WRONG, "203.0.113.1"), 401, "invalid_credentials")
        clock.advance(hours=24)
        exhaust()
        assert_refused(attempt(an, number(1), WRONG, "203.0.113.1"), 401, "invalid_credentials")


def test_s05_slowed_tries_still_count_on_the_device(an: CitizenPhone, stranger: CitizenPhone) -> None:
    for index in range(PER_BLOCK):
        attempt(stranger, number(index), WRONG)
    for index in range(5):
        assert attempt(an, number(index), WRONG).status_code == 429
    assert_refused(attempt(an), 429, "too_many_attempts")


def test_s06_strangers_lock_nobody_out(an: CitizenPhone, stranger: CitizenPhone) -> None:
    forged = replace(an.own, device_private_key=stranger.own.device_private_key)
    thief = CitizenPhone(an.wallet, an.client, "an")
    thief.own = forged
    for index in range(500):
        assert attempt(stranger, an.persona.number, WRONG, f"10.{index % 250}.0.1").status_code in (403, 429)
        assert attempt(thief, password=WRONG).status_code == 401
    assert attempt(an).status_code == 201


def test_s08_same_database_under_another_pepper_lets_nobody_in(an: CitizenPhone, clock: FixedClock) -> None:
    stolen = {name: an.wallet.keystore.secret(name) for name in Secret} | {Secret.PEPPER: b"\7" * 32}
    keystore = copy.copy(an.wallet.keystore)
    keystore._secrets = stolen
    other = replace(Wallet.build(an.wallet.settings, clock=clock), keystore=keystore)
    phone = CitizenPhone(other, create_app(other).test_client(), "an")
    phone.own = an.own
    phone.sign_in(password=False)
    assert_refused(attempt(phone), 401, "invalid_credentials")
    assert_refused(phone.try_step_up(2), 401, "invalid_credentials")
    other.close()
    assert attempt(an).status_code == 201


def test_s08_service_without_a_pepper_does_not_start(deployment: Settings, tmp_path: Any) -> None:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for path in deployment.keys_dir.iterdir():
        if "pepper" not in path.name:
            (keys / path.name).write_bytes(path.read_bytes())
            (keys / path.name).chmod(0o600)
    assert len(list(keys.iterdir())) < len(list(deployment.keys_dir.iterdir()))
    environ = os.environ | {
        "WALLET_KEYS_DIR": str(keys),
        "WALLET_ISSUER_URL": deployment.issuer_url,
        "WALLET_DATABASE_URL": deployment.database_url,
        "WALLET_SOURCES_URL": deployment.sources_url,
    }
    started = subprocess.run(
        [sys.executable, "-c", "import wsgi; wsgi.application"], env=environ, capture_output=True, timeout=60
    )
    assert started.returncode != 0
    assert b"pepper" in started.stderr


def test_s13_level_one_account_is_too_low(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("binh")
    with unchanged():
        assert_refused(phone.post("/v1/requests", {"utility": "residence"}), 403, "level_too_low")


FRESH_OPERATIONS = [
    ("admin1", "POST", "/v1/admin/documents/doc_x/revocation", {"reason": "fraud"}),
    ("an", "PUT", "/v1/me/password", {"current_password": "a", "new_password": "b"}),
    ("an", "PUT", "/v1/me/passcode", {"current_passcode": "a", "new_passcode": "b"}),
    ("an", "POST", "/v1/me/passkeys/options", None),
    ("an", "POST", "/v1/me/passkeys", {}),
    ("an", "DELETE", "/v1/me/passkeys/pky_x", None),
]


@pytest.mark.parametrize(("key", "method", "path", "body"), FRESH_OPERATIONS)
def test_s13_old_authentication_is_asked_again(
    phone_of: Make, clock: FixedClock, unchanged: Unchanged, key: str, method: str, path: str, body: Any
) -> None:
    phone = phone_of(key)
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        response = phone.call(method, path, json=body, headers={"Idempotency-Key": "k"})
        asked = assert_refused(response, 401, "step_up_required")
    assert (asked["auth_level"], asked["max_age"]) == (2, 300)
    assert 'acr_values="urn:viso:auth:2"' in response.headers["WWW-Authenticate"]
    assert 'max_age="300"' in response.headers["WWW-Authenticate"]
    phone.step_up(2)
    again = phone.call(method, path, json=body, headers={"Idempotency-Key": "k"})
    assert (again.json or {}).get("code") != "step_up_required"


def test_s14_challenge_is_long_enough_used_once_and_soon_over(
    an: CitizenPhone, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    other = phone_of("sau")
    challenges = {an.challenge() for _ in range(50)}
    assert len(challenges) == 50
    assert all(len(challenge) >= 22 for challenge in challenges)  # 128 bits of chance and more, in base64url
    used = an.proof()
    assert an.client.post("/v1/sessions", json={"proof": used}).status_code == 201
    challenge = an.challenge()
    forged = replace(an.own, device_private_key=other.own.device_private_key)
    thief = CitizenPhone(an.wallet, an.client, "an")
    thief.own = forged
    late = an.proof()
    clock.advance(seconds=120)
    with unchanged():
        for proof in (used, thief.proof(challenge), an.proof(other.challenge()), an.proof("A" * 75), late):
            response = an.client.post("/v1/sessions", json={"proof": proof})
            assert_refused(response, 401, "invalid_device_proof")


def test_s74_forwarded_address_of_a_client_changes_nothing(an: CitizenPhone, stranger: CitizenPhone) -> None:
    answers = [
        attempt(stranger, number(i), WRONG, "203.0.113.7", **{"X-Forwarded-For": f"10.{i}.0.1"}).status_code
        for i in range(25)
    ]
    assert answers == [403] * PER_BLOCK + [429] * (25 - PER_BLOCK)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "block"),
    [
        ("203.0.113.7", "", "", "203.0.113.0/24"),
        ("203.0.113.7", "10.1.1.1", "", "203.0.113.0/24"),
        ("203.0.113.7", "10.1.1.1", "192.0.2.0/24", "203.0.113.0/24"),
        ("192.0.2.1", "10.1.1.1", "192.0.2.0/24", "10.1.1.0/24"),
        ("192.0.2.1", "6.6.6.6, 10.1.1.1", "192.0.2.0/24", "10.1.1.0/24"),
        ("192.0.2.1", "6.6.6.6, 10.1.1.1, 192.0.2.2", "192.0.2.0/24", "10.1.1.0/24"),
        ("192.0.2.1", "", "192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.1", "junk", "192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.1", "10.1.1.1, junk", "192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8:1:2:3::9", "", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "", "203.0.113.0/24"),
        ("::ffff:192.0.2.1", "2001:db8:1:2::7", "192.0.2.0/24, 2001:db8:9::/48", "2001:db8:1:2::/64"),
        ("", "10.1.1.1", "0.0.0.0/0", UNKNOWN),
        ("unix", "10.1.1.1", "", UNKNOWN),
    ],
)
def test_s74_only_what_a_configured_proxy_says_counts(peer: str, forwarded: str, proxies: str, block: str) -> None:
    assert block_of(peer, forwarded, proxies) == block
