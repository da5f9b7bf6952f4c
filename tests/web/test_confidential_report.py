"""A security report with its photos: what is kept of them, who reads it, and that a guardian never learns of it."""

import io
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD
from PIL.ExifTags import Base as Tag

from tests.documents.people import actor_of, admin_of
from tests.phone import CitizenPhone
from tests.requests.test_six_services import officer
from tests.web.refusals import assert_refused
from wallet.errors import NotAllowed, NotFound
from wallet.identity.guardians import Relation
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

SECRET = "Nha so 5, ngo 7 duong Lang"
TOLD = {
    "category": "black_credit",
    "commune": "00167",
    "happened_at": "2026-03-01T20:00:00+07:00",
    "text": "Có người dán tờ rơi cho vay nặng lãi trước cổng trường.",
    "may_contact": True,
}


def photo(kind: str = "JPEG") -> bytes:
    """Return a picture that says where and by whom it was taken."""
    exif = Image.Exif()
    exif[Tag.ImageDescription] = SECRET
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (21.0, 1.0, 42.5)
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(drawn, kind, exif=exif)
    return drawn.getvalue()


def sent(content: bytes, media_type: str = "image/jpeg", field: str = "photos") -> dict[str, str]:
    return {"field": field, "media_type": media_type, "content": b64encode(content).decode()}


@pytest.fixture
def reporter(phone_of: Make) -> CitizenPhone:
    return phone_of("nho")


def drafted(phone: CitizenPhone) -> str:
    response = phone.post("/v1/requests", {"utility": "security_report", "answers": TOLD, "draft": True})
    assert response.status_code == 201, response.text
    return f"/v1/requests/{response.json['id']}"


def reported(phone: CitizenPhone) -> str:
    """Send a report with a photo, as a phone does; return where it is."""
    url = drafted(phone)
    made = phone.post(f"{url}/files", sent(photo()))
    assert made.status_code == 201, made.text
    whole = phone.get(url)
    changed = phone.call(
        "PATCH", url, json={"answers": {"photos": [made.json["id"]]}}, headers={"If-Match": whole.headers["ETag"]}
    )
    assert changed.status_code == 200, changed.text
    moved = phone.post(f"{url}/moves", {"action": "submit"})
    assert moved.status_code == 200, moved.text
    assert moved.json["state"] == "received"
    return url


def guarding(phone_of: Make, wallet: Wallet, ward: CitizenPhone) -> tuple[CitizenPhone, dict[str, str]]:
    """Return the phone of the ward's guardian, and the header with which they act for the ward."""
    guardian, account_id = phone_of("an"), ward.get("/v1/me").json["account_id"]
    with wallet.work() as work:
        own = guardian.get("/v1/me").json["account_id"]
        work.guardians.begin(own, account_id, Relation.GUARDIAN, Actor("system", request_id="test"))
    return guardian, {"Acting-For": account_id}


def test_a_photo_is_kept_without_where_and_by_whom_it_was_taken(reporter: CitizenPhone, wallet: Wallet) -> None:
    assert SECRET.encode() in photo()
    url = reported(reporter)
    file_id = reporter.get(url).json["files"][0]["id"]
    kept = reporter.get(f"{url}/files/{file_id}")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert SECRET.encode() not in kept.data
    with Image.open(io.BytesIO(kept.data)) as image:
        assert dict(image.getexif()) == {}
    police = officer(wallet, "2")
    with wallet.work() as work:
        assert work.review_desk.file(url.rpartition("/")[2], file_id, "handling", police) == ("image/jpeg", kept.data)


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        (sent(b"<svg onload=alert(1)>"), "/content"),
        (sent(photo("PNG")), "/content"),
        (sent(b"\xff\xd8\xff" + b"\0" * 200), "/content"),
        (sent(photo(), "text/html"), "/media_type"),
        (sent(photo(), field="text"), "/field"),
        ({**sent(b""), "content": "not base64"}, "/content"),
    ],
)
def test_what_is_no_photo_is_refused_and_not_kept(
    reporter: CitizenPhone, unchanged: Unchanged, order: dict[str, str], pointer: str
) -> None:
    url = drafted(reporter)
    with unchanged():
        response = reporter.post(f"{url}/files", order)
        assert_refused(response, 422, "invalid_input")
        assert [error["pointer"] for error in response.json["errors"]] == [pointer]


