"""How a launch is changed: narrowing at once by one person, widening by two, at once or at a time.

Harm is stopped first and discussed later, so whoever stops or narrows needs nobody. Whatever lets somebody in who is
out, and retiring, which is for good, is agreed to by a second admin (security requirement S-64). To take back what is
planned is a change like any other: of a stop it lets somebody in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed
from wallet.launching.audience import Audience, Plan, check_audience, widens
from wallet.launching.models import Approval, UtilityState
from wallet.launching.orders import LaunchOrder, PendingChange, Weighed, order_of_change, pending_of, told_plan
from wallet.launching.repository import LaunchingRepository
from wallet.launching.rollout import LAUNCH, assert_admin
from wallet.launching.schedule import (
    Launch,
    Scheduled,
    after_next,
    as_of,
    gap_without,
    in_order,
    stored_launch,
    takes_effect,
)
from wallet.launching.states import LIMITED, NEXT, LaunchState
from wallet.terms import Actor
from wallet.utilities.catalogue import Catalogue

MOST_SCHEDULED = 10
LONGEST_AHEAD = timedelta(days=366)
SYSTEM = Actor("system", request_id="launches")

log = structlog.get_logger("wallet.launching")


@dataclass(frozen=True, slots=True)
class Launching:
    """Changes of launches, in one transaction that writes.

    other_admins: the accounts of the admins beside the given one. tell: puts a notice into an account's inbox.
    is_account: whether there is such an account that is not closed. patience: how long a change waits for a second
    person.
    """

    rows: LaunchingRepository
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy
    other_admins: Callable[[str], Sequence[str]]
    tell: Callable[..., None]
    is_account: Callable[[str], bool]
    patience: timedelta = timedelta(days=7)

    # ── asking ──

    def weigh(self, code: str, order: LaunchOrder) -> Weighed:
        """Return what an order comes to, and change nothing.

        Raises UnknownUtility, InvalidInput for an audience or a time that means nothing, Conflict("already_in_state"),
        Conflict("transition_not_allowed"), Conflict("schedule_full").
        """
        self.catalogue.get(code)
        launch, now = self._read(code), self.clock.now()
        at = order.effective_at
        if at is not None and not now < at <= now + LONGEST_AHEAD:
            raise InvalidInput({"/effective_at": "already_past" if at <= now else "too_far_ahead"})
        if at is not None and len(launch.schedule) >= MOST_SCHEDULED:
            raise Conflict("schedule_full", limit=MOST_SCHEDULED)
        projected = launch if at is None else as_of(launch, at)
        if order.state is not projected.state and order.state not in NEXT[projected.state]:
            raise Conflict("transition_not_allowed", state=str(projected.state), target=str(order.state))
        plan = self._plan(projected, order, at or now)
        pause_text = dict(launch.pause_text if order.pause_text is None else order.pause_text)
        stop_rule = launch.stop_rule if order.stop_rule is None else order.stop_rule
        new = {"/pause_text": pause_text != dict(launch.pause_text), "/stop_rule": stop_rule != launch.stop_rule}
        if at is not None and any(new.values()):
            raise InvalidInput({pointer: "not_with_a_time" for pointer, is_new in new.items() if is_new})
        if plan == projected.plan and not any(new.values()):
            raise Conflict("already_in_state", state=str(plan.state))
        if order.emergency and at is not None:
            raise InvalidInput({"/emergency": "not_with_a_time"})
        retires = plan.state is LaunchState.RETIRED and projected.state is not LaunchState.RETIRED
        if retires and order.emergency:
            raise InvalidInput({"/emergency": "not_for_retiring"})
        needs_second = retires or widens(projected.plan, plan)
        return Weighed(launch, projected, plan, pause_text, stop_rule, needs_second)

    def change(self, code: str, order: LaunchOrder, version: int, actor: Actor) -> Launch | PendingChange:
        """Change a launch, or ask for it where a second person must agree.

        version: what the caller saw. Raises NotAllowed, PreconditionFailed when it is another by now,
        Conflict("approval_pending"), and what `weigh` raises.
        """
        assert_admin(actor)
        self.catalogue.get(code)
        launch = self._settle(code)
        if launch.version != version:
            raise PreconditionFailed("version_changed")
        weighed = self.weigh(code, order)
        if weighed.needs_second and not order.emergency:
            return self._ask(order, weighed, actor)
        done = self._carry_out(code, order, weighed, actor, asked_by=actor.account_id, agreed_by="")
        if weighed.needs_second:
            self._tell_everybody(code, weighed.plan, actor)
        return done

    def pause(self, code: str, reason: str, pause_text: Mapping[str, str] | None, actor: Actor) -> Launch:
        """Stop everything new at once, whatever somebody else did in the same moment.

        pause_text: what citizens read, {} or None for what was written beforehand. Raises NotAllowed, UnknownUtility,
        Conflict("already_in_state"), Conflict("transition_not_allowed") for one that is off or retired.
        """
        assert_admin(actor)
        self.catalogue.get(code)
        self._settle(code)
        order = LaunchOrder(LaunchState.PAUSED, reason, pause_text=pause_text or None)
        if self._read(code).state is LaunchState.PAUSED:
            raise Conflict("already_in_state", state=str(LaunchState.PAUSED))
        weighed = self.weigh(code, order)
        return self._carry_out(code, order, weighed, actor, asked_by=actor.account_id, agreed_by="")

    def halt(self, code: str, why: Callable[[Launch], str], actor: Actor) -> Launch | None:
        """Pause in the name of the system. why: looks at what is in force, which nobody changes meanwhile, and returns
        the reason; "" where there is none, and then None is returned."""
        launch = self._settle(code)
        reason = why(launch) if launch.state.runs else ""
        if not reason:
            return None
        order = LaunchOrder(LaunchState.PAUSED, reason)
        return self._carry_out(code, order, self.weigh(code, order), actor, asked_by=actor.account_id, agreed_by="")

    def cancel(self, code: str, change_id: str, version: int, actor: Actor) -> Launch | PendingChange:
        """Take a scheduled change back, or ask for it where the utility would be wider without it at any moment.

        Raises NotAllowed, UnknownUtility, PreconditionFailed, NotFound for a change that is not to come,
        Conflict("approval_pending").
        """
        assert_admin(actor)
        self.catalogue.get(code)
        launch = self._settle(code)
        if launch.version != version:
            raise PreconditionFailed("version_changed")
        entry = next((each for each in launch.schedule if each.id == change_id), None)
        if entry is None:
            raise NotFound("not_found")
        gap = gap_without(launch, change_id)
        if gap is None:
            return self._take_back(launch, change_id, actor)
        change: dict[str, Any] = {
            "takes_back": change_id,
            "plan": gap.instead.to_json(),
            "pause_text": dict(launch.pause_text),
            "effective_at": gap.at.astimezone(UTC).isoformat(),
            "reason": entry.reason,
        }
        return self._wait(launch, change, gap.planned, actor, until=entry.at)

    # ── agreeing ──

    def decide(self, approval_id: str, *, agree: bool, actor: Actor, answer: str = "") -> Launch:
        """Agree to a change, or refuse it, as the second person.

        Raises NotFound, NotAllowed("self_approval") for the one who asked, Conflict("approval_closed") when it was
        decided before, Conflict("approval_expired"), PreconditionFailed when the utility changed in between.
        """
        assert_admin(actor)
        approval, now = self.rows.approval(approval_id), self.clock.now()
        if approval is None or approval.kind != LAUNCH:
            raise NotFound("not_found")
        if approval.requested_by == actor.account_id and agree:
            raise NotAllowed("self_approval")
        if approval.state == "expired" or (approval.state == "awaiting" and approval.expires_at <= now):
            raise Conflict("approval_expired")
        outcome = "approved" if agree else "refused"
        if not self.rows.decide(approval_id, outcome, actor.account_id, now, answer):
            raise Conflict("approval_closed")
        code = approval.subject
        self.audit.record(f"approval.{outcome}", actor, code, approval=approval_id)
        launch = self._settle(code)
        if not agree:
            return launch
        if launch.version != approval.change["version"]:
            raise PreconditionFailed("version_changed")
        takes_back = approval.change.get("takes_back")
        if takes_back is not None:
            return self._take_back(launch, takes_back, actor, asked_by=approval.requested_by)
        order = order_of_change(approval.change)
        weighed = self.weigh(code, order)
        return self._carry_out(code, order, weighed, actor, asked_by=approval.requested_by, agreed_by=actor.account_id)

    def pending(self) -> list[PendingChange]:
        """Return what waits for a second person and can still be agreed to, oldest first."""
        now = self.clock.now()
        found = [row for row in self.rows.list_awaiting(LAUNCH) if row.expires_at > now]
        versions = {row.subject: self._read(row.subject).version for row in found}
        return [pending_of(row) for row in found if row.change["version"] == versions[row.subject]]

    # ── what happens by itself ──

    def apply_due(self) -> int:
        """Write down the changes whose time has come, close approvals whose time is over; return how many."""
        now, done = self.clock.now(), 0
        for code in self.rows.due(now):
            self._settle(code)
            done += 1
        for approval_id in self.rows.expired(now):
            done += self._expire(approval_id)
        return done

    # ── inside ──

    def _read(self, code: str) -> Launch:
        return as_of(stored_launch(code, self.rows.state(code), self.rows.testers(code)), self.clock.now())

    def _settle(self, code: str) -> Launch:
        """Write down what is due, and return the launch; nobody else changes it until the transaction ends."""
        row, now = self.rows.state(code, lock=True), self.clock.now()
        launch = stored_launch(code, row, self.rows.testers(code))
        while launch.schedule and launch.schedule[0].at <= now:
            entry, before = launch.schedule[0], launch
            holds, launch = takes_effect(launch, entry), after_next(launch)
            action = f"utility.{entry.plan.state}" if holds else "launch.fell_away"
            names: dict[str, Any] = {"asked_by": entry.requested_by, "agreed_by": entry.agreed_by or None}
            self.audit.record(action, SYSTEM, code, version=launch.version, change=entry.id, **names)
            self._write(before, launch)
        return launch

    def _plan(self, projected: Launch, order: LaunchOrder, now: datetime) -> Plan:
        if order.state in LIMITED:
            audience = projected.plan.audience if order.audience is None else order.audience
            if order.audience is None and order.state is LaunchState.SANDBOX:
                audience = replace(audience, provinces=frozenset(), permille=None)
            check_audience(order.state, audience, now)
            strangers = {
                f"/audience/testers/{place}": "unknown_account"
                for place, account_id in enumerate(sorted(audience.testers))
                if not self.is_account(account_id)
            }
            if strangers:
                raise InvalidInput(strangers)
            return Plan(order.state, audience)
        if order.audience is not None:
            raise InvalidInput({"/audience": "not_for_state"})
        kept = projected.plan.audience if order.state is LaunchState.PAUSED else Audience()
        return Plan(order.state, kept)

    def _ask(self, order: LaunchOrder, weighed: Weighed, actor: Actor) -> PendingChange:
        at = order.effective_at
        change: dict[str, Any] = {
            "plan": weighed.plan.to_json(),
            "pause_text": dict(weighed.pause_text),
            "stop_rule": weighed.stop_rule.to_json(),
            "effective_at": None if at is None else at.astimezone(UTC).isoformat(),
            "reason": order.reason,
        }
        return self._wait(weighed.launch, change, weighed.projected.plan, actor, until=at, comment=order.comment)

    def _wait(
        self,
        launch: Launch,
        change: Mapping[str, Any],
        before: Plan,
        actor: Actor,
        *,
        until: datetime | None,
        comment: str = "",
    ) -> PendingChange:
        """Put a change before a second person. until: when it is too late to agree, None for never.

        Raises Conflict("approval_pending") while another one waits.
        """
        code, version, now = launch.code, launch.version, self.clock.now()
        waiting = self.rows.awaiting(LAUNCH, code)
        if waiting is not None and waiting.expires_at <= now:
            self._expire(waiting.id)
        elif waiting is not None and waiting.change["version"] == version:
            raise Conflict("approval_pending", approval=waiting.id)
        elif waiting is not None:
            # The utility changed since that was asked: nobody can agree to it any more, so it must not be in the way.
            self.rows.decide(waiting.id, "obsolete", actor.account_id, now)
            self.audit.record("approval.obsolete", actor, code, approval=waiting.id)
        row = Approval(
            id=new_id(self.entropy, "apr"),
            kind=LAUNCH,
            subject=code,
            change={**change, "version": version},
            before=before.to_json(),
            comment=comment,
            state="awaiting",
            requested_by=actor.account_id,
            requested_at=now,
            expires_at=min(now + self.patience, until or datetime.max.replace(tzinfo=UTC)),
        )
        if not self.rows.add_approval(row):
            waiting = self.rows.awaiting(LAUNCH, code)  # another admin asked in the same moment
            raise Conflict("approval_pending", approval=waiting.id if waiting else "")
        pending = pending_of(row)
        names: dict[str, Any] = {"target": str(pending.target), "change": pending.takes_back or None}
        self.audit.record("approval.asked", actor, code, approval=row.id, **names)
        return pending

    def _take_back(self, launch: Launch, change_id: str, actor: Actor, *, asked_by: str | None = None) -> Launch:
        rest, version = tuple(entry for entry in launch.schedule if entry.id != change_id), launch.version + 1
        self.audit.record("launch.cancelled", actor, launch.code, change=change_id, version=version, asked_by=asked_by)
        return self._write(launch, replace(launch, schedule=rest, version=version, awaiting=None))

    def _carry_out(
        self, code: str, order: LaunchOrder, weighed: Weighed, actor: Actor, *, asked_by: str, agreed_by: str
    ) -> Launch:
        launch, now = weighed.launch, self.clock.now()
        version, emergency = launch.version + 1, weighed.needs_second and not agreed_by
        names: dict[str, Any] = {"asked_by": asked_by if agreed_by else None, "emergency": emergency or None}
        if order.effective_at is not None:
            entry = Scheduled(
                id=new_id(self.entropy, "sch"),
                at=order.effective_at,
                plan=weighed.plan,
                reason=order.reason,
                requested_by=asked_by,
                agreed_by=agreed_by,
            )
            details: dict[str, Any] = {"change": entry.id, "target": str(entry.plan.state), "at": entry.at.isoformat()}
            self.audit.record("launch.scheduled", actor, code, version=version, **details, **names)
            scheduled = replace(launch, schedule=in_order((*launch.schedule, entry)), version=version)
            return self._write(launch, scheduled)
        changed = replace(
            launch,
            plan=weighed.plan,
            version=version,
            reason=order.reason,
            changed_by=actor.account_id,
            changed_at=now,
            pause_text=weighed.pause_text,
            stop_rule=weighed.stop_rule,
            schedule=self._kept(launch, weighed.plan, actor),
            awaiting=None,
        )
        same = weighed.plan == launch.plan
        before_after: dict[str, Any] = (
            {} if same else {"before": told_plan(launch.plan), "after": told_plan(weighed.plan)}
        )
        if weighed.stop_rule != launch.stop_rule:
            rules: dict[str, Any] = {"before": launch.stop_rule.to_json(), "after": weighed.stop_rule.to_json()}
            self.audit.record("launch.stop_rule_set", actor, code, version=version, **rules)
        if same and dict(weighed.pause_text) == dict(launch.pause_text):
            return self._write(launch, changed)
        action = "launch.words_written" if same else f"utility.{weighed.plan.state}"
        self.audit.record(action, actor, code, version=version, **before_after, **names)
        return self._write(launch, changed)

    def _kept(self, launch: Launch, plan: Plan, actor: Actor) -> tuple[Scheduled, ...]:
        """Return the changes to come that stand: what two had agreed to was for another situation, so it falls away.

        A stop stays, also the one for good: else whoever narrows today would let somebody in who was to be kept out.
        """
        if plan == launch.plan:
            return launch.schedule
        kept = tuple(
            entry
            for entry in launch.schedule
            if NEXT[plan.state] and (not entry.agreed_by or entry.plan.state is LaunchState.RETIRED)
        )
        for entry in launch.schedule:
            if entry not in kept:
                self.audit.record("launch.cancelled", actor, launch.code, change=entry.id)
        return kept

    def _write(self, before: Launch, after: Launch) -> Launch:
        audience = replace(after.plan.audience, testers=frozenset()).to_json()
        row = UtilityState(
            code=after.code,
            state=str(after.state),
            version=after.version,
            reason=after.reason,
            changed_by=after.changed_by,
            changed_at=after.changed_at or self.clock.now(),
            audience=audience,
            pause_text=dict(after.pause_text),
            schedule=[entry.to_json() for entry in after.schedule],
            next_change_at=after.next_change_at,
            stop_rule=after.stop_rule.to_json(),
        )
        if not self.rows.change_state(after.code, before.version, row):
            raise PreconditionFailed("version_changed")
        self.rows.set_testers(after.code, after.plan.audience.testers, self.clock.now())
        return after

    def _expire(self, approval_id: str) -> int:
        if not self.rows.decide(approval_id, "expired", SYSTEM.account_id, self.clock.now()):
            return 0
        approval = self.rows.approval(approval_id)
        self.audit.record("approval.expired", SYSTEM, approval.subject if approval else "", approval=approval_id)
        return 1

    def _tell_everybody(self, code: str, plan: Plan, actor: Actor) -> None:
        self.audit.record("utility.emergency", actor, code, target=str(plan.state))
        log.warning("emergency launch", utility=code, state=str(plan.state), by=actor.account_id)
        for account_id in self.other_admins(actor.account_id):
            self.tell(account_id, "launch_emergency", name=code)
