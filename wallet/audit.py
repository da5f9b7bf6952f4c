"""The append-only record of who did what to what: ids, never claims.

Written in the transaction of the thing it records. What must be remembered although the thing failed
(a register that was read, a refusal) is marked as surviving: `wallet.wiring` writes it again, alone, when
the transaction is rolled back. What is told once in a while, however often it happens, is written alone in any case.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from wallet.clock import Clock
from wallet.db import Base, UtcDateTime, keyset_page
from wallet.errors import Unavailable
from wallet.terms import Actor

CHUNK = 500
"""Ids that one query asks for."""


class AuditEvent(Base):
    """One row of the record."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(64), index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(64), index=True)
    request_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded. once: what it is told of and until when, where it is told once."""

    at: datetime
    action: str
    actor: str
    subject: str
    request_id: str
    details: dict[str, Any]
    once: tuple[str, datetime] | None = None

    def row(self) -> AuditEvent:
        return AuditEvent(
            at=self.at,
            action=self.action,
            actor=self.actor,
            subject=self.subject,
            request_id=self.request_id,
            details=self.details,
        )


@dataclass
class Audit:
    """Records events in the current transaction."""

    session: Session
    clock: Clock
    survivors: list[Entry] = field(default_factory=list)

    def record(self, action: str, actor: Actor, subject: str, *, survives: bool = False, **details: Any) -> None:
        """Record one event.

        action: `document.issued` and the like. subject: the id of what it was done to. details: ids and codes.
        survives: keep it even when the transaction is rolled back.
        """
        if actor.acting_for is not None:
            details = {**details, "acting_for": actor.acting_for}
        entry = Entry(self.clock.now(), action, actor.account_id, subject, actor.request_id, details)
        if survives:
            self.survivors.append(entry)
        self.session.add(entry.row())

    def alarm(self, action: str, actor: Actor, subject: str, about: str, until: datetime, **details: Any) -> None:
        """Record one event, whatever becomes of the transaction, unless it was recorded `about` the same before.

        about: names what it is told of, with the time for which once is enough. until: when that time is over.
        """
        entry = Entry(self.clock.now(), action, actor.account_id, subject, actor.request_id, details, (about, until))
        self.survivors.append(entry)

    def write(self) -> None:
        """Write what was recorded now, for whatever may not happen unless it is on record (S-65).

        Raises Unavailable("storage_unavailable") where the database refuses it, for whatever reason.
        """
        try:
            self.session.flush()
        except DBAPIError as error:
            raise Unavailable("storage_unavailable") from error

    def count_actors(self, action: str, subject: str, since: datetime) -> int:
        """Return how many there are who did one thing to one subject since a moment."""
        same = AuditEvent.subject == subject, AuditEvent.action == action, AuditEvent.at >= since
        return self.session.scalar(select(func.count(AuditEvent.actor.distinct())).where(*same)) or 0

    def about(self, subjects: Collection[str], actor: str, most: int) -> list[AuditEvent]:
        """Return what was recorded about any of these, or done by this actor, oldest first; of more the newest."""
        found: dict[int, AuditEvent] = {}
        asked = sorted(subjects)
        conditions = [AuditEvent.subject.in_(asked[start : start + CHUNK]) for start in range(0, len(asked), CHUNK)]
        for condition in (AuditEvent.actor == actor, *conditions):
            newest = select(AuditEvent).where(condition).order_by(AuditEvent.id.desc()).limit(most)
            found |= {event.id: event for event in self.session.scalars(newest)}
        return [found[key] for key in sorted(found)][-most:]

    def subjects_of(self, action: str, subjects: Collection[str], *, before: datetime | None = None) -> set[str]:
        """Return those of these ids to which an action is on record; before: what was recorded sooner alone counts."""
        asked, found = sorted(subjects), set[str]()
        for start in range(0, len(asked), CHUNK):
            statement = select(AuditEvent.subject).where(
                AuditEvent.action == action, AuditEvent.subject.in_(asked[start : start + CHUNK])
            )
            if before is not None:
                statement = statement.where(AuditEvent.at < before)
            found |= set(self.session.scalars(statement))
        return found

    def find_about(self, subject: str, actions: Collection[str], name: str, value: str) -> AuditEvent | None:
        """Return what was recorded of one subject, one of these actions, with this value among its details."""
        statement = select(AuditEvent).where(
            AuditEvent.subject == subject,
            AuditEvent.action.in_(list(actions)),
            AuditEvent.details[name].as_string() == value,
        )
        return self.session.scalars(statement.limit(1)).first()

    def was_recorded(
        self, action: str, actor: Actor, subject: str, between: tuple[datetime, datetime], details: Mapping[str, str]
    ) -> bool:
        """Return whether this actor did such a thing to a subject between two moments, both included."""
        statement = select(AuditEvent.id).where(
            AuditEvent.subject == subject,
            AuditEvent.action == action,
            AuditEvent.actor == actor.account_id,
            AuditEvent.at.between(*between),
            *(AuditEvent.details[name].as_string() == value for name, value in details.items()),
        )
        return self.session.scalars(statement.limit(1)).first() is not None

    def next_with(self, action: str, name: str, value: str, after: int, most: int) -> list[AuditEvent]:
        """Return the next entries of one action with this value among their details, in order, after one of them."""
        statement = select(AuditEvent).where(
            AuditEvent.action == action, AuditEvent.id > after, AuditEvent.details[name].as_string() == value
        )
        return list(self.session.scalars(statement.order_by(AuditEvent.id).limit(most)))

    def page_about(
        self,
        subjects: Collection[str],
        actions: Collection[str],
        limit: int,
        place: str | None,
        *,
        only: Collection[str] | None = None,
    ) -> tuple[list[AuditEvent], str | None]:
        """Return one page of these actions on any of these, newest first, and where the next one starts.

        only: codes of procedures and utilities, None for all; what was done for another of them is left out.
        """
        statement = select(AuditEvent).where(
            AuditEvent.subject.in_(sorted(subjects)), AuditEvent.action.in_(list(actions))
        )
        if only is not None:
            for name in ("procedure", "utility"):
                stated = func.coalesce(AuditEvent.details[name].as_string(), "")
                statement = statement.where(stated.in_(sorted({*only, ""})))
        return keyset_page(self.session, statement.order_by(AuditEvent.id.desc()), limit, place)
