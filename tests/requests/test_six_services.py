"""Six services, each from what its register states to its signed document, or to the refusal that this asks for.

The registers are those of the demo nation; who has which papers is told in `wallet.demo.papers.told`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.documents.people import actor_of, officer_of, saying
from tests.launching.test_stopping import Away
from tests.support import GROUND, FixedClock
from wallet.demo.personas import persona
from wallet.errors import (
    AnswersRejected,
    ClaimsRejected,
    Conflict,
    InvalidInput,
    LevelTooLow,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    Unavailable,
)
from wallet.requests.desk import DeskDetail, Word
from wallet.requests.orders import RequestOrder, UtilityRequest
from wallet.sources.base import RegisterCode
from wallet.sources.ministry_models import DrivingLicence, Vehicle
from wallet.terms import AccountLevel, Actor
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet
from wallet.working_days import vietnamese_day

Found = Mapping[str, Mapping[str, str]]


def asking(wallet: Wallet, utility: str, answers: Mapping[str, Any], actor: Actor | str) -> UtilityRequest:
    who = actor_of(wallet, actor) if isinstance(actor, str) else actor
    with wallet.work() as work:
        return work.requests.submit(RequestOrder(utility, answers), who)


def linked(wallet: Wallet, utility: str, key: str) -> str:
    """Link somebody's record; return where the link stands then."""
    with wallet.work() as work:
        return str(work.links.make(utility, actor_of(wallet, key)).state)


def offered(wallet: Wallet, utility: str, field: str, key: str) -> list[Mapping[str, Any]]:
    """Return what the form offers somebody to choose from."""
    with wallet.work() as work:
        asked = work.showing.form(utility, actor_of(wallet, key))
    return list(next(each.choices for each in asked if each.question.name == field))


def officer(wallet: Wallet, key: str) -> Actor:
    """Return the persona of a desk: 2 commune police, 5 civil status, 6 social insurance, 7 bank."""
    return officer_of(wallet, f"reviewer{key}")


def claims_of(wallet: Wallet, request: UtilityRequest, actor: Actor | str) -> Mapping[str, Any]:
    """Return the claims of the document that came of a request, once our verifier has accepted its code."""
    holder = actor_of(wallet, actor) if isinstance(actor, str) else actor
    with wallet.read() as work:
        found = work.requests.get(request.id, holder).request
        assert found.document_id is not None
        content = work.holding.content(found.document_id, holder)
    assert judge(content.code, wallet.trust.trust(), Policy(), wallet.clock.now()).accepted
    assert {source["source"] for source in content.sources.values()} <= {
        "population", "derived", "declared", "request", "health_insurance", "social_security",
    }  # fmt: skip
    return content.claims


def asked_nothing(wallet: Wallet, key: str) -> bool:
    """Return whether somebody has no request but what their story says."""
    with wallet.read() as work:
        return {each.utility for each in work.requests.page(actor_of(wallet, key), 10, None)[0]} <= {"residence"}


# --- What is issued at once -----------------------------------------------------------------------------------------


def test_a_driving_licence_is_linked_chosen_and_issued(wallet: Wallet) -> None:
    assert offered(wallet, "driving_licence", "licence_number", "an") == [], "it may be somebody else's until then"
    with pytest.raises(Conflict) as caught:
        asking(wallet, "driving_licence", {"licence_number": "099190000001"}, "an")
    assert caught.value.code == "not_linked"
    assert linked(wallet, "driving_licence", "an") == "linked"
    (licence,) = offered(wallet, "driving_licence", "licence_number", "an")
    answers = {"licence_number": licence["licence_number"]}
    claims = claims_of(wallet, asking(wallet, "driving_licence", answers, "an"), "an")
    assert claims["classes"] == licence["classes"]
    assert claims["points"] == licence["points"] <= claims["full_points"] == 12


def test_an_old_paper_licence_matches_and_is_refused_with_how_to_exchange_it(wallet: Wallet) -> None:
    assert linked(wallet, "driving_licence", "giay") == "linked", "a name without marks and a year alone are his"
    (licence,) = offered(wallet, "driving_licence", "licence_number", "giay")
    with pytest.raises(AnswersRejected) as caught:
        asking(wallet, "driving_licence", {"licence_number": licence["licence_number"]}, "giay")
    assert caught.value.fields == {"/answers/licence_number": "old_paper"}
    assert asked_nothing(wallet, "giay")


