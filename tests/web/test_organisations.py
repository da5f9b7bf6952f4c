"""Organisations over the API: their representative, the register, the approver."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

KNOWN = {"enterprise_code": "0099000001"}
STATED = {
    "enterprise_code": "0099000777",
    "name": "Hợp tác xã Mẫu",
    "tax_code": "0099000777",
    "head_office": "Thôn 3, xã Mẫu, Hà Nội",
    "founded_on": "2020-05-06",
}


def register(phone: CitizenPhone, body: dict[str, str]) -> dict[str, Any]:
    response = phone.post("/v1/me/organisations", body)
    assert response.status_code == 201, response.text
    return dict(response.json or {})


def test_representative_is_approved_at_once(phone_of: Make) -> None:
    phone = phone_of()
    made = register(phone, KNOWN)
    assert made == {
        "id": made["id"],
        "enterprise_code": "0099000001",
        "tax_code": made["tax_code"],
        "name": "Công ty trách nhiệm hữu hạn Mẫu An",
        "head_office": "Số 12, ngõ 34, đường Nguyễn Khang, Hà Nội",
        "founded_on": "2019-04-01",
        "state": "active",
        "received_at": "2026-03-02T05:00:00Z",
        "due_at": "2026-03-05T17:00:00Z",
        "decided_at": "2026-03-02T05:00:00Z",
    }
    assert phone.get("/v1/me/organisations").json == {"data": [made]}
    assert phone_of("sau").get("/v1/me/organisations").json == {"data": []}


def test_unknown_one_goes_to_an_approver(phone_of: Make, unchanged: Unchanged) -> None:
    phone, approver = phone_of(), phone_of("approver1")
    made = register(phone, STATED)
    assert made["state"] == "pending"
    path = f"/v1/desk/organisations/{made['id']}/decision"
    waiting = (approver.get("/v1/desk/organisations").json or {})["data"]
    assert [(row["id"], row["overdue"]) for row in waiting] == [(made["id"], False)]
    with unchanged():
        refused = assert_refused(approver.post(path, {"decision": "refuse"}), 422, "invalid_input")
        assert field_errors(refused) == {"/reason": "required"}
    decided = approver.post(path, {"decision": "refuse", "reason": "data_differ"})
    assert (decided.status_code, (decided.json or {})["reason"]) == (201, "data_differ")
    with unchanged():
        assert_refused(approver.post(path, {"decision": "approve"}), 409, "order_closed")
        unknown = approver.post("/v1/desk/organisations/org_x/decision", {"decision": "approve"})
        assert_refused(unknown, 404, "not_found")
    assert (approver.get("/v1/desk/organisations").json or {})["data"] == []
    assert (phone.get("/v1/me/organisations").json or {})["data"][0]["state"] == "refused"


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        ("sau", KNOWN, 403, "not_representative"),
        ("an", {"enterprise_code": "0099000003"}, 403, "not_representative"),
        ("an", {"enterprise_code": "0099000777"}, 422, "invalid_input"),
        ("an", {"enterprise_code": "99"}, 422, "invalid_input"),
        ("an", STATED | {"founded_on": "hôm qua"}, 422, "invalid_input"),
        ("an", KNOWN | {"level": "2"}, 422, "invalid_input"),
        ("binh", KNOWN, 403, "level_too_low"),
    ],
)
def test_refused_and_nothing_stored(
    phone_of: Make, unchanged: Unchanged, key: str, body: dict[str, str], status: int, code: str
) -> None:
    phone = phone_of(key)
    with unchanged():
        assert_refused(phone.post("/v1/me/organisations", body), status, code)


def test_registering_asks_for_a_fresh_authentication_of_level_two(
    phone_of: Make, unchanged: Unchanged, clock: Any
) -> None:
    phone, alone = phone_of(), phone_of(password=False)
    with unchanged():
        assert_refused(alone.post("/v1/me/organisations", KNOWN), 401, "step_up_required")
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        assert_refused(phone.post("/v1/me/organisations", KNOWN), 401, "step_up_required")


@pytest.mark.parametrize("key", ["an", "officer1", "reviewer1", "admin1"])
def test_desk_of_organisations_is_for_approvers(phone_of: Make, unchanged: Unchanged, key: str) -> None:
    made, phone = register(phone_of(), STATED), phone_of(key)
    with unchanged():
        assert_refused(phone.get("/v1/desk/organisations"), 403, "not_allowed")
        decision = phone.post(f"/v1/desk/organisations/{made['id']}/decision", {"decision": "approve"})
        assert_refused(decision, 403, "not_allowed")


def test_pages_of_cases_are_bound_to_their_state(phone_of: Make, wallet: Wallet) -> None:
    phone, approver = phone_of(), phone_of("approver1")
    for last in range(3):
        register(phone, STATED | {"enterprise_code": f"009900078{last}"})
    first = approver.get("/v1/desk/organisations?limit=2").json or {}
    rest = approver.get(f"/v1/desk/organisations?limit=2&cursor={first['next_cursor']}").json or {}
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)
    other = approver.get(f"/v1/desk/organisations?state=active&cursor={first['next_cursor']}")
    assert_refused(other, 400, "invalid_cursor")
    assert_refused(approver.get("/v1/desk/organisations?state=open"), 400, "invalid_parameter")
