"""Suspending and reinstating a document over HTTP: refused well, seen by the holder and by whoever checks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.texts.catalogue import both

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
REASONS = {"suspension": "data_disputed", "reinstatement": "ground_gone"}


def change(staff: CitizenPhone, document: str, way: str, reason: Any = None, **options: Any) -> TestResponse:
    body = {"reason": REASONS[way] if reason is None else reason}
    return staff.post(f"/v1/admin/documents/{document}/{way}", body, **options)


@pytest.fixture
def officer(phone_of: Make) -> CitizenPhone:
    return phone_of("officer1")


@pytest.fixture
def citizen(phone_of: Make) -> CitizenPhone:
    return phone_of("an")


def test_holder_and_whoever_checks_see_a_suspension_and_its_end(
    officer: CitizenPhone, citizen: CitizenPhone, clock: FixedClock
) -> None:
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    made = change(officer, document, "suspension")
    assert (made.status_code, made.json) == (
        201,
        {
            "document_id": document,
            "reason": "data_disputed",
            "reason_text": {"vi": "Dữ liệu đang được xác minh", "en": "The data is being verified"},
            "suspended_at": "2026-03-02T05:00:00Z",
        },
    )
    held = citizen.get(f"/v1/documents/{document}").json
    assert (held["state"], held["suspension_reason"]) == ("suspended", "data_disputed")
    assert held["suspension_reason_text"] == made.json["reason_text"]
    listed = {row["id"]: row for row in citizen.get("/v1/documents").json["data"]}
    assert (listed[document]["state"], listed[document]["suspension_reason_text"]) == (
        "suspended",
        made.json["reason_text"],
    )
    clock.advance(seconds=2)
    answer = citizen.client.post("/v1/checks", json={"code": code}).json
    assert (answer["verdict"], answer["reasons"], answer["accepted"]) == ("invalid", ["suspended"], False)
    codes = [notice["code"] for notice in citizen.get("/v1/notices").json["data"]]
    assert "document_suspended" in codes
    ended = change(officer, document, "reinstatement")
    assert (ended.status_code, ended.json["reinstated_at"]) == (201, "2026-03-02T05:00:02Z")
    assert ended.json["reason_text"] == both("reinstatement_reasons", ended.json["reason"])
    clock.advance(seconds=2)
    assert citizen.client.post("/v1/checks", json={"code": code}).json["reasons"] == ["ok"]
    held = citizen.get(f"/v1/documents/{document}").json
    assert held["state"] == "valid"
    assert held.keys().isdisjoint({"suspended_at", "suspension_reason", "suspension_reason_text"})


def test_refusals_change_nothing(
    officer: CitizenPhone, citizen: CitizenPhone, phone_of: Make, unchanged: Unchanged
) -> None:
    document, revoked = citizen.issue_residence(), citizen.issue_residence()
    admin, approver = phone_of("admin1"), phone_of("approver1")
    assert admin.post(f"/v1/admin/documents/{revoked}/revocation", {"reason": "fraud"}).status_code == 201
    with unchanged():
        assert_refused(change(officer, document, "reinstatement"), 409, "not_suspended")
        for way in REASONS:
            assert_refused(change(officer, revoked, way), 409, "already_revoked")
            assert_refused(change(officer, "doc_" + "0" * 32, way), 404, "not_found")
            assert_refused(change(citizen, document, way), 403, "not_allowed")
            assert_refused(change(approver, document, way), 403, "not_allowed")
        assert_refused(change(officer, document, "suspension", "authority_order"), 403, "not_allowed")
    assert change(officer, document, "suspension").status_code == 201
    with unchanged():
        assert_refused(change(admin, document, "suspension"), 409, "already_suspended")


def test_s55_revocation_is_not_taken_back_by_a_reinstatement(
    officer: CitizenPhone, citizen: CitizenPhone, phone_of: Make, unchanged: Unchanged, clock: FixedClock
) -> None:
    document = citizen.issue_residence()
    code, admin = citizen.code_of(document), phone_of("admin1")
    change(officer, document, "suspension")
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"})
    with unchanged():
        assert_refused(change(officer, document, "reinstatement"), 409, "already_revoked")
    clock.advance(seconds=2)
    assert citizen.client.post("/v1/checks", json={"code": code}).json["reasons"] == ["revoked"]


@pytest.mark.parametrize("way", REASONS)
def test_reason_outside_the_list_is_refused(
    officer: CitizenPhone, citizen: CitizenPhone, unchanged: Unchanged, way: str
) -> None:
    document = citizen.issue_residence()
    with unchanged():
        for reason in ("", "because", REASONS[way].upper(), REASONS[way] + " ", 5, [REASONS[way]], "fraud"):
            body = assert_refused(change(officer, document, way, reason), 422, "invalid_input")
            assert "/reason" in field_errors(body)
        for wrong in ({}, {"reason": REASONS[way], "more": 1}, []):
            response = officer.post(f"/v1/admin/documents/{document}/{way}", wrong)
            assert response.status_code in (400, 422), response.text


def test_replayed_order_answers_as_before(officer: CitizenPhone, citizen: CitizenPhone) -> None:
    document = citizen.issue_residence()
    first, again = (change(officer, document, "suspension", key="one") for _ in range(2))
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert_refused(change(officer, document, "suspension", "holder_asked", key="one"), 422, "idempotency_key_reused")


def test_device_alone_may_not(phone_of: Make, citizen: CitizenPhone, unchanged: Unchanged) -> None:
    document = citizen.issue_residence()
    officer = phone_of("officer1", password=False)
    with unchanged():
        for way in REASONS:
            assert_refused(change(officer, document, way), 401, "step_up_required")
