"""A new phone: approved on the old one, proven by the card, or vouched for at a desk; never by a text message alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.ceremonies.asking import NOBODYS_NUMBER, PASSCODE, AskingPhone, card_of, codes_sent, jwk_of, new_key
from tests.phone import CitizenPhone
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_passkeys import Browser
from wallet.demo.chip import serial_of
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.identity.models import SignedInSession
from wallet.messages.models import EventRow, NoticeRow
from wallet.terms import Actor
from wallet.wiring import Wallet

AN = persona("an").number
PHONE = number_of_phone(AN)


@pytest.fixture
def old(phone_of: Any) -> CitizenPhone:
    """An's phone, signed in."""
    phone: CitizenPhone = phone_of("an")
    return phone


@pytest.fixture
def new(asking: Any) -> AskingPhone:
    """A phone that asks to become An's."""
    phone: AskingPhone = asking()
    phone.begin("binding", AN)
    return phone


def prove_card_and_code(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox) -> None:
    phone.prove_chip(card_of(wallet, AN))
    phone.prove_code(mailbox, PHONE)


def decide(old: CitizenPhone, new: AskingPhone, decision: str = "approve", comparison: str = "") -> Any:
    body = {"decision": decision, "comparison": comparison or new.ceremony["comparison"]}
    return old.post(f"/v1/me/binding-requests/{new.id}/decision", body, key=None)


def notices_of(wallet: Wallet, account_id: str) -> list[str]:
    with wallet.db.read() as session:
        statement = select(NoticeRow.code).where(NoticeRow.account_id == account_id)
        return list(session.scalars(statement.order_by(NoticeRow.created_at, NoticeRow.id)))


def not_comparison(new: AskingPhone) -> str:
    return f"{(int(new.ceremony['comparison']) + 1) % 100:02d}"


def test_phone_is_bound_by_card_and_code_with_the_old_one_gone(
    wallet: Wallet, new: AskingPhone, mailbox: Mailbox, account_of: Any
) -> None:
    """The lost phone is never needed: it is neither signed in nor asked."""
    prove_card_and_code(wallet, new, mailbox)
    assert new.done("completion")["state"] == "completed"
    headers = new.sign_in(AN, CitizenPhone(wallet, new.client, "an").own.password)
    devices = new.client.get("/v1/me/devices", headers=headers).json["data"]
    devices.sort(key=lambda device: not device["current"])  # the clock stands still: both were bound now
    assert [(each["state"], each["current"]) for each in devices] == [("bound", True), ("unbound", False)]
    assert devices[0]["bound_by"] == "chip+otp"
    assert devices[1]["unbound_reason"] == "replaced"
    assert "unbound_at" in devices[1]
    old = CitizenPhone(wallet, new.client, "an")
    assert_refused(old.try_sign_in(), 403, "device_not_bound")


def test_phone_is_bound_with_the_old_one_at_hand(old: CitizenPhone, new: AskingPhone) -> None:
    old.step_up(4)
    waiting = old.get("/v1/me/binding-requests").json["data"]
    assert [(each["id"], each["device_name"], each["place"]) for each in waiting] == [
        (new.id, "Điện thoại mới", "127.0.0.0/24")
    ]
    decided = decide(old, new)
    assert decided.status_code == 200, decided.text
    assert new.done("status")["factors"] == ["old_device"]
    assert new.done("completion")["state"] == "completed"
    assert_refused(old.get("/v1/me"), 401, "session_ended")


def test_the_two_digits_are_on_the_new_phone_alone(old: CitizenPhone, new: AskingPhone) -> None:
    """Who is asked again and again would else approve a stranger's with one tap."""
    assert "comparison" not in old.get("/v1/me/binding-requests").json["data"][0]
    assert len(new.ceremony["comparison"]) == 2
    assert new.done("status")["comparison"] == new.ceremony["comparison"]


def test_s12_old_device_is_told_and_signed_out_at_once(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox, account_of: Any
) -> None:
    second = CitizenPhone(wallet, old.client, "an")
    second.sign_in()
    prove_card_and_code(wallet, new, mailbox)
    assert old.get("/v1/me").status_code == second.get("/v1/me").status_code == 200
    new.done("completion")
    for each in (old, second):
        assert_refused(each.get("/v1/me"), 401, "session_ended")
    with wallet.db.read() as session:
        account_id = account_of(AN).id
        mine = SignedInSession.account_id == account_id
        assert session.scalars(select(SignedInSession.id).where(mine, SignedInSession.ended_at.is_(None))).all() == []
        assert "device.unbound" in session.scalars(select(EventRow.type)).all()
    assert "device_replaced" in notices_of(wallet, account_id)
    wallet.delivering.deliver_texts()
    assert "da duoc thay the va bi dang xuat" in mailbox.texts(PHONE)[-1]