def test_a_licence_under_another_name_is_not_linked(wallet: Wallet) -> None:
    wallet = saying(wallet, RegisterCode.DRIVING_LICENCES, full_name="LE THI HOA")
    assert linked(wallet, "driving_licence", "an") == "mismatch"
    assert linked(wallet, "driving_licence", "doi") == "mismatch", "who has no licence has nothing to link"


def test_one_of_two_vehicles_is_chosen_by_its_plate(wallet: Wallet) -> None:
    linked(wallet, "vehicle_registration", "an")
    vehicles = offered(wallet, "vehicle_registration", "plate", "an")
    car = next(each for each in vehicles if each["kind"] == "car")
    assert len(vehicles) == 2
    claims = claims_of(wallet, asking(wallet, "vehicle_registration", {"plate": car["plate"]}, "an"), "an")
    assert (claims["plate"], claims["kind"]) == (car["plate"], "Xe ô tô")
    assert claims["chassis_end"].startswith("*")
    assert claims["chassis_end"][-6:] == claims["chassis_number"][-6:]


def changes(wallet: Wallet, table: type[DrivingLicence | Vehicle], key: str, **values: Any) -> None:
    """Let a register change what it says of a persona's vehicles or licences, and have the documents looked at."""
    later = wallet.clock.now()
    with wallet.nation.write() as session:
        session.execute(update(table).where(table.number == persona(key).number).values(updated_at=later, **values))
    wallet.register_watch.run()


def states(wallet: Wallet, key: str) -> list[str]:
    with wallet.read() as work:
        return [each.state for each in work.holding.page(actor_of(wallet, key), 10, None)[0]]


def test_points_that_were_deducted_put_another_licence_in_the_place_of_the_one_shown_before(
    wallet: Wallet, clock: FixedClock
) -> None:
    linked(wallet, "driving_licence", "an")
    (licence,) = offered(wallet, "driving_licence", "licence_number", "an")
    asking(wallet, "driving_licence", {"licence_number": licence["licence_number"]}, "an")
    clock.advance(minutes=10)
    changes(wallet, DrivingLicence, "an")
    assert states(wallet, "an") == ["valid"], "a record that says the same is no change"
    clock.advance(minutes=10)
    changes(wallet, DrivingLicence, "an", points=licence["points"] - 2)
    assert states(wallet, "an") == ["valid", "superseded"]
    clock.advance(minutes=10)
    changes(wallet, DrivingLicence, "an", state="held")
    assert states(wallet, "an") == ["revoked", "superseded"], "of a licence that is held none is made"


def test_a_vehicle_that_was_repainted_has_its_own_registration_alone_made_anew(
    wallet: Wallet, clock: FixedClock
) -> None:
    linked(wallet, "vehicle_registration", "an")
    for vehicle in offered(wallet, "vehicle_registration", "plate", "an"):
        asking(wallet, "vehicle_registration", {"plate": vehicle["plate"]}, "an")
    clock.advance(minutes=10)
    with wallet.nation.write() as session:
        session.execute(
            update(Vehicle)
            .where(Vehicle.plate == vehicle["plate"])
            .values(colour="Vàng", updated_at=wallet.clock.now())
        )
    wallet.register_watch.run()
    assert sorted(states(wallet, "an")) == ["superseded", "valid", "valid"]


def test_a_cancelled_registration_and_somebody_elses_plate_are_refused(wallet: Wallet) -> None:
    for key in ("giay", "an"):
        linked(wallet, "vehicle_registration", key)
    (own,) = offered(wallet, "vehicle_registration", "plate", "giay")
    other = offered(wallet, "vehicle_registration", "plate", "an")[0]
    for vehicle, code in ((own, "registration_cancelled"), (other, "not_yours")):
        with pytest.raises(AnswersRejected) as caught:
            asking(wallet, "vehicle_registration", {"plate": vehicle["plate"]}, "giay")
        assert caught.value.fields == {"/answers/plate": code}
    assert asked_nothing(wallet, "giay")


