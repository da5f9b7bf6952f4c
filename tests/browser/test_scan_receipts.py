"""What a desk tells of checks about which the server was not asked: it waits, is told once, or is refused and said."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Route, expect

from tests.browser.gate import NAME
from tests.browser.scanner import EN, VI, need_pages, shot
from tests.browser.showing import BOARDING, Show
from wallet.crypto.keystore import Role

need_pages()


def test_check_without_server_is_told_once_it_answers_and_names_nobody_until_then(show: Show) -> None:
    page, desk, before = show.page, show.desk, show.offline_looks()
    desk.open()
    show.use(show.organisation())
    sent = show.handed_in()
    show.check_without_server(show.code(), show.gate.codes.live(ago=120))
    kept = desk.kept()
    assert kept.count('"id":"rcp_') == 2
    assert f'"document_id":"{show.residence}"' in kept
    persona = show.phone.persona
    for personal in (persona.name, persona.number, NAME, "1990", "VL1:"):
        assert personal not in kept
    assert show.offline_looks() == before
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1
    (order,) = [each.post_data_json for each in sent if each.post_data_json["receipts"]]
    assert sorted(each["verdict"] for each in order["receipts"]) == ["invalid", "valid"]
    assert order["counts"] == {"valid": 1, "invalid": 1}
    assert {name for each in order["receipts"] for name in each} == {
        "id",
        "document_id",
        "checked_at",
        "purpose",
        "verdict",
        "reasons",
        "asked",
    }
    show.reconnect()
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    assert show.offline_looks() == before + 1


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_receipts_that_wait_are_said_and_end_with_the_key(show: Show, lang: str, theme: str) -> None:
    page, words = show.page, {"vi": VI, "en": EN}[lang]
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(show.organisation().headers["X-Desk-Key"])
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)
    show.gate.server.stop()
    show.desk.wedge(show.code())
    expect(page.locator(".how")).to_contain_text(words["checked.unreachable"])
    show.desk.next()
    show.settings(words)
    expect(page.locator(".desk .warn")).to_have_text(words["set.receipts"].format(n=1))
    page.locator(".desk").scroll_into_view_if_needed()
    assert Axe().run(page).response["violations"] == []
    shot(page, f"receipts-{lang}-{theme}")
    page.get_by_role("button", name=words["set.desk_forget"]).click()
    expect(page.locator("#desk")).to_be_visible()
    show.wait_until_none_waits()
    assert show.residence not in show.desk.kept()


def test_receipts_are_no_other_desks(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    show.check_without_server(show.code())
    sent = show.handed_in()
    show.page.reload()  # the key was not kept, and what it was for goes with it
    show.page.wait_for_selector(".strip.fresh")
    show.use(show.organisation())
    show.reconnect()
    expect(show.page.locator(".strip")).to_contain_text(VI["trust.asking"])
    assert "rcp_" not in show.desk.kept()
    assert sent == []


def test_kept_key_tells_after_the_page_was_opened_anew(show: Show) -> None:
    before = show.offline_looks()
    show.desk.open()
    show.use(show.organisation(), keep=True)
    show.check_without_server(show.code())
    show.page.reload()
    show.page.wait_for_selector(".strip.fresh")
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


def test_check_that_the_server_answered_makes_no_receipt(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation(BOARDING | {"portrait": False}))
    sent = show.handed_in()
    show.desk.wedge(show.code())
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    assert "rcp_" not in show.desk.kept()
    show.reconnect()
    expect(show.page.locator(".strip")).to_contain_text(VI["trust.asking"])
    assert sent == []


def answer_as_of_a_revoked_key(route: Route) -> None:
    """Answer as the service does once the key that signed a code is revoked, of which the page has not heard."""
    response = route.fetch()
    ended = {
        "verdict": "invalid",
        "accepted": False,
        "reasons": ["key_not_allowed"],
        "checked": ["code", "shape", "key"],
    }
    kept = ("holder_binding", "checked_at", "bundle_age_seconds", "sample_mark")
    body = {name: response.json()[name] for name in kept} | ended
    route.fulfill(response=response, body=json.dumps(body))


def test_look_at_whoever_was_read_by_a_key_that_the_server_trusts_no_more_is_told_by_a_receipt(show: Show) -> None:
    page, desk, before = show.page, show.desk, show.offline_looks()
    desk.open()
    show.use(show.organisation(BOARDING | {"portrait": False}))
    sent = show.handed_in()
    page.route("**/v1/verifier/checks", answer_as_of_a_revoked_key)
    desk.wedge(show.code())
    desk.outcome("key_not_allowed")
    desk.next()
    desk.wedge(show.gate.codes.live(show.gate.codes.card(signer=show.gate.wallet.keystore.signer(Role.DOCUMENT))))
    desk.outcome("key_not_allowed")
    show.reconnect()
    show.wait_until_none_waits()
    (receipt,) = [receipt for each in sent for receipt in each.post_data_json["receipts"]]
    assert (receipt["verdict"], receipt["reasons"]) == ("invalid", ["key_not_allowed"])
    assert "asked" not in receipt, "the answer came, and named nobody"
    assert show.offline_looks() == before + 1


def test_check_beyond_the_quota_is_told_all_the_same(show: Show) -> None:
    before = show.offline_looks()
    show.desk.open()
    one = BOARDING | {"portrait": False, "quotas": {"citizens_an_hour": 1000, "checks_a_minute": 1}}
    show.use(show.organisation(one))
    show.desk.wedge(show.code())
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    show.desk.next()
    show.desk.wedge(show.code())
    show.says("checked.quota")
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


def test_receipt_whose_answer_was_lost_counts_once(show: Show) -> None:
    before = show.offline_looks()
    show.desk.open()
    show.use(show.organisation())
    sent = show.handed_in()

    def lose(route: Route) -> None:
        assert route.fetch().status == 204
        route.abort()

    show.page.route("**/v1/verifier/receipts", lose, times=1)
    show.check_without_server(show.code())
    with show.page.expect_event("requestfailed", lambda each: each.url.endswith("/receipts")):
        show.reconnect()
    assert "rcp_" in show.desk.kept()
    show.reconnect()
    show.wait_until_none_waits()
    assert len(sent) == 2
    assert sent[0].headers["idempotency-key"] == sent[1].headers["idempotency-key"]
    assert sent[0].post_data == sent[1].post_data
    assert show.offline_looks() == before + 1


PROBLEM = {"content_type": "application/problem+json", "body": '{"code": "dependency_unavailable"}'}
PORTAL = {"content_type": "text/html", "body": "<h1>Wi-Fi</h1>"}


@pytest.mark.parametrize(
    ("status", "answer"), [(503, PROBLEM), (429, PROBLEM), (403, PROBLEM), (404, PROBLEM), (404, PORTAL), (422, PORTAL)]
)
def test_receipt_waits_for_what_passes(show: Show, status: int, answer: dict[str, str]) -> None:
    before = show.offline_looks()
    show.desk.open()
    show.use(show.organisation())
    show.page.route("**/v1/verifier/receipts", lambda route: route.fulfill(status=status, **answer), times=1)
    show.check_without_server(show.code())
    with show.page.expect_response("**/v1/verifier/receipts"):
        show.reconnect()
    assert "rcp_" in show.desk.kept()
    assert show.offline_looks() == before
    show.page.wait_for_timeout(100)  # the answer is read before another try may begin
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


def test_receipt_that_is_refused_for_good_holds_up_no_other(show: Show) -> None:
    """The service itself refuses one of two: its purpose is none of the desk's."""
    before = show.offline_looks()
    show.desk.open()
    show.use(show.organisation())
    sent = show.handed_in()

    def spoil(route: Route) -> None:
        order = route.request.post_data_json
        order["receipts"][0]["purpose"] = "none_of_these"
        route.continue_(post_data=json.dumps(order))

    show.page.route("**/v1/verifier/receipts", spoil, times=1)
    show.check_without_server(show.code(), show.code())
    show.reconnect()
    show.wait_until_none_waits()
    assert [len(each.post_data_json["receipts"]) for each in sent] == [2, 1]
    assert sent[1].post_data_json["counts"] == {"valid": 2}
    assert show.offline_looks() == before + 1


