"""Claims by kind, there and back. Source: docs/wire.md, section 4."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import Malformed
from wallet.formats.compact_values import compact_value, json_safe, moment_of, readable_value, seconds_of


@pytest.mark.parametrize(
    ("kind", "value", "compact"),
    [
        ("text", "Nguyễn", "Nguyễn"),
        ("day", date(1970, 1, 2), 1),
        ("day", date(1948, 9, 2), -7791),
        ("day", "1948", "1948"),
        ("day", "2000-02-29", 11016),
        ("time", datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=7))), 1767225600),
        ("time", 1767225600, 1767225600),
        ("int", -5, -5),
        ("bool", True, True),
        ("list", ("a", "b"), ["a", "b"]),
    ],
)
def test_compact_forms_of_each_kind(kind: str, value: Any, compact: Any) -> None:
    assert compact_value(kind, value) == compact


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 1), ("day", datetime(2026, 1, 1, tzinfo=UTC)), ("day", "20260101"), ("day", "2026-13-01"), ("day", 5),
        ("day", "48"), ("time", True), ("time", "2026"), ("int", True), ("int", 2**53), ("int", 1.0), ("bool", 1),
        ("bool", None),
        ("list", "abc"), ("list", [1]), ("list", None), ("photo", b"x"), ("text", None),
    ],
)  # fmt: skip
def test_what_a_kind_does_not_hold_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(Malformed):
        compact_value(kind, value)


@given(st.dates())
def test_a_day_is_shown_as_it_was_given(day: date) -> None:
    assert readable_value("day", compact_value("day", day)) == ("day", day.isoformat())


def test_a_year_alone_stays_a_year() -> None:
    assert readable_value("day", "1948") == ("day", "1948")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("day", 10**15, 10**15), ("day", "48", "48"), ("day", True, True), ("text", 5, 5), ("int", "5", "5"),
        ("bool", 1, 1),
        ("list", "a", "a"), ("list", [1], [1]), ("text", b"\x01", "01"), ("photo", {1: [b"\xff"]}, {"1": ["ff"]}),
        (None, 5, 5),
        ("time", True, True), ("int", True, True),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_shown_without_its_kind(kind: str | None, value: Any, shown: Any) -> None:
    assert readable_value(kind, value) == (None, shown)


def test_whatever_our_reader_gives_becomes_json() -> None:
    assert json_safe({1: [b"\x00", True, {"a": -1}]}) == {"1": ["00", True, {"a": -1}]}


@given(st.integers(0, 253402300799))
def test_seconds_are_kept(seconds: int) -> None:
    assert seconds_of(moment_of(seconds)) == seconds


@pytest.mark.parametrize("seconds", [253402300800, 2**53 - 1, 2**63, 2**70])
def test_a_time_beyond_the_calendar_is_malformed(seconds: int) -> None:
    with pytest.raises(Malformed):
        moment_of(seconds)


def test_a_time_without_its_zone_is_a_defect() -> None:
    with pytest.raises(ValueError, match="zone"):
        seconds_of(datetime(2026, 1, 1))  # noqa: DTZ001
