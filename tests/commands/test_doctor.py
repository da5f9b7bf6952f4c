"""`wallet doctor`: how long the keys last, and what mends a role that is about to lack one."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.commands.conftest import Run
from wallet.clock import SystemClock
from wallet.crypto.keyring import KeyRecord, read_keyring, write_keyring
from wallet.crypto.keystore import Role
from wallet.crypto.making import LIVES, Life
from wallet.db import Database
from wallet.documents.models import PublicationRow, TypeMetadataRow
from wallet.settings import Settings


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


def words(run: Run) -> tuple[str, str]:
    """Return what doctor says of the words of kinds of document."""
    (found,) = [each for each in json.loads(run("doctor", "--json").stdout) if each["what"].startswith("lời của")]
    return found["state"], found["detail"]


def test_words_that_changed_without_their_version_are_told(run: Run, deployment: Settings) -> None:
    assert words(run)[0] == "ok"
    database = Database(deployment.database_url)
    of_residence = TypeMetadataRow.kind == "residence", TypeMetadataRow.version == 1
    with database.write() as session:
        kept = session.scalars(select(TypeMetadataRow.content).where(*of_residence)).one()
        other = kept.replace(b'"name":"', b'"name":"x', 1)
        session.execute(update(TypeMetadataRow).where(*of_residence).values(content=other))
    state, detail = words(run)
    assert (state, detail.rpartition(": ")[2]) == ("warning", "residence/1")
    with database.write() as session:
        session.execute(update(TypeMetadataRow).where(*of_residence).values(content=kept))
    database.close()
    assert words(run)[0] == "ok"


def test_words_are_alike_after_a_move(run: Run) -> None:
    environ = {"WALLET_ISSUER_URL": "https://moved.example.vn"}
    found = json.loads(run("doctor", "--json", **environ).stdout)
    assert [each["state"] for each in found if each["what"].startswith("lời của")] == ["ok"]


def found(run: Run, what: str, **environ: str) -> dict[str, str]:
    """Return what doctor says of one thing, by the end of its name."""
    (told,) = [each for each in json.loads(run("doctor", "--json", **environ).stdout) if each["what"].endswith(what)]
    return told


MOVED = {"WALLET_ISSUER_URL": "https://moved.example.vn"}


def test_signers_whose_certificates_name_another_address_are_told_with_what_mends_it(run: Run, keys: Path) -> None:
    what = "address in certificates"
    assert found(run, what)["state"] == "ok"
    (old,) = [r.kid for r in read_keyring(keys) if r.role == Role.SD_JWT and r.state == "active"]
    told = found(run, what, **MOVED)
    assert (told["state"], told["mend"]) == ("warning", "wallet keys rotate sdjwt")
    assert told["detail"].endswith(f"sdjwt {old}: https://vi.example.vn")
    assert run("keys", "rotate", "sdjwt", **MOVED).exit_code == 0
    coming = read_keyring(keys)[-1]
    told = found(run, what, **MOVED)
    assert (told["state"], told["mend"]) == ("warning", "wallet keys list")
    assert told["detail"].endswith(f"; {day(coming.active_from)} → https://moved.example.vn")
    assert found(run, what)["state"] == "ok", "made ahead of the move, it is no fault before"
    assert run("keys", "revoke", old, "--reason", "ceased", **MOVED).exit_code == 0
    assert found(run, what, **MOVED)["state"] == "ok"


def test_demo_that_goes_by_its_port_is_told_of_no_move(run: Run) -> None:
    elsewhere = {"WALLET_ISSUER_URL": "http://127.0.0.1:1"}
    assert found(run, "address in certificates", **elsewhere)["state"] == "ok"
    told = found(run, "status lists", **elsewhere)
    assert (told["state"], told["mend"]) == ("ok", "")
    assert told["detail"].endswith("none yet at http://127.0.0.1:1")


def test_lists_that_are_missing_at_the_address_of_production_are_told(run: Run) -> None:
    told = found(run, "status lists", WALLET_MODE="production", **MOVED)
    assert (told["state"], told["mend"]) == ("warning", "wallet run --prepare-only")


def longest(run: Run) -> dict[str, str]:
    """Return what doctor says of how long documents may be valid."""
    (found,) = [each for each in json.loads(run("doctor", "--json").stdout) if each["what"].endswith("of documents")]
    return found


def test_a_key_whose_certificate_ends_before_some_documents_is_told_with_what_follows_it(
    run: Run, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = longest(run)
    assert (told["state"], told["detail"], told["mend"]) == ("ok", "3660 ngày / days", "")
    with monkeypatch.context() as patch:  # as it was made before certificates outlived every document
        patch.setitem(LIVES, Role.DOCUMENT, Life(certificate=timedelta(days=1500)))
        for kid in [r.kid for r in read_keyring(keys) if r.role == Role.DOCUMENT and r.state == "active"]:
            assert run("keys", "revoke", kid, "--reason", "ceased").exit_code == 0
    (old,) = [r.kid for r in read_keyring(keys) if r.role == Role.DOCUMENT and r.state == "active"]
    told = longest(run)
    assert (told["state"], told["mend"]) == ("warning", "wallet keys rotate doc")
    assert told["detail"].startswith(f"{old}: 1499 ngày")
    assert run("keys", "rotate", "doc").exit_code == 0
    told = longest(run)
    assert (told["state"], told["mend"]) == ("warning", "wallet keys list")
    assert told["detail"].endswith(f"→ {day(read_keyring(keys)[-1].active_from)}")
    assert run("keys", "revoke", old, "--reason", "ceased").exit_code == 0
    assert longest(run)["state"] == "ok"


def test_without_a_key_for_documents_none_may_be_valid(run: Run, keys: Path) -> None:
    write_keyring(keys, [record for record in read_keyring(keys) if record.role != Role.DOCUMENT])
    told = longest(run)
    assert (told["state"], told["mend"]) == ("wrong", "wallet keys new")


def test_published_copies_that_are_dated_ahead_are_told(run: Run, deployment: Settings) -> None:
    def told() -> dict[str, str]:
        return next(
            each for each in json.loads(run("doctor", "--json").stdout) if each["what"].endswith("what is published")
        )

    now = SystemClock().now()
    for seconds, name in ((-900, "status-list/1.cwt"), (30, "status-list/1.jwt")):
        publish(deployment, name, now + timedelta(seconds=seconds))
    assert (told()["state"], told()["detail"], told()["mend"]) == ("ok", "2", "")
    publish(deployment, "bundle", now + timedelta(hours=2))
    found = told()
    assert (found["state"], found["mend"]) == ("wrong", "date -u")
    assert "không ai nhận" in found["detail"]
    assert "taken by nobody" in found["detail"]
    assert ": bundle +7," in found["detail"]
    assert "status-list" not in found["detail"]
    shown = run("doctor")
    assert shown.exit_code == 1
    assert "→ date -u" in shown.stdout


def publish(deployment: Settings, name: str, at: datetime) -> None:
    with closing(Database(deployment.database_url)) as database, database.write() as session:
        row = {"sequence": 1, "content_key": "", "token": b"", "issued_at": at, "expires_at": at + timedelta(hours=72)}
        session.add(PublicationRow(name=name, **row))
