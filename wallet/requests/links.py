"""A holder's link to a record about them in another institution's register: matched, refreshed, refused.

What matches is the contract's (`Link.matches`): older registers have `NGUYEN VAN AN` (docs/domain.md, section 5.2).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, LevelTooLow, NotAllowed, NotFound, StepUpRequired
from wallet.identity.holders import Holders
from wallet.launching.rollout import Rollout
from wallet.requests.cases import holder_of
from wallet.requests.repository import RequestRepository
from wallet.sources.base import Ground
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.base import Capacity, Link, Source, Utility
from wallet.utilities.catalogue import Catalogue


class LinkState(StrEnum):
    """Where a link stands."""

    NOT_LINKED = "not_linked"
    LINKED = "linked"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as its holder sees it. reason: why it does not match. as_of: when the register last changed its record."""

    utility: str
    state: LinkState
    reason: str | None = None
    changed_at: datetime | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Links, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    holders: Holders
    sources: Sources
    rollout: Rollout
    audit: Audit
    clock: Clock

    def get(self, code: str, actor: Actor) -> LinkView:
        """Return a link. Raises UnknownUtility, NotFound("nothing_to_link") for a utility without one; NotAllowed,
        LevelTooLow, StepUpRequired for whoever may not ask for what it is about."""
        utility, holder_id = self._linked(code), holder_of(actor)
        assert_may_see(utility, actor)
        row = self.rows.link(holder_id, utility.code)
        if row is None:
            return LinkView(utility.code, LinkState.NOT_LINKED)
        return LinkView(utility.code, LinkState(row.state), row.reason, row.changed_at, row.as_of)

    def make(self, code: str, actor: Actor) -> LinkView:
        """Link, or look again: match the register's record with who the holder is, and keep what came of it.

        Raises as `get` does, Conflict("utility_disabled"); Unavailable when a register does not answer, and
        then the link stays as it was.
        """
        utility, holder_id = self._linked(code), holder_of(actor)
        link = utility.link
        assert link is not None  # noqa: S101 - `_linked` refuses what has none
        assert_may_see(utility, actor)
        self.rollout.assert_open_to(utility.code, actor)
        self.holders.hold(holder_id, shared=True)
        ground = Ground("link_record", utility.code, actor)
        gathered = gather(self.sources, link.registers, self.holders.number(holder_id), ground, subject=holder_id)
        reason = mismatch(link, gathered)
        state = LinkState.LINKED if reason is None else LinkState.MISMATCH
        as_of = gathered.facts[link.register].as_of if link.register in gathered.facts else None
        values = {"state": str(state), "reason": reason, "changed_at": self.clock.now(), "as_of": as_of}
        self.rows.set_link(holder_id, utility.code, values)
        self.audit.record(f"utility.{state}", actor, holder_id, utility=utility.code, reason=reason)
        return LinkView(utility.code, state, reason, self.clock.now(), as_of)

    def assert_linked(self, utility: Utility, holder_id: str) -> None:
        """Raise Conflict("not_linked") unless the holder's record is linked."""
        row = self.rows.link(holder_id, utility.code)
        if row is None or row.state != LinkState.LINKED:
            raise Conflict("not_linked", utility=utility.code)

    def _linked(self, code: str) -> Utility:
        utility = self.catalogue.get(code)
        if utility.link is None:
            raise NotFound("nothing_to_link")
        return utility


def mismatch(link: Link, gathered: Gathered) -> str | None:
    """Return why the register's record is not this person's as a code, None when it is."""
    if link.register in gathered.unknown or Source.POPULATION in gathered.unknown:
        return "record_unknown"
    return None if link.matches(gathered.values) else "another_person"


def assert_may_see(utility: Utility, actor: Actor) -> None:
    """Refuse a session that may not see what a utility is about. Raises NotAllowed, LevelTooLow, StepUpRequired."""
    if actor.acting_for is not None and not utility.open_to_guardians:
        raise NotAllowed("capacity_not_allowed", capacity=str(Capacity.GUARDIAN))
    if actor.account_level < utility.minimum_level:
        raise LevelTooLow("level_too_low", needed=int(utility.minimum_level))
    if actor.auth_level < utility.minimum_auth:
        raise StepUpRequired("step_up_required", auth_level=int(utility.minimum_auth))
