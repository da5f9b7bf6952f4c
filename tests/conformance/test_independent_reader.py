"""What our wallet makes is read by a reader written from docs/wire.md alone; both give every code the same answer."""

import json
import os
import random
import sys
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.agreement import Both, both_refuse, moment, resigned, verdict_of
from tests.documents.people import ISSUED, admin_of, issue, on_one_database
from tests.oracle import builder, reader
from tests.oracle.world import base45
from tests.support import AUTHORITY, FixedClock, SeededEntropy
from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.making import create_missing
from wallet.crypto.signing import LocalSigner, raw_from_der
from wallet.demo.personas import persona
from wallet.documents.models import DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.entropy import SystemEntropy
from wallet.formats.cwt_code import DocumentPayload, StatusReference, encode_document_code
from wallet.formats.live_code import CardPayload, DeviceKey, GateChallenge, encode_card, encode_live_code
from wallet.formats.status_list import StatusListToken, pack, sign_status_cwt, sign_status_jwt
from wallet.formats.trust_bundle import IssuerEntry, KeyEntry, StatusListEntry, parse_bundle
from wallet.terms import Status
from wallet.verifier import BundleRefused, MemoryReplay, Policy, TrustedBundle, judge
from wallet.verifier.reasons import REASONS
from wallet.wiring import Wallet

FUZZ = int(os.environ.get("FUZZ", "20000"))
NOW = 1_790_000_000
DAY = timedelta(days=1)

# =====================================================================================================================
# Made by our wallet
# =====================================================================================================================


def seconds(clock: FixedClock) -> int:
    return int(clock.now().timestamp())


def published(wallet: Wallet) -> str:
    return wallet.trust.bundle().token.decode()


def both(wallet: Wallet, token: str | None = None) -> Both:
    """Return two verifiers that were given this wallet's pin and its bundle."""
    now = int(wallet.clock.now().timestamp())
    return Both.holding(token or published(wallet), [wallet.trust.pin], now)


def set_status(wallet: Wallet, document_id: str, value: Status) -> None:
    with wallet.work() as work:
        row = work.session.get(DocumentRow, document_id)
        assert row is not None
        work.document_rows.set_status(row.status_list, row.status_index, value, wallet.clock.now())


def test_fresh_documents_are_read_and_accepted(wallet: Wallet) -> None:
    for key in ISSUED:
        document = issue(wallet, key)
        answer = both(wallet).agreed(document.code)
        assert (answer.verdict, answer.reasons, answer.accepted) == ("valid", ("ok",), True)
        assert (answer.claims or {})[1] == persona(key).name
        assert (answer.claims or {})[2] == persona(key).number[-4:]
        assert document.id == f"doc_{answer.document_id}"
        reading = reader.judge(document.code, both(wallet).theirs, int(wallet.clock.now().timestamp()))
        assert reader.hash_matches(reading, {"claims": json.loads(json.dumps(document.claims)), "salt": document.salt})


def test_revoked_document_is_revoked_for_both(wallet: Wallet, clock: FixedClock) -> None:
    document, other = issue(wallet, "an"), issue(wallet, "dai")
    before = published(wallet)
    with wallet.work() as work:
        work.revoking.revoke(document.id, RevocationReason.DATA_CHANGED, admin_of(wallet))
    clock.advance(seconds=60)
    assert both(wallet).agreed(document.code).reasons == ("revoked",)
    assert both(wallet).agreed(other.code).reasons == ("ok",)
    assert both(wallet, before).agreed(document.code).reasons == ("ok",)
    for copy in (wallet.trust.status_list(1).token.decode(), wallet.trust.status_list(1, cbor=True).token):
        assert both(wallet, before).agreed(document.code, fetched=[copy]).reasons == ("revoked",)


