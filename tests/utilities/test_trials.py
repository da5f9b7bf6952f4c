"""Examples: what a utility does that they do not say, and what they leave untold, is a sentence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.utilities.plugins import EXAMPLES, MADE_UP, NAME, PAPER, RULES, SINCE, TEXTS, example, plugin, words
from wallet.utilities.base import (
    ANSWERED,
    INSTANT,
    NOTICE,
    REVIEWED,
    AnswersRejected,
    Ask,
    Capacity,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    Deadline,
    Fee,
    FeeLine,
    Field,
    Kind,
    Lifecycle,
    Paper,
    Source,
    Step,
)
from wallet.utilities.examples import read_examples, value_of
from wallet.utilities.trials import faults_of_examples

AT = "example 'all is there': "
DERIVED = Claim(3, "last4", paper=Paper.SHOWN)
POPULATION = {"number": "099090000001", "full_name": "Nguyễn Văn An"}


def run(*accepted: Any, rejected: Any = (), texts: Any = None, **changes: Any) -> list[str]:
    given = {"today": "2026-11-20", "accepted": list(accepted or (example(),)), "rejected": list(rejected)}
    return faults_of_examples(plugin(texts, **changes), given)


def derives(function: Any, *claims: Claim) -> dict[str, Any]:
    return {"paper": {"claims": (NAME, SINCE, *claims), "derive": function}}


def last4(case: Case) -> Claims:
    return {"last4": case.number[-4:]}


def test_sound_examples_have_no_faults() -> None:
    assert run() == []
    assert run(example(claims={"last4": "0001"}), **derives(last4, DERIVED)) == []


# --- Codes as values ------------------------------------------------------------------------------------------------

CODED = words("values", **{"state.valid": ("Còn hiệu lực", "In force"), "state.held": ("Đang giữ", "Held")})
SHOWN = {"shows": {"residence": ("state",)}, "reads": ("residence",)}


def with_state(value: Any) -> dict[str, Any]:
    facts = dict(example()["facts"])
    return example(facts={**facts, "residence": {**facts["residence"], "state": value}})


@pytest.mark.parametrize("value", ["valid", [{"state": "held"}, {"state": "valid"}], ["held"]])
def test_a_code_with_words_is_shown(value: Any) -> None:
    assert run(with_state(value), texts=CODED, codes={"state": ("valid", "held")}, **SHOWN) == []


@pytest.mark.parametrize("value", ["old_paper", [{"state": "old_paper"}], [{"deeper": [{"state": "old_paper"}]}]])
def test_a_code_without_words_is_told(value: Any) -> None:
    none_of = AT + "state is 'old_paper', which is none of its codes"
    assert none_of in run(with_state(value), texts=CODED, codes={"state": ("valid", "held")}, **SHOWN)
    bare = AT + "state is shown as the code 'old_paper', which has no words"
    assert bare in run(with_state(value), **SHOWN)


@pytest.mark.parametrize("value", ["Còn hiệu lực", "2026", "Thường trú", "In force", "a b"])
def test_words_are_no_code(value: str) -> None:
    assert run(with_state(value), **SHOWN) == []


def test_a_claim_states_words() -> None:
    def derived(case: Case) -> Claims:
        return {"last4": "old_paper"}

    told = example(claims={"last4": "old_paper"})
    bare = AT + "the claim last4 is the code 'old_paper', which has no words"
    assert bare in run(told, **derives(derived, DERIVED))
    texts = words("values", **{"last4.old_paper": ("Giấy cũ", "Old paper")})
    assert run(told, texts=texts, codes={"last4": ("old_paper",)}, **derives(derived, DERIVED)) == []


def test_codes_of_what_nobody_sees_are_told() -> None:
    assert "the codes of state are for nothing that is shown" in run(codes={"state": ("valid",)}, texts=CODED)


# --- What is doubtful -----------------------------------------------------------------------------------------------

KIND = Field("kind", Ask.CHOICE, choices=("a", "b"))


def test_what_it_warns_of_is_told_by_an_example() -> None:
    texts = words("warnings", odd=("Lạ", "Odd"))
    found = {"form": (KIND,), "warn": lambda case: {"kind": "odd"} if case.answers.get("kind") == "a" else {}}
    assert run(example(answers={"kind": "b"}), **found) == []
    assert AT + "it warns of {'kind': 'odd'}" in run(example(answers={"kind": "a"}), texts=texts, **found)
    told = example(answers={"kind": "a"}, warnings={"kind": "odd"})
    assert run(told, texts=texts, **found) == []
    assert AT + "the warning odd has no words" in run(told, **found)
    assert "no example is warned of odd" in run(example(answers={"kind": "b"}), texts=texts, **found)


# --- A look at the answers alone ------------------------------------------------------------------------------------

ROW = (Field("a", Ask.INT, size=(0, 9)), Field("b", Ask.INT, required=False, size=(0, 9)))
ROWS = (KIND, Field("rows", Ask.RECORDS, size=(1, 3), fields=ROW))
WHOLE = {"kind": "a", "rows": [{"a": 1}, {"a": 2, "b": 3}]}


def test_a_look_finds_nothing_in_what_is_accepted() -> None:
    found = run(example(answers={"kind": "a"}), form=(KIND,), look=lambda case: {"kind": "odd"})
    assert found == [AT + "a look at its answers finds {'kind': 'odd'}"]


@pytest.mark.parametrize(
    "look",
    [
        lambda case: {"kind": "odd"} if case.answers["kind"] == "b" else {},
        lambda case: {"rows": "odd"} if len(case.answers["rows"]) > 2 else {},
        lambda case: {"rows": "odd"} if any(row["a"] > 5 for row in case.answers.get("rows", ())) else {},
        lambda case: {"kind": "odd"} if case.facts["population"] is None else {},
    ],
)
def test_a_look_does_without_any_answer_and_without_facts(look: Any) -> None:
    (fault,) = run(example(answers=WHOLE), form=ROWS, look=look)
    assert "fails with KeyError" in fault


def test_a_look_that_is_content_with_what_there_is_has_no_faults() -> None:
    def look(case: Case) -> Mapping[str, str]:
        return {f"rows/{n}/a": "odd" for n, row in enumerate(case.answers.get("rows", ())) if row.get("a", 0) > 5}

    assert run(example(answers=WHOLE), form=ROWS, look=look) == []


def test_what_a_look_finds_is_refused_too() -> None:
    def accept(case: Case) -> None:
        raise ClaimsRejected(since="in_future")

    wrong = example(name="no", answers={"kind": "b"}, why={"/claims/since": "in_future"})
    looks = {"form": (KIND,), "accept": accept, "look": lambda case: {"kind": "in_future"}}
    found = faults_of_examples(plugin(**looks), {"today": "2026-11-20", "accepted": [], "rejected": [wrong]})
    assert "example 'no': a look at its answers finds kind wrong, and it is not rejected for that" in found


def test_a_fee_is_told_to_a_proxy_who_knows_no_facts() -> None:
    def fee(case: Case) -> Fee:
        return Fee((FeeLine("pass", 1 if case.facts["residence"] else 2),))

    changes = {"lifecycle": REVIEWED, "reasons": ("no",), "rules": (replace(RULES, fee=fee),)}
    texts = words("fees", **{"pass": ("Phí", "Fee")})
    proxies = frozenset({Capacity.SELF, Capacity.PROXY})
    assert not any("KeyError" in fault for fault in run(texts=texts, **changes))
    assert any("KeyError" in fault for fault in run(texts=texts, who=proxies, **changes))


def _relatives_alone(case: Case) -> None:
    if case.unproven:
        raise AnswersRejected({"": "not_authorised"})


@pytest.mark.parametrize("lifecycle", [INSTANT, ANSWERED, NOTICE])
@pytest.mark.parametrize("accept", [None, lambda case: None])
def test_a_proxy_whom_nobody_knows_is_not_answered_at_once(lifecycle: Lifecycle, accept: Any) -> None:
    proxies = frozenset({Capacity.SELF, Capacity.PROXY})
    changes = {"lifecycle": lifecycle} | ({} if accept is None else {"accept": accept})
    fault = AT + "a proxy whom no register calls a relative is answered at once"
    assert fault in run(who=proxies, **changes)
    assert fault not in run(who=proxies, **changes | {"accept": _relatives_alone})
    assert fault not in run(**changes), "where no proxy may apply"
    assert fault not in run(who=proxies, **changes | {"lifecycle": REVIEWED}), "where an officer looks"


@pytest.mark.parametrize("place", ["gone", "kind/0", "kind/x", "", "rows/0"])
def test_it_warns_of_what_was_answered(place: str) -> None:
    found = run(
        example(answers={"kind": "a"}, warnings={place: "birth_year_unlike_number"}),
        form=(KIND,),
        warn=lambda case: {place: "birth_year_unlike_number"},
    )
    assert found == [AT + f"it warns of {place}, which is not answered"]


# --- What cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        None,
        {"today": "2026-11-20"},
        {"today": "tomorrow", "accepted": []},
        {**EXAMPLES, "accepted": [{"facts": {}}]},
        {**EXAMPLES, "accepted": [example(capacity="king")]},
        {**EXAMPLES, "accepted": [example(account_level=9)]},
        {**EXAMPLES, "accepted": [example(colour="red")]},
        {**EXAMPLES, "accepted": [example(facts={"population": {"birth_date": "2026-13-01"}})]},
        {**EXAMPLES, "accepted": "all"},
    ],
)
def test_examples_that_cannot_be_read_are_told(given: Any) -> None:
    (fault,) = faults_of_examples(plugin(), given)
    assert fault.startswith("examples.json cannot be read")


def test_values_are_what_registers_state() -> None:
    given = {
        "day": "2026-11-20",
        "year": "1948",
        "at": "2026-11-20T02:00:00Z",
        "list": [{"on": "2026-01-02"}, "x"],
        "n": 1,
    }
    assert value_of(given) == {
        "day": date(2026, 11, 20),
        "year": "1948",
        "at": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "list": ({"on": date(2026, 1, 2)}, "x"),
        "n": 1,
    }


def test_an_example_is_a_case_of_its_day() -> None:
    one = read_examples(MADE_UP, {**EXAMPLES, "accepted": [example(request={"submitted_at": "2026-11-20T02:00:00Z"})]})
    case = one.accepted[0].case
    assert case.today == date(2026, 11, 20)
    assert case.now == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert case.submitted_at == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert case.applicant == {"number": "099090000001"}
    assert case.account_level is MADE_UP.minimum_level


# --- Accepted -------------------------------------------------------------------------------------------------------


def raises_key_error(case: Case) -> Claims:
    return {"last4": case.facts["vehicles"]["plate"]}


def raises_system_things(_case: Case) -> Claims:
    raise RuntimeError("no")


def writes(case: Case) -> Claims:
    case.facts["population"]["full_name"] = "Ai đó"  # type: ignore[index]
    return {"last4": "0001"}


TICK = iter(range(10**6))


def never_the_same(_case: Case) -> Claims:
    return {"last4": str(next(TICK))}


def more_than_declared(case: Case) -> Claims:
    return {"last4": case.number[-4:], "secret": "x"}


def five_digits(case: Case) -> Claims:
    return {"last4": case.number[-5:]}


def whole_number(case: Case) -> Claims:
    return {"last4": f"Số {case.number}"}


def endless(_case: Case) -> Claims:
    return {"last4": "".join(chr(0x1E00 + (n * 7919) % 200) for n in range(600))}


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "missing": (
        example(facts={"population": POPULATION}),
        {},
        AT + "it is rejected: {'/claims/since': 'missing_in_register'}",
    ),
    "fails": (example(), derives(raises_key_error, DERIVED), AT + "it fails with KeyError: 'vehicles'"),
    "fails-otherwise": (example(), derives(raises_system_things, DERIVED), AT + "it fails with RuntimeError: no"),
    "changes-its-case": (
        example(claims={"last4": "0001"}),
        derives(writes, DERIVED),
        AT + "deriving changes what it is given, or does not say the same twice",
    ),
    "not-the-same-twice": (
        example(),
        derives(never_the_same, DERIVED),
        AT + "deriving changes what it is given, or does not say the same twice",
    ),
    "derives-too-much": (
        example(claims={"last4": "0001"}),
        derives(more_than_declared, DERIVED),
        AT + "it derives secret, which it did not declare",
    ),
    "derives-nothing": (
        example(),
        derives(lambda _case: {}, DERIVED),
        AT + "it is rejected: {'/claims/last4': 'missing_in_register'}",
    ),
    "untold": (example(), derives(last4, DERIVED), AT + "it does not tell the claim last4, which is '0001'"),
    "told-wrongly": (
        example(claims={"last4": "0002"}),
        derives(last4, DERIVED),
        AT + "the claim last4 is '0001'",
    ),
    "told-and-not-there": (
        example(claims={"gone": 1}),
        {},
        AT + "it tells the claim gone, which there is not",
    ),
    "wrong-kind": (
        example(claims={"last4": "0001"}),
        derives(last4, replace(DERIVED, kind=Kind.INT)),
        AT + "the claim last4 is not of the kind int",
    ),
    "no-records": (
        example(claims={"last4": "0001"}),
        derives(last4, replace(DERIVED, kind=Kind.RECORDS, paper=Paper.HIDDEN)),
        AT + "the claim last4 is not of the kind records",
    ),
    "naive-time": (
        example(),
        derives(lambda case: {"last4": case.now.replace(tzinfo=None)}, replace(DERIVED, kind=Kind.TIME)),
        AT + "the claim last4 is not of the kind time",
    ),
    "five-digits": (
        example(claims={"last4": "00001"}),
        derives(five_digits, DERIVED),
        AT + "it shows more than four digits of a number on paper",
    ),
    "whole-number": (
        example(claims={"last4": "Số 099090000001"}),
        derives(whole_number, DERIVED),
        AT + "it shows more than four digits of a number on paper",
    ),
    "too-long": (example(), derives(endless, DERIVED), AT + "with the longest legal names its code has"),
    "another-document": (example(document="other"), {}, AT + "its document is made-up"),
    "no-such-document": (
        example(),
        {"document_for": lambda _case: "gone"},
        AT + "it fails with KeyError: 'gone'",
    ),
    "accept-refuses": (
        example(),
        {"accept": lambda _case: (_ for _ in ()).throw(AnswersRejected({"a": "wrong"}))},
        AT + "it is rejected: {'/answers/a': 'wrong'}",
    ),
    "answers-nothing-asks": (
        example(answers={"why": "x"}),
        {},
        AT + "it is rejected: {'/answers/why': 'unknown_field'}",
    ),
    "unanswered": (
        example(),
        {"form": (Field("why"),)},
        AT + "it is rejected: {'/answers/why': 'required'}",
    ),
    "asked-twice": (
        example(answers={"since": "2020-01-02"}),
        {"form": (Field("since", Ask.DAY, held_by=("residence", "since")),)},
        AT + "it is rejected: {'/answers/since': 'already_held'}",
    ),
    "why": (example(why={"/claims/since": "x"}), {}, AT + "it is accepted and says why not"),
    "fee-none": (
        example(),
        {"rules": (replace(RULES, fee=lambda _case: None),)},
        AT + "the fee of the rules 2026 is none, or not the same twice",
    ),
    "fee-negative": (
        example(),
        {"rules": (replace(RULES, fee=lambda _case: Fee((FeeLine("support", -1),))),)},
        AT + "the fee of the rules 2026 is none, or not the same twice",
    ),
    "fee-nobody-waits-for": (
        example(),
        {"rules": (replace(RULES, fee=lambda _case: Fee((FeeLine("fee", 1),))),)},
        AT + "the rules 2026 ask for money and nothing waits for it",
    ),
    "fee-without-words": (
        example(),
        {"rules": (replace(RULES, fee=lambda _case: Fee((FeeLine("fee", 1),))),)},
        "the fee fee has no words",
    ),
    "over-already": (
        example(),
        {"paper": {"until": lambda _case: date(2026, 11, 19)}},
        AT + "the last day of its document is none, or gone by",
    ),
    "until-a-moment": (
        example(),
        {"paper": {"until": lambda case: case.now}},
        AT + "the last day of its document is none, or gone by",
    ),
    "no-province": (example(), {"province_of": lambda _case: None}, AT + "the province of its desk is no code"),
    "step-perhaps": (
        example(),
        {"steps": (Step("look", "c06", Deadline(1), needed=lambda _case: None),)},  # type: ignore[arg-type,return-value]
        AT + "whether the step look is needed is neither yes nor no",
    ),
    "step-finds": (
        example(steps={"look": {"colour": "red"}}),
        {"steps": (Step("look", "c06", Deadline(1), finds=("size",)),)},
        AT + "the step look finds what it does not declare",
    ),
    "step-refused": (
        example(steps={"look": {"size": "3"}}),
        {"steps": (Step("look", "c06", Deadline(1), finds=("size",), check=lambda _case: {"size": "too_late"}),)},
        AT + "it is rejected: {'/found/size': 'too_late'}",
    ),
    "no-such-step": (
        example(steps={"look": {}}),
        {},
        AT + "the step look finds what it does not declare",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_an_example_shows_is_told(name: str) -> None:
    given, changes, fault = WRONG[name]
    found = run(given, **changes)
    assert any(each.startswith(fault) for each in found), found


def test_every_kind_of_document_has_an_example() -> None:
    other = replace(PAPER, code="other")
    assert run(documents=(PAPER, other)) == ["no accepted example of the document other"]
    second = example(name="another", document="other", capacity="guardian")
    chosen = {"documents": (PAPER, other), "document_for": lambda case: "other" if case.capacity == "guardian" else ""}
    assert run(example(), second, **chosen) == []


def test_no_accepted_example_at_all_is_told() -> None:
    assert faults_of_examples(plugin(), {"today": "2026-11-20", "accepted": []}) == [
        "no accepted example of the document made-up"
    ]


def test_examples_of_a_day_before_every_rule_are_told() -> None:
    assert "no rules were in force on the day of the examples" in faults_of_examples(
        plugin(), {**EXAMPLES, "today": "2025-12-31"}
    )


# --- Facts that may be absent ---------------------------------------------------------------------------------------

TEMPORARY = Claim(4, "until", Kind.DAY, Source.RESIDENCE, required=False)


def test_optional_facts_may_all_be_absent() -> None:
    def derive(case: Case) -> Claims:
        return {"last4": case.claims["until"].isoformat()[-4:]}

    facts = {"population": POPULATION, "residence": {"since": "2020-01-02", "until": "2027-01-02"}}
    found = run(example(facts=facts, claims={"last4": "1-02"}), **derives(derive, DERIVED, TEMPORARY))
    assert found == [AT + "without optional facts it fails with KeyError: 'until'"]


def test_a_refusal_in_words_is_no_fault_where_optional_facts_are_absent() -> None:
    def check(claims: Claims, _today: date) -> None:
        if "until" not in claims:
            raise ClaimsRejected(until="nowhere")

    facts = {"population": POPULATION, "residence": {"since": "2020-01-02", "until": "2027-01-02"}}
    changes = {"paper": {"claims": (NAME, SINCE, TEMPORARY), "check": check}}
    assert run(example(facts=facts), **changes) == [AT + "without optional facts it is rejected for nowhere"]
    why = {**example(name="nowhere"), "why": {"/claims/until": "nowhere"}}
    texts = words("reasons", nowhere=("Không ở đâu", "Nowhere"))
    assert run(example(facts=facts), rejected=[why], texts=texts, **changes) == []


# --- Rejected -------------------------------------------------------------------------------------------------------


def refuse(claims: Claims, today: date) -> None:
    if claims["since"] > today:
        raise ClaimsRejected(since="too_late")


LATE = {**example(name="late"), "facts": {"population": POPULATION, "residence": {"since": "2027-01-01"}}}
WHY = {"/claims/since": "too_late"}
TOO_LATE = words("reasons", too_late=("Quá muộn", "Too late"))


def rejecting(given: Mapping[str, Any], texts: Any = TOO_LATE) -> list[str]:
    return run(rejected=[given], texts=texts, paper={"check": refuse})


def test_rejected_examples_are_rejected_for_their_reasons() -> None:
    assert rejecting({**LATE, "why": WHY}) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (LATE, "example 'late': it is rejected and does not say why"),
        ({**LATE, "why": {"/claims/since": "x"}}, f"example 'late': it is rejected for {WHY}"),
        ({**LATE, "why": {**WHY, "/claims/full_name": "x"}}, f"example 'late': it is rejected for {WHY}"),
        ({**example(name="late"), "why": WHY}, "example 'late': it is accepted"),
    ],
)
def test_wrongly_rejected_examples_are_told(given: Any, fault: str) -> None:
    assert fault in rejecting(given)


def test_what_a_step_reports_and_cannot_be_is_rejected_for_its_reason() -> None:
    size = Step(
        "look",
        "c06",
        Deadline(1),
        finds=("size",),
        check=lambda case: {"size": "too_late"} if case.steps["look"]["size"] > "5" else {},
    )
    whole, late = example(steps={"look": {"size": "3"}}), example(name="late", steps={"look": {"size": "7"}})
    why = {"/found/size": "too_late"}
    assert run(whole, rejected=[{**late, "why": why}], texts=TOO_LATE, steps=(size,)) == []
    assert "no example is rejected for the reason too_late" in run(whole, texts=TOO_LATE, steps=(size,))
    assert f"example 'late': it is rejected for {why}" in run(
        whole, rejected=[{**late, "why": WHY}], texts=TOO_LATE, steps=(size,)
    )


def test_reason_without_words_or_without_example_is_told() -> None:
    assert rejecting({**LATE, "why": WHY}, TEXTS) == ["example 'late': the reason too_late has no words"]
    assert run(texts=TOO_LATE, paper={"check": refuse}) == ["no example is rejected for the reason too_late"]


def test_reasons_of_officers_need_no_example() -> None:
    assert run(texts=words("reasons", done=("Xong", "Done")), lifecycle=ANSWERED, reasons=("done",)) == []


def test_form_refuses_before_the_plug_in() -> None:
    given = {**example(name="no day"), "answers": {"on": "2026-02-30"}, "why": {"/answers/on": "no_such_day"}}
    good = example(answers={"on": "2026-02-28"})
    assert run(good, rejected=[given], form=(Field("on", Ask.DAY),)) == []


# --- Leftovers ------------------------------------------------------------------------------------------------------


def test_words_that_nothing_uses_are_told() -> None:
    assert run(texts=words("fees", old=("Phí cũ", "Old fee"))) == ["no example has the fee old"]
    assert run(texts=words("facts", old=("Cũ", "Old"))) == ["the text facts.old is for nothing"]


def test_fee_of_every_rule_is_looked_at() -> None:
    texts = words("fees", fee=("Phí", "Fee"), support=("Hỗ trợ", "Support"))

    def fee(_case: Case) -> Fee:
        return Fee((FeeLine("fee", 200_000), FeeLine("support", -200_000)))

    later = replace(RULES, version="2027", effective_from=date(2027, 1, 1), fee=fee)
    assert run(texts=texts, rules=(RULES, later)) == []
    assert run(texts=texts, lifecycle=REVIEWED, rules=(replace(RULES, fee=fee),)) == []
