"""CBOR as mdoc has it: the strict reader of this house, and the three tags and the null that ISO 18013-5 adds.

Caps hold as everywhere: size, depth, no key twice, nothing behind, 53 bits, definite lengths, no floats.
Source: ISO/IEC 18013-5:2021, sections 7.2.1 and 8.1; RFC 8949, section 3.4; RFC 8943, section 2.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

from wallet.crypto import cbor
from wallet.crypto.cbor import Tagged
from wallet.errors import Malformed

MAX_BYTES = 98_304
"""The most that is read of an IssuerSigned or of a DeviceResponse: a receipt of 200 guests is nine tenths of it."""

TDATE, ENCODED, FULL_DATE = 0, 24, 1004
"""Tags: a moment (RFC 3339), CBOR in a byte string, a calendar day."""

WIDER = cbor.Wider(frozenset({TDATE, ENCODED, FULL_DATE}), null=True)

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def write(value: Any) -> bytes:
    """Return `value` as deterministic CBOR; what was read with a tag is written as it came. Raises Malformed."""
    return cbor.encode(value, wider=WIDER)


def read(data: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the one data item that `data` is. Raises Malformed."""
    return cbor.decode(data, max_bytes=max_bytes, wider=WIDER)


def wrapped(content: bytes) -> bytes:
    """Return #6.24(bstr): CBOR that is to be digested or signed as these bytes. Source: RFC 8949, section 3.4.5.1."""
    return write(Tagged(ENCODED, content))


def unwrapped(value: Any) -> bytes:
    """Return the bytes in a value that must be #6.24(bstr); else raise Malformed."""
    if not isinstance(value, Tagged) or value.number != ENCODED or not isinstance(value.content, bytes):
        raise Malformed("not CBOR in a tagged byte string")
    return value.content


def map_of(value: Any) -> dict[int | str, Any]:
    """Return a value that must be a map; else raise Malformed."""
    if not isinstance(value, dict):
        raise Malformed("a map is missing, or is something else")
    return value


def tdate(moment: datetime) -> Tagged:
    """Return a moment as mdoc has it: in UTC, without fractions of a second. Source: 18013-5, 9.1.2.4; RFC 3339."""
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return Tagged(TDATE, moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))


def read_tdate(value: Any) -> datetime:
    """Return the moment that a tdate states; anything else raises Malformed. Source: 18013-5, section 9.1.2.4."""
    if not isinstance(value, Tagged) or value.number != TDATE or not isinstance(value.content, str):
        raise Malformed("a time is missing or of another type")
    if not _MOMENT.fullmatch(value.content):
        raise Malformed("a time is not in UTC and whole seconds")
    try:
        return datetime.fromisoformat(value.content)
    except ValueError as error:
        raise Malformed("a time beyond the calendar") from error


def full_date(day: date) -> Tagged:
    """Return a calendar day. Source: RFC 8943, section 2.1."""
    return Tagged(FULL_DATE, day.isoformat())


def plain(value: Any) -> Any:
    """Return a value that was read without its tags: days and moments as their text, maps and lists all the way."""
    if isinstance(value, Tagged):
        return plain(value.content)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return value
