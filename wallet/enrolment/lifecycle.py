"""What the registers say of an account's holder, and what follows: death, an ended card, a renewed one, coming of age.

Source: Decree 69/2024/NĐ-CP, article 15; docs/domain.md, sections 2.2 and 2.6.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from wallet.clock import Clock
from wallet.enrolment.eligibility import age_on, needs_guardian
from wallet.enrolment.matching import permit_end
from wallet.enrolment.wards import relations_to
from wallet.errors import Conflict, NotFound, Unavailable
from wallet.identity.account_states import AccountState, HolderKind, LockGround
from wallet.identity.accounts import Accounts, Lock
from wallet.identity.contacts import Contacts
from wallet.identity.due_accounts import DueAccounts
from wallet.identity.guardians import Guardians, Relation
from wallet.identity.locking import Locking
from wallet.sources.base import Fact, Ground, RegisterCode, numbers_of
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.working_days import vietnamese_day

ENDED: Mapping[HolderKind, LockGround] = {
    HolderKind.CITIZEN: LockGround.CARD_EXPIRED,
    HolderKind.FOREIGNER: LockGround.PERMIT_ENDED,
}
"""The ground on which an account is locked when what it rests on has ended."""

WARNED_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registers say of a person and of the card or permit on record, if any.

    issued: None for a permit, whose register does not say. valid_until: None for no end.
    """

    alive: bool
    on_record: bool
    issued: date | None
    valid_until: date | None
    person: Mapping[str, Fact]

    def stands_on(self, day: date) -> bool:
        """Return whether there is a card or permit that is valid on this day."""
        return self.on_record and (self.valid_until is None or self.valid_until >= day)


RevokeDocuments = Callable[[str, Actor], int]
"""Holder to how many of their documents were revoked because they died."""
WeighDocuments = Callable[[str, Actor], int]
"""Holder to how many of their documents are void, because a register changed what they state."""

