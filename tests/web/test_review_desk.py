"""A request over HTTP from the cash desk over the review desk to the document, and everything that is refused there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.documents.people import admin_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_drafts import ANSWERS, JUDICIAL, add_file, draft, edit
from wallet.demo.personas import persona
from wallet.documents.models import DocumentRow
from wallet.identity.accounts import Grant
from wallet.messages.models import NoticeRow
from wallet.payments.models import PaymentRow
from wallet.settings import Settings
from wallet.sources.models import Citizen
from wallet.terms import StaffRole
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

REPORT = {
    "category": "black_credit",
    "commune": "00167",
    "happened_at": "2026-03-01T20:00:00+07:00",
    "text": "Có người dán tờ rơi cho vay nặng lãi trước cổng trường.",
    "may_contact": True,
}
FEE = 200_000
NOTE = "Đề nghị ghi rõ thời gian làm việc."


def ask(phone: CitizenPhone, answers: Any = ANSWERS) -> dict[str, Any]:
    response = phone.post("/v1/requests", {"utility": JUDICIAL, "answers": answers})
    assert response.status_code == 201, response.text
    return response.json or {}


def settle(phone: CitizenPhone, payment: dict[str, Any], outcome: str = "success", amount: int = FEE) -> Any:
    path = "/v1" + payment["address"].partition("/v1")[2]
    return phone.client.post(path, json={"outcome": outcome, "amount": amount})


def pay(phone: CitizenPhone, request: dict[str, Any]) -> None:
    (payment,) = phone.get(f"/v1/requests/{request['id']}/payments").json["data"]
    assert settle(phone, payment).json == {"state": "paid"}


def paid(phone: CitizenPhone, answers: Any = ANSWERS) -> dict[str, Any]:
    request = ask(phone, answers)
    assert (request["state"], request["fee_due"]) == ("awaiting_payment", FEE)
    pay(phone, request)
    return phone.get(f"/v1/requests/{request['id']}").json


def opened(officer: CitizenPhone, request: dict[str, Any], purpose: str = "review") -> Any:
    return officer.get(f"/v1/desk/requests/{request['id']}?purpose={purpose}")


def decide(officer: CitizenPhone, request: dict[str, Any], action: str, version: str = "", **word: str) -> Any:
    etag = version or opened(officer, request).headers["ETag"]
    path = f"/v1/desk/requests/{request['id']}/decisions"
    return officer.post(path, {"action": action, **word}, headers={"If-Match": etag})


def claim(officer: CitizenPhone, request: dict[str, Any]) -> Any:
    return officer.call("PUT", f"/v1/desk/requests/{request['id']}/claim")


def test_a_request_goes_from_the_cash_desk_to_the_document(phone_of: Make, events: Events) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    assert (request["state"], request["actions"]) == ("submitted", ["withdraw"])
    assert request["due_at"]
    (lying,) = officer.get("/v1/desk/requests").json["data"]
    assert (lying["id"], lying["clock"], lying["province"]) == (request["id"], "on_time", "01")
    assert "099" not in str(lying).replace(request["id"], ""), "the queue says nothing of the person"
    whole = opened(officer, request)
    assert whole.json["holder"]["full_name"] == citizen.persona.name
    assert [each["action"] for each in whole.json["decisions"]] == ["accept", "request_supplement", "reject"]
    assert claim(officer, request).json["claimed_by"] == officer.get("/v1/me").json["account_id"]
    assert decide(officer, request, "accept").json["state"] == "accepted"
    issued = decide(officer, request, "approve")
    assert issued.status_code == 200, issued.text
    assert issued.json["state"] == "issued"
    final = citizen.get(f"/v1/requests/{request['id']}").json
    steps = ["ask_payment", "pay", "accept", "approve"]
    assert [entry["action"] for entry in final["timeline"]] == steps
    assert "due_at" not in final
    document = citizen.get(f"/v1/documents/{final['document_id']}").json
    assert (document["kind"], document["state"]) == ("judicial_record_1", "valid")
    reading = events("request.read")[-1]
    assert (reading["purpose"], reading["request"]) == ("review", request["id"])
    seen = citizen.get("/v1/me/access-history").json["data"]
    look = next(row for row in seen if row["data"] == "request")
    assert (look["who"], look["agency"], look["purpose"]) == ("staff", "province_police", "review")
    assert citizen.persona.name not in str(seen)


def test_a_supplement_stops_the_clock_and_starts_it_again(phone_of: Make, clock: FixedClock) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    asked = decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
    assert asked.json["state"] == "supplement_required"
    seen = citizen.get(f"/v1/requests/{request['id']}").json
    assert "due_at" not in seen
    assert (seen["timeline"][-1]["reason"], seen["timeline"][-1]["note"]) == ("history_incomplete", NOTE)
    assert seen["actions"] == ["supplement", "withdraw"]
    clock.advance(days=20)
    citizen.sign_in()
    jobs = [*ANSWERS["occupations"], {"from_day": "2020-01-01", "job": "Lái xe"}]
    assert edit(citizen, request, {"occupations": jobs}).status_code == 200
    again = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert again.status_code == 200, again.text
    assert again.json["state"] == "submitted"
    assert again.json["due_at"] > request["due_at"]


def test_a_supplement_costs_no_more_than_was_told(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    """Nobody would ask for the difference; and what the fee has become since is no fault of the applicant's."""
    paper = {"copies": "electronic_and_paper", "paper_copies": 3, "delivery": "collect"}
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = ask(citizen, {**ANSWERS, **paper})
    assert request["fee_due"] == FEE + 5_000
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    settle(citizen, payment, amount=FEE + 5_000)
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
    path = f"/v1/requests/{request['id']}/moves"
    assert edit(citizen, request, {"paper_copies": 20}).status_code == 200
    with unchanged():
        assert_refused(citizen.post(path, {"action": "supplement"}), 409, "costs_more")
    assert edit(citizen, request, {"paper_copies": 2}).status_code == 200
    again = citizen.post(path, {"action": "supplement"}).json
    assert (again["state"], again["fee"], again["rules_version"]) == ("submitted", request["fee"], "2010-07")


