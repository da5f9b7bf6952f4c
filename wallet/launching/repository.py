"""Reads and writes the tables of launching."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wallet.db import Base, insert_if_absent, rows_changed
from wallet.launching.models import Approval, UtilityState


class LaunchingRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def states(self) -> dict[str, UtilityState]:
        return {row.code: row for row in self.session.scalars(select(UtilityState))}

    def state(self, code: str) -> UtilityState | None:
        return self.session.get(UtilityState, code)

    def change_state(self, code: str, expected_version: int, new: UtilityState) -> bool:
        """Write `new` if the row still has the expected version (0: there is none); return whether it did."""
        if expected_version == 0:
            return insert_if_absent(self.session, UtilityState, _values(new))
        values = {name: getattr(new, name) for name in ("state", "version", "reason", "changed_by", "changed_at")}
        statement = (
            update(UtilityState)
            .where(UtilityState.code == code, UtilityState.version == expected_version)
            .values(values)
        )
        return rows_changed(self.session, statement) == 1

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

    def list_awaiting(self) -> list[Approval]:
        statement = select(Approval).where(Approval.state == "awaiting").order_by(Approval.requested_at, Approval.id)
        return list(self.session.scalars(statement))

    def decide(self, approval_id: str, outcome: str, by: str, at: datetime) -> bool:
        """Close an approval that still waits; return whether this call did it."""
        statement = (
            update(Approval)
            .where(Approval.id == approval_id, Approval.state == "awaiting")
            .values(state=outcome, decided_by=by, decided_at=at)
        )
        return rows_changed(self.session, statement) == 1


def _values(row: Base) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in type(row).__table__.columns}
