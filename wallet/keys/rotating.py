"""The life of keys: the next one of a role, and the end of one.

A new key is told to verifiers one cache lifetime before it may sign (docs/wire.md, section 6), and takes over a moment
later than it may: processes' clocks differ, and copies carry rounded times. The old key may sign as long beyond that,
and one cache lifetime more, so that at no instant a signature falls between the two; and where the new key is revoked
before it signs, the old one goes on, and verifiers are told in time that it does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from wallet.clock import Clock
from wallet.crypto import key_files
from wallet.crypto.keyring import FILES, KeyRecord, State, read_keyring, states_at, write_keyring
from wallet.crypto.keystore import Role, key_path, needed
from wallet.crypto.making import LIVES, Making, at_once
from wallet.errors import ConfigurationError, WalletError
from wallet.working_days import ZONE

PINNED = (Role.BUNDLE_ROOT, Role.SECOND_BUNDLE)
"""The roles whose keys verifiers know by a pin."""
PINNED_LEAD = 10
"""How many cache lifetimes such a key is known before it signs: its pin reaches verifiers by hand."""
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


def ahead(role: Role, publication: timedelta) -> timedelta:
    """Return how long before it takes over the next key of a role has to be made."""
    return _lead(role, publication) + _settling(publication)


def _lead(role: Role, publication: timedelta) -> timedelta:
    return publication * (PINNED_LEAD if role in PINNED else 1)


def _settling(publication: timedelta) -> timedelta:
    return min(LONGEST_SETTLING, publication / 3)


def times_of(
    role: Role, records: Iterable[KeyRecord], now: datetime, publication: timedelta, at: datetime | None = None
) -> Times:
    """Return the times of the next key. at: when it takes over; by default as soon as verifiers can know it.

    Raises ConfigurationError for a moment that is too soon, or when the present key has ended. Where that ends before
    verifiers can know another, as soon as may be is the best there is.
    """
    lead, settling = _lead(role, publication), _settling(publication)
    earliest = now + ahead(role, publication)
    active_from = earliest if at is None else at
    if active_from < earliest:
        known = _in_vietnam(earliest)
        raise ConfigurationError(
            f"{role}: {_in_vietnam(active_from)} là quá sớm, bên kiểm tra biết khóa từ {known}"
            f" / is too soon, verifiers know it from {known} on",
            mend=f"wallet keys rotate {role}",  # as soon as may be: a moment would be too soon again by then
        )
    records = list(records)
    states = states_at(records, int(now.timestamp()))
    ends = [r.longest for r in records if r.role == role and states[r.kid] is State.ACTIVE]
    latest = max(earliest, datetime.fromtimestamp(ends[-1], UTC)) if ends else active_from
    if active_from > latest:
        until = _in_vietnam(latest)
        raise ConfigurationError(
            f"{role}: {_in_vietnam(active_from)} là quá muộn, khóa hiện tại ký đến {until}"
            f" / is too late, the present key signs until {until}",
            mend=f"wallet keys rotate {role}" + (f" --at {until}" if latest > earliest else ""),
        )
    return Times(active_from - settling - lead, active_from - settling, active_from)


def _in_vietnam(moment: datetime) -> str:
    """Return a moment as `wallet keys` tells and takes it, to the second."""
    return moment.astimezone(ZONE).isoformat(timespec="seconds")


def lasting(records: Iterable[KeyRecord], now: datetime) -> dict[Role, datetime | None]:
    """Return until when each role that needs a key has one that may sign, without a gap from now on; else None."""
    records, seconds = list(records), int(now.timestamp())
    states = states_at(records, seconds)
    found: dict[Role, datetime | None] = {}
    for role in needed(records, seconds):
        signing = [r for r in records if r.role == role and states[r.kid] is State.ACTIVE and r.not_after > seconds]
        end = signing[-1].not_after if signing else 0
        for r in records:
            if r.role == role and states[r.kid] in (State.PLANNED, State.PUBLISHED) and r.active_from <= end:
                end = max(end, r.not_after)
        found[role] = datetime.fromtimestamp(end, UTC) if end else None
    return found


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

        Raises ConfigurationError when one is on its way already, or `at` is too soon or too late; Unavailable when its
        backend is away.
        """
        now, records = self.clock.now(), read_keyring(self.making.directory)
        states = states_at(records, int(now.timestamp()))
        coming = [r for r in records if r.role == role and states[r.kid] in (State.PLANNED, State.PUBLISHED)]
        if coming:
            raise ConfigurationError(f"{role}: {coming[-1].kid} is on its way already", mend="wallet keys list")
        times = times_of(role, records, now, self.publication, at)
        made = self.making.make(role, times.not_before, times.active_from, self.making.root(records, role, now))
        made = replace(
            made,
            state=str(State.PUBLISHED if times.published_at <= now else State.PLANNED),
            published_at=int(times.published_at.timestamp()),
            active_from=int(times.active_from.timestamp()),
        )
        last = int((times.active_from + (times.active_from - times.not_before) + self.publication).timestamp())
        kept = [
            replace(r, not_after=min(r.longest, last), own_end=r.longest)
            if r.role == role and states[r.kid] is State.ACTIVE
            else r
            for r in records
        ]
        write_keyring(self.making.directory, [*kept, made])
        return made

    def revoke(self, kid: str, reason: KeyReason, since: datetime | None = None) -> "Revocation":
        """Revoke a key: with the next bundle nothing it signed counts. Return what came of it.

        since: from when on others may have signed with it, as of the whole second; None, as the second of the
        revocation itself: nobody did. The revocation is written first, whatever keeps the next key from being made. The
        private part of a file is destroyed. Where the key was the one that signed, another does at once; where it was a
        root, so does another for each that it certified, kept by whom kept the one before. Where it was to follow
        another, that one keeps its own time. Revoking again makes no key; an earlier `since` counts. Raises
        ConfigurationError for a key that is not there or a moment that lies ahead.
        """
        now, records = self.clock.now(), read_keyring(self.making.directory)
        found = next((record for record in records if record.kid == kid), None)
        if found is None:
            raise ConfigurationError(f"{kid}: no such key", mend="wallet keys list")
        if since is not None and since > now:
            raise ConfigurationError(f"--since {since.isoformat()} lies ahead", mend="wallet keys revoke --help")
        states = states_at(records, int(now.timestamp()))
        revoked = _revoked(found, reason, now, since or now)
        hurt = [r for r in records if kid in (r.kid, r.issuer) and states[r.kid] is State.ACTIVE]
        left = [revoked if record.kid == kid else record for record in records]
        write_keyring(self.making.directory, _unfollowed(left, int(now.timestamp())))
        kept = self._destroy(found) if found.backend == FILES else None
        made, lacking = self._replace(hurt, now)
        return Revocation(revoked, made, lacking, kept)

    def _destroy(self, record: KeyRecord) -> OSError | None:
        """Remove the private part of a key; return why it is still there, None when it is gone."""
        try:
            key_files.remove(key_path(self.making.directory, record))
        except OSError as error:
            return error
        return None

    def _replace(
        self, hurt: Sequence[KeyRecord], now: datetime
    ) -> tuple[tuple[KeyRecord, ...], tuple[tuple[Role, WalletError | OSError], ...]]:
        """Make a key in the place of each, where that was kept; return them, and why which could not be made."""
        made: list[KeyRecord] = []
        lacking: list[tuple[Role, WalletError | OSError]] = []
        for record in hurt:
            records = read_keyring(self.making.directory)
            try:
                made.append(
                    self._at_once(replace(self.making, backend=record.backend), Role(record.role), records, now)
                )
            except (WalletError, OSError) as error:
                lacking.append((Role(record.role), error))
            else:
                write_keyring(self.making.directory, [*records, made[-1]])
        return tuple(made), tuple(lacking)

    @staticmethod
    def _at_once(making: Making, role: Role, records: list[KeyRecord], now: datetime) -> KeyRecord:
        """Make a key that signs from this moment: verifiers know it once they fetch the next bundle."""
        made = making.make(role, now - LIVES[role].backdated, now, making.root(records, role, now))
        return at_once(made, now)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What came of revoking a key: itself, the keys made in the place of others, and which could not be made, and why.

    A role that lacks its key signs nothing until `wallet keys new` has made one. kept: why the file of its private part
    could not be removed; revoking again removes it.
    """

    record: KeyRecord
    made: tuple[KeyRecord, ...] = ()
    lacking: tuple[tuple[Role, WalletError | OSError], ...] = ()
    kept: OSError | None = None


def _unfollowed(records: list[KeyRecord], now: int) -> list[KeyRecord]:
    """Return the records where a key that signs, and that nothing will follow any more, has its own time again."""
    states = states_at(records, now)
    followed = {r.role for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED)}
    return [
        replace(r, not_after=r.longest, own_end=0) if states[r.kid] is State.ACTIVE and r.role not in followed else r
        for r in records
    ]


def _revoked(record: KeyRecord, reason: KeyReason, now: datetime, since: datetime) -> KeyRecord:
    """Return a key's record as of its revocation; of one that was revoked before, only an earlier `since` is new."""
    moment = int(since.timestamp())
    if record.state == State.REVOKED:
        return replace(record, compromised_at=min(record.compromised_at, moment))
    return replace(
        record,
        state=str(State.REVOKED),
        revoked_at=int(now.timestamp()),
        compromised_at=moment,
        reason=str(reason),
    )
