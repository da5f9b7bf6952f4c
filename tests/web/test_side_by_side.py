"""What an officer sees beside the evidence: what was typed, and what a register has, of when and read when."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from tests.documents.people import actor_of, saying
from tests.phone import CitizenPhone
from tests.requests.test_six_services import asking, birth
from tests.support import GROUND
from tests.web.refusals import assert_refused
from tests.web.test_desk_reach import LIVED, about, colleague, report
from tests.web.test_drafts import ANSWERS, add_file, draft, edit
from tests.web.test_review_desk import ask, claim, decide, opened, paid, pay
from wallet.demo.personas import persona
from wallet.requests.models import RequestRow
from wallet.requests.sealed import open_content
from wallet.sources.base import RegisterCode
from wallet.utilities.answering import plain
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
HISTORY = "residence_history"


def beside(response: Any) -> dict[str, dict[str, Any]]:
    """Return the fields of a request that an officer opened, by name."""
    assert response.status_code == 200, response.text
    return {row["name"]: row for row in response.json["side_by_side"]}


def test_what_a_register_answered_stands_beside_what_was_typed(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    shown = opened(officer, request)
    rows = beside(shown)
    assert {name: row["typed"] for name, row in rows.items() if "typed" in row} == ANSWERS
    assert [name for name, row in rows.items() if "fact" in row] == [HISTORY], "no more than the form uses"
    register = wallet.registers[RegisterCode.RESIDENCE].read(citizen.persona.number, GROUND)
    fact = rows[HISTORY]["fact"]
    assert "typed" not in rows[HISTORY]
    assert fact["value"] == plain(register.values[HISTORY])
    assert (fact["source"], fact["source_name"]) == ("residence", {"vi": "cư trú", "en": "residence"})
    assert (fact["as_of"], fact["read_at"]) == (plain(register.as_of), "2026-03-02T05:00:00Z")
    assert all(row["label"].keys() == {"vi", "en"} and all(row["label"].values()) for row in rows.values())
    assert rows["purpose"]["codes"][0]["code"] == "job_application"
    assert [row["name"] for row in shown.json["side_by_side"]] == list(rows), "each field once"
    assert HISTORY not in citizen.get(f"/v1/requests/{request['id']}").json["answers"]


def test_it_stays_as_it_was_read_when_the_register_learns_more(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    before = beside(opened(officer, request))
    other = ({"from_day": "2010-01-01", "address": "Thôn 9", "kind": "permanent"},)
    officer.client.application.extensions["wallet"] = saying(wallet, RegisterCode.RESIDENCE, residence_history=other)
    assert beside(opened(officer, request)) == before


def test_a_supplement_is_read_anew(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note="Đề nghị ghi rõ.")
    other = ({"from_day": "2010-01-01", "address": "Thôn 9", "kind": "permanent"},)
    citizen.client.application.extensions["wallet"] = saying(wallet, RegisterCode.RESIDENCE, residence_history=other)
    moved = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert moved.status_code == 200, moved.text
    assert beside(opened(officer, request))[HISTORY]["fact"]["value"] == [dict(other[0])]


def test_what_no_register_knows_was_typed_and_has_no_fact(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("vang"), colleague(wallet, phone_of, "sau", "*")
    request = ask(citizen, {**ANSWERS, HISTORY: LIVED})
    if request["state"] == "awaiting_payment":
        pay(citizen, request)
    row = beside(opened(officer, request))[HISTORY]
    assert (row["typed"], row["files"]) == (LIVED, [])
    assert "fact" not in row


def test_evidence_stands_at_its_field(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), colleague(wallet, phone_of, "sau", "40")
    request = about(citizen, "tich")
    shown = opened(officer, request)
    row = beside(shown)["authority"]
    (file,) = row["files"]
    assert (row["typed"], file) == ([file["id"]], shown.json["files"][0])
    assert "fact" not in row


def test_a_file_that_no_answer_names_is_not_sent(
    phone_of: Make, wallet: Wallet, events: Callable[[str], list[dict[str, Any]]]
) -> None:
    citizen, officer, someone = phone_of("an"), colleague(wallet, phone_of, "sau", "40"), persona("tich")
    whom = {"number": someone.number, "full_name": someone.name, "birth_date": someone.birth}
    made = draft(citizen, ANSWERS, capacity="proxy", about=whom)
    path = f"/v1/requests/{made['id']}"

    def sent(action: str) -> tuple[str, str]:
        named, left = (add_file(citizen, made).json["id"] for _ in range(2))
        assert edit(citizen, made, {"authority": [named]}).status_code == 200
        assert citizen.post(f"{path}/moves", {"action": action}).status_code == 200
        return named, left

    first, left = sent("submit")
    if citizen.get(path).json["state"] == "awaiting_payment":
        pay(citizen, made)
    claim(officer, made)
    assert decide(officer, made, "request_supplement", reason="history_incomplete", note="Ghi rõ.").status_code == 200
    second, left_again = sent("supplement")
    assert [file["id"] for file in beside(opened(officer, made))["authority"]["files"]] == [second]
    for gone in (left, first, left_again):
        assert_refused(officer.get(f"/v1/desk{path[3:]}/files/{gone}?purpose=review"), 404, "not_found")
        assert_refused(citizen.get(f"{path}/files/{gone}"), 404, "not_found")
    removed = [event["file"] for event in events("request.file_removed")]
    assert (removed[0], sorted(removed[1:])) == (left, sorted([first, left_again]))


def test_an_agency_with_a_sub_task_sees_it_and_so_does_the_answer_to_what_it_reports(phone_of: Make) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    claim(officer, request)
    accepted = decide(officer, request, "accept")
    whole = beside(accepted)
    decide(officer, request, "verify")
    assert beside(opened(records, request)) == whole
    assert beside(report(records, request, "records_department")) == whole


def test_the_record_that_was_chosen_among_a_registers_own_is_shown_with_its_register(wallet: Wallet) -> None:
    request = asking(wallet, "birth_linked", birth(wallet), "noi")
    with wallet.read() as work:
        held = work.requests.get(request.id, actor_of(wallet, "noi")).held
    assert set(held) == {"notice_id"}
    assert held["notice_id"].register == RegisterCode.CIVIL_STATUS
    assert held["notice_id"].value["state"] == "notified"


def test_it_is_sealed_told_in_the_export_and_absent_from_what_was_sent_before(phone_of: Make, wallet: Wallet) -> None:
    citizen = phone_of("an")
    request = paid(citizen)
    whole = citizen.post("/v1/me/exports", {}).json
    (told,) = next(section["rows"] for section in whole["sections"] if section["code"] == "requests")
    assert told["held"][HISTORY]["register"] == "residence"
    with wallet.work() as work:
        row = work.session.scalar(select(RequestRow).where(RequestRow.id == request["id"]))
        assert row is not None
        assert b"residence" not in row.sealed
        earlier = json.dumps({"answers": ANSWERS, "about": None}).encode()
        row.sealed = work.holders.seal(row.holder_id, row.id, earlier)
        assert open_content(work.holders, row).held == {}
    assert "fact" not in str(opened(phone_of("reviewer3"), request).json["side_by_side"])


def test_what_a_sub_task_found_out_is_shown_to_who_decides_and_to_nobody_else(phone_of: Make) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    assert all("found" not in step for step in decide(officer, request, "verify").json["steps"])
    path = f"/v1/desk/requests/{request['id']}/steps/records_department"
    reported = records.post(path, {"found": {"outcome": "unconfirmed"}})
    assert reported.status_code == 200, reported.text
    assert "unconfirmed" not in reported.text, "an agency knows what it reported, and reads nothing of the others'"
    steps = {step["code"]: step for step in opened(officer, request).json["steps"]}
    label = {"vi": "Chưa xác nhận được", "en": "Could not be confirmed"}
    assert steps["records_department"]["found"] == [
        {
            "name": "outcome",
            "label": {"vi": "Kết quả xác minh", "en": "Result of the check"},
            "value": "unconfirmed",
            "codes": [{"name": "outcome", "code": "unconfirmed", "label": label}],
        }
    ]
    assert [code for code, step in steps.items() if "found" in step] == ["records_department"]
    assert "unconfirmed" not in citizen.get(f"/v1/requests/{request['id']}").text
