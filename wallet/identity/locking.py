"""Locking: who may set which ground, and what has to be so before it is lifted. Data first.

Source: Law on Identity 26/2023/QH15, article 34; Decree 69/2024/NĐ-CP, article 15; docs/domain.md, section 2.6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wallet.errors import Conflict, NotAllowed
from wallet.identity.account_states import LockGround
from wallet.identity.accounts import Accounts
from wallet.terms import Actor, StaffRole

SYSTEM = "system"


class Locker(StrEnum):
    """Who locks: the holder, an officer at a desk, an approver by an authority's order, the daily look at registers."""

    HOLDER = "holder"
    OFFICER = "officer"
    APPROVER = "approver"
    SYSTEM = "system"


class Lift(StrEnum):
    """What lifts a ground, beside an authority's order, which lifts any but a death."""

    ASKED = "asked"
    """The holder's form TK03 alone, acted on immediately."""
    GONE = "gone"
    """A register that says the ground is gone."""
    ORDER = "order"
    """Nothing else than an order."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Competence:
    """Who sets a ground, and what lifts it. recorded: by a person only where a register records it."""

    lockers: frozenset[Locker]
    lift: Lift
    recorded: bool = False


COMPETENCE: Mapping[LockGround, Competence] = {
    LockGround.HOLDER_REQUEST: Competence(frozenset({Locker.HOLDER}), Lift.ASKED),
    LockGround.TERMS_BROKEN: Competence(frozenset({Locker.OFFICER}), Lift.ORDER),
    LockGround.CARD_REVOKED: Competence(frozenset({Locker.OFFICER}), Lift.GONE),
    LockGround.HOLDER_DIED: Competence(frozenset({Locker.OFFICER, Locker.SYSTEM}), Lift.NEVER, recorded=True),
    LockGround.AUTHORITY_REQUEST: Competence(frozenset({Locker.APPROVER}), Lift.ORDER),
    LockGround.CARD_EXPIRED: Competence(frozenset({Locker.SYSTEM}), Lift.GONE),
    LockGround.PERMIT_ENDED: Competence(frozenset({Locker.SYSTEM}), Lift.GONE),
}

DESK_GROUNDS = tuple(ground for ground, rule in COMPETENCE.items() if Locker.OFFICER in rule.lockers)

AfterDeath = Callable[[str, Actor], None]
"""What becomes of what a dead holder had; this room knows neither documents nor enrolment."""

DeathRecorded = Callable[[str, Actor], bool]
"""Whether the register says that the holder of an account died. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Locking:
    """Locks accounts, in one transaction. Unlocking asks registers: `wallet.enrolment.unlocking`."""

    accounts: Accounts
    after_death: AfterDeath
    death_recorded: DeathRecorded

    def lock_own(self, actor: Actor) -> None:
        """Lock the caller's own account, at once and with every session. Raises Conflict("account_not_active")."""
        self.lock(actor.account_id, LockGround.HOLDER_REQUEST, actor)

    def lock(self, account_id: str, ground: LockGround, actor: Actor, legal_ref: str = "") -> None:
        """Lock an account on a ground that the actor may set.

        A death cannot be undone, so nobody's word is enough for it: the register has to record it. Raises
        NotAllowed("ground_not_yours"), Conflict("death_not_recorded"), Conflict("account_not_active"),
        Conflict("ground_stands"), NotFound("account_unknown"), Unavailable.
        """
        rule, capacities = COMPETENCE[ground], _capacities(actor, account_id)
        if not rule.lockers & capacities:
            raise NotAllowed("ground_not_yours")
        # The daily look has just asked the register itself.
        if rule.recorded and Locker.SYSTEM not in capacities and not self.death_recorded(account_id, actor):
            raise Conflict("death_not_recorded")
        self.accounts.lock(account_id, ground, actor, legal_ref)
        if ground is LockGround.HOLDER_DIED:
            self.after_death(account_id, actor)


def _capacities(actor: Actor, account_id: str) -> frozenset[Locker]:
    """Return as whom an actor may lock this account. Staff has no say over its own account beside the holder's."""
    if actor.account_id == SYSTEM:
        return frozenset({Locker.SYSTEM})
    if actor.account_id == account_id:
        return frozenset({Locker.HOLDER})
    roles = {StaffRole.OFFICER: Locker.OFFICER, StaffRole.APPROVER: Locker.APPROVER}
    return frozenset(locker for role, locker in roles.items() if role in actor.roles)
