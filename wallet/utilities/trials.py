"""The examples of a utility, run: whether it does what they say, and what they leave untold."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from wallet.errors import InvalidInput, Malformed
from wallet.formats import compact_values as wire
from wallet.texts.catalogue import catalogue
from wallet.utilities.answering import plain
from wallet.utilities.base import (
    ASKED_ALREADY,
    NO_REGISTER,
    By,
    Capacity,
    Case,
    Claims,
    DocumentType,
    Fee,
    Kind,
    Source,
    Utility,
)
from wallet.utilities.declaration import codes_of
from wallet.utilities.examples import Example, Examples, answered, read_examples
from wallet.utilities.fitting import fault_of_room
from wallet.utilities.paper import compact_claims, compact_value
from wallet.utilities.plugin import LANGUAGES, Plugin, named_texts
from wallet.utilities.stating import claims_of

CODE = re.compile("[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""A text that nobody wrote for people to read."""

NOT_OF_PERSONS = frozenset({"card_number", "chassis_number", "engine_number", "insurance_number", "licence_number"})
"""Facts of 12 digits or so that are no personal number, whatever they end in."""


def faults_of_examples(plugin: Plugin, given: Any) -> list[str]:
    """Return where a utility does not do what its examples say, and what they leave untold, one sentence each."""
    try:
        examples = read_examples(plugin.utility, given)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return [f"examples.json cannot be read ({error.__class__.__name__}: {error})"]
    run = _Run(plugin, examples)
    return list(run.faults())


