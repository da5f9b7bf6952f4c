"""The review desk: what lies on it, who has it in hand, what officers decide, and what agencies find out.

Nothing but an officer's own session decides: whatever calls this has to be in one. An officer sees what lies on their
desks, reads for a purpose that is recorded, and neither their own requests nor those of their wards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed
from wallet.identity.desks import places
from wallet.identity.holders import Holders, Profile
from wallet.identity.staff_reads import StaffReads
from wallet.requests.models import RequestRow
from wallet.requests.moving import Moving, Word
from wallet.requests.orders import RequestDetail, RequestPaperView, UtilityRequest
from wallet.requests.reach import Reach
from wallet.requests.repository import RequestRepository
from wallet.requests.seeing import Seeing, summary
from wallet.terms import Actor
from wallet.utilities.base import By, Move, Utility
from wallet.utilities.catalogue import Catalogue

REVIEW = "review"
PURPOSES = (REVIEW, "complaint", "inspection")
"""For what an officer may open a request; each opening is told to the citizen with it. To decide is to review."""
SOON = 0.25
"""The part of the time for it from which on a request is due soon."""


@dataclass(frozen=True, slots=True)
class LateStep:
    """A sub-task whose time is over. agency: who has it."""

    code: str
    agency: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """A request as it lies on the desk, without the person. clock: `on_time`, `due_soon`, `overdue` or `standing`.

    late_steps: sub-tasks at agencies whose own time is over.
    """

    request: UtilityRequest
    claimed_by: str | None
    claimed_at: datetime | None
    clock: str
    late_steps: tuple[LateStep, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskDetail:
    """A request that an officer opened. actions: what they may do; reasons: codes they may give with each.

    What its sub-tasks found out is there for the desk that decides.
    """

    detail: RequestDetail
    holder: Profile = field(repr=False)
    claimed_by: str | None
    clock: str
    actions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Colleague:
    """An officer at a desk that is the caller's too. in_hand: how many requests they have, at whichever desk."""

    account_id: str
    full_name: str
    agency: str
    province: str
    in_hand: int


