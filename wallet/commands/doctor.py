"""`wallet doctor`: what is wrong, and the command that mends it."""

import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import click

from wallet.commands.console import CLOCK
from wallet.crypto.keyring import State, read_keyring, states_at
from wallet.crypto.keystore import Role
from wallet.db import Database
from wallet.documents.capacity import CapacityWarning, capacity_of
from wallet.documents.repository import DocumentRepository, StatusRepository
from wallet.documents.signing import OVERDUE
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, WalletError
from wallet.identity.desks import EVERYWHERE
from wallet.identity.repository import DatabaseSession, IdentityRepository
from wallet.keys.opening import open_keystore
from wallet.keys.rotating import lasting
from wallet.messages.sending import open_messages
from wallet.profile.corrections import OPEN
from wallet.profile.repository import CorrectionRepository
from wallet.requests.cases import OWN_REQUESTS
from wallet.requests.repository import RequestRepository
from wallet.schema import HEAD, current_version
from wallet.settings import Settings, comma_list
from wallet.sources.base import RegisterCode
from wallet.sources.partners import SETTING, read_partners
from wallet.sources.wire import REACHED, reach
from wallet.terms import StaffRole
from wallet.utilities.base import By
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.lifecycles import PROPOSED
from wallet.wiring.process import utilities_of

OK, WARNING, WRONG = "ok", "warning", "wrong"
SIGNS = {OK: "✓", WARNING: "!", WRONG: "✗"}
LEAST_FREE_BYTES = 200 * 1024 * 1024
SOON = timedelta(days=30)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. state: ok, warning or wrong. mend: the next command to try."""

    what: str
    state: str
    detail: str
    mend: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Look at everything, say what is wrong and what mends it. Exit 1 when something is wrong."""
    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            click.echo(f"  {SIGNS[finding.state]} {finding.what}: {finding.detail}")
            if finding.mend:
                click.echo(f"      → {finding.mend}")
    sys.exit(any(finding.state == WRONG for finding in findings))


def examine() -> list[Finding]:
    """Return every finding; one look that fails does not keep the others from looking."""
    try:
        chosen = Settings.from_environ(os.environ)
    except ConfigurationError as error:
        return [_python(), Finding("thiết lập / settings", WRONG, "; ".join(error.problems), "wallet config show")]
    looks: tuple[Callable[[Settings], Finding], ...] = (
        _keys,
        _key_life,
        _database,
        _status_lists,
        _unsigned,
        _registers,
        _partners,
        _utilities,
        _desks,
        _second_officers,
        _messages,
        _disk,
        _server,
    )
    return [_python(), *(look(chosen) for look in looks)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", OK if sys.version_info >= (3, 11) else WRONG, version, "")


def _keys(chosen: Settings) -> Finding:
    try:
        open_keystore(chosen, CLOCK)
    except ConfigurationError as error:
        return Finding("khóa / keys", WRONG, "; ".join(error.problems), error.mend)
    return Finding("khóa / keys", OK, f"{len(Role)} vai trò / roles → {chosen.keys_dir}/")


def _key_life(chosen: Settings) -> Finding:
    what = "hạn của khóa / key life"
    try:
        records = read_keyring(chosen.keys_dir)
    except ConfigurationError as error:
        return Finding(what, WRONG, str(error), error.mend)
    ends = lasting(records, CLOCK.now())
    lacking = [role for role, end in ends.items() if end is None]
    if lacking:
        return Finding(what, WRONG, f"không còn khóa ký / no key signs: {', '.join(lacking)}", "wallet keys new")
    known = {role: end for role, end in ends.items() if end is not None}
    states = states_at(records, int(CLOCK.now().timestamp()))
    coming = [r for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED)]
    late = [Role(r.role) for r in coming if r.active_from > known[Role(r.role)].timestamp()]
    if late:
        told = ", ".join(f"{role} → {known[role].date().isoformat()}" for role in late)
        detail = f"khóa kế tiếp bắt đầu sau khi khóa này hết hạn / the next key begins after this one has ended: {told}"
        return Finding(what, WRONG, detail, "wallet keys list")
    until, role = min((end, role) for role, end in known.items())
    state = WARNING if until - CLOCK.now() < SOON else OK
    return Finding(
        what, state, f"{role} → {until.date().isoformat()}", "" if state == OK else f"wallet keys rotate {role}"
    )


