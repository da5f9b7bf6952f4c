"""One's devices: all of them are seen, and a place is taken away at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.ceremonies.asking import AskingPhone, card_of
from tests.phone import CitizenPhone
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.wiring import Wallet

Unchanged = Callable[[], AbstractContextManager[None]]
AN = persona("an").number
PHONE = number_of_phone(AN)


def replace_phone(wallet: Wallet, client: Any, mailbox: Mailbox, name: str) -> AskingPhone:
    phone = AskingPhone(wallet, client, name)
    phone.begin("binding", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.prove_code(mailbox, PHONE)
    phone.done("completion")
    return phone


def test_every_device_is_seen_with_date_and_place(
    wallet: Wallet, client: Any, mailbox: Mailbox, clock: FixedClock
) -> None:
    for name in ("hai", "ba"):
        clock.advance(minutes=1)
        last = replace_phone(wallet, client, mailbox, name)
    headers = last.sign_in()
    first = client.get("/v1/me/devices?limit=2", headers=headers).json
    rest = client.get(f"/v1/me/devices?limit=2&cursor={first['next_cursor']}", headers=headers).json
    devices = first["data"] + rest["data"]
    assert [(each["name"], each["state"], each["current"]) for each in devices] == [
        ("ba", "bound", True),
        ("hai", "unbound", False),
        ("Thiết bị mẫu", "unbound", False),
    ]
    assert devices[0].keys() == {"id", "name", "state", "bound_at", "bound_by", "place", "current"}
    assert devices[1]["bound_at"] == "2026-03-02T05:01:00Z"
    assert devices[1]["unbound_at"] == "2026-03-02T05:02:00Z"
    assert devices[1]["unbound_reason"] == "replaced"
    assert rest["next_cursor"] is None


def test_s23_unbinding_this_device_ends_this_session(wallet: Wallet, phone_of: Any, mailbox: Mailbox) -> None:
    phone = phone_of("an")
    other = CitizenPhone(wallet, phone.client, "an")
    other.sign_in()
    response = phone.call("DELETE", f"/v1/me/devices/{phone.own.device_id}")
    assert (response.status_code, response.data) == (204, b"")
    for each in (phone, other):
        assert_refused(each.get("/v1/me"), 401, "session_ended")
    assert_refused(phone.try_sign_in(), 403, "device_not_bound")
    wallet.delivering.deliver_texts()
    assert "Mot thiet bi da bi go" in mailbox.texts(PHONE)[-1]


def test_unbound_account_gets_a_phone_again(wallet: Wallet, phone_of: Any, mailbox: Mailbox) -> None:
    """Without any device the card and a code still lead back; the cooling-off begins, for it is not the first."""
    phone = phone_of("an")
    phone.call("DELETE", f"/v1/me/devices/{phone.own.device_id}")
    again = replace_phone(wallet, phone.client, mailbox, "lại")
    headers = again.sign_in(AN, phone.own.password) | {"Idempotency-Key": "k"}
    issue = phone.client.post("/v1/requests", json={"utility": "residence"}, headers=headers)
    assert_refused(issue, 403, "cooling_off")


def test_device_that_is_not_mine_or_not_bound_is_not_found(
    wallet: Wallet, client: Any, phone_of: Any, mailbox: Mailbox, unchanged: Unchanged
) -> None:
    mine = phone_of("sau")
    former = CitizenPhone(wallet, client, "an").own.device_id
    newest = replace_phone(wallet, client, mailbox, "mới")
    headers = newest.sign_in(AN, CitizenPhone(wallet, client, "an").own.password)
    with unchanged():
        for device_id in (newest.device_id, former, f"dev_{'0' * 32}", "x"):
            assert_refused(mine.call("DELETE", f"/v1/me/devices/{device_id}"), 404, "not_found")
        assert_refused(client.delete(f"/v1/me/devices/{former}", headers=headers), 404, "not_found")


def test_unbinding_needs_a_secret_and_freshness(phone_of: Any, clock: FixedClock, unchanged: Unchanged) -> None:
    weak, strong = phone_of("an", password=False), phone_of("an")
    path = f"/v1/me/devices/{strong.own.device_id}"
    with unchanged():
        assert_refused(weak.call("DELETE", path), 401, "step_up_required")
    clock.advance(seconds=301)
    with unchanged():
        assert_refused(strong.call("DELETE", path), 401, "step_up_required")


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0.c2ln"])
def test_cursor_of_nobody_is_refused(phone_of: Any, cursor: str) -> None:
    phone = phone_of("an")
    for path in ("/v1/me/devices", "/v1/me/binding-requests"):
        assert_refused(phone.get(f"{path}?cursor={cursor}"), 400, "invalid_cursor")


def test_anothers_devices_are_not_listed(phone_of: Any) -> None:
    names = {key: phone_of(key).get("/v1/me/devices").json["data"][0]["id"] for key in ("an", "sau")}
    assert names["an"] != names["sau"]
    assert all(len(phone_of(key).get("/v1/me/devices").json["data"]) == 1 for key in names)
