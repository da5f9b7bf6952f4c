"""What a utility declares, held against the contract: nothing is run, so it is quick enough for every start."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from wallet.formats import compact_values as wire
from wallet.formats.sd_jwt_vc import NOT_A_CLAIM
from wallet.terms import LONGEST_VALIDITY, AccountLevel, AuthLevel
from wallet.texts.catalogue import catalogue
from wallet.utilities.base import (
    NO_REGISTER,
    REQUEST_FACTS,
    Ask,
    By,
    Capacity,
    Claim,
    DocumentType,
    Field,
    Kind,
    Lifecycle,
    Once,
    OnChange,
    Paper,
    Source,
    Step,
    Utility,
    texts_needed,
)
from wallet.utilities.lifecycles import ANSWERED, DRAFT, FOUR_EYES, INSTANT, LINKED, NOTICE, REVIEWED
from wallet.utilities.plugin import LANGUAGES, Plugin

LIFECYCLES = (INSTANT, REVIEWED, FOUR_EYES, ANSWERED, NOTICE, LINKED)
"""Those of the contract; the words for their states are the wallet's own."""

SECTIONS = frozenset(
    [
        "agencies",
        "choices",
        "claims",
        "facts",
        "fees",
        "fields",
        "findings",
        "headings",
        "parts",
        "purposes",
        "reasons",
        "signatories",
        "states",
        "steps",
        "values",
        "warnings",
    ]
)
FOUND_BY_RUNNING = frozenset({"facts", "fees", "reasons", "warnings"})
"""Sections whose codes also come out of functions; whether one of them is left over, examples tell."""

WIRE_CODE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_CODE = 64
OF_NUMBERING = frozenset({"serial", "year"})


def faults_of_declaration(plugin: Plugin) -> list[str]:
    """Return what breaks the contract in what a utility declares and in its texts, one sentence each."""
    utility = plugin.utility
    return [
        *_faults_of_service(utility),
        *_faults_of_rules(utility),
        *(f"{kind.code}: {fault}" for kind in utility.documents for fault in _faults_of_document(kind, utility)),
        *_faults_of_form(utility),
        *(f"lifecycle {utility.lifecycle.code}: {fault}" for fault in faults_of_lifecycle(utility.lifecycle)),
        *_faults_of_way(utility),
        *(() if utility.once is None else _faults_of_once(utility.once, {field.name for field in utility.form})),
        *_faults_of_steps(utility.steps, {field.name for field in utility.form}),
        *_faults_of_texts(plugin),
    ]


def _faults_of_service(utility: Utility) -> Iterator[str]:
    yield from _faults_of_code("its code", utility.code)
    yield from _faults_of_title(utility.title)
    if utility.version < 1:
        yield "its version is less than 1"
    if utility.minimum_level not in set(AccountLevel) or utility.minimum_auth not in set(AuthLevel):
        yield "it asks for a level that there is not"
    if not utility.who:
        yield "nobody may apply"
    if utility.confidential and set(utility.who) != {Capacity.SELF}:
        yield "it is confidential, and somebody else may apply"
    if not utility.documents:
        yield "no document comes of it"
    for code in _twice(kind.code for kind in utility.documents):
        yield f"two of its documents share the code {code}"
    known = {name for kind in utility.documents for name in kind.names}
    yield from (f"{name} has no codes, or one twice" for name, c in utility.codes.items() if not c or _twice(c))
    yield from (f"a draft previews {name}, which is no claim" for name in utility.previews if name not in known)
    yield from (f"the supplement {code} is no reason" for code in utility.supplements if code not in utility.reasons)
    for code in _twice(utility.reasons):
        yield f"the reason {code} is listed twice"


def _faults_of_rules(utility: Utility) -> Iterator[str]:
    if not utility.rules:
        yield "it has no rules"
    days = [rules.effective_from for rules in utility.rules]
    if days != sorted(set(days)):
        yield "its rules are not in the order of the days they came into force"
    if _twice(rules.version for rules in utility.rules):
        yield "two of its rules share a version"
    for rules in utility.rules:
        if not rules.version or not rules.legal_basis.strip():
            yield f"the rules {rules.version} have no version or no legal basis"
        if min(rules.deadline.working_days, rules.deadline.working_hours, rules.deadline.extended_working_days) < 0:
            yield f"the deadline of the rules {rules.version} lies in the past"


