"""What the commands that launch a utility are given: who does it and why, an audience, a moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import click

from wallet.commands.console import fail
from wallet.launching.audience import WHOLE, Audience

CODE = click.argument("code")
BY = click.option("--by", required=True, help="Account of the admin who does it / Tài khoản quản trị viên thực hiện.")
SECOND = click.option("--second", help="Account of the admin who agrees / Tài khoản quản trị viên thứ hai duyệt.")
REASON = click.option("--reason", required=True, help="Why / Lý do, 3-500 ký tự.")
JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
TESTERS = click.option(
    "--tester", "testers", multiple=True, help="Account id, repeatable / Tài khoản thử, lặp lại được."
)
FROM = click.option("--from", "from_at", help="From when: 2026-12-01T08:00:00+07:00.")
UNTIL = click.option("--until", "until_at", help="Until when / Đến khi nào.")
APP_VERSION = click.option("--app-version", help="The least version of the app / Phiên bản ứng dụng tối thiểu.")
PROVINCES = click.option(
    "--province", "provinces", multiple=True, help="2-digit code, repeatable / Mã tỉnh, lặp lại được."
)
PERCENT = click.option("--percent", type=float, help="Share of holders, in steps of 0.1 / Tỷ lệ, bước 0,1.")

MORE = {
    "sandbox": "--tester acc_... ",
    "schedule": "--to open --at 2026-12-01T08:00:00+07:00 ",
    "unschedule": "--change sch_... ",
}
"""What an example of a command shows beside who and why."""

Options = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all(*options: Options) -> Options:
    """Put options together; help lists them in the order given."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


one_admin = _all(CODE, BY, REASON, JSON)
"""What a change takes for which one admin is enough."""
two_admins = _all(CODE, BY, SECOND, REASON, JSON)
"""What every other change takes."""
tested = _all(TESTERS, FROM, UNTIL, APP_VERSION)
"""The parts of an audience that a sandbox has."""
limited = _all(PROVINCES, PERCENT, tested)
"""The parts of an audience that a pilot has."""


def audience_of(verb: str, code: str, given: dict[str, Any]) -> Audience | None:
    """Return the audience that the options of `tested` or `limited` describe; None where none of them was given."""
    if not any(value not in (None, ()) for value in given.values()):
        return None
    audience = Audience(
        testers=frozenset(given["testers"]),
        from_at=None if given["from_at"] is None else moment(given["from_at"], "--from", verb, code),
        until_at=None if given["until_at"] is None else moment(given["until_at"], "--until", verb, code),
        app_version=given["app_version"],
    )
    if "provinces" not in given:
        return audience
    return replace(audience, provinces=frozenset(given["provinces"]), permille=_permille(given["percent"], verb, code))


def moment(text: str, option: str, verb: str, code: str) -> datetime:
    """Return the moment that somebody wrote. Ends the command, with an example, where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: cần thời điểm RFC 3339 / an RFC 3339 moment is needed", again(verb, code))
    if found.tzinfo is None:
        fail(f"{option} {text}: thiếu múi giờ / its offset is missing, such as +07:00", again(verb, code))
    return found.astimezone(UTC)


def check_reason(reason: str, verb: str, code: str) -> None:
    """End the command unless there is a reason."""
    if not 3 <= len(reason) <= 500:
        fail("--reason: 3-500 ký tự / 3 to 500 characters", again(verb, code))


def again(verb: str, code: str) -> str:
    """Return the command as it is to be written."""
    return f'wallet utilities {verb} {code} {MORE.get(verb, "")}--by acc_... --reason "..."'


def _permille(percent: float | None, verb: str, code: str) -> int | None:
    if percent is None:
        return None
    if not 0 <= percent <= 100 or round(percent * 10) != round(percent * 10, 6):
        fail(f"--percent {percent}: 0-100, bước 0,1 / 0 to 100 in steps of 0.1", again(verb, code))
    return None if round(percent * 10) == WHOLE else round(percent * 10)
