"""Endpoints of webhooks: where events are told to, their secrets, and the log of what was delivered."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.sealing import seal
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound, PreconditionFailed
from wallet.messages.addresses import parse_place
from wallet.messages.models import WebhookEndpoint
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import Telling
from wallet.terms import Actor

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
TEST_EVENT = "endpoint.test"


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint without its secret. events: the types it wants; empty for all.

    former_until: until then the secret before this one signs too.
    """

    id: str
    url: str
    description: str
    events: list[str]
    state: str
    disabled_reason: str | None
    failing_since: datetime | None
    former_until: datetime | None
    version: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt to deliver. status: of HTTP, None when there was no answer."""

    id: str
    event_id: str
    type: str | None
    at: datetime
    status: int | None
    milliseconds: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Endpoints, in one transaction. localhost: a demo may name this machine. secret: seals the endpoints' own."""

    repository: MessageRepository
    telling: Telling
    audit: Audit
    clock: Clock
    entropy: Entropy
    secret: bytes
    localhost: bool = False

    def create(self, url: str, description: str, events: list[str], actor: Actor) -> tuple[EndpointView, str]:
        """Add an endpoint; return it and its secret, which is not shown again.

        Raises InvalidInput("/url": "webhook_url_refused").
        """
        parse_place(url, localhost=self.localhost)
        row = WebhookEndpoint(id=new_id(self.entropy, "whk"), url=url, description=description, events=events)
        row.state, row.version, row.created_by, row.created_at = "active", 1, actor.account_id, self.clock.now()
        shown, row.sealed_secret = self._new_secret(row.id)
        self.repository.add(row)
        self.repository.flush()
        self.audit.record("webhook_endpoint.created", actor, row.id)
        return _view(row), shown

    def page(self, limit: int, place: str | None) -> tuple[list[EndpointView], str | None]:
        """Return one page, newest first, and the place of the next (None at the end)."""
        rows, following = self.repository.endpoints(limit, place)
        return [_view(row) for row in rows], following

    def find(self, endpoint_id: str) -> EndpointView:
        """Return one endpoint. Raises NotFound."""
        return _view(self._load(endpoint_id, lock=False))

    def change(self, endpoint_id: str, version: int, changes: Mapping[str, Any], actor: Actor) -> EndpointView:
        """Change url, description, events or state; an active endpoint is told again and starts with a clean slate.

        version: what the caller saw. Raises NotFound, PreconditionFailed, InvalidInput("/url").
        """
        row = self._load(endpoint_id, version=version)
        if "url" in changes:
            parse_place(changes["url"], localhost=self.localhost)
        for name in changes.keys() & {"url", "description", "events", "state"}:
            setattr(row, name, changes[name])
        if "state" in changes:
            row.disabled_reason = None if changes["state"] == "active" else "by_admin"
            row.failing_since = None
        row.version += 1
        self.repository.flush()
        self.audit.record("webhook_endpoint.changed", actor, row.id, fields=sorted(changes), version=row.version)
        return _view(row)

    def delete(self, endpoint_id: str, version: int, actor: Actor) -> None:
        """Delete an endpoint, its log and what waits for it. Raises NotFound, PreconditionFailed."""
        row = self._load(endpoint_id, version=version)
        self.repository.drop_endpoint(row)
        self.audit.record("webhook_endpoint.deleted", actor, endpoint_id)

    def rotate(self, endpoint_id: str, actor: Actor) -> tuple[EndpointView, str]:
        """Give an endpoint a new secret; return it. For a day the one before signs beside it. Raises NotFound."""
        row = self._load(endpoint_id)
        row.sealed_former_secret, row.former_until = row.sealed_secret, self.clock.now() + OVERLAP
        shown, row.sealed_secret = self._new_secret(row.id)
        row.version += 1
        self.repository.flush()
        self.audit.record("webhook_endpoint.secret_rotated", actor, row.id, version=row.version)
        return _view(row), shown

    def test(self, endpoint_id: str, actor: Actor) -> str:
        """Send an event that means nothing to this endpoint alone; return its id. Raises NotFound, Conflict."""
        row = self._load_active(endpoint_id)
        event_id = self.telling.remember(TEST_EVENT, endpoint_id=row.id)
        self.telling.queue_event(event_id, row.id)
        self.audit.record("webhook_endpoint.tested", actor, row.id, event=event_id)
        return event_id

    def attempts(self, endpoint_id: str, limit: int, place: str | None) -> tuple[list[AttemptView], str | None]:
        """Return one page of the log, newest first, and the place of the next. Raises NotFound."""
        self._load(endpoint_id, lock=False)
        rows, following = self.repository.attempts(endpoint_id, limit, place)
        types = self.repository.event_types(row.event_id for row in rows)
        views = [
            AttemptView(
                row.id, row.event_id, types.get(row.event_id), row.at, row.status, row.milliseconds, row.outcome
            )
            for row in rows
        ]
        return views, following

    def replay(self, endpoint_id: str, attempt_id: str, actor: Actor) -> str:
        """Deliver the event of an attempt once more, under its own id; return that id.

        Raises NotFound, Conflict("endpoint_disabled" or, while it waits to be sent anyway, "delivery_waiting").
        """
        row = self._load_active(endpoint_id)
        attempt = self.repository.attempt(row.id, attempt_id)
        if attempt is None or self.repository.outgoing(attempt.outgoing_id) is None:
            raise NotFound("not_found")
        if not self.repository.send_anew(attempt.outgoing_id, self.clock.now()):
            raise Conflict("delivery_waiting")
        self.telling.queued.append(attempt.outgoing_id)
        self.audit.record("webhook_endpoint.replayed", actor, row.id, event=attempt.event_id, attempt=attempt.id)
        return attempt.event_id

    def _new_secret(self, endpoint_id: str) -> tuple[str, bytes]:
        """Return a new secret as it is shown, and sealed (Standard Webhooks, "Signature scheme")."""
        shown = "whsec_" + base64.b64encode(self.entropy.bytes(SECRET_BYTES)).decode()
        return shown, seal(self.secret, shown.encode(), endpoint_id, self.entropy)

    def _load_active(self, endpoint_id: str) -> WebhookEndpoint:
        row = self._load(endpoint_id)
        if row.state != "active":
            raise Conflict("endpoint_disabled")
        return row

    def _load(self, endpoint_id: str, *, lock: bool = True, version: int | None = None) -> WebhookEndpoint:
        row = self.repository.endpoint(endpoint_id, lock=lock)
        if row is None:
            raise NotFound("not_found")
        if version is not None and row.version != version:
            raise PreconditionFailed("version_changed")
        return row


def _view(row: WebhookEndpoint) -> EndpointView:
    return EndpointView(**{name: getattr(row, name) for name in EndpointView.__slots__})
