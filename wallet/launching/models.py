"""Tables of launching: what state a utility is in, who tests it, and what waits for a second person."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime


class UtilityState(Base):
    """The state of one utility; a utility without a row is off. `version` rises with each change, of whatever.

    audience: as `Audience.to_json` gives it, without testers. pause_text: `{"vi", "en"}`, what citizens read while
    it is paused. stop_rule: when it stops by itself, as `StopRule.to_json` gives it. schedule: changes to come, as
    `Scheduled.to_json` gives them; next_change_at: when the first of them is due.
    """

    __tablename__ = "utility_states"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(500))
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    audience: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    pause_text: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    schedule: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
    next_change_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    stop_rule: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))


class UtilityTester(Base):
    """An account that sees a utility whose sandbox or pilot names it."""

    __tablename__ = "utility_testers"

    utility: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class Approval(Base):
    """A change that one person asked for and another must agree to. One at a time for each subject.

    change: what is asked for. before: what was in force when it was asked for. comment: of whoever asked, answer: of
    whoever decided. Nobody agrees to it from expires_at on.
    """

    __tablename__ = "approvals"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64))
    change: Mapped[dict[str, Any]] = mapped_column(JSON)
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    comment: Mapped[str] = mapped_column(String(500), default="", server_default="")
    state: Mapped[str] = mapped_column(String(16))
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(String(500), default="", server_default="")

    __table_args__ = (
        Index(
            "uq_approvals_awaiting",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("state = 'awaiting'"),
            postgresql_where=text("state = 'awaiting'"),
        ),
    )
