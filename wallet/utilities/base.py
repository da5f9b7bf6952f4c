"""The contract between the wallet and a utility: what a plug-in declares. A plug-in imports this and nothing else.

A utility is a public service that ends in a signed document. It names what it asks, what it reads from registers, what
its documents state, what it costs and how long it may take, and how a request goes through; the wallet asks, reads,
checks, has people decide, signs, stores and revokes. A plug-in is handed no Flask, no database and no network: its
functions get a `Case` and give a value back.

A plug-in is one folder beside this file, or a package that registers the entry point group `wallet.utilities`. Its
`__init__.py` holds one value named `utility`; `texts.json` and `examples.json` stand beside it. `catalogue.py` finds
it and holds it against the contract (`faults`); the contract tests run for it without being told.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from wallet.errors import AnswersRejected, ClaimsRejected, InvalidInput, UnknownUtility, refuse
from wallet.terms import AccountLevel, AuthLevel
from wallet.utilities.case import Capacity, Case, age_on
from wallet.utilities.claims import (
    NO_REGISTER,
    REQUEST_FACTS,
    Asking,
    Claim,
    Claims,
    Kind,
    Paper,
    Source,
    stated_by,
    still_stated,
)
from wallet.utilities.forms import Answers, Ask, Field
from wallet.utilities.lifecycles import ANSWERED, FOUR_EYES, INSTANT, LINKED, NOTICE, REVIEWED, By, Lifecycle, Move
from wallet.utilities.names import clean_name, same_name, unmarked
from wallet.utilities.numbers import unlike_number
from wallet.utilities.rules import Deadline, Fee, FeeLine, Rules, free

__all__ = [
    "ANSWERED",
    "FOUR_EYES",
    "INSTANT",
    "LINKED",
    "NOTICE",
    "NO_REGISTER",
    "REQUEST_FACTS",
    "REVIEWED",
    "AccountLevel",
    "Agreement",
    "Answers",
    "AnswersRejected",
    "Ask",
    "Asking",
    "AuthLevel",
    "By",
    "Capacity",
    "Case",
    "Claim",
    "Claims",
    "ClaimsRejected",
    "Deadline",
    "DocumentType",
    "Fee",
    "FeeLine",
    "Field",
    "InvalidInput",
    "Kind",
    "Layout",
    "Lifecycle",
    "Link",
    "Move",
    "OnChange",
    "Once",
    "Paper",
    "Rules",
    "Section",
    "Source",
    "Step",
    "Utility",
    "age_on",
    "clean_name",
    "free",
    "refuse",
    "same_name",
    "stated_by",
    "still_stated",
    "unlike_number",
    "unmarked",
]


ASKED_ALREADY = "asked_already"


def _nothing_derived(_case: Case) -> Claims:
    return {}


def _nothing_refused(_claims: Claims, _today: date) -> None:
    return None


def _nothing_wrong(_case: Case) -> None:
    return None


def _nothing_doubtful(_case: Case) -> Mapping[str, str]:
    return {}


def _any_change(_stated: Claims, _case: Case) -> bool:
    return True


def _nothing_withheld(_case: Case) -> frozenset[str]:
    return frozenset()


def _always(_case: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a paper: a heading (a code of `texts.json`, `headings`; "" for none) and its claims in order."""

    heading: str
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a document stands on paper: the official frame is the wallet's, the body is these sections.

    number: the paper's own numbering, with `{serial}` and `{year}`. signatory: a code of `texts.json`, `signatories`.
    bilingual: English stands under the Vietnamese.
    """

    sections: tuple[Section, ...] = ()
    number: str = "{serial}/{year}"
    signatory: str = ""
    bilingual: bool = False


class OnChange(StrEnum):
    """What becomes of a document when a register no longer says what it states.

    `renew`: another is made of what the register says now, and takes its place; where none can be made, it is void.
    """

    VOID = "void"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A kind of document, as it stands in the trust bundle's table of types.

    code: on the wire; never that of another kind of any utility. version: a change of meaning is a new one. title: `vi`
    and `en`. validity: whole days from the day of issue, `LONGEST_VALIDITY` at most; it ends at 24:00 in Hà Nội.
    until(case): the last day instead, for a paper that has its own, no later than that either; None for `validity`.
    views: purpose to the names of the claims that it shows; a purpose that is not named shows what paper shows. Each
    view has cards to show at a gate; card_spares: names that a card leaves out, the first first, where a screen has no
    room for all.
    asking: whether a verifier may ask for it. void_when: registers whose change about the person voids it at once.
    void_if(stated, case): whether such a change voids this one; by default any does. stated: its claims, as JSON
    carries them; the case holds the facts of now. What the version of a document did not declare and a register states
    is in it as it is now: it cannot have changed. A paper that may not hint at what it leaves out must not end because
    that changed. on_change: whether it is then void or made anew. supersedes: a newer one about the same person takes
    the place of the older.
    sensitive: its claims are of the strict class of Law 91/2025/QH15: presenting it needs a fresh authentication.
    derive(case): further claims computed from those that are known.
    check(claims, today): raises ClaimsRejected(name="code") when no document may be made of these claims.
    """

    code: str
    title: Mapping[str, str]
    claims: tuple[Claim, ...]
    validity: timedelta
    version: int = 1
    until: Callable[[Case], date | None] = lambda _case: None
    views: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    card_spares: tuple[str, ...] = ()
    asking: Asking = Asking.ANYONE
    void_when: frozenset[str] = frozenset()
    void_if: Callable[[Claims, Case], bool] = _any_change
    on_change: OnChange = OnChange.VOID
    supersedes: bool = False
    sensitive: bool = False
    layout: Layout = Layout()
    derive: Callable[[Case], Claims] = _nothing_derived
    check: Callable[[Claims, date], None] = _nothing_refused

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(claim.name for claim in self.claims)

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers that must be read, each once, in the order of first use."""
        return tuple(dict.fromkeys(claim.register for claim in self.claims if claim.register))


@dataclass(frozen=True, slots=True)
class Step:
    """A sub-task with a clock of its own, at an agency.

    agency: whose officers finish it. after: steps that must be finished before it starts. needed(case): whether this
    request needs it. finds: names of what the agency reports (`case.steps[code]`), each a text; what is no claim has a
    label of its own (`texts.json`, `findings`). patterns: a regular expression that the whole of a text matches, by
    its name. check(case): what of a report cannot be, as far as the case is known when it is made: its name to a code
    (`texts.json`, `reasons`); `case.steps` holds it with what is done. Whoever reports then is the last who can mend
    it: what is refused later is refused to another agency.
    over: fields of the form whose answers it verifies, () for all: where one of them is changed afterwards, it has
    verified nothing.
    """

    code: str
    agency: str
    deadline: Deadline
    after: tuple[str, ...] = ()
    needed: Callable[[Case], bool] = _always
    finds: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    check: Callable[[Case], Mapping[str, str]] | None = None
    over: tuple[str, ...] = ()

    def faults(self, found: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with what an agency reports: its name to a code; nothing when the step can end."""
        wrong = dict.fromkeys(found.keys() - set(self.finds), "unknown_field")
        wrong |= {name: "required" for name in self.finds if not found.get(name, "").strip()}
        patterns = {name: pattern for name, pattern in self.patterns.items() if name not in wrong}
        return wrong | {n: "invalid_format" for n, pattern in patterns.items() if not re.fullmatch(pattern, found[n])}


