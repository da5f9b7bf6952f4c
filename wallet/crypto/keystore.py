"""The keys and secrets of one deployment: files below one directory, read once.

One key has one role; the keyring (`keyring.json`) names them with the time in which each may sign. Secrets
are 32 random bytes each. Nothing here is ever written to a database, a log or an answer.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wallet.crypto.authority import (
    DOCUMENT_SIGNER,
    LONGEST_DOCUMENT_SIGNER,
    SD_JWT_SIGNER,
    SEAL_SIGNER,
    Authority,
    certify,
    root_certificate,
)
from wallet.crypto.certificates import read_certificate, self_signed
from wallet.crypto.signing import LocalSigner
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError, WalletError

try:
    import fcntl
except ImportError:  # Windows: two preparations at once are then the operator's to avoid
    fcntl = None  # type: ignore[assignment]

KEYRING = "keyring.json"
LOCK = ".lock"
BACKDATED = timedelta(minutes=5)


class Role(StrEnum):
    """What a key is for; it is used for nothing else. The names of published ones are those of docs/wire.md, section 4.

    IACA certifies the signers below it and signs nothing else; a key is made after the one that certifies it.
    """

    DOCUMENT = "doc"
    STATUS = "status"
    BUNDLE_ROOT = "bundle"
    ACCESS = "access"
    REFRESH = "refresh"
    IACA = "iaca"
    SD_JWT = "sdjwt"
    MDOC = "mdoc"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class Life:
    """How long a key of a role may sign, and how long its certificate lives: what was signed last must live on.

    longest: of the whole certificate, also of one that is dated back; None where nobody sets a limit.
    """

    signing: timedelta
    certificate: timedelta
    longest: timedelta | None = None


LIVES = dict.fromkeys(Role, Life(timedelta(days=730), timedelta(days=1500))) | {
    Role.IACA: Life(timedelta(days=1826), timedelta(days=3652)),
    Role.MDOC: Life(timedelta(days=84), timedelta(days=456), LONGEST_DOCUMENT_SIGNER),
}
CERTIFIED = {Role.SD_JWT: SD_JWT_SIGNER, Role.MDOC: DOCUMENT_SIGNER, Role.SEAL: SEAL_SIGNER}
"""The roles whose certificate is by the IACA root, and what it says."""


class Secret(StrEnum):
    """The secrets that stay outside the database."""

    PEPPER = "pepper"
    NUMBER_INDEX = "number-index"
    DATA_KEYS = "data-keys"
    STATUS_ORDER = "status-order"
    CHALLENGES = "challenges"
    CURSORS = "cursors"
    IDEMPOTENCY = "idempotency"
    MESSAGES = "messages"
    CODES = "codes"
    FORMS = "forms"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as the keyring tells it. kid: 16 lower-case hex digits. Times: seconds since 1970.

    issuer: the kid of the key that certified it, "" for one that certified itself.
    """

    role: str
    kid: str
    not_before: int
    not_after: int
    state: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is loaded: its record and its signer. chain: certificates, the signer's first, the root's last."""

    record: KeyRecord
    signer: LocalSigner
    chain: tuple[bytes, ...]


class Keystore:
    """What `open` read. Private keys stay inside the signers."""

    def __init__(self, keys: tuple[Key, ...], secrets: dict[Secret, bytes]) -> None:
        self._keys = keys
        self._secrets = secrets

    @classmethod
    def open(cls, directory: Path) -> "Keystore":
        """Load everything. Raises ConfigurationError that names every problem and the command that mends it."""
        problems = []
        for path in sorted([*directory.glob("*.key.pem"), *directory.glob("*.secret")]):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                problems.append(f"{path} is readable by others (chmod 600 {path})")
        secrets = {}
        for name in Secret:
            path = directory / f"{name}.secret"
            secrets[name] = path.read_bytes() if path.is_file() else b""
            if len(secrets[name]) != 32:
                problems.append(f"{path} is missing or damaged")
        records = _read_keyring(directory)
        for role in Role:
            if not _has_active(records, role):
                problems.append(f"no active key for the role {role} in {directory}")
        if len({record.kid for record in records}) != len(records):
            problems.append(f"two keys in {directory} share a kid")
        missing = [
            r for r in records if not _key_path(directory, r).is_file() or not _certificate_path(directory, r).is_file()
        ]
        problems += [f"{_key_path(directory, record)} or its certificate is missing" for record in missing]
        if problems:
            raise ConfigurationError(*problems, mend="wallet keys new")
        signers = {record.kid: _load_signer(directory, record) for record in records}
        problems = [
            f"the key {record.issuer}, which certified {record.role} {record.kid}, is not in {directory}"
            for record in records
            if record.issuer and record.issuer not in signers
        ]
        if problems:
            raise ConfigurationError(*problems, mend="wallet doctor")
        keys = tuple(Key(record, signers[record.kid], _chain(record, signers)) for record in records)
        if len({_point(key.signer) for key in keys}) != len(keys):
            raise ConfigurationError(f"one key in {directory} stands under two certificates", mend="wallet doctor")
        return cls(keys, secrets)

    def keys(self, role: Role) -> tuple[Key, ...]:
        """Return every key of a role, oldest first."""
        return tuple(key for key in self._keys if key.record.role == role)

    def signer(self, role: Role) -> LocalSigner:
        """Return the signer that is active for a role: the youngest whose state is `active`."""
        return next(key.signer for key in reversed(self.keys(role)) if key.record.state == "active")

    def secret(self, name: Secret) -> bytes:
        return self._secrets[name]


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Let one process at a time prepare a deployment; the others wait. The lock ends with the process that holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def create_missing(
    directory: Path,
    *,
    now: datetime,
    entropy: Entropy,
    authority: Authority,
    backdated: timedelta = BACKDATED,
    renew: bool = False,
) -> list[str]:
    """Create what a deployment lacks and return the names of what was made. Safe to interrupt and to repeat.

    authority: whose keys they are. backdated: how long before `now` a key may already have signed; a demo has documents
    with a past. renew: a role whose keys have all ended lacks one too.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = []
    for name in Secret:
        path = directory / f"{name}.secret"
        if not path.exists():
            _write(path, entropy.bytes(32))
            made.append(path.name)
    records = _read_keyring(directory)
    for role in Role:
        if _has_active(records, role, after=int(now.timestamp()) if renew else 0):
            continue
        root = _active_root(directory, records) if role in CERTIFIED else None
        records.append(_create_key(directory, role, now - backdated, now, entropy, authority, root))
        _write(directory / KEYRING, json.dumps([asdict(r) for r in records], indent=1).encode(), replace=True)
        made.append(_key_path(directory, records[-1]).name)
    return made


