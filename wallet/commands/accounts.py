"""`wallet accounts`: what has to be done to accounts day by day."""

import click

from wallet.commands.console import guarded, say
from wallet.commands.opening import opened


@click.group()
def accounts() -> None:
    """Accounts, as a whole."""


@accounts.command("sweep")
@guarded
def sweep() -> None:
    """Ask the registers about every account that is due, and do what follows. Safe to repeat and to interrupt."""
    with opened() as wallet:
        report = wallet.account_sweep.run()
    words = {
        "checked": "đã hỏi cơ sở dữ liệu / asked the registers",
        "expired": "khóa do hết hạn / locked, expired",
        "warned": "đã báo sắp hết hạn / told of the end",
        "closed": "đã đóng / closed",
    }
    for step, text in words.items():
        say(f"{report.done.get(step, 0):6} {text}")
    if report.failed:
        say(f"{report.failed:6} để lần sau / left for the next round")
    if not report.registers_answered:
        say("Cơ sở dữ liệu không trả lời; lần sau hỏi lại / a register did not answer; the next round asks again")
