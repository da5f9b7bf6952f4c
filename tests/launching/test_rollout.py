"""Who may open a utility and how: stopping acts at once, opening takes two."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of, issue, on_one_database, order_for
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    UnknownUtility,
    WalletError,
)
from wallet.launching.models import UtilityState
from wallet.launching.rollout import NEEDS_A_SECOND, NEXT, Launch, LaunchState, PendingChange, parse_state
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
OFF, OPEN, PAUSED = LaunchState.OFF, LaunchState.OPEN, LaunchState.PAUSED


def launch(wallet: Wallet) -> Launch:
    with wallet.read() as work:
        return work.rollout.launch("residence")


def change(
    wallet: Wallet, target: LaunchState, *, version: int | None = None, by: str = "admin1"
) -> Launch | PendingChange:
    seen = launch(wallet).version if version is None else version
    with wallet.work() as work:
        return work.rollout.change("residence", target, "a reason", seen, admin_of(wallet, by))


def decide(wallet: Wallet, approval: str, *, agree: bool = True, by: str = "admin2") -> Launch:
    with wallet.work() as work:
        return work.rollout.decide(approval, agree=agree, actor=admin_of(wallet, by))


def ask(wallet: Wallet) -> PendingChange:
    """Pause the utility and ask for it to be opened again."""
    change(wallet, PAUSED)
    pending = change(wallet, OPEN)
    assert isinstance(pending, PendingChange)
    return pending


def may_issue(wallet: Wallet) -> bool:
    try:
        issue(wallet)
    except Conflict as error:
        return {"utility_disabled": False}[error.code]
    return True


def test_stopping_and_pausing_act_at_once(wallet: Wallet, clock: FixedClock) -> None:
    assert may_issue(wallet)
    before = launch(wallet)
    paused = change(wallet, PAUSED)
    assert isinstance(paused, Launch)
    assert (paused.state, paused.version, paused.reason) == (PAUSED, before.version + 1, "a reason")
    assert (paused.changed_by, paused.changed_at) == (admin_of(wallet).account_id, clock.now())
    assert launch(wallet) == paused
    assert not may_issue(wallet)
    assert isinstance(change(wallet, OFF), Launch)
    assert launch(wallet).state is OFF
    assert not may_issue(wallet)


def test_what_was_issued_still_verifies_when_the_utility_stops(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    change(wallet, OFF)
    clock.advance(seconds=2)
    assert wallet.checking.check(document.code)["verdict"] == "valid"


def test_opening_waits_for_a_second_admin(wallet: Wallet) -> None:
    pending = ask(wallet)
    assert launch(wallet).state is PAUSED
    assert launch(wallet).awaiting == pending.id
    assert not may_issue(wallet)
    with wallet.read() as work:
        assert work.rollout.pending() == [pending]
    opened = decide(wallet, pending.id)
    assert (opened.state, opened.version) == (OPEN, launch(wallet).version)
    assert launch(wallet).awaiting is None
    with wallet.read() as work:
        assert work.rollout.pending() == []
    assert may_issue(wallet)


def test_nobody_agrees_with_themselves(wallet: Wallet, state: State) -> None:
    pending = ask(wallet)
    before = state()
    with pytest.raises(NotAllowed) as caught:
        decide(wallet, pending.id, by="admin1")
    assert caught.value.code == "self_approval"
    assert state() == before
    assert decide(wallet, pending.id, agree=False, by="admin1").state is PAUSED  # taking it back is allowed


def test_refused_change_does_not_happen_and_may_be_asked_for_again(wallet: Wallet) -> None:
    pending = ask(wallet)
    refused = decide(wallet, pending.id, agree=False)
    assert (refused.state, refused.awaiting) == (PAUSED, None)
    again = change(wallet, OPEN)
    assert isinstance(again, PendingChange)
    assert again.id != pending.id
    assert decide(wallet, again.id).state is OPEN


def test_decision_is_final(wallet: Wallet, state: State) -> None:
    pending = ask(wallet)
    decide(wallet, pending.id)
    before = state()
    for agree in (True, False):
        with pytest.raises(Conflict) as caught:
            decide(wallet, pending.id, agree=agree)
        assert caught.value.code == "approval_closed"
    assert state() == before


def test_agreement_to_what_changed_meanwhile_changes_nothing(wallet: Wallet) -> None:
    pending = ask(wallet)
    change(wallet, OFF)  # an admin stops it before the second one agrees
    with pytest.raises(PreconditionFailed):
        decide(wallet, pending.id)
    assert launch(wallet).state is OFF
    assert not may_issue(wallet)


def test_what_nobody_can_agree_to_any_more_is_in_nobodys_way(wallet: Wallet) -> None:
    outdated = ask(wallet)
    change(wallet, OFF)
    anew = change(wallet, OPEN)
    assert isinstance(anew, PendingChange)
    with wallet.read() as work:
        assert [pending.id for pending in work.rollout.pending()] == [anew.id]
    with pytest.raises(Conflict, match="approval_closed"):
        decide(wallet, outdated.id)
    assert decide(wallet, anew.id).state is OPEN


def test_one_change_waits_at_a_time(wallet: Wallet, state: State) -> None:
    pending = ask(wallet)
    before = state()
    with pytest.raises(Conflict) as caught:
        change(wallet, OPEN, by="admin2")
    assert (caught.value.code, caught.value.values) == ("approval_pending", {"approval": pending.id})
    assert state() == before


def test_every_transition_is_allowed_or_refused_as_the_table_says(wallet: Wallet) -> None:
    def bring_to(state: LaunchState) -> None:
        while launch(wallet).state is not state:
            now = launch(wallet).state
            target = state if state in NEXT[now] else next(iter(NEXT[now]))
            answer = change(wallet, target)
            if isinstance(answer, PendingChange):
                decide(wallet, answer.id)

    for begin, target in product(LaunchState, LaunchState):
        bring_to(begin)
        if target is begin:
            with pytest.raises(Conflict, match="already_in_state"):
                change(wallet, target)
        elif target not in NEXT[begin]:
            with pytest.raises(Conflict, match="transition_not_allowed"):
                change(wallet, target)
        elif target in NEEDS_A_SECOND:
            pending = change(wallet, target)
            assert isinstance(pending, PendingChange)
            decide(wallet, pending.id, agree=False)
        else:
            assert isinstance(change(wallet, target), Launch)


def test_whoever_saw_an_older_state_changes_nothing(wallet: Wallet, state: State) -> None:
    version = launch(wallet).version
    change(wallet, PAUSED)
    before = state()
    for seen in (version, 0, version + 2, -1):
        with pytest.raises(PreconditionFailed):
            change(wallet, OFF, version=seen)
    assert state() == before


def test_only_admins_change_or_decide(wallet: Wallet, state: State) -> None:
    pending = ask(wallet)
    before = state()
    version = launch(wallet).version
    others = frozenset(StaffRole) - {StaffRole.ADMIN}
    for actor in (actor_of(wallet), actor_of(wallet, roles=others), Actor("system")):
        for attempt in (
            lambda work, actor=actor: work.rollout.change("residence", OFF, "x", version, actor),
            lambda work, actor=actor: work.rollout.decide(pending.id, agree=True, actor=actor),
            lambda work, actor=actor: work.rollout.decide("apr_unknown", agree=False, actor=actor),
        ):
            with pytest.raises(NotAllowed), wallet.work() as work:
                attempt(work)
    assert state() == before


def test_unknown_utility_and_unknown_approval_are_not_found(wallet: Wallet) -> None:
    with wallet.read() as work, pytest.raises(UnknownUtility):
        work.rollout.launch("no-such-thing")
    with pytest.raises(UnknownUtility), wallet.work() as work:
        work.rollout.change("no-such-thing", OPEN, "x", 0, admin_of(wallet))
    with pytest.raises(NotFound):
        decide(wallet, "apr_" + "0" * 32)


def test_closed_utility_issues_nothing_and_stores_nothing(wallet: Wallet, state: State) -> None:
    change(wallet, PAUSED)
    before, actor = state(), actor_of(wallet)
    with pytest.raises(Conflict), wallet.work() as work:
        work.issuing.issue(order_for(actor), actor)
    assert state() == before


def test_both_names_stand_in_the_record(wallet: Wallet) -> None:
    pending = ask(wallet)
    decide(wallet, pending.id)
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(4)).all()
    first, second = admin_of(wallet).account_id, admin_of(wallet, "admin2").account_id
    assert [(row.action, row.actor) for row in rows] == [
        ("utility.open", second),
        ("approval.approved", second),
        ("approval.asked", first),
        ("utility.paused", first),
    ]
    assert rows[0].details["asked_by"] == first
    assert {row.subject for row in rows} == {"residence"}


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
    change(wallet, PAUSED)
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
        assert len(work.rollout.pending()) == 1


def test_of_two_that_are_first_at_once_one_is_told_so(wallet: Wallet) -> None:
    """A utility without a row: there is nothing yet whose version could have changed."""
    with wallet.work() as work:
        work.session.delete(work.rollout.rows.state("residence"))
    moment = wallet.clock.now()
    first = UtilityState(code="residence", state="open", version=1, reason="", changed_by="a", changed_at=moment)
    again = UtilityState(code="residence", state="off", version=1, reason="", changed_by="b", changed_at=moment)
    with wallet.work() as work:
        assert work.rollout.rows.change_state("residence", 0, first)
    with wallet.work() as work:
        assert not work.rollout.rows.change_state("residence", 0, again)
    assert launch(wallet).state is OPEN


@on_one_database
def test_a_utility_nobody_ever_touched_is_off(wallet: Wallet) -> None:
    with wallet.work() as work:
        work.session.delete(work.rollout.rows.state("residence"))
    assert launch(wallet) == Launch("residence", OFF, 0)
    with wallet.read() as work:
        assert work.rollout.launches() == {"residence": Launch("residence", OFF, 0)}
    assert not may_issue(wallet)
    pending = change(wallet, OPEN)
    assert isinstance(pending, PendingChange)
    assert decide(wallet, pending.id).version == 1


def test_states_have_names() -> None:
    assert [parse_state(name) for name in ("off", "open", "paused")] == [OFF, OPEN, PAUSED]
    for name in ("", "OPEN", "closed", "open "):
        with pytest.raises(InvalidInput) as caught:
            parse_state(name)
        assert caught.value.fields == {"/state": "not_a_choice"}
