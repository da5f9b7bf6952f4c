"""Which utility is open, and who may change that.

Stopping and pausing act at once, by one person: harm is stopped first and discussed later. Opening is agreed to
by a second admin (security requirement S-64).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed
from wallet.launching.models import Approval, UtilityState
from wallet.launching.repository import LaunchingRepository
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue

OPEN_UTILITY = "open_utility"


class LaunchState(StrEnum):
    """Off: not launched, or withdrawn. Open: anyone may ask. Paused: nothing new. What was issued still verifies."""

    OFF = "off"
    OPEN = "open"
    PAUSED = "paused"


NEXT: dict[LaunchState, frozenset[LaunchState]] = {
    LaunchState.OFF: frozenset({LaunchState.OPEN}),
    LaunchState.OPEN: frozenset({LaunchState.PAUSED, LaunchState.OFF}),
    LaunchState.PAUSED: frozenset({LaunchState.OPEN, LaunchState.OFF}),
}
NEEDS_A_SECOND = frozenset({LaunchState.OPEN})


@dataclass(frozen=True, slots=True)
class Launch:
    """The state of one utility. version 0: nobody has ever changed it."""

    code: str
    state: LaunchState
    version: int
    reason: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None
    awaiting: str | None = None


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits for a second person."""

    id: str
    code: str
    target: LaunchState
    reason: str
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Rollout:
    """Launching, in one transaction."""

    rows: LaunchingRepository
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy

    def launch(self, code: str) -> Launch:
        """Return the state of one utility. Raises UnknownUtility."""
        self.catalogue.get(code)
        waiting = self.rows.awaiting(OPEN_UTILITY, code)
        return _launch(code, self.rows.state(code), waiting.id if waiting else None)

    def launches(self) -> dict[str, Launch]:
        """Return the state of every utility."""
        rows = self.rows.states()
        return {p.utility.code: _launch(p.utility.code, rows.get(p.utility.code), None) for p in self.catalogue}

    def assert_open(self, code: str) -> None:
        """Raise Conflict("utility_disabled") unless documents may be issued now."""
        if _launch(code, self.rows.state(code), None).state is not LaunchState.OPEN:
            raise Conflict("utility_disabled", utility=code)

    def change(self, code: str, target: LaunchState, reason: str, version: int, actor: Actor) -> Launch | PendingChange:
        """Change the state, or ask for it where a second person must agree.

        version: what the caller saw. Raises PreconditionFailed when it is another by now, Conflict for a change
        that the state does not allow or that waits already.
        """
        _assert_admin(actor)
        now = self.launch(code)
        if now.version != version:
            raise PreconditionFailed("version_changed")
        if target is now.state:
            raise Conflict("already_in_state", state=str(target))
        if target not in NEXT[now.state]:
            raise Conflict("transition_not_allowed", state=str(now.state), target=str(target))
        if target in NEEDS_A_SECOND:
            return self._ask(code, target, reason, version, actor)
        return self._apply(code, target, reason, version, actor, approved_by=None)

    def decide(self, approval_id: str, *, agree: bool, actor: Actor) -> Launch:
        """Agree to a change, or refuse it, as the second person.

        Raises NotFound, NotAllowed("self_approval") for the one who asked, Conflict("approval_closed") when it was
        decided before, PreconditionFailed when the utility changed in between.
        """
        _assert_admin(actor)
        approval = self.rows.approval(approval_id)
        if approval is None:
            raise NotFound("not_found")
        if approval.requested_by == actor.account_id and agree:
            raise NotAllowed("self_approval")
        outcome = "approved" if agree else "refused"
        if not self.rows.decide(approval_id, outcome, actor.account_id, self.clock.now()):
            raise Conflict("approval_closed")
        self.audit.record(f"approval.{outcome}", actor, approval.subject, approval=approval_id)
        if not agree:
            return self.launch(approval.subject)
        change = approval.change
        return self._apply(
            approval.subject,
            LaunchState(change["target"]),
            change["reason"],
            change["version"],
            actor,
            approved_by=approval.requested_by,
        )

    def pending(self) -> list[PendingChange]:
        """Return what waits for a second person, oldest first."""
        return [_pending(row) for row in self.rows.list_awaiting()]

    def _ask(self, code: str, target: LaunchState, reason: str, version: int, actor: Actor) -> PendingChange:
        waiting = self.rows.awaiting(OPEN_UTILITY, code)
        if waiting is not None and waiting.change["version"] == version:
            raise Conflict("approval_pending", approval=waiting.id)
        if waiting is not None:
            # The utility changed since that was asked: nobody can agree to it any more, so it must not be in the way.
            self.rows.decide(waiting.id, "obsolete", actor.account_id, self.clock.now())
            self.audit.record("approval.obsolete", actor, code, approval=waiting.id)
        row = Approval(
            id=new_id(self.entropy, "apr"),
            kind=OPEN_UTILITY,
            subject=code,
            change={"target": str(target), "reason": reason, "version": version},
            state="awaiting",
            requested_by=actor.account_id,
            requested_at=self.clock.now(),
        )
        if not self.rows.add_approval(row):
            waiting = self.rows.awaiting(OPEN_UTILITY, code)  # another admin asked in the same moment
            raise Conflict("approval_pending", approval=waiting.id if waiting else "")
        self.audit.record("approval.asked", actor, code, approval=row.id, target=str(target))
        return _pending(row)

    def _apply(
        self, code: str, target: LaunchState, reason: str, version: int, actor: Actor, *, approved_by: str | None
    ) -> Launch:
        row = UtilityState(
            code=code,
            state=str(target),
            version=version + 1,
            reason=reason,
            changed_by=actor.account_id,
            changed_at=self.clock.now(),
        )
        if not self.rows.change_state(code, version, row):
            raise PreconditionFailed("version_changed")
        self.audit.record(f"utility.{target}", actor, code, version=version + 1, asked_by=approved_by)
        return _launch(code, row, None)


def parse_state(text: str) -> LaunchState:
    """Return the state with this name. Raises InvalidInput."""
    try:
        return LaunchState(text)
    except ValueError as error:
        raise InvalidInput({"/state": "not_a_choice"}) from error


def _assert_admin(actor: Actor) -> None:
    if StaffRole.ADMIN not in actor.roles:
        raise NotAllowed("not_allowed")


def _launch(code: str, row: UtilityState | None, awaiting: str | None) -> Launch:
    if row is None:
        return Launch(code, LaunchState.OFF, 0, awaiting=awaiting)
    return Launch(code, LaunchState(row.state), row.version, row.reason, row.changed_by, row.changed_at, awaiting)


def _pending(row: Approval) -> PendingChange:
    change = row.change
    return PendingChange(
        row.id, row.subject, LaunchState(change["target"]), change["reason"], row.requested_by, row.requested_at
    )
