"""S-15 to S-24 over HTTP, for every protected route of the running application (docs/security.md, section 2.2)."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from tests.identity.test_tokens import HOSTILE, Forge
from tests.phone import CitizenPhone, b64url, compact_jws
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_access_matrix import MATRIX, VERIFIER, path_of
from tests.web.test_passkeys import Browser
from tests.web.test_sessions import SYSTEM, account_id, told
from wallet.identity.accounts import LockGround
from wallet.identity.tokens import TokenKind
from wallet.web.app import create_app
from wallet.web.operations import DECLARED
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
REFRESH = "/v1/sessions/refresh"


def protected(client: FlaskClient) -> list[tuple[str, str]]:
    """Return every operation that asks for a token, from the map of the running application."""
    rules = {rule.endpoint: rule.rule for rule in client.application.url_map.iter_rules()}
    return sorted(
        (operation.method, path_of(rules[endpoint]))
        for endpoint, operation in DECLARED.items()
        if operation.account_level is not None and endpoint in rules
    )


def refresh(phone: CitizenPhone, token: str = "", proof: str = "") -> TestResponse:
    url = f"{phone.wallet.settings.issuer_url}{REFRESH}"
    body = {"refresh_token": token or phone.tokens["refresh_token"]}
    return phone.client.post(REFRESH, json=body, headers={"DPoP": proof or phone.dpop(url)})


@pytest.fixture
def forge(wallet: Wallet, phone_of: Make) -> Forge:
    """Holds the wallet's own key for access tokens, and a session that stands."""
    phone = phone_of("admin1")
    forge = Forge(wallet.keystore)
    own = {"sub": account_id(phone), "sid": phone.tokens["session_id"], "dev": phone.own.device_id}
    forge.payload |= own
    return forge


def test_corpus_and_routes_are_all_there(client: FlaskClient) -> None:
    assert len(HOSTILE) >= 60
    asking = {cell for cell, access in MATRIX.items() if access not in (None, VERIFIER)}
    assert len(protected(client)) == len(asking)


def test_forged_token_without_a_fault_would_open(client: FlaskClient, forge: Forge) -> None:
    response = client.get("/v1/me", headers={"Authorization": f"Bearer {forge.claims_with()}"})
    assert response.status_code == 200


def test_s15_s16_s17_hostile_tokens_open_no_route(
    client: FlaskClient, forge: Forge, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch, wallet: Wallet
) -> None:
    routes = protected(client)
    reached: list[object] = []
    with unchanged():
        if wallet.db.is_sqlite:  # on PostgreSQL the database is a connection itself
            monkeypatch.setattr("socket.socket.connect", lambda *arguments: reached.append(arguments))
        for name, make in HOSTILE.items():
            token = make(forge)
            if not (token.isprintable() and token.isascii()):
                continue  # no HTTP library sends these in a header
            for method, path in routes:
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
                response = client.open(path, method=method, headers=headers, json={})
                assert response.status_code in (401, 431), (name, method, path, response.text)
                code = (response.json or {})["code"]
                assert code in ("invalid_token", "token_expired", "missing_token", "header_too_large"), name
                assert (response.status_code == 401) is ("WWW-Authenticate" in response.headers)
        monkeypatch.undo()
    assert reached == []


