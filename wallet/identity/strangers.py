"""Whoever tries without a bound device, or with another's number: how often, from one block of addresses and in all.

What is counted here slows strangers and new devices alone. A device that has been bound for a while has a count of its
own (`wallet.identity.attempts`), so nobody can lock a citizen out from elsewhere (S-05, S-06).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.audit import Audit
from wallet.identity.limits import Limits
from wallet.identity.models import Device
from wallet.terms import Actor

WINDOW = timedelta(minutes=10)
PER_BLOCK = 19
NEW_DEVICE = timedelta(hours=24)
_BLOCK, _OVERALL = "stranger-address", "stranger-overall"


@dataclass(frozen=True, slots=True)
class Strangers:
    """The tries of strangers, in one transaction. spraying: so many in one window are an attack, wherever they come
    from."""

    limits: Limits
    audit: Audit
    spraying: int

    def check(self, block: str) -> None:
        """Refuse a block of addresses that has tried too often, without writing. Raises TooManyAttempts."""
        self.limits.check(_BLOCK, block, PER_BLOCK)
        self.limits.check(_OVERALL, "", self.spraying)

    def count(self, block: str, request_id: str) -> None:
        """Count one try; the one that reaches `spraying` raises the alarm, once in a window. Raises TooManyAttempts."""
        self.limits.count(_BLOCK, block, PER_BLOCK, WINDOW)
        if self.limits.count(_OVERALL, "", self.spraying, WINDOW) == self.spraying:
            system = Actor("system", request_id=request_id)
            self.audit.record("alarm.spraying", system, "strangers", tries=self.spraying)


def is_new(device: Device, now: datetime) -> bool:
    """Return whether a device was bound so lately that it may be part of an attack."""
    return now < device.bound_at + NEW_DEVICE