def _database(chosen: Settings) -> Finding:
    what = "cơ sở dữ liệu / database"
    database = Database(chosen.database_url)
    try:
        if database.is_sqlite and not Path(database.url.database or "").exists():
            return Finding(what, WRONG, "chưa có tệp / the file does not exist", "wallet db upgrade")
        version = current_version(database)
        if version != HEAD:
            detail = f"bảng ở {version or 'không có'}, cần {HEAD} / tables at {version}, {HEAD} is needed"
            return Finding(what, WRONG, detail, "wallet db upgrade")
        database.assert_durable()
    except ConfigurationError as error:
        return Finding(what, WRONG, str(error), "wallet config show")
    except WalletError as error:
        return Finding(what, WRONG, f"không trả lời / does not answer ({error.code})", "wallet config show")
    finally:
        database.close()
    return Finding(what, OK, f"{database.url.get_backend_name()}, bảng / tables {HEAD}, bền / durable")


def _read(chosen: Settings, what: str, look: Callable[[DatabaseSession], Found]) -> Found | Finding:
    """Return what is stored, or the finding that it cannot be looked at."""
    database = Database(chosen.database_url)
    try:
        if database.is_absent or current_version(database) != HEAD:
            return Finding(what, WARNING, "chưa xem được / cannot be looked at", "wallet db upgrade")
        with database.read() as session:
            return look(session)
    except WalletError as error:
        return Finding(what, WRONG, f"không trả lời / does not answer ({error.code})", "wallet config show")
    finally:
        database.close()


def _status_lists(chosen: Settings) -> Finding:
    """Look at how much room the status lists have, and how long that lasts at the present rate."""
    what = "danh sách trạng thái / status lists"
    found = _read(chosen, what, lambda session: capacity_of(StatusRepository(session).uses(), CLOCK.now()))
    if isinstance(found, Finding):
        return found
    detail = f"còn / free {found.free:,} / {found.size:,}, {len(found.lists)} danh sách / lists"
    if found.per_day:
        until = "> 100 năm / years" if found.lasts_until is None else found.lasts_until.isoformat()
        detail += f", {found.per_day:,.0f} mỗi ngày / a day → {until}"
    if not found.lists:
        return Finding(what, WARNING, "chưa có / none yet", "wallet run --prepare-only")
    if not found.warnings:
        return Finding(what, OK, detail)
    state = WRONG if CapacityWarning.FULL in found.warnings else WARNING
    mend = "wallet run --prepare-only"
    if CapacityWarning.NEXT_LIST_TOO_YOUNG in found.warnings:
        mend = f"export WALLET_STATUS_LIST_BITS_LOG2_SIZE={min(23, chosen.status_list_bits_log2_size + 2)}"
    return Finding(what, state, f"{detail}: {', '.join(found.warnings)}", mend)


def _unsigned(chosen: Settings) -> Finding:
    """Look for documents that were decided on and wait for their signature: a signer is away, or refuses them."""
    what = "tài liệu chờ ký / documents that wait for their signature"
    before = CLOCK.now() - OVERDUE
    found = _read(chosen, what, lambda session: DocumentRepository(session).count_unsigned(before))
    if isinstance(found, Finding):
        return found
    return Finding(what, WARNING if found else OK, f"{found:,}", "wallet jobs run --once" if found else "")


