"""When an identity card expires: renewal at 14, 25, 40 and 60; who is 60 keeps it (docs/domain.md section 2.7)."""

from datetime import date

RENEWALS = (14, 25, 40, 60)
EARLY_YEARS = 2
"""A card issued in the last years before a renewal counts for the next one."""


def anniversary(birthday: date, years: int) -> date:
    """Return the birthday after so many years; 29 February becomes 1 March."""
    try:
        return birthday.replace(year=birthday.year + years)
    except ValueError:
        return date(birthday.year + years, 3, 1)


def expiry(birthday: date, issued: date) -> date | None:
    """Return the day a card issued on this day expires, None for never."""
    for years in RENEWALS:
        if issued < anniversary(birthday, years - (EARLY_YEARS if years > 14 else 0)):
            return anniversary(birthday, years)
    return None


def card_on(birthday: date, issued: date, day: date) -> tuple[date, date | None]:
    """Return issue and expiry of the card held on `day` by one who had the first on `issued` and renews in time."""
    expires = expiry(birthday, issued)
    while expires is not None and expires <= day:
        issued = expires
        expires = expiry(birthday, issued)
    return issued, expires
