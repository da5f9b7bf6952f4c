"""A utility as data, defined by an admin with no code: the same value without functions, held to the same contract.

The shape of a definition is told in docs/utilities.md. Whatever a definition says, it can only ask, read one person's
registers and state what was read or declared; it computes nothing and evaluates nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from wallet.errors import InvalidInput
from wallet.strict import pointers
from wallet.utilities.base import (
    INSTANT,
    REQUEST_FACTS,
    REVIEWED,
    AccountLevel,
    Ask,
    AuthLevel,
    Capacity,
    Case,
    Claim,
    Claims,
    Deadline,
    DocumentType,
    Fee,
    FeeLine,
    Field,
    Kind,
    Layout,
    OnChange,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    stated_by,
    still_stated,
)
from wallet.utilities.declaration import faults_of_declaration
from wallet.utilities.definition_schema import DefinitionSchema, RulesSchema
from wallet.utilities.made_examples import made_examples
from wallet.utilities.plugin import LANGUAGES, Plugin
from wallet.utilities.trials import faults_of_examples

LIFECYCLES = {"instant": INSTANT, "reviewed": REVIEWED}
STATED_AS: Mapping[str, Kind] = {
    Ask.TEXT: Kind.TEXT,
    Ask.LINES: Kind.TEXT,
    Ask.DAY: Kind.DAY,
    Ask.BIRTH_DATE: Kind.DAY,
    Ask.INT: Kind.INT,
    Ask.BOOL: Kind.BOOL,
    Ask.CHOICE: Kind.TEXT,
    Ask.CHOICES: Kind.LIST,
    Ask.NUMBER: Kind.TEXT,
    Ask.PHONE: Kind.TEXT,
    Ask.EMAIL: Kind.TEXT,
    Ask.COMMUNE: Kind.TEXT,
    Ask.PROVINCE: Kind.TEXT,
}
"""What kind of claim the answer to a field makes; files make none."""


def defined(raw: Any, *, version: int = 1) -> Plugin:
    """Return the utility that a definition defines. version: of the utility and of its document.

    Raises InvalidInput with every fault, by JSON Pointer into the definition; what only the contract knows comes as
    sentences in `values["faults"]`.
    """
    faults: dict[str, str] = {}
    try:
        definition = DefinitionSchema().load(raw if isinstance(raw, Mapping) else {})
    except ValidationError as error:
        faults = dict(pointers(error.normalized_messages()))
        definition = {}
    if not isinstance(raw, Mapping):
        raise InvalidInput({"": "invalid_type"}, "definition_refused", faults=[])
    faults = dict(_faults(raw)) | faults
    if faults:
        raise InvalidInput(faults, "definition_refused", faults=[])
    plugin = Plugin(_utility(definition, version), _texts(definition), "")
    told = faults_of_declaration(plugin) or faults_of_examples(plugin, made_examples(plugin.utility))
    if told:
        raise InvalidInput({"": "breaks_contract"}, "definition_refused", faults=told)
    return plugin


def faults_of_change(former: Mapping[str, Any], raw: Mapping[str, Any], today: date) -> dict[str, str]:
    """Return what a definition changes that has to stay as the version before it had it, by pointer.

    Requests are carried to their end by the newest version: the rules that came into force are there as they were, and
    so is every state that a request may be in. today: in Hà Nội. Either is a definition that was found sound once.
    """
    before, now = (tuple(_rules(RulesSchema().load(each)) for each in one["rules"]) for one in (former, raw))
    kept = [each for place, each in enumerate(before) if place == 0 or each.effective_from <= today]
    places = {each.version: place for place, each in enumerate(now)}
    faults = {}
    for each in kept:
        place = places.get(each.version)
        if place is None:
            faults["/rules"] = "must_be_kept"
        elif now[place] != each:
            faults[f"/rules/{place}"] = "must_be_kept"
    ways = [LIFECYCLES[one.get("lifecycle", "instant")] for one in (former, raw)]
    if set(ways[0].states) - set(ways[1].states):
        faults["/lifecycle"] = "must_be_kept"
    return faults


# --- What depends on more than one part of it -----------------------------------------------------------------------


def _faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    document = _mapping(raw, "document")
    form, claims = _list(raw, "form"), _list(document, "claims")
    lifecycle = raw.get("lifecycle", "instant")
    yield from _faults_of_claims(claims, {_text(field, "name"): field for _, field in form})
    names = {_text(claim, "name") for _, claim in claims}
    for shown in ("views", "sections"):
        for place, part in _list(document, shown):
            for at, name in _texts_of(part, "claims"):
                if claims and name not in names:
                    yield f"/document/{shown}/{place}/claims/{at}", "no_such_claim"
    read = {_text(claim, "source") for _, claim in claims}
    for at, register in _texts_of(document, "void_when"):
        if register not in read:
            yield f"/document/void_when/{at}", "not_read"
    if document.get("on_change") == OnChange.RENEW and not document.get("void_when"):
        yield "/document/void_when", "required"
    for place, field in form:
        yield from _faults_of_field(f"/form/{place}", field, _list(raw, "form")[:place])
    yield from _faults_of_rules(_list(raw, "rules"), instant=lifecycle == "instant")
    if lifecycle == "reviewed" and not _list(raw, "reasons"):
        yield "/reasons", "required"
    if lifecycle == "instant" and _list(raw, "reasons"):
        yield "/reasons", "not_asked"
    yield from _repeated("/document/claims", claims, "number")
    yield from _repeated("/document/claims", claims, "name")
    yield from _repeated("/document/views", _list(document, "views"), "purpose")
    yield from _repeated("/form", form, "name")
    yield from _repeated("/reasons", _list(raw, "reasons"), "code")
    yield from _repeated("/rules", _list(raw, "rules"), "version")


def _faults_of_claims(
    claims: list[tuple[int, Mapping[str, Any]]], form: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    on_paper = [c for _, c in claims if c.get("paper") == Paper.REQUIRED and "name" in _text(c, "name")]
    if claims and not on_paper:
        yield "/document/claims", "no_name_on_paper"
    for place, claim in claims:
        at, stated = f"/document/claims/{place}", _text(claim, "fact") or _text(claim, "name")
        kind, shown = claim.get("kind", Kind.TEXT), claim.get("paper", Paper.HIDDEN) != Paper.HIDDEN
        if claim.get("paper") == Paper.REQUIRED and claim.get("required") is False:
            yield f"{at}/required", "must_be_required"
        if claim.get("source") == Source.REQUEST and REQUEST_FACTS.get(stated) != kind:
            yield f"{at}/kind" if stated in REQUEST_FACTS else f"{at}/name", "not_a_choice"
        secret = stated == "number" or kind == Kind.RECORDS
        if claim.get("source") == Source.DECLARED:
            field = form.get(stated)
            if field is None:
                yield f"{at}/source", "no_such_field"
            elif STATED_AS.get(_text(field, "kind", Ask.TEXT)) != kind:
                yield f"{at}/kind", "not_a_choice"
            secret = secret or (field or {}).get("kind") == Ask.NUMBER
        if secret and shown:
            yield f"{at}/paper", "not_on_paper"


def _faults_of_field(
    at: str, field: Mapping[str, Any], before: list[tuple[int, Mapping[str, Any]]]
) -> Iterator[tuple[str, str]]:
    chosen = field.get("kind") in (Ask.CHOICE, Ask.CHOICES)
    choices = _list(field, "choices")
    if chosen != bool(choices):
        yield f"{at}/choices", "required" if chosen else "not_asked"
    yield from _repeated(f"{at}/choices", choices, "code")
    size = field.get("size")
    if isinstance(size, list) and len(size) == 2 and all(type(each) is int for each in size) and size[0] > size[1]:
        yield f"{at}/size", "out_of_range"
    condition = field.get("only_if")
    if isinstance(condition, Mapping):
        other = next((each for _, each in before if each.get("name") == condition.get("field")), None)
        if other is None:
            yield f"{at}/only_if/field", "no_such_field"
        elif other.get("kind") in (Ask.CHOICE, Ask.CHOICES):
            codes = {_text(choice, "code") for _, choice in _list(other, "choices")}
            for place, value in _texts_of(condition, "values"):
                if value not in codes:
                    yield f"{at}/only_if/values/{place}", "not_a_choice"


def _faults_of_rules(rules: list[tuple[int, Mapping[str, Any]]], *, instant: bool) -> Iterator[tuple[str, str]]:
    days = [_text(each, "effective_from") for _, each in rules]
    for place, (day, next_day) in enumerate(pairwise(days)):
        if next_day <= day:
            yield f"/rules/{place + 1}/effective_from", "not_in_order"
    for place, each in rules:
        lines = _list(each, "fee")
        due = sum(line["amount"] for _, line in lines if type(line.get("amount")) is int)
        if due < 0:
            yield f"/rules/{place}/fee", "below_zero"
        elif due and instant:
            yield f"/rules/{place}/fee", "needs_review"
        yield from _repeated(f"/rules/{place}/fee", lines, "code")


def _repeated(at: str, entries: list[tuple[int, Mapping[str, Any]]], name: str) -> Iterator[tuple[str, str]]:
    seen: set[Any] = set()
    for place, entry in entries:
        value = entry.get(name)
        if isinstance(value, (str, int)):
            if value in seen:
                yield f"{at}/{place}/{name}", "repeated"
            seen.add(value)


def _mapping(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(raw: Mapping[str, Any], name: str, default: str = "") -> str:
    value = raw.get(name, default)
    return value if isinstance(value, str) else ""


def _texts_of(raw: Mapping[str, Any], name: str) -> list[tuple[int, str]]:
    """Return a list of texts with their places; what is no text is none that anything has."""
    value = raw.get(name)
    entries = value if isinstance(value, list) else []
    return [(place, each if isinstance(each, str) else "") for place, each in enumerate(entries)]


def _list(raw: Mapping[str, Any], name: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the records of a list with their places; what is no record the schema has told already."""
    value = raw.get(name)
    return [(p, each) for p, each in enumerate(value) if isinstance(each, Mapping)] if isinstance(value, list) else []


