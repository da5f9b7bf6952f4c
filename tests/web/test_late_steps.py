"""A sub-task whose time runs out: flagged on both desks, counted, told to the offices once, without a letter."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.test_desk_reach import about, colleague, report
from tests.web.test_drafts import JUDICIAL, add_file, edit
from tests.web.test_request_papers import accepted, papers
from tests.web.test_review_desk import NOTE, claim, decide, opened
from wallet.requests.overdue import BATCH
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Events = Callable[[str], list[dict[str, Any]]]


def told(phone: CitizenPhone) -> list[str]:
    """Return the codes of everything in somebody's inbox, signed in anew."""
    phone.sign_in()
    return [notice["code"] for notice in phone.get("/v1/notices?limit=100").json["data"]]


def timeline(phone: CitizenPhone, request: dict[str, Any]) -> list[tuple[str, Any]]:
    seen = phone.get(f"/v1/requests/{request['id']}").json
    return [(entry["action"], entry.get("step")) for entry in seen["timeline"]]


def verifying(citizen: CitizenPhone, officer: CitizenPhone) -> dict[str, Any]:
    """Return a request with a sub-task of two working days at the records department."""
    request = accepted(citizen, officer)
    assert decide(officer, request, "verify").json["state"] == "verifying"
    return request


def run(wallet: Wallet) -> None:
    """Let the job run until it has nothing to do."""
    while wallet.look_after_requests():
        pass


def late(wallet: Wallet, clock: FixedClock, days: int = 4) -> None:
    """Let so many days go by; four are more than two working days and fewer than the request's own."""
    clock.advance(days=days)
    run(wallet)


def test_a_late_sub_task_is_flagged_on_both_desks_counted_and_told_to_them_once(
    phone_of: Make, wallet: Wallet, clock: FixedClock, events: Events
) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = verifying(citizen, officer)
    before = citizen.get(f"/v1/requests/{request['id']}").json
    (mine,) = records.get("/v1/desk/steps").json["data"]
    assert (mine["clock"], mine["reminders"]) == ("on_time", 0)
    (finding,) = mine["finds"]
    assert (finding["name"], finding["pattern"]) == ("outcome", "confirmed|unconfirmed")
    assert finding["label"]["vi"] == "Kết quả xác minh"
    assert [each["code"] for each in finding["codes"]] == ["confirmed", "unconfirmed"]
    assert wallet.look_after_requests() is False
    clock.advance(days=4)
    assert wallet.look_after_requests() is True
    assert wallet.look_after_requests() is False
    assert [told(phone).count("step_overdue") for phone in (records, officer, citizen)] == [1, 1, 0]
    (mine,) = records.get("/v1/desk/steps").json["data"]
    assert (mine["code"], mine["clock"], mine["reminders"]) == ("records_department", "overdue", 1)
    (lying,) = officer.get("/v1/desk/requests").json["data"]
    assert lying["clock"] == "on_time", "its own date has not come"
    (step,) = lying["late_steps"]
    assert (step["code"], step["due_at"]) == ("records_department", mine["due_at"])
    assert step["name"]["vi"] == "Tra cứu dữ liệu lý lịch tư pháp"
    assert step["agency"]["vi"]
    assert opened(officer, request).json["steps"][0]["reminders"] == 1
    seen = citizen.get(f"/v1/requests/{request['id']}").json
    assert seen["timeline"][-1]["action_name"]["vi"] == "Một bước quá thời hạn"
    assert timeline(citizen, request)[-1] == ("step_overdue", "records_department")
    assert seen["steps"][0]["reminders"] == 1
    assert (seen["state"], seen["due_at"], seen["apologies"]) == ("verifying", before["due_at"], 0)
    assert seen["papers"] == before["papers"], "the applicant's own date stands, and so no letter"
    (recorded,) = events("request.step_overdue")
    assert (recorded["actor"], recorded["step"]) == ("system", "records_department")


def test_the_apology_for_the_request_itself_names_the_step_and_comes_once(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = verifying(citizen, officer)
    late(wallet, clock, days=40)
    notices = told(citizen)
    assert (notices.count("request_overdue"), notices.count("step_overdue")) == (1, 0)
    assert timeline(citizen, request)[-2:] == [
        ("step_overdue", "records_department"),
        ("apology", "records_department"),
    ]
    assert papers(citizen, request)[-1] == "letter-2"
    letter = citizen.get(f"/v1/requests/{request['id']}/papers/letter-2").json
    assert [each["step"] for each in letter["waiting_for"]] == ["records_department"]
    late(wallet, clock, days=40)
    assert told(citizen).count("request_overdue") == 2
    assert [action for action, _ in timeline(citizen, request)].count("step_overdue") == 1, "one reminder is enough"
    officer.sign_in()
    assert len(officer.get("/v1/desk/requests").json["data"][0]["late_steps"]) == 1, "and it stays flagged"


def test_two_processes_remind_once(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = verifying(citizen, officer)
    clock.advance(days=4)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: run(wallet), range(2)))
    assert told(records).count("step_overdue") == told(officer).count("step_overdue") == 1
    citizen.sign_in()
    assert [action for action, _ in timeline(citizen, request)].count("step_overdue") == 1


