"""The register of social security as tables of this deployment."""

from typing import cast

from sqlalchemy import Table, select

from wallet.db import Database
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.ministry_models import SocialSecurity
from wallet.sources.tables import birth, current_number, only_known, rows_of, unpacked

_benefits = cast(Table, SocialSecurity.__table__)

_INSURED = select(_benefits).where(_benefits.c.number == current_number())


class EmbeddedSocialSecurity:
    """The register of social security (an sinh xã hội): who is paid what, into which account."""

    code = RegisterCode.SOCIAL_SECURITY

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return what a person is paid, in đồng a month. account_bank, account_last4: where they named an account.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who is paid nothing, Unavailable.
        """
        row = rows_of(self._database, self.code, _INSURED, number)[0]
        known: dict[str, Fact | None] = {
            **{name: row[name] for name in ("full_name", "insurance_number", "account_bank", "account_last4")},
            "birth_date": birth(row["birth_date"]),
            **unpacked(row["benefits_packed"]),
        }
        return Facts(self.code, only_known(known), row["updated_at"])
