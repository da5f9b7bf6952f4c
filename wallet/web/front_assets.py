"""What `wallet/web/front/build.mjs` made: which file is a page's script, its style, its service worker.

In a git checkout the server starts first and the pages are built behind it; a wheel carries them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DIST = Path(__file__).with_name("static") / "dist"
ADDRESS = "/static/dist/"


class Build(StrEnum):
    """How far the pages are."""

    READY = "ready"
    BUILDING = "building"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Assets:
    """What was built. entries: name to file; styles, precache: by page. Files are names within `DIST`."""

    entries: Mapping[str, str]
    styles: Mapping[str, str]
    precache: Mapping[str, Sequence[str]]

    def script(self, entry: str) -> str:
        """Return the address of an entry's script; KeyError when there is no such entry."""
        return ADDRESS + self.entries[entry]

    def style(self, page: str) -> str | None:
        """Return the address of a page's style, None when it has none."""
        return ADDRESS + self.styles[page] if page in self.styles else None


def built(folder: Path = DIST) -> Assets | None:
    """Return what was built; None while there is nothing whole."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return Assets(found["entries"], found["styles"], found["precache"])
    except (OSError, ValueError, KeyError):
        return None


def progress(folder: Path = DIST) -> Build:
    """Return how far the pages are. An earlier build stays in use while the next one is made."""
    if (folder / "manifest.json").exists():
        return Build.READY
    try:
        return Build((folder / ".state").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return Build.MISSING
