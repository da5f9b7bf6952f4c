"""Households: what a register changes about one member ends what documents of the others state of it, and no more."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.documents.people import actor_of
from tests.enrolment.people import WIFE
from tests.requests.test_voiding import ask, moves, revocation
from tests.support import GROUND, NOON, FixedClock
from wallet.demo.moving import move
from wallet.demo.personas import persona
from wallet.requests.orders import UtilityRequest
from wallet.requests.watching import WATCH
from wallet.sources.base import RegisterCode
from wallet.sources.changes import Change
from wallet.sources.models import Citizen, Household, Residence
from wallet.wiring import Wallet

AN = persona("an").number
RELATION = {"scope": "household_relation", "relation": "spouse", "member_last4": WIFE[-4:]}
OF_HIMSELF = (
    {},
    {"scope": "lives_in_commune"},
    {"scope": "lives_in_province"},
    {"scope": "registered_since"},
    {"scope": "head_of_household"},
)


def of_household(wallet: Wallet) -> list[UtilityRequest]:
    """Issue An whatever names his wife."""
    return [ask(wallet, answers={"scope": "whole", "with_members": True}), ask(wallet, answers=RELATION)]


def of_himself(wallet: Wallet) -> list[UtilityRequest]:
    """Issue An whatever names nobody else."""
    return [ask(wallet, answers=each) for each in OF_HIMSELF]


def reasons(wallet: Wallet, requests: list[UtilityRequest]) -> set[str | None]:
    return {revocation(wallet, each) for each in requests}


def household_of(wallet: Wallet, number: str) -> str:
    with wallet.nation.read() as session:
        return str(session.scalar(select(Residence.household_id).where(Residence.number == number)))


def watched(wallet: Wallet, clock: FixedClock) -> None:
    """Let the job run as often as it does, and no later than a minute from now."""
    (job,) = [job for job in wallet.jobs if job.name == "registers"]
    assert job.every <= timedelta(seconds=60)
    clock.advance(job.every)
    job.run()


def changes(wallet: Wallet, model: Any, at: datetime, number: str, **values: Any) -> None:
    """Let a register change one row."""
    key = Household.id if model is Household else model.number
    with wallet.nation.write() as session:
        session.execute(update(model).where(key == number).values(updated_at=at, **values))


# --- Within the minute ----------------------------------------------------------------------------------------------


def test_who_moves_out_ends_what_states_them_and_leaves_the_rest(wallet: Wallet, clock: FixedClock) -> None:
    stated, rest = of_household(wallet), of_himself(wallet)
    wallet.register_watch.run()
    clock.advance(minutes=10)
    move(wallet.nation, WIFE, clock.now())
    watched(wallet, clock)
    assert reasons(wallet, stated) == {"data_changed"}
    assert reasons(wallet, rest) == {None}
    with wallet.read() as work:
        told, _ = work.inbox.page(actor_of(wallet).account_id, 50, None)
    assert [row.code for row in told].count("document_void") == len(stated)


def test_who_moves_in_ends_what_states_the_household(wallet: Wallet, clock: FixedClock) -> None:
    stated, rest = of_household(wallet), of_himself(wallet)
    newcomer = ask(wallet, "doi"), ask(wallet, "doi", {"scope": "head_of_household"})
    wallet.register_watch.run()
    clock.advance(minutes=10)
    moves(wallet, "doi", clock.now(), household_id=household_of(wallet, AN), relation="Người ở nhờ")
    watched(wallet, clock)
    assert [revocation(wallet, each) for each in stated] == ["data_changed", None], "An is still the husband"
    assert reasons(wallet, rest) == {None}
    assert reasons(wallet, list(newcomer)) == {"data_changed"}


def test_another_head_ends_what_names_the_head(wallet: Wallet, clock: FixedClock) -> None:
    whole, facts = ask(wallet), of_himself(wallet)[1:]
    wallet.register_watch.run()
    clock.advance(minutes=10)
    changes(wallet, Household, clock.now(), household_of(wallet, AN), head_number=WIFE)
    watched(wallet, clock)
    assert revocation(wallet, whole) == "data_changed"
    assert reasons(wallet, facts) == {None}, "his own row does not say so yet"
    clock.advance(minutes=10)
    changes(wallet, Residence, clock.now(), WIFE, relation="Chủ hộ")
    changes(wallet, Residence, clock.now(), AN, relation="Chồng")
    watched(wallet, clock)
    assert [revocation(wallet, each) for each in facts] == [None, None, None, "data_changed"]


def test_a_corrected_name_of_a_member_ends_what_states_it(wallet: Wallet, clock: FixedClock) -> None:
    stated, rest = of_household(wallet), of_himself(wallet)
    wallet.register_watch.run()
    clock.advance(minutes=10)
    changes(wallet, Citizen, clock.now(), WIFE, full_name="Lê Thị Mẫu Hoa")
    watched(wallet, clock)
    assert reasons(wallet, stated) == {"data_changed"}
    assert reasons(wallet, rest) == {None}


@pytest.mark.parametrize(
    ("number", "values"),
    [(WIFE, {"temporary_line": "Số 3", "temporary_commune": "Phường Dĩ An"}), (WIFE, {}), (AN, {})],
    ids=["elsewhere", "nothing of hers", "nothing of his"],
)
def test_a_change_of_nothing_that_is_stated_ends_nothing(
    wallet: Wallet, clock: FixedClock, number: str, values: dict[str, Any]
) -> None:
    issued = [*of_household(wallet), *of_himself(wallet)]
    wallet.register_watch.run()
    clock.advance(minutes=10)
    changes(wallet, Residence, clock.now(), number, **values)
    watched(wallet, clock)
    with wallet.work() as work:
        assert work.voiding.look(actor_of(wallet).holder_id or "", WATCH) == 0
    assert reasons(wallet, issued) == {None}


def test_a_move_of_the_whole_household_ends_what_names_the_place(wallet: Wallet, clock: FixedClock) -> None:
    stated, rest = of_household(wallet), of_himself(wallet)
    wallet.register_watch.run()
    clock.advance(minutes=10)
    move(wallet.nation, AN, clock.now(), ("20242", "Số 8"))
    watched(wallet, clock)
    assert [revocation(wallet, each) for each in stated] == ["data_changed", None], "they are still one household"
    ended = ["data_changed"] * 4  # the form, commune, province, since when
    assert [revocation(wallet, each) for each in rest] == [*ended, None]


# --- What no word was given of ----------------------------------------------------------------------------------------


def test_the_daily_look_finds_who_moved_out(wallet: Wallet, clock: FixedClock) -> None:
    stated, rest = of_household(wallet), of_himself(wallet)
    move(wallet.nation, WIFE, NOON - timedelta(days=20))  # entered late, with an old day
    wallet.register_watch.run()
    assert reasons(wallet, stated) == {None}
    clock.advance(days=2)
    wallet.account_sweep.run()
    assert reasons(wallet, stated) == {"data_changed"}
    assert reasons(wallet, rest) == {None}


# --- The register's word ----------------------------------------------------------------------------------------------


def told_after(wallet: Wallet, since: datetime) -> set[str]:
    return {change.number for change in wallet.changes.after(RegisterCode.RESIDENCE, Change(since, ""), 500)}


def test_a_change_is_told_of_every_member_old_and_new(wallet: Wallet, clock: FixedClock) -> None:
    since = clock.now()
    clock.advance(minutes=1)
    assert told_after(wallet, since) == set()
    with wallet.nation.read() as session:
        home = household_of(wallet, AN)
        family = set(session.scalars(select(Residence.number).where(Residence.household_id == home)))
    assert {AN, WIFE} < family
    move(wallet.nation, WIFE, clock.now())
    assert told_after(wallet, since) == family
    since = clock.now() + timedelta(seconds=1)
    clock.advance(minutes=1)
    changes(wallet, Residence, clock.now(), WIFE, household_id=household_of(wallet, persona("doi").number))
    assert told_after(wallet, since) >= {WIFE, persona("doi").number}
    assert AN not in told_after(wallet, since)


def test_the_register_is_as_fresh_as_the_household(wallet: Wallet, clock: FixedClock) -> None:
    def as_of() -> datetime:
        return wallet.registers[RegisterCode.RESIDENCE].read(AN, GROUND).as_of

    assert as_of() < NOON
    for model, key in ((Residence, WIFE), (Citizen, WIFE), (Household, household_of(wallet, AN)), (Residence, AN)):
        clock.advance(minutes=1)
        changes(wallet, model, clock.now(), key)
        assert as_of() == clock.now()
    changes(wallet, Residence, NOON - timedelta(days=900), AN)
    assert as_of() > NOON
