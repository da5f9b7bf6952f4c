"""What a document of the health book states, as medicine sorts it: one shape for three kinds of document.

A list is None where the document does not tell it at all, and () where the book holds nothing: to a doctor abroad the
two are not the same, and neither means that there is nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]
Records = tuple[Record, ...] | None

KINDS = frozenset({"health_summary", "health_visit", "allergy_card"})
"""Kinds of document that have this form."""

UNKNOWN_BLOOD = "Chưa xác định"
"""What a card states where the book holds no blood type (`wallet.utilities.health_book`)."""


OPEN = "Đang điều trị"
"""The state of a visit that has not ended, in a summary (`wallet.utilities.health_book`)."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A document, opened. claims: as stored, days as text. issuer: the code of who signed it."""

    document_id: str
    kind: str
    issued_at: datetime
    issuer: str
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Medical:
    """What a document tells. of_everything: False where a list is a choice of the worst and not the whole.

    problems, past: `name`, `code`, `since` or a period (`start`, `end`), `facility`. allergies: `substance`,
    `reaction`, `severity`. medicines: `text`, `on_day`, `facility`. vaccinations: `vaccine`, `dose`, `on_day`, `place`.
    procedures, results: `text`, `start`, `end`, `facility`; of procedures `status`. plans: `on_day`, `facility`.
    """

    problems: Records
    allergies: Records
    medicines: Records
    vaccinations: Records
    procedures: Records
    results: Records
    past: tuple[Record, ...] = ()
    plans: tuple[Record, ...] = ()
    blood_type: str | None = None
    of_everything: bool = True


def medical(stated: Stated) -> Medical:
    """Return what a document tells. stated.kind: one of `KINDS`."""
    return {"health_summary": _summary, "health_visit": _visit, "allergy_card": _card}[stated.kind](stated.claims)


def printable(value: Any) -> Any:
    """Return claims without control characters, which neither XML nor a FHIR string holds."""
    if isinstance(value, str):
        return "".join(letter if letter.isprintable() else " " for letter in value)
    if isinstance(value, Mapping):
        return {name: printable(inner) for name, inner in value.items()}
    return [printable(inner) for inner in value] if isinstance(value, list | tuple) else value


def _summary(claims: Mapping[str, Any]) -> Medical:
    visits, treatments = _records(claims, "visits"), _records(claims, "treatments")
    diseases = _records(claims, "diseases")
    still_open = tuple(_diagnosis(visit) for visit in visits or () if _is_open(visit))
    return Medical(
        problems=None if diseases is None and visits is None else (*(diseases or ()), *still_open),
        allergies=_records(claims, "allergies"),
        medicines=None if treatments is None else tuple(line for each in treatments for line in _medicines(each)),
        vaccinations=_records(claims, "vaccinations"),
        procedures=None if visits is None else tuple(line for visit in visits for line in _procedures(visit)),
        results=None if visits is None else tuple(line for visit in visits for line in _lines(visit, "tests")),
        past=tuple(_diagnosis(visit) for visit in visits or () if not _is_open(visit)),
        plans=tuple(_plan(each) for each in treatments or () if "follow_up_on" in each),
        blood_type=claims.get("blood_type"),
    )


def _visit(claims: Mapping[str, Any]) -> Medical:
    return Medical(
        problems=None,
        allergies=None,
        medicines=tuple(_medicines(claims)),
        vaccinations=None,
        procedures=tuple(_procedures(claims)),
        results=tuple(_lines(claims, "tests")),
        past=(_diagnosis(claims),),
        plans=(_plan(claims),) if "follow_up_on" in claims else (),
    )


def _card(claims: Mapping[str, Any]) -> Medical:
    blood_type = claims.get("blood_type")
    return Medical(
        problems=_records(claims, "disease_details"),
        allergies=_records(claims, "allergy_details"),
        medicines=None,
        vaccinations=None,
        procedures=None,
        results=None,
        blood_type=None if blood_type == UNKNOWN_BLOOD else blood_type,
        of_everything=False,
    )


def _records(claims: Mapping[str, Any], name: str) -> Records:
    return tuple(claims[name]) if name in claims else None


def _of_visit(visit: Record) -> dict[str, Any]:
    named = {"start": visit.get("admitted_on"), "end": visit.get("discharged_on"), "facility": visit.get("facility")}
    return {name: value for name, value in named.items() if value is not None}


def _diagnosis(visit: Record) -> Record:
    code = {"code": visit["diagnosis_code"]} if "diagnosis_code" in visit else {}
    return {"name": visit.get("diagnosis", visit.get("diagnosis_code", "")), **code, **_of_visit(visit)}


def _lines(visit: Record, name: str) -> list[Record]:
    return [{"text": line, **_of_visit(visit)} for line in visit.get(name, ())]


def _procedures(visit: Record) -> list[Record]:
    surgery = [{"text": visit["surgery"], **_of_visit(visit)}] if "surgery" in visit else []
    status = "unknown" if _is_open(visit) else "completed"
    return [{**line, "status": status} for line in [*_lines(visit, "procedures"), *surgery]]


def _is_open(visit: Record) -> bool:
    return visit.get("state") == OPEN


def _medicines(visit: Record) -> list[Record]:
    told = {"on_day": visit.get("discharged_on", visit.get("admitted_on")), "facility": visit.get("facility")}
    stated = {name: value for name, value in told.items() if value is not None}
    return [{"text": line, **stated} for line in visit.get("prescriptions", ())]


def _plan(visit: Record) -> Record:
    facility = {"facility": visit["facility"]} if "facility" in visit else {}
    return {"on_day": visit["follow_up_on"], **facility}
