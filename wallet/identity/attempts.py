"""How often a secret may be guessed on one device.

A try is counted before its hash is computed and given back when it was right: tries in parallel are then
tries too, and a crash between the two never gives one away. The counters stand in the database, so neither
a restart nor the loss of a cache forgets them (S-03). Only the owner of the device key gets this far, so
nobody else can lock a citizen out (S-06).
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import NotAllowed, TooManyAttempts
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.contacts import Contacts
from wallet.identity.devices import Devices, UnverifiedProof
from wallet.identity.holders import Holders
from wallet.identity.models import Account, Device, DeviceState
from wallet.identity.passwords import Knowledge
from wallet.identity.repository import IdentityRepository
from wallet.identity.strangers import Strangers, is_new
from wallet.terms import Actor

FAILURES_BEFORE_BLOCK = 5
BLOCK = timedelta(minutes=5)
FAILURES_BEFORE_SUSPENSION = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that is counted and not yet evaluated. kept: the hash to compare with, None for nobody's.

    eligible: whether a right secret would be let in. When not, the hash is computed all the same and the
    answer is that of a wrong secret (S-02). unlocks: it is to lift the holder's own lock, not to sign in. slowed: the
    refusal of a new device that tries somebody else's number too often; raised once the count is committed.
    """

    device_id: str
    account_id: str
    kind: Knowledge
    kept: str | None
    eligible: bool
    actor: Actor
    unlocks: bool = False
    slowed: TooManyAttempts | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """Guesses, in one transaction. The hash itself is computed between two of them."""

    repository: IdentityRepository
    holders: Holders
    devices: Devices
    contacts: Contacts
    strangers: Strangers
    audit: Audit
    clock: Clock

    def admit(self, proof: UnverifiedProof) -> Device:
        """Use the proof's challenge up and return its device; it and its account are locked.

        The proof's signature was verified before. Raises NotAllowed("device_not_bound"),
        NotAllowed("rebinding_required"), TooManyAttempts("too_many_attempts"), NotAuthenticated.
        """
        device = admitted(self.repository.device_of_account(proof.device_id), self.clock.now())
        self.devices.use_challenge(proof.challenge)
        return device

    def begin(
        self,
        proof: UnverifiedProof,
        kind: Knowledge,
        request_id: str,
        *,
        number: str | None = None,
        block: str = "",
        unlocks: bool = False,
    ) -> Attempt:
        """Count a try. number: whose account it claims to be; None: that of the device itself. block: of addresses."""
        device = self.admit(proof)
        actor = Actor(device.account_id, device_id=device.id, request_id=request_id)
        attempt = self._begin(device, kind, actor, number, unlocks)
        if number is not None and attempt.kept is None:
            return replace(attempt, slowed=self._slowed(device, block, request_id))
        return attempt

    def begin_in_session(self, actor: Actor, kind: Knowledge) -> Attempt:
        """Count a try by whoever is signed in: it stands against the session's own device.

        Raises NotAllowed("device_needed") in a session without one, and what `admit` raises of the device.
        """
        if actor.device_id is None:
            raise NotAllowed("device_needed")
        device = admitted(self.repository.device_of_account(actor.device_id), self.clock.now())
        return self._begin(device, kind, actor, None, False)

    def refuse_proof(self, proof: UnverifiedProof, request_id: str) -> None:
        """Count a second proof that was none: it is a wrong try like a wrong passcode."""
        self.refuse(self.begin(proof, Knowledge.PASSCODE, request_id))

    def give_back(self, attempt: Attempt) -> None:
        """Undo the count of a try that was never evaluated."""
        device = self.repository.device(attempt.device_id, lock=True)
        if device is not None:
            give_back(device, attempt.kind)

    def refuse(self, attempt: Attempt) -> None:
        """Leave the count as it is, and suspend the device when its tries are used up (S-04)."""
        self.audit.record(
            "session.refused", attempt.actor, attempt.account_id, device=attempt.device_id, factor=str(attempt.kind)
        )
        device = self.repository.device_of_account(attempt.device_id)
        if device is not None and suspend_if_spent(device):
            self.repository.flush()
            self.repository.end_sessions(self.clock.now(), "device_suspended", device_id=device.id)
            self.audit.record("device.suspended", attempt.actor, attempt.account_id, device=device.id)
            self.contacts.tell(attempt.account_id, "device_suspended", device=device.id)

    def accept(self, attempt: Attempt, new_hash: str | None) -> tuple[Account, Device] | None:
        """Forgive the count and return account and device; None when either was taken away meanwhile.

        None also where the secret was changed while its hash was computed: what was right then is wrong now.
        new_hash: the same secret under today's cost, when it was kept under another.
        """
        account = self.repository.account(attempt.account_id, lock=True)
        device = self.repository.device(attempt.device_id, lock=True)
        if device is None or account is None or _kept(account, attempt.kind) != attempt.kept:
            return None
        if device.state != DeviceState.BOUND or not _lets_in(account, attempt.unlocks):
            return None
        forgive(device, attempt.kind)
        if new_hash is not None and attempt.kind is Knowledge.PASSWORD:
            account.password_hash = new_hash
        elif new_hash is not None:
            account.passcode_hash = new_hash
        self.repository.flush()
        return account, device

    def owner(self, proof: UnverifiedProof) -> Account | None:
        """Admit a proof by the device alone and return its account; None when it is not active.

        Raises what `admit` raises.
        """
        device = self.admit(proof)
        account = self.repository.account(device.account_id)
        return account if account is not None and account.state == AccountState.ACTIVE else None

    def _begin(self, device: Device, kind: Knowledge, actor: Actor, number: str | None, unlocks: bool) -> Attempt:
        reserve(device, kind, self.clock.now())
        self.repository.flush()
        account = self.repository.account(device.account_id)
        mine = account is not None and (number is None or self.holders.has_number(account.holder_id, number))
        kept = _kept(account, kind) if account is not None and mine else None
        return Attempt(
            device_id=device.id,
            account_id=device.account_id,
            kind=kind,
            kept=kept,
            eligible=mine and account is not None and _lets_in(account, unlocks),
            actor=actor,
            unlocks=unlocks,
        )

    def _slowed(self, device: Device, block: str, request_id: str) -> TooManyAttempts | None:
        try:
            self.strangers.count(block, request_id)
        except TooManyAttempts as refusal:
            return refusal if is_new(device, self.clock.now()) else None
        return None


