"""Who may lock on which ground, and an authority's order in its two steps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.identity.conftest import PASSCODE, SYSTEM, Citizen, World
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated, NotFound, WalletError
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.lock_orders import LockOrders, OrderKind, OrderState
from wallet.identity.locking import COMPETENCE, DESK_GROUNDS, Lift, Locking
from wallet.terms import Actor, StaffRole
from wallet.working_days import WorkingDays

AUTHORITY = "Tòa án nhân dân mẫu"
REF = "7/QĐ-TA"


def staff(role: StaffRole, account_id: str = "") -> Actor:
    return Actor(account_id or f"acc_{role}", roles=frozenset({role}))


ACTORS: dict[str, Callable[[str], Actor]] = {
    "holder": lambda own: Actor(own),
    "holder who is an officer": lambda own: staff(StaffRole.OFFICER, own),
    "holder who is an approver": lambda own: staff(StaffRole.APPROVER, own),
    "stranger": lambda _: Actor("acc_stranger"),
    "officer": lambda _: staff(StaffRole.OFFICER),
    "approver": lambda _: staff(StaffRole.APPROVER),
    "reviewer": lambda _: staff(StaffRole.REVIEWER),
    "admin": lambda _: staff(StaffRole.ADMIN),
    "system": lambda _: SYSTEM,
}
MAY: dict[LockGround, set[str]] = {
    LockGround.HOLDER_REQUEST: {"holder", "holder who is an officer", "holder who is an approver"},
    LockGround.TERMS_BROKEN: {"officer"},
    LockGround.CARD_REVOKED: {"officer"},
    LockGround.HOLDER_DIED: {"officer", "system"},
    LockGround.AUTHORITY_REQUEST: {"approver"},
    LockGround.CARD_EXPIRED: {"system"},
    LockGround.PERMIT_ENDED: {"system"},
}
"""Written a second time, by hand."""


def locking(work: Any, died: list[str] | None = None, *, recorded: bool = True) -> Locking:
    return Locking(
        work.accounts,
        lambda account_id, _: (died if died is not None else []).append(account_id),
        lambda *_: recorded,
    )


def orders(work: Any, world: World) -> LockOrders:
    return LockOrders(
        work.accounts.repository,
        work.accounts,
        locking(work),
        work.audit,
        world.clock,
        world.entropy,
        WorkingDays(),
    )


@pytest.mark.parametrize("ground", LockGround)
@pytest.mark.parametrize("who", ACTORS)
def test_each_ground_for_each_actor(citizen: Citizen, ground: LockGround, who: str) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    actor, died = ACTORS[who](account_id), []
    before = world.snapshot()
    if who not in MAY[ground]:
        with pytest.raises(NotAllowed, match="ground_not_yours"), world.work() as work:
            locking(work, died).lock(account_id, ground, actor, REF)
        assert world.snapshot() == before
        assert died == []
        return
    with world.work() as work:
        locking(work, died).lock(account_id, ground, actor, REF)
        found, locks = work.accounts.find(account_id), work.accounts.locks(account_id)
    assert (found.state, found.lock_ground) == (AccountState.LOCKED, ground)
    assert [(lock.ground, lock.legal_ref) for lock in locks] == [(ground, REF)]
    assert died == ([account_id] if ground is LockGround.HOLDER_DIED else [])


def test_data_of_competence_is_whole() -> None:
    assert COMPETENCE.keys() == set(LockGround) == set(MAY)
    assert set(DESK_GROUNDS) == {LockGround.TERMS_BROKEN, LockGround.CARD_REVOKED, LockGround.HOLDER_DIED}
    assert [ground for ground, rule in COMPETENCE.items() if rule.lift is Lift.NEVER] == [LockGround.HOLDER_DIED]
    assert [ground for ground, rule in COMPETENCE.items() if rule.lift is Lift.ASKED] == [LockGround.HOLDER_REQUEST]


def test_officers_word_is_not_enough_for_a_death(citizen: Citizen) -> None:
    """The daily look has asked the register itself, so it is not asked again."""
    world, account_id, died = citizen.world, citizen.account.account_id, []
    before = world.snapshot()
    with pytest.raises(Conflict, match="death_not_recorded"), world.work() as work:
        locking(work, died, recorded=False).lock(account_id, LockGround.HOLDER_DIED, staff(StaffRole.OFFICER), REF)
    assert (world.snapshot(), died) == (before, [])
    with world.work() as work:
        locking(work, died, recorded=False).lock(account_id, LockGround.HOLDER_DIED, SYSTEM)
    assert died == [account_id]


def test_holder_locks_once(citizen: Citizen) -> None:
    world, actor = citizen.world, Actor(citizen.account.account_id)
    with world.work() as work:
        locking(work).lock_own(actor)
    before = world.snapshot()
    with pytest.raises(Conflict, match="ground_stands"), world.work() as work:
        locking(work).lock_own(actor)
    assert world.snapshot() == before


OFFICER, SECOND = staff(StaffRole.OFFICER), staff(StaffRole.OFFICER, "acc_second")
APPROVER = staff(StaffRole.APPROVER)


def received(citizen: Citizen, kind: OrderKind = OrderKind.LOCK) -> str:
    with citizen.world.work() as work:
        made = orders(work, citizen.world).receive(citizen.account.account_id, kind, AUTHORITY, REF, OFFICER)
    return made.id


def forwarded(citizen: Citizen, kind: OrderKind = OrderKind.LOCK) -> str:
    order_id = received(citizen, kind)
    with citizen.world.work() as work:
        orders(work, citizen.world).forward(order_id, SECOND)
    return order_id


def test_order_is_received_forwarded_and_granted(citizen: Citizen) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    order_id = forwarded(citizen)
    with world.read() as work:
        assert work.accounts.find(account_id).state is AccountState.ACTIVE
    with world.work() as work:
        made = orders(work, world).decide(order_id, grant=True, written_reason=None, actor=APPROVER)
        locks = work.accounts.locks(account_id)
    assert (made.state, made.decided_by) == (OrderState.GRANTED, APPROVER.account_id)
    assert [(lock.ground, lock.legal_ref) for lock in locks] == [(LockGround.AUTHORITY_REQUEST, REF)]


def test_deadlines_are_one_working_day_and_two_more(citizen: Citizen) -> None:
    """Monday 2 March 2026 at noon; then a Friday, whose second working day is a Tuesday."""
    world = citizen.world
    order_id = received(citizen)
    with world.read() as work:
        assert orders(work, world).get(order_id).forward_due_at == datetime(2026, 3, 3, 17, tzinfo=UTC)
    world.clock.set(datetime(2026, 3, 6, 3, tzinfo=UTC))
    with world.work() as work:
        order = orders(work, world).get(order_id)
        assert order.overdue
        order = orders(work, world).forward(order_id, OFFICER)
    assert (order.decision_due_at, order.overdue) == (datetime(2026, 3, 10, 17, tzinfo=UTC), False)
    world.clock.set(datetime(2026, 3, 10, 17, 0, 1, tzinfo=UTC))
    with world.read() as work:
        assert orders(work, world).get(order_id).overdue


def test_refusal_needs_reasons_and_leaves_the_account(citizen: Citizen) -> None:
    world, order_id = citizen.world, forwarded(citizen)
    before = world.snapshot()
    for reason in (None, "", "   "):
        with pytest.raises(InvalidInput), world.work() as work:
            orders(work, world).decide(order_id, grant=False, written_reason=reason, actor=APPROVER)
    assert world.snapshot() == before
    with world.work() as work:
        made = orders(work, world).decide(order_id, grant=False, written_reason="Thiếu căn cứ.", actor=APPROVER)
        assert work.accounts.find(citizen.account.account_id).state is AccountState.ACTIVE
    assert (made.state, made.written_reason, made.overdue) == (OrderState.REFUSED, "Thiếu căn cứ.", False)


@pytest.mark.parametrize("who", ["received", "forwarded", "account"])
def test_nobody_decides_what_they_had_a_hand_in(citizen: Citizen, who: str) -> None:
    world, order_id = citizen.world, forwarded(citizen)
    before = world.snapshot()
    own = {"received": OFFICER.account_id, "forwarded": SECOND.account_id, "account": citizen.account.account_id}[who]
    both = Actor(own, roles=frozenset({StaffRole.OFFICER, StaffRole.APPROVER}))
    with pytest.raises(NotAllowed, match="self_approval"), world.work() as work:
        orders(work, world).decide(order_id, grant=True, written_reason=None, actor=both)
    assert world.snapshot() == before


@pytest.mark.parametrize("role", [*(set(StaffRole) - {StaffRole.OFFICER}), None])
def test_only_an_officer_receives_and_forwards(citizen: Citizen, role: StaffRole | None) -> None:
    world, order_id = citizen.world, received(citizen)
    actor = replace(OFFICER, account_id="acc_other", roles=frozenset({role} if role else ()))
    before = world.snapshot()
    for call in (
        lambda it: it.receive(citizen.account.account_id, OrderKind.LOCK, AUTHORITY, REF, actor),
        lambda it: it.forward(order_id, actor),
    ):
        with pytest.raises(NotAllowed, match="not_allowed"), world.work() as work:
            call(orders(work, world))
    assert world.snapshot() == before


@pytest.mark.parametrize("role", [*(set(StaffRole) - {StaffRole.APPROVER}), None])
def test_only_an_approver_decides(citizen: Citizen, role: StaffRole | None) -> None:
    world, order_id = citizen.world, forwarded(citizen)
    actor = Actor("acc_other", roles=frozenset({role} if role else ()))
    before = world.snapshot()
    with pytest.raises(NotAllowed, match="not_allowed"), world.work() as work:
        orders(work, world).decide(order_id, grant=True, written_reason=None, actor=actor)
    assert world.snapshot() == before


def test_steps_come_in_order_and_each_once(citizen: Citizen) -> None:
    world, order_id = citizen.world, received(citizen)

    def refused(code: str, call: Callable[[LockOrders], object]) -> None:
        before = world.snapshot()
        with pytest.raises(WalletError, match=code), world.work() as work:
            call(orders(work, world))
        assert world.snapshot() == before

    def decide(it: LockOrders) -> object:
        return it.decide(order_id, grant=True, written_reason=None, actor=APPROVER)

    refused("order_closed", decide)
    with world.work() as work:
        orders(work, world).forward(order_id, OFFICER)
    refused("order_closed", lambda it: it.forward(order_id, OFFICER))
    with world.work() as work:
        decide(orders(work, world))
    refused("order_closed", decide)
    refused("order_closed", lambda it: it.forward(order_id, OFFICER))
    refused("not_found", lambda it: it.forward("lko_x", OFFICER))
    refused("not_found", lambda it: it.decide("lko_x", grant=True, written_reason=None, actor=APPROVER))
    refused("account_unknown", lambda it: it.receive("acc_x", OrderKind.LOCK, AUTHORITY, REF, OFFICER))


@pytest.mark.parametrize("ground", set(LockGround) - {LockGround.HOLDER_DIED})
def test_order_to_unlock_lifts_every_ground_but_death(citizen: Citizen, ground: LockGround) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, ground, SYSTEM)
    order_id = forwarded(citizen, OrderKind.UNLOCK)
    with world.work() as work:
        orders(work, world).decide(order_id, grant=True, written_reason=None, actor=APPROVER)
        assert work.accounts.find(account_id).state is AccountState.ACTIVE


@pytest.mark.parametrize(("ground", "code"), [(LockGround.HOLDER_DIED, "ground_remains"), (None, "account_not_locked")])
def test_order_that_cannot_be_carried_out_waits_on(citizen: Citizen, ground: LockGround | None, code: str) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    if ground is not None:
        with world.work() as work:
            work.accounts.lock(account_id, ground, SYSTEM)
    order_id = forwarded(citizen, OrderKind.UNLOCK)
    before = world.snapshot()
    with pytest.raises(Conflict, match=code), world.work() as work:
        orders(work, world).decide(order_id, grant=True, written_reason=None, actor=APPROVER)
    assert world.snapshot() == before
    with world.read() as work:
        assert orders(work, world).get(order_id).state is OrderState.FORWARDED


def test_holder_does_not_unlock_what_an_authority_locked(citizen: Citizen) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, Actor(account_id))
    order_id = forwarded(citizen)
    with world.work() as work:
        orders(work, world).decide(order_id, grant=True, written_reason=None, actor=APPROVER)
    before = world.snapshot(counters=False)
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        citizen.world.signing_in.unlock(citizen.phone.proof(), PASSCODE)
    assert world.snapshot(counters=False) == before


def test_order_to_unlock_leaves_what_the_holder_asked_for(citizen: Citizen) -> None:
    """Holder locks, authority locks, order unlocks: the holder's own lock still stands, and is theirs to lift."""
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, Actor(account_id))
    for kind in (OrderKind.LOCK, OrderKind.UNLOCK):
        order_id = forwarded(citizen, kind)
        with world.work() as work:
            orders(work, world).decide(order_id, grant=True, written_reason=None, actor=APPROVER)
            assert work.accounts.find(account_id).state is AccountState.LOCKED
    with world.read() as work:
        assert [lock.ground for lock in work.accounts.locks(account_id)] == [LockGround.HOLDER_REQUEST]
    citizen.world.signing_in.unlock(citizen.phone.proof(), PASSCODE)
    with world.read() as work:
        assert work.accounts.find(account_id).state is AccountState.ACTIVE


