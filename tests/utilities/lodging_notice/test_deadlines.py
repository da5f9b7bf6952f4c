"""When a stay has to be told, and from when on it is late. Edge case 16 of docs/domain.md, section 8."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utilities.lodging_notice.notices import answers, case, guest
from wallet.utilities.lodging_notice import FIGURES, RECEIPT
from wallet.utilities.lodging_notice.deadlines import in_vietnam, notify_before
from wallet.working_days import ZONE

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("arrival", "before"),
    [
        ("2026-11-20 08:00:00", "2026-11-20 23:00:00"),
        ("2026-11-20 22:59:00", "2026-11-20 23:00:00"),
        ("2026-11-20 22:59:59", "2026-11-20 23:00:00"),
        ("2026-11-20 23:00:00", "2026-11-21 08:00:00"),
        ("2026-11-20 23:01:00", "2026-11-21 08:00:00"),
        ("2026-11-20 23:59:59", "2026-11-21 08:00:00"),
        ("2026-11-21 00:00:00", "2026-11-21 08:00:00"),
        ("2026-11-21 00:30:00", "2026-11-21 08:00:00"),
        ("2026-11-21 07:59:59", "2026-11-21 08:00:00"),
        ("2026-11-30 23:30:00", "2026-12-01 08:00:00"),
        ("2026-12-31 23:30:00", "2027-01-01 08:00:00"),
        ("2027-01-01 00:10:00", "2027-01-01 08:00:00"),
        ("2028-02-28 23:05:00", "2028-02-29 08:00:00"),
        ("2026-02-28 23:05:00", "2026-03-01 08:00:00"),
        # Tết 2026: the first day of the year of the Horse is 17 February. Police work; no term waits for a working day.
        ("2026-02-16 21:00:00", "2026-02-16 23:00:00"),
        ("2026-02-16 23:30:00", "2026-02-17 08:00:00"),
        ("2026-02-17 00:05:00", "2026-02-17 08:00:00"),
    ],
)
def test_a_stay_is_told_before_the_evening_or_before_the_morning(arrival: str, before: str) -> None:
    assert notify_before(at(arrival), FIGURES) == at(before)


def test_an_arrival_counts_by_the_clock_of_vietnam() -> None:
    assert notify_before(datetime(2026, 11, 20, 15, 59, tzinfo=UTC), FIGURES) == at("2026-11-20 23:00:00")
    assert notify_before(datetime(2026, 11, 20, 16, 0, tzinfo=UTC), FIGURES) == at("2026-11-21 08:00:00")
    assert notify_before(datetime(2026, 11, 20, 17, 30, tzinfo=UTC), FIGURES) == at("2026-11-21 08:00:00")


def test_the_hours_are_figures_of_the_rules() -> None:
    figures = {"evening_hour": 22, "morning_hour": 7}
    assert notify_before(at("2026-11-20 21:59:59"), figures) == at("2026-11-20 22:00:00")
    assert notify_before(at("2026-11-20 22:00:00"), figures) == at("2026-11-21 07:00:00")


@given(MOMENTS)
def test_a_term_is_never_over_when_the_guest_arrives_and_never_longer_than_a_day(arrival: datetime) -> None:
    left = notify_before(arrival, FIGURES) - arrival
    assert timedelta() < left <= timedelta(hours=15)


@given(MOMENTS)
def test_the_zone_of_the_plug_in_is_that_of_the_tables(moment: datetime) -> None:
    assert in_vietnam(moment).replace(tzinfo=None) == moment.astimezone(ZONE).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("arrival", "sent", "timeliness"),
    [
        ("2026-11-20T22:59:00+07:00", "2026-11-20 22:59:59", "Đúng hạn"),
        ("2026-11-20T22:59:00+07:00", "2026-11-20 23:00:00", "Quá hạn"),
        ("2026-11-20T23:00:00+07:00", "2026-11-20 23:00:01", "Đúng hạn"),
        ("2026-11-20T23:01:00+07:00", "2026-11-21 07:59:59", "Đúng hạn"),
        ("2026-11-20T23:01:00+07:00", "2026-11-21 08:00:00", "Quá hạn"),
        ("2026-11-21T00:30:00+07:00", "2026-11-21 07:59:59", "Đúng hạn"),
        ("2026-11-21T00:30:00+07:00", "2026-11-21 08:00:00", "Quá hạn"),
        ("2026-11-22T10:00:00+07:00", "2026-11-21 10:00:00", "Đúng hạn"),
    ],
)
def test_the_receipt_says_in_time_or_late(arrival: str, sent: str, timeliness: str) -> None:
    told = case(answers(guest(arrived_at=arrival)), now=at(sent))
    claims = RECEIPT.derive(told)
    assert claims["timeliness"] == timeliness
    assert claims["late_guests"] == (timeliness == "Quá hạn")
    assert claims["guest_list"][0]["timeliness"] == timeliness


def test_of_several_guests_the_earliest_term_is_shown_and_one_late_guest_makes_it_late() -> None:
    early = guest(arrived_at="2026-11-20T19:00:00+07:00")
    late = guest(document_number="099155000124", arrived_at="2026-11-20T01:00:00+07:00")
    claims = RECEIPT.derive(case(answers(early, late), now=at("2026-11-20 19:05:00")))
    assert claims["notify_before"] == at("2026-11-20 08:00:00")
    assert claims["late_guests"] == 1
    assert claims["timeliness"] == "Quá hạn"
    assert [each["timeliness"] for each in claims["guest_list"]] == ["Đúng hạn", "Quá hạn"]
