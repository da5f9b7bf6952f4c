"""Whether one person is in: rules in the order of what they cost, each with a name, so that a refusal can say why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from wallet.errors import Unavailable
from wallet.launching.audience import WHOLE, Plan, newer_or_same, place_of
from wallet.launching.states import LIMITED, LaunchState

Province = Callable[[], str | None] | str | None


class Rule(StrEnum):
    """What can keep a person out."""

    STATE = "state"
    FROM = "from"
    UNTIL = "until"
    APP_VERSION = "app_version"
    TESTER = "tester"
    PERCENT = "percent"
    PROVINCE = "province"


MISSING = (
    *("off", "paused", "retired", "not_begun", "over", "app_too_old", "testers_only", "not_drawn"),
    *("other_province", "province_unknown", "source_unavailable"),
)
"""What is missing for a person to be in, as a code of the catalogue's section `availability`."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of the person who asks.

    province: the 2-digit code of where they are registered, None where none is known; or a callable that finds out, for
    only a pilot by province has to know. app_version: what their app says it is.
    """

    holder_id: str
    account_id: str
    now: datetime
    province: Province = field(default=None, repr=False)
    app_version: str | None = None

    def province_code(self) -> str | None:
        """Return the province, asking for it if need be. Raises what the register raises."""
        return self.province() if callable(self.province) else self.province


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a utility is there for somebody.

    decided_by: the rule that let them in or kept them out. missing: one of MISSING, "" when available; values: what its
    words name (`provinces`, `until`, `needed`). drawn: whether their share of the percentage had to do with it.
    """

    available: bool
    decided_by: Rule
    missing: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, explained. applies: the launch has it, and it matters to this person. holds: None for not known."""

    rule: Rule
    applies: bool
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a person is in or out. seen_from: the least share, in tenths of a percent, that would take them in."""

    availability: Availability
    lines: tuple[Line, ...]
    seen_from: int


def judge(code: str, plan: Plan, visitor: Visitor) -> Availability:
    """Return whether the person is in. Asks for the province last, and only where everything else holds.

    Raises what the visitor's province raises.
    """
    state, audience, now = plan.state, plan.audience, visitor.now
    if state is LaunchState.OPEN:
        return Availability(True, Rule.STATE)
    if state not in LIMITED:
        return Availability(False, Rule.STATE, str(state))
    if audience.from_at is not None and now < audience.from_at:
        return Availability(False, Rule.FROM, "not_begun", {"until": audience.from_at})
    if audience.until_at is not None and now >= audience.until_at:
        return Availability(False, Rule.UNTIL, "over", {"until": audience.until_at})
    if audience.app_version is not None and not newer_or_same(visitor.app_version, audience.app_version):
        return Availability(False, Rule.APP_VERSION, "app_too_old", {"needed": audience.app_version})
    if visitor.account_id in audience.testers:
        return Availability(True, Rule.TESTER)
    if state is LaunchState.SANDBOX:
        return Availability(False, Rule.TESTER, "testers_only")
    drawn = audience.permille is not None and audience.permille < WHOLE
    if audience.permille is not None and place_of(code, visitor.holder_id) >= audience.permille:
        return Availability(False, Rule.PERCENT, "not_drawn", drawn=True)
    if not audience.provinces:
        return Availability(True, Rule.PERCENT if drawn else Rule.STATE, drawn=drawn)
    province = visitor.province_code()
    named = {"provinces": tuple(sorted(audience.provinces))}
    if province is None:
        return Availability(False, Rule.PROVINCE, "province_unknown", named, drawn)
    if province not in audience.provinces:
        return Availability(False, Rule.PROVINCE, "other_province", named, drawn)
    return Availability(True, Rule.PROVINCE, drawn=drawn)


def judge_or_tell(code: str, plan: Plan, visitor: Visitor) -> Availability:
    """Return the same for a list: a register that does not answer is one more thing that is missing."""
    try:
        return judge(code, plan, visitor)
    except Unavailable:
        return Availability(False, Rule.PROVINCE, "source_unavailable")


def explain(code: str, plan: Plan, visitor: Visitor) -> Explained:
    """Return every rule with whether it holds for the person."""
    state, audience, now = plan.state, plan.audience, visitor.now
    limited = state in LIMITED
    tester = limited and visitor.account_id in audience.testers
    asked = limited and state is not LaunchState.SANDBOX and not tester
    place = place_of(code, visitor.holder_id)
    by_province = asked and bool(audience.provinces)
    province: str | None = None
    failure: Unavailable | None = None
    if by_province:
        try:
            province = visitor.province_code()
        except Unavailable as error:
            failure = error
    begin, end, old = audience.from_at, audience.until_at, audience.app_version
    lines = (
        Line(Rule.STATE, True, limited or state is LaunchState.OPEN),
        Line(Rule.FROM, limited and begin is not None, begin is None or now >= begin),
        Line(Rule.UNTIL, limited and end is not None, end is None or now < end),
        Line(Rule.APP_VERSION, limited and old is not None, old is None or newer_or_same(visitor.app_version, old)),
        Line(Rule.TESTER, limited and bool(audience.testers), tester),
        Line(Rule.PERCENT, asked and audience.permille is not None, place < _share(audience.permille)),
        Line(
            Rule.PROVINCE,
            by_province,
            (province in audience.provinces if by_province else True) if failure is None else None,
        ),
    )

    def found() -> str | None:
        if failure is not None:
            raise failure
        return province

    known_visitor = Visitor(visitor.holder_id, visitor.account_id, now, found, visitor.app_version)
    return Explained(judge_or_tell(code, plan, known_visitor), lines, place + 1)


def _share(permille: int | None) -> int:
    return WHOLE if permille is None else permille
