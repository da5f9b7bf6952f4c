"""What would come of a request as it stands: its case, accepted by its plug-in, what it costs, what is doubtful.

Sending it weighs it, and so does looking at a draft before (`previewing.py`): they cannot say different things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wallet.errors import AnswersRejected, Conflict, InvalidInput
from wallet.requests.applying import NOTHING
from wallet.requests.cases import Cases, Told
from wallet.requests.faults import Faults
from wallet.requests.links import Links
from wallet.requests.models import RequestRow
from wallet.requests.once import AskedOnce
from wallet.requests.repository import RequestRepository
from wallet.requests.represented import Represented
from wallet.requests.sealed import Content
from wallet.requests.verified import Verified
from wallet.terms import Actor
from wallet.utilities.base import Answers, Ask, Case, Fee, FeeLine, Field, Rules, Source, Utility, unlike_number
from wallet.utilities.lifecycles import DRAFT
from wallet.working_days import vietnamese_day

REDUCTIONS_LATER = "reductions_later"
"""A line of no amount: reductions are settled when it is verified that somebody may act for the person."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """fee: of what was sent already, as it was told then. warnings: JSON Pointer (RFC 6901) into it, to a code."""

    told: Told
    fee: Fee
    warnings: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Weighing:
    """Weighs requests, in one transaction."""

    rows: RequestRepository
    cases: Cases
    links: Links
    verified: Verified
    once: AskedOnce
    represented: Represented

    def weigh(
        self,
        utility: Utility,
        row: RequestRow,
        content: Content,
        actor: Actor,
        *,
        beside: Mapping[str, str] = NOTHING,
        purpose: str | None = None,
    ) -> Weighed:
        """Return what a request is worth whose answers are whole.

        beside: what is wrong with it that its content does not show. purpose: for which registers are read.
        Raises InvalidInput with every fault, Conflict("not_linked", "costs_more"), NotAllowed, Unavailable.
        """
        if utility.link is not None:  # first: what a record says that may be somebody else's is no answer to anybody
            self.links.assert_linked(utility, row.holder_id)
        told, faults = self.hold(utility, row, content, actor, beside=beside, purpose=purpose)
        if told is None or faults:
            raise faults.error()
        if row.state == DRAFT:
            fee = fee_of(self.cases.rules(utility, row), told.case)
        else:
            fee = self._fee_of_sent(utility, row, content, told)
        return Weighed(told, fee, _warnings(utility, told, content))

    def hold(
        self,
        utility: Utility,
        row: RequestRow,
        content: Content,
        actor: Actor,
        *,
        beside: Mapping[str, str] = NOTHING,
        purpose: str | None = None,
    ) -> tuple[Told | None, Faults]:
        """Hold a request against all that would refuse it; return its case and everything that is wrong.

        Without a case nobody was asked anything: no register is read for what cannot be read itself, and of somebody
        whom the register has otherwise nothing is told. Raises NotAllowed, Unavailable.
        """
        faults = Faults(utility)
        faults.add(beside)
        if row.state == DRAFT:
            faults.add(self.represented.faults(row))
        else:
            faults.add(self.verified.entered(utility, row))
        stated = self.cases.stated(utility, row, content, actor)
        faults.add(stated.faults)
        told, whole = None, False
        if not faults:
            steps = self.verified.found(utility, row) if row.state != DRAFT else None
            try:
                told = self.cases.told(utility, row, content, actor, stated, steps=steps, purpose=purpose)
                faults.add(told.faults)
                whole = "required" not in told.faults.values()
            except InvalidInput as error:
                faults.add(error.fields)
        faults.add(self._unknown_files(utility, row, stated.case.answers))
        if told is not None and whole:
            try:
                utility.accept(told.case)
                if asked := self.once.faults(utility, row, told.case):
                    raise AnswersRejected(asked)
            except InvalidInput as error:
                faults.add_refusal(error)
        elif seen := utility.look(stated.case):
            faults.add_refusal(AnswersRejected(seen))
        return told, faults

    def _fee_of_sent(self, utility: Utility, row: RequestRow, content: Content, told: Told) -> Fee:
        """Return what was told when the request was sent. Raises Conflict("costs_more") for a supplement whose answers
        cost more than those that were sent: nobody would ask for the difference.

        That the fee itself has changed since, or what registers state, is no fault of the applicant's: what was told
        when it was sent stands. So both are weighed on the day it was sent, and on what registers state now.
        """
        as_told = Fee(tuple(FeeLine(line["code"], line["amount"]) for line in row.fee))
        if content.sent is None:  # nothing was changed
            return as_told
        rules, sent_at = self.cases.rules(utility, row), row.submitted_at or told.case.now
        now = replace(told.case, now=sent_at, today=vietnamese_day(sent_at))
        held = {name: told.case.answers[name] for name in told.held}
        answers, faults = self.cases.typed(utility, row, content.sent, held)
        before = as_told.due if faults else fee_of(rules, replace(now, answers={**answers, **held})).due
        if fee_of(rules, now).due > max(before, as_told.due):
            raise Conflict("costs_more")
        return as_told

    def _unknown_files(self, utility: Utility, row: RequestRow, answers: Answers) -> dict[str, str]:
        named = file_answers(utility.form, answers)
        if not named:
            return {}
        known: dict[str, set[str]] = {}
        for file in self.rows.files(row.id):
            known.setdefault(file.field, set()).add(file.id)
        return {
            f"/answers/{name}": "unknown_file" for name, ids in named.items() if not set(ids) <= known.get(name, set())
        }


def file_answers(form: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the ids of files that the answers name, by field."""
    return {
        field.name: tuple(answers[field.name]) for field in form if field.kind is Ask.FILES and field.name in answers
    }


def fee_of(rules: Rules, case: Case) -> Fee:
    """Return what a request costs.

    Whoever has yet to prove that they may act for the person is told the regular fee: that the person is of a poor
    household, or lives in a city that pays, is not for them to learn. That it may become less is said to all of them.
    """
    if not case.unproven:
        return rules.fee(case)
    fee = rules.fee(case.as_asked())
    return Fee((*fee.lines, FeeLine(REDUCTIONS_LATER, 0))) if fee.due > 0 else fee


def _warnings(utility: Utility, told: Told, content: Content) -> dict[str, str]:
    """Return what is doubtful about answers that are taken, and about whom a proxy asks for.

    Nothing comes of what a register alone states where the proxy is no relative: that somebody's sex was determined
    anew is not for a stranger to learn.
    """
    found = {f"/answers/{place}": code for place, code in utility.warn(told.case).items()}
    if content.about is not None:
        sex = None if told.case.unproven else told.case.fact(Source.POPULATION, "sex")
        differs = unlike_number(content.about.number, birth_date=content.about.birth_date, sex=sex)
        places = {"birth_date": "/about/birth_date", "sex": "/about/number"}  # the sex was not typed: the number was
        found |= {places[name]: code for name, code in differs.items()}
    return found