@pytest.mark.parametrize("key", ["an", "xa"])
def test_a_health_insurance_card_is_issued_also_under_a_name_without_marks(wallet: Wallet, key: str) -> None:
    claims = claims_of(wallet, asking(wallet, "health_insurance_card", {"details_are_right": True}, key), key)
    assert claims["card_number"].endswith(claims["insurance_number"])
    assert claims["card_number"].startswith(claims["group"] + str(claims["benefit_level"]) + claims["province"])


@pytest.mark.parametrize(
    ("key", "field", "code"), [("han", "valid_until", "expired"), ("vang", "card_number", "not_insured")]
)
def test_an_expired_card_and_none_are_refused(wallet: Wallet, key: str, field: str, code: str) -> None:
    with pytest.raises(ClaimsRejected) as caught:
        asking(wallet, "health_insurance_card", {"details_are_right": True}, key)
    assert caught.value.fields == {f"/claims/{field}": code}
    assert asked_nothing(wallet, key)


def test_somebody_elses_insurance_makes_no_card(wallet: Wallet) -> None:
    wallet = saying(wallet, RegisterCode.HEALTH_INSURANCE, full_name="LE THI HOA")
    with pytest.raises(ClaimsRejected) as caught:
        asking(wallet, "health_insurance_card", {"details_are_right": True}, "an")
    assert caught.value.fields == {"/claims/full_name": "mismatch"}


# --- What is told in confidence -------------------------------------------------------------------------------------


def report(clock: FixedClock, **changes: Any) -> dict[str, Any]:
    at = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"category": "disorder", "commune": "00167", "happened_at": at, "may_contact": False}
    return {**told, "text": "Một nhóm thanh niên đua xe trước cổng chợ.", **changes}


def test_a_security_report_is_told_at_level_one_and_read_by_the_desk_of_its_place(
    wallet: Wallet, clock: FixedClock
) -> None:
    binh = actor_of(wallet, "binh", account_level=AccountLevel.ONE)
    request = asking(wallet, "security_report", report(clock), binh)
    assert (request.state, request.province) == ("received", "01")
    claims = claims_of(wallet, request, binh)
    assert claims["category"] == "Gây rối trật tự công cộng"
    assert claims["office"] == "Công an cấp xã nơi xảy ra sự việc, Thành phố Hà Nội"
    assert claims["due_on"] == "2026-03-09", "five working days after a Monday"
    assert "đua xe" not in str(claims)
    elsewhere = asking(wallet, "security_report", report(clock, commune="22366"), binh)
    strangers = officer(wallet, "6"), officer(wallet, "5")
    police = officer(wallet, "2")
    for stranger in strangers:
        with wallet.work() as work, pytest.raises(NotFound):
            work.review_desk.open(request.id, "handling", stranger)
    with wallet.work() as work, pytest.raises(NotFound):
        work.review_desk.open(elsewhere.id, "handling", police)
    with wallet.work() as work:
        assert [each.request.id for each in work.review_desk.queue(police, 10, None)[0]] == [request.id]
        work.review_desk.claim(request.id, police)
        seen = work.review_desk.open(request.id, "handling", police)
        assert seen.detail.answers["text"].startswith("Một nhóm")
        seen = work.review_desk.decide(request.id, "accept", Word(), seen.detail.request.version, police)
        word = Word("dealt_with", "Đã nhắc nhở, lập biên bản.")
        seen = work.review_desk.decide(request.id, "resolve", word, seen.detail.request.version, police)
    assert seen.detail.request.state == "resolved"


def test_nobody_reports_for_somebody_else_or_what_has_not_happened(wallet: Wallet, clock: FixedClock) -> None:
    with pytest.raises(NotAllowed):
        asking(wallet, "security_report", report(clock), actor_of(wallet, acting_for="acc_of_a_ward"))
    tomorrow = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(AnswersRejected) as caught:
        asking(wallet, "security_report", report(clock, happened_at=tomorrow), "an")
    assert caught.value.fields == {"/answers/happened_at": "in_future"}


# --- What a bank has to confirm -------------------------------------------------------------------------------------

ACCOUNT = {"bank": "Ngân hàng Mẫu Hai", "account_number": "1903 4567 8901 23", "own_name": True}


