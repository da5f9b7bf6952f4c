"""Who acts for whom: only as long as the relation holds, and for a ward whose account stands."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.identity.conftest import SYSTEM, Citizen, World
from wallet.errors import Conflict, NotAllowed, NotFound
from wallet.identity.account_states import HolderKind, LockGround
from wallet.identity.guardians import Relation
from wallet.terms import AccountLevel

MakeCitizen = Callable[..., Citizen]


def ward_of(guardian: Citizen, *, approved: bool = True, begun: bool = True) -> str:
    facts = {"number": "099216000071", "full_name": "Lê Mẫu Bé", "birth_date": date(2016, 9, 5)}
    with guardian.world.work() as work:
        account_id = work.accounts.register(
            facts,
            level=AccountLevel.ONE,
            kind=HolderKind.CITIZEN,
            phone=None,
            email=None,
            valid_until=None,
            actor=SYSTEM,
        )
        if approved:
            work.accounts.approve(account_id, AccountLevel.ONE, SYSTEM)
        if begun:
            work.guardians.begin(guardian.account.account_id, account_id, Relation.MOTHER, SYSTEM)
    return str(account_id)


def assert_refused(guardian: Citizen, ward_id: str, code: str) -> None:
    kind = Conflict if code == "account_locked" else NotFound
    before = guardian.world.snapshot()
    with guardian.world.read() as work, pytest.raises(kind, match=code):
        work.guardians.ward(guardian.account.account_id, ward_id)
    assert guardian.world.snapshot() == before


def change(guardian: Citizen, call: Callable[[Any], object]) -> None:
    with guardian.world.work() as work:
        call(work)


def test_ward_is_acted_for_without_a_device_or_a_secret(citizen: Citizen) -> None:
    ward_id = ward_of(citizen)
    with citizen.world.read() as work:
        ward = work.guardians.ward(citizen.account.account_id, ward_id)
        assert (ward.account_id, ward.relation) == (ward_id, Relation.MOTHER)
        assert [each.account_id for each in work.guardians.wards(citizen.account.account_id)] == [ward_id]
        assert [each.account_id for each in work.guardians.guardians(ward_id)] == [citizen.account.account_id]
        assert work.devices.of_account(ward_id) is None
        assert work.contacts.find(ward_id) is None


def test_whoever_is_no_ward_is_not_found(citizen: Citizen, make_citizen: MakeCitizen) -> None:
    ward_id, stranger = ward_of(citizen), make_citizen("079190000555")
    assert_refused(stranger, ward_id, "not_found")
    assert_refused(citizen, stranger.account.account_id, "not_found")
    assert_refused(citizen, citizen.account.account_id, "not_found")
    assert_refused(citizen, "acc_x", "not_found")


def test_ward_whose_account_waits_is_not_found(citizen: Citizen) -> None:
    assert_refused(citizen, ward_of(citizen, approved=False), "not_found")


def test_locked_ward_is_acted_for_by_nobody(citizen: Citizen) -> None:
    ward_id = ward_of(citizen)
    change(citizen, lambda work: work.accounts.lock(ward_id, LockGround.CARD_REVOKED, SYSTEM))
    assert_refused(citizen, ward_id, "account_locked")
    change(citizen, lambda work: work.accounts.unlock(ward_id, LockGround.CARD_REVOKED, SYSTEM))
    with citizen.world.read() as work:
        assert work.guardians.ward(citizen.account.account_id, ward_id).account_id == ward_id


def test_closed_ward_is_not_found(citizen: Citizen) -> None:
    ward_id = ward_of(citizen)
    change(citizen, lambda work: work.accounts.close(ward_id, SYSTEM))
    assert_refused(citizen, ward_id, "not_found")


def test_ended_relation_is_not_found_and_both_are_told(citizen: Citizen) -> None:
    ward_id, own = ward_of(citizen), citizen.account.account_id
    change(citizen, lambda work: work.guardians.end(own, ward_id, "of_age", SYSTEM))
    assert_refused(citizen, ward_id, "not_found")
    told = [row for row in citizen.world.snapshot()["notices"] if "'guardianship_ended'" in row]
    assert len(told) == 2
    assert any(own in row for row in told)
    before = citizen.world.snapshot()
    with pytest.raises(NotFound, match="not_found"):
        change(citizen, lambda work: work.guardians.end(own, ward_id, "of_age", SYSTEM))
    assert citizen.world.snapshot() == before
    with citizen.world.read() as work:
        assert work.guardians.wards(own) == []
        assert work.guardians.guardians(ward_id) == []


def test_beginning_again_changes_nothing_until_it_has_ended(citizen: Citizen) -> None:
    ward_id, own = ward_of(citizen), citizen.account.account_id
    before = citizen.world.snapshot()
    change(citizen, lambda work: work.guardians.begin(own, ward_id, Relation.GUARDIAN, SYSTEM))
    assert citizen.world.snapshot() == before
    change(citizen, lambda work: work.guardians.end(own, ward_id, "register_names_another", SYSTEM))
    change(citizen, lambda work: work.guardians.begin(own, ward_id, Relation.GUARDIAN, SYSTEM))
    with citizen.world.read() as work:
        assert work.guardians.ward(own, ward_id).relation is Relation.GUARDIAN


def test_both_parents_may_act_and_one_leaving_leaves_the_other(citizen: Citizen, make_citizen: MakeCitizen) -> None:
    ward_id, other = ward_of(citizen), make_citizen("079190000555")
    change(citizen, lambda work: work.guardians.begin(other.account.account_id, ward_id, Relation.FATHER, SYSTEM))
    change(citizen, lambda work: work.guardians.end_all(citizen.account.account_id, "holder_died", SYSTEM))
    assert_refused(citizen, ward_id, "not_found")
    with citizen.world.read() as work:
        assert work.guardians.ward(other.account.account_id, ward_id).relation is Relation.FATHER


def test_guardian_needs_level_two(make_citizen: MakeCitizen) -> None:
    low = make_citizen(level=AccountLevel.ONE)
    ward_id = ward_of(low, begun=False)
    before = low.world.snapshot()
    with pytest.raises(NotAllowed, match="level_too_low"):
        change(low, lambda work: work.guardians.begin(low.account.account_id, ward_id, Relation.FATHER, SYSTEM))
    assert low.world.snapshot() == before


def test_relation_needs_a_guardian_who_exists(world: World) -> None:
    with pytest.raises(NotFound, match="account_unknown"), world.work() as work:
        work.guardians.begin("acc_x", "acc_y", Relation.FATHER, SYSTEM)
