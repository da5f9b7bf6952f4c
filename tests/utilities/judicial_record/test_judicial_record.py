"""Judicial records: what each certificate may say, who may apply for which, what it costs, and what is refused."""

import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utilities.cases import case_of, made, seen
from wallet.crypto import cbor
from wallet.errors import ClaimsRejected, InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import AccountLevel, Asking, Capacity, Case, Claims, DocumentType, Paper, Source
from wallet.utilities.fitting import fault_of_room
from wallet.utilities.judicial_record import PURPOSES, utility
from wallet.utilities.judicial_record.certificate_1 import NO_1
from wallet.utilities.judicial_record.certificate_2 import NO_2
from wallet.utilities.judicial_record.entries import CONVICTION, CONVICTION_OF_NO_1
from wallet.utilities.judicial_record.history import several_places

GIVEN = json.loads(files("wallet.utilities.judicial_record").joinpath("examples.json").read_text(encoding="utf-8"))
TODAY = date.fromisoformat(GIVEN["today"])
EXAMPLES = {example["name"]: example for key in ("accepted", "rejected") for example in GIVEN[key]}
CLEAN = EXAMPLES["No. 1, nothing on record"]
WHOLE = EXAMPLES["No. 2, the whole record"]
ELDER = EXAMPLES["No. 1 of an elder, who pays nothing"]
TEEN = EXAMPLES["No. 1 of a sixteen-year-old, who applies alone"]
YOUNG = EXAMPLES["fifteen years old"]
ABROAD = EXAMPLES["No. 1 on paper by post, five copies, history typed, lived abroad"]
THEFT, FRAUD = case_of(utility, WHOLE, TODAY).facts["criminal_records"]["convictions"]
OLD_BAN, BAN = case_of(utility, WHOLE, TODAY).facts["criminal_records"]["bans"]
NO_RECORD, RECORD = "Không có án tích", "Có án tích"


def case(
    example: dict[str, Any] = CLEAN,
    *,
    answers: dict[str, Any] | None = None,
    people: dict[str, Any] | None = None,
    residence: dict[str, Any] | None = None,
    convictions: tuple[Any, ...] | None = None,
    bans: tuple[Any, ...] | None = None,
    today: date = TODAY,
    **changes: Any,
) -> Case:
    """Return the case of an example with other answers and other facts; what is None stays as it is."""
    found = case_of(utility, example, today)
    facts = {register: dict(values) for register, values in found.facts.items()}
    for register, more in (("population", people), ("residence", residence)):
        facts[register] |= more or {}
    for fact, records in (("convictions", convictions), ("bans", bans)):
        if records is not None:
            facts["criminal_records"][fact] = records
    return replace(found, answers={**found.answers, **(answers or {})}, facts=facts, **changes)


def claims_of(of: Case) -> Claims:
    return made(utility, of)[1]


