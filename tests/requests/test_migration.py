"""Desks after the tables have changed: steps that were left, corrections of before, a reviewer's desks, and back."""

from collections.abc import Sequence
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.test_schema import config, empty
from wallet.db import Database
from wallet.schema import HEAD, current_version, upgrade

__all__ = ["empty"]  # a fixture is found by its name
REQUEST: dict[str, Any] = {
    "holder_id": "hld",
    "account_id": "acc_a",
    "utility": "judicial_record",
    "utility_version": 1,
    "rules_version": "2026-01",
    "capacity": "self",
    "version": 1,
    "agency": "province_police",
    "province": "01",
    "apologies": 0,
    "fee": "[]",
    "fields_held": 0,
    "fields_asked": 0,
    "sealed": b"",
}
STEPS = ("waiting", "active", "done", "failed", "ended")


def insert(database: Database, table: str, **values: Any) -> None:
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    with database.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def stored(database: Database, query: str) -> Sequence[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def before(empty: Database) -> tuple[Database, str]:
    """A database as it was before desks were in order, and a moment as its rows have it."""
    command.upgrade(config(empty), "0012")
    return empty, "2026-03-02 05:00:00.000000" if empty.is_sqlite else "2026-03-02T05:00:00+00:00"


def test_steps_of_requests_that_are_over_end_and_no_others(before: tuple[Database, str]) -> None:
    database, moment = before
    for state in ("verifying", "supplement_required", "issued", "rejected", "withdrawn"):
        insert(database, "requests", id=state, state=state, created_at=moment, updated_at=moment, **REQUEST)
        for position, step in enumerate(STEPS):
            row = {"request_id": state, "code": step, "position": position, "agency": "records_department"}
            due = None if step in ("waiting", "ended") else moment
            insert(database, "request_steps", **row, province="01", state=step, opened_at=due, due_at=due)
    upgrade(database)
    found = stored(database, "SELECT request_id, code, state, due_at IS NULL FROM request_steps ORDER BY position")
    for request, code, state, undated in found:
        over = request in ("issued", "rejected", "withdrawn") and code in ("waiting", "active")
        assert state == ("ended" if over else code), (request, code)
        assert bool(undated) is (over or code in ("waiting", "ended")), (request, code)
    command.downgrade(config(database), "0012")
    assert {row[0] for row in stored(database, "SELECT state FROM request_steps WHERE request_id = 'issued'")} == {
        *("done", "failed", "ended")
    }


def test_of_a_correction_of_before_no_province_is_known(before: tuple[Database, str]) -> None:
    database, moment = before
    row = {"id": "cor_1", "holder_id": "hld", "account_id": "acc_a", "register": "residence", "fact": "address"}
    times = dict.fromkeys(("created_at", "receipt_due_at", "due_at"), moment)
    insert(database, "corrections", **row, owner="commune_police", sealed_statement=b"", state="received", **times)
    upgrade(database)
    assert stored(database, "SELECT id, owner, province FROM corrections") == [("cor_1", "commune_police", "")]
    # A process that knows nothing of provinces yet still takes one.
    earlier = row | {"id": "cor_2"}
    insert(database, "corrections", **earlier, owner="c06", sealed_statement=b"", state="received", **times)
    assert ("cor_2", "") in stored(database, "SELECT id, province FROM corrections")
    command.downgrade(config(database), "0012")
    assert len(stored(database, "SELECT id FROM corrections")) == 2


def test_a_reviewer_may_have_several_desks_and_any_other_role_is_had_once(before: tuple[Database, str]) -> None:
    database, moment = before
    account = {"id": "acc_a", "holder_id": "hld", "level": 2, "state": "active", "created_at": moment}
    insert(database, "holders", id="hld", created_at=moment)
    insert(database, "accounts", **account)
    desk = {"account_id": "acc_a", "role": "reviewer", "agency": "province_police", "province": "01"}
    insert(database, "staff_grants", **desk, in_force=True)
    insert(database, "staff_grants", **desk | {"role": "officer"}, in_force=True)
    upgrade(database)
    insert(database, "staff_grants", **desk | {"province": "79"}, in_force=True)
    insert(database, "staff_grants", **desk | {"agency": "commune_police"}, in_force=True)
    for again in (desk, desk | {"role": "officer", "province": "79"}):
        with pytest.raises(IntegrityError):
            insert(database, "staff_grants", **again, in_force=True)
    assert len(stored(database, "SELECT 1 FROM staff_grants")) == 4
    command.downgrade(config(database), "0012")
    kept = stored(database, "SELECT role, agency, province FROM staff_grants ORDER BY role")
    assert kept == [("officer", "province_police", "01"), ("reviewer", "commune_police", "01")]
    upgrade(database)
    assert current_version(database) == HEAD
