"""Papers of the health book: each states what was chosen and what its purpose needs, and nothing beside it."""

from datetime import date
from typing import Any

import pytest

from tests.utilities.health_book.cases import (
    APPOINTMENT,
    BOOK,
    DAY_VISIT,
    OPEN_STAY,
    REFERRAL,
    STAY,
    TODAY,
    case,
    facts,
    made,
    summary,
)
from wallet.errors import AnswersRejected, ClaimsRejected, InvalidInput
from wallet.formats.cwt_code import fits_on_paper
from wallet.terms import AccountLevel, AuthLevel
from wallet.utilities.answering import parse
from wallet.utilities.base import Capacity, Case, Kind, Paper, Source
from wallet.utilities.fitting import longest, longest_code
from wallet.utilities.health_book import utility
from wallet.utilities.health_book.card import MOST_ALLERGIES, MOST_LETTERS, short
from wallet.utilities.health_book.summary import GROUPS, PURPOSES
from wallet.utilities.paper import compact_claims, full_claims

ALL = tuple(GROUPS)
VISIT = {"paper": "health_visit", "visit_id": STAY["visit_id"]}
REFER = {"paper": "health_referral", "referral_id": REFERRAL["referral_id"]}
APPOINT = {"paper": "health_appointment", "appointment_id": APPOINTMENT["appointment_id"]}
CARD = {"paper": "allergy_card"}


def why(asked: Case) -> dict[str, str]:
    with pytest.raises((AnswersRejected, ClaimsRejected)) as caught:
        utility.accept(asked)
    return caught.value.fields


# --- What it declares -----------------------------------------------------------------------------------------------


def test_every_paper_is_sensitive_and_needs_level_two_and_two_factors() -> None:
    assert all(kind.sensitive for kind in utility.documents)
    assert utility.minimum_level is AccountLevel.TWO
    assert utility.minimum_auth is AuthLevel.TWO


def test_a_guardian_may_ask_for_a_child_and_a_proxy_may_not() -> None:
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN}


def test_the_book_is_linked_before_anything_and_a_name_without_marks_matches() -> None:
    assert utility.link is not None
    assert utility.link.matches(facts())
    assert not utility.link.matches(facts(book={"birth_date": date(1990, 5, 21)}))
    assert not utility.link.matches(facts(book={"full_name": "NGUYEN THI HANG"}))


@pytest.mark.parametrize("kind", utility.documents, ids=lambda kind: kind.code)
def test_no_view_shows_the_whole_number_and_every_one_says_who(kind: Any) -> None:
    for names in kind.views.values():
        assert "number" not in names
        assert {"full_name", "number_last4", "birth_date"} <= set(names)


@pytest.mark.parametrize("kind", utility.documents, ids=lambda kind: kind.code)
def test_no_diagnosis_stands_in_a_printed_code_but_on_the_card_for_emergencies(kind: Any) -> None:
    medical = {"diagnosis", "diagnosis_code", "department", "reason", "treatment", "course", "prescriptions", "tests"}
    medical |= {"diseases", "allergies", "visits", "treatments", "procedures", "surgery", "blood_type", "vaccinations"}
    printed = {claim.name for claim in kind.claims if claim.paper is not Paper.HIDDEN}
    assert printed & medical == ({"blood_type", "allergies"} if kind.code == "allergy_card" else set())


# --- The form -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, {"/answers/paper": "required"}),
        ({"paper": "passport"}, {"/answers/paper": "not_a_choice"}),
        ({"paper": "health_summary"}, {"/answers/purpose": "required", "/answers/groups": "required"}),
        ({"paper": "health_visit"}, {"/answers/visit_id": "required"}),
        ({"paper": "health_referral"}, {"/answers/referral_id": "required"}),
        ({"paper": "health_appointment"}, {"/answers/appointment_id": "required"}),
        ({"paper": "allergy_card", "groups": ["history"]}, {"/answers/groups": "not_asked"}),
        ({"paper": "health_visit", "visit_id": "a", "purpose": "doctor"}, {"/answers/purpose": "not_asked"}),
        ({"paper": "health_visit", "visit_id": "a' OR 1=1"}, {"/answers/visit_id": "invalid_format"}),
    ],
)
def test_the_form_asks_what_the_paper_needs_and_nothing_else(answers: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, answers)
    assert caught.value.fields == wrong