def refused(of: Case, pointer: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(utility, of)
    assert caught.value.fields == {pointer: code}


def document_bytes(of: Case) -> tuple[bytes, bytes]:
    """Return the compact claims of the code and the object that is hashed, as bytes."""
    kind, claims = made(utility, of)
    compact, full = seen(kind, claims)
    return cbor.encode(compact), json.dumps(full, ensure_ascii=False, sort_keys=True).encode()


def outside(of: Case) -> dict[str, Any]:
    """Return what the applicant and the desk see of a request beside the document."""
    rules = utility.rules_on(of.today)
    return {
        "steps": [step.code for step in utility.steps if step.needed(of)],
        "fee": rules.fee(of),
        "deadline": rules.deadline,
        "province": utility.province_of(of),
        "kind": utility.document_for(of),
        "until": NO_1.until(of),
    }


# --- No. 1 never hints ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_bans", [False, True])
@pytest.mark.parametrize(
    ("convictions", "bans"),
    [
        ((THEFT,), ()),
        ((THEFT, {**THEFT, "judgment_number": "1/1999/HS-ST", "offence": "Cướp tài sản"}), ()),
        (({**THEFT, "expunged_on": TODAY},), ()),
        (({**THEFT, "expunged_on": date(1990, 1, 1)},), ()),
        ((), (OLD_BAN,)),
        ((THEFT,) * 9, (OLD_BAN, {**OLD_BAN, "until_day": TODAY - timedelta(days=1)})),
    ],
)
def test_a_clean_record_and_an_expunged_one_give_the_same_bytes(
    convictions: tuple[Any, ...], bans: tuple[Any, ...], with_bans: bool
) -> None:
    """Docs/domain.md, section 8, case 17. The code, what is hashed, and everything around the request."""
    asked = {"ban_information": with_bans}
    clean, expunged = case(answers=asked), case(answers=asked, convictions=convictions, bans=bans)
    assert document_bytes(expunged) == document_bytes(clean)
    assert outside(expunged) == outside(clean)
    assert not NO_1.void_if(seen(*made(utility, clean))[1], expunged)
    assert not NO_1.void_if(seen(*made(utility, expunged))[1], clean)


def test_two_people_differ_in_their_own_data_alone() -> None:
    someone = {
        "number": "099185000077",
        "full_name": "Trần Thị Bình",
        "birth_date": date(1985, 1, 2),
        "sex": "Nữ",
        "birth_registration_place": "Thành phố Huế",
    }
    own = {"number", "number_last4", "full_name", "birth_date", "sex", "birth_place"}
    clean = claims_of(case())
    expunged = claims_of(case(people=someone, convictions=(THEFT,), bans=(OLD_BAN,), number="099185000077"))
    assert expunged.keys() == clean.keys()
    assert {name for name in clean if clean[name] != expunged[name]} == own


DAYS = st.dates(date(1980, 1, 1), TODAY)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EXPUNGED = st.fixed_dictionaries({**dict.fromkeys(CONVICTION, ANY_TEXT), "judged_on": st.dates(), "expunged_on": DAYS})
STANDING = st.fixed_dictionaries({**dict.fromkeys(CONVICTION[:-1], ANY_TEXT), "judged_on": DAYS})


@given(st.lists(EXPUNGED, max_size=6), st.lists(STANDING, max_size=3), st.randoms(use_true_random=False))
def test_expunged_convictions_change_nothing_wherever_they_stand(
    expunged: list[Any], standing: list[Any], mix: Any
) -> None:
    mixed = [*expunged, *standing]
    mix.shuffle(mixed)
    kept = tuple(each for each in mixed if "expunged_on" not in each)
    with_them, without = case(convictions=tuple(mixed)), case(convictions=kept)
    assert document_bytes(with_them) == document_bytes(without)
    assert outside(with_them) == outside(without)


def test_the_day_the_register_changed_is_not_told_with_no_1() -> None:
    of_the_record = [claim for claim in NO_1.claims if claim.register == Source.CRIMINAL_RECORDS]
    assert {claim.name for claim in of_the_record} == {"result", "convictions", "ban_result", "bans"}
    assert all(claim.undated for claim in of_the_record)


def test_an_entry_that_contradicts_itself_does_not_give_itself_away_in_no_1() -> None:
    wrong = ({**THEFT, "expunged_on": date(2011, 1, 1)},)
    assert document_bytes(case(convictions=wrong)) == document_bytes(case())
    refused(case(WHOLE, convictions=wrong), "/claims/convictions", "expunged_before_judgment")


@pytest.mark.parametrize("day", [None, TODAY + timedelta(days=1)])
def test_what_is_not_expunged_yet_is_said_with_offence_and_penalty_alone(day: date | None) -> None:
    conviction = {**THEFT, "expunged_on": day} if day else {k: v for k, v in THEFT.items() if k != "expunged_on"}
    claims = claims_of(case(convictions=(conviction,)))
    assert claims["result"] == RECORD
    assert claims["convictions"] == ({part: THEFT[part] for part in CONVICTION_OF_NO_1},)
    assert outside(case(convictions=(conviction,)))["steps"] == ["records_department", "court"]


def test_a_conviction_is_expunged_from_its_day_on() -> None:
    conviction = ({**THEFT, "expunged_on": TODAY},)
    assert claims_of(case(convictions=conviction))["result"] == NO_RECORD
    assert claims_of(case(convictions=conviction, today=TODAY - timedelta(days=1)))["result"] == RECORD


def test_a_new_conviction_and_a_new_ban_end_a_certificate_that_says_otherwise() -> None:
    plain, with_bans = case(), case(answers={"ban_information": True})
    stated, with_ban_section = seen(*made(utility, plain))[1], seen(*made(utility, with_bans))[1]
    assert NO_1.void_if(stated, case(convictions=(FRAUD,)))
    assert not NO_1.void_if(stated, case(bans=(BAN,)))
    assert NO_1.void_if(with_ban_section, case(bans=(BAN,)))
    assert not NO_1.void_if(with_ban_section, case(bans=(OLD_BAN,)))
    convicted = seen(*made(utility, case(convictions=(FRAUD,))))[1]
    assert not NO_1.void_if(convicted, case(convictions=(THEFT, FRAUD)))
    assert NO_1.void_if(convicted, case(convictions=({**FRAUD, "expunged_on": TODAY},)))
    gone = replace(plain, facts={"population": plain.facts["population"]})
    assert NO_1.void_if(stated, gone)


# --- The ban section ------------------------------------------------------------------------------------------------


def test_no_1_speaks_of_bans_only_if_asked() -> None:
    claims = claims_of(case(bans=(BAN,)))
    assert not {"ban_result", "bans"} & set(claims)
    assert document_bytes(case(bans=(BAN,))) == document_bytes(case())
    asked = claims_of(case(bans=(BAN,), answers={"ban_information": True}))
    assert asked["bans"] == (BAN,)
    assert asked["result"] == NO_RECORD


@pytest.mark.parametrize(
    ("first", "last", "binds"),
    [
        (TODAY, TODAY, True),
        (TODAY + timedelta(days=1), TODAY + timedelta(days=9), False),
        (TODAY - timedelta(days=9), TODAY - timedelta(days=1), False),
        (TODAY - timedelta(days=9), None, True),
    ],
)
def test_a_ban_binds_on_its_days(first: date, last: date | None, binds: bool) -> None:
    ban = {**BAN, "from_day": first, "until_day": last}
    claims = claims_of(case(bans=(ban,), answers={"ban_information": True}))
    assert ("bans" in claims) is binds
    assert claims["ban_result"].startswith("Đang bị cấm" if binds else "Không bị cấm")


# --- No. 2 ----------------------------------------------------------------------------------------------------------


def test_no_2_says_everything() -> None:
    claims = claims_of(case(WHOLE))
    assert claims["convictions"] == (THEFT, FRAUD)
    assert claims["convictions"][0]["expunged_on"] == date(2014, 3, 14)
    assert claims["bans"] == (OLD_BAN, BAN)
    parents = (claims["father_name"], claims["mother_name"], claims["spouse_name"])
    assert parents == ("Nguyễn Văn Bách", "Trần Thị Lan", "Lê Thị Hòa")


@pytest.mark.parametrize(
    ("convictions", "result"),
    [((), NO_RECORD), ((THEFT,), "Có án tích, đã được xóa án tích"), ((THEFT, FRAUD), RECORD), ((FRAUD,), RECORD)],
)
def test_no_2_names_what_is_expunged_as_expunged(convictions: tuple[Any, ...], result: str) -> None:
    claims = claims_of(case(WHOLE, convictions=convictions, bans=()))
    assert claims["result"] == result
    assert ("convictions" in claims) is bool(convictions)
    assert "bans" not in claims


def test_the_code_of_no_2_shows_that_it_is_genuine_and_no_more() -> None:
    kind, claims = made(utility, case(WHOLE))
    shown = {claim.name for claim in kind.claims if claim.paper is not Paper.HIDDEN}
    assert shown == {"full_name", "number_last4", "certificate_kind", "issued_on", "office"}
    same = {name: value for name, value in seen(kind, claims)[0].items() if name != 20}
    assert same == seen(*made(utility, case(WHOLE, convictions=(), bans=())))[0]
    assert kind.views == {}


def test_every_change_of_the_record_ends_no_2() -> None:
    assert NO_2.void_when == {Source.CRIMINAL_RECORDS}
    assert NO_2.void_if({}, case(WHOLE))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"judged_on": TODAY + timedelta(days=1), "expunged_on": None}, "in_future"),
        ({"expunged_on": date(2012, 6, 13)}, "expunged_before_judgment"),
    ],
)
def test_no_2_is_not_made_of_entries_that_cannot_be(changes: dict[str, Any], code: str) -> None:
    refused(case(WHOLE, convictions=({**THEFT, **changes},)), "/claims/convictions", code)


