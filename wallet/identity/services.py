"""Identity put together: what is built once per process, and the services of one transaction."""

from dataclasses import dataclass
from datetime import timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.keystore import Keystore, Secret
from wallet.entropy import Entropy
from wallet.identity.accounts import Accounts
from wallet.identity.attempts import Attempts
from wallet.identity.challenges import Challenges
from wallet.identity.contacts import Contacts
from wallet.identity.devices import DeviceProofs, Devices
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.identity.passwords import Hasher
from wallet.identity.repository import DatabaseSession, IdentityRepository
from wallet.identity.sessions import Sessions
from wallet.identity.signing_in import SigningIn, Transaction
from wallet.identity.tokens import TokenCodec
from wallet.messages.telling import Telling
from wallet.settings import Settings


@dataclass(frozen=True, slots=True)
class SharedIdentity:
    """Built once per process: keys that are parsed, the one hash at a time."""

    hasher: Hasher
    tokens: TokenCodec
    challenges: Challenges
    proofs: DeviceProofs


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """The services of one transaction."""

    holders: Holders
    accounts: Accounts
    devices: Devices
    sessions: Sessions
    contacts: Contacts
    guardians: Guardians


def share_identity(settings: Settings, entropy: Entropy, keystore: Keystore) -> SharedIdentity:
    """Build what one process needs once."""
    challenges = Challenges(keystore.secret(Secret.CHALLENGES), entropy, timedelta(seconds=settings.challenge_seconds))
    return SharedIdentity(
        hasher=Hasher(
            keystore.secret(Secret.PEPPER),
            entropy,
            time_cost=settings.argon2_time_cost,
            memory_kib=settings.argon2_memory_kib,
        ),
        tokens=TokenCodec(keystore, settings.issuer_url),
        challenges=challenges,
        proofs=DeviceProofs(challenges, settings.issuer_url),
    )


def build_identity(
    session: DatabaseSession,
    audit: Audit,
    clock: Clock,
    entropy: Entropy,
    keystore: Keystore,
    settings: Settings,
    shared: SharedIdentity,
    telling: Telling,
) -> IdentityServices:
    """Build the services of one transaction."""
    repository = IdentityRepository(session)
    holders = Holders(
        repository, clock, entropy, keystore.secret(Secret.NUMBER_INDEX), keystore.secret(Secret.DATA_KEYS)
    )
    contacts = Contacts(repository, holders, telling, clock, keystore.secret(Secret.NUMBER_INDEX))
    devices = Devices(repository, audit, clock)
    return IdentityServices(
        holders=holders,
        accounts=Accounts(repository, holders, devices, shared.hasher, audit, clock, entropy),
        devices=devices,
        sessions=Sessions(
            repository,
            Attempts(repository, holders, devices, audit, clock),
            audit,
            clock,
            entropy,
            access_life=settings.access_life,
            session_life=timedelta(seconds=settings.session_seconds),
        ),
        contacts=contacts,
        guardians=Guardians(repository, audit, clock),
    )


def build_signing_in(
    write: Transaction, read: Transaction, clock: Clock, settings: Settings, shared: SharedIdentity
) -> SigningIn:
    """Build the one that opens transactions itself. write, read: those of the wallet."""
    return SigningIn(
        write, read, clock, shared.hasher, shared.proofs, shared.tokens, timedelta(seconds=settings.leeway_seconds)
    )
