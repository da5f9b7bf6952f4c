"""Activation: the first phone, the first secrets, for an approved account and nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from tests.ceremonies.asking import (
    ANSWERS,
    NOBODYS_NUMBER,
    PASSCODE,
    PASSWORD,
    AskingPhone,
    codes_sent,
    jwk_of,
    last_code,
)
from tests.ceremonies.conftest import SYSTEM, WIFE
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.phones import phone_of as number_of_phone
from wallet.demo.phones import second_phone_of
from wallet.identity.devices import activation_key
from wallet.identity.questions import QUESTIONS
from wallet.terms import AccountLevel
from wallet.wiring import Wallet

PHONE = number_of_phone(WIFE)
CHOSEN = {"password": PASSWORD, "passcode": PASSCODE, "questions": ANSWERS}


@pytest.fixture
def phone(asking: Any, approved: str, mailbox: Mailbox) -> AskingPhone:
    """A phone with a confirmed code: only the completion is left."""
    phone: AskingPhone = asking()
    phone.begin("activation", WIFE, phone=PHONE)
    phone.prove_code(mailbox, PHONE)
    return phone


def test_questions_to_choose_from_are_told_in_words_to_whoever_asks(asking: Any, approved: str) -> None:
    """The same for a number that nobody has: what is told depends on the kind of ceremony alone."""
    for number in (WIFE, NOBODYS_NUMBER):
        told = asking().begin("activation", number, phone=PHONE)
        assert [each["code"] for each in told["codes"]] == list(QUESTIONS)
        assert {"vi": "Món ăn bạn thích nhất?", "en": "What is your favourite dish?"} in [
            each["label"] for each in told["codes"]
        ]


def test_account_is_activated_with_the_code_alone_and_signs_in(
    wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, account_of: Any, events: Any
) -> None:
    done = phone.done("completion", **CHOSEN)
    assert (done["state"], done["factors"]) == ("completed", ["otp"])
    assert account_of(WIFE).state == "active"
    headers = phone.sign_in(WIFE, PASSWORD)
    me = phone.client.get("/v1/me", headers=headers).json
    assert me["device"]["id"] == phone.device_id
    devices = phone.client.get("/v1/me/devices", headers=headers).json["data"]
    assert [(each["name"], each["state"], each["bound_by"], each["current"]) for each in devices] == [
        ("Điện thoại mới", "bound", "otp", True)
    ]
    assert devices[0]["place"] == "127.0.0.0/24"
    wallet.delivering.deliver_texts()
    assert "da duoc kich hoat" in mailbox.texts(PHONE)[-1]
    assert [event["proven_by"] for event in events("ceremony.completed")] == ["otp"]


def test_first_device_begins_no_cooling_off(phone: AskingPhone) -> None:
    phone.done("completion", **CHOSEN)
    headers = phone.sign_in(WIFE, PASSWORD) | {"Idempotency-Key": "first"}
    issued = phone.client.post("/v1/requests", json={"utility": "residence"}, headers=headers)
    assert issued.status_code == 201, issued.text


def test_phone_is_compared_in_either_spelling(asking: Any, approved: str, mailbox: Mailbox) -> None:
    phone = asking()
    phone.begin("activation", WIFE, phone="0" + PHONE.removeprefix("+84"))
    phone.prove_code(mailbox, PHONE)
    assert phone.done("completion", **CHOSEN)["state"] == "completed"


@pytest.mark.parametrize(
    ("number", "phone"),
    [(WIFE, second_phone_of(WIFE)), (NOBODYS_NUMBER, PHONE)],
    ids=["another phone", "another number"],
)
def test_number_and_phone_have_to_belong_together(
    wallet: Wallet, asking: Any, approved: str, mailbox: Mailbox, account_of: Any, number: str, phone: str
) -> None:
    device = asking()
    device.begin("activation", number, phone=phone)
    device.done("codes")
    assert codes_sent(wallet, mailbox) == []
    assert_refused(device.step("code-confirmations", code="000000"), 401, "otp_invalid")
    assert_refused(device.step("completion", **CHOSEN), 403, "stronger_factor_required")
    assert account_of(WIFE).state == "approved"


def test_account_from_home_is_activated_on_the_phone_that_registered_it_alone(
    wallet: Wallet, asking: Any, approved: str, mailbox: Mailbox, account_of: Any
) -> None:
    """Another phone, another key, another id: a ceremony for nobody, like any other, and no code is sent."""
    own, stranger, copy, alias = asking(), asking(), asking(), asking()
    copy.device_id, alias.key = own.device_id, own.key
    with wallet.work() as work:
        key = activation_key(own.device_id, jwk_of(own.key))
        work.accounts.approve(approved, AccountLevel.ONE, SYSTEM, activation_key=key)
    for other in (stranger, copy, alias):
        other.begin("activation", WIFE, phone=PHONE)
        other.step("codes")
        assert_refused(other.step("completion", **CHOSEN), 403, "stronger_factor_required")
    assert codes_sent(wallet, mailbox) == []
    assert account_of(WIFE).state == "approved"
    own.begin("activation", WIFE, phone=PHONE)
    own.prove_code(mailbox, PHONE)
    assert own.done("completion", **CHOSEN)["state"] == "completed"


def test_account_that_a_desk_approves_afterwards_is_bound_to_no_phone(
    wallet: Wallet, asking: Any, approved: str, mailbox: Mailbox
) -> None:
    lost, phone = asking(), asking()
    with wallet.work() as work:
        key = activation_key(lost.device_id, jwk_of(lost.key))
        work.accounts.approve(approved, AccountLevel.ONE, SYSTEM, activation_key=key)
        work.accounts.approve(approved, AccountLevel.TWO, SYSTEM)
    phone.begin("activation", WIFE, phone=PHONE)
    phone.prove_code(mailbox, PHONE)
    assert phone.done("completion", **CHOSEN)["state"] == "completed"


def test_phone_is_needed_and_has_to_be_one(asking: Any, approved: str, unchanged: Any) -> None:
    with unchanged():
        body = assert_refused(asking().try_begin("activation", WIFE), 422, "invalid_input")
        assert field_errors(body) == {"/phone": "required"}
        body = assert_refused(asking().try_begin("activation", WIFE, phone="0123456789"), 422, "invalid_input")
        assert field_errors(body) == {"/phone": "invalid_phone"}


WEAK = ["000000", "123456", "987654", "121212", "080392", "920308", "031992", WIFE[3:9], "12345", "12345a"]


@pytest.mark.parametrize("passcode", WEAK)
def test_s07_weak_passcode_is_refused_at_activation(
    phone: AskingPhone, unchanged: Any, account_of: Any, passcode: str
) -> None:
    with unchanged():
        response = phone.step("completion", **CHOSEN | {"passcode": passcode})
        body = assert_refused(response, 422, "weak_passcode")
    assert field_errors(body) == {"/passcode": "weak_passcode"}
    assert account_of(WIFE).state == "approved"
    assert phone.done("completion", **CHOSEN)["state"] == "completed"


def test_weak_password_is_refused(phone: AskingPhone, unchanged: Any) -> None:
    for password in ("MatKhau2027", "matkhau#2027", "MatKhau#", "Mk#1", "MatKhau#2027" * 2):
        with unchanged():
            assert_refused(phone.step("completion", **CHOSEN | {"password": password}), 422, "weak_password")


@pytest.mark.parametrize(
    ("questions", "fields"),
    [
        (ANSWERS[:1], {"/questions": "invalid_length"}),
        ([ANSWERS[0]] * 2, {"/questions": "two_questions"}),
        ([ANSWERS[0], {"question": "mothers_name", "answer": "Lan"}], {"/questions/1/question": "not_a_choice"}),
        ([ANSWERS[0], ANSWERS[1] | {"answer": " a  "}], {"/questions/1/answer": "invalid_length"}),
    ],
    ids=["one", "twice the same", "not in the list", "too short"],
)
def test_two_different_questions_are_needed(
    phone: AskingPhone, unchanged: Any, questions: Any, fields: dict[str, str]
) -> None:
    with unchanged():
        response = phone.step("completion", **CHOSEN | {"questions": questions})
        assert field_errors(assert_refused(response, 422, "invalid_input")) == fields


@pytest.mark.parametrize("missing", ["password", "passcode", "questions"])
def test_whatever_is_missing_is_named(phone: AskingPhone, unchanged: Any, missing: str) -> None:
    supplied = {name: value for name, value in CHOSEN.items() if name != missing}
    with unchanged():
        body = assert_refused(phone.step("completion", **supplied), 422, "invalid_input")
        assert field_errors(body) == {f"/{missing}": "required"}


def test_nothing_is_said_of_what_was_supplied_before_enough_is_proven(
    asking: Any, approved: str, unchanged: Any
) -> None:
    phone = asking()
    phone.begin("activation", WIFE, phone=PHONE)
    with unchanged():
        assert_refused(phone.step("completion", passcode="000000"), 403, "stronger_factor_required")


def test_completed_ceremony_is_over(phone: AskingPhone, unchanged: Any) -> None:
    phone.done("completion", **CHOSEN)
    with unchanged():
        assert_refused(phone.step("completion", **CHOSEN | {"passcode": "739164"}), 409, "ceremony_over")
        assert_refused(phone.step("codes"), 409, "ceremony_over")
        assert_refused(phone.step("code-confirmations", code="123123"), 401, "otp_invalid")
    assert phone.done("status")["state"] == "completed"


def test_active_account_is_not_activated_again(
    wallet: Wallet, phone: AskingPhone, asking: Any, mailbox: Mailbox, clock: FixedClock
) -> None:
    phone.done("completion", **CHOSEN)
    clock.advance(minutes=2)
    sent = codes_sent(wallet, mailbox)
    stranger = asking()
    stranger.begin("activation", WIFE, phone=PHONE)
    stranger.done("codes")
    assert codes_sent(wallet, mailbox) == sent
    assert_refused(stranger.step("completion", **CHOSEN), 403, "stronger_factor_required")


def test_two_phones_that_activate_at_once_leave_one(
    wallet: Wallet, phone: AskingPhone, asking: Any, mailbox: Mailbox, clock: FixedClock, account_of: Any
) -> None:
    other = asking("Điện thoại thứ hai")
    other.begin("activation", WIFE, phone=PHONE)
    clock.advance(timedelta(seconds=60))
    other.done("codes")
    other.done("code-confirmations", code=last_code(wallet, mailbox, PHONE))
    phone.done("completion", **CHOSEN)
    assert_refused(other.step("completion", **CHOSEN), 409, "ceremony_over")
    assert other.done("status")["end_reason"] == "superseded"


def test_activation_that_comes_too_late_is_refused(
    wallet: Wallet, asking: Any, approved: str, mailbox: Mailbox, clock: FixedClock, unchanged: Any
) -> None:
    clock.advance(days=wallet.settings.activation_days, seconds=1)
    phone = asking()
    phone.begin("activation", WIFE, phone=PHONE)
    phone.prove_code(mailbox, PHONE)
    with unchanged():
        assert_refused(phone.step("completion", **CHOSEN), 409, "activation_over")


def test_chip_and_questions_lead_nowhere_here(asking: Any, approved: str, unchanged: Any) -> None:
    phone = asking()
    phone.begin("activation", WIFE, phone=PHONE)
    with unchanged():
        assert_refused(phone.step("chip-challenges"), 409, "factor_not_useful")
        assert_refused(phone.step("answers", answers=ANSWERS), 409, "factor_not_useful")


def test_taken_device_id_is_refused_whatever_the_number(asking: Any, phone_of: Any, unchanged: Any) -> None:
    bound = AskingPhone.of(phone_of("an"))
    for number in (WIFE, NOBODYS_NUMBER):
        with unchanged():
            assert_refused(bound.try_begin("activation", number, phone=PHONE), 409, "device_taken")
