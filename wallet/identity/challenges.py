"""Challenges that are stored nowhere, for devices, for passkeys and for the chips of cards.

A challenge carries its own end and a keyed fingerprint, so that asking for one writes nothing (a flood of
requests fills no table) and tells nothing (a device that does not exist gets one like any other). Only its
use leaves a row. Layout: 16 random bytes, 8 bytes of expiry in seconds, 32 bytes of HMAC-SHA-256 over both, over
what it is for and over whom it is for: a challenge for one thing is none for another.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from wallet.crypto.jws import b64url_decode, b64url_encode
from wallet.entropy import Entropy
from wallet.errors import Malformed
from wallet.identity.tokens import from_seconds, to_seconds

RANDOM_BYTES = 16
EXPIRY_BYTES = 8
HEAD_BYTES = RANDOM_BYTES + EXPIRY_BYTES


class Purpose(StrEnum):
    """What a challenge is for. Subject of each: the device's id, nobody, the account's id, the ceremony's id."""

    DEVICE = "device-challenge"
    PASSKEY = "passkey-challenge"
    REGISTRATION = "passkey-registration"
    CHIP = "chip-challenge"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What has to be signed, until when, and what for."""

    value: str
    expires_at: datetime
    purpose: Purpose = Purpose.DEVICE


@dataclass(frozen=True, slots=True)
class Challenges:
    """Mints and recognises challenges; built once per process. `life`: at most two minutes (S-14)."""

    secret: bytes
    entropy: Entropy
    life: timedelta

    def mint(self, subject: str, now: datetime, purpose: Purpose = Purpose.DEVICE) -> Challenge:
        """Return a new challenge for one subject, known or not."""
        expires = to_seconds(now + self.life)
        head = self.entropy.bytes(RANDOM_BYTES) + expires.to_bytes(EXPIRY_BYTES)
        value = b64url_encode(head + self._seal(head, subject, purpose)).decode()
        return Challenge(value, from_seconds(expires), purpose)

    def recognise(self, value: str, subject: str, now: datetime, purpose: Purpose = Purpose.DEVICE) -> Challenge:
        """Return the challenge that `value` is. Raises Malformed: not ours, another's, for something else, or over."""
        content = b64url_decode(value)
        head, seal = content[:HEAD_BYTES], content[HEAD_BYTES:]
        if len(head) != HEAD_BYTES or not hmac.compare_digest(seal, self._seal(head, subject, purpose)):
            raise Malformed("not a challenge for this")
        expires_at = from_seconds(int.from_bytes(head[RANDOM_BYTES:]))
        if now >= expires_at:
            raise Malformed("challenge is over")
        return Challenge(value, expires_at, purpose)

    def _seal(self, head: bytes, subject: str, purpose: Purpose) -> bytes:
        return hmac.new(self.secret, f"{purpose}:".encode() + head + subject.encode(), sha256).digest()
