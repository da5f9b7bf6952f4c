"""Keys on a signing server of one's own, over HTTP: a small protocol (docs/signing-server.md), bounded in time.

The server is sent a digest and never what is signed; it is sent a MAC by a shared secret and never the secret. What it
answers is believed once the signature fits the key's certificate: that is seen by whoever calls (`sign_and_look`).
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.clock import Clock
from wallet.crypto.certificates import public_key_from_point
from wallet.crypto.jws import b64url_decode, b64url_encode, json_object
from wallet.entropy import Entropy
from wallet.errors import Malformed, Unavailable
from wallet.wire import Line, TooLarge, Undelivered, until, whole

MOST_BYTES = 4096
CONNECTIONS = 8
log = structlog.get_logger("wallet.keys")


class _Failed(Exception):
    """The server did not do what it was asked. Its text is the reason: a code, for the log."""


class SigningServer:
    """A signing server. Safe for several threads; connections are kept open between signatures.

    url: without a slash at the end. budget: how long one call may take, from the first byte to the last.
    """

    def __init__(self, url: str, secret: bytes, clock: Clock, entropy: Entropy, budget: timedelta) -> None:
        self._url, self._secret, self._clock, self._entropy = url.rstrip("/"), secret, clock, entropy
        self._budget = budget.total_seconds()
        self._line = Line(CONNECTIONS, seconds=self._budget)

    def create(self, label: str) -> tuple[str, ec.EllipticCurvePublicKey]:
        """Let the server make a key. Raises Unavailable("signing_unavailable")."""
        answer = self._post("/keys", {"label": label, "alg": "ES256"})
        try:
            place = answer["key"]
            if not isinstance(place, str) or not 0 < len(place) <= 200:
                raise Malformed("no name of a key")
            return place, public_key_from_point(_bytes(answer, "x", 32), _bytes(answer, "y", 32))
        except (KeyError, Malformed) as error:
            raise self._unavailable("answer") from error

    def sign(self, place: str, message: bytes) -> bytes:
        """Return what the server says is the signature. Raises Unavailable("signing_unavailable")."""
        answer = self._post(
            "/signatures",
            {"key": place, "alg": "ES256", "digest": b64url_encode(hashlib.sha256(message).digest()).decode()},
        )
        try:
            return _bytes(answer, "signature", 64)
        except (KeyError, Malformed) as error:
            raise self._unavailable("answer") from error

    def close(self) -> None:
        self._line.close()

    def _post(self, path: str, members: Mapping[str, str]) -> Mapping[str, object]:
        body = json.dumps(members, separators=(",", ":")).encode()
        target = urlsplit(self._url).path + path
        try:
            with until(time.monotonic() + self._budget):
                return self._ask(path, body, authorization(self._secret, target, body, self._now(), self._nonce()))
        except (Undelivered, _Failed) as error:
            raise self._unavailable(str(error)) from error

    def _ask(self, path: str, body: bytes, authorized: str) -> Mapping[str, object]:
        with self._line.post(self._url + path, body, {"Authorization": authorized}) as response:
            if response.status_code not in (200, 201):
                raise _Failed(f"http_{response.status_code}")
            try:
                return json_object(whole(response, MOST_BYTES))
            except TooLarge as error:
                raise _Failed("too_large") from error
            except Malformed as error:
                raise _Failed("not_json") from error

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _nonce(self) -> str:
        return self._entropy.bytes(16).hex()

    def _unavailable(self, reason: str) -> Unavailable:
        log.error("signing server failed", server=self._url, reason=reason)
        return Unavailable("signing_unavailable")


def authorization(secret: bytes, target: str, body: bytes, now: int, nonce: str) -> str:
    """Return the Authorization header: when, which one, and the MAC over both, the path and the body."""
    covered = f"POST\n{target}\n{now}\n{nonce}\n".encode() + body
    return f"Signer t={now},n={nonce},m={hmac.new(secret, covered, hashlib.sha256).hexdigest()}"


def _bytes(answer: Mapping[str, object], name: str, size: int) -> bytes:
    """Return a member's bytes: base64url without padding. Raises KeyError, Malformed."""
    value = answer[name]
    content = b64url_decode(value) if isinstance(value, str) else b""
    if len(content) != size:
        raise Malformed(f"{name} has not {size} bytes")
    return content
