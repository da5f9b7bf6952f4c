"""A launch in two processes: a stop in one is seen by the next question in the other; a plan is carried out once."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.documents.people import actor_of, admin_of
from tests.durability.processes import PROCESSES, THREADS, Call, RunningClock, Workers, in_threads
from tests.durability.test_races import RESIDENCE, count, events, new_key, state_of_residence, told
from tests.launching.people import CODE, PAUSED, PILOT, asked, changed
from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.errors import WalletError
from wallet.launching.audience import Audience
from wallet.launching.models import Approval
from wallet.settings import Settings
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
CALLERS = PROCESSES * THREADS
pytestmark = pytest.mark.timeout(240)


def stop_or_ask(begin: Callable[[], None], settings: Settings, now: datetime, stops: bool) -> list[str]:
    """One process stops the utility, the other asks before and after: what each was told."""
    wallet = Wallet.build(settings, clock=RunningClock(now))
    try:
        actor = actor_of(wallet)
        begin()
        before = "" if stops else ask(wallet, actor)
        begin()  # it was asked; now it is stopped, and the process that asked stays as it is
        if stops:
            with wallet.work() as work:
                work.launching.pause(CODE, "stop now", None, admin_of(wallet))
        begin()
        return ["stopped"] if stops else [before, ask(wallet, actor)]
    finally:
        wallet.close()


def ask(wallet: Wallet, actor: Any) -> str:
    with wallet.read() as work:
        try:
            work.rollout.assert_open_to(CODE, actor)
        except WalletError as error:
            return error.code
    return "open"


def test_s39_stop_in_one_process_is_seen_by_the_next_question_in_the_other(
    wallet: Wallet, clock: FixedClock, workers: Workers
) -> None:
    answers = workers.run(stop_or_ask, *((wallet.settings, clock.now(), stops) for stops in (True, False)))
    assert answers == [["stopped"], ["open", "utility_disabled"]]


def test_of_fifty_who_pause_one_does_and_all_see_it_paused(
    wallet: Wallet, clock: FixedClock, phone_of: Make, workers: Workers
) -> None:
    admins = [phone_of("admin1"), phone_of("admin2")]
    before = state_of_residence(wallet)
    calls = [
        Call(f"{RESIDENCE}/pause", {"reason": "Sự cố"}, admins[number // 2 % 2].headers | new_key())
        for number in range(CALLERS)
    ]
    answers = workers.race(wallet.settings, clock.now(), calls)
    assert told(answers) == {(200, ""): 1, (409, "already_in_state"): CALLERS - 1}
    assert state_of_residence(wallet) == ("paused", before[1] + 1)
    assert events(wallet, "utility.paused") == 1


def test_of_fifty_who_agree_to_a_pilot_one_does(
    wallet: Wallet, clock: FixedClock, phone_of: Make, workers: Workers
) -> None:
    changed(wallet, PAUSED)
    tester = actor_of(wallet).account_id
    pending = asked(wallet, PILOT, audience=Audience(permille=5, testers=frozenset({tester})))
    second = phone_of("admin2")
    path = f"/v1/admin/approvals/{pending.id}/decision"
    calls = [Call(path, {"decision": "approve"}, second.headers | new_key()) for _ in range(CALLERS)]
    answers = workers.race(wallet.settings, clock.now(), calls)
    assert told(answers) == {(200, ""): 1, (409, "approval_closed"): CALLERS - 1}
    assert count(wallet, AuditEvent, AuditEvent.action == "utility.pilot") == 1
    with wallet.db.read() as session:
        assert session.get_one(Approval, pending.id).state == "approved"
    with wallet.read() as work:
        assert work.launch_rows.testers(CODE) == {tester}


def carry_out(begin: Callable[[], None], settings: Settings, now: datetime) -> list[str]:
    """Run the job many times at once, beside admins who stop the same utility by hand."""
    wallet = Wallet.build(settings, clock=RunningClock(now))

    def one(place: int) -> str:
        try:
            if place % 5:
                wallet.launch_job.run()
                return "job"
            with wallet.work() as work:
                work.launching.pause(CODE, "stop now", None, admin_of(wallet))
        except WalletError as error:
            return error.code
        return "paused"

    try:
        return in_threads(THREADS, begin, one)
    finally:
        wallet.close()


def test_what_is_due_is_written_down_once_whoever_does_it(wallet: Wallet, clock: FixedClock, workers: Workers) -> None:
    planned = changed(wallet, PILOT, audience=Audience(permille=500), effective_at=clock.now() + timedelta(hours=1))
    clock.advance(hours=2)
    found = workers.run(carry_out, *((wallet.settings, clock.now()) for _ in range(PROCESSES)))
    told_by = Counter(outcome for answers in found for outcome in answers)
    assert told_by["paused"] == 1
    assert set(told_by) == {"job", "paused", "already_in_state"}
    assert events(wallet, "utility.pilot") == 1
    assert events(wallet, "utility.paused") == 1
    assert state_of_residence(wallet) == ("paused", planned.version + 2)
