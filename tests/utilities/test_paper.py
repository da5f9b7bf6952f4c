"""From claims to a code: only what the utility declares for paper, each kind in its compact form."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import reader
from tests.utilities.plugins import PAPER
from wallet.crypto import cbor
from wallet.formats import compact_values as wire
from wallet.utilities.base import Claim, Kind, Paper
from wallet.utilities.paper import compact_claims, compact_value, full_claims

EVERY = (
    Claim(1, "name", paper=Paper.REQUIRED),
    Claim(2, "since", Kind.DAY, paper=Paper.SHOWN),
    Claim(3, "hidden", paper=Paper.HIDDEN),
    Claim(4, "members", Kind.RECORDS, paper=Paper.SHOWN),
    Claim(5, "languages", Kind.LIST, paper=Paper.SHOWN),
    Claim(6, "permanent", Kind.BOOL, paper=Paper.SHOWN),
    Claim(7, "count", Kind.INT, paper=Paper.SHOWN),
    Claim(8, "at", Kind.TIME, paper=Paper.SHOWN),
)
DOCUMENT = replace(PAPER, claims=EVERY)
CLAIMS: dict[str, Any] = {
    "name": "Nguyễn Văn An",
    "since": date(1969, 12, 31),
    "hidden": "secret",
    "members": ({"full_name": "Lê Thị Hòa", "birth_date": date(1992, 3, 8), "more": ({"since": date(2020, 1, 2)},)},),
    "languages": ("vi", "en"),
    "permanent": False,
    "count": 0,
    "at": datetime(2026, 3, 2, 5, 0, 1, tzinfo=UTC),
}


def test_paper_shows_what_is_declared_for_it() -> None:
    assert compact_claims(DOCUMENT, CLAIMS) == {
        1: "Nguyễn Văn An",
        2: -1,
        5: ["vi", "en"],
        6: False,
        7: 0,
        8: 1772427601,
    }


def test_least_is_what_is_required_alone() -> None:
    assert compact_claims(DOCUMENT, CLAIMS, least=True) == {1: "Nguyễn Văn An"}


def test_absent_claims_are_left_out_and_false_ones_stay() -> None:
    assert compact_claims(DOCUMENT, {"name": "A"}) == {1: "A"}
    assert full_claims(DOCUMENT, {"name": "A", "permanent": False, "count": 0}) == {
        "name": "A",
        "permanent": False,
        "count": 0,
    }


def test_claims_nobody_declared_go_nowhere() -> None:
    assert compact_claims(DOCUMENT, {"name": "A", "number": "012345678901"}) == {1: "A"}
    assert full_claims(DOCUMENT, {"name": "A", "number": "012345678901"}) == {"name": "A"}


def test_full_claims_are_json_with_days_as_text() -> None:
    assert full_claims(DOCUMENT, CLAIMS) == {
        "name": "Nguyễn Văn An",
        "since": "1969-12-31",
        "hidden": "secret",
        "members": [{"full_name": "Lê Thị Hòa", "birth_date": "1992-03-08", "more": [{"since": "2020-01-02"}]}],
        "languages": ["vi", "en"],
        "permanent": False,
        "count": 0,
        "at": 1772427601,
    }


def test_year_alone_stays_a_year() -> None:
    assert compact_claims(DOCUMENT, {"since": "1948"}) == {2: "1948"}
    assert full_claims(DOCUMENT, {"since": "1948"}) == {"since": "1948"}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(1970, 1, 1), 0),
        (date(1970, 1, 2), 1),
        (date(1969, 12, 31), -1),
        (date(1900, 1, 1), -25567),
        (date(2024, 2, 29), 19782),
        (date(9999, 12, 31), 2932896),
    ],
)
def test_day_counts_from_1970(day: date, expected: int) -> None:
    assert compact_value(Kind.DAY, day) == expected


def test_time_is_the_same_in_every_zone() -> None:
    moment = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    for offset in (-11, 0, 7, 14):
        zone = timedelta(hours=offset)
        there = moment.astimezone(timezone(zone))
        assert compact_value(Kind.TIME, there) == 1772427600


VALUES = st.one_of(
    st.tuples(st.just(Kind.TEXT), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)),
    st.tuples(st.just(Kind.DAY), st.dates()),
    st.tuples(st.just(Kind.DAY), st.integers(1000, 9999).map(str)),
    st.tuples(st.just(Kind.INT), st.integers(-(2**53) + 1, 2**53 - 1)),
    st.tuples(st.just(Kind.BOOL), st.booleans()),
    st.tuples(st.just(Kind.LIST), st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=5)),
)


@given(VALUES)
def test_every_value_goes_through_cbor_as_wire_md_has_it(both: tuple[Kind, Any]) -> None:
    kind, value = both
    compact = compact_value(kind, value)
    assert compact == wire.compact_value(str(kind), value)
    data = cbor.encode({1: compact})
    assert cbor2.loads(data) == reader.parse_cbor(data) == {1: compact}
    assert type(reader.parse_cbor(data)[1]) is type(compact)
