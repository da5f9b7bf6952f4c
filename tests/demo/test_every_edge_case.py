"""Every edge case of docs/domain.md, section 8, from 10 on: each part of each is shown by a person, by a test, or both.

The parts are cut out of the page itself, so that a part that is added there, and nowhere here, fails.
"""

import ast
import re
from pathlib import Path

import pytest

from wallet.demo.edge_cases import EDGE_CASES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/domain.md").read_text(encoding="utf-8")

SHOWN: dict[str, tuple[str, ...]] = {
    "10 Two people with equal name and birth date, different number": (
        "namesakes",
        "web/test_health_book.py::test_a_book_of_another_insurance_is_shown_to_nobody",
    ),
    "11 9-digit CMND unknown or shared in old data": (
        "cmnd_unknown",
        "cmnd_shared",
        "sources/test_embedded.py::test_former_card_number_leads_to_the_person_where_one_alone_has_it",
    ),
    "12 Permanent and current address in different provinces": (
        "lives_elsewhere",
        "utilities/residence/test_residence.py::test_permanent_and_temporary_residence_may_lie_in_two_provinces",
    ),
    "13 Head of household is a minor or has died": (
        "head_is_minor",
        "head_is_dead",
        "utilities/residence/test_residence.py::test_adults_see_their_household_and_minors_do_not",
    ),
    "13 lone-person household": ("lives_alone",),
    "14 Guardian who is not a parent": (
        "guardian_not_parent",
        "enrolment/test_wards.py::test_guardian_acts_for_a_ward_of_any_age",
    ),
    "15 Account locked between consent and presentation": (
        "locked_holder",
        "checks/test_locked_between.py::test_nothing_that_was_agreed_to_is_shown",
        "checks/test_locked_between.py::test_unlocked_again_what_has_not_ended_counts_as_it_did",
        "web/test_locks.py::test_holder_locks_and_every_session_ends_at_once",
        "web/test_wards.py::test_locked_ward_gets_and_shows_nothing_even_through_the_guardian",
    ),
    "15 holder dead with live documents": (
        "dead_holder",
        "identity/test_account_states.py::test_death_is_never_unlocked_and_closing_it_is_told_to_nobody",
        "enrolment/test_lifecycle.py::test_dead_are_locked_their_documents_revoked_and_closed_after_a_time",
    ),
    "16 Lodging at 22:59, 23:00, 23:01, 00:30": (
        "utilities/lodging_notice/test_deadlines.py::test_a_stay_is_told_before_the_evening_or_before_the_morning",
        "utilities/lodging_notice/test_deadlines.py::test_the_receipt_says_in_time_or_late",
        "web/test_lodging.py::test_late_is_taken_and_said",
    ),
    "16 guest = declarant": (
        "utilities/lodging_notice/test_notice.py::test_a_guest_who_tells_is_on_the_list",
        "web/test_lodging.py::test_a_guest_tells_of_themselves_out_of_the_register",
    ),
    "16 relative for the second time": (
        "lodging_often",
        "web/test_lodging.py::test_a_relative_is_told_once_and_again_only_if_asked",
    ),
    "16 foreigner": (
        "lodging_foreigner",
        "web/test_lodging.py::test_a_foreigner_is_sent_elsewhere_in_both_languages_and_nothing_is_kept",
    ),
    "17 Judicial record: Hanoi subsidy": (
        "fee_subsidised",
        "utilities/judicial_record/test_at_the_desk.py"
        "::test_hanoi_pays_in_the_period_and_the_request_goes_straight_to_the_desk",
    ),
    "17 exempt elder (fee 0 without subsidy)": (
        "fee_exempt_elder",
        "utilities/judicial_record/test_at_the_desk.py::test_an_exempt_elder_of_hanoi_pays_nothing_without_support",
    ),
    "17 relative applies for No. 2 (refuse)": (
        "record_for_relative",
        "utilities/judicial_record/test_judicial_record.py::test_who_applies_for_whom",
    ),
    "17 15-year-old (refuse)": (
        "record_at_15",
        "utilities/judicial_record/test_judicial_record.py::test_for_a_fifteen_year_old_nobody_applies",
    ),
    "17 expunged conviction (No. 1 clean, No. 2 shows)": (
        "record_expunged",
        "utilities/judicial_record/test_at_the_desk.py::test_no_1_of_an_expunged_conviction_is_paid_reviewed_and_clean",
        "utilities/judicial_record/test_at_the_desk.py::test_no_2_of_the_same_person_says_all",
    ),
    "18 Health book not linked": (
        "health_book_not_linked",
        "web/test_health_book.py::test_who_has_no_book_has_nothing_to_link",
    ),
    "18 insurance expired": (
        "insurance_expired",
        "requests/test_six_services.py::test_an_expired_card_and_none_are_refused",
    ),
    "18 BHYT name without diacritics": (
        "insurance_unmarked",
        "requests/test_six_services.py::test_a_health_insurance_card_is_issued_also_under_a_name_without_marks",
    ),
    "19 Ticket name without diacritics, given-name-first order": (
        "ticket_name",
        "demo/test_edge_cases.py::test_19_a_ticket_has_the_given_name_first_and_no_marks",
        "checks/test_names.py::test_any_order_case_form_and_joining_is_the_same_name",
        "checks/test_online.py::test_a_ticket_is_compared_and_what_the_code_does_not_state_is_said_to_be_not_stated",
    ),
    "20 Phone in another's name": (
        "phone_of_another",
        "sources/test_embedded.py::test_phone_in_anothers_name_is_the_others",
        "web/test_registrations.py::test_refusals_look_like_everything_else",
    ),
    "21 Tết week: deadlines skip holidays": (
        "due_after_tet",
        "demo/test_tet.py::test_21_the_holidays_move_the_day_of_the_answer",
        "test_working_days.py::test_tet_is_skipped",
    ),
    "22 Foreigner level 2 with passport renewed (number changed)": (
        "foreigner_new_passport",
        "enrolment/test_new_numbers.py::test_daily_look_moves_the_holder_to_the_new_number",
        "enrolment/test_new_numbers.py::test_sign_in_asks_for_the_new_number",
    ),
    "23 CT07 void because of a later move": (
        "moved_after_issue",
        "requests/test_voiding.py::test_a_move_voids_the_confirmation_and_each_fact_that_is_so_no_more_within_the_minute",
    ),
}
"""Part of the page to codes of `EDGE_CASES` (people) and to tests, by file below `tests/` and name."""


