"""The chip of the card: genuine, here and now, the holder's own, and still good. Everything else is one refusal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from tests.ceremonies.asking import AskingPhone, card_of, new_key
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.demo.chip import SimulatedChip
from wallet.demo.personas import persona
from wallet.identity.challenges import Purpose
from wallet.sources.models import Card, CardSigner
from wallet.wiring import Wallet

AN, SAU = persona("an").number, persona("sau").number


@pytest.fixture
def phone(asking: Any) -> AskingPhone:
    phone: AskingPhone = asking()
    phone.begin("binding", AN)
    return phone


@pytest.fixture
def card(wallet: Wallet) -> SimulatedChip:
    return card_of(wallet, AN)


@pytest.fixture
def refused(unchanged: Any, phone: AskingPhone, events: Any) -> Callable[[dict[str, Any], str], None]:
    """Hold that a reading is refused, that nothing changed, and that the audit record alone says why."""

    def check(reading: dict[str, Any], reason: str) -> None:
        with unchanged():
            body = assert_refused(phone.step("chip-proofs", **reading), 401, "chip_invalid")
        assert reason not in str(body)
        assert events("ceremony.chip_refused")[-1]["reason"] == reason
        assert phone.done("status")["factors"] == []

    return check


def change(wallet: Wallet, **values: Any) -> None:
    """Let the register of cards say something else of An's card."""
    with wallet.nation.write() as session:
        session.execute(update(Card).where(Card.number == AN).values(**values))


def test_own_card_is_proven(phone: AskingPhone, card: SimulatedChip, events: Any) -> None:
    phone.prove_chip(card)
    assert phone.done("status")["factors"] == ["chip"]
    read = [event for event in events("source.read") if event["source"] == "cards"]
    assert [(event["purpose"], event["outcome"]) for event in read] == [("verify_card", "answered")]


def test_another_persons_card_is_refused(wallet: Wallet, phone: AskingPhone, refused: Any) -> None:
    refused(phone.reading(card_of(wallet, SAU)), "another_person")


