"""The lean lane and Flask's answer the same, whatever comes in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from tests.phone import CitizenPhone
from wallet.web.app import create_app
from wallet.wiring import Wallet

ID = {"X-Request-ID": "the-same-for-both"}


@pytest.fixture
def lanes(wallet: Wallet) -> Callable[..., tuple[TestResponse, TestResponse]]:
    """Send a request to the application with its lane, and to Flask behind it."""
    app = create_app(wallet)
    lane: Any = app.wsgi_app

    def both(**options: Any) -> tuple[TestResponse, TestResponse]:
        options = {"method": "POST", "path": "/v1/checks", "headers": ID, **options}
        return Client(lane).open(**options), Client(lane._behind).open(**options)

    return both


def seen(response: TestResponse) -> tuple[int, dict[str, str], bytes]:
    return response.status_code, dict(sorted(response.headers.items())), response.data


def test_a_document_of_each_kind_gets_one_answer(
    lanes: Callable[..., Any], phone_of: Callable[..., CitizenPhone]
) -> None:
    citizen = phone_of("an")
    code = citizen.code_of(citizen.issue_residence())
    texts = [
        code,
        f" {code}\n",
        code[:-1],
        code.lower(),
        code[:40],
        "VL1:AB",
        "VG1:00",
        "",
        "xin chào",
        "VD1:" + "A" * 5000,
    ]
    verdicts = set()
    for text in texts:
        lean, full = lanes(json={"code": text})
        assert seen(lean) == seen(full)
        verdicts.add(lean.json["verdict"])
    assert verdicts == {"valid", "invalid"}


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"{", "content_type": "application/json"},
        {"data": b'{"code": "a", "code": "b"}', "content_type": "application/json"},
        {"data": b'{"code": NaN}', "content_type": "application/json"},
        {"data": b'{"code": "\\ud800"}', "content_type": "application/json"},
        {"data": b"\xff", "content_type": "application/json"},
        {"data": b"[" * 5000, "content_type": "application/json"},
        {"data": b"x" * 70000, "content_type": "application/json"},
        {"json": {}},
        {"json": {"code": 1}},
        {"json": {"code": "x", "purpose": "gate"}},
        {"json": ["VD1:"]},
        {"json": {"code": "x"}, "query_string": "lang=en"},
        {"data": json.dumps({"code": "x"}), "content_type": "text/plain"},
        {"data": json.dumps({"code": "x"}), "content_type": "application/json; charset=utf-8"},
        {"json": {"code": "x"}, "method": "PUT"},
        {"method": "GET"},
        {"json": {"code": "x"}, "headers": {**ID, "Accept-Language": "en"}},
        {"json": {"code": "x"}, "headers": {**ID, "Authorization": "Bearer x"}},
        {"json": {"code": "x"}, "headers": {**ID, "Authorization": "Bearer " + "x" * 9000}},
    ],
)
def test_whatever_is_odd_is_answered_by_flask_alone(lanes: Callable[..., Any], options: dict[str, Any]) -> None:
    lean, full = lanes(**options)
    assert seen(lean) == seen(full)


def test_a_request_id_that_is_not_plain_is_replaced_in_both(lanes: Callable[..., Any]) -> None:
    for response in lanes(json={"code": "x"}, headers={"X-Request-ID": "a b"}):
        assert response.headers["X-Request-ID"].startswith("rid_")


def test_the_lane_is_in_front_of_the_application(client: FlaskClient, wallet: Wallet) -> None:
    answered = client.post("/v1/checks", json={"code": "x"})
    assert answered.status_code == 200
    assert type(client.application.wsgi_app).__name__ == "CheckLane"
