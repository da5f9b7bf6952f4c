"""The services of the launching's room in one transaction, each made when it is first asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property

from wallet.identity.services import IdentityServices
from wallet.launching.approvals import Approvals
from wallet.launching.changing import Launching
from wallet.launching.judging import Visitor
from wallet.launching.preview import Member, Members, Previewing
from wallet.launching.repository import LaunchingRepository
from wallet.launching.rollout import Rollout
from wallet.launching.stopping import OutcomesOf, Stopping
from wallet.means import Means
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.sources.tallying import ResidenceCounter, Tallying
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue

RUN_LAUNCHES = (StaffRole.ADMIN, StaffRole.OPERATOR)
"""Who is told when a launch stops by itself."""


@dataclass
class LaunchServices:
    """Launching: what is open to whom, and who may change it.

    counter: None where no register counts people. outcomes: how the requests of a utility went.
    """

    means: Means
    identity: IdentityServices
    sources: Sources
    catalogue: Catalogue
    counter: ResidenceCounter | None
    outcomes: OutcomesOf

    @cached_property
    def rows(self) -> LaunchingRepository:
        return LaunchingRepository(self.means.session)

    @cached_property
    def rollout(self) -> Rollout:
        means = self.means
        return Rollout(self.rows, self.catalogue, self.identity.staff_reads, means.audit, means.clock, self.visitor)

    @cached_property
    def launching(self) -> Launching:
        means, identity = self.means, self.identity
        return Launching(
            rows=self.rows,
            catalogue=self.catalogue,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            other_admins=lambda account_id: [
                each for each in identity.staffing.accounts_with(StaffRole.ADMIN) if each != account_id
            ],
            tell=identity.contacts.tell,
            is_account=identity.accounts.is_open,
            patience=timedelta(days=means.settings.approval_days),
        )

    @cached_property
    def stopping(self) -> Stopping:
        staffing = self.identity.staffing

        def run_launches() -> list[str]:
            return sorted({each for role in RUN_LAUNCHES for each in staffing.accounts_with(role)})

        return Stopping(self.launching, self.outcomes, run_launches, self.means.clock)

    def approvals(self, kind: str) -> Approvals:
        """Return the approvals of one kind."""
        return Approvals(kind, self.rows, self.means.audit, self.means.clock, self.means.entropy)

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
            number = self.identity.holders.number(holder_id)
            known = self.sources.find(RegisterCode.RESIDENCE, number, ground, subject=holder_id) or {}
            code = known.get("permanent_province_code")
            return None if code is None else str(code)

        return Visitor(holder_id, account_id, self.means.clock.now(), province, app_version)

    def previewing(self, actor: Actor, utility: str, open_requests: Callable[[str], int]) -> Previewing:
        """Return previews for an admin, who is on record as having the register count."""
        ground = Ground("plan_launch", utility, actor)
        tallying = Tallying(self.counter, self.means.audit)

        def tally(holder_ids: Sequence[str]) -> Mapping[str, int]:
            return tallying.by_province([self.identity.holders.number(each) for each in holder_ids], ground)

        return Previewing(self.launching, self._members, tally, open_requests)

    @property
    def _members(self) -> Members:
        accounts = self.identity.accounts
        return Members(
            by_level=accounts.active_by_level,
            drawn=lambda: (Member(*each) for each in accounts.active()),
            named=lambda ids: [Member(*each) for each in accounts.active_of(ids)],
        )
