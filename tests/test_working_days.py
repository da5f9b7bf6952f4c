"""Working days in Vietnam, at weekends, over Tết and at the midnight that counts."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from wallet.errors import ConfigurationError
from wallet.settings import Settings
from wallet.wiring import Wallet
from wallet.working_days import ZONE, WorkingDays, parse_overrides

CALENDAR = WorkingDays()


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        ("2026-03-02T09:00", 1, date(2026, 3, 3)),
        ("2026-03-02T09:00", 3, date(2026, 3, 5)),
        ("2026-03-06T09:00", 1, date(2026, 3, 9)),
        ("2026-03-07T09:00", 1, date(2026, 3, 9)),
        ("2026-04-29T16:00", 2, date(2026, 5, 5)),
        ("2026-03-02T23:59", 1, date(2026, 3, 3)),
        ("2026-03-03T00:01", 1, date(2026, 3, 4)),
    ],
)
def test_due_is_the_end_of_the_last_working_day_in_hanoi(start: str, count: int, last: date) -> None:
    due = CALENDAR.due(datetime.fromisoformat(start).replace(tzinfo=ZONE), count)
    assert due.tzinfo is UTC
    assert due.astimezone(ZONE) == datetime.combine(last + timedelta(days=1), datetime.min.time(), ZONE)


def test_tet_is_skipped() -> None:
    """Lunar new year's day of 2026 is 17 February; a week of offices is closed around it."""
    asked = datetime(2026, 2, 13, 9, tzinfo=ZONE)
    due = CALENDAR.due(asked, 1).astimezone(ZONE).date() - timedelta(days=1)
    assert due == date(2026, 2, 23)


def test_overrides_decide_against_the_rule() -> None:
    saturday, monday = date(2026, 3, 7), date(2026, 3, 9)
    moved = WorkingDays({saturday: True, monday: False})
    assert moved.is_worked(saturday)
    assert not moved.is_worked(monday)
    friday = datetime(2026, 3, 6, 9, tzinfo=ZONE)
    assert moved.due(friday, 2).astimezone(ZONE).date() == date(2026, 3, 11)


def test_overrides_are_read_from_json() -> None:
    text = '{"2026-03-07": true, "2026-03-09": false}'
    assert parse_overrides(text) == {date(2026, 3, 7): True, date(2026, 3, 9): False}
    assert parse_overrides("{}") == {}


@pytest.mark.parametrize("text", ["", "[]", "1", '{"2026-03-07": 1}', '{"2026-03-07": null}', '{"7/3/2026": true}'])
def test_what_maps_no_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_overrides(text)


def test_calendar_of_a_deployment_has_its_overrides(keys_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "moved.json"
    environ = {"WALLET_KEYS_DIR": str(keys_dir), "WALLET_HOLIDAY_OVERRIDES_FILE": str(path)}
    for content in (None, "no days"):
        if content is not None:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="WALLET_HOLIDAY_OVERRIDES_FILE"):
            Wallet.build(Settings.from_environ(environ))
    path.write_text('{"2026-03-07": true}', encoding="utf-8")
    assert Wallet.build(Settings.from_environ(environ)).working_days.is_worked(date(2026, 3, 7))
