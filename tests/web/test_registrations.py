"""Registering at home: one answer for everybody, and an outcome that only the own-name phone learns."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.enrolment.applicants import NAMESAKE, PEOPLE, PUBLIC_KEY, TONE, WIFE, sample, statement, texts
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.cast import FOREIGNERS
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.nation import PHONE_OF_ANOTHER
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of
from wallet.enrolment.judging import SYSTEM
from wallet.enrolment.models import ApplicationRow
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.identity.devices import activation_key
from wallet.identity.models import Account
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.terms import AccountLevel
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
PATH = "/v1/registrations"


def register(client: FlaskClient, body: Any, **options: Any) -> TestResponse:
    return client.post(PATH, json=body, **options)


def accounts(wallet: Wallet) -> dict[str, str]:
    with wallet.db.read() as session:
        return {row.id: f"{row.state} {row.level}" for row in session.scalars(select(Account))}


def row_of(wallet: Wallet, registration_id: str) -> ApplicationRow:
    with wallet.db.read() as session:
        row = session.get(ApplicationRow, registration_id)
        assert row is not None
        return row


def decided(wallet: Wallet, client: FlaskClient, body: dict[str, Any]) -> ApplicationRow:
    response = register(client, body)
    assert response.status_code == 202, response.text
    wallet.registering.run()
    return row_of(wallet, response.json["registration_id"])


def test_person_registers_and_is_approved(wallet: Wallet, client: FlaskClient, events: Events) -> None:
    before = accounts(wallet)
    response = register(client, statement(WIFE, email="hoa@example.vn"))
    assert response.status_code == 202
    body = response.json
    assert body["state"] == "received"
    assert body["due_at"] == "2026-03-03T17:00:00Z"
    assert response.headers["Location"] == f"{PATH}/{body['registration_id']}"
    assert accounts(wallet) == before
    assert texts(wallet) == []
    wallet.registering.run()
    assert client.get(response.headers["Location"]).json["state"] == "answered"
    (account_id,) = accounts(wallet).keys() - before.keys()
    assert accounts(wallet)[account_id] == "approved 1"
    assert texts(wallet) == [(phone_of(WIFE), "application_approved")]
    with wallet.read() as work:
        assert work.accounts.profile(account_id).number == WIFE
        contact = work.contacts.find(account_id)
        assert contact is not None
        assert (contact.phone, contact.email) == (phone_of(WIFE), "hoa@example.vn")
        assert work.accounts.find(account_id).valid_until == PEOPLE[WIFE].card_expires
        assert work.accounts.find(account_id).activation_key == activation_key(f"dev_{WIFE}", PUBLIC_KEY)
    row = row_of(wallet, body["registration_id"])
    assert (row.state, row.account_id, row.reason) == ("approved", account_id, None)
    assert row.matching["checks"] == {"person": "matched", "card": "valid", "phone": "own", "face": "matched"}
    assert 0.29 <= row.matching["scores"]["face"] < 1
    assert events("registration.approved") == [{"actor": "system", "subject": row.id, "account": account_id}]


def test_no_sample_is_kept_once_it_was_compared(wallet: Wallet, client: FlaskClient, state: State) -> None:
    good = decided(wallet, client, statement(WIFE))
    bad = decided(wallet, client, statement(NAMESAKE, face_sample=sample(TONE)))
    with wallet.read() as work:
        assert good.sealed_form is not None
        assert "face_sample" not in work.forms.open(good.id, good.sealed_form)
    assert bad.sealed_form is None
    assert PEOPLE[WIFE].name.full not in repr(state())
    assert WIFE not in repr(state()).replace(f"dev_{WIFE}", "")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody has this number": (statement(WIFE, number="099192000999"), "person_unmatched"),
    "another's number": (statement(WIFE, number=NAMESAKE), "person_unmatched"),
    "another name": (statement(WIFE, full_name="Lê Thị Mẫu Hóa"), "person_unmatched"),
    "name without its marks": (statement(TONE, full_name="Le Thi Mau Ha"), "person_unmatched"),
    "name of the other tone": (statement(TONE, full_name="Lê Thị Mẫu Hạ"), "person_unmatched"),
    "another birth date": (statement(WIFE, birth_date="1992-03-09"), "person_unmatched"),
    "year where the day is known": (statement(WIFE, birth_date="1992"), "person_unmatched"),
    "day where the year is known": (
        statement("099150000053", birth_date="1950-01-01"),
        "person_unmatched",
    ),
    "dead": (statement(persona("khuat").number), "deceased"),
    "13 years old": (statement(EDGE_CASES["age_13"].number), "needs_guardian"),
    "6 years old": (statement(EDGE_CASES["age_6"].number), "needs_guardian"),
    "5 years old": (statement(EDGE_CASES["age_5"].number), "needs_guardian"),
    "phone of the father": (statement(next(iter(PHONE_OF_ANOTHER))), "phone_not_own"),
    "phone of somebody else": (statement(WIFE, phone=phone_of(persona("an").number)), "phone_not_own"),
    "phone of nobody": (statement(WIFE, phone="0991234567"), "phone_not_own"),
    "another's face": (statement(WIFE, face_sample=sample(persona("an").number)), "face_unmatched"),
    "twin's face": (statement("099303000190", face_sample=sample("099303000191")), "face_unmatched"),
    "permit is over": (statement(FOREIGNERS["permit_over"].number), "card_not_valid"),
    "face is not on file": (statement(FOREIGNERS["new_here"].number), "face_unmatched"),
    "has an account": (statement(persona("an").number), "account_exists"),
    "has an account that is locked": (statement(persona("khoa").number), "account_exists"),
}
NOT_TEXTED = {
    "nobody has this number",
    "another's number",
    "6 years old",
    "5 years old",
    "phone of the father",
    "phone of somebody else",
    "phone of nobody",
}
"""The phone is not in the name of whoever has the number: whose it is hears nothing."""


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_look_like_everything_else(wallet: Wallet, client: FlaskClient, state: State, case: str) -> None:
    body, reason = REFUSED[case]
    response = register(client, body)
    assert response.status_code == 202
    before = {name: rows for name, rows in state().items() if name not in ("applications", "outgoing", "events")}
    row = row_of(wallet, response.json["registration_id"])
    wallet.registering.run()
    row = row_of(wallet, row.id)
    assert (row.state, row.reason, row.account_id, row.sealed_form) == ("refused", reason, None, None)
    after = {name: rows for name, rows in state().items() if name in before}
    assert after == before
    told = "registration_account_exists" if reason == "account_exists" else "registration_refused"
    phone = body["phone"] if body["phone"].startswith("+") else f"+84{body['phone'][1:]}"
    assert texts(wallet) == ([] if case in NOT_TEXTED else [(phone, told)])


def test_answers_differ_in_nothing_but_their_ids(client: FlaskClient) -> None:
    """Whoever types numbers learns nothing: not who exists, nor whose phone it is, nor who has an account."""
    shapes = set()
    different = {body["phone"]: body for body in (*(body for body, _ in REFUSED.values()), statement(WIFE))}
    assert len(different) > 10
    for body in different.values():
        response = register(client, body, environ_base={"REMOTE_ADDR": "192.0.2.7"})
        answer = response.json
        registration_id = answer.pop("registration_id")
        headers = {name: value for name, value in response.headers if name not in ("X-Request-ID", "Location")}
        shapes.add(repr((response.status_code, answer, sorted(headers.items()), len(registration_id))))
    assert len(shapes) == 1


def test_refusal_of_a_stranger_never_reads_a_register_while_it_answers(client: FlaskClient, events: Events) -> None:
    register(client, statement(WIFE))
    assert [event for event in events("source.read") if event["subject"].startswith("reg_")] == []


def test_name_may_be_written_as_people_write_it(wallet: Wallet, client: FlaskClient) -> None:
    """Upper case, the other way to place a tone, spaces twice."""
    row = decided(wallet, client, statement(WIFE, full_name="LÊ  THỊ MẪU HOÀ"))
    assert row.state == "approved"


def test_former_number_leads_to_the_current_person(wallet: Wallet, client: FlaskClient) -> None:
    number = EDGE_CASES["sex_redetermined"].number
    (former,) = PEOPLE[number].former_numbers
    row = decided(wallet, client, statement(number, number=former))
    assert row.state == "approved"
    with wallet.read() as work:
        assert work.accounts.profile(row.account_id or "").number == number


def test_birth_year_alone_is_enough_where_nobody_knows_more(wallet: Wallet, client: FlaskClient) -> None:
    assert decided(wallet, client, statement("099150000053")).state == "approved"


def test_age_counts_from_the_birthday(wallet: Wallet, client: FlaskClient) -> None:
    """Turned 14 the day before; a card is there since then."""
    assert decided(wallet, client, statement(EDGE_CASES["age_14"].number)).state == "approved"


def test_card_that_is_over_is_refused(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    clock.set(clock.now().replace(year=2033))
    row = decided(wallet, client, statement(WIFE))
    assert (row.state, row.reason) == ("refused", "card_not_valid")


def test_registering_twice_opens_one_account(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    """Until it is activated a second registration approves the same account anew; nothing is opened beside it."""
    before = accounts(wallet)
    first, clock_then = decided(wallet, client, statement(WIFE)), clock.now()
    clock.advance(timedelta(days=8))
    second = decided(wallet, client, statement(WIFE))
    assert first.account_id == second.account_id
    assert accounts(wallet).keys() - before.keys() == {first.account_id}
    with wallet.read() as work:
        approved_at = work.accounts.find(first.account_id or "").approved_at
        assert approved_at is not None
        assert approved_at > clock_then


def test_job_run_twice_decides_once(wallet: Wallet, client: FlaskClient) -> None:
    row = decided(wallet, client, statement(WIFE))
    wallet.registering.run()
    with wallet.work() as work:
        assert work.registrations.decide(row.id) is False
        assert work.registrations.decide("reg_" + "0" * 32) is False
    assert texts(wallet) == [(phone_of(WIFE), "application_approved")]


def test_registration_rests_as_long_as_it_is_told_to(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    waiting = replace(wallet.registering, wait=timedelta(hours=2))
    registration = register(client, statement(WIFE)).json["registration_id"]
    waiting.run()
    clock.advance(hours=1, minutes=59)
    waiting.run()
    assert row_of(wallet, registration).state == "received"
    clock.advance(minutes=1)
    waiting.run()
    assert row_of(wallet, registration).state == "approved"


class Silent:
    """A register that does not answer."""

    code = RegisterCode.SUBSCRIBERS

    def read(self, number: str, ground: Ground) -> Facts:
        raise Unavailable("source_unavailable", 5)


def test_register_that_is_silent_decides_nothing(wallet: Wallet, client: FlaskClient, unchanged: Unchanged) -> None:
    registration = register(client, statement(WIFE)).json["registration_id"]
    subscribers = wallet.registers[RegisterCode.SUBSCRIBERS]
    wallet.registers[RegisterCode.SUBSCRIBERS] = Silent()
    with unchanged(), pytest.raises(Unavailable):
        wallet.registering.run()
    wallet.registers[RegisterCode.SUBSCRIBERS] = subscribers
    wallet.registering.run()
    assert row_of(wallet, registration).state == "approved"


MALFORMED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no number": ({"number": "99"}, {"/number": "invalid_format"}),
    "number in other digits": ({"number": "٠٩٩١٩٢٠٠٠٠٥١"}, {"/number": "invalid_format"}),
    "cyrillic letter": ({"full_name": "Lê Thị Mẫu Hоa"}, {"/full_name": "suspicious_characters"}),
    "invisible letter": ({"full_name": "Lê\u200b Thị Mẫu Hòa"}, {"/full_name": "suspicious_characters"}),
    "no day": ({"birth_date": "1992-02-30"}, {"/birth_date": "invalid_format"}),
    "day the other way round": ({"birth_date": "08-03-1992"}, {"/birth_date": "invalid_format"}),
    "landline": ({"phone": "02438241234"}, {"/phone": "invalid_phone"}),
    "no e-mail": ({"email": "hoa"}, {"/email": "invalid"}),
    "sample that is none": ({"face_sample": "AAAA"}, {"/face_sample": "invalid_sample"}),
    "sample in another alphabet": ({"face_sample": "+/=="}, {"/face_sample": "invalid_sample"}),
    "key off the curve": ({"public_key": PUBLIC_KEY | {"x": "A" * 43}}, {"/public_key": "invalid_public_key"}),
    "private key": ({"public_key": PUBLIC_KEY | {"d": "A" * 43}}, {"/public_key/d": "unknown_field"}),
    "device of another shape": ({"device_id": "phone"}, {"/device_id": "invalid_format"}),
    "no consent": ({"consent": False}, {"/consent": "consent_required"}),
    "consent to another text": ({"consent_version": "2019-01"}, {"/consent_version": "consent_version_unknown"}),
    "level": ({"level": 2}, {"/level": "unknown_field"}),
    "state": ({"state": "approved"}, {"/state": "unknown_field"}),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_not_well_formed_is_refused(client: FlaskClient, unchanged: Unchanged, case: str) -> None:
    change, expected = MALFORMED[case]
    with unchanged():
        errors = field_errors(assert_refused(register(client, statement(WIFE) | change), 422, "invalid_input"))
    assert errors.keys() == expected.keys()
    if case != "no e-mail":
        assert errors == expected


def test_nothing_is_optional_but_the_mail(client: FlaskClient, unchanged: Unchanged) -> None:
    whole = statement(WIFE)
    with unchanged():
        for name in whole:
            body = {field: value for field, value in whole.items() if field != name}
            errors = field_errors(assert_refused(register(client, body), 422, "invalid_input"))
            assert errors == {f"/{name}": "required"}


def test_body_is_capped(client: FlaskClient, unchanged: Unchanged) -> None:
    with unchanged():
        assert register(client, statement(WIFE, face_sample="A" * 1_100_000)).status_code == 413


def test_registrations_of_an_address_block_are_limited(client: FlaskClient, clock: FixedClock, state: State) -> None:
    def change(count: int) -> dict[str, str]:
        return {"phone": f"09912345{count:02d}", "number": f"099192{count:06d}"}

    most = 30
    for count in range(most):
        assert register(client, statement(WIFE) | change(count)).status_code == 202
    before = state()
    refused = register(client, statement(WIFE) | change(most))
    assert_refused(refused, 429, "too_many_attempts")
    assert {name: rows for name, rows in state().items() if name != "guess_counts"} == {
        name: rows for name, rows in before.items() if name != "guess_counts"
    }
    elsewhere = register(client, statement(WIFE) | change(most), environ_base={"REMOTE_ADDR": "198.51.100.9"})
    assert elsewhere.status_code == 202
    clock.advance(seconds=int(refused.headers["Retry-After"]) + 1)
    assert register(client, statement(WIFE) | change(most)).status_code == 202


GARBAGE = {
    "another name": {"full_name": "Lê Thị Mẫu Hóa"},
    "another birth date": {"birth_date": "1992-03-09"},
    "another phone": {"phone": "0991234567"},
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_shuts_nobody_out(wallet: Wallet, client: FlaskClient, state: State, case: str) -> None:
    """Whoever knows a number, or a phone, or both, spends nothing that is its owner's; nor floods them with texts."""
    for _ in range(7):
        assert decided(wallet, client, statement(WIFE) | GARBAGE[case]).state == "refused"
    refusals = texts(wallet)
    assert refusals == ([] if case == "another phone" else [(phone_of(WIFE), "registration_refused")] * 3)
    assert decided(wallet, client, statement(WIFE)).state == "approved"
    assert texts(wallet) == [*refusals, (phone_of(WIFE), "application_approved")]


