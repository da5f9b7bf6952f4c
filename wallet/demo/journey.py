"""The whole story over HTTP, as a phone, a gate and two admins live it; it stops at the first surprise.

What a third party would hold is left in a directory: the code, the bundles before and after the revocation, the
pin, the status list, every verdict.
"""

import base64
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.signing import raw_from_der
from wallet.demo.personas import Credentials, Persona, credentials, persona

LIST_SECONDS = 60
ONLINE_SECONDS = 2
OnStep = Callable[[str, float], None]


class Surprise(Exception):
    """Something was not as it must be. `mend`: the next command to try."""

    def __init__(self, text: str, mend: str = "wallet doctor") -> None:
        super().__init__(text)
        self.mend = mend


@dataclass
class Party:
    """One person with a phone: their credentials, and the session they hold."""

    persona: Persona
    own: Credentials
    session: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session['access_token']}"}


class Journey:
    """One walk through the main job."""

    def __init__(self, url: str, secret: bytes, pin: str, out: Path | None, on_step: OnStep) -> None:
        """url: of the server. secret: the demo's. pin: of the bundle root, as a gate is given it by another way."""
        self.url = url
        self.secret = secret
        self.pin = pin
        self.out = out
        self.on_step = on_step
        self.client = httpx.Client(base_url=url, timeout=10)

    def go(self, key: str) -> None:
        """Walk. Raises Surprise."""
        with TemporaryDirectory() as scratch, self.client:
            self.folder = self.out or Path(scratch)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._server_is_ready()
            citizen, admin = self._party(key), self._party("admin1")
            self._sign_in(citizen, "công dân / citizen")
            self._refresh(citizen)
            document_id = self._issue(citizen)
            code = self._collect(citizen, document_id)
            self._check_online(code, "valid", "ok", "verdict-online.json")
            self._take_bundle("bundle.jws")
            self._check_offline("bundle.jws", 0, "ok", "verdict-offline.json")
            self._sign_in(admin, "quản trị viên / admin")
            self._revoke(admin, document_id)
            self._await_online(code)
            self._await_list()
            self._check_offline("bundle-after.jws", 1, "revoked", "verdict-offline-after.json")
            self._cannot_be_undone(admin, document_id)
            self._sign_out(citizen)

    # ── steps ──

    def _server_is_ready(self) -> None:
        try:
            response, took = self._timed("GET", "/health/ready")
        except httpx.TransportError as error:
            raise Surprise(f"không có máy chủ tại {self.url} / no server there: {error}", "make run") from error
        self._expect(response, 200)
        self.on_step("máy chủ sẵn sàng / server ready", took)

    def _sign_in(self, party: Party, who: str) -> None:
        challenge, _ = self._timed("POST", "/v1/device-challenges", json={"device_id": party.own.device_id})
        self._expect(challenge, 201)
        proof = _jws(
            {"alg": "ES256", "typ": "viso-device-proof+jwt"},
            {
                "aud": self._issuer(),
                "challenge": challenge.json()["challenge"],
                "device_id": party.own.device_id,
                "iat": int(time.time()),
            },
            party.own.device_private_key,
        )
        order = {"proof": proof, "number": party.persona.number, "password": party.own.password}
        response, took = self._timed("POST", "/v1/sessions", json=order)
        self._expect(response, 201)
        party.session = response.json()
        levels = f"mức {party.session['account_level']}, xác thực {party.session['auth_level']}"
        self.on_step(f"{who} đăng nhập: {party.persona.name} ({levels})", took)

    def _refresh(self, party: Party) -> None:
        path = "/v1/sessions/refresh"
        jwk = {name: party.own.device_jwk[name] for name in ("kty", "crv", "x", "y")}
        claims = {"htm": "POST", "htu": self._issuer() + path, "iat": int(time.time()), "jti": uuid.uuid4().hex}
        proof = _jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}, claims, party.own.device_private_key)
        order = {"refresh_token": party.session["refresh_token"]}
        response, took = self._timed("POST", path, json=order, headers={"DPoP": proof})
        self._expect(response, 200)
        party.session = response.json()
        self.on_step("làm mới phiên bằng khóa thiết bị / session refreshed with the device key", took)

    def _issue(self, citizen: Party) -> str:
        headers = {**citizen.headers, "Idempotency-Key": uuid.uuid4().hex}
        response, took = self._timed("POST", "/v1/requests", json={"utility": "residence"}, headers=headers)
        self._expect(response, 201)
        again, _ = self._timed("POST", "/v1/requests", json={"utility": "residence"}, headers=headers)
        if again.content != response.content or again.headers.get("Idempotent-Replayed") != "true":
            raise Surprise("cùng Idempotency-Key mà kết quả khác / the same key gave another answer")
        document_id: str = response.json()["document_id"]
        self.on_step(f"cấp giấy xác nhận cư trú / residence document issued: {document_id[:12]}…", took)
        return document_id

    def _collect(self, citizen: Party, document_id: str) -> str:
        path = f"/v1/documents/{document_id}"
        whole, took = self._timed("GET", path, headers=citizen.headers)
        self._expect(whole, 200)
        self._write("document.json", json.dumps(whole.json(), ensure_ascii=False, indent=1))
        for form in ("txt", "svg", "png"):
            drawn, _ = self._timed("GET", f"{path}/code.{form}", headers=citizen.headers)
            self._expect(drawn, 200)
            self._write(f"code.{form}", drawn.content)
        code: str = whole.json()["code"]
        if (self.folder / "code.txt").read_text(encoding="utf-8") != code:
            raise Surprise("mã chữ khác mã trong giấy tờ / code.txt differs from the document")
        self.on_step(f"mã QR {len(code)} ký tự, dạng chữ, SVG, PNG / code as text, SVG, PNG", took)
        return code

    def _check_online(self, code: str, verdict: str, reason: str, name: str) -> None:
        response, took = self._timed("POST", "/v1/checks", json={"code": code})
        self._expect(response, 200)
        answer = response.json()
        self._write(name, json.dumps(answer, ensure_ascii=False, indent=1))
        if answer["verdict"] != verdict or reason not in answer["reasons"]:
            raise Surprise(
                f"kiểm tra trực tuyến: {answer['verdict']} {answer['reasons']}, mong đợi / expected {verdict}"
            )
        self.on_step(f"kiểm tra trực tuyến / online check: {verdict}", took)

    def _take_bundle(self, name: str) -> None:
        response, took = self._timed("GET", "/v1/trust/bundle")
        self._expect(response, 200)
        self._write(name, response.content)
        self._write("bundle.pin", self.pin + "\n")
        status, _ = self._timed("GET", "/v1/status-lists/1")
        self._expect(status, 200)
        self._write("status-list.jwt", status.content)
        self.on_step(f"gói tin cậy / trust bundle: {name}", took)

    def _check_offline(self, bundle: str, exit_code: int, reason: str, name: str) -> None:
        """Check the picture in a process of its own, which is told of no server."""
        image, trusted = str(self.folder / "code.png"), str(self.folder / bundle)
        command = [sys.executable, "-m", "wallet.verifier", "check", image, "--bundle", trusted, "--pin", self.pin]
        begun = time.perf_counter()
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        took = (time.perf_counter() - begun) * 1000
        self._write(name, done.stdout)
        if done.returncode != exit_code or reason not in json.loads(done.stdout or "{}").get("reasons", []):
            raise Surprise(f"kiểm tra ngoại tuyến / offline check: {done.returncode} {done.stdout}{done.stderr}")
        self.on_step(f"kiểm tra ngoại tuyến bằng ảnh / offline check of the picture: {reason}", took)

    def _revoke(self, admin: Party, document_id: str) -> None:
        headers = {**admin.headers, "Idempotency-Key": uuid.uuid4().hex}
        path = f"/v1/admin/documents/{document_id}/revocation"
        response, took = self._timed("POST", path, json={"reason": "data_changed"}, headers=headers)
        self._expect(response, 201)
        self.revoked_at = time.perf_counter()
        self.on_step("thu hồi, lý do: thông tin đã thay đổi / revoked: data changed", took)

    def _await_online(self, code: str) -> None:
        while True:
            answer = self.client.post("/v1/checks", json={"code": code}).json()
            waited = time.perf_counter() - self.revoked_at
            if answer["reasons"] == ["revoked"]:
                break
            if waited > ONLINE_SECONDS:
                raise Surprise(f"sau {waited:.1f} s vẫn chưa thấy thu hồi / not seen online: {answer['reasons']}")
            time.sleep(0.05)
        self._write("verdict-online-after.json", json.dumps(answer, ensure_ascii=False, indent=1))
        self.on_step("trực tuyến thấy đã thu hồi / seen online, after", waited * 1000)

    def _await_list(self) -> None:
        before = (self.folder / "status-list.jwt").read_bytes()
        while self.client.get("/v1/status-lists/1").content == before:
            if time.perf_counter() - self.revoked_at > LIST_SECONDS:
                raise Surprise(f"danh sách chưa đổi sau {LIST_SECONDS} s / the list did not change")
            time.sleep(0.1)
        old = (self.folder / "bundle.jws").read_bytes()
        while self.client.get("/v1/trust/bundle").content == old:
            if time.perf_counter() - self.revoked_at > LIST_SECONDS:
                raise Surprise(f"gói tin cậy chưa đổi sau {LIST_SECONDS} s / the bundle did not change")
            time.sleep(0.1)
        waited = time.perf_counter() - self.revoked_at
        self._take_bundle("bundle-after.jws")
        self.on_step("danh sách và gói mới có hiệu lực / new list and bundle published, after", waited * 1000)

    def _cannot_be_undone(self, admin: Party, document_id: str) -> None:
        headers = {**admin.headers, "Idempotency-Key": uuid.uuid4().hex}
        path = f"/v1/admin/documents/{document_id}/revocation"
        response, took = self._timed("POST", path, json={"reason": "fraud"}, headers=headers)
        self._expect(response, 409, "already_revoked")
        self.on_step("thu hồi lần hai bị từ chối / a second revocation is refused", took)

    def _sign_out(self, party: Party) -> None:
        response, took = self._timed("DELETE", "/v1/sessions/current", headers=party.headers)
        self._expect(response, 204)
        refused, _ = self._timed("GET", "/v1/me", headers=party.headers)
        self._expect(refused, 401)
        self.on_step("đăng xuất; thẻ truy cập hết dùng được / signed out, the token is dead", took)

    # ── tools ──

    def _party(self, key: str) -> Party:
        try:
            who = persona(key)
        except KeyError as error:
            raise Surprise(f"không có nhân vật {key} / no such persona", "wallet demo personas") from error
        return Party(who, credentials(who, self.secret))

    def _issuer(self) -> str:
        """Return the name of the service, as it tells it: proofs are made for that name, whatever the address."""
        if not hasattr(self, "_issuer_url"):
            self._issuer_url: str = self.client.get("/openapi.json").json()["servers"][0]["url"]
        return self._issuer_url

    def _timed(self, method: str, path: str, **options: Any) -> tuple[httpx.Response, float]:
        begun = time.perf_counter()
        response = self.client.request(method, path, **options)
        return response, (time.perf_counter() - begun) * 1000

    def _expect(self, response: httpx.Response, status: int, code: str | None = None) -> None:
        found = response.json().get("code") if "problem+json" in response.headers.get("Content-Type", "") else None
        if response.status_code != status or (code is not None and found != code):
            asked = f"{response.request.method} {response.request.url.path}"
            mend = (
                "wallet demo personas"
                if status in (200, 201) and response.status_code in (401, 403)
                else "wallet doctor"
            )
            raise Surprise(f"{asked}: {response.status_code} {found or ''}, mong đợi / expected {status}", mend)

    def _write(self, name: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / name).write_bytes(data)


def _jws(header: dict[str, Any], payload: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """Return a compact JWS as a phone makes it (RFC 7515, section 7.1)."""
    signing_input = ".".join(_b64url(json.dumps(part).encode()) for part in (header, payload))
    signature = raw_from_der(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signing_input}.{_b64url(signature)}"


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
