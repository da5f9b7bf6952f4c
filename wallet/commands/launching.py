"""`wallet utilities enable`, `pilot`, `pause`, `retire`, `status`: launching from the shell of the server.

It acts on the server's own database, under the admin who is named. Whoever has this shell can name anybody, so what it
does is also recorded with the actor `system`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

import click

from wallet.commands.console import command_error, fail, guarded, say, settings, step
from wallet.db import Database
from wallet.entropy import SystemEntropy, new_id
from wallet.errors import InvalidInput, WalletError
from wallet.launching.audience import WHOLE, Audience
from wallet.launching.changing import LaunchOrder, PendingChange
from wallet.launching.repository import LaunchingRepository
from wallet.launching.schedule import Launch, as_of, stored_launch
from wallet.launching.states import LaunchState
from wallet.schema import schema_problem
from wallet.terms import Actor, StaffRole
from wallet.texts.catalogue import lookup
from wallet.wiring import Wallet, Work
from wallet.working_days import ZONE

SQLITE = "sqlite:///"
STATUS = "wallet utilities status {code}"
MENDS = {
    "unknown_utility": "wallet utilities list",
    "self_approval": "wallet staff list",
    "not_allowed": "wallet staff list",
    "dependency_unavailable": "wallet doctor",
    "storage_unavailable": "wallet doctor",
}
CODE = click.argument("code")
BY = click.option("--by", required=True, help="Account of the admin who does it / Tài khoản quản trị viên thực hiện.")
SECOND = click.option("--second", help="Account of the admin who agrees / Tài khoản quản trị viên thứ hai duyệt.")
REASON = click.option("--reason", required=True, help="Why / Lý do, 3-500 ký tự.")
JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


def one_admin(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what a change takes for which one admin is enough."""
    return reduce(lambda made, option: option(made), (JSON, REASON, BY, CODE), function)


