"""Files of keys and secrets: readable by their owner alone, written whole or not at all, private keys encrypted.

A private key is PKCS#8 under a passphrase (RFC 5958, section 3; PBES2 of RFC 8018, section 6.2) which lies in a file
outside the directory of the keys: who copies one of the two has nothing.
"""

import os
import stat
import sys
from pathlib import Path
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wallet.crypto.algorithms import ALGORITHMS, PrivateKey
from wallet.errors import ConfigurationError

LEAST_PASSPHRASE_BYTES = 32
"""PKCS#8 stretches a passphrase little: it has to be chance, not a word. `openssl rand -hex 32` makes one."""
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


def passphrase_file(directory: Path, given: str = "") -> Path:
    """Return where the passphrase is: as set, or beside the directory of the keys and named after it."""
    return Path(given) if given else directory.absolute().with_name(f"{directory.absolute().name}.passphrase")


def read_passphrase(path: Path, *, outside: Path) -> bytes | None:
    """Return the passphrase, None where there is no file. outside: the directory in which it must not lie.

    Raises ConfigurationError for one that others may read, that lies beside the keys, or that is too short.
    """
    if not path.is_file():
        return None
    if path.resolve().is_relative_to(outside.resolve()):
        raise ConfigurationError(
            f"{path} lies beside the keys that it protects", mend="export WALLET_KEYS_PASSPHRASE_FILE=..."
        )
    if readable_by_others(path):
        raise ConfigurationError(f"{path} is readable by others (chmod 600 {path})", mend=f"chmod 600 {path}")
    passphrase = path.read_bytes().strip()
    if len(passphrase) < LEAST_PASSPHRASE_BYTES:
        raise ConfigurationError(f"{path} is shorter than {LEAST_PASSPHRASE_BYTES} bytes", mend="wallet doctor")
    return passphrase


def readable_by_others(path: Path) -> bool:
    """Return whether anybody but its owner may do anything with a file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def read_secret(path: Path, setting: str, least: int) -> bytes:
    """Return what a file that is its owner's alone holds. setting: what names it. Raises ConfigurationError."""
    if not path.is_file():
        raise ConfigurationError(f"{setting}: {path if path.name else 'empty'} is no file", mend="wallet config show")
    if readable_by_others(path):
        raise ConfigurationError(f"{path} is readable by others (chmod 600 {path})", mend=f"chmod 600 {path}")
    content = path.read_bytes().strip()
    if len(content) < least:
        raise ConfigurationError(f"{path} is shorter than {least} bytes", mend=f"export {setting}=...")
    return content


def stamp(path: Path) -> tuple[int, ...]:
    """Return what tells one content of a file from another without reading it; empty while there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def is_encrypted(path: Path) -> bool:
    """Return whether a private key lies under a passphrase."""
    return _ENCRYPTED in path.read_bytes()


def private_pem(private: PrivateKey, passphrase: bytes | None) -> bytes:
    """Return a private key as PEM, encrypted unless there is no passphrase."""
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def load_private(path: Path, passphrase: bytes | None, alg: str | None = None) -> PrivateKey:
    """Return the private key of a file. alg: of which algorithm it is to be; None for any that keys here have.

    Raises ConfigurationError.
    """
    content = path.read_bytes()
    encrypted = _ENCRYPTED in content
    if encrypted and not passphrase:
        raise ConfigurationError(
            f"{path} is encrypted and there is no passphrase", mend="export WALLET_KEYS_PASSPHRASE_FILE=..."
        )
    try:
        private = load_pem_private_key(content, password=passphrase if encrypted else None)
    except ValueError as error:
        told = "is not a private key under this passphrase" if encrypted else "is not a private key"
        raise ConfigurationError(f"{path} {told}", mend="wallet doctor") from error
    except UnsupportedAlgorithm as error:
        raise ConfigurationError(f"{path} is a key of an unknown kind", mend="wallet doctor") from error
    wanted = [algorithm for name, algorithm in ALGORITHMS.items() if alg in (None, name)]
    if not any(algorithm.fits(private) for algorithm in wanted):
        kinds = " or ".join(algorithm.kind for algorithm in wanted)
        raise ConfigurationError(f"{path} is not a {kinds} key", mend="wallet doctor")
    return cast(PrivateKey, private)


def write(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner reads: whole or not at all, and there for good once this returns."""
    if path.exists() and not replace:
        raise ConfigurationError(f"{path} already exists", mend="wallet doctor")
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    settle(path.parent)


def append(path: Path, content: bytes) -> None:
    """Add to a file that only its owner reads; what was added is there for good once this returns."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if new:
        settle(path.parent)


def rename(path: Path, other: Path) -> None:
    """Give a file another name, for good."""
    path.replace(other)
    settle(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there, so that no power cut brings it back."""
    path.unlink(missing_ok=True)
    settle(path.parent)


def settle(directory: Path) -> None:
    """Return once what a directory names is on the disk: a name that was changed is else lost with the power."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
