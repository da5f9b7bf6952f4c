"""What the registers hold about one person, as values: what is generated, and what becomes rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

Text = Mapping[str, str]
"""One sentence in both languages: keys `vi` and `en`."""

REFERENCE_DAY = date(2026, 3, 1)
"""The day on which the nation is described. Fixed, so that the same seed is the same nation on every day."""

VIETNAM = "Việt Nam"
HEAD = "Chủ hộ"
RELATIONS = (
    HEAD, "Vợ", "Chồng", "Con", "Bố", "Mẹ", "Ông", "Bà", "Cháu", "Anh", "Chị", "Em", "Người ở nhờ", "Người thuê",
    "Khác",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its parts. `full`: as registered; usually family, middle, given, but not for every people."""

    full: str
    family: str | None = None
    middle: str | None = None
    given: str | None = None

    @classmethod
    def of(cls, family: str | None, middle: str | None, given: str) -> "Name":
        """Return the name in the usual order."""
        return cls(" ".join(part for part in (family, middle, given) if part), family, middle, given)


@dataclass(frozen=True, slots=True)
class Address:
    """A two-level address: a line, a commune (5-digit code), a province (2-digit code)."""

    line: str | None
    commune_code: str
    commune: str
    province_code: str
    province: str

    @property
    def text(self) -> str:
        return ", ".join(part for part in (self.line, self.commune, self.province) if part)


@dataclass(frozen=True, slots=True)
class Residence:
    """Where a person is registered. `temporary`: a registered stay elsewhere, up to two years."""

    relation: str
    permanent: Address | None
    permanent_since: date | None
    current: Address
    temporary: Address | None = None
    temporary_since: date | None = None
    temporary_until: date | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A foreigner's residence card and passport. kind: `permanent` or `temporary`.

    biometrics_on_file: whether the immigration register holds face and fingerprints.
    """

    kind: str
    number: str
    expires: date
    passport: str
    passport_expires: date
    biometrics_on_file: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `birth`: `YYYY-MM-DD`, or `YYYY` when only the year is known.

    residence: None for who is in no household: the dead, and whom the residence register does not know.
    father_name, mother_name, spouse_name: where nobody in the household is that relative.
    """

    number: str
    name: Name
    birth: str
    sex: str
    residence: Residence | None
    nationality: str = VIETNAM
    ethnicity: str | None = "Kinh"
    religion: str | None = "Không"
    native_place: str | None = None
    birth_registration_code: str | None = None
    birth_registration_place: str | None = None
    cmnd: str | None = None
    former_numbers: tuple[str, ...] = ()
    father: str | None = None
    mother: str | None = None
    spouse: str | None = None
    guardian: str | None = None
    father_name: str | None = None
    mother_name: str | None = None
    spouse_name: str | None = None
    other_names: str | None = None
    exemptions: tuple[str, ...] = ()
    card_issued: date | None = None
    card_expires: date | None = None
    died_on: date | None = None
    permit: Permit | None = None
    updated_at: datetime = datetime(2026, 1, 12, 2, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Household:
    """People registered together, and their dead whom the population register still holds."""

    id: str
    head: str
    address: Address
    people: tuple[Person, ...]

    @property
    def members(self) -> tuple[Person, ...]:
        """Who is registered in this household."""
        return tuple(person for person in self.people if person.residence is not None)


@dataclass(frozen=True, slots=True)
class Business:
    """One enterprise. code: 10 digits that no enterprise has, for they begin with 00. representative: a number."""

    code: str
    name: str
    head_office: str
    founded_on: date
    representative: str
    state: str = "active"


def age_on(birth: str, day: date) -> int:
    """Return full years of age. A birth known by its year counts from 1 January."""
    born = date.fromisoformat(birth) if len(birth) == 10 else date(int(birth), 1, 1)
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
