"""Birth, residence and insurance of a child under six as one request: who may ask, what each agency enters."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from tests.utilities.asking import AN, MAI, case_of, claims_of, faults_of, view
from wallet.errors import ClaimsRejected, InvalidInput
from wallet.utilities import stating
from wallet.utilities.answering import parse
from wallet.utilities.base import LINKED, By, Case, Source
from wallet.utilities.birth_linked import ENTERED, RESULT, other_parent, utility

NOTICE = {
    "notice_id": "CS-2026-000123",
    "child_name": "Nguyễn Trần Bảo An",
    "born_on": date(2026, 11, 10),
    "born_at_place": "Phường Cầu Giấy, Thành phố Hà Nội",
    "sex": "Nữ",
    "mother_number": MAI["number"],
    "father_number": AN["number"],
    "hospital": "Bệnh viện Phụ sản mẫu Hà Nội",
    "state": "notified",
}
HOME = "Số 12, ngõ 34, đường Nguyễn Khang, Phường Cầu Giấy, Thành phố Hà Nội"
TYPED = {"notice_id": "CS-2026-000123", "residence_with": "mother", "first_care_facility": "Trạm y tế Phường Cầu Giấy"}
STEPS = {
    "birth_registration": {"registration_number": "125/2026", "child_number": "099326000123"},
    "permanent_residence": {"residence_address": HOME, "residence_registered_on": "2026-11-19"},
    "health_insurance": {"card_number": "TE1010123456789"},
}


def case(
    *without: str,
    person: Any = MAI,
    notice: Any = None,
    steps: Any = STEPS,
    home: Any = None,
    **changes: Any,
) -> Case:
    births = ({name: value for name, value in {**NOTICE, **(notice or {})}.items() if name not in without},)
    residence = {"permanent_address": HOME} if home is None else home
    facts = {Source.CIVIL_STATUS: {"births": births, "marriages": ()}, Source.RESIDENCE: residence}
    return case_of(utility, {**TYPED, **changes}, facts, person=person, steps=steps)


def faults_to_ask(asked: Case) -> dict[str, str]:
    """Return why it makes no request, {} where it does."""
    try:
        utility.accept(asked)
    except InvalidInput as error:
        return error.fields
    return {}


def test_the_document_states_what_all_three_entered() -> None:
    claims = claims_of(utility, case())
    assert claims["child_name"] == "Nguyễn Trần Bảo An"
    assert claims["registration_number"] == "125/2026"
    assert claims["child_number"] == "099326000123"
    assert claims["residence_registered_on"] == date(2026, 11, 19)
    assert claims["card_number"] == "TE1010123456789"


@pytest.mark.parametrize("person", [AN, MAI])
def test_either_parent_may_ask(person: Any) -> None:
    assert faults_of(utility, case(person=person)) == {}


@pytest.mark.parametrize(
    ("notice", "code"),
    [
        ({"mother_number": "099195000099", "father_number": "099090000099"}, "not_a_parent"),
        ({"mother_number": "099195000099", "father_number": "099090000099", "state": "registered"}, "not_a_parent"),
        ({"state": "registered"}, "registered_already"),
        ({"state": "withdrawn"}, "state_unknown"),
        ({"state": ""}, "state_unknown"),
        ({"born_on": date(2020, 11, 20)}, "too_old"),
        ({"born_on": date(2026, 11, 21)}, "in_future"),
        ({"born_on": date(2019, 1, 1)}, "too_old"),
        ({"notice_id": "CS-2026-000124"}, "no_notice"),
    ],
)
def test_a_birth_that_is_not_theirs_to_register_is_refused(notice: dict[str, Any], code: str) -> None:
    assert faults_of(utility, case(notice=notice, steps={})) == {"/answers/notice_id": code}


def test_one_day_before_six_is_not_too_old() -> None:
    assert faults_of(utility, case(notice={"born_on": date(2020, 11, 21)})) == {}


def test_a_child_is_asked_for_once_by_its_notice_and_stays_so_once_it_is_registered() -> None:
    assert utility.once is not None
    assert (utility.once.field, utility.once.of(case(steps={})), utility.once.kept) == (
        "notice_id",
        "CS-2026-000123",
        True,
    )


def test_a_parent_whom_the_notice_names_by_a_former_number_is_one() -> None:
    renumbered = {**MAI, "number": "099195000777", "former_numbers": (MAI["number"],)}
    assert faults_to_ask(case(person=renumbered, steps={})) == {}
    nowhere = case(person=renumbered, steps={}, home={})
    assert faults_to_ask(nowhere) == {"/answers/residence_with": "no_permanent_residence"}
    alone = case("father_number", person=renumbered, steps={}, ask_other_parent=True)
    assert faults_to_ask(alone) == {"/answers/ask_other_parent": "no_other_parent"}, "she is not the other one"
    assert other_parent(case(person=renumbered)) == AN["number"]
    stranger = case(person={**renumbered, "former_numbers": ("099195000776",)}, steps={})
    assert faults_to_ask(stranger) == {"/answers/notice_id": "not_a_parent"}


def test_what_this_request_had_registered_does_not_stop_its_supplement() -> None:
    begun = {"birth_registration": STEPS["birth_registration"]}
    assert faults_to_ask(case(notice={"state": "registered"}, steps=begun)) == {}
    assert faults_to_ask(case(notice={"state": "registered", "mother_number": "099195000099"}, steps=begun)) == {
        "/answers/notice_id": "not_a_parent"
    }


def test_without_a_register_there_is_no_notice() -> None:
    assert faults_of(utility, case_of(utility, TYPED, {}, person=MAI)) == {"/answers/notice_id": "no_notice"}


@pytest.mark.parametrize(
    "name", ["H'Linh  Byă", "Y Thuan Êban", "A", "Rơ Châm H’Nhung", "Nguyễn Lê Trần Ngọc Bảo An", "An " * 9 + "An"]
)
def test_names_of_every_people_are_taken(name: str) -> None:
    assert claims_of(utility, case(child_name=name))["child_name"] == " ".join(name.split())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Nguyễn Аn", "no_name"),
        ("Ɖỗ Mẫu", "no_name"),
        ("Nguyễn Văn 2", "no_name"),
        ("@An", "no_name"),
        ("阮文安", "no_name"),
        ("An " * 10 + "An", "too_many_words"),
    ],
)
def test_what_is_no_name_is_refused(name: str, code: str) -> None:
    assert faults_of(utility, case(child_name=name)) == {"/answers/child_name": code}


def test_a_name_is_asked_only_of_a_notice_without_one_and_may_still_be_changed() -> None:
    assert faults_of(utility, case("child_name")) == {"/answers/child_name": "name_needed"}
    assert claims_of(utility, case("child_name", child_name="Nguyễn An Nhiên"))["child_name"] == "Nguyễn An Nhiên"
    assert claims_of(utility, case(child_name="Nguyễn An Nhiên"))["child_name"] == "Nguyễn An Nhiên"


def test_whose_residence_it_is_must_be_a_parents_who_has_one() -> None:
    none = {"temporary_address": "45 Trần Phú, Phường Nha Trang, Tỉnh Khánh Hòa"}
    why = {"/answers/residence_with": "no_permanent_residence"}
    assert faults_of(utility, case(home=none)) == why
    assert faults_of(utility, case(home=none, residence_with="father")) == {}
    assert faults_of(utility, case("father_number", residence_with="father")) == {
        "/answers/residence_with": "no_such_parent"
    }


def test_every_fault_is_told_at_once() -> None:
    found = faults_of(
        utility, case("father_number", "child_name", notice={"state": "registered"}, residence_with="father", steps={})
    )
    assert found == {
        "/answers/notice_id": "registered_already",
        "/answers/child_name": "name_needed",
        "/answers/residence_with": "no_such_parent",
    }


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("2026-11-09", "not_since_then"),
        ("2026-11-21", "not_since_then"),
        ("2026-02-30", "no_such_day"),
        (date(2026, 11, 9), "not_since_then"),
    ],
)
def test_a_residence_that_cannot_be_is_refused(entered: Any, code: str) -> None:
    residence = {"residence_address": HOME, "residence_registered_on": entered}
    found = faults_of(utility, case(steps={**STEPS, "permanent_residence": residence}))
    assert found == {"/claims/residence_registered_on": code}


@pytest.mark.parametrize("entered", ["2026-11-10", "2026-11-20"])
def test_a_residence_may_be_entered_from_the_day_of_birth_to_today(entered: str) -> None:
    residence = {"residence_address": HOME, "residence_registered_on": entered}
    assert faults_of(utility, case(steps={**STEPS, "permanent_residence": residence})) == {}


def test_a_document_waits_for_all_three() -> None:
    assert faults_of(utility, case(steps={"birth_registration": STEPS["birth_registration"]})) == dict.fromkeys(
        ("/claims/residence_address", "/claims/residence_registered_on", "/claims/card_number"), "missing_in_register"
    )


def test_a_notice_that_is_gone_when_the_last_step_ends_makes_no_document() -> None:
    found = case(child_name="An")
    gone = replace(found, facts={Source.POPULATION: MAI})
    with pytest.raises(ClaimsRejected) as caught:
        stating.claims_of(RESULT, gone)
    assert caught.value.fields["/claims/child_born_on"] == "missing_in_register"


def test_three_agencies_one_after_the_other_each_with_its_clock() -> None:
    first, second, third = utility.steps
    assert [step.agency for step in utility.steps] == ["commune_justice", "commune_police", "social_insurance"]
    assert (first.after, second.after, third.after) == ((), (first.code,), (second.code,))
    deadline = utility.rules_on(date(2026, 11, 20)).deadline
    assert (deadline.working_days, deadline.extended_working_days, deadline.cutoff) == (3, 5, time(15))
    assert sum(step.deadline.working_days for step in utility.steps) == 3
    assert sum(step.deadline.extended_working_days or step.deadline.working_days for step in utility.steps) == 5
    assert {step.code: step.finds for step in utility.steps} == ENTERED


@pytest.mark.parametrize(
    ("step", "found", "wrong"),
    [
        (0, {"registration_number": "125/2026", "child_number": "12"}, {"child_number": "invalid_format"}),
        (0, {"child_number": "099326000123"}, {"registration_number": "required"}),
        (
            1,
            {"residence_address": "", "residence_registered_on": "19/11/2026"},
            {"residence_address": "required", "residence_registered_on": "invalid_format"},
        ),
        (2, {"card_number": "TE9010123456789"}, {"card_number": "invalid_format"}),
        (2, {"card_number": "0123456789", "percent": "100"}, {"percent": "unknown_field"}),
    ],
)
def test_an_agency_enters_what_its_step_finds(step: int, found: dict[str, str], wrong: dict[str, str]) -> None:
    assert utility.steps[step].faults(found) == wrong


def test_any_agency_may_take_the_longer_term_once() -> None:
    (extends,) = [move for move in LINKED.moves if move.extends]
    assert (extends.source, extends.target, extends.lays_out) == ("in_steps", "verifying", False)
    assert LINKED.extended == {"verifying"}


def test_the_other_parents_agreement_may_come_with_it() -> None:
    assert parse(utility.form, {**TYPED, "agreement": [f"evd_{'a' * 32}"]})["agreement"] == (f"evd_{'a' * 32}",)
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, {**TYPED, "agreement": []})
    assert caught.value.fields == {"/answers/agreement": "invalid_length"}


def test_no_officer_issues_it_the_last_step_does() -> None:
    assert utility.lifecycle is LINKED
    assert {move.by for move in utility.lifecycle.moves if move.issues} == {By.STEPS}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"residence_with": "grandmother"}, "residence_with"),
        ({"first_care_facility": ""}, "first_care_facility"),
        ({"born_on": "2026-11-10"}, "born_on"),
        ({"mother_number": MAI["number"]}, "mother_number"),
        ({"child_name": ""}, "child_name"),
    ],
)
def test_a_form_with_a_fault_or_with_what_the_notice_holds_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, {**TYPED, **changes})
    assert list(caught.value.fields) == [f"/answers/{field}"]


def test_a_school_sees_no_insurance_and_a_hospital_no_residence() -> None:
    claims = claims_of(utility, case())
    assert "card_number" not in view(utility, claims, "school")
    assert "residence_address" not in view(utility, claims, "hospital")
    assert MAI["number"] not in str([view(utility, claims, purpose) for purpose in RESULT.views])
