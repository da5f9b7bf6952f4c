"""A small country that issues mdocs: a root, a document signer, a device. Each can be had with one thing wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.support import NOON, SeededEntropy
from wallet.crypto.signing import LocalSigner, raw_from_der
from wallet.formats.claims_set import StatusReference
from wallet.formats.mdoc import transcript
from wallet.formats.mdoc.chain import DOCUMENT_SIGNER, IacaRoots
from wallet.formats.mdoc.device_response import present
from wallet.formats.mdoc.issuer_signed import Terms, issue
from wallet.formats.mdoc.values import full_date, read, tdate, write

DOC_TYPE = "vn.viso.residence.1"
LIST_URI = "https://vi.example.vn/v1/status-lists/7"
DAY = timedelta(days=1)
TRANSCRIPT = transcript.openid4vp("x509_san_dns:example.com", "nonce", "https://example.com/response")
ELEMENTS: Mapping[str, Any] = {
    "full_name": "Nguyễn Thị Hồng Hạnh",
    "birth_date": full_date(date(1948, 5, 19)),
    "registered_at": tdate(NOON - 900 * DAY),
    "members": 3,
    "permanent": True,
    "places": ["Hà Nội", "Huế"],
    "member/1": {"full_name": "Trần Văn Bình", "relation": "spouse"},
}
UNITED = ec.generate_private_key(ec.SECP256R1())
"""A key that is none of this country's."""

_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USES})


def subject(common_name: str, country: str | None = "VN") -> x509.Name:
    countries = [] if country is None else [x509.NameAttribute(NameOID.COUNTRY_NAME, country)]
    return x509.Name([*countries, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate(
    public_key: Any,
    *extensions: tuple[x509.ExtensionType, bool],
    issuer_key: Any,
    name: x509.Name,
    issuer: x509.Name,
    not_before: datetime,
    not_after: datetime,
    digest: Any = None,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(2**80 + 1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer_key, digest or hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def root_der(key: ec.EllipticCurvePrivateKey, **changes: Any) -> bytes:
    """Return an IACA root. changes: extensions by name (None leaves one out), or arguments of `certificate`."""
    public_key = key.public_key()
    extensions = {
        "key_id": (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        "constraints": (x509.BasicConstraints(ca=True, path_length=0), True),
        "usage": (usage("key_cert_sign", "crl_sign"), True),
        "other": None,
    }
    extensions |= {name: changes.pop(name) for name in extensions.keys() & changes.keys()}
    arguments = {
        "issuer_key": key,
        "name": subject("IACA"),
        "issuer": subject("IACA"),
        "not_before": NOON - 300 * DAY,
        "not_after": NOON + 3000 * DAY,
    } | changes
    return certificate(public_key, *(each for each in extensions.values() if each), **arguments)


def signer_der(public_key: Any, root_key: ec.EllipticCurvePrivateKey, **changes: Any) -> bytes:
    """Return a document signer's certificate by the root, with changes as in `root_der`."""
    extensions = {
        "authority": (x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False),
        "key_id": (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        "usage": (usage("digital_signature"), True),
        "extended": (x509.ExtendedKeyUsage([DOCUMENT_SIGNER]), True),
        "constraints": None,
        "other": None,
    }
    extensions |= {name: changes.pop(name) for name in extensions.keys() & changes.keys()}
    arguments = {
        "issuer_key": root_key,
        "name": subject("signer"),
        "issuer": subject("IACA"),
        "not_before": NOON - 50 * DAY,
        "not_after": NOON + 400 * DAY,
    } | changes
    return certificate(public_key, *(each for each in extensions.values() if each), **arguments)


UNKNOWN_CRITICAL = (x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True)


@dataclass
class MdocWorld:
    """Keys of one run and the defaults of what they sign."""

    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    signer_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    device: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = root_der(self.root_key)
        self.roots = IacaRoots.of([self.root])

    def signer(self, **changes: Any) -> LocalSigner:
        return LocalSigner(self.signer_key, signer_der(self.signer_key.public_key(), self.root_key, **changes))

    def terms(self, **changes: Any) -> Terms:
        arguments: dict[str, Any] = {
            "doc_type": DOC_TYPE,
            "device_key": self.device.public_key(),
            "signed": NOON - DAY,
            "valid_from": NOON - DAY,
            "valid_until": NOON + 300 * DAY,
            "status": StatusReference(4711, LIST_URI),
        }
        return Terms(**(arguments | changes))

    def issuer_signed(self, elements: Mapping[str, Any] = ELEMENTS, **changes: Any) -> bytes:
        signer = changes.pop("signer", None) or self.signer()
        entropy = SeededEntropy(changes.pop("seed", 0))
        return issue({DOC_TYPE: elements}, self.terms(**changes), signer, entropy, fill=16)

    def device_sign(self, message: bytes) -> bytes:
        return raw_signature(self.device, message)

    def response(self, *names: str, transcript: bytes = TRANSCRIPT, **changes: Any) -> bytes:
        sign = changes.pop("sign", self.device_sign)
        return present(self.issuer_signed(**changes), {DOC_TYPE: names or tuple(ELEMENTS)}, transcript, sign)


def raw_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return raw_from_der(key.sign(message, ec.ECDSA(hashes.SHA256())))


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    """Return CBOR that was read, changed in place, and written again."""
    value = read(data)
    change(value)
    return write(value)
