"""Text messages leave once, in time or not at all, and nothing of them stays behind."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.messages.conftest import AN, BINH, Rows, drain
from tests.support import FixedClock, Mailbox
from wallet.errors import Unavailable
from wallet.messages.models import OutgoingRow
from wallet.messages.queue import LEASE
from wallet.wiring import Wallet

Waiting = Callable[[], list[OutgoingRow]]
CODE_LIFE = timedelta(minutes=3)


def queue_code(wallet: Wallet, *, phone: str = "+84990000001", language: str = "vi") -> str:
    with wallet.work() as work:
        values = {"code": "482913", "minutes": 3, "purpose": "activation"}
        work.telling.text(phone, "one_time_code", language, life=CODE_LIFE, **values)
        return work.telling.queued[0]


def row_of(rows: Rows, row_id: str) -> OutgoingRow:
    (row,) = rows(OutgoingRow, OutgoingRow.id == row_id)
    found: OutgoingRow = row
    return found


def test_a_message_is_sent_once_in_its_language_and_erased(wallet: Wallet, mailbox: Mailbox, rows: Rows) -> None:
    row_id = queue_code(wallet)
    with wallet.work() as work:
        work.telling.tell(BINH, "account_locked")
    for _ in range(3):
        drain(wallet)
    assert len(mailbox.sent) == 2
    assert mailbox.texts("+84990000001")[0].startswith("Ma OTP cua quy khach la 482913 de kich hoat tai khoan")
    assert mailbox.texts("+84990000002")[0].startswith("Your identity account was locked.")
    row = row_of(rows, row_id)
    assert (row.state, row.outcome, row.tries, row.sealed_payload) == ("sent", "ok", 1, None)
    assert row.done_at is not None


def test_messages_leave_in_the_order_in_which_they_came(wallet: Wallet, mailbox: Mailbox, clock: FixedClock) -> None:
    for code in ("account_locked", "account_unlocked", "account_closed"):
        with wallet.work() as work:
            work.telling.tell(AN, code)
        clock.advance(seconds=1)
    drain(wallet)
    words = ["da bi khoa", "da duoc mo khoa", "da dong"]
    assert [word in text for word, text in zip(words, mailbox.texts("+84990000001"), strict=True)] == [True] * 3


def test_a_code_that_came_too_late_is_not_sent(wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock) -> None:
    row_id = queue_code(wallet)
    clock.advance(CODE_LIFE)
    drain(wallet)
    row = row_of(rows, row_id)
    assert (row.state, row.outcome, row.sealed_payload) == ("failed", "expired", None)
    assert mailbox.sent == []


def test_a_failing_gateway_is_tried_again_with_longer_waits(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    row_id = queue_code(wallet)
    mailbox.down = 3
    for tries, wait in ((1, 5), (2, 10), (3, 20)):
        drain(wallet)
        row = row_of(rows, row_id)
        assert (row.state, row.tries, row.outcome) == ("waiting", tries, "dependency_unavailable")
        assert timedelta(seconds=wait) <= row.next_try_at - clock.now() <= timedelta(seconds=wait * 1.2)
        drain(wallet)  # not due: nobody tries
        assert row_of(rows, row_id).tries == tries
        clock.set(row.next_try_at)
    drain(wallet)
    assert (row_of(rows, row_id).state, len(mailbox.sent)) == ("sent", 1)


def test_a_gateway_that_stays_down_is_given_up_within_the_life_of_the_code(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    row_id, began = queue_code(wallet), clock.now()
    mailbox.down = 1000
    while (row := row_of(rows, row_id)).state == "waiting":
        clock.set(max(clock.now(), row.next_try_at))
        drain(wallet)
    assert (row.state, row.outcome, row.sealed_payload) == ("failed", "dependency_unavailable", None)
    assert 5 <= row.tries <= 7
    assert clock.now() - began < CODE_LIFE
    mailbox.down = 0
    clock.advance(days=1)
    drain(wallet)
    assert mailbox.sent == []


def test_waits_of_a_message_that_may_take_days_are_bounded(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock, waiting: Waiting
) -> None:
    with wallet.work() as work:
        work.telling.tell(AN, "account_locked")
    mailbox.down = 1000
    for _ in range(12):
        clock.set(max(clock.now(), waiting()[0].next_try_at))
        drain(wallet)
    assert timedelta(minutes=5) <= waiting()[0].next_try_at - clock.now() <= timedelta(minutes=6)


class Killed(BaseException):
    """What no handler catches."""


class DyingMailbox(Mailbox):
    """Takes a message, and the process dies before anybody hears of it."""

    def send(self, phone: str, text: str) -> None:
        super().send(phone, text)
        raise Killed


def test_a_kill_between_sending_and_recording_sends_it_once_more_after_the_lease(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    row_id = queue_code(wallet)
    dying = DyingMailbox()
    first = Wallet.build(wallet.settings, clock=clock, messages=dying)
    with pytest.raises(Killed):
        first.delivering.deliver_texts()
    first.close()
    assert len(dying.sent) == 1
    row = row_of(rows, row_id)
    assert (row.state, row.tries, row.next_try_at) == ("waiting", 1, clock.now() + LEASE)
    drain(wallet)
    assert mailbox.sent == [], "within the lease nobody else takes it"
    clock.advance(LEASE)
    drain(wallet)
    assert mailbox.sent == dying.sent
    assert (row_of(rows, row_id).state, row_of(rows, row_id).tries) == ("sent", 2)


def test_who_comes_back_after_the_lease_spoils_nothing(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    """The first one hangs past its lease and then fails; by then another has sent it, and that stays."""
    row_id = queue_code(wallet)
    with wallet.work() as work:
        slow = work.queue.claim_text(row_id)
    assert slow is not None
    clock.advance(LEASE)
    drain(wallet)
    with wallet.work() as work:
        work.queue.text_failed(slow, "dependency_unavailable")
    row = row_of(rows, row_id)
    assert (row.state, row.outcome, len(mailbox.sent)) == ("sent", "ok", 1)


def test_two_processes_that_drain_at_once_send_each_message_once(
    wallet: Wallet, mailbox: Mailbox, clock: FixedClock, waiting: Waiting
) -> None:
    phones = [f"+8499000{number:04d}" for number in range(40)]
    for phone in phones:
        queue_code(wallet, phone=phone)
    others = [Wallet.build(wallet.settings, clock=clock, messages=mailbox) for _ in range(2)]
    gate = threading.Barrier(len(others) + 1)

    def work(each: Wallet) -> None:
        gate.wait()
        drain(each)

    with ThreadPoolExecutor(len(others) + 1) as pool:
        for done in [pool.submit(work, each) for each in (wallet, *others)]:
            done.result()
    for other in others:
        other.close()
    assert sorted(phone for phone, _ in mailbox.sent) == phones
    assert waiting() == []


def test_one_message_that_cannot_be_made_holds_no_other_up(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    """Sealed bytes of another row, and a text that nobody wrote: both are tried, logged and given up."""
    broken = queue_code(wallet)
    with wallet.work() as work:
        row = work.message_rows.outgoing(broken)
        assert row is not None
        row.sealed_payload = bytes(64)
        work.telling.text("+84990000003", "no_such_text", "vi", life=CODE_LIFE)
        work.telling.tell(AN, "account_locked")
    drain(wallet)
    assert [phone for phone, _ in mailbox.sent] == ["+84990000001"]
    assert {row.outcome for row in rows(OutgoingRow, OutgoingRow.state == "waiting")} == {"defect"}
    clock.advance(CODE_LIFE)
    drain(wallet)
    assert rows(OutgoingRow, OutgoingRow.state == "waiting") == []


def test_nothing_is_open_while_a_message_is_sent(wallet: Wallet, rows: Rows, clock: FixedClock) -> None:
    """A gateway that takes its time keeps nobody from writing, on SQLite either."""

    class Slow(Mailbox):
        def send(self, phone: str, text: str) -> None:
            with wallet.work() as work:
                work.telling.tell(BINH, "export_made")
            super().send(phone, text)

    slow = Slow()
    queue_code(wallet)
    other = Wallet.build(wallet.settings, clock=clock, messages=slow)
    drain(other)
    other.close()
    assert len(slow.sent) == 1


def test_without_a_database_the_delivery_says_so_and_sends_nothing(wallet: Wallet, mailbox: Mailbox) -> None:
    gone = replace(wallet.settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    cut_off = Wallet.build(gone, messages=mailbox)
    with pytest.raises(Unavailable):
        cut_off.delivering.deliver_texts()
    cut_off.close()
    assert mailbox.sent == []


def test_what_left_is_forgotten_after_a_month_and_what_waits_is_not(
    wallet: Wallet, mailbox: Mailbox, rows: Rows, clock: FixedClock
) -> None:
    sent = queue_code(wallet)
    drain(wallet)
    clock.advance(days=31)
    with wallet.work() as work:
        work.telling.tell(AN, "account_locked")
    clock.advance(hours=2)
    with wallet.work():
        pass  # any transaction tidies up once an hour
    assert rows(OutgoingRow, OutgoingRow.id == sent) == []
    assert len(rows(OutgoingRow, OutgoingRow.state == "waiting")) == 1
