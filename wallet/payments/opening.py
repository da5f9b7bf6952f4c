"""Payments, the second half: what was begun is opened at the provider, and its answer is written down.

It runs after the commit of the first half and outside any transaction, so that a slow provider holds nobody up. What a
crash, or a provider that was away, leaves behind is opened by the job, or when the payer asks again: by the same id, so
that to the provider it is the same payment (docs/decisions/0020-requests.md).
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from wallet.clock import Clock
from wallet.errors import Unavailable
from wallet.payments.paying import Paying
from wallet.payments.provider import PaymentRefused, Payments

Begin = Callable[[], AbstractContextManager[Paying]]
LEFT_ALONE = timedelta(seconds=10)
"""How long the job leaves a new payment to whoever began it: longer than a provider is waited for."""
BATCH = 20


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens what was begun. One for a process."""

    working: Begin
    reading: Begin
    provider: Payments
    clock: Clock

    def complete(self, payment_ids: Iterable[str]) -> None:
        """Open each that waits for it. Raises Unavailable("payment_unavailable"): what was begun stays begun."""
        for payment_id in payment_ids:
            with self.reading() as paying:
                order = paying.order_of(payment_id)
            if order is None:
                continue  # it is open already, or closed
            opened = self.provider.open(order)
            with self.working() as paying:
                paying.opened(payment_id, opened)

    def attempt(self, payment_ids: Iterable[str]) -> None:
        """Open each, if the provider does; what it does not open now is opened by the job."""
        for payment_id in payment_ids:
            try:
                self.complete([payment_id])
            except Unavailable:
                continue  # what was asked for stands all the same; the provider's reason is in the log

    def run(self) -> bool:
        """Open what a crash or an absent provider left behind; return whether there is more to do. A job."""
        with self.reading() as paying:
            left = paying.left(self.clock.now() - LEFT_ALONE, BATCH)
        done = 0
        for payment_id in left:
            try:
                self.complete([payment_id])
                done += 1
            except PaymentRefused:
                continue  # this one waits; those behind it do not
        return len(left) == BATCH and done > 0
