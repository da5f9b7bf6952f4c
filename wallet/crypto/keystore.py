"""The keys and secrets of one deployment: files below one directory, read once, and again when the keyring changes.

One key has one role; the keyring names them with the time in which each may sign. Secrets are 32 random bytes each.
Nothing here is ever written to a database, a log or an answer.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.clock import Clock, SystemClock
from wallet.crypto import key_files
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keyring import FILES, KEYRING, KeyRecord, State, read_keyring, states_at
from wallet.crypto.signing import LocalSigner, ServiceSigner, Signer, SigningService, kid_of
from wallet.errors import ConfigurationError, Unavailable, WalletError

try:
    import fcntl
except ImportError:  # Windows: two preparations at once are then the operator's to avoid
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
LOOK_AGAIN_AFTER = timedelta(seconds=1)
TRY_AGAIN_AFTER = timedelta(seconds=30)
log = structlog.get_logger("wallet.keys")


class Role(StrEnum):
    """What a key is for; it is used for nothing else. The names of published ones are those of docs/wire.md, section 4.

    IACA certifies the signers below it and signs nothing else; a key is made after the one that certifies it. CARD
    signs what a phone shows from, LIVE both layers of what is shown without one, its own key in the place of a phone's.
    """

    DOCUMENT = "doc"
    CARD = "card"
    LIVE = "live"
    STATUS = "status"
    BUNDLE_ROOT = "bundle"
    ACCESS = "access"
    REFRESH = "refresh"
    IACA = "iaca"
    SD_JWT = "sdjwt"
    MDOC = "mdoc"
    SEAL = "seal"


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


LASTING = frozenset({Secret.PEPPER, Secret.NUMBER_INDEX, Secret.DATA_KEYS, Secret.STATUS_ORDER})
"""The secrets that nothing can take the place of: another one opens nothing, and draws indices a second time."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is loaded. record: its state is what it is now. chain: certificates, the signer's first."""

    record: KeyRecord
    signer: Signer
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens the keys.

    passphrase: of key files. passphrase_file: where it is looked for when there is none: the first key that is
    encrypted may come while others lie open and a server runs. services: who keeps those that are no files, by
    backend; None where nothing is to be signed, as when a command only looks. production: whether what a demo may do is
    refused.
    """

    passphrase: bytes | None = field(default=None, repr=False)
    services: Mapping[str, SigningService] | None = None
    production: bool = False
    passphrase_file: Path | None = None

    def found(self, directory: Path) -> "Opening":
        """Return the same with the passphrase that lies there now. Raises ConfigurationError."""
        if self.passphrase is not None or self.passphrase_file is None:
            return self
        return replace(self, passphrase=key_files.read_passphrase(self.passphrase_file, outside=directory))


@dataclass(frozen=True, slots=True)
class _Face:
    """The keys as they are from `begin` until before `end`, in seconds: between two moments nothing changes."""

    epoch: tuple[int, int]
    begin: int
    end: int
    by_role: Mapping[str, tuple[Key, ...]]


@dataclass(frozen=True, slots=True)
class _Ring:
    """One reading of the keyring. revision: rises with each."""

    revision: int
    stamp: tuple[int, ...]
    keys: tuple[Key, ...]
    moments: tuple[int, ...]

    def face(self, now: int) -> _Face:
        past = [moment for moment in self.moments if moment <= now]
        coming = [moment for moment in self.moments if moment > now]
        states = states_at((key.record for key in self.keys), now)
        by_role: dict[str, list[Key]] = {role: [] for role in Role}
        for key in self.keys:
            state = replace(key.record, state=str(states[key.record.kid]))
            by_role.setdefault(key.record.role, []).append(replace(key, record=state))
        return _Face(
            (self.revision, len(past)),
            max(past, default=-(2**62)),
            min(coming, default=2**62),
            {role: tuple(keys) for role, keys in by_role.items()},
        )


class Keystore:
    """The keys as they are now. Private keys stay inside the signers."""

    def __init__(
        self, directory: Path, ring: _Ring, secrets: Mapping[Secret, bytes], opening: Opening, clock: Clock
    ) -> None:
        self._directory, self._ring, self._secrets = directory, ring, secrets
        self._opening, self._clock = opening, clock
        self._looked_at = clock.now()
        self._refused: tuple[int, ...] = ()
        self._face = ring.face(int(self._looked_at.timestamp()))
        self._lock = threading.Lock()

    @classmethod
    def open(cls, directory: Path, opening: Opening | None = None, *, clock: Clock | None = None) -> "Keystore":
        """Load everything. Raises ConfigurationError that names every problem and the command that mends it.

        opening: without it, what a newcomer's deployment needs: the passphrase that lies beside the directory.
        """
        if opening is None:
            opening = Opening(passphrase_file=key_files.passphrase_file(directory))
        problems, secrets = [], {}
        for name in Secret:
            path = secret_path(directory, name)
            secrets[name] = path.read_bytes() if path.is_file() else b""
            if len(secrets[name]) != 32:
                problems.append(f"{path} is missing or damaged")
        clock = clock or SystemClock()
        ring = _load(directory, opening, int(clock.now().timestamp()), problems)
        return cls(directory, ring, secrets, opening, clock)

    def keys(self, role: Role) -> tuple[Key, ...]:
        """Return every key of a role, oldest first, each in the state that it has now."""
        return self._current().by_role[role]

    def signer(self, role: Role) -> Signer:
        """Return who signs for a role now. Raises Unavailable("signing_unavailable") when no key of it is active."""
        for key in reversed(self.keys(role)):
            if key.record.state == State.ACTIVE:
                return key.signer
        raise Unavailable("signing_unavailable")

    @property
    def epoch(self) -> tuple[int, int]:
        """Return what changes whenever a key came, went or has another state: what was made of keys is then old."""
        return self._current().epoch

    def secret(self, name: Secret) -> bytes:
        return self._secrets[name]

    def close(self) -> None:
        """Give the connections of signing services back."""
        for service in (self._opening.services or {}).values():
            service.close()

    def _current(self) -> _Face:
        now = self._clock.now()
        if not timedelta(0) <= now - self._looked_at < LOOK_AGAIN_AFTER:
            self._follow(now)
        seconds, face, ring = int(now.timestamp()), self._face, self._ring
        if face.epoch[0] != ring.revision or not face.begin <= seconds < face.end:
            face = ring.face(seconds)
            self._face = face
        return face

    def _follow(self, now: datetime) -> None:
        """Look whether the keyring is another; take it if it is whole, and keep what is held if it is not."""
        if not self._lock.acquire(blocking=False):
            return  # another thread is looking
        try:
            stamp, since = _stamp(self._directory), now - self._looked_at
            self._looked_at = now
            if stamp in (self._ring.stamp, ()) or (stamp == self._refused and since < TRY_AGAIN_AFTER):
                return
            self._refused = stamp
            self._ring = _load(self._directory, self._opening, int(now.timestamp()), [], self._ring)
            log.info("keyring taken", keys=len(self._ring.keys), revision=self._ring.revision)
        except (ConfigurationError, OSError) as error:
            log.error("keyring refused", problems=str(error))
        finally:
            self._lock.release()


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Let one process at a time prepare a deployment; the others wait. The lock ends with the process that holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_signer(directory: Path, record: KeyRecord, opening: Opening) -> Signer:
    """Return the signer of one key; one that is revoked has a certificate alone, and signs nothing.

    Raises ConfigurationError for a file that is not what the record says.
    """
    path, revoked = key_path(directory, record), record.state == State.REVOKED
    filed = record.backend == FILES and not revoked
    if filed:
        private = key_files.load_private(path, opening.passphrase)
    certificate = certificate_path(directory, record).read_bytes()
    try:
        certified = read_certificate(certificate).public_key
    except WalletError as error:
        raise ConfigurationError(f"{path} or its certificate is not on P-256", mend="wallet doctor") from error
    if certified is None:
        raise ConfigurationError(f"{path} or its certificate is not on P-256", mend="wallet doctor")
    if kid_of(certificate).hex() != record.kid:
        raise ConfigurationError(f"{path}: its certificate has another kid", mend="wallet doctor")
    if not filed:
        services = None if revoked else opening.services
        if services is not None and record.backend not in services:
            told = f"{record.role} {record.kid} is kept by {record.backend}, which is not set up"
            raise ConfigurationError(told, mend="wallet config show")
        return ServiceSigner((services or {}).get(record.backend, _Nobody()), record.place, certificate)
    if certified != private.public_key():
        raise ConfigurationError(f"{path}: its certificate is another key's", mend="wallet doctor")
    return LocalSigner(private, certificate)


class _Nobody:
    """Stands for a service that is not asked for: a command that only looks signs nothing."""

    def create(self, label: str) -> tuple[str, ec.EllipticCurvePublicKey]:
        raise Unavailable("signing_unavailable")

    def sign(self, place: str, message: bytes) -> bytes:
        raise Unavailable("signing_unavailable")

    def close(self) -> None:
        """There is nothing to give back."""


def secret_path(directory: Path, name: Secret) -> Path:
    return directory / f"{name}.secret"


def key_path(directory: Path, record: KeyRecord) -> Path:
    return directory / f"{record.role}-{record.kid}.key.pem"


def certificate_path(directory: Path, record: KeyRecord) -> Path:
    return directory / f"{record.role}-{record.kid}.cert.der"


def _load(directory: Path, opening: Opening, now: int, problems: list[str], before: _Ring | None = None) -> _Ring:
    """Read the keyring and what it names. problems: found already, told together with those found here.

    before: the reading before this one; a key that is in both is not loaded again.
    """
    stamp, records, opening = _stamp(directory), read_keyring(directory), opening.found(directory)
    problems = [*problems, *_faults(directory, records, opening, now, starting=before is None)]
    if problems:
        raise ConfigurationError(*problems, mend="wallet keys new")
    known = {} if before is None else {_place(key.record): key.signer for key in before.keys}
    signers = {record.kid: known.get(_place(record)) or open_signer(directory, record, opening) for record in records}
    orphans = [record for record in records if record.issuer and record.issuer not in signers]
    if orphans:
        told = [f"the key {r.issuer}, which certified {r.role} {r.kid}, is not in {directory}" for r in orphans]
        raise ConfigurationError(*told, mend="wallet doctor")
    if len({_point(signer) for signer in signers.values()}) != len(signers):
        raise ConfigurationError(f"one key in {directory} stands under two certificates", mend="wallet doctor")
    moments = {moment for record in records for moment in record.moments if moment}
    keys = tuple(Key(record, signers[record.kid], _chain(record, signers)) for record in records)
    return _Ring(1 if before is None else before.revision + 1, stamp, keys, tuple(sorted(moments)))


def _place(record: KeyRecord) -> tuple[str | bool, ...]:
    """Return what a signer is opened by; one whose key is revoked meanwhile is another."""
    return (record.kid, record.role, record.backend, record.place, record.state == State.REVOKED)


def _faults(directory: Path, records: list[KeyRecord], opening: Opening, now: int, *, starting: bool) -> Iterator[str]:
    """Find what stops a start, as far as it shows before any key is opened (docs/security.md, S-60).

    starting: whether no role may lack its key. A running server follows a revocation whose replacement is
    not there yet, and signs nothing for that role, rather than sign on with what was revoked.
    """
    for path in sorted([*directory.glob("*.key.pem"), *directory.glob("*.secret")]):
        if key_files.readable_by_others(path):
            yield f"{path} is readable by others (chmod 600 {path})"
    states = states_at(records, now)
    for role in Role:
        if starting and not any(r.role == role and states[r.kid] is State.ACTIVE for r in records):
            yield f"no active key for the role {role} in {directory}"
    if len(states) != len(records):
        yield f"two keys in {directory} share a kid"
    for record in records:
        path = key_path(directory, record)
        filed = record.backend == FILES and record.state != State.REVOKED
        if (filed and not path.is_file()) or not certificate_path(directory, record).is_file():
            yield f"{path} or its certificate is missing"
        elif opening.production and filed and not key_files.is_encrypted(path):
            yield f"{path} is not encrypted"
        if opening.production and record.sample:
            yield f"{record.role} {record.kid} was made for a demo"


def _stamp(directory: Path) -> tuple[int, ...]:
    """Return what tells one keyring from another without reading it; empty while there is none."""
    try:
        found = (directory / KEYRING).stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _chain(record: KeyRecord, signers: Mapping[str, Signer]) -> tuple[bytes, ...]:
    own = signers[record.kid].certificate_der
    return (own, signers[record.issuer].certificate_der) if record.issuer else (own,)


def _point(signer: Signer) -> ec.EllipticCurvePublicNumbers | None:
    public_key = read_certificate(signer.certificate_der).public_key
    return None if public_key is None else public_key.public_numbers()
