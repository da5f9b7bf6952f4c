"""What was done once is never done twice: answers kept under the caller's own key, with what they answered.

The key and the answer are written in the transaction of the effect, so they exist exactly when the effect does,
also after a kill between the two. Two calls with one key at the same moment: the second waits, then replays.
An answer may state anything about anybody, so it is sealed.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import JSON, LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from wallet.clock import Clock
from wallet.crypto.sealing import blind_index, seal, unseal
from wallet.db import Base, UtcDateTime, insert_if_absent
from wallet.entropy import Entropy
from wallet.errors import InvalidInput, Unavailable

ATTEMPTS = 3


class IdempotencyRow(Base):
    """One key of one caller, and the answer it got: `{"sealed": base64}`."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The store, in one transaction.

    secret: bodies can be guessed, so their fingerprint is keyed; what seals answers follows from it.
    """

    session: Session
    clock: Clock
    entropy: Entropy
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
            return self.opened(row.answer, principal, key)
        raise Unavailable("busy")

    def finish(self, principal: str, key: str, answer: Mapping[str, Any]) -> None:
        """Keep the answer with the key."""
        mine = (IdempotencyRow.principal == principal, IdempotencyRow.key == key)
        plaintext = json.dumps(dict(answer), ensure_ascii=False).encode()
        sealed = seal(self._seal_key(), plaintext, f"{principal}/{key}", self.entropy)
        values = {"answer": {"sealed": base64.b64encode(sealed).decode()}}
        self.session.execute(update(IdempotencyRow).where(*mine).values(**values))

    def forget(self, principal: str) -> None:
        """Drop every key of one caller."""
        self.session.execute(delete(IdempotencyRow).where(IdempotencyRow.principal == principal))

    def forget_expired(self) -> None:
        """Drop keys past their life."""
        self.session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < self.clock.now() - self.life))

    def opened(self, answer: Mapping[str, Any], principal: str, key: str) -> Mapping[str, Any]:
        """Return what a row keeps. Raises Malformed when a bit is another."""
        if "sealed" not in answer:
            return answer  # kept before answers were sealed
        sealed = base64.b64decode(answer["sealed"])
        opened: Mapping[str, Any] = json.loads(unseal(self._seal_key(), sealed, f"{principal}/{key}"))
        return opened

    def _seal_key(self) -> bytes:
        return blind_index(self.secret, "answers")
