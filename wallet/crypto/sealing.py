"""Encryption at rest: AES-256-GCM (NIST SP 800-38D) under a key per holder, itself sealed under the deployment's.

Erasing the holder's sealed data key erases every claim that was sealed with it, in backups too.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wallet.entropy import Entropy
from wallet.errors import Malformed

KEY_BYTES = 32
NONCE_BYTES = 12


def seal(key: bytes, plaintext: bytes, bound_to: str, entropy: Entropy) -> bytes:
    """Return nonce and ciphertext. `bound_to`: the id of the row; the bytes open nowhere else."""
    nonce = entropy.bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to.encode())


def unseal(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """Return what was sealed. Raises Malformed when the key, the row or a bit is another."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise Malformed("sealed bytes do not open") from error


def blind_index(key: bytes, value: str) -> bytes:
    """Return the keyed fingerprint under which a value can be found without being stored (HMAC-SHA-256)."""
    return hmac.new(key, value.encode(), hashlib.sha256).digest()
