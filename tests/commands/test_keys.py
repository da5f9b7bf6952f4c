"""`wallet keys`: what each command does to a deployment, and what it refuses with the next command to try."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.commands.conftest import Run
from tests.support import NOON
from wallet.audit import AuditEvent
from wallet.clock import SystemClock
from wallet.crypto import key_files
from wallet.crypto.keyring import read_keyring, write_keyring
from wallet.crypto.keystore import OPTIONAL, Role
from wallet.crypto.making import Making
from wallet.db import Database
from wallet.keys.ceremony import STOPPED, Journal
from wallet.keys.rotating import PINNED, Rotating
from wallet.settings import Settings

HANOI = timezone(timedelta(hours=7))


def recorded(deployment: Settings) -> list[tuple[str, str]]:
    database = Database(deployment.database_url)
    with database.read() as session:
        found = session.scalars(select(AuditEvent).where(AuditEvent.action.startswith("key.")).order_by(AuditEvent.id))
        rows = [(row.action, row.subject) for row in found]
    database.close()
    return rows


def test_new_encrypts_what_lies_open(run: Run, keys: Path) -> None:
    result = run("keys", "new")
    assert (result.exit_code, (keys.parent / "keys.passphrase").stat().st_mode & 0o777) == (0, 0o600)
    assert all(b"ENCRYPTED" in path.read_bytes() for path in keys.glob("*.key.pem"))
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    assert "All keys are there" in run("keys", "new").stderr
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


def test_lost_passphrase_is_not_replaced_by_another(run: Run, keys: Path) -> None:
    run("keys", "new")
    (keys.parent / "keys.passphrase").unlink()
    result = run("keys", "new")
    assert (result.exit_code, "is gone, and keys lie under it" in result.stderr) == (1, True)
    assert not (keys.parent / "keys.passphrase").exists()


def test_rotation_is_listed_recorded_and_not_begun_twice(run: Run, keys: Path, deployment: Settings) -> None:
    result = run("keys", "rotate", "doc", "mdoc")
    assert result.exit_code == 0, result.stderr
    listed = [each for each in json.loads(run("keys", "list", "--json").stdout) if each["role"] in ("doc", "mdoc")]
    published = [each["kid"] for each in listed if each["state"] == "published"]
    assert len(published) == 2
    assert recorded(deployment) == [("key.rotated", kid) for kid in published]
    again = run("keys", "rotate", "doc")
    assert (again.exit_code, again.stderr.splitlines()[-1].strip()) == (1, "→ wallet keys list")


def test_both_pins_are_printed_while_the_root_changes(run: Run) -> None:
    before = run("keys", "pin").stdout.split()
    assert "wallet keys pin" in run("keys", "rotate", "bundle").stderr
    after = run("keys", "pin").stdout.split()
    assert (len(before), len(after), after[0]) == (1, 2, before[0])
    told = json.loads(run("keys", "pin", "--json").stdout)
    assert [each["state"] for each in told] == ["active", "published"]


def test_what_ends_soon_is_rotated_once(run: Run) -> None:
    assert "no key ends soon" in run("keys", "rotate", "--due", "1").stderr
    assert "mdoc" in run("keys", "rotate", "--due", "100").stderr
    assert "no key ends soon" in run("keys", "rotate", "--due", "100").stderr


@pytest.mark.parametrize("role", [Role.DOCUMENT, Role.BUNDLE_ROOT, Role.SECOND_BUNDLE])
def test_daily_timer_makes_the_next_key_of_every_role_in_time(run: Run, keys: Path, role: Role) -> None:
    """The day before it would be due nothing happens, a day after that nothing is late yet."""
    assert run("keys", "second").exit_code == 0
    days = 61 if role in PINNED else 34
    ending(keys, role, days + 1)
    assert role not in run("keys", "rotate", "--due", "30").stderr
    assert life(run)["state"] == "ok"
    ending(keys, role, days - 1)
    warned = life(run)
    assert (warned["state"], warned["mend"]) == ("warning", f"wallet keys rotate {role}")
    assert run("keys", "rotate", "--due", "30").exit_code == 0
    made = read_keyring(keys)[-1]
    assert made.role == role
    assert life(run)["state"] == "ok", "it takes over before the present one ends"


def life(run: Run) -> dict[str, str]:
    (told,) = [each for each in json.loads(run("doctor", "--json").stdout) if each["what"].endswith("key life")]
    return told


def ending(keys: Path, role: Role, days: int) -> None:
    """Let the key of a role end in so many days, and all others long after."""
    records, now = read_keyring(keys), SystemClock().now()
    ends = {r.kid: int((now + timedelta(days=days if r.role == role else 400)).timestamp()) for r in records}
    write_keyring(keys, [replace(r, not_after=ends[r.kid]) if r.state == "active" else r for r in records])


def test_revoked_key_is_replaced_and_recorded(run: Run, keys: Path, deployment: Settings) -> None:
    old = next(record for record in read_keyring(keys) if record.role == Role.DOCUMENT)
    result = run("keys", "revoke", old.kid, "--reason", "compromised", "--since", "2026-02-01")
    assert result.exit_code == 0, result.stderr
    assert recorded(deployment) == [("key.revoked", old.kid)]
    told = [each for each in json.loads(run("keys", "list", "--json").stdout) if each["role"] == "doc"]
    assert [each["state"] for each in told] == ["revoked", "active"]
    assert not list(keys.glob(f"doc-{old.kid}.key.pem"))


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ("2026-02-01", "2026-01-31T17:00:00+00:00"),
        ("2026-02-01T00:00:00+07:00", "2026-01-31T17:00:00+00:00"),
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00+00:00"),
        ("2026-02-01T00:00:00-0500", "2026-02-01T05:00:00+00:00"),
    ],
)
def test_day_alone_begins_in_vietnam_and_the_moment_is_told_with_its_zone(
    run: Run, keys: Path, since: str, moment: str
) -> None:
    kid = next(record.kid for record in read_keyring(keys) if record.role == Role.DOCUMENT)
    result = run("keys", "revoke", kid, "--reason", "compromised", "--since", since)
    assert result.exit_code == 0, result.stderr
    counted = datetime.fromisoformat(moment)
    record = next(record for record in read_keyring(keys) if record.kid == kid)
    assert record.compromised_at == counted.timestamp()
    assert f"since {counted.astimezone(HANOI).isoformat(timespec='minutes')}" in result.stderr
    again = run("keys", "revoke", kid, "--reason", "compromised", "--since", "2026-03-01")
    assert f"since {counted.astimezone(HANOI).isoformat(timespec='minutes')}" in again.stderr, "the earliest counts"


def test_successor_that_is_wanted_on_a_day_begins_with_it_in_vietnam(run: Run, keys: Path) -> None:
    day = (datetime.now(HANOI) + timedelta(days=20)).date()
    result = run("keys", "rotate", "doc", "--at", day.isoformat())
    assert result.exit_code == 0, result.stderr
    made = next(record for record in read_keyring(keys) if record.role == Role.DOCUMENT and record.published_at)
    assert made.active_from == datetime.combine(day, time(), HANOI).timestamp()
    assert f"from {day.isoformat()}T00:00+07:00" in result.stderr


@pytest.mark.parametrize("since", ["2026-02-01T00:00:00", "2026-02-30", "01/02/2026", "yesterday", ""])
def test_moment_without_its_zone_is_refused(run: Run, keys: Path, since: str) -> None:
    before = (keys / "keyring.json").read_bytes()
    kid = next(record.kid for record in read_keyring(keys) if record.role == Role.DOCUMENT)
    result = run("keys", "revoke", kid, "--reason", "compromised", "--since", since)
    assert (result.exit_code, "--since" in result.stderr) == (2, True)
    assert (keys / "keyring.json").read_bytes() == before


def test_revocation_does_not_wait_for_the_database(run: Run, keys: Path) -> None:
    old = next(record for record in read_keyring(keys) if record.role == Role.STATUS)
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    result = run("keys", "revoke", old.kid, "--reason", "lost", WALLET_DATABASE_URL=nowhere, WALLET_SOURCES_URL=nowhere)
    assert (result.exit_code, "not on record" in result.stderr) == (1, True)
    assert next(record for record in read_keyring(keys) if record.kid == old.kid).state == "revoked"


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("revoke", "0" * 16, "--reason", "lost"), "wallet keys list"),
        (("rotate",), "wallet keys rotate doc"),
        (("rotate", "doc", "--at", "2020-01-01"), "→ wallet keys rotate doc\n"),
    ],
)
def test_refusals_change_nothing_and_name_the_next_command(
    run: Run, keys: Path, arguments: tuple[str, ...], mend: str
) -> None:
    run("keys", "new")
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    result = run("keys", *arguments)
    assert (result.exit_code, mend in result.stderr) == (1, True)
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


def test_command_that_follows_a_moment_that_is_too_soon_is_taken(run: Run) -> None:
    refused = run("keys", "rotate", "doc", "--at", SystemClock().now().strftime("%Y-%m-%dT%H:%M:%S%z"))
    assert (refused.exit_code, "+07:00 là quá sớm" in refused.stderr) == (1, True)
    command = refused.stderr.splitlines()[-1].partition("→ wallet ")[2]
    assert run(*command.split()).exit_code == 0


def test_production_makes_no_key_without_a_passphrase(run: Run, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    result = run("keys", "new", WALLET_MODE="production", WALLET_KEYS_DIR=str(fresh))
    assert (result.exit_code, "openssl rand -hex 32" in result.stderr) == (1, True)
    assert [path.name for path in fresh.iterdir()] == [".lock"]


def test_production_does_not_start_with_a_demos_keys(run: Run, tmp_path: Path) -> None:
    fresh = str(tmp_path / "fresh")
    assert run("keys", "new", WALLET_KEYS_DIR=fresh).exit_code == 0
    environ = {"WALLET_KEYS_DIR": fresh, "WALLET_KEYS_PASSPHRASE_FILE": f"{fresh}.passphrase"}
    assert run("keys", "list", **environ).exit_code == 0
    result = run("keys", "list", WALLET_MODE="production", **environ)
    assert (result.exit_code, "was made for a demo" in result.stderr) == (1, True)


def test_production_makes_keys_of_its_own_and_starts_with_them(run: Run, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a1" * 32)
    passphrase.chmod(0o600)
    environ = {
        "WALLET_MODE": "production",
        "WALLET_KEYS_DIR": str(tmp_path / "fresh"),
        "WALLET_KEYS_PASSPHRASE_FILE": str(passphrase),
    }
    assert run("keys", "new", **environ).exit_code == 0
    assert run("keys", "list", **environ).exit_code == 0
    passphrase.chmod(0o644)
    assert "readable by others" in run("keys", "list", **environ).stderr


def test_ceremony_runs_from_the_reviewed_file_alone(run: Run, keys: Path, deployment: Settings, tmp_path: Path) -> None:
    file = tmp_path / "ceremony.json"
    steps = [{"do": "rotate", "role": "doc"}]
    file.write_text(json.dumps({"title": "Đổi khóa", "persons": ["Nguyễn Văn An", "Trần Thị Bình"], "steps": steps}))
    before = (keys / "keyring.json").read_bytes()
    dry = run("keys", "ceremony", str(file), "--dry-run")
    reviewed = dry.stdout.split("sha256 ")[1].strip()
    for options in ((), ("--reviewed", "0" * 64)):
        refused = run("keys", "ceremony", str(file), *options)
        assert (refused.exit_code, "--dry-run" in refused.stderr) == (1, True)
    assert (keys / "keyring.json").read_bytes() == before
    assert recorded(deployment) == []
    done = run("keys", "ceremony", str(file), "--reviewed", reviewed)
    assert done.exit_code == 0, done.stderr
    digest = hashlib.sha256(done.stdout.encode()).hexdigest()
    assert digest in done.stderr
    (rotated,) = (r.kid for r in read_keyring(keys) if r.state == "published")
    assert recorded(deployment) == [("key.rotated", rotated), ("key.ceremony", digest)]
    (kept,) = (keys / "ceremonies").iterdir()
    assert (kept.read_text(), kept.suffix, kept.stat().st_mode & 0o777) == (done.stdout, ".txt", 0o600)
    again = run("keys", "ceremony", str(file), "--reviewed", reviewed)
    assert (again.exit_code, "on its way already" in again.stderr) == (1, True)


def test_s63_ceremony_that_was_killed_is_told_and_put_on_record_by_the_next_command(
    run: Run, keys: Path, deployment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ceremony.json"
    steps = [{"do": "rotate", "role": "doc"}, {"do": "rotate", "role": "seal"}]
    file.write_text(json.dumps({"title": "Đổi khóa", "persons": ["Nguyễn Văn An", "Trần Thị Bình"], "steps": steps}))
    reviewed = hashlib.sha256(file.read_bytes()).hexdigest()
    real, times = Rotating.rotate, []

    class Killed(BaseException):
        """Nothing catches it."""

    def killed_at_the_second(self: Rotating, *arguments: Any) -> Any:
        times.append(arguments)
        if len(times) == 2:
            raise Killed
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Rotating, "rotate", killed_at_the_second)
        with pytest.raises(Killed):
            run("keys", "ceremony", str(file), "--reviewed", reviewed)
    assert recorded(deployment) == []
    (left,) = (keys / "ceremonies").glob("*.open")
    assert "step 2" in left.read_text()
    assert str(left) in run("keys", "list").stderr
    assert left.exists(), "looking changes nothing"
    after = run("keys", "rotate", "mdoc")
    assert (after.exit_code, str(left) in after.stderr) == (0, True)
    (kept,) = (keys / "ceremonies").iterdir()
    assert kept.read_text().splitlines()[-1] == STOPPED
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert recorded(deployment)[-1] == ("key.ceremony", digest)
    assert "ceremony" not in run("keys", "list").stderr


def test_second_keys_of_an_older_version_are_named_with_the_next_command(run: Run, keys: Path) -> None:
    def said() -> tuple[bool, str, str]:
        (finding,) = [each for each in json.loads(run("doctor", "--json").stdout) if each["what"] == "khóa / keys"]
        started = run("run", "--prepare-only", "--citizens", "1")
        assert started.exit_code == 0, started.stderr
        assert started.stderr.count(f"→ {finding['mend']}\n") == int(finding["state"] == "warning")
        return "not used any more" in started.stderr, finding["state"], finding["mend"]

    assert said() == (False, "ok", "")
    folder = keys / "second"
    folder.mkdir()
    assert said() == (False, "ok", ""), "nothing lies there"
    (folder / "bundle.key.pem").write_bytes(b"a key of then")
    before = (keys / "keyring.json").read_bytes()
    assert said() == (True, "warning", f"wallet keys second && rm -r {folder}")
    assert ((keys / "keyring.json").read_bytes(), len(list(folder.iterdir()))) == (before, 1), "said, and nothing done"


def test_second_keys_are_keys_like_all_others(run: Run, keys: Path, deployment: Settings) -> None:
    def listed() -> list[tuple[str, str, str]]:
        told = json.loads(run("keys", "list", "--json").stdout)
        return [(each["role"], each["state"], each["kid"]) for each in told if each["role"] in OPTIONAL]

    assert (listed(), run("keys", "pin", "--second").stdout) == ([], "")
    first = run("keys", "second")
    assert (first.exit_code, "wallet keys pin --second" in first.stderr) == (0, True)
    (bundle, status) = listed()
    assert [each[:2] for each in (bundle, status)] == [("second-bundle", "active"), ("second-status", "active")]
    assert all(kid in run("keys", "list").stdout for _, _, kid in (bundle, status))
    assert "All keys are there" in run("keys", "new").stderr
    before = (keys / "keyring.json").read_bytes()
    assert (run("keys", "second").exit_code, (keys / "keyring.json").read_bytes()) == (0, before)
    assert recorded(deployment) == []

    rotated = run("keys", "rotate", *map(str, OPTIONAL))
    assert (rotated.exit_code, "wallet keys pin --second" in rotated.stderr) == (0, True)
    coming = {role: kid for role, state, kid in listed() if state == "published"}
    assert set(coming) == set(OPTIONAL)
    again = run("keys", "rotate", "second-status")
    assert (again.exit_code, "on its way already" in again.stderr) == (1, True)
    pins = json.loads(run("keys", "pin", "--second", "--json").stdout)
    assert [each["kid"] for each in pins] == [bundle[2], coming["second-bundle"]]
    roots = json.loads(run("keys", "pin", "--json").stdout)
    assert not {each["kid"] for each in roots} & {each["kid"] for each in pins}

    revoked = run("keys", "revoke", bundle[2], "--reason", "compromised")
    assert (revoked.exit_code, "wallet keys pin --second" in revoked.stderr) == (0, True)
    states = {kid: state for role, state, kid in listed() if role == "second-bundle"}
    assert [states.pop(bundle[2]), states.pop(coming["second-bundle"]), *states.values()] == [
        "revoked",
        "published",
        "active",
    ]
    assert not list(keys.glob(f"second-bundle-{bundle[2]}.key.pem"))
    assert recorded(deployment) == [
        ("key.rotated", coming["second-bundle"]),
        ("key.rotated", coming["second-status"]),
        ("key.revoked", bundle[2]),
    ]


def test_revocation_goes_on_record_while_its_replacement_cannot_be_made(
    run: Run, keys: Path, deployment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = next(r.kid for r in read_keyring(keys) if r.role == Role.STATUS)

    def full(self: Making, *_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Making, "make", full)
        done = run("keys", "revoke", kid, "--reason", "compromised")
    assert (done.exit_code, done.stderr.splitlines()[-1].strip()) == (1, "→ wallet keys new")
    assert "revoked, and not replaced yet" in done.stderr
    assert "No space left" in done.stderr
    assert recorded(deployment) == [("key.revoked", kid)]
    assert not list(keys.glob(f"status-{kid}.key.pem"))


def test_key_is_revoked_without_the_passphrase(run: Run, keys: Path, deployment: Settings) -> None:
    """Whoever lost the passphrase, or has it in a safe that is shut, can stop a key all the same."""
    run("keys", "new")
    passphrase = keys.parent / "keys.passphrase"
    kid = next(r.kid for r in read_keyring(keys) if r.role == Role.DOCUMENT)
    kept = passphrase.read_bytes()
    passphrase.unlink()
    done = run("keys", "revoke", kid, "--reason", "compromised")
    assert (done.exit_code, "is gone, and keys lie under it" in done.stderr) == (1, True)
    assert {r.kid: r.state for r in read_keyring(keys)}[kid] == "revoked"
    assert not list(keys.glob(f"doc-{kid}.key.pem"))
    assert not passphrase.exists()
    assert recorded(deployment) == [("key.revoked", kid)]
    key_files.write(passphrase, kept)
    assert run("keys", "new").exit_code == 0
    assert [r.role for r in read_keyring(keys)][-1] == "doc"


@pytest.mark.parametrize("backend", ["pkcs11", "remote"])
def test_key_in_a_service_that_is_not_set_up_any_more_is_revoked(
    run: Run, keys: Path, deployment: Settings, backend: str
) -> None:
    ring = read_keyring(keys)
    kid = next(r.kid for r in ring if r.role == Role.SEAL)
    write_keyring(keys, [replace(r, backend=backend, place="x") if r.kid == kid else r for r in ring])
    lost = {"WALLET_REMOTE_SIGNER_URL": "http://127.0.0.1:9", "WALLET_REMOTE_SIGNER_SECRET_FILE": "/nowhere"}
    done = run("keys", "revoke", kid, "--reason", "lost", **(lost if backend == "remote" else {}))
    assert (done.exit_code, "revoked, and not replaced yet" in done.stderr) == (1, True)
    assert {r.kid: r.state for r in read_keyring(keys)}[kid] == "revoked"
    assert recorded(deployment) == [("key.revoked", kid)]


def test_key_whose_file_cannot_be_destroyed_is_revoked_replaced_and_told(
    run: Run, keys: Path, deployment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = next(r.kid for r in read_keyring(keys) if r.role == Role.STATUS)
    file = next(keys.glob(f"status-{kid}.key.pem"))

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(key_files, "remove", forbidden)
        done = run("keys", "revoke", kid, "--reason", "lost")
    assert (done.exit_code, done.stderr.splitlines()[-1].strip()) == (1, f"→ rm {file}")
    states = [r.state for r in read_keyring(keys) if r.role == Role.STATUS]
    assert states == ["revoked", "active"]
    assert recorded(deployment) == [("key.revoked", kid)]
    assert file.exists()
    assert run("keys", "revoke", kid, "--reason", "lost").exit_code == 0
    assert not file.exists()


def test_full_disk_ends_a_rotation_in_words_and_changes_nothing(
    run: Run, keys: Path, deployment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (keys / "keyring.json").read_bytes()

    def full(path: Path, content: bytes, *, replace: bool = False) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(key_files, "write", full)
        done = run("keys", "rotate", "doc")
    assert (done.exit_code, "No space left on device" in done.stderr) == (1, True)
    assert done.stderr.splitlines()[-1].strip() == "→ wallet doctor"
    assert ((keys / "keyring.json").read_bytes(), recorded(deployment)) == (before, [])


@pytest.mark.parametrize("backend", ["pkcs11", "remote"])
def test_second_keys_go_into_no_module(run: Run, keys: Path, deployment: Settings, backend: str) -> None:
    run("keys", "second")
    before = (keys / "keyring.json").read_bytes()
    refused = run("keys", "rotate", "second-bundle", "--backend", backend)
    assert (refused.exit_code, "kept in files alone" in refused.stderr) == (1, True)
    assert ((keys / "keyring.json").read_bytes(), recorded(deployment)) == (before, [])


def test_production_does_not_start_with_a_demos_second_keys(run: Run, keys: Path) -> None:
    run("keys", "second")
    directory = {"WALLET_KEYS_PASSPHRASE_FILE": str(keys.parent / "keys.passphrase"), "WALLET_MODE": "production"}
    refused = run("keys", "list", **directory)
    assert refused.exit_code == 1
    assert "second-bundle" in refused.stderr
    assert "was made for a demo" in refused.stderr


def test_s63_ceremony_of_second_keys_that_was_killed_half_way_goes_on_record(
    run: Run, keys: Path, deployment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "second")
    status = next(r.kid for r in read_keyring(keys) if r.role == Role.SECOND_STATUS)
    file = tmp_path / "ceremony.json"
    lost = {"do": "revoke", "kid": status, "reason": "lost", "since": "2026-03-01T00:00:00+07:00"}
    steps = [{"do": "rotate", "role": "second-bundle"}, lost, {"do": "rotate", "role": "doc"}]
    file.write_text(json.dumps({"title": "Đổi khóa", "persons": ["Nguyễn Văn An", "Trần Thị Bình"], "steps": steps}))
    reviewed = hashlib.sha256(file.read_bytes()).hexdigest()
    real = Making.make

    class Killed(BaseException):
        """Nothing catches it."""

    def killed_at_the_replacement(self: Making, role: Role, *arguments: Any) -> Any:
        if role is Role.SECOND_STATUS:
            raise Killed
        return real(self, role, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Making, "make", killed_at_the_replacement)
        with pytest.raises(Killed):
            run("keys", "ceremony", str(file), "--reviewed", reviewed)
    ring = {r.kid: r for r in read_keyring(keys)}
    assert ring[status].state == "revoked", "a revocation comes before its replacement"
    assert not list(keys.glob(f"second-status-{status}.key.pem"))
    assert [r.role for r in ring.values() if r.active_from and r.role in OPTIONAL] == ["second-bundle"]
    assert recorded(deployment) == []
    (left,) = (keys / "ceremonies").glob("*.open")
    refused = run("keys", "list")
    assert (refused.exit_code, "no active key for the role second-status" in refused.stderr) == (1, True)
    assert str(left) in refused.stderr
    assert recorded(deployment) == []
    after = run("keys", "new")
    assert (after.exit_code, "second-status-" in after.stderr, str(left) in after.stderr) == (0, True, True)
    (kept,) = (keys / "ceremonies").iterdir()
    on_record = recorded(deployment)
    assert on_record[-1] == ("key.ceremony", hashlib.sha256(kept.read_bytes()).hexdigest())
    again = run("keys", "ceremony", str(file), "--reviewed", reviewed)
    assert (again.exit_code, "second-bundle is on its way" in again.stderr, "revoked already" in again.stderr) == (
        1,
        True,
        True,
    )
    text = kept.read_text()
    assert text.splitlines()[-1] == STOPPED
    assert ("step 2 revoke" in text, "step 3" in text) == (True, False)
    assert recorded(deployment) == on_record, "it is put on record once"


def begun(keys: Path) -> Path:
    """Leave a ceremony as a power cut does that comes with its first step."""
    journal = Journal.begin(keys, "0" * 64, NOON)
    journal.line("begun")
    return journal.path


CEREMONY_LEFT = {
    "new": (True, ("new",)),
    "second": (True, ("second",)),
    "rotate": (True, ("rotate", "mdoc")),
    "list": (False, ("list",)),
    "list for programs": (False, ("list", "--json")),
    "pin": (False, ("pin",)),
    "reissue": (False, ("reissue",)),
}


@pytest.mark.parametrize("name", CEREMONY_LEFT)
def test_s63_every_command_tells_of_a_killed_ceremony_and_one_that_makes_keys_puts_it_on_record(
    run: Run, keys: Path, deployment: Settings, name: str
) -> None:
    changes, command = CEREMONY_LEFT[name]
    run("keys", "new")
    left = begun(keys)
    result = run("keys", *command)
    assert (result.exit_code, str(left) in result.stderr) == (0, True), result.stderr
    assert left.exists() is not changes
    assert ("key.ceremony" in [action for action, _ in recorded(deployment)]) is changes
    assert (str(left) in run("keys", "list").stderr) is not changes


def test_keys_are_made_although_a_killed_ceremony_cannot_be_put_on_record(run: Run, keys: Path) -> None:
    run("keys", "new")
    left = begun(keys)
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    result = run("keys", "second", WALLET_DATABASE_URL=nowhere, WALLET_SOURCES_URL=nowhere)
    assert (result.exit_code, "not on record" in result.stderr, "second-bundle-" in result.stderr) == (1, True, True)
    assert {record.role for record in read_keyring(keys)} >= set(OPTIONAL)
    assert run("keys", "new").exit_code == 0
    assert not left.exists()


def test_ceremony_refuses_a_second_key_in_a_module_before_anything_is_touched(
    run: Run, keys: Path, deployment: Settings, tmp_path: Path
) -> None:
    run("keys", "second")
    before = {path.name: path.read_bytes() for path in keys.iterdir() if path.is_file()}
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_bytes(b"s" * 32)
    remote = {"WALLET_REMOTE_SIGNER_URL": "http://127.0.0.1:9", "WALLET_REMOTE_SIGNER_SECRET_FILE": str(secret)}
    steps = [{"do": "rotate", "role": "doc"}, {"do": "rotate", "role": "second-bundle", "backend": "remote"}]
    file = tmp_path / "ceremony.json"
    file.write_text(json.dumps({"title": "Đổi khóa", "persons": ["Nguyễn Văn An", "Trần Thị Bình"], "steps": steps}))
    refused = run("keys", "ceremony", str(file), "--dry-run", **remote)
    assert (refused.exit_code, "step 2: second-bundle" in refused.stderr) == (1, True)
    assert {path.name: path.read_bytes() for path in keys.iterdir() if path.is_file()} == before
    assert recorded(deployment) == []