def verified(wallet: Wallet, request: UtilityRequest, named: str) -> Actor:
    """Have a request accepted and the account confirmed by the bank in a name; return the officer who has it."""
    insurer, bank = officer(wallet, "6"), officer(wallet, "7")
    with wallet.work() as work:
        desk = work.review_desk
        desk.claim(request.id, insurer)
        version = desk.open(request.id, "handling", insurer).detail.request.version
        version = desk.decide(request.id, "accept", Word(), version, insurer).detail.request.version
        desk.decide(request.id, "verify", Word(), version, insurer)
    with wallet.work() as work:
        assert [each.code for each in work.review_desk.steps(bank, 10, None)[0]] == ["bank_check"]
    with wallet.work() as work, pytest.raises(InvalidInput):
        work.review_desk.finish_step(request.id, "bank_check", {}, None, bank)
    with wallet.work() as work:
        seen = work.review_desk.finish_step(request.id, "bank_check", {"account_name": named}, None, bank)
    assert seen.detail.request.state == "accepted"
    return insurer


def approved(wallet: Wallet, request: UtilityRequest, insurer: Actor) -> None:
    with wallet.work() as work:
        version = work.review_desk.open(request.id, "handling", insurer).detail.request.version
        work.review_desk.decide(request.id, "approve", Word(), version, insurer)


def test_an_account_is_confirmed_when_the_bank_names_its_holder(wallet: Wallet) -> None:
    request = asking(wallet, "social_security_account", ACCOUNT, "sau")
    assert request.state == "submitted"
    assert request.province, "it lies on the desk of where she lives"
    with pytest.raises(AnswersRejected) as caught:
        asking(wallet, "social_security_account", ACCOUNT, "sau")
    assert caught.value.fields == {"/answers/account_number": "asked_already"}
    with wallet.read() as work:
        name = work.holders.profile(actor_of(wallet, "sau").holder_id or "").full_name
    approved(wallet, request, verified(wallet, request, name.upper()))
    claims = claims_of(wallet, request, "sau")
    assert claims["account"] == "**********0123"
    assert "19034567" not in str(claims)


def test_no_officer_confirms_an_account_that_the_bank_keeps_in_another_name(wallet: Wallet) -> None:
    request = asking(wallet, "social_security_account", ACCOUNT, "sau")
    insurer = verified(wallet, request, "LE THI HOA")
    with pytest.raises(ClaimsRejected):
        approved(wallet, request, insurer)
    with wallet.read() as work:
        found = work.requests.get(request.id, actor_of(wallet, "sau")).request
    assert (found.state, found.document_id) == ("accepted", None)


def test_the_account_that_is_paid_into_already_is_not_asked_for_again(wallet: Wallet) -> None:
    with wallet.work() as work:
        shown = {
            each.name: each.value for each in work.showing.facts("social_security_account", actor_of(wallet, "sau"))
        }
    same = {**ACCOUNT, "bank": shown["account_bank"].upper(), "account_number": f"1903456{shown['account_last4']}"}
    with pytest.raises(AnswersRejected) as caught:
        asking(wallet, "social_security_account", same, "sau")
    assert caught.value.fields == {"/answers/account_number": "paid_there_already"}
    assert asked_nothing(wallet, "sau")


# --- What three agencies do -----------------------------------------------------------------------------------------

FOUND: Found = {
    "birth_registration": {"registration_number": "125/2026", "child_number": "099326000123"},
    "permanent_residence": {"residence_address": "Số 12, Phường Cầu Giấy", "residence_registered_on": "2026-03-01"},
    "health_insurance": {"card_number": "TE1010123456789"},
}


def birth(wallet: Wallet, **changes: Any) -> dict[str, Any]:
    """Return what Nôi answers about the daughter of whom the hospital told."""
    (notice,) = [each for each in offered(wallet, "birth_linked", "notice_id", "noi") if each["state"] == "notified"]
    answers = {"notice_id": notice["notice_id"], "child_name": "Lưu An Nhiên", "residence_with": "mother"}
    return {**answers, "first_care_facility": "Trạm y tế Phường Cầu Giấy", **changes}


