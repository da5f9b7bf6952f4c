"""The memory of a gate, in a process and in a file. Source: docs/wire.md, section 3, step 7."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wallet.errors import Unavailable
from wallet.verifier import FileReplay, MemoryReplay, Replay

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
    assert len(replay._until) < 200


def test_the_file_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    assert FileReplay(path).remember("A", b"1", 100, 0.0)
    assert not FileReplay(path).remember("A", b"1", 100, 0.0)


def test_a_file_that_is_no_memory_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(Unavailable):
        FileReplay(path).remember("A", b"1", 100, 0.0)
