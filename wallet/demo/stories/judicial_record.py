"""A judicial record from the question to the paper: paid, reviewed, supplemented, verified, issued, checked offline.

And at the end the applicant reads who looked at them, and why. The officers are the demo's.
"""

import re
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from wallet.demo.stories.calling import Calling, Party, Phone, Surprise
from wallet.demo.stories.offline import check_offline
from wallet.working_days import ZONE

UTILITY = "judicial_record"
REQUESTS = "/v1/requests"
DESK = "/v1/desk/requests"
JOB = {"from_day": "2012-09-01", "job": "Kỹ thuật viên", "workplace": "Xưởng mẫu"}
ANSWERS: dict[str, Any] = {
    "kind": "no_1",
    "purpose": "job_application",
    "ban_information": False,
    "copies": "electronic_and_paper",
    "paper_copies": 4,
    "delivery": "collect",
    "occupations": [JOB],
}
EARLIER = {"from_day": "2008-09-01", "to_day": "2012-08-31", "job": "Sinh viên", "workplace": "Trường mẫu"}
ASKED = "Đề nghị bổ sung việc làm, học tập trước tháng 9 năm 2012."
OFFICER, ANOTHER_DESK = "reviewer3", "reviewer2"
AT_STEPS = {"records_department": "reviewer4", "province_police": OFFICER}
"""Who works where a sub-task goes to. A court has nobody in the demo, and is asked of nobody whose record is clean."""


