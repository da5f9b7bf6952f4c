"""Working days in Vietnam: Monday to Friday, less the public holidays, which are data.

Source: Labour Code 45/2019/QH14, article 112, as the `holidays` library keeps it (VN). Days that the government moves
by decision from year to year come in as overrides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SATURDAY = 5


def vietnamese_day(moment: datetime) -> date:
    """Return the day that a moment lies in, in Vietnam. moment: aware."""
    return moment.astimezone(ZONE).date()


def end_of_day(day: date) -> datetime:
    """Return 24:00 in Vietnam of a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(UTC)


@cache
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("VN", years=year))


@cache
def lunar_new_year(year: int) -> date:
    """Return the first day of Tết (mùng một) in a year of the common calendar."""
    (day,) = holidays.country_holidays("VN", years=year, language="en_US").get_named("Lunar New Year", lookup="exact")
    return day


def parse_overrides(text: str) -> dict[date, bool]:
    """Return overrides from JSON, such as `{"2026-05-02": true}`: a day to whether it is worked.

    Raises ValueError saying what is wrong.
    """
    given = json.loads(text)
    if not isinstance(given, dict) or not all(isinstance(worked, bool) for worked in given.values()):
        raise ValueError("days are not mapped to true or false")
    return {date.fromisoformat(day): worked for day, worked in given.items()}


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The calendar of one deployment. overrides: a day to whether it is worked, against the rule."""

    overrides: Mapping[date, bool] = field(default_factory=dict)

    def is_worked(self, day: date) -> bool:
        """Return whether offices are open on this day."""
        if day in self.overrides:
            return self.overrides[day]
        return day.weekday() < SATURDAY and day not in _public_holidays(day.year)

    def due(self, start: datetime, count: int) -> datetime:
        """Return when `count` working days after `start` are over: 24:00 in Hà Nội of the last one, in UTC.

        start: aware. The day of `start` does not count (Civil Code 91/2015/QH13, article 147, clause 2).
        """
        day = vietnamese_day(start)
        while count:
            day += timedelta(days=1)
            count -= self.is_worked(day)
        return end_of_day(day)
