"""Utilities as data over HTTP: proposed by one admin, agreed to by another, told whole, refused with every fault."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.definitions import broken, definition
from tests.web.refusals import assert_refused, field_errors
from wallet.utilities.declared import defined
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

PATH = "/v1/admin/utility-definitions"
FLAGS = "/ofrep/v1/evaluate/flags"


def propose(admin: CitizenPhone, raw: Any = None, **options: Any) -> TestResponse:
    return admin.post(PATH, {"definition": definition() if raw is None else raw, "comment": "Vì sao"}, **options)


def decide(admin: CitizenPhone, definition_id: str, decision: str = "approve", **options: Any) -> TestResponse:
    return admin.post(f"{PATH}/{definition_id}/decision", {"decision": decision}, **options)


@pytest.fixture
def admin(phone_of: Make) -> CitizenPhone:
    return phone_of("admin1")


@pytest.fixture
def second(phone_of: Make) -> CitizenPhone:
    return phone_of("admin2")


def test_a_utility_is_defined_by_two_and_then_there(
    admin: CitizenPhone, second: CitizenPhone, clock: FixedClock
) -> None:
    made = propose(admin)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{PATH}/{made.json['id']}"
    assert made.json | {"id": 0, "approval": 0, "proposed_by": 0} == {
        "id": 0,
        "approval": 0,
        "proposed_by": 0,
        "code": "library_card",
        "version": 1,
        "state": "awaiting",
        "comment": "Vì sao",
        "proposed_at": "2026-03-02T05:00:00Z",
        "definition": definition(),
    }
    assert admin.get("/v1/utilities/library_card").status_code == 404
    decided = decide(second, made.json["id"])
    assert decided.status_code == 200, decided.text
    assert decided.json["state"] == "approved"
    assert decided.json["decided_by"] != decided.json["proposed_by"]
    clock.advance(timedelta(seconds=5))
    told = admin.get("/v1/utilities/library_card")
    assert told.status_code == 200
    assert told.json["state"] == "off"
    assert told.json["agency"]["name"]["vi"] == "Thư viện tỉnh"
    assert told.json["documents"][0]["claims"][0]["name"] == "full_name"
    assert "library_card" in [each["code"] for each in admin.get("/v1/utilities").json["data"]]


def test_every_version_is_listed_newest_first_and_read_whole(
    admin: CitizenPhone, second: CitizenPhone, clock: FixedClock
) -> None:
    first = propose(admin).json["id"]
    decide(second, first, "refuse")
    clock.advance(timedelta(seconds=1))
    again = propose(second).json["id"]
    listed = admin.get(PATH).json["data"]
    assert [(each["id"], each["version"], each["state"]) for each in listed] == [
        (again, 2, "awaiting"),
        (first, 1, "refused"),
    ]
    assert "definition" not in listed[0]
    read = admin.get(f"{PATH}/{first}")
    assert read.status_code == 200
    assert read.json["definition"] == definition()


def test_every_fault_is_told_at_once_and_nothing_stored(admin: CitizenPhone, unchanged: Unchanged) -> None:
    made = broken("/document/views/0/claims/0", "gone")
    made |= {"code": "Bad Code", "surprise": 1}
    with unchanged():
        refused = propose(admin, made)
        assert_refused(refused, 422, "definition_refused")
    assert field_errors(refused.json) == {
        "/definition/code": "invalid_format",
        "/definition/surprise": "unknown_field",
        "/definition/document/views/0/claims/0": "no_such_claim",
    }
    english = propose(admin, made, headers={"Accept-Language": "en"})
    assert {each["pointer"] for each in english.json["errors"]} == {each["pointer"] for each in refused.json["errors"]}
    for one, other in zip(refused.json["errors"], english.json["errors"], strict=True):
        assert one["detail"] != other["detail"]


def test_what_only_the_contract_knows_comes_in_sentences(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        refused = propose(admin, broken("/agency", {"code": "harbour"}))
        assert_refused(refused, 422, "definition_refused")
    assert refused.json["faults"] == ["no text in vi for agencies.harbour", "no text in en for agencies.harbour"]
    assert field_errors(refused.json) == {"/definition": "breaks_contract"}


@pytest.mark.parametrize("body", [{}, {"definition": []}, {"definition": "x"}, {"definition": None}, {"comment": "x"}])
def test_a_body_without_a_definition_is_refused(admin: CitizenPhone, unchanged: Unchanged, body: Any) -> None:
    with unchanged():
        refused = admin.post(PATH, body)
        assert_refused(refused, 422, "invalid_input")
    assert set(field_errors(refused.json)) == {"/definition"}


def test_nobody_agrees_alone(admin: CitizenPhone, unchanged: Unchanged) -> None:
    made = propose(admin).json["id"]
    with unchanged():
        assert_refused(decide(admin, made), 403, "self_approval")
    assert admin.get(f"{PATH}/{made}").json["state"] == "awaiting"


def test_a_decision_is_made_once(admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged) -> None:
    made = propose(admin).json["id"]
    assert decide(second, made, "refuse").json["state"] == "refused"
    with unchanged():
        assert_refused(decide(second, made), 409, "approval_closed")


def test_a_code_that_is_installed_is_taken(admin: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        refused = propose(admin, definition(code="residence"))
        assert_refused(refused, 422, "definition_refused")
    assert field_errors(refused.json) == {"/definition/code": "code_taken"}


def test_another_version_waits(admin: CitizenPhone, second: CitizenPhone, unchanged: Unchanged) -> None:
    propose(admin)
    with unchanged():
        assert_refused(propose(second), 409, "approval_pending")


def test_unknown_definition_is_not_found(admin: CitizenPhone) -> None:
    assert_refused(admin.get(f"{PATH}/def_none"), 404, "not_found")
    assert_refused(decide(admin, "def_none"), 404, "not_found")


def test_a_proposal_asked_for_twice_is_made_once(admin: CitizenPhone) -> None:
    headers = {"Idempotency-Key": "the-same"}
    one, other = propose(admin, headers=headers), propose(admin, headers=headers)
    assert (one.status_code, one.json) == (other.status_code, other.json)
    assert len(admin.get(PATH).json["data"]) == 1


@pytest.mark.parametrize("path", ["/v1/utilities", "/v1/me/utilities", "/v1/admin/utilities", FLAGS])
def test_a_definition_that_comes_in_while_a_list_is_made_breaks_no_list(
    wallet: Wallet, admin: CitizenPhone, path: str
) -> None:
    catalogue = wallet.catalogue.anew()
    admin.client = create_app(replace(wallet, catalogue=catalogue)).test_client()
    installed, seen = {plugin.utility.code for plugin in catalogue}, set()
    left: Iterator[int] = iter(())

    def look() -> None:
        if next(left, None) == 1:
            catalogue.declare([(defined(definition()),)])

    catalogue.follow(look)
    for moment in range(1, 20):
        catalogue.declare([])
        left = iter(range(moment, 0, -1))
        response = admin.post(path, {}) if path == FLAGS else admin.get(path)
        assert response.status_code == 200, (moment, response.text)
        rows = response.json["flags"] if path == FLAGS else response.json["data"]
        codes = {row["key"] if path == FLAGS else row["code"] for row in rows}
        assert codes - {"library_card"} == installed
        seen.add("library_card" in codes)
    assert seen == {True, False}, "it came in before, and after"
