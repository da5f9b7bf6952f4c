"""Reads and writes the tables of documents."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from wallet.db import Base, insert_if_absent, keyset_page, rows_changed, table_of
from wallet.documents.capacity import ListUse
from wallet.documents.forms.offered import SCREENS
from wallet.documents.models import (
    DocumentCopyRow,
    DocumentRow,
    PublicationRow,
    StatusChange,
    StatusListRow,
    StatusSequence,
    TypeMetadataRow,
)
from wallet.errors import Unavailable
from wallet.formats.trust_bundle import type_from_json

AT_ONCE = 500
"""Places that one statement asks for at most."""
_list_of = attrgetter("status_list")


class Drawn(NamedTuple):
    """Numbers that were drawn from one list: of what size and shard it is, and how far it is drawn with them.

    used: may exceed the size, by what was asked for and was not there.
    """

    list_id: int
    bits_log2_size: int
    shard: int
    used: int

    def numbers(self, asked: int) -> range:
        """Return what was drawn, from 0."""
        return range(self.used - asked, min(self.used, 1 << self.bits_log2_size))

    def passed_middle(self, asked: int) -> bool:
        """Return whether the first number of the second half is among them."""
        return (1 << self.bits_log2_size) // 2 in self.numbers(asked)


class DocumentRepository:
    """Documents and their status. Statuses are written at the end of the transaction: see `set_status`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._statuses: list[StatusChange] = []

    def add(self, row: DocumentRow) -> None:
        self.session.add(row)
        self.session.flush()

    def get(self, document_id: str) -> DocumentRow | None:
        return self.session.get(DocumentRow, document_id)

    def hold(self, document_id: str) -> DocumentRow | None:
        """Return a document that nobody revokes, nor copies, until the transaction ends."""
        return self.session.get(DocumentRow, document_id, with_for_update=True, populate_existing=True)

    def places(self, row: DocumentRow, now: datetime) -> list[tuple[int, int]]:
        """Return every place in a status list that speaks for a document, its own and those of its copies, in order.

        A copy that ended by itself is left out: what becomes of the document revives it no more. Whoever asks holds the
        document, or has just changed it: no copy comes to be meanwhile, and none ends.
        """
        statement = (
            select(DocumentCopyRow.status_list, DocumentCopyRow.status_index)
            .where(DocumentCopyRow.document_id == row.id, DocumentCopyRow.revoked_at.is_(None), _counts(now))
            .order_by(DocumentCopyRow.id)
            .with_for_update()
        )
        copies = self.session.execute(statement)
        return sorted([(row.status_list, row.status_index), *((copy[0], copy[1]) for copy in copies)])

    def of_holder(self, document_id: str, holder_id: str) -> DocumentRow | None:
        statement = select(DocumentRow).where(DocumentRow.id == document_id, DocumentRow.holder_id == holder_id)
        return self.session.scalar(statement)

    def page_of_holder(
        self, holder_id: str, limit: int, place: str | None, *, only: Collection[str] | None = None
    ) -> tuple[list[DocumentRow], str | None]:
        """Return one page, newest first, and the place where the next one starts (None at the end).

        only: codes of utilities, None for all that there ever were.
        """
        statement = select(DocumentRow).where(DocumentRow.holder_id == holder_id)
        if only is not None:
            statement = statement.where(DocumentRow.utility.in_(list(only)))
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

    def unrevoked_about(self, about_index: bytes) -> list[DocumentRow]:
        """Return the documents of others about one person that are not revoked, in the same order."""
        statement = (
            select(DocumentRow)
            .where(DocumentRow.about_index == about_index, DocumentRow.revoked_at.is_(None))
            .order_by(DocumentRow.status_list, DocumentRow.status_index)
        )
        return list(self.session.scalars(statement))

    def count(self) -> int:
        """Return how many documents there are."""
        return self.session.scalar(select(func.count()).select_from(DocumentRow)) or 0

    def after(self, document_id: str, limit: int) -> list[DocumentRow]:
        """Return the next documents in the order of their ids."""
        statement = select(DocumentRow).where(DocumentRow.id > document_id).order_by(DocumentRow.id).limit(limit)
        return list(self.session.scalars(statement))

    def unsigned(self, before: datetime, limit: int, after: DocumentRow | None = None) -> list[DocumentRow]:
        """Return documents that were stored before a moment and never signed, oldest first, those after one of them."""
        statement = select(DocumentRow).where(*_unsigned(before))
        if after is not None:
            place = tuple_(DocumentRow.issued_at, DocumentRow.id)
            statement = statement.where(place > (after.issued_at, after.id))
        statement = statement.order_by(DocumentRow.issued_at, DocumentRow.id).limit(limit)
        return list(self.session.scalars(statement))

    def count_unsigned(self, before: datetime) -> int:
        """Return how many documents were stored before a moment and never signed."""
        return self.session.scalar(select(func.count()).select_from(DocumentRow).where(*_unsigned(before))) or 0

    def mark_signed(self, document_id: str, kid: str, at: datetime, sealed: bytes, issued_at: datetime) -> bool:
        """Store what was signed, unless it was signed or revoked meanwhile; return whether this call did it.

        issued_at: what it says of itself. Raises Unavailable when the database refuses it, for whatever reason: it is
        then signed again later.
        """
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.signed_at.is_(None), DocumentRow.revoked_at.is_(None))
            .values(kid=kid, signed_at=at, sealed=sealed, issued_at=issued_at)
        )
        try:
            return rows_changed(self.session, statement) == 1
        except DBAPIError as error:
            raise Unavailable("storage_unavailable") from error

    def signed_by(self, kid: str, after: str, now: datetime, most: int) -> list[DocumentRow]:
        """Return documents that a key signed and that still count, by id, those after one of them."""
        statement = (
            select(DocumentRow)
            .where(
                DocumentRow.kid == kid,
                DocumentRow.id > after,
                DocumentRow.revoked_at.is_(None),
                DocumentRow.expires_at > now,
            )
            .order_by(DocumentRow.id)
            .limit(most)
        )
        return list(self.session.scalars(statement))

    def counting(self, ids: Sequence[str], now: datetime) -> list[DocumentRow]:
        """Return those of some documents that still count."""
        counts = DocumentRow.revoked_at.is_(None), DocumentRow.expires_at > now
        return list(self.session.scalars(select(DocumentRow).where(DocumentRow.id.in_(ids), *counts)))

    def sign_again(self, document_id: str, former: str, kid: str, at: datetime, sealed: bytes) -> bool:
        """Store a document as another key signed it, unless it is revoked or was signed again meanwhile."""
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.kid == former, DocumentRow.revoked_at.is_(None))
            .values(kid=kid, signed_at=at, sealed=sealed)
        )
        return rows_changed(self.session, statement) == 1

    def mark_revoked(self, document_id: str, at: datetime, reason: str) -> bool:
        """Revoke a document that is not; return whether this call did it."""
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.revoked_at.is_(None))
            .values(revoked_at=at, revocation_reason=reason)
        )
        return rows_changed(self.session, statement) == 1

    def give_reason(self, document_id: str, reason: str) -> None:
        """Say of a document that this transaction has revoked why."""
        rows_changed(
            self.session,
            update(DocumentRow).where(DocumentRow.id == document_id).values(revocation_reason=reason),
        )

    def mark_suspended(self, document_id: str, at: datetime, reason: str) -> bool:
        """Suspend a document that is neither suspended nor revoked; return whether this call did it."""
        statement = (
            update(DocumentRow)
            .where(DocumentRow.id == document_id, DocumentRow.revoked_at.is_(None), DocumentRow.suspended_at.is_(None))
            .values(suspended_at=at, suspension_reason=reason)
        )
        return rows_changed(self.session, statement) == 1

    def mark_reinstated(self, document_id: str) -> str | None:
        """End the suspension of a document that is not revoked; return for what reason it was, None for none."""
        suspended = (
            DocumentRow.id == document_id,
            DocumentRow.revoked_at.is_(None),
            DocumentRow.suspended_at.is_not(None),
        )
        reason = self.session.scalar(select(DocumentRow.suspension_reason).where(*suspended).with_for_update())
        if reason is None:
            return None
        rows_changed(
            self.session, update(DocumentRow).where(*suspended).values(suspended_at=None, suspension_reason=None)
        )
        return reason

    def is_revoked(self, document_id: str) -> bool:
        """Return whether a document is revoked by what is committed, and by this transaction."""
        statement = select(DocumentRow.revoked_at).where(DocumentRow.id == document_id)
        return self.session.scalar(statement) is not None

    def draw(self, asked: int, turn: int, shards: int, address: str) -> Drawn | None:
        """Draw up to `asked` numbers, at least one, from a list that nobody else draws from; None when all are full.

        turn: below `shards`; which of the lists is tried first. Whoever holds a list never waits for another. address:
        what the names of the lists begin with that are drawn from, their number comes after it.
        """
        given = {"asked": asked, "turn": turn, "shards": shards, "address": address}
        row = self.session.execute(_DRAW_FREE, given).first()
        # PostgreSQL: every list is in the hands of others. Whoever waited for the last place of one finds it full,
        # although the next one has room.
        while row is None and self.session.scalar(_ANY_ROOM, {"address": address}) is not None:
            row = self.session.execute(_DRAW, given).first()
        return None if row is None else Drawn(*row)

    def open_list(self, list_id: int, bits_log2_size: int, at: datetime, uri: str, shard: int = 0) -> bool:
        """Create a list unless it exists; return whether this call did."""
        values: dict[str, Any] = {"id": list_id, "bits_log2_size": bits_log2_size, "used": 0, "full": False}
        values |= {"shard": shard, "uri": uri, "created_at": at}
        if not insert_if_absent(self.session, StatusListRow, values):
            return False
        insert_if_absent(self.session, StatusSequence, {"status_list": list_id, "changes": 0})
        return True

    def close_list(self, list_id: int) -> bool:
        """Let nothing more be drawn from a list; return whether this call did it."""
        statement = update(StatusListRow).where(StatusListRow.id == list_id, StatusListRow.full.is_(False))
        return rows_changed(self.session, statement.values(full=True)) == 1

    def pass_over(self, list_id: int, used: int) -> None:
        """Let a list count as drawn up to a number, if it is not and is drawn from."""
        size = literal(1).op("<<")(StatusListRow.bits_log2_size)
        drawn_from = StatusListRow.id == list_id, StatusListRow.full.is_(False), StatusListRow.used < used
        rows_changed(self.session, update(StatusListRow).where(*drawn_from).values(used=used, full=used >= size))

    def end_lists(self, before: datetime, at: datetime) -> int:
        """Mark the lists over of which everything ended before a moment; return how many this call did.

        Only such as were used up: of one that was closed (`close_list`) there are documents that no row tells of.
        """
        standing = (
            exists().where(table.status_list == StatusListRow.id, table.expires_at >= before)
            for table in (DocumentRow, DocumentCopyRow)
        )
        used_up = StatusListRow.used >= literal(1).op("<<")(StatusListRow.bits_log2_size)
        statement = update(StatusListRow).where(StatusListRow.over_at.is_(None), used_up, *(~each for each in standing))
        return rows_changed(self.session, statement.values(over_at=at))

    def at_places(self, list_id: int, indices: Sequence[int]) -> dict[int, str]:
        """Return the ids of the documents at these places of a list, by index."""
        found: dict[int, str] = {}
        for start in range(0, len(indices), AT_ONCE):
            statement = select(DocumentRow.status_index, DocumentRow.id).where(
                DocumentRow.status_list == list_id, DocumentRow.status_index.in_(indices[start : start + AT_ONCE])
            )
            found.update((index, document_id) for index, document_id in self.session.execute(statement))
        return found

    def last_list(self) -> int:
        """Return the highest number of a list, 0 when there is none."""
        return self.session.scalar(_LAST_LIST) or 0

    def shards_half_free(self, address: str) -> set[int]:
        """Return the shards that have a list at this address of which half or more is left."""
        return set(self.session.scalars(_SHARDS_HALF_FREE, {"address": address}))

    def is_suspended(self, document_id: str) -> bool:
        """Return whether a document is suspended by what is committed, and by this transaction."""
        statement = select(DocumentRow.suspended_at).where(DocumentRow.id == document_id)
        return self.session.scalar(statement) is not None

    def set_status(
        self,
        list_id: int,
        index: int,
        value: int,
        at: datetime,
        *,
        superseded: bool = False,
        locked: bool = False,
    ) -> None:
        """Note a status; `write_statuses` records it, at the end of the transaction.

        Two that change statuses in several lists would else wait for one another, each with a list in its hands.
        """
        self._statuses.append(
            StatusChange(
                status_list=list_id,
                status_index=index,
                value=value,
                at=at,
                superseded=superseded,
                locked=locked,
            )
        )

    def write_statuses(self) -> None:
        """Record what was noted, list after list, each in order (see StatusChange). The commit has to follow."""
        noted, self._statuses = self._statuses, []
        for list_id, changes in groupby(sorted(noted, key=_list_of), key=_list_of):
            new = list(changes)
            last = self.session.execute(_NUMBER, {"list_id": list_id, "count": len(new)}).scalar_one()
            for sequence, change in enumerate(new, last - len(new) + 1):
                change.sequence = sequence
            self.session.add_all(new)
        self.session.flush()


