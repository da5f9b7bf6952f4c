"""A lodging notice: who may give it, of whom, and what its receipt states. docs/domain.md, sections 4.4 and 4.5."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utilities.lodging_notice.notices import FACTS, NHA_TRANG, NOW, answers, case, guest, hotel, myself
from wallet.errors import AnswersRejected, InvalidInput
from wallet.utilities.base import AccountLevel, AuthLevel, Capacity, Case, Paper
from wallet.utilities.lodging_notice import PLACES, RECEIPT, accept, province_of, until, utility
from wallet.utilities.lodging_notice.guests import is_vietnamese


def refused(told: Case) -> dict[str, str]:
    """Return what accepting a notice says, path below /answers to code; nothing when it is accepted."""
    try:
        accept(told)
    except AnswersRejected as error:
        return {pointer.removeprefix("/answers/"): code for pointer, code in error.fields.items()}
    return {}


def earlier(state: str = "received", typed: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "state": state,
        "submitted_at": NOW - timedelta(days=40),
        "answers": answers(guest(arrived_at="2026-10-10T18:00:00+07:00", leaves_on="2026-10-12"))
        if typed is None
        else typed,
    }


def having_sent(*notices: dict[str, Any]) -> dict[str, Any]:
    return {**FACTS, "own_requests": {"lodging_notice": notices}}


# --- Who, and where -------------------------------------------------------------------------------------------------


def test_level_1_is_enough_and_a_second_factor_is_asked() -> None:
    assert utility.minimum_level is AccountLevel.ONE
    assert utility.minimum_auth is AuthLevel.TWO
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN, Capacity.BUSINESS}


def test_there_are_six_kinds_of_place() -> None:
    assert len(set(PLACES)) == 6


@pytest.mark.parametrize(
    ("declarant", "place", "code"),
    [
        ("guest", "tourist_lodging", "place_notifies"),
        ("guest", "student_dormitory", "place_notifies"),
        ("guest", "medical_facility", "place_notifies"),
        ("household_member", "tourist_lodging", "wrong_declarant"),
        ("household_member", "student_dormitory", "wrong_declarant"),
        ("household_member", "medical_facility", "wrong_declarant"),
        ("lodging_business", "household", "wrong_declarant"),
    ],
)
def test_who_does_not_go_with_the_place_is_refused(declarant: str, place: str, code: str) -> None:
    typed = answers(myself() if declarant == "guest" else guest("relation"), declarant=declarant, place_kind=place)
    if place != "household":
        typed["place_name"] = "Nơi lưu trú Hoa Sen"
    assert refused(case(typed)) == {"declarant": code}


@pytest.mark.parametrize("place", ["tourist_lodging", "student_dormitory", "medical_facility", "rented_rooms", "other"])
def test_a_representative_gives_notice_for_every_kind_of_lodging_place(place: str) -> None:
    typed = hotel(place_kind=place)
    if place == "rented_rooms":
        del typed["place_name"]
    for capacity in (Capacity.SELF, Capacity.BUSINESS):
        assert refused(case(typed, capacity=capacity)) == {}


@pytest.mark.parametrize("declarant", ["household_member", "guest"])
def test_an_organisation_gives_notice_only_as_a_lodging_place(declarant: str) -> None:
    told = case(answers(myself(), declarant=declarant), capacity=Capacity.BUSINESS)
    assert refused(told) == {"declarant": "acts_for_business"}


def test_a_place_that_has_a_name_is_asked_for_it_and_a_household_is_not() -> None:
    with pytest.raises(InvalidInput) as caught:
        case({name: value for name, value in hotel().items() if name != "place_name"})
    assert caught.value.fields == {"/answers/place_name": "required"}
    with pytest.raises(InvalidInput) as caught:
        case(answers(place_name="Nhà bà Hoà"))
    assert caught.value.fields == {"/answers/place_name": "not_asked"}


def test_the_notice_goes_to_the_province_of_the_place_and_not_of_the_declarant() -> None:
    assert province_of(case()) == "01"
    assert province_of(case(hotel())) == "56"
    assert hotel()["place_commune"] == NHA_TRANG
    assert province_of(replace(case(), places={})) == ""


# --- Guests ---------------------------------------------------------------------------------------------------------


def test_no_guest_and_too_many_guests_are_refused_by_the_form() -> None:
    for guests in ([], [guest(document_number=f"0991550{number:05d}") for number in range(201)]):
        with pytest.raises(InvalidInput) as caught:
            case({**answers(), "guests": guests})
        assert caught.value.fields == {"/answers/guests": "invalid_length"}


def test_two_hundred_guests_are_one_notice() -> None:
    guests = [guest("relation", document_number=f"0991550{number:05d}") for number in range(200)]
    told = case(hotel(*guests))
    assert refused(told) == {}
    assert RECEIPT.derive(told)["guest_count"] == 200


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("number", "99155000123", "number_lost_digits"),
        ("number", "155000123", "number_lost_digits"),
        ("number", "0991550001234", "impossible_number"),
        ("number", "09915500012A", "impossible_number"),
        ("number", "000155000123", "impossible_number"),
        ("number", "099399000123", "impossible_number"),
        ("number", "099427000123", "impossible_number"),
        ("number", "9.9155E+10", "impossible_number"),
        ("cmnd", "12345678", "impossible_cmnd"),
        ("cmnd", "0123456789", "impossible_cmnd"),
        ("cmnd", "000000000", "impossible_cmnd"),
        ("passport", "123456789", "impossible_passport"),
        ("passport", "CC123456", "impossible_passport"),
        ("passport", "C123456", "impossible_passport"),
        ("passport", "C123456789", "impossible_passport"),
    ],
)
def test_an_impossible_number_of_a_paper_is_refused(kind: str, number: str, code: str) -> None:
    told = case(answers(guest(document_kind=kind, document_number=number)))
    assert refused(told) == {"guests/0/document_number": code}


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("number", "099155000123"),
        ("number", "0991 5500 0123"),
        ("number", "099226000123"),
        ("cmnd", "012345678"),
        ("passport", "C1234567"),
        ("passport", "p 12345678"),
    ],
)
def test_a_possible_number_is_taken_with_spaces_and_small_letters(kind: str, number: str) -> None:
    told = case(answers(guest(document_kind=kind, document_number=number)))
    assert refused(told) == {}
    assert RECEIPT.derive(told)["guest_list"][0]["document_number"] == number.replace(" ", "").upper()


def test_a_number_that_disagrees_with_birth_and_sex_is_taken() -> None:
    """Dates are corrected and sex is re-determined; the number of birth stays (docs/domain.md, section 3.1)."""
    assert refused(case(answers(guest(birth_date="1961-01-01", sex="male")))) == {}


@pytest.mark.parametrize(
    ("birth", "code"),
    [("2026-11-21", "born_in_future"), ("2027", "born_in_future"), ("1895", "born_too_long_ago")],
)
def test_an_impossible_birth_date_is_refused(birth: str, code: str) -> None:
    assert refused(case(answers(guest(birth_date=birth)))) == {"guests/0/birth_date": code}


@pytest.mark.parametrize("birth", ["1948", "2026", "2026-11-20", "1896"])
def test_a_year_alone_and_a_newborn_are_taken(birth: str) -> None:
    assert refused(case(answers(guest(birth_date=birth)))) == {}


@pytest.mark.parametrize("name", ["Nguyễn Vаn An", "Ðặng Văn An", "Lê <b>Hoà</b>", "12345"])
def test_a_name_that_only_looks_like_one_is_refused(name: str) -> None:
    assert refused(case(answers(guest(full_name=name)))) == {"guests/0/full_name": "suspicious_characters"}


@pytest.mark.parametrize("name", ["Giàng A Pó", "H'Linh Byă", "Y Thuan Êban", "Rơ Châm H’Nhung", "Đớt"])
def test_names_of_every_people_are_taken(name: str) -> None:
    assert refused(case(answers(guest(full_name=name)))) == {}


def test_one_person_twice_in_one_notice_is_refused_at_the_second() -> None:
    told = case(answers(guest(), guest(document_number="0991 5500 0123", full_name="Lê Hoà"), myself(), myself()))
    assert refused(told) == {"guests/1/document_number": "double_guest", "guests/3/is_declarant": "double_guest"}


def test_the_declarant_by_hand_and_by_tick_is_one_person() -> None:
    typed = answers(myself(), guest(document_number="099090123456", full_name="Nguyễn Văn An", relation="none"))
    assert refused(case(typed)) == {"guests/1/document_number": "double_guest"}


def test_a_document_of_another_kind_with_the_same_digits_is_another_person() -> None:
    typed = answers(
        guest(document_kind="cmnd", document_number="123456789"),
        guest(document_kind="passport", document_number="C1234567"),
    )
    assert refused(case(typed)) == {}


# --- Foreigners -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nationality", ["Pháp", "Lào", "Hoa Kỳ", "Trung Quốc", "Việt kiều Mỹ", "Stateless", "VNĐ"])
def test_a_foreigner_is_sent_to_the_other_declaration(nationality: str) -> None:
    told = case(answers(guest(), guest(document_number="099155000124", nationality=nationality)))
    assert refused(told) == {"guests/1/nationality": "foreigner_na17"}


@pytest.mark.parametrize("nationality", ["Việt Nam", "VIỆT NAM", "viet nam", "Vietnam", "VN", "VNM", "Việt  Nam"])
def test_vietnamese_is_written_in_many_ways(nationality: str) -> None:
    assert is_vietnamese(nationality)
    told = case(answers(guest(nationality=nationality)))
    assert refused(told) == {}
    assert RECEIPT.derive(told)["guest_list"][0]["nationality"] == "Việt Nam"


def test_a_foreigner_who_tells_of_themselves_is_sent_there_too() -> None:
    facts = {"population": {**FACTS["population"], "nationality": "Nhật Bản"}}
    told = case(answers(myself(), declarant="guest"), facts=facts)
    assert refused(told) == {"guests/0/nationality": "foreigner_na17"}


def test_the_words_for_foreigners_say_within_what_time_and_where(texts: dict[str, Any]) -> None:
    figures = utility.rules[0].figures
    for language in ("vi", "en"):
        words = texts[language]["reasons"]["foreigner_na17"]
        assert "NA17" in words
        assert "https://xuatnhapcanh.gov.vn" in words
        assert str(figures["foreigner_hours"]) in words
        assert str(figures["foreigner_remote_hours"]) in words


# --- The stay -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrival", "leaves", "field", "code"),
    [
        ("2026-11-20T20:30:00+07:00", "2026-11-19", "leaves_on", "leaves_before_arrival"),
        ("2026-11-20T17:30:00Z", "2026-11-20", "leaves_on", "leaves_before_arrival"),
        ("2026-11-20T20:30:00+07:00", "2026-12-20", "leaves_on", "stay_too_long"),
        ("2026-11-20T20:30:00+07:00", "2062-11-20", "leaves_on", "stay_too_long"),
        ("2026-12-21T00:00:00+07:00", "2026-12-22", "arrived_at", "too_far_ahead"),
        ("2027-11-20T20:30:00+07:00", "2027-11-22", "arrived_at", "too_far_ahead"),
    ],
)
def test_a_stay_that_cannot_be_meant_is_refused(arrival: str, leaves: str, field: str, code: str) -> None:
    told = case(answers(guest(arrived_at=arrival, leaves_on=leaves)))
    assert refused(told) == {f"guests/0/{field}": code}


@pytest.mark.parametrize(
    ("arrival", "leaves"),
    [
        ("2026-11-20T20:30:00+07:00", "2026-11-20"),
        ("2026-11-20T20:30:00+07:00", "2026-12-19"),
        ("2026-12-20T23:59:59+07:00", "2026-12-21"),
        ("2026-11-01T10:00:00+07:00", "2026-11-03"),
        ("2025-01-31T10:00:00+07:00", "2025-02-03"),
    ],
)
def test_a_stay_of_less_than_thirty_days_is_taken_however_late(arrival: str, leaves: str) -> None:
    assert refused(case(answers(guest(arrived_at=arrival, leaves_on=leaves)))) == {}


@given(st.integers(0, 4000), st.integers(0, 29), st.integers(0, 24 * 60 - 1))
def test_late_is_never_refused(days: int, nights: int, minute: int) -> None:
    day = date(2026, 11, 20) - timedelta(days=days)
    arrival = f"{day}T{minute // 60:02d}:{minute % 60:02d}:00+07:00"
    told = case(answers(guest(arrived_at=arrival, leaves_on=str(day + timedelta(days=nights)))))
    assert refused(told) == {}
    assert until(told) >= told.today


# --- Relatives once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["sent", "received", "ended"])
def test_a_close_relative_for_the_second_time_is_not_needed(state: str) -> None:
    told = case(facts=having_sent(earlier(state)))
    assert refused(told) == {"guests/0/relation": "relative_notified"}


@pytest.mark.parametrize("state", ["draft", "cancelled", "returned"])
def test_what_was_cancelled_or_sent_back_told_nobody(state: str) -> None:
    assert refused(case(facts=having_sent(earlier(state)))) == {}


def test_whoever_wants_a_receipt_all_the_same_gets_one() -> None:
    assert refused(case(answers(notify_again=True), facts=having_sent(earlier()))) == {}
    told = case(answers(notify_again=False), facts=having_sent(earlier()))
    assert refused(told) == {"guests/0/relation": "relative_notified"}


def test_the_same_person_under_the_old_card_is_known_by_name_and_birth() -> None:
    typed = answers(guest(document_kind="cmnd", document_number="012345678", full_name="LÊ THỊ HÒA"))
    told = case(typed, facts=having_sent(earlier()))
    assert refused(told) == {"guests/0/relation": "relative_notified"}


@pytest.mark.parametrize(
    "changes",
    [
        {"full_name": "Lê Thị Hoa", "document_number": "099155000999"},
        {"birth_date": "1955-08-21", "document_number": "099155000999"},
        {"relation": "grandparent"},
        {"relation": "other_relative"},
        {"relation": "none"},
    ],
)
def test_another_person_or_relation_is_notified(changes: dict[str, str]) -> None:
    assert refused(case(answers(guest(**changes)), facts=having_sent(earlier()))) == {}


def test_a_distant_relative_is_notified_every_time() -> None:
    typed = answers(guest(relation="other_relative"))
    assert refused(case(typed, facts=having_sent(earlier(typed=typed)))) == {}


def test_another_police_office_has_not_been_told() -> None:
    elsewhere = answers(place_commune=NHA_TRANG)
    assert refused(case(facts=having_sent(earlier(typed=elsewhere)))) == {}


def test_a_hotel_tells_of_a_guest_every_time() -> None:
    typed = hotel(guest())
    assert refused(case(typed, facts=having_sent(earlier(typed=typed)))) == {}


def test_only_the_relative_who_is_known_is_named() -> None:
    typed = answers(guest(document_number="099160000001", full_name="Trần Văn Bình", relation="sibling"), guest())
    told = case(typed, facts=having_sent(earlier("cancelled"), earlier()))
    assert refused(told) == {"guests/1/relation": "relative_notified"}


# --- The guest is the declarant ---------------------------------------------------------------------------------------


def test_what_a_register_holds_of_the_declarant_is_filled_in_and_not_asked() -> None:
    told = case(answers(myself(), declarant="guest"))
    assert refused(told) == {}
    listed = RECEIPT.derive(told)["guest_list"][0]
    assert listed["full_name"] == "Nguyễn Văn An"
    assert listed["document_number"] == "099090123456"
    assert listed["birth_date"] == date(1990, 5, 12)
    assert listed["address"] == FACTS["residence"]["permanent_address"]
    with pytest.raises(InvalidInput) as caught:
        case(answers(myself(full_name="Trần Văn Bình", relation="none"), declarant="guest"))
    assert caught.value.fields == {
        "/answers/guests/0/full_name": "not_asked",
        "/answers/guests/0/relation": "not_asked",
    }


def test_a_guest_who_tells_is_on_the_list() -> None:
    told = case(answers(guest(), declarant="guest"))
    assert refused(told) == {"guests": "declarant_missing"}


def test_a_declarant_whom_the_register_does_not_know_types_the_details() -> None:
    told = case(answers(myself(), declarant="guest"), facts={})
    assert refused(told) == {"guests/0/is_declarant": "declarant_unknown"}


def test_without_residence_the_receipt_leaves_the_address_out() -> None:
    told = case(answers(myself(), declarant="guest"), facts={"population": FACTS["population"]})
    assert refused(told) == {}
    assert "address" not in RECEIPT.derive(told)["guest_list"][0]


def test_every_fault_is_told_at_once() -> None:
    typed = answers(
        guest(leaves_on="2026-11-01", document_number="1234567"),
        guest(nationality="Lào", birth_date="2030"),
        declarant="lodging_business",
    )
    assert refused(case(typed)) == {
        "declarant": "wrong_declarant",
        "guests/0/leaves_on": "leaves_before_arrival",
        "guests/0/document_number": "impossible_number",
        "guests/1/nationality": "foreigner_na17",
        "guests/1/birth_date": "born_in_future",
    }


# --- The receipt ----------------------------------------------------------------------------------------------------


def test_nobody_elses_name_or_number_stands_on_paper() -> None:
    shown = {claim.name for claim in RECEIPT.claims if claim.paper is not Paper.HIDDEN}
    assert shown == {
        "full_name",
        "business_name",
        "place_type",
        "place",
        "commune",
        "province",
        "guest_count",
        "stay_from",
        "stay_until",
        "submitted_at",
        "timeliness",
        "request_number",
    }
    assert "guest_list" not in RECEIPT.views["night_check"]
    assert "full_name" not in RECEIPT.views["night_check"]


def test_the_receipt_is_good_until_the_last_guest_leaves() -> None:
    typed = answers(guest(), guest(document_number="099155000124", leaves_on="2026-12-01"))
    told = case(typed)
    assert until(told) == date(2026, 12, 1)
    assert RECEIPT.derive(told)["stay_until"] == date(2026, 12, 1)


def test_the_receipt_of_a_stay_that_is_over_is_good_for_the_day() -> None:
    told = case(answers(guest(arrived_at="2026-11-01T10:00:00+07:00", leaves_on="2026-11-03")))
    assert until(told) == told.today == date(2026, 11, 20)
    assert RECEIPT.derive(told)["timeliness"] == "Quá hạn"


def test_the_first_day_of_a_stay_is_that_of_vietnam() -> None:
    told = case(answers(guest(arrived_at="2026-11-20T17:05:00Z")), now=datetime(2026, 11, 20, 17, 10, tzinfo=UTC))
    assert RECEIPT.derive(told)["stay_from"] == date(2026, 11, 21)


def test_the_receipt_is_void_when_the_stay_ends_is_cancelled_or_the_notice_is_sent_back() -> None:
    voiding = {(move.action, move.source) for move in utility.lifecycle.moves if move.voids}
    assert voiding == {
        ("return", "sent"),
        ("end", "sent"),
        ("end", "received"),
        ("cancel", "sent"),
        ("cancel", "received"),
    }
    assert {move.action for move in utility.lifecycle.moves if move.issues} == {"submit"}


def test_a_draft_says_what_the_receipt_would_say_now() -> None:
    told = replace(case(), submitted_at=None)
    assert RECEIPT.derive(told)["timeliness"] == "Đúng hạn"
    assert RECEIPT.derive(replace(told, now=NOW + timedelta(hours=3)))["timeliness"] == "Quá hạn"
