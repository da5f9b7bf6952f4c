"""Reading and writing the tables of messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from wallet.db import keyset_page, rows_changed
from wallet.messages.models import DeliveryAttempt, EventRow, NoticeRow, OutgoingRow, WebhookEndpoint

Row = NoticeRow | OutgoingRow | EventRow | WebhookEndpoint | DeliveryAttempt


@dataclass(frozen=True, slots=True)
class MessageRepository:
    """The tables of messages in one transaction."""

    session: Session

    def add(self, row: Row) -> None:
        self.session.add(row)

    def flush(self) -> None:
        self.session.flush()

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

    # What waits to leave

    def due(self, kind: str, now: datetime, limit: int) -> list[str]:
        """Return the ids of what has to be tried now: one of each target first, then the next of each."""
        turn = func.row_number().over(
            partition_by=OutgoingRow.target, order_by=(OutgoingRow.next_try_at, OutgoingRow.id)
        )
        statement = (
            select(OutgoingRow.id)
            .where(OutgoingRow.state == "waiting", OutgoingRow.kind == kind, OutgoingRow.next_try_at <= now)
            .order_by(turn, OutgoingRow.next_try_at, OutgoingRow.id)
            .limit(limit)
        )
        return list(self.session.scalars(statement))

    def claim(self, row_id: str, now: datetime, until: datetime) -> OutgoingRow | None:
        """Keep what is due from everybody else until `until`; None when somebody else was first."""
        statement = (
            update(OutgoingRow)
            .where(OutgoingRow.id == row_id, OutgoingRow.state == "waiting", OutgoingRow.next_try_at <= now)
            .values(next_try_at=until, tries=OutgoingRow.tries + 1)
        )
        if rows_changed(self.session, statement) != 1:
            return None
        return self.session.get(OutgoingRow, row_id, populate_existing=True)

    def settle(self, row_id: str, state: str, outcome: str, at: datetime, tries: int | None = None) -> bool:
        """End what still waits, erase its content; return whether this call did. tries: only while it has so many."""
        statement = update(OutgoingRow).where(OutgoingRow.id == row_id, OutgoingRow.state == "waiting")
        if tries is not None:
            statement = statement.where(OutgoingRow.tries == tries)
        values = {"state": state, "outcome": outcome, "done_at": at, "sealed_payload": None}
        return rows_changed(self.session, statement.values(values)) == 1

    def try_again(self, row_id: str, tries: int, outcome: str, at: datetime) -> None:
        """Note a failure and when the next try is due; nothing where somebody else has it by now."""
        statement = update(OutgoingRow).where(
            OutgoingRow.id == row_id, OutgoingRow.state == "waiting", OutgoingRow.tries == tries
        )
        rows_changed(self.session, statement.values(outcome=outcome, next_try_at=at))

    def postpone(self, endpoint_id: str, now: datetime, until: datetime) -> None:
        """Leave an endpoint alone until then: what is due for it waits."""
        statement = update(OutgoingRow).where(
            OutgoingRow.target == endpoint_id, OutgoingRow.state == "waiting", OutgoingRow.next_try_at <= now
        )
        rows_changed(self.session, statement.values(next_try_at=until))

    def send_anew(self, row_id: str, now: datetime) -> bool:
        """Queue once more what was sent or given up; return whether it had ended."""
        statement = update(OutgoingRow).where(OutgoingRow.id == row_id, OutgoingRow.state != "waiting")
        values = {"state": "waiting", "tries": 0, "next_try_at": now, "done_at": None, "outcome": None}
        return rows_changed(self.session, statement.values(values)) == 1

    def forget_before(self, moment: datetime) -> None:
        """Drop what left before then, with its attempts and events. What waits stays."""
        self.session.execute(delete(DeliveryAttempt).where(DeliveryAttempt.at < moment))
        self.session.execute(delete(OutgoingRow).where(OutgoingRow.done_at < moment))
        waits = select(OutgoingRow.id).where(OutgoingRow.event_id == EventRow.id).exists()
        self.session.execute(delete(EventRow).where(EventRow.at < moment, ~waits))

    # Events and endpoints

    def event(self, event_id: str) -> EventRow | None:
        return self.session.get(EventRow, event_id)

    def event_types(self, event_ids: Iterable[str]) -> dict[str, str]:
        """Return the type of each event."""
        rows = self.session.execute(select(EventRow.id, EventRow.type).where(EventRow.id.in_(list(event_ids))))
        return {row.id: row.type for row in rows}

    def active_endpoints(self) -> list[WebhookEndpoint]:
        statement = select(WebhookEndpoint).where(WebhookEndpoint.state == "active").order_by(WebhookEndpoint.id)
        return list(self.session.scalars(statement))

    def endpoint(self, endpoint_id: str, *, lock: bool = False) -> WebhookEndpoint | None:
        """Return one endpoint. lock: nobody else changes it before this transaction ends."""
        return self.session.get(WebhookEndpoint, endpoint_id, with_for_update=lock or None, populate_existing=lock)

    def endpoints(self, limit: int, place: str | None) -> tuple[list[WebhookEndpoint], str | None]:
        """Return one page, newest first, and the place of the next."""
        statement = select(WebhookEndpoint).order_by(WebhookEndpoint.created_at.desc(), WebhookEndpoint.id.desc())
        return keyset_page(self.session, statement, limit, place)

    def drop_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Delete an endpoint with its log and with what waits for it."""
        for table, column in ((OutgoingRow, OutgoingRow.target), (DeliveryAttempt, DeliveryAttempt.endpoint_id)):
            self.session.execute(delete(table).where(column == endpoint.id))
        self.session.delete(endpoint)
        self.session.flush()

    def attempt(self, endpoint_id: str, attempt_id: str) -> DeliveryAttempt | None:
        return self.session.scalar(
            select(DeliveryAttempt).where(DeliveryAttempt.id == attempt_id, DeliveryAttempt.endpoint_id == endpoint_id)
        )

    def attempts(self, endpoint_id: str, limit: int, place: str | None) -> tuple[list[DeliveryAttempt], str | None]:
        """Return one page of an endpoint's log, newest first, and the place of the next."""
        statement = (
            select(DeliveryAttempt)
            .where(DeliveryAttempt.endpoint_id == endpoint_id)
            .order_by(DeliveryAttempt.at.desc(), DeliveryAttempt.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)

    def outgoing(self, row_id: str) -> OutgoingRow | None:
        return self.session.get(OutgoingRow, row_id)
