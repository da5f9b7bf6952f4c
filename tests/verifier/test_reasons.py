"""The closed list: complete, in order, graver than whatever stands beside. Source: docs/wire.md, section 3."""

import pytest

from tests.support import NOON
from wallet.texts.catalogue import catalogue
from wallet.verifier.judgement import Judgement
from wallet.verifier.reasons import ONLINE_ONLY, REASONS, STEP_OF, VERDICT_OF, Verdict, gravest, in_order

INVALID = {
    "not_a_code", "malformed", "wrong_type", "key_not_allowed", "bad_signature", "not_yet_valid", "expired", "revoked",
    "suspended", "device_mismatch", "live_too_old", "live_from_future", "wrong_gate", "live_replayed",
}  # fmt: skip
CANNOT_TELL = {"trust_stale", "unknown_issuer", "status_unknown", "status_stale"}


def test_the_list_is_the_one_of_the_specification() -> None:
    assert set(REASONS) == INVALID | CANNOT_TELL | {"policy_refused"} | ONLINE_ONLY
    assert {code for code in REASONS if VERDICT_OF[code] is Verdict.CANNOT_TELL} == CANNOT_TELL
    assert {code for code in REASONS if VERDICT_OF[code] is Verdict.INVALID} == INVALID | ONLINE_ONLY
    assert VERDICT_OF["ok"] is VERDICT_OF["policy_refused"] is Verdict.VALID


def test_reasons_are_listed_in_the_order_of_the_steps() -> None:
    assert [STEP_OF[code] for code in REASONS] == sorted(STEP_OF[code] for code in REASONS)
    assert in_order(["live_replayed", "expired", "trust_stale", "expired"]) == (
        "trust_stale",
        "expired",
        "live_replayed",
    )
    assert in_order(["key_not_allowed", "trust_stale"])[0] == "trust_stale"


def test_none_is_ok() -> None:
    assert in_order([]) == in_order(["ok"]) == ("ok",)
    assert gravest([]) is gravest(["ok"]) is Verdict.VALID


@pytest.mark.parametrize("code", sorted(INVALID))
def test_one_invalid_reason_outweighs_all_others(code: str) -> None:
    assert gravest([*CANNOT_TELL, "policy_refused", code]) is Verdict.INVALID


@pytest.mark.parametrize("code", sorted(CANNOT_TELL))
def test_what_cannot_be_told_is_never_valid(code: str) -> None:
    assert gravest(["ok", "policy_refused", code]) is Verdict.CANNOT_TELL


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_reason_and_verdict_has_its_text(lang: str) -> None:
    texts = catalogue(lang)["verifier"]
    assert {f"reason.{code}" for code in (*REASONS, "ok")} <= set(texts)
    assert {f"verdict.{verdict}" for verdict in Verdict} <= set(texts)
    assert set(texts) == set(catalogue("vi")["verifier"])
    assert all(texts.values())


def test_what_the_network_adds_takes_its_place_and_changes_the_verdict() -> None:
    judgement = Judgement(Verdict.VALID, ("ok",), True, (1, 2), None, None, NOON, 0)
    revoked = judgement.adding("superseded", "revoked")
    assert (revoked.verdict, revoked.reasons, revoked.accepted) == (Verdict.INVALID, ("revoked", "superseded"), False)
    assert judgement.adding() == judgement
    assert judgement.adding("policy_refused").verdict is Verdict.VALID
    assert not judgement.adding("policy_refused").accepted
