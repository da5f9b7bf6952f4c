"""Rows are taken in one order, the account's first: two transactions never wait for each other's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.identity.conftest import SYSTEM, Citizen
from tests.identity.phones import Phone
from tests.identity.test_signing_in import WRONG, outcome
from wallet.identity.attempts import FAILURES_BEFORE_SUSPENSION

HELD = ("accounts", "devices", "sessions")


@contextmanager
def taken(citizen: Citizen) -> Iterator[list[list[str]]]:
    """Collect which tables' rows each transaction holds, in the order in which it took them."""
    transactions: list[list[str]] = []
    engine = citizen.world.db.engine

    def begin(*_: Any) -> None:
        transactions.append([])

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        table = (
            words[1] if words[0] == "UPDATE" else words[words.index("FROM") + 1] if "FOR UPDATE" in statement else ""
        )
        if transactions and table in HELD and table not in transactions[-1]:
            transactions[-1].append(table)

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield transactions
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "before_cursor_execute", note)


def bind_another(citizen: Citizen) -> None:
    phone = Phone(citizen.world, "dev_another")
    with citizen.world.work() as work:
        work.devices.bind(citizen.account.account_id, phone.device_id, phone.jwk, "khác", SYSTEM, bound_by="chip+otp")


def unbind(citizen: Citizen) -> None:
    with citizen.world.work() as work:
        work.devices.unbind(citizen.phone.device_id, "lost", SYSTEM)


def suspend(citizen: Citizen) -> None:
    for _ in range(FAILURES_BEFORE_SUSPENSION):
        outcome(lambda: citizen.sign_in(WRONG))
        citizen.world.clock.advance(minutes=5)


def forgive(citizen: Citizen) -> None:
    with citizen.world.work() as work:
        work.devices.forgive(citizen.phone.device_id, SYSTEM)


ACTS: dict[str, Callable[[Citizen], Any]] = {
    "password": lambda citizen: citizen.sign_in(),
    "device": lambda citizen: citizen.sign_in_with_device(),
    "step up": lambda citizen: citizen.step_up(citizen.sign_in_with_device()),
    "bind": bind_another,
    "unbind": unbind,
    "suspend": suspend,
    "forgive": forgive,
}


@pytest.mark.parametrize("act", ACTS)
def test_account_is_taken_before_its_device_and_its_sessions(citizen: Citizen, act: str) -> None:
    """SQLite has one writer and no rows to take; what is asserted of it is only that the act works."""
    citizen.sign_in()
    with taken(citizen) as transactions:
        ACTS[act](citizen)
    if citizen.world.db.is_sqlite:
        return
    held = [each for each in transactions if "devices" in each]
    assert held
    assert all(each == [name for name in HELD if name in each] for each in transactions), transactions
    assert all(each[0] == "accounts" for each in held), held