def test_s12_issue_and_number_change_wait_for_the_cooling_off(
    wallet: Wallet, new: AskingPhone, mailbox: Mailbox, clock: FixedClock, unchanged: Any
) -> None:
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    password = CitizenPhone(wallet, new.client, "an").own.password

    def issue(key: str) -> Any:
        headers = new.sign_in(AN, password) | {"Idempotency-Key": key}
        with unchanged():
            return new.client.post("/v1/requests", json={"utility": "residence"}, headers=headers)

    body = assert_refused(issue("at once"), 403, "cooling_off")
    assert body["until"] == "2026-03-03T05:00:00Z"
    assert "12:00 03/03/2026" in body["detail"], "in Hà Nội, as people write it"
    clock.advance(hours=24, seconds=-1)
    assert_refused(issue("a second before"), 403, "cooling_off")
    clock.advance(seconds=1)
    headers = new.sign_in(AN, password) | {"Idempotency-Key": "then"}
    assert new.client.post("/v1/requests", json={"utility": "residence"}, headers=headers).status_code == 201


def test_s12_documents_that_were_issued_before_are_still_shown(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox
) -> None:
    document = old.issue_residence()
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    headers = new.sign_in(AN, old.own.password)
    assert new.client.get(f"/v1/documents/{document}", headers=headers).status_code == 200


def test_unknown_phone_is_refused_with_one_tap(
    new: AskingPhone, old: CitizenPhone, phone_of: Any, unchanged: Any
) -> None:
    stranger = phone_of("sau")
    with unchanged():
        assert_refused(stranger.call("DELETE", f"/v1/me/binding-requests/{new.id}"), 404, "not_found")
        assert_refused(new.client.delete(f"/v1/me/binding-requests/{new.id}"), 401, "missing_token")
    alone = phone_of("an", password=False)
    assert alone.call("DELETE", f"/v1/me/binding-requests/{new.id}").status_code == 204
    status = new.done("status")
    assert (status["state"], status["end_reason"]) == ("ended", "refused")
    assert alone.get("/v1/me/binding-requests").json["data"] == []
    with unchanged():
        assert_refused(alone.call("DELETE", f"/v1/me/binding-requests/{new.id}"), 409, "ceremony_over")


def test_s11_code_alone_binds_no_device(wallet: Wallet, new: AskingPhone, mailbox: Mailbox, unchanged: Any) -> None:
    with unchanged():
        assert_refused(new.step("codes"), 403, "stronger_factor_required")
        assert_refused(new.step("completion"), 403, "stronger_factor_required")
    assert codes_sent(wallet, mailbox) == []
    assert new.done("status")["state"] == "open"


def test_card_alone_binds_no_device(wallet: Wallet, new: AskingPhone, unchanged: Any) -> None:
    new.prove_chip(card_of(wallet, AN))
    with unchanged():
        assert_refused(new.step("completion"), 403, "stronger_factor_required")


def test_nothing_binds_no_device(new: AskingPhone, asking: Any, unchanged: Any) -> None:
    nobodys = asking()
    nobodys.begin("binding", NOBODYS_NUMBER)
    with unchanged():
        for each in (new, nobodys):
            assert_refused(each.step("completion"), 403, "stronger_factor_required")


def test_binding_takes_no_secrets(wallet: Wallet, new: AskingPhone, mailbox: Mailbox, unchanged: Any) -> None:
    prove_card_and_code(wallet, new, mailbox)
    with unchanged():
        body = assert_refused(new.step("completion", passcode=PASSCODE), 422, "invalid_input")
        assert field_errors(body) == {"/passcode": "unknown_field"}


# --- approving on the old phone --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2, 3])
def test_approval_needs_auth_level_four(phone_of: Any, new: AskingPhone, unchanged: Any, level: int) -> None:
    old = phone_of("an", password=level > 1)
    if level == 3:
        old.step_up(3)
    with unchanged():
        assert_refused(decide(old, new), 401, "step_up_required")


