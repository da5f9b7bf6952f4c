"""A payment provider over HTTP: asked and telling by signed calls; what was done once is never done twice."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.payments.provider import OTHER, SECRET, Provider, call, serving, tell
from tests.phone import CitizenPhone
from tests.served import served
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
    with served(application(wallet)) as address:
        url = address + PATH
        failed = tell(url, success(reference) | {"outcome": "failure"}, clock.now())
        assert (failed.status_code, failed.json()["state"]) == (200, "failed")
        again = citizen.post(f"/v1/requests/{request_['id']}/payments").json["address"].rpartition("/")[2]
        assert again != reference
        paid = tell(url, success(again), clock.now(), call_id="evt_2")
        assert (paid.status_code, paid.json()) == (200, {"state": "paid", "repeated": False})
        forged = tell(url, success(again), clock.now(), call_id="evt_3", secrets=(OTHER,))
        assert (forged.status_code, forged.json()["code"]) == (403, "call_not_signed")
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


def waiting(citizen: CitizenPhone) -> dict[str, Any]:
    """Ask for something that costs; return the request, which waits for its fee whatever the provider does."""
    response = citizen.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
    assert response.status_code == 201, response.text
    assert response.json["state"] == "awaiting_payment"
    return dict(response.json)


def payments_of(citizen: CitizenPhone, request: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return of each payment its state, and whether there is an address to pay at."""
    found = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    return [(each["state"], "address" in each) for each in found]


def begin(citizen: CitizenPhone, request: dict[str, Any], **options: Any) -> TestResponse:
    return citizen.post(f"/v1/requests/{request['id']}/payments", **options)


