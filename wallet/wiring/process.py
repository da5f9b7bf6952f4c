"""What is built once for a process: settings, keys, databases, and whatever keeps state between transactions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from wallet.audit import Entry
from wallet.ceremonies.chips import CardChips, EmbeddedCardChips
from wallet.ceremonies.conducting import Conducting
from wallet.checks.checking import Checking
from wallet.checks.online.batches import Batches, BatchJob
from wallet.checks.online.shares import KEPT
from wallet.clock import Clock, SystemClock
from wallet.crypto.keystore import Keystore, Role, Secret
from wallet.db import Database
from wallet.defining.board import DefinitionBoard
from wallet.defining.repository import DefinitionRepository
from wallet.documents.capacity import Capacity, capacity_of
from wallet.documents.copy_linting import CopyLinter
from wallet.documents.copy_making import CopyMaking
from wallet.documents.copying import Copying
from wallet.documents.kept_types import KeptTypes
from wallet.documents.linting import Linter
from wallet.documents.published_files import PublishedFiles
from wallet.documents.publishing import Publication, Publisher
from wallet.documents.reissuing import ReissueJob
from wallet.documents.repository import PublicationRepository, StatusRepository, TypeRepository
from wallet.documents.restoring import Restoring
from wallet.documents.retold import Retold
from wallet.documents.reverifying import Reverifying
from wallet.documents.services import DocumentServices
from wallet.documents.signing import Signing
from wallet.documents.status import StatusBoard, lists_address
from wallet.documents.trust import TrustCentre
from wallet.enrolment.biometrics import BiometricMatcher, EmbeddedMatcher
from wallet.enrolment.registration_job import RegistrationJob
from wallet.enrolment.sweeping import AccountSweep
from wallet.entropy import Entropy, SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.formats.trusted_entities import Operator
from wallet.identity.changing_secrets import ChangingSecrets
from wallet.identity.services import (
    SharedIdentity,
    build_changing_secrets,
    build_signing_in,
    build_staff_enrolling,
    share_identity,
)
from wallet.identity.signing_in import SigningIn
from wallet.identity.staffing import StaffEnrolling
from wallet.jobs import Job, Runner
from wallet.keys.opening import open_keystore, services_of
from wallet.launching.launch_job import LaunchJob
from wallet.launching.stopping import StopJob
from wallet.messages.delivering import Delivering
from wallet.messages.posting import PinnedPoster
from wallet.messages.sending import Messages, open_messages
from wallet.payments.opening import Opening
from wallet.payments.paying import Paying
from wallet.payments.provider import EmbeddedPayments, NoPayments, Payments
from wallet.payments.remote import RemotePayments
from wallet.requests.watching import ROUND, RegisterWatch
from wallet.settings import Settings, comma_list
from wallet.single_use import consume, forget_expired
from wallet.sources.asking import Asking, NotAsked
from wallet.sources.base import Register
from wallet.sources.cards import EmbeddedCards
from wallet.sources.changes import Changes, EmbeddedChanges
from wallet.sources.embedded import embedded_registers
from wallet.sources.http import PartnerRegister, partner_registers
from wallet.sources.partners import read_partners
from wallet.sources.portraits import EmbeddedPortraits, Pictures, Portraits
from wallet.sources.tallying import EmbeddedResidenceCounter, ResidenceCounter
from wallet.sources.telling import PartnerChanges
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import both
from wallet.utilities.catalogue import Catalogue
from wallet.wiring.transaction import Work
from wallet.wiring.trying import Trying, tries
from wallet.working_days import WorkingDays, parse_overrides

log = structlog.get_logger("wallet.wiring")
Rows = TypeVar("Rows")

TIDY_EVERY = timedelta(hours=1)
MESSAGES_KEPT = timedelta(days=30)
"""How long the log of what left is kept; notices in an inbox stay."""

CARDS_KEPT, CARDS_AT_ONCE = timedelta(days=30), 1_000
"""How long after its end it is known whose a card was: for what was checked offline and is told later."""

LISTS_KEPT = timedelta(days=30)
"""How long after the end of everything in it a status list stays in the bundle."""


@dataclass
class Wallet:
    """Everything that is built once for a process."""

    settings: Settings
    keystore: Keystore
    catalogue: Catalogue
    db: Database
    nation: Database
    registers: dict[str, Register]
    clock: Clock
    entropy: Entropy
    messages: Messages
    matcher: BiometricMatcher = field(default_factory=EmbeddedMatcher)
    working_days: WorkingDays = field(default_factory=WorkingDays)
    _tidied_at: datetime | None = None
    _missing: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        messages: Messages | None = None,
        catalogue: Catalogue | None = None,
    ) -> "Wallet":
        """Connect everything. Opens key files; touches no database, so it starts while one is down.

        messages: what sends text messages, where it is not what the settings say. catalogue: the utilities, where they
        are not looked for.
        Raises ConfigurationError naming every problem and the command that mends it.
        """
        nation = Database(settings.sources_url)
        clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
        partners = partner_registers(read_partners(settings.sources_http_file), clock, entropy)
        if messages is None:
            messages = open_messages(
                gateway_url=settings.sms_gateway_url,
                secret_file=settings.sms_gateway_secret_file,
                outbox_dir=settings.sms_outbox_dir,
                clock=clock,
                entropy=entropy,
            )
        keystore = open_keystore(settings, clock, services_of(settings, clock, entropy))
        drawn_by = keystore.secret(Secret.NUMBER_INDEX)
        wallet = cls(
            settings=settings,
            keystore=keystore,
            catalogue=utilities_of(settings, catalogue),
            db=Database(settings.database_url),
            nation=nation,
            registers={**embedded_registers(nation, clock, drawn_by), **partners},
            clock=clock,
            entropy=entropy,
            messages=messages,
            working_days=_working_days(settings.holiday_overrides_file),
        )
        wallet.definitions.follow()
        _ = wallet.payments  # a provider without its secret is told now, not when somebody wants to pay
        return wallet

    def tries(self) -> Iterator[Trying[Work]]:
        """Give transactions for one act, until one ends in which no partner had to be asked first.

        For whatever may read a register, or show a portrait: `for trying in wallet.tries(): with trying as work: ...`.
        The block does nothing but what its transaction takes back. A partner that is slow then holds up nobody but who
        asks.
        """
        pictures = Pictures(self.portraits, self.clock)
        return tries(self.work, Asking({**self.asked_between, pictures.code: pictures}))

    @cached_property
    def asked_between(self) -> Mapping[str, Register]:
        """The registers that are asked between transactions: those that may be slow."""
        return {register.code: register for register in self.partners}

    @contextmanager
    def work(self, asking: Asking | None = None) -> Iterator[Work]:
        """Open one transaction: it commits when the block ends, and rolls back whole when it raises.

        Documents that it decided on are signed after the commit; when that fails, Unavailable is raised although what
        was decided stands: the document is signed later, by whoever asks again or by the job. Payments that it began
        are opened after the commit too; where the provider does not, the job does. What must be remembered
        all the same (a register that was read) is written in a transaction of its own when the block raises.
        """
        work: Work | None = None
        try:
            with self.db.write() as session:
                work = Work(self, session, asking)
                self._tidy(work)
                yield work
                work.settle()
        except NotAsked:
            raise  # nothing happened: it happens when it is tried again
        except BaseException:
            self._remember([] if work is None else work.audit.survivors)
            raise
        self._remember([entry for entry in work.audit.survivors if entry.once is not None])
        if work.telling.queued:
            self.runner.wake()
        self.opening.attempt(work.begun)
        if work.intended:
            self.signing.complete(work.intended)
        if work.reserved:
            self.copying.complete(work.reserved)

    def _remember(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        with self.db.write() as session:
            session.add_all(
                entry.row() for entry in entries if entry.once is None or consume(session, entry.action, *entry.once)
            )

    @contextmanager
    def read(self) -> Iterator[Work]:
        """Open the same services for reading."""
        with self.db.read() as session:
            yield Work(self, session)

    @cached_property
    def registering(self) -> RegistrationJob:
        wait = timedelta(seconds=self.settings.registration_seconds)
        return RegistrationJob(self.tries, self.work, self.read, self.clock, wait)

    @cached_property
    def delivering(self) -> Delivering:
        poster = PinnedPoster(localhost=self.settings.webhooks_to_localhost)
        secret = self.keystore.secret(Secret.MESSAGES)
        return Delivering(self.work, self.read, self.messages, poster, self.clock, secret)

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that happens by itself. A new job is one more line here."""
        return (
            Job("registrations", timedelta(seconds=1), self.registering.run),
            Job("texts", timedelta(seconds=1), self.delivering.deliver_texts, woken=True),
            Job("accounts", timedelta(hours=1), self.account_sweep.run_as_job),
            Job("signing", timedelta(seconds=5), self.signing.run),
            Job("payments", timedelta(seconds=5), self.opening.run),
            Job("requests", timedelta(minutes=1), self.look_after_requests),
            Job("registers", ROUND, self.register_watch.run),
            *(Job(f"changes_{code}", ROUND, watch.run) for code, watch in self.partner_watches.items()),
            Job("launches", timedelta(seconds=1), self.launch_job.run),
            Job("stops", timedelta(seconds=10), self.stop_job.run),
            Job("reissues", timedelta(seconds=10), self.reissue_job.run),
            Job("passengers", timedelta(seconds=1), self.batch_job.run),
            Job("cards", timedelta(hours=1), self.forget_cards),
            Job("lists", timedelta(days=1), self.end_lists),
            Job("webhooks", timedelta(seconds=1), self.delivering.deliver_webhooks, woken=True),
        )

    @cached_property
    def payments(self) -> Payments:
        """Who takes the money: the provider of the settings, else one that is played, else nobody."""
        if self.settings.payments_url:
            return RemotePayments.connect(self.settings, self.clock)
        if self.settings.embedded_payments:
            return EmbeddedPayments(self.entropy, self.settings.issuer_url)
        return NoPayments()

    @cached_property
    def opening(self) -> Opening:
        @contextmanager
        def working() -> Iterator[Paying]:
            with self.work() as work:
                yield work.paying

        @contextmanager
        def reading() -> Iterator[Paying]:
            with self.read() as work:
                yield work.paying

        return Opening(working, reading, self.payments, self.clock)

    @cached_property
    def changes(self) -> Changes:
        """What embedded registers tell of their changes; each partner that tells any has a watch of its own."""
        return EmbeddedChanges(self.nation, frozenset(partner.code for partner in self.partners))

    @cached_property
    def register_watch(self) -> RegisterWatch:
        return self._watch(self.changes)

    @cached_property
    def partner_watches(self) -> Mapping[str, RegisterWatch]:
        """A watch, and so a job, for each partner that tells of changes: one that is slow holds up no other."""
        telling = [register for register in self.partners if register.partner.changes_url]
        return {register.code: self._watch(PartnerChanges(register)) for register in telling}

    def _watch(self, changes: Changes) -> RegisterWatch:
        overlap = timedelta(seconds=self.settings.register_overlap_seconds)
        return RegisterWatch(self.tries, changes, self.catalogue, self.clock, overlap)

    @property
    def final_states(self) -> frozenset[str]:
        """States of requests, of whatever utility, that nothing leads out of."""
        return frozenset(state for plugin in self.catalogue for state in plugin.utility.lifecycle.final)

    def look_after_requests(self) -> bool:
        """Issue what was held up, remind and apologise for what is overdue, close what was waited for too long, and owe
        back what is for nothing. Return whether to go on.
        """
        self._tell_of_missing()
        with self.work() as work:
            done = work.request_services.overdue.finish()
        with self.work() as work:
            done += work.request_services.overdue.remind()
        with self.work() as work:
            done += work.request_services.agreements.lapse()
        with self.work() as work:
            done += work.request_services.returning.mark()
        with self.work() as work:
            done += work.request_services.overdue.apologise()
            return done + work.paying.expire() > 0

    def waiting_for_missing(self) -> dict[str, int]:
        """Return how many requests wait for a utility that is not installed, by its code. Raises Unavailable."""
        with self.read() as work:
            return work.request_services.returning.waiting()

    def _tell_of_missing(self) -> None:
        """Log what waits for a utility that is not installed: when this process begins, and of each that goes later."""
        waiting = self.waiting_for_missing()
        for code in sorted(waiting.keys() - self._missing):
            log.error("utility missing", utility=code, requests=waiting[code], mend="wallet utilities list")
        self._missing = frozenset(waiting)

    def forget_cards(self) -> bool:
        """Drop cards that nobody can have checked lately; return whether there is more to do."""
        with self.work() as work:
            return (
                work.documents.copy_rows.forget_screens(self.clock.now() - CARDS_KEPT, CARDS_AT_ONCE) == CARDS_AT_ONCE
            )

    def end_lists(self) -> bool:
        """Leave status lists out of the bundle of which everything has long ended; return False."""
        with self.work() as work:
            now = self.clock.now()
            work.documents.rows.end_lists(now - LISTS_KEPT, now)
        return False

    @cached_property
    def reissue_job(self) -> ReissueJob:
        return ReissueJob(self.work, self.read, self.trust, self.keystore, self.clock)

    @cached_property
    def launch_job(self) -> LaunchJob:
        return LaunchJob(self.work, self.read, self.clock)

    @cached_property
    def stop_job(self) -> StopJob:
        return StopJob(self.work, self.read)

    @cached_property
    def residence_counter(self) -> ResidenceCounter | None:
        """Who counts people by province for a preview; a partner's register may not."""
        return EmbeddedResidenceCounter(self.nation)

    @cached_property
    def batch_job(self) -> BatchJob:
        @contextmanager
        def working() -> Iterator[Batches]:
            with self.work() as work:
                yield work.online.batches

        @contextmanager
        def reading() -> Iterator[Batches]:
            with self.read() as work:
                yield work.online.batches

        return BatchJob(working, reading, self.clock)

    @cached_property
    def account_sweep(self) -> AccountSweep:
        closing = timedelta(days=self.settings.death_closing_days)
        return AccountSweep(self.tries, self.read, self.clock, closing)

    @cached_property
    def runner(self) -> Runner:
        """What runs the jobs, once somebody starts it: `wsgi.py` or `wallet jobs run`."""
        return Runner(self.jobs)

    @cached_property
    def identity(self) -> SharedIdentity:
        return share_identity(self.settings, self.entropy, self.keystore)

    @cached_property
    def chips(self) -> CardChips | None:
        """Who judges the chips of cards; a vendor's reader takes its place here."""
        embedded = self.settings.embedded_chips
        return EmbeddedCardChips(EmbeddedCards(self.nation).signers, self.clock) if embedded else None

    @cached_property
    def portraits(self) -> Portraits:
        """Who keeps the portraits; a partner's identity database takes its place here."""
        return EmbeddedPortraits(self.nation, self.keystore.secret(Secret.NUMBER_INDEX))

    @cached_property
    def conducting(self) -> Conducting:
        shared = self.identity
        return Conducting(
            self.tries,
            self.work,
            self.read,
            self.clock,
            shared.hasher,
            shared.proofs,
            shared.challenges,
            self.chips,
        )

    @cached_property
    def signing_in(self) -> SigningIn:
        return build_signing_in(self.work, self.read, self.clock, self.settings, self.identity)

    @cached_property
    def changing_secrets(self) -> ChangingSecrets:
        return build_changing_secrets(self.work, self.read, self.identity)

    @cached_property
    def staff_enrolling(self) -> StaffEnrolling:
        return build_staff_enrolling(self.work, self.read, self.clock, self.identity)

    @contextmanager
    def _reading(self, repository: Callable[[Session], Rows]) -> Iterator[Rows]:
        """Give a repository that reads, for what is looked at before any transaction is open.

        Raises Unavailable where there is no database: looking would make an empty file of it.
        """
        if self.db.is_absent:
            raise Unavailable("dependency_unavailable")
        with self.db.read() as session:
            yield repository(session)

    @cached_property
    def definitions(self) -> DefinitionBoard:
        return DefinitionBoard(partial(self._reading, DefinitionRepository), self.catalogue, self.clock)

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

        every = timedelta(seconds=self.settings.publish_seconds)
        return Publisher(reading, writing, self.clock, every, self.published_files)

    @cached_property
    def published_files(self) -> PublishedFiles:
        def recognise(name: str, token: bytes) -> Publication | None:
            return self.trust.recognised(name, token)

        return PublishedFiles(self.settings.published_dir, recognise, self.clock)

    @cached_property
    def publishing(self) -> Runner:
        """What keeps the bundle and the lists fresh, in each process that serves them, off the path of requests."""
        every = timedelta(seconds=self.settings.publish_seconds)
        return Runner([Job("publishing", every, self.publish)])

    def publish(self) -> bool:
        """Publish what changed or grew old. Raises Unavailable.

        Where the service was started at another address and nothing was prepared there, that is made up for first: no
        document is issued into the lists of the former one.
        """
        if self.trust.has_moved():
            self.prepare()
        return self.trust.publish()

    def publish_in_background(self) -> None:
        """Leave signing to `publishing` from now on: requests get what is at hand."""
        self.publisher.left_to_job = True
        self.publishing.start()

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
            retold=self.retold,
            kept=self.kept_types,
            clock=self.clock,
        )

    @cached_property
    def kept_types(self) -> KeptTypes:
        return KeptTypes(partial(self._reading, TypeRepository), self.settings.issuer_url, self.clock)

    @cached_property
    def linter(self) -> Linter:
        return Linter(self.settings.issuer_code, self.clock, self.entropy)

    @contextmanager
    def working_on_documents(self) -> Iterator[DocumentServices]:
        """Open one transaction for what writes documents."""
        with self.work() as work:
            yield work.documents

    @contextmanager
    def reading_documents(self) -> Iterator[DocumentServices]:
        """Open what reads documents."""
        with self.read() as work:
            yield work.documents

    @property
    def reverifying(self) -> Reverifying:
        return Reverifying(self.reading_documents, self.trust, self.clock)

    @cached_property
    def copy_making(self) -> CopyMaking:
        settings = self.settings
        linter = CopyLinter(settings.issuer_code, settings.issuer_url, self.clock, self.entropy)
        life = timedelta(hours=settings.card_hours)
        return CopyMaking(self.trust, self.keystore, linter, self.clock, self.entropy, life)

    @cached_property
    def signing(self) -> Signing:
        return Signing(
            self.working_on_documents,
            self.reading_documents,
            self.trust,
            lambda: self.keystore.signer(Role.DOCUMENT),
            self.clock,
        )

    @cached_property
    def retold(self) -> Retold:
        settings = self.settings
        operator = Operator(
            name={"vi": settings.issuer_name_vi, "en": settings.issuer_name_en},
            scheme=both("trust", "scheme"),
            street={"vi": settings.issuer_address, "en": settings.issuer_address},
            notice=SAMPLE_MARK,
        )
        return Retold(self.keystore, operator)

    def status_capacity(self) -> Capacity:
        """Return how much room the status lists have. Raises Unavailable."""
        with self.db.read() as session:
            statuses = StatusRepository(session)
            return capacity_of(
                statuses.uses(lists_address(self.settings.issuer_url)), self.clock.now(), statuses.bundle_bytes()
            )

    @cached_property
    def copying(self) -> Copying:
        return Copying(self.working_on_documents, self.reading_documents, self.copy_making, self.trust)

    @cached_property
    def checking(self) -> Checking:
        return Checking(self.trust, self.clock)

    def _tidy(self, work: Work) -> None:
        """Once an hour, drop what nobody can present again, so that no table grows with time alone."""
        now = self.clock.now()
        if self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY:
            self._tidied_at = now
            forget_expired(work.session, now)
            work.message_rows.forget_before(now - MESSAGES_KEPT)
            work.limits.forget_expired()
            work.ceremonies.ceremonies.forget()
            work.idempotency.forget_expired()
            work.verifier_desks.forget()
            work.online.rows.forget_over(now - KEPT)

    def prepare(self) -> None:
        """Make sure that what issuing stands on is there: a durable database, no older than what was published, and
        status lists with room.

        Raises ConfigurationError.
        """
        self.db.assert_durable()
        with self.work() as work:
            documents = work.documents
            restoring = Restoring(
                documents.rows,
                documents.copy_rows,
                StatusRepository(work.session),
                PublicationRepository(work.session),
                documents.revoking,
                documents.copy_revoking,
                documents.copy_standing,
                self.published_files,
                documents.marks,
                self.trust,
                work.audit,
                self.clock,
            )
            restoring.mend()
            restoring.pass_over()
            work.indices.open_shards()
            for plugin in self.catalogue.with_former:
                for kind in plugin.utility.documents:
                    documents.keep_type(plugin, kind)
        for changed in self.kept_types.changed(self.catalogue.with_former):
            log.warning("words of a kind changed without its version", kind=changed)

    @property
    def partners(self) -> tuple[PartnerRegister, ...]:
        """The registers that are a partner's API, by code."""
        found = [register for _, register in sorted(self.registers.items()) if isinstance(register, PartnerRegister)]
        return tuple(found)

    def close(self) -> None:
        """Give every connection back."""
        for register in self.partners:
            register.close()
        self.keystore.close()
        if isinstance(self.payments, RemotePayments):
            self.payments.close()
        self.db.close()
        self.nation.close()


def utilities_of(settings: Settings, catalogue: Catalogue | None = None) -> Catalogue:
    """Return the utilities of a deployment, those of four eyes as it says. Raises ConfigurationError."""
    found, two = catalogue or Catalogue.discover(), comma_list(settings.four_eyes)
    return found.with_second_officers(two) if two else found


def _working_days(overrides_file: str) -> WorkingDays:
    """Return the calendar with the days that the government has moved. Raises ConfigurationError."""
    if not overrides_file:
        return WorkingDays()
    try:
        return WorkingDays(parse_overrides(Path(overrides_file).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        problem = f"WALLET_HOLIDAY_OVERRIDES_FILE: {overrides_file} cannot be read ({error})"
        raise ConfigurationError(problem, mend="wallet config show") from error
