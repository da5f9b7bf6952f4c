"""What launching holds about a person: which utilities they test."""

from collections.abc import Iterator
from dataclasses import dataclass

from wallet.held import DatabaseSession, HeldTable, Person, Section, forget, section
from wallet.launching.models import UtilityTester
from wallet.launching.repository import LaunchingRepository

TESTERS = HeldTable(
    UtilityTester,
    "account_id",
    told=("utility", "since"),
    withheld=("account_id",),
    ordered="since",
    deleted=True,
)


@dataclass(frozen=True, slots=True)
class LaunchingHeld:
    """The tables of launching in one transaction."""

    session: DatabaseSession
    tables: tuple[HeldTable, ...] = (TESTERS,)

    def export(self, person: Person) -> Iterator[Section]:
        """Return what the person tests."""
        yield section(self.session, "tested_utilities", TESTERS, person)

    def erase(self, person: Person) -> None:
        """Forget that they test anything, also where it is planned or was asked for."""
        LaunchingRepository(self.session).forget_tester(person.account_id)
        forget(self.session, self.tables, person)