def test_what_is_no_opened_payment_opens_none_and_the_request_stands(
    citizen: CitizenPhone, provider: Provider, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    provider.status, provider.answer = WRONG_ANSWERS[0]
    request = waiting(citizen)
    for status, answer in WRONG_ANSWERS:
        provider.status, provider.answer = status, answer
        with subtests.test(status=status, answer=answer[:40]), unchanged():
            assert_refused(begin(citizen, request), 503, "payment_unavailable")
            assert payments_of(citizen, request) == [("opening", False)]
    provider.status, provider.answer = 201, None
    opened = begin(citizen, request)
    assert (opened.status_code, opened.json["state"]) == (201, "open")
    assert len({order["payment_id"] for order in provider.orders}) == 1, "to the provider it was one payment all along"


def test_a_name_that_another_payment_has_already_is_no_name(
    citizen: CitizenPhone, reference: str, provider: Provider, unchanged: Unchanged
) -> None:
    provider.answer = answers(reference=reference)
    request = waiting(citizen)
    with unchanged():
        assert_refused(begin(citizen, request), 503, "payment_unavailable")
    assert payments_of(citizen, request) == [("opening", False)]


def test_a_provider_that_says_nothing_is_left_in_time(
    citizen: CitizenPhone, provider: Provider, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.payments.remote.SECONDS", 0.3)
    provider.silent = True
    request = waiting(citizen)
    with unchanged():
        assert_refused(begin(citizen, request), 503, "payment_unavailable")
    assert payments_of(citizen, request) == [("opening", False)]


# --- begun, and not opened yet ----------------------------------------------------------------------------------


def test_whoever_writes_meanwhile_is_not_held_up_by_a_slow_provider(
    wallet: Wallet, application: Callable[[Wallet], Flask], phone_of: Make, provider: Provider
) -> None:
    app, citizen, other = application(wallet), phone_of("an"), phone_of("sau")
    provider.silent = True
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            CitizenPhone.post, _on(app, citizen), "/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS}
        )
        assert provider.asked.wait(10)
        other.issue_residence()  # a write like any other, in the middle of it
        assert not asked.done(), "the provider has not answered, and nobody but its payer waits for it"
        provider.ended.set()
        assert asked.result().json["state"] == "awaiting_payment"


def _on(app: Flask, phone: CitizenPhone) -> CitizenPhone:
    """Return the same phone with a client of its own: one is good for one thread."""
    twin = CitizenPhone(phone.wallet, app.test_client(), phone.persona.key)
    twin.tokens = phone.tokens
    return twin


def test_an_answer_that_got_lost_is_asked_for_again_by_the_job(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    """As after a crash between the two halves: the provider has opened it, and nobody here knows."""
    provider.lost = True
    request = waiting(citizen)
    assert payments_of(citizen, request) == [("opening", False)]
    provider.lost = False
    wallet.opening.run()
    assert payments_of(citizen, request) == [("opening", False)], "it is left to whoever began it for a while"
    clock.advance(seconds=11)
    assert wallet.opening.run() is False
    assert payments_of(citizen, request) == [("open", True)]
    asked = len(provider.orders)
    wallet.opening.run()
    assert len(provider.orders) == asked == 2
    assert len({order["payment_id"] for order in provider.orders}) == 1
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    told = post(citizen.client, clock, success(payment["address"].rpartition("/")[2]))
    assert (told.status_code, told.json["state"]) == (200, "paid")
    assert state_of(citizen, request) == "submitted"
    assert count(wallet, "payment.paid") == 1


def test_what_a_process_left_another_one_opens(
    citizen: CitizenPhone, deployment: Settings, provider: Provider, clock: FixedClock
) -> None:
    provider.lost = True
    request = waiting(citizen)
    provider.lost = False
    clock.advance(seconds=11)
    restarted = Wallet.build(deployment, clock=clock)
    restarted.opening.run()
    restarted.close()
    assert payments_of(citizen, request) == [("open", True)]
    assert len({order["payment_id"] for order in provider.orders}) == 1


def test_the_same_key_opens_what_it_began_and_no_second_one(
    citizen: CitizenPhone, request_: dict[str, Any], reference: str, provider: Provider, clock: FixedClock
) -> None:
    failure = success(reference) | {"outcome": "failure"}
    assert post(citizen.client, clock, failure).json["state"] == "failed"
    clock.advance(seconds=1)
    provider.lost = True
    for _ in range(2):
        assert_refused(begin(citizen, request_, key="pay"), 503, "payment_unavailable")
        assert payments_of(citizen, request_) == [("failed", True), ("opening", False)]
    provider.lost = False
    opened = begin(citizen, request_, key="pay")
    again = begin(citizen, request_, key="pay")
    assert (opened.status_code, opened.json["state"], opened.data) == (201, "open", again.data)
    assert opened.headers["Idempotent-Replayed"] == again.headers["Idempotent-Replayed"] == "true"
    assert begin(citizen, request_).json["id"] == opened.json["id"], "with another key it is the same payment too"
    assert len({order["payment_id"] for order in provider.orders}) == 2
    assert payments_of(citizen, request_) == [("failed", True), ("open", True)]


def test_a_request_that_is_sent_again_under_its_key_is_one_and_its_payment_opened(
    citizen: CitizenPhone, provider: Provider
) -> None:
    provider.lost = True
    order = {"utility": JUDICIAL, "answers": ANSWERS}
    first = citizen.post("/v1/requests", order, key="one")
    provider.lost = False
    again = citizen.post("/v1/requests", order, key="one")
    assert (first.status_code, again.status_code, first.data) == (201, 201, again.data)
    assert payments_of(citizen, first.json) == [("open", True)]
    assert len(provider.orders) == 2
    assert len({sent["payment_id"] for sent in provider.orders}) == 1


def test_of_many_who_open_it_at_once_one_does(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    provider.lost = True
    request = waiting(citizen)
    provider.lost = False
    clock.advance(seconds=11)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: wallet.opening.run(), range(4)))
    assert payments_of(citizen, request) == [("open", True)]
    assert len({order["payment_id"] for order in provider.orders}) == 1


def test_one_that_the_provider_refuses_does_not_hold_up_the_others(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    provider.lost = True
    first = waiting(citizen)
    clock.advance(seconds=1)
    second = waiting(citizen)
    provider.lost, provider.refuse = False, provider.orders[0]["payment_id"]
    clock.advance(seconds=11)
    wallet.opening.run()
    assert payments_of(citizen, first) == [("opening", False)]
    assert payments_of(citizen, second) == [("open", True)]


def test_what_is_never_opened_ends_like_what_is_never_paid(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    provider.lost = True
    request = waiting(citizen)
    clock.advance(minutes=wallet.settings.payment_minutes, seconds=1)
    wallet.look_after_requests()
    provider.lost = False
    wallet.opening.run()
    citizen.sign_in(password=True)
    assert payments_of(citizen, request) == [("expired", False)]
    assert "payment_expired" in {notice["code"] for notice in citizen.get("/v1/notices").json["data"]}
    assert begin(citizen, request).json["state"] == "open", "and whoever wants to pay begins anew"
    assert payments_of(citizen, request) == [("expired", False), ("open", True)]


def test_its_time_counts_from_when_there_is_somewhere_to_pay(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    provider.lost = True
    request = waiting(citizen)
    provider.lost = False
    clock.advance(minutes=wallet.settings.payment_minutes - 1)
    wallet.opening.run()
    clock.advance(minutes=2)
    wallet.look_after_requests()
    citizen.sign_in(password=True)
    assert payments_of(citizen, request) == [("open", True)]


def test_what_was_withdrawn_meanwhile_is_opened_for_nobody_and_its_money_owed_back(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    provider.silent = True
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(waiting, _on(citizen.client.application, citizen))
        assert provider.asked.wait(10)
        (request,) = citizen.get("/v1/requests?limit=1").json["data"]
        moved = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
        assert moved.json["state"] == "withdrawn"
        provider.silent = False
        provider.ended.set()
        asked.result()
    assert payments_of(citizen, request) == [("abandoned", False)]
    clock.advance(seconds=11)
    wallet.opening.run()
    assert provider.orders == [], "nobody asks for it again"
    assert_refused(begin(citizen, request), 409, "nothing_to_pay")


def test_money_for_one_whose_name_came_too_late_is_owed_back(
    wallet: Wallet, citizen: CitizenPhone, provider: Provider, clock: FixedClock
) -> None:
    """The provider opens it while its request is being withdrawn: the name is kept, and whoever paid gets it back."""
    provider.slow = True
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(waiting, _on(citizen.client.application, citizen))
        assert provider.asked.wait(10)
        (request,) = citizen.get("/v1/requests?limit=1").json["data"]
        citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
        provider.ended.set()
        asked.result()
    assert payments_of(citizen, request) == [("abandoned", True)]
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    told = post(citizen.client, clock, success(payment["address"].rpartition("/")[2]))
    assert (told.status_code, told.json["state"]) == (200, "refund_due")


def test_an_outcome_that_overtakes_the_answer_is_told_again(
    citizen: CitizenPhone, provider: Provider, clock: FixedClock, unchanged: Unchanged
) -> None:
    """While a payment has no name yet, one that nobody knows may be that one: 404 would be for ever, 503 is not."""
    provider.lost = True
    request = waiting(citizen)
    (order,) = provider.orders
    reference = provider.opened(order)["reference"]
    with unchanged():
        assert_refused(post(citizen.client, clock, success(reference)), 503, "payment_unavailable")
    provider.lost = False
    assert begin(citizen, request).json["state"] == "open"
    assert post(citizen.client, clock, success(reference)).json == {"state": "paid", "repeated": False}
    assert state_of(citizen, request) == "submitted"


def test_where_nobody_takes_money_nothing_is_asked_that_costs(
    deployment: Settings,
    clock: FixedClock,
    application: Callable[[Wallet], Flask],
    phone_of: Make,
    unchanged: Unchanged,
) -> None:
    phone = phone_of("an")
    without = Wallet.build(replace(deployment, payments_url="", embedded_payments=False), clock=clock)
    phone.client = application(without).test_client()
    with unchanged():
        asked = phone.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
        assert_refused(asked, 503, "payment_unavailable")
    without.close()


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