# --- Who may ask for them -------------------------------------------------------------------------------------------


def test_a_verifier_needs_a_ground_for_no_1_and_never_asks_for_no_2() -> None:
    assert NO_1.asking is Asking.LEGAL_GROUND
    assert NO_2.asking is Asking.NEVER
    for kind in utility.documents:
        assert kind.sensitive
        assert kind.supersedes


def test_what_an_employer_is_shown() -> None:
    basic = ("full_name", "birth_date", "certificate_kind", "result", "issued_on", "office")
    assert NO_1.views["employer"] == basic
    for names in NO_1.views.values():
        assert set(basic) <= set(names)
        assert "convictions" not in names
    assert [purpose for purpose, names in NO_1.views.items() if "ban_result" in names] == ["licensing"]


def test_a_past_conviction_is_asked_of_nobody() -> None:
    names = {field.name for field in utility.form} | {inner.name for each in utility.form for inner in each.fields}
    held = {claim.stated_as for kind in utility.documents for claim in kind.claims if claim.from_register}
    assert not {name for name in names if "convict" in name or "birth" in name or name.endswith("_name")}
    assert not names & (held - {"residence_history"})


# --- Silence is no clean record -------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", [CLEAN, WHOLE], ids=["no_1", "no_2"])
def test_whom_the_register_does_not_know_gets_nothing(example: dict[str, Any]) -> None:
    known = case(example)
    unknown = replace(known, facts={k: v for k, v in known.facts.items() if k != "criminal_records"})
    refused(unknown, "/claims/result", "not_on_record")
    silent = replace(known, facts={**known.facts, "criminal_records": {"bans": ()}})
    refused(silent, "/claims/result", "not_on_record")