def _create_key(
    directory: Path,
    role: Role,
    begin: datetime,
    now: datetime,
    entropy: Entropy,
    authority: Authority,
    root: LocalSigner | None,
) -> KeyRecord:
    private, life = ec.generate_private_key(ec.SECP256R1()), LIVES[role]
    end = now + life.certificate
    if life.longest is not None:
        begin = max(begin, end - life.longest)
    if root is not None:
        certificate = certify(CERTIFIED[role], private.public_key(), root, authority, begin, end, entropy)
    elif role is Role.IACA:
        certificate = root_certificate(private, authority, begin, end, entropy)
    else:
        certificate = self_signed(private, f"{authority.organisation} {role}", begin, end, entropy)
    signer = LocalSigner(private, certificate)
    record = KeyRecord(
        role=str(role),
        kid=signer.kid,
        not_before=int(begin.timestamp()),
        not_after=int((now + life.signing).timestamp()),
        state="active",
        issuer="" if root is None else root.kid,
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(_key_path(directory, record), pem)
    _write(_certificate_path(directory, record), certificate)
    return record


def _active_root(directory: Path, records: list[KeyRecord]) -> LocalSigner:
    """Return the signer of the youngest active root; the role stands before those that it certifies."""
    record = next(r for r in reversed(records) if r.role == Role.IACA and r.state == "active")
    return _load_signer(directory, record)


def _read_keyring(directory: Path) -> list[KeyRecord]:
    path = directory / KEYRING
    if not path.is_file():
        return []
    try:
        return [KeyRecord(**item) for item in json.loads(path.read_text())]
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is not readable as a keyring: {error}", mend="wallet doctor") from error


def _load_signer(directory: Path, record: KeyRecord) -> LocalSigner:
    path = _key_path(directory, record)
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not a private key", mend="wallet doctor") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ConfigurationError(f"{path} is not a P-256 key", mend="wallet doctor")
    try:
        signer = LocalSigner(private, _certificate_path(directory, record).read_bytes())
        certified = read_certificate(signer.certificate_der).public_key
    except WalletError as error:
        raise ConfigurationError(f"{path} or its certificate is not on P-256", mend="wallet doctor") from error
    if signer.kid != record.kid:
        raise ConfigurationError(f"{path}: its certificate has another kid", mend="wallet doctor")
    if certified != private.public_key():
        raise ConfigurationError(f"{path}: its certificate is another key's", mend="wallet doctor")
    return signer


def _chain(record: KeyRecord, signers: Mapping[str, LocalSigner]) -> tuple[bytes, ...]:
    own = signers[record.kid].certificate_der
    return (own, signers[record.issuer].certificate_der) if record.issuer else (own,)


def _point(signer: LocalSigner) -> ec.EllipticCurvePublicNumbers | None:
    public_key = read_certificate(signer.certificate_der).public_key
    return None if public_key is None else public_key.public_numbers()


def _has_active(records: list[KeyRecord], role: Role, after: int = 0) -> bool:
    return any(record.role == role and record.state == "active" and record.not_after > after for record in records)


def _key_path(directory: Path, record: KeyRecord) -> Path:
    return directory / f"{record.role}-{record.kid}.key.pem"


def _certificate_path(directory: Path, record: KeyRecord) -> Path:
    return directory / f"{record.role}-{record.kid}.cert.der"


def _write(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner reads: whole or not at all."""
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
