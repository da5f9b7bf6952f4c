"""What is told leaves with its transaction: all of it, or none."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from tests.messages.conftest import AN, BINH, Rows
from wallet.messages.models import EventRow, NoticeRow, OutgoingRow
from wallet.terms import Actor
from wallet.wiring import Wallet

Waiting = Callable[[], list[OutgoingRow]]
ADMIN = Actor("acc_" + "c" * 32)


def endpoint(wallet: Wallet, *events: str) -> str:
    with wallet.work() as work:
        view, _ = work.endpoints.create("https://hooks.example.vn/viso", "", list(events), ADMIN)
    return view.id


def tell(wallet: Wallet, *codes: str) -> None:
    with wallet.work() as work:
        for code in codes:
            work.telling.tell(AN, code)


def test_a_notice_goes_to_the_inbox_the_phone_and_the_endpoints(wallet: Wallet, rows: Rows, waiting: Waiting) -> None:
    target = endpoint(wallet)
    tell(wallet, "device_bound")
    assert [row.code for row in rows(NoticeRow, NoticeRow.account_id == AN.account_id)] == ["device_bound"]
    assert {(row.kind, row.target) for row in waiting()} == {("sms", ""), ("webhook", target)}
    (event,) = rows(EventRow, EventRow.type == "device.bound")
    assert event.data == {"account_id": AN.account_id}


def test_a_kind_without_text_message_stays_in_the_inbox(wallet: Wallet, waiting: Waiting) -> None:
    tell(wallet, "export_made")
    assert waiting() == []


def test_optional_messages_are_left_out_where_they_are_muted(wallet: Wallet, waiting: Waiting, rows: Rows) -> None:
    with wallet.work() as work:
        work.telling.tell(BINH, "card_expires_soon", until="2026-05-01")
        assert len(rows(NoticeRow, NoticeRow.account_id == BINH.account_id)) == 0  # not committed yet
    assert waiting() == []
    with wallet.work() as work:
        work.telling.tell(BINH, "account_locked")  # not optional
    assert [row.kind for row in waiting()] == ["sms"]


def test_without_a_phone_there_is_no_text_message(wallet: Wallet, waiting: Waiting) -> None:
    with wallet.work() as work:
        work.telling.tell(replace(AN, phone=None), "account_locked")
    assert waiting() == []


def test_what_is_rolled_back_is_told_to_nobody(wallet: Wallet, waiting: Waiting, rows: Rows) -> None:
    endpoint(wallet)
    before = len(rows(NoticeRow)), len(rows(EventRow))
    with pytest.raises(KeyError):
        tell(wallet, "device_bound", "no_such_kind")
    assert waiting() == []
    assert (len(rows(NoticeRow)), len(rows(EventRow))) == before


def test_an_endpoint_is_told_what_it_wants_once_for_each_event(wallet: Wallet, rows: Rows, waiting: Waiting) -> None:
    everything = endpoint(wallet)
    locks = endpoint(wallet, "account.locked", "account.unlocked")
    tell(wallet, "account_locked", "device_bound", "account_locked")
    queued = [(row.target, row.event_id) for row in waiting() if row.kind == "webhook"]
    assert len(queued) == len(set(queued)) == 5
    assert [target for target, _ in queued].count(everything) == 3
    assert [target for target, _ in queued].count(locks) == 2


def test_the_database_refuses_an_event_twice_for_an_endpoint(wallet: Wallet, waiting: Waiting) -> None:
    target = endpoint(wallet)
    tell(wallet, "device_bound")
    (event_id,) = [row.event_id for row in waiting() if row.kind == "webhook"]
    with pytest.raises(IntegrityError), wallet.work() as work:
        work.telling.queue_event(str(event_id), target)
    assert len(waiting()) == 2


def test_a_disabled_endpoint_is_told_nothing(wallet: Wallet, waiting: Waiting) -> None:
    target = endpoint(wallet)
    with wallet.work() as work:
        work.endpoints.change(target, 1, {"state": "disabled"}, ADMIN)
    tell(wallet, "device_bound")
    assert [row.kind for row in waiting()] == ["sms"]


def test_neither_phone_nor_code_can_be_read_in_the_database(wallet: Wallet, waiting: Waiting) -> None:
    with wallet.work() as work:
        work.telling.text("+84990000001", "one_time_code", "vi", code="482913", minutes=3, purpose="activation")
    (row,) = waiting()
    stored = json.dumps({column.name: str(getattr(row, column.name)) for column in OutgoingRow.__table__.columns})
    assert "990000001" not in stored
    assert "482913" not in stored
