"""Of which province a request is: the residence register says it of whom it is about, whatever the utility reads."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.documents.people import admin_of, saying
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.definitions import definition
from tests.web.refusals import assert_refused
from tests.web.test_desk_reach import colleague
from tests.web.test_review_desk import REPORT, claim, opened
from wallet.identity.accounts import Grant
from wallet.identity.desks import home_province
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.states import LaunchState
from wallet.sources.base import RegisterCode
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

CODE, AGENCY = "library_card", "library"


def card() -> dict[str, Any]:
    """Return a reviewed utility as data that reads nothing of where somebody lives."""
    made = definition()
    document = made["document"]
    document["claims"] = [claim for claim in document["claims"] if claim["source"] != "residence"]
    document["sections"] = [{"heading": document["sections"][0]["heading"], "claims": ["full_name"]}]
    document["void_when"] = []
    return made


@pytest.fixture
def library(wallet: Wallet, clock: FixedClock) -> str:
    """The utility, defined by two admins and open to everybody."""
    first, second = admin_of(wallet), admin_of(wallet, "admin2")
    with wallet.work() as work:
        made = work.defining.propose(card(), "Vì sao", first)
    with wallet.work() as work:
        work.defining.decide(made.id, agree=True, actor=second)
    clock.advance(timedelta(seconds=5))
    with wallet.work() as work:
        asked = work.launching.change(CODE, LaunchOrder(LaunchState.OPEN, "Mở"), 0, first)
        assert isinstance(asked, PendingChange)
        work.launching.decide(asked.id, agree=True, actor=second)
    clock.advance(timedelta(seconds=5))
    return CODE


def librarian(wallet: Wallet, phone_of: Make, key: str, province: str) -> CitizenPhone:
    phone = phone_of(key)
    with wallet.work() as work:
        account = phone.get("/v1/me").json["account_id"]
        work.accounts.grant(account, Grant(StaffRole.REVIEWER, AGENCY, province), admin_of(wallet))
    return phone


def ask(citizen: CitizenPhone, utility: str) -> Any:
    return citizen.post("/v1/requests", {"utility": utility, "answers": {"reader": "adult"}})


def test_a_utility_that_reads_no_residence_has_its_requests_on_the_desk_of_the_province(
    phone_of: Make, wallet: Wallet, library: str, unchanged: Unchanged, events: Events
) -> None:
    citizen = phone_of("an")
    sent = ask(citizen, library)
    assert sent.status_code == 201, sent.text
    request = sent.json or {}
    read = [row["source"] for row in events("source.read") if row["procedure"] == library]
    assert read.count("residence") == 1
    assert {row["purpose"] for row in events("source.read") if row["procedure"] == library} == {"submit_request"}
    here, elsewhere = librarian(wallet, phone_of, "reviewer2", "01"), librarian(wallet, phone_of, "sau", "79")
    with unchanged():
        assert elsewhere.get("/v1/desk/requests").json["data"] == []
        assert_refused(opened(elsewhere, request), 404, "not_found")
        assert_refused(claim(elsewhere, request), 404, "not_found")
    assert [row["id"] for row in here.get("/v1/desk/requests").json["data"]] == [request["id"]]
    assert opened(here, request).json["province"] == "01"


def test_of_whom_the_register_does_not_know_only_the_whole_country_sees_the_request(
    phone_of: Make, wallet: Wallet, library: str, unchanged: Unchanged
) -> None:
    sent = ask(phone_of("vang"), library)
    assert sent.status_code == 201, sent.text
    here, country = librarian(wallet, phone_of, "reviewer2", "01"), librarian(wallet, phone_of, "sau", "*")
    with unchanged():
        assert_refused(opened(here, sent.json), 404, "not_found")
    assert opened(country, sent.json).json["province"] == ""


def test_while_the_register_is_down_nothing_is_sent_and_a_draft_waits(
    phone_of: Make, wallet: Wallet, library: str
) -> None:
    citizen = phone_of("an")
    draft = citizen.post("/v1/requests", {"utility": library, "answers": {"reader": "adult"}, "draft": True}).json
    others = {code: each for code, each in wallet.registers.items() if code != RegisterCode.RESIDENCE}
    citizen.client.application.extensions["wallet"] = replace(wallet, registers=others)
    assert_refused(ask(citizen, library), 503, "source_unavailable")
    moved = citizen.post(f"/v1/requests/{draft['id']}/moves", {"action": "submit"})
    assert_refused(moved, 503, "source_unavailable")
    assert [(row["id"], row["state"]) for row in citizen.get("/v1/requests").json["data"]] == [(draft["id"], "draft")]


def test_who_is_registered_for_a_time_only_is_of_that_province(phone_of: Make, wallet: Wallet, library: str) -> None:
    citizen, country = phone_of("an"), librarian(wallet, phone_of, "reviewer2", "*")
    moved = {"permanent_province_code": None, "temporary_province_code": "48"}
    citizen.client.application.extensions["wallet"] = saying(wallet, RegisterCode.RESIDENCE, **moved)
    request = ask(citizen, library).json
    assert opened(country, request).json["province"] == "48"


def test_where_the_utility_says_it_no_register_is_asked(phone_of: Make, events: Events) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer2")
    sent = citizen.post("/v1/requests", {"utility": "security_report", "answers": REPORT})
    assert sent.status_code == 201, sent.text
    assert opened(officer, sent.json).json["province"] == "01"
    assert "residence" not in [row["source"] for row in events("source.read") if row["procedure"] == "security_report"]


def test_a_grant_without_a_province_is_for_none(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    made = phone_of("an").post("/v1/requests", {"utility": "security_report", "answers": REPORT}).json
    nowhere = colleague(wallet, phone_of, "sau", "")
    with unchanged():
        assert nowhere.get("/v1/desk/requests").json["data"] == []
        assert nowhere.get("/v1/desk/steps").json["data"] == []
        assert_refused(opened(nowhere, made), 404, "not_found")


@pytest.mark.parametrize(
    ("facts", "province"),
    [
        ({}, ""),
        ({"permanent_province_code": "01", "temporary_province_code": "79", "current_province_code": "48"}, "01"),
        ({"temporary_province_code": "79", "current_province_code": "48"}, "79"),
        ({"current_province_code": "48"}, "48"),
    ],
)
def test_where_somebody_lives_is_where_they_are_registered_first(facts: dict[str, Any], province: str) -> None:
    assert home_province(facts) == province
