"""Reads and writes the tables of requests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from wallet.db import Base, insert_if_absent, keyset_page, on_desks, rows_changed
from wallet.requests.models import (
    LinkRow,
    RequestAgreement,
    RequestEvent,
    RequestFile,
    RequestOnce,
    RequestPaper,
    RequestRow,
    RequestStep,
)


class RequestRepository:
    """Requests and what belongs to them. The request is locked first, then what belongs to it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, *rows: Base) -> None:
        self.session.add_all(rows)
        self.session.flush()

    def flush(self) -> None:
        self.session.flush()

    def get(self, request_id: str, *, lock: bool = False) -> RequestRow | None:
        statement = select(RequestRow).where(RequestRow.id == request_id)
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        return self.session.scalar(statement)

    def let_go(self, row: RequestRow) -> None:
        """Keep what is changed of a row from here on out of the database."""
        self.session.expunge(row)

    def of_holder(self, request_id: str, holder_id: str) -> RequestRow | None:
        statement = select(RequestRow).where(RequestRow.id == request_id, RequestRow.holder_id == holder_id)
        return self.session.scalar(statement)

    def page_of_holder(
        self, holder_id: str, limit: int, place: str | None, *, only: Collection[str] | None = None
    ) -> tuple[list[RequestRow], str | None]:
        """Return one page, newest first, and the place where the next one starts (None at the end).

        only: codes of utilities, None for all that there ever were.
        """
        statement = select(RequestRow).where(RequestRow.holder_id == holder_id)
        if only is not None:
            statement = statement.where(RequestRow.utility.in_(list(only)))
        ordered = statement.order_by(RequestRow.created_at.desc(), RequestRow.id.desc())
        return keyset_page(self.session, ordered, limit, place)

    def of_utility(self, holder_id: str, utility: str, most: int) -> Sequence[RequestRow]:
        """Return a holder's requests for one utility that were sent, the newest first."""
        statement = (
            select(RequestRow)
            .where(
                RequestRow.holder_id == holder_id, RequestRow.utility == utility, RequestRow.submitted_at.is_not(None)
            )
            .order_by(RequestRow.submitted_at.desc(), RequestRow.id.desc())
            .limit(most)
        )
        return self.session.scalars(statement).all()

    def open_of_holder(self, holder_id: str, final: Collection[str]) -> Sequence[RequestRow]:
        """Return a holder's requests that are not in one of these states."""
        statement = select(RequestRow).where(RequestRow.holder_id == holder_id, RequestRow.state.not_in(list(final)))
        return self.session.scalars(statement.order_by(RequestRow.id)).all()

    def move(self, row: RequestRow, values: dict[str, Any]) -> bool:
        """Change a row that still has the state and version that it was read with; return whether it had."""
        statement = (
            update(RequestRow)
            .where(RequestRow.id == row.id, RequestRow.state == row.state, RequestRow.version == row.version)
            .values(version=row.version + 1, **values)
        )
        changed = rows_changed(self.session, statement) == 1
        if changed:
            self.session.refresh(row)
        return changed

    def remove(self, row: RequestRow) -> None:
        """Delete a draft with everything that came with it."""
        for model in (RequestFile, RequestStep, RequestEvent):
            self.session.execute(delete(model).where(model.request_id == row.id))
        self.session.delete(row)
        self.session.flush()

    def count_open(self, utility: str, final: Collection[str]) -> int:
        statement = select(func.count()).where(RequestRow.utility == utility, RequestRow.state.not_in(list(final)))
        return self.session.scalar(statement) or 0

    def count_in(self, state: str) -> dict[str, int]:
        """Return how many requests are in a state, by utility; none that has none."""
        statement = select(RequestRow.utility, func.count()).where(RequestRow.state == state)
        rows = self.session.execute(statement.group_by(RequestRow.utility))
        return {str(utility): int(count) for utility, count in rows}

    def count_senders(self, utility: str, since: datetime) -> int:
        """Return how many people sent a request to a utility since a moment."""
        sent = RequestRow.utility == utility, RequestRow.submitted_at >= since
        return self.session.scalar(select(func.count(RequestRow.account_id.distinct())).where(*sent)) or 0

    # What happened

    def log(self, row: RequestRow, *, seal_note: Callable[[int], bytes | None], **values: Any) -> None:
        """Write the next event of a request, whose row this transaction has just changed.

        seal_note: seals what was written, bound to the place of the event.
        """
        last = select(func.coalesce(func.max(RequestEvent.sequence), 0)).where(RequestEvent.request_id == row.id)
        sequence = (self.session.scalar(last) or 0) + 1
        self.add(RequestEvent(request_id=row.id, sequence=sequence, sealed_note=seal_note(sequence), **values))

    def events(self, request_id: str) -> Sequence[RequestEvent]:
        statement = select(RequestEvent).where(RequestEvent.request_id == request_id)
        return self.session.scalars(statement.order_by(RequestEvent.sequence)).all()

    def steps(self, request_id: str) -> Sequence[RequestStep]:
        statement = select(RequestStep).where(RequestStep.request_id == request_id)
        return self.session.scalars(statement.order_by(RequestStep.position)).all()

    def finish_step(self, request_id: str, code: str, values: dict[str, Any]) -> bool:
        """Close a step that is active; return whether this call did it."""
        statement = (
            update(RequestStep)
            .where(RequestStep.request_id == request_id, RequestStep.code == code, RequestStep.state == "active")
            .values(**values)
        )
        return rows_changed(self.session, statement) == 1

    def forget_steps(self, request_id: str) -> None:
        self.session.execute(delete(RequestStep).where(RequestStep.request_id == request_id))

    def papers(self, request_id: str) -> Sequence[RequestPaper]:
        """Return the slips and letters of a request, as they were made out."""
        statement = select(RequestPaper).where(RequestPaper.request_id == request_id)
        ordered = (RequestPaper.made_at, RequestPaper.kind.desc(), RequestPaper.sequence)
        return self.session.scalars(statement.order_by(*ordered)).all()

    # What is asked for once

    def asked_once(self, digest: bytes) -> str | None:
        """Return the request that asks for something, None where none does."""
        return self.session.scalar(select(RequestOnce.request_id).where(RequestOnce.digest == digest))

    def ask_once(self, request_id: str, digest: bytes | None) -> bool:
        """Let a request ask for this and nothing else; return whether it does: another one may ask for it already.

        Of two at the same moment the second waits for the first.
        """
        other = RequestOnce.request_id == request_id
        if digest is not None:
            other &= RequestOnce.digest != digest
        self.session.execute(delete(RequestOnce).where(other))
        if digest is None or insert_if_absent(self.session, RequestOnce, {"digest": digest, "request_id": request_id}):
            return True
        return self.asked_once(digest) == request_id

    # Agreements

    def agreement(self, agreement_id: str) -> RequestAgreement | None:
        return self.session.get(RequestAgreement, agreement_id)

    def agreements(self, request_id: str) -> Sequence[RequestAgreement]:
        """Return whom a request had asked to agree, the first first."""
        statement = select(RequestAgreement).where(RequestAgreement.request_id == request_id)
        return self.session.scalars(statement.order_by(RequestAgreement.asked_at, RequestAgreement.id)).all()

    def asked_of(self, holder_id: str, most: int) -> Sequence[RequestAgreement]:
        """Return what somebody is asked to agree to and has not answered, the oldest first."""
        mine = (RequestAgreement.holder_id == holder_id, RequestAgreement.state == "waiting")
        statement = select(RequestAgreement).where(*mine).order_by(RequestAgreement.asked_at, RequestAgreement.id)
        return self.session.scalars(statement.limit(most)).all()

    def end_agreement(self, agreement_id: str, state: str, at: datetime) -> bool:
        """Close an agreement that is waited for; return whether this call did it."""
        statement = (
            update(RequestAgreement)
            .where(RequestAgreement.id == agreement_id, RequestAgreement.state == "waiting")
            .values(state=state, answered_at=at)
        )
        return rows_changed(self.session, statement) == 1

    def lapsed_agreements(self, now: datetime, utilities: Collection[str], limit: int) -> Sequence[tuple[str, str]]:
        """Return id and request of agreements for these utilities whose time is over."""
        statement = (
            select(RequestAgreement.id, RequestAgreement.request_id)
            .join(RequestRow, RequestRow.id == RequestAgreement.request_id)
            .where(
                RequestAgreement.state == "waiting",
                RequestAgreement.expires_at <= now,
                RequestRow.utility.in_(list(utilities)),
            )
            .order_by(RequestAgreement.expires_at, RequestAgreement.id)
            .limit(limit)
        )
        return [(agreement_id, request_id) for agreement_id, request_id in self.session.execute(statement)]

    # Files

    def files(self, request_id: str) -> Sequence[RequestFile]:
        statement = select(RequestFile).where(RequestFile.request_id == request_id)
        return self.session.scalars(statement.order_by(RequestFile.added_at, RequestFile.id)).all()

    def remove_file(self, request_id: str, file_id: str) -> bool:
        statement = delete(RequestFile).where(RequestFile.id == file_id, RequestFile.request_id == request_id)
        return rows_changed(self.session, statement) == 1

    def drop_files(self, request_id: str, keep: Collection[str]) -> Sequence[str]:
        """Delete a request's files but these; return the ids of those that are gone."""
        others = (RequestFile.request_id == request_id, RequestFile.id.not_in(list(keep)))
        dropped = self.session.scalars(select(RequestFile.id).where(*others).order_by(RequestFile.id)).all()
        if dropped:
            self.session.execute(delete(RequestFile).where(*others))
        return dropped

    # The desk

    def queue(
        self,
        desks: Collection[tuple[str, str | None]],
        waiting: Mapping[str, Collection[str]],
        limit: int,
        place: str | None,
    ) -> tuple[list[RequestRow], str | None]:
        """Return one page of what lies on any of these desks (`wallet.identity.desks.places`), the oldest first.

        waiting: by utility, the states in which its requests lie there.
        """
        statement = select(RequestRow).where(
            on_desks(RequestRow.agency, RequestRow.province, desks),
            _waits(waiting),
            RequestRow.submitted_at.is_not(None),
        )
        # Nullable for drafts, and none of them is here: without its column's flag, with its column's index.
        sent = type_coerce(RequestRow.submitted_at, RequestRow.submitted_at.type)
        return keyset_page(self.session, statement.order_by(sent, RequestRow.id), limit, place)

    def step_queue(
        self, desks: Collection[tuple[str, str | None]], limit: int, place: str | None
    ) -> tuple[list[RequestStep], str | None]:
        """Return one page of the sub-tasks that these desks have to do, what is due first."""
        here = on_desks(RequestStep.agency, RequestStep.province, desks)
        statement = select(RequestStep).where(here, RequestStep.state == "active")
        due = func.coalesce(RequestStep.due_at, RequestStep.opened_at)
        ordered = statement.order_by(due, RequestStep.request_id, RequestStep.code)
        return keyset_page(self.session, ordered, limit, place)

    def in_no_province(self, waiting: Mapping[str, Collection[str]]) -> dict[str, int]:
        """Return how many requests lie in no province, by agency; none where there is none. waiting: as of `queue`."""
        statement = (
            select(RequestRow.agency, func.count())
            .where(RequestRow.province == "", RequestRow.submitted_at.is_not(None), _waits(waiting))
            .group_by(RequestRow.agency)
        )
        return {str(agency): int(count) for agency, count in self.session.execute(statement)}

    def claim(self, request_id: str, officer: str | None, at: datetime | None, *, held_by: str | None) -> bool:
        """Put a request into an officer's hands, or back; return whether it was where `held_by` says."""
        mine = RequestRow.claimed_by.is_(None) if held_by is None else RequestRow.claimed_by == held_by
        statement = (
            update(RequestRow)
            .where(RequestRow.id == request_id, mine)
            .values(claimed_by=officer, claimed_at=at, version=RequestRow.version + 1)
        )
        return rows_changed(self.session, statement) == 1

    def in_hand(self, officers: Collection[str]) -> dict[str, int]:
        """Return how many requests each of these has in hand; none who has none."""
        statement = (
            select(RequestRow.claimed_by, func.count())
            .where(RequestRow.claimed_by.in_(list(officers)))
            .group_by(RequestRow.claimed_by)
        )
        return {str(officer): count for officer, count in self.session.execute(statement)}

    def apart(self) -> AbstractContextManager[Any]:
        """Give a part of this transaction that is taken back alone when it raises."""
        return self.session.begin_nested()

    def overdue(self, now: datetime, states: Collection[str], utilities: Collection[str], limit: int) -> Sequence[str]:
        """Return ids of requests for these utilities whose time is over, the longest first."""
        statement = (
            select(RequestRow.id)
            .where(
                RequestRow.state.in_(list(states)),
                RequestRow.due_at.is_not(None),
                RequestRow.due_at < now,
                RequestRow.utility.in_(list(utilities)),
            )
            .order_by(RequestRow.due_at, RequestRow.id)
            .limit(limit)
        )
        return self.session.scalars(statement).all()

    def finished(self, states: Mapping[str, Collection[str]], limit: int) -> Sequence[str]:
        """Return ids of requests in these states, by utility, of which every sub-task is done, in their order."""
        steps = select(RequestStep.request_id).where(RequestStep.request_id == RequestRow.id)
        done = (steps.exists(), ~steps.where(RequestStep.state != "done").exists())
        statement = select(RequestRow.id).where(_waits(states), *done).order_by(RequestRow.id)
        return self.session.scalars(statement.limit(limit)).all()

    def late_steps(self, now: datetime, utilities: Collection[str], limit: int) -> Sequence[tuple[str, str]]:
        """Return request and code of sub-tasks for these utilities whose time is over and who were not reminded."""
        statement = (
            select(RequestStep.request_id, RequestStep.code)
            .join(RequestRow, RequestRow.id == RequestStep.request_id)
            .where(
                RequestStep.state == "active",
                RequestStep.reminded_at.is_(None),
                RequestStep.due_at < now,
                RequestRow.utility.in_(list(utilities)),
            )
            .order_by(RequestStep.due_at, RequestStep.request_id, RequestStep.code)
            .limit(limit)
        )
        return [(request_id, code) for request_id, code in self.session.execute(statement)]

    def late_steps_of(self, requests: Collection[str], now: datetime) -> Sequence[RequestStep]:
        """Return the sub-tasks of these requests whose time is over, the longest first."""
        late = (RequestStep.state == "active", RequestStep.due_at < now)
        statement = select(RequestStep).where(RequestStep.request_id.in_(list(requests)), *late)
        return self.session.scalars(statement.order_by(RequestStep.due_at, RequestStep.code)).all()

    def unanswered(self, utilities: Collection[str], final: Collection[str], after: str, limit: int) -> Sequence[str]:
        """Return the next ids of requests for these utilities that are in none of these states."""
        open_ones = (RequestRow.utility.in_(list(utilities)), RequestRow.state.not_in(list(final)))
        statement = select(RequestRow.id).where(*open_ones, RequestRow.id > after).order_by(RequestRow.id)
        return self.session.scalars(statement.limit(limit)).all()

    # Links and counts

    def link(self, holder_id: str, utility: str) -> LinkRow | None:
        return self.session.get(LinkRow, (holder_id, utility))

    def set_link(self, holder_id: str, utility: str, values: dict[str, Any]) -> None:
        if not insert_if_absent(self.session, LinkRow, {"holder_id": holder_id, "utility": utility, **values}):
            mine = (LinkRow.holder_id == holder_id, LinkRow.utility == utility)
            self.session.execute(update(LinkRow).where(*mine).values(**values))

    def reuse(self, since: datetime) -> Sequence[tuple[str, int, int]]:
        """Return utility, fields that a register answered and fields that a person did, of what was sent since."""
        statement = (
            select(RequestRow.utility, func.sum(RequestRow.fields_held), func.sum(RequestRow.fields_asked))
            .where(RequestRow.submitted_at >= since)
            .group_by(RequestRow.utility)
            .order_by(RequestRow.utility)
        )
        return [(utility, int(held), int(asked)) for utility, held, asked in self.session.execute(statement)]


def _waits(waiting: Mapping[str, Collection[str]]) -> ColumnElement[bool]:
    """Return the condition that it is an office's turn. One state lies on the desk of one utility and of another not.

    The states stand there by themselves too: the index of the queue has them, and no utility.
    """
    states = sorted({state for each in waiting.values() for state in each})
    pairs = (
        and_(RequestRow.utility == code, RequestRow.state.in_(sorted(each))) for code, each in sorted(waiting.items())
    )
    return and_(RequestRow.state.in_(states), or_(false(), *pairs))
