"""The register of civil status as tables of this deployment."""

from typing import cast

from sqlalchemy import Table, or_, select

from wallet.db import Database
from wallet.errors import NotFound
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.ministry_models import Birth, Marriage
from wallet.sources.tables import current_number, reading, record, require_number

_births = cast(Table, Birth.__table__)
_marriages = cast(Table, Marriage.__table__)

_BIRTHS = (
    select(_births)
    .where(
        or_(
            _births.c.child_number == current_number(),
            _births.c.mother_number == current_number(),
            _births.c.father_number == current_number(),
        )
    )
    .order_by(_births.c.born_on, _births.c.notice_id)
)
_MARRIAGES = (
    select(_marriages, current_number().label("asked"))
    .where(or_(_marriages.c.husband_number == current_number(), _marriages.c.wife_number == current_number()))
    .order_by(_marriages.c.registered_on)
)


class EmbeddedCivilStatus:
    """The register of civil status (hộ tịch): births with the hospitals' notices of them, and marriages."""

    code = RegisterCode.CIVIL_STATUS
    _BIRTH = (
        "notice_id", "child_name", "born_on", "born_at_place", "sex", "mother_number", "father_number", "hospital",
        "state",
    )  # fmt: skip

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the births of a person and of their children, and their marriages, the oldest first.

        number: 12 digits, current or former. Raises NotFound("person_unknown") where there is neither, Unavailable.
        """
        require_number(number)
        with reading(self._database, self.code) as connection:
            births = connection.execute(_BIRTHS, {"number": number}).mappings().all()
            marriages = connection.execute(_MARRIAGES, {"number": number}).mappings().all()
        if not births and not marriages:
            raise NotFound("person_unknown")
        values: dict[str, Fact] = {
            "births": tuple(record(row, self._BIRTH) for row in births),
            "marriages": tuple(
                {
                    **record(row, ("registered_on", "registered_at", "state")),
                    "spouse_name": row["wife_name" if row["husband_number"] == row["asked"] else "husband_name"],
                    "spouse_number": row["wife_number" if row["husband_number"] == row["asked"] else "husband_number"],
                }
                for row in marriages
            ),
        }
        return Facts(self.code, values, max(row["updated_at"] for row in (*births, *marriages)))
