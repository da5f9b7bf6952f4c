"""What a register counts for a planner: how many of these people live in which province, and never who.

Only counts leave the register. One row of the record stands for the whole question: nobody's own facts were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import func, select

from wallet.audit import Audit
from wallet.db import Database
from wallet.errors import Unavailable
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.models import Residence
from wallet.sources.tables import reading

CHUNK = 500
"""Numbers that one query asks for."""


class ResidenceCounter(Protocol):
    """The residence register, as far as it counts."""

    def count(self, numbers: Sequence[str]) -> dict[str, int]:
        """Return how many of these people are registered in each province, by its 2-digit code.

        Raises Unavailable("source_unavailable").
        """
        ...


@dataclass(frozen=True, slots=True)
class EmbeddedResidenceCounter:
    """The embedded residence register counts."""

    database: Database

    def count(self, numbers: Sequence[str]) -> dict[str, int]:
        """Return how many of these people are registered in each province, by its 2-digit code."""
        found: dict[str, int] = {}
        province, table = Residence.permanent_province_code, Residence.__table__
        with reading(self.database, RegisterCode.RESIDENCE) as connection:
            for start in range(0, len(numbers), CHUNK):
                asked = table.c.number.in_(numbers[start : start + CHUNK])
                query = select(province, func.count()).where(asked, province.is_not(None)).group_by(province)
                for row in connection.execute(query):
                    code = str(row[0])
                    found[code] = found.get(code, 0) + row[1]
        return found


@dataclass(frozen=True, slots=True)
class Tallying:
    """Counts of one transaction. counter: None where the connected register does not count."""

    counter: ResidenceCounter | None
    audit: Audit

    def by_province(self, numbers: Sequence[str], ground: Ground) -> dict[str, int]:
        """Return how many of these people are registered in each province. Raises Unavailable."""
        if self.counter is None:
            raise Unavailable("source_unavailable", register=str(RegisterCode.RESIDENCE))
        self.audit.record(
            "source.counted",
            ground.actor,
            ground.procedure,
            source=str(RegisterCode.RESIDENCE),
            purpose=ground.purpose,
            people=len(numbers),
        )
        return self.counter.count(numbers)
