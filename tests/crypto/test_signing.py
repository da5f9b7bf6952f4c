"""ES256 as raw 64 bytes. Source: RFC 7518, section 3.4; docs/wire.md, "Common rules"."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON, SeededEntropy
from tests.verifier.world import World
from wallet.crypto.certificates import read_certificate, self_signed
from wallet.crypto.signing import LocalSigner, der_from_raw, kid_of, raw_from_der, verify_es256
from wallet.errors import ConfigurationError, Malformed, VerificationFailed

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def public_key(signer: LocalSigner) -> ec.EllipticCurvePublicKey:
    key = read_certificate(signer.certificate_der).public_key
    assert key is not None
    return key


def test_a_signature_is_verified_and_has_64_bytes(world: World) -> None:
    signature = world.doc.sign(b"message")
    assert len(signature) == 64
    verify_es256(public_key(world.doc), b"message", signature)


def test_high_and_low_s_are_taken_alike(world: World) -> None:
    signature = world.doc.sign(b"message")
    other = signature[:32] + (N - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert other != signature
    verify_es256(public_key(world.doc), b"message", other)


def test_another_message_key_or_bit_is_refused(world: World) -> None:
    signature = world.doc.sign(b"message")
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_es256(public_key(world.doc), b"messagf", signature)
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_es256(public_key(world.card), b"message", signature)
    for bit in range(512):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VerificationFailed, match="bad_signature"):
            verify_es256(public_key(world.doc), b"message", bytes(flipped))


@pytest.mark.parametrize(
    "raw", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64, bytes(32) + b"\x01" * 32, bytes(128)]
)
def test_bytes_that_are_no_signature_are_refused(world: World, raw: bytes) -> None:
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_es256(public_key(world.doc), b"message", raw)


def test_a_der_signature_is_no_raw_one(world: World) -> None:
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_es256(public_key(world.doc), b"message", der_from_raw(world.doc.sign(b"message")))


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_raw_and_der_say_the_same(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert der_from_raw(raw) == encode_dss_signature(r, s)
    assert raw_from_der(der_from_raw(raw)) == raw


@pytest.mark.parametrize(
    "der", [b"", b"\x30\x00", b"junk", encode_dss_signature(2**256, 1), encode_dss_signature(1, 2**300)]
)
def test_der_that_is_no_signature_is_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        raw_from_der(der)


def test_kid_is_the_start_of_the_certificates_hash(world: World) -> None:
    assert world.doc.kid == kid_of(world.doc.certificate_der).hex()
    assert len(world.doc.kid) == 16


def test_a_key_on_another_curve_signs_nothing() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(ConfigurationError):
        LocalSigner(key, b"")


def test_signing_twice_gives_the_same_signature() -> None:  # RFC 6979
    key = ec.generate_private_key(ec.SECP256R1())
    signer = LocalSigner(key, self_signed(key, "x", NOON, NOON.replace(year=2030), SeededEntropy(1)))
    assert signer.sign(b"m") == signer.sign(b"m")
