"""What launching holds about somebody: told to them, and gone with them, also from what is only planned."""

from datetime import timedelta

from sqlalchemy import select

from tests.documents.people import actor_of
from tests.launching.people import CODE, OPEN, PAUSED, PILOT, SANDBOX, agreed, asked, decide, launch, pilot
from tests.support import FixedClock
from wallet.held import Person
from wallet.launching.audience import Audience
from wallet.launching.held import LaunchingHeld
from wallet.launching.models import Approval, UtilityState, UtilityTester
from wallet.wiring import Wallet


def everything(wallet: Wallet) -> str:
    """Return whatever the tables of launching hold, as text."""
    with wallet.db.read() as session:
        rows = [
            [getattr(row, column.name) for column in table.__table__.columns]
            for table in (UtilityState, UtilityTester, Approval)
            for row in session.scalars(select(table))
        ]
    return str(rows)


def test_tester_is_told_and_then_forgotten_wherever_they_are_named(wallet: Wallet, clock: FixedClock) -> None:
    an, binh = (actor_of(wallet, key) for key in ("an", "binh"))
    both = frozenset({an.account_id, binh.account_id})
    pilot(wallet, permille=1, testers=both)
    narrow = Audience(permille=0, testers=both)
    agreed(wallet, PILOT, audience=narrow, effective_at=clock.now() + timedelta(hours=1))
    pending = asked(wallet, PILOT, audience=Audience(permille=2, testers=both))
    person = Person(an.account_id, an.holder_id or "")
    with wallet.read() as work:
        (told,) = LaunchingHeld(work.session).export(person)
    assert (told.code, [row["utility"] for row in told.rows]) == ("tested_utilities", [CODE])
    assert an.account_id in everything(wallet)
    with wallet.work() as work:
        LaunchingHeld(work.session).erase(person)
    assert an.account_id not in everything(wallet).replace(f"'{launch(wallet).changed_by}'", "")
    assert binh.account_id in everything(wallet)
    assert decide(wallet, pending.id).plan.audience.testers == {binh.account_id}, "the rest goes on"


def test_nobody_is_held_where_nobody_tests(wallet: Wallet) -> None:
    an = actor_of(wallet)
    agreed(wallet, SANDBOX, audience=Audience(testers=frozenset({an.account_id})))
    agreed(wallet, PAUSED)
    agreed(wallet, OPEN)
    with wallet.read() as work:
        (told,) = LaunchingHeld(work.session).export(Person(an.account_id, an.holder_id or ""))
    assert told.rows == []
