"""Launching over the API: stopping and narrowing need one admin, widening two; a pilot says whom it is for."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_review_desk import ask
from wallet.launching.audience import Audience, Plan
from wallet.launching.judging import judge
from wallet.launching.states import LaunchState
from wallet.sources.base import Ground
from wallet.terms import Actor
from wallet.texts.catalogue import catalogue
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

UTILITY = "/v1/admin/utilities/residence"
APPROVAL = {"id", "status", "utility", "target", "before", "after", "reason"}
APPROVAL |= {"requested_by", "requested_at", "expires_at"}
LAUNCH = {"code", "state", "version", "reason", "changed_by", "changed_at"}
GROUND = Ground("of_a_test", "residence", Actor("system"))
ORDER = {"utility": "residence"}
WORDS = {"vi": "Dữ liệu đang được cập nhật đến tối nay.", "en": "Data is being updated until tonight."}


def change(admin: CitizenPhone, state: str, tag: str | None = None, **options: Any) -> TestResponse:
    tag = admin.get(UTILITY).headers["ETag"] if tag is None else tag
    headers = {"If-Match": tag} if tag else {}
    order = {"state": state, "reason": "Dữ liệu được chỉnh lại"} | options.pop("more", {})
    return admin.call("PATCH", UTILITY, json=order, headers=headers | options.pop("headers", {}), **options)


def ask_to_open(admin: CitizenPhone) -> str:
    response = change(admin, "open")
    assert response.status_code == 202, response.text
    return str(response.json["id"])


def decide(admin: CitizenPhone, approval: str, decision: str = "approve", **options: Any) -> TestResponse:
    return admin.post(f"/v1/admin/approvals/{approval}/decision", {"decision": decision}, **options)


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def second(phone_of: Make) -> CitizenPhone:
    return phone_of("admin2")


@pytest.fixture
def paused(admin: CitizenPhone) -> CitizenPhone:
    """The first admin, who just paused the utility."""
    assert change(admin, "paused").status_code == 200
    return admin


# --- stopping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["paused", "off"])
def test_stopping_acts_at_once(admin: CitizenPhone, phone_of: Make, events: Events, target: str) -> None:
    citizen = phone_of("an")
    assert citizen.client.get("/v1/utilities/residence").json["state"] == "open"
    response = change(admin, target)
    assert response.status_code == 200
    assert response.json.keys() == LAUNCH
    assert (response.json["state"], response.json["version"]) == (target, 2)
    assert response.headers["ETag"] == '"v2"'
    assert_refused(citizen.post("/v1/requests", ORDER), 409, "utility_disabled")
    assert citizen.client.get("/v1/utilities/residence").json["state"] == target
    assert events(f"utility.{target}")[-1]["subject"] == "residence"


def test_merge_patch_is_what_a_patch_may_be_called(admin: CitizenPhone) -> None:
    response = change(admin, "paused", headers={"Content-Type": "application/merge-patch+json"})
    assert response.status_code == 200


def test_change_without_if_match_is_refused(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        assert_refused(change(admin, "paused", tag=""), 428, "if_match_required")


OTHER_TAGS = (
    '"v2"',
    '"v0"',
    '"v"',
    "v1",
    "1",
    '"1"',
    'W/"v1"',
    "*",
    '"v-1"',
    '"v1',
    '"v1", "v2"',
    '"v' + "9" * 50 + '"',
)


def test_change_of_another_version_is_refused(
    admin: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for tag in OTHER_TAGS:
        with subtests.test(tag=tag), unchanged():
            assert_refused(change(admin, "paused", tag=tag), 412, "version_changed")


def test_change_over_somebody_elses_is_refused(admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged) -> None:
    seen = second.get(UTILITY).headers["ETag"]
    assert change(admin, "paused").status_code == 200
    with unchanged():
        assert_refused(change(second, "off", tag=seen), 412, "version_changed")


def test_change_to_the_state_it_has_is_refused(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        body = assert_refused(change(admin, "open"), 409, "already_in_state")
    assert "Đang mở" in body["detail"]


def test_change_that_the_state_does_not_allow_is_refused(admin: CitizenPhone, unchanged: Unchanged) -> None:
    assert change(admin, "off").status_code == 200
    with unchanged():
        body = assert_refused(change(admin, "paused"), 409, "transition_not_allowed")
    assert "Tắt" in body["detail"]
    assert "Tạm dừng" in body["detail"]


WRONG_CHANGES = (
    ({}, {"/state": "required", "/reason": "required"}),
    ({"state": "paused"}, {"/reason": "required"}),
    ({"state": "paused", "reason": "x"}, {"/reason": "invalid_length"}),
    ({"state": "paused", "reason": "x" * 501}, {"/reason": "invalid_length"}),
    ({"state": "closed", "reason": "because"}, {"/state": "not_a_choice"}),
    ({"state": "paused", "reason": "because", "version": 7}, {"/version": "unknown_field"}),
    ({"state": ["paused"], "reason": 5}, {"/state": "invalid_type", "/reason": "invalid_type"}),
)


def test_wrong_change_is_refused(admin: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for order, pointers in WRONG_CHANGES:
        with subtests.test(order=order), unchanged():
            response = admin.call("PATCH", UTILITY, json=order, headers={"If-Match": '"v1"'})
            assert field_errors(assert_refused(response, 422, "invalid_input")) == pointers


def test_unknown_utility_is_not_found(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        assert_refused(admin.get("/v1/admin/utilities/no_such"), 404, "unknown_utility")
        order = {"state": "off", "reason": "because"}
        response = admin.call("PATCH", "/v1/admin/utilities/no_such", json=order, headers={"If-Match": '"v1"'})
        assert_refused(response, 404, "unknown_utility")


# --- opening ---------------------------------------------------------------------------------------------------


def test_opening_waits_for_a_second_admin(paused: CitizenPhone, phone_of: Make, second: CitizenPhone) -> None:
    response = change(paused, "open")
    body = response.json
    assert response.status_code == 202
    assert body.keys() == APPROVAL
    assert (body["status"], body["utility"], body["target"]) == ("awaiting_approval", "residence", "open")
    assert (body["before"], body["after"]) == ({"state": "paused"}, {"state": "open"})
    assert body["expires_at"] == "2026-03-09T05:00:00Z"
    assert response.headers["Location"] == f"/v1/admin/approvals/{body['id']}"
    assert paused.get(response.headers["Location"]).json == body
    assert second.get("/v1/admin/approvals").json == {"data": [body]}
    launch = paused.get(UTILITY).json
    assert (launch["state"], launch["version"], launch["awaiting_approval"]) == ("paused", 2, body["id"])
    citizen = phone_of("an")
    assert_refused(citizen.post("/v1/requests", ORDER), 409, "utility_disabled")
    opened = decide(second, body["id"])
    assert opened.status_code == 200
    assert (opened.json["state"], opened.json["version"]) == ("open", 3)
    assert "awaiting_approval" not in opened.json
    assert citizen.post("/v1/requests", ORDER).status_code == 201


def test_asker_may_not_agree(paused: CitizenPhone, unchanged: Unchanged) -> None:
    approval = ask_to_open(paused)
    with unchanged():
        assert_refused(decide(paused, approval), 403, "self_approval")
    assert paused.get(UTILITY).json["state"] == "paused"


def test_asker_may_take_it_back(paused: CitizenPhone, second: CitizenPhone) -> None:
    approval = ask_to_open(paused)
    assert decide(paused, approval, "refuse").json["state"] == "paused"
    assert_refused(decide(second, approval), 409, "approval_closed")


def test_second_may_refuse(paused: CitizenPhone, second: CitizenPhone, events: Events) -> None:
    approval = ask_to_open(paused)
    assert decide(second, approval, "refuse").json["state"] == "paused"
    assert second.get("/v1/admin/approvals").json == {"data": []}
    assert events("approval.refused")[-1]["approval"] == approval
    assert change(paused, "open").status_code == 202, "it may be asked for again"


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_second_decision_is_refused(
    paused: CitizenPhone, second: CitizenPhone, unchanged: Unchanged, decision: str
) -> None:
    approval = ask_to_open(paused)
    assert decide(second, approval).status_code == 200
    with unchanged():
        assert_refused(decide(second, approval, decision), 409, "approval_closed")
    assert_refused(second.get(f"/v1/admin/approvals/{approval}"), 404, "not_found")


def test_second_ask_is_refused(paused: CitizenPhone, second: CitizenPhone, unchanged: Unchanged) -> None:
    approval = ask_to_open(paused)
    for admin in (paused, second):
        with unchanged():
            body = assert_refused(change(admin, "open"), 409, "approval_pending")
        assert approval in body["detail"]


def test_agreement_to_what_has_changed_since_is_refused(
    paused: CitizenPhone, second: CitizenPhone, unchanged: Unchanged
) -> None:
    approval = ask_to_open(paused)
    assert change(second, "off").status_code == 200
    with unchanged():
        assert_refused(decide(second, approval), 412, "version_changed")
    assert paused.get(UTILITY).json["state"] == "off"


def test_unknown_approval_is_not_found(admin: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for approval in ("apr_" + "0" * 32, "x", "apr_"):
        with subtests.test(approval=approval), unchanged():
            for decision in ("approve", "refuse"):
                assert_refused(decide(admin, approval, decision), 404, "not_found")
            assert_refused(admin.get(f"/v1/admin/approvals/{approval}"), 404, "not_found")


def test_decision_without_a_key_or_a_choice_is_refused(
    paused: CitizenPhone, second: CitizenPhone, unchanged: Unchanged
) -> None:
    approval = ask_to_open(paused)
    with unchanged():
        assert_refused(decide(second, approval, key=None), 400, "idempotency_key_required")
        body = assert_refused(decide(second, approval, "maybe"), 422, "invalid_input")
    assert field_errors(body) == {"/decision": "not_a_choice"}


def test_replayed_agreement_answers_as_before(paused: CitizenPhone, second: CitizenPhone) -> None:
    approval = ask_to_open(paused)
    first, again = (decide(second, approval, key="one") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"] == '"v3"'


def test_eight_agreements_at_once_open_once(
    paused: CitizenPhone, second: CitizenPhone, wallet: Wallet, events: Events
) -> None:
    approval = ask_to_open(paused)
    before = len(events("approval.approved"))
    app, start = create_app(wallet), threading.Barrier(8)

    def agree(number: int) -> int:
        client = app.test_client()
        start.wait()
        headers = {**second.headers, "Idempotency-Key": f"key-{number}"}
        path = f"/v1/admin/approvals/{approval}/decision"
        return int(client.post(path, json={"decision": "approve"}, headers=headers).status_code)

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(agree, range(8)))
    assert statuses == [200] + [409] * 7
    assert len(events("approval.approved")) == before + 1


def test_s64_one_admin_alone_puts_nothing_in_force(
    paused: CitizenPhone, second: CitizenPhone, unchanged: Unchanged
) -> None:
    approval = ask_to_open(paused)
    assert second.get(UTILITY).json["state"] == "paused"
    with unchanged():
        assert_refused(decide(paused, approval), 403, "self_approval")
    assert decide(second, approval).json["state"] == "open"


def test_approval_expires(paused: CitizenPhone, phone_of: Make, clock: FixedClock, unchanged: Unchanged) -> None:
    approval = ask_to_open(paused)
    clock.advance(days=7)
    second = phone_of("admin2")
    with unchanged():
        assert_refused(decide(second, approval), 409, "approval_expired")
        assert_refused(second.get(f"/v1/admin/approvals/{approval}"), 404, "not_found")
    assert second.get("/v1/admin/approvals").json == {"data": []}


def test_emergency_is_told_to_the_other_admins(paused: CitizenPhone, second: CitizenPhone, events: Events) -> None:
    response = change(paused, "open", more={"emergency": True})
    assert (response.status_code, response.json["state"]) == (200, "open")
    assert events("utility.emergency")[-1]["subject"] == "residence"
    notice = second.get("/v1/notices").json["data"][0]
    assert (notice["code"], notice["values"]) == ("launch_emergency", {"name": "residence"})
    assert "residence" in notice["body"]


# --- the pause --------------------------------------------------------------------------------------------------


def pause(admin: CitizenPhone, **more: Any) -> TestResponse:
    return admin.post(f"{UTILITY}/pause", {"reason": "Sự cố dữ liệu"} | more)


def test_s39_pause_is_seen_by_the_next_request_with_words_of_its_own(
    admin: CitizenPhone, phone_of: Make, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    code = citizen.get(f"/v1/documents/{document}").json["code"] if citizen.tokens["auth_level"] >= 2 else ""
    response = pause(admin, pause_text=WORDS)
    assert (response.status_code, response.json["state"], response.headers["ETag"]) == (200, "paused", '"v2"')
    body = assert_refused(citizen.post("/v1/requests", ORDER), 409, "utility_disabled")
    assert WORDS["vi"] in body["detail"]
    english = citizen.post("/v1/requests", ORDER, headers={"Accept-Language": "en"})
    assert WORDS["en"] in assert_refused(english, 409, "utility_disabled", language="en")["detail"]
    assert citizen.client.get("/v1/utilities/residence").json["notice"] == WORDS
    clock.advance(seconds=2)
    verdict = citizen.client.post("/v1/checks", json={"code": code}).json
    assert verdict["verdict"] == "valid", "what was issued still verifies"


def test_pause_without_words_has_general_ones(admin: CitizenPhone, phone_of: Make) -> None:
    assert pause(admin).status_code == 200
    notice = admin.client.get("/v1/utilities/residence").json["notice"]
    assert notice == {language: catalogue(language)["availability"]["paused"] for language in ("vi", "en")}
    detail = assert_refused(phone_of("an").post("/v1/requests", ORDER), 409, "utility_disabled")["detail"]
    assert detail.startswith(notice["vi"])


def test_wrong_pause_is_refused(admin: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    wrong: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
        ({"reason": "x"}, {"/reason": "invalid_length"}),
        ({"pause_text": {"vi": "Tạm dừng"}}, {"/pause_text/en": "required"}),
        ({"pause_text": {"vi": "Tạm\ndừng", "en": "Paused"}}, {"/pause_text/vi": "invalid_format"}),
        ({"state": "off"}, {"/state": "unknown_field"}),
    )
    for more, pointers in wrong:
        with subtests.test(more=more), unchanged():
            assert field_errors(assert_refused(pause(admin, **more), 422, "invalid_input")) == pointers
    with unchanged():
        assert_refused(admin.post(f"{UTILITY}/pause", {"reason": "Sự cố"}, key=None), 400, "idempotency_key_required")
        assert_refused(admin.post("/v1/admin/utilities/no_such/pause", {"reason": "Sự cố"}), 404, "unknown_utility")
    assert pause(admin).status_code == 200
    with unchanged():
        assert_refused(pause(admin), 409, "already_in_state")


# --- a pilot ----------------------------------------------------------------------------------------------------


def pilot(admin: CitizenPhone, **audience: Any) -> TestResponse:
    response = change(admin, "pilot", more={"audience": audience})
    assert response.status_code == 200, response.text
    return response


def test_pilot_by_province_is_told_before_a_form_is_filled(
    admin: CitizenPhone, phone_of: Make, unchanged: Unchanged, events: Events
) -> None:
    assert pilot(admin, provinces=["46"]).json["audience"] == {"provinces": ["46"]}
    citizen = phone_of("an")
    shown = citizen.client.get("/v1/utilities/residence").json
    assert (shown["state"], shown["pilot"]) == ("pilot", {"provinces": [{"code": "46", "name": "Thành phố Huế"}]})
    before = len(events("source.read"))
    own = next(row for row in citizen.get("/v1/me/utilities").json["data"] if row["code"] == "residence")
    assert (own["available"], own["missing"]) == (False, "other_province")
    assert "Huế" in own["words"]["vi"]
    (read,) = events("source.read")[before:]
    assert (read["source"], read["purpose"]) == ("residence", "check_pilot")
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", ORDER), 403, "not_in_pilot")
    assert "Thành phố Huế" in body["detail"]
    pilot(admin, provinces=["46"], percent=50)  # narrower: at once
    approval = change(admin, "pilot", more={"audience": {"provinces": ["01", "46"]}}).json["id"]
    assert decide(phone_of("admin2"), approval).json["audience"] == {"provinces": ["01", "46"]}
    assert citizen.post("/v1/requests", ORDER).status_code == 201


def test_testers_are_told_to_admins_alone(admin: CitizenPhone, phone_of: Make) -> None:
    citizen = phone_of("an")
    account = citizen.get("/v1/me").json["account_id"]
    told = pilot(admin, percent=0, testers=[account])
    assert told.json["audience"] == {"percent": 0, "testers": [account]}
    assert citizen.client.get("/v1/utilities/residence").json["pilot"] == {"percent": 0}
    assert account not in citizen.client.get("/v1/utilities").text
    assert citizen.post("/v1/requests", ORDER).status_code == 201
    other = phone_of("sau")
    body = assert_refused(other.post("/v1/requests", ORDER), 403, "not_in_pilot")
    assert catalogue("vi")["availability"]["not_drawn"] in body["detail"]
    export = citizen.post("/v1/me/exports", {}).json
    section = next(each for each in export["sections"] if each["code"] == "tested_utilities")
    assert [row["utility"] for row in section["rows"]] == ["residence"]


def test_version_of_the_app_comes_with_each_request(admin: CitizenPhone, phone_of: Make) -> None:
    pilot(admin, minimum_app_version="2.10")
    citizen = phone_of("an")
    for version, status in (("2.9", 403), ("", 403), ("2.10.1", 201)):
        headers = {"App-Version": version} if version else {}
        response = citizen.post("/v1/requests", ORDER, headers=headers)
        assert response.status_code == status, version
        rows = citizen.get("/v1/me/utilities", headers=headers).json["data"]
        own = next(row for row in rows if row["code"] == "residence")
        assert own["available"] is (status == 201)
    assert "2.10" in citizen.post("/v1/requests", ORDER).json["detail"]


WRONG_AUDIENCES: tuple[tuple[Any, dict[str, str]], ...] = (
    ({}, {"/audience": "pilot_limits_nothing"}),
    ({"percent": 100}, {"/audience": "pilot_limits_nothing"}),
    ({"percent": 12.34}, {"/audience/percent": "out_of_range"}),
    ({"percent": 100.1}, {"/audience/percent": "out_of_range"}),
    ({"percent": -1}, {"/audience/percent": "out_of_range"}),
    ({"percent": "5"}, {"/audience/percent": "invalid_type"}),
    ({"percent": True}, {"/audience/percent": "invalid_type"}),
    ({"percent": 5, "provinces": ["1"]}, {"/audience/provinces/0": "invalid_format"}),
    ({"percent": 5, "provinces": []}, {"/audience/provinces": "invalid_length"}),
    ({"provinces": ["02", "99"]}, {
        "/audience/provinces/0": "unknown_province", "/audience/provinces/1": "unknown_province",
    }),
    ({"percent": 5, "testers": ["acc_nobody"]}, {"/audience/testers/0": "unknown_account"}),
    ({"from": "2026-03-02T05:00:00"}, {"/audience/from": "invalid_format"}),
    ({"from": 5, "until": "tomorrow"}, {"/audience/from": "invalid_type", "/audience/until": "invalid_format"}),
    ({"until": "2026-02-30T05:00:00Z"}, {"/audience/until": "invalid_format"}),
    ({"until": "2026-03-02T05:00:00Z"}, {"/audience/until": "ends_before_it_begins"}),
    ({"minimum_app_version": "2.x"}, {"/audience/minimum_app_version": "invalid_format"}),
    ({"percent": 5, "communes": ["00001"]}, {"/audience/communes": "unknown_field"}),
    ([], {"/audience": "invalid_type"}),
)  # fmt: skip


def test_wrong_audience_is_refused(admin: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for audience, pointers in WRONG_AUDIENCES:
        with subtests.test(audience=audience), unchanged():
            response = change(admin, "pilot", more={"audience": audience})
            assert field_errors(assert_refused(response, 422, "invalid_input")) == pointers


# --- at a time --------------------------------------------------------------------------------------------------


def test_a_stop_at_a_time_is_shown_and_taken_back_by_two(
    admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged
) -> None:
    planned = change(admin, "paused", more={"effective_at": "2026-03-02T22:00:00+07:00"})
    assert (planned.status_code, planned.json["state"]) == (200, "open")
    (entry,) = planned.json["schedule"]
    assert (entry["state"], entry["effective_at"]) == ("paused", "2026-03-02T15:00:00Z")
    path = f"{UTILITY}/schedule/{entry['id']}"
    with unchanged():
        assert_refused(second.call("DELETE", path), 428, "if_match_required")
        assert_refused(second.call("DELETE", path, headers={"If-Match": '"v1"'}), 412, "version_changed")
        other = second.call("DELETE", f"{UTILITY}/schedule/sch_x", headers={"If-Match": '"v2"'})
        assert_refused(other, 404, "not_found")
    waits = second.call("DELETE", path, headers={"If-Match": planned.headers["ETag"]})
    assert waits.status_code == 202, waits.text
    asked = waits.json
    assert waits.headers["Location"] == f"/v1/admin/approvals/{asked['id']}"
    assert (asked["takes_back"], asked["target"], asked["effective_at"]) == (entry["id"], "open", entry["effective_at"])
    assert (asked["before"]["state"], asked["after"]["state"]) == ("paused", "open")
    assert second.get(f"/v1/admin/approvals/{asked['id']}").json == asked
    seen = admin.get(UTILITY).json
    assert (seen["schedule"], seen["awaiting_approval"]) == ([entry], asked["id"])
    decision = f"/v1/admin/approvals/{asked['id']}/decision"
    with unchanged():
        again = admin.call("DELETE", path, headers={"If-Match": planned.headers["ETag"]})
        assert_refused(again, 409, "approval_pending")
        assert_refused(second.post(decision, {"decision": "approve"}), 403, "self_approval")
    gone = admin.post(decision, {"decision": "approve"})
    assert (gone.status_code, gone.headers["ETag"]) == (200, '"v3"')
    assert "schedule" not in gone.json


def test_an_opening_at_a_time_is_taken_back_by_one(admin: CitizenPhone, second: CitizenPhone) -> None:
    change(admin, "paused")
    asked = change(admin, "open", more={"effective_at": "2026-03-02T22:00:00+07:00"}).json
    planned = second.post(f"/v1/admin/approvals/{asked['id']}/decision", {"decision": "approve"})
    (entry,) = planned.json["schedule"]
    path = f"{UTILITY}/schedule/{entry['id']}"
    gone = second.call("DELETE", path, headers={"If-Match": planned.headers["ETag"]})
    assert gone.status_code == 200, gone.text
    assert "schedule" not in gone.json


# --- a preview --------------------------------------------------------------------------------------------------


def preview(admin: CitizenPhone, state: str, **more: Any) -> TestResponse:
    return admin.call("POST", f"{UTILITY}/launch/preview", json={"state": state} | more)


def test_preview_counts_who_gains_and_who_loses(
    admin: CitizenPhone, wallet: Wallet, events: Events, unchanged: Unchanged
) -> None:
    with unchanged():
        body = preview(admin, "paused").json
    with wallet.read() as work:
        members = list(work.accounts.active())
    accounts = len(members)
    assert (body["accounts"], body["counted"]) == (accounts, accounts)
    assert (body["gains"], body["loses"]) == ({"count": 0}, {"count": accounts})
    assert (body["before"], body["after"]) == ({"state": "open"}, {"state": "paused"})
    assert (body["needs_approval"], body["minimum_account_level"]) == (False, 2)
    provinces: Counter[str] = Counter()
    with wallet.work() as work:
        for _, holder_id, _ in members:
            found = work.sources.find("residence", work.holders.number(holder_id), GROUND, subject=holder_id)
            code = (found or {}).get("permanent_province_code")
            provinces[str(code)] += code is not None
    told = {row["province"]: row["loses"] for row in body["by_province"]}
    assert told == {
        code: {"count": count} if count >= 5 else {"fewer_than": 5} for code, count in provinces.items() if count
    }
    counted = events("source.counted")
    assert {event["purpose"] for event in counted} == {"plan_launch"}
    assert max(event["people"] for event in counted) == accounts


def test_preview_agrees_with_the_decisions(admin: CitizenPhone, wallet: Wallet) -> None:
    audience = {"provinces": ["01", "79"], "percent": 60}
    body = preview(admin, "pilot", audience=audience).json
    plan = Plan(LaunchState.PILOT, Audience(provinces=frozenset({"01", "79"}), permille=600))
    out = 0
    with wallet.work() as work:
        for account_id, holder_id, _ in work.accounts.active():
            who = work.launches.visitor_as("residence", account_id, holder_id, Actor("system"), "check_pilot")
            out += not judge("residence", plan, who).available
    assert body["loses"] == {"count": out}
    assert (body["gains"], body["needs_approval"]) == ({"count": 0}, False)


def test_small_counts_are_not_told(admin: CitizenPhone, phone_of: Make) -> None:
    assert change(admin, "off").status_code == 200
    account = phone_of("an").get("/v1/me").json["account_id"]
    body = preview(admin, "sandbox", audience={"testers": [account]}).json
    assert (body["gains"], body["loses"], body["needs_approval"]) == ({"fewer_than": 5}, {"count": 0}, True)
    assert body["by_province"] == [
        {"province": "01", "name": "Thành phố Hà Nội", "gains": {"fewer_than": 5}, "loses": {"count": 0}}
    ]


def test_preview_without_a_register_that_counts_says_what_it_can(admin: CitizenPhone, wallet: Wallet) -> None:
    wallet.__dict__["residence_counter"] = None
    body = preview(admin, "paused").json
    assert body["loses"]["count"] == body["accounts"]
    assert "by_province" not in body
    body = preview(admin, "pilot", audience={"provinces": ["01"]}).json
    assert not body.keys() & {"gains", "loses", "by_province", "gains_below_level"}


def test_preview_refuses_what_the_change_would_be_refused(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        assert_refused(preview(admin, "open"), 409, "already_in_state")
        assert_refused(preview(admin, "pilot", audience={}), 422, "invalid_input")
        body = assert_refused(preview(admin, "paused", reason="because"), 422, "invalid_input")
    assert field_errors(body) == {"/reason": "unknown_field"}


# --- why a citizen sees it --------------------------------------------------------------------------------------


def explain(admin: CitizenPhone, account_id: str, purpose: str = "citizen_asked", **more: Any) -> TestResponse:
    body = {"account_id": account_id, "purpose": purpose} | more
    return admin.call("POST", f"{UTILITY}/launch/explanations", json=body)


def test_explanation_says_yes_or_no_to_every_rule_and_is_told_to_the_citizen(
    admin: CitizenPhone, phone_of: Make, events: Events
) -> None:
    pilot(admin, provinces=["46"], percent=99.9, until="2026-04-01T00:00:00Z")
    citizen = phone_of("an")
    account = citizen.get("/v1/me").json["account_id"]
    body = explain(admin, account, "complaint").json
    assert (body["available"], body["decided_by"], body["missing"]) == (False, "province", "other_province")
    own = citizen.get("/v1/me/utilities").json["data"]
    assert body["words"] == next(each["words"] for each in own if each["code"] == "residence"), (
        "the citizen's own words"
    )
    rules = {row["rule"]: (row["applies"], row["holds"]) for row in body["rules"]}
    assert rules == {
        "state": (True, True),
        "from": (False, True),
        "until": (True, True),
        "app_version": (False, True),
        "tester": (False, False),
        "percent": (True, True),
        "province": (True, False),
    }
    assert 0.1 <= body["seen_from_percent"] <= 100
    assert "01" not in str(body["rules"]), "where somebody lives is not said"
    assert events("launch.explained")[-1]["purpose"] == "complaint"
    export = citizen.post("/v1/me/exports", {}).json
    history = next(each for each in export["sections"] if each["code"] == "history")["rows"]
    (row,) = [row for row in history if row["action"] == "launch.explained"]
    assert (row["actor"], row["purpose"], row["utility"]) == ("staff", "complaint", "residence")
    assert any(row["action"] == "source.read" and row.get("purpose") == "explain_launch" for row in history)


def test_explanation_needs_a_purpose_and_somebody(admin: CitizenPhone, phone_of: Make, unchanged: Unchanged) -> None:
    account = phone_of("an").get("/v1/me").json["account_id"]
    with unchanged():
        body = assert_refused(explain(admin, account, "curiosity"), 422, "invalid_input")
        assert field_errors(body) == {"/purpose": "not_a_choice"}
        assert_refused(explain(admin, "acc_" + "0" * 32), 404, "account_unknown")
        other = admin.call(
            "POST",
            "/v1/admin/utilities/no_such/launch/explanations",
            json={"account_id": account, "purpose": "audit"},
        )
        assert_refused(other, 404, "unknown_utility")


def test_a_small_number_of_open_requests_is_not_told_either(admin: CitizenPhone, phone_of: Make) -> None:
    path = "/v1/admin/utilities/judicial_record/launch/preview"
    assert admin.call("POST", path, json={"state": "paused"}).json["open_requests"] == {"count": 0}
    citizen = phone_of("an")
    for count in range(1, 6):
        ask(citizen)
        told = admin.call("POST", path, json={"state": "paused"}).json["open_requests"]
        assert told == ({"fewer_than": 5} if count < 5 else {"count": 5})


# --- what stops by itself ---------------------------------------------------------------------------------------


def test_a_rule_is_set_shown_and_lifted(admin: CitizenPhone) -> None:
    set_ = change(admin, "open", more={"stop_rule": {"failed_percent": 12.5}})
    rule = {"failed_percent": 12.5, "minutes": 10, "least": 20}
    assert (set_.status_code, set_.json["stop_rule"]) == (200, rule)
    assert admin.get(UTILITY).json["stop_rule"] == rule
    lifted = change(admin, "open", more={"stop_rule": {"failed_percent": 100}})
    assert "stop_rule" not in lifted.json


@pytest.mark.parametrize(
    ("rule", "pointers"),
    [
        ({}, {"/stop_rule/failed_percent": "required"}),
        ({"failed_percent": 101}, {"/stop_rule/failed_percent": "out_of_range"}),
        ({"failed_percent": "5"}, {"/stop_rule/failed_percent": "invalid_type"}),
        ({"failed_percent": 5, "minutes": 0}, {"/stop_rule/minutes": "out_of_range"}),
        ({"failed_percent": 5, "minutes": 1.5}, {"/stop_rule/minutes": "invalid_type"}),
        ({"failed_percent": 5, "least": 4}, {"/stop_rule/least": "out_of_range"}),
        ({"failed_percent": 5, "over": 4}, {"/stop_rule/over": "unknown_field"}),
    ],
)
def test_a_rule_that_is_none_is_refused(
    admin: CitizenPhone, unchanged: Unchanged, rule: dict[str, Any], pointers: dict[str, str]
) -> None:
    with unchanged():
        response = change(admin, "open", more={"stop_rule": rule})
    assert field_errors(assert_refused(response, 422, "invalid_input")) == pointers
