"""From a request to the `Case` that its plug-in is told: whom it is about, what registers state, what was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, NotAllowed
from wallet.identity.desks import home_province
from wallet.identity.holders import Holders
from wallet.places import communes
from wallet.requests.earlier import Earlier
from wallet.requests.models import RequestRow
from wallet.requests.orders import About, HeldAnswer, number_of
from wallet.requests.papers import office_words
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content, open_content
from wallet.sources.base import Ground, numbers_of
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.answering import plain, read, read_again
from wallet.utilities.base import Answers, Ask, Capacity, Case, Field, Rules, Source, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.names import same_name
from wallet.working_days import vietnamese_day

OWN_REQUESTS = "own_requests"
"""A register of our own: what the holder sent to the same utility before, as `case.facts["own_requests"][utility]`."""
MOST_EARLIER = 200
"""How many of them there are, the newest; none is read before a plug-in looks (`earlier.py`)."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A request by what it states alone: no register was asked yet. case: without facts; an answer that cannot be read
    is absent. faults: what is wrong with it, JSON Pointer to code."""

    case: Case
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A case, and what was read for it. number: of whom it is about, as the register has it now. faults: what may not
    or has to be answered, now that it is known what registers hold."""

    case: Case
    gathered: Gathered
    number: str
    held: frozenset[str]
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cases:
    """Builds cases, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    holders: Holders
    sources: Sources
    clock: Clock

    def build(
        self,
        utility: Utility,
        row: RequestRow,
        content: Content,
        actor: Actor,
        *,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Told:
        """Return the case of a request that was sent, whose answers were whole then.

        Raises Conflict("answers_outdated") where they are not by today's form, NotAllowed("person_not_living"),
        Unavailable when a register does not answer.
        """
        stated = self.stated(utility, row, content, actor)
        if not stated.faults:
            told = self.told(utility, row, content, actor, stated, steps=steps)
            if not told.faults:
                return told
        raise Conflict("answers_outdated")

    def stated(self, utility: Utility, row: RequestRow, content: Content, actor: Actor) -> Stated:
        """Return what a request states, before any register is asked."""
        now = self.clock.now()
        reading = read if row.state == DRAFT else read_again
        answers, faults = reading(utility.form, content.answers)
        case = Case(
            now=now,
            today=vietnamese_day(now),
            answers=answers,
            number=self._number(row, content),
            capacity=Capacity(row.capacity),
            account_level=actor.account_level,
            submitted_at=row.submitted_at,
            figures=self.rules(utility, row).figures,
            request=self._facts_of(row, now),
            places=_places(utility.form, answers),
        )
        return Stated(case, faults)

    def told(
        self,
        utility: Utility,
        row: RequestRow,
        content: Content,
        actor: Actor,
        stated: Stated,
        *,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        purpose: str | None = None,
    ) -> Told:
        """Return what a request without faults states together with what registers do.

        purpose: for which they are read, if not to send. Raises InvalidInput for whom a proxy asks about and the
        register has otherwise, NotAllowed("person_not_living"), Unavailable.
        """
        own = self.holders.number(row.holder_id)
        applies = actor.holder_id == row.holder_id
        sending = "submit_request" if applies else "review"
        if utility.lifecycle.at_once:
            sending = "issue_document"
        ground = Ground(purpose or sending, utility.code, actor, proxy=applies and content.about is not None)
        if applies and row.organisation_id is not None:
            ground = replace(ground, organisation=row.organisation_id)
        number, known = stated.case.number, None
        if content.about is not None:
            number, known = self._known_now(row, number, ground)
        subject_id = self.reading_of(row, number)
        gathered = gather(self.sources, self._registers(utility, row), number, ground, subject=subject_id, known=known)
        applicant = gathered.facts[Source.POPULATION].values if Source.POPULATION in gathered.facts else {}
        relation = ""
        if content.about is not None:
            _assert_is(content.about, applicant)
            subject = applicant
            of_oneself = replace(ground, proxy=False)
            found = gather(self.sources, [Source.POPULATION], own, of_oneself, subject=row.holder_id)
            applicant = found.facts[Source.POPULATION].values if Source.POPULATION in found.facts else {}
            relation = relation_of(applicant, subject)
        held = self.held(utility, gathered)
        typed, faults = stated.case.answers, dict[str, str]()
        if any(question.held_by for question in utility.form):
            typed, faults = self.typed(utility, row, content.answers, held)
        case = replace(
            stated.case,
            number=number,
            answers={**typed, **held},
            facts={**gathered.values, OWN_REQUESTS: {utility.code: self._earlier(utility, row)}},
            relation=relation,
            applicant={name: applicant[name] for name in ("number", "full_name", "birth_date") if name in applicant},
            steps=steps or {},
            places=_places(utility.form, typed),
        )
        return Told(case, gathered, number, frozenset(held), faults)

    def typed(
        self, utility: Utility, row: RequestRow, answers: Mapping[str, Any], held: Mapping[str, Any]
    ) -> tuple[Answers, dict[str, str]]:
        """Return answers as values beside those that registers hold, and what is wrong with them."""
        if row.state == DRAFT:
            return read(utility.form, answers, held=frozenset(held))
        # A register that has learnt it since it was sent is no fault of the applicant.
        asked = {name: value for name, value in answers.items() if name not in held}
        return read_again(utility.form, asked, held=frozenset(held))

    def _number(self, row: RequestRow, content: Content) -> str:
        return content.subject_number or self.holders.number(row.holder_id)

    def _known_now(self, row: RequestRow, number: str, ground: Ground) -> tuple[str, Gathered]:
        """Return the number that the population register has for whoever is asked about by one, and what it states.

        Everything is looked up by that number. Whom it belongs to was not known when the register was asked by a former
        one: it is asked again, so that this reading too is told to them.
        """
        gathered = self._people_of(row, number, ground)
        current = str(gathered.values.get(Source.POPULATION, {}).get("number", number))
        return (number, gathered) if current == number else (current, self._people_of(row, current, ground))

    def _people_of(self, row: RequestRow, number: str, ground: Ground) -> Gathered:
        return gather(self.sources, [Source.POPULATION], number, ground, subject=self.reading_of(row, number))

    def desk_province(self, utility: Utility, row: RequestRow, told: Told, actor: Actor) -> str:
        """Return the province whose desk gets a request: what the utility says, else where whom it is about lives.

        The residence register is asked where the case did not ask it already. "" where nobody knows, and for what
        lies on no desk: it reaches the desks for the whole country alone. Raises Unavailable.
        """
        chosen = utility.province_of(told.case)
        if chosen:
            return chosen
        gathered = told.gathered
        if utility.lifecycle.reviewed:
            ground = Ground("submit_request", utility.code, actor, proxy=row.capacity == Capacity.PROXY)
            subject = self.reading_of(row, told.number)
            gathered = gather(self.sources, [Source.RESIDENCE], told.number, ground, subject=subject, known=gathered)
        return home_province(gathered.values.get(Source.RESIDENCE, {}))

    def reading_of(self, row: RequestRow, number: str) -> str:
        """Return under whom a reading for this request is written down: whoever has the number, so that they learn it.

        That is the applicant, or whom a proxy asks about; where the latter has no account it is the applicant again.
        """
        return row.holder_id if row.capacity != Capacity.PROXY else self.holders.find(number) or row.holder_id

    def rules(self, utility: Utility, row: RequestRow) -> Rules:
        """Return the rules of a request: those it was sent under; of a draft, those of today, which it would be."""
        if row.state == DRAFT:
            return utility.rules_on(vietnamese_day(self.clock.now()))
        return utility.rules_of(row.rules_version)

    def held(self, utility: Utility, gathered: Gathered) -> dict[str, Any]:
        """Return the fields that need not be asked, with what the registers answer."""
        values = gathered.values
        found = {}
        for question in utility.form:
            if question.held_by is not None:
                register, fact = question.held_by
                if fact in values.get(register, {}):
                    found[question.name] = values[register][fact]
        return found

    def held_answers(self, utility: Utility, told: Told) -> dict[str, HeldAnswer]:
        """Return what registers answered of a form, or offered and was chosen, by field: what the desk looks at."""
        found = {}
        for question in utility.form:
            source = (question.held_by if question.name in told.held else question.one_of) or ("",)
            facts = told.gathered.facts.get(source[0])
            value = told.case.answers.get(question.name) if question.name in told.held else told.case.chosen(question)
            if facts is not None and value is not None:
                found[question.name] = HeldAnswer(str(source[0]), plain(value), facts.as_of, told.case.now)
        return found

    def refreshed(self, told: Told, row: RequestRow) -> Told:
        """Return the case with what the request itself states by now."""
        now = self.clock.now()
        case = replace(told.case, submitted_at=row.submitted_at, request=self._facts_of(row, now))
        return replace(told, case=case)

    def _facts_of(self, row: RequestRow, now: datetime) -> dict[str, Any]:
        return request_facts(row, now) | {"office": office_words(self.catalogue, row)["vi"]}

    def _registers(self, utility: Utility, row: RequestRow) -> tuple[str, ...]:
        # A guardian's and a proxy's relation stand in the population register, whatever the utility itself reads.
        needed = (Source.POPULATION,) if row.capacity != Capacity.SELF else ()
        return tuple(each for each in dict.fromkeys([*needed, *utility.registers]) if each != OWN_REQUESTS)

    def _earlier(self, utility: Utility, row: RequestRow) -> Sequence[Mapping[str, Any]]:
        if OWN_REQUESTS not in utility.reads:
            return ()
        return Earlier(
            utility.form,
            lambda: [e for e in self.rows.of_utility(row.holder_id, utility.code, MOST_EARLIER) if e.id != row.id],
            lambda each: open_content(self.holders, each).answers,
        )


def _places(form: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what the communes that were answered are called, also those inside records."""
    found: dict[str, dict[str, str]] = {}
    for question in form:
        if question.kind is Ask.RECORDS:
            for record in answers.get(question.name, ()):
                found |= _places(question.fields, record)
        elif question.kind is Ask.COMMUNE and question.name in answers:
            commune = communes()[answers[question.name]]
            named = {"commune": commune.name, "province": commune.province, "province_code": commune.province_code}
            found[commune.code] = named
    return found