def test_own_card_proves_nothing_for_nobody(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    phone.begin("binding", "099099999999")
    refused(phone.reading(card), "another_person")


@pytest.mark.parametrize("state", ["held", "revoked"])
def test_card_that_was_taken_away_is_refused(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any, state: str
) -> None:
    change(wallet, state=state)
    refused(phone.reading(card), "card_not_valid")


@pytest.mark.parametrize(
    ("last_day", "good"), [(date(2026, 3, 2), True), (date(2026, 3, 1), False)], ids=["last day", "day after"]
)
def test_card_is_good_until_its_last_day(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any, last_day: date, good: bool
) -> None:
    change(wallet, expires=last_day)
    if good:
        phone.prove_chip(card)
    else:
        refused(phone.reading(card), "card_expired")


def test_replaced_card_is_refused(wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any) -> None:
    with wallet.nation.write() as session:
        session.add(
            Card(
                serial="999999999",
                number=AN,
                state="valid",
                issued=date(2026, 2, 1),
                expires=None,
                updated_at=wallet.clock.now(),
            )
        )
    refused(phone.reading(card), "card_replaced")


def test_card_that_no_register_knows_is_refused(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    change(wallet, number=SAU)
    refused(phone.reading(card), "card_unknown")


def test_cloned_data_with_another_key_is_refused(phone: AskingPhone, card: SimulatedChip, refused: Any) -> None:
    """All that can be read off a chip, on another chip: its key stays behind."""
    reading = phone.reading(card)
    clone = replace(card, key=new_key()).read(reading["challenge"])
    refused(reading | {"signature": clone["signature"]}, "chip_cloned")


def test_data_with_another_key_that_nobody_signed_is_refused(
    phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    reading = phone.reading(card)
    forged = replace(card, key=new_key()).read(reading["challenge"])
    refused(forged | {"security_object": reading["security_object"]}, "data_altered")


@pytest.mark.parametrize("group", ["dg1", "dg13", "dg15"])
def test_altered_data_are_refused(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any, group: str
) -> None:
    reading = phone.reading(card)
    other = card_of(wallet, SAU).read(reading["challenge"])
    groups = reading["data_groups"] | {group: other["data_groups"][group]}
    refused(reading | {"data_groups": groups}, "data_altered")


def test_unknown_document_signer_is_refused(phone: AskingPhone, card: SimulatedChip, refused: Any) -> None:
    refused(phone.reading(replace(card, signer=new_key())), "unknown_signer")


def test_document_signer_that_is_known_no_more_is_refused(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    with wallet.nation.write() as session:
        session.query(CardSigner).delete()
    refused(phone.reading(card), "unknown_signer")


def test_challenge_is_used_once(phone: AskingPhone, card: SimulatedChip, events: Any, unchanged: Any) -> None:
    reading = phone.reading(card)
    phone.done("chip-proofs", **reading)
    with unchanged():
        assert_refused(phone.step("chip-proofs", **reading), 401, "chip_invalid")
    assert events("ceremony.chip_refused")[-1]["reason"] == "challenge_used"


def test_challenge_of_another_ceremony_is_refused(
    wallet: Wallet, phone: AskingPhone, asking: Any, card: SimulatedChip, refused: Any
) -> None:
    other = asking()
    other.begin("binding", AN)
    refused(other.reading(card), "challenge_invalid")


def test_device_challenge_is_no_chip_challenge(phone: AskingPhone, card: SimulatedChip, refused: Any) -> None:
    challenge = phone.client.post("/v1/device-challenges", json={"device_id": phone.device_id}).json["challenge"]
    refused(card.read(challenge), "challenge_invalid")


def test_device_challenge_for_this_very_ceremony_is_no_chip_challenge(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    challenge = wallet.identity.challenges.mint(phone.id, wallet.clock.now(), Purpose.DEVICE)
    refused(card.read(challenge.value), "challenge_invalid")


def test_signature_over_another_challenge_is_refused(phone: AskingPhone, card: SimulatedChip, refused: Any) -> None:
    first, second = phone.reading(card), phone.reading(card)
    refused(second | {"signature": first["signature"]}, "chip_cloned")


@pytest.mark.parametrize(("seconds", "good"), [(119, True), (120, False), (121, False)])
def test_challenge_lives_two_minutes(
    phone: AskingPhone, card: SimulatedChip, clock: FixedClock, refused: Any, seconds: int, good: bool
) -> None:
    reading = phone.reading(card)
    clock.advance(seconds=seconds)
    if good:
        phone.done("chip-proofs", **reading)
    else:
        refused(reading, "challenge_invalid")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"security_object": "e30.e30.e30"}, "unreadable"),
        ({"security_object": "x"}, "unreadable"),
        ({"signature": "AAAA"}, "chip_cloned"),
        ({"signature": "no base64url!"}, "unreadable"),
        ({"challenge": "x"}, "challenge_invalid"),
        ({"challenge": "Ω" * 100}, "challenge_invalid"),
    ],
)
def test_what_is_no_reading_is_refused(
    phone: AskingPhone, card: SimulatedChip, refused: Any, changes: dict[str, str], reason: str
) -> None:
    refused(phone.reading(card) | changes, reason)


def test_refused_card_leaves_the_ceremony_open(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip, refused: Any
) -> None:
    refused(phone.reading(card_of(wallet, SAU)), "another_person")
    phone.prove_chip(card)


def test_register_that_does_not_answer_refuses_nothing_for_good(
    wallet: Wallet, phone: AskingPhone, card: SimulatedChip
) -> None:
    """503, and the same reading counts afterwards: its challenge was not used up."""
    reading = phone.reading(card)
    with wallet.nation.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE nation_cards RENAME TO nation_cards_gone")
    assert_refused(phone.step("chip-proofs", **reading), 503, "source_unavailable")
    with wallet.nation.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE nation_cards_gone RENAME TO nation_cards")
    assert phone.done("chip-proofs", **reading)["factors"] == ["chip"]


def test_without_chips_the_other_ways_remain(wallet: Wallet, unchanged: Any) -> None:
    """A deployment without a reader offers no way that needs one."""
    from wallet.web.app import create_app

    without = replace(wallet, settings=replace(wallet.settings, embedded_chips=False))
    phone = AskingPhone(without, create_app(without).test_client())
    assert phone.begin("binding", AN)["sufficient"] == [["old_device"], ["desk"]]
    with unchanged():
        assert_refused(phone.step("chip-challenges"), 409, "factor_not_useful")


def test_simulated_chips_are_off_in_production_unless_allowed(wallet: Wallet) -> None:
    from wallet.settings import Settings

    assert Settings.from_environ({}).embedded_chips
    assert not Settings.from_environ({"WALLET_MODE": "production"}).embedded_chips
    allowed = {"WALLET_MODE": "production", "WALLET_EMBEDDED_CHIPS": "true"}
    assert Settings.from_environ(allowed).embedded_chips
