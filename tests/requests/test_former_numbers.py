"""Somebody known by a former number is the same person: to whom reading is told, to the desk, and to the registers."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.documents.people import AlteredRegister, actor_of, officer_of
from tests.requests.test_voiding import revocation
from tests.support import FixedClock
from tests.utilities.judicial_record import test_at_the_desk as judicial
from tests.utilities.judicial_record.test_at_the_desk import decide, seen
from wallet.demo.cast import CAST
from wallet.demo.personas import persona
from wallet.errors import InvalidInput, NotAllowed
from wallet.requests.orders import About, UtilityRequest
from wallet.requests.watching import WATCH
from wallet.sources.base import RegisterCode
from wallet.sources.ministry_models import Conviction
from wallet.sources.models import FormerNumber
from wallet.utilities.base import Capacity
from wallet.wiring import Wallet

ASKED = {**judicial.NO_1_ASKED, "office": "01"}
(FORMER,) = CAST["doi"].former_numbers


def asking_about(wallet: Wallet, key: str, number: str, **changes: Any) -> UtilityRequest:
    """Let An ask for somebody's certificate No. 1, known by this number, with a written authority; pay if it costs."""
    someone = persona(key)
    about = About(number, someone.name, someone.birth)
    holder = actor_of(wallet, "an")
    made = judicial.ask(wallet, "an", ASKED, capacity=Capacity.PROXY, about=replace(about, **changes), draft=True)
    with wallet.work() as work:
        kept = work.requests.attach(made.id, "authority", "application/pdf", b"%PDF-1.7\n", holder)
        version = work.requests.get(made.id, holder).request.version
        work.requests.edit(made.id, {"authority": [kept.id]}, version, holder)
    with wallet.work() as work:
        sent = work.requests.act(made.id, "submit", holder)
    if sent.state == "awaiting_payment":
        judicial.pay(wallet, sent, "an")
    return sent


def told(wallet: Wallet, key: str) -> list[tuple[str, str]]:
    """Return who read what of a persona, as their history of access has it."""
    with wallet.read() as work:
        rows, _ = work.access_history.page(actor_of(wallet, key), 100, None)
    return sorted((row.who, row.data) for row in rows)


def named_as(wallet: Wallet, key: str, register: RegisterCode, **facts: Any) -> Wallet:
    """Return a wallet whose register says this of one persona."""
    number = persona(key).number
    real = wallet.registers[register]

    def change(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, **facts} if values.get("number", number) == number else values

    return replace(wallet, registers={**wallet.registers, register: AlteredRegister(real, change)})


def test_whom_a_proxy_asks_about_learns_of_it_by_whichever_number(wallet: Wallet) -> None:
    assert told(wallet, "doi") == []
    asking_about(wallet, "doi", persona("doi").number)
    first = told(wallet, "doi")
    by_former = asking_about(wallet, "doi", FORMER)
    second = told(wallet, "doi")
    assert {("proxy", register) for register in ("population", "residence", "criminal_records")} <= set(first)
    assert second == sorted(first * 2), "once more, the very same"
    decide(wallet, by_former, "accept", "approve")
    assert {who for who, _ in told(wallet, "doi")} == {"proxy", "staff"}


def test_whoever_states_somebody_otherwise_by_a_former_number_is_told_of_to_them_too(wallet: Wallet) -> None:
    with pytest.raises(InvalidInput) as caught:
        asking_about(wallet, "doi", FORMER, full_name="Lê Thị Mẫu Khác")
    assert caught.value.fields == {"/about": "not_as_recorded"}
    assert ("proxy", "population") in told(wallet, "doi")


def test_a_proxy_is_not_told_the_number_that_took_the_place_of_the_one_they_know(wallet: Wallet) -> None:
    """That somebody has a new one, for instance for a sex that was determined anew, is not for a stranger to learn."""
    request = seen(wallet, asking_about(wallet, "doi", FORMER), "an")
    assert request.about is not None
    assert request.about.number == FORMER
    assert persona("doi").number not in repr(request)