def test_faces_cannot_be_tried_without_end(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    """Whoever matched in all but the face has three tries a day; beyond them no capture is compared."""
    before = accounts(wallet)
    wrong = statement(WIFE, face_sample=sample(TONE))
    assert {decided(wallet, client, wrong).reason for _ in range(3)} == {"face_unmatched"}
    fourth = decided(wallet, client, statement(WIFE))
    assert (fourth.state, fourth.reason, fourth.matching["scores"]) == ("refused", "too_many_attempts", {})
    assert accounts(wallet) == before
    assert texts(wallet) == [(phone_of(WIFE), "registration_refused")] * 3
    clock.advance(days=1, seconds=1)
    assert decided(wallet, client, statement(WIFE)).state == "approved"


def test_what_was_proven_in_person_is_not_replaced_from_home(
    wallet: Wallet, client: FlaskClient, clock: FixedClock, state: State
) -> None:
    """An account of level 2 that waits for its activation keeps its phone, its mail and its time."""
    first = decided(wallet, client, statement(WIFE, email="hoa@example.vn"))
    with wallet.work() as work:
        work.accounts.approve(first.account_id or "", AccountLevel.TWO, SYSTEM)
    clock.advance(timedelta(days=1))
    body = statement(WIFE, email="khac@example.vn")
    registration = register(client, body).json["registration_id"]
    kept = ("accounts", "contacts", "holders", "notices")
    before = {name: rows for name, rows in state().items() if name in kept}
    assert before["accounts"]
    wallet.registering.run()
    row = row_of(wallet, registration)
    assert (row.state, row.reason, row.account_id) == ("refused", "account_exists", None)
    assert {name: rows for name, rows in state().items() if name in before} == before
    assert (phone_of(WIFE), "registration_account_exists") in texts(wallet)


def poison(wallet: Wallet, registration_id: str) -> None:
    with wallet.db.write() as session:
        row = session.get(ApplicationRow, registration_id)
        assert row is not None
        row.sealed_form = b"no form"


def test_one_poisoned_registration_stops_nobody(
    wallet: Wallet, client: FlaskClient, phone_of: Callable[..., CitizenPhone], events: Events
) -> None:
    """It is tried in ten rounds, changes nothing, and is then shown to every desk and not tried again."""
    poisoned = register(client, statement(NAMESAKE)).json["registration_id"]
    poison(wallet, poisoned)
    assert decided(wallet, client, statement(WIFE)).state == "approved"
    before = accounts(wallet)
    for _ in range(8):
        wallet.registering.run()
    row = row_of(wallet, poisoned)
    assert (row.state, row.reason, row.matching["rounds"]) == ("received", None, 9)
    wallet.registering.run()
    wallet.registering.run()
    row = row_of(wallet, poisoned)
    assert (row.state, row.reason, row.matching["rounds"]) == ("received", "for_desk", 10)
    assert (accounts(wallet), row.account_id) == (before, None)
    assert [event["subject"] for event in events("registration.left_to_desk")] == [poisoned]
    (seen,) = phone_of("officer2").get("/v1/desk/applications?state=received").json["data"]
    assert (seen["id"], seen["overdue"], seen["checks"]) == (poisoned, False, {"person": "undecided"})
    assert client.get(f"{PATH}/{poisoned}").json["state"] == "received"


class Beaten:
    """A register during whose first answer another transaction is faster."""

    code = RegisterCode.POPULATION

    def __init__(self, register: Any) -> None:
        self.register, self.asked = register, 0

    def read(self, number: str, ground: Ground) -> Facts:
        self.asked += 1
        if self.asked == 1:
            raise Conflict("already_exists")
        facts: Facts = self.register.read(number, ground)
        return facts


def test_registration_that_lost_a_race_is_decided_in_the_next_round(wallet: Wallet, client: FlaskClient) -> None:
    wallet.registers[RegisterCode.POPULATION] = Beaten(wallet.registers[RegisterCode.POPULATION])
    lost = decided(wallet, client, statement(WIFE))
    assert (lost.state, lost.account_id, texts(wallet)) == ("received", None, [])
    assert wallet.registering.run() is False
    assert row_of(wallet, lost.id).state == "approved"


def test_two_first_registrations_of_one_person_at_once_open_one_account(wallet: Wallet, client: FlaskClient) -> None:
    before = accounts(wallet)
    ids = [register(client, statement(WIFE)).json["registration_id"] for _ in range(2)]
    ready = threading.Barrier(2)

    def decide() -> None:
        ready.wait()
        wallet.registering.run()

    threads = [threading.Thread(target=decide) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wallet.registering.run()
    rows = [row_of(wallet, each) for each in ids]
    (account_id,) = accounts(wallet).keys() - before.keys()
    assert {(row.state, row.account_id) for row in rows} == {("approved", account_id)}


def test_unknown_registration_is_not_found(wallet: Wallet, client: FlaskClient) -> None:
    for registration in ("reg_" + "0" * 32, "app_" + "0" * 32, "x"):
        assert_refused(client.get(f"{PATH}/{registration}"), 404, "not_found")
    with wallet.read() as work, pytest.raises(NotFound):
        work.registrations.get("reg_none")


def test_overdue_registration_is_seen_by_every_desk(
    wallet: Wallet, client: FlaskClient, clock: FixedClock, phone_of: Callable[..., CitizenPhone]
) -> None:
    registration = register(client, statement(WIFE)).json["registration_id"]
    assert phone_of("officer1").get("/v1/desk/applications?state=received").json["data"] == []
    clock.advance(timedelta(days=2))
    for key in ("officer1", "officer2", "approver1"):
        desk = phone_of(key)
        (seen,) = desk.get("/v1/desk/applications?state=received").json["data"]
        assert (seen["id"], seen["overdue"], seen["kind"]) == (registration, True, "level_1")
        assert seen.keys() & {"form", "scores", "account_id"} == set()
        assert_refused(desk.get(f"/v1/desk/applications/{registration}"), 404, "not_found")
