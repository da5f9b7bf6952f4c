"""Tables of what holders let desks see: shares, consents, presentations, lists of passengers, reports of misuse.

That a desk checked somebody is on the audit record alone, from where its holder reads it.
"""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class ConsentRow(Base):
    """A holder's consent to show some kinds of data to one organisation for one purpose, kept as proof.

    fields: names of data, never values. text_version: of the words that the holder agreed to. remembered: whether it
    answers later checks by itself, until expires_at; one that does not covers the act in which it was given.
    withdrawn_at: from then on nothing is shown on its ground.
    """

    __tablename__ = "share_consents"
    __table_args__ = (
        Index("ix_share_consents_holder_given", "holder_id", "given_at", "id"),
        Index("ix_share_consents_organisation", "organisation_id", "purpose", "holder_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(String(64))
    organisation_name: Mapped[dict[str, str]] = mapped_column(JSON)
    purpose: Mapped[str] = mapped_column(String(64))
    purpose_name: Mapped[dict[str, str]] = mapped_column(JSON)
    legal_ground: Mapped[str] = mapped_column(String(300))
    utility: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    fields: Mapped[list[str]] = mapped_column(JSON)
    text_version: Mapped[str] = mapped_column(String(16))
    remembered: Mapped[bool] = mapped_column(Boolean)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ShareRow(Base):
    """A desk asks a holder for what a code does not state: claims of a document, or the portrait.

    state: `awaiting`, `agreed`, `refused`. required, optional: names of data that are asked for. answer_until: after it
    nobody can agree any more; readable_until: after it nothing is shown any more.
    """

    __tablename__ = "desk_shares"
    __table_args__ = (
        Index("ix_desk_shares_holder_asked", "holder_id", "asked_at", "id"),
        Index("ix_desk_shares_desk", "desk_id", "purpose", "holder_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    document_id: Mapped[str] = mapped_column(String(64))
    utility: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(String(64))
    organisation_name: Mapped[dict[str, str]] = mapped_column(JSON)
    desk_id: Mapped[str] = mapped_column(String(64))
    desk_name: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(64))
    purpose_name: Mapped[dict[str, str]] = mapped_column(JSON)
    legal_ground: Mapped[str] = mapped_column(String(300))
    required: Mapped[list[str]] = mapped_column(JSON)
    optional: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answer_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    readable_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_id: Mapped[str | None] = mapped_column(String(64))


class PresentationRow(Base):
    """A document that its holder lets one organisation take once, for one purpose: an online check-in, for instance.

    used_at, used_by: set by the one statement that consumes it; used_by names the desk.
    """

    __tablename__ = "presentations"
    __table_args__ = (Index("ix_presentations_holder_created", "holder_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    document_id: Mapped[str] = mapped_column(String(64))
    utility: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(String(64))
    organisation_name: Mapped[dict[str, str]] = mapped_column(JSON)
    purpose: Mapped[str] = mapped_column(String(64))
    purpose_name: Mapped[dict[str, str]] = mapped_column(JSON)
    consent_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_by: Mapped[str | None] = mapped_column(String(64))


class BatchRow(Base):
    """A list of passengers that one desk has checked against presentations.

    state: `working`, `done`. done: how many rows have a result. expires_at: then rows and list are erased.
    """

    __tablename__ = "passenger_batches"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(String(64))
    desk_id: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PassengerRow(Base):
    """One passenger of a list. sealed: what the ticket says, until there is a result; then it is gone."""

    __tablename__ = "passengers"

    batch_id: Mapped[str] = mapped_column(ForeignKey("passenger_batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    result: Mapped[str | None] = mapped_column(String(32))
    name_result: Mapped[str | None] = mapped_column(String(16))
    birth_date_result: Mapped[str | None] = mapped_column(String(16))


class MisuseReportRow(Base):
    """A holder says that a desk should not have looked. sealed_text: their words, under the holder's key.

    access_id: the entry of their history; one report for each. state: `open`, `closed`.
    """

    __tablename__ = "misuse_reports"
    __table_args__ = (Index("ix_misuse_reports_queue", "state", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    access_id: Mapped[str] = mapped_column(String(64), unique=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(String(64))
    organisation_name: Mapped[dict[str, str]] = mapped_column(JSON)
    desk_id: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    sealed_text: Mapped[bytes] = mapped_column(LargeBinary)
    accessed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
