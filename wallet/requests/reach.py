"""Whose desk a request lies on: what an officer's grants reach, and of whom an officer may not decide.

It lies on one since it was an office's turn for the first time: what waits for its fee, or for somebody else to agree,
and what ended there, has come to none.
"""

from dataclasses import dataclass

from wallet.errors import NotAllowed, NotFound
from wallet.identity.accounts import Accounts, AccountState, Grant
from wallet.identity.desks import Desks, reaching, share_a_desk
from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow, RequestStep
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import open_content
from wallet.requests.steps import ACTIVE
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import Capacity
from wallet.utilities.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Reach:
    """What officers reach, in one transaction: whatever lies on any of their desks."""

    rows: RequestRepository
    catalogue: Catalogue
    accounts: Accounts
    holders: Holders
    desks: Desks

    def colleagues(self, actor: Actor) -> list[tuple[str, Grant]]:
        """Return who reviews where the caller does, the caller too: account and desk. Raises NotAllowed."""
        own = self.desks.of(actor)
        return [
            (account_id, grant)
            for agency in sorted({grant.agency for grant in own})
            for account_id, grant in self.accounts.members_of(StaffRole.REVIEWER, agency)
            if any(share_a_desk(grant, each) for each in own)
        ]

    def request(self, request_id: str) -> RequestRow:
        """Return a request, whose desk is not asked. Raises NotFound."""
        row = self.rows.get(request_id)
        if row is None:
            raise NotFound("not_found")
        return row

    def own(self, request_id: str, actor: Actor) -> RequestRow:
        """Return a request of the caller's desks, to act on it.

        Raises NotFound for what lies elsewhere or has come to no desk, NotAllowed("not_for_oneself").
        """
        row, desks = self.request(request_id), self.desks.of(actor)
        if self._desk_of(row, desks) is None:
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row

    def readable(self, request_id: str, actor: Actor) -> tuple[RequestRow, str]:
        """Return a request of the caller's desks, or one with an open sub-task of an agency of theirs, and the agency.

        What is done is done: once its sub-task has ended, an agency reads nothing any more. Raises as `own`.
        """
        row, desks = self.request(request_id), self.desks.of(actor)
        through = (_desk_of_step(step, desks) for step in self.rows.steps(row.id) if step.state == ACTIVE)
        desk = self._desk_of(row, desks) or next(filter(None, through), None)
        if desk is None:
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row, desk.agency

    def step(self, request_id: str, code: str, actor: Actor) -> tuple[RequestRow, RequestStep]:
        """Return a sub-task of an agency of the caller's with its request. Raises as `own`."""
        row, desks = self.request(request_id), self.desks.of(actor)
        step = next((each for each in self.rows.steps(row.id) if each.code == code), None)
        if step is None or not self._came(row) or _desk_of_step(step, desks) is None:
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row, step

    def desks_of_step(self, row: RequestRow, code: str) -> list[str]:
        """Return the officers whom a late sub-task concerns: of its agency's desk, and who has the request in hand.

        Nobody is among them who may not open it.
        """
        step = next((each for each in self.rows.steps(row.id) if each.code == code), None)
        if step is None:
            return []
        members = self.accounts.members_of(StaffRole.REVIEWER, step.agency)
        found = [account_id for account_id, grant in members if _desk_of_step(step, (grant,)) is not None]
        if row.claimed_by is not None and self.may_have(row.claimed_by, row):
            found.append(row.claimed_by)
        return [
            account_id
            for account_id in dict.fromkeys(found)
            if not self._is_own(row, account_id, self.accounts.find(account_id).holder_id)
        ]

    def decides(self, row: RequestRow, actor: Actor) -> bool:
        """Return whether a desk of the caller's decides about a request, rather than about a sub-task of it."""
        return self._desk_of(row, self.desks.of(actor)) is not None

    def may_have(self, account_id: str, row: RequestRow) -> bool:
        """Return whether a request may be in somebody's hands: they review for its desk, and are not whom it is about.

        Who has left the desk, whose account is locked or closed, may not have it any more.
        """
        if self._desk_of(row, self.desks.of_account(account_id)) is None:
            return False
        account = self.accounts.find(account_id)
        return account.state == AccountState.ACTIVE and not self._is_own(row, account_id, account.holder_id)

    def subjects(self, row: RequestRow) -> tuple[str, ...]:
        """Return the holders whom a request tells of: who applied, and, for a proxy, whom it is about."""
        about = self._about(row)
        return (row.holder_id,) if about in (None, row.holder_id) else (row.holder_id, str(about))

    def assert_not_own(self, row: RequestRow, actor: Actor) -> None:
        """Refuse officers their own requests, those of their wards, and those that somebody made about either.

        Whose agreement a request needs, asked or not, decides about it no more than its applicant does.
        """
        if self._is_own(row, actor.account_id, actor.holder_id):
            raise NotAllowed("not_for_oneself")

    def _is_own(self, row: RequestRow, account_id: str, holder_id: str | None) -> bool:
        own = self.desks.own_holders(account_id, holder_id)
        return not own.isdisjoint((*self.subjects(row), *self._others(row)))

    def _others(self, row: RequestRow) -> set[str]:
        """Return whom a request asked to agree, and whom its utility names for that, though nobody asked them."""
        asked = {each.holder_id for each in self.rows.agreements(row.id)}
        named = open_content(self.holders, row).other_id
        return asked if named is None else asked | {named}

    def _desk_of(self, row: RequestRow, desks: tuple[Grant, ...]) -> Grant | None:
        """Return the desk among these on which a request lies."""
        return reaching(desks, row.agency, row.province) if self._came(row) else None

    def _came(self, row: RequestRow) -> bool:
        """Return whether it was ever an office's turn. Of a utility that is gone nobody knows: what was sent counts."""
        plugin = self.catalogue.find(row.utility)
        if plugin is None:
            return row.submitted_at is not None
        turns = plugin.utility.lifecycle.on_desk
        return row.state in turns or any(event.state in turns for event in self.rows.events(row.id))

    def _about(self, row: RequestRow) -> str | None:
        """Return the holder whom a proxy's request is about, None where that is nobody with an account."""
        if row.capacity != Capacity.PROXY:
            return None
        content = open_content(self.holders, row)
        number = content.subject_number
        return content.subject_id or (None if number is None else self.holders.find(number))


def _desk_of_step(step: RequestStep, desks: tuple[Grant, ...]) -> Grant | None:
    return reaching(desks, step.agency, step.province)
