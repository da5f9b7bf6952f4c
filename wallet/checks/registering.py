"""Organisations that check: registered by one, agreed to by a second, narrowed and stopped by one alone (S-64).

What shows more than before waits for a second person, and so does going on after a stop. What shows less, or nothing,
holds at once. Not the accounts of organisations (`wallet.enrolment.organisations`): a verifier signs in nowhere, its
desks have keys. Source: docs/security.md, S-64 and S-67; docs/domain.md, section 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wallet.audit import Audit
from wallet.checks.desks import DECIDE, MANAGE, READ
from wallet.checks.models import VerifierRow
from wallet.checks.purposes import Purpose, faults_of, purpose_of
from wallet.checks.repository import CheckRepository
from wallet.checks.templates import TEMPLATES, purposes_of
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.launching.approvals import Approvals, Asked
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue

VERIFIER = "verifier"
"""The kind of the approvals of organisations that check."""


class VerifierState(StrEnum):
    """Where an organisation stands. Only in `active` do its desks work; `ended` and `refused` are final."""

    AWAITING = "awaiting_approval"
    ACTIVE = "active"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    ENDED = "ended"


FINAL = frozenset({VerifierState.REFUSED, VerifierState.ENDED})


class StopReason(StrEnum):
    """Why an organisation is suspended or ended."""

    MISUSE = "misuse"
    SECURITY = "security"
    GROUND_ENDED = "ground_ended"
    BY_REQUEST = "by_request"


class Wish(StrEnum):
    """What waits for a second person."""

    REGISTER = "register"
    CHANGE_PURPOSES = "change_purposes"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class VerifierOrder:
    """An organisation that is to check.

    purposes: as `Purpose.to_json` gives them; None for those of its template, a code of TEMPLATES.
    """

    name: Mapping[str, str]
    legal_ground: str
    purposes: list[dict[str, Any]] | None = None
    enterprise_code: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class AwaitedChange:
    """What waits for a second person. purposes: those that are to be in force; None where they stay."""

    approval: str
    wish: str
    purposes: Sequence[Mapping[str, Any]] | None
    comment: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    state: str = "awaiting_approval"


@dataclass(frozen=True, slots=True)
class VerifierOrganisation:
    """An organisation that checks, as staff sees it. purposes: those in force. reason: of a suspension or an ending."""

    id: str
    name: Mapping[str, str]
    enterprise_code: str | None
    template: str | None
    legal_ground: str
    purposes: tuple[Purpose, ...]
    state: VerifierState
    reason: str | None
    test: bool
    version: int
    registered_by: str
    registered_at: datetime
    changed_at: datetime
    awaiting: AwaitedChange | None


@dataclass(frozen=True, slots=True)
class Verifiers:
    """The organisations that check, in one transaction. test: whether this is a demo."""

    rows: CheckRepository
    approvals: Approvals
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy
    test: bool

    def register(self, order: VerifierOrder, comment: str, actor: Actor) -> VerifierOrganisation:
        """Ask for an organisation to be let in. It may nothing until a second person agrees.

        Raises NotAllowed, InvalidInput with every fault of its purposes at once.
        """
        _assert_may(actor, MANAGE)
        purposes = order.purposes
        if purposes is None:
            if order.template is None:
                raise InvalidInput({"/purposes": "required"})
            purposes = purposes_of(TEMPLATES[order.template], self.catalogue, order.legal_ground)
        self._assert_sound(purposes)
        now, verifier_id = self.clock.now(), new_id(self.entropy, "vrf")
        self.rows.add_verifier(
            VerifierRow(
                id=verifier_id,
                name=dict(order.name),
                enterprise_code=order.enterprise_code,
                template=order.template,
                legal_ground=order.legal_ground,
                purposes=[],
                state=VerifierState.AWAITING,
                test=self.test,
                version=1,
                registered_by=actor.account_id,
                registered_at=now,
                changed_at=now,
            )
        )
        self.audit.record("verifier.registered", actor, verifier_id)
        self._ask(verifier_id, Wish.REGISTER, 1, purposes, comment, actor)
        return self.get(verifier_id, actor)

    def change_purposes(
        self, verifier_id: str, purposes: list[dict[str, Any]], comment: str, actor: Actor
    ) -> tuple[VerifierOrganisation, bool]:
        """Replace the purposes: at once where that only narrows them, else when a second person agrees.

        Return the organisation, and whether it holds already. Raises NotAllowed, NotFound, InvalidInput,
        Conflict("verifier_over" or "approval_pending").
        """
        _assert_may(actor, MANAGE)
        row = self._load(verifier_id)
        self._assert_not_over(row)
        self._assert_sound(purposes)
        asked = [purpose_of(stated) for stated in purposes]
        held = {purpose.code: purpose for purpose in map(purpose_of, row.purposes)}
        narrows = all(each.code in held and each.is_within(held[each.code]) for each in asked)
        if narrows:
            self._change(row, purposes=[each.to_json() for each in asked])
            codes = sorted(each.code for each in asked)
            self.audit.record("verifier.purposes_narrowed", actor, verifier_id, purposes=codes)
        else:
            wish = Wish.REGISTER if row.state == VerifierState.AWAITING else Wish.CHANGE_PURPOSES
            self._ask(verifier_id, wish, row.version, purposes, comment, actor)
        return self.get(verifier_id, actor), narrows

    def suspend(self, verifier_id: str, reason: StopReason, actor: Actor) -> VerifierOrganisation:
        """Stop every desk of an organisation, at once; doing it again changes nothing.

        Raises NotAllowed, NotFound, Conflict("verifier_not_active").
        """
        _assert_may(actor, MANAGE | DECIDE)
        row = self._load(verifier_id)
        if row.state != VerifierState.SUSPENDED:
            if row.state != VerifierState.ACTIVE:
                raise Conflict("verifier_not_active")
            self._change(row, state=VerifierState.SUSPENDED, reason=str(reason))
            self.audit.record("verifier.suspended", actor, verifier_id, reason=str(reason))
        return self.get(verifier_id, actor)

    def resume(self, verifier_id: str, comment: str, actor: Actor) -> VerifierOrganisation:
        """Ask for a suspended organisation to go on. Nothing is in force until a second person agrees.

        Raises NotAllowed, NotFound, Conflict("verifier_not_suspended" or "approval_pending").
        """
        _assert_may(actor, MANAGE)
        row = self._load(verifier_id)
        if row.state != VerifierState.SUSPENDED:
            raise Conflict("verifier_not_suspended")
        self._ask(verifier_id, Wish.RESUME, row.version, None, comment, actor)
        return self.get(verifier_id, actor)

    def end(self, verifier_id: str, reason: StopReason, actor: Actor) -> VerifierOrganisation:
        """End an organisation for good, with all its desks, at once; doing it again changes nothing.

        Raises NotAllowed, NotFound, Conflict("verifier_over") for one that was refused.
        """
        _assert_may(actor, MANAGE | DECIDE)
        row = self._load(verifier_id)
        if row.state != VerifierState.ENDED:
            self._assert_not_over(row)
            self._change(row, state=VerifierState.ENDED, reason=str(reason))
            self.audit.record("verifier.ended", actor, verifier_id, reason=str(reason))
        return self.get(verifier_id, actor)

    def decide(
        self, verifier_id: str, approval_id: str, *, agree: bool, actor: Actor, answer: str = ""
    ) -> VerifierOrganisation:
        """Agree to what waits for a second person, or refuse it.

        Raises NotAllowed("self_approval") for the one who asked, NotFound, Conflict("approval_closed",
        "approval_expired"), Conflict("verifier_changed") where the organisation was changed or stopped since,
        InvalidInput where the catalogue knows the claims no more.
        """
        _assert_may(actor, DECIDE)
        row = self._load(verifier_id)
        asked = self.approvals.decide(approval_id, agree=agree, actor=actor, answer=answer)
        if asked.subject != verifier_id:
            raise NotFound("not_found")
        wish, purposes = Wish(asked.change["wish"]), asked.change["purposes"]
        if agree:
            if row.version != asked.change["version"]:
                raise Conflict("verifier_changed")
            values: dict[str, Any] = {}
            if purposes is not None:
                self._assert_sound(purposes)
                values["purposes"] = purposes
            if wish is not Wish.CHANGE_PURPOSES:
                values |= {"state": VerifierState.ACTIVE, "reason": None}
            self._change(row, **values)
            codes = sorted(stated["code"] for stated in purposes or ())
            self.audit.record("verifier.approved", actor, verifier_id, wish=str(wish), purposes=codes)
        elif wish is Wish.REGISTER and row.state == VerifierState.AWAITING:
            self._change(row, state=VerifierState.REFUSED)
            self.audit.record("verifier.refused", actor, verifier_id)
        return self.get(verifier_id, actor)

    def get(self, verifier_id: str, actor: Actor) -> VerifierOrganisation:
        """Return one organisation. Raises NotAllowed, NotFound."""
        _assert_may(actor, READ)
        row = self.rows.verifier(verifier_id)
        if row is None:
            raise NotFound("not_found")
        return self._view(row)

    def page(self, limit: int, place: str | None, actor: Actor) -> tuple[list[VerifierOrganisation], str | None]:
        """Return one page, newest first, and the place of the next."""
        _assert_may(actor, READ)
        rows, following = self.rows.verifiers(limit, place)
        return [self._view(row) for row in rows], following

    def _ask(
        self,
        verifier_id: str,
        wish: Wish,
        version: int,
        purposes: list[dict[str, Any]] | None,
        comment: str,
        actor: Actor,
    ) -> None:
        stated = None if purposes is None else [purpose_of(each).to_json() for each in purposes]
        change = {"wish": str(wish), "version": version, "purposes": stated}
        self.approvals.ask(verifier_id, change, comment, actor)

    def _assert_sound(self, purposes: list[dict[str, Any]]) -> None:
        faults = faults_of(purposes, self.catalogue)
        if faults:
            raise InvalidInput({f"/purposes{pointer}": code for pointer, code in faults.items()})

    def _assert_not_over(self, row: VerifierRow) -> None:
        if row.state in FINAL:
            raise Conflict("verifier_over")

    def _load(self, verifier_id: str) -> VerifierRow:
        row = self.rows.verifier(verifier_id, lock=True)
        if row is None:
            raise NotFound("not_found")
        return row

    def _change(self, row: VerifierRow, **values: Any) -> None:
        if not self.rows.change_verifier(row.id, row.version, changed_at=self.clock.now(), **values):
            raise Conflict("verifier_changed")

    def _view(self, row: VerifierRow) -> VerifierOrganisation:
        return VerifierOrganisation(
            id=row.id,
            name=row.name,
            enterprise_code=row.enterprise_code,
            template=row.template,
            legal_ground=row.legal_ground,
            purposes=tuple(purpose_of(stated) for stated in row.purposes),
            state=VerifierState(row.state),
            reason=row.reason,
            test=row.test,
            version=row.version,
            registered_by=row.registered_by,
            registered_at=row.registered_at,
            changed_at=row.changed_at,
            awaiting=_awaited(None if row.state in FINAL else self.approvals.waiting(row.id)),
        )


def _awaited(asked: Asked | None) -> AwaitedChange | None:
    if asked is None:
        return None
    return AwaitedChange(
        approval=asked.id,
        wish=asked.change["wish"],
        purposes=asked.change["purposes"],
        comment=asked.comment,
        requested_by=asked.requested_by,
        requested_at=asked.requested_at,
        expires_at=asked.expires_at,
    )


def _assert_may(actor: Actor, roles: frozenset[StaffRole]) -> None:
    if not roles & actor.roles:
        raise NotAllowed("not_allowed")
