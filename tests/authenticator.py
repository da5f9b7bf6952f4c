"""A software authenticator, written from the specification and not with the library that the wallet verifies with.

Source: Web Authentication Level 3, sections 5.8.1 (client data), 6.1 (authenticator data), 6.5.4 (attestation object),
8.7 (no attestation); RFC 9052, section 7 (COSE_Key); RFC 8949 (CBOR).
"""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.phone import b64url

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
ORIGIN = "https://vi.example.vn"
RP_ID = "vi.example.vn"


def cbor(value: Any) -> bytes:
    """Encode what an authenticator needs: whole numbers, bytes, texts and maps, in the order in which they come."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(name) + cbor(inner) for name, inner in value.items())


def _head(major: int, number: int) -> bytes:
    for size, mark in ((1, 24), (2, 25), (4, 26)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < 1 << 8 * size:
            return bytes([major << 5 | mark]) + number.to_bytes(size)
    raise AssertionError("nothing here is that large")


@dataclass
class Authenticator:
    """One credential, as honest or as false as a test needs it."""

    rp_id: str = RP_ID
    origin: str = ORIGIN
    counts: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: urandom(16))
    user_handle: bytes = b""
    count: int = 0

    def create(self, options: dict[str, Any], *, flags: int = UP | UV | AT, **client: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.user_handle = _decoded(options["user"]["id"])
        data = self._data(flags) + bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + self.cose()
        return {
            "id": b64url(self.credential_id),
            "rawId": b64url(self.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64url(self._client_data("webauthn.create", options, client)),
                "attestationObject": b64url(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": ["internal"],
            },
            "clientExtensionResults": {},
        }

    def get(
        self,
        options: dict[str, Any],
        *,
        flags: int = UP | UV,
        count: int | None = None,
        user_handle: bytes | None = None,
        **client: Any,
    ) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.count += self.counts
        data = self._data(flags, self.count if count is None else count)
        client_data = self._client_data("webauthn.get", options, client)
        signature = self.key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "id": b64url(self.credential_id),
            "rawId": b64url(self.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64url(client_data),
                "authenticatorData": b64url(data),
                "signature": b64url(signature),
                "userHandle": b64url(self.user_handle if user_handle is None else user_handle),
            },
            "clientExtensionResults": {},
        }

    def cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def _data(self, flags: int, count: int = 0) -> bytes:
        return sha256(self.rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def _client_data(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | changes).encode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
