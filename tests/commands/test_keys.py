"""`wallet keys`: what each command does to a deployment, and what it refuses with the next command to try."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.commands.conftest import Run
from wallet.audit import AuditEvent
from wallet.crypto.keyring import read_keyring
from wallet.crypto.keystore import Role
from wallet.db import Database
from wallet.keys.ceremony import STOPPED
from wallet.keys.rotating import Rotating
from wallet.settings import Settings


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


def test_revoked_key_is_replaced_and_recorded(run: Run, keys: Path, deployment: Settings) -> None:
    old = next(record for record in read_keyring(keys) if record.role == Role.DOCUMENT)
    result = run("keys", "revoke", old.kid, "--reason", "compromised", "--since", "2026-02-01")
    assert result.exit_code == 0, result.stderr
    assert recorded(deployment) == [("key.revoked", old.kid)]
    states = [each["state"] for each in json.loads(run("keys", "list", "--json").stdout) if each["role"] == "doc"]
    assert states == ["revoked", "active"]
    assert not list(keys.glob(f"doc-{old.kid}.key.pem"))


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
        (("rotate", "doc", "--at", "2020-01-01"), "wallet keys rotate doc --at"),
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


def test_second_keys_are_listed_and_replaced_one_by_one(run: Run, keys: Path, deployment: Settings) -> None:
    refused = run("keys", "second", "--replace", "bundle")
    assert (refused.exit_code, "no second keys" in refused.stderr) == (1, True)
    assert not any(each["role"].startswith("second") for each in json.loads(run("keys", "list", "--json").stdout))
    assert run("keys", "second").exit_code == 0

    def listed() -> dict[str, str]:
        told = json.loads(run("keys", "list", "--json").stdout)
        return {each["role"]: each["kid"] for each in told if each["role"].startswith("second")}

    before, old = listed(), (keys / "second" / "bundle.key.pem").read_bytes()
    assert set(before) == {"second-bundle", "second-status"}
    assert all(kid in run("keys", "list").stdout for kid in before.values())
    assert recorded(deployment) == []
    done = run("keys", "second", "--replace", "bundle")
    assert (done.exit_code, "drop the old one" in done.stderr) == (0, True)
    after = listed()
    assert (after["second-bundle"] != before["second-bundle"], after["second-status"]) == (
        True,
        before["second-status"],
    )
    assert (keys / "second" / "bundle.key.pem").read_bytes() != old
    assert recorded(deployment) == [("key.second_replaced", before["second-bundle"])]
