"""The life of a key by its dates, and a keystore that follows its keyring. Source: docs/wire.md, sections 4 and 6."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import AUTHORITY, NOON, FixedClock
from wallet.crypto import key_files
from wallet.crypto.keyring import KEYRING, KeyRecord, State, read_keyring, states_at, write_keyring
from wallet.crypto.keystore import REQUIRED, Keystore, Opening, Role, Secret
from wallet.crypto.making import Making, create_missing, encrypt_plain
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable

PASSPHRASE = b"f" * 64
SECONDS = int(NOON.timestamp())


def record(**changes: object) -> KeyRecord:
    plain = {"role": "doc", "kid": "0" * 16, "not_before": 0, "not_after": 10_000, "state": "published"}
    return KeyRecord(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "keys"
    making = Making(directory, SystemEntropy(), AUTHORITY, PASSPHRASE)
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    return directory


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "keys"))


def opened(keys: Path, clock: FixedClock | None = None, **more: object) -> Keystore:
    return Keystore.open(keys, Opening(PASSPHRASE, **more), clock=clock or FixedClock())  # type: ignore[arg-type]


def add_next(keys: Path, role: Role, begin: int) -> KeyRecord:
    """Make the next key of a role, which takes over at `begin` seconds; return its record."""
    making = Making(keys, SystemEntropy(), AUTHORITY, PASSPHRASE)
    after = NOON + timedelta(seconds=begin - SECONDS)
    fresh = replace(
        making.make(role, after, after, making.root(read_keyring(keys), role, NOON)),
        state="planned",
        published_at=begin - 100,
        active_from=begin,
    )
    write_keyring(keys, [*read_keyring(keys), fresh])
    return fresh


# --- States -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "state"),
    [(0, "planned"), (99, "planned"), (100, "published"), (299, "published"), (300, "active"), (20_000, "active")],
)
@pytest.mark.parametrize("written", ["planned", "published"])
def test_a_key_becomes_what_its_dates_say(written: str, now: int, state: str) -> None:
    assert record(state=written, published_at=100, active_from=300).state_at(now) == state


@pytest.mark.parametrize("state", ["retired", "revoked", "active"])
def test_what_somebody_decided_is_not_undone_by_a_date(state: str) -> None:
    assert record(state=state, published_at=100, active_from=300).state_at(200) == state


@pytest.mark.parametrize("state", ["planned", "published"])
def test_key_without_dates_never_becomes_active_by_itself(state: str) -> None:
    assert record(state=state).state_at(2**40) == state


def test_the_youngest_active_key_signs_and_those_before_it_verify() -> None:
    ring = [
        record(kid="a", state="active"),
        record(kid="b", published_at=100, active_from=300),
        record(kid="c", state="active", role="status"),
    ]
    assert states_at(ring, 299) == {"a": "active", "b": "published", "c": "active"}
    assert states_at(ring, 300) == {"a": "retired", "b": "active", "c": "active"}


def test_a_key_made_in_a_hurry_gives_way_to_the_one_that_was_planned_before() -> None:
    ring = [
        record(kid="old", state="revoked"),
        record(kid="planned", published_at=100, active_from=300),
        record(kid="hurry", state="active", published_at=200, active_from=200),
    ]
    assert states_at(ring, 250)["hurry"] == "active"
    assert states_at(ring, 300) == {"old": "revoked", "planned": "active", "hurry": "retired"}


def test_unknown_state_is_no_keyring(keys: Path) -> None:
    found = json.loads((keys / KEYRING).read_text())
    (keys / KEYRING).write_text(json.dumps([{**found[0], "state": "asleep"}, *found[1:]]))
    with pytest.raises(ConfigurationError, match="not readable as a keyring"):
        opened(keys)


# --- Following --------------------------------------------------------------------------------------------------------


def test_a_key_takes_over_when_its_time_comes_without_anybody_looking(keys: Path) -> None:
    fresh, clock = add_next(keys, Role.DOCUMENT, SECONDS + 1000), FixedClock()
    store = opened(keys, clock)
    before, epoch = store.signer(Role.DOCUMENT).kid, store.epoch
    assert [key.record.state for key in store.keys(Role.DOCUMENT)] == ["active", "planned"]
    clock.advance(seconds=900)
    assert [key.record.state for key in store.keys(Role.DOCUMENT)] == ["active", "published"]
    assert store.signer(Role.DOCUMENT).kid == before
    assert store.epoch != epoch
    clock.advance(seconds=100)
    assert store.signer(Role.DOCUMENT).kid == fresh.kid != before
    assert [key.record.state for key in store.keys(Role.DOCUMENT)] == ["retired", "active"]
    clock.advance(seconds=-100)
    assert store.signer(Role.DOCUMENT).kid == before, "a clock that is set back sets the keys back too"


def test_a_new_keyring_is_noticed_within_seconds(keys: Path) -> None:
    clock = FixedClock()
    store = opened(keys, clock)
    old = store.signer(Role.DOCUMENT)
    fresh = add_next(keys, Role.DOCUMENT, SECONDS - 10)
    assert store.signer(Role.DOCUMENT) is old
    clock.advance(seconds=1)
    assert store.signer(Role.DOCUMENT).kid == fresh.kid
    assert store.keys(Role.DOCUMENT)[0].signer is old, "a key that was there before is not loaded again"


def test_keys_are_read_once_for_each_change_of_the_keyring(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, loads = FixedClock(), []
    store = opened(keys, clock)
    real = key_files.load_private
    monkeypatch.setattr(key_files, "load_private", lambda *given: loads.append(given) or real(*given))
    for _ in range(50):
        store.signer(Role.DOCUMENT)
        clock.advance(seconds=0.5)
    assert loads == []
    add_next(keys, Role.STATUS, SECONDS + 5000)
    for _ in range(50):
        store.signer(Role.DOCUMENT)
        clock.advance(seconds=0.5)
    assert len(loads) == 1


@pytest.mark.parametrize("harm", ["damaged", "gone", "without its file", "readable by others"])
def test_a_keyring_that_is_not_whole_is_not_taken(keys: Path, harm: str) -> None:
    clock = FixedClock()
    store = opened(keys, clock)
    old = store.signer(Role.DOCUMENT)
    fresh = add_next(keys, Role.DOCUMENT, SECONDS - 10)
    path = next(keys.glob(f"doc-{fresh.kid}.key.pem"))
    if harm == "damaged":
        (keys / KEYRING).write_text("{")
    elif harm == "gone":
        (keys / KEYRING).unlink()
    elif harm == "without its file":
        path.rename(keys / "elsewhere")
    else:
        path.chmod(0o644)
    clock.advance(seconds=2)
    assert store.signer(Role.DOCUMENT) is old
    if harm == "without its file":
        (keys / "elsewhere").rename(path)
        clock.advance(seconds=2)
        store.signer(Role.DOCUMENT)
        clock.advance(seconds=40)
        assert store.signer(Role.DOCUMENT).kid == fresh.kid, "it is looked at again after a while"


def test_a_keyring_that_was_not_taken_is_looked_at_again_under_load_too(keys: Path) -> None:
    """Somebody asks for a key twice a second: what was refused once has to be taken all the same once it is whole."""
    clock = FixedClock()
    store = opened(keys, clock)
    old = store.signer(Role.DOCUMENT)
    fresh = add_next(keys, Role.DOCUMENT, SECONDS - 10)
    path = next(keys.glob(f"doc-{fresh.kid}.key.pem"))
    path.rename(keys / "elsewhere")
    clock.advance(seconds=2)
    assert store.signer(Role.DOCUMENT) is old
    (keys / "elsewhere").rename(path)
    for _ in range(70):
        clock.advance(seconds=0.5)
        store.signer(Role.DOCUMENT)
    assert store.signer(Role.DOCUMENT).kid == fresh.kid


def test_no_signer_is_better_than_a_revoked_one(keys: Path) -> None:
    clock = FixedClock()
    store = opened(keys, clock)
    ring = [replace(r, state="revoked") if r.role == "seal" else r for r in read_keyring(keys)]
    add_next(keys, Role.SEAL, SECONDS + 1)
    write_keyring(keys, [*ring, read_keyring(keys)[-1]])
    clock.advance(seconds=5)
    assert store.signer(Role.SEAL).kid == read_keyring(keys)[-1].kid
    revoked = store.keys(Role.SEAL)[0]
    assert revoked.record.state == State.REVOKED
    with pytest.raises(Unavailable) as refused:
        revoked.signer.sign(b"message")
    assert refused.value.code == "signing_unavailable"


# --- Encrypted files --------------------------------------------------------------------------------------------------


def test_key_files_lie_under_the_passphrase(keys: Path) -> None:
    assert all(key_files.is_encrypted(path) for path in keys.glob("*.key.pem"))
    assert len(opened(keys).secret(Secret.PEPPER)) == 32


@pytest.mark.parametrize("passphrase", [None, b"g" * 64, b""])
def test_wrong_passphrase_opens_nothing(keys: Path, passphrase: bytes | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Keystore.open(keys, Opening(passphrase))
    assert "PASSPHRASE" in refused.value.mend or "under this passphrase" in str(refused.value)


def test_passphrase_beside_the_directory_is_found(keys: Path) -> None:
    path = key_files.passphrase_file(keys)
    assert path == keys.parent / "keys.passphrase"
    key_files.write(path, PASSPHRASE + b"\n")
    Keystore.open(keys, clock=FixedClock()).signer(Role.DOCUMENT).sign(b"message")


def test_first_encrypted_key_is_taken_by_a_server_that_runs_with_open_ones(tmp_path: Path) -> None:
    keys, clock = tmp_path / "keys", FixedClock()
    create_missing(keys, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    store = Keystore.open(keys, clock=clock)
    key_files.write(key_files.passphrase_file(keys), PASSPHRASE)
    fresh = add_next(keys, Role.DOCUMENT, SECONDS - 10)
    clock.advance(seconds=2)
    assert store.signer(Role.DOCUMENT).kid == fresh.kid


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        ("keys/a.passphrase", PASSPHRASE, 0o600),
        ("a.passphrase", PASSPHRASE, 0o640),
        ("a.passphrase", PASSPHRASE, 0o604),
        ("a.passphrase", b"Ban mot la ma!!", 0o600),
        ("a.passphrase", b"", 0o600),
    ],
)
def test_passphrase_that_protects_nothing_is_refused(keys: Path, name: str, content: bytes, mode: int) -> None:
    path = keys.parent / name
    key_files.write(path, content)
    path.chmod(mode)
    with pytest.raises(ConfigurationError):
        key_files.read_passphrase(path, outside=keys)


def test_open_key_files_are_put_under_a_passphrase(tmp_path: Path) -> None:
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    before = Keystore.open(tmp_path).signer(Role.DOCUMENT).kid
    plain = {path.name: path.read_bytes() for path in tmp_path.glob("*.key.pem")}
    assert sorted(encrypt_plain(tmp_path, PASSPHRASE)) == sorted(plain)
    assert encrypt_plain(tmp_path, PASSPHRASE) == []
    assert opened(tmp_path).signer(Role.DOCUMENT).kid == before
    for path in tmp_path.glob("*.key.pem"):
        assert path.read_bytes() != plain[path.name]
        assert path.stat().st_mode & 0o077 == 0


# --- Production (S-60) ------------------------------------------------------------------------------------------------


def test_production_refuses_a_key_file_that_lies_open(tmp_path: Path) -> None:
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    with pytest.raises(ConfigurationError) as refused:
        Keystore.open(tmp_path, Opening(None, production=True))
    assert len(refused.value.problems) == len(REQUIRED)
    assert all("is not encrypted" in problem for problem in refused.value.problems)


def test_production_refuses_keys_of_a_demo(tmp_path: Path) -> None:
    making = Making(tmp_path, SystemEntropy(), AUTHORITY, PASSPHRASE, sample=True)
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, making=making)
    opened(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        opened(tmp_path, production=True)
    assert all("was made for a demo" in problem for problem in refused.value.problems)
    assert len(refused.value.problems) == len(REQUIRED)


def test_production_starts_with_encrypted_keys_of_its_own(keys: Path) -> None:
    opened(keys, production=True).signer(Role.DOCUMENT).sign(b"message")


def test_key_that_a_service_keeps_needs_that_service(keys: Path) -> None:
    ring = [replace(r, backend="pkcs11", place="x") if r.role == "doc" else r for r in read_keyring(keys)]
    write_keyring(keys, ring)
    next(keys.glob("doc-*.key.pem")).unlink()
    looking = opened(keys)
    with pytest.raises(Unavailable):
        looking.signer(Role.DOCUMENT).sign(b"message")
    with pytest.raises(ConfigurationError, match="kept by pkcs11, which is not set up"):
        opened(keys, services={})
