"""Status lists that are wrong, too large or too old: `cannot_tell`, soon and in little memory (S-58)."""

import gc
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON
from tests.verifier.world import LIST_URI, World, make_signer
from wallet.crypto import cose, jws
from wallet.crypto.jws import b64url_encode
from wallet.formats import cbor
from wallet.formats.claims_set import StatusReference
from wallet.formats.status_list import (
    MAX_LIST_BYTES,
    MAX_TOKEN_BYTES,
    StatusListToken,
    sign_status_cwt,
    sign_status_jwt,
)
from wallet.verifier import BundleRefused, BundleStore, Judgement, Policy, TrustedBundle, Verdict, judge

SECONDS, BYTES = 0.050, 10 * 1024 * 1024
HOUR = timedelta(hours=1)
NOW = int(NOON.timestamp())
FULL = MAX_LIST_BYTES * 4
"""Entries of the largest list."""


def jwt_with(world: World, deflated: bytes | str, bits: Any = 2, **changes: Any) -> str:
    lst = deflated if isinstance(deflated, str) else b64url_encode(deflated).decode()
    claims = {
        "sub": LIST_URI,
        "iat": NOW - 60,
        "exp": NOW + 9999,
        "ttl": 900,
        "status_list": {"bits": bits, "lst": lst},
    }
    return jws.sign(claims | changes, world.status, typ="statuslist+jwt", header={"kid": world.status.kid})


def cwt_with(world: World, deflated: bytes, bits: Any = 2) -> bytes:
    claims = {2: LIST_URI, 6: NOW - 60, 4: NOW + 9999, 65534: 900, 65533: {"bits": bits, "lst": deflated}}
    kid = bytes.fromhex(world.status.kid)
    return cose.sign1(cbor.encode(claims), world.status.sign, typ="application/statuslist+cwt", kid=kid)