def test_s15_other_tokens_of_ours_open_no_route(
    client: FlaskClient, wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    ours = {
        "refresh token": phone.tokens["refresh_token"],
        "status list": client.get("/v1/status-lists/1", headers={"Accept": "application/statuslist+jwt"}).text,
        "trust bundle": client.get("/v1/trust/bundle").text,
        "device proof": phone.proof(),
        "code of a document": phone.code_of(document).replace(" ", ""),
    }
    with unchanged():
        for name, token in ours.items():
            for method, path in protected(client):
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
                response = client.open(path, method=method, headers=headers, json={})
                assert response.status_code in (401, 431), (name, method, path)


def test_s18_header_over_eight_kib_is_refused_unread_on_every_route(
    client: FlaskClient, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> None:
        raise AssertionError("a header over the limit was read")

    monkeypatch.setattr("wallet.identity.tokens.parse", read)
    monkeypatch.setattr("wallet.web.auth._credentials", read)
    with unchanged():
        for method, path in protected(client):
            response = client.open(path, method=method, headers={"Authorization": "Bearer " + "a" * 8192}, json={})
            assert_refused(response, 431, "header_too_large")


def test_s18_token_counts_in_the_header_alone_and_is_never_logged(
    client: FlaskClient, phone_of: Make, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = phone_of("an")
    token = phone.tokens["access_token"]
    with caplog.at_level(logging.DEBUG):
        for method, path in protected(client):
            for query, options in (
                (f"?access_token={token}", {}),
                ("", {"data": {"access_token": token}}),
                ("", {"json": {"access_token": token}}),
            ):
                response = client.open(path + query, method=method, **options)  # type: ignore[arg-type]
                assert_refused(response, 401, "missing_token")
        assert phone.get("/v1/me").status_code == 200
        assert refresh(phone).status_code == 200
    written = caplog.text + "".join(capsys.readouterr())
    for secret in (token, phone.tokens["refresh_token"], token.rpartition(".")[2], phone.own.password):
        assert secret not in written


@pytest.mark.parametrize(("seconds", "status"), [(604, 200), (605, 401)])
def test_s19_access_token_ends_to_the_second_with_its_leeway(
    phone_of: Make, clock: FixedClock, seconds: int, status: int
) -> None:
    phone = phone_of("an")
    assert phone.tokens["expires_in"] == 600
    assert phone.wallet.settings.leeway_seconds == 5
    clock.advance(seconds=seconds)
    assert phone.get("/v1/me").status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (0, 401), (-1, 401)])
def test_s19_end_of_a_session_is_moved_by_no_rotation(
    phone_of: Make, clock: FixedClock, seconds: int, status: int
) -> None:
    phone = phone_of("an")
    end = clock.now() + timedelta(seconds=phone.wallet.settings.session_seconds)
    for _ in range(3):
        clock.advance(days=9)
        phone.tokens = refresh(phone).json or {}
    clock.set(end - timedelta(seconds=seconds))
    response = refresh(phone)
    assert response.status_code == status
    assert TokenKind.ACCESS.longest_seconds == 15 * 60
    if status == 200:
        assert (response.json or {})["expires_in"] == 1


def test_s20_reuse_ends_the_family_is_recorded_and_told(phone_of: Make, clock: FixedClock, events: Events) -> None:
    phone, other = phone_of("an"), phone_of("an")
    first = phone.tokens["refresh_token"]
    successor = refresh(phone, first).json or {}
    clock.advance(seconds=31)
    assert_refused(refresh(phone, first), 401, "token_reuse")
    phone.tokens = successor
    assert_refused(phone.get("/v1/me"), 401, "session_ended")
    assert_refused(refresh(phone), 401, "session_ended")
    assert [event["session"] for event in events("session.token_reuse")] == [successor["session_id"]]
    assert told(phone).count("token_reuse") == 1
    assert other.get("/v1/me").status_code == 200


@pytest.mark.parametrize("seconds", [0, 30])
def test_s20_retry_by_the_same_key_gets_the_same_successor(
    phone_of: Make, clock: FixedClock, events: Events, seconds: int
) -> None:
    phone = phone_of("an")
    first, second = refresh(phone).json or {}, {}
    clock.advance(seconds=seconds)
    second = refresh(phone).json or {}
    assert second["refresh_token"] == first["refresh_token"]
    assert events("session.token_reuse") == []
    assert "token_reuse" not in told(phone)


def test_s20_used_token_with_another_key_is_reuse_at_once(phone_of: Make) -> None:
    phone, thief = phone_of("an"), phone_of("sau")
    assert refresh(phone).status_code == 200
    url = f"{phone.wallet.settings.issuer_url}{REFRESH}"
    assert_refused(refresh(phone, proof=thief.dpop(url)), 401, "token_reuse")
    assert told(phone).count("token_reuse") == 1


def test_s21_thirty_at_once_leave_one_successor(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    url = f"{wallet.settings.issuer_url}{REFRESH}"
    proofs = [phone.dpop(url) for _ in range(30)]
    barrier, answers = threading.Barrier(30), list[tuple[int, str]]()
    app = create_app(wallet)

    def use(proof: str) -> None:
        client = app.test_client()
        barrier.wait()
        body = {"refresh_token": phone.tokens["refresh_token"]}
        response = client.post(REFRESH, json=body, headers={"DPoP": proof})
        answers.append((response.status_code, (response.json or {}).get("refresh_token", "")))

    threads = [threading.Thread(target=use, args=(proof,)) for proof in proofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} <= {200, 503}
    assert len({token for status, token in answers if status == 200}) == 1
    with wallet.db.read() as session:
        live = "SELECT count(*) FROM refresh_tokens WHERE session_id = :id AND used_at IS NULL"
        assert session.scalar(text(live), {"id": phone.tokens["session_id"]}) == 1


class TestPossession:
    """S-22, for a device and for a browser that came in by passkey."""

    def bound(self, phone: CitizenPhone) -> str:
        order = {"proof": phone.proof(), "token_binding": "dpop"}
        answer = phone.client.post("/v1/sessions", json=order).json or {}
        assert answer["token_type"] == "DPoP"
        return str(answer["access_token"])

    def proof(self, phone: CitizenPhone, token: str, **changes: Any) -> str:
        jwk = {name: phone.own.device_jwk[name] for name in ("kty", "crv", "x", "y")}
        claims = {
            "htm": "GET",
            "htu": f"{phone.wallet.settings.issuer_url}/v1/me",
            "iat": phone.now(),
            "jti": "jti-" + str(id(changes)),
            "ath": b64url(sha256(token.encode()).digest()),
        }
        key = changes.pop("key", phone.own.device_private_key)
        whole = {name: value for name, value in (claims | changes).items() if value is not None}
        return compact_jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}, whole, key)

    def test_s22_bound_token_needs_its_own_proof_each_time(
        self, phone_of: Make, unchanged: Unchanged, client: FlaskClient
    ) -> None:
        phone, other = phone_of("an"), phone_of("sau")
        token = self.bound(phone)
        good = self.proof(phone, token, jti="jti-good-0001")
        assert client.get("/v1/me", headers={"Authorization": f"DPoP {token}", "DPoP": good}).status_code == 200
        wrong: list[dict[str, str]] = [
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"DPoP {token}"},
            {"Authorization": f"DPoP {token}", "DPoP": good},
        ]
        for index, changes in enumerate(
            (
                {"htm": "POST"},
                {"htu": "https://vi.example.vn/v1/documents"},
                {"ath": None},
                {"ath": "x"},
                {"iat": 1},
                {"key": other.own.device_private_key},
            )
        ):
            proof = self.proof(phone, token, **({"jti": f"jti-wrong-{index}"} | changes))
            wrong.append({"Authorization": f"DPoP {token}", "DPoP": proof})
        with unchanged():
            for headers in wrong:
                response = client.get("/v1/me", headers=headers)
                assert response.status_code == 401
                assert (response.json or {})["code"] in ("invalid_token", "invalid_dpop_proof")