def _unsigned(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of documents that were stored before a moment and wait for their signature."""
    return (
        DocumentRow.signed_at.is_(None),
        DocumentRow.revoked_at.is_(None),
        DocumentRow.issued_at < before,
        DocumentRow.expires_at > before,
    )


class CopyRepository:
    """Copies of documents in other forms."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: DocumentCopyRow) -> None:
        self.session.add(row)
        self.session.flush()

    def get(self, copy_id: str) -> DocumentCopyRow | None:
        return self.session.get(DocumentCopyRow, copy_id)

    def last(self, document_id: str, form: str, holder_key: str, view: str | None = None) -> DocumentCopyRow | None:
        """Return the newest copy of a document in one form for one key. view: None for whichever."""
        statement = select(DocumentCopyRow).where(
            DocumentCopyRow.document_id == document_id,
            DocumentCopyRow.form == form,
            DocumentCopyRow.holder_key == holder_key,
        )
        if view is not None:
            statement = statement.where(DocumentCopyRow.view == view)
        return self.session.scalar(statement.order_by(DocumentCopyRow.number.desc()).limit(1))

    def bound(self, holder_id: str, device_ids: Sequence[str], now: datetime) -> list[DocumentCopyRow]:
        """Return the copies that are bound to a key and not revoked, of a holder or on these phones; held."""
        whose = or_(DocumentCopyRow.holder_id == holder_id, DocumentCopyRow.device_id.in_(device_ids))
        return self._unrevoked(whose, DocumentCopyRow.holder_key != "", _counts(now))

    def standing_on(self, document_id: str, now: datetime) -> list[DocumentCopyRow]:
        """Return the copies of a document that are not revoked, held."""
        return self._unrevoked(DocumentCopyRow.document_id == document_id, _counts(now))

    def forget_screens(self, before: datetime, most: int) -> int:
        """Drop cards that ended before a moment; return how many."""
        rows = _COPIES_TABLE
        ended = select(rows.c.id).where(rows.c.form.in_(_SCREEN_FORMS), rows.c.expires_at < before)
        statement = delete(rows).where(rows.c.id.in_(ended.order_by(rows.c.expires_at).limit(most)))
        return rows_changed(self.session, statement)

    def of_device(self, device_id: str, now: datetime) -> list[DocumentCopyRow]:
        """Return the copies of a phone that are not revoked, held.

        They are taken in the order in which whoever revokes all of a holder's documents takes them: two that wait for
        each other's rows never end.
        """
        return self._unrevoked(DocumentCopyRow.device_id == device_id, _counts(now))

    def of_holder_on(self, holder_id: str, device_ids: Collection[str], now: datetime) -> list[DocumentCopyRow]:
        """Return the copies of a holder's documents that these phones were given and that are not revoked, held."""
        theirs = DocumentCopyRow.holder_id == holder_id, DocumentCopyRow.device_id.in_(list(device_ids))
        return self._unrevoked(*theirs, _counts(now))

    def _unrevoked(self, *which: ColumnElement[bool]) -> list[DocumentCopyRow]:
        statement = (
            select(DocumentCopyRow)
            .join(DocumentRow, DocumentRow.id == DocumentCopyRow.document_id)
            .where(*which, DocumentCopyRow.revoked_at.is_(None))
            .order_by(DocumentRow.status_list, DocumentRow.status_index, DocumentCopyRow.id)
            .with_for_update(of=DocumentCopyRow)
        )
        return list(self.session.scalars(statement))

    def resting_on(self, kid: str, after: str, now: datetime, most: int) -> list[DocumentCopyRow]:
        """Return copies that still count and that a key signed or sealed, or whose printed code it signed; by id.

        They are held; those that somebody else holds are left out.
        """
        statement = (
            select(DocumentCopyRow)
            .where(
                or_(DocumentCopyRow.kid == kid, DocumentCopyRow.seal_kid == kid, DocumentCopyRow.code_kid == kid),
                DocumentCopyRow.id > after,
                DocumentCopyRow.revoked_at.is_(None),
                DocumentCopyRow.expires_at > now,
            )
            .order_by(DocumentCopyRow.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return list(self.session.scalars(statement))

    def at_places(self, list_id: int, indices: Sequence[int]) -> dict[int, DocumentCopyRow]:
        """Return the copies at these places of a list, by index."""
        found: dict[int, DocumentCopyRow] = {}
        for start in range(0, len(indices), AT_ONCE):
            statement = select(DocumentCopyRow).where(
                DocumentCopyRow.status_list == list_id,
                DocumentCopyRow.status_index.in_(indices[start : start + AT_ONCE]),
            )
            found.update((row.status_index, row) for row in self.session.scalars(statement))
        return found

    def count(self) -> int:
        """Return how many copies there are."""
        return self.session.scalar(select(func.count()).select_from(DocumentCopyRow)) or 0

    def after(self, copy_id: str, limit: int) -> list[DocumentCopyRow]:
        """Return the next copies in the order of their ids."""
        statement = select(DocumentCopyRow).where(DocumentCopyRow.id > copy_id).order_by(DocumentCopyRow.id)
        return list(self.session.scalars(statement.limit(limit)))

    def mark_revoked(self, copy_id: str, at: datetime) -> bool:
        """Revoke a copy that is not; return whether this call did it."""
        statement = update(DocumentCopyRow).where(DocumentCopyRow.id == copy_id, DocumentCopyRow.revoked_at.is_(None))
        return rows_changed(self.session, statement.values(revoked_at=at)) == 1

    def mark_signed(self, signed: DocumentCopyRow) -> bool:
        """Store what was signed, unless it was signed or its document ended meanwhile; return whether this call did."""
        standing = exists().where(
            DocumentRow.id == DocumentCopyRow.document_id,
            DocumentRow.revoked_at.is_(None),
            DocumentRow.suspended_at.is_(None),
        )
        statement = (
            update(DocumentCopyRow)
            .where(
                DocumentCopyRow.id == signed.id,
                DocumentCopyRow.signed_at.is_(None),
                DocumentCopyRow.revoked_at.is_(None),
                standing,
            )
            .values(
                kid=signed.kid,
                seal_kid=signed.seal_kid,
                code_kid=signed.code_kid,
                issued_at=signed.issued_at,
                expires_at=signed.expires_at,
                signed_at=signed.signed_at,
                sealed=signed.sealed,
            )
        )
        return rows_changed(self.session, statement) == 1


class StatusRepository:
    """What the status board reads, as plain rows: it runs often and never needs an object."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def lists(self) -> Iterable[Any]:
        return self.session.execute(_LISTS)

    def uses(self, address: str) -> list[ListUse]:
        """Return how far each list at this address is used: from others nothing is drawn."""
        return [ListUse(*row) for row in self.session.execute(_USES, {"address": address})]

    def bundle_bytes(self) -> int:
        """Return how long the trust bundle is that was published last, 0 before the first."""
        return self.session.scalar(_BUNDLE_BYTES) or 0

    def changes_since(self, list_id: int, sequence: int) -> Iterable[Any]:
        return self.session.execute(_CHANGES, {"list_id": list_id, "sequence": sequence})


class PublicationHead(NamedTuple):
    """What is stored of a publication, without its bytes."""

    name: str
    sequence: int
    content_key: str
    issued_at: datetime


class PublicationRepository:
    """The last signed copy of what the world fetches."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, name: str) -> PublicationRow | None:
        return self.session.get(PublicationRow, name)

    def head(self, name: str) -> PublicationHead | None:
        row = self.session.execute(_HEADS.where(_PUBLICATIONS_TABLE.c.name == name)).first()
        return None if row is None else PublicationHead(*row)

    def heads(self) -> list[PublicationHead]:
        return [PublicationHead(*row) for row in self.session.execute(_HEADS)]

    def replace(self, row: PublicationRow, previous_sequence: int | None) -> bool:
        """Store a new copy over the one with this sequence (None: there is none); return whether it was stored."""
        values = _values(row)
        if previous_sequence is None:
            return insert_if_absent(self.session, PublicationRow, values)
        statement = (
            update(PublicationRow)
            .where(PublicationRow.name == row.name, PublicationRow.sequence == previous_sequence)
            .values(values)
        )
        return rows_changed(self.session, statement) == 1


class TypeRepository:
    """What kinds of document said of themselves."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: TypeMetadataRow) -> None:
        """Store a row unless there is one of that kind and version."""
        insert_if_absent(self.session, TypeMetadataRow, _values(row))

    def claims(self, kind: str, version: int) -> frozenset[str]:
        """Return the claims, but for records, that a version of a kind declared; none where it is not kept."""
        row = self.session.get(TypeMetadataRow, (kind, version))
        return frozenset() if row is None else frozenset(each.name for each in type_from_json(row.bundle_entry).claims)

    def but(self, known: Collection[tuple[str, int]]) -> list[TypeMetadataRow]:
        """Return the rows but those of these kinds and versions."""
        places = [(kind, version) for kind, version in self.session.execute(_TYPES)]
        new = [place for place in places if place not in known]
        if not new:
            return []
        columns = tuple_(TypeMetadataRow.kind, TypeMetadataRow.version)
        return list(self.session.scalars(select(TypeMetadataRow).where(columns.in_(new))))


def _values(row: Base) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


# Of tables, not of classes: what SQLAlchemy remembers of such a statement it need not work out at each execution.
_LISTS_TABLE, _NUMBERS_TABLE = table_of(StatusListRow), table_of(StatusSequence)
_PUBLICATIONS_TABLE, _TYPES_TABLE = table_of(PublicationRow), table_of(TypeMetadataRow)


_COPIES_TABLE = table_of(DocumentCopyRow)
_SCREEN_FORMS = sorted(map(str, SCREENS))
STILL_TAKEN = timedelta(minutes=10)
"""For how long after its end a card is revoked all the same: clocks differ."""


def _counts(now: datetime) -> ColumnElement[bool]:
    """Return whether a copy may still be taken by somebody: of cards that are over there are many."""
    return or_(DocumentCopyRow.form.not_in(_SCREEN_FORMS), DocumentCopyRow.expires_at > now - STILL_TAKEN)


def _is_at(row: FromClause) -> ColumnElement[bool]:
    return row.c.uri == bindparam("address", type_=String) + cast(row.c.id, String)


def _has_room(row: FromClause) -> ColumnElement[bool]:
    return and_(row.c.full.is_(False), row.c.used < literal(1).op("<<")(row.c.bits_log2_size), _is_at(row))


def _drawing(*, only_free: bool) -> ReturningUpdate[Any]:
    """Return the statement that draws. only_free: from a list that no other transaction has locked.

    Of each shard the oldest list with room is drawn from: what is behind it waits, so that verifiers know it long
    before it is needed.
    """
    lists, current, older = _LISTS_TABLE, _LISTS_TABLE.alias(), _LISTS_TABLE.alias()
    superior = exists().where(older.c.shard == current.c.shard, older.c.id < current.c.id, _has_room(older))
    chosen = (
        select(current.c.id)
        .where(_has_room(current), ~superior)
        .order_by((current.c.shard + bindparam("turn")) % bindparam("shards"), current.c.id)
        .limit(1)
    )
    if only_free:
        chosen = chosen.with_for_update(of=current, skip_locked=True)
    used = lists.c.used + bindparam("asked")
    return (
        update(lists)
        .where(lists.c.id == chosen.scalar_subquery(), _has_room(lists))
        .values(used=used, full=used >= literal(1).op("<<")(lists.c.bits_log2_size))
        .returning(lists.c.id, lists.c.bits_log2_size, lists.c.shard, lists.c.used)
    )


# Built once: putting a statement together takes longer than carrying it out.
_DRAW_FREE = _drawing(only_free=True)
_DRAW = _drawing(only_free=False)
_ANY_ROOM = select(_LISTS_TABLE.c.id).where(_has_room(_LISTS_TABLE)).limit(1)
_HALF_FREE = _LISTS_TABLE.c.used * 2 <= literal(1).op("<<")(_LISTS_TABLE.c.bits_log2_size)
_SHARDS_HALF_FREE = select(_LISTS_TABLE.c.shard).where(_has_room(_LISTS_TABLE), _HALF_FREE).distinct()
_LAST_LIST = select(func.max(_LISTS_TABLE.c.id))
_NUMBER = (
    update(_NUMBERS_TABLE)
    .where(_NUMBERS_TABLE.c.status_list == bindparam("list_id"))
    .values(changes=_NUMBERS_TABLE.c.changes + bindparam("count"))
    .returning(_NUMBERS_TABLE.c.changes)
)
_LISTS = (
    select(
        _LISTS_TABLE.c.id,
        _LISTS_TABLE.c.bits_log2_size,
        _NUMBERS_TABLE.c.changes,
        _LISTS_TABLE.c.uri,
        _LISTS_TABLE.c.over_at.is_not(None),
    )
    .join(_NUMBERS_TABLE, _NUMBERS_TABLE.c.status_list == _LISTS_TABLE.c.id)
    .order_by(_LISTS_TABLE.c.id)
)
_USES = select(*(_LISTS_TABLE.c[name] for name in ("id", "shard", "bits_log2_size", "used", "created_at"))).where(
    _is_at(_LISTS_TABLE)
)
_TYPES = select(_TYPES_TABLE.c.kind, _TYPES_TABLE.c.version)
_BUNDLE_BYTES = select(func.length(_PUBLICATIONS_TABLE.c.token)).where(_PUBLICATIONS_TABLE.c.name == "bundle")
_HEADS = select(*(_PUBLICATIONS_TABLE.c[name] for name in ("name", "sequence", "content_key", "issued_at")))
_CHANGES = (
    select(
        StatusChange.sequence,
        StatusChange.status_index,
        StatusChange.value,
        StatusChange.superseded,
        StatusChange.locked,
    )
    .where(StatusChange.status_list == bindparam("list_id"), StatusChange.sequence > bindparam("sequence"))
    .order_by(StatusChange.sequence)
)
