"""Counts, and what they are worth: all were counted, or so many of them, drawn by chance, stand for the whole.

Small counts are not told, so that nobody is found by asking twice. Source of the interval: E. B. Wilson, Probable
inference, the law of succession, and statistical inference (1927), narrowed for a part of a finite whole.
"""

from dataclasses import dataclass
from math import ceil, floor, sqrt

SMALLEST_TOLD = 5
"""Counts below it, except none at all, are told as fewer than five, or fewer than what five of a part stand for."""
_Z = 1.96
"""Nineteen times of twenty the true number lies within what is told."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many accounts. number: None for more than none and fewer than `high`, which is all that is told then.

    low, high: the true number lies from one to the other; both are `number` where all were counted.
    """

    number: int | None
    low: int
    high: int

    @property
    def exact(self) -> bool:
        return self.number is not None and self.low == self.high


def count_of_all(found: int) -> Count:
    """Return what is told of so many where all were counted."""
    small = 0 < found < SMALLEST_TOLD
    return Count(None, 0, SMALLEST_TOLD) if small else Count(found, found, found)


@dataclass(frozen=True, slots=True)
class Basis:
    """What counts are made from. whole: how many accounts there are; looked_at: how many of them were counted."""

    whole: int
    looked_at: int

    def count(self, found: int) -> Count:
        """Return what so many of those that were looked at say of the whole."""
        if self.looked_at >= self.whole:
            return count_of_all(found)
        low, high = self._interval(max(found, SMALLEST_TOLD) if found else 0)
        if 0 < found < SMALLEST_TOLD:
            return Count(None, 0, high)
        return Count(round(self.whole * found / self.looked_at), low, high)

    def _interval(self, found: int) -> tuple[int, int]:
        whole, drawn = self.whole, self.looked_at
        worth = drawn * (whole - 1) / (whole - drawn)  # what a part of a finite whole is worth of an endless one
        share, square = found / drawn, _Z * _Z / worth
        middle = (share + square / 2) / (1 + square)
        reach = _Z / (1 + square) * sqrt(share * (1 - share) / worth + square / (4 * worth))
        # Those that were found are there, and those that were found to be nothing of the kind are not.
        low = max(found, floor(whole * (middle - reach))) if found else 0
        high = min(whole - (drawn - found), ceil(whole * (middle + reach)))
        return low, high


@dataclass(frozen=True, slots=True)
class Moved:
    """How many accounts gain and lose."""

    gains: Count
    loses: Count
