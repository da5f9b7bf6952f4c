"""One record of a document as one FHIR resource: a patient, an allergy, a condition, a vaccination.

What a record does not state is left out, never guessed: no status of a disease that was found once, no drug code for
a line that a doctor wrote. Source: HL7 FHIR R4B (4.3.0); International Patient Summary (IPS) 2.0, profiles of the
resources, read in HL7/fhir-ips.
"""

from collections.abc import Mapping
from typing import Any

from wallet.documents.fhir.stated import Record

Resource = dict[str, Any]

PROFILE = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
SAMPLE_SYSTEM = "https://vi-so.example/fhir/sid/"
"""Of identifiers. Made up, under a name that no one can own (RFC 2606): a sample names no real register."""

GENDERS = {"Nam": "male", "Nữ": "female"}
SEVERITIES = {"nặng": "severe", "vừa": "moderate", "nhẹ": "mild"}
ABO_AND_RH = {"system": LOINC, "code": "882-1", "display": "ABO and Rh group [Type] in Blood"}
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def patient(claims: Mapping[str, Any]) -> Resource:
    """Return who it is about. A birth of which only the year is known stays a year."""
    identifiers = [
        {"system": f"{SAMPLE_SYSTEM}{system}", "value": claims[name]}
        for name, system in (("number", "so-dinh-danh-mau"), ("insurance_number", "ma-so-bhxh-mau"))
        if name in claims
    ]
    address = claims.get("permanent_address")
    return _profiled("Patient") | {
        "identifier": identifiers,
        "name": [{"use": "official", "text": claims["full_name"]}],
        "gender": GENDERS.get(claims.get("sex", ""), "unknown"),
        "birthDate": claims["birth_date"],
        **({"address": [{"use": "home", "text": address, "country": "VN"}]} if address else {}),
    }


def allergy(stated: Record, subject: Resource) -> Resource:
    """Return an allergy. A severity is one of a reaction, whether or not that was written down."""
    severity = SEVERITIES.get(stated.get("severity", ""))
    reaction: Resource = {"manifestation": [{"text": stated["reaction"]} if "reaction" in stated else ABSENT]}
    reaction |= {"severity": severity} if severity else {}
    told = "reaction" in stated or severity
    return _profiled("AllergyIntolerance") | {
        "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
        "code": {"text": stated["substance"]},
        "patient": subject,
        **({"reaction": [reaction]} if told else {}),
    }


def problem(stated: Record, subject: Resource) -> Resource:
    """Return a disease that the book lists: it lists no end, so that it counts as one that is there."""
    since = stated.get("since", stated.get("start"))
    return {
        **_profiled("Condition"),
        **_condition(stated, subject, "problem-list-item"),
        "clinicalStatus": _coded("condition-clinical", "active"),
        **({"onsetDateTime": since} if since else {}),
    }


def diagnosis(stated: Record, subject: Resource) -> Resource:
    """Return what was found at a visit that has ended. Whether it is over, nobody wrote down: no status is stated.

    It is no problem of a list, so that it does not claim the profile of one.
    """
    return _condition(stated, subject, "encounter-diagnosis") | {"recordedDate": stated.get("end", stated["start"])}


def medicine(stated: Record, subject: Resource) -> Resource:
    """Return what was prescribed, in the doctor's words. Whether it is still taken is not known."""
    return _profiled("MedicationRequest") | {
        "status": "unknown",
        "intent": "order",
        "medicationCodeableConcept": {"text": stated["text"]},
        "subject": subject,
        **({"authoredOn": stated["on_day"]} if stated.get("on_day") else {}),
        **({"requester": {"display": stated["facility"]}} if "facility" in stated else {}),
    }


def vaccination(stated: Record, subject: Resource, unknown: str) -> Resource:
    """Return a dose. unknown: words for a day that is not recorded."""
    dose = stated.get("dose")
    number = {"doseNumberPositiveInt": dose} if isinstance(dose, int) and dose > 0 else {"doseNumberString": str(dose)}
    return _profiled("Immunization") | {
        "status": "completed",
        "vaccineCode": {"text": stated["vaccine"]},
        "patient": subject,
        **({"occurrenceDateTime": stated["on_day"]} if "on_day" in stated else {"occurrenceString": unknown}),
        **({"location": {"display": stated["place"]}} if "place" in stated else {}),
        **({"protocolApplied": [number]} if dose else {}),
    }


def procedure(stated: Record, subject: Resource) -> Resource:
    """Return what was done at a visit, with the visit's days."""
    return _profiled("Procedure") | {
        "status": stated["status"],
        "code": {"text": stated["text"]},
        "subject": subject,
        "performedPeriod": _period(stated),
        **_performed_at(stated),
    }


def result(stated: Record, subject: Resource) -> Resource:
    """Return a line of findings: what stands before a colon is what was examined."""
    name, colon, found = stated["text"].partition(":")
    facility = {"performer": [{"display": stated["facility"]}]} if "facility" in stated else {}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": name.strip()},
        "subject": subject,
        "effectivePeriod": _period(stated),
        "valueString": found.strip() if colon and found.strip() else stated["text"],
        **facility,
    }


def blood_group(stated: str, subject: Resource) -> Resource:
    """Return the blood group. When it was determined is not recorded."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded("observation-category", "laboratory")],
        "code": {"coding": [ABO_AND_RH]},
        "subject": subject,
        "_effectiveDateTime": ABSENT,
        "valueString": stated,
    }


def organisation(name: str, code: str) -> Resource:
    """Return who put the summary together."""
    return _profiled("Organization") | {
        "identifier": [{"system": f"{SAMPLE_SYSTEM}issuer", "value": code}],
        "name": name,
    }


def _condition(stated: Record, subject: Resource, category: str) -> Resource:
    code: Resource = {"text": stated["name"]}
    if "code" in stated:
        code["coding"] = [{"system": ICD_10, "code": stated["code"]}]
    return {
        "resourceType": "Condition",
        "category": [_coded("condition-category", category)],
        "code": code,
        "subject": subject,
    }


def _profiled(kind: str) -> Resource:
    return {"resourceType": kind, "meta": {"profile": [f"{PROFILE}{kind}-uv-ips"]}}


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}{system}", "code": code}]}


def _period(stated: Record) -> Resource:
    return {name: stated[name] for name in ("start", "end") if name in stated} or ABSENT


def _performed_at(stated: Record) -> Resource:
    return {"performer": [{"actor": {"display": stated["facility"]}}]} if "facility" in stated else {}
