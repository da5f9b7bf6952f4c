"""The main job, as a phone, a gate and an admin live it: a document is issued, shown, checked, revoked, checked again.

What a third party would hold is left in a directory: the code, the bundles before and after the revocation, the
pin, the status list, every verdict.
"""

import base64
import json
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

from wallet.demo.live_codes import live_code
from wallet.demo.stories.calling import Calling, Phone, Surprise
from wallet.demo.stories.offline import check_offline
from wallet.formats.cwt_code import parse_document_code

LIST_SECONDS = 60
ONLINE_SECONDS = 2


class MainJob:
    """One walk through the main job. pin: of the bundle root, as a gate is given it by another way."""

    def __init__(self, calling: Calling, pin: str) -> None:
        self.calling = calling
        self.pin = pin

    def go(self, key: str) -> None:
        """Walk with the persona `key`. Raises Surprise."""
        calling = self.calling
        citizen, admin = calling.party(key), calling.party("admin1")
        phone, admins = citizen.phone, admin.phone
        name = f"công dân / citizen đăng nhập: {citizen.persona.name}"
        calling.sign_in(phone, citizen.persona.number, citizen.password, name)
        self._refresh(phone)
        document_id = self._issue(phone)
        code = self._collect(phone, document_id)
        self._check_online(code, "valid", "ok", "verdict-online.json")
        self._show_live(phone, document_id)
        self._take_forms(phone, document_id)
        self._take_bundle("bundle.jws")
        self._check_offline("bundle.jws", 0, "ok", "verdict-offline.json")
        self._check_forms("bundle.jws", 0, "ok")
        name = f"quản trị viên / admin đăng nhập: {admin.persona.name}"
        calling.sign_in(admins, admin.persona.number, admin.password, name)
        self._revoke(admins, document_id)
        self._await_online(code)
        self._await_list()
        self._check_offline("bundle-after.jws", 1, "revoked", "verdict-offline-after.json")
        self._check_forms("bundle-after.jws", 1, "revoked")
        self._cannot_be_undone(admins, document_id)
        self._sign_out(phone)

    def _refresh(self, phone: Phone) -> None:
        path = "/v1/sessions/refresh"
        order = {"refresh_token": phone.session["refresh_token"]}
        headers = {"DPoP": self.calling.dpop(phone, "POST", path)}
        response, took = self.calling.timed("POST", path, json=order, headers=headers)
        self.calling.expect(response, 200)
        phone.session = response.json()
        self.calling.on_step("làm mới phiên bằng khóa thiết bị / session refreshed with the device key", took)

    def _issue(self, citizen: Phone) -> str:
        headers = {**citizen.headers, "Idempotency-Key": uuid.uuid4().hex}
        response, took = self.calling.timed("POST", "/v1/requests", json={"utility": "residence"}, headers=headers)
        self.calling.expect(response, 201)
        again, _ = self.calling.timed("POST", "/v1/requests", json={"utility": "residence"}, headers=headers)
        if again.content != response.content or again.headers.get("Idempotent-Replayed") != "true":
            raise Surprise("cùng Idempotency-Key mà kết quả khác / the same key gave another answer")
        document_id: str = response.json()["document_id"]
        self.calling.on_step(f"cấp giấy xác nhận cư trú / residence document issued: {document_id[:12]}…", took)
        return document_id

    def _collect(self, citizen: Phone, document_id: str) -> str:
        path = f"/v1/documents/{document_id}"
        whole, took = self.calling.timed("GET", path, headers=citizen.headers)
        self.calling.expect(whole, 200)
        self.calling.write("document.json", json.dumps(whole.json(), ensure_ascii=False, indent=1))
        for form in ("txt", "svg", "png"):
            drawn, _ = self.calling.timed("GET", f"{path}/code.{form}", headers=citizen.headers)
            self.calling.expect(drawn, 200)
            self.calling.write(f"code.{form}", drawn.content)
        code: str = whole.json()["code"]
        if (self.calling.folder / "code.txt").read_text(encoding="utf-8") != code:
            raise Surprise("mã chữ khác mã trong giấy tờ / code.txt differs from the document")
        self.calling.on_step(f"mã QR {len(code)} ký tự, dạng chữ, SVG, PNG / code as text, SVG, PNG", took)
        status = parse_document_code(code).content.status
        self.list_path = "" if status is None else urlsplit(status.uri).path
        return code

    def _show_live(self, citizen: Phone, document_id: str) -> None:
        """Fetch cards, and sign a live code from one with the phone's own key."""
        headers = {**citizen.headers, "Idempotency-Key": uuid.uuid4().hex}
        path = f"/v1/documents/{document_id}/cards"
        response, took = self.calling.timed("POST", path, json={"count": 3}, headers=headers)
        self.calling.expect(response, 201)
        cards = response.json()["data"]
        self.calling.on_step(f"lấy {len(cards)} thẻ để xuất trình / cards to show", took)
        card = base64.urlsafe_b64decode(cards[0]["card"] + "==")
        code = live_code(card, citizen.device_key, datetime.fromtimestamp(self.calling.watch.now(), UTC))
        self.calling.write("live.txt", code)
        self._check_online(code, "valid", "ok", "verdict-live.json")

    def _take_forms(self, citizen: Phone, document_id: str) -> None:
        for name in ("document.sdjwt", "document.mdoc", "document.pdf"):
            response, took = self.calling.timed("GET", f"/v1/documents/{document_id}/{name}", headers=citizen.headers)
            self.calling.expect(response, 200)
            self.calling.write(name, response.content)
            self.calling.on_step(f"cùng giấy tờ ở dạng khác / the same document as {name}", took)

    def _check_forms(self, bundle: str, exit_code: int, reason: str) -> None:
        for name in ("document.sdjwt", "document.mdoc"):
            file, trusted = self.calling.folder / name, self.calling.folder / bundle
            _, took = check_offline(file, trusted, self.pin, self.calling.watch.now(), exit_code, reason)
            self.calling.on_step(f"kiểm tra ngoại tuyến / offline check of {name}: {reason}", took)

    def _check_online(self, code: str, verdict: str, reason: str, name: str) -> None:
        response, took = self.calling.timed("POST", "/v1/checks", json={"code": code})
        self.calling.expect(response, 200)
        answer = response.json()
        self.calling.write(name, json.dumps(answer, ensure_ascii=False, indent=1))
        if answer["verdict"] != verdict or reason not in answer["reasons"]:
            raise Surprise(
                f"kiểm tra trực tuyến: {answer['verdict']} {answer['reasons']}, mong đợi / expected {verdict}"
            )
        self.calling.on_step(f"kiểm tra trực tuyến / online check: {verdict}", took)

    def _take_bundle(self, name: str) -> None:
        response, took = self.calling.timed("GET", "/v1/trust/bundle")
        self.calling.expect(response, 200)
        self.calling.write(name, response.content)
        self.calling.write("bundle.pin", self.pin + "\n")
        status, _ = self.calling.timed("GET", self.list_path)
        self.calling.expect(status, 200)
        self.calling.write("status-list.jwt", status.content)
        self.calling.on_step(f"gói tin cậy / trust bundle: {name}", took)

    def _check_offline(self, bundle: str, exit_code: int, reason: str, name: str) -> None:
        image, trusted = self.calling.folder / "code.png", self.calling.folder / bundle
        verdict, took = check_offline(image, trusted, self.pin, self.calling.watch.now(), exit_code, reason)
        self.calling.write(name, json.dumps(verdict, ensure_ascii=False, indent=1))
        self.calling.on_step(f"kiểm tra ngoại tuyến bằng ảnh / offline check of the picture: {reason}", took)

    def _revoke(self, admin: Phone, document_id: str) -> None:
        headers = {**admin.headers, "Idempotency-Key": uuid.uuid4().hex}
        path = f"/v1/admin/documents/{document_id}/revocation"
        response, took = self.calling.timed("POST", path, json={"reason": "data_changed"}, headers=headers)
        self.calling.expect(response, 201)
        self.revoked_at = time.perf_counter()
        self.calling.on_step("thu hồi, lý do: thông tin đã thay đổi / revoked: data changed", took)

    def _await_online(self, code: str) -> None:
        while True:
            answer = self.calling.client.post("/v1/checks", json={"code": code}).json()
            waited = time.perf_counter() - self.revoked_at
            if answer["reasons"] == ["revoked"]:
                break
            if waited > ONLINE_SECONDS:
                raise Surprise(f"sau {waited:.1f} s vẫn chưa thấy thu hồi / not seen online: {answer['reasons']}")
            self.calling.watch.wait(0.05)
        self.calling.write("verdict-online-after.json", json.dumps(answer, ensure_ascii=False, indent=1))
        self.calling.on_step("trực tuyến thấy đã thu hồi / seen online, after", waited * 1000)

    def _await_list(self) -> None:
        before = (self.calling.folder / "status-list.jwt").read_bytes()
        while self.calling.client.get(self.list_path).content == before:
            if time.perf_counter() - self.revoked_at > LIST_SECONDS:
                raise Surprise(f"danh sách chưa đổi sau {LIST_SECONDS} s / the list did not change")
            self.calling.watch.wait(0.1)
        old = (self.calling.folder / "bundle.jws").read_bytes()
        while self.calling.client.get("/v1/trust/bundle").content == old:
            if time.perf_counter() - self.revoked_at > LIST_SECONDS:
                raise Surprise(f"gói tin cậy chưa đổi sau {LIST_SECONDS} s / the bundle did not change")
            self.calling.watch.wait(0.1)
        waited = time.perf_counter() - self.revoked_at
        self._take_bundle("bundle-after.jws")
        self.calling.on_step("danh sách và gói mới có hiệu lực / new list and bundle published, after", waited * 1000)

    def _cannot_be_undone(self, admin: Phone, document_id: str) -> None:
        headers = {**admin.headers, "Idempotency-Key": uuid.uuid4().hex}
        path = f"/v1/admin/documents/{document_id}/revocation"
        response, took = self.calling.timed("POST", path, json={"reason": "fraud"}, headers=headers)
        self.calling.expect(response, 409, "already_revoked")
        self.calling.on_step("thu hồi lần hai bị từ chối / a second revocation is refused", took)

    def _sign_out(self, phone: Phone) -> None:
        response, took = self.calling.timed("DELETE", "/v1/sessions/current", headers=phone.headers)
        self.calling.expect(response, 204)
        refused, _ = self.calling.timed("GET", "/v1/me", headers=phone.headers)
        self.calling.expect(refused, 401)
        self.calling.on_step("đăng xuất; thẻ truy cập hết dùng được / signed out, the token is dead", took)