def faults(world: World) -> Iterator[tuple[str, str | bytes, int]]:
    """Yield what is wrong, the token, and the index that is asked for."""
    whole = zlib.compress(bytes(MAX_LIST_BYTES), 9)
    bomb = zlib.compress(bytes(200 * 1024 * 1024), 9)
    one_more = zlib.compress(bytes(MAX_LIST_BYTES + 1), 9)
    yield "index out of range", world.status_jwt(), 64
    yield "index far out of range", jwt_with(world, whole), FULL
    yield "index out of range of one bit each", jwt_with(world, zlib.compress(bytes(8)), bits=1), 64
    yield "wrong sub", jwt_with(world, whole, sub=LIST_URI + "/"), 9
    yield "sub in other letters", jwt_with(world, whole, sub=LIST_URI.upper()), 9
    yield "signed by a stranger", world.status_jwt(signer=make_signer("stranger")), 9
    good = jwt_with(world, whole)
    yield "bad signature", good[: good.rindex(".") + 1] + "A" * 86, 9
    yield "bad signature of a large token", good.split(".")[0] + "." + "A" * (MAX_TOKEN_BYTES // 4) + "." + "A" * 86, 9
    yield "one byte too large", jwt_with(world, one_more), 9
    yield "one byte too large, CWT", cwt_with(world, one_more), 9
    yield "bomb", jwt_with(world, bomb), 9
    yield "bomb, CWT", cwt_with(world, bomb), 9
    yield "bomb in a bomb", jwt_with(world, zlib.compress(bomb)), 9 + FULL
    yield "bytes after the list", jwt_with(world, zlib.compress(bytes(16)) + b"x"), 9
    yield "cut off", jwt_with(world, zlib.compress(bytes(range(256)))[:-9]), 9
    yield "no zlib", jwt_with(world, b"\x00" * 64), 9
    yield "no base64", jwt_with(world, "!" * 64), 9
    yield "three bits", jwt_with(world, whole, bits=3), 9
    yield "no bits", jwt_with(world, whole, bits=True), 9
    yield "more than any token", "e30." + "A" * (2 * MAX_TOKEN_BYTES) + ".A", 9
    yield "more than any token, CWT", b"\xd2\x84" + bytes(2 * MAX_TOKEN_BYTES), 9
    yield "depth without end, CWT", b"\xd2" + b"\x81" * 100_000, 9


def test_s58_whatever_is_wrong_with_a_list_cannot_be_told_soon_and_in_little_memory(
    world: World, subtests: pytest.Subtests
) -> None:
    without = world.trust(status_lists=())
    for name, token, index in faults(world):
        code = world.document_code(status=StatusReference(index, LIST_URI))
        with subtests.test(fault=name):
            gc.collect()
            tracemalloc.start()
            judgement = judged(code, without, token)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert (judgement.verdict, judgement.reasons) == (Verdict.CANNOT_TELL, ("status_unknown",))
            assert not judgement.accepted
            assert peak <= BYTES
            assert best_of(5, partial(judged, code, without, token)) <= SECONDS


def judged(code: str, trust: TrustedBundle, token: str | bytes) -> Judgement:
    return judge(code, trust.holding([token]), Policy(), NOON)


def best_of(rounds: int, call: Any) -> float:
    """Return the shortest time of some rounds, in seconds of this thread: what else runs here is not the subject."""
    times = []
    for _ in range(rounds):
        begin = time.thread_time()
        call()
        times.append(time.thread_time() - begin)
    return min(times)


# --- A list that was rolled back ------------------------------------------------------------------------------------


def revoked_then_older(world: World) -> tuple[str, list[str | bytes]]:
    """Return a bundle whose list says revoked, and older lists, of either form, that say valid."""
    newer = world.status_jwt({9: 1}, issued_at=NOON - HOUR)
    token = replace(world.status_token({}), issued_at=NOON - 2 * HOUR)
    return newer, [sign_status_jwt(token, world.status), sign_status_cwt(token, world.status)]


def test_older_list_never_takes_the_place_of_a_newer_one(world: World) -> None:
    newer, older = revoked_then_older(world)
    code = world.document_code()
    trust = world.trust(newer)
    for copies in ([older[0]], [older[1]], older, [*older, newer], [newer, *older]):
        assert judge(code, trust.holding(copies), Policy(), NOON).reasons == ("revoked",)
        assert judge(code, trust.holding([older[0]]).holding(copies), Policy(), NOON).reasons == ("revoked",)


def test_older_list_does_not_come_back_with_a_restart_of_a_verifier_with_a_store(world: World, tmp_path: Path) -> None:
    newer, older = revoked_then_older(world)
    code = world.document_code()
    before = world.bundle(str(older[0]), seq=5)
    after = world.bundle(newer, seq=7)
    BundleStore(tmp_path).offer(before, world.pins, NOON)
    BundleStore(tmp_path).offer(after, world.pins, NOON)
    restarted = BundleStore(tmp_path).held(world.pins)
    assert restarted is not None
    for copies in ([], *([copy] for copy in older), older):
        assert judge(code, restarted.holding(copies), Policy(), NOON).reasons == ("revoked",)
    with pytest.raises(BundleRefused, match="seq_not_higher"):
        BundleStore(tmp_path).offer(before, world.pins, NOON)
    held = BundleStore(tmp_path).held(world.pins)
    assert held is not None
    assert judge(code, held, Policy(), NOON).reasons == ("revoked",)


def test_largest_list_is_read(world: World) -> None:
    """What is allowed is read whole: 16,777,216 entries, at the last of them."""
    entries = bytearray(MAX_LIST_BYTES)
    entries[-1] = 1 << 6
    token = StatusListToken(LIST_URI, NOON - HOUR, NOON + HOUR, 900, 2, bytes(entries))
    for copy in (sign_status_jwt(token, world.status), sign_status_cwt(token, world.status)):
        trust: TrustedBundle = world.trust(status_lists=()).holding([copy])
        for index, reason in ((FULL - 1, "revoked"), (FULL - 2, "ok"), (FULL, "status_unknown")):
            code = world.document_code(status=StatusReference(index, LIST_URI))
            assert judge(code, trust, Policy(), NOON).reasons == (reason,)
