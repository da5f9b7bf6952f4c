"""S-50: offline in Python, offline in TypeScript and online, one verdict for one code.

CORPUS: how many codes (1,000 unless told), made from documents and live codes of a real deployment by changing text,
bytes and members, some signed again by the deployment's own keys, so that every step is reached.
"""

import os
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.people import admin_of, issue, on_one_database
from tests.support import FixedClock
from tests.vectors.generate_verifier import seeded_key
from tests.verifier.front import judged, need_front
from tests.verifier.test_hostile import loosely, random_texts, spoilt
from tests.verifier.world import LIVE_HEADERS, signed, wrapped
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keystore import Role
from wallet.crypto.signing import Signer, raw_from_der
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import SuspensionReason
from wallet.formats import base45, cbor
from wallet.formats.compact_values import seconds_of
from wallet.formats.live_code import DeviceKey
from wallet.verifier import Policy, TrustedBundle, answer_json, judge
from wallet.verifier.reasons import REASONS
from wallet.wiring import Wallet

N = int(os.environ.get("CORPUS", "1000"))
SEED = int(os.environ.get("FUZZ_SEED", "1948"))
OLD = {"trust_stale", "status_stale", "status_unknown"}
"""What is said of old data alone: a verifier that has fresher says something else, or nothing."""

ENOUGH = 5_000
"""Codes among which chance finds every reason; a few are rare."""

CAUSES = {"superseded", "account_locked"}
ONLINE_ALONE = {"revoked", "suspended", "key_not_allowed", "live_replayed"} | CAUSES
"""What may appear online and not offline (docs/wire.md, section 3, end)."""


def _device_sign(message: bytes) -> bytes:
    return raw_from_der(seeded_key("device").sign(message, ec.ECDSA(hashes.SHA256())))


