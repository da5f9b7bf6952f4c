"""An mdoc, checked offline: the steps of docs/wire.md, sections 3 and 6, against a trust bundle."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.formats.mdoc.world import TRANSCRIPT, UNITED, MdocWorld, changed, raw_signature
from tests.support import NOON, SeededEntropy
from tests.verifier.world import DAY, ISSUER, LIST_URI, World, key_entry
from wallet.crypto.signing import LocalSigner
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc.device_response import present
from wallet.formats.mdoc.issuer_signed import Terms, issue
from wallet.formats.mdoc.names import doc_type_of, read_doc_type
from wallet.formats.mdoc.refusal import REASONS
from wallet.formats.mdoc.values import full_date, read, tdate, write
from wallet.formats.trust_bundle import IssuerEntry
from wallet.verifier import Judgement, Policy, TrustedBundle, Verdict, answer_json, judge, judge_mdoc
from wallet.verifier.__main__ import main
from wallet.verifier.mdoc import REASON_OF
from wallet.verifier.reasons import REASONS as VERIFIERS_REASONS

TYPE = "vn.viso.residence.1"
ELEMENTS: dict[str, Any] = {
    "full_name": "Nguyễn Thị Hồng Hạnh",
    "birth_date": full_date(date(1948, 5, 19)),
    "registered_at": tdate(NOON - 900 * DAY),
    "household": ["Ấn", "Bình"],
    "permanent": True,
    "residents/1": {"full_name": "Trần Sáu", "relation": "vợ"},
    "residents/2": {"full_name": "Trần Bảy", "relation": "con"},
}
COUNTRY = MdocWorld()
SIGNER = COUNTRY.signer()


def trust_of(
    world: World, *tokens: str, key: Mapping[str, Any] | None = None, signer: LocalSigner = SIGNER
) -> TrustedBundle:
    """Return a bundle that names the key of mdocs. key: changes to its entry."""
    entry = key_entry(signer, **({"role": "mdoc"} | dict(key or {})))
    issuer = IssuerEntry(ISSUER, {"vi": "Cơ quan mẫu", "en": "Sample authority"}, (*world.entries(), entry))
    return world.trust(*tokens, issuers=(issuer,))


def made(elements: Mapping[str, Any] = ELEMENTS, signer: LocalSigner = SIGNER, **changes: Any) -> bytes:
    parts: dict[str, Any] = {
        "doc_type": TYPE,
        "device_key": COUNTRY.device.public_key(),
        "signed": NOON - DAY,
        "valid_from": NOON - DAY,
        "valid_until": NOON + DAY,
        "status": StatusReference(7, LIST_URI),
    }
    terms = Terms(**(parts | changes))
    return issue({terms.doc_type: elements}, terms, signer, SeededEntropy())


def shown(*names: str, transcript: bytes = TRANSCRIPT, **changes: Any) -> bytes:
    return present(made(**changes), {TYPE: names or tuple(ELEMENTS)}, transcript, COUNTRY.device_sign)


def check(data: bytes, trust: TrustedBundle, policy: Policy | None = None, **more: Any) -> Judgement:
    return judge_mdoc(data, trust, policy or Policy(), more.pop("now", NOON), **more)


def test_document_is_good_and_named(world: World) -> None:
    found = check(made(), trust_of(world))
    assert (found.verdict, found.reasons, found.accepted) == (Verdict.VALID, ("ok",), True)
    assert found.checked == (1, 2, 3, 4, 5, 6, 8)
    assert found.document is not None
    assert (found.document.utility, found.document.utility_version) == ("residence", 1)
    assert found.document.title == {"vi": "Thông tin cư trú", "en": "Residence information"}
    answer = answer_json(found)
    assert ("id" in answer["document"], answer["holder_binding"]) == (False, "none")
    named = {claim["name"]: claim["value"] for claim in answer["document"]["claims"]}
    assert named == {
        "full_name": "Nguyễn Thị Hồng Hạnh",
        "birth_date": "1948-05-19",
        "registered_at": int((NOON - 900 * DAY).timestamp()),
        "household": ["Ấn", "Bình"],
        "permanent": True,
        "residents": [ELEMENTS["residents/1"], ELEMENTS["residents/2"]],
    }
    assert [claim.get("n") for claim in answer["document"]["claims"]] == [1, 3, 4, 5, 6, None]
    assert answer["document"]["claims"][0]["label"]["vi"] == "Họ và tên"


def test_part_of_it_is_shown_by_its_device(world: World) -> None:
    found = check(shown("full_name", "residents/2"), trust_of(world), transcript=TRANSCRIPT)
    assert (found.reasons, found.device) == (("ok",), "device")
    assert found.checked == (1, 2, 3, 4, 5, 6, 7, 8)
    assert found.document is not None
    assert [(claim.name, claim.value) for claim in found.document.claims] == [
        ("full_name", ELEMENTS["full_name"]),
        ("residents", [ELEMENTS["residents/2"]]),
    ]
    assert check(shown(), trust_of(world)).device is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"role": "doc"}, "key_not_allowed"),
        ({"role": "status"}, "key_not_allowed"),
        ({"role": "sdjwt"}, "key_not_allowed"),
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
def test_key_must_be_allowed_to_sign_it(world: World, key: dict[str, Any], reason: str) -> None:
    assert check(made(), trust_of(world, key=key)).reasons == (reason,)


def test_key_that_no_bundle_names_is_unknown(world: World) -> None:
    found = check(made(), world.trust())
    assert (found.verdict, found.reasons, found.document) == (Verdict.CANNOT_TELL, ("unknown_issuer",), None)
    data = changed(made(), lambda each: each["issuerAuth"].__setitem__(1, {}))
    assert check(data, trust_of(world)).reasons == ("unknown_issuer",)


def test_no_other_key_of_the_bundle_signs_an_mdoc(world: World) -> None:
    for signer in (world.doc, world.status, world.card, world.live):
        assert check(made(signer=signer), trust_of(world)).reasons == ("key_not_allowed",)


def test_a_certificate_that_shares_a_kid_with_a_key_of_the_bundle_is_not_that_key(world: World) -> None:
    trust = trust_of(world)
    forged = MdocWorld().signer()
    key = trust.keys[ISSUER, SIGNER.kid]
    trust = replace(trust, keys={**trust.keys, (ISSUER, forged.kid): replace(key, kid=forged.kid)})
    judgement = judge_mdoc(made(signer=forged), trust, Policy(), NOON)
    assert (judgement.reasons, judgement.document) == (("key_not_allowed",), None)


def test_certificate_that_is_no_document_signers_is_not_allowed(world: World) -> None:
    signer = COUNTRY.signer(extended=None)
    assert check(made(signer=signer), trust_of(world, signer=signer)).reasons == ("key_not_allowed",)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"doc_type": "org.iso.18013.5.1.mDL"}, ("wrong_type",)),
        ({"doc_type": "vn.viso.residence"}, ("wrong_type",)),
        ({"doc_type": "vn.viso.residence.01"}, ("wrong_type",)),
        ({"doc_type": "vn.viso.residence.1."}, ("wrong_type",)),
        ({"doc_type": "vnxviso.residence.1"}, ("wrong_type",)),
        ({"valid_until": NOON - timedelta(seconds=60)}, ("expired",)),
        ({"valid_from": NOON + timedelta(seconds=61)}, ("not_yet_valid",)),
        ({"valid_until": NOON + 1000 * DAY}, ("key_not_allowed",)),
        ({"signed": NOON - 60 * DAY}, ("key_not_allowed",)),
        ({"status": StatusReference(64, LIST_URI)}, ("status_unknown",)),
        ({"status": StatusReference(7, LIST_URI + "0")}, ("status_unknown",)),
        ({"status": None}, ("ok",)),
    ],
)
def test_what_it_says_must_hold(world: World, changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    found = check(made(**changes), trust_of(world))
    assert found.reasons == reasons
    assert found.accepted is (reasons == ("ok",))


@pytest.mark.parametrize(
    ("value", "reasons"), [(0, ("ok",)), (1, ("revoked",)), (2, ("suspended",)), (3, ("status_unknown",))]
)
def test_status_list_has_its_say(world: World, value: int, reasons: tuple[str, ...]) -> None:
    found = check(made(), trust_of(world, world.status_jwt({7: value})))
    assert (found.reasons, found.status_age_seconds) == (reasons, 600)


def test_stale_bundle_and_list_are_told(world: World) -> None:
    found = check(made(valid_until=NOON + 30 * DAY), trust_of(world), now=NOON + 4 * DAY)
    assert (found.reasons, found.verdict) == (("trust_stale", "status_stale"), Verdict.CANNOT_TELL)


def test_every_fault_is_told_at_once(world: World) -> None:
    trust = trust_of(world, world.status_jwt({7: 1}))
    data = made(valid_until=NOON - timedelta(hours=1))
    assert check(data, trust, Policy(utilities=frozenset({"other"}))).reasons == (
        "expired",
        "revoked",
        "policy_refused",
    )


@pytest.mark.parametrize("fault", ["another key", "another session", "no device", "no proof"])
def test_the_device_must_answer_where_it_is_asked(world: World, fault: str) -> None:
    data = {
        "another key": present(made(), {}, TRANSCRIPT, lambda message: raw_signature(UNITED, message)),
        "another session": shown(transcript=write([None, None, "x"])),
        "no device": made(),
        "no proof": changed(shown(), lambda each: each["documents"][0]["deviceSigned"].update(deviceAuth={})),
    }[fault]
    found = check(data, trust_of(world), transcript=TRANSCRIPT)
    assert (found.reasons, found.device) == (("device_mismatch",), None)
    assert found.verdict is Verdict.INVALID


def test_what_was_tampered_with_is_a_bad_signature(world: World) -> None:
    data = made().replace("Trần Sáu".encode(), "Trần Tám".encode())
    assert check(data, trust_of(world)).reasons == ("bad_signature",)
    data = changed(made(), lambda each: each["issuerAuth"].__setitem__(3, bytes(64)))
    assert check(data, trust_of(world)).reasons == ("bad_signature",)


def test_response_of_several_documents_or_another_type_is_refused(world: World) -> None:
    document = read(shown())["documents"][0]
    data = write({"version": "1.0", "documents": [document, document], "status": 0})
    assert check(data, trust_of(world)).reasons == ("malformed",)
    data = changed(shown(), lambda each: each["documents"][0].update(docType="vn.viso.residence.2"))
    assert check(data, trust_of(world)).reasons == ("wrong_type",)


def test_policy_is_an_answer_of_its_own(world: World) -> None:
    trust = trust_of(world)
    for policy in (Policy(utilities=frozenset({"x"})), Policy(claims=frozenset({"full_name"}))):
        found = check(made(), trust, policy)
        assert (found.verdict, found.reasons, found.accepted) == (Verdict.VALID, ("policy_refused",), False)
    assert check(shown("full_name"), trust, Policy(claims=frozenset({"full_name"}))).accepted


def test_changed_bytes_are_never_valid_for_more_than_was_signed(world: World) -> None:
    trust, data = trust_of(world), made()
    expected = {claim.name: claim.value for claim in (check(data, trust).document or pytest.fail("no document")).claims}
    for place in range(0, len(data), 7):
        found = check(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], trust)
        if found.verdict is Verdict.VALID:  # a header that means nothing here
            assert found.document is not None
            assert all(expected[claim.name] == claim.value for claim in found.document.claims)
    for hostile in (b"", b"\xa0", b"x" * 100_000, b"\xff" * 50, b"eyJ~", data[:-1], data + b"\x00"):
        assert check(hostile, trust).reasons == ("malformed",)


def test_each_reader_takes_its_own_kind_alone(world: World) -> None:
    assert judge(made().decode("latin-1"), trust_of(world), Policy(), NOON).reasons == ("not_a_code",)
    assert check(world.document_code().encode(), trust_of(world)).reasons == ("malformed",)


def test_now_without_its_zone_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="zone"):
        judge_mdoc(b"", trust_of(world), Policy(), NOON.replace(tzinfo=None))


def test_every_reason_of_a_reader_is_one_of_the_verifiers() -> None:
    paths = {"root_profile", "root_not_valid", "signer_not_valid"}  # of a path, which is not built here
    for reason in set(REASONS) - paths:
        assert REASON_OF.get(reason, reason) in VERIFIERS_REASONS, reason


def test_names_are_read_as_they_are_made() -> None:
    assert read_doc_type(doc_type_of("judicial_record_1", 12)) == ("judicial_record_1", 12)
    for text in ("", "vn.viso..1", "vn.viso.x", "vn.viso.x.-1", "vn.viso.X.1", "vn.viso.x.1\n", "vn.viso.x.٣"):
        assert read_doc_type(text) is None


# --- the command -----------------------------------------------------------------------------------------------


def test_command_reads_a_file(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle.jws").write_text(trust_of(world).token)
    file = tmp_path / "document.mdoc"

    def run(data: bytes | None) -> tuple[int, dict[str, Any]]:
        file.unlink(missing_ok=True)
        if data is not None:
            file.write_bytes(data)
        arguments = ["check", str(file), "--bundle", str(tmp_path / "bundle.jws"), "--pin", world.pins[0], "--json"]
        code = main([*arguments, "--at", NOON.isoformat()])
        return code, json.loads(capsys.readouterr().out)

    code, answer = run(made())
    assert (code, answer["verdict"], answer["accepted"]) == (0, "valid", True)
    code, answer = run(made(valid_until=NOON - timedelta(hours=1)))
    assert (code, answer["reasons"]) == (1, ["expired"])
    code, answer = run(bytes(300_000))
    assert (code, answer["reasons"]) == (1, ["malformed"])
    code, answer = run(None)
    assert (code, answer["error"]) == (2, "document_missing")