ENDINGS = ["sign_out", "end_one", "everywhere", "lock", "close", "unbind", "kill"]


@pytest.mark.parametrize("end", ENDINGS)
def test_s23_ending_ends_every_token_at_once_in_every_process(
    phone_of: Make, wallet: Wallet, clock: FixedClock, end: str
) -> None:
    phone = phone_of("an")
    second = Wallet.build(wallet.settings, clock=clock)
    elsewhere = CitizenPhone(second, create_app(second).test_client(), "an")
    elsewhere.tokens = phone.tokens
    assert elsewhere.get("/v1/me").status_code == 200
    if end == "sign_out":
        phone.call("DELETE", "/v1/sessions/current")
    elif end == "end_one":
        phone.call("DELETE", f"/v1/sessions/{phone.tokens['session_id']}")
    elif end == "everywhere":
        phone.call("DELETE", "/v1/sessions")
    with wallet.work() as work:
        if end == "lock":
            work.accounts.lock(account_id(phone), LockGround.CARD_REVOKED, SYSTEM)
        elif end == "close":
            work.accounts.close(account_id(phone), SYSTEM)
        elif end == "unbind":
            work.devices.unbind(phone.own.device_id, "lost", SYSTEM)
        elif end == "kill":
            work.sessions.end_all(account_id(phone), "killed", SYSTEM)
    for each in (phone, elsewhere):
        assert_refused(each.get("/v1/me"), 401, "session_ended")
        assert_refused(refresh(each), 401, "session_ended")
    second.close()


