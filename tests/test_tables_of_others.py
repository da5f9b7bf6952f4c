"""A room asks the service of another; it neither reads the other's tables nor makes its repository.

`wiring` puts them together, `commands` look at a deployment as a whole, and `demo` fills what others own.
"""

import ast
from pathlib import Path

import wallet

ROOT = Path(wallet.__file__).parent
PUT_TOGETHER = {"commands", "demo", "wiring"}


def strangers() -> list[str]:
    """Return what names the tables of another room: file, line and module."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            _, owner, *inner = (str(node.module).split(".") if isinstance(node, ast.ImportFrom) else []) + ["", ""]
            tables = {"models", "repository"} & {*inner}
            if tables and owner != room and room not in PUT_TOGETHER:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.module}")
    return found


def test_no_room_names_the_tables_of_another() -> None:
    assert strangers() == []
