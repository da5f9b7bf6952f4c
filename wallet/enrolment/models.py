"""Tables of enrolment: who asked for an account, what was compared, who decided."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class ApplicationRow(Base):
    """One application for an account of a level, from its arrival to its answer.

    kind: `level_1` (from home), `level_2` (at a desk), `ward` (by a parent or guardian). account_id: NULL where nobody
    was matched. sealed_form: what was stated, under the deployment's key and this row's id; erased with the answer's
    retention. matching: codes and scores, no data. state: `received`, `recorded`, `approved`, `refused`.
    """

    __tablename__ = "applications"
    __table_args__ = (Index("ix_applications_queue", "state", "due_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    applicant_account_id: Mapped[str | None] = mapped_column(String(64))
    sealed_form: Mapped[bytes | None] = mapped_column(LargeBinary)
    matching: Mapped[dict[str, Any]] = mapped_column(JSON)
    agency: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(48))
    written_reason: Mapped[str | None] = mapped_column(String(1000))
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str | None] = mapped_column(String(64))
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OrganisationRow(Base):
    """An agency or organisation: one account, no level, acted for by its legal representative's own account.

    state: `pending`, `active`, `refused`, `closed`.
    """

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    enterprise_code: Mapped[str] = mapped_column(String(20), unique=True)
    tax_code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    head_office: Mapped[str] = mapped_column(String(300))
    founded_on: Mapped[date | None] = mapped_column(Date)
    representative_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(48))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
