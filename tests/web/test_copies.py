"""A document in other forms over HTTP: to its holder's phone, freshly proven where that matters, while it is valid."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_fhir import CARD, issued
from tests.web.test_passkeys import Browser
from tests.web.test_wards import for_ward, register
from wallet.verifier import Judgement, Policy, judge_credential, judge_mdoc
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

MEDIA = {"document.sdjwt": "application/dc+sd-jwt", "document.mdoc": "application/cbor"}
FILES = pytest.mark.parametrize("file", list(MEDIA))


def judged(wallet: Wallet, file: str, content: bytes) -> Judgement:
    wallet.board.refresh(force=True)
    trust, now = wallet.trust.trust(), wallet.clock.now()
    if file == "document.mdoc":
        return judge_mdoc(content, trust, Policy(), now)
    return judge_credential(content.decode(), trust.addressed(wallet.settings.issuer_url), Policy(), now)


@FILES
def test_a_phone_reads_its_copy_and_the_same_again(
    wallet: Wallet, phone_of: Make, file: str, events: Events, unchanged: Unchanged
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    path = f"/v1/documents/{document}/{file}"
    response = citizen.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == MEDIA[file]
    assert response.headers["Cache-Control"] == "private, no-store"
    judgement = judged(wallet, file, response.data)
    assert judgement.accepted, judgement.reasons
    assert judgement.document is not None
    assert {claim.name: claim.value for claim in judgement.document.claims}["full_name"] == citizen.persona.name
    with unchanged():
        assert citizen.get(path).data == response.data
        again = citizen.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert [event["subject"] for event in events("document.copied")] == [document]


def test_a_document_lists_the_forms_it_has(phone_of: Make) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    forms = citizen.get(f"/v1/documents/{document}").json["forms"]
    assert {"code", "sd_jwt", "mdoc", "pdf"} <= {form["form"] for form in forms}
    assert "fhir" not in {form["form"] for form in forms}
    for form in forms:
        assert form.keys() == {"form", "media_type", "href"}
        response = citizen.get(form["href"])
        assert (response.status_code, response.mimetype) == (200, form["media_type"])
    assert admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"}).status_code == 201
    left = citizen.get(f"/v1/documents/{document}").json["forms"]
    assert [form["form"] for form in left] == ["code"], "whoever shows it is told that it is revoked"


def test_a_document_of_health_lists_its_summary_too(wallet: Wallet, phone_of: Make) -> None:
    citizen = phone_of("an")
    document = issued(wallet, CARD)
    citizen = phone_of("an")
    assert "fhir" in {form["form"] for form in citizen.get(f"/v1/documents/{document}").json["forms"]}


@FILES
def test_what_is_anothers_does_not_exist(phone_of: Make, unchanged: Unchanged, file: str) -> None:
    document = phone_of("an").issue_residence()
    stranger = phone_of("sau")
    with unchanged():
        assert_refused(stranger.get(f"/v1/documents/{document}/{file}"), 404, "not_found")
        assert_refused(stranger.get(f"/v1/documents/doc_{'0' * 32}/{file}"), 404, "not_found")


@FILES
def test_the_device_alone_is_not_enough(phone_of: Make, unchanged: Unchanged, file: str) -> None:
    document = phone_of("an").issue_residence()
    device_alone = phone_of("an", password=False)
    with unchanged():
        assert_refused(device_alone.get(f"/v1/documents/{document}/{file}"), 401, "step_up_required")


@FILES
def test_a_browser_has_no_key_to_bind_to(phone_of: Make, unchanged: Unchanged, file: str) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    browser = Browser(citizen).register().sign_in()
    with unchanged():
        headers = {"Authorization": f"Bearer {browser.tokens['access_token']}"}
        response = browser.client.get(f"/v1/documents/{document}/{file}", headers=headers)
        assert_refused(response, 409, "form_needs_device")


@FILES
def test_a_document_that_is_over_or_revoked_is_refused(
    phone_of: Make, unchanged: Unchanged, clock: FixedClock, file: str
) -> None:
    citizen, other, admin = phone_of("an"), phone_of("sau"), phone_of("admin1")
    revoked, over = citizen.issue_residence(), other.issue_residence()
    assert citizen.get(f"/v1/documents/{revoked}/{file}").status_code == 200
    assert admin.post(f"/v1/admin/documents/{revoked}/revocation", {"reason": "fraud"}).status_code == 201
    with unchanged():
        assert_refused(citizen.get(f"/v1/documents/{revoked}/{file}"), 409, "form_needs_valid_document")
    clock.advance(timedelta(days=366))
    other = phone_of("sau")
    with unchanged():
        assert_refused(other.get(f"/v1/documents/{over}/{file}"), 409, "form_needs_valid_document")


@FILES
def test_what_is_sensitive_needs_a_fresh_authentication(
    wallet: Wallet, phone_of: Make, clock: FixedClock, unchanged: Unchanged, file: str
) -> None:
    plain, sensitive = phone_of("an").issue_residence(), issued(wallet, CARD)
    citizen = phone_of("an")
    clock.advance(timedelta(minutes=5, seconds=1))
    with unchanged():
        body = assert_refused(citizen.get(f"/v1/documents/{sensitive}/{file}"), 401, "step_up_required")
        assert body["max_age"] == 300
    stranger = phone_of("sau")
    assert_refused(stranger.get(f"/v1/documents/{sensitive}/{file}"), 404, "not_found")
    assert citizen.get(f"/v1/documents/{plain}/{file}").status_code == 200
    citizen.step_up(2)
    assert citizen.get(f"/v1/documents/{sensitive}/{file}").status_code == 200


@FILES
def test_a_guardian_gets_a_wards_copy_on_their_own_phone(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged, file: str
) -> None:
    phone = phone_of("an")
    ward = register(phone)
    document = phone.post("/v1/requests", {"utility": "residence"}, **for_ward(ward)).json["document_id"]
    with unchanged():
        assert_refused(phone.get(f"/v1/documents/{document}/{file}"), 404, "not_found")
    response = phone.get(f"/v1/documents/{document}/{file}", **for_ward(ward))
    assert response.status_code == 200, response.text
    assert judged(wallet, file, response.data).accepted


@FILES
def test_no_query_changes_what_is_read(phone_of: Make, unchanged: Unchanged, file: str) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    with unchanged():
        assert citizen.get(f"/v1/documents/{document}/{file}?claims=full_name").status_code == 400


@FILES
def test_a_copy_says_revoked_once_its_document_is(wallet: Wallet, phone_of: Make, file: str) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    content = citizen.get(f"/v1/documents/{document}/{file}").data
    assert admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"}).status_code == 201
    assert judged(wallet, file, content).reasons == ("revoked",)


def attached(content: bytes, name: str) -> bytes:
    """Return one attachment of a PDF."""
    reader = PdfFileReader(BytesIO(content))
    for each in reader.root["/AF"]:
        specification = each.get_object()
        if specification["/UF"] == name:
            return bytes(specification["/EF"]["/F"].data)
    raise AssertionError(name)


def test_a_pdf_is_sealed_once_and_counts_until_its_document_is_revoked(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    path = f"/v1/documents/{citizen.issue_residence()}/document.pdf"
    response = citizen.get(path)
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/pdf"
    assert response.data.startswith(b"%PDF-")
    credential = attached(response.data, "document.sdjwt")
    assert judged(wallet, "document.sdjwt", credential).accepted
    assert b'"cnf"' not in credential
    browser = Browser(citizen).register().sign_in()
    with unchanged():
        again = browser.client.get(path, headers={"Authorization": f"Bearer {browser.tokens['access_token']}"})
        assert again.data == response.data
    revocation = path.replace("/v1/", "/v1/admin/").replace("document.pdf", "revocation")
    assert admin.post(revocation, {"reason": "fraud"}).status_code == 201
    assert judged(wallet, "document.sdjwt", credential).reasons == ("revoked",)
    with unchanged():
        assert_refused(citizen.get(path), 409, "form_needs_valid_document")
