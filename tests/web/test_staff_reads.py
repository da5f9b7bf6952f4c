"""Staff read so much in an hour and no more: one count over all desks, one alarm for whoever audits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from tests.documents.people import admin_of
from tests.enrolment.applicants import WIFE, application
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_corrections import submit
from tests.web.test_desk_reach import about, account_of, colleague, looks
from tests.web.test_review_desk import REPORT, claim, decide, opened, paid
from wallet.identity.accounts import Grant
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
State = Callable[[], dict[str, list[str]]]
Events = Callable[[str], list[dict[str, Any]]]
Allow = Callable[[CitizenPhone, int], None]
Unchanged = Callable[[], AbstractContextManager[None]]
Refused = Callable[[Callable[[], Any]], None]


@pytest.fixture
def allow(wallet: Wallet) -> Allow:
    """Let members of staff read so much in an hour from now on, at the deployment whose phone this is."""

    def change(phone: CitizenPhone, most: int) -> None:
        settings = replace(wallet.settings, staff_reads_per_hour=most)
        phone.client.application.extensions["wallet"] = replace(wallet, settings=settings)

    return change


@pytest.fixture
def refused(state: State) -> Refused:
    """Hold that a call is refused for too many readings, and leaves nothing behind but its record."""

    def hold(call: Callable[[], Any]) -> None:
        before = state()
        response = call()
        assert_refused(response, 429, "too_many_reads")
        assert 0 < int(response.headers["Retry-After"]) <= 3600
        assert state() == before

    return hold


def test_s65_staff_reads_are_limited_in_an_hour_and_more_is_an_alarm(
    phone_of: Make, allow: Allow, refused: Refused, events: Events, clock: FixedClock
) -> None:
    citizen, officer, other = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer2")
    request, report = (
        paid(citizen),
        citizen.post("/v1/requests", {"utility": "security_report", "answers": REPORT}).json,
    )
    allow(citizen, 2)
    for _ in range(2):
        assert opened(officer, request).status_code == 200
    seen = looks(citizen)
    for _ in range(2):
        refused(lambda: opened(officer, request))
    assert looks(citizen) == seen, "what was refused was not read"
    alarms = [(row["actor"], row["subject"], row["reads"]) for row in events("alarm.staff_reads")]
    assert alarms == [(account_of(officer), account_of(officer), 2)] * 2
    assert opened(other, report).status_code == 200, "each has a count of their own"
    assert officer.get("/v1/desk/requests").status_code == 200, "a list tells nothing of a person"
    clock.advance(hours=1, seconds=1)
    assert opened(phone_of("reviewer3"), request).status_code == 200


def test_s65_nothing_is_decided_or_reported_beyond_the_limit(phone_of: Make, allow: Allow, refused: Refused) -> None:
    """The answer to a decision shows the request."""
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    allow(citizen, 3)
    etag = decide(officer, request, "accept").headers["ETag"]  # one to open it, one to decide
    etag = decide(officer, request, "verify", etag).headers["ETag"]
    word = {"reason": "history_incomplete", "note": "Đề nghị ghi rõ thời gian làm việc."}
    refused(lambda: decide(officer, request, "request_supplement", etag, **word))
    path = f"/v1/desk/requests/{request['id']}/steps/province_police"
    refused(lambda: officer.post(path, {"found": {"outcome": "confirmed"}}))
    assert citizen.get(f"/v1/requests/{request['id']}").json["state"] == "verifying"


def test_s65_a_file_is_a_reading(phone_of: Make, wallet: Wallet, allow: Allow, refused: Refused) -> None:
    citizen, officer = phone_of("an"), colleague(wallet, phone_of, "sau", "40")
    request = about(citizen, "tich")
    allow(citizen, 2)
    (file,) = opened(officer, request).json["files"]
    path = f"/v1/desk/requests/{request['id']}/files/{file['id']}?purpose=review"
    assert officer.get(path).status_code == 200
    refused(lambda: officer.get(path))


def test_s65_corrections_and_requests_are_counted_together(
    phone_of: Make, wallet: Wallet, allow: Allow, refused: Refused
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer1")
    with wallet.work() as work:
        grant = Grant(StaffRole.REVIEWER, "province_police", "01")
        work.accounts.grant(account_of(officer), grant, admin_of(wallet))
    request, correction = paid(citizen), submit(citizen)
    path = f"/v1/desk/corrections/{correction['id']}"
    allow(citizen, 3)
    assert officer.get(path).status_code == 200
    assert officer.get(f"{path}/evidence/{correction['evidence'][0]['id']}").status_code == 200
    assert opened(officer, request).status_code == 200
    refused(lambda: officer.get(path))
    refused(lambda: officer.get(f"{path}/evidence/{correction['evidence'][0]['id']}"))
    refused(lambda: officer.post(f"{path}/decision", {"decision": "accept", "answer": "Đã đối chiếu."}))
    refused(lambda: opened(officer, request))
    assert citizen.get(f"/v1/me/corrections/{correction['id']}").json["state"] == "forwarded"


def test_s65_a_reading_needs_its_purpose(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    path = f"/v1/desk/requests/{request['id']}"
    with unchanged():
        for query, fault in (("", "required"), ("?purpose=curiosity", "not_a_choice"), ("?purpose=", "not_a_choice")):
            refusal = assert_refused(officer.get(f"{path}{query}"), 422, "invalid_input")
            assert field_errors(refusal) == {"/purpose": fault}
        assert_refused(officer.get(f"{path}?purpose=review&purpose=review"), 400, "repeated_parameter")
        assert_refused(officer.get(f"{path}?why=review"), 400, "unknown_parameter")


def test_s65_an_admin_who_looks_up_why_somebody_sees_a_utility_reads_too(
    phone_of: Make, allow: Allow, refused: Refused, events: Events
) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    path = "/v1/admin/utilities/residence/launch/explanations"
    order = {"account_id": account_of(citizen), "purpose": "complaint"}
    allow(citizen, 1)
    assert admin.call("POST", path, json=order).status_code == 200
    refused(lambda: admin.call("POST", path, json=order))
    assert len(events("launch.explained")) == 1
    assert [row["actor"] for row in events("alarm.staff_reads")] == [account_of(admin)]


def test_s65_the_enrolment_desk_is_limited_too(phone_of: Make, allow: Allow, refused: Refused) -> None:
    officer = phone_of("officer1")
    body = application(WIFE)
    allow(officer, 2)
    made = officer.post("/v1/desk/applications", body)
    assert made.status_code == 201, made.text
    path = f"/v1/desk/applications/{made.json['id']}"
    assert officer.get(path).status_code == 200
    refused(lambda: officer.get(path))
    refused(lambda: officer.post("/v1/desk/applications", body))
