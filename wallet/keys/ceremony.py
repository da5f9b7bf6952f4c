"""A ceremony: keys changed from one reviewed file, by two people, with a transcript whose hash goes on record.

Everything in the file is held against the keyring before anything is touched, and every fault is told at once. What is
done is what was reviewed: the file's SHA-256 is asked for again (docs/security.md, S-63). The transcript is on the disk
before a step begins and once it is done: a ceremony that is killed is found by the next command, and put on record.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wallet.crypto import key_files
from wallet.crypto.keyring import FILES, KeyRecord, State, states_at
from wallet.crypto.keystore import Role, may_keep
from wallet.errors import ConfigurationError, WalletError
from wallet.keys.rotating import KeyReason, Rotating, times_of

MOST_STEPS = 50
MOST_BYTES = 65_536
_MEMBERS = {"title", "persons", "steps"}
_STEP_MEMBERS = {"rotate": {"do", "role", "at", "backend"}, "revoke": {"do", "kid", "reason", "since"}}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. rotate: role, at (None: as soon as may be), backend. revoke: kid, reason, since (None: nobody
    else had the key before it is revoked)."""

    do: str
    role: Role | None = None
    at: datetime | None = None
    backend: str = ""
    kid: str = ""
    reason: KeyReason | None = None
    since: datetime | None = None

    def __str__(self) -> str:
        if self.do == "rotate":
            at = "" if self.at is None else f" at {self.at.isoformat()}"
            return f"rotate {self.role}{at}, kept by {self.backend}"
        since = ", nobody else had it" if self.since is None else f" since {self.since.isoformat()}"
        return f"revoke {self.kid}, {self.reason}{since}"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What is to be done, and before whom. persons: who leads, then who witnesses. digest: hex SHA-256 of the file."""

    title: str
    persons: tuple[str, ...]
    steps: tuple[Step, ...]
    digest: str


def read_ceremony(content: bytes, *, toml: bool) -> Ceremony:
    """Return what a file asks for. Raises ConfigurationError with every fault of its form."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        if len(content) > MOST_BYTES:
            raise ValueError("too large")
        text = content.decode()
        given = tomllib.loads(text) if toml else json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not readable: {error}", mend="wallet keys ceremony --help") from error
    problems: list[str] = []
    if not isinstance(given, dict) or set(given) != _MEMBERS:
        raise ConfigurationError(f"its members are {', '.join(sorted(_MEMBERS))}", mend="wallet keys ceremony --help")
    title, persons, steps = given["title"], given["persons"], given["steps"]
    title = " ".join(title.split()) if isinstance(title, str) else ""  # one line of the transcript, whatever is in it
    if not title:
        problems.append("title: empty")
    named = [" ".join(each.split()) for each in persons if isinstance(each, str)] if isinstance(persons, list) else []
    if len({name.casefold() for name in named if name}) < 2 or len(named) != len(persons):
        problems.append("persons: two different names, who leads and who witnesses")
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        problems.append(f"steps: 1 to {MOST_STEPS}")
        steps = []
    read = [_step(number, step, problems) for number, step in enumerate(steps, 1)]
    if problems:
        raise ConfigurationError(*problems, mend="wallet keys ceremony FILE --dry-run")
    return Ceremony(title, tuple(named), tuple(step for step in read if step is not None), digest)


def faults(
    ceremony: Ceremony, records: list[KeyRecord], now: datetime, publication: timedelta, backends: frozenset[str]
) -> list[str]:
    """Return what of a ceremony cannot be done to this keyring now, every fault at once."""
    states = states_at(records, int(now.timestamp()))
    known = {record.kid: record for record in records}
    coming = [r for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED)]
    found: list[str] = []
    done: set[str] = set()
    for number, step in enumerate(ceremony.steps, 1):
        target = step.kid or str(step.role)
        if target in done:
            found.append(f"step {number}: {target} a second time")
        done.add(target)
        if step.role is not None:
            if any(record.role == step.role for record in coming):
                found.append(f"step {number}: the next key of {step.role} is on its way already")
            if step.backend not in backends:
                found.append(f"step {number}: {step.backend} is not set up")
            elif not may_keep(step.backend, step.role):
                found.append(f"step {number}: {step.role} is kept in {FILES} alone")
            try:
                times_of(step.role, records, now, publication, step.at)
            except ConfigurationError as error:
                found.append(f"step {number}: {error}")
        elif step.kid not in known:
            found.append(f"step {number}: no key {step.kid}")
        elif states[step.kid] is State.REVOKED:
            found.append(f"step {number}: {step.kid} is revoked already")
        else:  # what comes no more makes room for another, in the steps after this one
            coming = [record for record in coming if step.kid not in (record.kid, record.issuer)]
        if step.since is not None and step.since > now:
            found.append(f"step {number}: {step.since.isoformat()} lies ahead")
    return found


