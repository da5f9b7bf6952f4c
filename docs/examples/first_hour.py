"""A phone's first hour with Ví Số, over HTTP and nothing else: sign in, ask for a document, fetch its code, refresh.

    .venv/bin/wallet demo personas an --json > an.json
    .venv/bin/python docs/examples/first_hour.py an.json http://127.0.0.1:8000

Uses httpx and cryptography; no line of `wallet/`. docs/api.md walks through it.
"""

import base64
import hashlib
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def private_key(jwk: dict[str, str]) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(base64.urlsafe_b64decode(jwk["d"] + "=="), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def jws(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], payload: dict[str, Any]) -> str:
    """Sign as every phone can: compact JWS, ES256, the raw signature of 64 bytes."""
    signing_input = ".".join(b64url(json.dumps(part).encode()) for part in (header, payload))
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signing_input}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Phone:
    """One device. `me`: one row of `wallet demo personas --json`."""

    def __init__(self, me: dict[str, Any], http: httpx.Client, now: Callable[[], float] = time.time) -> None:
        self.me, self.http, self.now = me, http, now
        self.key = private_key(me["device_key"])
        # The service's own name, which proofs are made for. An app has it built in.
        self.issuer = http.get("/openapi.json").json()["servers"][0]["url"]
        self.session: dict[str, Any] = {}

    def device_proof(self) -> str:
        order = {"device_id": self.me["device_id"]}
        challenge = expect(self.http.post("/v1/device-challenges", json=order), 201)["challenge"]
        return jws(
            self.key,
            {"alg": "ES256", "typ": "viso-device-proof+jwt"},
            {
                "aud": self.issuer,
                "challenge": challenge,
                "device_id": self.me["device_id"],
                "iat": int(self.now()),
            },
        )

    def sign_in(self) -> None:
        order = {"proof": self.device_proof(), "number": self.me["number"], "password": self.me["password"]}
        self.session = expect(self.http.post("/v1/sessions", json=order), 201)

    def sign_in_again(self) -> None:
        """Come back with the device's key alone: auth level 1."""
        self.session = expect(self.http.post("/v1/sessions", json={"proof": self.device_proof()}), 201)

    def step_up(self) -> None:
        """Reach auth level 2 with the passcode."""
        order = {"passcode": self.me["passcode"], "proof": self.device_proof()}
        url = "/v1/sessions/current/step-up"
        self.session = expect(self.http.post(url, json=order, headers=self.headers()), 200)

    def dpop(self, method: str, path: str, access_token: str | None = None) -> str:
        """Prove the key for one request (RFC 9449)."""
        jwk = {name: self.me["device_key"][name] for name in ("kty", "crv", "x", "y")}
        claims = {"htm": method, "htu": self.issuer + path, "iat": int(self.now()), "jti": uuid.uuid4().hex}
        if access_token is not None:
            claims["ath"] = b64url(hashlib.sha256(access_token.encode()).digest())
        return jws(self.key, {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}, claims)

    def refresh(self) -> None:
        path = "/v1/sessions/refresh"
        order = {"refresh_token": self.session["refresh_token"]}
        answer = self.http.post(path, json=order, headers={"DPoP": self.dpop("POST", path)})
        self.session = expect(answer, 200)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session['access_token']}"}

    def ask_for(self, utility: str, key: str) -> dict[str, Any]:
        """Ask for a document. The same key asks for the same document, however often it is sent."""
        headers = {**self.headers(), "Idempotency-Key": key}
        return expect(self.http.post("/v1/requests", json={"utility": utility}, headers=headers), 201)

    def documents(self) -> list[dict[str, Any]]:
        """Read the whole list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = expect(self.http.get("/v1/documents", params=query, headers=self.headers()), 200)
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def code_of(self, document_id: str) -> str:
        answer = self.http.get(f"/v1/documents/{document_id}/code.txt", headers=self.headers())
        answer.raise_for_status()
        return answer.text


class Refused(Exception):
    """A problem document (RFC 9457). `code` is stable: decide by it, and show `detail` to the person."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['status']} {problem['code']}: {problem['detail']}")
        self.code = problem["code"]
        self.problem = problem


def expect(answer: httpx.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise Refused(answer.json())
    body: dict[str, Any] = answer.json()
    return body


def first_hour(phone: Phone, say: Callable[[str], object] = print) -> str:
    """Live the hour and return the code that a gate would scan."""
    phone.sign_in()
    say(f"signed in: account level {phone.session['account_level']}, auth level {phone.session['auth_level']}")
    key = uuid.uuid4().hex
    request = phone.ask_for("residence", key)
    again = phone.ask_for("residence", key)  # as after a lost answer
    say(f"document {request['document_id']}, and asked again: {again['document_id']}")
    code = phone.code_of(request["document_id"])
    verdict = expect(phone.http.post("/v1/checks", json={"code": code}), 200)
    say(f"the gate says: {verdict['verdict']} {verdict['reasons']}")
    phone.refresh()
    say(f"refreshed; {len(phone.documents())} documents")
    phone.sign_in_again()
    try:
        phone.ask_for("residence", uuid.uuid4().hex)
    except Refused as refused:
        say(f"with the device alone: {refused.code}")
    phone.step_up()
    say(f"stepped up: auth level {phone.session['auth_level']}")
    phone.http.delete("/v1/sessions/current", headers=phone.headers()).raise_for_status()
    say("signed out")
    return code


if __name__ == "__main__":
    (persona,) = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with httpx.Client(base_url=sys.argv[2], timeout=10) as client:
        first_hour(Phone(persona, client))
