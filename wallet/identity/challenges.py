"""Device challenges that are stored nowhere.

A challenge carries its own end and a keyed fingerprint, so that asking for one writes nothing (a flood of
requests fills no table) and tells nothing (a device that does not exist gets one like any other). Only its
use leaves a row. Layout: 16 random bytes, 8 bytes of expiry in seconds, 32 bytes of HMAC-SHA-256.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from wallet.crypto.jws import b64url_decode, b64url_encode
from wallet.entropy import Entropy
from wallet.errors import Malformed
from wallet.identity.tokens import from_seconds, to_seconds

RANDOM_BYTES = 16
EXPIRY_BYTES = 8
HEAD_BYTES = RANDOM_BYTES + EXPIRY_BYTES


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a device has to sign, and until when."""

    value: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Challenges:
    """Mints and recognises challenges; built once per process. `life`: at most two minutes (S-14)."""

    secret: bytes
    entropy: Entropy
    life: timedelta

    def mint(self, device_id: str, now: datetime) -> Challenge:
        """Return a new challenge for one device, known or not."""
        expires = to_seconds(now + self.life)
        head = self.entropy.bytes(RANDOM_BYTES) + expires.to_bytes(EXPIRY_BYTES)
        return Challenge(b64url_encode(head + self._seal(head, device_id)).decode(), from_seconds(expires))

    def recognise(self, value: str, device_id: str, now: datetime) -> Challenge:
        """Return the challenge that `value` is. Raises Malformed: not ours, another device's, or over."""
        content = b64url_decode(value)
        head, seal = content[:HEAD_BYTES], content[HEAD_BYTES:]
        if len(head) != HEAD_BYTES or not hmac.compare_digest(seal, self._seal(head, device_id)):
            raise Malformed("not a challenge for this device")
        expires_at = from_seconds(int.from_bytes(head[RANDOM_BYTES:]))
        if now >= expires_at:
            raise Malformed("challenge is over")
        return Challenge(value, expires_at)

    def _seal(self, head: bytes, device_id: str) -> bytes:
        return hmac.new(self.secret, b"device-challenge:" + head + device_id.encode(), sha256).digest()