# --- From data to the value -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """A fee that is the same for everybody."""

    lines: tuple[FeeLine, ...]

    def __call__(self, _case: Case) -> Fee:
        return Fee(self.lines)


@dataclass(frozen=True, slots=True)
class StatedOtherwise:
    """Whether registers state anything else now of the claims that were taken from them."""

    claims: tuple[Claim, ...]

    def __call__(self, stated: Claims, case: Case) -> bool:
        names = [claim.name for claim in self.claims]
        return not still_stated(stated, names, stated_by(self.claims, case.facts))


def _utility(definition: Mapping[str, Any], version: int) -> Utility:
    document, code = definition["document"], definition["code"]
    return Utility(
        code=code,
        version=version,
        title=definition["title"],
        agency=definition["agency"]["code"],
        documents=(_document(code, version, document),),
        rules=tuple(_rules(each) for each in definition["rules"]),
        minimum_level=AccountLevel(definition["minimum_account_level"]),
        minimum_auth=AuthLevel(definition["minimum_auth_level"]),
        who=frozenset(map(Capacity, definition["who"])),
        form=tuple(_field(each) for each in definition["form"]),
        lifecycle=LIFECYCLES[definition["lifecycle"]],
        reasons=tuple(each["code"] for each in definition["reasons"]),
    )


