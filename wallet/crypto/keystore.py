"""The keys and secrets of one deployment: files below one directory, read once, and again when the keyring changes.

One key has one role; the keyring names them with the time in which each may sign. Secrets are 32 random bytes each.
Nothing here is ever written to a database, a log or an answer.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog

from wallet.clock import Clock, SystemClock
from wallet.crypto import key_files
from wallet.crypto.algorithms import ALGORITHMS, ES256, ML_DSA_65
from wallet.crypto.certificates import certified_part
from wallet.crypto.keyring import FILES, KEYRING, KeyRecord, State, lost_at, read_keyring, states_at
from wallet.crypto.signing import AbsentSigner, ServiceSigner, Signer, SigningService, kid_of
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
    SECOND_BUNDLE and SECOND_STATUS sign bundle and lists once more (docs/decisions/0025).
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
    SECOND_BUNDLE = "second-bundle"
    SECOND_STATUS = "second-status"


OPTIONAL = (Role.SECOND_BUNDLE, Role.SECOND_STATUS)
"""The roles that a deployment may do without, until it has begun to use them."""
REQUIRED = tuple(role for role in Role if role not in OPTIONAL)
ALG = dict.fromkeys(map(str, REQUIRED), ES256) | dict.fromkeys(map(str, OPTIONAL), ML_DSA_65)
"""With which algorithm the keys of each role sign."""


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
    """A key that is loaded.

    record: its state is what it is now. chain: certificates, the signer's first. lost_at: when it or the root that
    certified it was revoked, in seconds since 1970, None where neither was.
    """

    record: KeyRecord
    signer: Signer
    chain: tuple[bytes, ...]
    lost_at: int | None = None


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
        lost = lost_at(key.record for key in self.keys)
        by_role: dict[str, list[Key]] = {role: [] for role in Role}
        for key in self.keys:
            state = replace(key.record, state=str(states[key.record.kid]))
            key = replace(key, record=state, lost_at=lost.get(key.record.kid))
            by_role.setdefault(key.record.role, []).append(key)
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
        self._refused: tuple[tuple[int, ...], datetime] = ((), self._looked_at)
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

    def is_lost(self, kid: str | None) -> bool:
        """Return whether a key of ours was revoked, or the root that certified it was, as the keyring says now.

        It looks at once: what is handed out next rests on the answer.
        """
        self._follow(self._clock.now())
        every = (key for keys in self._current().by_role.values() for key in keys)
        return any(key.record.kid == kid and key.lost_at is not None for key in every)

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
            stamp, (refused, at) = key_files.stamp(self._directory / KEYRING), self._refused
            self._looked_at = now
            again = stamp != refused or not timedelta(0) <= now - at < TRY_AGAIN_AFTER
            if stamp in (self._ring.stamp, ()) or not again:
                return
            self._refused = (stamp, now)
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
    algorithm = ALGORITHMS.get(record.alg)
    if algorithm is None:
        raise ConfigurationError(f"{path}: no algorithm is called {record.alg}", mend="wallet doctor")
    filed = record.backend == FILES and not revoked
    private = key_files.load_private(path, opening.passphrase, record.alg) if filed else None
    certificate = certificate_path(directory, record).read_bytes()
    try:
        certified = algorithm.certified(certificate)
    except WalletError as error:
        told = f"{path} or its certificate is not that of a {algorithm.kind} key"
        raise ConfigurationError(told, mend="wallet doctor") from error
    if kid_of(certificate).hex() != record.kid:
        raise ConfigurationError(f"{path}: its certificate has another kid", mend="wallet doctor")
    if private is not None:
        if certified != private.public_key():
            raise ConfigurationError(f"{path}: its certificate is another key's", mend="wallet doctor")
        return algorithm.signer(private, certificate)
    if revoked or opening.services is None:
        return AbsentSigner(certificate)
    if record.backend not in opening.services:
        told = f"{record.role} {record.kid} is kept by {record.backend}, which is not set up"
        raise ConfigurationError(told, mend="wallet config show")
    return ServiceSigner(opening.services[record.backend], record.place, certificate)


def may_keep(backend: str, role: Role) -> bool:
    """Return whether a backend may keep the keys of a role: signing services know ES256 alone."""
    return backend == FILES or ALG[role] == ES256


def has_begun(record: KeyRecord) -> bool:
    """Return whether a key has begun to sign: not one that was taken back before. record: with the state it has now."""
    waiting = record.state in (State.PLANNED, State.PUBLISHED)
    return not waiting and not 0 < record.revoked_at < record.active_from


def needed(records: Iterable[KeyRecord], now: int) -> list[Role]:
    """Return the roles that have to have a key that signs: an optional one too, once a key of it has begun to."""
    records = list(records)
    states = states_at(records, now)
    begun = {r.role for r in records if has_begun(replace(r, state=str(states[r.kid])))}
    return [role for role in Role if role not in OPTIONAL or role in begun]


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
    stamp, records, opening = key_files.stamp(directory / KEYRING), read_keyring(directory), opening.found(directory)
    problems = [*problems, *_faults(directory, records, opening, now, starting=before is None)]
    if problems:
        raise ConfigurationError(*problems, mend="wallet keys new")
    known = {} if before is None else {_place(key.record): key.signer for key in before.keys}
    signers = {record.kid: known.get(_place(record)) or open_signer(directory, record, opening) for record in records}
    orphans = [record for record in records if record.issuer and record.issuer not in signers]
    if orphans:
        told = [f"the key {r.issuer}, which certified {r.role} {r.kid}, is not in {directory}" for r in orphans]
        raise ConfigurationError(*told, mend="wallet doctor")
    if len({certified_part(signer.certificate_der) for signer in signers.values()}) != len(signers):
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
    for role in needed(records, now):
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
        if record.alg != ALG.get(record.role, record.alg):
            yield f"{record.role} {record.kid} is a key for {record.alg}"
        if opening.production and record.sample:
            yield f"{record.role} {record.kid} was made for a demo"


def _chain(record: KeyRecord, signers: Mapping[str, Signer]) -> tuple[bytes, ...]:
    own = signers[record.kid].certificate_der
    return (own, signers[record.issuer].certificate_der) if record.issuer else (own,)
