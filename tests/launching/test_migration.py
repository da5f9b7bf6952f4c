"""What was launched and asked for before there were audiences is still so after the tables have changed, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alembic import command
from sqlalchemy import text

from tests.test_schema import config, empty
from wallet.db import Database
from wallet.launching.audience import Audience, Plan
from wallet.launching.orders import LaunchOrder, order_of_change, pending_of
from wallet.launching.repository import LaunchingRepository
from wallet.launching.schedule import stored_launch
from wallet.launching.states import LaunchState
from wallet.schema import upgrade

__all__ = ["empty"]  # a fixture is found by its name
NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def insert(database: Database, table: str, **values: Any) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    with database.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def stored(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_launches_and_approvals_of_before_go_on_and_come_back(empty: Database) -> None:
    command.upgrade(config(empty), "0003")
    moment = NOW.isoformat() if empty.is_sqlite else NOW
    for code, state in (("residence", "paused"), ("health_book", "open")):
        row = {"code": code, "state": state, "version": 3, "reason": "before", "changed_by": "acc_a"}
        insert(empty, "utility_states", **row, changed_at=moment)
    insert(
        empty,
        "approvals",
        id="apr_1",
        kind="open_utility",
        subject="residence",
        change='{"target": "open", "reason": "again", "version": 3}',
        state="awaiting",
        requested_by="acc_a",
        requested_at=moment,
    )
    upgrade(empty)
    with empty.read() as session:
        rows = LaunchingRepository(session)
        launch = stored_launch("residence", rows.state("residence"), rows.testers("residence"))
        assert (launch.plan, launch.version) == (Plan(LaunchState.PAUSED), 3)
        assert (launch.schedule, launch.pause_text) == ((), {})
        (waiting,) = rows.list_awaiting("launch_utility")
        pending = pending_of(waiting)
        assert (pending.before, pending.after) == (Plan(LaunchState.PAUSED), Plan(LaunchState.OPEN))
        assert waiting.expires_at == NOW + timedelta(days=7)
        assert order_of_change(waiting.change) == LaunchOrder(LaunchState.OPEN, "again", pause_text={})
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE utility_states SET state = 'pilot' WHERE code = 'health_book'"))
    command.downgrade(config(empty), "0003")
    assert stored(empty, "SELECT code, state FROM utility_states ORDER BY code") == [
        ("health_book", "off"),
        ("residence", "paused"),
    ]
    ((kind, change),) = stored(empty, "SELECT kind, change FROM approvals")
    assert kind == "open_utility"
    assert "open" in str(change)
    assert Audience() == Audience.from_json({})
