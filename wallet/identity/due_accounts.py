"""Accounts whose time has come: the card ended or is about to, the registers were not asked for long, the holder died.

What the registers said of an account is noted here too; what follows from it is decided above (`wallet.enrolment`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.errors import NotFound
from wallet.identity.models import Account
from wallet.identity.repository import IdentityRepository
from wallet.terms import Actor


@dataclass(frozen=True, slots=True)
class DueAccounts:
    """The accounts of one transaction that somebody has to look at. limit: at most so many ids."""

    repository: IdentityRepository
    audit: Audit
    clock: Clock

    def past(self, day: date, limit: int) -> Sequence[str]:
        """Return approved and active accounts whose card or permit ended before `day`."""
        return self.repository.accounts_past(day, limit)

    def unchecked(self, since: datetime, limit: int) -> Sequence[str]:
        """Return accounts of the living that no register was asked about since this moment."""
        return self.repository.accounts_unchecked(since, limit)

    def expiring(self, first: date, last: date, limit: int) -> Sequence[str]:
        """Return accounts whose card or permit ends between two days and whose holder was not told."""
        return self.repository.accounts_expiring(first, last, limit)

    def dead(self, locked_before: datetime, limit: int) -> Sequence[str]:
        """Return accounts that were locked on a death before this moment and are not closed."""
        return self.repository.accounts_of_dead(locked_before, limit)

    def note_check(self, account_id: str) -> None:
        """Note that the registers were asked about an account just now."""
        self._load(account_id).checked_at = self.clock.now()
        self.repository.flush()

    def note_validity(self, account_id: str, valid_until: date | None, actor: Actor) -> None:
        """Note until when the card or permit behind an account is valid; None for one without an end."""
        account = self._load(account_id)
        if account.valid_until != valid_until:
            account.valid_until = valid_until
            self.repository.flush()
            self.audit.record("account.validity_noted", actor, account_id)

    def note_told(self, account_id: str) -> bool:
        """Note that the holder is told of the end of their card; return whether that is news, once for each card."""
        account = self._load(account_id)
        if account.expiry_told_for == account.valid_until:
            return False
        account.expiry_told_for = account.valid_until
        self.repository.flush()
        return True

    def _load(self, account_id: str) -> Account:
        account = self.repository.account(account_id, lock=True)
        if account is None:
            raise NotFound("account_unknown")
        return account
