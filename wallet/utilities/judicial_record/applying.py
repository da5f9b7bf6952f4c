"""Who may apply for which certificate, for whom, and on what answers.

Source: Judicial Records Law 28/2009/QH12, articles 44 to 46; the amending law (from 1 July 2026: the right to apply
from 16 years of age); docs/domain.md, section 4.2.
"""

from wallet.utilities.base import Capacity, Case, ClaimsRejected, age_on, refuse
from wallet.utilities.judicial_record.entries import bans, contradictions, convictions
from wallet.utilities.judicial_record.history import faults

ADULT_AGE = 18
"""Source: Civil Code 91/2015/QH13, article 20."""

NEEDS_NO_AUTHORITY = frozenset({"parent", "spouse", "child"})


def accept(case: Case) -> None:
    """Refuse who may not apply, answers that cannot be, and a person whose record nobody knows."""
    if _age(case) < case.figures["applicant_age"]:  # nobody applies for them, in whatever way
        refuse(faults(case), {"birth_date": "too_young"})
    unentitled = _faults_of_applicant(case)
    # Whoever may not apply learns nothing of the record.
    refuse({**unentitled, **faults(case)}, {} if unentitled else _faults_of_record(case))


def look(case: Case) -> dict[str, str]:
    """Return what is wrong whatever registers state, as far as the answers can be read."""
    found = faults(case)
    if case.capacity is not Capacity.PROXY and case.answers.get("authority"):
        found["authority"] = "authority_not_needed"
    return found


def _faults_of_record(case: Case) -> dict[str, str]:
    try:
        convictions(case)
        no_2 = case.answers["kind"] == "no_2"
        if no_2 or case.answers.get("ban_information") is True:
            bans(case)
    except ClaimsRejected as refused:
        return {pointer.rpartition("/")[2]: code for pointer, code in refused.fields.items()}
    return contradictions(case) if no_2 else {}


def _faults_of_applicant(case: Case) -> dict[str, str]:
    kind, authority = case.answers["kind"], bool(case.answers.get("authority"))
    found = {}
    if kind == "no_2" and not _may_have_no_2(case):
        found["kind"] = "guardian_applies" if case.capacity is Capacity.SELF else "self_only"
        if case.capacity is Capacity.PROXY:
            return found  # there is no authority for it
    needed = case.capacity is Capacity.PROXY and case.relation not in NEEDS_NO_AUTHORITY
    if needed and not authority:
        found["authority"] = "authority_required"
    elif authority and not needed:
        found["authority"] = "authority_not_needed"
    return found


def _may_have_no_2(case: Case) -> bool:
    """Return whether No. 2 goes to who applies: the person, or for a minor the parent or guardian; nobody else."""
    if case.capacity is Capacity.SELF:
        return _age(case) >= case.figures["no_2_alone_from"]
    if case.capacity is Capacity.GUARDIAN:
        return True
    return case.relation == "parent" and _age(case) < ADULT_AGE


def _age(case: Case) -> int:
    """Return the age of whose record it is; 0 where no birth date is known."""
    born = case.fact("population", "birth_date")
    return 0 if born is None else age_on(born, case.today)
