"""What the registers and the matcher say of an application at a desk: everything, not only the first thing.

What was compared is kept as codes and scores; captures never are. Source: docs/domain.md, section 2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from wallet.clock import Clock
from wallet.enrolment.applications import LEVEL_2
from wallet.enrolment.biometrics import Modality
from wallet.enrolment.companions import Companion, Companions
from wallet.enrolment.eligibility import Right, age_of, kind_of, needs_guardian, right_to
from wallet.enrolment.matching import Finding, Likeness, Matching, card_on, permit_on
from wallet.enrolment.tk01 import ApplicationOrder, CardShown, ForeignPapers
from wallet.errors import InvalidInput
from wallet.identity.accounts import HolderKind
from wallet.sources.base import Fact, Ground, RegisterCode, numbers_of
from wallet.terms import AccountLevel, Actor
from wallet.working_days import vietnamese_day

DUE_DAYS, DUE_DAYS_LATE = 3, 7
"""Working days: with a valid card (or captures on file for a foreigner), and without."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the registers say of an applicant."""

    checks: dict[str, str]
    scores: dict[str, float]
    days: int
    facts: Mapping[str, Fact] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Comparing:
    """The comparisons at a desk, in one transaction."""

    matching: Matching
    companions: Companions
    clock: Clock

    def compare(
        self,
        order: ApplicationOrder,
        form: Mapping[str, Any],
        samples: Mapping[Modality, bytes],
        application_id: str,
        actor: Actor,
    ) -> Found:
        """Hold everything that was stated against the registers; unlike from home, nothing is left out."""
        ground, today = Ground("open_account", LEVEL_2, actor), vietnamese_day(self.clock.now())
        facts = self.matching.person(form, ground, application_id)
        if facts is None:
            return Found({"person": Finding.UNMATCHED}, {}, DUE_DAYS_LATE)
        number, kind = str(facts["number"]), kind_of(facts)
        if (kind is HolderKind.FOREIGNER) != (order.foreigner is not None):
            raise InvalidInput({"/foreigner": "wrong_papers"})
        age, companion = age_of(facts, today), None
        if needs_guardian(age):
            companion = self.companions.find(facts, order.guardian_number, ground, application_id)
            phone = self.companions.phone(companion, form["phone"], ground, application_id)
        else:
            phone = self.matching.phone(number, form["phone"], ground, application_id)
        checks = {
            "person": Finding.MATCHED if facts["alive"] else Finding.DECEASED,
            "age": _may_have(kind, age, companion),
            "phone": phone,
        }
        on_file = True
        if order.foreigner is None:
            checks["card"] = _card_shown(order.card, facts, today)
            days = DUE_DAYS if checks["card"] is Finding.VALID else DUE_DAYS_LATE
        else:
            permit = self.matching.sources.find(RegisterCode.IMMIGRATION, number, ground, subject=application_id)
            on_file = permit is None or bool(permit["biometrics_on_file"])
            checks["card"] = _papers_shown(order.foreigner, permit, today)
            days = DUE_DAYS if permit is not None and on_file else DUE_DAYS_LATE
        likeness = self.matching.likeness(number, samples, ground, application_id)
        if not on_file:
            # The immigration office takes them for its own register now: there is nothing to compare with yet.
            likeness = {modality: Likeness(Finding.COLLECTED) for modality in samples}
        checks |= {str(modality): each.finding for modality, each in likeness.items()}
        scores = {str(modality): each.score for modality, each in likeness.items() if each.score is not None}
        return Found({name: str(finding) for name, finding in checks.items()}, scores, days, facts)


def _may_have(kind: HolderKind, age: int, companion: Companion | None) -> Finding:
    """Return whether somebody of this age may have an account of level 2, and whether who has to came with them."""
    if right_to(AccountLevel.TWO, kind, age) is Right.NO:
        return Finding.TOO_YOUNG
    return Finding.NEEDS_GUARDIAN if needs_guardian(age) and companion is None else Finding.MATCHED


def _card_shown(card: CardShown | None, facts: Mapping[str, Fact], today: date) -> Finding:
    """Return whether the card on the desk is the one on record, and valid."""
    known = card_on(facts, today)
    if card is None or known is not Finding.VALID:
        return Finding.NONE if card is None else known
    same = card.number in numbers_of(facts) and card.issued == facts["card_issued"]
    return Finding.VALID if same else Finding.DIFFERS


def _papers_shown(papers: ForeignPapers, permit: Mapping[str, Fact] | None, today: date) -> Finding:
    """Return whether passport and residence card on the desk are those on record, and valid."""
    if permit is None:
        return Finding.UNMATCHED
    names = ("passport_number", "permit_number", "permit_kind", "permit_expires")
    if any(getattr(papers, name) != permit[name] for name in names):
        return Finding.DIFFERS
    return permit_on(permit, today)
