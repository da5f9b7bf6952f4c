"""What makes no paper: an id that the book does not know, a slip that is over, a visit still open, an empty book.

Source: docs/domain.md, sections 4.3 and 4.5, and case 18 of section 8.
"""

from wallet.utilities.base import AnswersRejected, Case, ClaimsRejected, Source
from wallet.utilities.health_book.card import ALLERGY_CARD, allergies, severe_diseases
from wallet.utilities.health_book.records import closed
from wallet.utilities.health_book.slips import APPOINTMENT, REFERRAL, WHICH_APPOINTMENT, WHICH_REFERRAL
from wallet.utilities.health_book.summary import GROUPS, INSURED_PURPOSES, PURPOSES, SUMMARY, groups, stated
from wallet.utilities.health_book.visit import VISIT, WHICH_VISIT


def paper(case: Case) -> str:
    """Return the kind of document that was chosen."""
    return str(case.answers.get("paper", ""))


def accept(case: Case) -> None:
    """Refuse what the book cannot state. Raises AnswersRejected, ClaimsRejected."""
    _assert_own(case)
    _ACCEPTING[paper(case)](case)


def _assert_own(case: Case) -> None:
    """Refuse a book that is linked with another insurance: it may be somebody else's, of the same name and day."""
    linked = case.fact(Source.HEALTH_RECORDS, "insurance_number")
    insured = case.fact(Source.HEALTH_INSURANCE, "insurance_number")
    if linked and insured and linked != insured:
        raise ClaimsRejected(insurance_number="insurance_mismatch")


def _assert_insured(case: Case) -> None:
    insured = Source.HEALTH_INSURANCE
    if not case.fact(insured, "insurance_number"):
        raise ClaimsRejected(insurance_number="not_insured")
    ends, begins = case.fact(insured, "valid_until"), case.fact(insured, "valid_from")
    if ends is not None and ends < case.today:
        raise ClaimsRejected(insurance_valid_until="insurance_expired")
    if begins is not None and begins > case.today:
        raise ClaimsRejected(insurance_valid_from="insurance_not_begun")


def _summary(case: Case) -> None:
    needed = PURPOSES[case.answers["purpose"]]
    if any(not set(GROUPS[group]) & set(needed) for group in groups(case)):
        raise AnswersRejected({"groups": "not_for_purpose"})
    if case.answers["purpose"] in case.figures.get("insured_purposes", INSURED_PURPOSES):
        _assert_insured(case)
    if not any(value != () for value in stated(case).values()):
        raise AnswersRejected({"groups": "nothing_recorded"})


def _referral(case: Case) -> None:
    slip = case.chosen(WHICH_REFERRAL)
    if slip is None:
        raise AnswersRejected({WHICH_REFERRAL.name: "unknown_referral"})
    if slip["valid_until"] < case.today:
        raise AnswersRejected({WHICH_REFERRAL.name: "referral_expired"})
    _assert_insured(case)


def _appointment(case: Case) -> None:
    slip = case.chosen(WHICH_APPOINTMENT)
    if slip is None:
        raise AnswersRejected({WHICH_APPOINTMENT.name: "unknown_appointment"})
    if slip["on_day"] < case.today:
        raise AnswersRejected({WHICH_APPOINTMENT.name: "appointment_over"})


def _visit(case: Case) -> None:
    visit = case.chosen(WHICH_VISIT)
    if visit is None:
        raise AnswersRejected({WHICH_VISIT.name: "unknown_visit"})
    if not closed(visit, case.today):
        raise AnswersRejected({WHICH_VISIT.name: "visit_open"})


def _card(case: Case) -> None:
    known = case.fact(Source.HEALTH_RECORDS, "blood_type") or allergies(case) or severe_diseases(case)
    if not known:
        raise AnswersRejected({"paper": "nothing_recorded"})


_ACCEPTING = {
    SUMMARY.code: _summary,
    REFERRAL.code: _referral,
    APPOINTMENT.code: _appointment,
    VISIT.code: _visit,
    ALLERGY_CARD.code: _card,
}
