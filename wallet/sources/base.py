"""What a national register is to this wallet: one question, one answer, one ground for asking.

A register belongs to another institution. The wallet asks it for one person, by number, and says why; it
never copies it. Shape of the question: the population database's call fields (request id, procedure,
agency, officer), docs/domain.md section 6.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from wallet.terms import Actor


class RegisterCode(StrEnum):
    """The registers that come with the wallet. A deployment may connect others, by codes of their own."""

    POPULATION = "population"
    RESIDENCE = "residence"
    SUBSCRIBERS = "subscribers"
    """Who a mobile number is registered to (thuê bao chính chủ)."""
    BIOMETRICS = "biometrics"
    """Reference templates of face and finger, as the identity database holds them."""
    PORTRAITS = "portraits"
    """The hash of each portrait in the identity database; the portrait itself is `wallet.sources.portraits`."""
    IMMIGRATION = "immigration"
    """Passport and residence permit of a foreigner."""
    BUSINESSES = "businesses"
    """Enterprises, by their code and not by a person's number."""
    CARDS = "cards"
    """Which identity card a person has, and whether it is valid, held or revoked."""
    CRIMINAL_RECORDS = "criminal_records"
    """Convictions, their expungement, and bans after a bankruptcy (Cơ sở dữ liệu lý lịch tư pháp)."""
    HEALTH_INSURANCE = "health_insurance"
    """The health-insurance card (thẻ BHYT)."""
    HEALTH_RECORDS = "health_records"
    """What care facilities sent to the insurance portal: history, visits, papers."""
    DRIVING_LICENCES = "driving_licences"
    VEHICLES = "vehicles"
    SOCIAL_SECURITY = "social_security"
    """The account that benefits are paid into (tài khoản an sinh xã hội)."""
    SECURITY_CASES = "security_cases"
    """What the police keep of the reports that somebody sent them (phản ánh về an ninh, trật tự)."""
    CIVIL_STATUS = "civil_status"
    """Births, marriages and deaths, and hospitals' electronic notices of birth (Cơ sở dữ liệu hộ tịch điện tử)."""


Fact = str | int | bool | date | bytes | tuple[str, ...] | tuple[Mapping[str, "Fact"], ...]
"""A value that a register states. A birth date known by its year only is the text `"1948"`."""


OWN_PROCEDURES = frozenset(
    {
        *("account", "correction", "level_1", "level_2", "portrait", "staff", "demo", "register_watch"),
        *("activation", "binding", "passcode_reset", "password_reset", "phone_change"),
    }
)
"""The procedures of a Ground that are this deployment's own and no utility's: nothing about them is confidential."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a register is asked. No question without one.

    purpose: a code such as `issue_document` or `open_account`. procedure: the administrative procedure or the
    utility it serves, such as `residence`. full_name, birth_date: of the person, where the asker knows them, so that
    a register can tell a mistyped number; empty where not. proxy: whether somebody asks on behalf of the person.
    organisation: the id of the one for which the person themselves asks; empty for none.
    """

    purpose: str
    procedure: str
    actor: Actor
    full_name: str = ""
    birth_date: str = ""
    proxy: bool = False
    organisation: str = ""

    @property
    def request_id(self) -> str:
        """What ties the question to the request it serves."""
        return self.actor.request_id

    def about(self, person: Mapping[str, "Fact"]) -> "Ground":
        """Return the same ground with the name and the birth date that the population register states."""
        born = person.get("birth_date", "")
        text = born.isoformat() if isinstance(born, date) else str(born)
        return replace(self, full_name=str(person.get("full_name", "")), birth_date=text)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a register states about one person or enterprise. `as_of`: when the register last changed it."""

    register: str
    values: Mapping[str, Fact]
    as_of: datetime


def numbers_of(person: Mapping[str, Fact]) -> frozenset[str]:
    """Return the number of a person and every former one, for a register may name somebody by either."""
    former = person.get("former_numbers", ())
    return frozenset({str(person["number"]), *map(str, former if isinstance(former, tuple) else ())})


class Register(Protocol):
    """One register, embedded or a partner's over the network."""

    @property
    def code(self) -> str:
        """What the wallet calls it."""
        ...

    def read(self, number: str, ground: Ground) -> Facts:
        """Return what is known of the person with this number (or a former number of theirs).

        number: of a person; the register of businesses is asked by the code of an enterprise. ground: who asks, for
        which procedure and why; a partner is told, and an embedded register belongs to this deployment.
        Raises NotFound("person_unknown") when nobody has it, Unavailable("source_unavailable") when the register
        does not answer.
        """
        ...
