"""What was done once is never done twice: answers kept under the caller's own key, with what they answered.

The key and the answer are written in the transaction of the effect, so they exist exactly when the effect does,
also after a kill between the two. Two calls with one key at the same moment: the second waits, then replays.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import JSON, LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from wallet.clock import Clock
from wallet.db import Base, UtcDateTime, insert_if_absent
from wallet.errors import InvalidInput, Unavailable

ATTEMPTS = 3


class IdempotencyRow(Base):
    """One key of one caller, and the answer it got."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The store, in one transaction. `secret`: bodies can be guessed, so their fingerprint is keyed."""

    session: Session
    clock: Clock
    secret: bytes
    life: timedelta

    def begin(self, principal: str, key: str, operation: str, body: bytes) -> Mapping[str, Any] | None:
        """Claim a key; return the answer it got before, None when this is the first use.

        Raises InvalidInput("idempotency_key_reused") when it came with another body or operation, Unavailable("busy").
        """
        now = self.clock.now()
        fingerprint = hmac.new(self.secret, operation.encode() + b"\0" + body, sha256).digest()
        values = {"principal": principal, "key": key, "fingerprint": fingerprint, "created_at": now, "answer": None}
        mine = (IdempotencyRow.principal == principal, IdempotencyRow.key == key)
        for _attempt in range(ATTEMPTS):
            if insert_if_absent(self.session, IdempotencyRow, values):
                return None
            row = self.session.execute(select(IdempotencyRow).where(*mine)).scalar_one_or_none()
            if row is None:
                continue  # past its life, and another process has just dropped it
            if row.created_at < now - self.life:
                self.session.execute(delete(IdempotencyRow).where(*mine))
                continue
            if not hmac.compare_digest(row.fingerprint, fingerprint) or row.answer is None:
                raise InvalidInput({}, "idempotency_key_reused")
            return row.answer
        raise Unavailable("busy")

    def finish(self, principal: str, key: str, answer: Mapping[str, Any]) -> None:
        """Keep the answer with the key."""
        mine = (IdempotencyRow.principal == principal, IdempotencyRow.key == key)
        self.session.execute(update(IdempotencyRow).where(*mine).values(answer=dict(answer)))

    def forget_expired(self) -> None:
        """Drop keys past their life."""
        self.session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < self.clock.now() - self.life))
