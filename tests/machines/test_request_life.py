"""Every lifecycle walked at random, by everybody who may move a request and by those who may not.

The model is the data that drives the service (`wallet.utilities.lifecycles`) and nothing else: an arrow is there or it
is not, and its maker may make it or may not. MACHINE_RUNS and MACHINE_STEPS: 50 runs of 30 steps unless told otherwise.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
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
from wallet.demo.setup import _open_utilities
from wallet.errors import Conflict, NotAllowed, PreconditionFailed, WalletError
from wallet.identity.accounts import Grant
from wallet.payments.paying import Outcome
from wallet.requests.moving import Word
from wallet.requests.orders import RequestOrder
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import (
    ANSWERED,
    FOUR_EYES,
    INSTANT,
    LINKED,
    NOTICE,
    REVIEWED,
    By,
    Claim,
    Deadline,
    DocumentType,
    Fee,
    FeeLine,
    Lifecycle,
    Paper,
    Rules,
    Source,
    Step,
    Utility,
)
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.wiring import Wallet

RUNS = int(os.environ.get("MACHINE_RUNS", "50"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
LIFECYCLES = (INSTANT, REVIEWED, FOUR_EYES, ANSWERED, NOTICE, LINKED)
WAYS = [(each, False) for each in LIFECYCLES] + [(each, True) for each in (REVIEWED, FOUR_EYES)]
AGENCY = "walking_desk"
PROVIDER = Actor("payments", request_id="machine")
ACTIONS = sorted({move.action for each in LIFECYCLES for move in each.moves} | {"no_such_move"})
PRICE = 50_000
MADE_BY_SENDING = {"ask_payment", "ask_agreement"}
"""Written a second time on purpose."""


def walked(lifecycle: Lifecycle, *, fee: bool) -> Utility:
    """Return a utility that asks nothing and goes through this lifecycle."""
    paper = DocumentType(
        code="walked",
        title={"vi": "Giấy thử", "en": "Trial paper"},
        claims=(Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),),
        validity=timedelta(days=30),
    )
    costs = Fee((FeeLine("fee", PRICE),)) if fee else Fee()
    stepped = any(move.by is By.STEPS for move in lifecycle.moves)
    a_day = Deadline(working_days=1)
    return Utility(
        code="walked",
        version=1,
        title={"vi": "Thủ tục thử", "en": "Trial service"},
        agency=AGENCY,
        documents=(paper,),
        rules=(Rules("2026", date(2026, 1, 1), "Luật mẫu", Deadline(working_days=3), fee=lambda _: costs),),
        lifecycle=lifecycle,
        steps=(Step("first", AGENCY, a_day), Step("second", AGENCY, a_day, after=("first",))) if stepped else (),
        reasons=("because",),
    )


class Walk(RuleBasedStateMachine):
    """One request, its applicant, two officers, a payment, two sub-tasks."""

    wallet: Wallet
    lifecycle: Lifecycle
    fee: bool

    @initialize()
    def begin(self) -> None:
        self.holder = actor_of(self.wallet)
        self.officers = [officer_of(self.wallet, key) for key in ("dai", "doi")]
        with self.wallet.work() as work:
            self.id = work.requests.submit(RequestOrder("walked", draft=True), self.holder).id
        self.state, self.issued, self.void = "draft", False, False
        self.in_hand: Actor | None = None
        self.decided_by = ""
        self.steps: dict[str, str] = {}

    # What may be tried

    @rule(action=st.sampled_from(ACTIONS))
    def holder_moves(self, action: str) -> None:
        arrow = self.lifecycle.move(self.state, action)
        allowed = arrow is not None and arrow.by is By.HOLDER and action not in MADE_BY_SENDING
        if allowed and action == "submit" and self.fee and self.lifecycle.move("draft", "ask_payment"):
            arrow = self.lifecycle.move("draft", "ask_payment")
        self._try(lambda work: work.requests.act(self.id, action, self.holder), allowed)
        if allowed:
            self._moved(arrow)

    @rule(outcome=st.sampled_from(list(Outcome)))
    def payment_comes(self, outcome: Outcome) -> None:
        with self.wallet.work() as work:
            payments = work.paying.of_request(self.id)
            if not payments:
                return
            assert payments[-1].address is not None
            reference = payments[-1].address.rpartition("/")[2]
            was_open = payments[-1].state == "open"
            if work.paying.settle(reference, outcome, PRICE, PROVIDER) is not None:
                work.requests.paid(self.id, PROVIDER)
        if was_open and outcome is Outcome.SUCCESS:
            self._moved(self.lifecycle.move(self.state, "pay"))

    @precondition(lambda self: self.state == "awaiting_payment")
    @rule()
    def holder_pays_again(self) -> None:
        with self.wallet.work() as work:
            begun = work.requests.pay(self.id, self.holder)
        with self.wallet.read() as work:
            assert work.paying.get(begun.id).state == "open"

    @precondition(lambda self: self.state != "draft")
    @rule(officer=st.integers(0, 1))
    def officer_claims(self, officer: int) -> None:
        who = self.officers[officer]
        allowed = self.in_hand in (None, who) and self.state not in self.lifecycle.final
        if self.decided_by == who.account_id and any(move.second for move in self.lifecycle.from_(self.state)):
            allowed = False  # what they proposed is another's to sign
        self._try(lambda work: work.review_desk.claim(self.id, who), allowed)
        if allowed:
            self.in_hand = who

    @rule(officer=st.integers(0, 1))
    def officer_releases(self, officer: int) -> None:
        allowed = self.in_hand is self.officers[officer]
        self._try(lambda work: work.review_desk.release(self.id, self.officers[officer]), allowed)
        if allowed:
            self.in_hand = None

    @precondition(lambda self: self.state != "draft")
    @rule(officer=st.integers(0, 1), action=st.sampled_from(ACTIONS))
    def officer_decides(self, officer: int, action: str) -> None:
        who = self.officers[officer]
        arrow = self.lifecycle.move(self.state, action)
        allowed = self.in_hand is who and arrow is not None and arrow.by is By.OFFICER
        if allowed and arrow is not None and arrow.second and self.decided_by == who.account_id:
            allowed = False
        word = Word("because", "Lý do bằng chữ.") if arrow is not None and arrow.reason else Word()
        version = self._row().version
        self._try(lambda work: work.review_desk.decide(self.id, action, word, version, who), allowed)
        if allowed and arrow is not None:
            self.decided_by = who.account_id
            self._moved(arrow)
            if any(move.second for move in self.lifecycle.from_(self.state)):
                self.in_hand = None

    @precondition(lambda self: self.state != "draft")
    @rule(code=st.sampled_from(["first", "second"]), officer=st.integers(0, 1), why=st.sampled_from([None, "because"]))
    def agency_reports(self, code: str, officer: int, why: str | None) -> None:
        going_on = any(move.by is By.STEPS for move in self.lifecycle.from_(self.state))
        allowed = self.steps.get(code) == "active" and going_on
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

    # What must hold

    @invariant()
    def the_service_says_what_the_data_says(self) -> None:
        row = self._row()
        assert row.state == self.state
        assert (row.document_id is not None) is self.issued
        assert row.claimed_by == (self.in_hand.account_id if self.in_hand else None)
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
            if row.document_id is not None:
                held = work.holding.get(row.document_id, self.holder)
                assert held.state == ("revoked" if self.void else "valid")

    def _moved(self, arrow: Any) -> None:
        assert arrow is not None
        self._steps_follow(arrow)
        self.state = arrow.target
        self.issued |= arrow.issues
        self.void |= arrow.voids
        if self.state in self.lifecycle.final:
            self.in_hand = None

    def _steps_follow(self, arrow: Any) -> None:
        """They are active in states that the last of them leads out of, and nowhere else."""
        working, worked = (
            any(move.by is By.STEPS for move in self.lifecycle.from_(state)) for state in (arrow.target, self.state)
        )
        if arrow.lays_out:
            self.steps = {"first": "active", "second": "waiting"}
        elif arrow.target in self.lifecycle.final:
            self.steps = {
                code: {"active": "ended", "waiting": "ended"}.get(state, state) for code, state in self.steps.items()
            }
        elif not working:
            self.steps = {code: {"active": "waiting"}.get(state, state) for code, state in self.steps.items()}
        elif not worked:
            self.steps["second" if self.steps["first"] == "done" else "first"] = "active"

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
            assert known or refused.code == "not_found", refused.code
            after = self._row()
            assert (after.state, after.version) == (before.state, before.version)

    def teardown(self) -> None:
        if getattr(self, "state", "") == "draft":
            with self.wallet.work() as work:
                work.requests.discard(self.id, self.holder)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("lifecycle", "fee"), WAYS, ids=[f"{way.code}{', paid' * fee}" for way, fee in WAYS])
def test_every_walk_stays_on_the_arrows(wallet: Wallet, lifecycle: Lifecycle, fee: bool) -> None:
    utility = walked(lifecycle, fee=fee)
    words = {"claims": {"full_name": "x"}, "fees": {"fee": "x"}, "agencies": {AGENCY: "x"}}
    texts = dict.fromkeys(("vi", "en"), words)
    tireless = replace(wallet.settings, staff_reads_per_hour=100_000)  # a walk is longer than an officer's hour
    walking = replace(wallet, catalogue=Catalogue({"walked": Plugin(utility, texts, "walked")}), settings=tireless)
    _open_utilities(walking)
    with walking.work() as work:
        for key in ("dai", "doi"):
            work.accounts.grant(
                actor_of(walking, key).account_id, Grant(StaffRole.REVIEWER, AGENCY, "*"), admin_of(walking)
            )
    machine = type("Walking", (Walk,), {"wallet": walking, "lifecycle": lifecycle, "fee": fee})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(5, RUNS // len(LIFECYCLES)),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
