"""The vectors that every verifier of docs/wire.md passes: ours in Python, ours of the pages, and anybody's."""

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vectors.carried_lists import reasons_then
from tests.vectors.generate_verifier import FOLDER, made, policy_of, taken
from tests.verifier.front import need_front, node
from wallet.terms import SAMPLE_MARK
from wallet.verifier import MemoryReplay, TrustedBundle, answer_json, judge
from wallet.verifier.reasons import ONLINE_ONLY, REASONS

CODES = json.loads((FOLDER / "codes.json").read_text())
BUNDLES = json.loads((FOLDER / "bundles.json").read_text())


@pytest.fixture(scope="module")
def held() -> Mapping[str, TrustedBundle]:
    now = datetime.fromtimestamp(CODES["now"], UTC)
    return {name: TrustedBundle.from_jws(token, CODES["pins"], now) for name, token in CODES["bundles"].items()}


@pytest.mark.parametrize("case", CODES["cases"], ids=lambda case: str(case["name"]).encode("unicode_escape").decode())
def test_code_is_judged_as_its_vector_says(held: Mapping[str, TrustedBundle], case: dict[str, Any]) -> None:
    memory = MemoryReplay()
    for moment, answer in zip(case["times"], case["answers"], strict=True):
        now = datetime.fromtimestamp(moment, UTC)
        found = judge(case["text"], held[case["bundle"]], policy_of(case["policy"]), now, memory)
        assert answer_json(found) == answer


@pytest.mark.parametrize("case", BUNDLES["cases"], ids=lambda case: str(case["name"]))
def test_bundle_is_taken_or_refused_as_its_vector_says(case: dict[str, Any]) -> None:
    assert taken(case, BUNDLES["pins"]) == case["reason"]


@pytest.mark.parametrize("case", [case for case in BUNDLES["cases"] if "text" in case], ids=lambda case: case["name"])
def test_code_is_judged_by_the_latest_of_the_lists_that_were_held(case: dict[str, Any]) -> None:
    assert reasons_then(case, BUNDLES["pins"], BUNDLES["now"]) == case["reasons"]


def test_every_reason_has_a_vector() -> None:
    seen = {reason for case in CODES["cases"] for answer in case["answers"] for reason in answer["reasons"]}
    assert set(REASONS) - ONLINE_ONLY <= seen
    refusals = {case["reason"] for case in BUNDLES["cases"]}
    told = {"malformed", "wrong_type", "key_not_allowed", "bad_signature", "not_yet_valid", "seq_not_higher"}
    assert told | {"prev_differs", None} == refusals


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng deflates the same into other bytes")
def test_files_are_what_the_generator_makes() -> None:
    assert made() == {"codes.json": CODES, "bundles.json": BUNDLES}


def test_no_vector_trusts_a_key_that_counts() -> None:
    """The keys follow from a published seed: whatever they sign says that it is a sample, under no real address."""
    for file in (CODES, BUNDLES):
        assert "never trust" in file["about"]
    marks = {answer["sample_mark"] for case in CODES["cases"] for answer in case["answers"]}
    assert marks == {SAMPLE_MARK}


def test_verifier_of_the_pages_passes_the_same_vectors() -> None:
    need_front()
    told = node("--test", "--test-reporter=tap", "vectors.test.mjs", TZ="Asia/Ho_Chi_Minh")
    counts = {line.split()[1]: int(line.split()[2]) for line in told if line.startswith(("# pass ", "# fail "))}
    assert counts["fail"] == 0
    assert counts["pass"] >= 2 * len(CODES["cases"]) + len(BUNDLES["cases"])
