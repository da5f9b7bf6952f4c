"""Residence: what form CT07 states, one fact and nothing more, who sees the household, what is refused."""

import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from tests.utilities.cases import case_of, made, seen
from wallet.errors import AnswersRejected, ClaimsRejected, InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import Asking, Capacity, Case, Claims, Paper, Source
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.claims import plain_value
from wallet.utilities.residence import utility
from wallet.utilities.residence.confirmation import CT07
from wallet.utilities.residence.fact import FACTS, RESIDENCE_FACT

GIVEN = json.loads(files("wallet.utilities.residence").joinpath("examples.json").read_text(encoding="utf-8"))
TODAY = date.fromisoformat(GIVEN["today"])
EXAMPLES = {example["name"]: example for key in ("accepted", "rejected") for example in GIVEN[key]}
OF_FACT = [example for example in GIVEN["accepted"] if example["document"] == "residence_fact"]
AN = EXAMPLES["the whole confirmation, nothing asked beside it"]
LO = EXAMPLES["known by the year of birth, permanent and temporary residence in two provinces"]
MINOR = EXAMPLES["a minor is head of the household"]
OF_ONE_FACT = {
    "lives_in_commune": {"commune", "commune_code", "commune_before"},
    "lives_in_province": {"province", "province_code", "province_before"},
    "stays_in_commune": {"temporary_commune", "commune_code"},
    "registered_since": {"registered_since"},
    "head_of_household": {"head_of_household"},
    "household_relation": {"relation", "member_name", "member_last4"},
}


def case(example: dict[str, Any], answers: dict[str, Any] | None = None, **residence: Any) -> Case:
    """Return the case of an example with other answers and other facts of the residence register; None: not stated."""
    found = case_of(utility, example, TODAY)
    facts = {**found.facts["residence"], **residence}
    known = {name: value for name, value in facts.items() if value is not None}
    given = found.answers if answers is None else answers
    return replace(found, answers=given, facts={**found.facts, "residence": known})


def fact(example: dict[str, Any], scope: str, **answers: Any) -> Claims:
    return made(utility, case(example, {"scope": scope, **answers}))[1]