def test_a_report_takes_five_photos_and_only_its_own(reporter: CitizenPhone, phone_of: Make) -> None:
    url, other = drafted(reporter), drafted(phone_of("an"))
    ids = [reporter.post(f"{url}/files", sent(photo())).json["id"] for _ in range(5)]
    assert_refused(reporter.post(f"{url}/files", sent(photo())), 409, "too_many_files")
    assert_refused(reporter.post(f"{other}/files", sent(photo())), 404, "not_found")
    foreign = phone_of("an").post(f"{other}/files", sent(photo())).json["id"]
    answers = {**TOLD, "photos": [*ids[:4], foreign]}
    etag = reporter.get(url).headers["ETag"]
    reporter.call("PATCH", url, json={"answers": answers}, headers={"If-Match": etag})
    response = reporter.post(f"{url}/moves", {"action": "submit"})
    assert_refused(response, 422, "invalid_input")
    assert [error["pointer"] for error in response.json["errors"]] == ["/answers/photos"]
    assert reporter.get(url).json["state"] == "draft"


def test_a_guardian_never_learns_of_it(reporter: CitizenPhone, phone_of: Make, wallet: Wallet) -> None:
    url = reported(reporter)
    document = f"/v1/documents/{reporter.get(url).json['document_id']}"
    assert reporter.get(document).json["claims"]["category"] == "Tín dụng đen"
    guardian, acting = guarding(phone_of, wallet, reporter)
    for address in ("/v1/requests", "/v1/documents"):
        assert guardian.get(address, headers=acting).json["data"] == []
        assert len(reporter.get(address).json["data"]) == 1
    for address in (url, document, f"{document}/code.txt", f"{document}/code.svg"):
        assert_refused(guardian.get(address, headers=acting), 404, "not_found")
    order = {"utility": "security_report", "answers": TOLD}
    assert_refused(guardian.post("/v1/requests", order, headers=acting), 403, "capacity_not_allowed")


def test_a_guardian_still_sees_the_wards_other_documents(
    reporter: CitizenPhone, phone_of: Make, wallet: Wallet
) -> None:
    assert reporter.post("/v1/requests", {"utility": "residence"}).status_code == 201
    reported(reporter)
    guardian, acting = guarding(phone_of, wallet, reporter)
    for address in ("/v1/requests", "/v1/documents"):
        assert [row["utility"] for row in guardian.get(address, headers=acting).json["data"]] == ["residence"]


def test_no_log_and_no_record_tells_what_was_written(
    reporter: CitizenPhone, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    reported(reporter)
    codes = ("request.drafted", "request.file_added", "request.submit", "document.issued")
    assert all(events(code) for code in codes)
    recorded = str([events(code) for code in codes])
    for told in (TOLD["text"], "black_credit", "Tín dụng đen", "00167"):
        assert str(told) not in recorded
        assert str(told) not in caplog.text


def test_an_officer_of_another_desk_finds_nothing(reporter: CitizenPhone, wallet: Wallet) -> None:
    request_id = reported(reporter).rpartition("/")[2]
    elsewhere = officer(wallet, "5")
    with wallet.work() as work:
        assert work.review_desk.queue(elsewhere, 10, None)[0] == []
    for actor in (elsewhere, admin_of(wallet), actor_of(wallet, "mai")):
        with wallet.work() as work, pytest.raises((NotFound, NotAllowed)):
            work.review_desk.open(request_id, "handling", actor)
