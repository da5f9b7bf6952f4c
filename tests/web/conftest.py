"""What the tests of the web ring share: the state that a refusal must not touch, and the audit record."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text

from tests.conftest import POSTGRES
from tests.phone import CitizenPhone
from tests.stored import nothing_changes
from wallet.audit import AuditEvent
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]


@pytest.fixture
def unchanged(state: State) -> Callable[[], AbstractContextManager[None]]:
    """Hold everything that is stored before and after a block against each other."""
    return partial(nothing_changes, state)


@pytest.fixture
def organisation_of() -> Callable[[CitizenPhone], str]:
    """Open the account of an organisation that somebody represents, by default persona `an`; return its id."""

    def make(phone: CitizenPhone, code: str = "0099000001") -> str:
        made = phone.post("/v1/me/organisations", {"enterprise_code": code})
        assert made.status_code == 201, made.text
        return str(made.json["id"])

    return make


@pytest.fixture
def events(wallet: Wallet) -> Callable[[str], list[dict[str, Any]]]:
    """Read what the audit record holds of one action, oldest first."""

    def read(action: str) -> list[dict[str, Any]]:
        with wallet.db.read() as session:
            rows = session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
            return [{"actor": row.actor, "subject": row.subject, **row.details} for row in rows]

    return read


@pytest.fixture
def gone(wallet: Wallet) -> Callable[[], AbstractContextManager[None]]:
    """Take the wallet's database away for the length of a block, as a crash of its server would."""

    @contextmanager
    def take() -> Iterator[None]:
        away, back = (_move_file if wallet.db.is_sqlite else _shut_door)(wallet)
        away()
        try:
            yield
        finally:
            back()

    return take


def _move_file(wallet: Wallet) -> tuple[Callable[[], None], Callable[[], None]]:
    path = Path(str(wallet.db.url.database))
    aside = path.with_suffix(".aside")

    def away() -> None:
        wallet.db.engine.dispose()
        path.rename(aside)
        path.mkdir()  # so that nothing makes an empty database there

    def back() -> None:
        path.rmdir()
        aside.rename(path)

    return away, back


def _shut_door(wallet: Wallet) -> tuple[Callable[[], None], Callable[[], None]]:
    name = wallet.db.url.database

    def run(*statements: str) -> None:
        server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        server.dispose()

    def away() -> None:
        run(
            f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )

    return away, lambda: run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
