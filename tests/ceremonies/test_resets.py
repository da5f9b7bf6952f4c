"""A forgotten passcode or password: the bound phone and the card, or the phone, a code and two answers, or a desk."""

from typing import Any

import pytest

from tests.ceremonies.asking import ANSWERS, NOBODYS_NUMBER, PASSCODE, PASSWORD, AskingPhone, card_of, codes_sent
from tests.ceremonies.conftest import WIFE
from tests.ceremonies.test_activation import CHOSEN
from tests.phone import CitizenPhone
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.chip import serial_of
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.identity.models import Passkey
from wallet.identity.questions import Answer
from wallet.terms import Actor
from wallet.texts.catalogue import both
from wallet.wiring import Wallet

AN = persona("an").number
PHONE = number_of_phone(WIFE)
NEW_PASSCODE, NEW_PASSWORD = "739164", "KhacHan#2028"


@pytest.fixture
def holder(asking: Any, approved: str, mailbox: Mailbox, clock: FixedClock) -> AskingPhone:
    """The phone of somebody who activated an account and chose two questions; a minute later."""
    phone: AskingPhone = asking()
    phone.begin("activation", WIFE, phone=PHONE)
    phone.prove_code(mailbox, PHONE)
    phone.done("completion", **CHOSEN)
    clock.advance(seconds=60)
    return phone


@pytest.fixture
def resetting(holder: AskingPhone) -> AskingPhone:
    holder.begin("passcode_reset", WIFE)
    return holder


def step_up(phone: AskingPhone, headers: dict[str, str], passcode: str) -> Any:
    body = {"proof": phone.proof(), "passcode": passcode}
    return phone.client.post("/v1/sessions/current/step-up", json=body, headers=headers)


def test_passcode_is_reset_with_code_and_answers(wallet: Wallet, resetting: AskingPhone, mailbox: Mailbox) -> None:
    assert resetting.ceremony["factors"] == ["device"]
    assert resetting.ceremony["questions"] == sorted(each["question"] for each in ANSWERS)
    assert resetting.ceremony["codes"] == [
        {"name": "questions", "code": code, "label": both("questions", code)}
        for code in resetting.ceremony["questions"]
    ]
    resetting.prove_code(mailbox, PHONE)
    assert resetting.done("answers", answers=ANSWERS)["factors"] == ["device", "otp", "questions"]
    resetting.done("completion", passcode=NEW_PASSCODE)
    headers = resetting.sign_in(WIFE, PASSWORD)
    assert_refused(step_up(resetting, headers, PASSCODE), 401, "invalid_credentials")
    assert step_up(resetting, headers, NEW_PASSCODE).status_code == 200
    wallet.delivering.deliver_texts()
    assert mailbox.texts(PHONE)[-1].startswith("Passcode")


