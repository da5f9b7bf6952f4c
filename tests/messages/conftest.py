"""What the tests of messages share: whom something is told, what waits to leave, a receiver on this machine."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.messages.receiver import Receiver, serving
from tests.support import FixedClock, Mailbox
from wallet.audit import AuditEvent
from wallet.db import Base
from wallet.messages.models import OutgoingRow
from wallet.messages.telling import Recipient
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

AN = Recipient("acc_" + "a" * 32, "+84990000001")
BINH = Recipient("acc_" + "b" * 32, "+84990000002", language="en", muted=True)


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, mailbox: Mailbox, built_in: Catalogue) -> Iterator[Wallet]:
    """A whole wallet whose webhooks may go to this machine; what the demo left to be sent is gone."""
    settings = replace(deployment, webhooks_to_localhost=True)
    wallet = Wallet.build(settings, clock=clock, messages=mailbox, catalogue=built_in.anew())
    drain(wallet)
    mailbox.sent.clear()
    yield wallet
    wallet.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as receiver:
        yield receiver


Rows = Callable[..., list[Any]]


@pytest.fixture
def rows(wallet: Wallet) -> Rows:
    """Read the rows of a table."""

    def read(table: type[Base], *where: Any) -> list[Any]:
        with wallet.db.read() as session:
            return list(session.scalars(select(table).where(*where)))

    return read


@pytest.fixture
def waiting(rows: Rows) -> Callable[[], list[OutgoingRow]]:
    """Read what waits to leave."""
    return lambda: rows(OutgoingRow, OutgoingRow.state == "waiting")


@pytest.fixture
def audited(rows: Rows) -> Callable[[str], list[AuditEvent]]:
    """Read the audit record of one action."""
    return lambda action: rows(AuditEvent, AuditEvent.action == action)


def drain(wallet: Wallet) -> None:
    """Do what the jobs do, until nothing is due."""
    while wallet.delivering.deliver_texts():
        pass
    while wallet.delivering.deliver_webhooks():
        pass