def refused(of: Case, pointer: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(utility, of)
    assert caught.value.fields == {pointer: code}


# --- Form CT07 ------------------------------------------------------------------------------------------------------


def test_the_tables_are_in_it_only_if_asked_for() -> None:
    _, claims = made(utility, case(AN))
    assert not {"household_members", "earlier_places", "purpose", "recipient"} & set(claims)
    _, with_members = made(utility, case(AN, {"scope": "whole", "with_members": True}))
    assert [member["full_name"] for member in with_members["household_members"]][1:] == ["Lê Thị Hòa", "Nguyễn Minh"]
    assert "earlier_places" not in with_members
    _, without = made(utility, case(AN, {"scope": "whole", "with_members": False, "with_earlier_places": True}))
    assert "household_members" not in without
    assert [place["kind"] for place in without["earlier_places"]] == ["Thường trú", "Thường trú"]


def test_a_member_is_one_record_and_its_parts_are_named() -> None:
    """So that a wallet can disclose one member without the others (docs/wire.md, section 6)."""
    _, claims = made(utility, case(AN, {"scope": "whole", "with_members": True}))
    parts = next(claim.parts for claim in CT07.claims if claim.name == "household_members")
    for member in claims["household_members"]:
        assert set(member) == set(parts)
        assert len(member["number_last4"]) == 4


def test_what_the_register_does_not_state_stays_out() -> None:
    bare = case(
        AN,
        {"scope": "whole", "with_members": True, "with_earlier_places": True},
        household_members=None,
        residence_history=None,
        permanent_old_address=None,
        household_head_number=None,
    )
    _, claims = made(utility, bare)
    absent = {"household_members", "earlier_places", "permanent_old_address", "household_head_last4"}
    assert not absent & set(claims)


def test_nobodys_whole_number_but_ones_own_is_stated() -> None:
    _, claims = made(utility, case(AN, {"scope": "whole", "with_members": True, "with_earlier_places": True}))
    others = {name: value for name, value in claims.items() if name != "number"}
    assert "0990" not in json.dumps(seen(CT07, others)[1])
    assert "099090123456" not in json.dumps(list(seen(CT07, claims)[0].values()))


def test_religion_is_shown_to_the_holder_and_stands_in_no_document() -> None:
    assert "religion" in utility.shows["population"]
    for kind in utility.documents:
        assert not {claim.stated_as for claim in kind.claims} & {"religion"}


def test_old_and_new_names_stand_beside_each_other() -> None:
    _, claims = made(utility, case(LO))
    assert claims["permanent_address"].endswith("Xã Mai Châu, Tỉnh Phú Thọ")
    assert claims["permanent_old_address"].endswith("Huyện Mai Châu, Tỉnh Hòa Bình")
    assert (claims["permanent_commune_code"], claims["permanent_province_code"]) == ("05200", "25")


def test_permanent_and_temporary_residence_may_lie_in_two_provinces() -> None:
    """Docs/domain.md, section 8, case 12."""
    _, claims = made(utility, case(LO))
    assert claims["registration_kind"] == "Thường trú và tạm trú"
    assert "Tỉnh Khánh Hòa" in claims["temporary_address"]
    assert claims["permanent_province"] == "Tỉnh Phú Thọ"


@pytest.mark.parametrize(
    ("until", "kind"),
    [
        (TODAY - timedelta(days=1), "Thường trú"),
        (TODAY, "Thường trú và tạm trú"),
        (TODAY + timedelta(days=1), "Thường trú và tạm trú"),
        (None, "Thường trú và tạm trú"),
    ],
)
def test_a_temporary_residence_that_is_over_is_none(until: date | None, kind: str) -> None:
    """What the register has of it still stands in the paper, with its last day."""
    _, claims = made(utility, case(LO, temporary_until=until))
    assert claims["registration_kind"] == kind
    assert (claims["temporary_address"].endswith("Tỉnh Khánh Hòa"), claims.get("temporary_until")) == (True, until)


@pytest.mark.parametrize(
    ("changed", "void"),
    [
        ({}, False),
        ({"household_members": ()}, False),
        ({"temporary_until": TODAY + timedelta(days=300)}, True),
        ({"temporary_address": None, "temporary_since": None, "temporary_until": None}, True),
    ],
    ids=["nothing", "another thing", "extended", "struck off"],
)
@pytest.mark.parametrize("days", [0, 30, 31, 200])
def test_the_last_day_of_a_stay_ends_no_paper_and_a_change_of_the_register_does(
    days: int, changed: dict[str, Any], void: bool
) -> None:
    last = TODAY + timedelta(days=30)
    kind, claims = made(utility, case(LO, temporary_until=last))
    later = replace(case(LO, **{"temporary_until": last, **changed}), today=TODAY + timedelta(days=days))
    assert kind.void_if(plain_value(claims), later) is void


@pytest.mark.parametrize("kind", utility.documents, ids=lambda kind: kind.code)
def test_it_is_valid_for_a_year_and_void_when_the_residence_changes(kind: Any) -> None:
    """Docs/domain.md, section 8, case 23."""
    assert kind.validity == timedelta(days=365)
    assert kind.void_when == {Source.RESIDENCE}
    asked = case(AN, {"scope": "whole" if kind is CT07 else "lives_in_commune"})
    assert kind.void_if({}, asked)
    assert kind.void_if({}, replace(asked, facts={}))
    assert kind.asking is Asking.ANYONE


@pytest.mark.parametrize(
    ("answers", "changed", "void"),
    [
        ({"scope": "whole"}, {"permanent_address": "Số 1, phố Mới"}, True),
        ({"scope": "whole"}, {"permanent_since": date(2026, 5, 6)}, True),
        ({"scope": "whole"}, {"current_address": "Số 9, phố Khác"}, True),
        ({"scope": "whole"}, {"household_members": ()}, False),
        ({"scope": "whole"}, {"residence_history": ()}, False),
        ({"scope": "whole", "with_members": True}, {"household_members": ()}, True),
        ({"scope": "whole", "with_earlier_places": True}, {"residence_history": ()}, True),
        ({"scope": "lives_in_commune"}, {"permanent_address": "Số 1, phố Mới", "household_members": ()}, False),
        ({"scope": "lives_in_commune"}, {"permanent_commune_code": "00199"}, True),
        ({"scope": "lives_in_province"}, {"permanent_commune_code": "00199"}, False),
        ({"scope": "lives_in_province"}, {"permanent_province": None}, True),
        ({"scope": "registered_since"}, {"permanent_since": date(2026, 5, 6)}, True),
        ({"scope": "head_of_household"}, {"household_members": ()}, False),
        ({"scope": "head_of_household"}, {"relation_to_head": "Chồng"}, True),
    ],
)
def test_it_is_void_when_it_states_what_is_so_no_more(
    answers: dict[str, Any], changed: dict[str, Any], void: bool
) -> None:
    kind, claims = made(utility, case(AN, answers))
    stated = plain_value(claims)
    assert not kind.void_if(stated, case(AN, answers))
    assert kind.void_if(stated, case(AN, answers, **changed)) is void


def test_every_view_names_who_it_is_about_and_only_a_notary_sees_the_household() -> None:
    for purpose, names in CT07.views.items():
        assert "full_name" in names
        assert ("household_members" in names) is (purpose == "notary")
    assert not RESIDENCE_FACT.views


# --- One fact -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", OF_FACT, ids=lambda example: example["name"])
def test_one_fact_is_stated_and_nothing_more(example: dict[str, Any]) -> None:
    kind, claims = made(utility, case_of(utility, example, TODAY))
    assert kind is RESIDENCE_FACT
    said = set(claims) - {"full_name", "number_last4", "statement"}
    assert said
    assert said <= OF_ONE_FACT[example["answers"]["scope"]]
    text = json.dumps(seen(kind, claims)[1], ensure_ascii=False)
    others = {"1990-05-12", "1948-", "099090123456", "099148000007", "Nguyễn Khang", "Bản Lác", "45 Trần Phú"}
    assert not [each for each in others if each in text]


def test_every_fact_is_a_choice_and_has_an_example() -> None:
    assert set(OF_ONE_FACT) == set(FACTS) == set(utility.form[0].choices) - {"whole"}
    assert {example["answers"]["scope"] for example in OF_FACT} == set(FACTS)


def test_the_fact_itself_stands_in_the_code() -> None:
    required = [claim.name for claim in RESIDENCE_FACT.claims if claim.paper is Paper.REQUIRED]
    assert required == ["full_name", "number_last4", "statement"]


def test_the_house_is_not_told_with_the_old_name_of_the_commune() -> None:
    claims = fact(AN, "lives_in_commune")
    assert claims["commune_before"] == "Phường Yên Hòa, Quận Cầu Giấy, Thành phố Hà Nội"
    for old in ("Yên Hòa", "Số 12, đường Nguyễn Khang, Hà Nội", "Số 12, Phường Yên Hòa, Thành phố Hà Nội", ""):
        _, without = made(utility, case(AN, {"scope": "lives_in_commune"}, permanent_old_address=old))
        assert "commune_before" not in without


def test_a_province_that_kept_its_name_has_no_former_one() -> None:
    assert "province_before" not in fact(AN, "lives_in_province")
    assert fact(LO, "lives_in_province")["province_before"] == "Tỉnh Hòa Bình"


def test_places_are_compared_by_code_and_not_by_name() -> None:
    """Docs/domain.md, section 4.1: the new code 25 is Phú Thọ; the prefix of Hòa Bình was 017."""
    assert fact(LO, "lives_in_province", province="25")["province_code"] == "25"
    for code in ("17", "01"):
        refused(case(LO, {"scope": "lives_in_province", "province": code}), "/answers/province", "not_so")
    moved = case(AN, {"scope": "lives_in_commune", "commune": "00167"}, permanent_commune_code="00004")
    refused(moved, "/answers/commune", "not_so")


def test_a_register_without_a_code_confirms_no_named_place() -> None:
    without = case(AN, {"scope": "lives_in_commune", "commune": "00167"}, permanent_commune_code=None)
    refused(without, "/answers/commune", "not_so")
    nowhere = case(AN, {"scope": "lives_in_commune"}, permanent_commune=None)
    refused(nowhere, "/answers/scope", "not_so")
    refused(case(AN, {"scope": "lives_in_province"}, permanent_province=None), "/answers/scope", "not_so")
    refused(case(AN, {"scope": "registered_since"}, permanent_since=None), "/answers/scope", "not_so")


@pytest.mark.parametrize(
    ("until", "last"),
    [
        (TODAY, TODAY),
        (TODAY + timedelta(days=40), TODAY + timedelta(days=40)),
        (TODAY + timedelta(days=365), None),
        (None, None),
    ],
)
def test_a_stay_is_confirmed_no_longer_than_it_lasts(until: date | None, last: date | None) -> None:
    stay = case(LO, {"scope": "stays_in_commune"}, temporary_until=until)
    made(utility, stay)
    assert RESIDENCE_FACT.until(stay) == last
    assert RESIDENCE_FACT.until(replace(stay, answers={"scope": "registered_since"})) is None


def test_a_stay_that_ended_yesterday_is_not_confirmed() -> None:
    over = case(LO, {"scope": "stays_in_commune"}, temporary_until=TODAY - timedelta(days=1))
    refused(over, "/answers/scope", "temporary_over")


@pytest.mark.parametrize(
    ("own", "theirs", "relation", "holds"),
    [
        ("Chủ hộ", "Vợ", "spouse", True),
        ("Chủ hộ", "Chồng", "spouse", True),
        ("Chồng", "Chủ hộ", "spouse", True),
        ("Chủ hộ", "Con", "spouse", False),
        ("Con", "Vợ", "spouse", False),
        ("Chủ hộ", "Con", "parent", True),
        ("Mẹ", "Chủ hộ", "parent", True),
        ("Vợ", "Con", "parent", False),
        ("Ông", "Cháu", "parent", False),
        ("Con", "Chủ hộ", "child", True),
        ("Chủ hộ", "Bố", "child", True),
        ("Con", "Vợ", "child", False),
        ("Cháu", "Chủ hộ", "child", False),
    ],
)
def test_relations_are_what_the_register_says_of_the_head(own: str, theirs: str, relation: str, holds: bool) -> None:
    members = ({"full_name": "Trần Thị Mai", "relation": theirs, "number_last4": "7777"},)
    asked = case(
        AN,
        {"scope": "household_relation", "relation": relation, "member_last4": "7777"},
        household_members=members,
        relation_to_head=own,
        household_head_number=None,
    )
    if holds:
        assert made(utility, asked)[1]["member_name"] == "Trần Thị Mai"
    else:
        refused(asked, "/answers/relation", "not_so")


def test_a_child_of_the_heads_wife_is_known_by_the_population_register() -> None:
    members = ({"full_name": "Trần Thị Lan", "relation": "Vợ", "number_last4": "0099"},)
    asked = case(
        AN,
        {"scope": "household_relation", "relation": "child", "member_last4": "0099"},
        household_members=members,
        relation_to_head="Con",
        household_head_number=None,
    )
    assert made(utility, asked)[1]["statement"] == "Là con của Trần Thị Lan, thành viên cùng hộ"
    namesake = ({**members[0], "full_name": "Trần Thị Lành"},)
    other = {**asked.facts, "residence": {**asked.facts["residence"], "household_members": namesake}}
    refused(replace(asked, facts=other), "/answers/relation", "not_so")


def test_one_is_no_relative_of_oneself_and_two_with_the_same_digits_are_not_told_apart() -> None:
    oneself = case(AN, {"scope": "household_relation", "relation": "spouse", "member_last4": "3456"})
    refused(oneself, "/answers/member_last4", "no_such_member")
    twins = tuple({"full_name": name, "relation": "Con", "number_last4": "0071"} for name in ("Cao Song", "Cao Sinh"))
    either = case(
        AN, {"scope": "household_relation", "relation": "parent", "member_last4": "0071"}, household_members=twins
    )
    refused(either, "/answers/relation", "not_so")


def test_without_a_table_of_members_no_relation_is_confirmed() -> None:
    alone = case(
        AN, {"scope": "household_relation", "relation": "spouse", "member_last4": "0051"}, household_members=None
    )
    refused(alone, "/answers/member_last4", "no_such_member")


# --- Who sees what --------------------------------------------------------------------------------------------------


def test_adults_see_their_household_and_minors_do_not() -> None:
    """Docs/domain.md, section 4.1; section 8, case 13: a minor may be the head and still not see the table."""
    assert utility.withheld(case(AN)) == frozenset()
    assert utility.withheld(case(LO)) == frozenset()
    assert utility.withheld(case(MINOR)) == {"household_members"}
    assert "household_members" in utility.shows["residence"]


@pytest.mark.parametrize(("born", "sees"), [("2008-11-20", True), ("2008-11-21", False), ("2008", False)])
def test_eighteen_is_of_age_on_the_birthday(born: str, sees: bool) -> None:
    value = date.fromisoformat(born) if len(born) == 10 else born
    young = case(MINOR)
    young = replace(young, facts={**young.facts, "population": {**young.facts["population"], "birth_date": value}})
    assert (not utility.withheld(young)) is sees


def test_whose_age_nobody_knows_does_not_see_the_household() -> None:
    unknown = case(AN)
    assert utility.withheld(replace(unknown, facts={"residence": unknown.facts["residence"]})) == {"household_members"}


def test_a_parent_or_guardian_sees_the_household_of_the_child() -> None:
    ward = replace(case(MINOR, {"scope": "whole", "with_members": True}), capacity=Capacity.GUARDIAN)
    assert utility.withheld(ward) == frozenset()
    assert len(made(utility, ward)[1]["household_members"]) == 2
    refused(replace(ward, capacity=Capacity.SELF), "/answers/with_members", "adults_only")


def test_nobody_asks_for_somebody_elses_residence() -> None:
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN}


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["whole", *FACTS])
def test_what_contradicts_itself_is_refused_whatever_is_asked(scope: str) -> None:
    answers = {"scope": scope, "relation": "spouse", "member_last4": "0051"}
    refused(case(AN, answers, permanent_since=TODAY + timedelta(days=1)), "/claims/permanent_since", "in_future")


