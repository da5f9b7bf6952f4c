"""Reads and writes the table of payments."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wallet.db import rows_changed
from wallet.payments.models import PaymentRow
from wallet.single_use import consume


class PaymentRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: PaymentRow) -> None:
        self.session.add(row)
        self.session.flush()

    def get(self, payment_id: str) -> PaymentRow | None:
        return self.session.get(PaymentRow, payment_id)

    def of_request(self, request_id: str) -> Sequence[PaymentRow]:
        statement = select(PaymentRow).where(PaymentRow.request_id == request_id)
        return self.session.scalars(statement.order_by(PaymentRow.opened_at, PaymentRow.id)).all()

    def among(self, request_ids: Collection[str], state: str) -> set[str]:
        """Return those of these requests that have a payment in this state."""
        statement = select(PaymentRow.request_id).where(PaymentRow.request_id.in_(list(request_ids)))
        return set(self.session.scalars(statement.where(PaymentRow.state == state)))

    def by_reference(self, reference: str) -> PaymentRow | None:
        return self.session.scalar(select(PaymentRow).where(PaymentRow.reference == reference))

    def name(self, payment_id: str, reference: str, address: str) -> bool:
        """Write down what the provider calls a payment; return whether this call did it, and no other before."""
        statement = (
            update(PaymentRow)
            .where(PaymentRow.id == payment_id, PaymentRow.reference.is_(None))
            .values(reference=reference, address=address)
        )
        return rows_changed(self.session, statement) == 1

    def begin(self, payment_id: str, before: str, after: str, expires_at: datetime) -> bool:
        """Let a payment that is in the state `before` be paid until then; return whether it was."""
        statement = (
            update(PaymentRow)
            .where(PaymentRow.id == payment_id, PaymentRow.state == before)
            .values(state=after, expires_at=expires_at)
        )
        return rows_changed(self.session, statement) == 1

    def are_nameless(self, state: str) -> bool:
        """Return whether there is a payment in this state that no provider has named yet."""
        nameless = PaymentRow.state == state, PaymentRow.reference.is_(None)
        return self.session.scalar(select(PaymentRow.id).where(*nameless).limit(1)) is not None

    def left(self, state: str, before: datetime, now: datetime, limit: int) -> Sequence[str]:
        """Return ids of payments in this state that were begun before a moment and whose time is not over."""
        statement = select(PaymentRow.id).where(
            PaymentRow.state == state, PaymentRow.opened_at <= before, PaymentRow.expires_at > now
        )
        return self.session.scalars(statement.order_by(PaymentRow.expires_at, PaymentRow.id).limit(limit)).all()

    def settle(self, payment_id: str, before: Collection[str], after: str, at: datetime) -> bool:
        """Move a payment that is in one of these states; return whether this call did it."""
        statement = (
            update(PaymentRow)
            .where(PaymentRow.id == payment_id, PaymentRow.state.in_(list(before)))
            .values(state=after, settled_at=at)
        )
        return rows_changed(self.session, statement) == 1

    def settle_first(self, row: PaymentRow, before: str, after: str, at: datetime) -> bool:
        """Move a payment as `settle` does, unless another of its request is in the state `after` already.

        Every payment of the request is locked, in one order, so that of two at the same moment one comes first.
        """
        locked = select(PaymentRow).where(PaymentRow.request_id == row.request_id).order_by(PaymentRow.id)
        rows = self.session.scalars(locked.with_for_update().execution_options(populate_existing=True)).all()
        return all(each.state != after for each in rows) and self.settle(row.id, [before], after, at)

    def first_use(self, kind: str, thing: str, expires_at: datetime) -> bool:
        """Return whether this call was the first to use a thing; see `wallet.single_use`."""
        return consume(self.session, kind, thing, expires_at)

    def abandon(self, request_id: str, before: Collection[str], after: str, at: datetime) -> int:
        """Close every payment of a request that is in one of these states; return how many."""
        statement = (
            update(PaymentRow)
            .where(PaymentRow.request_id == request_id, PaymentRow.state.in_(list(before)))
            .values(state=after, settled_at=at)
        )
        return rows_changed(self.session, statement)

    def lapsed(self, states: Collection[str], now: datetime, limit: int) -> Sequence[PaymentRow]:
        statement = select(PaymentRow).where(PaymentRow.state.in_(list(states)), PaymentRow.expires_at <= now)
        return self.session.scalars(statement.order_by(PaymentRow.expires_at, PaymentRow.id).limit(limit)).all()
