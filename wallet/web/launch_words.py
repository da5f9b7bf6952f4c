"""How launching is put into words and into JSON: whom a pilot is for, and why somebody is not in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wallet.launching.audience import Audience, Plan
from wallet.launching.schedule import Launch
from wallet.places import provinces
from wallet.texts.catalogue import LANGUAGES, lookup
from wallet.working_days import ZONE


def missing_words(missing: str, values: Mapping[str, Any], language: str) -> str:
    """Return in words what is missing. values: as `Availability` has them, or `needed` for an account level."""
    words = {name: values[name] for name in ("needed",) if name in values}
    if "until" in values:
        words["until"] = moment_words(values["until"])
    if "provinces" in values:
        words["name"] = ", ".join(provinces().get(code, code) for code in values["provinces"])
    return lookup("availability", missing, language, **words)


def missing_in_both(missing: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the same in both languages."""
    return {language: missing_words(missing, values, language) for language in LANGUAGES}


def moment_words(moment: datetime) -> str:
    """Return a moment as people in Vietnam read it."""
    return f"{moment.astimezone(ZONE):%H:%M %d/%m/%Y}"


def notice_of(launch: Launch) -> dict[str, str] | None:
    """Return what citizens are told while a utility is paused: the words written beforehand, or the general ones."""
    if launch.state != "paused":
        return None
    return dict(launch.pause_text) or missing_in_both("paused", {})


def audience_body(audience: Audience, *, testers: bool) -> dict[str, Any]:
    """Return an audience as the API tells it. testers: say who they are, which is for admins alone."""
    return {
        "provinces": sorted(audience.provinces) or None,
        "percent": None if audience.permille is None else percent(audience.permille),
        "testers": sorted(audience.testers) or None if testers else None,
        "from_at": audience.from_at,
        "until_at": audience.until_at,
        "minimum_app_version": audience.app_version,
    }


def plan_body(plan: Plan) -> dict[str, Any]:
    """Return a plan as admins read it."""
    return {"state": str(plan.state), "audience": audience_or_none(plan, testers=True)}


def audience_or_none(plan: Plan, *, testers: bool) -> dict[str, Any] | None:
    """Return the audience, None where there is none to tell."""
    return None if plan.audience == Audience() else audience_body(plan.audience, testers=testers)


def percent(permille: int) -> float:
    """Return tenths of a percent as a percentage: 125 is 12.5."""
    return permille / 10
