"""What a desk may see and how much: claims that were registered, checks a minute, people an hour."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.checks.gates import let_in, open_desk, purpose
from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.checks.desks import DeskActor
from wallet.checks.models import VerifierCitizen
from wallet.checks.purposes import Purpose
from wallet.errors import NotAllowed, TooManyAttempts
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]


@pytest.fixture
def desks(phone_of: Make, wallet: Wallet) -> tuple[DeskActor, DeskActor]:
    """Two desks of one organisation."""
    admin = phone_of("admin1")
    verifier = let_in(admin, phone_of("admin2"), purpose(), purpose("other"))
    keys = [(open_desk(admin, verifier, gate).json or {})["key"] for gate in ("A", "B")]
    with wallet.read() as work:
        one, other = (work.verifier_desks.authenticate(key) for key in keys)
    return one, other


def count(wallet: Wallet, desk: DeskActor, holder: str, code: str = "rental") -> None:
    with wallet.work() as work:
        work.verifier_desks.count_citizen(desk, desk.purpose(code), holder)


def admit(wallet: Wallet, desk: DeskActor, code: str = "rental") -> None:
    with wallet.work() as work:
        work.verifier_desks.admit(desk, desk.purpose(code))


def citizens(wallet: Wallet) -> int:
    with wallet.db.read() as session:
        return session.scalar(select(func.count()).select_from(VerifierCitizen)) or 0


def alarms(wallet: Wallet) -> list[dict[str, Any]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "alarm.verifier_quota"))
        return [{"actor": row.actor, "subject": row.subject, **row.details} for row in rows]


def test_s67_a_claim_that_was_not_registered_is_refused(desks: tuple[DeskActor, DeskActor]) -> None:
    registered = desks[0].purpose("rental")
    registered.assert_claims("driving_licence", ["full_name", "classes"])
    registered.assert_claims("driving_licence", [])
    for document, names in (
        ("driving_licence", ["points"]),
        ("driving_licence", ["full_name", "points"]),
        ("vehicle_registration", ["full_name"]),
        ("vehicle_registration", []),
        ("residence", ["permanent_address"]),
    ):
        with pytest.raises(NotAllowed, match="claim_not_registered"):
            registered.assert_claims(document, names)
    with pytest.raises(NotAllowed, match="claim_not_registered"):
        registered.assert_portrait()
    with pytest.raises(NotAllowed, match="purpose_not_registered"):
        desks[0].purpose("boarding")


def test_s49_one_person_too_many_in_an_hour_is_refused_and_raises_an_alarm(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    one, other = desks
    for holder in ("hld_1", "hld_2", "hld_1", "hld_1"):
        count(wallet, one, holder)
    count(wallet, other, "hld_3")
    assert citizens(wallet) == 3
    for _ in range(2):
        with pytest.raises(TooManyAttempts) as refused:
            count(wallet, other, "hld_4")
    assert (refused.value.code, refused.value.retry_after) == ("too_many_citizens", 3600)
    assert citizens(wallet) == 3, "who was refused was not looked at"
    alarm = {"actor": other.desk_id, "subject": one.organisation_id, "purpose": "rental", "citizens": 3}
    assert alarms(wallet) == [alarm, alarm]
    count(wallet, one, "hld_2")  # whom they looked at already
    count(wallet, one, "hld_4", "other")  # each purpose has its own
    clock.advance(minutes=59, seconds=59)
    with pytest.raises(TooManyAttempts):
        count(wallet, one, "hld_4")
    clock.advance(seconds=1)
    count(wallet, one, "hld_4")


def test_another_organisation_has_its_own_count_and_no_common_fingerprint(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], phone_of: Make
) -> None:
    admin = phone_of("admin1")
    verifier = let_in(admin, phone_of("admin2"))
    key = (open_desk(admin, verifier).json or {})["key"]
    with wallet.read() as work:
        stranger = work.verifier_desks.authenticate(key)
    for desk in (desks[0], stranger):
        count(wallet, desk, "hld_1")
    with wallet.db.read() as session:
        prints = [row.citizen for row in session.scalars(select(VerifierCitizen))]
    assert len(set(prints)) == 2
    assert all(b"hld_1" not in each for each in prints)


def test_s49_a_desk_checks_so_often_a_minute(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    one, other = desks
    for _ in range(5):
        admit(wallet, one)
    with pytest.raises(TooManyAttempts) as refused:
        admit(wallet, one)
    assert (refused.value.code, refused.value.retry_after, refused.value.values["limit"]) == ("too_many_checks", 60, 5)
    admit(wallet, other)
    admit(wallet, one, "other")
    clock.advance(minutes=1)
    admit(wallet, one)


def test_whom_somebody_looked_at_is_forgotten(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    count(wallet, desks[0], "hld_1")
    clock.advance(hours=2)
    with wallet.work() as work:
        work.verifier_desks.forget()
    assert citizens(wallet) == 1
    clock.advance(hours=1)
    with wallet.work() as work:
        work.verifier_desks.forget()
    assert citizens(wallet) == 0


def test_a_purpose_is_within_another_or_not() -> None:
    base = Purpose("a", {"vi": "A", "en": "A"}, "Luật", {"x": frozenset({"p", "q"})}, True, 10, 10)
    assert base.is_within(base)
    assert not base.is_within(Purpose("a", base.title, "Luật", {"x": frozenset({"p"})}, True, 10, 10))
    assert Purpose("a", base.title, "Luật", {}, False, 1, 1).is_within(base)
    assert not Purpose("a", base.title, "Luật", {"y": frozenset()}, True, 11, 10).is_within(base)
    assert not Purpose("a", base.title, "Luật", {}, False, 1, 1, strict_ground="Luật Y").is_within(base)
