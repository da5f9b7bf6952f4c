"""The optional second signers: ML-DSA-65 keys of the bundle and of the status lists, in files beside the keyring.

They are no part of the keyring: nothing depends on them, a deployment without them lacks a form and nothing else, and
no verifier is told of them but by a pin. Source: RFC 9964; docs/decisions/0025.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wallet.crypto import key_files
from wallet.crypto.post_quantum import PostQuantumSigner, post_quantum_certificate, post_quantum_key
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError, WalletError

FOLDER = "second"
BUNDLE, STATUS = "bundle", "status"
ROLES = (BUNDLE, STATUS)
LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class SecondSigners:
    """One key for each of the two things that are signed twice."""

    bundle: PostQuantumSigner
    status: PostQuantumSigner


def make_second(
    directory: Path, passphrase: bytes | None, organisation: str, now: datetime, entropy: Entropy
) -> list[str]:
    """Make what is missing and return the names of what was made. directory: that of the keys. Safe to repeat."""
    folder, made = directory / FOLDER, []
    folder.mkdir(parents=True, exist_ok=True)
    for role in ROLES:
        key, certificate = _paths(folder, role)
        if key.exists() and certificate.exists():
            continue
        key.unlink(missing_ok=True)  # half of a pair is none: it has signed nothing
        certificate.unlink(missing_ok=True)
        private = MLDSA65PrivateKey.from_seed_bytes(entropy.bytes(32))
        protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        der = post_quantum_certificate(private, f"{organisation} {role} ML-DSA-65", now, now + LIFE, entropy)
        key_files.write(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
        key_files.write(certificate, der)
        made.append(f"{FOLDER}/{key.name}")
    return made


def open_second(directory: Path, passphrase: bytes | None) -> SecondSigners | None:
    """Return the second signers, None where there are none. Raises ConfigurationError."""
    folder = directory / FOLDER
    if not any(path.exists() for role in ROLES for path in _paths(folder, role)):
        return None
    return SecondSigners(*(_signer(folder, role, passphrase) for role in ROLES))


def _signer(folder: Path, role: str, passphrase: bytes | None) -> PostQuantumSigner:
    key, certificate = _paths(folder, role)
    if not key.is_file() or not certificate.is_file():
        raise ConfigurationError(f"{key} or its certificate is missing", mend="wallet keys second")
    if key_files.readable_by_others(key):
        raise ConfigurationError(f"{key} is readable by others (chmod 600 {key})", mend=f"chmod 600 {key}")
    encrypted = key_files.is_encrypted(key)
    try:
        private = load_pem_private_key(key.read_bytes(), password=passphrase if encrypted else None)
        public = post_quantum_key(certificate.read_bytes())
    except (ValueError, TypeError, WalletError) as error:
        raise ConfigurationError(f"{key} cannot be opened under this passphrase", mend="wallet doctor") from error
    if not isinstance(private, MLDSA65PrivateKey) or private.public_key() != public:
        raise ConfigurationError(f"{key} is not the key of its certificate", mend="wallet doctor")
    return PostQuantumSigner(private, certificate.read_bytes())


def _paths(folder: Path, role: str) -> tuple[Path, Path]:
    return folder / f"{role}.key.pem", folder / f"{role}.cert.der"
