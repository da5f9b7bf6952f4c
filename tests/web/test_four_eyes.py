"""Two officers sign where the deployment says so: the second is somebody else, in a session of their own, always."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_desk_reach import account_of, colleague
from tests.web.test_drafts import JUDICIAL
from tests.web.test_gone_utility import moved
from tests.web.test_request_papers import accepted
from tests.web.test_review_desk import NOTE, claim, decide, opened
from wallet.documents.models import DocumentRow
from wallet.errors import ConfigurationError
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def two(wallet: Wallet) -> Iterator[Wallet]:
    """The same deployment, started again where judicial records need two officers."""
    settings = replace(wallet.settings, four_eyes=JUDICIAL)
    again = Wallet.build(settings, clock=wallet.clock, messages=wallet.messages, catalogue=wallet.catalogue.anew())
    yield again
    again.close()


@pytest.fixture
def desk(phone_of: Make, wallet: Wallet, two: Wallet) -> dict[str, CitizenPhone]:
    """A citizen, and three officers of one desk."""
    phones = {"citizen": phone_of("an"), "first": phone_of("reviewer3")}
    phones |= {name: colleague(wallet, phone_of, key) for name, key in (("second", "sau"), ("third", "dai"))}
    return {name: moved(phone, two) for name, phone in phones.items()}


def proposed(desk: dict[str, CitizenPhone]) -> dict[str, Any]:
    """Return a request whose approval waits for a second signature."""
    request = accepted(desk["citizen"], desk["first"])
    made = decide(desk["first"], request, "approve")
    assert made.status_code == 200, made.text
    assert made.json["state"] == "proposed"
    return request


def hand_over(officer: CitizenPhone, request: dict[str, Any], to: CitizenPhone) -> Any:
    return officer.post(f"/v1/desk/requests/{request['id']}/hand-over", {"officer": account_of(to)})


def documents(wallet: Wallet, request: dict[str, Any]) -> int:
    with wallet.db.read() as session:
        found = select(func.count()).select_from(DocumentRow).where(DocumentRow.request_id == request["id"])
        return session.scalar(found) or 0


def test_nothing_is_issued_before_a_second_officer_signs(desk: dict[str, CitizenPhone], two: Wallet) -> None:
    request = proposed(desk)
    seen = desk["citizen"].get(f"/v1/requests/{request['id']}").json
    assert (seen["state_name"]["vi"], seen["actions"]) == ("Chờ ký duyệt", [])
    assert "document_id" not in seen
    assert documents(two, request) == 0
    (lying,) = desk["second"].get("/v1/desk/requests").json["data"]
    assert "claimed_by" not in lying, "whoever proposed it has put it back on the desk"
    claim(desk["second"], request)
    offered = [each["action"] for each in opened(desk["second"], request).json["decisions"]]
    assert offered == ["confirm", "send_back"]
    signed = decide(desk["second"], request, "confirm")
    assert signed.status_code == 200, signed.text
    assert signed.json["state"] == "issued"
    assert documents(two, request) == 1
    timeline = desk["citizen"].get(f"/v1/requests/{request['id']}").json["timeline"]
    assert [entry["action"] for entry in timeline][-2:] == ["approve", "confirm"]


def test_who_proposed_signs_in_no_session_and_takes_it_in_hand_no_more(
    desk: dict[str, CitizenPhone], unchanged: Unchanged
) -> None:
    request, first = proposed(desk), desk["first"]
    for _ in range(2):
        with unchanged():
            assert opened_actions(first, request) == []
            assert_refused(claim(first, request), 403, "second_officer_needed")
            assert_refused(decide(first, request, "confirm"), 409, "not_claimed")
            assert_refused(decide(first, request, "send_back", reason="data_mismatch", note=NOTE), 409, "not_claimed")
        first.sign_in()  # a new session is no other person


def opened_actions(officer: CitizenPhone, request: dict[str, Any]) -> list[str]:
    """Return what an officer may decide; to look is recorded, so this is asked where nothing else is held still."""
    return [each["action"] for each in opened(officer, request).json["decisions"]]


def test_however_it_is_handed_over_it_does_not_come_back_to_who_proposed_it(
    desk: dict[str, CitizenPhone], two: Wallet, unchanged: Unchanged
) -> None:
    request = proposed(desk)
    claim(desk["second"], request)
    with unchanged():
        refused = assert_refused(hand_over(desk["second"], request, desk["first"]), 422, "invalid_input")
        assert field_errors(refused) == {"/officer": "second_officer_needed"}
    assert hand_over(desk["second"], request, desk["third"]).status_code == 200
    with unchanged():
        assert_refused(hand_over(desk["third"], request, desk["first"]), 422, "invalid_input")
        assert_refused(decide(desk["second"], request, "confirm"), 409, "not_claimed")
    signed = decide(desk["third"], request, "confirm")
    assert signed.json["state"] == "issued"
    assert documents(two, request) == 1


def test_even_in_their_hands_who_proposed_it_decides_nothing(desk: dict[str, CitizenPhone], two: Wallet) -> None:
    """As if it had come there before this rule: the arrow itself asks for another officer."""
    request, first = proposed(desk), desk["first"]
    with two.work() as work:
        assert work.request_services.rows.claim(request["id"], account_of(first), two.clock.now(), held_by=None)
    assert_refused(decide(first, request, "confirm"), 403, "second_officer_needed")
    sent_back = decide(first, request, "send_back", reason="data_mismatch", note=NOTE)
    assert_refused(sent_back, 403, "second_officer_needed")
    assert documents(two, request) == 0


def test_a_signature_is_a_decision_with_all_that_one_needs(
    desk: dict[str, CitizenPhone], unchanged: Unchanged, clock: FixedClock
) -> None:
    request, second = proposed(desk), desk["second"]
    claim(second, request)
    etag = opened(second, request).headers["ETag"]
    with unchanged():
        assert_refused(decide(second, request, "confirm", '"v1"'), 412, "version_changed")
        assert_refused(decide(second, request, "approve", etag), 409, "transition_not_allowed")
        faults = field_errors(assert_refused(decide(second, request, "send_back", etag), 422, "invalid_input"))
        assert faults == {"/reason": "required", "/note": "required"}
        assert_refused(decide(desk["citizen"], request, "confirm", etag), 403, "not_allowed")
    clock.advance(minutes=6)
    with unchanged():
        assert_refused(decide(second, request, "confirm", etag), 401, "step_up_required")
    second.sign_in()
    assert second.call("DELETE", "/v1/sessions/current").status_code == 204
    with unchanged():
        assert decide(second, request, "confirm", etag).status_code == 401


def test_what_is_sent_back_is_proposed_anew_and_signed_by_the_other(desk: dict[str, CitizenPhone], two: Wallet) -> None:
    request, first, second = proposed(desk), desk["first"], desk["second"]
    claim(second, request)
    back = decide(second, request, "send_back", reason="data_mismatch", note=NOTE)
    assert back.json["state"] == "accepted"
    assert decide(second, request, "approve").json["state"] == "proposed"
    assert_refused(claim(second, request), 403, "second_officer_needed")
    claim(first, request)
    assert decide(first, request, "confirm").json["state"] == "issued"
    assert documents(two, request) == 1


# --- The setting ----------------------------------------------------------------------------------------------------


def test_the_deployment_says_which_utilities_need_two(desk: dict[str, CitizenPhone], wallet: Wallet) -> None:
    told = desk["citizen"].client.get(f"/v1/utilities/{JUDICIAL}").json
    assert told["lifecycle"] == "four_eyes"
    assert wallet.catalogue.get(JUDICIAL).lifecycle.code == "reviewed"
    assert wallet.catalogue.get("social_security_account").lifecycle.code == "reviewed"


@pytest.mark.parametrize(
    ("codes", "faults"),
    [
        (("no_such",), ["no_such is not installed"]),
        (("birth_linked",), ["birth_linked is linked, not reviewed: no officer approves it"]),
        (
            ("residence", JUDICIAL, "other"),
            ["residence is instant, not reviewed: no officer approves it", "other is not installed"],
        ),
    ],
)
def test_what_cannot_have_two_officers_stops_the_start(
    built_in: Catalogue, codes: tuple[str, ...], faults: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        built_in.with_second_officers(codes)
    assert list(caught.value.problems) == [f"WALLET_FOUR_EYES: {fault}" for fault in faults]


def test_codes_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environ({"WALLET_FOUR_EYES": "judicial_record, Nó"})
    assert "WALLET_FOUR_EYES" in str(caught.value.problems)
    assert Settings.from_environ({"WALLET_FOUR_EYES": "judicial_record"}).four_eyes == JUDICIAL
