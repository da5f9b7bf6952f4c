"""A hardware module made of software (SoftHSM), and a signing server, both real."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.keys.signing_server import TestServer
from tests.needs import need

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
PIN = "493817"
GUARDED = "guarded"
"""Another token of the module, whose PIN a test may change."""


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library of two fresh tokens, one of them called `wallet`. Skipped aloud where SoftHSM is not installed."""
    module = next((path for path in MODULES if Path(path).is_file()), "")
    there = module and shutil.which("softhsm2-util")
    need(there, "WALLET_REQUIRE_SOFTHSM", "no SoftHSM, keys in a hardware module: apt-get install softhsm2")
    directory = tmp_path_factory.mktemp("softhsm")
    (directory / "tokens").mkdir()
    config = directory / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    # Read when the library is first loaded, and that once in a process.
    os.environ["SOFTHSM2_CONF"] = str(config)
    for label in ("wallet", GUARDED):
        order = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "71934862"]
        subprocess.run(order, check=True, capture_output=True)
    return module


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    """A file with the PIN of every token."""
    path = tmp_path / "pin"
    path.touch(0o600)
    path.write_text(PIN)
    return path


@pytest.fixture
def signing_server() -> Iterator[TestServer]:
    with serving() as server:
        yield server


@contextmanager
def serving() -> Iterator[TestServer]:
    server = TestServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
