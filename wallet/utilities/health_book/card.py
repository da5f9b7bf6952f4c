"""Card for emergencies: blood type, allergies and severe diseases, small enough for a code on paper.

A stretcher has no network and no unlocked phone, so that what matters stands in the printed code itself: short lines,
the worst first. Whoever prints it shows it to everybody; the holder is told so. A card that tells less than the book
does is dangerous: it ends when the book says something else of what it tells, and not with any other visit.
"""

from collections.abc import Sequence
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
    last4,
    only,
    records,
)

HEALTH = Source.HEALTH_RECORDS

SEVERE_CODES = (
    "D66",
    "D67",
    "D68",
    "E10",
    "E11",
    "E27",
    "G40",
    "I20",
    "I21",
    "I25",
    "I48",
    "I50",
    "I60",
    "I61",
    "I63",
    "J44",
    "J45",
    "N18",
    "Z94",
)
"""Beginnings of ICD-10 codes that change what is done in the first minutes: bleeding, sugar, fits, heart, stroke,
breath, kidneys, grafts. What brings its bearer harm when strangers read it (B20 to B24, C, F) is left out on purpose.
Unconfirmed, and therefore a figure of the rules."""

UNKNOWN_BLOOD = "Chưa xác định"
MOST_ALLERGIES = 4
MOST_DISEASES = 3
MOST_LETTERS = 30
"""Lines, and letters of one: together what still fits a printed code under the longest legal name."""

_WORST_FIRST = ("severe", "nặng", "moderate", "vừa", "mild", "nhẹ")


def severe_diseases(case: Case) -> tuple[Record, ...]:
    """Return the diseases that a card names, in the order of the register."""
    beginnings = tuple(case.figures.get("severe_codes", SEVERE_CODES))
    return tuple(each for each in records(case, "diseases") if str(each.get("code", "")).startswith(beginnings))


def allergies(case: Case) -> tuple[Record, ...]:
    """Return the allergies, the worst first."""
    return tuple(sorted(records(case, "allergies"), key=_rank))


def derive(case: Case) -> Claims:
    """Add the lines that are printed, and the records they were made of."""
    return {**last4(case), **printed(case)}


def printed(case: Case) -> dict[str, Any]:
    """Return what the book says now of what a card tells."""
    told = tuple(allergy(each) for each in allergies(case))
    return {
        "blood_type": case.fact(HEALTH, "blood_type") or UNKNOWN_BLOOD,
        "allergies": short([_allergy(each) for each in told], MOST_ALLERGIES),
        "severe_diseases": short([_disease(each) for each in severe_diseases(case)], MOST_DISEASES),
        "allergy_details": told,
        "disease_details": tuple(only(each, DISEASE) for each in severe_diseases(case)),
    }


def short(stated: Sequence[str], most: int) -> tuple[str, ...]:
    """Return lines that fit: each cut visibly, and the last one saying how many more there are. most: lines."""
    cut = [line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 1].rstrip() + "…" for line in stated]
    if len(cut) <= most:
        return tuple(cut)
    return (*cut[: most - 1], f"và {len(cut) - most + 1} mục khác")


def _rank(stated: Record) -> int:
    severity = str(stated.get("severity", "")).lower()
    return _WORST_FIRST.index(severity) if severity in _WORST_FIRST else len(_WORST_FIRST)


def _allergy(stated: Record) -> str:
    """Return substance and severity, and the reaction last: it is the one that may be cut."""
    severity = f" ({stated['severity']})" if stated.get("severity") else ""
    reaction = f": {stated['reaction']}" if stated.get("reaction") else ""
    return f"{stated['substance']}{severity}{reaction}"


def _disease(stated: Record) -> str:
    return f"{stated['name']} ({stated['code']})"


ALLERGY_CARD = DocumentType(
    code="allergy_card",
    void_when=frozenset({HEALTH}),
    void_if=lambda stated, case: changed(stated, printed(case)),
    supersedes=True,
    title={"vi": "Thẻ dị ứng và bệnh nặng dùng khi cấp cứu", "en": "Emergency card: allergies and severe diseases"},
    validity=timedelta(days=1095),
    sensitive=True,
    derive=derive,
    views={
        "emergency": (*NAMED, "sex", "blood_type", "allergies", "severe_diseases"),
        "doctor": (*NAMED, "sex", "blood_type", "allergy_details", "disease_details"),
        "school": (*NAMED, "allergies", "severe_diseases"),
    },
    claims=(
        *PERSON[:3],
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION, Paper.REQUIRED),
        PERSON[4],
        Claim(6, "blood_type", paper=Paper.REQUIRED, basis=HEALTH),
        Claim(7, "allergies", Kind.LIST, paper=Paper.REQUIRED, basis=HEALTH),
        Claim(8, "severe_diseases", Kind.LIST, paper=Paper.REQUIRED, basis=HEALTH),
        Claim(
            9,
            "allergy_details",
            Kind.RECORDS,
            required=False,
            basis=HEALTH,
            parts=ALLERGY,
        ),
        Claim(10, "disease_details", Kind.RECORDS, required=False, basis=HEALTH, parts=DISEASE),
    ),
    layout=Layout(
        sections=(
            Section("", ("full_name", "number_last4", "birth_date", "sex")),
            Section("emergency", ("blood_type", "allergies", "severe_diseases")),
        ),
        number="{serial}/{year}/TDU",
        signatory="health_book",
        bilingual=True,
    ),
)
