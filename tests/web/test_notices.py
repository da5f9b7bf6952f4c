"""The inbox over the API: one's own notices, in one's language, and what of them was read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
NOTICES = "/v1/notices"
NONE = "ntf_" + "0" * 32


@pytest.fixture
def an(phone_of: Make) -> CitizenPhone:
    """A citizen whose inbox is read up to here."""
    phone = phone_of("an")
    assert phone.call("PUT", f"{NOTICES}/read-mark").status_code == 204
    return phone


def tell(wallet: Wallet, phone: CitizenPhone, *codes: str, **values: Any) -> None:
    account_id = phone.get("/v1/me").json["account_id"]
    for code in codes:
        with wallet.work() as work:
            work.contacts.tell(account_id, code, **values)


def page(phone: CitizenPhone, query: str = "", **options: Any) -> dict[str, Any]:
    response = phone.get(NOTICES + query, **options)
    assert response.status_code == 200, response.text
    return dict(response.json or {})


def unread(phone: CitizenPhone) -> int:
    answer = phone.get(f"{NOTICES}/unread-count").json
    assert answer.keys() == {"unread_count"}
    return int(answer["unread_count"])


def test_a_notice_is_read_in_the_callers_language(wallet: Wallet, an: CitizenPhone) -> None:
    tell(wallet, an, "passkey_added", passkey="pky_1")
    response = an.get(NOTICES)
    notice = response.json["data"][0]
    assert notice.keys() == {"id", "code", "title", "body", "values", "created_at"}
    assert (notice["code"], notice["values"]) == ("passkey_added", {"passkey": "pky_1"})
    assert notice["title"] == "Đã thêm khóa truy cập"
    assert notice["created_at"] == "2026-03-02T05:00:00Z"
    assert (response.headers["Content-Language"], response.headers["Vary"]) == ("vi", "Accept-Language")
    assert response.headers["Cache-Control"] == "private, no-store"
    english = an.get(NOTICES, headers={"Accept-Language": "en"})
    assert english.json["data"][0]["title"] == "Passkey added"
    assert english.headers["Content-Language"] == "en"


def test_newest_come_first_page_by_page(wallet: Wallet, an: CitizenPhone, clock: FixedClock) -> None:
    codes = ["export_made", "device_bound", "password_changed", "account_unlocked"]
    for code in codes:
        clock.advance(seconds=1)
        tell(wallet, an, code)
    first = page(an, "?limit=3")
    assert [notice["code"] for notice in first["data"]] == codes[:0:-1]
    assert first["unread_count"] == 4
    second = page(an, f"?limit=3&cursor={first['next_cursor']}")
    assert second["data"][0]["code"] == codes[0]


def test_the_first_mark_counts_and_more_do_nothing(wallet: Wallet, an: CitizenPhone, clock: FixedClock) -> None:
    tell(wallet, an, "export_made", "device_bound")
    notice = page(an)["data"][0]["id"]
    for _ in range(2):
        response = an.call("PUT", f"{NOTICES}/{notice}/read-mark")
        assert (response.status_code, response.data) == (204, b"")
        clock.advance(seconds=30)
    marked = next(each for each in page(an)["data"] if each["id"] == notice)
    assert marked["read_at"] == "2026-03-02T05:00:00Z"
    assert unread(an) == page(an)["unread_count"] == 1


def test_all_are_marked_at_once(wallet: Wallet, an: CitizenPhone) -> None:
    tell(wallet, an, "export_made", "device_bound", "account_unlocked")
    assert unread(an) == 3
    assert an.call("PUT", f"{NOTICES}/read-mark").status_code == 204
    assert unread(an) == 0
    assert all("read_at" in notice for notice in page(an)["data"])


def test_a_device_alone_reads_its_inbox(phone_of: Make) -> None:
    assert "unread_count" in page(phone_of("binh", password=False))


def test_somebody_elses_notice_is_not_found(
    wallet: Wallet, an: CitizenPhone, phone_of: Make, unchanged: Unchanged
) -> None:
    tell(wallet, an, "export_made")
    notice = page(an)["data"][0]["id"]
    stranger = phone_of("binh")
    bodies = []
    with unchanged():
        for target in (notice, NONE, "x", "ntf_" + "0" * 200):
            body = assert_refused(stranger.call("PUT", f"{NOTICES}/{target}/read-mark"), 404, "not_found")
            bodies.append({name: body[name] for name in ("title", "detail", "code")})
    assert bodies == bodies[:1] * 4
    assert unread(an) == 1


def test_marking_all_touches_nobody_elses(wallet: Wallet, an: CitizenPhone, phone_of: Make) -> None:
    tell(wallet, an, "export_made")
    phone_of("binh").call("PUT", f"{NOTICES}/read-mark")
    assert unread(an) == 1


def test_a_cursor_is_good_for_its_own_inbox_alone(
    wallet: Wallet, an: CitizenPhone, phone_of: Make, unchanged: Unchanged
) -> None:
    tell(wallet, an, "export_made", "device_bound")
    cursor = page(an, "?limit=1")["next_cursor"]
    stranger = phone_of("binh")
    with unchanged():
        assert_refused(stranger.get(f"{NOTICES}?cursor={cursor}"), 400, "invalid_cursor")
        assert_refused(an.get(f"{NOTICES}?cursor={cursor}x"), 400, "invalid_cursor")
        assert_refused(an.get(f"/v1/documents?cursor={cursor}"), 400, "invalid_cursor")
        assert_refused(an.get(f"{NOTICES}?limit=0"), 400, "invalid_parameter")
        assert_refused(an.get(f"{NOTICES}?unread=1"), 400, "unknown_parameter")
        assert_refused(an.get(f"{NOTICES}/unread-count?limit=1"), 400, "unknown_parameter")


def test_without_a_session_there_is_no_inbox(an: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        for method, path in (
            ("GET", NOTICES),
            ("GET", f"{NOTICES}/unread-count"),
            ("PUT", f"{NOTICES}/read-mark"),
            ("PUT", f"{NOTICES}/{NONE}/read-mark"),
        ):
            assert_refused(an.client.open(path, method=method), 401, "missing_token")


def test_an_inbox_is_nobody_elses_business(an: CitizenPhone, phone_of: Make, unchanged: Unchanged) -> None:
    """A guardian reads their own: what a ward is told stays with the ward's account."""
    other = phone_of("binh").get("/v1/me").json["account_id"]
    with unchanged():
        assert_refused(an.get(NOTICES, headers={"Acting-For": other}), 403, "not_for_wards")
