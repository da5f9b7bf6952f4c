"""The tables of the embedded registers. They belong to other institutions, so they share nothing with `wallet.db.Base`:
own metadata, own engine, created by whoever fills them, read by `wallet.sources.embedded` alone.

Dates of birth are text: `YYYY-MM-DD`, or `YYYY` when only the year is known (docs/domain.md section 8, case 4).
"""

from datetime import date, datetime

from sqlalchemy import Date, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from wallet.db import NAMING, UtcDateTime


class NationBase(DeclarativeBase):
    """The base of every register's table. Prefix: `nation_`."""

    metadata = MetaData(naming_convention=NAMING)


class Citizen(NationBase):
    """One person in the population register, under the number that is valid now."""

    __tablename__ = "nation_population"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    cmnd: Mapped[str | None] = mapped_column(String(9))
    """The former 9-digit card number: unknown for many, and shared by some (case 11), so it is no key."""
    family_name: Mapped[str | None] = mapped_column(Text)
    middle_name: Mapped[str | None] = mapped_column(Text)
    given_name: Mapped[str | None] = mapped_column(Text)
    full_name: Mapped[str] = mapped_column(Text)
    """As registered. Not always family + middle + given: `H'Linh Byă` puts the family last."""
    birth_date: Mapped[str] = mapped_column(String(10))
    sex: Mapped[str] = mapped_column(String(3))
    nationality: Mapped[str] = mapped_column(Text)
    ethnicity: Mapped[str | None] = mapped_column(Text)
    religion: Mapped[str | None] = mapped_column(Text)
    native_place: Mapped[str | None] = mapped_column(Text)
    birth_registration_code: Mapped[str | None] = mapped_column(String(3))
    """The prefix code of the place of registration, `001` to `096`: text, its zeros matter."""
    birth_registration_place: Mapped[str | None] = mapped_column(Text)
    father_number: Mapped[str | None] = mapped_column(String(12))
    mother_number: Mapped[str | None] = mapped_column(String(12))
    spouse_number: Mapped[str | None] = mapped_column(String(12))
    guardian_number: Mapped[str | None] = mapped_column(String(12))
    card_issued: Mapped[date | None] = mapped_column(Date)
    card_expires: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(5))
    """`alive` or `dead`."""
    died_on: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FormerNumber(NationBase):
    """A 12-digit number that was cancelled, and the number its holder has now."""

    __tablename__ = "nation_aliases"

    former_number: Mapped[str] = mapped_column(String(12), primary_key=True)
    number: Mapped[str] = mapped_column(String(12), index=True)


class Residence(NationBase):
    """Where one person is registered, and with whom."""

    __tablename__ = "nation_residence"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    household_id: Mapped[str] = mapped_column(String(16), index=True)
    relation: Mapped[str] = mapped_column(String(16))
    permanent_line: Mapped[str | None] = mapped_column(Text)
    permanent_commune_code: Mapped[str | None] = mapped_column(String(5))
    permanent_commune: Mapped[str | None] = mapped_column(Text)
    permanent_province_code: Mapped[str | None] = mapped_column(String(2))
    permanent_province: Mapped[str | None] = mapped_column(Text)
    permanent_since: Mapped[date | None] = mapped_column(Date)
    temporary_line: Mapped[str | None] = mapped_column(Text)
    temporary_commune_code: Mapped[str | None] = mapped_column(String(5))
    temporary_commune: Mapped[str | None] = mapped_column(Text)
    temporary_province_code: Mapped[str | None] = mapped_column(String(2))
    temporary_province: Mapped[str | None] = mapped_column(Text)
    temporary_since: Mapped[date | None] = mapped_column(Date)
    temporary_until: Mapped[date | None] = mapped_column(Date)
    current_line: Mapped[str | None] = mapped_column(Text)
    current_commune_code: Mapped[str | None] = mapped_column(String(5))
    current_commune: Mapped[str | None] = mapped_column(Text)
    current_province_code: Mapped[str | None] = mapped_column(String(2))
    current_province: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Household(NationBase):
    """People registered together. The head may be a minor, or dead and not yet replaced (case 13)."""

    __tablename__ = "nation_households"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    head_number: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(Text)
    commune_code: Mapped[str] = mapped_column(String(5))


class NationMeta(NationBase):
    """How the tables were filled: seed, citizens, generator, and how far the filling came."""

    __tablename__ = "nation_meta"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
