"""Step 6: which copy of a list counts, and what it may say. Source: docs/wire.md, section 3."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support import NOON
from tests.verifier.world import (
    DAY,
    ISSUER,
    LIST_URI,
    SECOND,
    World,
    document_claims,
    document_headers,
    key_entry,
    make_signer,
    signed,
    wrapped,
)
from wallet.crypto import jws
from wallet.errors import Malformed
from wallet.formats import cbor
from wallet.formats.claims_set import StatusReference
from wallet.formats.status_list import sign_status_cwt
from wallet.formats.trust_bundle import IssuerEntry
from wallet.verifier import Judgement, Policy, StatusCopy, Trust, Verdict, judge

HOUR = timedelta(hours=1)
NOW = int(NOON.timestamp())


def judged(world: World, *tokens: str, trust: Trust | None = None, **changes: Any) -> Judgement:
    return judge(world.document_code(**changes), trust or world.trust(*tokens), Policy(), NOON)


def broken(world: World, issued_at: int = NOW, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "sub": LIST_URI,
        "iat": issued_at,
        "exp": NOW + 9999,
        "ttl": 900,
        "status_list": {"bits": 2, "lst": "!"},
    }
    return jws.sign(claims | changes, world.status, typ="statuslist+jwt", header={"kid": world.status.kid})


@pytest.mark.parametrize(
    ("value", "reason", "verdict"),
    [
        (0, "ok", Verdict.VALID),
        (1, "revoked", Verdict.INVALID),
        (2, "suspended", Verdict.INVALID),
        (3, "status_unknown", Verdict.CANNOT_TELL),
    ],
)
def test_each_value_of_an_entry(world: World, value: int, reason: str, verdict: Verdict) -> None:
    judgement = judged(world, world.status_jwt({9: value}))
    assert (judgement.reasons, judgement.verdict) == ((reason,), verdict)
    assert judgement.document is not None
    assert judgement.status_age_seconds == 600
    assert 6 in judgement.checked


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_reader_goes_by_the_bits_of_the_list(world: World, bits: int) -> None:
    assert judged(world, world.status_jwt({9: 1}, bits=bits)).reasons == ("revoked",)
    assert judged(world, world.status_jwt({8: 1, 10: 1}, bits=bits)).reasons == ("ok",)
    if bits > 2:
        assert judged(world, world.status_jwt({9: 2**bits - 1}, bits=bits)).reasons == ("status_unknown",)


def test_a_document_without_status_skips_the_step(world: World) -> None:
    judgement = judged(world, world.status_jwt({9: 1}), status=None)
    assert judgement.reasons == ("ok",)
    assert 6 not in judgement.checked
    assert judgement.status_age_seconds is None


def test_no_list_is_unknown(world: World) -> None:
    judgement = judged(world, trust=world.trust(status_lists=()))
    assert (judgement.reasons, judgement.verdict) == (("status_unknown",), Verdict.CANNOT_TELL)
    assert judgement.status_age_seconds is None


@pytest.mark.parametrize("uri", [LIST_URI + "/", LIST_URI.upper(), LIST_URI + "?", " " + LIST_URI, "", LIST_URI[:-1]])
def test_an_address_is_compared_letter_for_letter(world: World, uri: str) -> None:
    assert judged(world, status=StatusReference(9, uri)).reasons == ("status_unknown",)
    assert judged(world, world.status_jwt(uri=uri)).reasons == ("status_unknown",)


@pytest.mark.parametrize("index", [64, 65, 10**9, 2**53 - 1])
def test_an_index_out_of_range_is_unknown(world: World, index: int) -> None:
    assert judged(world, status=StatusReference(index, LIST_URI)).reasons == ("status_unknown",)
    assert judged(world, status=StatusReference(63, LIST_URI)).reasons == ("ok",)


def test_another_mechanism_is_unknown(world: World) -> None:
    for mechanism in ({"identifier_list": {}}, {}):
        claims = document_claims(world) | {65535: mechanism}
        code = wrapped(signed(cbor.encode(claims), world.doc.sign, document_headers(world)))
        assert judge(code, world.trust(), Policy(), NOON).reasons == ("status_unknown",)


def test_a_list_signed_by_a_stranger_is_unknown(world: World) -> None:
    assert judged(world, world.status_jwt(signer=make_signer("stranger"))).reasons == ("status_unknown",)


@pytest.mark.parametrize("role", ["doc", "card", "live", "sdjwt", "mdoc"])
def test_a_list_signed_by_a_key_with_another_role_is_unknown(world: World, role: str) -> None:
    assert judged(world, trust=world.trust_with_keys(status={"roles": (role,)})).reasons == ("status_unknown",)


def test_a_list_by_a_document_key_is_unknown(world: World) -> None:
    assert judged(world, world.status_jwt(signer=world.doc)).reasons == ("status_unknown",)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "revoked"},
        {"not_before": NOON - timedelta(minutes=9)},
        {"not_after": NOON - timedelta(minutes=11)},
        {"alg": "EdDSA"},
    ],
)
def test_a_list_by_a_key_that_may_not_sign_then_is_unknown(world: World, changes: dict[str, Any]) -> None:
    assert judged(world, trust=world.trust_with_keys(status=changes)).reasons == ("status_unknown",)


@pytest.mark.parametrize("changes", [{"state": "retired"}, {"state": "published"}, {"utilities": ()}])
def test_a_list_by_a_key_that_may_is_taken(world: World, changes: dict[str, Any]) -> None:
    assert judged(world, trust=world.trust_with_keys(status=changes)).reasons == ("ok",)


def test_a_list_that_outlives_its_certificate_is_unknown(world: World) -> None:
    assert judged(world, world.status_jwt(expires_at=NOON + 900 * DAY)).reasons == ("ok",)
    assert judged(world, world.status_jwt(expires_at=NOON + 900 * DAY + SECOND)).reasons == ("status_unknown",)


def test_a_list_of_another_issuer_is_unknown(world: World) -> None:
    other = make_signer("other status")
    issuers = (*world.content().issuers, IssuerEntry("VN-KHAC", {"vi": "x", "en": "x"}, (key_entry(other, "status"),)))
    token = world.status_jwt({9: 0}, signer=other)
    assert judged(world, trust=world.trust(token, issuers=issuers)).reasons == ("status_unknown",)


def test_a_key_shared_by_two_issuers_vouches_for_each(world: World) -> None:
    issuers = (*world.content().issuers, IssuerEntry("VN-HAI", {"vi": "x", "en": "x"}, world.entries()))
    trust = world.trust(world.status_jwt({9: 1}), issuers=issuers)
    assert judged(world, trust=trust, issuer="VN-HAI").reasons == ("revoked",)


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "\ud800", "eyJhbGciOiJub25lIn0.e30.", "e30.e30.AA"],
)
def test_an_unreadable_token_is_no_copy_and_spoils_no_bundle(world: World, token: str) -> None:
    good = world.status_jwt()
    assert judged(world, trust=world.trust().holding([token])).reasons == ("ok",)
    if token.isascii():
        assert judged(world, token).reasons == ("status_unknown",)
        assert judged(world, token, good).reasons == ("ok",)


def test_a_list_whose_signature_was_changed_is_no_copy(world: World) -> None:
    token = world.status_jwt()
    head, payload, _ = token.split(".")
    changed = f"{head}.{payload}.{'A' * 86}"
    assert judged(world, changed).reasons == ("status_unknown",)
    assert judged(world, changed, token).reasons == ("ok",)


def test_a_list_without_its_date_is_no_copy(world: World) -> None:
    assert judged(world, broken(world, sub=5), world.status_jwt()).reasons == ("ok",)


def test_a_list_with_unreadable_entries_is_unknown(world: World) -> None:
    assert judged(world, broken(world)).reasons == ("status_unknown",)
    assert judged(world, broken(world, ttl="x")).reasons == ("status_unknown",)


def test_of_several_copies_the_latest_counts(world: World) -> None:
    old = world.status_jwt({9: 1}, issued_at=NOON - 2 * HOUR)
    new = world.status_jwt({9: 2}, issued_at=NOON - HOUR)
    assert judged(world, old, new).reasons == judged(world, new, old).reasons == ("suspended",)
    assert judged(world, old, new).status_age_seconds == 3600
    assert judged(world, new, broken(world)).reasons == ("status_unknown",)
    assert judged(world, world.status_jwt({9: 2}), broken(world, NOW - 9999)).reasons == ("suspended",)


def test_a_later_copy_that_is_not_good_does_not_count(world: World) -> None:
    good = world.status_jwt({9: 2}, issued_at=NOON - HOUR)
    stranger = world.status_jwt({9: 0}, signer=make_signer("stranger"))
    assert judged(world, good, stranger).reasons == ("suspended",)
    other_uri = world.status_jwt({9: 0}, uri=LIST_URI + "x")
    assert judged(world, good, other_uri).reasons == ("suspended",)


def test_a_copy_from_the_future_is_refused(world: World) -> None:
    good = world.status_jwt({9: 2})
    assert judged(world, world.status_jwt({9: 1}, issued_at=NOON + 60 * SECOND)).reasons == ("revoked",)
    assert judged(world, world.status_jwt({9: 1}, issued_at=NOON + 61 * SECOND)).reasons == ("status_unknown",)
    assert judged(world, good, world.status_jwt({9: 0}, issued_at=NOON + 61 * SECOND)).reasons == ("suspended",)


def test_a_stale_list_says_only_that_something_was_revoked(world: World) -> None:
    for value, *found in (
        (0, "status_stale"),
        (1, "status_stale", "revoked"),
        (2, "status_stale"),
        (3, "status_stale"),
    ):
        assert judged(world, world.status_jwt({9: value}, expires_at=NOON)).reasons == tuple(found)
    assert judged(world, world.status_jwt({9: 1}, expires_at=NOON)).verdict is Verdict.INVALID
    assert judged(world, world.status_jwt({9: 0}, expires_at=NOON + SECOND)).reasons == ("ok",)
    judgement = judged(world, world.status_jwt({9: 0}, expires_at=NOON))
    assert (judgement.verdict, judgement.accepted) == (Verdict.CANNOT_TELL, False)
    assert judgement.status_age_seconds == 600


def test_an_index_out_of_range_of_a_stale_list_says_nothing_either(world: World) -> None:
    token = world.status_jwt(expires_at=NOON)
    assert judged(world, token, status=StatusReference(64, LIST_URI)).reasons == ("status_stale",)
    assert judged(world, broken(world, NOW - 9, exp=NOW)).reasons == ("status_stale",)


def test_s51_a_stale_list_is_never_valid_however_old(world: World) -> None:
    for age in (0, 1, 10**6):
        token = world.status_jwt(issued_at=NOON - 19 * DAY, expires_at=NOON - age * SECOND)
        assert judged(world, token).verdict is Verdict.CANNOT_TELL


def test_a_fetched_copy_beside_the_bundle_counts(world: World) -> None:
    trust = world.trust(world.status_jwt(issued_at=NOON - 2 * HOUR))
    token = world.status_token({9: 1}, issued_at=NOON - HOUR)
    for fetched in (sign_status_cwt(token, world.status), world.status_jwt({9: 1}, issued_at=NOON - HOUR)):
        assert judged(world, trust=trust.holding([fetched])).reasons == ("revoked",)
    older = sign_status_cwt(replace(token, issued_at=NOON - 3 * HOUR), world.status)
    assert judged(world, trust=trust.holding([older])).reasons == ("ok",)
    assert judged(world, trust=trust.holding([b"", b"\xff", b"\xd2\x84"])).reasons == ("ok",)


@dataclass
class Row:
    """What the service's own database says at this moment."""

    status: int
    issued_at: int = NOW
    expires_at: int = NOW + 60

    def value(self, index: int) -> int:
        if index != 9:
            raise Malformed("no such entry")
        return self.status


def test_own_keys_and_fresher_data_make_trust_without_a_bundle(world: World) -> None:
    def status(issuer: str, uri: str) -> Sequence[StatusCopy]:
        return [Row(1)] if (issuer, uri) == (ISSUER, LIST_URI) else []

    content = world.content()
    trust = Trust.of(content.issuers, content.types, issued_at=NOON, expires_at=NOON + HOUR, status=status)
    judgement = judge(world.document_code(), trust, Policy(), NOON)
    assert (judgement.reasons, judgement.status_age_seconds, judgement.bundle_age_seconds) == (("revoked",), 0, 0)
    assert judgement.adding("superseded").reasons == ("revoked", "superseded")
    other = world.document_code(status=StatusReference(8, LIST_URI))
    assert judge(other, trust, Policy(), NOON).reasons == ("status_unknown",)


def test_trust_without_lists_holds_none(world: World) -> None:
    content = world.content()
    trust = Trust.of(content.issuers, content.types, issued_at=NOON, expires_at=NOON + HOUR)
    assert judge(world.document_code(), trust, Policy(), NOON).reasons == ("status_unknown",)
    assert judge(world.document_code(status=None), trust, Policy(), NOON).reasons == ("ok",)
