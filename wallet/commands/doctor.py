"""`wallet doctor`: what is wrong, and the command that mends it."""

import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from pathlib import Path

import click

from wallet.commands.console import CLOCK
from wallet.commands.findings import OK, WARNING, WRONG, Finding, read
from wallet.commands.key_findings import addresses, hardware, key_life, keys, longest_documents
from wallet.commands.published import publications, status_lists
from wallet.db import Database
from wallet.documents.kept_types import KeptTypes
from wallet.documents.repository import DocumentRepository, TypeRepository
from wallet.documents.signing import OVERDUE
from wallet.entropy import SystemEntropy
from wallet.errors import ConfigurationError, WalletError
from wallet.identity.desks import EVERYWHERE
from wallet.identity.repository import DatabaseSession, IdentityRepository
from wallet.messages.sending import open_messages
from wallet.profile.corrections import OPEN
from wallet.profile.repository import CorrectionRepository
from wallet.requests.cases import OWN_REQUESTS
from wallet.requests.repository import RequestRepository
from wallet.requests.watching import ROUND
from wallet.schema import HEAD, current_version
from wallet.settings import Settings, comma_list
from wallet.sources.base import RegisterCode
from wallet.sources.partners import SETTING, reach, read_partners
from wallet.terms import StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.lifecycles import PROPOSED
from wallet.wire import REACHED
from wallet.wiring.process import utilities_of

SIGNS = {OK: "✓", WARNING: "!", WRONG: "✗"}
LEAST_FREE_BYTES = 200 * 1024 * 1024


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
        keys,
        key_life,
        longest_documents,
        addresses,
        hardware,
        _database,
        status_lists,
        publications,
        _unsigned,
        _registers,
        _partners,
        _utilities,
        _words,
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


def _unsigned(chosen: Settings) -> Finding:
    """Look for documents that were decided on and wait for their signature: a signer is away, or refuses them."""
    what = "tài liệu chờ ký / documents that wait for their signature"
    before = CLOCK.now() - OVERDUE
    found = read(chosen, what, lambda session: DocumentRepository(session).count_unsigned(before))
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
    telling = {partner.code for partner in partners if partner.changes_url}
    if telling:
        told += f"; được hỏi mỗi {ROUND.seconds} giây về thay đổi / asked for changes every {ROUND.seconds} s: "
        told += ", ".join(sorted(telling))
    silent = sorted(_awaited() & states.keys() - telling)
    if silent:
        told += f"; thay đổi chỉ được biết mỗi ngày một lần / changes are learnt of once a day: {', '.join(silent)}"
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


def _awaited() -> set[str]:
    """Return the registers whose changes end documents; none where the catalogue is a finding of its own."""
    try:
        found = Catalogue.discover()
    except ConfigurationError:
        return set()
    return {str(register) for plugin in found for kind in plugin.utility.documents for register in kind.void_when}


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


def _words(chosen: Settings) -> Finding:
    """Look whether kinds of document say of themselves what documents already issued have the hash of."""
    what = "lời của các loại giấy tờ / words of the kinds of document"
    try:
        installed = list(utilities_of(chosen))
    except ConfigurationError as error:
        return Finding(what, WARNING, "; ".join(error.problems), "wallet utilities check")

    def look(session: DatabaseSession) -> list[str]:
        return KeptTypes(lambda: nullcontext(TypeRepository(session)), chosen.issuer_url, CLOCK).changed(installed)

    found = read(chosen, what, look)
    if isinstance(found, Finding):
        return found
    if found:
        told = "đổi lời mà không đổi phiên bản, bản đã lưu vẫn dùng / changed without the version, what was kept counts"
        return Finding(what, WARNING, f"{told}: {', '.join(found)}", "wallet utilities list")
    return Finding(what, OK, "đúng bản đã lưu / as they were kept")


def _desks(chosen: Settings) -> Finding:
    """Look for what lies in no province at agencies where nobody reviews for the whole country: nobody sees it."""
    what = "bàn xét duyệt / desks"
    try:
        turns = {plugin.utility.code: plugin.utility.lifecycle.on_desk for plugin in Catalogue.discover()}
    except ConfigurationError as error:
        return Finding(what, WARNING, "; ".join(error.problems), "wallet utilities check")

    def look(session: DatabaseSession) -> tuple[Counter[str], dict[str, list[str]]]:
        waiting = Counter(CorrectionRepository(session).in_no_province(OPEN))
        waiting.update(RequestRepository(session).in_no_province(turns))
        rows = IdentityRepository(session)
        return waiting, {
            agency: [each for _, each in rows.members_of(StaffRole.REVIEWER, agency)] for agency in waiting
        }

    found = read(chosen, what, look)
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
    waiting = read(chosen, what, lambda session: RequestRepository(session).count_in(PROPOSED))
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