def _registers(chosen: Settings) -> Finding:
    from wallet.demo.nation import seeded

    what = "quốc gia mẫu / demo nation"
    if chosen.production:
        return Finding(what, OK, "không dùng / not used")
    database = Database(chosen.sources_url)
    try:
        done = seeded(database)
    except WalletError as error:
        return Finding(what, WRONG, f"không trả lời / does not answer ({error.code})", "wallet config show")
    finally:
        database.close()
    if done is None:
        return Finding(what, WRONG, "chưa có / not there", "wallet demo seed")
    return Finding(what, OK, f"{done} công dân / citizens")


def _partners(chosen: Settings) -> Finding:
    """Look at the registers that are a partner's API: whether each can be reached, without asking about anybody."""
    what, mend = "nguồn dữ liệu của đối tác / partners' registers", "wallet config show"
    try:
        partners = read_partners(chosen.sources_http_file)
    except ConfigurationError as error:
        return Finding(what, WRONG, "; ".join(error.problems), mend)
    missing = sorted(_needed() - {*RegisterCode, *(partner.code for partner in partners)})
    if missing:
        detail = f"tiện ích cần mà chưa nối / utilities need what is not connected: {', '.join(missing)}"
        return Finding(what, WARNING, detail, f"export {SETTING}=...")
    if not partners:
        return Finding(what, OK, "không có, dùng bảng nhúng / none: the embedded tables answer")
    states = {partner.code: reach(partner) for partner in partners}
    told = "; ".join(f"{partner.code} {partner.place}: {states[partner.code]}" for partner in partners)
    # A partner that is down is no fault of this deployment: everything else works.
    return Finding(what, OK if set(states.values()) == {REACHED} else WARNING, told)


def _needed() -> set[str]:
    """Return the registers that the installed utilities need; none where the catalogue is a finding of its own.

    That of residence says whose desk a request lies on.
    """
    try:
        found = Catalogue.discover()
    except ConfigurationError:
        return set()
    desks = {RegisterCode.RESIDENCE for plugin in found if plugin.utility.lifecycle.reviewed}
    return ({register for plugin in found for register in plugin.utility.registers} | desks) - {OWN_REQUESTS}


def _utilities(chosen: Settings) -> Finding:
    """Look at the catalogue: one of ours that breaks the contract stops the start, one of others is left out."""
    what, mend = "tiện ích / utilities", "wallet utilities check"
    try:
        found = utilities_of(chosen)
    except ConfigurationError as error:
        return Finding(what, WRONG, "; ".join(error.problems), error.mend)
    if found.left_out:
        told = "; ".join(f"{each.module}: {', '.join(each.faults)}" for each in found.left_out)
        return Finding(what, WARNING, f"bị bỏ qua / left out: {told}", mend)
    return Finding(what, OK, ", ".join(plugin.utility.code for plugin in found))


def _desks(chosen: Settings) -> Finding:
    """Look for what lies in no province at agencies where nobody reviews for the whole country: nobody sees it."""
    what = "bàn xét duyệt / desks"
    try:
        moves = [move for plugin in Catalogue.discover() for move in plugin.utility.lifecycle.moves]
    except ConfigurationError as error:
        return Finding(what, WARNING, "; ".join(error.problems), "wallet utilities check")
    states = {move.source for move in moves if move.by in (By.OFFICER, By.STEPS)}

    def look(session: DatabaseSession) -> tuple[Counter[str], dict[str, list[str]]]:
        waiting = Counter(CorrectionRepository(session).in_no_province(OPEN))
        waiting.update(RequestRepository(session).in_no_province(states))
        rows = IdentityRepository(session)
        return waiting, {
            agency: [each for _, each in rows.members_of(StaffRole.REVIEWER, agency)] for agency in waiting
        }

    found = _read(chosen, what, look)
    if isinstance(found, Finding):
        return found
    waiting, provinces = found
    unseen = {agency: waiting[agency] for agency in sorted(waiting) if EVERYWHERE not in provinces[agency]}
    if not unseen:
        return Finding(what, OK, "không hồ sơ nào bị bỏ sót / nothing lies where nobody sees it")
    counts = ", ".join(f"{agency} {count}" for agency, count in unseen.items())
    detail = f"không rõ tỉnh, chưa ai thấy / of no province, seen by nobody: {counts}"
    mend = f"wallet staff add --role reviewer --agency {next(iter(unseen))} --province '*' --number ..."
    return Finding(what, WARNING, detail, mend)


