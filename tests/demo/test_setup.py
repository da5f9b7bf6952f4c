"""Making the demo: once, completely, and again after whatever came between."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support import FixedClock
from wallet.crypto.keystore import Secret
from wallet.demo.nation import seed_nation
from wallet.demo.personas import PERSONAS, credentials, persona
from wallet.demo.phones import phone_of
from wallet.demo.setup import is_set_up, set_up
from wallet.documents.intended import IntendedDocument
from wallet.documents.models import DocumentRow
from wallet.documents.signing import Signing
from wallet.schema import upgrade
from wallet.settings import Settings
from wallet.wiring import Wallet


class Killed(BaseException):
    pass


@pytest.fixture
def empty(keys_dir: Path, tmp_path: Path) -> Wallet:
    """A wallet with registers and tables, and nobody in it."""
    environ = {
        "WALLET_KEYS_DIR": str(keys_dir),
        "WALLET_DATABASE_URL": f"sqlite:///{tmp_path}/new.db",
        "WALLET_SOURCES_URL": f"sqlite:///{tmp_path}/nation.db",
        "WALLET_ARGON2_TIME_COST": "1",
        "WALLET_ARGON2_MEMORY_KIB": "8",
    }
    wallet = Wallet.build(Settings.from_environ(environ), clock=FixedClock())
    upgrade(wallet.db)
    wallet.prepare()
    seed_nation(wallet.nation, seed=1, citizens=1)
    return wallet


def kill_after(count: int) -> object:
    def stop(done: int, _total: int) -> None:
        if done == count:
            raise Killed

    return stop


@pytest.mark.parametrize("count", range(1, len(PERSONAS) + 1, 3))
def test_interrupted_setup_is_seen_as_unfinished_and_goes_on(empty: Wallet, count: int) -> None:
    """However many accounts were opened before the kill, those of the staff first: nothing is missing unnoticed."""
    with pytest.raises(Killed):
        set_up(empty, kill_after(count))  # type: ignore[arg-type]
    assert not is_set_up(empty)
    assert set_up(empty) == len(PERSONAS) - count
    assert is_set_up(empty)
    assert set_up(empty) == 0
    empty.close()


def test_a_document_that_a_kill_left_unsigned_is_signed_by_the_next(
    empty: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each document's signature is cut off once: what was stored is promised, and only its code is missing."""
    killed, complete = set[str](), Signing.complete

    def dies_once(signing: Signing, documents: Iterable[IntendedDocument]) -> None:
        known = list(documents)
        if new := {each.id for each in known} - killed:
            killed.update(new)
            raise Killed
        complete(signing, known)

    monkeypatch.setattr(Signing, "complete", dies_once)
    rounds = 0
    while not is_set_up(empty):
        rounds += 1
        assert rounds < 100
        with suppress(Killed):
            set_up(empty)
    with empty.db.read() as session:
        rows = session.scalars(select(DocumentRow)).all()
    assert killed == {row.id for row in rows}
    assert rounds == len(killed) + 1
    assert [row.id for row in rows if row.signed_at is None] == []
    assert {"data_changed", "holder_died"} < {row.revocation_reason for row in rows}
    empty.close()


def test_an_empty_wallet_is_not_set_up(empty: Wallet) -> None:
    assert not is_set_up(empty)
    empty.close()


def test_everybody_is_bound_reached_and_has_their_role(wallet: Wallet) -> None:
    with wallet.read() as work:
        for each in PERSONAS:
            holder = work.holders.find(each.number)
            assert holder is not None
            account = work.accounts.of_holder(holder)
            assert account is not None
            contact = work.contacts.find(account.id)
            assert contact is not None
            assert contact.phone == phone_of(each.number)
            device = work.devices.of_account(account.id)
            assert (device is not None) is each.has_device
            roles = [grant.role for grant in work.accounts.grants(account.id)]
            assert roles == ([each.staff_role] if each.staff_role else [])


def test_another_deployment_has_other_keys(wallet: Wallet) -> None:
    own = credentials(persona("an"), wallet.keystore.secret(Secret.DEMO))
    with wallet.read() as work:
        device = work.devices.find(own.device_id)
    assert device is not None
    assert device.public_key["x"] == own.device_jwk["x"]
