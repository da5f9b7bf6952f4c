"""What one admin asks for and a second one agrees to, of whatever kind: one at a time for each subject (S-64).

Launching has its own way of asking, for a launch has a version; this is for everything that is simply agreed to or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotAllowed, NotFound
from wallet.launching.models import Approval
from wallet.launching.repository import LaunchingRepository
from wallet.terms import Actor


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that was asked for. state: awaiting, approved, refused or expired."""

    id: str
    subject: str
    change: Mapping[str, Any]
    comment: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approvals:
    """Approvals of one kind, in one transaction. patience: how long one waits for a second person."""

    kind: str
    rows: LaunchingRepository
    audit: Audit
    clock: Clock
    entropy: Entropy
    patience: timedelta = timedelta(days=7)

    def ask(self, subject: str, change: Mapping[str, Any], comment: str, actor: Actor) -> Asked:
        """Ask for a change. Raises Conflict("approval_pending") while another waits for the same subject."""
        now, waiting = self.clock.now(), self.rows.awaiting(self.kind, subject)
        if waiting is not None and waiting.expires_at <= now:
            self.rows.decide(waiting.id, "expired", actor.account_id, now)
            self.audit.record("approval.expired", actor, subject, approval=waiting.id)
        row = Approval(
            id=new_id(self.entropy, "apr"),
            kind=self.kind,
            subject=subject,
            change=dict(change),
            before={},
            comment=comment,
            state="awaiting",
            requested_by=actor.account_id,
            requested_at=now,
            expires_at=now + self.patience,
        )
        if not self.rows.add_approval(row):
            waiting = self.rows.awaiting(self.kind, subject)
            raise Conflict("approval_pending", approval=waiting.id if waiting else "")
        self.audit.record("approval.asked", actor, subject, approval=row.id)
        return _asked(row)

    def waiting(self, subject: str) -> Asked | None:
        """Return what waits for a subject and can still be agreed to."""
        row = self.rows.awaiting(self.kind, subject)
        return None if row is None or row.expires_at <= self.clock.now() else _asked(row)

    def decide(self, approval_id: str, *, agree: bool, actor: Actor, answer: str = "") -> Asked:
        """Agree to a change, or refuse it, as the second person; whoever asked may take it back.

        Raises NotFound, NotAllowed("self_approval"), Conflict("approval_closed"), Conflict("approval_expired").
        """
        row, now = self.rows.approval(approval_id), self.clock.now()
        if row is None or row.kind != self.kind:
            raise NotFound("not_found")
        if row.requested_by == actor.account_id and agree:
            raise NotAllowed("self_approval")
        if row.state == "expired" or (row.state == "awaiting" and row.expires_at <= now):
            raise Conflict("approval_expired")
        outcome = "approved" if agree else "refused"
        if not self.rows.decide(approval_id, outcome, actor.account_id, now, answer):
            raise Conflict("approval_closed")
        self.audit.record(f"approval.{outcome}", actor, row.subject, approval=approval_id)
        return _asked(row)


def _asked(row: Approval) -> Asked:
    return Asked(row.id, row.subject, row.change, row.comment, row.requested_by, row.requested_at, row.expires_at)
