"""When a launch stops by itself: data of the launch. Nothing here reads a database or a clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

WHOLE = 1000
LEAST = 20


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many people's requests failed, and how many got theirs in. Somebody may be in both."""

    failed: int
    done: int

    @property
    def people(self) -> int:
        return self.failed + self.done


@dataclass(frozen=True, slots=True)
class StopRule:
    """Pause when more than so many tenths of a percent of the people who asked within so many minutes failed.

    over: in tenths of a percent; at WHOLE, which is where it stands until somebody sets it, nothing ever stops. least:
    how many people have to have asked, so that the first who fails stops nothing.
    """

    over: int = WHOLE
    minutes: int = 10
    least: int = LEAST

    @property
    def is_on(self) -> bool:
        return self.over < WHOLE

    @property
    def within(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    def is_broken_by(self, outcomes: Outcomes) -> bool:
        """Return whether a launch with these outcomes is to stop."""
        if not self.is_on or outcomes.people < self.least:
            return False
        return outcomes.failed * WHOLE > self.over * outcomes.people

    def to_json(self) -> dict[str, Any]:
        """Return the rule as it is stored; one that is off is nothing."""
        return {"over": self.over, "minutes": self.minutes, "least": self.least} if self.is_on else {}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "StopRule":
        """Return what `to_json` wrote."""
        return cls(**stored)


NEVER = StopRule()
"""The rule of a launch until somebody sets one."""