def holder_of(actor: Actor) -> str:
    """Return for whom somebody asks. Raises NotAllowed("not_allowed") for who stands for nobody."""
    if actor.holder_id is None:
        raise NotAllowed("not_allowed")
    return actor.holder_id


def request_facts(row: RequestRow, now: datetime) -> dict[str, Any]:
    """Return `wallet.utilities.base.REQUEST_FACTS`, as far as they are known."""
    facts: dict[str, Any] = {"request_number": number_of(row.id), "issued_on": vietnamese_day(now)}
    if row.submitted_at is not None:
        facts["submitted_at"] = row.submitted_at.replace(microsecond=0)
    if row.due_at is not None:
        # Due at 24:00 of a day is due on that day, though the moment is the next one's first.
        facts["due_on"] = vietnamese_day(row.due_at - timedelta(seconds=1))
    if row.organisation_id is not None:
        facts |= {"organisation": row.organisation_name, "organisation_code": row.organisation_code}
    if row.decided_by is not None:
        facts["decided_on"] = vietnamese_day(now)
    return facts


def relation_of(applicant: Mapping[str, Any], subject: Mapping[str, Any]) -> str:
    """Return what the applicant is to the subject, as the population register states it; "" for no relative.

    Either may be named by a former number of theirs.
    """
    if "number" not in applicant or "number" not in subject:
        return ""
    mine, theirs = numbers_of(applicant), numbers_of(subject)
    if not mine.isdisjoint((subject.get("father_number"), subject.get("mother_number"))):
        return "parent"
    if not theirs.isdisjoint((applicant.get("father_number"), applicant.get("mother_number"))):
        return "child"
    if applicant.get("spouse_number") in theirs or subject.get("spouse_number") in mine:
        return "spouse"
    return ""


def _assert_is(about: About, facts: Mapping[str, Any]) -> None:
    """Refuse a person whom the register has otherwise; which part is wrong is not told."""
    stated = facts.get("birth_date")
    birth = stated.isoformat() if isinstance(stated, date) else stated
    name = str(facts.get("full_name") or "")
    if not name or not same_name(name, about.full_name) or birth != about.birth_date:
        raise InvalidInput({"/about": "not_as_recorded"})
    if facts.get("alive") is False:
        raise NotAllowed("person_not_living")
