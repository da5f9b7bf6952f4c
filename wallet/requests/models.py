"""Tables of requests: what a citizen asked a utility for."""

from datetime import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class RequestRow(Base):
    """One request. `document_id`: what came of it."""

    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    utility: Mapped[str] = mapped_column(String(64))
    utility_version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    document_id: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_requests_holder_created", "holder_id", "created_at", "id"),)
