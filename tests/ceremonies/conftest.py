"""What the tests of ceremonies share: phones that ask, an account that waits for its activation, and what is stored."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.ceremonies.asking import AskingPhone
from tests.stored import GUESSING, all_that_is_stored, nothing_changes
from wallet.audit import AuditEvent
from wallet.demo.numbers import FEMALE, fixed_number
from wallet.demo.phones import phone_of as number_of_phone
from wallet.identity.accounts import HolderKind
from wallet.sources.base import Ground, RegisterCode
from wallet.terms import AccountLevel, Actor
from wallet.wiring import Wallet

SYSTEM = Actor("system", request_id="tests")
WIFE = fixed_number(FEMALE, 1992, 51)
"""The wife of the persona An: in the registers, without an account."""


@pytest.fixture
def asking(wallet: Wallet, client: FlaskClient) -> Callable[..., AskingPhone]:
    """Make a phone that nobody knows yet."""
    return lambda name="Điện thoại mới": AskingPhone(wallet, client, name)


@pytest.fixture
def approved(wallet: Wallet) -> str:
    """Approve an account of level 2 for somebody, not activated yet; return its id."""
    with wallet.work() as work:
        ground = Ground("open_account", "tests", SYSTEM)
        facts = work.sources.read(RegisterCode.POPULATION, WIFE, ground, subject="tests")
        account_id = work.accounts.register(
            facts.values,
            level=AccountLevel.ONE,
            kind=HolderKind.CITIZEN,
            phone=number_of_phone(WIFE),
            email=None,
            valid_until=None,
            actor=SYSTEM,
        )
        work.accounts.approve(account_id, AccountLevel.TWO, SYSTEM)
    return account_id


@pytest.fixture
def account_of(wallet: Wallet) -> Callable[[str], Any]:
    """Read the account of a number: its state as the services tell it."""

    def read(number: str) -> Any:
        with wallet.read() as work:
            holder = work.holders.find(number)
            return None if holder is None else work.accounts.of_holder(holder)

    return read


@pytest.fixture
def events(wallet: Wallet) -> Callable[[str], list[dict[str, Any]]]:
    """Read what the audit record holds of one action, oldest first."""

    def read(action: str) -> list[dict[str, Any]]:
        with wallet.db.read() as session:
            rows = session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
            return [{"actor": row.actor, "subject": row.subject, **row.details} for row in rows]

    return read


@pytest.fixture
def stored(wallet: Wallet) -> Callable[..., dict[str, list[str]]]:
    """Read everything that is stored but counters, and of codes and ceremonies how often something was tried."""
    return partial(all_that_is_stored, wallet.db, GUESSING | {"tries"})


@pytest.fixture
def unchanged(stored: Callable[..., dict[str, list[str]]]) -> Callable[[], AbstractContextManager[None]]:
    """Hold everything that is stored before and after a block against each other."""
    return partial(nothing_changes, stored)
