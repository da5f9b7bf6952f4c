"""Counts against guessing: exact in parallel, kept over a restart, and telling nobody whose they are."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.identity.conftest import World
from wallet.errors import TooManyAttempts
from wallet.identity.models import GuessCount

WINDOW = timedelta(minutes=10)


def count(world: World, subject: str = "203.0.113.0/24", limit: int = 3, scope: str = "address") -> int:
    with world.work() as work:
        return int(work.limits.count(scope, subject, limit, WINDOW))


def test_so_many_pass_and_the_next_waits_for_the_window(world: World) -> None:
    assert [count(world) for _ in range(3)] == [1, 2, 3]
    world.clock.advance(seconds=1)
    with pytest.raises(TooManyAttempts) as caught:
        count(world)
    assert (caught.value.code, caught.value.retry_after) == ("too_many_attempts", 599)
    world.clock.advance(WINDOW - timedelta(seconds=1))
    assert count(world) == 1


def test_each_scope_and_subject_has_its_own_count(world: World) -> None:
    assert [count(world), count(world, "198.51.100.0/24"), count(world, scope="otp-phone")] == [1, 1, 1]


def test_refused_try_moves_nothing(world: World) -> None:
    for _ in range(3):
        count(world)
    for _ in range(5):
        with pytest.raises(TooManyAttempts):
            count(world)
    assert count(world, limit=10) == 4


def test_checking_writes_nothing_and_refuses_alike(world: World) -> None:
    for expected in (None, None, None, 600):
        with world.read() as work:
            if expected is None:
                work.limits.check("address", "a", 3)
            else:
                with pytest.raises(TooManyAttempts) as caught:
                    work.limits.check("address", "a", 3)
                assert caught.value.retry_after == expected
                break
        count(world, "a")
    world.clock.advance(WINDOW)
    with world.read() as work:
        work.limits.check("address", "a", 3)


def test_count_survives_a_restart(world: World) -> None:
    for _ in range(3):
        count(world)
    with pytest.raises(TooManyAttempts):
        count(world.restarted())


def test_tries_in_parallel_are_all_counted(world: World) -> None:
    barrier, counts = threading.Barrier(8), list[int]()

    def try_often() -> None:
        barrier.wait()
        for _ in range(5):
            counts.append(count(world, limit=100))

    threads = [threading.Thread(target=try_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(1, 41))


def test_nothing_says_whose_tries_they_are(world: World) -> None:
    count(world, "099090000001")
    with world.read() as work:
        (row,) = work.session.scalars(select(GuessCount)).all()
    assert len(row.subject) == 32
    assert b"099090000001" not in row.subject


def test_forgotten_one_by_one_and_when_over(world: World) -> None:
    for _ in range(3):
        count(world, "a")
        count(world, "b")
    with world.work() as work:
        work.limits.forget("address", "a")
    assert count(world, "a") == 1
    world.clock.advance(WINDOW)
    with world.work() as work:
        work.limits.forget_expired()
        assert work.session.scalars(select(GuessCount)).all() == []
