"""How far a register is read: what is read again, what is left out, and that both stay bounded."""

from datetime import timedelta

from tests.support import NOON
from wallet.sources.changes import Change
from wallet.sources.place import MOST_MET, Place

MINUTE = timedelta(minutes=1)
EARLY = Change(NOON - timedelta(days=1), "")


def test_a_round_begins_the_overlap_before_the_last_one_that_ended_began() -> None:
    place = Place(EARLY, NOON, 5 * MINUTE)
    place.begin(NOON)
    assert place.last == EARLY
    place.meet(Change(NOON - MINUTE, "a"))
    place.end()
    place.begin(NOON + MINUTE)
    assert place.last == Change(NOON - 5 * MINUTE, "")
    assert place.has_met(Change(NOON - MINUTE, "a"))
    assert not place.has_met(Change(NOON - MINUTE, "b"))


def test_a_register_that_is_quiet_is_read_on_from_its_last_change() -> None:
    place = Place(EARLY, NOON, 5 * MINUTE)
    place.begin(NOON)
    change = Change(NOON - 60 * MINUTE, "a")
    place.meet(change)
    place.end()
    place.begin(NOON + MINUTE)
    assert place.last == change
    assert not place._met, "it is not told again and need not be kept"


def test_a_round_that_took_long_is_overlapped_from_its_beginning() -> None:
    place = Place(EARLY, NOON, 5 * MINUTE)
    place.begin(NOON)
    place.meet(Change(NOON + 50 * MINUTE, "a"))
    place.end()
    place.begin(NOON + 60 * MINUTE)
    assert place.last == Change(NOON - 5 * MINUTE, "")
    assert place.has_met(Change(NOON + 50 * MINUTE, "a"))


def test_what_is_kept_and_read_again_is_bounded_however_much_changes_at_once() -> None:
    place = Place(EARLY, NOON, 5 * MINUTE)
    place.begin(NOON)
    changes = [Change(NOON, f"{number:012}") for number in range(3 * MOST_MET)]
    for change in changes:
        place.meet(change)
        assert len(place._met) <= 2 * MOST_MET
    place.end()
    place.begin(NOON + MINUTE)
    again = [change for change in changes if change > place.last]
    assert MOST_MET <= len(again) <= 2 * MOST_MET
    assert all(place.has_met(change) for change in again)
