"""Who signs, and whether an ES256 signature holds. Private keys are reached only through `Signer`.

Those of ES256 are raw, 64 bytes `r || s`, high and low `s` alike: a signature identifies nothing.
Source: FIPS 186-5, section 6; RFC 7518, section 3.4; RFC 9053, section 2.1.
"""

import hashlib
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from wallet.crypto.certificates import read_certificate
from wallet.errors import ConfigurationError, Malformed, Unavailable, VerificationFailed

RAW_SIGNATURE_BYTES = 64
KID_BYTES = 8

_VERIFY = ec.ECDSA(hashes.SHA256())
_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)  # RFC 6979: no nonce to get wrong


class Signer(Protocol):
    """One key with one role: a key file or an HSM alike."""

    @property
    def kid(self) -> str:
        """Return the 16 lower-case hex digits by which the trust bundle names the key."""
        ...

    @property
    def certificate_der(self) -> bytes:
        """Return the signer's certificate."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`: the raw 64 bytes of ES256, of another algorithm its own."""
        ...


class SigningService(Protocol):
    """Who keeps private keys that never come here: a hardware module, a signing server. Safe for several threads."""

    def create(self, label: str) -> tuple[str, ec.EllipticCurvePublicKey]:
        """Make a P-256 key there; return by which name the service knows it, and its public part.

        label: what people see there. Raises Unavailable("signing_unavailable").
        """
        ...

    def sign(self, place: str, message: bytes) -> bytes:
        """Return the raw 64-byte ES256 signature by the key of this name. Raises Unavailable("signing_unavailable")."""
        ...

    def close(self) -> None:
        """Give every connection back; the next signature would open another."""
        ...


class ServiceSigner:
    """A signer whose private key a service keeps. It connects when it signs, and believes no signature unseen."""

    def __init__(self, service: SigningService, place: str, certificate_der: bytes) -> None:
        public_key = read_certificate(certificate_der).public_key
        if public_key is None:
            raise ConfigurationError("a signer's key must be on the curve P-256")
        self._service, self._place, self._public_key = service, place, public_key
        self.certificate_der = certificate_der
        self.kid = kid_of(certificate_der).hex()

    def sign(self, message: bytes) -> bytes:
        return sign_and_look(self._service, self._place, self._public_key, message)


class AbsentSigner:
    """A certificate without its key: of a key that is revoked, or where somebody only looks. It signs nothing."""

    def __init__(self, certificate_der: bytes) -> None:
        self.certificate_der = certificate_der
        self.kid = kid_of(certificate_der).hex()

    def sign(self, message: bytes) -> bytes:
        raise Unavailable("signing_unavailable")


def sign_and_look(service: SigningService, place: str, public_key: ec.EllipticCurvePublicKey, message: bytes) -> bytes:
    """Return what a service signed, once it is seen to be this key's. Raises Unavailable("signing_unavailable")."""
    signature = service.sign(place, message)
    try:
        verify_es256(public_key, message, signature)
    except VerificationFailed as error:
        raise Unavailable("signing_unavailable", reasons=["bad_signature"]) from error
    return signature


class LocalSigner:
    """A signer whose private key is in the memory of this process."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey, certificate_der: bytes) -> None:
        if not isinstance(private_key.curve, ec.SECP256R1):
            raise ConfigurationError("a signer's key must be on the curve P-256")
        self._private_key = private_key
        self.certificate_der = certificate_der
        self.kid = kid_of(certificate_der).hex()

    def sign(self, message: bytes) -> bytes:
        return sign_es256(self._private_key, message)


def kid_of(certificate_der: bytes) -> bytes:
    """Return the key id: the first 8 bytes of SHA-256 over the certificate. Source: docs/wire.md, section 1."""
    return hashlib.sha256(certificate_der).digest()[:KID_BYTES]


def sign_es256(private_key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return the raw signature of a private key over `message`."""
    return raw_from_der(private_key.sign(message, _SIGN))


def verify_es256(public_key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> None:
    """Return if `signature` (raw) is this key's over `message`; else raise VerificationFailed("bad_signature").

    Source: RFC 7518, section 3.4 (64 bytes, nothing else); RFC 9053, section 2.1.
    """
    if len(signature) != RAW_SIGNATURE_BYTES:
        raise VerificationFailed("bad_signature", "not 64 bytes")
    try:
        public_key.verify(der_from_raw(signature), message, _VERIFY)
    except InvalidSignature as error:
        raise VerificationFailed("bad_signature") from error


def der_from_raw(signature: bytes) -> bytes:
    """Return the ECDSA-Sig-Value of a raw 64-byte signature. Source: RFC 3279, section 2.2.3; X.690, section 8.3."""
    r = signature[:32].lstrip(b"\0")
    s = signature[32:].lstrip(b"\0")
    if not r or r[0] & 0x80:
        r = b"\0" + r
    if not s or s[0] & 0x80:
        s = b"\0" + s
    return b"\x30%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s)


def raw_from_der(signature: bytes) -> bytes:
    """Return `r || s` of an ECDSA-Sig-Value as its signer made it. Source: RFC 3279, section 2.2.3."""
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError) as error:
        raise Malformed("not an ECDSA signature on P-256") from error
