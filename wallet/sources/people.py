"""The registers of who somebody is, as tables of this deployment: people, phones, references, permits, enterprises.

What a demo and a test read instead of a partner's API.
"""

import re
from typing import cast

from sqlalchemy import String, Table, bindparam, select

from wallet.db import Database
from wallet.errors import NotFound
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.models import Biometric, Business, Citizen, FormerNumber, Permit, Subscription
from wallet.sources.tables import birth, current_number, only_known, reading, require_number, rows_of

_CMND = re.compile(r"[0-9]{9}")
_ENTERPRISE = re.compile(r"[0-9]{10}(-[0-9]{3})?")

# Tables, not mapped classes: rows are all that is wanted, and half the time of a question would go into the mapping.
_citizens = cast(Table, Citizen.__table__)
_aliases = cast(Table, FormerNumber.__table__)
_subscriptions = cast(Table, Subscription.__table__)
_biometrics = cast(Table, Biometric.__table__)
_permits = cast(Table, Permit.__table__)
_businesses = cast(Table, Business.__table__)
_former = _aliases.alias("former")

_PERSON = (
    select(*_citizens.columns, _former.c.former_number)
    .outerjoin(_former, _former.c.number == _citizens.c.number)
    .where(_citizens.c.number == current_number())
    .order_by(_former.c.former_number)
)
_BY_CMND = select(_citizens.c.number).where(_citizens.c.cmnd == bindparam("cmnd", type_=String(9))).limit(2)
_PHONES = select(_subscriptions).where(_subscriptions.c.number == current_number()).order_by(_subscriptions.c.phone)
_TEMPLATES = select(_biometrics).where(_biometrics.c.number == current_number())
_PERMIT = select(_permits).where(_permits.c.number == current_number())
_BUSINESS = select(_businesses).where(_businesses.c.enterprise_code == bindparam("code", type_=String(20)))

_PLAIN = (
    "number", "cmnd", "full_name", "family_name", "middle_name", "given_name", "sex", "nationality", "ethnicity",
    "religion", "native_place", "birth_registration_place", "father_number", "mother_number", "spouse_number",
    "guardian_number", "father_name", "mother_name", "spouse_name", "other_names", "died_on", "card_issued",
    "card_expires",
)  # fmt: skip
"""Facts that are columns of the same name."""


class EmbeddedPopulation:
    """The population register (Cơ sở dữ liệu quốc gia về dân cư)."""

    code = RegisterCode.POPULATION

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return who the person is. Facts that are not known are left out.

        number: 12 digits, current or former; or the 9 digits of a former card (CMND) that no two people share.
        Raises NotFound("person_unknown"), Unavailable("source_unavailable").
        """
        by_card = bool(_CMND.fullmatch(number))
        if not by_card:
            require_number(number)
        with reading(self._database, self.code) as connection:
            if by_card:
                known_by = connection.execute(_BY_CMND, {"cmnd": number}).scalars().all()
                number = known_by[0] if len(known_by) == 1 else ""
            rows = connection.execute(_PERSON, {"number": number}).mappings().all()
        if not rows:
            raise NotFound("person_unknown")
        row = rows[0]
        known: dict[str, Fact | None] = {
            **{name: row[name] for name in _PLAIN},
            "former_numbers": tuple(each["former_number"] for each in rows if each["former_number"]) or None,
            "birth_date": birth(row["birth_date"]),
            "exemptions": tuple(row["exemptions"].split()) if row["exemptions"] else None,
            "alive": row["state"] == "alive",
        }
        return Facts(self.code, only_known(known), row["updated_at"])


class EmbeddedSubscribers:
    """The operators' registers of subscribers, as one."""

    code = RegisterCode.SUBSCRIBERS

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the fact `phones`: every mobile number in the person's own name, in E.164.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        rows = rows_of(self._database, self.code, _PHONES, number)
        return Facts(self.code, {"phones": tuple(row["phone"] for row in rows)}, max(row["updated_at"] for row in rows))


class EmbeddedBiometrics:
    """The reference templates of the identity database (Cơ sở dữ liệu căn cước)."""

    code = RegisterCode.BIOMETRICS

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the facts `face` and `finger`, as bytes that the matcher understands.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        row = rows_of(self._database, self.code, _TEMPLATES, number)[0]
        return Facts(self.code, {"face": row["face"], "finger": row["finger"]}, row["updated_at"])


class EmbeddedImmigration:
    """The immigration register (Cơ sở dữ liệu về xuất nhập cảnh), of foreigners who reside here."""

    code = RegisterCode.IMMIGRATION
    _NAMES = ("permit_number", "permit_expires", "passport_number", "passport_expires", "biometrics_on_file")

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return passport and residence permit. permit_kind: `permanent` or `temporary`.

        number: 12 digits, current or former. Raises NotFound("person_unknown") for who has none, Unavailable.
        """
        row = rows_of(self._database, self.code, _PERMIT, number)[0]
        known: dict[str, Fact] = {name: row[name] for name in self._NAMES}
        return Facts(self.code, known | {"permit_kind": row["kind"]}, row["updated_at"])


class EmbeddedBusinesses:
    """The business register (Cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp)."""

    code = RegisterCode.BUSINESSES
    _NAMES = (
        "enterprise_code",
        "tax_code",
        "name",
        "head_office",
        "founded_on",
        "representative_number",
        "state",
    )

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return what is registered of an enterprise.

        number: the enterprise's code, 10 digits, with `-` and 3 more for a branch. Raises NotFound("person_unknown")
        for none, Unavailable("source_unavailable").
        """
        if not _ENTERPRISE.fullmatch(number):
            raise NotFound("person_unknown")
        with reading(self._database, self.code) as connection:
            row = connection.execute(_BUSINESS, {"code": number}).mappings().one_or_none()
        if row is None:
            raise NotFound("person_unknown")
        return Facts(self.code, {name: row[name] for name in self._NAMES}, row["updated_at"])
