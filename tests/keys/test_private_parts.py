"""After everything that is done with keys, their private parts are nowhere but in their files (S-61)."""

import base64
import json
import re
import shutil
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.keys.conftest import PIN
from tests.keys.signing_server import SECRET
from tests.phone import CitizenPhone
from tests.support import AUTHORITY, FixedClock
from wallet.crypto import key_files
from wallet.crypto.keyring import FILES, KEYRING, read_keyring
from wallet.crypto.keystore import OPTIONAL, Role, Secret, key_path
from wallet.crypto.making import create_missing, encrypt_plain
from wallet.db import Base
from wallet.entropy import SystemEntropy
from wallet.keys.opening import HARDWARE, REMOTE, making_of, passphrase_for_new, passphrase_of, services_of
from wallet.keys.rotating import KeyReason, Rotating
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet


@pytest.fixture(params=[REMOTE, HARDWARE])
def backend(request: pytest.FixtureRequest) -> str:
    """Who keeps the key that signs documents in the end."""
    return str(request.param)


@pytest.fixture
def wallet(
    backend: str,
    deployment: Settings,
    clock: FixedClock,
    built_in: Catalogue,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Wallet]:
    settings = replace(
        deployment,
        keys_dir=Path(shutil.copytree(deployment.keys_dir, tmp_path / "keys")),
        published_dir=tmp_path / "published",
    )
    given = tmp_path / "given"
    given.touch(0o600)
    if backend == REMOTE:
        server = request.getfixturevalue("signing_server")
        server.now = lambda: clock.now().timestamp()
        given.write_bytes(SECRET)
        settings = replace(settings, remote_signer_url=server.url, remote_signer_secret_file=str(given))
    else:
        module = request.getfixturevalue("softhsm")
        given.write_text(PIN)
        settings = replace(settings, pkcs11_module=module, pkcs11_token="wallet", pkcs11_pin_file=str(given))
    entropy = SystemEntropy()
    create_missing(settings.keys_dir, now=clock.now(), entropy=entropy, authority=AUTHORITY, also=OPTIONAL)
    encrypt_plain(settings.keys_dir, passphrase_for_new(settings, entropy))
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
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            if isinstance(key, MLDSA65PrivateKey):
                part = key.private_bytes_raw()
                yield from (base64.b64encode(part), base64.urlsafe_b64encode(part).rstrip(b"="))
            else:
                part = key.private_numbers().private_value.to_bytes(32, "big")
            yield from (part, part.hex().encode(), "".join(pem.splitlines()[1:-1]).encode())
    assert passphrase is not None
    yield passphrase
    yield Path(settings.remote_signer_secret_file or settings.pkcs11_pin_file).read_bytes()
    for name in Secret:
        secret = (settings.keys_dir / f"{name}.secret").read_bytes()
        yield from (secret, secret.hex().encode())


def backup(wallet: Wallet, folder: Path) -> bytes:
    """Return what a backup of the database holds, as the database's own program makes it."""
    if wallet.db.is_sqlite:
        here, there = sqlite3.connect(str(wallet.db.url.database)), sqlite3.connect(folder / "backup.sqlite")
        with closing(here), closing(there):
            here.backup(there)
        return (folder / "backup.sqlite").read_bytes()
    url = wallet.db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(["pg_dump", "--dbname", url], check=True, capture_output=True).stdout


def opened(pdf: bytes) -> bytes:
    """Return a PDF with its streams as they are before they are packed."""
    found = [pdf]
    for stream in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with suppress(zlib.error):
            found.append(zlib.decompress(stream[1]))
    assert len(found) > 5
    return b"\n".join(found)


def test_s61_private_parts_are_in_no_answer_row_backup_or_log(
    backend: str,
    wallet: Wallet,
    client: FlaskClient,
    clock: FixedClock,
    phone_of: Callable[..., CitizenPhone],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    services = services_of(wallet.settings, clock, SystemEntropy())
    making = making_of(wallet.settings, SystemEntropy(), services)
    rotating = Rotating(making, clock, timedelta(hours=72))
    answers = []
    for role in Role:
        kept_by = backend if role is Role.DOCUMENT else FILES
        replace(rotating, making=replace(making, backend=kept_by)).rotate(role)
    rotating.revoke(wallet.keystore.signer(Role.STATUS).kid, KeyReason.COMPROMISED, clock.now())
    for service in services.values():
        service.close()
    clock.advance(days=5)
    citizen = phone_of("an")
    document = citizen.issue_residence()
    paths = ("/v1/trust/bundle", "/v1/status-lists/1", "/.well-known/jwks.json", "/.well-known/jwt-vc-issuer")
    answers += [client.get(path).data for path in (*paths, "/openapi.json", "/health/ready")]
    answers += [citizen.get(path).data for path in (f"/v1/documents/{document}", "/v1/me", "/v1/nowhere")]
    forms = [citizen.get(f"/v1/documents/{document}/document.{form}") for form in ("sdjwt", "mdoc", "pdf")]
    assert [form.status_code for form in forms] == [200] * 3
    signed_by = wallet.keystore.signer(Role.DOCUMENT).kid
    assert {key.record.kid: key.record.backend for key in wallet.keystore.keys(Role.DOCUMENT)}[signed_by] == backend
    wallet.trust.publish()
    files = [path.read_bytes() for path in wallet.settings.published_dir.rglob("*") if path.is_file()]
    assert files
    with wallet.db.read() as session:
        rows = [
            repr(tuple(row)).encode() + b"".join(bytes(value) for value in row if isinstance(value, bytes))
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table)).all()
        ]
    shown = capsys.readouterr()
    everything = b"\n".join(
        [
            *answers,
            *(form.data for form in forms),
            opened(forms[-1].data),
            *files,
            *rows,
            backup(wallet, tmp_path),
            (shown.out + shown.err).encode(),
            (wallet.settings.keys_dir / KEYRING).read_bytes(),
        ]
    )
    parts = list(private_parts(wallet.settings))
    assert len(parts) > 2 * len(Role)
    assert not [part for part in parts if part in everything]
    assert not re.search(rb'"d"\s*:\s*"', everything)
    assert json.loads(answers[2])["keys"], "there was something to look at"