def test_passcode_is_reset_with_the_card(wallet: Wallet, phone_of: Any) -> None:
    old = phone_of("an")
    phone = AskingPhone.of(old)
    phone.begin("passcode_reset", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.done("completion", passcode=NEW_PASSCODE)
    assert_refused(old.get("/v1/me"), 401, "session_ended")
    headers = phone.sign_in(AN, old.own.password)
    assert step_up(phone, headers, NEW_PASSCODE).status_code == 200
    issue = phone.client.post("/v1/requests", json={"utility": "residence"}, headers=headers | {"Idempotency-Key": "k"})
    assert_refused(issue, 403, "cooling_off")


def test_password_is_reset_with_the_card(wallet: Wallet, phone_of: Any) -> None:
    old = phone_of("an")
    phone = AskingPhone.of(old)
    phone.begin("password_reset", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.done("completion", password=NEW_PASSWORD)
    assert_refused(old.try_sign_in(), 401, "invalid_credentials")
    phone.sign_in(AN, NEW_PASSWORD)


def test_passcode_is_reset_at_a_desk(wallet: Wallet, phone_of: Any) -> None:
    officer, old = phone_of("officer1"), phone_of("an")
    phone = AskingPhone.of(old)
    phone.begin("passcode_reset", AN)
    attested = {"number": AN, "card_serial": serial_of(AN), "checked": ["face", "card"], "legal_ref": "BB-1"}
    assert officer.post(f"/v1/desk/ceremonies/{phone.id}/vouching", attested).status_code == 201
    phone.done("completion", passcode=NEW_PASSCODE)
    assert step_up(phone, phone.sign_in(), NEW_PASSCODE).status_code == 200


def test_suspended_phone_is_restored_by_a_reset(wallet: Wallet, phone_of: Any, clock: FixedClock) -> None:
    old = phone_of("an")
    for _ in range(10):
        old.call("POST", "/v1/sessions", json={"proof": old.proof(), "number": AN, "password": "Sai#Mat0Khau"})
        clock.advance(minutes=5)
    assert_refused(old.try_sign_in(), 403, "rebinding_required")
    phone = AskingPhone.of(old)
    phone.begin("password_reset", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.done("completion", password=NEW_PASSWORD)
    phone.sign_in(AN, NEW_PASSWORD)


def test_s11_code_alone_resets_nothing(
    holder: AskingPhone, asking: Any, mailbox: Mailbox, clock: FixedClock, unchanged: Any
) -> None:
    for phone in (holder, asking()):
        for kind, secret in (
            ("passcode_reset", {"passcode": NEW_PASSCODE}),
            ("password_reset", {"password": PASSWORD}),
        ):
            phone.begin(kind, WIFE)
            if phone is holder:
                phone.prove_code(mailbox, PHONE)
            else:
                assert_refused(phone.step("codes"), 403, "stronger_factor_required")
            with unchanged():
                assert_refused(phone.step("completion", **secret), 403, "stronger_factor_required")
            clock.advance(seconds=60)


def test_s11_code_and_answers_reset_nothing_from_another_phone(
    holder: AskingPhone, asking: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    """The questions are not even asked there, so nobody guesses at leisure."""
    thief = asking()
    assert {"questions", "codes"}.isdisjoint(thief.begin("passcode_reset", WIFE))
    with unchanged():
        assert_refused(thief.step("codes"), 403, "stronger_factor_required")
        assert_refused(thief.step("answers", answers=ANSWERS), 409, "factor_not_useful")
        assert_refused(thief.step("completion", passcode=NEW_PASSCODE), 403, "stronger_factor_required")


def test_answers_alone_reset_nothing(resetting: AskingPhone, unchanged: Any) -> None:
    resetting.done("answers", answers=ANSWERS)
    with unchanged():
        assert_refused(resetting.step("completion", passcode=NEW_PASSCODE), 403, "stronger_factor_required")


def test_card_on_another_phone_resets_nothing(wallet: Wallet, asking: Any, unchanged: Any) -> None:
    thief = asking()
    thief.begin("passcode_reset", AN)
    thief.prove_chip(card_of(wallet, AN))
    with unchanged():
        assert_refused(thief.step("completion", passcode=NEW_PASSCODE), 403, "stronger_factor_required")


def test_s11_card_on_another_phone_has_no_code_sent(
    wallet: Wallet, asking: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    """The card is one of two other factors, of a set that needs no code."""
    thief = asking()
    thief.begin("passcode_reset", AN)
    thief.prove_chip(card_of(wallet, AN))
    with unchanged():
        assert_refused(thief.step("codes"), 403, "stronger_factor_required")
    assert codes_sent(wallet, mailbox) == []


def test_reset_of_a_device_that_is_unbound_meanwhile_is_over(
    wallet: Wallet, phone_of: Any, account_of: Any, unchanged: Any
) -> None:
    phone = AskingPhone.of(phone_of("an"))
    phone.begin("passcode_reset", AN)
    phone.prove_chip(card_of(wallet, AN))
    with wallet.work() as work:
        work.devices.unbind(phone.device_id, "holder_asked", Actor(account_of(AN).id, request_id="tests"))
    with unchanged():
        assert_refused(phone.step("completion", passcode=NEW_PASSCODE), 409, "ceremony_over")
    assert phone.done("status")["end_reason"] == "interrupted"


def test_reset_of_a_device_that_is_suspended_meanwhile_is_over(
    wallet: Wallet, phone_of: Any, clock: FixedClock, unchanged: Any
) -> None:
    """Whoever guesses the password on a phone of which they have the card as well begins anew."""
    old = phone_of("an")
    phone = AskingPhone.of(old)
    for count in range(10):
        clock.advance(minutes=5)
        if count == 9:
            phone.begin("passcode_reset", AN)
            phone.prove_chip(card_of(wallet, AN))
        old.call("POST", "/v1/sessions", json={"proof": old.proof(), "number": AN, "password": "Sai#Mat0Khau"})
    with unchanged():
        assert_refused(phone.step("completion", passcode=NEW_PASSCODE), 409, "ceremony_over")
    phone.begin("passcode_reset", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.done("completion", passcode=NEW_PASSCODE)


@pytest.mark.parametrize("kind", ["passcode_reset", "password_reset"])
def test_s12_reset_removes_the_passkeys(wallet: Wallet, phone_of: Any, account_of: Any, kind: str) -> None:
    account_id = account_of(AN).id
    with wallet.db.write() as session:
        session.add(
            Passkey(
                id="pky_1", account_id=account_id, credential_id=b"1", public_key=b"1", sign_count=0, transports=[],
                name="Máy của kẻ trộm", created_at=wallet.clock.now(),
            )
        )  # fmt: skip
    phone = AskingPhone.of(phone_of("an"))
    phone.begin(kind, AN)
    phone.prove_chip(card_of(wallet, AN))
    secret = {"passcode": NEW_PASSCODE} if kind == "passcode_reset" else {"password": NEW_PASSWORD}
    phone.done("completion", **secret)
    with wallet.db.read() as session:
        assert session.get_one(Passkey, "pky_1").removed_at == wallet.clock.now()


def test_own_phone_is_nobodys_for_another_number(phone_of: Any) -> None:
    phone = AskingPhone.of(phone_of("sau"))
    for number in (AN, NOBODYS_NUMBER):
        assert phone.begin("passcode_reset", number)["factors"] == []


def test_device_id_with_another_key_is_another_phone(phone_of: Any, asking: Any) -> None:
    thief = asking()
    thief.device_id = phone_of("an").own.device_id
    assert thief.begin("passcode_reset", AN)["factors"] == []


@pytest.mark.parametrize("passcode", ["000000", "123456", "080392", WIFE[4:10]])
def test_s07_weak_passcode_is_refused_at_a_reset(
    resetting: AskingPhone, mailbox: Mailbox, unchanged: Any, passcode: str
) -> None:
    resetting.prove_code(mailbox, PHONE)
    resetting.done("answers", answers=ANSWERS)
    with unchanged():
        assert_refused(resetting.step("completion", passcode=passcode), 422, "weak_passcode")


@pytest.mark.parametrize(
    ("supplied", "fields"),
    [
        ({}, {"/passcode": "required"}),
        ({"password": PASSWORD}, {"/passcode": "required", "/password": "unknown_field"}),
        ({"passcode": NEW_PASSCODE, "questions": ANSWERS}, {"/questions": "unknown_field"}),
    ],
)
def test_reset_takes_its_own_secret_and_no_other(
    resetting: AskingPhone, mailbox: Mailbox, unchanged: Any, supplied: Any, fields: dict[str, str]
) -> None:
    resetting.prove_code(mailbox, PHONE)
    resetting.done("answers", answers=ANSWERS)
    with unchanged():
        body = assert_refused(resetting.step("completion", **supplied), 422, "invalid_input")
        assert field_errors(body) == fields


# --- security questions ----------------------------------------------------------------------------------------

WRONG = [ANSWERS[0], ANSWERS[1] | {"answer": "Phở"}]


def test_answers_are_compared_without_case_spaces_and_spelling(resetting: AskingPhone) -> None:
    spelled = [
        {"question": "favourite_dish", "answer": "  BÚN   chả "},
        {"question": "first_school", "answer": "tiểu học mẫu"},
    ]
    assert "questions" in resetting.done("answers", answers=spelled)["factors"]


@pytest.mark.parametrize(
    "answers",
    [
        WRONG,
        [ANSWERS[0], ANSWERS[0]],
        [ANSWERS[0], {"question": "first_job", "answer": "Bún chả"}],
        [ANSWERS[0] | {"answer": "Bún chả"}, ANSWERS[1] | {"answer": "Tiểu học Mẫu"}],
        [ANSWERS[0], ANSWERS[1] | {"answer": "Bun cha"}],
    ],
    ids=["one wrong", "one twice", "another question", "exchanged", "without marks"],
)
def test_wrong_answers_are_refused(resetting: AskingPhone, answers: Any, unchanged: Any) -> None:
    with unchanged():
        assert_refused(resetting.step("answers", answers=answers), 401, "answers_invalid")


def test_right_answers_count_within_five_tries(resetting: AskingPhone) -> None:
    for _ in range(4):
        assert_refused(resetting.step("answers", answers=WRONG), 401, "answers_invalid")
    assert "questions" in resetting.done("answers", answers=ANSWERS)["factors"]


def test_right_answers_count_no_more_after_five_tries(resetting: AskingPhone) -> None:
    for _ in range(5):
        assert_refused(resetting.step("answers", answers=WRONG), 401, "answers_invalid")
    assert_refused(resetting.step("answers", answers=ANSWERS), 401, "answers_invalid")


def test_answers_are_not_guessed_over_many_ceremonies(holder: AskingPhone, clock: FixedClock) -> None:
    for number in range(10):
        if number % 5 == 0:
            holder.begin("passcode_reset", WIFE)
        assert_refused(holder.step("answers", answers=WRONG), 401, "answers_invalid")
    holder.begin("passcode_reset", WIFE)
    assert_refused(holder.step("answers", answers=ANSWERS), 429, "too_many_attempts")
    clock.advance(hours=24)
    holder.begin("passcode_reset", WIFE)
    assert "questions" in holder.done("answers", answers=ANSWERS)["factors"]


def test_busy_hasher_costs_no_try_and_no_try_of_the_day(wallet: Wallet, resetting: AskingPhone) -> None:
    """Nothing was learnt, so after any number of them the ten of a day are still there."""
    with wallet.identity.hasher._turn():  # somebody else's hash, for as long as this takes
        for _ in range(12):
            assert_refused(resetting.step("answers", answers=ANSWERS), 503, "busy")
    assert "questions" in resetting.done("answers", answers=ANSWERS)["factors"]


def test_account_without_questions_has_none_to_answer(wallet: Wallet, phone_of: Any) -> None:
    phone = AskingPhone.of(phone_of("an"))
    assert "questions" not in phone.begin("passcode_reset", AN)
    assert_refused(phone.step("answers", answers=ANSWERS), 401, "answers_invalid")


def test_answers_are_kept_as_hashes_alone(holder: AskingPhone, stored: Any) -> None:
    content = repr(stored()["security_answers"])
    assert content.count("$argon2id$") == 2
    assert "chả" not in content.casefold()


def test_answer_is_normalised() -> None:
    texts = ("Bún chả", "  bÚN   CHẢ\t", "Bún chả")
    assert {Answer("favourite_dish", text).normalised for text in texts} == {"bún chả"}


def test_s08_answer_is_no_passcode(resetting: AskingPhone, mailbox: Mailbox, wallet: Wallet) -> None:
    """The same text hashed as another kind of secret opens nothing."""
    from wallet.identity.passwords import Knowledge

    hasher = wallet.identity.hasher
    kept = hasher.hash(Knowledge.ANSWER, NEW_PASSCODE)
    assert hasher.matches(Knowledge.ANSWER, NEW_PASSCODE, kept)
    assert not hasher.matches(Knowledge.PASSCODE, NEW_PASSCODE, kept)


def test_another_persons_phone_completes_nothing(
    resetting: AskingPhone, phone_of: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    resetting.prove_code(mailbox, PHONE)
    resetting.done("answers", answers=ANSWERS)
    thief = AskingPhone.of(CitizenPhone(resetting.wallet, resetting.client, "sau"))
    with unchanged():
        response = thief.step("completion", ceremony_id=resetting.id, passcode=NEW_PASSCODE)
        assert_refused(response, 401, "invalid_device_proof")
