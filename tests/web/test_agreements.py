"""The other parent agrees in their own account: asked, read, answered once, refused, too late, and by nobody else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.documents.people import saying
from tests.phone import CitizenPhone
from tests.support import GROUND, FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import add_file, edit
from tests.web.test_gone_utility import moved
from tests.web.test_request_papers import papers
from tests.web.test_review_desk import NOTE, claim, decide
from wallet.demo.personas import persona
from wallet.sources.base import RegisterCode
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

NOTICE = "CS-2026-000777"
ANSWERS = {
    "notice_id": NOTICE,
    "child_name": "Lưu An Nhiên",
    "residence_with": "mother",
    "first_care_facility": "Trạm y tế Phường Cầu Giấy",
    "ask_other_parent": True,
}


@pytest.fixture
def family(phone_of: Make, wallet: Wallet) -> dict[str, CitizenPhone]:
    """A mother, the father whom the hospital named, the justice officer, and somebody else."""
    births = wallet.registers[RegisterCode.CIVIL_STATUS].read(persona("noi").number, GROUND).values["births"]
    (told,) = [each for each in births if each["state"] == "notified"]  # type: ignore[union-attr,call-overload]
    notice = {**told, "notice_id": NOTICE, "father_number": persona("an").number}  # type: ignore[dict-item]
    altered = saying(wallet, RegisterCode.CIVIL_STATUS, births=(notice,))
    keys = {"mother": "noi", "father": "an", "justice": "reviewer5", "stranger": "sau"}
    return {name: moved(phone_of(key), altered) for name, key in keys.items()}


def ask(family: dict[str, CitizenPhone], **changes: Any) -> dict[str, Any]:
    """Return a request that waits for the father."""
    answers = {name: value for name, value in {**ANSWERS, **changes}.items() if value is not None}
    made = family["mother"].post("/v1/requests", {"utility": "birth_linked", "answers": answers})
    assert made.status_code == 201, made.text
    return made.json or {}


def asked(phone: CitizenPhone) -> list[dict[str, Any]]:
    return list(phone.get("/v1/me/agreements").json["data"])


def reply(phone: CitizenPhone, agreement: str, given: str, **options: Any) -> Any:
    return phone.post(f"/v1/me/agreements/{agreement}/answer", {"answer": given}, **options)


def seen(family: dict[str, CitizenPhone], request: dict[str, Any]) -> dict[str, Any]:
    return family["mother"].get(f"/v1/requests/{request['id']}").json or {}


def codes(phone: CitizenPhone) -> list[str]:
    return [notice["code"] for notice in phone.get("/v1/notices?limit=100").json["data"]]


def active(request: dict[str, Any]) -> list[str]:
    return [step["code"] for step in request["steps"] if step["state"] == "active"]


def supplement(family: dict[str, CitizenPhone], request: dict[str, Any], **answers: Any) -> Any:
    assert edit(family["mother"], request, answers).status_code == 200
    sent = family["mother"].post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert sent.status_code == 200, sent.text
    return sent.json


# --- Asked, and agreed ----------------------------------------------------------------------------------------------


def test_the_office_gets_it_once_the_other_parent_has_agreed(family: dict[str, CitizenPhone]) -> None:
    mother, father, justice = family["mother"], family["father"], family["justice"]
    request = ask(family)
    assert (request["state"], request["state_name"]["vi"]) == ("awaiting_agreement", "Chờ người liên quan đồng ý")
    assert "due_at" not in request, "no office's clock runs"
    waiting = seen(family, request)
    assert (waiting["actions"], active(waiting), papers(mother, request)) == (["withdraw"], [], [])
    assert [each["state"] for each in waiting["agreements"]] == ["waiting"]
    assert justice.get("/v1/desk/requests").json["data"] == []
    assert justice.get("/v1/desk/steps").json["data"] == []
    assert_refused(justice.get(f"/v1/desk/requests/{request['id']}?purpose=review"), 404, "not_found")
    (mine,) = asked(father)
    assert mine["title"]["vi"].startswith("Liên thông đăng ký khai sinh")
    assert (mine["applicant"], mine["number"]) == (mother.persona.name, request["number"])
    shown = {each["name"]: each["value"] for each in mine["shown"]}
    assert shown == {"child_name": "Lưu An Nhiên", "residence_with": "mother"}
    assert mine["shown"][1]["value_name"]["vi"] == "Người mẹ"
    assert request["id"] not in str(mine), "the request is its applicant's"
    assert "agreement_asked" in codes(father)
    assert reply(father, mine["id"], "agree").status_code == 204
    gone_on = seen(family, request)
    assert (gone_on["state"], active(gone_on)) == ("in_steps", ["birth_registration"])
    assert gone_on["due_at"]
    assert papers(mother, request) == ["slip-1"]
    assert [each["state"] for each in gone_on["agreements"]] == ["agreed"]
    assert [(entry["action"], entry["by"]) for entry in gone_on["timeline"]] == [
        ("ask_agreement", "holder"),
        ("agree", "other"),
    ]
    assert "agreement_given" in codes(mother)
    assert asked(father) == []


def test_whoever_has_no_account_signs_on_paper(family: dict[str, CitizenPhone], phone_of: Make, wallet: Wallet) -> None:
    mother = moved(phone_of("noi"), wallet)  # whose notice of birth names a father who holds no account
    form = mother.get("/v1/me/utilities/birth_linked/form").json["data"]
    offers = next(field for field in form if field["name"] == "notice_id")["offers"]
    notice = next(each for each in offers if each["state"] == "notified")["notice_id"]
    answers = {**ANSWERS, "notice_id": notice}
    refused = mother.post("/v1/requests", {"utility": "birth_linked", "answers": answers})
    assert field_errors(assert_refused(refused, 422, "invalid_input")) == {
        "/answers/ask_other_parent": "has_no_account"
    }
    kept = mother.post("/v1/requests", {"utility": "birth_linked", "answers": answers, "draft": True}).json
    ahead = mother.get(f"/v1/requests/{kept['id']}/preview").json
    assert (ahead["ready"], [(each["pointer"], each["code"]) for each in ahead["errors"]]) == (
        False,
        [("/answers/ask_other_parent", "has_no_account")],
    )
    made = mother.post("/v1/requests", {"utility": "birth_linked", "answers": {**answers, "ask_other_parent": False}})
    assert made.json["state"] == "in_steps", "nobody is made to ask: the officer says whether it is needed"


def test_the_officer_may_ask_for_it_and_then_the_steps_go_on_where_they_were(family: dict[str, CitizenPhone]) -> None:
    father, justice = family["father"], family["justice"]
    request = ask(family, ask_other_parent=None)
    assert request["state"] == "in_steps"
    claim(justice, request)
    decide(justice, request, "request_supplement", reason="other_parent_unsigned", note=NOTE)
    assert supplement(family, request, ask_other_parent=True)["state"] == "awaiting_agreement"
    (mine,) = asked(father)
    assert reply(father, mine["id"], "agree").status_code == 204
    again = seen(family, request)
    assert (again["state"], active(again)) == ("in_steps", ["birth_registration"])
    assert papers(family["mother"], request) == ["slip-1", "slip-2"]


def standing(phone: CitizenPhone, request: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return what the desk reads of agreements: each, and whether it is one to what the request states now."""
    opened = phone.get(f"/v1/desk/requests/{request['id']}?purpose=review")
    return sorted((each["state"], each["current"]) for each in opened.json["agreements"])


