"""Reads and writes the table of requests."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallet.db import keyset_page
from wallet.requests.models import RequestRow


class RequestRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: RequestRow) -> None:
        self.session.add(row)
        self.session.flush()

    def of_holder(self, request_id: str, holder_id: str) -> RequestRow | None:
        statement = select(RequestRow).where(RequestRow.id == request_id, RequestRow.holder_id == holder_id)
        return self.session.scalar(statement)

    def page_of_holder(self, holder_id: str, limit: int, place: str | None) -> tuple[list[RequestRow], str | None]:
        """Return one page, newest first, and the place where the next one starts (None at the end)."""
        statement = (
            select(RequestRow)
            .where(RequestRow.holder_id == holder_id)
            .order_by(RequestRow.created_at.desc(), RequestRow.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)