@on_one_database
def test_suspended_document_is_suspended_and_comes_back(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    for value, reasons in ((Status.SUSPENDED, ("suspended",)), (Status.VALID, ("ok",)), (Status.INVALID, ("revoked",))):
        set_status(wallet, document.id, value)
        clock.advance(seconds=60)
        answer = both(wallet).agreed(document.code)
        assert (answer.reasons, answer.verdict) == (reasons, "valid" if reasons == ("ok",) else "invalid")


@on_one_database
def test_dates_end_on_the_same_second(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    token = published(wallet)
    issued = seconds(clock)
    for late, reasons in ((59, ("ok",)), (60, ("expired",))):
        clock.set(document.expires_at + timedelta(seconds=late))
        assert both(wallet).agreed(document.code).reasons == reasons
    with pytest.raises(BundleRefused):
        Both.holding(token, [wallet.trust.pin], issued - 61)
    early = resigned(
        wallet, token, wallet.keystore.signer(Role.BUNDLE_ROOT), issued_at=moment(issued - 3600), status_lists=()
    )
    for before, reasons in ((60, ("status_unknown",)), (61, ("not_yet_valid", "status_unknown"))):
        held = Both.holding(early, [wallet.trust.pin], issued - before)
        assert held.agreed(document.code).reasons == reasons


@on_one_database
def test_stale_bundle_and_stale_list_say_so(wallet: Wallet, clock: FixedClock) -> None:
    document, revoked = issue(wallet, "an"), issue(wallet, "sau")
    set_status(wallet, revoked.id, Status.INVALID)
    clock.advance(seconds=2)
    token = published(wallet)
    root = wallet.keystore.signer(Role.BUNDLE_ROOT)
    clock.advance(hours=72, seconds=-1)
    assert both(wallet, token).agreed(document.code).reasons == ("ok",)
    clock.advance(seconds=1)
    answer = both(wallet, token).agreed(document.code)
    assert (answer.verdict, answer.reasons) == ("cannot_tell", ("trust_stale", "status_stale"))
    younger = resigned(wallet, token, root, expires_at=clock.now() + DAY)
    answer = both(wallet, younger).agreed(document.code)
    assert (answer.verdict, answer.reasons, answer.list_age) == ("cannot_tell", ("status_stale",), 72 * 3600)
    answer = both(wallet, younger).agreed(revoked.code)
    assert (answer.verdict, answer.reasons) == ("invalid", ("status_stale", "revoked"))  # a 1 is final, however old


@on_one_database
def test_list_that_is_withheld_is_unknown_until_it_is_fetched(wallet: Wallet) -> None:
    document = issue(wallet)
    bare = resigned(wallet, published(wallet), wallet.keystore.signer(Role.BUNDLE_ROOT), status_lists=())
    held = both(wallet, bare)
    assert held.agreed(document.code).reasons == ("status_unknown",)
    jwt, cwt = wallet.trust.status_list(1).token.decode(), wallet.trust.status_list(1, cbor=True).token
    for copies in ([jwt], [cwt], [jwt, cwt], [b"", "", jwt], [cwt[:-1], jwt]):
        assert held.agreed(document.code, fetched=copies).reasons == ("ok",)
    for copies in ([cwt[:-1]], [jwt[:-2]], [b"\0" + cwt], [jwt.swapcase()]):
        assert held.agreed(document.code, fetched=copies).reasons == ("status_unknown",)


@on_one_database
def test_bundle_of_another_root_is_refused_by_both(wallet: Wallet, clock: FixedClock) -> None:
    token, now = published(wallet), seconds(clock)
    assert not both_refuse(token, [wallet.trust.pin], now)
    assert not both_refuse(token, ["0" * 64, wallet.trust.pin], now)
    for pins in (["0" * 64], [], [wallet.trust.pin[:-1]], [""]):
        assert both_refuse(token, pins, now)
    stranger = make_signer("root")
    assert both_refuse(resigned(wallet, token, stranger), [wallet.trust.pin], now)


@on_one_database
def test_bundle_changed_anywhere_is_refused_by_both(wallet: Wallet, clock: FixedClock) -> None:
    token, now = published(wallet), seconds(clock)
    places = [at for at in range(0, len(token), len(token) // 150) if token[at] != "."]
    for at in [*places, 0, len(token) - 2]:
        other = "B" if token[at] == "A" else "A"
        assert both_refuse(token[:at] + other + token[at + 1 :], [wallet.trust.pin], now), at


def make_signer(name: str, begin: int = -30, end: int = 900) -> LocalSigner:
    clock, key = FixedClock(), ec.generate_private_key(ec.SECP256R1())
    certificate = self_signed(key, name, clock.now() + begin * DAY, clock.now() + end * DAY, SeededEntropy(name))
    return LocalSigner(key, certificate)


def with_keys(wallet: Wallet, token: str, change: Callable[[KeyEntry], KeyEntry], *more: KeyEntry) -> str:
    content = parse_bundle(token).verify(frozenset({wallet.trust.pin}))
    (issuer,) = content.issuers
    changed = IssuerEntry(issuer.code, issuer.name, (*map(change, issuer.keys), *more))
    return resigned(wallet, token, wallet.keystore.signer(Role.BUNDLE_ROOT), issuers=(changed,))


@on_one_database
def test_other_keys_and_other_times_of_keys(wallet: Wallet, clock: FixedClock, tmp_path: Any) -> None:
    document = issue(wallet)
    token, now = published(wallet), clock.now()
    create_missing(tmp_path / "keys", now=now, entropy=SystemEntropy(), authority=AUTHORITY)
    foreign = Keystore.open(tmp_path / "keys").signer(Role.DOCUMENT)
    status_signer = wallet.keystore.signer(Role.STATUS)
    payload = DocumentPayload(
        issuer="VN-MAU",
        issued_at=now,
        expires_at=now + DAY,
        document_id=bytes(16),
        utility="residence",
        utility_version=1,
        claims={1: "Ai Đó"},
        status=StatusReference(0, wallet.trust.status_uri(1)),
    )

    class Posing:
        """Signs with one key and names another."""

        def __init__(self, real: LocalSigner, named: LocalSigner) -> None:
            self.sign, self.kid, self.certificate_der = real.sign, named.kid, named.certificate_der

    def doc(**changes: Any) -> Callable[[KeyEntry], KeyEntry]:
        return lambda entry: replace(entry, **changes) if entry.roles == ("doc",) else entry

    def status(**changes: Any) -> Callable[[KeyEntry], KeyEntry]:
        return lambda entry: replace(entry, **changes) if entry.roles == ("status",) else entry

    own = wallet.keystore.signer(Role.DOCUMENT)
    held = both(wallet)
    for code, reasons in (
        (encode_document_code(payload, own), ("ok",)),
        (encode_document_code(payload, foreign), ("unknown_issuer",)),
        (encode_document_code(payload, Posing(foreign, own)), ("bad_signature",)),
        (encode_document_code(payload, Posing(own, foreign)), ("unknown_issuer",)),
        (encode_document_code(payload, status_signer), ("key_not_allowed",)),
        (encode_document_code(replace(payload, issuer="VN-KHAC"), own), ("unknown_issuer",)),
        (encode_document_code(replace(payload, expires_at=now + 5000 * DAY), own), ("key_not_allowed",)),
        (encode_document_code(replace(payload, recipient="Trường Mẫu"), own), ("policy_refused",)),
        (encode_document_code(replace(payload, status=None), own), ("ok",)),
    ):
        assert held.agreed(code).reasons == reasons
    for change, reasons in (
        (doc(state="revoked"), ("key_not_allowed",)),
        (doc(state="retired"), ("ok",)),
        (doc(state="published"), ("ok",)),
        (doc(utilities=("study",)), ("key_not_allowed",)),
        (doc(utilities=("study", "residence")), ("ok",)),
        (doc(roles=("card",)), ("key_not_allowed",)),
        (doc(not_after=now), ("ok",)),
        (doc(not_after=now - timedelta(seconds=1)), ("key_not_allowed",)),
        (doc(not_before=now), ("ok",)),
        (doc(not_before=now + timedelta(seconds=1)), ("key_not_allowed",)),
        (doc(alg="ES384"), ("key_not_allowed",)),
        (status(state="revoked"), ("status_unknown",)),
        (status(roles=("mdoc",)), ("status_unknown",)),
        (status(not_after=now - timedelta(seconds=1)), ("status_unknown",)),
    ):
        assert both(wallet, with_keys(wallet, token, change)).agreed(document.code).reasons == reasons


@on_one_database
def test_lists_of_every_width_and_form_are_read_alike(wallet: Wallet, clock: FixedClock) -> None:
    token, now = published(wallet), clock.now()
    root, signer, own = (wallet.keystore.signer(role) for role in (Role.BUNDLE_ROOT, Role.STATUS, Role.DOCUMENT))
    uri = "https://vi.example.vn/v1/status-lists/77"
    payload = DocumentPayload("VN-MAU", now, now + DAY, bytes(16), "residence", 1, {1: "A"})
    for bits in (1, 2, 4, 8):
        values = [index % min(1 << bits, 5) for index in range(80)]
        made = StatusListToken(uri, now, now + DAY, 900, bits, bytes(pack(values, bits=bits)))
        jwt, cwt = sign_status_jwt(made, signer), sign_status_cwt(made, signer)
        in_bundle = both(wallet, resigned(wallet, token, root, status_lists=(StatusListEntry(uri, jwt),)))
        for index in (0, 1, 2, 3, 4, 79, 80, 10**6):
            code = encode_document_code(replace(payload, status=StatusReference(index, uri)), own)
            answers = [in_bundle.agreed(code), *(both(wallet).agreed(code, fetched=[copy]) for copy in (jwt, cwt))]
            expected = {0: "ok", 1: "revoked", 2: "suspended"}.get(values[index] if index < 80 else 9, "status_unknown")
            assert {answer.reasons for answer in answers} == {(expected,)}


@on_one_database
def test_live_codes_are_read_alike(wallet: Wallet, clock: FixedClock) -> None:
    token, now = published(wallet), clock.now()
    card_signer, live_signer, device = make_signer("card"), make_signer("live"), ec.generate_private_key(ec.SECP256R1())

    def entry(signer: LocalSigner, role: str) -> KeyEntry:
        der = (signer.certificate_der,)
        return KeyEntry(signer.kid, der, now - DAY, now + 9 * DAY, ("*",), (role,), "active")

    held = both(
        wallet, with_keys(wallet, token, lambda key: key, entry(card_signer, "card"), entry(live_signer, "live"))
    )

    def sign(message: bytes) -> bytes:
        return raw_from_der(device.sign(message, ec.ECDSA(hashes.SHA256())))

    card = CardPayload(
        "VN-MAU",
        now - DAY / 24,
        now + DAY,
        b"c" * 16,
        "residence",
        1,
        {1: persona("xa").name, 2: "4321"},
        DeviceKey.of(device.public_key()),
        StatusReference(5, wallet.trust.status_uri(1)),
    )
    inner = encode_card(card, card_signer)
    begin = now - timedelta(seconds=10)
    end = begin + timedelta(seconds=60)
    plain = encode_live_code(inner, begin, end, sign)
    named = encode_live_code(inner, begin, end, sign, GateChallenge("CUA-01", b"12345678"))
    answer = held.agreed(plain)
    assert (answer.reasons, answer.shown_by, answer.claims) == (("ok",), "device", card.claims)
    for options, reasons in (
        ({}, ("wrong_gate",)),
        ({"gate_id": "CUA-01"}, ("ok",)),
        ({"gate_id": "CUA-02"}, ("wrong_gate",)),
        ({"gate_id": "CUA-01", "demanded": True, "nonce": b"12345678"}, ("ok",)),
        ({"gate_id": "CUA-01", "demanded": True, "nonce": b"87654321"}, ("wrong_gate",)),
    ):
        assert held.agreed(named, **options).reasons == reasons
    assert held.agreed(plain, gate_id="CUA-01", demanded=True).reasons == ("wrong_gate",)
    own = replace(card, device=DeviceKey.of(public_key(live_signer)))
    server = encode_live_code(encode_card(own, live_signer), begin, end, live_signer.sign)
    assert held.agreed(server).shown_by == "server"
    borrowed = encode_live_code(encode_card(card, live_signer), begin, end, sign)
    other = encode_live_code(inner, begin, end, live_signer.sign)
    assert held.agreed(borrowed).reasons == held.agreed(other).reasons == ("device_mismatch",)
    for at, reasons in ((90, ("ok",)), (91, ("live_too_old",)), (-30, ("ok",)), (-31, ("live_from_future",))):
        later = Both(held.ours, held.theirs, seconds(clock) - 10 + at)
        assert later.agreed(plain).reasons == reasons


def public_key(signer: LocalSigner) -> ec.EllipticCurvePublicKey:
    from wallet.crypto.certificates import read_certificate

    found = read_certificate(signer.certificate_der).public_key
    assert found is not None
    return found


@on_one_database
def test_white_space_around_a_code_is_nothing_and_inside_is_something(wallet: Wallet) -> None:
    code, held = issue(wallet).code, both(wallet)
    for around in (f" {code}", f"{code}\n", f"\t{code} \r\n"):
        assert held.agreed(around).reasons == ("ok",)
    for inside in (code[:9] + " " + code[9:], code[:9] + "\n" + code[9:], "VD1: " + code[4:], code.lower()):
        assert held.agreed(inside).verdict == "invalid"
    assert not code[4:].startswith(" ")
    assert not code.endswith(" ")


# =====================================================================================================================
# Made by others, with the answer that docs/wire.md demands
# =====================================================================================================================


@cache
def make_world() -> builder.World:
    return builder.make_world(1, NOW)


@pytest.fixture(scope="module")
def world() -> builder.World:
    return make_world()


@pytest.fixture(scope="module")
def held(world: builder.World) -> Both:
    return Both.holding(world.bundle(), [world.pin], NOW)


def ours(code: str, trust: TrustedBundle, now: int = NOW, policy: Policy | None = None) -> tuple[str, list[str]]:
    found = judge(code, trust, policy or Policy(), moment(now), MemoryReplay())
    before_step_5 = {"not_a_code", "malformed", "wrong_type", "unknown_issuer", "key_not_allowed", "bad_signature"}
    assert (found.document is None) == bool(before_step_5 & set(found.reasons)), "claims shown or hidden wrongly"
    return found.verdict.value, list(found.reasons)


def test_every_named_code_has_its_reasons(world: builder.World, held: Both) -> None:
    wrong = {}
    for name, code, expected in builder.hostile_codes(world):
        answer = ours(code, held.ours)
        if answer != (verdict_of(expected), expected):
            wrong[name] = answer, expected
    assert wrong == {}


def test_every_open_code_has_one_of_its_answers(world: builder.World, held: Both) -> None:
    for case in builder.open_codes(world):
        verdict, reasons = ours(case.code, held.ours)
        assert reasons in case.answers, case.name
        assert verdict == verdict_of(reasons), case.name


def test_every_situation_has_its_reasons(world: builder.World) -> None:
    wrong = {}
    for case in builder.hostile_situations(world):
        try:
            trust = TrustedBundle.from_jws(case.bundle, [world.pin], moment(case.now))
        except BundleRefused as refusal:
            wrong[case.name] = refusal.reason
            continue
        answer = ours(case.code, trust, case.now)
        if answer != (verdict_of(case.reasons), case.reasons):
            wrong[case.name] = repr(answer)
    assert wrong == {}


def test_newest_copy_without_an_end_hides_an_older_one_from_both(world: builder.World, held: Both) -> None:
    code = world.code()
    for copy in (
        world.status_list(claims={"iat": NOW - 10}, drop=("exp",), values=[1]),
        world.status_list(claims={"iat": NOW - 10, "exp": "never"}, values=[1]),
        world.status_list(cwt=True, claims={6: NOW - 10}, drop=(4,), values=[1]),
    ):
        for answer in held.answers(code, fetched=[copy]):
            assert (answer.reasons, answer.list_age) == (("status_unknown",), 10)


def test_every_bundle_is_taken_or_not(world: builder.World) -> None:
    for name, token, taken in builder.hostile_bundles(world):
        assert (name, not both_refuse(token, [world.pin], NOW)) == (name, taken)


def test_every_live_code_has_its_reasons(world: builder.World, held: Both) -> None:
    wrong = {}
    for case in builder.hostile_lives(world):
        policy = Policy(gate_id=case.gate_id, gate_demanded=case.demanded, demanded_nonce=case.nonce)
        verdict, reasons = ours(case.code, held.ours, NOW, policy)
        if reasons not in case.answers:
            wrong[case.name] = reasons
        assert verdict == verdict_of(reasons)
    assert wrong == {}


def test_bundles_follow_each_other_alike(world: builder.World) -> None:
    pins, now = [world.pin], moment(NOW)
    first = world.bundle()
    their_first = reader.open_bundle(first, pins, NOW)
    our_first = TrustedBundle.from_jws(first, pins, now)
    digest = reader.hashlib.sha256(first.encode()).digest()
    prev = reader.base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    for claims in (
        {"seq": 8, "prev": prev},
        {"seq": 8, "prev": prev + "="},
        {"seq": 8, "prev": ""},
        {"seq": 8},
        {"seq": 9},
        {"seq": 2**53 - 1},
        {"seq": 7, "prev": prev},
        {"seq": 6},
        {"seq": 0},
    ):
        token = world.bundle(claims=claims, drop=() if "prev" in claims else ("prev",))
        theirs = reader.newer_bundle(their_first, token, pins, NOW) is not their_first
        try:
            taken = bool(TrustedBundle.from_jws(token, pins, now, our_first))
        except BundleRefused:
            taken = False
        assert (claims, taken) == (claims, theirs)


# =====================================================================================================================
# Made by chance
# =====================================================================================================================


def compare(codes: Iterator[str], held: Both) -> Counter[str]:
    """Give every code to both, which must agree in every field; return how often each reason came up."""
    reasons: Counter[str] = Counter()
    known = set(REASONS) | {"ok"}
    for code in codes:
        mine, other = held.answers(code, gate_id="CUA-01")
        reasons.update(mine.reasons)
        assert known >= set(mine.reasons)
        assert mine.verdict == verdict_of(mine.reasons)
        assert mine == other, code
    return reasons


@pytest.mark.parametrize("part", range(2))
def test_well_formed_hostile_codes_have_one_answer(world: builder.World, held: Both, part: int) -> None:
    seed = int(os.environ.get("FUZZ_SEED", "7")) + part
    reasons = compare(builder.well_formed_hostile(world, seed, FUZZ // 2), held)
    if FUZZ >= 20_000:
        for reason in ("ok", "malformed", "wrong_type", "unknown_issuer", "bad_signature", "expired", "revoked"):
            assert reasons[reason] > 10, reasons


def random_texts(world: builder.World, seed: int, count: int) -> Iterator[str]:
    """Yield texts that are no codes: bytes in every wrapping, characters of every kind, codes cut and joined."""
    rng = random.Random(seed)
    good, live = world.code(), world.live()
    marks = "".join(chr(number) for number in (0, 9, 10, 13, 32, 34, 35, 127, 160, 0x660, 0x1EA4, 0xFF21, 0x1F600))
    for _ in range(count):
        data = rng.randbytes(rng.choice((0, 1, 2, 3, 16, 64, 200, 700)))
        prefix = rng.choice(("VD1:", "VD1:", "VL1:", "VL1:", "VG1:", "HC1:", "vd1:", ""))
        how = rng.randrange(8)
        if how == 0:
            yield prefix + base45(data)
        elif how == 1:
            yield prefix + base45(zlib.compress(data))
        elif how == 2:
            yield prefix + base45(zlib.compress(b"\xd2\x84" + data))
        elif how == 3:
            yield prefix + "".join(rng.choice(reader.ALPHABET) for _ in range(rng.randrange(300)))
        elif how == 4:
            yield prefix + "".join(rng.choice(reader.ALPHABET + marks) for _ in range(rng.randrange(80)))
        elif how == 5:
            yield "".join(chr(rng.randrange(0x20, 0xD7FF)) for _ in range(rng.randrange(40)))
        elif how == 6:
            code, at = rng.choice((good, live)), rng.randrange(len(good))
            torn = rng.choice((code[:at], code[at:], code[:at] + live[at:], code[:at] + base45(data) + code[at:]))
            yield "" if torn in (good, live) else torn
        else:
            yield data.decode("latin-1")


@pytest.mark.parametrize("part", range(2))
def test_random_bytes_and_text_have_one_answer(world: builder.World, held: Both, part: int) -> None:
    seed = int(os.environ.get("FUZZ_SEED", "7")) + part
    reasons = compare(random_texts(world, seed, FUZZ // 2), held)
    assert reasons["not_a_code"]
    assert reasons["malformed"]
    assert reasons["ok"] == 0


@pytest.mark.parametrize("text", ["\ud800", "VD1:\ud800", "VL1:\udfff", "VD1:" + "\u0000" * 9, "\ufeffVD1:A"])
def test_text_that_no_encoding_holds_is_an_answer_too(held: Both, text: str) -> None:
    assert held.agreed(text).verdict == "invalid"


# --- How much work a code can make ----------------------------------------------------------------------------------

MOST_CALLS = 30_000
"""4,096 bytes hold 4,096 CBOR items at most; each costs a handful of calls."""

MOST_BYTES = 2 * 1024 * 1024


def work_of(action: Callable[[], object]) -> tuple[int, int]:
    """Return how many calls an action makes, and how many bytes it needs at once."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return calls, peak


def heavy_codes(world: builder.World) -> Iterator[tuple[str, str]]:
    """Yield the codes that make most work for a careless reader."""
    for name, code, _ in builder.hostile_codes(world):
        if name.startswith(("bomb", "text-", "inflated-", "depth-", "endless", "too-long", "all-heads")):
            yield name, code
    yield "a-thousand-claims", world.code(values=dict.fromkeys(range(1300), 0))
    yield "many-small-items", world.code(claims={-99: [0] * 3500})
    yield "many-empty-maps", world.code(claims={-99: [{}] * 3500})
    yield "many-unknown-headers", world.code(headers=dict.fromkeys(range(100, 1300), 0))
    yield "a-gigabyte-of-nothing", world.code(wrap=lambda _: _zeros(1 << 28))
    yield "a-megabyte-of-text", "VD1:" + "0" * 1_000_000
    yield "white-space", " " * 1_000_000 + world.code() + "\n" * 1_000_000
    yield "a-live-code-full-of-card", world.live(inner=b"\xd2" * 2700)


@cache
def _zeros(size: int) -> bytes:
    stream = zlib.compressobj(9)
    parts = [stream.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join(parts) + stream.flush()


def test_no_code_makes_much_work(world: builder.World, held: Both) -> None:
    policy, now = Policy(), moment(NOW)
    worst: dict[str, tuple[int, int]] = {}
    chance = ((f"chance-{n}", code) for n, code in enumerate(builder.well_formed_hostile(world, 3, 200)))
    for name, code in (*heavy_codes(world), *chance):
        given = code if len(code) < 100_000 else code[:]
        worst[name] = work_of(lambda given=given: judge(given, held.ours, policy, now))
    most_calls = max(worst.items(), key=lambda item: item[1][0])
    most_bytes = max(worst.items(), key=lambda item: item[1][1])
    assert most_calls[1][0] <= MOST_CALLS, most_calls
    assert most_bytes[1][1] <= MOST_BYTES, most_bytes


def test_status_list_that_inflates_without_end_needs_no_room(world: builder.World) -> None:
    """Security requirement S-58: 10 MiB at most, whatever a list declares."""
    for name, list_bytes in (("bomb", _zeros(1 << 28)), ("at-cap", zlib.compress(bytes(4 << 20), 9))):
        copies = [world.status_list(name, lst=list_bytes), world.status_list(name, lst=list_bytes, cwt=True)]
        token = world.bundle(claims={"status_lists": []})
        trust = TrustedBundle.from_jws(token, [world.pin], moment(NOW))
        for copy in copies:
            fetched = []
            _, peak = work_of(lambda kept=fetched, held=trust, copy=copy: kept.append(held.holding([copy])))
            assert peak < 10 * 1024 * 1024, (name, peak)
            code = world.code(status=(name, 16_777_215))
            reasons = judge(code, fetched[0], Policy(), moment(NOW)).reasons
            assert reasons == (("ok",) if name == "at-cap" else ("status_unknown",))


def test_s53_unknown_keys_ask_nobody(world: builder.World, held: Both) -> None:
    """Security requirement S-53: no request is made for an issuer or a key that is not on the bundle."""
    seen: list[str] = []
    watching = True
    sys.addaudithook(lambda event, _: seen.append(event) if watching and event.startswith("socket.") else None)
    for code in (world.code(key="stranger"), world.code(claims={1: "VN-KHONG-CO"}), world.code(kid=bytes(8))):
        assert held.agreed(code).reasons == ("unknown_issuer",)
    watching = False  # an audit hook stays for as long as the process
    assert seen == []
