"""Webhooks: a receiver verifies them with the library of Standard Webhooks, and learns everything at least once."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.messages.conftest import AN, Rows, drain
from tests.messages.receiver import Receiver, serving
from tests.support import FixedClock, Mailbox
from wallet.audit import AuditEvent
from wallet.errors import Conflict, NotFound
from wallet.messages.endpoints import EndpointView
from wallet.messages.models import DeliveryAttempt, EventRow, OutgoingRow, WebhookEndpoint
from wallet.messages.queue import LEASE, WEBHOOK_WAITS
from wallet.terms import Actor
from wallet.wiring import Wallet

ADMIN = Actor("acc_" + "c" * 32)
MOST = 1.2
Audited = Callable[[str], list[AuditEvent]]


@pytest.fixture
def clock() -> FixedClock:
    """The receiver's library looks at the machine's clock, so this one begins with it."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def endpoint(wallet: Wallet, receiver: Receiver) -> tuple[str, str]:
    """An endpoint's id and secret."""
    return add(wallet, receiver.url)


def add(wallet: Wallet, url: str, *events: str) -> tuple[str, str]:
    with wallet.work() as work:
        view, secret = work.endpoints.create(url, "", list(events), ADMIN)
    return view.id, secret


def tell(wallet: Wallet, code: str = "device_bound") -> None:
    with wallet.work() as work:
        work.telling.tell(replace(AN, phone=None), code)


def find(wallet: Wallet, endpoint_id: str) -> EndpointView:
    with wallet.read() as work:
        return work.endpoints.find(endpoint_id)


def change(wallet: Wallet, endpoint_id: str, **changes: object) -> None:
    with wallet.work() as work:
        work.endpoints.change(endpoint_id, work.endpoints.find(endpoint_id).version, changes, ADMIN)


def deliveries(rows: Rows) -> list[OutgoingRow]:
    return rows(OutgoingRow, OutgoingRow.kind == "webhook")


# --- what arrives ----------------------------------------------------------------------------------------------


def test_the_library_verifies_what_arrives(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows, clock: FixedClock
) -> None:
    tell(wallet)
    drain(wallet)
    (request,) = receiver.requests
    said = Webhook(endpoint[1]).verify(request.body, request.headers)
    (event,) = rows(EventRow, EventRow.type == "device.bound")
    moment = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert said == {"type": "device.bound", "timestamp": moment, "data": {"account_id": AN.account_id}}
    assert request.headers["webhook-id"] == event.id
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


def test_what_was_tampered_with_is_refused_there(wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str]) -> None:
    tell(wallet)
    drain(wallet)
    (request,) = receiver.requests
    judge = Webhook(endpoint[1])
    tampered = request.body.replace(b"device.bound", b"device.bxund")
    assert tampered != request.body
    with pytest.raises(WebhookVerificationError):
        judge.verify(tampered, request.headers)
    for name, value in (
        ("webhook-id", "evt_other"),
        ("webhook-timestamp", str(int(request.headers["webhook-timestamp"]) + 1)),
    ):
        with pytest.raises(WebhookVerificationError):
            judge.verify(request.body, request.headers | {name: value})
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(request.body, request.headers)


def test_an_old_delivery_is_refused_there(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], clock: FixedClock
) -> None:
    clock.advance(minutes=-6)
    tell(wallet)
    drain(wallet)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(endpoint[1]).verify(receiver.requests[0].body, receiver.requests[0].headers)


