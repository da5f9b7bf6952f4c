"""The register of judicial records as tables of this deployment."""

from datetime import date
from typing import Any, cast

from sqlalchemy import Select, Table, select

from wallet.clock import Clock
from wallet.db import Database
from wallet.errors import NotFound
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.ministry_models import Conviction, PostBan
from wallet.sources.models import Citizen
from wallet.sources.tables import current_number, reading, record, require_number
from wallet.working_days import vietnamese_day

_citizens = cast(Table, Citizen.__table__)
_convictions = cast(Table, Conviction.__table__)
_bans = cast(Table, PostBan.__table__)

_PERSON = select(_citizens.c.birth_date, _citizens.c.updated_at).where(_citizens.c.number == current_number())
_CONVICTIONS = select(_convictions).where(_convictions.c.number == current_number()).order_by(_convictions.c.judged_on)
_BANS = select(_bans).where(_bans.c.number == current_number()).order_by(_bans.c.decided_on)

YOUNGEST = 16
"""Years: the youngest who can have a record."""


class EmbeddedCriminalRecords:
    """The register of judicial records (Cơ sở dữ liệu lý lịch tư pháp)."""

    code = RegisterCode.CRIMINAL_RECORDS
    _CONVICTION = (
        "judgment_number", "judged_on", "court", "offence", "penalty", "civil_duties", "court_fees", "execution",
        "expunged_on",
    )  # fmt: skip
    _BAN = ("decision_number", "decided_on", "court", "posts", "from_day", "until_day")

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the facts `convictions` and `bans`, the oldest first, the expunged ones included; empty for nothing.

        It knows everybody of 16 or older. A conviction that stands has no expunged_on.
        number: 12 digits, current or former. Raises NotFound("person_unknown") for the younger, Unavailable.
        """
        require_number(number)
        with reading(self._database, self.code) as connection:

            def rows(statement: Select[Any]) -> Any:
                return connection.execute(statement, {"number": number}).mappings().all()

            people, convictions, bans = rows(_PERSON), rows(_CONVICTIONS), rows(_BANS)
        if not people or not _is_old_enough(people[0]["birth_date"], vietnamese_day(self._clock.now())):
            raise NotFound("person_unknown")
        values: dict[str, Fact] = {
            "convictions": tuple(record(row, self._CONVICTION) for row in convictions),
            "bans": tuple(record(row, self._BAN) for row in bans),
        }
        return Facts(self.code, values, max(row["updated_at"] for row in (*people, *convictions, *bans)))


def _is_old_enough(born: str, today: date) -> bool:
    """Tell by the birth date; where only the year is known, by its last day."""
    month_and_day = born[5:] or "12-31"
    return f"{int(born[:4]) + YOUNGEST:04d}-{month_and_day}" <= today.isoformat()
