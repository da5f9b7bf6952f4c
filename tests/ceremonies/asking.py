"""A phone that asks to become somebody's: a key, a name, and the steps of a ceremony over the documented API."""

import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone, b64url, compact_jws
from tests.support import Mailbox
from wallet.crypto.keystore import Secret
from wallet.demo.cast import cast_households
from wallet.demo.chip import SimulatedChip, chip_of
from wallet.demo.edge_cases import edge_households
from wallet.demo.records import Person
from wallet.wiring import Wallet

PEOPLE = {
    person.number: person for household in (*cast_households(), *edge_households()) for person in household.people
}
NOBODYS_NUMBER = "099099999999"
ANSWERS = [
    {"question": "first_school", "answer": "Tiểu học Mẫu"},
    {"question": "favourite_dish", "answer": "Bún chả"},
]
PASSWORD, PASSCODE = "MatKhau#2027", "280517"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64url(point.x.to_bytes(32)), "y": b64url(point.y.to_bytes(32))}


def person_of(number: str) -> Person:
    return PEOPLE[number]


def card_of(wallet: Wallet, number: str) -> SimulatedChip:
    """Return the chip of the card of whoever has this number."""
    return chip_of(person_of(number), wallet.keystore.secret(Secret.DEMO))


def codes_sent(wallet: Wallet, mailbox: Mailbox) -> list[str]:
    """Deliver what waits, and return to which phones codes were sent, oldest first."""
    wallet.delivering.deliver_texts()
    return [phone for phone, text in mailbox.sent if text.startswith("Ma OTP")]


def last_code(wallet: Wallet, mailbox: Mailbox, phone: str) -> str:
    """Deliver what waits, and return the newest code that a phone got."""
    wallet.delivering.deliver_texts()
    found = [code for text in mailbox.texts(phone) for code in re.findall(r"\b\d{6}\b", text)]
    assert found, f"no code for {phone}"
    return str(found[-1])


class AskingPhone:
    """A phone without a session. `key` signs every step, unless a test says otherwise."""

    def __init__(self, wallet: Wallet, client: FlaskClient, name: str = "Điện thoại mới") -> None:
        self.wallet = wallet
        self.client = client
        self.name = name
        self.device_id = f"dev_{b64url(wallet.entropy.bytes(16))}"
        self.key, self.biometric_key = new_key(), new_key()
        self.ceremony: dict[str, Any] = {}

    @classmethod
    def of(cls, phone: CitizenPhone) -> "AskingPhone":
        """Return a persona's own bound phone, asking without a session."""
        asking = cls(phone.wallet, phone.client)
        asking.device_id = phone.own.device_id
        asking.key, asking.biometric_key = phone.own.device_private_key, phone.own.biometric_private_key
        return asking

    @property
    def id(self) -> str:
        return str(self.ceremony["id"])

    def proof(self, key: ec.EllipticCurvePrivateKey | None = None, device_id: str = "") -> str:
        device_id = device_id or self.device_id
        challenge = self.client.post("/v1/device-challenges", json={"device_id": device_id}).json
        assert challenge is not None
        payload = {
            "aud": self.wallet.settings.issuer_url,
            "challenge": challenge["challenge"],
            "device_id": device_id,
            "iat": int(self.wallet.clock.now().timestamp()),
        }
        return compact_jws({"alg": "ES256", "typ": "viso-device-proof+jwt"}, payload, key or self.key)

    def try_begin(self, kind: str, number: str, /, **more: Any) -> TestResponse:
        order = {
            "kind": kind,
            "number": number,
            "device_id": self.device_id,
            "device_name": self.name,
            "public_key": jwk_of(self.key),
            "biometric_key": jwk_of(self.biometric_key),
            "proof": self.proof(),
        }
        return self.client.post("/v1/ceremonies", json={**order, **more})

    def begin(self, kind: str, number: str, /, **more: Any) -> dict[str, Any]:
        response = self.try_begin(kind, number, **more)
        assert response.status_code == 201, response.text
        self.ceremony = response.json or {}
        return self.ceremony

    def step(self, name: str, *, ceremony_id: str = "", **body: Any) -> TestResponse:
        """Take one step, with a proof of this phone unless `body` brings another."""
        whole = {"proof": self.proof()} | body
        return self.client.post(f"/v1/ceremonies/{ceremony_id or self.id}/{name}", json=whole)

    def done(self, name: str, **body: Any) -> dict[str, Any]:
        """Take one step that succeeds."""
        response = self.step(name, **body)
        assert response.status_code in (200, 201, 202), response.text
        return response.json or {}

    def reading(self, card: SimulatedChip) -> dict[str, Any]:
        return card.read(self.done("chip-challenges")["challenge"])

    def prove_chip(self, card: SimulatedChip) -> None:
        assert "chip" in self.done("chip-proofs", **self.reading(card))["factors"]

    def prove_code(self, mailbox: Mailbox, phone: str) -> None:
        self.done("codes")
        code = last_code(self.wallet, mailbox, phone)
        assert "otp" in self.done("code-confirmations", code=code)["factors"]

    def try_sign_in(self, number: str = "", password: str = "") -> TestResponse:
        order = {"proof": self.proof()}
        if number:
            order |= {"number": number, "password": password}
        return self.client.post("/v1/sessions", json=order)

    def sign_in(self, number: str = "", password: str = "") -> dict[str, str]:
        """Return the headers of a new session."""
        response = self.try_sign_in(number, password)
        assert response.status_code == 201, response.text
        return {"Authorization": f"Bearer {(response.json or {})['access_token']}"}