@dataclass(frozen=True)
class Corpus:
    """Codes of a deployment, and what spoils them. documents: messages (COSE_Sign1) of issued documents."""

    chance: random.Random
    now: int
    doc: Signer
    card: Signer
    live: Signer
    documents: list[bytes]

    def codes(self) -> Iterator[str]:
        """Yield codes without end: a few as they are, most with something wrong."""
        texts = random_texts(self.chance)
        ways: list[Callable[[], str]] = [
            lambda: self._in_zlib(self._document()),
            lambda: self._in_zlib(self._flipped(self._document())),
            lambda: (
                "VD1:" + base45.encode(self._flipped(zlib.compress(self._document(), self.chance.choice((0, 1, 9)))))
            ),
            lambda: self._with_other_letters(wrapped(self._document())),
            lambda: self._with_other_letters(self._live_code()),
            self._reassembled,
            self._signed_again,
            self._signed_again,
            self._live_code,
            self._live_code,
            lambda: self._live_code(spoil_card=True),
            lambda: self._live_code(spoil_outer=True),
            lambda: "VL1:" + base45.encode(self._flipped(base45.decode(self._live_code()[4:]))),
            lambda: next(texts),
        ]
        while True:
            yield self.chance.choice(ways)()

    def _document(self) -> bytes:
        return self.chance.choice(self.documents)

    def _in_zlib(self, message: bytes) -> str:
        """Return a code with another zlib stream than ours: level and strategy are free."""
        strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FILTERED)
        stream = zlib.compressobj(self.chance.randrange(10), zlib.DEFLATED, 15, 8, self.chance.choice(strategies))
        return "VD1:" + base45.encode(stream.compress(message) + stream.flush())

    def _flipped(self, data: bytes) -> bytes:
        """Return the bytes with one bit, byte or run changed, removed or added."""
        changed, place = bytearray(data), self.chance.randrange(len(data))
        action = self.chance.randrange(5)
        if action == 0:
            changed[place] ^= 1 << self.chance.randrange(8)
        elif action == 1:
            changed[place] = self.chance.randrange(256)
        elif action == 2:
            del changed[place : place + self.chance.choice((1, 1, 4, 1000))]
        elif action == 3:
            changed[place:place] = self.chance.randbytes(self.chance.choice((1, 2, 9)))
        else:
            changed += self.chance.randbytes(1)
        return bytes(changed)

    def _with_other_letters(self, text: str) -> str:
        letters = base45.ALPHABET + "aé\n\t\u00a0\U0001f600"
        place = self.chance.randrange(len(text))
        action = self.chance.randrange(4)
        if action == 0:
            return text[:place] + self.chance.choice(letters) + text[place + 1 :]
        if action == 1:
            return text[:place] + self.chance.choice(letters) + text[place:]
        if action == 2:
            return text[:place]
        return (
            self.chance.choice((" ", "\n", "\u00a0", "x", "")) + text + self.chance.choice((" ", "\r\n", "\ufeff", "0"))
        )

    def _reassembled(self) -> str:
        """Return a document with one part changed and its old signature."""
        parts = cbor.decode(self._document(), tag=18)
        place = self.chance.choice((0, 2, 2))
        parts[place] = loosely(self.chance, spoilt(self.chance, cbor.decode(parts[place])))
        return wrapped(b"\xd2" + loosely(self.chance, parts))

    def _signed_again(self) -> str:
        """Return a document whose claims were changed before the real key signed them."""
        parts = cbor.decode(self._document(), tag=18)
        headers, claims = cbor.decode(parts[0]), cbor.decode(parts[2])
        self._other_times(claims)
        if self.chance.random() < 0.7:
            claims = spoilt(self.chance, claims)
        if self.chance.random() < 0.1:
            headers = spoilt(self.chance, headers)
        signer = self.doc if self.chance.random() < 0.95 else self.card
        return self._in_zlib(signed(loosely(self.chance, claims), signer.sign, loosely(self.chance, headers)))

    def _other_times(self, claims: dict[Any, Any]) -> None:
        if self.chance.random() < 0.3:
            claims[6] = self.now + self.chance.choice((-86_400, -61, -60, 0, 60, 61, 3600))
        if self.chance.random() < 0.3:
            claims[4] = claims[6] + self.chance.choice((1, 60, 61, 86_400, 86_400 * 365))

    def _live_code(self, *, spoil_card: bool = False, spoil_outer: bool = False) -> str:
        """Return a live code around a card of a document's claims: by the device's key, or by the server's."""
        chance, claims = self.chance, cbor.decode(cbor.decode(self._document(), tag=18)[2])
        by_server = chance.random() < 0.2
        signer = self.live if by_server else self.card
        own = read_certificate(signer.certificate_der).public_key
        assert own is not None
        device = DeviceKey.of(own if by_server else seeded_key("device").public_key())
        claims[6] = self.now - chance.choice((1, 3600, 86_000))
        claims[4] = claims[6] + chance.choice((86_400, 86_400, 7 * 86_400, 7 * 86_400 + 1, 60))
        claims[8] = {1: {1: 2, -1: 1, -2: device.x, -3: device.y}}
        claims[-70000].pop(4, None)
        claims.pop(3, None)
        if spoil_card:
            claims = spoilt(chance, claims)
        headers = {1: -7, 4: bytes.fromhex(signer.kid), 16: "viso-card+cwt"}
        inner = signed(loosely(chance, claims), signer.sign if chance.random() < 0.95 else self.doc.sign, headers)
        issued_at = self.now + chance.choice((-5, -5, -5, -30, -91, -90, 30, 31, -3600))
        outer: dict[Any, Any] = {6: issued_at, 4: issued_at + chance.choice((60, 60, 60, 61, 30)), -70010: inner}
        if chance.random() < 0.1:
            outer |= chance.choice(({3: "GATE-1"}, {3: "GATE-1", 10: bytes(8)}, {10: bytes(8)}, {10: bytes(7)}))
        if spoil_outer:
            outer = spoilt(chance, outer)
        sign = self.live.sign if by_server else _device_sign
        if chance.random() < 0.05:
            sign = self.doc.sign
        heads = spoilt(chance, dict(LIVE_HEADERS)) if spoil_outer and chance.random() < 0.2 else LIVE_HEADERS
        return wrapped(signed(loosely(chance, outer), sign, loosely(chance, heads)), "VL1:")


def _message(code: str) -> bytes:
    return zlib.decompress(base45.decode(code[4:]))


