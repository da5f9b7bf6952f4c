"""With the signer gone nothing is issued, and everything else goes on (S-62)."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.keys.signing_server import SECRET, TestServer
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.crypto.keystore import Role, exclusive
from wallet.documents.models import DocumentRow
from wallet.entropy import SystemEntropy
from wallet.keys.opening import making_of, services_of
from wallet.keys.rotating import Rotating
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet


@pytest.fixture
def wallet(
    deployment: Settings, clock: FixedClock, signing_server: TestServer, built_in: Catalogue, tmp_path: Path
) -> Iterator[Wallet]:
    """A wallet whose documents and lists are signed by a server."""
    signing_server.now = lambda: clock.now().timestamp()
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    settings = replace(
        deployment,
        keys_dir=Path(shutil.copytree(deployment.keys_dir, tmp_path / "keys")),
        remote_signer_url=signing_server.url,
        remote_signer_secret_file=str(secret),
    )
    services = services_of(settings, clock, SystemEntropy())
    with exclusive(settings.keys_dir):
        making = making_of(settings, SystemEntropy(), services, "remote")
        for role in (Role.DOCUMENT, Role.STATUS):
            Rotating(making, clock, timedelta(seconds=3)).rotate(role)
    clock.advance(seconds=10)
    wallet = Wallet.build(settings, clock=clock, catalogue=built_in.anew())
    yield wallet
    wallet.close()
    for service in services.values():
        service.close()


def signed(wallet: Wallet) -> set[str]:
    """Return which documents count."""
    with wallet.db.read() as session:
        return set(session.scalars(select(DocumentRow.id).where(DocumentRow.signed_at.is_not(None))))


@pytest.fixture
def client(wallet: Wallet, application: Callable[[Wallet], Flask]) -> FlaskClient:
    return application(wallet).test_client()


@pytest.mark.parametrize("fault", ["slow", "another key", "503"])
def test_s62_nothing_is_issued_and_all_else_goes_on(
    fault: str,
    phone_of: Callable[..., CitizenPhone],
    client: FlaskClient,
    clock: FixedClock,
    signing_server: TestServer,
    wallet: Wallet,
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    bundle, listed = client.get("/v1/trust/bundle"), client.get("/v1/status-lists/1")
    assert (bundle.status_code, listed.status_code) == (200, 200)
    signing_server.fault = fault
    before = signed(wallet)
    assert_refused(citizen.post("/v1/requests", {"utility": "residence"}), 503, "signing_unavailable")
    assert signed(wallet) == before
    clock.advance(minutes=20)
    citizen.sign_in()
    assert citizen.get("/v1/documents").status_code == 200
    assert citizen.get(f"/v1/documents/{document}/code.txt").status_code == 200
    checked = client.post("/v1/checks", json={"code": code})
    assert (checked.status_code, checked.json["verdict"]) == (200, "valid")
    assert client.get("/v1/status-lists/1").status_code == 200
    assert client.get("/v1/trust/bundle").status_code == 200
    assert client.get("/health/ready").status_code == 200
    signing_server.fault = ""
    assert wallet.signing.run() is False
    assert len(signed(wallet)) == len(before) + 1, "what was promised is signed once the signer is back, and once"
    assert wallet.reverifying.run().mismatch is None
