"""The tables of identity: who holds an account, on which device, in which session.

A citizen's number stands nowhere in the clear: `holders.number_index` is its keyed fingerprint, and the
profile is sealed under a key of its own per holder (see `wallet.crypto.sealing`).
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime
from wallet.identity.account_states import HolderKind

ID_LENGTH = 64


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
    """A holder's account: at most one, with the hashes of what the holder knows.

    password_hash, passcode_hash: NULL until the account is activated. valid_until: the last day of the card or
    residence permit behind it. cooling_off_until: until then nothing sensitive is done after a new binding (S-12).
    times_locked: how often, so that nothing from before a lock counts after it. activation_key: the device that alone
    activates it (`wallet.identity.devices.activation_key`); NULL where any may.
    notice_settings: channel to bool, for what the holder may switch off.
    """

    __tablename__ = "accounts"
    __table_args__ = (Index("ix_accounts_level_state", "level", "state"),)
    """How many are active, by level, is counted in the index alone, however many they are."""

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("holders.id"), unique=True)
    level: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16), default=HolderKind.CITIZEN, server_default="citizen")
    lock_ground: Mapped[str | None] = mapped_column(String(32))
    """The heaviest ground in `account_locks`, for quick reading; only `Accounts` writes it."""
    times_locked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    activation_key: Mapped[str | None] = mapped_column(String(128))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    passcode_hash: Mapped[str | None] = mapped_column(String(255))
    valid_until: Mapped[date | None] = mapped_column(Date, index=True)
    cooling_off_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    language: Mapped[str] = mapped_column(String(2), default="vi", server_default="vi")
    notice_settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    settings_version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the registers were last asked whether the person lives and the card stands."""
    expiry_told_for: Mapped[date | None] = mapped_column(Date)
    """The `valid_until` whose coming the holder was told of, once."""


class AccountLock(Base):
    """One ground on which an account is locked, as long as any row stands; lifting a ground deletes its row.

    by: account of whoever set it.
    """

    __tablename__ = "account_locks"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    ground: Mapped[str] = mapped_column(String(32), primary_key=True)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    legal_ref: Mapped[str] = mapped_column(String(200))


class Contact(Base):
    """How a holder is reached; sealed under the holder's data key.

    phone_index: keyed fingerprint of the number in E.164, to find who else uses it.
    """

    __tablename__ = "contacts"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    sealed_phone: Mapped[bytes] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    sealed_email: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SecurityAnswer(Base):
    """The answer to one security question, as a peppered hash."""

    __tablename__ = "security_answers"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    question: Mapped[str] = mapped_column(String(32), primary_key=True)
    answer_hash: Mapped[str] = mapped_column(String(255))


class Guardianship(Base):
    """Who acts for whom: a parent or guardian for a child or ward, from their own level-2 account.

    relation: `father`, `mother`, `guardian`. ended_at: of age, or the register names someone else.
    """

    __tablename__ = "guardianships"

    ward_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    guardian_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    relation: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LockOrder(Base):
    """An authority's request to lock or unlock, in two steps: received and forwarded, then decided.

    kind: `lock` or `unlock`. state: `received`, `forwarded`, `granted`, `refused`. written_reason: of a refusal.
    Source: docs/domain.md, section 2.6.
    """

    __tablename__ = "lock_orders"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    ground: Mapped[str] = mapped_column(String(32))
    authority: Mapped[str] = mapped_column(String(200))
    legal_ref: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16), index=True)
    received_by: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    forward_due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    forwarded_by: Mapped[str | None] = mapped_column(String(64))
    forwarded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    written_reason: Mapped[str | None] = mapped_column(String(1000))


class StaffGrant(Base):
    """A role that an account has, for one agency and province. in_force: false until its holder is enrolled.

    Whoever reviews may do so at several desks; any other role is had in one place.
    """

    __tablename__ = "staff_grants"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    agency: Mapped[str] = mapped_column(String(80), primary_key=True)
    province: Mapped[str] = mapped_column(String(16), primary_key=True)
    in_force: Mapped[bool] = mapped_column(default=True, server_default=true())

    __table_args__ = (
        Index(
            "uq_staff_grants_one_place",
            "account_id",
            "role",
            unique=True,
            sqlite_where=text("role <> 'reviewer'"),
            postgresql_where=text("role <> 'reviewer'"),
        ),
    )


class StaffEnrolment(Base):
    """The right to bind the first device of a member of staff, once. digest: keyed fingerprint of its token."""

    __tablename__ = "staff_enrolments"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Device(Base):
    """A phone and the public half of its key.

    failures, passcode_failures: wrong tries in a row, per secret, reserved before the hash is computed.
    biometric_key: the public half of a second key, which the phone releases only after a face or fingerprint.
    bound_by: how the binding was proven. place: where, as far as is known (a desk, a province, an address block).
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
    biometric_key: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)
    bound_by: Mapped[str] = mapped_column(String(32), default="", server_default="")
    place: Mapped[str] = mapped_column(String(80), default="", server_default="")
    unbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unbound_reason: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    passcode_failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A WebAuthn credential: a second way in, for browsers. public_key: COSE, as the authenticator gave it.

    Source: Web Authentication Level 3, section 4 (credential record).
    """

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(Integer)
    transports: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignedInSession(Base):
    """One sign-in, until its end. It is the family of every refresh token that descends from it.

    device_id: NULL for a browser that came in by passkey; it then has `passkey_id` and a key of its own.
    client_key: that browser's public key, which its refresh proofs are made with. place: where it began.
    authenticated_at: when the present auth_level was reached. expires_at: absolute, moved by nothing.
    token_binding: `dpop` when its access tokens need a proof with every request.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[str | None] = mapped_column(ForeignKey("devices.id"), index=True)
    passkey_id: Mapped[str | None] = mapped_column(ForeignKey("passkeys.id"), index=True)
    client_key: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    client_name: Mapped[str] = mapped_column(String(80), default="", server_default="")
    place: Mapped[str] = mapped_column(String(80), default="", server_default="")
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


class GuessCount(Base):
    """How often something was tried in a window of time: the count that no restart and no cache forgets.

    scope: what is counted (`address`, `overall`, `otp-phone`, ...). subject: keyed fingerprint of whose.
    """

    __tablename__ = "guess_counts"

    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    count: Mapped[int] = mapped_column(Integer)
