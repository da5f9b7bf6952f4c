"""Base45: bytes as text for the alphanumeric mode of a QR code. Source: RFC 9285.

Whole strings are turned at once: three digits and their weights become lanes of one large integer each, so that
the interpreter is entered once per code and not once per character.
"""

import struct

from wallet.errors import Malformed

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_OUTSIDE = 0xFF
_DIGIT_OF = bytearray([_OUTSIDE]) * 256
for _digit, _character in enumerate(ALPHABET):
    _DIGIT_OF[ord(_character)] = _digit
_DIGITS = bytes(_DIGIT_OF)
_PAIRS = [low + high for high in ALPHABET for low in ALPHABET]


def encode(data: bytes) -> str:
    """Return `data` as Base45. Source: RFC 9285, section 4."""
    pairs = len(data) // 2
    words = struct.unpack_from(f">{pairs}H", data)
    text = "".join([_PAIRS[word % 2025] + ALPHABET[word // 2025] for word in words])
    return text + _PAIRS[data[-1]] if len(data) % 2 else text


def decode(text: str) -> bytes:
    """Return the bytes of a Base45 text.

    Raises Malformed for a character outside the alphabet, a length of 3n + 1, and a group that says more than its
    bytes can hold. Source: RFC 9285, sections 4 and 6.
    """
    try:
        digits = text.encode("ascii").translate(_DIGITS)
    except UnicodeEncodeError as error:
        raise Malformed("not Base45") from error
    if _OUTSIDE in digits:
        raise Malformed("not Base45")
    groups, rest = divmod(len(digits), 3)
    if rest == 1:
        raise Malformed("not a length of Base45")
    whole = groups * 3
    size = groups * 4
    low, middle, high = bytearray(size), bytearray(size), bytearray(size)
    low[::4], middle[::4], high[::4] = digits[0:whole:3], digits[1:whole:3], digits[2:whole:3]
    lanes = (
        int.from_bytes(low, "little") + 45 * int.from_bytes(middle, "little") + 2025 * int.from_bytes(high, "little")
    ).to_bytes(size, "little")  # 44 * (1 + 45 + 2025) needs 17 bits of the 32 in a lane: lanes never touch
    if lanes[2::4].count(0) != groups:
        raise Malformed("a Base45 group above 65535")
    data = bytearray(groups * 2)
    data[::2], data[1::2] = lanes[1::4], lanes[::4]
    if rest:
        last = digits[whole] + 45 * digits[whole + 1]
        if last > 255:
            raise Malformed("a Base45 group above 255")
        data.append(last)
    return bytes(data)