def agreed_and_asked_for_more(family: dict[str, CitizenPhone]) -> dict[str, Any]:
    """Return a request to which the father has agreed, and of which the justice officer asked for a supplement."""
    request = ask(family)
    (mine,) = asked(family["father"])
    assert reply(family["father"], mine["id"], "agree").status_code == 204
    claim(family["justice"], request)
    decide(family["justice"], request, "request_supplement", reason="residence_unproven", note=NOTE)
    return request


@pytest.mark.parametrize("changes", [{"child_name": "Trần Khác Hẳn"}, {"residence_with": "father"}])
def test_an_agreement_is_to_what_was_shown_and_is_asked_for_again_where_that_changes(
    family: dict[str, CitizenPhone], changes: dict[str, Any]
) -> None:
    father, justice = family["father"], family["justice"]
    request = agreed_and_asked_for_more(family)
    assert supplement(family, request, **changes)["state"] == "awaiting_agreement"
    told = [(each["state"], each["current"]) for each in seen(family, request)["agreements"]]
    assert sorted(told) == [("agreed", False), ("waiting", True)]
    (mine,) = asked(father)
    assert {each["name"]: each["value"] for each in mine["shown"]}.items() >= changes.items()
    assert reply(father, mine["id"], "agree").status_code == 204
    assert (seen(family, request)["state"], active(seen(family, request))) == ("in_steps", ["birth_registration"])
    assert standing(justice, request) == [("agreed", False), ("agreed", True)]


