"""Level 1 from home: what someone states is taken in, matched with the registers afterwards, answered by message.

Whatever is typed, the answer at once is the same: nobody learns from it who exists, whose phone is whose, or who has an
account already. The outcome goes to the phone that was given: a refusal does not say what was wrong, and goes to that
phone only if it is in the name of whoever has that number.
Source: Decree 69/2024/NĐ-CP, articles 10 and 13; docs/domain.md, section 2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.jws import b64url_encode
from wallet.enrolment.applications import APPROVED, FOR_DESK, LEVEL_1, RECEIVED, REFUSED
from wallet.enrolment.biometrics import BiometricMatcher, Modality
from wallet.enrolment.consent import check_consent
from wallet.enrolment.forms import Forms, checked_birth, sample_bytes
from wallet.enrolment.judging import DAY, SYSTEM, Judgement, Judging
from wallet.enrolment.matching import Finding
from wallet.enrolment.models import ApplicationRow
from wallet.enrolment.repository import ApplicationRepository
from wallet.entropy import Entropy, new_id
from wallet.errors import InvalidInput, Malformed, NotFound, TooManyAttempts
from wallet.identity.accounts import Accounts
from wallet.identity.compact_jws import public_jwk
from wallet.identity.contacts import Contacts, normalised_phone
from wallet.identity.devices import activation_key
from wallet.identity.limits import Limits
from wallet.messages.telling import Telling
from wallet.terms import AccountLevel, Actor
from wallet.utilities.names import clean_name
from wallet.working_days import WorkingDays

DUE_DAYS = 1
POLL_EVERY = timedelta(seconds=30)
PER_BLOCK, REFUSALS_PER_PHONE = 30, 3
HOUR = timedelta(hours=1)
ROUNDS = 10
"""After so many rounds what cannot be decided is left to the desk."""
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
class Registrations:
    """Registrations from home, in one transaction."""

    rows: ApplicationRepository
    forms: Forms
    judging: Judging
    matcher: BiometricMatcher
    accounts: Accounts
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

    def undecided(self, received_before: datetime, most: int) -> list[str]:
        """Return the ids of what is to be decided, the oldest first."""
        return self.rows.undecided(received_before, most)

    def decide(self, registration_id: str) -> bool:
        """Decide a registration and tell whoever made it; return whether this call did.

        Raises Unavailable when a register does not answer, Conflict when another transaction was first with the same
        person: then it stays undecided.
        """
        row = self.rows.get(registration_id)
        if row is None or row.kind != LEVEL_1 or row.state != RECEIVED or row.sealed_form is None:
            return False
        form = self.forms.open(row.id, row.sealed_form)
        found = self.judging.judge(form, row.id)
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
            self._refuse(row.id, found, form["phone"])
        else:
            self._approve(row.id, found, form)
        return True

    def put_off(self, registration_id: str) -> None:
        """Note that a registration could not be decided in this round; after the last one it is left to the desk."""
        row = self.rows.get(registration_id)
        if row is None or row.state != RECEIVED:
            return
        rounds = row.matching.get("rounds", 0) + 1
        noted = {**row.matching, "rounds": rounds}
        if rounds < ROUNDS:
            self.rows.move(row.id, RECEIVED, matching=noted)
            return
        self.rows.move(row.id, RECEIVED, reason=FOR_DESK, matching={**noted, "checks": {"person": Finding.UNDECIDED}})
        self.audit.record("registration.left_to_desk", SYSTEM, row.id)

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
            "face_sample": b64url_encode(sample).decode(),
        }

    def _approve(self, application_id: str, found: Judgement, form: Mapping[str, Any]) -> None:
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
        self.accounts.approve(
            account_id,
            AccountLevel.ONE,
            SYSTEM,
            valid_until=found.valid_until,
            activation_key=activation_key(form["device_id"], form["public_key"]),
        )
        if not self.contacts.has_phone(account_id, phone):
            # Approved before and never activated: the phone that was checked just now is the one that counts.
            self.contacts.set(account_id, self.accounts.find(account_id).holder_id, phone, email)
        self.rows.move(application_id, APPROVED, account_id=account_id)
        self.audit.record("registration.approved", SYSTEM, application_id, account=account_id)
        self.contacts.tell(account_id, "application_approved")

    def _refuse(self, application_id: str, found: Judgement, phone: str) -> None:
        self.audit.record("registration.refused", SYSTEM, application_id, reason=found.reason)
        self.telling.emit("application.refused", application_id=application_id)
        if found.own_phone and self._may_text(phone):
            # Only who is known by number, name, phone and face is told that there is an account.
            exists = found.reason == "account_exists"
            self.telling.text(phone, "registration_account_exists" if exists else "registration_refused", "vi")

    def _may_text(self, phone: str) -> bool:
        """Return whether a phone may get one more refusal today: a stranger may know whose it is, too."""
        try:
            self.limits.count("registration-refusal", phone, REFUSALS_PER_PHONE, DAY)
        except TooManyAttempts:
            return False
        return True

    def _seen(self, row: ApplicationRow) -> Registration:
        state = RECEIVED if row.state == RECEIVED else ANSWERED
        return Registration(row.id, state, row.due_at, self.clock.now() + POLL_EVERY)
