"""The environments in which software of others runs, and how it is asked.

Each script reads a JSON object a line and prints one for each.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.needs import need

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / ".oracle" / "bin" / "python"
NODE_HOME = ROOT / "tests" / "interop" / "node"
NODE_MODULES = NODE_HOME / "node_modules"


def need_oracle() -> None:
    """Need the environment of Python libraries that conflict with ours."""
    make = "python3 -m venv .oracle && .oracle/bin/pip install --require-hashes -r requirements/oracle.txt"
    need(ORACLE.exists(), "WALLET_REQUIRE_ORACLE", f"no environment .oracle: {make}")


def need_node() -> None:
    """Need Node.js and the packages of tests/interop/node."""
    node = shutil.which("node") is not None
    make = "cd tests/interop/node && npm ci --ignore-scripts"
    need(node and NODE_MODULES.is_dir(), "WALLET_REQUIRE_NODE", f"no Node.js, or its packages are missing: {make}")


def ask_oracle(script: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of a script of tests/oracle. Raises when it fails as a whole."""
    return _ask([str(ORACLE), str(ROOT / "tests" / "oracle" / script)], lines)


def ask_node(script: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of a script of tests/interop/node. Raises when it fails as a whole."""
    return _ask(["node", str(NODE_HOME / script)], lines)


def _ask(command: list[str], lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, check=True, encoding="utf-8", timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]