def test_s13_approval_needs_a_fresh_authentication(
    old: CitizenPhone, new: AskingPhone, clock: FixedClock, unchanged: Any
) -> None:
    old.step_up(4)
    clock.advance(seconds=301)
    with unchanged():
        response = decide(old, new)
        assert_refused(response, 401, "step_up_required")
    assert 'max_age="300"' in response.headers["WWW-Authenticate"]


def test_wrong_digits_approve_nothing_and_the_third_time_end_it(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, account_of: Any
) -> None:
    old.step_up(4)
    for _ in range(2):
        body = assert_refused(decide(old, new, comparison=not_comparison(new)), 422, "invalid_input")
        assert field_errors(body) == {"/comparison": "comparison_wrong"}
    assert (new.done("status")["state"], new.done("status")["factors"]) == ("open", [])
    assert_refused(decide(old, new, comparison=not_comparison(new)), 422, "invalid_input")
    status = new.done("status")
    assert (status["state"], status["end_reason"]) == ("ended", "comparison_wrong")
    assert_refused(decide(old, new), 409, "ceremony_over")
    assert_refused(new.step("completion"), 409, "ceremony_over")
    assert notices_of(wallet, account_of(AN).id).count("binding_refused") == 1


def test_refusing_ends_it_whatever_the_digits(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox, account_of: Any
) -> None:
    old.step_up(4)
    prove_card_and_code(wallet, new, mailbox)
    assert decide(old, new, "refuse", not_comparison(new)).status_code == 200
    status = new.done("status")
    assert (status["state"], status["end_reason"]) == ("ended", "refused")
    assert_refused(new.step("completion"), 409, "ceremony_over")
    assert notices_of(wallet, account_of(AN).id).count("binding_refused") == 1
    assert old.get("/v1/me/binding-requests").json == {"data": [], "next_cursor": None}
    assert old.get("/v1/me").status_code == 200


def test_approving_twice_changes_nothing(old: CitizenPhone, new: AskingPhone) -> None:
    old.step_up(4)
    first, second = decide(old, new), decide(old, new)
    assert first.status_code == second.status_code == 200
    assert first.json == second.json


def test_another_persons_request_is_not_found(phone_of: Any, new: AskingPhone, asking: Any, unchanged: Any) -> None:
    stranger, nobodys, reset = phone_of("sau"), asking(), asking()
    stranger.step_up(4)
    nobodys.begin("binding", NOBODYS_NUMBER)
    reset.begin("passcode_reset", persona("sau").number)
    with unchanged():
        for each in (new, nobodys, reset):
            assert_refused(decide(stranger, each), 404, "not_found")
        assert_refused(
            stranger.post("/v1/me/binding-requests/cer_0/decision", {"decision": "refuse", "comparison": "00"}),
            404,
            "not_found",
        )
    assert stranger.get("/v1/me/binding-requests").json["data"] == []


def test_request_that_is_over_is_neither_shown_nor_approved(
    old: CitizenPhone, new: AskingPhone, clock: FixedClock, unchanged: Any
) -> None:
    clock.advance(minutes=14, seconds=59)
    old.sign_in()
    old.step_up(4)
    assert len(old.get("/v1/me/binding-requests").json["data"]) == 1
    clock.advance(seconds=1)
    assert old.get("/v1/me/binding-requests").json["data"] == []
    with unchanged():
        assert_refused(decide(old, new), 409, "ceremony_over")


def test_requests_come_in_pages(old: CitizenPhone, asking: Any, clock: FixedClock) -> None:
    for name in ("một", "hai", "ba"):
        asking(name).begin("binding", AN)
        clock.advance(seconds=1)
    first = old.get("/v1/me/binding-requests?limit=2").json
    rest = old.get(f"/v1/me/binding-requests?limit=2&cursor={first['next_cursor']}").json
    assert [each["device_name"] for each in first["data"] + rest["data"]] == ["ba", "hai", "một"]
    assert rest["next_cursor"] is None


def test_holder_is_told_that_a_phone_asks_once_an_hour(
    wallet: Wallet, asking: Any, clock: FixedClock, account_of: Any
) -> None:
    def told() -> int:
        return notices_of(wallet, account_of(AN).id).count("binding_asked")

    for _ in range(5):
        asking().begin("binding", AN)
        asking().begin("passcode_reset", AN)
    assert told() == 1
    clock.advance(minutes=60)
    asking().begin("binding", AN)
    assert told() == 2


