"""Until when a stay has to be told.

Source: Residence Law 68/2020/QH14, article 30 (4): before 23:00 of the day on which the stay begins; of whoever comes
after 23:00, before 08:00 of the next day.

Two hours the article leaves open, and how they are read here:

- Who arrives at 23:00 sharp belongs to those who come later. A term cannot be over when the duty arises.
- Who arrives between 00:00 and 08:00: the letter gives 23:00 of that day; the sense, by which a guest of the night is
  told in the morning, 08:00. The earlier one is shown and counts: who keeps it is in time by either reading.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta, timezone
from typing import Any

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Seven hours ahead of UTC, all year, since 1975: a plug-in needs no table of zones."""


def in_vietnam(moment: datetime) -> datetime:
    """Return a moment by the clock on the wall in Vietnam. moment: aware."""
    return moment.astimezone(VIETNAM)


def notify_before(arrived_at: datetime, figures: Mapping[str, Any]) -> datetime:
    """Return the moment before which a stay has to be told: whoever tells at that moment is late.

    arrived_at: aware. figures: `evening_hour`, `morning_hour`.
    """
    local = in_vietnam(arrived_at)
    if local.hour < figures["morning_hour"]:
        return datetime.combine(local.date(), time(figures["morning_hour"]), VIETNAM)
    if local.hour < figures["evening_hour"]:
        return datetime.combine(local.date(), time(figures["evening_hour"]), VIETNAM)
    return datetime.combine(local.date() + timedelta(days=1), time(figures["morning_hour"]), VIETNAM)
