"""Word of a register that something changed: of whom, and when. A partner pushes it or is asked for it.

Beside it every account is looked at once a day, so a register that has no such word, or whose word is lost, is a day
late and not silent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from sqlalchemy import Table, and_, or_, select

from wallet.db import Database
from wallet.sources.base import RegisterCode
from wallet.sources.ministry_models import (
    Conviction,
    DrivingLicence,
    HealthInsurance,
    HealthRecord,
    PostBan,
    SecurityCases,
    SocialSecurity,
    Vehicle,
)
from wallet.sources.models import Citizen, Residence
from wallet.sources.tables import reading

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A change of what a register says of a person; in the order in which it is told. at: aware."""

    at: datetime
    number: str


class Changes(Protocol):
    """What registers tell of their changes."""

    def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
        """Return the next changes after one, the oldest first; none of a register that does not tell any.

        Raises Unavailable("source_unavailable").
        """
        ...


_TABLES: Mapping[str, tuple[type, ...]] = {
    RegisterCode.POPULATION: (Citizen,),
    RegisterCode.PORTRAITS: (Citizen,),
    RegisterCode.RESIDENCE: (Residence,),
    RegisterCode.CRIMINAL_RECORDS: (Conviction, PostBan),
    RegisterCode.HEALTH_INSURANCE: (HealthInsurance,),
    RegisterCode.HEALTH_RECORDS: (HealthRecord,),
    RegisterCode.DRIVING_LICENCES: (DrivingLicence,),
    RegisterCode.VEHICLES: (Vehicle,),
    RegisterCode.SOCIAL_SECURITY: (SocialSecurity,),
    RegisterCode.SECURITY_CASES: (SecurityCases,),
}


class EmbeddedChanges:
    """The changes of the embedded registers: what their tables say of themselves.

    elsewhere: registers that are a partner's, whose tables here say nothing.
    """

    def __init__(self, database: Database, elsewhere: frozenset[str] = frozenset()) -> None:
        self._database, self._elsewhere = database, elsewhere

    def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
        """Return the next changes, as `Changes` has it."""
        found: set[Change] = set()
        tables = () if register in self._elsewhere else _TABLES.get(register, ())
        if not tables:
            return ()
        with reading(self._database, register) as connection:
            for each in tables:
                table = cast(Table, each.__table__)  # type: ignore[attr-defined]
                at, number = table.c.updated_at, table.c.number
                later = or_(at > last.at, and_(at == last.at, number > last.number))
                statement = select(at, number).where(later).order_by(at, number).distinct().limit(limit)
                found |= {Change(row.updated_at, row.number) for row in connection.execute(statement)}
        return sorted(found)[:limit]
