"""Organisations: by the business register at once, otherwise by a person who decides."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from tests.enrolment.people import actor_of
from tests.support import FixedClock
from wallet.demo.personas import persona
from wallet.enrolment.organisations import OrganisationOrder, OrganisationState, OrganisationView, RefusalReason
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, WalletError
from wallet.sources.models import Business
from wallet.terms import StaffRole
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
KNOWN, DISSOLVED, OF_THE_DEAD, UNKNOWN = "0099000001", "0099000003", "0099000002", "0099000777"
STATED = OrganisationOrder(UNKNOWN, "Hợp tác xã Mẫu", UNKNOWN, "Thôn 3, xã Mẫu, Hà Nội", date(2020, 5, 6))


def register(wallet: Wallet, order: OrganisationOrder | str = KNOWN, key: str = "an") -> OrganisationView:
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        return work.organisations.register(OrganisationOrder(order) if isinstance(order, str) else order, actor)


def decide(
    wallet: Wallet, organisation_id: str, *, approve: bool, reason: RefusalReason | None = None, key: str = "approver1"
) -> OrganisationView:
    roles = (StaffRole.APPROVER,) if key.startswith("approver") or key == "an" else ()
    actor = actor_of(wallet, key, *roles)
    with wallet.work() as work:
        return work.organisations.decide(organisation_id, approve=approve, reason=reason, actor=actor)


def assert_refused(state: State, kind: type[WalletError], code: str, call: Callable[[], object]) -> None:
    before = state()
    with pytest.raises(kind, match=code):
        call()
    assert state() == before


def represented_by(wallet: Wallet, key: str, code: str = KNOWN) -> None:
    with wallet.nation.write() as session:
        named = persona(key).number
        session.execute(update(Business).where(Business.enterprise_code == code).values(representative_number=named))


def test_representative_is_approved_at_once_with_the_registers_data(wallet: Wallet) -> None:
    made = register(wallet, OrganisationOrder(KNOWN, name="Tên tự khai"))
    assert made.state is OrganisationState.ACTIVE
    assert made.name == "Công ty trách nhiệm hữu hạn Mẫu An"
    assert made.due_at == datetime(2026, 3, 5, 17, tzinfo=UTC)  # Monday and three working days
    with wallet.read() as work:
        assert [each.id for each in work.organisations.all_of(actor_of(wallet, "an"))] == [made.id]


def test_repeating_changes_nothing(wallet: Wallet, state: State) -> None:
    first = register(wallet)
    before = state()
    assert register(wallet) == first
    assert state() == before


@pytest.mark.parametrize("code", [KNOWN, DISSOLVED, OF_THE_DEAD])
def test_whoever_is_not_named_is_refused(wallet: Wallet, state: State, code: str) -> None:
    assert_refused(state, NotAllowed, "not_representative", lambda: register(wallet, code, "sau"))


def test_dissolved_one_gets_no_account(wallet: Wallet, state: State) -> None:
    represented_by(wallet, "an", DISSOLVED)
    assert_refused(state, Conflict, "organisation_dissolved", lambda: register(wallet, DISSOLVED))


def test_one_account_for_each_code_and_the_registers_new_representative_takes_it(wallet: Wallet) -> None:
    first = register(wallet)
    represented_by(wallet, "sau")
    second = register(wallet, KNOWN, "sau")
    assert (second.id, second.state) == (first.id, OrganisationState.ACTIVE)
    with wallet.read() as work:
        assert work.organisations.all_of(actor_of(wallet, "an")) == []
    with pytest.raises(NotAllowed, match="not_representative"):
        register(wallet)


def test_unknown_one_needs_what_the_approver_decides_on(wallet: Wallet, state: State) -> None:
    before = state()
    with pytest.raises(InvalidInput) as refusal:
        register(wallet, UNKNOWN)
    assert refusal.value.fields == dict.fromkeys(("/name", "/tax_code", "/head_office", "/founded_on"), "required")
    assert state() == before


def test_unknown_one_waits_fifteen_days_for_an_approver(wallet: Wallet, clock: FixedClock) -> None:
    made = register(wallet, STATED)
    assert (made.state, made.overdue) == (OrganisationState.PENDING, False)
    assert (made.due_at - clock.now()).days == 15
    clock.advance(days=15, seconds=1)
    with wallet.read() as work:
        rows, following = work.organisations.page(OrganisationState.PENDING, 10, None)
    assert ([(row.id, row.overdue) for row in rows], following) == ([(made.id, True)], None)
    decided = decide(wallet, made.id, approve=True)
    assert (decided.state, decided.overdue) == (OrganisationState.ACTIVE, False)


def test_asking_does_not_keep_a_code_from_others_for_ever(wallet: Wallet, state: State) -> None:
    made = register(wallet, STATED)
    assert_refused(state, Conflict, "already_exists", lambda: register(wallet, STATED, "sau"))
    decide(wallet, made.id, approve=False, reason=RefusalReason.NOT_REPRESENTATIVE)
    again = register(wallet, STATED, "sau")
    assert (again.id, again.state, again.reason) == (made.id, OrganisationState.PENDING, None)


def test_approved_one_is_nobody_elses_without_the_register(wallet: Wallet, state: State) -> None:
    decide(wallet, register(wallet, STATED).id, approve=True)
    assert_refused(state, Conflict, "already_exists", lambda: register(wallet, STATED, "sau"))


def test_decision_is_an_approvers_of_nothing_of_their_own_and_once(wallet: Wallet, state: State) -> None:
    made = register(wallet, STATED)
    assert_refused(state, NotAllowed, "self_approval", lambda: decide(wallet, made.id, approve=True, key="an"))
    assert_refused(state, NotAllowed, "not_allowed", lambda: decide(wallet, made.id, approve=True, key="officer1"))
    assert_refused(state, InvalidInput, "invalid_input", lambda: decide(wallet, made.id, approve=False))
    assert_refused(state, NotFound, "not_found", lambda: decide(wallet, "org_x", approve=True))
    decided = decide(wallet, made.id, approve=False, reason=RefusalReason.NOT_FOUND)
    assert (decided.state, decided.reason) == (OrganisationState.REFUSED, "not_found")
    assert_refused(state, Conflict, "order_closed", lambda: decide(wallet, made.id, approve=True))


def test_representative_is_told(wallet: Wallet) -> None:
    register(wallet)
    decide(wallet, register(wallet, STATED).id, approve=False, reason=RefusalReason.DATA_DIFFER)
    account_id = actor_of(wallet, "an").account_id
    with wallet.read() as work:
        views, _ = work.inbox.page(account_id, 20, None)
    assert {"organisation_approved", "organisation_refused"} <= {view.code for view in views}


def test_former_representative_is_told_once(wallet: Wallet) -> None:
    register(wallet)
    former = actor_of(wallet, "an").account_id
    represented_by(wallet, "sau")
    for _ in range(2):
        register(wallet, KNOWN, "sau")
    with wallet.read() as work:
        views, _ = work.inbox.page(former, 20, None)
        others, _ = work.inbox.page(actor_of(wallet, "sau").account_id, 20, None)
    assert [view.code for view in views].count("organisation_taken_over") == 1
    assert "organisation_taken_over" not in {view.code for view in others}
