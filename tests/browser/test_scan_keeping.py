"""What the scanner keeps, beside another page, on a full disk, by a wrong clock; and what it says where it cannot."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Response
from playwright.sync_api import Page, Route, expect

from tests.browser.gate import film
from tests.browser.scanner import EN, HIDDEN, SET_UP, VI, Desk, Gate, assert_fits, need_pages, shot, wait_until, watched
from tests.browser.showing import Show
from tests.checks.verifier import purpose_json
from wallet.web import scan

need_pages()
FULL = """(() => { const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...all) {
    if (window.full || localStorage.getItem("full")) throw new DOMException("full", "QuotaExceededError");
    return put.apply(this, all); }; })()"""
SHUT = """Object.defineProperty(IDBFactory.prototype, "open",
  {value() { throw new DOMException("shut", "UnknownError"); }})"""
CHOSEN_TWICE = purpose_json(claims={"residence": ["full_name"], "identity": ["full_name"]})


def served(monkeypatch: pytest.MonkeyPatch, entry: str, change: Callable[[bytes], bytes]) -> None:
    """Serve a script of the page changed."""
    before = scan._script

    def changed(name: str, policy: str) -> Response:
        response = before(name, policy)
        if name == entry:
            script = response.get_data()
            response.close()  # the file
            response.set_data(change(script))
        return response

    monkeypatch.setattr(scan, "_script", changed)


def beside(show: Show) -> Show:
    """Return another page of the same browser."""
    return Show(show.gate, watched(show.page.context, show.gate), show.phone, show.residence)


def receipts_in(desk: Desk) -> int:
    """Return how many receipts are kept, apart from copies in what is sealed."""
    return desk.kept().count('"receipt":{"id":"rcp_')


def reload_offer(page: Page) -> Any:
    return page.locator(f".toast.calm button:has-text('{VI['reload']}')")


# --- the reader ----------------------------------------------------------------------------------------------------


def throwing(times: str) -> Callable[[bytes], bytes]:
    """Return a worker that cannot make these pictures, of which it counts n."""
    made = f"if ({times}) throw new RangeError('out of memory'); super(...all);"
    head = "(() => { const Made = self.ImageData; let n = 0; self.ImageData = class extends Made {"
    return lambda script: f"{head} constructor(...all) {{ n++; {made} }} }}; }})();\n".encode() + script


def test_reader_that_throws_at_a_picture_reads_the_next(
    filming: Callable[[], Desk], gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, "scan-worker", throwing("n === 1 || n === 2"))
    film(tmp_path / "film.y4m", gate.codes.live())
    desk = filming()
    desk.open()
    desk.outcome("valid")
    desk.next()
    assert desk.page.locator(".notice").count() == 0
    assert desk.complaints == []


def test_reader_that_throws_at_every_picture_is_said_to_be_broken(
    filming: Callable[[], Desk], gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, "scan-worker", throwing("true"))
    film(tmp_path / "film.y4m", gate.codes.live())
    desk = filming()
    desk.open()
    expect(desk.page.locator(".notice")).to_have_text(VI["engine.failed"])
    desk.wedge(gate.codes.live())
    desk.outcome("valid")
    assert desk.complaints == []


# --- a device that keeps nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_check_that_cannot_be_kept_lets_nobody_in(show: Show, lang: str, theme: str) -> None:
    page, desk, words = show.page, show.desk, {"vi": VI, "en": EN}[lang]
    page.add_init_script(FULL)
    desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(show.organisation().headers["X-Desk-Key"])
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)
    page.evaluate("window.full = true")
    paper = show.phone.code_of(show.residence)
    show.gate.server.stop()
    desk.wedge(paper)
    desk.outcome("cannot_tell")
    assert page.inner_text(".todo") == words["outcome.cannot_tell.memory"]
    shot(page, f"full-verdict-{lang}-{theme}")
    desk.next()
    expect(page.locator(".notice h2")).to_have_text(words["store.failed_title"])
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, f"full-notice-{lang}-{theme}")
    show.gate.server.start()
    show.reconnect()
    expect(page.locator(".strip")).to_contain_text(words["trust.asking"])
    assert receipts_in(desk) == 0
    page.evaluate("window.full = false")
    desk.wedge(paper)
    desk.outcome("valid")
    expect(page.locator(".how")).to_contain_text(words["fact.photo_wait"])
    page.click("button.next")
    show.reconnect()
    expect(page.locator(".notice")).to_have_count(0)


def test_full_storage_is_no_dead_network_and_new_lists_are_used(desk: Desk, gate: Gate) -> None:
    page = desk.page
    page.add_init_script(FULL + ";" + SET_UP + "; localStorage.setItem('full', '1')")
    page.goto(gate.url + "/scan")
    page.wait_for_selector(".strip.fresh")
    expect(page.locator(".strip")).to_contain_text(VI["trust.online"])
    expect(page.locator(".notice h2", has_text=VI["store.failed_title"])).to_be_visible()
    desk.wedge(gate.codes.paper())
    desk.outcome("valid")
    desk.next()
    page.evaluate("localStorage.removeItem('full')")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".notice h2", has_text=VI["store.failed_title"])).to_have_count(0)
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    assert '"pins"' in desk.kept()  # what was used was written as soon as it could be
    assert "eyJ" in desk.kept()


def test_storage_that_does_not_open_gives_a_page_that_says_so_and_lets_nobody_in(desk: Desk, gate: Gate) -> None:
    page = desk.page
    page.add_init_script(SHUT + ";" + SET_UP)
    page.goto(gate.url + "/scan")
    expect(page.locator(".strip.none")).to_be_visible()
    expect(page.locator(".strip")).to_contain_text(VI["trust.online"])
    expect(page.locator(".notice h2")).to_have_text([VI["store.failed_title"]])
    shot(page, "shut-notice")
    for code in (gate.codes.paper(), gate.codes.live()):
        desk.wedge(code)
        desk.outcome("cannot_tell")
        assert page.inner_text(".todo") == VI["outcome.cannot_tell.memory"]
        desk.next()


# --- receipts ------------------------------------------------------------------------------------------------------


def test_check_is_on_record_while_the_server_is_still_being_asked(show: Show) -> None:
    page, desk, before = show.page, show.desk, show.offline_looks()
    page.clock.install()
    desk.open()
    show.use(show.organisation(), keep=True)
    page.route("**/v1/verifier/checks", lambda route: None)
    desk.wedge(show.code())
    desk.outcome("valid")  # which waits for no answer
    show.says("checked.asking")
    assert receipts_in(desk) == 1
    show.reconnect()
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    assert show.offline_looks() == before  # its answer may come yet
    page.reload()
    page.unroute("**/v1/verifier/checks")
    page.wait_for_selector(".strip.fresh")
    page.clock.fast_forward(90_000)
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


def test_check_whose_verdict_nobody_saw_leaves_no_receipt(show: Show) -> None:
    """The page is hidden in the moment in which the check is kept."""
    page = show.page
    show.desk.open()
    show.use(show.organisation())
    page.evaluate(
        f"""() => {{ const put = IDBObjectStore.prototype.put;
          IDBObjectStore.prototype.put = function (...all) {{
            if (String(all[1]).startsWith("receipt.")) {{ window.wasKept = true; ({HIDDEN})(true); }}
            return put.apply(this, all); }}; }}"""
    )
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if each.url.endswith("/checks") else None)
    show.desk.wedge(show.code())
    wait_until(page, "window.wasKept")
    page.wait_for_timeout(300)
    show.wait_until_none_waits()
    assert page.locator(".verdict").count() == 0
    assert asked == []


def test_two_pages_with_two_keys_tell_each_in_its_own_name(show: Show, identity: str) -> None:
    show.desk.open()
    one = show.organisation(CHOSEN_TWICE, at="QUAY-A")
    show.use(one)
    other = beside(show)
    other.desk.open()
    second = show.organisation(CHOSEN_TWICE, at="QUAY-B")
    other.use(second)
    codes = show.code(), show.code(identity)
    show.gate.server.stop()
    for page, code in zip((show, other), codes, strict=True):
        page.desk.wedge(code)
        page.says("checked.unreachable")
        page.desk.next()
    sent = show.handed_in(), other.handed_in()
    show.gate.server.start()
    show.reconnect()
    other.reconnect()
    show.wait_until_none_waits()
    told = [[each["document_id"] for request in one for each in request.post_data_json["receipts"]] for one in sent]
    assert told == [[show.residence], [identity]]
    seen = show.phone.get("/v1/me/access-history?limit=2").json["data"]
    assert {each["organisation"]["id"] for each in seen} == {one.organisation, second.organisation}


def test_key_that_another_page_takes_leaves_the_receipts_of_this_one(show: Show) -> None:
    before = show.offline_looks()
    show.desk.open()
    show.use(show.organisation(at="QUAY-A"))
    show.page.route("**/v1/verifier/receipts", lambda route: route.abort())
    show.check_without_server(show.code())
    other = beside(show)
    other.desk.open()
    other.use(show.organisation(at="QUAY-B"))
    assert receipts_in(show.desk) == 1
    other.settings()
    other.page.get_by_role("button", name=VI["set.desk_forget"]).click()
    expect(other.page.locator("#desk")).to_be_visible()
    assert receipts_in(show.desk) == 1
    show.page.unroute("**/v1/verifier/receipts")
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


def test_receipts_of_a_page_that_was_closed_end_with_its_key(show: Show) -> None:
    other = beside(show)
    other.desk.open()
    other.use(show.organisation(at="QUAY-B"))
    other.page.route("**/v1/verifier/receipts", lambda route: route.abort())
    other.check_without_server(other.code())
    show.desk.open()
    assert receipts_in(show.desk) == 1
    other.page.close()
    show.page.reload()
    show.page.wait_for_selector(".strip.fresh")
    show.wait_until_none_waits()


def test_clock_that_runs_fast_puts_a_check_on_record_as_it_was_shown_and_when_it_was(show: Show) -> None:
    page, desk, before = show.page, show.desk, show.offline_looks()
    page.add_init_script("{ const now = Date.now; Date.now = () => now() + 600000; }")
    desk.open()
    show.use(show.organisation())
    paper, at = show.phone.code_of(show.residence), datetime.now(UTC)
    show.gate.server.stop()
    desk.wedge(paper)
    desk.outcome("cannot_tell")
    show.says("checked.unreachable")
    page.click("button.next")
    sent = show.handed_in()
    show.gate.server.start()
    show.reconnect()
    show.wait_until_none_waits()
    (receipt,) = [each for request in sent for each in request.post_data_json["receipts"]]
    assert receipt["verdict"] == "cannot_tell"
    assert abs(datetime.fromisoformat(receipt["checked_at"]) - at) < timedelta(seconds=10)
    assert page.locator(".strip .refused").count() == 0
    assert show.offline_looks() == before + 1


def test_receipt_that_is_of_the_future_waits_for_it_and_holds_up_no_other(show: Show) -> None:
    page, before = show.page, show.offline_looks()
    page.clock.install()
    show.desk.open()
    show.use(show.organisation())
    sent = show.handed_in()

    def spoil(route: Route) -> None:
        order = route.request.post_data_json
        order["receipts"][0]["checked_at"] = f"{datetime.now(UTC) + timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}"
        route.continue_(post_data=json.dumps(order))

    page.route("**/v1/verifier/receipts", spoil, times=1)
    show.check_without_server(show.code(), show.code())
    show.reconnect()
    show.wait_until_kept('"notBefore"')
    wait_until(page, lambda: show.offline_looks() == before + 1)
    assert [len(each.post_data_json["receipts"]) for each in sent] == [2, 1]
    assert page.locator(".strip .refused").count() == 0
    show.settings()
    expect(page.locator(".desk .warn")).to_have_text(VI["set.receipts"].format(n=1))
    page.clock.fast_forward(3700_000)
    show.wait_until_none_waits()
    assert sum(len(each.post_data_json["receipts"]) for each in sent) == 4


# --- a new version -------------------------------------------------------------------------------------------------


def newer(script: bytes) -> bytes:
    return script + b"\n// newer\n"


def installed(desk: Desk) -> None:
    desk.open()
    desk.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    desk.page.reload()
    desk.page.wait_for_selector(".strip.fresh")


def test_new_version_is_not_offered_while_it_would_cost_receipts(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    page, before = show.page, show.offline_looks()
    installed(show.desk)
    show.use(show.organisation())
    page.route("**/v1/verifier/receipts", lambda route: route.abort())
    show.check_without_server(show.code())
    served(monkeypatch, "scan-sw", newer)
    page.evaluate("navigator.serviceWorker.getRegistration('/scan').then((it) => it.update()).then(() => true)")
    wait_until(page, "navigator.serviceWorker.getRegistration('/scan').then((it) => it.waiting !== null)")
    page.wait_for_timeout(300)
    assert reload_offer(page).count() == 0
    page.unroute("**/v1/verifier/receipts")
    show.reconnect()
    expect(reload_offer(page)).to_be_visible()
    assert show.offline_looks() == before + 1


def test_new_version_that_another_page_took_is_one_tap_away(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(desk)
    served(monkeypatch, "scan-sw", newer)
    desk.page.reload()
    expect(reload_offer(desk.page)).to_be_visible()
    other = watched(desk.page.context, gate)
    other.page.goto(gate.url + "/scan")
    expect(reload_offer(other.page)).to_be_visible()
    with desk.page.expect_navigation():
        reload_offer(desk.page).click()
    other.page.wait_for_timeout(500)
    with other.page.expect_navigation():
        reload_offer(other.page).click()
    other.page.wait_for_selector(".strip.fresh")
    expect(reload_offer(other.page)).to_have_count(0)


# --- the page itself ------------------------------------------------------------------------------------------------


@contextmanager
def failing(gate: Gate, path: str) -> Iterator[None]:
    """Let the server fail at one address."""
    app, inner = gate.server.app, gate.server.app.wsgi_app

    def served_or_not(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"] != path:
            return inner(environ, start)
        start("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b""]

    app.wsgi_app = served_or_not
    try:
        yield
    finally:
        app.wsgi_app = inner


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
@pytest.mark.parametrize("path", ["/scan/icon.svg", "/scan/sw.js"])
def test_page_that_is_not_stored_says_so_until_it_is(desk: Desk, gate: Gate, path: str, lang: str, theme: str) -> None:
    page, words = desk.page, {"vi": VI, "en": EN}[lang]
    with failing(gate, path):
        desk.open(lang=lang, theme=theme)
        page.evaluate("dispatchEvent(new Event('online'))")
        page.wait_for_timeout(1000)
        expect(page.locator(".strip .unstored")).to_have_text(words["trust.unstored"])
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert Axe().run(page).response["violations"] == []
        shot(page, f"unstored-{path[-3:]}-{lang}-{theme}")
        desk.wedge(gate.codes.live())
        desk.outcome("valid")
        assert_fits(page)
        desk.next()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".strip .unstored")).to_have_count(0)
    gate.server.stop()
    page.reload()
    expect(page.locator(".strip.fresh")).to_be_visible()
    assert page.locator(".strip .unstored").count() == 0
    gate.server.start()
    desk.loses_service = True


# --- the count ------------------------------------------------------------------------------------------------------


def test_two_pages_count_one_shift(desk: Desk, gate: Gate) -> None:
    desk.open()
    other = watched(desk.page.context, gate)
    other.open()
    for _ in range(3):
        desk.wedge(gate.codes.live())
        desk.outcome("valid")
        desk.next()
    other.wedge(gate.codes.live(ago=200))
    other.outcome("live_too_old")
    other.next()
    for page in (other.page, desk.page):
        page.reload()
        page.wait_for_selector(".strip.fresh")
        page.click(f'button[aria-label="{VI["settings"]}"]')
        assert page.locator(".tally dd").all_inner_texts() == ["3", "0", "1"]
