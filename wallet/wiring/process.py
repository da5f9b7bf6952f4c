"""The only place that connects: `Wallet` is what is built once, `Work` the services of one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy.orm import Session

from wallet.audit import Audit
from wallet.checks.checking import Checking
from wallet.clock import Clock, SystemClock
from wallet.crypto.keystore import Keystore, Role, Secret
from wallet.db import Database
from wallet.documents.holding import Holding
from wallet.documents.issuing import Issuing
from wallet.documents.publishing import Publisher
from wallet.documents.repository import DocumentRepository, PublicationRepository, StatusRepository
from wallet.documents.revoking import Revoking
from wallet.documents.status import Indices, StatusBoard
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy, SystemEntropy
from wallet.idempotency import Idempotency
from wallet.identity.accounts import Accounts
from wallet.identity.contacts import Contacts
from wallet.identity.devices import Devices
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.identity.services import (
    IdentityServices,
    SharedIdentity,
    build_identity,
    build_signing_in,
    share_identity,
)
from wallet.identity.sessions import Sessions
from wallet.identity.signing_in import SigningIn
from wallet.launching.repository import LaunchingRepository
from wallet.launching.rollout import Rollout
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import Telling
from wallet.requests.lifecycle import Requests
from wallet.requests.repository import RequestRepository
from wallet.settings import Settings
from wallet.single_use import forget_expired
from wallet.sources.base import Register, RegisterCode
from wallet.sources.embedded import EmbeddedPopulation, EmbeddedResidence
from wallet.sources.reading import Sources
from wallet.utilities.catalogue import Catalogue

FIRST_STATUS_LIST = 1
TIDY_EVERY = timedelta(hours=1)


class Work:
    """The services of one transaction, each made when it is first asked for."""

    def __init__(self, wallet: "Wallet", session: Session) -> None:
        self.wallet = wallet
        self.session = session
        self.audit = Audit(session, wallet.clock)

    @cached_property
    def identity(self) -> IdentityServices:
        wallet = self.wallet
        return build_identity(
            self.session,
            self.audit,
            wallet.clock,
            wallet.entropy,
            wallet.keystore,
            wallet.settings,
            wallet.identity,
            self.telling,
        )

    @cached_property
    def telling(self) -> Telling:
        wallet = self.wallet
        return Telling(
            MessageRepository(self.session), wallet.clock, wallet.entropy, wallet.keystore.secret(Secret.MESSAGES)
        )

    @property
    def contacts(self) -> Contacts:
        return self.identity.contacts

    @property
    def guardians(self) -> Guardians:
        return self.identity.guardians

    @property
    def holders(self) -> Holders:
        return self.identity.holders

    @property
    def accounts(self) -> Accounts:
        return self.identity.accounts

    @property
    def devices(self) -> Devices:
        return self.identity.devices

    @property
    def sessions(self) -> Sessions:
        return self.identity.sessions

    @cached_property
    def idempotency(self) -> Idempotency:
        life = timedelta(hours=self.wallet.settings.idempotency_hours)
        return Idempotency(self.session, self.wallet.clock, self.wallet.keystore.secret(Secret.IDEMPOTENCY), life)

    @cached_property
    def rollout(self) -> Rollout:
        wallet = self.wallet
        return Rollout(LaunchingRepository(self.session), wallet.catalogue, self.audit, wallet.clock, wallet.entropy)

    @cached_property
    def sources(self) -> Sources:
        return Sources(self.wallet.registers, self.audit)

    @cached_property
    def document_rows(self) -> DocumentRepository:
        return DocumentRepository(self.session)

    @cached_property
    def holding(self) -> Holding:
        return Holding(self.document_rows, self.holders, self.wallet.clock)

    @cached_property
    def revoking(self) -> Revoking:
        return Revoking(self.document_rows, self.audit, self.wallet.clock)

    @cached_property
    def issuing(self) -> Issuing:
        wallet = self.wallet
        indices = Indices(
            self.document_rows,
            wallet.keystore.secret(Secret.STATUS_ORDER),
            wallet.settings.status_list_bits_log2_size,
            wallet.clock,
            wallet.trust.address,
        )
        return Issuing(
            catalogue=wallet.catalogue,
            rollout=self.rollout,
            holders=self.holders,
            sources=self.sources,
            documents=self.document_rows,
            indices=indices,
            trust=wallet.trust,
            signer=wallet.keystore.signer(Role.DOCUMENT),
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
            issuer_code=wallet.settings.issuer_code,
        )

    @cached_property
    def requests(self) -> Requests:
        wallet = self.wallet
        rows = RequestRepository(self.session)
        return Requests(rows, wallet.catalogue, self.issuing, self.audit, wallet.clock, wallet.entropy)


@dataclass
class Wallet:
    """Everything that is built once for a process."""

    settings: Settings
    keystore: Keystore
    catalogue: Catalogue
    db: Database
    nation: Database
    registers: dict[RegisterCode, Register]
    clock: Clock
    entropy: Entropy
    _tidied_at: datetime | None = None

    @classmethod
    def build(cls, settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None) -> "Wallet":
        """Connect everything. Opens key files; touches no database, so it starts while one is down.

        Raises ConfigurationError naming every problem and the command that mends it.
        """
        nation = Database(settings.sources_url)
        return cls(
            settings=settings,
            keystore=Keystore.open(settings.keys_dir),
            catalogue=Catalogue.discover(),
            db=Database(settings.database_url),
            nation=nation,
            registers={
                RegisterCode.POPULATION: EmbeddedPopulation(nation),
                RegisterCode.RESIDENCE: EmbeddedResidence(nation),
            },
            clock=clock or SystemClock(),
            entropy=entropy or SystemEntropy(),
        )

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Open one transaction: it commits when the block ends, and rolls back whole when it raises.

        What must be remembered all the same (a register that was read) is then written in a transaction of its own.
        """
        work: Work | None = None
        try:
            with self.db.write() as session:
                work = Work(self, session)
                self._tidy(work)
                yield work
        except BaseException:
            if work is not None and work.audit.survivors:
                with self.db.write() as session:
                    session.add_all(entry.row() for entry in work.audit.survivors)
            raise

    @contextmanager
    def read(self) -> Iterator[Work]:
        """Open the same services for reading."""
        with self.db.read() as session:
            yield Work(self, session)

    @cached_property
    def identity(self) -> SharedIdentity:
        return share_identity(self.settings, self.entropy, self.keystore)

    @cached_property
    def signing_in(self) -> SigningIn:
        return build_signing_in(self.work, self.read, self.clock, self.settings, self.identity)

    @cached_property
    def board(self) -> StatusBoard:
        @contextmanager
        def reading() -> Iterator[StatusRepository]:
            with self.db.read() as session:
                yield StatusRepository(session)

        return StatusBoard(reading, self.clock)

    @cached_property
    def publisher(self) -> Publisher:
        @contextmanager
        def reading() -> Iterator[PublicationRepository]:
            with self.db.read() as session:
                yield PublicationRepository(session)

        @contextmanager
        def writing() -> Iterator[PublicationRepository]:
            with self.db.write() as session:
                yield PublicationRepository(session)

        return Publisher(reading, writing, self.clock, timedelta(seconds=self.settings.publish_seconds))

    @cached_property
    def trust(self) -> TrustCentre:
        settings = self.settings
        return TrustCentre(
            issuer_url=settings.issuer_url,
            issuer_code=settings.issuer_code,
            issuer_name={"vi": settings.issuer_name_vi, "en": settings.issuer_name_en},
            keystore=self.keystore,
            catalogue=self.catalogue,
            board=self.board,
            publisher=self.publisher,
            clock=self.clock,
        )

    @cached_property
    def checking(self) -> Checking:
        return Checking(self.trust, self.clock)

    def _tidy(self, work: Work) -> None:
        """Once an hour, drop what nobody can present again, so that no table grows with time alone."""
        now = self.clock.now()
        if self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY:
            self._tidied_at = now
            forget_expired(work.session, now)
            work.idempotency.forget_expired()

    def prepare(self) -> None:
        """Make sure that what issuing stands on is there: a durable database, the first status list."""
        self.db.assert_durable()
        with self.work() as work:
            work.document_rows.open_list(
                FIRST_STATUS_LIST,
                self.settings.status_list_bits_log2_size,
                self.clock.now(),
                self.trust.address(FIRST_STATUS_LIST),
            )

    def close(self) -> None:
        """Give every connection back."""
        self.db.close()
        self.nation.close()
