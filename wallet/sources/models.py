"""The tables of the embedded registers. They belong to other institutions, so they share nothing with `wallet.db.Base`:
own metadata, own engine, created by whoever fills them, read by the embedded
registers alone. Those of the line ministries are in `wallet.sources.ministry_models`.

Dates of birth are text: `YYYY-MM-DD`, or `YYYY` when only the year is known (docs/domain.md section 8, case 4).
"""

from datetime import date, datetime

from sqlalchemy import Boolean, Date, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from wallet.db import NAMING, UtcDateTime


class NationBase(DeclarativeBase):
    """The base of every register's table. Prefix: `nation_`."""

    metadata = MetaData(naming_convention=NAMING)


class Citizen(NationBase):
    """One person in the population register, under the number that is valid now."""

    __tablename__ = "nation_population"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    cmnd: Mapped[str | None] = mapped_column(String(9), index=True)
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
    father_name: Mapped[str | None] = mapped_column(Text)
    """Kept beside the number, for most parents of the old have none."""
    mother_name: Mapped[str | None] = mapped_column(Text)
    spouse_name: Mapped[str | None] = mapped_column(Text)
    other_names: Mapped[str | None] = mapped_column(Text)
    exemptions: Mapped[str | None] = mapped_column(Text)
    """What may free somebody of a fee: codes, parted by blanks."""
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
    permanent_old_address: Mapped[str | None] = mapped_column(Text)
    """The same place as it was written before 1 July 2025, with its district."""
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


class FormerResidence(NationBase):
    """Where somebody was registered before. kind: `permanent` or `temporary`."""

    __tablename__ = "nation_residence_history"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    from_day: Mapped[date] = mapped_column(Date, primary_key=True)
    to_day: Mapped[date] = mapped_column(Date)
    address: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))


class Household(NationBase):
    """People registered together. The head may be a minor, or dead and not yet replaced (case 13).

    updated_at: when its head or its address changed, or somebody came or left.
    """

    __tablename__ = "nation_households"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    head_number: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(Text)
    commune_code: Mapped[str] = mapped_column(String(5))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Subscription(NationBase):
    """A mobile number and the person whom its contract is with. phone: E.164."""

    __tablename__ = "nation_subscribers"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    phone: Mapped[str] = mapped_column(String(16), primary_key=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Biometric(NationBase):
    """The reference templates of one person, in the form of the embedded matcher (`wallet.enrolment.biometrics`)."""

    __tablename__ = "nation_biometrics"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    face: Mapped[bytes] = mapped_column(LargeBinary)
    finger: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Permit(NationBase):
    """A foreigner's passport and residence card. kind: `permanent` or `temporary` (thẻ thường trú, thẻ tạm trú)."""

    __tablename__ = "nation_immigration"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    permit_number: Mapped[str] = mapped_column(String(20))
    permit_expires: Mapped[date] = mapped_column(Date)
    passport_number: Mapped[str] = mapped_column(String(20))
    passport_expires: Mapped[date] = mapped_column(Date)
    biometrics_on_file: Mapped[bool] = mapped_column(Boolean)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Business(NationBase):
    """One enterprise in the business register. state: `active` or `dissolved`."""

    __tablename__ = "nation_businesses"

    enterprise_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    tax_code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    head_office: Mapped[str] = mapped_column(Text)
    founded_on: Mapped[date] = mapped_column(Date)
    representative_number: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Card(NationBase):
    """One identity card that was ever issued. state: `valid`, `held` or `revoked`. expires: NULL for never.

    serial: as the chip and the machine-readable lines have it.
    """

    __tablename__ = "nation_cards"

    serial: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[str] = mapped_column(String(12), index=True)
    state: Mapped[str] = mapped_column(String(8))
    issued: Mapped[date] = mapped_column(Date)
    expires: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CardSigner(NationBase):
    """A document signer: who signs the data on the chips of cards. certificate: DER."""

    __tablename__ = "nation_card_signers"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary)


class NationMeta(NationBase):
    """How the tables were filled: seed, citizens, generator, and how far the filling came."""

    __tablename__ = "nation_meta"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
