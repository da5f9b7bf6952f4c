"""`wallet run`: prepare everything that is missing, serve, and say where to go next."""

import socket
import threading
import time
import urllib.request
from typing import Any

import click

from wallet.commands.console import CLOCK, fail, guarded, progress, say, settings, step
from wallet.commands.demo import DEFAULT_CITIZENS, DEFAULT_SEED
from wallet.commands.keys import make_missing, told_of_unused
from wallet.crypto.keystore import Secret, exclusive
from wallet.errors import Conflict
from wallet.keys.opening import open_keystore
from wallet.settings import Settings
from wallet.starting import starting

READY_SECONDS = 30
STOP_SECONDS = 10
SHOWN = ("an", "binh", "admin1")


@click.command()
@click.option("--citizens", default=DEFAULT_CITIZENS, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--prepare-only", is_flag=True, help="Do everything but serve.")
@guarded
def run(citizens: int, prepare_only: bool) -> None:
    """Prepare keys, tables and the demo nation, then serve. Safe to repeat and to interrupt."""
    started = time.monotonic()
    chosen = settings()
    if not prepare_only:
        _assert_port_is_free(chosen)
    with starting():  # not around preparing: who makes a nation of millions leaves garbage
        import wallet.wiring

        if not prepare_only:
            import wallet.web.app  # noqa: F401 - before the fork: workers have what they need when they begin
    with exclusive(chosen.keys_dir):
        prepare(chosen, citizens)
    if not prepare_only:
        _serve(chosen, started)


def prepare(chosen: Settings, citizens: int) -> None:
    """Make what is missing: keys, tables, and in a demo the nation and its personas."""
    from wallet.schema import upgrade
    from wallet.wiring import Wallet

    made = make_missing(chosen)
    if made:
        step(f"khóa của hệ thống / keys of this deployment: {len(made)} → {chosen.keys_dir}/")
    if unused := told_of_unused(chosen):
        say("! {}\n  → {}".format(*unused))
    wallet = Wallet.build(chosen)
    if upgrade(wallet.db):
        step("bảng của cơ sở dữ liệu / tables of the database")
    wallet.prepare()
    if chosen.production:
        return
    from wallet.demo.nation import renew, seed_nation
    from wallet.demo.setup import is_set_up, set_up

    try:
        with progress("Công dân mẫu / sample citizens") as on_progress:
            done = seed_nation(wallet.nation, seed=DEFAULT_SEED, citizens=citizens, on_progress=on_progress)
        if done.written:
            step(f"quốc gia mẫu / demo nation: {done.citizens} công dân / citizens")
    except Conflict as error:
        if error.code != "nation_differs":
            raise
        with progress("Công dân mẫu / sample citizens") as on_progress:
            renewed = renew(wallet.nation, on_progress)
        if renewed is not None:
            step(f"quốc gia mẫu làm lại theo bản mới / demo nation made anew: {renewed.citizens} công dân / citizens")
        else:
            say("  · giữ quốc gia mẫu đang có / keeping the nation that is there")
    if not is_set_up(wallet):
        with progress("Nhân vật / personas") as on_progress:
            new = set_up(wallet, on_progress)
        step(f"nhân vật mẫu / personas: {new}")
    wallet.close()


def _assert_port_is_free(chosen: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError:
            fail(
                f"Cổng {chosen.port} đang được dùng / port {chosen.port} is in use", f"make run PORT={chosen.port + 1}"
            )


def _serve(chosen: Settings, started: float) -> None:
    """Serve until a signal ends it.

    The server runs in this process and forks its workers: what was imported to prepare is not imported a second time,
    which is most of what a restart after a crash waits for.
    """
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server.mp import MPServer

    class Announcing(MPServer):
        """Says where to go next, once it answers."""

        def startup(self, *arguments: Any) -> None:
            super().startup(*arguments)
            # After the workers are forked: a thread that is running then would leave its locks held in them.
            threading.Thread(target=_announce, args=(chosen, started), daemon=True).start()

    server = Announcing(
        "wsgi:application",
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.blocking_threads,
        backpressure=512,
        log_level=LogLevels.warning,
        workers_kill_timeout=STOP_SECONDS,
    )
    try:
        server.serve()
    except SystemExit as stop:
        if stop.code:
            fail("Máy chủ dừng bất thường / the server stopped by itself", "wallet doctor")


def _announce(chosen: Settings, started: float) -> None:
    address = f"http://{chosen.host}:{chosen.port}/health/ready"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2) as response:
                if response.status == 200:
                    _welcome(chosen, time.monotonic() - started)
                    return
        except OSError:
            time.sleep(0.02)
    say(f"✗ Máy chủ chưa sẵn sàng sau {READY_SECONDS} s / the server is not ready\n  → wallet doctor")


def _welcome(chosen: Settings, seconds: float) -> None:
    here = chosen.issuer_url
    say(f"\nVí Số đang chạy / is running ({seconds:.1f} s)\n")
    say(f"  {here}/        trang chủ / front door")
    say(f"  {here}/docs    tài liệu API / API documentation")
    say(f"  {here}/scan    cửa kiểm tra / the gate's scanner")
    say(f"  {here}/v1/trust/bundle    gói tin cậy / trust bundle")
    if not chosen.production:
        from wallet.demo.personas import credentials, persona

        secret = open_keystore(chosen, CLOCK).secret(Secret.DEMO)
        say("\nĐăng nhập bằng / sign in as:")
        for key in SHOWN:
            who = persona(key)
            own = credentials(who, secret)
            say(f"  {key:7} {who.name}   số / number {who.number}   mật khẩu / password {own.password}")
        say("\nLệnh tiếp theo, ở cửa sổ khác / next, in another terminal:")
        elsewhere = "" if here == Settings.from_environ({}).issuer_url else f" --url {here}"
        say(f"  .venv/bin/wallet demo journey{elsewhere} --out out")
        say("  .venv/bin/wallet demo desks      khóa của các bàn kiểm tra mẫu / keys of the sample desks")
    say("\nCtrl-C để dừng / to stop\n")
