"""Step 7: the holder's device, the age of the code, the gate, and seen before. Source: docs/wire.md, 2 and 3."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

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
from wallet.crypto.signing import raw_from_der
from wallet.errors import Unavailable
from wallet.formats import cbor
from wallet.formats.live_code import DeviceKey, GateChallenge
from wallet.verifier import FileReplay, Judgement, MemoryReplay, Policy, Replay, Trust, TrustedBundle, Verdict, judge

NONCE = b"nonce 8."
TICK = timedelta(microseconds=1)


def judged(
    text: str, trust: Trust, policy: Policy | None = None, after: timedelta = timedelta(), replay: Replay | None = None
) -> Judgement:
    return judge(text, trust, policy or Policy(), NOON + after, replay)


def server_code(world: World, **changes: Any) -> str:
    card = {"signer": world.live, "device": DeviceKey.of(live_public_key(world))} | changes
    return world.live_code(world.inner(**card), sign=world.live.sign)


def live_public_key(world: World) -> ec.EllipticCurvePublicKey:
    from wallet.crypto.certificates import read_certificate

    key = read_certificate(world.live.certificate_der).public_key
    assert key is not None
    return key


def test_a_good_live_code_is_valid_and_held_by_the_device(world: World, trust: TrustedBundle) -> None:
    judgement = judged(world.live_code(), trust)
    assert (judgement.verdict, judgement.reasons, judgement.device) == (Verdict.VALID, ("ok",), "device")
    assert judgement.checked == (1, 2, 3, 4, 5, 6, 7, 8)
    assert judgement.document is not None
    assert judgement.document.document_id == "doc_" + bytes(range(16, 32)).hex()


def test_a_code_signed_by_the_server_says_so(world: World, trust: TrustedBundle) -> None:
    judgement = judged(server_code(world), trust)
    assert (judgement.verdict, judgement.reasons, judgement.device) == (Verdict.VALID, ("ok",), "server")


def test_a_live_key_signs_for_itself_alone(world: World, trust: TrustedBundle) -> None:
    """A card by a `live` key names that key as its device; a phone's key in its place is a mismatch."""
    code = world.live_code(world.inner(signer=world.live))
    assert judged(code, trust).reasons == ("device_mismatch",)
    by_server = world.live_code(world.inner(signer=world.live), sign=world.live.sign)
    assert judged(by_server, trust).reasons == ("device_mismatch",)


def test_s44_a_device_signature_by_another_key_ends_the_check(world: World, trust: TrustedBundle) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    code = world.live_code(
        sign=lambda message: raw_from_der(stranger.sign(message, ec.ECDSA(hashes.SHA256()))),
        issued_at=NOON - 500 * SECOND,
    )
    judgement = judged(code, trust, Policy(utilities=frozenset()))
    assert (judgement.reasons, judgement.verdict, judgement.device) == (("device_mismatch",), Verdict.INVALID, None)
    assert judgement.checked == (1, 2, 3, 4, 5, 6, 7)
    assert judgement.document is not None


def test_what_was_found_before_stands_beside_a_mismatch(world: World, trust: TrustedBundle) -> None:
    inner = world.inner(issued_at=NOON - timedelta(days=2), expires_at=NOON - timedelta(days=1))
    judgement = judged(world.live_code(inner, sign=lambda _: bytes(64)), trust)
    assert judgement.reasons == ("expired", "device_mismatch")


@pytest.mark.parametrize("x", [bytes(32), b"\xff" * 32, b"\x01" * 32])
def test_a_device_that_is_no_point_is_a_mismatch(world: World, trust: TrustedBundle, x: bytes) -> None:
    code = world.live_code(world.inner(device=DeviceKey(x, x)))
    assert judged(code, trust).reasons == ("device_mismatch",)


@pytest.mark.parametrize("alg", [-8, -35, 0])
def test_another_algorithm_outside_is_a_mismatch(world: World, trust: TrustedBundle, alg: int) -> None:
    message = signed(cbor.encode(outer_claims(world.inner())), world.device_sign, LIVE_HEADERS | {1: alg})
    assert judged(wrapped(message, "VL1:"), trust).reasons == ("device_mismatch",)


