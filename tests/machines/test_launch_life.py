"""A launch over its whole life, against a model that is written from the rules, not from the code.

The model: a state with an audience; who may move it and with how many people (docs/decisions/0018-launching.md); what
is planned; what waits. After every step every person of a small country is asked, and each answer is predicted.
LAUNCH_RUNS and LAUNCH_STEPS: 10 runs of 20 steps unless told otherwise.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.documents.people import actor_of, admin_of, on_one_database
from tests.support import FixedClock, RisingEntropy
from wallet.errors import Conflict, WalletError
from wallet.launching.audience import Audience, place_of
from wallet.launching.judging import Visitor
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.schedule import Launch
from wallet.launching.states import NEXT, LaunchState
from wallet.wiring import Wallet

RUNS = int(os.environ.get("LAUNCH_RUNS", "10"))
STEPS = int(os.environ.get("LAUNCH_STEPS", "20"))
CODE = "residence"
OFF, SANDBOX, PILOT, OPEN, PAUSED, RETIRED = LaunchState
PATIENCE = timedelta(days=7)
PLACES = ("01", "46", None)
COUNTRY = [(f"hld_{number:032x}", PLACES[number % 3]) for number in range(6)]
"""Holders with where they live."""

FROM = {
    OFF: {SANDBOX, PILOT, OPEN, RETIRED},
    SANDBOX: {SANDBOX, PILOT, OPEN, PAUSED, OFF, RETIRED},
    PILOT: {SANDBOX, PILOT, OPEN, PAUSED, OFF, RETIRED},
    OPEN: {SANDBOX, PILOT, PAUSED, OFF, RETIRED},
    PAUSED: {SANDBOX, PILOT, OPEN, OFF, RETIRED},
    RETIRED: set(),
}
"""Written a second time on purpose."""


@dataclass(frozen=True)
class Model:
    """What is in force: the state, the provinces and the share of a pilot, and whether the tester is listed."""

    state: LaunchState = OFF
    places: frozenset[str] = frozenset()
    permille: int | None = None
    tester: bool = False

    def takes(self, holder: str, place: str | None, *, tester: bool) -> bool:
        if self.state is OPEN:
            return True
        if self.state not in (SANDBOX, PILOT):
            return False
        if tester and self.tester:
            return True
        if self.state is SANDBOX or (self.permille is not None and place_of(CODE, holder) >= self.permille):
            return False
        return not self.places or place in self.places

    def reach(self) -> set[tuple[str, bool]]:
        return {
            (each, test) for each, place in COUNTRY for test in (True, False) if self.takes(each, place, tester=test)
        }


targets = st.one_of(
    st.sampled_from([Model(state) for state in (OFF, OPEN, PAUSED, RETIRED)]),
    st.just(Model(SANDBOX, tester=True)),
    st.builds(
        Model,
        state=st.just(PILOT),
        places=st.frozensets(st.sampled_from(["01", "46"]), max_size=2),
        permille=st.sampled_from([0, 250, 500, 750]),
        tester=st.booleans(),
    ),
)


Step = tuple[datetime, str, Model, bool]


class LaunchLife(RuleBasedStateMachine):
    """What two admins, time and a job that may be dead can do to one utility, in any order."""

    wallet: Wallet
    clock: FixedClock
    walked: set[tuple[LaunchState, LaunchState]]
    """Transitions that were made, over all runs."""

    @initialize()
    def begin(self) -> None:
        with self.wallet.work() as work:
            row = work.launch_rows.state(CODE)
            if row is not None:
                work.session.delete(row)
            work.launch_rows.set_testers(CODE, (), self.clock.now())
            waiting = work.launch_rows.awaiting("launch_utility", CODE)
            if waiting is not None:
                work.launch_rows.decide(waiting.id, "refused", "of_a_test", self.clock.now())
        self.tester = actor_of(self.wallet).account_id
        self.model, self.version = Model(), 0
        self.plan: list[Step] = []  # when, which, what, whether two agreed
        self.waiting: tuple[str, Model, datetime | None, datetime, int, str] | None = None
        self.back: Step | None = None  # what the one that waits would take back

    # ── what an admin sends, and what the rules say of it ──

    def order(self, target: Model, at: datetime | None, **more: Any) -> LaunchOrder:
        audience = None
        if target.state in (SANDBOX, PILOT):
            testers = frozenset({self.tester} if target.tester else ())
            audience = Audience(target.places, target.permille, testers)
        return LaunchOrder(target.state, "a reason", audience, effective_at=at, **more)

    def kept(self, before: Model, target: Model) -> Model:
        return replace(before, state=PAUSED) if target.state is PAUSED else target

    def as_planned(self, moment: datetime, without: Step | None = None) -> Model:
        found = self.model
        for entry in sorted(self.plan, key=lambda entry: entry[:2]):
            at, _, target, agreed = entry
            if at <= moment and entry != without:
                found = self.after(found, target, agreed=agreed)
                if found.state is RETIRED:
                    break
        return found

    def after(self, before: Model, target: Model, *, agreed: bool) -> Model:
        """Return what is in force after a planned change, which may have fallen away."""
        if target == before or target.state not in FROM[before.state]:
            return before
        return target if agreed or not self.widens(before, target) else before

    def widens(self, before: Model, after: Model) -> bool:
        """Whether two people are needed: in doubt they are, and never are they not where somebody gets in."""
        wider = self.looks_wider(before, after)
        assert wider or not after.reach() - before.reach()
        return wider

    def looks_wider(self, before: Model, after: Model) -> bool:
        if after.state in (OFF, PAUSED, RETIRED) or before.state is OPEN:
            return False
        if after.state is OPEN or before.state not in (SANDBOX, PILOT) or after.tester > before.tester:
            return True
        if SANDBOX in (before.state, after.state):
            return after.state is PILOT and after.permille != 0
        places = bool(before.places) and not (after.places and after.places <= before.places)
        return places or (after.permille or 0) > (before.permille or 0)

    def send(self, target: Model, at: datetime | None, by: str, **more: Any) -> Launch | PendingChange | str:
        try:
            with self.wallet.work() as work:
                version = work.rollout.launch(CODE).version
                return work.launching.change(CODE, self.order(target, at, **more), version, admin_of(self.wallet, by))
        except WalletError as error:
            return error.code

    @rule(wanted=targets, by=st.sampled_from(["admin1", "admin2"]), hours=st.sampled_from([None, None, 1, 30]))
    def change(self, wanted: Model, by: str, hours: int | None) -> None:
        now = self.clock.now()
        self.pass_time(timedelta(0))
        at = None if hours is None else now + timedelta(hours=hours)
        before = self.as_planned(at or now)
        target = self.kept(before, wanted)
        outcome = self.send(target, at, by)
        if at is not None and len(self.plan) >= 10:
            assert outcome == "schedule_full"
        elif target.state is not before.state and target.state not in FROM[before.state]:
            assert outcome == "transition_not_allowed", (before, target, outcome)
        elif target == before:
            assert outcome == "already_in_state", (before, target, outcome)
        elif isinstance(outcome, PendingChange):
            assert target.state is RETIRED or self.widens(before, target)
            assert self.waiting is None or not self.still_waits(), "one waits at a time"
            expires = min(now + PATIENCE, at or now + PATIENCE)
            assert outcome.expires_at == expires
            self.waiting, self.back = (outcome.id, target, at, expires, self.version, by), None
        elif outcome == "approval_pending":
            assert self.still_waits()
        else:
            assert isinstance(outcome, Launch), outcome
            assert target.state is not RETIRED
            assert not self.widens(before, target), (before, target)
            self.carried_out(target, at, agreed=False, change_id=self.newest(outcome) if at else "")

    @rule(wanted=targets, by=st.sampled_from(["admin1", "admin2"]))
    def emergency(self, wanted: Model, by: str) -> None:
        self.pass_time(timedelta(0))
        before, target = self.model, self.kept(self.model, wanted)
        outcome = self.send(target, None, by, emergency=True)
        if target.state is not before.state and target.state not in FROM[before.state]:
            assert outcome == "transition_not_allowed"
        elif target == before:
            assert outcome == "already_in_state"
        elif target.state is RETIRED:
            assert outcome == "invalid_input"
        else:
            assert isinstance(outcome, Launch), outcome
            self.carried_out(target, None, agreed=True, change_id="")

    @rule(by=st.sampled_from(["admin1", "admin2"]))
    def pause(self, by: str) -> None:
        self.pass_time(timedelta(0))
        runs = self.model.state in (SANDBOX, PILOT, OPEN)
        try:
            with self.wallet.work() as work:
                work.launching.pause(CODE, "stop", None, admin_of(self.wallet, by))
        except Conflict:
            assert not runs
            return
        assert runs
        self.carried_out(replace(self.model, state=PAUSED), None, agreed=False, change_id="")

    @rule(by=st.sampled_from(["admin1", "admin2"]), agree=st.booleans())
    def decide(self, by: str, agree: bool) -> None:
        if self.waiting is None:
            return
        approval, target, at, expires, version, asked_by = self.waiting
        self.pass_time(timedelta(0))
        outcome = ""
        try:
            with self.wallet.work() as work:
                work.launching.decide(approval, agree=agree, actor=admin_of(self.wallet, by))
        except WalletError as error:
            outcome = error.code
        late = self.clock.now() >= expires
        if agree and by == asked_by:
            assert outcome == "self_approval"
        elif late:
            assert outcome == "approval_expired"
        elif agree and version != self.version:
            assert outcome == "version_changed"
        else:
            assert outcome == ""
            self.waiting = None
            if agree and self.back is not None:
                self.plan.remove(self.back)
                self.version += 1
            elif agree:
                with self.wallet.read() as work:
                    planned = self.newest(work.rollout.launch(CODE)) if at else ""
                self.carried_out(target, at, agreed=True, change_id=planned)

    @rule(which=st.integers(0, 9), by=st.sampled_from(["admin1", "admin2"]))
    def take_back(self, which: int, by: str) -> None:
        self.pass_time(timedelta(0))
        if not self.plan:
            return
        entry = self.plan[which % len(self.plan)]
        wider = any(self.widens(self.as_planned(at), self.as_planned(at, entry)) for at, *_ in self.plan)
        refused = ""
        try:
            with self.wallet.work() as work:
                outcome = work.launching.cancel(CODE, entry[1], self.version, admin_of(self.wallet, by))
        except Conflict as error:
            refused = error.code
        if wider and self.still_waits():
            assert refused == "approval_pending", "one waits at a time"
            return
        assert refused == ""
        assert isinstance(outcome, PendingChange) is wider
        if isinstance(outcome, PendingChange):
            assert outcome.expires_at == min(self.clock.now() + PATIENCE, entry[0])
            self.waiting = (outcome.id, self.model, None, outcome.expires_at, self.version, by)
            self.back = entry
            return
        self.plan.remove(entry)
        self.version += 1

    # ── what happens by itself ──

    @rule(hours=st.sampled_from([1, 5, 31, 24 * 7]))
    def wait(self, hours: int) -> None:
        self.pass_time(timedelta(hours=hours))

    @rule()
    def job(self) -> None:
        self.wallet.launch_job.run()
        self.pass_time(timedelta(0))

    def pass_time(self, step: timedelta) -> None:
        now = self.clock.advance(step)
        for entry in sorted(self.plan, key=lambda each: each[:2]):
            if entry[0] <= now and entry in self.plan:
                self.plan.remove(entry)
                self.model = self.after(self.model, entry[2], agreed=entry[3])
                self.version += 1
                if self.model.state is RETIRED:
                    self.plan.clear()

    # ── the model's own moves ──

    def carried_out(self, target: Model, at: datetime | None, *, agreed: bool, change_id: str) -> None:
        self.version += 1
        if at is not None:
            self.plan.append((at, change_id, target, agreed))
            return
        self.walked.add((self.model.state, target.state))
        self.plan = (
            []
            if target.state is RETIRED
            else [entry for entry in self.plan if not entry[3] or entry[2].state is RETIRED]
        )
        self.model = target

    def newest(self, launch: Launch) -> str:
        known = {entry[1] for entry in self.plan}
        (new,) = [entry.id for entry in launch.schedule if entry.id not in known]
        return new

    def still_waits(self) -> bool:
        return self.waiting is not None and self.waiting[4] == self.version and self.clock.now() < self.waiting[3]

    # ── what is true after each step ──

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        self.pass_time(timedelta(0))
        with self.wallet.read() as work:
            launch = work.rollout.launch(CODE)
            assert (launch.state, launch.version) == (self.model.state, self.version)
            assert {entry.id for entry in launch.schedule} == {entry[1] for entry in self.plan}
            for holder, place in COUNTRY:
                for test in (True, False):
                    account = self.tester if test else "acc_of_nobody"
                    visitor = Visitor(holder, account, self.clock.now(), place)
                    found = work.rollout.available(CODE, visitor)[1]
                    assert found.available is self.model.takes(holder, place, tester=test)
                    assert work.rollout.available_all(visitor)[CODE][1] == found


@pytest.fixture
def life(wallet: Wallet, clock: FixedClock) -> type[LaunchLife]:
    # Of two changes of one moment the id says which comes first: it must be the same one whenever a run is made again.
    rising = replace(wallet, entropy=RisingEntropy())
    return type("Life", (LaunchLife,), {"wallet": rising, "clock": clock, "walked": set()})


@on_one_database
def test_every_transition_is_walked(life: type[LaunchLife]) -> None:
    """By no chance: each by a shortest way, and in each state every other is refused."""
    some = {SANDBOX: Model(SANDBOX, tester=True), PILOT: Model(PILOT, frozenset({"01"}), 500)}
    ways: dict[LaunchState, tuple[LaunchState, ...]] = {OFF: ()}
    for state in (found := [OFF]):
        for target in sorted(FROM[state] - {state}):
            run = life()
            run.begin()
            for each in (*ways[state], target):
                run.change(some.get(each, Model(each)), "admin1", None)
                if run.model.state is not each:
                    run.decide("admin1", agree=True)  # it takes another
                    assert run.model.state is not each
                    run.decide("admin2", agree=True)
                assert run.model.state is each
                run.everybody_sees_what_the_model_says()
            for refused in set(LaunchState) - FROM[target]:
                run.change(some.get(refused, Model(refused)), "admin2", None)
                run.emergency(some.get(refused, Model(refused)), "admin2")
            assert run.model.state is target
            run.everybody_sees_what_the_model_says()
            if target not in ways:
                ways[target] = (*ways[state], target)
                found.append(target)
    declared = {(state, target) for state, targets in NEXT.items() for target in targets}
    assert sorted(declared - life.walked) == [], "never walked"
    assert sorted(life.walked - declared) == [], "walked, and not declared"


@on_one_database
def test_a_launch_is_what_the_rules_make_of_it(life: type[LaunchLife]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
