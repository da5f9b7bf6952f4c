"""The services of the enrolment's room in one transaction, each made when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from wallet.crypto.keystore import Secret
from wallet.enrolment.biometrics import BiometricMatcher, Thresholds
from wallet.enrolment.companions import Companions
from wallet.enrolment.comparing import Comparing
from wallet.enrolment.desk import EnrolmentDesk
from wallet.enrolment.forms import Forms
from wallet.enrolment.judging import Judging
from wallet.enrolment.lifecycle import EndRequests, Lifecycle, RevokeDocuments, WeighDocuments
from wallet.enrolment.matching import Matching
from wallet.enrolment.organisations import Organisations
from wallet.enrolment.registering import Registrations
from wallet.enrolment.repository import ApplicationRepository, OrganisationRepository
from wallet.enrolment.unlocking import Unlocking
from wallet.enrolment.wards import Wards
from wallet.identity.lock_orders import LockOrders
from wallet.identity.locking import Locking
from wallet.identity.services import IdentityServices
from wallet.means import Means
from wallet.messages.telling import Telling
from wallet.sources.reading import Sources
from wallet.working_days import WorkingDays


@dataclass
class EnrolmentServices:
    """Enrolment: who gets an account, and what the registers then say of it.

    revoke_of_dead, weigh_documents, end_requests: what becomes of documents and requests, the business of rooms above.
    """

    means: Means
    identity: IdentityServices
    telling: Telling
    sources: Sources
    matcher: BiometricMatcher
    working_days: WorkingDays
    revoke_of_dead: RevokeDocuments
    weigh_documents: WeighDocuments
    end_requests: EndRequests

    @cached_property
    def locking(self) -> Locking:
        # Looked up when somebody has died: until then the two would be waiting for each other to be built.
        return Locking(
            self.identity.accounts,
            lambda account_id, actor: self.lifecycle.settle_death(account_id, actor),
            lambda account_id, actor: self.lifecycle.death_recorded(account_id, actor),
        )

    @cached_property
    def lock_orders(self) -> LockOrders:
        means, accounts = self.means, self.identity.accounts
        return LockOrders(
            accounts.repository, accounts, self.locking, means.audit, means.clock, means.entropy, self.working_days
        )

    @cached_property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle(
            self.identity.accounts,
            self.locking,
            self.identity.guardians,
            self.identity.contacts,
            self.identity.due_accounts,
            self.sources,
            self.means.clock,
            self.revoke_of_dead,
            self.weigh_documents,
            self.end_requests,
        )

    @cached_property
    def unlocking(self) -> Unlocking:
        return Unlocking(self.identity.accounts, self.lifecycle, self.means.audit)

    @cached_property
    def wards(self) -> Wards:
        identity = self.identity
        return Wards(identity.accounts, identity.guardians, self.sources, identity.limits, self.means.clock)

    @cached_property
    def organisations(self) -> Organisations:
        means = self.means
        return Organisations(
            OrganisationRepository(means.session),
            self.identity.accounts,
            self.identity.contacts,
            self.sources,
            means.audit,
            means.clock,
            means.entropy,
            self.working_days,
        )

    @cached_property
    def forms(self) -> Forms:
        return Forms(self.means.keystore.secret(Secret.FORMS), self.means.entropy)

    @cached_property
    def matching(self) -> Matching:
        settings = self.means.settings
        return Matching(self.sources, self.matcher, Thresholds(settings.face_threshold, settings.finger_threshold))

    @cached_property
    def registrations(self) -> Registrations:
        means, identity = self.means, self.identity
        return Registrations(
            rows=ApplicationRepository(means.session),
            forms=self.forms,
            judging=Judging(self.matching, identity.accounts, identity.holders, identity.limits, means.clock),
            matcher=self.matcher,
            accounts=identity.accounts,
            contacts=identity.contacts,
            telling=self.telling,
            limits=identity.limits,
            working_days=self.working_days,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
        )

    @cached_property
    def desk(self) -> EnrolmentDesk:
        means, identity = self.means, self.identity
        companions = Companions(self.matching, identity.accounts, identity.holders, identity.guardians)
        return EnrolmentDesk(
            rows=ApplicationRepository(means.session),
            forms=self.forms,
            matching=self.matching,
            comparing=Comparing(self.matching, companions, means.clock),
            matcher=self.matcher,
            accounts=identity.accounts,
            holders=identity.holders,
            companions=companions,
            contacts=identity.contacts,
            telling=self.telling,
            reads=identity.staff_reads,
            working_days=self.working_days,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
        )
