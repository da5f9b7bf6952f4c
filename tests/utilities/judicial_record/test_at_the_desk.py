"""Judicial records, the whole way: asked, paid, verified, issued or refused; what the applicant sees tells nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.documents.people import actor_of, admin_of, officer_of
from tests.support import FixedClock
from wallet.demo.personas import persona
from wallet.errors import AnswersRejected, ClaimsRejected, Conflict, InvalidInput, NotFound
from wallet.identity.accounts import Grant
from wallet.payments.paying import Outcome
from wallet.requests.desk import Word
from wallet.requests.orders import About, RequestDetail, RequestOrder, UtilityRequest
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import Capacity
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

JOBS = ({"from_day": "2010-09-01", "job": "Lái xe"},)
NO_1_ASKED = {"kind": "no_1", "purpose": "job_application", "ban_information": False, "copies": "electronic"}
NO_2_ASKED = {"kind": "no_2", "purpose": "visa", "copies": "electronic"}
PROVIDER = Actor("payments")


class WithoutHistory:
    """The residence register before it knew where people had lived."""

    code = RegisterCode.RESIDENCE

    def __init__(self, wallet: Wallet) -> None:
        self.register = wallet.registers[self.code]

    def read(self, number: str, ground: Ground) -> Facts:
        facts = self.register.read(number, ground)
        return replace(facts, values={k: v for k, v in facts.values.items() if k != "residence_history"})


def ask(wallet: Wallet, key: str, answers: Mapping[str, Any], **more: Any) -> UtilityRequest:
    order = RequestOrder("judicial_record", {"occupations": list(JOBS), **answers}, **more)
    with wallet.work() as work:
        return work.requests.submit(order, actor_of(wallet, key))


def pay(wallet: Wallet, request: UtilityRequest, key: str) -> None:
    with wallet.work() as work:
        payment = work.requests.pay(request.id, actor_of(wallet, key))
        assert payment.address is not None
        reference = payment.address.rpartition("/")[2]
    with wallet.work() as work:
        assert work.paying.settle(reference, Outcome.SUCCESS, payment.amount, PROVIDER) == request.id
        work.requests.paid(request.id, PROVIDER)


OFFICERS = {"province_police": "dai", "records_department": "doi", "court": "xa"}


def officer(wallet: Wallet, agency: str = "province_police") -> Actor:
    actor = officer_of(wallet, OFFICERS[agency])
    with wallet.work() as work:
        if not work.accounts.grants(actor.account_id):
            work.accounts.grant(actor.account_id, Grant(StaffRole.REVIEWER, agency, "*"), admin_of(wallet))
    return actor


def decide(wallet: Wallet, request: UtilityRequest, *actions: str, word: Word | None = None) -> None:
    actor = officer(wallet)
    for action in actions:
        with wallet.work() as work:
            work.review_desk.claim(request.id, actor)
            version = work.review_desk.open(request.id, "review", actor).detail.request.version
            work.review_desk.decide(request.id, action, word or Word(), version, actor)


def report(wallet: Wallet, request: UtilityRequest, step: str, outcome: str = "confirmed") -> None:
    actor = officer(wallet, step)
    with wallet.work() as work:
        work.review_desk.finish_step(request.id, step, {"outcome": outcome}, None, actor)


def seen(wallet: Wallet, request: UtilityRequest, key: str) -> RequestDetail:
    with wallet.read() as work:
        return work.requests.get(request.id, actor_of(wallet, key))


def certificate(wallet: Wallet, request: UtilityRequest, key: str) -> Any:
    document_id = seen(wallet, request, key).request.document_id
    assert document_id is not None
    with wallet.read() as work:
        content = work.holding.content(document_id, actor_of(wallet, key))
        assert judge(content.code, wallet.trust.trust(), Policy(), wallet.clock.now()).accepted
    return content


# --- The whole way --------------------------------------------------------------------------------------------------


def test_no_1_of_an_expunged_conviction_is_paid_reviewed_and_clean(wallet: Wallet) -> None:
    request = ask(wallet, "tich", NO_1_ASKED)
    assert (request.state, request.fee_due) == ("awaiting_payment", 200_000)
    pay(wallet, request, "tich")
    paid = seen(wallet, request, "tich")
    assert paid.request.state == "submitted"
    assert paid.request.due_at is not None
    decide(wallet, request, "accept", "approve")
    issued = seen(wallet, request, "tich")
    assert issued.request.state == "issued"
    content = certificate(wallet, request, "tich")
    assert content.claims["result"] == "Không có án tích"
    assert not {"convictions", "ban_result", "bans"} & content.claims.keys()
    assert content.sources["result"] == {"source": "derived", "register": "criminal_records"}
    assert content.claims["issued_on"] == "2026-03-02"
    assert content.claims["office"] == "Công an cấp tỉnh, Tỉnh Nghệ An"


def test_no_2_of_the_same_person_says_all(wallet: Wallet) -> None:
    request = ask(wallet, "tich", NO_2_ASKED)
    pay(wallet, request, "tich")
    decide(wallet, request, "accept", "approve")
    claims = certificate(wallet, request, "tich").claims
    assert claims["result"] == "Có án tích, đã được xóa án tích"
    assert [each["expunged_on"][:4] for each in claims["convictions"]] == ["2014"]


def test_a_conviction_that_stands_is_verified_with_the_court(wallet: Wallet) -> None:
    request = ask(wallet, "phat", NO_1_ASKED)
    pay(wallet, request, "phat")
    before = seen(wallet, request, "phat").request.due_at
    decide(wallet, request, "accept", "verify")
    verifying = seen(wallet, request, "phat")
    assert verifying.request.state == "verifying"
    assert before is not None
    assert verifying.request.due_at is not None
    assert verifying.request.due_at > before
    assert {step.code: step.state for step in verifying.steps}["court"] == "waiting"
    for step in [step.code for step in verifying.steps]:
        report(wallet, request, step)
    assert seen(wallet, request, "phat").request.state == "accepted"
    decide(wallet, request, "approve")
    claims = certificate(wallet, request, "phat").claims
    assert claims["result"] == "Có án tích"
    assert claims["convictions"]
    assert all(each.keys() <= {"offence", "penalty"} for each in claims["convictions"])


def test_what_an_agency_could_not_confirm_cannot_be_approved(wallet: Wallet) -> None:
    request = ask(wallet, "tich", NO_1_ASKED)
    pay(wallet, request, "tich")
    decide(wallet, request, "accept", "verify")
    for step in [step.code for step in seen(wallet, request, "tich").steps]:
        report(wallet, request, step, "unconfirmed")
    with pytest.raises(ClaimsRejected) as caught:
        decide(wallet, request, "approve")
    assert caught.value.fields == {"/claims/result": "unconfirmed"}
    assert seen(wallet, request, "tich").request.state == "accepted"
    decide(wallet, request, "reject", word=Word("unconfirmed", "Chưa xác nhận được."))
    assert seen(wallet, request, "tich").request.state == "rejected"
    assert seen(wallet, request, "tich").request.document_id is None


def test_a_supplement_is_asked_for_with_its_own_reasons(wallet: Wallet) -> None:
    request = ask(wallet, "tich", NO_1_ASKED)
    pay(wallet, request, "tich")
    with pytest.raises(InvalidInput):
        decide(wallet, request, "request_supplement", word=Word("data_mismatch", "Không khớp."))
    decide(wallet, request, "request_supplement", word=Word("history_incomplete", "Bổ sung nghề nghiệp."))
    asked = seen(wallet, request, "tich")
    assert (asked.request.state, asked.request.due_at) == ("supplement_required", None)
    with pytest.raises(Conflict):
        decide(wallet, request, "approve")
    with wallet.work() as work:
        work.requests.act(request.id, "supplement", actor_of(wallet, "tich"))
    assert seen(wallet, request, "tich").request.state == "submitted"


# --- What it costs --------------------------------------------------------------------------------------------------


def test_hanoi_pays_in_the_period_and_the_request_goes_straight_to_the_desk(wallet: Wallet, clock: FixedClock) -> None:
    clock.set(datetime(2026, 11, 20, 2, tzinfo=UTC))
    request = ask(wallet, "an", NO_1_ASKED)
    assert [(line.code, line.amount) for line in request.fee] == [("fee", 200_000), ("support_hanoi", -200_000)]
    assert (request.fee_due, request.state, request.rules_version) == (0, "submitted", "2026-07")


def test_an_exempt_elder_of_hanoi_pays_nothing_without_support(wallet: Wallet, clock: FixedClock) -> None:
    clock.set(datetime(2026, 11, 20, 2, tzinfo=UTC))
    request = ask(wallet, "sau", NO_1_ASKED)
    assert [(line.code, line.amount) for line in request.fee] == [("exempt", 0)]
    assert request.state == "submitted"


# --- Who may not ----------------------------------------------------------------------------------------------------


def about(key: str) -> About:
    someone = persona(key)
    return About(someone.number, someone.name, someone.birth)


def test_a_stranger_gets_neither_and_nothing_is_kept(wallet: Wallet, state: Any) -> None:
    before = state()
    for answers, refusal in (
        (NO_1_ASKED, {"/answers/authority": "authority_required"}),
        (NO_2_ASKED, {"/answers/kind": "self_only"}),
    ):
        with pytest.raises(AnswersRejected) as caught:
            ask(wallet, "an", answers, capacity=Capacity.PROXY, about=about("tich"))
        assert caught.value.fields == refusal
    kept = state()
    assert {table: rows for table, rows in kept.items() if table != "audit"} == {
        table: rows for table, rows in before.items() if table != "audit"
    }


def test_what_a_register_has_learnt_meanwhile_does_not_stop_the_desk(wallet: Wallet) -> None:
    """The applicant typed where they had lived; before the decision the register has it too."""
    without = replace(wallet, registers={**wallet.registers, "residence": WithoutHistory(wallet)})
    lived = [{"from_day": "1940-01-01", "place": "vietnam", "province": "01", "address": "Thôn 3, Xã Bát Tràng"}]
    request = ask(without, "sau", {**NO_1_ASKED, "residence_history": lived})
    decide(wallet, request, "accept", "approve")
    assert certificate(wallet, request, "sau").claims["result"] == "Không có án tích"


def test_another_agency_cannot_take_it_in_hand(wallet: Wallet) -> None:
    request = ask(wallet, "sau", NO_1_ASKED)
    records = officer(wallet, "records_department")
    with wallet.work() as work, pytest.raises(NotFound):
        work.review_desk.claim(request.id, records)