def test_a_supplement_after_the_support_has_ended_costs_what_was_told(phone_of: Make, clock: FixedClock) -> None:
    clock.set(datetime(2027, 12, 20, 2, tzinfo=UTC))
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = ask(citizen)
    assert (request["state"], request["fee_due"]) == ("submitted", 0)
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
    clock.advance(days=20)
    citizen.sign_in()
    again = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"}).json
    assert (again["state"], again["fee"]) == ("submitted", request["fee"])


def no_longer_poor(wallet: Wallet, key: str) -> None:
    with wallet.nation.write() as session:
        session.execute(update(Citizen).where(Citizen.number == persona(key).number).values(exemptions=None))


def test_what_a_register_learnt_meanwhile_makes_no_supplement_cost_more(phone_of: Make, wallet: Wallet) -> None:
    """Free when it was sent, and today it would not be: the answers are no dearer than those that were sent."""
    citizen, officer = phone_of("doi"), phone_of("reviewer3")
    request = ask(citizen, ANSWERS | {"office": "01"})
    assert (request["state"], request["fee_due"]) == ("submitted", 0)
    path = f"/v1/requests/{request['id']}/moves"
    for change in ({}, {"occupations": [*ANSWERS["occupations"], {"from_day": "2020-01-01", "job": "Lái xe"}]}):
        claim(officer, request)
        decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
        no_longer_poor(wallet, "doi")
        if change:
            assert edit(citizen, request, change).status_code == 200
        seen = citizen.get(f"/v1/requests/{request['id']}/preview").json
        assert (seen["ready"], seen["fee"]) == (True, request["fee"])
        again = citizen.post(path, {"action": "supplement"})
        assert again.status_code == 200, again.text
        assert (again.json["state"], again.json["fee"]) == ("submitted", request["fee"])