def test_nothing_that_a_register_holds_is_asked() -> None:
    facts_held = {name for names in utility.shows.values() for name in names}
    assert {field.name for field in utility.form} & facts_held == set()


# --- Summary --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
@pytest.mark.parametrize("group", ALL)
def test_a_summary_states_what_its_group_holds_and_its_purpose_needs(purpose: str, group: str) -> None:
    asked = summary(purpose, group)
    needed = set(GROUPS[group]) & set(PURPOSES[purpose])
    if not needed:
        assert why(asked) == {"/answers/groups": "not_for_purpose"}
        return
    kind, claims = made(asked)
    medical = set(claims) - {"full_name", "number", "number_last4", "birth_date", "sex", "purpose", "groups"}
    assert medical == needed
    assert kind.code == "health_summary"


def test_a_summary_for_the_school_tells_vaccinations_and_no_disease() -> None:
    _, claims = made(summary("school", "history"))
    assert [each["vaccine"] for each in claims["vaccinations"]] == ["Vắc xin phòng viêm gan B"]
    assert "Hen phế quản" not in str(claims)


def test_an_open_visit_is_told_and_has_no_summary_yet() -> None:
    _, claims = made(summary("doctor", "visits", "treatment"))
    assert [visit["admitted_on"] for visit in claims["visits"]] == [date(2026, 11, 18), date(2026, 3, 2)]
    assert [each["admitted_on"] for each in claims["treatments"]] == [date(2026, 3, 2)]


def test_what_a_facility_writes_as_none_is_left_out() -> None:
    _, claims = made(summary("doctor", "visits"))
    assert all("surgery" not in visit for visit in claims["visits"])


@pytest.mark.parametrize("none", ["Không", "không có", "", None])
def test_a_record_that_says_that_there_was_none_is_no_record(none: str | None) -> None:
    nothing = {
        "allergies": ({"substance": none, "reaction": "Không"},),
        "diseases": ({"name": none, "code": "J45"},),
        "vaccinations": ({"vaccine": none},),
    }
    _, claims = made(summary("doctor", "history", stated=facts(book=nothing)))
    assert (claims["allergies"], claims["diseases"], claims["vaccinations"]) == ((), (), ())
    _, card = made(case(CARD, facts(book=nothing)))
    assert (card["allergies"], card["severe_diseases"], card["allergy_details"]) == ((), (), ())
    assert why(case(CARD, facts(book={**nothing, "blood_type": None}))) == {"/answers/paper": "nothing_recorded"}


def test_a_chosen_list_that_is_empty_is_stated_as_empty() -> None:
    _, claims = made(summary("doctor", "history", stated=facts(book={"allergies": ()})))
    assert claims["allergies"] == ()


def test_groups_stand_in_the_order_of_the_law_whatever_order_they_were_chosen_in() -> None:
    one, other = made(summary("doctor", *ALL))[1], made(summary("doctor", *reversed(ALL)))[1]
    assert one == other
    assert len(one["groups"]) == 4


def test_an_empty_book_makes_no_summary() -> None:
    empty = dict.fromkeys(("diseases", "allergies", "vaccinations", "visits"), ()) | {"blood_type": None}
    assert why(summary("doctor", "history", "visits", stated=facts(book=empty))) == {
        "/answers/groups": "nothing_recorded"
    }


def test_a_person_without_a_book_gets_no_paper_of_it() -> None:
    stated = {name: values for name, values in facts().items() if name != Source.HEALTH_RECORDS}
    assert why(summary("doctor", "history", stated=stated)) == {"/answers/groups": "nothing_recorded"}
    assert why(case(CARD, stated)) == {"/answers/paper": "nothing_recorded"}
    assert why(case(VISIT, stated)) == {"/answers/visit_id": "unknown_visit"}


