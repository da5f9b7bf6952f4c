"""A lost phone that is not a lost life: a new one is bound with the card's chip, and the old one is dead at once."""

import time

from wallet.demo.chip import chip_of
from wallet.demo.stories.calling import Calling, Phone, Surprise
from wallet.demo.stories.new_citizen import (
    Citizen,
    advance,
    ask_for_residence,
    begin,
    confirm_code,
    expect_notice,
    expect_valid,
)

DEAD_SECONDS = 1.0


class LostPhone:
    """One walk, for a citizen who is signed in on the phone that is about to be lost."""

    def __init__(self, calling: Calling, citizen: Citizen) -> None:
        self.calling = calling
        self.citizen = citizen
        self.lost, self.new = citizen.phone, Phone.new("Điện thoại mới")

    def go(self) -> None:
        """Walk. Raises Surprise."""
        calling, citizen = self.calling, self.citizen
        title = "điện thoại sắp mất còn đăng nhập / the phone to be lost is signed in"
        calling.tell(title, self.lost, "GET", "/v1/me", 200)
        title = "mất máy; xin gắn máy mới / lost; a new phone asks to be bound"
        ceremony = begin(calling, title, "binding", self.new, citizen.person)
        title = "chỉ có OTP: bị từ chối, không gửi mã / the code alone is refused, none is sent"
        advance(calling, title, f"{ceremony}/codes", self.new, refused="stronger_factor_required")
        self._read_the_chip(ceremony)
        confirm_code(calling, ceremony, citizen, self.new)
        title = "máy mới đã gắn / the new phone is bound"
        advance(calling, title, f"{ceremony}/completion", self.new)
        self._old_phone_is_dead(time.perf_counter())
        citizen.phone = self.new
        self._sign_in("đăng nhập trên máy mới / signed in on the new phone")
        title = "hộp thư: thiết bị cũ bị thay thế / inbox: the old phone was replaced"
        expect_notice(calling, title, self.new, "device_replaced")
        text = citizen.messages.wait_for(r".*Thiet bi cu.*")[0]
        calling.on_step(f"tin nhắn / SMS: {text[:56]}…", 0.0)
        title = "việc hệ trọng phải chờ / sensitive acts have to wait: cooling_off"
        ask_for_residence(calling, title, self.new, 403, "cooling_off")
        self._documents_are_there()
        self._both_are_listed()
        self._lock_and_unlock()
        title = "giấy cấp trước khi mất máy vẫn hợp lệ / the document from before still checks as valid"
        expect_valid(calling, title, citizen.code)

    def _read_the_chip(self, ceremony: str) -> None:
        calling, citizen = self.calling, self.citizen
        asked = calling.call("POST", f"{ceremony}/chip-challenges", 201, json={"proof": calling.proof(self.new)})
        reading = chip_of(citizen.person, calling.secret).read(asked.json()["challenge"])
        title = "chạm thẻ, đọc chip / the card's chip is read"
        advance(calling, title, f"{ceremony}/chip-proofs", self.new, reading)

    def _old_phone_is_dead(self, bound_at: float) -> None:
        while True:
            response, _ = self.calling.timed("GET", "/v1/me", headers=self.lost.headers)
            took = time.perf_counter() - bound_at
            if response.status_code == 401:
                break
            if took > DEAD_SECONDS:
                raise Surprise(f"sau {took:.1f} s máy cũ vẫn dùng được / the old phone still works")
        self.calling.on_step("phiên của máy cũ đã chết, sau / the old phone's session is dead, after", took * 1000)
        order = {"proof": self.calling.proof(self.lost)}
        title = "khóa của máy cũ không còn mở được gì / its key opens nothing any more"
        self.calling.tell(title, None, "POST", "/v1/sessions", 403, "device_not_bound", json=order)

    def _documents_are_there(self) -> None:
        title = "máy mới thấy danh sách giấy tờ / the new phone lists the documents"
        listed = self.calling.tell(title, self.new, "GET", "/v1/documents", 200)["data"]
        title = "giấy tờ mở được ngay trên máy mới / a document opens on the new phone at once"
        self.calling.tell(title, self.new, "GET", f"/v1/documents/{listed[0]['id']}", 200)

    def _both_are_listed(self) -> None:
        title = "danh sách thiết bị: máy mới và máy cũ / both phones are listed"
        listed = self.calling.tell(title, self.new, "GET", "/v1/me/devices", 200)["data"]
        states = {device["id"]: device["state"] for device in listed}
        if states != {self.new.device_id: "bound", self.lost.device_id: "unbound"}:
            raise Surprise(f"danh sách thiết bị / devices: {states}")

    def _lock_and_unlock(self) -> None:
        calling, citizen = self.calling, self.citizen
        calling.tell("tự khóa tài khoản / the account is locked by its holder", self.new, "POST", "/v1/me/lock", 204)
        order = {"proof": calling.proof(self.new), "number": citizen.person.number, "password": citizen.password}
        title = "đang khóa: không đăng nhập được / locked: signing in fails"
        calling.tell(title, None, "POST", "/v1/sessions", 401, "invalid_credentials", json=order)
        unlock = {"proof": calling.proof(self.new), "passcode": citizen.passcode}
        title = "mở khóa bằng máy và passcode, không cần phiên / unlocked with phone and passcode"
        calling.tell(title, None, "POST", "/v1/unlocks", 204, json=unlock)
        self._sign_in("đăng nhập lại / signed in again")

    def _sign_in(self, title: str) -> None:
        self.calling.sign_in(self.new, self.citizen.person.number, self.citizen.password, title)
