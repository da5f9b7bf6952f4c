"""The registers of driving licences and of vehicles, as tables of this deployment."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Table, select

from wallet.db import Database
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.ministry_models import DrivingLicence, Vehicle
from wallet.sources.tables import birth, current_number, record, rows_of

_licences = cast(Table, DrivingLicence.__table__)
_vehicles = cast(Table, Vehicle.__table__)

_OF_DRIVER = (
    select(_licences)
    .where(_licences.c.number == current_number())
    .order_by(_licences.c.issued_on, _licences.c.licence_number)
)
_OF_OWNER = (
    select(_vehicles)
    .where(_vehicles.c.number == current_number())
    .order_by(_vehicles.c.registered_on, _vehicles.c.plate)
)


class EmbeddedDrivingLicences:
    """The register of driving licences (giấy phép lái xe)."""

    code = RegisterCode.DRIVING_LICENCES
    _NAMES = ("licence_number", "issued_on", "expires_on", "issued_by", "points", "state")

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return every licence of a person, the oldest first. One without expires_on does not expire.

        full_name, birth_date: as the newest licence has them. classes: the codes with blanks between them.
        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        rows = rows_of(self._database, self.code, _OF_DRIVER, number)
        licences = tuple({**record(row, self._NAMES), "classes": tuple(row["classes"].split())} for row in rows)
        return _owned(self.code, rows, {"licences": licences})


class EmbeddedVehicles:
    """The register of vehicles (đăng ký xe)."""

    code = RegisterCode.VEHICLES
    _NAMES = (
        "plate", "kind", "brand", "model", "colour", "chassis_number", "engine_number", "registered_on",
        "registered_by", "expires_on", "state",
    )  # fmt: skip

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return every vehicle registered to a person, the oldest registration first.

        full_name, birth_date: as the newest registration has them. number: 12 digits, current or former.
        Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        rows = rows_of(self._database, self.code, _OF_OWNER, number)
        return _owned(self.code, rows, {"vehicles": tuple(record(row, self._NAMES) for row in rows)})


def _owned(code: RegisterCode, rows: Any, values: Mapping[str, Fact]) -> Facts:
    newest = rows[-1]
    owner: dict[str, Fact] = {"full_name": newest["full_name"], "birth_date": birth(newest["birth_date"])}
    return Facts(code, owner | dict(values), max(row["updated_at"] for row in rows))
