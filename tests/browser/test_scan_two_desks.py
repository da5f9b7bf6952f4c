"""Pages of one browser that work for different desks: which kept key each takes, and what ends with it.

And for which purpose: that of the gate that a page is, never of another one.
"""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.scanner import VI, need_pages, shot
from tests.browser.showing import BOARDING, Show
from tests.browser.test_scan_gates import at
from tests.browser.test_scan_keeping import beside
from tests.checks.verifier import Desk as Caller
from tests.checks.verifier import purpose_json

need_pages()
QUIET = BOARDING | {"portrait": False}


def new_page(of: Show, caller: Caller | None = None) -> Show:
    """Return another page of the browser, which keeps this desk's key."""
    other = beside(of)
    other.desk.open()
    if caller:
        other.use(caller, keep=True)
    return other


def waiting(of: Show) -> int:
    """Return how many receipts wait in this browser, of whichever desk."""
    return len(set(re.findall(r"rcp_[0-9a-f]{32}", of.desk.kept())))


def delete_key(of: Show) -> None:
    of.settings()
    of.page.get_by_role("button", name=VI["set.desk_forget"]).click()
    expect(of.page.locator("#desk")).to_be_visible()
    of.close()


def assert_desk(of: Show, gate_id: str) -> None:
    of.settings()
    expect(of.page.locator(".desk b")).to_contain_text(gate_id)
    of.close()


def reopened(of: Show) -> None:
    of.page.reload()
    of.page.wait_for_selector(".strip.fresh")


def test_reload_leaves_each_page_its_desk_and_the_receipts_of_both(show: Show) -> None:
    before = show.offline_looks()
    show.desk.open()
    one, two = show.organisation(QUIET, at="QUAY-1"), show.organisation(QUIET, at="QUAY-2")
    show.page.context.route("**/v1/verifier/receipts", lambda route: route.abort())
    show.use(one, keep=True)
    other = new_page(show)
    assert_desk(other, "QUAY-1")  # the only one that is kept
    delete_key(other)
    other.use(two, keep=True)
    show.check_without_server(show.code())
    other.check_without_server(other.code())
    for page, gate_id in ((show, "QUAY-1"), (other, "QUAY-2"), (show, "QUAY-1")):
        reopened(page)
        assert_desk(page, gate_id)
        expect(page.page.locator("header .gate")).to_contain_text(gate_id)
        assert waiting(show) == 2
    show.page.context.unroute("**/v1/verifier/receipts")
    show.reconnect()
    other.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 2


def test_page_whose_key_was_not_kept_is_no_other_desk_after_a_reload(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation(QUIET, at="QUAY-1"))
    new_page(show, show.organisation(QUIET, at="QUAY-2"))
    reopened(show)
    expect(show.page.locator(".strip")).to_contain_text(VI["trust.online"])
    expect(show.page.locator("header .gate")).to_contain_text("QUAY-1")


def test_key_goes_from_the_device_with_the_last_page_that_gives_it_back(show: Show) -> None:
    show.desk.open()
    one = show.organisation(QUIET, at="QUAY-1")
    show.use(one, keep=True)
    other = new_page(show)
    delete_key(other)
    assert one.headers["X-Desk-Key"] in show.desk.kept()
    reopened(other)
    expect(other.page.locator(".strip")).to_contain_text(VI["trust.online"])
    delete_key(show)
    show.wait_until_kept(one.headers["X-Desk-Key"], expected=False)


def test_of_several_keys_that_are_kept_somebody_says_which_is_used(show: Show) -> None:
    show.desk.open()
    one, two = show.organisation(QUIET, at="QUAY-1"), show.organisation(QUIET, at="QUAY-2")
    first = new_page(show, one)
    delete_key(first)
    first.use(one, keep=True)
    second = new_page(show)
    delete_key(second)
    second.use(two, keep=True)
    second.page.route("**/v1/verifier/receipts", lambda route: route.abort())
    second.check_without_server(second.code())
    for each in (first, second):
        each.page.close()
    newest = new_page(show)
    expect(newest.page.locator(".strip")).to_contain_text(VI["trust.online"])
    assert waiting(newest) == 1  # whose key is kept
    newest.settings()
    expect(newest.page.locator(".desk .kept")).to_have_count(2)
    assert Axe().run(newest.page).response["violations"] == []
    newest.page.locator(".desk .kept").first.scroll_into_view_if_needed()
    shot(newest.page, "keys-kept")
    newest.page.click(".desk .kept:has-text('QUAY-2')")
    expect(newest.page.locator(".desk b")).to_contain_text("QUAY-2")
    newest.close()
    newest.reconnect()
    newest.wait_until_none_waits()
    expect(newest.page.locator("header .gate")).to_contain_text("QUAY-2")
    reopened(newest)
    assert_desk(newest, "QUAY-2")


ROADSIDE = purpose_json("roadside", title={"vi": "Kiểm tra xe", "en": "Roadside"})


def assert_purpose(of: Show, code: str) -> None:
    of.settings()
    expect(of.page.locator("#purpose")).to_have_value(code)
    of.close()


def test_purpose_ends_with_the_gate_that_it_was_for(show: Show) -> None:
    page = show.page
    show.desk.open("drivers")
    show.use(show.organisation(QUIET, ROADSIDE), keep=True)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if each.url.endswith("/checks") else None)
    at(show.desk, "any")
    expect(page.locator(".strip .lacking")).to_have_text(VI["trust.no_purpose"])
    show.desk.wedge(show.code())
    show.desk.outcome("valid")
    show.desk.next()
    assert asked == []
    show.settings()
    show.choose_purpose("boarding")
    show.close()
    reopened(show)
    assert_purpose(show, "boarding")
    at(show.desk, "any")
    assert_purpose(show, "boarding")  # the gate is the same
    at(show.desk, "drivers")
    assert_purpose(show, "roadside")
    at(show.desk, "adults")
    assert_purpose(show, "")
    reopened(show)
    expect(page.locator(".strip .lacking")).to_have_text(VI["trust.no_purpose"])


def test_page_at_another_gate_takes_a_kept_key_without_its_purpose(show: Show) -> None:
    show.desk.open("any")
    other = new_page(show)
    at(other.desk, "drivers")
    other.use(show.organisation(QUIET, ROADSIDE), keep=True)
    assert_purpose(other, "roadside")
    show.settings()
    at_kept = show.page.locator(".desk .kept")
    expect(at_kept).to_have_count(1)
    show.gate.server.stop()
    at_kept.click()
    expect(show.page.locator("#purpose")).to_have_value("")
    show.gate.server.start()
    show.close()
    reopened(other)
    assert_purpose(other, "roadside")
    expect(other.page.locator(".strip")).to_contain_text(VI["trust.asking"])