class Journal:
    """The transcript of a ceremony, on the disk line by line as things are done, so that a kill leaves what it was.

    It lies in the folder `ceremonies` of the keys, as `*.open` until its hash is on record. changed: what was done to
    which key since it was begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed: list[tuple[str, KeyRecord]] = []

    @classmethod
    def begin(cls, directory: Path, digest: str, now: datetime) -> "Journal":
        """Begin one. directory: that of the keys. digest: of the reviewed file."""
        folder = directory / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        key_files.settle(directory)
        return cls(folder / f"{now:%Y%m%dT%H%M%SZ}-{digest[:8]}.txt{OPEN}")

    @classmethod
    def left(cls, directory: Path) -> "list[Journal]":
        """Return those whose hash is not on record: of ceremonies that are going on, or were killed."""
        return [cls(path) for path in sorted((directory / FOLDER).glob(f"*{OPEN}"))]

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the transcript, in hex."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def is_over(self) -> bool:
        """Return whether its ceremony came to an end, be it before its end."""
        last = self.text.splitlines()[-1:]
        return bool(last) and last[0].startswith("ended ")

    @property
    def is_whole(self) -> bool:
        """Return whether all of its ceremony was done."""
        return self.is_over and STOPPED not in self.text.splitlines()

    def line(self, text: str) -> None:
        key_files.append(self.path, f"{text}\n".encode())

    def close(self) -> None:
        """Let it be one whose hash is on record."""
        key_files.rename(self.path, self.path.with_name(self.path.name.removesuffix(OPEN)))


def perform(
    ceremony: Ceremony,
    rotating_with: Callable[[str], Rotating],
    certificate: Callable[[KeyRecord], bytes],
    journal: Journal,
) -> None:
    """Do every step in its order and write down what was done, also where one stopped it.

    rotating_with: what changes the keyring, where new keys are kept by this backend. certificate: of a key that was
    made.
    """
    rotating = rotating_with("")
    journal.line(f"file sha256 {ceremony.digest}")
    journal.line(f"title {ceremony.title}")
    for name in ceremony.persons:
        journal.line(f"person {name}")
    journal.line(f"begun {_moment(rotating.clock.now())}")
    for number, step in enumerate(ceremony.steps, 1):
        journal.line(f"step {number} {step}")
        try:
            if step.role is not None:
                made: tuple[KeyRecord, ...] = (rotating_with(step.backend).rotate(step.role, step.at),)
                lacking: tuple[tuple[Role, Exception], ...] = ()
                kept: OSError | None = None
                journal.changed.append((ROTATED, made[0]))
            else:
                done = rotating.revoke(step.kid, step.reason or KeyReason.CEASED, step.since)
                made, lacking, kept = done.made, done.lacking, done.kept
                journal.changed.append((REVOKED, done.record))
        except (WalletError, OSError) as error:
            journal.line(f"  stopped: {type(error).__name__} {error}")
            journal.line(STOPPED)
            return
        for record in made:
            digest = hashlib.sha256(certificate(record)).hexdigest()
            begin = _moment(datetime.fromtimestamp(record.active_from, UTC))
            journal.line(f"  made {record.role} {record.kid}, certificate sha256 {digest}, active from {begin}")
        for role, why in lacking:
            journal.line(f"  lacking {role}: {type(why).__name__} {why}")
        if kept is not None:
            journal.line(f"  not destroyed: {type(kept).__name__} {kept}")
        if lacking or kept is not None:
            journal.line(STOPPED)
            return
    journal.line(f"ended {_moment(rotating.clock.now())}")


FOLDER, OPEN = "ceremonies", ".open"
ROTATED, REVOKED = "key.rotated", "key.revoked"
STOPPED = "ended before its end: what stands above was done, the rest was not"


def _step(number: int, given: Any, problems: list[str]) -> Step | None:
    """Return one step; its faults are added to `problems`."""
    allowed = _STEP_MEMBERS.get(str(given.get("do"))) if isinstance(given, dict) else None
    if allowed is None:
        problems.append(f"step {number}: do is rotate or revoke")
        return None
    before = len(problems)
    for name in sorted(set(given) - allowed):
        problems.append(f"step {number}: {name} is no member of it")

    def one_of(name: str, values: Mapping[str, Any]) -> Any:
        value = given.get(name)
        if not isinstance(value, str) or value not in values:
            problems.append(f"step {number}: {name} is one of {', '.join(values)}")
            return None
        return values[value]

    def moment(name: str) -> datetime | None:
        value = given.get(name)
        if value is None:
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            if found.tzinfo is None:
                raise ValueError("without a zone")
        except (TypeError, ValueError):
            problems.append(f"step {number}: {name} is a time with its zone, such as 2026-12-01T00:00:00+07:00")
            return None
        return found

    if given["do"] == "rotate":
        role = one_of("role", {str(role): role for role in Role})
        backend = given.get("backend", "files")
        if not isinstance(backend, str):
            problems.append(f"step {number}: backend is a name")
        step = Step("rotate", role=role, at=moment("at"), backend=str(backend))
    else:
        if not isinstance(given.get("kid"), str):
            problems.append(f"step {number}: kid is missing")
        reason = one_of("reason", {str(reason): reason for reason in KeyReason})
        if reason is KeyReason.COMPROMISED and given.get("since") is None:
            problems.append(f"step {number}: since when others may have had it, since is missing")
        step = Step("revoke", kid=str(given.get("kid")), reason=reason, since=moment("since"))
    return step if len(problems) == before else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