@pytest.mark.parametrize(
    ("since", "until", "refusal"),
    [
        (date(2024, 11, 30), date(2026, 11, 30), None),
        (date(2024, 11, 30), date(2026, 12, 1), "over_two_years"),
        (date(2024, 2, 29), date(2026, 3, 1), None),
        (date(2024, 2, 29), date(2026, 3, 2), "over_two_years"),
        (date(2026, 11, 20), date(2026, 11, 19), "before_start"),
        (date(2026, 11, 20), date(2026, 11, 20), None),
        (None, date(2099, 1, 1), None),
    ],
)
def test_a_temporary_residence_is_of_two_years_at_most(since: date | None, until: date, refusal: str | None) -> None:
    asked = case(LO, temporary_since=since, temporary_until=until)
    if refusal:
        refused(asked, "/claims/temporary_until", refusal)
    else:
        made(utility, asked)


@pytest.mark.parametrize("head", [None, ""])
def test_an_unknown_head_is_refused(head: str | None) -> None:
    refused(case(AN, household_head_name=head), "/claims/household_head_name", "head_unknown")


def test_a_head_by_a_former_number_is_the_same_head() -> None:
    """Docs/domain.md, section 8, case 6: a new number, the old one as an alias."""
    renewed = case(AN)
    people = {**renewed.facts["population"], "number": "099190123456", "former_numbers": ("099090123456",)}
    claims = made(utility, replace(renewed, facts={**renewed.facts, "population": people}))[1]
    assert claims["number_last4"] == "3456"
    refused(case(AN, household_head_number="099190123456"), "/claims/relation_to_head", "head_contradicted")
    wife = case(AN, relation_to_head="Vợ")
    refused(wife, "/claims/relation_to_head", "head_contradicted")


