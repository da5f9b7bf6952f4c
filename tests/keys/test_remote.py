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
from wallet.crypto.keyring import read_keyring
from wallet.crypto.keystore import Keystore, Opening, Role
from wallet.crypto.making import Making, create_missing
from wallet.crypto.signing import sign_and_look, verify_es256
from wallet.entropy import SystemEntropy
from wallet.errors import Unavailable
from wallet.keys.remote import SigningServer

BUDGET = timedelta(milliseconds=400)


Connect = Callable[..., SigningServer]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return clients of a server, which are closed afterwards."""
    with ExitStack() as stack:

        def make(server: TestServer, secret: bytes = SECRET) -> SigningServer:
            service = SigningServer(server.url, secret, SystemClock(), SystemEntropy(), BUDGET)
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
    for role in Role:
        store.signer(role).sign(b"message")


def test_server_that_lies_while_a_key_is_made_makes_none(
    signing_server: TestServer, connect: Connect, tmp_path: Path
) -> None:
    signing_server.fault = "another key"
    services = {"remote": connect(signing_server)}
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, services=services, backend="remote")
    with pytest.raises(Unavailable):
        create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    assert read_keyring(tmp_path) == []
    assert not list(tmp_path.glob("*.cert.der"))
