"""The services of one transaction, each made when it is first asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from wallet.audit import Audit
from wallet.ceremonies.held import CeremoniesHeld
from wallet.ceremonies.services import CeremonyServices, build_ceremonies
from wallet.crypto.keystore import Role, Secret
from wallet.defining.defining import DEFINE, Defining
from wallet.defining.repository import DefinitionRepository
from wallet.documents.held import DocumentsHeld
from wallet.documents.holding import Holding
from wallet.documents.issuing import Issuing
from wallet.documents.repository import DocumentRepository
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.status import Indices
from wallet.enrolment.biometrics import Thresholds
from wallet.enrolment.companions import Companions
from wallet.enrolment.comparing import Comparing
from wallet.enrolment.desk import EnrolmentDesk
from wallet.enrolment.forms import Forms
from wallet.enrolment.held import EnrolmentHeld
from wallet.enrolment.judging import Judging
from wallet.enrolment.lifecycle import Lifecycle
from wallet.enrolment.matching import Matching
from wallet.enrolment.organisations import Organisations
from wallet.enrolment.registering import Registrations
from wallet.enrolment.repository import ApplicationRepository, OrganisationRepository
from wallet.enrolment.unlocking import Unlocking
from wallet.enrolment.wards import Wards
from wallet.idempotency import Idempotency
from wallet.identity.accounts import Accounts
from wallet.identity.contacts import Contacts
from wallet.identity.devices import Devices
from wallet.identity.due_accounts import DueAccounts
from wallet.identity.guardians import Guardians
from wallet.identity.held import IdentityHeld
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.lock_orders import LockOrders
from wallet.identity.locking import Locking
from wallet.identity.passkeys import Passkeys
from wallet.identity.preferences import Preferences
from wallet.identity.questions import SecurityQuestions
from wallet.identity.repository import IdentityRepository
from wallet.identity.services import (
    IdentityServices,
    build_identity,
)
from wallet.identity.sessions import Sessions
from wallet.identity.staffing import Staffing
from wallet.identity.strangers import Strangers
from wallet.launching.approvals import Approvals
from wallet.launching.changing import Launching
from wallet.launching.held import LaunchingHeld
from wallet.launching.judging import Visitor
from wallet.launching.preview import Member, Previewing
from wallet.launching.repository import LaunchingRepository
from wallet.launching.rollout import Rollout
from wallet.messages.endpoints import Endpoints
from wallet.messages.held import MessagesHeld
from wallet.messages.inbox import Inbox
from wallet.messages.queue import Queue
from wallet.messages.repository import MessageRepository
from wallet.messages.telling import Telling
from wallet.payments.paying import Paying
from wallet.profile.access import AccessHistory
from wallet.profile.closing import Closing
from wallet.profile.corrections import Corrections
from wallet.profile.export import Exporting, Rooms
from wallet.profile.held import ProfileHeld
from wallet.profile.repository import CorrectionRepository
from wallet.requests.desk import ReviewDesk
from wallet.requests.held import RequestsHeld
from wallet.requests.imports import Imports
from wallet.requests.lifecycle import Requests
from wallet.requests.links import Links
from wallet.requests.services import RequestServices
from wallet.requests.showing import Showing
from wallet.requests.voiding import Voiding
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.sources.tallying import Tallying
from wallet.terms import Actor, StaffRole

if TYPE_CHECKING:
    from wallet.wiring.process import Wallet


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
        return Telling(self.message_rows, wallet.clock, wallet.entropy, wallet.keystore.secret(Secret.MESSAGES))

    @cached_property
    def message_rows(self) -> MessageRepository:
        return MessageRepository(self.session)

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.message_rows, self.wallet.clock)

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.message_rows, self.audit, self.wallet.clock, self.wallet.entropy)

    @cached_property
    def endpoints(self) -> Endpoints:
        wallet = self.wallet
        return Endpoints(
            self.message_rows,
            self.telling,
            self.audit,
            wallet.clock,
            wallet.entropy,
            wallet.keystore.secret(Secret.MESSAGES),
            wallet.settings.webhooks_to_localhost,
        )

    @property
    def contacts(self) -> Contacts:
        return self.identity.contacts

    @property
    def questions(self) -> SecurityQuestions:
        return self.identity.questions

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
    def guardians(self) -> Guardians:
        return self.identity.guardians

    @property
    def due_accounts(self) -> DueAccounts:
        return self.identity.due_accounts

    @cached_property
    def locking(self) -> Locking:
        # Looked up when somebody has died: until then the two would be waiting for each other to be built.
        return Locking(
            self.accounts,
            lambda account_id, actor: self.lifecycle.settle_death(account_id, actor),
            lambda account_id, actor: self.lifecycle.death_recorded(account_id, actor),
        )

    @cached_property
    def lock_orders(self) -> LockOrders:
        wallet, repository = self.wallet, self.accounts.repository
        days = self.wallet.working_days
        return LockOrders(repository, self.accounts, self.locking, self.audit, wallet.clock, wallet.entropy, days)

    @cached_property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle(
            self.accounts,
            self.locking,
            self.guardians,
            self.contacts,
            self.due_accounts,
            self.sources,
            self.wallet.clock,
            self._revoke_documents_of_dead,
            lambda holder_id, actor: self.voiding.look(holder_id, actor),
        )

    def _revoke_documents_of_dead(self, holder_id: str, actor: Actor) -> int:
        """Revoke whatever a dead holder still has. The registers order it, so no admin is asked."""
        by_register = replace(actor, holder_id=None)
        return self.revoking.revoke_all(holder_id, RevocationReason.HOLDER_DIED, by_register, expired_too=False)

    @cached_property
    def unlocking(self) -> Unlocking:
        return Unlocking(self.accounts, self.lifecycle, self.audit)

    @cached_property
    def wards(self) -> Wards:
        return Wards(self.accounts, self.guardians, self.sources, self.limits, self.wallet.clock)

    @cached_property
    def organisations(self) -> Organisations:
        wallet = self.wallet
        return Organisations(
            OrganisationRepository(self.session),
            self.accounts,
            self.contacts,
            self.sources,
            self.audit,
            wallet.clock,
            wallet.entropy,
            wallet.working_days,
        )

    @cached_property
    def forms(self) -> Forms:
        return Forms(self.wallet.keystore.secret(Secret.FORMS), self.wallet.entropy)

    @cached_property
    def matching(self) -> Matching:
        settings = self.wallet.settings
        thresholds = Thresholds(settings.face_threshold, settings.finger_threshold)
        return Matching(self.sources, self.wallet.matcher, thresholds)

    @cached_property
    def registrations(self) -> Registrations:
        wallet = self.wallet
        return Registrations(
            rows=ApplicationRepository(self.session),
            forms=self.forms,
            judging=Judging(self.matching, self.accounts, self.holders, self.limits, wallet.clock),
            matcher=wallet.matcher,
            accounts=self.accounts,
            contacts=self.contacts,
            telling=self.telling,
            limits=self.limits,
            working_days=wallet.working_days,
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
        )

    @cached_property
    def enrolment_desk(self) -> EnrolmentDesk:
        wallet = self.wallet
        companions = Companions(self.matching, self.accounts, self.holders, self.guardians)
        return EnrolmentDesk(
            rows=ApplicationRepository(self.session),
            forms=self.forms,
            matching=self.matching,
            comparing=Comparing(self.matching, companions, wallet.clock),
            matcher=wallet.matcher,
            accounts=self.accounts,
            holders=self.holders,
            companions=companions,
            contacts=self.contacts,
            telling=self.telling,
            working_days=wallet.working_days,
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
        )

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

    @cached_property
    def idempotency(self) -> Idempotency:
        life = timedelta(hours=self.wallet.settings.idempotency_hours)
        secret = self.wallet.keystore.secret(Secret.IDEMPOTENCY)
        return Idempotency(self.session, self.wallet.clock, self.wallet.entropy, secret, life)

    @cached_property
    def launch_rows(self) -> LaunchingRepository:
        return LaunchingRepository(self.session)

    @cached_property
    def rollout(self) -> Rollout:
        return Rollout(self.launch_rows, self.wallet.catalogue, self.audit, self.wallet.clock, self.visitor)

    @cached_property
    def defining(self) -> Defining:
        wallet = self.wallet
        approvals = Approvals(DEFINE, self.launch_rows, self.audit, wallet.clock, wallet.entropy)
        rows = DefinitionRepository(self.session)
        return Defining(rows, approvals, wallet.catalogue, self.audit, wallet.clock, wallet.entropy)

    @cached_property
    def launching(self) -> Launching:
        wallet = self.wallet
        return Launching(
            rows=self.launch_rows,
            catalogue=wallet.catalogue,
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
            other_admins=lambda account_id: [
                each for each in self.staffing.accounts_with(StaffRole.ADMIN) if each != account_id
            ],
            tell=self.contacts.tell,
            is_account=self.accounts.is_open,
            patience=timedelta(days=wallet.settings.approval_days),
        )

    def visitor(self, utility: str, actor: Actor, purpose: str = "check_pilot") -> Visitor:
        """Return what is known of whoever asks for a utility: a ward, where a guardian acts."""
        return self.visitor_as(utility, actor.account_id, actor.holder_id or "", actor, purpose, actor.app_version)

    def visitor_as(
        self, utility: str, account_id: str, holder_id: str, actor: Actor, purpose: str, app_version: str | None = None
    ) -> Visitor:
        """Return what is known of a person; their province is looked up for that purpose, once and only if need be."""
        ground = Ground(purpose, utility, actor)

        @cache
        def province() -> str | None:
            number = self.holders.number(holder_id)
            known = self.sources.find(RegisterCode.RESIDENCE, number, ground, subject=holder_id) or {}
            code = known.get("permanent_province_code")
            return None if code is None else str(code)

        return Visitor(holder_id, account_id, self.wallet.clock.now(), province, app_version)

    def previewing(self, actor: Actor, utility: str) -> Previewing:
        """Return previews for an admin, who is on record as having the register count."""
        ground = Ground("plan_launch", utility, actor)

        def members(most: int) -> tuple[list[Member], int]:
            found, whole = self.accounts.some_active(most)
            return [Member(each.id, each.holder_id, each.level) for each in found], whole

        def tally(holder_ids: Sequence[str]) -> Mapping[str, int]:
            return self.tallying.by_province([self.holders.number(each) for each in holder_ids], ground)

        return Previewing(self.launching, members, tally, self._open_requests)

    def _open_requests(self, utility: str) -> int:
        final = self.wallet.catalogue.get(utility).lifecycle.final
        return self.request_services.rows.count_open(utility, final)

    @cached_property
    def tallying(self) -> Tallying:
        return Tallying(self.wallet.residence_counter, self.audit)

    @cached_property
    def sources(self) -> Sources:
        return Sources(self.wallet.registers, self.audit)

    @cached_property
    def document_rows(self) -> DocumentRepository:
        return DocumentRepository(self.session)

    @cached_property
    def holding(self) -> Holding:
        return Holding(self.document_rows, self.holders, self.wallet.catalogue, self.wallet.clock)

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
            assert_unlocked=self.accounts.assert_unlocked,
        )

    @cached_property
    def request_services(self) -> RequestServices:
        wallet = self.wallet
        return RequestServices(
            session=self.session,
            catalogue=wallet.catalogue,
            identity=self.identity,
            issuing=lambda: self.issuing,
            revoking=self.revoking,
            rollout=self.rollout,
            sources=self.sources,
            provider=wallet.payments,
            payment_life=timedelta(minutes=wallet.settings.payment_minutes),
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
            calendar=wallet.working_days,
        )

    @property
    def requests(self) -> Requests:
        return self.request_services.requests

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
    def paying(self) -> Paying:
        return self.request_services.paying

    @cached_property
    def preferences(self) -> Preferences:
        return Preferences(IdentityRepository(self.session), self.contacts, self.audit)

    @cached_property
    def corrections(self) -> Corrections:
        wallet = self.wallet
        return Corrections(
            rows=CorrectionRepository(self.session),
            holders=self.holders,
            accounts=self.accounts,
            contacts=self.contacts,
            guardians=self.guardians,
            sources=self.sources,
            limits=self.limits,
            audit=self.audit,
            clock=wallet.clock,
            entropy=wallet.entropy,
            working_days=wallet.working_days,
            receipt_working_days=wallet.settings.correction_receipt_days,
            decision_days=wallet.settings.correction_decision_days,
        )

    @cached_property
    def rooms(self) -> Rooms:
        session, clock = self.session, self.wallet.clock
        return Rooms(
            identity=IdentityHeld(IdentityRepository(session), self.holders, self.contacts, clock),
            enrolment=EnrolmentHeld(session, self.forms, clock),
            documents=DocumentsHeld(session, self.holders),
            requests=RequestsHeld(session, self.holders, self.wallet.final_states),
            messages=MessagesHeld(session),
            ceremonies=CeremoniesHeld(session),
            profile=ProfileHeld(session, self.holders),
            launching=LaunchingHeld(session),
        )

    @cached_property
    def exporting(self) -> Exporting:
        return Exporting(self.rooms, self.limits, self.contacts, self.audit, self.wallet.clock)

    @cached_property
    def access_history(self) -> AccessHistory:
        return AccessHistory(self.audit, self.accounts, CorrectionRepository(self.session))

    @cached_property
    def closing(self) -> Closing:
        return Closing(
            rooms=self.rooms,
            accounts=self.accounts,
            holders=self.holders,
            revoking=self.revoking,
            idempotency=self.idempotency,
            audit=self.audit,
            clock=self.wallet.clock,
        )
