"""Tables of those who check: organisations with their purposes, desks with their keys, and whom they looked at."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class VerifierRow(Base):
    """An organisation that may check. state: awaiting_approval, active, refused, suspended, ended.

    purposes: those in force, as `Purpose.to_json` gives them; none before a second person agreed. test: it stands in a
    demo, and its keys are good in a demo alone. reason: of a suspension or an ending. version rises with each change.
    """

    __tablename__ = "verifiers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    enterprise_code: Mapped[str | None] = mapped_column(String(20))
    template: Mapped[str | None] = mapped_column(String(32))
    legal_ground: Mapped[str] = mapped_column(String(300))
    purposes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(32))
    test: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    registered_by: Mapped[str] = mapped_column(String(64))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VerifierDeskRow(Base):
    """A desk of a verifier. key_hash: SHA-256 of its key's secret. state: active, revoked.

    purposes: codes of those of its organisation that it has. former_hash: of the key before this one, which is good
    until former_until.
    """

    __tablename__ = "verifier_desks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    verifier_id: Mapped[str] = mapped_column(ForeignKey("verifiers.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    gate_id: Mapped[str] = mapped_column(String(16))
    purposes: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    former_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    former_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(
            "uq_verifier_desks_gate",
            "verifier_id",
            "gate_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )


class VerifierCitizen(Base):
    """When a verifier last looked at one citizen for a purpose. citizen: a keyed fingerprint, never an id.

    The column was named when an earlier version kept the hour of the clock in it.
    """

    __tablename__ = "verifier_citizens"

    verifier_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column("hour", UtcDateTime, primary_key=True, index=True)
    citizen: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