# --- passkeys --------------------------------------------------------------------------------------------------


def test_s12_passkeys_from_before_open_nothing_once_a_phone_is_bound_by_the_card(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox, account_of: Any, events: Any
) -> None:
    """Whoever had the lost phone and its passcode may have made one."""
    browsers = [Browser(old).register().sign_in() for _ in range(2)]
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    for browser in browsers:
        assert_refused(browser.call("GET", "/v1/me"), 401, "session_ended")
        assert_refused(browser.refresh(), 401, "session_ended")
        assert_refused(browser.try_sign_in(), 401, "invalid_credentials")
    assert notices_of(wallet, account_of(AN).id).count("passkeys_removed") == 1
    assert {each["reason"] for each in events("passkey.removed")} == {"device_bound"}
    assert wallet_passkeys(wallet, account_of(AN).id) == 0


def test_passkeys_stay_where_the_old_phone_approved(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, account_of: Any
) -> None:
    browser = Browser(old).register()
    old.step_up(4)
    assert decide(old, new).status_code == 200
    new.done("completion")
    assert browser.try_sign_in().status_code == 201
    assert wallet_passkeys(wallet, account_of(AN).id) == 1
    assert "passkeys_removed" not in notices_of(wallet, account_of(AN).id)


def wallet_passkeys(wallet: Wallet, account_id: str) -> int:
    with wallet.read() as work:
        return len(work.passkeys.of_account(account_id))


# --- time and state --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "open_still"), [(899, True), (900, False), (901, False)])
def test_ceremony_lives_fifteen_minutes(
    wallet: Wallet,
    new: AskingPhone,
    mailbox: Mailbox,
    clock: FixedClock,
    unchanged: Any,
    seconds: int,
    open_still: bool,
) -> None:
    prove_card_and_code(wallet, new, mailbox)
    clock.advance(seconds=seconds)
    if open_still:
        assert new.done("completion")["state"] == "completed"
        return
    with unchanged():
        assert_refused(new.step("completion"), 409, "ceremony_over")
        assert_refused(new.step("codes"), 409, "ceremony_over")
        assert_refused(new.step("chip-challenges"), 409, "ceremony_over")
    status = new.done("status")
    assert (status["state"], status["end_reason"]) == ("ended", "expired")


def test_completed_ceremony_is_not_completed_again(
    wallet: Wallet, new: AskingPhone, mailbox: Mailbox, unchanged: Any
) -> None:
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    with unchanged():
        assert_refused(new.step("completion"), 409, "ceremony_over")


def test_account_that_is_locked_meanwhile_is_not_bound(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox, account_of: Any, unchanged: Any
) -> None:
    prove_card_and_code(wallet, new, mailbox)
    assert old.post("/v1/me/lock").status_code == 204
    with unchanged():
        assert_refused(new.step("completion"), 409, "ceremony_over")


