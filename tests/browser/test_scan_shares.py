"""The scanner while a photo is asked for and while it stands: the document falls, nobody answers, a consent goes."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from sqlalchemy import update

from tests.browser.scanner import EN, VI, assert_fits, need_pages, shot
from tests.browser.showing import TRAVELLING, Show
from tests.checks.test_online import admin_of
from tests.checks.verifier import Desk as Caller
from wallet.checks.online.models import ShareRow
from wallet.documents.revoking import RevocationReason

need_pages()


@pytest.fixture
def identity(show: Show) -> str:
    """A new one, which a test may spoil; it takes the place of the one before."""
    return str(show.phone.post("/v1/requests", {"utility": "identity"}).json["document_id"])


def revoke(show: Show, document_id: str) -> None:
    admin = admin_of(show.gate.wallet)
    with show.gate.wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.DATA_CHANGED, admin)


def show_and_wait(show: Show, document_id: str, lang: str = "vi", theme: str = "auto") -> Caller:
    """Use a desk's key and show a code whose photo is asked for."""
    words, caller = {"vi": VI, "en": EN}[lang], show.organisation(TRAVELLING)
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(caller.headers["X-Desk-Key"])
    expect(show.page.locator(".desk b")).to_be_visible()
    show.close(words)
    show.desk.wedge(show.code_of_identity(document_id))
    expect(show.page.locator(".how")).to_contain_text(words["fact.photo_wait"])
    return caller


def assert_fallen(show: Show, lang: str, outcome: str) -> None:
    """The verdict is red, has no photo, waits for nobody, and was counted once."""
    words = {"vi": VI, "en": EN}[lang]
    show.desk.outcome(outcome)
    assert "bad" in (show.page.get_attribute(".verdict", "class") or "").split()
    assert show.page.locator("img.photo").count() == 0
    assert "photo" not in show.page.inner_text(".how").lower()
    expect(show.page.locator(".next")).to_contain_text(words["next.auto"].format(n=8))
    assert_fits(show.page)
    assert Axe().run(show.page).response["violations"] == []


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
@pytest.mark.parametrize("agreed", [False, True])
def test_green_falls_with_the_document_while_the_photo_is_waited_for(
    show: Show, identity: str, agreed: bool, lang: str, theme: str
) -> None:
    show_and_wait(show, identity, lang, theme)
    if agreed:
        show.decide("agree")
    revoke(show, identity)
    assert_fallen(show, lang, "revoked")
    shot(show.page, f"share-revoked-{agreed}-{lang}-{theme}")
    show.page.click("button.next")
    show.settings({"vi": VI, "en": EN}[lang])
    assert show.page.locator(".tally dd").all_inner_texts() == ["0", "1", "0"]


def test_photo_and_green_fall_with_the_document_on_a_screen_that_is_kept(show: Show, identity: str) -> None:
    show_and_wait(show, identity)
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    show.page.click("button.hold")
    revoke(show, identity)
    expect(show.page.locator("img.photo")).to_have_count(0, timeout=8_000)
    show.desk.outcome("revoked")


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_photo_goes_with_the_consent_and_the_verdict_stands(show: Show, identity: str, lang: str, theme: str) -> None:
    page, words = show.page, {"vi": VI, "en": EN}[lang]
    show_and_wait(show, identity, lang, theme)
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    page.click("button.hold")
    looks = len(show.history())
    page.wait_for_timeout(5000)
    assert page.locator("img.photo").count() == 1
    assert len(show.history()) == looks  # each look is one
    consent = show.phone.get("/v1/me/shares").json["data"][0]["consent_id"]
    assert show.phone.call("DELETE", f"/v1/me/consents/{consent}").status_code == 204
    expect(page.locator("img.photo")).to_have_count(0, timeout=8_000)
    show.desk.outcome("valid")
    expect(page.locator(".how")).to_contain_text(words["fact.photo_ended"])
    assert page.inner_text(".todo") == words["outcome.valid.name"]
    assert_fits(page)
    assert Axe().run(page).response["violations"] == []
    shot(page, f"share-withdrawn-{lang}-{theme}")


