"""Certificates of signers: made by themselves, vouched for by the trust bundle. No path is ever built here.

Source: RFC 5280; docs/wire.md, section 4.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from wallet.entropy import Entropy
from wallet.errors import Malformed

MAX_CERTIFICATE_BYTES = 16_384
_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is read from a certificate. `public_key` is None when the key is not on P-256: no use to an ES256 reader."""

    der: bytes
    not_before: datetime
    not_after: datetime
    public_key: ec.EllipticCurvePublicKey | None


def self_signed(
    private_key: ec.EllipticCurvePrivateKey | MLDSA65PrivateKey,
    common_name: str,
    not_before: datetime,
    not_after: datetime,
    entropy: Entropy,
) -> bytes:
    """Return the DER of a signer's certificate: one key, one use (digitalSignature), no authority.

    Whole seconds count; the serial is 16 random bytes. Source: RFC 5280, sections 4.1.2.2 and 4.2.1.3;
    RFC 9881 (ML-DSA).
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(int.from_bytes(b"\x01" + entropy.bytes(16), "big"))  # the 1 keeps it positive and not zero
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(not_after.replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage("digital_signature"), critical=True)
    )
    if isinstance(private_key, MLDSA65PrivateKey):
        return builder.sign(private_key, None).public_bytes(Encoding.DER)
    return builder.sign(private_key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def key_usage(*names: str) -> x509.KeyUsage:
    """Return the extension that permits these uses and no other, named as `cryptography` does. RFC 5280, 4.2.1.3."""
    uses = dict.fromkeys(_USES, False)
    return x509.KeyUsage(**(uses | dict.fromkeys(names, True)))


def read_certificate(der: bytes) -> Certificate:
    """Return what a verifier needs of a certificate; raise Malformed when it is none. Source: RFC 5280, section 4.1."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise Malformed("certificate too large")
    try:
        parsed = x509.load_der_x509_certificate(der)
        not_before, not_after = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    except (ValueError, x509.InvalidVersion) as error:
        raise Malformed("not a certificate") from error
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None  # an algorithm we cannot read is a key we cannot use, not a broken certificate
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        key = None
    return Certificate(der, not_before, not_after, key)


def public_part(public_key: CertificatePublicKeyTypes) -> bytes:
    """Return the bytes of a public key that are the same under every certificate of it. RFC 5280, section 4.1.2.7."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certified_part(der: bytes) -> bytes:
    """Return the same of a certificate's key, whatever its algorithm. Raises Malformed."""
    try:
        return public_part(x509.load_der_x509_certificate(der).public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("not a certificate whose key can be read") from error


def public_key_from_point(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key with these coordinates, 32 bytes each. Source: SEC 1, section 2.3.4; RFC 9053, 7.1.1."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    except ValueError as error:
        raise Malformed("not a point on P-256") from error
