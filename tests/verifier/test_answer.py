"""The answer as JSON: what stands in it, and what is left out. Source: docs/wire.md, section 3, end."""

import json
from typing import Any

import pytest

from tests.support import NOON
from tests.verifier.world import World
from wallet.terms import SAMPLE_MARK
from wallet.verifier import Judgement, Policy, TrustedBundle, answer_json, judge


def answer(world: World, trust: TrustedBundle, **changes: Any) -> dict[str, Any]:
    return answer_json(judge(world.document_code(**changes), trust, Policy(), NOON))


def test_a_valid_document_in_full(world: World, trust: TrustedBundle) -> None:
    assert answer(world, trust) == {
        "verdict": "valid",
        "reasons": ["ok"],
        "accepted": True,
        "checked": ["code", "shape", "key", "signature", "dates", "status", "policy"],
        "holder_binding": "none",
        "checked_at": "2026-03-02T05:00:00Z",
        "bundle_age_seconds": 3600,
        "status_age_seconds": 600,
        "sample_mark": SAMPLE_MARK,
        "document": {
            "id": "doc_000102030405060708090a0b0c0d0e0f",
            "issuer": {"code": "VN-MAU", "name": {"vi": "Cơ quan mẫu", "en": "Sample authority"}},
            "utility": {
                "code": "residence",
                "version": 1,
                "title": {"vi": "Thông tin cư trú", "en": "Residence information"},
            },
            "issued_at": "2026-03-01T05:00:00Z",
            "expires_at": "2026-08-29T05:00:00Z",
            "claims": [
                {
                    "n": 1,
                    "name": "full_name",
                    "label": {"vi": "Họ và tên", "en": "Full name"},
                    "kind": "text",
                    "value": "Nguyễn Thị Hồng Hạnh",
                },
                {
                    "n": 2,
                    "name": "number_tail",
                    "label": {"vi": "Bốn số cuối", "en": "Last four digits"},
                    "kind": "text",
                    "value": "6789",
                },
            ],
        },
    }


def test_a_refused_code_shows_nothing_that_was_in_it(world: World, trust: TrustedBundle) -> None:
    for changes in ({"issuer": "VN-XX"}, {"signer": world.card}):
        found = answer(world, trust, **changes)
        assert "document" not in found
        assert "status_age_seconds" not in found
        assert "Nguyễn" not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize(
    ("number", "value", "kind", "shown"),
    [
        (3, 11016, "day", "2000-02-29"), (3, -7791, "day", "1948-09-02"), (3, "1948", "day", "1948"),
        (3, 10**15, None, 10**15),
        (4, ["A", "B"], "list", ["A", "B"]), (5, True, "bool", True), (5, False, "bool", False),
        (6, 1767225600, "time", 1767225600),
        (7, 4, "int", 4), (7, "4", None, "4"), (1, b"\xff", None, "ff"), (99, {1: b"\x00"}, None, {"1": "00"}),
    ],
)  # fmt: skip
def test_values_are_shown_by_kind(
    world: World, trust: TrustedBundle, number: int, value: Any, kind: str | None, shown: Any
) -> None:
    claim = answer(world, trust, claims={number: value})["document"]["claims"][0]
    assert claim["value"] == shown
    assert type(claim["value"]) is type(shown)
    assert claim.get("kind") == kind
    assert ("name" in claim) == (number != 99)


def test_absent_values_are_left_out_and_never_null(world: World, trust: TrustedBundle) -> None:
    found = answer(world, trust, status=None, utility="later", claims={99: "x"})
    assert "null" not in json.dumps(found)
    assert "title" not in found["document"]["utility"]
    assert "recipient" not in found["document"]
    assert found["document"]["claims"] == [{"n": 99, "value": "x"}]
    assert "status_age_seconds" not in found


def test_a_recipient_is_shown(world: World, trust: TrustedBundle) -> None:
    found = answer(world, trust, recipient="Trường Mẫu")
    assert (found["document"]["recipient"], found["reasons"], found["accepted"]) == (
        "Trường Mẫu",
        ["policy_refused"],
        False,
    )


def test_holder_binding_is_apart_from_authenticity(world: World, trust: TrustedBundle) -> None:
    live: Judgement = judge(world.live_code(), trust, Policy(), NOON)
    assert answer_json(live)["holder_binding"] == "device"
    broken = judge(world.live_code(sign=lambda _: bytes(64)), trust, Policy(), NOON)
    assert answer_json(broken)["holder_binding"] == "none"
