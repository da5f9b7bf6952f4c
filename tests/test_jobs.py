"""The runner: jobs repeat, fail alone, are woken by a commit, and end when they are told to."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import Mailbox
from wallet.errors import Unavailable
from wallet.jobs import Job, Runner
from wallet.messages.telling import Recipient
from wallet.wiring import Wallet

SOON, NEVER = timedelta(milliseconds=1), timedelta(days=1)
PATIENCE = 20.0
AN = Recipient("acc_" + "a" * 32, "+84990000001")


class Counted:
    """A job that says when it was done so many times."""

    def __init__(self, enough: int, *, fails: Exception | None = None, more: bool = False) -> None:
        self.done = 0
        self.enough = enough
        self.reached = threading.Event()
        self.fails = fails
        self.more = more

    def __call__(self) -> bool:
        self.done += 1
        if self.done >= self.enough:
            self.reached.set()
        if self.fails is not None:
            raise self.fails
        return self.more and self.done < self.enough


@pytest.mark.parametrize("error", [RuntimeError("a defect"), Unavailable("dependency_unavailable")])
def test_a_job_that_fails_is_tried_again_and_stops_no_other(error: Exception) -> None:
    failing, other = Counted(3, fails=error), Counted(3)
    runner = Runner([Job("failing", SOON, failing), Job("other", SOON, other)])
    runner.start()
    assert failing.reached.wait(PATIENCE)
    assert other.reached.wait(PATIENCE)
    assert runner.stop()


def test_a_job_that_hangs_holds_no_other_up() -> None:
    released, other = threading.Event(), Counted(3)
    runner = Runner([Job("hanging", SOON, lambda: released.wait(PATIENCE) and False), Job("other", SOON, other)])
    runner.start()
    assert other.reached.wait(PATIENCE)
    assert not runner.stop(timeout=0.01), "the one that hangs is not waited for"
    released.set()
    assert runner.stop()


def test_a_job_with_more_to_do_is_called_again_without_a_wait() -> None:
    job = Counted(5, more=True)
    runner = Runner([Job("busy", NEVER, job)])
    runner.start()
    assert job.reached.wait(PATIENCE)
    assert runner.stop()
    assert job.done == 5


def test_only_those_that_wait_for_it_are_woken() -> None:
    woken, other = Counted(2), Counted(1)
    runner = Runner([Job("woken", NEVER, woken, woken=True), Job("other", NEVER, other)])
    runner.start()
    while not woken.reached.is_set():
        runner.wake()
    assert other.reached.wait(PATIENCE)
    assert runner.stop()
    assert other.done == 1


def test_a_runner_that_was_not_started_stops_and_is_woken_in_vain() -> None:
    job = Counted(1)
    runner = Runner([Job("never", SOON, job, woken=True)])
    runner.wake()
    assert runner.stop()
    assert job.done == 0


def test_a_second_start_runs_nothing_twice() -> None:
    job = Counted(1)
    runner = Runner([Job("once", NEVER, job)])
    runner.start()
    runner.start()
    assert job.reached.wait(PATIENCE)
    assert runner.stop()
    assert job.done == 1


def tell(wallet: Wallet, *codes: str) -> None:
    with wallet.work() as work:
        for code in codes:
            work.telling.tell(AN, code)


def test_a_commit_that_queued_something_wakes_the_delivery(wallet: Wallet, mailbox: Mailbox) -> None:
    idle, rounds = threading.Event(), 0

    def deliver() -> bool:
        nonlocal rounds
        more = wallet.delivering.deliver_texts()
        if not more:
            rounds += 1
            idle.set()
        return more

    wallet.runner = Runner([Job("texts", NEVER, deliver, woken=True)])  # type: ignore[misc]
    wallet.runner.start()
    try:
        assert idle.wait(PATIENCE)
        mailbox.sent.clear()
        idle.clear()
        tell(wallet, "account_locked")
        assert idle.wait(PATIENCE)
        assert [phone for phone, _ in mailbox.sent] == [AN.phone]
    finally:
        assert wallet.runner.stop()


def test_a_transaction_without_a_message_wakes_nobody(wallet: Wallet) -> None:
    rung = Counted(2)
    wallet.runner = Runner([Job("texts", NEVER, rung, woken=True)])  # type: ignore[misc]
    wallet.runner.start()
    tell(wallet, "export_made")
    with pytest.raises(KeyError):
        tell(wallet, "account_locked", "no_such_kind")
    assert wallet.runner.stop()
    assert rung.done <= 1


def test_jobs_of_a_wallet_have_names_of_their_own_and_start_nothing(wallet: Wallet) -> None:
    before = threading.active_count()
    names = [job.name for job in wallet.jobs]
    assert {"texts", "webhooks"} <= set(names)
    assert len(names) == len(set(names))
    assert wallet.runner is wallet.runner
    assert threading.active_count() == before


def test_importing_starts_no_thread() -> None:
    source = Path(__file__).parents[1].joinpath("wallet/jobs.py").read_text(encoding="utf-8")
    assert "Runner(" not in source.replace("class Runner", "")
