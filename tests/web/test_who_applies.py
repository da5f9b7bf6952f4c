"""As what somebody applies is settled by who sends it: a guardian for a ward, a ward alone, whoever began it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.enrolment.people import account_of, amend
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import ANSWERS, JUDICIAL
from tests.web.test_previews import codes, preview
from wallet.demo.personas import persona
from wallet.identity.guardians import Relation
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Asked = tuple[str, dict[str, Any]]

HOUSEHOLD: Asked = ("residence", {"scope": "whole", "with_members": True})
NO_2: Asked = (JUDICIAL, {name: v for name, v in {**ANSWERS, "kind": "no_2"}.items() if name != "ban_information"})


@pytest.fixture
def pair(phone_of: Make, wallet: Wallet) -> Callable[[str], tuple[CitizenPhone, CitizenPhone, dict[str, Any]]]:
    """Make somebody the guardian of a persona; return both phones, and what goes with a call for the ward."""

    def make(ward: str) -> tuple[CitizenPhone, CitizenPhone, dict[str, Any]]:
        guardian, young = phone_of("an"), phone_of(ward)
        with wallet.work() as work:
            accounts = account_of(wallet, "an"), account_of(wallet, ward)
            work.guardians.begin(*accounts, Relation.GUARDIAN, Actor("system", request_id="test"))
        return guardian, young, {"headers": {"Acting-For": accounts[1]}}

    return make


Pair = Callable[[str], tuple[CitizenPhone, CitizenPhone, dict[str, Any]]]


def ask(phone: CitizenPhone, asked: Asked, options: dict[str, Any], **more: Any) -> Any:
    return phone.post("/v1/requests", {"utility": asked[0], "answers": asked[1], **more}, **options)


def submit(phone: CitizenPhone, made: dict[str, Any], **options: Any) -> Any:
    return phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}, **options)


@pytest.mark.parametrize(
    ("ward", "asked", "birth_date", "why"),
    [
        ("nho", HOUSEHOLD, None, {"/answers/with_members": "adults_only"}),
        ("tuoi", NO_2, "2009-01-10", {"/answers/kind": "guardian_applies"}),
    ],
)
def test_a_ward_who_sends_what_the_guardian_began_applies_alone(
    pair: Pair,
    wallet: Wallet,
    unchanged: Unchanged,
    ward: str,
    asked: Asked,
    birth_date: str | None,
    why: dict[str, str],
) -> None:
    if birth_date is not None:
        amend(wallet, persona(ward).number, birth_date=birth_date)
    guardian, young, for_ward = pair(ward)
    made = ask(guardian, asked, for_ward, draft=True)
    assert made.status_code == 201, made.text
    assert codes(preview(young, made.json)["errors"]) == why
    with unchanged():
        refused = submit(young, made.json)
        assert_refused(refused, 422, "answers_rejected")
        assert field_errors(refused.json) == why
    sent = submit(guardian, made.json, **for_ward)
    assert (sent.status_code, sent.json["capacity"]) == (200, "guardian"), sent.text


def test_a_guardian_who_sends_what_the_ward_began_applies_as_their_guardian(pair: Pair) -> None:
    guardian, young, for_ward = pair("nho")
    made = ask(young, HOUSEHOLD, {}, draft=True)
    assert (made.status_code, made.json["capacity"]) == (201, "self")
    looked = guardian.get(f"/v1/requests/{made.json['id']}/preview", **for_ward).json
    assert (looked["ready"], looked["errors"]) == (True, [])
    assert young.get(f"/v1/requests/{made.json['id']}").json["capacity"] == "self", "to look changes nothing"
    sent = submit(guardian, made.json, **for_ward)
    assert (sent.status_code, sent.json["capacity"], sent.json["state"]) == (200, "guardian", "issued"), sent.text


def test_nobody_is_a_guardian_by_saying_so(phone_of: Make, unchanged: Unchanged) -> None:
    young = phone_of("nho")
    with unchanged():
        for draft in (False, True):
            refused = ask(young, HOUSEHOLD, {}, capacity="guardian", draft=draft)
            assert_refused(refused, 403, "capacity_not_allowed")
