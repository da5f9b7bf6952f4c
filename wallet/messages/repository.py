"""Reading and writing the tables of messages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wallet.db import keyset_page, rows_changed
from wallet.messages.models import EventRow, NoticeRow, OutgoingRow


@dataclass(frozen=True, slots=True)
class MessageRepository:
    """The tables of messages in one transaction."""

    session: Session

    def add(self, row: NoticeRow | OutgoingRow | EventRow) -> None:
        self.session.add(row)

    # Notices

    def notice(self, account_id: str, notice_id: str) -> NoticeRow | None:
        return self.session.scalar(
            select(NoticeRow).where(NoticeRow.id == notice_id, NoticeRow.account_id == account_id)
        )

    def notices(self, account_id: str, limit: int, place: str | None) -> tuple[list[NoticeRow], str | None]:
        """Return one page, newest first, and the place of the next."""
        statement = (
            select(NoticeRow)
            .where(NoticeRow.account_id == account_id)
            .order_by(NoticeRow.created_at.desc(), NoticeRow.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)

    def unread(self, account_id: str) -> int:
        statement = select(func.count()).where(NoticeRow.account_id == account_id, NoticeRow.read_at.is_(None))
        return self.session.scalar(statement) or 0

    def mark_read(self, account_id: str, at: datetime, notice_id: str | None = None) -> int:
        """Mark one notice, or all of an account, as read; return how many were not."""
        statement = update(NoticeRow).where(NoticeRow.account_id == account_id, NoticeRow.read_at.is_(None))
        if notice_id is not None:
            statement = statement.where(NoticeRow.id == notice_id)
        return rows_changed(self.session, statement.values(read_at=at))
