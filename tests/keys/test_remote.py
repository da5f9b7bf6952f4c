"""A signing server that is slow, wrong, down or lying signs nothing, and says so within the budget (S-62)."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.keys.conftest import serving
from tests.keys.signing_server import RAW, SECRET, STATUSES, TestServer
from tests.support import AUTHORITY, NOON, FixedClock
from wallet.clock import SystemClock
from wallet.crypto.keyring import read_keyring, write_keyring
from wallet.crypto.keystore import REQUIRED, Keystore, Opening, Role
from wallet.crypto.making import Making, create_missing
from wallet.crypto.signing import sign_and_look, verify_es256
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.keys.remote import SigningServer
from wallet.keys.rotating import Rotating

BUDGET = timedelta(milliseconds=400)
LIFETIME = timedelta(hours=72)


Connect = Callable[..., SigningServer]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return clients of a server, which are closed afterwards."""
    with ExitStack() as stack:

        def make(server: TestServer, secret: bytes = SECRET, budget: timedelta = BUDGET) -> SigningServer:
            service = SigningServer(server.url, secret, SystemClock(), SystemEntropy(), budget)
            stack.callback(service.close)
            return service

        yield make


@pytest.fixture
def kept(signing_server: TestServer, connect: Connect) -> tuple[SigningServer, str, ec.EllipticCurvePublicKey]:
    service = connect(signing_server)
    return service, *service.create("doc-1")


def test_server_makes_a_key_and_signs_with_it(kept: tuple[SigningServer, str, ec.EllipticCurvePublicKey]) -> None:
    service, place, public_key = kept
    verify_es256(public_key, b"message", service.sign(place, b"message"))


def test_server_sees_a_digest_and_no_secret(
    signing_server: TestServer, kept: tuple[SigningServer, str, ec.EllipticCurvePublicKey]
) -> None:
    service, place, _ = kept
    service.sign(place, b"Nguyen Van An")
    sent = b"".join(signing_server.bodies) + "".join(signing_server.headers).encode()
    assert b"Nguyen Van An" not in sent
    assert SECRET not in sent
    assert len(set(signing_server.headers)) == len(signing_server.headers)


@pytest.mark.parametrize(
    "fault",
    ["slow", "drips", "hangs up", "another key", "another digest", "short", "long", "empty", "zeros", *RAW, *STATUSES],
)
def test_server_at_fault_signs_nothing(
    fault: str, signing_server: TestServer, kept: tuple[SigningServer, str, ec.EllipticCurvePublicKey]
) -> None:
    service, place, public_key = kept
    signing_server.fault = fault
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        sign_and_look(service, place, public_key, b"message")
    assert refused.value.code == "signing_unavailable"
    assert time.monotonic() - began < 2 * BUDGET.total_seconds() + 0.5
    signing_server.fault = ""
    sign_and_look(service, place, public_key, b"message")


def test_server_that_is_down_signs_nothing_at_once(connect: Connect) -> None:
    with serving() as server:
        service = connect(server)
        place, _ = connect(server).create("doc-1")
    with pytest.raises(Unavailable):
        service.sign(place, b"message")


def test_wrong_secret_is_refused_by_the_server(signing_server: TestServer, connect: Connect) -> None:
    with pytest.raises(Unavailable):
        connect(signing_server, b"t" * 32).create("doc-1")
    assert signing_server.keys == {}


def test_every_role_may_be_kept_by_a_server(signing_server: TestServer, connect: Connect, tmp_path: Path) -> None:
    services = {"remote": connect(signing_server)}
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, services=services, backend="remote")
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    assert not list(tmp_path.glob("*.key.pem"))
    assert {record.backend for record in read_keyring(tmp_path)} == {"remote"}
    store = Keystore.open(tmp_path, Opening(services=services, production=True), clock=FixedClock())
    for role in REQUIRED:
        store.signer(role).sign(b"message")


@pytest.fixture
def kept_keys(signing_server: TestServer, connect: Connect, tmp_path: Path) -> Making:
    """How keys are made in a directory whose keys a server keeps."""
    services = {"remote": connect(signing_server, budget=timedelta(seconds=20))}
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, services=services, backend="remote")
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    return making


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("role", [role for role in REQUIRED if role is not Role.IACA])
@pytest.mark.parametrize("fault", ["names a stranger", "another key", "another digest", "zeros"])
def test_key_that_the_server_does_not_sign_with_is_not_made(
    role: Role, fault: str, signing_server: TestServer, kept_keys: Making
) -> None:
    before = content(kept_keys.directory)
    signing_server.fault = fault
    with pytest.raises(ConfigurationError, match=r"không ký bằng khóa .* / does not sign with the key") as refused:
        Rotating(kept_keys, FixedClock(), LIFETIME).rotate(role)
    assert refused.value.mend == "wallet config show"
    assert content(kept_keys.directory) == before
    signing_server.fault = ""
    Rotating(kept_keys, FixedClock(), LIFETIME).rotate(role)


@pytest.mark.parametrize("role", [Role.DOCUMENT, Role.SD_JWT])
def test_key_that_is_here_already_is_not_made_again(role: Role, signing_server: TestServer, kept_keys: Making) -> None:
    """Also one that no keyring names any more: what it signed once may be shown as a new key's."""
    rotating = Rotating(kept_keys, FixedClock(), LIFETIME)
    rotating.rotate(role)
    write_keyring(kept_keys.directory, read_keyring(kept_keys.directory)[:-1])
    before = content(kept_keys.directory)
    signing_server.fault = "replays a key"
    with pytest.raises(ConfigurationError, match="đã có ở đây / names a key that is here already") as refused:
        rotating.rotate(role)
    assert refused.value.mend == "wallet keys list"
    assert content(kept_keys.directory) == before
    Keystore.open(kept_keys.directory, Opening(services=kept_keys.services), clock=FixedClock())


@pytest.mark.parametrize("fault", ["names a stranger", "another key"])
def test_server_that_lies_from_the_first_key_on_makes_none(
    fault: str, signing_server: TestServer, connect: Connect, tmp_path: Path
) -> None:
    signing_server.fault = fault
    services = {"remote": connect(signing_server)}
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, services=services, backend="remote")
    with pytest.raises(ConfigurationError, match="does not sign with the key"):
        create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    assert read_keyring(tmp_path) == []
    assert not list(tmp_path.glob("*.cert.der"))


def test_damaged_certificate_that_nothing_names_keeps_no_key_from_being_made(kept_keys: Making) -> None:
    (kept_keys.directory / "doc-0.cert.der").write_bytes(b"no certificate")
    assert Rotating(kept_keys, FixedClock(), LIFETIME).rotate(Role.DOCUMENT).role == Role.DOCUMENT
