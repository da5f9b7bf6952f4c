"""Whatever a partner sends, judging it ends in facts of the declared kinds, or in one of two refusals."""

import contextlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON
from wallet.sources.answers import Lying, Unknown, judge, parse
from wallet.sources.base import RegisterCode
from wallet.sources.shapes import REQUIRED, SHAPES, FactKind

NUMBER = "099090000001"
NAMES = sorted({name for shape in SHAPES.values() for name in shape} | {"SoDinhDanh", "SoDinhDanhCu", "Ho", "Ten"})
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
MOMENTS = st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | VALUES
CODES = st.sampled_from(list(RegisterCode))


def judged(answer: Any, code: str) -> Any:
    return judge(
        answer, register=code, asked=NUMBER, call_id="src_1", fields={}, shape=SHAPES[code],
        required=REQUIRED.get(code, frozenset()), now=NOON,
    )  # fmt: skip


SAMPLES: dict[FactKind, Any] = {
    FactKind.TEXT: "x", FactKind.INT: 1, FactKind.BOOL: True, FactKind.DAY: "2026-01-02", FactKind.BIRTH: "1990",
    FactKind.TEXTS: ["x"], FactKind.BYTES: "AAEC",
}  # fmt: skip


def whole(code: str) -> dict[str, Any]:
    """Return an answer that states all that a register may state, each list with two records."""
    return {
        "SoDinhDanh": NUMBER,
        **{
            name: [{part: SAMPLES[each] for part, each in kind.items()} for _ in range(2)]
            if isinstance(kind, Mapping)
            else SAMPLES[kind]
            for name, kind in SHAPES[code].items()
        },
    }


def answer(data: Any) -> dict[str, Any]:
    return {"MaYeuCau": "src_1", "ThoiDiemCapNhat": NOON.isoformat(), "DuLieu": data}


PARTS = [(code, name) for code, names in REQUIRED.items() for name in sorted(names) if "." in name]


@pytest.mark.parametrize(("code", "name"), PARTS)
def test_a_record_without_a_part_that_it_needs_is_not_believed(code: str, name: str) -> None:
    """What a plug-in judges by: a licence without a state is neither good nor bad."""
    records, part = name.split(".")
    data = whole(code)
    assert part in judged(answer(data), code).values[records][1]
    for gone in ({part: None}, None):
        lacking = dict(data[records][1]) | (gone or {})
        if gone is None:
            del lacking[part]
        with pytest.raises(Lying) as lie:
            judged(answer({**data, records: [data[records][0], lacking]}), code)
        assert (lie.value.reason, lie.value.fact) == ("fact_missing", name)
    assert judged(answer({**data, records: []}), code).values[records] == ()


@given(body=st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_an_object_or_refused(body: bytes) -> None:
    with contextlib.suppress(Lying):
        assert isinstance(parse(body), dict)


@given(data=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8) | VALUES, moment=MOMENTS, code=CODES)
def test_well_formed_envelope_around_anything_is_judged(data: Any, moment: Any, code: str) -> None:
    stated = {"SoDinhDanh": NUMBER, "enterprise_code": NUMBER} | data if isinstance(data, dict) else data
    try:
        facts = judged({"MaYeuCau": "src_1", "ThoiDiemCapNhat": moment, "DuLieu": stated}, code)
    except (Lying, Unknown):
        return
    assert facts.values.keys() <= SHAPES[code].keys() | {"full_name"}
    assert all(isinstance(value, (str, int, bool, date, bytes, tuple)) for value in facts.values.values())
    assert facts.as_of.year >= 1900


@given(said=st.dictionaries(st.text(max_size=20), VALUES, max_size=5), code=CODES)
def test_answer_that_does_not_repeat_the_question_is_never_believed(said: dict[str, Any], code: str) -> None:
    with pytest.raises(Lying) as lie:
        judged(said, code)
    assert lie.value.reason == "another_answer"
