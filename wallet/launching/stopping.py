"""A launch whose requests fail is paused by the system, whoever sleeps; opening it again takes two as always.

What fails is counted in the database by every process, and who looks holds the row, so it is paused once.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from wallet.clock import Clock
from wallet.launching.changing import SYSTEM, Launching
from wallet.launching.schedule import Launch
from wallet.launching.stop_rule import Outcomes
from wallet.terms import Actor

log = structlog.get_logger("wallet.launching")

OutcomesOf = Callable[[str, datetime], Outcomes]
"""Utility and moment to how its requests went since then."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """Stops, in one transaction. to_tell: the accounts of those who run launches."""

    launching: Launching
    outcomes: OutcomesOf
    to_tell: Callable[[], Sequence[str]]
    clock: Clock

    def broken(self, launch: Launch) -> Outcomes | None:
        """Return how the requests of a launch went, where that breaks its rule. What was before it counts no more."""
        rule, now = launch.stop_rule, self.clock.now()
        if not rule.is_on or not launch.state.runs:
            return None
        since = max(now - rule.within, launch.changed_at or now)
        found = self.outcomes(launch.code, since)
        return found if rule.is_broken_by(found) else None

    def stop(self, code: str, actor: Actor = SYSTEM) -> Launch | None:
        """Pause a launch that breaks its rule, and tell; None where it does not, or no more."""
        seen: list[Outcomes] = []

        def why(launch: Launch) -> str:
            found = self.broken(launch)
            if found is None:
                return ""
            seen.append(found)
            rule = launch.stop_rule
            share = f"{found.failed}/{found.people} > {rule.over / 10:g} % ({rule.minutes} min)"
            return f"Tự dừng / stopped by itself: {share}"

        launch = self.launching.halt(code, why, actor)
        if launch is None:
            return None
        (found,) = seen
        numbers: dict[str, Any] = {"failed": found.failed, "people": found.people}
        self.launching.audit.record("launch.stopped", actor, code, version=launch.version, **numbers)
        log.warning("launch stopped by itself", utility=code, **numbers)
        for account_id in self.to_tell():
            self.launching.tell(account_id, "launch_stopped", name=code, failed=found.failed, people=found.people)
        return launch


class StopWork(Protocol):
    """The services of one transaction that the job needs."""

    @property
    def stopping(self) -> Stopping: ...

    def running(self) -> Sequence[Launch]:
        """Return the launches that are in force."""
        ...


@dataclass(frozen=True, slots=True)
class StopJob:
    """Looks without a transaction that writes, and opens one only where a rule is broken."""

    work: Callable[[], AbstractContextManager[StopWork]]
    read: Callable[[], AbstractContextManager[StopWork]]

    def run(self) -> bool:
        """Stop what breaks its rule. Return False: nothing is left for another round at once."""
        with self.read() as work:
            broken = [launch.code for launch in work.running() if work.stopping.broken(launch)]
        for code in broken:
            with self.work() as work:
                work.stopping.stop(code)
        return False
