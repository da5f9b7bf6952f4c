"""One table of outcomes: what the scanner shows is what the gate of the command line says, in finer words at most."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.interop.environments import need
from tests.support import NOON
from tests.verifier.front import need_front, node
from wallet.verifier.judgement import Judgement, VerifiedClaim, VerifiedDocument
from wallet.verifier.outcomes import AMBER, BLUE, GREEN, GREY, LOOKS, RED, Outcome, outcome_of
from wallet.verifier.profile import profile_of
from wallet.verifier.reasons import REASONS, STEP_OF, Verdict, gravest, in_order

FRONT = Path(__file__).parents[2] / "wallet" / "web" / "front"
FINER = {
    "key_not_allowed": Outcome.BAD_SIGNATURE,
    "device_mismatch": Outcome.BAD_SIGNATURE,
    "superseded": Outcome.REVOKED,
    "account_locked": Outcome.SUSPENDED,
    "card_expired": Outcome.EXPIRED,
    "live_too_old": Outcome.TOO_OLD,
    "live_from_future": Outcome.CANNOT_TELL,
    "wrong_gate": Outcome.NOT_ACCEPTED,
    "live_replayed_before": Outcome.ALREADY_SCANNED,
    "foreign": Outcome.NOT_OUR_CODE,
}
"""Outcomes of the scanner that the command line has no word for, and which of its own each is."""

COLOURS = {"good": GREEN, "wait": BLUE, "bad": RED, "ask": AMBER, "toast": GREY}
ENDING = [code for code in REASONS if STEP_OF[code] <= 2]
"""Nothing else is found beside these."""

FOUND = [code for code in REASONS if code not in ENDING]
SETS = [
    *([code] for code in ENDING),
    *(list(each) for number in (0, 1, 2, 3) for each in combinations(FOUND, number)),
]


def judgement_of(reasons: tuple[str, ...]) -> Judgement:
    verdict = gravest(reasons)
    accepted = verdict is Verdict.VALID and "policy_refused" not in reasons
    return Judgement(verdict, reasons, accepted, (1, 2), None, None, NOON, 0)


def document_of(claims: Mapping[str, Any]) -> VerifiedDocument:
    stated = tuple(VerifiedClaim(n, value, name) for n, (name, value) in enumerate(claims.items()))
    return VerifiedDocument("doc_", "X", {}, "residence", 1, None, NOON, NOON, None, stated, None, None)


def answer_of(judgement: Judgement, claims: Mapping[str, Any] | None = None) -> dict[str, object]:
    return {
        "verdict": judgement.verdict,
        "reasons": judgement.reasons,
        "accepted": judgement.accepted,
        "holder_binding": "device",
        "document": {
            "utility": {"code": "residence"},
            "claims": [{"name": name, "value": value} for name, value in (claims or {}).items()],
        },
    }


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outcomes of the scanner as a module for Node.js."""
    esbuild = FRONT / "node_modules" / ".bin" / "esbuild"
    need(shutil.which("node") is not None and esbuild.exists(), "WALLET_REQUIRE_NODE", "make front")
    need_front()
    out = tmp_path_factory.mktemp("built") / "outcome.mjs"
    command = [esbuild, "scan/outcome.ts", "--bundle", "--format=esm", f"--outfile={out}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=FRONT, check=False)
    assert done.returncode == 0, done.stderr
    return out


def told(module: Path, lines: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    """Return code, look and rule of what the scanner shows for each line."""
    return [tuple(json.loads(line)) for line in node("outcomes.mjs", lines=lines, OUTCOME=str(module))]


def test_scanner_and_command_line_have_one_table(module: Path) -> None:
    judgements = [judgement_of(in_order(each)) for each in SETS]
    shown = told(module, [{"answer": answer_of(each)} for each in judgements])
    differing = {}
    for judgement, (code, look, _) in zip(judgements, shown, strict=True):
        wanted = outcome_of(judgement)
        if FINER.get(code, code) != wanted or COLOURS[look] != LOOKS[wanted].colour:
            differing[judgement.reasons] = (code, look, str(wanted))
    assert differing == {}
    assert {code for code, _, _ in shown} >= FINER.keys()


def test_wrong_clock_makes_nobody_valid_and_nothing_that_no_clock_decides_less_grave(module: Path) -> None:
    judgements = [judgement_of(in_order(each)) for each in SETS]
    shown = told(module, [{"answer": answer_of(each), "clockWrong": True} for each in judgements])
    timeless = (Outcome.REVOKED, Outcome.SUSPENDED, Outcome.BAD_SIGNATURE, Outcome.NOT_OUR_CODE, Outcome.DAMAGED)
    for judgement, (code, look, _) in zip(judgements, shown, strict=True):
        found = outcome_of(judgement)
        wanted = found if found in timeless else Outcome.CANNOT_TELL
        assert (FINER.get(code, code), COLOURS[look]) == (wanted, LOOKS[wanted].colour), judgement.reasons


KNOWN: list[dict[str, Any]] = [
    {},
    {"over_18": True},
    {"account_level": 2, "full_name": "Nguyễn Mẫu An"},
    {"birth_date": "1990-05-12"},
    {"full_name": "", "birth_date": "1990-05-12"},
    {"full_name": "Nguyễn Mẫu An", "birth_date": "1948"},
]


@pytest.mark.parametrize("needs", [[], ["full_name"], ["full_name", "birth_date"]])
def test_scanner_and_command_line_need_the_same_of_a_code(module: Path, needs: list[str]) -> None:
    gate = profile_of({"needs": needs})
    valid = judgement_of(in_order(()))
    lines = [{"answer": answer_of(valid, each), "profile": {"code": "x", "needs": needs}} for each in KNOWN]
    for claims, (code, _, rule) in zip(KNOWN, told(module, lines), strict=True):
        found = gate.applied(replace(valid, document=document_of(claims)))
        assert code == outcome_of(found), claims
        assert ((rule,) if rule else ()) == gate.refused_for(found), claims
    assert [line[0] for line in told(module, lines)].count("valid") == (6, 2, 1)[len(needs)]
