"""A request as a plug-in sees it and the document that comes of it, for the tests of one plug-in."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from wallet.errors import InvalidInput
from wallet.utilities import examples, stating
from wallet.utilities.answering import parse
from wallet.utilities.base import Case, Source, Utility
from wallet.working_days import vietnamese_day

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
AN: Mapping[str, Any] = {
    "number": "099090123456",
    "full_name": "Nguyễn Văn An",
    "birth_date": date(1990, 5, 12),
    "sex": "Nam",
}
MAI: Mapping[str, Any] = {
    "number": "099195000001",
    "full_name": "Trần Thị Mai",
    "birth_date": date(1995, 2, 3),
    "sex": "Nữ",
}


def case_of(
    utility: Utility,
    typed: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    person: Mapping[str, Any] = AN,
    now: datetime = NOW,
    **more: Any,
) -> Case:
    """Return a case whose answers were typed and parsed by the form. Raises InvalidInput."""
    today = vietnamese_day(now)
    answers = parse(utility.form, typed)
    given: dict[str, Any] = {
        "now": now,
        "today": today,
        "answers": answers,
        "facts": {Source.POPULATION: person, **facts},
        "number": person["number"],
        "submitted_at": now,
        "figures": utility.rules_on(today).figures,
        "request": {"request_number": "VS-26-000001", "submitted_at": now, "issued_on": today},
        "places": examples.places_of(utility.form, answers),
    }
    return Case(**(given | more))


def claims_of(utility: Utility, case: Case) -> dict[str, Any]:
    """Return what the document of a case states; accepted, complete and checked. Raises InvalidInput."""
    utility.accept(case)
    return stating.claims_of(utility.document_of(case), case)


def faults_of(utility: Utility, case: Case) -> dict[str, str]:
    """Return why no document comes of a case, {} where one does."""
    try:
        claims_of(utility, case)
    except InvalidInput as error:
        return error.fields
    return {}


def view(utility: Utility, claims: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return what a purpose is shown of the first kind of document."""
    return {name: claims[name] for name in utility.documents[0].views[purpose] if name in claims}


def texts_of(utility: Utility) -> dict[str, Any]:
    """Return what stands in the plug-in's texts.json."""
    found = files(f"wallet.utilities.{utility.code}").joinpath("texts.json").read_text(encoding="utf-8")
    return json.loads(found)  # type: ignore[no-any-return]
