"""SD-JWT VC, checked offline: the steps of docs/wire.md, sections 3 and 6, against a trust bundle."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.formats.sd_jwts import AUDIENCE, DEMAND, NONCE, Makers, plain
from tests.support import NOON, SeededEntropy
from tests.verifier.world import DAY, ISSUER, LIST_URI, World, key_entry
from wallet.formats.claims_set import StatusReference
from wallet.formats.hiding import hide
from wallet.formats.key_binding import Binding, Demand
from wallet.formats.sd_jwt_vc import Credential, present_credential, sign_credential
from wallet.formats.trust_bundle import IssuerEntry
from wallet.verifier import Judgement, Policy, TrustedBundle, Verdict, answer_json, judge, judge_credential
from wallet.verifier.__main__ import main

URL = "https://vi.example.vn"
CLAIMS: dict[str, Any] = {
    "full_name": "Nguyễn Thị Hồng Hạnh",
    "birth_date": "1948",
    "registered_at": 1_700_000_000,
    "household": ["Ấn", "Bình"],
    "residents": [{"full_name": "Trần Sáu", "relation": "vợ"}],
    "permanent": True,
}


@pytest.fixture(scope="module")
def makers() -> Makers:
    return Makers()


def trust_of(
    world: World, makers: Makers, *tokens: str, key: Mapping[str, Any] | None = None, **changes: Any
) -> TrustedBundle:
    """Return a bundle that names the key of credentials. key: changes to its entry."""
    entry = key_entry(makers.issuer, **({"role": "sdjwt"} | dict(key or {})))
    issuer = IssuerEntry(ISSUER, {"vi": "Cơ quan mẫu", "en": "Sample authority"}, (*world.entries(), entry))
    return world.trust(*tokens, issuers=(issuer,), **changes)


def made(makers: Makers, claims: dict[str, Any] = CLAIMS, **changes: Any) -> str:
    parts: dict[str, Any] = {
        "issuer": URL,
        "vct": f"{URL}/v1/types/residence/1",
        "integrity": "sha256-AAAA",
        "issued_at": NOON - DAY,
        "expires_at": NOON + DAY,
        "holder_key": makers.holder_jwk,
        "status": StatusReference(7, LIST_URI),
    }
    return sign_credential(Credential(**(parts | changes)), hide(claims, SeededEntropy()), makers.issuer)


def check(text: str, trust: TrustedBundle, policy: Policy | None = None, **more: Any) -> Judgement:
    return judge_credential(text, trust, policy or Policy(), more.pop("now", NOON), **more)


def test_document_is_good_and_named(world: World, makers: Makers) -> None:
    found = check(made(makers), trust_of(world, makers))
    assert (found.verdict, found.reasons, found.accepted) == (Verdict.VALID, ("ok",), True)
    assert found.checked == (1, 2, 3, 4, 5, 6, 8)
    assert found.document is not None
    assert (found.document.utility, found.document.utility_version) == ("residence", 1)
    assert found.document.title == {"vi": "Thông tin cư trú", "en": "Residence information"}
    answer = answer_json(found)
    assert "id" not in answer["document"]
    assert answer["holder_binding"] == "none"
    named = {claim["name"]: claim["value"] for claim in answer["document"]["claims"]}
    assert named == CLAIMS
    assert [claim.get("n") for claim in answer["document"]["claims"]] == [1, 3, 4, 5, 6, None]
    assert answer["document"]["claims"][0]["label"]["vi"] == "Họ và tên"
    assert [claim.get("kind") for claim in answer["document"]["claims"]][:2] == ["text", "day"]


def test_part_of_it_is_shown_and_bound(world: World, makers: Makers) -> None:
    binding = Binding(makers.holder, AUDIENCE, NONCE, NOON)
    text = present_credential(made(makers), [("residents", 0, "relation")], binding)
    found = check(text, trust_of(world, makers), demand=DEMAND)
    assert (found.reasons, found.device) == (("ok",), "device")
    assert found.checked == (1, 2, 3, 4, 5, 6, 7, 8)
    assert found.document is not None
    assert [(claim.name, claim.value) for claim in found.document.claims] == [("residents", [{"relation": "vợ"}])]
    assert check(text, trust_of(world, makers)).device is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"role": "doc"}, "key_not_allowed"),
        ({"role": "status"}, "key_not_allowed"),
        ({"role": "mdoc"}, "key_not_allowed"),
        ({"state": "revoked"}, "key_not_allowed"),
        ({"alg": "ES384"}, "key_not_allowed"),
        ({"utilities": ("judicial_record_1",)}, "key_not_allowed"),
        ({"not_before": NOON - DAY / 2}, "key_not_allowed"),
        ({"not_after": NOON - 2 * DAY}, "key_not_allowed"),
        ({"state": "retired"}, "ok"),
        ({"state": "published"}, "ok"),
        ({"utilities": ("residence",)}, "ok"),
    ],
)
def test_key_must_be_allowed_to_sign_it(world: World, makers: Makers, key: dict[str, Any], reason: str) -> None:
    assert check(made(makers), trust_of(world, makers, key=key)).reasons == (reason,)


def test_key_that_no_bundle_names_is_unknown(world: World, makers: Makers, trust: TrustedBundle) -> None:
    found = check(made(makers), trust)
    assert (found.verdict, found.reasons, found.document) == (Verdict.CANNOT_TELL, ("unknown_issuer",), None)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"issuer": "https://other.example"}, ("unknown_issuer",)),
        ({"vct": "https://other.example/v1/types/residence/1"}, ("wrong_type",)),
        ({"vct": URL + ".example/v1/types/residence/1"}, ("wrong_type",)),
        ({"vct": URL + "/v1/types/residence"}, ("wrong_type",)),
        ({"vct": URL + "/v1/types/residence/01"}, ("wrong_type",)),
        ({"vct": URL + "/v1/types/residence/1/"}, ("wrong_type",)),
        ({"expires_at": NOON - timedelta(seconds=60)}, ("expired",)),
        ({"issued_at": NOON + timedelta(seconds=61)}, ("not_yet_valid",)),
        ({"expires_at": NOON + 1000 * DAY}, ("key_not_allowed",)),
        ({"status": StatusReference(64, LIST_URI)}, ("status_unknown",)),
        ({"status": StatusReference(7, LIST_URI + "0")}, ("status_unknown",)),
        ({"status": None}, ("ok",)),
    ],
)
def test_what_it_says_must_hold(
    world: World, makers: Makers, changes: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    found = check(made(makers, **changes), trust_of(world, makers))
    assert found.reasons == reasons
    assert found.accepted is (reasons == ("ok",))


@pytest.mark.parametrize(
    ("value", "reasons"), [(0, ("ok",)), (1, ("revoked",)), (2, ("suspended",)), (3, ("status_unknown",))]
)
def test_status_list_has_its_say(world: World, makers: Makers, value: int, reasons: tuple[str, ...]) -> None:
    found = check(made(makers), trust_of(world, makers, world.status_jwt({7: value})))
    assert found.reasons == reasons
    assert found.status_age_seconds == 600


def test_stale_bundle_and_list_are_told(world: World, makers: Makers) -> None:
    trust = trust_of(world, makers)
    found = check(made(makers, expires_at=NOON + 30 * DAY), trust, now=NOON + 4 * DAY)
    assert found.reasons == ("trust_stale", "status_stale")
    assert found.verdict is Verdict.CANNOT_TELL


def test_every_fault_is_told_at_once(world: World, makers: Makers) -> None:
    trust = trust_of(world, makers, world.status_jwt({7: 1}))
    text = made(makers, expires_at=NOON - timedelta(hours=1))
    found = check(text, trust, Policy(utilities=frozenset({"other"})), demand=DEMAND)
    assert found.reasons == ("expired", "revoked", "device_mismatch"), (
        "a binding by nobody ends it, as a live code's does"
    )
    assert found.checked[-1] == 7
    assert found.document is not None
    unbound = check(text, trust, Policy(utilities=frozenset({"other"})))
    assert unbound.reasons == ("expired", "revoked", "policy_refused")


@pytest.mark.parametrize(
    ("binding", "reason"),
    [
        ({"audience": "https://other.example"}, "wrong_gate"),
        ({"nonce": "another"}, "wrong_gate"),
        ({"now": NOON - timedelta(minutes=7)}, "live_too_old"),
        ({"now": NOON + timedelta(minutes=2)}, "live_from_future"),
        ({"holder": Makers().holder}, "device_mismatch"),
    ],
)
def test_binding_must_hold_where_it_is_demanded(
    world: World, makers: Makers, binding: dict[str, Any], reason: str
) -> None:
    parts: dict[str, Any] = {"holder": makers.holder, "audience": AUDIENCE, "nonce": NONCE, "now": NOON} | binding
    text = present_credential(made(makers), [], Binding(**parts))
    found = check(text, trust_of(world, makers), demand=DEMAND)
    assert (found.reasons, found.device) == ((reason,), None)


def test_policy_is_an_answer_of_its_own(world: World, makers: Makers) -> None:
    trust = trust_of(world, makers)
    for policy in (Policy(utilities=frozenset({"x"})), Policy(claims=frozenset({"full_name"}))):
        found = check(made(makers), trust, policy)
        assert (found.verdict, found.reasons, found.accepted) == (Verdict.VALID, ("policy_refused",), False)
    shown = present_credential(made(makers), [("full_name",)])
    assert check(shown, trust, Policy(claims=frozenset({"full_name"}))).accepted


@pytest.mark.parametrize(
    ("payload", "header", "reason"),
    [
        ({"exp": None}, {}, "malformed"),
        ({"iat": None}, {}, "malformed"),
        ({"vct": None}, {}, "malformed"),
        ({"aud": "https://other.example"}, {}, "policy_refused"),
        ({}, {"typ": "JWT"}, "wrong_type"),
        ({}, {"alg": "none"}, "key_not_allowed"),
        ({}, {"kid": "0" * 16}, "unknown_issuer"),
        ({}, {"kid": ["x"]}, "unknown_issuer"),
        ({}, {"kid": None}, "unknown_issuer"),
        ({}, {"x5c": "x"}, "malformed"),
        ({}, {}, "ok"),
    ],
)
def test_what_the_key_signed_by_hand_is_judged_alike(
    world: World, makers: Makers, payload: dict[str, Any], header: dict[str, Any], reason: str
) -> None:
    text = makers.credential(plain(**payload), **({"kid": makers.issuer.kid} | header))
    assert check(text, trust_of(world, makers)).reasons == (reason,)


def test_changed_text_is_never_valid(world: World, makers: Makers) -> None:
    trust, text = trust_of(world, makers), made(makers)
    for place in range(0, len(text), 11):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        found = check(changed, trust)
        assert found.verdict is not Verdict.VALID
    for text in ("", "~", "eyJ~", "VD1:ABC", "x" * 2_000_000, "eyJ" + "~" * 10_000):
        assert check(text, trust).reasons == ("malformed",)


def test_each_reader_takes_its_own_kind_alone(world: World, makers: Makers) -> None:
    trust = trust_of(world, makers)
    assert judge(made(makers), trust, Policy(), NOON).reasons == ("not_a_code",)
    for other in (world.document_code(), world.bundle(), world.bundle() + "~", world.status_jwt() + "~"):
        assert check(other, trust).verdict is Verdict.INVALID
    assert check(world.bundle() + "~", trust).reasons == ("wrong_type",)
    assert check(world.status_jwt() + "~", trust).reasons == ("wrong_type",)


def test_demand_without_zone_is_a_mistake(world: World, makers: Makers) -> None:
    with pytest.raises(ValueError, match="zone"):
        judge_credential("", trust_of(world, makers), Policy(), NOON.replace(tzinfo=None), Demand("x", "y"))


# --- the command -----------------------------------------------------------------------------------------------


def run(
    tmp_path: Path, world: World, makers: Makers, given: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    (tmp_path / "bundle.jws").write_text(trust_of(world, makers).token)
    arguments = ["check", given, "--bundle", str(tmp_path / "bundle.jws"), "--pin", world.pins[0], "--json"]
    code = main([*arguments, "--at", NOON.isoformat()])
    return code, json.loads(capsys.readouterr().out)


def test_command_reads_a_file(world: World, makers: Makers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "document.sdjwt"
    file.write_text(made(makers) + "\n")
    code, answer = run(tmp_path, world, makers, str(file), capsys)
    assert (code, answer["verdict"], answer["accepted"]) == (0, "valid", True)
    code, answer = run(tmp_path, world, makers, made(makers), capsys)
    assert (code, answer["reasons"]) == (0, ["ok"])
    file.write_text(made(makers, expires_at=NOON - timedelta(hours=1)))
    code, answer = run(tmp_path, world, makers, str(file), capsys)
    assert (code, answer["reasons"]) == (1, ["expired"])
    file.write_text("~" * 2_000_000)
    code, answer = run(tmp_path, world, makers, str(file), capsys)
    assert (code, answer["verdict"]) == (1, "invalid")
    file.unlink()
    code, answer = run(tmp_path, world, makers, str(file), capsys)
    assert (code, answer["error"]) == (2, "document_missing")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_command_tells_it_to_people(
    world: World, makers: Makers, tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    (tmp_path / "bundle.jws").write_text(trust_of(world, makers).token)
    arguments = ["check", made(makers), "--bundle", str(tmp_path / "bundle.jws"), "--pin", world.pins[0]]
    assert main([*arguments, "--at", NOON.isoformat(), "--lang", lang]) == 0
    told = capsys.readouterr().out
    assert {"vi": "Họ và tên: Nguyễn", "en": "Full name: Nguyễn"}[lang] in told
    assert 'residents: [{"full_name":"Trần Sáu","relation":"vợ"}]' in told
    assert "None" not in told
