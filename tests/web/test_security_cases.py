"""What the police keep of somebody's reports: shown to them alone, and what it stops."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from tests.web.test_confidential_report import TOLD, guarding, reported
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

FACTS = "/v1/me/utilities/security_report/facts"
HISTORY = "/v1/me/access-history?limit=100"
ORDER = {"utility": "security_report", "answers": TOLD}
WORDS = {
    "reports_barred": ("Bạn đã bị xử phạt vì báo tin sai sự thật", "You were fined for a false report"),
    "too_many_open_reports": ("Bạn có quá nhiều phản ánh", "Too many of your reports"),
}


def facts(phone: CitizenPhone) -> dict[str, dict[str, Any]]:
    response = phone.get(FACTS)
    assert response.status_code == 200, response.text
    return {each["name"]: each for each in (response.json or {})["data"]}


def procedures(phone: CitizenPhone, headers: dict[str, str] | None = None) -> list[tuple[str, str | None]]:
    response = phone.get(HISTORY, headers=headers or {})
    assert response.status_code == 200, response.text
    return [(row["data"], row["procedure"]) for row in (response.json or {})["data"]]


def test_the_holder_is_shown_earlier_reports_in_words(phone_of: Make) -> None:
    shown = facts(phone_of("an"))
    assert shown.keys() == {"reports"}
    assert shown["reports"]["source"] == "security_cases"
    assert [(each["kind"], each["state"]) for each in shown["reports"]["value"]] == [
        ("traffic", "closed"), ("online_scam", "referred"), ("disorder", "assigned"),
    ]  # fmt: skip
    words = {(each["name"], each["code"]): each["label"] for each in shown["reports"]["codes"]}
    assert words["state", "assigned"] == {"vi": "Đã phân công xác minh", "en": "Assigned to an officer"}
    assert words["kind", "disorder"] == {"vi": "Gây rối trật tự công cộng", "en": "Public disorder"}
    assert shown["reports"]["label"] == {"vi": "Phản ánh bạn đã gửi", "en": "Reports you have sent"}


def test_who_is_barred_is_shown_until_when(phone_of: Make) -> None:
    assert facts(phone_of("lech"))["barred_until"]["value"] == "2027-02-24"


def test_whom_the_police_do_not_know_is_shown_nothing(phone_of: Make) -> None:
    assert facts(phone_of("nho")) == {}


@pytest.mark.parametrize(("key", "code"), [("lech", "reports_barred"), ("giay", "too_many_open_reports")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_report_is_refused_in_words_and_nothing_is_kept(
    phone_of: Make, unchanged: Unchanged, key: str, code: str, place: int
) -> None:
    phone, language = phone_of(key), ("vi", "en")[place]
    with unchanged():
        response = phone.post("/v1/requests", ORDER, headers={"Accept-Language": language})
        body = assert_refused(response, 422, "answers_rejected", language=language)
    (error,) = body["errors"]
    assert (error["pointer"], error["code"]) == ("/answers/text", code)
    assert error["detail"].startswith(WORDS[code][place])
    assert phone.get("/v1/requests").json["data"] == []


def test_a_draft_of_who_is_barred_stays_a_draft(phone_of: Make) -> None:
    phone = phone_of("lech")
    url = f"/v1/requests/{phone.post('/v1/requests', ORDER | {'draft': True}).json['id']}"
    refused = phone.post(f"{url}/moves", {"action": "submit"})
    assert [each["code"] for each in assert_refused(refused, 422, "answers_rejected")["errors"]] == ["reports_barred"]
    assert phone.get(url).json["state"] == "draft"
    assert phone.get("/v1/documents").json["data"] == []


def test_a_guardian_is_not_shown_it_and_finds_no_look_at_it(phone_of: Make, wallet: Wallet, events: Events) -> None:
    ward = phone_of("nho")
    assert ward.post("/v1/requests", {"utility": "residence"}).status_code == 201
    reported(ward)
    assert facts(ward) == {}
    guardian, acting = guarding(phone_of, wallet, ward)
    own, seen = procedures(ward), procedures(guardian, acting)
    assert ("security_cases", "security_report") in own
    assert ("population", "security_report") in own
    assert [row for row in own if row[1] != "security_report"] == seen
    assert ("residence", "residence") in seen
    read = len(events("source.read"))
    assert_refused(guardian.get(FACTS, headers=acting), 403, "capacity_not_allowed")
    assert len(events("source.read")) == read


def test_a_guardians_own_history_is_whole(phone_of: Make, wallet: Wallet) -> None:
    guardian, _ = guarding(phone_of, wallet, phone_of("nho"))
    facts(guardian)
    assert ("security_cases", "security_report") in procedures(guardian)
