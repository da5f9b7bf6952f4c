"""`wallet jobs`: what happens by itself, in a process of its own."""

import signal
import threading
from types import FrameType

import click

from wallet.commands.console import fail, guarded, say, settings


@click.group()
def jobs() -> None:
    """What happens by itself."""


@jobs.command("run")
@click.option("--once", is_flag=True, help="Do what is due now, and end.")
@guarded
def run_jobs(once: bool) -> None:
    """Run every job until it is told to stop: for a deployment whose WALLET_JOBS is `outside`."""
    from wallet.commands.opening import opened
    from wallet.web.logs import configure_logs

    chosen = settings()
    configure_logs(chosen)
    with opened(chosen, patient=not once) as wallet:
        if once:
            for job in wallet.jobs:
                while job.run():
                    pass
            return
        told = threading.Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            told.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        wallet.runner.start()
        say(f"Đang chạy / running: {', '.join(job.name for job in wallet.jobs)}. Ctrl-C để dừng / to stop")
        told.wait()
        if not wallet.runner.stop():
            fail(
                "Một việc chưa xong khi dừng; nó sẽ được làm lại / a job was cut off; it is done again",
                "wallet jobs run",
            )
