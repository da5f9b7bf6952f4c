"""Registering a child or ward: the population register alone says who may."""

from collections.abc import Callable
from datetime import date

import pytest

from tests.enrolment.people import DAUGHTER, SON, WIFE, account_of, actor_of, amend
from tests.support import GROUND
from wallet.audit import AuditEvent
from wallet.demo.personas import persona
from wallet.enrolment.wards import WardView, relations_to
from wallet.errors import Conflict, NotAllowed, Unavailable, WalletError
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.guardians import Relation
from wallet.sources.base import Facts, Ground, RegisterCode, numbers_of
from wallet.terms import AccountLevel, Actor
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]


def register(wallet: Wallet, number: str = SON, relation: Relation | None = None, key: str = "an") -> WardView:
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        return work.wards.register(number, relation, actor)


def assert_refused(
    wallet: Wallet, state: State, kind: type[WalletError], code: str, number: str = SON, **options: object
) -> None:
    before = state()
    with pytest.raises(kind, match=code):
        register(wallet, number, **options)  # type: ignore[arg-type]
    assert state() == before


def test_father_registers_his_children_at_any_age(wallet: Wallet) -> None:
    for number, name in ((SON, "Nguyễn Mẫu Minh"), (DAUGHTER, "Nguyễn Thị Mẫu Ngọc")):
        ward = register(wallet, number)
        assert (ward.relation, ward.account_level, ward.state) == (
            Relation.FATHER,
            AccountLevel.ONE,
            AccountState.APPROVED,
        )
        assert ward.full_name == name
    with wallet.read() as work:
        assert len(work.wards.all_of(actor_of(wallet, "an"))) == 2
        account = work.accounts.find(ward.account_id)
        assert account.valid_until == date(2034, 12, 22)


def test_repeating_changes_nothing(wallet: Wallet, state: State) -> None:
    first = register(wallet)
    before = state()
    assert register(wallet, relation=Relation.FATHER) == first
    assert state() == before


@pytest.mark.parametrize("number", [WIFE, "099999999999", persona("an").number, persona("khuat").number, "12"])
def test_whoever_is_not_named_is_refused_like_a_number_that_nobody_has(
    wallet: Wallet, state: State, number: str
) -> None:
    assert_refused(wallet, state, NotAllowed, "not_your_ward", number)


def test_relation_has_to_be_the_one_that_the_register_states(wallet: Wallet, state: State) -> None:
    for relation in (Relation.MOTHER, Relation.GUARDIAN):
        assert_refused(wallet, state, NotAllowed, "not_your_ward", relation=relation)


def test_stranger_does_not_register_anothers_child(wallet: Wallet, state: State) -> None:
    assert_refused(wallet, state, NotAllowed, "not_your_ward", key="sau")


def test_caller_of_level_one_is_refused(wallet: Wallet, state: State) -> None:
    amend(wallet, SON, father_number=persona("binh").number)
    assert_refused(wallet, state, NotAllowed, "level_too_low", key="binh")


def test_parent_is_found_by_a_former_number(wallet: Wallet) -> None:
    """The register may still name the mother by the number that she had when the child was born."""
    facts = wallet.registers[RegisterCode.POPULATION].read(persona("doi").number, GROUND).values
    former = numbers_of(facts) - {persona("doi").number}
    amend(wallet, SON, mother_number=next(iter(former)))
    assert register(wallet, key="doi").relation is Relation.MOTHER


@pytest.mark.parametrize(
    ("birth", "of_age"), [("2012-03-03", False), ("2012-03-02", True), ("2012", False), ("2011", True)]
)
def test_parent_acts_until_the_child_is_14(wallet: Wallet, state: State, birth: str, of_age: bool) -> None:
    """It is 2 March 2026. Where only the year is known, the last day of it counts."""
    amend(wallet, SON, birth_date=birth)
    if of_age:
        assert_refused(wallet, state, Conflict, "ward_of_age")
    else:
        assert register(wallet).state is AccountState.APPROVED


def test_guardian_acts_for_a_ward_of_any_age(wallet: Wallet) -> None:
    amend(wallet, WIFE, guardian_number=persona("sau").number)
    assert register(wallet, WIFE, key="sau").relation is Relation.GUARDIAN


@pytest.mark.parametrize("facts", [{"card_issued": None, "card_expires": None}, {"card_expires": date(2026, 3, 1)}])
def test_child_needs_a_valid_card(wallet: Wallet, state: State, facts: dict[str, date | None]) -> None:
    amend(wallet, SON, **facts)
    assert_refused(wallet, state, Conflict, "ward_card_not_valid")


def test_foreign_child_needs_a_residence_card(wallet: Wallet, state: State) -> None:
    amend(wallet, SON, nationality="Pháp")
    assert_refused(wallet, state, Conflict, "ward_card_not_valid")


def test_nobody_acts_for_the_dead(wallet: Wallet, state: State) -> None:
    amend(wallet, SON, state="dead")
    assert_refused(wallet, state, Conflict, "person_deceased")


def test_closed_account_is_not_opened_again(wallet: Wallet, state: State) -> None:
    ward = register(wallet)
    with wallet.work() as work:
        work.accounts.close(ward.account_id, Actor("system"))
    assert_refused(wallet, state, Conflict, "account_closed")


def test_second_parent_gets_the_same_account(wallet: Wallet) -> None:
    amend(wallet, SON, mother_number=persona("doi").number)
    assert register(wallet).account_id == register(wallet, key="doi").account_id


def test_locked_ward_stays_locked(wallet: Wallet) -> None:
    ward = register(wallet)
    with wallet.work() as work:
        work.accounts.lock(ward.account_id, LockGround.CARD_REVOKED, Actor("system"))
    assert register(wallet).state is AccountState.LOCKED


def test_register_that_is_away_opens_nothing(wallet: Wallet, state: State) -> None:
    class Away:
        code = RegisterCode.POPULATION

        def read(self, number: str, ground: Ground) -> Facts:
            raise Unavailable("source_unavailable", 5)

    wallet.registers[RegisterCode.POPULATION] = Away()
    assert_refused(wallet, state, Unavailable, "source_unavailable")


def test_nobody_is_related_by_an_absent_fact() -> None:
    assert relations_to({"number": "1"}, frozenset({"2", "None", ""})) == frozenset()
    assert relations_to({"father_number": "1", "guardian_number": "1"}, frozenset({"1"})) == {
        Relation.FATHER,
        Relation.GUARDIAN,
    }


def test_register_leaves_no_number_in_the_record(wallet: Wallet) -> None:
    register(wallet)
    with wallet.db.read() as session:
        rows = [repr((row.subject, row.details)) for row in session.query(AuditEvent).all()]
    assert not any(SON in row or persona("an").number in row for row in rows)
    assert account_of(wallet, "an") in {row.split("'")[1] for row in rows}
