"""What ceremonies hold about a person: which device asked to be theirs, when, and what it proved."""

from collections.abc import Iterator
from dataclasses import dataclass

from wallet.ceremonies.models import CeremonyRow, OneTimeCode
from wallet.held import DatabaseSession, HeldTable, Person, Section, count_of, forget, section

CEREMONIES = HeldTable(
    CeremonyRow,
    "account_id",
    told=(
        *("id", "kind", "device_id", "device_name", "place", "factors", "tries"),
        *("state", "end_reason", "created_at", "expires_at"),
    ),
    withheld=("account_id", "public_key", "biometric_key", "sealed_data", "subject", "rests_on"),
    ordered="created_at",
    deleted=True,
)
CODES = HeldTable(
    OneTimeCode,
    "ceremony_id",
    told=("tries", "state", "created_at", "expires_at"),
    withheld=("id", "ceremony_id", "digest"),
    parent=CEREMONIES,
    ordered="created_at",
    deleted=True,
)
OPEN = "open"


@dataclass(frozen=True, slots=True)
class CeremoniesHeld:
    """The tables of ceremonies in one transaction."""

    session: DatabaseSession
    tables: tuple[HeldTable, ...] = (CODES, CEREMONIES)

    def export(self, person: Person) -> Iterator[Section]:
        """Return every ceremony, and when a code was sent for one."""
        yield section(self.session, "ceremonies", CEREMONIES, person)
        yield section(self.session, "one_time_codes", CODES, person)

    def erase(self, person: Person) -> None:
        """Forget them all; one that is open ends with that."""
        forget(self.session, self.tables, person)

    def unfinished(self, person: Person) -> int:
        """Return how many ceremonies are open."""
        return count_of(self.session, CEREMONIES, person, state=OPEN)
