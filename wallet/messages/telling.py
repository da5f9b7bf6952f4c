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
    """What leaves with one transaction. secret: seals what waits to be sent."""

    repository: MessageRepository
    clock: Clock
    entropy: Entropy
    secret: bytes

    def tell(self, recipient: Recipient, code: str, **values: Any) -> None:
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

    def text(self, phone: str, code: str, language: str, *, life: timedelta = SMS_LIFE, **values: Any) -> None:
        """Queue one text message. code: of the catalogue's section `sms`. life: after that it is not sent any more."""
        now = self.clock.now()
        row_id = new_id(self.entropy, "sms")
        payload = {"phone": phone, "code": code, "language": language, "values": values}
        self.repository.add(
            OutgoingRow(
                id=row_id,
                kind="sms",
                target="",
                sealed_payload=seal(self.secret, json.dumps(payload).encode(), row_id, self.entropy),
                state="waiting",
                tries=0,
                created_at=now,
                next_try_at=now,
                expires_at=now + life,
            )
        )

    def emit(self, event_type: str, **data: Any) -> None:
        """Tell webhooks that something happened. data: ids only."""
        at: datetime = self.clock.now()
        self.repository.add(EventRow(id=new_id(self.entropy, "evt"), type=event_type, data=data, at=at))
