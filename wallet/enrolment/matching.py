"""Holding what someone states against the registers: who they are, their card, their phone, their face and fingers.

What comes out is codes and scores; what was compared is kept by nobody here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from wallet.enrolment.biometrics import BiometricMatcher, Modality, Thresholds
from wallet.identity.accounts import HolderKind
from wallet.sources.base import Fact, Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.utilities.names import same_name


class Finding(StrEnum):
    """What a comparison found."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    DECEASED = "deceased"
    TOO_YOUNG = "too_young"
    NEEDS_GUARDIAN = "needs_guardian"
    VALID = "valid"
    NONE = "none"
    EXPIRED = "expired"
    DIFFERS = "differs"
    OWN = "own"
    NOT_OWN = "not_own"
    GUARDIANS_OWN = "guardians_own"
    NO_REFERENCE = "no_reference"
    COLLECTED = "collected"
    UNDECIDED = "undecided"


GOOD = frozenset({Finding.MATCHED, Finding.VALID, Finding.OWN, Finding.GUARDIANS_OWN, Finding.COLLECTED})
"""What does not stand in the way of an approval."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a matcher said of one capture. score: None where there was nothing to compare with."""

    finding: Finding
    score: float | None = None


def papers(
    sources: Sources, facts: Mapping[str, Fact], kind: HolderKind, today: date, ground: Ground, *, subject: str
) -> tuple[Finding, date | None]:
    """Return how a person's card or residence permit stands today, and its last day; None where it has none.

    facts: of the population register. Raises Unavailable("source_unavailable").
    """
    if kind is HolderKind.CITIZEN:
        expires = facts.get("card_expires")
        return card_on(facts, today), expires if isinstance(expires, date) else None
    permit = sources.find(RegisterCode.IMMIGRATION, str(facts["number"]), ground, subject=subject)
    return (Finding.NONE, None) if permit is None else (permit_on(permit, today), permit_end(permit))


def card_on(facts: Mapping[str, Fact], today: date) -> Finding:
    """Return whether the population register knows a card that is valid today. One without an end never ends."""
    issued, expires = facts.get("card_issued"), facts.get("card_expires")
    if not isinstance(issued, date):
        return Finding.NONE
    return Finding.EXPIRED if isinstance(expires, date) and expires < today else Finding.VALID


def permit_on(facts: Mapping[str, Fact], today: date) -> Finding:
    """Return whether residence card and passport are both valid today. facts: of the immigration register."""
    return Finding.EXPIRED if permit_end(facts) < today else Finding.VALID


def permit_end(facts: Mapping[str, Fact]) -> date:
    """Return the last day on which both residence card and passport are valid."""
    return min(day for day in (facts["permit_expires"], facts["passport_expires"]) if isinstance(day, date))


@dataclass(frozen=True, slots=True)
class Matching:
    """The comparisons of one transaction."""

    sources: Sources
    matcher: BiometricMatcher
    thresholds: Thresholds

    def person(self, form: Mapping[str, Any], ground: Ground, subject: str) -> Mapping[str, Fact] | None:
        """Return what the population register states of whom a form describes; None where it is somebody else.

        form: `number`, 12 digits, current or former (the facts bear the current one); `full_name`; `birth_date`:
        `YYYY-MM-DD`, or `YYYY`, which matches where the register knows no more than the year. Alive or not is the
        caller's to look at. Raises Unavailable("source_unavailable").
        """
        facts = self.sources.find(RegisterCode.POPULATION, form["number"], ground, subject=subject)
        if facts is None:
            return None
        born = facts["birth_date"]
        known = born.isoformat() if isinstance(born, date) else str(born)
        same = known == form["birth_date"] and same_name(str(facts["full_name"]), form["full_name"])
        return facts if same else None

    def phone(self, number: str, phone: str, ground: Ground, subject: str) -> Finding:
        """Return whether the phone is in the person's own name. phone: E.164."""
        facts = self.sources.find(RegisterCode.SUBSCRIBERS, number, ground, subject=subject) or {}
        phones = facts.get("phones")
        return Finding.OWN if isinstance(phones, tuple) and phone in phones else Finding.NOT_OWN

    def likeness(
        self, number: str, samples: Mapping[Modality, bytes], ground: Ground, subject: str
    ) -> dict[Modality, Likeness]:
        """Return, for each capture, whether it is of the person with this number. Raises InvalidInput."""
        facts = self.sources.find(RegisterCode.BIOMETRICS, number, ground, subject=subject) or {}
        return {modality: self._likeness(modality, sample, facts) for modality, sample in samples.items()}

    def _likeness(self, modality: Modality, sample: bytes, facts: Mapping[str, Fact]) -> Likeness:
        reference = facts.get(str(modality))
        if not isinstance(reference, bytes):
            return Likeness(Finding.NO_REFERENCE)
        score = round(self.matcher.compare(modality, sample, reference), 4)
        enough = score >= self.thresholds.of(modality)
        return Likeness(Finding.MATCHED if enough else Finding.UNMATCHED, score)