def two_admins(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what every other change takes."""
    return one_admin(SECOND(function))


@click.command()
@two_admins
@guarded
def enable(code: str, by: str, second: str | None, reason: str, as_json: bool) -> None:
    """Open CODE for everyone. Two admins: without --second it waits for one."""
    _change(code, LaunchOrder(LaunchState.OPEN, reason), by, second, as_json)


@click.command()
@two_admins
@click.option("--province", "provinces", multiple=True, help="2-digit code, repeatable / Mã tỉnh, lặp lại được.")
@click.option("--percent", type=float, help="Share of holders, in steps of 0.1 / Tỷ lệ, bước 0,1.")
@click.option("--tester", "testers", multiple=True, help="Account id, repeatable / Tài khoản thử, lặp lại được.")
@click.option("--from", "from_at", help="From when: 2026-12-01T08:00:00+07:00.")
@click.option("--until", "until_at", help="Until when / Đến khi nào.")
@click.option("--app-version", help="The least version of the app / Phiên bản ứng dụng tối thiểu.")
@guarded
def pilot(
    code: str,
    by: str,
    second: str | None,
    reason: str,
    as_json: bool,
    provinces: tuple[str, ...],
    percent: float | None,
    testers: tuple[str, ...],
    from_at: str | None,
    until_at: str | None,
    app_version: str | None,
) -> None:
    """Pilot CODE: every part that is given has to hold, testers are in besides province and share."""
    audience = Audience(
        provinces=frozenset(provinces),
        permille=_permille(percent, code),
        testers=frozenset(testers),
        from_at=_moment(from_at, "--from", code),
        until_at=_moment(until_at, "--until", code),
        app_version=app_version,
    )
    _change(code, LaunchOrder(LaunchState.PILOT, reason, audience), by, second, as_json)


@click.command()
@one_admin
@click.option("--text-vi", help="What citizens read meanwhile / Lời nhắn cho người dân.")
@click.option("--text-en", help="The same in English.")
@guarded
def pause(code: str, by: str, reason: str, as_json: bool, text_vi: str | None, text_en: str | None) -> None:
    """Stop everything new of CODE at once. One admin is enough."""
    if (text_vi is None) != (text_en is None):
        fail("Cần cả --text-vi và --text-en / both languages are needed", _again("pause", code))
    words = None if text_vi is None or text_en is None else {"vi": text_vi, "en": text_en}
    _check_reason(reason, "pause", code)
    with _work(code) as work:
        actor = _admin(work, by)
        launch = work.launching.pause(code, reason, words, actor)
        _by_command(work, code, "pause", by)
    _tell(launch, as_json)


@click.command()
@two_admins
@guarded
def retire(code: str, by: str, second: str | None, reason: str, as_json: bool) -> None:
    """End CODE for good. Two admins: without --second it waits for one."""
    _change(code, LaunchOrder(LaunchState.RETIRED, reason), by, second, as_json)


@click.command()
@CODE
@JSON
@guarded
def status(code: str, as_json: bool) -> None:
    """Say how far CODE is launched, what is to come and what waits for a second admin."""
    with _wallet() as wallet, _mended(code), wallet.read() as work:
        launch = work.rollout.launch(code)
        waiting = next((each for each in work.launching.pending() if each.code == code), None)
    _tell(launch, as_json, waiting)


COMMANDS = (enable, pilot, pause, retire, status)


def states() -> dict[str, str]:
    """Return the state of every utility that was ever touched; nothing where no database can be read."""
    url = settings().database_url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        return {}  # to look must not make one
    database = Database(url)
    try:
        if schema_problem(database) is not None:
            return {}
        now = datetime.now(UTC)
        with database.read() as session:
            rows = LaunchingRepository(session)
            found = rows.states()
            return {
                code: str(as_of(stored_launch(code, row, rows.testers(code)), now).state) for code, row in found.items()
            }
    except WalletError:
        return {}
    finally:
        database.close()


def _change(code: str, order: LaunchOrder, by: str, second: str | None, as_json: bool) -> None:
    verb = {LaunchState.OPEN: "enable", LaunchState.PILOT: "pilot"}.get(order.state, "retire")
    _check_reason(order.reason, verb, code)
    if second == by:
        fail("--second phải là người khác / has to be somebody else", "wallet staff list")
    with _work(code) as work:
        first = _admin(work, by)
        other = None if second is None else _admin(work, second)
        outcome = work.launching.change(code, order, work.rollout.launch(code).version, first)
        if isinstance(outcome, PendingChange) and other is not None:
            outcome = work.launching.decide(outcome.id, agree=True, actor=other)
        _by_command(work, code, verb, by, second)
    if isinstance(outcome, PendingChange):
        _tell_waiting(outcome, as_json)
        return
    _tell(outcome, as_json)


def _tell(launch: Launch, as_json: bool, waiting: PendingChange | None = None) -> None:
    if as_json:
        click.echo(json.dumps(_body(launch) | ({"awaiting": _pending(waiting)} if waiting else {}), ensure_ascii=False))
        return
    words = " / ".join(lookup("states", str(launch.state), language) for language in ("vi", "en"))
    click.echo(f"{launch.code}: {words}, v{launch.version}")
    for name, value in launch.plan.audience.to_json().items():
        click.echo(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")
    for entry in launch.schedule:
        click.echo(f"  {entry.at.astimezone(ZONE):%d/%m/%Y %H:%M} → {entry.plan.state}  ({entry.id})")
    if waiting is not None:
        _tell_waiting(waiting, as_json=False)


def _tell_waiting(pending: PendingChange, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_pending(pending), ensure_ascii=False))
        return
    until = f"{pending.expires_at.astimezone(ZONE):%H:%M %d/%m/%Y}"
    step(f"{pending.code} → {pending.target}: chờ người thứ hai đến {until} / waits for a second admin: {pending.id}")
    say(f"  → POST /v1/admin/approvals/{pending.id}/decision (docs/operating.md, section 10)")


def _body(launch: Launch) -> dict[str, Any]:
    return {
        "code": launch.code,
        **launch.plan.to_json(),
        "version": launch.version,
        "reason": launch.reason,
        "changed_by": launch.changed_by,
        "pause_text": dict(launch.pause_text),
        "schedule": [entry.to_json() for entry in launch.schedule],
    }


def _pending(pending: PendingChange) -> dict[str, Any]:
    return {
        "id": pending.id,
        "status": "awaiting_approval",
        "code": pending.code,
        "before": pending.before.to_json(),
        "after": pending.after.to_json(),
        "requested_by": pending.requested_by,
        "expires_at": pending.expires_at.isoformat(),
    }


def _admin(work: Work, account_id: str) -> Actor:
    if account_id not in work.staffing.accounts_with(StaffRole.ADMIN):
        fail(f"{account_id}: không phải quản trị viên / is no admin", "wallet staff list")
    roles = frozenset({StaffRole.ADMIN})
    return Actor(account_id, roles=roles, request_id=new_id(SystemEntropy(), "cli"))


def _by_command(work: Work, code: str, command: str, by: str, second: str | None = None) -> None:
    system = Actor("system", request_id=new_id(SystemEntropy(), "cli"))
    work.audit.record("utility.by_command", system, code, command=command, by=by, second=second)


def _permille(percent: float | None, code: str) -> int | None:
    if percent is None:
        return None
    if not 0 <= percent <= 100 or round(percent * 10) != round(percent * 10, 6):
        fail(f"--percent {percent}: 0-100, bước 0,1 / 0 to 100 in steps of 0.1", _again("pilot", code))
    return None if round(percent * 10) == WHOLE else round(percent * 10)


def _moment(text: str | None, option: str, code: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: cần thời điểm RFC 3339 / an RFC 3339 moment is needed", _again("pilot", code))
    if moment.tzinfo is None:
        fail(f"{option} {text}: thiếu múi giờ / its offset is missing, such as +07:00", _again("pilot", code))
    return moment.astimezone(UTC)


def _check_reason(reason: str, verb: str, code: str) -> None:
    if not 3 <= len(reason) <= 500:
        fail("--reason: 3-500 ký tự / 3 to 500 characters", _again(verb, code))


def _again(verb: str, code: str) -> str:
    return f'wallet utilities {verb} {code} --by acc_... --reason "..."'


@contextmanager
def _work(code: str) -> Iterator[Work]:
    with _wallet() as wallet, _mended(code), wallet.work() as work:
        yield work


@contextmanager
def _wallet() -> Iterator[Wallet]:
    wallet = Wallet.build(settings())
    try:
        if schema_problem(wallet.db) is not None:
            fail("Cơ sở dữ liệu chưa có bảng / the database lacks its tables", "wallet db upgrade")
        yield wallet
    finally:
        wallet.close()


@contextmanager
def _mended(code: str) -> Iterator[None]:
    """End with the command that fits the refusal."""
    try:
        yield
    except WalletError as error:
        _refuse(error, code)


def _refuse(error: WalletError, code: str) -> NoReturn:
    if isinstance(error, InvalidInput):
        command_error(error, "wallet utilities pilot --help")
    command_error(error, MENDS.get(error.code, STATUS.format(code=code)))