def altered(wallet: Wallet, **changes: Any) -> Wallet:
    """Return a wallet whose civil-status register has the newborn otherwise."""
    values = wallet.registers[RegisterCode.CIVIL_STATUS].read(_number(wallet), GROUND).values
    births = tuple({**each, **changes} if each["state"] == "notified" else each for each in values["births"])  # type: ignore[union-attr,call-overload,dict-item]
    return saying(wallet, RegisterCode.CIVIL_STATUS, births=births)


def _number(wallet: Wallet) -> str:
    with wallet.read() as work:
        return work.holders.number(actor_of(wallet, "noi").holder_id or "")


def test_three_agencies_make_one_document_of_one_request(wallet: Wallet) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    assert request.state == "in_steps"
    desks = {
        "birth_registration": officer(wallet, "5"),
        "permanent_residence": officer(wallet, "2"),
        "health_insurance": officer(wallet, "6"),
    }
    justice, insurer = desks["birth_registration"], desks["health_insurance"]
    with wallet.work() as work, pytest.raises(Conflict):
        work.review_desk.finish_step(request.id, "health_insurance", FOUND["health_insurance"], None, insurer)
    with wallet.work() as work, pytest.raises(NotFound):
        work.review_desk.finish_step(request.id, "health_insurance", FOUND["health_insurance"], None, justice)
    with wallet.work() as work, pytest.raises(InvalidInput) as caught:
        work.review_desk.finish_step(request.id, "birth_registration", {"child_number": "1"}, None, justice)
    assert set(caught.value.fields) == {"/found/child_number", "/found/registration_number"}
    for step, desk in desks.items():
        with wallet.read() as work:
            steps = work.requests.get(request.id, actor_of(wallet, "noi")).steps
        assert [each.code for each in steps if each.state == "active"] == [step]
        with wallet.work() as work:
            work.review_desk.finish_step(request.id, step, FOUND[step], None, desk)
    claims = claims_of(wallet, request, "noi")
    assert claims["child_name"] == "Lưu An Nhiên"
    assert {name: claims[name] for found in FOUND.values() for name in found} == {
        name: value for found in FOUND.values() for name, value in found.items()
    }


@pytest.mark.parametrize(
    ("day", "code"),
    [("2026-30-02", "no_such_day"), ("2026-03-03", "not_since_then"), ("2019-12-31", "not_since_then")],
)
def test_a_day_that_cannot_be_is_refused_to_whoever_reports_it(wallet: Wallet, state: Any, day: str, code: str) -> None:
    """Else the last agency would be refused what another one alone can mend."""
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice, police, insurer = officer(wallet, "5"), officer(wallet, "2"), officer(wallet, "6")
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    mistyped, before = {**FOUND["permanent_residence"], "residence_registered_on": day}, state()
    with pytest.raises(InvalidInput) as caught, wallet.work() as work:
        work.review_desk.finish_step(request.id, "permanent_residence", mistyped, None, police)
    assert caught.value.fields == {"/found/residence_registered_on": code}
    assert caught.value.speaks("/found/residence_registered_on") == "birth_linked"
    assert state() == before
    for code, desk in (("permanent_residence", police), ("health_insurance", insurer)):
        with wallet.work() as work:
            work.review_desk.finish_step(request.id, code, FOUND[code], None, desk)
    assert claims_of(wallet, request, "noi")["residence_registered_on"] == "2026-03-01"


def test_a_report_that_cannot_be_held_against_its_register_waits_for_it(wallet: Wallet, state: Any) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice, police = officer(wallet, "5"), officer(wallet, "2")
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    before = state()
    away = replace(wallet, registers={**wallet.registers, RegisterCode.CIVIL_STATUS: Away()})
    with pytest.raises(Unavailable), away.work() as work:
        work.review_desk.finish_step(request.id, "permanent_residence", FOUND["permanent_residence"], None, police)
    assert state() == before
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "permanent_residence", {}, "residence_unproven", police)


def last_day(due: datetime | None) -> date:
    assert due is not None
    return vietnamese_day(due - timedelta(seconds=1))


