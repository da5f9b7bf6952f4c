"""The enrolment desk: an officer records, somebody else decides, and what failed can only be refused."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.enrolment.applicants import NAMESAKE, PEOPLE, TONE, WIFE, application, sample, statement, texts
from tests.enrolment.people import amend
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.audit import AuditEvent
from wallet.demo.cast import FOREIGNERS
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.nation import PHONE_OF_ANOTHER
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as own_phone
from wallet.enrolment.biometrics import Modality
from wallet.enrolment.models import ApplicationRow
from wallet.identity.account_states import AccountState
from wallet.identity.accounts import Grant
from wallet.identity.models import Account
from wallet.terms import AccountLevel, Actor, StaffRole
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
PATH = "/v1/desk/applications"
CHILD, MOTHER = EDGE_CASES["age_13"].number, EDGE_CASES["age_40"].number
CARD_ISSUED = date(2026, 3, 1)
"""Of the child, who has none yet: it is issued with the account."""
REASON = "Ảnh chân dung không phải của người này."


@pytest.fixture
def officer(phone_of: Make) -> CitizenPhone:
    return phone_of("officer1")


@pytest.fixture
def approver(phone_of: Make) -> CitizenPhone:
    return phone_of("approver1")


def record(desk: CitizenPhone, body: dict[str, Any]) -> dict[str, Any]:
    response = desk.post(PATH, body)
    assert response.status_code == 201, response.text
    return dict(response.json or {})


def decide(
    desk: CitizenPhone, application_id: str, decision: str = "approve", reason: str | None = None
) -> TestResponse:
    body = {"decision": decision} | ({} if reason is None else {"reason": reason})
    return desk.post(f"{PATH}/{application_id}/decision", body)


def account_of(wallet: Wallet, number: str) -> Any:
    with wallet.read() as work:
        holder = work.holders.find(number)
        return None if holder is None else work.accounts.of_holder(holder)


def stored(wallet: Wallet, application_id: str) -> ApplicationRow:
    with wallet.db.read() as session:
        row = session.get(ApplicationRow, application_id)
        assert row is not None
        return row


# --- what the code of a card is good for ---------------------------------------------------------------------------


def test_card_fills_the_form_and_writes_nothing(officer: CitizenPhone, unchanged: Unchanged) -> None:
    text = f"{WIFE}||Lê Thị Mẫu Hòa|08031992|Nữ|Số 12, Hà Nội|01062021"
    with unchanged():
        response = officer.post("/v1/desk/card-readings", {"text": text})
    assert response.status_code == 200
    assert response.json == {
        "number": WIFE,
        "full_name": "Lê Thị Mẫu Hòa",
        "birth_date": "1992-03-08",
        "sex": "Nữ",
        "permanent_address": "Số 12, Hà Nội",
        "card_issued": "2021-06-01",
        "rest": [],
    }


@pytest.mark.parametrize("text", ["not a card", "|||||||", "1|2|3|4|5|6|7"])
def test_text_that_is_no_card_is_refused(officer: CitizenPhone, unchanged: Unchanged, text: str) -> None:
    with unchanged():
        response = officer.post("/v1/desk/card-readings", {"text": text})
    assert field_errors(assert_refused(response, 422, "invalid_input")) == {"/text": "invalid_card_qr"}


# --- from nothing to an account ------------------------------------------------------------------------------------


def test_citizen_is_enrolled(wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, events: Events) -> None:
    body = application(WIFE, form={"email": "hoa@example.vn", "papers": ["driving_licence", "health_insurance"]})
    made = record(officer, body)
    assert (made["state"], made["matched"], made["kind"]) == ("recorded", True, "level_2")
    assert set(made["checks"].values()) == {"matched", "own", "valid"}
    assert made["due_at"] == "2026-03-05T17:00:00Z"
    assert (made["agency"], made["province"]) == ("Công an phường mẫu, Hà Nội", "01")
    assert min(made["scores"].values()) >= 0.29
    assert "form" not in made
    assert account_of(wallet, WIFE) is None
    assert texts(wallet) == [(own_phone(WIFE), "application_received")]

    approved = decide(approver, made["id"])
    assert approved.status_code == 200, approved.text
    account = account_of(wallet, WIFE)
    assert (account.state, account.level) == (AccountState.APPROVED, 2)
    assert account.valid_until == PEOPLE[WIFE].card_expires
    assert approved.json["account_id"] == account.id
    assert sorted(texts(wallet)) == sorted(
        [(own_phone(WIFE), "application_received"), (own_phone(WIFE), "application_approved")]
    )
    with wallet.read() as work:
        contact = work.contacts.find(account.id)
        assert contact is not None
        assert (contact.phone, contact.email) == (own_phone(WIFE), "hoa@example.vn")
    assert [event["subject"] for event in events("application.recorded")] == [made["id"]]
    assert [event["account"] for event in events("application.approved")] == [account.id]


def test_level_one_becomes_level_two(wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone) -> None:
    binh = persona("binh").number
    before = account_of(wallet, binh)
    assert (before.state, before.level) == (AccountState.ACTIVE, 1)
    made = record(officer, application(binh))
    assert decide(approver, made["id"]).status_code == 200
    after = account_of(wallet, binh)
    assert (after.id, after.state, after.level) == (before.id, AccountState.ACTIVE, 2)
    assert after.valid_until == PEOPLE[binh].card_expires
    assert (own_phone(binh), "level_raised") in texts(wallet)


def test_registration_from_home_is_raised_at_the_desk(
    wallet: Wallet, client: FlaskClient, officer: CitizenPhone, approver: CitizenPhone
) -> None:
    assert client.post("/v1/registrations", json=statement(WIFE)).status_code == 202
    wallet.registering.run()
    assert account_of(wallet, WIFE).level == 1
    made = record(officer, application(WIFE))
    assert decide(approver, made["id"]).status_code == 200
    assert (account_of(wallet, WIFE).state, account_of(wallet, WIFE).level) == (AccountState.APPROVED, 2)


def test_foreigner_is_enrolled_at_an_immigration_office(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    immigration, police, approver = phone_of("officer2"), phone_of("officer1"), phone_of("approver2")
    kenji = FOREIGNERS["new_here"].number
    with unchanged():
        assert_refused(police.post(PATH, application(kenji)), 403, "not_an_immigration_office")
    made = record(immigration, application(kenji))
    assert made["checks"]["face"] == made["checks"]["finger"] == "collected"
    assert made["scores"] == {}
    assert made["due_at"] == "2026-03-11T17:00:00Z", "7 working days: nothing is on file yet"
    assert decide(approver, made["id"]).status_code == 200
    account = account_of(wallet, kenji)
    assert (account.kind, account.level, str(account.valid_until)) == ("foreigner", 2, "2027-06-30")


def test_foreigner_whose_permit_is_over_waits_for_a_new_one(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    made = record(phone_of("officer2"), application(FOREIGNERS["permit_over"].number))
    assert made["checks"]["card"] == "expired"
    assert made["due_at"] == "2026-03-05T17:00:00Z", "3 working days: face and fingers are on file"
    approver = phone_of("approver2")
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "card_not_valid")


def test_citizen_without_a_card_waits_for_it(
    wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged, clock: FixedClock
) -> None:
    made = record(officer, {name: value for name, value in application(WIFE).items() if name != "card"})
    assert (made["checks"]["card"], made["matched"]) == ("none", True)
    assert made["due_at"] == "2026-03-11T17:00:00Z", "7 working days, with the issue of the card"
    assert decide(approver, made["id"]).status_code == 200


def test_card_that_ended_meanwhile_is_asked_for(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged, clock: FixedClock
) -> None:
    made = record(phone_of("officer1"), application(WIFE))
    clock.set(clock.now().replace(year=2033))
    approver = phone_of("approver1")
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "card_not_valid")
    assert account_of(wallet, WIFE) is None


def test_child_comes_with_a_parent(wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone) -> None:
    stranger = record(officer, application(CHILD, form={"guardian_number": WIFE}))
    alone = record(officer, application(CHILD))
    assert stranger["checks"]["age"] == alone["checks"]["age"] == "needs_guardian"
    assert_refused(decide(approver, alone["id"]), 409, "application_unmatched")
    form = {"guardian_number": MOTHER, "phone": own_phone(MOTHER), "email": "tu@example.vn"}
    made = record(officer, application(CHILD, form=form))
    assert (made["checks"]["age"], made["checks"]["phone"], made["matched"]) == ("matched", "guardians_own", True)
    assert (own_phone(MOTHER), "application_received") in texts(wallet)
    amend(wallet, CHILD, card_issued=CARD_ISSUED)
    assert decide(approver, made["id"]).status_code == 200
    account = account_of(wallet, CHILD)
    assert (account.state, account.level) == (AccountState.APPROVED, 2)
    assert (own_phone(MOTHER), "application_approved_for_ward") in texts(wallet)
    with wallet.read() as work:
        assert work.contacts.find(account.id) is None
        assert work.guardians.guardians(account.id) == [], "the mother has no account"


OTHER_PHONES = {"the child's own": CHILD, "a stranger's": WIFE}


@pytest.mark.parametrize("case", OTHER_PHONES)
def test_phone_beside_a_child_is_the_guardians(
    wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged, case: str
) -> None:
    form = {"guardian_number": MOTHER, "phone": own_phone(OTHER_PHONES[case])}
    made = record(officer, application(CHILD, form=form))
    assert (made["checks"]["phone"], made["matched"]) == ("not_own", False)
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "application_unmatched")


@pytest.mark.parametrize("level", [AccountLevel.ONE, AccountLevel.TWO])
def test_guardian_with_level_two_acts_for_the_child_from_the_approval_on(
    wallet: Wallet, client: FlaskClient, officer: CitizenPhone, approver: CitizenPhone, level: AccountLevel
) -> None:
    assert client.post("/v1/registrations", json=statement(MOTHER)).status_code == 202
    wallet.registering.run()
    mother = account_of(wallet, MOTHER)
    with wallet.work() as work:
        work.accounts.approve(mother.id, level, Actor("system"))
    form = {"guardian_number": MOTHER, "phone": own_phone(MOTHER)}
    made = record(officer, application(CHILD, form=form))
    with wallet.read() as work:
        assert work.guardians.wards(mother.id) == []
    amend(wallet, CHILD, card_issued=CARD_ISSUED)
    assert decide(approver, made["id"]).status_code == 200
    child = account_of(wallet, CHILD)
    with wallet.read() as work:
        wards = work.guardians.wards(mother.id)
    expected = [(child.id, "mother")] if level is AccountLevel.TWO else []
    assert [(ward.account_id, ward.relation) for ward in wards] == expected


def test_child_who_came_of_age_meanwhile_comes_again(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged, clock: FixedClock
) -> None:
    """The phone that was compared is not theirs, and nobody acts for them any more."""
    form = {"guardian_number": MOTHER, "phone": own_phone(MOTHER)}
    made = record(phone_of("officer1"), application(CHILD, form=form))
    clock.set(clock.now().replace(year=clock.now().year + 1))
    approver = phone_of("approver1")
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "application_unmatched")
    assert account_of(wallet, CHILD) is None


def test_child_under_six_has_no_level_two(officer: CitizenPhone) -> None:
    number = EDGE_CASES["age_5"].number
    made = record(officer, application(number, form={"guardian_number": MOTHER}))
    assert (made["checks"]["age"], made["matched"]) == ("too_young", False)


# --- what fails is recorded, and can only be refused ---------------------------------------------------------------

FAILED: dict[str, tuple[dict[str, Any], str, str]] = {
    "another name": (application(WIFE, form={"full_name": "Lê Thị Mẫu Hóa"}), "person", "unmatched"),
    "another birth date": (application(WIFE, form={"birth_date": "1992-03-09"}), "person", "unmatched"),
    "number of nobody": (application(WIFE, number="099192000999"), "person", "unmatched"),
    "phone of another": (application(WIFE, form={"phone": own_phone(TONE)}), "phone", "not_own"),
    "phone in the father's name": (application(next(iter(PHONE_OF_ANOTHER))), "phone", "not_own"),
    "card of another day": (application(WIFE, card={"number": WIFE, "issued": "2021-06-02"}), "card", "differs"),
    "card of another": (application(WIFE, card={"number": TONE, "issued": "2021-06-01"}), "card", "differs"),
    "another's face": (application(WIFE, face_sample=sample(TONE)), "face", "unmatched"),
    "another's finger": (application(WIFE, finger_sample=sample(TONE, Modality.FINGER)), "finger", "unmatched"),
}


@pytest.mark.parametrize("case", FAILED)
def test_failed_match_can_only_be_refused(
    wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged, case: str
) -> None:
    body, check, finding = FAILED[case]
    made = record(officer, body)
    assert (made["matched"], made["checks"][check], made["state"]) == (False, finding, "recorded")
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "application_unmatched")
        for words in (None, "", "không", "  \t  " + "x" * 9):
            response = decide(approver, made["id"], "refuse", words)
            assert_refused(response, 422, "invalid_input")
    refused = decide(approver, made["id"], "refuse", REASON)
    assert (refused.json["state"], refused.json["written_reason"]) == ("refused", REASON)
    assert account_of(wallet, body["number"]) is None
    row = stored(wallet, made["id"])
    assert (row.sealed_form, row.account_id) == (None, None)
    assert "application_refused" in [code for _, code in texts(wallet)]


def test_dead_person_is_not_enrolled(officer: CitizenPhone, unchanged: Unchanged) -> None:
    """He has an account, at level 2, locked: so the application is refused at once."""
    with unchanged():
        assert_refused(officer.post(PATH, application(persona("khuat").number)), 409, "already_level_two")


MALFORMED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no consent": ({"consent": {"given": False}}, {"/consent/given": "consent_required"}),
    "another text": ({"consent": {"version": "1"}}, {"/consent/version": "consent_version_unknown"}),
    "rights untold": (
        {"consent": {"statements": ["data_kinds", "purposes", "controller"]}},
        {"/consent/statements": "statements_missing"},
    ),
    "no face": ({"face_sample": "AAAA"}, {"/face_sample": "invalid_sample"}),
    "face for a finger": ({"finger_sample": sample(WIFE)}, {"/finger_sample": "invalid_sample"}),
    "look-alike": ({"form": {"full_name": "Lê Thị Mẫu Hоa"}}, {"/form/full_name": "suspicious_characters"}),
    "no day": ({"form": {"birth_date": "1992-13-01"}}, {"/form/birth_date": "invalid_format"}),
    "no phone": ({"form": {"phone": "1900"}}, {"/form/phone": "invalid_phone"}),
    "no such paper": ({"form": {"papers": ["passport"]}}, {"/form/papers/0": "not_a_choice"}),
    "decided already": ({"state": "approved"}, {"/state": "unknown_field"}),
    "level in the form": ({"form": {"level": 2}}, {"/form/level": "unknown_field"}),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_not_well_formed_is_refused(officer: CitizenPhone, unchanged: Unchanged, case: str) -> None:
    change, expected = MALFORMED[case]
    body = application(WIFE)
    for name, value in change.items():
        body[name] = body.get(name, {}) | value if isinstance(value, dict) else value
    with unchanged():
        assert field_errors(assert_refused(officer.post(PATH, body), 422, "invalid_input")) == expected


def test_papers_go_with_the_person(phone_of: Make, unchanged: Unchanged) -> None:
    """A citizen with a passport, a foreigner with an identity card: neither."""
    kenji = FOREIGNERS["new_here"].number
    foreign, desk = application(kenji), phone_of("officer2")
    card = {"number": kenji, "issued": "2021-06-01"}
    wrong = [
        application(WIFE, foreigner=foreign["foreigner"]),
        {name: value for name, value in foreign.items() if name != "foreigner"} | {"card": card},
    ]
    for body in wrong:
        with unchanged():
            errors = field_errors(assert_refused(desk.post(PATH, body), 422, "invalid_input"))
        assert errors == {"/foreigner": "wrong_papers"}


def test_passport_of_another_is_told(phone_of: Make) -> None:
    body = application(FOREIGNERS["new_here"].number)
    body["foreigner"]["passport_number"] = "99XX00001"
    made = record(phone_of("officer2"), body)
    assert (made["checks"]["card"], made["matched"]) == ("differs", False)


def test_who_has_level_two_is_not_enrolled_again(
    officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged
) -> None:
    with unchanged():
        assert_refused(officer.post(PATH, application(persona("an").number)), 409, "already_level_two")
    binh = persona("binh").number
    first, second = (record(officer, application(binh))["id"] for _ in range(2))
    assert decide(approver, first).status_code == 200
    with unchanged():
        assert_refused(decide(approver, second), 409, "already_level_two")


# --- who may -------------------------------------------------------------------------------------------------------


def give(wallet: Wallet, key: str, role: StaffRole, agency: str, province: str) -> None:
    with wallet.work() as work:
        holder = work.holders.find(persona(key).number)
        assert holder is not None
        account = work.accounts.of_holder(holder)
        assert account is not None
        work.accounts.grant(account.id, Grant(role, agency, province), Actor("system"))


def test_nobody_enrols_themselves(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    officer = phone_of("officer1")
    with unchanged():
        assert_refused(officer.post(PATH, application(persona("officer1").number)), 403, "self_enrolment")


def test_nobody_approves_what_they_recorded(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    give(wallet, "officer1", StaffRole.APPROVER, "Công an thành phố mẫu Hà Nội", "01")
    both = phone_of("officer1")
    made = record(both, application(WIFE))
    with unchanged():
        assert_refused(decide(both, made["id"]), 403, "self_approval")
        assert_refused(decide(both, made["id"], "refuse", REASON), 403, "self_approval")
    assert decide(phone_of("approver1"), made["id"]).status_code == 200


@pytest.mark.parametrize("key", ["binh", "an", "officer2", "approver2", "admin1", "reviewer1", "auditor1"])
def test_application_is_nobody_elses(officer: CitizenPhone, phone_of: Make, unchanged: Unchanged, key: str) -> None:
    made = record(officer, application(WIFE))
    other = phone_of(key)
    staff = key in ("officer2", "approver2")
    with unchanged():
        read = other.get(f"{PATH}/{made['id']}")
        assert_refused(read, *((404, "not_found") if staff else (403, "not_allowed")))
        listed = other.get(PATH)
        if staff:
            assert listed.json == {"data": [], "next_cursor": None}
        else:
            assert_refused(listed, 403, "not_allowed")
        response = decide(other, made["id"])
        assert_refused(response, *((404, "not_found") if key == "approver2" else (403, "not_allowed")))


def test_office_next_door_sees_nothing(wallet: Wallet, officer: CitizenPhone, phone_of: Make) -> None:
    made = record(officer, application(WIFE))
    give(wallet, "an", StaffRole.OFFICER, "Công an phường khác, Hà Nội", "01")
    other = phone_of("an")
    assert other.get(PATH).json["data"] == []
    assert_refused(other.get(f"{PATH}/{made['id']}"), 404, "not_found")


def test_old_authentication_decides_nothing(
    officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged, clock: FixedClock
) -> None:
    made = record(officer, application(WIFE))
    clock.advance(minutes=6)
    with unchanged():
        assert_refused(decide(approver, made["id"]), 401, "step_up_required")


# --- deciding once -------------------------------------------------------------------------------------------------


def test_decision_counts_once(
    wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged
) -> None:
    made = record(officer, application(WIFE))
    assert decide(approver, made["id"]).status_code == 200
    with unchanged():
        assert_refused(decide(approver, made["id"]), 409, "application_closed")
        assert_refused(decide(approver, made["id"], "refuse", REASON), 409, "application_closed")
    refused = record(officer, application(NAMESAKE))
    assert decide(approver, refused["id"], "refuse", REASON).status_code == 200
    with unchanged():
        assert_refused(decide(approver, refused["id"]), 409, "application_closed")
    assert account_of(wallet, NAMESAKE) is None


def test_same_key_gives_the_same_answer(officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged) -> None:
    body = application(WIFE)
    first = officer.post(PATH, body, key="one")
    with unchanged():
        again = officer.post(PATH, body, key="one")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")


def test_of_two_approvers_at_once_one_wins(wallet: Wallet, officer: CitizenPhone, phone_of: Make) -> None:
    made = record(officer, application(WIFE))
    give(wallet, "an", StaffRole.APPROVER, "Công an thành phố mẫu Hà Nội", "01")
    desks, app = [phone_of("approver1"), phone_of("an")], create_app(wallet)
    for desk in desks:
        desk.client = app.test_client()
    answers: list[tuple[int, str]] = []
    ready = threading.Barrier(len(desks))

    def act(desk: CitizenPhone, decision: str) -> None:
        ready.wait()
        response = decide(desk, made["id"], decision, REASON)
        answers.append((response.status_code, response.json.get("code", "")))

    threads = [threading.Thread(target=act, args=pair) for pair in zip(desks, ("approve", "refuse"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(200, ""), (409, "application_closed")]
    row = stored(wallet, made["id"])
    assert (row.state == "approved") is (account_of(wallet, WIFE) is not None)
    with wallet.db.read() as session:
        assert len(session.scalars(select(Account).where(Account.id == row.account_id)).all()) == (
            1 if row.state == "approved" else 0
        )


# --- the queue -----------------------------------------------------------------------------------------------------


def test_queue_begins_with_what_is_due_first(officer: CitizenPhone, approver: CitizenPhone, clock: FixedClock) -> None:
    late = record(officer, {name: value for name, value in application(NAMESAKE).items() if name != "card"})
    soon = record(officer, application(WIFE))
    failed = record(officer, application(TONE, face_sample=sample(WIFE)))
    for desk in (officer, approver):
        rows, cursor = [], ""
        while cursor is not None:
            page = desk.get(f"{PATH}?limit=1" + (f"&cursor={cursor}" if cursor else "")).json
            rows += page["data"]
            cursor = page["next_cursor"]
        assert {row["id"] for row in rows[:2]} == {soon["id"], failed["id"]}
        assert rows[2]["id"] == late["id"]
        assert {row["overdue"] for row in rows} == {False}
        assert all(row.keys() & {"form", "scores"} == set() for row in rows)


def test_what_is_late_is_flagged(officer: CitizenPhone, phone_of: Make, clock: FixedClock) -> None:
    record(officer, application(WIFE))
    clock.advance(timedelta(days=4))
    desk = phone_of("approver1")
    assert [row["overdue"] for row in desk.get(PATH).json["data"]] == [True]
    assert desk.get(f"{PATH}?state=approved").json["data"] == []


def test_cursor_of_one_is_no_cursor_for_another(officer: CitizenPhone, approver: CitizenPhone) -> None:
    for number in (WIFE, NAMESAKE):
        record(officer, application(number))
    cursor = officer.get(f"{PATH}?limit=1").json["next_cursor"]
    assert_refused(approver.get(f"{PATH}?cursor={cursor}"), 400, "invalid_cursor")
    assert_refused(officer.get(f"{PATH}?state=refused&cursor={cursor}"), 400, "invalid_cursor")
    assert_refused(officer.get(f"{PATH}?state=none"), 400, "invalid_parameter")


def test_form_is_read_by_who_may_and_that_is_recorded(
    wallet: Wallet, officer: CitizenPhone, approver: CitizenPhone, events: Events
) -> None:
    made = record(officer, application(WIFE, form={"papers": ["health_insurance"]}))
    seen = approver.get(f"{PATH}/{made['id']}").json
    assert seen["form"] == {
        "number": WIFE,
        "full_name": "Lê Thị Mẫu Hòa",
        "birth_date": "1992-03-08",
        "phone": own_phone(WIFE),
        "papers": ["health_insurance"],
        "card": {"number": WIFE, "issued": "2021-06-01"},
    }
    assert [event["subject"] for event in events("application.read")] == [made["id"]]


def test_whoever_is_known_sees_who_read_their_application(
    phone_of: Make, officer: CitizenPhone, approver: CitizenPhone, unchanged: Unchanged
) -> None:
    binh, another = phone_of("binh"), phone_of("an")
    made = record(officer, application(persona("binh").number))

    def readings(phone: CitizenPhone) -> list[tuple[str, str]]:
        rows = phone.get("/v1/me/access-history?limit=100").json["data"]
        return [(row["who"], row["purpose"]) for row in rows if row["data"] == "application"]

    with unchanged():
        assert_refused(another.get(f"{PATH}/{made['id']}"), 403, "not_allowed")
    assert readings(binh) == []
    assert approver.get(f"{PATH}/{made['id']}").status_code == 200
    assert readings(binh) == [("staff", "open_account")]
    (row,) = (row for row in binh.get("/v1/me/access-history").json["data"] if row["data"] == "application")
    assert row["data_name"]["vi"] == "Hồ sơ đề nghị cấp tài khoản mức độ 2"
    assert row["agency_name"]["vi"]
    assert readings(another) == []


def test_no_capture_and_no_name_is_stored_in_the_clear(
    wallet: Wallet, officer: CitizenPhone, state: Callable[[], dict[str, list[str]]]
) -> None:
    body = application(WIFE)
    made = record(officer, body)
    kept = repr(state())
    for text in (WIFE, "Lê Thị Mẫu Hòa", own_phone(WIFE), body["face_sample"], body["finger_sample"]):
        assert text not in kept
    with wallet.read() as work:
        form = work.forms.open(made["id"], stored(wallet, made["id"]).sealed_form or b"")
    assert body["face_sample"] not in json.dumps(form)
    with wallet.db.read() as session:
        record_of_all = repr([row.details for row in session.scalars(select(AuditEvent))])
    assert WIFE not in record_of_all
    assert "Mẫu Hòa" not in record_of_all
