"""The pipe-separated text of an identity card's QR code: it fills a form and proves nothing, for anyone can print it.

Source: docs/domain.md, section 3.2.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from wallet.errors import InvalidInput
from wallet.utilities.names import clean_name

FIELDS = 7
MOST_CHARACTERS = 1000
SEXES = ("Nam", "Nữ")


@dataclass(frozen=True, slots=True)
class CardReading:
    """What a card's code says. birth_date: `YYYY-MM-DD`, or `YYYY`. rest: fields after the seventh, as they came."""

    number: str = field(repr=False)
    cmnd: str | None = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: str = field(repr=False)
    permanent_address: str = field(repr=False)
    card_issued: date
    rest: tuple[str, ...] = field(repr=False)


def parse_card(text: str) -> CardReading:
    """Return the fields of a card's code.

    Raises InvalidInput("/text": "invalid_card_qr" or "suspicious_characters").
    """
    parts = [part.strip() for part in text.strip().split("|")]
    if len(parts) < FIELDS:
        raise _unread()
    number, cmnd, name, birth, sex, address, issued, *rest = parts
    issued_on = _day(issued)
    if not re.fullmatch(r"[0-9]{12}", number) or not re.fullmatch(r"([0-9]{9}|[0-9]{12})?", cmnd) or not name:
        raise _unread()
    if sex not in SEXES or len(issued_on) == len("YYYY"):
        raise _unread()
    return CardReading(
        number=number,
        cmnd=cmnd or None,
        full_name=clean_name(name, "/text"),
        birth_date=_day(birth),
        sex=sex,
        permanent_address=address,
        card_issued=date.fromisoformat(issued_on),
        rest=tuple(rest),
    )


def _day(text: str) -> str:
    """Return `ddmmyyyy` as `YYYY-MM-DD`; where only the year is known (`yyyy`, `0000yyyy`) the year."""
    if re.fullmatch(r"(0000)?(19|2[0-9])[0-9]{2}", text):
        return text[-4:]
    if not re.fullmatch(r"[0-9]{8}", text):
        raise _unread()
    try:
        return date(int(text[4:]), int(text[2:4]), int(text[:2])).isoformat()
    except ValueError as error:
        raise _unread() from error


def _unread() -> InvalidInput:
    return InvalidInput({"/text": "invalid_card_qr"})
