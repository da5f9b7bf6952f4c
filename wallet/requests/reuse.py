"""How much of what forms want is not asked, because a register holds it: counted, of no person.

The published rates are 1.13 % at ministries and 10.35 % at localities (docs/domain.md, section 1e).
"""

from dataclasses import dataclass
from datetime import datetime

from wallet.requests.repository import RequestRepository


@dataclass(frozen=True, slots=True)
class Reuse:
    """Fields of requests that were sent. utility: its code, "" for all of them. rate: held of all, 0 to 1."""

    utility: str
    held: int
    asked: int

    @property
    def rate(self) -> float:
        return self.held / (self.held + self.asked) if self.held else 0.0


def reuse_since(rows: RequestRepository, since: datetime) -> list[Reuse]:
    """Return the counts of each utility since a moment, and of all of them first."""
    each = [Reuse(utility, held, asked) for utility, held, asked in rows.reuse(since)]
    whole = Reuse("", sum(one.held for one in each), sum(one.asked for one in each))
    return [whole, *each]
