"""What waits to leave, in one transaction: who may send it now, and what came of it.

A row is claimed by moving the moment of its next try ahead: until then nobody else takes it, and after a crash
somebody does. So everything is sent at least once, and never twice at the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.messages.models import DeliveryAttempt, OutgoingRow, WebhookEndpoint
from wallet.messages.posting import Reply
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import SMS, WEBHOOK
from wallet.terms import Actor

LEASE = timedelta(seconds=60)
"""Longer than a try can take: five seconds, and what the system needs to look a name up."""
BATCH = 20
SYSTEM = Actor("system")
GONE = 410
FAILING_FOR = timedelta(days=5)

WEBHOOK_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1 / 12, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""After each failed try, how long until the next: about three days in all (Standard Webhooks, "Retry schedule")."""
SMS_FIRST_WAIT, SMS_LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Text:
    """One text message that is ours to send now. sealed: opens under the row's id."""

    id: str
    tries: int
    expires_at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery that is ours to make now. sealed_secrets: each signs, the newest first."""

    id: str
    tries: int
    endpoint_id: str
    url: str
    event_id: str
    type: str
    data: Mapping[str, Any]
    at: datetime
    sealed_secrets: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Queue:
    """The outgoing rows of one transaction."""

    repository: MessageRepository
    audit: Audit
    clock: Clock
    entropy: Entropy

    def due(self, kind: str) -> list[str]:
        """Return what has to be tried now, a batch of it. kind: `sms` or `webhook`."""
        return self.repository.due(kind, self.clock.now(), BATCH)

    def claim_text(self, row_id: str) -> Text | None:
        """Take a text message; None when somebody else has it, or when it came too late to be sent."""
        row = self._claim(row_id, SMS)
        if row is None:
            return None
        now = self.clock.now()
        if row.sealed_payload is None or row.expires_at is None or row.expires_at <= now:
            self.repository.settle(row.id, "failed", "expired", now)
            return None
        return Text(row.id, row.tries, row.expires_at, row.sealed_payload)

    def claim_webhook(self, row_id: str) -> Webhook | None:
        """Take a delivery; None when somebody else has it, or when its endpoint is not told anything any more."""
        row = self._claim(row_id, WEBHOOK)
        if row is None:
            return None
        now = self.clock.now()
        endpoint, event = self.repository.endpoint(row.target), self.repository.event(row.event_id or "")
        if endpoint is None or event is None:
            self.repository.settle(row.id, "failed", "endpoint_gone", now)
            return None
        if endpoint.state != "active":
            self.repository.settle(row.id, "failed", "endpoint_disabled", now)
            self._log(endpoint.id, row.id, event.id, Reply(None, "endpoint_disabled", 0))
            return None
        secrets: tuple[bytes, ...] = (endpoint.sealed_secret,)
        if endpoint.sealed_former_secret is not None and endpoint.former_until is not None:
            secrets += (endpoint.sealed_former_secret,) if endpoint.former_until > now else ()
        return Webhook(
            row.id, row.tries, endpoint.id, endpoint.url, event.id, event.type, event.data, event.at, secrets
        )

    def text_sent(self, text: Text) -> None:
        """Note that a text message left, and erase it."""
        self.repository.settle(text.id, "sent", "ok", self.clock.now())

    def text_failed(self, text: Text, outcome: str) -> None:
        """Note that it did not; try again within its life, doubling the wait, and erase it when that is over."""
        now = self.clock.now()
        wait = min(SMS_FIRST_WAIT * 2 ** min(text.tries - 1, 16), SMS_LONGEST_WAIT)
        next_try_at = now + self._jittered(wait)
        if next_try_at >= text.expires_at:
            self.repository.settle(text.id, "failed", outcome, now, text.tries)
        else:
            self.repository.try_again(text.id, text.tries, outcome, next_try_at)

    def webhook_answered(self, webhook: Webhook, reply: Reply) -> None:
        """Note what came of a delivery: in its row, in the endpoint's log, and in what the endpoint is worth."""
        now = self.clock.now()
        # The endpoint first: whoever deletes one takes the two in this order too.
        endpoint = self.repository.endpoint(webhook.endpoint_id, lock=True)
        if endpoint is None:
            return
        self._log(endpoint.id, webhook.id, webhook.event_id, reply)
        if reply.accepted:
            self.repository.settle(webhook.id, "sent", reply.outcome, now)
            endpoint.failing_since = None
            self.repository.flush()
            return
        self._failed(webhook, reply, endpoint, now)

    def _failed(self, webhook: Webhook, reply: Reply, endpoint: WebhookEndpoint, now: datetime) -> None:
        if endpoint.failing_since is None:
            endpoint.failing_since = now
        if reply.status == GONE or now - endpoint.failing_since >= FAILING_FOR:
            self._disable(endpoint, "gone" if reply.status == GONE else "failing")
        self.repository.flush()
        if reply.status == GONE or webhook.tries > len(WEBHOOK_WAITS):
            self.repository.settle(webhook.id, "failed", reply.outcome, now, webhook.tries)
            return
        next_try_at = now + self._jittered(WEBHOOK_WAITS[webhook.tries - 1])
        self.repository.try_again(webhook.id, webhook.tries, reply.outcome, next_try_at)
        if reply.status is None:
            self.repository.postpone(endpoint.id, now, next_try_at)

    def _disable(self, endpoint: WebhookEndpoint, reason: str) -> None:
        if endpoint.state != "active":
            return
        endpoint.state, endpoint.disabled_reason = "disabled", reason
        endpoint.version += 1
        self.audit.record("webhook_endpoint.disabled", SYSTEM, endpoint.id, reason=reason)

    def _claim(self, row_id: str, kind: str) -> OutgoingRow | None:
        now = self.clock.now()
        row = self.repository.claim(row_id, now, now + LEASE)
        return row if row is not None and row.kind == kind else None

    def _log(self, endpoint_id: str, row_id: str, event_id: str, reply: Reply) -> None:
        self.repository.add(
            DeliveryAttempt(
                id=new_id(self.entropy, "dla"),
                endpoint_id=endpoint_id,
                outgoing_id=row_id,
                event_id=event_id,
                at=self.clock.now(),
                status=reply.status,
                milliseconds=reply.milliseconds,
                outcome=reply.outcome,
            )
        )

    def _jittered(self, wait: timedelta) -> timedelta:
        """Return a wait that is up to a fifth longer: what failed together does not come back together."""
        return wait * (1 + int.from_bytes(self.entropy.bytes(2)) / 65536 / 5)
