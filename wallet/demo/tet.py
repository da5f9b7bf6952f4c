"""The week of Tết, as it was lived last: sent on the last day that offices work before it, answered after it.

The demo's clock cannot be turned back to it, so whoever shows it has sent something before (`Preparation`).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from wallet.working_days import ZONE, WorkingDays, lunar_new_year, vietnamese_day


@dataclass(frozen=True, slots=True)
class Tet:
    """One Tết. day: lunar new year's day. sent, answered: moments of work before and after it."""

    day: date
    sent: datetime
    answered: datetime


def last_tet(now: datetime, calendar: WorkingDays) -> Tet:
    """Return the last Tết whose week is over. now: aware."""
    today = vietnamese_day(now)
    for year in (today.year, today.year - 1):
        tet = _tet(lunar_new_year(year), calendar)
        if tet.answered <= now:
            return tet
    raise LookupError(f"no Tết before {today}")


def _tet(day: date, calendar: WorkingDays) -> Tet:
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    while not calendar.is_worked(before):
        before -= timedelta(days=1)
    while not calendar.is_worked(after):
        after += timedelta(days=1)
    return Tet(day, datetime.combine(before, time(9), ZONE), datetime.combine(after, time(10), ZONE))


def report_on(tet: Tet) -> dict[str, object]:
    """Return the answers of the report that was sent before it."""
    evening = datetime.combine(vietnamese_day(tet.sent) - timedelta(days=1), time(21, 30), ZONE)
    return {
        "category": "disorder",
        "commune": "00004",
        "place": "Ngõ 6, đường Đội Cấn",
        "happened_at": evening.isoformat(),
        "text": "Một nhóm thanh niên đốt pháo trong ngõ, khói và tàn lửa bay vào nhà dân (phản ánh mẫu).",
        "may_contact": True,
    }
