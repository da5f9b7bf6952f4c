"""The second reader answers as docs/wire.md says, for codes built by hand."""

import hashlib
import json
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import cbor2
import pytest

from . import builder, reader
from . import world as worlds

NOW = 1_790_000_000


@pytest.fixture(scope="module")
def world():
    return builder.make_world(1, NOW)


@pytest.fixture(scope="module")
def bundle(world):
    return reader.open_bundle(world.bundle(), [world.pin], NOW)


def verdict_of(reasons):
    """Return the verdict for reasons, written down a second time."""
    cannot_tell = {"trust_stale", "unknown_issuer", "status_unknown", "status_stale"}
    grave = set(reasons) - cannot_tell - {"ok", "policy_refused"}
    return "invalid" if grave else "cannot_tell" if set(reasons) & cannot_tell else "valid"


def test_every_named_code_has_its_reasons(world, bundle):
    wrong = {}
    names = Counter()
    for name, code, expected in builder.hostile_codes(world):
        names[name] += 1
        answer = reader.judge(code, bundle, NOW)
        if answer.reasons != expected or answer.verdict != verdict_of(expected):
            wrong[name] = answer.reasons, expected
        before_step_5 = {"not_a_code", "malformed", "wrong_type", "unknown_issuer", "key_not_allowed", "bad_signature"}
        if (answer.claims is None) != bool(before_step_5 & set(expected)):
            wrong[name] = "claims shown or hidden wrongly"
    assert not wrong
    assert len(names) > 300
    assert set(names.values()) == {1}


def test_named_codes_cover_the_reasons_of_steps_1_to_6(world):
    found = {reason for _, _, reasons in builder.hostile_codes(world) for reason in reasons}
    found |= {reason for case in builder.hostile_situations(world) for reason in case.reasons}
    assert found == {
        *("ok", "not_a_code", "malformed", "wrong_type", "trust_stale", "unknown_issuer", "key_not_allowed"),
        *("bad_signature", "not_yet_valid", "expired", "revoked", "suspended", "status_unknown", "status_stale"),
    }


def test_open_codes_give_the_first_answer(world, bundle):
    answers = {case.name: reader.judge(case.code, bundle, NOW).reasons for case in builder.open_codes(world)}
    assert answers == {case.name: case.answers[0] for case in builder.open_codes(world)}


def test_every_situation_has_its_reasons(world):
    for case in builder.hostile_situations(world):
        answer = reader.read(case.code, case.bundle, [world.pin], case.now)
        assert (case.name, answer.reasons) == (case.name, case.reasons)
        assert answer.verdict == verdict_of(case.reasons), case.name


def test_every_bundle_is_taken_or_not(world):
    for name, token, taken in builder.hostile_bundles(world):
        assert (name, reader.newer_bundle(None, token, [world.pin], NOW) is not None) == (name, taken)


def test_bundle_is_replaced_only_by_the_next_or_a_later_one(world):
    pins = [world.pin]
    first = reader.newer_bundle(None, world.bundle(claims={"seq": 7}), pins, NOW)
    prev = worlds.b64u(hashlib.sha256(first.token.encode()).digest())
    for claims, replaced in (
        ({"seq": 8, "prev": prev}, True),
        ({"seq": 8, "prev": prev + "="}, False),
        ({"seq": 8}, False),
        ({"seq": 9}, True),
        ({"seq": 7, "prev": prev}, False),
        ({"seq": 6, "prev": prev}, False),
    ):
        held = reader.newer_bundle(first, world.bundle(claims=claims), pins, NOW)
        assert (claims, held is not first) == (claims, replaced)
    without = world.bundle(claims={"seq": 8}, drop=("prev",))
    assert reader.newer_bundle(first, without, pins, NOW) is first


def test_every_live_code_has_its_reasons(world, bundle):
    for case in builder.hostile_lives(world):
        gate = reader.Gate(case.gate_id, case.demanded, case.nonce)
        answer = reader.judge(case.code, bundle, NOW, gate=gate)
        assert (case.name, answer.reasons) == (case.name, case.answers[0])
        assert answer.verdict == verdict_of(answer.reasons)


def test_live_code_is_shown_once_at_a_gate(world, bundle):
    gate, other = reader.Gate("A"), reader.Gate("B")
    code = world.live()
    resigned = world.live(signature=worlds.high_s)
    assert code != resigned
    assert reader.judge(code, bundle, NOW, gate=gate).reasons == ["ok"]
    assert reader.judge(code, bundle, NOW, gate=gate).reasons == ["live_replayed"]
    assert reader.judge(resigned, bundle, NOW, gate=gate).reasons == ["live_replayed"]
    assert reader.judge(code, bundle, NOW, gate=other).reasons == ["ok"]
    assert reader.judge(world.live(claims={6: NOW - 4}), bundle, NOW, gate=gate).reasons == ["ok"]
    assert reader.judge(code, bundle, NOW + 85, gate=gate).reasons == ["live_replayed"]
    assert reader.judge(code, bundle, NOW + 86, gate=gate).reasons == ["live_too_old"]


def test_code_refused_at_a_gate_is_not_remembered(world, bundle):
    code = world.live(claims={3: "A"})
    gate = reader.Gate("B")
    assert reader.judge(code, bundle, NOW, gate=gate).reasons == ["wrong_gate"]
    assert gate.seen == {}


