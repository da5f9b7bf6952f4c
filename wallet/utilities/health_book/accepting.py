"""What makes no paper: an id that the book does not know, a slip that is over, a visit still open, an empty book.

Source: docs/domain.md, sections 4.3 and 4.5, and case 18 of section 8.
"""

from wallet.utilities.base import Case, Source, refuse
from wallet.utilities.health_book.card import ALLERGY_CARD, allergies, severe_diseases
from wallet.utilities.health_book.records import closed
from wallet.utilities.health_book.slips import APPOINTMENT, REFERRAL, WHICH_APPOINTMENT, WHICH_REFERRAL
from wallet.utilities.health_book.summary import GROUPS, INSURED_PURPOSES, PURPOSES, SUMMARY, groups, stated
from wallet.utilities.health_book.visit import VISIT, WHICH_VISIT


def paper(case: Case) -> str:
    """Return the kind of document that was chosen."""
    return str(case.answers.get("paper", ""))


def accept(case: Case) -> None:
    """Refuse what the book cannot state. Raises AnswersRejected, ClaimsRejected, InvalidInput for both."""
    linked = case.fact(Source.HEALTH_RECORDS, "insurance_number")
    insured = case.fact(Source.HEALTH_INSURANCE, "insurance_number")
    if linked and insured and linked != insured:
        # Linked with another insurance: it may be somebody else's, of the same name and day, and nothing is told of it.
        refuse(look(case), {"insurance_number": "insurance_mismatch"})
    answers = _REFUSING[paper(case)](case)
    refuse(answers, _uninsured(case) if _needs_insurance(case) else {})


def look(case: Case) -> dict[str, str]:
    """Return that a summary was asked for groups of data that its purpose does not need."""
    purpose = case.answers.get("purpose")
    if purpose is None or "groups" not in case.answers:
        return {}
    needed = set(PURPOSES[purpose])
    return {} if all(set(GROUPS[group]) & needed for group in groups(case)) else {"groups": "not_for_purpose"}


def _needs_insurance(case: Case) -> bool:
    insured = case.figures.get("insured_purposes", INSURED_PURPOSES)
    return paper(case) == REFERRAL.code or case.answers.get("purpose") in insured


def _uninsured(case: Case) -> dict[str, str]:
    insured = Source.HEALTH_INSURANCE
    if not case.fact(insured, "insurance_number"):
        return {"insurance_number": "not_insured"}
    ends, begins = case.fact(insured, "valid_until"), case.fact(insured, "valid_from")
    if ends is not None and ends < case.today:
        return {"insurance_valid_until": "insurance_expired"}
    if begins is not None and begins > case.today:
        return {"insurance_valid_from": "insurance_not_begun"}
    return {}


def _summary(case: Case) -> dict[str, str]:
    wrong = look(case)
    if wrong or (_needs_insurance(case) and _uninsured(case)):
        return wrong  # without the insurance the book states less: what is missing then is no fault of the choice
    return {} if any(value != () for value in stated(case).values()) else {"groups": "nothing_recorded"}


def _referral(case: Case) -> dict[str, str]:
    slip = case.chosen(WHICH_REFERRAL)
    if slip is None:
        return {WHICH_REFERRAL.name: "unknown_referral"}
    return {WHICH_REFERRAL.name: "referral_expired"} if slip["valid_until"] < case.today else {}


def _appointment(case: Case) -> dict[str, str]:
    slip = case.chosen(WHICH_APPOINTMENT)
    if slip is None:
        return {WHICH_APPOINTMENT.name: "unknown_appointment"}
    return {WHICH_APPOINTMENT.name: "appointment_over"} if slip["on_day"] < case.today else {}


def _visit(case: Case) -> dict[str, str]:
    visit = case.chosen(WHICH_VISIT)
    if visit is None:
        return {WHICH_VISIT.name: "unknown_visit"}
    return {} if closed(visit, case.today) else {WHICH_VISIT.name: "visit_open"}


def _card(case: Case) -> dict[str, str]:
    known = case.fact(Source.HEALTH_RECORDS, "blood_type") or allergies(case) or severe_diseases(case)
    return {} if known else {"paper": "nothing_recorded"}


_REFUSING = {
    SUMMARY.code: _summary,
    REFERRAL.code: _referral,
    APPOINTMENT.code: _appointment,
    VISIT.code: _visit,
    ALLERGY_CARD.code: _card,
}
