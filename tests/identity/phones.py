"""A citizen's phone, as honest or as false as a test needs it."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.jws import b64url_encode
from wallet.crypto.signing import raw_from_der
from wallet.identity.compact_jws import thumbprint


def encode(value: Any) -> str:
    """Return one segment: of an object its JSON, of bytes and text themselves."""
    if isinstance(value, str):
        value = value.encode()
    return b64url_encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


def signed(header: Any, payload: Any, key: ec.EllipticCurvePrivateKey) -> str:
    """Return a compact JWS over whatever is given, in ES256 whatever the header says."""
    text = f"{encode(header)}.{encode(payload)}"
    return f"{text}.{encode(raw_from_der(key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))))}"


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32)), "y": encode(numbers.y.to_bytes(32))}


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class Phone:
    """A key, a device id, and the two kinds of proof. Overrides replace claims; None removes one."""

    def __init__(self, world: Any, device_id: str) -> None:
        self.world = world
        self.device_id = device_id
        self.key = new_key()
        self.jwk = public_jwk(self.key)
        self.jkt = thumbprint(self.jwk["x"], self.jwk["y"])
        self._count = 0

    def challenge(self) -> str:
        return str(self.world.identity.challenges.mint(self.device_id, self.world.clock.now()).value)

    def proof(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        payload = {
            "aud": self.world.settings.issuer_url,
            "challenge": self.challenge(),
            "device_id": self.device_id,
            "iat": self._now(),
        }
        head = {"typ": "viso-device-proof+jwt", "alg": "ES256"}
        return signed(_over(head, header or {}), _over(payload, claims), key or self.key)

    def dpop(
        self,
        url: str = "",
        method: str = "POST",
        token: str | None = None,
        header: dict[str, Any] | None = None,
        key: Any = None,
        **claims: Any,
    ) -> str:
        self._count += 1
        payload: dict[str, Any] = {
            "htm": method,
            "htu": url or f"{self.world.settings.issuer_url}/v1/sessions/refresh",
            "iat": self._now(),
            "jti": f"{self.device_id}-{self._count}",
        }
        if token is not None:
            payload["ath"] = encode(sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk if key is None else public_jwk(key)}
        return signed(_over(head, header or {}), _over(payload, claims), key or self.key)

    def _now(self) -> int:
        return int(self.world.clock.now().timestamp())


def _over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (base | changes).items() if value is not None}
