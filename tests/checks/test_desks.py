"""What a desk may see and how much: claims that were registered, checks a minute, people an hour."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.checks.gates import let_in, open_desk, purpose
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.audit import AuditEvent
from wallet.checks.desks import DeskActor
from wallet.checks.models import VerifierCitizen
from wallet.checks.purposes import Purpose
from wallet.errors import TooManyAttempts
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]


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


A_DAY = "1990-01-01"
BEYOND: dict[str, tuple[str, dict[str, Any]]] = {
    "claims": ("checks", {"purpose": "rental", "code": "VD1:X", "claims": ["classes", "points"]}),
    "optional": ("checks", {"purpose": "rental", "code": "VD1:X", "claims": [], "optional": ["portrait"]}),
    "ticket": ("checks", {"purpose": "rental", "code": "VD1:X", "birth_date_on_ticket": A_DAY}),
    "check-in": ("check-ins", {"purpose": "rental", "presentation": "prs_x", "birth_date_on_ticket": A_DAY}),
    "list": ("batches", {"purpose": "rental", "passengers": [{"name": "A", "birth_date": A_DAY}]}),
    "list of two kinds": ("batches", {"purpose": "apart", "passengers": [{"name": "A", "birth_date": A_DAY}]}),
}


@pytest.mark.parametrize(("path", "order"), BEYOND.values(), ids=BEYOND)
def test_s67_what_was_not_registered_is_refused_at_every_door(
    phone_of: Make, client: FlaskClient, unchanged: Unchanged, path: str, order: dict[str, Any]
) -> None:
    admin = phone_of("admin1")
    apart = purpose("apart", claims={"residence": ["birth_date"], "driving_licence": ["full_name"]}, portrait=True)
    verifier = let_in(admin, phone_of("admin2"), purpose(), apart)
    headers = {"X-Desk-Key": (open_desk(admin, verifier).json or {})["key"], "Idempotency-Key": "one"}

    def asked(**changes: Any) -> Any:
        return client.post(f"/v1/verifier/{path}", json=order | changes, headers=headers)

    with unchanged():
        assert_refused(asked(), 403, "claim_not_registered")
        assert_refused(asked(purpose="boarding"), 403, "purpose_not_registered")
    if path == "checks":
        registered = {"claims": ["classes"], "optional": ["full_name"], "name_on_ticket": "A"}
        order = {"purpose": "rental", "code": "VD1:X"}
        assert asked(**registered).status_code == 200


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
    assert alarms(wallet) == [alarm], "one an hour"
    count(wallet, one, "hld_2")  # whom they looked at already
    count(wallet, one, "hld_4", "other")  # each purpose has its own
    clock.advance(minutes=59, seconds=59)
    with pytest.raises(TooManyAttempts):
        count(wallet, one, "hld_4")
    clock.advance(seconds=1)
    count(wallet, one, "hld_4")


def refused_for(wallet: Wallet, desk: DeskActor, holder: str) -> int:
    """Return for how many seconds a look is one too many."""
    with pytest.raises(TooManyAttempts, match="too_many_citizens") as refused:
        count(wallet, desk, holder)
    return refused.value.retry_after


def test_s49_the_turn_of_an_hour_lets_nobody_see_twice_as_many(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    desk = desks[0]
    clock.advance(minutes=59, seconds=58)
    for holder in ("hld_1", "hld_2"):
        count(wallet, desk, holder)
    clock.advance(seconds=1)
    count(wallet, desk, "hld_3")
    clock.advance(seconds=2)
    assert refused_for(wallet, desk, "hld_4") == 3597
    clock.advance(minutes=59, seconds=56)
    assert refused_for(wallet, desk, "hld_4") == 1
    clock.advance(seconds=1)
    for holder in ("hld_4", "hld_5"):
        count(wallet, desk, holder)
    assert refused_for(wallet, desk, "hld_6") == 1, "the third was a second later"


def test_s49_whoever_is_looked_at_again_counts_from_then_on(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    desk = desks[0]
    for holder in ("hld_1", "hld_2", "hld_3"):
        count(wallet, desk, holder)
    clock.advance(minutes=59)
    for holder in ("hld_1", "hld_2"):
        count(wallet, desk, holder)
    assert citizens(wallet) == 3, "each is counted once"
    clock.advance(minutes=1)
    count(wallet, desk, "hld_4")
    assert refused_for(wallet, desk, "hld_5") == 59 * 60


def test_s49_who_was_refused_is_not_free_afterwards(
    wallet: Wallet, desks: tuple[DeskActor, DeskActor], clock: FixedClock
) -> None:
    desk = desks[0]
    for holder in ("hld_1", "hld_2", "hld_3"):
        count(wallet, desk, holder)
    with wallet.work() as work, suppress(TooManyAttempts):  # a list of passengers goes on, and commits
        work.verifier_desks.count_citizen(desk, desk.purpose("rental"), "hld_4")
    assert citizens(wallet) == 3
    refused_for(wallet, desk, "hld_4")


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