def _second_officers(chosen: Settings) -> Finding:
    """Look for requests that wait for a second officer of a utility that does not ask for one any more."""
    what = "cán bộ thứ hai / second officers"
    waiting = _read(chosen, what, lambda session: RequestRepository(session).count_in(PROPOSED))
    if isinstance(waiting, Finding):
        return waiting
    try:
        asking = {each.utility.code for each in utilities_of(chosen) if PROPOSED in each.utility.lifecycle.states}
    except ConfigurationError as error:
        return Finding(what, WRONG, "; ".join(error.problems), error.mend)
    stuck = {code: count for code, count in sorted(waiting.items()) if code not in asking}
    if stuck:
        told = ", ".join(f"{code}: {count}" for code, count in stuck.items())
        mend = f"export WALLET_FOUR_EYES={','.join(sorted({*comma_list(chosen.four_eyes), *stuck}))}"
        return Finding(what, WRONG, f"hồ sơ chờ người thứ hai, không ai ký được / nobody can sign: {told}", mend)
    return Finding(what, OK, f"{sum(waiting.values())} hồ sơ chờ / requests wait")


def _messages(chosen: Settings) -> Finding:
    """Look at how text messages leave: codes in files are for a demo."""
    what = "tin nhắn / text messages"
    if chosen.sms_gateway_url:
        try:
            open_messages(
                gateway_url=chosen.sms_gateway_url,
                secret_file=chosen.sms_gateway_secret_file,
                outbox_dir=chosen.sms_outbox_dir,
                clock=CLOCK,
                entropy=SystemEntropy(),
            )
        except ConfigurationError as error:
            return Finding(what, WRONG, str(error), error.mend)
        return Finding(what, OK, chosen.sms_gateway_url)
    if chosen.production:
        detail = f"chưa có cổng SMS, mã được ghi vào tệp / no gateway: codes are written to {chosen.sms_outbox_dir}/"
        return Finding(
            what, WRONG, detail, "export WALLET_SMS_GATEWAY_URL=https://... WALLET_SMS_GATEWAY_SECRET_FILE=..."
        )
    return Finding(what, OK, f"ghi vào tệp / written to {chosen.sms_outbox_dir}/")


def _disk(chosen: Settings) -> Finding:
    free = shutil.disk_usage(chosen.keys_dir if chosen.keys_dir.exists() else Path()).free
    state = OK if free > LEAST_FREE_BYTES else WRONG
    return Finding("đĩa / disk", state, f"còn trống / free {free // 2**20} MiB", "" if state == OK else "df -h .")


def _server(chosen: Settings) -> Finding:
    """Look at the running server and at its clock against ours: a wrong clock makes every code look wrong."""
    what = "máy chủ / server"
    address = f"http://{chosen.host}:{chosen.port}"
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=3) as response:  # noqa: S310 - our own address
            said = response.headers.get("Date")
    except urllib.error.HTTPError as error:
        return Finding(what, WRONG, f"{address}: {error.code} {error.read(300).decode(errors='replace')}", "make run")
    except OSError:
        return Finding(what, WARNING, f"{address}: không chạy / not running", "make run")
    apart = abs((CLOCK.now() - parsedate_to_datetime(said)).total_seconds()) if said else 0.0
    if apart > 5:
        return Finding(what, WARNING, f"đồng hồ lệch / clocks differ by {apart:.0f} s", "date")
    return Finding(what, OK, f"{address}: sẵn sàng / ready")
