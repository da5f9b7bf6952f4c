"""Who may use which utility now. Every decision reads the row, so a stop is effective for whoever asks next.

What it costs is one read by primary key in the transaction that is open anyway (docs/decisions/0018-launching.md).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, NotAllowed
from wallet.identity.staff_reads import StaffReads
from wallet.launching.judging import Availability, Explained, Rule, Visitor, explain, judge, judge_or_tell
from wallet.launching.models import UtilityState
from wallet.launching.repository import LaunchingRepository
from wallet.launching.schedule import Launch, as_of, stored_launch
from wallet.launching.states import LIMITED, LaunchState
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue

LAUNCH = "launch_utility"
"""The kind of the approvals of launching."""

EXPLAIN_PURPOSES = ("citizen_asked", "complaint", "incident", "audit")
"""For what somebody's availability may be looked up."""


VisitorOf = Callable[[str, Actor], Visitor]
"""Makes a visitor of an actor who asks for a utility, with a province that is looked up only if need be."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is open to whom, in one transaction. visitor_of: makes a visitor of an actor, handed in by the wiring."""

    rows: LaunchingRepository
    catalogue: Catalogue
    reads: StaffReads
    audit: Audit
    clock: Clock
    visitor_of: VisitorOf

    def launch(self, code: str) -> Launch:
        """Return what is true of one utility now. Raises UnknownUtility."""
        self.catalogue.get(code)
        row, now = self.rows.state(code), self.clock.now()
        launch = as_of(stored_launch(code, row, self.rows.testers(code)), now)
        waiting = self.rows.awaiting(LAUNCH, code)
        obsolete = waiting is None or waiting.expires_at <= now or waiting.change["version"] != launch.version
        return replace(launch, awaiting=None if obsolete or waiting is None else waiting.id)

    def launches(self) -> dict[str, Launch]:
        """Return what is true of every utility now, without what waits for a second person."""
        rows, testers, now = self.rows.states(), self.rows.all_testers(), self.clock.now()
        codes = [plugin.utility.code for plugin in self.catalogue]
        none: frozenset[str] = frozenset()
        return {code: as_of(stored_launch(code, rows.get(code), testers.get(code, none)), now) for code in codes}

    def launched(self) -> frozenset[str]:
        """Return what was ever launched, be it installed or not."""
        return frozenset(self.rows.states())

    def retired(self) -> frozenset[str]:
        """Return what is retired now, be it installed or not."""
        now, none = self.clock.now(), frozenset[str]()
        states = {code: self._effective(code, row, none, now).state for code, row in self.rows.states().items()}
        return frozenset(code for code, state in states.items() if state is LaunchState.RETIRED)

    def runs(self, code: str) -> bool:
        """Return whether anybody at all may have something new of a utility now."""
        return self._now(code).state.runs

    def assert_answers(self, code: str) -> None:
        """Raise Conflict("utility_disabled") while no document comes of what was asked before: it is off, or paused."""
        launch = self._now(code)
        if not launch.state.answers:
            raise Conflict("utility_disabled", utility=code, notice=dict(launch.notice), missing=str(launch.state))

    def _now(self, code: str) -> Launch:
        row = self.rows.state(code)
        return Launch(code) if row is None else self._effective(code, row, frozenset(), self.clock.now())

    def assert_open(self, code: str, visitor: Visitor) -> None:
        """Raise unless this person may ask for something new now.

        Raises Conflict("utility_disabled") for everybody while it is off, paused or retired,
        NotAllowed("not_in_pilot") for whom its sandbox or pilot leaves out, and what the visitor's province raises.
        """
        launch = self._for(code, self.rows.state(code), visitor)
        found = judge(code, launch.plan, visitor)
        if found.available:
            return
        if found.decided_by is Rule.STATE:
            raise Conflict("utility_disabled", utility=code, notice=dict(launch.notice), missing=found.missing)
        raise NotAllowed("not_in_pilot", utility=code, missing=found.missing, words=dict(found.values))

    def assert_open_to(self, code: str, actor: Actor) -> None:
        """Raise as `assert_open` does, unless this actor may ask for something new now."""
        self.assert_open(code, self.visitor_of(code, actor))

    def available(self, code: str, visitor: Visitor) -> tuple[Launch, Availability]:
        """Return whether one utility is there for a person, and if not why. Raises UnknownUtility."""
        self.catalogue.get(code)
        launch = self._for(code, self.rows.state(code), visitor)
        return launch, judge_or_tell(code, launch.plan, visitor)

    def available_all(self, visitor: Visitor) -> dict[str, tuple[Launch, Availability]]:
        """Return the same of every utility."""
        rows, tested = self.rows.states(), self.rows.tested_by(visitor.account_id)
        found = {}
        for plugin in self.catalogue:
            code = plugin.utility.code
            own = frozenset({visitor.account_id}) if code in tested else frozenset()
            launch = self._effective(code, rows.get(code), own, visitor.now)
            found[code] = launch, judge_or_tell(code, launch.plan, visitor)
        return found

    def asks_province(self, codes: Iterable[str] = ()) -> bool:
        """Return whether any of these utilities, or of all, is a pilot by province now: then a register is asked."""
        chosen, now = set(codes), self.clock.now()
        none: frozenset[str] = frozenset()
        launches = [self._effective(code, row, none, now) for code, row in self.rows.states().items()]
        return any(
            launch.state is LaunchState.PILOT and launch.plan.audience.provinces
            for launch in launches
            if not chosen or launch.code in chosen
        )

    def explain(self, code: str, visitor: Visitor, purpose: str, actor: Actor) -> tuple[Launch, Explained]:
        """Return why somebody sees a utility or does not. That it was looked up, and for what, is in their history.

        Raises NotAllowed, InvalidInput("/purpose"), UnknownUtility, TooManyAttempts("too_many_reads").
        """
        assert_admin(actor)
        if purpose not in EXPLAIN_PURPOSES:
            raise InvalidInput({"/purpose": "not_a_choice"})
        self.catalogue.get(code)
        self.reads.count(actor)
        self.audit.record("launch.explained", actor, visitor.account_id, purpose=purpose, utility=code)
        launch = self._for(code, self.rows.state(code), visitor)
        return launch, explain(code, launch.plan, visitor)

    def _for(self, code: str, row: UtilityState | None, visitor: Visitor) -> Launch:
        """Return the launch with this one tester, if it is one: of others nothing has to be known to decide."""
        if row is None:
            return Launch(code)
        own: frozenset[str] = frozenset()
        if LaunchState(row.state) in LIMITED and self.rows.is_tester(code, visitor.account_id):
            own = frozenset({visitor.account_id})
        return self._effective(code, row, own, visitor.now)

    def _effective(self, code: str, row: UtilityState | None, own: frozenset[str], now: datetime) -> Launch:
        """Return the launch as it is now. What is due is weighed against what is in force, testers and all."""
        if row is not None and row.next_change_at is not None and row.next_change_at <= now:
            return as_of(stored_launch(code, row, self.rows.testers(code)), now)
        return stored_launch(code, row, own)


def assert_admin(actor: Actor) -> None:
    """Raise NotAllowed unless the actor is an admin."""
    if StaffRole.ADMIN not in actor.roles:
        raise NotAllowed("not_allowed")
