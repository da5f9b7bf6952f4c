"""What an officer reaches and what the citizen is told of it: agency, province, sub-tasks, and nothing of one's own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import update

from tests.documents.people import admin_of
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from tests.web.test_confidential_report import reported
from tests.web.test_drafts import ANSWERS, add_file, draft, edit
from tests.web.test_lodging import order, sent
from tests.web.test_review_desk import REPORT, ask, claim, decide, opened, paid, pay
from wallet.demo.personas import persona
from wallet.errors import Conflict
from wallet.identity.accounts import Grant, LockGround
from wallet.requests.models import RequestRow
from wallet.requests.repository import RequestRepository
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

LIVED = [{"from_day": "1990-01-01", "place": "vietnam", "province": "25", "address": "Thôn 3"}]


def looks(phone: CitizenPhone) -> list[tuple[Any, ...]]:
    """Return who looked, newest first: who, agency, kind of data, purpose."""
    rows = phone.get("/v1/me/access-history?limit=100").json["data"]
    return [(row["who"], row.get("agency"), row["data"], row["purpose"]) for row in rows]


def account_of(phone: CitizenPhone) -> str:
    return str(phone.get("/v1/me").json["account_id"])


def colleague(
    wallet: Wallet, phone_of: Make, key: str, province: str = "01", agency: str = "province_police"
) -> CitizenPhone:
    """Return a persona who reviews for an agency, in a province, from now on."""
    phone = phone_of(key)
    with wallet.work() as work:
        grant = Grant(StaffRole.REVIEWER, agency, province)
        work.accounts.grant(account_of(phone), grant, admin_of(wallet))
    return phone


def report(officer: CitizenPhone, request: dict[str, Any], step: str) -> Any:
    path = f"/v1/desk/requests/{request['id']}/steps/{step}"
    return officer.post(path, {"found": {"outcome": "confirmed"}})


def read_of(request: dict[str, Any], events: Events) -> list[dict[str, Any]]:
    return [each for each in events("request.read") if each["request"] == request["id"]]


def about(citizen: CitizenPhone, key: str) -> dict[str, Any]:
    """Return the request for somebody else's certificate, with a written authority, on its way to the desk."""
    someone = persona(key)
    whom = {"number": someone.number, "full_name": someone.name, "birth_date": someone.birth}
    made = draft(citizen, ANSWERS, capacity="proxy", about=whom)
    authority = add_file(citizen, made).json["id"]
    edit(citizen, made, {"authority": [authority]})
    sent = citizen.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
    assert sent.status_code == 200, sent.text
    request = sent.json or {}
    if request["state"] == "awaiting_payment":
        pay(citizen, request)
    return request


