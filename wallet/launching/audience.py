"""Whom a sandbox or a pilot is for: a value that can be written down, compared and held against one person.

The parts that are given all have to hold. What is not known of a person (no province, no version of the app) is not
in: a pilot is for whom it names, never for whom nothing is known of. Source: docs/domain.md, section 4.0 (pilots opened
province by province).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from wallet.errors import InvalidInput
from wallet.launching.states import LaunchState
from wallet.places import provinces as provinces_in_force

WHOLE = 1000
"""Everybody, in tenths of a percent."""
MOST_TESTERS = 200
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a launch is for. A part that is None, or no province at all, asks for nothing.

    provinces: 2-digit codes. permille: of a thousand holders so many, always the same ones. testers: account ids, in
    whatever their province and share. from_at, until_at: the window, aware; until_at is the first moment outside.
    app_version: the least version of the caller's app, such as `2.10`.
    """

    provinces: frozenset[str] = frozenset()
    permille: int | None = None
    testers: frozenset[str] = frozenset()
    from_at: datetime | None = None
    until_at: datetime | None = None
    app_version: str | None = None

    @property
    def limits_the_public(self) -> bool:
        """Whether anybody but testers is kept out or let in by a rule."""
        parts = (self.permille, self.from_at, self.until_at, self.app_version)
        return bool(self.provinces) or any(part is not None for part in parts)

    def to_json(self) -> dict[str, Any]:
        """Return the audience as it is stored; what is not given is left out."""
        values: dict[str, Any] = {
            "provinces": sorted(self.provinces) or None,
            "permille": self.permille,
            "testers": sorted(self.testers) or None,
            "from_at": _text(self.from_at),
            "until_at": _text(self.until_at),
            "app_version": self.app_version,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Audience":
        """Return what `to_json` wrote."""
        return cls(
            provinces=frozenset(stored.get("provinces", ())),
            permille=stored.get("permille"),
            testers=frozenset(stored.get("testers", ())),
            from_at=_moment(stored.get("from_at")),
            until_at=_moment(stored.get("until_at")),
            app_version=stored.get("app_version"),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A state with its audience: all that decides who may use a utility."""

    state: LaunchState = LaunchState.OFF
    audience: Audience = field(default_factory=Audience)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it is stored."""
        return {"state": str(self.state), "audience": self.audience.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        """Return what `to_json` wrote."""
        return cls(LaunchState(stored["state"]), Audience.from_json(stored.get("audience", {})))


def place_of(code: str, holder_id: str) -> int:
    """Return where a holder stands in the queue for a utility: 0 to 999, for ever the same, and evenly spread.

    Whoever is among the first 50 is among the first 100 too: 5 % is a subset of 10 %.
    """
    digest = sha256(f"launch\0{code}\0{holder_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % WHOLE


def newer_or_same(version: str | None, least: str) -> bool:
    """Return whether an app's version reaches the least one; one that is unknown or not a version does not."""
    if version is None or not _VERSION.fullmatch(version):
        return False
    return _numbers(version) >= _numbers(least)


def widens(before: Plan, after: Plan) -> bool:
    """Return whether anybody may get in by `after` whom `before` keeps out. In doubt it is yes: then two decide."""
    if after.state in (LaunchState.OFF, LaunchState.PAUSED, LaunchState.RETIRED) or before.state is LaunchState.OPEN:
        return False
    if before.state not in (LaunchState.SANDBOX, LaunchState.PILOT) or after.state is LaunchState.OPEN:
        return True
    old, new = before.audience, after.audience
    if not _same_or_later(old.from_at, new.from_at) or not _same_or_later(new.until_at, old.until_at, absent_last=True):
        return True
    if old.app_version is not None and not newer_or_same(new.app_version, old.app_version):
        return True
    if not new.testers <= old.testers:  # a tester may be in by province, but that is not looked up to decide this
        return True
    if after.state is LaunchState.SANDBOX:
        return False
    if before.state is LaunchState.SANDBOX:
        return new.permille != 0
    if old.provinces and not (new.provinces and new.provinces <= old.provinces):
        return True
    return _share(new) > _share(old)


def check_audience(state: LaunchState, audience: Audience, now: datetime) -> None:
    """Refuse an audience that means nothing. Raises InvalidInput naming every part at once, below `/audience`."""
    wrong = dict(_faults(state, audience, now))
    if wrong:
        raise InvalidInput(wrong)


def _faults(state: LaunchState, audience: Audience, now: datetime) -> Iterator[tuple[str, str]]:
    for number, code in enumerate(sorted(audience.provinces)):
        if code not in provinces_in_force():
            yield f"/audience/provinces/{number}", "unknown_province"
    if audience.permille is not None and not 0 <= audience.permille <= WHOLE:
        yield "/audience/percent", "out_of_range"
    if len(audience.testers) > MOST_TESTERS:
        yield "/audience/testers", "invalid_length"
    if audience.until_at is not None:
        if audience.until_at <= (audience.from_at or now):
            yield "/audience/until", "ends_before_it_begins"
        elif audience.until_at <= now:
            yield "/audience/until", "already_past"
    if audience.app_version is not None and not _VERSION.fullmatch(audience.app_version):
        yield "/audience/minimum_app_version", "invalid_format"
    if state is LaunchState.SANDBOX:
        if audience.provinces:
            yield "/audience/provinces", "not_for_sandbox"
        if audience.permille is not None:
            yield "/audience/percent", "not_for_sandbox"
        if not audience.testers:
            yield "/audience/testers", "testers_needed"
    if state is LaunchState.PILOT and not audience.limits_the_public:
        yield "/audience", "pilot_limits_nothing"


def _share(audience: Audience) -> int:
    return WHOLE if audience.permille is None else audience.permille


def _same_or_later(first: datetime | None, second: datetime | None, *, absent_last: bool = False) -> bool:
    """Return whether `second` is no earlier than `first`. Absent is the earliest moment, or the last one."""
    edge = datetime.max.replace(tzinfo=UTC) if absent_last else datetime.min.replace(tzinfo=UTC)
    return (second or edge) >= (first or edge)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
