"""The examples that stand beside a plug-in: read, and taken the way the wallet takes a request.

The shape of an `examples.json` is told in docs/utilities.md.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from importlib.resources import files
from typing import Any

from wallet.places import communes
from wallet.utilities.answering import parse
from wallet.utilities.base import AccountLevel, Ask, Capacity, Case, Claims, Field, Utility

TODAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
NOON_IN_VIETNAM = time(5, 0, tzinfo=UTC)
KEYS = frozenset(
    [
        "name",
        "number",
        "capacity",
        "relation",
        "applicant",
        "account_level",
        "answers",
        "facts",
        "steps",
        "request",
        "document",
        "claims",
        "warnings",
        "why",
        "now",
    ]
)


@dataclass(frozen=True)
class Example:
    """One request, and what is to come of it. why: JSON Pointer to code; empty where it is to be accepted.

    warnings: what is doubtful about it all the same, as `warn` tells it.
    """

    name: str
    case: Case
    raw_answers: Mapping[str, Any]
    document: str
    claims: Claims
    why: Mapping[str, str]
    warnings: Mapping[str, str]


@dataclass(frozen=True)
class Examples:
    """Every example of one utility, as if all were asked on one day."""

    today: date
    accepted: tuple[Example, ...]
    rejected: tuple[Example, ...]


def load(module: str) -> Any:
    """Return what stands in the `examples.json` beside a plug-in. Raises OSError, ValueError."""
    return json.loads(files(module).joinpath("examples.json").read_text(encoding="utf-8"))


def read_examples(utility: Utility, given: Mapping[str, Any]) -> Examples:
    """Return examples as values. Raises KeyError, TypeError, ValueError, AttributeError for what is none."""
    today = date.fromisoformat(given["today"])
    return Examples(
        today,
        tuple(_example(utility, today, each) for each in given["accepted"]),
        tuple(_example(utility, today, each) for each in given.get("rejected", [])),
    )


def value_of(given: Any) -> Any:
    """Return a value as registers state it: a day for `YYYY-MM-DD`, a moment for `...THH:MM:SSZ`, tuples for lists."""
    if isinstance(given, str):
        if TODAY.fullmatch(given):
            return date.fromisoformat(given)
        return datetime.fromisoformat(given) if MOMENT.fullmatch(given) else given
    if isinstance(given, Mapping):
        return {name: value_of(inner) for name, inner in given.items()}
    return tuple(value_of(inner) for inner in given) if isinstance(given, list) else given


def _example(utility: Utility, today: date, given: Mapping[str, Any]) -> Example:
    unknown = set(given) - KEYS
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is no part of an example")
    facts = value_of(given.get("facts", {}))
    request = value_of(given.get("request", {}))
    number = given.get("number", "")
    now = value_of(given["now"]) if "now" in given else datetime.combine(today, NOON_IN_VIETNAM)
    case = Case(
        now=now,
        today=today,
        facts=facts,
        number=number,
        capacity=Capacity(given.get("capacity", "self")),
        relation=given.get("relation", ""),
        applicant=value_of(given.get("applicant", {"number": number})),
        account_level=AccountLevel(given.get("account_level", utility.minimum_level)),
        submitted_at=request.get("submitted_at"),
        figures=utility.rules_on(today).figures,
        steps=value_of(given.get("steps", {})),
        request=request,
    )
    return Example(
        given["name"],
        case,
        given.get("answers", {}),
        given.get("document", "") or utility.documents[0].code,
        value_of(given.get("claims", {})),
        given.get("why", {}),
        given.get("warnings", {}),
    )


def answered(utility: Utility, example: Example) -> Case:
    """Return the case with its answers parsed by the form, as the wallet parses them. Raises InvalidInput."""
    facts = example.case.facts
    held = frozenset(
        field.name for field in utility.form if field.held_by and field.held_by[1] in facts.get(field.held_by[0], {})
    )
    answers = parse(utility.form, example.raw_answers, held=held)
    return replace(example.case, answers=answers, places=places_of(utility.form, answers))


def places_of(form: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return each commune that is answered, also inside records, as a case tells it."""
    found: dict[str, dict[str, str]] = {}
    for field in form:
        if field.kind is Ask.COMMUNE and field.name in answers:
            commune = communes()[answers[field.name]]
            place = {"commune": commune.name, "province": commune.province, "province_code": commune.province_code}
            found[commune.code] = place
        for record in answers.get(field.name, ()) if field.kind is Ask.RECORDS else ():
            found |= places_of(field.fields, record)
    return found
