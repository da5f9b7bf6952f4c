"""A utility whose package was taken away, or was left out for a fault: what was asked of it is still there, and the
rest of the wallet works."""

import ast
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from structlog.testing import capture_logs

import wallet as wallet_package
from tests.checks.verifier import Desk, live_code
from tests.documents.people import actor_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_confidential_report import guarding
from tests.web.test_drafts import ANSWERS, JUDICIAL, add_file, draft
from tests.web.test_review_desk import NOTE, ask, claim, decide, paid, settle
from wallet.ceremonies.kinds import CeremonyKind
from wallet.checks.online.consents import holder_of
from wallet.documents.forms.offered import OFFERS, Form
from wallet.enrolment.applications import LEVEL_1, LEVEL_2
from wallet.launching.models import UtilityState
from wallet.sources.base import OWN_PROCEDURES, Ground, RegisterCode
from wallet.utilities.catalogue import Catalogue
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def without(wallet: Wallet) -> Wallet:
    """The same wallet, started again where judicial records are not installed any more."""
    left = {plugin.utility.code: plugin for plugin in wallet.catalogue if plugin.utility.code != JUDICIAL}
    return replace(wallet, catalogue=Catalogue(left))


def moved(phone: CitizenPhone, wallet: Wallet) -> CitizenPhone:
    """Point a phone, session and all, at another wallet."""
    phone.wallet, phone.client = wallet, create_app(wallet).test_client()
    return phone


def test_what_was_asked_of_it_is_read_and_nothing_can_be_done(
    phone_of: Make, without: Wallet, unchanged: Unchanged
) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request, made = paid(citizen), draft(citizen, ANSWERS)
    file_id = add_file(citizen, made).json["id"]
    claim(officer, request)
    decide(officer, request, "accept")
    decide(officer, request, "verify")
    for phone in (citizen, officer, records):
        moved(phone, without)
    listed = {row["id"]: row for row in citizen.get("/v1/requests").json["data"]}
    assert listed.keys() == {made["id"], request["id"]}
    seen = listed[request["id"]]
    assert seen["state_name"]["vi"] == "Đang xác minh"
    assert seen["fee"] == [{"code": "fee", "name": {"vi": "fee", "en": "fee"}, "amount": 200_000}]
    whole = citizen.get(f"/v1/requests/{request['id']}").json
    assert whole["actions"] == []
    assert [step["name"]["vi"] for step in whole["steps"]] == ["records_department", "province_police"]
    assert len(whole["timeline"]) == 4
    assert citizen.get(f"/v1/requests/{made['id']}/files/{file_id}").status_code == 200
    assert citizen.get("/v1/me/access-history").json["data"][0]["agency_name"]["vi"] == "province_police"
    with unchanged():
        for action in ("submit", "withdraw"):
            path = f"/v1/requests/{made['id']}/moves"
            assert_refused(citizen.post(path, {"action": action}), 404, "unknown_utility")
        assert officer.get("/v1/desk/requests").json["data"] == []
        assert records.get("/v1/desk/steps").json["data"] == []
        assert_refused(claim(officer, request), 404, "unknown_utility")
    assert citizen.call("DELETE", f"/v1/requests/{made['id']}").status_code == 204


def test_what_it_owes_keeps_nobody_else_waiting(
    phone_of: Make, without: Wallet, clock: FixedClock, wallet: Wallet
) -> None:
    citizen = phone_of("an")
    request = paid(citizen)
    clock.advance(days=30)
    assert without.look_after_requests() is False
    assert wallet.look_after_requests() is True, "and when it is there again, its apology comes"
    citizen.sign_in()
    assert citizen.get(f"/v1/requests/{request['id']}").json["apologies"] == 1


def retire(wallet: Wallet) -> None:
    """Let judicial records be retired, as two admins had decided it before the package was taken away."""
    with wallet.db.write() as session:
        done = session.execute(update(UtilityState).where(UtilityState.code == JUDICIAL).values(state="retired"))
        assert done.rowcount == 1  # type: ignore[attr-defined]


