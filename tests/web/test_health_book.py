"""The health book over the API: linked, shown, asked for, refused; with the registers of the demo nation."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import update

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_wards import for_ward, register
from wallet.sources.ministry_models import HealthInsurance, HealthRecord
from wallet.sources.tables import packed, unpacked
from wallet.texts.catalogue import both
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
BOOK = "/v1/me/utilities/health_book"
ORDER = {"utility": "health_book"}
SUMMARY = {"paper": "health_summary", "purpose": "doctor", "groups": ["history", "visits", "treatment"]}


def ask(phone: CitizenPhone, answers: Mapping[str, Any], **options: Any) -> Any:
    return phone.post("/v1/requests", {**ORDER, "answers": answers}, **options)


def link(phone: CitizenPhone, **options: Any) -> dict[str, Any]:
    response = phone.post(f"{BOOK}/link", **options)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


def document_of(phone: CitizenPhone, answers: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    asked = ask(phone, answers, **options)
    assert asked.status_code == 201, asked.text
    return dict(phone.get(f"/v1/documents/{(asked.json or {})['document_id']}", **options).json or {})


def offers(phone: CitizenPhone, field: str) -> list[dict[str, Any]]:
    questions = (phone.get(f"{BOOK}/form").json or {})["data"]
    return list(next(each["offers"] for each in questions if each["name"] == field))


def faults(response: Any) -> dict[str, str]:
    return {each["pointer"]: each["code"] for each in response.json["errors"]}


# --- Linking --------------------------------------------------------------------------------------------------------


def test_nothing_is_shown_offered_or_issued_before_the_book_is_linked(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    state = citizen.get(f"{BOOK}/link").json or {}
    assert (state["state"], state["state_name"]) == ("not_linked", {"vi": "Chưa liên kết", "en": "Not linked"})
    assert "reason_text" not in state
    assert offers(citizen, "visit_id") == []
    with unchanged():
        assert_refused(citizen.get(f"{BOOK}/facts"), 409, "not_linked")
        assert_refused(ask(citizen, SUMMARY), 409, "not_linked")
        for visit in ("099KB-none", "099KB0000001250318"):  # nor does a refusal tell what the book holds
            assert_refused(ask(citizen, {"paper": "health_visit", "visit_id": visit}), 409, "not_linked")


def test_a_book_that_another_day_of_birth_is_in_is_nobodys(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("lech")
    found = link(citizen)
    assert (found["state"], found["reason"]) == ("mismatch", "another_person")
    assert (found["state_name"], found["reason_text"]) == (
        both("link_states", "mismatch"),
        both("link_reasons", "another_person"),
    )
    with unchanged():
        assert_refused(citizen.get(f"{BOOK}/facts"), 409, "not_linked")
        assert_refused(ask(citizen, {"paper": "allergy_card"}), 409, "not_linked")


def test_who_has_no_book_has_nothing_to_link(phone_of: Make) -> None:
    found = link(phone_of("mai"))
    assert (found["reason"], found["reason_text"]) == ("record_unknown", both("link_reasons", "record_unknown"))


def test_a_book_under_a_name_without_marks_is_hers_and_empty(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("xa")
    assert link(citizen)["state"] == "linked"
    with unchanged():
        response = ask(citizen, SUMMARY)
        assert_refused(response, 422, "answers_rejected")
    assert faults(response) == {"/answers/groups": "nothing_recorded"}


def test_what_is_linked_is_shown_with_its_source_and_its_age(phone_of: Make) -> None:
    citizen = phone_of("an")
    link(citizen)
    shown = {each["name"]: each for each in (citizen.get(f"{BOOK}/facts").json or {})["data"]}
    assert {"card_number", "first_care_facility", "diseases", "allergies", "vaccinations", "visits"} <= shown.keys()
    assert shown["allergies"]["source"] == "health_records"
    assert shown["card_number"]["source"] == "health_insurance"
    assert all(each["as_of"] and each["label"]["vi"] != each["label"]["en"] for each in shown.values())


# --- Papers ---------------------------------------------------------------------------------------------------------


def test_each_visit_is_a_document_of_its_own_and_has_a_form_for_abroad(phone_of: Make) -> None:
    citizen = phone_of("an")
    link(citizen)
    visits = offers(citizen, "visit_id")
    assert len(visits) == 3
    for visit in visits:
        document = document_of(citizen, {"paper": "health_visit", "visit_id": visit["visit_id"]})
        assert (document["kind"], document["claims"]["diagnosis"]) == ("health_visit", visit["diagnosis"])
        told = citizen.get(f"/v1/documents/{document['id']}/fhir")
        assert Bundle.model_validate(told.json).type == "document"


def test_a_summary_says_where_each_claim_is_from_and_how_fresh_it_is(phone_of: Make) -> None:
    citizen = phone_of("an")
    link(citizen)
    document = document_of(citizen, SUMMARY)
    assert document["claims"]["allergies"] == [
        {"substance": "Penicilin", "reaction": "Nổi mày đay, khó thở", "severity": "nặng"}
    ]
    assert document["sources"]["allergies"]["register"] == "health_records"
    assert document["sources"]["allergies"]["as_of"]
    assert document["rules_version"] == "2026-01"


@pytest.mark.parametrize(
    ("field", "paper", "ends"),
    [
        ("referral_id", "health_referral", "2027-02-09T17:00:00Z"),
        ("appointment_id", "health_appointment", "2026-03-11T17:00:00Z"),
    ],
)
def test_a_slip_ends_with_its_own_last_day(phone_of: Make, field: str, paper: str, ends: str) -> None:
    citizen = phone_of("an")
    link(citizen)
    (slip,) = offers(citizen, field)
    assert document_of(citizen, {"paper": paper, field: slip[field]})["expires_at"] == ends


def test_the_card_for_emergencies_is_read_from_its_code_alone(phone_of: Make, client: Any) -> None:
    citizen = phone_of("an")
    link(citizen)
    document = document_of(citizen, {"paper": "allergy_card"})
    verdict = client.post("/v1/checks", json={"code": document["code"]}).json
    told = {claim["name"]: claim["value"] for claim in verdict["document"]["claims"]}
    assert verdict["verdict"] == "valid"
    assert told["blood_type"] == "O+"
    assert told["allergies"] == ["Penicilin (nặng): Nổi mày đay…"]
    assert "number" not in told


def test_a_summary_in_a_code_tells_no_medicine(phone_of: Make, client: Any) -> None:
    citizen = phone_of("an")
    link(citizen)
    verdict = client.post("/v1/checks", json={"code": document_of(citizen, SUMMARY)["code"]}).json
    told = {claim["name"] for claim in verdict["document"]["claims"]}
    assert told == {"full_name", "number_last4", "purpose"}


def test_a_father_gets_his_sons_vaccinations_for_the_school(phone_of: Make) -> None:
    father = phone_of("an")
    son = for_ward(register(father))
    assert link(father, **son)["state"] == "linked"
    document = document_of(father, {"paper": "health_summary", "purpose": "school", "groups": ["history"]}, **son)
    assert document["claims"]["full_name"] == "Nguyễn Mẫu Minh"
    assert [each["dose"] for each in document["claims"]["vaccinations"]] == [1, 3]
    assert "allergies" not in document["claims"]
    told = father.get(f"/v1/documents/{document['id']}/fhir", **son)
    assert told.status_code == 200
    assert father.get(f"/v1/documents/{document['id']}/fhir").status_code == 404, "it is the son's, not the father's"


# --- Refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_fault_of_the_answers_is_told_at_once(phone_of: Make, unchanged: Unchanged, language: str) -> None:
    citizen = phone_of("an")
    link(citizen)
    wrong = {"paper": "health_summary", "groups": ["history", "gossip"], "visit_id": "x", "colour": "red"}
    with unchanged():
        response = ask(citizen, wrong, headers={"Accept-Language": language})
        assert response.status_code == 422
    assert set(faults(response)) == {
        "/answers/purpose", "/answers/groups/1", "/answers/visit_id", "/answers/colour",
    }  # fmt: skip
    assert all(each["detail"] for each in response.json["errors"])
    assert response.headers["Content-Language"] == language


@pytest.mark.parametrize(
    ("facts", "answers", "fault"),
    [
        (
            {"valid_until": date(2026, 2, 28)},
            {"paper": "health_summary", "purpose": "reception", "groups": ["administrative"]},
            {"/claims/insurance_valid_until": "insurance_expired"},
        ),
        (
            {"insurance_number": "0000000000"},
            {"paper": "allergy_card"},
            {"/claims/insurance_number": "insurance_mismatch"},
        ),
        (
            {"valid_from": date(2026, 4, 1)},
            {"paper": "health_summary", "purpose": "insurer", "groups": ["administrative"]},
            {"/claims/insurance_valid_from": "insurance_not_begun"},
        ),
    ],
)
def test_an_insurance_that_is_over_or_of_another_makes_no_paper(
    wallet: Wallet,
    phone_of: Make,
    unchanged: Unchanged,
    facts: dict[str, Any],
    answers: dict[str, Any],
    fault: dict[str, str],
) -> None:
    citizen = phone_of("an")
    link(citizen)
    with wallet.nation.write() as session:
        card = update(HealthInsurance).where(HealthInsurance.number == citizen.persona.number)
        session.execute(card.values(**facts))
    with unchanged():
        response = ask(citizen, answers)
        assert_refused(response, 422, "claims_rejected")
    assert faults(response) == fault


def test_a_book_of_another_insurance_is_shown_to_nobody(wallet: Wallet, phone_of: Make) -> None:
    """Two people may have one name and one day of birth: what is in the book is then told in no part."""
    citizen = phone_of("an")
    link(citizen)
    assert offers(citizen, "visit_id")
    with wallet.nation.write() as session:
        card = update(HealthInsurance).where(HealthInsurance.number == citizen.persona.number)
        session.execute(card.values(insurance_number="0000000000"))
    assert_refused(citizen.get(f"{BOOK}/facts"), 409, "not_linked")
    assert offers(citizen, "visit_id") == []
    assert link(citizen)["state"] == "mismatch"
    assert_refused(citizen.get(f"{BOOK}/facts"), 409, "not_linked")


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({"paper": "health_visit", "visit_id": "099KB-none"}, {"/answers/visit_id": "unknown_visit"}),
        ({"paper": "health_referral", "referral_id": "099CT-none"}, {"/answers/referral_id": "unknown_referral"}),
        (
            {"paper": "health_appointment", "appointment_id": "099HK-none"},
            {"/answers/appointment_id": "unknown_appointment"},
        ),
        (
            {"paper": "health_summary", "purpose": "school", "groups": ["visits"]},
            {"/answers/groups": "not_for_purpose"},
        ),
    ],
)
def test_what_the_book_does_not_know_or_the_purpose_not_need_is_refused(
    phone_of: Make, unchanged: Unchanged, answers: dict[str, Any], fault: dict[str, str]
) -> None:
    citizen = phone_of("an")
    link(citizen)
    with unchanged():
        response = ask(citizen, answers)
        assert_refused(response, 422, "answers_rejected")
    assert faults(response) == fault


def test_a_level_one_account_and_the_device_alone_see_nothing(phone_of: Make, unchanged: Unchanged) -> None:
    first_level, device_alone = phone_of("binh"), phone_of("an", password=False)
    with unchanged():
        assert_refused(first_level.get(f"{BOOK}/facts"), 403, "level_too_low")
        assert_refused(first_level.get(f"{BOOK}/form"), 403, "level_too_low")
        assert_refused(device_alone.get(f"{BOOK}/facts"), 401, "step_up_required")
        assert_refused(ask(first_level, {"paper": "allergy_card"}), 403, "level_too_low")
        assert_refused(ask(device_alone, {"paper": "allergy_card"}), 401, "step_up_required")


# --- What the book says later ---------------------------------------------------------------------------------------


def says_later(wallet: Wallet, clock: FixedClock, phone: CitizenPhone, **groups: list[dict[str, Any]]) -> None:
    """Let the health register add records to somebody's book ten minutes later, and let the wallet hear of it."""
    number, at = phone.persona.number, clock.advance(minutes=10)
    with wallet.nation.write() as session:
        row = session.get_one(HealthRecord, number)
        held = unpacked(row.groups_packed)
        row.groups_packed = packed({**held, **{name: [*held.get(name, ()), *more] for name, more in groups.items()}})
        row.updated_at = at
    wallet.register_watch.run()


