"""A payment provider over HTTP: asked by a signed call to open a payment, and telling its outcome by a signed call.

Both ways the signature is that of Standard Webhooks with one shared secret. What is asked: docs/operating.md, section
12. Whatever goes wrong on the way is Unavailable("payment_unavailable"); the reason is logged.
"""

import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import structlog

from wallet.clock import Clock
from wallet.crypto.jws import json_object
from wallet.errors import Malformed, Unavailable
from wallet.hosts import is_this_machine
from wallet.messages.signing import read_secrets, signed_headers
from wallet.payments.provider import RETRY_AFTER_SECONDS, OpenedPayment, PaymentOrder, PaymentRefused
from wallet.settings import Settings
from wallet.wire import Line, TooLarge, Undelivered, until, whole

SECONDS = 5.0
"""Name resolving aside, all of it, from the first byte to the last."""
MOST_BYTES = 16_384
MOST_CONNECTIONS = 4
MOST_SECRETS = 2
"""The one in use, and the one before it."""
CALLBACKS = "/v1/payments/callbacks"
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
log = structlog.get_logger("wallet.payments")


@dataclass(frozen=True, slots=True)
class RemotePayments:
    """A provider behind an address. secrets: the first signs what we ask, any may sign what it tells."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    callback_url: str
    clock: Clock
    _line: Line = field(repr=False)

    @classmethod
    def connect(cls, settings: Settings, clock: Clock) -> "RemotePayments":
        """Return the provider of this deployment. Connects to nobody yet. Raises ConfigurationError."""
        secrets = read_secrets(settings.payments_secret_file, "WALLET_PAYMENTS_SECRET_FILE", most=MOST_SECRETS)
        line = Line(MOST_CONNECTIONS, seconds=SECONDS)
        return cls(settings.payments_url, secrets, f"{settings.issuer_url}{CALLBACKS}", clock, line)

    def assert_connected(self) -> None:
        """Return: whether it answers is seen when it is asked."""

    def open(self, order: PaymentOrder) -> OpenedPayment:
        """Ask for a payment to be opened. The id of the call is that of the payment: asked twice, it is one."""
        asked = {
            "payment_id": order.payment_id,
            "amount": {"amount": order.amount, "currency": "VND"},
            "number": order.number,
            "callback_url": self.callback_url,
        }
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        headers = signed_headers(self.secrets[:1], order.payment_id, self.clock.now(), body)
        try:
            with (
                until(time.monotonic() + SECONDS),
                self._line.post(self.url, body.encode(), headers) as response,
            ):
                return _opened(response)
        except Undelivered as error:
            raise self._unavailable(order, str(error)) from error
        except _Refused as error:
            self._log(order, str(error))
            raise PaymentRefused("payment_unavailable", RETRY_AFTER_SECONDS) from error

    def close(self) -> None:
        """Give the connections back."""
        self._line.close()

    def _unavailable(self, order: PaymentOrder, reason: str) -> Unavailable:
        self._log(order, reason)
        return Unavailable("payment_unavailable", RETRY_AFTER_SECONDS)

    def _log(self, order: PaymentOrder, reason: str) -> None:
        log.warning("payment_not_opened", payment=order.payment_id, reason=reason)


class _Refused(Exception):
    """What came back is no opened payment. Its text is the reason."""


def _opened(response: httpx.Response) -> OpenedPayment:
    if response.status_code not in (200, 201):
        raise _Refused(f"http_{response.status_code}")
    try:
        answer = json_object(whole(response, MOST_BYTES))
    except TooLarge as error:
        raise _Refused("too_large") from error
    except Malformed as error:
        raise _Refused("not_json") from error
    reference, address = answer.get("reference"), answer.get("address")
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise _Refused("no_reference")
    if not isinstance(address, str) or len(address) > 500 or not _is_address(address):
        raise _Refused("no_address")
    return OpenedPayment(reference, address)


def _is_address(address: str) -> bool:
    """Return whether a payer may be sent there: over TLS, or to this very machine."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host or ""))
    return secure and bool(host) and parts.username is None
