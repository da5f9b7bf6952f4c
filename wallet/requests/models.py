"""Tables of requests: what a citizen asked a utility for, how it went, and what came with it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class RequestRow(Base):
    """One request. Answers and whom it is about stand in `sealed`, under the holder's own data key.

    account_id: who is told (a ward's guardians are told for the ward). agency, province: whose desk it lies on.
    claimed_by: the officer who has it in hand; decided_by: who made the last move of the desk, for the four eyes.
    fields_held, fields_asked: how many fields of the form a register answered, and how many a person did.
    organisation_id: for which it is made, with its code and its name as they were when it was sent (of a draft, begun).
    document_id: what came of it. version rises with each change. due_at stands still while the applicant is asked.
    """

    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    utility: Mapped[str] = mapped_column(String(64))
    utility_version: Mapped[int] = mapped_column(Integer)
    rules_version: Mapped[str] = mapped_column(String(32))
    capacity: Mapped[str] = mapped_column(String(16))
    organisation_id: Mapped[str | None] = mapped_column(String(64))
    organisation_code: Mapped[str | None] = mapped_column(String(20))
    organisation_name: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(Integer)
    agency: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    apologies: Mapped[int] = mapped_column(Integer)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    fee: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    fields_held: Mapped[int] = mapped_column(Integer)
    fields_asked: Mapped[int] = mapped_column(Integer)
    document_id: Mapped[str | None] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_requests_holder_created", "holder_id", "created_at", "id"),
        Index("ix_requests_queue", "agency", "state", "submitted_at", "id"),
        Index("ix_requests_due", "state", "due_at"),
        Index("ix_requests_sent", "utility", "submitted_at"),
    )


class RequestEvent(Base):
    """One thing that happened to a request, in order. party: `wallet.utilities.lifecycles.By`. reason: a code.

    sealed_note: what an officer wrote to the applicant. expected_at: by when the next thing is promised.
    """

    __tablename__ = "request_events"

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(32))
    party: Mapped[str] = mapped_column(String(16))
    officer_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(64))
    expected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed_note: Mapped[bytes | None] = mapped_column(LargeBinary)
    step: Mapped[str | None] = mapped_column(String(64))


class RequestStep(Base):
    """A sub-task at an agency, with a clock of its own. state: as in `steps.py`.

    reminders: how often its agency was told that its time is over; reminded_at: when, of the time that runs now.
    sealed_over: the answers over which it ended; None where they were not kept yet.
    """

    __tablename__ = "request_steps"

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    agency: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(64))
    sealed_found: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_over: Mapped[bytes | None] = mapped_column(LargeBinary)
    reminders: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_request_steps_queue", "agency", "state", "due_at"),
        Index("ix_request_steps_due", "state", "reminded_at", "due_at"),
    )


class RequestFile(Base):
    """One file of evidence, as `wallet.evidence.cleaned` leaves it. size: bytes; sha256: hexadecimal."""

    __tablename__ = "request_files"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), index=True)
    field: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed_content: Mapped[bytes] = mapped_column(LargeBinary)


class RequestPaper(Base):
    """A slip or a letter that was made out, and the date it promises. kind, what is sealed: as in `papers.py`."""

    __tablename__ = "request_papers"

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class RequestAgreement(Base):
    """Somebody else who was asked to agree to a request. holder_id: whom; state: as in `agreements.py`."""

    __tablename__ = "request_agreements"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), index=True)
    holder_id: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_request_agreements_due", "state", "expires_at"),)


class RequestOnce(Base):
    """What no other request of a utility may ask for while this one does. digest: keyed, of the utility and what it
    says (`once.py`): nobody reads here what it was."""

    __tablename__ = "requests_once"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id"), index=True)


class LinkRow(Base):
    """A holder's link to a record of another institution. state: `linking`, `linked` or `mismatch`."""

    __tablename__ = "utility_links"

    holder_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    utility: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
