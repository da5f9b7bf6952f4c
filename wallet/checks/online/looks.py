"""That a desk looked at somebody, on the record from which its holder reads it: kinds of data, never a value.

One row of the audit record is both: what cannot be recorded is not disclosed, for both are one transaction.
Source: docs/security.md, S-65; Law 91/2025/QH15 (the right to know); docs/domain.md, section 6.4.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from wallet.audit import Audit
from wallet.checks.desks import DeskActor
from wallet.checks.purposes import Purpose
from wallet.entropy import Entropy, new_id
from wallet.terms import Actor

PORTRAIT = "portrait"
"""The name of the portrait among names of claims: no claim has it."""


class Way(StrEnum):
    """How a desk looked. The value is the action on record."""

    ONLINE = "check.online"
    SHARE = "check.share"
    CHECK_IN = "check.check_in"
    LIST = "check.list"
    OFFLINE = "check.offline"


ANSWER_LOST = timedelta(minutes=1)
"""How far the clock of a desk may be from ours when the check that it tells of is the one that it asked about."""

WAYS = tuple(str(way) for way in Way)


@dataclass(frozen=True, slots=True)
class Looks:
    """Puts looks of desks on record, in one transaction."""

    audit: Audit
    entropy: Entropy

    def has_asked(
        self, desk: DeskActor, purpose: Purpose, actor: Actor, holder_id: str, kind: str, moment: datetime
    ) -> bool:
        """Return whether this desk asked online about such a document at that moment: a check whose answer it never
        heard, and tells of once more."""
        between = moment - ANSWER_LOST, moment + ANSWER_LOST
        about = {"purpose": purpose.code, "kind": kind, "organisation": desk.organisation_id}
        return self.audit.was_recorded(str(Way.ONLINE), actor, holder_id, between, about)

    def record(
        self,
        way: Way,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        holder_id: str,
        *,
        utility: str,
        kind: str,
        data: Iterable[str],
        verdict: str,
        looked_at: datetime | None = None,
    ) -> str:
        """Record one look, and return the id by which its holder may report it.

        utility, kind: of the document that was looked at. data: names of what the desk was told, without values.
        looked_at: where it was before it is recorded. Raises Unavailable("storage_unavailable").
        """
        access_id = new_id(self.entropy, "acs")
        details: dict[str, Any] = {
            "access": access_id,
            "organisation": desk.organisation_id,
            "organisation_name": dict(desk.organisation_name),
            "desk_name": desk.desk_name,
            "purpose": purpose.code,
            "purpose_name": dict(purpose.title),
            "utility": utility,
            "kind": kind,
            "data": sorted(data),
            "verdict": verdict,
        }
        if looked_at is not None:
            details["looked_at"] = looked_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.audit.record(str(way), actor, holder_id, **details)
        self.audit.write()
        return access_id
