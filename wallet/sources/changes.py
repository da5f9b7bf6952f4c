"""Word of a register that something changed: of whom, and when. A partner is asked for it (`telling.py`).

Beside it every account is looked at once a day, so a register that has no such word, or whose word is lost, is a day
late and not silent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from sqlalchemy import Column, FromClause, Table, and_, or_, select

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
from wallet.sources.models import Citizen, Household, Residence
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


@dataclass(frozen=True, slots=True)
class _Told:
    """Where changes stand: rows, when each was changed, and of whom that is a change."""

    rows: FromClause
    at: Column[datetime]
    number: Column[str]


def _rows_of(model: type) -> _Told:
    table = cast(Table, model.__table__)  # type: ignore[attr-defined]
    return _Told(table, table.c.updated_at, table.c.number)


def _of_households() -> tuple[_Told, ...]:
    """Return the changes of a member, of a person who is one, and of a household: each of every member's."""
    member, people = cast(Table, Residence.__table__), cast(Table, Citizen.__table__)
    households, mate = cast(Table, Household.__table__), member.alias("mate")
    together = member.join(mate, mate.c.household_id == member.c.household_id)
    number = member.c.number
    return (
        _Told(together, mate.c.updated_at, number),
        _Told(together.join(people, people.c.number == mate.c.number), people.c.updated_at, number),
        _Told(member.join(households, households.c.id == member.c.household_id), households.c.updated_at, number),
    )


_TOLD: Mapping[str, tuple[_Told, ...]] = {
    RegisterCode.POPULATION: (_rows_of(Citizen),),
    RegisterCode.PORTRAITS: (_rows_of(Citizen),),
    RegisterCode.RESIDENCE: _of_households(),
    RegisterCode.CRIMINAL_RECORDS: (_rows_of(Conviction), _rows_of(PostBan)),
    RegisterCode.HEALTH_INSURANCE: (_rows_of(HealthInsurance),),
    RegisterCode.HEALTH_RECORDS: (_rows_of(HealthRecord),),
    RegisterCode.DRIVING_LICENCES: (_rows_of(DrivingLicence),),
    RegisterCode.VEHICLES: (_rows_of(Vehicle),),
    RegisterCode.SOCIAL_SECURITY: (_rows_of(SocialSecurity),),
    RegisterCode.SECURITY_CASES: (_rows_of(SecurityCases),),
}
"""Of whom a register states something else than before; who lives with somebody is part of what is stated of them."""


class EmbeddedChanges:
    """The changes of the embedded registers: what their tables say of themselves.

    elsewhere: registers that are a partner's, whose tables here say nothing.
    """

    def __init__(self, database: Database, elsewhere: frozenset[str] = frozenset()) -> None:
        self._database, self._elsewhere = database, elsewhere

    def after(self, register: str, last: Change, limit: int) -> Sequence[Change]:
        """Return the next changes, as `Changes` has it."""
        found: set[Change] = set()
        told = () if register in self._elsewhere else _TOLD.get(register, ())
        if not told:
            return ()
        with reading(self._database, register) as connection:
            for each in told:
                at, number = each.at, each.number
                later = or_(at > last.at, and_(at == last.at, number > last.number))
                statement = (
                    select(at, number).select_from(each.rows).where(later).order_by(at, number).distinct().limit(limit)
                )
                found |= {Change(row.updated_at, row.number) for row in connection.execute(statement)}
        return sorted(found)[:limit]