LONG_AGO = "2020-01-01T00:00:00Z"
ONE_OF_LONG_AGO = """async (moment) => {
  const asked = indexedDB.open("viso-scan");
  const db = await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
  const change = db.transaction("kept", "readwrite"), all = change.objectStore("kept");
  const walk = all.openCursor(IDBKeyRange.bound("receipt.", "receipt.~"), "prev");
  walk.onsuccess = () => { const {value} = walk.result; value.receipt.checked_at = moment; walk.result.update(value); };
  await new Promise((done) => { change.oncomplete = done; });
  db.close();
}"""


@pytest.mark.parametrize(
    "spoilt",
    [
        {"purpose": ("purpose", "none_of_these"), "time": ("checked_at", LONG_AGO)},
        {"other": ("verdict", "perhaps")},
    ],
    ids=["purpose and time", "other"],
)
@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_receipts_that_are_refused_are_said_with_why_until_somebody_has_read_it(
    show: Show, lang: str, theme: str, spoilt: dict[str, tuple[str, str]]
) -> None:
    """The service itself refuses them: for what is changed on the way, or because one was kept for too long."""
    page, words, caller = show.page, {"vi": VI, "en": EN}[lang], show.organisation()
    before, told = show.offline_looks(), words["trust.refused"].format(n=len(spoilt))
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(caller.headers["X-Desk-Key"], keep=True)
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)

    def spoil(route: Route) -> None:
        order = route.request.post_data_json
        fresh = [each for each in order["receipts"] if each["checked_at"] != LONG_AGO]
        for receipt, (member, value) in zip(fresh, spoilt.values(), strict=False):
            receipt[member] = value
        route.continue_(post_data=json.dumps(order))

    page.route("**/v1/verifier/receipts", spoil, times=1)
    show.gate.server.stop()
    for _ in spoilt:
        show.desk.wedge(show.code())
        expect(page.locator(".how")).to_contain_text(words["checked.unreachable"])
        show.desk.next()
    assert page.locator(".strip .refused").count() == 0
    if "time" in spoilt:
        page.evaluate(ONE_OF_LONG_AGO, LONG_AGO)
    show.gate.server.start()
    show.reconnect()
    expect(page.locator(".strip .refused")).to_have_text(told)
    show.wait_until_none_waits()
    assert show.offline_looks() == before
    shot(page, f"refused-strip-{lang}-{theme}-{len(spoilt)}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.reload()
    expect(page.locator(".strip .refused")).to_have_text(told)
    kept = show.desk.kept()
    for gone in ("rcp_", "document_id", show.residence, show.phone.persona.name, show.phone.persona.number):
        assert gone not in kept
    show.desk.wedge(show.code())
    show.desk.outcome("valid")
    assert page.locator(".strip .refused").count() == 0
    show.desk.next()
    show.settings(words)
    expect(page.locator(".refusals .warn")).to_have_text([words[f"set.refused_{why}"].format(n=1) for why in spoilt])
    page.locator(".refusals").scroll_into_view_if_needed()
    assert Axe().run(page).response["violations"] == []
    shot(page, f"refused-desk-{lang}-{theme}-{len(spoilt)}")
    page.get_by_role("button", name=words["set.refused_read"]).click()
    expect(page.locator(".refusals")).to_have_count(0)
    expect(page.locator(".desk")).to_be_focused()
    assert page.locator(".strip .refused").count() == 0
    assert '"refused":{}' in show.desk.kept()


def test_what_was_refused_ends_with_the_key(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    problem = {"content_type": "application/problem+json", "body": '{"code": "body_too_large"}'}
    show.page.route("**/v1/verifier/receipts", lambda route: route.fulfill(status=413, **problem), times=1)
    show.check_without_server(show.code())
    show.reconnect()
    expect(show.page.locator(".strip .refused")).to_have_text(VI["trust.refused"].format(n=1))
    show.settings()
    show.page.get_by_role("button", name=VI["set.desk_forget"]).click()
    expect(show.page.locator("#desk")).to_be_visible()
    expect(show.page.locator(".strip .refused")).to_have_count(0)
    assert "refused" not in show.desk.kept()


def test_training_makes_no_receipt(show: Show) -> None:
    page = show.page
    sample = {"key": "valid", "code": show.gate.codes.live(), "times": 1, "title": {"vi": "mẫu", "en": "sample"}}
    page.route("**/v1/sandbox/test-codes", lambda route: route.fulfill(json={"data": [sample]}))
    show.desk.open()
    show.use(show.organisation())
    show.settings()
    page.click("text=" + VI["set.training"])
    expect(page.locator(".samples button")).to_have_count(1)
    show.gate.server.stop()
    page.locator(".samples button").click()
    show.desk.outcome("valid")
    page.wait_for_timeout(300)
    assert "rcp_" not in show.desk.kept()


def test_check_whose_answer_was_lost_is_one_look_of_its_holder(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation(BOARDING | {"portrait": False}))
    seen = show.history()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    show.page.route("**/v1/verifier/checks", lose, times=1)
    show.desk.wedge(show.code())
    show.says("checked.unreachable")
    show.reconnect()
    show.wait_until_none_waits()
    now = show.history()
    assert [each["way"] for each in now[: len(now) - len(seen)]] == ["online"]


def test_page_that_is_opened_beside_it_takes_no_receipts_away(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    before = show.offline_looks()
    show.check_without_server(show.code())
    beside = show.page.context.new_page()
    beside.goto(show.gate.url + "/scan")
    beside.wait_for_selector(".strip.fresh")
    assert "rcp_" in show.desk.kept()
    beside.close()
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1
