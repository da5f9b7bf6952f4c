"""`wallet keys`: make what is missing, list what is there."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from wallet.commands.console import CLOCK, guarded, say, settings, step
from wallet.crypto.authority import Authority
from wallet.crypto.keystore import BACKDATED, Keystore, Role, create_missing, exclusive
from wallet.entropy import SystemEntropy
from wallet.formats.trust_bundle import pin_of
from wallet.settings import Settings

DEMO_PAST = timedelta(days=500)


@click.group()
def keys() -> None:
    """The keys of this deployment."""


@keys.command()
@guarded
def new() -> None:
    """Create the keys and secrets that are missing; what exists stays."""
    chosen = settings()
    with exclusive(chosen.keys_dir):
        made = make_missing(chosen)
    for name in made:
        step(name)
    say("Đã đủ khóa / All keys are there" if not made else f"{len(made)} tệp mới / new files")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def list_keys(as_json: bool) -> None:
    """List the keys with their role and time."""
    records = [key.record for role in Role for key in Keystore.open(settings().keys_dir).keys(role)]
    if as_json:
        click.echo(json.dumps([asdict(record) for record in records], indent=1))
        return
    for record in records:
        until = datetime.fromtimestamp(record.not_after, UTC).date().isoformat()
        click.echo(f"{record.role:10} {record.kid}  {record.state:8}  → {until}")


@keys.command()
@guarded
def pin() -> None:
    """Print the pin of the bundle root: give it to verifiers by another way than the bundle."""
    click.echo(pin_of(Keystore.open(settings().keys_dir).signer(Role.BUNDLE_ROOT).certificate_der))


def make_missing(chosen: Settings) -> list[str]:
    """Create what this deployment lacks, and a key in the place of one that ended.

    A demo's keys have a past, for it has documents that expired.
    """
    return create_missing(
        chosen.keys_dir,
        now=CLOCK.now(),
        entropy=SystemEntropy(),
        authority=Authority(
            chosen.issuer_code if chosen.production else f"{chosen.issuer_code} sample", chosen.issuer_url
        ),
        backdated=BACKDATED if chosen.production else DEMO_PAST,
        renew=True,
    )
