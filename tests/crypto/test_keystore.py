"""The keys of a deployment: made once, readable by their owner alone, refused when anything about them is odd."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support import AUTHORITY, NOON, SeededEntropy
from wallet.crypto import key_files as module
from wallet.crypto.certificates import read_certificate, self_signed
from wallet.crypto.keyring import KEYRING
from wallet.crypto.keystore import LASTING, REQUIRED, Keystore, Role, Secret
from wallet.crypto.making import create_missing
from wallet.crypto.signing import kid_of, verify_es256
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError


def create(directory: Path, now: datetime = NOON) -> list[str]:
    return create_missing(directory, now=now, entropy=SystemEntropy(), authority=AUTHORITY)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "keys"
    create(directory)
    return directory


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    """A deployment's keys of this test's own."""
    return Path(shutil.copytree(made, tmp_path / "keys"))


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def records(directory: Path) -> list[dict[str, object]]:
    return json.loads((directory / KEYRING).read_text())  # type: ignore[no-any-return]


def rewrite(directory: Path, change: Callable[[list[dict[str, object]]], object]) -> None:
    found = records(directory)
    (directory / KEYRING).write_text(json.dumps(change(found) or found))


def key_file(directory: Path, role: Role, suffix: str = ".key.pem") -> Path:
    return next(directory.glob(f"{role}-*{suffix}"))


def problem(directory: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Keystore.open(directory)
    return caught.value


# --- Making ---------------------------------------------------------------------------------------------------------


def test_every_role_and_every_secret_is_made(keys: Path) -> None:
    store = Keystore.open(keys)
    for role in REQUIRED:
        (key,) = store.keys(role)
        assert (key.record.role, key.record.state) == (role, "active")
        assert store.signer(role) is key.signer
        assert key.record.kid == kid_of(key.signer.certificate_der).hex()
        public_key = read_certificate(key.signer.certificate_der).public_key
        assert public_key is not None
        verify_es256(public_key, b"message", key.signer.sign(b"message"))
    secrets = [store.secret(name) for name in Secret]
    assert {len(secret) for secret in secrets} == {32}
    assert len(set(secrets)) == len(secrets)


def test_making_again_changes_nothing(keys: Path) -> None:
    before = content(keys)
    assert create(keys, NOON + timedelta(days=100)) == []
    assert content(keys) == before


def test_only_what_is_missing_is_made(keys: Path) -> None:
    before = content(keys)
    (keys / "cursors.secret").unlink()
    assert create(keys) == ["cursors.secret"]
    after = content(keys)
    assert after.pop("cursors.secret") != before.pop("cursors.secret")
    assert after == before


@pytest.mark.parametrize("name", sorted(LASTING))
def test_lasting_secret_that_is_gone_is_not_made_anew(name: Secret, keys: Path) -> None:
    (keys / f"{name}.secret").unlink()
    before = content(keys)
    with pytest.raises(ConfigurationError, match="is gone") as refused:
        create(keys)
    assert refused.value.mend == f"cp BACKUP/{name}.secret {keys}/"
    assert content(keys) == before


def test_every_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create(tmp_path / "keys")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_making_may_stop_anywhere_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop after the first file, after the second, and so on: the next run always ends with a whole deployment."""
    real = module.write

    class Stop(Exception):
        pass

    whole = len(content_after(tmp_path / "whole"))
    for steps in range(whole):
        directory = tmp_path / str(steps)
        left = steps

        def write(path: Path, data: bytes, *, replace: bool = False) -> None:
            nonlocal left
            if left == 0:
                raise Stop
            left -= 1
            real(path, data, replace=replace)

        monkeypatch.setattr(module, "write", write)
        with pytest.raises(Stop):
            create(directory)
        kept = {name: data for name, data in content(directory).items() if name.endswith(".secret")}
        listed = records(directory) if (directory / KEYRING).exists() else []
        monkeypatch.setattr(module, "write", real)
        create(directory)
        store = Keystore.open(directory)
        assert [len(store.keys(role)) for role in REQUIRED] == [1] * len(REQUIRED)
        assert kept.items() <= content(directory).items()
        assert records(directory)[: len(listed)] == listed


