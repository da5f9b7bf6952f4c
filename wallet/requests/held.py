"""What requests hold about a person: what they asked for, and what came of it. Ids and codes, which stay."""

from collections.abc import Iterator
from dataclasses import dataclass

from wallet.held import DatabaseSession, HeldTable, Person, Section, section
from wallet.requests.models import RequestRow

REQUESTS = HeldTable(
    RequestRow,
    "holder_id",
    told=("id", "utility", "utility_version", "state", "created_at", "updated_at", "document_id"),
    withheld=("holder_id",),
    by_account=False,
    ordered="created_at",
)


@dataclass(frozen=True, slots=True)
class RequestsHeld:
    """The table of requests in one transaction."""

    session: DatabaseSession
    tables: tuple[HeldTable, ...] = (REQUESTS,)

    def export(self, person: Person) -> Iterator[Section]:
        """Return every request."""
        yield section(self.session, "requests", REQUESTS, person)

    def erase(self, person: Person) -> None:
        """Leave them as they are: none is open, for an instant request is answered as it is made, and none states
        anything about the person."""