def test_both_secrets_sign_for_a_day_after_a_rotation(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], clock: FixedClock
) -> None:
    with wallet.work() as work:
        view, new = work.endpoints.rotate(endpoint[0], ADMIN)
    assert new != endpoint[1]
    assert view.former_until == clock.now() + timedelta(hours=24)
    tell(wallet)
    drain(wallet)
    request = receiver.requests[0]
    for secret in (endpoint[1], new):
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "device.bound"
    clock.advance(hours=24)
    tell(wallet)
    drain(wallet)
    signatures = receiver.requests[1].headers["webhook-signature"].split(" ")
    assert len(signatures) == 1
    assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_a_second_rotation_ends_the_oldest_secret(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str]
) -> None:
    secrets = [endpoint[1]]
    for _ in range(2):
        with wallet.work() as work:
            secrets.append(work.endpoints.rotate(endpoint[0], ADMIN)[1])
    tell(wallet)
    drain(wallet)
    (request,) = receiver.requests
    for secret in secrets[1:]:
        Webhook(secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(request.body, request.headers)


def test_no_secret_stands_in_the_database_in_clear(wallet: Wallet, endpoint: tuple[str, str], rows: Rows) -> None:
    (row,) = rows(WebhookEndpoint)
    assert endpoint[1].encode() not in row.sealed_secret
    assert endpoint[1][6:20] not in repr([getattr(row, column.name) for column in WebhookEndpoint.__table__.columns])


# --- what does not arrive --------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_for_three_days_under_the_same_id(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows, clock: FixedClock
) -> None:
    receiver.answers = [500]
    tell(wallet)
    began = clock.now()
    for wait in WEBHOOK_WAITS:
        drain(wallet)
        (row,) = deliveries(rows)
        assert (row.state, row.outcome) == ("waiting", "http_500")
        assert wait <= row.next_try_at - clock.now() <= wait * MOST
        clock.set(row.next_try_at)
    assert timedelta(days=3) <= clock.now() - began <= timedelta(days=4)
    drain(wallet)
    (row,) = deliveries(rows)
    assert (row.state, row.outcome, row.tries) == ("failed", "http_500", len(WEBHOOK_WAITS) + 1)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == len(rows(DeliveryAttempt)) == len(WEBHOOK_WAITS) + 1
    clock.advance(days=1)
    drain(wallet)
    assert len(receiver.requests) == len(WEBHOOK_WAITS) + 1
    assert find(wallet, endpoint[0]).state == "active"


def test_a_success_after_failures_wipes_the_slate(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows, clock: FixedClock
) -> None:
    receiver.answers = [503, 200]
    tell(wallet)
    drain(wallet)
    assert find(wallet, endpoint[0]).failing_since == clock.now()
    clock.advance(minutes=1)
    drain(wallet)
    assert find(wallet, endpoint[0]).failing_since is None
    assert [row.state for row in deliveries(rows)] == ["sent"]
    assert sorted((row.status, row.outcome) for row in rows(DeliveryAttempt)) == [(200, "ok"), (503, "http_503")]


def test_gone_disables_an_endpoint_at_once(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows, audited: Audited
) -> None:
    receiver.answers = [410]
    tell(wallet)
    drain(wallet)
    view = find(wallet, endpoint[0])
    assert (view.state, view.disabled_reason, view.version) == ("disabled", "gone", 2)
    assert [(row.state, row.outcome) for row in deliveries(rows)] == [("failed", "http_410")]
    (event,) = audited("webhook_endpoint.disabled")
    assert (event.actor, event.subject, event.details) == ("system", endpoint[0], {"reason": "gone"})
    tell(wallet)
    drain(wallet)
    assert len(receiver.requests) == 1


def test_five_days_of_failure_disable_an_endpoint(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], clock: FixedClock, audited: Audited
) -> None:
    receiver.answers = [500]
    tell(wallet)
    drain(wallet)
    clock.advance(days=5, seconds=-1)
    tell(wallet)
    drain(wallet)
    assert find(wallet, endpoint[0]).state == "active"
    clock.advance(days=1)
    drain(wallet)
    view = find(wallet, endpoint[0])
    assert (view.state, view.disabled_reason) == ("disabled", "failing")
    assert [event.details for event in audited("webhook_endpoint.disabled")] == [{"reason": "failing"}]