@pytest.mark.parametrize("kind", [NO_1, NO_2], ids=lambda kind: kind.code)
def test_nothing_is_derived_of_silence_either(kind: DocumentType) -> None:
    known = case(claims={"number": "099090123456"})
    with pytest.raises(ClaimsRejected) as caught:
        kind.derive(replace(known, facts={"population": known.facts["population"]}))
    assert "/claims/result" in caught.value.fields


def test_a_register_silent_on_bans_is_refused_where_bans_are_asked_for() -> None:
    known = case()
    silent = replace(known, facts={**known.facts, "criminal_records": {"convictions": ()}})
    assert claims_of(silent)["result"] == NO_RECORD
    asked = replace(silent, answers={**silent.answers, "ban_information": True})
    refused(asked, "/claims/ban_result", "not_on_record")
    refused(replace(case(WHOLE), facts=silent.facts), "/claims/ban_result", "not_on_record")


@pytest.mark.parametrize("example", [CLEAN, WHOLE], ids=["no_1", "no_2"])
@pytest.mark.parametrize("step", [step.code for step in utility.steps])
def test_what_an_agency_could_not_confirm_becomes_no_certificate(example: dict[str, Any], step: str) -> None:
    refused(case(example, steps={step: {"outcome": "unconfirmed"}}), "/claims/result", "unconfirmed")
    refused(case(example, steps={step: {}}), "/claims/result", "unconfirmed")


# --- Who may apply --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "refusal"), [(date(2010, 11, 20), None), (date(2010, 11, 21), "too_young"), ("2010", "too_young")]
)
def test_one_applies_from_the_sixteenth_birthday(born: Any, refusal: str | None) -> None:
    young = case(TEEN, people={"birth_date": born})
    if refusal:
        refused(young, "/claims/birth_date", refusal)
    else:
        assert claims_of(young)["result"] == NO_RECORD


