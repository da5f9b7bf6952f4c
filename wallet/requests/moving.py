"""One arrow of a lifecycle, made real: state, timeline, clock, sub-tasks, document, notice - in one transaction.

Who may make it is decided before (`lifecycle.py` for the holder, `desk.py` for officers); that it exists, and that
nobody else made another one meanwhile, is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.issuing import IssueOrder, Issuing
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.standing import StandingDocument
from wallet.errors import Conflict, InvalidInput
from wallet.identity.contacts import Contacts
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.launching.rollout import Rollout
from wallet.requests.cases import Cases, Told
from wallet.requests.deadlines import due_at
from wallet.requests.models import RequestRow, RequestStep
from wallet.requests.once import AskedOnce
from wallet.requests.orders import number_of
from wallet.requests.papers import Papers, Why
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import open_content
from wallet.requests.steps import ACTIVE, DONE, FAILED, UNFINISHED, WAITING, begin_following, follow, is_late
from wallet.requests.verified import Verified
from wallet.terms import Actor
from wallet.utilities.base import By, Capacity, Lifecycle, Move, Utility
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.plugin import in_words_of
from wallet.working_days import WorkingDays

SYSTEM = Actor("system", request_id="requests")


@dataclass(frozen=True, slots=True)
class Word:
    """What goes with a move: a reason from the utility's list, an officer's words to the applicant."""

    reason: str | None = None
    note: str | None = None


NO_WORD = Word()
NOTICE_OF = {"agree": "agreement_given", "decline": "agreement_declined", "lapse": "agreement_lapsed"}
"""What the applicant is told of a move, where the state it leads to does not say it."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Moves requests, in one transaction."""

    rows: RequestRepository
    cases: Cases
    papers: Papers
    verified: Verified
    once: AskedOnce
    rollout: Rollout
    issuing: Issuing
    revoking: Revoking
    holders: Holders
    contacts: Contacts
    guardians: Guardians
    audit: Audit
    clock: Clock
    calendar: WorkingDays

    def move(
        self,
        utility: Utility,
        row: RequestRow,
        action: str,
        by: By,
        actor: Actor,
        *,
        word: Word = NO_WORD,
        told: Told | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Make one move. told: the case, where it was built already. values: further columns that change with it.

        Raises Conflict("transition_not_allowed") for a move that the lifecycle does not have from here, or that another
        made impossible meanwhile, Conflict("verification_unfinished") for one that grants what a sub-task that was
        begun has not verified, or of other answers, Conflict("utility_disabled", "applicant_locked") for one that
        issues what is not issued now; whatever issuing raises.
        """
        arrow = utility.lifecycle.move(row.state, action)
        if arrow is None or arrow.by is not by:
            raise Conflict("transition_not_allowed", state=row.state, target=action)
        if arrow.issues and by is not By.HOLDER:
            self._assert_issued_now(utility, row)
        now, before, promised = self.clock.now(), row.state, row.due_at
        changed: dict[str, Any] = {"state": arrow.target, "updated_at": now, **(values or {})}
        changed |= self._clock_of(utility, row, arrow, now)
        if by is By.OFFICER:
            changed["decided_by"] = actor.account_id
        if arrow.target in utility.lifecycle.answered:
            changed |= {"claimed_by": None, "claimed_at": None}
        if not self.rows.move(row, changed):
            raise Conflict("transition_not_allowed", state=row.state, target=action)
        granted = utility.lifecycle.grants(arrow)
        if granted and self.verified.unfinished(utility, row):  # after the move: nobody reports any more
            raise Conflict("verification_unfinished")
        if arrow.lays_out:
            self._lay_out(utility, row, actor, told)
        elif utility.steps:
            follow(utility, before, row.state, self.rows.steps(row.id), now, self.calendar)
            self.rows.flush()
        if arrow.extends and not arrow.lays_out:
            self._extend_steps(utility, row)
        if arrow.issues:
            self._issue(utility, row, actor, told, decided=by is not By.HOLDER)
        if arrow.voids and row.document_id is not None:
            self.revoking.void(row.document_id, RevocationReason.REQUEST_ENDED, actor)
        self.once.follow(utility, row, arrow)
        self._log(row, action, by, actor, word)
        self.audit.record(
            f"request.{action}",
            actor,
            row.id,
            utility=utility.code,
            before=before,
            reason=word.reason,
            **acted_for(row),
        )
        self._make_out(utility, row, arrow, promised)
        if by is not By.HOLDER:
            self.inform(row, NOTICE_OF.get(action, f"request_{row.state}"))

    def _make_out(self, utility: Utility, row: RequestRow, arrow: Move, promised: datetime | None) -> None:
        """Make out the paper that goes with a move: a slip as it is taken in, a letter where the date moves away."""
        if arrow.receives:
            self.papers.slip(utility, row, self._whole_since(utility.lifecycle, row, self.clock.now()))
        if arrow.extends and promised is not None and row.due_at is not None and row.due_at > promised:
            whole = self._whole_since(utility.lifecycle, row, self.clock.now())
            self.papers.letter(utility, row, whole, promised, Why.EXTENDED)

    def _lay_out(self, utility: Utility, row: RequestRow, actor: Actor, told: Told | None) -> None:
        """Lay out the sub-tasks that this case needs, and those that were begun before and are not done over it.

        Raises Conflict("nothing_to_verify") where there are none.
        """
        if told is None:
            told = self.cases.build(utility, row, open_content(self.holders, row), actor)
        case = told.case
        begun_before = {step.code: step for step in self.rows.steps(row.id)}
        open_still = {step.code for step in begun_before.values() if step.state in UNFINISHED}
        open_still |= self.verified.changed(utility, row).keys()
        needed = [step for step in utility.steps if step.code in open_still or step.needed(case)]
        if not needed:
            raise Conflict("nothing_to_verify")
        codes, begun = {step.code for step in needed}, row.state in utility.lifecycle.in_steps
        now = self.clock.now()
        kept = {code: {"reason": step.reason, "reminders": step.reminders} for code, step in begun_before.items()}
        self.rows.forget_steps(row.id)
        for position, step in enumerate(needed):
            first = begun and not set(step.after) & codes
            self.rows.add(
                RequestStep(
                    request_id=row.id,
                    code=step.code,
                    position=position,
                    agency=step.agency,
                    province=row.province,
                    state=ACTIVE if first else WAITING,
                    opened_at=now if first else None,
                    due_at=due_at(step.deadline, now, self.calendar) if first else None,
                    **kept.get(step.code, {}),
                )
            )

    def _extend_steps(self, utility: Utility, row: RequestRow) -> None:
        """Give the sub-tasks that are under way their longer term; those to come get it when they begin."""
        deadlines = {step.code: step.deadline for step in utility.steps}
        for step in self.rows.steps(row.id):
            if step.state == ACTIVE and step.opened_at is not None:
                step.due_at = due_at(deadlines[step.code], step.opened_at, self.calendar, extended=True)
                step.reminded_at = None  # its new time may run out too
        self.rows.flush()

    def finish_step(
        self, utility: Utility, row: RequestRow, code: str, found: Mapping[str, str], actor: Actor, reason: str | None
    ) -> None:
        """Close a sub-task, begin those that waited for it, and, with the last one, move the request.

        Where its document cannot be issued now the report stands all the same, and the job moves it later (`finish`).

        reason: why it failed; None for one that is done. Raises Conflict("step_not_active"), and
        Conflict("transition_not_allowed") while the request is not with its sub-tasks; InvalidInput for what cannot be,
        by the plug-in's word; what issuing raises.
        """
        now, arrow = self.clock.now(), _by_steps(utility, row)
        held_up = arrow is not None and arrow.issues and self._held_up(utility, row)  # first: an account, then requests
        if row.state not in utility.lifecycle.in_steps or not self.rows.move(row, {"updated_at": now}):
            raise Conflict("transition_not_allowed", state=row.state, target=code)
        state = DONE if reason is None else FAILED
        closed = {"state": state, "done_at": now, "done_by": actor.account_id, "reason": reason}
        closed |= self.verified.report(row, code, found)
        if not self.rows.finish_step(row.id, code, closed):
            raise Conflict("step_not_active", step=code)
        if reason is None:
            self._assert_can_be(utility, row, code, actor)
        self._log(row, f"step_{state}", By.OFFICER, actor, Word(reason), step=code)
        self.audit.record(f"request.step_{state}", actor, row.id, step=code, utility=utility.code)
        steps = self.rows.steps(row.id)
        begin_following(utility, row.state, steps, now, self.calendar)
        self.rows.flush()
        if arrow is not None and not held_up and all(step.state == DONE for step in steps):
            self.move(utility, row, arrow.action, By.STEPS, replace(actor, holder_id=None))

    def finish(self, utility: Utility, row: RequestRow) -> bool:
        """Make the move that the last sub-task makes, where it could not be made then; return whether this call did.

        row: locked by this transaction.
        """
        arrow, steps = _by_steps(utility, row), self.rows.steps(row.id)
        if arrow is None or not steps or any(step.state != DONE for step in steps) or self._held_up(utility, row):
            return False
        self.move(utility, row, arrow.action, By.STEPS, SYSTEM)
        return True

    def _assert_issued_now(self, utility: Utility, row: RequestRow) -> None:
        """Refuse a document of a utility that is stopped, or for an account that is shut, in words for an officer."""
        self.rollout.assert_answers(utility.code)
        try:
            self.issuing.assert_unlocked(row.holder_id)
        except Conflict as error:
            raise Conflict("applicant_locked") from error

    def _held_up(self, utility: Utility, row: RequestRow) -> bool:
        try:
            self._assert_issued_now(utility, row)
        except Conflict:
            return True
        return False

    def _assert_can_be(self, utility: Utility, row: RequestRow, code: str, actor: Actor) -> None:
        """Hold what was just reported against the case, where the plug-in does. Raises InvalidInput, Unavailable."""
        check = next(step.check for step in utility.steps if step.code == code)
        if check is None:
            return
        content = open_content(self.holders, row)
        case = self.cases.build(utility, row, content, actor, steps=self.verified.found(utility, row)).case
        if wrong := check(case):
            with in_words_of(utility):
                raise InvalidInput({f"/found/{name}": why for name, why in wrong.items()})

    def inform(self, row: RequestRow, code: str, **values: Any) -> None:
        """Tell whoever applied; for a ward, everybody who acts for them."""
        told = [row.account_id]
        if row.capacity == Capacity.GUARDIAN:
            told = [guardian.account_id for guardian in self.guardians.guardians(row.account_id)] or told
        for account_id in told:
            self.contacts.tell(account_id, code, request_id=row.id, number=number_of(row.id), **values)

    def remind(self, utility: Utility, row: RequestRow, code: str) -> bool:
        """Say that a sub-task's time is over, once for each time that it was given; return whether this call did.

        row: locked by this transaction. The applicant reads it in the timeline; whom to tell is the caller's to know.
        """
        now = self.clock.now()
        step = next((each for each in self.rows.steps(row.id) if each.code == code), None)
        if step is None or step.state != ACTIVE or step.reminded_at is not None or not is_late(step, now):
            return False
        if not self.rows.move(row, {"updated_at": now}):
            return False
        step.reminders, step.reminded_at = step.reminders + 1, now
        self.rows.flush()
        self._log(row, "step_overdue", By.SYSTEM, SYSTEM, NO_WORD, step=code)
        self.audit.record("request.step_overdue", SYSTEM, row.id, step=code, utility=utility.code)
        return True

    def apologise(self, utility: Utility, row: RequestRow) -> bool:
        """Move a promise that was not kept, and say so to the applicant; return whether it was this call that did.

        Source: Decree 63/2024/NĐ-CP, articles 6 and 7 (an apology and a new date; docs/domain.md, section 4.0).
        """
        now, promised = self.clock.now(), row.due_at
        if promised is None or promised > now or row.state in _standing(utility.lifecycle):
            return False
        deadline = utility.rules_of(row.rules_version).deadline
        again = due_at(deadline, now, self.calendar)
        if not self.rows.move(row, {"due_at": again, "apologies": row.apologies + 1, "updated_at": now}):
            return False
        waits = [step for step in self.rows.steps(row.id) if step.state == ACTIVE]
        self._log(row, "apology", By.SYSTEM, SYSTEM, NO_WORD, step=waits[0].code if waits else None)
        self.audit.record("request.apology", SYSTEM, row.id, utility=utility.code, apologies=row.apologies)
        whole = self._whole_since(utility.lifecycle, row, now)
        self.papers.letter(utility, row, whole, promised, Why.STEP if waits else Why.OVERDUE, waits)
        self.inform(row, "request_overdue", due_at=again.isoformat(timespec="seconds") if again else "")
        return True

    def _clock_of(self, utility: Utility, row: RequestRow, arrow: Move, now: datetime) -> dict[str, Any]:
        """Start, stop or restart the office's clock. What is complete again is due as if it had come today."""
        lifecycle = utility.lifecycle
        if arrow.target in _standing(lifecycle):
            return {"due_at": None}  # also where a release dropped its rules: it can be withdrawn and refused
        deadline = utility.rules_of(row.rules_version).deadline
        if row.state in lifecycle.waiting:
            return {"due_at": due_at(deadline, now, self.calendar)}
        if arrow.extends:
            longer = due_at(deadline, self._whole_since(lifecycle, row, now), self.calendar, extended=True)
            return {"due_at": max((each for each in (row.due_at, longer) if each is not None), default=None)}
        return {}

    def _whole_since(self, lifecycle: Lifecycle, row: RequestRow, now: datetime) -> datetime:
        """Return when it last came out of the applicant's hands: sent, paid or supplemented."""
        before, since = DRAFT, row.submitted_at or now
        for event in self.rows.events(row.id):
            if before in lifecycle.waiting and event.state not in lifecycle.waiting:
                since = event.at
            before = event.state
        return since

    def renew(self, utility: Utility, row: RequestRow, told: Told, former: StandingDocument, actor: Actor) -> None:
        """Make the document of a request anew, of what the registers say now. Raises whatever issuing raises."""
        self._issue(utility, row, actor, told, decided=True, former=former)

    def _issue(
        self,
        utility: Utility,
        row: RequestRow,
        actor: Actor,
        told: Told | None,
        *,
        decided: bool,
        former: StandingDocument | None = None,
    ) -> None:
        if told is None:
            content = open_content(self.holders, row)
            told = self.cases.build(utility, row, content, actor, steps=self.verified.found(utility, row))
        told = self.cases.refreshed(told, row)
        document = self.issuing.issue(
            IssueOrder(
                utility.code,
                row.holder_id,
                row.id,
                told.case,
                row.rules_version,
                number=told.number,
                gathered=told.gathered,
                decided=decided,
                renewal=0 if former is None else former.renewal + 1,
                ends_by=None if former is None else former.expires_at,
            ),
            actor,
        )
        row.document_id = document.id
        self.rows.flush()

    def _log(self, row: RequestRow, action: str, by: By, actor: Actor, word: Word, *, step: str | None = None) -> None:
        self.rows.log(
            row,
            at=self.clock.now(),
            action=action,
            state=row.state,
            party=str(by),
            officer_id=actor.account_id if by is By.OFFICER else None,
            reason=word.reason,
            step=step,
            expected_at=row.due_at,
            seal_note=lambda sequence: self._sealed(row, sequence, word.note),
        )

    def _sealed(self, row: RequestRow, sequence: int, note: str | None) -> bytes | None:
        if not note:
            return None
        return self.holders.seal(row.holder_id, f"{row.id}.note.{sequence}", note.encode())


def _standing(lifecycle: Lifecycle) -> frozenset[str]:
    """States in which no office has to do anything."""
    return lifecycle.waiting | lifecycle.final


def _by_steps(utility: Utility, row: RequestRow) -> Move | None:
    """Return the move that the last sub-task of a request makes."""
    return next((each for each in utility.lifecycle.from_(row.state) if each.by is By.STEPS), None)


def acted_for(row: RequestRow) -> dict[str, Any]:
    """Return what the record says of a request that is made for an organisation: which."""
    return {} if row.organisation_id is None else {"organisation": row.organisation_id}
