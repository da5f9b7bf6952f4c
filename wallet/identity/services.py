"""Identity put together: what is built once per process, and the services of one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.keystore import Keystore, Secret
from wallet.entropy import Entropy
from wallet.identity.accounts import Accounts
from wallet.identity.attempts import Attempts
from wallet.identity.challenges import Challenges
from wallet.identity.changing_secrets import ChangingSecrets
from wallet.identity.changing_secrets import Transaction as SecretsTransaction
from wallet.identity.contacts import Contacts
from wallet.identity.desks import Desks
from wallet.identity.devices import DeviceProofs, Devices
from wallet.identity.due_accounts import DueAccounts
from wallet.identity.guardians import Guardians
from wallet.identity.held import IdentityHeld
from wallet.identity.holder_keys import HolderKeys
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.passkeys import Passkeys
from wallet.identity.passwords import Hasher
from wallet.identity.preferences import Preferences
from wallet.identity.questions import SecurityQuestions
from wallet.identity.repository import DatabaseSession, IdentityRepository
from wallet.identity.sessions import Sessions
from wallet.identity.signing_in import SigningIn, Transaction
from wallet.identity.staff_reads import StaffReads
from wallet.identity.staffing import StaffEnrolling, Staffing
from wallet.identity.staffing import Transaction as StaffTransaction
from wallet.identity.strangers import Strangers
from wallet.identity.tokens import TokenCodec
from wallet.identity.webauthn import Webauthn, host_of, origin_of
from wallet.messages.telling import Telling
from wallet.settings import Settings, comma_list
from wallet.terms import Actor


@dataclass(frozen=True, slots=True)
class SharedIdentity:
    """Built once per process: keys that are parsed, the one hash at a time."""

    hasher: Hasher
    tokens: TokenCodec
    challenges: Challenges
    proofs: DeviceProofs
    webauthn: Webauthn


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """The services of one transaction."""

    holders: Holders
    holder_keys: HolderKeys
    accounts: Accounts
    devices: Devices
    sessions: Sessions
    contacts: Contacts
    guardians: Guardians
    due_accounts: DueAccounts
    limits: Limits
    questions: SecurityQuestions
    strangers: Strangers
    passkeys: Passkeys
    staffing: Staffing
    desks: Desks
    staff_reads: StaffReads
    preferences: Preferences
    held: IdentityHeld


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
        webauthn=Webauthn(
            challenges,
            host_of(settings.issuer_url),
            (origin_of(settings.issuer_url), *comma_list(settings.passkey_origins)),
        ),
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
    after_unbinding: Callable[[str, Actor], object],
    after_lock: Callable[[str, Sequence[str]], object],
    after_guardianship: Callable[[str, Sequence[str], Actor], object],
) -> IdentityServices:
    """Build the services of one transaction.

    after_unbinding: see `Devices`; after_lock: see `Accounts`; after_guardianship: see `Guardians`.
    """
    repository = IdentityRepository(session)
    holders = Holders(
        repository, audit, clock, entropy, keystore.secret(Secret.NUMBER_INDEX), keystore.secret(Secret.DATA_KEYS)
    )
    contacts = Contacts(repository, holders, telling, clock, keystore.secret(Secret.NUMBER_INDEX))
    passkeys = Passkeys(repository, contacts, audit, clock, entropy)
    cooling_off = timedelta(hours=settings.cooling_off_hours)
    devices = Devices(repository, contacts, passkeys, audit, clock, cooling_off, after_unbinding)
    limits = Limits(repository, clock, keystore.secret(Secret.CODES))
    strangers = Strangers(limits, audit, settings.spraying_tries)
    accounts = Accounts(
        repository,
        holders,
        devices,
        contacts,
        shared.hasher,
        audit,
        clock,
        entropy,
        activation_life=timedelta(days=settings.activation_days),
        after_lock=after_lock,
    )
    guardians = Guardians(repository, contacts, audit, clock, after_guardianship)
    sessions = Sessions(
        repository,
        Attempts(repository, holders, devices, contacts, strangers, audit, clock),
        contacts,
        audit,
        clock,
        entropy,
        access_life=settings.access_life,
        session_life=timedelta(seconds=settings.session_seconds),
    )
    return IdentityServices(
        holders=holders,
        holder_keys=HolderKeys(repository, shared.challenges, settings.issuer_url, clock),
        accounts=accounts,
        devices=devices,
        sessions=sessions,
        contacts=contacts,
        guardians=guardians,
        due_accounts=DueAccounts(repository, audit, clock),
        limits=limits,
        questions=SecurityQuestions(repository),
        strangers=strangers,
        passkeys=passkeys,
        staffing=Staffing(repository, accounts, audit, clock, entropy, keystore.secret(Secret.CODES)),
        desks=Desks(accounts, guardians, sessions),
        staff_reads=StaffReads(limits, audit, settings.staff_reads_per_hour),
        preferences=Preferences(repository, contacts, audit),
        held=IdentityHeld(repository, holders, contacts, clock),
    )


def build_signing_in(
    write: Transaction, read: Transaction, clock: Clock, settings: Settings, shared: SharedIdentity
) -> SigningIn:
    """Build the one that opens transactions itself. write, read: those of the wallet."""
    return SigningIn(
        write,
        read,
        clock,
        shared.hasher,
        shared.proofs,
        shared.webauthn,
        shared.tokens,
        timedelta(seconds=settings.leeway_seconds),
    )


def build_changing_secrets(
    write: SecretsTransaction, read: SecretsTransaction, shared: SharedIdentity
) -> ChangingSecrets:
    """Build the one that opens transactions itself. write, read: those of the wallet."""
    return ChangingSecrets(write, read, shared.hasher)


def build_staff_enrolling(
    write: StaffTransaction, read: StaffTransaction, clock: Clock, shared: SharedIdentity
) -> StaffEnrolling:
    """Build the one that opens transactions itself. write, read: those of the wallet."""
    return StaffEnrolling(write, read, clock, shared.hasher, shared.proofs)
