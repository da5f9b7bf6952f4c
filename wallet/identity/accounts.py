"""Accounts: opened from a register's facts, approved, activated, locked on a ground, closed for good.

States: pending → approved → active ⇄ locked → closed (`wallet.identity.account_states`). Only an active account
signs in or keeps a session.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound
from wallet.identity.account_states import GROUNDS, MOVES, AccountState
from wallet.identity.account_states import HolderKind as HolderKind
from wallet.identity.account_states import LockGround as LockGround
from wallet.identity.contacts import Contacts, normalised_phone
from wallet.identity.devices import BoundDevice, Devices
from wallet.identity.holders import Holders, Profile
from wallet.identity.models import Account, AccountLock, StaffGrant
from wallet.identity.passwords import Hasher, Knowledge, check_passcode, check_password
from wallet.identity.repository import IdentityRepository
from wallet.sources.base import Fact
from wallet.terms import AccountLevel, Actor, StaffRole

PAGE = 5_000
"""Accounts that one query gives, where all are gone through."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A staff role with its reach."""

    role: StaffRole
    agency: str
    province: str


AT_SEVERAL_DESKS = frozenset({StaffRole.REVIEWER})
"""Roles that somebody may have in several places at a time."""


def is_held(grant: Grant, held: Iterable[Grant]) -> bool:
    """Return whether a grant adds nothing to those that are held: a role that is had in one place is had there."""
    return any(grant == each if grant.role in AT_SEVERAL_DESKS else grant.role is each.role for each in held)