@pytest.mark.parametrize("capacity", list(Capacity))
@pytest.mark.parametrize("kind", ["no_1", "no_2"])
def test_for_a_fifteen_year_old_nobody_applies(capacity: Capacity, kind: str) -> None:
    refused(
        case(YOUNG, answers={"kind": kind}, capacity=capacity, relation="parent"), "/claims/birth_date", "too_young"
    )


@pytest.mark.parametrize(
    ("example", "capacity", "relation", "kind", "authority", "refusal"),
    [
        (CLEAN, "self", "", "no_1", False, None),
        (CLEAN, "self", "", "no_2", False, None),
        (CLEAN, "self", "", "no_1", True, ("authority", "authority_not_needed")),
        (CLEAN, "proxy", "parent", "no_1", False, None),
        (CLEAN, "proxy", "spouse", "no_1", False, None),
        (CLEAN, "proxy", "child", "no_1", False, None),
        (CLEAN, "proxy", "child", "no_1", True, ("authority", "authority_not_needed")),
        (CLEAN, "proxy", "", "no_1", True, None),
        (CLEAN, "proxy", "", "no_1", False, ("authority", "authority_required")),
        (CLEAN, "proxy", "", "no_2", True, ("kind", "self_only")),
        (CLEAN, "proxy", "parent", "no_2", False, ("kind", "self_only")),
        (CLEAN, "proxy", "spouse", "no_2", False, ("kind", "self_only")),
        (CLEAN, "proxy", "child", "no_2", True, ("kind", "self_only")),
        (CLEAN, "guardian", "", "no_2", False, None),
        (TEEN, "self", "", "no_1", False, None),
        (TEEN, "self", "", "no_2", False, ("kind", "guardian_applies")),
        (TEEN, "guardian", "", "no_2", False, None),
        (TEEN, "guardian", "", "no_1", False, None),
        (TEEN, "proxy", "parent", "no_2", False, None),
        (TEEN, "proxy", "spouse", "no_2", False, ("kind", "self_only")),
        (TEEN, "proxy", "", "no_2", True, ("kind", "self_only")),
    ],
)
def test_who_applies_for_whom(
    example: dict[str, Any],
    capacity: str,
    relation: str,
    kind: str,
    authority: bool,
    refusal: tuple[str, str] | None,
) -> None:
    answers: dict[str, Any] = {"kind": kind}
    if authority:
        answers["authority"] = ("evd_" + "0" * 32,)
    asked = case(example, answers=answers, capacity=Capacity(capacity), relation=relation)
    if refusal:
        refused(asked, f"/answers/{refusal[0]}", refusal[1])
    else:
        assert made(utility, asked)[0].code == f"judicial_record_{kind[-1]}"


def test_no_organisation_applies() -> None:
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN, Capacity.PROXY}
    assert utility.minimum_level is AccountLevel.TWO


# --- The form -------------------------------------------------------------------------------------------------------

