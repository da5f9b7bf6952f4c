"""Level 2 in person: an officer records form TK01 with portrait and fingerprint, an authority decides.

What was compared is kept as codes and scores; captures never are. What failed is recorded too, and can only be refused.
Source: Decree 69/2024/NĐ-CP, articles 10, 11 and 13; docs/domain.md, section 2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.enrolment.applications import APPROVED, LEVEL_2, RECORDED, REFUSED
from wallet.enrolment.biometrics import BiometricMatcher
from wallet.enrolment.companions import Companions
from wallet.enrolment.comparing import Comparing
from wallet.enrolment.consent import check_consent, check_told
from wallet.enrolment.eligibility import age_of, kind_of, needs_guardian
from wallet.enrolment.forms import Forms
from wallet.enrolment.matching import GOOD, Finding, Matching, papers
from wallet.enrolment.models import ApplicationRow
from wallet.enrolment.offices import enrols_foreigners
from wallet.enrolment.repository import ApplicationRepository, Reach
from wallet.enrolment.tk01 import ApplicationOrder, checked_form, checked_samples
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.identity.account_states import AccountState
from wallet.identity.accounts import Accounts, AccountView, HolderKind
from wallet.identity.contacts import Contacts
from wallet.identity.holders import Holders
from wallet.identity.staff_reads import StaffReads
from wallet.messages.telling import Telling
from wallet.sources.base import Fact, Ground
from wallet.terms import AccountLevel, Actor, StaffRole
from wallet.working_days import WorkingDays, vietnamese_day

AWAITED = frozenset({Finding.NONE, Finding.EXPIRED})
"""Of a card: it may be issued or renewed until the decision, which asks the register again."""

LEAST_REASON = 10
PURPOSE = "open_account"


class Decision(StrEnum):
    """What an authority says."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Application:
    """An application as staff see it. matched: nothing stands in the way of an approval. form: None once erased."""

    id: str
    kind: str
    state: str
    agency: str
    province: str
    received_at: datetime
    due_at: datetime
    overdue: bool
    matched: bool
    checks: Mapping[str, str]
    scores: Mapping[str, float]
    recorded_by: str | None
    decided_by: str | None
    decided_at: datetime | None
    account_id: str | None
    reason: str | None
    written_reason: str | None
    form: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EnrolmentDesk:
    """The desk, in one transaction."""

    rows: ApplicationRepository
    forms: Forms
    matching: Matching
    comparing: Comparing
    matcher: BiometricMatcher
    accounts: Accounts
    holders: Holders
    companions: Companions
    contacts: Contacts
    telling: Telling
    reads: StaffReads
    working_days: WorkingDays
    audit: Audit
    clock: Clock
    entropy: Entropy

    def record(self, order: ApplicationOrder, actor: Actor) -> Application:
        """Record an application, with what the registers and the matcher say of it, and tell the applicant.

        Raises InvalidInput for what is not well-formed or not consented to, NotAllowed("self_enrolment"),
        NotAllowed("not_an_immigration_office"), Conflict("already_level_two"), Unavailable, and
        TooManyAttempts("too_many_reads"): what is compared tells of the registers.
        """
        officer = self._grant(actor, StaffRole.OFFICER)
        check_consent(order.consent_given, order.consent_version, "/consent/given", "/consent/version")
        check_told(order.statements, "/consent/statements")
        form, samples = checked_form(order), checked_samples(order, self.matcher)
        if order.foreigner is not None and not enrols_foreigners(officer.agency or ""):
            raise NotAllowed("not_an_immigration_office")
        application_id, now = new_id(self.entropy, "app"), self.clock.now()
        self.reads.count(actor)
        found = self.comparing.compare(order, form, samples, application_id, actor)
        account = self._account(found.facts, actor)
        if account is not None and account.id == actor.account_id:
            raise NotAllowed("self_enrolment")
        if account is not None and _is_level_two(account):
            raise Conflict("already_level_two")
        row = ApplicationRow(
            id=application_id,
            kind=LEVEL_2,
            sealed_form=self.forms.seal(application_id, form),
            matching={
                "checks": found.checks,
                "scores": found.scores,
                "consent_version": order.consent_version,
                "statements": sorted(order.statements),
            },
            agency=officer.agency or "",
            province=officer.province,
            state=RECORDED,
            consent_at=now,
            received_at=now,
            due_at=self.working_days.due(now, found.days),
            recorded_by=actor.account_id,
        )
        self.rows.add(row)
        failed = sorted(name for name, finding in found.checks.items() if not _is_good(name, finding))
        self.audit.record("application.recorded", actor, application_id, failed=failed)
        self.telling.text(form["phone"], "application_received", "vi")
        return self._seen(row)

    def page(self, state: str, actor: Actor, limit: int, place: str | None) -> tuple[list[Application], str | None]:
        """Return one page of a state within the actor's reach, what is due first, and where the next one starts."""
        rows, following = self.rows.within(self._reach(actor), state, self.clock.now(), limit, place)
        return [self._seen(row) for row in rows], following

    def read(self, application_id: str, actor: Actor) -> Application:
        """Return one application with its form, and record who read it. Raises NotFound beyond the actor's reach.

        Whoever has been known before finds the reading in their history of access. Raises
        TooManyAttempts("too_many_reads").
        """
        row = self._within(application_id, self._reach(actor))
        self.reads.count(actor)
        form = None if row.sealed_form is None else self.forms.open(row.id, row.sealed_form)
        holder_id = None if form is None else self.holders.find(form["number"])
        role = StaffRole.APPROVER if StaffRole.APPROVER in actor.roles else StaffRole.OFFICER
        self.audit.record(
            "application.read",
            actor,
            holder_id or row.id,
            purpose=PURPOSE,
            application=row.id,
            agency=self._grant(actor, role).agency,
        )
        return self._seen(row, form)

    def decide(self, application_id: str, decision: Decision, reason: str | None, actor: Actor) -> Application:
        """Approve an application, which opens an account or raises its level, or refuse it in writing.

        Of any number of decisions one counts. Raises NotFound, NotAllowed("self_approval") for whoever recorded it,
        Conflict("application_closed", "application_unmatched", "card_not_valid", "already_level_two",
        "account_locked", "account_closed"), InvalidInput("/reason") for a refusal without words.
        """
        grant = self._grant(actor, StaffRole.APPROVER)
        row = self._within(application_id, Reach(None, grant.province))
        written = " ".join((reason or "").split())
        if decision is Decision.REFUSE and len(written) < LEAST_REASON:
            raise InvalidInput({"/reason": "written_reason_required"})
        if row.recorded_by == actor.account_id:
            raise NotAllowed("self_approval")
        approving = decision is Decision.APPROVE
        if row.state != RECORDED or row.sealed_form is None:
            raise Conflict("application_closed")
        if approving and not _is_matched(row):
            raise Conflict("application_unmatched")
        form = self.forms.open(row.id, row.sealed_form)
        outcome: dict[str, Any] = {"decided_by": actor.account_id, "decided_at": self.clock.now()}
        if approving:
            moved = self.rows.move(row.id, RECORDED, state=APPROVED, **outcome)
        else:
            refusal = {"reason": "refused_by_authority", "written_reason": written, "sealed_form": None}
            moved = self.rows.move(row.id, RECORDED, state=REFUSED, **outcome, **refusal)
        if not moved:
            raise Conflict("application_closed")
        if approving:
            for_ward = row.matching["checks"].get("phone") == Finding.GUARDIANS_OWN
            self._approve(row.id, form, for_ward, actor)
        else:
            self.audit.record("application.refused", actor, row.id)
            self.telling.emit("application.refused", application_id=row.id)
            self.telling.text(form["phone"], "application_refused", "vi")
        return self._seen(self._within(row.id, Reach(None, grant.province)))

    def _approve(self, application_id: str, form: Mapping[str, Any], for_ward: bool, actor: Actor) -> None:
        """Open the account or raise its level. What was valid when it was recorded has to be valid still.

        for_ward: the phone is the guardian's; the ward has none, and the guardian acts for them from here on.
        """
        ground = Ground(PURPOSE, LEVEL_2, actor)
        facts = self.matching.person(form, ground, application_id)
        if facts is None or not facts["alive"]:
            raise Conflict("application_unmatched")
        kind, companion = kind_of(facts), None
        if for_ward:
            companion = self.companions.find(facts, form["guardian_number"], ground, application_id)
        if needs_guardian(age_of(facts, self._today())) is not (companion is not None):
            raise Conflict("application_unmatched")
        valid_until = self._valid_until(facts, kind, ground, application_id)
        account = self._account(facts, actor)
        if account is not None and account.id == actor.account_id:
            raise NotAllowed("self_approval")
        if account is not None and _is_level_two(account):
            raise Conflict("already_level_two")
        account_id = self.accounts.register(
            facts,
            level=AccountLevel.TWO,
            kind=kind,
            phone=None if for_ward else form["phone"],
            email=None if for_ward else form["email"],
            valid_until=valid_until,
            actor=actor,
        )
        state = self.accounts.approve(account_id, AccountLevel.TWO, actor, valid_until=valid_until)
        self.rows.move(application_id, APPROVED, account_id=account_id)
        self.audit.record("application.approved", actor, application_id, account=account_id)
        if companion is not None:
            self.companions.begin(companion, account_id, actor)
            self.telling.text(form["phone"], "application_approved_for_ward", "vi")
        if state is AccountState.ACTIVE:
            # Whoever has the account in use is told there, and keeps the phone on record: changing it binds anew.
            return
        if not for_ward and not self.contacts.has_phone(account_id, form["phone"]):
            self.contacts.set(account_id, self.accounts.find(account_id).holder_id, form["phone"], form["email"])
        self.contacts.tell(account_id, "application_approved")

    def _valid_until(
        self, facts: Mapping[str, Fact], kind: HolderKind, ground: Ground, application_id: str
    ) -> date | None:
        """Return the last day of card or permit. Raises Conflict("card_not_valid") where there is none today."""
        card, last = papers(self.matching.sources, facts, kind, self._today(), ground, subject=application_id)
        if card is not Finding.VALID:
            raise Conflict("card_not_valid")
        return last

    def _account(self, facts: Mapping[str, Fact] | None, actor: Actor) -> AccountView | None:
        holder_id = None if facts is None else self.holders.recognise(facts, actor)
        return None if holder_id is None else self.accounts.of_holder(holder_id)

    def _grant(self, actor: Actor, role: StaffRole) -> Reach:
        """Return agency and province in which the actor has this role. Raises NotAllowed("not_allowed")."""
        for grant in self.accounts.grants(actor.account_id):
            if grant.role is role:
                return Reach(grant.agency, grant.province)
        raise NotAllowed("not_allowed")

    def _reach(self, actor: Actor) -> Reach:
        """Return whose applications the actor sees: an approver those of the province, an officer their agency's."""
        if StaffRole.APPROVER in actor.roles:
            return Reach(None, self._grant(actor, StaffRole.APPROVER).province)
        return self._grant(actor, StaffRole.OFFICER)

    def _within(self, application_id: str, reach: Reach) -> ApplicationRow:
        row = self.rows.get(application_id)
        foreign = row is None or row.kind != LEVEL_2 or row.province != reach.province
        if row is None or foreign or (reach.agency is not None and row.agency != reach.agency):
            raise NotFound("not_found")
        return row

    def _today(self) -> date:
        return vietnamese_day(self.clock.now())

    def _seen(self, row: ApplicationRow, form: Mapping[str, Any] | None = None) -> Application:
        open_still = row.decided_at is None
        return Application(
            id=row.id,
            kind=row.kind,
            state=row.state,
            agency=row.agency,
            province=row.province,
            received_at=row.received_at,
            due_at=row.due_at,
            overdue=open_still and row.due_at < self.clock.now(),
            matched=_is_matched(row),
            checks=row.matching.get("checks", {}),
            scores=row.matching.get("scores", {}),
            recorded_by=row.recorded_by,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            account_id=row.account_id,
            reason=row.reason,
            written_reason=row.written_reason,
            form=form,
        )


def _is_matched(row: ApplicationRow) -> bool:
    checks = row.matching.get("checks", {})
    return bool(checks) and all(_is_good(name, finding) for name, finding in checks.items())


def _is_good(name: str, finding: str) -> bool:
    """Return whether a finding lets an approval pass. A card or permit that has to be issued is asked for then."""
    return finding in GOOD or (name == "card" and finding in AWAITED)


def _is_level_two(account: AccountView) -> bool:
    used = account.state not in (AccountState.PENDING, AccountState.APPROVED)
    return used and account.level >= AccountLevel.TWO
