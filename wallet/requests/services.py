"""The services of the requests' room in one transaction, each made when it is first asked for."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial

from wallet.documents.services import DocumentServices
from wallet.enrolment.organisations import Organisations
from wallet.identity.services import IdentityServices
from wallet.launching.rollout import Rollout
from wallet.launching.stop_rule import Outcomes
from wallet.means import Means
from wallet.payments.paying import Paying
from wallet.payments.provider import Payments
from wallet.payments.services import build_paying
from wallet.requests.agreements import Agreements
from wallet.requests.cases import Cases
from wallet.requests.desk import ReviewDesk
from wallet.requests.failures import FAILED
from wallet.requests.imports import Imports
from wallet.requests.lifecycle import Requests
from wallet.requests.links import Links
from wallet.requests.moving import Moving
from wallet.requests.once import AskedOnce
from wallet.requests.orders import number_of
from wallet.requests.overdue import Overdue
from wallet.requests.papers import Papers
from wallet.requests.previewing import Previewing
from wallet.requests.reach import Reach
from wallet.requests.repository import RequestRepository
from wallet.requests.represented import Represented
from wallet.requests.returning import Returning
from wallet.requests.seeing import Seeing
from wallet.requests.showing import Showing
from wallet.requests.verified import Verified
from wallet.requests.voiding import Voiding
from wallet.requests.weighing import Weighing
from wallet.sources.reading import Sources
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import WorkingDays


@dataclass
class RequestServices:
    """Requests: sent in, paid, decided. Each is made when it is first asked for: most transactions issue nothing."""

    means: Means
    identity: IdentityServices
    documents: DocumentServices
    organisations: Organisations
    sources: Sources
    rollout: Rollout
    catalogue: Catalogue
    provider: Payments
    calendar: WorkingDays

    @cached_property
    def rows(self) -> RequestRepository:
        return RequestRepository(self.means.session)

    @cached_property
    def cases(self) -> Cases:
        return Cases(self.rows, self.catalogue, self.identity.holders, self.sources, self.means.clock)

    @cached_property
    def seeing(self) -> Seeing:
        return Seeing(self.rows, self.identity.holders, self.papers, self.verified)

    @cached_property
    def once(self) -> AskedOnce:
        return AskedOnce(self.rows, self.identity.holders)

    @cached_property
    def verified(self) -> Verified:
        return Verified(self.rows, self.identity.holders)

    @cached_property
    def papers(self) -> Papers:
        return Papers(self.rows, self.catalogue, self.identity.holders, self.means.clock)

    @cached_property
    def links(self) -> Links:
        means, holders = self.means, self.identity.holders
        return Links(self.rows, self.catalogue, holders, self.sources, self.rollout, means.audit, means.clock)

    @cached_property
    def showing(self) -> Showing:
        return Showing(self.catalogue, self.cases, self.links, self.identity.holders, self.sources, self.means.clock)

    @cached_property
    def moving(self) -> Moving:
        means, identity, documents = self.means, self.identity, self.documents
        return Moving(
            rows=self.rows,
            cases=self.cases,
            papers=self.papers,
            verified=self.verified,
            once=self.once,
            rollout=self.rollout,
            issuing=documents.issuing,
            revoking=documents.revoking,
            holders=identity.holders,
            contacts=identity.contacts,
            guardians=identity.guardians,
            audit=means.audit,
            clock=means.clock,
            calendar=self.calendar,
        )

    @cached_property
    def voiding(self) -> Voiding:
        documents = self.documents
        return Voiding(
            rows=self.rows,
            standing=documents.standing,
            catalogue=self.catalogue,
            holders=self.identity.holders,
            sources=self.sources,
            revoking=documents.revoking,
            moving=self.moving,
            weighing=self.weighing,
            rollout=self.rollout,
            clock=self.means.clock,
        )

    @cached_property
    def paying(self) -> Paying:
        hold = partial(self.rows.get, lock=True)
        return build_paying(self.means, self.provider, number_of, self._inform_payer, hold)

    @cached_property
    def requests(self) -> Requests:
        means, identity = self.means, self.identity
        return Requests(
            rows=self.rows,
            catalogue=self.catalogue,
            cases=self.cases,
            moving=self.moving,
            seeing=self.seeing,
            weighing=self.weighing,
            represented=self.represented,
            paying=self.paying,
            agreements=self.agreements,
            holders=identity.holders,
            guardians=identity.guardians,
            rollout=self.rollout,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            calendar=self.calendar,
        )

    @cached_property
    def agreements(self) -> Agreements:
        means, identity = self.means, self.identity
        return Agreements(
            rows=self.rows,
            catalogue=self.catalogue,
            moving=self.moving,
            holders=identity.holders,
            accounts=identity.accounts,
            contacts=identity.contacts,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
        )

    @cached_property
    def weighing(self) -> Weighing:
        return Weighing(self.rows, self.cases, self.links, self.verified, self.once, self.represented)

    @cached_property
    def represented(self) -> Represented:
        return Represented(self.organisations)

    @cached_property
    def previewing(self) -> Previewing:
        return Previewing(self.requests, self.weighing, self.means.clock, self.calendar)

    @cached_property
    def imports(self) -> Imports:
        return Imports(self.requests, self.weighing, self.catalogue, self.identity.holders, self.means.audit)

    @cached_property
    def reach(self) -> Reach:
        identity = self.identity
        return Reach(self.rows, self.catalogue, identity.accounts, identity.holders, identity.desks)

    @cached_property
    def desk(self) -> ReviewDesk:
        means, identity = self.means, self.identity
        return ReviewDesk(
            rows=self.rows,
            catalogue=self.catalogue,
            moving=self.moving,
            seeing=self.seeing,
            reach=self.reach,
            reads=identity.staff_reads,
            holders=identity.holders,
            audit=means.audit,
            clock=means.clock,
        )

    @cached_property
    def overdue(self) -> Overdue:
        identity = self.identity
        return Overdue(self.rows, self.catalogue, self.moving, self.reach, identity.contacts, self.means.clock)

    @cached_property
    def returning(self) -> Returning:
        return Returning(self.rows, self.catalogue, self.paying, self.rollout.launched, self.rollout.retired)

    def _inform_payer(self, request_id: str, code: str) -> None:
        row = self.rows.get(request_id)
        if row is not None:
            self.moving.inform(row, code)

    def outcomes(self, utility: str, since: datetime) -> Outcomes:
        """Return how many people failed to get a request in since a moment, by no fault of theirs, and how many did."""
        failed = self.means.audit.count_actors(FAILED, utility, since)
        return Outcomes(failed, self.rows.count_senders(utility, since))

    def open_of(self, utility: str) -> int:
        """Return how many requests of a utility are not answered yet. Raises UnknownUtility."""
        return self.rows.count_open(utility, self.catalogue.get(utility).lifecycle.final)