ANSWERS = CLEAN["answers"]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"kind": None}, {"kind", "ban_information"}),
        ({"kind": "no_3"}, {"kind"}),
        ({"purpose": "curiosity"}, {"purpose"}),
        ({"purpose": "other"}, {"purpose_other"}),
        ({"purpose_other": "x y z"}, {"purpose_other"}),
        ({"kind": "no_2"}, {"ban_information"}),
        ({"ban_information": "yes"}, {"ban_information"}),
        ({"copies": "electronic_and_paper"}, {"paper_copies", "delivery"}),
        ({"copies": "electronic_and_paper", "paper_copies": 21, "delivery": "collect"}, {"paper_copies"}),
        (
            {"copies": "electronic_and_paper", "paper_copies": 1, "delivery": "post"},
            {"delivery_address", "delivery_phone"},
        ),
        ({"delivery": "collect"}, {"delivery"}),
        ({"office": "001"}, {"office"}),
        ({"email": "an at vidu.vn"}, {"email"}),
        ({"occupations": None}, {"occupations"}),
        ({"occupations": []}, {"occupations"}),
        ({"occupations": [{"from_day": "2012-13-01", "job": "Lái xe"}]}, {"occupations/0/from_day"}),
        ({"occupations": [{"job": "Lái xe"}]}, {"occupations/0/from_day"}),
        ({"convictions": []}, {"convictions"}),
        (
            {"residence_history": [{"from_day": "2004-05-12", "place": "vietnam", "address": "Huế"}]},
            {"residence_history"},
        ),
    ],
)
def test_bad_answers_are_told(changes: dict[str, Any], faults: set[str]) -> None:
    answers = {name: value for name, value in {**ANSWERS, **changes}.items() if value is not None}
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, answers, held=frozenset({"residence_history"}))
    told = {pointer.removeprefix("/answers/") for pointer in caught.value.fields}
    assert told == faults


def test_every_purpose_of_the_form_is_a_choice() -> None:
    assert len(PURPOSES) == 8
    for purpose in PURPOSES:
        answers = {**ANSWERS, "purpose": purpose} | ({"purpose_other": "Bổ sung"} if purpose == "other" else {})
        assert parse(utility.form, answers, held=frozenset({"residence_history"}))["purpose"] == purpose


def test_where_one_lived_is_asked_only_if_no_register_knows() -> None:
    field = next(field for field in utility.form if field.name == "residence_history")
    assert field.held_by == ("residence", "residence_history")
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, ANSWERS)
    assert caught.value.fields == {"/answers/residence_history": "required"}
    held = case(answers={"residence_history": ({"from_day": date(1900, 1, 1), "address": "Huế"},)})
    assert claims_of(held)["result"] == NO_RECORD  # what the register says is not held against the form's rules


# --- History --------------------------------------------------------------------------------------------------------

BORN = date(1990, 5, 12)


def period(first: date, last: date | None = None, *, province: str = "46", **more: Any) -> dict[str, Any]:
    found = {"from_day": first, "place": "vietnam", "province": province, "address": "Số 3", **more}
    return found if last is None else {**found, "to_day": last}


@pytest.mark.parametrize(
    ("periods", "faults"),
    [
        ([period(date(2004, 5, 12))], {}),
        ([period(BORN)], {}),
        ([period(date(2004, 5, 13))], {"/0/from_day": "not_since_14"}),
        ([period(date(2004, 5, 12), date(2012, 1, 1)), period(date(2012, 1, 2))], {}),
        ([period(date(2012, 1, 2)), period(date(2004, 5, 12), date(2012, 1, 1))], {}),
        ([period(date(2004, 5, 12), date(2012, 1, 1)), period(date(2012, 1, 3))], {"/1/from_day": "gap"}),
        ([period(date(2012, 1, 3)), period(date(2004, 5, 12), date(2012, 1, 1))], {"/0/from_day": "gap"}),
        ([period(date(2004, 5, 12), TODAY)], {}),
        ([period(date(2004, 5, 12), TODAY - timedelta(days=1))], {"": "not_until_today"}),
        ([period(date(2004, 5, 12)), period(date(2006, 1, 1), date(2007, 1, 1))], {}),
        ([period(date(2004, 5, 12), date(2003, 1, 1))], {"/0/to_day": "before_start"}),
        ([period(TODAY + timedelta(days=1))], {"/0/from_day": "in_future"}),
        ([period(date(2004, 5, 12), TODAY + timedelta(days=1))], {"/0/to_day": "in_future"}),
        (
            [period(date(2005, 1, 1), date(2006, 1, 1)), period(date(2008, 1, 1), date(2009, 1, 1))],
            {"/0/from_day": "not_since_14", "/1/from_day": "gap", "": "not_until_today"},
        ),
    ],
)
def test_a_history_goes_from_fourteen_until_today_without_a_hole(periods: list[Any], faults: dict[str, str]) -> None:
    asked = case(ABROAD, answers={"residence_history": tuple(periods)}, people={"birth_date": BORN})
    if not faults:
        made(utility, asked)
        return
    with pytest.raises(InvalidInput) as caught:
        made(utility, asked)
    assert caught.value.fields == {f"/answers/residence_history{path}": code for path, code in faults.items()}