def clocks(wallet: Wallet, request: UtilityRequest) -> tuple[date, dict[str, date]]:
    """Return the last day of the request and of every step that is under way."""
    with wallet.read() as work:
        seen = work.requests.get(request.id, actor_of(wallet, "noi"))
    active = {step.code: last_day(step.due_at) for step in seen.steps if step.state == "active"}
    return last_day(seen.request.due_at), active


def checking(wallet: Wallet, request: UtilityRequest, desk: Actor) -> DeskDetail:
    with wallet.work() as work:
        seen = work.review_desk.open(request.id, "review", desk)
        return work.review_desk.decide(request.id, "verify", Word(), seen.detail.request.version, desk)


def test_three_days_are_five_once_an_agency_has_to_check(wallet: Wallet, clock: FixedClock) -> None:
    """Sent on a Monday at noon (Decree 63/2024: three working days, five where something is checked)."""
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    assert clocks(wallet, request) == (date(2026, 3, 5), {"birth_registration": date(2026, 3, 3)})
    justice, police, insurer = officer(wallet, "5"), officer(wallet, "2"), officer(wallet, "6")
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    assert clocks(wallet, request) == (date(2026, 3, 5), {"permanent_residence": date(2026, 3, 3)})
    clock.advance(days=1)
    with wallet.work() as work, pytest.raises(NotFound):
        work.review_desk.open(request.id, "review", insurer)  # whose turn has not come
    seen = checking(wallet, request, police)
    assert (seen.detail.request.state, dict(seen.actions)) == ("verifying", {})
    assert clocks(wallet, request) == (date(2026, 3, 9), {"permanent_residence": date(2026, 3, 4)})
    with pytest.raises(NotFound):
        checking(wallet, request, police)  # once
    for code, desk in (("permanent_residence", police), ("health_insurance", insurer)):
        with wallet.work() as work:
            work.review_desk.finish_step(request.id, code, FOUND[code], None, desk)
    assert claims_of(wallet, request, "noi")["card_number"] == "TE1010123456789"
    with wallet.read() as work:
        timeline = work.requests.get(request.id, actor_of(wallet, "noi")).timeline
    said = [last_day(entry.expected_at) for entry in timeline if entry.action == "verify"]
    assert said == [date(2026, 3, 9)]


def test_a_step_that_begins_while_something_is_checked_has_its_longer_term(wallet: Wallet) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice = officer(wallet, "5")
    with pytest.raises(Conflict) as caught:
        checking(wallet, request, justice)
    assert caught.value.code == "not_claimed"
    with wallet.work() as work:
        work.review_desk.claim(request.id, justice)
    checking(wallet, request, justice)
    assert clocks(wallet, request) == (date(2026, 3, 9), {"birth_registration": date(2026, 3, 4)})
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    assert clocks(wallet, request)[1] == {"permanent_residence": date(2026, 3, 4)}


def test_an_agency_with_a_step_gives_more_time_and_decides_nothing_else(wallet: Wallet, state: Any) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice, police = officer(wallet, "5"), officer(wallet, "2")
    with wallet.work() as work, pytest.raises(NotFound):
        work.review_desk.open(request.id, "review", police)
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    with wallet.work() as work:
        opened = work.review_desk.open(request.id, "review", police)
    assert list(opened.actions) == ["verify"]
    before, version = state(), opened.detail.request.version
    word = Word("residence_unproven", "Thiếu giấy tờ.")
    for action in ("reject", "request_supplement", "finish", "approve"):
        with wallet.work() as work, pytest.raises(NotFound):
            work.review_desk.decide(request.id, action, word, version, police)
    with wallet.work() as work, pytest.raises(PreconditionFailed):
        work.review_desk.decide(request.id, "verify", Word(), version - 1, police)
    assert state() == before


def test_the_longer_term_counts_from_when_the_request_was_whole_again(wallet: Wallet, clock: FixedClock) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice = officer(wallet, "5")
    with wallet.work() as work:
        claimed = work.review_desk.claim(request.id, justice)
        word = Word("other_parent_unsigned", "Chưa có văn bản đồng ý của người cha.")
        work.review_desk.decide(request.id, "request_supplement", word, claimed.request.version, justice)
    clock.advance(days=14)
    with wallet.work() as work:
        holder = actor_of(wallet, "noi")
        kept = work.requests.attach(request.id, "agreement", "application/pdf", b"%PDF-1.7\n", holder)
        version = work.requests.get(request.id, holder).request.version
        work.requests.edit(request.id, {"agreement": [kept.id]}, version, holder)
        work.requests.act(request.id, "supplement", holder)
    assert clocks(wallet, request)[0] == date(2026, 3, 19)
    checking(wallet, request, justice)
    assert clocks(wallet, request)[0] == date(2026, 3, 23)


