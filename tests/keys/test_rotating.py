"""Rotation and revocation as data: what is refused leaves the keyring as it was. Source: docs/wire.md, section 6."""

import re
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.keys.conftest import serving
from tests.keys.signing_server import SECRET
from tests.support import AUTHORITY, NOON, FixedClock
from wallet.clock import SystemClock
from wallet.crypto import key_files
from wallet.crypto.algorithms import ALGORITHMS
from wallet.crypto.keyring import read_keyring, write_keyring
from wallet.crypto.keystore import ALG, OPTIONAL, Keystore, Opening, Role, needed
from wallet.crypto.making import CERTIFIED, Making, create_missing
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.keys.remote import SigningServer
from wallet.keys.rotating import KeyReason, Rotating, lasting
from wallet.working_days import ZONE

LIFETIME = timedelta(hours=72)
A_SECOND = timedelta(seconds=1)
PASSPHRASE = b"f" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "keys"
    making = Making(directory, SystemEntropy(), AUTHORITY, PASSPHRASE)
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making, also=OPTIONAL)
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
    lead = LIFETIME * (10 if role in (Role.BUNDLE_ROOT, Role.SECOND_BUNDLE) else 1)
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
    known = (NOON + timedelta(days=4)).astimezone(ZONE).isoformat()
    with pytest.raises(ConfigurationError, match="too soon") as refused:
        rotating.rotate(Role.DOCUMENT, NOON + timedelta(days=4) - early)
    assert f"quá sớm, bên kiểm tra biết khóa từ {known} / is too soon" in str(refused.value)
    assert refused.value.mend == "wallet keys rotate doc"
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


@pytest.mark.parametrize("role", list(Role))
def test_a_moment_at_which_the_present_key_has_ended_is_refused(role: Role, keys: Path, rotating: Rotating) -> None:
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    (end,) = (datetime.fromtimestamp(r.not_after, UTC) for r in read_keyring(keys) if r.role == role)
    until = end.astimezone(ZONE).isoformat()
    with pytest.raises(ConfigurationError, match=f"too late, .* until {re.escape(until)}") as refused:
        rotating.rotate(role, end + A_SECOND)
    assert f"quá muộn, khóa hiện tại ký đến {until} / " in str(refused.value)
    assert refused.value.mend == f"wallet keys rotate {role} --at {until}"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    made = rotating.rotate(role, end)
    assert made.active_from == end.timestamp()


