"""Changing what one knows while something else happens to the account."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.identity.conftest import PASSCODE, PASSWORD, SYSTEM, Citizen
from tests.identity.test_signing_in import outcome
from wallet.identity.passwords import Knowledge
from wallet.identity.sessions import SignedIn

NEW_PASSWORD, NEW_PASSCODE = "Moi_Tinh2026", "739182"


def during_the_hash(citizen: Citizen, happen: Callable[[Any], None]) -> None:
    """Let something happen, in a transaction of its own, after the try was counted and before its outcome is told."""
    world = citizen.world
    check = world.identity.hasher.matches

    def meanwhile(*arguments: Any) -> bool:
        with world.work() as work:
            happen(work)
        return check(*arguments)

    world.identity.hasher.matches = meanwhile  # type: ignore[method-assign]


def change(citizen: Citizen, signed_in: SignedIn, kind: Knowledge) -> None:
    actor, changing = citizen.actor(signed_in), citizen.world.changing_secrets
    if kind is Knowledge.PASSWORD:
        changing.change_password(actor, PASSWORD, NEW_PASSWORD)
    else:
        changing.change_passcode(actor, PASSCODE, NEW_PASSCODE)


def hashes(citizen: Citizen) -> tuple[str | None, str | None]:
    with citizen.world.read() as work:
        account = work.sessions.repository.account(citizen.account.account_id)
        return account.password_hash, account.passcode_hash


@pytest.mark.parametrize("kind", [Knowledge.PASSWORD, Knowledge.PASSCODE])
def test_secret_is_changed(citizen: Citizen, kind: Knowledge) -> None:
    before = hashes(citizen)
    change(citizen, citizen.sign_in(), kind)
    assert [old == new for old, new in zip(before, hashes(citizen), strict=True)] == [
        kind is not Knowledge.PASSWORD,
        kind is not Knowledge.PASSCODE,
    ]


@pytest.mark.parametrize("kind", [Knowledge.PASSWORD, Knowledge.PASSCODE])
def test_reset_that_was_completed_meanwhile_is_not_overwritten(citizen: Citizen, kind: Knowledge) -> None:
    signed_in = citizen.sign_in()
    reset = citizen.world.identity.hasher.hash(kind, "Dat_Lai2026")
    account_id = citizen.account.account_id

    def reset_secret(work: Any) -> None:
        store = work.accounts.set_password_hash if kind is Knowledge.PASSWORD else work.accounts.set_passcode_hash
        store(account_id, reset, SYSTEM)

    during_the_hash(citizen, reset_secret)
    assert outcome(lambda: change(citizen, signed_in, kind)) == ("NotAuthenticated", "invalid_credentials", {})
    assert hashes(citizen)[kind is Knowledge.PASSCODE] == reset


@pytest.mark.parametrize("kind", [Knowledge.PASSWORD, Knowledge.PASSCODE])
def test_session_that_was_ended_meanwhile_changes_nothing(citizen: Citizen, kind: Knowledge) -> None:
    signed_in, before = citizen.sign_in(), hashes(citizen)

    def end(work: Any) -> None:
        work.sessions.end_all(citizen.account.account_id, "password_reset", SYSTEM)

    during_the_hash(citizen, end)
    assert outcome(lambda: change(citizen, signed_in, kind)) == ("NotAuthenticated", "session_ended", {})
    assert hashes(citizen) == before
    with citizen.world.read() as work:
        device = work.sessions.repository.device(citizen.phone.device_id)
        assert (device.failures, device.passcode_failures) == (0, 0), "the secret was right"