EndRequests = Callable[[str, str, Actor], int]
"""Account and holder to how many of their requests ended because they died."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What follows from a holder's standing, in one transaction."""

    accounts: Accounts
    locking: Locking
    guardians: Guardians
    contacts: Contacts
    due: DueAccounts
    sources: Sources
    clock: Clock
    revoke_documents: RevokeDocuments
    weigh_documents: WeighDocuments
    end_requests: EndRequests

    def account_of(self, number: str, actor: Actor) -> str:
        """Return the account of the person with this number, current or former. Raises NotFound("account_unknown").

        The register is asked only where nobody here has the number as it is.
        """
        holders, ground = self.accounts.holders, Ground("find_account", "account", actor)
        found = holders.find(number)
        if found is None:
            person = self.sources.find(RegisterCode.POPULATION, number, ground, subject=actor.account_id)
            known = (holders.find(each) for each in sorted(() if person is None else numbers_of(person)))
            found = next((holder_id for holder_id in known if holder_id is not None), None)
        account = None if found is None else self.accounts.of_holder(found)
        if account is None:
            raise NotFound("account_unknown")
        return account.id

    def standing(self, account_id: str, actor: Actor) -> Standing:
        """Ask the registers about the holder of an account. Raises NotFound("person_unknown"), Unavailable."""
        account = self.accounts.find(account_id)
        number, ground = self.accounts.profile(account_id).number, Ground("check_standing", "account", actor)
        person = self.sources.read(RegisterCode.POPULATION, number, ground, subject=account.holder_id).values
        alive = bool(person.get("alive", True))
        if account.kind is HolderKind.CITIZEN:
            issued, ends = _date(person, "card_issued"), _date(person, "card_expires")
            return Standing(alive, issued is not None, issued, ends, person)
        permit = self.sources.find(RegisterCode.IMMIGRATION, number, ground, subject=account.holder_id)
        if permit is None:
            return Standing(alive, False, None, None, person)
        return Standing(alive, True, None, permit_end(permit), person)

    def look(self, account_id: str, actor: Actor) -> None:
        """Ask the registers about one account and do what follows.

        A death locks it and settles what the dead left; an ended card locks it and a renewed one unlocks it again; a
        guardianship ends when the ward is of age or the register names somebody else; a document that is no longer so
        is void. Raises Unavailable; a person whom the register does not know is left as they are.
        """
        try:
            standing = self.standing(account_id, actor)
        except NotFound:
            self.due.note_check(account_id)
            return
        self.accounts.holders.renumber(self.accounts.find(account_id).holder_id, standing.person, actor)
        self.due.note_check(account_id)
        if not standing.alive:
            self.locking.lock(account_id, LockGround.HOLDER_DIED, actor)
            return
        self._note_card(account_id, standing, actor)
        self._weigh_guardians(account_id, standing, actor)
        with suppress(Unavailable):  # another register than those asked here; the account is not left unseen for it
            self.weigh_documents(self.accounts.find(account_id).holder_id, actor)
        if not standing.stands_on(self._today()):
            self.expire(account_id, actor)
            return
        for lock in self.accounts.locks(account_id):
            if lock.ground in ENDED.values():
                self.accounts.unlock(account_id, lock.ground, actor)

    def expire(self, account_id: str, actor: Actor) -> None:
        """Lock an account whose card or permit has ended, also one that is locked on other grounds, once."""
        account = self.accounts.hold(account_id)
        if account.state not in _MAY_BE_LOCKED or account.valid_until is None or account.valid_until >= self._today():
            return
        if ENDED[account.kind] not in {lock.ground for lock in self.accounts.locks(account_id)}:
            self.locking.lock(account_id, ENDED[account.kind], actor)

    def warn(self, account_id: str) -> None:
        """Tell a holder that their card or permit ends soon, once for each card."""
        account = self.accounts.find(account_id)
        if account.valid_until is not None and self.due.note_told(account_id):
            self.contacts.tell(account_id, "card_expires_soon", until=account.valid_until.isoformat())

    def close_dead(self, account_id: str, actor: Actor) -> None:
        """Close the account of a dead holder. Raises Conflict("account_open") where nobody died."""
        if self.accounts.find(account_id).lock_ground is not LockGround.HOLDER_DIED:
            raise Conflict("account_open")
        self.settle_death(account_id, actor)
        self.accounts.close(account_id, actor)

    def settle_death(self, account_id: str, actor: Actor) -> None:
        """End what the dead had asked for, revoke what they were issued, and end who acted for whom."""
        holder_id = self.accounts.find(account_id).holder_id
        self.end_requests(account_id, holder_id, actor)
        self.revoke_documents(holder_id, actor)
        self.guardians.end_all(account_id, "holder_died", actor)

    def death_recorded(self, account_id: str, actor: Actor) -> bool:
        """Return whether the population register says that the holder died. Raises Unavailable."""
        try:
            return not self.standing(account_id, actor).alive
        except NotFound:
            return False

    def ground_gone(self, account_id: str, lock: Lock, actor: Actor) -> bool:
        """Return whether the registers say that the ground of a lock is gone; what they newly know is kept.

        A revoked or held card: a new one was issued since. Raises Unavailable.
        """
        try:
            standing = self.standing(account_id, actor)
        except NotFound:
            return False
        if not (standing.alive and standing.stands_on(self._today())):
            return False
        self._note_card(account_id, standing, actor)
        if lock.ground is LockGround.CARD_REVOKED:
            return standing.issued is not None and standing.issued > vietnamese_day(lock.at)
        return True

    def _note_card(self, account_id: str, standing: Standing, actor: Actor) -> None:
        if standing.on_record:
            self.due.note_validity(account_id, standing.valid_until, actor)

    def _weigh_guardians(self, account_id: str, standing: Standing, actor: Actor) -> None:
        """End what the register does not bear any more. A guardian, unlike a parent, stays beyond the age of 14."""
        birth = standing.person.get("birth_date")
        of_age = isinstance(birth, str | date) and not needs_guardian(age_on(birth, self._today()))
        for guardian in self.guardians.guardians(account_id):
            named = relations_to(standing.person, self._numbers(guardian.account_id, actor))
            if of_age and guardian.relation is not Relation.GUARDIAN:
                self.guardians.end(guardian.account_id, account_id, "of_age", actor)
            elif guardian.relation not in named:
                self.guardians.end(guardian.account_id, account_id, "register_names_another", actor)

    def _numbers(self, account_id: str, actor: Actor) -> frozenset[str]:
        """Return every number of a guardian, for the register may name them by a former one."""
        account, ground = self.accounts.find(account_id), Ground("check_guardian", "account", actor)
        if account.state is AccountState.CLOSED:
            return frozenset()
        number = self.accounts.profile(account_id).number
        facts = self.sources.read(RegisterCode.POPULATION, number, ground, subject=account.holder_id)
        return numbers_of(facts.values) | {number}

    def _today(self) -> date:
        return vietnamese_day(self.clock.now())


def _date(facts: Mapping[str, Fact], name: str) -> date | None:
    value = facts.get(name)
    return value if isinstance(value, date) else None


_MAY_BE_LOCKED = (AccountState.APPROVED, AccountState.ACTIVE, AccountState.LOCKED)