def test_what_waits_for_a_disabled_endpoint_is_not_sent_and_stands_in_its_log(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows
) -> None:
    tell(wallet)
    change(wallet, endpoint[0], state="disabled")
    drain(wallet)
    assert receiver.requests == []
    assert [(row.state, row.outcome) for row in deliveries(rows)] == [("failed", "endpoint_disabled")]
    assert [row.outcome for row in rows(DeliveryAttempt)] == ["endpoint_disabled"]


def test_an_endpoint_that_does_not_answer_is_left_alone_and_holds_no_other_up(
    wallet: Wallet, receiver: Receiver, rows: Rows, clock: FixedClock
) -> None:
    with serving(Receiver()) as gone:
        pass
    dead, _ = add(wallet, gone.url)
    add(wallet, receiver.url)
    for _ in range(5):
        tell(wallet)
    drain(wallet)
    assert len(receiver.requests) == 5
    attempts = rows(DeliveryAttempt, DeliveryAttempt.endpoint_id == dead)
    assert [(row.status, row.outcome) for row in attempts] == [(None, "no_connection")]
    waiting = [row for row in deliveries(rows) if row.target == dead]
    assert len(waiting) == 5
    assert {row.next_try_at > clock.now() for row in waiting} == {True}
    assert sorted(row.tries for row in waiting) == [0, 0, 0, 0, 1]


def test_an_endpoint_that_leads_inside_by_now_is_not_told(wallet: Wallet, receiver: Receiver, rows: Rows) -> None:
    """The setting that allowed this machine is gone; so is everything else that was allowed once."""
    add(wallet, receiver.url)
    tell(wallet)
    strict = Wallet.build(replace(wallet.settings, webhooks_to_localhost=False), clock=wallet.clock, messages=Mailbox())
    drain(strict)
    strict.close()
    assert receiver.requests == []
    assert [(row.status, row.outcome) for row in rows(DeliveryAttempt)] == [(None, "address_refused")]


def test_one_delivery_that_cannot_be_made_holds_no_other_up(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows
) -> None:
    other, _ = add(wallet, receiver.url)
    with wallet.work() as work:
        row = work.message_rows.endpoint(other, lock=True)
        assert row is not None
        row.sealed_secret = bytes(64)
    tell(wallet)
    drain(wallet)
    assert len(receiver.requests) == 1
    assert {(row.target == other, row.outcome) for row in deliveries(rows)} == {(True, "defect"), (False, "ok")}


# --- crashes and races -----------------------------------------------------------------------------------------


def test_a_kill_between_sending_and_recording_delivers_it_again_under_its_id(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows, clock: FixedClock
) -> None:
    tell(wallet)
    with wallet.work() as work:
        (row_id,) = work.queue.due("webhook")
        claimed = work.queue.claim_webhook(row_id)
    assert claimed is not None
    wallet.delivering._post(claimed)  # and here the process ends
    drain(wallet)
    assert len(receiver.requests) == 1, "within the lease nobody else delivers it"
    clock.advance(LEASE)
    drain(wallet)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert [row.state for row in deliveries(rows)] == ["sent"]


def test_two_processes_that_drain_at_once_deliver_each_event_once(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows
) -> None:
    for _ in range(20):
        tell(wallet)
    others = [Wallet.build(wallet.settings, clock=wallet.clock, messages=Mailbox()) for _ in range(2)]
    gate = threading.Barrier(3)

    def work(each: Wallet) -> None:
        gate.wait()
        drain(each)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work, each) for each in (wallet, *others)]:
            done.result()
    for other in others:
        other.close()
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) == 20
    assert {row.state for row in deliveries(rows)} == {"sent"}


def test_an_endpoint_that_is_deleted_while_it_is_told_leaves_nothing_behind(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], rows: Rows
) -> None:
    def delete() -> None:
        with wallet.work() as work:
            work.endpoints.delete(endpoint[0], 1, ADMIN)

    receiver.on_request = delete
    tell(wallet)
    drain(wallet)
    assert deliveries(rows) == []
    assert rows(DeliveryAttempt) == []


