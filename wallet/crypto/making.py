"""Making keys and secrets: what a deployment lacks, and the key that follows another."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import key_files
from wallet.crypto.algorithms import ALGORITHMS, PrivateKey, PublicKey
from wallet.crypto.authority import (
    DOCUMENT_SIGNER,
    LONGEST_DOCUMENT_SIGNER,
    SD_JWT_SIGNER,
    SEAL_SIGNER,
    Authority,
    SigningKey,
    certify,
    root_certificate,
)
from wallet.crypto.certificates import certified_part, public_part, read_certificate, self_signed
from wallet.crypto.keyring import FILES, KeyRecord, State, read_keyring, states_at, write_keyring
from wallet.crypto.keystore import (
    ALG,
    LASTING,
    Opening,
    Role,
    Secret,
    certificate_path,
    key_path,
    may_keep,
    needed,
    open_signer,
    secret_path,
)
from wallet.crypto.signing import Signer, SigningService, kid_of, sign_and_look
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError, Malformed, VerificationFailed
from wallet.terms import LONGEST_VALIDITY

BACKDATED = timedelta(minutes=5)
A_DAY = timedelta(days=1)
SIGNING = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Life:
    """How long a key of a role may sign, and how long its certificate lives: what was signed last must live on.

    A document ends within `LONGEST_VALIDITY`, on a day that is whole; its key's certificate lives on for that. A copy
    ends with the certificate of its signer at the latest, whatever its document says, and is then made anew.
    longest: of the whole certificate, also of one that is dated back; None where nobody sets a limit. backdated: at
    least how long before it is made it may have signed: copies carry rounded times, and what was decided while the
    signer was away is signed later.
    """

    signing: timedelta = SIGNING
    certificate: timedelta = timedelta(days=1500)
    longest: timedelta | None = None
    backdated: timedelta = BACKDATED


LIVES = dict.fromkeys(Role, Life()) | {
    Role.IACA: Life(timedelta(days=1826), timedelta(days=3652)),
    Role.DOCUMENT: Life(SIGNING, SIGNING + LONGEST_VALIDITY + A_DAY, backdated=A_DAY),
    Role.CARD: Life(backdated=A_DAY),
    Role.SD_JWT: Life(backdated=A_DAY),
    Role.MDOC: Life(timedelta(days=84), timedelta(days=456), LONGEST_DOCUMENT_SIGNER, A_DAY),
}
CERTIFIED = {Role.SD_JWT: SD_JWT_SIGNER, Role.MDOC: DOCUMENT_SIGNER, Role.SEAL: SEAL_SIGNER}
"""The roles whose certificate is by the IACA root, and what it says."""


@dataclass(frozen=True, slots=True)
class Making:
    """How keys of one deployment are made. Whoever calls holds the lock of the directory (`keystore.exclusive`).

    authority: whose keys they are. passphrase: of key files; None leaves them as they are. sample: they are a demo's.
    services: who keeps keys that are no files, by backend. backend: who keeps the new ones. refused: why none can be
    made, None where they can.
    """

    directory: Path
    entropy: Entropy
    authority: Authority
    passphrase: bytes | None = field(default=None, repr=False)
    sample: bool = False
    services: Mapping[str, SigningService] = field(default_factory=dict)
    backend: str = FILES
    refused: ConfigurationError | None = None

    def make(self, role: Role, not_before: datetime, begin: datetime, root: Signer | None) -> KeyRecord:
        """Make a key that may sign from `not_before` and takes over at `begin`; the keyring does not name it yet.

        root: who certifies it, for the roles that are certified. Raises ConfigurationError, Unavailable.
        """
        if self.refused is not None:
            raise self.refused
        life, end = LIVES[role], begin + LIVES[role].certificate
        if life.longest is not None:
            not_before = max(not_before, end - life.longest)
        if root is not None:
            end = min(end, read_certificate(root.certificate_der).not_after)
        place, private, sign = self._private(role)
        self._assert_own(role, private.public_key(), sign)
        if root is not None:
            certificate = certify(
                CERTIFIED[role], private.public_key(), root, self.authority, not_before, end, self.entropy
            )
        elif role is Role.IACA:
            certificate = root_certificate(
                cast(ec.EllipticCurvePrivateKey, private), self.authority, not_before, end, self.entropy
            )
        else:
            certificate = self_signed(private, f"{self.authority.organisation} {role}", not_before, end, self.entropy)
        record = KeyRecord(
            role=str(role),
            kid=kid_of(certificate).hex(),
            not_before=int(not_before.timestamp()),
            not_after=int(min(begin + life.signing, end).timestamp()),
            state=str(State.ACTIVE),
            issuer="" if root is None else root.kid,
            backend=self.backend,
            place=place,
            sample=self.sample,
            alg=ALG[role],
        )
        if self.backend == FILES:
            key_files.write(key_path(self.directory, record), key_files.private_pem(private, self.passphrase))
        key_files.write(certificate_path(self.directory, record), certificate)
        return record

    def root(self, records: list[KeyRecord], role: Role, now: datetime) -> Signer | None:
        """Return who certifies a key of this role, None for one that certifies itself. Raises ConfigurationError."""
        if role not in CERTIFIED:
            return None
        states = states_at(records, int(now.timestamp()))
        found = [r for r in records if r.role == Role.IACA and states[r.kid] is State.ACTIVE]
        if not found:
            raise ConfigurationError(f"no active key for the role {Role.IACA}", mend="wallet keys new")
        return open_signer(self.directory, found[-1], Opening(self.passphrase, self.services))

    def _private(self, role: Role) -> tuple[str, PrivateKey, Callable[[bytes], bytes]]:
        """Make a private key; return by which name its backend knows it, and something that signs with it.

        The last signs too, and what it returns is as the backend made it: nobody has looked at it.
        """
        if self.backend == FILES:
            private = ALGORITHMS[ALG[role]].generate()
            return "", private, partial(ALGORITHMS[ALG[role]].sign, private)
        if not may_keep(self.backend, role):
            raise ConfigurationError(f"{role}: a key for {ALG[role]} is kept in {FILES} alone", mend="wallet keys list")
        service = self.services.get(self.backend)
        if service is None:
            raise ConfigurationError(f"no {self.backend} is set up to keep keys", mend="wallet config show")
        place, public_key = service.create(f"{role}-{self.entropy.bytes(4).hex()}")
        look = partial(sign_and_look, service, place, public_key)
        return place, SigningKey(look, public_key), partial(service.sign, place)

    def _assert_own(self, role: Role, public_key: PublicKey, sign: Callable[[bytes], bytes]) -> None:
        """Refuse a key that its backend has not, or that stands in this directory already, before anything is written.

        A root certifies a key that was never used (RFC 2986 has it sign its request for that): one that is somebody
        else's would be found when it is to sign, and one that is there twice keeps every process from starting.
        """
        message = self.entropy.bytes(32)
        try:
            ALGORITHMS[ALG[role]].verify(public_key, message, sign(message))
        except VerificationFailed as error:
            told = f"{role}: {self.backend} không ký bằng khóa mà nó nêu / does not sign with the key that it names"
            raise ConfigurationError(told, mend="wallet config show") from error
        if public_part(public_key) in self._certified():
            told = f"{role}: {self.backend} nêu một khóa đã có ở đây / names a key that is here already"
            raise ConfigurationError(told, mend="wallet keys list")

    def _certified(self) -> Iterator[bytes]:
        """Return every public key that a certificate of this directory has, be it in the keyring or not."""
        for path in self.directory.glob("*.cert.der"):
            try:
                yield certified_part(path.read_bytes())
            except Malformed:
                continue  # it has no key that another could be; whoever opens the keyring says what is wrong with it


def create_missing(
    directory: Path,
    *,
    now: datetime,
    entropy: Entropy,
    authority: Authority,
    backdated: timedelta = BACKDATED,
    renew: bool = False,
    making: Making | None = None,
    also: Collection[Role] = (),
) -> list[str]:
    """Create what a deployment lacks and return the names of what was made. Safe to interrupt and to repeat.

    Raises ConfigurationError for a lasting secret that a deployment had and lost.

    authority: whose keys they are. backdated: how long before `now` a key may already have signed; a demo has documents
    with a past. renew: a role whose keys have all ended lacks one too. making: how, where it is not as plain files.
    also: optional roles that the deployment is to have from now on.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key_files.settle(directory.parent)
    making = making or Making(directory, entropy, authority)
    records = read_keyring(directory)
    absent = [name for name in Secret if not secret_path(directory, name).exists()]
    lost = [secret_path(directory, name) for name in absent if name in LASTING]
    if lost and records:  # secrets are made before the first key, so it was there
        told = [f"{path} is gone, and nothing takes its place" for path in lost]
        raise ConfigurationError(*told, mend=f"cp BACKUP/{lost[0].name} {directory}/")
    made = []
    for path in (secret_path(directory, name) for name in absent):
        key_files.write(path, entropy.bytes(32))
        made.append(path.name)
    wanted = {*needed(records, int(now.timestamp())), *also}
    for role in (role for role in Role if role in wanted):
        if _has_active(records, role, now, ended=not renew):
            continue
        begin = now - max(backdated, LIVES[role].backdated)
        made_now = making.make(role, begin, now, making.root(records, role, now))
        # Beside one that was rotated in, only a key with a later beginning signs.
        beside = any(record.role == role for record in records)
        records.append(at_once(made_now, now) if beside else made_now)
        write_keyring(directory, records)
        made.append(key_path(directory, records[-1]).name)
    return made


def at_once(record: KeyRecord, now: datetime) -> KeyRecord:
    """Return the record of a key that verifiers are told of, and that signs, from this moment."""
    return replace(record, published_at=int(now.timestamp()), active_from=int(now.timestamp()))


def encrypt_plain(directory: Path, passphrase: bytes) -> list[str]:
    """Put key files that lie open under the passphrase, one after another; return their names."""
    changed = []
    for path in sorted(directory.glob("*.key.pem")):
        if not key_files.is_encrypted(path):
            private = key_files.load_private(path, None)
            key_files.write(path, key_files.private_pem(private, passphrase), replace=True)
            changed.append(path.name)
    return changed


def _has_active(records: list[KeyRecord], role: Role, now: datetime, *, ended: bool) -> bool:
    """Return whether a key of this role signs. ended: one whose time is over counts too."""
    seconds = int(now.timestamp())
    states = states_at(records, seconds)
    return any(
        record.role == role and states[record.kid] is State.ACTIVE and (ended or record.not_after > seconds)
        for record in records
    )
