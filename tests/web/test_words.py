"""What people read of a request is words, in both languages: moves, capacities, refusals; a code stands beside them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from tests.web.test_review_desk import claim, decide, opened, paid
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.base import Capacity
from wallet.utilities.declaration import LIFECYCLES

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_move_and_every_capacity_has_words(language: str) -> None:
    moves = {move.action for lifecycle in LIFECYCLES for move in lifecycle.moves}
    assert (
        moves | {"step_done", "step_failed", "step_overdue", "apology", "claim", "holder_died"}
        == catalogue(language)["request_moves"].keys()
    )
    assert catalogue(language)["capacities"].keys() == {str(each) for each in Capacity}
    assert all(catalogue(language)["request_moves"].values())


def test_what_can_be_done_and_what_was_done_is_named(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    assert request["moves"] == [{"action": "withdraw", "name": {"vi": "Rút hồ sơ", "en": "Withdraw"}}]
    assert [entry["action_name"]["vi"] for entry in request["timeline"]] == ["Yêu cầu nộp phí", "Nộp phí"]
    names = [each["name"]["en"] for each in opened(officer, request).json["decisions"]]
    assert names == ["Accept", "Ask for a supplement", "Refuse"]


def test_a_move_that_is_not_there_is_refused_in_words(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    with unchanged():
        body = assert_refused(decide(officer, request, "approve"), 409, "transition_not_allowed")
        assert body["detail"] == "Không thể chuyển từ Chờ tiếp nhận sang Duyệt."
        path = f"/v1/requests/{request['id']}/moves"
        english = {"Accept-Language": "en"}
        again = citizen.post(path, {"action": "supplement"}, headers=english)
        body = assert_refused(again, 409, "transition_not_allowed", language="en")
        assert body["detail"] == "It cannot go from Submitted to Supplement."
        unknown = citizen.post(path, {"action": "no_such_move"})
        assert "no_such_move" in assert_refused(unknown, 409, "transition_not_allowed")["detail"]


@pytest.mark.parametrize("code", ["driving_licence", "social_security_account", "birth_linked", "security_report"])
def test_a_guardian_is_told_before_a_form_is_filled_and_no_register_is_asked(
    phone_of: Make, unchanged: Unchanged, events: Events, code: str
) -> None:
    guardian = phone_of("an")
    ward = guardian.post("/v1/me/wards", {"number": "099216000071"}).json["account_id"]
    acting, read = {"Acting-For": ward}, len(events("source.read"))
    with unchanged():
        for path in (f"/v1/me/utilities/{code}/form", f"/v1/me/utilities/{code}/facts"):
            body = assert_refused(guardian.get(path, headers=acting), 403, "capacity_not_allowed")
            assert "(người giám hộ)" in body["detail"]
        sent = guardian.post("/v1/requests", {"utility": code}, headers=acting)
        assert_refused(sent, 403, "capacity_not_allowed")
    assert len(events("source.read")) == read
    assert guardian.get("/v1/me/utilities/residence/form", headers=acting).status_code == 200
