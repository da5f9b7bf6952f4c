"""The caller's sessions over HTTP, auth levels 1 to 4, new secrets, and unlocking without a session."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.identity.account_states import GROUNDS, LockGround
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
SYSTEM = Actor("system")
STEP_UP = "/v1/sessions/current/step-up"


def told(phone: CitizenPhone) -> list[str]:
    """Return the codes of everything that the holder was told."""
    with phone.wallet.read() as work:
        account = work.accounts.of_holder(work.holders.find(phone.persona.number) or "")
        assert account is not None
        rows, _ = work.telling.repository.notices(account.id, 100, None)
    return [row.code for row in rows]


def account_id(phone: CitizenPhone) -> str:
    with phone.wallet.read() as work:
        account = work.accounts.of_holder(work.holders.find(phone.persona.number) or "")
    assert account is not None
    return account.id


class TestStepUp:
    @pytest.mark.parametrize("level", [2, 3, 4])
    def test_what_is_proven_makes_the_level(self, phone_of: Make, level: int) -> None:
        phone = phone_of("an", password=False)
        assert phone.tokens["auth_level"] == 1
        phone.step_up(level)
        assert phone.get("/v1/me").json["auth_level"] == level  # type: ignore[index]
        assert phone.tokens["account_level"] == 2

    def test_token_from_before_stays_what_it_was(self, phone_of: Make) -> None:
        phone = phone_of("an", password=False)
        before = phone.headers
        phone.step_up(4)
        assert phone.client.get("/v1/me", headers=before).json["auth_level"] == 1  # type: ignore[index]
        strongest = phone.headers
        phone.step_up(2)
        assert phone.get("/v1/me").json["auth_level"] == 2  # type: ignore[index]
        assert phone.client.get("/v1/me", headers=strongest).json["auth_level"] == 4  # type: ignore[index]

    def test_less_than_before_does_not_make_more_look_fresh(self, phone_of: Make, clock: FixedClock) -> None:
        phone = phone_of("an", password=False)
        phone.step_up(4)
        reached = clock.now()
        clock.advance(minutes=8)
        phone.step_up(2)
        with phone.wallet.read() as work:
            live = work.sessions.check(phone.tokens["session_id"])
        assert (live.auth_level, live.authenticated_at) == (4, reached)

    def test_biometric_proof_that_is_none_is_refused_and_counted(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone, other = phone_of("an"), phone_of("sau")

        def order(forged: Callable[[str], str]) -> dict[str, str]:
            challenge = phone.challenge()
            return {"proof": phone.proof(challenge), "biometric_proof": forged(challenge)}

        forgeries: list[Callable[[str], str]] = [
            other.biometric_proof,  # another key, another device
            lambda _: phone.biometric_proof(phone.challenge()),  # over another challenge
            phone.proof,  # the device's own key
            lambda challenge: phone._signed("viso-biometric-proof+jwt", phone.own.device_private_key, challenge),
            lambda _: "x.y.z",
        ]
        with unchanged():
            for forged in forgeries:
                response = phone.call("POST", STEP_UP, json=order(forged) | {"passcode": phone.own.passcode})
                assert_refused(response, 401, "invalid_device_proof")
        assert_refused(phone.try_step_up(4), 429, "too_many_attempts")

    def test_device_without_a_biometric_key_reaches_no_biometric_level(self, phone_of: Make) -> None:
        phone = phone_of("an")
        with phone.wallet.work() as work:
            device = work.sessions.repository.device(phone.own.device_id)
            assert device is not None
            device.biometric_key = None
        assert_refused(phone.try_step_up(3), 401, "invalid_device_proof")
        phone.step_up(2)

    def test_order_is_one_way_or_the_other(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone = phone_of("an")
        wrong: list[tuple[dict[str, Any], str]] = [
            ({}, "/proof"),
            ({"passcode": "280517"}, "/proof"),
            ({"proof": phone.proof()}, "/passcode"),
            ({"proof": phone.proof(), "passcode": ""}, "/passcode"),
            ({"proof": phone.proof(), "passcode": "1", "auth_level": 4}, "/auth_level"),
        ]
        with unchanged():
            for body, pointer in wrong:
                answer = assert_refused(phone.call("POST", STEP_UP, json=body), 422, "invalid_input")
                assert pointer in field_errors(answer)

    def test_refusal_says_which_ways_this_holder_has(self, phone_of: Make, clock: FixedClock) -> None:
        phone = phone_of("an", password=False)
        order = {"current_password": phone.own.password, "new_password": "Moi_Tinh2026"}
        response = phone.call("PUT", "/v1/me/password", json=order)
        body = assert_refused(response, 401, "step_up_required")
        assert (body["auth_level"], body["max_age"]) == (2, 300)
        assert body["ways"] == [["device", "passcode"], ["device", "biometric"], ["device", "biometric", "passcode"]]
        challenge = response.headers["WWW-Authenticate"]
        assert 'acr_values="urn:viso:auth:2"' in challenge
        assert 'max_age="300"' in challenge
        assert 'error="insufficient_user_authentication"' in challenge
        # What is refused deeper down says so too.
        body = assert_refused(phone.post("/v1/requests", {"utility": "residence"}), 401, "step_up_required")
        assert body["ways"][0] == ["device", "passcode"]
        assert "max_age" not in body


class TestList:
    def test_own_sessions_newest_first_and_which_is_this(self, phone_of: Make, clock: FixedClock) -> None:
        first = phone_of("an")
        clock.advance(seconds=1)
        second = phone_of("an", password=False)
        phone_of("sau")
        rows = second.get("/v1/sessions").json["data"]  # type: ignore[index]
        assert [row["id"] for row in rows] == [second.tokens["session_id"], first.tokens["session_id"]]
        assert [(row["current"], row["auth_level"]) for row in rows] == [(True, 1), (False, 2)]
        assert rows[0]["device"]["id"] == first.own.device_id
        assert rows[0]["place"] == "127.0.0.0/24"
        assert "passkey" not in rows[0]
        page = second.get("/v1/sessions?limit=1").json
        assert page is not None
        following = second.get(f"/v1/sessions?limit=1&cursor={page['next_cursor']}").json
        assert following is not None
        assert [row["id"] for row in following["data"]] == [first.tokens["session_id"]]
        assert following["next_cursor"] is None

    def test_cursor_of_another_is_refused(self, phone_of: Make) -> None:
        phone_of("an")
        cursor = phone_of("an").get("/v1/sessions?limit=1").json["next_cursor"]  # type: ignore[index]
        assert_refused(phone_of("sau").get(f"/v1/sessions?cursor={cursor}"), 400, "invalid_cursor")

    def test_what_is_over_is_not_listed(self, phone_of: Make, clock: FixedClock, wallet: Wallet) -> None:
        phone_of("an")
        clock.advance(seconds=wallet.settings.session_seconds)
        fresh = phone_of("an")
        phone_of("an").call("DELETE", "/v1/sessions/current")
        rows = fresh.get("/v1/sessions").json["data"]  # type: ignore[index]
        assert [row["id"] for row in rows] == [fresh.tokens["session_id"]]


class TestEnding:
    def test_one_session_ends_and_the_other_goes_on(self, phone_of: Make) -> None:
        first, second = phone_of("an"), phone_of("an")
        assert second.call("DELETE", f"/v1/sessions/{first.tokens['session_id']}").status_code == 204
        assert_refused(first.get("/v1/me"), 401, "session_ended")
        assert second.get("/v1/me").status_code == 200
        assert_refused(second.call("DELETE", f"/v1/sessions/{first.tokens['session_id']}"), 404, "not_found")

    def test_session_of_another_does_not_exist(self, phone_of: Make, unchanged: Unchanged) -> None:
        owner, stranger = phone_of("an"), phone_of("sau")
        with unchanged():
            for session_id in (owner.tokens["session_id"], "ses_" + "0" * 32, "ses_x"):
                assert_refused(stranger.call("DELETE", f"/v1/sessions/{session_id}"), 404, "not_found")
            assert_refused(stranger.call("DELETE", "/v1/sessions/x"), 404, "unknown_route")  # no id looks like that
        assert owner.get("/v1/me").status_code == 200

    def test_everywhere_means_here_too(self, phone_of: Make) -> None:
        first, second, other = phone_of("an"), phone_of("an"), phone_of("sau")
        assert second.call("DELETE", "/v1/sessions").status_code == 204
        for phone in (first, second):
            assert_refused(phone.get("/v1/me"), 401, "session_ended")
        assert other.get("/v1/me").status_code == 200

    def test_everywhere_but_here(self, phone_of: Make) -> None:
        first, second = phone_of("an"), phone_of("an")
        assert second.call("DELETE", "/v1/sessions?keep=current").status_code == 204
        assert_refused(first.get("/v1/me"), 401, "session_ended")
        assert second.get("/v1/me").status_code == 200
        assert_refused(second.call("DELETE", "/v1/sessions?keep=all"), 400, "invalid_parameter")


class TestSecrets:
    def change(self, phone: CitizenPhone, kind: str, current: str, new: str) -> Any:
        return phone.call("PUT", f"/v1/me/{kind}", json={f"current_{kind}": current, f"new_{kind}": new})

    def test_new_password_is_taken_the_old_one_is_not(self, phone_of: Make) -> None:
        other, phone = phone_of("an"), phone_of("an")
        assert self.change(phone, "password", phone.own.password, "Moi_Tinh2026").status_code == 204
        assert phone.get("/v1/me").status_code == 200
        assert_refused(other.get("/v1/me"), 401, "session_ended")
        assert_refused(phone.try_sign_in(), 401, "invalid_credentials")
        order = {"proof": phone.proof(), "number": phone.persona.number, "password": "Moi_Tinh2026"}
        assert phone.client.post("/v1/sessions", json=order).status_code == 201
        assert "password_changed" in told(phone)

    def test_new_passcode_is_taken_the_old_one_is_not(self, phone_of: Make) -> None:
        other, phone = phone_of("an"), phone_of("an")
        assert self.change(phone, "passcode", phone.own.passcode, "739182").status_code == 204
        assert other.get("/v1/me").status_code == 200
        assert_refused(phone.try_step_up(2), 401, "invalid_credentials")
        order = {"proof": phone.proof(), "passcode": "739182"}
        assert phone.call("POST", STEP_UP, json=order).status_code == 200
        assert "passcode_changed" in told(phone)

    @pytest.mark.parametrize(
        ("kind", "new", "code"),
        [
            ("password", "12345678", "weak_password"),
            ("password", "MatKhau2026", "weak_password"),
            ("passcode", "000000", "weak_passcode"),
            ("passcode", "123456", "weak_passcode"),
            ("passcode", "12345", "weak_passcode"),
        ],
    )
    def test_s07_weak_one_is_refused(
        self, phone_of: Make, unchanged: Unchanged, kind: str, new: str, code: str
    ) -> None:
        phone = phone_of("an")
        with unchanged():
            body = assert_refused(self.change(phone, kind, getattr(phone.own, kind), new), 422, code)
        assert field_errors(body) == {f"/new_{kind}": code}

    @pytest.mark.parametrize("kind", ["password", "passcode"])
    def test_same_one_again_is_refused(self, phone_of: Make, unchanged: Unchanged, kind: str) -> None:
        phone = phone_of("an")
        secret = getattr(phone.own, kind)
        with unchanged():
            body = assert_refused(self.change(phone, kind, secret, secret), 422, "secret_unchanged")
        assert field_errors(body) == {f"/new_{kind}": "secret_unchanged"}

    @pytest.mark.parametrize(
        ("kind", "current", "new"),
        [("password", "Sai#Mat2026khau", "Moi_Tinh2026"), ("passcode", "999998", "739182")],
    )
    def test_wrong_current_one_counts_like_a_wrong_try(
        self, phone_of: Make, unchanged: Unchanged, kind: str, current: str, new: str
    ) -> None:
        phone = phone_of("an")
        with unchanged():
            for _ in range(5):
                assert_refused(self.change(phone, kind, current, new), 401, "invalid_credentials")
            right = getattr(phone.own, kind)
            assert_refused(self.change(phone, kind, right, new), 429, "too_many_attempts")
            assert_refused(phone.try_sign_in(), 429, "too_many_attempts")

    @pytest.mark.parametrize("kind", ["password", "passcode"])
    def test_s13_old_authentication_is_not_enough(
        self, phone_of: Make, unchanged: Unchanged, clock: FixedClock, kind: str
    ) -> None:
        phone = phone_of("an")
        clock.advance(minutes=5, seconds=1)
        with unchanged():
            assert_refused(self.change(phone, kind, "x", "y"), 401, "step_up_required")


class TestUnlocking:
    def lock(self, phone: CitizenPhone, ground: LockGround = LockGround.HOLDER_REQUEST) -> None:
        with phone.wallet.work() as work:
            work.accounts.lock(account_id(phone), ground, SYSTEM)

    def unlock(self, phone: CitizenPhone, passcode: str = "", proof: str = "") -> Any:
        body = {"proof": proof or phone.proof(), "passcode": passcode or phone.own.passcode}
        return phone.client.post("/v1/unlocks", json=body)

    def refused(self, phone: CitizenPhone, unchanged: Unchanged) -> dict[str, Any]:
        """Try with the right passcode, and the tries before forgiven."""
        with phone.wallet.work() as work:
            device = work.sessions.repository.device(phone.own.device_id)
            assert device is not None
            device.passcode_failures = 0
        with unchanged():
            return assert_refused(self.unlock(phone), 401, "invalid_credentials")

    def test_holder_lifts_their_own_lock_without_a_session(self, phone_of: Make, events: Events) -> None:
        phone = phone_of("an")
        self.lock(phone)
        assert_refused(phone.get("/v1/me"), 401, "session_ended")
        assert_refused(phone.try_sign_in(), 401, "invalid_credentials")
        response = self.unlock(phone)
        assert (response.status_code, response.data) == (204, b"")
        assert_refused(phone.get("/v1/me"), 401, "session_ended")
        phone.sign_in()
        assert events("account.unlocked")[-1]["actor"] == account_id(phone)
        assert "account_unlocked" in told(phone)

    def test_every_other_reason_looks_the_same_and_stays(self, phone_of: Make, unchanged: Unchanged) -> None:
        grounds = sorted(set(LockGround) - {LockGround.HOLDER_REQUEST}, key=lambda one: GROUNDS[one].weight)
        bodies = []
        phone = phone_of("an")
        with unchanged():
            bodies.append(assert_refused(self.unlock(phone), 401, "invalid_credentials"))  # not locked at all
        for ground in grounds:
            self.lock(phone, ground)
            bodies.append(self.refused(phone, unchanged))
            if ground is LockGround.HOLDER_DIED:
                continue
            self.lock(phone)  # beside another ground, the holder's own request is not lifted either
            bodies.append(self.refused(phone, unchanged))
            with phone.wallet.work() as work:
                for lifted in (LockGround.HOLDER_REQUEST, ground):
                    work.accounts.unlock(account_id(phone), lifted, SYSTEM)
        own = phone_of("sau")
        self.lock(own)
        with unchanged():
            bodies.append(assert_refused(self.unlock(own, "999998"), 401, "invalid_credentials"))
        plain = [{name: value for name, value in body.items() if name != "request_id"} for body in bodies]
        assert all(each == plain[0] for each in plain)

    def test_guessing_is_counted(self, phone_of: Make, unchanged: Unchanged) -> None:
        phone = phone_of("an")
        self.lock(phone)
        with unchanged():
            for _ in range(5):
                assert_refused(self.unlock(phone, "999998"), 401, "invalid_credentials")
            assert_refused(self.unlock(phone), 429, "too_many_attempts")

    def test_proof_is_asked_first_and_works_once(
        self, phone_of: Make, client: FlaskClient, unchanged: Unchanged
    ) -> None:
        phone, other = phone_of("an"), phone_of("sau")
        self.lock(phone)
        proof = phone.proof()
        with unchanged():
            assert_refused(self.unlock(phone, proof="x"), 401, "invalid_device_proof")
            assert_refused(self.unlock(phone, proof=other.proof()), 401, "invalid_credentials")
            assert_refused(self.unlock(phone, "999998", proof), 401, "invalid_credentials")
            assert_refused(self.unlock(phone, proof=proof), 401, "invalid_device_proof")


def test_an_address_offers_the_methods_that_it_has(client: FlaskClient) -> None:
    for path, methods in (("/v1/sessions/refresh", {"POST"}), ("/v1/me/passkeys/options", {"POST"})):
        assert client.options(path).allow == methods | {"OPTIONS"}, path
