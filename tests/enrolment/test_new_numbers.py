"""A number that was established anew: one person stays one holder with one account, and goes on with the new number."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from tests.ceremonies.asking import AskingPhone, card_of
from tests.enrolment.applicants import PEOPLE, application, sample, statement
from tests.enrolment.people import SON, account_of, actor_of
from tests.phone import CitizenPhone
from tests.support import GROUND
from tests.web.refusals import assert_refused
from wallet.audit import AuditEvent
from wallet.crypto.keystore import Secret
from wallet.demo.chip import chip_of, serial_of
from wallet.demo.personas import persona
from wallet.enrolment.models import ApplicationRow
from wallet.identity.models import Account, Holder
from wallet.sources.base import Facts, RegisterCode
from wallet.sources.models import Biometric, Card, Citizen, FormerNumber, Residence, Subscription
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
State = Callable[[], dict[str, list[str]]]
SYSTEM = Actor("system")
NEW = "099190900001"


def establish_anew(wallet: Wallet, former: str, number: str = NEW) -> None:
    """Let the registers give somebody another number, with a new card."""
    with wallet.nation.write() as session:
        for table in (Citizen, Subscription, Biometric, Residence, Card):
            session.execute(update(table).where(table.number == former).values(number=number))
        session.execute(update(Card).where(Card.number == number).values(serial=serial_of(number)))
        session.execute(insert(FormerNumber).values(former_number=former, number=number))


def population(wallet: Wallet, number: str) -> Facts:
    return wallet.registers[RegisterCode.POPULATION].read(number, GROUND)


def everybody(wallet: Wallet) -> tuple[set[str], set[str]]:
    with wallet.db.read() as session:
        return set(session.scalars(select(Holder.id))), set(session.scalars(select(Account.id)))


def account_by(wallet: Wallet, number: str) -> Any:
    with wallet.read() as work:
        holder_id = work.holders.find(number)
        return None if holder_id is None else work.accounts.of_holder(holder_id)


def renumbered(wallet: Wallet) -> list[tuple[str, dict[str, Any]]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == "holder.renumbered"))
        return [(row.subject, row.details) for row in rows]


@pytest.mark.parametrize("key", ["an", "doi", "marie"])  # Marie is a foreigner, whose new passport has another number
def test_daily_look_moves_the_holder_to_the_new_number(wallet: Wallet, key: str) -> None:
    former, before, account_id = persona(key).number, everybody(wallet), account_of(wallet, key)
    with wallet.read() as work:
        profile = work.accounts.profile(account_id)
    establish_anew(wallet, former)
    wallet.account_sweep.run()
    assert everybody(wallet) == before
    assert account_by(wallet, NEW).id == account_id
    assert account_by(wallet, former) is None
    with wallet.read() as work:
        assert work.accounts.profile(account_id) == replace(profile, number=NEW)
        assert work.lifecycle.account_of(former, SYSTEM) == account_id
    assert renumbered(wallet) == [(account_by(wallet, NEW).holder_id, {})]
    wallet.account_sweep.run()
    assert len(renumbered(wallet)) == 1


def test_sign_in_asks_for_the_new_number(wallet: Wallet, client: FlaskClient) -> None:
    phone = CitizenPhone(wallet, client, "an")
    establish_anew(wallet, persona("an").number)
    wallet.account_sweep.run()
    assert phone.try_sign_in().status_code == 401
    phone.persona = replace(phone.persona, number=NEW)
    assert phone.try_sign_in().status_code == 201


@pytest.mark.parametrize("way", ["chip", "desk"])
def test_new_card_proves_who_one_is(wallet: Wallet, client: FlaskClient, phone_of: Make, way: str) -> None:
    an = persona("an").number
    establish_anew(wallet, an)
    wallet.account_sweep.run()
    phone = AskingPhone(wallet, client)
    phone.begin("binding", NEW)
    if way == "chip":
        card = chip_of(replace(PEOPLE[an], number=NEW), wallet.keystore.secret(Secret.DEMO))
        assert card.number != card_of(wallet, an).number
        phone.prove_chip(card)
        return
    body = {"number": NEW, "card_serial": serial_of(NEW), "checked": ["card", "face"], "legal_ref": "BB-12/2026"}
    vouched = phone_of("officer1").post(f"/v1/desk/ceremonies/{phone.id}/vouching", body)
    assert vouched.status_code == 201, vouched.text


def stated_anew(number: str) -> dict[str, Any]:
    return {"number": NEW, "face_sample": sample(number)}


def test_registration_from_home_by_the_new_number_finds_the_account(wallet: Wallet, client: FlaskClient) -> None:
    """Before any daily look: no second holder, no second account, and the number has moved with the decision."""
    an, before, account_id = persona("an").number, everybody(wallet), account_of(wallet, "an")
    establish_anew(wallet, an)
    made = client.post("/v1/registrations", json=statement(an) | stated_anew(an))
    wallet.registering.run()
    with wallet.db.read() as session:
        row = session.get(ApplicationRow, (made.json or {})["registration_id"])
        assert row is not None
        assert (row.state, row.reason, row.account_id) == ("refused", "account_exists", None)
    assert everybody(wallet) == before
    assert account_by(wallet, NEW).id == account_id
    assert renumbered(wallet) == [(account_by(wallet, NEW).holder_id, {})]


def test_former_number_of_somebody_with_an_account_opens_nothing(
    wallet: Wallet, client: FlaskClient, phone_of: Make, state: State
) -> None:
    number, before = persona("doi").number, everybody(wallet)
    (former,) = PEOPLE[number].former_numbers
    made = client.post("/v1/registrations", json=statement(number, number=former))
    wallet.registering.run()
    with wallet.db.read() as session:
        row = session.get(ApplicationRow, (made.json or {})["registration_id"])
        assert row is not None
        assert row.reason == "account_exists"
    officer = phone_of("officer1")
    kept = state()
    refused = officer.post("/v1/desk/applications", application(number, number=former))
    assert_refused(refused, 409, "already_level_two")
    assert state() == kept
    assert (everybody(wallet), renumbered(wallet)) == (before, [])


def test_desk_raises_the_account_that_there_is(wallet: Wallet, phone_of: Make) -> None:
    binh, before, account_id = persona("binh").number, everybody(wallet), account_of(wallet, "binh")
    establish_anew(wallet, binh)
    body = application(binh, number=NEW)
    made = phone_of("officer1").post("/v1/desk/applications", body)
    assert made.status_code == 201, made.text
    path = f"/v1/desk/applications/{made.json['id']}/decision"
    decided = phone_of("approver1").post(path, {"decision": "approve"})
    assert decided.status_code == 200, decided.text
    assert (decided.json or {})["account_id"] == account_id
    assert everybody(wallet) == before
    assert (account_by(wallet, NEW).id, account_by(wallet, NEW).level) == (account_id, 2)


def test_ward_with_a_new_number_stays_the_same_ward(wallet: Wallet) -> None:
    with wallet.work() as work:
        first = work.wards.register(SON, None, actor_of(wallet, "an"))
    before = everybody(wallet)
    new = "099216900001"
    establish_anew(wallet, SON, new)
    with wallet.work() as work:
        assert work.wards.register(new, None, actor_of(wallet, "an")).account_id == first.account_id
    assert everybody(wallet) == before
    assert account_by(wallet, new).id == first.account_id


def test_number_that_another_holder_has_moves_nobody(wallet: Wallet) -> None:
    """Two holders of one person are for people to settle: neither is overwritten."""
    an = account_of(wallet, "an")
    with wallet.work() as work:
        facts = dict(population(wallet, persona("an").number).values)
        other = work.holders.open(facts | {"number": NEW}, SYSTEM)
    establish_anew(wallet, persona("an").number)
    before = everybody(wallet)
    wallet.account_sweep.run()
    assert everybody(wallet) == before
    with wallet.work() as work:
        assert work.holders.recognise(population(wallet, NEW).values, SYSTEM) == other
        assert work.accounts.profile(an).number == persona("an").number
    assert renumbered(wallet) == []


def test_facts_of_somebody_else_renumber_nobody(wallet: Wallet, state: State) -> None:
    before = state()
    with wallet.work() as work:
        holder_id = str(work.holders.find(persona("an").number))
        for facts in (population(wallet, SON).values, population(wallet, persona("doi").number).values):
            assert work.holders.renumber(holder_id, facts, SYSTEM) is False
    assert state() == before
    assert renumbered(wallet) == []