# --- tests and replays -----------------------------------------------------------------------------------------


@pytest.fixture
def tested(wallet: Wallet, endpoint: tuple[str, str], receiver: Receiver) -> str:
    """An event that was delivered to an endpoint."""
    with wallet.work() as work:
        event_id = work.endpoints.test(endpoint[0], ADMIN)
    drain(wallet)
    return event_id


def attempts(wallet: Wallet, endpoint_id: str) -> list[str]:
    with wallet.read() as work:
        views, _ = work.endpoints.attempts(endpoint_id, 100, None)
    return [view.id for view in views]


def replay(wallet: Wallet, endpoint_id: str, attempt_id: str) -> str:
    with wallet.work() as work:
        return work.endpoints.replay(endpoint_id, attempt_id, ADMIN)


def test_a_test_goes_to_one_endpoint_whatever_it_wants(wallet: Wallet, receiver: Receiver) -> None:
    chosen, _ = add(wallet, receiver.url + "/chosen", "account.locked")
    add(wallet, receiver.url + "/other")
    with wallet.work() as work:
        event_id = work.endpoints.test(chosen, ADMIN)
    drain(wallet)
    (request,) = receiver.requests
    assert (request.path, request.headers["webhook-id"]) == ("/hook/chosen", event_id)
    assert json.loads(request.body)["type"] == "endpoint.test"
    assert json.loads(request.body)["data"] == {"endpoint_id": chosen}


def test_a_replay_delivers_the_same_event_again(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], tested: str, audited: Audited
) -> None:
    (attempt,) = attempts(wallet, endpoint[0])
    assert replay(wallet, endpoint[0], attempt) == tested
    drain(wallet)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == tested
    assert len(attempts(wallet, endpoint[0])) == 2
    assert [event.details["attempt"] for event in audited("webhook_endpoint.replayed")] == [attempt]


def test_what_waits_is_not_replayed(wallet: Wallet, endpoint: tuple[str, str], tested: str) -> None:
    (attempt,) = attempts(wallet, endpoint[0])
    replay(wallet, endpoint[0], attempt)
    with pytest.raises(Conflict) as refused:
        replay(wallet, endpoint[0], attempt)
    assert refused.value.code == "delivery_waiting"


def test_an_attempt_of_another_endpoint_is_not_found(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str], tested: str
) -> None:
    other, _ = add(wallet, receiver.url)
    (attempt,) = attempts(wallet, endpoint[0])
    for target, which in ((other, attempt), (endpoint[0], "dla_none")):
        with pytest.raises(NotFound):
            replay(wallet, target, which)


def test_a_disabled_endpoint_is_neither_tested_nor_replayed(
    wallet: Wallet, endpoint: tuple[str, str], tested: str
) -> None:
    change(wallet, endpoint[0], state="disabled")
    (attempt,) = attempts(wallet, endpoint[0])
    for act in (
        lambda: replay(wallet, endpoint[0], attempt),
        lambda: _test(wallet, endpoint[0]),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "endpoint_disabled"


def test_an_endpoint_that_is_active_again_is_told_again(
    wallet: Wallet, receiver: Receiver, endpoint: tuple[str, str]
) -> None:
    receiver.answers = [410, 200]
    tell(wallet)
    drain(wallet)
    change(wallet, endpoint[0], state="active")
    view = find(wallet, endpoint[0])
    assert (view.state, view.disabled_reason, view.failing_since) == ("active", None, None)
    tell(wallet)
    drain(wallet)
    assert len(receiver.requests) == 2


def _test(wallet: Wallet, endpoint_id: str) -> str:
    with wallet.work() as work:
        return work.endpoints.test(endpoint_id, ADMIN)
