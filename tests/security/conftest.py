"""What the tests of security share with those of the web ring, and a count of the secrets that are evaluated."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.web.conftest import events as events
from tests.web.conftest import gone as gone
from tests.web.conftest import unchanged as unchanged
from wallet.crypto.keystore import Secret
from wallet.identity.passwords import Hasher, Knowledge
from wallet.wiring import Wallet


class CountingHasher(Hasher):
    """Counts what is evaluated: a test of equal work counts hashes, not milliseconds."""

    checks = 0

    def matches(self, kind: Knowledge, secret: str, kept: str | None) -> bool:
        self.checks += 1
        return super().matches(kind, secret, kept)


@pytest.fixture
def hashes(wallet: Wallet) -> Callable[[], int]:
    """Count the secrets that this wallet evaluates from now on."""
    settings: Any = wallet.settings
    hasher = CountingHasher(
        wallet.keystore.secret(Secret.PEPPER),
        wallet.entropy,
        time_cost=settings.argon2_time_cost,
        memory_kib=settings.argon2_memory_kib,
    )
    wallet.__dict__["identity"] = replace(wallet.identity, hasher=hasher)
    wallet.__dict__.pop("signing_in", None)
    return lambda: hasher.checks
