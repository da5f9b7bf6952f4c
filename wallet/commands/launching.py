"""`wallet utilities enable`, `pilot`, `sandbox`, `pause`, `off`, `retire`, `schedule`, `unschedule`, `status`.

Launching from the shell of the server. It acts on the server's own database, under the admin who is named. Whoever has
this shell can name anybody, so what it does is also recorded with the actor `system`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from wallet.commands.console import CLOCK, command_error, fail, guarded, settings
from wallet.commands.launch_options import (
    BY,
    CODE,
    JSON,
    SECOND,
    again,
    audience_of,
    check_reason,
    limited,
    moment,
    one_admin,
    tested,
    two_admins,
)
from wallet.commands.launch_telling import tell, tell_waiting
from wallet.commands.opening import opened
from wallet.db import Database
from wallet.defining.board import take_in
from wallet.defining.repository import DefinitionRepository
from wallet.entropy import SystemEntropy, new_id
from wallet.errors import InvalidInput, WalletError
from wallet.launching.audience import Audience
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.repository import LaunchingRepository
from wallet.launching.schedule import Launch, as_of, stored_launch
from wallet.launching.states import LaunchState
from wallet.schema import schema_problem
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Work

SQLITE = "sqlite:///"
STATUS = "wallet utilities status {code}"
MENDS = {
    "unknown_utility": "wallet utilities list",
    "self_approval": "wallet staff list",
    "not_allowed": "wallet staff list",
    "dependency_unavailable": "wallet doctor",
    "storage_unavailable": "wallet doctor",
}


@click.command()
@two_admins
@guarded
def enable(code: str, by: str, second: str | None, reason: str, as_json: bool) -> None:
    """Open CODE for everyone. Two admins: without --second it waits for one."""
    _change("enable", code, LaunchOrder(LaunchState.OPEN, reason), by, second, as_json)


@click.command()
@two_admins
@limited
@guarded
def pilot(code: str, by: str, second: str | None, reason: str, as_json: bool, **audience: Any) -> None:
    """Pilot CODE: every part that is given has to hold, testers are in besides province and share."""
    chosen = audience_of("pilot", code, audience) or Audience()
    _change("pilot", code, LaunchOrder(LaunchState.PILOT, reason, chosen), by, second, as_json)


@click.command()
@two_admins
@tested
@guarded
def sandbox(code: str, by: str, second: str | None, reason: str, as_json: bool, **audience: Any) -> None:
    """Open CODE for the testers that are listed, and for nobody else."""
    chosen = audience_of("sandbox", code, audience) or Audience()
    _change("sandbox", code, LaunchOrder(LaunchState.SANDBOX, reason, chosen), by, second, as_json)


@click.command()
@one_admin
@click.option("--text-vi", help="What citizens read meanwhile / Lời nhắn cho người dân.")
@click.option("--text-en", help="The same in English.")
@guarded
def pause(code: str, by: str, reason: str, as_json: bool, text_vi: str | None, text_en: str | None) -> None:
    """Stop everything new of CODE at once. One admin is enough."""
    if (text_vi is None) != (text_en is None):
        fail("Cần cả --text-vi và --text-en / both languages are needed", again("pause", code))
    words = None if text_vi is None or text_en is None else {"vi": text_vi, "en": text_en}
    check_reason(reason, "pause", code)
    with _work("pause", code) as work:
        actor = _admin(work, by)
        launch = work.launching.pause(code, reason, words, actor)
        _by_command(work, code, "pause", by)
    tell(launch, as_json)


@click.command()
@one_admin
@guarded
def off(code: str, by: str, reason: str, as_json: bool) -> None:
    """Take CODE back, as if it had never been launched. One admin is enough."""
    _change("off", code, LaunchOrder(LaunchState.OFF, reason), by, None, as_json)


@click.command()
@two_admins
@guarded
def retire(code: str, by: str, second: str | None, reason: str, as_json: bool) -> None:
    """End CODE for good. Two admins: without --second it waits for one."""
    _change("retire", code, LaunchOrder(LaunchState.RETIRED, reason), by, second, as_json)


@click.command()
@two_admins
@click.option("--to", "state", type=click.Choice([str(state) for state in LaunchState]), required=True)
@click.option("--at", required=True, help="When: 2026-12-01T08:00:00+07:00 / Vào lúc nào.")
@limited
@guarded
def schedule(
    code: str, by: str, second: str | None, reason: str, as_json: bool, state: str, at: str, **audience: Any
) -> None:
    """Change CODE at a time; an audience that is not given is kept.

    What lets somebody in is agreed to beforehand: without --second it waits for one.
    """
    order = LaunchOrder(
        LaunchState(state),
        reason,
        audience_of("schedule", code, audience),
        effective_at=moment(at, "--at", "schedule", code),
    )
    _change("schedule", code, order, by, second, as_json)


@click.command()
@CODE
@BY
@SECOND
@JSON
@click.option("--change", required=True, help="Id of the change: wallet utilities status CODE / Mã của thay đổi.")
@guarded
def unschedule(code: str, by: str, second: str | None, as_json: bool, change: str) -> None:
    """Take back a change of CODE that is to come. Where that lets somebody in, without --second it waits for one."""

    def take_back(work: Work, actor: Actor) -> Launch | PendingChange:
        return work.launching.cancel(code, change, work.rollout.launch(code).version, actor)

    _as_two("unschedule", code, take_back, by, second, as_json)


@click.command()
@CODE
@JSON
@guarded
def status(code: str, as_json: bool) -> None:
    """Say how far CODE is launched, what is to come and what waits for a second admin."""
    with opened() as wallet, _mended("status", code), wallet.read() as work:
        launch = work.rollout.launch(code)
        waiting = next((each for each in work.launching.pending() if each.code == code), None)
    tell(launch, as_json, waiting)


COMMANDS = (enable, pilot, sandbox, pause, off, retire, schedule, unschedule, status)


def whole_catalogue() -> tuple[Catalogue, dict[str, str]]:
    """Return what is installed and what admins defined, and the state of every utility that was ever touched.

    Where no database can be read, what is installed alone.
    """
    catalogue = Catalogue.discover()
    url = settings().database_url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        return catalogue, {}  # to look must not make one
    database = Database(url)
    try:
        if schema_problem(database) is not None:
            return catalogue, {}
        now = CLOCK.now()
        with database.read() as session:
            take_in(catalogue, DefinitionRepository(session))
            rows = LaunchingRepository(session)
            found = rows.states()
            return catalogue, {
                code: str(as_of(stored_launch(code, row, rows.testers(code)), now).state) for code, row in found.items()
            }
    except WalletError:
        return catalogue, {}
    finally:
        database.close()


def _change(verb: str, code: str, order: LaunchOrder, by: str, second: str | None, as_json: bool) -> None:
    check_reason(order.reason, verb, code)

    def change(work: Work, actor: Actor) -> Launch | PendingChange:
        return work.launching.change(code, order, work.rollout.launch(code).version, actor)

    _as_two(verb, code, change, by, second, as_json)


def _as_two(
    verb: str,
    code: str,
    act: Callable[[Work, Actor], Launch | PendingChange],
    by: str,
    second: str | None,
    as_json: bool,
) -> None:
    """Do as one admin what may need two, and agree to it as the other where it does."""
    if second == by:
        fail("--second phải là người khác / has to be somebody else", "wallet staff list")
    with _work(verb, code) as work:
        first = _admin(work, by)
        other = None if second is None else _admin(work, second)
        outcome = act(work, first)
        if isinstance(outcome, PendingChange) and other is not None:
            outcome = work.launching.decide(outcome.id, agree=True, actor=other)
        _by_command(work, code, verb, by, second)
    if isinstance(outcome, PendingChange):
        tell_waiting(outcome, as_json)
        return
    tell(outcome, as_json)


def _admin(work: Work, account_id: str) -> Actor:
    if account_id not in work.staffing.accounts_with(StaffRole.ADMIN):
        fail(f"{account_id}: không phải quản trị viên / is no admin", "wallet staff list")
    roles = frozenset({StaffRole.ADMIN})
    return Actor(account_id, roles=roles, request_id=new_id(SystemEntropy(), "cli"))


def _by_command(work: Work, code: str, command: str, by: str, second: str | None = None) -> None:
    system = Actor("system", request_id=new_id(SystemEntropy(), "cli"))
    work.audit.record("utility.by_command", system, code, command=command, by=by, second=second)


@contextmanager
def _work(verb: str, code: str) -> Iterator[Work]:
    with opened() as wallet, _mended(verb, code), wallet.work() as work:
        yield work


@contextmanager
def _mended(verb: str, code: str) -> Iterator[None]:
    """End with the command that fits the refusal."""
    try:
        yield
    except WalletError as error:
        _refuse(error, verb, code)


def _refuse(error: WalletError, verb: str, code: str) -> NoReturn:
    if isinstance(error, InvalidInput):
        command_error(error, f"wallet utilities {verb} --help")
    command_error(error, MENDS.get(error.code, STATUS.format(code=code)))
