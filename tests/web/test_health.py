"""Live is not ready: without its database the process stays up, says so, and keeps serving what is signed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Gone = Callable[[], AbstractContextManager[None]]


def test_ready_names_what_it_looked_at(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    told = response.get_json()
    room = told.pop("status_lists")
    assert told == {
        "status": "ready",
        "checks": {"database": "ok", "trust_bundle": "ok"},
        "documents_unsigned": 0,
        "requests_without_utility": 0,
    }
    assert response.headers["Cache-Control"] == "no-store"
    size = len(client.get("/v1/trust/bundle").data)
    assert room == {"free": room["free"], "size": 4096, "lasts_until": None, "bundle_bytes": size, "warnings": []}
    assert 0 < room["free"] <= 4096


def test_ready_tells_how_much_room_is_left_and_what_is_amiss(
    wallet: Wallet, client: FlaskClient, clock: FixedClock
) -> None:
    free = (client.get("/health/ready").json or {})["status_lists"]["free"]
    with wallet.work() as work:
        work.indices.reserve_many(1500)
    clock.advance(days=1)
    room = (client.get("/health/ready").json or {})["status_lists"]
    assert room["free"] == free - 1500
    assert room["lasts_until"] is not None
    with wallet.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE status_lists SET used = 4096")
    full = client.get("/health/ready")
    assert (full.status_code, full.json["status"]) == (200, "ready"), "what was issued is still shown and checked"
    assert full.json["status_lists"] | {"lasts_until": None} == {
        "free": 0,
        "size": 4096,
        "lasts_until": None,
        "bundle_bytes": len(client.get("/v1/trust/bundle").data),
        "warnings": ["full"],
    }


def test_live_says_so(client: FlaskClient) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.json) == (200, {"status": "live"})


def test_probe_may_carry_a_parameter(client: FlaskClient) -> None:
    """Load balancers add their own; a probe that is refused takes a healthy server out."""
    assert client.get("/health/live?probe=1").status_code == 200
    assert client.get("/health/ready?probe=1").status_code == 200


def test_without_its_database_it_lives_and_is_not_ready(client: FlaskClient, gone: Gone) -> None:
    with gone():
        assert client.get("/health/live").status_code == 200
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert response.json["status"] == "not_ready"
        assert response.json["checks"]["database"] == "dependency_unavailable"
        told = ("status_lists", "documents_unsigned", "requests_without_utility")
        assert [response.json[name] for name in told] == [None, None, None]


def test_it_is_ready_again_by_itself(client: FlaskClient, gone: Gone, clock: FixedClock) -> None:
    with gone():
        assert client.get("/health/ready").status_code == 503
    clock.advance(seconds=5)
    assert client.get("/health/ready").status_code == 200


def test_started_without_a_database_it_waits_for_it(deployment: Settings, clock: FixedClock, gone: Gone) -> None:
    wallet = Wallet.build(deployment, clock=clock)
    client = create_app(wallet).test_client()
    with gone():
        assert client.get("/health/live").status_code == 200
        body = client.get("/health/ready")
        assert body.status_code == 503
        assert body.json["checks"] == {"database": "dependency_unavailable", "trust_bundle": "dependency_unavailable"}
        assert_refused(client.get("/v1/trust/bundle"), 503, "dependency_unavailable")
        assert_refused(client.get("/v1/utilities"), 503, "dependency_unavailable")
    assert client.get("/health/ready").status_code == 200
    wallet.close()


def test_database_without_tables_is_not_ready(wallet: Wallet, client: FlaskClient) -> None:
    with wallet.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'other'")
    response = client.get("/health/ready")
    assert (response.status_code, response.json["checks"]["database"]) == (503, "schema_other_version")
    with wallet.db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    response = client.get("/health/ready")
    assert (response.status_code, response.json["checks"]["database"]) == (503, "schema_missing")


def test_last_bundle_and_list_are_served_without_a_database(
    client: FlaskClient, gone: Gone, clock: FixedClock, subtests: pytest.Subtests
) -> None:
    held = {path: client.get(path).data for path in ("/v1/trust/bundle", "/v1/status-lists/1")}
    start = clock.now()
    with gone():
        for hours in (0.01, 1, 24, 71.9):
            clock.set(start + timedelta(hours=hours))
            for path, before in held.items():
                with subtests.test(path=path, hours=hours):
                    response = client.get(path)
                    assert (response.status_code, response.data) == (200, before)
        clock.set(start + timedelta(hours=72))
        for path in held:
            assert_refused(client.get(path), 503, "dependency_unavailable")


def test_signed_in_calls_are_refused_while_the_database_is_gone(phone_of: Make, gone: Gone) -> None:
    """Whether a session still lives cannot be told, so nobody is let in: 503, never 200 and never 500."""
    citizen = phone_of("an")
    with gone():
        for path in ("/v1/me", "/v1/documents", "/v1/requests"):
            assert_refused(citizen.get(path), 503, "dependency_unavailable")
        assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 503, "dependency_unavailable")
        assert_refused(citizen.try_sign_in(), 503, "dependency_unavailable")
    assert citizen.get("/v1/me").status_code == 200


def test_failure_says_nothing_of_the_database(phone_of: Make, gone: Gone, wallet: Wallet) -> None:
    citizen = phone_of("an")
    with gone():
        told = citizen.get("/v1/me").text + citizen.client.get("/health/ready").text
    for word in (str(wallet.db.url.database), "sqlite", "psycopg", "postgres", "Traceback", "SELECT"):
        assert word not in told
