"""Payments of requests: begun, opened once, settled once, whenever and however often the provider says so.

The transaction that begins one asks no provider: it is opened after the commit (`opening.py`).
An outcome that comes late changes nothing that was decided meanwhile: money that arrives for a payment that is closed,
or for a request that another payment has paid, is owed back, and its payer is told.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.messages.signing import SignedCall
from wallet.payments.models import PaymentRow
from wallet.payments.provider import RETRY_AFTER_SECONDS, OpenedPayment, PaymentOrder, PaymentRefused, Payments
from wallet.payments.repository import PaymentRepository
from wallet.terms import Actor

LAPSED_AT_ONCE = 200
OPENED_SOON_SECONDS = 10
"""When to ask again about what is still to be opened: the job tries more often."""
FORGOTTEN_AFTER = timedelta(days=7)
"""Providers try again for days. Longer ago, the state of the payment alone keeps it from being settled twice."""


class PaymentState(StrEnum):
    """Where a payment stands. opening: begun, and the provider has yet to open it. refund_due: money came for one that
    was closed, or for a request that is paid or that nobody can answer any more."""

    OPENING = "opening"
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    REFUND_DUE = "refund_due"


STANDING = (PaymentState.OPENING, PaymentState.OPEN)
UNPAID = (PaymentState.OPEN, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.ABANDONED)


class Outcome(StrEnum):
    """What a provider says happened."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as its payer sees it. address: None until the provider has opened it."""

    id: str
    request_id: str
    amount: int
    state: PaymentState
    address: str | None
    opened_at: datetime
    expires_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paying:
    """Payments, in one transaction.

    number_of: the number of a request as people read it. inform: tells whoever applied (request id, notice code).
    hold: locks a request, which everybody locks before its payments.
    begun: what is to be opened once this transaction is committed.
    """

    rows: PaymentRepository
    provider: Payments
    audit: Audit
    clock: Clock
    entropy: Entropy
    life: timedelta
    number_of: Callable[[str], str]
    inform: Callable[[str, str], None]
    hold: Callable[[str], object]
    begun: list[str] = field(default_factory=list)

    def begin(self, request_id: str, amount: int) -> PaymentView:
        """Begin a payment, which is opened after the commit; one that stands already is the answer.

        Raises Conflict("already_paid"), Unavailable("payment_unavailable") where there is nobody to pay to.
        """
        now = self.clock.now()
        rows = self.rows.of_request(request_id)
        if any(row.state == PaymentState.PAID for row in rows):
            raise Conflict("already_paid")
        self.provider.assert_connected()
        for row in rows:
            if row.state in STANDING and row.expires_at > now:
                if row.state == PaymentState.OPENING:
                    self.begun.append(row.id)
                return _view(row)
            if row.state in STANDING:
                self._lapse(row, now)  # its time is over, and no second one is open beside it
        row = PaymentRow(
            id=new_id(self.entropy, "pay"),
            request_id=request_id,
            amount=amount,
            state=str(PaymentState.OPENING),
            opened_at=now,
            expires_at=now + self.life,
        )
        self.rows.add(row)
        self.begun.append(row.id)
        return _view(row)

    def order_of(self, payment_id: str) -> PaymentOrder | None:
        """Return what the provider is to be asked, None for a payment that is not waiting for it."""
        row = self.rows.get(payment_id)
        if row is None or row.state != PaymentState.OPENING:
            return None
        return PaymentOrder(row.id, row.amount, self.number_of(row.request_id))

    def opened(self, payment_id: str, opened: OpenedPayment) -> None:
        """Take the provider's answer. Of one that was closed meanwhile the name is kept, so that late money is known.

        Raises PaymentRefused("payment_unavailable") for a name that is another's already.
        """
        named = self.rows.by_reference(opened.reference)
        if named is not None and named.id != payment_id:
            raise PaymentRefused("payment_unavailable", RETRY_AFTER_SECONDS)
        if self.rows.name(payment_id, opened.reference, opened.address):
            until = self.clock.now() + self.life
            self.rows.begin(payment_id, PaymentState.OPENING, PaymentState.OPEN, until)

    def left(self, before: datetime, limit: int) -> Sequence[str]:
        """Return the ids of payments that were begun before a moment and are not opened yet."""
        return self.rows.left(PaymentState.OPENING, before, self.clock.now(), limit)

    def get(self, payment_id: str) -> PaymentView:
        """Return one payment. Raises NotFound."""
        row = self.rows.get(payment_id)
        if row is None:
            raise NotFound("not_found")
        return _view(row)

    def of_request(self, request_id: str) -> list[PaymentView]:
        """Return every payment of a request, oldest first."""
        return [_view(row) for row in self.rows.of_request(request_id)]

    def settle(self, reference: str, outcome: Outcome, amount: int, actor: Actor) -> str | None:
        """Take a provider's word. Return the id of the request that is paid with it, None where nothing changes.

        The same word again changes nothing. Raises NotFound("not_found") for a payment that is none of ours,
        Unavailable("payment_unavailable") while that is not known, Conflict("other_amount").
        """
        row = self.rows.by_reference(reference)
        if row is None and self.rows.are_nameless(PaymentState.OPENING):
            raise Unavailable(
                "payment_unavailable", OPENED_SOON_SECONDS
            )  # it may be one whose name is on its way to us
        if row is None:
            raise NotFound("not_found")
        if outcome is Outcome.SUCCESS and amount != row.amount:
            self.audit.record("payment.other_amount", actor, row.id, request=row.request_id, survives=True)
            raise Conflict("other_amount")
        self.hold(row.request_id)
        now = self.clock.now()
        if outcome is Outcome.FAILURE:
            if self.rows.settle(row.id, [PaymentState.OPEN], PaymentState.FAILED, now):
                self.audit.record("payment.failed", actor, row.id, request=row.request_id)
                self.inform(row.request_id, "payment_failed")
            return None
        if self.rows.settle_first(row, PaymentState.OPEN, PaymentState.PAID, now):
            self.audit.record("payment.paid", actor, row.id, request=row.request_id)
            return row.request_id
        if self.rows.settle(row.id, UNPAID, PaymentState.REFUND_DUE, now):
            self.audit.record("payment.refund_due", actor, row.id, request=row.request_id)
            self.inform(row.request_id, "payment_late")
        return None

    def first_told(self, call: SignedCall, body: bytes) -> bool:
        """Return whether a provider's call is taken for the first time; the taking holds when the transaction commits.

        Raises Conflict("call_changed") where the same call said something else.
        """
        if self.rows.first_use("payment_call", call.id, call.at + FORGOTTEN_AFTER):
            self.rows.first_use("payment_body", _body_of(call, body), call.at + FORGOTTEN_AFTER)
            return True
        if self.rows.first_use("payment_body", _body_of(call, body), call.at + FORGOTTEN_AFTER):
            raise Conflict("call_changed")
        return False

    def state_of(self, reference: str) -> PaymentState:
        """Return where a payment stands. Raises NotFound("not_found")."""
        row = self.rows.by_reference(reference)
        if row is None:
            raise NotFound("not_found")
        return PaymentState(row.state)

    def abandon(self, request_id: str) -> None:
        """Close what is open: nobody waits for it any more."""
        self.rows.abandon(request_id, STANDING, PaymentState.ABANDONED, self.clock.now())

    def paid_among(self, request_ids: Collection[str]) -> set[str]:
        """Return those of these requests whose fee was paid."""
        return self.rows.among(request_ids, PaymentState.PAID)

    def owe_back(self, request_id: str, actor: Actor) -> bool:
        """Owe back what was paid for a request that nobody can answer, and say so; return whether this call did it."""
        before, after, now = [PaymentState.PAID], PaymentState.REFUND_DUE, self.clock.now()
        owed = [row for row in self.rows.of_request(request_id) if self.rows.settle(row.id, before, after, now)]
        for row in owed:
            self.audit.record("payment.refund_due", actor, row.id, request=request_id)
        if owed:
            self.inform(request_id, "payment_returned")
        return bool(owed)

    def expire(self) -> int:
        """Close payments whose time is over, and say so; return how many."""
        now = self.clock.now()
        return sum(self._lapse(row, now) for row in self.rows.lapsed(STANDING, now, LAPSED_AT_ONCE))

    def _lapse(self, row: PaymentRow, now: datetime) -> bool:
        closed = self.rows.settle(row.id, STANDING, PaymentState.EXPIRED, now)
        if closed:
            self.inform(row.request_id, "payment_expired")
        return closed


def _body_of(call: SignedCall, body: bytes) -> str:
    return f"{call.id} {sha256(body).hexdigest()}"


def _view(row: PaymentRow) -> PaymentView:
    return PaymentView(
        row.id,
        row.request_id,
        row.amount,
        PaymentState(row.state),
        row.address,
        row.opened_at,
        row.expires_at,
        row.settled_at,
    )
