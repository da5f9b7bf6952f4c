"""The command `wallet`, called in the environment of a prepared deployment."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support import AUTHORITY
from wallet.clock import SystemClock
from wallet.commands.keys import DEMO_PAST
from wallet.commands.main import wallet as command
from wallet.crypto.making import create_missing
from wallet.entropy import SystemEntropy
from wallet.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def keys(deployment: Settings, tmp_path: Path) -> Path:
    """The keys of that deployment, for this test alone, as they are after `wallet run` today."""
    directory = Path(shutil.copytree(deployment.keys_dir, tmp_path / "keys"))
    create_missing(
        directory,
        now=SystemClock().now(),
        entropy=SystemEntropy(),
        authority=AUTHORITY,
        backdated=DEMO_PAST,
        renew=True,
    )
    return directory


@pytest.fixture
def run(deployment: Settings, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `wallet` with the environment of a prepared deployment."""
    monkeypatch.setenv("WALLET_KEYS_DIR", str(keys))
    for name in ("database_url", "sources_url", "issuer_url", "argon2_time_cost", "argon2_memory_kib"):
        monkeypatch.setenv(f"WALLET_{name.upper()}", str(getattr(deployment, name)))
    monkeypatch.setenv("WALLET_PORT", "1")  # nobody listens there

    def call(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(command, arguments, env=environ)

    return call
