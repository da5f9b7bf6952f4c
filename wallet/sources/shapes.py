"""What each register may state, fact by fact: a partner's answer of another shape is refused before anybody sees it.

A shape maps the name of a fact to its kind, or to a shape of its own where the fact is a list of records.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from wallet.sources.base import RegisterCode


class FactKind(StrEnum):
    """What a fact is on the wire, in JSON."""

    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    DAY = "day"
    """`yyyy-mm-dd`."""
    BIRTH = "birth"
    """`yyyy-mm-dd`, or `yyyy` where only the year is known."""
    TEXTS = "texts"
    BYTES = "bytes"
    """Base64."""


Shape = Mapping[str, Any]
"""Name to FactKind, or to a Shape for records."""

_T, _D = FactKind.TEXT, FactKind.DAY

SHAPES: Mapping[str, Shape] = {
    RegisterCode.POPULATION: {
        **dict.fromkeys(
            (
                "number", "cmnd", "full_name", "family_name", "middle_name", "given_name", "sex", "nationality",
                "ethnicity", "religion", "native_place", "birth_registration_place", "father_number", "mother_number",
                "spouse_number", "guardian_number", "father_name", "mother_name", "spouse_name", "other_names",
            ),
            _T,
        ),
        **dict.fromkeys(("died_on", "card_issued", "card_expires"), _D),
        "former_numbers": FactKind.TEXTS,
        "exemptions": FactKind.TEXTS,
        "birth_date": FactKind.BIRTH,
        "alive": FactKind.BOOL,
    },
    RegisterCode.RESIDENCE: {
        **dict.fromkeys(
            (
                "permanent_address", "permanent_commune", "permanent_commune_code", "permanent_province",
                "permanent_province_code", "permanent_old_address", "temporary_address", "temporary_commune",
                "temporary_commune_code", "temporary_province", "temporary_province_code", "current_address",
                "current_commune", "current_commune_code", "current_province", "current_province_code",
                "household_head_name", "household_head_number", "relation_to_head",
            ),
            _T,
        ),
        **dict.fromkeys(("permanent_since", "temporary_since", "temporary_until"), _D),
        "household_members": {
            **dict.fromkeys(("full_name", "sex", "relation", "number_last4"), _T), "birth_date": FactKind.BIRTH,
        },
        "residence_history": {"from_day": _D, "to_day": _D, "address": _T, "kind": _T},
    },
    RegisterCode.SUBSCRIBERS: {"phones": FactKind.TEXTS},
    RegisterCode.BIOMETRICS: {"face": FactKind.BYTES, "finger": FactKind.BYTES},
    RegisterCode.PORTRAITS: {"portrait_hash": _T},
    RegisterCode.IMMIGRATION: {
        **dict.fromkeys(("permit_kind", "permit_number", "passport_number"), _T),
        **dict.fromkeys(("permit_expires", "passport_expires"), _D),
        "biometrics_on_file": FactKind.BOOL,
    },
    RegisterCode.BUSINESSES: {
        **dict.fromkeys(
            ("enterprise_code", "tax_code", "name", "head_office", "representative_number", "state"), _T
        ),
        "founded_on": _D,
    },
    RegisterCode.CARDS: {**dict.fromkeys(("serial", "number", "state"), _T), "issued": _D, "expires": _D},
    RegisterCode.CRIMINAL_RECORDS: {
        "convictions": {
            **dict.fromkeys(
                ("judgment_number", "court", "offence", "penalty", "civil_duties", "court_fees", "execution"), _T
            ),
            "judged_on": _D,
            "expunged_on": _D,
        },
        "bans": {
            **dict.fromkeys(("decision_number", "court", "posts"), _T),
            **dict.fromkeys(("decided_on", "from_day", "until_day"), _D),
        },
    },
    RegisterCode.HEALTH_INSURANCE: {
        **dict.fromkeys(("card_number", "insurance_number", "first_care_facility", "full_name", "sex"), _T),
        **dict.fromkeys(("valid_from", "valid_until"), _D),
        "benefit_level": FactKind.INT,
        "birth_date": FactKind.BIRTH,
    },
    RegisterCode.HEALTH_RECORDS: {
        **dict.fromkeys(("full_name", "insurance_number", "blood_type"), _T),
        "birth_date": FactKind.BIRTH,
        "diseases": {"name": _T, "code": _T, "since": _D},
        "allergies": dict.fromkeys(("substance", "reaction", "severity"), _T),
        "vaccinations": {"vaccine": _T, "dose": FactKind.INT, "on_day": _D, "place": _T},
        "visits": {
            **dict.fromkeys(
                (
                    "visit_id", "facility", "diagnosis", "diagnosis_code", "tests", "procedures", "surgery", "course",
                    "treatment", "doctor",
                ),
                _T,
            ),
            **dict.fromkeys(("admitted_on", "discharged_on", "follow_up_on"), _D),
            "prescriptions": FactKind.TEXTS,
        },
        "referrals": {
            **dict.fromkeys(("referral_id", "from_facility", "to_facility", "diagnosis", "reason", "doctor"), _T),
            **dict.fromkeys(("issued_on", "valid_until"), _D),
        },
        "appointments": {
            **dict.fromkeys(("appointment_id", "facility", "department", "reason", "doctor"), _T),
            **dict.fromkeys(("on_day", "issued_on"), _D),
        },
    },
    RegisterCode.DRIVING_LICENCES: {
        "full_name": _T,
        "birth_date": FactKind.BIRTH,
        "licences": {
            **dict.fromkeys(("licence_number", "issued_by", "state"), _T),
            **dict.fromkeys(("issued_on", "expires_on"), _D),
            "classes": FactKind.TEXTS,
            "points": FactKind.INT,
        },
    },
    RegisterCode.VEHICLES: {
        "full_name": _T,
        "birth_date": FactKind.BIRTH,
        "vehicles": {
            **dict.fromkeys(
                (
                    "plate", "kind", "brand", "model", "colour", "chassis_number", "engine_number", "registered_by",
                    "state",
                ),
                _T,
            ),
            **dict.fromkeys(("registered_on", "expires_on"), _D),
        },
    },
    RegisterCode.SOCIAL_SECURITY: {
        **dict.fromkeys(("full_name", "insurance_number", "account_bank", "account_last4"), _T),
        "birth_date": FactKind.BIRTH,
        "benefits": {"kind": _T, "amount": FactKind.INT, "since": _D},
    },
    RegisterCode.SECURITY_CASES: {
        "reports": {**dict.fromkeys(("case_number", "kind", "state", "office"), _T), "received_on": _D},
        "barred_until": _D,
    },
    RegisterCode.CIVIL_STATUS: {
        "births": {
            **dict.fromkeys(
                (
                    "notice_id", "child_name", "born_at_place", "sex", "mother_number", "father_number", "hospital",
                    "state",
                ),
                _T,
            ),
            "born_on": _D,
        },
        "marriages": {
            **dict.fromkeys(("spouse_name", "spouse_number", "registered_at", "state"), _T), "registered_on": _D,
        },
    },
}  # fmt: skip
"""Of the registers that the wallet knows. One of a third party brings its own (`wallet.sources.partners`)."""

REQUIRED: Mapping[str, frozenset[str]] = {
    RegisterCode.POPULATION: frozenset({"number", "full_name", "birth_date", "sex", "nationality", "alive"}),
    RegisterCode.SUBSCRIBERS: frozenset({"phones"}),
    RegisterCode.BIOMETRICS: frozenset({"face", "finger"}),
    RegisterCode.BUSINESSES: frozenset({"enterprise_code", "name", "representative_number", "state"}),
    RegisterCode.CARDS: frozenset({"serial", "state"}),
    RegisterCode.RESIDENCE: frozenset({"household_members.full_name", "residence_history.from_day"}),
    RegisterCode.CRIMINAL_RECORDS: frozenset(
        {
            "convictions", "convictions.judgment_number", "convictions.judged_on",
            "bans", "bans.decision_number", "bans.from_day",
        }
    ),
    RegisterCode.HEALTH_INSURANCE: frozenset({"card_number", "valid_from", "valid_until"}),
    RegisterCode.HEALTH_RECORDS: frozenset(
        {
            "diseases.name", "allergies.substance", "vaccinations.vaccine", "visits.visit_id", "visits.admitted_on",
            "referrals.referral_id", "referrals.valid_until", "appointments.appointment_id", "appointments.on_day",
        }
    ),
    RegisterCode.DRIVING_LICENCES: frozenset({"licences.licence_number", "licences.state"}),
    RegisterCode.VEHICLES: frozenset({"vehicles.plate", "vehicles.state"}),
    RegisterCode.SOCIAL_SECURITY: frozenset({"benefits.kind"}),
    RegisterCode.SECURITY_CASES: frozenset({"reports", "reports.case_number", "reports.state"}),
    RegisterCode.CIVIL_STATUS: frozenset({"births.notice_id", "births.born_on", "births.state"}),
}  # fmt: skip
"""Facts, and parts of each record (`records.part`), without which an answer means nothing, or worse: no list of
convictions is not an empty one, and what has no day or no state cannot be judged."""
