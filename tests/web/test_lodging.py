"""A lodging notice over the API: told by whom the law asks, in time or late, with a receipt that ends when it does."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.documents.people import actor_of, admin_of, officer_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_wards import for_ward, register
from wallet.identity.accounts import Grant
from wallet.requests.desk import Word
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet
from wallet.working_days import ZONE

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

MOTHER = {
    "full_name": "Lê Thị Hoà",
    "document_kind": "number",
    "document_number": "099155000123",
    "birth_date": "1955-08-20",
    "sex": "female",
    "nationality": "Việt Nam",
    "address": "Thôn 3, Xã Bát Tràng",
    "reason": "Thăm con cháu",
    "arrived_at": "2026-03-02T10:30:00+07:00",
    "leaves_on": "2026-03-05",
    "relation": "parent",
}


def order(*guests: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answers = {
        "declarant": "household_member",
        "place_kind": "household",
        "place_address": "Số 12, ngõ 34",
        "place_commune": "00167",
        "guests": list(guests) or [MOTHER],
        **changes,
    }
    return {"utility": "lodging_notice", "answers": answers}


def sent(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json or {}
    assert body["state"] == "sent"
    return body


def receipt(phone: CitizenPhone, notice: dict[str, Any], **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = phone.get(f"/v1/documents/{notice['document_id']}", **options).json or {}
    return found


def moved(phone: CitizenPhone, notice: dict[str, Any], action: str) -> TestResponse:
    return phone.post(f"/v1/requests/{notice['id']}/moves", {"action": action})


def officer(wallet: Wallet) -> Actor:
    """Return a reviewer of the commune police of Hà Nội."""
    actor = officer_of(wallet, "officer1")
    with wallet.work() as work:
        work.accounts.grant(actor.account_id, Grant(StaffRole.REVIEWER, "commune_police", "01"), admin_of(wallet))
    return actor


def test_somebody_of_level_1_gives_notice_and_has_a_receipt(phone_of: Make) -> None:
    phone = phone_of("binh")
    found = receipt(phone, sent(phone.post("/v1/requests", order())))
    assert found["kind"] == "lodging_receipt"
    assert found["claims"]["timeliness"] == "Đúng hạn"
    assert found["claims"]["commune"] == "Phường Cầu Giấy"
    assert found["expires_at"] == "2026-03-05T17:00:00Z"
    assert phone.get(f"/v1/documents/{found['id']}/code.txt").text.startswith("VD1:")


def test_with_the_device_alone_nobody_gives_notice(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an", password=False)
    with unchanged():
        assert_refused(phone.post("/v1/requests", order()), 401, "step_up_required")


@pytest.mark.parametrize(
    ("arrival", "minute", "timeliness"),
    [
        ("2026-03-02T22:59:00+07:00", "2026-03-02 22:59", "Đúng hạn"),
        ("2026-03-02T22:59:00+07:00", "2026-03-02 23:00", "Quá hạn"),
        ("2026-03-02T23:01:00+07:00", "2026-03-03 07:59", "Đúng hạn"),
        ("2026-03-02T23:01:00+07:00", "2026-03-03 08:00", "Quá hạn"),
        ("2026-03-03T00:30:00+07:00", "2026-03-03 08:00", "Quá hạn"),
    ],
)
def test_late_is_taken_and_said(phone_of: Make, clock: FixedClock, arrival: str, minute: str, timeliness: str) -> None:
    clock.set(datetime.strptime(minute, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE))
    phone = phone_of("an")
    found = receipt(phone, sent(phone.post("/v1/requests", order(MOTHER | {"arrived_at": arrival}))))
    assert found["claims"]["timeliness"] == timeliness


def test_a_stay_that_is_over_still_gets_a_receipt(phone_of: Make) -> None:
    phone = phone_of("an")
    over = MOTHER | {"arrived_at": "2026-02-20T10:00:00+07:00", "leaves_on": "2026-02-22"}
    found = receipt(phone, sent(phone.post("/v1/requests", order(over))))
    assert (found["state"], found["claims"]["timeliness"]) == ("valid", "Quá hạn")
    assert found["expires_at"] == "2026-03-02T17:00:00Z"


@pytest.mark.parametrize(("action", "state"), [("end", "ended"), ("cancel", "cancelled")])
def test_the_receipt_is_void_when_the_guest_has_left_or_never_came(phone_of: Make, action: str, state: str) -> None:
    phone = phone_of("an")
    notice = sent(phone.post("/v1/requests", order()))
    assert receipt(phone, notice)["state"] == "valid"
    assert moved(phone, notice, action).json["state"] == state
    assert receipt(phone, notice)["state"] == "revoked"
    assert_refused(moved(phone, notice, action), 409, "transition_not_allowed")


def test_the_police_of_the_place_sends_a_notice_back_and_the_receipt_is_void(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    notice = sent(phone.post("/v1/requests", order()))
    police = officer(wallet)
    with wallet.work() as work:
        work.review_desk.claim(notice["id"], police)
    with wallet.work() as work:
        version = work.requests.get(notice["id"], actor_of(wallet, "an")).request.version
        work.review_desk.decide(notice["id"], "return", Word("place_not_found", "Không có số nhà này"), version, police)
    assert phone.get(f"/v1/requests/{notice['id']}").json["state"] == "returned"
    assert receipt(phone, notice)["state"] == "revoked"
    assert sent(phone.post("/v1/requests", order()))["id"] != notice["id"], "what was sent back has told nobody"


def test_a_relative_is_told_once_and_again_only_if_asked(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    first = sent(phone.post("/v1/requests", order()))
    with unchanged():
        body = assert_refused(phone.post("/v1/requests", order()), 422, "answers_rejected")
    assert field_errors(body) == {"/answers/guests/0/relation": "relative_notified"}
    sent(phone.post("/v1/requests", order(notify_again=True)))
    other = phone_of("sau")
    sent(other.post("/v1/requests", order()))
    assert moved(phone, first, "end").status_code == 200
    assert_refused(phone.post("/v1/requests", order()), 422, "answers_rejected")


def test_after_a_cancelled_notice_the_relative_is_told_again(phone_of: Make) -> None:
    phone = phone_of("an")
    first = sent(phone.post("/v1/requests", order()))
    assert moved(phone, first, "cancel").status_code == 200
    sent(phone.post("/v1/requests", order()))


def test_a_foreigner_is_sent_elsewhere_in_both_languages_and_nothing_is_kept(
    phone_of: Make, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    asked = order(MOTHER | {"nationality": "Pháp", "relation": "none"})
    for language in ("vi", "en"):
        with unchanged():
            response = phone.post("/v1/requests", asked, headers={"Accept-Language": language})
            body = assert_refused(response, 422, "answers_rejected", language=language)
        assert field_errors(body) == {"/answers/guests/0/nationality": "foreigner_na17"}
        assert "NA17" in body["errors"][0]["detail"]
        assert "12" in body["errors"][0]["detail"]


def test_a_guest_tells_of_themselves_out_of_the_register(phone_of: Make) -> None:
    phone = phone_of("an")
    myself = {name: MOTHER[name] for name in ("reason", "arrived_at", "leaves_on")} | {"is_declarant": True}
    found = receipt(phone, sent(phone.post("/v1/requests", order(myself, declarant="guest"))))
    (listed,) = found["claims"]["guest_list"]
    assert listed["full_name"] == found["claims"]["full_name"]
    assert listed["document_number"][-4:] == found["claims"]["number_last4"]
    assert listed["address"]


def test_a_guardian_tells_of_a_ward(phone_of: Make) -> None:
    phone = phone_of()
    ward = register(phone)
    child = {name: MOTHER[name] for name in ("reason", "arrived_at", "leaves_on")} | {"is_declarant": True}
    notice = sent(phone.post("/v1/requests", order(child, declarant="guest"), **for_ward(ward)))
    found = receipt(phone, notice, **for_ward(ward))
    assert found["claims"]["guest_list"][0]["full_name"] == found["claims"]["full_name"]
    assert notice["capacity"] == "guardian"


def test_everything_that_is_wrong_is_told_at_once(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    wrong = MOTHER | {"sex": "?", "birth_date": "1955-02-30", "room": "", "no_such": 1, "leaves_on": None}
    with unchanged():
        body = assert_refused(phone.post("/v1/requests", order(wrong, place_commune="99999")), 422, "invalid_input")
    assert field_errors(body) == {
        "/answers/guests/0/sex": "not_a_choice",
        "/answers/guests/0/birth_date": "no_such_day",
        "/answers/guests/0/room": "invalid_length",
        "/answers/guests/0/no_such": "unknown_field",
        "/answers/guests/0/leaves_on": "null",
        "/answers/place_commune": "unknown_place",
    }


def test_a_stay_far_ahead_is_refused_until_it_is_near(phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    far = MOTHER | {"arrived_at": "2026-04-02T10:00:00+07:00", "leaves_on": "2026-04-04"}
    body = assert_refused(phone.post("/v1/requests", order(far)), 422, "answers_rejected")
    assert field_errors(body) == {"/answers/guests/0/arrived_at": "too_far_ahead"}
    clock.advance(timedelta(days=1))
    sent(phone_of("an").post("/v1/requests", order(far)))
