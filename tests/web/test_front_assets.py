"""The pages that work without network: what was built is found, what was not is told, and nothing is built twice."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifier.front import need_front
from wallet.web.front_assets import DIST, Build, built, progress

FRONT = Path(__file__).parents[2] / "wallet" / "web" / "front"
EXACT = re.compile(r"\d+\.\d+\.\d+")


def test_nothing_is_there_before_it_is_built(tmp_path: Path) -> None:
    assert built(tmp_path) is None
    assert progress(tmp_path) is Build.MISSING


@pytest.mark.parametrize("state", [Build.BUILDING, Build.FAILED])
def test_state_of_a_build_is_told(tmp_path: Path, state: Build) -> None:
    (tmp_path / ".state").write_text(state)
    assert progress(tmp_path) is state
    assert built(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"entries": {}}', "[]"])
def test_half_a_manifest_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert built(tmp_path) is None
    assert progress(tmp_path) is not Build.READY


def test_earlier_build_stays_in_use_while_the_next_is_made(tmp_path: Path) -> None:
    (tmp_path / ".state").write_text("building")
    manifest = {"entries": {"scan": "scan-1.js"}, "styles": {"scan": "scan-1.css"}, "precache": {"scan": []}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = built(tmp_path)
    assert found is not None
    assert progress(tmp_path) is Build.READY
    assert found.script("scan") == "/static/dist/scan-1.js"
    assert found.style("scan") == "/static/dist/scan-1.css"
    assert found.style("other") is None
    with pytest.raises(KeyError):
        found.script("other")


def test_lock_names_no_host_and_packages_are_exact() -> None:
    lock = json.loads((FRONT / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)
    package = json.loads((FRONT / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(EXACT.fullmatch(version) for version in versions)


def test_what_was_built_is_not_built_again_and_needs_no_node() -> None:
    need_front()
    before = {path.name: path.stat().st_mtime_ns for path in DIST.iterdir()}
    command = [sys.executable, str(FRONT / "make.py")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": ""}, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), "make front"
    assert {path.name: path.stat().st_mtime_ns for path in DIST.iterdir() if path.name != ".lock"} == {
        name: at for name, at in before.items() if name != ".lock"
    }


def test_terms_of_what_others_wrote_are_there() -> None:
    need_front()
    terms = (DIST / "licences.txt").read_text(encoding="utf-8")
    assert "zxing-wasm" in terms
    assert "@noble/curves" in terms
    assert "no text in the package" not in terms


def test_verifier_of_the_pages_stays_small() -> None:
    """It is loaded by every page that checks a code; half of it is P-256 for a page without WebCrypto."""
    need_front()
    assets = built()
    assert assets is not None
    assert len(gzip.compress((DIST / assets.entries["verifier"]).read_bytes(), 9)) < 27_000
