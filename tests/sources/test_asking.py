"""A partner is asked between transactions: who waits for it holds nobody up, and what is done is done once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of
from tests.phone import CitizenPhone
from tests.support import NOON, FixedClock
from tests.web.refusals import assert_refused
from wallet.audit import AuditEvent
from wallet.errors import NotFound, Unavailable
from wallet.sources.asking import MOST_QUESTIONS, Asking, NotAsked, Question
from wallet.sources.base import Facts, Ground, Register, RegisterCode
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
State = Callable[[], dict[str, list[str]]]
ORDER = {"utility": "residence", "answers": {}}
GROUND = Ground("of_a_test", "residence", Actor("system"))


@dataclass
class Slow:
    """A partner in front of an embedded register: it answers when it is let, and knows what was held meanwhile."""

    real: Register
    let: Event = field(default_factory=Event)
    reached: Event = field(default_factory=Event)
    asked: int = 0
    error: Exception | None = None

    @property
    def code(self) -> str:
        return str(self.real.code)

    def read(self, number: str, ground: Ground) -> Facts:
        self.asked += 1
        self.reached.set()
        assert self.let.wait(30)
        if self.error is not None:
            raise self.error
        return self.real.read(number, ground)


@pytest.fixture
def slow(wallet: Wallet) -> Iterator[Slow]:
    """The residence register as a partner's that does not answer until it is let."""
    register = Slow(wallet.registers[RegisterCode.RESIDENCE])
    wallet.registers[RegisterCode.RESIDENCE] = register
    wallet.asked_between = {**wallet.asked_between, RegisterCode.RESIDENCE: register}
    yield register
    register.let.set()


@contextmanager
def asking(citizen: CitizenPhone, slow: Slow, **options: Any) -> Iterator[list[Any]]:
    """Send a request from another thread, and run the block while the partner is silent; then let it answer."""
    answers: list[Any] = []
    thread = Thread(target=lambda: answers.append(citizen.post("/v1/requests", ORDER, **options)))
    thread.start()
    try:
        assert slow.reached.wait(20)
        yield answers
        assert answers == []
    finally:
        slow.let.set()
        thread.join()


def reads(wallet: Wallet) -> list[tuple[str, str]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "source.read").order_by(AuditEvent.id))
        return [(row.details["source"], row.details["outcome"]) for row in rows]


def test_another_writer_goes_on_while_a_partner_hangs(wallet: Wallet, phone_of: Make, slow: Slow) -> None:
    citizen, other = phone_of("an"), phone_of("sau")
    with asking(citizen, slow) as answers:
        settings = other.get("/v1/me/settings")
        changed = other.call(
            "PATCH", "/v1/me/settings", json={"language": "en"}, headers={"If-Match": settings.headers["ETag"]}
        )
        assert changed.status_code == 200, changed.text
    assert answers[0].status_code == 201
    assert len(citizen.get("/v1/documents").json["data"]) == 1


def test_who_waits_has_left_nothing_behind(wallet: Wallet, phone_of: Make, slow: Slow, state: State) -> None:
    citizen = phone_of("an")
    before, known = state(), reads(wallet)
    with asking(citizen, slow) as answers:
        assert state() == before
        assert reads(wallet) == known
    assert answers[0].status_code == 201
    assert reads(wallet)[len(known) :] == [("population", "answered"), ("residence", "answered")]
    assert slow.asked == 1


def test_the_same_request_sent_twice_meanwhile_is_done_once(wallet: Wallet, phone_of: Make, slow: Slow) -> None:
    citizen = phone_of("an")
    again: list[Any] = []
    with asking(citizen, slow, key="one") as answers:
        second = Thread(target=lambda: again.append(citizen.post("/v1/requests", ORDER, key="one")))
        second.start()
    second.join()
    assert [response.status_code for response in (*answers, *again)] == [201, 201]
    assert answers[0].data == again[0].data
    assert len(citizen.get("/v1/documents").json["data"]) == 1


