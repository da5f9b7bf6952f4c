"""What a utility declares: each thing that may be wrong with it is told, by a sentence."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.utilities.plugins import MADE_UP, NAME, PAPER, RULES, SINCE, TEXTS, plugin, words
from wallet.errors import UnknownUtility
from wallet.terms import LONGEST_VALIDITY
from wallet.utilities.base import (
    ANSWERED,
    INSTANT,
    LINKED,
    REVIEWED,
    AccountLevel,
    Agreement,
    Ask,
    By,
    Capacity,
    Claim,
    Deadline,
    DocumentType,
    Field,
    Kind,
    Layout,
    Lifecycle,
    Move,
    OnChange,
    Paper,
    Section,
    Source,
    Step,
    Utility,
)
from wallet.utilities.declaration import LIFECYCLES, faults_of_declaration, faults_of_lifecycle

WHOLE_DAYS = "made-up: its validity is not a number of whole days"
SOON = Deadline(working_days=1)
NEVER_LAID_OUT = tuple(replace(move, lays_out=False) for move in LINKED.moves)


def claims(*each: Claim) -> dict[str, Any]:
    return {"paper": {"claims": (NAME, SINCE, *each)}}


def form(*fields: Field) -> dict[str, Any]:
    return {"form": fields}


def without(section: str, key: str, language: str) -> dict[str, Any]:
    texts = {each: {name: dict(codes) for name, codes in TEXTS[each].items()} for each in TEXTS}
    del texts[language][section][key]
    return texts


def text(language: str, key: str, value: Any) -> dict[str, Any]:
    return {**TEXTS, language: {"claims": {**TEXTS[language]["claims"], key: value}}}


BROKEN: dict[str, tuple[dict[str, Any], Any, str]] = {
    # the service
    "code-with-capitals": ({"code": "Made-Up"}, None, "its code 'Made-Up' is not fit for the wire"),
    "code-with-space": ({"code": "made up"}, None, "its code 'made up' is not fit for the wire"),
    "code-empty": ({"code": ""}, None, "its code '' is not fit for the wire"),
    "code-too-long": ({"code": "a" * 65}, None, f"its code {'a' * 65!r} is not fit for the wire"),
    "code-not-ascii": ({"code": "cư-trú"}, None, "its code 'cư-trú' is not fit for the wire"),
    "version-zero": ({"version": 0}, None, "its version is less than 1"),
    "no-title": ({"title": {}}, None, "no title in vi"),
    "no-english-title": ({"title": {"vi": "Giấy"}}, None, "no title in en"),
    "empty-title": ({"title": {"vi": "Giấy", "en": ""}}, None, "no title in en"),
    "one-title": ({"title": {"vi": "Form", "en": "Form"}}, None, "its title is the same in both languages"),
    "title-not-nfc": (
        {"title": {"vi": "Gia\u0302\u0301y", "en": "Paper"}},
        None,
        "its title has white space around it, or is not NFC",
    ),
    "level": ({"minimum_level": 7}, None, "it asks for a level that there is not"),
    "auth-level": ({"minimum_auth": 0}, None, "it asks for a level that there is not"),
    "nobody": ({"who": frozenset()}, None, "nobody may apply"),
    "confidential": (
        {"confidential": True, "who": frozenset({Capacity.SELF, Capacity.GUARDIAN})},
        None,
        "it is confidential, and somebody else may apply",
    ),
    "no-document": ({"documents": ()}, None, "no document comes of it"),
    "two-documents": ({"documents": (PAPER, PAPER)}, None, "two of its documents share the code made-up"),
    # rules
    "no-rules": ({"rules": ()}, None, "it has no rules"),
    "rules-backwards": (
        {"rules": (RULES, replace(RULES, version="2025", effective_from=date(2025, 1, 1)))},
        None,
        "its rules are not in the order of the days they came into force",
    ),
    "rules-on-one-day": (
        {"rules": (RULES, replace(RULES, version="b"))},
        None,
        "its rules are not in the order of the days they came into force",
    ),
    "rules-one-version": (
        {"rules": (RULES, replace(RULES, effective_from=date(2027, 1, 1)))},
        None,
        "two of its rules share a version",
    ),
    "no-law": ({"rules": (replace(RULES, legal_basis=" "),)}, None, "the rules 2026 have no version or no legal basis"),
    "deadline": (
        {"rules": (replace(RULES, deadline=Deadline(working_days=-1)),)},
        None,
        "the deadline of the rules 2026 lies in the past",
    ),
    # documents
    "document-code": ({"paper": {"code": "Giấy"}}, None, "Giấy: its code 'Giấy' is not fit for the wire"),
    "document-version": ({"paper": {"version": 0}}, None, "made-up: its version is less than 1"),
    "document-title": ({"paper": {"title": {"vi": "Giấy"}}}, None, "made-up: no title in en"),
    "hours": ({"paper": {"validity": timedelta(days=1, hours=1)}}, None, WHOLE_DAYS),
    "a-microsecond": ({"paper": {"validity": timedelta(days=1, microseconds=1)}}, None, WHOLE_DAYS),
    "no-time": ({"paper": {"validity": timedelta()}}, None, WHOLE_DAYS),
    "backwards": ({"paper": {"validity": timedelta(days=-1)}}, None, WHOLE_DAYS),
    "too-long": (
        {"paper": {"validity": LONGEST_VALIDITY + timedelta(days=1)}},
        None,
        "made-up: its validity is more than 3660 days",
    ),
    "no-claims": ({"paper": {"claims": ()}}, None, "made-up: it has no claims"),
    "two-numbers": (claims(Claim(2, "other")), None, "made-up: two claims share the number 2"),
    "two-names": (claims(Claim(3, "since")), None, "made-up: two claims share the name since"),
    "negative": (claims(Claim(-1, "other")), None, "made-up: the claim other has no number that fits a code"),
    "number-too-large": (claims(Claim(2**31, "x")), None, "made-up: the claim x has no number that fits a code"),
    "number-a-bool": (claims(Claim(True, "x")), None, "made-up: the claim x has no number that fits a code"),
    "name": (claims(Claim(3, "FullName")), None, "made-up: the claim FullName has a name that is not snake_case"),
    "name-of-the-format": (
        claims(Claim(3, "status")),
        None,
        "made-up: the claim status has a name that a signed document keeps for itself",
    ),
    "records-on-paper": (
        claims(Claim(3, "members", Kind.RECORDS, paper=Paper.SHOWN)),
        None,
        "made-up: the claim members would be missing on paper: records have no compact form",
    ),
    "number-on-paper": (
        claims(Claim(3, "number", source=Source.POPULATION, paper=Paper.SHOWN)),
        None,
        "made-up: the claim number shows the whole number on paper",
    ),
    "required-and-absent": (
        claims(Claim(3, "x", paper=Paper.REQUIRED, required=False)),
        None,
        "made-up: the claim x must stand on paper and may be absent",
    ),
    "nobody-on-paper": ({"paper": {"claims": (SINCE,)}}, None, "made-up: no name must stand on paper"),
    "no-fact-of-a-request": (
        claims(Claim(3, "x", source=Source.REQUEST)),
        None,
        "made-up: the claim x is nothing that a request states",
    ),
    "wrong-kind-of-a-request": (
        claims(Claim(3, "due_on", source=Source.REQUEST)),
        None,
        "made-up: the claim due_on is nothing that a request states",
    ),
    "declared-by-nobody": (
        claims(Claim(3, "wish", source=Source.DECLARED)),
        None,
        "made-up: the claim wish is declared and no field asks for it",
    ),
    "view": ({"paper": {"views": {"gate": ("nothing",)}}}, None, "made-up: nothing is shown and no claim"),
    "spare": ({"paper": {"card_spares": ("nothing",)}}, None, "made-up: nothing is shown and no claim"),
    "view-of-nothing": ({"paper": {"views": {"gate": ()}}}, None, "made-up: the view gate shows nothing"),
    "layout": (
        {"paper": {"layout": Layout((Section("", ("full_name", "gone")),))}},
        None,
        "made-up: gone is shown and no claim",
    ),
    "void-with-a-stranger": (
        {"paper": {"void_when": frozenset({"vehicles"})}},
        None,
        "made-up: it is void with vehicles, which it does not read",
    ),
    "made-anew-on-nothing": (
        {"paper": {"on_change": OnChange.RENEW}},
        None,
        "made-up: it is made anew on a change and depends on no register",
    ),
    "numbering": (
        {"paper": {"layout": Layout(number="{serial}/{holder}")}},
        None,
        "made-up: its numbering has a place for something other than serial and year",
    ),
    "basis-of-a-fact": (
        claims(Claim(3, "x", source=Source.POPULATION, basis=Source.RESIDENCE)),
        None,
        "made-up: the claim x rests on a register and is not computed",
    ),
    "parts-of-a-text": (
        claims(Claim(3, "x", parts=("a",))),
        None,
        "made-up: the claim x has parts and is no records, or has one twice",
    ),
    "part-twice": (
        claims(Claim(3, "x", Kind.RECORDS, parts=("a", "a"))),
        None,
        "made-up: the claim x has parts and is no records, or has one twice",
    ),
    # the form
    "field-name": (form(Field("Purpose")), None, "the field Purpose has a name that is not snake_case"),
    "two-fields": (form(Field("a"), Field("a")), None, "two fields share the name a"),
    "size": (form(Field("a", size=(3, 2))), None, "the field a has a size that nothing has"),
    "negative-size": (form(Field("a", size=(-1, 2))), None, "the field a has a size that nothing has"),
    "choice-without-choices": (
        form(Field("a", Ask.CHOICE)),
        None,
        "the field a has choices and takes none, or has none, or has one twice",
    ),
    "choices-of-a-text": (
        form(Field("a", choices=("b",))),
        None,
        "the field a has choices and takes none, or has none, or has one twice",
    ),
    "choice-twice": (
        form(Field("a", Ask.CHOICES, choices=("b", "b"))),
        None,
        "the field a has choices and takes none, or has none, or has one twice",
    ),
    "records-without-fields": (
        form(Field("a", Ask.RECORDS)),
        None,
        "the field a has fields of a record and takes none, or has none",
    ),
    "records-in-records": (
        form(Field("a", Ask.RECORDS, fields=(Field("b", Ask.RECORDS, fields=(Field("c"),)),))),
        None,
        "the field a has records or files inside a record",
    ),
    "two-fields-of-a-record": (
        form(Field("a", Ask.RECORDS, fields=(Field("b"), Field("b")))),
        None,
        "the field a shares the name b between two fields",
    ),
    "inside-a-record": (
        form(Field("a", Ask.RECORDS, fields=(Field("b", size=(2, 1)),))),
        None,
        "the field b has a size that nothing has",
    ),
    "importable-text": (form(Field("a", importable=True)), None, "the field a is importable and takes no records"),
    "pattern": (form(Field("a", pattern="(")), None, "the field a has a pattern that cannot be used"),
    "pattern-of-a-day": (
        form(Field("a", Ask.DAY, pattern="x")),
        None,
        "the field a has a pattern that cannot be used",
    ),
    "held-by-nobody": (
        form(Field("a", held_by=("vehicle", "plate"))),
        None,
        "the field a is held by vehicle, which is no register that is read",
    ),
    "one-of-nothing": (
        form(Field("a", one_of=("vehicle", "vehicles", "plate"))),
        None,
        "the field a is one of what vehicle states, which is no register that is read, or takes no text",
    ),
    "one-of-days": (
        form(Field("a", Ask.DAY, one_of=("vehicles", "vehicles", "plate"))),
        None,
        "the field a is one of what vehicles states, which is no register that is read, or takes no text",
    ),
    "depends-on-nothing": (
        form(Field("a", only_if=("b", ("x",))), Field("b")),
        None,
        "the field a depends on b, which is not asked before it",
    ),
    "depends-on-itself": (
        form(Field("a", only_if=("a", ("x",)))),
        None,
        "the field a depends on a, which is not asked before it",
    ),
    "depends-on-no-choice": (
        form(Field("b", Ask.CHOICE, choices=("x",)), Field("a", only_if=("b", ("y",)))),
        None,
        "the field a depends on an answer that b does not have",
    ),
    # the way
    "no-reasons": ({"lifecycle": REVIEWED}, None, "an officer needs a reason and there is none to give"),
    "reasons-for-nobody": ({"reasons": ("wrong",)}, None, "it lists reasons that nobody can give"),
    "reason-twice": (
        {"lifecycle": REVIEWED, "reasons": ("wrong", "wrong")},
        None,
        "the reason wrong is listed twice",
    ),
    "steps-for-nothing": (
        {"steps": (Step("look", "c06", SOON),)},
        None,
        "it has steps and nothing follows from their end",
    ),
    "waits-for-no-steps": (
        {"lifecycle": LINKED, "reasons": ("wrong",)},
        None,
        "its document waits for steps and there are none",
    ),
    "step-without-time": ({"steps": (Step("look", "c06", Deadline()),)}, None, "the step look has no time"),
    "two-steps": (
        {"steps": (Step("look", "c06", SOON), Step("look", "c06", SOON))},
        None,
        "two steps share the code look",
    ),
    "step-after-nothing": (
        {"steps": (Step("look", "c06", SOON, after=("gone",)),)},
        None,
        "the step look waits for gone, which is none",
    ),
    "supplement": (
        {"lifecycle": REVIEWED, "reasons": ("wrong",), "supplements": ("blurred",)},
        None,
        "the supplement blurred is no reason",
    ),
    "step-pattern-of-nothing": (
        {"steps": (Step("look", "c06", SOON, patterns={"size": "x"}),)},
        None,
        "the step look has a pattern that cannot be used",
    ),
    "step-pattern": (
        {"steps": (Step("look", "c06", SOON, finds=("size",), patterns={"size": "("}),)},
        None,
        "the step look has a pattern that cannot be used",
    ),
    "finding-without-words": (
        {"steps": (Step("look", "c06", SOON, finds=("size",)),)},
        None,
        "no text in vi for findings.size",
    ),
    "part-without-words": (claims(Claim(3, "x", Kind.RECORDS, parts=("a",))), None, "no text in vi for parts.x.a"),
    "steps-in-a-ring": (
        {"steps": (Step("a", "c06", SOON, after=("b",)), Step("b", "c06", SOON, after=("a",)))},
        None,
        "the steps a, b wait for each other",
    ),
    "step-after-itself": (
        {"steps": (Step("a", "c06", SOON, after=("a",)), Step("b", "c06", SOON))},
        None,
        "the steps a wait for each other",
    ),
    # texts
    "missing-label": ({}, without("claims", "full_name", "en"), "no text in en for claims.full_name"),
    "empty-label": ({}, text("vi", "full_name", ""), "no text in vi for claims.full_name"),
    "no-language": ({}, {"vi": TEXTS["vi"]}, "no text in en for claims.since"),
    "no-texts": ({}, {"vi": {}, "en": {}}, "no text in vi for claims.full_name"),
    "same-in-both": (
        {},
        text("en", "since", "Từ ngày"),
        "the text claims.since is the same in both languages",
    ),
    "white-space": (
        {},
        text("en", "since", "Since "),
        "the text claims.since has white space around it, or is not NFC",
    ),
    "not-nfc": (
        {},
        text("vi", "since", "Tư\u0300 ngày"),
        "the text claims.since has white space around it, or is not NFC",
    ),
    "not-a-text": ({}, text("vi", "since", 7), "the text claims.since is no text"),
    "label-twice": ({}, text("en", "since", "Full name"), "made-up: two claims are called Full name in en"),
    "gone": ({}, words("claims", gone=("Cũ", "Old")), "the text claims.gone in vi is for nothing"),
    "one-language-alone": (
        {},
        {**TEXTS, "vi": {**TEXTS["vi"], "reasons": {"x": "Vì sao"}}},
        "the text reasons.x stands in one language alone",
    ),
    "unknown-section": ({}, words("jokes", a=("Cười", "Laugh")), "texts.json has jokes in vi, which nobody reads"),
    "field-without-words": (form(Field("purpose")), None, "no text in vi for fields.purpose"),
    "choice-without-words": (
        form(Field("a", Ask.CHOICE, choices=("b",))),
        None,
        "no text in en for choices.a.b",
    ),
    "reason-without-words": (
        {"lifecycle": ANSWERED, "reasons": ("done",)},
        None,
        "no text in vi for reasons.done",
    ),
    "step-without-words": ({"steps": (Step("look", "c06", SOON),)}, None, "no text in vi for steps.look"),
    "heading-without-words": (
        {"paper": {"layout": Layout((Section("who", ("full_name",)),))}},
        None,
        "no text in vi for headings.who",
    ),
    "signatory-without-words": (
        {"paper": {"layout": Layout(signatory="head")}},
        None,
        "no text in en for signatories.head",
    ),
    "purpose-without-words": (
        {"paper": {"views": {"gate": ("full_name",)}}},
        None,
        "no text in vi for purposes.gate",
    ),
    "fact-without-words": ({"shows": {"residence": ("since_when",)}}, None, "no text in vi for facts.since_when"),
    "agency-without-words": ({"agency": "harbour"}, None, "no text in vi for agencies.harbour"),
    "code-without-words": ({"codes": {"state": ("valid",)}}, None, "no text in vi for values.state.valid"),
    "codes-of-nothing": ({"codes": {"state": ()}}, None, "state has no codes, or one twice"),
    "codes-twice": ({"codes": {"state": ("a", "a")}}, None, "state has no codes, or one twice"),
    "preview-of-no-claim": ({"previews": ("gone",)}, None, "a draft previews gone, which is no claim"),
    "steps-never-laid-out": (
        {"steps": (Step("a", "c06", SOON),), "lifecycle": replace(LINKED, moves=NEVER_LAID_OUT)},
        None,
        "it has steps and no move lays them out",
    ),
    "agency-of-a-step": ({"steps": (Step("a", "harbour", SOON),)}, None, "no text in en for agencies.harbour"),
    "state-without-words": (
        {"lifecycle": Lifecycle("own", (Move("submit", "draft", "on_its_way", By.HOLDER, issues=True),))},
        None,
        "no text in vi for states.on_its_way",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told(name: str) -> None:
    changes, texts, fault = BROKEN[name]
    assert fault in faults_of_declaration(plugin(texts, **changes))


def test_sound_utility_has_no_faults() -> None:
    assert faults_of_declaration(plugin()) == []


def test_words_of_the_wallet_are_not_needed_twice() -> None:
    """The states of our lifecycles and the agencies of the catalogue have words; a plug-in may still have its own."""
    own = words("agencies", c06=("Cục của chúng tôi", "Our department"))
    assert faults_of_declaration(plugin(own)) == []
    assert (
        faults_of_declaration(plugin(words("agencies", c08=("Cục khác", "Another"))))
        == [
            "the text agencies.c08 in en is for nothing",
            "the text agencies.c08 in vi is for nothing",
        ][::-1]
    )


def test_an_agreement_needs_a_question_some_time_and_a_lifecycle_that_waits() -> None:
    nobody = Agreement("asked", lambda _: "", shows=("gone",), days=0)
    found = faults_of_declaration(plugin(agreement=nobody, confidential=True, who=frozenset({Capacity.SELF})))
    assert {
        "whether somebody else is asked to agree is in asked, which is no field of yes and no",
        "who is asked to agree is shown gone, which is no field",
        "who is asked to agree has no time",
        "it is confidential, and somebody else is asked to agree",
        "somebody else may be asked to agree, and its lifecycle does not wait for them",
    } <= set(found)


def test_faults_come_all_together() -> None:
    found = faults_of_declaration(plugin({}, title={}, version=0, paper={"validity": timedelta(hours=1)}))
    assert Counter(found) == Counter(
        [
            "no title in vi",
            "no title in en",
            "its version is less than 1",
            WHOLE_DAYS,
            *(
                f"no text in {language} for claims.{name}"
                for language in ("vi", "en")
                for name in ("full_name", "since")
            ),
        ]
    )


# --- Lifecycles -----------------------------------------------------------------------------------------------------

SUBMIT = Move("submit", "draft", "sent", By.HOLDER)
ISSUE = Move("approve", "sent", "issued", By.OFFICER, issues=True)
BROKEN_WAYS: dict[str, tuple[tuple[Move, ...], str]] = {
    "two-arrows": ((SUBMIT, replace(SUBMIT, target="lost"), ISSUE), "submit leads to two places from draft"),
    "unreached": ((SUBMIT, ISSUE, Move("x", "island", "issued", By.SYSTEM)), "island is never reached"),
    "ring": (
        (
            SUBMIT,
            ISSUE,
            Move("a", "sent", "b", By.SYSTEM),
            Move("c", "b", "d", By.SYSTEM),
            Move("e", "d", "b", By.SYSTEM),
        ),
        "nothing ends it from b",
    ),
    "never-issued": ((SUBMIT,), "no move issues the document"),
    "issued-twice": (
        (SUBMIT, ISSUE, Move("again", "issued", "ended", By.OFFICER, issues=True)),
        "the document may be issued again after approve",
    ),
    "issued-in-a-ring": (
        (SUBMIT, ISSUE, Move("back", "issued", "sent", By.OFFICER), Move("end", "sent", "ended", By.HOLDER)),
        "the document may be issued again after approve",
    ),
    "voided-before": (
        (SUBMIT, ISSUE, Move("cancel", "sent", "cancelled", By.HOLDER, voids=True)),
        "cancel from sent voids what may not have been issued",
    ),
    "voided-at-once": (
        (SUBMIT, replace(ISSUE, voids=True)),
        "approve from sent voids what may not have been issued",
    ),
    "voided-twice": (
        (
            SUBMIT,
            ISSUE,
            Move("end", "issued", "ended", By.HOLDER, voids=True),
            Move("undo", "ended", "gone", By.OFFICER, voids=True),
        ),
        "the document may be voided again after end",
    ),
    "second-citizen": (
        (replace(SUBMIT, second=True), ISSUE),
        "submit from draft needs a second officer and is not an officer's",
    ),
    "promise-without-a-clock": (
        (SUBMIT, replace(ISSUE, receives=True)),
        "approve from sent promises a date, and no clock runs in issued",
    ),
    "citizens-longer-term": (
        (replace(SUBMIT, extends=True), ISSUE),
        "submit from draft takes the longer term and is not an officer's",
    ),
}


@pytest.mark.parametrize("name", BROKEN_WAYS)
def test_what_is_wrong_with_a_lifecycle_is_told(name: str) -> None:
    moves, fault = BROKEN_WAYS[name]
    assert fault in list(faults_of_lifecycle(Lifecycle("x", moves)))


def test_clock_that_waits_nowhere_is_told() -> None:
    lifecycle = Lifecycle("x", (SUBMIT, ISSUE), waiting=frozenset({"nowhere"}))
    assert list(faults_of_lifecycle(lifecycle)) == ["its clock waits in nowhere, which is none"]


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=[each.code for each in LIFECYCLES])
def test_lifecycles_of_the_contract_are_well_formed(lifecycle: Lifecycle) -> None:
    assert list(faults_of_lifecycle(lifecycle)) == []


# --- The values themselves ------------------------------------------------------------------------------------------


def test_registers_are_named_once_in_the_order_of_first_use() -> None:
    claims = (
        Claim(1, "a", source=Source.RESIDENCE),
        Claim(2, "b"),
        Claim(3, "c", source=Source.POPULATION),
        Claim(4, "d", source=Source.RESIDENCE),
        Claim(5, "e", source=Source.DECLARED),
    )
    kind = replace(PAPER, claims=claims)
    assert kind.registers == (Source.RESIDENCE, Source.POPULATION)
    assert replace(PAPER, claims=(Claim(2, "b"),)).registers == ()
    utility = replace(
        MADE_UP, documents=(kind,), reads=("vehicles", "residence"), shows={"health_records": ("visits",)}
    )
    assert utility.registers == ("residence", "population", "vehicles", "health_records")


def test_a_utility_without_functions_derives_and_refuses_nothing(case: Any) -> None:
    kind = DocumentType("x", {"vi": "a", "en": "b"}, (Claim(1, "a"),), timedelta(days=1))
    utility = Utility("x", 1, {"vi": "a", "en": "b"}, "c06", (kind,), (RULES,))
    assert kind.derive(case) == {}
    assert kind.check({"a": "b"}, date(2026, 1, 1)) is None  # type: ignore[func-returns-value]
    assert kind.until(case) is None
    assert utility.accept(case) is None  # type: ignore[func-returns-value]
    assert utility.document_of(case) is kind
    assert utility.province_of(case) == ""
    assert utility.rules_on(date(2026, 1, 1)).fee(case).due == 0
    assert utility.lifecycle is INSTANT
    assert utility.minimum_level is AccountLevel.TWO


def test_rules_are_those_of_the_day() -> None:
    later = replace(RULES, version="2027", effective_from=date(2027, 1, 1))
    utility = replace(MADE_UP, rules=(RULES, later))
    assert [utility.rules_on(day).version for day in (date(2020, 1, 1), date(2026, 1, 1), date(2026, 12, 31))] == [
        "2026"
    ] * 3
    assert utility.rules_on(date(2027, 1, 1)) is later
    assert utility.rules_of("2026") is RULES
    with pytest.raises(UnknownUtility):
        utility.rules_of("2028")


def test_document_by_its_code() -> None:
    other = replace(PAPER, code="other")
    utility = replace(MADE_UP, documents=(PAPER, other))
    assert utility.document("") is PAPER
    assert utility.document("other") is other
    for code in ("Other", "other ", "gone"):
        with pytest.raises(KeyError):
            utility.document(code)
