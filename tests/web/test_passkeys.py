"""Passkeys over HTTP, with an authenticator that was written from the specification."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.authenticator import AT, UP, UV, Authenticator
from tests.phone import CitizenPhone, b64url, compact_jws
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_sessions import SYSTEM, account_id, told
from wallet.identity.accounts import LockGround
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]


def options(phone: CitizenPhone) -> dict[str, Any]:
    response = phone.post("/v1/me/passkeys/options", key=None)
    assert response.status_code == 201, response.text
    return dict((response.json or {})["public_key"])


def add(phone: CitizenPhone, credential: dict[str, Any], name: str = "Máy tính ở nhà") -> TestResponse:
    return phone.post("/v1/me/passkeys", {"credential": credential, "name": name})


class Browser:
    """A browser with a passkey and a key of its own: no device."""

    def __init__(self, phone: CitizenPhone, **authenticator: Any) -> None:
        self.phone, self.client, self.wallet = phone, phone.client, phone.wallet
        self.authenticator = Authenticator(**authenticator)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.tokens: dict[str, Any] = {}
        self.passkey_id = ""

    @property
    def jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": b64url(numbers.x.to_bytes(32)), "y": b64url(numbers.y.to_bytes(32))}

    def register(self) -> "Browser":
        response = add(self.phone, self.authenticator.create(options(self.phone)))
        assert response.status_code == 201, response.text
        self.passkey_id = str((response.json or {})["id"])
        return self

    def challenge(self) -> dict[str, Any]:
        response = self.client.post("/v1/passkey-challenges")
        assert response.status_code == 201
        return dict((response.json or {})["public_key"])

    def try_sign_in(self, assertion: dict[str, Any] | None = None, **changes: Any) -> TestResponse:
        order: dict[str, Any] = {
            "assertion": self.authenticator.get(self.challenge()) if assertion is None else assertion,
            "client_key": self.jwk,
            "client_name": "Firefox",
        }
        return self.client.post("/v1/sessions/passkey", json=order | changes)

    def sign_in(self, **changes: Any) -> "Browser":
        response = self.try_sign_in(**changes)
        assert response.status_code == 201, response.text
        self.tokens = response.json or {}
        return self

    def dpop(self, key: ec.EllipticCurvePrivateKey | None = None) -> str:
        payload = {
            "htm": "POST",
            "htu": f"{self.wallet.settings.issuer_url}/v1/sessions/refresh",
            "iat": self.phone.now(),
            "jti": uuid.uuid4().hex,
        }
        return compact_jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk}, payload, key or self.key)

    def refresh(self, proof: str = "") -> TestResponse:
        headers = {"DPoP": proof or self.dpop()}
        body = {"refresh_token": self.tokens["refresh_token"]}
        return self.client.post("/v1/sessions/refresh", json=body, headers=headers)

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)


@pytest.fixture
def browser(phone_of: Make) -> Browser:
    return Browser(phone_of("an")).register()


class TestAdding:
    def test_options_ask_for_what_the_wallet_stands_on(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone = phone_of("an")
        with unchanged():
            first, second = options(phone), options(phone)
        assert first["challenge"] != second["challenge"]
        assert first["rp"]["id"] == "vi.example.vn"
        assert first["attestation"] == "none"
        wanted = {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"}
        assert wanted.items() <= first["authenticatorSelection"].items()
        assert phone.persona.number not in str(first)
        assert first["excludeCredentials"] == []

    def test_added_passkey_is_listed_and_told(self, browser: Browser, events: Events) -> None:
        phone = browser.phone
        rows = phone.get("/v1/me/passkeys").json["data"]  # type: ignore[index]
        assert [(row["id"], row["name"]) for row in rows] == [(browser.passkey_id, "Máy tính ở nhà")]
        assert "last_used_at" not in rows[0]
        assert "passkey_added" in told(phone)
        assert [event["passkey"] for event in events("passkey.added")] == [browser.passkey_id]
        assert [each["id"] for each in options(phone)["excludeCredentials"]] == [
            b64url(browser.authenticator.credential_id)
        ]

    def test_holder_has_five_at_most(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone = phone_of("an")
        for _ in range(5):
            Browser(phone).register()
        credential = Authenticator().create(options(phone))
        with unchanged():
            assert_refused(add(phone, credential), 409, "too_many_passkeys")
        Browser(phone_of("sau")).register()

    def test_credential_that_somebody_has_is_refused(
        self, browser: Browser, phone_of: Make, unchanged: Unchanged
    ) -> None:
        for phone in (browser.phone, phone_of("sau")):
            credential = browser.authenticator.create(options(phone))
            with unchanged():
                assert_refused(add(phone, credential), 409, "passkey_taken")

    def test_answer_of_another_shape_or_place_is_refused(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone, other = phone_of("an"), phone_of("sau")

        def made(**client: Any) -> dict[str, Any]:
            return Authenticator().create(options(phone), **client)

        hostile = [
            made(type="webauthn.get"),
            made(origin="https://evil.example"),
            made(origin="https://vi.example.vn.evil.example"),
            made(origin="http://vi.example.vn"),
            made(challenge=b64url(bytes(56))),
            made(challenge=5),
            made(crossOrigin=True),
            made(flags=UP | AT),
            made(flags=UV | AT),
            made(flags=UP | UV),
            Authenticator(rp_id="evil.example").create(options(phone)),
            Authenticator().create(options(other)),
            Authenticator().create(Browser(phone).challenge() | {"user": {"id": "AA"}}),
            made() | {"id": "AAAA"},
        ]
        for name in ("clientDataJSON", "attestationObject"):
            for value in ("AA", "!", "é", b64url(b"[" * 3000), b64url(b"\xff" * 64), b64url(b"{}"), b64url(b"[]")):
                credential = made()
                credential["response"][name] = value
                hostile.append(credential)
        with unchanged():
            for credential in hostile:
                body = assert_refused(add(phone, credential), 422, "invalid_input")
                assert field_errors(body) == {"/credential": "invalid_passkey"}

    def test_challenge_works_once_and_for_two_minutes(
        self, phone_of: Make, unchanged: Unchanged, clock: FixedClock
    ) -> None:
        phone = phone_of("an")
        asked = options(phone)
        assert add(phone, Authenticator().create(asked)).status_code == 201
        late = options(phone)
        with unchanged():
            assert_refused(add(phone, Authenticator().create(asked)), 422, "invalid_input")
            clock.advance(seconds=120)
            assert_refused(add(phone, Authenticator().create(late)), 422, "invalid_input")

    @pytest.mark.parametrize("name", ["", "x" * 81, "a\u202eb", "a\u0007", "a\u200b"])
    def test_name_is_a_line_that_people_read(self, phone_of: Make, unchanged: Unchanged, name: str) -> None:
        phone = phone_of("an")
        credential = Authenticator().create(options(phone))
        with unchanged():
            assert field_errors(assert_refused(add(phone, credential, name), 422, "invalid_input")).keys() == {"/name"}

    def test_s12_s13_needs_level_two_lately_and_no_new_device(
        self, phone_of: Make, unchanged: Unchanged, clock: FixedClock
    ) -> None:
        weak, phone = phone_of("an", password=False), phone_of("an")
        credential = Authenticator().create(options(phone))
        with unchanged():
            assert_refused(add(weak, credential), 401, "step_up_required")
            clock.advance(minutes=5, seconds=1)
            assert_refused(add(phone, credential), 401, "step_up_required")
        phone.sign_in()
        with phone.wallet.work() as work:
            work.devices.begin_cooling_off(account_id(phone))
        with unchanged():
            assert_refused(add(phone, credential), 403, "cooling_off")
            assert_refused(phone.post("/v1/me/passkeys/options", key=None), 403, "cooling_off")


class TestSigningIn:
    def test_browser_signs_in_at_level_two_without_a_device(self, browser: Browser) -> None:
        browser.sign_in()
        assert (browser.tokens["auth_level"], browser.tokens["account_level"]) == (2, 2)
        me = browser.call("GET", "/v1/me").json
        assert me is not None
        assert me["session"]["id"] == browser.tokens["session_id"]
        rows = browser.call("GET", "/v1/sessions").json["data"]  # type: ignore[index]
        mine = next(row for row in rows if row["current"])
        assert (mine["passkey"]["id"], mine["client_name"]) == (browser.passkey_id, "Firefox")
        assert "device" not in mine
        listed = browser.phone.get("/v1/me/passkeys").json["data"]  # type: ignore[index]
        assert listed[0]["last_used_at"]

    def test_holder_is_told_of_every_session_that_begins_in_a_browser(
        self, browser: Browser, unchanged: Unchanged
    ) -> None:
        phone = browser.phone
        phone.sign_in()
        assert "signed_in_elsewhere" not in told(phone), "the phone is not elsewhere"
        browser.sign_in()
        assert told(phone).count("signed_in_elsewhere") == 1
        with unchanged():
            assert_refused(browser.try_sign_in({"id": "x"}), 422, "invalid_input")
        rows = phone.get("/v1/notices").json["data"]  # type: ignore[index]
        values = next(row["values"] for row in rows if row["code"] == "signed_in_elsewhere")
        assert values == {"session": browser.tokens["session_id"]}

    def test_browser_asks_for_a_document_and_reads_it(self, browser: Browser) -> None:
        browser.sign_in()
        headers = {"Authorization": f"Bearer {browser.tokens['access_token']}", "Idempotency-Key": "k"}
        made = browser.client.post("/v1/requests", json={"utility": "residence"}, headers=headers)
        assert made.status_code == 201, made.text
        document = (made.json or {})["document_id"]
        assert browser.call("GET", f"/v1/documents/{document}").status_code == 200

    def test_refresh_needs_the_browsers_own_key(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        thief = Browser(browser.phone)
        url = f"{browser.wallet.settings.issuer_url}/v1/sessions/refresh"
        with unchanged():
            for proof in (thief.dpop(), browser.dpop(thief.key), browser.phone.dpop(url)):
                assert browser.refresh(proof).status_code == 401
        renewed = browser.refresh()
        assert renewed.status_code == 200
        browser.tokens = renewed.json or {}
        assert browser.call("GET", "/v1/me").status_code == 200

    def test_refused_alike_whatever_is_wrong(
        self, browser: Browser, phone_of: Make, unchanged: Unchanged, clock: FixedClock
    ) -> None:
        other = Browser(phone_of("sau")).register()
        unknown = Browser(browser.phone)
        unknown.authenticator.user_handle = browser.authenticator.user_handle
        mine = browser.authenticator
        used = mine.get(browser.challenge())
        assert browser.try_sign_in(used).status_code == 201
        late = mine.get(browser.challenge())
        clock.advance(seconds=120)
        swapped = other.authenticator.get(browser.challenge())
        swapped["id"] = swapped["rawId"] = b64url(mine.credential_id)
        broken = mine.get(browser.challenge())
        broken["response"]["signature"] = b64url(bytes(70))
        hostile = [
            unknown.authenticator.get(browser.challenge()),
            used,
            late,
            swapped,
            broken,
            mine.get(browser.challenge(), user_handle=other.authenticator.user_handle),
            mine.get(browser.challenge(), user_handle=b"acc_x"),
            mine.get(browser.challenge(), flags=UP),
            mine.get(browser.challenge(), flags=UV),
            mine.get(browser.challenge(), origin="https://evil.example"),
            mine.get(browser.challenge(), type="webauthn.create"),
            mine.get(browser.challenge(), crossOrigin=True),
            mine.get(browser.challenge(), challenge=b64url(bytes(56))),
            mine.get({"challenge": options(browser.phone)["challenge"]}),
            mine.get({"challenge": browser.phone.challenge()}),
            mine.get(browser.challenge()) | {"rawId": "AAAA"},
            mine.get(browser.challenge()) | {"id": "!"},
        ]
        for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
            for value in ("!", "AA", "é", b64url(b"\xff" * 60), b64url(b"[]"), b64url(b"{")):
                assertion = mine.get(browser.challenge())
                assertion["response"][name] = value
                hostile.append(assertion)
        bodies = []
        with unchanged():
            for assertion in hostile:
                bodies.append(assert_refused(browser.try_sign_in(assertion), 401, "invalid_credentials"))
        plain = [{name: value for name, value in body.items() if name != "request_id"} for body in bodies]
        assert all(each == plain[0] for each in plain)
        clock.advance(seconds=1)
        browser.sign_in()

    def test_count_that_falls_is_refused_and_recorded(
        self, browser: Browser, unchanged: Unchanged, events: Events
    ) -> None:
        browser.sign_in().sign_in()
        with unchanged():
            for count in (0, 1, 2):
                copied = browser.authenticator.get(browser.challenge(), count=count)
                assert_refused(browser.try_sign_in(copied), 401, "invalid_credentials")
        assert [event["count"] for event in events("passkey.count_fell")] == [0, 1, 2]
        browser.sign_in()

    def test_authenticator_that_does_not_count_is_taken(self, phone_of: Make) -> None:
        Browser(phone_of("an"), counts=False).register().sign_in().sign_in()

    def test_locked_holder_is_refused_and_sessions_end(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        with browser.wallet.work() as work:
            work.accounts.lock(account_id(browser.phone), LockGround.CARD_REVOKED, SYSTEM)
        assert_refused(browser.call("GET", "/v1/me"), 401, "session_ended")
        with unchanged():
            assert_refused(browser.try_sign_in(), 401, "invalid_credentials")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"client_key": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}, "/client_key"),
            ({"client_key": {"kty": "EC", "crv": "P-256", "x": "A" * 43}}, "/client_key/y"),
            ({"client_name": "a\u202eb"}, "/client_name"),
            ({"assertion": {}}, "/assertion/id"),
            ({"token_binding": "mtls"}, "/token_binding"),
            ({"auth_level": 4}, "/auth_level"),
        ],
    )
    def test_order_of_another_shape_is_refused(
        self, browser: Browser, unchanged: Unchanged, changes: dict[str, Any], pointer: str
    ) -> None:
        with unchanged():
            body = assert_refused(browser.try_sign_in(**changes), 422, "invalid_input")
        assert pointer in field_errors(body)

    def test_private_key_is_never_taken(self, browser: Browser, unchanged: Unchanged) -> None:
        with unchanged():
            key = browser.jwk | {"d": "A" * 43}
            assert_refused(browser.try_sign_in(client_key=key), 422, "invalid_input")

    def test_asking_writes_nothing(self, client: FlaskClient, wallet: Wallet, unchanged: Unchanged) -> None:
        with unchanged():
            first, second = (client.post("/v1/passkey-challenges").json for _ in range(2))
        assert first is not None
        assert second is not None
        assert first["public_key"]["challenge"] != second["public_key"]["challenge"]
        assert first["public_key"]["rpId"] == "vi.example.vn"
        assert first["public_key"]["userVerification"] == "required"
        assert first["expires_at"] == "2026-03-02T05:02:00Z"


class TestLevels:
    def test_passkey_steps_up_any_session_of_its_holder(self, browser: Browser, phone_of: Make) -> None:
        phone = phone_of("an", password=False)
        order = {"passkey": browser.authenticator.get(browser.challenge())}
        raised = phone.call("POST", "/v1/sessions/current/step-up", json=order)
        assert (raised.status_code, (raised.json or {}).get("auth_level")) == (200, 2)

    def test_passkey_of_another_holder_steps_nobody_up(
        self, browser: Browser, phone_of: Make, unchanged: Unchanged
    ) -> None:
        phone = phone_of("sau", password=False)
        with unchanged():
            order = {"passkey": browser.authenticator.get(browser.challenge())}
            response = phone.call("POST", "/v1/sessions/current/step-up", json=order)
            assert_refused(response, 401, "invalid_credentials")
            order = {"passkey": browser.authenticator.get(browser.challenge()), "proof": phone.proof()}  # type: ignore[dict-item]
            response = phone.call("POST", "/v1/sessions/current/step-up", json=order)
            assert field_errors(assert_refused(response, 422, "invalid_input")) == {"/proof": "not_beside_passkey"}

    def test_browser_is_told_that_a_passkey_is_its_only_way(self, browser: Browser, clock: FixedClock) -> None:
        browser.sign_in()
        clock.advance(minutes=6)
        export: dict[str, Any] = {
            "path": "/v1/me/exports",
            "json": {},
            "headers": {"Idempotency-Key": uuid.uuid4().hex},
        }
        body = assert_refused(browser.call("POST", **export), 401, "step_up_required")
        assert body["ways"] == [["passkey"]]
        order = {"passkey": browser.authenticator.get(browser.challenge())}
        raised = browser.call("POST", "/v1/sessions/current/step-up", json=order)
        assert raised.status_code == 200
        browser.tokens = raised.json or {}
        assert browser.call("POST", **export).status_code == 201

    def test_browser_steps_up_with_no_device(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        phone = browser.phone
        challenge = phone.challenge()
        with unchanged():
            for order in (
                {"proof": phone.proof(challenge), "passcode": phone.own.passcode},
                {"proof": phone.proof(challenge), "biometric_proof": phone.biometric_proof(challenge)},
            ):
                response = browser.call("POST", "/v1/sessions/current/step-up", json=order)
                assert_refused(response, 401, "invalid_device_proof")

    def test_secrets_are_changed_on_the_phone_alone(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        own = browser.phone.own
        with unchanged():
            for kind, current, new in (
                ("password", own.password, "Moi_Tinh2026"),
                ("passcode", own.passcode, "739182"),
            ):
                body = {f"current_{kind}": current, f"new_{kind}": new}
                assert_refused(browser.call("PUT", f"/v1/me/{kind}", json=body), 403, "device_needed")


class TestGuardedByThePhone:
    def test_browser_makes_no_further_passkey(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        credential = Authenticator().create(options(browser.phone))
        body = {"credential": credential, "name": "Của kẻ khác"}
        with unchanged():
            assert_refused(browser.call("POST", "/v1/me/passkeys/options"), 403, "device_needed")
            response = browser.call("POST", "/v1/me/passkeys", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
            assert_refused(response, 403, "device_needed")
        assert add(browser.phone, credential).status_code == 201

    def test_browser_takes_neither_a_passkey_nor_the_device_away(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        with unchanged():
            for path in (f"passkeys/{browser.passkey_id}", f"devices/{browser.phone.own.device_id}", "devices/x"):
                assert_refused(browser.call("DELETE", f"/v1/me/{path}"), 403, "device_needed")


class TestRemoving:
    def test_removed_passkey_opens_nothing_and_its_sessions_end(self, browser: Browser, unchanged: Unchanged) -> None:
        browser.sign_in()
        phone = browser.phone
        assert phone.call("DELETE", f"/v1/me/passkeys/{browser.passkey_id}").status_code == 204
        assert_refused(browser.call("GET", "/v1/me"), 401, "session_ended")
        assert phone.get("/v1/me").status_code == 200
        assert phone.get("/v1/me/passkeys").json == {"data": []}
        assert "passkey_removed" in told(phone)
        with unchanged():
            assert_refused(browser.refresh(), 401, "session_ended")
            assert_refused(browser.try_sign_in(), 401, "invalid_credentials")
            gone = phone.call("DELETE", f"/v1/me/passkeys/{browser.passkey_id}")
            assert_refused(gone, 404, "not_found")

    def test_passkey_of_another_does_not_exist(self, browser: Browser, phone_of: Make, unchanged: Unchanged) -> None:
        stranger = phone_of("sau")
        with unchanged():
            for passkey_id in (browser.passkey_id, "pky_" + "0" * 32):
                assert_refused(stranger.call("DELETE", f"/v1/me/passkeys/{passkey_id}"), 404, "not_found")
        browser.sign_in()

    def test_s13_old_authentication_is_not_enough(
        self, browser: Browser, unchanged: Unchanged, clock: FixedClock
    ) -> None:
        clock.advance(minutes=5, seconds=1)
        with unchanged():
            response = browser.phone.call("DELETE", f"/v1/me/passkeys/{browser.passkey_id}")
            assert_refused(response, 401, "step_up_required")
