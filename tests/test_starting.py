"""A start looks for no garbage, and what it made is never looked through again."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from wallet.starting import starting


class Cycle:
    """Something that only a look for garbage finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Leave this process as it was: its tests leave garbage that somebody has to find."""
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_looked_through_until_it_has_started() -> None:
    assert gc.isenabled()
    before = [generation["collections"] for generation in gc.get_stats()]
    with starting():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(50_000)]
        assert [generation["collections"] for generation in gc.get_stats()] == before
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_what_comes_later_is_looked_through_and_what_was_made_is_not() -> None:
    with starting():
        kept = weakref.ref(Cycle())
    later = weakref.ref(Cycle())
    gc.collect()
    assert later() is None
    assert kept() is not None


def test_a_start_that_fails_leaves_nothing_switched_off() -> None:
    with pytest.raises(ValueError, match="no keys"), starting():
        raise ValueError("no keys")
    assert gc.isenabled()


def test_a_start_within_a_start_counts_too() -> None:
    """`wallet run` starts, and so does each worker that it forks."""
    with starting():
        pass
    first = gc.get_freeze_count()
    with starting():
        made: list[list[int]] = [[] for _ in range(1_000)]
    assert gc.get_freeze_count() >= first + len(made)
    assert gc.isenabled()
