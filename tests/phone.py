"""A persona's phone over the documented API: signs challenges, holds tokens, sends requests."""

import base64
import json
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from wallet.crypto.keystore import Secret
from wallet.demo.personas import credentials, persona
from wallet.wiring import Wallet


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_jws(header: dict[str, Any], payload: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """Sign as any phone would: ES256, raw signature (RFC 7515, RFC 7518 section 3.4)."""
    signing_input = f"{b64url(json.dumps(header).encode())}.{b64url(json.dumps(payload).encode())}"
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signing_input}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class CitizenPhone:
    """One persona's phone."""

    def __init__(self, wallet: Wallet, client: FlaskClient, key: str) -> None:
        self.wallet = wallet
        self.client = client
        self.persona = persona(key)
        self.own = credentials(self.persona, wallet.keystore.secret(Secret.DEMO))
        self.tokens: dict[str, Any] = {}

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}

    def now(self) -> int:
        return int(self.wallet.clock.now().timestamp())

    def challenge(self) -> str:
        answer = self.client.post("/v1/device-challenges", json={"device_id": self.own.device_id}).json
        assert answer is not None
        return str(answer["challenge"])

    def proof(self, challenge: str = "") -> str:
        """Sign with the device's key: over a challenge of its own, or over the given one."""
        return self._signed("viso-device-proof+jwt", self.own.device_private_key, challenge or self.challenge())

    def biometric_proof(self, challenge: str) -> str:
        """Sign as the phone does after a face or a fingerprint, over the challenge of the device proof beside it."""
        return self._signed("viso-biometric-proof+jwt", self.own.biometric_private_key, challenge)

    def _signed(self, typ: str, key: ec.EllipticCurvePrivateKey, challenge: str) -> str:
        payload = {
            "aud": self.wallet.settings.issuer_url,
            "challenge": challenge,
            "device_id": self.own.device_id,
            "iat": self.now(),
        }
        return compact_jws({"alg": "ES256", "typ": typ}, payload, key)

    def dpop(self, url: str, method: str = "POST") -> str:
        jwk = {name: self.own.device_jwk[name] for name in ("kty", "crv", "x", "y")}
        payload = {"htm": method, "htu": url, "iat": self.now(), "jti": uuid.uuid4().hex}
        return compact_jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}, payload, self.own.device_private_key)

    def try_sign_in(self, *, password: bool = True) -> TestResponse:
        order = {"proof": self.proof()}
        if password:
            order |= {"number": self.persona.number, "password": self.own.password}
        return self.client.post("/v1/sessions", json=order)

    def sign_in(self, *, password: bool = True) -> None:
        response = self.try_sign_in(password=password)
        assert response.status_code == 201, response.text
        self.tokens = response.json or {}

    def try_step_up(self, level: int = 2) -> TestResponse:
        """Prove what makes an auth level: 2 the passcode, 3 a face or fingerprint, 4 both; each with the device."""
        challenge = self.challenge()
        order = {"proof": self.proof(challenge)}
        if level in (2, 4):
            order["passcode"] = self.own.passcode
        if level in (3, 4):
            order["biometric_proof"] = self.biometric_proof(challenge)
        return self.call("POST", "/v1/sessions/current/step-up", json=order)

    def step_up(self, level: int = 2) -> None:
        """Raise the session's auth level, and go on with the tokens that say so."""
        response = self.try_step_up(level)
        assert response.status_code == 200, response.text
        self.tokens = response.json or {}
        assert self.tokens["auth_level"] == level

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = "", **options: Any) -> TestResponse:
        """Post JSON with an Idempotency-Key: a fresh one, the given one, or none for None."""
        headers = {} if key is None else {"Idempotency-Key": key or uuid.uuid4().hex}
        headers |= options.pop("headers", {})
        return self.call("POST", path, json=body, headers=headers, **options)

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def issue_residence(self) -> str:
        """Ask for a residence document and return its id."""
        response = self.post("/v1/requests", {"utility": "residence"})
        assert response.status_code == 201, response.text
        return str((response.json or {})["document_id"])

    def code_of(self, document_id: str) -> str:
        response = self.get(f"/v1/documents/{document_id}/code.txt")
        assert response.status_code == 200, response.text
        return response.text
