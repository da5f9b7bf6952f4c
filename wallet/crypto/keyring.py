"""The keyring: one file that says which key has which role, where its private part is, and when it may sign.

A key is planned, published (verifiers are told of it), active (it signs), retired (it verifies alone) or revoked
(nothing it signed counts any more). The first three follow one another by the dates that stand in its record, so that
nobody has to be there when the time comes. Source: docs/wire.md, sections 4 and 6.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from wallet.crypto import key_files
from wallet.crypto.algorithms import ES256
from wallet.errors import ConfigurationError

KEYRING = "keyring.json"
FILES = "files"
"""The backend whose private keys are files beside the keyring."""


class State(StrEnum):
    """What a key is good for; verifiers are told of all but planned ones."""

    PLANNED = "planned"
    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as the keyring tells it. kid: 16 lower-case hex digits. Times: seconds since 1970, 0 for never.

    not_before, not_after: when it may sign, as verifiers are told. state: as it was written last; `state_at` says what
    it is now. issuer: the kid of the key that certified it, "" for one that certified itself. backend: who signs with
    it; place: by which name that knows it. published_at, active_from: when verifiers are told of it, and when it takes
    over from the key before it. own_end: until when it might sign if nothing followed, 0 for one that nothing does; a
    successor shortens `not_after` alone. compromised_at: since when whatever it signed may be somebody else's. sample:
    it was made for a demo, and no production starts with it. alg: what it signs with, one of `algorithms.ALGORITHMS`.
    """

    role: str
    kid: str
    not_before: int
    not_after: int
    state: str
    issuer: str = ""
    backend: str = FILES
    place: str = ""
    published_at: int = 0
    active_from: int = 0
    own_end: int = 0
    revoked_at: int = 0
    compromised_at: int = 0
    reason: str = ""
    sample: bool = False
    alg: str = ES256

    def state_at(self, now: int) -> State:
        """Return what this key is at a moment, were it the only one of its role."""
        state = State(self.state)
        if state not in (State.PLANNED, State.PUBLISHED) or not self.active_from:
            return state
        if now < self.published_at:
            return State.PLANNED
        return State.PUBLISHED if now < self.active_from else State.ACTIVE

    @property
    def took_over(self) -> bool:
        """Return whether a key that is revoked had followed another."""
        return self.state == State.REVOKED and 0 < self.active_from <= self.revoked_at

    @property
    def longest(self) -> int:
        """Return until when it may sign where nobody follows it."""
        return self.own_end or self.not_after

    @property
    def moments(self) -> tuple[int, ...]:
        """Return when its state changes by itself."""
        return (self.published_at, self.active_from)


def states_at(records: Iterable[KeyRecord], now: int) -> dict[str, State]:
    """Return the state of every key by kid.

    Of a role's keys that have taken over the youngest signs, and those before it are retired, also when it is revoked:
    none of them comes back. What a revoked root certified is retired, or will be: nobody follows its chain any more.
    """
    records = list(records)
    revoked = {record.kid for record in records if record.state == State.REVOKED}
    states: dict[str, State] = {}
    latest: dict[str, KeyRecord] = {}
    for record in records:
        states[record.kid] = record.state_at(now)
        if record.issuer in revoked and states[record.kid] is not State.REVOKED:
            states[record.kid] = State.RETIRED
        elif states[record.kid] is State.ACTIVE or record.took_over:
            older, newer = latest.get(record.role, record), record
            if older.active_from > newer.active_from:
                older, newer = newer, older
            if older is not newer and states[older.kid] is State.ACTIVE:
                states[older.kid] = State.RETIRED
            latest[record.role] = newer
    return states


def lost_at(records: Iterable[KeyRecord]) -> dict[str, int]:
    """Return since when what a key signed has to be made anew, in seconds since 1970, by kid; no other key is there.

    It was revoked, or the root that certified it was: what rests on its chain is worth nothing to who follows that.
    """
    records = list(records)
    revoked = {record.kid: record.revoked_at for record in records if record.state == State.REVOKED}
    found = {record.kid: [revoked[kid] for kid in (record.kid, record.issuer) if kid in revoked] for record in records}
    return {kid: min(moments) for kid, moments in found.items() if moments}


def read_keyring(directory: Path) -> list[KeyRecord]:
    """Return every key, oldest first. Raises ConfigurationError for a file that is no keyring."""
    path = directory / KEYRING
    if not path.is_file():
        return []
    try:
        records = [KeyRecord(**item) for item in json.loads(path.read_text())]
        states_at(records, 0)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is not readable as a keyring: {error}", mend="wallet doctor") from error
    return records


def write_keyring(directory: Path, records: Iterable[KeyRecord]) -> None:
    """Replace the keyring, whole or not at all: a process that follows it never sees half of one."""
    content = json.dumps([asdict(record) for record in records], indent=1).encode()
    key_files.write(directory / KEYRING, content, replace=True)
