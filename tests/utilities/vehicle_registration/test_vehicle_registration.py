"""Vehicle registration: which vehicle, what a roadside check sees of it, and what ends the document."""

from datetime import date
from typing import Any

import pytest

from tests.utilities.asking import AN, NOW, case_of, claims_of, faults_of, view
from wallet.errors import InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import Case, Source
from wallet.utilities.paper import full_claims
from wallet.utilities.vehicle_registration import REGISTRATION, partly, utility

CAR = {
    "plate": "30A-123.45",
    "kind": "car",
    "brand": "Toyota",
    "model": "Vios",
    "colour": "Trắng",
    "chassis_number": "RL4XW43G5K9012345",
    "engine_number": "2NRX123456",
    "registered_on": date(2019, 8, 15),
    "registered_by": "Phòng Cảnh sát giao thông, Công an thành phố Hà Nội",
    "state": "valid",
}
BIKE = {**CAR, "plate": "29-B1 123.45", "kind": "motorcycle", "brand": "Honda", "chassis_number": "RLHJA3901CY000001"}


def case(plate: str = "30A-123.45", /, *others: dict[str, Any], **changes: Any) -> Case:
    record = {"full_name": "Nguyen Van An", "birth_date": AN["birth_date"], "vehicles": ({**CAR, **changes}, *others)}
    return case_of(utility, {"plate": plate}, {Source.VEHICLES: record})


def test_it_states_the_chosen_vehicle_and_no_other() -> None:
    claims = claims_of(utility, case("29-B1 123.45", BIKE))
    assert (claims["plate"], claims["kind"], claims["brand"]) == ("29-B1 123.45", "Xe mô tô, xe gắn máy", "Honda")
    assert "Toyota" not in str(claims)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "cancelled"}, "registration_cancelled"),
        ({"state": "held"}, "registration_held"),
        ({"state": "suspended"}, "state_unknown"),
        ({"state": "Đang bị tạm dừng"}, "state_unknown"),
        ({"state": ""}, "state_unknown"),
        ({"expires_on": date(2026, 11, 19)}, "expired"),
    ],
)
def test_a_registration_that_does_not_count_is_refused(changes: dict[str, Any], code: str) -> None:
    assert faults_of(utility, case(**changes)) == {"/answers/plate": code}


@pytest.mark.parametrize("plate", ["30A-999.99", "30a-123.45", "30A12345", "29-B1 123.45"])
def test_a_plate_that_is_not_among_the_persons_is_refused(plate: str) -> None:
    assert faults_of(utility, case(plate)) == {"/answers/plate": "not_yours"}


def test_a_registration_of_tomorrow_is_refused() -> None:
    assert faults_of(utility, case(registered_on=date(2026, 11, 21))) == {"/claims/registered_on": "in_future"}
    assert faults_of(utility, case(registered_on=date(2026, 11, 20))) == {}


@pytest.mark.parametrize("typed", [{}, {"plate": None}, {"plate": "x" * 21}, {"plate": "30A-123.45", "owner": "An"}])
def test_a_form_that_names_no_plate_or_more_is_refused(typed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse(utility.form, typed)


def test_traffic_police_see_the_end_of_the_chassis_number_only() -> None:
    seen = view(utility, claims_of(utility, case()), "traffic_police")
    assert seen["chassis_end"] == "***********012345"
    assert CAR["chassis_number"] not in str(seen)
    assert CAR["engine_number"] not in str(seen)
    assert AN["number"] not in str(seen)


@pytest.mark.parametrize(("number", "seen"), [("", ""), ("A", "*"), ("ABCDE", "***DE"), ("A" * 12, "******AAAAAA")])
def test_of_a_short_number_no_more_than_half_is_readable(number: str, seen: str) -> None:
    assert partly(number) == seen


def test_it_ends_with_a_registration_that_ends() -> None:
    today = date(2026, 11, 20)
    assert REGISTRATION.until(Case(NOW, today, claims={"expires_on": date(2026, 12, 31)})) == date(2026, 12, 31)
    assert REGISTRATION.until(Case(NOW, today)) == date(2027, 11, 20)


@pytest.mark.parametrize("changes", [{"colour": "Đỏ"}, {"state": "cancelled"}, {"plate": "30A-543.21"}])
def test_a_change_of_this_vehicle_ends_the_document(changes: dict[str, Any]) -> None:
    stated = full_claims(REGISTRATION, claims_of(utility, case()))
    assert REGISTRATION.void_if(stated, case(**changes))


def test_a_second_vehicle_ends_no_document() -> None:
    stated = full_claims(REGISTRATION, claims_of(utility, case()))
    assert not REGISTRATION.void_if(stated, case("29-B1 123.45", BIKE))
