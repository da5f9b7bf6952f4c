"""Ceremonies over HTTP: every step is the asking device's own, and what is begun in a session."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ceremonies.asking import ANSWERS, NOBODYS_NUMBER, AskingPhone, card_of, codes_sent, last_code, new_key
from tests.phone import CitizenPhone
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused, field_errors
from wallet.ceremonies.conducting import PER_BLOCK
from wallet.demo.chip import serial_of
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.demo.phones import second_phone_of
from wallet.wiring import Wallet

Unchanged = Callable[[], AbstractContextManager[None]]
AN = persona("an").number
OLD_PHONE, NEW_PHONE = number_of_phone(AN), second_phone_of(AN)
READING = {
    "challenge": "x",
    "security_object": "x",
    "data_groups": {"dg1": "x", "dg13": "x", "dg15": "x"},
    "signature": "x",
}
STEPS: dict[str, dict[str, Any]] = {
    "status": {},
    "codes": {},
    "code-confirmations": {"code": "123456"},
    "chip-challenges": {},
    "chip-proofs": READING,
    "answers": {"answers": ANSWERS},
    "completion": {},
}


@pytest.fixture
def phone(wallet: Wallet, client: FlaskClient) -> AskingPhone:
    phone = AskingPhone(wallet, client)
    phone.begin("binding", AN)
    return phone


def test_answer_says_where_the_ceremony_stands(phone: AskingPhone) -> None:
    assert phone.ceremony.keys() == {"id", "kind", "state", "expires_at", "comparison", "sufficient", "factors"}
    assert phone.ceremony["id"].startswith("cer_")
    assert phone.ceremony["sufficient"] == [["old_device"], ["chip", "otp"], ["desk"]]
    assert phone.ceremony["expires_at"] == "2026-03-02T05:15:00Z"
    response = phone.step("status")
    assert response.json == phone.ceremony
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("step", STEPS)
def test_step_signed_by_another_key_is_refused(phone: AskingPhone, unchanged: Unchanged, step: str) -> None:
    with unchanged():
        response = phone.step(step, proof=phone.proof(new_key()), **STEPS[step])
        assert_refused(response, 401, "invalid_device_proof")


@pytest.mark.parametrize("step", STEPS)
def test_step_of_another_device_is_refused(
    wallet: Wallet, client: FlaskClient, phone: AskingPhone, unchanged: Unchanged, step: str
) -> None:
    """Its own proof is good, for its own ceremony; here it is nobody's."""
    stranger = AskingPhone(wallet, client)
    stranger.begin("binding", AN)
    code = "otp_invalid" if step == "code-confirmations" else "invalid_device_proof"
    with unchanged():
        assert_refused(stranger.step(step, ceremony_id=phone.id, **STEPS[step]), 401, code)


@pytest.mark.parametrize("step", STEPS)
def test_s14_proof_of_a_step_is_used_once(phone: AskingPhone, clock: FixedClock, step: str) -> None:
    body = STEPS[step] | {"proof": phone.proof()}
    assert phone.step("status", proof=body["proof"]).status_code == 200
    assert_refused(phone.step(step, **body), 401, "invalid_device_proof")


@pytest.mark.parametrize("step", ["codes", "answers", "completion"])
def test_s14_refused_step_uses_its_proof_up_too(phone: AskingPhone, unchanged: Unchanged, step: str) -> None:
    body = STEPS[step] | {"proof": phone.proof()}
    with unchanged():
        assert phone.step(step, **body).status_code in (403, 409)
        assert_refused(phone.step(step, **body), 401, "invalid_device_proof")


def test_s14_refused_beginning_uses_its_proof_up_too(phone: AskingPhone, phone_of: Any, unchanged: Unchanged) -> None:
    bound = AskingPhone.of(phone_of("an"))
    proof = bound.proof()
    with unchanged():
        assert_refused(bound.try_begin("binding", AN, proof=proof), 409, "device_taken")
        assert_refused(bound.try_begin("binding", AN, proof=proof), 401, "invalid_device_proof")


@pytest.mark.parametrize("step", STEPS)
def test_unknown_ceremony_is_not_found(phone: AskingPhone, unchanged: Unchanged, step: str) -> None:
    with unchanged():
        for ceremony_id in (f"cer_{'0' * 32}", "x", "%F0%9F%98%80"):
            assert_refused(phone.step(step, ceremony_id=ceremony_id, **STEPS[step]), 404, "not_found")


@pytest.mark.parametrize("step", STEPS)
def test_step_is_read_strictly(phone: AskingPhone, unchanged: Unchanged, step: str) -> None:
    with unchanged():
        body = assert_refused(phone.step(step, **STEPS[step], account_id="acc_1"), 422, "invalid_input")
        assert field_errors(body) == {"/account_id": "unknown_field"}
        response = phone.client.post(f"/v1/ceremonies/{phone.id}/{step}", json=STEPS[step])
        assert field_errors(assert_refused(response, 422, "invalid_input"))["/proof"] == "required"
        assert_refused(phone.step(step, **STEPS[step] | {"proof": "no proof"}), 401, "invalid_device_proof")


