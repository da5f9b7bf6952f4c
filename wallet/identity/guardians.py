"""Guardians: a parent or guardian acts for a child or ward from their own level-2 account. A relation, not a role.

Source: Decree 69/2024/NĐ-CP, article 10; docs/domain.md, sections 2.2 and 2.3.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import NotFound
from wallet.identity.models import Guardianship
from wallet.identity.repository import IdentityRepository


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
class Guardians:
    """Who acts for whom, in one transaction."""

    repository: IdentityRepository
    audit: Audit
    clock: Clock

    def ward(self, guardian_account_id: str, ward_account_id: str) -> Ward:
        """Return a ward of this account. Raises NotFound("not_found") for anybody else's, or nobody's."""
        row = self.repository.guardianship(ward_account_id, guardian_account_id)
        account = self.repository.account(ward_account_id)
        if row is None or row.ended_at is not None or account is None:
            raise NotFound("not_found")
        return Ward(ward_account_id, account.holder_id, Relation(row.relation), row.since)

    def wards(self, guardian_account_id: str) -> list[Ward]:
        """Return everybody whom this account acts for."""
        return [
            Ward(row.ward_account_id, holder_id, Relation(row.relation), row.since)
            for row, holder_id in self.repository.guardianships(guardian_account_id)
        ]

    def begin(self, guardian_account_id: str, ward_account_id: str, relation: Relation) -> None:
        """Let one account act for another. Repeating it changes nothing."""
        row = self.repository.guardianship(ward_account_id, guardian_account_id)
        if row is not None and row.ended_at is None:
            return
        now = self.clock.now()
        if row is not None:
            row.relation, row.since, row.ended_at = relation, now, None
            self.repository.flush()
            return
        self.repository.add(
            Guardianship(
                ward_account_id=ward_account_id,
                guardian_account_id=guardian_account_id,
                relation=relation,
                since=now,
            )
        )
