"""Reading and writing the tables of the profile."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wallet.db import keyset_page, on_desks, rows_changed
from wallet.profile.models import CorrectionRow, EvidenceRow


@dataclass(frozen=True, slots=True)
class CorrectionRepository:
    """Corrections and their evidence, in one transaction."""

    session: Session

    def add(self, row: CorrectionRow, evidence: Iterable[EvidenceRow]) -> None:
        self.session.add(row)
        self.session.flush()
        self.session.add_all(evidence)
        self.session.flush()

    def get(self, correction_id: str) -> CorrectionRow | None:
        return self.session.get(CorrectionRow, correction_id, populate_existing=True)

    def ids_of_holder(self, holder_id: str) -> list[str]:
        return list(self.session.scalars(select(CorrectionRow.id).where(CorrectionRow.holder_id == holder_id)))

    def page_of_holder(self, holder_id: str, limit: int, place: str | None) -> tuple[list[CorrectionRow], str | None]:
        """Return one page, newest first, and the place of the next."""
        statement = (
            select(CorrectionRow)
            .where(CorrectionRow.holder_id == holder_id)
            .order_by(CorrectionRow.created_at.desc(), CorrectionRow.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)

    def page_of_desks(
        self, desks: Collection[tuple[str, str | None]], state: str, limit: int, place: str | None
    ) -> tuple[list[CorrectionRow], str | None]:
        """Return one page of what lies on any of these desks (`wallet.identity.desks.places`) in a state.

        What is due first comes first; then comes the place of the next page.
        """
        statement = (
            select(CorrectionRow)
            .where(on_desks(CorrectionRow.owner, CorrectionRow.province, desks), CorrectionRow.state == state)
            .order_by(CorrectionRow.due_at, CorrectionRow.id)
        )
        return keyset_page(self.session, statement, limit, place)

    def in_no_province(self, states: Iterable[str]) -> dict[str, int]:
        """Return how many corrections in these states lie in no province, by agency; none where there is none."""
        statement = (
            select(CorrectionRow.owner, func.count())
            .where(CorrectionRow.province == "", CorrectionRow.state.in_(list(states)))
            .group_by(CorrectionRow.owner)
        )
        return {str(owner): int(count) for owner, count in self.session.execute(statement)}

    def evidence(self, correction_ids: Iterable[str]) -> list[EvidenceRow]:
        """Return the evidence of some corrections."""
        statement = select(EvidenceRow).where(EvidenceRow.correction_id.in_(list(correction_ids)))
        return list(self.session.scalars(statement.order_by(EvidenceRow.correction_id, EvidenceRow.position)))

    def move(self, correction_id: str, before: Iterable[str], **values: object) -> bool:
        """Change a correction that is in one of these states; return whether this call did."""
        statement = update(CorrectionRow).where(
            CorrectionRow.id == correction_id, CorrectionRow.state.in_(list(before))
        )
        return rows_changed(self.session, statement.values(**values)) == 1
