"""What a request states, sealed under its holder's key: answers as typed, what registers answered, whom it is about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow
from wallet.requests.orders import About, HeldAnswer


@dataclass(frozen=True, slots=True)
class Content:
    """answers: as JSON, as they were typed. warnings: what was doubtful when it was sent, JSON Pointer to code.

    held: what registers answered when it was sent, by field. sent: the answers for which the fee was told, where they
    were changed since.
    """

    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    about: About | None = None
    warnings: Mapping[str, str] = field(default_factory=dict, repr=False)
    held: Mapping[str, HeldAnswer] = field(default_factory=dict, repr=False)
    sent: Mapping[str, Any] | None = field(default=None, repr=False)


def seal_content(holders: Holders, holder_id: str, request_id: str, content: Content) -> bytes:
    """Return the bytes that are stored. Raises NotFound for a holder who was erased."""
    about = None if content.about is None else asdict(content.about)
    held = {
        name: asdict(each) | {"as_of": each.as_of.isoformat(), "read_at": each.read_at.isoformat()}
        for name, each in content.held.items()
    }
    stated = {
        "answers": content.answers,
        "about": about,
        "warnings": dict(content.warnings),
        "held": held,
        "sent": content.sent,
    }
    plaintext = json.dumps(stated, ensure_ascii=False)
    return holders.seal(holder_id, request_id, plaintext.encode())


def open_content(holders: Holders, row: RequestRow) -> Content:
    """Return what a request states: nothing for one that stated nothing, or whose holder was erased."""
    if not row.sealed:
        return Content()
    stated = json.loads(holders.unseal(row.holder_id, row.id, row.sealed))
    about = None if stated["about"] is None else About(**stated["about"])
    held = {
        name: HeldAnswer(
            **{
                **each,
                "as_of": datetime.fromisoformat(each["as_of"]),
                "read_at": datetime.fromisoformat(each["read_at"]),
            }
        )
        for name, each in stated.get("held", {}).items()
    }
    return Content(stated["answers"], about, stated.get("warnings", {}), held, stated.get("sent"))
