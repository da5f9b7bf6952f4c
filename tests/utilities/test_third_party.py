"""A utility in a package of its own: scaffolded, installed with pip, found by a fresh process; nothing here changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = "ferry_pass"


def run(*command: str, path: Path | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, with a folder of installed packages more."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([str(path)] if path else [])])
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=240)


def wallet(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", "from wallet.commands.main import main; main()", *arguments, path=path)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the scaffold writes it."""
    folder = tmp_path_factory.mktemp("source") / NAME
    made = wallet("utilities", "new", NAME, "--package", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip put it: without an index, without its dependencies, which are here."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    done = run(*pip, "--target", str(target), str(source))
    assert done.returncode == 0, done.stderr
    return target


def test_it_is_found_in_a_fresh_process_with_all_that_it_ships(installed: Path) -> None:
    told = json.loads(wallet("utilities", "list", "--json", path=installed).stdout)
    assert told["left_out"] == []
    (found,) = [each for each in told["utilities"] if each["code"] == NAME]
    assert found["module"] == NAME
    assert {path.name for path in (installed / NAME).iterdir()} >= {"__init__.py", "texts.json", "examples.json"}
    without = json.loads(wallet("utilities", "list", "--json").stdout)
    assert [each for each in told["utilities"] if each["code"] != NAME] == without["utilities"]


def test_it_keeps_the_contract_where_it_is_installed(installed: Path) -> None:
    checked = wallet("utilities", "check", NAME, path=installed)
    assert checked.returncode == 0
    assert f"✓ {NAME}" in checked.stdout


def test_its_own_contract_tests_pass_without_our_tests(source: Path, installed: Path, tmp_path: Path) -> None:
    pytest_alone = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(source / "pyproject.toml"),
    ]
    done = run(*pytest_alone, str(source / "tests"), path=installed, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_its_contract_tests_fail_when_it_breaks_the_contract(source: Path, tmp_path: Path) -> None:
    broken = tmp_path / NAME
    broken.mkdir()
    for path in (source / NAME).iterdir():
        if path.is_file():
            (broken / path.name).write_bytes(path.read_bytes())
    (broken / "hidden.py").write_text("import socket\n")
    pytest_alone = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(source / "pyproject.toml"),
    ]
    done = run(*pytest_alone, str(source / "tests"), path=tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert "hidden.py: line 1 imports socket" in done.stdout
