"""The optional second signers: ML-DSA-65 keys of the bundle and of the status lists, in files beside the keyring.

They are no part of the keyring: nothing depends on them, a deployment without them lacks a form and nothing else, and
no verifier is told of them but by a pin. Source: RFC 9964; docs/decisions/0025.
"""

from collections.abc import Collection
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
from wallet.crypto.post_quantum import PostQuantumSigner, common_name, post_quantum_certificate, post_quantum_key
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError, WalletError

FOLDER = "second"
SAMPLE = " sample "
"""Stands in the name of a key that was made for a demo: in its certificate, where the world sees it too."""
BUNDLE, STATUS = "bundle", "status"
ROLES = (BUNDLE, STATUS)
LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class SecondSigners:
    """One key for each of the two things that are signed twice."""

    bundle: PostQuantumSigner
    status: PostQuantumSigner


def make_second(
    directory: Path, passphrase: bytes | None, organisation: str, now: datetime, entropy: Entropy, *, sample: bool
) -> list[str]:
    """Make what is missing, encrypt what lies open, and return the names of both. Safe to repeat.

    directory: that of the keys. sample: they are a demo's, and no production starts with them.
    """
    folder, made = directory / FOLDER, []
    folder.mkdir(parents=True, exist_ok=True)
    for role in ROLES:
        key, certificate = _paths(folder, role)
        if key.exists() and certificate.exists():
            if passphrase and not key_files.is_encrypted(key):
                key_files.write(key, _pem(_signer(folder, role, None).private_key, passphrase), replace=True)
                made.append(f"{FOLDER}/{key.name}")
            continue
        key.unlink(missing_ok=True)  # half of a pair is none: it has signed nothing
        certificate.unlink(missing_ok=True)
        private = MLDSA65PrivateKey.from_seed_bytes(entropy.bytes(32))
        name = f"{organisation}{SAMPLE if sample else ' '}{role} ML-DSA-65"
        der = post_quantum_certificate(private, name, now, now + LIFE, entropy)
        key_files.write(key, _pem(private, passphrase))
        key_files.write(certificate, der)
        made.append(f"{FOLDER}/{key.name}")
    return made


def replace_second(directory: Path, roles: Collection[str]) -> None:
    """Destroy these keys, so that `make_second` makes others: one that got out, or whose ten years are over.

    What they signed is still served until the next publication; verifiers stop believing it when they drop the pin.
    """
    for role in roles:
        for path in _paths(directory / FOLDER, role):
            key_files.remove(path)


def open_second(directory: Path, passphrase: bytes | None, *, production: bool = False) -> SecondSigners | None:
    """Return the second signers, None where there are none.

    Raises ConfigurationError, in production also for a key that lies open or was made for a demo (S-60).
    """
    folder = directory / FOLDER
    if not any(path.exists() for role in ROLES for path in _paths(folder, role)):
        return None
    signers = SecondSigners(*(_signer(folder, role, passphrase) for role in ROLES))
    if production:
        for role, signer in zip(ROLES, (signers.bundle, signers.status), strict=True):
            key, _ = _paths(folder, role)
            if not key_files.is_encrypted(key):
                raise ConfigurationError(f"{key} is not encrypted", mend="wallet keys second")
            if SAMPLE in common_name(signer.certificate_der):
                raise ConfigurationError(f"{key} was made for a demo", mend=f"rm -r {folder} && wallet keys second")
    return signers


def _pem(private: MLDSA65PrivateKey, passphrase: bytes | None) -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


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
