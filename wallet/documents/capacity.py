"""How much room status lists and bundle have, how long it lasts at the present rate, and what to warn of.

A list is opened by itself when another is half used, so room never ends; what may go wrong is that a list is used up
before every verifier's bundle names the one after it (docs/wire.md, section 4: a bundle is good for 72 hours).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS
from wallet.working_days import vietnamese_day

KNOWN_AFTER = timedelta(hours=72)
"""How long a verifier may go without a new bundle, and so without knowing a new list."""
SHORTEST_RATE = timedelta(hours=1)
"""From a shorter time no rate is told."""
FARTHEST = timedelta(days=36_500)


class CapacityWarning(StrEnum):
    """What is amiss.

    `full`: nothing can be issued. `no_next_list`: a list is more than half used and none waits behind it.
    `next_list_too_young`: it will be drawn from before every verifier knows it; larger lists are needed.
    `bundle_too_large_soon`: it is more than half as large as verifiers take one, and most of it is lists.
    """

    FULL = "full"
    NO_NEXT_LIST = "no_next_list"
    NEXT_LIST_TOO_YOUNG = "next_list_too_young"
    BUNDLE_TOO_LARGE_SOON = "bundle_too_large_soon"


class ListUse(NamedTuple):
    """One list as it is stored. used: may exceed the size, see `Drawn`."""

    list_id: int
    shard: int
    bits_log2_size: int
    used: int
    created_at: datetime

    @property
    def size(self) -> int:
        return 1 << self.bits_log2_size

    @property
    def free(self) -> int:
        return max(0, self.size - self.used)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The room of all lists, and the size of the bundle that carries them.

    per_day: indices a day, None where too little was drawn to tell. lasts_until: the day on which the lists of today
    would be used up at that rate; None: not in a hundred years.
    """

    lists: tuple[ListUse, ...]
    free: int
    size: int
    per_day: float | None
    lasts_until: date | None
    bundle_bytes: int
    warnings: tuple[CapacityWarning, ...]


def capacity_of(lists: Iterable[ListUse], now: datetime, bundle_bytes: int) -> Capacity:
    """Return how much room there is. The rate is that since each shard's present list was opened."""
    found = sorted(lists, key=attrgetter("shard", "list_id"))
    warnings: set[CapacityWarning] = set()
    rates = []
    for _, shard in groupby(found, key=attrgetter("shard")):
        own = list(shard)
        open_lists = [each for each in own if each.free]
        if not open_lists:
            continue
        current, waiting = open_lists[0], open_lists[1:]
        rate = _rate(current, had_former=own[0] is not current, now=now)
        rates.append(rate)
        if not waiting and current.used * 2 > current.size:
            warnings.add(CapacityWarning.NO_NEXT_LIST)
        if waiting and rate and now + _lasting(current.free, rate) < waiting[0].created_at + KNOWN_AFTER:
            warnings.add(CapacityWarning.NEXT_LIST_TOO_YOUNG)
    free, size = sum(each.free for each in found), sum(each.size for each in found)
    if not free:
        warnings.add(CapacityWarning.FULL)
    if bundle_bytes * 2 > MAX_BUNDLE_CHARACTERS:
        warnings.add(CapacityWarning.BUNDLE_TOO_LARGE_SOON)
    known = [rate for rate in rates if rate is not None]
    per_day = sum(known) if known else None
    lasting = _lasting(free, per_day) if per_day else FARTHEST
    until = vietnamese_day(now + lasting) if lasting < FARTHEST else None
    return Capacity(tuple(sorted(found)), free, size, per_day, until, bundle_bytes, tuple(sorted(warnings)))


def _rate(current: ListUse, *, had_former: bool, now: datetime) -> float | None:
    """Return how many indices of a shard were drawn a day since its present list was opened.

    That was when the former one was half used: what was left of that one counts too.
    """
    elapsed = now - current.created_at
    drawn = current.used + (current.size // 2 if had_former else 0)
    return None if elapsed < SHORTEST_RATE else drawn / (elapsed / timedelta(days=1))


def _lasting(free: int, per_day: float) -> timedelta:
    return timedelta(days=min(free / per_day, FARTHEST.days))