@pytest.mark.parametrize(
    ("purpose", "groups", "change", "ends"),
    [
        ("doctor", ("visits",), {"visits": (STAY, OPEN_STAY, {**STAY, "visit_id": "099KB2"})}, True),
        ("doctor", ("visits",), {"visits": ({**STAY, "diagnosis": "Viêm phế quản"}, OPEN_STAY)}, True),
        ("doctor", ("visits",), {"vaccinations": ()}, False),
        ("school", ("history",), {"visits": (STAY, OPEN_STAY, {**STAY, "visit_id": "099KB2"})}, False),
        ("school", ("history",), {"vaccinations": (*BOOK["vaccinations"], {"vaccine": "Cúm"})}, True),
        ("emergency", ("history",), {"blood_type": "A+"}, True),
        ("reception", ("administrative",), {"visits": ()}, False),
        ("doctor", ALL, {}, False),
    ],
)
def test_a_summary_ends_when_the_book_says_something_else_of_what_it_states(
    purpose: str, groups: tuple[str, ...], change: dict[str, Any], ends: bool
) -> None:
    kind, claims = made(summary(purpose, *groups))
    assert kind.void_when == {Source.HEALTH_RECORDS}
    later = case({}, facts(book=change), date(2026, 11, 25))
    assert kind.void_if(full_claims(kind, claims), later) is ends


# --- Insurance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [REFER, {"paper": "health_summary", "purpose": "reception"}, {"purpose": "insurer"}])
@pytest.mark.parametrize(
    ("insurance", "wrong"),
    [
        ({"valid_until": date(2026, 11, 19)}, {"/claims/insurance_valid_until": "insurance_expired"}),
        ({"valid_from": date(2026, 11, 21)}, {"/claims/insurance_valid_from": "insurance_not_begun"}),
        ({"insurance_number": ""}, {"/claims/insurance_number": "not_insured"}),
        ({"insurance_number": "0999999999"}, {"/claims/insurance_number": "insurance_mismatch"}),
    ],
)
def test_a_paper_that_needs_insurance_is_refused_without(
    asked: dict[str, Any], insurance: dict[str, Any], wrong: dict[str, str]
) -> None:
    answers = {"paper": "health_summary", "groups": ("administrative",), **asked}
    assert why(case(answers, facts(insurance=insurance))) == wrong


def test_the_last_day_of_the_insurance_still_counts() -> None:
    made(case(REFER, facts(insurance={"valid_until": TODAY})))


@pytest.mark.parametrize("answers", [VISIT, APPOINT, CARD])
def test_other_papers_do_not_need_insurance_in_force(answers: dict[str, Any]) -> None:
    made(case(answers, facts(insurance={"valid_until": date(2026, 6, 30)})))


@pytest.mark.parametrize("answers", [VISIT, APPOINT, CARD, REFER])
def test_a_book_of_another_insurance_number_makes_no_paper_at_all(answers: dict[str, Any]) -> None:
    wrong = facts(book={"insurance_number": "0999999999"})
    assert why(case(answers, wrong)) == {"/claims/insurance_number": "insurance_mismatch"}


# --- Slips ----------------------------------------------------------------------------------------------------------


def test_a_referral_ends_on_its_own_last_day() -> None:
    kind, claims = made(case(REFER))
    assert kind.until(case(REFER)) == date(2026, 12, 31)
    assert claims["insurance_valid_until"] == date(2026, 12, 31)
    assert claims["referred_on"] == date(2026, 11, 10)


def test_an_appointment_ends_on_its_day() -> None:
    kind, claims = made(case(APPOINT))
    assert kind.until(case(APPOINT)) == claims["appointment_on"] == date(2026, 12, 10)


@pytest.mark.parametrize(
    ("answers", "day", "wrong"),
    [
        (REFER, date(2027, 1, 1), {"/answers/referral_id": "referral_expired"}),
        (APPOINT, date(2026, 12, 11), {"/answers/appointment_id": "appointment_over"}),
        ({**REFER, "referral_id": "099CT"}, TODAY, {"/answers/referral_id": "unknown_referral"}),
        ({**APPOINT, "appointment_id": "099HK"}, TODAY, {"/answers/appointment_id": "unknown_appointment"}),
    ],
)
def test_a_slip_that_is_over_or_not_in_the_book_is_refused(
    answers: dict[str, Any], day: date, wrong: dict[str, str]
) -> None:
    assert why(case(answers, facts(insurance={"valid_until": date(2027, 12, 31)}), day)) == wrong


@pytest.mark.parametrize(("answers", "day"), [(REFER, date(2026, 12, 31)), (APPOINT, date(2026, 12, 10))])
def test_a_slip_is_given_on_its_last_day(answers: dict[str, Any], day: date) -> None:
    made(case(answers, facts(), day))


# --- Visits ---------------------------------------------------------------------------------------------------------


