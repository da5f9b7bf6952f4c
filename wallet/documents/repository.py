"""Reads and writes the tables of documents."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wallet.db import insert_if_absent, keyset_page, rows_changed
from wallet.documents.models import DocumentRow, PublicationRow, StatusChange, StatusListRow
from wallet.errors import Unavailable


class DrawnNumber(NamedTuple):
    """A number that one document gets: of which list, of what size, and how many are used with it."""

    list_id: int
    bits_log2_size: int
    used: int


class DocumentRepository:
    """Documents and their status."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: DocumentRow) -> None:
        self.session.add(row)
        self.session.flush()

    def get(self, document_id: str) -> DocumentRow | None:
        return self.session.get(DocumentRow, document_id)

    def of_holder(self, document_id: str, holder_id: str) -> DocumentRow | None:
        statement = select(DocumentRow).where(DocumentRow.id == document_id, DocumentRow.holder_id == holder_id)
        return self.session.scalar(statement)

    def page_of_holder(
        self, holder_id: str, limit: int, place: str | None, *, without: Collection[str] = ()
    ) -> tuple[list[DocumentRow], str | None]:
        """Return one page, newest first, and the place where the next one starts (None at the end).

        without: utilities whose documents are left out.
        """
        statement = select(DocumentRow).where(DocumentRow.holder_id == holder_id)
        if without:
            statement = statement.where(DocumentRow.utility.not_in(list(without)))
        ordered = statement.order_by(DocumentRow.issued_at.desc(), DocumentRow.id.desc())
        return keyset_page(self.session, ordered, limit, place)

    def unrevoked(self, holder_id: str) -> list[DocumentRow]:
        """Return a holder's documents that are not revoked, in the order of their places in the status lists."""
        statement = (
            select(DocumentRow)
            .where(DocumentRow.holder_id == holder_id, DocumentRow.revoked_at.is_(None))
            .order_by(DocumentRow.status_list, DocumentRow.status_index)
        )
        return list(self.session.scalars(statement))

    def unsigned(self, before: datetime, limit: int) -> list[DocumentRow]:
        """Return documents that were stored before a moment and never signed, oldest first."""
        statement = (
            select(DocumentRow)
            .where(
                DocumentRow.signed_at.is_(None),
                DocumentRow.revoked_at.is_(None),
                DocumentRow.issued_at < before,
                DocumentRow.expires_at > before,
            )
            .order_by(DocumentRow.issued_at)
            .limit(limit)
        )
        return list(self.session.scalars(statement))

    def mark_signed(self, document_id: str, kid: str, at: datetime, sealed: bytes) -> bool:
        """Store what was signed, unless it was signed or revoked meanwhile; return whether this call did it.

        Raises Unavailable when the database refuses it, for whatever reason: it is then signed again later.
        """
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.signed_at.is_(None), DocumentRow.revoked_at.is_(None))
            .values(kid=kid, signed_at=at, sealed=sealed)
        )
        try:
            return rows_changed(self.session, statement) == 1
        except DBAPIError as error:
            raise Unavailable("storage_unavailable") from error

    def mark_revoked(self, document_id: str, at: datetime, reason: str) -> bool:
        """Revoke a document that is not; return whether this call did it."""
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.revoked_at.is_(None))
            .values(revoked_at=at, revocation_reason=reason)
        )
        return rows_changed(self.session, statement) == 1

    def draw_counter(self) -> DrawnNumber | None:
        """Take the next number of the first list that has room; None when no list has."""
        row = self.session.execute(_DRAW).first()
        # PostgreSQL: whoever waited for the last place of a list finds it full, although the next one has room.
        while row is None and self.session.scalar(_FIRST_WITH_ROOM) is not None:
            row = self.session.execute(_DRAW).first()
        return None if row is None else DrawnNumber(*row)

    def open_list(self, list_id: int, bits_log2_size: int, at: datetime, uri: str) -> None:
        """Create a list unless it exists."""
        values: dict[str, Any] = {"id": list_id, "bits_log2_size": bits_log2_size, "used": 0, "changes": 0}
        values |= {"uri": uri, "created_at": at}
        insert_if_absent(self.session, StatusListRow, values)

    def set_status(self, list_id: int, index: int, value: int, at: datetime) -> None:
        """Record a status, in order (see StatusChange)."""
        draw = (
            update(StatusListRow)
            .where(StatusListRow.id == list_id)
            .values(changes=StatusListRow.changes + 1)
            .returning(StatusListRow.changes)
        )
        sequence = self.session.execute(draw).scalar_one()
        self.session.add(StatusChange(status_list=list_id, sequence=sequence, status_index=index, value=value, at=at))
        self.session.flush()


class StatusRepository:
    """What the status board reads, as plain rows: it runs often and never needs an object."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def lists(self) -> Iterable[Any]:
        return self.session.execute(_LISTS)

    def changes_since(self, list_id: int, sequence: int) -> Iterable[Any]:
        return self.session.execute(_CHANGES, {"list_id": list_id, "sequence": sequence})


class PublicationRepository:
    """The last signed copy of what the world fetches."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, name: str) -> PublicationRow | None:
        return self.session.get(PublicationRow, name)

    def replace(self, row: PublicationRow, previous_sequence: int | None) -> bool:
        """Store a new copy over the one with this sequence (None: there is none); return whether it was stored."""
        values = {column.name: getattr(row, column.name) for column in PublicationRow.__table__.columns}
        if previous_sequence is None:
            return insert_if_absent(self.session, PublicationRow, values)
        statement = (
            update(PublicationRow)
            .where(PublicationRow.name == row.name, PublicationRow.sequence == previous_sequence)
            .values(values)
        )
        return rows_changed(self.session, statement) == 1


# Built once: putting a statement together takes longer than carrying it out.
_HAS_ROOM = StatusListRow.used < literal(1).op("<<")(StatusListRow.bits_log2_size)
_FIRST_WITH_ROOM = select(StatusListRow.id).where(_HAS_ROOM).order_by(StatusListRow.id).limit(1)
_DRAW = (
    update(StatusListRow)
    .where(StatusListRow.id == _FIRST_WITH_ROOM.scalar_subquery(), _HAS_ROOM)
    .values(used=StatusListRow.used + 1)
    .returning(StatusListRow.id, StatusListRow.bits_log2_size, StatusListRow.used)
    .execution_options(synchronize_session=False)
)
_LISTS = select(StatusListRow.id, StatusListRow.bits_log2_size, StatusListRow.changes, StatusListRow.uri).order_by(
    StatusListRow.id
)
_CHANGES = (
    select(StatusChange.sequence, StatusChange.status_index, StatusChange.value)
    .where(StatusChange.status_list == bindparam("list_id"), StatusChange.sequence > bindparam("sequence"))
    .order_by(StatusChange.sequence)
)