def test_lock_ends_what_was_proven_also_once_it_is_lifted(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, asking: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    untouched = asking()
    untouched.begin("binding", AN)
    prove_card_and_code(wallet, new, mailbox)
    assert old.post("/v1/me/lock").status_code == 204
    unlock = {"proof": old.proof(), "passcode": old.own.passcode}
    assert old.call("POST", "/v1/unlocks", json=unlock).status_code == 204
    with unchanged():
        for step in ("completion", "codes", "chip-challenges"):
            assert_refused(new.step(step), 409, "ceremony_over")
    status = new.done("status")
    assert (status["state"], status["end_reason"]) == ("ended", "interrupted")
    assert untouched.done("status")["state"] == "open", "what proved nothing tells nobody of a lock"
    new.begin("binding", AN)
    new.prove_chip(card_of(wallet, AN))


def test_nothing_is_proven_for_a_locked_account(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, unchanged: Any, account_of: Any
) -> None:
    assert old.post("/v1/me/lock").status_code == 204
    assert_refused(new.step("chip-proofs", **new.reading(card_of(wallet, AN))), 401, "chip_invalid")
    unlock = {"proof": old.proof(), "passcode": old.own.passcode}
    assert old.call("POST", "/v1/unlocks", json=unlock).status_code == 204
    with unchanged():
        assert_refused(new.step("chip-challenges"), 409, "ceremony_over")
    assert new.done("status")["factors"] == []


def test_approval_counts_no_more_once_the_old_device_is_unbound(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, unchanged: Any, account_of: Any
) -> None:
    old.step_up(4)
    assert decide(old, new).status_code == 200
    with wallet.work() as work:
        work.devices.unbind(old.own.device_id, "holder_asked", Actor(account_of(AN).id, request_id="tests"))
    with unchanged():
        assert_refused(new.step("completion"), 409, "ceremony_over")
    assert new.done("status")["end_reason"] == "interrupted"


def test_binding_ends_what_others_asked_for(wallet: Wallet, new: AskingPhone, asking: Any, mailbox: Mailbox) -> None:
    thief = asking("Máy lạ")
    thief.begin("binding", AN)
    thief.prove_chip(card_of(wallet, AN))
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    assert thief.done("status")["end_reason"] == "superseded"
    assert_refused(thief.step("codes"), 409, "ceremony_over")


def test_device_id_that_was_ever_bound_is_taken(wallet: Wallet, old: CitizenPhone, unchanged: Any) -> None:
    """Also with its own key, for its own account: an id never stands for a second binding."""
    bound = AskingPhone.of(old)
    with unchanged():
        for number in (AN, NOBODYS_NUMBER, persona("sau").number):
            assert_refused(bound.try_begin("binding", number), 409, "device_taken")


def test_suspended_phone_takes_its_place_back(
    wallet: Wallet, old: CitizenPhone, mailbox: Mailbox, clock: FixedClock, account_of: Any
) -> None:
    for _ in range(10):
        old.call("POST", "/v1/sessions", json={"proof": old.proof(), "number": AN, "password": "Sai#Mat0Khau"})
        clock.advance(minutes=5)
    assert_refused(old.try_sign_in(), 403, "rebinding_required")
    same = AskingPhone.of(old)
    same.begin("binding", AN)
    prove_card_and_code(wallet, same, mailbox)
    same.done("completion")
    old.sign_in()
    devices = old.get("/v1/me/devices").json["data"]
    assert [each["state"] for each in devices] == ["bound"]
    assert_refused(old.post("/v1/requests", {"utility": "residence"}), 403, "cooling_off")
    assert "device_restored" in notices_of(wallet, account_of(AN).id)


def test_suspended_phone_is_replaced(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox, clock: FixedClock
) -> None:
    for _ in range(10):
        old.call("POST", "/v1/sessions", json={"proof": old.proof(), "number": AN, "password": "Sai#Mat0Khau"})
        clock.advance(minutes=5)
    new.begin("binding", AN)
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    assert_refused(old.try_sign_in(), 403, "device_not_bound")


# --- keys ------------------------------------------------------------------------------------------------------


def test_keys_are_checked_before_anything_else(asking: Any, unchanged: Any) -> None:
    phone = asking()
    with unchanged():
        for field, value in (
            ("public_key", jwk_of(new_key()) | {"x": "A" * 43}),
            ("biometric_key", jwk_of(new_key()) | {"y": "A" * 43}),
            ("biometric_key", jwk_of(phone.key)),
        ):
            body = assert_refused(phone.try_begin("binding", AN, **{field: value}), 422, "invalid_input")
            assert field_errors(body) == {f"/{field}": "invalid_public_key"}


def test_second_key_makes_auth_level_four_on_the_new_phone(
    wallet: Wallet, old: CitizenPhone, new: AskingPhone, mailbox: Mailbox
) -> None:
    prove_card_and_code(wallet, new, mailbox)
    new.done("completion")
    old.own = _moved(old, new)
    old.sign_in()
    old.step_up(4)


def _moved(old: CitizenPhone, new: AskingPhone) -> Any:
    """Return An's credentials as they are on the new phone."""
    return replace(
        old.own,
        device_id=new.device_id,
        device_private_key=new.key,
        device_jwk=jwk_of(new.key),
        biometric_private_key=new.biometric_key,
        biometric_jwk=jwk_of(new.biometric_key),
    )


# --- the desk --------------------------------------------------------------------------------------------------


@pytest.fixture
def officer(phone_of: Any) -> CitizenPhone:
    phone: CitizenPhone = phone_of("officer1")
    return phone


def vouching(number: str = AN, **changes: Any) -> dict[str, Any]:
    attested = {"card_serial": serial_of(number), "checked": ["card", "face"], "legal_ref": "BB-12/2026"}
    return {"number": number} | attested | changes


def vouch(officer: CitizenPhone, phone: AskingPhone, **changes: Any) -> Any:
    return officer.post(f"/v1/desk/ceremonies/{phone.id}/vouching", vouching(**changes))


def test_phone_is_bound_at_a_desk(wallet: Wallet, officer: CitizenPhone, new: AskingPhone, events: Any) -> None:
    vouched = vouch(officer, new)
    assert vouched.status_code == 201, vouched.text
    assert new.done("status")["factors"] == ["desk"]
    new.done("completion")
    headers = new.sign_in()
    devices = new.client.get("/v1/me/devices", headers=headers).json["data"]
    device = next(each for each in devices if each["current"])
    assert (device["bound_by"], device["place"]) == ("desk", "Công an phường mẫu, Hà Nội")
    proven = [event for event in events("ceremony.factor_proven") if event["factor"] == "desk"]
    assert [(event["agency"], event["legal_ref"]) for event in proven] == [("Công an phường mẫu, Hà Nội", "BB-12/2026")]
    assert proven[0]["actor"].startswith("acc_")
    assert [event["outcome"] for event in events("source.read") if event["source"] == "cards"] == ["answered"]


@pytest.mark.parametrize(
    "changes",
    [
        {"number": persona("sau").number},
        {"card_serial": "000000000"},
        {"number": persona("sau").number, "card_serial": serial_of(AN)},
        {"number": NOBODYS_NUMBER},
    ],
    ids=["another person", "another card", "another person with this card", "nobody"],
)
def test_officer_cannot_vouch_with_what_does_not_match(
    officer: CitizenPhone, new: AskingPhone, unchanged: Any, changes: dict[str, str]
) -> None:
    with unchanged():
        assert_refused(vouch(officer, new, **changes), 409, "vouching_mismatch")


def test_officer_cannot_vouch_for_nobody(officer: CitizenPhone, asking: Any, unchanged: Any) -> None:
    phone = asking()
    phone.begin("binding", NOBODYS_NUMBER)
    with unchanged():
        assert_refused(vouch(officer, phone), 409, "vouching_mismatch")


def test_officer_cannot_vouch_for_themselves(officer: CitizenPhone, asking: Any, unchanged: Any) -> None:
    phone = asking()
    phone.begin("binding", officer.persona.number)
    with unchanged():
        assert_refused(vouch(officer, phone, number=officer.persona.number), 403, "self_vouching")


@pytest.mark.parametrize("key", ["an", "admin1", "approver1", "reviewer1"])
def test_nobody_but_an_officer_vouches(phone_of: Any, new: AskingPhone, unchanged: Any, key: str) -> None:
    stranger = phone_of(key)
    with unchanged():
        assert_refused(vouch(stranger, new), 403, "not_allowed")


def test_officer_needs_a_fresh_authentication(
    officer: CitizenPhone, new: AskingPhone, clock: FixedClock, unchanged: Any
) -> None:
    clock.advance(timedelta(minutes=5, seconds=1))
    with unchanged():
        assert_refused(vouch(officer, new), 401, "step_up_required")


def test_both_checks_are_attested(officer: CitizenPhone, new: AskingPhone, unchanged: Any) -> None:
    with unchanged():
        for checked in (["card", "card"], ["face", "face"]):
            body = assert_refused(vouch(officer, new, checked=checked), 422, "invalid_input")
            assert field_errors(body) == {"/checked": "both_checks"}
        for changes in ({"checked": ["card"]}, {"legal_ref": "Nguyễn Văn A"}, {"face_score_ok": True}):
            assert_refused(vouch(officer, new, **changes), 422, "invalid_input")


def test_vouching_for_what_is_over_or_unknown(
    officer: CitizenPhone, new: AskingPhone, clock: FixedClock, unchanged: Any
) -> None:
    with unchanged():
        response = officer.post(f"/v1/desk/ceremonies/cer_{'0' * 32}/vouching", vouching())
        assert_refused(response, 404, "not_found")
    clock.advance(minutes=15)
    officer.sign_in()
    with unchanged():
        assert_refused(vouch(officer, new), 409, "ceremony_over")


def test_desk_does_not_activate(officer: CitizenPhone, asking: Any, approved: str, unchanged: Any) -> None:
    phone = asking()
    phone.begin("activation", AN, phone=PHONE)
    with unchanged():
        assert_refused(vouch(officer, phone), 409, "factor_not_useful")