def _faults_of_document(kind: DocumentType, utility: Utility) -> Iterator[str]:
    yield from _faults_of_code("its code", kind.code)
    yield from _faults_of_title(kind.title)
    if kind.version < 1:
        yield "its version is less than 1"
    if kind.validity < timedelta(days=1) or kind.validity % timedelta(days=1):
        yield "its validity is not a number of whole days"
    if kind.validity > LONGEST_VALIDITY:
        yield f"its validity is more than {LONGEST_VALIDITY.days} days"
    if not kind.claims:
        yield "it has no claims"
    yield from (f"two claims share the number {number}" for number in _twice(c.number for c in kind.claims))
    yield from (f"two claims share the name {name}" for name in _twice(kind.names))
    for claim in kind.claims:
        yield from (f"the claim {claim.name} {fault}" for fault in _faults_of_claim(claim, utility))
    if not any("name" in claim.name for claim in kind.claims if claim.paper is Paper.REQUIRED):
        yield "no name must stand on paper"
    shown = [*(name for names in kind.views.values() for name in names), *kind.card_spares]
    shown += [name for part in kind.layout.sections for name in part.claims]
    yield from (f"{name} is shown and no claim" for name in sorted(set(shown) - set(kind.names)))
    yield from (f"the view {purpose} shows nothing" for purpose, names in kind.views.items() if not names)
    yield from (
        f"it is void with {each}, which it does not read" for each in sorted(kind.void_when - {*utility.registers})
    )
    if kind.on_change is OnChange.RENEW and not kind.void_when:
        yield "it is made anew on a change and depends on no register"
    if {name for _, name, _, _ in string.Formatter().parse(kind.layout.number) if name is not None} - OF_NUMBERING:
        yield "its numbering has a place for something other than serial and year"


def _faults_of_claim(claim: Claim, utility: Utility) -> Iterator[str]:
    if claim.number.__class__ is not int or not 0 <= claim.number < 2**31:
        yield "has no number that fits a code"
    if not NAME.fullmatch(claim.name):
        yield "has a name that is not snake_case"
    if claim.name in NOT_A_CLAIM:
        yield "has a name that a signed document keeps for itself"
    if claim.paper is not Paper.HIDDEN and claim.kind is Kind.RECORDS:
        yield "would be missing on paper: records have no compact form"
    elif claim.kind is not Kind.RECORDS and claim.kind not in wire.KINDS:
        yield "is of a kind without a compact form"
    if claim.paper is Paper.REQUIRED and not claim.required:
        yield "must stand on paper and may be absent"
    if claim.paper is not Paper.HIDDEN and claim.name == "number":
        yield "shows the whole number on paper"
    if claim.basis and claim.source != Source.DERIVED:
        yield "rests on a register and is not computed"
    if claim.parts and (claim.kind is not Kind.RECORDS or _twice(claim.parts)):
        yield "has parts and is no records, or has one twice"
    if claim.source == Source.REQUEST and REQUEST_FACTS.get(claim.stated_as) is not claim.kind:
        yield "is nothing that a request states"
    if claim.source == Source.DECLARED and claim.stated_as not in {field.name for field in utility.form}:
        yield "is declared and no field asks for it"


def _faults_of_form(utility: Utility) -> Iterator[str]:
    claimed = {register for kind in utility.documents for register in kind.registers}
    read = claimed | {*utility.reads} | {str(each) for each in Source if each not in NO_REGISTER}
    for field, before in _with_those_before(utility.form):
        yield from (f"the field {field.name} {fault}" for fault in _faults_of_field(field, before, read))
    yield from (f"two fields share the name {name}" for name in _twice(field.name for field in utility.form))


def _with_those_before(form: Sequence[Field]) -> Iterator[tuple[Field, dict[str, Field]]]:
    for place, field in enumerate(form):
        yield field, {each.name: each for each in form[:place]}
        if field.kind is Ask.RECORDS:
            yield from _with_those_before(field.fields)


def _faults_of_field(field: Field, before: dict[str, Field], read: set[str]) -> Iterator[str]:
    least, most = field.size
    if not NAME.fullmatch(field.name):
        yield "has a name that is not snake_case"
    if least > most or (field.kind is not Ask.INT and least < 0):
        yield "has a size that nothing has"
    if (field.kind in (Ask.CHOICE, Ask.CHOICES)) != bool(field.choices) or _twice(field.choices):
        yield "has choices and takes none, or has none, or has one twice"
    if (field.kind is Ask.RECORDS) != bool(field.fields):
        yield "has fields of a record and takes none, or has none"
    if field.kind is Ask.RECORDS:
        yield from (f"shares the name {name} between two fields" for name in _twice(each.name for each in field.fields))
        if any(each.kind in (Ask.RECORDS, Ask.FILES) for each in field.fields):
            yield "has records or files inside a record"
    elif field.importable:
        yield "is importable and takes no records"
    if field.pattern and (field.kind is not Ask.TEXT or not _compiles(field.pattern)):
        yield "has a pattern that cannot be used"
    if field.held_by is not None and field.held_by[0] not in read:
        yield f"is held by {field.held_by[0]}, which is no register that is read"
    if field.one_of is not None and (field.one_of[0] not in read or field.kind is not Ask.TEXT):
        yield f"is one of what {field.one_of[0]} states, which is no register that is read, or takes no text"
    if field.only_if is not None:
        name, values = field.only_if
        other = before.get(name)
        if other is None:
            yield f"depends on {name}, which is not asked before it"
        elif not values or (other.choices and set(values) - set(other.choices)):
            yield f"depends on an answer that {name} does not have"


