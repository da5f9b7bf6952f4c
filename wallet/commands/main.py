"""The command `wallet`: one entry, one file for each subject."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from wallet import __version__
from wallet.commands.console import command_error, fail, say
from wallet.errors import WalletError

# Subject to the module and the name of its command; a module is read only when its command is called.
SUBJECTS = {
    "run": ("wallet.commands.run", "run", "Prepare everything and serve / Chuẩn bị và chạy máy chủ"),
    "demo": ("wallet.commands.demo", "demo", "The demo nation and its people / Quốc gia mẫu và các nhân vật"),
    "staff": ("wallet.commands.staff", "staff", "Who works with it / Cán bộ và vai trò"),
    "verifiers": ("wallet.commands.verifiers", "verifiers", "Who checks, and their desks / Đơn vị kiểm tra và bàn"),
    "documents": ("wallet.commands.documents", "documents", "What was issued / Giấy tờ đã cấp"),
    "keys": ("wallet.commands.keys", "keys", "The keys of this deployment / Khóa của hệ thống"),
    "db": ("wallet.commands.database", "database", "The database's tables / Bảng của cơ sở dữ liệu"),
    "config": ("wallet.commands.config", "config", "The settings in force / Thiết lập đang dùng"),
    "jobs": ("wallet.commands.jobs", "jobs", "What happens by itself / Những việc tự chạy"),
    "openapi": ("wallet.commands.openapi", "openapi", "The OpenAPI document / Tài liệu OpenAPI"),
    "utilities": ("wallet.commands.utilities", "utilities", "The catalogue / Danh mục tiện ích"),
    "accounts": ("wallet.commands.accounts", "accounts", "Accounts, day by day / Tài khoản, việc hằng ngày"),
    "doctor": ("wallet.commands.doctor", "doctor", "What is wrong, and what mends it / Khám hệ thống"),
}


class Subjects(click.Group):
    """Lists every subject without reading its module: `wallet --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*SUBJECTS, "check"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "check":
            return _check
        if cmd_name not in SUBJECTS:
            return None
        module, name, help_text = SUBJECTS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        command.short_help = help_text
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, entry[2]) for name, entry in SUBJECTS.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*rows, ("check", "Check a code offline / Kiểm tra mã ngoại tuyến")])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run as every group does, and end what was called wrongly with the next command to try, as all errors end."""
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.ClickException, click.Abort) as error:
            if not standalone_mode:
                raise
            _end_with_the_next_command(error)
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def _end_with_the_next_command(error: click.ClickException | click.Abort) -> NoReturn:
    if isinstance(error, click.Abort):
        fail("Đã dừng / stopped", "wallet --help")
    error.show()
    if not isinstance(error, NoArgsIsHelpError):  # its words are the list of commands
        context = error.ctx if isinstance(error, click.UsageError) else None
        say(f"  → {context.command_path if context else 'wallet'} --help")
    sys.exit(error.exit_code)


@click.command(
    "check",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def _check(arguments: tuple[str, ...]) -> None:
    """Check a code offline: the same as `python -m wallet.verifier check`."""
    verifier: Callable[[list[str]], int] = import_module("wallet.verifier.__main__").main
    raise SystemExit(verifier(["check", *arguments]))


@click.group(cls=Subjects, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wallet")
def wallet() -> None:
    """Ví Số: ví giấy tờ số. A digital document wallet."""


def main() -> None:
    """Run the command and end with words, never with a traceback, for what was foreseen."""
    try:
        wallet(prog_name="wallet")
    except WalletError as error:
        command_error(error)
    except KeyboardInterrupt:
        sys.exit(130)
