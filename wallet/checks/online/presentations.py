"""Presentations: a holder lets one organisation take a document once, for one purpose; and the check-in that does.

Of any number of check-ins of one presentation, on however many processes, one succeeds: one statement of the database
decides, never a look before it. Source: docs/security.md, S-48 and S-78; docs/domain.md, section 5.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from wallet.audit import Audit
from wallet.checks.desks import DeskActor, VerifierDesks
from wallet.checks.online.checking import NO_TICKET, DeskChecking, Ticket, policy_of
from wallet.checks.online.consents import Asker, Consented, Consents, account_of, asker_of, hidden_from, holder_of
from wallet.checks.online.disclosing import Disclosing, Disclosure, asked_for, registered, stated
from wallet.checks.online.looks import PORTRAIT, Looks, Way
from wallet.checks.online.models import PresentationRow
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import Purpose, purpose_of
from wallet.checks.repository import CheckRepository
from wallet.clock import Clock
from wallet.documents.holding import Holding
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, Malformed, NotAllowed, NotFound, VerificationFailed
from wallet.formats.live_code import PREFIX as LIVE
from wallet.formats.live_code import parse_live_code
from wallet.terms import Actor

LIFE = timedelta(hours=48)
"""How long a presentation can be used: online check-in opens a day or two before a flight."""

USED = "check-in"
"""What sort of single use a live code is that checked somebody in (`wallet.single_use`)."""

READY, TAKEN, WITHDRAWN, EXPIRED = "ready", "used", "withdrawn", "expired"
STATES = (READY, TAKEN, WITHDRAWN, EXPIRED)


@dataclass(frozen=True, slots=True)
class PresentationOrder:
    """What a holder presents. fields: names of data, None for whatever the purpose has but the portrait."""

    organisation_id: str
    purpose: str
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PresentationView:
    """A presentation as its holder sees it."""

    id: str
    document_id: str
    utility: str
    kind: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    purpose: str
    purpose_name: Mapping[str, str]
    fields: tuple[str, ...]
    consent_id: str
    state: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Presentations:
    """What holders present, in one transaction."""

    rows: OnlineRepository
    verifiers: CheckRepository
    consents: Consents
    holding: Holding
    audit: Audit
    clock: Clock
    entropy: Entropy
    confidential: frozenset[str]
    sensitive: Callable[[str, str], bool]

    def is_sensitive(self, document_id: str, actor: Actor) -> bool:
        """Return whether presenting a document needs a fresh authentication (S-13). Raises NotFound."""
        held = self.holding.get(document_id, actor)
        return self.sensitive(held.utility, held.kind)

    def present(self, document_id: str, order: PresentationOrder, actor: Actor) -> PresentationView:
        """Let an organisation take a document once, with the holder's consent to what it then sees.

        Raises NotFound, Conflict("document_not_valid"), InvalidInput for an organisation or a purpose that is not
        there, a purpose that does not take this kind of document, and data that it may not see.
        """
        held, now = self.holding.get(document_id, actor), self.clock.now()
        if held.state != "valid":
            raise Conflict("document_not_valid")
        asker, purpose = self._asker(order)
        allowed = registered(purpose, held.kind)
        if held.kind not in purpose.claims:
            raise InvalidInput({"/purpose": "another_document"})
        fields = allowed - {PORTRAIT} if order.fields is None else order.fields
        if not fields or fields - allowed:
            raise InvalidInput({"/fields": "not_asked_for" if fields else "required"})
        expires_at = min(now + LIFE, held.expires_at)
        consent = self.consents.give(
            asker,
            Consented(holder_of(actor), account_of(actor), held.utility, held.kind, tuple(fields)),
            remembered=False,
            expires_at=expires_at,
            actor=actor,
        )
        row = PresentationRow(
            id=new_id(self.entropy, "prs"),
            holder_id=consent.holder_id,
            account_id=consent.account_id,
            document_id=document_id,
            utility=held.utility,
            kind=held.kind,
            organisation_id=asker.organisation_id,
            organisation_name=dict(asker.organisation_name),
            purpose=asker.purpose,
            purpose_name=dict(asker.purpose_name),
            consent_id=consent.id,
            created_at=now,
            expires_at=expires_at,
        )
        self.rows.add(row)
        self.audit.record("presentation.made", actor, row.id, organisation=asker.organisation_id, purpose=asker.purpose)
        return self._view(row)

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[PresentationView], str | None]:
        """Return one page of what the caller presented, newest first, and where the next one starts."""
        hidden = hidden_from(actor, self.confidential)
        rows, following = self.rows.presentations(holder_of(actor), hidden, limit, place)
        return [self._view(row) for row in rows], following

    def get(self, presentation_id: str, actor: Actor) -> PresentationView:
        """Return one of the caller's presentations. Raises NotFound."""
        return self._view(self._own(presentation_id, actor))

    def withdraw(self, presentation_id: str, actor: Actor) -> None:
        """Take back what was not used. Raises NotFound, Conflict("already_used" or "presentation_over")."""
        row, now = self._own(presentation_id, actor), self.clock.now()
        if not self.rows.withdraw_presentation(presentation_id, now):
            found = self._own(presentation_id, actor)
            raise Conflict("already_used" if found.used_at is not None else "presentation_over")
        self.rows.withdraw_consent(row.consent_id, now)
        self.audit.record("presentation.withdrawn", actor, presentation_id, organisation=row.organisation_id)

    def _asker(self, order: PresentationOrder) -> tuple[Asker, Purpose]:
        verifier = self.verifiers.verifier(order.organisation_id)
        if verifier is None or verifier.state != "active":
            raise InvalidInput({"/organisation": "no_such_verifier"})
        stated = next((each for each in verifier.purposes if each["code"] == order.purpose), None)
        if stated is None:
            raise InvalidInput({"/purpose": "no_such_purpose"})
        purpose = purpose_of(stated)
        return asker_of(verifier.id, verifier.name, purpose), purpose

    def _own(self, presentation_id: str, actor: Actor) -> PresentationRow:
        row = self.rows.presentation(presentation_id)
        if row is None or row.holder_id != holder_of(actor) or row.utility in hidden_from(actor, self.confidential):
            raise NotFound("not_found")
        return row

    def _view(self, row: PresentationRow) -> PresentationView:
        consent = self.rows.consent(row.consent_id)
        given = {name: getattr(row, name) for name in PresentationView.__slots__ if name not in ("fields", "state")}
        fields = () if consent is None else tuple(consent.fields)
        return PresentationView(**given, fields=fields, state=state_of(row, self.clock.now()))


