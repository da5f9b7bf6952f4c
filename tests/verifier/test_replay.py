"""The memory of a gate, in a process and in a file. Source: docs/wire.md, section 3, step 7."""

import hashlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from wallet.errors import Unavailable
from wallet.verifier import FileReplay, MemoryReplay, Replay
from wallet.verifier.replay import Sighting

Make = Callable[[], Replay]


@pytest.fixture(params=["memory", "file"])
def replay(request: pytest.FixtureRequest, tmp_path: Path) -> Replay:
    return MemoryReplay() if request.param == "memory" else FileReplay(tmp_path / "seen.sqlite")


def test_the_second_time_is_told_per_gate(replay: Replay) -> None:
    assert replay.remember("A", b"1", 100, 0.0)
    assert not replay.remember("A", b"1", 100, 1.0)
    assert replay.remember("B", b"1", 100, 1.0)
    assert replay.remember("A", b"2", 100, 1.0)
    assert not replay.remember("A", b"1", 100, 100.0)


def test_a_memory_knows_when_and_where_it_saw_a_code_first(replay: Replay) -> None:
    assert replay.sighting("C3", b"1") is None
    for second in (5.9, 7.0, 99.0):
        replay.remember("C3", b"1", 100, second)
        assert replay.sighting("C3", b"1") == Sighting(5, "C3")
    assert replay.sighting("C4", b"1") is None, "another gate"
    assert replay.remember("C3", b"1", 300, 101.0)
    assert replay.sighting("C3", b"1") == Sighting(101, "C3")


def test_of_what_an_earlier_version_remembers_nobody_knows_when(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    replay = FileReplay(path)
    assert replay.remember("C3", DIGEST, 100, 5.0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE former (mark BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID")
        connection.execute("INSERT INTO former SELECT mark, until FROM salted")
        connection.execute("DROP TABLE salted")
        connection.execute("ALTER TABLE former RENAME TO salted")
    assert not replay.remember("C3", DIGEST, 100, 6.0), "still known"
    assert replay.sighting("C3", DIGEST) is None
    assert replay.remember("C3", b"2", 100, 7.0)
    assert replay.sighting("C3", b"2") == Sighting(7, "C3")


def test_what_is_past_its_time_is_forgotten(replay: Replay) -> None:
    assert replay.remember("A", b"1", 100, 0.0)
    assert replay.remember("A", b"1", 300, 100.5)
    assert not replay.remember("A", b"1", 300, 200.0)


def test_one_of_fifty_at_once_is_the_first(replay: Replay) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: replay.remember("A", b"1", 100, 0.0), range(50)))
    assert found.count(True) == 1


def test_the_memory_does_not_grow_without_end() -> None:
    replay = MemoryReplay()
    for second in range(10_000):
        assert replay.remember("A", second.to_bytes(4, "big"), second + 90, float(second))
    assert len(replay._seen) < 200


def test_the_file_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    assert FileReplay(path).remember("A", b"1", 100, 0.0)
    assert not FileReplay(path).remember("A", b"1", 100, 0.0)


def test_a_file_that_is_no_memory_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(Unavailable):
        FileReplay(path).remember("A", b"1", 100, 0.0)


DIGEST = hashlib.sha256(b"what was shown").digest()


def test_what_is_kept_says_nothing_of_what_was_shown(tmp_path: Path) -> None:
    marks = []
    for name in ("one", "two"):
        path = tmp_path / name
        assert FileReplay(path).remember("C3", DIGEST, 100, 0.0)
        assert DIGEST not in path.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            marks += connection.execute("SELECT mark FROM salted").fetchall()
            (salt,) = connection.execute("SELECT value FROM salt").fetchone()
            assert len(salt) == 32
    assert len(set(marks)) == 2, "two stores have nothing in common"


def test_nothing_is_kept_for_more_than_a_day(tmp_path: Path) -> None:
    replay = FileReplay(tmp_path / "seen.sqlite")
    assert replay.remember("A", DIGEST, 10**9, 0.0)
    assert not replay.remember("A", DIGEST, 10**9, 86_400.0)
    assert replay.remember("A", DIGEST, 10**9, 86_401.0)


def former(path: Path, *rows: tuple[object, object, object]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE seen (gate TEXT, digest BLOB, until INTEGER, PRIMARY KEY (gate, digest))")
        connection.executemany("INSERT INTO seen VALUES (?, ?, ?)", rows)


def test_a_file_of_an_earlier_version_is_taken_over_and_its_digests_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    old = hashlib.sha256(b"long ago").digest()
    former(path, ("C3", DIGEST, 100), ("C3", old, 10), ("C3", "text", 100), (None, b"x", 100), ("C3", b"y", "never"))
    replay = FileReplay(path)
    assert not replay.remember("C3", DIGEST, 100, 50.0), "still known"
    assert replay.remember("C4", DIGEST, 100, 50.0)
    assert replay.remember("C3", old, 100, 50.0), "was forgotten"
    assert DIGEST not in path.read_bytes()
    assert old not in path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"salt", "salted"}
