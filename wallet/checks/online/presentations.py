"""Presentations: a holder lets one organisation take a document once, for one purpose.

Source: docs/security.md, S-48; docs/domain.md, section 5.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.checks.online.consents import Asker, Consented, Consents, account_of, asker_of, holder_of
from wallet.checks.online.disclosing import registered
from wallet.checks.online.models import PresentationRow
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import purpose_among
from wallet.checks.repository import CheckRepository
from wallet.clock import Clock
from wallet.documents.holding import HeldDocument, Holding
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotFound
from wallet.identity.limits import Limits
from wallet.terms import Actor
from wallet.utilities.catalogue import may_learn, only_for

LIFE = timedelta(hours=48)
"""How long a presentation can be used: online check-in opens a day or two before a flight."""

MOST_A_DAY = 50
"""How many presentations somebody makes in a day."""

READY, TAKEN, WITHDRAWN, EXPIRED = "ready", "used", "withdrawn", "expired"
STATES = (READY, TAKEN, WITHDRAWN, EXPIRED)


@dataclass(frozen=True, slots=True)
class PresentationOrder:
    """What a holder presents. fields: names of data, each of which they chose."""

    organisation_id: str
    purpose: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class PresentationPreview:
    """What a holder would agree to. optional: names of what may be chosen. expires_at: until when it would stand."""

    document_id: str
    utility: str
    kind: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    purpose: str
    purpose_name: Mapping[str, str]
    legal_ground: str
    optional: tuple[str, ...]
    expires_at: datetime


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
    limits: Limits
    audit: Audit
    clock: Clock
    entropy: Entropy
    open_to_wards: frozenset[str]
    sensitive: Callable[[str, str], bool]

    def is_sensitive(self, document_id: str, actor: Actor) -> bool:
        """Return whether presenting a document needs a fresh authentication (S-13). Raises NotFound."""
        held = self.holding.get(document_id, actor)
        return self.sensitive(held.utility, held.kind)

    def preview(self, document_id: str, organisation_id: str, purpose_code: str, actor: Actor) -> PresentationPreview:
        """Return what presenting a document would be: to whom, for what, on which ground, what may be shown.

        Raises NotFound, Conflict, InvalidInput, as presenting it does.
        """
        held, asker, allowed = self._presentable(document_id, organisation_id, purpose_code, actor)
        return PresentationPreview(
            document_id=document_id,
            utility=held.utility,
            kind=held.kind,
            organisation_id=asker.organisation_id,
            organisation_name=asker.organisation_name,
            purpose=asker.purpose,
            purpose_name=asker.purpose_name,
            legal_ground=asker.legal_ground,
            optional=tuple(sorted(allowed)),
            expires_at=min(self.clock.now() + LIFE, held.expires_at),
        )

    def present(self, document_id: str, order: PresentationOrder, actor: Actor) -> PresentationView:
        """Let an organisation take a document once, with the holder's consent to what it then sees.

        Raises NotFound, Conflict("document_not_valid"), InvalidInput for an organisation or a purpose that is not
        there, a purpose that does not take this kind of document, and data that it may not see, TooManyAttempts.
        """
        held, asker, allowed = self._presentable(document_id, order.organisation_id, order.purpose, actor)
        now, fields = self.clock.now(), order.fields
        if not fields or fields - allowed:
            raise InvalidInput({"/fields": "not_asked_for" if fields else "required"})
        self.limits.count("presentations", holder_of(actor), MOST_A_DAY, timedelta(days=1))
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
        only = only_for(actor, self.open_to_wards)
        rows, following = self.rows.presentations(holder_of(actor), only, limit, place)
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

    def _presentable(
        self, document_id: str, organisation_id: str, purpose_code: str, actor: Actor
    ) -> tuple[HeldDocument, Asker, frozenset[str]]:
        """Return the document, who would take it, and the names of what they may be shown of it."""
        held = self.holding.get(document_id, actor)
        if held.state != "valid":
            raise Conflict("document_not_valid")
        verifier = self.verifiers.verifier(organisation_id)
        if verifier is None or verifier.state != "active":
            raise InvalidInput({"/organisation": "no_such_verifier"})
        purpose = purpose_among(verifier.purposes, purpose_code)
        if purpose is None:
            raise InvalidInput({"/purpose": "no_such_purpose"})
        if held.kind not in purpose.claims:
            raise InvalidInput({"/purpose": "another_document"})
        return held, asker_of(verifier.id, verifier.name, purpose), registered(purpose, held.kind)

    def _own(self, presentation_id: str, actor: Actor) -> PresentationRow:
        row = self.rows.presentation(presentation_id)
        if row is None or row.holder_id != holder_of(actor) or not may_learn(actor, row.utility, self.open_to_wards):
            raise NotFound("not_found")
        return row

    def _view(self, row: PresentationRow) -> PresentationView:
        consent = self.rows.consent(row.consent_id)
        given = {name: getattr(row, name) for name in PresentationView.__slots__ if name not in ("fields", "state")}
        fields = () if consent is None else tuple(consent.fields)
        state = state_of(row, self.clock.now())
        if state == READY and not self.consents.holds(row.consent_id):
            state = EXPIRED  # the purpose is another one since: no desk would take it
        return PresentationView(**given, fields=fields, state=state)


def state_of(row: PresentationRow, now: datetime) -> str:
    """Return where a presentation stands."""
    if row.used_at is not None:
        return TAKEN
    if row.withdrawn_at is not None:
        return WITHDRAWN
    return READY if now < row.expires_at else EXPIRED