def test_digits_that_disagree_with_a_corrected_birth_date_are_no_contradiction() -> None:
    """Docs/domain.md, section 8, case 7."""
    corrected = case(AN)
    people = {**corrected.facts["population"], "birth_date": date(1978, 12, 30)}
    assert made(utility, replace(corrected, facts={**corrected.facts, "population": people}))[1]["number"][4:6] == "90"


def test_whom_the_residence_register_does_not_know_is_left_to_the_reading() -> None:
    known = case(AN)
    nowhere = replace(known, facts={"population": known.facts["population"]})
    utility.accept(nowhere)
    assert any(claim.required and claim.register == Source.RESIDENCE for claim in CT07.claims)
    assert any(claim.required and claim.register == Source.RESIDENCE for claim in RESIDENCE_FACT.claims)
    with pytest.raises(AnswersRejected):
        made(utility, replace(nowhere, answers={"scope": "lives_in_commune"}))


def test_a_document_is_checked_again_when_it_is_made() -> None:
    _, claims = made(utility, case(AN))
    with pytest.raises(ClaimsRejected) as caught:
        CT07.check({**claims, "permanent_since": TODAY + timedelta(days=1)}, TODAY)
    assert caught.value.fields == {"/claims/permanent_since": "in_future"}


# --- The form -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "faults"),
    [
        ({"scope": "everything"}, {"/answers/scope": None}),
        ({"scope": "registered_since", "purpose": "x"}, {"/answers/purpose": "not_asked"}),
        ({"scope": "registered_since", "with_members": True}, {"/answers/with_members": "not_asked"}),
        ({"commune": "00167"}, {"/answers/commune": "not_asked"}),
        ({"scope": "lives_in_commune", "commune": "99999"}, {"/answers/commune": "unknown_place"}),
        ({"scope": "lives_in_province", "province": "001"}, {"/answers/province": "unknown_place"}),
        (
            {"scope": "household_relation"},
            {"/answers/relation": "required", "/answers/member_last4": "required"},
        ),
        (
            {"scope": "household_relation", "relation": "cousin", "member_last4": "12a4"},
            {"/answers/relation": None, "/answers/member_last4": None},
        ),
        ({"full_name": "Nguyễn Văn An"}, {"/answers/full_name": "unknown_field"}),
    ],
)
def test_bad_answers_are_all_told_at_once(answers: dict[str, Any], faults: dict[str, str | None]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, answers)
    assert caught.value.fields.keys() == faults.keys()
    for pointer, code in faults.items():
        assert code is None or caught.value.fields[pointer] == code


def test_nothing_that_a_register_holds_is_asked() -> None:
    held = {claim.stated_as for kind in utility.documents for claim in kind.claims if claim.from_register}
    assert not {field.name for field in utility.form} & held
    assert parse(utility.form, {}) == {}


# --- Rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "version"),
    [(date(2023, 6, 1), "2024-01"), (date(2026, 6, 30), "2024-01"), (date(2026, 7, 1), "2026-07")],
)
def test_the_rules_are_those_of_the_day(day: date, version: str) -> None:
    rules = utility.rules_on(day)
    assert rules.version == version
    assert (rules.deadline.working_hours, rules.deadline.extended_working_days) == (4, 3)
    assert rules.fee(case(AN)).lines == ()


def test_reasons_say_where_a_register_is_corrected() -> None:
    plugin = Catalogue.discover().plugin("residence")
    for code in ("in_future", "before_birth", "before_start", "over_two_years", "head_unknown", "head_contradicted"):
        assert "Hồ sơ" in str(plugin.reason(code, "vi"))
        assert "correction request" in str(plugin.reason(code, "en"))