def test_beginning_needs_the_key_that_is_named(phone: AskingPhone, unchanged: Unchanged) -> None:
    with unchanged():
        for proof in (phone.proof(new_key()), phone.proof(device_id="dev_other")):
            assert_refused(phone.try_begin("binding", AN, proof=proof), 401, "invalid_device_proof")


def test_beginning_uses_its_proof_up(phone: AskingPhone, unchanged: Unchanged) -> None:
    proof = phone.proof()
    assert phone.try_begin("binding", AN, proof=proof).status_code == 201
    with unchanged():
        assert_refused(phone.try_begin("binding", AN, proof=proof), 401, "invalid_device_proof")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "phone_change"}, "/kind"),
        ({"kind": "unlocking"}, "/kind"),
        ({"number": "12345"}, "/number"),
        ({"number": "09909000000１"}, "/number"),
        ({"device_id": "phone-1"}, "/device_id"),
        ({"device_name": ""}, "/device_name"),
        ({"device_name": "a\u202eb"}, "/device_name"),
        ({"device_name": "x" * 81}, "/device_name"),
        ({"public_key": {"kty": "RSA"}}, "/public_key/kty"),
        ({"public_key": None}, "/public_key"),
        ({"factors": ["otp"]}, "/factors"),
        ({"place": "Hà Nội"}, "/place"),
    ],
)
def test_beginning_is_read_strictly(
    phone: AskingPhone, unchanged: Unchanged, changes: dict[str, Any], pointer: str
) -> None:
    with unchanged():
        body = assert_refused(phone.try_begin("binding", AN, **changes), 422, "invalid_input")
        assert pointer in field_errors(body)


def test_place_is_a_block_of_addresses_never_one(wallet: Wallet, client: FlaskClient, phone_of: Any) -> None:
    phone = AskingPhone(wallet, client)
    client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    phone.begin("binding", AN)
    client.environ_base["REMOTE_ADDR"] = "2001:db8:1:2:3:4:5:6"
    phone.begin("binding", AN)
    places = {each["place"] for each in phone_of("an").get("/v1/me/binding-requests").json["data"]}
    assert places == {"203.0.113.0/24", "2001:db8:1:2::/64"}


def test_record_holds_no_number_no_phone_and_no_code(
    wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, events: Callable[[str], list[dict[str, Any]]]
) -> None:
    phone.prove_chip(card_of(wallet, AN))
    phone.done("codes")
    code = last_code(wallet, mailbox, OLD_PHONE)
    phone.done("code-confirmations", code=code)
    phone.done("completion")
    told = [events(f"ceremony.{name}") for name in ("begun", "factor_proven", "completed")]
    assert [len(each) for each in told] == [1, 2, 1]
    assert not any(secret in repr(told) for secret in (AN, OLD_PHONE, f"'{code}'", "Điện thoại"))


# --- changing one's phone number -------------------------------------------------------------------------------


def begin_change(old: CitizenPhone, phone: str = NEW_PHONE) -> Any:
    return old.post("/v1/me/phone-changes", {"phone": phone})


@pytest.fixture
def changing(phone_of: Any) -> tuple[CitizenPhone, AskingPhone]:
    """An's phone at auth level 4, and the change that it began."""
    old = phone_of("an")
    old.step_up(4)
    asking, response = AskingPhone.of(old), begin_change(old)
    assert response.status_code == 201, response.text
    asking.ceremony = response.json
    return old, asking


def test_s12_phone_number_is_changed_and_the_old_one_is_told(
    wallet: Wallet, changing: tuple[CitizenPhone, AskingPhone], mailbox: Mailbox, clock: FixedClock
) -> None:
    old, asking = changing
    elsewhere = CitizenPhone(wallet, old.client, "an")
    elsewhere.sign_in()
    assert asking.ceremony["factors"] == ["device"]
    asking.done("codes")
    assert codes_sent(wallet, mailbox) == [NEW_PHONE]
    asking.done("code-confirmations", code=last_code(wallet, mailbox, NEW_PHONE))
    assert asking.done("completion")["state"] == "completed"
    wallet.delivering.deliver_texts()
    for number in (OLD_PHONE, NEW_PHONE):
        assert mailbox.texts(number)[-1].startswith("So dien thoai")
    assert_refused(elsewhere.get("/v1/me"), 401, "session_ended")
    assert old.get("/v1/me").status_code == 200, "the session that changed it stays"
    assert_refused(begin_change(old, OLD_PHONE), 403, "cooling_off")
    assert_refused(old.post("/v1/requests", {"utility": "residence"}), 403, "cooling_off")
    clock.advance(hours=24)
    old.sign_in()
    old.step_up(4)
    assert begin_change(old, OLD_PHONE).status_code == 201
    body = assert_refused(begin_change(old, NEW_PHONE), 422, "invalid_input")
    assert field_errors(body) == {"/phone": "phone_unchanged"}


