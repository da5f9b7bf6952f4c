"""Steps 1 to 5 and 8: each has codes that fail there and nowhere before. Source: docs/wire.md, section 3."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import NOON
from tests.verifier.world import (
    DAY,
    ISSUER,
    SECOND,
    World,
    document_claims,
    document_headers,
    key_entry,
    make_signer,
    signed,
    wrapped,
)
from wallet.crypto.cose import to_be_signed
from wallet.errors import VerificationFailed
from wallet.formats import cbor
from wallet.formats.live_code import GateChallenge, encode_gate_challenge
from wallet.formats.trust_bundle import IssuerEntry
from wallet.verifier import Judgement, Policy, Trust, TrustedBundle, Verdict, judge, verify


def reasons(text: str, trust: Trust, policy: Policy | None = None, now: datetime = NOON) -> tuple[str, ...]:
    return judge(text, trust, policy or Policy(), now).reasons


def refused_at(judgement: Judgement, reason: str, last_step: int, verdict: Verdict = Verdict.INVALID) -> None:
    assert judgement.reasons == (reason,)
    assert judgement.verdict is verdict
    assert not judgement.accepted
    assert judgement.checked[-1] == last_step
    assert judgement.document is None


def test_a_good_document_is_valid(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    judgement = judge(world.document_code(), trust, anyone, NOON)
    assert (judgement.verdict, judgement.reasons, judgement.accepted) == (Verdict.VALID, ("ok",), True)
    assert judgement.checked == (1, 2, 3, 4, 5, 6, 8)
    assert (judgement.device, judgement.bundle_age_seconds, judgement.status_age_seconds) == (None, 3600, 600)
    document = verify(world.document_code(), trust, anyone, NOON)
    assert document == judgement.document
    assert document.document_id == "doc_" + bytes(range(16)).hex()
    assert [(claim.name, claim.value) for claim in document.claims] == [
        ("full_name", "Nguyễn Thị Hồng Hạnh"),
        ("number_tail", "6789"),
    ]


# 1 prefix and caps


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\0", "VD1", "vd1:BB8", "Vd1:BB8", "VD2:BB8", "VG1:BB8", "XVD1:BB8", "https://example.vn/VD1:BB8",
        "HC1:6BF",
        "\ufeffVD1:BB8", "\ud800", "V D1:", "VD1\uff1aBB8", "-", "VL2:", "\u00a0VD1:BB8",
    ],
)  # fmt: skip
def test_another_prefix_is_not_a_code(trust: TrustedBundle, anyone: Policy, text: str) -> None:
    refused_at(judge(text, trust, anyone, NOON), "not_a_code", 1)


def test_a_gates_challenge_is_not_a_code(trust: TrustedBundle, anyone: Policy) -> None:
    refused_at(judge(encode_gate_challenge(GateChallenge("A")), trust, anyone, NOON), "not_a_code", 1)


@pytest.mark.parametrize("prefix", ["VD1:", "VL1:"])
@pytest.mark.parametrize("length", [4297, 10_000_000])
def test_more_text_than_a_code_holds_is_malformed(
    trust: TrustedBundle, anyone: Policy, prefix: str, length: int
) -> None:
    refused_at(judge(prefix + "0" * (length - 4), trust, anyone, NOON), "malformed", 1)


def test_ten_megabytes_of_anything_are_refused(trust: TrustedBundle, anyone: Policy) -> None:
    for character in ("A", " ", "\0", "é", "\ud800"):
        refused_at(judge(character * 10_000_000, trust, anyone, NOON), "not_a_code", 1)


def test_white_space_around_a_code_is_stripped_and_within_it_counts(world: World, trust: TrustedBundle) -> None:
    code = world.document_code()
    assert reasons(f" \t\r\n{code}\n ", trust) == ("ok",)
    assert reasons(code[:4] + " " + code[4:], trust) == ("malformed",)
    place = code.find(" ", 4)
    assert reasons(code[:100] + "\n" + code[100:], trust) == ("malformed",)
    if place > 0:
        assert reasons(code[:place] + code[place + 1 :], trust) == ("malformed",)


def test_case_is_never_folded(world: World, trust: TrustedBundle) -> None:
    code = world.document_code()
    assert reasons(code.lower(), trust) == ("not_a_code",)
    assert reasons(code[:4] + code[4:].lower(), trust) == ("malformed",)


# 2 Base45, inflate within cap, strict CBOR, typ, shape


@pytest.mark.parametrize(
    "text",
    ["VD1:", "VD1:A", "VD1:BB8", "VD1:\ud800", "VD1:é", "VD1:" + "0" * 4292, "VL1:", "VL1:BB8", "VL1:\0", "VD1:::::::"],
)
def test_text_that_holds_no_message_is_malformed(trust: TrustedBundle, anyone: Policy, text: str) -> None:
    refused_at(judge(text, trust, anyone, NOON), "malformed", 2)


def test_a_bomb_is_malformed(trust: TrustedBundle, anyone: Policy) -> None:
    refused_at(judge(wrapped(bytes(1_000_000)), trust, anyone, NOON), "malformed", 2)


def test_a_claims_set_of_another_shape_is_malformed(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    claims = document_claims(world) | {7: b"short"}
    code = wrapped(signed(cbor.encode(claims), world.doc.sign, document_headers(world)))
    refused_at(judge(code, trust, anyone, NOON), "malformed", 2)


def test_a_critical_header_is_malformed(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    headers = document_headers(world) | {2: [4]}
    code = wrapped(signed(cbor.encode(document_claims(world)), world.doc.sign, headers))
    refused_at(judge(code, trust, anyone, NOON), "malformed", 2)


@pytest.mark.parametrize("typ", ["viso-card+cwt", "viso-live+cwt", "viso-doc+CWT", "application/statuslist+cwt"])
def test_another_typ_is_a_wrong_type(world: World, trust: TrustedBundle, anyone: Policy, typ: str) -> None:
    headers = document_headers(world) | {16: typ}
    code = wrapped(signed(cbor.encode(document_claims(world)), world.doc.sign, headers))
    refused_at(judge(code, trust, anyone, NOON), "wrong_type", 2)


def test_a_card_printed_as_a_document_is_a_wrong_type(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    refused_at(judge(wrapped(world.inner()), trust, anyone, NOON), "wrong_type", 2)


# 3 the signer's key


def test_an_unknown_issuer_cannot_be_told(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    refused_at(
        judge(world.document_code(issuer="VN-XX"), trust, anyone, NOON), "unknown_issuer", 3, Verdict.CANNOT_TELL
    )


def test_an_unknown_key_cannot_be_told(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    code = world.document_code(signer=make_signer("stranger"))
    refused_at(judge(code, trust, anyone, NOON), "unknown_issuer", 3, Verdict.CANNOT_TELL)


def test_the_key_of_another_issuer_is_not_its_own(world: World, anyone: Policy) -> None:
    other = make_signer("other issuer")
    names = {"vi": "Khác", "en": "Other"}
    issuers = (*world.content().issuers, IssuerEntry("VN-KHAC", names, (key_entry(other, "doc"),)))
    trust = world.trust(issuers=issuers)
    assert reasons(world.document_code(issuer="VN-KHAC", signer=other, status=None), trust) == ("ok",)
    assert reasons(world.document_code(issuer=ISSUER, signer=other), trust) == ("unknown_issuer",)
    assert reasons(world.document_code(issuer="VN-KHAC"), trust) == ("unknown_issuer",)


@pytest.mark.parametrize(
    ("kid", "expected"),
    [(b"", "malformed"), (bytes(7), "malformed"), (bytes(8), "unknown_issuer"), (bytes(9), "malformed")],
)
def test_a_kid_has_eight_bytes(world: World, trust: TrustedBundle, kid: bytes, expected: str) -> None:
    code = wrapped(signed(cbor.encode(document_claims(world)), world.doc.sign, document_headers(world) | {4: kid}))
    assert reasons(code, trust) == (expected,)


@pytest.mark.parametrize("role", ["card", "live", "status", "sdjwt", "mdoc"])
def test_a_key_with_another_role_may_sign_no_document(world: World, anyone: Policy, role: str) -> None:
    trust = world.trust_with_keys(doc={"roles": (role,)})
    refused_at(judge(world.document_code(), trust, anyone, NOON), "key_not_allowed", 3)


@pytest.mark.parametrize("role", ["doc", "status", "sdjwt", "mdoc"])
def test_a_key_with_another_role_may_sign_no_card(world: World, anyone: Policy, role: str) -> None:
    trust = world.trust_with_keys(card={"roles": (role,)})
    refused_at(judge(world.live_code(), trust, anyone, NOON), "key_not_allowed", 3)


def test_a_key_signs_the_utilities_it_names(world: World, anyone: Policy) -> None:
    assert reasons(world.document_code(), world.trust_with_keys(doc={"utilities": ("residence", "x")})) == ("ok",)
    for utilities in ((), ("other",), ("Residence",), ("residence*",)):
        trust = world.trust_with_keys(doc={"utilities": utilities})
        refused_at(judge(world.document_code(), trust, anyone, NOON), "key_not_allowed", 3)


def test_a_revoked_key_makes_everything_it_signed_invalid(world: World, anyone: Policy) -> None:
    refused_at(
        judge(world.document_code(), world.trust_with_keys(doc={"state": "revoked"}), anyone, NOON),
        "key_not_allowed",
        3,
    )


@pytest.mark.parametrize("state", ["published", "active", "retired"])
def test_other_states_are_told_apart_by_the_dates(world: World, state: str) -> None:
    assert reasons(world.document_code(), world.trust_with_keys(doc={"state": state})) == ("ok",)


def test_a_document_is_issued_within_the_dates_of_its_key(world: World, trust: TrustedBundle) -> None:
    from_, until = NOON - 20 * DAY, NOON + 300 * DAY
    assert reasons(world.document_code(issued_at=from_), trust) == ("ok",)
    assert reasons(world.document_code(issued_at=from_ - SECOND), trust) == ("key_not_allowed",)
    late = {"expires_at": until + 30 * DAY, "status": None}
    assert reasons(world.document_code(issued_at=until, **late), trust) == ("not_yet_valid",)
    assert reasons(world.document_code(issued_at=until + SECOND, **late), trust) == ("key_not_allowed",)


def test_a_document_expires_no_later_than_its_certificate(world: World, trust: TrustedBundle) -> None:
    end = NOON + 900 * DAY
    assert reasons(world.document_code(expires_at=end), trust) == ("ok",)
    assert reasons(world.document_code(expires_at=end + SECOND), trust) == ("key_not_allowed",)


@pytest.mark.parametrize("alg", [-8, -35, -36, -9, 1, 0, 5])
def test_another_algorithm_is_not_allowed(world: World, trust: TrustedBundle, anyone: Policy, alg: int) -> None:
    code = wrapped(signed(cbor.encode(document_claims(world)), world.doc.sign, document_headers(world) | {1: alg}))
    refused_at(judge(code, trust, anyone, NOON), "key_not_allowed", 3)


def test_a_key_whose_algorithm_is_another_signs_nothing_here(world: World, anyone: Policy) -> None:
    trust = world.trust_with_keys(doc={"alg": "EdDSA"})
    refused_at(judge(world.document_code(), trust, anyone, NOON), "key_not_allowed", 3)


def test_a_certificate_that_cannot_be_read_allows_nothing_and_spoils_nothing(world: World, anyone: Policy) -> None:
    from wallet.crypto.signing import kid_of

    junk = b"not a certificate"
    entries = (*world.entries(), key_entry(world.doc, "doc", kid=kid_of(junk).hex(), x5c=(junk,)))
    trust = world.trust(issuers=(IssuerEntry(ISSUER, {"vi": "x", "en": "x"}, entries),))
    assert reasons(world.document_code(), trust) == ("ok",)
    headers = document_headers(world) | {4: kid_of(junk)}
    code = wrapped(signed(cbor.encode(document_claims(world)), world.doc.sign, headers))
    refused_at(judge(code, trust, anyone, NOON), "key_not_allowed", 3)


def test_s51_a_stale_bundle_comes_first_and_the_steps_go_on(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    end = NOON + timedelta(hours=71)
    assert judge(world.document_code(), trust, anyone, end - SECOND).verdict is Verdict.VALID
    judgement = judge(world.document_code(), trust, anyone, end)
    assert (judgement.verdict, judgement.reasons) == (Verdict.CANNOT_TELL, ("trust_stale",))
    assert judgement.document is not None
    assert judgement.checked == (1, 2, 3, 4, 5, 6, 8)
    assert reasons(world.document_code(issuer="VN-XX"), trust, now=end) == ("trust_stale", "unknown_issuer")
    old = world.document_code(expires_at=NOON)
    judgement = judge(old, trust, anyone, end)
    assert (judgement.verdict, judgement.reasons) == (Verdict.INVALID, ("trust_stale", "expired"))
    assert reasons("x", trust, now=end) == ("not_a_code",)


def test_a_bundle_from_the_future_judges_nothing_valid(world: World, trust: TrustedBundle) -> None:
    early = NOON - timedelta(hours=1, seconds=61)
    code = world.document_code(status=None)
    assert reasons(code, trust, now=early) == ("trust_stale",)
    assert reasons(code, trust, now=early + SECOND) == ("ok",)


def test_a_key_without_end_lets_no_document_outlive_its_certificate_or_the_calendar(world: World) -> None:
    trust = world.trust_with_keys(doc={"not_after": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)})
    for issued_at, expected in (
        (2**53 - 1, "malformed"),
        (2**53 - 2, "key_not_allowed"),
        (253402300799, "key_not_allowed"),
        (253402300800, "key_not_allowed"),
    ):
        claims = document_claims(world, status=None) | {6: issued_at, 4: min(issued_at + 1, 2**53 - 1)}
        del claims[65535]
        code = wrapped(signed(cbor.encode(claims), world.doc.sign, document_headers(world)))
        assert reasons(code, trust) == (expected,)


# 4 signature


def test_a_changed_signature_is_bad(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    payload, headers = cbor.encode(document_claims(world)), document_headers(world)
    for sign in (world.card.sign, lambda _: bytes(64), lambda _: b"", lambda message: world.doc.sign(message)[:63]):
        refused_at(judge(wrapped(signed(payload, sign, headers)), trust, anyone, NOON), "bad_signature", 4)


def test_a_signature_over_another_structure_is_bad(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    payload, headers = cbor.encode(document_claims(world)), document_headers(world)
    protected = cbor.encode(headers)
    sign = lambda _: world.doc.sign(to_be_signed(protected, payload).replace(b"Signature1", b"Signature2"))  # noqa: E731
    refused_at(judge(wrapped(signed(payload, sign, headers)), trust, anyone, NOON), "bad_signature", 4)


def test_high_s_is_taken_like_low_s(world: World, trust: TrustedBundle) -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def other(message: bytes) -> bytes:
        signature = world.doc.sign(message)
        return signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")

    code = wrapped(signed(cbor.encode(document_claims(world)), other, document_headers(world)))
    assert reasons(code, trust) == ("ok",)


# 5 dates


def test_s52_a_document_from_the_future_is_not_yet_valid(world: World, trust: TrustedBundle) -> None:
    for ahead, expected in ((0, "ok"), (60, "ok"), (61, "not_yet_valid"), (3600, "not_yet_valid")):
        assert reasons(world.document_code(issued_at=NOON + ahead * SECOND), trust) == (expected,)


def test_s52_a_document_past_its_end_is_expired(world: World, trust: TrustedBundle) -> None:
    for late, expected in ((0, "ok"), (59, "ok"), (60, "expired"), (61, "expired")):
        assert reasons(world.document_code(expires_at=NOON - late * SECOND), trust) == (expected,)


def test_dates_are_compared_to_the_microsecond(world: World, trust: TrustedBundle) -> None:
    tick = timedelta(microseconds=1)
    code = world.document_code(expires_at=NOON - 60 * SECOND)
    assert reasons(code, trust, now=NOON - tick) == ("ok",)
    assert reasons(code, trust, now=NOON) == ("expired",)
    code = world.document_code(issued_at=NOON + 60 * SECOND)
    assert reasons(code, trust, now=NOON) == ("ok",)
    assert reasons(code, trust, now=NOON - tick) == ("not_yet_valid",)


def test_an_expired_document_is_shown_and_the_check_goes_on(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    code = world.document_code(issued_at=NOON - 2 * DAY, expires_at=NOON - DAY, recipient="Trường Mẫu")
    judgement = judge(code, trust, anyone, NOON)
    assert judgement.reasons == ("expired", "policy_refused")
    assert judgement.checked == (1, 2, 3, 4, 5, 6, 8)
    assert judgement.document is not None


def test_now_without_its_zone_is_a_defect(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    with pytest.raises(ValueError, match="zone"):
        judge(world.document_code(), trust, anyone, NOON.replace(tzinfo=None))


# 8 policy


def test_a_recipient_who_is_not_this_verifier_is_refused_by_policy(world: World, trust: TrustedBundle) -> None:
    code = world.document_code(recipient="Trường Mẫu")
    for recipients, expected in (((), "policy_refused"), (("Khác",), "policy_refused"), (("Khác", "Trường Mẫu"), "ok")):
        judgement = judge(code, trust, Policy(recipients=frozenset(recipients)), NOON)
        assert judgement.reasons == (expected,)
        assert judgement.verdict is Verdict.VALID
        assert judgement.accepted is (expected == "ok")


def test_a_recipient_is_compared_in_nfc(world: World, trust: TrustedBundle) -> None:
    code = world.document_code(recipient="Trường Mẫu")
    decomposed = frozenset({"Tru\u031bo\u031b\u0300ng Ma\u0302\u0303u"})
    assert reasons(code, trust, Policy(recipients=decomposed)) == ("ok",)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(utilities=frozenset({"residence"})), "ok"),
        (Policy(utilities=frozenset({"health"})), "policy_refused"),
        (Policy(utilities=frozenset()), "policy_refused"),
        (Policy(claims=frozenset({"full_name", "number_tail", "more"})), "ok"),
        (Policy(claims=frozenset({"full_name"})), "policy_refused"),
        (Policy(claims=frozenset()), "policy_refused"),
    ],
)
def test_what_is_not_wanted_here_is_refused_by_policy(
    world: World, trust: TrustedBundle, policy: Policy, expected: str
) -> None:
    judgement = judge(world.document_code(), trust, policy, NOON)
    assert (judgement.reasons, judgement.verdict) == ((expected,), Verdict.VALID)


def test_a_claim_without_name_was_wanted_by_nobody(world: World, trust: TrustedBundle) -> None:
    code = world.document_code(claims={1: "x", 99: "y"})
    assert reasons(code, trust) == ("ok",)
    assert reasons(code, trust, Policy(claims=frozenset({"full_name"}))) == ("policy_refused",)


@pytest.mark.parametrize("lasting", [timedelta(0), -SECOND, -DAY])
def test_a_document_that_ends_before_it_begins_is_malformed(
    world: World, trust: TrustedBundle, lasting: timedelta
) -> None:
    issued_at = NOON - DAY
    assert reasons(world.document_code(issued_at=issued_at, expires_at=issued_at + lasting), trust) == ("malformed",)


def test_verify_raises_the_first_reason(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"issuer": "X"}, "unknown_issuer"),
        ({"issued_at": NOON - 2 * DAY, "expires_at": NOON - DAY}, "expired"),
        ({"recipient": "x"}, "policy_refused"),
    ]
    for changes, reason in cases:
        with pytest.raises(VerificationFailed, match=reason):
            verify(world.document_code(**changes), trust, anyone, NOON)
    with pytest.raises(VerificationFailed, match="not_a_code"):
        verify("x", trust, anyone, NOON)


# what was signed is shown, and nothing makes an unnamed claim invalid


def test_an_unknown_type_or_number_is_shown_unnamed(world: World, trust: TrustedBundle, anyone: Policy) -> None:
    for changes in ({"utility": "later"}, {"utility_version": 2}, {"claims": {99: b"\x00", 98: {1: [True]}, 97: "x"}}):
        document = verify(world.document_code(**changes), trust, anyone, NOON)
        assert all(claim.name is claim.label is claim.kind is None for claim in document.claims)
        assert (document.title is None) == ("claims" not in changes)
