"""The receipt slip and the letters of a request: what they say, that they say it for ever, and who never sees them."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.documents.forms.test_pdf_text import MARK, pages_of, run_together
from tests.enrolment.people import SON, amend
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_desk_reach import about, account_of, looks, report
from tests.web.test_drafts import ANSWERS, JUDICIAL, draft, edit
from tests.web.test_gone_utility import moved
from tests.web.test_review_desk import FEE, NOTE, claim, decide, paid, settle
from tests.web.test_review_desk import REPORT as SECURITY_REPORT
from tests.web.test_wards import for_ward
from wallet.held import Person
from wallet.requests.held import RequestsHeld
from wallet.terms import SAMPLE_MARK
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]


def paper(phone: CitizenPhone, request: dict[str, Any], paper_id: str, **options: Any) -> Any:
    return phone.get(f"/v1/requests/{request['id']}/papers/{paper_id}", **options)


def printed(phone: CitizenPhone, request: dict[str, Any], paper_id: str) -> Any:
    return phone.get(f"/v1/requests/{request['id']}/papers/{paper_id}/paper.pdf")


def papers(phone: CitizenPhone, request: dict[str, Any]) -> list[str]:
    return [each["id"] for each in phone.get(f"/v1/requests/{request['id']}").json["papers"]]


def accepted(citizen: CitizenPhone, officer: CitizenPhone) -> dict[str, Any]:
    request = paid(citizen)
    claim(officer, request)
    assert decide(officer, request, "accept").json["state"] == "accepted"
    return request


# --- The slip -------------------------------------------------------------------------------------------------------


def test_a_slip_is_made_out_as_the_office_takes_the_request_in(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    assert papers(citizen, request) == ["slip-1"]
    slip = paper(citizen, request, "slip-1").json
    assert slip["title"]["vi"] == "Giấy tiếp nhận hồ sơ và hẹn trả kết quả"
    assert slip["number"] == f"{request['number']}/TNHS-1"
    assert (slip["request_number"], slip["utility"]) == (request["number"], JUDICIAL)
    assert slip["agency"] == {
        "vi": "Công an cấp tỉnh, Thành phố Hà Nội",
        "en": "Police of the province, Thành phố Hà Nội",
    }
    assert slip["applicant"] == citizen.persona.name
    assert slip["term"] == {"vi": "10 ngày làm việc", "en": "10 working day(s)"}
    assert slip["due_at"] == request["due_at"]
    assert slip["received_at"] == request["submitted_at"]
    assert [(line["code"], line["amount"]) for line in slip["fee"]] == [("fee", FEE)]
    assert slip["fee_due"] == FEE
    assert slip["evidence"] == [{"name": {"vi": "Tờ khai điện tử", "en": "The electronic form"}, "files": 0}]
    assert request["number"] in slip["ask"]["vi"]
    assert slip["sample_mark"] == SAMPLE_MARK
    assert slip.keys().isdisjoint({"promised", "reason", "waiting_for", "about"})
    assert citizen.persona.number not in str(slip), "whoever is shown the slip needs no number"


def test_a_slip_is_printed_in_the_frame_of_papers_and_every_page_says_that_it_is_a_sample(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    response = printed(citizen, request, "slip-1")
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/pdf"
    (text,) = pages_of(response.data)
    together = run_together(text)
    assert together.startswith(MARK)
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "CÔNG AN CẤP TỈNH, THÀNH PHỐ HÀ NỘI",
        "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ",
        f"{request['number']}/TNHS-1",
        citizen.persona.name,
        "10 ngày làm việc / 10 working day(s)",
        "Phải nộp: 200.000 đồng / To pay: 200.000 VND",
        "Tờ khai điện tử",
    ):
        assert run_together(words) in together, words
    assert text.index("Mã hồ sơ") < text.index("Request number"), "Vietnamese first"
    etag = response.headers["ETag"]
    path = f"/v1/requests/{request['id']}/papers/slip-1/paper.pdf"
    assert citizen.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_a_slip_lists_what_was_handed_in_and_about_whom_a_proxy_asks(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    someone = phone_of("reviewer2")
    request = about(citizen, "reviewer2")
    claim(officer, request)
    assert decide(officer, request, "accept").json["state"] == "accepted"
    slip = paper(citizen, request, "slip-1").json
    assert (slip["applicant"], slip["about"]) == (citizen.persona.name, someone.persona.name)
    assert [each["files"] for each in slip["evidence"]] == [0, 1]
    assert slip["evidence"][1]["name"]["vi"]
    assert_refused(paper(someone, request, "slip-1"), 404, "not_found")


def test_a_slip_says_the_same_for_ever_and_a_supplement_has_a_new_one(phone_of: Make, clock: FixedClock) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    first, drawn = paper(citizen, request, "slip-1"), printed(citizen, request, "slip-1").data
    decide(officer, request, "request_supplement", reason="history_incomplete", note=NOTE)
    clock.advance(days=20)
    for phone in (citizen, officer):
        phone.sign_in()
    jobs = [*ANSWERS["occupations"], {"from_day": "2020-01-01", "job": "Lái xe"}]
    assert edit(citizen, request, {"occupations": jobs}).status_code == 200
    again = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert again.status_code == 200, again.text
    assert papers(citizen, request) == ["slip-1"], "it is promised when it is taken in"
    claim(officer, request)
    decide(officer, request, "accept")
    assert papers(citizen, request) == ["slip-1", "slip-2"]
    second = paper(citizen, request, "slip-2").json
    assert second["due_at"] > first.json["due_at"]
    assert second["received_at"] > first.json["received_at"]
    assert second["fee"] == first.json["fee"]
    assert decide(officer, request, "approve").json["state"] == "issued"
    assert paper(citizen, request, "slip-1").json == first.json
    assert printed(citizen, request, "slip-1").data == drawn


def test_papers_outlive_the_utility(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    before, drawn = paper(citizen, request, "slip-1").json, printed(citizen, request, "slip-1").data
    left = {plugin.utility.code: plugin for plugin in wallet.catalogue if plugin.utility.code != JUDICIAL}
    moved(citizen, replace(wallet, catalogue=Catalogue(left)))
    assert paper(citizen, request, "slip-1").json == before
    assert printed(citizen, request, "slip-1").data == drawn


def test_a_report_is_promised_an_answer_when_the_desk_takes_it(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer2")
    sent = citizen.post("/v1/requests", {"utility": "security_report", "answers": SECURITY_REPORT}).json
    assert papers(citizen, sent) == []
    claim(officer, sent)
    assert decide(officer, sent, "accept").status_code == 200
    assert paper(citizen, sent, "slip-1").json["service"]["vi"]
    stranger = phone_of("reviewer3")
    with unchanged():
        assert_refused(stranger.get(f"/v1/desk/requests/{sent['id']}/papers/slip-1?purpose=review"), 404, "not_found")


def test_what_is_answered_at_once_or_only_told_has_no_slip(phone_of: Make) -> None:
    citizen = phone_of("an")
    made = citizen.post("/v1/requests", {"utility": "residence", "answers": {}}).json
    assert papers(citizen, made) == []


# --- Letters --------------------------------------------------------------------------------------------------------


def test_each_broken_promise_has_its_letter_and_none_changes(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    clock.advance(days=30)
    assert wallet.look_after_requests() is True
    assert wallet.look_after_requests() is False
    citizen.sign_in()
    seen = citizen.get(f"/v1/requests/{request['id']}").json
    assert [each["id"] for each in seen["papers"]] == ["slip-1", "letter-1"]
    letter = paper(citizen, request, "letter-1").json
    assert letter["title"]["vi"] == "Phiếu xin lỗi và hẹn lại ngày trả kết quả"
    assert (letter["number"], letter["kind"]) == (f"{request['number']}/XLHL-1", "letter")
    assert (letter["promised"], letter["due_at"]) == (request["due_at"], seen["due_at"])
    assert (letter["reason"], letter["waiting_for"]) == ("overdue", [])
    assert letter["received_at"] == request["submitted_at"]
    assert "xin lỗi Ông/Bà" in letter["statement"]["vi"]
    assert "apologises to you" in letter["statement"]["en"]
    assert letter.keys().isdisjoint({"fee", "evidence"})
    drawn = printed(citizen, request, "letter-1").data
    (text,) = pages_of(drawn)
    assert run_together(text).startswith(MARK)
    last_day = datetime.fromisoformat(seen["due_at"]) - timedelta(seconds=1)
    assert run_together(f"hết ngày {last_day.astimezone(UTC) + timedelta(hours=7):%d/%m/%Y}") in run_together(text)
    clock.advance(days=30)
    assert wallet.look_after_requests() is True
    citizen.sign_in()
    assert papers(citizen, request) == ["slip-1", "letter-1", "letter-2"]
    second = paper(citizen, request, "letter-2").json
    assert second["promised"] == letter["due_at"]
    assert paper(citizen, request, "letter-1").json == letter
    assert printed(citizen, request, "letter-1").data == drawn


def test_more_time_to_verify_is_said_in_a_letter_without_a_delay(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    assert decide(officer, request, "verify").json["state"] == "verifying"
    seen = citizen.get(f"/v1/requests/{request['id']}").json
    assert ([each["id"] for each in seen["papers"]], seen["apologies"]) == (["slip-1", "letter-1"], 0)
    letter = paper(citizen, request, "letter-1").json
    assert (letter["reason"], letter["promised"]) == ("extended", request["due_at"])
    assert letter["due_at"] == seen["due_at"] > request["due_at"]
    assert letter["term"]["vi"] == "15 ngày làm việc"
    assert "chưa trả kết quả" not in letter["statement"]["vi"], "nothing is late yet"


def test_a_letter_names_the_step_that_is_waited_for(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = accepted(citizen, officer)
    decide(officer, request, "verify")
    report(records, request, "records_department")
    clock.advance(days=60)
    assert wallet.look_after_requests() is True
    citizen.sign_in()
    letter = paper(citizen, request, "letter-2").json
    assert letter["reason"] == "waiting_for_step"
    (waited,) = letter["waiting_for"]
    assert waited["step"] == "province_police"
    assert waited["name"]["vi"]
    assert waited["agency"]["vi"] == "Công an cấp tỉnh"
    entry = citizen.get(f"/v1/requests/{request['id']}").json["timeline"][-1]
    assert (entry["action"], entry["step"]) == ("apology", "province_police")


# --- Who sees them --------------------------------------------------------------------------------------------------


def test_a_guardian_reads_the_papers_of_a_ward_and_the_ward_of_nobody_else(
    phone_of: Make, unchanged: Unchanged, wallet: Wallet
) -> None:
    guardian, officer = phone_of("an"), phone_of("reviewer3")
    ward = guardian.post("/v1/me/wards", {"number": SON}).json
    amend(wallet, SON, birth_date="2009-02-03")  # a correction: old enough for a certificate
    stranger = phone_of("binh")
    answers = ANSWERS | {"occupations": [{"from_day": "2025-03-01", "job": "Học sinh"}]}
    made = guardian.post("/v1/requests", {"utility": JUDICIAL, "answers": answers}, **for_ward(ward))
    assert made.status_code == 201, made.text
    request = made.json
    (payment,) = guardian.get(f"/v1/requests/{request['id']}/payments", **for_ward(ward)).json["data"]
    assert settle(guardian, payment).json == {"state": "paid"}
    claim(officer, request)
    assert decide(officer, request, "accept").status_code == 200
    slip = paper(guardian, request, "slip-1", **for_ward(ward))
    assert slip.status_code == 200, slip.text
    assert slip.json["applicant"] != guardian.persona.name
    with unchanged():
        assert_refused(paper(guardian, request, "slip-1"), 404, "not_found")
        assert_refused(paper(stranger, request, "slip-1"), 404, "not_found")


def test_nobody_reads_a_paper_of_somebody_else_or_one_that_there_is_not(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, officer, stranger = phone_of("an"), phone_of("reviewer3"), phone_of("sau")
    request, begun = accepted(citizen, officer), draft(citizen)
    desk = f"/v1/desk/requests/{request['id']}/papers/slip-1"
    others = [phone_of(key) for key in ("reviewer1", "reviewer2", "reviewer5")]
    with unchanged():
        for get in (paper, printed):
            assert_refused(get(stranger, request, "slip-1"), 404, "not_found")
            assert_refused(get(citizen, begun, "slip-1"), 404, "not_found")
            for unknown in ("slip-2", "letter-1", "slip", "slip-01", "1", "slip-1 "):
                assert_refused(get(citizen, request, unknown), 404, "not_found")
        for path in (desk, f"{desk}/paper.pdf"):
            assert_refused(officer.get(path), 422, "invalid_input")
            assert_refused(officer.get(f"{path}?purpose=curiosity"), 422, "invalid_input")
            assert_refused(citizen.get(f"{path}?purpose=review"), 403, "not_allowed")
            for other in others:
                assert_refused(other.get(f"{path}?purpose=review"), 404, "not_found")


def test_an_officer_reads_and_prints_what_the_applicant_was_given_and_it_is_told(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    before = len(looks(citizen))
    desk = f"/v1/desk/requests/{request['id']}/papers/slip-1"
    assert officer.get(f"{desk}?purpose=complaint").json == paper(citizen, request, "slip-1").json
    drawn = officer.get(f"{desk}/paper.pdf?purpose=complaint")
    assert drawn.data == printed(citizen, request, "slip-1").data
    told = looks(citizen)
    assert len(told) == before + 2
    assert told[:2] == [("staff", "province_police", "request", "complaint")] * 2


def test_an_officer_reads_no_paper_of_their_own(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    officer = phone_of("reviewer3")
    own = paid(officer)
    with unchanged():
        path = f"/v1/desk/requests/{own['id']}/papers/slip-1?purpose=review"
        assert_refused(officer.get(path), 403, "not_for_oneself")


def test_what_papers_state_is_exported_and_goes_with_their_holder(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = accepted(citizen, officer)
    stated = paper(citizen, request, "slip-1").json
    account = account_of(citizen)
    with wallet.work() as work:
        person = Person(account, work.accounts.find(account).holder_id)
        room = RequestsHeld(work.session, work.holders, wallet.final_states, wallet.clock)
        (section,) = [each for each in room.export(person) if each.code == "request_papers"]
        (row,) = section.rows
        assert (row["kind"], row["stated"]["number"]) == ("slip", stated["number"])
        assert "sealed" not in row
        room.erase(person)
        assert work.request_services.rows.papers(request["id"]) == []


def test_without_the_extra_the_paper_is_told_and_not_drawn() -> None:
    """In a process of its own, where Typst cannot be imported."""
    code = (
        "import sys; sys.modules['typst'] = None\n"
        "from datetime import datetime, UTC\n"
        "from wallet.errors import Unavailable\n"
        "from wallet.documents.forms.plain import PlainPaper, make\n"
        "both = {'vi': 'a', 'en': 'b'}\n"
        "try: make(PlainPaper(both, '1', both, datetime.now(UTC), (), both))\n"
        "except Unavailable as error: print(error.code, error.retry_after)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["form_not_installed", "3600"]
