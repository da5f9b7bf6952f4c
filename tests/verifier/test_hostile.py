"""Hostile input: nothing but our own answers, and never `valid` with a changed meaning.

FUZZ: how many inputs, half random, half well-formed and hostile (20,000 unless told).
"""

import os
import random
import zlib
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import NOON
from tests.verifier.world import (
    DAY,
    LIVE_HEADERS,
    World,
    card_claims,
    card_headers,
    document_claims,
    document_headers,
    outer_claims,
    signed,
    wrapped,
)
from wallet.errors import Malformed
from wallet.formats import base45, cbor
from wallet.formats.cwt_code import inflate
from wallet.verifier import REASONS, Judgement, Policy, TrustedBundle, Verdict, judge

N = int(os.environ.get("FUZZ", "20000"))
SEED = int(os.environ.get("FUZZ_SEED", "1948"))
ANYONE = Policy()
CLOSED = {*REASONS, "ok"}


def check(text: str, trust: TrustedBundle, good: Judgement | None = None) -> Judgement:
    """Return the judgement after what must hold of every one; with `good`, valid means the same as that one said."""
    found = judge(text, trust, ANYONE, NOON)
    assert set(found.reasons) <= CLOSED
    if found.verdict is Verdict.VALID:
        assert good is not None, text
        assert found.document == good.document, text
        assert found.device == good.device, text
    return found


def flips(data: bytes) -> Iterator[bytes]:
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_one_flipped_bit_of_a_document_never_changes_its_meaning(world: World, trust: TrustedBundle) -> None:
    code = world.document_code()
    good = judge(code, trust, ANYONE, NOON)
    message = inflate(base45.decode(code[4:]), 4096)
    assert good.verdict is Verdict.VALID
    verdicts = [check(wrapped(changed), trust, good).verdict for changed in flips(message)]
    assert Verdict.VALID not in verdicts


def test_one_flipped_bit_under_the_text_never_changes_its_meaning(world: World, trust: TrustedBundle) -> None:
    code = world.document_code()
    good = judge(code, trust, ANYONE, NOON)
    for changed in flips(base45.decode(code[4:])):
        check("VD1:" + base45.encode(changed), trust, good)


def test_one_flipped_bit_of_a_live_code_is_never_valid(world: World, trust: TrustedBundle) -> None:
    code = world.live_code()
    good = judge(code, trust, ANYONE, NOON)
    assert good.verdict is Verdict.VALID
    verdicts = [
        check("VL1:" + base45.encode(changed), trust, good).verdict for changed in flips(base45.decode(code[4:]))
    ]
    assert Verdict.VALID not in verdicts


@pytest.mark.parametrize("kind", ["document", "live"])
def test_one_changed_character_never_changes_the_meaning(world: World, trust: TrustedBundle, kind: str) -> None:
    code = world.document_code() if kind == "document" else world.live_code()
    good = judge(code, trust, ANYONE, NOON)
    chance = random.Random(SEED)
    others = base45.ALPHABET if kind == "document" else chance.sample(base45.ALPHABET, 4)
    for place in range(len(code)):
        for character in (*others, "a", "é"):
            if character != code[place]:
                check(code[:place] + character + code[place + 1 :], trust, good)


@pytest.mark.parametrize("kind", ["document", "live"])
def test_no_part_of_a_code_is_valid(world: World, trust: TrustedBundle, kind: str) -> None:
    code = world.document_code() if kind == "document" else world.live_code()
    for length in range(len(code)):
        assert check(code[:length], trust).verdict is Verdict.INVALID
        if length:
            assert check(code[length:], trust).verdict is Verdict.INVALID
    for character in base45.ALPHABET.replace(" ", ""):
        assert check(code + character, trust).verdict is Verdict.INVALID


