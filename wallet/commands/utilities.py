"""`wallet utilities`: what is installed."""

import json
from typing import Any

import click

from wallet.commands.console import guarded
from wallet.utilities.catalogue import Catalogue


@click.group()
def utilities() -> None:
    """The catalogue of utilities."""


@utilities.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def list_utilities(as_json: bool) -> None:
    """List what is installed, whether open or not."""
    rows: list[dict[str, Any]] = [
        {"code": p.utility.code, "version": p.utility.version, "title": dict(p.utility.title), "module": p.module}
        for p in Catalogue.discover()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['code']:20} v{row['version']}  {row['title']['vi']} / {row['title']['en']}")
