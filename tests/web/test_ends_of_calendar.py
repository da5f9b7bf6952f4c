"""Days at the ends of the calendar, wherever a client names one: a fault at its field, and nothing is kept."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.requests.sheets import csv_of, xlsx_of
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import ANSWERS, JUDICIAL, draft, edit
from tests.web.test_imports import APPLY, CELLS, PLACE, send
from tests.web.test_imports import draft as notice_draft
from tests.web.test_lodging import MOTHER, order
from wallet.requests.models import RequestRow
from wallet.requests.sealed import open_content, seal_content
from wallet.requests.spreadsheets import CSV, XLSX
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

MOMENTS = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+07:00",
    "1799-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "9999-12-31T20:00:00Z",
    "9999-12-31T23:59:59-07:00",
)
DAYS = ("0001-01-01", "1799-12-31", "2200-01-01", "9999-12-31")
HOME = {"place": "vietnam", "province": "01", "address": "Số 1 phố Huế"}


def lived(day: str, **more: str) -> dict[str, Any]:
    return {**ANSWERS, "residence_history": [{**HOME, "from_day": day, **more}]}


# --- Forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_arrival_at_an_end_of_the_calendar_is_a_fault_of_its_field(
    phone_of: Make, unchanged: Unchanged, moment: str
) -> None:
    phone = phone_of("binh")
    body = order(MOTHER | {"arrived_at": moment, "sex": "?"})
    with unchanged():
        for more in ({}, {"draft": True}):
            refused = assert_refused(phone.post("/v1/requests", body | more), 422, "invalid_input")
            assert field_errors(refused) == {
                "/answers/guests/0/arrived_at": "out_of_range",
                "/answers/guests/0/sex": "not_a_choice",
            }


@pytest.mark.parametrize("day", DAYS)
def test_a_period_at_an_end_of_the_calendar_is_a_fault_of_its_field(
    phone_of: Make, unchanged: Unchanged, day: str
) -> None:
    phone = phone_of("vang")
    made = draft(phone, lived("2010-01-01"))
    body = {"utility": JUDICIAL, "answers": lived(day, to_day=day)}
    pointers = ("/answers/residence_history/0/from_day", "/answers/residence_history/0/to_day")
    with unchanged():
        answers = [phone.post("/v1/requests", body), phone.post("/v1/requests", body | {"draft": True})]
        for answer in [*answers, edit(phone, made, body["answers"])]:
            refused = assert_refused(answer, 422, "invalid_input")
            assert field_errors(refused) == dict.fromkeys(pointers, "out_of_range")


@pytest.mark.parametrize(
    ("day", "period", "stay"),
    [
        ("1800-01-01", {}, {"leaves_on": "stay_too_long"}),
        ("2199-12-31", {"from_day": "in_future"}, {"arrived_at": "too_far_ahead"}),
    ],
)
def test_the_first_and_the_last_day_are_read_and_judged(
    phone_of: Make, unchanged: Unchanged, day: str, period: dict[str, str], stay: dict[str, str]
) -> None:
    phone, other = phone_of("vang"), phone_of("an")
    made = draft(phone, lived(day))
    seen = phone.get(f"/v1/requests/{made['id']}/preview")
    assert seen.status_code == 200, seen.text
    faults = {each["pointer"]: each["code"] for each in seen.json["errors"]}
    assert faults == {f"/answers/residence_history/0/{name}": code for name, code in period.items()}
    arrived = order(MOTHER | {"arrived_at": f"{day}T12:00:00Z", "leaves_on": f"{day[:4]}-12-31"})
    with unchanged():
        body = assert_refused(other.post("/v1/requests", arrived), 422, "answers_rejected")
    assert field_errors(body) == {f"/answers/guests/0/{name}": code for name, code in stay.items()}


@pytest.mark.parametrize("day", DAYS)
def test_a_draft_of_before_that_holds_one_says_so_and_is_put_right(wallet: Wallet, phone_of: Make, day: str) -> None:
    phone = phone_of("vang")
    made = draft(phone, lived("2010-01-01"))
    with wallet.work() as work:
        row = work.session.get(RequestRow, made["id"])
        assert row is not None
        content = open_content(work.requests.holders, row)
        content.answers["residence_history"][0]["from_day"] = day
        row.sealed = seal_content(work.requests.holders, row.holder_id, row.id, content)
    seen = phone.get(f"/v1/requests/{made['id']}/preview")
    assert seen.status_code == 200, seen.text
    faults = {each["pointer"]: each["code"] for each in seen.json["errors"]}
    assert (seen.json["ready"], faults) == (False, {"/answers/residence_history/0/from_day": "out_of_range"})
    moves = f"/v1/requests/{made['id']}/moves"
    assert_refused(phone.post(moves, {"action": "submit"}), 422, "invalid_input")
    assert edit(phone, made, lived("1960-01-01")).status_code == 200
    assert phone.post(moves, {"action": "submit"}).status_code == 200


@pytest.mark.parametrize("media_type", [CSV, XLSX])
@pytest.mark.parametrize(
    ("day", "moment"), [("01/01/0001", "01/01/0001 00:00"), ("31/12/9999", "31/12/9999 23:59")], ids=["first", "last"]
)
def test_a_row_at_an_end_of_the_calendar_is_told_of(phone_of: Make, media_type: str, day: str, moment: str) -> None:
    phone = phone_of("an")
    request_id = notice_draft(phone, PLACE)
    cells = CELLS | {"Ngày sinh": day, "Đến lúc": moment, "Ở đến ngày": day}
    make = csv_of if media_type == CSV else xlsx_of
    data = make(list(CELLS), list(cells.values()), list(CELLS.values()))
    looked = send(phone, request_id, data, media_type)
    assert looked.status_code == 200, looked.text
    faults = {each["column"]: each["code"] for each in looked.json["rows"][0]["faults"]}
    assert faults == dict.fromkeys(("birth_date", "arrived_at", "leaves_on"), "out_of_range")
    assert send(phone, request_id, data, media_type, query=APPLY).json["applied"] == 1
