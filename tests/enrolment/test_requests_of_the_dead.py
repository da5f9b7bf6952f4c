"""What somebody who died had asked for ends with them; what was decided stays readable."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.enrolment.people import account_of, amend
from tests.phone import CitizenPhone
from tests.web.conftest import events
from tests.web.refusals import assert_refused
from tests.web.test_drafts import ANSWERS, draft
from tests.web.test_review_desk import ask, claim, decide, opened, paid, settle
from wallet.demo.personas import persona
from wallet.terms import Actor
from wallet.wiring import Wallet

__all__ = ["events"]  # a fixture is found by its name
Make = Callable[..., CitizenPhone]
Events = Callable[[str], list[dict[str, Any]]]
SYSTEM = Actor("system", request_id="test")


def die(wallet: Wallet) -> None:
    """Let the register say so, and the account be closed some time later."""
    amend(wallet, persona("an").number, state="dead")
    for act in ("look", "close_dead"):
        with wallet.work() as work:
            getattr(work.lifecycle, act)(account_of(wallet, "an"), SYSTEM)


@pytest.fixture
def left(phone_of: Make) -> tuple[CitizenPhone, CitizenPhone, dict[str, dict[str, Any]]]:
    """What a citizen has asked for: answered, verified just now, not paid for yet, and begun."""
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    answered, verified = paid(citizen), paid(citizen)
    for request in (answered, verified):
        claim(officer, request)
        decide(officer, request, "accept")
    assert decide(officer, answered, "approve").json["state"] == "issued"
    assert decide(officer, verified, "verify").json["state"] == "verifying"
    unpaid = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{unpaid['id']}/payments").json["data"]
    begun = draft(citizen, ANSWERS)
    return (
        citizen,
        officer,
        {"answered": answered, "verified": verified, "unpaid": unpaid, "draft": begun} | {"payment": payment},
    )


def test_what_the_dead_had_asked_for_ends_and_nothing_is_promised_any_more(
    left: tuple[CitizenPhone, CitizenPhone, dict[str, dict[str, Any]]], wallet: Wallet, events: Events
) -> None:
    citizen, officer, asked = left
    version = opened(officer, asked["verified"]).headers["ETag"]
    die(wallet)
    with wallet.read() as work:
        rows = {name: work.request_services.rows.get(asked[name]["id"]) for name in asked if name != "payment"}
        steps = work.request_services.rows.steps(asked["verified"]["id"])
    states = {name: None if row is None else row.state for name, row in rows.items()}
    assert states == {"answered": "issued", "verified": "withdrawn", "unpaid": "withdrawn", "draft": "draft"}
    assert rows["verified"] is not None
    assert (rows["verified"].due_at, rows["verified"].claimed_by) == (None, None)
    assert {step.state for step in steps} == {"ended"}
    assert settle(citizen, asked["payment"]).json == {"state": "refund_due"}, "nothing is paid for it"
    assert officer.get("/v1/desk/requests").json["data"] == []
    refused = decide(officer, asked["verified"], "reject", version=version, reason="data_mismatch", note="Không khớp.")
    assert_refused(refused, 409, "not_claimed")
    seen = opened(officer, asked["verified"]).json
    assert (seen["timeline"][-1]["action"], seen["decisions"]) == ("holder_died", [])
    assert seen["answers"], "what was decided and stated stays readable"
    ended = {event["subject"] for event in events("request.ended")}
    assert ended == {asked["verified"]["id"], asked["unpaid"]["id"]}, "each once"
