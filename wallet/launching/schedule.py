"""Changes that take effect by themselves at a time, and what a utility is at any moment because of them.

Reading folds in what is due, so that a job which does not run leaves nothing open for longer than was scheduled; the
job only writes down what every reader sees already.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from wallet.launching.audience import Plan, widens
from wallet.launching.models import UtilityState
from wallet.launching.states import LIMITED, NEXT, LaunchState
from wallet.launching.stop_rule import NEVER, StopRule


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A change to come. agreed_by: the second person, "" where one was enough."""

    id: str
    at: datetime
    plan: Plan
    reason: str
    requested_by: str
    agreed_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the change as it is stored."""
        return {
            "id": self.id,
            "at": self.at.astimezone(UTC).isoformat(),
            **self.plan.to_json(),
            "reason": self.reason,
            "requested_by": self.requested_by,
            "agreed_by": self.agreed_by,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scheduled":
        """Return what `to_json` wrote."""
        return cls(
            stored["id"],
            datetime.fromisoformat(stored["at"]),
            Plan.from_json(stored),
            stored["reason"],
            stored["requested_by"],
            stored["agreed_by"],
        )


@dataclass(frozen=True, slots=True)
class Launch:
    """What is true of one utility. version 0: nobody has ever changed it; it rises with each change of anything.

    pause_text: what citizens read while it is paused, in both languages, {} for the general words. schedule: what is to
    come, the next first. awaiting: the change that waits for a second person. stop_rule: when it pauses by itself.
    """

    code: str
    plan: Plan = field(default_factory=Plan)
    version: int = 0
    reason: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None
    pause_text: Mapping[str, str] = field(default_factory=dict)
    schedule: tuple[Scheduled, ...] = ()
    awaiting: str | None = None
    stop_rule: StopRule = NEVER

    @property
    def state(self) -> LaunchState:
        return self.plan.state

    @property
    def notice(self) -> Mapping[str, str]:
        """What citizens are told now, beside the general words."""
        return self.pause_text if self.state is LaunchState.PAUSED else {}

    @property
    def next_change_at(self) -> datetime | None:
        return self.schedule[0].at if self.schedule else None


def stored_launch(code: str, row: UtilityState | None, testers: frozenset[str] = frozenset()) -> Launch:
    """Return what a row says, before what is due is folded in. testers: those of the table that matter here."""
    if row is None:
        return Launch(code)
    plan = Plan.from_json({"state": row.state, "audience": row.audience})
    plan = replace(plan, audience=replace(plan.audience, testers=testers))
    entries = (Scheduled.from_json(entry) for entry in row.schedule)
    return Launch(
        code=code,
        plan=plan,
        version=row.version,
        reason=row.reason,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        pause_text=row.pause_text,
        schedule=in_order(entries),
        stop_rule=StopRule.from_json(row.stop_rule),
    )


def in_order(entries: Iterable[Scheduled]) -> tuple[Scheduled, ...]:
    """Return changes in the order in which they take effect."""
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.id)))


def as_of(launch: Launch, moment: datetime) -> Launch:
    """Return what the utility is at a moment: every change that is due by then has taken effect, or has fallen away."""
    while launch.schedule and launch.schedule[0].at <= moment:
        launch = after_next(launch)
    return launch


def takes_effect(launch: Launch, entry: Scheduled) -> bool:
    """Return whether a scheduled change still fits what is in force.

    Somebody may have changed the utility by hand since. Then a change to which no second person agreed is left out
    where it would let somebody in by now: it was made to keep people out.
    """
    if not follows(launch.plan, entry.plan):
        return False
    return bool(entry.agreed_by) or not widens(launch.plan, entry.plan)


def follows(before: Plan, after: Plan) -> bool:
    """Return whether a plan may take the place of another: a transition, or another audience of the same state."""
    if after.state is before.state:
        return after.state in LIMITED and after != before
    return after.state in NEXT[before.state]


def after_next(launch: Launch) -> Launch:
    """Return the launch after the first of its scheduled changes. The version rises even where that falls away."""
    entry, rest = launch.schedule[0], launch.schedule[1:]
    if not takes_effect(launch, entry):
        return replace(launch, schedule=rest, version=launch.version + 1)
    ends = entry.plan.state is LaunchState.RETIRED
    return replace(
        launch,
        plan=entry.plan,
        version=launch.version + 1,
        reason=entry.reason,
        changed_by=entry.requested_by,
        changed_at=entry.at,
        schedule=() if ends else rest,
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """When somebody first gets in who would be kept out: what is planned for that moment, and what would be instead."""

    at: datetime
    planned: Plan
    instead: Plan


def gap_without(launch: Launch, change_id: str) -> Gap | None:
    """Return the first moment at which a launch would be wider without one of its scheduled changes, None for never.

    Both schedules are followed to their end: what falls away because of the missing change is missing, too.
    """
    rest = replace(launch, schedule=tuple(entry for entry in launch.schedule if entry.id != change_id))
    for moment in (entry.at for entry in launch.schedule):
        planned, instead = as_of(launch, moment).plan, as_of(rest, moment).plan
        if widens(planned, instead):
            return Gap(moment, planned, instead)
    return None