def faults_of_lifecycle(lifecycle: Lifecycle) -> Iterator[str]:
    """Yield what is wrong with the states and moves of a lifecycle, one sentence each."""
    for source, action in _twice((move.source, move.action) for move in lifecycle.moves):
        yield f"{action} leads to two places from {source}"
    reachable = _reached(lifecycle, DRAFT)
    yield from (f"{state} is never reached" for state in lifecycle.states if state not in reachable)
    for state in lifecycle.states:
        if not _reached(lifecycle, state) & lifecycle.final:
            yield f"nothing ends it from {state}"
    unissued = _reached(lifecycle, DRAFT, issuing=False)
    issuing = [move for move in lifecycle.moves if move.issues]
    if not issuing:
        yield "no move issues the document"
    for move in issuing:
        later = _reached(lifecycle, move.target)
        if any(other.source in later for other in issuing):
            yield f"the document may be issued again after {move.action}"
    for move in lifecycle.moves:
        if move.voids and (move.issues or move.source in unissued):
            yield f"{move.action} from {move.source} voids what may not have been issued"
        if move.voids and any(
            other.voids and other.source in _reached(lifecycle, move.target) for other in lifecycle.moves
        ):
            yield f"the document may be voided again after {move.action}"
        if move.extends and move.by is not By.OFFICER:
            yield f"{move.action} from {move.source} takes the longer term and is not an officer's"
        if move.second and move.by is not By.OFFICER:
            yield f"{move.action} from {move.source} needs a second officer and is not an officer's"
        if move.receives and move.target in lifecycle.waiting | lifecycle.final:
            yield f"{move.action} from {move.source} promises a date, and no clock runs in {move.target}"
    yield from (
        f"its clock waits in {state}, which is none" for state in sorted(lifecycle.waiting - {*lifecycle.states})
    )


def _reached(lifecycle: Lifecycle, start: str, *, issuing: bool = True) -> set[str]:
    """Return every state that moves lead to from one, itself included. issuing: also over moves that issue."""
    found, coming = {start}, [start]
    while coming:
        for move in lifecycle.from_(coming.pop()):
            if move.target not in found and (issuing or not move.issues):
                found.add(move.target)
                coming.append(move.target)
    return found


def _faults_of_way(utility: Utility) -> Iterator[str]:
    """Yield where lifecycle, steps and reasons do not fit each other."""
    moves = utility.lifecycle.moves
    if any(move.reason for move in moves) and not utility.reasons:
        yield "an officer needs a reason and there is none to give"
    if utility.reasons and not any(move.reason for move in moves):
        yield "it lists reasons that nobody can give"
    yield from _faults_of_agreement(utility)
    if utility.steps and not any(move.by is By.STEPS for move in moves):
        yield "it has steps and nothing follows from their end"
    if utility.steps and not any(move.lays_out for move in moves):
        yield "it has steps and no move lays them out"
    if not utility.steps and any(move.by is By.STEPS and move.issues for move in moves):
        yield "its document waits for steps and there are none"


def _faults_of_agreement(utility: Utility) -> Iterator[str]:
    agreement = utility.agreement
    if agreement is None:
        return
    asked = {field.name: field for field in utility.form}
    if agreement.field not in asked or asked[agreement.field].kind is not Ask.BOOL:
        yield f"whether somebody else is asked to agree is in {agreement.field}, which is no field of yes and no"
    yield from (f"who is asked to agree is shown {name}, which is no field" for name in {*agreement.shows} - {*asked})
    if agreement.days < 1:
        yield "who is asked to agree has no time"
    if utility.confidential:
        yield "it is confidential, and somebody else is asked to agree"
    if not any(move.action == "ask_agreement" for move in utility.lifecycle.moves):
        yield "somebody else may be asked to agree, and its lifecycle does not wait for them"


