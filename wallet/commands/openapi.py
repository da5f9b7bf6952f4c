"""`wallet openapi export`: the OpenAPI document without a server."""

import json
from pathlib import Path

import click

from wallet.commands.console import guarded, settings


@click.group()
def openapi() -> None:
    """The OpenAPI document."""


@openapi.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; without it, the terminal.")
@guarded
def export(out: Path | None) -> None:
    """Write the OpenAPI 3.1 document."""
    from wallet.web.app import create_app
    from wallet.wiring import Wallet

    document = create_app(Wallet.build(settings())).extensions["openapi"].document
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
