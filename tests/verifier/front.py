"""The verifier that the pages use, run by Node.js: built by `make front`, asked in JSON lines."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.interop.environments import need
from wallet.web.front_assets import DIST, built

NODE = Path(__file__).parent / "node"


def need_front() -> None:
    """Need Node.js and the built pages; where WALLET_REQUIRE_NODE or CI is set, a missing one is a failure."""
    need(shutil.which("node") is not None and built() is not None, "WALLET_REQUIRE_NODE", "make front")


def node(*arguments: str, lines: Iterable[Mapping[str, Any]] = (), timeout: float = 250, **environ: str) -> list[str]:
    """Return what a run of Node.js printed. lines: what it reads. Raises when it fails."""
    assets = built()
    assert assets is not None
    environment = {**os.environ, "VERIFIER": str(DIST / assets.entries["verifier"]), **environ}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    command = ["node", *arguments]
    done = subprocess.run(
        command, input=text, capture_output=True, encoding="utf-8", timeout=timeout, cwd=NODE, env=environment
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()


def judged(
    bundle: str, pins: list[str], now: float, codes: Iterable[Mapping[str, Any]], **environ: str
) -> list[dict[str, Any]]:
    """Return the answers to these codes (`{"text": …, "now": …}`), each judged alone."""
    first = {"bundle": bundle, "pins": pins, "now": now}
    return [json.loads(line) for line in node("judge.mjs", lines=[first, *codes], **environ)]