def test_a_sub_task_ends_with_its_request(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    decide(officer, request, "verify")
    mine = [step["code"] for step in records.get("/v1/desk/steps").json["data"] if step["request_id"] == request["id"]]
    assert mine == ["records_department"]
    gone = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
    assert gone.json["state"] == "withdrawn"
    steps = citizen.get(f"/v1/requests/{request['id']}").json["steps"]
    assert {(step["state"], step.get("due_at")) for step in steps} == {("ended", None)}
    assert records.get("/v1/desk/steps").json["data"] == []
    with unchanged():
        assert_refused(opened(records, request), 404, "not_found")
        assert_refused(report(records, request, "records_department"), 409, "transition_not_allowed")


def test_an_agency_reads_for_its_sub_task_and_no_longer_and_decides_nothing(
    phone_of: Make, unchanged: Unchanged
) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    with unchanged():
        assert_refused(opened(records, request), 404, "not_found")
    claim(officer, request)
    decide(officer, request, "accept")
    verifying = decide(officer, request, "verify").json
    assert [each["action"] for each in verifying["decisions"]] == ["request_supplement", "reject"]
    seen = opened(records, request)
    assert seen.json["decisions"] == [], "what another desk decides is not offered"
    with unchanged():
        assert_refused(claim(records, request), 404, "not_found")
        assert_refused(decide(records, request, "approve", seen.headers["ETag"]), 404, "not_found")
        assert_refused(report(records, request, "province_police"), 404, "not_found")
    assert report(records, request, "records_department").status_code == 200
    with unchanged():
        assert_refused(opened(records, request), 404, "not_found")
        assert_refused(report(records, request, "records_department"), 409, "step_not_active")
    told = [look for look in looks(citizen) if look[1] == "records_department"]
    assert told[:2] == [("staff", "records_department", "request", "review")] * 2, "an answer to a report shows it too"


def test_whatever_shows_a_request_to_an_officer_is_told(phone_of: Make, wallet: Wallet, events: Events) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    assert read_of(request, events) == [], "to take it in hand shows nothing of the person"
    etag = opened(officer, request).headers["ETag"]
    accepted = decide(officer, request, "accept", etag)
    decide(officer, request, "verify", accepted.headers["ETag"])
    assert len(read_of(request, events)) == 3
    read = [look for look in looks(citizen) if look[:2] == ("staff", "province_police")]
    assert {look[2] for look in read} >= {"request", "population", "residence", "criminal_records"}
    assert {look[3] for look in read} == {"review"}
    with wallet.work() as work:
        work.staffing.dismiss(account_of(officer), StaffRole.REVIEWER, admin_of(wallet))
    agencies = [look[1] for look in looks(citizen) if look[0] == "staff" and look[2] == "request"]
    assert agencies[:3] == ["province_police"] * 3, "who has left was of that agency"
    row = next(row for row in citizen.get("/v1/me/access-history").json["data"] if row["data"] == "request")
    assert row["agency_name"] == {"vi": "Công an cấp tỉnh", "en": "Police of the province"}


def test_nobody_decides_about_a_certificate_of_oneself_that_somebody_else_asked_for(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = about(citizen, "reviewer3")
    with unchanged():
        assert_refused(opened(officer, request), 403, "not_for_oneself")
        assert_refused(claim(officer, request), 403, "not_for_oneself")
    second = colleague(wallet, phone_of, "sau")
    assert claim(second, request).status_code == 200
    path = f"/v1/desk/requests/{request['id']}/hand-over"
    with unchanged():
        assert_refused(second.post(path, {"officer": account_of(officer)}), 422, "invalid_input")
    assert opened(second, request).status_code == 200


def test_whom_a_proxy_asks_about_learns_who_read_what(phone_of: Make) -> None:
    citizen, subject, officer = phone_of("an"), phone_of("tich"), phone_of("reviewer3")
    request = about(citizen, "tich")
    sent = looks(subject)
    assert {look[0] for look in sent} == {"proxy"}
    assert {look[2] for look in sent} >= {"population", "residence", "criminal_records"}
    assert "criminal_records" not in {look[2] for look in looks(citizen)}, "it was not read of the applicant"
    assert_refused(opened(officer, request), 404, "not_found")
    assert opened(colleague(citizen.wallet, phone_of, "sau", "40"), request).status_code == 200
    for phone in (citizen, subject):
        assert ("staff", "province_police", "request", "review") in looks(phone)


def test_what_a_locked_account_has_in_hand_is_free(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    second = colleague(wallet, phone_of, "sau")
    request = paid(citizen)
    claim(officer, request)
    with unchanged():
        assert_refused(claim(second, request), 409, "claimed_by_another")
    with wallet.work() as work:
        work.accounts.lock(account_of(officer), LockGround.HOLDER_REQUEST, admin_of(wallet))
    assert claim(second, request).json["claimed_by"] == account_of(second)


def test_taking_it_in_hand_tells_the_version_that_a_decision_names(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    before = opened(officer, request).headers["ETag"]
    taken = claim(officer, request).headers["ETag"]
    with unchanged():
        assert_refused(decide(officer, request, "accept", before), 412, "version_changed")
    accepted = decide(officer, request, "accept", taken)
    assert accepted.status_code == 200, accepted.text
    assert decide(officer, request, "approve", accepted.headers["ETag"]).json["state"] == "issued"
    second = colleague(citizen.wallet, phone_of, "sau")
    with unchanged():
        assert_refused(claim(officer, request), 409, "transition_not_allowed")
        assert_refused(claim(second, request), 409, "transition_not_allowed")


def test_what_lies_in_no_province_is_for_the_whole_country_and_no_province_sees_it(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    """The residence register does not know the applicant: no province's desk may take it for its own."""
    citizen = phone_of("vang")
    request = ask(citizen, {**ANSWERS, "residence_history": LIVED})
    if request["state"] == "awaiting_payment":
        pay(citizen, request)
    officers = [phone_of("reviewer3"), colleague(wallet, phone_of, "sau", "79"), colleague(wallet, phone_of, "xa", "")]
    with unchanged():
        for officer in officers:
            assert officer.get("/v1/desk/requests").json["data"] == []
            assert_refused(opened(officer, request), 404, "not_found")
            assert_refused(claim(officer, request), 404, "not_found")
    everywhere = colleague(wallet, phone_of, "dai", "*")
    assert [row["id"] for row in everywhere.get("/v1/desk/requests").json["data"]] == [request["id"]]
    assert opened(everywhere, request).json["province"] == ""
    claim(everywhere, request)
    decide(everywhere, request, "accept")
    decide(everywhere, request, "verify")
    here = colleague(wallet, phone_of, "doi", agency="records_department")
    with unchanged():
        assert here.get("/v1/desk/steps").json["data"] == []
        assert_refused(opened(here, request), 404, "not_found")
        assert_refused(report(here, request, "records_department"), 404, "not_found")
    records = phone_of("reviewer4")
    assert [step["request_id"] for step in records.get("/v1/desk/steps").json["data"]] == [request["id"]]
    assert report(records, request, "records_department").status_code == 200


def test_whoever_hands_over_sees_to_whom(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    here, elsewhere = colleague(wallet, phone_of, "sau"), colleague(wallet, phone_of, "xa", "79")
    everywhere, locked = colleague(wallet, phone_of, "dai", "*"), colleague(wallet, phone_of, "doi")
    with wallet.work() as work:
        work.accounts.lock(account_of(locked), LockGround.HOLDER_REQUEST, admin_of(wallet))
    request = paid(citizen)
    claim(officer, request)
    rows = officer.get("/v1/desk/officers").json["data"]
    assert {row["agency"] for row in rows} == {"province_police"}
    counts = {row["account_id"]: row["in_hand"] for row in rows}
    assert counts == {account_of(officer): 1, account_of(here): 0, account_of(everywhere): 0}
    assert [row["full_name"] for row in rows] == sorted(row["full_name"] for row in rows)
    names = {row["account_id"]: row["full_name"] for row in rows}
    assert names[account_of(here)] == persona("sau").name
    path = f"/v1/desk/requests/{request['id']}/hand-over"
    with unchanged():
        assert_refused(officer.post(path, {"officer": account_of(elsewhere)}), 422, "invalid_input")
    assert officer.post(path, {"officer": account_of(here)}).json["claimed_by"] == account_of(here)
    with unchanged():
        assert_refused(citizen.get("/v1/desk/officers"), 403, "not_allowed")


def test_an_officer_of_several_desks_acts_at_each_and_is_told_as_of_the_one(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer2")
    request = paid(citizen)
    told = citizen.post("/v1/requests", {"utility": "security_report", "answers": REPORT}).json
    with unchanged():
        assert [row["id"] for row in officer.get("/v1/desk/requests").json["data"]] == [told["id"]]
        assert_refused(claim(officer, request), 404, "not_found")
    colleague(wallet, phone_of, "reviewer2")
    rows = officer.get("/v1/desk/requests").json["data"]
    assert {row["id"] for row in rows} == {request["id"], told["id"]}
    assert claim(officer, request).status_code == 200
    decide(officer, request, "accept")
    assert claim(officer, told).status_code == 200
    assert decide(officer, told, "accept").json["state"] == "accepted"
    looked = [look for look in looks(citizen) if look[0] == "staff" and look[2] == "request"]
    agencies = ["commune_police"] * 2 + ["province_police"] * 2
    assert [look[1] for look in looked] == agencies, "opened and decided, each for the agency on whose desk it lies"
    mine = [row for row in officer.get("/v1/desk/officers").json["data"] if row["account_id"] == account_of(officer)]
    assert [(row["agency"], row["province"], row["in_hand"]) for row in mine] == [
        ("commune_police", "01", 2),
        ("province_police", "01", 2),
    ]
    with wallet.work() as work:
        desk = "province_police", "01"
        work.staffing.dismiss(account_of(officer), StaffRole.REVIEWER, admin_of(wallet), desk=desk)
    with unchanged():
        assert_refused(opened(officer, request), 404, "not_found")
        assert_refused(decide(officer, request, "approve", '"v1"'), 404, "not_found")
        assert [row["id"] for row in officer.get("/v1/desk/requests").json["data"]] == [told["id"]]
    assert claim(phone_of("reviewer3"), request).status_code == 200, "what they left behind is free"


def test_two_provinces_of_one_agency_are_two_desks(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    hanoi, elsewhere = paid(phone_of("an")), paid(phone_of("an"), ANSWERS | {"office": "79"})
    officer, second = phone_of("reviewer3"), colleague(wallet, phone_of, "sau", "79")
    with unchanged():
        assert_refused(opened(officer, elsewhere), 404, "not_found")
        assert_refused(opened(second, hanoi), 404, "not_found")
    colleague(wallet, phone_of, "reviewer3", "79")
    assert {row["id"] for row in officer.get("/v1/desk/requests").json["data"]} == {hanoi["id"], elsewhere["id"]}
    claim(officer, elsewhere)
    path = f"/v1/desk/requests/{elsewhere['id']}/hand-over"
    assert officer.post(path, {"officer": account_of(second)}).json["claimed_by"] == account_of(second)
    claim(officer, hanoi)
    path = f"/v1/desk/requests/{hanoi['id']}/hand-over"
    with unchanged():
        assert_refused(officer.post(path, {"officer": account_of(second)}), 422, "invalid_input")


def test_sub_tasks_of_every_agency_an_officer_is_of_are_theirs(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    decide(officer, request, "verify")
    assert [step["code"] for step in records.get("/v1/desk/steps").json["data"]] == ["records_department"]
    colleague(wallet, phone_of, "reviewer4")
    assert report(records, request, "records_department").status_code == 200
    assert looks(citizen)[0][:2] == ("staff", "records_department"), "for the agency that found it out"
    assert [step["code"] for step in records.get("/v1/desk/steps").json["data"]] == ["province_police"]
    assert report(records, request, "province_police").json["state"] == "accepted"


def test_any_other_role_is_had_in_one_place(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    account, admin = account_of(phone_of("officer1")), admin_of(wallet)
    grant = Grant(StaffRole.OFFICER, "Công an phường khác", "79")
    with unchanged(), wallet.work() as work, pytest.raises(Conflict, match="already_exists"):
        work.accounts.grant(account, grant, admin)


def test_a_state_lies_on_the_desk_of_one_utility_and_of_another_not(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    """`received` is where a security report waits for the police, and where a lodging notice is done with."""
    host, officer = phone_of("an"), phone_of("reviewer2")
    report = reported(phone_of("nho")).rpartition("/")[2]
    notice = sent(host.post("/v1/requests", order()))
    lying = "/v1/desk/requests"
    assert {each["id"] for each in officer.get(lying).json["data"]} == {report, notice["id"]}
    claim(officer, notice)
    received = decide(officer, notice, "receive")
    assert (received.status_code, received.json["state"]) == (200, "received")
    assert "claimed_by" not in received.json, "nobody has anything to do with it any more"
    assert [each["in_hand"] for each in officer.get("/v1/desk/officers").json["data"]] == [0]
    assert [(each["id"], each["state"]) for each in officer.get(lying).json["data"]] == [(report, "received")]
    for utility, there in (("lodging_notice", []), ("security_report", [report])):
        assert [each["id"] for each in officer.get(f"{lying}?utility={utility}").json["data"]] == there
    with unchanged():
        assert_refused(claim(officer, notice), 409, "transition_not_allowed")
    assert opened(officer, notice).json["decisions"] == []
    turns = {code: wallet.catalogue.get(code).lifecycle.on_desk for code in ("lodging_notice", "security_report")}
    with wallet.work() as work:
        work.session.execute(update(RequestRow).where(RequestRow.id == notice["id"]).values(province=""))
        rows = RequestRepository(work.session)
        assert rows.in_no_province(turns) == {}, "what wallet doctor counts waits for somebody"
        assert rows.in_no_province({"lodging_notice": {"received"}}) == {"commune_police": 1}
