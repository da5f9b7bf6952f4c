"""`wallet config show`: every setting, its value, whether it was given; secrets masked."""

import json
import os

import click

from wallet.commands.console import guarded, settings
from wallet.settings import PREFIX, SettingsSchema


@click.group()
def config() -> None:
    """The settings in force."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def show(as_json: bool) -> None:
    """Show every setting."""
    chosen = settings()
    rows = []
    for name, field in SettingsSchema().fields.items():
        value = str(getattr(chosen, name))
        masked = "***" if field.metadata.get("secret") and "@" in value else value
        variable = PREFIX + name.upper()
        rows.append({"setting": variable, "value": masked, "given": variable in os.environ})
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['setting']:38} {row['value']}{'' if row['given'] else '  (mặc định / default)'}")