def test_a_card_inside_that_was_not_signed_by_the_issuer_is_bad(world: World, trust: TrustedBundle) -> None:
    inner = signed(cbor.encode(card_claims(world)), world.device_sign, card_headers(world))
    judgement = judged(world.live_code(inner), trust)
    assert (judgement.reasons, judgement.document) == (("bad_signature",), None)


def test_another_algorithm_inside_is_not_allowed(world: World, trust: TrustedBundle) -> None:
    inner = signed(cbor.encode(card_claims(world)), world.card.sign, card_headers(world) | {1: -8})
    assert judged(world.live_code(inner), trust).reasons == ("key_not_allowed",)


def test_s44_an_old_code_is_too_old(world: World, trust: TrustedBundle) -> None:
    code = world.live_code()  # ends 55 s from now
    assert judged(code, trust, after=85 * SECOND).reasons == ("ok",)
    assert judged(code, trust, after=85 * SECOND + TICK).reasons == ("live_too_old",)
    assert judged(code, trust, after=86 * SECOND).verdict is Verdict.INVALID


def test_a_code_from_the_future_is_refused(world: World, trust: TrustedBundle) -> None:
    code = world.live_code(issued_at=NOON + 30 * SECOND)
    assert judged(code, trust).reasons == ("ok",)
    assert judged(code, trust, after=-TICK).reasons == ("live_from_future",)
    assert judged(world.live_code(issued_at=NOON + 31 * SECOND), trust).reasons == ("live_from_future",)


def test_the_card_has_dates_of_its_own(world: World, trust: TrustedBundle) -> None:
    inner = world.inner(expires_at=NOON - 60 * SECOND)
    assert judged(world.live_code(inner), trust).reasons == ("expired",)
    assert judged(world.live_code(world.inner(issued_at=NOON + 61 * SECOND)), trust).reasons == ("not_yet_valid",)


@pytest.mark.parametrize(
    ("challenge", "policy", "expected"),
    [
        (None, Policy(), "ok"),
        (None, Policy(gate_id="GATE-1"), "ok"),
        (GateChallenge("GATE-1"), Policy(gate_id="GATE-1"), "ok"),
        (GateChallenge("GATE-1"), Policy(), "wrong_gate"),
        (GateChallenge("GATE-1"), Policy(gate_id="GATE-2"), "wrong_gate"),
        (None, Policy(gate_id="GATE-1", gate_demanded=True), "wrong_gate"),
        (GateChallenge("GATE-1"), Policy(gate_id="GATE-1", gate_demanded=True), "ok"),
        (GateChallenge("GATE-1", NONCE), Policy(gate_id="GATE-1"), "ok"),
        (GateChallenge("GATE-1", NONCE), Policy(gate_id="GATE-1", demanded_nonce=NONCE), "ok"),
        (GateChallenge("GATE-1", b"another."), Policy(gate_id="GATE-1", demanded_nonce=NONCE), "wrong_gate"),
        (GateChallenge("GATE-1"), Policy(gate_id="GATE-1", demanded_nonce=NONCE), "wrong_gate"),
        (GateChallenge("GATE-2", NONCE), Policy(gate_id="GATE-1", demanded_nonce=NONCE), "wrong_gate"),
        (None, Policy(gate_id="GATE-1", demanded_nonce=NONCE), "wrong_gate"),
    ],
)
def test_gate_and_nonce(
    world: World, trust: TrustedBundle, challenge: GateChallenge | None, policy: Policy, expected: str
) -> None:
    assert judged(world.live_code(challenge=challenge), trust, policy).reasons == (expected,)


@pytest.mark.parametrize(
    ("members", "expected"),
    [({10: NONCE}, "wrong_gate"), ({10: NONCE, 3: "GATE-1"}, "ok")],
)
def test_a_nonce_demanded_by_a_gate_demands_its_id_too(
    world: World, trust: TrustedBundle, members: dict[int, Any], expected: str
) -> None:
    payload = cbor.encode(outer_claims(world.inner()) | members)
    code = wrapped(signed(payload, world.device_sign, LIVE_HEADERS), "VL1:")
    assert judged(code, trust, Policy(gate_id="GATE-1", demanded_nonce=NONCE)).reasons == (expected,)