def test_a_visit_is_a_document_of_its_own() -> None:
    kind, claims = made(case(VISIT))
    assert kind.code == "health_visit"
    assert claims["tests"] == ("Công thức máu: bạch cầu 11,2 G/L",)
    assert claims["prescriptions"][0].startswith("Salbutamol")
    assert "surgery" not in claims
    assert "Theo dõi viêm phổi" not in str(claims)


@pytest.mark.parametrize(
    ("visit", "wrong"),
    [
        (OPEN_STAY, "visit_open"),
        ({**STAY, "discharged_on": date(2026, 11, 21)}, "visit_open"),
        ({**DAY_VISIT, "course": ""}, "visit_open"),
        ({**DAY_VISIT, "course": "Không", "treatment": "Kháng sinh"}, "visit_open"),
        ({**DAY_VISIT, "admitted_on": date(2026, 11, 21)}, "visit_open"),
        ({**STAY, "visit_id": "099KB9"}, "unknown_visit"),
    ],
)
def test_a_visit_that_is_open_or_unknown_makes_no_document(visit: dict[str, Any], wrong: str) -> None:
    asked = STAY["visit_id"] if wrong == "unknown_visit" else visit["visit_id"]
    answers = {"paper": "health_visit", "visit_id": asked}
    assert why(case(answers, facts(book={"visits": (visit,)}))) == {"/answers/visit_id": wrong}


def test_a_visit_of_one_day_ended_when_its_course_was_written_down() -> None:
    answers = {"paper": "health_visit", "visit_id": DAY_VISIT["visit_id"]}
    _, claims = made(case(answers, facts(book={"visits": (DAY_VISIT,)})))
    assert "discharged_on" not in claims
    assert claims["course"] == "Hết sốt sau 2 ngày"
    _, told = made(summary("doctor", "visits", "treatment", stated=facts(book={"visits": (DAY_VISIT, OPEN_STAY)})))
    assert [visit["state"] for visit in told["visits"]] == ["Đang điều trị", "Đã kết thúc"]
    assert [each["admitted_on"] for each in told["treatments"]] == [date(2026, 10, 5)]


# --- The card for emergencies ---------------------------------------------------------------------------------------


def test_the_card_prints_what_matters_the_worst_first_whatever_the_room() -> None:
    kind, claims = made(case(CARD))
    least = compact_claims(kind, claims, least=True)
    assert least[6] == "O+"
    assert least[7] == ["Penicilin (nặng): Nổi mày đay…", "Tôm, cua (vừa): Phát ban"]
    assert least[8] == ["Hen phế quản (J45)"]


def test_a_card_of_someone_with_everything_still_fits_a_printed_code() -> None:
    drugs = ("Penicilin", "Amoxicilin - clavulanat", "Ceftriaxon", "Sulfamethoxazol", "Thuốc cản quang chứa iod")
    reactions = ("Sốc phản vệ", "Phù mạch", "Co thắt phế quản", "Hội chứng Stevens-Johnson", "Tụt huyết áp")
    feared = tuple(
        {"substance": drug, "reaction": reaction, "severity": "severe"}
        for drug, reaction in zip(drugs, reactions, strict=True)
    )
    named = ("Bệnh phổi tắc nghẽn mạn tính", "Đái tháo đường týp 1", "Nhồi máu cơ tim cũ", "Suy thận mạn giai đoạn 5")
    severe = tuple({"name": name, "code": code} for name, code in zip(named, ("J44", "E10", "I25", "N18"), strict=True))
    kind, claims = made(case(CARD, facts(book={"allergies": feared, "diseases": severe})))
    assert fits_on_paper(longest_code(kind, longest(kind, claims), least=True))


def test_what_would_harm_its_bearer_in_strangers_eyes_is_not_printed() -> None:
    feared = ({"name": "Bệnh do HIV", "code": "B20"}, {"name": "Rối loạn trầm cảm", "code": "F32"})
    _, claims = made(case(CARD, facts(book={"diseases": feared})))
    assert claims["severe_diseases"] == ()
    assert claims["disease_details"] == ()


def test_which_diseases_are_severe_is_a_figure_of_the_rules() -> None:
    asked = case(CARD)
    kind, _ = made(asked)
    other = Case(now=asked.now, today=asked.today, answers=CARD, facts=facts(), figures={"severe_codes": ("J30",)})
    claims = kind.derive(Case(other.now, other.today, CARD, facts(), {"number": "099190000123"}, figures=other.figures))
    assert claims["severe_diseases"] == ("Viêm mũi dị ứng (J30)",)


