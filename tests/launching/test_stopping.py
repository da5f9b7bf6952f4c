"""A launch whose requests fail is paused by the system, once, whoever looks; opening it again takes two."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of
from tests.launching.people import CODE, OFF, OPEN, PAUSED, PILOT, agreed, asked, changed, decide, launch, pilot
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.errors import Conflict, InvalidInput, Unavailable
from wallet.launching.audience import Audience
from wallet.launching.schedule import Launch
from wallet.launching.stop_rule import NEVER, Outcomes, StopRule
from wallet.requests.orders import RequestOrder
from wallet.settings import Settings
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
PEOPLE = ("an", "sau", "doi", "xa", "dai", "marie")
RULE = StopRule(over=500, minutes=10, least=5)


class Away:
    """A register that does not answer."""

    code = RegisterCode.RESIDENCE

    def read(self, number: str, ground: Ground) -> Facts:
        raise Unavailable("source_unavailable", register=str(self.code))


class Broken(Away):
    """A register whose answers nobody foresaw."""

    def read(self, number: str, ground: Ground) -> Facts:
        raise KeyError(number)


def send(wallet: Wallet, key: str) -> None:
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        work.requests.submit(RequestOrder(CODE, {}), actor)


def fail(wallet: Wallet, *people: str, how: type[Away] = Away) -> None:
    """Let people ask while the register is as it is."""
    register = wallet.registers[RegisterCode.RESIDENCE]
    wallet.registers[RegisterCode.RESIDENCE] = how()
    try:
        for key in people:
            with pytest.raises((Unavailable, KeyError)):
                send(wallet, key)
    finally:
        wallet.registers[RegisterCode.RESIDENCE] = register


def events(wallet: Wallet, action: str) -> list[AuditEvent]:
    with wallet.db.read() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


@pytest.fixture
def ruled(wallet: Wallet, clock: FixedClock) -> Launch:
    """A pilot of everybody, for a month, with a rule: more than a half of at least five people within ten minutes."""
    return changed(wallet, PILOT, audience=Audience(until_at=clock.now() + timedelta(days=30)), stop_rule=RULE)


def test_a_launch_that_fails_too_often_is_paused_recorded_and_told(wallet: Wallet, ruled: Launch) -> None:
    fail(wallet, *PEOPLE[:4])
    send(wallet, "marie")
    wallet.stop_job.run()
    stopped = launch(wallet)
    assert (stopped.state, stopped.version, stopped.changed_by) == (PAUSED, ruled.version + 1, "system")
    assert stopped.reason == "Tự dừng / stopped by itself: 4/5 > 50 % (10 min)"
    assert (stopped.plan.audience, stopped.stop_rule) == (ruled.plan.audience, RULE)
    (event,) = events(wallet, "launch.stopped")
    assert (event.actor, event.subject) == ("system", CODE)
    assert event.details == {"version": stopped.version, "failed": 4, "people": 5}
    assert events(wallet, "utility.paused")[-1].details["after"]["state"] == "paused"
    for key in ("admin1", "admin2"):
        with wallet.read() as work:
            notices = work.inbox.page(admin_of(wallet, key).account_id, 10, None)[0]
        told = [notice for notice in notices if notice.code == "launch_stopped"]
        assert [notice.values for notice in told] == [{"name": CODE, "failed": 4, "people": 5}]
    with pytest.raises(Conflict) as caught:
        send(wallet, "sau")
    assert caught.value.code == "utility_disabled"


def test_failures_are_on_record_by_cause_and_the_rest_is_rolled_back(wallet: Wallet, ruled: Launch) -> None:
    fail(wallet, "an")
    fail(wallet, "sau", how=Broken)
    found = events(wallet, "request.failed")
    assert [(event.subject, event.details["cause"]) for event in found] == [
        (CODE, "source_unavailable"),
        (CODE, "internal_error"),
    ]
    assert [event.actor for event in found] == [actor_of(wallet, key).account_id for key in ("an", "sau")]
    with wallet.read() as work:
        assert work.requests.page(actor_of(wallet), 10, None)[0] == []


def test_a_refusal_is_no_failure(wallet: Wallet, ruled: Launch) -> None:
    with pytest.raises(InvalidInput), wallet.work() as work:
        work.requests.submit(RequestOrder(CODE, {"no_such": 1}), actor_of(wallet))
    changed(wallet, PAUSED)
    with pytest.raises(Conflict):
        send(wallet, "an")
    assert events(wallet, "request.failed") == []


@pytest.mark.parametrize(
    ("failed", "done"), [(PEOPLE[:4], ()), (PEOPLE[:3], PEOPLE[3:]), ((), PEOPLE), (("an",) * 9, ("sau", "doi"))]
)
def test_few_people_or_few_failures_stop_nothing(
    wallet: Wallet, ruled: Launch, state: State, failed: tuple[str, ...], done: tuple[str, ...]
) -> None:
    """Fewer than five people; a half and not more; none; one who tries again and again."""
    fail(wallet, *failed)
    for key in done:
        send(wallet, key)
    before = state()
    wallet.stop_job.run()
    assert launch(wallet) == ruled
    assert state() == before


def test_without_a_rule_nothing_stops(wallet: Wallet) -> None:
    open_as_before = launch(wallet)
    assert open_as_before.stop_rule == NEVER
    fail(wallet, *PEOPLE)
    wallet.stop_job.run()
    assert launch(wallet) == open_as_before


def test_what_is_over_does_not_count(wallet: Wallet, ruled: Launch, clock: FixedClock) -> None:
    fail(wallet, *PEOPLE[:4])
    clock.advance(minutes=10, seconds=1)
    fail(wallet, PEOPLE[4])
    wallet.stop_job.run()
    assert launch(wallet) == ruled


def test_opening_again_takes_two_and_begins_from_nothing(wallet: Wallet, ruled: Launch, clock: FixedClock) -> None:
    fail(wallet, *PEOPLE[:5])
    wallet.stop_job.run()
    pending = asked(wallet, PILOT)
    assert launch(wallet).state is PAUSED
    clock.advance(seconds=1)
    again = decide(wallet, pending.id)
    assert (again.state, again.stop_rule) == (PILOT, RULE)
    wallet.stop_job.run()
    assert launch(wallet) == again
    clock.advance(seconds=1)
    fail(wallet, *PEOPLE[:5])
    wallet.stop_job.run()
    assert launch(wallet).state is PAUSED
    assert len(events(wallet, "launch.stopped")) == 2


def test_what_two_had_agreed_to_for_later_falls_away(wallet: Wallet, ruled: Launch, clock: FixedClock) -> None:
    agreed(wallet, OPEN, effective_at=clock.now() + timedelta(hours=1))
    fail(wallet, *PEOPLE[:5])
    wallet.stop_job.run()
    assert launch(wallet).schedule == ()
    clock.advance(hours=2)
    assert launch(wallet).state is PAUSED


def test_it_is_stopped_once_however_many_processes_look(
    wallet: Wallet, ruled: Launch, deployment: Settings, clock: FixedClock
) -> None:
    fail(wallet, *PEOPLE[:5])
    others = [Wallet.build(deployment, clock=clock) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: each.stop_job.run(), [wallet, *others]))
    for each in others:
        assert launch(each).state is PAUSED
        each.close()
    assert len(events(wallet, "launch.stopped")) == 1
    assert launch(wallet).version == ruled.version + 1


def test_one_that_was_stopped_by_hand_in_the_same_moment_stays_as_it_is(wallet: Wallet, ruled: Launch) -> None:
    fail(wallet, *PEOPLE[:5])
    by_hand = changed(wallet, OFF)
    with wallet.work() as work:
        assert work.stopping.stop(CODE) is None
    assert launch(wallet) == by_hand


# --- the rule ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "outcomes", "broken"),
    [
        (StopRule(over=200, least=20), Outcomes(4, 16), False),
        (StopRule(over=200, least=20), Outcomes(5, 16), True),
        (StopRule(over=200, least=22), Outcomes(5, 16), False),
        (StopRule(over=0, least=5), Outcomes(1, 4), True),
        (StopRule(over=0, least=5), Outcomes(0, 5), False),
        (StopRule(over=999, least=5), Outcomes(5, 0), True),
        (NEVER, Outcomes(1000, 0), False),
    ],
)
def test_the_rule_is_broken_above_its_share(rule: StopRule, outcomes: Outcomes, broken: bool) -> None:
    assert rule.is_broken_by(outcomes) is broken


@pytest.mark.parametrize("rule", [RULE, NEVER, StopRule(over=0)])
def test_a_rule_is_kept_as_it_was_set(rule: StopRule) -> None:
    assert StopRule.from_json(rule.to_json()) == rule


def test_a_rule_is_set_and_lifted_by_one_and_recorded(wallet: Wallet) -> None:
    ruled = changed(wallet, OPEN, stop_rule=RULE)
    assert (ruled.state, ruled.stop_rule) == (OPEN, RULE)
    assert changed(wallet, PAUSED).stop_rule == RULE
    lifted = changed(wallet, PAUSED, stop_rule=NEVER)
    assert lifted.stop_rule == NEVER
    assert [event.details["after"] for event in events(wallet, "launch.stop_rule_set")] == [RULE.to_json(), {}]
    assert events(wallet, "launch.words_written") == []


def test_a_rule_that_waits_is_in_force_once_it_is_agreed_to(wallet: Wallet) -> None:
    changed(wallet, PAUSED)
    pending = asked(wallet, OPEN, stop_rule=RULE)
    assert launch(wallet).stop_rule == NEVER
    assert pending.stop_rule == RULE
    assert decide(wallet, pending.id).stop_rule == RULE


def test_a_rule_takes_no_time(wallet: Wallet, clock: FixedClock, state: State) -> None:
    before = state()
    with pytest.raises(InvalidInput) as caught:
        changed(wallet, PAUSED, stop_rule=RULE, effective_at=clock.now() + timedelta(hours=1))
    assert caught.value.fields == {"/stop_rule": "not_with_a_time"}
    assert state() == before


def test_pilot_by_hand_keeps_its_rule(wallet: Wallet) -> None:
    changed(wallet, OPEN, stop_rule=RULE)
    assert pilot(wallet, provinces=frozenset({"01"})).stop_rule == RULE