def _faults_of_once(once: Once, asked: Collection[str]) -> Iterator[str]:
    if once.field not in asked:
        yield f"what is asked for once is in {once.field}, which is no field"


def _faults_of_steps(steps: Sequence[Step], asked: Collection[str]) -> Iterator[str]:
    codes = [step.code for step in steps]
    yield from (f"two steps share the code {code}" for code in _twice(codes))
    for step in steps:
        yield from (f"the step {step.code} waits for {each}, which is none" for each in step.after if each not in codes)
        if not NAME.fullmatch(step.code):
            yield f"the step {step.code} has a code that is not snake_case"
        if step.deadline.at_once:
            yield f"the step {step.code} has no time"
        if set(step.patterns) - set(step.finds) or not all(_compiles(pattern) for pattern in step.patterns.values()):
            yield f"the step {step.code} has a pattern that cannot be used"
        yield from (f"the step {step.code} is over {name}, which is no field" for name in {*step.over} - {*asked})
    left = {step.code: set(step.after) & set(codes) for step in steps}
    while done := {code for code, after in left.items() if not after & left.keys()}:
        left = {code: after for code, after in left.items() if code not in done}
    if left:
        yield f"the steps {', '.join(sorted(left))} wait for each other"


def codes_of(utility: Utility) -> dict[str, set[str]]:
    """Return section to the codes of it that a declaration names; functions may name more of fees and reasons."""
    ours = {state for lifecycle in LIFECYCLES for state in lifecycle.states}
    agencies = {utility.agency, *(step.agency for step in utility.steps)}
    needed = texts_needed(utility)
    needed["states"] = set(utility.lifecycle.states) - ours
    needed["agencies"] = agencies - set(catalogue(LANGUAGES[0])["agencies"])
    return needed


def _faults_of_texts(plugin: Plugin) -> Iterator[str]:
    needed = codes_of(plugin.utility)
    agencies = {plugin.utility.agency, *(step.agency for step in plugin.utility.steps)}
    for language in LANGUAGES:
        texts = plugin.texts.get(language, {})
        yield from (
            f"texts.json has {name} in {language}, which nobody reads" for name in sorted(set(texts) - SECTIONS)
        )
        for section in sorted(SECTIONS):
            there, wanted = texts.get(section, {}), needed.get(section, set())
            yield from (f"no text in {language} for {section}.{key}" for key in sorted(wanted) if not there.get(key))
            if section not in FOUND_BY_RUNNING:
                allowed = wanted | agencies if section == "agencies" else wanted
                gone = sorted(set(there) - allowed)
                yield from (f"the text {section}.{key} in {language} is for nothing" for key in gone)
        for kind in plugin.utility.documents:
            labels = texts.get("claims", {})
            called = [labels[name] for name in sorted(set(kind.names)) if name in labels]
            yield from (f"{kind.code}: two claims are called {label} in {language}" for label in _twice(called))
    yield from _faults_of_words(plugin)


def _faults_of_words(plugin: Plugin) -> Iterator[str]:
    both = [plugin.texts.get(language, {}) for language in LANGUAGES]
    for section in sorted(set(both[0]) | set(both[1])):
        vi, en = (texts.get(section, {}) for texts in both)
        yield from (f"the text {section}.{key} stands in one language alone" for key in sorted(set(vi) ^ set(en)))
        for key in sorted(set(vi) & set(en)):
            yield from (f"the text {section}.{key} {fault}" for fault in _faults_of_pair(vi[key], en[key]))


def _faults_of_title(title: Any) -> Iterator[str]:
    missing = [language for language in LANGUAGES if not title.get(language)]
    yield from (f"no title in {language}" for language in missing)
    if not missing:
        yield from (f"its title {fault}" for fault in _faults_of_pair(title["vi"], title["en"]))


def _faults_of_pair(vi: Any, en: Any) -> Iterator[str]:
    if not isinstance(vi, str) or not isinstance(en, str):
        yield "is no text"
        return
    if vi == en:
        yield "is the same in both languages"
    for text in (vi, en):
        if text and (text != text.strip() or not unicodedata.is_normalized("NFC", text)):
            yield "has white space around it, or is not NFC"


def _faults_of_code(what: str, code: str) -> Iterator[str]:
    if not WIRE_CODE.fullmatch(code) or len(code) > MAX_CODE:
        yield f"{what} {code!r} is not fit for the wire"


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _twice(values: Any) -> list[Any]:
    """Return what occurs more than once, in order of first occurrence."""
    return [value for value, count in Counter(values).items() if count > 1]
