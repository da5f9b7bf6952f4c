"""A payment provider over HTTP: asked and telling by signed calls; what was done once is never done twice."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse
from werkzeug.wsgi import LimitedStream

from tests.payments.provider import OTHER, SECRET, Provider, call, serving, tell
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_drafts import ANSWERS, JUDICIAL
from wallet.audit import AuditEvent
from wallet.errors import ConfigurationError
from wallet.payments.models import PaymentRow
from wallet.settings import Settings
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
FEE = 200_000
PATH = "/v1/payments/callbacks"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving(Provider()) as running:
        yield running


def secret_file(folder: Path, *secrets: str) -> str:
    path = folder / "payments.secret"
    path.write_text("\n".join(secrets))
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def deployment(deployment: Settings, provider: Provider, tmp_path: Path) -> Settings:
    """A deployment whose provider is that of the test."""
    secrets = secret_file(tmp_path, SECRET)
    return replace(deployment, embedded_payments=False, payments_url=provider.url, payments_secret_file=secrets)


@pytest.fixture
def citizen(phone_of: Make) -> CitizenPhone:
    return phone_of("an")


@pytest.fixture
def request_(citizen: CitizenPhone) -> dict[str, Any]:
    """A request that waits for its fee."""
    response = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
    assert response.status_code == 201, response.text
    assert response.json["state"] == "awaiting_payment"
    return dict(response.json)


@pytest.fixture
def reference(citizen: CitizenPhone, request_: dict[str, Any]) -> str:
    (payment,) = citizen.get(f"/v1/requests/{request_['id']}/payments").json["data"]
    return str(payment["address"]).rpartition("/")[2]


def post(client: FlaskClient, clock: FixedClock, outcome: dict[str, Any], **options: Any) -> TestResponse:
    body, headers = call(outcome, clock.now() + options.pop("apart", timedelta()), **options)
    return client.post(PATH, data=body, headers=headers)


def success(reference: str, amount: int = FEE) -> dict[str, Any]:
    return {"reference": reference, "outcome": "success", "amount": amount}


def state_of(citizen: CitizenPhone, request: dict[str, Any]) -> str:
    return str(citizen.get(f"/v1/requests/{request['id']}").json["state"])


def count(wallet: Wallet, action: str) -> int:
    with wallet.db.read() as session:
        return session.scalar(select(func.count()).where(AuditEvent.action == action)) or 0


# --- asked and told ---------------------------------------------------------------------------------------------


def test_payment_is_opened_at_the_provider_and_paid_by_its_call(
    citizen: CitizenPhone, request_: dict[str, Any], reference: str, provider: Provider, clock: FixedClock
) -> None:
    (order,) = provider.orders
    assert order["amount"] == {"amount": FEE, "currency": "VND"}
    assert order["callback_url"].endswith(PATH)
    assert order["payment_id"].startswith("pay_")
    assert provider.refused == 0
    told = post(citizen.client, clock, success(reference))
    assert (told.status_code, told.json) == (200, {"state": "paid", "repeated": False})
    assert told.headers["Cache-Control"] == "no-store"
    assert state_of(citizen, request_) == "submitted"


def test_over_the_network_a_failed_payment_is_told_and_another_one_paid(
    wallet: Wallet,
    application: Callable[[Wallet], Flask],
    citizen: CitizenPhone,
    request_: dict[str, Any],
    reference: str,
    clock: FixedClock,
) -> None:
    app = application(wallet)

    def bounded(environ: dict[str, Any], start: Any) -> Any:
        """End the body where it ends, as PEP 3333 asks of a server; the one at hand does not."""
        environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0))
        return app(environ, start)

    server = make_server("127.0.0.1", 0, bounded, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}{PATH}"
        failed = tell(url, success(reference) | {"outcome": "failure"}, clock.now())
        assert (failed.status_code, failed.json()["state"]) == (200, "failed")
        again = citizen.post(f"/v1/requests/{request_['id']}/payments").json["address"].rpartition("/")[2]
        assert again != reference
        paid = tell(url, success(again), clock.now(), call_id="evt_2")
        assert (paid.status_code, paid.json()) == (200, {"state": "paid", "repeated": False})
        forged = tell(url, success(again), clock.now(), call_id="evt_3", secrets=(OTHER,))
        assert (forged.status_code, forged.json()["code"]) == (403, "call_not_signed")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert state_of(citizen, request_) == "submitted"


# --- once -------------------------------------------------------------------------------------------------------


def test_a_call_that_comes_again_is_answered_and_nothing_is_done(
    citizen: CitizenPhone, wallet: Wallet, reference: str, clock: FixedClock, unchanged: Unchanged
) -> None:
    assert post(citizen.client, clock, success(reference)).status_code == 200
    with unchanged():
        replayed = post(citizen.client, clock, success(reference))
        assert (replayed.status_code, replayed.json) == (200, {"state": "paid", "repeated": True})
        clock.advance(minutes=30)
        retried = post(citizen.client, clock, success(reference))  # the provider's own: the id stays, the time is new
        assert (retried.status_code, retried.json["repeated"]) == (200, True)
        other = post(citizen.client, clock, success(reference), call_id="evt_2")
        assert (other.status_code, other.json) == (200, {"state": "paid", "repeated": False})
    assert count(wallet, "payment.paid") == 1


def test_a_call_that_says_something_else_is_refused(
    citizen: CitizenPhone, reference: str, clock: FixedClock, unchanged: Unchanged
) -> None:
    failure = success(reference) | {"outcome": "failure"}
    assert post(citizen.client, clock, failure).json["state"] == "failed"
    with unchanged():
        assert_refused(post(citizen.client, clock, success(reference)), 409, "call_changed")


def test_of_many_at_once_one_pays(
    wallet: Wallet, application: Callable[[Wallet], Flask], reference: str, clock: FixedClock
) -> None:
    app = application(wallet)

    def one(number: int) -> Any:
        told = post(app.test_client(), clock, success(reference), call_id=f"evt_{number % 3}")
        return told.status_code, told.json["state"]

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(one, range(12))) == {(200, "paid")}
    assert count(wallet, "payment.paid") == 1


def test_a_call_whose_work_failed_is_taken_when_it_comes_again(
    citizen: CitizenPhone, wallet: Wallet, request_: dict[str, Any], reference: str, clock: FixedClock
) -> None:
    """What moves the request on fails: nothing is paid either, so that the provider tries again."""
    catalogue = wallet.catalogue
    del wallet.catalogue
    try:
        assert post(citizen.client, clock, success(reference)).status_code == 500
    finally:
        wallet.catalogue = catalogue
    assert count(wallet, "payment.paid") == 0
    assert post(citizen.client, clock, success(reference)).json == {"state": "paid", "repeated": False}
    assert state_of(citizen, request_) == "submitted"


# --- late, unknown, wrong ---------------------------------------------------------------------------------------


def test_money_that_comes_late_is_owed_back(
    citizen: CitizenPhone, wallet: Wallet, request_: dict[str, Any], reference: str, clock: FixedClock
) -> None:
    clock.advance(minutes=wallet.settings.payment_minutes, seconds=1)
    wallet.look_after_requests()
    citizen.sign_in(password=True)  # the token of before is over
    late = post(citizen.client, clock, success(reference))
    assert (late.status_code, late.json["state"]) == (200, "refund_due")
    notices = citizen.get("/v1/notices").json["data"]
    assert {"payment_late", "payment_expired"} <= {notice["code"] for notice in notices}
    assert count(wallet, "payment.refund_due") == 1


def test_wrong_payments_and_amounts_are_refused(
    citizen: CitizenPhone, reference: str, clock: FixedClock, unchanged: Unchanged
) -> None:
    wrong: tuple[tuple[dict[str, Any], int, str], ...] = (
        (success("SIM-nobodys"), 404, "not_found"),
        (success(reference, FEE - 1), 409, "other_amount"),
        (success(reference) | {"outcome": "maybe"}, 422, "invalid_input"),
        (success(reference) | {"amount": "200000"}, 422, "invalid_input"),
        (success(reference) | {"more": 1}, 422, "invalid_input"),
        ({"reference": reference}, 422, "invalid_input"),
    )
    for number, (outcome, status, code) in enumerate(wrong):
        with unchanged():
            assert_refused(post(citizen.client, clock, outcome, call_id=f"evt_{number}"), status, code)
    assert post(citizen.client, clock, success(reference), call_id="evt_0").json["state"] == "paid"


# --- signatures -------------------------------------------------------------------------------------------------


UNSIGNED: tuple[tuple[str, dict[str, str | None]], ...] = (
    ("no headers at all", {"Webhook-Id": None, "Webhook-Timestamp": None, "Webhook-Signature": None}),
    ("no id", {"Webhook-Id": None}),
    ("another id", {"Webhook-Id": "evt_2"}),
    ("a long id", {"Webhook-Id": "e" * 129}),
    ("no time", {"Webhook-Timestamp": None}),
    ("another time", {"Webhook-Timestamp": "1772427601"}),
    ("no time at all", {"Webhook-Timestamp": "soon"}),
    ("a time past all calendars", {"Webhook-Timestamp": "99999999999"}),
    ("a negative time", {"Webhook-Timestamp": "-1"}),
    ("no signature", {"Webhook-Signature": None}),
    ("an empty signature", {"Webhook-Signature": ""}),
    ("another version", {"Webhook-Signature": "v2,AAAA"}),
    ("no base64", {"Webhook-Signature": "v1,%%%"}),
    ("letters of no alphabet", {"Webhook-Signature": "v1,ệ"}),
    ("too many", {"Webhook-Signature": " ".join(["v1,AAAA"] * 9)}),
)


def test_what_is_not_signed_is_refused_unread(
    citizen: CitizenPhone, reference: str, clock: FixedClock, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for name, changes in UNSIGNED:
        body, headers = call(success(reference), clock.now())
        sent = {header: value for header, value in {**headers, **changes}.items() if value is not None}
        sent = {header: value.encode().decode("latin-1") for header, value in sent.items()}
        with subtests.test(name), unchanged():
            assert_refused(citizen.client.post(PATH, data=body, headers=sent), 403, "call_not_signed")
    for name, body in (("another body", json.dumps(success(reference, 1))), ("no text", b"\xff"), ("nothing", b"")):
        _, headers = call(success(reference), clock.now())
        with subtests.test(name), unchanged():
            assert_refused(citizen.client.post(PATH, data=body, headers=headers), 403, "call_not_signed")
    with unchanged():
        assert_refused(post(citizen.client, clock, success(reference), secrets=(OTHER,)), 403, "call_not_signed")


@pytest.mark.parametrize(
    ("seconds", "status"), [(-301, 403), (-300, 200), (0, 200), (300, 200), (301, 403), (86_400, 403)]
)
def test_a_call_is_taken_for_five_minutes(
    citizen: CitizenPhone, reference: str, clock: FixedClock, seconds: int, status: int
) -> None:
    told = post(citizen.client, clock, success(reference), apart=timedelta(seconds=seconds))
    assert told.status_code == status


def test_one_of_several_signatures_is_enough(citizen: CitizenPhone, reference: str, clock: FixedClock) -> None:
    assert post(citizen.client, clock, success(reference), secrets=(OTHER, SECRET)).status_code == 200


def test_the_secret_of_before_is_believed_while_it_is_in_the_file(
    deployment: Settings, reference: str, clock: FixedClock, tmp_path: Path, application: Callable[[Wallet], Flask]
) -> None:
    secret_file(tmp_path, OTHER, SECRET)
    changed = Wallet.build(deployment, clock=clock)
    client = application(changed).test_client()
    assert post(client, clock, success(reference), call_id="evt_1", secrets=(SECRET,)).status_code == 200
    assert post(client, clock, success(reference), call_id="evt_2", secrets=(OTHER,)).status_code == 200
    secret_file(tmp_path, OTHER)
    changed.close()
    after = Wallet.build(deployment, clock=clock)
    client = application(after).test_client()
    refused = post(client, clock, success(reference), call_id="evt_3", secrets=(SECRET,))
    assert_refused(refused, 403, "call_not_signed")
    after.close()


def test_without_a_provider_nobody_calls(
    deployment: Settings, clock: FixedClock, application: Callable[[Wallet], Flask]
) -> None:
    without = Wallet.build(replace(deployment, payments_url="", embedded_payments=True), clock=clock)
    client = application(without).test_client()
    assert_refused(post(client, clock, success("SIM-1")), 404, "not_found")
    without.close()


# --- a provider that does not open ------------------------------------------------------------------------------


def answers(**changes: Any) -> bytes:
    return json.dumps({"reference": "R-1", "address": "https://pay.example.vn/R-1"} | changes).encode()


WRONG_ANSWERS: tuple[tuple[int, bytes], ...] = (
    (500, b"{}"),
    (302, answers()),
    (200, b"<html>"),
    (200, b"[" * 10_000),
    (200, b"[]"),
    (200, answers(reference=5)),
    (200, answers(reference="R 1")),
    (200, answers(reference="R" * 65)),
    (200, answers(address=None)),
    (200, answers(address="http://pay.example.vn/R-1")),
    (200, answers(address="javascript:alert(1)")),
    (200, answers(address="https://user@pay.example.vn/R-1")),
    (200, answers(address="https://[bad/R-1")),
    (200, answers(address="https://pay.example.vn/" + "x" * 500)),
    (200, b" " * 20_000 + answers()),
)


def test_what_is_no_opened_payment_is_refused_and_there_is_no_request(
    citizen: CitizenPhone, provider: Provider, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for status, answer in WRONG_ANSWERS:
        provider.status, provider.answer = status, answer
        with subtests.test(status=status, answer=answer[:40]), unchanged():
            asked = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
            assert_refused(asked, 503, "payment_unavailable")


def test_a_name_that_another_payment_has_already_is_no_name(
    citizen: CitizenPhone, reference: str, provider: Provider, unchanged: Unchanged
) -> None:
    provider.answer = answers(reference=reference)
    with unchanged():
        asked = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
        assert_refused(asked, 503, "payment_unavailable")


def test_a_provider_that_says_nothing_is_left_in_time(
    citizen: CitizenPhone, provider: Provider, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.payments.remote.SECONDS", 0.3)
    provider.silent = True
    with unchanged():
        asked = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
        assert_refused(asked, 503, "payment_unavailable")


def test_an_address_on_this_machine_may_be_plain(citizen: CitizenPhone, provider: Provider, wallet: Wallet) -> None:
    provider.answer = answers(address="http://127.0.0.1:9/R-1")
    asked = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
    assert asked.status_code == 201
    with wallet.db.read() as session:
        assert session.scalars(select(PaymentRow.address)).all() == ["http://127.0.0.1:9/R-1"]


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["", "secret", "whsec_", "whsec_" + "A" * 31, "whsec_" + "Ạ" * 32, "\n".join([SECRET] * 3)]
)
def test_a_provider_needs_a_secret_that_is_one(deployment: Settings, tmp_path: Path, content: str) -> None:
    path = secret_file(tmp_path, content)
    with pytest.raises(ConfigurationError) as refused:
        Wallet.build(replace(deployment, payments_secret_file=path))
    assert "whsec_" in str(refused.value.problems)
    with pytest.raises(ConfigurationError) as refused:
        Wallet.build(replace(deployment, payments_secret_file=""))
    assert "WALLET_PAYMENTS_SECRET_FILE" in str(refused.value.problems)


def test_a_secret_that_others_can_read_is_refused(deployment: Settings, tmp_path: Path) -> None:
    Path(secret_file(tmp_path, SECRET)).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Wallet.build(deployment)


def test_a_provider_takes_the_place_of_the_played_one() -> None:
    url = {"WALLET_PAYMENTS_URL": "https://pay.example.vn/payments"}
    assert not Settings.from_environ(url).embedded_payments
    with pytest.raises(ConfigurationError, match="WALLET_EMBEDDED_PAYMENTS"):
        Settings.from_environ(url | {"WALLET_EMBEDDED_PAYMENTS": "true"})