@dataclass(frozen=True, slots=True)
class DeskStep:
    """A sub-task that an agency has to do. clock: as of a request. reminders: how often its time ran out."""

    request_id: str
    utility: str
    code: str
    state: str
    due_at: datetime | None
    clock: str
    reminders: int


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """The desks of the caller, in one transaction: each an agency's, of a province or of the whole country."""

    rows: RequestRepository
    catalogue: Catalogue
    moving: Moving
    seeing: Seeing
    reach: Reach
    reads: StaffReads
    holders: Holders
    audit: Audit
    clock: Clock

    # What lies there

    def queue(
        self, actor: Actor, limit: int, place: str | None, *, utility: str | None = None
    ) -> tuple[list[DeskRequest], str | None]:
        """Return one page of what waits on the caller's desks, the oldest first. Raises NotAllowed."""
        desks = self.reach.desks.of(actor)
        # Of whichever agency a utility is today: what was sent to a former one of it lies there still.
        chosen = [plugin.utility for plugin in self.catalogue if utility in (None, plugin.utility.code)]
        waiting = {each.code: each.lifecycle.on_desk for each in chosen if each.lifecycle.reviewed}
        rows, following = self.rows.queue(places(desks), waiting, limit, place)
        late: dict[str, list[LateStep]] = {}
        for step in self.rows.late_steps_of([row.id for row in rows], self.clock.now()):
            late.setdefault(step.request_id, []).append(LateStep(step.code, step.agency, step.due_at))
        return [self._on_desk(row, late.get(row.id, ())) for row in rows], following

    def steps(self, actor: Actor, limit: int, place: str | None) -> tuple[list[DeskStep], str | None]:
        """Return one page of the sub-tasks of the caller's agencies, what is due first. Raises NotAllowed."""
        rows, following = self.rows.step_queue(places(self.reach.desks.of(actor)), limit, place)
        found = [
            DeskStep(
                request_id=step.request_id,
                utility=self.reach.request(step.request_id).utility,
                code=step.code,
                state=step.state,
                due_at=step.due_at,
                clock=self._clock(step.opened_at, step.due_at),
                reminders=step.reminders,
            )
            for step in rows
        ]
        return [step for step in found if self.catalogue.find(step.utility) is not None], following

    def colleagues(self, actor: Actor) -> list[Colleague]:
        """Return the officers to whom a request of these desks can be handed, the caller too. Raises NotAllowed."""
        found = self.reach.colleagues(actor)
        accounts = {account for account, _ in found}
        names = {account: self.reach.accounts.profile(account).full_name for account in accounts}
        counts = self.rows.in_hand(accounts)
        named = [
            Colleague(account, names[account], grant.agency, grant.province, counts.get(account, 0))
            for account, grant in found
        ]
        return sorted(named, key=lambda each: (each.full_name, each.account_id, each.agency, each.province))

    # In hand

    def claim(self, request_id: str, actor: Actor) -> DeskRequest:
        """Take a request in hand. What is in the hands of somebody who has left the desk is free.

        Raises NotFound, NotAllowed("not_for_oneself"), NotAllowed("second_officer_needed") for who proposed what it
        says now, Conflict("claimed_by_another"), Conflict("transition_not_allowed") for one that is answered already.
        """
        row = self.reach.own(request_id, actor)
        utility = self.catalogue.get(row.utility)
        if row.state in utility.lifecycle.answered:
            raise Conflict("transition_not_allowed", state=row.state, target="claim")
        if _is_first(utility, row, actor.account_id):
            raise NotAllowed("second_officer_needed")
        if row.claimed_by == actor.account_id:
            return self._on_desk(row)
        if row.claimed_by is not None and self.reach.may_have(row.claimed_by, row):
            raise Conflict("claimed_by_another")
        if not self.rows.claim(row.id, actor.account_id, self.clock.now(), held_by=row.claimed_by):
            raise Conflict("claimed_by_another")
        self.audit.record("request.claimed", actor, row.id)
        return self._on_desk(self.reach.request(request_id))

    def release(self, request_id: str, actor: Actor) -> DeskRequest:
        """Put a request back on the desk. Raises NotFound, Conflict("not_claimed")."""
        row = self.reach.own(request_id, actor)
        if not self.rows.claim(row.id, None, None, held_by=actor.account_id):
            raise Conflict("not_claimed")
        self.audit.record("request.released", actor, row.id)
        return self._on_desk(self.reach.request(request_id))

    def hand_over(self, request_id: str, officer: str, actor: Actor) -> DeskRequest:
        """Put a request into the hands of another officer of the same desk.

        Raises NotFound, Conflict("not_claimed"), InvalidInput for somebody who may not have it, or who proposed what a
        second officer has to sign now.
        """
        row = self.reach.own(request_id, actor)
        if not self.reach.may_have(officer, row) or officer == actor.account_id:
            raise InvalidInput({"/officer": "not_of_this_desk"})
        if _is_first(self.catalogue.get(row.utility), row, officer):
            raise InvalidInput({"/officer": "second_officer_needed"})
        if not self.rows.claim(row.id, officer, self.clock.now(), held_by=actor.account_id):
            raise Conflict("not_claimed")
        self.audit.record("request.handed_over", actor, row.id, to=officer)
        return self._on_desk(self.reach.request(request_id))

    # Reading

    def open(self, request_id: str, purpose: str, actor: Actor) -> DeskDetail:
        """Return a request, whole, with whom it is about. The reading is in the citizen's history of access.

        Raises NotFound, NotAllowed("not_for_oneself"), TooManyAttempts("too_many_reads").
        """
        row, agency = self.reach.readable(request_id, actor)
        self._record_reading(row, purpose, agency, actor)
        return self._detail(row, actor)

    def file(self, request_id: str, file_id: str, purpose: str, actor: Actor) -> tuple[str, bytes]:
        """Return media type and content of one file. The reading is recorded. Raises as `open`."""
        row, agency = self.reach.readable(request_id, actor)
        found = next((each for each in self.rows.files(row.id) if each.id == file_id), None)
        if found is None:
            raise NotFound("not_found")
        self._record_reading(row, purpose, agency, actor, file=file_id)
        return found.media_type, self.holders.unseal(row.holder_id, found.id, found.sealed_content)

    def paper(self, request_id: str, paper_id: str, purpose: str, actor: Actor) -> RequestPaperView:
        """Return a slip or a letter that the applicant was given. The reading is recorded. Raises NotFound."""
        row, agency = self.reach.readable(request_id, actor)
        found = self.seeing.papers.get(row, paper_id)
        self._record_reading(row, purpose, agency, actor)
        return found

    # Deciding

    def decide(self, request_id: str, action: str, word: Word, version: int, actor: Actor) -> DeskDetail:
        """Make an officer's move with what they have in hand, or, with a sub-task in hand, one that gives more time.

        Raises NotFound, NotAllowed("not_for_oneself", "second_officer_needed"), Conflict("not_claimed",
        "transition_not_allowed", "verification_unfinished", "utility_disabled", "applicant_locked"),
        PreconditionFailed, InvalidInput for a reason that is not on the list, TooManyAttempts("too_many_reads"), and
        what issuing raises: then nothing is decided.
        """
        self.reach.desks.assert_in_person(actor)
        row, agency = self.reach.readable(request_id, actor)
        utility = self.catalogue.get(row.utility)
        arrow = utility.lifecycle.move(row.state, action)
        if self.reach.decides(row, actor):
            if row.claimed_by != actor.account_id:
                raise Conflict("not_claimed")
        elif arrow is None or not _by_any_agency(arrow):
            raise NotFound("not_found")
        if row.version != version:
            raise PreconditionFailed("version_changed")
        if arrow is None or arrow.by is not By.OFFICER:
            raise Conflict("transition_not_allowed", state=row.state, target=action)
        _assert_word(utility, arrow, word)
        if arrow.second and row.decided_by == actor.account_id:
            raise NotAllowed("second_officer_needed")
        self._record_reading(row, REVIEW, agency, actor)
        self.moving.move(utility, row, action, By.OFFICER, actor, word=word)
        if _needs_second(utility, row):
            self.rows.claim(row.id, None, None, held_by=actor.account_id)
            row = self.reach.request(request_id)
        return self._detail(row, actor)

    def finish_step(
        self, request_id: str, code: str, found: Mapping[str, str], reason: str | None, actor: Actor
    ) -> DeskDetail:
        """Report what an agency found out, or why it could not. With the last one the request goes on by itself.

        Raises NotFound, NotAllowed, InvalidInput, Conflict("step_not_active", "transition_not_allowed"),
        Unavailable where a register that the report is held against does not answer, TooManyAttempts("too_many_reads").
        """
        self.reach.desks.assert_in_person(actor)
        row, step = self.reach.step(request_id, code, actor)
        utility = self.catalogue.get(row.utility)
        declared = next(each for each in utility.steps if each.code == code)
        if reason is None:
            faults = declared.faults(found)
            if faults:
                raise InvalidInput({f"/found/{name}": fault for name, fault in faults.items()})
        elif reason not in utility.reasons:
            raise InvalidInput({"/reason": "not_a_choice"})
        self._record_reading(row, REVIEW, step.agency, actor)
        self.moving.finish_step(utility, row, code, found if reason is None else {}, actor, reason)
        return self._detail(row, actor)

    # Inside

    def _detail(self, row: RequestRow, actor: Actor) -> DeskDetail:
        utility, ours = self.catalogue.get(row.utility), self.reach.decides(row, actor)
        unfinished = self.moving.verified.unfinished(utility, row)
        actions = {
            move.action: utility.reasons_for(move.action) if move.reason else ()
            for move in utility.lifecycle.from_(row.state)
            if move.by is By.OFFICER
            and (ours or _by_any_agency(move))
            and not (move.second and row.decided_by == actor.account_id)
            and not (unfinished and utility.lifecycle.grants(move))
        }
        whole = self.seeing.whole(row, utility)
        if not ours:  # an agency has what it reported itself; what others found out is for who decides
            whole = replace(whole, steps=tuple(replace(step, found={}) for step in whole.steps))
        return DeskDetail(
            whole,
            self.holders.profile(row.holder_id),
            row.claimed_by,
            self._clock_of(row),
            actions,
        )

    def _on_desk(self, row: RequestRow, late: Sequence[LateStep] | None = None) -> DeskRequest:
        if late is None:
            steps = self.rows.late_steps_of([row.id], self.clock.now())
            late = [LateStep(step.code, step.agency, step.due_at) for step in steps]
        return DeskRequest(summary(row), row.claimed_by, row.claimed_at, self._clock_of(row), tuple(late))

    def _clock_of(self, row: RequestRow) -> str:
        return self._clock(row.submitted_at, row.due_at)

    def _clock(self, since: datetime | None, due_at: datetime | None) -> str:
        if due_at is None or since is None:
            return "standing"
        now = self.clock.now()
        if now > due_at:
            return "overdue"
        return "due_soon" if (due_at - now) < SOON * (due_at - since) else "on_time"

    def _record_reading(
        self, row: RequestRow, purpose: str, agency: str, actor: Actor, *, file: str | None = None
    ) -> None:
        """Count the reading, and write it down under whom the request tells of, in whose histories of access it stands.

        agency: for which it is read; who has left it since is still told as having been of it.
        """
        self.reads.count(actor)
        for holder_id in self.reach.subjects(row):
            self.audit.record(
                "request.read",
                actor,
                holder_id,
                purpose=purpose,
                request=row.id,
                utility=row.utility,
                agency=agency,
                file=file,
            )


def _by_any_agency(move: Move) -> bool:
    """Return whether an agency with a sub-task of the request in hand may make it: one that only gives more time."""
    return move.by is By.OFFICER and move.extends and not move.lays_out


def _needs_second(utility: Utility, row: RequestRow) -> bool:
    return any(move.second for move in utility.lifecycle.from_(row.state))


def _is_first(utility: Utility, row: RequestRow, account_id: str) -> bool:
    """Return whether somebody proposed what another has to sign: then it is out of their hands."""
    return row.decided_by == account_id and _needs_second(utility, row)


def _assert_word(utility: Utility, arrow: Move, word: Word) -> None:
    """Hold the reason against the list, and ask for words where one is given: a refusal is in writing."""
    faults = {}
    if arrow.reason:
        if word.reason not in utility.reasons_for(arrow.action):
            faults["/reason"] = "required" if word.reason is None else "not_a_choice"
        if not (word.note or "").strip():
            faults["/note"] = "required"
    elif word.reason is not None:
        faults["/reason"] = "not_asked"
    if faults:
        raise InvalidInput(faults)