@dataclass(frozen=True, slots=True)
class Lock:
    """One ground on which an account is locked. legal_ref: what it rests on."""

    ground: LockGround
    at: datetime
    legal_ref: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as others see it: no hash, no number. lock_ground: the heaviest of those that stand."""

    id: str
    holder_id: str
    level: AccountLevel
    state: AccountState
    lock_ground: LockGround | None
    created_at: datetime
    kind: HolderKind = HolderKind.CITIZEN
    valid_until: date | None = None
    approved_at: datetime | None = None
    activated_at: datetime | None = None
    closed_at: datetime | None = None
    times_locked: int = 0
    activation_key: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """What `open` leaves: the same answer the first time and every time after."""

    account_id: str
    holder_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of one transaction. activation_life: how long after its approval an account may be activated.

    after_lock(holder_id, device_ids): what follows where an account is locked, or no longer, for what its holder and
    its devices have to show; this room knows no documents.
    """

    repository: IdentityRepository
    holders: Holders
    devices: Devices
    contacts: Contacts
    hasher: Hasher
    audit: Audit
    clock: Clock
    entropy: Entropy
    activation_life: timedelta
    after_lock: Callable[[str, Sequence[str]], object]

    def register(
        self,
        facts: Mapping[str, Fact],
        *,
        level: AccountLevel,
        kind: HolderKind,
        phone: str | None,
        email: str | None,
        valid_until: date | None,
        actor: Actor,
    ) -> str:
        """Return the id of the account of the person whom `facts` describe: a pending one is made when there is none.

        facts: number, full_name, birth_date. phone: as a person writes it; None for a ward, who is reached through
        the guardian. valid_until: the last day of the card or residence permit. An account that exists stays as it
        is. Raises Conflict("account_closed"), InvalidInput for a phone that is none.
        """
        holder_id = self.holders.open(facts, actor)
        known = self.repository.account_of_holder(holder_id)
        if known is not None:
            if known.state == AccountState.CLOSED:
                raise Conflict("account_closed")
            return known.id
        account = Account(
            id=new_id(self.entropy, "acc"),
            holder_id=holder_id,
            level=int(level),
            state=AccountState.PENDING,
            kind=kind,
            valid_until=valid_until,
            created_at=self.clock.now(),
        )
        self.repository.add(account)
        if phone is not None:
            self.contacts.set(account.id, holder_id, normalised_phone(phone), email)
        self.audit.record("account.registered", actor, account.id, level=int(level), kind=str(kind))
        return account.id

    def approve(
        self,
        account_id: str,
        level: AccountLevel,
        actor: Actor,
        *,
        valid_until: date | None = None,
        activation_key: str | None = None,
    ) -> AccountState:
        """Approve a pending account, or raise the level of one that is approved or active; return its state.

        The level never falls. An approved account that was not activated in time may be approved again, which gives
        it the whole time anew. activation_key: of the device that alone may activate it
        (`wallet.identity.devices.activation_key`); None: any device. The holder is told when the level of an active
        account rises; the answer to an application is told by whoever gives it. Raises Conflict("account_locked"),
        Conflict("account_closed"), NotFound("account_unknown").
        """
        account = self._load(account_id, lock=True)
        if account.state in (AccountState.LOCKED, AccountState.CLOSED):
            raise Conflict("account_locked" if account.state == AccountState.LOCKED else "account_closed")
        former, now = AccountState(account.state), self.clock.now()
        raised = former != AccountState.PENDING and level > account.level
        if former == AccountState.PENDING:
            self._to(account, AccountState.APPROVED, "account_closed")
            account.level = int(level)
        account.level = max(account.level, int(level))
        account.valid_until = valid_until or account.valid_until
        if former != AccountState.ACTIVE:
            account.approved_at, account.activation_key = now, activation_key
        self.repository.flush()
        self.audit.record("account.approved", actor, account_id, level=account.level, former=str(former))
        if raised and former == AccountState.ACTIVE:
            self.contacts.tell(account_id, "level_raised")
        return AccountState(account.state)

    def activate(self, account_id: str, *, password_hash: str, passcode_hash: str, actor: Actor) -> None:
        """Activate an approved account with the secrets that its holder has just chosen, and tell them.

        Raises Conflict("account_not_approved"), Conflict("activation_over"), NotFound("account_unknown").
        Source: Decree 69/2024/NĐ-CP, article 14.
        """
        account, now = self._load(account_id, lock=True), self.clock.now()
        if account.state != AccountState.APPROVED:
            raise Conflict("account_not_approved")
        if account.approved_at is not None and now > account.approved_at + self.activation_life:
            raise Conflict("activation_over", days=self.activation_life.days)
        self._to(account, AccountState.ACTIVE, "account_not_approved")
        account.password_hash, account.passcode_hash, account.activated_at = password_hash, passcode_hash, now
        self.repository.flush()
        self.audit.record("account.activated", actor, account_id)
        self.contacts.tell(account_id, "account_activated")

    def open(
        self,
        *,
        facts: Mapping[str, Fact],
        password: str,
        passcode: str,
        device_id: str,
        public_key: Mapping[str, str],
        actor: Actor,
        level: AccountLevel = AccountLevel.TWO,
        device_name: str = "",
        grants: Iterable[Grant] = (),
        phone: str | None = None,
        kind: HolderKind = HolderKind.CITIZEN,
        valid_until: date | None = None,
        biometric_key: Mapping[str, str] | None = None,
    ) -> OpenedAccount:
        """Open an active account for the person whom `facts` describe, bound to one device. Safe to repeat.

        facts: number, full_name, birth_date. An account that exists keeps its password, passcode and level;
        a device that is not bound yet is bound, grants that are missing are given.
        Raises InvalidInput for a weak password or passcode or a key that is none, Conflict("device_taken").
        """
        holder_id = self.holders.open(facts, actor)
        account = self.repository.account_of_holder(holder_id)
        if account is None:
            profile = self.holders.profile(holder_id)
            check_password(password)
            check_passcode(passcode, number=profile.number, birth_date=profile.birth_date)
            now = self.clock.now()
            account = Account(
                id=new_id(self.entropy, "acc"),
                holder_id=holder_id,
                level=int(level),
                state=AccountState.ACTIVE,
                kind=kind,
                valid_until=valid_until,
                password_hash=self.hasher.hash(Knowledge.PASSWORD, password),
                passcode_hash=self.hasher.hash(Knowledge.PASSCODE, passcode),
                created_at=now,
                approved_at=now,
                activated_at=now,
            )
            self.repository.add(account)
            if phone is not None:
                self.contacts.set(account.id, holder_id, normalised_phone(phone), None)
            self.audit.record("account.opened", actor, account.id, level=int(level))
        bound = self.repository.bound_device(account.id)
        if bound is None or bound.id != device_id:
            self.devices.bind(
                account.id,
                device_id,
                public_key,
                device_name,
                actor,
                bound_by="opening",
                biometric_key=biometric_key,
            )
        held = self.grants(account.id)
        for grant in grants:
            if not is_held(grant, held):
                self.grant(account.id, grant, actor)
        return OpenedAccount(account.id, holder_id, device_id)

    def find(self, account_id: str) -> AccountView:
        """Return an account. Raises NotFound("account_unknown")."""
        return _as_value(self._load(account_id))

    def is_open(self, account_id: str) -> bool:
        """Return whether there is such an account that is not closed."""
        account = self.repository.account(account_id)
        return account is not None and account.state != AccountState.CLOSED

    def active_by_level(self) -> dict[AccountLevel, int]:
        """Return how many accounts are active, by their level."""
        return {AccountLevel(level): number for level, number in self.repository.count_active().items()}

    def active(self) -> Iterator[tuple[str, str, AccountLevel]]:
        """Give id, holder and level of every active account in the order of the holders' ids, a page at a time.

        Ids are drawn by chance, so of many accounts the first are a fair part.
        """
        after = ""
        while page := self.repository.active_accounts(after, PAGE):
            yield from ((account_id, holder_id, AccountLevel(level)) for account_id, holder_id, level in page)
            after = page[-1][1]

    def active_of(self, account_ids: Collection[str]) -> list[tuple[str, str, AccountLevel]]:
        """Return the same of those of these accounts that are active."""
        found = self.repository.active_of(account_ids)
        return [(account_id, holder_id, AccountLevel(level)) for account_id, holder_id, level in found]

    def hold(self, account_id: str) -> AccountView:
        """Return an account that nobody else changes until this transaction ends. Raises NotFound("account_unknown").

        Row locks are taken in one order: the account first, then what belongs to it.
        """
        return _as_value(self._load(account_id, lock=True))

    def locks(self, account_id: str) -> tuple[Lock, ...]:
        """Return the grounds on which an account is locked, the heaviest first; none for one that is not."""
        rows = self.repository.account_locks(account_id)
        found = [Lock(LockGround(row.ground), row.at, row.legal_ref) for row in rows]
        return tuple(sorted(found, key=lambda lock: (-GROUNDS[lock.ground].weight, lock.ground)))

    def of_holder(self, holder_id: str) -> AccountView | None:
        """Return the account that stands for a holder."""
        account = self.repository.account_of_holder(holder_id)
        return None if account is None else _as_value(account)

    def profile(self, account_id: str) -> Profile:
        """Return who stands behind an account. Raises NotFound."""
        return self.holders.profile(self._load(account_id).holder_id)

    def device(self, account_id: str) -> BoundDevice | None:
        """Return the device that an account is bound to."""
        return self.devices.of_account(account_id)

    def grant(self, account_id: str, grant: Grant, actor: Actor) -> None:
        """Give a staff role. Raises Conflict("already_exists")."""
        self.repository.add(
            StaffGrant(account_id=account_id, role=grant.role, agency=grant.agency, province=grant.province)
        )
        self.audit.record("staff.granted", actor, account_id, role=str(grant.role), agency=grant.agency)

    def grants(self, account_id: str) -> tuple[Grant, ...]:
        """Return the staff roles of an account, each where it is had."""
        rows = self.repository.grants(account_id)
        grants = (Grant(StaffRole(row.role), row.agency, row.province) for row in rows)
        return tuple(sorted(grants, key=lambda grant: (grant.role, grant.agency, grant.province)))

    def members_of(self, role: StaffRole, agency: str) -> list[tuple[str, Grant]]:
        """Return everybody with an active account who has a role at an agency, once for each grant, by account."""
        return [
            (account_id, Grant(role, agency, province))
            for account_id, province in self.repository.members_of(role, agency)
        ]

    def set_password_hash(self, account_id: str, password_hash: str, actor: Actor) -> None:
        """Store the hash of a new password, which was checked and hashed outside. Raises NotFound."""
        self._load(account_id, lock=True).password_hash = password_hash
        self.repository.flush()
        self.audit.record("account.password_set", actor, account_id)

    def set_passcode_hash(self, account_id: str, passcode_hash: str, actor: Actor) -> None:
        """Store the hash of a new passcode, which was checked and hashed outside. Raises NotFound."""
        self._load(account_id, lock=True).passcode_hash = passcode_hash
        self.repository.flush()
        self.audit.record("account.passcode_set", actor, account_id)

    def lock(self, account_id: str, ground: LockGround, actor: Actor, legal_ref: str = "") -> None:
        """Lock an account on one more ground and end its sessions, at once; the holder is told, except of a death.

        legal_ref: of the ground where nothing nearer is given. A locked account takes any ground that it does not have
        yet. Raises Conflict("account_not_active"), Conflict("ground_stands") for a ground that it has, NotFound.
        """
        account, now = self._load(account_id, lock=True), self.clock.now()
        if account.state != AccountState.LOCKED:
            self._to(account, AccountState.LOCKED, "account_not_active")
        elif any(lock.ground is ground for lock in self.locks(account_id)):
            raise Conflict("ground_stands")
        first = account.lock_ground is None
        account.times_locked += 1
        rests_on = legal_ref or GROUNDS[ground].legal_ref
        self.repository.add(
            AccountLock(account_id=account_id, ground=ground, by=actor.account_id, at=now, legal_ref=rests_on)
        )
        self._note_heaviest(account)
        self.repository.end_sessions(now, "account_locked", account_id=account_id)
        if first:
            self._follow_lock(account)
        self.audit.record("account.locked", actor, account_id, ground=str(ground))
        if GROUNDS[ground].told:
            self.contacts.tell(account_id, "account_locked")

    def unlock(self, account_id: str, ground: LockGround, actor: Actor) -> bool:
        """Lift one ground, and return whether it was the last: then the account goes back to where it stood.

        The holder is told when it does; sessions that the lock ended stay ended. Who may lift which ground is asked
        before (`wallet.identity.locking`); a death nobody. Raises Conflict("account_not_locked"),
        Conflict("ground_remains") for a death and for a ground that does not stand, NotFound("account_unknown").
        """
        account = self._load(account_id, lock=True)
        if account.state != AccountState.LOCKED:
            raise Conflict("account_not_locked")
        if ground is LockGround.HOLDER_DIED or not self.repository.remove_lock(account_id, ground):
            raise Conflict("ground_remains")
        self._note_heaviest(account)
        if account.lock_ground is not None:
            self.audit.record("account.ground_lifted", actor, account_id, ground=str(ground))
            return False
        activated = account.password_hash is not None
        self._to(account, AccountState.ACTIVE if activated else AccountState.APPROVED, "account_not_locked")
        self.repository.flush()
        self._follow_lock(account)
        self.audit.record("account.unlocked", actor, account_id, ground=str(ground))
        self.contacts.tell(account_id, "account_unlocked")
        return True

    def assert_unlocked(self, holder_id: str) -> None:
        """Return if nothing shuts this holder's account, nor will until this transaction ends.

        A holder without an account has none to shut. Raises Conflict("account_locked"), Conflict("account_closed").
        """
        # The holder first, as whoever closes an account: two that wait for each other's rows never end.
        self.repository.holder(holder_id, lock="share")
        _assert_not_shut(self.repository.account_state_of_holder(holder_id))

    def assert_open(self, account_id: str) -> None:
        """Return if nothing shuts this account, nor will until this transaction ends. Raises as `assert_unlocked`."""
        _assert_not_shut(self.repository.account_state(account_id))

    def is_locked(self, holder_id: str, device_id: str | None = None) -> bool:
        """Return whether a holder's account is locked, or the one that a device is or was bound to."""
        return self.repository.is_locked(holder_id, device_id)

    def close(self, account_id: str, actor: Actor) -> None:
        """Close for good, end every session and tell the holder, except after a death.

        Raises NotFound("account_unknown"), Conflict("account_closed").
        """
        account, now = self._load(account_id, lock=True), self.clock.now()
        died = _ground(account) is LockGround.HOLDER_DIED
        self._to(account, AccountState.CLOSED, "account_closed")
        account.closed_at = now
        self.repository.flush()
        self.repository.end_sessions(now, "account_closed", account_id=account_id)
        self.devices.close_all(account_id, actor)
        self.audit.record("account.closed", actor, account_id)
        if not died:
            self.contacts.tell(account_id, "account_closed")

    def _to(self, account: Account, state: AccountState, refusal: str) -> None:
        """Make the one move there is to make; `account` is held against everybody else (`lock=True`)."""
        if state not in MOVES[AccountState(account.state)]:
            raise Conflict(refusal)
        account.state = state

    def _follow_lock(self, account: Account) -> None:
        devices = self.repository.devices(account.id)
        self.after_lock(account.holder_id, [device.id for device in devices])

    def _note_heaviest(self, account: Account) -> None:
        standing = self.locks(account.id)
        account.lock_ground = standing[0].ground if standing else None
        self.repository.flush()

    def _load(self, account_id: str, *, lock: bool = False) -> Account:
        account = self.repository.account(account_id, lock=lock)
        if account is None:
            raise NotFound("account_unknown")
        return account


def _as_value(account: Account) -> AccountView:
    return AccountView(
        id=account.id,
        holder_id=account.holder_id,
        level=AccountLevel(account.level),
        state=AccountState(account.state),
        lock_ground=_ground(account),
        created_at=account.created_at,
        kind=HolderKind(account.kind),
        valid_until=account.valid_until,
        approved_at=account.approved_at,
        activated_at=account.activated_at,
        closed_at=account.closed_at,
        times_locked=account.times_locked,
        activation_key=account.activation_key,
    )


def _assert_not_shut(state: str | None) -> None:
    if state in (AccountState.LOCKED, AccountState.CLOSED):
        raise Conflict("account_locked" if state == AccountState.LOCKED else "account_closed")


def _ground(account: Account) -> LockGround | None:
    return None if account.lock_ground is None else LockGround(account.lock_ground)