def state_of(row: PresentationRow, now: datetime) -> str:
    """Return where a presentation stands."""
    if row.used_at is not None:
        return TAKEN
    if row.withdrawn_at is not None:
        return WITHDRAWN
    return READY if now < row.expires_at else EXPIRED


@dataclass(frozen=True, slots=True)
class CheckInOrder:
    """What a desk checks in: a presentation, or a live code."""

    purpose: str
    presentation: str | None = None
    code: str | None = field(repr=False, default=None)
    ticket: Ticket = NO_TICKET
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Somebody who is checked in. utility, kind: of the document, for the words of its claims."""

    id: str
    at: datetime
    utility: str
    kind: str
    disclosure: Disclosure = field(repr=False)
    ticket: dict[str, str] | None


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

    def check_in(self, order: CheckInOrder, desk: DeskActor, actor: Actor) -> CheckIn:
        """Check somebody in, once.

        Raises NotFound for a presentation that nobody knows, NotAllowed("wrong_audience") for another organisation's or
        another purpose's, Conflict("already_used", "presentation_over", "document_not_valid", "code_refused" or
        "live_code_needed"), and whatever a check raises. Then nobody is checked in and nothing is disclosed.
        """
        purpose = desk.purpose(order.purpose)
        beyond = sorted(order.ticket.claims.keys() - asked_for(purpose, None))
        if beyond:
            raise NotAllowed("claim_not_registered", claims=", ".join(beyond))
        self.desks.admit(desk, purpose)
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
        if not self.rows.consume_presentation(row.id, desk.desk_id, now):
            found = self.rows.presentation(row.id)
            raise Conflict("already_used" if found is not None and found.used_at is not None else "presentation_over")
        self.desks.count_citizen(desk, purpose, row.holder_id)
        consent = self.rows.consent(row.consent_id)
        if consent is None or not self.consents.holds(consent.id):
            raise Conflict("presentation_over")
        if self.disclosing.fault(row.document_id, row.holder_id, now) is not None:
            raise Conflict("document_not_valid")
        fields = set(consent.fields) & registered(purpose, row.kind)
        disclosure = self.disclosing.open(row.document_id, row.holder_id, fields)
        return self._done(order, desk, purpose, actor, row.holder_id, row.utility, row.kind, disclosure)

    def _shown(self, order: CheckInOrder, code: str, desk: DeskActor, purpose: Purpose, actor: Actor) -> CheckIn:
        used = _use_of(code)
        judgement, shown = self.checking.judged(code, policy_of(desk, purpose, order.nonce), None, desk, purpose)
        document = judgement.document
        if used is None or not judgement.accepted or document is None or shown is None:
            raise Conflict("live_code_needed" if used is None and judgement.accepted else "code_refused")
        digest, until = used
        if not self.rows.use_once(USED, f"{desk.organisation_id}:{digest.hex()}", until):
            raise Conflict("already_used")
        known = stated(document)
        allowed = registered(purpose, document.utility)
        disclosure = Disclosure({name: value for name, value in known.items() if name in allowed})
        kind = document.utility
        return self._done(order, desk, purpose, actor, shown.holder_id, shown.utility, kind, disclosure)

    def _done(
        self,
        order: CheckInOrder,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        holder_id: str,
        utility: str,
        kind: str,
        disclosure: Disclosure,
    ) -> CheckIn:
        ticket = order.ticket.compared(disclosure.claims) if order.ticket.claims else None
        self.looks.record(
            Way.CHECK_IN,
            desk,
            purpose,
            actor,
            holder_id,
            utility=utility,
            kind=kind,
            data=disclosure.names,
            verdict="valid",
        )
        return CheckIn(new_id(self.entropy, "cin"), self.clock.now(), utility, kind, disclosure, ticket)


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