@pytest.mark.parametrize(
    ("born", "first", "fits"),
    [
        ("1948", date(1962, 12, 31), True),
        ("1948", date(1963, 1, 1), False),
        (date(1988, 2, 29), date(2002, 3, 1), True),
    ],
)
def test_the_fourteenth_birthday_of_a_year_or_a_leap_day(born: Any, first: date, fits: bool) -> None:
    asked = case(ABROAD, answers={"residence_history": (period(first),)}, people={"birth_date": born})
    if fits:
        made(utility, asked)
    else:
        refused(asked, "/answers/residence_history/0/from_day", "not_since_14")


@pytest.mark.parametrize(
    ("periods", "several"),
    [
        ([period(BORN)], False),
        ([period(BORN, date(2012, 1, 1)), period(date(2012, 1, 2))], False),
        ([period(BORN, date(2012, 1, 1)), period(date(2012, 1, 2), province="01")], True),
        ([{"from_day": BORN, "place": "abroad", "address": "Seoul"}], True),
    ],
)
def test_whoever_lived_in_several_provinces_or_abroad_is_verified(periods: list[Any], several: bool) -> None:
    asked = case(ABROAD, answers={"residence_history": tuple(periods)})
    assert several_places(asked) is several
    assert ("province_police" in outside(asked)["steps"]) is several


def test_a_history_of_the_register_is_read_for_that_too() -> None:
    assert not several_places(case())
    moved = (
        {"from_day": BORN, "to_day": date(2015, 2, 28), "address": "Thôn 3, Xã Bát Tràng, Thành phố Hà Nội"},
        {"from_day": date(2015, 3, 1), "address": "45 Trần Phú, Phường Nha Trang, Tỉnh Khánh Hòa"},
    )
    assert several_places(case(residence={"residence_history": moved}))


# --- Fees -----------------------------------------------------------------------------------------------------------


def lines(of: Case) -> list[tuple[str, int]]:
    fee = utility.rules_on(of.today).fee(of)
    return [(line.code, line.amount) for line in fee.lines] + [("due", fee.due)]


HUE = {"permanent_province_code": "46"}
FIVE = {"copies": "electronic_and_paper", "paper_copies": 5}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (case(), [("fee", 200_000), ("support_hanoi", -200_000), ("due", 0)]),
        (case(residence=HUE), [("fee", 200_000), ("due", 200_000)]),
        (case(residence={"permanent_province_code": None}), [("fee", 200_000), ("due", 200_000)]),
        (case(account_level=AccountLevel.ONE), [("fee", 200_000), ("due", 200_000)]),
        (case(people={"nationality": "Pháp"}), [("fee", 200_000), ("due", 200_000)]),
        (
            case(people={"nationality": "Pháp", "exemptions": ("student",)}),
            [("fee_reduced", 100_000), ("due", 100_000)],
        ),
        (
            case(people={"exemptions": ("student",)}),
            [("fee_reduced", 100_000), ("support_hanoi", -100_000), ("due", 0)],
        ),
        (case(people={"exemptions": ("merit",)}, residence=HUE), [("fee_reduced", 100_000), ("due", 100_000)]),
        (
            case(people={"exemptions": ("martyr_relative",)}, residence=HUE),
            [("fee_reduced", 100_000), ("due", 100_000)],
        ),
        (case(ELDER), [("exempt", 0), ("due", 0)]),
        (case(ELDER, residence=HUE), [("exempt", 0), ("due", 0)]),
        (case(people={"exemptions": ("student", "poor_household")}), [("exempt", 0), ("due", 0)]),
        (case(answers=FIVE, residence=HUE), [("fee", 200_000), ("extra_copies", 15_000), ("due", 215_000)]),
        (
            case(answers=FIVE),
            [("fee", 200_000), ("extra_copies", 15_000), ("support_hanoi", -200_000), ("due", 15_000)],
        ),
        (case(answers={"paper_copies": 2}, residence=HUE), [("fee", 200_000), ("due", 200_000)]),
        (case(ELDER, answers=FIVE), [("exempt", 0), ("due", 0)]),
    ],
)
def test_what_it_costs(of: Case, expected: list[tuple[str, int]]) -> None:
    """Docs/domain.md, section 8, case 17: the support of Hà Nội, and an exempt elder who pays nothing without it."""
    assert lines(of) == expected