def test_end_of_a_key_that_was_followed_once_is_its_own(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    end = datetime.fromtimestamp(opened(keys, clock).keys(Role.MDOC)[0].record.not_after, UTC)
    rotating.revoke(rotating.rotate(Role.MDOC).kid, KeyReason.CEASED, NOON)
    with pytest.raises(ConfigurationError, match="too late"):
        rotating.rotate(Role.MDOC, end + A_SECOND)
    rotating.rotate(Role.MDOC, end)


def test_key_that_ends_before_verifiers_can_know_another_is_followed_as_soon_as_may_be(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    clock.set(NOON + timedelta(days=83))
    with pytest.raises(ConfigurationError, match="too late") as refused:
        rotating.rotate(Role.MDOC, clock.now() + timedelta(days=5))
    assert refused.value.mend == "wallet keys rotate mdoc"
    made = rotating.rotate(Role.MDOC)
    assert made.active_from == (clock.now() + timedelta(days=4)).timestamp()
    assert lasting(read_keyring(keys), clock.now())[Role.MDOC] == NOON + timedelta(days=84)


def test_how_long_a_role_lasts_is_told_without_a_gap(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    ends = {Role(r.role): datetime.fromtimestamp(r.not_after, UTC) for r in read_keyring(keys)}
    assert lasting(read_keyring(keys), NOON) == ends
    made = rotating.rotate(Role.MDOC)
    then = datetime.fromtimestamp(made.not_after, UTC)
    assert lasting(read_keyring(keys), NOON) == ends | {Role.MDOC: then}
    rotating.revoke(made.kid, KeyReason.CEASED, NOON)
    assert lasting(read_keyring(keys), NOON) == ends, "one that is revoked counts for nothing"
    after = lasting(read_keyring(keys), NOON + timedelta(days=84))
    assert after == ends | {Role.MDOC: None}


@pytest.mark.parametrize("reason", list(KeyReason))
def test_revoked_key_is_replaced_at_once_and_its_private_part_is_destroyed(
    reason: KeyReason, keys: Path, clock: FixedClock, rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(keys, clock)
    old = store.signer(Role.DOCUMENT)
    since = NOON - timedelta(days=3)
    removed, real = [], key_files.remove
    monkeypatch.setattr(key_files, "remove", lambda path: (removed.append(path.name), real(path)))
    done = rotating.revoke(old.kid, reason, since)
    assert removed == [f"doc-{old.kid}.key.pem"], "so that no power cut brings it back"
    revoked, (new,) = done.record, done.made
    assert done.lacking == ()
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
    again = rotating.revoke(kid, KeyReason.COMPROMISED, NOON)
    assert (again.record.reason, again.made, again.lacking) == ("lost", (), ())
    assert (keys / "keyring.json").read_bytes() == before


def test_earlier_moment_counts_and_a_private_part_left_by_a_crash_goes(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    kid = opened(keys, clock).signer(Role.STATUS).kid
    left = (keys / f"status-{kid}.key.pem").read_bytes()
    rotating.revoke(kid, KeyReason.LOST, NOON)
    (keys / f"status-{kid}.key.pem").write_bytes(left)
    earlier = NOON - timedelta(days=9)
    assert rotating.revoke(kid, KeyReason.LOST, earlier).record.compromised_at == earlier.timestamp()
    assert not (keys / f"status-{kid}.key.pem").exists()
    assert rotating.revoke(kid, KeyReason.LOST, NOON).record.compromised_at == earlier.timestamp()


def test_root_that_is_revoked_takes_its_signers_with_it(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    kid = opened(keys, clock).signer(Role.IACA).kid
    made = rotating.revoke(kid, KeyReason.COMPROMISED, NOON).made
    assert [record.role for record in made] == [Role.IACA, *CERTIFIED]
    assert {record.issuer for record in made[1:]} == {made[0].kid}
    clock.advance(seconds=2)
    store = opened(keys, clock)
    for record in made:
        assert store.signer(Role(record.role)).kid == record.kid


def test_retired_root_that_is_revoked_takes_what_it_certified_with_it(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    old = opened(keys, clock).signer(Role.IACA).kid
    coming = rotating.rotate(Role.MDOC, NOON + timedelta(days=40))
    root = rotating.rotate(Role.IACA)
    clock.advance(days=10)
    store = opened(keys, clock)
    assert store.signer(Role.IACA).kid == root.kid
    made = rotating.revoke(old, KeyReason.COMPROMISED, clock.now()).made
    assert [record.role for record in made] == list(CERTIFIED)
    assert {record.issuer for record in made} == {root.kid}
    clock.advance(days=60)
    for record in made:
        assert store.signer(Role(record.role)).kid == record.kid
    assert {key.record.kid: key.record.state for key in store.keys(Role.MDOC)}[coming.kid] == "retired"


def test_revocation_stands_while_its_replacement_cannot_be_made(keys: Path, clock: FixedClock) -> None:
    """A server that runs follows it and signs nothing for that role; the next `wallet keys new` makes the key."""
    with (
        serving() as server,
        closing(SigningServer(server.url, SECRET, SystemClock(), SystemEntropy(), A_SECOND)) as to,
    ):
        making = Making(keys, SystemEntropy(), AUTHORITY, PASSPHRASE, services={"remote": to}, backend="remote")
        remote = Rotating(making, clock, LIFETIME).rotate(Role.STATUS)
        clock.advance(days=10)
        store = Keystore.open(keys, Opening(PASSPHRASE, {"remote": to}), clock=clock)
        assert store.signer(Role.STATUS).kid == remote.kid
        server.fault = "hangs up"
        done = Rotating(replace(making, backend="files"), clock, LIFETIME).revoke(
            remote.kid, KeyReason.COMPROMISED, clock.now()
        )
        assert [role for role, _ in done.lacking] == [Role.STATUS]
        assert (done.record.state, done.made) == ("revoked", ())
        clock.advance(seconds=2)
        with pytest.raises(Unavailable, match="signing_unavailable"):
            store.signer(Role.STATUS)
        assert store.signer(Role.DOCUMENT).sign(b"x")
        with pytest.raises(ConfigurationError, match="no active key for the role status"):
            Keystore.open(keys, Opening(PASSPHRASE, {"remote": to}), clock=clock)
        server.fault = ""
        create_missing(keys, now=clock.now(), entropy=SystemEntropy(), authority=AUTHORITY, renew=True, making=making)
        clock.advance(seconds=2)
        assert store.signer(Role.STATUS).kid == read_keyring(keys)[-1].kid
        assert read_keyring(keys)[-1].backend == "remote"


def test_key_made_beside_one_that_was_rotated_in_and_ended_signs(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    rotated = rotating.rotate(Role.STATUS)
    clock.advance(days=1000)
    create_missing(
        keys, now=clock.now(), entropy=SystemEntropy(), authority=AUTHORITY, renew=True, making=rotating.making
    )
    new = [record for record in read_keyring(keys) if record.role == Role.STATUS][-1]
    assert new.kid != rotated.kid
    assert opened(keys, clock).signer(Role.STATUS).kid == new.kid


@pytest.mark.parametrize("role", list(Role))
def test_key_that_does_not_sign_yet_is_revoked_without_a_replacement_and_the_old_one_keeps_its_time(
    role: Role, keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    store = opened(keys, clock)
    old = store.keys(role)[-1].record
    made = rotating.rotate(role)
    clock.set(NOON + timedelta(seconds=made.active_from - 3600 - NOON.timestamp()))
    told = store.keys(role)[0].record.not_after
    assert told - clock.now().timestamp() > LIFETIME.total_seconds(), "verifiers learn in time that it signs on"
    done = rotating.revoke(made.kid, KeyReason.CEASED, clock.now())
    assert (done.record.state, done.made) == ("revoked", ())
    clock.advance(seconds=5)
    assert (store.signer(role).kid, store.keys(role)[0].record.not_after) == (old.kid, old.not_after)
    again = rotating.rotate(role)
    clock.advance(seconds=5)
    assert store.keys(role)[0].record.not_after >= again.active_from > again.not_before, "no instant without a signer"


def test_next_key_of_a_revoked_root_comes_no_more_and_the_one_before_keeps_its_time(
    keys: Path, clock: FixedClock, rotating: Rotating
) -> None:
    root = rotating.rotate(Role.IACA)
    clock.advance(days=10)
    store = opened(keys, clock)
    old = store.keys(Role.MDOC)[-1].record
    rotating.rotate(Role.MDOC)
    rotating.revoke(root.kid, KeyReason.COMPROMISED, clock.now())
    clock.advance(seconds=2)
    assert [(k.record.state, k.record.not_after) for k in store.keys(Role.MDOC)[:1]] == [("active", old.not_after)]
    assert store.keys(Role.MDOC)[1].record.state == "retired"


def test_unknown_key_and_moment_ahead_are_refused(keys: Path, clock: FixedClock, rotating: Rotating) -> None:
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    with pytest.raises(ConfigurationError, match="no such key"):
        rotating.revoke("0" * 16, KeyReason.LOST, NOON)
    with pytest.raises(ConfigurationError, match="lies ahead"):
        rotating.revoke(opened(keys, clock).signer(Role.DOCUMENT).kid, KeyReason.LOST, NOON + timedelta(seconds=1))
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


# --- The second keys: of another algorithm, and like all others -----------------------------------------------------


@pytest.fixture
def once(tmp_path: Path) -> Rotating:
    """A deployment that signs once."""
    directory = tmp_path / "once"
    making = Making(directory, SystemEntropy(), AUTHORITY, PASSPHRASE)
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    return Rotating(making, FixedClock(), LIFETIME)


def test_who_signs_once_lacks_nothing_and_gets_no_second_key_unasked(once: Rotating) -> None:
    keys = once.making.directory
    store, before = opened(keys, FixedClock()), (keys / "keyring.json").read_bytes()
    assert [store.keys(role) for role in OPTIONAL] == [(), ()]
    assert not set(OPTIONAL) & set(lasting(read_keyring(keys), NOON))
    create_missing(keys, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=once.making, renew=True)
    assert (keys / "keyring.json").read_bytes() == before
    with pytest.raises(Unavailable):
        store.signer(Role.SECOND_BUNDLE)


def test_first_second_key_may_be_rotated_in_and_taken_back_before_it_signs(once: Rotating) -> None:
    keys = once.making.directory
    made = once.rotate(Role.SECOND_BUNDLE)
    assert (made.alg, made.state) == (ALG[Role.SECOND_BUNDLE], "published")
    assert Role.SECOND_BUNDLE not in needed(read_keyring(keys), made.active_from - 1)
    assert Role.SECOND_BUNDLE in needed(read_keyring(keys), made.active_from)
    opened(keys, FixedClock())
    once.revoke(made.kid, KeyReason.CEASED, NOON)
    opened(keys, FixedClock())
    assert Role.SECOND_BUNDLE not in needed(read_keyring(keys), made.active_from)


@pytest.mark.parametrize("role", OPTIONAL)
def test_start_is_refused_while_a_second_key_that_was_used_has_no_successor(
    role: Role, keys: Path, clock: FixedClock, rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes, *, replace: bool = False) -> None:
        if not replace:
            raise OSError(28, "No space left on device")
        written(path, content, replace=replace)

    store, written = opened(keys, clock), key_files.write
    with monkeypatch.context() as patch:
        patch.setattr(key_files, "write", full)
        done = rotating.revoke(store.signer(role).kid, KeyReason.COMPROMISED, NOON)
    assert ([lacking for lacking, _ in done.lacking], done.made) == ([role], ())
    clock.advance(seconds=2)
    with pytest.raises(Unavailable):
        store.signer(role)
    with pytest.raises(ConfigurationError, match=f"no active key for the role {role}"):
        opened(keys, clock)
    assert lasting(read_keyring(keys), NOON)[role] is None
    create_missing(keys, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=rotating.making, renew=True)
    assert opened(keys, clock).signer(role).kid == read_keyring(keys)[-1].kid


@pytest.mark.parametrize("role", OPTIONAL)
@pytest.mark.parametrize("backend", ["pkcs11", "remote"])
def test_second_key_is_kept_in_files_alone(role: Role, backend: str, keys: Path, rotating: Rotating) -> None:
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    elsewhere = replace(rotating, making=replace(rotating.making, backend=backend))
    with pytest.raises(ConfigurationError, match="kept in files alone"):
        elsewhere.rotate(role)
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


@pytest.mark.parametrize(
    ("role", "changes", "told"),
    [
        (Role.SECOND_BUNDLE, {"alg": "ES256"}, "is a key for ES256"),
        (Role.STATUS, {"alg": "ML-DSA-65"}, "is a key for ML-DSA-65"),
        (Role.SECOND_STATUS, {"sample": True}, "was made for a demo"),
    ],
)
def test_s60_second_key_that_is_another_than_its_role_says_is_refused(
    role: Role, changes: dict[str, Any], told: str, keys: Path
) -> None:
    ring = [replace(r, **changes) if r.role == role else r for r in read_keyring(keys)]
    write_keyring(keys, ring)
    with pytest.raises(ConfigurationError, match=told):
        Keystore.open(keys, Opening(PASSPHRASE, production=True), clock=FixedClock())


def test_s60_files_of_second_keys_are_held_to_the_same(keys: Path) -> None:
    def refused(passphrase: bytes | None = PASSPHRASE) -> str:
        with pytest.raises(ConfigurationError) as caught:
            Keystore.open(keys, Opening(passphrase, production=True), clock=FixedClock())
        return "; ".join(caught.value.problems)

    (file,), (other,) = keys.glob("second-bundle-*.key.pem"), keys.glob("second-status-*.key.pem")
    own = file.read_bytes()
    file.chmod(0o640)
    assert "readable by others" in refused()
    file.chmod(0o600)
    file.write_bytes(other.read_bytes())
    assert "its certificate is another key's" in refused()
    file.write_bytes(next(keys.glob("seal-*.key.pem")).read_bytes())
    assert "is not a ML-DSA-65 key" in refused()
    file.write_bytes(key_files.private_pem(ALGORITHMS["ML-DSA-65"].generate(), None))
    assert "is not encrypted" in refused()
    file.write_bytes(own)
    assert "under this passphrase" in refused(b"g" * 64)
    file.unlink()
    assert "is missing" in refused()
