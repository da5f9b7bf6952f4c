"""A verifier's desk as software of others sees it, and a phone that shows live codes: for tests of online checks."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from wallet.checks.desks import DeskKey
from wallet.checks.models import VerifierDeskRow, VerifierRow
from wallet.crypto.keystore import Role
from wallet.formats.live_code import CardPayload, DeviceKey, GateChallenge, encode_card, encode_live_code
from wallet.wiring import Wallet

CLAIMS = ("full_name", "birth_date", "permanent_address")
"""What the purpose of these tests may see of a confirmation of residence."""


def purpose_json(code: str = "boarding", **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "kind": "office",
        "title": {"vi": "Lên máy bay", "en": "Boarding"},
        "legal_ground": "Nghị định 69/2024/NĐ-CP",
        "strict_ground": "Luật Hàng không",
        "claims": {"residence": list(CLAIMS)},
        "portrait": False,
        "quotas": {"citizens_an_hour": 1000, "checks_a_minute": 1000},
    } | changes


class Desk:
    """One desk of an organisation, with its key."""

    def __init__(self, wallet: Wallet, client: FlaskClient, organisation: str, desk_id: str, key: DeskKey) -> None:
        self.wallet, self.client = wallet, client
        self.organisation, self.id, self.headers = organisation, desk_id, {"X-Desk-Key": key.shown}

    @classmethod
    def open(
        cls, wallet: Wallet, client: FlaskClient, *purposes: Mapping[str, Any], gate: str = "G-1", of: str = ""
    ) -> "Desk":
        """Let an organisation in with these purposes, and give it a desk; of: one that is there, by its id."""
        now, organisation = wallet.clock.now(), of or f"vrf_{uuid.uuid4().hex}"
        key = DeskKey(f"vsd_{uuid.uuid4().hex}", uuid.uuid4().bytes * 2, test=True)
        given = [dict(each) for each in purposes] or [purpose_json()]
        with wallet.work() as work:
            if not of:
                work.session.add(
                    VerifierRow(
                        id=organisation,
                        name={"vi": "Hãng bay Sao Mai", "en": "Morning Star Air"},
                        legal_ground="Luật Hàng không",
                        purposes=given,
                        state="active",
                        test=True,
                        version=1,
                        registered_by="acc_test",
                        registered_at=now,
                        changed_at=now,
                    )
                )
                work.session.flush()
            work.session.add(
                VerifierDeskRow(
                    id=key.desk_id,
                    verifier_id=organisation,
                    name="Cửa 12",
                    gate_id=gate,
                    purposes=[each["code"] for each in given],
                    state="active",
                    key_hash=key.digest,
                    created_by="acc_test",
                    created_at=now,
                )
            )
        return cls(wallet, client, organisation, key.desk_id, key)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/v1/verifier/{path}", headers=self.headers)

    def post(self, path: str, body: Any, key: str = "") -> TestResponse:
        headers = self.headers | {"Idempotency-Key": key or uuid.uuid4().hex}
        return self.client.post(f"/v1/verifier/{path}", json=body, headers=headers)

    def check(self, code: str, purpose: str = "boarding", **more: Any) -> TestResponse:
        body = {"code": code, "purpose": purpose} | more
        return self.client.post("/v1/verifier/checks", json=body, headers=self.headers)

    def checked(self, code: str, **more: Any) -> dict[str, Any]:
        response = self.check(code, **more)
        assert response.status_code == 200, response.text
        return dict(response.json or {})


def live_code(
    phone: CitizenPhone,
    document_id: str,
    challenge: GateChallenge | None = None,
    claims: tuple[int, ...] | None = None,
    more: Mapping[int, Any] | None = None,
) -> str:
    """Return what the phone shows now: the document's own printed claims on a card that is bound to its key.

    claims: the numbers of those that the card has. more: what it has beside what is printed, by number.
    """
    wallet, now = phone.wallet, phone.wallet.clock.now()
    printed = wallet.checking.judge(phone.code_of(document_id)).document
    assert printed is not None
    assert printed.status is not None
    card = CardPayload(
        issuer=printed.issuer,
        issued_at=now - timedelta(hours=1),
        expires_at=now + timedelta(hours=23),
        document_id=bytes.fromhex(document_id.removeprefix("doc_")),
        utility=printed.utility,
        utility_version=printed.utility_version,
        claims={each.n: each.value for each in printed.claims if each.n and (claims is None or each.n in claims)}
        | dict(more or {}),
        device=DeviceKey.of(phone.own.device_private_key.public_key()),
        status=printed.status,
    )
    inner = encode_card(card, wallet.keystore.signer(Role.CARD))
    return encode_live_code(inner, now, now + timedelta(seconds=60), lambda message: _signed(phone, message), challenge)


def _signed(phone: CitizenPhone, message: bytes) -> bytes:
    r, s = decode_dss_signature(phone.own.device_private_key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
