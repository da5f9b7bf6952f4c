"""Which gate a page of the scanner is: one that the service has no more, and two pages of one browser at two gates."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.gate import NAME, REVOKED, YOUNG
from tests.browser.scanner import EN, PROFILES, VI, Desk, Gate, need_pages, shot, watched
from tests.browser.showing import BOARDING, Show
from wallet.web import scan

need_pages()


def served_gates(monkeypatch: pytest.MonkeyPatch, **changes: dict[str, Any] | None) -> None:
    """Let the service tell of other gates from now on: by code what is changed, None where one is gone."""
    told = [each | (changes.get(each["code"]) or {}) for each in PROFILES if changes.get(each["code"], {}) is not None]
    monkeypatch.setattr(scan, "profiles", lambda: told)


def refresh(desk: Desk) -> None:
    """Let the page ask what there is, and wait until it has heard."""
    with desk.page.expect_response("**/v1/trust/bundle"):
        desk.page.evaluate("dispatchEvent(new Event('online'))")


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_gate_that_is_gone_takes_nobody_until_one_is_chosen(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch, lang: str, theme: str
) -> None:
    page, words = desk.page, {"vi": VI, "en": EN}[lang]
    desk.open("adults", lang=lang, theme=theme)
    served_gates(monkeypatch, adults=None)
    refresh(desk)
    expect(page.locator(".choose .warn")).to_have_text(words["profile.gone"])
    assert page.locator("input[name=profile]:checked").count() == 0
    assert Axe().run(page).response["violations"] == []
    shot(page, f"gate-gone-{lang}-{theme}")
    for claims in ({}, {"claims": YOUNG}):
        desk.wedge(gate.codes.live(gate.codes.card(**claims)))
        desk.outcome("cannot_tell")
        assert page.inner_text(".todo") == words["outcome.cannot_tell.no_gate"]
        assert NAME not in page.content()
        shot(page, f"gate-gone-verdict-{lang}-{theme}")
        desk.next()
    desk.wedge(gate.codes.live(gate.codes.card(index=REVOKED)))
    desk.outcome("revoked")
    assert NAME not in page.content()
    desk.next()
    page.click("button.start")
    expect(page.locator("form.choose")).to_be_visible()
    page.reload()
    expect(page.locator(".choose .warn")).to_have_text(words["profile.gone"])
    page.check("input[value=of_age]")
    page.click("button.start")
    desk.wedge(gate.codes.live(gate.codes.card(claims=YOUNG)))
    desk.outcome("not_accepted")


def test_visitor_who_stands_there_is_seen_to_before_a_gate_is_chosen_anew(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open("adults")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")
    desk.page.click("button.hold")
    served_gates(monkeypatch, adults=None)
    refresh(desk)
    desk.page.wait_for_timeout(500)
    desk.outcome("valid")
    assert NAME not in desk.page.content()
    desk.next()
    expect(desk.page.locator(".choose .warn")).to_be_visible()


def test_gate_whose_rules_change_judges_by_the_new_ones(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open("adults")
    served_gates(monkeypatch, adults={"min_age": 90})
    refresh(desk)
    desk.wedge(gate.codes.live())
    desk.outcome("not_accepted")
    assert desk.page.inner_text(".todo") == VI["rule.age"].format(n=90)


def test_nobody_is_taken_before_a_gate_was_chosen(desk: Desk, gate: Gate) -> None:
    desk.page.goto(gate.url + "/scan")
    desk.page.wait_for_selector("form.choose")
    expect(desk.page.locator(".strip.fresh")).to_be_visible()
    desk.wedge(gate.codes.live())
    desk.outcome("cannot_tell")
    assert desk.page.inner_text(".todo") == VI["outcome.cannot_tell.no_gate"]
    desk.next()
    assert desk.page.locator("input[value=any]").is_checked()


def at(desk: Desk, profile: str, gate_id: str = "") -> None:
    """Choose a gate at a page by hand; its id where no desk's key says it."""
    desk.page.click(f'button[aria-label="{VI["settings"]}"]')
    desk.page.click(f'button:has-text("{VI["profile.change"]}")')
    desk.page.check(f"input[value={profile}]")
    if gate_id:
        desk.page.fill("#gate", gate_id)
    desk.page.click("button.start")


