"""Delivering: what the transactions left behind leaves this process, and what came of it is recorded.

Claim, send, record: two short transactions and nothing open while something is sent. A kill between sending and
recording means that it is sent once more, under the same webhook-id.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from wallet.clock import Clock
from wallet.crypto.sealing import unseal
from wallet.errors import Unavailable
from wallet.messages.posting import Poster, Reply
from wallet.messages.queue import Queue, Text, Webhook
from wallet.messages.sending import Messages
from wallet.messages.signing import signed_headers
from wallet.messages.telling import SMS, WEBHOOK
from wallet.texts.catalogue import sms

log = structlog.get_logger("wallet.messages")


class DeliveryWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def queue(self) -> Queue: ...


Transaction = Callable[[], AbstractContextManager[DeliveryWork]]


@dataclass(frozen=True, slots=True)
class Delivering:
    """Built once per process. write: one transaction; read: committed data. secret: opens what waits."""

    write: Transaction
    read: Transaction
    messages: Messages
    poster: Poster
    clock: Clock
    secret: bytes = field(repr=False)

    def deliver_texts(self) -> bool:
        """Send a batch of text messages; return whether there was any. Raises Unavailable without a database."""
        due = self._due(SMS)
        for row_id in due:
            with self.write() as work:
                text = work.queue.claim_text(row_id)
            if text is not None:
                self._deliver_text(text)
        return bool(due)

    def deliver_webhooks(self) -> bool:
        """Make a batch of deliveries; return whether there was any. Raises Unavailable without a database."""
        due = self._due(WEBHOOK)
        for row_id in due:
            with self.write() as work:
                webhook = work.queue.claim_webhook(row_id)
            if webhook is None:
                continue
            reply = self._post(webhook)
            with self.write() as work:
                work.queue.webhook_answered(webhook, reply)
        return bool(due)

    def _due(self, kind: str) -> list[str]:
        with self.read() as work:
            return work.queue.due(kind)

    def _deliver_text(self, text: Text) -> None:
        outcome = "ok"
        try:
            self.messages.send(*self._rendered(text))
        except Unavailable as error:
            outcome = error.code
        except Exception as error:  # one message that cannot be made must not hold the others up
            outcome = "defect"
            log.error("text message failed", id=text.id, exc_info=error)
        with self.write() as work:
            if outcome == "ok":
                work.queue.text_sent(text)
            else:
                work.queue.text_failed(text, outcome)

    def _rendered(self, text: Text) -> tuple[str, str]:
        payload: dict[str, Any] = json.loads(unseal(self.secret, text.sealed, text.id))
        return payload["phone"], sms(payload["code"], payload["language"], **payload["values"])

    def _post(self, webhook: Webhook) -> Reply:
        try:
            secrets = [unseal(self.secret, s, webhook.endpoint_id).decode() for s in webhook.sealed_secrets]
            body = json.dumps(
                {"type": webhook.type, "timestamp": f"{webhook.at:%Y-%m-%dT%H:%M:%SZ}", "data": dict(webhook.data)},
                separators=(",", ":"),
            )
            headers = signed_headers(secrets, webhook.event_id, self.clock.now(), body)
            return self.poster.post(webhook.url, body.encode(), headers)
        except Exception as error:  # one delivery that cannot be made must not hold the others up
            log.error("webhook failed", id=webhook.id, exc_info=error)
            return Reply(None, "defect", 0)