def test_who_agreed_is_not_asked_again_for_what_they_were_not_shown(family: dict[str, CitizenPhone]) -> None:
    request = agreed_and_asked_for_more(family)
    assert supplement(family, request, first_care_facility="Trạm y tế Phường Láng")["state"] == "in_steps"
    assert asked(family["father"]) == []
    assert standing(family["justice"], request) == [("agreed", True)]


def test_the_desk_reads_that_an_agreement_was_to_something_else(family: dict[str, CitizenPhone]) -> None:
    request = agreed_and_asked_for_more(family)
    sent = supplement(family, request, child_name="Trần Khác Hẳn", ask_other_parent=False)
    assert sent["state"] == "in_steps", "whether the other parent is needed is the officer's to say"
    assert standing(family["justice"], request) == [("agreed", False)]


def test_what_is_changed_back_was_agreed_to(family: dict[str, CitizenPhone]) -> None:
    request = agreed_and_asked_for_more(family)
    edit(family["mother"], request, {"child_name": "Trần Khác Hẳn"})
    assert supplement(family, request, child_name=ANSWERS["child_name"])["state"] == "in_steps"
    assert standing(family["justice"], request) == [("agreed", True)]


# --- Refused, and too late ------------------------------------------------------------------------------------------


def test_a_refusal_gives_it_back_and_the_officer_decides(family: dict[str, CitizenPhone]) -> None:
    mother, father, justice = family["mother"], family["father"], family["justice"]
    request = ask(family)
    (mine,) = asked(father)
    assert reply(father, mine["id"], "decline").status_code == 204
    back = seen(family, request)
    assert (back["state"], back["actions"]) == ("supplement_required", ["supplement", "withdraw"])
    assert "agreement_declined" in codes(mother)
    sent = supplement(family, request, child_name="Trần Khác Hẳn")
    assert sent["state"] == "in_steps", "who has declined is not asked again, whatever else is offered"
    assert asked(father) == []
    claim(justice, request)
    opened = justice.get(f"/v1/desk/requests/{request['id']}?purpose=review").json
    assert [each["state"] for each in opened["agreements"]] == ["declined"]
    rejected = decide(justice, request, "reject", reason="parents_disagree", note=NOTE)
    assert rejected.json["state"] == "rejected"


def test_silence_lapses_once_and_the_way_on_paper_is_open(
    family: dict[str, CitizenPhone], clock: FixedClock, unchanged: Unchanged
) -> None:
    mother, father = family["mother"], family["father"]
    request = ask(family)
    (mine,) = asked(father)
    clock.advance(days=8)
    for phone in (mother, father):
        phone.sign_in()
    with unchanged():
        assert asked(father) == []
        assert_refused(reply(father, mine["id"], "agree"), 409, "agreement_closed")
    assert mother.wallet.look_after_requests() is True
    assert mother.wallet.look_after_requests() is False
    back = seen(family, request)
    assert (back["state"], [each["state"] for each in back["agreements"]]) == ("supplement_required", ["lapsed"])
    assert codes(mother).count("agreement_lapsed") == 1
    file_id = add_file(mother, request, "agreement").json["id"]
    sent = supplement(family, request, agreement=[file_id], ask_other_parent=False)
    assert sent["state"] == "in_steps"
    assert active(seen(family, request)) == ["birth_registration"], "laid out when it was sent, begun now"


def test_after_silence_one_may_ask_again(family: dict[str, CitizenPhone], clock: FixedClock) -> None:
    mother, father = family["mother"], family["father"]
    request = ask(family)
    clock.advance(days=8)
    mother.wallet.look_after_requests()
    for phone in (mother, father):
        phone.sign_in()
    assert supplement(family, request)["state"] == "awaiting_agreement"
    (mine,) = asked(father)
    assert reply(father, mine["id"], "agree").status_code == 204
    assert [each["state"] for each in seen(family, request)["agreements"]] == ["lapsed", "agreed"]


def test_a_request_that_is_withdrawn_asks_nobody_any_more(
    family: dict[str, CitizenPhone], unchanged: Unchanged, clock: FixedClock
) -> None:
    mother, father = family["mother"], family["father"]
    request = ask(family)
    (mine,) = asked(father)
    assert mother.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"}).status_code == 200
    with unchanged():
        assert asked(father) == []
        assert_refused(reply(father, mine["id"], "agree"), 409, "agreement_closed")
    clock.advance(days=8)
    assert mother.wallet.look_after_requests() is False


# --- Somebody leaves ------------------------------------------------------------------------------------------------


