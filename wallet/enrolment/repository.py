"""Reading and writing the tables of enrolment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from wallet.db import insert_if_absent, keyset_page, rows_changed
from wallet.enrolment.applications import FOR_DESK, LEVEL_1, LEVEL_2, RECEIVED
from wallet.enrolment.models import ApplicationRow, OrganisationRow


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose applications a member of staff sees. agency: None for all of the province."""

    agency: str | None
    province: str


@dataclass(frozen=True, slots=True)
class ApplicationRepository:
    """The table of applications in one transaction."""

    session: Session

    def add(self, row: ApplicationRow) -> None:
        self.session.add(row)
        self.session.flush()

    def get(self, application_id: str) -> ApplicationRow | None:
        return self.session.get(ApplicationRow, application_id, populate_existing=True)

    def within(
        self, reach: Reach, state: str, now: datetime, limit: int, place: str | None
    ) -> tuple[list[ApplicationRow], str | None]:
        """Return one page of a state, what is due first, and the place of the next.

        A registration from home belongs to no desk; it is seen by every desk once it is overdue or left to them.
        """
        row = ApplicationRow
        own = [row.kind == LEVEL_2, row.province == reach.province]
        own += [] if reach.agency is None else [row.agency == reach.agency]
        left_lying = and_(row.kind == LEVEL_1, row.state == RECEIVED, or_(row.due_at < now, row.reason == FOR_DESK))
        statement = (
            select(row).where(row.state == state, or_(and_(*own), left_lying)).order_by(row.due_at.asc(), row.id.asc())
        )
        return keyset_page(self.session, statement, limit, place)

    def undecided(self, received_before: datetime, most: int) -> list[str]:
        """Return the ids of registrations from home that are to be decided, the oldest first."""
        statement = (
            select(ApplicationRow.id)
            .where(
                ApplicationRow.state == RECEIVED,
                ApplicationRow.kind == LEVEL_1,
                ApplicationRow.reason.is_(None),
                ApplicationRow.received_at <= received_before,
            )
            .order_by(ApplicationRow.due_at, ApplicationRow.id)
            .limit(most)
        )
        return list(self.session.scalars(statement))

    def move(self, application_id: str, before: str, **values: object) -> bool:
        """Change an application that is in this state; return whether this call did: of any that race, one does."""
        statement = update(ApplicationRow).where(ApplicationRow.id == application_id, ApplicationRow.state == before)
        return rows_changed(self.session, statement.values(**values)) == 1


@dataclass(frozen=True, slots=True)
class OrganisationRepository:
    """The table of organisations in one transaction."""

    session: Session

    def add(self, values: dict[str, object]) -> bool:
        """Add an organisation; return whether its code was still free."""
        return insert_if_absent(self.session, OrganisationRow, values)

    def get(self, organisation_id: str) -> OrganisationRow | None:
        return self.session.get(OrganisationRow, organisation_id, populate_existing=True)

    def by_code(self, enterprise_code: str) -> OrganisationRow | None:
        return self.session.scalar(select(OrganisationRow).where(OrganisationRow.enterprise_code == enterprise_code))

    def known(self, ids: Collection[str]) -> list[OrganisationRow]:
        return list(self.session.scalars(select(OrganisationRow).where(OrganisationRow.id.in_(ids))))

    def of_representative(self, account_id: str) -> list[OrganisationRow]:
        statement = (
            select(OrganisationRow)
            .where(OrganisationRow.representative_account_id == account_id)
            .order_by(OrganisationRow.received_at, OrganisationRow.id)
        )
        return list(self.session.scalars(statement))

    def page(self, state: str, limit: int, place: str | None) -> tuple[list[OrganisationRow], str | None]:
        """Return one page of a state, what is due first, and the place of the next."""
        statement = (
            select(OrganisationRow)
            .where(OrganisationRow.state == state)
            .order_by(OrganisationRow.due_at, OrganisationRow.id)
        )
        return keyset_page(self.session, statement, limit, place)

    def move(self, organisation_id: str, before: str, **values: object) -> bool:
        """Change an organisation that is in this state; return whether this call did."""
        statement = update(OrganisationRow).where(
            OrganisationRow.id == organisation_id, OrganisationRow.state == before
        )
        return rows_changed(self.session, statement.values(**values)) == 1
