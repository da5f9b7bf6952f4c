"""What the registers say of a registration from home: the first thing that speaks against it, or nothing.

Only who is known by number, name, birth date and phone can spend what counts against that number and phone, so that
nobody shuts anybody else out by typing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from wallet.clock import Clock
from wallet.enrolment.applications import LEVEL_1
from wallet.enrolment.biometrics import Modality
from wallet.enrolment.eligibility import Right, age_on, kind_of, needs_guardian, right_to
from wallet.enrolment.forms import sample_bytes
from wallet.enrolment.matching import Finding, Matching, papers
from wallet.errors import TooManyAttempts
from wallet.identity.account_states import AccountState
from wallet.identity.accounts import Accounts, HolderKind
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.sources.base import Fact, Ground
from wallet.terms import AccountLevel, Actor
from wallet.working_days import vietnamese_day

PER_PHONE, PER_NUMBER = 3, 5
DAY = timedelta(days=1)
SYSTEM = Actor("system", request_id="registrations")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the registers say of a registration. reason: the first thing that speaks against it, None for nothing.

    own_phone: whether the phone is in the name of whoever has the number, be they the one who is described or not.
    """

    reason: str | None
    own_phone: bool
    checks: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict, repr=False)
    kind: HolderKind = HolderKind.CITIZEN
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Judging:
    """Holds forms against the registers, in one transaction."""

    matching: Matching
    accounts: Accounts
    holders: Holders
    limits: Limits
    clock: Clock

    def judge(self, form: Mapping[str, Any], application_id: str) -> Judgement:
        """Hold a form against the registers, and stop at the first thing that speaks against it. Raises Unavailable."""
        ground = Ground("open_account", LEVEL_1, SYSTEM)
        today = vietnamese_day(self.clock.now())
        phone = self.matching.phone(form["number"], form["phone"], ground, application_id)
        own, checks = phone is Finding.OWN, {"phone": str(phone)}
        facts = self.matching.person(form, ground, application_id)
        if facts is None:
            return Judgement("person_unmatched", own, checks | {"person": Finding.UNMATCHED})
        number, kind = str(facts["number"]), kind_of(facts)
        checks["person"] = Finding.MATCHED
        if own and not self._may_try(number, form["phone"]):
            return Judgement("too_many_attempts", own, checks)
        if not facts["alive"]:
            return Judgement("deceased", own, checks | {"person": Finding.DECEASED})
        age = age_on(form["birth_date"], today)
        if needs_guardian(age) or right_to(AccountLevel.ONE, kind, age) is not Right.YES:
            return Judgement("needs_guardian", own, checks | {"age": Finding.NEEDS_GUARDIAN})
        card, valid_until = papers(self.matching.sources, facts, kind, today, ground, subject=application_id)
        checks["card"] = card
        if card is not Finding.VALID:
            return Judgement("card_not_valid", own, checks)
        if not own:
            return Judgement("phone_not_own", own, checks)
        sample = sample_bytes(form["face_sample"], "/face_sample")
        face = self.matching.likeness(number, {Modality.FACE: sample}, ground, application_id)[Modality.FACE]
        checks["face"] = face.finding
        scores = {} if face.score is None else {"face": face.score}
        if face.finding is not Finding.MATCHED:
            return Judgement("face_unmatched", own, checks, scores)
        reason = "account_exists" if self._has_account(facts) else None
        return Judgement(reason, own, checks, scores, facts, kind, valid_until)

    def _may_try(self, number: str, phone: str) -> bool:
        try:
            self.limits.count("registration-phone", phone, PER_PHONE, DAY)
            self.limits.count("registration-number", number, PER_NUMBER, DAY)
        except TooManyAttempts:
            return False
        return True

    def _has_account(self, facts: Mapping[str, Fact]) -> bool:
        """Return whether there is an account that a registration from home leaves as it is.

        One of level 1 that was never activated may be approved anew; what was proven in person is not replaced by
        what was stated at home.
        """
        holder_id = self.holders.recognise(facts, SYSTEM)
        account = None if holder_id is None else self.accounts.of_holder(holder_id)
        if account is None:
            return False
        return account.state not in (AccountState.PENDING, AccountState.APPROVED) or account.level >= AccountLevel.TWO