def test_what_changed_meanwhile_counts(wallet: Wallet, phone_of: Make, slow: Slow, state: State) -> None:
    """What the first try found is not what is decided on: the utility was paused while the partner was silent."""
    citizen, admin = phone_of("an"), phone_of("admin1")
    with asking(citizen, slow) as answers:
        paused = admin.post("/v1/admin/utilities/residence/pause", {"reason": "because of a test"})
        assert paused.status_code == 200
        before = state()
    assert_refused(answers[0], 409, "utility_disabled")
    assert state() == before


def test_a_partner_that_is_away_is_told_once_and_recorded(
    wallet: Wallet, phone_of: Make, slow: Slow, state: State
) -> None:
    slow.error = Unavailable("source_unavailable", 7, register="residence")
    slow.let.set()
    citizen = phone_of("an")
    before, known = state(), reads(wallet)
    refused = citizen.post("/v1/requests", ORDER)
    assert_refused(refused, 503, "source_unavailable")
    assert refused.headers["Retry-After"] == "7"
    assert state() == before
    assert reads(wallet)[len(known) :] == [("population", "answered"), ("residence", "source_unavailable")]
    assert slow.asked == 1


def test_jobs_hold_nothing_while_a_partner_hangs(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    """The daily look at accounts asks the population register for each of them."""
    population = Slow(wallet.registers[RegisterCode.POPULATION])
    wallet.registers[RegisterCode.POPULATION] = population
    wallet.asked_between = {RegisterCode.POPULATION: population}
    other = phone_of("sau")
    clock.advance(days=2)
    sweep = Thread(target=wallet.account_sweep.run)
    sweep.start()
    try:
        assert population.reached.wait(20)
        other.sign_in()
    finally:
        population.let.set()
        sweep.join()
    assert population.asked > 1


# --- one act ----------------------------------------------------------------------------------------------------


@dataclass
class Known:
    """A partner that answers at once."""

    code: str = "third"
    asked: list[str] = field(default_factory=list)

    def read(self, number: str, ground: Ground) -> Facts:
        self.asked.append(number)
        if number == "nobody":
            raise NotFound("person_unknown")
        return Facts(self.code, {"number": number}, NOON)


def test_each_question_is_asked_once_and_between_tries(wallet: Wallet) -> None:
    partner = Known()
    wallet.registers["third"], wallet.asked_between = partner, {"third": partner}
    tried = 0
    for trying in wallet.tries():
        with trying as work:
            tried += 1
            found = [
                work.sources.find("third", number, GROUND, subject="hld_x") for number in ("1", "2", "1", "nobody")
            ]
    assert found == [{"number": "1"}, {"number": "2"}, {"number": "1"}, None]
    assert (tried, partner.asked) == (4, ["1", "2", "nobody"])


def test_without_a_partner_there_is_one_try(wallet: Wallet) -> None:
    tried = 0
    for trying in wallet.tries():
        with trying as work:
            tried += 1
            work.sources.read(RegisterCode.POPULATION, actor_number(wallet), GROUND, subject="hld_x")
    assert tried == 1


def actor_number(wallet: Wallet) -> str:
    with wallet.read() as work:
        return work.holders.number(actor_of(wallet).holder_id or "")


def test_a_try_that_fails_fails(wallet: Wallet, state: State) -> None:
    before, tried = state(), []

    def fail() -> None:
        for trying in wallet.tries():
            with trying as work:
                tried.append(work)
                raise NotFound("not_found")

    with pytest.raises(NotFound):
        fail()
    assert (len(tried), state()) == (1, before)


def test_an_act_that_asks_for_ever_ends() -> None:
    partner = Known()
    asking_ = Asking({"third": partner})
    for number in range(MOST_QUESTIONS):
        question = Question("third", str(number), GROUND)
        with pytest.raises(NotAsked):
            asking_.answer(question)
        asking_.ask(question)
    assert asking_.answer(Question("third", "more", GROUND)).values == {"number": "more"}


def test_what_is_to_be_asked_is_swallowed_by_nobody() -> None:
    assert not issubclass(NotAsked, Exception)
    assert "number" not in repr(Question("third", "001190000123", GROUND))
    assert replace(GROUND, purpose="other") != GROUND
