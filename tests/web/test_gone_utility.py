"""A utility whose package was taken away, or was left out for a fault: what was asked of it is still there, and the
rest of the wallet works."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_drafts import ANSWERS, JUDICIAL, add_file, draft
from tests.web.test_review_desk import claim, decide, paid
from wallet.utilities.catalogue import Catalogue
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]


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