def test_each_page_of_a_browser_stays_the_gate_that_it_is(desk: Desk, gate: Gate) -> None:
    desk.open("any")
    other = watched(desk.page.context, gate)
    other.open()
    at(other, "adults", "CUA-9")
    desk.page.click(f'button:has-text("{VI["other_language"]}")')
    for page, named in ((other.page, "Over 18 · CUA-9"), (desk.page, "General desk · CUA-3")):
        page.reload()
        expect(page.locator("header .gate")).to_have_text(named)
    other.wedge(gate.codes.live(gate.codes.card(claims=YOUNG)))
    other.outcome("not_accepted")
    newest = watched(desk.page.context, gate)
    newest.page.goto(gate.url + "/scan")
    expect(newest.page.locator("header .gate")).to_have_text("Over 18 · CUA-9")  # what was chosen last
    assert other.complaints == newest.complaints == []


def test_what_one_page_sets_leaves_what_another_has_set(desk: Desk, gate: Gate) -> None:
    page = desk.page
    desk.open("any")
    other = watched(page.context, gate)
    other.open()
    other.page.click(f'button[aria-label="{VI["settings"]}"]')
    other.page.select_option("#theme", "dark")
    page.click(f'button:has-text("{VI["other_language"]}")')
    for each in (page, other.page):
        each.reload()
        each.wait_for_selector(".strip.fresh")
        assert each.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
            "en",
            "dark",
        ]


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        ({"min_age": 90}, ["policy_refused"]),
        ({"needs": ["birth_date"]}, ["policy_refused"]),
        ({"live_only": True}, ["policy_refused"]),
        ({"utilities": ["identity"]}, ["policy_refused"]),
        ({}, ["ok"]),
    ],
    ids=["age", "needs", "live", "utility", "taken"],
)
def test_receipt_says_whom_a_rule_of_the_gate_turned_away(
    show: Show, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any], reasons: list[str]
) -> None:
    served_gates(monkeypatch, any=rule)
    show.desk.open("any")
    show.use(show.organisation(BOARDING | {"portrait": False}))
    code = show.phone.code_of(show.residence) if "live_only" in rule else show.code()
    sent = show.handed_in()
    show.check_without_server(code)
    show.reconnect()
    show.wait_until_none_waits()
    (receipt,) = [each for request in sent for each in request.post_data_json["receipts"]]
    assert (receipt["verdict"], receipt["reasons"]) == ("valid", reasons)


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_gate_shows_at_once_what_it_is_there_for(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch, lang: str, theme: str
) -> None:
    page = desk.page
    served_gates(monkeypatch, any={"utilities": ["allergy_card"], "shows": ["allergies", "severe_diseases"]})
    desk.open(lang=lang, theme=theme)
    stated = {1: NAME, 4: 7436, 6: "O+", 7: ["Penicillin", "Aspirin"], 8: ["Hen phế quản"]}
    desk.wedge(gate.codes.live(gate.codes.card(utility="allergy_card", claims=stated)))
    desk.outcome("valid")
    expect(page.locator(".atOnce dd")).to_have_text(["Penicillin, Aspirin", "Hen phế quản"])
    for each in page.locator(".atOnce dd").all():
        expect(each).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("O+")).to_be_hidden()
    page.click("details summary")
    expect(page.get_by_text("O+")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    shot(page, f"gate-shows-{lang}-{theme}")
    desk.next()
    desk.wedge(gate.codes.live())
    desk.outcome("not_accepted")
    assert page.locator(".atOnce").count() == 0