def test_s23_staff_ends_every_session_of_somebody_in_every_process(
    phone_of: Make, wallet: Wallet, clock: FixedClock, events: Events
) -> None:
    phone, admin, stranger = phone_of("an"), phone_of("admin1"), phone_of("sau")
    browser = Browser(phone).register().sign_in()
    second = Wallet.build(wallet.settings, clock=clock)
    elsewhere = CitizenPhone(second, create_app(second).test_client(), "an")
    elsewhere.tokens = phone.tokens
    assert elsewhere.get("/v1/me").status_code == 200
    response = admin.call("DELETE", f"/v1/admin/accounts/{account_id(phone)}/sessions")
    assert (response.status_code, response.data) == (204, b"")
    for each in (phone, elsewhere):
        assert_refused(each.get("/v1/me"), 401, "session_ended")
        assert_refused(refresh(each), 401, "session_ended")
    assert_refused(browser.call("GET", "/v1/me"), 401, "session_ended")
    assert stranger.get("/v1/me").status_code == admin.get("/v1/me").status_code == 200
    assert told(phone).count("sessions_ended") == 1
    record = {"actor": account_id(admin), "subject": account_id(phone), "reason": "staff_ended", "count": 2}
    assert events("session.all_ended")[-1] == record
    phone.sign_in()  # the account itself stays as it was
    second.close()


def test_s23_only_a_fresh_admin_ends_somebodys_sessions(
    phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    phone, admin, officer = phone_of("an"), phone_of("admin1"), phone_of("officer1")
    path = f"/v1/admin/accounts/{account_id(phone)}/sessions"
    with unchanged():
        assert_refused(phone.call("DELETE", path), 403, "not_allowed")
        assert_refused(officer.call("DELETE", path), 403, "not_allowed")
        unknown = admin.call("DELETE", f"/v1/admin/accounts/acc_{'0' * 32}/sessions")
        assert_refused(unknown, 404, "account_unknown")
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        assert_refused(admin.call("DELETE", path), 401, "step_up_required")
    assert phone.get("/v1/me").status_code == 200


def test_s23_removing_a_passkey_ends_its_sessions_in_every_process(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    phone = phone_of("an")
    browser = Browser(phone).register().sign_in()
    second = Wallet.build(wallet.settings, clock=clock)
    client = create_app(second).test_client()
    headers = {"Authorization": f"Bearer {browser.tokens['access_token']}"}
    assert client.get("/v1/me", headers=headers).status_code == 200
    assert phone.call("DELETE", f"/v1/me/passkeys/{browser.passkey_id}").status_code == 204
    assert_refused(client.get("/v1/me", headers=headers), 401, "session_ended")
    second.close()


@pytest.fixture
def unreadable(wallet: Wallet) -> Callable[[], AbstractContextManager[None]]:
    """Let every statement to the wallet's database fail for the length of a block."""
    engine = wallet.db.engine

    @contextmanager
    def fail() -> Iterator[None]:
        def raise_(*_: Any) -> None:
            raise engine.dialect.loaded_dbapi.OperationalError("gone")

        event.listen(engine, "before_cursor_execute", raise_)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", raise_)

    return fail


def test_s24_store_that_cannot_be_read_is_503_on_every_route(
    client: FlaskClient, phone_of: Make, unreadable: Callable[[], AbstractContextManager[None]], unchanged: Unchanged
) -> None:
    phone = phone_of("admin1")
    browser = Browser(phone_of("an")).register().sign_in()
    with unchanged():
        with unreadable():
            for tokens in (phone.tokens, browser.tokens):
                headers = {"Authorization": f"Bearer {tokens['access_token']}", "Idempotency-Key": "k"}
                for method, path in protected(client):
                    response = client.open(path, method=method, headers=headers, json={})
                    assert_refused(response, 503, "dependency_unavailable")
        assert phone.get("/v1/me").status_code == 200
