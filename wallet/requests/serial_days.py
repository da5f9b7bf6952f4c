"""Days as spreadsheets keep them: a number, and a format that makes a day of it.

Source: ECMA-376, part 1, sections 18.8.30 (numFmt) and 18.17.4 (dates and times).
"""

import re
from datetime import date, datetime, timedelta
from enum import Enum

_DAYS = frozenset({*range(14, 18), *range(27, 32), 36, *range(50, 59)})
_MOMENTS = frozenset({22})
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]')
_FIRST_OF_MARCH_1900 = 60
"""Up to here a serial is one short: the first spreadsheets held 1900 for a leap year, and the rest keep to it."""
_END = 2_958_466
"""1 January 10000."""


class Clockface(Enum):
    """What a format shows of a number."""

    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"


def clockface(number: int, code: str) -> Clockface:
    """Return what a format shows. number: of the format; code: its pattern, where it is not built in.

    A format that shows an hour and no day makes no moment of a number, for the day is missing.
    """
    if not code:
        return Clockface.DAY if number in _DAYS else Clockface.MOMENT if number in _MOMENTS else Clockface.NUMBER
    letters = _ASIDE.sub("", code.split(";")[0]).lower().replace("general", "")
    hours = "h" in letters or "s" in letters
    if not ("d" in letters or "y" in letters or ("m" in letters and not hours)):
        return Clockface.NUMBER
    return Clockface.MOMENT if hours else Clockface.DAY


def moment_of(serial: float, face: Clockface, *, from_1904: bool) -> date | datetime | None:
    """Return the day, or the moment by the clock on the wall, that a serial number stands for; None for no such day."""
    if not 0 <= serial < _END:
        return None
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - by the clock on the wall
    if not from_1904 and serial < _FIRST_OF_MARCH_1900:
        start += timedelta(days=1)
    whole = int(serial)
    moment = start + timedelta(days=whole, seconds=round((serial - whole) * 86_400))
    return moment.date() if face is Clockface.DAY else moment
