"""The services of one transaction, each made when it is first asked for."""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from wallet.audit import Audit
from wallet.ceremonies.services import CeremonyServices, build_ceremonies
from wallet.checks.desks import VerifierDesks
from wallet.checks.online.services import OnlineServices
from wallet.checks.registering import Verifiers
from wallet.checks.services import CheckServices
from wallet.crypto.keystore import Secret
from wallet.defining.defining import Defining
from wallet.defining.services import build_defining
from wallet.documents.copies import Copies
from wallet.documents.holding import Holding
from wallet.documents.intended import IntendedDocument
from wallet.documents.issuing import Issuing
from wallet.documents.reissuing import Reissuing
from wallet.documents.repository import DocumentRepository
from wallet.documents.revoking import Revoking
from wallet.documents.services import DocumentServices
from wallet.documents.shown import ShownDocuments
from wallet.documents.status import Indices
from wallet.documents.suspending import Suspending
from wallet.enrolment.desk import EnrolmentDesk
from wallet.enrolment.forms import Forms
from wallet.enrolment.lifecycle import Lifecycle
from wallet.enrolment.organisations import Organisations
from wallet.enrolment.registering import Registrations
from wallet.enrolment.services import EnrolmentServices
from wallet.enrolment.unlocking import Unlocking
from wallet.enrolment.wards import Wards
from wallet.idempotency import Idempotency
from wallet.identity.accounts import Accounts
from wallet.identity.contacts import Contacts
from wallet.identity.devices import Devices
from wallet.identity.due_accounts import DueAccounts
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.lock_orders import LockOrders
from wallet.identity.locking import Locking
from wallet.identity.passkeys import Passkeys
from wallet.identity.preferences import Preferences
from wallet.identity.questions import SecurityQuestions
from wallet.identity.services import IdentityServices, build_identity
from wallet.identity.sessions import Sessions
from wallet.identity.staffing import Staffing
from wallet.identity.strangers import Strangers
from wallet.launching.changing import Launching
from wallet.launching.preview import Previewing
from wallet.launching.repository import LaunchingRepository
from wallet.launching.rollout import Rollout
from wallet.launching.schedule import Launch
from wallet.launching.services import LaunchServices
from wallet.launching.stopping import Stopping
from wallet.means import Means
from wallet.messages.endpoints import Endpoints
from wallet.messages.inbox import Inbox
from wallet.messages.queue import Queue
from wallet.messages.repository import MessageRepository
from wallet.messages.services import MessageServices
from wallet.messages.telling import Telling
from wallet.payments.paying import Paying
from wallet.profile.access import AccessHistory
from wallet.profile.closing import Closing
from wallet.profile.corrections import Corrections
from wallet.profile.export import Exporting, Rooms
from wallet.profile.services import ProfileServices
from wallet.requests.desk import ReviewDesk
from wallet.requests.ending import Ending
from wallet.requests.imports import Imports
from wallet.requests.lifecycle import Requests
from wallet.requests.links import Links
from wallet.requests.services import RequestServices
from wallet.requests.showing import Showing
from wallet.requests.voiding import Voiding
from wallet.sources.asking import Asking, Question
from wallet.sources.base import Ground
from wallet.sources.portraits import PICTURES, Pictures, Portrait
from wallet.sources.reading import Sources
from wallet.terms import Actor

if TYPE_CHECKING:
    from wallet.wiring.process import Wallet