def admitted(device: Device | None, now: datetime) -> Device:
    """Return the device if it may try now.

    Raises NotAllowed("device_not_bound") or NotAllowed("rebinding_required"), TooManyAttempts("too_many_attempts").
    """
    if device is None or device.state == DeviceState.UNBOUND:
        raise NotAllowed("device_not_bound")
    if device.state == DeviceState.SUSPENDED or _failures(device) >= FAILURES_BEFORE_SUSPENSION:
        raise NotAllowed("rebinding_required")
    if device.blocked_until is not None and now < device.blocked_until:
        raise TooManyAttempts("too_many_attempts", math.ceil((device.blocked_until - now).total_seconds()))
    return device


def _kept(account: Account, kind: Knowledge) -> str | None:
    return account.password_hash if kind is Knowledge.PASSWORD else account.passcode_hash


def _lets_in(account: Account, unlocks: bool) -> bool:
    if unlocks:
        return account.state == AccountState.LOCKED and account.lock_ground == LockGround.HOLDER_REQUEST
    return account.state == AccountState.ACTIVE


def reserve(device: Device, kind: Knowledge, now: datetime) -> None:
    """Count one try as wrong, before it is known to be."""
    _set(device, kind, _get(device, kind) + 1)
    if _failures(device) == FAILURES_BEFORE_BLOCK:
        device.blocked_until = now + BLOCK


def give_back(device: Device, kind: Knowledge) -> None:
    """Undo one reservation: the try was never evaluated."""
    _set(device, kind, max(0, _get(device, kind) - 1))
    _lift(device)


def forgive(device: Device, kind: Knowledge) -> None:
    """Start this secret's count anew: it was right.

    Only this secret's. If a right password forgave wrong passcodes, whoever has the phone and the password
    could guess the passcode for ever by signing in between the tries.
    """
    _set(device, kind, 0)
    _lift(device)


def suspend_if_spent(device: Device) -> bool:
    """Suspend a device whose tries are used up, and return whether it was."""
    if device.state == DeviceState.BOUND and _failures(device) >= FAILURES_BEFORE_SUSPENSION:
        device.state = DeviceState.SUSPENDED
        return True
    return False


def _lift(device: Device) -> None:
    if _failures(device) < FAILURES_BEFORE_BLOCK:
        device.blocked_until = None


def _failures(device: Device) -> int:
    return device.failures + device.passcode_failures


def _get(device: Device, kind: Knowledge) -> int:
    return device.failures if kind is Knowledge.PASSWORD else device.passcode_failures


def _set(device: Device, kind: Knowledge, count: int) -> None:
    if kind is Knowledge.PASSWORD:
        device.failures = count
    else:
        device.passcode_failures = count
