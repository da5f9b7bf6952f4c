"""Phone numbers of the demo's people: in their own name, and they follow from their personal number."""

from hashlib import sha256

PREFIX = "+849"
SECOND_PREFIX = "+848"
_SUBSCRIBERS = 10**8


def phone_of(number: str) -> str:
    """Return the phone of the person with this personal number, in E.164: `+849` and eight digits."""
    return PREFIX + _digits(number)


def second_phone_of(number: str) -> str:
    """Return the phone that the same person can change to: `+848` and eight digits."""
    return SECOND_PREFIX + _digits(f"second:{number}")


def _digits(text: str) -> str:
    return f"{int.from_bytes(sha256(text.encode()).digest()[:8]) % _SUBSCRIBERS:08d}"
