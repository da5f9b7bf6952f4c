"""What is needed and missing is a failure where it is required, and CI requires all of it."""

import re
from pathlib import Path

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.needs import missing, need

ROOT = Path(__file__).parents[1]


def test_missing_software_is_a_failure_where_it_is_required() -> None:
    assert missing(True, "X", {"CI": "1", "X": "1"}) is None
    assert missing(False, "X", {}) == missing(False, "X", {"CI": "", "X": ""}) == "skip"
    assert missing(False, "X", {"CI": "true"}) == missing(False, "X", {"X": "1"}) == "fail"


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(Skipped, match="SKIPPED ALOUD, no tea: put the kettle on"):
        need(None, "WALLET_REQUIRE_X", "no tea: put the kettle on")
    monkeypatch.setenv("WALLET_REQUIRE_X", "1")
    with pytest.raises(Failed, match="required here: no tea"):
        need(None, "WALLET_REQUIRE_X", "no tea: put the kettle on")
    need("tea", "WALLET_REQUIRE_X", "no tea: put the kettle on")


def test_ci_requires_everything_that_a_test_can_do_without() -> None:
    named = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r'"(WALLET_REQUIRE_\w{2,})"', path.read_text(encoding="utf-8"))
    }
    required = set(re.findall(r"(WALLET_REQUIRE_\w+)=1", (ROOT / ".ci" / "run").read_text(encoding="utf-8")))
    assert {"WALLET_REQUIRE_NODE", "WALLET_REQUIRE_SOFTHSM"} <= named == required
