"""A ticket at a check-in: one that states something else than the document uses nothing up, and its holder sees it.

And on a list: what was not shown differs in nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.checks.test_ended_between import SlowPortraits
from tests.checks.test_sharing import names, present, run
from tests.checks.verifier import Desk, live_code, purpose_json
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from wallet.checks.online.models import PresentationRow
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
OTHER_NAME, OTHER_DAY = {"name_on_ticket": "TRAN THI BINH"}, {"birth_date_on_ticket": "1950-01-01"}
TOLD = ("name", "birth_date")
DIFFERING = {
    "name": (OTHER_NAME, ["/name_on_ticket"], ["full_name"]),
    "birth date": (OTHER_DAY, ["/birth_date_on_ticket"], ["birth_date"]),
    "both": (OTHER_NAME | OTHER_DAY, ["/birth_date_on_ticket", "/name_on_ticket"], ["birth_date", "full_name"]),
    "one of two": (
        {"name_on_ticket": "AN NGUYENMAU"} | OTHER_DAY,
        ["/birth_date_on_ticket"],
        ["birth_date", "full_name"],
    ),
}


@pytest.mark.parametrize(("ticket", "pointers", "compared"), DIFFERING.values(), ids=DIFFERING)
def test_somebody_elses_ticket_checks_nobody_in_and_the_right_one_does_afterwards(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    ticket: dict[str, str],
    pointers: list[str],
    compared: list[str],
) -> None:
    made = present(phone, desk, residence, fields=["full_name", "birth_date", "portrait"]).json["id"]
    portraits = vars(wallet)["portraits"] = SlowPortraits(wallet.portraits, lambda: None)
    order = {"purpose": "boarding", "presentation": made}
    refused = desk.post("check-ins", order | ticket, key="one")
    problem = assert_refused(refused, 409, "ticket_differs")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        (each, "differs") for each in pointers
    ]
    assert phone.persona.name not in refused.text
    assert phone.persona.birth not in refused.text
    assert portraits.fetched == 0, "whose portrait it is, nobody is shown"
    with wallet.db.read() as session:
        assert session.get_one(PresentationRow, made).used_at is None
    look = phone.get("/v1/me/access-history").json["data"][0]
    assert (look["way"], look["outcome"], names(look["fields_told"])) == ("check_in", "refused", compared)
    right = {"name_on_ticket": "AN NGUYENMAU MR", "birth_date_on_ticket": phone.persona.birth}
    done = desk.post("check-ins", order | right, key="two")
    assert (done.status_code, done.json["ticket"]) == (201, {"name": "match", "birth_date": "match"})
    assert portraits.fetched == 1


def test_the_same_key_gets_the_same_refusal_and_is_no_new_look(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events, unchanged: Unchanged
) -> None:
    order = {"purpose": "boarding", "presentation": present(phone, desk, residence).json["id"]} | OTHER_NAME
    first = assert_refused(desk.post("check-ins", order, key="one"), 409, "ticket_differs")
    with unchanged():
        again = assert_refused(desk.post("check-ins", order, key="one"), 409, "ticket_differs")
    assert again["errors"] == first["errors"]
    assert len(events("check.check_in")) == 1


def test_somebody_elses_ticket_uses_no_live_code_up(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events
) -> None:
    order = {"purpose": "boarding", "code": live_code(phone, residence)}
    assert_refused(desk.post("check-ins", order | OTHER_NAME), 409, "ticket_differs")
    assert [(look["data"], look["verdict"]) for look in events("check.check_in")] == [(["full_name"], "refused")]
    done = desk.post("check-ins", order | {"name_on_ticket": "AN NGUYENMAU"} | OTHER_DAY)
    assert (done.status_code, done.json["ticket"]) == (201, {"name": "match", "birth_date": "not_stated"})


def test_s49_guesses_at_a_ticket_are_counted(
    wallet: Wallet, client: FlaskClient, phone_of: Make, phone: CitizenPhone, residence: str
) -> None:
    desk = Desk.open(wallet, client, purpose_json(quotas={"citizens_an_hour": 1, "checks_a_minute": 2}))
    other = phone_of("sau")
    other.step_up(2)
    theirs = present(other, desk, other.issue_residence()).json["id"]
    mine = {"purpose": "boarding", "presentation": present(phone, desk, residence).json["id"]}
    assert_refused(desk.post("check-ins", mine | OTHER_NAME), 409, "ticket_differs")
    assert_refused(desk.post("check-ins", mine | {"presentation": theirs}), 429, "too_many_citizens")
    assert_refused(desk.post("check-ins", mine | OTHER_NAME), 429, "too_many_checks")


def test_what_the_holder_did_not_agree_to_is_not_compared(phone: CitizenPhone, desk: Desk, residence: str) -> None:
    made = present(phone, desk, residence, fields=["full_name"]).json["id"]
    done = desk.post("check-ins", {"purpose": "boarding", "presentation": made} | OTHER_DAY)
    assert (done.status_code, done.json["ticket"]) == (201, {"birth_date": "not_stated"})


SHOWN_IN_PART = {
    "what was shown is right": (["full_name"], {}, {"result": "match", "name": "match", "birth_date": "not_stated"}),
    "what was shown is another's": (
        ["full_name"],
        {"name": "TRAN THI BINH"},
        {"result": "differs", "name": "differs", "birth_date": "not_stated"},
    ),
    "what was not shown is another's": (
        ["birth_date"],
        {"name": "TRAN THI BINH"},
        {"result": "match", "name": "not_stated", "birth_date": "match"},
    ),
    "nothing was shown": (["permanent_address"], {}, {"result": "not_stated"} | dict.fromkeys(TOLD, "not_stated")),
}


@pytest.mark.parametrize(("fields", "ticket", "told"), SHOWN_IN_PART.values(), ids=SHOWN_IN_PART)
def test_on_a_list_nobody_differs_in_what_they_did_not_show(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    fields: list[str],
    ticket: dict[str, str],
    told: dict[str, str],
) -> None:
    made = present(phone, desk, residence, fields=fields).json["id"]
    mine = {"name": "NGUYEN MAU AN", "birth_date": phone.persona.birth, "presentation": made}
    begun = desk.post("batches", {"purpose": "boarding", "passengers": [mine | ticket]}).json["id"]
    run(wallet)
    assert desk.get(f"batches/{begun}").json["results"] == [{"position": 0} | told]