class _Run:
    """One run of all examples of a utility."""

    def __init__(self, plugin: Plugin, examples: Examples) -> None:
        self.plugin = plugin
        self.utility = plugin.utility
        self.examples = examples
        self.fees: set[str] = set()
        self.warnings: set[str] = set()
        self.seen: set[str] = set()

    def faults(self) -> Iterator[str]:
        told = {example.document for example in self.examples.accepted}
        yield from (
            f"no accepted example of the document {kind.code}"
            for kind in self.utility.documents
            if kind.code not in told
        )
        if self.utility.rules_on(self.examples.today).effective_from > self.examples.today:
            yield "no rules were in force on the day of the examples"
        for judge, examples in ((self._accepted, self.examples.accepted), (self._rejected, self.examples.rejected)):
            for example in examples:
                try:
                    found = list(judge(example))
                except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is its fault, and one sentence
                    found = [f"it fails with {error.__class__.__name__}: {error}"]
                yield from (f"example {example.name!r}: {fault}" for fault in found)
        yield from self._leftover_texts()

    def _accepted(self, example: Example) -> Iterator[str]:
        utility, before = self.utility, repr(example.case)
        if example.why:
            yield "it is accepted and says why not"
        try:
            case = answered(utility, example)
            utility.accept(case)
            _assert_reports(utility, case)
            kind = utility.document_of(case)
            claims = claims_of(kind, case)
            again = claims_of(utility.document_of(case), case)
        except InvalidInput as error:
            yield f"it is rejected: {error.fields}"
            return
        yield from self._strangers(case)
        yield from self._warnings(case, example.warnings)
        yield from self._looks(case)
        if repr(example.case) != before or claims != again:
            yield "deriving changes what it is given, or does not say the same twice"
        if kind.code != example.document:
            yield f"its document is {kind.code}"
            return
        yield from self._claims(kind, case, claims, example.claims)
        yield from self._codes(kind, case, claims)
        yield from self._around(kind, case)
        yield from self._least(kind, case)
        yield from _faults_of_paper(kind, case, claims)

    def _claims(self, kind: DocumentType, case: Case, claims: Claims, told: Claims) -> Iterator[str]:
        derived = kind.derive(replace(case, claims=claims))
        names = {claim.name for claim in kind.claims if claim.source == Source.DERIVED}
        yield from (f"it derives {name}, which it did not declare" for name in sorted(set(derived) - names))
        for claim in kind.claims:
            if claim.name in told and told[claim.name] != claims.get(claim.name):
                yield f"the claim {claim.name} is {claims.get(claim.name)!r}"
            if claim.name in claims and claim.source in NO_REGISTER and claim.name not in told:
                yield f"it does not tell the claim {claim.name}, which is {claims[claim.name]!r}"
            if claim.name in claims and claim.kind is not Kind.RECORDS:
                try:
                    if wire.compact_value(str(claim.kind), claims[claim.name]) != compact_value(
                        claim.kind, claims[claim.name]
                    ):
                        yield f"the claim {claim.name} has two compact forms"
                except (Malformed, ValueError):
                    yield f"the claim {claim.name} is not of the kind {claim.kind}"
            elif claim.name in claims and not _are_records(claims[claim.name]):
                yield f"the claim {claim.name} is not of the kind {claim.kind}"
        yield from (f"it tells the claim {name}, which there is not" for name in sorted(set(told) - set(kind.names)))

    def _codes(self, kind: DocumentType, case: Case, claims: Claims) -> Iterator[str]:
        """Yield what people would be shown as a bare code."""
        utility = self.utility
        shown = {
            n: v
            for register, names in utility.shows.items()
            for n, v in case.facts.get(register, {}).items()
            if n in names
        }
        offered = {o[1]: case.fact(o[0], o[1], ()) for o in (field.one_of for field in utility.form) if o}
        for name, value in (*named_texts(shown), *named_texts(offered)):
            self.seen.add(name)
            if name in utility.codes and value not in utility.codes[name]:
                yield f"{name} is {value!r}, which is none of its codes"
            elif name not in utility.codes and CODE.fullmatch(value):
                yield f"{name} is shown as the code {value!r}, which has no words"
        for name, value in named_texts(claims):
            self.seen.add(name)
            coded = CODE.fullmatch(value) and value not in utility.codes.get(name, ())
            if coded and not self._is_choice(kind, name, value):
                yield f"the claim {name} is the code {value!r}, which has no words"

    def _is_choice(self, kind: DocumentType, name: str, value: str) -> bool:
        """Return whether a claim states a choice of the form, whose words are those of the choice."""
        asked = {claim.stated_as for claim in kind.claims if claim.name == name and claim.source == Source.DECLARED}
        return any(value in field.choices for field in self.utility.form if field.name in asked)

    def _warnings(self, case: Case, told: Mapping[str, str]) -> Iterator[str]:
        """Yield what is wrong with what it warns of."""
        found = dict(self.utility.warn(case))
        self.warnings |= set(found.values())
        if found != told:
            yield f"it warns of {found}"
        if found != dict(self.utility.warn(case)):
            yield "it does not warn of the same twice"
        yield from (f"it warns of {place}, which is not answered" for place in found if not _is_answered(case, place))
        own, ours = self.plugin.texts[LANGUAGES[0]].get("warnings", {}), catalogue(LANGUAGES[0])["warnings"]
        yield from (f"the warning {code} has no words" for code in sorted({*found.values()} - {*own, *ours}))

    def _looks(self, case: Case) -> Iterator[str]:
        """Yield what a look at the answers alone finds where nothing is wrong, and what it cannot do without."""
        if found := dict(self.utility.look(_blind(case))):
            yield f"a look at its answers finds {found}"
        for answers in _with_gaps(case.answers):
            try:
                self.utility.look(replace(_blind(case), answers=answers))
            except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is its fault, and one sentence
                yield f"a look at a part of its answers fails with {error.__class__.__name__}: {error}"
                return

    def _around(self, kind: DocumentType, case: Case) -> Iterator[str]:
        """Yield what is wrong with fee, end, province and steps."""
        for rules in self.utility.rules:
            bound = replace(case, figures=rules.figures)
            fee = rules.fee(bound)
            if not isinstance(fee, Fee) or fee != rules.fee(bound) or fee.due < 0:
                yield f"the fee of the rules {rules.version} is none, or not the same twice"
                continue
            self.fees |= {line.code for line in fee.lines}
            if Capacity.PROXY in self.utility.who:
                rules.fee(bound.as_asked())  # what somebody is told who has not proven yet that they may act
            if fee.due and not any(move.by is By.PAYMENT for move in self.utility.lifecycle.moves):
                yield f"the rules {rules.version} ask for money and nothing waits for it"
        last = kind.until(case)
        if last is not None and (not isinstance(last, date) or isinstance(last, datetime) or last < case.today):
            yield "the last day of its document is none, or gone by"
        if not isinstance(self.utility.province_of(case), str):
            yield "the province of its desk is no code"
        steps = {step.code: step for step in self.utility.steps}
        for step in steps.values():
            if not isinstance(step.needed(case), bool):
                yield f"whether the step {step.code} is needed is neither yes nor no"
        for code, found in case.steps.items():
            if code not in steps or set(found) - set(steps[code].finds):
                yield f"the step {code} finds what it does not declare"

    def _strangers(self, case: Case) -> Iterator[str]:
        """Yield that somebody whom no register knows as a relative is answered at once: nobody else is left to look."""
        if Capacity.PROXY not in self.utility.who or not self.utility.lifecycle.instant:
            return
        try:
            self.utility.accept(replace(case, capacity=Capacity.PROXY, relation=""))
        except InvalidInput:
            return
        yield "a proxy whom no register calls a relative is answered at once"

    def _least(self, kind: DocumentType, case: Case) -> Iterator[str]:
        """Yield what breaks when every fact that may be absent is absent; a refusal in words is none."""
        optional = {(claim.source, claim.stated_as) for claim in kind.claims if not claim.required}
        optional -= {(claim.source, claim.stated_as) for claim in kind.claims if claim.required}
        facts = {
            register: {name: value for name, value in values.items() if (register, name) not in optional}
            for register, values in case.facts.items()
        }
        try:
            claims_of(kind, replace(case, facts=facts))
        except InvalidInput as error:
            if unspoken := sorted(set(error.fields.values()) - self._spoken()):
                yield f"without optional facts it is rejected for {', '.join(unspoken)}"
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is its fault, and one sentence
            yield f"without optional facts it fails with {error.__class__.__name__}: {error}"

    def _rejected(self, example: Example) -> Iterator[str]:
        fields: Mapping[str, str] = {}
        seen: Mapping[str, str] = {}
        try:
            case = answered(self.utility, example)
            seen = self.utility.look(_blind(case))
            self.utility.accept(case)
            _assert_reports(self.utility, case)
            claims_of(self.utility.document_of(case), case)
        except InvalidInput as error:
            fields = error.fields
        if not example.why:
            yield "it is rejected and does not say why"
        elif not fields:
            yield "it is accepted"
        elif fields != example.why:
            yield f"it is rejected for {fields}"
        unsaid = sorted(place for place in seen if f"/answers/{place}" not in fields)
        yield from (f"a look at its answers finds {place} wrong, and it is not rejected for that" for place in unsaid)
        yield from (f"the reason {code} has no words" for code in sorted(set(fields.values()) - self._spoken()))

    def _spoken(self) -> set[str]:
        return {*self.plugin.texts[LANGUAGES[0]].get("reasons", {}), *catalogue(LANGUAGES[0])["fields"]}

    def _leftover_texts(self) -> Iterator[str]:
        texts = self.plugin.texts[LANGUAGES[0]]
        told = {code for example in self.examples.rejected for code in example.why.values()}
        needed = codes_of(self.utility)
        ours = {ASKED_ALREADY} if self.utility.once else set()  # what the wallet refuses, an example cannot be
        for code in sorted(set(texts.get("reasons", {})) - told - ours - set(self.utility.reasons)):
            yield f"no example is rejected for the reason {code}"
        fees = set(texts.get("fees", {}))
        yield from (f"the fee {code} has no words" for code in sorted(self.fees - fees))
        yield from (f"no example has the fee {code}" for code in sorted(fees - self.fees))
        reported = {name for step in self.utility.steps for name in step.finds}
        shown = set(self.utility.codes) - self.seen - reported
        yield from (f"the codes of {name} are for nothing that is shown" for name in sorted(shown))
        warned = set(texts.get("warnings", {})) - self.warnings
        yield from (f"no example is warned of {code}" for code in sorted(warned))
        named = needed.get("facts", set()) | _names_in(self.examples)
        yield from (f"the text facts.{code} is for nothing" for code in sorted(set(texts.get("facts", {})) - named))