class JudicialRecord:
    """One walk. pin: of the bundle root, as whoever checks the paper is given it by another way."""

    def __init__(self, calling: Calling, pin: str) -> None:
        self.calling = calling
        self.pin = pin
        self.version = ""

    def go(self, key: str) -> None:
        """Walk with the persona `key`, whose record is clean. Raises Surprise."""
        citizen, officer = self.calling.party(key), self.calling.party(OFFICER)
        self._sign_in(citizen, "công dân / citizen")
        self._see_the_form(citizen.phone)
        self._be_refused(citizen.phone)
        request = self._ask(citizen.phone)
        self._pay(citizen.phone, request)
        self._see_when(citizen.phone, request)
        self._be_nobody(request)
        self._sign_in(officer, "cán bộ giải quyết / reviewer")
        self._take(officer.phone, request)
        self._ask_for_more(officer.phone, request)
        self._supplement(citizen.phone, request)
        self._verify(officer.phone, request)
        self._issue(officer.phone, request)
        self._check(citizen.phone, request)
        self._read_who_looked(citizen.phone)

    # The applicant

    def _see_the_form(self, phone: Phone) -> None:
        title = "biểu mẫu: điều nhà nước đã biết thì không hỏi lại / what a register holds is not asked"
        questions = self.calling.tell(title, phone, "GET", f"/v1/me/utilities/{UTILITY}/form", 200)["data"]
        held = [question for question in questions if question["held"]]
        self.calling.note(f"{len(questions)} mục / fields, không hỏi lại {len(held)} / of them not asked")
        for question in held:
            self.calling.note(f"· {question['label']['vi']} (nguồn / source: {question['source']})")

    def _be_refused(self, phone: Phone) -> None:
        wrong = {**ANSWERS, "kind": "no_3", "paper_copies": 400, "occupations": [{**JOB, "from_day": "31/12/2012"}]}
        order = {"utility": UTILITY, "answers": wrong}
        title = "khai sai: mọi lỗi một lần, chưa lưu gì / every mistake at once, nothing is stored"
        problem = self.calling.tell(title, phone, "POST", REQUESTS, 422, "invalid_input", once=True, json=order)
        for error in problem["errors"]:
            self.calling.note(f"· {error['pointer']}: {error['detail']}")

    def _ask(self, phone: Phone) -> dict[str, Any]:
        calling, order = self.calling, {"utility": UTILITY, "answers": ANSWERS}
        headers = {**phone.headers, "Idempotency-Key": uuid.uuid4().hex}
        response, took = calling.timed("POST", REQUESTS, json=order, headers=headers)
        calling.expect(response, 201)
        request: dict[str, Any] = response.json()
        calling.on_step(f"nộp hồ sơ / sent: {request['number']}, {request['state_name']['vi']}", took)
        for line in request["fee"]:
            calling.note(f"{line['name']['vi']} / {line['name']['en']}: {dong(line['amount'])}")
        calling.note(f"phải nộp / to pay: {dong(request['fee_due'])}")
        again, took = calling.timed("POST", REQUESTS, json=order, headers=headers)
        if again.content != response.content:
            raise Surprise("cùng Idempotency-Key mà kết quả khác / the same key gave another answer")
        calling.on_step("mạng chập chờn, gửi lại: vẫn một hồ sơ / sent again with its key: one request", took)
        return request

    def _pay(self, phone: Phone, request: dict[str, Any]) -> None:
        if not request["fee_due"]:
            return
        path = f"{REQUESTS}/{request['id']}/payments"
        first = self.calling.call("GET", path, 200, headers=phone.headers).json()["data"][-1]
        self._settle("thẻ bị từ chối: chưa trả, hồ sơ vẫn còn / the card is refused", first, "failure", "failed")
        title = "trả lại lần nữa / a second try"
        second = self.calling.tell(title, phone, "POST", path, 201, once=True)
        self._settle("đã trả / paid", second, "success", "paid")

    def _settle(self, title: str, payment: dict[str, Any], outcome: str, state: str) -> None:
        """Play the provider: the address of a payment leads to it."""
        path = "/v1" + payment["address"].partition("/v1")[2]
        order = {"outcome": outcome, "amount": payment["amount"]}
        told = self.calling.tell(title, None, "POST", path, 200, json=order)
        if told["state"] != state:
            raise Surprise(f"thanh toán / payment: {told['state']}, mong đợi / expected {state}")

    def _see_when(self, phone: Phone, request: dict[str, Any]) -> None:
        seen = self._expect_state("trạng thái / state", phone, request, "submitted")
        self.calling.note(f"giấy hẹn / the slip: {request['number']}, trả kết quả {moment(seen['due_at'])}")

    def _supplement(self, phone: Phone, request: dict[str, Any]) -> None:
        calling, path = self.calling, f"{REQUESTS}/{request['id']}"
        seen = self._expect_state("công dân đọc yêu cầu / the citizen reads", phone, request, "supplement_required")
        asked = seen["timeline"][-1]
        calling.note(f"{asked['reason_text']['vi']}: {asked['note']}")
        whole = calling.call("GET", path, 200, headers=phone.headers)
        headers = {
            **phone.headers,
            "If-Match": whole.headers["ETag"],
            "Content-Type": "application/merge-patch+json",
        }
        order = {"answers": {"occupations": [EARLIER, JOB]}}
        calling.call("PATCH", path, 200, json=order, headers=headers)
        title = "bổ sung và gửi lại / supplemented, sent back"
        moved = {"action": "supplement"}
        calling.tell(title, phone, "POST", f"{path}/moves", 200, once=True, json=moved)
        again = self._expect_state("trạng thái / state", phone, request, "submitted")
        calling.note(f"đủ hồ sơ, tính lại từ hôm nay / due anew: {moment(again['due_at'])}")

    def _check(self, phone: Phone, request: dict[str, Any]) -> None:
        calling = self.calling
        seen = self._expect_state("công dân thấy kết quả / the citizen sees", phone, request, "issued")
        for entry in seen["timeline"]:
            step = f": {entry['step_name']['vi']}" if "step" in entry else ""
            calling.note(f"{moment(entry['at'])}  {entry['action_name']['vi']}{step} → {entry['state_name']['vi']}")
        path = f"/v1/documents/{seen['document_id']}"
        picture = calling.call("GET", f"{path}/code.png", 200, headers=phone.headers)
        calling.write("code.png", picture.content)
        calling.write("bundle.jws", calling.call("GET", "/v1/trust/bundle", 200).content)
        image, bundle = calling.folder / "code.png", calling.folder / "bundle.jws"
        verdict, took = check_offline(image, bundle, self.pin, calling.watch.now(), 0, "ok")
        calling.on_step("nơi tuyển dụng quét giấy, không cần mạng: hợp lệ / checked offline: valid", took)
        for claim in verdict["document"]["claims"]:
            calling.note(f"{claim['label']['vi']}: {readable(claim['value'])}")

    def _read_who_looked(self, phone: Phone) -> None:
        title = "ai đã xem dữ liệu của tôi, để làm gì / who looked at me, and why"
        rows = self.calling.tell(title, phone, "GET", "/v1/me/access-history?limit=100", 200)["data"]
        staff = [row for row in rows if row["who"] == "staff"]
        agencies = {row["agency"] for row in staff}
        if not {"province_police", "records_department"} <= agencies:
            raise Surprise(f"lịch sử truy cập thiếu / the access history lacks readers: {sorted(agencies)}")
        looks = Counter((row["agency_name"]["vi"], row["data_name"]["vi"], row["purpose_name"]["vi"]) for row in staff)
        for (agency, data, purpose), times in looks.items():
            self.calling.note(f"· cán bộ của {agency}: {data}, {times} lần / times ({purpose})")
        own = sum(row["who"] == "you" for row in rows)
        self.calling.note(f"và {own} lần do chính bạn / and {own} times for yourself")

    # The offices

    def _be_nobody(self, request: dict[str, Any]) -> None:
        other = self.calling.party(ANOTHER_DESK)
        self._sign_in(other, "cán bộ cơ quan khác / of another agency")
        title = "cơ quan khác: như không có hồ sơ này / for another agency it does not exist"
        path = f"{DESK}/{request['id']}?purpose=review"
        self.calling.tell(title, other.phone, "GET", path, 404, "not_found")

    def _take(self, phone: Phone, request: dict[str, Any]) -> None:
        calling = self.calling
        lying = calling.tell("hàng chờ, hồ sơ cũ trước / the queue, the oldest first", phone, "GET", DESK, 200)["data"]
        calling.note(f"{len(lying)} hồ sơ / requests: số, hạn, trạng thái; không có tên ai / nobody's name")
        title = "nhận hồ sơ: mỗi lúc một người / taken in hand, by one officer at a time"
        calling.tell(title, phone, "PUT", f"{DESK}/{request['id']}/claim", 200)
        title = "mở hồ sơ, ghi mục đích: giải quyết / opened, for a purpose on record"
        opened = self._open(title, phone, request)
        can = ", ".join(each["name"]["vi"].lower() for each in opened["decisions"])
        calling.note(f"{opened['holder']['full_name']}: có thể / can {can}")

    def _open(self, title: str, phone: Phone, request: dict[str, Any]) -> dict[str, Any]:
        path = f"{DESK}/{request['id']}?purpose=review"
        response, took = self.calling.timed("GET", path, headers=phone.headers)
        self.calling.expect(response, 200)
        self.version = response.headers["ETag"]
        self.calling.on_step(title, took)
        opened: dict[str, Any] = response.json()
        return opened

    def _ask_for_more(self, phone: Phone, request: dict[str, Any]) -> None:
        title = "yêu cầu bổ sung, lý do trong danh mục / a supplement, for a reason of the list"
        word = {"reason": "history_incomplete", "note": ASKED}
        self._decide(title, phone, request, "request_supplement", "supplement_required", **word)

    def _verify(self, phone: Phone, request: dict[str, Any]) -> None:
        calling = self.calling
        self._open("mở lại hồ sơ đã bổ sung / what was supplemented, opened", phone, request)
        self._decide("tiếp nhận / accepted", phone, request, "accept", "accepted")
        title = "gửi xác minh / to be verified elsewhere"
        verifying = self._decide(title, phone, request, "verify", "verifying")
        for step in verifying["steps"]:
            due = f", hạn / due {moment(step['due_at'])}" if "due_at" in step else ""
            calling.note(f"· {step['name']['vi']} ({step['agency']['vi']}{due})")
        for step in verifying["steps"]:
            if AT_STEPS[step["code"]] == OFFICER:
                self._report(phone, request, step)
                continue
            helper = calling.party(AT_STEPS[step["code"]])
            self._sign_in(helper, "cán bộ xác minh / who verifies")
            self._report(helper.phone, request, step)

    def _report(self, phone: Phone, request: dict[str, Any], step: dict[str, Any]) -> None:
        title = f"kết quả xác minh / verified: {step['name']['vi']}"
        path, found = f"{DESK}/{request['id']}/steps/{step['code']}", {"found": {"outcome": "confirmed"}}
        self.calling.tell(title, phone, "POST", path, 200, once=True, json=found)

    def _issue(self, phone: Phone, request: dict[str, Any]) -> None:
        """Approve; where the utility asks for four eyes, a second officer would have to confirm it."""
        self._open("xem kết quả xác minh / what was found out, opened", phone, request)
        self._decide("cấp phiếu / issued", phone, request, "approve", "issued")

    def _decide(
        self, title: str, phone: Phone, request: dict[str, Any], action: str, state: str, **word: str
    ) -> dict[str, Any]:
        """Decide about what was seen: the answer before tells its version, and the decision names it."""
        headers = {**phone.headers, "If-Match": self.version, "Idempotency-Key": uuid.uuid4().hex}
        path = f"{DESK}/{request['id']}/decisions"
        response, took = self.calling.timed("POST", path, json={"action": action, **word}, headers=headers)
        self.calling.expect(response, 200)
        decided: dict[str, Any] = response.json()
        if decided["state"] != state:
            raise Surprise(f"hồ sơ / request: {decided['state']}, mong đợi / expected {state}")
        self.version = response.headers["ETag"]
        self.calling.on_step(title, took)
        return decided

    # Both

    def _sign_in(self, party: Party, who: str) -> None:
        name = f"{who}: {party.persona.name}"
        self.calling.sign_in(party.phone, party.persona.number, party.password, name)

    def _expect_state(self, title: str, phone: Phone, request: dict[str, Any], state: str) -> dict[str, Any]:
        seen: dict[str, Any] = self.calling.call(
            "GET", f"{REQUESTS}/{request['id']}", 200, headers=phone.headers
        ).json()
        if seen["state"] != state:
            raise Surprise(f"hồ sơ / request: {seen['state']}, mong đợi / expected {state}")
        self.calling.note(f"{title}: {seen['state_name']['vi']}")
        return seen


def readable(value: Any) -> str:
    """Return a claim as people read it: a day with the day first."""
    text = str(value)
    return "/".join(reversed(text.split("-"))) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else text


def dong(amount: int) -> str:
    """Return money as people read it: `200.000 đồng`."""
    return f"{amount:,} đồng".replace(",", ".")


def moment(text: str) -> str:
    """Return a moment as people in Vietnam read it. What is due at 24:00 of a day is due on that day."""
    at = datetime.fromisoformat(text).astimezone(ZONE)
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"hết ngày {datetime.fromtimestamp(at.timestamp() - 1, UTC).astimezone(ZONE):%d/%m/%Y}"
    return f"{at:%H:%M %d/%m/%Y}"
