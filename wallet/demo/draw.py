"""Chance that repeats itself. Built on `random()` alone, the one method whose sequence Python promises to keep."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Shares(Generic[T]):
    """Values and how often each is drawn. The shares need not add up to anything."""

    def __init__(self, shares: Mapping[T, float]) -> None:
        self.values = tuple(shares)
        self.sums = tuple(accumulate(shares.values()))


class Draw:
    """The generator of one household: a function of the nation's seed and the household's index, of nothing else.

    The papers of a household have a second one, by its id and its head's number.
    """

    def __init__(self, seed: int | str, index: int | str) -> None:
        self._random = Random(f"{seed}:{index}").random

    def chance(self, share: float) -> bool:
        """Return True in this share of all calls."""
        return self._random() < share

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both bounds included."""
        return low + int(self._random() * (high - low + 1))

    def one(self, values: Sequence[T]) -> T:
        """Return one of the values, each as likely."""
        return values[int(self._random() * len(values))]

    def of(self, shares: Shares[T]) -> T:
        """Return one of the values, by its share."""
        return shares.values[bisect(shares.sums, self._random() * shares.sums[-1])]
