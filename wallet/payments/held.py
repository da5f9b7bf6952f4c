"""What payments hold about a person: the fees of their requests. Whose request it is, the room of requests knows."""

from datetime import datetime

from wallet.held import DatabaseSession, HeldTable, Person, change
from wallet.payments.models import PaymentRow
from wallet.payments.paying import STANDING, PaymentState


def payments_of(requests: HeldTable) -> HeldTable:
    """Return the table of payments as it belongs to that of requests."""
    return HeldTable(
        PaymentRow,
        "request_id",
        told=("id", "request_id", "amount", "state", "opened_at", "expires_at", "settled_at"),
        withheld=("reference", "address"),
        parent=requests,
        ordered="opened_at",
    )


def abandon(session: DatabaseSession, payments: HeldTable, person: Person, now: datetime) -> None:
    """Close a person's payments that stand: money that comes for one is owed back."""
    for standing in STANDING:
        values = {"state": str(PaymentState.ABANDONED), "settled_at": now}
        change(session, payments, person, values, state=str(standing))
