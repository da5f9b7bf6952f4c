"""Holding what someone states against the registers: who they are, their card, their phone, their face and fingers.

What comes out is codes and scores; what was compared is kept by nobody here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from wallet.enrolment.biometrics import BiometricMatcher, Modality, Thresholds
from wallet.enrolment.names import same_name
from wallet.errors import NotFound
from wallet.sources.base import Fact, Ground, RegisterCode
from wallet.sources.reading import Sources


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


def match_person(
    sources: Sources, number: str, full_name: str, birth_date: str, ground: Ground, *, subject: str
) -> Mapping[str, Fact] | None:
    """Return what the population register states of the person with this number, name and birth date, else None.

    number: 12 digits, current or former; the facts bear the current one. birth_date: `YYYY-MM-DD`, or `YYYY`, which
    matches where the register knows no more than the year. Alive or not is the caller's to look at.
    Raises Unavailable("source_unavailable").
    """
    try:
        facts = sources.read(RegisterCode.POPULATION, number, ground, subject=subject).values
    except NotFound:
        return None
    born = facts["birth_date"]
    known = born.isoformat() if isinstance(born, date) else str(born)
    return facts if known == birth_date and same_name(str(facts["full_name"]), full_name) else None


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

    def read(self, code: RegisterCode, number: str, ground: Ground, subject: str) -> Mapping[str, Fact] | None:
        """Return what a register states; None where it does not know the person. Raises Unavailable."""
        try:
            return self.sources.read(code, number, ground, subject=subject).values
        except NotFound:
            return None

    def phone(self, number: str, phone: str, ground: Ground, subject: str) -> Finding:
        """Return whether the phone is in the person's own name. phone: E.164."""
        facts = self.read(RegisterCode.SUBSCRIBERS, number, ground, subject) or {}
        phones = facts.get("phones")
        return Finding.OWN if isinstance(phones, tuple) and phone in phones else Finding.NOT_OWN

    def likeness(
        self, number: str, samples: Mapping[Modality, bytes], ground: Ground, subject: str
    ) -> dict[Modality, Likeness]:
        """Return, for each capture, whether it is of the person with this number. Raises InvalidInput."""
        facts = self.read(RegisterCode.BIOMETRICS, number, ground, subject) or {}
        return {modality: self._likeness(modality, sample, facts) for modality, sample in samples.items()}

    def _likeness(self, modality: Modality, sample: bytes, facts: Mapping[str, Fact]) -> Likeness:
        reference = facts.get(str(modality))
        if not isinstance(reference, bytes):
            return Likeness(Finding.NO_REFERENCE)
        score = round(self.matcher.compare(modality, sample, reference), 4)
        enough = score >= self.thresholds.of(modality)
        return Likeness(Finding.MATCHED if enough else Finding.UNMATCHED, score)
