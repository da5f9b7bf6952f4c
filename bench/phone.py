"""As much of a phone as signing in needs. Source: docs/api.md."""

from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import jws
from wallet.crypto.signing import raw_from_der


class _DeviceSigner:
    """Signs as a phone does: a key without a certificate."""

    kid = ""
    certificate_der = b""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        return raw_from_der(self._key.sign(message, ec.ECDSA(hashes.SHA256())))


def device_proof(key: ec.EllipticCurvePrivateKey, device_id: str, challenge: str, audience: str, now: datetime) -> str:
    """Return the proof that a device makes of a challenge."""
    payload = {"aud": audience, "challenge": challenge, "device_id": device_id, "iat": int(now.timestamp())}
    return jws.sign(payload, _DeviceSigner(key), typ="viso-device-proof+jwt")
