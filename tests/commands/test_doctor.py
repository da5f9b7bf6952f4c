"""`wallet doctor`: how long the keys last, and what mends a role that is about to lack one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.commands.conftest import Run
from wallet.clock import SystemClock
from wallet.crypto.keyring import KeyRecord, read_keyring, write_keyring
from wallet.crypto.keystore import Role


def key_life(run: Run) -> dict[str, str]:
    """Return what doctor says of the life of keys."""
    (found,) = [each for each in json.loads(run("doctor", "--json").stdout) if each["what"].endswith("key life")]
    return found


def in_days(days: int) -> int:
    return int((SystemClock().now() + timedelta(days=days)).timestamp())


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def ending(keys: Path, role: Role, days: int) -> KeyRecord:
    """Let the key of a role end in so many days; return it."""
    records = read_keyring(keys)
    found = next(r for r in reversed(records) if r.role == role and r.state == "active")
    changed = replace(found, not_after=in_days(days))
    write_keyring(keys, [changed if r.kid == found.kid else r for r in records])
    return changed


def test_life_is_that_of_the_role_that_ends_first(run: Run, keys: Path) -> None:
    told = key_life(run)
    assert (told["state"], told["mend"]) == ("ok", "")
    assert told["detail"].startswith("mdoc → ")


def test_key_that_ends_soon_is_told_although_a_younger_one_was_revoked(run: Run, keys: Path) -> None:
    assert run("keys", "rotate", "doc").exit_code == 0
    next_one = read_keyring(keys)[-1]
    assert run("keys", "revoke", next_one.kid, "--reason", "ceased").exit_code == 0
    old = ending(keys, Role.DOCUMENT, 12)
    told = key_life(run)
    assert (told["state"], told["mend"]) == ("warning", "wallet keys rotate doc")
    assert told["detail"] == f"doc → {day(old.not_after)}"


def test_next_key_that_begins_in_time_lets_the_present_one_end(run: Run, keys: Path) -> None:
    assert run("keys", "rotate", "doc").exit_code == 0
    ending(keys, Role.DOCUMENT, 12)
    assert key_life(run)["state"] == "ok"


def test_next_key_that_begins_too_late_is_wrong(run: Run, keys: Path) -> None:
    ending(keys, Role.DOCUMENT, 2)
    assert run("keys", "rotate", "doc").exit_code == 0
    told = key_life(run)
    assert told["state"] == "wrong"
    assert told["detail"].endswith(f"doc → {day(in_days(2))}")


def test_role_whose_key_has_ended_is_wrong(run: Run, keys: Path) -> None:
    ending(keys, Role.SEAL, -1)
    told = key_life(run)
    assert (told["state"], told["mend"]) == ("wrong", "wallet keys new")
    assert told["detail"].endswith("seal")
    assert run("keys", "new").exit_code == 0
    assert key_life(run)["state"] == "ok"
