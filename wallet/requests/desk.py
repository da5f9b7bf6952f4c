"""The review desk: what lies on it, who has it in hand, what officers decide, and what agencies find out.

Nothing but an officer's own session decides. An officer sees their agency and province, reads for a purpose that is
recorded, and neither their own requests nor those of their wards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed
from wallet.identity.accounts import Accounts, Grant
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders, Profile
from wallet.requests.models import RequestRow
from wallet.requests.moving import Moving, Word
from wallet.requests.orders import RequestDetail, UtilityRequest
from wallet.requests.repository import RequestRepository
from wallet.requests.seeing import Seeing, summary
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import By, Move, Utility
from wallet.utilities.catalogue import Catalogue

EVERYWHERE = "*"
PURPOSES = ("review", "complaint", "inspection")
"""For what an officer may open a request; each opening is told to the citizen with it."""
SOON = 0.25
"""The part of the time for it from which on a request is due soon."""


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """A request as it lies on the desk, without the person. clock: `on_time`, `due_soon`, `overdue` or `standing`."""

    request: UtilityRequest
    claimed_by: str | None
    claimed_at: datetime | None
    clock: str


@dataclass(frozen=True, slots=True)
class DeskDetail:
    """A request that an officer opened. actions: what they may do; reasons: codes they may give with each."""

    detail: RequestDetail
    holder: Profile = field(repr=False)
    claimed_by: str | None
    clock: str
    actions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DeskStep:
    """A sub-task that an agency has to do."""

    request_id: str
    utility: str
    code: str
    state: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """The desk of the caller's agency, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    moving: Moving
    seeing: Seeing
    accounts: Accounts
    holders: Holders
    guardians: Guardians
    audit: Audit
    clock: Clock

    # What lies there

    def queue(
        self, actor: Actor, limit: int, place: str | None, *, utility: str | None = None
    ) -> tuple[list[DeskRequest], str | None]:
        """Return one page of what waits for this agency and province, the oldest first. Raises NotAllowed."""
        grant = self._grant(actor)
        mine = [p.utility for p in self.catalogue if p.utility.agency == grant.agency and p.utility.lifecycle.reviewed]
        chosen = [each for each in mine if utility in (None, each.code)]
        states = {move.source for each in chosen for move in each.lifecycle.moves if move.by in (By.OFFICER, By.STEPS)}
        codes = [each.code for each in chosen]
        rows, following = self.rows.queue(grant.agency, grant.province, codes, sorted(states), limit, place)
        return [self._on_desk(row) for row in rows], following

    def steps(self, actor: Actor, limit: int, place: str | None) -> tuple[list[DeskStep], str | None]:
        """Return one page of the sub-tasks of this agency, what is due first. Raises NotAllowed."""
        grant = self._grant(actor)
        rows, following = self.rows.step_queue(grant.agency, grant.province, limit, place)
        return [
            DeskStep(step.request_id, self._row(step.request_id).utility, step.code, step.state, step.due_at)
            for step in rows
        ], following

    # In hand

    def claim(self, request_id: str, actor: Actor) -> DeskRequest:
        """Take a request in hand. What is in the hands of somebody who has left the desk is free.

        Raises NotFound, NotAllowed("not_for_oneself"), Conflict("claimed_by_another").
        """
        row = self._mine(request_id, actor)
        if row.claimed_by == actor.account_id:
            return self._on_desk(row)
        if row.claimed_by is not None and self._still_there(row.claimed_by, row):
            raise Conflict("claimed_by_another")
        if not self.rows.claim(row.id, actor.account_id, self.clock.now(), held_by=row.claimed_by):
            raise Conflict("claimed_by_another")
        self.audit.record("request.claimed", actor, row.id)
        return self._on_desk(self._row(request_id))

    def release(self, request_id: str, actor: Actor) -> DeskRequest:
        """Put a request back on the desk. Raises NotFound, Conflict("not_claimed")."""
        row = self._mine(request_id, actor)
        if not self.rows.claim(row.id, None, None, held_by=actor.account_id):
            raise Conflict("not_claimed")
        self.audit.record("request.released", actor, row.id)
        return self._on_desk(self._row(request_id))

    def hand_over(self, request_id: str, officer: str, actor: Actor) -> DeskRequest:
        """Put a request into the hands of another officer of the same desk.

        Raises NotFound, Conflict("not_claimed"), InvalidInput for somebody who may not have it.
        """
        row = self._mine(request_id, actor)
        if not self._still_there(officer, row) or officer == actor.account_id:
            raise InvalidInput({"/officer": "not_of_this_desk"})
        if not self.rows.claim(row.id, officer, self.clock.now(), held_by=actor.account_id):
            raise Conflict("not_claimed")
        self.audit.record("request.handed_over", actor, row.id, to=officer)
        return self._on_desk(self._row(request_id))

    # Reading

    def open(self, request_id: str, purpose: str, actor: Actor) -> DeskDetail:
        """Return a request, whole, with whom it is about. The reading is in the citizen's history of access.

        Raises NotFound, NotAllowed("not_for_oneself").
        """
        row = self._mine(request_id, actor, steps_too=True)
        self._record_reading(row, purpose, actor)
        return self._detail(row, actor)

    def file(self, request_id: str, file_id: str, purpose: str, actor: Actor) -> tuple[str, bytes]:
        """Return media type and content of one file. The reading is recorded. Raises NotFound."""
        row = self._mine(request_id, actor, steps_too=True)
        found = next((each for each in self.rows.files(row.id) if each.id == file_id), None)
        if found is None:
            raise NotFound("not_found")
        self._record_reading(row, purpose, actor, file=file_id)
        return found.media_type, self.holders.unseal(row.holder_id, found.id, found.sealed_content)

    # Deciding

    def decide(self, request_id: str, action: str, word: Word, version: int, actor: Actor) -> DeskDetail:
        """Make an officer's move with what they have in hand, or, with a sub-task in hand, one that gives more time.

        Raises NotFound, NotAllowed("not_for_oneself", "second_officer_needed"), Conflict("not_claimed",
        "transition_not_allowed"), PreconditionFailed, InvalidInput for a reason that is not on the list, and what
        issuing raises: then nothing is decided.
        """
        row = self._mine(request_id, actor, steps_too=True)
        utility = self.catalogue.get(row.utility)
        arrow = utility.lifecycle.move(row.state, action)
        if self._is_ours(row, actor):
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
        self.moving.move(utility, row, action, By.OFFICER, actor, word=word)
        if _needs_second(utility, row):
            self.rows.claim(row.id, None, None, held_by=actor.account_id)
            row = self._row(request_id)
        return self._detail(row, actor)

    def finish_step(
        self, request_id: str, code: str, found: Mapping[str, str], reason: str | None, actor: Actor
    ) -> DeskDetail:
        """Report what an agency found out, or why it could not. With the last one the request goes on by itself.

        Raises NotFound, NotAllowed, InvalidInput, Conflict("step_not_active").
        """
        row = self._row(request_id)
        grant = self._grant(actor)
        utility = self.catalogue.get(row.utility)
        step = next((each for each in self.rows.steps(row.id) if each.code == code), None)
        if step is None or step.agency != grant.agency or not _reaches(grant, step.province):
            raise NotFound("not_found")
        self._assert_not_own(row, actor)
        declared = next(each for each in utility.steps if each.code == code)
        if reason is None:
            faults = declared.faults(found)
            if faults:
                raise InvalidInput({f"/found/{name}": fault for name, fault in faults.items()})
        elif reason not in utility.reasons:
            raise InvalidInput({"/reason": "not_a_choice"})
        self.moving.finish_step(utility, row, code, found if reason is None else {}, actor, reason)
        return self._detail(row, actor)

    # Inside

    def _detail(self, row: RequestRow, actor: Actor) -> DeskDetail:
        utility, ours = self.catalogue.get(row.utility), self._is_ours(row, actor)
        actions = {
            move.action: utility.reasons_for(move.action) if move.reason else ()
            for move in utility.lifecycle.from_(row.state)
            if move.by is By.OFFICER
            and (ours or _by_any_agency(move))
            and not (move.second and row.decided_by == actor.account_id)
        }
        return DeskDetail(
            self.seeing.whole(row, utility),
            self.holders.profile(row.holder_id),
            row.claimed_by,
            self._clock_of(row),
            actions,
        )

    def _on_desk(self, row: RequestRow) -> DeskRequest:
        return DeskRequest(summary(row), row.claimed_by, row.claimed_at, self._clock_of(row))

    def _clock_of(self, row: RequestRow) -> str:
        if row.due_at is None or row.submitted_at is None:
            return "standing"
        now = self.clock.now()
        if now > row.due_at:
            return "overdue"
        return "due_soon" if (row.due_at - now) < SOON * (row.due_at - row.submitted_at) else "on_time"

    def _mine(self, request_id: str, actor: Actor, *, steps_too: bool = False) -> RequestRow:
        """Return a request of the caller's desk, or, for reading, one with an open sub-task of the caller's agency."""
        row, grant = self._row(request_id), self._grant(actor)
        ours = self._is_ours(row, actor)
        if steps_too and not ours:
            ours = any(
                step.agency == grant.agency and step.state == "active" and _reaches(grant, step.province)
                for step in self.rows.steps(row.id)
            )
        if not ours or row.submitted_at is None:
            raise NotFound("not_found")
        self._assert_not_own(row, actor)
        return row

    def _is_ours(self, row: RequestRow, actor: Actor) -> bool:
        grant = self._grant(actor)
        return row.agency == grant.agency and _reaches(grant, row.province)

    def _record_reading(self, row: RequestRow, purpose: str, actor: Actor, *, file: str | None = None) -> None:
        """Write the reading down under the citizen, whose history of access is read by it."""
        utility = row.utility
        self.audit.record(
            "request.read", actor, row.holder_id, purpose=purpose, request=row.id, utility=utility, file=file
        )

    def _assert_not_own(self, row: RequestRow, actor: Actor) -> None:
        wards = {ward.holder_id for ward in self.guardians.wards(actor.account_id)}
        if row.holder_id in wards | {actor.holder_id}:
            raise NotAllowed("not_for_oneself")

    def _still_there(self, account_id: str, row: RequestRow) -> bool:
        """Return whether somebody still reviews for the desk that a request lies on."""
        return any(
            grant.role is StaffRole.REVIEWER and grant.agency == row.agency and _reaches(grant, row.province)
            for grant in self.accounts.grants(account_id)
        )

    def _grant(self, actor: Actor) -> Grant:
        for grant in self.accounts.grants(actor.account_id):
            if grant.role is StaffRole.REVIEWER:
                return grant
        raise NotAllowed("not_allowed")

    def _row(self, request_id: str) -> RequestRow:
        row = self.rows.get(request_id)
        if row is None:
            raise NotFound("not_found")
        return row


def _reaches(grant: Grant, province: str) -> bool:
    return grant.province == EVERYWHERE or province in (grant.province, "")


def _by_any_agency(move: Move) -> bool:
    """Return whether an agency with a sub-task of the request in hand may make it: one that only gives more time."""
    return move.by is By.OFFICER and move.extends and not move.lays_out


def _needs_second(utility: Utility, row: RequestRow) -> bool:
    return any(move.second for move in utility.lifecycle.from_(row.state))


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
