"""Whatever a partner sends, judging it ends in facts of the declared kinds, or in one of two refusals."""

import contextlib
import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import NOON
from wallet.sources.answers import Lying, Unknown, judge, parse
from wallet.sources.base import RegisterCode
from wallet.sources.shapes import REQUIRED, SHAPES

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


@given(answer=st.dictionaries(st.text(max_size=20), VALUES, max_size=5), code=CODES)
def test_answer_that_does_not_repeat_the_question_is_never_believed(answer: dict[str, Any], code: str) -> None:
    with pytest.raises(Lying) as lie:
        judged(answer, code)
    assert lie.value.reason == "another_answer"
