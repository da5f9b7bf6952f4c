"""Health-insurance card (thẻ bảo hiểm y tế): what the insurer states, in place of the paper card.

A card's number has 15 characters: two letters (group), one digit (benefit level), two digits (province), and the ten
digits of the insurance number; newer cards have these ten alone. The insurer knows many names without diacritics, so
they are compared without, and the document bears the name of the population register.

Source: Decision 1351/QĐ-BHXH (the number); Law on Identity 26/2023/QH15, article 22 (a health-insurance card is among
the papers that may be integrated); docs/domain.md, sections 3.3 and 4.6. Unconfirmed: what share of the cost each
benefit digit stands for (`percent`). No list of groups was found whole, so any two letters are one.
"""

import re
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import (
    AccountLevel,
    Ask,
    Capacity,
    Case,
    Claim,
    Claims,
    DocumentType,
    Field,
    Kind,
    Layout,
    Link,
    OnChange,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    refuse,
    unmarked,
)

VALIDITY = timedelta(days=365)
CARD = re.compile(r"(?P<group>[A-Z]{2})(?P<benefit>[1-5])(?P<province>[0-9]{2})(?P<insurance_number>[0-9]{10})")
SAME_PERSON = Link(Source.HEALTH_INSURANCE)


def read_number(text: str) -> dict[str, str] | None:
    """Return the parts of a card's number, of ten digits alone only these; None for what is neither.

    Spaces and points between the boxes of a printed card count for nothing.
    Source: Decision 1351/QĐ-BHXH, as in docs/domain.md, section 3.3.
    """
    compact = re.sub(r"[\s.-]", "", text).upper()
    if re.fullmatch(r"[0-9]{10}", compact):
        return {"insurance_number": compact}
    found = CARD.fullmatch(compact)
    return found.groupdict() if found else None


def accept(case: Case) -> None:
    """Refuse what its holder does not recognise, and a card that is another's, contradicts itself or does not count."""
    facts = case.facts.get(Source.HEALTH_INSURANCE)
    refuse(look(case), _wrong(case, facts) if facts else {"card_number": "not_insured"})


def look(case: Case) -> dict[str, str]:
    """Return that its holder does not recognise it."""
    return {"details_are_right": "ask_for_correction"} if case.answers.get("details_are_right") is False else {}


def _wrong(case: Case, facts: Claims) -> dict[str, str]:
    wrong = _not_the_same_person(case) | _contradictions(facts)
    if facts.get("valid_until", date.max) < case.today:
        wrong["valid_until"] = "expired"
    if facts.get("valid_from", date.min) > case.today:
        wrong["valid_from"] = "not_yet_valid"
    return wrong


def _not_the_same_person(case: Case) -> dict[str, str]:
    if SAME_PERSON.matches(case.facts):
        return {}
    names = (case.fact(register, "full_name", "") for register in (Source.HEALTH_INSURANCE, Source.POPULATION))
    return {"birth_date" if len({unmarked(name) for name in names}) == 1 else "full_name": "mismatch"}


def _contradictions(facts: Claims) -> dict[str, str]:
    name = "card_number" if "card_number" in facts else "insurance_number"
    parts = read_number(facts.get(name, ""))
    if parts is None:
        return {name: "malformed_number"}
    if parts["insurance_number"] != facts.get("insurance_number"):
        return {name: "numbers_differ"}
    level = str(facts.get("benefit_level"))
    return {} if parts.get("benefit", level) == level else {"benefit_level": "benefits_differ"}


def derive(case: Case) -> Claims:
    """Add the parts of the card's number, and what share of the cost is borne."""
    parts = read_number(case.claims.get("card_number", "")) or {}
    found: dict[str, Any] = {name: parts[name] for name in ("group", "province") if name in parts}
    percent = case.figures["percent"].get(case.claims["benefit_level"])
    if percent is not None:
        found["percent"] = percent
    return {"number_last4": case.claims["number"][-4:], **found}


def until(case: Case) -> date | None:
    """Return the last day of the insurance; a card for many years is made anew each year."""
    last: date = case.claims.get("valid_until", date.max)
    return min(last, case.today + VALIDITY)


CARD_OF_INSURANCE = DocumentType(
    code="health_insurance_card",
    title={"vi": "Thẻ bảo hiểm y tế", "en": "Health insurance card"},
    validity=VALIDITY,
    until=until,
    void_when=frozenset({Source.HEALTH_INSURANCE}),
    on_change=OnChange.RENEW,
    supersedes=True,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "card_number", source=Source.HEALTH_INSURANCE, required=False),
        Claim(7, "insurance_number", source=Source.HEALTH_INSURANCE),
        Claim(8, "group", basis=Source.HEALTH_INSURANCE, required=False),
        Claim(9, "province", basis=Source.HEALTH_INSURANCE, required=False),
        Claim(10, "benefit_level", Kind.INT, Source.HEALTH_INSURANCE),
        Claim(11, "percent", Kind.INT, required=False),
        Claim(12, "valid_from", Kind.DAY, Source.HEALTH_INSURANCE),
        Claim(13, "valid_until", Kind.DAY, Source.HEALTH_INSURANCE, Paper.SHOWN),
        Claim(14, "first_care_facility", source=Source.HEALTH_INSURANCE, paper=Paper.SHOWN),
    ),
    views={
        "reception": (
            "full_name", "birth_date", "sex", "card_number", "insurance_number", "benefit_level", "percent",
            "valid_from", "valid_until", "first_care_facility",
        ),
    },
    layout=Layout(
        sections=(
            Section("insured", ("full_name", "birth_date", "sex", "number")),
            Section("card", ("card_number", "insurance_number", "group", "province", "benefit_level", "percent")),
            Section("use", ("valid_from", "valid_until", "first_care_facility")),
        ),
        number="{serial}/{year}/BHYT",
        signatory="social_insurance",
    ),
)  # fmt: skip

utility = Utility(
    code="health_insurance_card",
    version=1,
    title={"vi": "Thẻ bảo hiểm y tế", "en": "Health insurance card"},
    agency="social_insurance",
    minimum_level=AccountLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN}),
    documents=(CARD_OF_INSURANCE,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Luật Căn cước 26/2023/QH15, Điều 22; Quyết định 1351/QĐ-BHXH",
            figures={"percent": {1: 100, 2: 100, 3: 95, 4: 80, 5: 100}},
        ),
    ),
    form=(Field("details_are_right", Ask.BOOL),),
    shows={
        Source.HEALTH_INSURANCE: (
            "full_name", "card_number", "insurance_number", "valid_from", "valid_until", "first_care_facility",
        )
    },
    accept=accept,
    look=look,
)  # fmt: skip
