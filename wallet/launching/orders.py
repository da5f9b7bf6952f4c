"""What somebody wants changed of a launch, and how it is kept while it waits for a second person: values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wallet.launching.audience import Audience, Plan
from wallet.launching.models import Approval
from wallet.launching.schedule import Launch
from wallet.launching.states import LIMITED, LaunchState
from wallet.launching.stop_rule import NEVER, StopRule


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """What somebody wants changed, and why.

    audience: whole; None keeps the one in force, where the state has one. pause_text: what citizens read while it is
    paused, `{"vi", "en"}`; None keeps it. stop_rule: when it pauses by itself; None keeps it. effective_at: when; None
    at once. comment: for the second person.
    emergency: do not wait for one; every other admin is told.
    """

    state: LaunchState
    reason: str
    audience: Audience | None = None
    pause_text: Mapping[str, str] | None = None
    stop_rule: StopRule | None = None
    effective_at: datetime | None = None
    comment: str = ""
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits for a second person. before, after: what is in force, and what would be.

    takes_back: the scheduled change that would not happen, "" for none; then before and after are of `effective_at`.
    """

    id: str
    code: str
    before: Plan
    after: Plan
    reason: str
    comment: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    effective_at: datetime | None = None
    pause_text: Mapping[str, str] = field(default_factory=dict)
    stop_rule: StopRule = NEVER
    takes_back: str = ""

    @property
    def target(self) -> LaunchState:
        return self.after.state


@dataclass(frozen=True, slots=True)
class Weighed:
    """An order held against what is in force. projected: what is in force when it takes effect, as far as is known."""

    launch: Launch
    projected: Launch
    plan: Plan
    pause_text: Mapping[str, str]
    stop_rule: StopRule
    needs_second: bool


def told_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan for the record: how many testers, not who."""
    audience = plan.audience.to_json()
    if "testers" in audience:
        audience["testers"] = len(audience["testers"])
    return {"state": str(plan.state), "audience": audience}


def order_of_change(change: Mapping[str, Any]) -> LaunchOrder:
    """Return the order that an approval keeps."""
    plan, at = Plan.from_json(change["plan"]), change["effective_at"]
    return LaunchOrder(
        state=plan.state,
        reason=change["reason"],
        audience=plan.audience if plan.state in LIMITED else None,
        pause_text=change["pause_text"] if at is None else None,
        stop_rule=_rule(change) if at is None and "stop_rule" in change else None,
        effective_at=None if at is None else datetime.fromisoformat(at),
    )


def pending_of(row: Approval) -> PendingChange:
    """Return the change that an approval stands for."""
    change, at = row.change, row.change["effective_at"]
    return PendingChange(
        id=row.id,
        code=row.subject,
        before=Plan.from_json(row.before),
        after=Plan.from_json(change["plan"]),
        reason=change["reason"],
        comment=row.comment,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        effective_at=None if at is None else datetime.fromisoformat(at),
        pause_text=change["pause_text"],
        stop_rule=_rule(change),
        takes_back=change.get("takes_back", ""),
    )


def _rule(change: Mapping[str, Any]) -> StopRule:
    return StopRule.from_json(change.get("stop_rule", {}))