def test_photo_goes_at_the_end_of_its_minutes_also_without_network(show: Show, identity: str) -> None:
    page = show.page
    page.clock.install()
    show_and_wait(show, identity)
    show.decide("agree")
    page.clock.run_for(2000)
    expect(page.locator("img.photo")).to_be_visible()
    page.click("button.hold")
    page.context.set_offline(True)
    page.clock.fast_forward(9 * 60_000)
    page.clock.run_for(5000)
    assert page.locator("img.photo").count() == 1
    page.clock.fast_forward(60_000)
    page.clock.run_for(5000)
    expect(page.locator("img.photo")).to_have_count(0)
    show.desk.outcome("valid")


def test_photo_goes_with_the_key_of_the_desk(show: Show, identity: str) -> None:
    caller = show_and_wait(show, identity)
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    show.page.click("button.hold")
    show.revoke(caller)
    expect(show.page.locator("img.photo")).to_have_count(0, timeout=8_000)
    show.says("checked.key")
    show.desk.outcome("valid")


def problem(status: int, code: str) -> dict[str, Any]:
    return {
        "status": status,
        "content_type": "application/problem+json",
        "headers": {"Retry-After": "1"},
        "body": json.dumps({"code": code, "status": status}),
    }


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (problem(503, "storage_unavailable"), "failed"),
        (problem(429, "too_many_checks"), "quota"),
        ({"status": 502, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"}, "failed"),
    ],
    ids=["fault", "quota", "gateway"],
)
def test_photo_comes_although_the_server_failed_while_it_was_waited_for(
    show: Show, identity: str, fault: dict[str, Any], said: str
) -> None:
    page = show.page
    page.route("**/v1/verifier/shares/*", lambda route: route.fulfill(**fault))
    show_and_wait(show, identity)
    show.says(f"checked.{said}")
    page.unroute("**/v1/verifier/shares/*")
    expect(page.locator(".how .weaker")).to_have_count(0)
    show.says("fact.photo_wait")
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    show.desk.outcome("valid")


@pytest.mark.parametrize("how", ["not_found", "late"])
def test_photo_that_will_never_come_is_not_waited_for(show: Show, identity: str, how: str) -> None:
    page = show.page
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "/shares/" in each.url else None)
    fault = problem(404, "not_found") if how == "not_found" else problem(503, "storage_unavailable")
    page.route("**/v1/verifier/shares/*", lambda route: route.fulfill(**fault))
    show_and_wait(show, identity)
    page.clock.run_for(2000)
    show.says("checked.failed")
    page.click("button.hold")
    if how == "late":
        show.says("fact.photo_wait")
        page.clock.fast_forward(24 * 3600_000)
        page.clock.run_for(3000)
    expect(page.locator(".how")).not_to_contain_text(VI["fact.photo_wait"])
    before = len(asked)
    page.clock.run_for(10_000)
    page.wait_for_timeout(300)
    assert len(asked) == before
    show.desk.outcome("valid")


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_who_does_not_answer_has_refused_nothing(show: Show, identity: str, lang: str, theme: str) -> None:
    words = {"vi": VI, "en": EN}[lang]
    show_and_wait(show, identity, lang, theme)
    asked = show.phone.get("/v1/me/shares").json["data"][0]["id"]
    over = update(ShareRow).where(ShareRow.id == asked).values(answer_until=show.gate.wallet.clock.now())
    with show.gate.wallet.work() as work:
        work.online.rows.session.execute(over)
    expect(show.page.locator(".how")).to_contain_text(words["fact.photo_expired"])
    show.desk.outcome("valid")
    assert_fits(show.page)
    shot(show.page, f"share-expired-{lang}-{theme}")
