"""While a utility is stopped no document comes of what was asked before; everything else at its desks goes on."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.enrolment.people import account_of
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from tests.web.test_agreements import ANSWERS, family
from tests.web.test_drafts import JUDICIAL
from tests.web.test_gone_utility import moved, payments, retire
from tests.web.test_review_desk import NOTE, ask, claim, decide, opened, paid, settle
from wallet.identity.account_states import LockGround
from wallet.terms import Actor
from wallet.wiring import Wallet

__all__ = ["family"]  # a fixture is found by its name
Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
SYSTEM = Actor("system", request_id="test")
FOUND = {
    "birth_registration": ("reviewer5", {"registration_number": "01/2026", "child_number": "099326000999"}),
    "permanent_residence": ("reviewer2", {"residence_address": "Số 1", "residence_registered_on": "2026-03-02"}),
    "health_insurance": ("reviewer6", {"card_number": "TE1990000000001"}),
}


def pause(admin: CitizenPhone, utility: str = JUDICIAL) -> None:
    done = admin.post(f"/v1/admin/utilities/{utility}/pause", {"reason": "Cấp sai giấy tờ"})
    assert done.status_code == 200, done.text


def open_again(wallet: Wallet, utility: str = JUDICIAL) -> None:
    with wallet.work() as work:
        row = work.rollout.rows.state(utility)
        assert row is not None
        row.state = "open"


def test_nothing_is_approved_while_it_is_paused_and_all_else_goes_on(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    citizen, officer, admin = phone_of("an"), phone_of("reviewer3"), phone_of("admin1")
    request, refused_one = paid(citizen), paid(citizen)
    claim(officer, request)
    claim(officer, refused_one)
    pause(admin)
    accepted = decide(officer, request, "accept")
    assert (accepted.status_code, accepted.json["state"]) == (200, "accepted"), accepted.text
    version = opened(officer, request).headers["ETag"]
    with unchanged():
        assert_refused(decide(officer, request, "approve", version=version), 409, "utility_disabled")
    (lying,) = [each for each in officer.get("/v1/desk/requests").json["data"] if each["id"] == request["id"]]
    assert (lying["state"], lying["clock"]) == ("accepted", "on_time")
    assert decide(officer, refused_one, "reject", reason="data_mismatch", note=NOTE).json["state"] == "rejected"
    open_again(wallet)
    assert decide(officer, request, "approve").json["state"] == "issued"


def test_a_payment_under_way_is_taken_while_it_is_paused_and_no_other_is_begun(
    phone_of: Make, unchanged: Unchanged
) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    first, second = ask(citizen), ask(citizen)
    under_way = [citizen.get(f"/v1/requests/{each['id']}/payments").json["data"][0] for each in (first, second)]
    pause(admin)
    assert settle(citizen, under_way[0]).json == {"state": "paid"}
    assert citizen.get(f"/v1/requests/{first['id']}").json["state"] == "submitted"
    assert settle(citizen, under_way[1], "failure").json == {"state": "failed"}
    with unchanged():
        assert_refused(citizen.post(f"/v1/requests/{second['id']}/payments", {}), 409, "utility_disabled")
    assert payments(citizen, second) == ["failed"]


def test_what_is_open_when_it_is_retired_is_answered(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    retire(wallet)
    assert_refused(citizen.post("/v1/requests", {"utility": JUDICIAL}), 409, "utility_disabled")
    assert decide(officer, request, "approve").json["state"] == "issued"


def test_an_officer_reads_in_words_of_their_own_that_the_applicants_account_is_locked(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "accept")
    with wallet.work() as work:
        work.accounts.lock(account_of(wallet, "an"), LockGround.HOLDER_REQUEST, SYSTEM)
    version = opened(officer, request).headers["ETag"]
    with unchanged():
        assert_refused(decide(officer, request, "approve", version=version), 409, "applicant_locked")


@pytest.mark.parametrize("stopped", ["utility", "account"])
def test_the_last_report_stands_and_its_document_comes_once_nothing_holds_it_up(
    family: dict[str, CitizenPhone], phone_of: Make, wallet: Wallet, stopped: str
) -> None:
    answers = {name: value for name, value in ANSWERS.items() if name != "ask_other_parent"}
    made = family["mother"].post("/v1/requests", {"utility": "birth_linked", "answers": answers})
    assert made.status_code == 201, made.text
    path, mother = f"/v1/desk/requests/{made.json['id']}/steps", account_of(wallet, "noi")
    if stopped == "utility":
        pause(phone_of("admin1"), "birth_linked")
    else:
        with wallet.work() as work:
            work.accounts.lock(mother, LockGround.HOLDER_REQUEST, SYSTEM)
    for step, (officer, found) in FOUND.items():
        who = family["justice"] if officer == "reviewer5" else moved(phone_of(officer), family["justice"].wallet)
        reported = who.post(f"{path}/{step}", {"found": found})
        assert reported.status_code == 200, reported.text
    for _ in range(2):
        looked = opened(family["justice"], made.json).json
        assert (looked["state"], {each["state"] for each in looked["steps"]}) == ("in_steps", {"done"})
        family["justice"].wallet.look_after_requests()
    if stopped == "utility":
        open_again(wallet, "birth_linked")
    else:
        with wallet.work() as work:
            work.accounts.unlock(mother, LockGround.HOLDER_REQUEST, SYSTEM)
    family["justice"].wallet.look_after_requests()
    with wallet.read() as work:
        row = work.request_services.rows.get(made.json["id"])
        assert row is not None
        assert (row.state, row.document_id is not None) == ("issued", True)
