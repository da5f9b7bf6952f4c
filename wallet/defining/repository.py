"""Reads and writes the table of definitions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wallet.db import insert_if_absent, rows_changed
from wallet.defining.models import UtilityDefinition


class DefinitionRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, definition_id: str) -> UtilityDefinition | None:
        return self.session.get(UtilityDefinition, definition_id)

    def add(self, row: UtilityDefinition) -> bool:
        """Add a version unless the same is there; return whether this call did it."""
        values = {column.name: getattr(row, column.name) for column in UtilityDefinition.__table__.columns}
        return insert_if_absent(self.session, UtilityDefinition, values)

    def list_all(self) -> Sequence[UtilityDefinition]:
        """Return every version, newest first."""
        statement = select(UtilityDefinition)
        return self.session.scalars(
            statement.order_by(UtilityDefinition.proposed_at.desc(), UtilityDefinition.id.desc())
        ).all()

    def last_version(self, code: str) -> int:
        """Return the highest version of a code, whatever became of it; 0 for none."""
        statement = select(func.max(UtilityDefinition.version)).where(UtilityDefinition.code == code)
        return self.session.scalar(statement) or 0

    def newest_approved(self, code: str) -> UtilityDefinition | None:
        """Return the version of a code that is in force, None where there is none yet."""
        approved = (UtilityDefinition.code == code, UtilityDefinition.number.is_not(None))
        newest = select(UtilityDefinition).where(*approved).order_by(UtilityDefinition.number.desc()).limit(1)
        return self.session.scalar(newest)

    def last_number(self) -> int:
        """Return how many were approved: the cheapest way to know that nothing is new."""
        return self.session.scalar(select(func.max(UtilityDefinition.number))) or 0

    def approved(self) -> Sequence[UtilityDefinition]:
        """Return what was approved, in the order in which it was."""
        statement = select(UtilityDefinition).where(UtilityDefinition.number.is_not(None))
        return self.session.scalars(statement.order_by(UtilityDefinition.number)).all()

    def decide(self, definition_id: str, state: str, by: str, at: datetime, number: int | None) -> bool:
        """Close a version that still waits; return whether this call did it."""
        statement = (
            update(UtilityDefinition)
            .where(UtilityDefinition.id == definition_id, UtilityDefinition.state == "awaiting")
            .values(state=state, decided_by=by, decided_at=at, number=number)
        )
        return rows_changed(self.session, statement) == 1