def test_a_check_never_brings_the_day_forward(wallet: Wallet, clock: FixedClock) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    clock.advance(days=30)
    assert wallet.look_after_requests() is True
    promised = clocks(wallet, request)[0]
    justice = officer(wallet, "5")
    with wallet.work() as work:
        work.review_desk.claim(request.id, justice)
    checking(wallet, request, justice)
    assert clocks(wallet, request)[0] == promised > date(2026, 4, 1)


def test_a_child_is_asked_for_once(wallet: Wallet) -> None:
    asking(wallet, "birth_linked", birth(wallet), "noi")
    with pytest.raises(AnswersRejected) as caught:
        asking(wallet, "birth_linked", birth(wallet), "noi")
    assert caught.value.fields == {"/answers/notice_id": "asked_already"}


def test_a_supplement_goes_on_after_this_request_had_the_birth_registered(wallet: Wallet) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    justice = officer(wallet, "5")
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    with wallet.work() as work:
        work.review_desk.claim(request.id, justice)
        version = work.review_desk.open(request.id, "handling", justice).detail.request.version
        word = Word("residence_unproven", "Thiếu giấy tờ về chỗ ở.")
        work.review_desk.decide(request.id, "request_supplement", word, version, justice)
    wallet = altered(wallet, state="registered")
    with wallet.work() as work:
        assert work.requests.act(request.id, "supplement", actor_of(wallet, "noi")).state == "in_steps"
    with wallet.read() as work:
        steps = work.requests.get(request.id, actor_of(wallet, "noi")).steps
    assert [step.state for step in steps] == ["done", "active", "waiting"]


def test_a_step_that_failed_is_tried_again_after_a_supplement(wallet: Wallet, clock: FixedClock) -> None:
    request, justice = asking(wallet, "birth_linked", birth(wallet), "noi"), officer(wallet, "5")
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", {}, "residence_unproven", justice)
    with wallet.work() as work:
        work.review_desk.claim(request.id, justice)
        version = work.review_desk.open(request.id, "review", justice).detail.request.version
        word = Word("residence_unproven", "Thiếu giấy tờ về chỗ ở.")
        work.review_desk.decide(request.id, "request_supplement", word, version, justice)
    with wallet.work() as work, pytest.raises(Conflict):
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)
    clock.advance(days=1)
    with wallet.work() as work:
        work.requests.act(request.id, "supplement", actor_of(wallet, "noi"))
    with wallet.read() as work:
        step, *others = work.requests.get(request.id, actor_of(wallet, "noi")).steps
    assert (step.state, step.opened_at, step.done_at) == ("active", clock.now(), None)
    assert step.reason == "residence_unproven", "why it failed before"
    assert [each.state for each in others] == ["waiting", "waiting"]
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, "birth_registration", FOUND["birth_registration"], None, justice)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"state": "registered"}, "registered_already"), ({"mother_number": "099195000099"}, "not_a_parent")],
)
def test_a_birth_that_is_not_theirs_to_register_leaves_no_request(
    wallet: Wallet, changes: dict[str, Any], code: str
) -> None:
    answers = birth(wallet)
    with pytest.raises(AnswersRejected) as caught:
        asking(altered(wallet, **changes), "birth_linked", answers, "noi")
    assert caught.value.fields["/answers/notice_id"] == code
    assert asked_nothing(wallet, "noi")


@pytest.mark.parametrize(
    "utility",
    ["birth_linked", "driving_licence", "health_insurance_card", "social_security_account", "vehicle_registration"],
)
def test_level_one_is_not_enough_for_the_other_five(wallet: Wallet, utility: str) -> None:
    with pytest.raises(LevelTooLow):
        asking(wallet, utility, {}, actor_of(wallet, "binh", account_level=AccountLevel.ONE))
