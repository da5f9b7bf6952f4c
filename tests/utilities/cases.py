"""From an example of a plug-in to a case, and from a case to the claims of its document, as issuing does it."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from wallet.terms import AccountLevel
from wallet.utilities.base import Capacity, Case, DocumentType, Source, Utility
from wallet.utilities.paper import compact_claims, full_claims


def parsed(value: Any) -> Any:
    """Return a value of examples.json as registers and forms give it: days, moments and tuples."""
    if isinstance(value, str):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) else value
    if isinstance(value, Mapping):
        return {name: parsed(each) for name, each in value.items()}
    return tuple(parsed(each) for each in value) if isinstance(value, list) else value


def case_of(utility: Utility, example: Mapping[str, Any], today: date, **changes: Any) -> Case:
    """Return the case of an example, on a day and under the rules of that day."""
    given = parsed({**example, **changes})
    now = datetime.fromisoformat(f"{today.isoformat()}T09:00:00+07:00")
    return Case(
        now=now,
        today=today,
        answers=given.get("answers", {}),
        facts=given.get("facts", {}),
        number=given["number"],
        capacity=Capacity(given.get("capacity", "self")),
        relation=given.get("relation", ""),
        applicant=given.get("applicant", {}),
        account_level=AccountLevel.TWO,
        submitted_at=now,
        figures=utility.rules_on(today).figures,
        steps=given.get("steps", {}),
        request=given.get("request", {}),
    )


def made(utility: Utility, case: Case) -> tuple[DocumentType, dict[str, Any]]:
    """Return the kind of document and what it states. Raises what `accept`, `derive` and `check` raise."""
    utility.accept(case)
    kind = utility.document_of(case)
    stated = {**case.facts, Source.DECLARED: case.answers, Source.REQUEST: case.request}
    claims = {
        claim.name: stated[claim.source][claim.stated_as]
        for claim in kind.claims
        if claim.source != Source.DERIVED and claim.stated_as in stated.get(claim.source, {})
    }
    names = {claim.name for claim in kind.claims if claim.source == Source.DERIVED}
    with_claims = Case(**{**{name: getattr(case, name) for name in Case.__slots__}, "claims": claims})
    derived = kind.derive(with_claims)
    assert set(derived) <= names, "it derives what it did not declare"
    claims |= derived
    missing = [claim.name for claim in kind.claims if claim.required and claim.name not in claims]
    assert missing == []
    kind.check(claims, case.today)
    return kind, claims


def seen(kind: DocumentType, claims: Mapping[str, Any]) -> tuple[dict[int, Any], dict[str, Any]]:
    """Return what stands in the code and what is hashed."""
    return compact_claims(kind, claims), full_claims(kind, claims)