def _corpus(wallet: Wallet, clock: FixedClock) -> tuple[Corpus, list[str]]:
    """Return a corpus over documents that stand, were revoked, superseded and suspended; and their own codes."""
    issued = [issue(wallet, key) for key in ("an", "an", "an", "binh", "xa")]
    with wallet.work() as work:
        work.revoking.revoke(issued[1].id, RevocationReason.FRAUD, admin_of(wallet))
        work.revoking.void(issued[2].id, RevocationReason.SUPERSEDED, admin_of(wallet))
        work.suspending.suspend(issued[3].id, SuspensionReason.DATA_DISPUTED, admin_of(wallet))
    clock.advance(seconds=60)
    signer = wallet.keystore.signer
    messages = [_message(document.code) for document in issued]
    roles = (signer(Role.DOCUMENT), signer(Role.CARD), signer(Role.LIVE))
    corpus = Corpus(random.Random(SEED), seconds_of(clock.now()), *roles, messages)
    return corpus, [document.code for document in issued]


@on_one_database
def test_s50_verifiers_agree_on_every_code_of_a_corpus(wallet: Wallet, clock: FixedClock) -> None:
    need_front()
    corpus, own = _corpus(wallet, clock)
    bundle, pins, now = wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now()
    stream = corpus.codes()
    codes = own + [next(stream) for _ in range(N - len(own))]
    trust = TrustedBundle.from_jws(bundle, pins, now)
    in_python = [answer_json(judge(code, trust, Policy(), now)) for code in codes]
    in_typescript = judged(bundle, pins, now.timestamp(), ({"text": code} for code in codes))
    online = [wallet.checking.check(code) for code in codes]

    for code, python, typescript, served in zip(codes, in_python, in_typescript, online, strict=True):
        assert typescript == python, ascii(code)
        _agree(python, served, code)
    reached = {reason for answer in in_python for reason in answer["reasons"]}
    # without a memory nothing was seen before; a bundle is not stale while it is fresh; a policy is each gate's own
    missed = set(REASONS) - reached - CAUSES - {"trust_stale", "status_stale", "live_replayed", "policy_refused"}
    assert not missed or (N < ENOUGH and len(missed) <= 4), missed
    assert "ok" in reached
    assert any("superseded" in answer["reasons"] for answer in online)


@on_one_database
def test_s50_verifiers_agree_once_the_bundle_is_old(wallet: Wallet, clock: FixedClock) -> None:
    """The offline ones say that they cannot tell; the service, whose data is fresh, says what it is."""
    need_front()
    corpus, own = _corpus(wallet, clock)
    bundle, pins = wallet.trust.bundle().token.decode(), [wallet.trust.pin]
    trust = TrustedBundle.from_jws(bundle, pins, clock.now())
    stream = corpus.codes()
    codes = own + [next(stream) for _ in range(N // 10)]
    for step in (timedelta(seconds=30), timedelta(seconds=61), timedelta(hours=80)):
        now = clock.advance(step)
        in_python = [answer_json(judge(code, trust, Policy(), now)) for code in codes]
        in_typescript = judged(bundle, pins, now.timestamp(), ({"text": code} for code in codes))
        for code, python, typescript in zip(codes, in_python, in_typescript, strict=True):
            assert typescript == python, ascii(code)
            _agree(python, wallet.checking.check(code), code)
    reached = {reason for answer in in_python for reason in answer["reasons"]}
    assert {"trust_stale", "status_stale", "live_too_old"} <= reached
    assert "valid" not in {answer["verdict"] for answer in in_python}


def test_s50_rules_of_agreeing_can_fail() -> None:
    """Reasons that are not the data's age are never forgiven."""
    fine = {"reasons": ["ok"], "document": None, "holder_binding": "none"}
    for offline, online in ((["ok"], ["expired"]), (["expired"], ["ok"]), (["bad_signature"], ["malformed"])):
        with pytest.raises(AssertionError):
            _agree(fine | {"reasons": offline}, fine | {"reasons": online}, "x")


def _agree(offline: dict[str, Any], online: dict[str, Any], code: str) -> None:
    """Fail unless the two answers differ only in what fresher data and the service's own knowledge may tell."""
    here, there = set(offline["reasons"]) - {"ok"}, set(online["reasons"]) - {"ok"}
    only_here, only_there = here - there, there - here
    assert only_here <= OLD, (ascii(code), offline["reasons"], online["reasons"])
    allowed = ONLINE_ALONE if here & OLD else CAUSES
    assert only_there <= allowed, (ascii(code), offline["reasons"], online["reasons"])
    if "key_not_allowed" not in only_there:
        assert offline.get("document") == online.get("document"), ascii(code)
        assert offline["holder_binding"] == online["holder_binding"], ascii(code)
    if not here and not only_there:
        assert (online["verdict"], online["accepted"]) == (offline["verdict"], offline["accepted"])
