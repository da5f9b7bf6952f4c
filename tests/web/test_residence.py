"""Residence over HTTP: the household view, one fact, form CT07 with its tables, and refusals in both languages."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.enrolment.people import SON
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
FACTS = "/v1/me/utilities/residence/facts"
PLUGIN = Catalogue.discover().plugin("residence")


def claims_of(phone: CitizenPhone, answers: dict[str, Any], **options: Any) -> dict[str, Any]:
    response = phone.post("/v1/requests", {"utility": "residence", "answers": answers}, **options)
    assert response.status_code == 201, response.text
    document = (response.json or {})["document_id"]
    return dict((phone.get(f"/v1/documents/{document}", **options).json or {})["claims"])


def shown(phone: CitizenPhone, **options: Any) -> dict[str, Any]:
    response = phone.get(FACTS, **options)
    assert response.status_code == 200, response.text
    return {row["name"]: row for row in (response.json or {})["data"]}


def test_an_adult_sees_the_household_with_source_and_age_of_every_fact(phone_of: Make) -> None:
    facts = shown(phone_of("an"))
    assert [member["relation"] for member in facts["household_members"]["value"]] == ["Chủ hộ", "Vợ", "Con", "Con"]
    assert {row["source"] for row in facts.values()} == {"population", "residence"}
    assert all(row["as_of"].endswith("Z") and row["label"]["vi"] != row["label"]["en"] for row in facts.values())
    assert not {"household_head_number", "father_number", "cmnd"} & facts.keys()


def test_a_parent_sees_the_childs_household(phone_of: Make) -> None:
    phone = phone_of("an")
    ward = phone.post("/v1/me/wards", {"number": SON}).json or {}
    facts = shown(phone, headers={"Acting-For": ward["account_id"]})
    assert facts["number"]["value"] == SON
    assert len(facts["household_members"]["value"]) == 4


def test_one_fact_is_a_document_of_its_own_with_nothing_more(phone_of: Make) -> None:
    phone = phone_of("an")
    claims = claims_of(phone, {"scope": "lives_in_commune", "commune": "00167"})
    assert claims["statement"] == "Thường trú tại Phường Cầu Giấy, Thành phố Hà Nội"
    said = {"statement", "commune", "commune_code", "commune_before"}
    assert claims.keys() - said == {"full_name", "number_last4"}
    response = phone.post("/v1/requests", {"utility": "residence", "answers": {"scope": "head_of_household"}})
    code = phone.code_of((response.json or {})["document_id"])
    verdict = phone.client.post("/v1/checks", json={"code": code}).json or {}
    assert (verdict["verdict"], verdict["document"]["utility"]["code"]) == ("valid", "residence_fact")


def test_the_tables_come_only_if_asked_for(phone_of: Make) -> None:
    phone = phone_of("an")
    assert not {"household_members", "earlier_places"} & claims_of(phone, {}).keys()
    both = claims_of(phone, {"scope": "whole", "with_members": True, "with_earlier_places": True, "purpose": "Vay vốn"})
    assert len(both["household_members"]) == 4
    assert {place["kind"] for place in both["earlier_places"]} <= {"Thường trú", "Tạm trú"}
    assert both["purpose"] == "Vay vốn"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    ("answers", "pointer", "code"),
    [
        ({"scope": "lives_in_commune", "commune": "00004"}, "/answers/commune", "not_so"),
        ({"scope": "lives_in_province", "province": "79"}, "/answers/province", "not_so"),
        ({"scope": "stays_in_commune"}, "/answers/scope", "not_so"),
        (
            {"scope": "household_relation", "relation": "spouse", "member_last4": "0000"},
            "/answers/member_last4",
            "no_such_member",
        ),
    ],
)
def test_what_is_not_so_is_refused_in_words_and_leaves_nothing(
    phone_of: Make, unchanged: Unchanged, language: str, answers: dict[str, str], pointer: str, code: str
) -> None:
    phone = phone_of("an")
    with unchanged():
        order = {"utility": "residence", "answers": answers}
        response = phone.post("/v1/requests", order, headers={"Accept-Language": language})
        body = assert_refused(response, 422, "answers_rejected", language=language)
    assert field_errors(body) == {pointer: code}
    assert [entry["detail"] for entry in body["errors"]] == [PLUGIN.reason(code, language)]


def test_every_fault_of_the_form_is_told_at_once(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    answers = {"scope": "household_relation", "purpose": "x", "member_last4": "12a4", "full_name": "An"}
    with unchanged():
        response = phone.post("/v1/requests", {"utility": "residence", "answers": answers})
        body = assert_refused(response, 422, "invalid_input")
    assert field_errors(body).keys() == {
        "/answers/purpose",
        "/answers/relation",
        "/answers/member_last4",
        "/answers/full_name",
    }


def test_a_registers_mistake_is_refused_with_where_to_have_it_corrected(phone_of: Make, wallet: Wallet) -> None:
    response = phone_of("mai").post("/v1/requests", {"utility": "residence", "answers": {"scope": "registered_since"}})
    body = assert_refused(response, 422, "claims_rejected")
    assert field_errors(body) == {"/claims/permanent_since": "in_future"}
    assert "Hồ sơ" in body["errors"][0]["detail"]
