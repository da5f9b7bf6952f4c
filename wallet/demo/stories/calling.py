"""What every story is told with: phones that sign, a server that is called, and an end at the first surprise."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.signing import raw_from_der
from wallet.demo.personas import Persona, credentials, persona

OnStep = Callable[[str, float | None], None]
"""Tells a step and how many milliseconds it took, or, with None, a line of what came of it."""
DEVICE_PROOF = "viso-device-proof+jwt"


class Surprise(Exception):
    """Something was not as it must be. `mend`: the next command to try."""

    def __init__(self, text: str, mend: str = "wallet doctor") -> None:
        super().__init__(text)
        self.mend = mend


@dataclass
class Phone:
    """One phone: its two keys, and the session it holds. biometric_key: released only after a face or fingerprint."""

    device_id: str
    name: str
    device_key: ec.EllipticCurvePrivateKey = field(repr=False)
    biometric_key: ec.EllipticCurvePrivateKey = field(repr=False)
    session: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def new(cls, name: str) -> "Phone":
        """Return a phone just out of its box."""
        device_key, biometric_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        return cls(f"dev_{uuid.uuid4().hex}", name, device_key, biometric_key)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session['access_token']}"}

    @property
    def public_key(self) -> dict[str, str]:
        return _public_jwk(self.device_key)

    @property
    def public_biometric_key(self) -> dict[str, str]:
        return _public_jwk(self.biometric_key)


@dataclass
class Party:
    """A persona with the phone that they have from the start."""

    persona: Persona
    password: str = field(repr=False)
    passcode: str = field(repr=False)
    phone: Phone


class Watch:
    """The time of a story. Tests have another, whose waiting takes none."""

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class Calling:
    """Calls the server of a story, times every step and tells it."""

    def __init__(self, client: httpx.Client, secret: bytes, on_step: OnStep, folder: Path, watch: Watch) -> None:
        """client: with the server's address. secret: the demo's. folder: where what a third party holds is left."""
        self.client = client
        self.secret = secret
        self.on_step = on_step
        self.folder = folder
        self.watch = watch

    def server_is_ready(self) -> None:
        """Raise Surprise unless a server answers."""
        response, took = self.timed("GET", "/health/ready")
        self.expect(response, 200)
        self.on_step("máy chủ sẵn sàng / server ready", took)

    def party(self, key: str) -> Party:
        """Return a persona with their phone. Raises Surprise for a key that no persona has."""
        try:
            who = persona(key)
        except KeyError as error:
            raise Surprise(f"không có nhân vật {key} / no such persona", "wallet demo personas") from error
        own = credentials(who, self.secret)
        phone = Phone(own.device_id, "Thiết bị mẫu", own.device_private_key, own.biometric_private_key)
        return Party(who, own.password, own.passcode, phone)

    # ── signing ──

    @property
    def issuer(self) -> str:
        """The name of the service, as it tells it: proofs are made for that name, whatever the address."""
        if not hasattr(self, "_issuer"):
            self._issuer: str = self.timed("GET", "/openapi.json")[0].json()["servers"][0]["url"]
        return self._issuer

    def challenge(self, phone: Phone) -> str:
        """Return something for this phone to sign."""
        response = self.call("POST", "/v1/device-challenges", 201, json={"device_id": phone.device_id})
        return str(response.json()["challenge"])

    def proof(self, phone: Phone, challenge: str = "") -> str:
        """Return a proof that this phone is the one that calls."""
        challenge = challenge or self.challenge(phone)
        claims = {
            "aud": self.issuer,
            "challenge": challenge,
            "device_id": phone.device_id,
            "iat": int(self.watch.now()),
        }
        return _jws({"alg": "ES256", "typ": DEVICE_PROOF}, claims, phone.device_key)

    def dpop(self, phone: Phone, method: str, path: str) -> str:
        """Return a proof of possession for one call (RFC 9449)."""
        claims = {"htm": method, "htu": self.issuer + path, "iat": int(self.watch.now()), "jti": uuid.uuid4().hex}
        return _jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": phone.public_key}, claims, phone.device_key)

    # ── calling ──

    def sign_in(self, phone: Phone, number: str, password: str, who: str) -> None:
        """Sign in with number and password, and tell it. who: in both languages, with the name."""
        order = {"proof": self.proof(phone), "number": number, "password": password}
        response, took = self.timed("POST", "/v1/sessions", json=order)
        self.expect(response, 201)
        phone.session = response.json()
        levels = f"mức {phone.session['account_level']}, xác thực {phone.session['auth_level']}"
        self.on_step(f"{who} ({levels})", took)

    def timed(self, method: str, path: str, **options: Any) -> tuple[httpx.Response, float]:
        """Return the answer, whatever it is, and how many milliseconds it took. Raises Surprise where none comes."""
        begun = time.perf_counter()
        try:
            response = self.client.request(method, path, **options)
        except httpx.TransportError as error:
            address = self.client.base_url
            raise Surprise(f"không có máy chủ tại {address} / no server there: {error}", "make run") from error
        return response, (time.perf_counter() - begun) * 1000

    def call(self, method: str, path: str, status: int, code: str | None = None, **options: Any) -> httpx.Response:
        """Return an answer of this status, and with this problem code. Raises Surprise for any other."""
        response, _ = self.timed(method, path, **options)
        self.expect(response, status, code)
        return response

    def tell(
        self,
        title: str,
        phone: Phone | None,
        method: str,
        path: str,
        status: int,
        code: str | None = None,
        *,
        once: bool = False,
        **options: Any,
    ) -> Any:
        """Make one call, tell it as one step and return its body. phone: whose session is used. once: with a key."""
        headers = dict(phone.headers) if phone is not None else {}
        if once:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        response, took = self.timed(method, path, headers=headers, **options)
        self.expect(response, status, code)
        self.on_step(title, took)
        return cast(Any, response.json()) if response.content else None

    def expect(self, response: httpx.Response, status: int, code: str | None = None) -> None:
        """Raise Surprise unless the answer is this one."""
        found, detail = None, ""
        if "problem+json" in response.headers.get("Content-Type", ""):
            problem = response.json()
            found = problem.get("code")
            detail = " ".join(f"{each['pointer']} {each['code']}" for each in problem.get("errors", ()))
        if response.status_code != status or (code is not None and found != code):
            asked = f"{response.request.method} {response.request.url.path}"
            mend = "wallet doctor"
            if status in (200, 201) and response.status_code in (401, 403):
                mend = "wallet demo personas"
            told = " ".join(part for part in (str(response.status_code), found, detail) if part)
            wanted = f"{status} {code or ''}".strip()
            raise Surprise(f"{asked}: {told}, mong đợi / expected {wanted}", mend)

    def note(self, text: str) -> None:
        """Tell what came of a step, in a line of its own."""
        self.on_step(text, None)

    def write(self, name: str, content: str | bytes) -> None:
        """Leave a file for whoever looks at it later."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / name).write_bytes(data)


def _public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = key.public_key().public_numbers()
    x, y = (b64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _jws(header: dict[str, Any], payload: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """Return a compact JWS as a phone makes it (RFC 7515, section 7.1)."""
    signing_input = ".".join(b64url(json.dumps(part).encode()) for part in (header, payload))
    signature = raw_from_der(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signing_input}.{b64url(signature)}"


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
