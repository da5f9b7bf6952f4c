"""How often a secret may be guessed on one device.

A try is counted before its hash is computed and given back when it was right: tries in parallel are then
tries too, and a crash between the two never gives one away. The counters stand in the database, so neither
a restart nor the loss of a cache forgets them (S-03). Only the owner of the device key gets this far, so
nobody else can lock a citizen out (S-06).
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import NotAllowed, TooManyAttempts
from wallet.identity.devices import Devices, UnverifiedProof
from wallet.identity.holders import Holders
from wallet.identity.models import Account, AccountState, Device, DeviceState
from wallet.identity.passwords import Knowledge
from wallet.identity.repository import IdentityRepository
from wallet.terms import Actor

FAILURES_BEFORE_BLOCK = 5
BLOCK = timedelta(minutes=5)
FAILURES_BEFORE_SUSPENSION = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that is counted and not yet evaluated. kept: the hash to compare with, None for nobody's.

    eligible: whether a right secret would be let in. When not, the hash is computed all the same and the
    answer is that of a wrong secret (S-02).
    """

    device_id: str
    account_id: str
    kind: Knowledge
    kept: str | None
    eligible: bool
    actor: Actor


@dataclass(frozen=True, slots=True)
class Attempts:
    """Guesses, in one transaction. The hash itself is computed between two of them."""

    repository: IdentityRepository
    holders: Holders
    devices: Devices
    audit: Audit
    clock: Clock

    def admit(self, proof: UnverifiedProof) -> Device:
        """Use the proof's challenge up and return its device, locked.

        The proof's signature was verified before. Raises NotAllowed("device_not_bound"),
        NotAllowed("rebinding_required"), TooManyAttempts("too_many_attempts"), NotAuthenticated.
        """
        device = admitted(self.repository.device(proof.device_id, lock=True), self.clock.now())
        self.devices.use_challenge(proof.challenge)
        return device

    def begin(self, proof: UnverifiedProof, kind: Knowledge, number: str | None, request_id: str) -> Attempt:
        """Count a try. number: whose account it claims to be; None: the account of the device's own session."""
        device = self.admit(proof)
        reserve(device, kind, self.clock.now())
        account = self.repository.account(device.account_id)
        mine = account is not None and (number is None or self.holders.has_number(account.holder_id, number))
        kept = None
        if account is not None and mine:
            kept = account.password_hash if kind is Knowledge.PASSWORD else account.passcode_hash
        return Attempt(
            device_id=device.id,
            account_id=device.account_id,
            kind=kind,
            kept=kept,
            eligible=mine and account is not None and account.state == AccountState.ACTIVE,
            actor=Actor(device.account_id, device_id=device.id, request_id=request_id),
        )

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
        device = self.repository.device(attempt.device_id, lock=True)
        if device is not None and suspend_if_spent(device):
            self.repository.flush()
            self.repository.end_sessions(self.clock.now(), "device_suspended", device_id=device.id)
            self.audit.record("device.suspended", attempt.actor, attempt.account_id, device=device.id)

    def accept(self, attempt: Attempt, new_hash: str | None) -> tuple[Account, Device] | None:
        """Forgive the count and return account and device; None when either was taken away meanwhile.

        new_hash: the same secret under today's cost, when it was kept under another.
        """
        device = self.repository.device(attempt.device_id, lock=True)
        account = self.repository.account(attempt.account_id, lock=True)
        if device is None or account is None:
            return None
        if device.state != DeviceState.BOUND or account.state != AccountState.ACTIVE:
            return None
        forgive(device, attempt.kind)
        if new_hash is not None and attempt.kind is Knowledge.PASSWORD:
            account.password_hash = new_hash
        elif new_hash is not None:
            account.passcode_hash = new_hash
        return account, device


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
