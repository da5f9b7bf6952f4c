"""The tables of the registers that line ministries keep (cơ sở dữ liệu chuyên ngành).

Each keeps names and birth dates of its own, which need not agree with the population register. Columns that end in
`_packed` hold records by group, as text (`wallet.sources.tables.packed`).
"""

from datetime import date, datetime

from sqlalchemy import Date, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from wallet.db import UtcDateTime
from wallet.sources.models import NationBase


class Conviction(NationBase):
    """One conviction by a court. expunged_on: when it was struck out (xóa án tích), NULL while it stands."""

    __tablename__ = "nation_convictions"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    judgment_number: Mapped[str] = mapped_column(String(40), primary_key=True)
    judged_on: Mapped[date] = mapped_column(Date)
    court: Mapped[str] = mapped_column(Text)
    offence: Mapped[str] = mapped_column(Text)
    penalty: Mapped[str] = mapped_column(Text)
    civil_duties: Mapped[str] = mapped_column(Text)
    court_fees: Mapped[str] = mapped_column(Text)
    execution: Mapped[str] = mapped_column(Text)
    expunged_on: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PostBan(NationBase):
    """A ban on holding posts, or on founding and running enterprises, after a bankruptcy."""

    __tablename__ = "nation_bans"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    decision_number: Mapped[str] = mapped_column(String(40), primary_key=True)
    decided_on: Mapped[date] = mapped_column(Date)
    court: Mapped[str] = mapped_column(Text)
    posts: Mapped[str] = mapped_column(Text)
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HealthInsurance(NationBase):
    """One health-insurance card. Form of its numbers: docs/domain.md section 3.3."""

    __tablename__ = "nation_health_insurance"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    card_number: Mapped[str] = mapped_column(String(15))
    insurance_number: Mapped[str] = mapped_column(String(10))
    benefit_level: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    first_care_facility: Mapped[str] = mapped_column(Text)
    full_name: Mapped[str] = mapped_column(Text)
    """Without diacritics for some (docs/domain.md section 8, case 18)."""
    birth_date: Mapped[str] = mapped_column(String(10))
    sex: Mapped[str] = mapped_column(String(3))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HealthRecord(NationBase):
    """What care facilities sent about one person."""

    __tablename__ = "nation_health_records"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    full_name: Mapped[str] = mapped_column(Text)
    birth_date: Mapped[str] = mapped_column(String(10))
    insurance_number: Mapped[str] = mapped_column(String(10))
    blood_type: Mapped[str | None] = mapped_column(String(3))
    groups_packed: Mapped[str] = mapped_column(Text)
    """History, visits and papers: records by group. Groups with nothing in them are left out."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DrivingLicence(NationBase):
    """One driving licence. classes: codes, parted by blanks. state: `valid`, `held`, `revoked` or `old_paper`."""

    __tablename__ = "nation_driving_licences"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    licence_number: Mapped[str] = mapped_column(String(12), primary_key=True)
    full_name: Mapped[str] = mapped_column(Text)
    birth_date: Mapped[str] = mapped_column(String(10))
    classes: Mapped[str] = mapped_column(Text)
    issued_on: Mapped[date] = mapped_column(Date)
    expires_on: Mapped[date | None] = mapped_column(Date)
    issued_by: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Vehicle(NationBase):
    """One registered vehicle. kind: `car` or `motorcycle`. state: `valid`, `held` or `cancelled`."""

    __tablename__ = "nation_vehicles"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    plate: Mapped[str] = mapped_column(String(16), primary_key=True)
    full_name: Mapped[str] = mapped_column(Text)
    birth_date: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(16))
    brand: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    colour: Mapped[str] = mapped_column(Text)
    chassis_number: Mapped[str] = mapped_column(String(24))
    engine_number: Mapped[str] = mapped_column(String(24))
    registered_on: Mapped[date] = mapped_column(Date)
    registered_by: Mapped[str] = mapped_column(Text)
    expires_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SocialSecurity(NationBase):
    """What somebody is paid, and the account it goes to, where they have named one."""

    __tablename__ = "nation_social_security"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    full_name: Mapped[str] = mapped_column(Text)
    birth_date: Mapped[str] = mapped_column(String(10))
    insurance_number: Mapped[str] = mapped_column(String(10))
    benefits_packed: Mapped[str] = mapped_column(Text)
    account_bank: Mapped[str | None] = mapped_column(Text)
    account_last4: Mapped[str | None] = mapped_column(String(4))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SecurityCases(NationBase):
    """What the police keep of somebody's reports. barred_until: last day of a bar on sending any, NULL where none was
    set; one that has passed may still stand there."""

    __tablename__ = "nation_security_cases"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    reports_packed: Mapped[str] = mapped_column(Text)
    barred_until: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Birth(NationBase):
    """A birth, from the hospital's electronic notice on. state: `notified`, then `registered`."""

    __tablename__ = "nation_births"

    notice_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    child_number: Mapped[str | None] = mapped_column(String(12), index=True)
    """None until the birth is registered and the child has a number."""
    child_name: Mapped[str | None] = mapped_column(Text)
    born_on: Mapped[date] = mapped_column(Date)
    born_at_place: Mapped[str] = mapped_column(Text)
    sex: Mapped[str] = mapped_column(String(3))
    mother_number: Mapped[str] = mapped_column(String(12), index=True)
    father_number: Mapped[str | None] = mapped_column(String(12), index=True)
    hospital: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Marriage(NationBase):
    """A marriage. state: `valid`, or `ended` by death or divorce."""

    __tablename__ = "nation_marriages"

    certificate_number: Mapped[str] = mapped_column(String(20), primary_key=True)
    husband_number: Mapped[str] = mapped_column(String(12), index=True)
    husband_name: Mapped[str] = mapped_column(Text)
    wife_number: Mapped[str] = mapped_column(String(12), index=True)
    wife_name: Mapped[str] = mapped_column(Text)
    registered_on: Mapped[date] = mapped_column(Date)
    registered_at: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
