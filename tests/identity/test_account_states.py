"""The life of an account: every move that there is, and every other refused with nothing changed."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.identity.conftest import PASSCODE, PASSWORD, SYSTEM, Citizen, World
from tests.identity.phones import Phone
from wallet.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from wallet.identity.account_states import GROUNDS, MOVES, AccountState, HolderKind, LockGround
from wallet.messages.notices import NOTICES
from wallet.terms import AccountLevel

FACTS = {"number": "099090000999", "full_name": "Lê Thị Mẫu", "birth_date": date(1990, 1, 2)}
SECRETS = {"password_hash": "p", "passcode_hash": "c", "actor": SYSTEM}
PHONE = "0912345678"


def register(world: World, **options: Any) -> str:
    order: dict[str, Any] = {
        "level": AccountLevel.ONE,
        "kind": HolderKind.CITIZEN,
        "phone": PHONE,
        "email": None,
        "valid_until": date(2030, 1, 1),
        "actor": SYSTEM,
    }
    with world.work() as work:
        return str(work.accounts.register(FACTS, **(order | options)))


def account_in(world: World, state: AccountState) -> str:
    """Return an account that came to `state` by the moves there are."""
    account_id = register(world)
    with world.work() as work:
        if state is not AccountState.PENDING:
            work.accounts.approve(account_id, AccountLevel.ONE, SYSTEM)
        if state in (AccountState.ACTIVE, AccountState.LOCKED, AccountState.CLOSED):
            work.accounts.activate(account_id, **SECRETS)
        if state is AccountState.LOCKED:
            work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        if state is AccountState.CLOSED:
            work.accounts.close(account_id, SYSTEM)
    return account_id


Move = Callable[[Any, str], Any]
CALLS: dict[str, Move] = {
    "approve": lambda accounts, one: accounts.approve(one, AccountLevel.ONE, SYSTEM),
    "activate": lambda accounts, one: accounts.activate(one, **SECRETS),
    "lock": lambda accounts, one: accounts.lock(one, LockGround.HOLDER_REQUEST, SYSTEM),
    "unlock": lambda accounts, one: accounts.unlock(one, LockGround.HOLDER_REQUEST, SYSTEM),
    "close": lambda accounts, one: accounts.close(one, SYSTEM),
}
GRANTED: dict[tuple[AccountState, str], AccountState] = {
    (AccountState.PENDING, "approve"): AccountState.APPROVED,
    (AccountState.PENDING, "close"): AccountState.CLOSED,
    (AccountState.APPROVED, "approve"): AccountState.APPROVED,
    (AccountState.APPROVED, "activate"): AccountState.ACTIVE,
    (AccountState.APPROVED, "lock"): AccountState.LOCKED,
    (AccountState.APPROVED, "close"): AccountState.CLOSED,
    (AccountState.ACTIVE, "approve"): AccountState.ACTIVE,
    (AccountState.ACTIVE, "lock"): AccountState.LOCKED,
    (AccountState.ACTIVE, "close"): AccountState.CLOSED,
    (AccountState.LOCKED, "unlock"): AccountState.ACTIVE,
    (AccountState.LOCKED, "close"): AccountState.CLOSED,
}
"""Written a second time: what each call does from each state. Whatever is not here is refused."""


@pytest.mark.parametrize("state", AccountState)
@pytest.mark.parametrize("call", CALLS)
def test_each_move_from_each_state(world: World, state: AccountState, call: str) -> None:
    account_id = account_in(world, state)
    before = world.snapshot()
    target = GRANTED.get((state, call))
    if target is None:
        with pytest.raises(Conflict), world.work() as work:
            CALLS[call](work.accounts, account_id)
        assert world.snapshot() == before
        return
    with world.work() as work:
        CALLS[call](work.accounts, account_id)
    with world.read() as work:
        assert work.accounts.find(account_id).state is target
    assert target == state or target in MOVES[state]


def test_every_move_is_reached_and_closed_is_the_end() -> None:
    reached = {(state, target) for (state, _), target in GRANTED.items() if state != target}
    reached.add((AccountState.LOCKED, AccountState.APPROVED))  # an account that was locked before it was activated
    assert reached == {(state, target) for state, targets in MOVES.items() for target in targets}
    assert MOVES[AccountState.CLOSED] == frozenset()


def test_registering_again_finds_the_account_and_changes_nothing(world: World) -> None:
    account_id = register(world)
    before = world.snapshot()
    assert register(world, level=AccountLevel.TWO, phone="0987654321", valid_until=None) == account_id
    assert world.snapshot() == before


def test_closed_account_is_not_registered_again(world: World) -> None:
    account_in(world, AccountState.CLOSED)
    before = world.snapshot()
    with pytest.raises(Conflict, match="account_closed"):
        register(world)
    assert world.snapshot() == before


def test_wrong_phone_opens_nothing(world: World) -> None:
    before = world.snapshot()
    with pytest.raises(InvalidInput):
        register(world, phone="0212345678")
    assert world.snapshot() == before


def test_level_rises_and_never_falls(world: World) -> None:
    account_id = account_in(world, AccountState.ACTIVE)
    with world.work() as work:
        work.accounts.approve(account_id, AccountLevel.TWO, SYSTEM, valid_until=date(2035, 1, 1))
        work.accounts.approve(account_id, AccountLevel.ONE, SYSTEM)
        found = work.accounts.find(account_id)
    assert (found.level, found.state, found.valid_until) == (AccountLevel.TWO, AccountState.ACTIVE, date(2035, 1, 1))
    assert told(world) == ["account_activated", "level_raised"]


def test_level_of_a_pending_account_is_what_was_approved(world: World) -> None:
    account_id = register(world, level=AccountLevel.TWO)
    with world.work() as work:
        work.accounts.approve(account_id, AccountLevel.ONE, SYSTEM)
        assert work.accounts.find(account_id).level is AccountLevel.ONE
    assert told(world) == []


@pytest.mark.parametrize(("days", "in_time"), [(7, True), (7.01, False)])
def test_activation_ends_with_its_period(world: World, days: float, in_time: bool) -> None:
    account_id = account_in(world, AccountState.APPROVED)
    world.clock.advance(days=days)
    before = world.snapshot()
    if in_time:
        with world.work() as work:
            work.accounts.activate(account_id, **SECRETS)
        return
    with pytest.raises(Conflict, match="activation_over"), world.work() as work:
        work.accounts.activate(account_id, **SECRETS)
    assert world.snapshot() == before


def test_approving_again_gives_the_period_anew(world: World) -> None:
    account_id = account_in(world, AccountState.APPROVED)
    world.clock.advance(days=30)
    with world.work() as work:
        work.accounts.approve(account_id, AccountLevel.ONE, SYSTEM)
        work.accounts.activate(account_id, **SECRETS)
        assert work.accounts.find(account_id).state is AccountState.ACTIVE


def test_lock_before_activation_leads_back_to_approval(world: World) -> None:
    account_id = account_in(world, AccountState.APPROVED)
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.CARD_REVOKED, SYSTEM)
        assert work.accounts.unlock(account_id, LockGround.CARD_REVOKED, SYSTEM)
        assert work.accounts.find(account_id).state is AccountState.APPROVED


@pytest.mark.parametrize("present", LockGround)
@pytest.mark.parametrize("added", LockGround)
def test_each_ground_stands_for_itself_and_each_is_lifted_for_itself(
    citizen: Citizen, present: LockGround, added: LockGround
) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, present, SYSTEM)
    before = world.snapshot()
    if added is present:
        with pytest.raises(Conflict, match="ground_stands"), world.work() as work:
            work.accounts.lock(account_id, added, SYSTEM)
        assert world.snapshot() == before
        return
    with world.work() as work:
        work.accounts.lock(account_id, added, SYSTEM, "1/VB")
    with world.read() as work:
        found, locks = work.accounts.find(account_id), work.accounts.locks(account_id)
    assert {lock.ground: lock.legal_ref for lock in locks} == {present: GROUNDS[present].legal_ref, added: "1/VB"}
    assert GROUNDS[locks[0].ground].weight >= GROUNDS[locks[1].ground].weight
    assert found.lock_ground is locks[0].ground
    if LockGround.HOLDER_DIED in (present, added):
        return
    with world.work() as work:
        assert not work.accounts.unlock(account_id, added, SYSTEM)
        found = work.accounts.find(account_id)
    assert (found.state, found.lock_ground) == (AccountState.LOCKED, present)
    assert "account_unlocked" not in told(world)
    before = world.snapshot()
    with pytest.raises(Conflict, match="ground_remains"), world.work() as work:
        work.accounts.unlock(account_id, added, SYSTEM)
    assert world.snapshot() == before
    with world.work() as work:
        assert work.accounts.unlock(account_id, present, SYSTEM)
        found = work.accounts.find(account_id)
    assert (found.state, found.lock_ground) == (AccountState.ACTIVE, None)
    assert "account_unlocked" in told(world)


@pytest.mark.parametrize("ground", LockGround)
def test_lock_ends_every_session_and_is_told_unless_the_holder_died(citizen: Citizen, ground: LockGround) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    signed_in = citizen.sign_in()
    with world.work() as work:
        work.accounts.lock(account_id, ground, SYSTEM)
    with world.read() as work:
        with pytest.raises(NotAuthenticated, match="session_ended"):
            work.sessions.check(signed_in.session.id)
        assert [lock.legal_ref for lock in work.accounts.locks(account_id)] == [GROUNDS[ground].legal_ref]
    assert ("account_locked" in told(world)) is (ground is not LockGround.HOLDER_DIED)


def test_death_is_never_unlocked_and_closing_it_is_told_to_nobody(citizen: Citizen) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.HOLDER_DIED, SYSTEM)
    before = world.snapshot()
    with pytest.raises(Conflict, match="ground_remains"), world.work() as work:
        work.accounts.unlock(account_id, LockGround.HOLDER_DIED, SYSTEM)
    assert world.snapshot() == before
    with world.work() as work:
        work.accounts.close(account_id, SYSTEM)
        assert work.accounts.find(account_id).closed_at == world.clock.now()
    assert told(world) == []


def test_sessions_that_a_lock_ended_stay_ended(citizen: Citizen) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    signed_in = citizen.sign_in()
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.unlock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
    with world.read() as work, pytest.raises(NotAuthenticated, match="session_ended"):
        work.sessions.check(signed_in.session.id)
    assert [code for code in told(world) if code.startswith("account_")] == ["account_locked", "account_unlocked"]


def test_unlocked_account_keeps_no_trace_of_its_lock(citizen: Citizen) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    with world.work() as work:
        work.accounts.lock(account_id, LockGround.TERMS_BROKEN, SYSTEM, "4/BB")
        work.accounts.unlock(account_id, LockGround.TERMS_BROKEN, SYSTEM)
        assert (work.accounts.find(account_id).lock_ground, work.accounts.locks(account_id)) == (None, ())
    assert (world.events("account.locked"), world.events("account.unlocked")) == (1, 1)


@pytest.mark.parametrize("call", CALLS)
def test_unknown_account_makes_no_move(world: World, call: str) -> None:
    with pytest.raises(NotFound, match="account_unknown"), world.work() as work:
        CALLS[call](work.accounts, "acc_x")


@pytest.mark.parametrize(
    ("ground", "code"), [(LockGround.CARD_EXPIRED, "account_locked"), (LockGround.HOLDER_DIED, "account_locked")]
)
def test_locked_holder_is_issued_nothing(citizen: Citizen, ground: LockGround, code: str) -> None:
    with citizen.world.work() as work:
        work.accounts.assert_unlocked(citizen.account.holder_id)
        work.accounts.assert_unlocked("hld_of_nobody")
        work.accounts.lock(citizen.account.account_id, ground, SYSTEM)
        with pytest.raises(Conflict, match=code):
            work.accounts.assert_unlocked(citizen.account.holder_id)
        work.accounts.close(citizen.account.account_id, SYSTEM)
        with pytest.raises(Conflict, match="account_closed"):
            work.accounts.assert_unlocked(citizen.account.holder_id)


def test_opening_with_a_phone_keeps_it(world: World) -> None:
    with world.work() as work:
        opened = work.accounts.open(
            facts=FACTS,
            password=PASSWORD,
            passcode=PASSCODE,
            device_id="dev_1",
            public_key=Phone(world, "dev_1").jwk,
            actor=SYSTEM,
            phone=PHONE,
            valid_until=date(2031, 5, 6),
        )
        assert work.contacts.find(opened.account_id).phone == "+84912345678"
        assert work.accounts.find(opened.account_id).valid_until == date(2031, 5, 6)


def test_every_ground_has_its_rule_and_every_notice_its_kind() -> None:
    assert GROUNDS.keys() == set(LockGround)
    assert {ground for ground, rule in GROUNDS.items() if not rule.told} == {LockGround.HOLDER_DIED}
    assert all(rule.legal_ref for rule in GROUNDS.values())
    assert {"account_locked", "account_unlocked", "account_closed", "guardianship_ended"} <= NOTICES.keys()


def told(world: World) -> list[str]:
    """Return the codes of all notices, in order of time and of code."""
    rows = world.snapshot()["notices"]
    return sorted(next(code for code in NOTICES if f"'{code}'" in row) for row in rows)


def test_activation_life_is_a_setting(world: World) -> None:
    with world.read() as work:
        assert work.accounts.activation_life == timedelta(days=world.settings.activation_days)
