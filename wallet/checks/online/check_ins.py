"""Check-ins: a desk takes what its holder presented, or the live code that they show, once.

Of any number of check-ins of one presentation, on however many processes, one succeeds: one statement of the database
decides, never a look before it. Source: docs/security.md, S-48 and S-78; docs/domain.md, section 5.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from wallet.checks.desks import DeskActor, VerifierDesks
from wallet.checks.online.checking import (
    NO_TICKET,
    REFUSED,
    DeskChecking,
    OrganisationReplay,
    Ticket,
    policy_of,
    verdict_of,
)
from wallet.checks.online.consents import Consents
from wallet.checks.online.disclosing import Disclosing, Disclosure, assert_registered, registered, stated
from wallet.checks.online.looks import Looks, Way
from wallet.checks.online.models import ConsentRow, PresentationRow
from wallet.checks.online.names import DIFFERS
from wallet.checks.online.presentations import READY, state_of
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import Purpose
from wallet.clock import Clock
from wallet.documents.shown import Shown
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, Malformed, NotAllowed, NotFound, VerificationFailed
from wallet.formats.live_code import PREFIX as LIVE
from wallet.formats.live_code import parse_live_code
from wallet.terms import Actor
from wallet.verifier.answer import NO_BINDING
from wallet.verifier.judgement import VerifiedDocument
from wallet.verifier.reasons import OK

USED = "check-in"
"""What sort of single use a live code is that checked somebody in (`wallet.single_use`)."""

OLD = frozenset({OK, "live_too_old"})
"""What is thought of the code of a check-in when its answer is asked for again: no worse than that time went by."""


@dataclass(frozen=True, slots=True)
class CheckInOrder:
    """What a desk checks in: a presentation, or a live code."""

    purpose: str
    presentation: str | None = None
    code: str | None = field(repr=False, default=None)
    ticket: Ticket = NO_TICKET
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """What a desk is told of somebody who is checked in. utility: of the document, for the words of its claims."""

    utility: str
    disclosure: Disclosure = field(repr=False)
    ticket: dict[str, str] | None


NOTHING = Telling("", Disclosure({}), None)


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Somebody who is checked in. kind: of the document. binding: who signed that its holder is here."""

    id: str
    at: datetime
    kind: str
    binding: str
    telling: Telling


class CheckInRefused(Conflict):
    """A check-in that is refused once somebody was looked at: count and look stand, so its transaction commits."""


class LookedBefore(OrganisationReplay):
    """The organisation's memory of live codes, as a check-in has it: a look may come before it, none comes after."""

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        super().remember(gate_id, digest, until, now)
        return True


