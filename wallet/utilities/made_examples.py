"""Examples for a utility that brings none: one request with every question answered, one with the fewest answers."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from wallet.errors import InvalidInput
from wallet.places import communes, provinces
from wallet.utilities.answering import asked
from wallet.utilities.base import NO_REGISTER, Ask, Field, Kind, Source, Utility
from wallet.utilities.examples import answered, read_examples
from wallet.utilities.fitting import LONGEST_NAME
from wallet.utilities.stating import claims_of

TODAY = date(2026, 11, 20)
NUMBER = "099090123456"
VALUES: Mapping[Kind, Any] = {
    Kind.TEXT: "Nguyễn Văn An",
    Kind.DAY: date(1990, 5, 12),
    Kind.TIME: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    Kind.INT: 1,
    Kind.BOOL: True,
    Kind.LIST: ("một", "hai"),
    Kind.RECORDS: ({"full_name": "Lê Thị Hòa"},),
}


def made_examples(utility: Utility) -> dict[str, Any]:
    """Return examples that fit what a utility declares; for one whose functions refuse nothing."""
    day = max(TODAY, utility.rules[-1].effective_from)
    examples = []
    for name, full in (("every question answered", True), ("the fewest answers", False)):
        answers: dict[str, Any] = {}
        for field in utility.form:
            if asked(field, answers) and (full or field.required):
                answers[field.name] = _answer(field)
        example = {
            "name": name,
            "number": NUMBER,
            "answers": answers,
            "facts": _facts(utility),
            "request": _request(utility),
        }
        examples.append(example | {"claims": _claims(utility, day, example)})
    return {"today": day.isoformat(), "accepted": examples, "rejected": []}


def _claims(utility: Utility, day: date, example: dict[str, Any]) -> dict[str, Any]:
    """Return what comes of an example, as it has to tell it; {} where nothing does."""
    (read,) = read_examples(utility, {"today": day.isoformat(), "accepted": [example]}).accepted
    kind = utility.documents[0]
    try:
        found = claims_of(kind, answered(utility, read))
    except InvalidInput:
        return {}
    return {
        claim.name: found[claim.name] for claim in kind.claims if claim.source in NO_REGISTER and claim.name in found
    }


def _facts(utility: Utility) -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = {}
    for kind in utility.documents:
        for claim in kind.claims:
            if claim.from_register:
                value = NUMBER if claim.stated_as == "number" else VALUES[claim.kind]
                facts.setdefault(str(claim.source), {})[claim.stated_as] = value
    return facts


def _request(utility: Utility) -> dict[str, Any]:
    claims = [claim for kind in utility.documents for claim in kind.claims if claim.source == Source.REQUEST]
    return {claim.stated_as: VALUES[claim.kind] for claim in claims}


def _answer(field: Field) -> Any:
    least, most = field.size
    match field.kind:
        case Ask.TEXT | Ask.LINES:
            words = " ".join([LONGEST_NAME] * (1 + most // len(LONGEST_NAME)))[:most]
            return words.strip().ljust(least, "ữ")
        case Ask.DAY | Ask.BIRTH_DATE:
            return "1990-05-12"
        case Ask.MOMENT:
            return "2026-11-20T02:00:00Z"
        case Ask.INT:
            return most
        case Ask.BOOL:
            return True
        case Ask.CHOICE:
            return field.choices[0]
        case Ask.CHOICES:
            return list(field.choices[: max(1, min(most, len(field.choices)))])
        case Ask.NUMBER:
            return "099195000001"
        case Ask.PHONE:
            return "0912345678"
        case Ask.EMAIL:
            return "an@example.vn"
        case Ask.COMMUNE:
            return next(iter(communes()))
        case Ask.PROVINCE:
            return next(iter(provinces()))
        case Ask.FILES:
            return [f"evd_{place:032x}" for place in range(max(1, least))]
        case Ask.RECORDS:
            return [{inner.name: _answer(inner) for inner in field.fields if inner.required}] * max(1, least)
