"""Keys in a hardware module: made there, used there, never out of it. SoftHSM plays the module."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from structlog.testing import capture_logs

from tests.keys.conftest import GUARDED, PIN
from tests.support import AUTHORITY, NOON, FixedClock
from wallet.commands.key_findings import hardware
from wallet.crypto.keystore import REQUIRED, Keystore, Opening
from wallet.crypto.making import Making, create_missing
from wallet.crypto.signing import sign_and_look
from wallet.entropy import SystemEntropy
from wallet.errors import Unavailable
from wallet.keys.hardware import HardwareModule, PinState, pin_state
from wallet.settings import Settings

SECOND = timedelta(seconds=1)


@pytest.fixture
def module(softhsm: str, pin_file: Path) -> Iterator[HardwareModule]:
    module = HardwareModule(softhsm, "wallet", pin_file, SECOND)
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
    for role in REQUIRED:
        store.signer(role).sign(b"message")


@pytest.mark.parametrize(
    ("path", "token"), [("/nowhere/libnone.so", "wallet"), ("", "another")], ids=["no library", "no token"]
)
def test_module_that_is_not_there_signs_nothing(softhsm: str, pin_file: Path, path: str, token: str) -> None:
    with pytest.raises(Unavailable) as refused:
        HardwareModule(path or softhsm, token, pin_file, SECOND).sign("one", b"message")
    assert refused.value.code == "signing_unavailable"


def test_after_a_failure_the_next_signature_is_made_again(module: HardwareModule) -> None:
    place, public_key = module.create("again")
    with pytest.raises(Unavailable):
        module.sign("no such key", b"message")
    sign_and_look(module, place, public_key, b"message")


def test_module_that_hangs_does_not_keep_a_process_from_ending(softhsm: str, pin_file: Path) -> None:
    module = HardwareModule(softhsm, "wallet", pin_file, timedelta(milliseconds=50))
    begun, end, came_back = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        with module._opened():
            begun.set()
            end.wait(20)
            came_back.set()

    thread = threading.Thread(target=hang)
    thread.start()
    try:
        assert begun.wait(20)
        with pytest.raises(Unavailable):
            module.sign("x", b"message")
        module.close()
        assert not came_back.is_set(), "it was not waited for"
    finally:
        end.set()
        thread.join()


@pytest.fixture
def change_pin(softhsm: str) -> Iterator[Callable[[str], None]]:
    """Return what gives the guarded token another PIN, as whoever knows the one that it has."""
    held = [PIN]

    def change(pin: str) -> None:
        with pkcs11.lib(softhsm).get_token(token_label=GUARDED).open(rw=True, user_pin=held[-1]) as session:
            session.set_pin(held[-1], pin)
        held.append(pin)

    yield change
    change(PIN)


def test_pin_that_was_refused_is_not_given_again_until_its_file_changes(
    softhsm: str, pin_file: Path, change_pin: Callable[[str], None]
) -> None:
    """Whether it was given shows once it is the right one: whoever gave it would be let in."""
    wrong = "000000"
    pin_file.write_text(wrong)
    module = HardwareModule(softhsm, GUARDED, pin_file, SECOND)
    with capture_logs() as logs, pytest.raises(Unavailable):
        module.sign("x", b"message")
    assert "nobody logs in again until its file changes" in logs[0]["event"]
    assert (logs[0]["reason"], logs[0]["file"]) == ("PinIncorrect", str(pin_file))
    assert wrong not in str(logs)
    assert pin_state(softhsm, GUARDED) is PinState.WRONG_BEFORE
    change_pin(wrong)
    with capture_logs() as logs:
        for _ in range(20):
            with pytest.raises(Unavailable) as refused:
                module.create("guarded")
    assert refused.value.code == "signing_unavailable"
    assert {each["reason"] for each in logs} == {"_PinRefused"}
    with closing(HardwareModule(softhsm, GUARDED, pin_file, SECOND)) as begun_again:
        begun_again.create("begun again")
    os.utime(pin_file, (1, 1))
    with closing(module):
        place, public_key = module.create("guarded")
        sign_and_look(module, place, public_key, b"message")
    assert pin_state(softhsm, GUARDED) is PinState.FINE


def test_doctor_tells_of_a_wrong_pin_and_gives_none(softhsm: str, pin_file: Path, deployment: Settings) -> None:
    assert "not used" in hardware(deployment).detail
    chosen = replace(
        deployment, pkcs11_module=softhsm, pkcs11_token=GUARDED, pkcs11_pin_file=str(pin_file.with_name("nowhere"))
    )
    with pkcs11.lib(softhsm).get_token(token_label=GUARDED).open(user_pin=PIN):
        pass
    assert (hardware(chosen).state, hardware(chosen).mend) == ("ok", "")
    pin_file.write_text("000000")
    with pytest.raises(Unavailable):
        HardwareModule(softhsm, GUARDED, pin_file, SECOND).sign("x", b"message")
    found = hardware(chosen)
    assert (found.state, "wrong the last time" in found.detail) == ("warning", True)
    assert found.mend == f"(umask 077; cat > {chosen.pkcs11_pin_file})"
    away = hardware(replace(chosen, pkcs11_token="another"))
    assert (away.state, away.mend) == ("wrong", "wallet config show")


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
