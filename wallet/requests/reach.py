"""Whose desk a request lies on: what an officer's grant reaches, and of whom an officer may not decide."""

from dataclasses import dataclass

from wallet.errors import NotAllowed, NotFound
from wallet.identity.accounts import Accounts, AccountState, Grant
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.identity.sessions import Sessions
from wallet.requests.models import RequestRow, RequestStep
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import open_content
from wallet.terms import Actor, StaffRole
from wallet.utilities.base import Capacity

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Reach:
    """What officers reach, in one transaction."""

    rows: RequestRepository
    accounts: Accounts
    holders: Holders
    guardians: Guardians
    sessions: Sessions

    def grant(self, actor: Actor) -> Grant:
        """Return for which desk somebody reviews. Raises NotAllowed for who reviews for none."""
        for grant in self.accounts.grants(actor.account_id):
            if grant.role is StaffRole.REVIEWER:
                return grant
        raise NotAllowed("not_allowed")

    def colleagues(self, actor: Actor) -> dict[str, Grant]:
        """Return who reviews where the caller does, the caller too, by account. Raises NotAllowed."""
        own = self.grant(actor)
        members = self.accounts.members_of(StaffRole.REVIEWER, own.agency)
        return {
            account_id: grant
            for account_id, grant in members.items()
            if EVERYWHERE in (own.province, grant.province) or own.province == grant.province
        }

    def assert_in_person(self, actor: Actor) -> None:
        """Refuse whoever is no officer in a session of their own: nothing else decides, whatever calls this.

        Raises NotAllowed("not_allowed"), NotAuthenticated("session_ended").
        """
        if actor.session_id is None or actor.acting_for is not None:
            raise NotAllowed("not_allowed")
        if self.sessions.check(actor.session_id).account_id != actor.account_id:
            raise NotAllowed("not_allowed")

    def request(self, request_id: str) -> RequestRow:
        """Return a request, whose desk is not asked. Raises NotFound."""
        row = self.rows.get(request_id)
        if row is None:
            raise NotFound("not_found")
        return row

    def own(self, request_id: str, actor: Actor) -> RequestRow:
        """Return a request of the caller's desk, to act on it.

        Raises NotFound for what lies elsewhere or was never sent, NotAllowed("not_for_oneself").
        """
        row, grant = self.request(request_id), self.grant(actor)
        if not self._is_of(row, grant):
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row

    def readable(self, request_id: str, actor: Actor) -> RequestRow:
        """Return a request of the caller's desk, or one with an open sub-task of the caller's agency. Raises as `own`.

        What is done is done: once its sub-task has ended, an agency reads nothing any more.
        """
        row, grant = self.request(request_id), self.grant(actor)
        mine = any(step.state == "active" and _is_for(step, grant) for step in self.rows.steps(row.id))
        if row.submitted_at is None or not (mine or self._is_of(row, grant)):
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row

    def step(self, request_id: str, code: str, actor: Actor) -> tuple[RequestRow, RequestStep]:
        """Return a sub-task of the caller's agency with its request. Raises as `own`."""
        row, grant = self.request(request_id), self.grant(actor)
        step = next((each for each in self.rows.steps(row.id) if each.code == code), None)
        if step is None or not _is_for(step, grant):
            raise NotFound("not_found")
        self.assert_not_own(row, actor)
        return row, step

    def decides(self, row: RequestRow, actor: Actor) -> bool:
        """Return whether the caller's desk decides about a request, rather than about a sub-task of it."""
        return self._is_of(row, self.grant(actor))

    def may_have(self, account_id: str, row: RequestRow) -> bool:
        """Return whether a request may be in somebody's hands: they review for its desk, and are not whom it is about.

        Who has left the desk, whose account is locked or closed, may not have it any more.
        """
        grants = self.accounts.grants(account_id)
        if not any(grant.role is StaffRole.REVIEWER and self._is_of(row, grant) for grant in grants):
            return False
        account = self.accounts.find(account_id)
        return account.state == AccountState.ACTIVE and not self._is_own(row, account_id, account.holder_id)

    def subjects(self, row: RequestRow) -> tuple[str, ...]:
        """Return the holders whom a request tells of: who applied, and, for a proxy, whom it is about."""
        about = self._about(row)
        return (row.holder_id,) if about in (None, row.holder_id) else (row.holder_id, str(about))

    def assert_not_own(self, row: RequestRow, actor: Actor) -> None:
        """Refuse officers their own requests, those of their wards, and those that somebody made about either."""
        if self._is_own(row, actor.account_id, actor.holder_id):
            raise NotAllowed("not_for_oneself")

    def _is_own(self, row: RequestRow, account_id: str, holder_id: str | None) -> bool:
        own = {ward.holder_id for ward in self.guardians.wards(account_id)} | {holder_id}
        return bool(own & set(self.subjects(row)))

    def _about(self, row: RequestRow) -> str | None:
        """Return the holder whom a proxy's request is about, None where that is nobody with an account."""
        if row.capacity != Capacity.PROXY:
            return None
        about = open_content(self.holders, row).about
        return None if about is None else self.holders.find(about.number)

    def _is_of(self, row: RequestRow, grant: Grant) -> bool:
        sent = row.submitted_at is not None
        return sent and row.agency == grant.agency and reaches(grant, row.province)


def reaches(grant: Grant, province: str) -> bool:
    """Return whether a grant reaches a province; what lies in none lies on every desk of its agency."""
    return grant.province == EVERYWHERE or province in (grant.province, "")


def _is_for(step: RequestStep, grant: Grant) -> bool:
    return step.agency == grant.agency and reaches(grant, step.province)
