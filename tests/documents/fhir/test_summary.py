"""An International Patient Summary: what the profile requires is there, and nothing is said that nobody knows.

Held against `fhir.resources`' own models, and against the rules of the profile that models do not know: HL7/fhir-ips,
Bundle-uv-ips and Composition-uv-ips (2.0), invariants bdl-ips-1, ips-comp-1, ips-pat-1, cmp-2.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B.bundle import Bundle

from tests.utilities.health_book.cases import APPOINTMENT, DAY_VISIT, REFERRAL, STAY, case, facts, made, summary
from wallet.documents.fhir.resources import SEVERITIES
from wallet.documents.fhir.stated import KINDS, OPEN, UNKNOWN_BLOOD, Stated, medical
from wallet.documents.fhir.summary import ALWAYS, SECTIONS, patient_summary
from wallet.errors import Unavailable
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.base import Case
from wallet.utilities.health_book import card, records, utility
from wallet.utilities.health_book import summary as book_summary
from wallet.utilities.health_book.summary import GROUPS
from wallet.utilities.paper import full_claims
from wallet.web.fhir import _words as words

PROFILE = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
REQUIRED = {"11450-4", "48765-2", "10160-0"}
RECOMMENDED = {"11369-6", "30954-2", "47519-4"}
MAY_HOLD = {
    "11450-4": {"Condition"},
    "48765-2": {"AllergyIntolerance"},
    "10160-0": {"MedicationRequest", "MedicationStatement"},
    "11369-6": {"Immunization"},
    "30954-2": {"Observation"},
    "47519-4": {"Procedure"},
    "11348-0": {"Condition"},
    "18776-5": set(),
}
"""Section to the resources that the profile lets it point at."""

MUST_STATE = {
    "Patient": ("name", "birthDate"),
    "Organization": ("name",),
    "AllergyIntolerance": ("code", "patient"),
    "Condition": ("code", "subject"),
    "MedicationRequest": ("status", "intent", "medicationCodeableConcept", "subject"),
    "Immunization": ("status", "vaccineCode", "patient"),
    "Procedure": ("status", "code", "subject", "performedPeriod"),
    "Observation": ("status", "code", "subject"),
}
VISIT = {"paper": "health_visit", "visit_id": STAY["visit_id"]}
CARD = {"paper": "allergy_card"}
PAPERS = {
    "everything": summary("own_use", *GROUPS),
    "for a doctor": summary("doctor", *GROUPS),
    "for the school": summary("school", "history"),
    "for the desk": summary("reception", "administrative"),
    "an empty history": summary(
        "doctor", "history", "administrative", stated=facts(book={"diseases": (), "allergies": (), "vaccinations": ()})
    ),
    "one visit": case(VISIT),
    "a card": case(CARD),
}


def stated(asked: Case) -> Stated:
    kind, claims = made(asked)
    whole = json.loads(json.dumps(full_claims(kind, claims)))  # as it is stored
    return Stated("doc_" + "0f" * 16, kind.code, datetime(2026, 11, 20, 5, tzinfo=UTC), "VN-MAU", whole)


def bundle_of(asked: Case) -> dict[str, Any]:
    return json.loads(patient_summary(stated(asked), words))  # type: ignore[no-any-return]


@pytest.fixture(params=sorted(PAPERS))
def bundle(request: pytest.FixtureRequest) -> dict[str, Any]:
    return bundle_of(PAPERS[request.param])


def composition(bundle: dict[str, Any]) -> dict[str, Any]:
    return bundle["entry"][0]["resource"]  # type: ignore[no-any-return]


def section(bundle: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = [each for each in composition(bundle)["section"] if each["code"]["coding"][0]["code"] == code]
    return found  # type: ignore[no-any-return]


def held(bundle: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """Return the resources that a section points at."""
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    return [by_url[entry["reference"]] for entry in section(bundle, code).get("entry", [])]


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def why_empty(bundle: dict[str, Any], code: str) -> str | None:
    reason = section(bundle, code).get("emptyReason")
    return reason["coding"][0]["code"] if reason else None


# --- The profile ----------------------------------------------------------------------------------------------------


def test_the_models_of_fhir_resources_take_it_back(bundle: dict[str, Any]) -> None:
    again = Bundle.model_validate(bundle)
    assert json.loads(again.model_dump_json()) == bundle
    kinds = [entry.resource.__resource_type__ for entry in again.entry]
    assert kinds == [entry["resource"]["resourceType"] for entry in bundle["entry"]]


def test_it_is_a_document_that_begins_with_its_one_composition_and_has_one_patient(bundle: dict[str, Any]) -> None:
    """Bundle-uv-ips; bdl-ips-1."""
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert bundle["type"] == "document"
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    assert bundle["timestamp"] == "2026-11-20T05:00:00Z"
    assert kinds[0] == "Composition"
    assert kinds.count("Composition") == kinds.count("Patient") == 1
    assert bundle["meta"]["profile"] == [f"{PROFILE}Bundle-uv-ips"]
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert all(url == f"urn:uuid:{entry['resource']['id']}" for url, entry in zip(urls, bundle["entry"], strict=True))


def test_the_composition_says_what_it_is_of_whom_when_and_by_whom(bundle: dict[str, Any]) -> None:
    it = composition(bundle)
    assert it["type"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "60591-5",
        "display": "Patient summary Document",
    }
    assert it["status"] == "final"
    assert it["meta"]["profile"] == [f"{PROFILE}Composition-uv-ips"]
    assert {"identifier", "subject", "date", "author", "title", "custodian"} <= it.keys()
    assert it["subject"]["reference"] == bundle["entry"][1]["fullUrl"]
    assert it["relatesTo"][0]["targetIdentifier"]["value"] == "doc_" + "0f" * 16


def test_required_and_recommended_sections_are_there_each_once(bundle: dict[str, Any]) -> None:
    """Composition-uv-ips: problems, allergies and medications 1..1; the others 0..1."""
    codes = [each["code"]["coding"][0]["code"] for each in composition(bundle)["section"]]
    assert set(codes) >= REQUIRED | RECOMMENDED
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(MAY_HOLD)


def test_a_section_has_title_code_text_and_entries_or_a_reason(bundle: dict[str, Any]) -> None:
    """ips-comp-1; cmp-2; no section inside a section."""
    for each in composition(bundle)["section"]:
        code = each["code"]["coding"][0]["code"]
        assert each["title"]
        assert each["text"]["status"] == "generated"
        assert "section" not in each
        assert not ("entry" in each and "emptyReason" in each)
        if code in REQUIRED | RECOMMENDED:
            assert "entry" in each or "emptyReason" in each
        assert {resource["resourceType"] for resource in held(bundle, code)} <= MAY_HOLD[code]


def test_every_reference_leads_to_an_entry_and_every_entry_is_referred_to(bundle: dict[str, Any]) -> None:
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    references = {value for name, value in walk(bundle) if name == "reference"}
    assert references <= urls
    assert urls - references == {bundle["entry"][0]["fullUrl"]}


def test_every_resource_states_what_its_profile_requires(bundle: dict[str, Any]) -> None:
    for entry in bundle["entry"][1:]:
        resource = entry["resource"]
        assert all(resource.get(name) for name in MUST_STATE[resource["resourceType"]])
        for profile in resource.get("meta", {}).get("profile", []):
            assert profile == f"{PROFILE}{resource['resourceType']}-uv-ips"
        if resource["resourceType"] == "Immunization":
            assert "occurrenceDateTime" in resource or "occurrenceString" in resource
        if resource["resourceType"] == "Observation":
            assert "effectivePeriod" in resource or "_effectiveDateTime" in resource


def test_narratives_are_xhtml(bundle: dict[str, Any]) -> None:
    divs = [value for name, value in walk(bundle) if name == "div"]
    assert len(divs) > len(REQUIRED)
    for div in divs:
        assert ElementTree.fromstring(div).tag == "{http://www.w3.org/1999/xhtml}div"


# --- What it says and does not say ----------------------------------------------------------------------------------


def test_it_is_marked_as_a_sample_and_as_unsigned(bundle: dict[str, Any]) -> None:
    it = composition(bundle)
    assert SAMPLE_MARK in it["title"]
    assert SAMPLE_MARK in it["text"]["div"]
    assert "không có chữ ký số" in it["text"]["div"]
    assert {each["code"] for each in bundle["meta"]["security"]} == {"HTEST"}
    assert it["confidentiality"] == "R"
    assert "signature" not in bundle


def test_no_identifier_claims_to_be_of_a_real_register(bundle: dict[str, Any]) -> None:
    named = [value for name, value in walk(bundle) if name in ("identifier", "targetIdentifier")]
    systems = {each["system"] for value in named for each in (value if isinstance(value, list) else [value])}
    assert systems
    assert all(each == "urn:ietf:rfc:3986" or each.startswith("https://vi-so.example/") for each in systems)


def test_what_was_not_chosen_is_withheld_and_what_the_book_does_not_hold_is_unavailable() -> None:
    school = bundle_of(PAPERS["for the school"])
    assert {code: why_empty(school, code) for code in REQUIRED} == dict.fromkeys(REQUIRED, "withheld")
    assert len(held(school, "11369-6")) == 1
    empty = bundle_of(PAPERS["an empty history"])
    assert why_empty(empty, "48765-2") == why_empty(empty, "11450-4") == why_empty(empty, "11369-6") == "unavailable"
    assert why_empty(empty, "10160-0") == "withheld"


def test_an_empty_book_is_never_told_as_none_known(bundle: dict[str, Any]) -> None:
    """`nilknown` is a finding of a doctor; a book that holds nothing has found nothing."""
    codes = {value for name, value in walk(bundle) if name == "code" and isinstance(value, str)}
    assert not codes & {"nilknown", "no-allergy-info", "no-known-allergies", "no-known-problems"}


def test_allergies_keep_substance_reaction_and_severity() -> None:
    first, second = held(bundle_of(PAPERS["for a doctor"]), "48765-2")
    assert first["code"]["text"] == "Tôm, cua"
    assert second["reaction"] == [{"manifestation": [{"text": "Nổi mày đay, khó thở"}], "severity": "severe"}]
    assert {each["reaction"][0]["severity"] for each in (first, second)} == {"moderate", "severe"}


def test_a_severity_without_a_reaction_is_kept() -> None:
    asked = summary(
        "doctor", "history", stated=facts(book={"allergies": ({"substance": "Latex", "severity": "mild"},)})
    )
    (only,) = held(bundle_of(asked), "48765-2")
    assert only["reaction"][0]["severity"] == "mild"
    assert only["reaction"][0]["manifestation"][0]["extension"][0]["valueCode"] == "unknown"
    bare = summary("doctor", "history", stated=facts(book={"allergies": ({"substance": "Latex"},)}))
    assert "reaction" not in held(bundle_of(bare), "48765-2")[0]


def test_problems_are_coded_in_icd_10_and_an_open_visit_is_one() -> None:
    problems = held(bundle_of(PAPERS["for a doctor"]), "11450-4")
    assert [each["code"]["coding"][0]["code"] for each in problems] == ["J45", "J30", "J18"]
    assert {each["code"]["coding"][0]["system"] for each in problems} == {"http://hl7.org/fhir/sid/icd-10"}
    assert problems[0]["onsetDateTime"] == "2015-09-01"
    assert all(each["clinicalStatus"]["coding"][0]["code"] == "active" for each in problems)


def test_a_diagnosis_of_the_past_claims_neither_a_status_nor_the_profile_of_a_problem() -> None:
    (past,) = held(bundle_of(PAPERS["one visit"]), "11348-0")
    assert past["code"]["text"] == "Cơn hen phế quản cấp"
    assert past["code"]["coding"] == [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J46"}]
    assert "clinicalStatus" not in past
    assert "meta" not in past
    assert past["recordedDate"] == "2026-03-06"


def test_a_visit_of_one_day_is_past_and_what_was_done_then_is_done() -> None:
    bundle = bundle_of(summary("doctor", "visits", stated=facts(book={"visits": (DAY_VISIT,)})))
    assert held(bundle, "11450-4") == []
    (past,), (done,) = held(bundle, "11348-0"), held(bundle, "47519-4")
    assert past["recordedDate"] == "2026-10-05"
    assert (done["status"], done["performedPeriod"]) == ("completed", {"start": "2026-10-05"})


def test_the_words_it_reads_are_those_that_the_plug_in_writes() -> None:
    assert card.UNKNOWN_BLOOD == UNKNOWN_BLOOD
    assert book_summary.OPEN == OPEN
    assert {each.code for each in utility.documents} > KINDS
    assert set(SEVERITIES) == set(records.SEVERITIES.values())


def test_a_prescription_is_an_order_of_which_nobody_knows_whether_it_is_still_taken() -> None:
    medicines = held(bundle_of(PAPERS["one visit"]), "10160-0")
    assert [each["medicationCodeableConcept"]["text"] for each in medicines] == list(STAY["prescriptions"])
    assert {(each["status"], each["intent"], each["authoredOn"]) for each in medicines} == {
        ("unknown", "order", "2026-03-06")
    }


def test_a_visit_tells_its_findings_procedures_and_follow_up() -> None:
    bundle = bundle_of(PAPERS["one visit"])
    (finding,) = held(bundle, "30954-2")
    assert (finding["code"]["text"], finding["valueString"]) == ("Công thức máu", "bạch cầu 11,2 G/L")
    (procedure,) = held(bundle, "47519-4")
    assert procedure["performedPeriod"] == {"start": "2026-03-02", "end": "2026-03-06"}
    assert "2026-04-06" in section(bundle, "18776-5")["text"]["div"]


def test_a_surgery_is_a_procedure_too() -> None:
    operated = {**STAY, "surgery": "Cắt ruột thừa nội soi", "procedures": ""}
    (procedure,) = held(bundle_of(case(VISIT, facts(book={"visits": (operated,)}))), "47519-4")
    assert procedure["code"]["text"] == "Cắt ruột thừa nội soi"


def test_a_card_says_that_it_tells_severe_diseases_alone() -> None:
    bundle = bundle_of(PAPERS["a card"])
    assert [each["code"]["coding"][0]["code"] for each in held(bundle, "11450-4")] == ["J45"]
    assert "không phải mọi bệnh" in section(bundle, "11450-4")["text"]["div"]
    (group,) = held(bundle, "30954-2")
    assert (group["code"]["coding"][0]["code"], group["valueString"]) == ("882-1", "O+")


def test_an_unknown_blood_group_is_no_result() -> None:
    unknown = case(CARD, facts(book={"blood_type": None}))
    assert held(bundle_of(unknown), "30954-2") == []


def test_a_vaccination_without_its_day_or_with_a_dose_in_words_is_told() -> None:
    doses = ({"vaccine": "Lao", "dose": "nhắc lại"}, {"vaccine": "Cúm", "dose": 2, "on_day": date(2025, 10, 1)})
    first, second = held(bundle_of(summary("school", "history", stated=facts(book={"vaccinations": doses}))), "11369-6")
    assert first["occurrenceString"].startswith("không rõ ngày")
    assert first["protocolApplied"] == [{"doseNumberString": "nhắc lại"}]
    assert (second["occurrenceDateTime"], second["protocolApplied"][0]) == ("2025-10-01", {"doseNumberPositiveInt": 2})


@pytest.mark.parametrize(("sex", "gender"), [("Nam", "male"), ("Nữ", "female"), ("", "unknown")])
def test_the_patient_is_as_the_population_register_has_them(sex: str, gender: str) -> None:
    one = stated(PAPERS["everything"])
    told = replace(one, claims={**one.claims, "sex": sex, "birth_date": "1948"})
    patient = json.loads(patient_summary(told, words))["entry"][1]["resource"]
    assert (patient["gender"], patient["birthDate"]) == (gender, "1948")
    assert patient["name"][0]["text"] == "Nguyễn Thị Hạnh"
    assert [each["value"] for each in patient["identifier"]] == ["099190000123", "0123456789"]


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "a & b ]]> \" '", "hai\ndòng\x00\x1b", "</div><div>", "\u202eđảo\u200b"]
)
def test_what_a_register_states_stays_text_whatever_it_looks_like(hostile: str) -> None:
    asked = summary("doctor", "history", stated=facts(book={"allergies": ({"substance": hostile},)}))
    bundle = bundle_of(asked)
    div = ElementTree.fromstring(section(bundle, "48765-2")["text"]["div"])
    assert {child.tag.rpartition("}")[2] for child in div} == {"p"}
    assert len(list(div.iter())) == 2
    told = held(bundle, "48765-2")[0]["code"]["text"]
    assert all(letter.isprintable() for letter in told)


def test_the_same_document_gives_the_same_text_and_another_one_other_ids() -> None:
    one = stated(PAPERS["for a doctor"])
    assert patient_summary(one, words) == patient_summary(one, words)
    other = json.loads(patient_summary(replace(one, document_id="doc_" + "1e" * 16), words))
    ids = {entry["fullUrl"] for entry in json.loads(patient_summary(one, words))["entry"]}
    assert ids.isdisjoint(entry["fullUrl"] for entry in other["entry"])


# --- Which documents, and when the extra is not there ---------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        {"paper": "health_referral", "referral_id": REFERRAL["referral_id"]},
        {"paper": "health_appointment", "appointment_id": APPOINTMENT["appointment_id"]},
    ],
)
def test_slips_have_no_such_form(answers: dict[str, str]) -> None:
    one = stated(case(answers))
    assert one.kind not in KINDS
    with pytest.raises(KeyError):
        medical(one)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fhir.resources.R4B.bundle", None)  # as if it were not there
    with pytest.raises(Unavailable) as caught:
        patient_summary(stated(PAPERS["a card"]), words)
    assert caught.value.code == "form_not_installed"
    assert caught.value.values["command"] == "pip install 'vi-so-wallet[fhir]'"


def test_nobody_pays_for_it_who_does_not_ask() -> None:
    told = "import sys, wallet.web.app, wallet.wiring, wallet.commands.main; print('fhir' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "False"


def test_every_text_is_there_in_both_languages_and_they_differ() -> None:
    vi, en = (catalogue(language)["patient_summary"] for language in LANGUAGES)
    assert vi.keys() == en.keys() >= set(SECTIONS) | {"title", "issuer", "not_signed", "none_recorded", "not_told"}
    assert all(vi[code] != en[code] for code in vi)
    assert set(ALWAYS) < set(SECTIONS)