def parts_of_the_page() -> set[str]:
    """Return every part of the cases from 10 on, each with its number. Of case 17 each thing is a part."""
    line = re.search(r"\*\*Edge cases to seed:\*\*\n(.+)", PAGE)
    assert line
    items = re.findall(r"(?:^|(?<=\. ))(\d+)\. (.+?)(?=\. \d+\. |\.$)", line[1])
    assert [int(number) for number, _ in items] == list(range(1, 24))
    found = set()
    for number, text in items:
        parts = re.split(r", (?![^(]*\))", text) if number == "17" else text.split("; ")
        found |= {f"{number} {part}" for part in parts if int(number) >= 10}
    return found


def test_every_part_of_the_page_is_shown() -> None:
    assert set(SHOWN) == parts_of_the_page()


@pytest.mark.parametrize("part", SHOWN)
def test_a_part_is_shown_by_people_and_tests_that_there_are(part: str) -> None:
    assert SHOWN[part]
    for shown in SHOWN[part]:
        if "::" not in shown:
            assert EDGE_CASES[shown].item == int(part.split()[0])
            continue
        path, _, name = shown.partition("::")
        tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, shown


def test_every_person_of_a_case_from_10_on_is_named_by_a_part() -> None:
    named = {shown for shows in SHOWN.values() for shown in shows}
    more = {"record_standing", "banned_from_posts", "fee_exempt_poor", "fee_halved", "health_book_mismatch"}
    more.add("same_letters_other_tone")
    assert {code for code, each in EDGE_CASES.items() if each.item >= 10} - named == more