@pytest.mark.parametrize("gate", ["", "gate-1", "GATE 1", "A" * 17])
def test_text_that_is_no_gate_id_is_the_wrong_gate(world: World, trust: TrustedBundle, gate: str) -> None:
    payload = cbor.encode(outer_claims(world.inner()) | {3: gate})
    code = wrapped(signed(payload, world.device_sign, LIVE_HEADERS), "VL1:")
    assert judged(code, trust, Policy(gate_id="GATE-1")).reasons == ("wrong_gate",)


def test_a_printed_code_has_no_gate(world: World, trust: TrustedBundle) -> None:
    policy = Policy(gate_id="GATE-1", gate_demanded=True, demanded_nonce=NONCE)
    assert judged(world.document_code(), trust, policy).reasons == ("ok",)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_code_works_once_at_a_gate(world: World, trust: TrustedBundle, kind: str, tmp_path: Path) -> None:
    replay = MemoryReplay() if kind == "memory" else FileReplay(tmp_path / "seen.sqlite")
    gate, other = Policy(gate_id="GATE-1"), Policy(gate_id="GATE-2")
    code = world.live_code()
    assert judged(code, trust, gate, replay=replay).reasons == ("ok",)
    again = judged(code, trust, gate, replay=replay)
    assert (again.reasons, again.verdict) == (("live_replayed",), Verdict.INVALID)
    assert judged(code, trust, gate, after=85 * SECOND, replay=replay).reasons == ("live_replayed",)
    assert judged(code, trust, other, replay=replay).reasons == ("ok",)
    assert judged(world.live_code(issued_at=NOON), trust, gate, replay=replay).reasons == ("ok",)


def test_a_code_with_another_signature_was_still_seen(world: World, trust: TrustedBundle) -> None:
    replay = MemoryReplay()
    payload = cbor.encode(outer_claims(world.inner()))
    codes = {wrapped(signed(payload, world.device_sign, LIVE_HEADERS), "VL1:") for _ in range(2)}
    codes.add(wrapped(signed(payload, world.device_sign, LIVE_HEADERS | {99: 1}), "VL1:"))
    assert sorted(judged(code, trust, replay=replay).reasons[0] for code in codes) == [
        "live_replayed",
        "live_replayed",
        "ok",
    ]


def test_an_invalid_code_is_not_remembered(world: World, trust: TrustedBundle) -> None:
    replay = MemoryReplay()
    code = world.live_code()
    assert judged(code, trust, after=86 * SECOND, replay=replay).reasons == ("live_too_old",)
    for_gate = world.live_code(challenge=GateChallenge("GATE-1"))
    assert judged(for_gate, trust, Policy(gate_id="GATE-2"), replay=replay).reasons == ("wrong_gate",)
    revoked = world.trust(world.status_jwt({10: 1}))
    assert judged(code, revoked, replay=replay).reasons == ("revoked",)
    assert judged(code, trust, replay=replay).reasons == ("ok",)


def test_a_code_that_cannot_be_told_or_is_unwanted_is_remembered(world: World, trust: TrustedBundle) -> None:
    replay = MemoryReplay()
    code = world.live_code()
    unknown = world.trust(status_lists=())
    assert judged(code, unknown, replay=replay).reasons == ("status_unknown",)
    assert judged(code, trust, replay=replay).reasons == ("live_replayed",)
    code = world.live_code(issued_at=NOON)
    assert judged(code, trust, Policy(utilities=frozenset()), replay=replay).reasons == ("policy_refused",)
    assert judged(code, trust, replay=replay).reasons == ("live_replayed",)


def test_printed_codes_are_not_remembered(world: World, trust: TrustedBundle) -> None:
    replay = MemoryReplay()
    assert [judged(world.document_code(), trust, replay=replay).reasons for _ in range(2)] == [("ok",), ("ok",)]


def test_a_memory_that_fails_lets_nothing_pass(world: World, trust: TrustedBundle, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        judged(world.live_code(), trust, replay=FileReplay(tmp_path / "missing" / "seen.sqlite"))
