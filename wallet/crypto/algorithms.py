"""The algorithms that keys of a deployment may have, and all that is particular to each.

Everything else about a key (its role, dates, states, files) is the same whatever its algorithm.
Source: RFC 7518, section 3.4 (ES256); RFC 9964 (ML-DSA-65).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from wallet.crypto.certificates import read_certificate
from wallet.crypto.post_quantum import ALG, PostQuantumSigner, post_quantum_key, sign_ml_dsa, verify_ml_dsa
from wallet.crypto.signing import LocalSigner, Signer, sign_es256, verify_es256
from wallet.errors import VerificationFailed

ES256, ML_DSA_65 = "ES256", ALG
PrivateKey = ec.EllipticCurvePrivateKey | MLDSA65PrivateKey
PublicKey = ec.EllipticCurvePublicKey | MLDSA65PublicKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What is particular to one. kind: of keys, in words.

    generate: makes a private key. fits: whether something is one of this algorithm. certified: returns the public key
    of a certificate (DER); raises Malformed, or VerificationFailed("key_not_allowed") for one of another algorithm.
    signer: signs with a private key that is in the memory of this process. sign(private, message): returns the
    signature. verify(public, message, signature): raises VerificationFailed("bad_signature").
    """

    kind: str
    generate: Callable[[], PrivateKey]
    fits: Callable[[object], bool]
    certified: Callable[[bytes], PublicKey]
    signer: Callable[..., Signer]
    sign: Callable[..., bytes]
    verify: Callable[..., None]


def _on_p256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)


def _p256_key(certificate_der: bytes) -> PublicKey:
    found = read_certificate(certificate_der).public_key
    if found is None:
        raise VerificationFailed("key_not_allowed", "the key is not on P-256")
    return found


ALGORITHMS: Mapping[str, Algorithm] = {
    ES256: Algorithm(
        "P-256",
        lambda: ec.generate_private_key(ec.SECP256R1()),
        _on_p256,
        _p256_key,
        LocalSigner,
        sign_es256,
        verify_es256,
    ),
    ML_DSA_65: Algorithm(
        "ML-DSA-65",
        MLDSA65PrivateKey.generate,
        lambda key: isinstance(key, MLDSA65PrivateKey),
        post_quantum_key,
        PostQuantumSigner,
        sign_ml_dsa,
        verify_ml_dsa,
    ),
}
"""By the name that JOSE has for each (`alg`)."""
