"""What admins do: revocation is final, opening needs two, stopping needs one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

UTILITY = "/v1/admin/utilities/residence"
APPROVAL = {"id", "status", "utility", "target", "reason", "requested_by", "requested_at"}
LAUNCH = {"code", "state", "version", "reason", "changed_by", "changed_at"}


def change(admin: CitizenPhone, state: str, tag: str | None = None, **options: Any) -> TestResponse:
    tag = admin.get(UTILITY).headers["ETag"] if tag is None else tag
    headers = {"If-Match": tag} if tag else {}
    order = {"state": state, "reason": "Dữ liệu được chỉnh lại"}
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
    assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 409, "utility_disabled")
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
    assert response.headers["Location"] == f"/v1/admin/approvals/{body['id']}"
    assert paused.get(response.headers["Location"]).json == body
    assert second.get("/v1/admin/approvals").json == {"data": [body]}
    launch = paused.get(UTILITY).json
    assert (launch["state"], launch["version"], launch["awaiting_approval"]) == ("paused", 2, body["id"])
    citizen = phone_of("an")
    assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 409, "utility_disabled")
    opened = decide(second, body["id"])
    assert opened.status_code == 200
    assert (opened.json["state"], opened.json["version"]) == ("open", 3)
    assert "awaiting_approval" not in opened.json
    assert citizen.post("/v1/requests", {"utility": "residence"}).status_code == 201


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


# --- revocation ------------------------------------------------------------------------------------------------

REASONS = ("data_changed", "issued_in_error", "holder_asked", "holder_died", "fraud", "court_order")


def revoke(admin: CitizenPhone, document: str, reason: Any = "fraud", **options: Any) -> TestResponse:
    return admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": reason}, **options)


def test_revocation_takes_each_reason_of_the_list(
    admin: CitizenPhone, phone_of: Make, events: Events, subtests: pytest.Subtests
) -> None:
    for reason in REASONS:
        with subtests.test(reason=reason):
            document = phone_of("an").issue_residence()
            response = revoke(admin, document, reason)
            assert response.status_code == 201
            assert response.json == {"document_id": document, "reason": reason, "revoked_at": "2026-03-02T05:00:00Z"}
            assert events("document.revoked")[-1]["subject"] == document


def test_reason_outside_the_list_is_refused(
    admin: CitizenPhone, phone_of: Make, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for reason in ("", "because", "FRAUD", "fraud ", None, 5, ["fraud"]):
        with subtests.test(reason=reason):
            document = phone_of("an").issue_residence()
            with unchanged():
                body = assert_refused(revoke(admin, document, reason), 422, "invalid_input")
            assert field_errors(body).keys() == {"/reason"}


def test_revocation_happens_once(
    admin: CitizenPhone, second: CitizenPhone, phone_of: Make, unchanged: Unchanged
) -> None:
    document = phone_of("an").issue_residence()
    assert revoke(admin, document, "fraud").status_code == 201
    with unchanged():
        for again in (admin, second):
            assert_refused(revoke(again, document, "holder_asked"), 409, "already_revoked")


def test_replayed_revocation_answers_as_before(admin: CitizenPhone, phone_of: Make) -> None:
    document = phone_of("an").issue_residence()
    first, again = (revoke(admin, document, key="one") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data


def test_revocation_of_nothing_is_not_found(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        for document in ("doc_" + "0" * 32, "x", "req_" + "0" * 32):
            assert_refused(revoke(admin, document), 404, "not_found")


def test_revocation_cannot_be_taken_back(admin: CitizenPhone, phone_of: Make, unchanged: Unchanged) -> None:
    document = phone_of("an").issue_residence()
    revoke(admin, document)
    with unchanged():
        for method in ("DELETE", "PUT", "PATCH", "GET"):
            response = admin.call(method, f"/v1/admin/documents/{document}/revocation")
            assert_refused(response, 405, "method_not_allowed")


def test_citizen_may_not_revoke_their_own(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    with unchanged():
        assert_refused(revoke(citizen, document, "holder_asked"), 403, "not_allowed")


def test_admin_by_the_device_alone_may_nothing(phone_of: Make, unchanged: Unchanged) -> None:
    document = phone_of("an").issue_residence()
    admin = phone_of("admin1", password=False)
    with unchanged():
        response = revoke(admin, document)
        assert_refused(response, 401, "step_up_required")
        assert_refused(admin.get(UTILITY), 401, "step_up_required")
    assert 'acr_values="urn:viso:auth:2"' in response.headers["WWW-Authenticate"]


def test_eight_revocations_at_once_revoke_once(
    admin: CitizenPhone, phone_of: Make, wallet: Wallet, events: Events
) -> None:
    document = phone_of("an").issue_residence()
    app, start = create_app(wallet), threading.Barrier(8)
    before = len(events("document.revoked"))

    def attempt(number: int) -> int:
        client = app.test_client()
        start.wait()
        headers = {**admin.headers, "Idempotency-Key": f"key-{number}"}
        path = f"/v1/admin/documents/{document}/revocation"
        return int(client.post(path, json={"reason": "fraud"}, headers=headers).status_code)

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(attempt, range(8)))
    assert statuses == [201] + [409] * 7
    assert len(events("document.revoked")) == before + 1
