"""The import contract `plugins` of setup.cfg covers every folder and every room without being edited for each."""

from configparser import ConfigParser
from pathlib import Path

import wallet

ROOT = Path(wallet.__file__).parent
CONTRACT = {"base", "case", "claims", "forms", "lifecycles", "names", "numbers", "rules"}
"""The files that the contract is made of: what a plug-in gets through `wallet.utilities.base`."""

ALSO_FOR_PLUGINS = {"errors", "terms"}
"""What the contract itself imports."""


def contract() -> dict[str, set[str]]:
    read = ConfigParser()
    read.read(ROOT.parent / "setup.cfg", encoding="utf-8")
    return {name: set(value.split("\n")) - {""} for name, value in read["importlinter:contract:plugins"].items()}


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def test_it_covers_every_folder_of_a_plug_in() -> None:
    assert contract()["source_modules"] == {"wallet.utilities.*"}


def test_it_forbids_every_room() -> None:
    rooms = modules(ROOT) - {"__init__", "migrations", "utilities"} - ALSO_FOR_PLUGINS
    assert {f"wallet.{room}" for room in rooms} <= contract()["forbidden_modules"]


def test_it_forbids_everything_beside_the_contract() -> None:
    files = {path.stem for path in (ROOT / "utilities").glob("*.py")} - {"__init__"} - CONTRACT
    assert {f"wallet.utilities.{name}" for name in files} <= contract()["forbidden_modules"]


def test_what_is_let_through_is_no_plug_in() -> None:
    folders = {path.name for path in (ROOT / "utilities").iterdir() if (path / "__init__.py").exists()}
    for line in contract()["ignore_imports"]:
        source = line.partition(" -> ")[0].removeprefix("wallet.utilities.")
        assert source not in folders | CONTRACT
