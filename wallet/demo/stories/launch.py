"""A launch that is piloted in two provinces, explained, and stopped in five seconds; what was issued still verifies.

It ends as it began: the utility is open to everyone again, by two admins, also when something surprises in between.
"""

import time
from typing import Any

from wallet.demo.stories.calling import Calling, Party, Phone, Surprise

UTILITY = "residence"
PILOT = ("01", "46")
"""Hà Nội and Huế, where the pilot of 2024 was (docs/domain.md, section 4.2)."""
OUTSIDE = "tich"
STOP_SECONDS = 5.0
LOOKS = 10
PAUSE_TEXT = {
    "vi": "Đang tạm dừng để kiểm tra dữ liệu.",
    "en": "Paused while the data are checked.",
}
LAUNCH = f"/v1/admin/utilities/{UTILITY}"


class LaunchStory:
    """One walk, of two admins and of two citizens: one in a province of the pilot, one in another."""

    def __init__(self, calling: Calling) -> None:
        self.calling = calling
        self.first, self.second = calling.party("admin1"), calling.party("admin2")

    def go(self, key: str) -> None:
        """Walk with the persona `key`, who is registered in a province of the pilot. Raises Surprise."""
        inside, outside = self.calling.party(key), self.calling.party(OUTSIDE)
        self._sign_in(self.first, "quản trị viên / admin")
        self._sign_in(self.second, "quản trị viên thứ hai / second admin")
        self._sign_in(inside, "công dân trong vùng thí điểm / citizen inside")
        self._sign_in(outside, "công dân ở tỉnh khác / citizen elsewhere")
        try:
            code = self._walk(inside, outside)
        finally:
            self._open_again()
        self._ask("mọi tỉnh lại dùng được / everybody is in again", outside.phone, 201)
        self._still_verifies("giấy cấp trong đợt thí điểm: hợp lệ / of the pilot: valid", code)

    def _walk(self, inside: Party, outside: Party) -> str:
        self._pilot()
        made = self._ask("người trong vùng: cấp giấy / inside: issued", inside.phone, 201)
        document = self.calling.call("GET", f"/v1/documents/{made['document_id']}", 200, headers=inside.phone.headers)
        code: str = document.json()["code"]
        title = "người ở tỉnh khác: từ chối, có lý do / elsewhere: refused, with the reason"
        self.calling.note(self._ask(title, outside.phone, 403, "not_in_pilot")["detail"])
        self._explain(inside)
        self._explain(outside)
        self._who_explained(outside.phone)
        self._stop(inside.phone)
        self._still_verifies("giấy đã cấp vẫn hợp lệ / what was issued still verifies", code)
        return code

    def _pilot(self) -> None:
        order = {"state": "pilot", "audience": {"provinces": list(PILOT)}}
        title = "xem trước tác động / previewed"
        seen = self.calling.tell(title, self.first.phone, "POST", f"{LAUNCH}/launch/preview", 200, json=order)
        self.calling.note(f"mất quyền / lose: {count(seen['loses'])}, được thêm / gain: {count(seen['gains'])}")
        self._change("thí điểm tại Hà Nội và Huế / pilot in two provinces", {**order, "reason": "Thí điểm mẫu"})

    def _explain(self, citizen: Party) -> None:
        account = self.calling.call("GET", "/v1/me", 200, headers=citizen.phone.headers).json()["account_id"]
        order = {"account_id": account, "purpose": "citizen_asked"}
        title = f"vì sao {citizen.persona.name} thấy hay không / why this citizen sees it, or not"
        path = f"{LAUNCH}/launch/explanations"
        found = self.calling.tell(title, self.first.phone, "POST", path, 200, json=order)
        rules = [f"{rule['rule']} {'✓' if rule.get('holds') else '✗'}" for rule in found["rules"] if rule["applies"]]
        answer = "thấy / sees it" if found["available"] else f"không thấy / does not. {found['words']['vi']}"
        self.calling.note(f"{answer} ({', '.join(rules)})")

    def _who_explained(self, phone: Phone) -> None:
        title = "người đó biết ai đã tra cứu / who was looked up can read it"
        rows = self.calling.tell(title, phone, "GET", "/v1/me/access-history", 200)["data"]
        look = next((row for row in rows if row["purpose"] == "citizen_asked"), None)
        if look is None:
            raise Surprise("lịch sử truy cập thiếu lượt tra cứu / the access history lacks the look")
        self.calling.note(f"{look['data_name']['vi']}: {look['purpose_name']['vi']}")

    def _stop(self, phone: Phone) -> None:
        """Pause, and ask until nobody is let in any more, on connections of their own: any process may answer."""
        order = {"reason": "Thử dừng khẩn cấp", "pause_text": PAUSE_TEXT}
        title = "một người dừng khẩn cấp / stopped, by one admin alone"
        self.calling.tell(title, self.first.phone, "POST", f"{LAUNCH}/pause", 200, once=True, json=order)
        stopped, refused = time.perf_counter(), 0
        while refused < LOOKS:
            seen, _ = self.calling.timed("GET", "/v1/me/utilities", headers={**phone.headers, "Connection": "close"})
            self.calling.expect(seen, 200)
            own = next(each for each in seen.json()["data"] if each["code"] == UTILITY)
            refused = refused + 1 if not own["available"] else 0
            waited = time.perf_counter() - stopped
            if waited > STOP_SECONDS:
                raise Surprise(f"sau {waited:.1f} s vẫn còn mở / still open after the stop")
        title = f"mọi tiến trình đã dừng ({LOOKS} lần hỏi) / every process stopped, {LOOKS} looks"
        self.calling.on_step(title, waited * 1000)
        title = "yêu cầu mới: từ chối, lời giải thích / new requests are refused in these words"
        refusal = self._ask(title, phone, 409, "utility_disabled")
        self.calling.note(refusal["detail"])
        flag, took = self.calling.timed("POST", f"/ofrep/v1/evaluate/flags/{UTILITY}", headers=phone.headers, json={})
        self.calling.expect(flag, 200)
        self.calling.on_step(f"cờ OFREP / flag: {flag.json()['value']}, {flag.json()['reason']}", took)

    def _open_again(self) -> None:
        state = self._launch().json()["state"]
        if state != "open":
            self._change("mở lại cho mọi người / open to everyone again", {"state": "open", "reason": "Mở lại bản mẫu"})

    def _change(self, title: str, order: dict[str, Any]) -> None:
        """Ask for a change; where two have to agree, the first alone is not enough, and the second agrees."""
        calling, phone = self.calling, self.first.phone
        headers = {
            **phone.headers,
            "If-Match": self._launch().headers["ETag"],
            "Content-Type": "application/merge-patch+json",
        }
        response, took = calling.timed("PATCH", LAUNCH, json=order, headers=headers)
        if response.status_code != 202:
            calling.expect(response, 200)
            calling.on_step(title, took)
            return
        calling.on_step(f"{title}: chờ người thứ hai / a second admin has to agree", took)
        path = f"/v1/admin/approvals/{response.json()['id']}/decision"
        order = {"decision": "approve"}
        alone = "tự duyệt: từ chối / nobody approves their own"
        calling.tell(alone, phone, "POST", path, 403, "self_approval", once=True, json=order)
        calling.tell("người thứ hai duyệt / agreed", self.second.phone, "POST", path, 200, once=True, json=order)

    def _launch(self) -> Any:
        return self.calling.call("GET", LAUNCH, 200, headers=self.first.phone.headers)

    def _ask(self, title: str, phone: Phone, status: int, code: str | None = None) -> Any:
        order = {"utility": UTILITY}
        return self.calling.tell(title, phone, "POST", "/v1/requests", status, code, once=True, json=order)

    def _still_verifies(self, title: str, code: str) -> None:
        verdict = self.calling.tell(title, None, "POST", "/v1/checks", 200, json={"code": code})
        if not verdict["accepted"]:
            raise Surprise(f"kiểm tra / check: {verdict['verdict']} {verdict['reasons']}")

    def _sign_in(self, party: Party, who: str) -> None:
        self.calling.sign_in(party.phone, party.persona.number, party.password, f"{who}: {party.persona.name}")


def count(told: dict[str, int]) -> str:
    """Return how many: small numbers are not told exactly, for they would tell of persons."""
    return str(told["count"]) if "count" in told else f"dưới / fewer than {told['fewer_than']}"
