"""Personal identification numbers that belong to nobody: prefix 099, which no province and no country has.

Shape: 099, one digit for century and sex, two for the year of birth, six that tell people apart.
Source: Decree 137/2015/NĐ-CP, article 13 (docs/domain.md section 3.1).
"""

from hashlib import blake2b

PREFIX = "099"
MALE = "Nam"
FEMALE = "Nữ"

RESERVED = 1000
"""Serials below this are kept for personas and edge cases, whose numbers are the same in every nation."""

_SPAN = 998_989
"""The largest prime that fits behind the reserved serials: any multiplier below it makes a bijection."""


def century_digit(sex: str, year: int) -> int:
    """Return digit 4. year: 1900 to 2399."""
    return (year // 100 - 19) * 2 + (sex == FEMALE)


def fixed_number(sex: str, year: int, serial: int) -> str:
    """Return a number with a reserved serial. serial: 0 to 999."""
    if not 0 <= serial < RESERVED:
        raise ValueError(f"serial {serial} is not reserved")
    return f"{PREFIX}{century_digit(sex, year)}{year % 100:02d}{serial:06d}"


class NumberPool:
    """Gives every person of one nation a number of their own.

    One counter per century, sex and year of birth; a permutation chosen by the seed turns the count into six digits,
    so nothing is drawn twice, searched or remembered but the counters.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._buckets: dict[int, tuple[int, int, int]] = {}

    def take(self, sex: str, year: int) -> str:
        """Return the next number for this sex and year of birth."""
        bucket = century_digit(sex, year) * 100 + year % 100
        count, factor, shift = self._buckets.get(bucket) or (0, *self._permutation(bucket))
        if count >= _SPAN:
            raise OverflowError(f"no number is left for {sex} born in {year}")
        self._buckets[bucket] = (count + 1, factor, shift)
        return f"{PREFIX}{bucket:03d}{RESERVED + (count * factor + shift) % _SPAN:06d}"

    def _permutation(self, bucket: int) -> tuple[int, int]:
        digest = blake2b(f"{self._seed}:{bucket}".encode(), digest_size=16).digest()
        # Near the golden section of the span, neighbours in the count lie far apart.
        factor = 580_000 + int.from_bytes(digest[:8], "big") % 80_000
        return factor, int.from_bytes(digest[8:], "big") % _SPAN
