"""What admins do with documents: revocation is final, and happens once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from wallet.texts.catalogue import both
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def second(phone_of: Make) -> CitizenPhone:
    return phone_of("admin2")


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
            assert response.json == {
                "document_id": document,
                "reason": reason,
                "reason_text": both("revocation_reasons", reason),
                "revoked_at": "2026-03-02T05:00:00Z",
            }
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
        assert_refused(admin.get("/v1/admin/utilities/residence"), 401, "step_up_required")
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
