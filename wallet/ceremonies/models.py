"""Tables of ceremonies: transactions of several steps in which a device proves whose it is."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class CeremonyRow(Base):
    """One ceremony: what it is for, the device that asked, and the factors proven so far.

    account_id: NULL for a number that nobody has; such a ceremony looks and answers like any other and never
    succeeds. device_id, public_key: of the device that asks; every step is signed by it. factors: codes, in the
    order in which they were proven. rests_on: how the account stood when the first was; empty before.
    state: `open`, `completed`, `ended`. sealed_data: what a kind keeps for its end
    (a new phone number), under the deployment's key. subject: keyed fingerprint of the number that was given, and of
    the phone where the kind names one, be it somebody's or nobody's: what limits count.
    """

    __tablename__ = "ceremonies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    public_key: Mapped[dict[str, Any]] = mapped_column(JSON)
    biometric_key: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    device_name: Mapped[str] = mapped_column(String(80))
    place: Mapped[str] = mapped_column(String(80))
    factors: Mapped[list[str]] = mapped_column(JSON)
    rests_on: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed_data: Mapped[bytes | None] = mapped_column(LargeBinary)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[str] = mapped_column(String(16))
    end_reason: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class OneTimeCode(Base):
    """A code that was sent by SMS, for one ceremony. digest: keyed, for six digits are guessed in no time.

    state: `live`, `used`, `dead`. At most one is live for each ceremony: the database holds it.
    """

    __tablename__ = "one_time_codes"
    __table_args__ = (
        Index(
            "uq_one_time_codes_live",
            "ceremony_id",
            unique=True,
            sqlite_where=text("state = 'live'"),
            postgresql_where=text("state = 'live'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ceremony_id: Mapped[str] = mapped_column(ForeignKey("ceremonies.id"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    tries: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