def test_an_unknown_blood_type_is_said_to_be_unknown() -> None:
    stated = facts()
    stated[Source.HEALTH_RECORDS] = {name: value for name, value in BOOK.items() if name != "blood_type"}
    _, claims = made(case(CARD, stated))
    assert claims["blood_type"] == "Chưa xác định"


def test_a_card_with_too_much_says_that_there_is_more() -> None:
    many = tuple({"substance": f"Thuốc {n}", "severity": "severe"} for n in range(9))
    _, claims = made(case(CARD, facts(book={"allergies": many})))
    assert len(claims["allergies"]) == MOST_ALLERGIES
    assert claims["allergies"][-1] == "và 6 mục khác"
    assert len(claims["allergy_details"]) == 9


@pytest.mark.parametrize("length", [MOST_LETTERS - 1, MOST_LETTERS, MOST_LETTERS + 1, 400])
def test_a_long_line_is_cut_where_one_sees_it(length: int) -> None:
    (line,) = short(["ế" * length], 4)
    assert len(line) == min(length, MOST_LETTERS)
    assert line.endswith("…") is (length > MOST_LETTERS)


def test_a_card_without_anything_to_tell_is_refused() -> None:
    nothing = {"blood_type": None, "allergies": (), "diseases": BOOK["diseases"][1:]}
    assert why(case(CARD, facts(book=nothing))) == {"/answers/paper": "nothing_recorded"}


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"allergies": ()}, True),
        ({"blood_type": "AB+"}, True),
        ({"diseases": ()}, True),
        ({"visits": ()}, False),
        ({"vaccinations": ()}, False),
        ({"diseases": BOOK["diseases"][:1]}, False),
    ],
)
def test_a_card_ends_when_what_it_tells_is_no_longer_so_and_not_with_any_visit(
    change: dict[str, Any], ends: bool
) -> None:
    kind, claims = made(case(CARD))
    assert kind.supersedes
    assert kind.void_if(full_claims(kind, claims), case({}, facts(book=change))) is ends


@pytest.mark.parametrize(
    ("answers", "change", "ends"),
    [
        (APPOINT, {"appointments": ({**APPOINTMENT, "on_day": date(2026, 12, 20)},)}, True),
        (APPOINT, {"appointments": ({**APPOINTMENT, "department": "Khoa Hô hấp"},)}, True),
        (APPOINT, {"appointments": ({each: APPOINTMENT[each] for each in APPOINTMENT if each != "reason"},)}, True),
        (APPOINT, {"appointments": ()}, True),
        (APPOINT, {"appointments": ({**APPOINTMENT, "appointment_id": "099HK2"}, APPOINTMENT)}, False),
        (APPOINT, {"visits": ()}, False),
        (REFER, {"referrals": ({**REFERRAL, "to_facility": "Bệnh viện mẫu khác"},)}, True),
        (REFER, {"referrals": ()}, True),
        (REFER, {"appointments": ()}, False),
        (VISIT, {"visits": ({**STAY, "diagnosis": "Viêm phế quản"}, OPEN_STAY)}, True),
        (VISIT, {"visits": ({**STAY, "surgery": "Không có"}, OPEN_STAY)}, False),
        (VISIT, {"visits": (OPEN_STAY,)}, True),
        (VISIT, {"visits": (DAY_VISIT, STAY)}, False),
    ],
)
def test_a_slip_and_a_visit_end_when_the_book_says_something_else_of_them(
    answers: dict[str, Any], change: dict[str, Any], ends: bool
) -> None:
    kind, claims = made(case(answers))
    assert kind.void_when == {Source.HEALTH_RECORDS}
    assert kind.void_if(full_claims(kind, claims), case({}, facts(book=change))) is ends


# --- In general -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [VISIT, REFER, APPOINT, CARD])
def test_a_paper_changes_nothing_it_was_given_and_always_says_the_same(answers: dict[str, Any]) -> None:
    asked = case(answers)
    before = repr(asked)
    assert made(asked) == made(asked)
    assert repr(asked) == before


@pytest.mark.parametrize("kind", utility.documents, ids=lambda kind: kind.code)
def test_records_name_their_parts_and_other_claims_have_none(kind: Any) -> None:
    assert all(bool(claim.parts) is (claim.kind is Kind.RECORDS) for claim in kind.claims)
