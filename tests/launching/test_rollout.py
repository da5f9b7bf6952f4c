"""Who may change a launch and how: stopping and narrowing act at once, widening and retiring take two."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of, on_one_database
from tests.launching.people import (
    CODE,
    OFF,
    OPEN,
    PAUSED,
    PILOT,
    RETIRED,
    SANDBOX,
    agreed,
    asked,
    change,
    changed,
    decide,
    launch,
    pilot,
    refusal,
)
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed, UnknownUtility, WalletError
from wallet.launching.audience import Audience, Plan, widens
from wallet.launching.models import Approval, UtilityState, UtilityTester
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.schedule import Launch
from wallet.launching.states import LIMITED, NEXT, LaunchState
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
WORDS = {"vi": "Đang cập nhật dữ liệu đến hết hôm nay.", "en": "Data is being updated until tonight."}


def events(wallet: Wallet, last: int) -> list[AuditEvent]:
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(last)).all()
    return list(reversed(rows))


# --- one is enough to stop --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [PAUSED, OFF])
def test_stopping_acts_at_once(wallet: Wallet, clock: FixedClock, target: LaunchState) -> None:
    assert refusal(wallet) == ""
    before = launch(wallet)
    stopped = changed(wallet, target)
    assert (stopped.state, stopped.version, stopped.reason) == (target, before.version + 1, "a reason")
    assert (stopped.changed_by, stopped.changed_at) == (admin_of(wallet).account_id, clock.now())
    assert launch(wallet) == stopped
    assert refusal(wallet) == f"utility_disabled: {target}"


def test_narrowing_acts_at_once(wallet: Wallet) -> None:
    for parts in (Audience(provinces=frozenset({"01", "46"})), Audience(provinces=frozenset({"01"}), permille=10)):
        assert changed(wallet, PILOT, audience=parts).plan == Plan(PILOT, parts)


def test_closed_utility_issues_nothing_and_stores_nothing(wallet: Wallet, state: State) -> None:
    changed(wallet, PAUSED)
    before, actor = state(), actor_of(wallet)
    with pytest.raises(Conflict, match="utility_disabled"), wallet.work() as work:
        work.rollout.assert_open(CODE, work.launches.visitor(CODE, actor))
    assert state() == before


def test_pausing_needs_no_version_and_wins_over_whatever_else(wallet: Wallet) -> None:
    pending = asked_to_open_again(wallet)
    decide(wallet, pending.id)
    with wallet.work() as work:
        paused = work.launching.pause(CODE, "stop now", WORDS, admin_of(wallet, "admin2"))
    assert (paused.state, paused.pause_text, paused.notice) == (PAUSED, WORDS, WORDS)
    assert refusal(wallet) == "utility_disabled: paused"


@pytest.mark.parametrize(("before", "code"), [(OFF, "transition_not_allowed"), (PAUSED, "already_in_state")])
def test_what_does_not_run_is_not_paused(wallet: Wallet, state: State, before: LaunchState, code: str) -> None:
    changed(wallet, before)
    stored = state()
    with pytest.raises(Conflict, match=code), wallet.work() as work:
        work.launching.pause(CODE, "stop now", None, admin_of(wallet))
    assert state() == stored


def test_words_for_citizens_are_written_beforehand_by_one(wallet: Wallet) -> None:
    written = changed(wallet, OPEN, pause_text=WORDS)
    assert (written.state, written.pause_text, written.notice) == (OPEN, WORDS, {})
    assert events(wallet, 1)[0].action == "launch.words_written"
    assert changed(wallet, PAUSED).notice == WORDS
    with pytest.raises(Conflict, match="already_in_state"):
        change(wallet, PAUSED, pause_text=WORDS)


# --- widening takes two -----------------------------------------------------------------------------------------


def asked_to_open_again(wallet: Wallet) -> PendingChange:
    """Pause the utility and ask for it to be opened again."""
    changed(wallet, PAUSED)
    return asked(wallet, OPEN)


def test_s64_opening_waits_for_a_second_admin(wallet: Wallet) -> None:
    pending = asked_to_open_again(wallet)
    assert launch(wallet).state is PAUSED
    assert launch(wallet).awaiting == pending.id
    assert refusal(wallet) == "utility_disabled: paused"
    with wallet.read() as work:
        assert work.launching.pending() == [pending]
    opened = decide(wallet, pending.id)
    assert (opened.state, opened.version) == (OPEN, launch(wallet).version)
    assert launch(wallet).awaiting is None
    with wallet.read() as work:
        assert work.launching.pending() == []
    assert refusal(wallet) == ""


WIDER: tuple[tuple[Plan, Plan], ...] = (
    (Plan(OFF), Plan(PILOT, Audience(permille=1))),
    (Plan(OFF), Plan(OPEN)),
    (Plan(PAUSED), Plan(OPEN)),
    (Plan(PILOT, Audience(permille=50)), Plan(PILOT, Audience(permille=51))),
    (Plan(PILOT, Audience(provinces=frozenset({"01"}))), Plan(PILOT, Audience(provinces=frozenset({"01", "46"})))),
    (Plan(PILOT, Audience(permille=50)), Plan(OPEN)),
    (Plan(OPEN), Plan(RETIRED)),
    (Plan(PAUSED), Plan(RETIRED)),
)


@pytest.mark.parametrize(("before", "after"), WIDER)
def test_s64_whatever_widens_or_retires_waits(wallet: Wallet, state: State, before: Plan, after: Plan) -> None:
    if before.state is not launch(wallet).state:
        agreed(wallet, before.state, audience=before.audience if before.state in LIMITED else None)
    stored = state()
    stored.pop("approvals")
    pending = asked(wallet, after.state, audience=after.audience if after.state in LIMITED else None)
    now = state()
    now.pop("approvals")
    assert now == stored, "something is in force already"
    assert (pending.before, pending.after) == (before, after)
    assert decide(wallet, pending.id).plan == after


def test_adding_a_tester_takes_two_and_taking_one_away_takes_one(wallet: Wallet) -> None:
    an, binh = actor_of(wallet).account_id, actor_of(wallet, "binh").account_id
    changed(wallet, OFF)
    agreed(wallet, SANDBOX, audience=Audience(testers=frozenset({an})))
    assert (refusal(wallet), refusal(wallet, "binh")) == ("", "not_in_pilot: testers_only")
    pending = asked(wallet, SANDBOX, audience=Audience(testers=frozenset({an, binh})))
    assert refusal(wallet, "binh") == "not_in_pilot: testers_only"
    decide(wallet, pending.id)
    assert refusal(wallet, "binh") == ""
    changed(wallet, SANDBOX, audience=Audience(testers=frozenset({binh})))
    assert (refusal(wallet), refusal(wallet, "binh")) == ("not_in_pilot: testers_only", "")


def test_names_of_testers_go_when_nobody_tests_any_more(wallet: Wallet) -> None:
    an = actor_of(wallet).account_id
    pilot(wallet, permille=0, testers=frozenset({an}))
    changed(wallet, PAUSED)
    assert launch(wallet).plan.audience.testers == {an}, "a pause is not an end"
    changed(wallet, OFF)
    with wallet.db.read() as session:
        assert session.scalars(select(UtilityTester)).all() == []


def test_retired_is_final(wallet: Wallet, state: State) -> None:
    agreed(wallet, RETIRED)
    assert refusal(wallet) == "utility_disabled: retired"
    before = state()
    for target in LaunchState:
        with pytest.raises(Conflict):
            change(wallet, target, audience=Audience(permille=1) if target is PILOT else None)
    with pytest.raises(Conflict), wallet.work() as work:
        work.launching.pause(CODE, "stop now", None, admin_of(wallet))
    assert state() == before


def test_nobody_agrees_with_themselves(wallet: Wallet, state: State) -> None:
    pending = asked_to_open_again(wallet)
    before = state()
    with pytest.raises(NotAllowed) as caught:
        decide(wallet, pending.id, by="admin1")
    assert caught.value.code == "self_approval"
    assert state() == before
    assert decide(wallet, pending.id, agree=False, by="admin1").state is PAUSED  # taking it back is allowed


def test_refused_change_does_not_happen_and_may_be_asked_for_again(wallet: Wallet) -> None:
    pending = asked_to_open_again(wallet)
    refused = decide(wallet, pending.id, agree=False)
    assert (refused.state, refused.awaiting) == (PAUSED, None)
    again = asked(wallet, OPEN)
    assert again.id != pending.id
    assert decide(wallet, again.id).state is OPEN


def test_decision_is_final(wallet: Wallet, state: State) -> None:
    pending = asked_to_open_again(wallet)
    decide(wallet, pending.id)
    before = state()
    for agree in (True, False):
        with pytest.raises(Conflict) as caught:
            decide(wallet, pending.id, agree=agree)
        assert caught.value.code == "approval_closed"
    assert state() == before


def test_what_nobody_agreed_to_in_time_is_over(wallet: Wallet, clock: FixedClock, state: State) -> None:
    pending = asked_to_open_again(wallet)
    assert pending.expires_at == clock.now() + timedelta(days=7)
    clock.set(pending.expires_at - timedelta(seconds=1))
    with wallet.read() as work:
        assert work.launching.pending() == [pending]
    clock.set(pending.expires_at)
    before = state()
    for agree in (True, False):
        with pytest.raises(Conflict, match="approval_expired"):
            decide(wallet, pending.id, agree=agree)
    assert state() == before
    assert launch(wallet).awaiting is None
    with wallet.read() as work:
        assert work.launching.pending() == []
    wallet.launch_job.run()
    with wallet.db.read() as session:
        assert session.get_one(Approval, pending.id).state == "expired"
    with pytest.raises(Conflict, match="approval_expired"):
        decide(wallet, pending.id)


def test_expired_approval_is_in_nobodys_way(wallet: Wallet, clock: FixedClock) -> None:
    outdated = asked_to_open_again(wallet)
    clock.set(outdated.expires_at)
    anew = asked(wallet, OPEN)
    assert decide(wallet, anew.id).state is OPEN


def test_agreement_to_what_changed_meanwhile_changes_nothing(wallet: Wallet) -> None:
    pending = asked_to_open_again(wallet)
    changed(wallet, OFF)  # an admin stops it before the second one agrees
    with pytest.raises(PreconditionFailed):
        decide(wallet, pending.id)
    assert launch(wallet).state is OFF
    assert refusal(wallet) == "utility_disabled: off"


def test_what_nobody_can_agree_to_any_more_is_in_nobodys_way(wallet: Wallet) -> None:
    outdated = asked_to_open_again(wallet)
    changed(wallet, OFF)
    anew = asked(wallet, OPEN)
    with wallet.read() as work:
        assert [pending.id for pending in work.launching.pending()] == [anew.id]
    with pytest.raises(Conflict, match="approval_closed"):
        decide(wallet, outdated.id)
    assert decide(wallet, anew.id).state is OPEN


def test_one_change_waits_at_a_time(wallet: Wallet, state: State) -> None:
    pending = asked_to_open_again(wallet)
    before = state()
    with pytest.raises(Conflict) as caught:
        change(wallet, OPEN, by="admin2")
    assert (caught.value.code, caught.value.values) == ("approval_pending", {"approval": pending.id})
    assert state() == before


# --- an emergency -----------------------------------------------------------------------------------------------


def test_emergency_widens_alone_and_every_other_admin_is_told(wallet: Wallet) -> None:
    changed(wallet, PAUSED)
    opened = changed(wallet, OPEN, reason="hospitals need it now", emergency=True)
    assert (opened.state, opened.reason) == (OPEN, "hospitals need it now")
    loud = next(event for event in events(wallet, 6) if event.action == "utility.emergency")
    assert (loud.actor, loud.subject) == (admin_of(wallet).account_id, CODE)
    with wallet.read() as work:
        told = work.inbox.page(admin_of(wallet, "admin2").account_id, 10, None)[0]
        own = work.inbox.page(admin_of(wallet).account_id, 10, None)[0]
    assert [notice.code for notice in told].count("launch_emergency") == 1
    assert "launch_emergency" not in {notice.code for notice in own}


def test_emergency_that_widens_nothing_is_told_to_nobody(wallet: Wallet) -> None:
    changed(wallet, PAUSED, emergency=True)
    assert "utility.emergency" not in {event.action for event in events(wallet, 5)}


@pytest.mark.parametrize(
    "more", [{"state": RETIRED}, {"state": PILOT, "audience": Audience(permille=1), "later": True}]
)
def test_emergency_is_for_now_and_never_for_good(wallet: Wallet, clock: FixedClock, state: State, more: dict) -> None:
    before, more = state(), dict(more)
    later = more.pop("later", False)
    at = clock.now() + timedelta(hours=1) if later else None
    with pytest.raises(InvalidInput) as caught:
        change(wallet, emergency=True, effective_at=at, **more)
    assert caught.value.fields.keys() == {"/emergency"}
    assert state() == before


# --- whatever the state allows ----------------------------------------------------------------------------------


def test_every_transition_is_allowed_or_refused_as_the_table_says(wallet: Wallet) -> None:
    audiences = {
        SANDBOX: Audience(testers=frozenset({actor_of(wallet).account_id})),
        PILOT: Audience(permille=500),
    }

    def plan_of(state: LaunchState) -> Plan:
        return Plan(state, audiences.get(state, Audience()))

    for begin, target in product(set(LaunchState) - {RETIRED}, LaunchState):
        if launch(wallet).state is not begin:
            if begin is PAUSED and launch(wallet).state is OFF:
                agreed(wallet, OPEN)
            agreed(wallet, begin, audience=audiences.get(begin))
        now = launch(wallet).plan
        if target is begin:
            with pytest.raises(Conflict, match="already_in_state"):
                change(wallet, target)
        elif target not in NEXT[begin]:
            with pytest.raises(Conflict, match="transition_not_allowed"):
                change(wallet, target)
        elif target is RETIRED or widens(now, plan_of(target)):
            pending = asked(wallet, target, audience=audiences.get(target))
            decide(wallet, pending.id, agree=False)
        else:
            changed(wallet, target, audience=audiences.get(target))


def test_audience_is_kept_where_none_is_given_and_refused_where_there_is_none(wallet: Wallet, state: State) -> None:
    parts = Audience(provinces=frozenset({"01"}), permille=100)
    changed(wallet, PILOT, audience=parts)
    changed(wallet, PAUSED)
    assert agreed(wallet, PILOT).plan == Plan(PILOT, parts)
    before = state()
    for target in (OFF, OPEN, PAUSED, RETIRED):
        with pytest.raises(InvalidInput) as caught:
            change(wallet, target, audience=parts)
        assert caught.value.fields == {"/audience": "not_for_state"}
    assert state() == before


def test_tester_has_to_be_somebody(wallet: Wallet, state: State) -> None:
    before = state()
    for testers in ({"acc_" + "0" * 32}, {"acc_x", actor_of(wallet).account_id}):
        with pytest.raises(InvalidInput) as caught:
            change(wallet, PILOT, audience=Audience(permille=1, testers=frozenset(testers)))
        assert set(caught.value.fields.values()) == {"unknown_account"}
    assert state() == before


def test_whoever_saw_an_older_state_changes_nothing(wallet: Wallet, state: State) -> None:
    version = launch(wallet).version
    changed(wallet, PAUSED)
    before = state()
    for seen in (version, 0, version + 2, -1):
        with pytest.raises(PreconditionFailed):
            change(wallet, OFF, version=seen)
    assert state() == before


def test_only_admins_change_decide_or_explain(wallet: Wallet, state: State) -> None:
    pending = asked_to_open_again(wallet)
    before = state()
    version = launch(wallet).version
    others = frozenset(StaffRole) - {StaffRole.ADMIN}
    order = LaunchOrder(OFF, "x")
    for actor in (actor_of(wallet), actor_of(wallet, roles=others), Actor("system")):
        for attempt in (
            lambda work, actor=actor: work.launching.change(CODE, order, version, actor),
            lambda work, actor=actor: work.launching.pause(CODE, "x", None, actor),
            lambda work, actor=actor: work.launching.cancel(CODE, "sch_x", version, actor),
            lambda work, actor=actor: work.launching.decide(pending.id, agree=True, actor=actor),
            lambda work, actor=actor: work.launching.decide("apr_unknown", agree=False, actor=actor),
            lambda work, actor=actor: work.previewing(actor, CODE).preview(CODE, order, actor),
            lambda work, actor=actor: work.rollout.explain(CODE, work.launches.visitor(CODE, actor), "audit", actor),
        ):
            with pytest.raises(NotAllowed), wallet.work() as work:
                attempt(work)
    assert state() == before


def test_unknown_utility_and_unknown_approval_are_not_found(wallet: Wallet) -> None:
    with wallet.read() as work, pytest.raises(UnknownUtility):
        work.rollout.launch("no-such-thing")
    with pytest.raises(UnknownUtility):
        change(wallet, OPEN, version=0, code="no-such-thing")
    with pytest.raises(NotFound):
        decide(wallet, "apr_" + "0" * 32)


def test_both_names_stand_in_the_record(wallet: Wallet) -> None:
    pending = asked_to_open_again(wallet)
    decide(wallet, pending.id)
    first, second = admin_of(wallet).account_id, admin_of(wallet, "admin2").account_id
    rows = events(wallet, 4)
    assert [(row.action, row.actor) for row in rows] == [
        ("utility.paused", first),
        ("approval.asked", first),
        ("approval.approved", second),
        ("utility.open", second),
    ]
    assert rows[-1].details["asked_by"] == first
    assert rows[-1].details["before"]["state"] == "paused"
    assert rows[-1].details["after"]["state"] == "open"
    assert {row.subject for row in rows} == {CODE}


def test_record_counts_testers_and_does_not_name_them(wallet: Wallet) -> None:
    an = actor_of(wallet).account_id
    pilot(wallet, permille=1, testers=frozenset({an}))
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.subject == CODE).order_by(AuditEvent.id)).all()
    assert an not in str([row.details for row in rows])
    assert rows[-1].details["after"]["audience"] == {"permille": 1, "testers": 1}


# --- at the same moment -----------------------------------------------------------------------------------------


def test_of_two_that_change_at_once_one_is_told_so(wallet: Wallet) -> None:
    version = launch(wallet).version

    def attempt(number: int) -> str:
        try:
            change(wallet, (PAUSED, OFF)[number % 2], version=version, by=f"admin{number % 2 + 1}")
        except WalletError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["done"] + ["version_changed"] * 5
    assert launch(wallet).version == version + 1


def test_of_two_that_ask_at_once_one_is_told_so(wallet: Wallet) -> None:
    changed(wallet, PAUSED)
    version = launch(wallet).version

    def attempt(number: int) -> str:
        try:
            change(wallet, OPEN, version=version, by=f"admin{number % 2 + 1}")
        except WalletError as error:
            return error.code
        return "asked"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["approval_pending"] * 5 + ["asked"]
    with wallet.read() as work:
        assert len(work.launching.pending()) == 1


def test_of_two_that_are_first_at_once_one_is_told_so(wallet: Wallet) -> None:
    """A utility without a row: there is nothing yet whose version could have changed."""
    with wallet.work() as work:
        work.session.delete(work.launch_rows.state(CODE))
    moment = wallet.clock.now()
    first = UtilityState(code=CODE, state="open", version=1, reason="", changed_by="a", changed_at=moment)
    again = UtilityState(code=CODE, state="off", version=1, reason="", changed_by="b", changed_at=moment)
    with wallet.work() as work:
        assert work.launch_rows.change_state(CODE, 0, first)
    with wallet.work() as work:
        assert not work.launch_rows.change_state(CODE, 0, again)
    assert launch(wallet).state is OPEN


@on_one_database
def test_a_utility_nobody_ever_touched_is_off(wallet: Wallet) -> None:
    with wallet.work() as work:
        work.session.delete(work.launch_rows.state(CODE))
    assert launch(wallet) == Launch(CODE)
    with wallet.read() as work:
        assert work.rollout.launches()[CODE] == Launch(CODE)
    assert refusal(wallet) == "utility_disabled: off"
    assert decide(wallet, asked(wallet, OPEN).id).version == 1
