"""The command `wallet`, called in the environment of a prepared deployment."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from wallet.commands.main import wallet as command
from wallet.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(deployment: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `wallet` with the environment of a prepared deployment."""
    for name in ("keys_dir", "database_url", "sources_url", "issuer_url", "argon2_time_cost", "argon2_memory_kib"):
        monkeypatch.setenv(f"WALLET_{name.upper()}", str(getattr(deployment, name)))
    monkeypatch.setenv("WALLET_PORT", "1")  # nobody listens there

    def call(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(command, arguments, env=environ)

    return call
