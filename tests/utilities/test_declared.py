"""Utilities as data: what a definition says, everything that is wrong with one at once, and that it can run nothing."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.utilities.definitions import BOTH, LIBRARY_CARD, broken, definition, words
from wallet.errors import InvalidInput
from wallet.utilities.base import (
    INSTANT,
    REVIEWED,
    AccountLevel,
    Ask,
    AuthLevel,
    Capacity,
    Case,
    Fee,
    FeeLine,
    Kind,
    OnChange,
    Paper,
    Source,
)
from wallet.utilities.declared import defined
from wallet.utilities.description import described


def faults(raw: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        defined(raw)
    assert caught.value.code == "definition_refused"
    return caught.value.fields


def test_definition_becomes_a_utility_without_functions_of_its_own(case: Case) -> None:
    plugin = defined(definition(), version=3)
    utility = plugin.utility
    assert (utility.code, utility.version, utility.agency) == ("library_card", 3, "library")
    assert utility.title == {"vi": "Cấp thẻ thư viện", "en": "Library card"}
    assert utility.minimum_level is AccountLevel.ONE
    assert utility.minimum_auth is AuthLevel.TWO
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN}
    assert utility.lifecycle is REVIEWED
    assert utility.reasons == ("no_room",)
    assert [field.kind for field in utility.form] == [Ask.CHOICE, Ask.TEXT, Ask.NUMBER]
    assert utility.form[1].only_if == ("reader", ("pupil",))
    assert utility.form[1].size == (2, 60)
    (kind,) = utility.documents
    assert (kind.code, kind.version, kind.validity) == ("library_card", 3, timedelta(days=365))
    assert kind.names == ("full_name", "number", "commune", "school", "issued_on")
    commune = kind.claims[2]
    assert (commune.source, commune.stated_as, commune.paper) == (Source.RESIDENCE, "permanent_commune", Paper.SHOWN)
    assert kind.claims[4].kind is Kind.DAY
    assert (kind.void_when, kind.on_change) == ({"residence"}, OnChange.VOID)
    assert kind.views == {"reading_room": ("full_name",)}
    assert utility.registers == ("population", "residence")
    before, after = utility.rules_on(date(2026, 6, 30)), utility.rules_on(date(2026, 7, 1))
    assert before.fee(case) == Fee()
    assert after.fee(case) == Fee((FeeLine("card", 20_000), FeeLine("support", -5_000)))
    assert after.fee(case).due == 15_000
    assert after.deadline.working_days == 2
    assert kind.derive(case) == {}
    assert utility.accept(case) is None  # type: ignore[func-returns-value]


def test_a_defined_document_is_void_when_its_register_says_otherwise_and_not_for_what_it_does_not_state(
    case: Case,
) -> None:
    (kind,) = defined(definition()).utility.documents
    stated = {"full_name": "Nguyễn Mẫu An", "commune": "Phường Láng"}
    home = {"permanent_commune": "Phường Láng", "household_members": ()}
    assert not kind.void_if(stated, replace(case, facts={"residence": home}))
    assert kind.void_if(stated, replace(case, facts={"residence": {"permanent_commune": "Phường Ba Đình"}}))
    assert kind.void_if(stated, replace(case, facts={"residence": {}}))
    assert kind.void_if(stated, replace(case, facts={}))


def test_a_document_may_be_made_anew_on_a_change_of_what_it_depends_on() -> None:
    (kind,) = defined(broken("/document/on_change", "renew")).utility.documents
    assert kind.on_change is OnChange.RENEW
    of_nothing = broken("/document/on_change", "renew")
    of_nothing["document"]["void_when"] = []
    assert faults(of_nothing) == {"/document/void_when": "required"}


def test_words_of_a_definition_are_its_texts() -> None:
    plugin = defined(definition())
    assert plugin.label("commune") == {"vi": "Xã", "en": "Commune"}
    assert plugin.words("choices", "reader.pupil") == {"vi": "Học sinh", "en": "A pupil"}
    assert plugin.words("fees", "support")["vi"] == "Tỉnh hỗ trợ"
    assert plugin.words("headings", "section_0")["en"] == "Reader"
    assert plugin.words("purposes", "reading_room")["en"] == "Reading room"
    assert plugin.words("agencies", "library")["vi"] == "Thư viện tỉnh"
    assert plugin.reason("no_room", "en") == "There is no room."
    assert plugin.module == ""
    json.dumps(described(plugin))


def test_least_definition_is_enough() -> None:
    least = {name: LIBRARY_CARD[name] for name in ("code", "title")}
    least |= {"agency": {"code": "c06"}, "rules": [{**LIBRARY_CARD["rules"][0], "working_days": 0}]}
    document = {**LIBRARY_CARD["document"], "claims": LIBRARY_CARD["document"]["claims"][:1]}
    least["document"] = {name: document[name] for name in ("title", "validity_days", "claims")}
    utility = defined(least).utility
    assert utility.lifecycle is INSTANT
    assert utility.who == {Capacity.SELF}
    assert utility.minimum_level is AccountLevel.TWO


def test_same_definition_is_the_same_value() -> None:
    one, other = defined(definition()), defined(json.loads(json.dumps(definition())))
    assert described(one) == described(other)
    assert one.utility.rules == other.utility.rules


CLAIM = {"number": 9, "name": "x", "label": words("Chữ", "Letter"), "source": "population"}
BROKEN: list[tuple[str, Any, dict[str, str]]] = [
    ("/code", "Library", {"/code": "invalid_format"}),
    ("/code", "a" * 41, {"/code": "invalid_format"}),
    ("/code", "library-card", {"/code": "invalid_format"}),
    ("/code", 7, {"/code": "invalid_type"}),
    ("/code", ..., {"/code": "required"}),
    ("/title", {"vi": "Chữ"}, {"/title/en": "required"}),
    ("/title", {"vi": "Card", "en": "Card"}, {"/title/en": "same_in_both"}),
    ("/title/vi", "  ", {"/title/vi": "invalid_length"}),
    ("/title/vi", "Thẻ\u202e", {"/title/vi": "not_plain_text"}),
    ("/title/fr", "Carte", {"/title/fr": "unknown_field"}),
    ("/surprise", 1, {"/surprise": "unknown_field"}),
    ("/document/derive", "lambda: 1", {"/document/derive": "unknown_field"}),
    ("/form/0/pattern", "(a+)+", {"/form/0/pattern": "unknown_field"}),
    ("/agency/code", "Cục", {"/agency/code": "invalid_format"}),
    ("/minimum_account_level", 3, {"/minimum_account_level": "not_a_choice"}),
    ("/minimum_account_level", "2", {"/minimum_account_level": "invalid_type"}),
    ("/minimum_auth_level", 0, {"/minimum_auth_level": "not_a_choice"}),
    ("/who", [], {"/who": "invalid_length"}),
    ("/who/0", "king", {"/who/0": "not_a_choice"}),
    ("/lifecycle", "four_eyes", {"/lifecycle": "not_a_choice"}),
    ("/rules", [], {"/rules": "invalid_length"}),
    ("/rules/0/effective_from", "01/01/2026", {"/rules/0/effective_from": "invalid_format"}),
    ("/rules/1/effective_from", "2026-01-01", {"/rules/1/effective_from": "not_in_order"}),
    ("/rules/1/version", "1", {"/rules/1/version": "repeated"}),
    ("/rules/1/fee/1/amount", -30000, {"/rules/1/fee": "below_zero"}),
    ("/rules/1/fee/1/amount", 0.5, {"/rules/1/fee/1/amount": "invalid_type"}),
    ("/rules/1/fee/1/code", "card", {"/rules/1/fee/1/code": "repeated"}),
    ("/rules/0/working_days", -1, {"/rules/0/working_days": "out_of_range"}),
    ("/form/1/name", "reader", {"/form/1/name": "repeated", "/document/claims/3/source": "no_such_field"}),
    ("/form/1/size", [5, 2], {"/form/1/size": "out_of_range"}),
    ("/form/1/size", [5], {"/form/1/size": "invalid_length"}),
    ("/form/1/kind", "records", {"/form/1/kind": "not_a_choice", "/document/claims/3/kind": "not_a_choice"}),
    ("/form/1/kind", "day", {"/document/claims/3/kind": "not_a_choice"}),
    ("/form/1/kind", "files", {"/document/claims/3/kind": "not_a_choice"}),
    ("/form/1/only_if/field", "helper", {"/form/1/only_if/field": "no_such_field"}),
    ("/form/1/only_if/values", ["nobody"], {"/form/1/only_if/values/0": "not_a_choice"}),
    ("/form/1/only_if/values", [["pupil"]], {"/form/1/only_if/values/0": "invalid_type"}),
    ("/form/0/choices", [], {"/form/0/choices": "required", "/form/1/only_if/values/0": "not_a_choice"}),
    ("/form/0/choices/1/code", "pupil", {"/form/0/choices/1/code": "repeated"}),
    ("/form/1/choices", [{"code": "a", "label": BOTH}], {"/form/1/choices": "not_asked"}),
    ("/reasons", [], {"/reasons": "required"}),
    ("/document/validity_days", 0, {"/document/validity_days": "out_of_range"}),
    ("/document/validity_days", 3661, {"/document/validity_days": "out_of_range"}),
    ("/document/claims", [], {"/document/claims": "invalid_length", "/document/void_when/0": "not_read"}),
    ("/document/claims/1/number", 1, {"/document/claims/1/number": "repeated"}),
    ("/document/claims/1/number", -1, {"/document/claims/1/number": "out_of_range"}),
    ("/document/claims/1/name", "school", {"/document/claims/3/name": "repeated"}),
    ("/document/claims/0/paper", "shown", {"/document/claims": "no_name_on_paper"}),
    ("/document/claims/0/required", False, {"/document/claims/0/required": "must_be_required"}),
    ("/document/claims/1/paper", "shown", {"/document/claims/1/paper": "not_on_paper"}),
    (
        "/document/claims/5",
        {**CLAIM, "kind": "records", "paper": "shown"},
        {"/document/claims/5/paper": "not_on_paper"},
    ),
    ("/document/claims/5", {**CLAIM, "fact": "number", "paper": "shown"}, {"/document/claims/5/paper": "not_on_paper"}),
    (
        "/document/claims/5",
        {**CLAIM, "source": "declared", "fact": "helper", "paper": "shown"},
        {"/document/claims/5/paper": "not_on_paper"},
    ),
    ("/document/claims/5", {**CLAIM, "source": "derived"}, {"/document/claims/5/source": "not_a_choice"}),
    ("/document/claims/5", {**CLAIM, "source": "declared"}, {"/document/claims/5/source": "no_such_field"}),
    ("/document/claims/5", {**CLAIM, "source": "request"}, {"/document/claims/5/name": "not_a_choice"}),
    ("/document/claims/4/kind", "text", {"/document/claims/4/kind": "not_a_choice"}),
    ("/document/claims/0/source", "vehicle", {"/document/claims/0/source": "not_a_choice"}),
    ("/document/views/0/claims/0", "gone", {"/document/views/0/claims/0": "no_such_claim"}),
    ("/document/views/0/claims", [], {"/document/views/0/claims": "invalid_length"}),
    ("/document/sections/1/claims/1", "gone", {"/document/sections/1/claims/1": "no_such_claim"}),
    ("/who", ["self", "proxy"], {"/who/1": "not_a_choice"}),
    ("/document/void_when/0", "criminal_records", {"/document/void_when/0": "not_a_choice"}),
    *(
        (f"/document/claims/{place}/source", register, {f"/document/claims/{place}/source": "not_a_choice"})
        for place in (3, 4)
        for register in ("criminal_records", "health_records", "security_cases")
    ),
    ("/document/void_when/0", "vehicles", {"/document/void_when/0": "not_read"}),
    ("/document/on_change", "suspend", {"/document/on_change": "not_a_choice"}),
]


@pytest.mark.parametrize(("pointer", "value", "told"), BROKEN)
def test_what_is_wrong_is_told_by_pointer(pointer: str, value: Any, told: dict[str, str]) -> None:
    assert faults(broken(pointer, value)) == told


def test_every_fault_is_told_at_once() -> None:
    made = definition(code="Bad", lifecycle="instant", surprise=1)
    made["document"]["claims"][0]["number"] = 2
    made["document"]["views"][0]["claims"] = ["gone"]
    assert faults(made) == {
        "/code": "invalid_format",
        "/surprise": "unknown_field",
        "/document/claims/1/number": "repeated",
        "/document/views/0/claims/0": "no_such_claim",
        "/rules/1/fee": "needs_review",
        "/reasons": "not_asked",
    }


@pytest.mark.parametrize("raw", [None, [], "x", 7, True])
def test_what_is_no_definition_is_refused(raw: Any) -> None:
    assert faults(raw) == {"": "invalid_type"}


def test_what_only_the_contract_knows_is_told_in_sentences() -> None:
    with pytest.raises(InvalidInput) as caught:
        defined(broken("/agency", {"code": "harbour"}))
    assert caught.value.fields == {"": "breaks_contract"}
    assert caught.value.values["faults"] == [
        "no text in vi for agencies.harbour",
        "no text in en for agencies.harbour",
    ]


def test_paper_without_room_is_refused() -> None:
    made = definition()
    for place in range(24):
        label = words(f"Địa chỉ {place}", f"Address {place}")
        claim = {"name": f"address_{place}", "label": label, "source": "residence", "paper": "shown"}
        made["document"]["claims"].append({"number": 10 + place, **claim})
    for place in range(30):
        label = words(f"Ghi chú {place}", f"Note {place}")
        made["form"].append({"name": f"note_{place}", "label": label})
        claim = {"name": f"note_{place}", "label": label, "source": "declared", "paper": "shown"}
        made["document"]["claims"].append({"number": 100 + place, **claim})
    with pytest.raises(InvalidInput) as caught:
        defined(made)
    assert caught.value.fields == {"": "breaks_contract"}
    assert "paper" in caught.value.values["faults"][0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = sorted(
    {pointer for pointer, _, _ in BROKEN if not pointer.endswith(("/5", "derive", "pattern", "fr", "surprise"))}
)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_somewhere_is_taken_or_refused_and_nothing_else(pointer: str, value: Any) -> None:
    with suppress(InvalidInput):
        assert defined(broken(pointer, value)).utility.code
