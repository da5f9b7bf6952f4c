"""Somebody under 14 at the desk: who came with them, whose phone counts, and who acts for them afterwards.

A child has no phone in its own name, and must not be reached past who acts for it: no contact is kept for it.
Source: Decree 69/2024/NĐ-CP, articles 7 and 10; docs/decisions/0012.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wallet.enrolment.matching import Finding, Matching
from wallet.enrolment.wards import relations_to
from wallet.identity.account_states import AccountState
from wallet.identity.accounts import Accounts
from wallet.identity.guardians import Guardians, Relation
from wallet.identity.holders import Holders
from wallet.sources.base import Fact, Ground, RegisterCode, numbers_of
from wallet.terms import AccountLevel, Actor


@dataclass(frozen=True, slots=True)
class Companion:
    """A living parent or guardian, as the population register names them. facts: of that register."""

    relation: Relation
    facts: Mapping[str, Fact] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Companions:
    """Who came with a child, in one transaction."""

    matching: Matching
    accounts: Accounts
    holders: Holders
    guardians: Guardians

    def find(
        self, child: Mapping[str, Fact], number: str | None, ground: Ground, application_id: str
    ) -> Companion | None:
        """Return whoever has this number, current or former, if the register names them as parent or guardian."""
        facts = (
            None
            if number is None
            else self.matching.sources.find(RegisterCode.POPULATION, number, ground, subject=application_id)
        )
        if facts is None or not facts["alive"]:
            return None
        named = relations_to(child, numbers_of(facts))
        return next((Companion(relation, facts) for relation in Relation if relation in named), None)

    def phone(self, companion: Companion | None, phone: str, ground: Ground, application_id: str) -> Finding:
        """Return whether the phone is in the companion's own name. phone: E.164."""
        if companion is None:
            return Finding.NOT_OWN
        found = self.matching.phone(str(companion.facts["number"]), phone, ground, application_id)
        return Finding.GUARDIANS_OWN if found is Finding.OWN else found

    def begin(self, companion: Companion, child_account_id: str, actor: Actor) -> None:
        """Let the companion act for the child, if they have an account of level 2. Others may register it later."""
        holder_id = self.holders.recognise(companion.facts, actor)
        account = None if holder_id is None else self.accounts.of_holder(holder_id)
        if account is not None and account.state in _IN_USE and account.level >= AccountLevel.TWO:
            self.guardians.begin(account.id, child_account_id, companion.relation, actor)


_IN_USE = (AccountState.APPROVED, AccountState.ACTIVE)