def close(phone: CitizenPhone) -> None:
    phone.step_up(4)
    assert phone.post("/v1/me/closure", {"confirm": "close"}).status_code == 201


def test_an_applicant_who_leaves_asks_nobody_any_more(family: dict[str, CitizenPhone], unchanged: Unchanged) -> None:
    mother, father, justice = family["mother"], family["father"], family["justice"]
    request = ask(family)
    (mine,) = asked(father)
    close(mother)
    with unchanged():
        assert asked(father) == []
        assert_refused(reply(father, mine["id"], "agree"), 409, "agreement_closed")
        assert justice.get("/v1/desk/requests").json["data"] == []
        assert justice.get("/v1/desk/steps").json["data"] == []
    with mother.wallet.read() as work:
        rows = work.request_services.rows
        assert {each.state for each in rows.agreements(request["id"])} == {"closed"}
        assert {each.state for each in rows.steps(request["id"])} == {"ended"}
    assert mother.wallet.look_after_requests() is False


def test_a_sub_task_of_somebody_who_left_lies_on_no_desk(family: dict[str, CitizenPhone], unchanged: Unchanged) -> None:
    mother, justice = family["mother"], family["justice"]
    request = ask(family, ask_other_parent=None)
    (step,) = justice.get("/v1/desk/steps").json["data"]
    assert step["request_id"] == request["id"]
    assert [(each["name"], each["label"]["en"], each["codes"], each.get("pattern")) for each in step["finds"]] == [
        ("registration_number", "Birth registration number", [], None),
        ("child_number", "Child's personal identification number", [], "[0-9]{12}"),
    ]
    close(mother)
    with unchanged():
        assert justice.get("/v1/desk/steps").json["data"] == []
    with mother.wallet.read() as work:
        left = work.request_services.rows.steps(request["id"])
        assert {(each.state, each.due_at) for each in left} == {("ended", None)}


def test_whoever_was_asked_and_leaves_keeps_nobody_waiting(family: dict[str, CitizenPhone]) -> None:
    mother, father = family["mother"], family["father"]
    request = ask(family)
    close(father)
    assert mother.wallet.look_after_requests() is True
    assert mother.wallet.look_after_requests() is False
    back = seen(family, request)
    assert (back["state"], [each["state"] for each in back["agreements"]]) == ("supplement_required", ["lapsed"])
    assert codes(mother).count("agreement_lapsed") == 1


# --- What is refused ------------------------------------------------------------------------------------------------


def test_it_is_answered_once_and_by_nobody_else(family: dict[str, CitizenPhone], unchanged: Unchanged) -> None:
    father = family["father"]
    request = ask(family)
    (mine,) = asked(father)
    with unchanged():
        for other in ("mother", "stranger", "justice"):
            assert asked(family[other]) == []
            assert_refused(reply(family[other], mine["id"], "agree"), 404, "not_found")
        assert_refused(reply(father, "agr_" + "0" * 32, "agree"), 404, "not_found")
        for wrong in ({}, {"answer": "yes"}, {"answer": True}, {"answer": "agree", "note": "x"}):
            path = f"/v1/me/agreements/{mine['id']}/answer"
            assert_refused(father.post(path, wrong), 422, "invalid_input")
        assert_refused(family["stranger"].get(f"/v1/requests/{request['id']}"), 404, "not_found")
        assert_refused(father.get(f"/v1/requests/{request['id']}"), 404, "not_found")
    assert reply(father, mine["id"], "agree", key="once").status_code == 204
    assert reply(father, mine["id"], "agree", key="once").status_code == 204
    with unchanged():
        assert_refused(reply(father, mine["id"], "decline"), 409, "agreement_closed")
    assert seen(family, request)["state"] == "in_steps"


def test_an_answer_needs_a_fresh_authentication(
    family: dict[str, CitizenPhone], unchanged: Unchanged, clock: FixedClock
) -> None:
    ask(family)
    (mine,) = asked(family["father"])
    clock.advance(minutes=6)
    with unchanged():
        assert_refused(reply(family["father"], mine["id"], "agree"), 401, "step_up_required")


@pytest.mark.parametrize("action", ["ask_agreement", "agree", "decline", "lapse"])
def test_an_applicant_answers_for_nobody(family: dict[str, CitizenPhone], unchanged: Unchanged, action: str) -> None:
    request = ask(family)
    with unchanged():
        response = family["mother"].post(f"/v1/requests/{request['id']}/moves", {"action": action})
        assert_refused(response, 409, "transition_not_allowed")
