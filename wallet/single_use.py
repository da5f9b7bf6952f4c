"""One way to use a thing once: challenge, proof, approval, code.

Never check and then set. The insert itself decides: of any number of parallel uses, over any number of
processes, exactly one gets a row.
"""

import hashlib
from datetime import datetime

from sqlalchemy import LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from wallet.db import Base, UtcDateTime, insert_if_absent


class UsedOnce(Base):
    """A thing that was used. Only its fingerprint is kept, and only until it would be refused anyway."""

    __tablename__ = "used_once"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def consume(session: Session, kind: str, thing: str, expires_at: datetime) -> bool:
    """Return whether this call was the first to use `thing`; the use holds when the transaction commits.

    kind: what sort of thing. expires_at: until when it could be presented again; after that it may be forgotten.
    """
    values = {"kind": kind, "digest": _fingerprint(thing), "expires_at": expires_at}
    return insert_if_absent(session, UsedOnce, values)


def kept_until(session: Session, kind: str, thing: str) -> datetime | None:
    """Return until when it is kept that a thing was used, as its first use said; None for one that is not known."""
    found = select(UsedOnce.expires_at).where(UsedOnce.kind == kind, UsedOnce.digest == _fingerprint(thing))
    return session.scalar(found)


def forget_expired(session: Session, now: datetime) -> None:
    """Drop what can no longer be presented."""
    session.execute(delete(UsedOnce).where(UsedOnce.expires_at < now))


def _fingerprint(thing: str) -> bytes:
    return hashlib.sha256(thing.encode()).digest()
