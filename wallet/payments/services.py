"""Payments in one transaction."""

from collections.abc import Callable
from datetime import timedelta

from wallet.means import Means
from wallet.payments.paying import Paying
from wallet.payments.provider import Payments
from wallet.payments.repository import PaymentRepository


def build_paying(
    means: Means,
    provider: Payments,
    number_of: Callable[[str], str],
    inform: Callable[[str, str], None],
    hold: Callable[[str], object],
) -> Paying:
    """Build the service of payments. number_of, inform, hold: see `Paying`."""
    return Paying(
        rows=PaymentRepository(means.session),
        provider=provider,
        audit=means.audit,
        clock=means.clock,
        entropy=means.entropy,
        life=timedelta(minutes=means.settings.payment_minutes),
        number_of=number_of,
        inform=inform,
        hold=hold,
    )
