"""Accounts: opened from a register's facts, locked on a ground, closed for good.

States: pending → approved → active ⇄ locked → closed (docs/domain.md, section 2.6). Only an active account
signs in or keeps a session.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound
from wallet.identity.devices import BoundDevice, Devices
from wallet.identity.holders import Holders, Profile
from wallet.identity.models import Account, AccountState, StaffGrant
from wallet.identity.passwords import Hasher, Knowledge, check_passcode, check_password
from wallet.identity.repository import IdentityRepository
from wallet.sources.base import Fact
from wallet.terms import AccountLevel, Actor, StaffRole


class LockGround(StrEnum):
    """Why an account is locked. Source: Law on Identity 26/2023/QH15, article 34."""

    HOLDER_REQUEST = "holder_request"
    TERMS_BROKEN = "terms_broken"
    CARD_REVOKED = "card_revoked"
    HOLDER_DIED = "holder_died"
    AUTHORITY_REQUEST = "authority_request"


@dataclass(frozen=True, slots=True)
class Grant:
    """A staff role with its reach."""

    role: StaffRole
    agency: str
    province: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as others see it: no hash, no number."""

    id: str
    holder_id: str
    level: AccountLevel
    state: AccountState
    lock_ground: LockGround | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """What `open` leaves: the same answer the first time and every time after."""

    account_id: str
    holder_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of one transaction."""

    repository: IdentityRepository
    holders: Holders
    devices: Devices
    hasher: Hasher
    audit: Audit
    clock: Clock
    entropy: Entropy

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
    ) -> OpenedAccount:
        """Open an active account for the person whom `facts` describe, bound to one device. Safe to repeat.

        facts: number, full_name, birth_date. An account that exists keeps its password, passcode and level;
        a device that is not bound yet is bound, grants that are missing are given.
        Raises InvalidInput for a weak password or passcode or a key that is none, Conflict("device_taken").
        """
        holder_id = self.holders.open(facts)
        account = self.repository.account_of_holder(holder_id)
        if account is None:
            profile = self.holders.profile(holder_id)
            check_password(password)
            check_passcode(passcode, number=profile.number, birth_date=profile.birth_date)
            account = Account(
                id=new_id(self.entropy, "acc"),
                holder_id=holder_id,
                level=int(level),
                state=AccountState.ACTIVE,
                password_hash=self.hasher.hash(Knowledge.PASSWORD, password),
                passcode_hash=self.hasher.hash(Knowledge.PASSCODE, passcode),
                created_at=self.clock.now(),
            )
            self.repository.add(account)
            self.audit.record("account.opened", actor, account.id, level=int(level))
        bound = self.repository.bound_device(account.id)
        if bound is None or bound.id != device_id:
            self.devices.bind(account.id, device_id, public_key, device_name, actor)
        held = {grant.role for grant in self.repository.grants(account.id)}
        for grant in grants:
            if grant.role not in held:
                self.grant(account.id, grant, actor)
        return OpenedAccount(account.id, holder_id, device_id)

    def find(self, account_id: str) -> AccountView:
        """Return an account. Raises NotFound("account_unknown")."""
        return _as_value(self._load(account_id))

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
        """Return the staff roles of an account."""
        rows = self.repository.grants(account_id)
        return tuple(sorted((Grant(StaffRole(r.role), r.agency, r.province) for r in rows), key=lambda g: g.role))

    def set_passcode(self, account_id: str, passcode: str, actor: Actor) -> None:
        """Set a new passcode. Raises InvalidInput("weak_passcode"), NotFound("account_unknown")."""
        account = self._load(account_id)
        profile = self.holders.profile(account.holder_id)
        check_passcode(passcode, number=profile.number, birth_date=profile.birth_date)
        account.passcode_hash = self.hasher.hash(Knowledge.PASSCODE, passcode)
        self.audit.record("account.passcode_set", actor, account_id)

    def set_password(self, account_id: str, password: str, actor: Actor) -> None:
        """Set a new password. Raises InvalidInput("weak_password"), NotFound("account_unknown")."""
        account = self._load(account_id)
        check_password(password)
        account.password_hash = self.hasher.hash(Knowledge.PASSWORD, password)
        self.audit.record("account.password_set", actor, account_id)

    def lock(self, account_id: str, ground: LockGround, actor: Actor) -> None:
        """Lock an active account and end its sessions, at once. Raises Conflict("account_not_active")."""
        self._move(account_id, AccountState.ACTIVE, AccountState.LOCKED, "account_not_active", ground)
        self.repository.end_sessions(self.clock.now(), "account_locked", account_id=account_id)
        self.audit.record("account.locked", actor, account_id, ground=str(ground))

    def unlock(self, account_id: str, actor: Actor) -> None:
        """Unlock. Sessions that the lock ended stay ended. Raises Conflict("account_not_locked")."""
        self._move(account_id, AccountState.LOCKED, AccountState.ACTIVE, "account_not_locked", None)
        self.audit.record("account.unlocked", actor, account_id)

    def close(self, account_id: str, actor: Actor) -> None:
        """Close for good and end every session. Raises NotFound, Conflict("account_closed")."""
        account = self._load(account_id, lock=True)
        if account.state == AccountState.CLOSED:
            raise Conflict("account_closed")
        account.state = AccountState.CLOSED
        self.repository.flush()
        self.repository.end_sessions(self.clock.now(), "account_closed", account_id=account_id)
        self.audit.record("account.closed", actor, account_id)

    def _move(self, account_id: str, before: str, after: str, code: str, ground: LockGround | None) -> None:
        account = self._load(account_id, lock=True)
        if account.state != before:
            raise Conflict(code)
        account.state, account.lock_ground = after, ground
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
        lock_ground=None if account.lock_ground is None else LockGround(account.lock_ground),
        created_at=account.created_at,
    )
