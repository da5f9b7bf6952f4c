"""Endpoints of webhooks: for admins, with a fresh sign-in, each edit naming what it edits, the secret shown once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.messages.test_addresses import REFUSED
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.errors import ConfigurationError
from wallet.idempotency import IdempotencyRow
from wallet.messages.models import OutgoingRow
from wallet.messages.posting import PinnedPoster
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
ENDPOINTS = "/v1/admin/webhook-endpoints"
URL = "https://hooks.example.vn/viso"
SHOWN = {"id", "url", "description", "events", "state", "version", "created_by", "created_at"}
NONE = "whk_" + "0" * 32


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def second(phone_of: Make) -> CitizenPhone:
    return phone_of("admin2")


@pytest.fixture
def made(admin: CitizenPhone) -> dict[str, Any]:
    """An endpoint with its secret."""
    response = admin.post(ENDPOINTS, {"url": URL, "description": "Tỉnh", "events": ["device.bound"]})
    assert response.status_code == 201, response.text
    return dict(response.json or {})


def path(endpoint: dict[str, Any], tail: str = "") -> str:
    return f"{ENDPOINTS}/{endpoint['id']}{tail}"


def change(admin: CitizenPhone, endpoint: dict[str, Any], tag: str = '"v1"', **changes: Any) -> TestResponse:
    return admin.call("PATCH", path(endpoint), json=changes, headers={"If-Match": tag} if tag else {})


def delete(admin: CitizenPhone, endpoint: dict[str, Any], tag: str = '"v1"') -> TestResponse:
    return admin.call("DELETE", path(endpoint), headers={"If-Match": tag} if tag else {})


def kept_answers(wallet: Wallet) -> str:
    with wallet.db.read() as session:
        return repr([row.answer for row in session.scalars(select(IdempotencyRow))])


# --- making, reading, changing, deleting -----------------------------------------------------------------------


def test_an_endpoint_is_made_and_its_secret_shown_once(
    wallet: Wallet, admin: CitizenPhone, made: dict[str, Any], events: Events
) -> None:
    assert made.keys() == SHOWN | {"secret"}
    assert made["secret"].startswith("whsec_")
    assert (made["state"], made["version"], made["events"]) == ("active", 1, ["device.bound"])
    read = admin.get(path(made))
    assert read.json == {name: value for name, value in made.items() if name != "secret"}
    assert read.headers["ETag"] == '"v1"'
    assert made["secret"] not in admin.get(ENDPOINTS).text
    assert made["secret"][6:] not in kept_answers(wallet)
    assert events("webhook_endpoint.created") == [{"actor": made["created_by"], "subject": made["id"]}]


def test_a_repeated_call_makes_nothing_and_shows_no_secret(
    wallet: Wallet, admin: CitizenPhone, unchanged: Unchanged
) -> None:
    first = admin.post(ENDPOINTS, {"url": URL}, key="again")
    with unchanged():
        second = admin.post(ENDPOINTS, {"url": URL}, key="again")
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (201, "true")
    assert "secret" not in second.json
    assert second.json == {name: value for name, value in first.json.items() if name != "secret"}
    assert first.headers["Location"] == second.headers["Location"] == path(first.json)


def test_an_endpoint_wants_everything_unless_it_says(admin: CitizenPhone) -> None:
    body = admin.post(ENDPOINTS, {"url": URL}).json
    assert (body["events"], body["description"]) == ([], "")


def test_any_admin_sees_and_changes_it(
    admin: CitizenPhone, second: CitizenPhone, made: dict[str, Any], events: Events
) -> None:
    response = change(second, made, description="Xã", events=[])
    assert response.status_code == 200
    assert (response.json["description"], response.json["events"], response.json["version"]) == ("Xã", [], 2)
    assert response.headers["ETag"] == '"v2"'
    assert admin.get(path(made)).json == response.json
    (event,) = events("webhook_endpoint.changed")
    assert event["fields"] == ["description", "events"]
    assert event["actor"] != made["created_by"]


def test_an_edit_of_what_another_admin_changed_is_refused(
    admin: CitizenPhone, second: CitizenPhone, made: dict[str, Any], unchanged: Unchanged
) -> None:
    assert change(second, made, description="Xã").status_code == 200
    with unchanged():
        assert_refused(change(admin, made, description="Tỉnh"), 412, "version_changed")
        assert_refused(delete(admin, made), 412, "version_changed")


@pytest.mark.parametrize("tag", ['"v2"', '"v0"', "v1", '"1"', 'W/"v1"', "*", '"v1", "v2"'])
def test_an_edit_has_to_name_what_it_edits(
    admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged, tag: str
) -> None:
    with unchanged():
        assert_refused(change(admin, made, tag, description="x"), 412, "version_changed")
        assert_refused(delete(admin, made, tag), 412, "version_changed")
        assert_refused(change(admin, made, "", description="x"), 428, "if_match_required")
        assert_refused(delete(admin, made, ""), 428, "if_match_required")


def test_an_endpoint_is_stopped_and_told_again(admin: CitizenPhone, made: dict[str, Any]) -> None:
    stopped = change(admin, made, state="disabled").json
    assert (stopped["state"], stopped["disabled_reason"]) == ("disabled", "by_admin")
    again = change(admin, made, '"v2"', state="active").json
    assert again["state"] == "active"
    assert "disabled_reason" not in again


def test_a_deleted_endpoint_is_gone_with_what_waited_for_it(
    wallet: Wallet, admin: CitizenPhone, made: dict[str, Any], events: Events
) -> None:
    admin.post(path(made, "/test-events"))
    response = delete(admin, made)
    assert (response.status_code, response.data) == (204, b"")
    assert_refused(admin.get(path(made)), 404, "not_found")
    with wallet.db.read() as session:
        assert list(session.scalars(select(OutgoingRow).where(OutgoingRow.target == made["id"]))) == []
    assert events("webhook_endpoint.deleted")[0]["subject"] == made["id"]


def test_endpoints_are_listed_page_by_page(admin: CitizenPhone, clock: FixedClock) -> None:
    ids = []
    for _ in range(3):
        ids.append(admin.post(ENDPOINTS, {"url": URL}).json["id"])
        clock.advance(seconds=1)
    first = admin.get(f"{ENDPOINTS}?limit=2").json
    assert [row["id"] for row in first["data"]] == [ids[2], ids[1]]
    second = admin.get(f"{ENDPOINTS}?limit=2&cursor={first['next_cursor']}").json
    assert ([row["id"] for row in second["data"]], second["next_cursor"]) == ([ids[0]], None)


# --- what is refused -------------------------------------------------------------------------------------------


def test_inside_cannot_be_named(admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged) -> None:
    """The corpus of tests/messages/test_addresses.py, by both ways in."""
    for url in REFUSED:
        if "\0" in url:
            continue  # no JSON of ours holds it
        with unchanged():
            for response in (admin.post(ENDPOINTS, {"url": url}), change(admin, made, url=url)):
                assert response.status_code == 422, url
                wanted = "webhook_url_refused" if url else "invalid_length"
                assert field_errors(assert_refused(response, 422, "invalid_input")) == {"/url": wanted}


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({}, {"/url": "required"}),
        ({"url": None}, {"/url": "null"}),
        ({"url": 7}, {"/url": "invalid_type"}),
        ({"url": "https://a.vn/" + "x" * 500}, {"/url": "invalid_length"}),
        ({"url": URL, "secret": "whsec_mine"}, {"/secret": "unknown_field"}),
        ({"url": URL, "state": "active"}, {"/state": "unknown_field"}),
        ({"url": URL, "description": "x" * 201}, {"/description": "invalid_length"}),
        ({"url": URL, "events": "device.bound"}, {"/events": "invalid_type"}),
        ({"url": URL, "events": ["*"]}, {"/events/0": "invalid_format"}),
        ({"url": URL, "events": ["device.bound", "Device.Bound"]}, {"/events/1": "invalid_format"}),
        ({"url": URL, "events": ["device.bound", 7]}, {"/events/1": "invalid_type"}),
        ({"url": URL, "events": ["device.bound"] * 51}, {"/events": "invalid_length"}),
    ],
)
def test_an_order_that_is_wrong_is_refused_by_field(
    admin: CitizenPhone, unchanged: Unchanged, order: dict[str, Any], fields: dict[str, str]
) -> None:
    with unchanged():
        body = assert_refused(admin.post(ENDPOINTS, order), 422, "invalid_input")
    assert field_errors(body) == fields


def test_a_change_that_is_wrong_is_refused(admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged) -> None:
    with unchanged():
        for changes in ({"state": "gone"}, {"secret": "x"}, {"version": 7}, {"created_by": "acc_x"}):
            assert_refused(change(admin, made, **changes), 422, "invalid_input")


def test_making_needs_a_key(admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged) -> None:
    with unchanged():
        for target, body in (
            (ENDPOINTS, {"url": URL}),
            (path(made, "/secret"), None),
            (path(made, "/test-events"), None),
        ):
            assert_refused(admin.post(target, body, key=None), 400, "idempotency_key_required")


def writes(endpoint: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    match = {"If-Match": '"v1"'}
    return [
        ("POST", ENDPOINTS, {"json": {"url": URL}}),
        ("PATCH", path(endpoint), {"json": {"description": "x"}, "headers": match}),
        ("DELETE", path(endpoint), {"headers": match}),
        ("POST", path(endpoint, "/secret"), {}),
        ("POST", path(endpoint, "/test-events"), {}),
        ("POST", path(endpoint, "/deliveries/dla_1/replay"), {}),
    ]


def tried(phone: CitizenPhone, method: str, target: str, options: dict[str, Any]) -> TestResponse:
    headers = {"Idempotency-Key": "k", **options.get("headers", {})}
    return phone.call(method, target, **(options | {"headers": headers}))


@pytest.mark.parametrize(
    ("who", "password", "status", "code"),
    [("an", True, 403, "not_allowed"), ("binh", True, 403, "not_allowed"), ("admin2", False, 401, "step_up_required")],
)
def test_nobody_else_may(
    admin: CitizenPhone,
    made: dict[str, Any],
    phone_of: Make,
    unchanged: Unchanged,
    who: str,
    password: bool,
    status: int,
    code: str,
) -> None:
    phone = phone_of(who, password=password)
    reads = [("GET", target, {}) for target in (ENDPOINTS, path(made), path(made, "/deliveries"))]
    with unchanged():
        for write in [*reads, *writes(made)]:
            assert_refused(tried(phone, *write), status, code)


def test_a_write_needs_a_sign_in_that_is_fresh(
    admin: CitizenPhone, made: dict[str, Any], clock: FixedClock, unchanged: Unchanged
) -> None:
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        for write in writes(made):
            response = tried(admin, *write)
            assert_refused(response, 401, "step_up_required")
            assert 'max_age="300"' in response.headers["WWW-Authenticate"]
    assert admin.get(path(made)).status_code == 200


def test_an_endpoint_that_is_not_there_is_not_found(
    admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged
) -> None:
    none = {"id": NONE}
    with unchanged():
        for write in writes(none)[1:]:
            assert_refused(tried(admin, *write), 404, "not_found")
        for target in (path(none), path(none, "/deliveries")):
            assert_refused(admin.get(target), 404, "not_found")
        assert_refused(admin.post(path(made, "/deliveries/dla_1/replay")), 404, "not_found")


# --- secrets, tests, log ---------------------------------------------------------------------------------------


def test_a_new_secret_is_shown_once_and_the_former_stays_for_a_day(
    wallet: Wallet, admin: CitizenPhone, made: dict[str, Any], events: Events
) -> None:
    rotated = admin.post(path(made, "/secret"), key="r")
    assert rotated.status_code == 201
    assert rotated.json["secret"] not in ("", made["secret"])
    assert rotated.json["former_secret_until"] == "2026-03-03T05:00:00Z"
    assert rotated.headers["ETag"] == '"v2"'
    again = admin.post(path(made, "/secret"), key="r")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "secret" not in again.json
    assert rotated.json["secret"][6:] not in kept_answers(wallet)
    assert len(events("webhook_endpoint.secret_rotated")) == 1


def test_a_test_event_is_queued_once(wallet: Wallet, admin: CitizenPhone, made: dict[str, Any]) -> None:
    answers = [admin.post(path(made, "/test-events"), key="t") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    with wallet.db.read() as session:
        queued = list(session.scalars(select(OutgoingRow).where(OutgoingRow.target == made["id"])))
    assert [row.event_id for row in queued] == [answers[0].json["event_id"]]


def test_a_disabled_endpoint_is_not_tested(admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged) -> None:
    change(admin, made, state="disabled")
    with unchanged():
        assert_refused(admin.post(path(made, "/test-events")), 409, "endpoint_disabled")


def test_the_log_tells_what_came_of_each_attempt(
    wallet: Wallet, admin: CitizenPhone, made: dict[str, Any], unchanged: Unchanged
) -> None:
    event = admin.post(path(made, "/test-events")).json["event_id"]
    inside = PinnedPoster(resolve=lambda host, port: ["10.0.0.1"])
    assert replace(wallet.delivering, poster=inside).deliver_webhooks()
    page = admin.get(path(made, "/deliveries")).json
    (attempt,) = page["data"]
    assert page["next_cursor"] is None
    assert (attempt["event_id"], attempt["type"]) == (event, "endpoint.test")
    assert attempt["outcome"] == "address_refused"
    assert "status" not in attempt
    with unchanged():
        replay = path(made, f"/deliveries/{attempt['id']}/replay")
        assert_refused(admin.post(replay), 409, "delivery_waiting")


def test_this_machine_is_for_a_demo_that_asks_for_it(wallet: Wallet, deployment: Settings) -> None:
    environ = {"WALLET_MODE": "production", "WALLET_WEBHOOKS_TO_LOCALHOST": "true"}
    with pytest.raises(ConfigurationError, match="WALLET_WEBHOOKS_TO_LOCALHOST"):
        Settings.from_environ(environ)
    asking = Wallet.build(replace(deployment, webhooks_to_localhost=True), clock=wallet.clock)
    phone = CitizenPhone(asking, create_app(asking).test_client(), "admin1")
    phone.sign_in()
    assert phone.post(ENDPOINTS, {"url": "http://localhost:9000/hook"}).status_code == 201
    assert_refused(phone.post(ENDPOINTS, {"url": "http://10.0.0.1:9000/hook"}), 422, "invalid_input")
    asking.close()
