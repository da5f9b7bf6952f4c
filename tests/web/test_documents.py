"""A citizen's documents: what a list tells, what one document tells, and its code in three forms."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

SUMMARY = {"id", "request_id", "utility", "kind", "kind_version", "rules_version", "state", "issued_at", "expires_at"}
WHOLE = SUMMARY | {"code", "claims", "codes", "salt", "sources", "forms", "sample_mark"}


def begin_cooling_off(citizen: CitizenPhone) -> None:
    account_id = citizen.get("/v1/me").json["account_id"]
    with citizen.wallet.work() as work:
        work.devices.begin_cooling_off(account_id)


def test_list_tells_nothing_that_a_document_states(phone_of: Make) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    response = citizen.get("/v1/documents")
    (row,) = response.json["data"]
    assert row.keys() == SUMMARY
    assert (row["id"], row["state"], row["utility"]) == (document, "valid", "residence")
    assert re.fullmatch(r"doc_[0-9a-f]{32}", document)
    assert citizen.persona.name not in response.text
    assert citizen.persona.number not in response.text
    assert response.headers["Cache-Control"] == "private, no-store"


def test_document_tells_exactly_what_its_holder_may_see(phone_of: Make) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    response = citizen.get(f"/v1/documents/{document}")
    body = response.json
    assert body.keys() == WHOLE
    assert body["claims"]["full_name"] == citizen.persona.name
    assert body["claims"]["number"] == citizen.persona.number
    assert body["sample_mark"] == "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
    assert body["code"] == citizen.code_of(document)
    assert body["issued_at"] == "2026-03-02T05:00:00Z"
    assert body["expires_at"] == "2027-03-02T17:00:00Z", "24:00 in Hà Nội"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert not any(value is None for value in body.values())


@pytest.mark.parametrize("tail", ["", "/code.txt", "/code.svg", "/code.png"])
def test_what_was_issued_is_shown_on_a_new_phone_to_whoever_knows_the_secret(
    phone_of: Make, unchanged: Unchanged, tail: str
) -> None:
    citizen = phone_of("an")
    path = f"/v1/documents/{citizen.issue_residence()}{tail}"
    begin_cooling_off(citizen)
    assert citizen.get(path).status_code == 200
    device_alone = phone_of("an", password=False)
    with unchanged():
        assert_refused(device_alone.get(path), 401, "step_up_required")
        assert_refused(device_alone.get(f"/v1/documents/doc_{'0' * 32}{tail}"), 401, "step_up_required")


def test_birth_year_alone_stays_a_year(phone_of: Make) -> None:
    citizen = phone_of("sau")
    body = citizen.get(f"/v1/documents/{citizen.issue_residence()}").json
    assert body["claims"]["birth_date"] == "1948"


def test_revoked_document_tells_when_and_why(phone_of: Make) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    assert admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"}).status_code == 201
    body = citizen.get(f"/v1/documents/{document}").json
    assert body.keys() == WHOLE | {"revoked_at", "revocation_reason", "revocation_reason_text"}
    assert (body["state"], body["revocation_reason"]) == ("revoked", "fraud")
    assert body["revocation_reason_text"] == {"vi": "Gian lận", "en": "Fraud"}


def test_document_expires_to_the_second(phone_of: Make, clock: FixedClock) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    last = clock.now().replace(year=2027, hour=16, minute=59, second=59)
    for moment, state in ((last, "valid"), (last + timedelta(seconds=1), "expired")):
        clock.set(moment)
        citizen.sign_in()
        assert citizen.get(f"/v1/documents/{document}").json["state"] == state


def test_document_whole_needs_more_than_the_device(phone_of: Make, unchanged: Unchanged) -> None:
    document = phone_of("an").issue_residence()
    citizen = phone_of("an", password=False)
    with unchanged():
        response = citizen.get(f"/v1/documents/{document}")
        assert_refused(response, 401, "step_up_required")
    assert 'acr_values="urn:viso:auth:2"' in response.headers["WWW-Authenticate"]
    assert citizen.persona.name not in response.text


def test_step_up_is_asked_before_the_document_is_looked_for(phone_of: Make) -> None:
    citizen = phone_of("an", password=False)
    assert_refused(citizen.get("/v1/documents/doc_" + "0" * 32), 401, "step_up_required")


def test_document_answers_304_and_changes_its_tag_when_revoked(phone_of: Make) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    path = f"/v1/documents/{document}"
    tag = citizen.get(path).headers["ETag"]
    assert not tag.startswith("W/")
    response = citizen.get(path, headers={"If-None-Match": tag})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == tag
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"})
    after = citizen.get(path, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["ETag"] != tag


def test_tag_is_no_way_around_the_owner(phone_of: Make) -> None:
    citizen, stranger = phone_of("an"), phone_of("sau")
    path = f"/v1/documents/{citizen.issue_residence()}"
    tag = citizen.get(path).headers["ETag"]
    assert_refused(stranger.get(path, headers={"If-None-Match": tag}), 404, "not_found")
    assert_refused(citizen.client.get(path, headers={"If-None-Match": tag}), 401, "missing_token")


NO_DOCUMENTS = (
    "doc_",
    "doc_x",
    "0" * 32,
    "DOC_" + "0" * 32,
    "req_" + "0" * 32,
    "%20",
    "'--",
)


def test_unknown_document_is_not_found(phone_of: Make, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    for document_id in NO_DOCUMENTS:
        with subtests.test(document_id=document_id):
            citizen = phone_of("an")
            with unchanged():
                for tail in ("", "/code.txt", "/code.svg", "/code.png"):
                    assert_refused(citizen.get(f"/v1/documents/{document_id}{tail}"), 404, "not_found")


# --- the code --------------------------------------------------------------------------------------------------


def test_code_is_the_same_in_three_forms(phone_of: Make) -> None:
    citizen = phone_of("an")
    path = f"/v1/documents/{citizen.issue_residence()}/code"
    text, svg, png = (citizen.get(f"{path}.{form}") for form in ("txt", "svg", "png"))
    assert [response.mimetype for response in (text, svg, png)] == ["text/plain", "image/svg+xml", "image/png"]
    code = text.text
    assert code.startswith("VD1:")
    assert code.isascii()
    with Image.open(BytesIO(png.data)) as image:
        (read,) = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    assert read.text == code
    assert svg.text.lstrip().startswith(("<?xml", "<svg"))
    assert "<script" not in svg.text
    assert "http" not in svg.text.replace("http://www.w3.org/2000/svg", "")
    for response in (text, svg, png):
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_code_answers_304(phone_of: Make) -> None:
    citizen = phone_of("an")
    path = f"/v1/documents/{citizen.issue_residence()}/code"
    for form in ("txt", "svg", "png"):
        tag = citizen.get(f"{path}.{form}").headers["ETag"]
        response = citizen.get(f"{path}.{form}", headers={"If-None-Match": tag})
        assert (response.status_code, response.data) == (304, b""), form


def test_face_alone_opens_a_code_at_a_gate(phone_of: Make) -> None:
    """Nobody types a password in a queue: the biometric key of the phone is enough."""
    document = phone_of("an").issue_residence()
    citizen = phone_of("an", password=False)
    citizen.step_up(3)
    assert citizen.code_of(document).startswith("VD1:")


def test_other_form_of_a_code_is_no_route(phone_of: Make, subtests: pytest.Subtests) -> None:
    for form in ("", "pdf", "gif", "PNG", "png.exe", "svg/"):
        with subtests.test(form=form):
            citizen = phone_of("an")
            document = citizen.issue_residence()
            assert_refused(citizen.get(f"/v1/documents/{document}/code.{form}"), 404, "unknown_route")
