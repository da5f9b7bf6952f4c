"""Tables of documents: what was issued, which status index it holds, what was published."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, Integer, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import Base, UtcDateTime

_UNSIGNED = text("signed_at IS NULL AND revoked_at IS NULL")
_SCREENS = text("form IN ('card', 'live')")


class DocumentRow(Base):
    """One document. Its claims stand in `sealed`, under the holder's own data key.

    It is stored before it is signed (`signed_at` and `kid` are NULL until then), so that nothing was ever signed that
    cannot be revoked. Source: docs/security.md, S-41 and S-42.
    """

    __tablename__ = "documents"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64), index=True)
    request_id: Mapped[str] = mapped_column(String(64))
    renewal: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How often it was made anew: a request leads to one document, and each change of a register to one more."""
    about_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    """By the keyed fingerprint of their number, whom it is about; NULL for its holder."""
    utility: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    """The code of its DocumentType: what stands on the wire."""
    kind_version: Mapped[int] = mapped_column(Integer)
    rules_version: Mapped[str] = mapped_column(String(32))
    kid: Mapped[str | None] = mapped_column(String(16))
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status_list: Mapped[int] = mapped_column(Integer)
    status_index: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revocation_reason: Mapped[str | None] = mapped_column(String(64))
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    suspension_reason: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("request_id", "renewal"),
        UniqueConstraint("status_list", "status_index"),
        Index("ix_documents_holder_issued", "holder_id", "issued_at", "id"),
        Index("ix_documents_unsigned", "issued_at", sqlite_where=_UNSIGNED, postgresql_where=_UNSIGNED),
    )


class DocumentCopyRow(Base):
    """One copy of a document in another form, stored before it is signed, so that none exists that cannot be revoked.

    holder_key: the thumbprint (RFC 7638) of the key that it is bound to, "" for nobody's. number: counts the copies of
    one document in one form for one key; the last is in use, the others are past their signer's time. device_id: of the
    phone that asked for one that is bound, with which it ends. sealed: under the holder's data key, what it is bound to
    until it is signed, its bytes after that. kid, seal_kid: who signed it, and who sealed it. code_kid: who signed the
    code that is printed in it. revoked_at: set where it ended before its document did. view: the purpose of a card, ""
    for a copy that states everything. Of cards each counts until its own end, and each id stands in what is shown.
    """

    __tablename__ = "document_copies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document_id: Mapped[str] = mapped_column(String(64))
    holder_id: Mapped[str] = mapped_column(String(64), index=True)
    form: Mapped[str] = mapped_column(String(16))
    holder_key: Mapped[str] = mapped_column(String(64))
    view: Mapped[str] = mapped_column(String(64), default="", server_default="")
    number: Mapped[int] = mapped_column(Integer)
    device_id: Mapped[str | None] = mapped_column(String(64), index=True)
    status_list: Mapped[int] = mapped_column(Integer)
    status_index: Mapped[int] = mapped_column(Integer)
    kid: Mapped[str | None] = mapped_column(String(16))
    seal_kid: Mapped[str | None] = mapped_column(String(16))
    code_kid: Mapped[str | None] = mapped_column(String(16))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("document_id", "form", "holder_key", "number"),
        UniqueConstraint("status_list", "status_index"),
        Index("ix_document_copies_screens", "expires_at", sqlite_where=_SCREENS, postgresql_where=_SCREENS),
    )


class StatusListRow(Base):
    """One status list. `used`: how many of its indices were drawn, and more where the last draw asked for too many.

    `shard`: which of the rows that are drawn from in parallel it belongs to. Of each shard the oldest list that is not
    full is drawn from; a younger one waits. `full`: nothing is left; an index leads past such lists.
    `uri`: its name for good, which stands in every document of it; the address of the service may change later.
    `over_at`: since when no bundle carries it, for whatever has an entry in it has long ended.
    """

    __tablename__ = "status_lists"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    bits_log2_size: Mapped[int] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer)
    shard: Mapped[int] = mapped_column(Integer, server_default="0")
    full: Mapped[bool] = mapped_column(Boolean, server_default=false())
    uri: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_status_lists_full_shard", "full", "shard", "id"),)


class StatusSequence(Base):
    """How often a status of a list was set. A row of its own: who revokes does not wait for who draws an index."""

    __tablename__ = "status_sequences"

    status_list: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    changes: Mapped[int] = mapped_column(Integer)


class StatusChange(Base):
    """A status that was set; an entry without one is valid.

    `sequence` is drawn from the list's StatusSequence, whose lock is held until the commit: nobody sees 7 before 6.
    """

    __tablename__ = "status_changes"

    status_list: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status_index: Mapped[int] = mapped_column(Integer)
    value: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    superseded: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether it is invalid because a newer document took its place: the online check says so, no list does."""
    locked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether it is suspended because an account is locked: likewise."""


class TypeMetadataRow(Base):
    """What one version of a kind of document said of itself; no row is changed or dropped (`kept_types.py`).

    content: the type metadata as it is served. bundle_entry: what the trust bundle says of it.
    """

    __tablename__ = "type_metadata"

    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    bundle_entry: Mapped[dict[str, Any]] = mapped_column(JSON)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PublicationRow(Base):
    """The last signed copy of something that the world fetches: a status list, the trust bundle."""

    __tablename__ = "publications"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer)
    content_key: Mapped[str] = mapped_column(Text)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
