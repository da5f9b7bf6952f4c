"""Tables of the profile: corrections that a holder asked a register's owner for, with their evidence."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class CorrectionRow(Base):
    """A holder says that a register is wrong. The register's owner decides; the wallet carries and tells.

    register: a RegisterCode. fact: which of its facts. owner: code of the agency that keeps the register. province: of
    the holder's residence when it was sent, whose desk decides; "" where nobody knows it.
    sealed_statement: what it should say and why; sealed_answer: what the agency writes; both under the holder's key.
    state: `received`, `forwarded` once the agency opened it, `accepted`, `refused`. receipt_due_at: until when the
    agency has to take it up. due_at: until when it has to decide.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        Index("ix_corrections_holder_created", "holder_id", "created_at", "id"),
        Index("ix_corrections_queue", "owner", "state", "due_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    register: Mapped[str] = mapped_column(String(32))
    fact: Mapped[str] = mapped_column(String(48))
    owner: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(16), server_default="")
    sealed_statement: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    sealed_answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    receipt_due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EvidenceRow(Base):
    """One file that came with a correction, sealed under the holder's key. size: in bytes; sha256: in hexadecimal; of
    what is stored, before sealing. position: among the files of its correction."""

    __tablename__ = "correction_evidence"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    correction_id: Mapped[str] = mapped_column(ForeignKey("corrections.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    media_type: Mapped[str] = mapped_column(String(48))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    sealed_content: Mapped[bytes] = mapped_column(LargeBinary)
