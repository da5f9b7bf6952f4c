"""Where an account can go from where it stands, and on which grounds it is locked: data, for one place to obey.

Source: Decree 69/2024/NĐ-CP, articles 14 and 15; Law on Identity 26/2023/QH15, article 34; docs/domain.md, section 2.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AccountState(StrEnum):
    """Where an account stands. Source: Decree 69/2024/NĐ-CP, articles 14 and 15; docs/domain.md, section 2.6."""

    PENDING = "pending"
    APPROVED = "approved"
    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


class HolderKind(StrEnum):
    """Which row of table 2.2 of docs/domain.md an account stands in."""

    CITIZEN = "citizen"
    FOREIGNER = "foreigner"


MOVES: Mapping[AccountState, frozenset[AccountState]] = {
    AccountState.PENDING: frozenset({AccountState.APPROVED, AccountState.CLOSED}),
    AccountState.APPROVED: frozenset({AccountState.ACTIVE, AccountState.LOCKED, AccountState.CLOSED}),
    AccountState.ACTIVE: frozenset({AccountState.LOCKED, AccountState.CLOSED}),
    AccountState.LOCKED: frozenset({AccountState.ACTIVE, AccountState.APPROVED, AccountState.CLOSED}),
    AccountState.CLOSED: frozenset(),
}
"""State to the states that may follow. What is locked is the electronic identity, which an approved account has
already; unlocking leads back to where the account stood, so a lock never activates one."""


class LockGround(StrEnum):
    """Why an account is locked. The first five: Law on Identity, article 34; the last two: Decree 69, article 15."""

    HOLDER_REQUEST = "holder_request"
    TERMS_BROKEN = "terms_broken"
    CARD_REVOKED = "card_revoked"
    HOLDER_DIED = "holder_died"
    AUTHORITY_REQUEST = "authority_request"
    CARD_EXPIRED = "card_expired"
    PERMIT_ENDED = "permit_ended"


@dataclass(frozen=True, slots=True)
class GroundRule:
    """What follows from a ground.

    weight: the heaviest ground that stands is the one that an account shows and that an order to unlock lifts; the
    holder's own request is the lightest. told: whether the holder is told. legal_ref: what it rests on where nothing
    nearer is given.
    """

    weight: int
    legal_ref: str
    told: bool = True


_LAW = "Luật Căn cước 26/2023/QH15, Điều 34"
_DECREE = "Nghị định 69/2024/NĐ-CP, Điều 15"

GROUNDS: Mapping[LockGround, GroundRule] = {
    LockGround.HOLDER_REQUEST: GroundRule(1, _LAW),
    LockGround.CARD_EXPIRED: GroundRule(2, _DECREE),
    LockGround.PERMIT_ENDED: GroundRule(2, _DECREE),
    LockGround.CARD_REVOKED: GroundRule(3, _LAW),
    LockGround.TERMS_BROKEN: GroundRule(4, _LAW),
    LockGround.AUTHORITY_REQUEST: GroundRule(5, _LAW),
    LockGround.HOLDER_DIED: GroundRule(6, _LAW, told=False),
}
"""Nobody is left to tell of a death. That the automatic locks are told goes beyond the law, which asks for grounds 1,
2, 3 and 5: whoever finds the account shut learns why."""
