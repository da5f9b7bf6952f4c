"""The same rules as a client meets them: statuses, headers, and what is declared on an operation."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token, jwt_required
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from tests.identity.conftest import ISSUER, PASSCODE, PASSWORD, SYSTEM, Citizen
from tests.identity.phones import Phone, new_key
from tests.identity.test_tokens import HOSTILE, Forge
from wallet.crypto.keystore import Keystore
from wallet.identity.accounts import Grant, LockGround
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.auth import FRESH, Access, authenticate, current_actor, requires

ME = f"{ISSUER}/v1/me"
PROTECTED = [("GET", "/v1/me"), ("DELETE", "/v1/sessions/current"), ("POST", "/v1/sessions/current/step-up")]


def refused(response: TestResponse, status: int, code: str) -> TestResponse:
    assert (response.status_code, response.json["code"]) == (status, code), response.text  # type: ignore[index]
    assert response.mimetype == "application/problem+json"
    assert ("WWW-Authenticate" in response.headers) is (status == 401)
    assert "no-store" in response.headers["Cache-Control"]
    return response


def challenge(client: FlaskClient, phone: Phone) -> str:
    response = client.post("/v1/device-challenges", json={"device_id": phone.device_id})
    assert response.status_code == 201
    return str(response.json["challenge"])  # type: ignore[index]


def sign_in(client: FlaskClient, citizen: Citizen, *, device_only: bool = False, **more: Any) -> dict[str, Any]:
    body = {"proof": citizen.phone.proof(challenge=challenge(client, citizen.phone)), **more}
    if not device_only:
        body |= {"number": citizen.number, "password": PASSWORD}
    response = client.post("/v1/sessions", json=body)
    assert response.status_code == 201, response.text
    assert "no-store" in response.headers["Cache-Control"]
    return response.json  # type: ignore[return-value]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def dpop(phone: Phone, token: str, method: str = "GET", url: str = ME, **changes: Any) -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": phone.dpop(url, method, token, **changes)}


class TestSessions:
    def test_whole_life_of_a_session(self, client: FlaskClient, citizen: Citizen) -> None:
        first = sign_in(client, citizen, device_only=True)
        assert (first["token_type"], first["auth_level"], first["account_level"]) == ("Bearer", 1, 2)
        assert 0 < first["expires_in"] <= 900
        raised = client.post(
            "/v1/sessions/current/step-up",
            json={"passcode": PASSCODE, "proof": citizen.phone.proof()},
            headers=bearer(first["access_token"]),
        ).json
        assert raised is not None
        assert (raised["session_id"], raised["auth_level"]) == (first["session_id"], 2)
        renewed = client.post(
            "/v1/sessions/refresh",
            json={"refresh_token": raised["refresh_token"]},
            headers={"DPoP": citizen.phone.dpop()},
        ).json
        assert renewed is not None
        assert renewed.keys() == first.keys()
        assert client.delete("/v1/sessions/current", headers=bearer(renewed["access_token"])).status_code == 204
        refused(client.get("/v1/me", headers=bearer(renewed["access_token"])), 401, "session_ended")

    def test_me_shows_no_whole_number(self, client: FlaskClient, citizen: Citizen) -> None:
        response = client.get("/v1/me", headers=bearer(sign_in(client, citizen)["access_token"]))
        body = response.json
        assert body is not None
        assert body.keys() == {
            "account_id", "account_level", "auth_level", "state", "full_name", "number_masked", "birth_date",
            "device", "session",
        }  # fmt: skip
        assert (body["full_name"], body["birth_date"], body["auth_level"]) == ("Nguyễn Thị Mẫu", "1990-05-28", 2)
        assert citizen.number not in response.text
        assert body["device"]["id"] == citizen.phone.device_id
        assert "no-store" in response.headers["Cache-Control"]

    def test_staff_see_their_roles(self, client: FlaskClient, make_citizen: Callable[..., Citizen]) -> None:
        admin = make_citizen(grants=(Grant(StaffRole.ADMIN, "A", "01"), Grant(StaffRole.AUDITOR, "A", "01")))
        body = client.get("/v1/me", headers=bearer(sign_in(client, admin)["access_token"])).json
        assert body is not None
        assert body["roles"] == ["admin", "auditor"]

    @pytest.mark.parametrize("field", ["role", "account_level", "auth_level", "account_id"])
    def test_unknown_field_is_refused(self, client: FlaskClient, citizen: Citizen, field: str) -> None:
        before = citizen.world.snapshot()
        for path, body in (
            ("/v1/device-challenges", {"device_id": "dev_1"}),
            ("/v1/sessions", {"proof": "x"}),
            ("/v1/sessions/refresh", {"refresh_token": "x"}),
        ):
            response = refused(client.post(path, json={**body, field: 2}), 422, "invalid_input")
            errors = response.json["errors"]  # type: ignore[index]
            assert [(error["pointer"], error["code"]) for error in errors] == [(f"/{field}", "unknown_field")]
        assert citizen.world.snapshot() == before

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/proof"),
            ({"proof": ""}, "/proof"),
            ({"proof": 5}, "/proof"),
            ({"proof": "x" * 8193}, "/proof"),
            ({"proof": "x", "number": "001190000123"}, "/password"),
            ({"proof": "x", "password": "x"}, "/number"),
            ({"proof": "x", "number": "1", "password": "x"}, "/number"),
            ({"proof": "x", "number": "001190000123\n", "password": "x"}, "/number"),
            ({"proof": "x", "number": "٠٠١١٩٠٠٠٠١٢٣", "password": "x"}, "/number"),
            ({"proof": "x", "number": None, "password": "x"}, "/number"),
            ({"proof": "x", "token_binding": "mtls"}, "/token_binding"),
        ],
    )
    def test_wrong_sign_in_is_told_by_field(self, client: FlaskClient, body: dict[str, Any], pointer: str) -> None:
        response = refused(client.post("/v1/sessions", json=body), 422, "invalid_input")
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]  # type: ignore[index]

    @pytest.mark.parametrize("device_id", ["", "x", "dev_", "dev_" + "a" * 61, "dev_a b", "dev_é", "dev_a\n"])
    def test_wrong_device_id_is_refused(self, client: FlaskClient, device_id: str) -> None:
        refused(client.post("/v1/device-challenges", json={"device_id": device_id}), 422, "invalid_input")


class TestRefusals:
    def test_s01_s02_bodies_are_the_same_but_for_the_request_id(self, client: FlaskClient, citizen: Citizen) -> None:
        def body(phone: Phone, number: str, password: str) -> tuple[int, dict[str, Any]]:
            order = {"proof": phone.proof(), "number": number, "password": password}
            response = client.post("/v1/sessions", json=order)
            content = dict(response.json or {})
            content.pop("request_id")
            return response.status_code, content

        stranger = Phone(citizen.world, "dev_stranger")
        unbound = [
            body(stranger, number, word) for number in (citizen.number, "079099999999") for word in (PASSWORD, "x")
        ]
        bound = [body(citizen.phone, citizen.number, "x"), body(citizen.phone, "079099999999", PASSWORD)]
        with citizen.world.work() as work:
            work.accounts.lock(citizen.account.account_id, LockGround.TERMS_BROKEN, SYSTEM)
        bound.append(body(citizen.phone, citizen.number, PASSWORD))
        assert all(each == unbound[0] for each in unbound)
        assert all(each == bound[0] for each in bound)
        assert (unbound[0][0], unbound[0][1]["code"]) == (403, "device_not_bound")
        assert (bound[0][0], bound[0][1]["code"]) == (401, "invalid_credentials")

    def test_s03_s04_statuses(self, client: FlaskClient, citizen: Citizen) -> None:
        def attempt() -> TestResponse:
            body = {"proof": citizen.phone.proof(), "number": citizen.number, "password": "x"}
            return client.post("/v1/sessions", json=body)

        for _ in range(5):
            refused(attempt(), 401, "invalid_credentials")
        assert refused(attempt(), 429, "too_many_attempts").headers["Retry-After"] == "300"
        citizen.world.clock.advance(minutes=5)
        for _ in range(5):
            refused(attempt(), 401, "invalid_credentials")
        refused(attempt(), 403, "rebinding_required")

    def test_busy_is_503_with_retry_after(self, client: FlaskClient, citizen: Citizen) -> None:
        body = {"proof": citizen.phone.proof(), "number": citizen.number, "password": PASSWORD}
        with citizen.world.identity.hasher._turn():
            response = client.post("/v1/sessions", json=body)
        assert refused(response, 503, "busy").headers["Retry-After"] == "1"

    def test_s20_reuse_is_401_and_survives_its_own_refusal(self, client: FlaskClient, citizen: Citizen) -> None:
        first = sign_in(client, citizen)

        def refresh(token: str) -> TestResponse:
            return client.post(
                "/v1/sessions/refresh", json={"refresh_token": token}, headers={"DPoP": citizen.phone.dpop()}
            )

        second = refresh(first["refresh_token"]).json
        assert second is not None
        citizen.world.clock.advance(seconds=31)
        refused(refresh(first["refresh_token"]), 401, "token_reuse")
        refused(client.get("/v1/me", headers=bearer(second["access_token"])), 401, "session_ended")
        refused(refresh(second["refresh_token"]), 401, "session_ended")
        assert citizen.world.events("session.token_reuse") == 1

    def test_refreshing_needs_a_proof(self, client: FlaskClient, citizen: Citizen) -> None:
        token, before = sign_in(client, citizen)["refresh_token"], citizen.world.snapshot()
        for headers in (
            {},
            {"DPoP": ""},
            {"DPoP": citizen.phone.dpop(ME)},
            {"DPoP": citizen.phone.dpop(key=new_key())},
        ):
            response = client.post("/v1/sessions/refresh", json={"refresh_token": token}, headers=headers)
            refused(response, 401, "invalid_dpop_proof")
        assert citizen.world.snapshot() == before


class TestTokens:
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_nobody_is_asked_to_say_who_they_are(self, client: FlaskClient, method: str, path: str) -> None:
        response = refused(client.open(path, method=method, json={}), 401, "missing_token")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    def test_s15_s16_s17_hostile_tokens_open_nothing(
        self, client: FlaskClient, citizen: Citizen, keystore: Keystore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        live = sign_in(client, citizen)
        forge, before = Forge(keystore), citizen.world.snapshot()
        forge.payload |= {"sub": citizen.account.account_id, "sid": live["session_id"], "dev": citizen.phone.device_id}
        reached: list[object] = []
        monkeypatch.setattr("socket.socket.connect", lambda *arguments: reached.append(arguments))
        for name, make in HOSTILE.items():
            token = make(forge)
            if not token.isprintable() or not token.isascii():
                continue  # no HTTP library sends these in a header
            for method, path in PROTECTED:
                response = client.open(path, method=method, headers=bearer(token), json={})
                assert response.status_code in (401, 431), name
                assert response.json["code"] in ("invalid_token", "token_expired", "header_too_large", "missing_token")  # type: ignore[index]
        if citizen.world.db.is_sqlite:
            assert reached == []
        monkeypatch.undo()
        assert citizen.world.snapshot() == before

    @pytest.mark.parametrize(
        "header",
        [
            "",
            " ",
            "Bearer",
            "Bearer ",
            "Bearer  {t}",
            "Bearer {t} {t}",
            "Bearer {t},Bearer {t}",
            "Bearer {t}, Bearer {t}",
            "Basic {t}",
            "{t}",
            "Token {t}",
            "Bearer:{t}",
            "Bearer\t{t}",
            "DPoP {t}",
            "Bearer {t},",
            ",Bearer {t}",
        ],
    )
    def test_header_of_another_shape_is_refused(self, client: FlaskClient, citizen: Citizen, header: str) -> None:
        token = sign_in(client, citizen)["access_token"]
        response = client.get("/v1/me", headers={"Authorization": header.replace("{t}", token)})
        assert response.status_code == 401
        assert response.json["code"] in ("invalid_token", "missing_token")  # type: ignore[index]

    def test_scheme_is_read_in_any_case(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen)["access_token"]
        assert client.get("/v1/me", headers={"Authorization": f"bEARER {token}"}).status_code == 200

    @pytest.mark.parametrize("name", ["Authorization", "DPoP"])
    @pytest.mark.parametrize("path", ["/v1/me", "/v1/device-challenges", "/nowhere"])
    def test_s18_long_header_is_refused_unread(
        self, client: FlaskClient, name: str, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(*_: Any) -> None:
            raise AssertionError("a header over the limit was read")

        monkeypatch.setattr("wallet.identity.tokens.parse", read)
        monkeypatch.setattr("wallet.identity.proof_of_possession.parse", read)
        monkeypatch.setattr("wallet.web.auth._credentials", read)
        response = client.post(path, headers={name: "Bearer " + "a" * 8192}, json={})
        assert (response.status_code, response.json["code"]) == (431, "header_too_large")  # type: ignore[index]

    def test_s18_token_counts_in_the_header_alone(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen)["access_token"]
        for name in ("access_token", "jwt", "token"):
            refused(client.get(f"/v1/me?{name}={token}"), 401, "missing_token")
            refused(client.delete("/v1/sessions/current", data={name: token}), 401, "missing_token")
            refused(client.delete("/v1/sessions/current", json={name: token}), 401, "missing_token")
            client.set_cookie(f"{name}_cookie", token)
        refused(client.get("/v1/me"), 401, "missing_token")

    def test_refresh_token_opens_nothing(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen)["refresh_token"]
        refused(client.get("/v1/me", headers=bearer(token)), 401, "invalid_token")

    @pytest.mark.parametrize(("seconds", "status"), [(604, 200), (605, 401)])
    def test_s19_access_token_ends_to_the_second(
        self, client: FlaskClient, citizen: Citizen, seconds: int, status: int
    ) -> None:
        token = sign_in(client, citizen)["access_token"]
        citizen.world.clock.advance(seconds=seconds)
        assert client.get("/v1/me", headers=bearer(token)).status_code == status

    def test_claims_of_another_session_are_refused(
        self, client: FlaskClient, citizen: Citizen, make_citizen: Callable[..., Citizen], app: Flask
    ) -> None:
        mine, other = citizen.sign_in(), make_citizen("001190000999").sign_in()
        for change in ({"sid": other.session.id}, {"dev": "dev_other"}, {"sid": "ses_x"}):
            with app.app_context():
                token = create_access_token(citizen.account.account_id, additional_claims=mine.access_claims() | change)
            assert client.get("/v1/me", headers=bearer(token)).status_code == 401


class TestPossession:
    """S-22 over HTTP."""

    def test_bound_token_with_its_proof_is_taken(self, client: FlaskClient, citizen: Citizen) -> None:
        session = sign_in(client, citizen, token_binding="dpop")
        assert session["token_type"] == "DPoP"
        response = client.get("/v1/me", headers=dpop(citizen.phone, session["access_token"]))
        assert response.status_code == 200

    def test_s22_bound_token_without_its_proof_is_refused(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen, token_binding="dpop")["access_token"]
        before, phone = citizen.world.snapshot(), citizen.phone
        for headers in (
            bearer(token),
            bearer(token) | {"DPoP": phone.dpop(ME, "GET", token)},
            {"Authorization": f"DPoP {token}"},
            dpop(phone, token, key=new_key()),
            dpop(phone, token, method="POST"),
            dpop(phone, token, url=f"{ISSUER}/v1/documents"),
            dpop(phone, token, ath="x"),
            dpop(phone, token, ath=None),
            dpop(phone, token, iat=1),
        ):
            response = client.get("/v1/me", headers=headers)
            assert response.status_code == 401
            assert response.json["code"] in ("invalid_token", "invalid_dpop_proof")  # type: ignore[index]
        assert citizen.world.snapshot() == before

    def test_s22_a_proof_works_once(self, client: FlaskClient, citizen: Citizen) -> None:
        headers = dpop(citizen.phone, sign_in(client, citizen, token_binding="dpop")["access_token"])
        assert client.get("/v1/me", headers=headers).status_code == 200
        refused(client.get("/v1/me", headers=headers), 401, "invalid_dpop_proof")

    def test_unbound_token_is_not_taken_as_bound(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen)["access_token"]
        refused(client.get("/v1/me", headers=dpop(citizen.phone, token)), 401, "invalid_token")

    def test_binding_survives_refresh_and_step_up(self, client: FlaskClient, citizen: Citizen) -> None:
        first = sign_in(client, citizen, device_only=True, token_binding="dpop")
        renewed = client.post(
            "/v1/sessions/refresh",
            json={"refresh_token": first["refresh_token"]},
            headers={"DPoP": citizen.phone.dpop()},
        ).json
        assert renewed is not None
        assert renewed["token_type"] == "DPoP"
        url = f"{ISSUER}/v1/sessions/current/step-up"
        raised = client.post(
            "/v1/sessions/current/step-up",
            json={"passcode": PASSCODE, "proof": citizen.phone.proof()},
            headers=dpop(citizen.phone, renewed["access_token"], "POST", url),
        ).json
        assert raised is not None
        assert raised["token_type"] == "DPoP"
        refused(client.get("/v1/me", headers=bearer(raised["access_token"])), 401, "invalid_token")


@pytest.mark.parametrize("end", ["sign_out", "lock", "close", "unbind", "kill", "suspend"])
def test_s23_ending_ends_every_access_token_at_once(client: FlaskClient, citizen: Citizen, end: str) -> None:
    tokens = [sign_in(client, citizen)["access_token"] for _ in range(2)]
    account_id = citizen.account.account_id
    assert client.get("/v1/me", headers=bearer(tokens[0])).status_code == 200
    with citizen.world.work() as work:
        if end == "lock":
            work.accounts.lock(account_id, LockGround.CARD_REVOKED, SYSTEM)
        elif end == "close":
            work.accounts.close(account_id, SYSTEM)
        elif end == "unbind":
            work.devices.unbind(citizen.phone.device_id, "lost", SYSTEM)
        elif end == "kill":
            work.sessions.end_all(account_id, "admin", SYSTEM)
    if end == "sign_out":
        for token in tokens:
            assert client.delete("/v1/sessions/current", headers=bearer(token)).status_code == 204
    if end == "suspend":
        for count in range(10):
            if count == 5:
                citizen.world.clock.advance(minutes=5)
            client.post(
                "/v1/sessions", json={"proof": citizen.phone.proof(), "number": citizen.number, "password": "x"}
            )
    for token in tokens:
        refused(client.get("/v1/me", headers=bearer(token)), 401, "session_ended")


def test_s23_signing_out_leaves_the_other_session(client: FlaskClient, citizen: Citizen) -> None:
    one, other = (sign_in(client, citizen)["access_token"] for _ in range(2))
    client.delete("/v1/sessions/current", headers=bearer(one))
    assert client.get("/v1/me", headers=bearer(other)).status_code == 200


def test_s23_unlocking_brings_no_session_back(client: FlaskClient, citizen: Citizen) -> None:
    token = sign_in(client, citizen)["access_token"]
    with citizen.world.work() as work:
        work.accounts.lock(citizen.account.account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.unlock(citizen.account.account_id, LockGround.HOLDER_REQUEST, SYSTEM)
    refused(client.get("/v1/me", headers=bearer(token)), 401, "session_ended")


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_s24_store_that_cannot_be_read_is_503(client: FlaskClient, citizen: Citizen, method: str, path: str) -> None:
    token = sign_in(client, citizen)["access_token"]
    engine = citizen.world.db.engine

    def fail(*_: Any) -> None:
        raise engine.dialect.loaded_dbapi.OperationalError("gone")

    event.listen(engine, "before_cursor_execute", fail)
    try:
        refused(client.open(path, method=method, headers=bearer(token), json={}), 503, "dependency_unavailable")
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert client.get("/v1/me", headers=bearer(token)).status_code == 200


def test_s24_session_table_that_is_gone_is_503(client: FlaskClient, citizen: Citizen) -> None:
    token = sign_in(client, citizen)["access_token"]
    rename = "ALTER TABLE {} RENAME TO {}"
    with citizen.world.work() as work:
        work.session.execute(text(rename.format("staff_grants", "elsewhere")))
    try:
        refused(client.get("/v1/me", headers=bearer(token)), 503, "dependency_unavailable")
    finally:
        with citizen.world.work() as work:
            work.session.execute(text(rename.format("elsewhere", "staff_grants")))


class TestDeclarations:
    """`requires`, on views made for the purpose."""

    @pytest.fixture
    def client(self, app: Flask) -> FlaskClient:
        declarations: dict[str, dict[str, Any]] = {
            "any": {},
            "two": {"account_level": AccountLevel.TWO},
            "strong": {"auth_level": AuthLevel.TWO},
            "three": {"auth_level": AuthLevel.THREE},
            "admin": {"role": StaffRole.ADMIN, "auth_level": AuthLevel.TWO},
            "fresh": {"auth_level": AuthLevel.TWO, "max_age": FRESH},
        }
        for name, declared in declarations.items():
            view = requires(**declared)(lambda: current_actor().account_id)
            app.add_url_rule(f"/test/{name}", name, view, methods=["GET", "OPTIONS"], provide_automatic_options=False)
        app.add_url_rule("/test/bare", "bare", jwt_required()(lambda: "in"))
        app.add_url_rule("/test/undeclared", "undeclared", lambda: current_actor().account_id)
        return app.test_client()

    def test_declaration_stands_on_the_view(self) -> None:
        def view() -> None:
            """Say something."""

        declared = requires(account_level=AccountLevel.TWO, role=StaffRole.AUDITOR)(view)
        assert declared.access == Access(AccountLevel.TWO, AuthLevel.ONE, StaffRole.AUDITOR, None)  # type: ignore[attr-defined]
        assert (declared.__name__, declared.__doc__) == ("view", "Say something.")

    def test_level_one_account_is_too_low(self, client: FlaskClient, make_citizen: Callable[..., Citizen]) -> None:
        token = sign_in(client, make_citizen(level=AccountLevel.ONE))["access_token"]
        assert client.get("/test/any", headers=bearer(token)).status_code == 200
        refused(client.get("/test/two", headers=bearer(token)), 403, "level_too_low")

    def test_weak_session_is_asked_to_step_up(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen, device_only=True)["access_token"]
        for path in ("/test/strong", "/test/three"):
            response = refused(client.get(path, headers=bearer(token)), 401, "step_up_required")
            assert "insufficient_user_authentication" in response.headers["WWW-Authenticate"]
            assert "acr_values" in response.headers["WWW-Authenticate"]

    def test_token_from_before_a_step_up_stays_weak(self, client: FlaskClient, citizen: Citizen) -> None:
        weak = sign_in(client, citizen, device_only=True)["access_token"]
        body = {"passcode": PASSCODE, "proof": citizen.phone.proof()}
        strong = client.post("/v1/sessions/current/step-up", json=body, headers=bearer(weak)).json
        assert strong is not None
        assert client.get("/test/strong", headers=bearer(strong["access_token"])).status_code == 200
        refused(client.get("/test/strong", headers=bearer(weak)), 401, "step_up_required")

    def test_s13_old_authentication_is_asked_again(self, client: FlaskClient, citizen: Citizen) -> None:
        session = sign_in(client, citizen)
        citizen.world.clock.advance(minutes=5)
        assert client.get("/test/fresh", headers=bearer(session["access_token"])).status_code == 200
        citizen.world.clock.advance(seconds=1)
        refused(client.get("/test/fresh", headers=bearer(session["access_token"])), 401, "step_up_required")
        renewed = client.post(
            "/v1/sessions/refresh",
            json={"refresh_token": session["refresh_token"]},
            headers={"DPoP": citizen.phone.dpop()},
        ).json
        assert renewed is not None
        refused(client.get("/test/fresh", headers=bearer(renewed["access_token"])), 401, "step_up_required")
        body = {"passcode": PASSCODE, "proof": citizen.phone.proof()}
        raised = client.post("/v1/sessions/current/step-up", json=body, headers=bearer(renewed["access_token"])).json
        assert raised is not None
        assert client.get("/test/fresh", headers=bearer(raised["access_token"])).status_code == 200

    def test_role_is_what_the_grants_say_now(
        self, client: FlaskClient, citizen: Citizen, make_citizen: Callable[..., Citizen]
    ) -> None:
        token = sign_in(client, citizen)["access_token"]
        refused(client.get("/test/admin", headers=bearer(token)), 403, "not_allowed")
        auditor = make_citizen("001190000999", grants=(Grant(StaffRole.AUDITOR, "A", "01"),))
        refused(client.get("/test/admin", headers=bearer(sign_in(client, auditor)["access_token"])), 403, "not_allowed")
        with citizen.world.work() as work:
            work.accounts.grant(citizen.account.account_id, Grant(StaffRole.ADMIN, "A", "01"), SYSTEM)
        assert client.get("/test/admin", headers=bearer(token)).status_code == 200

    def test_claimed_role_opens_nothing(self, client: FlaskClient, citizen: Citizen, app: Flask) -> None:
        claims = citizen.sign_in().access_claims() | {"roles": ["admin"], "account_level": 2, "auth_level": 4}
        with app.app_context():
            token = create_access_token(citizen.account.account_id, additional_claims=claims)
        refused(client.get("/test/admin", headers=bearer(token)), 403, "not_allowed")
        refused(client.get("/test/three", headers=bearer(token)), 401, "step_up_required")

    def test_bare_decorator_of_the_extension_is_as_strict(self, client: FlaskClient, citizen: Citizen) -> None:
        plain = sign_in(client, citizen)["access_token"]
        bound = sign_in(client, citizen, token_binding="dpop")["access_token"]
        assert client.get("/test/bare", headers=bearer(plain)).status_code == 200
        refused(client.get("/test/bare"), 401, "missing_token")
        refused(client.get("/test/bare", headers=bearer(bound)), 401, "invalid_token")
        refused(client.get("/test/bare", headers=bearer("a.b.c")), 401, "invalid_token")
        client.delete("/v1/sessions/current", headers=bearer(plain))
        refused(client.get("/test/bare", headers=bearer(plain)), 401, "session_ended")

    def test_options_is_not_waved_through(self, client: FlaskClient) -> None:
        refused(client.options("/test/any"), 401, "missing_token")
        refused(client.options("/test/any", headers=bearer("a.b.c")), 401, "missing_token")

    def test_view_without_a_declaration_has_no_actor(self, client: FlaskClient, citizen: Citizen) -> None:
        token = sign_in(client, citizen)["access_token"]
        assert client.get("/test/undeclared", headers=bearer(token)).status_code == 500

    def test_a_request_is_authenticated_once(self, app: Flask, citizen: Citizen) -> None:
        headers = bearer(citizen.access_token(citizen.sign_in()))
        with app.test_request_context("/v1/me", headers=headers):
            first = authenticate()
            citizen.world.db.close()
            assert authenticate() is first
