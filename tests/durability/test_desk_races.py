"""Desks of verifiers over two processes: a key that was taken back is over in both, no quota is passed."""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.checks.gates import OWN, VERIFIERS, let_in, open_desk, order, purpose, register
from tests.durability.processes import PROCESSES, THREADS, Call, RunningClock, Workers, in_threads
from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.checks.models import VerifierCitizen, VerifierDeskRow
from wallet.errors import NotAuthenticated, TooManyAttempts
from wallet.settings import Settings
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
QUOTA = 10
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def verifier(admin: CitizenPhone, phone_of: Make) -> dict[str, Any]:
    few = {"citizens_an_hour": QUOTA, "checks_a_minute": 100}
    return let_in(admin, phone_of("admin2"), purpose(quotas=few))


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def look_at(begin: Callable[[], None], settings: Settings, now: datetime, key: str, first: int) -> list[str]:
    """Look at THREADS people nobody else looks at, all at once; return what became of each."""
    wallet = Wallet.build(settings, clock=RunningClock(now))
    with wallet.read() as work:
        desk = work.verifier_desks.authenticate(key)

    def look(place: int) -> str:
        try:
            with wallet.work() as work:
                work.verifier_desks.count_citizen(desk, desk.purpose("rental"), f"hld_{first + place}")
        except TooManyAttempts as refusal:
            return refusal.code
        return "seen"

    try:
        return in_threads(THREADS, begin, look)
    finally:
        wallet.close()


def revoke_or_wait(
    begin: Callable[[], None], settings: Settings, now: datetime, key: str, headers: dict[str, str] | None, path: str
) -> float:
    """With headers: revoke. Without: use the key until it is refused.

    Return when that was; of the use that was let in last, when it began.
    """
    from wallet.web.app import create_app

    wallet = Wallet.build(settings, clock=RunningClock(now))
    client = create_app(wallet).test_client()
    try:
        assert client.get(OWN, headers={"X-Desk-Key": key}).status_code == 200
        begin()
        if headers is not None:
            time.sleep(0.2)
            assert client.delete(path, headers=headers).status_code == 204
            return time.time()
        deadline = time.monotonic() + 30
        last = 0.0
        while time.monotonic() < deadline:
            began = time.time()
            if client.get(OWN, headers={"X-Desk-Key": key}).status_code == 401:
                return last
            last = began
        raise AssertionError("the other process never learned of it")
    finally:
        wallet.close()


def test_s23_a_key_is_over_within_a_second_in_the_other_process(
    workers: Workers, wallet: Wallet, clock: FixedClock, admin: CitizenPhone, verifier: dict[str, Any]
) -> None:
    desk = open_desk(admin, verifier).json or {}
    path = f"{VERIFIERS}/{verifier['id']}/desks/{desk['id']}"
    given = (wallet.settings, clock.now(), desk["key"])
    revoked, last = workers.run(revoke_or_wait, (*given, admin.headers, path), (*given, None, path))
    assert last - revoked < 1
    with wallet.read() as work, pytest.raises(NotAuthenticated):
        work.verifier_desks.authenticate(desk["key"])


def test_s49_a_quota_is_exact_over_two_processes(
    workers: Workers, wallet: Wallet, clock: FixedClock, admin: CitizenPhone, verifier: dict[str, Any]
) -> None:
    key = (open_desk(admin, verifier).json or {})["key"]
    given = [(wallet.settings, clock.now(), key, place * THREADS) for place in range(PROCESSES)]
    told = Counter(each for answers in workers.run(look_at, *given) for each in answers)
    assert told == {"seen": QUOTA, "too_many_citizens": PROCESSES * THREADS - QUOTA}
    with wallet.db.read() as session:
        assert session.scalar(select(func.count()).select_from(VerifierCitizen)) == QUOTA


def test_s64_s78_an_organisation_is_let_in_once(
    workers: Workers, wallet: Wallet, clock: FixedClock, admin: CitizenPhone, phone_of: Make
) -> None:
    made = register(admin, order()).json or {}
    body = {"approval": made["awaiting"]["approval"], "decision": "approve"}
    people = [phone_of("admin2"), phone_of("approver1")]
    calls = [
        Call(f"{VERIFIERS}/{made['id']}/decision", body, people[place % 2].headers | new_key())
        for place in range(PROCESSES * THREADS)
    ]
    answers = workers.race(wallet.settings, clock.now(), calls)
    told = Counter((answer.status, answer.code) for answer in answers)
    assert told == {(200, ""): 1, (409, "approval_closed"): len(calls) - 1}
    assert (admin.get(f"{VERIFIERS}/{made['id']}").json or {})["version"] == 2


def test_a_gate_has_one_desk_however_many_ask(
    workers: Workers, wallet: Wallet, clock: FixedClock, admin: CitizenPhone, verifier: dict[str, Any]
) -> None:
    body = {"name": "Cửa", "gate_id": "G-1", "purposes": ["rental"]}
    path = f"{VERIFIERS}/{verifier['id']}/desks"
    calls = [Call(path, body, admin.headers | new_key()) for _ in range(PROCESSES * THREADS)]
    answers = workers.race(wallet.settings, clock.now(), calls)
    told = Counter((answer.status, answer.code) for answer in answers)
    assert told == {(201, ""): 1, (409, "gate_taken"): len(calls) - 1}
    with wallet.db.read() as session:
        mine = VerifierDeskRow.verifier_id == verifier["id"]
        assert session.scalar(select(func.count()).select_from(VerifierDeskRow).where(mine)) == 1
