"""The circuit breaker alone: when it opens, whom it lets through, and who decides that it closes."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from tests.support import FixedClock
from wallet.sources.breaker import Breaker, BreakerState, Open


class Fault(Exception):
    pass


class Answer(Exception):
    pass


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def breaker(clock: FixedClock) -> Breaker:
    return Breaker(clock, open_after=2, rest=timedelta(seconds=10))


def fail(breaker: Breaker) -> None:
    with pytest.raises(Fault), breaker.guard(Answer):
        raise Fault


def succeed(breaker: Breaker) -> None:
    with breaker.guard(Answer):
        pass


def assert_left_alone(breaker: Breaker, seconds: int) -> None:
    with pytest.raises(Open) as refusal, breaker.guard(Answer):
        pytest.fail("the question was let through")
    assert refusal.value.retry_after == seconds


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not(breaker: Breaker) -> None:
    fail(breaker)
    succeed(breaker)
    fail(breaker)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    assert_left_alone(breaker, 10)


def test_answer_that_is_raised_is_no_failure(breaker: Breaker) -> None:
    for _ in range(5):
        with pytest.raises(Answer), breaker.guard(Answer):
            raise Answer
    assert breaker.state is BreakerState.CLOSED
    assert breaker.failures == 0


def test_it_rests_to_the_last_moment(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    fail(breaker)
    clock.advance(seconds=9, milliseconds=999)
    assert_left_alone(breaker, 1)
    clock.advance(milliseconds=1)
    assert breaker.state is BreakerState.HALF_OPEN
    succeed(breaker)
    assert breaker.state is BreakerState.CLOSED


def test_probe_that_fails_starts_the_rest_anew(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    fail(breaker)
    clock.advance(seconds=25)
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    assert_left_alone(breaker, 10)


def test_one_probe_at_a_time(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    fail(breaker)
    clock.advance(seconds=10)
    with breaker.guard(Answer):
        assert breaker.state is BreakerState.HALF_OPEN
        assert_left_alone(breaker, 1)
    assert breaker.state is BreakerState.CLOSED


def test_what_was_asked_before_it_opened_decides_nothing(breaker: Breaker) -> None:
    with breaker.guard(Answer):
        fail(breaker)
        fail(breaker)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(Open), breaker.guard(Answer):
        pytest.fail("the question was let through")


def test_of_many_at_once_one_finds_out(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    fail(breaker)
    clock.advance(seconds=10)
    let_through: list[int] = []
    together, done = Barrier(8), Barrier(8)

    def ask(who: int) -> None:
        together.wait()
        try:
            with breaker.guard(Answer):
                let_through.append(who)
                done.wait()
        except Open:
            done.wait()

    threads = [Thread(target=ask, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_through) == 1
    assert breaker.state is BreakerState.CLOSED
