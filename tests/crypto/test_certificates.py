"""Certificates of signers. Source: RFC 5280."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support import NOON, SeededEntropy
from wallet.crypto.certificates import public_key_from_point, read_certificate, self_signed
from wallet.errors import Malformed

UNTIL = NOON + timedelta(days=400)


def make() -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, self_signed(key, "Người ký mẫu", NOON, UNTIL.replace(microsecond=5), SeededEntropy("serial"))


def test_a_certificate_says_who_when_and_what_for() -> None:
    _, der = make()
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.subject == certificate.issuer
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Người ký mẫu"
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.serial_number == int.from_bytes(b"\x01" + SeededEntropy("serial").bytes(16), "big")
    certificate.verify_directly_issued_by(certificate)


def test_what_is_read_is_what_was_made() -> None:
    key, der = make()
    read = read_certificate(der)
    assert (read.not_before, read.not_after) == (NOON, UNTIL)
    assert read.public_key == key.public_key()


def test_the_same_chance_makes_the_same_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert self_signed(key, "a", NOON, UNTIL, SeededEntropy(1)) == self_signed(key, "a", NOON, UNTIL, SeededEntropy(1))
    assert self_signed(key, "a", NOON, UNTIL, SeededEntropy(1)) != self_signed(key, "a", NOON, UNTIL, SeededEntropy(2))


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())])
def test_a_key_that_is_not_p256_is_read_as_no_use(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(5).not_valid_before(NOON).not_valid_after(UNTIL)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    assert read_certificate(builder.sign(key, algorithm).public_bytes(Encoding.DER)).public_key is None


@pytest.mark.parametrize("der", [b"", b"0", b"\x30\x03abc", bytes(20_000)])
def test_bytes_that_are_no_certificate_are_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        read_certificate(der)


def test_every_prefix_of_a_certificate_is_malformed() -> None:
    _, der = make()
    for length in range(len(der)):
        with pytest.raises(Malformed):
            read_certificate(der[:length])


@pytest.mark.parametrize(
    ("x", "y"), [(bytes(32), bytes(32)), (b"\xff" * 32, b"\xff" * 32), (b"\x01" * 32, b"\x01" * 32)]
)
def test_a_point_off_the_curve_is_malformed(x: bytes, y: bytes) -> None:
    with pytest.raises(Malformed):
        public_key_from_point(x, y)


def test_a_key_of_an_unknown_algorithm_is_read_as_no_use() -> None:
    _, der = make()
    ec_public_key = bytes.fromhex("06072a8648ce3d0201")  # 1.2.840.10045.2.1
    assert der.count(ec_public_key) == 1
    other = der.replace(ec_public_key, bytes.fromhex("06072a8648ce3d0209"))
    assert read_certificate(other).public_key is None
