"""A hotel's list of guests, from a spreadsheet into a notice: each row is told of, and nothing is kept unasked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.requests.organisations import close
from tests.requests.sheets import csv_of, saved, xlsx_of
from tests.web.refusals import assert_refused, field_errors
from wallet.requests.spreadsheets import CSV, MAX_BYTES, XLSX
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

PLACE = {
    "declarant": "lodging_business",
    "place_kind": "tourist_lodging",
    "place_name": "Khách sạn Hoa Sen",
    "place_address": "45 Trần Phú",
    "place_commune": "22366",
}
CELLS = {
    "Họ và tên": "Lê Thị Hoà",
    "Loại giấy tờ": "Số định danh cá nhân",
    "Số giấy tờ": "099155000123",
    "Ngày sinh": "20/08/1955",
    "Giới tính": "Nữ",
    "Quốc tịch": "Việt Nam",
    "Nơi cư trú": "Thôn 3, Xã Bát Tràng",
    "Lý do lưu trú": "Du lịch",
    "Đến lúc": "02/03/2026 10:30",
    "Ở đến ngày": "04/03/2026",
    "Phòng": "301",
}


def guest(**changes: str) -> list[str]:
    """Return the cells of a guest; a change names its column in small letters and low lines."""
    names = {"number": "Số giấy tờ", "name": "Họ và tên", "nation": "Quốc tịch", "leaves": "Ở đến ngày"}
    return list({**CELLS, **{names[name]: value for name, value in changes.items()}}.values())


def file_of(*guests: list[str], media_type: str = CSV) -> bytes:
    make = csv_of if media_type == CSV else xlsx_of
    return make(list(CELLS), *guests)


def draft(phone: CitizenPhone, answers: dict[str, Any] | None = None) -> str:
    made = phone.post(
        "/v1/requests",
        {"utility": "lodging_notice", "draft": True, "answers": PLACE if answers is None else answers},
    )
    assert made.status_code == 201, made.text
    return str(made.json["id"])


APPLY = "?apply=true"


def send(
    phone: CitizenPhone,
    request_id: str,
    data: bytes,
    media_type: str = CSV,
    *,
    field: str = "guests",
    query: str = "",
    etag: str | None = None,
) -> TestResponse:
    """Send a file. etag: of the request as it was seen; by default as it is now, where rows are to be kept."""
    if etag is None:
        etag = phone.get(f"/v1/requests/{request_id}").headers.get("ETag", '"v1"') if query == APPLY else ""
    path = f"/v1/requests/{request_id}/imports/{field}{query}"
    headers = {"If-Match": etag} if etag else {}
    return phone.call("POST", path, data=data, content_type=media_type, headers=headers)


@pytest.mark.parametrize("media_type", [CSV, XLSX])
def test_a_list_is_looked_at_and_nothing_is_kept(phone_of: Make, unchanged: Unchanged, media_type: str) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    data = file_of(guest(), guest(number="99155000123"), media_type=media_type)
    with unchanged():
        response = send(phone, request_id, data, media_type)
    body = response.json
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert (body["good"], body["bad"], body["applied"], body["checked"]) == (1, 1, 0, "whole")
    assert body["header_row"] == 1
    assert body["missing"] == body["ignored"] == body["notices"] == body["others"] == []
    assert body["rows"][0] == {"number": 2, "ok": True, "faults": []}
    (fault,) = body["rows"][1]["faults"]
    assert (body["rows"][1]["number"], fault["column"], fault["code"]) == (3, "document_number", "number_lost_digits")
    assert fault["text"]["vi"] != fault["text"]["en"]
    assert body["answers"][0]["arrived_at"] == "2026-03-02T10:30:00+07:00"
    assert "guests" not in phone.get(f"/v1/requests/{request_id}").json["answers"]


def test_good_rows_take_their_place_and_the_notice_is_sent(phone_of: Make, events: Events) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    data = file_of(guest(), guest(number="099160000001"), guest(number="099160000002", nation="Pháp"))
    for _ in range(2):  # a second time it is the same list, not twice as long
        body = send(phone, request_id, data, query=APPLY).json
        assert (body["good"], body["bad"], body["applied"]) == (2, 1, 2)
    assert body["rows"][2]["faults"][0]["code"] == "foreigner_na17"
    kept = phone.get(f"/v1/requests/{request_id}").json["answers"]["guests"]
    assert [each["document_number"] for each in kept] == ["099155000123", "099160000001"]
    assert [event["rows"] for event in events("request.rows_imported")] == [2, 2]
    sent = phone.post(f"/v1/requests/{request_id}/moves", {"action": "submit"})
    assert sent.status_code == 200, sent.text
    assert sent.json["state"] == "sent"
    document = phone.get(f"/v1/documents/{sent.json['document_id']}").json
    claims = document["claims"]
    assert claims["guest_count"] == 2
    assert claims["timeliness"] == "Đúng hạn"
    assert (claims["commune"], claims["province"]) == ("Phường Nha Trang", "Tỉnh Khánh Hòa")
    assert document["kind"] == "lodging_receipt"
    assert document["expires_at"] == "2026-03-04T17:00:00Z", "24:00 in Hà Nội of the last day"


def test_a_full_house_is_one_file_and_one_notice(phone_of: Make) -> None:
    """Two hundred guests are more than a body of JSON may hold; a file of them is small."""
    phone = phone_of("an")
    request_id = draft(phone)
    data = file_of(*(guest(number=f"0991550{number:05d}") for number in range(1, 201)), media_type=XLSX)
    assert send(phone, request_id, data, XLSX, query=APPLY).json["applied"] == 200
    sent = phone.post(f"/v1/requests/{request_id}/moves", {"action": "submit"})
    assert sent.status_code == 200, sent.text
    claims = phone.get(f"/v1/documents/{sent.json['document_id']}").json["claims"]
    assert claims["guest_count"] == len(claims["guest_list"]) == 200


def test_who_acts_for_a_business_imports_for_it(
    wallet: Wallet, phone_of: Make, organisation_of: Callable[[CitizenPhone], str]
) -> None:
    phone = phone_of("an")
    organisation = organisation_of(phone)
    order = {"utility": "lodging_notice", "capacity": "business", "draft": True, "answers": PLACE}
    made = phone.post("/v1/requests", order | {"organisation": organisation})
    assert made.status_code == 201, made.text
    body = send(phone, made.json["id"], file_of(guest()), query=APPLY).json
    assert (body["good"], body["checked"], body["others"]) == (1, "whole", [])
    close(wallet, organisation)
    body = send(phone, made.json["id"], file_of(guest())).json
    assert [(each["pointer"], each["code"]) for each in body["others"]] == [("/organisation", "not_represented")]
    assert (body["good"], body["checked"]) == (1, "form")


def test_one_guest_twice_and_what_is_wrong_elsewhere_are_told(phone_of: Make) -> None:
    phone = phone_of("an")
    request_id = draft(phone, PLACE | {"declarant": "household_member"})
    body = send(phone, request_id, file_of(guest(), guest())).json
    assert [fault["code"] for row in body["rows"] for fault in row["faults"]] == ["double_guest"]
    assert [(each["pointer"], each["code"]) for each in body["others"]] == [("/answers/declarant", "wrong_declarant")]
    assert body["checked"] == "whole"


def test_before_the_other_answers_are_there_rows_are_held_against_what_needs_none(
    phone_of: Make, events: Events
) -> None:
    """That a guest is no citizen is seen in the row alone; whether the same was told before is not, and nobody asks."""
    phone = phone_of("an")
    before = len(events("source.read"))
    body = send(phone, draft(phone, {}), file_of(guest(), guest(nation="Pháp"), guest(leaves="mai"))).json
    assert body["checked"] == "form"
    assert [row["ok"] for row in body["rows"]] == [True, False, False]
    assert len(events("source.read")) == before
    assert {"pointer": "/answers/place_kind", "code": "required"}.items() <= body["others"][1].items()


@pytest.mark.parametrize(
    ("data", "media_type", "code"),
    [
        (b"", CSV, "spreadsheet_empty"),
        (b"{}", "application/json", "spreadsheet_other_type"),
        (b"a;b", XLSX, "spreadsheet_other_type"),
        (file_of(guest(), media_type=XLSX), CSV, "spreadsheet_other_type"),
        (b"\xff\xfea\0", CSV, "spreadsheet_encoding"),
        (b"khong;phai\r\nx;y", CSV, "spreadsheet_no_header"),
        (file_of(), CSV, "spreadsheet_no_rows"),
        (file_of(*[guest()] * 201), CSV, "spreadsheet_too_many_rows"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(
    phone_of: Make, unchanged: Unchanged, data: bytes, media_type: str, code: str
) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    with unchanged():
        body = assert_refused(send(phone, request_id, data, media_type, query=APPLY), 422, "spreadsheet_refused")
    assert field_errors(body) == {"/file": code}


def test_a_file_that_is_too_large_is_not_read(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    with unchanged():
        assert_refused(send(phone, request_id, b"x" * (MAX_BYTES + 1)), 413, "body_too_large")


def test_only_the_holder_of_an_open_request_imports(phone_of: Make, unchanged: Unchanged) -> None:
    phone, other = phone_of("an"), phone_of("sau")
    request_id = draft(phone)
    with unchanged():
        assert_refused(send(other, request_id, file_of(guest())), 404, "not_found")
        assert_refused(send(phone, request_id, file_of(guest()), field="place_name"), 404, "not_found")
        assert_refused(send(phone, request_id, file_of(guest()), field="no_such"), 404, "not_found")
        assert_refused(send(phone, "req_" + "0" * 32, file_of(guest())), 404, "not_found")
        response = send(phone, request_id, file_of(guest()), query="?apply=maybe")
        assert_refused(response, 400, "invalid_parameter")
    assert send(phone, request_id, file_of(guest()), query=APPLY).status_code == 200
    assert phone.post(f"/v1/requests/{request_id}/moves", {"action": "submit"}).status_code == 200
    with unchanged():
        assert_refused(send(phone, request_id, file_of(guest()), query=APPLY), 409, "not_editable")


def test_without_a_good_row_nothing_is_replaced(phone_of: Make) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    assert send(phone, request_id, file_of(guest()), query=APPLY).json["applied"] == 1
    assert send(phone, request_id, file_of(guest(nation="Lào")), query=APPLY).json["applied"] == 0
    assert len(phone.get(f"/v1/requests/{request_id}").json["answers"]["guests"]) == 1


# --- What was edited meanwhile ----------------------------------------------------------------------------------------


def test_a_list_does_not_take_the_place_of_what_was_edited_meanwhile(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    path = f"/v1/requests/{request_id}"
    seen = phone.get(path).headers["ETag"]
    looked = send(phone, request_id, file_of(guest()), etag=seen)
    assert (looked.status_code, looked.headers["ETag"]) == (200, seen), "a look changes nothing"
    typed = phone.call("PATCH", path, json={"answers": {"place_name": "Khách sạn Sen"}}, headers={"If-Match": seen})
    assert typed.status_code == 200, typed.text
    with unchanged():
        for tag in (seen, '"v9"', "v2", "*", f"W/{typed.headers['ETag']}"):
            assert_refused(send(phone, request_id, file_of(guest()), query=APPLY, etag=tag), 412, "version_changed")
        assert_refused(send(phone, request_id, file_of(guest()), query=APPLY, etag=""), 428, "if_match_required")
        assert_refused(send(phone, request_id, file_of(guest()), etag=seen), 412, "version_changed")
    kept = send(phone, request_id, file_of(guest()), query=APPLY, etag=typed.headers["ETag"])
    assert (kept.status_code, kept.json["applied"]) == (200, 1)
    assert kept.headers["ETag"] == phone.get(path).headers["ETag"] == '"v3"'
    answers = phone.get(path).json["answers"]
    assert (answers["place_name"], len(answers["guests"])) == ("Khách sạn Sen", 1)


def test_of_two_lists_at_the_same_moment_one_is_kept(
    phone_of: Make, wallet: Wallet, application: Callable[[Wallet], Flask]
) -> None:
    phone = phone_of("an")
    request_id = draft(phone)
    app = application(wallet)

    def one(number: int) -> int:
        twin = CitizenPhone(wallet, app.test_client(), "an")
        twin.tokens = phone.tokens
        return send(
            twin, request_id, file_of(guest(number=f"09916000000{number}")), query=APPLY, etag='"v1"'
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(1, 5))) == [200, 412, 412, 412]
    assert phone.get(f"/v1/requests/{request_id}").headers["ETag"] == '"v2"'


# --- The template -----------------------------------------------------------------------------------------------------

TEMPLATE = "/v1/me/utilities/lodging_notice/templates/guests"


def test_a_template_is_fetched_filled_and_sent(phone_of: Make) -> None:
    phone = phone_of("an")
    response = phone.get(TEMPLATE)
    assert response.status_code == 200
    assert response.mimetype == XLSX
    assert response.headers["Content-Disposition"] == 'attachment; filename="lodging_notice-guests.xlsx"'
    book = load_workbook(BytesIO(response.data))
    sheet = book.worksheets[0]
    headings = [cell.value for cell in next(sheet.iter_rows())]
    sheet.append([CELLS.get(str(heading), "") for heading in headings])
    body = send(phone, draft(phone), saved(book), XLSX).json
    assert (body["good"], body["bad"]) == (1, 0)
    assert body["notices"][0]["code"] == "first_sheet"
    assert "Danh sách" in body["notices"][0]["text"]["vi"]


def test_a_template_speaks_the_callers_language(phone_of: Make) -> None:
    phone = phone_of("an")
    response = phone.get(f"{TEMPLATE}?format=csv", headers={"Accept-Language": "en"})
    assert response.mimetype == CSV
    assert response.data.startswith(b"\xef\xbb\xbf")
    assert "Full name;" in response.data.decode("utf-8-sig")
    assert "Họ và tên;" in phone.get(f"{TEMPLATE}?format=csv").data.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/me/utilities/no_such/templates/guests", 404, "unknown_utility"),
        ("/v1/me/utilities/lodging_notice/templates/place_name", 404, "not_found"),
        ("/v1/me/utilities/lodging_notice/templates/no_such", 404, "not_found"),
        (f"{TEMPLATE}?format=ods", 400, "invalid_parameter"),
        (f"{TEMPLATE}?other=1", 400, "unknown_parameter"),
    ],
)
def test_there_is_no_template_for_anything_else(phone_of: Make, path: str, status: int, code: str) -> None:
    assert_refused(phone_of("an").get(path), status, code)


def test_a_cell_that_is_none_of_the_words_is_told_them(phone_of: Make) -> None:
    """Whoever fills a sheet sees no form: a hotel's clerk is told what the cell may say."""
    phone = phone_of("an")
    cells = {**CELLS, "Loại giấy tờ": "Thẻ căn cước"}
    (row,) = send(phone, draft(phone), csv_of(list(CELLS), list(cells.values()))).json["rows"]
    (fault,) = row["faults"]
    assert (fault["column"], fault["code"]) == ("document_kind", "not_a_choice")
    assert fault["text"]["vi"].endswith("Hãy ghi một trong: Số định danh cá nhân, Chứng minh nhân dân, Hộ chiếu.")
    assert fault["text"]["en"].startswith("Not one of the permitted values. Write one of: Personal")