def payments(phone: CitizenPhone, request: dict[str, Any]) -> list[str]:
    return [each["state"] for each in phone.get(f"/v1/requests/{request['id']}/payments").json["data"]]


def told_of_it(phone: CitizenPhone) -> int:
    codes = [notice["code"] for notice in phone.get("/v1/notices?limit=100").json["data"]]
    return codes.count("payment_returned")


def test_money_that_comes_for_it_is_owed_back(phone_of: Make, without: Wallet) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    moved(citizen, without)
    for _ in range(2):
        assert settle(citizen, payment).json == {"state": "refund_due"}
    assert payments(citizen, request) == ["refund_due"]
    assert told_of_it(citizen) == 1
    assert citizen.get(f"/v1/requests/{request['id']}").json["state"] == "awaiting_payment"


def test_what_waits_for_it_is_said_aloud(phone_of: Make, without: Wallet, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    answered = paid(citizen)
    claim(officer, answered)
    decide(officer, answered, "reject", reason="data_mismatch", note=NOTE)
    draft(citizen, ANSWERS)

    def said(by: Wallet) -> tuple[int, list[tuple[str, int]]]:
        health = create_app(by).test_client().get("/health/ready")
        assert (health.status_code, health.json["status"]) == (200, "ready"), "everything else works"
        with capture_logs() as logs:
            by.look_after_requests()
        told = [each for each in logs if each["event"] == "utility missing"]
        assert {each["log_level"] for each in told} <= {"error"}
        return health.json["requests_without_utility"], [(each["utility"], each["requests"]) for each in told]

    assert said(without) == (0, []), "what was answered, and what was never sent, waits for nobody"
    paid(citizen)
    assert said(wallet) == (0, []), "it is there"
    assert said(without) == (1, [(JUDICIAL, 1)])
    assert said(without) == (1, []), "a process says it once"
    again = replace(without, _missing=frozenset())
    retire(wallet)
    assert said(again) == (0, []), "that it is over was decided by two people"


def test_what_was_paid_for_what_nobody_can_answer_is_owed_back_once(
    phone_of: Make, without: Wallet, wallet: Wallet, events: Events
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    open_one, answered = paid(citizen), paid(citizen)
    claim(officer, answered)
    decide(officer, answered, "reject", reason="data_mismatch", note=NOTE)
    assert without.look_after_requests() is False, "left out for a fault, it may be there again tomorrow"
    retire(wallet)
    assert wallet.look_after_requests() is False, "it is still there, and what is open is answered"
    assert payments(citizen, open_one) == ["paid"]
    assert without.look_after_requests() is True
    assert without.look_after_requests() is False
    assert payments(citizen, open_one) == ["refund_due"]
    assert payments(citizen, answered) == ["paid"], "what was answered was paid for"
    assert told_of_it(citizen) == 1
    assert [each["request"] for each in events("payment.refund_due")] == [open_one["id"]]


def test_a_guardian_does_not_learn_of_what_may_have_been_confidential(phone_of: Make, wallet: Wallet) -> None:
    guardian, number = phone_of("an"), "099216000071"
    ward = guardian.post("/v1/me/wards", {"number": number}).json["account_id"]
    acting = {"Acting-For": ward}
    answers = {**ANSWERS, "purpose": "study_abroad", "ban_information": False}
    made = guardian.post("/v1/requests", {"utility": JUDICIAL, "answers": answers, "draft": True}, headers=acting)
    assert made.status_code == 201, made.text
    path = f"/v1/requests/{made.json['id']}"
    assert guardian.get(path, headers=acting).status_code == 200
    left = {plugin.utility.code: plugin for plugin in wallet.catalogue if plugin.utility.code != JUDICIAL}
    moved(guardian, replace(wallet, catalogue=Catalogue(left)))
    assert guardian.get("/v1/requests", headers=acting).json["data"] == []
    assert_refused(guardian.get(path, headers=acting), 404, "not_found")


RESIDENCE = "residence"


@pytest.fixture
def ward(phone_of: Make) -> CitizenPhone:
    found = phone_of("sau")
    found.step_up(2)
    return found


@pytest.fixture
def desk(wallet: Wallet, client: FlaskClient) -> Desk:
    return Desk.open(wallet, client)


def test_nor_of_a_document_of_it_or_of_who_looked_at_one(
    phone_of: Make, ward: CitizenPhone, desk: Desk, wallet: Wallet, unchanged: Unchanged
) -> None:
    document = ward.issue_residence()
    path = f"/v1/documents/{document}"
    order = {"organisation": desk.organisation, "purpose": "boarding", "fields": ["full_name"]}
    presentation = ward.post(f"{path}/presentations", order).json
    share = desk.checked(live_code(ward, document))["share"]["id"]
    guardian, acting = guarding(phone_of, wallet, ward)
    guardian.step_up(2)
    with wallet.work() as work:
        number, whom = ward.persona.number, actor_of(wallet, "sau")
        work.sources.find(
            RegisterCode.POPULATION, number, Ground("find_account", "account", whom), subject=holder_of(whom)
        )
    consent = f"/v1/me/consents/{presentation['consent_id']}"
    alone = (path, f"{path}/code.txt", f"/v1/me/presentations/{presentation['id']}")
    pages = ("/v1/documents", "/v1/me/shares", "/v1/me/consents", "/v1/me/presentations")
    history = "/v1/me/access-history?limit=100"
    entry = next(each["id"] for each in guardian.get(history, headers=acting).json["data"] if each.get("way"))
    for address in alone:
        assert guardian.get(address, headers=acting).status_code == 200, address
    for address in pages:
        assert [each["utility"] for each in guardian.get(address, headers=acting).json["data"]] == [RESIDENCE], address
    left = {plugin.utility.code: plugin for plugin in wallet.catalogue if plugin.utility.code != RESIDENCE}
    without = replace(wallet, catalogue=Catalogue(left))
    moved(guardian, without)
    with unchanged():
        for address in (*alone, *(f"{path}/{OFFERS[form].file}" for form in (Form.SD_JWT, Form.MDOC, Form.PDF))):
            assert_refused(guardian.get(address, headers=acting), 404, "not_found")
        for address in pages:
            assert guardian.get(address, headers=acting).json["data"] == [], address
        for address, body in (
            (f"{path}/cards", {"count": 1, "view": "check_in"}),
            (f"{path}/live-codes", {"view": "check_in"}),
            (f"{path}/presentations", order),
            (f"/v1/me/shares/{share}/decision", {"decision": "agree", "fields": []}),
            (f"/v1/me/access-history/{entry}/report", {"reason": "other", "text": "Tôi không biết"}),
        ):
            assert_refused(guardian.post(address, body, headers=acting), 404, "not_found")
        assert_refused(guardian.call("DELETE", consent, headers=acting), 404, "not_found")
    told = guardian.get(history, headers=acting).json["data"]
    assert RESIDENCE not in {each.get("procedure") for each in told} | {each["data"] for each in told if "way" in each}
    assert "account" in {each.get("procedure") for each in told}, "what is the wallet's own is no utility's secret"
    moved(ward, without)
    for address in pages:
        assert len(ward.get(address).json["data"]) == 1, "the holder still learns all of it"
    assert RESIDENCE in {each.get("procedure") for each in ward.get(history).json["data"]}


def test_what_is_the_wallets_own_is_listed_whole() -> None:
    """Of a procedure that is not listed a guardian learns nothing: every one that is asked for has to be known."""
    grounds = [
        call.args[1]
        for path in Path(wallet_package.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Ground"
    ]
    named = {each.value for each in grounds if isinstance(each, ast.Constant)}
    assert {"account", "correction", "portrait"} <= named
    assert {*named, LEVEL_1, LEVEL_2, *CeremonyKind} <= OWN_PROCEDURES
