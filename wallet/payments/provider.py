"""Who takes the money: a payment provider behind a small protocol, and one that is only played.

A real one (Payment Platform of the National Public Service Portal, a bank) opens a payment and tells its outcome later,
by a signed call. The embedded one moves no money: whoever tries the wallet says what happens.
"""

from dataclasses import dataclass
from typing import Protocol

from wallet.entropy import Entropy, new_id
from wallet.errors import Unavailable

RETRY_AFTER_SECONDS = 300


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What is to be paid. amount: đồng. number: of the request, as people read it."""

    payment_id: str
    amount: int
    number: str


@dataclass(frozen=True, slots=True)
class OpenedPayment:
    """What the provider made of it. reference: its own name for it. address: where the payer goes."""

    reference: str
    address: str


class PaymentRefused(Unavailable):
    """The provider answered, and not with an opened payment: this one waits, others need not."""


class Payments(Protocol):
    """A payment provider."""

    def assert_connected(self) -> None:
        """Raise Unavailable("payment_unavailable") where there is nobody to pay to."""
        ...

    def open(self, order: PaymentOrder) -> OpenedPayment:
        """Open a payment; asked again for the same id, it is the same payment.

        Raises Unavailable("payment_unavailable") when it does not answer, PaymentRefused for an answer that is none.
        """
        ...


class NoPayments:
    """No provider is connected: nothing can be paid, and nothing counts as paid."""

    def assert_connected(self) -> None:
        """Raise Unavailable("payment_unavailable")."""
        raise Unavailable("payment_unavailable", RETRY_AFTER_SECONDS)

    def open(self, order: PaymentOrder) -> OpenedPayment:
        """Raise Unavailable("payment_unavailable")."""
        raise Unavailable("payment_unavailable", RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class EmbeddedPayments:
    """A provider that is played. issuer_url: of this deployment, where its outcomes are chosen."""

    entropy: Entropy
    issuer_url: str

    def assert_connected(self) -> None:
        """Return: it is always there."""

    def open(self, order: PaymentOrder) -> OpenedPayment:
        """Open a payment whose outcome is chosen at its address."""
        reference = new_id(self.entropy, "sim")
        return OpenedPayment(reference, f"{self.issuer_url}/v1/sandbox/payments/{reference}")
