"""After everything that is done with keys, their private parts are nowhere but in their files (S-61)."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.phone import CitizenPhone
from tests.support import FixedClock
from wallet.crypto import key_files
from wallet.crypto.keyring import FILES, KEYRING, read_keyring
from wallet.crypto.keystore import Role, Secret, key_path
from wallet.db import Base
from wallet.entropy import SystemEntropy
from wallet.keys.opening import making_of, passphrase_of
from wallet.keys.rotating import KeyReason, Rotating
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, built_in: Catalogue, tmp_path: Path) -> Iterator[Wallet]:
    settings = replace(deployment, keys_dir=Path(shutil.copytree(deployment.keys_dir, tmp_path / "keys")))
    wallet = Wallet.build(settings, clock=clock, catalogue=built_in.anew())
    yield wallet
    wallet.close()


@pytest.fixture
def client(wallet: Wallet, application: Callable[[Wallet], Flask]) -> FlaskClient:
    return application(wallet).test_client()


def private_parts(settings: Settings) -> Iterator[bytes]:
    """Return what must be nowhere: of each private key its number and its base64, and every secret, in each form."""
    passphrase = passphrase_of(settings)
    for record in read_keyring(settings.keys_dir):
        path = key_path(settings.keys_dir, record)
        if record.backend == FILES and path.exists():
            key = key_files.load_private(path, passphrase)
            number = key.private_numbers().private_value.to_bytes(32, "big")
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            yield from (number, number.hex().encode(), "".join(pem.splitlines()[1:-1]).encode())
    for name in Secret:
        secret = (settings.keys_dir / f"{name}.secret").read_bytes()
        yield from (secret, secret.hex().encode())


def test_s61_private_parts_are_in_no_answer_row_or_log(
    wallet: Wallet,
    client: FlaskClient,
    clock: FixedClock,
    phone_of: Callable[..., CitizenPhone],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rotating = Rotating(making_of(wallet.settings, SystemEntropy(), {}), clock, timedelta(hours=72))
    answers = []
    for role in Role:
        rotating.rotate(role)
    rotating.revoke(wallet.keystore.signer(Role.DOCUMENT).kid, KeyReason.COMPROMISED, clock.now())
    clock.advance(seconds=5)
    citizen = phone_of("an")
    document = citizen.issue_residence()
    paths = ("/v1/trust/bundle", "/v1/status-lists/1", "/.well-known/jwks.json", "/.well-known/jwt-vc-issuer")
    answers += [client.get(path).data for path in (*paths, "/openapi.json", "/health/ready")]
    answers += [citizen.get(path).data for path in (f"/v1/documents/{document}", "/v1/me", "/v1/nowhere")]
    with wallet.db.read() as session:
        rows = [
            repr(tuple(row)).encode() + b"".join(bytes(value) for value in row if isinstance(value, bytes))
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table)).all()
        ]
    shown = capsys.readouterr()
    everything = b"\n".join(
        [*answers, *rows, (shown.out + shown.err).encode(), (wallet.settings.keys_dir / KEYRING).read_bytes()]
    )
    parts = list(private_parts(wallet.settings))
    assert len(parts) > 2 * len(Role)
    assert not [part for part in parts if part in everything]
    assert not re.search(rb'"d"\s*:\s*"', everything)
    assert json.loads(answers[2])["keys"], "there was something to look at"
