"""What the functions of a plug-in are told, and all they are told: no database, no network, no clock.

Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from wallet.terms import AccountLevel
from wallet.utilities.claims import Claims
from wallet.utilities.forms import Answers, Field

WHO_THEY_ARE = ("number", "full_name", "birth_date")
"""What a proxy states of a person, and the population register has to have likewise."""


class Capacity(StrEnum):
    """As what somebody applies.

    GUARDIAN: for a child or ward, out of the guardian's own account. PROXY: for a relative or whoever gave authority;
    the document goes to the applicant. BUSINESS: for an organisation they represent.
    """

    SELF = "self"
    GUARDIAN = "guardian"
    PROXY = "proxy"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Case:
    """One request as the plug-in sees it.

    now: aware; today: the day in Vietnam. answers: checked against the form. facts: register code to what it states
    about the person the request is about; a register that does not know them is absent. claims: of the document
    that is being made, as far as they are known. number: of whom it is about. applicant: number, name and birth date of
    who applies. relation: of the applicant to that person, as the population register has it: `parent`, `child`,
    `spouse`, or "" for none. submitted_at: None while it is a draft. figures: of the rules in force for this request.
    steps: what each finished sub-task found. request: `REQUEST_FACTS` as far as known. places: of each commune that is
    answered, by its code: `commune`, `province`, both with their kind, and `province_code`.
    """

    now: datetime
    today: date
    answers: Answers = field(default_factory=dict)
    facts: Mapping[str, Claims] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    number: str = ""
    capacity: Capacity = Capacity.SELF
    relation: str = ""
    applicant: Mapping[str, Any] = field(default_factory=dict)
    account_level: AccountLevel = AccountLevel.ONE
    submitted_at: datetime | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def fact(self, register: str, name: str, default: Any = None) -> Any:
        """Return one fact, the default where the register does not state it."""
        return self.facts.get(register, {}).get(name, default)

    @property
    def numbers(self) -> frozenset[str]:
        """Every number that whom it is about has or had: a register may still name them by a former one."""
        current, former = (self.fact("population", name) for name in ("number", "former_numbers"))
        return frozenset({self.number, str(current or self.number), *(former or ())})

    @property
    def unproven(self) -> bool:
        """Whether somebody asks about a person whom no register calls a relative: an office has yet to verify that
        they may."""
        return self.capacity is Capacity.PROXY and not self.relation

    def as_asked(self) -> "Case":
        """Return the case with no more facts about the person than who asks had to know: who they are."""
        known = {name: value for name, value in self.facts.get("population", {}).items() if name in WHO_THEY_ARE}
        return replace(self, facts={"population": known})

    def record(self, question: Field, value: Any) -> Claims | None:
        """Return the record that a value names among those of `question.one_of`, None where there is no such."""
        if question.one_of is None:
            return None
        register, records, name = question.one_of
        return next((each for each in self.fact(register, records, ()) if each.get(name) == value), None)

    def chosen(self, question: Field) -> Claims | None:
        """Return the record that the answer to a field with `one_of` names, None where there is no such."""
        return self.record(question, self.answers.get(question.name))

    def commune_name(self, code: str) -> str:
        """Return a commune as it is written, with its province; its code where no list names it."""
        place = self.places.get(code)
        return f"{place['commune']}, {place['province']}" if place else code


def age_on(birth_date: date | str, day: date) -> int:
    """Return somebody's age in whole years on a day; where only the year of birth is known, as if born on its last day.

    Born on 29 February: a year older on 1 March of other years.
    """
    if isinstance(birth_date, str):
        return day.year - int(birth_date[:4]) - (0 if (day.month, day.day) == (12, 31) else 1)
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
