"""An authority's request to lock or unlock: received, forwarded, decided, by more than one person.

Whoever receives it forwards it within one working day; the head of the identity authority decides within two more, and
gives written reasons for a refusal. Source: docs/domain.md, section 2.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.accounts import Accounts
from wallet.identity.locking import Locking
from wallet.identity.models import LockOrder
from wallet.identity.repository import IdentityRepository
from wallet.terms import Actor, StaffRole
from wallet.working_days import WorkingDays

FORWARD_WORKING_DAYS = 1
DECISION_WORKING_DAYS = 2


class OrderKind(StrEnum):
    """What an authority asks for."""

    LOCK = "lock"
    UNLOCK = "unlock"


class OrderState(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    FORWARDED = "forwarded"
    GRANTED = "granted"
    REFUSED = "refused"


NEXT: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.RECEIVED: frozenset({OrderState.FORWARDED}),
    OrderState.FORWARDED: frozenset({OrderState.GRANTED, OrderState.REFUSED}),
    OrderState.GRANTED: frozenset(),
    OrderState.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as staff sees it. overdue: past the end of the step that it is in."""

    id: str
    account_id: str
    kind: OrderKind
    ground: LockGround
    authority: str
    legal_ref: str
    state: OrderState
    received_by: str
    received_at: datetime
    forward_due_at: datetime
    forwarded_by: str | None
    forwarded_at: datetime | None
    decision_due_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    written_reason: str | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class LockOrders:
    """The orders of one transaction."""

    repository: IdentityRepository
    accounts: Accounts
    locking: Locking
    audit: Audit
    clock: Clock
    entropy: Entropy
    days: WorkingDays

    def receive(self, account_id: str, kind: OrderKind, authority: str, legal_ref: str, actor: Actor) -> OrderView:
        """Take an authority's request down. Raises NotFound("account_unknown"), Conflict("account_closed")."""
        _assert_role(StaffRole.OFFICER, actor)
        if self.accounts.hold(account_id).state is AccountState.CLOSED:
            raise Conflict("account_closed")
        now = self.clock.now()
        row = LockOrder(
            id=new_id(self.entropy, "lko"),
            account_id=account_id,
            kind=kind,
            ground=LockGround.AUTHORITY_REQUEST,
            authority=authority,
            legal_ref=legal_ref,
            state=OrderState.RECEIVED,
            received_by=actor.account_id,
            received_at=now,
            forward_due_at=self.days.due(now, FORWARD_WORKING_DAYS),
        )
        self.repository.add(row)
        self.audit.record("lock_order.received", actor, row.id, account=account_id, kind=str(kind))
        return self._view(row)

    def forward(self, order_id: str, actor: Actor) -> OrderView:
        """Forward an order to whoever decides. Raises NotFound("not_found"), Conflict("order_closed")."""
        _assert_role(StaffRole.OFFICER, actor)
        now = self.clock.now()
        due = self.days.due(now, DECISION_WORKING_DAYS)
        forwarded = {"forwarded_by": actor.account_id, "forwarded_at": now, "decision_due_at": due}
        self._move(order_id, OrderState.RECEIVED, OrderState.FORWARDED, **forwarded)
        self.audit.record("lock_order.forwarded", actor, order_id)
        return self.get(order_id)

    def decide(self, order_id: str, *, grant: bool, written_reason: str | None, actor: Actor) -> OrderView:
        """Grant an order, which locks or unlocks in the same transaction, or refuse it with written reasons.

        To unlock lifts one ground, the heaviest that stands: what the holder asked for themself is theirs to lift.
        Raises NotAllowed("self_approval") for whoever received or forwarded it or whose account it is, InvalidInput
        for a refusal without reasons, NotFound("not_found"), Conflict("order_closed"), and what locking raises; then
        the order waits on.
        """
        _assert_role(StaffRole.APPROVER, actor)
        order = self.get(order_id)
        if actor.account_id in (order.received_by, order.forwarded_by, order.account_id):
            raise NotAllowed("self_approval")
        if not grant and not (written_reason or "").strip():
            raise InvalidInput({"/written_reason": "required"})
        account = self.accounts.hold(order.account_id)
        decision = OrderState.GRANTED if grant else OrderState.REFUSED
        decided = {"decided_by": actor.account_id, "decided_at": self.clock.now(), "written_reason": written_reason}
        self._move(order_id, OrderState.FORWARDED, decision, **decided)
        self.audit.record("lock_order.decided", actor, order_id, account=order.account_id, decision=str(decision))
        if grant and order.kind is OrderKind.LOCK:
            self.locking.lock(order.account_id, order.ground, actor, order.legal_ref)
        elif grant:
            if account.lock_ground is None:
                raise Conflict("account_not_locked")
            self.accounts.unlock(order.account_id, account.lock_ground, actor)
        return self.get(order_id)

    def get(self, order_id: str) -> OrderView:
        """Return one order. Raises NotFound("not_found")."""
        row = self.repository.lock_order(order_id)
        if row is None:
            raise NotFound("not_found")
        return self._view(row)

    def page(self, state: OrderState, limit: int, place: str | None) -> tuple[list[OrderView], str | None]:
        """Return one page of the orders in a state, the oldest first, and where the next one starts."""
        rows, following = self.repository.lock_orders(str(state), limit, place)
        return [self._view(row) for row in rows], following

    def _move(self, order_id: str, before: OrderState, after: OrderState, **values: object) -> None:
        if after not in NEXT[before] or not self.repository.move_lock_order(order_id, before, state=after, **values):
            self.get(order_id)
            raise Conflict("order_closed")

    def _view(self, row: LockOrder) -> OrderView:
        state = OrderState(row.state)
        due = {OrderState.RECEIVED: row.forward_due_at, OrderState.FORWARDED: row.decision_due_at}.get(state)
        return OrderView(
            id=row.id,
            account_id=row.account_id,
            kind=OrderKind(row.kind),
            ground=LockGround(row.ground),
            authority=row.authority,
            legal_ref=row.legal_ref,
            state=state,
            received_by=row.received_by,
            received_at=row.received_at,
            forward_due_at=row.forward_due_at,
            forwarded_by=row.forwarded_by,
            forwarded_at=row.forwarded_at,
            decision_due_at=row.decision_due_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            written_reason=row.written_reason,
            overdue=due is not None and self.clock.now() > due,
        )


def _assert_role(role: StaffRole, actor: Actor) -> None:
    if role not in actor.roles:
        raise NotAllowed("not_allowed")
