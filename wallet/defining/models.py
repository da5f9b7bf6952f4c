"""The table of definitions: utilities as data, each version for good."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class UtilityDefinition(Base):
    """One version of a definition; its content never changes. state: awaiting, approved, refused.

    number: 1, 2, ... of all approved ones, in the order in which they were approved; None before. The highest is what a
    process compares to know that there is something new.
    """

    __tablename__ = "utility_definitions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    comment: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(16))
    approval_id: Mapped[str] = mapped_column(String(64))
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        UniqueConstraint("code", "version", name="uq_utility_definitions_version"),
        UniqueConstraint("number", name="uq_utility_definitions_number"),
    )
