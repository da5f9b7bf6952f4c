"""What a holder presents: they read what they would agree to, and nothing is agreed to that they do not name."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.checks.test_online import revoke
from tests.checks.test_sharing import names, present
from tests.checks.verifier import CLAIMS, Desk, purpose_json
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_wards import for_ward, register
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
AGREED = ("organisation", "purpose", "purpose_name", "legal_ground", "utility", "title", "text", "text_version")
"""What a preview tells in the words of the consent that comes of it."""


def previewed(phone: CitizenPhone, desk: Desk, document: str, acting: Any = None, **changes: str) -> Any:
    asked = {"organisation": desk.organisation, "purpose": "boarding"} | changes
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return phone.get(f"/v1/documents/{document}/presentations/preview?{query}", **(acting or {}))


def test_a_holder_reads_what_they_would_agree_to_and_the_consent_says_no_other_words(
    phone: CitizenPhone, desk: Desk, residence: str, events: Events, unchanged: Unchanged
) -> None:
    with unchanged():
        told = previewed(phone, desk, residence)
    assert told.status_code == 200, told.text
    assert told.json["organisation"] == {
        "id": desk.organisation,
        "name": {"vi": "Hãng bay Sao Mai", "en": "Morning Star Air"},
    }
    assert told.json["legal_ground"] == "Nghị định 69/2024/NĐ-CP"
    assert (told.json["required"], names(told.json["optional"])) == ([], sorted([*CLAIMS, "portrait"]))
    assert all(each["label"]["vi"] and each["label"]["en"] for each in told.json["optional"])
    for language, name in told.json["organisation"]["name"].items():
        assert name in told.json["text"][language]
        assert told.json["purpose_name"][language] in told.json["text"][language]
        assert told.json["legal_ground"] in told.json["text"][language]
    chosen = names(told.json["optional"])[:1]
    made = present(phone, desk, residence, fields=chosen).json
    assert made["expires_at"] == told.json["expires_at"]
    consent = phone.get("/v1/me/consents").json["data"][0]
    assert {name: consent[name] for name in AGREED} == {name: told.json[name] for name in AGREED}
    assert names(consent["fields"]) == names(made["fields"]) == chosen
    assert [event["data"] for event in events("consent.given")] == [chosen]


def test_a_preview_stands_no_longer_than_the_document(
    phone: CitizenPhone, desk: Desk, residence: str, clock: FixedClock
) -> None:
    document = phone.get(f"/v1/documents/{residence}").json
    last = datetime.strptime(document["expires_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    clock.set(last - timedelta(hours=1))
    phone.sign_in()
    assert previewed(phone, desk, residence).json["expires_at"] == document["expires_at"]


@pytest.mark.parametrize("fields", [None, []], ids=["not said", "none"])
def test_nothing_is_presented_that_the_holder_does_not_name(
    phone: CitizenPhone, desk: Desk, residence: str, unchanged: Unchanged, fields: list[str] | None
) -> None:
    order = {"organisation": desk.organisation, "purpose": "boarding"} | ({} if fields is None else {"fields": fields})
    with unchanged():
        refused = phone.post(f"/v1/documents/{residence}/presentations", order)
    problem = assert_refused(refused, 422, "invalid_input")
    told = [(error["pointer"], error["code"]) for error in problem["errors"]]
    assert told == [("/fields", "required" if fields is None else "invalid_length")]
    assert phone.get("/v1/me/consents").json["data"] == []


def test_a_preview_is_refused_as_presenting_is(
    wallet: Wallet,
    client: FlaskClient,
    phone_of: Make,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    unchanged: Unchanged,
) -> None:
    other_kind = Desk.open(wallet, client, purpose_json(claims={"driving_licence": ["full_name"]}))
    stranger = phone_of("sau")
    stranger.step_up(2)
    refusals: list[tuple[Any, dict[str, str], int, str, list[tuple[str, str]]]] = [
        ((phone, desk), {"organisation": "vrf_none"}, 422, "invalid_input", [("/organisation", "no_such_verifier")]),
        ((phone, desk), {"purpose": "none"}, 422, "invalid_input", [("/purpose", "no_such_purpose")]),
        ((phone, other_kind), {}, 422, "invalid_input", [("/purpose", "another_document")]),
        ((stranger, desk), {}, 404, "not_found", []),
    ]
    with unchanged():
        for (who, where), changes, status, code, errors in refusals:
            for answer in (previewed(who, where, residence, **changes), present(who, where, residence, **changes)):
                problem = assert_refused(answer, status, code)
                assert [(error["pointer"], error["code"]) for error in problem.get("errors", [])] == errors
        bare = phone.get(f"/v1/documents/{residence}/presentations/preview")
        assert_refused(bare, 400, "invalid_parameter")
    with wallet.work() as work:
        work.checks.rows.change_verifier(desk.organisation, 1, state="suspended")
    assert_refused(previewed(phone, desk, residence), 422, "invalid_input")


def test_of_a_document_that_does_not_count_nothing_is_previewed(
    wallet: Wallet, phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    revoke(wallet, residence)
    assert_refused(previewed(phone, desk, residence), 409, "document_not_valid")
    assert_refused(present(phone, desk, residence), 409, "document_not_valid")


def test_a_guardian_reads_it_for_a_ward_and_a_ward_is_not_oneself(
    phone: CitizenPhone, desk: Desk, residence: str
) -> None:
    acting = for_ward(register(phone))
    document = phone.post("/v1/requests", {"utility": "residence"}, **acting).json["document_id"]
    assert_refused(previewed(phone, desk, document), 404, "not_found")
    told = previewed(phone, desk, document, acting)
    assert (told.status_code, told.json["document_id"]) == (200, document)
