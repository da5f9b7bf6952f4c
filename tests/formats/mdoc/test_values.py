"""Days, moments and CBOR in byte strings. Source: ISO/IEC 18013-5:2021, sections 7.2.1 and 9.1.2.4; RFC 8943."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from wallet.errors import Malformed
from wallet.formats.cbor import Tagged
from wallet.formats.mdoc.values import full_date, map_of, plain, read, read_tdate, tdate, unwrapped, wrapped, write


def test_a_moment_is_in_utc_without_fractions() -> None:
    local = datetime(2026, 3, 2, 0, 30, 7, 999_999, tzinfo=timezone(timedelta(hours=7)))
    assert write(tdate(local)).hex() == "c0" + "74" + b"2026-03-01T17:30:07Z".hex()
    assert read_tdate(read(write(tdate(local)))) == datetime(2026, 3, 1, 17, 30, 7, tzinfo=UTC)
    assert tdate(datetime(1, 1, 1, tzinfo=UTC)).content == "0001-01-01T00:00:00Z"


def test_a_moment_without_its_zone_is_a_defect() -> None:
    with pytest.raises(ValueError, match="zone"):
        tdate(datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None))


def test_a_day_has_its_own_tag() -> None:
    assert write(full_date(date(2019, 10, 20))).hex() == "d903ec6a323031392d31302d3230"


@pytest.mark.parametrize(
    "value",
    [
        None, "2026-03-02T05:00:00Z", 1_790_000_000, Tagged(1004, "2026-03-02"), Tagged(0, 1_790_000_000),
        Tagged(0, "2026-03-02"), Tagged(0, "2026-03-02T05:00:00"), Tagged(0, "2026-03-02T05:00:00.5Z"),
        Tagged(0, "2026-03-02T12:00:00+07:00"), Tagged(0, "2026-03-02t05:00:00z"), Tagged(0, "2026-03-02T05:00:00Z "),
        Tagged(0, "2026-13-02T05:00:00Z"), Tagged(0, "2026-02-30T05:00:00Z"), Tagged(0, "2026-03-02T24:00:01Z"),
        Tagged(0, "2026-03-02T05:00:60Z"), Tagged(0, "\u0662026-03-02T05:00:00Z"), Tagged(0, "0000-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        read_tdate(value)


@pytest.mark.parametrize("value", [None, b"\xa0", Tagged(0, "x"), Tagged(24, "x"), Tagged(24, [b"\xa0"]), {}])
def test_what_is_no_wrapped_cbor_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        unwrapped(value)


@pytest.mark.parametrize("value", [None, [], b"", "", 0, True, Tagged(24, {})])
def test_what_is_no_map_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        map_of(value)


def test_wrapped_and_unwrapped_are_one_anothers_inverse() -> None:
    assert unwrapped(read(wrapped(b"\xa0"))) == b"\xa0"


def test_plain_values_have_no_tags() -> None:
    value = {"day": full_date(date(1948, 5, 19)), "all": [tdate(datetime(2026, 3, 2, tzinfo=UTC)), {1: b"x"}, None]}
    assert plain(read(write(value))) == {"day": "1948-05-19", "all": ["2026-03-02T00:00:00Z", {1: b"x"}, None]}
