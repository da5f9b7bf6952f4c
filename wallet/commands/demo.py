"""`wallet demo`: the nation, the personas, the stories, the text messages."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from wallet.commands.console import CLOCK, command_error, fail, guarded, progress, say, settings, step
from wallet.crypto.keystore import Role, Secret
from wallet.entropy import SystemEntropy
from wallet.errors import Conflict, NotFound
from wallet.formats.trust_bundle import pin_of
from wallet.keys.opening import open_keystore
from wallet.settings import Settings

if TYPE_CHECKING:
    from wallet.demo.stories.citizens import FreeCitizen

DEFAULT_CITIZENS = 2000
DEFAULT_SEED = 1
STORIES = ("main", "new-citizen", "lost-phone", "judicial-record", "launch", "gate")


@click.group()
def demo() -> None:
    """The demo nation and its people."""


def _demo_settings(missing_vi: str, missing_en: str, mend: str) -> Settings:
    """Return the settings of a demo; end the command where this is none, saying what production does not have."""
    chosen = settings()
    if chosen.production:
        fail(f"Chế độ vận hành thật không có {missing_vi} / production mode has no {missing_en}", mend)
    return chosen


@demo.command()
@click.option("--citizens", default=DEFAULT_CITIZENS, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--seed", default=DEFAULT_SEED, show_default=True, help="The same seed is the same nation.")
@click.option("--replace", is_flag=True, help="Drop another nation first.")
@guarded
def seed(citizens: int, seed: int, replace: bool) -> None:
    """Fill the registers with an invented nation."""
    from wallet.db import Database
    from wallet.demo.nation import grows, seed_nation

    chosen = _demo_settings("dữ liệu mẫu", "demo data", "WALLET_MODE=demo wallet demo seed")
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
    """Show who you can be: number, phone, password, passcode, keys and the fixed outcome."""
    from wallet.demo.personas import PERSONAS, credentials
    from wallet.demo.phones import phone_of

    chosen = _demo_settings("nhân vật mẫu", "personas", "WALLET_MODE=demo wallet demo personas")
    secret = open_keystore(chosen, CLOCK).secret(Secret.DEMO)
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
                "phone": phone_of(persona.number),
                "password": own.password,
                "passcode": own.passcode,
                "device_id": own.device_id,
                "device_key": own.device_jwk,
                "biometric_key": own.biometric_jwk,
                "account_level": int(persona.account_level),
                "account_state": persona.account_state,
                "has_device": persona.has_device,
                "roles": [str(persona.staff_role)] if persona.staff_role else [],
                "agency": persona.agency,
                "province": persona.province,
                "story": dict(persona.story),
                "outcome": {"code": persona.outcome.code, "text": dict(persona.outcome.text)},
            }
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['key']:9} {row['name']}  số / number {row['number']}  điện thoại / phone {row['phone']}")
        click.echo(f"          mật khẩu / password {row['password']}   passcode {row['passcode']}")
        if row["roles"]:
            click.echo(f"          {row['roles'][0]}: {row['agency']} ({row['province']})")
        click.echo(f"          {row['story']['vi']}\n          {row['story']['en']}")
        click.echo(f"          → {row['outcome']['code']}: {row['outcome']['text']['vi']}")


@demo.command()
@click.argument("key", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def desks(key: str | None, as_json: bool) -> None:
    """Show the desks that may check here: an airline's, a hospital's, a hotel's and one to try things with."""
    from wallet.demo.gates import GATES, key_of

    chosen = _demo_settings("bàn kiểm tra mẫu", "sample desks", "wallet verifiers list")
    secret = open_keystore(chosen, CLOCK).secret(Secret.DEMO)
    wanted = [gate for gate in GATES if key is None or gate.key == key]
    if not wanted:
        fail(f"Không có bàn kiểm tra {key} / no such desk", "wallet demo desks")
    rows: list[dict[str, Any]] = []
    for gate in wanted:
        own = key_of(gate, secret)
        rows.append(
            {
                "key": gate.key,
                "organisation": dict(gate.organisation),
                "desk": gate.desk,
                "desk_id": own.desk_id,
                "gate_id": gate.gate_id,
                "purposes": list(gate.purposes),
                "desk_key": own.shown,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['key']:9} {row['organisation']['vi']} / {row['organisation']['en']}: {row['desk']}")
        click.echo(f"          cửa / gate {row['gate_id']}   mục đích / purposes {', '.join(row['purposes'])}")
        click.echo(f"          X-Desk-Key: {row['desk_key']}")


@demo.command()
@click.argument("key")
@click.option("--commune", help="Its code of five digits; by default one they do not live in.")
@click.option("--line", default="Số 1", show_default=True, help="The first part of the address there.")
@guarded
def move(key: str, commune: str | None, line: str) -> None:
    """Let a persona move: the residence register changes, and what was certified before is void."""
    from wallet.db import Database
    from wallet.demo.moving import move as move_to
    from wallet.demo.personas import PERSONAS

    chosen = _demo_settings("nhân vật mẫu", "personas", "WALLET_MODE=demo wallet demo personas")
    persona = next((persona for persona in PERSONAS if persona.key == key), None)
    if persona is None:
        fail(f"Không có nhân vật {key} / no such persona", "wallet demo personas")
    database = Database(chosen.sources_url)
    try:
        there = move_to(database, persona.number, CLOCK.now(), None if commune is None else (commune, line))
    except NotFound as error:
        if error.code == "commune_unknown":
            fail(f"Không có xã, phường mã {commune} / no commune with this code", f"wallet demo move {key}")
        fail(f"{persona.name} không đăng ký cư trú ở đâu / is registered nowhere", "wallet demo personas")
    finally:
        database.close()
    step(f"{persona.name} → {there.text}")


@demo.command()
@click.option("--story", type=click.Choice(STORIES), default=STORIES[0], show_default=True)
@click.option("--url", help="The server; by default the one of these settings.")
@click.option("--persona", "key", default="an", show_default=True, help="Whose story it is.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(1), help="Where to look for a new citizen.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Leave there what a third party holds.")
@guarded
def journey(story: str, url: str | None, key: str, seed: int, out: Path | None) -> None:
    """Go the whole way against the running server, and fail loudly at the first surprise."""
    import httpx

    from wallet.demo.stories.calling import Calling, Surprise, Watch
    from wallet.demo.stories.judicial_record import JudicialRecord
    from wallet.demo.stories.launch import LaunchStory
    from wallet.demo.stories.lost_phone import LostPhone
    from wallet.demo.stories.main_job import MainJob
    from wallet.demo.stories.new_citizen import NewCitizen

    chosen, address = _scene(url)
    if story == "gate":
        _play_gate(chosen, address, key, _told, None)
        return
    keystore = open_keystore(chosen, CLOCK)
    pin = pin_of(keystore.signer(Role.BUNDLE_ROOT).certificate_der)
    with TemporaryDirectory() as scratch, httpx.Client(base_url=address, timeout=10) as client:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        calling = Calling(client, keystore.secret(Secret.DEMO), _told, folder, Watch())
        try:
            calling.server_is_ready()
            if story == "main":
                MainJob(calling, pin).go(key)
            elif story == "judicial-record":
                JudicialRecord(calling, pin).go(key)
            elif story == "launch":
                LaunchStory(calling).go(key)
            else:
                opening = NewCitizen(calling, _somebody(chosen, seed), chosen.sms_outbox_dir)
                citizen = opening.go()
                if story == "lost-phone":
                    LostPhone(calling, citizen).go()
        except Surprise as surprise:
            fail(str(surprise), surprise.mend)
    say("Xong: mọi bước đúng như mong đợi / done: every step as expected")
    if out is not None and story == "main":
        say(f"  → .venv/bin/wallet check {out / 'code.png'} --bundle {out / 'bundle.jws'} --pin {pin}")


@demo.command()
@click.option("--url", help="The server; by default the one of these settings, or none where none runs.")
@click.option("--persona", "key", default="an", show_default=True, help="Who wants to pass.")
@click.option("--outcome", help="One outcome alone, such as valid, expired, revoked, too_old; by default all.")
@click.option("--json", "as_json", is_flag=True, help="For programs: what it came to.")
@guarded
def gate(url: str | None, key: str, outcome: str | None, as_json: bool) -> None:
    """Play a gate in this terminal: every outcome, then a phone and the gate go on with the network off."""
    chosen, address = _scene(url)
    steps: list[dict[str, Any]] = []

    def noted(title: str, milliseconds: float | None) -> None:
        steps.append({"title": title, "milliseconds": milliseconds and round(milliseconds, 1)})

    found = _play_gate(chosen, address, key, noted if as_json else _told, outcome, asked=url is not None)
    if as_json:
        click.echo(json.dumps({**found, "played": steps}, ensure_ascii=False, indent=1))


def _scene(url: str | None) -> tuple[Settings, str]:
    """Return the settings of a story and the address of its server."""
    chosen = _demo_settings("chuyện mẫu", "stories", "WALLET_MODE=demo wallet demo journey")
    address = (url or chosen.issuer_url).rstrip("/")
    if not re.match(r"^https?://", address):
        fail(f"{address} không phải địa chỉ web / is no web address", "wallet demo journey --url http://127.0.0.1:8000")
    return chosen, address


def _play_gate(
    chosen: Settings,
    address: str,
    key: str,
    on_step: Callable[[str, float | None], None],
    outcome: str | None,
    *,
    asked: bool = False,
) -> dict[str, Any]:
    """Play the gate against a server where one runs, else on the demo's own store without one."""
    import httpx

    from wallet.demo.stories.calling import Calling, Surprise, Watch
    from wallet.demo.stories.gate import GateStory, Network, carded_phone, codes_served
    from wallet.web.app import create_app
    from wallet.web.logs import configure_logs
    from wallet.wiring import Wallet

    configure_logs(chosen)
    wallet = Wallet.build(chosen)
    try:
        if asked or _answers(address):
            client = httpx.Client(base_url=address, timeout=10)
        else:
            say("Không có máy chủ: dùng kho của bản mẫu / no server: on the demo's own store")
            client = httpx.Client(transport=httpx.WSGITransport(app=create_app(wallet)), base_url=address)
        with client, TemporaryDirectory() as scratch:
            network, folder = Network(client), Path(scratch)
            calling = Calling(client, wallet.keystore.secret(Secret.DEMO), on_step, folder, Watch())
            phone = carded_phone(calling, key)
            codes = codes_served(network, address)
            pin = wallet.trust.pin
            story = GateStory(network, address, pin, codes, phone, folder, CLOCK, SystemEntropy(), on_step)
            found = story.go(outcome)
    except Surprise as surprise:
        fail(str(surprise), surprise.mend)
    finally:
        wallet.close()
    milliseconds, steps = found["milliseconds"], found["steps"]
    say(
        f"Xong: {found['checks']} lượt, máy kết luận trong {milliseconds['median']} ms (trung vị); "
        f"người làm {steps['now']} bước thay vì {steps['before']}: xuất trình, quét và đối chiếu.\n"
        f"Done: {found['checks']} checks, {milliseconds['median']} ms each (median); people take {steps['now']} steps "
        f"instead of {steps['before']}: present, scan and compare."
    )
    return found


def _answers(address: str) -> bool:
    """Return whether a server is there."""
    import httpx

    try:
        return httpx.get(f"{address}/health/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _somebody(chosen: Settings, seed: int) -> "FreeCitizen":
    from wallet.demo.stories.citizens import free_citizen
    from wallet.wiring import Wallet

    wallet = Wallet.build(chosen)
    try:
        return free_citizen(wallet, seed)
    finally:
        wallet.close()


@demo.command()
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def messages(last: int, as_json: bool) -> None:
    """Read the text messages that were sent: the demo's phones are files."""
    from wallet.messages.sending import Outbox

    chosen = _demo_settings("hộp tin mẫu", "outbox to read", "WALLET_MODE=demo wallet demo messages")
    if chosen.sms_gateway_url:
        fail("Tin nhắn đi qua cổng SMS / text messages go through the gateway", "wallet config show")
    rows = Outbox(chosen.sms_outbox_dir, CLOCK, SystemEntropy()).newest(last)
    if not rows:
        fail(f"Chưa có tin nhắn nào trong {chosen.sms_outbox_dir} / no text message was sent yet", "wallet run")
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['at']}  {row['phone']}\n  {row['text']}")


def _told(title: str, milliseconds: float | None) -> None:
    if milliseconds is None:
        click.echo(f"      {title}")
    else:
        click.echo(f"  ✓ {title:<90} {milliseconds:7.1f} ms")