def test_nobody_decides_about_oneself_under_a_former_number(wallet: Wallet, state: Any) -> None:
    with wallet.nation.write() as session:
        session.add(FormerNumber(former_number="099155999999", number=persona("reviewer3").number))
    request, officer = asking_about(wallet, "reviewer3", "099155999999"), officer_of(wallet, "reviewer3")
    before = state()
    with pytest.raises(NotAllowed, match="not_for_oneself"), wallet.work() as work:
        work.review_desk.claim(request.id, officer)
    with pytest.raises(NotAllowed, match="not_for_oneself"), wallet.work() as work:
        work.review_desk.open(request.id, "review", officer)
    assert state() == before


def test_nobody_decides_about_oneself_who_has_another_number_since(wallet: Wallet, state: Any) -> None:
    officer, someone = officer_of(wallet, "reviewer3"), persona("reviewer3")
    request = asking_about(wallet, "reviewer3", someone.number)
    facts = {"number": "099155999999", "former_numbers": (someone.number,), "full_name": someone.name}
    with wallet.work() as work:
        assert work.holders.renumber(officer.holder_id or "", {**facts, "birth_date": someone.birth}, officer)
    before = state()
    with pytest.raises(NotAllowed, match="not_for_oneself"), wallet.work() as work:
        work.review_desk.claim(request.id, officer)
    assert state() == before


def test_a_document_asked_for_by_a_former_number_is_watched_by_the_one_they_have(
    wallet: Wallet, clock: FixedClock
) -> None:
    request = asking_about(wallet, "doi", FORMER)
    decide(wallet, request, "accept", "approve")
    issued = seen(wallet, request, "an").request
    wallet.register_watch.run()
    assert revocation(wallet, issued) is None
    clock.advance(minutes=10)
    conviction = Conviction(
        number=persona("doi").number,
        judgment_number="1/2026/HS-ST",
        judged_on=date(2026, 2, 1),
        court="Tòa án nhân dân mẫu",
        offence="Trộm cắp tài sản",
        penalty="6 tháng tù",
        civil_duties="Không",
        court_fees="200.000",
        execution="Đang chấp hành",
        updated_at=clock.now(),
    )
    with wallet.nation.write() as session:
        session.add(conviction)
    wallet.register_watch.run()
    assert revocation(wallet, issued) == "data_changed"


def test_a_look_at_a_document_is_told_to_whom_it_is_about_and_has_another_number_since(wallet: Wallet) -> None:
    subject, doi = actor_of(wallet, "doi"), persona("doi")
    request = asking_about(wallet, "doi", doi.number)
    decide(wallet, request, "accept", "approve")
    facts = {"number": "099187999999", "former_numbers": (doi.number,), "full_name": doi.name, "birth_date": doi.birth}
    with wallet.work() as work:
        assert work.holders.renumber(subject.holder_id or "", facts, subject)
    with wallet.work() as work:
        work.voiding.look(actor_of(wallet, "an").holder_id or "", WATCH)
    with wallet.read() as work:
        rows, _ = work.access_history.page(subject, 100, None)
    assert ("system", "criminal_records") in {(row.who, row.data) for row in rows}


@pytest.mark.parametrize("number", [persona("doi").number, FORMER])
def test_a_parent_is_one_by_whichever_number_the_child_names_them(wallet: Wallet, number: str) -> None:
    wallet, mai = named_as(wallet, "mai", RegisterCode.POPULATION, mother_number=number), persona("mai")
    about = About(mai.number, mai.name, mai.birth)
    request = judicial.ask(wallet, "doi", ASKED, capacity=Capacity.PROXY, about=about)
    assert request.state == "awaiting_payment", "no authority is asked of her"


@pytest.mark.parametrize("relation", ["mother_number", "spouse_number"])
def test_a_relative_is_one_by_whichever_number_they_name_themselves(wallet: Wallet, relation: str) -> None:
    wallet = named_as(wallet, "mai", RegisterCode.POPULATION, **{relation: FORMER})
    doi = persona("doi")
    about = About(doi.number, doi.name, doi.birth)
    request = judicial.ask(wallet, "mai", ASKED, capacity=Capacity.PROXY, about=about)
    assert request.state == "submitted", "no authority is asked of him, and what she is exempt from is known"
