"""What the tests need beside this package. Missing, they are skipped aloud; where it is required they fail."""

import os
from collections.abc import Mapping

import pytest


def missing(present: bool, demand: str, environ: Mapping[str, str]) -> str | None:
    """Return what to do about something that is needed: None where it is present, else `fail` or `skip`."""
    if present:
        return None
    return "fail" if environ.get("CI") or environ.get(demand) else "skip"


def need(present: object, demand: str, what: str) -> None:
    """Skip aloud, or fail in CI and where `demand` is set, unless something is present.

    demand: an environment variable. what: is missing, and the command that mends it.
    """
    outcome = missing(bool(present), demand, os.environ)
    if outcome == "fail":
        pytest.fail(f"required here: {what}", pytrace=False)
    if outcome == "skip":
        pytest.skip(f"SKIPPED ALOUD, {what}", allow_module_level=True)