def test_what_costs_more_by_its_answers_is_refused_whatever_registers_state_now(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    paper = {"copies": "electronic_and_paper", "paper_copies": 2, "delivery": "collect", "office": "01"}
    citizen, officer = phone_of("doi"), phone_of("reviewer3")
    request = ask(citizen, {**ANSWERS, **paper})
    path = f"/v1/requests/{request['id']}/moves"
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
    no_longer_poor(wallet, "doi")
    for copies in (3, 20):
        assert edit(citizen, request, {"paper_copies": copies}).status_code == 200
        with unchanged():
            assert_refused(citizen.post(path, {"action": "supplement"}), 409, "costs_more")
    assert edit(citizen, request, {"paper_copies": 1}).status_code == 200
    assert citizen.post(path, {"action": "supplement"}).json["state"] == "submitted"


def test_fewer_copies_and_then_as_many_as_were_paid_for_is_no_more(phone_of: Make) -> None:
    """What was sent first is what the fee was told for, however often it is supplemented."""
    paper = {"copies": "electronic_and_paper", "paper_copies": 3, "delivery": "collect"}
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = ask(citizen, {**ANSWERS, **paper})
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    settle(citizen, payment, amount=FEE + 5_000)
    path = f"/v1/requests/{request['id']}/moves"
    for copies, status in ((1, 200), (3, 200), (4, 409)):
        claim(officer, request)
        decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
        assert edit(citizen, request, {"paper_copies": copies}).status_code == 200
        assert citizen.post(path, {"action": "supplement"}).status_code == status


def test_a_sub_task_that_ends_is_named_in_the_timeline(phone_of: Make) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    decide(officer, request, "verify")
    path = f"/v1/desk/requests/{request['id']}/steps/records_department"
    assert records.post(path, {"found": {"outcome": "confirmed"}}).status_code == 200
    timeline = citizen.get(f"/v1/requests/{request['id']}").json["timeline"]
    ended = [(entry["action"], entry["step"], entry["step_name"]["vi"]) for entry in timeline if "step" in entry]
    assert ended == [("step_done", "records_department", "Tra cứu dữ liệu lý lịch tư pháp")]


def test_overdue_is_told_with_an_apology_and_a_new_date_and_decides_nothing(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    request = paid(citizen)
    assert wallet.look_after_requests() is False
    clock.advance(days=30)
    assert wallet.look_after_requests() is True
    assert wallet.look_after_requests() is False
    citizen.sign_in()
    seen = citizen.get(f"/v1/requests/{request['id']}").json
    assert (seen["state"], seen["apologies"]) == ("submitted", 1)
    assert seen["due_at"] > request["due_at"]
    assert seen["timeline"][-1]["action"] == "apology"
    assert seen["timeline"][-1]["expected_at"] == seen["due_at"]
    codes = [notice["code"] for notice in citizen.get("/v1/notices").json["data"]]
    assert "request_overdue" in codes


def test_another_desk_sees_nothing(phone_of: Make, unchanged: Unchanged) -> None:
    request = paid(phone_of("an"))
    strangers = [phone_of(key) for key in ("reviewer1", "reviewer2", "reviewer5")]
    with unchanged():
        for stranger in strangers:
            assert request["id"] not in stranger.get("/v1/desk/requests").text
            assert_refused(opened(stranger, request), 404, "not_found")
            assert_refused(claim(stranger, request), 404, "not_found")
            assert_refused(decide(stranger, request, "approve", '"v1"'), 404, "not_found")


def test_a_draft_and_an_unpaid_request_lie_on_no_desk(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    made, unpaid = draft(citizen), ask(citizen)
    with unchanged():
        assert officer.get("/v1/desk/requests").json["data"] == []
        assert_refused(opened(officer, made), 404, "not_found")
        for request in (made, unpaid):
            assert_refused(decide(officer, request, "approve", '"v2"'), 404, "not_found")


def test_nothing_is_decided_out_of_hand_without_its_reason_or_on_an_old_view(
    phone_of: Make, unchanged: Unchanged
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    with unchanged():
        assert_refused(decide(officer, request, "accept"), 409, "not_claimed")
    claim(officer, request)
    old = '"v1"'
    with unchanged():
        assert_refused(decide(officer, request, "accept", old), 412, "version_changed")
        for word, faults in (
            ({}, {"/reason": "required", "/note": "required"}),
            ({"reason": "data_mismatch", "note": NOTE}, {"/reason": "not_a_choice"}),
            ({"reason": "history_incomplete"}, {"/note": "required"}),
        ):
            body = assert_refused(decide(officer, request, "request_supplement", **word), 422, "invalid_input")
            assert {each["pointer"]: each["code"] for each in body["errors"]} == faults
        body = assert_refused(decide(officer, request, "accept", reason="data_mismatch"), 422, "invalid_input")
        assert_refused(decide(officer, request, "approve"), 409, "transition_not_allowed")
        assert_refused(decide(officer, request, "submit"), 409, "transition_not_allowed")
        path = f"/v1/desk/requests/{request['id']}"
        assert_refused(officer.get(path), 422, "invalid_input")
        assert_refused(opened(officer, request, "curiosity"), 422, "invalid_input")
        no_match = officer.post(f"{path}/decisions", {"action": "accept"})
        assert_refused(no_match, 428, "if_match_required")


def test_a_decision_needs_a_fresh_authentication(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    etag = opened(officer, request).headers["ETag"]
    clock.advance(minutes=6)
    with unchanged():
        assert_refused(decide(officer, request, "accept", etag), 401, "step_up_required")


def test_nobody_decides_about_oneself(phone_of: Make, unchanged: Unchanged) -> None:
    officer = phone_of("reviewer3")
    own = paid(officer)
    with unchanged():
        assert_refused(opened(officer, own), 403, "not_for_oneself")
        assert_refused(claim(officer, own), 403, "not_for_oneself")


def test_a_request_is_in_one_pair_of_hands(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    citizen, officer, colleague = phone_of("an"), phone_of("reviewer3"), phone_of("sau")
    with wallet.work() as work:
        account = colleague.get("/v1/me").json["account_id"]
        work.accounts.grant(account, Grant(StaffRole.REVIEWER, "province_police", "01"), admin_of(wallet))
    request = paid(citizen)
    claim(officer, request)
    path = f"/v1/desk/requests/{request['id']}"
    with unchanged():
        assert_refused(claim(colleague, request), 409, "claimed_by_another")
        assert_refused(colleague.call("DELETE", f"{path}/claim"), 409, "not_claimed")
        assert_refused(colleague.post(f"{path}/hand-over", {"officer": account}), 422, "invalid_input")
        nobody = {"officer": "acc_" + "0" * 32}
        assert_refused(officer.post(f"{path}/hand-over", nobody), 422, "invalid_input")
    handed = officer.post(f"{path}/hand-over", {"officer": account})
    assert handed.json["claimed_by"] == account
    assert_refused(decide(officer, request, "accept"), 409, "not_claimed")
    assert decide(colleague, request, "accept").json["state"] == "accepted"
    assert "claimed_by" not in colleague.call("DELETE", f"{path}/claim").json


def test_what_someone_left_behind_who_is_gone_is_free(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    with wallet.work() as work:
        gone = "acc_" + "1" * 32
        assert work.request_services.rows.claim(request["id"], gone, wallet.clock.now(), held_by=None)
    assert claim(officer, request).status_code == 200


# --- The cash desk --------------------------------------------------------------------------------------------------


def test_a_payment_counts_once_however_often_it_is_told(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    assert payment["amount"] == FEE
    with unchanged():
        assert_refused(settle(citizen, payment, amount=FEE - 1), 409, "other_amount")
    assert settle(citizen, payment).json == {"state": "paid"}
    with unchanged():
        assert settle(citizen, payment).json == {"state": "paid"}
        assert settle(citizen, payment, "failure").json == {"state": "paid"}
        assert_refused(citizen.post(f"/v1/requests/{request['id']}/payments"), 409, "nothing_to_pay")
    timeline = citizen.get(f"/v1/requests/{request['id']}").json["timeline"]
    assert [entry["action"] for entry in timeline] == ["ask_payment", "pay"]


def test_after_a_failure_one_pays_again(phone_of: Make) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    (first,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    assert settle(citizen, first, "failure").json == {"state": "failed"}
    assert citizen.get(f"/v1/requests/{request['id']}").json["state"] == "awaiting_payment"
    second = citizen.post(f"/v1/requests/{request['id']}/payments").json
    assert second["id"] != first["id"]
    assert citizen.post(f"/v1/requests/{request['id']}/payments").json["id"] == second["id"]
    settle(citizen, second)
    assert citizen.get(f"/v1/requests/{request['id']}").json["state"] == "submitted"


def test_money_that_comes_late_is_owed_back_and_pays_for_nothing(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    clock.advance(timedelta(minutes=31))
    assert wallet.look_after_requests() is True
    assert settle(citizen, payment).json == {"state": "refund_due"}
    assert settle(citizen, payment).json == {"state": "refund_due"}
    citizen.sign_in()
    assert citizen.get(f"/v1/requests/{request['id']}").json["state"] == "awaiting_payment"
    codes = [notice["code"] for notice in citizen.get("/v1/notices").json["data"]]
    assert codes.count("payment_late") == codes.count("payment_expired") == 1


def test_of_two_payments_of_one_request_one_pays_and_the_other_is_owed_back(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    path = f"/v1/requests/{request['id']}/payments"
    clock.advance(timedelta(minutes=31))  # over, and no job has looked after it
    citizen.sign_in(password=True)
    second = citizen.post(path).json
    first, also = citizen.get(path).json["data"]
    assert (first["state"], also["state"], also["id"]) == ("expired", "open", second["id"])
    with wallet.db.write() as session:
        # As a deployment may have kept it from before: both stand open.
        session.execute(update(PaymentRow).where(PaymentRow.id == first["id"]).values(state="open"))
    assert settle(citizen, second).json == {"state": "paid"}
    assert settle(citizen, first).json == {"state": "refund_due"}
    assert settle(citizen, first).json == {"state": "refund_due"}
    assert settle(citizen, second).json == {"state": "paid"}
    assert [each["state"] for each in citizen.get(path).json["data"]] == ["refund_due", "paid"]
    timeline = citizen.get(f"/v1/requests/{request['id']}").json["timeline"]
    assert [entry["action"] for entry in timeline] == ["ask_payment", "pay"]
    codes = [notice["code"] for notice in citizen.get("/v1/notices").json["data"]]
    assert codes.count("payment_late") == codes.count("payment_expired") == 1


def test_withdrawing_closes_what_is_open(phone_of: Make, wallet: Wallet) -> None:
    citizen = phone_of("an")
    request = ask(citizen)
    withdrawn = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
    assert withdrawn.json["state"] == "withdrawn"
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    assert payment["state"] == "abandoned"
    assert settle(citizen, payment).json == {"state": "refund_due"}
    assert_refused(
        citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"}), 409, "transition_not_allowed"
    )


def on_every_path(officer: CitizenPhone, request: dict[str, Any], file_id: str) -> list[Any]:
    """Try everything that can be done with a request at the desk."""
    path = f"/v1/desk/requests/{request['id']}"
    return [
        opened(officer, request),
        officer.get(f"{path}/files/{file_id}?purpose=review"),
        officer.get(f"{path}/papers/slip-1?purpose=review"),
        officer.get(f"{path}/papers/slip-1/paper.pdf?purpose=review"),
        claim(officer, request),
        officer.call("DELETE", f"{path}/claim"),
        officer.post(f"{path}/hand-over", {"officer": officer.get("/v1/me").json["account_id"]}),
        officer.post(f"{path}/decisions", {"action": "accept"}, headers={"If-Match": '"v2"'}),
        officer.post(f"{path}/steps/records_check", {"found": {}}),
    ]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_was_not_paid_has_come_to_no_desk(phone_of: Make, unchanged: Unchanged, withdrawn: bool) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    made = draft(citizen, ANSWERS)
    file_id = add_file(citizen, made).json["id"]
    moves = f"/v1/requests/{made['id']}/moves"
    assert citizen.post(moves, {"action": "submit"}).json["state"] == "awaiting_payment"
    if withdrawn:
        assert citizen.post(moves, {"action": "withdraw"}).json["state"] == "withdrawn"
    with unchanged():
        assert officer.get("/v1/desk/requests").json["data"] == []
        for answer in on_every_path(officer, made, file_id):
            assert_refused(answer, 404, "not_found")


def test_what_is_paid_lies_on_its_desk_and_stays_open_to_it(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = ask(citizen)
    assert_refused(opened(officer, request), 404, "not_found")
    pay(citizen, request)
    assert [each["id"] for each in officer.get("/v1/desk/requests").json["data"]] == [request["id"]]
    assert opened(officer, request).status_code == 200
    assert claim(officer, request).status_code == 200
    citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
    assert opened(officer, request).json["state"] == "withdrawn", "what an office had in hand it may look up"


def test_closing_the_account_closes_what_was_to_be_paid(phone_of: Make, wallet: Wallet, events: Events) -> None:
    """Money that comes all the same is owed back, and nothing is written to who is not there."""
    citizen = phone_of("an")
    request = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    citizen.step_up(4)
    assert citizen.post("/v1/me/closure", {"confirm": "close"}).status_code == 201
    with wallet.read() as work:
        assert [each.state for each in work.paying.of_request(request["id"])] == ["abandoned"]
    assert settle(citizen, payment).json == {"state": "refund_due"}
    assert [each["request"] for each in events("payment.refund_due")] == [request["id"]]
    assert wallet.look_after_requests() is False
    with wallet.db.read() as session:
        own = select(func.count()).where(NoticeRow.account_id == events("account.erased")[0]["subject"])
        assert session.scalar(own) == 0


@pytest.mark.parametrize("action", ["ask_payment", "pay", "accept", "approve", "verified", "no_such_move"])
def test_a_citizen_makes_no_move_of_anybody_else(phone_of: Make, unchanged: Unchanged, action: str) -> None:
    citizen = phone_of("an")
    request = paid(citizen)
    with unchanged():
        response = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": action})
        assert_refused(response, 409, "transition_not_allowed")


def test_an_officer_reads_a_file_and_it_is_written_down(phone_of: Make, events: Events) -> None:
    """A report with a photo: whoever opens it does so for a purpose, and nobody else does at all."""
    citizen, officer = phone_of("an"), phone_of("reviewer2")
    made = citizen.post("/v1/requests", {"utility": "security_report", "answers": REPORT, "draft": True}).json
    file_id = add_file(citizen, made, "photos").json["id"]
    edit(citizen, made, {"photos": [file_id]})
    sent = citizen.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
    assert sent.status_code == 200, sent.text
    path = f"/v1/desk/requests/{made['id']}/files/{file_id}"
    assert officer.get(f"{path}?purpose=review").data.startswith(b"\x89PNG")
    assert events("request.read")[-1]["file"] == file_id
    assert_refused(officer.get(path), 422, "invalid_input")
    assert_refused(phone_of("reviewer3").get(f"{path}?purpose=review"), 404, "not_found")


def test_what_is_issued_stands_once_and_a_second_decision_changes_nothing(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    etag = opened(officer, request).headers["ETag"]
    first = decide(officer, request, "approve", etag)
    assert first.status_code == 200, first.text
    assert_refused(decide(officer, request, "approve", etag), 409, "not_claimed")
    with wallet.db.read() as session:
        issued = select(func.count()).select_from(DocumentRow).where(DocumentRow.request_id == request["id"])
        assert session.scalar(issued) == 1


def test_without_a_provider_nothing_is_paid_and_nothing_counts_as_paid(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    """A played payment pays nothing: a deployment in production has none unless it says so."""
    assert Settings.from_environ({}).embedded_payments
    assert not Settings.from_environ({"WALLET_MODE": "production"}).embedded_payments
    citizen = phone_of("an")
    request = ask(citizen)
    (payment,) = citizen.get(f"/v1/requests/{request['id']}/payments").json["data"]
    without = replace(wallet, settings=replace(wallet.settings, embedded_payments=False))
    client = create_app(without).test_client()
    reference = payment["address"].rpartition("/")[2]
    order = {"outcome": "success", "amount": FEE}
    with unchanged():
        assert_refused(client.post(f"/v1/sandbox/payments/{reference}", json=order), 404, "not_found")
        headers = {**citizen.headers, "Idempotency-Key": "no-provider"}
        asked = client.post("/v1/requests", json={"utility": JUDICIAL, "answers": ANSWERS}, headers=headers)
        assert_refused(asked, 503, "payment_unavailable")