def test_s11_the_new_phone_alone_changes_nothing(
    changing: tuple[CitizenPhone, AskingPhone], mailbox: Mailbox, unchanged: Unchanged
) -> None:
    """Neither before the code, nor by a ceremony of another device."""
    _, asking = changing
    with unchanged():
        assert_refused(asking.step("completion"), 403, "stronger_factor_required")
        thief = AskingPhone(asking.wallet, asking.client)
        response = thief.step("completion", ceremony_id=asking.id)
        assert_refused(response, 401, "invalid_device_proof")


def test_code_to_the_old_phone_is_never_sent(
    wallet: Wallet, changing: tuple[CitizenPhone, AskingPhone], mailbox: Mailbox
) -> None:
    _, asking = changing
    asking.done("codes")
    assert OLD_PHONE not in codes_sent(wallet, mailbox)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (number_of_phone(persona("sau").number), "not_own_phone"),
        ("+84899999999", "not_own_phone"),
        (OLD_PHONE, "phone_unchanged"),
        ("0" + OLD_PHONE[3:], "phone_unchanged"),
        ("+14155550123", "invalid_phone"),
        ("0123456789", "invalid_phone"),
    ],
)
def test_new_phone_is_another_of_ones_own(phone_of: Any, unchanged: Unchanged, number: str, code: str) -> None:
    old = phone_of("an")
    old.step_up(4)
    with unchanged():
        body = assert_refused(begin_change(old, number), 422, "invalid_input")
        assert field_errors(body) == {"/phone": code}


@pytest.mark.parametrize("level", [1, 2, 3])
def test_phone_change_needs_auth_level_four(phone_of: Any, unchanged: Unchanged, level: int) -> None:
    old = phone_of("an", password=level > 1)
    if level == 3:
        old.step_up(3)
    with unchanged():
        assert_refused(begin_change(old), 401, "step_up_required")


def test_s13_phone_change_needs_a_fresh_authentication(phone_of: Any, clock: FixedClock, unchanged: Unchanged) -> None:
    old = phone_of("an")
    old.step_up(4)
    clock.advance(seconds=301)
    with unchanged():
        response = begin_change(old)
        assert_refused(response, 401, "step_up_required")
    assert 'max_age="300"' in response.headers["WWW-Authenticate"]


def test_phone_number_is_changed_at_a_desk(wallet: Wallet, changing: Any, phone_of: Any) -> None:
    _, asking = changing
    officer = phone_of("officer1")
    attested = {"number": AN, "card_serial": serial_of(AN), "checked": ["card", "face"], "legal_ref": "BB-2"}
    assert officer.post(f"/v1/desk/ceremonies/{asking.id}/vouching", attested).status_code == 201
    assert asking.done("completion")["state"] == "completed"


def test_phone_change_is_begun_once_for_each_key(phone_of: Any) -> None:
    old = phone_of("an")
    old.step_up(4)
    first, again = (old.post("/v1/me/phone-changes", {"phone": NEW_PHONE}, key="one") for _ in range(2))
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_refused(old.post("/v1/me/phone-changes", {"phone": NEW_PHONE}, key=None), 400, "idempotency_key_required")


def test_new_phone_number_is_sealed_until_it_counts(changing: Any, state: Callable[[], dict[str, list[str]]]) -> None:
    assert not any(NEW_PHONE in row for rows in state().values() for row in rows)


def test_ceremonies_for_nobody_leave_no_trace_of_the_number(
    wallet: Wallet, client: FlaskClient, state: Callable[[], dict[str, list[str]]]
) -> None:
    AskingPhone(wallet, client).begin("binding", NOBODYS_NUMBER)
    assert not any(NOBODYS_NUMBER in row for rows in state().values() for row in rows)


def test_old_ceremonies_are_forgotten(
    wallet: Wallet, client: FlaskClient, clock: FixedClock, state: Callable[[], dict[str, list[str]]]
) -> None:
    phone = AskingPhone(wallet, client)
    phone.begin("binding", AN)
    phone.prove_chip(card_of(wallet, AN))
    phone.done("codes")
    clock.advance(days=1, minutes=14)
    assert_refused(phone.step("codes"), 409, "ceremony_over")
    clock.advance(hours=2)
    AskingPhone(wallet, client).begin("binding", NOBODYS_NUMBER)
    stored = state()
    assert (len(stored["ceremonies"]), len(stored["one_time_codes"])) == (1, 0)


def test_block_of_addresses_begins_so_many_an_hour(
    wallet: Wallet, client: FlaskClient, clock: FixedClock, unchanged: Unchanged
) -> None:
    """Each can have codes sent to somebody else's phone: whoever runs through numbers is stopped, nobody else."""
    phone = AskingPhone(wallet, client)
    for number in range(PER_BLOCK):
        phone.begin("binding", f"0990990{number:05d}")
    for number in (AN, NOBODYS_NUMBER):
        with unchanged():
            refused = phone.try_begin("binding", number)
            assert_refused(refused, 429, "too_many_attempts")
            assert int(refused.headers["Retry-After"]) == 3600
    client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    phone.begin("binding", AN)
    client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    clock.advance(hours=1)
    phone.begin("binding", AN)
