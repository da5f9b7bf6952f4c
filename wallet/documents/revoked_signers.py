"""The IACA root's list of signers that are revoked, for readers that build a path: one list for each root.

It is remade when a signer is revoked, and monthly; it lives three months. Source: ISO/IEC 18013-5:2021, Annex B.1.9;
RFC 5280, section 5.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from wallet.crypto.authority import SigningKey, key_id
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key
from wallet.documents.publishing import Draft, Publication

LIFE = timedelta(days=90)
RENEWED_AFTER = timedelta(days=30)
PREFIX = "iaca/"


def list_name(root: Key) -> str:
    """Return the publication's name: the same as in the certificates, by the identifier of the root's key."""
    return f"{PREFIX}{key_id(root.signer.certificate_der)}.crl"


def draft_of(root: Key, keys: Iterable[Key]) -> Draft:
    """Return what the list of a root is made of. keys: every key, of whatever root."""
    revoked = sorted(
        (key for key in keys if key.record.issuer == root.record.kid and key.record.state == State.REVOKED),
        key=lambda key: key.record.kid,
    )

    def sign(sequence: int, _previous: bytes | None, issued_at: datetime) -> bytes:
        certificate = x509.load_der_x509_certificate(root.signer.certificate_der)
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(issued_at)
            .next_update(issued_at + LIFE)
            .add_extension(authority, critical=False)
            .add_extension(x509.CRLNumber(sequence), critical=False)
        )
        for key in revoked:
            builder = builder.add_revoked_certificate(_entry(key))
        private_key = SigningKey(root.signer.sign, certificate.public_key())
        return builder.sign(private_key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)

    return Draft(",".join([root.record.kid, *(key.record.kid for key in revoked)]), LIFE, RENEWED_AFTER, sign)


def recognised(name: str, content: bytes, roots: Iterable[Key]) -> Publication | None:
    """Return the copy that these bytes are, None when no root of ours signed them."""
    for root in roots:
        if list_name(root) != name:
            continue
        certificate = x509.load_der_x509_certificate(root.signer.certificate_der)
        try:
            read = x509.load_der_x509_crl(content)
            if not read.is_signature_valid(certificate.public_key()):  # type: ignore[arg-type]
                return None
            begin, end = read.last_update_utc, read.next_update_utc
            number = read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
            return None
        return None if end is None else Publication(name, number, "", content, begin, end)
    return None


def _entry(key: Key) -> x509.RevokedCertificate:
    certificate = x509.load_der_x509_certificate(key.signer.certificate_der)
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(datetime.fromtimestamp(key.record.revoked_at, UTC))
        .build()
    )