def random_texts(chance: random.Random) -> Iterator[str]:
    """Texts without sense, ever nearer to a code: any characters, the alphabet, bytes in Base45, bytes in zlib."""
    while True:
        size = chance.choice((0, 1, 5, 40, 300, 1500))
        prefix = chance.choice(("", "VD1:", "VL1:", "VD1:", "VL1:", "VG1:", " VD1:"))
        kind = chance.randrange(4)
        if kind == 0:
            yield prefix + "".join(
                chr(chance.choice((chance.randrange(128), chance.randrange(0x110000)))) for _ in range(size // 5)
            )
        elif kind == 1:
            yield prefix + "".join(chance.choices(base45.ALPHABET, k=size))
        elif kind == 2:
            yield prefix + base45.encode(chance.randbytes(size))
        else:
            data = chance.choice((b"\xd2\x84", b"\xd2\x84\x43\xa1\x01\x26\xa0", b"")) + chance.randbytes(size)
            yield wrapped(data, "VD1:") if prefix != "VL1:" else wrapped(data, "VL1:")


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return chance.choice((0, 1, -1, 23, 24, 2**31, 2**32, 2**53 - 1, -(2**53) + 1, chance.randrange(2**40)))
    if kind == 1:
        return chance.choice(("", "residence", "VN-MAU", "\0", "é", "x" * 50))
    if kind == 2:
        return chance.randbytes(chance.choice((0, 1, 8, 16, 32, 64)))
    if kind == 3:
        return chance.random() < 0.5
    if kind in (4, 5):
        return chance.randrange(100)
    if kind == 6:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = (1, 2, 3, 4, 6, 7, 8, 10, 16, -1, -2, -3, 65535, -70000, -70010, "status_list", "idx", "uri")
    return {chance.choice(keys): random_value(chance, depth + 1) for _ in range(chance.randrange(5))}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def spoilt(chance: random.Random, value: Any) -> Any:
    """Return a copy of `value` with one or two places replaced, removed or added to."""
    for _ in range(chance.choice((1, 1, 1, 2))):
        path = chance.choice(list(places(value)))
        if not path:
            continue
        parent = value
        for step in path[:-1]:
            parent = parent[step]
        action = chance.randrange(3)
        if action == 0:
            parent[path[-1]] = random_value(chance)
        elif action == 1 and isinstance(parent, dict):
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[chance.choice((2, 3, 4, 5, 8, 10, 99, "x"))] = random_value(chance)
    return value


def loosely(chance: random.Random, value: Any) -> bytes:
    """Return CBOR that is well-formed and no more: unsorted, longer heads, at times what is not read at all."""

    def head(major: int, argument: int) -> bytes:
        sizes = [size for size in (1, 2, 4, 8) if argument < 1 << 8 * size]
        if argument < 24 and chance.random() < 0.9:
            return bytes([major << 5 | argument])
        size = sizes[0] if chance.random() < 0.9 else chance.choice(sizes)
        return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + argument.to_bytes(size, "big")

    if chance.random() < 0.01:
        return chance.choice(
            (
                b"\xf6",
                b"\xf7",
                b"\xf9\x3c\x00",
                b"\x9f\xff",
                b"\xbf\xff",
                b"\xc1\x00",
                b"\xa2\x01\x01\x01\x02",
                b"\x1b" + b"\xff" * 8,
            )
        )
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, ~value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(loosely(chance, item) for item in value)
    members = list(value.items())
    chance.shuffle(members)
    return head(5, len(members)) + b"".join(loosely(chance, key) + loosely(chance, member) for key, member in members)


def hostile_codes(chance: random.Random, world: World) -> Iterator[str]:
    """Well-formed codes around nonsense, most signed by the issuer's own key, so that every step is reached."""
    while True:
        sign = chance.choice((world.doc.sign, world.doc.sign, lambda _: bytes(64)))
        if chance.random() < 0.6:
            claims = document_claims(world)
            if chance.random() < 0.1:
                claims |= {6: int((NOON - 2 * DAY).timestamp()), 4: int((NOON - DAY).timestamp())}
            payload = loosely(chance, spoilt(chance, claims))
            headers = document_headers(world)
            if chance.random() < 0.2:
                headers = spoilt(chance, headers)
            yield wrapped(signed(payload, sign, loosely(chance, headers)))
        else:
            card = loosely(chance, spoilt(chance, card_claims(world)) if chance.random() < 0.5 else card_claims(world))
            inner = signed(card, world.card.sign, card_headers(world))
            outer = loosely(chance, spoilt(chance, outer_claims(inner)))
            headers = LIVE_HEADERS if chance.random() < 0.8 else spoilt(chance, dict(LIVE_HEADERS))
            yield wrapped(signed(outer, world.device_sign, loosely(chance, headers)), "VL1:")


def test_random_text_gives_an_answer_and_is_never_valid(trust: TrustedBundle) -> None:
    texts = random_texts(random.Random(SEED))
    for _ in range(N // 2):
        assert check(next(texts), trust).verdict is Verdict.INVALID


def test_well_formed_nonsense_gives_an_answer(world: World, trust: TrustedBundle) -> None:
    """What the issuer really signed may be valid; then what is shown is what was signed."""
    codes = hostile_codes(random.Random(SEED), world)
    reached: set[str] = set()
    for _ in range(N // 4):
        text = next(codes)
        found = judge(text, trust, ANYONE, NOON)
        assert set(found.reasons) <= CLOSED
        reached |= set(found.reasons)
        if found.verdict is Verdict.VALID:
            assert found.document is not None
            assert found.document.issuer == "VN-MAU"
    assert {
        "ok",
        "malformed",
        "unknown_issuer",
        "bad_signature",
        "expired",
        "status_unknown",
        "device_mismatch",
    } <= reached


def test_s47_changed_documents_are_never_valid_with_another_meaning(world: World, trust: TrustedBundle) -> None:
    """A good message taken apart, changed in one part, and put together again with its old signature."""
    chance = random.Random(SEED)
    code = world.document_code()
    good = judge(code, trust, ANYONE, NOON)
    message = inflate(base45.decode(code[4:]), 4096)
    for _ in range(N - N // 2 - N // 4):
        parts = cbor.decode(message, tag=18)
        place = chance.choice((0, 2, 2, 2, 3))
        if place == 3 or chance.random() < 0.2:
            data = bytearray(parts[place])
            data[chance.randrange(len(data))] = chance.randrange(256)
            parts[place] = bytes(data)
        else:
            parts[place] = loosely(chance, spoilt(chance, cbor.decode(parts[place])))
        found = check(wrapped(b"\xd2" + loosely(chance, parts)), trust, good)
        if parts[place] == cbor.decode(message, tag=18)[place]:
            continue
        assert found.verdict is not Verdict.VALID


def test_another_reader_reads_the_same_in_what_we_read(world: World) -> None:
    """Two decoders, one meaning: what the strict reader takes, cbor2 reads alike."""
    chance = random.Random(SEED)
    taken = 0
    for _ in range(min(N, 20_000)):
        data = bytearray(loosely(chance, document_claims(world)))
        if chance.random() < 0.7:
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            value = cbor.decode(bytes(data))
        except Malformed:
            continue
        taken += 1
        assert cbor2.loads(bytes(data)) == value
    assert taken > 100


@given(st.text())
@settings(max_examples=300)
def test_any_text_gives_an_answer(trust: TrustedBundle, text: str) -> None:
    check(text, trust)
    check("VD1:" + text, trust)
    check("VL1:" + text, trust)


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_in_an_envelope_give_an_answer(trust: TrustedBundle, data: bytes) -> None:
    check("VD1:" + base45.encode(data), trust)
    check("VL1:" + base45.encode(data), trust)
    check("VD1:" + base45.encode(zlib.compress(data)), trust)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_signed_payload_gives_an_answer(world: World, trust: TrustedBundle, payload: bytes) -> None:
    assert check(wrapped(signed(payload, world.doc.sign, document_headers(world))), trust).reasons == ("malformed",)
    assert check(wrapped(signed(payload, world.device_sign, LIVE_HEADERS), "VL1:"), trust).reasons == ("malformed",)


def test_a_bomb_and_depth_and_lengths_without_end_cost_little(world: World, trust: TrustedBundle) -> None:
    import tracemalloc

    bombs = [
        "VD1:" + base45.encode(zlib.compress(bytes(200 * 1024 * 1024), 9)),
        wrapped(zlib.compress(bytes(2_000_000), 9)[:2800]),
        wrapped(b"\xd2" + b"\x81" * 4000),
        wrapped(b"\xd2\x9b" + b"\xff" * 8),
        wrapped(b"\xd2\x84\x5b" + b"\xff" * 8),
        wrapped(signed(b"\xbb" + b"\xff" * 8, world.doc.sign, document_headers(world))),
        "VL1:" + base45.encode(b"\xd2\x9b\x00\x00\x00\x00\xff\xff\xff\xff"),
        "VD1:" + "0" * 10_000_000,
    ]
    tracemalloc.start()
    for bomb in bombs:
        assert judge(bomb, trust, ANYONE, NOON).reasons == ("malformed",)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
