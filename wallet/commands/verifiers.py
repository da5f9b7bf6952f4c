"""`wallet verifiers`: organisations that check, and the keys of their desks.

It acts on the server's own database, and what it does is recorded with the actor `system`. It lets nobody in alone:
what it registers waits for an admin or an approver, as everywhere (docs/security.md, S-64).
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from wallet.checks.desks import DeskOrder
from wallet.checks.registering import StopReason, VerifierOrder
from wallet.checks.templates import TEMPLATES
from wallet.commands.console import command_error, fail, guarded, say, step
from wallet.commands.opening import opened
from wallet.entropy import SystemEntropy, new_id
from wallet.errors import InvalidInput, WalletError
from wallet.terms import Actor, StaffRole

EXAMPLE = (
    'wallet verifiers add --template airline --name-vi "Hãng ..." --name-en "... Airline" --ground "Nghị định ..."'
)
DESK_EXAMPLE = 'wallet verifiers desk vrf_... --name "Cửa 12" --gate HAN-T1-12 --purpose boarding'
LIST = "wallet verifiers list"
PAGE = 100


@click.group()
def verifiers() -> None:
    """Who checks, and the desks at which they do."""


@verifiers.command()
@click.option("--name-vi", required=True, help="Its name in Vietnamese / Tên tiếng Việt.")
@click.option("--name-en", required=True, help="Its name in English / Tên tiếng Anh.")
@click.option("--ground", required=True, help="The law that lets it check / Căn cứ pháp lý.")
@click.option("--template", type=click.Choice(sorted(TEMPLATES)), help="Whose purposes it has / Mẫu mục đích.")
@click.option("--enterprise-code", help="Of the business register / Mã số doanh nghiệp.")
@click.option(
    "--purposes",
    "purposes_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON list of purposes instead of the template's / Tệp JSON các mục đích.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def add(
    name_vi: str,
    name_en: str,
    ground: str,
    template: str | None,
    enterprise_code: str | None,
    purposes_file: Path | None,
    as_json: bool,
) -> None:
    """Ask for an organisation to be let in; an admin or an approver has to agree before anything is in force."""
    body: dict[str, Any] = {"name": {"vi": name_vi, "en": name_en}, "legal_ground": ground}
    body |= {"template": template} if template else {}
    body |= {"enterprise_code": enterprise_code} if enterprise_code else {}
    if purposes_file is not None:
        body["purposes"] = _read(purposes_file)
    with opened() as wallet, _mended(EXAMPLE), wallet.work() as work:
        made = work.verifiers.register(_order(body), "", _system())
    approval = made.awaiting.approval if made.awaiting is not None else ""
    if as_json:
        row = {"id": made.id, "state": str(made.state), "approval": approval}
        click.echo(json.dumps(row, ensure_ascii=False, indent=1))
        return
    step(f"{name_vi}: {made.id} (chờ người thứ hai duyệt / waits for a second person)")
    say(f"  → POST {wallet.settings.issuer_url}/v1/admin/verifiers/{made.id}/decision")
    say(f'    {{"approval": "{approval}", "decision": "approve"}}')


@verifiers.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def list_verifiers(as_json: bool) -> None:
    """List who checks, what they may, and their desks."""
    rows: list[dict[str, Any]] = []
    with opened() as wallet, wallet.read() as work:
        actor, place = _system(), None
        while True:
            found, place = work.verifiers.page(PAGE, place, actor)
            for each in found:
                desks, more = work.verifier_desks.page(each.id, PAGE, None, actor)
                while more is not None:
                    further, more = work.verifier_desks.page(each.id, PAGE, more, actor)
                    desks = [*desks, *further]
                rows.append(
                    {
                        "id": each.id,
                        "name": dict(each.name),
                        "state": str(each.state),
                        "purposes": [purpose.code for purpose in each.purposes],
                        "awaiting": each.awaiting.approval if each.awaiting is not None else None,
                        "desks": [
                            {"id": desk.id, "name": desk.name, "gate_id": desk.gate_id, "state": desk.state}
                            for desk in desks
                        ],
                    }
                )
            if place is None:
                break
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['id']}  {row['state']}  {row['name']['vi']} / {row['name']['en']}")
        click.echo(f"    {', '.join(row['purposes']) or 'chưa có mục đích nào / no purpose in force'}")
        if row["awaiting"]:
            click.echo(f"    chờ duyệt / awaiting approval: {row['awaiting']}")
        for desk in row["desks"]:
            click.echo(f"    {desk['id']}  {desk['gate_id']:16}  {desk['state']}  {desk['name']}")
    if not rows:
        say(f"  Chưa có đơn vị nào / nobody yet\n  → {EXAMPLE}")


@verifiers.command()
@click.argument("verifier_id")
@click.option("--name", required=True, help="What people call it / Tên bàn.")
@click.option("--gate", required=True, help="1 to 16 of A-Z, 0-9 and - / Mã cửa.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="May be repeated / Có thể lặp lại.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def desk(verifier_id: str, name: str, gate: str, purposes: tuple[str, ...], as_json: bool) -> None:
    """Give an organisation a desk, and print its key: this once."""
    if not re.fullmatch(r"[A-Z0-9-]{1,16}", gate):
        fail(f"--gate {gate}: cần 1 đến 16 ký tự A-Z, 0-9, - / 1 to 16 of A-Z, 0-9 and -", DESK_EXAMPLE)
    if not 0 < len(name.strip()) <= 80:
        fail("--name: cần 1 đến 80 ký tự / 1 to 80 characters are needed", DESK_EXAMPLE)
    with opened() as wallet, _mended(LIST), wallet.work() as work:
        made, key = work.verifier_desks.create(verifier_id, DeskOrder(name.strip(), gate, purposes), _system())
    if as_json:
        click.echo(json.dumps({"id": made.id, "gate_id": gate, "key": key.shown}, ensure_ascii=False, indent=1))
        return
    step(f"{made.name} ({gate}): {made.id}")
    say("  Khóa của bàn, chỉ hiện một lần / the desk's key, shown this once:")
    click.echo(key.shown)
    say(f'  → curl -H "X-Desk-Key: ..." {wallet.settings.issuer_url}/v1/verifier/desk')


@verifiers.command()
@click.argument("what")
@click.option("--reason", type=click.Choice([str(reason) for reason in StopReason]), default="security")
@guarded
def revoke(what: str, reason: str) -> None:
    """End a desk (vsd_...), or an organisation with all its desks (vrf_...), for good and at once."""
    if what.startswith("vsd_") and what.count("_") > 1:
        fail("Đây là khóa, không phải mã của bàn / this is a key, not the id of a desk", LIST)
    with opened() as wallet, _mended(LIST), wallet.work() as work:
        row = work.checks.rows.desk(what)
        if row is not None:
            work.verifier_desks.revoke(row.verifier_id, what, _system())
        else:
            work.verifiers.end(what, StopReason(reason), _system())
    step(f"{what} (đã thu hồi / revoked)")


def _order(body: dict[str, Any]) -> VerifierOrder:
    """Return the order, by the rules of the API. Raises InvalidInput."""
    from marshmallow import ValidationError

    from wallet.strict import pointers
    from wallet.web.verifiers import VerifierOrderSchema

    try:
        order: dict[str, Any] = VerifierOrderSchema().load(body)
    except ValidationError as error:
        raise InvalidInput(dict(pointers(error.normalized_messages()))) from error
    order.pop("comment")
    return VerifierOrder(**order)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        fail(f"{path}: không phải JSON / is no JSON ({error})", EXAMPLE)


def _system() -> Actor:
    return Actor("system", roles=frozenset({StaffRole.OPERATOR}), request_id=new_id(SystemEntropy(), "cli"))


@contextmanager
def _mended(mend: str) -> Iterator[None]:
    """End with a command that fits the refusal."""
    try:
        yield
    except WalletError as error:
        command_error(error, mend)
