"""A payload signed twice: the compact form stays what it was, and the second signature holds or is refused."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON, SeededEntropy
from tests.verifier.world import World
from wallet.crypto.certificates import self_signed
from wallet.crypto.jws import b64url_decode, b64url_encode
from wallet.crypto.post_quantum import PostQuantumSigner, post_quantum_key
from wallet.errors import Malformed, VerificationFailed, WalletError
from wallet.formats.trust_bundle import TYP, parse_bundle
from wallet.formats.two_signatures import add_second_signature, parse_twice_signed


def new_signer(seed: int) -> PostQuantumSigner:
    private = MLDSA65PrivateKey.from_seed_bytes(bytes([seed]) * 32)
    life = timedelta(days=730)
    certificate = self_signed(private, "second", NOON, NOON + life, SeededEntropy())
    return PostQuantumSigner(private, certificate)


@pytest.fixture(scope="module")
def signer() -> PostQuantumSigner:
    return new_signer(7)


@pytest.fixture(scope="module")
def document(world: World, signer: PostQuantumSigner) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(add_second_signature(world.bundle(), signer))
    return found


def read(document: dict[str, Any], typ: str = TYP) -> None:
    parse_twice_signed(json.dumps(document), typ=typ).verify_second()


def with_header(document: dict[str, Any], **members: Any) -> dict[str, Any]:
    first, second = document["signatures"]
    header = json.loads(b64url_decode(second["protected"])) | members
    changed = b64url_encode(json.dumps({k: v for k, v in header.items() if v is not None}).encode()).decode()
    return document | {"signatures": [first, second | {"protected": changed}]}


def test_both_signatures_hold_over_one_payload(world: World, signer: PostQuantumSigner) -> None:
    compact = world.bundle()
    found = parse_twice_signed(add_second_signature(compact, signer), typ=TYP)
    found.verify_second()
    assert found.compact == compact
    assert found.certificate_der == signer.certificate_der
    assert found.header["kid"] == signer.kid
    assert parse_bundle(found.compact).verify(frozenset(world.pins)) == world.content()


def test_a_changed_payload_breaks_the_second_signature(document: dict[str, Any]) -> None:
    payload = document["payload"]
    changed = ("A" if payload[100] != "A" else "B").join((payload[:100], payload[101:]))
    with pytest.raises(VerificationFailed) as refused:
        read(document | {"payload": changed})
    assert refused.value.reason == "bad_signature"


def test_a_signature_by_another_key_is_refused(world: World, document: dict[str, Any]) -> None:
    other = json.loads(add_second_signature(world.bundle(), new_signer(8)))["signatures"][1]
    first, second = document["signatures"]
    mixed = document | {"signatures": [first, second | {"signature": other["signature"]}]}
    with pytest.raises(VerificationFailed) as refused:
        read(mixed)
    assert refused.value.reason == "bad_signature"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"typ": "statuslist+jwt"}, "wrong_type"),
        ({"typ": None}, "wrong_type"),
        ({"alg": "none"}, "key_not_allowed"),
        ({"alg": "ES256"}, "key_not_allowed"),
        ({"alg": "ML-DSA-44"}, "key_not_allowed"),
        ({"kid": "0000000000000000"}, "bad_signature"),
    ],
)
def test_a_second_header_that_is_another_is_refused(
    document: dict[str, Any], members: dict[str, Any], reason: str
) -> None:
    with pytest.raises(VerificationFailed) as refused:
        read(with_header(document, **members))
    assert refused.value.reason == reason


def test_a_key_of_another_algorithm_is_refused(world: World, document: dict[str, Any]) -> None:
    certificate = base64.b64encode(world.root.certificate_der).decode()
    with pytest.raises(VerificationFailed) as refused:
        read(with_header(document, x5c=[certificate]))
    assert refused.value.reason == "key_not_allowed"


@pytest.mark.parametrize("x5c", [None, [], "AAAA", [7], ["%%%"], ["AAAA"], ["AAAA", "AAAA"]])
def test_a_certificate_that_is_none_is_malformed(document: dict[str, Any], x5c: Any) -> None:
    with pytest.raises(Malformed):
        read(with_header(document, x5c=x5c))


def test_anything_critical_is_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(with_header(document, crit=["exp"]))


def test_one_signature_three_or_the_wrong_order_are_refused(document: dict[str, Any]) -> None:
    first, second = document["signatures"]
    for signatures in ([], [first], [second], [first, second, second], [first, 7], [first, {"protected": "e30"}]):
        with pytest.raises(Malformed):
            read(document | {"signatures": signatures})
    with pytest.raises(VerificationFailed):
        read(document | {"signatures": [second, first]})


def test_an_unprotected_header_is_refused(document: dict[str, Any]) -> None:
    first, second = document["signatures"]
    with pytest.raises(Malformed):
        read(document | {"signatures": [first, second | {"header": {"kid": "x"}}]})


def test_a_short_signature_is_refused(document: dict[str, Any]) -> None:
    first, second = document["signatures"]
    with pytest.raises(VerificationFailed):
        read(document | {"signatures": [first, second | {"signature": "AAAA"}]})


def test_a_certificate_says_which_key_it_is_for(signer: PostQuantumSigner, world: World) -> None:
    assert post_quantum_key(signer.certificate_der).public_bytes_raw()
    with pytest.raises(Malformed):
        post_quantum_key(b"\0" * 40)
    with pytest.raises(Malformed):
        post_quantum_key(b"\0" * 40_000)
    with pytest.raises(VerificationFailed):
        post_quantum_key(world.root.certificate_der)


@given(st.text(max_size=300))
def test_whatever_is_sent_is_refused_in_words(text: str) -> None:
    with pytest.raises(WalletError):
        parse_twice_signed(text, typ=TYP).verify_second()
