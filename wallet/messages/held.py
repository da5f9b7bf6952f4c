"""What messages hold about a person: the notices in their inbox.

What waits to be sent has no name on it: it is sealed, leaves within days, and its content is erased when it has left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wallet.held import DatabaseSession, HeldTable, Person, Section, count_of, forget, section
from wallet.messages.models import NoticeRow

NOTICES = HeldTable(
    NoticeRow,
    "account_id",
    told=("id", "code", "values", "created_at", "read_at"),
    withheld=("account_id",),
    ordered="created_at",
    deleted=True,
)


@dataclass(frozen=True, slots=True)
class MessagesHeld:
    """The tables of messages in one transaction."""

    session: DatabaseSession
    tables: tuple[HeldTable, ...] = (NOTICES,)

    def export(self, person: Person) -> Iterator[Section]:
        """Return the inbox."""
        yield section(self.session, "notices", NOTICES, person)

    def notices(self, person: Person) -> int:
        """Return how many notices there are."""
        return count_of(self.session, NOTICES, person)

    def erase(self, person: Person) -> None:
        """Empty the inbox."""
        forget(self.session, self.tables, person)
