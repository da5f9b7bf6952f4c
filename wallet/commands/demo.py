"""`wallet demo`: the nation, the personas, the journey."""

import json
import re
from pathlib import Path
from typing import Any

import click

from wallet.commands.console import command_error, fail, guarded, progress, say, settings, step
from wallet.crypto.keystore import Keystore, Role, Secret
from wallet.errors import Conflict
from wallet.formats.trust_bundle import pin_of

DEFAULT_CITIZENS = 2000
DEFAULT_SEED = 1


@click.group()
def demo() -> None:
    """The demo nation and its people."""


@demo.command()
@click.option("--citizens", default=DEFAULT_CITIZENS, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--seed", default=DEFAULT_SEED, show_default=True, help="The same seed is the same nation.")
@click.option("--replace", is_flag=True, help="Drop another nation first.")
@guarded
def seed(citizens: int, seed: int, replace: bool) -> None:
    """Fill the registers with an invented nation."""
    from wallet.db import Database
    from wallet.demo.nation import grows, seed_nation

    chosen = settings()
    if chosen.production:
        fail(
            "Chế độ vận hành thật không có dữ liệu mẫu / production mode has no demo data",
            "WALLET_MODE=demo wallet demo seed",
        )
    database = Database(chosen.sources_url)
    try:
        with progress("Công dân / citizens") as on_progress:
            done = seed_nation(
                database,
                seed=seed,
                citizens=citizens,
                on_progress=on_progress,
                replace=replace or grows(database, seed, citizens),
            )
    except Conflict as error:
        command_error(error, mend=f"wallet demo seed --citizens {citizens} --seed {seed} --replace")
    finally:
        database.close()
    unchanged = "" if done.written else " (đã có sẵn / already there)"
    step(f"{done.citizens} công dân mẫu / sample citizens{unchanged}")


@demo.command()
@click.argument("key", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs: with passwords and device keys.")
@guarded
def personas(key: str | None, as_json: bool) -> None:
    """Show who you can be: number, password, passcode, device key and the fixed outcome."""
    from wallet.demo.personas import PERSONAS, credentials

    chosen = settings()
    if chosen.production:
        fail(
            "Chế độ vận hành thật không có nhân vật mẫu / production mode has no personas",
            "WALLET_MODE=demo wallet demo personas",
        )
    secret = Keystore.open(chosen.keys_dir).secret(Secret.DEMO)
    wanted = [persona for persona in PERSONAS if key is None or persona.key == key]
    if not wanted:
        fail(f"Không có nhân vật {key} / no such persona", "wallet demo personas")
    rows: list[dict[str, Any]] = []
    for persona in wanted:
        own = credentials(persona, secret)
        rows.append(
            {
                "key": persona.key,
                "name": persona.name,
                "number": persona.number,
                "password": own.password,
                "passcode": own.passcode,
                "device_id": own.device_id,
                "device_key": own.device_jwk,
                "account_level": int(persona.account_level),
                "account_state": persona.account_state,
                "has_device": persona.has_device,
                "roles": [str(persona.staff_role)] if persona.staff_role else [],
                "story": dict(persona.story),
                "outcome": {"code": persona.outcome.code, "text": dict(persona.outcome.text)},
            }
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['key']:8} {row['name']}  {row['number']}  {row['password']}  {row['passcode']}")
        click.echo(f"         {row['story']['vi']}\n         {row['story']['en']}")
        click.echo(f"         → {row['outcome']['code']}: {row['outcome']['text']['vi']}")


@demo.command()
@click.option("--url", help="The server; by default the one of these settings.")
@click.option("--persona", "key", default="an", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Leave there what a third party holds.")
@guarded
def journey(url: str | None, key: str, out: Path | None) -> None:
    """Go the whole way against the running server, and fail loudly at the first surprise."""
    from wallet.demo.journey import Journey, Surprise

    chosen = settings()
    address = (url or chosen.issuer_url).rstrip("/")
    if not re.match(r"^https?://", address):
        fail(f"{address} không phải địa chỉ web / is no web address", "wallet demo journey --url http://127.0.0.1:8000")
    keystore = Keystore.open(chosen.keys_dir)
    pin = pin_of(keystore.signer(Role.BUNDLE_ROOT).certificate_der)
    try:
        Journey(address, keystore.secret(Secret.DEMO), pin, out, on_step=_told).go(key)
    except Surprise as surprise:
        fail(str(surprise), surprise.mend)
    say("Xong: mọi bước đúng như mong đợi / done: every step as expected")
    if out is not None:
        say(f"  → .venv/bin/wallet check {out / 'code.png'} --bundle {out / 'bundle.jws'} --pin {pin}")


def _told(title: str, milliseconds: float) -> None:
    click.echo(f"  ✓ {title:<74} {milliseconds:7.1f} ms")
