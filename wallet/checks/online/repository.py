"""Reads and writes the tables of what holders let desks see."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from wallet.checks.online.models import (
    BatchRow,
    ConsentRow,
    MisuseReportRow,
    PassengerRow,
    PresentationRow,
    ShareRow,
)
from wallet.db import Base, insert_if_absent, keyset_page, rows_changed
from wallet.single_use import consume, kept_until

Page = tuple[list[Any], str | None]


@dataclass(frozen=True, slots=True)
class OnlineRepository:
    """Shares, consents, presentations, lists of passengers and reports of misuse, in one transaction."""

    session: Session

    def add(self, row: Base) -> None:
        self.session.add(row)
        self.session.flush()

    def use_once(self, kind: str, thing: str, until: datetime) -> bool:
        """Return whether this call is the first that uses a thing (`wallet.single_use`)."""
        return consume(self.session, kind, thing, until)

    def kept_until(self, kind: str, thing: str) -> datetime | None:
        """Return until when it is kept that a thing was used (`wallet.single_use`)."""
        return kept_until(self.session, kind, thing)

    # ── consents ──

    def consent(self, consent_id: str) -> ConsentRow | None:
        return self.session.get(ConsentRow, consent_id, populate_existing=True)

    def consents(self, holder_id: str, only: Collection[str] | None, limit: int, place: str | None) -> Page:
        """Return one page of a holder's consents, newest first. only: codes of utilities, None for all."""
        statement = select(ConsentRow).where(ConsentRow.holder_id == holder_id, _among(ConsentRow.utility, only))
        statement = statement.order_by(ConsentRow.given_at.desc(), ConsentRow.id.desc())
        return keyset_page(self.session, statement, limit, place)

    def standing_consents(
        self, holder_id: str, organisation_id: str, purpose: str, kind: str, now: datetime
    ) -> list[ConsentRow]:
        """Return the remembered consents that are in force, the newest first."""
        statement = select(ConsentRow).where(
            ConsentRow.organisation_id == organisation_id,
            ConsentRow.purpose == purpose,
            ConsentRow.holder_id == holder_id,
            ConsentRow.kind == kind,
            ConsentRow.remembered,
            ConsentRow.withdrawn_at.is_(None),
            ConsentRow.expires_at > now,
        )
        return list(self.session.scalars(statement.order_by(ConsentRow.given_at.desc(), ConsentRow.id)))

    def withdraw_consent(self, consent_id: str, now: datetime) -> bool:
        """Withdraw a consent that is not; return whether this call did it."""
        statement = update(ConsentRow).where(ConsentRow.id == consent_id, ConsentRow.withdrawn_at.is_(None))
        return rows_changed(self.session, statement.values(withdrawn_at=now)) == 1

    # ── shares ──

    def share(self, share_id: str) -> ShareRow | None:
        return self.session.get(ShareRow, share_id, populate_existing=True)

    def shares(self, holder_id: str, only: Collection[str] | None, limit: int, place: str | None) -> Page:
        """Return one page of what a holder was asked for, newest first. only: codes of utilities, None for all."""
        statement = select(ShareRow).where(ShareRow.holder_id == holder_id, _among(ShareRow.utility, only))
        return keyset_page(self.session, statement.order_by(ShareRow.asked_at.desc(), ShareRow.id.desc()), limit, place)

    def awaiting_share(
        self, desk_id: str, purpose: str, holder_id: str, document_id: str, now: datetime
    ) -> ShareRow | None:
        """Return what a desk asks a holder for of a document at this moment, and has no answer to."""
        statement = select(ShareRow).where(
            ShareRow.desk_id == desk_id,
            ShareRow.purpose == purpose,
            ShareRow.holder_id == holder_id,
            ShareRow.document_id == document_id,
            ShareRow.state == "awaiting",
            ShareRow.answer_until > now,
        )
        return self.session.scalars(statement.order_by(ShareRow.asked_at.desc()).limit(1)).first()

    def asked_since(self, organisation_id: str, holder_id: str, since: datetime) -> list[ShareRow]:
        """Return what an organisation, at whichever of its desks, asked a holder for since a moment."""
        statement = select(ShareRow).where(
            ShareRow.holder_id == holder_id, ShareRow.asked_at > since, ShareRow.organisation_id == organisation_id
        )
        return list(self.session.scalars(statement))

    def decide_share(self, share_id: str, now: datetime, **values: Any) -> bool:
        """Answer what still waits for an answer; return whether this call did."""
        statement = update(ShareRow).where(
            ShareRow.id == share_id, ShareRow.state == "awaiting", ShareRow.answer_until > now
        )
        return rows_changed(self.session, statement.values(decided_at=now, **values)) == 1

    # ── presentations ──

    def presentation(self, presentation_id: str) -> PresentationRow | None:
        return self.session.get(PresentationRow, presentation_id, populate_existing=True)

    def presentations(self, holder_id: str, only: Collection[str] | None, limit: int, place: str | None) -> Page:
        """Return one page of a holder's presentations, newest first. only: codes of utilities, None for all."""
        statement = select(PresentationRow).where(
            PresentationRow.holder_id == holder_id, _among(PresentationRow.utility, only)
        )
        ordered = statement.order_by(PresentationRow.created_at.desc(), PresentationRow.id.desc())
        return keyset_page(self.session, ordered, limit, place)

    def consume_presentation(self, presentation_id: str, desk_id: str, now: datetime) -> bool:
        """Use a presentation that can be used; of any number that try at once, one is told that it did."""
        statement = update(PresentationRow).where(
            PresentationRow.id == presentation_id,
            PresentationRow.used_at.is_(None),
            PresentationRow.withdrawn_at.is_(None),
            PresentationRow.expires_at > now,
        )
        return rows_changed(self.session, statement.values(used_at=now, used_by=desk_id)) == 1

    def withdraw_presentation(self, presentation_id: str, now: datetime) -> bool:
        """Withdraw a presentation that was neither used nor withdrawn; return whether this call did it."""
        statement = update(PresentationRow).where(
            PresentationRow.id == presentation_id,
            PresentationRow.used_at.is_(None),
            PresentationRow.withdrawn_at.is_(None),
        )
        return rows_changed(self.session, statement.values(withdrawn_at=now)) == 1

    def withdraw_presentations_of(self, consent_id: str, now: datetime) -> int:
        """Withdraw what was presented on the ground of one consent."""
        statement = update(PresentationRow).where(
            PresentationRow.consent_id == consent_id,
            PresentationRow.used_at.is_(None),
            PresentationRow.withdrawn_at.is_(None),
        )
        return rows_changed(self.session, statement.values(withdrawn_at=now))

    # ── lists of passengers ──

    def add_batch(self, batch: BatchRow, passengers: Iterable[PassengerRow]) -> None:
        self.add(batch)
        self.session.add_all(passengers)
        self.session.flush()

    def batch(self, batch_id: str, *, lock: bool = False) -> BatchRow | None:
        """Return a list. lock: and let nobody else work on it until the transaction ends."""
        return self.session.get(BatchRow, batch_id, populate_existing=True, with_for_update=lock or None)

    def passengers(self, batch_id: str) -> list[PassengerRow]:
        statement = select(PassengerRow).where(PassengerRow.batch_id == batch_id).order_by(PassengerRow.position)
        return list(self.session.scalars(statement))

    def working_batches(self, desk_id: str) -> int:
        """Return how many lists of a desk are being worked on."""
        working = BatchRow.desk_id == desk_id, BatchRow.state == "working"
        return self.session.scalar(select(func.count()).select_from(BatchRow).where(*working)) or 0

    def next_batches(self) -> list[str]:
        """Return the lists whose turn it is: for each desk and purpose the oldest that is being worked on."""
        oldest_first = BatchRow.created_at, BatchRow.id
        place = func.row_number().over(partition_by=(BatchRow.desk_id, BatchRow.purpose), order_by=oldest_first)
        working = select(BatchRow.id, BatchRow.created_at, place.label("place")).where(BatchRow.state == "working")
        found = working.subquery()
        first = select(found.c.id).where(found.c.place == 1).order_by(found.c.created_at, found.c.id)
        return list(self.session.scalars(first))

    def unchecked(self, batch_id: str, most: int) -> list[PassengerRow]:
        """Return passengers without a result, in the order of the list."""
        statement = select(PassengerRow).where(PassengerRow.batch_id == batch_id, PassengerRow.result.is_(None))
        return list(self.session.scalars(statement.order_by(PassengerRow.position).limit(most)))

    def write_results(self, batch_id: str, results: Mapping[int, Mapping[str, Any]]) -> None:
        """Write the results of some passengers of a locked list; what their tickets said is gone with that."""
        for position, values in results.items():
            statement = update(PassengerRow).where(PassengerRow.batch_id == batch_id, PassengerRow.position == position)
            rows_changed(self.session, statement.values(sealed=None, **values))
        left = select(func.count()).where(PassengerRow.batch_id == batch_id, PassengerRow.result.is_(None))
        unchecked = self.session.scalar(left) or 0
        done = BatchRow.total - unchecked
        state = "working" if unchecked else "done"
        rows_changed(self.session, update(BatchRow).where(BatchRow.id == batch_id).values(done=done, state=state))

    def has_expired_batches(self, now: datetime) -> bool:
        """Return whether there is a list whose time is over."""
        return self.session.scalars(select(BatchRow.id).where(BatchRow.expires_at <= now).limit(1)).first() is not None

    def forget_batches(self, now: datetime) -> int:
        """Erase the lists whose time is over, with their passengers; return how many there were."""
        over = select(BatchRow.id).where(BatchRow.expires_at <= now)
        self.session.execute(delete(PassengerRow).where(PassengerRow.batch_id.in_(over)))
        return rows_changed(self.session, delete(BatchRow).where(BatchRow.expires_at <= now))

    # ── what is over ──

    def forget_over(self, before: datetime) -> None:
        """Drop the shares and presentations that were over at a moment. What was shown stands in the history, and the
        consents are kept as proof."""
        self.session.execute(
            delete(ShareRow).where(
                ShareRow.answer_until < before,
                ShareRow.readable_until.is_(None) | (ShareRow.readable_until < before),
            )
        )
        self.session.execute(delete(PresentationRow).where(PresentationRow.expires_at < before))

    # ── reports of misuse ──

    def add_report(self, values: dict[str, Any]) -> bool:
        """Add a report unless there is one about the same entry; return whether this call did."""
        return insert_if_absent(self.session, MisuseReportRow, values)

    def report(self, report_id: str) -> MisuseReportRow | None:
        return self.session.get(MisuseReportRow, report_id, populate_existing=True)

    def reported(self, access_ids: Iterable[str]) -> set[str]:
        """Return those of these entries that were reported."""
        statement = select(MisuseReportRow.access_id).where(MisuseReportRow.access_id.in_(list(access_ids)))
        return set(self.session.scalars(statement))

    def reports(self, state: str, limit: int, place: str | None) -> Page:
        """Return one page of the reports in a state, the oldest first."""
        statement = select(MisuseReportRow).where(MisuseReportRow.state == state)
        ordered = statement.order_by(MisuseReportRow.created_at, MisuseReportRow.id)
        return keyset_page(self.session, ordered, limit, place)

    def close_report(self, report_id: str, account_id: str, now: datetime) -> bool:
        """Close an open report; return whether this call did."""
        statement = update(MisuseReportRow).where(MisuseReportRow.id == report_id, MisuseReportRow.state == "open")
        return rows_changed(self.session, statement.values(state="closed", closed_by=account_id, closed_at=now)) == 1


def _among(utility: InstrumentedAttribute[str], only: Collection[str] | None) -> ColumnElement[bool]:
    return true() if only is None else utility.in_(list(only))
