"""Level 1 from home: what someone states is taken in, matched with the registers afterwards, answered by message.

Whatever is typed, the answer at once is the same: nobody learns from it who exists, whose phone is whose, or who has an
account already. The outcome goes to the phone that was given, and a refusal does not say what was wrong.
Source: Decree 69/2024/NĐ-CP, articles 10 and 13; docs/domain.md, section 2.3.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.enrolment.biometrics import BiometricMatcher, Modality
from wallet.enrolment.consent import check_consent
from wallet.enrolment.eligibility import Right, age_on, kind_of, needs_guardian, right_to
from wallet.enrolment.forms import Forms, checked_birth, sample_bytes, sample_text
from wallet.enrolment.matching import Finding, Matching, card_on, match_person, permit_end, permit_on
from wallet.enrolment.models import ApplicationRow
from wallet.enrolment.names import clean_name
from wallet.enrolment.repository import APPROVED, LEVEL_1, RECEIVED, REFUSED, ApplicationRepository
from wallet.entropy import Entropy, new_id
from wallet.errors import InvalidInput, Malformed, NotFound
from wallet.identity.accounts import Accounts, HolderKind
from wallet.identity.compact_jws import public_jwk
from wallet.identity.contacts import Contacts, normalised_phone
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.models import AccountState
from wallet.messages.telling import Telling
from wallet.sources.base import Fact, Ground, RegisterCode
from wallet.terms import AccountLevel, Actor
from wallet.working_days import ZONE, WorkingDays

DUE_DAYS = 1
POLL_EVERY = timedelta(seconds=30)
PER_PHONE, PER_NUMBER, PER_BLOCK = 3, 5, 30
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AT_ONCE = 100
SYSTEM = Actor("system", request_id="registrations")
ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class RegistrationOrder:
    """What someone states at home. birth_date: `YYYY-MM-DD` or `YYYY`. face_sample: base64url. public_key: JWK."""

    number: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    phone: str = field(repr=False)
    face_sample: str = field(repr=False)
    device_id: str
    public_key: Mapping[str, Any]
    consent: bool
    consent_version: str
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as whoever made it sees it. state: `received` or `answered`, and no more."""

    id: str
    state: str
    due_at: datetime
    next_poll_after: datetime


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """The device that a registration came from; its key was stated, not proven."""

    device_id: str
    public_key: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What the registers say of a registration. reason: the first thing that speaks against it, None for nothing."""

    reason: str | None
    checks: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict, repr=False)
    kind: HolderKind = HolderKind.CITIZEN
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Registrations:
    """Registrations from home, in one transaction."""

    rows: ApplicationRepository
    forms: Forms
    matching: Matching
    matcher: BiometricMatcher
    accounts: Accounts
    holders: Holders
    contacts: Contacts
    telling: Telling
    limits: Limits
    working_days: WorkingDays
    audit: Audit
    clock: Clock
    entropy: Entropy

    def receive(self, order: RegistrationOrder, block: str, request_id: str = "") -> Registration:
        """Take a registration in. No register is asked yet, so that the answer and its time tell nothing.

        block: of addresses, whose registrations are counted. Raises InvalidInput for what is not well-formed,
        TooManyAttempts("too_many_attempts").
        """
        form = self._checked(order)
        check_consent(order.consent, order.consent_version, "/consent", "/consent_version")
        self.limits.count("registration-address", block, PER_BLOCK, HOUR)
        self.limits.count("registration-phone", form["phone"], PER_PHONE, DAY)
        self.limits.count("registration-number", form["number"], PER_NUMBER, DAY)
        now = self.clock.now()
        application_id = new_id(self.entropy, "reg")
        row = ApplicationRow(
            id=application_id,
            kind=LEVEL_1,
            sealed_form=self.forms.seal(application_id, form),
            matching={"consent_version": order.consent_version},
            agency="",
            province="",
            state=RECEIVED,
            consent_at=now,
            received_at=now,
            due_at=self.working_days.due(now, DUE_DAYS),
        )
        self.rows.add(row)
        self.audit.record("registration.received", Actor("system", request_id=request_id), application_id)
        return self._seen(row)

    def get(self, registration_id: str) -> Registration:
        """Return whether a registration is answered. Raises NotFound."""
        row = self.rows.get(registration_id)
        if row is None or row.kind != LEVEL_1:
            raise NotFound("not_found")
        return self._seen(row)

    def decide(self, registration_id: str) -> bool:
        """Decide a registration and tell whoever made it; return whether this call did.

        Raises Unavailable when a register does not answer: then it stays undecided.
        """
        row = self.rows.get(registration_id)
        if row is None or row.kind != LEVEL_1 or row.state != RECEIVED or row.sealed_form is None:
            return False
        form = self.forms.open(row.id, row.sealed_form)
        found = self._judge(form, row.id)
        refused = found.reason is not None
        kept = {name: value for name, value in form.items() if name != "face_sample"}
        decided = self.rows.move(
            row.id,
            RECEIVED,
            state=REFUSED if refused else APPROVED,
            reason=found.reason,
            decided_at=self.clock.now(),
            matching={**row.matching, "checks": found.checks, "scores": found.scores},
            sealed_form=None if refused else self.forms.seal(row.id, kept),
        )
        if not decided:
            return False
        if found.reason is not None:
            self._refuse(row.id, found.reason, form["phone"])
        else:
            self._approve(row.id, found, form)
        return True

    def device_of(self, account_id: str) -> RegisteredDevice | None:
        """Return the device that an account was registered from, None for one that was opened elsewhere."""
        row = self.rows.approved_from_home(account_id)
        if row is None or row.sealed_form is None:
            return None
        form = self.forms.open(row.id, row.sealed_form)
        return RegisteredDevice(form["device_id"], form["public_key"])

    def _checked(self, order: RegistrationOrder) -> dict[str, Any]:
        """Return what is stated in the form in which it is kept. Raises InvalidInput."""
        try:
            key = public_jwk(order.public_key)
        except Malformed as error:
            raise InvalidInput({"/public_key": "invalid_public_key"}) from error
        sample = sample_bytes(order.face_sample, "/face_sample")
        self.matcher.assert_sample(Modality.FACE, sample)
        return {
            "number": order.number,
            "full_name": clean_name(order.full_name),
            "birth_date": checked_birth(order.birth_date),
            "phone": normalised_phone(order.phone),
            "email": order.email,
            "device_id": order.device_id,
            "public_key": key,
            "face_sample": sample_text(sample),
        }

    def _judge(self, form: Mapping[str, Any], application_id: str) -> _Judgement:
        """Hold a form against the registers, and stop at the first thing that speaks against it."""
        ground = Ground("open_account", LEVEL_1, SYSTEM)
        today = self.clock.now().astimezone(ZONE).date()
        facts = match_person(
            self.matching.sources,
            form["number"],
            form["full_name"],
            form["birth_date"],
            ground,
            subject=application_id,
        )
        if facts is None:
            return _Judgement("person_unmatched", {"person": Finding.UNMATCHED})
        number, kind = str(facts["number"]), kind_of(facts)
        checks: dict[str, str] = {"person": Finding.MATCHED}
        if not facts["alive"]:
            return _Judgement("deceased", checks | {"person": Finding.DECEASED})
        age = age_on(form["birth_date"], today)
        if needs_guardian(age) or right_to(AccountLevel.ONE, kind, age) is not Right.YES:
            return _Judgement("needs_guardian", checks | {"age": Finding.NEEDS_GUARDIAN})
        card, valid_until = self._card(facts, kind, ground, application_id, today)
        checks["card"] = card
        if card is not Finding.VALID:
            return _Judgement("card_not_valid", checks)
        checks["phone"] = self.matching.phone(number, form["phone"], ground, application_id)
        if checks["phone"] != Finding.OWN:
            return _Judgement("phone_not_own", checks)
        sample = sample_bytes(form["face_sample"], "/face_sample")
        face = self.matching.likeness(number, {Modality.FACE: sample}, ground, application_id)[Modality.FACE]
        checks["face"] = face.finding
        scores = {} if face.score is None else {"face": face.score}
        if face.finding is not Finding.MATCHED:
            return _Judgement("face_unmatched", checks, scores)
        reason = "account_exists" if self._has_account(number) else None
        return _Judgement(reason, checks, scores, facts, kind, valid_until)

    def _card(
        self, facts: Mapping[str, Fact], kind: HolderKind, ground: Ground, application_id: str, today: date
    ) -> tuple[Finding, date | None]:
        """Return how the card or residence permit stands, and its last day."""
        if kind is HolderKind.CITIZEN:
            expires = facts.get("card_expires")
            return card_on(facts, today), expires if isinstance(expires, date) else None
        permit = self.matching.read(RegisterCode.IMMIGRATION, str(facts["number"]), ground, application_id)
        return (Finding.NONE, None) if permit is None else (permit_on(permit, today), permit_end(permit))

    def _has_account(self, number: str) -> bool:
        """Return whether there is an account that was activated once. One that never was may be approved anew."""
        holder_id = self.holders.find(number)
        account = None if holder_id is None else self.accounts.of_holder(holder_id)
        return account is not None and account.state not in (AccountState.PENDING, AccountState.APPROVED)

    def _approve(self, application_id: str, found: _Judgement, form: Mapping[str, Any]) -> None:
        phone, email = form["phone"], form["email"]
        account_id = self.accounts.register(
            found.facts,
            level=AccountLevel.ONE,
            kind=found.kind,
            phone=phone,
            email=email,
            valid_until=found.valid_until,
            actor=SYSTEM,
        )
        self.accounts.approve(account_id, AccountLevel.ONE, SYSTEM, valid_until=found.valid_until)
        if not self.contacts.has_phone(account_id, phone):
            # Approved before and never activated: the phone that was checked just now is the one that counts.
            self.contacts.set(account_id, self.accounts.find(account_id).holder_id, phone, email)
        self.rows.move(application_id, APPROVED, account_id=account_id)
        self.audit.record("registration.approved", SYSTEM, application_id, account=account_id)
        self.contacts.tell(account_id, "application_approved")

    def _refuse(self, application_id: str, reason: str, phone: str) -> None:
        self.audit.record("registration.refused", SYSTEM, application_id, reason=reason)
        self.telling.emit("application.refused", application_id=application_id)
        # Only who is known by number, name, phone and face is told that there is an account.
        code = "registration_account_exists" if reason == "account_exists" else "registration_refused"
        self.telling.text(phone, code, "vi")

    def _seen(self, row: ApplicationRow) -> Registration:
        state = RECEIVED if row.state == RECEIVED else ANSWERED
        return Registration(row.id, state, row.due_at, self.clock.now() + POLL_EVERY)


class RegistrationWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def registrations(self) -> Registrations: ...


Transaction = Callable[[], AbstractContextManager[RegistrationWork]]


@dataclass(frozen=True, slots=True)
class RegistrationJob:
    """Decides what waits; built once per process. wait: how long a registration rests before it is decided."""

    write: Transaction
    read: Transaction
    clock: Clock
    wait: timedelta

    def run(self) -> bool:
        """Decide what is to be decided, each in a transaction of its own; return whether more may be waiting.

        Raises Unavailable when a register does not answer; what is left is for the next run.
        """
        with self.read() as work:
            waiting = work.registrations.rows.undecided(self.clock.now() - self.wait, AT_ONCE)
        for registration_id in waiting:
            with self.write() as work:
                work.registrations.decide(registration_id)
        return len(waiting) == AT_ONCE
