"""One visit as a document of its own: what was found and done, and the summary of the record.

Source: docs/domain.md, section 4.3 (each visit can be downloaded; groups 3 and 4 of the data).
"""

from datetime import timedelta
from typing import Any

from wallet.utilities.base import Case, Claim, Claims, DocumentType, Field, Kind, Layout, Paper, Section, Source
from wallet.utilities.health_book.records import (
    ID,
    NAMED,
    PERSON,
    Record,
    changed,
    last4,
    lines,
    of_book,
    stated_ones,
)

HEALTH = Source.HEALTH_RECORDS

WHICH_VISIT = Field(
    "visit_id",
    size=(1, 64),
    pattern=ID,
    only_if=("paper", ("health_visit",)),
    one_of=(HEALTH, "visits", "visit_id"),
)


def derive(case: Case) -> Claims:
    """Add what the visit that was chosen states."""
    return {**last4(case), **stated_ones(_book(case.chosen(WHICH_VISIT) or {}))}


def visit_changed(stated: Claims, case: Case) -> bool:
    """Return whether the book says something else of this visit now, or has it no more; another visit is no change."""
    return changed(stated, _book(case.record(WHICH_VISIT, stated["visit_id"]) or {}))


def _book(visit: Record) -> dict[str, Any]:
    many = {claim.name for claim in VISIT.claims if claim.kind is Kind.LIST}
    return of_book(VISIT.claims, {name: lines(value) if name in many else value for name, value in visit.items()})


FOUND = ("diagnosis", "diagnosis_code", "tests", "procedures", "surgery")
TREATED = ("course", "treatment", "prescriptions", "follow_up_on", "doctor")
STAY = ("visit_id", "facility", "admitted_on", "discharged_on")

VISIT = DocumentType(
    code="health_visit",
    title={"vi": "Kết quả lần khám bệnh, chữa bệnh", "en": "Record of a visit"},
    validity=timedelta(days=365),
    void_when=frozenset({HEALTH}),
    void_if=visit_changed,
    sensitive=True,
    derive=derive,
    views={
        "doctor": (*NAMED, "sex", *STAY, *FOUND, *TREATED),
        "insurer": (*NAMED, *STAY, "diagnosis", "diagnosis_code", "procedures", "surgery"),
    },
    claims=(
        *PERSON,
        Claim(6, "visit_id", paper=Paper.REQUIRED, basis=HEALTH),
        Claim(7, "facility", paper=Paper.SHOWN, basis=HEALTH),
        Claim(8, "admitted_on", Kind.DAY, paper=Paper.SHOWN, basis=HEALTH),
        Claim(9, "discharged_on", Kind.DAY, paper=Paper.SHOWN, required=False, basis=HEALTH),
        Claim(10, "diagnosis", basis=HEALTH),
        Claim(11, "diagnosis_code", required=False, basis=HEALTH),
        Claim(12, "tests", Kind.LIST, required=False, basis=HEALTH),
        Claim(13, "procedures", Kind.LIST, required=False, basis=HEALTH),
        Claim(14, "surgery", required=False, basis=HEALTH),
        Claim(15, "course", required=False, basis=HEALTH),
        Claim(16, "treatment", required=False, basis=HEALTH),
        Claim(17, "prescriptions", Kind.LIST, required=False, basis=HEALTH),
        Claim(18, "follow_up_on", Kind.DAY, required=False, basis=HEALTH),
        Claim(19, "doctor", required=False, basis=HEALTH),
    ),
    layout=Layout(
        sections=(
            Section("", ("full_name", "number", "birth_date", "sex")),
            Section("visit", (*STAY, *FOUND)),
            Section("treatment", TREATED),
        ),
        number="{serial}/{year}/KCB",
        signatory="facility",
    ),
)
