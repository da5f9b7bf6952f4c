"""The life of keys: the next one of a role, and the end of one.

A new key is told to verifiers one cache lifetime before it may sign (docs/wire.md, section 6), and takes over a moment
later than it may: processes' clocks differ, and copies carry rounded times. The old key may sign as long beyond that,
so that at no instant a signature falls between the two.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wallet.clock import Clock
from wallet.crypto.keyring import FILES, KeyRecord, State, read_keyring, states_at, write_keyring
from wallet.crypto.keystore import Role, key_path
from wallet.crypto.making import CERTIFIED, LIVES, Making
from wallet.errors import ConfigurationError

ROOT_LEAD = 10
"""How many cache lifetimes a bundle root is known before it signs: its pin reaches verifiers by hand."""
LONGEST_SETTLING = timedelta(days=1)


class KeyReason(StrEnum):
    """Why a key is revoked."""

    COMPROMISED = "compromised"
    LOST = "lost"
    CEASED = "ceased"


@dataclass(frozen=True, slots=True)
class Times:
    """When verifiers are told of a key, when it may sign, and when it takes over."""

    published_at: datetime
    not_before: datetime
    active_from: datetime


def times_of(role: Role, now: datetime, publication: timedelta, at: datetime | None = None) -> Times:
    """Return the times of the next key. at: when it takes over; by default as soon as verifiers can know it.

    Raises ConfigurationError for a moment that is too soon.
    """
    lead = publication * (ROOT_LEAD if role is Role.BUNDLE_ROOT else 1)
    settling = min(LONGEST_SETTLING, publication / 3)
    earliest = now + lead + settling
    active_from = earliest if at is None else at
    if active_from < earliest:
        raise ConfigurationError(
            f"{role}: {active_from.isoformat()} is too soon, verifiers know it from {earliest.isoformat()} on",
            mend=f"wallet keys rotate {role} --at {earliest.isoformat(timespec='seconds')}",
        )
    return Times(active_from - settling - lead, active_from - settling, active_from)


@dataclass(frozen=True, slots=True)
class Rotating:
    """Changes the keyring of one deployment. Whoever calls holds the lock of its directory (`keystore.exclusive`).

    publication: one cache lifetime of a verifier.
    """

    making: Making
    clock: Clock
    publication: timedelta

    def rotate(self, role: Role, at: datetime | None = None) -> KeyRecord:
        """Make the key that follows the one that signs. Nothing else has to be done: its dates do the rest.

        Raises ConfigurationError when one is on its way already, or `at` is too soon; Unavailable when its backend is
        away.
        """
        now, records = self.clock.now(), read_keyring(self.making.directory)
        states = states_at(records, int(now.timestamp()))
        coming = [r for r in records if r.role == role and states[r.kid] in (State.PLANNED, State.PUBLISHED)]
        if coming:
            raise ConfigurationError(f"{role}: {coming[-1].kid} is on its way already", mend="wallet keys list")
        times = times_of(role, now, self.publication, at)
        made = self.making.make(role, times.not_before, times.active_from, self.making.root(records, role, now))
        made = replace(
            made,
            state=str(State.PUBLISHED if times.published_at <= now else State.PLANNED),
            published_at=int(times.published_at.timestamp()),
            active_from=int(times.active_from.timestamp()),
        )
        last = int((times.active_from + (times.active_from - times.not_before)).timestamp())
        # Whoever signs until then signs on a while: no instant lies between the two.
        kept = [
            replace(r, not_after=min(r.not_after, last)) if r.role == role and states[r.kid] is State.ACTIVE else r
            for r in records
        ]
        write_keyring(self.making.directory, [*kept, made])
        return made

    def revoke(self, kid: str, reason: KeyReason, since: datetime) -> tuple[KeyRecord, tuple[KeyRecord, ...]]:
        """Revoke a key: with the next bundle nothing it signed counts. Return it and the keys that take its place.

        since: from when on others may have signed with it. The private part of a file is destroyed. Where it was the
        one that signed, another does at once; where it was a root, whatever it certified is replaced too. Revoking
        again changes nothing. Raises ConfigurationError for a key that is not there, or a moment that lies ahead.
        """
        now, records = self.clock.now(), read_keyring(self.making.directory)
        found = next((record for record in records if record.kid == kid), None)
        if found is None:
            raise ConfigurationError(f"{kid}: no such key", mend="wallet keys list")
        if since > now:
            raise ConfigurationError(f"--since {since.isoformat()} lies ahead", mend="wallet keys revoke --help")
        if found.state == State.REVOKED:
            return found, ()
        states = states_at(records, int(now.timestamp()))
        revoked = replace(
            found,
            state=str(State.REVOKED),
            revoked_at=int(now.timestamp()),
            compromised_at=int(since.timestamp()),
            reason=str(reason),
        )
        left = [revoked if record.kid == kid else record for record in records]
        made: list[KeyRecord] = []
        lost = [Role(found.role)] if states[kid] is State.ACTIVE else []
        for role in (*lost, *(CERTIFIED if lost == [Role.IACA] else ())):
            left.append(self._at_once(role, left, now))
            made.append(left[-1])
        write_keyring(self.making.directory, left)
        if found.backend == FILES:
            key_path(self.making.directory, found).unlink(missing_ok=True)
        return revoked, tuple(made)

    def _at_once(self, role: Role, records: list[KeyRecord], now: datetime) -> KeyRecord:
        """Make a key that signs from this moment: verifiers know it once they fetch the next bundle."""
        made = self.making.make(role, now - LIVES[role].backdated, now, self.making.root(records, role, now))
        seconds = int(now.timestamp())
        return replace(made, published_at=seconds, active_from=seconds)
