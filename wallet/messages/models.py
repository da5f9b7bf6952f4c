"""Tables of messages: a holder's inbox, and everything that has to leave this process.

Rows that leave are written in the transaction of what they tell; a job delivers them afterwards. So nothing is told
that did not happen, and nothing that happened stays untold.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class NoticeRow(Base):
    """One notice in an account's inbox. code: of the catalogue's section `notices`. values: ids, codes, times;
    never a name, a number or anything else that identifies."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_account_created", "account_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(48))
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutgoingRow(Base):
    """One thing that has to leave: a text message or a webhook delivery.

    kind: `sms` or `webhook`. target: the endpoint's id, empty for an SMS. sealed_payload: under the deployment's
    key, for a text message holds a phone number and a code; erased when it is sent or given up. state: `waiting`,
    `sent`, `failed`. next_try_at: while somebody sends it, until when nobody else may. An event goes to an endpoint
    once.
    """

    __tablename__ = "outgoing"
    __table_args__ = (Index("ix_outgoing_waiting", "state", "next_try_at"), UniqueConstraint("target", "event_id"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(64), index=True)
    event_id: Mapped[str | None] = mapped_column(String(64), index=True)
    sealed_payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(64))


class EventRow(Base):
    """One event that webhooks tell: its type and ids, nothing else (Standard Webhooks, thin payload)."""

    __tablename__ = "events"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class WebhookEndpoint(Base):
    """Where events are told to. sealed_former_secret: still signs beside the new one until `former_until`.

    state: `active` or `disabled`. events: the types wanted; empty for all. failing_since: the first failure after
    the last success.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(String(200))
    events: Mapped[list[str]] = mapped_column(JSON)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    disabled_reason: Mapped[str | None] = mapped_column(String(64))
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeliveryAttempt(Base):
    """One attempt to deliver an event to an endpoint. status: of HTTP, NULL when there was no answer."""

    __tablename__ = "delivery_attempts"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(String(64), index=True)
    outgoing_id: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None] = mapped_column(Integer)
    milliseconds: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String(64))
