"""Driving licence: which licences are shown, to whom what, for how long, and what ends the document."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.utilities.asking import AN, NOW, case_of, claims_of, faults_of, texts_of, view
from wallet.errors import InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import Case, Source
from wallet.utilities.driving_licence import LICENCE, utility
from wallet.utilities.paper import full_claims

CAR = {
    "licence_number": "010115001234",
    "classes": ("B", "A1"),
    "issued_on": date(2020, 3, 2),
    "expires_on": date(2030, 3, 2),
    "issued_by": "Sở Giao thông vận tải Hà Nội",
    "points": 12,
    "state": "valid",
}
BIKE = {name: CAR[name] for name in ("issued_on", "issued_by", "state")} | {
    "licence_number": "010109005678",
    "classes": ("A1",),
}


def case(licence_number: str = "010115001234", /, *others: dict[str, Any], **changes: Any) -> Case:
    record = {"full_name": "NGUYEN VAN AN", "birth_date": AN["birth_date"], "licences": ({**CAR, **changes}, *others)}
    return case_of(utility, {"licence_number": licence_number}, {Source.DRIVING_LICENCES: record})


def test_it_states_the_chosen_licence_and_no_other() -> None:
    claims = claims_of(utility, case("010109005678", BIKE))
    assert claims["classes"] == ("A1",)
    assert "points" not in claims
    assert "full_points" not in claims
    assert "010115001234" not in str(claims)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "old_paper"}, "old_paper"),
        ({"state": "held"}, "licence_held"),
        ({"state": "revoked"}, "licence_revoked"),
        ({"state": "suspended"}, "state_unknown"),
        ({"state": "Đang bị tước quyền sử dụng"}, "state_unknown"),
        ({"state": "VALID"}, "state_unknown"),
        ({"state": ""}, "state_unknown"),
        ({"expires_on": date(2026, 11, 19)}, "expired"),
        ({"state": "old_paper", "expires_on": date(2026, 11, 19)}, "old_paper"),
    ],
)
def test_what_may_not_be_used_is_refused(changes: dict[str, Any], code: str) -> None:
    assert faults_of(utility, case(**changes)) == {"/answers/licence_number": code}


def test_one_licence_refused_leaves_the_other_usable() -> None:
    assert faults_of(utility, case("010109005678", BIKE, state="revoked")) == {}


def test_the_last_day_counts() -> None:
    assert faults_of(utility, case(expires_on=date(2026, 11, 20))) == {}


def test_somebody_elses_number_is_refused_like_one_that_does_not_exist() -> None:
    assert faults_of(utility, case("010115009999")) == {"/answers/licence_number": "not_yours"}


@pytest.mark.parametrize("points", [-1, 13])
def test_points_that_the_law_does_not_know_are_refused(points: int) -> None:
    assert faults_of(utility, case(points=points)) == {"/claims/points": "impossible_points"}


def test_no_points_left_is_stated() -> None:
    assert claims_of(utility, case(points=0))["points"] == 0


@pytest.mark.parametrize("typed", [{}, {"licence_number": ""}, {"licence_number": "1" * 21}, {"licence_number": 5}])
def test_a_form_that_names_no_licence_is_refused(typed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, typed)
    assert list(caught.value.fields) == ["/answers/licence_number"]


@pytest.mark.parametrize(
    ("expires_on", "last"),
    [(date(2026, 12, 1), date(2026, 12, 1)), (date(2030, 3, 2), date(2027, 11, 20)), (None, date(2027, 11, 20))],
)
def test_it_ends_with_the_licence_and_never_later_than_a_year(expires_on: date | None, last: date) -> None:
    claims = {"expires_on": expires_on} if expires_on else {}
    today = date(2026, 11, 20)
    assert LICENCE.until(Case(NOW, today, claims=claims)) == last
    assert last <= today + timedelta(days=365)


def test_traffic_police_see_no_personal_number() -> None:
    seen = view(utility, claims_of(utility, case()), "traffic_police")
    assert {"full_name", "licence_number", "classes", "points", "full_points", "expires_on", "state"} <= set(seen)
    assert AN["number"] not in str(seen)


@pytest.mark.parametrize(
    "changes",
    [{"points": 8}, {"state": "held"}, {"state": "suspended"}, {"expires_on": date(2026, 12, 1)}, {"classes": ("B",)}],
)
def test_a_change_of_this_licence_ends_the_document(changes: dict[str, Any]) -> None:
    stated = full_claims(LICENCE, claims_of(utility, case()))
    assert LICENCE.void_if(stated, case(**changes))


def test_another_licence_ends_no_document_and_a_licence_that_is_gone_does() -> None:
    stated = full_claims(LICENCE, claims_of(utility, case()))
    assert not LICENCE.void_if(stated, case())
    assert not LICENCE.void_if(stated, case("010109005678", BIKE))
    assert LICENCE.void_if(stated, case(licence_number="010115000000"))
    assert LICENCE.void_if(stated, Case(NOW, date(2026, 11, 20)))


def test_the_words_for_an_old_paper_licence_say_how_to_exchange_it() -> None:
    assert "đổi" in texts_of(utility)["vi"]["reasons"]["old_paper"]
    assert "Exchange" in texts_of(utility)["en"]["reasons"]["old_paper"]


@pytest.mark.parametrize(("day", "version"), [(date(2026, 6, 30), "2024-07"), (date(2026, 7, 1), "2026-07")])
def test_rules_change_with_the_law(day: date, version: str) -> None:
    assert utility.rules_on(day).version == version
    assert utility.rules_on(day).deadline.at_once


@pytest.mark.parametrize(("name", "matches"), [("nguyen van an", True), ("NGUYEN VAN ANH", False)])
def test_the_register_is_linked_by_name_and_birth_date(name: str, matches: bool) -> None:
    found = case()
    record = {**found.facts[Source.DRIVING_LICENCES], "full_name": name}
    assert utility.link is not None
    assert utility.link.matches({**found.facts, Source.DRIVING_LICENCES: record}) is matches
