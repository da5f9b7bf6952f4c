"""Changes that take effect at a time: by a job, and seen by every reader although no job runs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of
from tests.launching.people import (
    CODE,
    OFF,
    OPEN,
    PAUSED,
    PILOT,
    RETIRED,
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
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed
from wallet.launching.audience import Audience
from wallet.launching.changing import MOST_SCHEDULED
from wallet.launching.models import UtilityState
from wallet.launching.orders import PendingChange
from wallet.launching.schedule import Launch
from wallet.launching.states import LaunchState
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
HOUR = timedelta(hours=1)


@pytest.fixture
def soon(clock: FixedClock) -> datetime:
    return clock.now() + HOUR


def stored(wallet: Wallet) -> tuple[str, int]:
    with wallet.db.read() as session:
        row = session.get_one(UtilityState, CODE)
        return row.state, row.version


def actions(wallet: Wallet) -> list[str]:
    with wallet.db.read() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


# --- at its time ------------------------------------------------------------------------------------------------


def test_stop_takes_effect_at_its_moment_without_any_job(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    planned = changed(wallet, PAUSED, effective_at=soon)
    assert (planned.state, [entry.plan.state for entry in planned.schedule]) == (OPEN, [PAUSED])
    clock.set(soon - timedelta(seconds=1))
    assert refusal(wallet) == ""
    clock.set(soon)
    assert refusal(wallet) == "utility_disabled: paused"
    assert launch(wallet).state is PAUSED
    with wallet.read() as work:
        assert work.rollout.launches()[CODE].state is PAUSED
        assert not work.rollout.available_all(work.launches.visitor(CODE, actor_of(wallet)))[CODE][1].available
    assert stored(wallet)[0] == "open", "nobody wrote it down yet, and nobody needs to"


def test_job_writes_down_what_every_reader_saw(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED, effective_at=soon)
    assert wallet.launch_job.run() is False
    assert stored(wallet)[0] == "open"
    clock.set(soon)
    seen = launch(wallet)
    wallet.launch_job.run()
    assert launch(wallet) == seen
    assert stored(wallet) == ("paused", seen.version)
    before = actions(wallet)
    wallet.launch_job.run()
    assert actions(wallet) == before, "it is done once"


def test_opening_at_a_time_is_agreed_to_beforehand(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED)
    pending = asked(wallet, OPEN, effective_at=soon)
    assert (pending.effective_at, pending.expires_at) == (soon, soon)
    clock.set(soon + HOUR)
    assert refusal(wallet) == "utility_disabled: paused"
    with pytest.raises(Conflict, match="approval_expired"):
        decide(wallet, pending.id)
    again = asked(wallet, OPEN, effective_at=soon + 2 * HOUR)
    agreed_to = decide(wallet, again.id)
    assert (agreed_to.state, agreed_to.schedule[0].agreed_by) == (PAUSED, admin_of(wallet, "admin2").account_id)
    clock.set(soon + 2 * HOUR)
    assert refusal(wallet) == ""


def test_a_night_of_maintenance_is_planned_whole(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED, effective_at=soon)
    decide(wallet, asked(wallet, OPEN, effective_at=soon + HOUR).id)
    for moment, state in ((soon, PAUSED), (soon + HOUR, OPEN)):
        clock.set(moment)
        assert launch(wallet).state is state
    assert launch(wallet).schedule == ()
    version = launch(wallet).version
    wallet.launch_job.run()
    assert stored(wallet) == ("open", version)


def test_whoever_changes_by_hand_after_its_time_builds_on_it(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED, effective_at=soon)
    clock.set(soon)
    off = changed(wallet, OFF)
    assert stored(wallet) == ("off", off.version)
    assert actions(wallet)[-2:] == ["utility.paused", "utility.off"]


def test_retiring_ends_what_was_to_come(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED, effective_at=soon + HOUR)
    decide(wallet, asked(wallet, RETIRED, effective_at=soon).id)
    clock.set(soon)
    assert (launch(wallet).state, launch(wallet).schedule) == (RETIRED, ())
    clock.set(soon + HOUR)
    wallet.launch_job.run()
    assert stored(wallet)[0] == "retired"


# --- what falls away --------------------------------------------------------------------------------------------


def test_stop_by_hand_takes_back_an_opening_that_was_planned(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED)
    decide(wallet, asked(wallet, OPEN, effective_at=soon).id)
    changed(wallet, OFF)
    assert launch(wallet).schedule == ()
    clock.set(soon)
    assert refusal(wallet) == "utility_disabled: off"


def test_stop_stays_planned_whatever_is_changed_by_hand(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED, effective_at=soon)
    pilot(wallet, permille=1000, provinces=frozenset({"01"}))
    assert [entry.plan.state for entry in launch(wallet).schedule] == [PAUSED]
    clock.set(soon)
    assert refusal(wallet) == "utility_disabled: paused"


def test_narrowing_that_would_widen_by_now_falls_away(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    """One admin planned a pilot of 10 % instead of everyone; since then it was paused. It must not come back alone."""
    changed(wallet, PILOT, audience=Audience(permille=100), effective_at=soon)
    changed(wallet, PAUSED)
    clock.set(soon)
    assert refusal(wallet) == "utility_disabled: paused"
    version = launch(wallet).version
    wallet.launch_job.run()
    assert stored(wallet) == ("paused", version)
    assert actions(wallet)[-1] == "launch.fell_away"


def test_narrowing_of_testers_is_weighed_against_all_of_them(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    """Whoever decides about one person reads one tester; a change that is due is weighed with every tester."""
    an, binh = (actor_of(wallet, key).account_id for key in ("an", "binh"))
    pilot(wallet, permille=1000, provinces=frozenset({"01"}), testers=frozenset({an, binh}))
    narrow = Audience(permille=0, provinces=frozenset({"01"}), testers=frozenset({binh}))
    changed(wallet, PILOT, audience=narrow, effective_at=soon)
    assert refusal(wallet, "an") == ""
    clock.set(soon)
    assert refusal(wallet, "an") == "not_in_pilot: not_drawn"
    assert refusal(wallet, "binh") == ""
    with wallet.read() as work:
        assert not work.rollout.available_all(work.launches.visitor(CODE, actor_of(wallet)))[CODE][1].available
    wallet.launch_job.run()
    assert (refusal(wallet, "an"), refusal(wallet, "binh")) == ("not_in_pilot: not_drawn", "")


# --- taking back ------------------------------------------------------------------------------------------------


def cancel(wallet: Wallet, change_id: str, *, version: int | None = None, by: str = "admin2") -> Launch | PendingChange:
    seen = launch(wallet).version if version is None else version
    with wallet.work() as work:
        return work.launching.cancel(CODE, change_id, seen, admin_of(wallet, by))


def ask_back(wallet: Wallet, change_id: str, **more: Any) -> PendingChange:
    """Ask to take back what only two may take back."""
    pending = cancel(wallet, change_id, **more)
    assert isinstance(pending, PendingChange), pending
    return pending


def states(found: Launch) -> list[LaunchState]:
    return [entry.plan.state for entry in found.schedule]


def test_a_stop_that_is_planned_is_taken_back_by_two(
    wallet: Wallet, clock: FixedClock, soon: datetime, state: State
) -> None:
    planned = changed(wallet, PAUSED, effective_at=soon)
    (entry,) = planned.schedule
    pending = ask_back(wallet, entry.id)
    assert (pending.takes_back, pending.before.state, pending.after.state) == (entry.id, PAUSED, OPEN)
    assert pending.effective_at == pending.expires_at == soon
    assert (states(launch(wallet)), launch(wallet).awaiting) == ([PAUSED], pending.id)
    before = state()
    with pytest.raises(NotAllowed, match="self_approval"):
        decide(wallet, pending.id, by="admin2")
    with pytest.raises(Conflict, match="approval_pending"):
        cancel(wallet, entry.id, by="admin1")
    assert state() == before
    agreed_to = decide(wallet, pending.id, by="admin1")
    assert (agreed_to.schedule, agreed_to.version, agreed_to.awaiting) == ((), planned.version + 1, None)
    clock.set(soon)
    wallet.launch_job.run()
    assert stored(wallet)[0] == "open"
    assert actions(wallet).count("launch.cancelled") == 1


def test_an_opening_that_is_planned_is_taken_back_by_one(wallet: Wallet, clock: FixedClock, soon: datetime) -> None:
    changed(wallet, PAUSED)
    planned = decide(wallet, asked(wallet, OPEN, effective_at=soon).id)
    taken_back = cancel(wallet, planned.schedule[0].id)
    assert isinstance(taken_back, Launch)
    assert taken_back.schedule == ()
    clock.set(soon)
    assert refusal(wallet) == "utility_disabled: paused"


def test_taking_back_is_weighed_at_every_moment_of_the_plan(wallet: Wallet, soon: datetime) -> None:
    """A night of maintenance with a smaller audience after it: each step as part of the whole."""
    changed(wallet, OFF, effective_at=soon)
    decide(wallet, asked(wallet, PILOT, audience=Audience(permille=500), effective_at=soon + HOUR).id)
    off, opening = launch(wallet).schedule
    pending = ask_back(wallet, off.id)
    assert (pending.effective_at, pending.after.state) == (soon, OPEN)
    decide(wallet, pending.id, agree=False, by="admin1")
    assert states(launch(wallet)) == [OFF, PILOT], "refused: what is planned stays"
    changed(wallet, PILOT, audience=Audience(permille=100), effective_at=soon + 2 * HOUR)
    smaller = launch(wallet).schedule[2]
    later = ask_back(wallet, smaller.id)
    assert (later.effective_at, later.before.audience.permille, later.after.audience.permille) == (
        soon + 2 * HOUR,
        100,
        500,
    )
    decide(wallet, later.id, agree=False, by="admin1")
    without = cancel(wallet, opening.id)
    assert isinstance(without, Launch), "without the opening the last step falls away: nobody gets in"
    assert states(without) == [OFF, PILOT]


def test_a_step_that_keeps_another_in_force_is_weighed_with_it(wallet: Wallet, soon: datetime) -> None:
    """Off and then on again for one province: without the first, the second would come out of open, and be narrower."""
    changed(wallet, PILOT, audience=Audience(provinces=frozenset({"01"})), effective_at=soon + HOUR)
    changed(wallet, OFF, effective_at=soon)
    off = launch(wallet).schedule[0]
    assert off.plan.state is OFF
    pending = ask_back(wallet, off.id)
    assert (pending.effective_at, pending.before.state, pending.after.state) == (soon, OFF, OPEN)


def test_the_end_for_good_is_taken_back_by_two_and_by_no_detour(
    wallet: Wallet, clock: FixedClock, soon: datetime
) -> None:
    planned = decide(wallet, asked(wallet, RETIRED, effective_at=soon).id)
    (entry,) = planned.schedule
    assert ask_back(wallet, entry.id).after.state is OPEN
    pilot(wallet, permille=900)
    assert states(launch(wallet)) == [RETIRED], "one admin narrows, and what two had agreed to ends it all the same"
    clock.set(soon)
    assert launch(wallet).state is RETIRED


def test_taking_back_that_comes_too_late_or_after_a_change_takes_nothing_back(
    wallet: Wallet, clock: FixedClock, soon: datetime
) -> None:
    planned = changed(wallet, PAUSED, effective_at=soon)
    (entry,) = planned.schedule
    old = ask_back(wallet, entry.id)
    pilot(wallet, permille=900)
    with pytest.raises(PreconditionFailed):
        decide(wallet, old.id, by="admin1")
    pending = ask_back(wallet, entry.id)
    clock.set(soon)
    with pytest.raises(Conflict, match="approval_expired"):
        decide(wallet, pending.id, by="admin1")
    assert launch(wallet).state is PAUSED


def test_what_took_effect_cannot_be_taken_back(wallet: Wallet, clock: FixedClock, soon: datetime, state: State) -> None:
    planned = changed(wallet, PAUSED, effective_at=soon)
    before = state()
    with pytest.raises(PreconditionFailed):
        cancel(wallet, planned.schedule[0].id, version=planned.version - 1)
    with pytest.raises(NotFound):
        cancel(wallet, "sch_" + "0" * 32)
    clock.set(soon)
    with pytest.raises(NotFound):
        cancel(wallet, planned.schedule[0].id)
    assert state() == before


# --- what is refused --------------------------------------------------------------------------------------------


def test_moment_has_to_be_to_come_and_not_too_far(wallet: Wallet, clock: FixedClock, state: State) -> None:
    before, now = state(), clock.now()
    for at, code in ((now, "already_past"), (now - HOUR, "already_past"), (now + 9000 * HOUR, "too_far_ahead")):
        with pytest.raises(InvalidInput) as caught:
            change(wallet, PAUSED, effective_at=at)
        assert caught.value.fields == {"/effective_at": code}
    with pytest.raises(InvalidInput) as caught:
        change(wallet, PAUSED, effective_at=now + HOUR, pause_text={"vi": "Dừng", "en": "Stop"})
    assert caught.value.fields == {"/pause_text": "not_with_a_time"}
    assert state() == before


def test_plan_is_held_against_what_will_be_in_force_then(wallet: Wallet, soon: datetime, state: State) -> None:
    changed(wallet, OFF, effective_at=soon)
    before = state()
    with pytest.raises(Conflict, match="transition_not_allowed"):
        change(wallet, PAUSED, effective_at=soon + HOUR)
    with pytest.raises(Conflict, match="already_in_state"):
        change(wallet, OFF, effective_at=soon + HOUR)
    assert state() == before
    assert asked(wallet, OPEN, effective_at=soon + HOUR).before.state is OFF


def test_schedule_has_an_end(wallet: Wallet, soon: datetime, state: State) -> None:
    for number in range(MOST_SCHEDULED):
        agreed(wallet, PILOT, audience=Audience(permille=900 - number), effective_at=soon + number * HOUR)
    before = state()
    with pytest.raises(Conflict, match="schedule_full"):
        change(wallet, PAUSED, effective_at=soon + 20 * HOUR)
    assert state() == before
    assert changed(wallet, PAUSED).state is PAUSED, "stopping now is never full"