@pytest.mark.parametrize(
    ("added", "void"),
    [
        ({"visits": [{"visit_id": "099KB9", "facility": "Bệnh viện mẫu", "admitted_on": date(2026, 3, 2),
                      "diagnosis": "Cúm", "diagnosis_code": "J11"}]}, {"doctor"}),
        ({"allergies": [{"substance": "Latex", "severity": "severe"}]}, {"doctor", "card"}),
        ({"vaccinations": [{"vaccine": "Cúm", "dose": 1, "on_day": date(2026, 3, 2)}]}, {"doctor", "school"}),
        ({"referrals": [{"referral_id": "099CT9", "valid_until": date(2026, 12, 31)}]}, set()),
    ],
    ids=["a newer visit", "a new allergy", "a vaccination", "a slip"],
)  # fmt: skip
def test_a_paper_ends_when_the_book_says_something_else_of_what_it_states(
    wallet: Wallet, clock: FixedClock, phone_of: Make, added: dict[str, Any], void: set[str]
) -> None:
    citizen = phone_of("an")
    link(citizen)
    visit = offers(citizen, "visit_id")[0]["visit_id"]
    papers = {
        "doctor": SUMMARY,
        "school": {"paper": "health_summary", "purpose": "school", "groups": ["history"]},
        "card": {"paper": "allergy_card"},
        "visit": {"paper": "health_visit", "visit_id": visit},
    }
    made = {name: document_of(citizen, answers)["id"] for name, answers in papers.items()}
    says_later(wallet, clock, citizen, **added)
    citizen.sign_in()
    states = {row["id"]: row["state"] for row in (citizen.get("/v1/documents").json or {})["data"]}
    assert {name for name, document in made.items() if states[document] == "revoked"} == void
    for name in void:
        assert_refused(citizen.get(f"/v1/documents/{made[name]}/fhir"), 409, "form_needs_valid_document")


def test_a_newer_card_takes_the_place_of_the_older(phone_of: Make) -> None:
    citizen = phone_of("an")
    link(citizen)
    older, newer = (document_of(citizen, {"paper": "allergy_card"})["id"] for _ in range(2))
    states = {row["id"]: row["state"] for row in (citizen.get("/v1/documents").json or {})["data"]}
    assert (states[older], states[newer]) == ("superseded", "valid")