def content_after(directory: Path) -> list[str]:
    create(directory)
    return [*content(directory), *(KEYRING for _ in range(len(REQUIRED) - 1))]  # the keyring is written once a role


def test_half_written_file_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        create(tmp_path / "keys")
    assert not list((tmp_path / "keys").glob("*.secret"))
    monkeypatch.undo()
    create(tmp_path / "keys")
    Keystore.open(tmp_path / "keys")
    assert not list((tmp_path / "keys").glob("*.new"))


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What was made to last, in order: of a directory, what it named at that moment."""
    real, done = os.fsync, []

    def watched(descriptor: int) -> None:
        real(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        done.append((path.name, sorted(each.name for each in path.iterdir()) if path.is_dir() else []))

    monkeypatch.setattr(os, "fsync", watched)
    return done


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is not told here")
@pytest.mark.parametrize("replace", [False, True])
def test_file_that_was_written_outlives_a_power_cut(
    replace: bool, tmp_path: Path, settled: list[tuple[str, list[str]]]
) -> None:
    if replace:
        module.write(tmp_path / "a", b"before")
        settled.clear()
    module.write(tmp_path / "a", b"content", replace=replace)
    assert settled == [("a.new", []), (tmp_path.name, ["a"])], "the file, and then the name that it has"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is not told here")
def test_file_that_was_removed_does_not_come_back(tmp_path: Path, settled: list[tuple[str, list[str]]]) -> None:
    (tmp_path / "a").write_bytes(b"x")
    for _ in range(2):
        module.remove(tmp_path / "a")
    assert settled == [(tmp_path.name, [])] * 2


def test_times_of_a_key_lie_within_its_certificate(keys: Path) -> None:
    for role in REQUIRED:
        (key,) = Keystore.open(keys).keys(role)
        certificate = read_certificate(key.signer.certificate_der)
        begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (key.record.not_before, key.record.not_after))
        assert certificate.not_before <= begin < NOON
        # What is signed on the last day must still be able to live for a year.
        assert end + timedelta(days=366) < certificate.not_after


def test_predictable_chance_still_gives_keys_nobody_can_guess(tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_missing(tmp_path / name, now=NOON, entropy=SeededEntropy(1), authority=AUTHORITY)
    one, other = (Keystore.open(tmp_path / name) for name in ("a", "b"))
    assert one.secret(Secret.PEPPER) == other.secret(Secret.PEPPER)
    assert one.signer(Role.DOCUMENT).kid != other.signer(Role.DOCUMENT).kid


# --- Refusing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o660, 0o644, 0o777])
@pytest.mark.parametrize("name", ["doc-*.key.pem", "pepper.secret"])
def test_s60_file_that_others_may_use_is_refused(keys: Path, mode: int, name: str) -> None:
    path = next(keys.glob(name))
    path.chmod(mode)
    error = problem(keys)
    assert error.problems == (f"{path} is readable by others (chmod 600 {path})",)


@pytest.mark.parametrize("secret", list(Secret))
def test_missing_secret_is_named_with_the_command_that_mends_it(keys: Path, secret: Secret) -> None:
    path = keys / f"{secret}.secret"
    path.unlink()
    error = problem(keys)
    assert error.problems == (f"{path} is missing or damaged",)
    assert error.mend == "wallet keys new"
    if secret in LASTING:  # see test_lasting_secret_that_is_gone_is_not_made_anew
        return
    create(keys)
    Keystore.open(keys)


@pytest.mark.parametrize("damaged", [b"", b"short", bytes(31), bytes(33)])
def test_damaged_secret_is_refused_and_never_replaced(keys: Path, damaged: bytes) -> None:
    path = keys / "data-keys.secret"
    path.write_bytes(damaged)
    assert "missing or damaged" in problem(keys).problems[0]
    create(keys)
    assert path.read_bytes() == damaged


def test_every_problem_is_named_at_once(keys: Path) -> None:
    (keys / "pepper.secret").unlink()
    key_file(keys, Role.ACCESS).chmod(0o644)
    key_file(keys, Role.STATUS).unlink()
    problems = "\n".join(problem(keys).problems)
    for part in ("pepper.secret", "access-", "status-"):
        assert part in problems


def test_empty_directory_names_every_role_and_secret(tmp_path: Path) -> None:
    error = problem(tmp_path)
    assert len(error.problems) == len(REQUIRED) + len(Secret)
    assert error.mend == "wallet keys new"


@pytest.mark.parametrize("suffix", [".key.pem", ".cert.der"])
def test_key_or_certificate_that_is_gone_is_refused(keys: Path, suffix: str) -> None:
    path = key_file(keys, Role.DOCUMENT, suffix)
    path.unlink()
    assert "is missing" in problem(keys).problems[0]


def test_s60_two_keys_with_one_kid_are_refused(keys: Path) -> None:
    rewrite(keys, lambda found: [*found, {**found[0]}])
    assert f"two keys in {keys} share a kid" in problem(keys).problems


def test_s60_one_key_for_two_roles_is_refused(keys: Path) -> None:
    """Under the same kid, and under a certificate of its own: one key, one purpose."""
    document = next(record for record in records(keys) if record["role"] == "doc")
    for suffix in (".key.pem", ".cert.der"):
        shutil.copy(keys / f"doc-{document['kid']}{suffix}", keys / f"status-{document['kid']}{suffix}")
    without = [record for record in records(keys) if record["role"] != "status"]
    rewrite(keys, lambda _: [*without, {**document, "role": "status"}])
    assert f"two keys in {keys} share a kid" in problem(keys).problems


def test_s60_one_key_under_two_certificates_is_refused(keys: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = []
    for role in ("doc", "status"):
        der = self_signed(private, role, NOON, NOON + timedelta(days=1500), SystemEntropy())
        kid = kid_of(der).hex()
        (keys / f"{role}-{kid}.cert.der").write_bytes(der)
        (keys / f"{role}-{kid}.key.pem").touch(0o600)
        (keys / f"{role}-{kid}.key.pem").write_bytes(pem)
        made.append({**records(keys)[0], "role": role, "kid": kid})
    rewrite(keys, lambda found: [*found, *made])
    assert "two certificates" in problem(keys).problems[0]


def test_swapped_certificates_are_refused(keys: Path) -> None:
    one, other = (key_file(keys, role, ".cert.der") for role in (Role.DOCUMENT, Role.STATUS))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert "its certificate has another kid" in problem(keys).problems[0]


def test_swapped_private_keys_are_refused(keys: Path) -> None:
    one, other = (key_file(keys, role) for role in (Role.DOCUMENT, Role.STATUS))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert "its certificate is another key's" in problem(keys).problems[0]


def test_key_on_another_curve_is_refused(keys: Path) -> None:
    for private in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key_file(keys, Role.DOCUMENT).write_bytes(pem)
        assert "P-256" in problem(keys).problems[0]


@pytest.mark.parametrize("damaged", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_file_that_holds_no_key_is_refused(keys: Path, damaged: bytes) -> None:
    path = key_file(keys, Role.DOCUMENT)
    path.write_bytes(damaged)
    assert problem(keys).problems == (f"{path} is not a private key",)


@pytest.mark.parametrize("damaged", [b"", b"no certificate"])
def test_file_that_holds_no_certificate_is_refused(keys: Path, damaged: bytes) -> None:
    key_file(keys, Role.DOCUMENT, ".cert.der").write_bytes(damaged)
    assert "certificate" in problem(keys).problems[0]


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[1]", '["a"]', '[{"role": "doc"}]', '[{"kid": 1, "more": 2}]', "{}"]
)
def test_unreadable_keyring_is_refused_and_kept(keys: Path, text: str) -> None:
    (keys / KEYRING).write_text(text)
    with pytest.raises(ConfigurationError):
        Keystore.open(keys)
    if text != "{}":
        with pytest.raises(ConfigurationError, match="not readable as a keyring"):
            create(keys)
        assert (keys / KEYRING).read_text() == text


def test_role_without_an_active_key_is_refused_and_mended(keys: Path) -> None:
    rewrite(keys, lambda found: [{**r, "state": "retired"} if r["role"] == "doc" else r for r in found])
    assert problem(keys).problems == (f"no active key for the role doc in {keys}",)
    (name,) = create(keys)
    store = Keystore.open(keys)
    assert [key.record.state for key in store.keys(Role.DOCUMENT)] == ["retired", "active"]
    assert store.signer(Role.DOCUMENT).kid in name


def test_the_youngest_active_key_signs(keys: Path, tmp_path: Path) -> None:
    create(tmp_path / "later", NOON + timedelta(days=1))
    later = next(record for record in records(tmp_path / "later") if record["role"] == "doc")
    for suffix in (".key.pem", ".cert.der"):
        name = f"doc-{later['kid']}{suffix}"
        shutil.copy(tmp_path / "later" / name, keys / name)
    for state, expected in (("published", False), ("retired", False), ("revoked", False), ("active", True)):
        rewrite(keys, lambda found, state=state: [*found[: len(REQUIRED)], {**later, "state": state}])
        assert (Keystore.open(keys).signer(Role.DOCUMENT).kid == later["kid"]) is expected


# --- Keeping quiet --------------------------------------------------------------------------------------------------


def test_nothing_shows_a_secret(keys: Path) -> None:
    store = Keystore.open(keys)
    shown = repr(store) + repr(vars(store).keys()) + repr(store.keys(Role.DOCUMENT)) + repr(store.signer(Role.ACCESS))
    for path in [*keys.glob("*.secret"), *keys.glob("*.key.pem")]:
        assert path.read_bytes().hex() not in shown
        assert repr(path.read_bytes()) not in shown


# --- A deployment of an older version --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "new", [{Role.IACA, Role.SD_JWT, Role.MDOC, Role.SEAL}, {Role.CARD, Role.LIVE}], ids=["forms", "screens"]
)
def test_deployment_that_lacks_new_roles_gets_them_and_keeps_its_keys(keys: Path, new: set[Role]) -> None:
    """Keys of before a role was there: they stay as they are, byte for byte, and what is new is made beside them."""
    for role in new:
        for path in keys.glob(f"{role}-*"):
            path.unlink()
    old = [{name: r[name] for name in r if name != "issuer"} for r in records(keys) if r["role"] not in new]
    (keys / KEYRING).write_text(json.dumps(old))
    before = {name: data for name, data in content(keys).items() if name != KEYRING}
    error = problem(keys)
    assert len(error.problems) == len(new)
    assert error.mend == "wallet keys new"
    assert {name.split("-")[0] for name in create(keys)} == new
    assert before.items() <= content(keys).items()
    store = Keystore.open(keys)
    assert all(store.signer(role).certificate_der for role in new)


def test_signer_whose_root_is_gone_is_refused(keys: Path) -> None:
    rewrite(keys, lambda found: [{**r, "issuer": "0" * 16} if r["role"] == "seal" else r for r in found])
    assert "which certified seal" in problem(keys).problems[0]


def test_key_that_ended_is_renewed_where_that_is_asked_for(keys: Path) -> None:
    """The certificate of a document signer lives shortest; what it signed still verifies by it."""
    later = NOON + timedelta(days=100)
    (name,) = create_missing(keys, now=later, entropy=SystemEntropy(), authority=AUTHORITY, renew=True)
    store = Keystore.open(keys)
    ended, begun = store.keys(Role.MDOC)
    assert name == f"mdoc-{begun.record.kid}.key.pem"
    assert ended.record.not_after < later.timestamp() < begun.record.not_after
    assert store.signer(Role.MDOC) is begun.signer
