"""Every lifecycle walked, by everybody who may move a request and by those who may not: whole, and then at random.

The model is the data that drives the service (`wallet.utilities.lifecycles`) and nothing else: an arrow is there or it
is not, and its maker may make it or may not. MACHINE_RUNS and MACHINE_STEPS: 50 runs of 30 steps unless told otherwise.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.documents.people import actor_of, admin_of, officer_of
from tests.support import NOON, FixedClock
from wallet.demo.personas import persona
from wallet.demo.setup import _open_utilities
from wallet.errors import Conflict, NotAllowed, PreconditionFailed, WalletError
from wallet.identity.accounts import Grant
from wallet.payments.paying import Outcome
from wallet.requests.moving import Word
from wallet.requests.orders import RequestOrder
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import (
    Agreement,
    Ask,
    By,
    Case,
    Claim,
    Deadline,
    DocumentType,
    Fee,
    FeeLine,
    Field,
    Lifecycle,
    Move,
    Paper,
    Rules,
    Source,
    Step,
    Utility,
)
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.utilities.declaration import LIFECYCLES
from wallet.utilities.lifecycles import DRAFT
from wallet.wiring import Wallet
from wallet.working_days import vietnamese_day

RUNS = int(os.environ.get("MACHINE_RUNS", "50"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
AGENCY = "walking_desk"
PROVIDER = Actor("payments", request_id="machine")
ACTIONS = sorted({move.action for each in LIFECYCLES for move in each.moves} | {"no_such_move"})
PRICE = 50_000
GRANTING = {"approve", "confirm"}
VALIDITY = timedelta(days=30)
DAYS_TO_AGREE = 7
MOST_DAYS = 60
"""How far the time of one run goes: the keys and the registers of a test are made for less than a year."""
MADE_BY_SENDING = {"ask_payment", "ask_agreement"}
"""Written a second time on purpose."""


def walked(lifecycle: Lifecycle) -> Utility:
    """Return a utility that goes through this lifecycle, whose applicant says what it costs and who has to agree."""
    paper = DocumentType(
        code="walked",
        title={"vi": "Giấy thử", "en": "Trial paper"},
        claims=(Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),),
        validity=VALIDITY,
    )
    stepped = bool(lifecycle.in_steps)
    agreed = any(move.by is By.OTHER for move in lifecycle.moves)
    a_day = Deadline(working_days=1)
    return Utility(
        code="walked",
        version=1,
        title={"vi": "Thủ tục thử", "en": "Trial service"},
        agency=AGENCY,
        documents=(paper,),
        rules=(Rules("2026", date(2026, 1, 1), "Luật mẫu", Deadline(working_days=3), fee=_costs),),
        form=(Field("priced", Ask.BOOL, required=False), Field("asks", Ask.BOOL, required=False)),
        lifecycle=lifecycle,
        steps=(Step("first", AGENCY, a_day), Step("second", AGENCY, a_day, after=("first",))) if stepped else (),
        agreement=Agreement("asks", lambda _: persona("sau").number, days=DAYS_TO_AGREE) if agreed else None,
        reasons=("because",),
    )


def _costs(case: Case) -> Fee:
    return Fee((FeeLine("fee", PRICE),)) if case.answers.get("priced") else Fee()


def ended_at(begun: datetime, lasting: timedelta) -> datetime:
    """Return when days are over that count from a moment: at 24:00 in Hà Nội, which is 17:00 UTC."""
    day = vietnamese_day(begun) + lasting + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=7)


def ways_to(lifecycle: Lifecycle) -> dict[Move, tuple[Move, ...]]:
    """Return for every arrow a shortest way that ends with it, in the order of the data."""
    found: dict[Move, tuple[Move, ...]] = {}
    reached: dict[str, tuple[Move, ...]] = {DRAFT: ()}
    for state in (waiting := [DRAFT]):
        for move in lifecycle.from_(state):
            found[move] = (*reached[state], move)
            if move.target not in reached:
                reached[move.target] = found[move]
                waiting.append(move.target)
    return found


def answered(lifecycle: Lifecycle, state: str) -> bool:
    """Return whether no way leads from a state to a move of an office: it is in nobody's hand there."""
    seen = [state]
    for each in seen:
        moves = lifecycle.from_(each)
        if any(move.by in (By.OFFICER, By.STEPS) for move in moves):
            return False
        seen += [move.target for move in moves if move.target not in seen]
    return True


