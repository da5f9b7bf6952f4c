"""From the certificate that signed an mdoc to a root that the reader was given: two certificates, never more.

What a table of the standard asks for but a reader gains nothing by (contact, where the list of revoked ones is) is the
issuer's to keep, and no reason to refuse here.
Source: ISO/IEC 18013-5:2021, section 9.3.3 and Annex B.1, tables B.1 and B.3; RFC 5280, sections 4.2 and 6.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from wallet.crypto.certificates import MAX_CERTIFICATE_BYTES
from wallet.errors import Malformed
from wallet.formats.mdoc.refusal import MdocRefused

DOCUMENT_SIGNER = ObjectIdentifier("1.0.18013.5.1.2")
LONGEST_LIFE = timedelta(days=457)
"""Of a document signer's certificate. Source: table B.3."""

_UNDERSTOOD = {ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS}
_DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_NOT_ISSUED = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature)
_Value = TypeVar("_Value", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class MdocSigner:
    """Who signed an mdoc, once it is known that they may. The mdoc must have been signed between the two dates."""

    certificate_der: bytes
    public_key: ec.EllipticCurvePublicKey
    not_before: datetime
    not_after: datetime


class SignerTrust(Protocol):
    """Whom a reader believes."""

    def signer_of(self, chain: tuple[bytes, ...], now: datetime) -> MdocSigner:
        """Return the signer that header 33 names; raise MdocRefused, or Malformed."""
        ...


@dataclass(frozen=True, slots=True)
class IacaRoots:
    """Roots that somebody vouched for by another way; a path to one of them is all that counts."""

    roots: tuple[x509.Certificate, ...]

    @classmethod
    def of(cls, ders: Iterable[bytes]) -> Self:
        """Return the roots; raise Malformed for bytes that are no certificate, MdocRefused("root_profile")."""
        roots = tuple(_parsed(der) for der in ders)
        for root in roots:
            _check_root(root)
        return cls(roots)

    def signer_of(self, chain: tuple[bytes, ...], now: datetime) -> MdocSigner:
        """Return the document signer of a chain that one of the roots certified, both being valid now.

        The root itself is left out of a chain (18013-5, 9.1.2.4), and below an IACA root nobody else certifies.
        Raises Malformed, or MdocRefused (`refusal.REASONS`). Source: 18013-5, section 9.3.3; RFC 5280, section 6.1.3.
        """
        if not chain:
            raise MdocRefused("x5chain_missing")
        if len(chain) > 1:
            raise MdocRefused("signer_profile", "more than the signer's own certificate")
        found = document_signer(chain[0])
        signer = _parsed(chain[0])
        root = self._root_of(signer)
        if _country(signer) != _country(root):
            raise MdocRefused("signer_profile", "another country than its root's")
        if not found.not_before <= now <= found.not_after:
            raise MdocRefused("signer_not_valid")
        if not root.not_valid_before_utc <= now <= root.not_valid_after_utc:
            raise MdocRefused("root_not_valid")
        return found

    def _root_of(self, signer: x509.Certificate) -> x509.Certificate:
        """Return the root that certified a signer: name, key id and signature fit. Raises unknown_issuer."""
        authority = _value(signer, x509.AuthorityKeyIdentifier)
        for root in self.roots:
            own = _value(root, x509.SubjectKeyIdentifier)
            if authority is None or own is None or authority.key_identifier != own.digest:
                continue
            try:
                signer.verify_directly_issued_by(root)
            except _NOT_ISSUED:
                continue
            return root
        raise MdocRefused("unknown_issuer")


def document_signer(der: bytes) -> MdocSigner:
    """Return the signer of a certificate that keeps the profile of a document signer, whoever certified it.

    Raises Malformed, MdocRefused("signer_profile") or ("curve_not_allowed"). Source: table B.3.
    """
    certificate = _parsed(der)
    public_key = _check_signer(certificate)
    return MdocSigner(der, public_key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _parsed(der: bytes) -> x509.Certificate:
    """Return a certificate of which every part that is looked at here can be read."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise Malformed("certificate too large")
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.signature_hash_algorithm
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except _UNREADABLE as error:
        raise Malformed("not a certificate that can be read") from error
    return certificate


def _check_signer(signer: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate that keeps the profile of a document signer. Source: table B.3."""
    if signer.not_valid_after_utc - signer.not_valid_before_utc > LONGEST_LIFE:
        raise MdocRefused("signer_profile", "longer than 457 days")
    if not isinstance(signer.signature_hash_algorithm, _DIGESTS):
        raise MdocRefused("signer_profile", "certified with another digest")
    if {extension.oid for extension in signer.extensions if extension.critical} - _UNDERSTOOD:
        raise MdocRefused("signer_profile", "something critical that is not understood")
    usage = _critical(signer, x509.KeyUsage)
    if usage is None or _uses(usage) != {"digital_signature"}:
        raise MdocRefused("signer_profile", "its key is not for signing alone")
    extended = _critical(signer, x509.ExtendedKeyUsage)
    if extended is None or list(extended) != [DOCUMENT_SIGNER]:
        raise MdocRefused("signer_profile", "no document signer")
    constraints = _value(signer, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise MdocRefused("signer_profile", "an authority")
    if _value(signer, x509.SubjectKeyIdentifier) is None:
        raise MdocRefused("signer_profile", "its key is not named")
    try:
        public_key = signer.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MdocRefused("curve_not_allowed", "a key that cannot be read") from error
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, ec.SECP256R1):
        raise MdocRefused("curve_not_allowed", "not on P-256")
    return public_key


def _check_root(root: x509.Certificate) -> None:
    """Return if a certificate keeps the profile of an IACA root. Source: table B.1."""
    constraints, usage = _critical(root, x509.BasicConstraints), _critical(root, x509.KeyUsage)
    if constraints is None or not constraints.ca or constraints.path_length != 0:
        raise MdocRefused("root_profile", "not an authority for signers alone")
    if usage is None or _uses(usage) != {"key_cert_sign", "crl_sign"}:
        raise MdocRefused("root_profile", "its key is for something else too")
    if {extension.oid for extension in root.extensions if extension.critical} - _UNDERSTOOD:
        raise MdocRefused("root_profile", "something critical that is not understood")
    if root.subject != root.issuer or _value(root, x509.SubjectKeyIdentifier) is None:
        raise MdocRefused("root_profile", "not its own issuer, or its key is not named")
    try:
        root.verify_directly_issued_by(root)
    except _NOT_ISSUED as error:
        raise MdocRefused("root_profile", "not signed by itself") from error


def _country(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
    if len(found) != 1:
        raise MdocRefused("signer_profile", "no country, or two")
    return str(found[0].value)


def _value(certificate: x509.Certificate, kind: type[_Value]) -> _Value | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _critical(certificate: x509.Certificate, kind: type[_Value]) -> _Value | None:
    """Return an extension that is there and critical, as the tables ask."""
    try:
        extension = certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    return extension.value if extension.critical else None


def _uses(usage: x509.KeyUsage) -> set[str]:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    return {name for name in names if getattr(usage, name)}
