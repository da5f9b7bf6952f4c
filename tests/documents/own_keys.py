"""Keys of a test's own, which it may rotate and revoke: those of the prepared deployment are everybody's."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from wallet.entropy import SystemEntropy
from wallet.keys.opening import making_of
from wallet.keys.rotating import Rotating
from wallet.settings import Settings
from wallet.wiring import Wallet


def with_own_keys(deployment: Settings, place: Path) -> Settings:
    """Return the settings of a deployment whose keys are copied to `place`."""
    return replace(deployment, keys_dir=Path(shutil.copytree(deployment.keys_dir, place / "keys")))


def rotating(wallet: Wallet) -> Rotating:
    """Return what changes the keys of a wallet, as `wallet keys` does beside a running server."""
    return Rotating(making_of(wallet.settings, SystemEntropy(), {}), wallet.clock, timedelta(hours=72))
