"""Claims in their compact form: value by kind, as they stand in a code. Source: docs/wire.md, section 4."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from wallet.errors import Malformed
from wallet.formats.cbor import MAX_INTEGER

KINDS = ("text", "day", "time", "int", "bool", "list")
"""Claims of any other kind stay out of compact bodies."""

LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR = re.compile(r"[0-9]{4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def seconds_of(moment: datetime) -> int:
    """Return whole seconds since 1970-01-01 UTC (NumericDate). Source: RFC 7519, section 2."""
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return (moment - _EPOCH) // timedelta(seconds=1)


def moment_of(seconds: int) -> datetime:
    """Return the moment of a NumericDate; Malformed beyond the year 9999. Source: RFC 7519, section 2."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Malformed("a time beyond the calendar") from error


def compact_value(kind: str, value: Any) -> Any:
    """Return a claim as it stands in a compact body.

    kind `day`: a `date`, or "YYYY" where only the year is known, or "YYYY-MM-DD"; `time`: an aware `datetime`, or
    seconds; `list`: a sequence of text. Anything else raises Malformed.
    """
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "day":
        return _compact_day(value)
    if kind == "time" and isinstance(value, datetime):
        return seconds_of(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind in ("int", "time") and whole and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if kind == "list" and sequence and all(isinstance(item, str) for item in value):
        return list(value)
    raise Malformed(f"no compact form of this kind: {kind}")


def readable_value(kind: str | None, value: Any) -> tuple[str | None, Any]:
    """Return a compact claim as (kind, value) that JSON can hold; a day becomes "YYYY-MM-DD" or "YYYY".

    A value that is not of the kind the table says is shown as it is, without the kind: it makes no code invalid.
    """
    whole = value.__class__ is int
    if kind == "text" and value.__class__ is str:
        return kind, value
    if kind == "day":
        if value.__class__ is str and _YEAR.fullmatch(value):
            return kind, value
        if whole:
            try:
                return kind, (_EPOCH_DAY + timedelta(days=value)).isoformat()
            except OverflowError:
                return None, value
    if (kind in ("int", "time") and whole) or (kind == "bool" and value.__class__ is bool):
        return kind, value
    if kind == "list" and value.__class__ is list and all(item.__class__ is str for item in value):
        return kind, list(value)
    return None, json_safe(value)


def json_safe(value: Any) -> Any:
    """Return any value that our CBOR reader gives as JSON can hold it: bytes in hexadecimal, keys as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [json_safe(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_safe(member) for key, member in value.items()}
    return value


def _compact_day(value: Any) -> int | str:
    if isinstance(value, str) and _YEAR.fullmatch(value):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise Malformed("not a day") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        return (value - _EPOCH_DAY).days
    raise Malformed("not a day")
