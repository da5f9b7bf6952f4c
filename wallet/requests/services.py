"""The services of the requests' room in one transaction, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.issuing import Issuing
from wallet.documents.revoking import Revoking
from wallet.entropy import Entropy
from wallet.held import DatabaseSession
from wallet.identity.services import IdentityServices
from wallet.launching.rollout import Rollout
from wallet.payments.paying import Paying
from wallet.payments.provider import Payments
from wallet.payments.repository import PaymentRepository
from wallet.requests.cases import Cases
from wallet.requests.desk import ReviewDesk
from wallet.requests.imports import Imports
from wallet.requests.lifecycle import Requests
from wallet.requests.links import Links
from wallet.requests.moving import Moving
from wallet.requests.orders import number_of
from wallet.requests.overdue import Overdue
from wallet.requests.repository import RequestRepository
from wallet.requests.seeing import Seeing
from wallet.requests.showing import Showing
from wallet.requests.voiding import Voiding
from wallet.sources.reading import Sources
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import WorkingDays


@dataclass
class RequestServices:
    """Each is made when it is first asked for. issuing: asked for late, for most transactions issue nothing."""

    session: DatabaseSession
    catalogue: Catalogue
    identity: IdentityServices
    issuing: Callable[[], Issuing]
    revoking: Revoking
    rollout: Rollout
    sources: Sources
    provider: Payments
    payment_life: timedelta
    audit: Audit
    clock: Clock
    entropy: Entropy
    calendar: WorkingDays

    @cached_property
    def rows(self) -> RequestRepository:
        return RequestRepository(self.session)

    @cached_property
    def cases(self) -> Cases:
        return Cases(self.rows, self.catalogue, self.identity.holders, self.sources, self.clock)

    @cached_property
    def seeing(self) -> Seeing:
        return Seeing(self.rows, self.identity.holders)

    @cached_property
    def links(self) -> Links:
        return Links(
            self.rows, self.catalogue, self.identity.holders, self.sources, self.rollout, self.audit, self.clock
        )

    @cached_property
    def showing(self) -> Showing:
        return Showing(self.catalogue, self.cases, self.links, self.identity.holders, self.sources, self.clock)

    @cached_property
    def moving(self) -> Moving:
        return Moving(
            rows=self.rows,
            cases=self.cases,
            issuing=self.issuing(),
            revoking=self.revoking,
            holders=self.identity.holders,
            contacts=self.identity.contacts,
            guardians=self.identity.guardians,
            audit=self.audit,
            clock=self.clock,
            calendar=self.calendar,
        )

    @cached_property
    def voiding(self) -> Voiding:
        return Voiding(
            rows=self.rows,
            documents=self.revoking.documents,
            catalogue=self.catalogue,
            holders=self.identity.holders,
            sources=self.sources,
            revoking=self.revoking,
            moving=self.moving,
            clock=self.clock,
        )

    @cached_property
    def paying(self) -> Paying:
        return Paying(
            rows=PaymentRepository(self.session),
            provider=self.provider,
            audit=self.audit,
            clock=self.clock,
            entropy=self.entropy,
            life=self.payment_life,
            number_of=number_of,
            inform=self._inform_payer,
        )

    @cached_property
    def requests(self) -> Requests:
        return Requests(
            rows=self.rows,
            catalogue=self.catalogue,
            cases=self.cases,
            moving=self.moving,
            seeing=self.seeing,
            links=self.links,
            paying=self.paying,
            holders=self.identity.holders,
            guardians=self.identity.guardians,
            rollout=self.rollout,
            audit=self.audit,
            clock=self.clock,
            entropy=self.entropy,
            calendar=self.calendar,
        )

    @cached_property
    def imports(self) -> Imports:
        return Imports(self.requests, self.cases, self.catalogue, self.identity.holders, self.audit)

    @cached_property
    def desk(self) -> ReviewDesk:
        return ReviewDesk(
            rows=self.rows,
            catalogue=self.catalogue,
            moving=self.moving,
            seeing=self.seeing,
            accounts=self.identity.accounts,
            holders=self.identity.holders,
            guardians=self.identity.guardians,
            audit=self.audit,
            clock=self.clock,
        )

    @cached_property
    def overdue(self) -> Overdue:
        return Overdue(self.rows, self.catalogue, self.moving, self.clock)

    def _inform_payer(self, request_id: str, code: str) -> None:
        row = self.rows.get(request_id)
        if row is not None:
            self.moving.inform(row, code)
