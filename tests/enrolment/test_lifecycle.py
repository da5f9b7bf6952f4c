"""The daily look: deaths, ended and renewed cards, wards who come of age; repeated, interrupted, without registers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from tests.enrolment.people import SON, account_of, actor_of, amend
from tests.support import GROUND, FixedClock
from wallet.demo.personas import persona
from wallet.enrolment.sweeping import AccountSweep, SweepReport
from wallet.enrolment.unlocking import UnlockForm
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable, WalletError
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.accounts import AccountView
from wallet.identity.guardians import Relation
from wallet.identity.models import Account, Holder
from wallet.requests.lifecycle import RequestOrder
from wallet.sources.base import Facts, Ground, Register, RegisterCode
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
SYSTEM = Actor("system")


class Away:
    """A register that does not answer, and how often it was asked."""

    code = RegisterCode.POPULATION
    asked = 0

    def read(self, number: str, ground: Ground) -> Facts:
        self.asked += 1
        raise Unavailable("source_unavailable", 5)


def sweep(wallet: Wallet) -> SweepReport:
    return wallet.account_sweep.run()


def view(wallet: Wallet, key: str = "an") -> AccountView:
    account_id = account_of(wallet, key)
    with wallet.read() as work:
        return work.accounts.find(account_id)


def told(wallet: Wallet, account_id: str) -> list[str]:
    with wallet.read() as work:
        return [each.code for each in work.inbox.page(account_id, 50, None)[0]]


def issued(wallet: Wallet, key: str = "an") -> str:
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        return str(work.requests.submit(RequestOrder("residence", {}), actor).document_id)


def standing(wallet: Wallet, document_id: str, key: str = "an") -> tuple[str, str | None]:
    actor = actor_of(wallet, key)
    with wallet.read() as work:
        held = work.holding.get(document_id, actor)
    return held.state, held.revocation_reason


def test_second_round_changes_nothing(wallet: Wallet, state: State) -> None:
    assert sweep(wallet).done["checked"] > 10
    before = state()
    assert sweep(wallet) == SweepReport()
    assert state() == before


def test_no_persona_in_order_is_locked(wallet: Wallet) -> None:
    accounts = {key: view(wallet, key) for key in ("an", "binh", "sau", "doi", "xa", "marie", "officer1", "admin1")}
    sweep(wallet)
    for key, before in accounts.items():
        assert view(wallet, key).state is before.state is AccountState.ACTIVE, key


def test_dead_are_locked_their_documents_revoked_and_closed_after_a_time(wallet: Wallet, clock: FixedClock) -> None:
    document = issued(wallet)
    amend(wallet, persona("an").number, state="dead", died_on=date(2026, 3, 1))
    report = sweep(wallet)
    assert (report.failed, view(wallet).lock_ground) == (0, LockGround.HOLDER_DIED)
    assert standing(wallet, document) == ("revoked", "holder_died")
    assert "account_locked" not in told(wallet, view(wallet).id)
    clock.advance(days=wallet.settings.death_closing_days)
    sweep(wallet)
    assert view(wallet).state is AccountState.LOCKED
    clock.advance(seconds=1)
    sweep(wallet)
    assert view(wallet).state is AccountState.CLOSED
    assert "account_closed" not in told(wallet, view(wallet).id)


def test_officer_who_notes_a_death_settles_it_at_once(wallet: Wallet) -> None:
    document, officer = issued(wallet), actor_of(wallet, "officer1", StaffRole.OFFICER)
    amend(wallet, persona("an").number, state="dead")
    with wallet.work() as work:
        work.locking.lock(account_of(wallet, "an"), LockGround.HOLDER_DIED, officer, "1/GBT")
    assert standing(wallet, document) == ("revoked", "holder_died")


def test_card_that_ended_locks_and_a_renewed_one_unlocks(wallet: Wallet, clock: FixedClock) -> None:
    number = persona("an").number
    amend(wallet, number, card_expires=date(2026, 3, 2))
    sweep(wallet)
    assert view(wallet).state is AccountState.ACTIVE  # the last day is a day of validity
    clock.set(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))  # midnight in Hà Nội
    sweep(wallet)
    assert view(wallet).lock_ground is LockGround.CARD_EXPIRED
    clock.advance(days=1)
    amend(wallet, number, card_issued=date(2026, 3, 3), card_expires=date(2041, 3, 3))
    sweep(wallet)
    assert (view(wallet).state, view(wallet).valid_until) == (AccountState.ACTIVE, date(2041, 3, 3))
    assert {"account_locked", "account_unlocked"} <= set(told(wallet, view(wallet).id))


def test_renewed_card_lifts_no_other_ground(wallet: Wallet, clock: FixedClock) -> None:
    with wallet.work() as work:
        work.accounts.lock(account_of(wallet, "an"), LockGround.TERMS_BROKEN, SYSTEM)
    amend(wallet, persona("an").number, card_expires=date(2041, 3, 3))
    sweep(wallet)
    clock.advance(days=2)
    sweep(wallet)
    assert view(wallet).lock_ground is LockGround.TERMS_BROKEN


def test_end_of_a_card_is_announced_once_for_each_card(wallet: Wallet, clock: FixedClock) -> None:
    number, account_id = persona("an").number, account_of(wallet, "an")
    amend(wallet, number, card_expires=date(2026, 4, 2))
    sweep(wallet)
    assert "card_expires_soon" not in told(wallet, account_id)
    clock.advance(days=1)
    for _ in range(3):
        sweep(wallet)
        clock.advance(days=1)
    assert told(wallet, account_id).count("card_expires_soon") == 1
    amend(wallet, number, card_expires=date(2026, 4, 4))
    sweep(wallet)
    assert told(wallet, account_id).count("card_expires_soon") == 2


def test_register_that_is_away_is_asked_once_and_holds_nothing_up(wallet: Wallet, state: State) -> None:
    with wallet.work() as work:
        work.due_accounts.note_validity(account_of(wallet, "an"), date(2026, 3, 1), SYSTEM)
    away = Away()
    wallet.registers[RegisterCode.POPULATION] = away
    report = sweep(wallet)
    assert (away.asked, report.registers_answered) == (1, False)
    assert view(wallet).lock_ground is LockGround.CARD_EXPIRED
    before = state()
    sweep(wallet)
    assert state() == before


def test_whom_the_register_does_not_know_stays_as_they_are(wallet: Wallet) -> None:
    amend(wallet, persona("an").number, number="099090999999")
    report = sweep(wallet)
    assert (report.failed, view(wallet).state) == (0, AccountState.ACTIVE)


def test_interrupted_round_is_taken_up_where_it_ended(wallet: Wallet) -> None:
    """The process is killed in the middle of an account: that one is rolled back, those before it hold."""
    amend(wallet, persona("an").number, state="dead")
    real, asked = wallet.registers[RegisterCode.POPULATION], []

    class Killed(BaseException):
        pass

    class Register:
        code = RegisterCode.POPULATION

        def read(self, number: str, ground: Ground) -> Facts:
            asked.append(number)
            if len(asked) == 4:
                raise Killed
            return real.read(number, ground)

    wallet.registers[RegisterCode.POPULATION] = Register()
    with pytest.raises(Killed):
        sweep(wallet)
    wallet.registers[RegisterCode.POPULATION] = real
    with wallet.db.read() as session:
        checked = session.scalar(select(func.count()).where(Account.checked_at.is_not(None)))
    assert checked == 3
    sweep(wallet)
    assert view(wallet).lock_ground is LockGround.HOLDER_DIED


class Mad:
    """A population register that answers of one person what nobody foresaw, and else as it is."""

    code = RegisterCode.POPULATION

    def __init__(self, real: Register, number: str) -> None:
        self.real, self.number = real, number

    def read(self, number: str, ground: Ground) -> Facts:
        if number == self.number:
            raise KeyError("no such column")
        return self.real.read(number, ground)


def test_what_nobody_foresaw_of_one_account_stops_nobody(wallet: Wallet) -> None:
    population = Mad(wallet.registers[RegisterCode.POPULATION], persona("sau").number)
    mad = replace(wallet, registers={**wallet.registers, RegisterCode.POPULATION: population})
    report = mad.account_sweep.run()
    assert (report.failed, report.registers_answered) == (1, True)
    with wallet.read() as work:
        left = work.due_accounts.unchecked(wallet.clock.now() - timedelta(seconds=1), 10)
    assert left == [account_of(wallet, "sau")]
    assert sweep(wallet).failed == 0


def test_batches_reach_everybody_and_one_failure_stops_nobody(wallet: Wallet) -> None:
    holder = view(wallet, "sau").holder_id
    with wallet.db.write() as session:
        session.execute(update(Holder).where(Holder.id == holder).values(sealed_profile=b"x" * 40))
    small = AccountSweep(wallet.tries, wallet.read, wallet.clock, timedelta(days=90), batch=2)
    report = small.run()
    assert report.failed == 1
    with wallet.read() as work:
        left = work.due_accounts.unchecked(wallet.clock.now() - timedelta(seconds=1), 10)
    assert list(left) == [view(wallet, "sau").id]


def ward_of(wallet: Wallet, key: str = "an") -> str:
    actor = actor_of(wallet, key)
    with wallet.work() as work:
        return work.wards.register(SON, None, actor).account_id


def relation_holds(wallet: Wallet, ward_id: str, key: str = "an") -> bool:
    with wallet.read() as work:
        try:
            work.guardians.ward(account_of(wallet, key), ward_id)
        except NotFound:
            return False
    return True


def test_parent_acts_until_the_birthday_and_not_after(wallet: Wallet, clock: FixedClock) -> None:
    ward_id = ward_of(wallet)
    amend(wallet, SON, birth_date="2012-03-04")
    sweep(wallet)
    assert relation_holds(wallet, ward_id)
    clock.advance(days=2)
    sweep(wallet)
    assert not relation_holds(wallet, ward_id)
    assert "guardianship_ended" in told(wallet, account_of(wallet, "an"))
    assert "guardianship_ended" in told(wallet, ward_id)
    with wallet.read() as work:
        assert work.accounts.find(ward_id).state is AccountState.APPROVED


def test_guardian_acts_on_as_long_as_the_register_says_so(wallet: Wallet, clock: FixedClock) -> None:
    amend(wallet, SON, birth_date="2009-01-01", father_number=None, guardian_number=persona("an").number)
    ward_id = ward_of(wallet)
    sweep(wallet)
    assert relation_holds(wallet, ward_id)
    amend(wallet, SON, guardian_number=persona("sau").number)
    clock.advance(days=2)
    sweep(wallet)
    assert not relation_holds(wallet, ward_id)


def test_dead_guardian_acts_for_nobody(wallet: Wallet) -> None:
    ward_id = ward_of(wallet)
    amend(wallet, persona("an").number, state="dead")
    sweep(wallet)
    assert not relation_holds(wallet, ward_id)


# --- unlocking at a desk -----------------------------------------------------------------------------------------

FORM = UnlockForm("nguyễn mẫu an", "1990-06-15")


def lock(wallet: Wallet, ground: LockGround) -> None:
    with wallet.work() as work:
        work.accounts.lock(account_of(wallet, "an"), ground, SYSTEM)


def unlock(wallet: Wallet, form: UnlockForm = FORM, key: str = "officer1") -> None:
    officer = actor_of(wallet, key, *((StaffRole.OFFICER,) if key == "officer1" else ()))
    with wallet.work() as work:
        work.unlocking.unlock(account_of(wallet, "an"), form, officer)


def assert_refused(state: State, kind: type[WalletError], code: str, call: Callable[[], object]) -> None:
    before = state()
    with pytest.raises(kind, match=code):
        call()
    assert state() == before


@pytest.mark.parametrize(
    ("ground", "lifted"),
    [
        (LockGround.HOLDER_REQUEST, True),
        (LockGround.CARD_EXPIRED, True),
        (LockGround.PERMIT_ENDED, True),
        (LockGround.CARD_REVOKED, False),
        (LockGround.TERMS_BROKEN, False),
        (LockGround.AUTHORITY_REQUEST, False),
        (LockGround.HOLDER_DIED, False),
    ],
)
def test_desk_unlocks_what_was_asked_for_or_is_gone(
    wallet: Wallet, state: State, ground: LockGround, lifted: bool
) -> None:
    """The register knows a card of `an` that is valid and older than the lock."""
    lock(wallet, ground)
    if not lifted:
        assert_refused(state, Conflict, "ground_remains", lambda: unlock(wallet))
        return
    unlock(wallet)
    assert view(wallet).state is AccountState.ACTIVE


@pytest.mark.parametrize("ground", [LockGround.CARD_EXPIRED, LockGround.CARD_REVOKED])
def test_ground_that_remains_is_not_lifted(wallet: Wallet, state: State, ground: LockGround) -> None:
    lock(wallet, ground)
    amend(wallet, persona("an").number, card_expires=date(2026, 3, 1))
    assert_refused(state, Conflict, "ground_remains", lambda: unlock(wallet))


def test_new_card_lifts_a_revoked_one(wallet: Wallet, clock: FixedClock) -> None:
    lock(wallet, LockGround.CARD_REVOKED)
    clock.advance(days=10)
    amend(wallet, persona("an").number, card_issued=date(2026, 3, 9), card_expires=date(2041, 3, 9))
    unlock(wallet)
    assert view(wallet).valid_until == date(2041, 3, 9)


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        (UnlockForm("Nguyễn Mẫu Ân", "1990-06-15"), "/form/full_name"),
        (UnlockForm("Nguyễn Mẫu An", "1990-06-16"), "/form/birth_date"),
    ],
)
def test_form_of_somebody_else_unlocks_nobody(wallet: Wallet, state: State, form: UnlockForm, pointer: str) -> None:
    lock(wallet, LockGround.HOLDER_REQUEST)
    before = state()
    with pytest.raises(InvalidInput) as refusal:
        unlock(wallet, form)
    assert refusal.value.fields == {pointer: "not_as_recorded"}
    assert state() == before


def test_only_an_officer_unlocks_and_never_their_own(wallet: Wallet, state: State) -> None:
    lock(wallet, LockGround.HOLDER_REQUEST)
    assert_refused(state, NotAllowed, "not_allowed", lambda: unlock(wallet, key="sau"))
    own = actor_of(wallet, "an", StaffRole.OFFICER)

    def unlock_own() -> None:
        with wallet.work() as work:
            work.unlocking.unlock(own.account_id, FORM, own)

    assert_refused(state, NotAllowed, "not_allowed", unlock_own)


def test_account_that_is_not_locked_is_not_unlocked(wallet: Wallet, state: State) -> None:
    assert_refused(state, Conflict, "account_not_locked", lambda: unlock(wallet))


def test_register_that_is_away_unlocks_nobody(wallet: Wallet, state: State) -> None:
    lock(wallet, LockGround.CARD_EXPIRED)
    wallet.registers[RegisterCode.POPULATION] = Away()
    assert_refused(state, Unavailable, "source_unavailable", lambda: unlock(wallet))


def test_account_is_found_by_a_former_number(wallet: Wallet) -> None:
    with wallet.work() as work:
        former = (
            work.sources.registers[RegisterCode.POPULATION].read(persona("doi").number, GROUND).values["former_numbers"]
        )
        assert isinstance(former, tuple)
        assert work.lifecycle.account_of(str(former[0]), SYSTEM) == account_of(wallet, "doi")
        for number in ("099999999999", SON):
            with pytest.raises(NotFound, match="account_unknown"):
                work.lifecycle.account_of(number, SYSTEM)


def test_relation_of_a_ward_is_the_registers(wallet: Wallet) -> None:
    ward_id = ward_of(wallet)
    with wallet.read() as work:
        assert work.guardians.ward(account_of(wallet, "an"), ward_id).relation is Relation.FATHER
