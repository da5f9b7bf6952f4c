"""Everything that is held about a person, in one document: their right to get it.

Each room tells what it holds; this file lists the rooms and adds who did and read what about them. Source: Law
91/2025/QH15 (the right to get one's data); docs/domain.md, section 6.4.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from wallet.audit import Audit, AuditEvent
from wallet.ceremonies.held import CeremoniesHeld
from wallet.checks.online.held import ChecksHeld
from wallet.clock import Clock
from wallet.documents.held import DocumentsHeld
from wallet.enrolment.held import EnrolmentHeld
from wallet.errors import NotFound
from wallet.held import MAX_ROWS, HeldRoom, Person, Section, Told, told
from wallet.identity.contacts import Contacts
from wallet.identity.held import IdentityHeld
from wallet.identity.limits import Limits
from wallet.launching.held import LaunchingHeld
from wallet.messages.held import MessagesHeld
from wallet.profile.held import ProfileHeld
from wallet.requests.held import RequestsHeld
from wallet.terms import Actor

SCHEMA_VERSION = 1
MOST_A_DAY = 3
A_DAY = timedelta(days=1)
DETAILS = ("purpose", "source", "procedure", "outcome", "utility", "reason", "ground", "decision")
"""What is told of a recorded event: codes. Who of the staff it was, and what else was done with it, is not."""

NOT_TOLD: Mapping[str, str] = {
    "idempotency_keys": "answers to one's own requests, kept for a day so that none is carried out twice",
    "guess_counts": "counts under a keyed fingerprint: nobody can tell whose",
    "used_once": "fingerprints of what was used up: nobody can tell whose",
    "events": "told to webhooks: the account's id and that something happened, which the history tells",
    "passengers": "tickets that a carrier has compared, sealed and without a name, kept for a day at most",
    "verifier_citizens": "counts under a keyed fingerprint: nobody can tell whose",
    "outgoing": "what waits to be sent, sealed, without a name",
}
"""Table to why no section tells it, although it may have to do with a person."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Every room that holds something about a person, in the order in which an export tells them."""

    identity: IdentityHeld
    enrolment: EnrolmentHeld
    documents: DocumentsHeld
    requests: RequestsHeld
    messages: MessagesHeld
    ceremonies: CeremoniesHeld
    profile: ProfileHeld
    launching: LaunchingHeld
    checks: ChecksHeld

    def __iter__(self) -> Iterator[HeldRoom]:
        yield from (getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Export:
    """The document. sections: each with its rows, oldest first."""

    made_at: datetime
    person: Person
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Exporting:
    """Makes exports, in one transaction."""

    rooms: Rooms
    limits: Limits
    contacts: Contacts
    audit: Audit
    clock: Clock

    def export(self, actor: Actor) -> Export:
        """Return everything about the caller. Recorded, told to the holder, at most three a day.

        Raises TooManyAttempts("too_many_attempts"), NotFound("not_found") for the system.
        """
        if actor.holder_id is None:
            raise NotFound("not_found")
        self.limits.count("export", actor.account_id, MOST_A_DAY, A_DAY)
        person = Person(actor.account_id, actor.holder_id)
        sections = [each for room in self.rooms for each in room.export(person)]
        sections += self._history(person, sections)
        self.audit.record("account.exported", actor, actor.account_id)
        self.contacts.tell(actor.account_id, "export_made")
        return Export(self.clock.now(), person, tuple(sections))

    def _history(self, person: Person, sections: Iterable[Section]) -> Iterator[Section]:
        """Return how the account came to be what it is, and whatever was done and read about the person or by them."""
        own = {person.account_id, person.holder_id, *_ids(sections)}
        events = self.audit.about(own, person.account_id, MAX_ROWS + 1)
        rows = [(event, _told(event, person)) for event in events[-MAX_ROWS:]]
        of_account = [row for event, row in rows if event.subject == person.account_id]
        states = [row for row in of_account if row["action"].startswith("account.")]
        complete = len(events) <= MAX_ROWS
        yield Section("account_history", states, complete)
        yield Section("history", [row for _, row in rows], complete)


def _ids(sections: Iterable[Section]) -> Iterator[str]:
    for each in sections:
        yield from (row["id"] for row in each.rows if "id" in row)


def _told(event: AuditEvent, person: Person) -> Told:
    codes = {name: value for name, value in event.details.items() if name in DETAILS and isinstance(value, str)}
    row = {"at": event.at, "action": event.action, "actor": _actor(event, person)} | codes
    return told(row, row)


def _actor(event: AuditEvent, person: Person) -> str:
    """Return what kind of person acted: `you`, `guardian`, `verifier`, `staff` or `system`."""
    if event.details.get("acting_for") == person.account_id:
        return "guardian"
    if event.actor == person.account_id:
        return "you"
    if event.actor.startswith("vsd_"):
        return "verifier"
    return "staff" if event.actor.startswith("acc_") else "system"