def _assert_reports(utility: Utility, case: Case) -> None:
    """Refuse what a step reports and cannot be, as the wallet does when it is reported: as texts, days too."""
    case = replace(case, steps=plain(case.steps))
    found = {
        f"/found/{name}": code
        for step in utility.steps
        if step.check is not None and step.code in case.steps
        for name, code in step.check(case).items()
    }
    if found:
        raise InvalidInput(found)


def _blind(case: Case) -> Case:
    """Return a case before any register was asked."""
    return replace(case, facts={}, relation="", applicant={}, steps={}, claims={})


def _with_gaps(answers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield answers without any one of them, without any one in a record, and none."""
    yield {}
    for name, value in answers.items():
        yield {each: given for each, given in answers.items() if each != name}
        if isinstance(value, tuple):
            for place, record in enumerate(value):
                for left in _with_gaps(record) if isinstance(record, Mapping) else ():
                    yield {**answers, name: (*value[:place], left, *value[place + 1 :])}


def _is_answered(case: Case, place: str) -> bool:
    """Return whether a pointer below the answers leads to an answer."""
    value: Any = case.answers
    for step in place.split("/"):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    return True


def _faults_of_paper(kind: DocumentType, case: Case, claims: Claims) -> Iterator[str]:
    """Yield what a printed code would tell too much of, and whether it has room for the longest names (S-45)."""
    numbers = {case.number, str(case.applicant.get("number", "")), *_numbers_in(case.facts), *_numbers_in(case.answers)}
    for number in sorted(each for each in numbers if len(each) == 12 and each.isdigit()):
        for value in _texts_in(list(compact_claims(kind, claims).values())):
            if number[-5:] in re.findall(r"[0-9]+", value) or number in value:
                yield "it shows more than four digits of a number on paper"
                break
    if fault := fault_of_room(kind, claims):
        yield fault


def _numbers_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield personal numbers: texts of 12 digits under a name that ends in `number`, licences and cards excepted."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers_in(inner, str(key))
    elif isinstance(value, tuple):
        for inner in value:
            yield from _numbers_in(inner, name)
    elif isinstance(value, str) and name.endswith(("number", "_numbers")) and name not in NOT_OF_PERSONS:
        yield value


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts_in(inner)


def _names_in(examples: Examples) -> set[str]:
    """Return every name that a fact has in the examples, also inside records."""

    def names(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping):
            yield from value
            for inner in value.values():
                yield from names(inner)
        elif isinstance(value, tuple):
            for inner in value:
                yield from names(inner)

    given = [part for each in examples.accepted for part in (*each.case.facts.values(), each.claims)]
    return set(names(tuple(given)))


def _are_records(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(each, Mapping) for each in value)