@dataclass
class PaymentModel:
    """What the rules say of one payment, by the id that the service gave it: ids of one moment have no order."""

    id: str
    reference: str
    expires_at: datetime
    state: str = "open"


class Walk(RuleBasedStateMachine):
    """One request, its applicant, whoever has to agree, two officers, payments, two sub-tasks, time and its job.

    No strategy depends on a state: a step says with a number which of the things there are it takes. And nothing that a
    run decides by depends on chance or on the run before: each begins at the same moment, with a request of its own.
    """

    wallet: Wallet
    clock: FixedClock
    lifecycle: Lifecycle
    made: set[Move]
    """The arrows that were walked, over all runs."""

    @initialize()
    def begin(self) -> None:
        self.clock.set(NOON)
        self.holder, self.other = actor_of(self.wallet), actor_of(self.wallet, "sau")
        self._officers_sign_in()
        with self.wallet.work() as work:
            self.id = work.requests.submit(RequestOrder("walked", draft=True), self.holder).id
        self.state, self.void = DRAFT, False
        self.issued_at: datetime | None = None
        self.priced = self.asks = self.answered = False
        self.came = False
        """Whether it was ever an office's turn: before, no officer has it."""
        self.in_hand: str | None = None
        self.decided_by = ""
        self.steps: dict[str, str] = {}
        self.payments: list[PaymentModel] = []
        self.agreements: list[list[str]] = []  # id and state of each, the first first
        self.asked_until = NOON
        self.sent_priced = False

    # What may be tried

    @rule(action=st.sampled_from(ACTIONS))
    def holder_moves(self, action: str) -> None:
        arrow = self.lifecycle.move(self.state, action)
        allowed = arrow is not None and arrow.by is By.HOLDER and action not in MADE_BY_SENDING
        sends = action in ("submit", "supplement")
        if allowed and sends and self.asks and not self.answered:
            arrow = self.lifecycle.move(self.state, "ask_agreement") or arrow
        if allowed and action == "submit" and self.priced:
            arrow = self.lifecycle.move(self.state, "ask_payment") or arrow
        dearer = allowed and action == "supplement" and self.priced and not self.sent_priced
        self._try(lambda work: work.requests.act(self.id, action, self.holder), allowed and not dearer)
        if not allowed or dearer or arrow is None:
            return
        if action == "submit":
            self.sent_priced = self.priced
        self._moved(arrow)
        if arrow.action == "ask_payment":
            self._payment_begun()
        elif arrow.action == "ask_agreement":
            (asked,) = [each for each in self._agreements() if each not in [known for known, _ in self.agreements]]
            self.agreements.append([asked, "waiting"])
            self.asked_until = ended_at(self.clock.now(), timedelta(days=DAYS_TO_AGREE))
        elif not sends:
            self._close("open", "abandoned")
            self._end_agreement("closed")

    @rule(priced=st.booleans(), asks=st.booleans())
    def holder_edits(self, priced: bool, asks: bool) -> None:
        allowed = self.state == DRAFT or self.lifecycle.move(self.state, "supplement") is not None
        version = self._row().version
        answers = {"priced": priced, "asks": asks}
        self._try(lambda work: work.requests.edit(self.id, answers, version, self.holder), allowed)
        if allowed:
            self.priced, self.asks = priced, asks

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 9), outcome=st.sampled_from(list(Outcome)))
    def payment_comes(self, which: int, outcome: Outcome) -> None:
        """Word of whichever payment there was, in time or late, once or again."""
        payment = self.payments[which % len(self.payments)]
        with self.wallet.work() as work:
            request_id = work.paying.settle(payment.reference, outcome, PRICE, PROVIDER)
            if request_id is not None:
                work.requests.paid(request_id, PROVIDER)
        in_time = payment.state == "open"
        if outcome is Outcome.FAILURE:
            payment.state = "failed" if in_time else payment.state
        elif in_time:
            payment.state = "paid"
            self._moved(self.lifecycle.move(self.state, "pay"))
        elif payment.state in ("failed", "expired", "abandoned"):
            payment.state = "refund_due"

    @rule()
    def holder_pays_again(self) -> None:
        allowed = self.state == "awaiting_payment"
        self._try(lambda work: work.requests.pay(self.id, self.holder), allowed)
        if not allowed:
            return
        self._expire()
        if all(each.state != "open" for each in self.payments):
            self._payment_begun()

    @precondition(lambda self: self.agreements)
    @rule(which=st.integers(0, 9), agree=st.booleans(), asked=st.sampled_from([True, True, False]))
    def other_answers(self, which: int, agree: bool, asked: bool) -> None:
        """Whoever was asked, or somebody else, answers whichever they were asked, in time or late, once or again."""
        agreement = self.agreements[which % len(self.agreements)]
        who = self.other if asked else self.holder
        allowed = asked and agreement[1] == "waiting" and self.clock.now() < self.asked_until
        self._try(lambda work: work.request_services.agreements.answer(agreement[0], agree=agree, actor=who), allowed)
        if allowed:
            agreement[1], self.answered = "agreed" if agree else "declined", True
            self._moved(self.lifecycle.move(self.state, "agree" if agree else "decline"))

    @precondition(lambda self: self.clock.now() - NOON < timedelta(days=MOST_DAYS))
    @rule(days=st.sampled_from([1, 4, 8]))
    def time_passes(self, days: int) -> None:
        self.clock.advance(days=days)
        self._officers_sign_in()  # a session ends sooner than a request

    @rule()
    def job_runs(self) -> None:
        while self.wallet.look_after_requests():
            pass
        self._expire()
        if self._waits() and self.clock.now() >= self.asked_until:
            self._end_agreement("lapsed")
            self._moved(self.lifecycle.move(self.state, "lapse"))

    @precondition(lambda self: self.state != DRAFT)
    @rule(officer=st.integers(0, 1))
    def officer_claims(self, officer: int) -> None:
        who = self.officers[officer]
        allowed = self.came and self.in_hand in (None, who.account_id) and not answered(self.lifecycle, self.state)
        if self.decided_by == who.account_id and self._needs_second():
            allowed = False  # what they proposed is another's to sign
        self._try(lambda work: work.review_desk.claim(self.id, who), allowed)
        if allowed:
            self.in_hand = who.account_id

    @rule(officer=st.integers(0, 1))
    def officer_releases(self, officer: int) -> None:
        who = self.officers[officer]
        allowed = self.in_hand == who.account_id
        self._try(lambda work: work.review_desk.release(self.id, who), allowed)
        if allowed:
            self.in_hand = None

    @precondition(lambda self: self.in_hand)
    @rule()
    def officer_hands_over(self) -> None:
        giver, taker = sorted(self.officers, key=lambda each: each.account_id != self.in_hand)
        allowed = not (self.decided_by == taker.account_id and self._needs_second())
        self._try(lambda work: work.review_desk.hand_over(self.id, taker.account_id, giver), allowed)
        if allowed:
            self.in_hand = taker.account_id

    @precondition(lambda self: self.state != DRAFT)
    @rule(officer=st.integers(0, 1), action=st.sampled_from(ACTIONS))
    def officer_decides(self, officer: int, action: str) -> None:
        who = self.officers[officer]
        arrow = self.lifecycle.move(self.state, action)
        allowed = self.in_hand == who.account_id and arrow is not None and arrow.by is By.OFFICER
        if allowed and arrow is not None and arrow.second and self.decided_by == who.account_id:
            allowed = False
        if arrow is not None and action in GRANTING and self._unverified():
            allowed = False
        word = Word("because", "Lý do bằng chữ.") if arrow is not None and arrow.reason else Word()
        version = self._row().version
        self._try(lambda work: work.review_desk.decide(self.id, action, word, version, who), allowed)
        if allowed and arrow is not None:
            self.decided_by = who.account_id
            self._moved(arrow)
            if self._needs_second():
                self.in_hand = None

    @precondition(lambda self: self.state != DRAFT)
    @rule(code=st.sampled_from(["first", "second"]), officer=st.integers(0, 1), why=st.sampled_from([None, "because"]))
    def agency_reports(self, code: str, officer: int, why: str | None) -> None:
        allowed = self.steps.get(code) == "active" and self.state in self.lifecycle.in_steps
        self._try(lambda work: work.review_desk.finish_step(self.id, code, {}, why, self.officers[officer]), allowed)
        if not allowed:
            return
        self.steps[code] = "done" if why is None else "failed"
        if why is not None:
            ways = {move.by for move in self.lifecycle.from_(self.state)}
            assert By.OFFICER in ways, "whoever decides can still do so"
        elif code == "first":
            self.steps["second"] = "active"
        else:
            self._moved(next(move for move in self.lifecycle.from_(self.state) if move.by is By.STEPS))

    # The arrows, each made by whoever makes it

    @precondition(lambda self: self.state not in self.lifecycle.final)
    @rule(which=st.integers(0, 59))
    def it_goes_on(self, which: int) -> None:
        arrows = [move for move in self.lifecycle.from_(self.state) if self.makeable(move)]
        if arrows:
            self.make(arrows[which % len(arrows)])

    def makeable(self, move: Move) -> bool:
        """Return whether somebody can make an arrow from here without another arrow before it."""
        if move.by is By.STEPS:
            return "failed" not in self.steps.values()
        if move.by is By.OTHER:
            return self._waits() and self.clock.now() < self.asked_until
        if move.by is By.SYSTEM:
            return self._waits()
        if move.action == "ask_agreement":
            return not self.answered
        return move.action not in GRANTING or not self._unverified()

    def _unverified(self) -> bool:
        """Return whether a sub-task was begun and is not done: nothing is granted over it."""
        return bool(set(self.steps.values()) - {"done", "ended"})

    def make(self, move: Move) -> None:
        """Have everybody do what leads to an arrow, and check that nothing else came of it. move: makeable."""
        before = self.state
        {
            By.HOLDER: self._holder_makes,
            By.OFFICER: self._officer_makes,
            By.PAYMENT: self._payment_makes,
            By.STEPS: self._steps_make,
            By.OTHER: self._other_makes,
            By.SYSTEM: self._time_makes,
        }[move.by](move)
        assert (before, self.state) == (move.source, move.target)
        assert move in self.made

    def _holder_makes(self, move: Move) -> None:
        action = move.action
        if action in MADE_BY_SENDING | {"submit", "supplement"}:
            self.holder_edits(priced=action == "ask_payment", asks=action == "ask_agreement")
            action = "submit" if self.state == DRAFT else "supplement"
        self.holder_moves(action)

    def _officer_makes(self, move: Move) -> None:
        if self.in_hand is None:
            first = self.officers[0].account_id
            self.officer_claims(int(self.decided_by == first and self._needs_second()))
        (officer,) = [n for n, each in enumerate(self.officers) if each.account_id == self.in_hand]
        self.officer_decides(officer, move.action)

    def _payment_makes(self, _: Move) -> None:
        self.holder_pays_again()
        self.payment_comes([each.state for each in self.payments].index("open"), Outcome.SUCCESS)

    def _steps_make(self, _: Move) -> None:
        for code in [code for code, state in self.steps.items() if state != "done"]:
            self.agency_reports(code, 0, None)

    def _other_makes(self, move: Move) -> None:
        self.other_answers(len(self.agreements) - 1, agree=move.action == "agree", asked=True)

    def _time_makes(self, _: Move) -> None:
        self.time_passes(DAYS_TO_AGREE + 1)
        self.job_runs()

    def everybody_tries_everything_else(self) -> None:
        """Try in this state each move that it does not have, as everybody; and each that it has, as who may not."""
        ours = {move.action: move.by for move in self.lifecycle.from_(self.state)}
        for action in ACTIONS:
            if ours.get(action) is not By.HOLDER or action in MADE_BY_SENDING:
                self.holder_moves(action)
            for officer in (0, 1):
                in_hand = self.officers[officer].account_id == self.in_hand
                if self.state != DRAFT and not (in_hand and ours.get(action) is By.OFFICER):
                    self.officer_decides(officer, action)
        if self.state != "awaiting_payment":
            self.holder_pays_again()
            for number, payment in enumerate(self.payments):
                assert payment.state != "open"
                for outcome in Outcome:
                    self.payment_comes(number, outcome)
        for number, (_, state) in enumerate(self.agreements):
            for agree in (True, False):
                self.other_answers(number, agree, asked=False)
                if state != "waiting":
                    self.other_answers(number, agree, asked=True)
        if self.state not in self.lifecycle.in_steps and self.state != DRAFT:
            for code in ("first", "second"):
                self.agency_reports(code, 1, None)

    # What must hold

    @invariant()
    def the_service_says_what_the_data_says(self) -> None:
        row = self._row()
        assert row.state == self.state
        assert (row.document_id is not None) is (self.issued_at is not None)
        assert row.claimed_by == self.in_hand
        standing = self.lifecycle.waiting | self.lifecycle.final
        if self.state in standing:
            assert row.due_at is None
        with self.wallet.read() as work:
            detail = work.requests.get(self.id, self.holder)
            mine = {move.action for move in self.lifecycle.from_(self.state) if move.by is By.HOLDER}
            assert set(detail.actions) == mine - MADE_BY_SENDING
            if detail.timeline:
                assert detail.timeline[-1].state == self.state
            assert {step.code: step.state for step in detail.steps} == self.steps
            assert all(
                (step.due_at is not None) is (step.state == "active") for step in detail.steps if not step.done_at
            )
            if row.document_id is not None and self.issued_at is not None:
                held = work.holding.get(row.document_id, self.holder)
                over = self.clock.now() >= ended_at(self.issued_at, VALIDITY)
                assert held.state == ("revoked" if self.void else "expired" if over else "valid")
            paid = {each.id: str(each.state) for each in work.paying.of_request(self.id)}
            assert paid == {each.id: each.state for each in self.payments}
            asked = [[each.id, each.state] for each in work.request_services.rows.agreements(self.id)]
            assert sorted(asked) == sorted(self.agreements)

    def _moved(self, arrow: Any) -> None:
        assert arrow is not None
        self._steps_follow(arrow)
        self.made.add(arrow)
        self.state = arrow.target
        self.came |= any(move.by in (By.OFFICER, By.STEPS) for move in self.lifecycle.from_(self.state))
        if arrow.issues:
            self.issued_at = self.clock.now()
        self.void |= arrow.voids
        if answered(self.lifecycle, self.state):
            self.in_hand = None

    def _steps_follow(self, arrow: Any) -> None:
        """They are active in states that the last of them leads out of, and nowhere else."""
        working, worked = (state in self.lifecycle.in_steps for state in (arrow.target, self.state))
        if arrow.lays_out:
            self.steps = {"first": "active" if working else "waiting", "second": "waiting"}
        elif arrow.target in self.lifecycle.final:
            self.steps = {
                code: {"active": "ended", "waiting": "ended"}.get(state, state) for code, state in self.steps.items()
            }
        elif not working:
            self.steps = {code: {"active": "waiting"}.get(state, state) for code, state in self.steps.items()}
        elif not worked and self.steps:
            self.steps["second" if self.steps["first"] == "done" else "first"] = "active"

    def _needs_second(self) -> bool:
        return any(move.second for move in self.lifecycle.from_(self.state))

    def _waits(self) -> bool:
        return any(state == "waiting" for _, state in self.agreements)

    def _end_agreement(self, state: str) -> None:
        for agreement in self.agreements:
            if agreement[1] == "waiting":
                agreement[1] = state

    def _close(self, before: str, after: str) -> None:
        for payment in self.payments:
            if payment.state == before:
                payment.state = after

    def _expire(self) -> None:
        for payment in self.payments:
            if payment.state == "open" and payment.expires_at <= self.clock.now():
                payment.state = "expired"

    def _payment_begun(self) -> None:
        """Learn of a new payment what it is called; the model has the rest."""
        with self.wallet.read() as work:
            known = {each.id for each in self.payments}
            (begun,) = [each for each in work.paying.of_request(self.id) if each.id not in known]
        assert begun.address is not None, "it is opened after the commit"
        self.payments.append(PaymentModel(begun.id, begun.address.rpartition("/")[2], begun.expires_at))

    def _agreements(self) -> list[str]:
        with self.wallet.read() as work:
            return [each.id for each in work.request_services.rows.agreements(self.id)]

    def _officers_sign_in(self) -> None:
        self.officers = [officer_of(self.wallet, key) for key in ("dai", "doi")]

    def _row(self) -> Any:
        with self.wallet.read() as work:
            return work.request_services.rows.get(self.id)

    def _try(self, call: Callable[[Any], Any], allowed: bool) -> None:
        before, refused = self._row(), None
        try:
            with self.wallet.work() as work:
                call(work)
        except WalletError as error:
            refused = error
        assert (refused is None) is allowed, refused
        if refused is not None:
            known = isinstance(refused, (Conflict, NotAllowed, PreconditionFailed))
            assert known or refused.code in ("not_found", "invalid_input"), refused.code
            after = self._row()
            assert (after.state, after.version) == (before.state, before.version)

    def teardown(self) -> None:
        if getattr(self, "state", "") == DRAFT:
            with self.wallet.work() as work:
                work.requests.discard(self.id, self.holder)


