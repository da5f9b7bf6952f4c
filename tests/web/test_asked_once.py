"""What is asked for once: a birth, whichever parent asks, and one account at a time to be paid into."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import text

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_agreements import ANSWERS, NOTICE, family
from tests.web.test_previews import codes, preview
from tests.web.test_review_desk import NOTE, claim, decide
from wallet.wiring import Wallet

__all__ = ["family"]  # a fixture is found by its name
Unchanged = Callable[[], AbstractContextManager[None]]
Family = dict[str, CitizenPhone]
ALONE = {name: value for name, value in ANSWERS.items() if name != "ask_other_parent"}
WHY = {"/answers/notice_id": "asked_already"}


def ask(phone: CitizenPhone, **more: Any) -> Any:
    return phone.post("/v1/requests", {"utility": "birth_linked", "answers": ALONE, **more})


def refused(answer: Any) -> None:
    body = assert_refused(answer, 422, "answers_rejected")
    assert field_errors(body) == WHY
    assert body["errors"][0]["detail"].startswith("Cha hoặc mẹ đã gửi hồ sơ")


def test_of_two_parents_one_asks(family: Family, unchanged: Unchanged, wallet: Wallet) -> None:
    mother, father = family["mother"], family["father"]
    drafted = ask(father, draft=True).json
    assert codes(preview(father, drafted)["errors"]) == {}, "a draft asks for nothing yet"
    made = ask(mother)
    assert (made.status_code, made.json["state"]) == (201, "in_steps"), made.text
    assert codes(preview(father, drafted)["errors"]) == WHY
    with unchanged():
        refused(ask(father))
        refused(ask(mother))
        refused(father.post(f"/v1/requests/{drafted['id']}/moves", {"action": "submit"}))
    with wallet.db.read() as session:
        ((digest, request),) = session.execute(text("SELECT digest, request_id FROM requests_once"))
    assert request == made.json["id"]
    assert (len(digest), NOTICE.encode() in bytes(digest)) == (32, False), "what it was is not told"


def test_who_is_no_parent_does_not_learn_that_somebody_asked(family: Family) -> None:
    assert ask(family["mother"]).status_code == 201
    body = assert_refused(ask(family["stranger"]), 422, "answers_rejected")
    assert field_errors(body) == {"/answers/notice_id": "not_a_parent"}


def test_it_is_free_again_once_the_request_ended_and_not_while_it_is_supplemented(family: Family) -> None:
    mother, father, justice = family["mother"], family["father"], family["justice"]
    for action, reason in (("request_supplement", "residence_unproven"), ("reject", "parents_disagree")):
        made = ask(mother)
        assert made.status_code == 201, made.text
        claim(justice, made.json)
        assert decide(justice, made.json, action, reason=reason, note=NOTE).status_code == 200
        if action == "request_supplement":
            refused(ask(father))
            path = f"/v1/requests/{made.json['id']}/moves"
            assert mother.post(path, {"action": "supplement"}).status_code == 200, "it is its own"
            assert decide(justice, made.json, action, reason=reason, note=NOTE).status_code == 200
            assert mother.post(path, {"action": "withdraw"}).json["state"] == "withdrawn"
    assert ask(father).status_code == 201


def test_what_was_registered_is_not_asked_for_again(family: Family, clock: FixedClock) -> None:
    mother, father, wallet = family["mother"], family["father"], family["mother"].wallet
    made = ask(mother).json
    with wallet.work() as work:
        row = work.request_services.rows.get(made["id"])
        assert row is not None
        utility = wallet.catalogue.get("birth_linked")
        row.document_id = "doc_of_the_birth"
        arrow = next(move for move in utility.lifecycle.moves if move.action == "finish")
        work.request_services.once.follow(utility, row, arrow)
    refused(ask(father))


def test_one_account_at_a_time_is_asked_to_be_paid_into(phone_of: Callable[..., CitizenPhone]) -> None:
    citizen = phone_of("an")
    order = {
        "utility": "social_security_account",
        "answers": {"bank": "Ngân hàng Mẫu", "account_number": "0123456789", "own_name": True},
    }
    made = citizen.post("/v1/requests", order)
    assert made.status_code == 201, made.text
    other = {**order, "answers": {**order["answers"], "account_number": "9999888877776666"}}
    body = assert_refused(citizen.post("/v1/requests", other), 422, "answers_rejected")
    assert field_errors(body) == {"/answers/account_number": "asked_already"}
    assert body["errors"][0]["detail"].startswith("Bạn có một đề nghị")
    path = f"/v1/requests/{made.json['id']}/moves"
    assert citizen.post(path, {"action": "withdraw"}).json["state"] == "withdrawn"
    assert citizen.post("/v1/requests", other).status_code == 201
