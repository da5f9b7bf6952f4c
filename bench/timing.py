"""Interleaved timing: every variant is run in every round, and the best round of each counts.

A shared machine is slow in bursts. Variants that take turns are slowed alike, the best of many rounds is the one that
was left alone, and a ratio of two bests from one run holds where absolute figures drift.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Call = Callable[[], object]
Clock = Callable[[], int]

CPU: Clock = time.thread_time_ns
"""What this thread spent computing: for work without a disk or a network."""

WALL: Clock = time.perf_counter_ns
"""What passed on the clock: for work that waits for a disk."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One variant. Microseconds for one call: the best round, the middle one; `calls` in each of `rounds`."""

    best: float
    median: float
    rounds: int
    calls: int


def race(
    variants: Mapping[str, Call], *, rounds: int, calls: int, clock: Clock, on_round: Callable[[int, int], None]
) -> dict[str, Timing]:
    """Return the timing of each variant, run in turns; the order within a round turns too."""
    names = list(variants)
    for name in names:  # caches filled, statements compiled, pages touched
        for _ in range(max(3, calls // 10)):
            variants[name]()
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            taken[name].append(_batch(variants[name], calls, clock))
        on_round(number + 1, rounds)
    return {name: Timing(min(each), statistics.median(each), rounds, calls) for name, each in taken.items()}


def _batch(call: Call, calls: int, clock: Clock) -> float:
    started = clock()
    for _ in range(calls):
        call()
    return (clock() - started) / calls / 1000