def test_live_code_says_who_signed_it(world, bundle):
    own = world.card(key="live", device=world.device("live"))
    assert reader.judge(world.live(), bundle, NOW).shown_by == "device"
    assert reader.judge(world.live(inner=own, device_key="live"), bundle, NOW).shown_by == "server"


def test_fetched_copies_count_like_those_in_the_bundle(world, bundle):
    code = world.code()
    newer = {"iat": NOW - 10}
    revoked = world.status_list(claims=newer, values=[1])
    assert reader.judge(code, bundle, NOW, fetched=[revoked]).reasons == ["revoked"]
    older = world.status_list(claims={"iat": NOW - 5000}, values=[1])
    assert reader.judge(code, bundle, NOW, fetched=[older]).reasons == ["ok"]
    as_cwt = world.status_list(cwt=True, claims={6: NOW - 10}, values=[2])
    assert reader.judge(code, bundle, NOW, fetched=[as_cwt]).reasons == ["suspended"]
    for change in ({"header": {16: "statuslist+cwt"}}, {"header": {2: []}}, {"key": "doc"}, {"signature": bytes(64)}):
        refused = world.status_list(cwt=True, claims={6: NOW - 10}, values=[1], **change)
        assert reader.judge(code, bundle, NOW, fetched=[refused, b"", b"\xd2\x80", "", "a.b.c"]).reasons == ["ok"]
    large = world.status_list(cwt=True, claims={6: NOW - 10}, lst=zlib.compress(bytes(100_000), 0))
    assert len(large) > 4096
    assert reader.judge(code, bundle, NOW, fetched=[large]).reasons == ["ok"]


def test_policy_leaves_the_verdict(world, bundle):
    code = world.code(claims={3: "Trường Mẫu"})
    refused = reader.judge(code, bundle, NOW, policy=reader.Policy(name="Khách sạn"))
    assert (refused.verdict, refused.reasons, refused.accepted) == ("valid", ["policy_refused"], False)
    assert reader.judge(code, bundle, NOW, policy=reader.Policy(name="Trường Mẫu")).accepted
    assert not reader.judge(code, bundle, NOW, policy=reader.Policy("Trường Mẫu", frozenset({"study"}))).accepted
    assert not reader.judge(code, bundle, NOW, policy=reader.Policy("Trường Mẫu", None, frozenset({1}))).accepted
    expired = world.code(claims={3: "x", 4: NOW - 60})
    assert reader.judge(expired, bundle, NOW).reasons == ["expired", "policy_refused"]


def test_full_document_fits_its_hash(world, bundle):
    answer = reader.judge(world.code(), bundle, NOW)
    full = world.full_document()
    assert reader.hash_matches(answer, full)
    assert not reader.hash_matches(answer, {**full, "salt": "x"})
    assert not reader.hash_matches(answer, {**full, "claims": {**full["claims"], "number": "012345674322"}})


def test_own_cbor_agrees_with_cbor2(world):
    for value in (world.claims(), [1, -1, 2**53 - 1, "ế", b"\0", True, False, {}, [], {"a": {1: [2]}}]):
        assert worlds.enc(value) == cbor2.dumps(value, canonical=True)
        for width in (0, 1, 2, 4, 8):
            assert reader.parse_cbor(worlds.enc(value, width)) == value == cbor2.loads(worlds.enc(value, width))


def test_base45_vectors_of_rfc_9285():
    for plain, coded in (
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
    ):
        assert worlds.base45(plain) == coded
        assert reader.unbase45(coded) == plain


def test_one_flipped_bit_never_verifies(world, bundle):
    data = world.message("viso-doc+cwt", world.claims())
    for at in range(0, len(data) * 8, 7):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        code = "VD1:" + worlds.base45(zlib.compress(bytes(flipped), 1))
        assert reader.judge(code, bundle, NOW).claims is None, at


def test_world_is_the_same_for_the_same_seed(world):
    again = builder.make_world(1, NOW)
    assert (again.bundle(), again.code(), again.live()) == (world.bundle(), world.code(), world.live())
    assert builder.make_world(2, NOW).pin != world.pin


def test_hostile_codes_never_raise(world, bundle):
    reasons = Counter()
    codes = list(builder.well_formed_hostile(world, 7, 3000))
    for code in codes:
        answer = reader.judge(code, bundle, NOW, gate=reader.Gate("CUA-01"))
        reasons.update(answer.reasons)
        assert answer.verdict == verdict_of(answer.reasons)
    assert codes[:50] == list(builder.well_formed_hostile(world, 7, 50))
    for reason in ("ok", "malformed", "wrong_type", "unknown_issuer", "bad_signature", "expired", "revoked"):
        assert reasons[reason] > 10, reasons


def test_command_prints_the_reading(world, tmp_path):
    (tmp_path / "code.txt").write_text(world.code() + "\n", encoding="utf-8")
    (tmp_path / "bundle.jwt").write_text(world.bundle(), encoding="utf-8")
    script = Path(reader.__file__)
    files = [str(tmp_path / "code.txt"), str(tmp_path / "bundle.jwt")]
    run = subprocess.run([sys.executable, str(script), *files, world.pin, str(NOW)], capture_output=True, check=True)
    answer = json.loads(run.stdout)
    assert (answer["verdict"], answer["reasons"], answer["claims"]["2"]) == ("valid", ["ok"], "4321")
    run = subprocess.run([sys.executable, str(script), *files, "0" * 64, str(NOW)], capture_output=True)
    assert (run.returncode, json.loads(run.stdout)["error"]) == (1, "bundle_refused")
