"""Whom a launch is for: shares that only grow, plans that can be compared, people who are in or out with a reason."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import InvalidInput, Unavailable
from wallet.launching.audience import (
    MOST_TESTERS,
    WHOLE,
    Audience,
    Plan,
    check_audience,
    newer_or_same,
    place_of,
    widens,
)
from wallet.launching.judging import MISSING, Rule, Visitor, explain, judge, judge_or_tell
from wallet.launching.rollout import EXPLAIN_PURPOSES
from wallet.launching.states import LIMITED, NEXT, LaunchState
from wallet.places import provinces
from wallet.texts.catalogue import catalogue
from wallet.web.availability import LEVEL_TOO_LOW, NOT_FOR_WARDS

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
OFF, SANDBOX, PILOT, OPEN, PAUSED, RETIRED = LaunchState
PLACES = ("01", "46", "79")
ids = st.integers(0, 2**128 - 1).map(lambda number: f"hld_{number:032x}")
moments = st.sampled_from([NOW + timedelta(days=days) for days in (-2, -1, 0, 1, 2)])
audiences = st.builds(
    Audience,
    provinces=st.frozensets(st.sampled_from(PLACES)),
    permille=st.none() | st.integers(0, WHOLE),
    testers=st.frozensets(st.sampled_from(["acc_a", "acc_b", "acc_c"])),
    from_at=st.none() | moments,
    until_at=st.none() | moments,
    app_version=st.none() | st.sampled_from(["1", "2.1", "2.10"]),
)
plans = st.builds(Plan, state=st.sampled_from(LaunchState), audience=audiences)
visitors = st.builds(
    Visitor,
    holder_id=ids,
    account_id=st.sampled_from(["acc_a", "acc_b", "acc_z"]),
    now=moments,
    province=st.sampled_from([None, *PLACES, "92"]),
    app_version=st.sampled_from([None, "1", "2.1", "2.9", "2.10", "not a version"]),
)


def never() -> str | None:
    raise AssertionError("the register was asked although nothing depends on it")


def visitor(**known: Any) -> Visitor:
    return replace(Visitor("hld_" + "1" * 32, "acc_z", NOW, province="01", app_version="3"), **known)


# --- the share --------------------------------------------------------------------------------------------------


@given(holder_id=ids, small=st.integers(0, WHOLE), more=st.integers(0, WHOLE))
def test_whoever_is_in_a_share_is_in_every_larger_one(holder_id: str, small: int, more: int) -> None:
    shares = sorted((small, more))
    inside = [
        judge("residence", Plan(PILOT, Audience(permille=share)), visitor(holder_id=holder_id)).available
        for share in shares
    ]
    assert inside != [True, False]


@given(holder_id=ids, code=st.text(min_size=1, max_size=20))
def test_place_is_for_ever_the_same_and_within_a_thousand(holder_id: str, code: str) -> None:
    assert place_of(code, holder_id) == place_of(code, holder_id)
    assert 0 <= place_of(code, holder_id) < WHOLE


def test_place_of_a_known_holder_does_not_move_with_a_release() -> None:
    """Whoever changes the hash takes the pilot away from those who have it."""
    assert [place_of("residence", f"hld_{n:032x}") for n in range(5)] == PLACES_OF_FIVE


PLACES_OF_FIVE = [464, 478, 965, 337, 803]


def test_places_are_spread_evenly() -> None:
    """Chi squared over 100 classes of 20,000 holders: below 160 with 99.99 % of all even spreads (99 degrees)."""
    people = 20_000
    for code in ("residence", "judicial_record"):
        found = Counter(place_of(code, f"hld_{number:032x}") // 10 for number in range(people))
        even = people / 100
        assert sum((found[group] - even) ** 2 / even for group in range(100)) < 160


def test_share_is_as_large_as_it_says() -> None:
    people = [f"hld_{number:032x}" for number in range(20_000)]
    for permille in (1, 50, 125, 500, 999):
        inside = sum(place_of("residence", holder_id) < permille for holder_id in people)
        assert abs(inside / len(people) - permille / WHOLE) < 0.01


def test_those_who_are_first_for_one_utility_are_not_for_another() -> None:
    people = [f"hld_{number:032x}" for number in range(20_000)]
    first = {each for each in people if place_of("residence", each) < 100}
    both = {each for each in first if place_of("health_book", each) < 100}
    assert 100 < len(both) < 300  # a tenth of a tenth of 20,000, give or take


# --- who is in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [OFF, PAUSED, RETIRED])
def test_nobody_is_in_what_takes_nothing(state: LaunchState) -> None:
    found = judge("residence", Plan(state, Audience(testers=frozenset({"acc_z"}))), visitor(province=never))
    assert (found.available, found.decided_by, found.missing) == (False, Rule.STATE, str(state))


def test_everybody_is_in_what_is_open_and_nothing_is_asked() -> None:
    assert judge("residence", Plan(OPEN), visitor(province=never, app_version=None)).available


def test_sandbox_is_for_its_testers_alone() -> None:
    plan = Plan(SANDBOX, Audience(testers=frozenset({"acc_t"})))
    assert judge("residence", plan, visitor(account_id="acc_t", province=never)).available
    found = judge("residence", plan, visitor(province=never))
    assert (found.available, found.missing) == (False, "testers_only")


REFUSED: tuple[tuple[Audience, dict[str, Any], str], ...] = (
    (Audience(from_at=NOW + timedelta(seconds=1)), {}, "not_begun"),
    (Audience(until_at=NOW), {}, "over"),
    (Audience(app_version="3.0.1"), {}, "app_too_old"),
    (Audience(app_version="1"), {"app_version": None}, "app_too_old"),
    (Audience(app_version="1"), {"app_version": "1; DROP"}, "app_too_old"),
    (Audience(permille=0), {}, "not_drawn"),
    (Audience(provinces=frozenset({"79"})), {}, "other_province"),
    (Audience(provinces=frozenset({"79"})), {"province": None}, "province_unknown"),
    (Audience(provinces=frozenset({"01"}), permille=0), {}, "not_drawn"),
    (Audience(provinces=frozenset({"01"}), until_at=NOW), {}, "over"),
)


@pytest.mark.parametrize(("audience", "known", "missing"), REFUSED)
def test_pilot_keeps_out_whom_one_part_leaves_out(audience: Audience, known: dict[str, Any], missing: str) -> None:
    found = judge("residence", Plan(PILOT, audience), visitor(**known))
    assert (found.available, found.missing) == (False, missing)


def test_edges_of_a_window_are_its_first_moment_and_the_first_one_after() -> None:
    plan = Plan(PILOT, Audience(from_at=NOW, until_at=NOW + timedelta(hours=1)))
    for seconds, inside in ((-1, False), (0, True), (3599, True), (3600, False)):
        assert judge("residence", plan, visitor(now=NOW + timedelta(seconds=seconds))).available is inside


def test_tester_is_in_besides_province_and_share_but_not_out_of_time() -> None:
    parts = Audience(provinces=frozenset({"79"}), permille=0, testers=frozenset({"acc_z"}))
    assert judge("residence", Plan(PILOT, parts), visitor(province=never)).decided_by is Rule.TESTER
    for more in ({"until_at": NOW}, {"app_version": "9"}):
        assert not judge("residence", Plan(PILOT, replace(parts, **more)), visitor()).available


def test_province_is_asked_for_last_and_only_where_it_decides() -> None:
    for audience in (Audience(permille=0), Audience(permille=WHOLE), Audience(until_at=NOW), Audience(app_version="9")):
        judge("residence", Plan(PILOT, audience), visitor(province=never))
    with_place = Audience(provinces=frozenset({"01"}), permille=0)
    assert judge("residence", Plan(PILOT, with_place), visitor(province=never)).missing == "not_drawn"


def down() -> str | None:
    raise Unavailable("source_unavailable")


def test_register_that_is_down_lets_nobody_in_and_says_so() -> None:
    plan = Plan(PILOT, Audience(provinces=frozenset({"01"})))
    with pytest.raises(Unavailable):
        judge("residence", plan, visitor(province=down))
    found = judge_or_tell("residence", plan, visitor(province=down))
    assert (found.available, found.missing) == (False, "source_unavailable")
    line = next(line for line in explain("residence", plan, visitor(province=down)).lines if line.rule is Rule.PROVINCE)
    assert (line.applies, line.holds) == (True, None)


@pytest.mark.parametrize(
    ("version", "least", "reaches"),
    [
        ("2.10", "2.9", True),
        ("2.9", "2.10", False),
        ("2", "2.0.0", True),
        ("2.0.0.1", "2", True),
        ("1.99.99", "2", False),
        ("", "0", False),
        ("2.", "1", False),
        ("v2", "1", False),
        ("٣", "1", False),
        ("1.2.3.4.5", "1", False),
        ("9999999", "1", False),
    ],
)
def test_versions_are_numbers_between_points(version: str, least: str, reaches: bool) -> None:
    assert newer_or_same(version, least) is reaches


@given(plan=plans, who=visitors)
def test_explanation_agrees_with_the_decision(plan: Plan, who: Visitor) -> None:
    found, decided = explain("residence", plan, who), judge("residence", plan, who)
    assert found.availability == decided
    wrong = [line.rule for line in found.lines if line.applies and not line.holds and line.rule is not Rule.TESTER]
    if decided.available:
        assert wrong == []
    elif plan.state is not SANDBOX:
        assert decided.decided_by in wrong
    assert found.seen_from == place_of("residence", who.holder_id) + 1


def test_every_reason_has_words_and_there_is_no_other() -> None:
    for language in ("vi", "en"):
        assert catalogue(language)["availability"].keys() == {*MISSING, LEVEL_TOO_LOW, NOT_FOR_WARDS}
        purposes = {*EXPLAIN_PURPOSES, "check_pilot", "explain_launch", "plan_launch"}
        assert purposes <= catalogue(language)["purposes"].keys()


# --- what widens ------------------------------------------------------------------------------------------------


@given(before=plans, after=plans, who=visitors)
def test_what_does_not_widen_lets_nobody_in_who_was_out(before: Plan, after: Plan, who: Visitor) -> None:
    """The heart of the second person: in doubt it may say that a change widens, never the other way round."""
    let_in = judge("residence", after, who).available and not judge("residence", before, who).available
    assert widens(before, after) or not let_in


@given(plan=plans)
def test_nothing_widens_itself(plan: Plan) -> None:
    assert not widens(plan, plan)


NARROWER: tuple[tuple[Audience, Audience], ...] = (
    (Audience(permille=100), Audience(permille=50)),
    (Audience(), Audience(permille=999)),
    (Audience(provinces=frozenset({"01", "46"})), Audience(provinces=frozenset({"01"}))),
    (Audience(permille=100), Audience(permille=100, provinces=frozenset({"01"}))),
    (Audience(from_at=NOW), Audience(from_at=NOW + timedelta(days=1))),
    (Audience(permille=10), Audience(permille=10, until_at=NOW)),
    (Audience(until_at=NOW), Audience(until_at=NOW - timedelta(days=1))),
    (Audience(app_version="2.9"), Audience(app_version="2.10")),
    (Audience(permille=5, testers=frozenset({"acc_a", "acc_b"})), Audience(permille=5, testers=frozenset({"acc_a"}))),
)


@pytest.mark.parametrize(("wide", "narrow"), NARROWER)
def test_narrowing_is_seen_and_its_way_back_widens(wide: Audience, narrow: Audience) -> None:
    assert not widens(Plan(PILOT, wide), Plan(PILOT, narrow))
    assert widens(Plan(PILOT, narrow), Plan(PILOT, wide))


def test_to_open_widens_from_everywhere_else_and_nothing_widens_what_is_open() -> None:
    for state in LaunchState:
        assert widens(Plan(state, Audience(permille=1)), Plan(OPEN)) is (state is not OPEN)
        assert not widens(Plan(OPEN), Plan(state, Audience(permille=1)))


# --- what an audience may be ------------------------------------------------------------------------------------

WRONG: tuple[tuple[LaunchState, Audience, dict[str, str]], ...] = (
    (PILOT, Audience(), {"/audience": "pilot_limits_nothing"}),
    (PILOT, Audience(testers=frozenset({"acc_a"})), {"/audience": "pilot_limits_nothing"}),
    (PILOT, Audience(provinces=frozenset({"00"})), {"/audience/provinces/0": "unknown_province"}),
    (PILOT, Audience(provinces=frozenset({"01", "02", "99"})), {
        "/audience/provinces/1": "unknown_province",
        "/audience/provinces/2": "unknown_province",
    }),
    (PILOT, Audience(permille=-1), {"/audience/percent": "out_of_range"}),
    (PILOT, Audience(permille=1001), {"/audience/percent": "out_of_range"}),
    (PILOT, Audience(until_at=NOW), {"/audience/until": "ends_before_it_begins"}),
    (PILOT, Audience(from_at=NOW, until_at=NOW), {"/audience/until": "ends_before_it_begins"}),
    (PILOT, Audience(from_at=NOW - timedelta(days=2), until_at=NOW), {"/audience/until": "already_past"}),
    (PILOT, Audience(app_version="two"), {"/audience/minimum_app_version": "invalid_format"}),
    (PILOT, Audience(permille=1, testers=frozenset(f"acc_{n}" for n in range(MOST_TESTERS + 1))), {
        "/audience/testers": "invalid_length",
    }),
    (SANDBOX, Audience(), {"/audience/testers": "testers_needed"}),
    (SANDBOX, Audience(provinces=frozenset({"01"}), permille=5), {
        "/audience/provinces": "not_for_sandbox",
        "/audience/percent": "not_for_sandbox",
        "/audience/testers": "testers_needed",
    }),
)  # fmt: skip


@pytest.mark.parametrize(("state", "audience", "fields"), WRONG)
def test_audience_that_means_nothing_is_refused_with_every_fault(
    state: LaunchState, audience: Audience, fields: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_audience(state, audience, NOW)
    assert caught.value.fields == fields
    for language in ("vi", "en"):
        assert set(fields.values()) <= catalogue(language)["fields"].keys()


def test_every_province_in_force_may_be_piloted_and_an_old_one_not() -> None:
    assert len(provinces()) == 34
    check_audience(PILOT, Audience(provinces=frozenset(provinces())), NOW)
    with pytest.raises(InvalidInput):  # Hà Giang, part of Tuyên Quang since 1 July 2025
        check_audience(PILOT, Audience(provinces=frozenset({"02"})), NOW)


@given(plan=plans)
def test_plan_that_is_written_down_is_the_plan_that_is_read(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


def test_states_lead_somewhere_but_for_the_last() -> None:
    assert NEXT.keys() == set(LaunchState)
    assert NEXT[RETIRED] == frozenset()
    for state, following in NEXT.items():
        assert state not in following
        assert state is RETIRED or RETIRED in following
    assert {PILOT, SANDBOX} == LIMITED
    assert PAUSED not in NEXT[OFF], "what was never launched cannot be paused"
