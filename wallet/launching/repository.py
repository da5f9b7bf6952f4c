"""Reads and writes the tables of launching."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wallet.db import Base, insert_if_absent, insert_into, rows_changed
from wallet.launching.models import Approval, UtilityState, UtilityTester


class LaunchingRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def states(self) -> dict[str, UtilityState]:
        return {row.code: row for row in self.session.scalars(select(UtilityState))}

    def state(self, code: str, *, lock: bool = False) -> UtilityState | None:
        """Return the row as it is now. lock: and let nobody else change it until the transaction ends."""
        return self.session.get(UtilityState, code, populate_existing=lock, with_for_update=lock or None)

    def change_state(self, code: str, expected_version: int, new: UtilityState) -> bool:
        """Write `new` if the row still has the expected version (0: there is none); return whether it did."""
        if expected_version == 0:
            return insert_if_absent(self.session, UtilityState, _values(new))
        values = {name: value for name, value in _values(new).items() if name != "code"}
        statement = (
            update(UtilityState)
            .where(UtilityState.code == code, UtilityState.version == expected_version)
            .values(values)
        )
        return rows_changed(self.session, statement) == 1

    def due(self, now: datetime) -> Sequence[str]:
        """Return the utilities that have a change which is due."""
        statement = select(UtilityState.code).where(UtilityState.next_change_at <= now).order_by(UtilityState.code)
        return self.session.scalars(statement).all()

    # ── testers ──

    def testers(self, code: str) -> frozenset[str]:
        return frozenset(self.session.scalars(select(UtilityTester.account_id).where(UtilityTester.utility == code)))

    def all_testers(self) -> Mapping[str, frozenset[str]]:
        """Return the testers of each utility that has some."""
        found: dict[str, set[str]] = {}
        for row in self.session.execute(select(UtilityTester.utility, UtilityTester.account_id)):
            found.setdefault(row.utility, set()).add(row.account_id)
        return {code: frozenset(testers) for code, testers in found.items()}

    def tested_by(self, account_id: str) -> frozenset[str]:
        """Return what an account tests."""
        return frozenset(
            self.session.scalars(select(UtilityTester.utility).where(UtilityTester.account_id == account_id))
        )

    def is_tester(self, code: str, account_id: str) -> bool:
        return self.session.get(UtilityTester, (code, account_id)) is not None

    def set_testers(self, code: str, testers: Collection[str], now: datetime) -> None:
        """Make these the testers, in the transaction that changed the state. Who was one before keeps their day."""
        before = self.testers(code)
        if gone := before - set(testers):
            self.session.execute(
                delete(UtilityTester).where(UtilityTester.utility == code, UtilityTester.account_id.in_(gone))
            )
        if new := sorted(set(testers) - before):
            rows = [{"utility": code, "account_id": account_id, "since": now} for account_id in new]
            self.session.execute(insert_into(self.session, UtilityTester), rows)

    # ── approvals ──

    def add_approval(self, approval: Approval) -> bool:
        """Add an approval unless one waits for the same subject; return whether this call did it."""
        return insert_if_absent(self.session, Approval, _values(approval))

    def approval(self, approval_id: str) -> Approval | None:
        return self.session.get(Approval, approval_id)

    def awaiting(self, kind: str, subject: str) -> Approval | None:
        statement = select(Approval).where(
            Approval.kind == kind, Approval.subject == subject, Approval.state == "awaiting"
        )
        return self.session.scalar(statement)

    def list_awaiting(self, kind: str) -> list[Approval]:
        statement = (
            select(Approval)
            .where(Approval.state == "awaiting", Approval.kind == kind)
            .order_by(Approval.requested_at, Approval.id)
        )
        return list(self.session.scalars(statement))

    def expired(self, now: datetime) -> Sequence[str]:
        """Return the approvals that wait although their time is over."""
        statement = select(Approval.id).where(Approval.state == "awaiting", Approval.expires_at <= now)
        return self.session.scalars(statement.order_by(Approval.id)).all()

    def decide(self, approval_id: str, outcome: str, by: str, at: datetime, answer: str = "") -> bool:
        """Close an approval that still waits; return whether this call did it."""
        statement = (
            update(Approval)
            .where(Approval.id == approval_id, Approval.state == "awaiting")
            .values(state=outcome, decided_by=by, decided_at=at, answer=answer)
        )
        return rows_changed(self.session, statement) == 1

    def forget_tester(self, account_id: str) -> None:
        """Take an account out of what is planned and out of what was asked for; the table of testers is not its own."""
        for state in self.session.scalars(select(UtilityState).where(UtilityState.next_change_at.is_not(None))):
            state.schedule = [_without(entry, account_id) for entry in state.schedule]
        for approval in self.session.scalars(select(Approval)):
            approval.change = _without(approval.change, account_id)
            approval.before = _without(approval.before, account_id)
        self.session.flush()


def _without(stored: Mapping[str, Any], account_id: str) -> dict[str, Any]:
    """Return the stored change without one tester, at whatever depth its audience stands."""
    if account_id not in str(stored):
        return dict(stored)
    found: dict[str, Any] = {}
    for name, value in stored.items():
        if name == "testers":
            found[name] = [each for each in value if each != account_id]
        else:
            found[name] = _without(value, account_id) if isinstance(value, dict) else value
    return found


def _values(row: Base) -> dict[str, Any]:
    """Return the columns of a row that was never stored; what was not given is left to its default."""
    columns = type(row).__table__.columns
    values = {column.name: getattr(row, column.name) for column in columns}
    return {name: value for name, value in values.items() if value is not None or columns[name].default is None}
