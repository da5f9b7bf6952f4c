"""Keys in a hardware module: made there, used there, never out of it. SoftHSM plays the module."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest

from tests.keys.conftest import PIN
from tests.support import AUTHORITY, NOON, FixedClock
from wallet.crypto.keystore import Keystore, Opening, Role
from wallet.crypto.making import Making, create_missing
from wallet.crypto.signing import sign_and_look
from wallet.entropy import SystemEntropy
from wallet.errors import Unavailable
from wallet.keys.hardware import HardwareModule

SECOND = timedelta(seconds=1)


@pytest.fixture
def module(softhsm: str) -> Iterator[HardwareModule]:
    module = HardwareModule(softhsm, "wallet", PIN, SECOND)
    yield module
    module.close()


def test_key_is_made_in_the_module_and_signs_there(module: HardwareModule) -> None:
    place, public_key = module.create("one")
    for message in (b"", b"message", b"x" * 100_000):
        assert len(sign_and_look(module, place, public_key, message)) == 64


def test_private_part_cannot_be_read_out(module: HardwareModule, softhsm: str) -> None:
    module.create("sealed")
    with pkcs11.lib(softhsm).get_token(token_label="wallet").open() as session:
        (key,) = session.get_objects(
            {pkcs11.Attribute.LABEL: "sealed", pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        )
        assert key[pkcs11.Attribute.SENSITIVE]
        assert not key[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            key[pkcs11.Attribute.VALUE]


def test_every_role_may_be_kept_by_a_module(module: HardwareModule, tmp_path: Path) -> None:
    services = {"pkcs11": module}
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, services=services, backend="pkcs11")
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    assert not list(tmp_path.glob("*.key.pem"))
    store = Keystore.open(tmp_path, Opening(services=services, production=True), clock=FixedClock())
    for role in Role:
        store.signer(role).sign(b"message")


@pytest.mark.parametrize(
    ("path", "token"), [("/nowhere/libnone.so", "wallet"), ("", "another")], ids=["no library", "no token"]
)
def test_module_that_is_not_there_signs_nothing(softhsm: str, path: str, token: str) -> None:
    with pytest.raises(Unavailable) as refused:
        HardwareModule(path or softhsm, token, PIN, SECOND).sign("one", b"message")
    assert refused.value.code == "signing_unavailable"


def test_after_a_failure_the_next_signature_is_made_again(module: HardwareModule) -> None:
    place, public_key = module.create("again")
    with pytest.raises(Unavailable):
        module.sign("no such key", b"message")
    sign_and_look(module, place, public_key, b"message")


def test_threads_share_a_session(module: HardwareModule) -> None:
    place, public_key = module.create("shared")
    failures: list[Exception] = []

    def sign() -> None:
        try:
            for number in range(20):
                sign_and_look(module, place, public_key, str(number).encode())
        except Unavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=sign) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
