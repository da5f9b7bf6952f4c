"""ML-DSA-65: a second signature that a computer which breaks ES256 does not break.

Nothing relies on it alone: it stands beside ES256 and a reader that does not know it loses nothing.
Source: FIPS 204; RFC 9964 (`ML-DSA-65` in JOSE); RFC 9881 (in certificates).
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from wallet.crypto.signing import kid_of
from wallet.errors import Malformed, VerificationFailed

ALG = "ML-DSA-65"
SIGNATURE_BYTES = 3309
MAX_CERTIFICATE_BYTES = 16_384


class PostQuantumSigner:
    """A signer whose ML-DSA-65 key is in the memory of this process. The same shape as every `Signer`."""

    def __init__(self, private_key: MLDSA65PrivateKey, certificate_der: bytes) -> None:
        self._private_key = private_key
        self.certificate_der = certificate_der
        self.kid = kid_of(certificate_der).hex()

    def sign(self, message: bytes) -> bytes:
        return sign_ml_dsa(self._private_key, message)


def post_quantum_key(der: bytes) -> MLDSA65PublicKey:
    """Return the ML-DSA-65 key of a certificate.

    Raises Malformed when it is no certificate, VerificationFailed("key_not_allowed") when its key is another.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise Malformed("certificate too large")
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("not a certificate") from error
    if not isinstance(key, MLDSA65PublicKey):
        raise VerificationFailed("key_not_allowed", "the key is not ML-DSA-65")
    return key


def sign_ml_dsa(private_key: MLDSA65PrivateKey, message: bytes) -> bytes:
    """Return the 3,309 bytes of the signature, without context. Source: FIPS 204, section 5.2; RFC 9964."""
    return private_key.sign(message)


def verify_ml_dsa(public_key: MLDSA65PublicKey, message: bytes, signature: bytes) -> None:
    """Return if `signature` is this key's over `message`; else raise VerificationFailed("bad_signature")."""
    if len(signature) != SIGNATURE_BYTES:
        raise VerificationFailed("bad_signature", "not the length of an ML-DSA-65 signature")
    try:
        public_key.verify(signature, message)
    except InvalidSignature as error:
        raise VerificationFailed("bad_signature") from error
