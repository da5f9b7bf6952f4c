"""Every line of docs/security.md has a test of its name, as far as its section is done."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
SECTIONS = (
    "### 2.1 Authentication",
    "### 2.2 Sessions and tokens",
    "### 2.5 Documents and QR",
    "### 2.6 Verification",
    "### 2.7 Status and revocation",
    "### 2.8 Keys",
    "### 2.10 Privacy and consent",
)


def asked() -> list[str]:
    """Return the lines of the sections that are done, as `s01`."""
    lines = []
    for section in SECTIONS:
        text = PAGE.read_text(encoding="utf-8").split(section, 1)[1].split("\n#", 1)[0]
        lines += [f"s{number}" for number in re.findall(r"^- \*\*S-(\d+)\*\*", text, re.MULTILINE)]
    return lines


@cache
def named() -> set[str]:
    """Return the lines that a test's name begins with: `test_s01_...`, or several, `test_s15_s16_s17_...`."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                begin = re.match(r"test((?:_s\d{2})+)_", node.name)
                found |= set(begin[1].strip("_").split("_")) if begin else set()
    return found


def test_page_has_all_its_lines() -> None:
    assert set(asked()) == {f"s{number:02}" for number in (*range(1, 25), *range(40, 64), 67)}


@pytest.mark.parametrize("line", asked())
def test_line_has_a_test_of_its_name(line: str) -> None:
    assert line in named()
