"""Limits against guessing that no restart and no cache forgets: how often something was tried in a window of time.

Each count is one statement, so that tries in parallel, over any number of processes, are all counted. Whose tries
they are is kept as a keyed fingerprint only: the table tells nobody which number or address was tried.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wallet.clock import Clock
from wallet.crypto.sealing import blind_index
from wallet.errors import TooManyAttempts
from wallet.identity.repository import IdentityRepository


@dataclass(frozen=True, slots=True)
class Limits:
    """The counts of one transaction. secret: keys the fingerprints."""

    repository: IdentityRepository
    clock: Clock
    secret: bytes = field(repr=False)

    def count(self, scope: str, subject: str, limit: int, window: timedelta, tries: int = 1) -> int:
        """Count one try, or as many as come at once, and return how many there were in this window, these included.

        scope: what is counted. subject: whose, as text. limit: tries that are let through in one window, which begins
        with its first try. The count holds when the transaction commits; a try that is refused needs no count of
        its own. Raises TooManyAttempts("too_many_attempts").
        """
        now = self.clock.now()
        count, ends_at = self.repository.count_guess(scope, self._fingerprint(scope, subject), now, now + window, tries)
        if count > limit:
            raise _too_many(ends_at, now)
        return count

    def give_back(self, scope: str, subject: str) -> None:
        """Take one counted try back, of which nothing was learnt."""
        self.repository.give_guess_back(scope, self._fingerprint(scope, subject), self.clock.now())

    def check(self, scope: str, subject: str, limit: int) -> None:
        """Refuse as `count` would, and write nothing. Raises TooManyAttempts("too_many_attempts")."""
        now = self.clock.now()
        row = self.repository.guess_count(scope, self._fingerprint(scope, subject))
        if row is not None and row.count >= limit and row.window_ends_at > now:
            raise _too_many(row.window_ends_at, now)

    def forget(self, scope: str, subject: str) -> None:
        """Start the count of one subject anew."""
        self.repository.forget_guesses(scope, self._fingerprint(scope, subject))

    def forget_expired(self) -> None:
        """Drop the counts whose window is over."""
        self.repository.forget_guesses_before(self.clock.now())

    def _fingerprint(self, scope: str, subject: str) -> bytes:
        return blind_index(self.secret, f"limit:{scope}:{subject}")


def _too_many(ends_at: datetime, now: datetime) -> TooManyAttempts:
    return TooManyAttempts("too_many_attempts", max(1, math.ceil((ends_at - now).total_seconds())))
