"""A wheel carries what the code reads at run time: texts, templates, migrations, what stands beside a plug-in."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.needs import need
from wallet.web.front_assets import DIST, built

ROOT = Path(__file__).parents[1]
READ_AT_RUN_TIME = {".json", ".html", ".css", ".js", ".mako", ".py", ".typ", ".wasm", ".woff2"}
FRONT = ROOT / "wallet" / "web" / "front"
"""What the pages are made of: the wheel carries what was made, not this."""


def test_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    files = [
        path
        for path in (ROOT / "wallet").rglob("*")
        if "__pycache__" not in path.parts and not path.is_relative_to(FRONT)
    ]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.suffix in READ_AT_RUN_TIME}
    source = tmp_path / "source"
    for name in [*wanted, "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "wsgi.py"]:
        copy = source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), "."]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert wanted - held == set()
    assert "wsgi.py" in held
    assert not [name for name in held if name.startswith("wallet/web/front/")]


def test_wheel_holds_what_the_pages_were_built_into() -> None:
    """The test above demands every file there; this one, that there are any, and that they are whole."""
    need(built(), "WALLET_REQUIRE_NODE", "the pages are not built: make front")
    manifest = json.loads((DIST / "manifest.json").read_text())
    named = {*manifest["entries"].values(), *manifest["styles"].values()}.union(*manifest["precache"].values())
    assert {path.name for path in DIST.iterdir()} >= named
    assert any(path.suffix == ".wasm" for path in DIST.iterdir())
