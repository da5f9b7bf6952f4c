"""The live code `VL1:` and the gate's challenge `VG1:`. Source: docs/wire.md, section 2."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON
from tests.verifier.world import (
    LIVE_HEADERS,
    SECOND,
    World,
    card_claims,
    card_headers,
    outer_claims,
    signed,
    wrapped,
)
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import base45, cbor
from wallet.formats.compact_values import seconds_of
from wallet.formats.live_code import (
    MAX_SCREEN_CHARACTERS,
    DeviceKey,
    GateChallenge,
    UnverifiedLiveCode,
    encode_gate_challenge,
    longest_live_code,
    parse_gate_challenge,
    parse_live_code,
)

DELETE = object()


def parse_outer(world: World, claims: Any, headers: Any = LIVE_HEADERS) -> UnverifiedLiveCode:
    return parse_live_code(wrapped(signed(cbor.encode(claims), world.device_sign, headers), "VL1:"))


def parse_card(world: World, claims: Any, headers: Any = None) -> UnverifiedLiveCode:
    inner = signed(cbor.encode(claims), world.card.sign, headers or card_headers(world))
    return parse_outer(world, outer_claims(inner))


def spoil(claims: dict[Any, Any], path: tuple[Any, ...], value: Any) -> dict[Any, Any]:
    spoilt = claims
    for key in path[:-1]:
        spoilt = spoilt[key]
    if value is DELETE:
        del spoilt[path[-1]]
    else:
        spoilt[path[-1]] = value
    return claims


def test_what_was_written_is_read(world: World) -> None:
    code = parse_live_code(world.live_code(challenge=GateChallenge("GATE-1", b"nonce 8.")))
    assert (code.issued_at, code.expires_at) == (seconds_of(NOON) - 5, seconds_of(NOON) + 55)
    assert (code.gate_id, code.nonce) == ("GATE-1", b"nonce 8.")
    assert code.device == world.device_key
    assert code.content.claims[2] == "6789"
    assert code.content.claims_hash is None


def test_a_live_code_is_not_deflated(world: World) -> None:
    assert base45.decode(world.live_code()[4:])[0] == 0xD2


def test_a_live_code_without_gate_has_neither(world: World) -> None:
    code = parse_live_code(world.live_code())
    assert (code.gate_id, code.nonce) == (None, None)
    assert parse_live_code(world.live_code(challenge=GateChallenge("A"))).nonce is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((6,), DELETE), ((6,), "1"), ((6,), -1), ((6,), True), ((4,), DELETE), ((4,), "1"), ((4,), True),
        ((-70010,), DELETE), ((-70010,), "x"), ((-70010,), b""), ((-70010,), b"\xa0"), ((-70010,), {}),
        ((3,), 5), ((3,), b"GATE"), ((3,), ["A"]), ((3,), False), ((10,), "12345678"), ((10,), bytes(7)),
        ((10,), bytes(9)), ((10,), b""), ((10,), 5),
    ],
)  # fmt: skip
def test_a_member_of_the_outer_layer_that_is_not_right_is_malformed(
    world: World, path: tuple[Any, ...], value: Any
) -> None:
    with pytest.raises(Malformed):
        parse_outer(world, spoil(outer_claims(world.inner()), path, value))


@pytest.mark.parametrize("gate", ["", "a", "GATE 1", "A" * 17, "CỔNG", "GATE\n"])
def test_text_that_is_no_gate_id_is_read_as_another_gates(world: World, gate: str) -> None:
    assert parse_outer(world, outer_claims(world.inner()) | {3: gate}).gate_id == gate


@pytest.mark.parametrize("lives", [0, -1, 61, 2**40])
def test_a_live_code_lives_between_one_and_sixty_seconds(world: World, lives: int) -> None:
    claims = outer_claims(world.inner())
    claims[4] = claims[6] + lives
    with pytest.raises(Malformed):
        parse_outer(world, claims)
    with pytest.raises(Malformed):
        world.live_code(lives=min(lives, 10**6) * SECOND)


@pytest.mark.parametrize("lives", [1, 30, 60])
def test_a_live_code_within_its_life_is_read(world: World, lives: int) -> None:
    assert parse_live_code(world.live_code(lives=lives * SECOND)).expires_at == seconds_of(NOON) - 5 + lives


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((1,), DELETE), ((1,), 5), ((6,), DELETE), ((4,), "1"), ((7,), bytes(15)), ((65535,), 5), ((-70000,), DELETE),
        ((-70000, 3), []), ((-70000, 4), bytes(3)),
        ((8,), DELETE), ((8,), []), ((8,), b"x"), ((8, 1), DELETE), ((8, 1), b"x"), ((8, 1), []),
        ((8, 1, 1), DELETE), ((8, 1, 1), 1), ((8, 1, 1), "EC2"), ((8, 1, 1), True), ((8, 1, -1), DELETE),
        ((8, 1, -1), 2),
        ((8, 1, -1), True), ((8, 1, -2), DELETE), ((8, 1, -2), bytes(31)), ((8, 1, -2), bytes(33)),
        ((8, 1, -2), "x" * 32),
        ((8, 1, -3), DELETE), ((8, 1, -3), True), ((8, 1, -3), bytes(31)), ((8, 1, -3), b""),
    ],
)  # fmt: skip
def test_a_member_of_the_card_that_is_not_right_is_malformed(world: World, path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(Malformed):
        parse_card(world, spoil(card_claims(world), path, value))


def test_unknown_members_are_ignored_and_a_card_has_no_recipient(world: World) -> None:
    claims = card_claims(world) | {3: 5, 99: "x"}
    claims[8][2] = b"x"
    claims[8][1][3] = -7
    assert parse_card(world, claims).content.recipient is None
    assert parse_outer(world, outer_claims(world.inner()) | {1: 5, 99: {}}).gate_id is None


def test_a_card_beyond_seven_days_is_malformed(world: World) -> None:
    week = 7 * 86400
    claims = card_claims(world)
    assert parse_card(world, claims | {4: claims[6] + week}).content.expires_at == claims[6] + week
    with pytest.raises(Malformed):
        parse_card(world, claims | {4: claims[6] + week + 1})
    with pytest.raises(Malformed):
        world.inner(issued_at=NOON, expires_at=NOON + timedelta(days=7, seconds=1))


@pytest.mark.parametrize("typ", ["viso-doc+cwt", "viso-card+cwt", "viso-live+CWT", ""])
def test_another_typ_outside_is_a_wrong_type(world: World, typ: str) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_outer(world, outer_claims(world.inner()), LIVE_HEADERS | {16: typ})


@pytest.mark.parametrize("typ", ["viso-doc+cwt", "viso-live+cwt", "viso-card+CWT", ""])
def test_another_typ_inside_is_a_wrong_type(world: World, typ: str) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_card(world, card_claims(world), card_headers(world) | {16: typ})


@pytest.mark.parametrize(
    "headers", [{1: -7}, {16: "viso-live+cwt"}, LIVE_HEADERS | {2: [1]}, LIVE_HEADERS | {1: "ES256"}]
)
def test_outer_headers_that_are_not_right_are_malformed(world: World, headers: Any) -> None:
    with pytest.raises(Malformed):
        parse_outer(world, outer_claims(world.inner()), headers)


def test_a_card_inside_needs_its_own_tag_and_kid(world: World) -> None:
    with pytest.raises(Malformed):
        parse_outer(world, outer_claims(world.inner()[1:]))
    headers = card_headers(world)
    del headers[4]
    with pytest.raises(Malformed):
        parse_card(world, card_claims(world), headers)


@given(gate=st.text(alphabet="AZ09-", min_size=1, max_size=16), nonce=st.none() | st.binary(min_size=8, max_size=8))
def test_a_challenge_is_read_as_it_was_shown(gate: str, nonce: bytes | None) -> None:
    challenge = GateChallenge(gate, nonce)
    text = encode_gate_challenge(challenge)
    assert text.startswith("VG1:")
    assert parse_gate_challenge(f" {text}\n") == challenge


@pytest.mark.parametrize(
    "members",
    [
        {},
        {10: bytes(8)},
        {3: 5},
        {3: "a"},
        {3: ""},
        {3: "A" * 17},
        {3: "A", 10: bytes(7)},
        {3: "A", 10: "x"},
        [],
        b"",
        5,
    ],
)
def test_a_challenge_that_is_not_right_is_malformed(members: Any) -> None:
    with pytest.raises(Malformed):
        parse_gate_challenge("VG1:" + base45.encode(cbor.encode(members)))


@pytest.mark.parametrize("text", ["", "VG1:", "VG2:00", "vg1:00", "VL1:00", "VG1:" + "0" * 5000, "VG1:\ud800", "VG1:é"])
def test_text_that_is_no_challenge_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_gate_challenge(text)


@pytest.mark.parametrize("gate", ["", "a", "A" * 17, "GATE 1", "Đ"])
def test_a_challenge_that_is_not_right_is_not_shown(gate: str) -> None:
    with pytest.raises(Malformed):
        encode_gate_challenge(GateChallenge(gate))
    with pytest.raises(Malformed):
        encode_gate_challenge(GateChallenge("A", bytes(7)))


def test_no_live_code_is_longer_than_the_longest(world: World) -> None:
    inner = world.inner()
    code = world.live_code(inner, challenge=GateChallenge("A" * 16, bytes(8)))
    assert len(code) <= longest_live_code(inner) <= MAX_SCREEN_CHARACTERS
    assert longest_live_code(inner) - len(code) < 16


def test_a_card_too_large_for_a_screen_is_refused_when_it_is_made(world: World) -> None:
    with pytest.raises(Malformed):
        world.inner(claims={1: "x" * 200, 2: "1234"})
    with pytest.raises(Malformed):
        world.inner(document_id=bytes(15))


def test_a_key_with_short_coordinates_keeps_32_bytes(world: World) -> None:
    key = DeviceKey.of(world.device.public_key())
    assert len(key.x) == len(key.y) == 32


def test_the_cap_on_text_holds() -> None:
    with pytest.raises(Malformed):
        parse_live_code("VL1:" + "0" * 4293)


def test_a_card_without_status_cannot_be_revoked(world: World) -> None:
    content = parse_live_code(world.live_code(world.inner(status=None))).content
    assert (content.status, content.other_status) == (None, False)
