"""Consents: to whom a holder agreed to show which kinds of data, for what, until when; withdrawn at once.

Nothing is agreed to by default. A consent is kept as proof, with its moment and the version of the words that were
agreed to, and names kinds of data, never a value.
Source: Law 91/2025/QH15; Decree 356/2025/NĐ-CP; docs/domain.md, section 6.4; docs/security.md, S-32.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.checks.online.models import ConsentRow
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import Purpose, purpose_among
from wallet.checks.repository import CheckRepository
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound
from wallet.terms import Actor
from wallet.utilities.catalogue import may_learn, only_for

TEXT_VERSION = "2026-03"
"""Of the words that a holder agrees to: the catalogue's section `consent_texts` has each version that was ever used."""

MAX_REMEMBERED = timedelta(days=365)
ACTIVE, WITHDRAWN, EXPIRED = "active", "withdrawn", "expired"
STATES = (ACTIVE, WITHDRAWN, EXPIRED)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for data, and for what, as the holder is told it. legal_ground: in the words of the registration."""

    organisation_id: str
    organisation_name: Mapping[str, str]
    purpose: str
    purpose_name: Mapping[str, str]
    legal_ground: str


def asker_of(organisation_id: str, organisation_name: Mapping[str, str], purpose: Purpose) -> Asker:
    """Return who asks, out of a registration."""
    return Asker(organisation_id, organisation_name, purpose.code, purpose.title, purpose.legal_ground)


@dataclass(frozen=True, slots=True)
class Consented:
    """Of whom and what a consent speaks. fields: names of data."""

    holder_id: str
    account_id: str
    utility: str
    kind: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent as its holder sees it. remembered: whether it answers later checks by itself."""

    id: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    purpose: str
    purpose_name: Mapping[str, str]
    legal_ground: str
    utility: str
    kind: str
    fields: tuple[str, ...]
    text_version: str
    remembered: bool
    state: str
    given_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Consents:
    """Consents, in one transaction."""

    rows: OnlineRepository
    verifiers: CheckRepository
    audit: Audit
    clock: Clock
    entropy: Entropy
    open_to_wards: frozenset[str]

    def give(
        self, asker: Asker, what: Consented, *, remembered: bool, expires_at: datetime, actor: Actor
    ) -> ConsentRow:
        """Keep a consent that its holder gives in this transaction."""
        row = ConsentRow(
            id=new_id(self.entropy, "cns"),
            holder_id=what.holder_id,
            account_id=what.account_id,
            organisation_id=asker.organisation_id,
            organisation_name=dict(asker.organisation_name),
            purpose=asker.purpose,
            purpose_name=dict(asker.purpose_name),
            legal_ground=asker.legal_ground,
            utility=what.utility,
            kind=what.kind,
            fields=sorted(what.fields),
            text_version=TEXT_VERSION,
            remembered=remembered,
            given_at=self.clock.now(),
            expires_at=expires_at,
        )
        self.rows.add(row)
        self.audit.record(
            "consent.given",
            actor,
            row.id,
            organisation=asker.organisation_id,
            purpose=asker.purpose,
            data=row.fields,
            text=TEXT_VERSION,
            remembered=remembered,
        )
        return row

    def covering(
        self,
        holder_id: str,
        organisation_id: str,
        purpose: Purpose,
        kind: str,
        required: Collection[str],
        optional: Collection[str],
    ) -> tuple[ConsentRow, frozenset[str]] | None:
        """Return a remembered consent that covers what is required, and what of it all may be shown on its ground.

        None where none does, and where nothing that is asked for is in it.
        """
        standing = self.rows.standing_consents(holder_id, organisation_id, purpose.code, kind, self.clock.now())
        for row in (each for each in standing if is_for(each, purpose)):
            covered = (set(required) | set(optional)) & set(row.fields)
            if covered and set(required) <= covered:
                return row, frozenset(covered)
        return None

    def holds_for(self, consent_id: str, purpose: Purpose) -> bool:
        """Return whether something may be shown on the ground of a consent now, for a purpose as it is now."""
        row = self.rows.consent(consent_id)
        return row is not None and state_of(row, self.clock.now()) == ACTIVE and is_for(row, purpose)

    def holds(self, consent_id: str) -> bool:
        """Return whether something may be shown on the ground of a consent now, for its purpose as that is now."""
        row = self.rows.consent(consent_id)
        verifier = None if row is None else self.verifiers.verifier(row.organisation_id)
        if row is None or verifier is None:
            return False
        purpose = purpose_among(verifier.purposes, row.purpose)
        return purpose is not None and self.holds_for(consent_id, purpose)

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[ConsentView], str | None]:
        """Return one page of the caller's consents, newest first. Raises NotFound."""
        only = only_for(actor, self.open_to_wards)
        rows, following = self.rows.consents(holder_of(actor), only, limit, place)
        return [self._view(row) for row in rows], following

    def withdraw(self, consent_id: str, actor: Actor) -> None:
        """Withdraw a consent: nothing is shown on its ground from the moment this transaction commits.

        What was presented on its ground and not used is withdrawn with it. Raises NotFound, also for somebody else's,
        Conflict("consent_over") for one that is withdrawn or has expired.
        """
        row, now = self.rows.consent(consent_id), self.clock.now()
        if row is None or row.holder_id != holder_of(actor) or not may_learn(actor, row.utility, self.open_to_wards):
            raise NotFound("not_found")
        if row.expires_at <= now or not self.rows.withdraw_consent(consent_id, now):
            raise Conflict("consent_over")
        presented = self.rows.withdraw_presentations_of(consent_id, now)
        self.audit.record(
            "consent.withdrawn", actor, consent_id, organisation=row.organisation_id, presentations=presented
        )

    def _view(self, row: ConsentRow) -> ConsentView:
        stored = {name: getattr(row, name) for name in ConsentView.__slots__ if name not in ("state", "fields")}
        return ConsentView(**stored, fields=tuple(row.fields), state=state_of(row, self.clock.now()))


def is_for(row: ConsentRow, purpose: Purpose) -> bool:
    """Return whether a consent was given to this purpose. One of another title or another legal ground is another one,
    whatever its code: nobody agreed to it."""
    named = row.purpose_name == dict(purpose.title) and row.legal_ground == purpose.legal_ground
    return named and row.purpose == purpose.code


def state_of(row: ConsentRow, now: datetime) -> str:
    """Return where a consent stands; one that was withdrawn stays so."""
    if row.withdrawn_at is not None:
        return WITHDRAWN
    return ACTIVE if now < row.expires_at else EXPIRED


def holder_of(actor: Actor) -> str:
    """Return whose data it is about. Raises NotFound."""
    if actor.holder_id is None:
        raise NotFound("not_found")
    return actor.holder_id


def account_of(actor: Actor) -> str:
    """Return whose account it is about: the ward's, where a guardian acts."""
    return actor.acting_for or actor.account_id
