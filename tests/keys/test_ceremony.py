"""A ceremony from one reviewed file: refused whole or done as it stands, with a transcript (S-63)."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.keys.conftest import serving
from tests.keys.signing_server import SECRET
from tests.support import AUTHORITY, NOON, FixedClock
from wallet.clock import SystemClock
from wallet.crypto import key_files
from wallet.crypto.keyring import KeyRecord, read_keyring
from wallet.crypto.keystore import Role, certificate_path
from wallet.crypto.making import Making, create_missing
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, Unavailable
from wallet.keys.ceremony import STOPPED, Ceremony, Journal, faults, perform, read_ceremony
from wallet.keys.remote import SigningServer
from wallet.keys.rotating import Rotating

LIFETIME = timedelta(hours=72)
A_SECOND = timedelta(seconds=1)
ROTATE = {"do": "rotate", "role": "doc"}
SOUND: dict[str, Any] = {"title": "Đổi khóa quý IV", "persons": ["Nguyễn Văn An", "Trần Thị Bình"], "steps": [ROTATE]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "keys"
    create_missing(directory, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    return directory


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "keys"))


def read(**changes: Any) -> Ceremony:
    return read_ceremony(json.dumps(SOUND | changes).encode(), toml=False)


def revoke(kid: str, **changes: Any) -> dict[str, Any]:
    return {"do": "revoke", "kid": kid, "reason": "lost", "since": "2026-03-01T00:00:00+07:00"} | changes


def found(keys: Path, *steps: dict[str, Any]) -> list[str]:
    return faults(read(steps=list(steps)), read_keyring(keys), NOON, LIFETIME, frozenset({"files"}))


def kid(keys: Path, role: Role) -> str:
    return next(record.kid for record in read_keyring(keys) if record.role == role)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"title": ""}, "title"),
        ({"title": 5}, "title"),
        ({"persons": ["Nguyễn Văn An"]}, "two different names"),
        ({"persons": ["Nguyễn Văn An", "nguyễn  văn an"]}, "two different names"),
        ({"persons": ["Nguyễn Văn An", 5]}, "two different names"),
        ({"persons": "An, Bình"}, "two different names"),
        ({"steps": []}, "steps: 1 to"),
        ({"steps": [ROTATE] * 51}, "steps: 1 to"),
        ({"steps": ["rotate"]}, "do is rotate or revoke"),
        ({"steps": [{"do": "destroy"}]}, "do is rotate or revoke"),
        ({"steps": [{"do": ["rotate"]}]}, "do is rotate or revoke"),
        ({"steps": [{**ROTATE, "role": "root"}]}, "role is one of"),
        ({"steps": [{**ROTATE, "role": ["doc"]}]}, "role is one of"),
        ({"steps": [{**ROTATE, "when": "now"}]}, "when is no member"),
        ({"steps": [{**ROTATE, "at": "2026-12-01"}]}, "a time with its zone"),
        ({"steps": [{**ROTATE, "at": 5}]}, "a time with its zone"),
        ({"steps": [{**ROTATE, "backend": 5}]}, "backend is a name"),
        ({"steps": [revoke("x", reason="bored")]}, "reason is one of"),
        ({"steps": [{"do": "revoke", "reason": "lost"}]}, "kid is missing"),
        ({"steps": [revoke("x", since="2026-03-01")]}, "since is a time"),
        ({"steps": [{"do": "revoke", "kid": "x", "reason": "compromised"}]}, "since is missing"),
        ({"steps": [revoke("x", reason="compromised", since=None)]}, "since is missing"),
        ({"more": 1}, "its members are"),
    ],
)
def test_file_of_another_form_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read(**changes)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"title": "a", "title": "b"}', b"[" * 100_000])
def test_what_is_no_file_of_this_kind_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read_ceremony(content, toml=False)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(title="", persons=[], steps=[{"do": "x"}, {**ROTATE, "role": "y"}])
    assert len(refused.value.problems) == 4


def test_toml_says_the_same() -> None:
    toml = """
