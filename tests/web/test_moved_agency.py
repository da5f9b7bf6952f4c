"""A utility that passes to another agency: what was sent to the former one stays there and is carried to its end."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.defining.test_defining import WITHIN
from tests.defining.test_versions import opened as open_to_all
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.definitions import definition, words
from tests.web.refusals import assert_refused
from tests.web.test_definitions import decide as decide_definition
from tests.web.test_definitions import propose
from tests.web.test_desk_reach import colleague, report
from tests.web.test_drafts import JUDICIAL
from tests.web.test_gone_utility import moved
from tests.web.test_late_steps import run, verifying
from tests.web.test_request_papers import paper, papers
from tests.web.test_review_desk import NOTE, claim, decide, opened
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

CARD = "library_card"
FORMER = {"vi": "Thư viện tỉnh", "en": "Library of the province"}
OFFICE = {"code": "culture_office", "name": words("Phòng Văn hóa", "Culture office")}


def in_force(phone_of: Make, clock: FixedClock, **changes: Any) -> None:
    raw = definition(**changes)
    made = propose(phone_of("admin1"), raw | {"rules": raw["rules"][:1]})
    assert decide_definition(phone_of("admin2"), made.json["id"]).status_code == 200
    clock.advance(WITHIN)


def card(citizen: CitizenPhone) -> dict[str, Any]:
    made = citizen.post("/v1/requests", {"utility": CARD, "answers": {"reader": "adult"}})
    assert made.status_code == 201, made.text
    return made.json or {}


def lying(officer: CitizenPhone, **query: str) -> list[str]:
    response = officer.get("/v1/desk/requests", query_string=query)
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json["data"]]


@pytest.fixture
def desk(phone_of: Make, wallet: Wallet, clock: FixedClock) -> dict[str, CitizenPhone]:
    """A citizen, and an officer of either agency; the utility is still the former's."""
    in_force(phone_of, clock)
    open_to_all(wallet)
    former = colleague(wallet, phone_of, "sau", agency="library")
    return {
        "citizen": phone_of("an"),
        "former": former,
        "new": colleague(wallet, phone_of, "dai", agency=OFFICE["code"]),
    }


def test_what_was_sent_to_the_former_agency_lies_there_and_is_answered_in_its_name(
    desk: dict[str, CitizenPhone], phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    citizen, former, new = desk["citizen"], desk["former"], desk["new"]
    request = card(citizen)
    in_force(phone_of, clock, agency=OFFICE)
    assert lying(former) == lying(former, utility=CARD) == [request["id"]]
    assert lying(new) == []
    with unchanged():
        assert_refused(opened(new, request), 404, "not_found")
        assert_refused(claim(new, request), 404, "not_found")
    assert opened(former, request).status_code == 200
    assert claim(former, request).status_code == 200
    assert decide(former, request, "accept").json["state"] == "accepted"
    assert paper(citizen, request, "slip-1").json["agency"]["vi"].startswith(FORMER["vi"])
    approved = decide(former, request, "approve")
    assert approved.status_code == 200, approved.text
    assert approved.json["state"] == "issued"
    assert citizen.get(f"/v1/requests/{request['id']}").json["document_id"]
    look = next(row for row in citizen.get("/v1/me/access-history").json["data"] if row["data"] == "request")
    assert (look["agency"], look["agency_name"]) == ("library", FORMER)


def test_what_is_sent_from_then_on_lies_at_the_new_one_also_what_was_begun_before(
    desk: dict[str, CitizenPhone], phone_of: Make, clock: FixedClock
) -> None:
    citizen, former, new = desk["citizen"], desk["former"], desk["new"]
    begun = citizen.post("/v1/requests", {"utility": CARD, "answers": {"reader": "adult"}, "draft": True}).json
    in_force(phone_of, clock, agency=OFFICE)
    sent = card(citizen)
    assert citizen.post(f"/v1/requests/{begun['id']}/moves", {"action": "submit"}).status_code == 200
    assert sorted(lying(new)) == sorted([sent["id"], begun["id"]])
    assert lying(former) == []
    claim(new, sent)
    assert decide(new, sent, "accept").json["state"] == "accepted"
    assert paper(citizen, sent, "slip-1").json["agency"]["vi"].startswith("Phòng Văn hóa")


def test_a_supplement_goes_back_to_the_agency_that_asked_for_it(
    desk: dict[str, CitizenPhone], phone_of: Make, clock: FixedClock
) -> None:
    citizen, former = desk["citizen"], desk["former"]
    request = card(citizen)
    claim(former, request)
    assert decide(former, request, "request_supplement", reason="no_room", note=NOTE).status_code == 200
    in_force(phone_of, clock, agency=OFFICE)
    given = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert given.status_code == 200, given.text
    assert given.json["state"] == "submitted"
    assert lying(former) == [request["id"]]


def test_the_agency_that_is_late_apologises_under_its_own_name(
    desk: dict[str, CitizenPhone], phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen, former = desk["citizen"], desk["former"]
    request = card(citizen)
    claim(former, request)
    decide(former, request, "accept")
    in_force(phone_of, clock, agency=OFFICE)
    clock.advance(timedelta(days=6))
    run(wallet)
    citizen.sign_in()
    assert papers(citizen, request) == ["slip-1", "letter-1"]
    assert paper(citizen, request, "letter-1").json["agency"]["en"].startswith(FORMER["en"])


def test_an_agency_that_nobody_has_a_word_for_any_more_is_named_by_its_code(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    """A package keeps no former texts: its sub-task goes on where it was opened, and papers can be made out of it."""
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = verifying(citizen, officer)
    plugins = {plugin.utility.code: plugin for plugin in wallet.catalogue}
    plugin = plugins[JUDICIAL]
    steps = tuple(replace(step, agency="archives") for step in plugin.utility.steps)
    texts = {
        language: {**sections, "agencies": {"archives": "Lưu trữ", "province_archives": "Lưu trữ tỉnh"}}
        for language, sections in plugin.texts.items()
    }
    utility = replace(plugin.utility, agency="province_archives", steps=steps)
    plugins[JUDICIAL] = replace(plugin, utility=utility, texts=texts)
    after = replace(wallet, catalogue=Catalogue(plugins))
    citizen, officer, records = (moved(each, after) for each in (citizen, officer, records))
    (step,) = [each for each in records.get("/v1/desk/steps").json["data"] if each["request_id"] == request["id"]]
    assert lying(officer) == [request["id"]]
    told = {each["code"]: each["agency"] for each in citizen.get(f"/v1/requests/{request['id']}").json["steps"]}
    assert told[step["code"]] == {"vi": "records_department", "en": "records_department"}
    assert report(records, request, step["code"]).status_code == 200
    for code in told.keys() - {step["code"]}:
        assert report(officer, request, code).status_code == 200
    approved = decide(officer, request, "approve")
    assert approved.status_code == 200, approved.text
    assert approved.json["state"] == "issued"
