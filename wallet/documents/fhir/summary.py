"""A document of the health book as an International Patient Summary: the form that a doctor abroad can read.

A form of what was issued, made outside the plug-in from the claims of the document and nothing else. It is not signed:
what proves is the code of the document, whose id stands in it. `fhir.resources` (the extra `[fhir]`) checks what
leaves; it is imported when somebody asks and not before.

Source: HL7 FHIR R4B (4.3.0); IPS 2.0: Bundle-uv-ips, Composition-uv-ips; a required section has entries or says why it
is empty (ips-comp-1), and only an empty one says so (cmp-2).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from html import escape
from importlib import import_module
from uuid import UUID, uuid5

from wallet.documents.fhir import resources as fhir
from wallet.documents.fhir.resources import LOINC, PROFILE, SAMPLE_SYSTEM, TERMINOLOGY, Resource
from wallet.documents.fhir.stated import Medical, Stated, medical, printable
from wallet.errors import Unavailable
from wallet.terms import SAMPLE_MARK

Words = Callable[[str], str]
"""Code of a text (`patient_summary` in the catalogue) to the words, in every language that the form carries."""

XHTML = "http://www.w3.org/1999/xhtml"
RETRY_AFTER_SECONDS = 3600
INSTALL = "pip install 'vi-so-wallet[fhir]'"

SUMMARY_TYPE = ("60591-5", "Patient summary Document")
SECTIONS: dict[str, tuple[str, str]] = {
    "problems": ("11450-4", "Problem list - Reported"),
    "allergies": ("48765-2", "Allergies and adverse reactions Document"),
    "medicines": ("10160-0", "History of Medication use Narrative"),
    "vaccinations": ("11369-6", "History of Immunization Narrative"),
    "results": ("30954-2", "Relevant diagnostic tests/laboratory data Narrative"),
    "procedures": ("47519-4", "History of Procedures Document"),
    "past": ("11348-0", ""),
    "plans": ("18776-5", ""),
}
"""Section to its LOINC code, in the order of the profile. The first three are required, the next three recommended.
The words of LOINC for the last two were not read in a source, and are left out."""

ALWAYS = ("problems", "allergies", "medicines", "vaccinations", "results", "procedures")
TEST_DATA = {"system": f"{TERMINOLOGY}v3-ActReason", "code": "HTEST", "display": "test health data"}


def patient_summary(stated: Stated, words: Words) -> str:
    """Return a document as a Bundle in JSON. The same document gives the same text.

    stated.kind: one of `KINDS`. Raises Unavailable("form_not_installed") without the extra.
    """
    try:
        bundle = import_module("fhir.resources.R4B.bundle").Bundle
    except ModuleNotFoundError as error:
        raise Unavailable("form_not_installed", RETRY_AFTER_SECONDS, command=INSTALL) from error
    whole: str = bundle.model_validate(_Summary(stated, words).bundle()).model_dump_json()
    return whole


class _Summary:
    """One summary while it is put together."""

    def __init__(self, stated: Stated, words: Words) -> None:
        self.stated = stated = replace(stated, claims=printable(stated.claims))
        self.words = words
        self.told: Medical = medical(stated)
        self.namespace = UUID(hex=stated.document_id.removeprefix("doc_"))
        self.entries: list[Resource] = []

    def bundle(self) -> Resource:
        subject = self._add(fhir.patient(self.stated.claims))
        issuer = fhir.organisation(self.words("issuer"), self.stated.issuer)
        author = self._add(issuer)
        sections = [self._section(name, subject) for name in SECTIONS if name in ALWAYS or getattr(self.told, name)]
        composition = self._named("composition", self._composition(subject, author, sections))
        return {
            "resourceType": "Bundle",
            "meta": {"profile": [f"{PROFILE}Bundle-uv-ips"], "security": [TEST_DATA]},
            "language": "vi",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self._uri("bundle")},
            "type": "document",
            "timestamp": self._moment(),
            "entry": [composition, *self.entries],
        }

    def _composition(self, subject: Resource, author: Resource, sections: Sequence[Resource]) -> Resource:
        return {
            "resourceType": "Composition",
            "meta": {"profile": [f"{PROFILE}Composition-uv-ips"], "security": [TEST_DATA]},
            "language": "vi",
            "text": _narrative([SAMPLE_MARK, self.words("not_signed")]),
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self._uri("composition")},
            "status": "final",
            "type": _loinc(*SUMMARY_TYPE),
            "subject": subject,
            "date": self._moment(),
            "author": [author],
            "title": f"{self.words('title')} - {SAMPLE_MARK}",
            "confidentiality": "R",
            "custodian": author,
            "relatesTo": [
                {
                    "code": "transforms",
                    "targetIdentifier": {"system": f"{SAMPLE_SYSTEM}document", "value": self.stated.document_id},
                }
            ],
            "section": list(sections),
        }

    def _section(self, name: str, subject: Resource) -> Resource:
        entries, lines = self._entries(name, subject)
        section: Resource = {"title": self.words(name), "code": _loinc(*SECTIONS[name])}
        if name == "problems" and not self.told.of_everything:
            lines = [*lines, self.words("only_severe")]
        if entries:
            return section | {"text": _narrative(lines), "entry": entries}
        if name == "plans":
            return section | {"text": _narrative(lines)}
        told = getattr(self.told, name) is not None
        reason = "none_recorded" if told else "not_told"
        return section | {
            "text": _narrative([*lines, self.words(reason)]),
            "emptyReason": _empty("unavailable" if told else "withheld", self.words(reason)),
        }

    def _entries(self, name: str, subject: Resource) -> tuple[list[Resource], list[str]]:
        """Return references to what a section holds, and the same in words."""
        records = getattr(self.told, name) or ()
        lines = [_line(record) for record in records]
        if name == "plans":
            return [], lines
        made = [self._resource(name, record, subject) for record in records]
        if name == "results" and self.told.blood_type:
            made.append(fhir.blood_group(self.told.blood_type, subject))
            lines.append(f"{self.words('blood_type')}: {self.told.blood_type}")
        return [self._add(resource) for resource in made], lines

    def _resource(self, name: str, record: fhir.Record, subject: Resource) -> Resource:
        match name:
            case "problems":
                return fhir.problem(record, subject)
            case "allergies":
                return fhir.allergy(record, subject)
            case "medicines":
                return fhir.medicine(record, subject)
            case "vaccinations":
                return fhir.vaccination(record, subject, self.words("day_unknown"))
            case "procedures":
                return fhir.procedure(record, subject)
            case "results":
                return fhir.result(record, subject)
            case _:
                return fhir.diagnosis(record, subject)

    def _add(self, resource: Resource) -> Resource:
        """Take a resource into the bundle; return the reference to it."""
        entry = self._named(f"{resource['resourceType']}/{len(self.entries)}", resource)
        self.entries.append(entry)
        return {"reference": entry["fullUrl"]}

    def _named(self, name: str, resource: Resource) -> Resource:
        uri = self._uri(name)
        return {"fullUrl": uri, "resource": {**resource, "id": uri.removeprefix("urn:uuid:")}}

    def _uri(self, name: str) -> str:
        return f"urn:uuid:{uuid5(self.namespace, name)}"

    def _moment(self) -> str:
        return self.stated.issued_at.astimezone(UTC).isoformat(timespec="seconds")


def _loinc(code: str, display: str) -> Resource:
    return {"coding": [{"system": LOINC, "code": code, **({"display": display} if display else {})}]}


def _empty(code: str, text: str) -> Resource:
    """Return why a section is empty. Never `nilknown`: that a book holds nothing is no finding."""
    return {"coding": [{"system": f"{TERMINOLOGY}list-empty-reason", "code": code}], "text": text}


def _narrative(lines: Sequence[str]) -> Resource:
    """Return lines as XHTML. What a register states is text, whatever it looks like."""
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="{XHTML}" lang="vi" xml:lang="vi">{told}</div>'}


def _line(record: fhir.Record) -> str:
    return "; ".join(str(value) for name, value in record.items() if name != "status")
