"""A document of health over the API in the form of FHIR: to its holder, freshly proven, and while it is valid."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fhir.resources.R4B.bundle import Bundle

from tests.documents.people import actor_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.health_book.cases import REFERRAL, STAY, case, facts
from tests.web.refusals import assert_refused
from wallet.documents.issuing import IssueOrder
from wallet.sources.base import Facts, RegisterCode
from wallet.sources.gathering import Gathered
from wallet.terms import SAMPLE_MARK, StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

SUMMARY = {
    "paper": "health_summary",
    "purpose": "doctor",
    "groups": ("administrative", "history", "visits", "treatment"),
}
VISIT = {"paper": "health_visit", "visit_id": STAY["visit_id"]}
CARD = {"paper": "allergy_card"}
REFER = {"paper": "health_referral", "referral_id": REFERRAL["referral_id"]}
TODAY = date(2026, 3, 9)


def issued(wallet: Wallet, answers: dict[str, Any], key: str = "an") -> str:
    """Issue a paper of the health book to a persona from what registers said in the same transaction; return its id."""
    clock = wallet.clock
    assert isinstance(clock, FixedClock)
    if clock.now().date() < TODAY:
        clock.advance(days=7)  # the visit of the book has ended then
    stated = facts()
    read = Gathered({code: Facts(RegisterCode(code), values, clock.now()) for code, values in stated.items()})
    asked = replace(case(answers, stated, TODAY), now=clock.now())
    holder = actor_of(wallet, key).holder_id or ""
    order = IssueOrder("health_book", holder, f"req_{uuid4().hex}", asked, "2026-01", gathered=read, decided=True)
    with wallet.work() as work:
        return work.issuing.issue(order, actor_of(wallet, "officer1", roles=frozenset({StaffRole.OFFICER}))).id


def path(document: str) -> str:
    return f"/v1/documents/{document}/fhir"


@pytest.mark.parametrize(("answers", "kind"), [(SUMMARY, "Problem List"), (VISIT, "Results"), (CARD, "Allergies")])
def test_the_holder_reads_a_patient_summary(wallet: Wallet, phone_of: Make, answers: dict[str, Any], kind: str) -> None:
    document = issued(wallet, answers)
    citizen = phone_of("an")
    response = citizen.get(path(document))
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/fhir+json"
    assert response.headers["Cache-Control"] == "private, no-store"
    bundle = Bundle.model_validate(response.json)
    composition = bundle.entry[0].resource
    assert composition.relatesTo[0].targetIdentifier.value == document
    assert SAMPLE_MARK in composition.title
    assert any(kind in section.title for section in composition.section)


def test_the_same_document_is_not_sent_twice(wallet: Wallet, phone_of: Make) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    first = citizen.get(path(document))
    again = citizen.get(path(document), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_what_is_anothers_does_not_exist(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    document = issued(wallet, CARD)
    stranger = phone_of("sau")
    with unchanged():
        assert_refused(stranger.get(path(document)), 404, "not_found")
        assert_refused(stranger.get(path(f"doc_{'0' * 32}")), 404, "not_found")


def test_a_slip_has_no_such_form(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    document = issued(wallet, REFER)
    citizen = phone_of("an")
    with unchanged():
        assert_refused(citizen.get(path(document)), 404, "form_not_available")


def test_an_old_authentication_is_not_enough(
    wallet: Wallet, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    clock.advance(timedelta(minutes=5, seconds=1))
    with unchanged():
        response = citizen.get(path(document))
        assert_refused(response, 401, "step_up_required")
        assert (response.json or {})["max_age"] == 300
    citizen.step_up(2)
    assert citizen.get(path(document)).status_code == 200


def test_the_device_alone_and_a_level_one_account_are_not_enough(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    document = issued(wallet, CARD)
    device_alone, first_level = phone_of("an", password=False), phone_of("binh")
    with unchanged():
        assert_refused(device_alone.get(path(document)), 401, "step_up_required")
        assert_refused(first_level.get(path(document)), 403, "level_too_low")


def test_a_document_that_is_over_or_revoked_has_no_summary(
    wallet: Wallet, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    over, revoked = issued(wallet, SUMMARY), issued(wallet, CARD)
    admin = phone_of("admin1")
    assert admin.post(f"/v1/admin/documents/{revoked}/revocation", {"reason": "data_changed"}).status_code == 201
    citizen = phone_of("an")
    with unchanged():
        assert_refused(citizen.get(path(revoked)), 409, "form_needs_valid_document")
    clock.advance(timedelta(days=91))
    citizen = phone_of("an")
    with unchanged():
        assert_refused(citizen.get(path(over)), 409, "form_needs_valid_document")


def test_a_server_without_the_extra_says_what_to_install(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    monkeypatch.setitem(sys.modules, "fhir.resources.R4B.bundle", None)  # as if it were not there
    with unchanged():
        response = citizen.get(path(document), headers={"Accept-Language": "en"})
        assert_refused(response, 503, "form_not_installed", language="en")
    assert "pip install 'vi-so-wallet[fhir]'" in (response.json or {})["detail"]
    assert response.headers["Retry-After"] == "3600"


def test_no_query_changes_what_is_read(wallet: Wallet, phone_of: Make, unchanged: Unchanged) -> None:
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    with unchanged():
        assert citizen.get(f"{path(document)}?_format=xml").status_code == 400
    assert "Penicilin" in json.dumps(citizen.get(path(document)).json, ensure_ascii=False)