class Work:
    """The services of one transaction. Each room puts its own together, when the first of them is asked for."""

    def __init__(self, wallet: "Wallet", session: Session, asking: Asking | None = None) -> None:
        self.wallet = wallet
        self.asking = asking
        self.session = session
        self.audit = Audit(session, wallet.clock)
        self.means = Means(session, self.audit, wallet.clock, wallet.entropy, wallet.keystore, wallet.settings)

    @cached_property
    def sources(self) -> Sources:
        registers = self.wallet.registers
        return Sources(registers if self.asking is None else self.asking.registers(registers), self.audit)

    @cached_property
    def idempotency(self) -> Idempotency:
        means, life = self.means, timedelta(hours=self.means.settings.idempotency_hours)
        return Idempotency(self.session, means.clock, means.entropy, means.keystore.secret(Secret.IDEMPOTENCY), life)

    # ── messages ──

    @cached_property
    def messages(self) -> MessageServices:
        return MessageServices(self.means)

    @property
    def telling(self) -> Telling:
        return self.messages.telling

    @property
    def message_rows(self) -> MessageRepository:
        return self.messages.rows

    @property
    def inbox(self) -> Inbox:
        return self.messages.inbox

    @property
    def queue(self) -> Queue:
        return self.messages.queue

    @property
    def endpoints(self) -> Endpoints:
        return self.messages.endpoints

    # ── identity ──

    def settle(self) -> None:
        """Write what has to be written last; the commit follows."""
        if "documents" in vars(self):
            self.documents.rows.write_statuses()

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
            lambda device_id, actor: self.documents.copy_revoking.of_device(device_id, actor),
            lambda holder_id, device_ids: self.documents.copy_standing.follow_lock(holder_id, device_ids),
            lambda holder_id, device_ids, actor: self.documents.copy_revoking.of_ward(holder_id, device_ids, actor),
        )

    @cached_property
    def ceremonies(self) -> CeremonyServices:
        wallet = self.wallet
        return build_ceremonies(
            self.session,
            self.identity,
            self.sources,
            self.telling,
            self.audit,
            wallet.clock,
            wallet.entropy,
            wallet.keystore,
            chips=wallet.chips is not None,
        )

    @property
    def contacts(self) -> Contacts:
        return self.identity.contacts

    @property
    def questions(self) -> SecurityQuestions:
        return self.identity.questions

    @property
    def guardians(self) -> Guardians:
        return self.identity.guardians

    @property
    def due_accounts(self) -> DueAccounts:
        return self.identity.due_accounts

    @property
    def limits(self) -> Limits:
        return self.identity.limits

    @property
    def strangers(self) -> Strangers:
        return self.identity.strangers

    @property
    def passkeys(self) -> Passkeys:
        return self.identity.passkeys

    @property
    def staffing(self) -> Staffing:
        return self.identity.staffing

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

    # ── enrolment ──

    @cached_property
    def enrolment(self) -> EnrolmentServices:
        wallet = self.wallet
        return EnrolmentServices(
            means=self.means,
            identity=self.identity,
            telling=self.telling,
            sources=self.sources,
            matcher=wallet.matcher,
            working_days=wallet.working_days,
            revoke_of_dead=lambda holder_id, actor: self.documents.revoke_of_dead(holder_id, actor),
            weigh_documents=lambda holder_id, actor: self.voiding.look(holder_id, actor),
            end_requests=lambda account_id, holder_id, actor: self.ending.end(account_id, holder_id, actor),
        )

    @property
    def locking(self) -> Locking:
        return self.enrolment.locking

    @property
    def lock_orders(self) -> LockOrders:
        return self.enrolment.lock_orders

    @property
    def lifecycle(self) -> Lifecycle:
        return self.enrolment.lifecycle

    @property
    def unlocking(self) -> Unlocking:
        return self.enrolment.unlocking

    @property
    def wards(self) -> Wards:
        return self.enrolment.wards

    @property
    def organisations(self) -> Organisations:
        return self.enrolment.organisations

    @property
    def forms(self) -> Forms:
        return self.enrolment.forms

    @property
    def registrations(self) -> Registrations:
        return self.enrolment.registrations

    @property
    def enrolment_desk(self) -> EnrolmentDesk:
        return self.enrolment.desk

    # ── launching and defining ──

    @cached_property
    def launches(self) -> LaunchServices:
        wallet = self.wallet
        return LaunchServices(
            means=self.means,
            identity=self.identity,
            sources=self.sources,
            catalogue=wallet.catalogue,
            counter=wallet.residence_counter,
            outcomes=lambda utility, since: self.request_services.outcomes(utility, since),
        )

    @cached_property
    def defining(self) -> Defining:
        return build_defining(self.means, self.launches)

    def previewing(self, actor: Actor, utility: str) -> Previewing:
        """Return previews for an admin, who is on record as having the register count."""
        return self.launches.previewing(actor, utility, self.request_services.open_of)

    @property
    def launch_rows(self) -> LaunchingRepository:
        return self.launches.rows

    @property
    def rollout(self) -> Rollout:
        return self.launches.rollout

    @property
    def stopping(self) -> Stopping:
        return self.launches.stopping

    def running(self) -> list[Launch]:
        """Return the launches that are in force."""
        return [launch for launch in self.rollout.launches().values() if launch.state.runs]

    @property
    def launching(self) -> Launching:
        return self.launches.launching

    # ── documents ──

    @cached_property
    def documents(self) -> DocumentServices:
        wallet = self.wallet
        return DocumentServices(
            self.means,
            self.identity,
            self.sources,
            self.rollout,
            wallet.catalogue,
            wallet.trust,
            wallet.linter,
            wallet.copy_making,
        )

    @property
    def intended(self) -> tuple[IntendedDocument, ...]:
        """What was stored in this transaction and is to be signed once it has committed."""
        return tuple(self.documents.intended) if "documents" in self.__dict__ else ()

    @property
    def reserved(self) -> tuple[tuple[str, Actor], ...]:
        """Copies of a batch that were stored in this transaction and are to be signed once it has committed."""
        return tuple(self.documents.reserved) if "documents" in self.__dict__ else ()

    @property
    def document_rows(self) -> DocumentRepository:
        return self.documents.rows

    @property
    def holding(self) -> Holding:
        return self.documents.holding

    @property
    def copies(self) -> Copies:
        return self.documents.copies

    @property
    def shown(self) -> ShownDocuments:
        return self.documents.shown

    @property
    def revoking(self) -> Revoking:
        return self.documents.revoking

    @property
    def reissuing(self) -> Reissuing:
        return self.documents.reissuing

    @property
    def suspending(self) -> Suspending:
        return self.documents.suspending

    @property
    def issuing(self) -> Issuing:
        return self.documents.issuing

    @property
    def indices(self) -> Indices:
        return self.documents.indices

    # ── checks ──

    @cached_property
    def checks(self) -> CheckServices:
        return CheckServices(self.means, self.identity, self.launches)

    @property
    def verifiers(self) -> Verifiers:
        return self.checks.verifiers

    @property
    def verifier_desks(self) -> VerifierDesks:
        return self.checks.desks

    @cached_property
    def online(self) -> OnlineServices:
        wallet = self.wallet
        return OnlineServices(
            means=self.means,
            identity=self.identity,
            documents=self.documents,
            registered=self.checks,
            catalogue=wallet.catalogue,
            checking_of_codes=wallet.checking,
            portrait_of=self._portrait_of,
        )

    def _portrait_of(self, number: str) -> Portrait:
        """Return a portrait: where this is one of several tries it is fetched between them, and nobody waits for it."""
        if self.asking is None:
            return self.wallet.portraits.of(number)
        question = Question(PICTURES, number, Ground("show_portrait", "portrait", Actor("system")))
        return Pictures.portrait_in(self.asking.answer(question))

    # ── requests ──

    @cached_property
    def request_services(self) -> RequestServices:
        wallet = self.wallet
        return RequestServices(
            means=self.means,
            identity=self.identity,
            documents=self.documents,
            organisations=self.organisations,
            sources=self.sources,
            rollout=self.rollout,
            catalogue=wallet.catalogue,
            provider=wallet.payments,
            calendar=wallet.working_days,
        )

    @property
    def requests(self) -> Requests:
        return self.request_services.requests

    @property
    def ending(self) -> Ending:
        rows, means = self.request_services.rows, self.means
        return Ending(rows, self.rooms.requests, means.audit, means.clock)

    @property
    def voiding(self) -> Voiding:
        return self.request_services.voiding

    @property
    def imports(self) -> Imports:
        return self.request_services.imports

    @property
    def review_desk(self) -> ReviewDesk:
        return self.request_services.desk

    @property
    def links(self) -> Links:
        return self.request_services.links

    @property
    def showing(self) -> Showing:
        return self.request_services.showing

    @property
    def begun(self) -> tuple[str, ...]:
        """The payments that are to be opened once this transaction is committed."""
        begun = "request_services" in self.__dict__ and "paying" in self.request_services.__dict__
        return tuple(self.paying.begun) if begun else ()

    @property
    def paying(self) -> Paying:
        return self.request_services.paying

    # ── the profile ──

    @cached_property
    def profile(self) -> ProfileServices:
        wallet = self.wallet
        return ProfileServices(
            means=self.means,
            identity=self.identity,
            organisations=self.organisations,
            sources=self.sources,
            forms=self.forms,
            revoking=self.revoking,
            idempotency=self.idempotency,
            working_days=wallet.working_days,
            final_states=wallet.final_states,
            open_to_wards=wallet.catalogue.open_to_wards,
            checks=self.online.held,
            misuse=self.online.misuse,
        )

    @property
    def preferences(self) -> Preferences:
        return self.identity.preferences

    @property
    def corrections(self) -> Corrections:
        return self.profile.corrections

    @property
    def rooms(self) -> Rooms:
        return self.profile.rooms

    @property
    def exporting(self) -> Exporting:
        return self.profile.exporting

    @property
    def access_history(self) -> AccessHistory:
        return self.profile.access_history

    @property
    def closing(self) -> Closing:
        return self.profile.closing
