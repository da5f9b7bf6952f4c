"""The tables of identity: who holds an account, on which device, in which session.

A citizen's number stands nowhere in the clear: `holders.number_index` is its keyed fingerprint, and the
profile is sealed under a key of its own per holder (see `wallet.crypto.sealing`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime

ID_LENGTH = 64


class AccountState(StrEnum):
    """Where an account stands. Source: Decree 69/2024/NĐ-CP, articles 14 and 15; docs/domain.md, section 2.6."""

    PENDING = "pending"
    APPROVED = "approved"
    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


class DeviceState(StrEnum):
    """Whether a device's key still speaks for its account."""

    BOUND = "bound"
    SUSPENDED = "suspended"
    UNBOUND = "unbound"


class Holder(Base):
    """A person, known by nothing that can be read without the deployment's secrets.

    sealed_data_key: NULL once erased; then nothing that was sealed under it opens again, in backups neither.
    """

    __tablename__ = "holders"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    number_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    sealed_data_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_profile: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Account(Base):
    """A holder's account: at most one, with the hashes of what the holder knows."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("holders.id"), unique=True)
    level: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(16))
    lock_ground: Mapped[str | None] = mapped_column(String(32))
    password_hash: Mapped[str] = mapped_column(String(255))
    passcode_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffGrant(Base):
    """A role that an account has, for one agency and province."""

    __tablename__ = "staff_grants"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    agency: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(16))


class Device(Base):
    """A phone and the public half of its key.

    failures, passcode_failures: wrong tries in a row, per secret, reserved before the hash is computed.
    """

    __tablename__ = "devices"
    # One account, one device (docs/domain.md, section 2.5): the database holds it, not only the code.
    __table_args__ = (
        Index(
            "uq_devices_bound_account",
            "account_id",
            unique=True,
            sqlite_where=text("state = 'bound'"),
            postgresql_where=text("state = 'bound'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    public_key: Mapped[dict[str, Any]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(80))
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    passcode_failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignedInSession(Base):
    """One sign-in, until its end. It is the family of every refresh token that descends from it.

    authenticated_at: when the present auth_level was reached. expires_at: absolute, moved by nothing.
    token_binding: `dpop` when its access tokens need a proof with every request.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    auth_level: Mapped[int] = mapped_column(SmallInteger)
    token_binding: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    authenticated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str | None] = mapped_column(String(32))


class RefreshToken(Base):
    """One refresh token of a session, by its place in the line.

    The successor of a token is the next number. So a retry finds the same successor without a secret being
    stored, and the primary key alone already forbids a token two successors.
    """

    __tablename__ = "refresh_tokens"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
