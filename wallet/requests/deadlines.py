"""When something is due: a rule of the utility, in working days or hours of Vietnam.

Source: Civil Code 91/2015/QH13, articles 147 and 148 (the day of receipt does not count); Decree 63/2024/NĐ-CP for the
cutoff (docs/domain.md, section 4.0).
"""

from datetime import UTC, datetime, time, timedelta

from wallet.utilities.base import Deadline
from wallet.working_days import ZONE, WorkingDays, vietnamese_day

HOURS = ((time(8), time(12)), (time(13), time(17)))
"""When offices work, in Hà Nội: eight hours in two halves."""


def due_at(deadline: Deadline, start: datetime, calendar: WorkingDays, *, extended: bool = False) -> datetime | None:
    """Return when it is due, in UTC; None for what is answered at once.

    start: aware. extended: verification is needed.
    """
    if deadline.at_once:
        return None
    begins = _after_cutoff(deadline, start, calendar)
    if deadline.working_hours and not extended:
        return _after_hours(begins, deadline.working_hours, calendar)
    days = deadline.extended_working_days if extended else deadline.working_days
    return calendar.due(begins, days or deadline.working_days)


def _after_cutoff(deadline: Deadline, start: datetime, calendar: WorkingDays) -> datetime:
    """Return when it counts as received: what comes too late in the day, or on a free day, comes on the next one."""
    if deadline.cutoff is None:
        return start
    local = start.astimezone(ZONE)
    if calendar.is_worked(local.date()) and local.time() <= deadline.cutoff:
        return start
    day = local.date() + timedelta(days=1)
    while not calendar.is_worked(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(8), ZONE).astimezone(UTC)


def _after_hours(start: datetime, hours: int, calendar: WorkingDays) -> datetime:
    """Return when so many hours of work are over."""
    left, day = timedelta(hours=hours), vietnamese_day(start)
    while True:
        if calendar.is_worked(day):
            for opens, closes in HOURS:
                begin = max(start, datetime.combine(day, opens, ZONE).astimezone(UTC))
                end = datetime.combine(day, closes, ZONE).astimezone(UTC)
                if begin < end:
                    if left <= end - begin:
                        return begin + left
                    left -= end - begin
        day += timedelta(days=1)
