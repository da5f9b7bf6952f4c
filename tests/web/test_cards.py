"""Cards and live codes over HTTP, as a phone fetches them, shows them without network, and loses them."""

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.documents.people import admin_of, copies_of, status_of
from tests.phone import CitizenPhone
from tests.support import FixedClock, SeededEntropy
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_passkeys import Browser
from tests.web.test_wards import for_ward, register
from wallet.crypto.keystore import Role
from wallet.demo.live_codes import live_code
from wallet.documents.copy_making import CopyMaking
from wallet.documents.suspending import SuspensionReason
from wallet.errors import Unavailable
from wallet.formats.live_code import (
    MAX_SCREEN_CHARACTERS,
    GateChallenge,
    encode_gate_challenge,
    encode_live_code,
    longest_live_code,
    parse_live_code,
)
from wallet.identity.account_states import LockGround
from wallet.identity.guardians import Relation
from wallet.terms import Actor, Status
from wallet.verifier import Judgement, MemoryReplay, Policy, TrustedBundle, judge
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
SYSTEM = Actor("system")
GATE, NONCE = "HAN-T1-05", bytes(range(8))
TRAVEL = {"full_name", "number_last4", "birth_date", "portrait_hash", "account_level"}


def identity_of(phone: CitizenPhone, **options: Any) -> str:
    response = phone.post("/v1/requests", {"utility": "identity"}, **options)
    assert response.status_code == 201, response.text
    return str((response.json or {})["document_id"])


def cards_of(phone: CitizenPhone, document: str, count: int = 1, view: str = "check_in", **options: Any) -> list[bytes]:
    response = phone.post(f"/v1/documents/{document}/cards", {"view": view, "count": count}, **options)
    assert response.status_code == 201, response.text
    assert {each["view"] for each in (response.json or {})["data"]} == {view}
    return [base64.urlsafe_b64decode(each["card"] + "==") for each in (response.json or {})["data"]]


def shown(phone: CitizenPhone, card: bytes, challenge: str = "") -> str:
    return live_code(card, phone.own.device_private_key, phone.wallet.clock.now(), challenge)


def at_gate(wallet: Wallet, code: str, policy: Policy | None = None, replay: Any = None) -> Judgement:
    """Judge as a gate does whose bundle is fresh: from the signed bundle, not from the database."""
    now = wallet.clock.now()
    bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], now)
    return judge(code, bundle, policy or Policy(), now, replay)


def online(client: FlaskClient, code: str) -> dict[str, Any]:
    return dict(client.post("/v1/checks", json={"code": code}).json or {})


def claims_of(judgement: Judgement) -> dict[str, Any]:
    assert judgement.document is not None
    return {str(claim.name): claim.value for claim in judgement.document.claims}


# --- What a card is ------------------------------------------------------------------------------------------------


