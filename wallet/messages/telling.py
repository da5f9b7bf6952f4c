"""Telling someone: a notice in the inbox, a text message, an event for webhooks. All in the caller's transaction."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.clock import Clock
from wallet.crypto.sealing import seal
from wallet.entropy import Entropy, new_id
from wallet.messages.models import EventRow, NoticeRow, OutgoingRow
from wallet.messages.notices import NOTICES
from wallet.messages.repository import MessageRepository

SMS, WEBHOOK = "sms", "webhook"
SMS_LIFE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice is for. phone: E.164, None where none is known. muted: optional text messages are off."""

    account_id: str
    phone: str | None = field(repr=False)
    language: str = "vi"
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """What leaves with one transaction. secret: seals what waits to be sent.

    queued: the ids of what waits to be sent since this transaction; who opened it wakes the delivery afterwards.
    """

    repository: MessageRepository
    clock: Clock
    entropy: Entropy
    secret: bytes
    queued: list[str] = field(default_factory=list)

    def tell(self, recipient: Recipient, code: str, /, **values: Any) -> None:
        """Put a notice in the inbox, and send what its kind says beside it.

        values: ids, codes, moments (ISO 8601); whatever identifies a person stays out of them.
        """
        kind = NOTICES[code]
        now = self.clock.now()
        self.repository.add(
            NoticeRow(
                id=new_id(self.entropy, "ntf"),
                account_id=recipient.account_id,
                code=code,
                values=values,
                created_at=now,
            )
        )
        if kind.sms and recipient.phone and not (kind.optional and recipient.muted):
            self.text(recipient.phone, code, recipient.language, **values)
        if kind.event is not None:
            self.emit(kind.event, account_id=recipient.account_id)

    def text(self, phone: str, code: str, language: str, /, *, life: timedelta = SMS_LIFE, **values: Any) -> None:
        """Queue one text message. code: of the catalogue's section `sms`. life: after that it is not sent any more.

        values: fill the text; a `purpose` is a code of the section `sms_purposes` and becomes its words.
        """
        row_id = new_id(self.entropy, "sms")
        payload = {"phone": phone, "code": code, "language": language, "values": values}
        sealed = seal(self.secret, json.dumps(payload).encode(), row_id, self.entropy)
        self._queue(row_id, SMS, sealed_payload=sealed, expires_at=self.clock.now() + life)

    def emit(self, event_type: str, **data: Any) -> str:
        """Tell every webhook that wants it that something happened; return the event's id. data: ids only."""
        event_id = self.remember(event_type, **data)
        for endpoint in self.repository.active_endpoints():
            if not endpoint.events or event_type in endpoint.events:
                self.queue_event(event_id, endpoint.id)
        return event_id

    def remember(self, event_type: str, **data: Any) -> str:
        """Store an event without telling anyone; return its id."""
        event_id, at = new_id(self.entropy, "evt"), self.clock.now()
        self.repository.add(EventRow(id=event_id, type=event_type, data=data, at=at))
        return event_id

    def queue_event(self, event_id: str, endpoint_id: str) -> None:
        """Queue one event for one endpoint. Of two that race the database refuses the second."""
        self._queue(new_id(self.entropy, "whd"), WEBHOOK, target=endpoint_id, event_id=event_id)

    def _queue(
        self,
        row_id: str,
        kind: str,
        *,
        target: str = "",
        event_id: str | None = None,
        sealed_payload: bytes | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        now = self.clock.now()
        self.repository.add(
            OutgoingRow(
                id=row_id,
                kind=kind,
                target=target,
                event_id=event_id,
                sealed_payload=sealed_payload,
                state="waiting",
                tries=0,
                created_at=now,
                next_try_at=now,
                expires_at=expires_at,
            )
        )
        self.queued.append(row_id)
