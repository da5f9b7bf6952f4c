"""Rotation and revocation as data: what is refused leaves the keyring as it was. Source: docs/wire.md, section 6."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.support import AUTHORITY, NOON, FixedClock
from wallet.crypto.keyring import read_keyring
from wallet.crypto.keystore import Keystore, Opening, Role
from wallet.crypto.making import CERTIFIED, Making, create_missing
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.keys.rotating import KeyReason, Rotating

LIFETIME = timedelta(hours=72)
PASSPHRASE = b"f" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "keys"
    making = Making(directory, SystemEntropy(), AUTHORITY, PASSPHRASE)
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    return directory


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "keys"))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def rotating(keys: Path, clock: FixedClock) -> Rotating:
    return Rotating(Making(keys, SystemEntropy(), AUTHORITY, PASSPHRASE), clock, LIFETIME)


def opened(keys: Path, clock: FixedClock) -> Keystore:
    return Keystore.open(keys, Opening(PASSPHRASE), clock=clock)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_rotates_and_no_instant_lies_between_the_two(
    role: Role, keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    store = opened(keys, clock)
    old = store.signer(role)
    made = rotating.rotate(role)
    lead = LIFETIME * (10 if role is Role.BUNDLE_ROOT else 1)
    assert made.not_before - made.published_at == lead.total_seconds()
    assert made.published_at >= NOON.timestamp()
    assert made.not_before < made.active_from < made.not_after
    clock.advance(seconds=5)
    assert [key.record.state for key in store.keys(role)] == ["active", "published"]
    before, after = (key.record for key in store.keys(role))
    assert after.not_before < after.active_from < before.not_after, "both may sign around the moment"
    clock.set(NOON + timedelta(seconds=made.active_from - 1 - NOON.timestamp()))
    assert store.signer(role) is old
    clock.advance(seconds=1)
    assert store.signer(role).kid == made.kid
    assert [key.record.state for key in store.keys(role)] == ["retired", "active"]


@pytest.mark.parametrize("role", list(CERTIFIED))
def test_next_signer_is_certified_by_the_root_that_signs(role: Role, keys: Path, rotating: Rotating) -> None:
    made = rotating.rotate(role)
    (root,) = (record for record in read_keyring(keys) if record.role == Role.IACA)
    assert made.issuer == root.kid
    key = opened(keys, FixedClock()).keys(role)[-1]
    leaf, above = map(x509.load_der_x509_certificate, key.chain)
    leaf.verify_directly_issued_by(above)
    assert leaf.not_valid_before_utc.timestamp() <= made.not_before
    assert leaf.not_valid_after_utc <= above.not_valid_after_utc
    if role is Role.MDOC:
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=457)


def test_second_rotation_is_refused_while_one_is_on_its_way(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    made = rotating.rotate(Role.DOCUMENT)
    before = (keys / "keyring.json").read_bytes()
    with pytest.raises(ConfigurationError, match=f"{made.kid} is on its way") as refused:
        rotating.rotate(Role.DOCUMENT)
    assert refused.value.mend == "wallet keys list"
    assert (keys / "keyring.json").read_bytes() == before
    clock.set(NOON + timedelta(days=5))
    rotating.rotate(Role.DOCUMENT)


@pytest.mark.parametrize("early", [timedelta(seconds=1), timedelta(days=1), timedelta(days=30)])
def test_a_moment_at_which_verifiers_do_not_know_the_key_is_refused(
    early: timedelta, keys: Path, rotating: Rotating
) -> None:
    before = {path.name for path in keys.iterdir()}
    with pytest.raises(ConfigurationError, match="too soon") as refused:
        rotating.rotate(Role.DOCUMENT, NOON + timedelta(days=4) - early)
    assert refused.value.mend.startswith("wallet keys rotate doc --at ")
    assert {path.name for path in keys.iterdir()} == before


def test_a_later_moment_is_planned_and_verifiers_are_told_in_time(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    made = rotating.rotate(Role.DOCUMENT, NOON + timedelta(days=30))
    assert made.state == "planned"
    store = opened(keys, clock)
    assert store.keys(Role.DOCUMENT)[-1].record.state == "planned"
    clock.set(NOON + timedelta(days=26))
    assert store.keys(Role.DOCUMENT)[-1].record.state == "published"


@pytest.mark.parametrize("reason", list(KeyReason))
def test_revoked_key_is_replaced_at_once_and_its_private_part_is_destroyed(
    reason: KeyReason, keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    store = opened(keys, clock)
    old = store.signer(Role.DOCUMENT)
    since = NOON - timedelta(days=3)
    revoked, (new,) = rotating.revoke(old.kid, reason, since)
    assert (revoked.state, revoked.reason) == ("revoked", reason)
    assert (revoked.revoked_at, revoked.compromised_at) == (NOON.timestamp(), since.timestamp())
    assert not list(keys.glob(f"doc-{old.kid}.key.pem"))
    clock.advance(seconds=2)
    assert store.signer(Role.DOCUMENT).kid == new.kid
    with pytest.raises(Unavailable):
        next(key for key in opened(keys, clock).keys(Role.DOCUMENT) if key.record.kid == old.kid).signer.sign(b"x")


def test_revoking_again_changes_nothing(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    kid = opened(keys, clock).signer(Role.STATUS).kid
    rotating.revoke(kid, KeyReason.LOST, NOON)
    before = (keys / "keyring.json").read_bytes()
    clock.advance(days=1)
    revoked, made = rotating.revoke(kid, KeyReason.COMPROMISED, NOON)
    assert (revoked.reason, made) == ("lost", ())
    assert (keys / "keyring.json").read_bytes() == before


def test_root_that_is_revoked_takes_its_signers_with_it(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    kid = opened(keys, clock).signer(Role.IACA).kid
    _, made = rotating.revoke(kid, KeyReason.COMPROMISED, NOON)
    assert [record.role for record in made] == [Role.IACA, *CERTIFIED]
    assert {record.issuer for record in made[1:]} == {made[0].kid}
    clock.advance(seconds=2)
    store = opened(keys, clock)
    for record in made:
        assert store.signer(Role(record.role)).kid == record.kid


def test_key_that_does_not_sign_yet_is_revoked_without_a_replacement(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    made = rotating.rotate(Role.DOCUMENT)
    revoked, others = rotating.revoke(made.kid, KeyReason.CEASED, NOON)
    assert (revoked.state, others) == ("revoked", ())
    rotating.rotate(Role.DOCUMENT)


def test_unknown_key_and_moment_ahead_are_refused(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    with pytest.raises(ConfigurationError, match="no such key"):
        rotating.revoke("0" * 16, KeyReason.LOST, NOON)
    with pytest.raises(ConfigurationError, match="lies ahead"):
        rotating.revoke(opened(keys, clock).signer(Role.DOCUMENT).kid, KeyReason.LOST, NOON + timedelta(seconds=1))
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
