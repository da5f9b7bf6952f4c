"""What was paid, or being paid, before payments were begun is so after the tables have changed, and back."""

from datetime import UTC, datetime, timedelta

from alembic import command

from tests.launching.test_migration import insert, stored
from tests.test_schema import config, empty
from wallet.db import Database
from wallet.schema import upgrade

__all__ = ["empty"]  # a fixture is found by its name
NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
QUERY = "SELECT id, state, reference, address FROM payments ORDER BY id"


def pay(database: Database, name: str, state: str, reference: str | None, address: str | None) -> None:
    times = {"opened_at": NOW, "expires_at": NOW + timedelta(minutes=30)}
    moments = {name: moment.isoformat() if database.is_sqlite else moment for name, moment in times.items()}
    row = {"id": name, "request_id": "req_1", "amount": 200_000, "state": state}
    insert(database, "payments", **row, reference=reference, address=address, **moments)


def test_payments_go_up_and_come_back(empty: Database) -> None:
    command.upgrade(config(empty), "0014")
    at = "https://pay.example.vn"
    before = [("pay_1", "paid", "R-1", f"{at}/R-1"), ("pay_2", "open", "R-2", f"{at}/R-2")]
    for row in before:
        pay(empty, *row)
    upgrade(empty)
    assert stored(empty, QUERY) == before
    pay(empty, "pay_3", "opening", None, None)
    pay(empty, "pay_4", "abandoned", None, None)
    command.downgrade(config(empty), "0014")
    assert stored(empty, QUERY) == [*before, ("pay_3", "expired", "pay_3", ""), ("pay_4", "abandoned", "pay_4", "")]
    upgrade(empty)
    assert [row[0] for row in stored(empty, QUERY)] == ["pay_1", "pay_2", "pay_3", "pay_4"]
