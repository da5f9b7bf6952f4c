"""What an agency verified are the answers that it was shown: of those that a supplement brings it verified nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import update

from tests.documents.people import saying
from tests.phone import CitizenPhone
from tests.support import GROUND
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import edit
from tests.web.test_gone_utility import moved
from tests.web.test_previews import codes, preview
from tests.web.test_review_desk import NOTE, claim, decide, opened
from wallet.demo.personas import persona
from wallet.requests.models import RequestStep
from wallet.sources.base import RegisterCode
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
FIRST = {"bank": "Ngân hàng Mẫu", "account_number": "0123456789", "own_name": True}
OTHER = {"bank": "Ngân hàng Khác", "account_number": "9999888877776666"}
TWIN_A, TWIN_B = "099GCS-TWIN-A", "099GCS-TWIN-B"


def report(officer: CitizenPhone, request: dict[str, Any], step: str, **found: str) -> None:
    answer = officer.post(f"/v1/desk/requests/{request['id']}/steps/{step}", {"found": found})
    assert answer.status_code == 200, answer.text


def decided(officer: CitizenPhone, request: dict[str, Any], *actions: str) -> None:
    for action in actions:
        word = {"reason": "account_unclear", "note": NOTE} if action == "request_supplement" else {}
        made = decide(officer, request, action, **word)
        assert made.status_code == 200, made.text


def supplement(citizen: CitizenPhone, request: dict[str, Any], answers: dict[str, Any]) -> Any:
    assert edit(citizen, request, answers).status_code == 200
    return citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})


def step_of(officer: CitizenPhone, request: dict[str, Any]) -> dict[str, Any]:
    (step,) = opened(officer, request).json["steps"]
    return dict(step)


@pytest.fixture
def verified(phone_of: Make) -> tuple[CitizenPhone, CitizenPhone, CitizenPhone, dict[str, Any]]:
    """A request whose account a bank has confirmed; its citizen, its officer and the bank's."""
    citizen, officer, bank = phone_of("an"), phone_of("reviewer6"), phone_of("reviewer7")
    made = citizen.post("/v1/requests", {"utility": "social_security_account", "answers": FIRST})
    assert made.status_code == 201, made.text
    request = dict(made.json or {})
    claim(officer, request)
    decided(officer, request, "accept", "verify")
    report(bank, request, "bank_check", account_name="NGUYEN MAU AN")
    return citizen, officer, bank, request


Verified = tuple[CitizenPhone, CitizenPhone, CitizenPhone, dict[str, Any]]


def test_what_a_bank_confirmed_of_one_account_is_granted_to_no_other(verified: Verified, unchanged: Unchanged) -> None:
    citizen, officer, bank, request = verified
    assert step_of(officer, request)["current"] is True
    decided(officer, request, "request_supplement")
    assert supplement(citizen, request, OTHER).status_code == 200
    decided(officer, request, "accept")
    step = step_of(officer, request)
    found = {each["name"]: each["value"] for each in step["found"]}
    assert (step["state"], step["current"], found) == ("done", False, {"account_name": "NGUYEN MAU AN"})
    assert citizen.get(f"/v1/requests/{request['id']}").json["steps"][0]["current"] is False
    seen = opened(officer, request)
    assert [each["action"] for each in seen.json["decisions"]] == ["request_supplement", "reject", "verify"]
    with unchanged():
        refused = decide(officer, request, "approve", version=seen.headers["ETag"])
        assert_refused(refused, 409, "verification_unfinished")
    decided(officer, request, "verify")
    report(bank, request, "bank_check", account_name="NGUYEN MAU AN")
    assert step_of(officer, request)["current"] is True
    decided(officer, request, "approve")
    document = citizen.get(f"/v1/requests/{request['id']}").json["document_id"]
    claims = citizen.get(f"/v1/documents/{document}").json["claims"]
    assert claims["bank"] == OTHER["bank"]


@pytest.mark.parametrize("answers", [{}, FIRST, {**OTHER, **FIRST}])
def test_what_stays_as_it_was_is_not_verified_twice(verified: Verified, answers: dict[str, Any]) -> None:
    citizen, officer, _, request = verified
    decided(officer, request, "request_supplement")
    assert supplement(citizen, request, answers).status_code == 200
    decided(officer, request, "accept", "approve")


@pytest.mark.parametrize("answers", [{}, OTHER])
def test_what_was_verified_before_answers_were_kept_is_of_those_that_were_sent_first(
    verified: Verified, wallet: Wallet, answers: dict[str, Any]
) -> None:
    citizen, officer, _, request = verified
    with wallet.work() as work:
        work.session.execute(update(RequestStep).values(sealed_over=None))
    assert step_of(officer, request)["current"] is True
    decided(officer, request, "request_supplement")
    assert supplement(citizen, request, answers).status_code == 200
    decided(officer, request, "accept")
    assert step_of(officer, request)["current"] is not bool(answers)


@pytest.fixture
def twins(phone_of: Make, wallet: Wallet) -> tuple[CitizenPhone, CitizenPhone, dict[str, Any]]:
    """A request for the first of two twins, whose birth the justice officer has registered, back with the mother."""
    births = wallet.registers[RegisterCode.CIVIL_STATUS].read(persona("noi").number, GROUND).values["births"]
    (told,) = [each for each in births if each["state"] == "notified"]  # type: ignore[union-attr,call-overload]
    both = tuple({**told, "notice_id": notice} for notice in (TWIN_A, TWIN_B))  # type: ignore[dict-item]
    altered = saying(wallet, RegisterCode.CIVIL_STATUS, births=both)
    mother, justice = moved(phone_of("noi"), altered), moved(phone_of("reviewer5"), altered)
    answers = {"notice_id": TWIN_A, "child_name": "Mẫu Một", "residence_with": "mother"}
    answers["first_care_facility"] = "Trạm y tế mẫu"
    made = mother.post("/v1/requests", {"utility": "birth_linked", "answers": answers})
    assert made.status_code == 201, made.text
    request = dict(made.json or {})
    claim(justice, request)
    report(justice, request, "birth_registration", registration_number="01/2026", child_number="099326000999")
    asked = decide(justice, request, "request_supplement", reason="residence_unproven", note=NOTE)
    assert asked.status_code == 200, asked.text
    return mother, justice, request


def test_what_an_agency_has_entered_is_not_changed_by_a_supplement(
    twins: tuple[CitizenPhone, CitizenPhone, dict[str, Any]], unchanged: Unchanged
) -> None:
    mother, justice, request = twins
    changes = {"notice_id": TWIN_B, "child_name": "Mẫu Hai", "first_care_facility": "Trạm y tế khác"}
    why = {"/answers/notice_id": "entered_already", "/answers/child_name": "entered_already"}
    assert edit(mother, request, changes).status_code == 200
    assert codes(preview(mother, request)["errors"]) == why
    with unchanged():
        refused = mother.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
        assert field_errors(assert_refused(refused, 422, "invalid_input")) == why
    back = supplement(mother, request, {"notice_id": TWIN_A, "child_name": "Mẫu Một"})
    assert (back.status_code, back.json["state"]) == (200, "in_steps"), back.text
    seen = opened(justice, request).json
    assert [(step["code"], step["state"], step["current"]) for step in seen["steps"]] == [
        ("birth_registration", "done", True),
        ("permanent_residence", "active", True),
        ("health_insurance", "waiting", True),
    ]
