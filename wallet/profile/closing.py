"""Closing an account: everything in one transaction, or nothing.

What the holder had is revoked, ended and forgotten; who they were opens nowhere any more, in backups neither. The
record of what was done stays as it is: it holds ids and codes, and the ids lead nowhere now.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.errors import Conflict, NotFound
from wallet.held import Person
from wallet.idempotency import Idempotency
from wallet.identity.accounts import Accounts
from wallet.identity.holders import Holders
from wallet.profile.export import Rooms
from wallet.terms import Actor

WARDS, ORGANISATIONS = "wards_depend_on_you", "organisations_depend_on_you"
PROCEDURE = "procedure_unfinished"
"""An authority's order waits. The code does not say so: what is not decided is not told."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What closing does, in numbers."""

    documents_revoked: int
    sessions_ended: int
    devices_unbound: int
    passkeys_removed: int
    relations_ended: int
    ceremonies_ended: int
    applications_ended: int
    corrections_ended: int
    requests_ended: int
    notices_erased: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What closing would do. blocked_by: codes of what stands in its way, none when it is possible."""

    effects: Effects
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing did."""

    closed_at: datetime
    effects: Effects


@dataclass(frozen=True, slots=True)
class Closing:
    """Closes accounts, in one transaction."""

    rooms: Rooms
    accounts: Accounts
    holders: Holders
    revoking: Revoking
    idempotency: Idempotency
    audit: Audit
    clock: Clock

    def preview(self, actor: Actor) -> Preview:
        """Return what closing the caller's account would do, and what stands in its way."""
        person = _person(actor)
        return Preview(self._effects(person), self._obstacles(person))

    def close(self, actor: Actor) -> Closed:
        """Close the caller's account for good.

        Raises Conflict("wards_depend_on_you"), Conflict("organisations_depend_on_you"),
        Conflict("procedure_unfinished"), Conflict("account_closed").
        """
        person = _person(actor)
        self.holders.hold(person.holder_id)  # whoever is issuing for them has finished now, or finds nobody
        self.accounts.hold(person.account_id)  # an order that is being received is there now, or comes too late
        blocked = self._obstacles(person)
        if WARDS in blocked:
            raise Conflict("wards_depend_on_you")
        if ORGANISATIONS in blocked:
            raise Conflict("organisations_depend_on_you")
        if PROCEDURE in blocked:
            raise Conflict("procedure_unfinished")
        effects = self._effects(person)
        self.revoking.revoke_all(person.holder_id, RevocationReason.HOLDER_ASKED, actor)
        self.accounts.close(person.account_id, actor)
        for room in self.rooms:
            room.erase(person)
        self.idempotency.forget(person.account_id)
        self.holders.erase(person.holder_id)
        counts = {each.name: getattr(effects, each.name) for each in fields(effects)}
        self.audit.record("account.erased", actor, person.account_id, **counts)
        return Closed(self.clock.now(), effects)

    def _obstacles(self, person: Person) -> tuple[str, ...]:
        found = {
            WARDS: self.rooms.identity.sole_wards(person),
            ORGANISATIONS: self.rooms.enrolment.organisations(person),
            PROCEDURE: self.rooms.identity.waiting_orders(person),
        }
        return tuple(code for code, count in found.items() if count)

    def _effects(self, person: Person) -> Effects:
        return Effects(
            documents_revoked=self.rooms.documents.unrevoked(person),
            sessions_ended=self.rooms.identity.sessions(person),
            devices_unbound=self.rooms.identity.devices(person),
            passkeys_removed=self.rooms.identity.passkeys(person),
            relations_ended=self.rooms.identity.relations(person),
            ceremonies_ended=self.rooms.ceremonies.unfinished(person),
            applications_ended=self.rooms.enrolment.unfinished(person),
            corrections_ended=self.rooms.profile.unfinished(person),
            requests_ended=self.rooms.requests.unfinished(person),
            notices_erased=self.rooms.messages.notices(person),
        )


def _person(actor: Actor) -> Person:
    if actor.holder_id is None:
        raise NotFound("not_found")
    return Person(actor.account_id, actor.holder_id)
