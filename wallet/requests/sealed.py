"""What a request states, sealed under its holder's key: answers as typed, what registers answered, whom it is about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow
from wallet.requests.orders import About, HeldAnswer
from wallet.utilities.base import Agreement


@dataclass(frozen=True, slots=True)
class Content:
    """answers: as JSON, as they were typed. warnings: what was doubtful when it was sent, JSON Pointer to code.

    held: what registers answered when it was sent, by field. sent: the answers for which the fee was told, where they
    were changed since. known_as: which number whom a proxy asks about had in the register when it was sent; "" before.
    subject_id: the holder with that number, None where nobody had an account: whoever has one may get another number.
    shown: what others were shown whom it asked to agree, by the id of the agreement. other_id: whom the utility names
    to agree, asked or not; None for nobody who had an account when it was sent.
    """

    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    about: About | None = None
    warnings: Mapping[str, str] = field(default_factory=dict, repr=False)
    held: Mapping[str, HeldAnswer] = field(default_factory=dict, repr=False)
    sent: Mapping[str, Any] | None = field(default=None, repr=False)
    known_as: str = field(default="", repr=False)
    shown: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    subject_id: str | None = None
    other_id: str | None = None

    @property
    def subject_number(self) -> str | None:
        """The number by which whom a proxy asks about is looked up, None where it is about the applicant.

        `about` stays as it was typed: that somebody has another number now, which may tell that their sex was
        determined anew, is not for who knows a former one to learn.
        """
        return None if self.about is None else self.known_as or self.about.number


def is_current(agreement_id: str, agreement: Agreement, content: Content) -> bool:
    """Return whether somebody who was asked to agree was shown what the request states now."""
    return content.shown.get(agreement_id) == agreement.shown(content.answers)


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
        "known_as": content.known_as,
        "shown": content.shown,
        "subject_id": content.subject_id,
        "other_id": content.other_id,
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
    return Content(
        stated["answers"],
        about,
        stated.get("warnings", {}),
        held,
        stated.get("sent"),
        stated.get("known_as", ""),
        stated.get("shown", {}),
        stated.get("subject_id"),
        stated.get("other_id"),
    )