title = "Đổi khóa quý IV"
persons = ["Nguyễn Văn An", "Trần Thị Bình"]
[[steps]]
do = "rotate"
role = "doc"
at = 2026-12-01T00:00:00+07:00
"""
    read_toml = read_ceremony(toml.encode(), toml=True)
    assert read_toml.steps == read(steps=[{**ROTATE, "at": "2026-12-01T00:00:00+07:00"}]).steps


def test_what_cannot_be_done_is_found_before_anything_is_touched(keys: Path) -> None:
    own = kid(keys, Role.STATUS)
    told = found(
        keys,
        ROTATE,
        ROTATE,
        {**ROTATE, "role": "seal", "backend": "pkcs11"},
        {**ROTATE, "role": "mdoc", "at": "2026-03-03T00:00:00+07:00"},
        {**ROTATE, "role": "iaca", "at": "2036-03-03T00:00:00+07:00"},
        revoke("0" * 16),
        revoke(own, since="2027-01-01T00:00:00+07:00"),
    )
    assert [text.split(":")[0] for text in told] == ["step 2", "step 3", "step 4", "step 5", "step 6", "step 7"]
    assert found(keys, ROTATE, revoke(own)) == []


def test_what_is_on_its_way_or_revoked_is_found(keys: Path) -> None:
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    rotating.rotate(Role.DOCUMENT)
    own = kid(keys, Role.STATUS)
    done(keys, read(steps=[revoke(own)]), lambda _: rotating)
    assert len(found(keys, ROTATE, revoke(own))) == 2


@pytest.mark.parametrize("given", ["the next key itself", "the root that certified it"])
def test_next_key_that_an_earlier_step_ends_makes_room_for_another(keys: Path, given: str) -> None:
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    coming = rotating.rotate(Role.SD_JWT)
    ended = coming.kid if given == "the next key itself" else coming.issuer
    again = {**ROTATE, "role": "sdjwt"}
    assert found(keys, again, revoke(ended)) == ["step 1: the next key of sdjwt is on its way already"]
    steps = [revoke(ended), again]
    assert found(keys, *steps) == []
    assert STOPPED not in done(keys, read(steps=steps), lambda _: rotating)
    (following,) = [
        r for r in read_keyring(keys) if r.role == "sdjwt" and r.state == "published" and r.kid != coming.kid
    ]
    assert following.active_from > NOON.timestamp()


def test_next_key_of_another_role_makes_no_room(keys: Path) -> None:
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    rotating.rotate(Role.DOCUMENT)
    other = rotating.rotate(Role.SEAL)
    assert found(keys, revoke(other.kid), ROTATE) == ["step 2: the next key of doc is on its way already"]


def done(keys: Path, ceremony: Ceremony, rotating_with: Callable[[str], Rotating]) -> str:
    """Carry a ceremony out; return its transcript."""
    journal = Journal.begin(keys, ceremony.digest, NOON)
    perform(ceremony, rotating_with, certificates(keys), journal)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.is_whole == (STOPPED not in journal.text)
    return journal.text


def certificates(keys: Path) -> Callable[[KeyRecord], bytes]:
    return lambda record: certificate_path(keys, record).read_bytes()


def test_s63_transcript_names_everything_that_was_done(keys: Path) -> None:
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    own, ceremony = kid(keys, Role.STATUS), read(steps=[ROTATE, revoke(kid(keys, Role.STATUS))])
    transcript = done(keys, ceremony, lambda _: rotating)
    assert ceremony.digest in transcript
    assert all(name in transcript for name in ceremony.persons)
    assert STOPPED not in transcript
    assert f"revoke {own}, lost since 2026-03-01T00:00:00+07:00" in transcript
    new = [record for record in read_keyring(keys) if record.active_from]
    assert [record.role for record in new] == ["doc", "status"]
    for record in new:
        digest = hashlib.sha256(certificate_path(keys, record).read_bytes()).hexdigest()
        assert f"made {record.role} {record.kid}, certificate sha256 {digest}" in transcript


def test_key_that_nobody_else_had_is_revoked_as_of_that_moment(keys: Path) -> None:
    """What it signed is issued again, as where the command has no `--since`."""
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    own = kid(keys, Role.DOCUMENT)
    step = {"do": "revoke", "kid": own, "reason": "ceased"}
    assert found(keys, step) == []
    transcript = done(keys, read(steps=[step]), lambda _: rotating)
    assert f"revoke {own}, ceased, nobody else had it" in transcript.splitlines()[-3]
    (record,) = [each for each in read_keyring(keys) if each.kid == own]
    assert (record.state, record.compromised_at) == ("revoked", record.revoked_at)


def test_no_word_of_the_file_makes_a_line_of_the_transcript(keys: Path) -> None:
    rotating = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME)
    forged = f"Đổi khóa\nperson Lê Văn C\n{STOPPED}"
    journal = Journal.begin(keys, "0" * 64, NOON)
    perform(read(title=forged), lambda _: rotating, certificates(keys), journal)
    lines = journal.text.splitlines()
    assert [line.split()[0] for line in lines] == [
        "file",
        "title",
        "person",
        "person",
        "begun",
        "step",
        "made",
        "ended",
    ]
    assert journal.is_whole


def test_key_whose_file_stays_is_on_record_and_ends_the_ceremony(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(key_files, "remove", forbidden)
    rotating, own = Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME), kid(keys, Role.STATUS)
    journal = Journal.begin(keys, "0" * 64, NOON)
    perform(read(steps=[revoke(own), ROTATE]), lambda _: rotating, certificates(keys), journal)
    assert [(action, record.kid) for action, record in journal.changed] == [("key.revoked", own)]
    assert "not destroyed: PermissionError" in journal.text
    assert ("made status" in journal.text, "step 2" in journal.text, journal.is_whole) == (True, False, False)


def test_ceremony_that_is_stopped_says_where(keys: Path) -> None:
    class Away:
        def create(self, label: str) -> Any:
            raise Unavailable("signing_unavailable")

        def sign(self, place: str, message: bytes) -> bytes:
            raise Unavailable("signing_unavailable")

        def close(self) -> None: ...

    def rotating_with(backend: str) -> Rotating:
        services = {"remote": Away()}
        making = Making(keys, SystemEntropy(), AUTHORITY, services=services, backend=backend or "files")
        return Rotating(making, FixedClock(), LIFETIME)

    steps = [
        {**ROTATE, "backend": "files"},
        {**ROTATE, "role": "seal", "backend": "remote"},
        {**ROTATE, "role": "mdoc"},
    ]
    transcript = done(keys, read(steps=steps), rotating_with)
    assert STOPPED in transcript
    assert "step 2" in transcript
    assert "step 3" not in transcript
    assert [record.role for record in read_keyring(keys) if record.active_from] == ["doc"]


def test_s63_transcript_is_on_the_disk_before_and_after_each_step(keys: Path) -> None:
    """Whoever is killed in the middle leaves what was done, and that it did not end."""
    rotating, ceremony = (
        Rotating(Making(keys, SystemEntropy(), AUTHORITY), FixedClock(), LIFETIME),
        read(steps=[ROTATE, {**ROTATE, "role": "seal"}, {**ROTATE, "role": "mdoc"}]),
    )
    journal, seen = Journal.begin(keys, ceremony.digest, NOON), []

    class Killed(BaseException):
        """Nothing catches it."""

    def rotating_with(backend: str) -> Rotating:
        if backend:
            seen.append(journal.text.splitlines())
        if len(seen) == 2:
            raise Killed
        return rotating

    with pytest.raises(Killed):
        perform(ceremony, rotating_with, certificates(keys), journal)
    (left,) = Journal.left(keys)
    lines = left.text.splitlines()
    assert seen[1] == lines
    assert [line.split()[0] for line in lines] == ["file", "title", "person", "person", "begun", "step", "made", "step"]
    assert (left.is_over, left.is_whole) == (False, False)
    new = [record.role for record in read_keyring(keys) if record.active_from]
    assert new == ["doc"]
    left.line(STOPPED)
    assert (left.is_over, left.is_whole) == (True, False)
    left.close()
    assert Journal.left(keys) == []


def test_revoked_key_is_replaced_where_it_was_kept(keys: Path) -> None:
    with (
        serving() as server,
        closing(SigningServer(server.url, SECRET, SystemClock(), SystemEntropy(), A_SECOND)) as to,
    ):
        clock = FixedClock()

        def rotating_with(backend: str) -> Rotating:
            making = Making(keys, SystemEntropy(), AUTHORITY, services={"remote": to}, backend=backend)
            return Rotating(making, clock, LIFETIME)

        done(keys, read(steps=[{**ROTATE, "backend": "remote"}]), rotating_with)
        clock.advance(days=10)
        kept = read_keyring(keys)[-1]
        transcript = done(keys, read(steps=[revoke(kept.kid)]), rotating_with)
        assert STOPPED not in transcript
        assert read_keyring(keys)[-1].backend == "remote"
        server.fault = "hangs up"
        asked = read(steps=[revoke(read_keyring(keys)[-1].kid), {**ROTATE, "role": "seal"}])
        stopped = done(keys, asked, rotating_with)
        assert "lacking doc: Unavailable" in stopped
        assert STOPPED in stopped
        assert "step 2" not in stopped
        assert read_keyring(keys)[-1].state == "revoked"
