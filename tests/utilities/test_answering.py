"""Answers to a form: which question depends on which answer, also beside entries that nobody can read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import InvalidInput
from wallet.utilities.answering import parse, read, read_again, recall, still_asked
from wallet.utilities.base import Ask, Field

ROW = (Field("kind", Ask.CHOICE, choices=("a", "b")), Field("more", only_if=("kind", ("b",))))
FORM = (Field("rows", Ask.RECORDS, size=(1, 9), fields=ROW), Field("kind", Ask.CHOICE, choices=("a", "b")))
RIGHT = {"kind": "b", "more": "x"}


def faults_of(*rows: Any) -> dict[str, str]:
    try:
        parse(FORM, {"rows": list(rows), "kind": "a"})
    except InvalidInput as error:
        return error.fields
    return {}


@pytest.mark.parametrize("unreadable", [None, 3, "x", [], True, 1.5], ids=repr)
def test_an_entry_that_is_no_record_does_not_shift_what_the_others_are_asked(unreadable: Any) -> None:
    code = "null" if unreadable is None else "invalid_type"
    assert faults_of(unreadable, RIGHT, {"kind": "a"}, RIGHT) == {"/answers/rows/0": code}
    assert faults_of(unreadable, {"kind": "b"}, {"kind": "a", "more": "x"}, RIGHT, unreadable) == {
        "/answers/rows/0": code,
        "/answers/rows/1/more": "required",
        "/answers/rows/2/more": "not_asked",
        "/answers/rows/4": code,
    }


def test_every_record_is_judged_where_there_are_too_many() -> None:
    assert faults_of(*[RIGHT] * 9, {"kind": "b"}) == {
        "/answers/rows": "invalid_length",
        "/answers/rows/9/more": "required",
    }


def test_what_depends_on_an_answer_that_cannot_be_read_is_not_judged() -> None:
    assert faults_of({"kind": "z", "more": "x"}, RIGHT) == {"/answers/rows/0/kind": "not_a_choice"}
    assert faults_of({"kind": "z"}, None, {"more": "x"}) == {
        "/answers/rows/0/kind": "not_a_choice",
        "/answers/rows/1": "null",
        "/answers/rows/2/kind": "required",
        "/answers/rows/2/more": "not_asked",
    }


@pytest.mark.parametrize("rows", [None, {}, "x", 3])
def test_what_is_no_list_is_one_fault(rows: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(FORM, {"rows": rows, "kind": "a"})
    assert list(caught.value.fields) == ["/answers/rows"]


ENTRY = st.one_of(
    st.sampled_from([None, 0, "x", [], {}]),
    st.fixed_dictionaries({}, optional={"kind": st.sampled_from(["a", "b", "z", None]), "more": st.just("x")}),
)


@given(st.lists(ENTRY, min_size=1, max_size=9))
def test_a_record_has_the_same_faults_wherever_it_stands(rows: list[Any]) -> None:
    apart = {}
    for place, row in enumerate(rows):
        apart |= {pointer.replace("/rows/0", f"/rows/{place}"): code for pointer, code in faults_of(row).items()}
    assert faults_of(*rows) == apart


# --- as far as it can be read -----------------------------------------------------------------------------------------

HELD = (Field("kind", Ask.CHOICE, choices=("a", "b")), Field("since", Ask.DAY, held_by=("residence", "since")))


def test_what_can_be_read_is_had_beside_every_fault() -> None:
    answers, faults = read(FORM, {"rows": [RIGHT, {"kind": "z", "more": "x"}, 5], "kind": 3, "none": 1})
    assert answers == {"rows": (RIGHT, {"more": "x"}, {})}
    assert faults == {
        "/answers/rows/1/kind": "not_a_choice",
        "/answers/rows/2": "invalid_type",
        "/answers/kind": "invalid_type",
        "/answers/none": "unknown_field",
    }


def test_what_is_wrong_as_a_whole_is_no_answer() -> None:
    answers, faults = read(FORM, {"rows": [RIGHT] * 10, "kind": "a"})
    assert (answers, faults) == ({"kind": "a"}, {"/answers/rows": "invalid_length"})


@pytest.mark.parametrize(
    ("raw", "held", "faults"),
    [
        ({"kind": "a"}, None, {}),
        ({"kind": "a", "since": "2020-01-02"}, None, {}),
        ({"kind": "a", "since": "x"}, None, {"/answers/since": "invalid_format"}),
        ({"kind": "a"}, frozenset(), {"/answers/since": "required"}),
        ({"kind": "a"}, frozenset({"since"}), {}),
        ({"kind": "a", "since": "2020-01-02"}, frozenset({"since"}), {"/answers/since": "already_held"}),
    ],
)
def test_of_what_a_register_may_hold_nothing_is_said_before_it_is_asked(
    raw: dict[str, Any], held: frozenset[str] | None, faults: dict[str, str]
) -> None:
    answers, found = read(HELD, raw, held=held)
    assert found == faults
    assert answers["kind"] == "a"


@given(st.lists(ENTRY, min_size=1, max_size=9))
def test_every_record_stays_at_its_place(rows: list[Any]) -> None:
    answers, _ = read(FORM, {"rows": rows, "kind": "a"})
    assert len(answers["rows"]) == len(rows)
    for given_row, parsed in zip(rows, answers["rows"], strict=True):
        assert parsed.items() <= (given_row if isinstance(given_row, dict) else {}).items()


# --- Answers that were taken before ----------------------------------------------------------------------------------

OLDER = {"kind": "a", "gone": "x", "rows": [{**RIGHT, "gone": 1}, {"kind": "c", "more": "x"}, 3, RIGHT]}


def test_what_is_not_asked_any_more_is_left_out_also_inside_records() -> None:
    kept = {"kind": "a", "rows": [RIGHT, {"kind": "c", "more": "x"}, 3, RIGHT]}
    assert still_asked(FORM, OLDER) == kept
    assert still_asked(FORM, {"rows": "none"}) == {"rows": "none"}
    assert read_again(FORM, {"kind": "a", "rows": [{"kind": "a", "more": "x"}]})[1] == {}


def test_what_cannot_be_read_any_more_is_told_and_left_out_where_it_is_recalled() -> None:
    assert read_again(FORM, OLDER)[1] == {"/answers/rows/1/kind": "not_a_choice", "/answers/rows/2": "invalid_type"}
    assert recall(FORM, OLDER) == {"kind": "a", "rows": (RIGHT, RIGHT)}
    assert recall(FORM, {"kind": "c", "rows": []}) == {}
    assert recall(FORM, {}) == {}
