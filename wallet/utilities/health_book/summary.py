"""Health summary: the groups that the holder chose, as far as the purpose that they chose needs them.

Source: Decision 1332/QĐ-BYT (2024), four groups of data; docs/domain.md, sections 4.3, 4.5 and 5.3.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wallet.utilities.base import Case, Claim, Claims, DocumentType, Kind, Layout, Paper, Section, Source
from wallet.utilities.health_book.records import (
    ALLERGY,
    DISEASE,
    NAMED,
    PERSON,
    Record,
    allergy,
    changed,
    closed,
    last4,
    lines,
    only,
    records,
)

INSURANCE = (
    "card_number",
    "insurance_number",
    "benefit_level",
    "insurance_valid_from",
    "insurance_valid_until",
    "first_care_facility",
)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "administrative": ("permanent_address", *INSURANCE),
    "history": ("blood_type", "diseases", "allergies", "vaccinations"),
    "visits": ("visits",),
    "treatment": ("treatments",),
}
"""Group of data to the claims that it holds."""

GROUP_WORDS = {
    "administrative": "Thông tin hành chính",
    "history": "Tiền sử bệnh tật, dị ứng, tiêm chủng",
    "visits": "Lần khám bệnh, chữa bệnh",
    "treatment": "Tóm tắt hồ sơ bệnh án",
}

VIEWS: Mapping[str, tuple[str, ...]] = {
    "emergency": ("blood_type", "diseases", "allergies"),
    "reception": INSURANCE,
    "school": ("vaccinations",),
    "insurer": (*INSURANCE, "visits"),
    "doctor": (*INSURANCE, *GROUPS["history"], "visits", "treatments"),
}
"""Purpose of a verifier to the claims that it needs, beside who the person is."""

PURPOSES: Mapping[str, tuple[str, ...]] = {
    **VIEWS,
    "own_use": tuple(name for names in GROUPS.values() for name in names),
}
"""Purpose that a holder may choose to the claims that a summary for it may state."""

PURPOSE_WORDS = {
    "emergency": "Cấp cứu",
    "reception": "Tiếp đón người bệnh",
    "school": "Nhập học",
    "insurer": "Giải quyết quyền lợi bảo hiểm",
    "doctor": "Khám bệnh, chữa bệnh",
    "own_use": "Lưu giữ cá nhân",
}

INSURED_PURPOSES = frozenset({"reception", "insurer"})
"""Purposes for which a summary is of no use without insurance in force (unconfirmed: a figure of the rules)."""

VACCINATION = ("vaccine", "dose", "on_day", "place")
VISIT = (
    "facility",
    "admitted_on",
    "discharged_on",
    "diagnosis",
    "diagnosis_code",
    "tests",
    "procedures",
    "surgery",
    "state",
)
ENDED = "Đã kết thúc"
OPEN = "Đang điều trị"
TREATMENT = ("facility", "admitted_on", "course", "treatment", "prescriptions", "follow_up_on", "doctor")
MANY = frozenset({"tests", "procedures", "prescriptions"})
"""Parts of a visit that are several lines."""


def chosen(case: Case) -> tuple[str, ...]:
    """Return the claims that the chosen groups hold and the chosen purpose needs, in the order of the groups."""
    needed = PURPOSES[case.answers["purpose"]]
    return tuple(name for group in groups(case) for name in GROUPS[group] if name in needed)


def groups(case: Case) -> tuple[str, ...]:
    """Return the chosen groups, each once, in the order of the law."""
    return tuple(group for group in GROUPS if group in case.answers["groups"])


def stated(case: Case) -> dict[str, Any]:
    """Return the chosen claims. A list that was chosen and that the book leaves empty is stated as empty."""
    book = _book(case)
    return {name: book[name] for name in chosen(case) if name in book}


def derive(case: Case) -> Claims:
    """Add what was chosen, for what, and out of which groups."""
    return {
        **last4(case),
        "purpose": PURPOSE_WORDS[case.answers["purpose"]],
        "groups": tuple(GROUP_WORDS[group] for group in groups(case)),
        **stated(case),
    }


def superseded(stated: Claims, case: Case) -> bool:
    """Return whether the book says something else now than a summary does: a newer visit ends one that tells visits,
    and leaves the one for the school alone."""
    book = _book(case)
    return changed(stated, {claim.name: book.get(claim.name) for claim in SUMMARY.claims if claim.basis == HEALTH})


def _book(case: Case) -> dict[str, Any]:
    insurance, health = Source.HEALTH_INSURANCE, Source.HEALTH_RECORDS
    visits = sorted(records(case, "visits"), key=lambda visit: visit["admitted_on"], reverse=True)
    single = {
        "permanent_address": case.fact(Source.RESIDENCE, "permanent_address"),
        "card_number": case.fact(insurance, "card_number"),
        "insurance_number": case.fact(insurance, "insurance_number"),
        "benefit_level": case.fact(insurance, "benefit_level"),
        "insurance_valid_from": case.fact(insurance, "valid_from"),
        "insurance_valid_until": case.fact(insurance, "valid_until"),
        "first_care_facility": case.fact(insurance, "first_care_facility"),
        "blood_type": case.fact(health, "blood_type"),
    }
    return {
        **{name: value for name, value in single.items() if value is not None},
        "diseases": tuple(only(each, DISEASE) for each in records(case, "diseases")),
        "allergies": tuple(allergy(each) for each in records(case, "allergies")),
        "vaccinations": tuple(only(each, VACCINATION) for each in records(case, "vaccinations")),
        "visits": tuple(
            _part({**visit, "state": ENDED if closed(visit, case.today) else OPEN}, VISIT) for visit in visits
        ),
        "treatments": tuple(_part(visit, TREATMENT) for visit in visits if closed(visit, case.today)),
    }


def _part(visit: Record, names: tuple[str, ...]) -> dict[str, Any]:
    return only({name: lines(value) if name in MANY else value for name, value in visit.items()}, names)


HEALTH = Source.HEALTH_RECORDS
INSURED = Source.HEALTH_INSURANCE

SUMMARY = DocumentType(
    code="health_summary",
    title={"vi": "Tóm tắt sổ sức khỏe điện tử", "en": "Health summary"},
    validity=timedelta(days=90),
    void_when=frozenset({HEALTH}),
    void_if=superseded,
    sensitive=True,
    derive=derive,
    views={purpose: (*NAMED, "purpose", *names) for purpose, names in VIEWS.items()},
    claims=(
        *PERSON,
        Claim(6, "purpose", paper=Paper.SHOWN),
        Claim(7, "groups", Kind.LIST),
        Claim(8, "permanent_address", required=False, basis=Source.RESIDENCE),
        Claim(9, "card_number", required=False, basis=INSURED),
        Claim(10, "insurance_number", required=False, basis=INSURED),
        Claim(11, "benefit_level", Kind.INT, required=False, basis=INSURED),
        Claim(12, "insurance_valid_from", Kind.DAY, required=False, basis=INSURED),
        Claim(13, "insurance_valid_until", Kind.DAY, required=False, basis=INSURED),
        Claim(14, "first_care_facility", required=False, basis=INSURED),
        Claim(15, "blood_type", required=False, basis=HEALTH),
        Claim(16, "diseases", Kind.RECORDS, required=False, basis=HEALTH, parts=DISEASE),
        Claim(17, "allergies", Kind.RECORDS, required=False, basis=HEALTH, parts=ALLERGY),
        Claim(18, "vaccinations", Kind.RECORDS, required=False, basis=HEALTH, parts=VACCINATION),
        Claim(19, "visits", Kind.RECORDS, required=False, basis=HEALTH, parts=VISIT),
        Claim(20, "treatments", Kind.RECORDS, required=False, basis=HEALTH, parts=TREATMENT),
    ),
    layout=Layout(
        sections=(
            Section("", ("full_name", "number", "birth_date", "sex", "purpose", "groups")),
            Section("administrative", GROUPS["administrative"]),
            Section("history", GROUPS["history"]),
            Section("visits", GROUPS["visits"]),
            Section("treatment", GROUPS["treatment"]),
        ),
        number="{serial}/{year}/TT-SKĐT",
        signatory="health_book",
    ),
)
