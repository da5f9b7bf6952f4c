"""Referral and follow-up appointment: slips of a hospital, each with a last day of its own.

Source: docs/domain.md, section 4.3 (giấy chuyển tuyến, giấy hẹn khám lại).
"""

from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import Case, Claim, Claims, DocumentType, Field, Kind, Layout, Paper, Section, Source
from wallet.utilities.health_book.records import (
    ID,
    NAMED,
    PERSON,
    Record,
    changed,
    last4,
    of_book,
    stated_ones,
)

HEALTH = Source.HEALTH_RECORDS
INSURED = Source.HEALTH_INSURANCE

WHICH_REFERRAL = Field(
    "referral_id",
    size=(1, 64),
    pattern=ID,
    only_if=("paper", ("health_referral",)),
    one_of=(HEALTH, "referrals", "referral_id"),
)
WHICH_APPOINTMENT = Field(
    "appointment_id",
    size=(1, 64),
    pattern=ID,
    only_if=("paper", ("health_appointment",)),
    one_of=(HEALTH, "appointments", "appointment_id"),
)


def derive_referral(case: Case) -> Claims:
    """Add what the referral that was chosen states."""
    return {**last4(case), **stated_ones(_referral(case.chosen(WHICH_REFERRAL) or {}))}


def derive_appointment(case: Case) -> Claims:
    """Add what the appointment that was chosen states."""
    return {**last4(case), **stated_ones(_appointment(case.chosen(WHICH_APPOINTMENT) or {}))}


def referral_changed(stated: Claims, case: Case) -> bool:
    """Return whether the book says something else of this referral now, or has it no more."""
    return changed(stated, _referral(case.record(WHICH_REFERRAL, stated["referral_id"]) or {}))


def appointment_changed(stated: Claims, case: Case) -> bool:
    """Return whether the appointment was moved, taken back or changed otherwise."""
    return changed(stated, _appointment(case.record(WHICH_APPOINTMENT, stated["appointment_id"]) or {}))


def _referral(slip: Record) -> dict[str, Any]:
    return of_book(REFERRAL.claims, {**slip, "referred_on": slip.get("issued_on")})


def _appointment(slip: Record) -> dict[str, Any]:
    named = {**slip, "appointment_on": slip.get("on_day"), "booked_on": slip.get("issued_on")}
    return of_book(APPOINTMENT.claims, named)


def referral_until(case: Case) -> date | None:
    slip = case.chosen(WHICH_REFERRAL)
    return slip["valid_until"] if slip else None


def appointment_until(case: Case) -> date | None:
    slip = case.chosen(WHICH_APPOINTMENT)
    return slip["on_day"] if slip else None


INSURANCE = ("card_number", "insurance_number", "benefit_level", "insurance_valid_until", "first_care_facility")

REFERRAL = DocumentType(
    code="health_referral",
    title={"vi": "Giấy chuyển tuyến khám bệnh, chữa bệnh", "en": "Referral"},
    validity=timedelta(days=365),
    until=referral_until,
    void_when=frozenset({HEALTH}),
    void_if=referral_changed,
    sensitive=True,
    derive=derive_referral,
    views={
        "reception": (*NAMED, *INSURANCE, "referral_id", "from_facility", "to_facility", "referred_on", "valid_until"),
        "doctor": (
            *NAMED,
            "sex",
            "from_facility",
            "to_facility",
            "diagnosis",
            "reason",
            "referred_on",
            "valid_until",
            "doctor",
        ),
        "insurer": (*NAMED, *INSURANCE, "referral_id", "from_facility", "to_facility", "diagnosis", "valid_until"),
    },
    claims=(
        *PERSON,
        Claim(6, "card_number", source=INSURED, required=False),
        Claim(7, "insurance_number", source=INSURED),
        Claim(8, "benefit_level", Kind.INT, INSURED, required=False),
        Claim(9, "insurance_valid_until", Kind.DAY, INSURED, fact="valid_until"),
        Claim(10, "first_care_facility", source=INSURED, required=False),
        Claim(11, "referral_id", paper=Paper.REQUIRED, basis=HEALTH),
        Claim(12, "from_facility", paper=Paper.SHOWN, basis=HEALTH),
        Claim(13, "to_facility", paper=Paper.SHOWN, basis=HEALTH),
        Claim(14, "diagnosis", basis=HEALTH),
        Claim(15, "reason", required=False, basis=HEALTH),
        Claim(16, "referred_on", Kind.DAY, paper=Paper.SHOWN, basis=HEALTH),
        Claim(17, "valid_until", Kind.DAY, paper=Paper.REQUIRED, basis=HEALTH),
        Claim(18, "doctor", required=False, basis=HEALTH),
    ),
    layout=Layout(
        sections=(
            Section("", ("full_name", "number", "birth_date", "sex")),
            Section("insurance", INSURANCE),
            Section(
                "referral",
                (
                    "referral_id",
                    "from_facility",
                    "to_facility",
                    "diagnosis",
                    "reason",
                    "referred_on",
                    "valid_until",
                    "doctor",
                ),
            ),
        ),
        number="{serial}/{year}/GCT",
        signatory="facility",
    ),
)

APPOINTMENT = DocumentType(
    code="health_appointment",
    title={"vi": "Giấy hẹn khám lại", "en": "Follow-up appointment"},
    validity=timedelta(days=365),
    until=appointment_until,
    void_when=frozenset({HEALTH}),
    void_if=appointment_changed,
    sensitive=True,
    derive=derive_appointment,
    views={
        "reception": (*NAMED, "appointment_id", "facility", "department", "appointment_on", "insurance_number"),
        "doctor": (*NAMED, "sex", "facility", "department", "appointment_on", "reason", "booked_on", "doctor"),
    },
    claims=(
        *PERSON,
        Claim(6, "appointment_id", paper=Paper.REQUIRED, basis=HEALTH),
        Claim(7, "facility", paper=Paper.SHOWN, basis=HEALTH),
        Claim(8, "department", required=False, basis=HEALTH),
        Claim(9, "appointment_on", Kind.DAY, paper=Paper.REQUIRED, basis=HEALTH),
        Claim(10, "reason", required=False, basis=HEALTH),
        Claim(11, "doctor", required=False, basis=HEALTH),
        Claim(12, "booked_on", Kind.DAY, required=False, basis=HEALTH),
        Claim(13, "insurance_number", source=INSURED, required=False),
    ),
    layout=Layout(
        sections=(
            Section("", ("full_name", "number", "birth_date", "sex", "insurance_number")),
            Section(
                "appointment",
                ("appointment_id", "facility", "department", "appointment_on", "reason", "booked_on", "doctor"),
            ),
        ),
        number="{serial}/{year}/GHKL",
        signatory="facility",
    ),
)
