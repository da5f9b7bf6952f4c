"""Children and wards: a parent or guardian registers them from their own level-2 account.

The population register says who is whose parent or guardian; the caller only names the child. Source: Decree
69/2024/NĐ-CP, articles 7 and 10; docs/domain.md, sections 2.2 and 2.3; docs/decisions/0012.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.clock import Clock
from wallet.enrolment.eligibility import Right, age_of, kind_of, needs_guardian, right_to
from wallet.enrolment.matching import Finding, papers
from wallet.errors import Conflict, NotAllowed
from wallet.identity.account_states import AccountState
from wallet.identity.accounts import Accounts
from wallet.identity.guardians import Guardians, Relation, Ward
from wallet.identity.limits import Limits
from wallet.sources.base import Fact, Ground, RegisterCode, numbers_of
from wallet.sources.reading import Sources
from wallet.terms import AccountLevel, Actor
from wallet.working_days import vietnamese_day

NAMED_BY: Mapping[Relation, str] = {
    Relation.FATHER: "father_number",
    Relation.MOTHER: "mother_number",
    Relation.GUARDIAN: "guardian_number",
}
"""The fact of the population register that names who stands in a relation."""

MOST_A_DAY, A_DAY = 20, timedelta(days=1)
"""How often one account asks for somebody as their ward: every asking reads the register about any number there is."""


def relations_to(person: Mapping[str, Fact], numbers: frozenset[str]) -> frozenset[Relation]:
    """Return in which relations whoever has one of these numbers stands to a person, as the register states it."""
    return frozenset(relation for relation, fact in NAMED_BY.items() if person.get(fact) in numbers)


@dataclass(frozen=True, slots=True)
class WardView:
    """A child or ward as the guardian sees them."""

    account_id: str
    relation: Relation
    since: datetime
    account_level: AccountLevel
    state: AccountState
    full_name: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Wards:
    """The children and wards of a caller, in one transaction."""

    accounts: Accounts
    guardians: Guardians
    sources: Sources
    limits: Limits
    clock: Clock

    def count_asking(self, actor: Actor) -> None:
        """Count one asking, in a transaction of its own: what is refused counts. Raises TooManyAttempts."""
        self.limits.count("ward", actor.account_id, MOST_A_DAY, A_DAY)

    def register(self, number: str, relation: Relation | None, actor: Actor) -> WardView:
        """Open an account of level 1 for a child under 14 or a ward, and let the caller act for it.

        Repeating it changes nothing. relation: None for whichever the register states. Level 2 is for a desk.
        Raises NotAllowed("not_your_ward"), the same for a number that nobody has; Conflict("ward_of_age"),
        Conflict("person_deceased"), Conflict("ward_card_not_valid"), Conflict("account_closed"), Unavailable.
        """
        person, relation = self._assert_related(number, relation, actor)
        if person.get("alive") is False:
            raise Conflict("person_deceased")
        today = vietnamese_day(self.clock.now())
        age, kind = age_of(person, today), kind_of(person)
        if relation is not Relation.GUARDIAN and not needs_guardian(age):
            raise Conflict("ward_of_age")
        card, valid_until = papers(self.sources, person, kind, today, self._ground(actor), subject=actor.account_id)
        if card is not Finding.VALID or right_to(AccountLevel.ONE, kind, age) is Right.NO:
            raise Conflict("ward_card_not_valid")
        account_id = self.accounts.register(
            person, level=AccountLevel.ONE, kind=kind, phone=None, email=None, valid_until=valid_until, actor=actor
        )
        if self.accounts.find(account_id).state is AccountState.PENDING:
            self.accounts.approve(account_id, AccountLevel.ONE, actor)
        self.guardians.begin(actor.account_id, account_id, relation, actor)
        return next(view for view in self.all_of(actor) if view.account_id == account_id)

    def all_of(self, actor: Actor) -> list[WardView]:
        """Return everybody for whom the caller acts."""
        return [self._view(ward) for ward in self.guardians.wards(actor.account_id)]

    def _assert_related(
        self, number: str, relation: Relation | None, actor: Actor
    ) -> tuple[Mapping[str, Fact], Relation]:
        ground, subject = self._ground(actor), actor.account_id
        mine = self.accounts.profile(actor.account_id).number
        own = self.sources.read(RegisterCode.POPULATION, mine, ground, subject=subject).values
        person = self.sources.find(RegisterCode.POPULATION, number, ground, subject=subject)
        if person is None:
            raise NotAllowed("not_your_ward")
        stated = relations_to(person, numbers_of(own))
        named = relation if relation is not None else next((each for each in Relation if each in stated), None)
        if named is None or named not in stated:
            raise NotAllowed("not_your_ward")
        return person, named

    def _ground(self, actor: Actor) -> Ground:
        return Ground("register_ward", "account", actor)

    def _view(self, ward: Ward) -> WardView:
        account, profile = self.accounts.find(ward.account_id), self.accounts.profile(ward.account_id)
        return WardView(
            account_id=ward.account_id,
            relation=ward.relation,
            since=ward.since,
            account_level=account.level,
            state=account.state,
            full_name=profile.full_name,
            birth_date=profile.birth_date,
        )