def _document(code: str, version: int, document: Mapping[str, Any]) -> DocumentType:
    sections = tuple(
        Section(f"section_{place}" if part.get("heading") else "", tuple(part["claims"]))
        for place, part in enumerate(document["sections"])
    )
    claims = tuple(
        Claim(
            each["number"],
            each["name"],
            Kind(each["kind"]),
            each["source"],
            Paper(each["paper"]),
            each["required"],
            each["fact"],
        )
        for each in document["claims"]
    )
    return DocumentType(
        code=code,
        version=version,
        title=document["title"],
        validity=timedelta(days=document["validity_days"]),
        claims=claims,
        views=MappingProxyType({view["purpose"]: tuple(view["claims"]) for view in document["views"]}),
        void_when=frozenset(document["void_when"]),
        void_if=StatedOtherwise(tuple(claim for claim in claims if claim.source in document["void_when"])),
        on_change=OnChange(document.get("on_change", OnChange.VOID)),
        layout=Layout(sections),
    )


def _rules(each: Mapping[str, Any]) -> Rules:
    day: date = each["effective_from"]
    lines = tuple(FeeLine(line["code"], line["amount"]) for line in each["fee"])
    return Rules(each["version"], day, each["legal_basis"], Deadline(each["working_days"]), Fixed(lines))


def _field(each: Mapping[str, Any]) -> Field:
    condition = each["only_if"]
    return Field(
        name=each["name"],
        kind=Ask(each["kind"]),
        required=each["required"],
        size=(each["size"][0], each["size"][1]),
        choices=tuple(choice["code"] for choice in each["choices"]),
        only_if=None if condition is None else (condition["field"], tuple(condition["values"])),
    )


def _texts(definition: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the words of a definition in the shape of a `texts.json`."""
    document, form = definition["document"], definition["form"]
    agency = definition["agency"]
    words: dict[str, dict[str, Mapping[str, str]]] = {
        "claims": {claim["name"]: claim["label"] for claim in document["claims"]},
        "fields": {field["name"]: field["label"] for field in form},
        "choices": {f"{field['name']}.{each['code']}": each["label"] for field in form for each in field["choices"]},
        "reasons": {each["code"]: each["label"] for each in definition["reasons"]},
        "headings": {
            f"section_{place}": part["heading"] for place, part in enumerate(document["sections"]) if part["heading"]
        },
        "purposes": {view["purpose"]: view["label"] for view in document["views"]},
        "fees": {line["code"]: line["label"] for each in definition["rules"] for line in each["fee"]},
        "agencies": {agency["code"]: agency["name"]} if agency["name"] else {},
    }
    return {
        language: {
            section: {code: both[language] for code, both in codes.items()} for section, codes in words.items() if codes
        }
        for language in LANGUAGES
    }
