"""The page of the house is the house: its table of rooms is the contract `rooms` of setup.cfg, line by line."""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "decisions" / "0001-house.md"


def contract(name: str) -> dict[str, list[str]]:
    read = ConfigParser()
    read.read(ROOT / "setup.cfg", encoding="utf-8")
    return {key: value.strip().split("\n") for key, value in read[f"importlinter:contract:{name}"].items()}


def rooms() -> list[str]:
    """Return the rooms of the first column, top to bottom, as the contract spells them."""
    rows = re.findall(r"^\| (`wallet/.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [room.removesuffix("/") for row in rows for room in re.findall(r"`wallet/([a-z_]+/?)(?:\.py)?`", row)]


def test_table_of_rooms_is_the_contract() -> None:
    told = iter(rooms())
    layers = [layer.split(" : ") for layer in contract("rooms")["layers"]]
    assert [sorted(next(told, "") for _ in layer) for layer in layers] == [sorted(layer) for layer in layers]
    assert list(told) == []


def test_rooms_that_name_sqlalchemy_are_those_that_the_page_names() -> None:
    """Every room is held to its models and repositories, unless the page says that it may name SQLAlchemy anywhere."""
    named = [room for name in ("storage", "verifier") for room in contract(name)["source_modules"]]
    held = {room.removeprefix("wallet.") for room in named}
    naming = re.compile(r"^\s*(?:from|import) sqlalchemy", re.MULTILINE)
    free = {
        path.relative_to(ROOT / "wallet").parts[0].removesuffix(".py")
        for path in (ROOT / "wallet").rglob("*.py")
        if naming.search(path.read_text(encoding="utf-8")) and path.stem not in ("models", "repository")
    }
    storage = rooms()[rooms().index("schema") : rooms().index("db") + 1]
    assert free - {*storage} == {"migrations", "sources", "demo", "wiring"}
    assert free & held == set()
    packages = {path.parent.name for path in (ROOT / "wallet").glob("*/__init__.py")}
    assert packages - held == {"migrations", "sources", "demo", "wiring"}