@dataclass(frozen=True, slots=True)
class CheckIns:
    """Check-ins, in one transaction."""

    rows: OnlineRepository
    desks: VerifierDesks
    checking: DeskChecking
    consents: Consents
    disclosing: Disclosing
    looks: Looks
    clock: Clock
    entropy: Entropy

    def admit(self, order: CheckInOrder, desk: DeskActor) -> None:
        """Count a check-in, or its answer that is asked for again, in a transaction before its own.

        Raises NotAllowed("purpose_not_registered", "claim_not_registered"), TooManyAttempts("too_many_checks").
        """
        purpose = desk.purpose(order.purpose)
        assert_registered(purpose, order.ticket.claims)
        self.desks.admit(desk, purpose)

    def check_in(self, order: CheckInOrder, desk: DeskActor, actor: Actor) -> CheckIn:
        """Check somebody in, once, where that is admitted.

        Raises NotFound for a presentation that nobody knows, NotAllowed("wrong_audience") for another organisation's or
        another purpose's, Conflict("already_used", "presentation_over" or "live_code_needed"), and whatever a check
        raises; CheckInRefused("document_not_valid", "code_refused" or "ticket_differs"), after which the transaction
        has to commit: what a desk learns by it is counted and on record. Then nobody is checked in, nothing is used up
        and no claim is disclosed.
        """
        purpose = desk.purpose(order.purpose)
        if order.presentation is not None:
            return self._presented(order, order.presentation, desk, purpose, actor)
        return self._shown(order, order.code or "", desk, purpose, actor)

    def _presented(
        self, order: CheckInOrder, presentation_id: str, desk: DeskActor, purpose: Purpose, actor: Actor
    ) -> CheckIn:
        row, now = self.rows.presentation(presentation_id), self.clock.now()
        if row is None:
            raise NotFound("not_found")
        if row.organisation_id != desk.organisation_id or row.purpose != purpose.code:
            raise NotAllowed("wrong_audience")
        consent = self.rows.consent(row.consent_id)
        if state_of(row, now) != READY or consent is None or not self.consents.holds_for(consent.id, purpose):
            raise _over(row)
        self.desks.count_citizen(desk, purpose, row.holder_id)
        if self.disclosing.fault(row.document_id, row.holder_id, now) is not None:
            self._record(desk, purpose, actor, row, (), "invalid")
            raise CheckInRefused("document_not_valid")
        self._assert_ticket(order, desk, purpose, actor, row, self._comparable(order, row, consent, purpose))
        if not self.rows.consume_presentation(row.id, desk.desk_id, now):
            raise _over(self.rows.presentation(row.id))
        telling = self._told(order, desk, purpose, actor, row, self._presentable(row, consent, purpose))
        return self._done(row, NO_BINDING, telling)

    def _shown(self, order: CheckInOrder, code: str, desk: DeskActor, purpose: Purpose, actor: Actor) -> CheckIn:
        if not code.strip().startswith(LIVE):
            raise Conflict("live_code_needed")  # before anything is thought of it: it could check nobody in
        seen = LookedBefore(self.rows, desk.organisation_id)
        judgement, shown = self.checking.judged(code, policy_of(desk, purpose, order.nonce), seen, desk, purpose)
        document, used = judgement.document, _use_of(code)
        if used is None or not judgement.accepted or document is None or shown is None:
            if shown is not None:
                self._record(desk, purpose, actor, shown, (), verdict_of(judgement))
            raise CheckInRefused("code_refused")
        legible = _legible(document, purpose)
        self._assert_ticket(order, desk, purpose, actor, shown, legible.claims)
        digest, until = used
        if not self.rows.use_once(USED, f"{desk.organisation_id}:{digest.hex()}", until):
            raise Conflict("already_used")
        telling = self._told(order, desk, purpose, actor, shown, legible)
        return self._done(shown, judgement.device or NO_BINDING, telling)

    def tell_again(self, order: CheckInOrder, desk: DeskActor, actor: Actor) -> Telling:
        """Tell a desk whose answer was lost of whom it checked in by this order: what may be told by now, as one more
        look. It tells nothing once the document does not count any more, or its consent does not hold.

        Raises NotAllowed("purpose_not_registered"), TooManyAttempts("too_many_citizens").
        """
        purpose = desk.purpose(order.purpose)
        if order.presentation is None:
            policy = policy_of(desk, purpose, order.nonce)
            judgement, shown = self.checking.judged(order.code or "", policy, None, desk, purpose)
            if judgement.document is None or shown is None:
                return NOTHING
            if set(judgement.reasons) - OLD:
                self._record(desk, purpose, actor, shown, (), verdict_of(judgement))
                return NOTHING
            return self._told(order, desk, purpose, actor, shown, _legible(judgement.document, purpose))
        row, now = self.rows.presentation(order.presentation), self.clock.now()
        consent = None if row is None else self.rows.consent(row.consent_id)
        if row is None or consent is None or not self.consents.holds_for(consent.id, purpose):
            return NOTHING
        self.desks.count_citizen(desk, purpose, row.holder_id)
        if self.disclosing.fault(row.document_id, row.holder_id, now) is not None:
            self._record(desk, purpose, actor, row, (), "invalid")
            return NOTHING
        return self._told(order, desk, purpose, actor, row, self._presentable(row, consent, purpose))

    def _assert_ticket(
        self,
        order: CheckInOrder,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        of: Shown | PresentationRow,
        known: Mapping[str, Any],
    ) -> None:
        """Refuse a ticket that states something else than is known. Raises CheckInRefused("ticket_differs")."""
        differing = [name for name, word in order.ticket.compared(known).items() if word == DIFFERS]
        if differing:
            self._record(desk, purpose, actor, of, tuple(order.ticket.claims.keys() & known.keys()), REFUSED)
            raise CheckInRefused("ticket_differs", fields={f"/{name}_on_ticket": DIFFERS for name in differing})

    def _comparable(
        self, order: CheckInOrder, row: PresentationRow, consent: ConsentRow, purpose: Purpose
    ) -> dict[str, Any]:
        """Return what a ticket is compared with; the portrait of whoever it is not is fetched for nobody."""
        fields = set(consent.fields) & registered(purpose, row.kind) & order.ticket.claims.keys()
        return self.disclosing.open(row.document_id, row.holder_id, fields).claims

    def _presentable(self, row: PresentationRow, consent: ConsentRow, purpose: Purpose) -> Disclosure:
        fields = set(consent.fields) & registered(purpose, row.kind)
        return self.disclosing.open(row.document_id, row.holder_id, fields)

    def _told(
        self,
        order: CheckInOrder,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        of: Shown | PresentationRow,
        disclosure: Disclosure,
    ) -> Telling:
        ticket = order.ticket.compared(disclosure.claims) if order.ticket.claims else None
        self._record(desk, purpose, actor, of, disclosure.names, "valid")
        return Telling(of.utility, disclosure, ticket)

    def _done(self, of: Shown | PresentationRow, binding: str, telling: Telling) -> CheckIn:
        return CheckIn(new_id(self.entropy, "cin"), self.clock.now(), of.kind, binding, telling)

    def _record(
        self,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        of: Shown | PresentationRow,
        data: tuple[str, ...],
        verdict: str,
    ) -> None:
        self.looks.record(
            Way.CHECK_IN,
            desk,
            purpose,
            actor,
            of.holder_id,
            utility=of.utility,
            kind=of.kind,
            data=data,
            verdict=verdict,
        )


def _legible(document: VerifiedDocument, purpose: Purpose) -> Disclosure:
    """Return what a code states itself, as far as the purpose has it."""
    allowed = registered(purpose, document.utility)
    return Disclosure({name: value for name, value in stated(document).items() if name in allowed})


def _over(row: PresentationRow | None) -> Conflict:
    """Return why a presentation checks nobody in."""
    return Conflict("already_used" if row is not None and row.used_at is not None else "presentation_over")


def _use_of(code: str) -> tuple[bytes, datetime] | None:
    """Return by what a live code is known, and until when it could be shown again; None for a text that is none."""
    text = code.strip()
    if not text.startswith(LIVE):
        return None
    try:
        parsed = parse_live_code(text)
    except (Malformed, VerificationFailed):
        return None
    kept = timedelta(seconds=60)  # beyond the leeway of step 7, with room for clocks
    return sha256(parsed.outer.payload).digest(), datetime.fromtimestamp(parsed.expires_at, UTC) + kept
