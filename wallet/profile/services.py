"""The services of the profile's room in one transaction, each made when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from wallet.ceremonies.held import CeremoniesHeld
from wallet.checks.online.held import ChecksHeld
from wallet.checks.online.misuse import Misuse
from wallet.documents.held import DocumentsHeld
from wallet.documents.revoking import Revoking
from wallet.enrolment.forms import Forms
from wallet.enrolment.held import EnrolmentHeld
from wallet.enrolment.organisations import Organisations
from wallet.idempotency import Idempotency
from wallet.identity.services import IdentityServices
from wallet.launching.held import LaunchingHeld
from wallet.means import Means
from wallet.messages.held import MessagesHeld
from wallet.profile.access import AccessHistory
from wallet.profile.closing import Closing
from wallet.profile.corrections import Corrections
from wallet.profile.export import Exporting, Rooms
from wallet.profile.held import ProfileHeld
from wallet.profile.repository import CorrectionRepository
from wallet.requests.held import RequestsHeld
from wallet.sources.reading import Sources
from wallet.working_days import WorkingDays


@dataclass
class ProfileServices:
    """The profile: what a person sees, corrects, takes along and ends.

    final_states: states of requests that nothing leads out of. open_to_wards: the utilities of which a guardian learns.
    """

    means: Means
    identity: IdentityServices
    organisations: Organisations
    sources: Sources
    forms: Forms
    revoking: Revoking
    idempotency: Idempotency
    working_days: WorkingDays
    final_states: frozenset[str]
    open_to_wards: frozenset[str]
    checks: ChecksHeld
    misuse: Misuse

    @cached_property
    def corrections(self) -> Corrections:
        means, identity = self.means, self.identity
        return Corrections(
            rows=CorrectionRepository(means.session),
            holders=identity.holders,
            contacts=identity.contacts,
            desks=identity.desks,
            reads=identity.staff_reads,
            sources=self.sources,
            limits=identity.limits,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            working_days=self.working_days,
            receipt_working_days=means.settings.correction_receipt_days,
            decision_days=means.settings.correction_decision_days,
        )

    @cached_property
    def rooms(self) -> Rooms:
        session, clock, identity = self.means.session, self.means.clock, self.identity
        return Rooms(
            identity=identity.held,
            enrolment=EnrolmentHeld(session, self.forms, clock),
            documents=DocumentsHeld(session, identity.holders),
            requests=RequestsHeld(session, identity.holders, self.final_states, clock),
            messages=MessagesHeld(session),
            ceremonies=CeremoniesHeld(session),
            profile=ProfileHeld(session, identity.holders),
            launching=LaunchingHeld(session),
            checks=self.checks,
        )

    @cached_property
    def exporting(self) -> Exporting:
        means, identity = self.means, self.identity
        return Exporting(self.rooms, identity.limits, identity.contacts, means.audit, means.clock)

    @cached_property
    def access_history(self) -> AccessHistory:
        return AccessHistory(
            self.means.audit,
            self.identity.accounts,
            CorrectionRepository(self.means.session),
            self.misuse,
            self.organisations,
            self.open_to_wards,
        )

    @cached_property
    def closing(self) -> Closing:
        means, identity = self.means, self.identity
        return Closing(
            rooms=self.rooms,
            accounts=identity.accounts,
            holders=identity.holders,
            revoking=self.revoking,
            idempotency=self.idempotency,
            audit=means.audit,
            clock=means.clock,
        )
