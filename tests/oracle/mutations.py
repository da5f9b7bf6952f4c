"""Pseudo-random codes that are well formed on the outside and wrong somewhere inside, many thousands a second."""

import random
import zlib
from collections.abc import Iterator
from typing import Any

from .world import URL, KeyPair, Pairs, Raw, World, base45, cose_sign1, enc, head, nested

INTEGERS = (0, 1, 2, 23, 24, 255, 256, 65535, 65536, 2**31, 2**32, 2**53 - 1, 2**53, 2**63, 2**64 - 1)
LABELS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 16, 33, 65533, 65534, 65535, -1, -2, -3, -70000, -70010, -99, "idx", "uri", "x")
TEXTS = (
    *("", "VN-MAU", "VN-KHAC", "residence", "study", "*", "1948", "2020-02-30", "A" * 300, "\0", "\U0001f600"),
    *("viso-doc+cwt", "viso-card+cwt", "viso-live+cwt", "Nguyê\u0303n", "\u202etxt", "ES256", URL + "stale"),
)
RAW = (
    *(b"\xf6", b"\xf7", b"\xf9\x3c\x00", b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\xc1\x00", b"\xd2\x80", b"\xe0"),
    *(b"\x5f\x41\x00\xff", b"\x9f\xff", b"\xbf\xff", b"\x1c", b"\xff", b"\x61\xff", b"\xa2\x01\x00\x01\x00"),
    *(b"\xa1\x41\x00\x00", b"\xc2\x41\x01", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x1b\x00\x20" + bytes(6)),
)


def well_formed_hostile(world: World, seed: int, count: int) -> Iterator[str]:
    """Yield so many codes, four of five for documents, the others live; the same seed gives the same codes."""
    rng = random.Random(seed)
    signers = [pair for pair in world.keys.values() if pair.private.curve.name == "secp256r1"]
    for _ in range(count):
        build = _document if rng.random() < 0.8 else _live
        yield build(world, rng, signers)


def _document(world: World, rng: random.Random, signers: list[KeyPair]) -> str:
    claims = world.claims(rng.choice(("main", "main", "main", "stale", None)), rng.choice((0, 0, 0, 1, 2, 3, 999)))
    data = _message(world, rng, signers, "viso-doc+cwt", claims, world.keys["doc"])
    stream = zlib.compress(data, rng.choice((9, 9, 9, 6, 1, 0)))
    return "VD1:" + _text(rng, base45(_bytes(rng, stream) if rng.random() < 0.03 else stream))


def _live(world: World, rng: random.Random, signers: list[KeyPair]) -> str:
    card = world.claims("main", rng.choice((0, 0, 0, 1, 2)))
    card[4], card[8] = world.now + 7200, {1: world.device()}
    body = {1: "residence", 2: 1, 3: {1: "Nguyễn Văn An", 2: "4321"}}
    card[-70000] = body
    inner = _message(world, rng, signers, "viso-card+cwt", card, world.keys["card"])
    claims = {6: world.now - 5, 4: world.now + 55, -70010: inner}
    return "VL1:" + _text(rng, base45(_message(world, rng, signers, "viso-live+cwt", claims, world.keys["device"])))


def _message(
    world: World, rng: random.Random, signers: list[KeyPair], typ: str, claims: dict[Any, Any], signer: KeyPair
) -> bytes:
    """Return a COSE_Sign1 with up to three changes to what it says, and sometimes to how it says it or who signed."""
    header: Any = {1: -7, 4: signer.kid, 16: typ}
    payload: Any = claims
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        chance = rng.random()
        if chance < 0.5 and isinstance(payload, dict):
            payload = {**payload, **_plausible(world, rng)}
        elif chance < 0.6:
            header = mutate(world, rng, header)
        else:
            payload = mutate(world, rng, payload)
    width = rng.choice((0, 0, 0, 0, 1, 2, 4, 8))
    protected, body = enc(header, width), enc(payload, width)
    if rng.random() < 0.05:
        body = _bytes(rng, body)
    if rng.random() < 0.03:
        protected = _bytes(rng, protected)
    chance = rng.random()
    signature: Any = None
    if chance < 0.1:
        signer = rng.choice(signers)
    elif chance < 0.25:
        signature = rng.choice((rng.randbytes(64), bytes(64), rng.randbytes(rng.randrange(100))))
    tag = 18 if rng.random() < 0.98 else rng.choice((None, 17, 61, 98))
    items = None
    if rng.random() < 0.03:
        items = lambda right: mutate(world, rng, right)  # noqa: E731
    data = cose_sign1(signer, protected, body, signature=signature, tag=tag, items=items, width=width)
    if rng.random() < 0.03:
        data = rng.choice((_bytes(rng, data), data + b"\0", data[:-1], head(6, 61) + data, data + data))
    return data


def _plausible(world: World, rng: random.Random) -> dict[Any, Any]:
    """Return a claim that has the right shape and says something else."""
    how = rng.randrange(6)
    if how == 0:
        return {6: world.now + rng.choice((-86400 * 40, -7200, -1, 0, 29, 30, 31, 59, 60, 61, 3600))}
    if how == 1:
        return {4: world.now + rng.choice((-86400, -61, -60, -59, -31, -30, 0, 1, 60, 86400, 86400 * 4000))}
    if how == 2:
        return {1: rng.choice(("VN-MAU", "VN-KHAC", "VN-KHONG-CO", "vn-mau", ""))}
    if how == 3:
        small = [entry["uri"] for entry in world.lists if not entry["uri"].endswith(("cap", "large"))]
        name = rng.choice([*small, URL])
        return {65535: {"status_list": {"idx": rng.choice((0, 1, 2, 3, 4, 16, 2**31, 2**53 - 1)), "uri": name}}}
    if how == 4:
        return {3: rng.choice(("Trường Mẫu", "CUA-01", "CUA-02", "", "x" * 500)), 10: rng.randbytes(8)}
    return {rng.choice((2, 5, 9, -1, -99, "x")): random_value(world, rng)}


def mutate(world: World, rng: random.Random, value: Any) -> Any:
    """Return a value with one thing in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.95:
        key = rng.choice(list(value))
        how = rng.randrange(10)
        if how < 5:
            return {**value, key: mutate(world, rng, value[key])}
        if how == 5:
            return {label: item for label, item in value.items() if label != key}
        if how == 6:
            return {**value, rng.choice(LABELS): random_value(world, rng)}
        if how == 7:
            other = rng.choice((*LABELS, -1, Raw(enc(nested(1))), b"k", True))
            return {other if label == key else label: item for label, item in value.items()}
        pairs = list(value.items())
        if how == 8:
            pairs.append((key, value[key] if rng.random() < 0.5 else random_value(world, rng)))
        rng.shuffle(pairs)
        return Pairs(tuple(pairs))
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        change = rng.choice(([], [value[at]] * 2, [mutate(world, rng, value[at])], [mutate(world, rng, value[at])]))
        return value[:at] + change + value[at + 1 :]
    if isinstance(value, bytes) and rng.random() < 0.7:
        return _bytes(rng, value)
    if isinstance(value, str) and rng.random() < 0.5:
        return rng.choice((value.upper(), value[:-1], value + " ", value * 2, value[::-1], rng.choice(TEXTS)))
    if type(value) is int and rng.random() < 0.7:
        step = rng.choice((1, 59, 60, 61, 3600, 86400, 10**7, 2**40))
        return max(-(2**64), min(2**64 - 1, value + rng.choice((-step, step, -2 * value, -value))))
    return random_value(world, rng)


def random_value(world: World, rng: random.Random, depth: int = 0) -> Any:
    """Return any value CBOR can hold, and now and then bytes that are no value."""
    how = rng.randrange(12)
    if how < 3:
        number = rng.choice(INTEGERS)
        return number if rng.random() < 0.7 else -1 - number
    if how == 3:
        return world.now + rng.randrange(-(10**6), 10**6)
    if how < 6:
        return rng.choice(TEXTS)
    if how == 6:
        return rng.randbytes(rng.choice((0, 1, 8, 16, 32, 64, 200)))
    if how == 7:
        return rng.random() < 0.5
    if how == 8 and depth < 3:
        return [random_value(world, rng, depth + 1) for _ in range(rng.randrange(4))]
    if how == 9 and depth < 3:
        return {rng.choice(LABELS): random_value(world, rng, depth + 1) for _ in range(rng.randrange(4))}
    if how == 10:
        return nested(rng.choice((1, 4, 5, 6, 7, 8, 9, 40)))
    return Raw(rng.choice(RAW))


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with one bit, one byte or one stretch changed, added or taken away."""
    at = rng.randrange(len(data) + 1)
    how = rng.randrange(6)
    if how < 2 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if how == 2:
        return data[:at] + rng.randbytes(1) + data[at:]
    if how == 3:
        return data[:at] + data[at + 1 + rng.randrange(4) :]
    if how == 4:
        return data[:at]
    return data[:at] + rng.randbytes(4) + data[at + 4 :]


def _text(rng: random.Random, text: str) -> str:
    """Return the Base45 text, one time in thirty with something wrong in it."""
    if rng.random() > 1 / 30:
        return text
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice((":", " ", "a", "é", "\n", "A", "::::", "")) + text[at + 1 :]