@pytest.mark.parametrize(
    "flag",
    [
        "poor_household",
        "disability",
        "special_area_resident",
        "minority_special_area",
        "border_commune",
        "safe_zone_commune",
    ],
)
def test_who_is_exempt(flag: str) -> None:
    assert lines(case(people={"exemptions": (flag,)}, residence=HUE)) == [("exempt", 0), ("due", 0)]


@pytest.mark.parametrize(
    ("born", "due"), [(date(1966, 11, 20), 0), (date(1966, 11, 21), 200_000), ("1966", 200_000), ("1965", 0)]
)
def test_sixty_is_elderly_on_the_birthday(born: Any, due: int) -> None:
    assert lines(case(people={"birth_date": born}, residence=HUE))[-1] == ("due", due)


@pytest.mark.parametrize(
    ("today", "supported"),
    [
        (date(2024, 5, 31), False),
        (date(2024, 6, 1), True),
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), True),
        (date(2027, 12, 31), True),
        (date(2028, 1, 1), False),
    ],
)
def test_hanoi_pays_within_the_period_of_the_rules(today: date, supported: bool) -> None:
    assert (("support_hanoi", -200_000) in lines(case(today=today))) is supported


# --- Rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "version", "days"),
    [
        (date(2026, 6, 30), "2010-07", (10, 15)),
        (date(2026, 7, 1), "2026-07", (3, 9)),
        (date(2000, 1, 1), "2010-07", (10, 15)),
    ],
)
def test_the_deadline_is_that_of_the_day(day: date, version: str, days: tuple[int, int]) -> None:
    rules = utility.rules_on(day)
    assert rules.version == version
    assert (rules.deadline.working_days, rules.deadline.extended_working_days) == days


def test_sixteen_is_the_rule_of_2026_alone() -> None:
    before = date(2026, 6, 30)
    assert claims_of(case(YOUNG, today=before))["result"] == NO_RECORD
    refused(case(YOUNG), "/claims/birth_date", "too_young")


def test_the_office_is_the_chosen_one_or_that_of_the_residence() -> None:
    assert utility.province_of(case()) == ""
    assert utility.province_of(case(answers={"office": "79"})) == "79"


def test_reasons_to_refuse_and_to_ask_for_more() -> None:
    assert set(utility.reasons_for("request_supplement")) == {
        "history_incomplete",
        "authority_unclear",
        "address_incomplete",
    }
    assert "data_mismatch" in utility.reasons_for("reject")
    assert not set(utility.reasons_for("reject")) & set(utility.reasons_for("request_supplement"))


def test_steps_wait_for_the_central_look_up_and_answer_without_words() -> None:
    by_code = {step.code: step for step in utility.steps}
    assert by_code["records_department"].after == ()
    for step in utility.steps:
        assert step.faults({"outcome": "confirmed"}) == step.faults({"outcome": "unconfirmed"}) == {}
        assert step.faults({"outcome": "confirmed; earlier theft, expunged"}) == {"outcome": "invalid_format"}
        assert step.faults({}) == {"outcome": "required"}


@pytest.mark.parametrize("kind", utility.documents, ids=lambda kind: kind.code)
def test_the_longest_names_and_the_longest_result_fit_a_printed_code(kind: DocumentType) -> None:
    example = WHOLE if kind is NO_2 else CLEAN
    found, claims = made(utility, case(example))
    assert found is kind
    assert fault_of_room(kind, {**claims, "office": "Công an tỉnh Bà Rịa - Vũng Tàu và các vùng lân cận"}) == ""
