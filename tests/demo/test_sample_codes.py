"""The codes to try a verifier with: each is what it says it is, for every row of a gate's outcomes."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.demo.sample_codes import SampleCode, sample_codes
from wallet.verifier import Judgement, MemoryReplay, Policy, TrustedBundle, judge
from wallet.verifier.outcomes import Outcome, outcome_of
from wallet.wiring import Wallet

KEYS = [
    "valid_document", "valid_live", "not_yet_valid", "expired", "revoked", "suspended", "bad_signature", "live_too_old",
    "live_replayed", "not_accepted", "unknown_issuer", "cannot_tell", "not_our_code", "damaged",
]  # fmt: skip


@pytest.fixture
def codes(wallet: Wallet, clock: FixedClock) -> list[SampleCode]:
    return sample_codes(wallet, clock.now())


@pytest.fixture
def bundle(wallet: Wallet, clock: FixedClock) -> TrustedBundle:
    return TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now())


def last_of(code: SampleCode, bundle: TrustedBundle, clock: FixedClock, replay: MemoryReplay) -> Judgement:
    """Return what a gate says when a code was shown as often as it wants to be."""
    found = [judge(code.code, bundle, Policy(gate_id="C3"), clock.now(), replay) for _ in range(code.times)]
    assert all(each.accepted for each in found[:-1])
    return found[-1]


def test_every_code_is_judged_offline_as_it_says(
    codes: list[SampleCode], bundle: TrustedBundle, clock: FixedClock, subtests: pytest.Subtests
) -> None:
    assert [code.key for code in codes] == KEYS
    replay = MemoryReplay()
    for code in codes:
        with subtests.test(key=code.key):
            found = last_of(code, bundle, clock, replay)
            assert (found.verdict, found.reasons) == (code.verdict, code.reasons)
            assert (found.accepted, outcome_of(found)) == (code.accepted, code.outcome)


def test_every_outcome_of_a_gate_has_its_code(codes: list[SampleCode]) -> None:
    assert {code.outcome for code in codes} == set(Outcome)
    assert all(code.title["vi"] != code.title["en"] for code in codes)


def test_online_says_the_same_but_for_what_one_gate_remembers(codes: list[SampleCode], client: FlaskClient) -> None:
    for code in codes:
        answer = client.post("/v1/checks", json={"code": code.code}).json
        wanted = ["ok"] if code.key == "live_replayed" else list(code.reasons)
        assert set(answer["reasons"]) - {"superseded", "account_locked"} == set(wanted), code.key


def test_a_live_code_is_too_old_after_its_time(
    codes: list[SampleCode], bundle: TrustedBundle, clock: FixedClock
) -> None:
    (live,) = [code for code in codes if code.key == "valid_live"]
    assert live.usable_until == clock.now() + timedelta(seconds=60)
    clock.set(live.usable_until + timedelta(seconds=31))
    assert judge(live.code, bundle, Policy(), clock.now()).reasons == ("live_too_old",)


def test_a_persona_that_is_not_as_its_story_says_is_left_out(wallet: Wallet, clock: FixedClock) -> None:
    clock.advance(timedelta(days=800))  # what was revoked and suspended has ended meanwhile: it would say expired too
    keys = {code.key for code in sample_codes(wallet, clock.now())}
    assert not keys & {"revoked", "suspended"}
    assert "expired" in keys


def test_making_codes_stores_nothing(wallet: Wallet, clock: FixedClock, state: object) -> None:
    before = state()  # type: ignore[operator]
    sample_codes(wallet, clock.now())
    assert state() == before  # type: ignore[operator]


def test_the_sandbox_serves_them(client: FlaskClient, bundle: TrustedBundle, clock: FixedClock) -> None:
    response = client.get("/v1/sandbox/test-codes")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert [each["key"] for each in response.json["data"]] == KEYS
    replay = MemoryReplay()
    for each in response.json["data"]:
        found = [judge(each["code"], bundle, Policy(), clock.now(), replay) for _ in range(each["times"])][-1]
        assert (found.verdict.value, list(found.reasons)) == (each["verdict"], each["reasons"])
        assert found.accepted is each["accepted"]


def test_production_has_none(wallet: Wallet, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(wallet.settings), "production", True)
    assert_refused(client.get("/v1/sandbox/test-codes"), 404, "not_found")


def test_parameters_are_refused(client: FlaskClient) -> None:
    assert_refused(client.get("/v1/sandbox/test-codes?key=expired"), 400, "unknown_parameter")
