"""Organisations: one account each, without a level, acted for by the legal representative from their own account.

Approved at once where the business register has the organisation and names the caller; otherwise a person decides.
Source: Decree 69/2024/NĐ-CP, articles 7 and 13; docs/domain.md, sections 2.2 and 2.3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.enrolment.models import OrganisationRow
from wallet.enrolment.repository import OrganisationRepository
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.identity.accounts import Accounts
from wallet.identity.contacts import Contacts
from wallet.sources.base import Fact, Ground, RegisterCode, numbers_of
from wallet.sources.reading import Sources
from wallet.terms import Actor, StaffRole
from wallet.working_days import WorkingDays

KNOWN_WORKING_DAYS = 3
UNKNOWN_LIMIT = timedelta(days=15)
STATED = ("name", "tax_code", "head_office", "founded_on")


class OrganisationState(StrEnum):
    """Where an organisation's account stands."""

    PENDING = "pending"
    ACTIVE = "active"
    REFUSED = "refused"
    CLOSED = "closed"


class RefusalReason(StrEnum):
    """Why an approver refuses."""

    NOT_FOUND = "not_found"
    NOT_REPRESENTATIVE = "not_representative"
    DATA_DIFFER = "data_differ"


@dataclass(frozen=True, slots=True)
class OrganisationOrder:
    """What a representative states. All but the code counts only where no register knows the organisation."""

    enterprise_code: str
    name: str | None = None
    tax_code: str | None = None
    head_office: str | None = None
    founded_on: date | None = None


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation as its representative and as staff sees it. reason: of a refusal."""

    id: str
    enterprise_code: str
    tax_code: str
    name: str
    head_office: str
    founded_on: date | None
    representative_account_id: str
    state: OrganisationState
    reason: str | None
    received_at: datetime
    due_at: datetime
    decided_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Organisations:
    """The organisations of one transaction."""

    rows: OrganisationRepository
    accounts: Accounts
    contacts: Contacts
    sources: Sources
    audit: Audit
    clock: Clock
    entropy: Entropy
    days: WorkingDays

    def register(self, order: OrganisationOrder, actor: Actor) -> OrganisationView:
        """Open the account of an organisation that the caller represents; repeating it changes nothing.

        Where the register names the caller, they take the place of whoever represented it before, who is told. Raises
        NotAllowed("not_representative"), Conflict("organisation_dissolved"), Conflict("already_exists") where somebody
        else has asked, InvalidInput for what is missing where no register knows the organisation, Unavailable.
        """
        known = self._registered(order.enterprise_code, actor)
        now = self.clock.now()
        if known is None:
            missing = {f"/{name}": "required" for name in STATED if getattr(order, name) is None}
            if missing:
                raise InvalidInput(missing)
            values: dict[str, object] = {name: getattr(order, name) for name in STATED}
            values |= {"state": OrganisationState.PENDING, "due_at": now + UNKNOWN_LIMIT, "decided_at": None}
        else:
            values = {name: known[name] for name in STATED}
            due = self.days.due(now, KNOWN_WORKING_DAYS)
            values |= {"state": OrganisationState.ACTIVE, "due_at": due, "decided_at": now}
        values |= {"representative_account_id": actor.account_id, "received_at": now, "reason": None}
        organisation_id = self._write(order.enterprise_code, values, registered=known is not None, actor=actor)
        return self.get(organisation_id)

    def decide(
        self, organisation_id: str, *, approve: bool, reason: RefusalReason | None, actor: Actor
    ) -> OrganisationView:
        """Approve an organisation that no register knows, or refuse it; the representative is told.

        Raises NotAllowed("self_approval") for its own representative, InvalidInput for a refusal without a reason,
        NotFound("not_found"), Conflict("order_closed").
        """
        if StaffRole.APPROVER not in actor.roles:
            raise NotAllowed("not_allowed")
        organisation = self.get(organisation_id)
        if organisation.representative_account_id == actor.account_id:
            raise NotAllowed("self_approval")
        if not approve and reason is None:
            raise InvalidInput({"/reason": "required"})
        state = OrganisationState.ACTIVE if approve else OrganisationState.REFUSED
        decided = {
            "decided_by": actor.account_id,
            "decided_at": self.clock.now(),
            "reason": None if approve else reason,
        }
        if not self.rows.move(organisation_id, OrganisationState.PENDING, state=state, **decided):
            raise Conflict("order_closed")
        self.audit.record("organisation.decided", actor, organisation_id, state=str(state))
        code = "organisation_approved" if approve else "organisation_refused"
        self.contacts.tell(organisation.representative_account_id, code, organisation_id=organisation_id)
        return self.get(organisation_id)

    def get(self, organisation_id: str) -> OrganisationView:
        """Return one organisation. Raises NotFound("not_found")."""
        row = self.rows.get(organisation_id)
        if row is None:
            raise NotFound("not_found")
        return self._view(row)

    def represented_by(self, organisation_id: str, account_id: str) -> OrganisationView | None:
        """Return an active organisation that somebody represents; None for any other, and for none."""
        row = self.rows.get(organisation_id)
        if row is None or (row.state, row.representative_account_id) != (OrganisationState.ACTIVE, account_id):
            return None
        return self._view(row)

    def names(self, ids: Collection[str]) -> dict[str, str]:
        """Return what organisations are called, by id; one that is not known is left out."""
        return {row.id: row.name for row in self.rows.known(ids)} if ids else {}

    def all_of(self, actor: Actor) -> list[OrganisationView]:
        """Return every organisation that the caller represents or asked to."""
        return [self._view(row) for row in self.rows.of_representative(actor.account_id)]

    def page(
        self, state: OrganisationState, limit: int, place: str | None
    ) -> tuple[list[OrganisationView], str | None]:
        """Return one page of a state, what is due first, and where the next one starts."""
        rows, following = self.rows.page(state, limit, place)
        return [self._view(row) for row in rows], following

    def _registered(self, enterprise_code: str, actor: Actor) -> Mapping[str, Fact] | None:
        """Return what the register states of an organisation of the caller's; None where it does not know it."""
        ground = Ground("register_organisation", "account", actor)
        facts = self.sources.find(RegisterCode.BUSINESSES, enterprise_code, ground, subject=actor.account_id)
        if facts is None:
            return None
        number = self.accounts.profile(actor.account_id).number
        person = self.sources.read(RegisterCode.POPULATION, number, ground, subject=actor.account_id).values
        if facts.get("representative_number") not in numbers_of(person):
            raise NotAllowed("not_representative")
        if facts.get("state") != "active":
            raise Conflict("organisation_dissolved")
        return facts

    def _write(self, code: str, values: dict[str, object], *, registered: bool, actor: Actor) -> str:
        """Store what was decided, over what is there where it may be; return the organisation's id."""
        row_id = new_id(self.entropy, "org")
        row, former = None, None
        if not self.rows.add({"id": row_id, "enterprise_code": code, **values}):
            row = self.rows.by_code(code)
        if row is not None:
            row_id, own = row.id, row.representative_account_id == actor.account_id
            if own and row.state == values["state"]:
                return row_id
            if not own and row.state in (OrganisationState.PENDING, OrganisationState.ACTIVE):
                former = row.representative_account_id
            free = registered or row.state in (OrganisationState.REFUSED, OrganisationState.CLOSED)
            if not free or not self.rows.move(row_id, row.state, **values):
                raise Conflict("already_exists")
        self.audit.record("organisation.registered", actor, row_id, state=str(values["state"]))
        if former is not None:
            self.contacts.tell(former, "organisation_taken_over", organisation_id=row_id)
        if registered:
            self.contacts.tell(actor.account_id, "organisation_approved", organisation_id=row_id)
        return row_id

    def _view(self, row: OrganisationRow) -> OrganisationView:
        state = OrganisationState(row.state)
        return OrganisationView(
            id=row.id,
            enterprise_code=row.enterprise_code,
            tax_code=row.tax_code,
            name=row.name,
            head_office=row.head_office,
            founded_on=row.founded_on,
            representative_account_id=row.representative_account_id,
            state=state,
            reason=row.reason,
            received_at=row.received_at,
            due_at=row.due_at,
            decided_at=row.decided_at,
            overdue=state is OrganisationState.PENDING and self.clock.now() > row.due_at,
        )