def test_a_card_shows_its_view_and_nothing_else(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    judgement = at_gate(wallet, shown(phone, cards_of(phone, document)[0]))
    assert (judgement.reasons, judgement.device) == (("ok",), "device")
    stated = claims_of(judgement)
    assert stated.keys() == TRAVEL
    assert stated["portrait_hash"] == wallet.portraits.of(phone.persona.number).sha256
    assert stated["account_level"] == 2
    assert judgement.document is not None
    assert judgement.document.claims_hash is None
    adult = at_gate(wallet, shown(phone, cards_of(phone, document, view="age_18")[0]))
    assert claims_of(adult).keys() == {"over_18", "portrait_hash"}
    paper = at_gate(wallet, shown(phone, cards_of(phone, document, view="")[0]))
    assert claims_of(paper).keys() == {"full_name", "number_last4"}


def test_any_utility_has_cards(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    judgement = at_gate(wallet, shown(phone, cards_of(phone, phone.issue_residence(), view="")[0]))
    assert judgement.accepted
    assert {"full_name", "number_last4"} <= claims_of(judgement).keys()


def test_s67_two_cards_of_a_batch_have_nothing_in_common_but_what_they_show(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    clock.advance(minutes=7, seconds=13)
    made = cards_of(phone, document, 20)
    read = [parse_live_code(shown(phone, each)).content for each in made]
    assert len({each.document_id for each in read}) == 20
    assert document.removeprefix("doc_") not in {each.document_id.hex() for each in read}
    assert len({(each.status.uri, each.status.idx) for each in read if each.status}) == 20
    assert {each.issued_at % 3600 for each in read} == {0}
    assert {each.expires_at - each.issued_at for each in read} == {24 * 3600}
    assert {each.claims_hash for each in read} == {None}


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"view": "address"}, {"/view": "unknown_view"}),
        ({"count": 0}, None),
        ({"count": 21}, None),
        ({"count": "3"}, None),
        ({"view": "x" * 65}, None),
        ({"claims": []}, {"/claims": "unknown_field"}),
    ],
)
def test_an_order_that_is_wrong_makes_no_card(
    phone_of: Make, unchanged: Unchanged, order: dict[str, Any], fields: dict[str, str] | None
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    with unchanged():
        body = assert_refused(phone.post(f"/v1/documents/{document}/cards", order), 422, "invalid_input")
        assert fields is None or field_errors(body) == fields


def test_nobody_has_cards_of_anothers_document(phone_of: Make, unchanged: Unchanged) -> None:
    document, other = identity_of(phone_of("an")), phone_of("sau")
    with unchanged():
        for path in ("cards", "live-codes"):
            assert_refused(other.post(f"/v1/documents/{document}/{path}", {"view": "check_in"}), 404, "not_found")


def test_a_repeated_order_is_answered_with_the_same_cards(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    assert cards_of(phone, document, 3, key="one") == cards_of(phone, document, 3, key="one")
    assert len(copies_of(wallet)) == 3


def test_batches_of_a_day_are_limited(phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    for _ in range(24):
        cards_of(phone, document)
    assert_refused(phone.post(f"/v1/documents/{document}/cards", {}), 429, "too_many_attempts")


def test_s42_a_crash_between_the_halves_leaves_cards_that_are_completed(
    wallet: Wallet, phone_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    signer = wallet.keystore.signer(Role.CARD)

    def away(*_: object) -> bytes:
        raise Unavailable("signing_unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(type(signer), "sign", away)
        order = {"view": "check_in", "count": 2}
        assert_refused(phone.post(f"/v1/documents/{document}/cards", order, key="k"), 503, "signing_unavailable")
    assert [row.signed_at for row in copies_of(wallet)] == [None, None]
    made = cards_of(phone, document, 2, key="k")
    assert all(at_gate(wallet, shown(phone, each)).accepted for each in made)
    assert len(copies_of(wallet)) == 2
    assert wallet.reverifying.run().mismatch is None


def test_s45_the_longest_names_fit_a_screen_in_every_view(wallet: Wallet, phone_of: Make) -> None:
    """Every view of an identity, with the longest name that a register of people is known to hold."""
    phone = phone_of("dai")
    document = identity_of(phone)
    for view in ("check_in", "boarding", "security", "age_18", "hotel", "hospital", "bank", "traffic_police", ""):
        (card,) = cards_of(phone, document, view=view)
        assert longest_live_code(card) <= MAX_SCREEN_CHARACTERS, view
        assert longest_live_code(card) > 700 or view == "age_18", "a name is in it"


def test_s45_a_card_that_no_screen_shows_is_refused_when_it_is_made(
    phone_of: Make, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    monkeypatch.setattr("wallet.formats.live_code.MAX_SCREEN_CHARACTERS", 600)
    with unchanged():
        for path in ("cards", "live-codes"):
            refused = phone.post(f"/v1/documents/{document}/{path}", {"view": "check_in"})
            assert field_errors(assert_refused(refused, 422, "invalid_input")) == {"/view": "card_too_large"}


def test_s45_what_a_card_can_spare_is_left_out_before_it_is_refused(
    wallet: Wallet, phone_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    (whole,) = cards_of(phone, document)
    # Cards differ in length, for the index of a status takes one to three bytes; a hash takes more than 40 characters.
    monkeypatch.setattr("wallet.formats.live_code.MAX_SCREEN_CHARACTERS", longest_live_code(whole) - 20)
    judgement = at_gate(wallet, shown(phone, cards_of(phone, document)[0]))
    assert judgement.accepted
    assert claims_of(judgement).keys() == TRAVEL - {"portrait_hash"}
    assert wallet.reverifying.run().mismatch is None


# --- At the gate ---------------------------------------------------------------------------------------------------


def test_s44_a_screenshot_is_too_old_after_a_minute_and_the_skew(
    wallet: Wallet, phone_of: Make, clock: FixedClock
) -> None:
    phone = phone_of("an")
    code = shown(phone, cards_of(phone, identity_of(phone))[0])
    clock.advance(seconds=90)
    assert at_gate(wallet, code).reasons == ("ok",)
    clock.advance(seconds=1)
    assert at_gate(wallet, code).reasons == ("live_too_old",)


def test_s44_a_card_works_with_no_other_phone(wallet: Wallet, phone_of: Make) -> None:
    phone, other = phone_of("an"), phone_of("sau")
    card, theirs = cards_of(phone, identity_of(phone))[0], cards_of(other, identity_of(other))[0]
    assert at_gate(wallet, shown(other, card)).reasons == ("device_mismatch",)
    assert at_gate(wallet, shown(phone, theirs)).reasons == ("device_mismatch",)


def test_the_same_code_twice_at_one_gate_is_replayed(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    card, memory = cards_of(phone, identity_of(phone))[0], MemoryReplay()
    code = shown(phone, card)
    assert at_gate(wallet, code, Policy(GATE), memory).accepted
    assert at_gate(wallet, code, Policy(GATE), memory).reasons == ("live_replayed",)
    clock.advance(seconds=30)
    assert at_gate(wallet, shown(phone, card), Policy(GATE), memory).accepted


def test_a_gate_that_asks_gets_its_own_answer_alone(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    card = cards_of(phone, identity_of(phone))[0]
    high = Policy(GATE, True, NONCE)
    asked = shown(phone, card, encode_gate_challenge(GateChallenge(GATE, NONCE)))
    assert at_gate(wallet, asked, high).accepted
    assert at_gate(wallet, asked, Policy("SGN-T1-01")).reasons == ("wrong_gate",)
    for other in (None, GateChallenge(GATE), GateChallenge("SGN-T1-01", NONCE), GateChallenge(GATE, bytes(8))):
        code = shown(phone, card, "" if other is None else encode_gate_challenge(other))
        assert at_gate(wallet, code, high).reasons == ("wrong_gate",), other


# --- Signed by the server ------------------------------------------------------------------------------------------


def live(caller: Any, document: str, **order: Any) -> dict[str, Any]:
    response = caller.post(f"/v1/documents/{document}/live-codes", {"view": "check_in", **order}, key=None)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


def test_a_server_signed_code_says_so_and_changes_with_time(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    told = live(phone, document)
    assert told["signed_by"] == "server"
    judgement = at_gate(wallet, told["code"])
    assert (judgement.reasons, judgement.device) == (("ok",), "server")
    assert claims_of(judgement).keys() == TRAVEL
    clock.advance(seconds=30)
    assert live(phone, document)["code"] != told["code"]
    assert [row.form for row in copies_of(wallet)] == ["live"], "one card for some minutes"
    clock.advance(minutes=10)
    phone.sign_in()
    assert at_gate(wallet, live(phone, document)["code"]).accepted
    assert len(copies_of(wallet)) == 2
    assert wallet.reverifying.run().mismatch is None


def test_a_server_signed_code_answers_the_gate_that_asked(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    code = live(phone, document, challenge=encode_gate_challenge(GateChallenge(GATE, NONCE)))["code"]
    assert at_gate(wallet, code, Policy(GATE, True, NONCE)).accepted
    assert at_gate(wallet, code, Policy("SGN-T1-01")).reasons == ("wrong_gate",)
    with unchanged():
        for wrong in ("VG1:", "VG1:!!", "VD1:AAAA", "x"):
            refused = phone.post(f"/v1/documents/{document}/live-codes", {"challenge": wrong}, key=None)
            assert field_errors(assert_refused(refused, 422, "invalid_input")) == {"/challenge": "invalid_format"}


def test_a_live_key_with_a_phones_key_is_a_mismatch(wallet: Wallet, phone_of: Make) -> None:
    """Who signs for browsers speaks for no phone: both layers are its own, or it counts nothing."""
    phone = phone_of("an")
    card = parse_live_code(live(phone, identity_of(phone))["code"]).inner
    outer = live_code(_bytes_of(wallet), phone.own.device_private_key, wallet.clock.now())
    assert parse_live_code(outer).inner.payload == card.payload
    assert at_gate(wallet, outer).reasons == ("device_mismatch",)


def test_s44_the_servers_key_signs_for_no_phones_card(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    card, now = cards_of(phone, identity_of(phone))[0], wallet.clock.now()
    code = encode_live_code(card, now, now + timedelta(seconds=60), wallet.keystore.signer(Role.LIVE).sign)
    assert at_gate(wallet, code).reasons == ("device_mismatch",)


def _bytes_of(wallet: Wallet) -> bytes:
    (row,) = copies_of(wallet)
    with wallet.read() as work:
        return work.copies.open(row.id).content


# --- How they end --------------------------------------------------------------------------------------------------


def lock(wallet: Wallet, phone: CitizenPhone, *, unlock: bool = False) -> None:
    with wallet.work() as work:
        device = work.devices.find(phone.own.device_id)
        assert device is not None
        act = work.accounts.unlock if unlock else work.accounts.lock
        act(device.account_id, LockGround.HOLDER_REQUEST, SYSTEM)


def test_a_lock_is_seen_online_within_a_second_and_in_the_list(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    card, paper = cards_of(phone, document)[0], phone.code_of(document)
    lock(wallet, phone)
    clock.advance(seconds=1)
    code = shown(phone, card)
    assert online(client, code)["reasons"] == ["suspended", "account_locked"]
    assert online(client, paper)["verdict"] == "valid", "papers that are out stay valid"
    clock.advance(seconds=60)
    wallet.trust.publish()
    assert at_gate(wallet, shown(phone, card)).reasons == ("suspended",)
    with unchanged():
        assert_refused(phone.post(f"/v1/documents/{document}/cards", {}), 401, "session_ended")
    assert wallet.reverifying.run().mismatch is None
    lock(wallet, phone, unlock=True)
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["ok"]
    clock.advance(seconds=60)
    wallet.trust.publish()
    assert at_gate(wallet, shown(phone, card)).accepted
    assert wallet.reverifying.run().mismatch is None


@pytest.mark.parametrize("path", ["cards", "live-codes"])
@pytest.mark.parametrize("ending", ["locked", "suspended"])
def test_what_ends_while_a_card_is_signed_is_said_and_the_card_not_handed_out(
    wallet: Wallet, phone_of: Make, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, path: str, ending: str
) -> None:
    """Stored, and then the account or the document is shut before it is signed: no fault of the signer's."""
    phone, make = phone_of("an"), CopyMaking.make
    document = identity_of(phone)

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        if ending == "locked":
            lock(wallet, phone)
        else:
            with wallet.work() as work:
                work.suspending.suspend(document, SuspensionReason.DATA_DISPUTED, admin_of(wallet))
        clock.advance(seconds=1)
        return make(*arguments)

    monkeypatch.setattr(CopyMaking, "make", meanwhile)
    code = "account_locked" if ending == "locked" else "form_needs_valid_document"
    assert_refused(phone.post(f"/v1/documents/{document}/{path}", {"view": "check_in"}), 409, code)
    assert {status_of(wallet, row) for row in copies_of(wallet)} == {Status.SUSPENDED}


def test_a_lock_and_a_suspension_end_one_by_one(wallet: Wallet, client: FlaskClient, phone_of: Make) -> None:
    phone, admin = phone_of("an"), phone_of("admin1")
    document = identity_of(phone)
    card = cards_of(phone, document)[0]
    where, clock = f"/v1/admin/documents/{document}", wallet.clock
    assert isinstance(clock, FixedClock)

    def reasons() -> list[str]:
        clock.advance(seconds=1)
        return list(online(client, shown(phone, card))["reasons"])

    lock(wallet, phone)
    assert admin.post(f"{where}/suspension", {"reason": "data_disputed"}).status_code == 201
    assert reasons() == ["suspended", "account_locked"]
    assert admin.post(f"{where}/reinstatement", {"reason": "ground_gone"}).status_code == 201
    assert reasons() == ["suspended", "account_locked"], "the account is locked still"
    assert admin.post(f"{where}/suspension", {"reason": "data_disputed"}).status_code == 201
    lock(wallet, phone, unlock=True)
    assert reasons() == ["suspended"], "the document is suspended still"
    assert admin.post(f"{where}/reinstatement", {"reason": "ground_gone"}).status_code == 201
    assert reasons() == ["ok"]


def test_a_guardians_lock_suspends_the_wards_cards_on_that_phone(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock
) -> None:
    phone = phone_of("an")
    ward = register(phone)
    document = identity_of(phone, **for_ward(ward))
    card = cards_of(phone, document, **for_ward(ward))[0]
    assert at_gate(wallet, shown(phone, card)).accepted
    lock(wallet, phone)
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["suspended", "account_locked"]
    lock(wallet, phone, unlock=True)
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["ok"]


def test_the_wards_cards_end_with_the_guardianship_and_no_others(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock, events: Events
) -> None:
    """Of another guardian's phone, and the guardian's own, nothing ends."""
    phone, other = phone_of("an"), phone_of("sau")
    ward = register(phone)
    guardian, account = (each.get("/v1/me").json["account_id"] for each in (phone, other))
    with wallet.work() as work:
        work.guardians.begin(account, ward["account_id"], Relation.GUARDIAN, SYSTEM)
    document = identity_of(phone, **for_ward(ward))
    (card,), (others,) = cards_of(phone, document, **for_ward(ward)), cards_of(other, document, **for_ward(ward))
    (own,) = cards_of(phone, identity_of(phone))
    with wallet.work() as work:
        work.guardians.end(guardian, ward["account_id"], "coming_of_age", SYSTEM)
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["revoked"]
    assert online(client, shown(other, others))["reasons"] == ["ok"]
    assert online(client, shown(phone, own))["reasons"] == ["ok"]
    ended = [(each["subject"], each["reason"]) for each in events("document.copy_revoked")]
    assert ended == [(document, "guardianship_ended")]


def test_cards_end_with_their_document(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    phone, admin = phone_of("an"), phone_of("admin1")
    document = identity_of(phone)
    cards, server = cards_of(phone, document, 3), live(phone, document)["code"]
    assert admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"}).status_code == 201
    clock.advance(seconds=1)
    for each in cards:
        assert online(client, shown(phone, each))["reasons"] == ["revoked"]
    assert online(client, server)["reasons"] == ["revoked"]
    assert {status_of(wallet, row) for row in copies_of(wallet)} == {Status.INVALID}
    with unchanged():
        for path in ("cards", "live-codes"):
            refused = phone.post(f"/v1/documents/{document}/{path}", {"view": "check_in"})
            assert_refused(refused, 409, "form_needs_valid_document")


def test_a_newer_document_supersedes_the_cards_of_the_older(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock
) -> None:
    phone = phone_of("an")
    card = cards_of(phone, identity_of(phone))[0]
    clock.advance(seconds=5)
    identity_of(phone)
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["revoked", "superseded"]


def test_an_unbound_phone_takes_its_cards_with_it(
    wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock
) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    card, paper = cards_of(phone, document)[0], phone.code_of(document)
    assert phone.call("DELETE", f"/v1/me/devices/{phone.own.device_id}").status_code == 204
    clock.advance(seconds=1)
    assert online(client, shown(phone, card))["reasons"] == ["revoked"]
    assert online(client, paper)["reasons"] == ["ok"]


def test_a_browser_has_no_cards_and_shows_by_the_server(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    browser = Browser(phone).register().sign_in()
    where = f"/v1/documents/{document}"
    with unchanged():
        refused = browser.call("POST", f"{where}/cards", json={"view": "check_in"}, headers={"Idempotency-Key": "one"})
        assert_refused(refused, 409, "form_needs_device")
    response = browser.call("POST", f"{where}/live-codes", json={"view": "check_in"})
    assert response.status_code == 200, response.text
    assert at_gate(wallet, (response.json or {})["code"]).device == "server"


def test_an_old_card_is_known_for_a_month_and_then_forgotten(wallet: Wallet, phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    document = identity_of(phone)
    (card,) = cards_of(phone, document)
    name = f"doc_{parse_live_code(shown(phone, card)).content.document_id.hex()}"
    clock.advance(days=30)
    assert wallet.forget_cards() is False
    with wallet.read() as work:
        found, paper = work.shown.find(name), work.shown.find(document)
        assert work.shown.find(f"doc_{SeededEntropy().bytes(16).hex()}") is None
        assert work.shown.find(name.upper()) is None
    assert found is not None
    assert paper is not None
    assert (found.document_id, found.is_card, found.view, found.locked) == (document, True, "check_in", False)
    assert (paper.document_id, paper.is_card, paper.holder_id) == (document, False, found.holder_id)
    clock.advance(days=2)
    assert wallet.forget_cards() is False
    with wallet.read() as work:
        assert work.shown.find(name) is None
    assert copies_of(wallet) == []
    assert wallet.reverifying.run().mismatch is None
