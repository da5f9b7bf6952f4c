"""`wallet db`: the tables of the wallet."""

import click

from wallet.commands.console import guarded, say, settings
from wallet.db import Database
from wallet.schema import HEAD, upgrade


@click.group("db")
def database() -> None:
    """The database's tables."""


@database.command("upgrade")
@guarded
def upgrade_tables() -> None:
    """Bring the tables to the newest version."""
    database = Database(settings().database_url)
    try:
        changed = upgrade(database)
    finally:
        database.close()
    say(f"Bảng ở phiên bản {HEAD} / tables at {HEAD}" + ("" if changed else " (không đổi / unchanged)"))
