"""From nothing to an active level 2 account, with the documented API and the demo's desk alone.

A citizen of the demo nation registers from home, activates the account on a phone, is refused the residence document,
goes to the desk with the card, and gets the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wallet.demo.biometrics import steady_capture
from wallet.demo.credentials import derive
from wallet.demo.stories.calling import Calling, Party, Phone, Surprise, b64url
from wallet.demo.stories.citizens import FreeCitizen
from wallet.demo.stories.text_messages import TextMessages
from wallet.enrolment.biometrics import Modality
from wallet.enrolment.consent import STATEMENTS, VERSIONS
from wallet.entropy import SystemEntropy

ANSWERS_SECONDS = 20.0
POLL_SECONDS = 0.1
CODE = r"OTP\D*([0-9]{6})"
QUESTIONS = [
    {"question": "first_school", "answer": "Trường Tiểu học Mẫu"},
    {"question": "favourite_dish", "answer": "Bún chả"},
]


@dataclass
class Citizen:
    """The one whom the story is about: the person, their phone, and what they chose."""

    person: FreeCitizen
    phone: Phone
    messages: TextMessages
    password: str = field(repr=False)
    passcode: str = field(repr=False)
    code: str = ""


class NewCitizen:
    """One walk. outbox: where the server leaves text messages."""

    def __init__(self, calling: Calling, person: FreeCitizen, outbox: Path) -> None:
        own = derive(calling.secret, f"citizen-{person.number}", person.number, person.birth_date)
        self.calling = calling
        self.entropy = SystemEntropy()
        messages = TextMessages(outbox, person.phone, calling.watch)
        self.citizen = Citizen(person, Phone.new("Điện thoại của công dân"), messages, own.password, own.passcode)

    def go(self) -> Citizen:
        """Walk, and return the citizen, who is signed in at the end. Raises Surprise."""
        self._register()
        self._activate()
        self._sign_in("đăng nhập sau khi kích hoạt / signed in after the activation", level=1)
        self._is_refused()
        self._go_to_the_desk()
        self._is_told()
        self._sign_in("đăng nhập lại ở mức 2 / signed in again at level 2", level=2)
        self._get_the_document()
        return self.citizen

    def _register(self) -> None:
        calling, citizen, person = self.calling, self.citizen, self.citizen.person
        order = {
            "number": person.number,
            "full_name": person.full_name,
            "birth_date": person.birth_date,
            "phone": person.phone,
            "face_sample": self._capture(Modality.FACE),
            "device_id": citizen.phone.device_id,
            "public_key": citizen.phone.public_key,
            "consent": True,
            "consent_version": VERSIONS[0],
        }
        title = f"đăng ký tại nhà / registered from home: {person.full_name}, {person.number}"
        made = calling.tell(title, None, "POST", "/v1/registrations", 202, json=order)
        waited = 0.0
        while calling.call("GET", f"/v1/registrations/{made['registration_id']}", 200).json()["state"] != "answered":
            if waited > ANSWERS_SECONDS:
                raise Surprise("hồ sơ chưa được trả lời / the registration is not answered", "wallet jobs run")
            calling.watch.wait(POLL_SECONDS)
            waited += POLL_SECONDS
        text = citizen.messages.wait_for(r".*duoc phe duyet.*")[0]
        calling.on_step(f"tin nhắn / SMS: {text[:56]}…", waited * 1000)

    def _activate(self) -> None:
        calling, citizen = self.calling, self.citizen
        title = "bắt đầu kích hoạt trên điện thoại / activation begun on the phone"
        ceremony = begin(calling, title, "activation", citizen.phone, citizen.person, {"phone": citizen.person.phone})
        confirm_code(calling, ceremony, citizen)
        supplied = {"password": citizen.password, "passcode": citizen.passcode, "questions": QUESTIONS}
        title = "mật khẩu, passcode, 2 câu hỏi: đã kích hoạt / password, passcode, questions: active"
        advance(calling, title, f"{ceremony}/completion", citizen.phone, supplied)

    def _sign_in(self, title: str, *, level: int) -> None:
        citizen = self.citizen
        self.calling.sign_in(citizen.phone, citizen.person.number, citizen.password, title)
        if citizen.phone.session["account_level"] != level:
            raise Surprise(f"mức tài khoản / account level {citizen.phone.session['account_level']}, expected {level}")

    def _is_refused(self) -> None:
        title = "xin giấy cư trú: bị từ chối, cần mức 2 / refused, level 2 is needed"
        ask_for_residence(self.calling, title, self.citizen.phone, 403, "level_too_low")

    def _go_to_the_desk(self) -> None:
        calling, person = self.calling, self.citizen.person
        officer, approver = calling.party("officer1"), calling.party("approver1")
        self._staff_signs_in(officer, "cán bộ tiếp nhận / officer")
        title = "quét mã trên thẻ để điền tờ khai TK01 / the card's code fills form TK01"
        card = {"text": person.card_text}
        read = calling.tell(title, officer.phone, "POST", "/v1/desk/card-readings", 200, json=card)
        order = {
            "number": read["number"],
            "form": {"full_name": read["full_name"], "birth_date": read["birth_date"], "phone": person.phone},
            "card": {"number": read["number"], "issued": read["card_issued"]},
            "face_sample": self._capture(Modality.FACE),
            "finger_sample": self._capture(Modality.FINGER),
            "consent": {"given": True, "version": VERSIONS[0], "statements": list(STATEMENTS)},
        }
        title = "TK01 với ảnh và vân tay / TK01 with face and fingerprint"
        path = "/v1/desk/applications"
        recorded = calling.tell(title, officer.phone, "POST", path, 201, once=True, json=order)
        if not recorded["matched"]:
            raise Surprise(
                f"đối chiếu không khớp / not matched: {recorded['checks']}",
                "wallet demo journey --story new-citizen --seed 2",
            )
        self._staff_signs_in(approver, "người có thẩm quyền / approver")
        path = f"{path}/{recorded['id']}/decision"
        title = "người khác duyệt hồ sơ / approved by another person"
        calling.tell(title, approver.phone, "POST", path, 200, once=True, json={"decision": "approve"})

    def _is_told(self) -> None:
        title = "hộp thư: tài khoản lên mức 2 / inbox: the level was raised"
        expect_notice(self.calling, title, self.citizen.phone, "level_raised")

    def _get_the_document(self) -> None:
        calling, citizen = self.calling, self.citizen
        title = "cấp giấy xác nhận cư trú / residence document issued"
        made = ask_for_residence(calling, title, citizen.phone, 201)
        path = f"/v1/documents/{made['document_id']}"
        citizen.code = calling.call("GET", path, 200, headers=citizen.phone.headers).json()["code"]
        expect_valid(calling, "mã QR của giấy: hợp lệ / its code is valid", citizen.code)

    def _staff_signs_in(self, staff: Party, who: str) -> None:
        name = f"{who}: {staff.persona.name}"
        self.calling.sign_in(staff.phone, staff.persona.number, staff.password, name)

    def _capture(self, modality: Modality) -> str:
        return b64url(steady_capture(self.citizen.person.number, modality, self.entropy))


def begin(
    calling: Calling, title: str, kind: str, device: Phone, person: FreeCitizen, more: Mapping[str, str] | None = None
) -> str:
    """Begin a ceremony on a phone and return its path. more: what this kind asks besides."""
    order = {
        "proof": calling.proof(device),
        "kind": kind,
        "number": person.number,
        "device_id": device.device_id,
        "device_name": device.name,
        "public_key": device.public_key,
        "biometric_key": device.public_biometric_key,
        **(more or {}),
    }
    begun = calling.tell(title, None, "POST", "/v1/ceremonies", 201, json=order)
    return f"/v1/ceremonies/{begun['id']}"


def advance(
    calling: Calling,
    title: str,
    path: str,
    device: Phone,
    brought: Mapping[str, Any] | None = None,
    *,
    refused: str | None = None,
) -> None:
    """Take one step of a ceremony, signed by the phone that began it. refused: the code of the refusal to expect."""
    order = {"proof": calling.proof(device), **(brought or {})}
    calling.tell(title, None, "POST", path, 403 if refused else 200, refused, json=order)


def confirm_code(calling: Calling, ceremony: str, citizen: Citizen, phone: Phone | None = None) -> None:
    """Have a one-time code sent, read it from the text message, confirm it. phone: another than the citizen's own."""
    phone = phone or citizen.phone
    path = f"{ceremony}/codes"
    response, _ = calling.timed("POST", path, json={"proof": calling.proof(phone)})
    if response.status_code == 429:
        seconds = int(response.headers["Retry-After"])
        calling.on_step(f"mỗi phút chỉ một mã, chờ {seconds} s / one code a minute, waiting", seconds * 1000.0)
        calling.watch.wait(seconds)
    if response.status_code != 202:
        calling.call("POST", path, 202, json={"proof": calling.proof(phone)})
    text = citizen.messages.wait_for(CODE)
    title = "mã OTP trong tin nhắn, xác nhận / the code from the SMS, confirmed"
    advance(calling, title, f"{ceremony}/code-confirmations", phone, {"code": text[1]})


def ask_for_residence(calling: Calling, title: str, phone: Phone, status: int, code: str | None = None) -> Any:
    """Ask for a residence document."""
    order = {"utility": "residence"}
    return calling.tell(title, phone, "POST", "/v1/requests", status, code, once=True, json=order)


def expect_notice(calling: Calling, title: str, phone: Phone, code: str) -> None:
    """Find a notice in the inbox."""
    page = calling.tell(title, phone, "GET", "/v1/notices?limit=100", 200)
    if code not in [notice["code"] for notice in page["data"]]:
        raise Surprise(f"hộp thư không có / the inbox lacks: {code}")


def expect_valid(calling: Calling, title: str, code: str) -> None:
    """Check a document's code as a gate does."""
    verdict = calling.tell(title, None, "POST", "/v1/checks", 200, json={"code": code})
    if (verdict["verdict"], verdict["accepted"]) != ("valid", True):
        raise Surprise(f"kiểm tra / check: {verdict['verdict']} {verdict['reasons']}")
