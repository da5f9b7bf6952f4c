"""The police's register of reports on security and public order, as a table of this deployment."""

from typing import cast

from sqlalchemy import Table, select

from wallet.db import Database
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.ministry_models import SecurityCases
from wallet.sources.tables import current_number, only_known, rows_of, unpacked

_cases = cast(Table, SecurityCases.__table__)

_REPORTER = select(_cases).where(_cases.c.number == current_number())


class EmbeddedSecurityCases:
    """The register of security reports (phản ánh về an ninh, trật tự): what became of each, never what it said."""

    code = RegisterCode.SECURITY_CASES

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return every report of a person, the oldest first, and barred_until where a bar was set.

        kind, state: codes. number: 12 digits, current or former. Raises NotFound("person_unknown") for who never sent a
        report, Unavailable.
        """
        row = rows_of(self._database, self.code, _REPORTER, number)[0]
        known = {**unpacked(row["reports_packed"]), "barred_until": row["barred_until"]}
        return Facts(self.code, only_known(known), row["updated_at"])
