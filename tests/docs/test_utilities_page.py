"""docs/utilities.md is run from its first snippet to its last; docs/lifecycles.md says what the data says."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from wallet.utilities.catalogue import Catalogue
from wallet.utilities.declared import defined
from wallet.utilities.drawing import mermaid, page
from wallet.utilities.source_rules import PURE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "utilities.md").read_text(encoding="utf-8")


def snippets(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield language, the path that the line before names ("" for none), and the code of each block."""
    for found in re.finditer(r"(?:^`([\w./]+)`:\n\n)?^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield found[2], found[1] or "", found[3]


def call(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one line of the page: pip puts the package into a folder of its own, and takes nothing from an index."""
    words = shlex.split(line)
    if words[0] == "wallet":
        words = [sys.executable, "-c", "from wallet.commands.main import main; main()", *words[1:]]
    assert words[0] in ("python", sys.executable), line
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
    environ |= {"PIP_TARGET": str(folder / "installed"), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}
    environ |= {"PIP_NO_BUILD_ISOLATION": "0"}  # pip reads it as the option's value: there is to be none
    installed = folder / "installed"
    environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), str(installed if installed.exists() else folder / "ferry_pass")]
    )
    command = [sys.executable if word == "python" else word for word in words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240)


def test_every_snippet_of_the_page_runs(tmp_path: Path) -> None:
    ran = []
    for language, path, code in snippets(PAGE.partition("## Without code")[0]):
        if path:
            assert (tmp_path / path).exists(), "the scaffold made another file"
            (tmp_path / path).write_text(code, encoding="utf-8")
            continue
        assert language == "sh"
        for line in code.splitlines():
            done = call(line, tmp_path)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            ran.append((line, done.stdout))
    assert len(ran) >= 6
    listed = dict(ran)["wallet utilities list"]
    assert "ferry_pass" in listed
    assert "✗" not in listed


def test_definition_of_the_page_is_sound() -> None:
    (definition,) = [code for _, path, code in snippets(PAGE.partition("## Without code")[2]) if not path]
    plugin = defined(json.loads(definition))
    assert plugin.utility.code == "library_card"
    assert [claim.name for claim in plugin.utility.documents[0].claims] == ["full_name", "commune", "school"]


def test_page_names_every_pure_module() -> None:
    told = set(re.findall(r"`([a-z_]+)`", PAGE.split("pure modules of the", 1)[1].split("No `open`", 1)[0]))
    assert told == PURE - {"__future__", "collections.abc"}


def test_page_of_lifecycles_is_what_the_data_says() -> None:
    """Written again by: wallet utilities draw --out docs/lifecycles.md."""
    found = Catalogue.discover()
    written = (ROOT / "docs" / "lifecycles.md").read_text(encoding="utf-8")
    assert written == page(found)
    drawn = re.findall(r"```mermaid\n(.*?)\n```", written, re.DOTALL)
    for plugin in found:
        assert mermaid(plugin.utility.lifecycle) in drawn


def test_every_move_is_an_arrow_of_the_drawing() -> None:
    for plugin in Catalogue.discover():
        lifecycle = plugin.utility.lifecycle
        arrows = [line.strip() for line in mermaid(lifecycle).splitlines() if "-->" in line]
        between = [arrow for arrow in arrows if "[*]" not in arrow]
        assert len(between) == len(lifecycle.moves)
        for move in lifecycle.moves:
            assert any(arrow.startswith(f"{move.source} --> {move.target} : {move.action} (") for arrow in between)
        assert {arrow.partition(" -->")[0] for arrow in arrows if arrow.endswith("--> [*]")} == lifecycle.final