def test_only_who_may_open_it_is_reminded(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    idle, elsewhere = colleague(wallet, phone_of, "sau"), colleague(wallet, phone_of, "binh", "79")
    request = about(citizen, "reviewer4")
    claim(officer, request)
    decide(officer, request, "accept")
    decide(officer, request, "verify")
    late(wallet, clock)
    assert "step_overdue" in told(officer)
    assert "step_overdue" not in told(records), "it is about herself"
    assert "step_overdue" not in told(idle), "it is in other hands"
    assert "step_overdue" not in told(elsewhere)


def test_a_sub_task_that_ended_is_nobody_s_delay(phone_of: Make, wallet: Wallet, clock: FixedClock) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    request = verifying(citizen, officer)
    assert report(records, request, "records_department").status_code == 200
    gone = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "withdraw"})
    assert gone.json["state"] == "withdrawn"
    late(wallet, clock, days=30)
    for phone in (officer, records, citizen):
        assert not {"step_overdue", "request_overdue"} & set(told(phone))


def test_what_a_utility_owes_that_is_gone_keeps_no_other_waiting(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen, officer, records = phone_of("an"), phone_of("reviewer3"), phone_of("reviewer4")
    verifying(citizen, officer)
    left = {plugin.utility.code: plugin for plugin in wallet.catalogue if plugin.utility.code != JUDICIAL}
    clock.advance(days=4)
    assert replace(wallet, catalogue=Catalogue(left)).look_after_requests() is False
    assert "step_overdue" not in told(records)
    assert wallet.look_after_requests() is True
    assert "step_overdue" in told(records)


def test_a_step_that_begins_again_has_its_whole_time_and_may_be_late_again(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    citizen, justice = phone_of("noi"), phone_of("reviewer5")
    form = citizen.get("/v1/me/utilities/birth_linked/form").json["data"]
    births = next(field for field in form if field["name"] == "notice_id")["offers"]
    notice = next(each for each in births if each["state"] == "notified")["notice_id"]
    answers = {
        "notice_id": notice,
        "child_name": "Lưu An Nhiên",
        "residence_with": "mother",
        "first_care_facility": "Trạm y tế Phường Cầu Giấy",
    }
    made = citizen.post("/v1/requests", {"utility": "birth_linked", "answers": answers})
    assert made.status_code == 201, made.text
    request = made.json
    assert papers(citizen, request) == ["slip-1"], "three agencies, and the receipt comes with the sending"
    late(wallet, clock, days=2)
    citizen.sign_in()
    justice.sign_in()
    claim(justice, request)
    asked = decide(justice, request, "request_supplement", reason="other_parent_unsigned", note=NOTE)
    assert asked.status_code == 200, asked.text
    late(wallet, clock, days=20)
    citizen.sign_in()
    justice.sign_in()
    assert [action for action, _ in timeline(citizen, request)].count("step_overdue") == 1, (
        "while it rests, no clock runs"
    )
    edit(citizen, request, {"agreement": [add_file(citizen, request, "agreement").json["id"]]})
    sent = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert sent.status_code == 200, sent.text
    assert papers(citizen, request) == ["slip-1", "slip-2"]
    late(wallet, clock, days=4)
    assert told(justice).count("step_overdue") == 2
    citizen.sign_in()
    steps = citizen.get(f"/v1/requests/{request['id']}").json["steps"]
    assert [step["reminders"] for step in steps] == [2, 0, 0]


def test_more_than_a_batch_that_fails_keeps_nobody_behind_it_waiting(wallet: Wallet) -> None:
    places = [(f"req_{place:03}",) for place in range(2 * BATCH + 2)]
    treated = []

    def treat(request_id: str) -> bool:
        treated.append(request_id)
        if request_id != places[-1][0]:
            raise ZeroDivisionError
        return True

    with wallet.work() as work:
        assert work.request_services.overdue._look_after(lambda limit: places[:limit], treat) == 1
    assert treated == [place for (place,) in places], "each once"
