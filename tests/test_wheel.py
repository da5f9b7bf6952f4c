"""A wheel carries what the code reads at run time: texts, templates, migrations, what stands beside a plug-in."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ_AT_RUN_TIME = {".json", ".html", ".css", ".js", ".mako", ".py", ".typ"}


def test_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    files = (path for path in (ROOT / "wallet").rglob("*") if "__pycache__" not in path.parts)
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
