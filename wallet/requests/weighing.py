"""What would come of a request as it stands: its case, accepted by its plug-in, what it costs, what is doubtful.

Sending it weighs it, and so does looking at a draft before (`previewing.py`): they cannot say different things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wallet.errors import Conflict, InvalidInput
from wallet.requests.cases import Cases, Told
from wallet.requests.links import Links
from wallet.requests.models import RequestRow
from wallet.requests.moving import Moving
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content
from wallet.terms import Actor
from wallet.utilities.base import Ask, Case, Fee, FeeLine, Field, Rules, Source, Utility, unlike_number
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.plugin import in_words_of
from wallet.working_days import vietnamese_day


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
    moving: Moving

    def weigh(
        self, utility: Utility, row: RequestRow, content: Content, actor: Actor, *, purpose: str | None = None
    ) -> Weighed:
        """Return what a request is worth whose answers are whole. purpose: for which registers are read.

        Raises InvalidInput with every fault of the answers, Conflict("not_linked", "costs_more"), NotAllowed,
        Unavailable.
        """
        if utility.link is not None:  # first: what a record says that may be somebody else's is no answer to anybody
            self.links.assert_linked(utility, row.holder_id)
        steps = self.moving.found(row) if row.state != DRAFT else None
        told = self.cases.build(utility, row, content, actor, steps=steps, purpose=purpose)
        self._assert_files(utility, row, told)
        with in_words_of(utility):
            utility.accept(told.case)
        rules = self.cases.rules(utility, row)
        fee = rules.fee(told.case) if row.state == DRAFT else _fee_of_sent(row, rules, told.case)
        return Weighed(told, fee, _warnings(utility, told, content))

    def _assert_files(self, utility: Utility, row: RequestRow, told: Told) -> None:
        named = file_answers(utility.form, told.case.answers)
        if not named:
            return
        known: dict[str, set[str]] = {}
        for file in self.rows.files(row.id):
            known.setdefault(file.field, set()).add(file.id)
        faults = {
            f"/answers/{name}": "unknown_file" for name, ids in named.items() if not set(ids) <= known.get(name, set())
        }
        if faults:
            raise InvalidInput(faults)


def file_answers(form: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the ids of files that the answers name, by field."""
    return {
        field.name: tuple(answers[field.name]) for field in form if field.kind is Ask.FILES and field.name in answers
    }


def _fee_of_sent(row: RequestRow, rules: Rules, case: Case) -> Fee:
    """Return what was told when the request was sent. Raises Conflict("costs_more") for a supplement that would have
    cost more then: nobody would ask for the difference.

    That the fee itself has changed since is no fault of the applicant's: what was told when it was sent stands.
    """
    told = Fee(tuple(FeeLine(line["code"], line["amount"]) for line in row.fee))
    sent_at = row.submitted_at or case.now
    if rules.fee(replace(case, now=sent_at, today=vietnamese_day(sent_at))).due > told.due:
        raise Conflict("costs_more")
    return told


def _warnings(utility: Utility, told: Told, content: Content) -> dict[str, str]:
    """Return what is doubtful about answers that are taken, and about whom a proxy asks for."""
    found = {f"/answers/{place}": code for place, code in utility.warn(told.case).items()}
    if content.about is not None:
        sex = told.case.fact(Source.POPULATION, "sex")
        differs = unlike_number(content.about.number, birth_date=content.about.birth_date, sex=sex)
        places = {"birth_date": "/about/birth_date", "sex": "/about/number"}  # the sex was not typed: the number was
        found |= {places[name]: code for name, code in differs.items()}
    return found
