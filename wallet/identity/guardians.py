"""Guardians: a parent or guardian acts for a child or ward from their own level-2 account. A relation, not a role.

A ward's account is approved and never activated: it has no device and no secret, so the guardian's session is the only
way in. Source: Decree 69/2024/NĐ-CP, article 10; docs/domain.md, sections 2.2 and 2.3; docs/decisions/0012.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import Conflict, NotAllowed, NotFound
from wallet.identity.account_states import AccountState
from wallet.identity.contacts import Contacts
from wallet.identity.models import Account, Guardianship
from wallet.identity.repository import IdentityRepository
from wallet.terms import AccountLevel, Actor


class Relation(StrEnum):
    """What makes someone act for another, as the population register states it."""

    FATHER = "father"
    MOTHER = "mother"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Ward:
    """Somebody who is acted for."""

    account_id: str
    holder_id: str
    relation: Relation
    since: datetime


@dataclass(frozen=True, slots=True)
class Guardian:
    """Somebody who acts for a ward."""

    account_id: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Guardians:
    """Who acts for whom, in one transaction.

    after_ending(ward's holder id, the guardian's device ids, actor): what follows for what these phones hold of a ward.
    """

    repository: IdentityRepository
    contacts: Contacts
    audit: Audit
    clock: Clock
    after_ending: Callable[[str, Sequence[str], Actor], object]

    def ward(self, guardian_account_id: str, ward_account_id: str) -> Ward:
        """Return a ward whom this account may act for now.

        Raises NotFound("not_found") for anybody else's, or nobody's; Conflict("account_locked") for a locked one.
        """
        row = self.repository.guardianship(ward_account_id, guardian_account_id)
        account = self.repository.account(ward_account_id)
        if row is None or row.ended_at is not None or account is None or account.state not in _ACTED_FOR:
            raise NotFound("not_found")
        if account.state == AccountState.LOCKED:
            raise Conflict("account_locked")
        return Ward(ward_account_id, account.holder_id, Relation(row.relation), row.since)

    def wards(self, guardian_account_id: str) -> list[Ward]:
        """Return everybody whom this account acts for."""
        return [
            Ward(row.ward_account_id, holder_id, Relation(row.relation), row.since)
            for row, holder_id in self.repository.guardianships(guardian_account_id)
        ]

    def guardians(self, ward_account_id: str) -> list[Guardian]:
        """Return everybody who acts for this account."""
        rows = self.repository.guardianships_of_ward(ward_account_id)
        return [Guardian(row.guardian_account_id, Relation(row.relation)) for row in rows]

    def begin(self, guardian_account_id: str, ward_account_id: str, relation: Relation, actor: Actor) -> bool:
        """Let one account act for another; return False when it already does.

        The guardian is told, and so are the ward and whoever acts for the ward already.

        Raises NotAllowed("level_too_low") for a guardian without level 2, NotFound("account_unknown").
        """
        if self._load(guardian_account_id).level < AccountLevel.TWO:
            raise NotAllowed("level_too_low", needed=int(AccountLevel.TWO))
        row, now = self.repository.guardianship(ward_account_id, guardian_account_id), self.clock.now()
        if row is not None and row.ended_at is None:
            return False
        others = [guardian.account_id for guardian in self.guardians(ward_account_id)]
        if row is not None:
            row.relation, row.since, row.ended_at = relation, now, None
            self.repository.flush()
        else:
            self.repository.add(
                Guardianship(
                    ward_account_id=ward_account_id,
                    guardian_account_id=guardian_account_id,
                    relation=relation,
                    since=now,
                )
            )
        self.audit.record(
            "guardianship.begun", actor, ward_account_id, guardian=guardian_account_id, relation=str(relation)
        )
        self.contacts.tell(guardian_account_id, "ward_registered", ward=ward_account_id)
        for account_id in (ward_account_id, *others):
            self.contacts.tell(account_id, "guardian_added", ward=ward_account_id)
        return True

    def end(self, guardian_account_id: str, ward_account_id: str, reason: str, actor: Actor) -> None:
        """End a relation, at once, and tell both. reason: a code. Raises NotFound("not_found") where none holds."""
        row = self.repository.guardianship(ward_account_id, guardian_account_id)
        if row is None or row.ended_at is not None:
            raise NotFound("not_found")
        row.ended_at = self.clock.now()
        self.repository.flush()
        self.audit.record("guardianship.ended", actor, ward_account_id, guardian=guardian_account_id, reason=reason)
        devices = [device.id for device in self.repository.devices(guardian_account_id)]
        self.after_ending(self._load(ward_account_id).holder_id, devices, actor)
        for account_id in (guardian_account_id, ward_account_id):
            self.contacts.tell(account_id, "guardianship_ended", ward=ward_account_id)

    def end_all(self, account_id: str, reason: str, actor: Actor) -> None:
        """End every relation that an account has, on either side."""
        for ward in self.wards(account_id):
            self.end(account_id, ward.account_id, reason, actor)
        for guardian in self.guardians(account_id):
            self.end(guardian.account_id, account_id, reason, actor)

    def _load(self, account_id: str) -> Account:
        account = self.repository.account(account_id)
        if account is None:
            raise NotFound("account_unknown")
        return account


_ACTED_FOR = (AccountState.APPROVED, AccountState.ACTIVE, AccountState.LOCKED)