def test_second_order_on_the_same_ground_waits_on(citizen: Citizen) -> None:
    world = citizen.world
    first, second = forwarded(citizen), forwarded(citizen)
    with world.work() as work:
        orders(work, world).decide(first, grant=True, written_reason=None, actor=APPROVER)
    before = world.snapshot()
    with pytest.raises(Conflict, match="ground_stands"), world.work() as work:
        orders(work, world).decide(second, grant=True, written_reason=None, actor=APPROVER)
    assert world.snapshot() == before


def test_no_order_for_a_closed_account(citizen: Citizen) -> None:
    world = citizen.world
    with world.work() as work:
        work.accounts.close(citizen.account.account_id, SYSTEM)
    before = world.snapshot()
    with pytest.raises(Conflict, match="account_closed"):
        received(citizen)
    assert world.snapshot() == before


def test_queue_is_by_state_oldest_first_in_pages(citizen: Citizen) -> None:
    world, made = citizen.world, []
    for _ in range(5):
        made.append(received(citizen))
        world.clock.advance(timedelta(minutes=1))
    other = forwarded(citizen)
    seen: list[str] = []
    place = None
    with world.read() as work:
        for _ in range(3):
            rows, place = orders(work, world).page(OrderState.RECEIVED, 2, place)
            seen += [row.id for row in rows]
        waiting, end = orders(work, world).page(OrderState.FORWARDED, 10, None)
    assert (seen, place) == (made, None)
    assert ([row.id for row in waiting], end) == ([other], None)


def test_unknown_account_is_not_locked(world: World) -> None:
    with pytest.raises(NotFound, match="account_unknown"), world.work() as work:
        locking(work).lock("acc_x", LockGround.TERMS_BROKEN, OFFICER, REF)