@pytest.fixture
def machine(wallet: Wallet, clock: FixedClock) -> Callable[[Lifecycle], type[Walk]]:
    """Make the machine of a lifecycle: its utility is open, and two personas review it for the whole country."""

    def make(lifecycle: Lifecycle) -> type[Walk]:
        words = {"claims": {"full_name": "x"}, "fees": {"fee": "x"}, "agencies": {AGENCY: "x"}}
        texts = dict.fromkeys(("vi", "en"), words)
        tireless = replace(wallet.settings, staff_reads_per_hour=100_000)  # a walk is longer than an officer's hour
        catalogue = Catalogue({"walked": Plugin(walked(lifecycle), texts, "walked")})
        walking = replace(wallet, catalogue=catalogue, settings=tireless)
        _open_utilities(walking)
        with walking.work() as work:
            for key in ("dai", "doi"):
                work.accounts.grant(
                    actor_of(walking, key).account_id, Grant(StaffRole.REVIEWER, AGENCY, "*"), admin_of(walking)
                )
        parts = {"wallet": walking, "clock": clock, "lifecycle": lifecycle, "made": set()}
        return type("Walking", (Walk,), parts)

    return make


every_lifecycle = pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=[each.code for each in LIFECYCLES])


@pytest.mark.timeout(1800)
@every_lifecycle
def test_every_arrow_is_walked(machine: Callable[[Lifecycle], type[Walk]], lifecycle: Lifecycle) -> None:
    """By no chance: each arrow by a shortest way, and in each state everything that it does not have is refused."""
    walking, tried = machine(lifecycle), set[str]()
    for way in ways_to(lifecycle).values():
        walk = walking()
        walk.begin()
        for move in (*way, None):
            walk.the_service_says_what_the_data_says()
            if walk.state not in tried:
                tried.add(walk.state)
                walk.everybody_tries_everything_else()
                walk.the_service_says_what_the_data_says()
            if move is not None:
                walk.make(move)
        if way[-1].issues:
            for days in (VALIDITY.days, 1):
                walk.time_passes(days)
                walk.the_service_says_what_the_data_says()
        walk.teardown()
    never = [f"{move.source} --> {move.target} : {move.action}" for move in lifecycle.moves if move not in walking.made]
    assert never == []
    assert tried == set(lifecycle.states)


@pytest.mark.timeout(1800)
@every_lifecycle
def test_every_walk_stays_on_the_arrows(machine: Callable[[Lifecycle], type[Walk]], lifecycle: Lifecycle) -> None:
    run_state_machine_as_test(
        machine(lifecycle),
        settings=settings(
            max_examples=max(5, RUNS // len(LIFECYCLES)),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
