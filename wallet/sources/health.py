"""The registers of health insurance and of what care facilities sent to it, as tables of this deployment."""

from typing import cast

from sqlalchemy import Table, select

from wallet.db import Database
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.ministry_models import HealthInsurance, HealthRecord
from wallet.sources.tables import birth, current_number, only_known, rows_of, unpacked

_insurance = cast(Table, HealthInsurance.__table__)
_records = cast(Table, HealthRecord.__table__)

_INSURED = select(_insurance).where(_insurance.c.number == current_number())
_PATIENT = select(_records).where(_records.c.number == current_number())


class EmbeddedHealthInsurance:
    """The register of health insurance (bảo hiểm y tế)."""

    code = RegisterCode.HEALTH_INSURANCE
    _NAMES = (
        "card_number", "insurance_number", "benefit_level", "valid_from", "valid_until", "first_care_facility",
        "full_name", "sex",
    )  # fmt: skip

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the card, whether it still holds or not. full_name: as the card has it, without diacritics on some.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for the uninsured, Unavailable.
        """
        row = rows_of(self._database, self.code, _INSURED, number)[0]
        values: dict[str, Fact] = {name: row[name] for name in self._NAMES}
        return Facts(self.code, values | {"birth_date": birth(row["birth_date"])}, row["updated_at"])


class EmbeddedHealthRecords:
    """The records that care facilities sent to the insurance portal (Cổng giám định BHYT)."""

    code = RegisterCode.HEALTH_RECORDS
    _GROUPS = ("diseases", "allergies", "vaccinations", "visits", "referrals", "appointments")

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return history, visits and papers; a group with nothing in it is empty.

        full_name, birth_date and insurance_number are those the records came under: they may be another's by mistake.
        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has no records, Unavailable.
        """
        row = rows_of(self._database, self.code, _PATIENT, number)[0]
        groups = unpacked(row["groups_packed"])
        known: dict[str, Fact | None] = {
            "full_name": row["full_name"],
            "birth_date": birth(row["birth_date"]),
            "insurance_number": row["insurance_number"],
            "blood_type": row["blood_type"],
            **{group: groups.get(group, ()) for group in self._GROUPS},
        }
        return Facts(self.code, only_known(known), row["updated_at"])