@dataclass(frozen=True, slots=True)
class Link:
    """What the holder must link before anything is issued: a record about them in another institution's register.

    It matches when the register's name (without case and diacritics) and date of birth are the population's.
    register: where it is; name, birth_date: what the register calls them. same: further facts of it that must not
    differ from what another register states, each as its name, that register, and the name there: two people may share
    a name and a day. Where either register does not state it, it decides nothing.
    """

    register: str
    name: str = "full_name"
    birth_date: str = "birth_date"
    same: tuple[tuple[str, str, str], ...] = ()

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers that are read to match."""
        return tuple(dict.fromkeys((Source.POPULATION, self.register, *(other for _, other, _ in self.same))))

    def matches(self, facts: Mapping[str, Claims]) -> bool:
        """Return whether the record is about the person. facts: register to what it states, as a case has it.

        A name or a day that either of them does not state matches nothing; a year alone matches every day of it.
        """
        theirs, ours = facts.get(self.register, {}), facts.get(Source.POPULATION, {})
        one, other = (str(each.get(name, "")) for each, name in ((theirs, self.birth_date), (ours, "birth_date")))
        days = bool(one and other) and (one.startswith(other) or other.startswith(one))
        names = unmarked(theirs.get(self.name, "")), unmarked(ours.get("full_name", ""))
        told = ((theirs.get(name), facts.get(other, {}).get(there)) for name, other, there in self.same)
        differs = any(one and other and one != other for one, other in told)
        return days and bool(names[0]) and names[0] == names[1] and not differs


@dataclass(frozen=True, slots=True)
class Agreement:
    """Somebody else who agrees by their own act, out of their own account, where the applicant has them asked.

    field: of the form, yes or no: whether they are asked. of(case): their number, "" for nobody; asked or not, they
    decide nothing about it as an officer. shows: fields whose answers they are shown. days: how long they have. Whoever
    has no account signs on paper: a field of files.
    """

    field: str
    of: Callable[[Case], str]
    shows: tuple[str, ...] = ()
    days: int = 7

    def shown(self, answers: Answers) -> Answers:
        """Return what of the answers to a form they are shown: that is what they agree to."""
        return {name: answers[name] for name in self.shows if name in answers}


@dataclass(frozen=True, slots=True)
class Once:
    """What no two requests of a utility may ask for at a time, whoever asks.

    field: of the form, at which a second one is refused (`asked_already` of `texts.json`, `reasons`), after everything
    else that `accept` refuses. of(case): what it asks for, "" for nothing. kept: a document that came of it keeps it;
    else it is free again when its request ends.
    """

    field: str
    of: Callable[[Case], str]
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Utility:
    """A public service, whole. Optional fields have defaults; a change of meaning is a new `version`.

    title: `vi` and `en`. agency: a code of the catalogue's agencies, or of `texts.json`, `agencies`.
    rules: by the day they came into force, oldest first; one of them is in force today.
    minimum_level, minimum_auth: of the account and of the session that asks. who: as what one may apply.
    form: what is asked. reads: registers that `accept` and the form's prefilled fields need beside those of the claims;
    what a holder is shown (`shows`): register to the names of its facts. withheld(case): names among them that are not
    shown to who looks; a minor, for instance, does not see the whole household. codes: names of facts, of parts of
    their records, of claims and of what steps report whose values are codes, each with all that there are
    (`texts.json`, `values`).
    lifecycle: how a request goes through; steps: its sub-tasks; reasons: codes an officer may give (`texts.json`,
    `reasons`); supplements: those that ask for a supplement and do not refuse, () where any may do either. link: what
    must be linked first. province_of(case): code of the province whose desk gets it, "" for the one where whom it is
    about lives, by the residence register: it is asked for that, whether the utility reads it or not.
    accept(case): raises AnswersRejected({"guests/0/number": "code"}) for answers that make no request, ClaimsRejected;
    `refuse` raises both at once. look(case): of that, what the answers show by themselves, in the same form. It is told
    with what the form refuses, before any register is read: the case has no facts, and every answer may be missing.
    warn(case): what is doubtful about answers that are taken, in the same form; who applies and who decides are told
    (`texts.json`, `warnings`). previews: names of claims that a draft shows as they would be if it were sent now.
    document_for(case): the code of the kind of document that comes of it; by default the first.
    agreement: who else may be asked to agree, for a lifecycle that has `ask_agreement`. once: what no two requests ask
    for at a time.
    confidential: only its own desk and its holder ever see that it exists; no guardian, no other agency.
    Texts for people stand in `texts.json` beside the plug-in.
    """

    code: str
    version: int
    title: Mapping[str, str]
    agency: str
    documents: tuple[DocumentType, ...]
    rules: tuple[Rules, ...]
    minimum_level: AccountLevel = AccountLevel.TWO
    minimum_auth: AuthLevel = AuthLevel.TWO
    who: frozenset[Capacity] = frozenset({Capacity.SELF})
    form: tuple[Field, ...] = ()
    reads: tuple[str, ...] = ()
    shows: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lifecycle: Lifecycle = INSTANT
    steps: tuple[Step, ...] = ()
    reasons: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    link: Link | None = None
    agreement: Agreement | None = None
    once: Once | None = None
    confidential: bool = False
    withheld: Callable[[Case], frozenset[str]] = _nothing_withheld
    province_of: Callable[[Case], str] = lambda _case: ""
    accept: Callable[[Case], None] = _nothing_wrong
    look: Callable[[Case], Mapping[str, str]] = _nothing_doubtful
    warn: Callable[[Case], Mapping[str, str]] = _nothing_doubtful
    previews: tuple[str, ...] = ()
    document_for: Callable[[Case], str] = lambda _case: ""

    @property
    def open_to_guardians(self) -> bool:
        """Whether who acts for a ward may look at it and ask for it."""
        return Capacity.GUARDIAN in self.who and not self.confidential

    def rules_on(self, day: date) -> Rules:
        """Return the rules in force on a day; before the first, the first."""
        in_force = [rules for rules in self.rules if rules.effective_from <= day]
        return in_force[-1] if in_force else self.rules[0]

    def rules_of(self, version: str) -> Rules:
        """Return the rules of a version, as a request keeps it. Raises UnknownUtility where a release dropped them."""
        found = next((rules for rules in self.rules if rules.version == version), None)
        if found is None:
            raise UnknownUtility("unknown_utility")
        return found

    def reasons_for(self, action: str) -> tuple[str, ...]:
        """Return the codes an officer may give with a move: some ask for a supplement, the others refuse."""
        if not self.supplements or action not in ("request_supplement", "reject"):
            return self.reasons
        if action == "request_supplement":
            return self.supplements
        return tuple(code for code in self.reasons if code not in self.supplements)

    def document(self, code: str) -> DocumentType:
        """Return a kind of document of this utility; "" is the first. Raises KeyError."""
        if not code:
            return self.documents[0]
        found = next((kind for kind in self.documents if kind.code == code), None)
        if found is None:
            raise KeyError(code)
        return found

    def document_of(self, case: Case) -> DocumentType:
        """Return the kind of document that comes of a case."""
        return self.document(self.document_for(case))

    @property
    def registers(self) -> tuple[str, ...]:
        """Every register it reads for whatever, in the order of first use."""
        fields = [each[0] for field in self.form for each in (field.held_by, field.one_of) if each]
        claimed = [register for kind in self.documents for register in kind.registers]
        linked = [self.link.register] if self.link else []
        return tuple(dict.fromkeys([*claimed, *self.reads, *fields, *self.shows, *linked]))


def texts_needed(utility: Utility) -> dict[str, set[str]]:
    """Return section to keys: every text that `texts.json` must hold, in both languages."""
    fields = [*utility.form, *(inner for outer in utility.form for inner in outer.fields)]
    claims = {name for kind in utility.documents for name in kind.names}
    needed: dict[str, set[str]] = {
        "claims": claims,
        "parts": {f"{c.name}.{part}" for kind in utility.documents for c in kind.claims for part in c.parts},
        "fields": {each.name for each in fields},
        "choices": {f"{each.name}.{choice}" for each in fields for choice in each.choices},
        "reasons": {*utility.reasons, *((ASKED_ALREADY,) if utility.once else ())},
        "steps": {step.code for step in utility.steps},
        "findings": {name for step in utility.steps for name in step.finds} - claims,
        "headings": {part.heading for kind in utility.documents for part in kind.layout.sections if part.heading},
        "signatories": {kind.layout.signatory for kind in utility.documents if kind.layout.signatory},
        "purposes": {purpose for kind in utility.documents for purpose in kind.views},
        "facts": {name for names in utility.shows.values() for name in names},
        "values": {f"{name}.{code}" for name, codes in utility.codes.items() for code in codes},
    }
    return {section: keys for section, keys in needed.items() if keys}
