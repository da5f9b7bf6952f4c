"""The IACA root and what it certifies: the signers of SD-JWT VC, of mdoc, and of the seal on a PDF.

Other people's readers know nothing of our trust bundle: they build a path of two certificates, from the signer to
this root. Source: ISO/IEC 18013-5:2021, Annex B.1; RFC 5280, sections 4.1 and 4.2; OpenID4VC HAIP 1.0, section 6.1.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from wallet.crypto.algorithms import PublicKey
from wallet.crypto.certificates import key_usage
from wallet.crypto.signing import Signer, der_from_raw
from wallet.entropy import Entropy

COUNTRY = "VN"
MDOC_DOCUMENT_SIGNER = ObjectIdentifier("1.0.18013.5.1.2")
LONGEST_DOCUMENT_SIGNER = timedelta(days=457)
"""ISO/IEC 18013-5:2021, table B.3: the longest life of a document signer's certificate."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who certifies. organisation: its name. url: of the service, without a slash at the end."""

    organisation: str
    url: str

    def crl_url(self, identifier: x509.SubjectKeyIdentifier) -> str:
        """Return where the list of revoked certificates of the root with this key identifier is."""
        return f"{self.url}/v1/trust/iaca/{identifier.digest.hex()}.crl"

    def name(self, purpose: str) -> x509.Name:
        """Return a subject: country, organisation, and what the key is for."""
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(self.organisation, 64)),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{_cut(self.organisation, 40)} {purpose}"),
            ]
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certified signer may do. named: its certificate names the issuer's address (SAN), as HAIP asks."""

    purpose: str
    content_commitment: bool = False
    extended: ObjectIdentifier | None = None
    named: bool = False


SD_JWT_SIGNER = Profile("SD-JWT VC", named=True)
DOCUMENT_SIGNER = Profile("mdoc document signer", extended=MDOC_DOCUMENT_SIGNER)
SEAL_SIGNER = Profile("seal", content_commitment=True)
"""ETSI EN 319 412-2, section 4.3.2, type A: digitalSignature and nonRepudiation (contentCommitment)."""


def root_certificate(
    signer_key: ec.EllipticCurvePrivateKey,
    authority: Authority,
    not_before: datetime,
    not_after: datetime,
    entropy: Entropy,
) -> bytes:
    """Return the DER of an IACA root: it certifies signers and signs the list of revoked ones, nothing else.

    Source: ISO/IEC 18013-5:2021, table B.1.
    """
    name, public_key = authority.name("IACA"), signer_key.public_key()
    builder = _builder(name, name, public_key, not_before, not_after, entropy)
    own_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    builder = (
        builder.add_extension(own_id, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(_contact(authority), critical=False)
        .add_extension(_crl(authority, own_id), critical=False)
    )
    return builder.sign(signer_key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def certify(
    profile: Profile,
    public_key: PublicKey,
    root: Signer,
    authority: Authority,
    not_before: datetime,
    not_after: datetime,
    entropy: Entropy,
) -> bytes:
    """Return the DER of a signer's certificate by the root. Its issuer is the root's subject, byte for byte.

    Source: ISO/IEC 18013-5:2021, table B.3; HAIP 1.0, section 6.1.1 (not self-signed, the root is left out of x5c).
    """
    issuer = x509.load_der_x509_certificate(root.certificate_der)
    root_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    usages = ("digital_signature", "content_commitment") if profile.content_commitment else ("digital_signature",)
    builder = _builder(authority.name(profile.purpose), issuer.subject, public_key, not_before, not_after, entropy)
    builder = (
        builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(key_usage(*usages), critical=True)
        .add_extension(_contact(authority), critical=False)
        .add_extension(_crl(authority, root_id), critical=False)
    )
    if profile.extended is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([profile.extended]), critical=True)
    else:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if profile.named:
        builder = builder.add_extension(_address(authority), critical=False)
    private_key = SigningKey(root.sign, issuer.public_key())
    return builder.sign(private_key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def key_id(certificate_der: bytes) -> str:
    """Return the key identifier of a certificate of ours, in hexadecimal. Source: RFC 5280, section 4.2.1.2."""
    certificate = x509.load_der_x509_certificate(certificate_der)
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def address_in(certificate_der: bytes) -> str | None:
    """Return the issuer's address that a certificate of ours names (SAN), None where it names none."""
    extensions = x509.load_der_x509_certificate(certificate_der).extensions
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), None)


class SigningKey(ec.EllipticCurvePrivateKey):
    """A signer as `cryptography` builds certificates with: it signs, and gives nothing else away.

    sign: returns the raw ES256 signature over a message.
    """

    def __init__(self, sign: Callable[[bytes], bytes], public_key: object) -> None:
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise TypeError("a signer's key is on P-256")
        self._sign = sign
        self._public_key = public_key

    def sign(self, data: object, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256) or not isinstance(data, bytes):
            raise TypeError("a signer signs bytes, with ES256")
        return der_from_raw(self._sign(data))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise TypeError("a signer's key signs and does nothing else")

    def private_numbers(self) -> NoReturn:
        raise TypeError("a signer keeps its private key")

    def private_bytes(self, *_: object) -> NoReturn:
        raise TypeError("a signer keeps its private key")

    def __copy__(self) -> "SigningKey":
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "SigningKey":
        return self


def _cut(text: str, most: int) -> str:
    """Return as much of a name as fits into `most` bytes. Source: RFC 5280, appendix A.1 (ub-common-name: 64)."""
    return text.encode()[:most].decode(errors="ignore").strip()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    not_before: datetime,
    not_after: datetime,
    entropy: Entropy,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(int.from_bytes(b"\x01" + entropy.bytes(16), "big"))  # the 1 keeps it positive and not zero
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(not_after.replace(microsecond=0))
    )


def _contact(authority: Authority) -> x509.IssuerAlternativeName:
    return x509.IssuerAlternativeName([x509.UniformResourceIdentifier(authority.url)])


def _crl(authority: Authority, root_id: x509.SubjectKeyIdentifier) -> x509.CRLDistributionPoints:
    where = [x509.UniformResourceIdentifier(authority.crl_url(root_id))]
    return x509.CRLDistributionPoints([x509.DistributionPoint(where, None, None, None)])


def _address(authority: Authority) -> x509.SubjectAlternativeName:
    """Return the issuer's URL and host, so that whoever reads `iss` can hold it against the certificate."""
    host = urlsplit(authority.url).hostname or ""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(authority.url)]
    try:
        names.append(x509.IPAddress(ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)
