"""Two who touch one request at the same moment, in both orders made on purpose: the second waits, and nobody fails."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, saying
from tests.phone import CitizenPhone
from tests.postgres import somebody_waits
from tests.support import GROUND, FixedClock
from tests.web.test_agreements import ANSWERS, NOTICE
from tests.web.test_review_desk import FEE, ask
from wallet.demo.personas import persona
from wallet.errors import AnswersRejected, Conflict
from wallet.payments.models import PaymentRow
from wallet.payments.paying import Outcome
from wallet.requests.models import RequestRow
from wallet.requests.orders import RequestOrder
from wallet.settings import Settings
from wallet.sources.base import RegisterCode
from wallet.terms import Actor
from wallet.wiring import Wallet, Work

Make = Callable[..., CitizenPhone]
Act = Callable[[Work], object]
PROVIDER = Actor("payments", request_id="test")


@pytest.fixture
def one_after_the_other(
    wallet: Wallet, clock: FixedClock, deployment: Settings
) -> Callable[[Act, Act, Act], BaseException | None]:
    """Let one begin, the other run into it, and the first one end; return what the second failed with."""

    def meet(begin: Act, end: Act, second: Act) -> BaseException | None:
        def run() -> None:
            built = Wallet.build(deployment, clock=clock, catalogue=wallet.catalogue)
            with closing(built) as other, other.work() as work:
                second(work)

        with ThreadPoolExecutor(1) as threads:
            with wallet.work() as work:
                begin(work)
                work.session.flush()
                waiting = threads.submit(run)
                somebody_waits(deployment.database_url)
                end(work)
            return waiting.exception(60)

    return meet


Meet = Callable[[Act, Act, Act], BaseException | None]


@pytest.mark.parametrize("first", ["withdrawal", "payment"])
def test_a_payment_and_a_withdrawal_wait_for_each_other(
    wallet: Wallet, phone_of: Make, one_after_the_other: Meet, first: str
) -> None:
    citizen, actor = phone_of("an"), actor_of(wallet, "an")
    request = ask(citizen)["id"]
    with wallet.db.read() as session:
        reference = session.scalars(select(PaymentRow.reference).where(PaymentRow.request_id == request)).one()
    assert reference is not None

    def locked(work: Work) -> None:
        work.request_services.rows.get(request, lock=True)

    def withdraw(work: Work) -> None:
        work.requests.act(request, "withdraw", actor)

    def settle(work: Work) -> None:
        if work.paying.settle(reference, Outcome.SUCCESS, FEE, PROVIDER) is not None:
            work.requests.paid(request, PROVIDER)

    if first == "withdrawal":
        assert one_after_the_other(locked, withdraw, settle) is None
        expected = ("withdrawn", "refund_due")
    else:
        failed = one_after_the_other(settle, lambda _work: None, withdraw)
        assert failed is None or (isinstance(failed, Conflict) and failed.code == "transition_not_allowed")
        expected = ("submitted" if failed else "withdrawn", "paid")
    (payment,) = citizen.get(f"/v1/requests/{request}/payments").json["data"]
    assert (citizen.get(f"/v1/requests/{request}").json["state"], payment["state"]) == expected


@pytest.mark.parametrize("ends", ["kept", "taken back"])
def test_of_two_who_ask_for_one_birth_at_the_same_moment_one_does(
    wallet: Wallet, phone_of: Make, clock: FixedClock, deployment: Settings, ends: str
) -> None:
    births = wallet.registers[RegisterCode.CIVIL_STATUS].read(persona("noi").number, GROUND).values["births"]
    (told,) = [each for each in births if each["state"] == "notified"]  # type: ignore[union-attr,call-overload]
    notice = {**told, "notice_id": NOTICE, "father_number": persona("an").number}  # type: ignore[dict-item]
    registers = saying(wallet, RegisterCode.CIVIL_STATUS, births=(notice,)).registers
    answers = {name: value for name, value in ANSWERS.items() if name != "ask_other_parent"}
    order = RequestOrder("birth_linked", answers)
    parents = [actor_of(wallet, key) for key in ("noi", "an")]

    def second() -> None:
        built = Wallet.build(deployment, clock=clock, catalogue=wallet.catalogue)
        with closing(built), replace(built, registers=registers).work() as work:
            work.requests.submit(order, parents[1])

    with ThreadPoolExecutor(1) as threads:
        try:
            with replace(wallet, registers=registers).work() as work:
                work.requests.submit(order, parents[0])
                work.session.flush()
                waiting = threads.submit(second)
                somebody_waits(deployment.database_url)
                if ends == "taken back":
                    raise InterruptedError
        except InterruptedError:
            assert ends == "taken back"
        failed = waiting.exception(60)
    if ends == "kept":
        assert isinstance(failed, AnswersRejected)
        assert failed.fields == {"/answers/notice_id": "asked_already"}
    else:
        assert failed is None
    with wallet.db.read() as session:
        asked = session.scalars(select(RequestRow.holder_id).where(RequestRow.utility == "birth_linked")).all()
    assert parents[0 if ends == "kept" else 1].holder_id in asked
    assert parents[1 if ends == "kept" else 0].holder_id not in asked
