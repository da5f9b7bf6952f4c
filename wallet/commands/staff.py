"""`wallet staff`: who has which role; the way in for the first of them.

It acts on the server's own database, so it is as powerful as the shell it runs in. What it does is recorded with the
actor `system`.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from wallet.commands.console import command_error, fail, guarded, say, step
from wallet.commands.opening import opened
from wallet.entropy import SystemEntropy, new_id
from wallet.errors import InvalidInput, WalletError
from wallet.identity.accounts import Grant
from wallet.sources.base import Ground, RegisterCode
from wallet.terms import Actor, StaffRole
from wallet.working_days import ZONE

MAX_AGENCY = 80
EXAMPLE = 'wallet staff add --role admin --number 0990... --agency "Công an ..." --province 01'
MENDS = {
    "person_unknown": EXAMPLE,
    "person_deceased": "wallet staff list",
    "account_locked": "wallet staff list",
    "account_closed": "wallet staff list",
    "staff_level_too_low": "wallet staff list",
    "staff_unknown": "wallet staff list",
    "source_unavailable": "wallet doctor",
}
NUMBER = click.option("--number", required=True, help="Personal number, 12 digits / Số định danh cá nhân.")
ROLE = click.option("--role", required=True, type=click.Choice([str(role) for role in StaffRole]))


@click.group()
def staff() -> None:
    """Who has which role."""


@staff.command()
@ROLE
@NUMBER
@click.option("--agency", required=True, help="Where they work / Cơ quan công tác.")
@click.option(
    "--province",
    required=True,
    help="Two-digit code of its province, or * for the whole country / Mã tỉnh, 2 chữ số; * là cả nước.",
)
@click.option("--phone", help="Own-name phone, for text messages / Số điện thoại chính chủ.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def add(role: str, number: str, agency: str, province: str, phone: str | None, as_json: bool) -> None:
    """Give a role; for an account that is not active yet, print a one-time device enrolment."""
    _check(number, agency, province)
    grant = Grant(StaffRole(role), agency.strip(), province)
    with opened() as wallet, _mended():
        actor = _system()
        for trying in wallet.tries():
            with trying as work:
                ground = Ground("appoint_staff", "staff", actor)
                facts = work.sources.read(RegisterCode.POPULATION, number, ground, subject="staff")
                appointed = work.staffing.appoint(facts.values, grant, phone, actor)
    issuer = wallet.settings.issuer_url
    enrolment = appointed.enrolment
    if as_json:
        body: dict[str, Any] = {
            "account_id": appointed.account_id,
            "role": role,
            "agency": grant.agency,
            "province": province,
        }
        if enrolment is not None:
            at = enrolment.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            body["enrolment"] = {"token": enrolment.token, "expires_at": at, "url": f"{issuer}/v1/staff-enrolments"}
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    step(f"{role}: {appointed.account_id} ({'mới / new' if appointed.new else 'đã có / held before'})")
    if enrolment is None:
        say("  Tài khoản đã kích hoạt: đăng nhập như thường / the account is active: sign in as usual")
        return
    until = enrolment.expires_at.astimezone(ZONE).strftime("%H:%M:%S")
    say(f"  Mã gắn thiết bị, dùng một lần, đến {until} / one-time device enrolment, until {until}:")
    click.echo(enrolment.token)
    say(f"  → POST {issuer}/v1/staff-enrolments (docs/operating.md, section 4)")


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def list_staff(as_json: bool) -> None:
    """List who has which role."""
    with opened() as wallet, wallet.read() as work:
        members = work.staffing.members()
    rows = [
        {
            "account_id": member.account_id,
            "name": member.profile.full_name,
            "number_masked": member.profile.number_masked,
            "role": str(member.grant.role),
            "agency": member.grant.agency,
            "province": member.grant.province,
            "state": str(member.state),
            "in_force": member.in_force,
        }
        for member in members
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        waiting = "" if row["in_force"] else "  (chờ gắn thiết bị / waits for its device)"
        click.echo(
            f"{row['role']:9} {row['province']}  {row['name']} ({row['number_masked']})  {row['state']}{waiting}"
        )
        click.echo(f"             {row['agency']}  {row['account_id']}")
    if not rows:
        say(f"  Chưa có ai / nobody yet\n  → {EXAMPLE}")


@staff.command()
@ROLE
@NUMBER
@click.option("--agency", help="Of several desks, the one of this agency / Chỉ thu hồi ở cơ quan này.")
@click.option("--province", help="And of this province, or * / Và ở tỉnh này, hoặc *.")
@guarded
def remove(role: str, number: str, agency: str | None, province: str | None) -> None:
    """Take a role away, everywhere or at one desk: it ends with the next request of any session."""
    if (agency is None) != (province is None):
        fail("--agency và --province đi cùng nhau / go together", "wallet staff list")
    desk = None if agency is None or province is None else (agency.strip(), province)
    _check(number, *(desk or ()))
    with opened() as wallet, _mended(), wallet.work() as work:
        holder_id = work.holders.find(number)
        account = None if holder_id is None else work.accounts.of_holder(holder_id)
        if account is None:
            fail(f"Không có tài khoản của số {number} / no account has this number", "wallet staff list")
        work.staffing.dismiss(account.id, StaffRole(role), _system(), desk=desk)
    step(f"{role}: {account.id} (đã thu hồi / taken away)")


def _system() -> Actor:
    return Actor("system", request_id=new_id(SystemEntropy(), "cli"))


def _check(number: str, agency: str = "-", province: str = "01") -> None:
    if not re.fullmatch(r"[0-9]{12}", number):
        fail(f"--number {number}: cần 12 chữ số / 12 digits are needed", EXAMPLE)
    if not 0 < len(agency.strip()) <= MAX_AGENCY:
        fail(f"--agency: cần 1 đến {MAX_AGENCY} ký tự / 1 to {MAX_AGENCY} characters are needed", EXAMPLE)
    if not re.fullmatch(r"[0-9]{2}|\*", province):
        fail(f"--province {province}: cần mã tỉnh 2 chữ số / a two-digit province code is needed", EXAMPLE)


@contextmanager
def _mended() -> Iterator[None]:
    """End with the command that fits the refusal."""
    try:
        yield
    except InvalidInput as error:
        command_error(error, EXAMPLE)
    except WalletError as error:
        command_error(error, MENDS.get(error.code, ""))
