"""How much room the status lists have: told before it is gone, and so is a list that verifiers would not know soon."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from tests.support import NOON, FixedClock
from wallet.documents.capacity import Capacity, CapacityWarning, ListUse, capacity_of
from wallet.documents.models import PublicationRow
from wallet.documents.repository import StatusRepository
from wallet.documents.status import lists_address
from wallet.wiring import Wallet
from wallet.working_days import vietnamese_day

DAY = timedelta(days=1)


def use(list_id: int, used: int, *, shard: int = 0, age: timedelta = 10 * DAY, bits: int = 10) -> ListUse:
    return ListUse(list_id, shard, bits, used, NOON - age)


def measured(*lists: ListUse) -> Capacity:
    return capacity_of(lists, NOON, 0)


def test_room_is_what_is_left_in_all_lists() -> None:
    found = measured(use(1, 1024), use(2, 24), use(3, 0, shard=1), use(4, 1030, shard=1, bits=10))
    assert (found.free, found.size) == (1000 + 1024, 4 * 1024)
    assert found.warnings == ()


def test_rate_and_day_follow_from_what_was_drawn_since_the_present_list_was_opened() -> None:
    first = measured(use(1, 100))
    assert (first.per_day, first.lasts_until) == (10.0, vietnamese_day(NOON + 92.4 * DAY))
    second = measured(use(1, 1024, age=90 * DAY), use(2, 88))  # half of the former, and 88 since
    assert second.per_day == 60.0
    assert second.lasts_until == vietnamese_day(NOON + 936 / 60 * DAY)
    both = measured(use(1, 100), use(2, 300, shard=1))
    assert both.per_day == 40.0


def test_nothing_is_said_of_a_rate_that_cannot_be_known() -> None:
    young = measured(use(1, 100, age=timedelta(minutes=59)))
    assert (young.per_day, young.lasts_until, young.warnings) == (None, None, ())
    unused = measured(use(1, 0))
    assert (unused.per_day, unused.lasts_until, unused.warnings) == (0.0, None, ())
    slow = measured(use(1, 1, bits=23, age=100 * DAY))
    assert slow.lasts_until is None  # not in a hundred years
    assert measured().warnings == (CapacityWarning.FULL,)


@pytest.mark.parametrize(
    ("lists", "warnings"),
    [
        ((use(1, 1024), use(2, 1024, shard=1)), {CapacityWarning.FULL}),
        ((use(1, 512),), set()),
        ((use(1, 513),), {CapacityWarning.NO_NEXT_LIST}),
        ((use(1, 513, age=100 * DAY), use(2, 0, age=DAY)), set()),
        ((use(1, 1000), use(2, 0, age=DAY)), {CapacityWarning.NEXT_LIST_TOO_YOUNG}),
        ((use(1, 1000), use(2, 0, age=3 * DAY)), set()),
        ((use(1, 10), use(2, 1000, shard=1)), {CapacityWarning.NO_NEXT_LIST}),
    ],
)
def test_what_is_amiss_is_told(lists: tuple[ListUse, ...], warnings: set[CapacityWarning]) -> None:
    assert set(measured(*lists).warnings) == warnings


def test_lists_of_a_deployment_are_measured(wallet: Wallet, clock: FixedClock) -> None:
    with wallet.work() as work:
        before = len([work.indices.reserve() for _ in range(9)])
    clock.advance(days=1)
    with wallet.db.read() as session:
        found = capacity_of(StatusRepository(session).uses(lists_address(wallet.trust.issuer_url)), clock.now(), 0)
    (own,) = found.lists
    assert own.used >= before
    assert found.free == found.size - own.used == (1 << 12) - own.used
    assert found.per_day == own.used


@pytest.mark.parametrize(("size", "warned"), [(0, False), (16 * 2**20, False), (16 * 2**20 + 1, True), (2**26, True)])
def test_a_bundle_that_verifiers_will_not_take_soon_is_told_of(size: int, warned: bool) -> None:
    """Whoever lists are large for has half of what verifiers take to do something about it."""
    found = capacity_of([use(1, 10)], NOON, size)
    assert (CapacityWarning.BUNDLE_TOO_LARGE_SOON in found.warnings) is warned
    assert found.bundle_bytes == size


def test_size_of_the_bundle_is_that_of_the_one_in_force(wallet: Wallet) -> None:
    with wallet.db.write() as session:
        session.execute(delete(PublicationRow))
    assert wallet.status_capacity().bundle_bytes == 0
    assert wallet.status_capacity().bundle_bytes == 0, "looking makes none"
    size = len(wallet.trust.bundle().token)
    assert wallet.status_capacity().bundle_bytes == size
