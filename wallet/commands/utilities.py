"""`wallet utilities`: what is installed, whether it keeps the contract, and the start of a new one."""

import json
import sys
from pathlib import Path

import click

import wallet.utilities
from wallet.commands import launching
from wallet.commands.console import fail, guarded, say, step
from wallet.commands.scaffold import assert_free, folder_files, package_files, write
from wallet.utilities.catalogue import Catalogue, others_modules, own_modules
from wallet.utilities.conformance import NoPlugin, faults_of_package, open_plugin
from wallet.utilities.description import described
from wallet.utilities.drawing import page
from wallet.utilities.source_rules import faults_of_module


@click.group()
def utilities() -> None:
    """The catalogue of utilities."""


for launch_command in launching.COMMANDS:
    utilities.add_command(launch_command)


@utilities.command("list")
@click.option("--json", "as_json", is_flag=True, help="Everything that each declares, for programs.")
@guarded
def list_utilities(as_json: bool) -> None:
    """List what is installed and what was defined, whether open or not, and what is left out for a fault."""
    found, states = launching.whole_catalogue()
    if as_json:
        left_out = [{"module": each.module, "faults": list(each.faults)} for each in found.left_out]
        whole = {
            "utilities": [described(plugin) | {"state": states.get(plugin.utility.code, "off")} for plugin in found],
            "left_out": left_out,
        }
        click.echo(json.dumps(whole, ensure_ascii=False, indent=1))
        return
    for plugin in found:
        utility = plugin.utility
        state = states.get(utility.code, "off")
        click.echo(f"{utility.code:20} v{utility.version}  {state:8} {utility.title['vi']} / {utility.title['en']}")
    for each in found.left_out:
        click.echo(f"✗ {each.module}: bị bỏ qua / left out")
        for fault in each.faults:
            click.echo(f"    {fault}")
    if packages := [each.module for each in found.left_out if " " not in each.module]:  # a definition has no module
        say(f"  → wallet utilities check {packages[0]}")


@utilities.command("check")
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Hold utilities against the contract: all that are installed, or those NAMED by code or module.

    Exit 1 when one has a fault.
    """
    codes = _modules_by_code()
    wrong: list[str] = []
    for name in names or sorted(set(codes.values())):
        module = codes.get(name, name)
        faults = faults_of_package(module)
        wrong += [name] if faults else []
        click.echo(f"{'✗' if faults else '✓'} {module}" + ("" if faults else ": đúng hợp đồng / keeps the contract"))
        for fault in faults:
            click.echo(f"    {fault}")
    say(f"  → wallet utilities check {wrong[0]}" if wrong else "  → wallet utilities list")
    sys.exit(bool(wrong))


@utilities.command("new")
@click.argument("name")
@click.option(
    "--package",
    type=click.Path(path_type=Path),
    help="Make a package of its own in this folder, with pyproject.toml and a test.",
)
@guarded
def new(name: str, package: Path | None) -> None:
    """Start a utility called NAME: a folder beside the others, or a package. Nothing is overwritten."""
    assert_free(name, Catalogue.discover(), package=package is not None)
    if package is not None:
        write(package, package_files(name))
        step(f"{package}/")
        say(f"  → python -m pip install --no-deps --editable {package} && wallet utilities check {name}")
        return
    here = own_folder()
    if "site-packages" in here.parts:
        fail(f"{here}: là bản đã cài / is an installed copy", f"wallet utilities new {name} --package {name}")
    write(here / name, folder_files(name))
    step(f"{here / name}/")
    say(f"  → wallet utilities check {name}")


@utilities.command("draw")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the page there.")
@guarded
def draw(out: Path | None) -> None:
    """Draw the lifecycles of requests as Mermaid text."""
    text = page(Catalogue.discover())
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    step(str(out))


def own_folder() -> Path:
    """Return the folder that holds the utilities of this repository."""
    return Path(list(wallet.utilities.__path__)[-1])


def _modules_by_code() -> dict[str, str]:
    """Return the module of each plug-in by its code, or by its own name where it cannot be opened."""
    found = {}
    for module in (*own_modules(), *others_modules()):
        readable = module.startswith("wallet.") or not faults_of_module(module)  # what reaches out is never run
        try:
            found[open_plugin(module).utility.code if readable else module] = module
        except NoPlugin:
            found[module] = module
    return found
